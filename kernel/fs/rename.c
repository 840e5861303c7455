/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rename(2). Two directories are locked, an ancestor before what is below it,
 * unrelated ones by address; the file system's rename_lock keeps anybody else
 * from changing which is which meanwhile. Directories cannot be moved into
 * themselves, so the tree stays a tree.
 */
#include "names.h"

#include <kernel/abi/fs.h>

static void lock_two(struct dentry *a, struct dentry *b)
{
    bool a_first;

    if (a == b) {
        mutex_lock(&a->inode->lock);
        return;
    }
    mutex_lock(&a->sb->rename_lock);
    if (d_is_below(b, a))
        a_first = true;
    else if (d_is_below(a, b))
        a_first = false;
    else
        a_first = a->inode < b->inode;
    mutex_lock(a_first ? &a->inode->lock : &b->inode->lock);
    mutex_lock(a_first ? &b->inode->lock : &a->inode->lock);
}

static void unlock_two(struct dentry *a, struct dentry *b)
{
    mutex_unlock(&a->inode->lock);
    if (a == b)
        return;
    mutex_unlock(&b->inode->lock);
    mutex_unlock(&a->sb->rename_lock);
}

/* ---- on dentries; both directories are locked ---- */

/* Neither becomes part of itself. */
static int check_tree(struct dentry *odir, struct dentry *old, struct dentry *ndir, struct dentry *new, unsigned flags)
{
    if (d_is_below(ndir, old))
        return -EINVAL;
    if (d_is_below(odir, new))
        return flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
    return 0;
}

/* Checks are done. */
static int change_names(struct dentry *odir, struct dentry *old, struct dentry *ndir, struct dentry *new, unsigned flags)
{
    struct inode *victim = new->inode;
    int err;

    if (odir->inode->ops->rename == NULL)
        return -EPERM;
    if (victim != NULL)
        mutex_lock(&victim->lock); /* its link count; a directory stays empty */
    err = odir->inode->ops->rename(odir->inode, old, ndir->inode, new, flags & (RENAME_EXCHANGE | RENAME_WHITEOUT));
    if (victim != NULL)
        mutex_unlock(&victim->lock);
    if (err < 0)
        return err;
    if (flags & RENAME_EXCHANGE)
        d_exchange(old, new);
    else
        d_move(old, new);
    return 0;
}

/* ---- for the kernel: no permissions asked ---- */

int vfs_rename(struct dentry *odir, struct dentry *old, struct dentry *ndir, const char *name,
               const struct inode *victim, unsigned flags)
{
    struct dentry *new = NULL;
    int err = -ESTALE;

    lock_two(odir, ndir);
    if (!d_is_unlinked(old) && old->parent == odir)
        err = lookup_one_locked(ndir, name, strlen(name), &new);
    if (err == 0 && new->inode != victim)
        err = -ESTALE;
    if (err == 0)
        err = check_tree(odir, old, ndir, new, flags);
    if (err == 0)
        err = change_names(odir, old, ndir, new, flags);
    unlock_two(odir, ndir);
    if (err == 0 && !(flags & RENAME_EXCHANGE))
        mounts_detach_from(new);
    dentry_put(new);
    return err;
}

/* ---- from a path ---- */

struct rename {
    struct walk *from, *to; /* in the two directories */
    struct dentry *old, *new;
    unsigned flags;
};

/* What the names alone tell. */
static int check_names(const struct rename *r)
{
    bool exchange = r->flags & RENAME_EXCHANGE;

    if (d_is_negative(r->old))
        return -ENOENT;
    if ((r->flags & RENAME_NOREPLACE) && !d_is_negative(r->new))
        return -EEXIST;
    if (exchange && d_is_negative(r->new))
        return -ENOENT;
    if (exchange && !S_ISDIR(r->new->inode->mode) && r->to->must_be_dir)
        return -ENOTDIR;
    if (!S_ISDIR(r->old->inode->mode) &&
        (r->from->must_be_dir || (!exchange && r->to->must_be_dir)))
        return -ENOTDIR;
    return check_tree(r->from->path.dentry, r->old, r->to->path.dentry, r->new, r->flags);
}

/* A directory that changes its parent is written to: its "..". */
static int may_reparent(const struct rename *r, struct dentry *d)
{
    struct path p = {r->from->path.mnt, d};

    if (!S_ISDIR(d->inode->mode) || r->from->path.dentry == r->to->path.dentry)
        return 0;
    return inode_permission(&p, MAY_WRITE);
}

static int check_permissions(const struct rename *r)
{
    bool is_dir = S_ISDIR(r->old->inode->mode);
    int err = may_delete(&r->from->path, r->old, is_dir);

    if (err < 0)
        return err;
    if (d_is_negative(r->new))
        err = may_create(&r->to->path);
    else
        err = may_delete(&r->to->path, r->new,
                         r->flags & RENAME_EXCHANGE ? S_ISDIR(r->new->inode->mode) : is_dir);
    if (err == 0)
        err = may_reparent(r, r->old);
    if (err == 0 && (r->flags & RENAME_EXCHANGE))
        err = may_reparent(r, r->new);
    if (err == 0 && (mount_is_local(r->old) || mount_is_local(r->new)))
        err = -EBUSY;
    return err;
}

/* Both directories are locked. */
static int rename_locked(const struct rename *r)
{
    int err = check_names(r);

    if (err < 0)
        return err;
    if (r->old->inode == r->new->inode)
        return 0; /* two names of one file: rename(2) does nothing */
    err = check_permissions(r);
    if (err < 0)
        return err;
    return change_names(r->from->path.dentry, r->old, r->to->path.dentry, r->new, r->flags);
}

static int rename_last(struct walk *from, struct walk *to, unsigned flags)
{
    struct rename r = {.from = from, .to = to, .flags = flags};
    struct dentry *odir = from->path.dentry, *ndir = to->path.dentry;
    bool replaced = false;
    int err;

    if (from->path.mnt != to->path.mnt)
        return -EXDEV;
    if (from->last_type != LAST_NORM)
        return -EBUSY;
    if (to->last_type != LAST_NORM)
        return flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
    err = mount_want_write(&from->path);
    if (err < 0)
        return err;

    lock_two(odir, ndir);
    err = lookup_one_locked(odir, from->last, from->last_len, &r.old);
    if (err < 0)
        goto unlock;
    err = lookup_one_locked(ndir, to->last, to->last_len, &r.new);
    if (err < 0)
        goto put_old;
    err = rename_locked(&r);
    replaced = err == 0 && !(flags & RENAME_EXCHANGE) && r.old != r.new;
    unlock_two(odir, ndir);
    if (replaced)
        mounts_detach_from(r.new);
    dentry_put(r.new);
    dentry_put(r.old);
    return err;

put_old:
    dentry_put(r.old);
unlock:
    unlock_two(odir, ndir);
    return err;
}

long sys_renameat2(int olddirfd, uaddr_t oldpath, int newdirfd, uaddr_t newpath, unsigned flags)
{
    struct last_name from, to;
    int err;

    if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)) != 0)
        return -EINVAL;
    if ((flags & RENAME_EXCHANGE) && (flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)))
        return -EINVAL;
    if ((flags & RENAME_WHITEOUT) && !ns_capable(user_ns_init, CAP_MKNOD))
        return -EPERM;
    err = last_name_get(olddirfd, oldpath, &from);
    if (err < 0)
        return err;
    err = last_name_get(newdirfd, newpath, &to);
    if (err == 0) {
        err = rename_last(&from.w, &to.w, flags);
        last_name_put(&to);
    }
    last_name_put(&from);
    return err;
}

long sys_renameat(int olddirfd, uaddr_t oldpath, int newdirfd, uaddr_t newpath)
{
    return sys_renameat2(olddirfd, oldpath, newdirfd, newpath, 0);
}

long sys_rename(uaddr_t oldpath, uaddr_t newpath)
{
    return sys_renameat2(AT_FDCWD, oldpath, AT_FDCWD, newpath, 0);
}
