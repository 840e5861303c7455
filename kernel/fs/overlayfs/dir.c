/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing names. New objects are made in the upper layer; what was removed and is
 * still in a lower one is covered by a whiteout. The caller (the VFS) holds the
 * overlay directory's lock and has checked permissions; the real directory's
 * lock is taken below it.
 */
#include <kernel/cgroup.h>
#include <kernel/errno.h>
#include <kernel/string.h>

#include "overlay.h"

#include "../vfs.h"

#include <kernel/abi/fs.h>

/* The upper directory in which dir's names are changed. The dentry of the child leads there. */
static int upper_dir(struct dentry *child, struct dentry **out)
{
    struct dentry *parent = d_parent_get(child);
    int err = ovl_copy_up(parent);

    if (err == 0)
        *out = ovl_upper(parent); /* lives as long as the overlay directory, which is locked */
    dentry_put(parent);
    return err;
}

/* Is the name in a lower layer of the merged directory, so that it would come to light again? */
static int in_lower(struct inode *dir, const struct dentry *dentry, bool *found)
{
    const struct ovl_inode *od = ovl_inode(dir);

    *found = false;
    for (unsigned i = 0; i < od->nlower; i++) {
        struct dentry *d;
        int err = lookup_one(od->lower[i].dentry, dentry->name, dentry->name_len, &d);
        bool decides;

        if (err < 0)
            return err;
        decides = !d_is_negative(d);
        *found = decides && !ovl_is_whiteout(d);
        dentry_put(d);
        if (decides)
            break;
    }
    return 0;
}

/* Take a whiteout out of the way of a new name. *was: there was one. */
static int clear_whiteout(struct dentry *upper, const struct dentry *dentry, bool *was)
{
    struct dentry *d;
    int err = lookup_one(upper, dentry->name, dentry->name_len, &d);

    *was = false;
    if (err < 0)
        return err;
    if (ovl_is_whiteout(d)) {
        *was = true;
        err = vfs_unlink(upper, d);
    }
    dentry_put(d);
    return err;
}

static int put_whiteout(struct dentry *upper, const struct dentry *dentry)
{
    struct dentry *d;
    int err = vfs_mknod(upper, dentry->name, S_IFCHR, 0, &d);

    if (err == 0)
        dentry_put(d);
    return err;
}

/* The new object in the upper layer becomes the overlay's. Takes the reference. */
static int adopt(struct inode *dir, struct dentry *dentry, struct dentry *real)
{
    struct inode *inode = ovl_inode_create(dir->sb, real, NULL, 0);

    if (inode == NULL)
        return -ENOMEM;
    d_set_inode(dentry, inode);
    ovl_copy_attr(dir);
    return 0;
}

enum what { MAKE_FILE, MAKE_DIR, MAKE_NODE, MAKE_SYMLINK };

struct request {
    enum what what;
    mode_t mode;
    dev_t dev;
    const char *target;
};

static int make_upper(struct dentry *upper, const char *name, const struct request *r, struct dentry **out)
{
    int err;

    switch (r->what) {
    case MAKE_FILE:
        return vfs_create(upper, name, r->mode, out);
    case MAKE_DIR:
        return vfs_mkdir(upper, name, r->mode, out);
    case MAKE_NODE:
        return vfs_mknod(upper, name, r->mode, r->dev, out);
    default:
        err = vfs_symlink(upper, name, r->target);
        return err < 0 ? err : lookup_one(upper, name, strlen(name), out);
    }
}

static int make(struct inode *dir, struct dentry *dentry, const struct request *r)
{
    struct dentry *upper = NULL, *real;
    bool was_whiteout;
    int err = upper_dir(dentry, &upper);

    if (err == 0)
        err = clear_whiteout(upper, dentry, &was_whiteout);
    if (err < 0)
        return err;
    err = make_upper(upper, dentry->name, r, &real);
    /* A directory over a removed one must not show what was in it. */
    if (err == 0 && was_whiteout && r->what == MAKE_DIR) {
        err = ovl_set_opaque(real);
        if (err < 0) {
            (void)vfs_rmdir(upper, real);
            dentry_put(real);
        }
    }
    if (err < 0) {
        if (was_whiteout)
            (void)put_whiteout(upper, dentry);
        return err;
    }
    return adopt(dir, dentry, real);
}

int ovl_create(struct inode *dir, struct dentry *dentry, mode_t mode)
{
    return make(dir, dentry, &(struct request){.what = MAKE_FILE, .mode = mode});
}

int ovl_mkdir(struct inode *dir, struct dentry *dentry, mode_t mode)
{
    return make(dir, dentry, &(struct request){.what = MAKE_DIR, .mode = mode});
}

/* 0:0 would be a whiteout: as on Linux it cannot be made from above. */
int ovl_mknod(struct inode *dir, struct dentry *dentry, mode_t mode, dev_t dev)
{
    if (S_ISCHR(mode) && dev == 0)
        return -EPERM;
    return make(dir, dentry, &(struct request){.what = MAKE_NODE, .mode = mode, .dev = dev});
}

int ovl_symlink(struct inode *dir, struct dentry *dentry, const char *target)
{
    return make(dir, dentry, &(struct request){.what = MAKE_SYMLINK, .target = target});
}

int ovl_link(struct dentry *old, struct inode *dir, struct dentry *dentry)
{
    struct dentry *upper = NULL;
    bool was_whiteout;
    int err = ovl_copy_up(old);

    if (err == 0)
        err = upper_dir(dentry, &upper);
    if (err == 0)
        err = clear_whiteout(upper, dentry, &was_whiteout);
    if (err < 0)
        return err;
    err = vfs_link(ovl_upper(old), upper, dentry->name);
    if (err < 0) {
        if (was_whiteout)
            (void)put_whiteout(upper, dentry);
        return err;
    }
    inode_get(old->inode);
    d_set_inode(dentry, old->inode);
    ovl_copy_attr(old->inode);
    ovl_copy_attr(dir);
    return 0;
}

/* Whiteouts left in an otherwise empty upper directory go with it. */
static int remove_whiteouts(struct dentry *dir)
{
    struct dentry *d;
    uint64_t pos = 0;

    while ((d = d_child_at(dir, pos)) != NULL) {
        int err = 0;

        pos = d->dir_pos + 1;
        if (ovl_is_whiteout(d))
            err = vfs_unlink(dir, d);
        dentry_put(d);
        if (err < 0)
            return err;
        cond_resched();
    }
    return 0;
}

/* [copy_up_lock] What has the name in the upper directory: the object's version, a whiteout if there is
 * no object, or nothing (negative). It is looked up: a file with several names knows its upper dentry by
 * one of them. -ESTALE: somebody else changes the layer. */
static int find_upper(struct dentry *upper, const struct dentry *dentry, struct dentry **out)
{
    const struct dentry *known = d_is_negative(dentry) ? NULL : ovl_upper(dentry);
    struct dentry *real;
    int err = lookup_one(upper, dentry->name, dentry->name_len, &real);

    if (err < 0)
        return err;
    if (real->inode != (known != NULL ? known->inode : NULL) &&
        !(d_is_negative(dentry) && ovl_is_whiteout(real))) {
        dentry_put(real);
        return -ESTALE;
    }
    *out = real;
    return 0;
}

static int remove_real(struct dentry *dir, struct dentry *real)
{
    int err;

    if (!S_ISDIR(real->inode->mode))
        return vfs_unlink(dir, real);
    err = remove_whiteouts(real);
    return err < 0 ? err : vfs_rmdir(dir, real);
}

/* [copy_up_lock] A whiteout takes the place of what the upper directory has. Both happen in one step, which
 * may fail, so the object goes to the work directory first: once it is there nobody sees it. */
static int cover(const struct ovl_super *o, struct dentry *upper, struct dentry *real)
{
    static uint32_t last_number; /* [a] of all overlays: some may share a directory */
    char name[16];
    int err;

    snprintf(name, sizeof(name), "#%x", __atomic_add_fetch(&last_number, 1, __ATOMIC_RELAXED));
    err = vfs_rename(upper, real, o->work, name, NULL, RENAME_WHITEOUT);
    if (err == 0)
        (void)remove_real(o->work, real); /* it would only take up space */
    return err;
}

/* [copy_up_lock] What the upper directory has goes, if anything; `covered`: a whiteout stays. */
static int remove_upper(const struct ovl_super *o, struct dentry *upper, struct dentry *real, bool covered)
{
    if (d_is_negative(real))
        return covered ? put_whiteout(upper, real) : 0;
    return covered ? cover(o, upper, real) : remove_real(upper, real);
}

/* [copy_up_lock] The object has lost a name: a directory its only one. */
static void lose_name(struct inode *inode)
{
    struct ovl_inode *oi = ovl_inode(inode);

    oi->is_removed = true;
    if (S_ISDIR(inode->mode))
        inode->nlink = 0;
    else if (oi->upper != NULL)
        ovl_copy_attr(inode);
    else
        inode->nlink -= inode->nlink > 0;
}

/* No copy-up happens meanwhile: it would put the name back, or find the whiteout in its way. */
static int remove_name(struct inode *dir, struct dentry *dentry)
{
    struct ovl_super *o = ovl_super(dir->sb);
    struct dentry *upper = NULL, *real;
    bool covered;
    int err = upper_dir(dentry, &upper);

    if (err == 0)
        err = in_lower(dir, dentry, &covered);
    if (err < 0)
        return err;
    mutex_lock(&o->copy_up_lock);
    err = find_upper(upper, dentry, &real);
    if (err == 0) {
        err = remove_upper(o, upper, real, covered);
        dentry_put(real);
    }
    if (err == 0)
        lose_name(dentry->inode);
    mutex_unlock(&o->copy_up_lock);
    if (err == 0)
        ovl_copy_attr(dir);
    return err;
}

int ovl_unlink(struct inode *dir, struct dentry *dentry)
{
    return remove_name(dir, dentry);
}

int ovl_rmdir(struct inode *dir, struct dentry *dentry)
{
    int err = ovl_check_empty(dentry->inode);

    return err < 0 ? err : remove_name(dir, dentry);
}

/* ---- rename ---- */

/* [copy_up_lock] Over a directory, or a whiteout: they change places, then what was there goes from the old one. */
static int rename_over(struct dentry *odir, struct dentry *from, const struct dentry *old, struct dentry *ndir,
                       struct dentry *to, const struct dentry *new, bool covered)
{
    int err = vfs_rename(odir, from, ndir, new->name, to->inode, RENAME_EXCHANGE);

    if (err < 0 || (covered && ovl_is_whiteout(to)))
        return err;
    err = remove_upper(ovl_super(old->sb), odir, to, covered);
    if (err < 0)
        (void)vfs_rename(ndir, from, odir, old->name, to->inode, RENAME_EXCHANGE); /* takes no memory */
    return err;
}

/* [copy_up_lock] In the upper layer, all of it or nothing. */
static int rename_upper(struct dentry *odir, const struct dentry *old, struct dentry *ndir, const struct dentry *new,
                        bool covered)
{
    struct dentry *from, *to;
    int err = find_upper(odir, old, &from);

    if (err < 0)
        return err;
    err = find_upper(ndir, new, &to);
    if (err == 0) {
        if (S_ISDIR(from->inode->mode) && !d_is_negative(to))
            err = rename_over(odir, from, old, ndir, to, new, covered);
        else
            err = vfs_rename(odir, from, ndir, new->name, to->inode, covered ? RENAME_WHITEOUT : 0);
        dentry_put(to);
    }
    dentry_put(from);
    return err;
}

int ovl_rename(struct inode *odir, struct dentry *old, struct inode *ndir, struct dentry *new, unsigned flags)
{
    struct ovl_super *o = ovl_super(odir->sb);
    bool is_dir = S_ISDIR(old->inode->mode), covered, covers;
    struct dentry *oupper = NULL, *nupper = NULL;
    int err;

    if (flags != 0)
        return -EINVAL;
    /* A directory with lower parts would have to be copied with all that is in it: as without
     * redirect_dir on Linux that is the caller's job (mv does it). */
    if (is_dir && ovl_inode(old->inode)->nlower > 0)
        return -EXDEV;
    err = ovl_copy_up(old);
    if (err == 0)
        err = upper_dir(old, &oupper);
    if (err == 0)
        err = upper_dir(new, &nupper);
    if (err == 0)
        err = in_lower(odir, old, &covered);
    if (err == 0)
        err = in_lower(ndir, new, &covers);
    if (err == 0 && is_dir && covers)
        err = ovl_set_opaque(ovl_upper(old));
    if (err == 0 && is_dir && new->inode != NULL)
        err = ovl_check_empty(new->inode);
    if (err < 0)
        return err;
    mutex_lock(&o->copy_up_lock);
    err = rename_upper(oupper, old, nupper, new, covered);
    if (err == 0 && new->inode != NULL)
        lose_name(new->inode);
    mutex_unlock(&o->copy_up_lock);
    if (err < 0)
        return err;
    ovl_copy_attr(odir);
    ovl_copy_attr(ndir);
    return 0;
}
