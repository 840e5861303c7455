/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making and removing names: mkdir(2), mknod(2), link(2), symlink(2),
 * unlink(2), rmdir(2), and the same for the kernel's own use. Each walks to the
 * parent, locks it, looks the last name up, checks, and calls the file system.
 */
#include "names.h"

#include <kernel/abi/fs.h>

/* ---- on dentries, checks done; the directory is locked ---- */

enum make { MAKE_FILE, MAKE_DIR, MAKE_NODE, MAKE_SYMLINK, MAKE_LINK };

struct make_args {
    enum make what;
    mode_t mode;
    dev_t dev;
    const char *target; /* of a symlink */
    struct dentry *old; /* of a hard link */
    struct mount *old_mnt;
};

static int make_link(struct inode *dir, struct dentry *d, struct dentry *old)
{
    struct inode *inode = old->inode;
    int err = -EPERM;

    mutex_lock(&inode->lock); /* its link count */
    if (inode->nlink == 0 && !inode->is_linkable)
        err = -ENOENT;
    else if (dir->ops->link != NULL)
        err = dir->ops->link(old, dir, d);
    if (err == 0)
        inode->is_linkable = false; /* it has had its name */
    mutex_unlock(&inode->lock);
    return err;
}

static int make_name(struct inode *dir, struct dentry *d, const struct make_args *a)
{
    const struct inode_ops *ops = dir->ops;
    int err = -EPERM;

    switch (a->what) {
    case MAKE_FILE:
        err = ops->create != NULL ? ops->create(dir, d, a->mode) : -EACCES;
        break;
    case MAKE_DIR:
        err = ops->mkdir != NULL ? ops->mkdir(dir, d, a->mode) : -EPERM;
        break;
    case MAKE_NODE:
        err = ops->mknod != NULL ? ops->mknod(dir, d, a->mode, a->dev) : -EPERM;
        break;
    case MAKE_SYMLINK:
        err = ops->symlink != NULL ? ops->symlink(dir, d, a->target) : -EPERM;
        break;
    case MAKE_LINK:
        err = make_link(dir, d, a->old);
        break;
    }
    if (err == 0)
        d_hash(d);
    return err;
}

static int remove_name(struct inode *dir, struct dentry *d)
{
    struct inode *inode = d->inode;
    int (*remove)(struct inode *, struct dentry *);
    int err = -EPERM;

    remove = S_ISDIR(inode->mode) ? dir->ops->rmdir : dir->ops->unlink;
    mutex_lock(&inode->lock); /* its link count; nobody makes a name in it meanwhile */
    if (remove != NULL)
        err = remove(dir, d);
    mutex_unlock(&inode->lock);
    if (err == 0)
        d_delete(d);
    return err;
}

/* ---- for the kernel: no permissions asked ---- */

/* [dir->inode->lock] */
static int vfs_make_locked(struct dentry *dir, const char *name, const struct make_args *a,
                           struct dentry **out)
{
    struct dentry *d;
    int err;

    /* Nothing leads to a name in a removed directory: it would stay when all is unmounted. */
    if (d_is_unlinked(dir) || dir->inode->nlink == 0)
        return -ENOENT;
    err = lookup_one_locked(dir, name, strlen(name), &d);
    if (err < 0)
        return err;
    err = d_is_negative(d) ? make_name(dir->inode, d, a) : -EEXIST;
    if (err < 0 || out == NULL)
        dentry_put(d);
    else
        *out = d;
    return err;
}

static int vfs_make(struct dentry *dir, const char *name, const struct make_args *a,
                    struct dentry **out)
{
    int err;

    mutex_lock(&dir->inode->lock);
    err = vfs_make_locked(dir, name, a, out);
    mutex_unlock(&dir->inode->lock);
    return err;
}

int vfs_mkdir(struct dentry *dir, const char *name, mode_t mode, struct dentry **out)
{
    struct make_args a = {.what = MAKE_DIR, .mode = S_IFDIR | (mode & S_IALLUGO)};

    return vfs_make(dir, name, &a, out);
}

int vfs_mknod(struct dentry *dir, const char *name, mode_t mode, dev_t dev, struct dentry **out)
{
    struct make_args a = {.what = MAKE_NODE, .mode = mode, .dev = dev};

    return vfs_make(dir, name, &a, out);
}

int vfs_create(struct dentry *dir, const char *name, mode_t mode, struct dentry **out)
{
    struct make_args a = {.what = MAKE_FILE, .mode = S_IFREG | (mode & S_IALLUGO)};

    return vfs_make(dir, name, &a, out);
}

int vfs_symlink(struct dentry *dir, const char *name, const char *target)
{
    struct make_args a = {.what = MAKE_SYMLINK, .target = target};

    return vfs_make(dir, name, &a, NULL);
}

int vfs_link(struct dentry *old, struct dentry *dir, const char *name)
{
    struct make_args a = {.what = MAKE_LINK, .old = old};

    return vfs_make(dir, name, &a, NULL);
}

static int vfs_remove(struct dentry *dir, struct dentry *victim)
{
    int err;

    mutex_lock(&dir->inode->lock);
    err =
        d_is_unlinked(victim) || victim->parent != dir ? -ENOENT : remove_name(dir->inode, victim);
    mutex_unlock(&dir->inode->lock);
    if (err == 0)
        mounts_detach_from(victim);
    return err;
}

int vfs_unlink(struct dentry *dir, struct dentry *victim)
{
    return S_ISDIR(victim->inode->mode) ? -EISDIR : vfs_remove(dir, victim);
}

int vfs_rmdir(struct dentry *dir, struct dentry *victim)
{
    return S_ISDIR(victim->inode->mode) ? vfs_remove(dir, victim) : -ENOTDIR;
}

/* ---- from a path ---- */

int last_name_get(int dirfd, uaddr_t user, struct last_name *l)
{
    int err = name_from_user(user, &l->name);

    if (err < 0)
        return err;
    err = walk_start(&l->w, dirfd, l->name, LOOKUP_PARENT);
    if (err < 0)
        goto free_name;
    err = walk_run(&l->w);
    if (err == 0)
        err = may_search(&l->w.path);
    if (err == 0)
        return 0;
    walk_end(&l->w);
free_name:
    name_free(l->name);
    return err;
}

void last_name_put(struct last_name *l)
{
    walk_end(&l->w);
    name_free(l->name);
}

/* Make the last name of a path. */
static int make_last(struct last_name *l, const struct make_args *a)
{
    struct walk *w = &l->w;
    struct dentry *dir = w->path.dentry;
    struct dentry *d;
    int err;

    if (w->last_type != LAST_NORM)
        return -EEXIST;
    mutex_lock(&dir->inode->lock);
    err = lookup_one_locked(dir, w->last, w->last_len, &d);
    if (err < 0)
        goto unlock;
    err = -EEXIST;
    if (!d_is_negative(d))
        goto put;
    err = -ENOENT;
    if (w->must_be_dir && a->what != MAKE_DIR)
        goto put;
    err = mount_want_write(&w->path);
    if (err == 0 && a->old_mnt != NULL && a->old_mnt != w->path.mnt)
        err = -EXDEV;
    if (err == 0)
        err = may_create(&w->path);
    if (err == 0 && a->old != NULL && S_ISDIR(a->old->inode->mode))
        err = -EPERM;
    if (err == 0)
        err = make_name(dir->inode, d, a);
put:
    dentry_put(d);
unlock:
    mutex_unlock(&dir->inode->lock);
    return err;
}

static long make_at(int dirfd, uaddr_t path, const struct make_args *a)
{
    struct last_name l;
    int err = last_name_get(dirfd, path, &l);

    if (err < 0)
        return err;
    err = make_last(&l, a);
    last_name_put(&l);
    return err;
}

long sys_mkdirat(int dirfd, uaddr_t path, mode_t mode)
{
    struct make_args a = {.what = MAKE_DIR};

    a.mode = S_IFDIR | (mode & (S_IRWXUGO | S_ISVTX) & ~current_umask());
    return make_at(dirfd, path, &a);
}

long sys_mkdir(uaddr_t path, mode_t mode)
{
    return sys_mkdirat(AT_FDCWD, path, mode);
}

/* The ABI's 32-bit device numbers. */
static dev_t decode_dev(unsigned dev)
{
    return MKDEV((dev & 0xfff00) >> 8, (dev & 0xff) | (dev >> 12 & 0xfff00));
}

static int check_node(mode_t mode, dev_t dev)
{
    switch (mode & S_IFMT) {
    case 0:
    case S_IFREG:
    case S_IFIFO:
    case S_IFSOCK:
        return 0;
    case S_IFDIR:
        return -EPERM;
    case S_IFCHR:
        if (dev == 0) /* an overlay's whiteout: no device */
            return 0;
        break;
    case S_IFBLK:
        break;
    default:
        return -EINVAL;
    }
    if (!ns_capable(user_ns_init, CAP_MKNOD))
        return -EPERM;
    return device_access != NULL ? device_access(mode & S_IFMT, dev, DEVICE_MKNOD) : 0;
}

long sys_mknodat(int dirfd, uaddr_t path, mode_t mode, unsigned dev)
{
    struct make_args a = {.what = MAKE_NODE, .dev = decode_dev(dev)};
    int err = check_node(mode, a.dev);

    if (err < 0)
        return err;
    a.mode = (mode & S_IFMT) | (mode & S_IALLUGO & ~current_umask());
    if ((mode & S_IFMT) == 0 || S_ISREG(mode)) {
        a.what = MAKE_FILE;
        a.mode |= S_IFREG;
    }
    return make_at(dirfd, path, &a);
}

long sys_mknod(uaddr_t path, mode_t mode, unsigned dev)
{
    return sys_mknodat(AT_FDCWD, path, mode, dev);
}

long sys_symlinkat(uaddr_t target, int dirfd, uaddr_t path)
{
    struct make_args a = {.what = MAKE_SYMLINK};
    char *text;
    long err = name_from_user(target, &text);

    if (err < 0)
        return err;
    a.target = text;
    err = *text != '\0' ? make_at(dirfd, path, &a) : -ENOENT;
    name_free(text);
    return err;
}

long sys_symlink(uaddr_t target, uaddr_t path)
{
    return sys_symlinkat(target, AT_FDCWD, path);
}

/* ---- link(2) ---- */

long sys_linkat(int olddirfd, uaddr_t oldpath, int newdirfd, uaddr_t newpath, int flags)
{
    unsigned lookup = (flags & AT_SYMLINK_FOLLOW ? LOOKUP_FOLLOW : 0) |
                      (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
    struct make_args a = {.what = MAKE_LINK};
    struct path old;
    int err;

    if ((flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) != 0)
        return -EINVAL;
    if ((flags & AT_EMPTY_PATH) && !ns_capable(user_ns_init, CAP_DAC_READ_SEARCH))
        return -ENOENT;
    err = path_lookup_user(olddirfd, oldpath, lookup, &old);
    if (err < 0)
        return err;
    a.old = old.dentry;
    a.old_mnt = old.mnt;
    err = (int)make_at(newdirfd, newpath, &a);
    path_put(&old);
    return err;
}

long sys_link(uaddr_t oldpath, uaddr_t newpath)
{
    return sys_linkat(AT_FDCWD, oldpath, AT_FDCWD, newpath, 0);
}

/* ---- unlink(2) and rmdir(2) ---- */

static int check_remove(const struct walk *w, struct dentry *d, bool is_rmdir)
{
    int err;

    if (d_is_negative(d))
        return -ENOENT;
    if (!is_rmdir && w->must_be_dir)
        return S_ISDIR(d->inode->mode) ? -EISDIR : -ENOTDIR;
    err = may_delete(&w->path, d, is_rmdir);
    if (err == 0 && mount_is_local(d))
        err = -EBUSY;
    return err;
}

static int remove_last(struct last_name *l, bool is_rmdir)
{
    struct walk *w = &l->w;
    struct dentry *dir = w->path.dentry;
    struct dentry *d;
    int err;

    if (w->last_type != LAST_NORM) {
        static const int rmdir_errors[] = {
            [LAST_DOT] = -EINVAL, [LAST_DOTDOT] = -ENOTEMPTY, [LAST_ROOT] = -EBUSY};

        return is_rmdir ? rmdir_errors[w->last_type] : -EISDIR;
    }
    err = mount_want_write(&w->path);
    if (err < 0)
        return err;
    mutex_lock(&dir->inode->lock);
    err = lookup_one_locked(dir, w->last, w->last_len, &d);
    if (err < 0) {
        mutex_unlock(&dir->inode->lock);
        return err;
    }
    err = check_remove(w, d, is_rmdir);
    if (err == 0)
        err = remove_name(dir->inode, d);
    mutex_unlock(&dir->inode->lock);
    if (err == 0)
        mounts_detach_from(d);
    dentry_put(d); /* perhaps the last reference: the file's pages go here, without the lock */
    return err;
}

static long remove_at(int dirfd, uaddr_t path, bool is_rmdir)
{
    struct last_name l;
    int err = last_name_get(dirfd, path, &l);

    if (err < 0)
        return err;
    err = remove_last(&l, is_rmdir);
    last_name_put(&l);
    return err;
}

long sys_unlinkat(int dirfd, uaddr_t path, int flags)
{
    if ((flags & ~AT_REMOVEDIR) != 0)
        return -EINVAL;
    return remove_at(dirfd, path, (flags & AT_REMOVEDIR) != 0);
}

long sys_unlink(uaddr_t path)
{
    return remove_at(AT_FDCWD, path, false);
}

long sys_rmdir(uaddr_t path)
{
    return remove_at(AT_FDCWD, path, true);
}
