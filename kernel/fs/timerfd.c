/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timerfd_create(2): a timer as a file. A read gives how many times it has
 * expired since the last one.
 *
 * The kernel timer fires once per expiry that somebody has not read yet: while
 * expirations are unread an interval timer is not restarted, their number is
 * computed from the clock when it is wanted. So a forgotten 1 ns timer costs nothing.
 */
#include <kernel/cgroup.h>
#include <kernel/files.h>
#include <kernel/fs.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/syscalls.h>
#include <kernel/time.h>
#include <kernel/uaccess.h>

#include "kernel/abi/ioctl.h"

enum {
    CLOCK_REALTIME = 0,
    CLOCK_MONOTONIC = 1,
    CLOCK_BOOTTIME = 7,
    CLOCK_REALTIME_ALARM = 8,
    CLOCK_BOOTTIME_ALARM = 9
};
#define TFD_TIMER_ABSTIME       1
#define TFD_TIMER_CANCEL_ON_SET 2 /* accepted: a step of the wall clock cancels nothing here */

struct itimerspec {
    struct timespec interval, value;
};

struct timerfd {
    struct timer timer;
    struct spinlock lock;
    int clock; /* [I] */
    uint64_t
        expires_ns; /* [lock] of ktime_ns(): the next expiry that is not counted; 0: disarmed */
    uint64_t interval_ns; /* [lock] 0: once */
    uint64_t count;       /* [lock] expirations counted and not read */
    struct wait_queue wq;
};

static const struct file_ops timerfd_fops;

static void timerfd_fire(struct timer *t)
{
    struct timerfd *tfd = container_of(t, struct timerfd, timer);

    wake_up_events(&tfd->wq, POLLIN | POLLRDNORM);
}

/* [lock] Count what has expired by now. */
static void count_expired(struct timerfd *tfd)
{
    uint64_t now = ktime_ns();

    if (tfd->expires_ns == 0 || now < tfd->expires_ns)
        return;
    if (tfd->interval_ns == 0) {
        tfd->count++;
        tfd->expires_ns = 0;
    } else {
        uint64_t n = (now - tfd->expires_ns) / tfd->interval_ns + 1;

        tfd->count += n;
        tfd->expires_ns += n * tfd->interval_ns;
    }
}

/* Take the count; false: nothing has expired. */
static bool take(struct timerfd *tfd, uint64_t *out)
{
    irqflags_t flags = spin_lock(&tfd->lock);
    uint64_t expires;

    count_expired(tfd);
    *out = tfd->count;
    tfd->count = 0;
    expires = tfd->expires_ns;
    if (*out != 0 && expires != 0)
        timer_start(&tfd->timer, expires);
    spin_unlock(&tfd->lock, flags);
    return *out != 0;
}

static ssize_t timerfd_read(struct file *f, struct io_buf *to, off_t *pos)
{
    struct timerfd *tfd = f->private;
    uint64_t n;

    (void)pos;
    if (to->remaining < sizeof(n))
        return -EINVAL;
    if (!take(tfd, &n)) {
        int err;

        if (f->flags & O_NONBLOCK)
            return -EAGAIN;
        err = wait_event_interruptible(&tfd->wq, take(tfd, &n));
        if (err < 0)
            return err;
    }
    return io_copy_to(to, &n, sizeof(n)) == sizeof(n) ? (ssize_t)sizeof(n) : -EFAULT;
}

static uint32_t timerfd_poll(struct file *f, struct poll_table *pt)
{
    struct timerfd *tfd = f->private;
    irqflags_t flags;
    bool expired;

    poll_wait(f, &tfd->wq, pt);
    flags = spin_lock(&tfd->lock);
    expired = tfd->count != 0 || (tfd->expires_ns != 0 && ktime_ns() >= tfd->expires_ns);
    spin_unlock(&tfd->lock, flags);
    return expired ? POLLIN | POLLRDNORM : 0;
}

static void timerfd_release(struct file *f)
{
    struct timerfd *tfd = f->private;

    (void)timer_cancel(&tfd->timer);
    kfree(tfd);
}

static const struct file_ops timerfd_fops = {
    .read = timerfd_read,
    .poll = timerfd_poll,
    .release = timerfd_release,
};

/* ---- system calls ---- */

static struct timespec to_timespec(uint64_t ns)
{
    return (struct timespec){(int64_t)(ns / NSEC_PER_SEC), (int64_t)(ns % NSEC_PER_SEC)};
}

/* -EINVAL, or nanoseconds; what does not fit is "never". */
static int from_timespec(const struct timespec *ts, uint64_t *ns)
{
    if (ts->tv_sec < 0 || ts->tv_nsec < 0 || (uint64_t)ts->tv_nsec >= NSEC_PER_SEC)
        return -EINVAL;
    if (mul_overflows((uint64_t)ts->tv_sec, NSEC_PER_SEC, ns) ||
        add_overflows(*ns, (uint64_t)ts->tv_nsec, ns) || *ns > INT64_MAX)
        *ns = INT64_MAX;
    return 0;
}

/* A time on the timer's clock as ktime_ns() counts; never 0, which means disarmed. */
static uint64_t to_ktime(const struct timerfd *tfd, uint64_t value, bool absolute)
{
    uint64_t now = ktime_ns(), ahead = value;

    if (absolute && (tfd->clock == CLOCK_REALTIME || tfd->clock == CLOCK_REALTIME_ALARM)) {
        uint64_t real = ktime_real_ns();

        ahead = value > real ? value - real : 0;
    } else if (absolute) {
        return value != 0 ? value : 1;
    }
    return now + ahead < now ? UINT64_MAX : now + ahead;
}

/* [lock] */
static void get_setting(struct timerfd *tfd, struct itimerspec *out)
{
    uint64_t now = ktime_ns();
    uint64_t left = 0;

    count_expired(tfd);
    if (tfd->expires_ns != 0)
        left = tfd->expires_ns > now ? tfd->expires_ns - now : 1;
    out->value = to_timespec(left);
    out->interval = to_timespec(tfd->interval_ns);
}

static struct file *timerfd_get(int fd, int *err)
{
    struct file *f = fd_get(fd);

    *err = -EBADF;
    if (f != NULL && f->ops != &timerfd_fops) {
        file_put(f);
        f = NULL;
        *err = -EINVAL;
    }
    return f;
}

long sys_timerfd_create(int clock, int flags)
{
    struct timerfd *tfd;
    struct file *f;
    int fd;

    if (flags & ~(O_CLOEXEC | O_NONBLOCK))
        return -EINVAL;
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME &&
        clock != CLOCK_REALTIME_ALARM && clock != CLOCK_BOOTTIME_ALARM)
        return -EINVAL;
    if ((clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM) &&
        !capable(CAP_WAKE_ALARM))
        return -EPERM;
    tfd = kalloc_for(current_cgroup(), sizeof(*tfd));
    if (tfd == NULL)
        return -ENOMEM;
    timer_init(&tfd->timer, timerfd_fire);
    spin_init(&tfd->lock);
    wait_queue_init(&tfd->wq);
    tfd->clock = clock;
    fd = file_create_anon("anon_inode:[timerfd]", &timerfd_fops, tfd,
                          O_RDWR | ((uint32_t)flags & O_NONBLOCK), &f);
    if (fd < 0) {
        kfree(tfd);
        return fd;
    }
    fd = fd_install(f, flags & O_CLOEXEC ? FD_CLOEXEC : 0, 0);
    if (fd < 0)
        file_put(f);
    return fd;
}

long sys_timerfd_settime(int fd, int flags, uaddr_t new_value, uaddr_t old_value)
{
    struct itimerspec set, old;
    uint64_t value, interval;
    struct timerfd *tfd;
    irqflags_t irq;
    struct file *f;
    int err;

    if (copy_from_user(&set, new_value, sizeof(set)) < 0)
        return -EFAULT;
    if ((flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) ||
        from_timespec(&set.value, &value) < 0 || from_timespec(&set.interval, &interval) < 0)
        return -EINVAL;
    f = timerfd_get(fd, &err);
    if (f == NULL)
        return err;
    tfd = f->private;

    (void)timer_cancel(&tfd->timer);
    irq = spin_lock(&tfd->lock);
    get_setting(tfd, &old);
    tfd->count = 0;
    tfd->interval_ns = interval;
    tfd->expires_ns = value == 0 ? 0 : to_ktime(tfd, value, (flags & TFD_TIMER_ABSTIME) != 0);
    if (tfd->expires_ns != 0)
        timer_start(&tfd->timer, tfd->expires_ns);
    spin_unlock(&tfd->lock, irq);
    file_put(f);
    if (old_value != 0 && copy_to_user(old_value, &old, sizeof(old)) < 0)
        return -EFAULT;
    return 0;
}

long sys_timerfd_gettime(int fd, uaddr_t cur)
{
    struct itimerspec now;
    struct timerfd *tfd;
    irqflags_t irq;
    int err;
    struct file *f = timerfd_get(fd, &err);

    if (f == NULL)
        return err;
    tfd = f->private;
    irq = spin_lock(&tfd->lock);
    get_setting(tfd, &now);
    spin_unlock(&tfd->lock, irq);
    file_put(f);
    return copy_to_user(cur, &now, sizeof(now));
}
