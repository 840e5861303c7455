/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing a file's mode, owner and times: who may (the owner, or a capability),
 * and what else changes with it (set-user-ID bits go when the owner or the data
 * does). The file system's ->setattr stores what comes out.
 */
#include "vfs.h"

#include <kernel/abi/fs.h>

static bool is_group_exec_setgid(mode_t mode)
{
    return (mode & (S_ISGID | 0010)) == (S_ISGID | 0010);
}

/* Drop the bits that give the file's rights to whoever runs it. */
static mode_t without_suid(mode_t mode)
{
    mode &= ~(mode_t)S_ISUID;
    return is_group_exec_setgid(mode) ? mode & ~(mode_t)S_ISGID : mode;
}

/* [inode->lock] */
static void drop_suid(const struct inode *inode, struct iattr *attr)
{
    mode_t mode = attr->valid & ATTR_MODE ? attr->mode : inode->mode;

    if (!S_ISREG(inode->mode) || without_suid(mode) == mode)
        return;
    attr->mode = without_suid(mode);
    attr->valid |= ATTR_MODE;
}

/* Before the first byte is written. [inode->lock] */
int file_kill_suid(struct file *f)
{
    struct inode *inode = file_data_inode(f);

    if (likely((inode->mode & (S_ISUID | S_ISGID)) == 0) || !S_ISREG(inode->mode))
        return 0;
    if (!ns_capable(inode->sb->user_ns, CAP_FSETID))
        inode->mode = without_suid(inode->mode);
    return 0;
}

static int may_chown(const struct inode *inode, const struct iattr *attr)
{
    const struct cred *cred = current_cred();
    bool is_owner = uid_eq(cred->fsuid, inode->uid);

    if ((attr->valid & ATTR_UID) && !(is_owner && uid_eq(attr->uid, inode->uid)) &&
        !ns_capable(inode->sb->user_ns, CAP_CHOWN))
        return -EPERM;
    if ((attr->valid & ATTR_GID) &&
        !(is_owner && (cred_in_group(cred, attr->gid) || gid_eq(attr->gid, inode->gid))) &&
        !ns_capable(inode->sb->user_ns, CAP_CHOWN))
        return -EPERM;
    return 0;
}

/* [inode->lock] Completes *attr. */
static int prepare(struct inode *inode, struct iattr *attr)
{
    int err = may_chown(inode, attr);

    if (err < 0)
        return err;
    if (attr->valid & ATTR_MODE) {
        if (!inode_owner_or_capable(inode))
            return -EPERM;
        if ((attr->mode & S_ISGID) && !may_setgid(inode))
            attr->mode &= ~(mode_t)S_ISGID;
    }
    if ((attr->valid & (ATTR_UID | ATTR_GID)) ||
        ((attr->valid & ATTR_SIZE) && !ns_capable(inode->sb->user_ns, CAP_FSETID)))
        drop_suid(inode, attr);
    if (!(attr->valid & ATTR_CTIME)) {
        attr->valid |= ATTR_CTIME;
        attr->ctime = time_now();
    }
    return 0;
}

int vfs_setattr(const struct path *path, struct iattr *attr)
{
    struct inode *inode = path->dentry->inode;
    int err = mount_want_write(path);

    if (err < 0)
        return err;
    if (inode->ops->setattr == NULL)
        return -EPERM;
    if (attr->valid & ATTR_SIZE)
        attr->ctime = attr->mtime = time_now();
    mutex_lock(&inode->lock);
    err = prepare(inode, attr);
    if (err == 0)
        err = inode->ops->setattr(path->dentry, attr);
    mutex_unlock(&inode->lock);
    return err;
}

/* ---- chmod(2) ---- */

static int do_chmod(const struct path *p, mode_t mode)
{
    struct iattr attr = {.valid = ATTR_MODE, .mode = mode & S_IALLUGO};

    return S_ISLNK(p->dentry->inode->mode) ? -EOPNOTSUPP : vfs_setattr(p, &attr);
}

long sys_fchmodat(int dirfd, uaddr_t path, mode_t mode)
{
    struct path p;
    int err = path_lookup_user(dirfd, path, LOOKUP_FOLLOW, &p);

    if (err < 0)
        return err;
    err = do_chmod(&p, mode);
    path_put(&p);
    return err;
}

long sys_chmod(uaddr_t path, mode_t mode)
{
    return sys_fchmodat(AT_FDCWD, path, mode);
}

long sys_fchmod(int fd, mode_t mode)
{
    struct file *f = fd_get(fd);
    int err;

    if (f == NULL)
        return -EBADF;
    err = do_chmod(&f->path, mode);
    file_put(f);
    return err;
}

/* ---- chown(2) ---- */

#define ID_UNCHANGED UINT32_MAX

static int do_chown(const struct path *p, uint32_t uid, uint32_t gid)
{
    struct iattr attr = {.uid = {uid}, .gid = {gid}};

    attr.valid = (uid != ID_UNCHANGED ? ATTR_UID : 0) | (gid != ID_UNCHANGED ? ATTR_GID : 0);
    return vfs_setattr(p, &attr);
}

long sys_fchownat(int dirfd, uaddr_t path, uint32_t uid, uint32_t gid, int flags)
{
    unsigned lookup = (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
                      (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
    struct path p;
    int err;

    if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0)
        return -EINVAL;
    err = path_lookup_user(dirfd, path, lookup, &p);
    if (err < 0)
        return err;
    err = do_chown(&p, uid, gid);
    path_put(&p);
    return err;
}

long sys_chown(uaddr_t path, uint32_t uid, uint32_t gid)
{
    return sys_fchownat(AT_FDCWD, path, uid, gid, 0);
}

long sys_lchown(uaddr_t path, uint32_t uid, uint32_t gid)
{
    return sys_fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

long sys_fchown(int fd, uint32_t uid, uint32_t gid)
{
    struct file *f = fd_get(fd);
    int err;

    if (f == NULL)
        return -EBADF;
    err = do_chown(&f->path, uid, gid);
    file_put(f);
    return err;
}

/* ---- utimensat(2) ---- */

/* NULL times and two UTIME_NOW mean the same: writers may do it; anything else only the owner. */
static int do_utimes(const struct path *p, const struct timespec t[2])
{
    struct iattr attr = {.valid = ATTR_ATIME | ATTR_MTIME | ATTR_CTIME, .ctime = time_now()};
    struct inode *inode = p->dentry->inode;
    bool now = t[0].tv_nsec == UTIME_NOW && t[1].tv_nsec == UTIME_NOW;

    if (t[0].tv_nsec == UTIME_OMIT && t[1].tv_nsec == UTIME_OMIT)
        return 0;
    if (mount_want_write(p) < 0)
        return -EROFS;
    if (!inode_owner_or_capable(inode)) {
        if (!now)
            return -EPERM;
        if (inode_permission(p, MAY_WRITE) < 0)
            return -EACCES;
    }
    attr.atime = t[0].tv_nsec == UTIME_NOW ? attr.ctime : t[0];
    attr.mtime = t[1].tv_nsec == UTIME_NOW ? attr.ctime : t[1];
    if (t[0].tv_nsec == UTIME_OMIT)
        attr.valid &= ~(uint32_t)ATTR_ATIME;
    if (t[1].tv_nsec == UTIME_OMIT)
        attr.valid &= ~(uint32_t)ATTR_MTIME;
    return vfs_setattr(p, &attr);
}

static int utimes_fd(int fd, const struct timespec t[2])
{
    struct file *f = fd_get(fd);
    int err;

    if (f == NULL)
        return -EBADF;
    err = do_utimes(&f->path, t);
    file_put(f);
    return err;
}

static int utimes_at(int dirfd, uaddr_t path, const struct timespec t[2], int flags)
{
    unsigned lookup = (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
                      (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
    struct path p;
    int err;

    if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0)
        return -EINVAL;
    if (path == 0 && dirfd != AT_FDCWD)
        return flags != 0 ? -EINVAL : utimes_fd(dirfd, t);
    err = path_lookup_user(dirfd, path, lookup, &p);
    if (err < 0)
        return err;
    err = do_utimes(&p, t);
    path_put(&p);
    return err;
}

static bool is_valid_nsec(int64_t nsec)
{
    return (nsec >= 0 && nsec < (int64_t)NSEC_PER_SEC) || nsec == UTIME_NOW || nsec == UTIME_OMIT;
}

static void set_now(struct timespec t[2])
{
    t[0] = t[1] = (struct timespec){0, UTIME_NOW};
}

long sys_utimensat(int dirfd, uaddr_t path, uaddr_t times, int flags)
{
    struct timespec t[2];

    set_now(t);
    if (times != 0 && copy_from_user(t, times, sizeof(t)) < 0)
        return -EFAULT;
    if (!is_valid_nsec(t[0].tv_nsec) || !is_valid_nsec(t[1].tv_nsec))
        return -EINVAL;
    return utimes_at(dirfd, path, t, flags);
}

long sys_futimesat(int dirfd, uaddr_t path, uaddr_t times)
{
    struct timeval tv[2];
    struct timespec t[2];

    set_now(t);
    if (times != 0) {
        if (copy_from_user(tv, times, sizeof(tv)) < 0)
            return -EFAULT;
        for (unsigned i = 0; i < 2; i++) {
            if (tv[i].tv_usec < 0 || tv[i].tv_usec >= 1000000)
                return -EINVAL;
            t[i] = (struct timespec){tv[i].tv_sec, tv[i].tv_usec * 1000};
        }
    }
    return utimes_at(dirfd, path, t, 0);
}

long sys_utimes(uaddr_t path, uaddr_t times)
{
    return sys_futimesat(AT_FDCWD, path, times);
}

long sys_utime(uaddr_t path, uaddr_t times)
{
    struct timespec t[2];
    int64_t seconds[2];

    set_now(t);
    if (times != 0) {
        if (copy_from_user(seconds, times, sizeof(seconds)) < 0)
            return -EFAULT;
        t[0] = (struct timespec){seconds[0], 0};
        t[1] = (struct timespec){seconds[1], 0};
    }
    return utimes_at(AT_FDCWD, path, t, 0);
}
