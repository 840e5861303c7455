/* SPDX-License-Identifier: BSD-2-Clause */
/* stat(2) and statx(2), access(2), readlink(2). */
#include "vfs.h"

#include <kernel/abi/fs.h>

/* ---- stat ---- */

void stat_from_inode(const struct inode *inode, struct kstat *out)
{
    *out = (struct kstat){
        .dev = inode->sb->dev,
        .ino = inode->ino,
        .mode = inode->mode,
        .nlink = inode->nlink,
        .uid = inode->uid,
        .gid = inode->gid,
        .rdev = inode->rdev,
        .size = inode->size,
        .blksize = PAGE_SIZE,
        .atime = inode->atime,
        .mtime = inode->mtime,
        .ctime = inode->ctime,
        .btime = inode->btime,
    };
}

int vfs_getattr(const struct path *path, struct kstat *out)
{
    struct inode *inode = path->dentry->inode;

    if (inode->ops->getattr != NULL)
        return inode->ops->getattr(path, out);
    stat_from_inode(inode, out);
    return 0;
}

/* The ABI's device numbers: 12 bits of major in the middle, the minor around it. */
static uint64_t encode_dev(dev_t dev)
{
    return (MINOR(dev) & 0xff) | (uint64_t)(MAJOR(dev) & 0xfff) << 8 |
           (uint64_t)(MINOR(dev) & 0xfff00) << 12;
}

static struct abi_timespec abi_time(struct timespec t)
{
    return (struct abi_timespec){t.tv_sec, t.tv_nsec};
}

static int stat_to_user(uaddr_t buf, const struct kstat *k)
{
    struct abi_stat s = {
        .st_dev = encode_dev(k->dev),
        .st_ino = k->ino,
        .st_nlink = k->nlink,
        .st_mode = k->mode,
        .st_uid = k->uid.val,
        .st_gid = k->gid.val,
        .st_rdev = encode_dev(k->rdev),
        .st_size = (int64_t)k->size,
        .st_blksize = k->blksize,
        .st_blocks = (int64_t)k->blocks,
        .st_atim = abi_time(k->atime),
        .st_mtim = abi_time(k->mtime),
        .st_ctim = abi_time(k->ctime),
    };

    return copy_to_user(buf, &s, sizeof(s));
}

static long stat_path(int dirfd, uaddr_t name, unsigned lookup, uaddr_t buf)
{
    struct kstat k;
    struct path p;
    int err = path_lookup_user(dirfd, name, lookup, &p);

    if (err < 0)
        return err;
    err = vfs_getattr(&p, &k);
    path_put(&p);
    return err < 0 ? err : stat_to_user(buf, &k);
}

long sys_stat(uaddr_t path, uaddr_t buf)
{
    return stat_path(AT_FDCWD, path, LOOKUP_FOLLOW, buf);
}

long sys_lstat(uaddr_t path, uaddr_t buf)
{
    return stat_path(AT_FDCWD, path, 0, buf);
}

static int stat_fd(int fd, struct kstat *k)
{
    struct file *f = fd_get_any(fd);
    int err;

    if (f == NULL)
        return -EBADF;
    err = vfs_getattr(&f->path, k);
    file_put(f);
    return err;
}

long sys_fstat(int fd, uaddr_t buf)
{
    struct kstat k;
    int err = stat_fd(fd, &k);

    return err < 0 ? err : stat_to_user(buf, &k);
}

/* fstat(2) by its other name: no path to walk. */
static bool is_empty_name(uaddr_t name)
{
    char c;

    return get_user(&c, name) == 0 && c == '\0';
}

static unsigned lookup_flags(int at_flags)
{
    return (at_flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
           (at_flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
}

long sys_newfstatat(int dirfd, uaddr_t path, uaddr_t buf, int flags)
{
    if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE)) != 0)
        return -EINVAL;
    if ((flags & AT_EMPTY_PATH) && dirfd >= 0 && is_empty_name(path))
        return sys_fstat(dirfd, buf);
    return stat_path(dirfd, path, lookup_flags(flags), buf);
}

/* ---- statx(2) ---- */

static struct abi_statx_timestamp statx_time(struct timespec t)
{
    return (struct abi_statx_timestamp){t.tv_sec, (uint32_t)t.tv_nsec, 0};
}

long sys_statx(int dirfd, uaddr_t path, int flags, unsigned mask, uaddr_t buf)
{
    int allowed = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE;
    bool is_mount_root;
    struct kstat k;
    struct path p;
    int err, mnt_id;

    if ((mask & STATX_RESERVED) || (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
        return -EINVAL;
    if ((flags & ~allowed) != 0)
        return -EINVAL;
    err = path_lookup_user(dirfd, path, lookup_flags(flags), &p);
    if (err < 0)
        return err;
    err = vfs_getattr(&p, &k);
    mnt_id = p.mnt->id;
    is_mount_root = p.dentry == p.mnt->root;
    path_put(&p);
    if (err < 0)
        return err;

    struct abi_statx s = {
        .stx_mask = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID,
        .stx_blksize = k.blksize,
        .stx_attributes = is_mount_root ? STATX_ATTR_MOUNT_ROOT : 0,
        .stx_attributes_mask = STATX_ATTR_MOUNT_ROOT,
        .stx_nlink = k.nlink,
        .stx_uid = k.uid.val,
        .stx_gid = k.gid.val,
        .stx_mode = (uint16_t)k.mode,
        .stx_ino = k.ino,
        .stx_size = k.size,
        .stx_blocks = k.blocks,
        .stx_atime = statx_time(k.atime),
        .stx_btime = statx_time(k.btime),
        .stx_ctime = statx_time(k.ctime),
        .stx_mtime = statx_time(k.mtime),
        .stx_rdev_major = MAJOR(k.rdev),
        .stx_rdev_minor = MINOR(k.rdev),
        .stx_dev_major = MAJOR(k.dev),
        .stx_dev_minor = MINOR(k.dev),
        .stx_mnt_id = (uint64_t)mnt_id,
    };
    return copy_to_user(buf, &s, sizeof(s));
}

/* ---- access(2) ---- */

#define SECBIT_NO_SETUID_FIXUP BIT(2)

/* access(2) asks for the real user: credentials as they would be without set-user-ID. */
static struct cred *real_cred(void)
{
    const struct cred *cred = current_cred();
    bool is_root = cred->uid.val == 0;
    uint64_t caps = is_root ? cred->cap_permitted : 0;
    struct cred *real;

    if (cred->securebits & SECBIT_NO_SETUID_FIXUP)
        caps = cred->cap_effective;
    if (uid_eq(cred->uid, cred->fsuid) && gid_eq(cred->gid, cred->fsgid) &&
        caps == cred->cap_effective) {
        cred_get(current->cred);
        return current->cred;
    }
    real = cred_clone(cred);
    if (real == NULL)
        return NULL;
    real->fsuid = real->uid;
    real->fsgid = real->gid;
    real->cap_effective = caps;
    return real;
}

static struct cred *swap_cred(struct cred *c)
{
    irqflags_t flags = spin_lock(&pid_lock);
    struct cred *old = current->cred;

    current->cred = c;
    spin_unlock(&pid_lock, flags);
    return old;
}

static int check_access(int dirfd, uaddr_t name, int mode, int flags)
{
    struct path p;
    int err = path_lookup_user(dirfd, name, lookup_flags(flags), &p);

    if (err < 0)
        return err;
    if (mode != 0)
        err = inode_permission(&p, mode);
    path_put(&p);
    return err;
}

long sys_faccessat2(int dirfd, uaddr_t path, int mode, int flags)
{
    struct cred *cred, *old;
    int err;

    if ((mode & ~7) != 0 || (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0)
        return -EINVAL;
    if (flags & AT_EACCESS)
        return check_access(dirfd, path, mode, flags);
    cred = real_cred();
    if (cred == NULL)
        return -ENOMEM;
    old = swap_cred(cred);
    err = check_access(dirfd, path, mode, flags);
    cred_put(swap_cred(old));
    return err;
}

long sys_faccessat(int dirfd, uaddr_t path, int mode)
{
    return sys_faccessat2(dirfd, path, mode, 0);
}

long sys_access(uaddr_t path, int mode)
{
    return sys_faccessat2(AT_FDCWD, path, mode, 0);
}

/* ---- readlink(2) ---- */

/* The text of a symlink in name_buf() memory; length or error. */
static int link_text(const struct path *p, char *text)
{
    struct inode *inode = p->dentry->inode;

    if (inode->ops->readlink != NULL)
        return inode->ops->readlink(inode, p->dentry, text);
    if (inode->ops->follow != NULL) {
        struct path jump, root;
        char *name;
        int len, err = inode->ops->follow(inode, p->dentry, &jump);

        if (err < 0)
            return err;
        fs_root(&root);
        name = path_name(&jump, &root, text, PATH_MAX);
        path_put(&root);
        path_put(&jump);
        if (name == NULL)
            return -ENAMETOOLONG;
        len = (int)strlen(name);
        memmove(text, name, (size_t)len);
        return len;
    }
    return -EINVAL;
}

static int readlink_to_user(const struct path *p, uaddr_t buf, int size)
{
    char *text;
    int len;

    if (!S_ISLNK(p->dentry->inode->mode))
        return -EINVAL;
    text = name_buf();
    if (text == NULL)
        return -ENOMEM;
    path_touch_atime(p);
    len = link_text(p, text);
    if (len > size)
        len = size;
    if (len > 0 && copy_to_user(buf, text, (size_t)len) < 0)
        len = -EFAULT;
    name_free(text);
    return len;
}

long sys_readlinkat(int dirfd, uaddr_t path, uaddr_t buf, int size)
{
    struct path p;
    int err;

    if (size <= 0)
        return -EINVAL;
    err = path_lookup_user(dirfd, path, LOOKUP_EMPTY, &p);
    if (err < 0)
        return err;
    err = readlink_to_user(&p, buf, size);
    if (err == -EINVAL && !S_ISLNK(p.dentry->inode->mode) && is_empty_name(path))
        err = -ENOENT;
    path_put(&p);
    return err;
}

long sys_readlink(uaddr_t path, uaddr_t buf, int size)
{
    return sys_readlinkat(AT_FDCWD, path, buf, size);
}
