/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VFS: super blocks, inodes, dentries, mounts, paths, open files.
 * (kernel/fs; the shapes are those of Linux so that its documentation helps.)
 *
 * Lifetime: a struct file holds its path; a path holds its mount and dentry; a
 * dentry holds its inode and its parent; a mount holds its super block and its
 * parent mount. Locks: inode->lock (sleeping) guards a directory's names and a
 * file's size and writes; rename_lock + the two directories for a rename;
 * dcache_lock and mount_lock are spinlocks for the trees; mount_mutex makes
 * changes of mount trees one at a time. See kernel/README.md.
 *
 * A page fault holds mm->lock and asks ->get_page, and write(2) holds inode->lock
 * while it copies from user memory, which may fault: so ->get_page takes no
 * inode->lock. The page tree has a spinlock of its own, inode->pages_lock; a page
 * is copied from and to under a reference and no spinlock.
 */
#pragma once

#include <kernel/cred.h>
#include <kernel/list.h>
#include <kernel/mm.h>
#include <kernel/mutex.h>
#include <kernel/time.h>
#include <kernel/wait.h>

#define NAME_MAX 255
#define PATH_MAX 4096
#define MKDEV(major, minor) ((dev_t)(major) << 20 | (minor))
#define MAJOR(dev)          ((unsigned)((dev) >> 20))
#define MINOR(dev)          ((unsigned)((dev)&0xfffff))

#define S_IFMT   0170000
#define S_IFSOCK 0140000
#define S_IFLNK  0120000
#define S_IFREG  0100000
#define S_IFBLK  0060000
#define S_IFDIR  0040000
#define S_IFCHR  0020000
#define S_IFIFO  0010000
#define S_ISUID  04000
#define S_ISGID  02000
#define S_ISVTX  01000
#define S_ISREG(m)  (((m)&S_IFMT) == S_IFREG)
#define S_ISDIR(m)  (((m)&S_IFMT) == S_IFDIR)
#define S_ISLNK(m)  (((m)&S_IFMT) == S_IFLNK)
#define S_ISCHR(m)  (((m)&S_IFMT) == S_IFCHR)
#define S_ISBLK(m)  (((m)&S_IFMT) == S_IFBLK)
#define S_ISFIFO(m) (((m)&S_IFMT) == S_IFIFO)
#define S_ISSOCK(m) (((m)&S_IFMT) == S_IFSOCK)

struct super_block;
struct inode;
struct dentry;
struct mount;
struct file;
struct poll_table;
struct vma;
struct linux_dirent64;
struct mnt_ns;
struct fs_struct;

/* ---- page cache: tmpfs pages are the page cache ---- */

struct page_tree { /* sparse array of pages by page number (kernel/lib/page_tree.c) */
    void *root;
    unsigned height;
};
struct page *page_tree_get(const struct page_tree *t, uint64_t index); /* borrowed */
int page_tree_set(struct page_tree *t, uint64_t index, struct page *p, struct cgroup *cg); /* p NULL: remove */
struct page *page_tree_next(const struct page_tree *t, uint64_t *index); /* first at or after *index */
void page_tree_fini(struct page_tree *t); /* must be empty of pages */

/* ---- inodes ---- */

struct kstat {
    uint64_t dev;
    ino_t ino;
    mode_t mode;
    uint32_t nlink;
    kuid_t uid;
    kgid_t gid;
    dev_t rdev;
    uint64_t size, blocks; /* blocks of 512 bytes */
    uint32_t blksize;
    struct timespec atime, mtime, ctime, btime;
};

enum iattr_valid { ATTR_MODE = 1, ATTR_UID = 2, ATTR_GID = 4, ATTR_SIZE = 8, ATTR_ATIME = 16,
                   ATTR_MTIME = 32, ATTR_CTIME = 64 };
struct iattr {
    uint32_t valid;
    mode_t mode;
    kuid_t uid;
    kgid_t gid;
    uint64_t size;
    struct timespec atime, mtime, ctime;
};

struct path {
    struct mount *mnt;
    struct dentry *dentry;
};

/* Called with the directory's inode->lock held, permissions checked, the dentry negative (create...) or
 * positive (unlink...). A missing operation: -EPERM (or what the call's man page says). */
struct inode_ops {
    /* Fill `dentry` with d_set_inode() if the name exists; 0 also when it does not. */
    int (*lookup)(struct inode *dir, struct dentry *dentry);
    int (*create)(struct inode *dir, struct dentry *dentry, mode_t mode);
    int (*mkdir)(struct inode *dir, struct dentry *dentry, mode_t mode);
    int (*mknod)(struct inode *dir, struct dentry *dentry, mode_t mode, dev_t dev);
    int (*symlink)(struct inode *dir, struct dentry *dentry, const char *target);
    int (*link)(struct dentry *old, struct inode *dir, struct dentry *dentry);
    int (*unlink)(struct inode *dir, struct dentry *dentry);
    int (*rmdir)(struct inode *dir, struct dentry *dentry);
    /* flags: RENAME_NOREPLACE is handled by the caller, RENAME_EXCHANGE, RENAME_WHITEOUT passed on. */
    int (*rename)(struct inode *odir, struct dentry *old, struct inode *ndir, struct dentry *new,
                  unsigned flags);
    int (*tmpfile)(struct inode *dir, struct dentry *dentry, mode_t mode); /* O_TMPFILE */

    /* Symlinks: copy the target into buf (PATH_MAX bytes), its length; or, for magic links
     * (/proc/PID/fd/N, exe, cwd, root, ns), jump: fill *jump with a counted path and return 0. */
    int (*readlink)(struct inode *inode, struct dentry *dentry, char *buf);
    int (*follow)(struct inode *inode, struct dentry *dentry, struct path *jump);

    int (*permission)(struct inode *inode, int mask); /* NULL: inode_permission_generic */
    int (*getattr)(const struct path *path, struct kstat *out); /* NULL: generic */
    /* Checks are done, inode->lock is held; inode_setattr() is the generic part. NULL: -EPERM. */
    int (*setattr)(struct dentry *dentry, const struct iattr *attr);
    int (*getxattr)(struct dentry *d, const char *name, void *buf, size_t size); /* length */
    int (*setxattr)(struct dentry *d, const char *name, const void *buf, size_t size, int flags);
    int (*listxattr)(struct dentry *d, char *buf, size_t size);
    int (*removexattr)(struct dentry *d, const char *name);

    /* The page cache's page `index` with a reference, for read, write and mmap. -ENOSPC, -EIO past
     * the end, *out == NULL with 0: a hole that is not to be filled for a read. May be called with
     * mm->lock held: takes inode->pages_lock and no sleeping lock. */
    int (*get_page)(struct inode *inode, uint64_t index, bool for_write, struct page **out);
    /* For write(2): as get_page for writing, also past the end. inode->lock is held. */
    int (*write_page)(struct inode *inode, uint64_t index, struct page **out);

    /* What opening this inode means; sets file->ops. NULL: file->ops = inode->fops. */
    int (*open)(struct inode *inode, struct file *file);
    void (*evict)(struct inode *inode); /* last reference gone, nlink may be 0: free what is private */
};

struct inode {
    struct refcount refs;
    struct super_block *sb;      /* [I] borrowed: inodes go before their super block */
    const struct inode_ops *ops; /* [I] */
    const struct file_ops *fops; /* [I] */
    struct mutex lock;
    ino_t ino;                   /* [I] but of an overlay's file whose names part */
    mode_t mode;                 /* [lock] */
    uint32_t nlink;              /* [lock] */
    kuid_t uid;                  /* [lock] */
    kgid_t gid;                  /* [lock] */
    dev_t rdev;                  /* [I] */
    uint64_t size;               /* [lock, and pages_lock to shrink it] read without */
    struct timespec atime, mtime, ctime, btime; /* [lock] */
    struct spinlock pages_lock;
    struct page_tree pages;      /* [pages_lock] page cache of regular files */
    uint64_t npages;             /* [pages_lock] */
    int writers;                 /* [a] open for writing, or -n: n times executing (ETXTBSY) */
    struct list_node mappings;   /* [file_mappings_lock, kernel/mm] struct vma.inode_link */
    bool denies_writable_maps;   /* [file_mappings_lock] mm_file_deny_writing() */
    void *private;               /* the kind's: pipe, socket; else the file system's */
    void *fs_data;               /* [I] the file system's where private is taken (overlayfs) */
    void *locks;                 /* fcntl(2) and flock(2) locks (kernel/fs/lock.c) */
    struct list_node *xattrs;    /* [lock] simple_xattr_*: NULL when it has none */
    uint32_t seals;              /* [lock] memfd_create(2): F_SEAL_* */
    bool is_linkable;            /* [lock] O_TMPFILE: linkat(2) may give it a first name */
};

struct inode *inode_alloc(struct super_block *sb, mode_t mode); /* one reference, charged; or NULL */
void inode_get(struct inode *inode);
void inode_put(struct inode *inode);
void inode_setattr(struct inode *inode, const struct iattr *attr); /* store mode, ids and times */

/* Extended attributes kept in memory (kernel/fs/xattr.c), for ->getxattr and so on. */
int simple_xattr_get(struct inode *inode, const char *name, void *buf, size_t size);
int simple_xattr_set(struct inode *inode, const char *name, const void *buf, size_t size, int flags);
int simple_xattr_list(struct inode *inode, char *buf, size_t size);
int simple_xattr_remove(struct inode *inode, const char *name);
void simple_xattr_free_all(struct inode *inode);
#define XATTR_CREATE  1
#define XATTR_REPLACE 2

/* ---- super blocks and file system types ---- */

struct statfs_info {
    uint64_t type, bsize, blocks, bfree, bavail, files, ffree, namelen, flags;
};

struct super_ops {
    int (*statfs)(struct super_block *sb, struct statfs_info *out);
    void (*put_super)(struct super_block *sb); /* the last mount is gone: free everything */
    int (*remount)(struct super_block *sb, unsigned long flags, const char *data);
    void (*show_options)(struct super_block *sb, char *buf, size_t size); /* ",size=..." for mountinfo */
    /* With d_revalidate_always: is this cached name still right? false: it is unhashed and looked
     * up anew. NULL: only names that are mounted on are reused. No locks held; may sleep. */
    bool (*d_revalidate)(struct dentry *dentry);
};

struct super_block {
    struct refcount refs;
    const struct fs_type *type;
    const struct super_ops *ops;
    struct dentry *root;      /* counted */
    dev_t dev;                /* anonymous device number */
    unsigned long flags;      /* MS_RDONLY, MS_NOEXEC... as given at mount */
    struct user_ns *user_ns;
    struct cgroup *cgroup;    /* charged for what has no better owner; counted */
    void *private;
    struct mutex rename_lock;
    struct list_node link;
    unsigned evicting;        /* [dcache_lock] unused dentries of it that are being freed for want of room */
    int writers;              /* [a] files open for writing: no remount to read-only */
    unsigned stack_depth;     /* [I] file systems below this one: each is a recursion on the kernel stack */
    bool d_revalidate_always; /* procfs: ask d_revalidate at every use, keep no unused dentries */
    bool d_complete;          /* tmpfs: every name there is has a pinned dentry, others do not exist */
    ino_t last_ino;           /* [a] for file systems that number their inodes in order */
};

#define STACK_DEPTH_MAX 2

struct fs_type {
    const char *name;
    unsigned long magic;
    /* Make (or find, for single-instance types) the super block: `source` and `data` are the mount(2)
     * arguments as kernel strings ("" when NULL). One counted reference in *out. */
    int (*get_super)(const struct fs_type *type, const char *source, unsigned long flags, const char *data,
                     struct super_block **out);
    bool user_visible;        /* not "nodev"-like internals */
    struct list_node link;
};
void fs_register(struct fs_type *type);
struct super_block *super_alloc(const struct fs_type *type, unsigned long flags); /* or NULL */
void super_get(struct super_block *sb);
void super_put(struct super_block *sb); /* the last: every dentry goes, then ->put_super */
ino_t super_next_ino(struct super_block *sb);
const struct fs_type *fs_type_find(const char *name); /* or NULL */
/* For /proc/filesystems: calls fn for each type in order of registration. */
void fs_type_for_each(void (*fn)(const struct fs_type *type, void *arg), void *arg);

/* ---- dentries ---- */

struct dentry {
    struct refcount refs;
    struct dentry *parent;    /* [dcache_lock] counted; itself for a root */
    struct inode *inode;      /* [dcache_lock] counted; NULL: negative */
    struct super_block *sb;   /* [I] */
    struct list_node child;   /* [dcache_lock] in parent->children */
    struct list_node children; /* [dcache_lock] */
    struct list_node hash;    /* [dcache_lock] empty: unhashed (deleted, or not yet added) */
    struct list_node lru;     /* [dcache_lock] unused ones that may be dropped */
    uint32_t name_hash;
    uint32_t name_len;
    uint32_t mounts;          /* [mount_lock] mounts on top of it, in any namespace */
    bool pinned;              /* [dcache_lock] tmpfs: holds a reference as long as its name lives */
    uint64_t dir_pos;         /* [dcache_lock] readdir position among the parent's children */
    uint64_t last_pos;        /* [dcache_lock] the highest one given out to a child */
    struct cgroup *charged;   /* [I] compared only */
    void *private;            /* the file system's (overlay) */
    char *name;               /* [dcache_lock] for good inline or allocated; NUL-terminated */
    char inline_name[32];
};

struct dentry *dentry_alloc(struct super_block *sb, struct dentry *parent, const char *name, size_t len);
struct dentry *dentry_make_root(struct inode *inode); /* takes the inode's reference */
void dentry_get(struct dentry *d);
void dentry_put(struct dentry *d);
void d_set_inode(struct dentry *d, struct inode *inode); /* takes the inode's reference */
void d_hash(struct dentry *d); /* make it findable; the VFS does so after ->lookup, ->create... */
struct dentry *d_parent_get(struct dentry *d); /* counted */
bool d_is_unlinked(const struct dentry *d); /* its name is gone (or never was) */
void d_pin(struct dentry *d);   /* tmpfs: keep (one reference) until d_unpin */
void d_unpin(struct dentry *d); /* the name is gone: unhash and drop */
void d_drop(struct dentry *d);  /* unhash */
void d_delete(struct dentry *d); /* its object is removed: unhash, and forget the names looked up in it */
static inline bool d_is_negative(const struct dentry *d)
{
    return d->inode == NULL;
}
void dcache_shrink(void) __weak; /* drop every unused name: /proc/sys/vm/drop_caches */
/* dir's child of that name, from the cache or by ->lookup; counted, perhaps negative. Takes
 * dir->lock if needed; the second form is for callers that hold it. */
int lookup_one(struct dentry *dir, const char *name, size_t len, struct dentry **out);
int lookup_one_locked(struct dentry *dir, const char *name, size_t len, struct dentry **out);

/* ---- open files ---- */

#define O_ACCMODE   00000003
#define O_RDONLY    00000000
#define O_WRONLY    00000001
#define O_RDWR      00000002
#define O_CREAT     00000100
#define O_EXCL      00000200
#define O_NOCTTY    00000400
#define O_TRUNC     00001000
#define O_APPEND    00002000
#define O_NONBLOCK  00004000
#define O_DSYNC     00010000
#define O_ASYNC     00020000
#define O_DIRECT    00040000
#define O_LARGEFILE 00100000
#define O_DIRECTORY 00200000
#define O_NOFOLLOW  00400000
#define O_NOATIME   01000000
#define O_CLOEXEC   02000000
#define O_SYNC      04010000
#define O_PATH      010000000
#define O_TMPFILE   (020000000 | O_DIRECTORY)

#define POLLIN     0x0001u
#define POLLPRI    0x0002u
#define POLLOUT    0x0004u
#define POLLERR    0x0008u
#define POLLHUP    0x0010u
#define POLLNVAL   0x0020u
#define POLLRDNORM 0x0040u
#define POLLRDBAND 0x0080u
#define POLLWRNORM 0x0100u
#define POLLWRBAND 0x0200u
#define POLLMSG    0x0400u
#define POLLRDHUP  0x2000u

/*
 * Data for read and write: user or kernel memory behind one interface, so that
 * sendfile, splice, exec and the initrd use the same code as read(2).
 */
struct iov {
    uint64_t base; /* uaddr_t, or a kernel pointer */
    size_t len;
};
struct io_buf {
    struct iov *iov; /* borrowed; advanced as data moves */
    unsigned niov;
    size_t remaining; /* bytes in all */
    bool kernel;
};
void io_buf_init_user(struct io_buf *b, struct iov *one, uaddr_t base, size_t len);
void io_buf_init_kernel(struct io_buf *b, struct iov *one, void *base, size_t len);
/* Move up to n bytes; bytes moved, or -EFAULT when none could be. */
ssize_t io_copy_to(struct io_buf *b, const void *src, size_t n);   /* the read direction */
ssize_t io_copy_from(void *dst, struct io_buf *b, size_t n);       /* the write direction */
ssize_t io_zero(struct io_buf *b, size_t n);

typedef bool (*dir_emit_fn)(void *ctx, const char *name, size_t len, off_t next_pos, ino_t ino, unsigned type);
struct dir_context {
    off_t pos;
    dir_emit_fn emit; /* false: the buffer is full, stop */
    void *ctx;
};

struct file_ops {
    /* Advance *pos by what was moved. Blocking unless O_NONBLOCK; -ERESTARTSYS on a signal. */
    ssize_t (*read)(struct file *f, struct io_buf *to, off_t *pos);
    ssize_t (*write)(struct file *f, struct io_buf *from, off_t *pos);
    off_t (*llseek)(struct file *f, off_t off, int whence); /* NULL: -ESPIPE; generic_llseek */
    int (*readdir)(struct file *f, struct dir_context *ctx); /* with the inode locked */
    /* Ready events now; registers on its wait queues with poll_wait() when pt is not NULL. */
    uint32_t (*poll)(struct file *f, struct poll_table *pt);
    long (*ioctl)(struct file *f, unsigned cmd, uint64_t arg); /* -ENOTTY for unknown */
    int (*mmap)(struct file *f, struct vma *vma); /* sets vma->ops; NULL: -ENODEV. generic_mmap for page cache */
    /* Both or none, for a file that counts the areas which map it: one more, after the first of
     * ->mmap (fork, a part cut off; mm->lock is held), and one less (mm->lock is not held). */
    void (*map_copy)(struct file *f);
    void (*map_close)(struct file *f);
    int (*flush)(struct file *f);   /* each close(2) */
    int (*fsync)(struct file *f);
    void (*release)(struct file *f); /* the last reference */
    int (*fallocate)(struct file *f, int mode, off_t off, off_t len);
    void (*show_fdinfo)(struct file *f, char *buf, size_t size);
};

struct file {
    struct refcount refs;
    const struct file_ops *ops; /* [I] */
    struct path path;           /* [I] counted */
    struct inode *inode;        /* [I] == path.dentry->inode; an overlay's real inode is file->real's */
    struct file *real;          /* [I] overlay: the open file of the layer it passes through to, or NULL */
    struct path shown;          /* [I] of such a real file: what was opened, counted; mnt NULL: path itself */
    uint32_t flags;             /* [a] O_* */
    bool can_read, can_write;   /* [I] */
    bool is_path_only;          /* [I] O_PATH */
    bool counts_writer;         /* [I] */
    bool denies_writers;        /* [I] a running program: file_deny_writers() was called */
    struct mutex pos_lock;
    off_t pos;                  /* [pos_lock] */
    uint64_t dir_end;           /* [inode->lock] a directory's last position when reading began; 0: it has not */
    struct cred *cred;          /* [I] counted: who opened it */
    void *private;              /* the file's kind */
    struct list_node epoll_items; /* kernel/fs/epoll.c; not empty: epoll_forget_file() at the last put */
    int owner_pid, owner_sig;   /* F_SETOWN: kept, SIGIO is not sent */
};

/* A file without a name: pipes, sockets, eventfd, /dev/kvm's VMs and vCPUs. `name` is "pipe:",
 * "anon_inode:kvm-vm"...; /proc/PID/fd shows it with the inode number. flags: O_RDWR | O_NONBLOCK... */
int file_create_anon(const char *name, const struct file_ops *ops, void *private, uint32_t flags,
                     struct file **out);
/* As open(2) in the kernel's name with these credentials' rights: current's. */
int file_open(const char *path, uint32_t flags, mode_t mode, struct file **out);
int file_open_path(const struct path *path, uint32_t flags, struct file **out);
/* For execve(2): asks for permission to execute, not to read; -EACCES unless it is a regular file on
 * a mount without noexec. The kernel may read it. */
int file_open_exec(const struct path *path, struct file **out);
/* execve(2): -ETXTBSY when somebody has the file open for writing; else nobody can until the last
 * file_put(f). inode->writers counts both; of an overlay's file, that of the real inode as well. */
int file_deny_writers(struct file *f);
/* What names it for programs: a mapping of an overlay's file has the layer's. */
static inline const struct path *file_shown_path(const struct file *f)
{
    return f->shown.mnt != NULL ? &f->shown : &f->path;
}
void file_get(struct file *f);
void file_put(struct file *f);
/* Memory as a file without a name: MAP_SHARED | MAP_ANONYMOUS, memfd. Open for reading and
 * writing, `size` bytes of zeros, pages charged as they come. (kernel/fs/tmpfs.c) */
int shmem_file_create(const char *name, uint64_t size, struct file **out);
ssize_t file_read_kernel(struct file *f, void *buf, size_t n, off_t *pos);
ssize_t file_write_kernel(struct file *f, const void *buf, size_t n, off_t *pos);

off_t generic_llseek(struct file *f, off_t off, int whence);
int generic_mmap(struct file *f, struct vma *vma);
int generic_fsync(struct file *f); /* of what is in memory alone */
ssize_t generic_file_read(struct file *f, struct io_buf *to, off_t *pos); /* through ->get_page */
ssize_t generic_file_write(struct file *f, struct io_buf *from, off_t *pos);
extern const struct file_ops generic_dir_fops; /* readdir from the dcache: tmpfs, devfs */

void epoll_forget_file(struct file *f) __weak; /* kernel/fs/epoll.c */
/* fcntl(2) F_SETPIPE_SZ and F_GETPIPE_SZ; -EBADF when it is no pipe. (kernel/fs/pipe.c) */
long pipe_fcntl(struct file *f, unsigned cmd, uint64_t arg) __weak;

/* ---- character devices ---- */
struct char_dev {
    dev_t dev;
    const char *name;            /* in /dev, may contain '/' */
    mode_t mode;                 /* permissions of the node */
    const struct file_ops *ops;
    int (*open)(struct inode *inode, struct file *f); /* may be NULL */
    struct list_node link;
};
void char_dev_register(struct char_dev *d); /* also shows in devtmpfs */
struct char_dev *char_dev_find(dev_t dev);
void char_dev_for_each(void (*fn)(const struct char_dev *d, void *arg), void *arg);
/* May the current process use this node? mask: MAY_READ | MAY_WRITE, or DEVICE_MKNOD. 0 or -EPERM.
 * containers/ sets it; NULL: every process may. */
#define DEVICE_MKNOD 8
extern int (*device_access)(mode_t type, dev_t dev, int mask);
/* open(2) of a named pipe: sets file->ops; the inode's pipe is inode->private. (kernel/fs/pipe.c) */
int fifo_open(struct inode *inode, struct file *f) __weak;
/* fcntl(2) F_SETPIPE_SZ and F_GETPIPE_SZ; -EBADF: not a pipe. */
long pipe_fcntl(struct file *f, unsigned cmd, uint64_t arg) __weak;

/* ---- mounts and namespaces ---- */

#define MS_RDONLY      1UL
#define MS_NOSUID      2UL
#define MS_NODEV       4UL
#define MS_NOEXEC      8UL
#define MS_SYNCHRONOUS 16UL
#define MS_REMOUNT     32UL
#define MS_NOATIME     1024UL
#define MS_NODIRATIME  2048UL
#define MS_BIND        4096UL
#define MS_MOVE        8192UL
#define MS_REC         16384UL
#define MS_SILENT      32768UL
#define MS_UNBINDABLE  (1UL << 17)
#define MS_PRIVATE     (1UL << 18)
#define MS_SLAVE       (1UL << 19)
#define MS_SHARED      (1UL << 20)
#define MS_RELATIME    (1UL << 21)
#define MS_STRICTATIME (1UL << 24)

struct mount {
    struct refcount refs;
    struct super_block *sb;    /* [I] counted */
    struct dentry *root;       /* [I] counted: what of the file system it shows */
    struct mount *parent;      /* [mount_lock] counted; NULL: detached, or a namespace's root */
    struct dentry *mountpoint; /* [mount_lock] counted: in parent */
    struct mnt_ns *ns;         /* [mount_lock] NULL: detached */
    struct list_node children; /* [mount_lock] */
    struct list_node sibling;  /* [mount_lock] */
    struct list_node ns_link;  /* [mount_lock] in ns->mounts, in order */
    struct list_node hash;     /* [mount_lock] by parent and mountpoint */
    unsigned long flags;       /* [mount_lock] MS_RDONLY, NOSUID, NODEV, NOEXEC, NOATIME... */
    int writers;               /* [a] files open for writing: no remount to read-only */
    int id;                    /* [I] for mountinfo */
    struct mount *old_parent;  /* [mount_mutex] while it is being taken out of a tree */
    struct dentry *old_mountpoint;
    struct mount *copy;        /* [mount_mutex] its twin while a tree is being copied; borrowed */
    char *source;              /* [I] as given: "overlay", "/dev/..." */
};

struct mnt_ns {
    struct refcount refs;
    struct mount *root;        /* counted */
    struct list_node mounts;   /* [mount_lock] */
    unsigned count;            /* [mount_lock] limited to MOUNTS_MAX */
    struct user_ns *user_ns;
    ino_t ino;
};
#define MOUNTS_MAX 100000

void mount_get(struct mount *m);
void mount_put(struct mount *m);
void path_get(const struct path *p);
void path_put(const struct path *p);
struct mnt_ns *mnt_ns_copy(struct mnt_ns *old, struct fs_struct *fs); /* NULL: no memory, too many */
void mnt_ns_get(struct mnt_ns *ns);
void mnt_ns_put(struct mnt_ns *ns);
/* A mount that is in no namespace, for kernel-internal file systems (sockets, nsfs). */
int mount_internal(const struct fs_type *type, const char *source, const char *data, struct mount **out);
/* Mount a file system on a directory in the kernel's name: -ENOENT, -ENODEV... */
int mount_at(const char *type, const char *source, const char *target, unsigned long flags, const char *data);
/* A path in `ns` for setns(2): its root. Counted. */
void mnt_ns_root(struct mnt_ns *ns, struct path *out);
int mount_want_write(const struct path *path); /* -EROFS */

/* The text of /proc/PID/{mountinfo,mounts,mountstats} as seen from `root`, a line at a time. False:
 * that is enough. */
enum mount_text { MOUNT_TEXT_INFO, MOUNT_TEXT_MOUNTS, MOUNT_TEXT_STATS };
int mnt_ns_show(struct mnt_ns *ns, const struct path *root, enum mount_text kind,
                bool (*emit)(void *ctx, const char *line, size_t len), void *ctx); /* 0 or -ENOMEM */

/* ---- what a process sees ---- */

struct fs_struct { /* root, working directory and umask: shared by CLONE_FS */
    struct refcount refs;
    struct spinlock lock;
    struct path root, cwd; /* [lock] counted */
    mode_t umask;          /* [lock] */
    struct list_node link; /* kernel/fs/cwd.c */
};
struct fs_struct *fs_struct_copy(struct fs_struct *old); /* or NULL */
void fs_struct_get(struct fs_struct *fs);
void fs_struct_put(struct fs_struct *fs);
void fs_root(struct path *out); /* of the current thread; counted */
void fs_cwd(struct path *out);
void fs_set_root_and_cwd(struct fs_struct *fs, const struct path *p); /* setns(2); takes its own references */

/* ---- path walking ---- */

#define AT_FDCWD            (-100)
#define AT_SYMLINK_NOFOLLOW 0x100
#define AT_EACCESS          0x200
#define AT_REMOVEDIR        0x200
#define AT_SYMLINK_FOLLOW   0x400
#define AT_NO_AUTOMOUNT     0x800
#define AT_EMPTY_PATH       0x1000

enum lookup_flags {
    LOOKUP_FOLLOW = BIT(0),      /* a symlink at the end */
    LOOKUP_DIRECTORY = BIT(1),
    LOOKUP_EMPTY = BIT(2),       /* "" means dirfd itself */
    LOOKUP_PARENT = BIT(3),      /* stop at the parent; the last name is in *last */
    LOOKUP_BENEATH = BIT(4),     /* openat2(2) RESOLVE_* */
    LOOKUP_IN_ROOT = BIT(5),
    LOOKUP_NO_SYMLINKS = BIT(6),
    LOOKUP_NO_MAGICLINKS = BIT(7),
    LOOKUP_NO_XDEV = BIT(8),
    LOOKUP_MOUNTPOINT = BIT(9),  /* end on the topmost mount there, even for "." */
};
/* Walk `name` from dirfd; *out is counted. -ENOENT, -ENOTDIR, -EACCES, -ELOOP, -ENAMETOOLONG... */
int path_lookup(int dirfd, const char *name, unsigned flags, struct path *out);
int path_lookup_user(int dirfd, uaddr_t name, unsigned flags, struct path *out);
int path_lookup_from(const struct path *start, const char *name, unsigned flags, struct path *out);
/* The absolute name as seen from `root`; writes at the end of buf, returns where it starts.
 * " (deleted)" as Linux shows it in /proc/PID/fd; of a path outside of root, its name as far up as
 * its mounts go. NULL: -ENAMETOOLONG. */
char *path_name(const struct path *p, const struct path *root, char *buf, size_t size);

#define MAY_EXEC  1
#define MAY_WRITE 2
#define MAY_READ  4
int inode_permission(const struct path *path, int mask); /* also read-only mounts, noexec for MAY_EXEC of files */
int inode_permission_generic(struct inode *inode, int mask);
bool inode_owner_or_capable(const struct inode *inode);
void inode_touch(struct inode *inode, unsigned attr_times); /* ATTR_ATIME | MTIME | CTIME = now */
int vfs_getattr(const struct path *path, struct kstat *out);
void stat_from_inode(const struct inode *inode, struct kstat *out); /* what a ->getattr starts from */
int vfs_setattr(const struct path *path, struct iattr *attr); /* checks permission, clears suid */

/* In-kernel operations for the initrd, devtmpfs, overlay: names relative to a directory dentry. */
int vfs_mkdir(struct dentry *dir, const char *name, mode_t mode, struct dentry **out);
int vfs_mknod(struct dentry *dir, const char *name, mode_t mode, dev_t dev, struct dentry **out);
int vfs_create(struct dentry *dir, const char *name, mode_t mode, struct dentry **out);
int vfs_symlink(struct dentry *dir, const char *name, const char *target);
int vfs_link(struct dentry *old, struct dentry *dir, const char *name);
int vfs_unlink(struct dentry *dir, struct dentry *victim);
int vfs_rmdir(struct dentry *dir, struct dentry *victim);
/* `old` of odir becomes ndir's `name`, in place of `victim`: NULL, or of the same kind but with RENAME_EXCHANGE.
 * -ESTALE: they are no longer there. */
int vfs_rename(struct dentry *odir, struct dentry *old, struct dentry *ndir, const char *name,
               const struct inode *victim, unsigned flags);

void vfs_init(void);       /* rootfs: a tmpfs; root and cwd of the first thread */
void initrd_unpack(void);  /* every boot module that is a cpio archive, in order; adopts its pages */
