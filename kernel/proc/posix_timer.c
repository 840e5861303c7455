/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers of timer_create(2), each with a signal of its own. An expiry that finds
 * its signal still pending is counted, not queued again; the handler reads the
 * count (timer_getoverrun(2)).
 *
 * Clocks of CPU time are not offered here: -ENOTSUP.
 */
#include <kernel/cgroup.h>
#include <kernel/errno.h>
#include <kernel/proc.h>
#include <kernel/spinlock.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>

#include <kernel/abi/signal.h>

#include "itimer.h"
#include "process.h"
#include "sigqueue.h"
#include "timespec.h"

enum { CLOCK_REALTIME = 0, CLOCK_MONOTONIC = 1, CLOCK_PROCESS_CPUTIME_ID = 2,
       CLOCK_THREAD_CPUTIME_ID = 3, CLOCK_BOOTTIME = 7, CLOCK_TAI = 11 };
#define TIMER_ABSTIME 1
#define OVERRUN_MAX   0x7fffffff

/* [s] sighand lock of the process. */
struct posix_timer {
    struct list_node link;   /* [s] in process->posix_timers */
    struct process *process; /* [I] borrowed: it owns this */
    struct thread *target;   /* [I] counted; NULL: the process */
    int id;                  /* [I] */
    int clock;               /* [I] */
    int notify, signo;       /* [I] */
    uint64_t value;          /* [I] sigval */
    struct timer timer;
    uint64_t interval_ns;    /* [s] */
    uint64_t overrun;        /* [s] since the signal was queued */
    int last_overrun;        /* [s] of the signal taken last */
};

struct abi_itimerspec {
    struct timespec interval, value;
};

static bool is_pending(const struct posix_timer *pt)
{
    const struct sigqueue *q =
        pt->target != NULL ? &pt->target->sigqueue : &pt->process->sigqueue;

    return (q->pending & SIGMASK(pt->signo)) != 0;
}

static void expired(struct timer *timer)
{
    struct posix_timer *pt = container_of(timer, struct posix_timer, timer);
    struct siginfo info = {.si_signo = pt->signo, .si_code = SI_TIMER};
    irqflags_t flags = spin_lock(&pt->process->sighand->lock);
    bool counts = pt->notify != SIGEV_NONE && is_pending(pt);

    if (counts)
        pt->overrun++;
    if (pt->interval_ns != 0)
        timer_start(timer, next_expiry(timer->deadline_ns, pt->interval_ns, &pt->overrun));
    spin_unlock(&pt->process->sighand->lock, flags);
    if (counts || pt->notify == SIGEV_NONE)
        return;
    info.timer.timerid = pt->id;
    info.timer.value = pt->value;
    if (pt->target != NULL)
        (void)signal_send_thread(pt->target, pt->signo, &info); /* a full queue loses it */
    else
        (void)signal_send_process(pt->process, pt->signo, &info);
}

/* ---- by number ---- */

/* [s] */
static struct posix_timer *find(struct process *p, int id)
{
    struct posix_timer *pt;

    list_for_each (pt, &p->posix_timers, link) {
        if (pt->id == id)
            return pt;
    }
    return NULL;
}

int posix_timer_overrun(struct process *p, int id)
{
    struct posix_timer *pt = find(p, id);

    if (pt == NULL)
        return 0;
    pt->last_overrun = (int)min(pt->overrun, (uint64_t)OVERRUN_MAX);
    pt->overrun = 0;
    return pt->last_overrun;
}

/*
 * [s] The lowest free number; the list is in ascending order. As many as signals may wait, so
 * that no walk along the list, under a lock, is long. False if there are that many.
 */
static bool insert(struct process *p, struct posix_timer *new_timer)
{
    struct list_node *before = &p->posix_timers;
    struct posix_timer *pt;
    int id = 0;

    list_for_each (pt, &p->posix_timers, link) {
        if (pt->id != id)
            break;
        before = &pt->link;
        id++;
    }
    if ((uint64_t)id >= p->rlimits[RLIMIT_SIGPENDING].cur)
        return false;
    new_timer->id = id;
    list_add_head(before, &new_timer->link);
    return true;
}

static void destroy(struct posix_timer *pt)
{
    pt->interval_ns = 0;
    while (timer_is_active(&pt->timer)) /* it may have started itself once more meanwhile */
        (void)timer_cancel(&pt->timer);
    (void)timer_cancel(&pt->timer); /* waits for a running expiry */
    if (pt->target != NULL)
        thread_put(pt->target);
    kfree(pt);
}

/* ---- calls ---- */

static int check_clock(int clock)
{
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_MONOTONIC:
    case CLOCK_BOOTTIME:
    case CLOCK_TAI:
        return 0;
    case CLOCK_PROCESS_CPUTIME_ID:
    case CLOCK_THREAD_CPUTIME_ID:
        return -EOPNOTSUPP;
    default:
        return -EINVAL;
    }
}

static int set_event(struct posix_timer *pt, uaddr_t sevp)
{
    struct abi_sigevent ev = {.signo = SIGALRM, .notify = SIGEV_SIGNAL};

    if (sevp != 0 && get_user(&ev, sevp) < 0)
        return -EFAULT;
    if (ev.notify != SIGEV_NONE && ev.notify != SIGEV_SIGNAL && ev.notify != SIGEV_THREAD &&
        ev.notify != (SIGEV_SIGNAL | SIGEV_THREAD_ID))
        return -EINVAL;
    if (ev.notify != SIGEV_NONE && !signal_is_valid(ev.signo))
        return -EINVAL;
    if (ev.notify & SIGEV_THREAD_ID) {
        pt->target = thread_find(ev.tid);
        if (pt->target == NULL)
            return -EINVAL;
        if (pt->target->process != current->process)
            return -EINVAL;
    }
    pt->notify = ev.notify;
    pt->signo = ev.signo;
    pt->value = ev.value;
    return sevp == 0 ? 1 : 0; /* 1: the value is the timer's own number */
}

long sys_timer_create(int clock, uaddr_t sevp, uaddr_t out)
{
    struct process *p = current->process;
    int err = check_clock(clock), default_event;
    struct posix_timer *pt;
    irqflags_t flags;
    bool inserted;
    int32_t id;

    if (err < 0)
        return err;
    pt = kalloc_for(p->cgroup, sizeof(*pt));
    if (pt == NULL)
        return -EAGAIN;
    list_init(&pt->link);
    timer_init(&pt->timer, expired);
    pt->process = p;
    pt->clock = clock;
    default_event = set_event(pt, sevp);
    if (default_event < 0) {
        destroy(pt);
        return default_event;
    }
    flags = spin_lock(&p->sighand->lock);
    inserted = insert(p, pt);
    id = pt->id;
    if (default_event)
        pt->value = (uint64_t)id;
    spin_unlock(&p->sighand->lock, flags);
    if (!inserted) {
        destroy(pt);
        return -EAGAIN;
    }
    if (put_user(out, id) == 0)
        return 0;
    (void)sys_timer_delete(id); /* nobody knows it */
    return -EFAULT;
}

long sys_timer_delete(int id)
{
    struct process *p = current->process;
    irqflags_t flags = spin_lock(&p->sighand->lock);
    struct posix_timer *pt = find(p, id);

    if (pt != NULL)
        list_remove(&pt->link);
    spin_unlock(&p->sighand->lock, flags);
    if (pt == NULL)
        return -EINVAL;
    destroy(pt);
    return 0;
}

/* [s] */
static struct abi_itimerspec setting(const struct posix_timer *pt)
{
    uint64_t now = ktime_ns(), left = 0;

    if (timer_is_active(&pt->timer))
        left = pt->timer.deadline_ns > now ? pt->timer.deadline_ns - now : 1;
    return (struct abi_itimerspec){timespec_from_ns(pt->interval_ns), timespec_from_ns(left)};
}

long sys_timer_gettime(int id, uaddr_t cur)
{
    struct process *p = current->process;
    struct abi_itimerspec value;
    irqflags_t flags = spin_lock(&p->sighand->lock);
    struct posix_timer *pt = find(p, id);

    if (pt != NULL)
        value = setting(pt);
    spin_unlock(&p->sighand->lock, flags);
    return pt != NULL ? put_user(cur, value) : -EINVAL;
}

long sys_timer_getoverrun(int id)
{
    struct process *p = current->process;
    irqflags_t flags = spin_lock(&p->sighand->lock);
    struct posix_timer *pt = find(p, id);
    int overrun = pt != NULL ? pt->last_overrun : -EINVAL;

    spin_unlock(&p->sighand->lock, flags);
    return overrun;
}

static uint64_t deadline_of(int clock, int flags, const struct timespec *value)
{
    uint64_t ns = timespec_to_ns(value), now;

    if (!(flags & TIMER_ABSTIME))
        return deadline_after(ns);
    if (clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME)
        return ns;
    now = ktime_real_ns();
    return deadline_after(ns > now ? ns - now : 0);
}

long sys_timer_settime(int id, int flags, uaddr_t new_value, uaddr_t old_value)
{
    struct process *p = current->process;
    struct abi_itimerspec value, old;
    struct posix_timer *pt;
    irqflags_t irq;

    if (new_value == 0)
        return -EINVAL;
    if (get_user(&value, new_value) < 0)
        return -EFAULT;
    if (!timespec_is_valid(&value.value) || !timespec_is_valid(&value.interval))
        return -EINVAL;

    irq = spin_lock(&p->sighand->lock);
    pt = find(p, id);
    if (pt == NULL) {
        spin_unlock(&p->sighand->lock, irq);
        return -EINVAL;
    }
    old = setting(pt);
    pt->interval_ns = timespec_to_ns(&value.interval);
    pt->overrun = 0;
    if (value.value.tv_sec == 0 && value.value.tv_nsec == 0)
        (void)timer_stop(&pt->timer);
    else
        timer_start(&pt->timer, deadline_of(pt->clock, flags, &value.value));
    spin_unlock(&p->sighand->lock, irq);
    return old_value != 0 ? put_user(old_value, old) : 0;
}

void posix_timers_delete(struct process *p)
{
    for (;;) {
        irqflags_t flags = spin_lock(&p->sighand->lock);
        struct posix_timer *pt = NULL;

        if (!list_is_empty(&p->posix_timers)) {
            pt = list_first(&p->posix_timers, struct posix_timer, link);
            list_remove(&pt->link);
        }
        spin_unlock(&p->sighand->lock, flags);
        if (pt == NULL)
            return;
        destroy(pt);
    }
}
