/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * devpts: the file system with the slaves of pseudo terminals, and a ptmx node.
 * Every mount is an instance of its own with its own numbers, so a container
 * sees and can open its own terminals only.
 *
 * /dev/ptmx means the instance that it lies in, or else the one that is mounted
 * on "pts" in the same directory.
 */
#include "pty.h"

#include <kernel/cgroup.h>
#include <kernel/proc.h>
#include <kernel/string.h>

#define DEVPTS_MAGIC  0x1cd1
#define INO_ROOT      1
#define INO_PTMX      2
#define INO_FIRST_PTS 3

/* Mount options. */
struct devpts_options {
    mode_t mode, ptmxmode;
    uint64_t max;
    bool has_uid, has_gid;
    kuid_t uid;
    kgid_t gid;
};

/* [r] the root's inode->lock */
struct devpts {
    struct spinlock options_lock;
    struct devpts_options options;      /* [options_lock] */
    unsigned count;                     /* [r] numbers in use */
    uint64_t taken[PTY_INDEX_MAX / 64]; /* [r] */
    struct dentry *ptmx;                /* [I] borrowed: pinned in the root */
};

static struct fs_type devpts_type;

/* ---- options ---- */

static struct devpts_options options_of(struct devpts *fs)
{
    irqflags_t flags = spin_lock(&fs->options_lock);
    struct devpts_options opt = fs->options;

    spin_unlock(&fs->options_lock, flags);
    return opt;
}

static int parse_number(const char *value, unsigned base, uint64_t max, uint64_t *out)
{
    int err = parse_u64(value, base, out);

    return err < 0 || *out > max ? -EINVAL : 0;
}

static int parse_option(struct devpts_options *opt, const char *name, const char *value)
{
    uint64_t v;

    if (*name == '\0' || strcmp(name, "newinstance") == 0)
        return 0;
    if (value == NULL)
        return -EINVAL;
    if (strcmp(name, "mode") == 0 && parse_number(value, 8, 07777, &v) == 0) {
        opt->mode = v & 0777;
    } else if (strcmp(name, "ptmxmode") == 0 && parse_number(value, 8, 07777, &v) == 0) {
        opt->ptmxmode = v & 0777;
    } else if (strcmp(name, "uid") == 0 && parse_number(value, 10, UINT32_MAX - 1, &v) == 0) {
        opt->has_uid = true;
        opt->uid = (kuid_t){(uint32_t)v};
    } else if (strcmp(name, "gid") == 0 && parse_number(value, 10, UINT32_MAX - 1, &v) == 0) {
        opt->has_gid = true;
        opt->gid = (kgid_t){(uint32_t)v};
    } else if (strcmp(name, "max") == 0 && parse_number(value, 10, 1U << 20, &v) == 0) {
        opt->max = min(v, (uint64_t)PTY_INDEX_MAX);
    } else {
        return -EINVAL;
    }
    return 0;
}

static int parse_options(struct devpts_options *opt, const char *data)
{
    char word[64];

    *opt = (struct devpts_options){.mode = 0600, .ptmxmode = 0, .max = PTY_INDEX_MAX};
    while (*data != '\0') {
        const char *end = strchr(data, ',');
        size_t len = end != NULL ? (size_t)(end - data) : strlen(data);
        char *value;
        int err;

        if (len >= sizeof(word))
            return -EINVAL;
        memcpy(word, data, len);
        word[len] = '\0';
        value = strchr(word, '=');
        if (value != NULL)
            *value++ = '\0';
        err = parse_option(opt, word, value);
        if (err < 0)
            return err;
        data += len + (end != NULL ? 1 : 0);
    }
    return 0;
}

static void show_options(struct super_block *sb, char *buf, size_t size)
{
    const struct devpts_options opt = options_of(sb->private);
    char ids[48] = "";

    if (opt.has_uid)
        snprintf(ids, sizeof(ids), ",uid=%u", opt.uid.val);
    if (opt.has_gid)
        snprintf(ids + strlen(ids), sizeof(ids) - strlen(ids), ",gid=%u", opt.gid.val);
    snprintf(buf, size, "%s,mode=%03o,ptmxmode=%03o", ids, opt.mode, opt.ptmxmode);
    if (opt.max < PTY_INDEX_MAX)
        snprintf(buf + strlen(buf), size - strlen(buf), ",max=%llu", (unsigned long long)opt.max);
}

/* ---- nodes ---- */

static int node_setattr(struct dentry *d, const struct iattr *attr)
{
    inode_setattr(d->inode, attr);
    return 0;
}

static void pts_evict(struct inode *inode)
{
    struct pty *pty = inode->private;

    tty_put(&pty->tty);
}

static const struct inode_ops root_ops;
static const struct inode_ops ptmx_ops = {.setattr = node_setattr};
static const struct inode_ops pts_ops = {
    .open = pts_open, .setattr = node_setattr, .evict = pts_evict};

/* A device node in the root, pinned there; takes over the inode. NULL: no memory. */
static struct dentry *add_node(struct super_block *sb, const char *name, struct inode *inode)
{
    struct dentry *d = dentry_alloc(sb, sb->root, name, strlen(name));

    if (d == NULL) {
        inode_put(inode);
        return NULL;
    }
    d_set_inode(d, inode);
    d_hash(d);
    d_pin(d);
    return d;
}

static struct inode *node_inode(struct super_block *sb, mode_t perm, dev_t rdev, ino_t ino,
                                const struct inode_ops *ops)
{
    struct inode *inode = inode_alloc(sb, S_IFCHR | perm);

    if (inode != NULL) {
        inode->rdev = rdev;
        inode->ino = ino;
        inode->ops = ops;
    }
    return inode;
}

/* [r] The lowest free number, or -ENOSPC. */
static int take_index(struct devpts *fs, uint64_t max)
{
    if (fs->count >= max)
        return -ENOSPC;
    for (unsigned w = 0; w < ARRAY_SIZE(fs->taken); w++) {
        if (fs->taken[w] != UINT64_MAX) {
            unsigned bit = (unsigned)__builtin_ctzll(~fs->taken[w]);

            fs->taken[w] |= 1ULL << bit;
            fs->count++;
            return (int)(w * 64 + bit);
        }
    }
    return -ENOSPC;
}

static void give_index(struct devpts *fs, unsigned index)
{
    fs->taken[index / 64] &= ~(1ULL << (index % 64));
    fs->count--;
}

int devpts_add(struct super_block *sb, struct pty *pty)
{
    struct devpts *fs = sb->private;
    const struct devpts_options opt = options_of(fs);
    struct inode *dir = sb->root->inode;
    struct inode *inode;
    char name[12];
    int index;

    mutex_lock(&dir->lock);
    index = take_index(fs, opt.max);
    if (index < 0)
        goto unlock;
    pty->index = (unsigned)index;
    pty->tty.dev = MKDEV(MAJOR_PTS + (unsigned)index / 256, (unsigned)index % 256);
    inode = node_inode(sb, opt.mode, pty->tty.dev, INO_FIRST_PTS + (ino_t)index, &pts_ops);
    if (inode == NULL)
        goto no_memory;
    inode->private = pty;
    tty_get(&pty->tty); /* until pts_evict() */
    if (opt.has_uid)
        inode->uid = opt.uid;
    if (opt.has_gid)
        inode->gid = opt.gid;
    snprintf(name, sizeof(name), "%d", index);
    pty->node = add_node(sb, name, inode);
    if (pty->node == NULL)
        goto no_memory;
    inode_touch(dir, ATTR_MTIME | ATTR_CTIME);
unlock:
    mutex_unlock(&dir->lock);
    return index < 0 ? index : 0;

no_memory:
    give_index(fs, pty->index);
    mutex_unlock(&dir->lock);
    return -ENOMEM;
}

void devpts_remove(struct pty *pty)
{
    struct inode *dir = pty->sb->root->inode;

    mutex_lock(&dir->lock);
    pty->node->inode->nlink = 0;
    d_unpin(pty->node);
    give_index(pty->sb->private, pty->index);
    inode_touch(dir, ATTR_MTIME | ATTR_CTIME);
    mutex_unlock(&dir->lock);
    dentry_put(pty->node);
    pty->node = NULL;
}

/* ---- the instance ---- */

static bool is_devpts_root(const struct path *p)
{
    return p->mnt->sb->type == &devpts_type && p->dentry == p->mnt->sb->root;
}

int devpts_of_ptmx(const struct file *f, struct path *root)
{
    struct path dir;
    int err;

    if (f->path.mnt->sb->type == &devpts_type) {
        *root = (struct path){f->path.mnt, f->path.mnt->sb->root};
        path_get(root);
        return 0;
    }
    dir = (struct path){f->path.mnt, d_parent_get(f->path.dentry)};
    err = path_lookup_from(&dir, "pts", LOOKUP_DIRECTORY, root);
    dentry_put(dir.dentry);
    if (err < 0)
        return err;
    if (!is_devpts_root(root)) {
        path_put(root);
        return -ENODEV;
    }
    return 0;
}

static int devpts_statfs(struct super_block *sb, struct statfs_info *out)
{
    (void)sb;
    *out = (struct statfs_info){.type = DEVPTS_MAGIC, .bsize = PAGE_SIZE, .namelen = NAME_MAX};
    return 0;
}

static int devpts_remount(struct super_block *sb, unsigned long flags, const char *data)
{
    struct devpts *fs = sb->private;
    struct devpts_options opt;
    int err = parse_options(&opt, data);
    irqflags_t irqflags;

    (void)flags;
    if (err < 0)
        return err;
    irqflags = spin_lock(&fs->options_lock); /* no inode's lock: the caller holds mount_mutex */
    fs->options = opt;
    fs->ptmx->inode->mode = S_IFCHR | opt.ptmxmode;
    spin_unlock(&fs->options_lock, irqflags);
    return 0;
}

static void devpts_put_super(struct super_block *sb)
{
    kfree(sb->private);
}

static const struct super_ops devpts_super_ops = {
    .statfs = devpts_statfs,
    .remount = devpts_remount,
    .show_options = show_options,
    .put_super = devpts_put_super,
};

static int fill_super(struct super_block *sb, const struct devpts_options *opt)
{
    struct devpts *fs = kalloc_for(sb->cgroup, sizeof(*fs));
    struct inode *inode;

    if (fs == NULL)
        return -ENOMEM;
    spin_init(&fs->options_lock);
    fs->options = *opt;
    sb->private = fs;
    sb->ops = &devpts_super_ops;
    sb->d_complete = true;

    inode = inode_alloc(sb, S_IFDIR | 0755);
    if (inode == NULL)
        return -ENOMEM;
    inode->ino = INO_ROOT;
    inode->nlink = 2;
    inode->uid = KUID_ROOT;
    inode->gid = KGID_ROOT;
    inode->ops = &root_ops;
    inode->fops = &generic_dir_fops;
    sb->root = dentry_make_root(inode);
    if (sb->root == NULL)
        return -ENOMEM;

    inode = node_inode(sb, opt->ptmxmode, MKDEV(5, 2), INO_PTMX, &ptmx_ops);
    if (inode == NULL)
        return -ENOMEM;
    inode->uid = KUID_ROOT;
    inode->gid = KGID_ROOT;
    fs->ptmx = add_node(sb, "ptmx", inode);
    if (fs->ptmx == NULL)
        return -ENOMEM;
    dentry_put(fs->ptmx); /* the pin holds it */
    return 0;
}

static int devpts_get_super(const struct fs_type *type, const char *source, unsigned long flags,
                            const char *data, struct super_block **out)
{
    struct devpts_options opt;
    struct super_block *sb;
    int err = parse_options(&opt, data);

    (void)source;
    if (err < 0)
        return err;
    sb = super_alloc(type, flags);
    if (sb == NULL)
        return -ENOMEM;
    err = fill_super(sb, &opt);
    if (err < 0) {
        super_put(sb); /* takes down what there is */
        return err;
    }
    *out = sb;
    return 0;
}

static struct fs_type devpts_type = {
    .name = "devpts",
    .magic = DEVPTS_MAGIC,
    .get_super = devpts_get_super,
    .user_visible = true,
};

void devpts_init(void)
{
    fs_register(&devpts_type);
}
