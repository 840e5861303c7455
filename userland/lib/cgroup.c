/* SPDX-License-Identifier: BSD-2-Clause */
/* cgroup v2 by its files. Without it, instances run unlimited and limits are refused. */
#include "cgroup.h"

#include "io.h"
#include "paths.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

enum { CGROUP2_MAGIC = 0x63677270, PATH_LEN = 160, TRIES = 500 };

bool cgroup_is_available(void)
{
    struct statfs fs;

    return statfs(PATH_CGROUP, &fs) == 0 && fs.f_type == CGROUP2_MAGIC;
}

static void path_of(char path[PATH_LEN], const char *kind, const char *id, const char *rest)
{
    snprintf(path, PATH_LEN, PATH_CGROUP "/%s/%s%s", kind, id, rest);
}

/* One controller may be missing without the other being lost for it. */
static void enable_controllers(const char *dir)
{
    char path[PATH_LEN];

    snprintf(path, sizeof(path), "%s/cgroup.subtree_control", dir);
    if (io_put(AT_FDCWD, path, "+memory +pids") == 0)
        return;
    (void)io_put(AT_FDCWD, path, "+memory"); /* what is missing shows when a limit is set */
    (void)io_put(AT_FDCWD, path, "+pids");
}

static int make_parent(const char *kind)
{
    char path[PATH_LEN];

    snprintf(path, sizeof(path), PATH_CGROUP "/%s", kind);
    if (mkdir(path, 0755) < 0)
        return errno == EEXIST ? 0 : -1;
    enable_controllers(PATH_CGROUP);
    enable_controllers(path);
    return 0;
}

static int set_limit(const char *kind, const char *id, const char *file, int64_t value,
                     const char *option, struct err *e)
{
    char path[PATH_LEN], text[24];
    int err;

    if (value == 0)
        return 0;
    path_of(path, kind, id, "/run/");
    strncat(path, file, sizeof(path) - strlen(path) - 1);
    snprintf(text, sizeof(text), "%lld", (long long)value);
    err = io_put(AT_FDCWD, path, text);
    if (err == 0)
        return 0;
    errno = -err;
    return err_sys(e, 125, "cannot apply %s: writing %s to %s", option, text, path);
}

int cgroup_create(const char *kind, const char *id, int64_t memory, int64_t pids, struct err *e)
{
    char path[PATH_LEN];

    if (!cgroup_is_available()) {
        if (memory != 0 || pids != 0)
            return err_set(e, 125, "cannot apply limits: no cgroup v2 is mounted on " PATH_CGROUP);
        return 0;
    }
    path_of(path, kind, id, "");
    if (make_parent(kind) < 0 || mkdir(path, 0755) < 0)
        return err_sys(e, 125, "cannot create the control group %s", path);
    enable_controllers(path);
    path_of(path, kind, id, "/sup");
    if (mkdir(path, 0755) < 0)
        goto fail;
    path_of(path, kind, id, "/run");
    if (mkdir(path, 0755) < 0)
        goto fail;
    if (set_limit(kind, id, "memory.max", memory, "-m", e) < 0 ||
        set_limit(kind, id, "pids.max", pids, "--pids-limit", e) < 0)
        goto destroy;
    return 0;

fail:
    err_sys(e, 125, "cannot create the control group %s", path);
destroy:
    cgroup_destroy(kind, id);
    return -1;
}

int cgroup_join(const char *kind, const char *id, const char *sub)
{
    char path[PATH_LEN];

    if (id == NULL)
        return io_put(AT_FDCWD, PATH_CGROUP "/cgroup.procs", "0");
    snprintf(path, sizeof(path), PATH_CGROUP "/%s/%s/%s/cgroup.procs", kind, id, sub);
    return io_put(AT_FDCWD, path, "0");
}

int cgroup_open_run(const char *kind, const char *id)
{
    char path[PATH_LEN];
    int fd;

    path_of(path, kind, id, "/run/cgroup.procs");
    fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

void cgroup_kill(const char *kind, const char *id)
{
    char path[PATH_LEN];

    path_of(path, kind, id, "/run/cgroup.kill");
    (void)io_put(AT_FDCWD, path, "1"); /* no such group: nothing to kill */
}

bool cgroup_was_oom_killed(const char *kind, const char *id)
{
    char path[PATH_LEN], text[512];
    const char *count;

    path_of(path, kind, id, "/run/memory.events");
    if (io_get(AT_FDCWD, path, text, sizeof(text)) < 0)
        return false;
    count = strstr(text, "oom_kill ");
    return count != NULL && atoi(count + strlen("oom_kill ")) > 0;
}

/* A group stays busy for a moment after its last process was killed. */
static void wait_a_moment(void)
{
    const struct timespec pause = {.tv_nsec = 2 * 1000 * 1000};

    nanosleep(&pause, NULL);
}

static void remove_group(const char *path)
{
    for (int tries = 0; tries < TRIES; tries++) {
        if (rmdir(path) == 0 || errno != EBUSY)
            return;
        wait_a_moment();
    }
}

/* Removes groups right below, how many, up to one that cannot go yet: true, and its name. */
static bool remove_leaves(int dir, char name[NAME_MAX + 1], unsigned *removed)
{
    int again = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = again < 0 ? NULL : fdopendir(again);
    struct dirent *entry;
    bool found = false;

    *removed = 0;
    while (d != NULL && !found && (entry = readdir(d)) != NULL) {
        if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (unlinkat(dir, entry->d_name, AT_REMOVEDIR) == 0) {
            ++*removed;
            continue;
        }
        found = true;
        snprintf(name, NAME_MAX + 1, "%s", entry->d_name);
    }
    if (d != NULL)
        closedir(d);
    else if (again >= 0)
        close(again);
    return found;
}

/*
 * A container that may mount cgroup2 can make groups below its own, in any number
 * and depth; nothing runs in them any more. One descriptor: down by name, up by "..".
 */
static void remove_groups_below(const char *path)
{
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), next;
    unsigned depth = 0, tries = 0, removed;
    char name[NAME_MAX + 1];
    bool is_new = true; /* we came from above */

    while (dir >= 0 && tries < TRIES) {
        bool found = remove_leaves(dir, name, &removed);

        if (!found && depth == 0)
            break;
        if (!found && is_new && removed == 0) { /* only its processes keep it: they are dying */
            wait_a_moment();
            tries++;
        }
        next = openat(dir, found ? name : "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        depth = found ? depth + 1 : depth - 1;
        is_new = found;
        close(dir);
        dir = next;
    }
    if (dir >= 0)
        close(dir);
}

void cgroup_destroy(const char *kind, const char *id)
{
    char path[PATH_LEN];

    path_of(path, kind, id, "/run");
    if (rmdir(path) < 0 && errno == EBUSY) {
        cgroup_kill(kind, id);
        remove_groups_below(path);
        remove_group(path);
    }
    path_of(path, kind, id, "/sup");
    remove_group(path);
    path_of(path, kind, id, "");
    remove_group(path);
}
