/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the VFS core share among themselves. File systems and the
 * rest of the kernel use <kernel/fs.h>.
 */
#pragma once

#include <kernel/cgroup.h>
#include <kernel/errno.h>
#include <kernel/files.h>
#include <kernel/fs.h>
#include <kernel/ns.h>
#include <kernel/pid.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>
#include <kernel/vm.h>

#define S_IALLUGO    07777
#define S_IRWXUGO    00777
#define SYMLINKS_MAX 40 /* in one lookup: then -ELOOP */

/* read(2) and write(2) move at most this much at once. */
#define RW_COUNT_MAX  0x7ffff000UL
#define FILE_SIZE_MAX INT64_MAX

static inline struct timespec timespec_from_ns(uint64_t ns)
{
    return (struct timespec){(int64_t)(ns / NSEC_PER_SEC), (int64_t)(ns % NSEC_PER_SEC)};
}

static inline struct timespec time_now(void)
{
    return timespec_from_ns(ktime_real_ns());
}

/* ---- dentry.c ---- */
extern struct spinlock dcache_lock;
void dcache_init(void);
uint64_t name_hash_start(const struct dentry *parent);
static inline uint64_t name_hash_step(uint64_t h, unsigned char c)
{
    return (h ^ c) * 0x9e3779b97f4a7c15ULL;
}
static inline uint32_t name_hash_end(uint64_t h)
{
    return (uint32_t)(h >> 32);
}
uint32_t name_hash(const struct dentry *parent, const char *name, size_t len);
struct dentry *d_lookup(struct dentry *parent, const char *name, size_t len, uint32_t hash);
struct dentry *d_parent_get(struct dentry *d); /* counted */
/* `d` takes the parent and name of `target`, which is unhashed. Both directories are locked. */
void d_move(struct dentry *d, struct dentry *target);
void d_exchange(struct dentry *a, struct dentry *b);
bool d_is_below(const struct dentry *d, const struct dentry *ancestor); /* or the same */
void dcache_kill_super(struct super_block *sb);
/* The first hashed child at or after readdir position `pos`, counted; or NULL. */
struct dentry *d_child_at(struct dentry *dir, uint64_t pos);
struct dentry *d_child_after(struct dentry *dir, struct dentry *d); /* d still hashed; counted */
bool d_has_children(struct dentry *dir);

/* ---- mount.c ---- */
extern struct spinlock mount_lock;
extern struct mutex mount_mutex;
extern struct mnt_ns mnt_ns_first;
void mount_init(void);
/* What is mounted there; counted, or NULL. */
struct mount *mount_child(struct mount *m, struct dentry *d);
/* To the topmost mount there. */
void path_follow_mounts(struct path *p);
/* From a mount's root to its mountpoint; false: it has no parent. */
bool path_follow_up(struct path *p);
/* Is p at or below root? Through mounts; `p` and `root` in the same tree of mounts. */
bool path_is_below(const struct path *p, const struct path *root);
/* The name is gone: detach what is mounted on it, in every namespace. */
void mounts_detach_from(struct dentry *mountpoint);
/* Is something mounted there in the current namespace? */
bool mount_is_local(struct dentry *d);
static inline struct mnt_ns *current_mnt_ns(void)
{
    return current->nsproxy != NULL ? current->nsproxy->mnt : &mnt_ns_first;
}
static inline bool path_eq(const struct path *a, const struct path *b)
{
    return a->mnt == b->mnt && a->dentry == b->dentry;
}
static inline bool path_is_readonly(const struct path *p)
{
    return ((p->mnt->flags | p->mnt->sb->flags) & MS_RDONLY) != 0;
}

/* ---- namei.c ---- */
enum last_type { LAST_NORM, LAST_DOT, LAST_DOTDOT, LAST_ROOT };

/* One lookup in progress. */
struct walk {
    struct path path;         /* counted: where it is */
    struct path root;         /* counted: what "/" means and ".." does not leave */
    const char *p;            /* the rest of the name */
    char *expanded;           /* owned: the name after a symlink was put in, or NULL */
    unsigned flags;           /* enum lookup_flags */
    unsigned links;           /* symlinks followed */
    bool must_be_dir;         /* the name ends in a slash */
    enum last_type last_type; /* with LOOKUP_PARENT: the last component */
    const char *last;
    size_t last_len;
    uint32_t last_hash;
};
int walk_start(struct walk *w, int dirfd, const char *name, unsigned flags);
/* To the end of the name, or to the parent of its last component. */
int walk_run(struct walk *w);
/* Go on behind a symlink that was found as last name. */
int walk_follow(struct walk *w, struct dentry *link);
void walk_end(struct walk *w);
int name_from_user(uaddr_t user, char **out); /* -EFAULT, -ENAMETOOLONG, -ENOMEM */
void name_free(char *name);
char *name_buf(void); /* PATH_MAX bytes; name_free() */
void namei_init(void);

/* ---- permission.c ---- */
int may_search(const struct path *path); /* a directory */
int may_create(const struct path *dir);  /* a name in it; dir locked */
int may_delete(const struct path *dir, struct dentry *victim, bool is_rmdir);
bool may_setgid(const struct inode *inode); /* keep S_ISGID on it */

/* ---- inode.c, super.c ---- */
void inode_cache_init(void);
void path_touch_atime(const struct path *p);

/* ---- file.c ---- */
void file_cache_init(void);
void anon_init(void);
struct file *file_alloc(void); /* charged, current's credentials; or NULL */
void file_free_unopened(struct file *f);
int file_finish_open(struct file *f, const struct path *path, uint32_t flags);
/* One who writes, or will not be let: -ETXTBSY while a program runs from the inode. */
int inode_add_writer(struct inode *inode);
void inode_remove_writer(struct inode *inode);
static inline struct inode *file_data_inode(const struct file *f)
{
    while (unlikely(f->real != NULL)) /* an overlay's lower layer may be an overlay */
        f = f->real;
    return f->inode;
}
extern struct mount *anon_mount;

/* ---- open.c ---- */
struct open_req {
    uint32_t flags;  /* O_* */
    mode_t mode;     /* for a new file, before the umask */
    unsigned lookup; /* LOOKUP_* */
};
int open_at(int dirfd, const char *name, const struct open_req *req, struct file **out);

/* ---- readdir.c ---- */
bool dir_emit_dots(struct dentry *dir, struct dir_context *ctx); /* "." and "..", if not yet; false: no room */

/* ---- device.c ---- */
int device_open(struct inode *inode, struct file *f);
void device_init(void);

/* ---- fdtable.c ---- */
void fdtable_init(void);
int fd_dup_to(int newfd, struct file *f, unsigned fd_flags); /* takes over f on success */
int fd_get_flags(int fd);                                    /* FD_CLOEXEC, or -EBADF */
int fd_set_flags(int fd, unsigned fd_flags);

/* ---- rw.c ---- */
int iov_import(uaddr_t user, int niov, struct iov *fast, size_t nfast, struct iov **out,
               struct io_buf *buf);
ssize_t file_read_buf(struct file *f, struct io_buf *buf, off_t *pos);
ssize_t file_write_buf(struct file *f, struct io_buf *buf, off_t *pos);

/* ---- truncate.c ---- */
int path_truncate(const struct path *path, uint64_t size, struct file *f);
int check_file_size_limit(uint64_t end, uint64_t *allowed);

/* ---- attr.c ---- */
int file_kill_suid(struct file *f);

/* ---- lock.c ---- */
void lock_init(void);
void locks_remove_posix(struct file *f, struct files *owner);
void locks_remove_file(struct file *f); /* the last reference: flock(2) and OFD locks */
void locks_free_inode(struct inode *inode);
long lock_fcntl(struct file *f, unsigned cmd, uaddr_t arg);

/* ---- memfd.c ---- */
long memfd_fcntl(struct file *f, unsigned cmd, uint64_t arg);
enum {
    F_SEAL_SEAL = 1,
    F_SEAL_SHRINK = 2,
    F_SEAL_GROW = 4,
    F_SEAL_WRITE = 8,
    F_SEAL_FUTURE_WRITE = 16,
    F_SEAL_EXEC = 32
};

/* ---- cwd.c ---- */
mode_t current_umask(void);
void fs_init(void); /* root and working directory of the first thread */
/* pivot_root(2): whoever has `from` as root or working directory gets `to`. */
void fs_structs_move(const struct path *from, const struct path *to);

/* ---- tmpfs.c, devtmpfs.c ---- */
void tmpfs_init(void);
void devtmpfs_init(void);
extern struct fs_type tmpfs_type;
