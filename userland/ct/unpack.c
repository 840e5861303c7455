/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One tar entry, one file. What is there already is replaced, except that a
 * directory over a directory only changes its attributes. A path that leads
 * through anything but directories is refused: a layer that first plants a link
 * and then writes through it is an attack.
 */
#include "unpack.h"

#include "../lib/io.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { OPEN_DIR = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

int unpack_init(struct unpack *u, const char *layer, struct err *e)
{
    memset(u, 0, sizeof(*u));
    u->layer = layer;
    u->root = open("/", OPEN_DIR);
    u->parent = -1;
    if (u->root < 0)
        return err_sys(e, 1, "cannot open the layer's directory");
    return 0;
}

static int refuse(const struct unpack *u, const char *path, const char *why, struct err *e)
{
    return err_set(e, 1, "%s: refused \"%.150s\": %s", u->layer, path, why);
}

static int fail(const struct unpack *u, const char *path, struct err *e)
{
    return err_sys(e, 1, "%s: cannot create /%.150s", u->layer, path);
}

static bool is_whiteout(int dir, const char *name)
{
    struct stat st;

    return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISCHR(st.st_mode) &&
           st.st_rdev == 0;
}

static int add_opaque(struct unpack *u, const char *path, struct err *e)
{
    size_t len = strlen(path) + 1;

    if (u->opaque_len + len > UNPACK_OPAQUE_MAX)
        return err_set(e, 1, "%s has too many opaque directories", u->layer);
    if (u->opaque_cap - u->opaque_len < len) {
        size_t cap = 2 * u->opaque_cap + len + 256;
        char *list = realloc(u->opaque, cap);

        if (list == NULL)
            return err_set(e, 1, "out of memory");
        u->opaque = list;
        u->opaque_cap = cap;
    }
    memcpy(u->opaque + u->opaque_len, path, len);
    u->opaque_len += len;
    return 0;
}

/* ---- walking ----------------------------------------------------------------------- */

/* Opens, or makes, one directory on the way. */
static int step(struct unpack *u, int dir, const char *name, const char *path, struct err *e)
{
    int fd = openat(dir, name, OPEN_DIR);

    if (fd >= 0)
        return fd;
    if (errno == ENOTDIR && is_whiteout(dir, name)) {
        /* Hidden below and now made anew: nothing of the layers below shows through. */
        if (unlinkat(dir, name, 0) < 0 || add_opaque(u, path, e) < 0)
            return fail(u, path, e);
        errno = ENOENT;
    }
    if (errno == ELOOP || errno == ENOTDIR)
        return refuse(u, path, "it leads through something that is no directory", e);
    if (errno != ENOENT || mkdirat(dir, name, 0755) < 0)
        return fail(u, path, e);
    fd = openat(dir, name, OPEN_DIR);
    return fd < 0 ? fail(u, path, e) : fd;
}

/* The descriptor (borrowed) of the directory `path` is in; *name is its last component. */
static int open_parent(struct unpack *u, const char *path, const char **name, struct err *e)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - path);
    char part[LAYER_PATH_MAX];
    int fd = u->root;

    *name = slash == NULL ? path : slash + 1;
    if (len == 0)
        return u->root;
    if (u->parent >= 0 && strlen(u->parent_path) == len && strncmp(u->parent_path, path, len) == 0)
        return u->parent;

    memcpy(part, path, len);
    part[len] = '\0';
    for (size_t at = 0; at < len;) {
        size_t n = strcspn(part + at, "/");
        bool last = part[at + n] == '\0';
        int next;

        part[at + n] = '\0';
        next = step(u, fd, part + at, part, e);
        if (fd != u->root)
            close(fd);
        if (next < 0)
            return -1;
        fd = next;
        if (!last)
            part[at + n] = '/';
        at += n + 1;
    }
    if (u->parent >= 0)
        close(u->parent);
    u->parent = fd;
    memcpy(u->parent_path, part, len + 1);
    return fd;
}

static void forget_parent(struct unpack *u)
{
    if (u->parent >= 0)
        close(u->parent);
    u->parent = -1;
}

int unpack_walk(const char *path)
{
    char part[LAYER_PATH_MAX];
    int fd = open("/", OPEN_DIR);

    snprintf(part, sizeof(part), "%s", path);
    for (char *p = part, *name; fd >= 0 && (name = strsep(&p, "/")) != NULL;) {
        int next;

        if (*name == '\0')
            continue;
        next = openat(fd, name, OPEN_DIR);
        close(fd);
        fd = next;
    }
    return fd;
}

/* ---- attributes -------------------------------------------------------------------- */

/* File capabilities and user attributes; anything "trusted." would be overlayfs's own. */
static void set_xattrs(int dir, const char *name, struct archive_entry *entry)
{
    const char *attr;
    const void *value;
    size_t size;
    int fd;

    if (archive_entry_xattr_reset(entry) == 0)
        return;
    fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return;
    while (archive_entry_xattr_next(entry, &attr, &value, &size) == ARCHIVE_OK) {
        if (attr != NULL &&
            (strcmp(attr, "security.capability") == 0 || strncmp(attr, "user.", 5) == 0))
            (void)fsetxattr(fd, attr, value, size, 0); /* not every file system has them */
    }
    close(fd);
}

static int set_attributes(struct unpack *u, int dir, const char *name, const char *path,
                          struct archive_entry *entry, struct err *e)
{
    mode_t type = archive_entry_filetype(entry), mode = archive_entry_mode(entry) & 07777;
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_OMIT}};

    if (fchownat(dir, name, (uid_t)archive_entry_uid(entry), (gid_t)archive_entry_gid(entry),
                 AT_SYMLINK_NOFOLLOW) < 0)
        return err_sys(e, 1, "%s: cannot set the owner of /%.150s", u->layer, path);
    if (type != AE_IFLNK && fchmodat(dir, name, mode, 0) < 0)
        return err_sys(e, 1, "%s: cannot set the mode of /%.150s", u->layer, path);
    if (type == AE_IFREG || type == AE_IFDIR)
        set_xattrs(dir, name, entry);
    if (archive_entry_mtime_is_set(entry)) {
        times[1].tv_sec = archive_entry_mtime(entry);
        times[1].tv_nsec = archive_entry_mtime_nsec(entry);
        if (utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
            return err_sys(e, 1, "%s: cannot set the time of /%.150s", u->layer, path);
    }
    return 0;
}

static int remember_time(struct unpack *u, const char *path, struct archive_entry *entry,
                         struct err *e)
{
    struct unpack_dir_time *t;

    if (!archive_entry_mtime_is_set(entry))
        return 0;
    if (u->ntimes == u->times_cap) {
        size_t cap = 2 * u->times_cap + 64;

        t = realloc(u->times, cap * sizeof(*t));
        if (t == NULL)
            return err_set(e, 1, "out of memory");
        u->times = t;
        u->times_cap = cap;
    }
    t = &u->times[u->ntimes];
    t->path = strdup(path);
    if (t->path == NULL)
        return err_set(e, 1, "out of memory");
    t->mtime.tv_sec = archive_entry_mtime(entry);
    t->mtime.tv_nsec = archive_entry_mtime_nsec(entry);
    u->ntimes++;
    return 0;
}

/* ---- making ------------------------------------------------------------------------ */

static int make_way(struct unpack *u, int dir, const char *name, const char *path, struct err *e)
{
    int err;

    if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
        return 0;
    err = io_remove_tree(dir, name);
    if (dir == u->root)
        forget_parent(u); /* it may have been in there */
    if (err == 0)
        return 0;
    errno = -err;
    return fail(u, path, e);
}

static int make_directory(struct unpack *u, int dir, const char *name, const char *path,
                          struct err *e)
{
    struct stat st;

    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        if (S_ISDIR(st.st_mode))
            return 0;
        if (is_whiteout(dir, name) && add_opaque(u, path, e) < 0)
            return -1;
        if (unlinkat(dir, name, 0) < 0)
            return fail(u, path, e);
    }
    return mkdirat(dir, name, 0700) < 0 ? fail(u, path, e) : 0;
}

/* A hole at the file's end has no data to write behind it: only the size tells of it. */
static int set_size(struct unpack *u, int fd, int64_t end, const char *path,
                    struct archive_entry *entry, struct err *e)
{
    if (!archive_entry_size_is_set(entry) || archive_entry_size(entry) <= end)
        return 0;
    if (ftruncate(fd, archive_entry_size(entry)) < 0)
        return err_sys(e, 1, "%s: cannot set the size of /%.150s", u->layer, path);
    return 0;
}

static int make_regular(struct unpack *u, int dir, const char *name, const char *path,
                        struct archive *tar, struct archive_entry *entry, struct err *e)
{
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    const void *data;
    int64_t offset, end = 0;
    size_t len;
    int r, err;

    if (fd < 0)
        return fail(u, path, e);
    while ((r = archive_read_data_block(tar, &data, &len, &offset)) == ARCHIVE_OK) {
        if (len == 0)
            continue;
        if (offset != end && lseek(fd, offset, SEEK_SET) < 0)
            break;
        if (io_write_full(fd, data, len) < 0) {
            err_sys(e, 1, "%s: cannot write /%.150s", u->layer, path);
            close(fd);
            return -1;
        }
        end = offset + (int64_t)len;
        u->bytes += len;
    }
    if (r == ARCHIVE_EOF)
        err = set_size(u, fd, end, path, entry, e);
    else
        err = err_set(e, 1, "%s: /%.150s cannot be read: %s", u->layer, path,
                      archive_error_string(tar));
    close(fd);
    return err;
}

static int make_hard_link(struct unpack *u, int dir, const char *name, const char *path,
                          const char *target, struct err *e)
{
    char clean[LAYER_PATH_MAX];
    const char *why, *slash;
    int from, err;

    if (layer_link_path(target, clean, &why) < 0 || clean[0] == '\0')
        return refuse(u, path, "it is a hard link to somewhere outside", e);
    slash = strrchr(clean, '/');
    if (slash == NULL) {
        from = dup(u->root);
    } else {
        clean[slash - clean] = '\0';
        from = unpack_walk(clean);
    }
    err = from < 0
              ? -1
              : linkat(from, slash == NULL ? clean : clean + (slash - clean) + 1, dir, name, 0);
    if (err < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
        err = refuse(u, path, "it is a hard link to something this layer does not have", e);
    else if (err < 0)
        err = fail(u, path, e);
    if (from >= 0)
        close(from);
    return err;
}

static int make_node(struct unpack *u, int dir, const char *name, const char *path,
                     struct archive_entry *entry, struct err *e)
{
    mode_t type = archive_entry_filetype(entry);
    const char *target = archive_entry_symlink(entry);

    switch (type) {
    case AE_IFLNK:
        if (target == NULL || *target == '\0')
            return refuse(u, path, "it is a link to nothing", e);
        return symlinkat(target, dir, name) < 0 ? fail(u, path, e) : 0;
    case AE_IFCHR:
    case AE_IFBLK:
    case AE_IFIFO:
    case AE_IFSOCK:
        return mknodat(dir, name, type | 0600, archive_entry_rdev(entry)) < 0 ? fail(u, path, e)
                                                                              : 0;
    default:
        return refuse(u, path, "it is of an unknown type", e);
    }
}

static int unpack_file(struct unpack *u, const char *path, struct archive *tar,
                       struct archive_entry *entry, struct err *e)
{
    const char *name, *hard = archive_entry_hardlink(entry);
    int dir = open_parent(u, path, &name, e);
    int err;

    if (dir < 0)
        return -1;
    if (hard == NULL && archive_entry_filetype(entry) == AE_IFDIR) {
        if (make_directory(u, dir, name, path, e) < 0 ||
            set_attributes(u, dir, name, path, entry, e) < 0)
            return -1;
        return remember_time(u, path, entry, e);
    }
    if (make_way(u, dir, name, path, e) < 0)
        return -1;
    if (hard != NULL)
        return make_hard_link(u, dir, name, path, hard, e);
    if (archive_entry_filetype(entry) == AE_IFREG)
        err = make_regular(u, dir, name, path, tar, entry, e);
    else
        err = make_node(u, dir, name, path, entry, e);
    return err < 0 ? -1 : set_attributes(u, dir, name, path, entry, e);
}

/*
 * Hides a name of the layers below; what this very layer has put there stays,
 * whichever comes first in the tar ("Files that are present in the same layer as a
 * whiteout file can only be hidden by whiteout files in subsequent layers", OCI
 * image-spec). A file hides what is below it anyway; a directory has to be marked.
 */
static int unpack_whiteout(struct unpack *u, const char *path, struct err *e)
{
    const char *name;
    int dir = open_parent(u, path, &name, e);
    struct stat st;

    if (dir < 0)
        return -1;
    if (mknodat(dir, name, S_IFCHR | 0600, makedev(0, 0)) == 0)
        return 0;
    if (errno != EEXIST || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return fail(u, path, e);
    return S_ISDIR(st.st_mode) ? add_opaque(u, path, e) : 0;
}

static int unpack_opaque(struct unpack *u, const char *path, struct err *e)
{
    char inside[LAYER_PATH_MAX + 2];
    const char *name;

    /* The directory must be there to be marked; its own entry may come later. */
    snprintf(inside, sizeof(inside), "%s%s.", path, *path == '\0' ? "" : "/");
    if (open_parent(u, inside, &name, e) < 0)
        return -1;
    return add_opaque(u, path, e);
}

int unpack_entry(struct unpack *u, struct archive *tar, struct archive_entry *entry, struct err *e)
{
    const char *name = archive_entry_pathname(entry), *why;
    char path[LAYER_PATH_MAX];

    if (name == NULL)
        return refuse(u, "", "it has no name", e);
    switch (layer_path(name, path, &why)) {
    case LAYER_ROOT:
        return archive_entry_filetype(entry) != AE_IFDIR
                   ? refuse(u, name, "it would replace the root", e)
                   : set_attributes(u, u->root, ".", "", entry, e);
    case LAYER_FILE:
        return unpack_file(u, path, tar, entry, e);
    case LAYER_WHITEOUT:
        return unpack_whiteout(u, path, e);
    case LAYER_OPAQUE:
        return unpack_opaque(u, path, e);
    case LAYER_SKIP:
        return 0;
    default:
        return refuse(u, name, why, e);
    }
}

/* Files made in a directory have changed its time: that comes last. */
int unpack_finish(struct unpack *u, struct err *e)
{
    (void)e;
    for (size_t i = 0; i < u->ntimes; i++) {
        struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, u->times[i].mtime};
        int fd = unpack_walk(u->times[i].path);

        if (fd < 0)
            continue; /* replaced by a later entry */
        (void)futimens(fd, times);
        close(fd);
    }
    return 0;
}
