/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tmpfs: files whose only copy is the page cache, directories whose only copy
 * is the name cache. The root file system is one, so is devtmpfs; memfd_create
 * and shared anonymous memory are files of an internal one.
 *
 * Every name has a dentry that is pinned as long as the name lives. A regular
 * file's pages hang in inode->pages; a page that is missing reads as zeros.
 * Pages, inodes and names are charged to the cgroup of whoever makes them, and
 * counted against the mount's size= and nr_inodes= options.
 *
 * Truncation under inode->lock: first the size (under pages_lock, which
 * ->get_page checks it under), then the pages leave the tree, then they are
 * unmapped. A page fault that was earlier holds its mm->lock until the page is
 * mapped, and the unmapping waits for that lock; a later one sees the new size.
 */
#include "tmpfs.h"

#include "mount_options.h"

#define TMPFS_MAGIC 0x01021994

struct tmpfs {
    uint64_t max_pages, pages;   /* [a] pages; max 0: unlimited */
    uint64_t max_inodes, inodes; /* [a] */
    mode_t mode;                 /* of the root, as given */
    kuid_t uid;
    kgid_t gid;
    bool is_sized; /* size= was given: show it */
};

static struct tmpfs *tmpfs_of(const struct super_block *sb)
{
    return sb->private;
}

/* ---- quotas ---- */

static int take(uint64_t *used, const uint64_t *max)
{
    uint64_t limit = READ_ONCE(*max);

    if (__atomic_add_fetch(used, 1, __ATOMIC_RELAXED) <= limit || limit == 0)
        return 0;
    __atomic_sub_fetch(used, 1, __ATOMIC_RELAXED);
    return -ENOSPC;
}

static void give_back(uint64_t *used, uint64_t n)
{
    __atomic_sub_fetch(used, n, __ATOMIC_RELAXED);
}

static void account_page(const struct page *p, int64_t n)
{
    mem_stat_add(MEM_CACHE, n);
    cgroup_stat_add(p->cgroup, MEM_CACHE, n);
}

/* ---- pages ---- */

/* Enter a page whose reference goes to the tree. [pages_lock] */
static int insert_locked(struct inode *inode, uint64_t index, struct page *p)
{
    int err = page_tree_set(&inode->pages, index, p, current_cgroup());

    if (err < 0)
        return err;
    p->flags |= PAGE_F_CACHE;
    p->owner = inode;
    p->index = index;
    inode->npages++;
    account_page(p, 1);
    return 0;
}

enum past_end { PAST_END_FAILS, PAST_END_GROWS };

/* Fill a hole: *out is the new page, or the one that somebody else was quicker with. */
static int add_page(struct inode *inode, uint64_t index, enum past_end past_end, struct page **out)
{
    struct tmpfs *fs = tmpfs_of(inode->sb);
    int err = take(&fs->pages, &fs->max_pages);
    struct page *p, *present;
    irqflags_t flags;

    if (err < 0)
        return err;
    p = page_alloc_for(current_cgroup(), 0, ALLOC_USER | ALLOC_ZERO);
    if (p == NULL) {
        give_back(&fs->pages, 1);
        return -ENOMEM;
    }
    flags = spin_lock(&inode->pages_lock);
    present = page_tree_get(&inode->pages, index);
    if (present != NULL) {
        page_get(present);
        *out = present;
    } else if (past_end == PAST_END_FAILS && index >= DIV_ROUND_UP(inode->size, PAGE_SIZE)) {
        err = -EIO;
    } else {
        err = insert_locked(inode, index, p);
        if (err == 0) {
            page_get(p);
            *out = p;
        }
    }
    spin_unlock(&inode->pages_lock, flags);
    if (err < 0 || present != NULL) {
        page_put(p);
        give_back(&fs->pages, 1);
    }
    return err;
}

static int tmpfs_get_page(struct inode *inode, uint64_t index, bool for_write, struct page **out)
{
    irqflags_t flags = spin_lock(&inode->pages_lock);
    struct page *p = NULL;
    int err = 0;

    if (index >= DIV_ROUND_UP(inode->size, PAGE_SIZE))
        err = -EIO;
    else
        p = page_tree_get(&inode->pages, index);
    if (p != NULL)
        page_get(p);
    spin_unlock(&inode->pages_lock, flags);

    *out = p;
    if (err < 0 || p != NULL || !for_write)
        return err;
    return add_page(inode, index, PAST_END_FAILS, out);
}

/* A group over its limit pays with one of its processes, as for any other user page. */
static int tmpfs_write_page(struct inode *inode, uint64_t index, struct page **out)
{
    irqflags_t flags = spin_lock(&inode->pages_lock);
    struct page *p = page_tree_get(&inode->pages, index);
    int err;

    if (p != NULL)
        page_get(p);
    spin_unlock(&inode->pages_lock, flags);
    *out = p;
    if (p != NULL)
        return 0;
    do {
        err = add_page(inode, index, PAST_END_GROWS, out);
    } while (err == -ENOMEM && current_cgroup() != &cgroup_root && cgroup_wait_for_memory(current_cgroup()));
    return err;
}

int tmpfs_adopt_page(struct inode *inode, uint64_t index, struct page *p)
{
    struct tmpfs *fs = tmpfs_of(inode->sb);
    irqflags_t flags;
    int err = take(&fs->pages, &fs->max_pages);

    if (err < 0)
        return err;
    flags = spin_lock(&inode->pages_lock);
    err = insert_locked(inode, index, p);
    if (err == 0 && inode->size < (index + 1) << PAGE_SHIFT)
        WRITE_ONCE(inode->size, (index + 1) << PAGE_SHIFT);
    spin_unlock(&inode->pages_lock, flags);
    if (err < 0)
        give_back(&fs->pages, 1);
    return err;
}

/* Take pages [first, last] out of the tree, a batch per hold of the lock. */
static void remove_pages(struct inode *inode, uint64_t first, uint64_t last)
{
    struct tmpfs *fs = tmpfs_of(inode->sb);
    struct page *batch[16];
    unsigned n;

    do {
        irqflags_t flags = spin_lock(&inode->pages_lock);

        for (n = 0; n < ARRAY_SIZE(batch); n++) {
            struct page *p = page_tree_next(&inode->pages, &first);

            if (p == NULL || first > last)
                break;
            (void)page_tree_set(&inode->pages, first, NULL, NULL); /* removing cannot fail */
            inode->npages--;
            batch[n] = p;
        }
        spin_unlock(&inode->pages_lock, flags);
        for (unsigned i = 0; i < n; i++) {
            account_page(batch[i], -1);
            page_put(batch[i]);
        }
        give_back(&fs->pages, n);
        cond_resched();
    } while (n == ARRAY_SIZE(batch));
}

static void zero_range_of_page(struct inode *inode, uint64_t index, size_t from, size_t to)
{
    struct page *p;

    if (from >= to || tmpfs_get_page(inode, index, false, &p) < 0 || p == NULL)
        return;
    memset((char *)page_address(p) + from, 0, to - from);
    page_put(p);
}

static void set_size(struct inode *inode, uint64_t size)
{
    irqflags_t flags = spin_lock(&inode->pages_lock);

    WRITE_ONCE(inode->size, size);
    spin_unlock(&inode->pages_lock, flags);
}

/* [inode->lock] */
static int tmpfs_resize(struct inode *inode, uint64_t size)
{
    uint64_t old = inode->size;
    uint64_t keep = DIV_ROUND_UP(size, PAGE_SIZE);

    if ((inode->seals & F_SEAL_SHRINK) && size < old)
        return -EPERM;
    if ((inode->seals & F_SEAL_GROW) && size > old)
        return -EPERM;
    if (size > FILE_SIZE_MAX)
        return -EFBIG;
    if (size > old)
        zero_range_of_page(inode, old >> PAGE_SHIFT, old % PAGE_SIZE,
                           old % PAGE_SIZE != 0 ? PAGE_SIZE : 0);
    set_size(inode, size);
    if (size < old) {
        remove_pages(inode, keep, UINT64_MAX);
        mm_unmap_file(inode, keep, UINT64_MAX >> PAGE_SHIFT, MM_UNMAP_ALL);
        if (size % PAGE_SIZE != 0)
            zero_range_of_page(inode, size >> PAGE_SHIFT, size % PAGE_SIZE, PAGE_SIZE);
    }
    return 0;
}

static void punch_hole(struct inode *inode, uint64_t start, uint64_t end)
{
    uint64_t first = DIV_ROUND_UP(start, PAGE_SIZE), last = end >> PAGE_SHIFT; /* one behind */

    if (start >> PAGE_SHIFT == end >> PAGE_SHIFT) {
        zero_range_of_page(inode, start >> PAGE_SHIFT, start % PAGE_SIZE, end % PAGE_SIZE);
        return;
    }
    if (start % PAGE_SIZE != 0)
        zero_range_of_page(inode, start >> PAGE_SHIFT, start % PAGE_SIZE, PAGE_SIZE);
    if (last > first) {
        remove_pages(inode, first, last - 1);
        mm_unmap_file(inode, first, last - 1, MM_UNMAP_SHARED);
    }
    zero_range_of_page(inode, end >> PAGE_SHIFT, 0, end % PAGE_SIZE);
}

/* TODO: give back the new pages when the range does not fit; they stay as a sparse file's would. */
static int preallocate(struct inode *inode, uint64_t start, uint64_t end)
{
    for (uint64_t i = start >> PAGE_SHIFT; i < DIV_ROUND_UP(end, PAGE_SIZE); i++) {
        struct page *p;
        int err = tmpfs_write_page(inode, i, &p);

        if (err < 0)
            return err;
        page_put(p);
        if (signal_pending(current))
            return -EINTR;
        cond_resched();
    }
    return 0;
}

static int tmpfs_fallocate(struct file *f, int mode, off_t off, off_t len)
{
    struct inode *inode = file_data_inode(f);
    uint64_t start = (uint64_t)off, end = start + (uint64_t)len;
    int err = 0;

    mutex_lock(&inode->lock);
    if (inode->seals & F_SEAL_WRITE && mode != 0)
        err = -EPERM;
    if ((inode->seals & F_SEAL_GROW) && end > inode->size && !(mode & FALLOC_FL_KEEP_SIZE))
        err = -EPERM;
    if (err == 0 && (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)))
        punch_hole(inode, start, end);
    if (err == 0 && !(mode & FALLOC_FL_PUNCH_HOLE)) {
        err = preallocate(inode, start, end);
        if (err == 0 && !(mode & FALLOC_FL_KEEP_SIZE) && end > inode->size)
            set_size(inode, end);
    }
    if (err == 0)
        inode_touch(inode, ATTR_MTIME | ATTR_CTIME);
    mutex_unlock(&inode->lock);
    return err;
}

/* ---- inodes ---- */

static const struct inode_ops tmpfs_file_iops, tmpfs_dir_iops, tmpfs_link_iops, tmpfs_special_iops;

static const struct file_ops tmpfs_file_fops = {
    .read = generic_file_read,
    .write = generic_file_write,
    .llseek = generic_llseek,
    .mmap = generic_mmap,
    .fsync = generic_fsync,
    .fallocate = tmpfs_fallocate,
};

static void set_ops(struct inode *inode)
{
    switch (inode->mode & S_IFMT) {
    case S_IFREG:
        inode->ops = &tmpfs_file_iops;
        inode->fops = &tmpfs_file_fops;
        break;
    case S_IFDIR:
        inode->ops = &tmpfs_dir_iops;
        inode->fops = &generic_dir_fops;
        break;
    case S_IFLNK:
        inode->ops = &tmpfs_link_iops;
        break;
    default:
        inode->ops = &tmpfs_special_iops;
    }
}

static struct inode *tmpfs_inode(struct super_block *sb, struct inode *dir, mode_t mode, int *err)
{
    struct tmpfs *fs = tmpfs_of(sb);
    struct inode *inode;

    *err = take(&fs->inodes, &fs->max_inodes);
    if (*err < 0)
        return NULL;
    inode = inode_alloc(sb, mode);
    if (inode == NULL) {
        give_back(&fs->inodes, 1);
        *err = -ENOMEM;
        return NULL;
    }
    if (dir != NULL &&
        (dir->mode & S_ISGID)) { /* the group, and in directories the bit, go down the tree */
        inode->gid = dir->gid;
        if (S_ISDIR(mode))
            inode->mode |= S_ISGID;
        else if ((mode & (S_ISGID | 0010)) == (S_ISGID | 0010) && !may_setgid(inode))
            inode->mode &= ~(mode_t)S_ISGID;
    }
    inode->seals = F_SEAL_SEAL;
    set_ops(inode);
    return inode;
}

static void tmpfs_evict(struct inode *inode)
{
    struct tmpfs *fs = tmpfs_of(inode->sb);

    if (S_ISREG(inode->mode)) {
        remove_pages(inode, 0, UINT64_MAX);
        page_tree_fini(&inode->pages);
    } else if (S_ISLNK(inode->mode)) {
        kfree(inode->private);
    }
    give_back(&fs->inodes, 1);
}

static int tmpfs_setattr(struct dentry *dentry, const struct iattr *attr)
{
    struct inode *inode = dentry->inode;

    if (attr->valid & ATTR_SIZE) {
        int err = tmpfs_resize(inode, attr->size);

        if (err < 0)
            return err;
    }
    inode_setattr(inode, attr);
    return 0;
}

static int tmpfs_getattr(const struct path *path, struct kstat *out)
{
    struct inode *inode = path->dentry->inode;

    stat_from_inode(inode, out);
    out->blocks = inode->npages * (PAGE_SIZE / 512);
    return 0;
}

static int tmpfs_getxattr(struct dentry *d, const char *name, void *buf, size_t size)
{
    return simple_xattr_get(d->inode, name, buf, size);
}

static int tmpfs_setxattr(struct dentry *d, const char *name, const void *buf, size_t size,
                          int flags)
{
    return simple_xattr_set(d->inode, name, buf, size, flags);
}

static int tmpfs_listxattr(struct dentry *d, char *buf, size_t size)
{
    return simple_xattr_list(d->inode, buf, size);
}

static int tmpfs_removexattr(struct dentry *d, const char *name)
{
    return simple_xattr_remove(d->inode, name);
}

#define COMMON_IOPS                                                                                \
    .getattr = tmpfs_getattr, .setattr = tmpfs_setattr, .getxattr = tmpfs_getxattr,                \
    .setxattr = tmpfs_setxattr, .listxattr = tmpfs_listxattr, .removexattr = tmpfs_removexattr,    \
    .evict = tmpfs_evict

static const struct inode_ops tmpfs_file_iops = {
    COMMON_IOPS,
    .get_page = tmpfs_get_page,
    .write_page = tmpfs_write_page,
};

static const struct inode_ops tmpfs_special_iops = {COMMON_IOPS};

static int tmpfs_readlink(struct inode *inode, struct dentry *dentry, char *buf)
{
    (void)dentry;
    memcpy(buf, inode->private, inode->size);
    return (int)inode->size;
}

static const struct inode_ops tmpfs_link_iops = {
    COMMON_IOPS,
    .readlink = tmpfs_readlink,
};

/* ---- directories; the caller holds dir->lock ---- */

#define DIRENT_BYTES 20 /* what a name adds to the size of its directory, as Linux shows it */

static void dir_changed(struct inode *dir, int names)
{
    dir->size += (uint64_t)((int64_t)names * DIRENT_BYTES);
    inode_touch(dir, ATTR_MTIME | ATTR_CTIME);
}

static int tmpfs_mknod(struct inode *dir, struct dentry *dentry, mode_t mode, dev_t dev)
{
    int err;
    struct inode *inode = tmpfs_inode(dir->sb, dir, mode, &err);

    if (inode == NULL)
        return err;
    inode->rdev = dev;
    d_set_inode(dentry, inode);
    d_pin(dentry);
    dir_changed(dir, 1);
    return 0;
}

static int tmpfs_create(struct inode *dir, struct dentry *dentry, mode_t mode)
{
    return tmpfs_mknod(dir, dentry, mode, 0);
}

static int tmpfs_mkdir(struct inode *dir, struct dentry *dentry, mode_t mode)
{
    int err = tmpfs_mknod(dir, dentry, mode, 0);

    if (err < 0)
        return err;
    dentry->inode->nlink = 2;
    dentry->inode->size = 2 * DIRENT_BYTES;
    dir->nlink++;
    return 0;
}

static int tmpfs_symlink(struct inode *dir, struct dentry *dentry, const char *target)
{
    char *copy = kstrdup_for(current_cgroup(), target);
    int err;

    if (copy == NULL)
        return -ENOMEM;
    err = tmpfs_mknod(dir, dentry, S_IFLNK | 0777, 0);
    if (err < 0) {
        kfree(copy);
        return err;
    }
    dentry->inode->private = copy;
    dentry->inode->size = strlen(copy);
    return 0;
}

static int tmpfs_tmpfile(struct inode *dir, struct dentry *dentry, mode_t mode)
{
    int err;
    struct inode *inode = tmpfs_inode(dir->sb, dir, mode, &err);

    if (inode == NULL)
        return err;
    inode->nlink = 0;
    d_set_inode(dentry, inode);
    return 0;
}

static int tmpfs_link(struct dentry *old, struct inode *dir, struct dentry *dentry)
{
    struct inode *inode = old->inode;
    struct tmpfs *fs = tmpfs_of(dir->sb);
    int err = inode->nlink == 0 ? 0 : take(&fs->inodes, &fs->max_inodes);

    if (err < 0)
        return err; /* each name counts, or links would be a way around nr_inodes */
    inode->nlink++;
    inode_touch(inode, ATTR_CTIME);
    inode_get(inode);
    d_set_inode(dentry, inode);
    d_pin(dentry);
    dir_changed(dir, 1);
    return 0;
}

/* The name goes, or is another file's from now on; the dentry is left to the caller. */
static void lose_file(struct inode *dir, struct inode *inode)
{
    if (inode->nlink > 1)
        give_back(&tmpfs_of(dir->sb)->inodes, 1);
    inode->nlink--;
    inode_touch(inode, ATTR_CTIME);
    dir_changed(dir, -1);
}

static void lose_directory(struct inode *dir, struct inode *inode)
{
    inode->nlink = 0;
    dir->nlink--;
    inode_touch(inode, ATTR_CTIME);
    dir_changed(dir, -1);
}

static int tmpfs_unlink(struct inode *dir, struct dentry *dentry)
{
    lose_file(dir, dentry->inode);
    d_unpin(dentry);
    return 0;
}

static int tmpfs_rmdir(struct inode *dir, struct dentry *dentry)
{
    if (d_has_children(dentry))
        return -ENOTEMPTY;
    lose_directory(dir, dentry->inode);
    d_unpin(dentry);
    return 0;
}

static void move_dir_link(struct inode *from, struct inode *to)
{
    from->nlink--;
    to->nlink++;
}

static int tmpfs_exchange(struct inode *odir, struct dentry *old, struct inode *ndir,
                          struct dentry *new)
{
    bool old_is_dir = S_ISDIR(old->inode->mode), new_is_dir = S_ISDIR(new->inode->mode);

    if (odir != ndir && old_is_dir != new_is_dir) {
        if (old_is_dir)
            move_dir_link(odir, ndir);
        else
            move_dir_link(ndir, odir);
    }
    return 0;
}

/* An overlay's mark that the name below is gone: a character device 0:0 stays behind. */
static int make_whiteout(struct inode *dir, struct dentry *old)
{
    struct dentry *d = dentry_alloc(dir->sb, old->parent, old->name, old->name_len);
    int err;

    if (d == NULL)
        return -ENOMEM;
    err = tmpfs_mknod(dir, d, S_IFCHR, 0);
    if (err == 0) {
        d_drop(old); /* the VFS moves it; until then nobody may find two of that name */
        d_hash(d);
    }
    dentry_put(d);
    return err;
}

static int tmpfs_rename(struct inode *odir, struct dentry *old, struct inode *ndir,
                        struct dentry *new, unsigned flags)
{
    bool is_dir = S_ISDIR(old->inode->mode);
    int err = 0;

    if (flags & RENAME_EXCHANGE) {
        err = tmpfs_exchange(odir, old, ndir, new);
        dir_changed(odir, 0);
        dir_changed(ndir, 0);
    } else {
        if (new->inode != NULL && is_dir && d_has_children(new))
            return -ENOTEMPTY;
        if (flags & RENAME_WHITEOUT) {
            err = make_whiteout(odir, old);
            if (err < 0)
                return err;
        }
        if (new->inode != NULL) /* it stays where it is until d_move() */
            (is_dir ? lose_directory : lose_file)(ndir, new->inode);
        if (is_dir && odir != ndir)
            move_dir_link(odir, ndir);
        dir_changed(odir, -1);
        dir_changed(ndir, 1);
    }
    inode_touch(old->inode, ATTR_CTIME);
    return err;
}

static const struct inode_ops tmpfs_dir_iops = {
    COMMON_IOPS,
    .create = tmpfs_create,
    .mkdir = tmpfs_mkdir,
    .mknod = tmpfs_mknod,
    .symlink = tmpfs_symlink,
    .link = tmpfs_link,
    .unlink = tmpfs_unlink,
    .rmdir = tmpfs_rmdir,
    .rename = tmpfs_rename,
    .tmpfile = tmpfs_tmpfile,
};

/* ---- super block ---- */

struct options {
    uint64_t size, nr_inodes, mode, uid, gid;
    bool has_size, has_inodes, has_mode, has_uid, has_gid;
};

static uint64_t ram_bytes(void)
{
    struct mem_stats stats;

    mem_stats_get(&stats);
    return stats.total_pages << PAGE_SHIFT;
}

static int parse_one(const struct mount_option *o, struct options *out)
{
    uint64_t v;

    if (mount_option_is(o, "size")) {
        out->has_size = true;
        return mount_option_size(o, ram_bytes(), &out->size);
    }
    if (mount_option_is(o, "nr_blocks")) {
        out->has_size = true;
        if (mount_option_size(o, 0, &v) < 0 || mul_overflows(v, PAGE_SIZE, &out->size))
            return -EINVAL;
        return 0;
    }
    if (mount_option_is(o, "nr_inodes")) {
        out->has_inodes = true;
        return mount_option_size(o, 0, &out->nr_inodes);
    }
    if (mount_option_is(o, "mode")) {
        out->has_mode = true;
        return mount_option_number(o, 8, S_IALLUGO, &out->mode);
    }
    if (mount_option_is(o, "uid")) {
        out->has_uid = true;
        return mount_option_number(o, 10, UINT32_MAX - 1, &out->uid);
    }
    if (mount_option_is(o, "gid")) {
        out->has_gid = true;
        return mount_option_number(o, 10, UINT32_MAX - 1, &out->gid);
    }
    /* Policies for NUMA nodes, huge pages and inode numbers: there is nothing to choose here. */
    if (mount_option_is(o, "huge") || mount_option_is(o, "mpol") || mount_option_is(o, "inode32") ||
        mount_option_is(o, "inode64") || mount_option_is(o, "noswap"))
        return 0;
    return -EINVAL;
}

static int parse_options(const char *data, struct options *out)
{
    struct mount_option o;

    while (mount_option_next(&data, &o)) {
        int err = parse_one(&o, out);

        if (err < 0)
            return err;
    }
    return 0;
}

static void tmpfs_put_super(struct super_block *sb)
{
    kfree(sb->private);
}

static int tmpfs_statfs(struct super_block *sb, struct statfs_info *out)
{
    struct tmpfs *fs = tmpfs_of(sb);
    uint64_t pages = READ_ONCE(fs->pages), inodes = READ_ONCE(fs->inodes);

    out->type = TMPFS_MAGIC;
    out->bsize = PAGE_SIZE;
    out->namelen = NAME_MAX;
    if (fs->max_pages != 0) {
        out->blocks = fs->max_pages;
        out->bfree = out->bavail = fs->max_pages > pages ? fs->max_pages - pages : 0;
    }
    if (fs->max_inodes != 0) {
        out->files = fs->max_inodes;
        out->ffree = fs->max_inodes > inodes ? fs->max_inodes - inodes : 0;
    }
    return 0;
}

static int tmpfs_remount(struct super_block *sb, unsigned long flags, const char *data)
{
    struct tmpfs *fs = tmpfs_of(sb);
    struct options opt = {0};
    int err = parse_options(data, &opt);

    (void)flags;
    if (err < 0)
        return err;
    if (opt.has_size) {
        uint64_t max = DIV_ROUND_UP(opt.size, PAGE_SIZE);

        if (max != 0 && max < READ_ONCE(fs->pages))
            return -EINVAL;
        WRITE_ONCE(fs->max_pages, max);
        fs->is_sized = true;
    }
    if (opt.has_inodes) {
        if (opt.nr_inodes != 0 && opt.nr_inodes < READ_ONCE(fs->inodes))
            return -EINVAL;
        WRITE_ONCE(fs->max_inodes, opt.nr_inodes);
    }
    return 0;
}

static void tmpfs_show_options(struct super_block *sb, char *buf, size_t size)
{
    struct tmpfs *fs = tmpfs_of(sb);
    size_t n = 0;

    if (fs->is_sized)
        n += (size_t)snprintf(buf + n, size - n, ",size=%luk", (unsigned long)fs->max_pages * 4);
    if (fs->mode != (S_ISVTX | S_IRWXUGO))
        n += (size_t)snprintf(buf + n, size - n, ",mode=%03o", fs->mode);
    if (fs->uid.val != 0)
        n += (size_t)snprintf(buf + n, size - n, ",uid=%u", fs->uid.val);
    if (fs->gid.val != 0)
        n += (size_t)snprintf(buf + n, size - n, ",gid=%u", fs->gid.val);
    snprintf(buf + n, size - n, ",inode64");
}

static const struct super_ops tmpfs_super_ops = {
    .statfs = tmpfs_statfs,
    .put_super = tmpfs_put_super,
    .remount = tmpfs_remount,
    .show_options = tmpfs_show_options,
};

static struct tmpfs *tmpfs_alloc(const struct options *opt)
{
    struct tmpfs *fs = kalloc_for(current_cgroup(), sizeof(*fs));
    const struct cred *cred = current_cred();

    if (fs == NULL)
        return NULL;
    fs->max_pages =
        opt->has_size ? DIV_ROUND_UP(opt->size, PAGE_SIZE) : ram_bytes() / 2 / PAGE_SIZE;
    fs->max_inodes = opt->has_inodes ? opt->nr_inodes : ram_bytes() / 2 / PAGE_SIZE;
    fs->mode = opt->has_mode ? (mode_t)opt->mode : S_ISVTX | S_IRWXUGO;
    fs->uid = opt->has_uid ? (kuid_t){(uint32_t)opt->uid} : cred->fsuid;
    fs->gid = opt->has_gid ? (kgid_t){(uint32_t)opt->gid} : cred->fsgid;
    fs->is_sized = opt->has_size;
    return fs;
}

int tmpfs_get_super(const struct fs_type *type, const char *source, unsigned long flags,
                    const char *data, struct super_block **out)
{
    struct options opt = {0};
    int err = parse_options(data, &opt);
    struct super_block *sb;
    struct inode *root;

    (void)source;
    if (err < 0)
        return err;
    sb = super_alloc(type, flags);
    if (sb == NULL)
        return -ENOMEM;
    sb->ops = &tmpfs_super_ops;
    sb->d_complete = true;
    sb->private = tmpfs_alloc(&opt);
    err = -ENOMEM;
    if (sb->private == NULL)
        goto put;
    root = tmpfs_inode(sb, NULL, S_IFDIR | tmpfs_of(sb)->mode, &err);
    if (root == NULL)
        goto put;
    root->uid = tmpfs_of(sb)->uid;
    root->gid = tmpfs_of(sb)->gid;
    root->nlink = 2;
    root->size = 2 * DIRENT_BYTES;
    sb->root = dentry_make_root(root);
    err = -ENOMEM;
    if (sb->root == NULL)
        goto put;
    *out = sb;
    return 0;
put:
    super_put(sb);
    return err;
}

struct fs_type tmpfs_type = {
    .name = "tmpfs",
    .magic = TMPFS_MAGIC,
    .get_super = tmpfs_get_super,
    .user_visible = true,
};

/* ---- memory as files ---- */

static struct mount *shmem_mount;

void tmpfs_init(void)
{
    fs_register(&tmpfs_type);
    if (mount_internal(&tmpfs_type, "tmpfs", "size=0,nr_inodes=0", &shmem_mount) < 0)
        panic("tmpfs: no memory for shared memory");
}

int shmem_file_create(const char *name, uint64_t size, struct file **out)
{
    struct super_block *sb = shmem_mount->sb;
    struct file *f = file_alloc();
    struct path p = {.mnt = shmem_mount};
    struct inode *inode;
    int err = -ENOMEM;

    name += *name == '/'; /* it shows as "/NAME (deleted)" */
    p.dentry = dentry_alloc(sb, sb->root, name, strlen(name));

    if (p.dentry == NULL || f == NULL)
        goto fail;
    inode = tmpfs_inode(sb, NULL, S_IFREG | 0777, &err);
    if (inode == NULL)
        goto fail;
    inode->nlink = 0;
    inode->size = size;
    d_set_inode(p.dentry, inode);
    err = file_finish_open(f, &p, O_RDONLY | O_LARGEFILE);
    if (err < 0)
        goto fail;
    f->flags |= O_RDWR; /* only now: it is no writer that keeps a memfd from being executed, as on Linux */
    f->can_write = true;
    dentry_put(p.dentry);
    *out = f;
    return 0;
fail:
    if (f != NULL)
        file_free_unopened(f);
    if (p.dentry != NULL)
        dentry_put(p.dentry);
    return err;
}
