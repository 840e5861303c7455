/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * eventfd(2): a counter as a file. Writes add, a read takes all of it (or one,
 * with EFD_SEMAPHORE) and waits for it to be more than zero. hv uses the same
 * objects for doorbells and interrupts of guests: eventfd_signal() in any
 * context, eventfd_take() from wherever it was woken.
 */
#include <kernel/cgroup.h>
#include <kernel/files.h>
#include <kernel/fs.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/syscalls.h>

#define EFD_SEMAPHORE 1
#define COUNT_MAX     (UINT64_MAX - 1)

struct eventfd {
    struct spinlock lock;
    uint64_t count;       /* [lock] */
    bool is_semaphore;    /* [I] */
    struct wait_queue wq; /* readers, writers, pollers */
};

static const struct file_ops eventfd_fops;

struct eventfd *eventfd_from_file(struct file *f)
{
    return f->ops == &eventfd_fops ? f->private : NULL;
}

struct wait_queue *eventfd_wait_queue(struct eventfd *e)
{
    return &e->wq;
}

void eventfd_signal(struct eventfd *e, uint64_t n)
{
    irqflags_t flags = spin_lock(&e->lock);

    e->count = n > COUNT_MAX - e->count ? COUNT_MAX : e->count + n;
    spin_unlock(&e->lock, flags);
    wake_up_events(&e->wq, POLLIN | POLLRDNORM);
}

/* Take the count (semaphore: one of it); false: it is zero. */
static bool take(struct eventfd *e, uint64_t *out)
{
    irqflags_t flags = spin_lock(&e->lock);
    uint64_t n = e->is_semaphore && e->count != 0 ? 1 : e->count;

    e->count -= n;
    spin_unlock(&e->lock, flags);
    *out = n;
    return n != 0;
}

/* The wait queue's lock is held: who waits to write hears of it from the next who reads. */
bool eventfd_take_locked(struct eventfd *e, uint64_t *out)
{
    irqflags_t flags = spin_lock(&e->lock);

    *out = e->count;
    e->count = 0;
    spin_unlock(&e->lock, flags);
    return *out != 0;
}

bool eventfd_take(struct eventfd *e, uint64_t *out)
{
    if (eventfd_take_locked(e, out))
        wake_up_events(&e->wq, POLLOUT | POLLWRNORM);
    return *out != 0;
}

static bool add(struct eventfd *e, uint64_t n)
{
    irqflags_t flags = spin_lock(&e->lock);
    bool ok = n <= COUNT_MAX - e->count;

    if (ok)
        e->count += n;
    spin_unlock(&e->lock, flags);
    return ok;
}

static ssize_t eventfd_read(struct file *f, struct io_buf *to, off_t *pos)
{
    struct eventfd *e = f->private;
    uint64_t n;

    (void)pos;
    if (to->remaining < sizeof(n))
        return -EINVAL;
    if (!take(e, &n)) {
        int err;

        if (f->flags & O_NONBLOCK)
            return -EAGAIN;
        err = wait_event_interruptible(&e->wq, take(e, &n));
        if (err < 0)
            return err;
    }
    wake_up_events(&e->wq, POLLOUT | POLLWRNORM);
    return io_copy_to(to, &n, sizeof(n)) == sizeof(n) ? (ssize_t)sizeof(n) : -EFAULT;
}

static ssize_t eventfd_write(struct file *f, struct io_buf *from, off_t *pos)
{
    struct eventfd *e = f->private;
    uint64_t n;

    (void)pos;
    if (from->remaining < sizeof(n))
        return -EINVAL;
    if (io_copy_from(&n, from, sizeof(n)) != sizeof(n))
        return -EFAULT;
    if (n == UINT64_MAX)
        return -EINVAL;
    if (!add(e, n)) {
        int err;

        if (f->flags & O_NONBLOCK)
            return -EAGAIN;
        err = wait_event_interruptible(&e->wq, add(e, n));
        if (err < 0)
            return err;
    }
    wake_up_events(&e->wq, POLLIN | POLLRDNORM);
    return sizeof(n);
}

static uint32_t eventfd_poll(struct file *f, struct poll_table *pt)
{
    struct eventfd *e = f->private;
    uint64_t count;

    poll_wait(f, &e->wq, pt);
    count = READ_ONCE(e->count);
    return (count > 0 ? POLLIN | POLLRDNORM : 0) | (count < COUNT_MAX ? POLLOUT | POLLWRNORM : 0);
}

static void eventfd_release(struct file *f)
{
    struct eventfd *e = f->private;

    wake_up_events(&e->wq, POLLHUP);
    kfree(e);
}

static void eventfd_show(struct file *f, char *buf, size_t size)
{
    struct eventfd *e = f->private;

    snprintf(buf, size, "eventfd-count: %16llx\n", (unsigned long long)READ_ONCE(e->count));
}

static const struct file_ops eventfd_fops = {
    .read = eventfd_read,
    .write = eventfd_write,
    .poll = eventfd_poll,
    .release = eventfd_release,
    .show_fdinfo = eventfd_show,
};

long sys_eventfd2(unsigned count, int flags)
{
    struct eventfd *e;
    struct file *f;
    int fd;

    if (flags & ~(EFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK))
        return -EINVAL;
    e = kalloc_for(current_cgroup(), sizeof(*e));
    if (e == NULL)
        return -ENOMEM;
    spin_init(&e->lock);
    wait_queue_init(&e->wq);
    e->count = count;
    e->is_semaphore = (flags & EFD_SEMAPHORE) != 0;
    fd = file_create_anon("anon_inode:[eventfd]", &eventfd_fops, e,
                          O_RDWR | ((uint32_t)flags & O_NONBLOCK), &f);
    if (fd < 0) {
        kfree(e);
        return fd;
    }
    fd = fd_install(f, flags & O_CLOEXEC ? FD_CLOEXEC : 0, 0);
    if (fd < 0)
        file_put(f);
    return fd;
}

long sys_eventfd(unsigned count)
{
    return sys_eventfd2(count, 0);
}
