/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Overlay inodes: looking names up through the layers, and attributes.
 *
 * Two names of one real file must be one overlay inode, so those of files are
 * found by their real inode in a small table; a directory's is its dentry's alone. So is
 * that of a lower file with several names: they part when one is copied up.
 *
 * Inode numbers are those of the layers, each file system's with its index in the high bits.
 * What is copied up keeps its number: a directory's is that of the topmost lower one, a
 * file's copy has it as an attribute; but names that part become two files.
 */
#include <kernel/cgroup.h>
#include <kernel/errno.h>
#include <kernel/string.h>

#include "overlay.h"

#include "../vfs.h"

#define OPAQUE_XATTR "trusted.overlay.opaque"
#define ORIGIN_XATTR "trusted.overlay.origin"
#define OVL_XATTR    "trusted.overlay."

#define FS_BITS   8  /* of an inode number, for each of the file systems that are stacked */
#define FS_SHIFT  48 /* in the lowest overlay */
_Static_assert(OVL_LOWER_MAX < 1 << FS_BITS && FS_SHIFT + STACK_DEPTH_MAX * FS_BITS <= 64, "inode numbers are unique");

bool ovl_is_whiteout(const struct dentry *d)
{
    return d->inode != NULL && S_ISCHR(d->inode->mode) && d->inode->rdev == 0;
}

bool ovl_is_opaque(struct dentry *d)
{
    char value;

    return d->inode->ops->getxattr != NULL && d->inode->ops->getxattr(d, OPAQUE_XATTR, &value, 1) == 1 &&
           value == 'y';
}

int ovl_set_opaque(struct dentry *d)
{
    int err;

    if (d->inode->ops->setxattr == NULL)
        return -EOPNOTSUPP;
    mutex_lock(&d->inode->lock);
    err = d->inode->ops->setxattr(d, OPAQUE_XATTR, "y", 1, 0);
    mutex_unlock(&d->inode->lock);
    return err;
}

ino_t ovl_ino(const struct super_block *sb, unsigned layer, ino_t ino)
{
    return ino | (ino_t)ovl_super(sb)->layers[layer].fs << (FS_SHIFT + (sb->stack_depth - 1) * FS_BITS);
}

ino_t ovl_upper_ino(const struct super_block *sb, struct dentry *upper)
{
    struct inode *inode = upper->inode;
    ino_t origin;
    int len = -ENODATA;

    if (inode->ops->getxattr != NULL) /* without inode->lock: a write to the file may hold it for long */
        len = inode->ops->getxattr(upper, ORIGIN_XATTR, &origin, sizeof(origin));
    return len == sizeof(origin) ? origin : ovl_ino(sb, 0, inode->ino);
}

int ovl_keep_ino(struct dentry *upper, ino_t ino)
{
    int err;

    if (upper->inode->ops->setxattr == NULL)
        return 0;
    mutex_lock(&upper->inode->lock);
    err = upper->inode->ops->setxattr(upper, ORIGIN_XATTR, &ino, sizeof(ino), 0);
    mutex_unlock(&upper->inode->lock);
    return err;
}

struct dentry *ovl_real_dentry(const struct inode *inode, unsigned *layer)
{
    const struct ovl_inode *oi = ovl_inode(inode);
    struct dentry *upper = __atomic_load_n(&oi->upper, __ATOMIC_ACQUIRE);

    if (upper != NULL) {
        *layer = 0;
        return upper;
    }
    *layer = oi->lower[0].layer;
    return oi->lower[0].dentry;
}

struct dentry *ovl_upper(const struct dentry *dentry)
{
    return __atomic_load_n(&ovl_inode(dentry->inode)->upper, __ATOMIC_ACQUIRE);
}

void ovl_copy_attr(struct inode *inode)
{
    unsigned layer;
    const struct inode *real = ovl_real_dentry(inode, &layer)->inode;

    inode->mode = real->mode;
    inode->uid = real->uid;
    inode->gid = real->gid;
    inode->nlink = real->nlink;
    inode->size = real->size;
    inode->atime = real->atime;
    inode->mtime = real->mtime;
    inode->ctime = real->ctime;
    inode->btime = real->btime;
}

/* ---- the table of files ---- */

static struct list_node *bucket(struct ovl_super *o, const struct inode *real)
{
    return &o->inodes[((uint64_t)real >> 7) % ARRAY_SIZE(o->inodes)];
}

/* The overlay inode of a real file, counted, or NULL. */
static struct inode *find_inode(struct ovl_super *o, const struct inode *real)
{
    irqflags_t flags = spin_lock(&o->inodes_lock);
    struct inode *found = NULL;
    struct ovl_inode *oi;

    list_for_each(oi, bucket(o, real), hash) {
        if (oi->key == real && refcount_get_unless_zero(&oi->inode->refs)) {
            found = oi->inode;
            break;
        }
    }
    spin_unlock(&o->inodes_lock, flags);
    return found;
}

static void hash_inode(struct ovl_super *o, struct ovl_inode *oi, struct inode *real)
{
    irqflags_t flags = spin_lock(&o->inodes_lock);

    oi->key = real;
    list_add_head(bucket(o, real), &oi->hash);
    spin_unlock(&o->inodes_lock, flags);
}

static void free_ovl_inode(struct ovl_inode *oi)
{
    if (oi->upper != NULL)
        dentry_put(oi->upper);
    for (unsigned i = 0; i < oi->nlower; i++)
        dentry_put(oi->lower[i].dentry);
    kfree(oi);
}

static void ovl_evict(struct inode *inode)
{
    struct ovl_inode *oi = ovl_inode(inode);
    struct ovl_super *o = ovl_super(inode->sb);
    irqflags_t flags;

    if (oi == NULL)
        return;
    flags = spin_lock(&o->inodes_lock);
    list_remove(&oi->hash);
    spin_unlock(&o->inodes_lock, flags);
    free_ovl_inode(oi);
}

static void set_ops(struct inode *inode)
{
    switch (inode->mode & S_IFMT) {
    case S_IFDIR:
        inode->ops = &ovl_dir_iops;
        inode->fops = &ovl_dir_fops;
        break;
    case S_IFREG:
        inode->ops = &ovl_file_iops;
        break;
    case S_IFLNK:
        inode->ops = &ovl_link_iops;
        break;
    default:
        inode->ops = &ovl_special_iops;
    }
}

struct inode *ovl_inode_create(struct super_block *sb, struct dentry *upper, const struct ovl_real *lower,
                               unsigned nlower)
{
    struct inode *real = upper != NULL ? upper->inode : lower[0].dentry->inode;
    bool is_shared = !S_ISDIR(real->mode) && (upper != NULL || real->nlink == 1);
    struct ovl_inode *oi;
    struct inode *inode;

    if (is_shared) {
        inode = find_inode(ovl_super(sb), real);
        if (inode != NULL) { /* another name of the same file */
            if (upper != NULL)
                dentry_put(upper);
            for (unsigned i = 0; i < nlower; i++)
                dentry_put(lower[i].dentry);
            return inode;
        }
    }
    oi = kalloc_for(current_cgroup(), sizeof(*oi) + nlower * sizeof(oi->lower[0]));
    inode = oi != NULL ? inode_alloc(sb, real->mode) : NULL;
    if (inode == NULL) {
        kfree(oi);
        if (upper != NULL)
            dentry_put(upper);
        for (unsigned i = 0; i < nlower; i++)
            dentry_put(lower[i].dentry);
        return NULL;
    }
    list_init(&oi->hash);
    oi->inode = inode;
    oi->upper = upper;
    oi->nlower = nlower;
    for (unsigned i = 0; i < nlower; i++)
        oi->lower[i] = lower[i];
    inode->fs_data = oi;
    inode->ino = nlower > 0 ? ovl_ino(sb, lower[0].layer, lower[0].dentry->inode->ino) : ovl_upper_ino(sb, upper);
    inode->rdev = real->rdev;
    ovl_copy_attr(inode);
    set_ops(inode);
    if (is_shared)
        hash_inode(ovl_super(sb), oi, real);
    return inode;
}

/* ---- lookup ---- */

struct stack { /* what a name means, from the top layer down */
    struct dentry *upper;
    unsigned nlower;
    struct ovl_real lower[OVL_LOWER_MAX + 1];
    bool done;
};

/* One layer's answer: adds to the stack, or ends the search. */
static int look_in(struct stack *s, unsigned layer, bool is_upper, struct dentry *dir, const struct dentry *name)
{
    bool first = s->upper == NULL && s->nlower == 0;
    struct dentry *d;
    int err = lookup_one(dir, name->name, name->name_len, &d);

    if (err < 0)
        return err;
    if (d_is_negative(d)) {
        dentry_put(d);
        return 0;
    }
    if (ovl_is_whiteout(d) || (!first && !S_ISDIR(d->inode->mode))) {
        dentry_put(d);
        s->done = true;
        return 0;
    }
    if (is_upper)
        s->upper = d;
    else
        s->lower[s->nlower++] = (struct ovl_real){layer, d};
    s->done = !S_ISDIR(d->inode->mode) || ovl_is_opaque(d);
    return 0;
}

static void stack_drop(struct stack *s)
{
    if (s->upper != NULL)
        dentry_put(s->upper);
    for (unsigned i = 0; i < s->nlower; i++)
        dentry_put(s->lower[i].dentry);
}

static int ovl_lookup(struct inode *dir, struct dentry *dentry)
{
    const struct ovl_inode *od = ovl_inode(dir);
    struct stack *s = kalloc_for(current_cgroup(), sizeof(*s));
    struct inode *inode;
    int err = 0;

    if (s == NULL)
        return -ENOMEM;
    if (od->upper != NULL)
        err = look_in(s, 0, true, od->upper, dentry);
    for (unsigned i = 0; i < od->nlower && err == 0 && !s->done; i++)
        err = look_in(s, od->lower[i].layer, false, od->lower[i].dentry, dentry);
    if (err < 0) {
        stack_drop(s);
    } else if (s->upper != NULL || s->nlower > 0) {
        inode = ovl_inode_create(dir->sb, s->upper, s->lower, s->nlower);
        if (inode == NULL)
            err = -ENOMEM;
        else
            d_set_inode(dentry, inode);
    }
    kfree(s);
    return err;
}

/* ---- attributes ---- */

static int ovl_getattr(const struct path *path, struct kstat *out)
{
    struct inode *inode = path->dentry->inode;
    unsigned layer;
    struct dentry *real = ovl_real_dentry(inode, &layer);
    struct path rp = {ovl_super(inode->sb)->layers[layer].mnt, real};
    int err = vfs_getattr(&rp, out);

    if (err == 0) {
        out->dev = inode->sb->dev;
        out->ino = inode->ino;
    }
    return err;
}

static int setattr_upper(struct dentry *upper, const struct iattr *attr)
{
    struct inode *inode = upper->inode;
    int err = attr->valid & ATTR_SIZE ? inode_add_writer(inode) : 0;

    if (err < 0)
        return err; /* a program runs from the file, started by its name in the layer */
    mutex_lock(&inode->lock);
    err = inode->ops->setattr(upper, attr);
    mutex_unlock(&inode->lock);
    if (attr->valid & ATTR_SIZE)
        inode_remove_writer(inode);
    return err;
}

static int ovl_setattr(struct dentry *dentry, const struct iattr *attr)
{
    struct dentry *upper;
    int err = ovl_copy_up(dentry);

    if (err < 0)
        return err;
    upper = ovl_upper(dentry);
    if (upper->inode->ops->setattr == NULL)
        return -EPERM;
    err = setattr_upper(upper, attr);
    ovl_copy_attr(dentry->inode);
    return err;
}

static int ovl_readlink(struct inode *inode, struct dentry *dentry, char *buf)
{
    unsigned layer;
    struct dentry *real = ovl_real_dentry(inode, &layer);

    (void)dentry;
    return real->inode->ops->readlink(real->inode, real, buf);
}

static bool is_private_xattr(const char *name)
{
    return strncmp(name, OVL_XATTR, sizeof(OVL_XATTR) - 1) == 0;
}

static int ovl_getxattr(struct dentry *d, const char *name, void *buf, size_t size)
{
    unsigned layer;
    struct dentry *real = ovl_real_dentry(d->inode, &layer);

    if (is_private_xattr(name))
        return -ENODATA;
    return real->inode->ops->getxattr != NULL ? real->inode->ops->getxattr(real, name, buf, size) : -EOPNOTSUPP;
}

static int ovl_setxattr(struct dentry *d, const char *name, const void *buf, size_t size, int flags)
{
    struct dentry *upper;
    int err;

    if (is_private_xattr(name))
        return -EPERM;
    err = ovl_copy_up(d);
    if (err < 0)
        return err;
    upper = ovl_upper(d);
    if (upper->inode->ops->setxattr == NULL)
        return -EOPNOTSUPP;
    mutex_lock(&upper->inode->lock);
    err = upper->inode->ops->setxattr(upper, name, buf, size, flags);
    mutex_unlock(&upper->inode->lock);
    return err;
}

static int ovl_removexattr(struct dentry *d, const char *name)
{
    struct dentry *upper;
    int err;

    if (is_private_xattr(name))
        return -ENODATA;
    err = ovl_copy_up(d);
    if (err < 0)
        return err;
    upper = ovl_upper(d);
    if (upper->inode->ops->removexattr == NULL)
        return -EOPNOTSUPP;
    mutex_lock(&upper->inode->lock);
    err = upper->inode->ops->removexattr(upper, name);
    mutex_unlock(&upper->inode->lock);
    return err;
}

/* The list without the overlay's own names. */
static int ovl_listxattr(struct dentry *d, char *buf, size_t size)
{
    unsigned layer;
    struct dentry *real = ovl_real_dentry(d->inode, &layer);
    int len, out = 0;
    char *all;

    if (real->inode->ops->listxattr == NULL)
        return 0;
    len = real->inode->ops->listxattr(real, NULL, 0);
    if (len <= 0)
        return len;
    all = kalloc_for(current_cgroup(), (size_t)len);
    if (all == NULL)
        return -ENOMEM;
    len = real->inode->ops->listxattr(real, all, (size_t)len);
    for (int at = 0; at < len;) {
        int n = (int)strlen(all + at) + 1;

        if (!is_private_xattr(all + at)) {
            if (size > 0 && (size_t)(out + n) > size) {
                out = -ERANGE;
                break;
            }
            if (size > 0)
                memcpy(buf + out, all + at, (size_t)n);
            out += n;
        }
        at += n;
    }
    kfree(all);
    return len < 0 ? len : out;
}

/* mmap(2) takes the real file; this is for callers that ask the overlay's inode. */
static int ovl_get_page(struct inode *inode, uint64_t index, bool for_write, struct page **out)
{
    unsigned layer;
    struct inode *real = ovl_real_dentry(inode, &layer)->inode;

    return real->ops->get_page(real, index, for_write, out);
}

#define OVL_COMMON                                                                                 \
    .getattr = ovl_getattr, .setattr = ovl_setattr, .getxattr = ovl_getxattr, .setxattr = ovl_setxattr, \
    .listxattr = ovl_listxattr, .removexattr = ovl_removexattr, .evict = ovl_evict

const struct inode_ops ovl_dir_iops = {
    OVL_COMMON,
    .lookup = ovl_lookup,
    .create = ovl_create,
    .mkdir = ovl_mkdir,
    .mknod = ovl_mknod,
    .symlink = ovl_symlink,
    .link = ovl_link,
    .unlink = ovl_unlink,
    .rmdir = ovl_rmdir,
    .rename = ovl_rename,
};
const struct inode_ops ovl_file_iops = {OVL_COMMON, .open = ovl_open, .get_page = ovl_get_page};
const struct inode_ops ovl_link_iops = {OVL_COMMON, .readlink = ovl_readlink};
const struct inode_ops ovl_special_iops = {OVL_COMMON}; /* devices, pipes, sockets: opened as such */
