/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The last steps before a container's program runs: its standard descriptors,
 * its user, its capabilities, its directory. Everything here is read from the
 * container's own files (its passwd may be hostile: it is only ever compared with
 * and parsed for numbers) and what is given up is given up for good.
 */
#include "sup.h"

#include "../lib/io.h"
#include "../lib/signame.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { GROUPS_MAX = 64, ID_MAX = 0x7fffffff, ACCOUNT_FILE_MAX = 1 << 20, CAPS = 64, SIGNALS = 64 };

struct identity {
    uid_t uid;
    gid_t gid;
    gid_t groups[GROUPS_MAX];
    size_t ngroups;
    char home[256];
};

/* /etc/passwd or /etc/group as a string; empty if there is no such plain file. */
static char *read_accounts(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    char *text = NULL;

    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size < ACCOUNT_FILE_MAX) {
        text = calloc(1, (size_t)st.st_size + 1);
        if (text != NULL && io_read_full(fd, text, (size_t)st.st_size) < 0)
            text[0] = '\0';
    }
    if (fd >= 0)
        close(fd);
    return text != NULL ? text : calloc(1, 1);
}

/* Cuts the next line off *text and splits it at colons. False at the end. */
static bool next_line(char **text, char *fields[], size_t max, size_t *count)
{
    char *line;

    if (*text == NULL || **text == '\0')
        return false;
    line = strsep(text, "\n");
    for (*count = 0; *count < max && line != NULL;)
        fields[(*count)++] = strsep(&line, ":");
    return true;
}

static bool parse_id(const char *text, uid_t *id)
{
    unsigned long n;
    char *end;

    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    n = strtoul(text, &end, 10);
    if (*end != '\0' || errno != 0 || n > ID_MAX)
        return false;
    *id = (uid_t)n;
    return true;
}

/*
 * What consists of digits is a number and never looked up as a name: an image that calls its
 * user 0 "1000" would be root under `-u 1000`. False with *e set: a number that is no ID.
 */
static bool take_number(const char *text, bool *is_number, uid_t *id, struct err *e)
{
    *is_number = *text != '\0' && text[strspn(text, "0123456789")] == '\0';
    if (!*is_number || parse_id(text, id))
        return true;
    err_set(e, 125, "invalid ID %s: uids and gids must be in range 0-%d", text, ID_MAX);
    return false;
}

/* Fills in what passwd knows of a name or a number. A number need not be there. */
static int find_user(char *user, struct identity *who, char name[64], struct err *e)
{
    char *text, *walk, *f[7];
    bool by_number, found = false;
    uid_t uid, gid;
    size_t n;

    name[0] = '\0';
    if (!take_number(user, &by_number, &who->uid, e))
        return -1;
    text = walk = read_accounts("/etc/passwd");
    while (!found && next_line(&walk, f, 7, &n)) {
        if (n < 6 || !parse_id(f[2], &uid) || !parse_id(f[3], &gid))
            continue;
        found = by_number ? uid == who->uid : strcmp(f[0], user) == 0;
        if (!found)
            continue;
        who->uid = uid;
        who->gid = gid;
        snprintf(name, 64, "%s", f[0]);
        snprintf(who->home, sizeof(who->home), "%s", f[5]);
    }
    free(text);
    if (!found && !by_number)
        return err_set(e, 125, "unable to find user %s: no matching entries in passwd file", user);
    return 0;
}

static int find_group(const char *group, gid_t *gid, struct err *e)
{
    char *text, *walk, *f[4];
    bool by_number, found = false;
    uid_t id;
    size_t n;

    if (!take_number(group, &by_number, gid, e))
        return -1;
    if (by_number)
        return 0;
    text = walk = read_accounts("/etc/group");
    while (!found && next_line(&walk, f, 4, &n)) {
        found = n >= 3 && strcmp(f[0], group) == 0 && parse_id(f[2], &id);
        if (found)
            *gid = id;
    }
    free(text);
    if (!found)
        return err_set(e, 125, "unable to find group %s: no matching entries in group file", group);
    return 0;
}

static void find_memberships(const char *name, struct identity *who)
{
    char *text = read_accounts("/etc/group"), *walk = text, *f[4], *member;
    uid_t id;
    size_t n;

    while (who->ngroups < GROUPS_MAX && next_line(&walk, f, 4, &n)) {
        if (n < 4 || !parse_id(f[2], &id) || id == who->gid)
            continue;
        while ((member = strsep(&f[3], ",")) != NULL) {
            if (strcmp(member, name) != 0)
                continue;
            who->groups[who->ngroups++] = id;
            break;
        }
    }
    free(text);
}

/* user|uid[:group|gid] */
static int resolve(const char *spec, struct identity *who, struct err *e)
{
    char user[128], name[64];
    char *group;

    memset(who, 0, sizeof(*who));
    snprintf(who->home, sizeof(who->home), "/");
    if (snprintf(user, sizeof(user), "%s", spec) >= (int)sizeof(user))
        return err_set(e, 125, "the user's name is too long");
    group = strchr(user, ':');
    if (group != NULL)
        *group++ = '\0';
    if (user[0] == '\0')
        strcpy(user, "0");
    if (find_user(user, who, name, e) < 0)
        return -1;
    if (group != NULL && *group != '\0')
        return find_group(group, &who->gid, e);
    if (name[0] != '\0')
        find_memberships(name, who);
    return 0;
}

static int drop_capabilities(uint64_t keep, struct err *e)
{
    for (unsigned cap = 0; cap < CAPS; cap++) {
        if (keep >> cap & 1)
            continue;
        if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
            continue;
        if (errno == EINVAL)
            break; /* past the last one this kernel knows */
        return err_sys(e, 125, "cannot drop capability %u", cap);
    }
    return 0;
}

static int become(const struct identity *who, uint64_t caps, struct err *e)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];

    if (drop_capabilities(caps, e) < 0)
        return -1;
    if (syscall(SYS_setgroups, who->ngroups, who->groups) < 0 ||
        syscall(SYS_setgid, who->gid) < 0 || syscall(SYS_setuid, who->uid) < 0)
        return err_sys(e, 125, "cannot become user %u, group %u", who->uid, who->gid);
    if (who->uid != 0)
        return 0; /* setuid has cleared the permitted and effective sets */
    for (unsigned i = 0; i < 2; i++) {
        data[i].effective = data[i].permitted = (uint32_t)(caps >> (32 * i));
        data[i].inheritable = 0;
    }
    if (syscall(SYS_capset, &header, data) < 0)
        return err_sys(e, 125, "cannot set the capabilities");
    return 0;
}

/*
 * The directory must be reachable from the root we are in: a WORKDIR of
 * /proc/self/fd/N would be anywhere, had somebody left a descriptor open.
 */
static int enter_dir(const char *dir, struct err *e)
{
    char now[PATH_MAX];

    if (chdir(dir) < 0)
        return err_sys(e, errno == EACCES ? 126 : 127, "chdir to cwd (\"%s\") failed", dir);
    if (getcwd(now, sizeof(now)) == NULL || now[0] != '/')
        return err_set(e, 127, "the working directory %s is outside of the container", dir);
    return 0;
}

static int set_stdio(const int stdio[3], const struct identity *who, struct err *e)
{
    int moved[3];

    for (int i = 0; i < 3; i++) {
        moved[i] = fcntl(stdio[i], F_DUPFD_CLOEXEC, 10);
        if (moved[i] < 0)
            return err_sys(e, 125, "cannot set up standard input and output");
    }
    for (int i = 0; i < 3; i++) {
        struct stat st;

        if (dup2(moved[i], i) < 0)
            return err_sys(e, 125, "cannot set up standard input and output");
        close(moved[i]);
        /* So that it may reopen /dev/stdout. Only what we made for it: never a host's node. */
        if (fstat(i, &st) == 0 && (S_ISFIFO(st.st_mode) || isatty(i)))
            (void)fchown(i, who->uid, (gid_t)-1);
    }
    if (isatty(0) && ioctl(0, TIOCSCTTY, 0) < 0)
        return err_sys(e, 125, "cannot make the terminal the controlling one");
    return 0;
}

/* All of ours are close-on-exec anyway; this is for the one somebody forgets. */
static void seal_descriptors(void)
{
    if (syscall(SYS_close_range, 3U, ~0U, 1U << 2 /* CLOSE_RANGE_CLOEXEC */) == 0)
        return;
    for (int fd = 3; fd < 256; fd++)
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
}

void process_reset_signals(void)
{
    /* The kernel's struct sigaction, and not through libc, which keeps 32 and 33 to itself. */
    static const struct {
        void *handler;
        unsigned long flags;
        void *restorer;
        uint64_t mask;
    } by_default;
    sigset_t none;

    for (int sig = 1; sig <= SIGNALS; sig++)
        (void)syscall(SYS_rt_sigaction, sig, &by_default, NULL, sizeof(by_default.mask));
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The record's environment, and HOME unless that is given. */
static char **make_env(const struct record *what, const struct identity *who)
{
    static char home[300];
    size_t n = record_count(what, "env");
    char **env = record_list(what, "env"), **more;

    if (env == NULL)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        if (strncmp(env[i], "HOME=", 5) == 0)
            return env;
    }
    more = realloc(env, (n + 2) * sizeof(*env));
    if (more == NULL)
        return env;
    snprintf(home, sizeof(home), "HOME=%s", who->home);
    more[n] = home;
    more[n + 1] = NULL;
    return more;
}

/* execvp() with the container's PATH instead of ours. Returns an errno value. */
static int exec_path(char **argv, char **env)
{
    const char *path = "/bin:/usr/bin";
    int worst = ENOENT;
    char full[PATH_MAX];

    if (strchr(argv[0], '/') != NULL) {
        execve(argv[0], argv, env);
        return errno;
    }
    for (char **e = env; *e != NULL; e++) {
        if (strncmp(*e, "PATH=", 5) == 0)
            path = *e + 5;
    }
    while (*path != '\0') {
        size_t len = strcspn(path, ":");

        if (snprintf(full, sizeof(full), "%.*s/%s", (int)len, path, argv[0]) < (int)sizeof(full)) {
            execve(full, argv, env);
            if (errno != ENOENT && errno != ENOTDIR)
                worst = errno;
        }
        path += len + (path[len] == ':');
    }
    return worst;
}

int process_exec(const struct record *what, const int stdio[3], struct err *e)
{
    const char *user = record_get(what, "user"), *cwd = record_get(what, "cwd");
    const char *caps = record_get(what, "caps");
    char **argv = record_list(what, "arg"), **env;
    struct identity who;
    int err;

    if (argv == NULL || argv[0] == NULL)
        return err_set(e, 125, "no command specified");
    if (resolve(user == NULL ? "" : user, &who, e) < 0)
        return -1;
    env = make_env(what, &who);
    if (env == NULL)
        return err_set(e, 125, "out of memory");
    if (set_stdio(stdio, &who, e) < 0)
        return -1;
    seal_descriptors();
    if (enter_dir(cwd == NULL || *cwd == '\0' ? "/" : cwd, e) < 0)
        return -1;
    if (become(&who, caps == NULL ? 0 : strtoull(caps, NULL, 16), e) < 0)
        return -1;
    if (record_flag(what, "nnp") && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return err_sys(e, 125, "cannot set no_new_privs");
    if (record_flag(what, "die_with_parent"))
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* again: changing the user has cleared it */
    process_reset_signals();
    umask(022);
    err = exec_path(argv, env);
    return err_set(e, status_from_exec_errno(err), "exec: \"%s\": %s", argv[0],
                   status_exec_reason(err, argv[0]));
}
