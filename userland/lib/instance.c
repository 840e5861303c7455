/* SPDX-License-Identifier: BSD-2-Clause */
/* Instances on disk (in RAM, to be exact): see instance.h for what lies where. */
#include "instance.h"

#include "cgroup.h"
#include "io.h"
#include "paths.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static const char *const status_names[] = {
    [STATUS_CREATED] = "created", [STATUS_RUNNING] = "running", [STATUS_EXITED] = "exited",
    [STATUS_KILLED] = "killed",   [STATUS_CRASHED] = "crashed",
};

enum { INSTANCE_PATH = 200 };

const char *instance_noun(const char *kind)
{
    return strcmp(kind, "vm") == 0 ? "VM" : "container";
}

int64_t instance_now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int make_kind_dir(const char *kind)
{
    char path[INSTANCE_PATH];

    snprintf(path, sizeof(path), PATH_RUN "/%s/.names", kind);
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return 0;
    (void)mkdir("/run", 0755); /* each may be there; the last one decides */
    (void)mkdir(PATH_RUN, 0700);
    snprintf(path, sizeof(path), PATH_RUN "/%s", kind);
    (void)mkdir(path, 0700);
    strcat(path, "/.names");
    return mkdir(path, 0700) < 0 && errno != EEXIST ? -1 : 0;
}

static void name_path(char path[INSTANCE_PATH], const char *kind, const char *name)
{
    snprintf(path, INSTANCE_PATH, PATH_RUN "/%s/.names/%s", kind, name);
}

/* A client that was killed while it made an instance leaves its name to nobody, and its directory
 * unlocked. True: that is so, and both are gone now. */
static bool free_dead_name(const char *kind, const char *name, const char *owner)
{
    struct instance dead = {.kind = kind, .dir = -1};
    char path[INSTANCE_PATH];
    bool removed = false;

    if (!ident_is_id(owner))
        return false;
    memcpy(dead.id, owner, sizeof(dead.id));
    snprintf(path, sizeof(path), PATH_RUN "/%s/%s", kind, owner);
    dead.dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (dead.dir >= 0 && instance_lock(&dead) == 0 && !instance_exists(&dead))
        removed = instance_remove(&dead, name) == 0;
    instance_close(&dead);
    return removed;
}

static int claim_name(const struct instance *in, char *name, struct err *e)
{
    char path[INSTANCE_PATH], owner[ID_LEN + 1] = "";
    bool generate = name[0] == '\0';

    for (int tries = 0; tries < 100; tries++) {
        if (generate) {
            unsigned random;

            if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
                return err_sys(e, 125, "cannot make up a name");
            ident_make_name(random, name, NAME_MAX_LEN + 1);
        }
        name_path(path, in->kind, name);
        if (symlink(in->id, path) == 0)
            return 0;
        if (errno != EEXIST)
            return err_sys(e, 125, "cannot claim the name \"%s\"", name);
        if (generate)
            continue;
        memset(owner, 0, sizeof(owner));
        if (readlink(path, owner, ID_LEN) != ID_LEN || !free_dead_name(in->kind, name, owner))
            break;
    }
    return err_set(e, 125,
                   "the name \"%s\" is already in use by %s %.12s: remove it (%s rm %s) or take "
                   "another name",
                   name, instance_noun(in->kind), owner, in->kind, name);
}

int instance_create(struct instance *in, const char *kind, char name[NAME_MAX_LEN + 1],
                    struct err *e)
{
    char path[INSTANCE_PATH];

    in->kind = kind;
    in->dir = -1;
    if (name[0] != '\0' && !ident_is_name(name))
        return err_set(
            e, 125,
            "invalid name \"%s\": only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed, at most %d "
            "characters",
            name, NAME_MAX_LEN);
    if (ident_new_id(in->id) < 0)
        return err_sys(e, 125, "cannot make up an ID");
    if (make_kind_dir(kind) < 0)
        return err_sys(e, 125, "cannot create " PATH_RUN "/%s", kind);
    snprintf(path, sizeof(path), PATH_RUN "/%s/%s", kind, in->id);
    if (mkdir(path, 0700) < 0)
        return err_sys(e, 125, "cannot create %s", path);
    in->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (in->dir < 0) {
        err_sys(e, 125, "cannot open %s", path);
        goto remove;
    }
    if (instance_lock(in) < 0) {
        err_sys(e, 125, "cannot lock %s", path);
        goto remove;
    }
    if (claim_name(in, name, e) < 0)
        goto remove;
    return 0;

remove:
    instance_close(in);
    rmdir(path);
    return -1;
}

bool instance_exists(const struct instance *in)
{
    struct stat st;

    return fstatat(in->dir, "spec", &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int open_id(struct instance *in)
{
    char path[INSTANCE_PATH];

    snprintf(path, sizeof(path), PATH_RUN "/%s/%s", in->kind, in->id);
    in->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (in->dir < 0)
        return -errno;
    if (!instance_exists(in)) {
        instance_close(in); /* still being made, or being removed */
        return -ENOENT;
    }
    return 0;
}

struct id_list {
    char (*ids)[ID_LEN + 1];
    size_t count, cap;
};

static int list_ids(const char *kind, struct id_list *list)
{
    char path[INSTANCE_PATH];
    struct dirent *d;
    DIR *dir;

    memset(list, 0, sizeof(*list));
    snprintf(path, sizeof(path), PATH_RUN "/%s", kind);
    dir = opendir(path);
    if (dir == NULL)
        return errno == ENOENT ? 0 : -errno;
    while ((d = readdir(dir)) != NULL) {
        if (!ident_is_id(d->d_name))
            continue;
        if (list->count == list->cap) {
            size_t cap = list->cap == 0 ? 16 : list->cap * 2;
            void *ids = realloc(list->ids, cap * sizeof(*list->ids));

            if (ids == NULL)
                break;
            list->ids = ids;
            list->cap = cap;
        }
        memcpy(list->ids[list->count++], d->d_name, ID_LEN + 1);
    }
    closedir(dir);
    return 0;
}

static int find_by_prefix(struct instance *in, const char *ref)
{
    struct id_list list;
    const char **ids;
    int found = -1;

    if (list_ids(in->kind, &list) < 0)
        return -1;
    ids = calloc(list.count + 1, sizeof(*ids));
    if (ids != NULL) {
        for (size_t i = 0; i < list.count; i++)
            ids[i] = list.ids[i];
        found = ident_match_prefix(ids, list.count, ref);
        if (found >= 0)
            memcpy(in->id, ids[found], ID_LEN + 1);
        free(ids);
    }
    free(list.ids);
    return found;
}

int instance_find(struct instance *in, const char *kind, const char *ref, struct err *e)
{
    char path[INSTANCE_PATH];
    ssize_t n;

    in->kind = kind;
    in->dir = -1;
    if (ref[0] == '/')
        ref++; /* `inspect` shows names with a leading slash */
    if (ident_is_name(ref)) {
        name_path(path, kind, ref);
        n = readlink(path, in->id, sizeof(in->id));
        if (n == ID_LEN) {
            in->id[n] = '\0';
            if (open_id(in) == 0)
                return 0;
        }
    }
    switch (find_by_prefix(in, ref)) {
    case -1:
        break;
    case -2:
        return err_set(e, 1, "\"%s\" is the beginning of several IDs: give more of it", ref);
    default:
        if (open_id(in) == 0)
            return 0;
    }
    err_set(e, 1, "no such %s: %s", instance_noun(kind), ref);
    return -ENOENT;
}

void instance_close(struct instance *in)
{
    if (in->dir >= 0)
        close(in->dir);
    in->dir = -1;
}

int instance_each(const char *kind, int (*each)(struct instance *in, void *arg), void *arg)
{
    struct id_list list;
    int result = list_ids(kind, &list);

    for (size_t i = 0; i < list.count && result == 0; i++) {
        struct instance in = {.kind = kind, .dir = -1};

        memcpy(in.id, list.ids[i], sizeof(in.id));
        if (open_id(&in) < 0)
            continue;
        result = each(&in, arg);
        instance_close(&in);
    }
    free(list.ids);
    return result;
}

int instance_lock(struct instance *in)
{
    return flock(in->dir, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
}

void instance_unlock(struct instance *in)
{
    (void)flock(in->dir, LOCK_UN);
}

static void parse_state(const struct record *r, struct instance_state *s)
{
    const char *status = record_get(r, "status");
    const char *reason = record_get(r, "reason");

    for (size_t i = 0; i < sizeof(status_names) / sizeof(status_names[0]); i++) {
        if (status != NULL && strcmp(status, status_names[i]) == 0)
            s->status = (enum instance_status)i;
    }
    s->pid = (int)record_num(r, "pid", 0);
    s->sup_pid = (int)record_num(r, "sup", 0);
    s->exit_status = (int)record_num(r, "exit", 0);
    s->started_ns = record_num(r, "started", 0);
    s->finished_ns = record_num(r, "finished", 0);
    s->oom_killed = record_flag(r, "oom");
    snprintf(s->reason, sizeof(s->reason), "%s", reason == NULL ? "" : reason);
}

static int load_state(struct instance *in, struct instance_state *state)
{
    struct record r;
    int err;

    memset(state, 0, sizeof(*state));
    err = record_load(&r, in->dir, "state");
    if (err == -ENOENT)
        return 0; /* created, never started */
    if (err < 0)
        return err;
    parse_state(&r, state);
    record_free(&r);
    return 0;
}

int instance_read_state(struct instance *in, struct instance_state *state)
{
    int err = load_state(in, state);

    if (err < 0 || state->status != STATUS_RUNNING || instance_lock(in) < 0)
        return err;

    /* The lock is free: either it has ended since we looked, or the supervisor was killed. */
    err = load_state(in, state);
    if (err == 0 && state->status == STATUS_RUNNING) {
        cgroup_destroy(in->kind, in->id);
        (void)unlinkat(in->dir, "ctl", 0);
        state->status = STATUS_CRASHED;
        state->exit_status = 137;
        state->pid = 0;
        state->finished_ns = instance_now_ns();
        snprintf(state->reason, sizeof(state->reason), "its supervisor was killed");
        (void)instance_write_state(in, state); /* no space: the next one who looks tries again */
    }
    instance_unlock(in);
    return err;
}

int instance_lock_stopped(struct instance *in, struct instance_state *state)
{
    const struct timespec pause = {.tv_nsec = 5 * 1000 * 1000};

    for (int tries = 0; tries < 400; tries++) {
        int err = instance_read_state(in, state);

        if (err < 0 || state->status == STATUS_RUNNING)
            return err;
        err = instance_lock(in);
        if (err != -EWOULDBLOCK) {
            /* Whoever had the lock may have changed everything before giving it back. */
            return err < 0 ? err : !instance_exists(in) ? -ENOENT : load_state(in, state);
        }
        nanosleep(&pause, NULL);
    }
    return -EWOULDBLOCK;
}

int instance_write_state(struct instance *in, const struct instance_state *s)
{
    struct record_writer w = {0};

    record_add(&w, "status", status_names[s->status]);
    record_add_num(&w, "pid", s->pid);
    record_add_num(&w, "sup", s->sup_pid);
    record_add_num(&w, "exit", s->exit_status);
    record_add_num(&w, "started", s->started_ns);
    record_add_num(&w, "finished", s->finished_ns);
    record_add_num(&w, "oom", s->oom_killed);
    record_add(&w, "reason", s->reason);
    return record_save(&w, in->dir, "state");
}

int instance_connect(const struct instance *in)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    snprintf(addr.sun_path, sizeof(addr.sun_path), PATH_RUN "/%s/%s/ctl", in->kind, in->id);
    if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
        int err = -errno;

        close(fd);
        return err;
    }
    return fd;
}

static int remove_all(struct instance *in, const char *name)
{
    char path[INSTANCE_PATH];
    int dir, err;

    /* Without its spec nobody sees it any more, even if we do not get to the end. */
    (void)unlinkat(in->dir, "spec", 0);
    if (name != NULL) {
        name_path(path, in->kind, name);
        (void)unlink(path);
    }
    snprintf(path, sizeof(path), PATH_RUN "/%s", in->kind);
    dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return -errno;
    err = io_remove_tree(dir, in->id);
    close(dir);
    return err;
}

/* Interrupted half-way it would leave what nobody sees, and nobody removes any more. */
int instance_remove(struct instance *in, const char *name)
{
    sigset_t block, before;
    int err;

    sigemptyset(&block);
    sigaddset(&block, SIGINT);
    sigaddset(&block, SIGTERM);
    sigaddset(&block, SIGHUP);
    sigprocmask(SIG_BLOCK, &block, &before);
    err = remove_all(in, name);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return err;
}

int instance_discard(struct instance *in)
{
    char name[NAME_MAX_LEN + 1] = "";
    const char *recorded;
    struct record spec;

    if (record_load(&spec, in->dir, "spec") == 0) {
        recorded = record_get(&spec, "name");
        if (recorded != NULL)
            snprintf(name, sizeof(name), "%s", recorded);
        record_free(&spec);
    }
    return instance_remove(in, name[0] != '\0' ? name : NULL);
}
