/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading the state of the machine: see snapshot.h. */
#include "snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 12 };

bool snapshot_without_pages;

static char buffer[128 << 10]; /* of one file of /proc */

__attribute__((format(printf, 2, 3))) static void add(struct snapshot *s, const char *fmt, ...)
{
    size_t room = sizeof(s->text) - s->used;
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(s->text + s->used, room, fmt, args);
    va_end(args);
    if (s->count == SNAPSHOT_LINES || n < 0 || (size_t)n >= room) {
        s->full = true;
        return;
    }
    s->lines[s->count++] = s->text + s->used;
    s->used += (size_t)n + 1;
}

/* The whole file, ended by a NUL; empty if it is not there. */
static char *slurp(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t len = 0;
    ssize_t n;

    while (
        fd >= 0 && len < sizeof(buffer) - 1 &&
        ((n = read(fd, buffer + len, sizeof(buffer) - 1 - len)) > 0 || (n < 0 && errno == EINTR)))
        len += n > 0 ? (size_t)n : 0;
    if (fd >= 0)
        close(fd);
    buffer[len] = '\0';
    return buffer;
}

static void add_pages(struct snapshot *s)
{
    char *rest = slurp("/proc/vmstat"), *line;

    while ((line = strsep(&rest, "\n")) != NULL) {
        if (strncmp(line, "nr_", 3) == 0)
            add(s, "pages %s", line);
    }
}

static void add_slabs(struct snapshot *s)
{
    char *rest = slurp("/proc/slabinfo"), *line, name[64];
    long objects, slabs;

    while ((line = strsep(&rest, "\n")) != NULL) {
        if (sscanf(line, "%63s %ld %*d %*d %*d %*d : tunables %*d %*d %*d : slabdata %ld", name,
                   &objects, &slabs) == 3)
            add(s, "slab %s: %ld objects in %ld pages", name, objects,
                snapshot_without_pages ? 0 : slabs);
    }
}

static void add_processes(struct snapshot *s)
{
    DIR *dir = opendir("/proc");
    struct dirent *d;
    char path[300];

    while (dir != NULL && (d = readdir(dir)) != NULL) {
        char *stat, *end;

        if (d->d_name[0] < '1' || d->d_name[0] > '9')
            continue;
        snprintf(path, sizeof(path), "/proc/%s/stat", d->d_name);
        stat = slurp(path);
        end = strrchr(stat, ')');
        if (end != NULL)
            add(s, "process %.*s", (int)(end + 1 - stat), stat);
    }
    if (dir != NULL)
        closedir(dir);
}

static void add_mounts(struct snapshot *s)
{
    char *rest = slurp("/proc/self/mountinfo"), *line;

    while ((line = strsep(&rest, "\n")) != NULL) {
        if (*line != '\0')
            add(s, "mount %s", line);
    }
}

/* Everything below a folder of one file system: names, and the sizes of files. */
static void add_tree(struct snapshot *s, const char *what, char path[PATH_MAX], int depth)
{
    size_t len = strlen(path);
    struct stat top, st;
    struct dirent *d;
    DIR *dir = opendir(path);

    if (dir == NULL || fstat(dirfd(dir), &top) < 0 || depth == DEPTH_MAX) {
        if (dir != NULL)
            closedir(dir);
        return;
    }
    while ((d = readdir(dir)) != NULL) {
        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
            continue;
        snprintf(path + len, PATH_MAX - len, "/%s", d->d_name);
        if (lstat(path, &st) < 0)
            continue;
        if (S_ISREG(st.st_mode) && strcmp(what, "file") == 0)
            add(s, "%s %s: %lld bytes", what, path, (long long)st.st_size);
        else if (S_ISDIR(st.st_mode) || strcmp(what, "file") == 0)
            add(s, "%s %s", what, path);
        if (S_ISDIR(st.st_mode) && st.st_dev == top.st_dev)
            add_tree(s, what, path, depth + 1);
    }
    path[len] = '\0';
    closedir(dir);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* In place: qsort() may allocate. The lines come nearly sorted. */
static void sort(struct snapshot *s)
{
    for (size_t i = 1; i < s->count; i++) {
        const char *line = s->lines[i];
        size_t at = i;

        for (; at > 0 && by_text(&s->lines[at - 1], &line) > 0; at--)
            s->lines[at] = s->lines[at - 1];
        s->lines[at] = line;
    }
}

void snapshot_take(struct snapshot *s)
{
    static const char *const trees[][2] = {
        {"cgroup", "/sys/fs/cgroup"},  {"file", "/run"}, {"file", "/tmp"},
        {"file", "/var/lib/bulkhead"}, {"file", "/dev"}, {"file", "/dev/pts"},
        {"file", "/dev/shm"},
    };
    static char path[PATH_MAX];
    int fd;

    s->count = s->used = 0;
    s->full = false;
    for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++) {
        strcpy(path, trees[i][1]);
        add_tree(s, trees[i][0], path, 0);
    }
    add_processes(s);
    add_mounts(s);

    /* Last: what the rest has left in caches is not counted. */
    fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!write(fd, "3", 1);
        close(fd);
    }
    add_slabs(s);
    if (!snapshot_without_pages)
        add_pages(s);
    sort(s);
}

bool snapshot_equal(const struct snapshot *a, const struct snapshot *b)
{
    if (a->count != b->count || a->full || b->full)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (strcmp(a->lines[i], b->lines[i]) != 0)
            return false;
    }
    return true;
}

void snapshot_print_changes(const struct snapshot *before, const struct snapshot *after)
{
    size_t b = 0, a = 0;

    if (before->full || after->full)
        printf("    a snapshot was too small: make SNAPSHOT_LINES or SNAPSHOT_TEXT larger\n");
    while (b < before->count || a < after->count) {
        int order = b == before->count  ? 1
                    : a == after->count ? -1
                                        : strcmp(before->lines[b], after->lines[a]);

        if (order < 0)
            printf("    -%s\n", before->lines[b]);
        else if (order > 0)
            printf("    +%s\n", after->lines[a]);
        b += order <= 0;
        a += order >= 0;
    }
}
