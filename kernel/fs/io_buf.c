/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * struct io_buf: where a read puts its data or a write takes it from, a list of
 * ranges of user or kernel memory that is used up as data moves. User memory
 * may fault, so none of this is called with a spinlock held.
 */
#include "vfs.h"

static void init(struct io_buf *b, struct iov *one, uint64_t base, size_t len, bool kernel)
{
    one->base = base;
    one->len = len;
    b->iov = one;
    b->niov = 1;
    b->remaining = len;
    b->kernel = kernel;
}

void io_buf_init_user(struct io_buf *b, struct iov *one, uaddr_t base, size_t len)
{
    init(b, one, base, len, false);
}

void io_buf_init_kernel(struct io_buf *b, struct iov *one, void *base, size_t len)
{
    init(b, one, (uint64_t)base, len, true);
}

enum direction { TO_BUF, FROM_BUF, ZERO_BUF };

static ssize_t move_kernel(void *base, void *data, size_t n, enum direction dir)
{
    if (dir == TO_BUF)
        memcpy(base, data, n);
    else if (dir == FROM_BUF)
        memcpy(data, base, n);
    else
        memset(base, 0, n);
    return (ssize_t)n;
}

static ssize_t move_user(uaddr_t base, void *data, size_t n, enum direction dir)
{
    if (dir == TO_BUF)
        return copy_to_user_partial(base, data, n);
    if (dir == FROM_BUF)
        return copy_from_user_partial(data, base, n);
    return clear_user(base, n) < 0 ? -EFAULT : (ssize_t)n;
}

static ssize_t move(struct io_buf *b, char *data, size_t n, enum direction dir)
{
    size_t done = 0;

    while (done < n && b->remaining != 0) {
        size_t step = min(n - done, b->iov->len);
        ssize_t moved;

        if (step == 0) { /* this range is used up */
            b->iov++;
            b->niov--;
            continue;
        }
        if (b->kernel)
            moved = move_kernel((void *)b->iov->base, data, step, dir);
        else
            moved = move_user(b->iov->base, data, step, dir);
        if (moved <= 0)
            return done != 0 ? (ssize_t)done : -EFAULT;
        b->iov->base += (size_t)moved;
        b->iov->len -= (size_t)moved;
        b->remaining -= (size_t)moved;
        done += (size_t)moved;
        if (data != NULL)
            data += moved;
        if ((size_t)moved < step)
            break;
    }
    return (ssize_t)done;
}

ssize_t io_copy_to(struct io_buf *b, const void *src, size_t n)
{
    return move(b, (char *)src, n, TO_BUF);
}

ssize_t io_copy_from(void *dst, struct io_buf *b, size_t n)
{
    return move(b, dst, n, FROM_BUF);
}

ssize_t io_zero(struct io_buf *b, size_t n)
{
    return move(b, NULL, n, ZERO_BUF);
}
