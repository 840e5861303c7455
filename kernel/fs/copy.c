/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sendfile(2) and copy_file_range(2): from one file to another inside the
 * kernel. The source is a regular file; where its data is in the page cache,
 * the destination's write reads those pages in place.
 */
#include "vfs.h"

/* One page at a time, from the cache. Returns bytes written, 0 at the end of the source. */
static ssize_t copy_cached(struct file *in, off_t pos, struct file *out, off_t *out_pos, size_t len)
{
    struct inode *inode = file_data_inode(in);
    uint64_t size = READ_ONCE(inode->size);
    size_t off = (uint64_t)pos % PAGE_SIZE;
    struct io_buf buf;
    struct iov one;
    struct page *p;
    ssize_t n;
    int err;

    if ((uint64_t)pos >= size)
        return 0;
    len = min(min(len, PAGE_SIZE - off), size - (uint64_t)pos);
    err = inode->ops->get_page(inode, (uint64_t)pos >> PAGE_SHIFT, false, &p);
    if (err < 0)
        return err == -EIO ? 0 : err;
    if (p == NULL) {
        static const char zeros[512];

        io_buf_init_kernel(&buf, &one, (void *)zeros, min(len, sizeof(zeros)));
        return file_write_buf(out, &buf, out_pos);
    }
    io_buf_init_kernel(&buf, &one, (char *)page_address(p) + off, len);
    n = file_write_buf(out, &buf, out_pos);
    page_put(p);
    return n;
}

/* Through a buffer: files without a page cache (/proc). */
static ssize_t copy_buffered(struct file *in, off_t pos, struct file *out, off_t *out_pos,
                             size_t len)
{
    char *page = name_buf();
    struct io_buf buf;
    struct iov one;
    ssize_t n;

    if (page == NULL)
        return -ENOMEM;
    n = file_read_kernel(in, page, min(len, (size_t)PATH_MAX), &pos);
    if (n > 0) {
        io_buf_init_kernel(&buf, &one, page, (size_t)n);
        n = file_write_buf(out, &buf, out_pos);
    }
    name_free(page);
    return n;
}

static ssize_t copy_data(struct file *in, off_t *pos, struct file *out, off_t *out_pos, size_t len)
{
    bool cached = file_data_inode(in)->ops->get_page != NULL;
    ssize_t done = 0, n = 0;

    while ((size_t)done < len) {
        if (cached)
            n = copy_cached(in, *pos, out, out_pos, len - (size_t)done);
        else
            n = copy_buffered(in, *pos, out, out_pos, len - (size_t)done);
        if (n <= 0)
            break;
        done += n;
        *pos += n;
        if (signal_pending(current))
            break;
        cond_resched();
    }
    return done != 0 ? done : n;
}

/* ---- sendfile(2) ---- */

static int check_sendfile(const struct file *in, const struct file *out, bool has_off)
{
    if (!in->can_read || !out->can_write)
        return -EBADF;
    if (has_off && in->ops->llseek == NULL)
        return -ESPIPE;
    if (!S_ISREG(in->inode->mode) || in->ops->read == NULL || out->ops->write == NULL)
        return -EINVAL;
    return out->flags & O_APPEND ? -EINVAL : 0;
}

static ssize_t send(struct file *out, struct file *in, off_t *pos, size_t count)
{
    off_t none = 0;
    ssize_t n;

    if (out->ops->llseek == NULL)
        return copy_data(in, pos, out, &none, count);
    mutex_lock(&out->pos_lock);
    n = copy_data(in, pos, out, &out->pos, count);
    mutex_unlock(&out->pos_lock);
    return n;
}

long sys_sendfile(int out_fd, int in_fd, uaddr_t user_off, size_t count)
{
    struct file *in = fd_get(in_fd);
    struct file *out = fd_get(out_fd);
    ssize_t n = -EBADF;
    off_t pos;

    if (in == NULL || out == NULL)
        goto put;
    pos = READ_ONCE(in->pos);
    n = -EFAULT;
    if (user_off != 0 && get_user(&pos, user_off) < 0)
        goto put;
    n = check_sendfile(in, out, user_off != 0);
    if (n == 0 && pos < 0)
        n = -EINVAL;
    if (n < 0)
        goto put;
    n = send(out, in, &pos, min(count, RW_COUNT_MAX));
    if (n < 0)
        goto put;
    if (user_off == 0)
        WRITE_ONCE(in->pos, pos);
    else if (put_user(user_off, pos) < 0)
        n = -EFAULT;
put:
    if (out != NULL)
        file_put(out);
    if (in != NULL)
        file_put(in);
    return n;
}

/* ---- copy_file_range(2) ---- */

static int check_copy(const struct file *in, off_t in_pos, const struct file *out, off_t out_pos,
                      size_t len)
{
    if (S_ISDIR(in->inode->mode) || S_ISDIR(out->inode->mode))
        return -EISDIR;
    if (!S_ISREG(in->inode->mode) || !S_ISREG(out->inode->mode))
        return -EINVAL;
    if (!in->can_read || !out->can_write || (out->flags & O_APPEND))
        return -EBADF;
    if (in_pos < 0 || out_pos < 0)
        return -EINVAL;
    if ((uint64_t)in_pos + len < len || (uint64_t)out_pos + len < len)
        return -EOVERFLOW;
    len = min(len, RW_COUNT_MAX);
    if (file_data_inode(in) == file_data_inode(out) && (uint64_t)in_pos < (uint64_t)out_pos + len &&
        (uint64_t)out_pos < (uint64_t)in_pos + len)
        return -EINVAL;
    return 0;
}

static int position_of(const struct file *f, uaddr_t user, off_t *pos)
{
    *pos = READ_ONCE(f->pos);
    return user != 0 ? get_user(pos, user) : 0;
}

static int position_back(struct file *f, uaddr_t user, off_t pos)
{
    if (user != 0)
        return put_user(user, pos);
    WRITE_ONCE(f->pos, pos);
    return 0;
}

long sys_copy_file_range(int in_fd, uaddr_t in_off, int out_fd, uaddr_t out_off, size_t len,
                         unsigned flags)
{
    struct file *in = fd_get(in_fd);
    struct file *out = fd_get(out_fd);
    off_t in_pos, out_pos;
    ssize_t n = -EBADF;

    if (in == NULL || out == NULL)
        goto put;
    n = -EFAULT;
    if (position_of(in, in_off, &in_pos) < 0 || position_of(out, out_off, &out_pos) < 0)
        goto put;
    n = flags != 0 ? -EINVAL : 0;
    if (n == 0)
        n = check_copy(in, in_pos, out, out_pos, len);
    if (n < 0)
        goto put;
    n = copy_data(in, &in_pos, out, &out_pos, min(len, RW_COUNT_MAX));
    if (n > 0 &&
        (position_back(in, in_off, in_pos) < 0 || position_back(out, out_off, out_pos) < 0))
        n = -EFAULT;
put:
    if (out != NULL)
        file_put(out);
    if (in != NULL)
        file_put(in);
    return n;
}
