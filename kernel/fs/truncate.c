/* SPDX-License-Identifier: BSD-2-Clause */
/* truncate(2), ftruncate(2), fallocate(2), and RLIMIT_FSIZE, which bounds them and write(2). */
#include "vfs.h"

#include <kernel/abi/fs.h>

/* *allowed is how far a file may reach; -EFBIG and SIGXFSZ when `end` is beyond it. */
int check_file_size_limit(uint64_t end, uint64_t *allowed)
{
    struct process *p = current_process();

    *allowed = p != NULL ? READ_ONCE(p->rlimits[RLIMIT_FSIZE].cur) : RLIM_INFINITY;
    if (likely(end <= *allowed))
        return 0;
    (void)signal_send_thread(current, SIGXFSZ, NULL); /* the error is returned in any case */
    return -EFBIG;
}

/* The caller may write the file: by its mode, or (f not NULL) because it was opened for writing. */
int path_truncate(const struct path *path, uint64_t size, struct file *f)
{
    struct iattr attr = {.valid = ATTR_SIZE | ATTR_MTIME | ATTR_CTIME, .size = size};
    struct inode *inode = path->dentry->inode;
    uint64_t allowed;
    int err = mount_want_write(path);

    (void)f;
    if (err < 0)
        return err;
    if (size > READ_ONCE(inode->size)) {
        err = check_file_size_limit(size, &allowed);
        if (err < 0)
            return err;
    }
    err = inode_add_writer(inode); /* no program is started from it meanwhile */
    if (err < 0)
        return err;
    err = vfs_setattr(path, &attr);
    inode_remove_writer(inode);
    return err;
}

long sys_truncate(uaddr_t path, off_t len)
{
    struct path p;
    int err;

    if (len < 0)
        return -EINVAL;
    err = path_lookup_user(AT_FDCWD, path, LOOKUP_FOLLOW, &p);
    if (err < 0)
        return err;
    if (S_ISDIR(p.dentry->inode->mode))
        err = -EISDIR;
    else if (!S_ISREG(p.dentry->inode->mode))
        err = -EINVAL;
    else
        err = inode_permission(&p, MAY_WRITE);
    if (err == 0)
        err = path_truncate(&p, (uint64_t)len, NULL);
    path_put(&p);
    return err;
}

long sys_ftruncate(int fd, off_t len)
{
    struct file *f;
    long err;

    if (len < 0)
        return -EINVAL;
    f = fd_get(fd);
    if (f == NULL)
        return -EBADF;
    if (!S_ISREG(f->inode->mode) || !f->can_write)
        err = -EINVAL;
    else
        err = path_truncate(&f->path, (uint64_t)len, f);
    file_put(f);
    return err;
}

/* ---- fallocate(2) ---- */

static int check_fallocate(const struct file *f, int mode, off_t off, off_t len)
{
    uint64_t allowed;
    off_t end;

    if (off < 0 || len <= 0)
        return -EINVAL;
    if ((mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) != 0)
        return -EOPNOTSUPP;
    if ((mode & FALLOC_FL_PUNCH_HOLE) && mode != (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE))
        return -EOPNOTSUPP;
    if (!f->can_write)
        return -EBADF;
    if (S_ISFIFO(f->inode->mode))
        return -ESPIPE;
    if (S_ISDIR(f->inode->mode))
        return -EISDIR;
    if (!S_ISREG(f->inode->mode))
        return -ENODEV;
    if (add_overflows(off, len, &end))
        return -EFBIG;
    if (mode & FALLOC_FL_KEEP_SIZE)
        return 0;
    return check_file_size_limit((uint64_t)end, &allowed);
}

long sys_fallocate(int fd, int mode, off_t off, off_t len)
{
    struct file *f = fd_get(fd);
    long err;

    if (f == NULL)
        return -EBADF;
    err = check_fallocate(f, mode, off, len);
    if (err == 0)
        err = f->ops->fallocate != NULL ? f->ops->fallocate(f, mode, off, len) : -EOPNOTSUPP;
    file_put(f);
    return err;
}
