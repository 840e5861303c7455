/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Open files: what a descriptor refers to. open_at() makes them from names;
 * file_create_anon() for what has none (pipes, sockets, eventfd, /dev/kvm's VMs):
 * those get an inode and a dentry on an internal file system, so that fstat(2)
 * and /proc/PID/fd work on everything.
 *
 * Descriptors, mappings and messages under way hold a file; the last put closes
 * it: epoll forgets it, locks go, ->release, then the path.
 */
#include "vfs.h"

static struct kmem_cache *file_cache;
struct mount *anon_mount;

void file_cache_init(void)
{
    file_cache = kmem_cache_create("file", sizeof(struct file), 8);
}

struct file *file_alloc(void)
{
    struct file *f = kmem_cache_zalloc_for(file_cache, current_cgroup());

    if (f == NULL)
        return NULL;
    refcount_init(&f->refs, 1);
    mutex_init(&f->pos_lock);
    list_init(&f->epoll_items);
    f->cred = current->cred;
    cred_get(f->cred);
    return f;
}

void file_free_unopened(struct file *f)
{
    cred_put(f->cred);
    kmem_cache_free(file_cache, f);
}

void file_get(struct file *f)
{
    refcount_get(&f->refs);
}

/* ---- writing and executing exclude each other ---- */

int inode_add_writer(struct inode *inode)
{
    int n = __atomic_load_n(&inode->writers, __ATOMIC_RELAXED);

    do {
        if (n < 0)
            return -ETXTBSY;
    } while (!__atomic_compare_exchange_n(&inode->writers, &n, n + 1, true, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    return 0;
}

void inode_remove_writer(struct inode *inode)
{
    __atomic_fetch_sub(&inode->writers, 1, __ATOMIC_RELAXED);
}

static int inode_deny_writers(struct inode *inode)
{
    int n = __atomic_load_n(&inode->writers, __ATOMIC_RELAXED);

    do {
        if (n > 0)
            return -ETXTBSY;
    } while (!__atomic_compare_exchange_n(&inode->writers, &n, n - 1, true, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    return 0;
}

static void inode_allow_writers(struct inode *inode)
{
    __atomic_fetch_add(&inode->writers, 1, __ATOMIC_RELAXED);
}

/* Of an overlay's file both inodes count: who opens or cuts the overlay's is told before anything is
 * done, and who comes to the real one by another way, too. */
int file_deny_writers(struct file *f)
{
    int err = 0;

    if (f->denies_writers)
        return 0;
    for (struct file *g = f; g != NULL && err == 0; g = g->real) {
        err = inode_deny_writers(g->inode);
        for (struct file *done = f; err < 0 && done != g; done = done->real)
            inode_allow_writers(done->inode);
    }
    f->denies_writers = err == 0;
    return err;
}

static void allow_writers(struct file *f)
{
    for (struct file *g = f; f->denies_writers && g != NULL; g = g->real)
        inode_allow_writers(g->inode);
}

static int start_writing(struct file *f)
{
    int err;

    if (!S_ISREG(f->inode->mode))
        return 0;
    if (path_is_readonly(&f->path))
        return -EROFS;
    err = inode_add_writer(f->inode);
    if (err < 0)
        return err;
    __atomic_fetch_add(&f->path.mnt->writers, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&f->path.mnt->sb->writers, 1, __ATOMIC_RELAXED);
    f->counts_writer = true;
    return 0;
}

static void stop_writing(struct file *f)
{
    if (!f->counts_writer)
        return;
    inode_remove_writer(f->inode);
    __atomic_fetch_sub(&f->path.mnt->writers, 1, __ATOMIC_RELAXED);
    __atomic_fetch_sub(&f->path.mnt->sb->writers, 1, __ATOMIC_RELAXED);
    f->counts_writer = false;
}

/* ---- opening ---- */

static const struct file_ops path_only_ops;

static int open_inode(struct file *f)
{
    struct inode *inode = f->inode;

    if (inode->ops->open != NULL)
        return inode->ops->open(inode, f);
    switch (inode->mode & S_IFMT) {
    case S_IFCHR:
    case S_IFBLK:
        return device_open(inode, f);
    case S_IFIFO:
        return fifo_open != NULL ? fifo_open(inode, f) : -ENXIO;
    case S_IFSOCK:
        return -ENXIO;
    }
    f->ops = inode->fops;
    return f->ops != NULL ? 0 : -ENXIO;
}

/* Permissions are checked; f takes references of its own. On error f is as before. */
int file_finish_open(struct file *f, const struct path *path, uint32_t flags)
{
    unsigned accmode = flags & O_ACCMODE;
    int err;

    f->path = *path;
    path_get(&f->path);
    f->inode = path->dentry->inode;
    f->flags = flags & ~(uint32_t)(O_CREAT | O_EXCL | O_TRUNC |
                                   O_CLOEXEC); /* a terminal looks at O_NOCTTY */
    if (flags & O_PATH) {
        f->is_path_only = true;
        f->ops = &path_only_ops;
        return 0;
    }

    f->can_read = accmode == O_RDONLY || accmode == O_RDWR;
    f->can_write = accmode == O_WRONLY || accmode == O_RDWR;
    err = f->can_write ? start_writing(f) : 0;
    if (err < 0)
        goto put_path;
    err = open_inode(f);
    f->flags &= ~(uint32_t)O_NOCTTY;
    if (err == 0)
        return 0;
    stop_writing(f);
put_path:
    path_put(&f->path);
    f->can_read = f->can_write = false;
    return err;
}

void file_put(struct file *f)
{
    if (!refcount_put(&f->refs))
        return;
    if (!list_is_empty(&f->epoll_items))
        epoll_forget_file(f);
    if (f->inode->locks != NULL)
        locks_remove_file(f);
    allow_writers(f);
    if (f->ops->release != NULL)
        f->ops->release(f);
    stop_writing(f);
    cred_put(f->cred);
    path_put(&f->path);
    if (f->shown.mnt != NULL)
        path_put(&f->shown);
    kmem_cache_free(file_cache, f);
}

/* ---- for the kernel ---- */

ssize_t file_read_kernel(struct file *f, void *buf, size_t n, off_t *pos)
{
    struct io_buf b;
    struct iov one;

    io_buf_init_kernel(&b, &one, buf, n);
    return file_read_buf(f, &b, pos);
}

ssize_t file_write_kernel(struct file *f, const void *buf, size_t n, off_t *pos)
{
    struct io_buf b;
    struct iov one;

    io_buf_init_kernel(&b, &one, (void *)buf, n);
    return file_write_buf(f, &b, pos);
}

/* ---- files without a name ---- */

static int anon_setattr(struct dentry *d, const struct iattr *attr)
{
    inode_setattr(d->inode, attr);
    return 0;
}

static const struct inode_ops anon_inode_ops = {.setattr = anon_setattr};
static const struct super_ops anon_super_ops;

static int anon_get_super(const struct fs_type *type, const char *source, unsigned long flags,
                          const char *data, struct super_block **out)
{
    struct super_block *sb = super_alloc(type, flags);
    struct inode *inode;

    (void)source;
    (void)data;
    if (sb == NULL)
        return -ENOMEM;
    sb->ops = &anon_super_ops;
    inode = inode_alloc(sb, S_IFDIR | 0);
    if (inode != NULL) {
        inode->ops = &anon_inode_ops;
        sb->root = dentry_make_root(inode);
    }
    if (sb->root == NULL) {
        super_put(sb);
        return -ENOMEM;
    }
    *out = sb;
    return 0;
}

static struct fs_type anon_type = {
    .name = "anon_inodefs",
    .magic = 0x09041934,
    .get_super = anon_get_super,
};

void anon_init(void)
{
    if (mount_internal(&anon_type, "anon", "", &anon_mount) < 0)
        panic("vfs: no memory for nameless files");
}

static mode_t anon_mode(const char *name)
{
    if (strncmp(name, "pipe:", 5) == 0)
        return S_IFIFO | 0600;
    if (strncmp(name, "socket:", 7) == 0)
        return S_IFSOCK | 0777;
    return 0600;
}

static struct dentry *anon_dentry(const char *name)
{
    struct super_block *sb = anon_mount->sb;
    struct dentry *d = dentry_alloc(sb, NULL, name, strlen(name));
    struct inode *inode;

    if (d == NULL)
        return NULL;
    inode = inode_alloc(sb, anon_mode(name));
    if (inode == NULL) {
        dentry_put(d);
        return NULL;
    }
    inode->ops = &anon_inode_ops;
    d_set_inode(d, inode);
    return d;
}

int file_create_anon(const char *name, const struct file_ops *ops, void *private, uint32_t flags,
                     struct file **out)
{
    unsigned accmode = flags & O_ACCMODE;
    struct file *f = file_alloc();
    struct dentry *d;

    if (f == NULL)
        return -ENOMEM;
    d = anon_dentry(name);
    if (d == NULL) {
        file_free_unopened(f);
        return -ENOMEM;
    }
    mount_get(anon_mount);
    f->path = (struct path){anon_mount, d};
    f->inode = d->inode;
    f->ops = ops; /* the inode has none: it cannot be opened again through /proc/PID/fd */
    f->private = private;
    f->flags = flags & ~(uint32_t)O_CLOEXEC;
    f->can_read = accmode == O_RDONLY || accmode == O_RDWR;
    f->can_write = accmode == O_WRONLY || accmode == O_RDWR;
    *out = f;
    return 0;
}
