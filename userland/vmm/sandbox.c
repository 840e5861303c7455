/* SPDX-License-Identifier: BSD-2-Clause */
/* Giving up everything that is not needed: see sandbox.h for what and why. */
#include "sandbox.h"

#include "report.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_CAPABILITY 63

static const char hint[] = "run vmm as root, or with --no-sandbox";

void sandbox_close_others(const int *keep, unsigned count)
{
    int first = 3;

    for (;;) {
        int next = INT32_MAX;

        for (unsigned i = 0; i < count; i++)
            if (keep[i] >= first && keep[i] < next)
                next = keep[i];
        if (next > first)
            (void)close_range((unsigned)first, (unsigned)next - 1, 0); /* old kernel: they stay */
        if (next == INT32_MAX)
            return;
        first = next + 1;
    }
}

/* ---- the process outside ------------------------------------------------ */

static pid_t monitor;

static void pass_on(int number)
{
    kill(monitor, number);
}

/* Wait for the monitor and end as it did. */
static _Noreturn void guard(void)
{
    static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };
    const struct sigaction action = { .sa_handler = pass_on };
    int status;

    for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        sigaction(numbers[i], &action, NULL);
    while (waitpid(monitor, &status, 0) < 0)
        if (errno != EINTR)
            die("cannot wait for the monitor: %s", strerror(errno));
    if (WIFEXITED(status))
        _exit(WEXITSTATUS(status));

    warn("the monitor was killed by signal %d (%s)", WTERMSIG(status),
         strsignal(WTERMSIG(status)));
    report_status("crashed monitor killed by signal %d", WTERMSIG(status));
    _exit(128 + WTERMSIG(status));
}

void sandbox_spawn(void)
{
    int namespaces = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS;
    bool own_pids = getpid() == 1;

    if (!own_pids)
        namespaces |= CLONE_NEWPID;
    if (unshare(namespaces) < 0)
        die("cannot enter namespaces of its own: %s; %s", strerror(errno), hint);
    if (own_pids)
        return;

    monitor = fork();
    if (monitor < 0)
        die("cannot start the monitor: %s", strerror(errno));
    if (monitor > 0)
        guard();
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        die("cannot tie the monitor to its parent: %s", strerror(errno));
}

/* ---- the root ------------------------------------------------------------- */

/*
 * Make the present directory, an empty file system of its own, the root.
 * pivot_root() cannot replace the first root of a machine that runs from its
 * initial RAM disk; there the new root is moved over the old one.
 */
static int change_root(void)
{
    if (syscall(SYS_pivot_root, ".", ".") == 0)
        return umount2(".", MNT_DETACH);
    if (errno != EINVAL)
        return -1;
    if (mount(".", "/", NULL, MS_MOVE, NULL) < 0)
        return -1;
    return chroot(".");
}

static void empty_root(void)
{
    const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    const char *where = "/tmp";
    struct stat st;

    if (stat(where, &st) < 0 || !S_ISDIR(st.st_mode))
        where = "/dev"; /* any directory: what is mounted on it is seen only here */
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        die("cannot make its mounts private: %s; %s", strerror(errno), hint);
    if (mount("none", where, "tmpfs", flags, "size=4k,mode=0555") < 0 || chdir(where) < 0)
        die("cannot mount an empty root: %s; %s", strerror(errno), hint);
    if (change_root() < 0 || chdir("/") < 0)
        die("cannot change to an empty root: %s; %s", strerror(errno), hint);
    if (mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY | flags, NULL) < 0)
        die("cannot make its empty root read-only: %s", strerror(errno));
}

/* ---- the rights ------------------------------------------------------------- */

static void drop_capabilities(void)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    const struct __user_cap_data_struct none[2] = { { 0 } };

    if (syscall(SYS_capset, &header, none) < 0)
        die("cannot drop its capabilities: %s", strerror(errno));
}

static void drop_bounding_set(void)
{
    for (unsigned cap = 0; cap <= MAX_CAPABILITY; cap++)
        if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && errno != EINVAL)
            die("cannot drop capability %u for good: %s", cap, strerror(errno));
}

static void drop_user(uid_t uid)
{
    gid_t gid = (gid_t)uid;

    if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
        die("cannot become user %u: %s; %s", uid, strerror(errno), hint);
}

void sandbox_enter(const char *hostname, uid_t uid)
{
    const struct rlimit none = { 0, 0 };

    (void)sethostname(hostname, strlen(hostname)); /* for people who look: not needed */
    empty_root();
    (void)setrlimit(RLIMIT_CORE, &none); /* the guest's memory goes into no file */
    drop_bounding_set();
    drop_user(uid);
    drop_capabilities();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        die("cannot give up gaining privileges: %s", strerror(errno));
    if (getpid() == 1 && getppid() == 0)
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* changing the user has cleared it */
}
