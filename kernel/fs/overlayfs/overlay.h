/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside overlayfs. An overlay inode stands for one real object (a file in the
 * upper or in one lower layer) or, for a directory, for a stack of real
 * directories whose contents it merges. File data is never touched here: reads, writes
 * and mappings go to the real file, so that containers of one image share its pages.
 */
#pragma once

#include <kernel/fs.h>

#define OVL_LOWER_MAX 128 /* layers; Docker's own limit is 125 */

struct ovl_layer {
    struct mount *mnt;   /* [I] counted */
    struct dentry *root; /* [I] counted */
    unsigned fs;         /* [I] the same for layers of one file system: tells inode numbers apart */
};

struct ovl_super {
    bool has_upper;            /* else the overlay is read-only */
    struct dentry *work;       /* [I] counted, of the upper layer's mount: where what is removed goes first; or NULL */
    unsigned nlayers;          /* upper, if any, first */
    struct mutex copy_up_lock; /* one copy to the upper layer at a time */
    struct list_node inodes[64]; /* [inodes_lock] struct ovl_inode by real inode, without reference */
    struct spinlock inodes_lock;
    char *options;             /* for mountinfo */
    struct ovl_layer layers[];
};

/* A real object: which layer, and its dentry there (counted by the holder). */
struct ovl_real {
    unsigned layer;
    struct dentry *dentry;
};

struct ovl_inode {
    struct inode *inode;     /* borrowed: this is its fs_data */
    struct list_node hash;   /* [inodes_lock] non-directories only */
    struct inode *key;       /* [inodes_lock] the real inode it is hashed by */
    struct dentry *upper;    /* [copy_up_lock, then inode->lock] counted, or NULL: not there yet */
    bool is_removed;         /* [copy_up_lock] its name is gone; of what has no upper version: its only one */
    unsigned nlower;         /* [I] */
    struct ovl_real lower[]; /* [I] topmost first; one for what is no directory */
};

static inline struct ovl_super *ovl_super(const struct super_block *sb)
{
    return sb->private;
}
static inline struct ovl_inode *ovl_inode(const struct inode *inode)
{
    return inode->fs_data;
}

/* The real object that counts: upper if there is one. Borrowed; lives as long as the inode. */
struct dentry *ovl_real_dentry(const struct inode *inode, unsigned *layer);
void ovl_copy_attr(struct inode *inode); /* mode, ids, size, times, nlink from the real one */
bool ovl_is_whiteout(const struct dentry *d);
bool ovl_is_opaque(struct dentry *d);
int ovl_set_opaque(struct dentry *d);
/* The number that stands for a layer's inode number. */
ino_t ovl_ino(const struct super_block *sb, unsigned layer, ino_t ino);
ino_t ovl_upper_ino(const struct super_block *sb, struct dentry *upper); /* of what is only there */
int ovl_keep_ino(struct dentry *upper, ino_t ino); /* the copy goes by its origin's */

/* inode.c. Both take over the references in lower[] and upper, also on failure. */
struct inode *ovl_inode_create(struct super_block *sb, struct dentry *upper, const struct ovl_real *lower,
                               unsigned nlower);
extern const struct inode_ops ovl_dir_iops, ovl_file_iops, ovl_link_iops, ovl_special_iops;

/* copy_up.c: after it the object has an upper version, and so have its parents. A file that has been
 * removed gets one without a name; -ENOENT: another kind of object that has been. */
int ovl_copy_up(struct dentry *dentry);
struct dentry *ovl_upper(const struct dentry *dentry); /* borrowed, or NULL */

/* dir.c */
int ovl_create(struct inode *dir, struct dentry *dentry, mode_t mode);
int ovl_mkdir(struct inode *dir, struct dentry *dentry, mode_t mode);
int ovl_mknod(struct inode *dir, struct dentry *dentry, mode_t mode, dev_t dev);
int ovl_symlink(struct inode *dir, struct dentry *dentry, const char *target);
int ovl_link(struct dentry *old, struct inode *dir, struct dentry *dentry);
int ovl_unlink(struct inode *dir, struct dentry *dentry);
int ovl_rmdir(struct inode *dir, struct dentry *dentry);
int ovl_rename(struct inode *odir, struct dentry *old, struct inode *ndir, struct dentry *new, unsigned flags);

/* readdir.c */
extern const struct file_ops ovl_dir_fops;
/* Has the merged directory no visible names? 0, -ENOTEMPTY, -ENOMEM. */
int ovl_check_empty(struct inode *dir);

/* file.c */
int ovl_open(struct inode *inode, struct file *f);
