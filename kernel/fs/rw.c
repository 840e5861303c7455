/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * read(2), write(2) and their kin: find the file, check that it was opened for
 * it, and hand the file's operation a struct io_buf and a position.
 *
 * Files that can seek share one position among all that share the open file:
 * pos_lock is held across the transfer, as POSIX asks for. Streams have no
 * position and take no lock, so that a reader that waits does not stop a writer.
 */
#include "vfs.h"

#include <kernel/abi/fs.h>

ssize_t file_read_buf(struct file *f, struct io_buf *buf, off_t *pos)
{
    if (!f->can_read)
        return -EBADF;
    if (f->ops->read == NULL)
        return f->ops->readdir != NULL ? -EISDIR : -EINVAL;
    return f->ops->read(f, buf, pos);
}

ssize_t file_write_buf(struct file *f, struct io_buf *buf, off_t *pos)
{
    if (!f->can_write)
        return -EBADF;
    return f->ops->write != NULL ? f->ops->write(f, buf, pos) : -EINVAL;
}

typedef ssize_t (*transfer_fn)(struct file *f, struct io_buf *buf, off_t *pos);

/* At the file's own position. */
static ssize_t transfer(struct file *f, struct io_buf *buf, transfer_fn fn)
{
    off_t none = 0;
    ssize_t n;

    if (f->ops->llseek == NULL)
        return fn(f, buf, &none);
    mutex_lock(&f->pos_lock);
    n = fn(f, buf, &f->pos);
    mutex_unlock(&f->pos_lock);
    return n;
}

static ssize_t transfer_one(int fd, uaddr_t base, size_t count, transfer_fn fn)
{
    struct file *f = fd_get(fd);
    struct io_buf buf;
    struct iov one;
    ssize_t n;

    if (f == NULL)
        return -EBADF;
    io_buf_init_user(&buf, &one, base, min(count, RW_COUNT_MAX));
    if (fn == file_read_buf ? !f->can_read : !f->can_write)
        n = -EBADF;
    else
        n = user_range_ok(base, count) ? transfer(f, &buf, fn) : -EFAULT;
    file_put(f);
    return n;
}

long sys_read(int fd, uaddr_t base, size_t count)
{
    return transfer_one(fd, base, count, file_read_buf);
}

long sys_write(int fd, uaddr_t base, size_t count)
{
    return transfer_one(fd, base, count, file_write_buf);
}

static ssize_t transfer_one_at(int fd, uaddr_t base, size_t count, off_t pos, transfer_fn fn)
{
    struct file *f;
    struct io_buf buf;
    struct iov one;
    ssize_t n;

    if (pos < 0)
        return -EINVAL;
    f = fd_get(fd);
    if (f == NULL)
        return -EBADF;
    io_buf_init_user(&buf, &one, base, min(count, RW_COUNT_MAX));
    if (f->ops->llseek == NULL)
        n = -ESPIPE;
    else if (fn == file_read_buf ? !f->can_read : !f->can_write)
        n = -EBADF;
    else
        n = user_range_ok(base, count) ? fn(f, &buf, &pos) : -EFAULT;
    file_put(f);
    return n;
}

long sys_pread64(int fd, uaddr_t base, size_t count, off_t pos)
{
    return transfer_one_at(fd, base, count, pos, file_read_buf);
}

long sys_pwrite64(int fd, uaddr_t base, size_t count, off_t pos)
{
    return transfer_one_at(fd, base, count, pos, file_write_buf);
}

/* ---- vectors ---- */

/* Fills buf from a user's array of struct iovec; *out is `fast` or is to be freed with kfree(). */
int iov_import(uaddr_t user, int niov, struct iov *fast, size_t nfast, struct iov **out,
               struct io_buf *buf)
{
    struct iov *iov = fast;
    size_t total = 0;
    int err;

    if (niov < 0 || niov > IOV_MAX)
        return -EINVAL;
    if ((size_t)niov > nfast) {
        iov = kmalloc_for(current_cgroup(), (size_t)niov * sizeof(*iov));
        if (iov == NULL)
            return -ENOMEM;
    }
    _Static_assert(sizeof(struct iov) == sizeof(struct abi_iovec), "copied as they are");
    err = -EFAULT;
    if (niov > 0 && copy_from_user(iov, user, (size_t)niov * sizeof(*iov)) < 0)
        goto fail;
    for (int i = 0; i < niov; i++) {
        err = -EINVAL;
        if ((ssize_t)iov[i].len < 0)
            goto fail;
        err = -EFAULT;
        if (!user_range_ok(iov[i].base, iov[i].len))
            goto fail;
        iov[i].len = min(iov[i].len, RW_COUNT_MAX - total);
        total += iov[i].len;
    }
    *buf = (struct io_buf){.iov = iov, .niov = (unsigned)niov, .remaining = total};
    *out = iov;
    return 0;
fail:
    if (iov != fast)
        kfree(iov);
    return err;
}

#define NO_POSITION (-1)

static ssize_t transfer_vector(int fd, uaddr_t user, int niov, off_t pos, transfer_fn fn)
{
    struct file *f = fd_get(fd);
    struct iov fast[8], *iov = fast;
    struct io_buf buf;
    ssize_t n;

    if (f == NULL)
        return -EBADF;
    n = -ESPIPE;
    if (pos != NO_POSITION && f->ops->llseek == NULL)
        goto put;
    n = -EBADF;
    if (fn == file_read_buf ? !f->can_read : !f->can_write)
        goto put;
    n = iov_import(user, niov, fast, ARRAY_SIZE(fast), &iov, &buf);
    if (n < 0)
        goto put;
    if (pos != NO_POSITION)
        n = fn(f, &buf, &pos);
    else
        n = buf.remaining != 0 ? transfer(f, &buf, fn) : 0;
    if (iov != fast)
        kfree(iov);
put:
    file_put(f);
    return n;
}

long sys_readv(int fd, uaddr_t iov, int niov)
{
    return transfer_vector(fd, iov, niov, NO_POSITION, file_read_buf);
}

long sys_writev(int fd, uaddr_t iov, int niov)
{
    return transfer_vector(fd, iov, niov, NO_POSITION, file_write_buf);
}

long sys_preadv(int fd, uaddr_t iov, int niov, uint64_t pos_l, uint64_t pos_h)
{
    (void)pos_h; /* on 64-bit machines the low half is all of it */
    return (off_t)pos_l < 0 ? -EINVAL : transfer_vector(fd, iov, niov, (off_t)pos_l, file_read_buf);
}

long sys_pwritev(int fd, uaddr_t iov, int niov, uint64_t pos_l, uint64_t pos_h)
{
    (void)pos_h;
    return (off_t)pos_l < 0 ? -EINVAL
                            : transfer_vector(fd, iov, niov, (off_t)pos_l, file_write_buf);
}

/* ---- positions and flushing ---- */

/* Pipes and sockets refuse to seek; eventfds and their like, files of no type, ignore it. */
static long seek_stream(const struct file *f)
{
    return (f->inode->mode & S_IFMT) == 0 ? 0 : -ESPIPE;
}

long sys_lseek(int fd, off_t off, int whence)
{
    struct file *f = fd_get(fd);
    long r;

    if (f == NULL)
        return -EBADF;
    if (whence < 0 || whence > 4) {
        r = -EINVAL;
    } else if (f->ops->llseek == NULL) {
        r = seek_stream(f);
    } else {
        mutex_lock(&f->pos_lock);
        r = f->ops->llseek(f, off, whence);
        mutex_unlock(&f->pos_lock);
    }
    file_put(f);
    return r;
}

int generic_fsync(struct file *f)
{
    (void)f;
    return 0;
}

long sys_fsync(int fd)
{
    struct file *f = fd_get(fd);
    long r;

    if (f == NULL)
        return -EBADF;
    r = f->ops->fsync != NULL ? f->ops->fsync(f) : -EINVAL;
    file_put(f);
    return r;
}

long sys_fdatasync(int fd)
{
    return sys_fsync(fd);
}

/* Everything is in memory: there is nothing to write back. */
long sys_sync(void)
{
    return 0;
}

long sys_syncfs(int fd)
{
    struct file *f = fd_get(fd);

    if (f == NULL)
        return -EBADF;
    file_put(f);
    return 0;
}

#define SYNC_FILE_RANGE_ALL 7u /* WAIT_BEFORE, WRITE, WAIT_AFTER */

/* As sync(2) for a range: only the arguments are to be checked. */
long sys_sync_file_range(int fd, off_t off, off_t len, unsigned flags)
{
    struct file *f = fd_get(fd);
    off_t end;
    long r = 0;

    if (f == NULL)
        return -EBADF;
    if ((flags & ~SYNC_FILE_RANGE_ALL) || off < 0 || add_overflows(off, len, &end) || end < off)
        r = -EINVAL;
    else if (!S_ISREG(f->inode->mode) && !S_ISBLK(f->inode->mode) && !S_ISDIR(f->inode->mode) &&
             !S_ISLNK(f->inode->mode))
        r = -ESPIPE;
    file_put(f);
    return r;
}

long sys_fadvise64(int fd, off_t off, size_t len, int advice)
{
    struct file *f = fd_get(fd);
    long r = 0;

    (void)off;
    if (f == NULL)
        return -EBADF;
    if (S_ISFIFO(f->inode->mode))
        r = -ESPIPE;
    else if ((ssize_t)len < 0 || advice < 0 || advice > 5)
        r = -EINVAL;
    file_put(f);
    return r;
}
