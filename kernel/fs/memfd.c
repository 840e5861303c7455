/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memfd_create(2): a file in memory without a name, and the seals that make
 * promises about it which its maker cannot take back: not smaller, not larger,
 * not written. They are kept by tmpfs (size) and pagecache.c (data).
 */
#include "tmpfs.h"

#define NAME_PREFIX    "memfd:"
#define MEMFD_NAME_MAX (NAME_MAX - (sizeof(NAME_PREFIX) - 1))
#define ALL_SEALS                                                                                  \
    (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE | F_SEAL_EXEC)
#define ALL_FLAGS (MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC)

static int memfd_create(const char *name, unsigned flags, struct file **out)
{
    struct inode *inode;
    int err = shmem_file_create(name, 0, out);

    if (err < 0)
        return err;
    inode = (*out)->inode;
    if (flags & (MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL))
        inode->seals = 0;
    if (flags & MFD_NOEXEC_SEAL) {
        inode->mode &= ~(mode_t)0111;
        inode->seals = F_SEAL_EXEC;
    }
    return 0;
}

long sys_memfd_create(uaddr_t user_name, unsigned flags)
{
    char name[NAME_MAX + 1] = NAME_PREFIX;
    struct file *f;
    ssize_t len;
    int fd, err;

    if ((flags & ~ALL_FLAGS) != 0 ||
        (flags & (MFD_EXEC | MFD_NOEXEC_SEAL)) == (MFD_EXEC | MFD_NOEXEC_SEAL))
        return -EINVAL;
    len = strncpy_from_user(name + sizeof(NAME_PREFIX) - 1, user_name, MEMFD_NAME_MAX + 1);
    if (len < 0)
        return len == -ENAMETOOLONG ? -EINVAL : len;
    fd = fd_reserve(flags & MFD_CLOEXEC ? FD_CLOEXEC : 0);
    if (fd < 0)
        return fd;
    err = memfd_create(name, flags, &f);
    if (err < 0) {
        fd_unreserve(fd);
        return err;
    }
    fd_publish(fd, f);
    return fd;
}

static int add_seals(struct file *f, uint64_t seals)
{
    struct inode *inode = f->inode;
    int err = 0;

    if (!f->can_write)
        return -EPERM;
    if ((seals & ~(uint64_t)ALL_SEALS) != 0)
        return -EINVAL;
    mutex_lock(&inode->lock);
    if (inode->seals & F_SEAL_SEAL)
        err = -EPERM;
    else if ((seals & F_SEAL_WRITE) && !mm_file_deny_writing(inode))
        err = -EBUSY;
    else
        inode->seals |= (uint32_t)seals;
    mutex_unlock(&inode->lock);
    return err;
}

long memfd_fcntl(struct file *f, unsigned cmd, uint64_t arg)
{
    if (f->inode->sb->type != &tmpfs_type || !S_ISREG(f->inode->mode))
        return -EINVAL;
    return cmd == F_GET_SEALS ? (long)READ_ONCE(f->inode->seals) : add_seals(f, arg);
}
