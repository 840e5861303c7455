/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * open(2), openat(2), openat2(2), creat(2): find or make the file, check what
 * the flags ask for, then let the inode say what opening means (file.c).
 *
 * With O_CREAT the walk stops at the parent; the last name is looked up and
 * made with the directory locked, so that O_EXCL is exact. A symlink there is
 * followed and the walk goes on.
 */
#include "vfs.h"

#include <kernel/abi/fs.h>

#define VALID_FLAGS                                                                                \
    (O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC |          \
     O_ASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC |         \
     O_PATH | O_TMPFILE)
#define PATH_FLAGS   (O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC)
#define TMPFILE_ONLY (O_TMPFILE & ~O_DIRECTORY)

/* ---- checks ---- */

/* Mode 3 (ioctl only) asks for both permissions. */
static int access_mask(uint32_t flags)
{
    static const int masks[] = {MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE, MAY_READ | MAY_WRITE};

    return masks[flags & O_ACCMODE] | (flags & O_TRUNC ? MAY_WRITE : 0);
}

static int check_kind(const struct path *p, uint32_t flags)
{
    const struct inode *inode = p->dentry->inode;

    if ((flags & O_DIRECTORY) && !S_ISDIR(inode->mode))
        return -ENOTDIR;
    switch (inode->mode & S_IFMT) {
    case S_IFLNK:
        return -ELOOP;
    case S_IFDIR:
        return access_mask(flags) & MAY_WRITE || (flags & O_CREAT) ? -EISDIR : 0;
    case S_IFCHR:
    case S_IFBLK:
        return p->mnt->flags & MS_NODEV ? -EACCES : 0;
    }
    return 0;
}

static int check_open(const struct path *p, uint32_t flags, bool created)
{
    const struct inode *inode = p->dentry->inode;
    int err = check_kind(p, flags);

    if (err < 0 || created)
        return err;
    err = inode_permission(p, access_mask(flags));
    if (err < 0)
        return err;
    if ((flags & O_NOATIME) && !inode_owner_or_capable(inode))
        return -EPERM;
    return 0;
}

/* ---- opening what was found ---- */

static int open_found(struct file *f, const struct path *p, uint32_t flags, bool created)
{
    bool truncate = (flags & O_TRUNC) && !created && S_ISREG(p->dentry->inode->mode);
    int err;

    if (flags & O_PATH) {
        if ((flags & O_DIRECTORY) && !S_ISDIR(p->dentry->inode->mode))
            return -ENOTDIR;
        return file_finish_open(f, p, flags);
    }
    err = check_open(p, flags, created);
    if (err < 0)
        return err;
    if ((flags & O_DIRECT) && !S_ISREG(p->dentry->inode->mode))
        return -EINVAL;
    if (truncate) {
        err = path_truncate(p, 0, NULL);
        if (err < 0)
            return err;
    }
    return file_finish_open(f, p, flags);
}

/* Make the last name in the walk's directory, which is locked: d, negative before. */
static int create_last(struct walk *w, struct dentry *d, mode_t mode)
{
    struct inode *dir = w->path.dentry->inode;
    int err = mount_want_write(&w->path);

    if (err == 0)
        err = may_create(&w->path);
    if (err == 0 && dir->ops->create == NULL)
        err = -EACCES;
    if (err == 0)
        err = dir->ops->create(dir, d, S_IFREG | (mode & S_IALLUGO & ~current_umask()));
    if (err == 0)
        d_hash(d);
    return err;
}

/* The last component's dentry, made if need be; *created says so. */
static int lookup_or_create(struct walk *w, const struct open_req *req, struct dentry **out,
                            bool *created)
{
    struct dentry *dir = w->path.dentry;
    struct dentry *d;
    int err;

    *created = false;
    if (w->last_len > NAME_MAX)
        return -ENAMETOOLONG;
    if (!(req->flags & O_EXCL) &&
        !dir->sb->d_revalidate_always) { /* most of the time it is there */
        d = d_lookup(dir, w->last, w->last_len, w->last_hash);
        if (d != NULL && !d_is_negative(d)) {
            *out = d;
            return 0;
        }
        if (d != NULL)
            dentry_put(d);
    }

    mutex_lock(&dir->inode->lock);
    err = lookup_one_locked(dir, w->last, w->last_len, &d);
    if (err == 0) {
        if (d_is_negative(d)) {
            err = create_last(w, d, req->mode);
            *created = err == 0;
        } else if (req->flags & O_EXCL) {
            err = -EEXIST;
        }
        if (err < 0)
            dentry_put(d);
    }
    mutex_unlock(&dir->inode->lock);
    if (err == 0)
        *out = d;
    return err;
}

static int open_creating(struct file *f, struct walk *w, const struct open_req *req)
{
    for (;;) {
        struct dentry *d = NULL;
        struct path found;
        bool created;
        int err = walk_run(w);

        if (err < 0)
            return err;
        if (w->last_type != LAST_NORM)
            return req->flags & O_EXCL ? -EEXIST : -EISDIR;
        if (w->must_be_dir) /* a name with a slash behind it is no file's, whatever is there */
            return -EISDIR;
        err = may_search(&w->path);
        if (err == 0)
            err = lookup_or_create(w, req, &d, &created);
        if (err < 0)
            return err;
        if (!created && S_ISLNK(d->inode->mode) && !(req->flags & O_NOFOLLOW)) {
            err = walk_follow(w, d);
            dentry_put(d);
            if (err < 0)
                return err;
            if (*w->p == '\0') /* a magic link leads to the file itself */
                return open_found(f, &w->path, req->flags, false);
            continue;
        }
        mount_get(w->path.mnt);
        found = (struct path){w->path.mnt, d};
        if (READ_ONCE(d->mounts) != 0) {
            if (w->flags & LOOKUP_NO_XDEV)
                err = -EXDEV;
            else
                path_follow_mounts(&found);
        }
        if (err == 0)
            err = open_found(f, &found, req->flags, created);
        path_put(&found);
        return err;
    }
}

/* A file that has no name yet: linkat(2) through /proc/self/fd may give it one. */
static int open_tmpfile(struct file *f, const struct path *dir, const struct open_req *req)
{
    struct inode *inode = dir->dentry->inode;
    struct path found = {dir->mnt, NULL};
    int err = mount_want_write(dir);

    if (err == 0)
        err = inode_permission(dir, MAY_WRITE | MAY_EXEC);
    if (err < 0)
        return err;
    if (inode->ops->tmpfile == NULL)
        return -EOPNOTSUPP;
    found.dentry = dentry_alloc(dir->dentry->sb, dir->dentry, "#tmpfile", 8);
    if (found.dentry == NULL)
        return -ENOMEM;
    mutex_lock(&inode->lock);
    err = inode->ops->tmpfile(inode, found.dentry,
                              S_IFREG | (req->mode & S_IALLUGO & ~current_umask()));
    mutex_unlock(&inode->lock);
    if (err == 0) {
        found.dentry->inode->is_linkable = !(req->flags & O_EXCL);
        err = open_found(f, &found, req->flags & ~(uint32_t)O_TMPFILE, true);
    }
    dentry_put(found.dentry);
    return err;
}

static int open_with(struct file *f, int dirfd, const char *name, const struct open_req *req)
{
    unsigned lookup = req->lookup | (req->flags & O_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
                      (req->flags & O_DIRECTORY ? LOOKUP_DIRECTORY : 0);
    struct path p;
    struct walk w;
    int err;

    if ((req->flags & O_CREAT) && !(req->flags & O_PATH)) {
        err = walk_start(&w, dirfd, name, (lookup & ~(unsigned)LOOKUP_DIRECTORY) | LOOKUP_PARENT);
        if (err < 0)
            return err;
        err = open_creating(f, &w, req);
        walk_end(&w);
        return err;
    }
    err = path_lookup(dirfd, name, lookup, &p);
    if (err < 0)
        return err;
    err =
        req->flags & TMPFILE_ONLY ? open_tmpfile(f, &p, req) : open_found(f, &p, req->flags, false);
    path_put(&p);
    return err;
}

int open_at(int dirfd, const char *name, const struct open_req *req, struct file **out)
{
    struct file *f = file_alloc();
    int err;

    if (f == NULL)
        return -ENOMEM;
    err = open_with(f, dirfd, name, req);
    if (err < 0) {
        file_free_unopened(f);
        return err;
    }
    *out = f;
    return 0;
}

int file_open(const char *path, uint32_t flags, mode_t mode, struct file **out)
{
    struct open_req req = {.flags = flags, .mode = mode};

    return open_at(AT_FDCWD, path, &req, out);
}

int file_open_path(const struct path *path, uint32_t flags, struct file **out)
{
    struct file *f = file_alloc();
    int err;

    if (f == NULL)
        return -ENOMEM;
    err = open_found(f, path, flags, false);
    if (err < 0) {
        file_free_unopened(f);
        return err;
    }
    *out = f;
    return 0;
}

int file_open_exec(const struct path *path, struct file **out)
{
    struct file *f;
    int err;

    if (!S_ISREG(path->dentry->inode->mode))
        return S_ISLNK(path->dentry->inode->mode) ? -ELOOP : -EACCES;
    err = inode_permission(path, MAY_EXEC);
    if (err < 0)
        return err;
    f = file_alloc();
    if (f == NULL)
        return -ENOMEM;
    err = file_finish_open(f, path, O_RDONLY | O_LARGEFILE);
    if (err < 0) {
        file_free_unopened(f);
        return err;
    }
    *out = f;
    return 0;
}

/* ---- system calls ---- */

/* What open(2) lets pass and openat2(2) has checked before. */
static int normalize(struct open_req *req)
{
    if (req->flags & O_PATH) {
        req->flags &= PATH_FLAGS;
        req->mode = 0;
        return 0;
    }
    if (req->flags & TMPFILE_ONLY) {
        if ((req->flags & (O_TMPFILE | O_CREAT)) != O_TMPFILE ||
            !(access_mask(req->flags) & MAY_WRITE))
            return -EINVAL;
    } else if (!(req->flags & O_CREAT)) {
        req->mode = 0;
    }
    if ((req->flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
        return -EINVAL;
    if ((req->flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
        req->flags |= O_NOFOLLOW;
    return 0;
}

static long open_user(int dirfd, uaddr_t path, struct open_req *req)
{
    struct file *f;
    char *name;
    int fd, err = normalize(req);

    if (err < 0)
        return err;
    err = name_from_user(path, &name);
    if (err < 0)
        return err;
    fd = fd_reserve(req->flags & O_CLOEXEC ? FD_CLOEXEC : 0);
    if (fd < 0) {
        name_free(name);
        return fd;
    }
    err = open_at(dirfd, name, req, &f);
    name_free(name);
    if (err < 0) {
        fd_unreserve(fd);
        return err;
    }
    fd_publish(fd, f);
    return fd;
}

long sys_openat(int dirfd, uaddr_t path, int flags, mode_t mode)
{
    struct open_req req = {.flags = ((uint32_t)flags & VALID_FLAGS) | O_LARGEFILE,
                           .mode = mode & S_IALLUGO};

    return open_user(dirfd, path, &req);
}

long sys_open(uaddr_t path, int flags, mode_t mode)
{
    return sys_openat(AT_FDCWD, path, flags, mode);
}

long sys_creat(uaddr_t path, mode_t mode)
{
    return sys_openat(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

/* ---- openat2(2) ---- */

static const struct {
    uint64_t resolve;
    unsigned lookup;
} resolve_flags[] = {
    {RESOLVE_NO_XDEV, LOOKUP_NO_XDEV},
    {RESOLVE_NO_MAGICLINKS, LOOKUP_NO_MAGICLINKS},
    {RESOLVE_NO_SYMLINKS, LOOKUP_NO_SYMLINKS | LOOKUP_NO_MAGICLINKS},
    {RESOLVE_BENEATH, LOOKUP_BENEATH},
    {RESOLVE_IN_ROOT, LOOKUP_IN_ROOT},
};

/* A structure that may have grown: what we do not know must be zero. */
static int how_from_user(uaddr_t user, size_t size, struct abi_open_how *how)
{
    uint8_t byte;

    if (size < sizeof(*how))
        return -EINVAL;
    if (size > PAGE_SIZE)
        return -E2BIG;
    if (copy_from_user(how, user, sizeof(*how)) < 0)
        return -EFAULT;
    for (size_t i = sizeof(*how); i < size; i++) {
        if (get_user(&byte, user + i) < 0)
            return -EFAULT;
        if (byte != 0)
            return -E2BIG;
    }
    return 0;
}

static int check_how(const struct abi_open_how *how)
{
    bool makes = (how->flags & O_CREAT) || (how->flags & TMPFILE_ONLY);

    if ((how->flags & ~(uint64_t)VALID_FLAGS) != 0 || (how->resolve & ~(uint64_t)RESOLVE_ALL) != 0)
        return -EINVAL;
    if ((how->resolve & RESOLVE_BENEATH) && (how->resolve & RESOLVE_IN_ROOT))
        return -EINVAL;
    if (makes ? (how->mode & ~(uint64_t)S_IALLUGO) != 0 : how->mode != 0)
        return -EINVAL;
    if ((how->flags & O_PATH) && (how->flags & ~(uint64_t)PATH_FLAGS) != 0)
        return -EINVAL;
    return how->resolve & RESOLVE_CACHED ? -EAGAIN : 0;
}

long sys_openat2(int dirfd, uaddr_t path, uaddr_t user_how, size_t size)
{
    struct open_req req = {0};
    struct abi_open_how how;
    int err = how_from_user(user_how, size, &how);

    if (err == 0)
        err = check_how(&how);
    if (err < 0)
        return err;
    req.flags = (uint32_t)how.flags | (how.flags & O_PATH ? 0 : O_LARGEFILE);
    req.mode = (mode_t)how.mode;
    for (size_t i = 0; i < ARRAY_SIZE(resolve_flags); i++) {
        if (how.resolve & resolve_flags[i].resolve)
            req.lookup |= resolve_flags[i].lookup;
    }
    return open_user(dirfd, path, &req);
}
