/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers of timer_create(2), each with a signal of its own.
 *
 * The kernel timer fires once per signal that is taken: while the signal waits,
 * or is ignored, an interval timer is not started again. How often it would have
 * expired meanwhile is computed from the clock when the signal is taken, for the
 * handler to read (timer_getoverrun(2)). A timer without a signal (SIGEV_NONE) is
 * only ever computed. So timers that nobody attends to cost nothing.
 *
 *     disarmed --settime--> running --expires--> waiting --signal taken, or no longer ignored--+
 *                              ^                                                               |
 *                              +---------------------------------------------------------------+
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
    struct timer timer;      /* active while running */
    struct sigqueue_entry *entry; /* [I] of its signal */
    uint64_t expires_ns;     /* [s] as ktime_ns() counts: the next expiry, or of an interval timer that
                                waits, the one that sent the signal; 0: disarmed */
    uint64_t interval_ns;    /* [s] 0: once */
    bool waits;              /* [s] for its signal to be taken */
    uint64_t overrun;        /* [s] expiries counted since the signal was queued */
    int last_overrun;        /* [s] of the signal taken last */
};

struct abi_itimerspec {
    struct timespec interval, value;
};

static bool is_queued(const struct posix_timer *pt)
{
    return !list_is_empty(&pt->entry->link);
}

/* [s] It has expired: true when there is a signal to send. */
static bool expire(struct posix_timer *pt)
{
    if (pt->expires_ns == 0 || ktime_ns() < pt->expires_ns)
        return false; /* set anew while this was on its way */
    if (pt->interval_ns != 0)
        pt->waits = true;
    else
        pt->expires_ns = 0;
    if (!is_queued(pt))
        return true;
    pt->overrun++; /* of an earlier setting */
    return false;
}

static void expired(struct timer *timer)
{
    struct posix_timer *pt = container_of(timer, struct posix_timer, timer);
    struct process *p = pt->process;
    irqflags_t pid_flags = spin_lock(&pid_lock), flags = spin_lock(&p->sighand->lock);
    bool sends = expire(pt);

    spin_unlock(&p->sighand->lock, flags);
    if (sends)
        signal_send_timer(p, pt->target, pt->entry);
    spin_unlock(&pid_lock, pid_flags);
}

/* [s] After waiting; what has been missed meanwhile is counted. */
static void go_on(struct posix_timer *pt)
{
    pt->waits = false;
    pt->expires_ns = next_expiry(pt->expires_ns, pt->interval_ns, &pt->overrun);
    timer_start(&pt->timer, pt->expires_ns);
}

void posix_timer_taken(struct posix_timer *pt, struct siginfo *info)
{
    assert_locked(&pt->process->sighand->lock);
    if (pt->waits)
        go_on(pt);
    pt->last_overrun = (int)min(pt->overrun, (uint64_t)OVERRUN_MAX);
    pt->overrun = 0;
    info->timer.overrun = pt->last_overrun;
}

void posix_timers_unignore(struct process *p, int sig)
{
    struct posix_timer *pt;

    assert_locked(&p->sighand->lock);
    list_for_each (pt, &p->posix_timers, link) {
        if (pt->signo == sig && pt->waits && !is_queued(pt))
            go_on(pt);
    }
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

/* [s] Nobody finds it any more, and nothing starts it. */
static void withdraw(struct posix_timer *pt)
{
    list_remove(&pt->link);
    pt->waits = false;
    pt->expires_ns = 0;
}

/* Withdrawn, or never inserted. Its signal, if it waits, is still delivered. */
static void destroy(struct posix_timer *pt)
{
    struct spinlock *lock = &pt->process->sighand->lock;
    irqflags_t flags;

    (void)timer_cancel(&pt->timer); /* waits for a running expiry */
    flags = spin_lock(lock);
    sigqueue_entry_orphan(pt->target != NULL ? &pt->target->sigqueue : &pt->process->sigqueue,
                          pt->entry);
    spin_unlock(lock, flags);
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
    pt->entry = sigqueue_entry_create(p->cgroup);
    if (pt->entry == NULL) {
        kfree(pt);
        return -EAGAIN;
    }
    pt->entry->timer = pt;
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
    pt->entry->info = (struct siginfo){.si_signo = pt->signo, .si_code = SI_TIMER};
    pt->entry->info.timer.timerid = id;
    pt->entry->info.timer.value = pt->value;
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
        withdraw(pt);
    spin_unlock(&p->sighand->lock, flags);
    if (pt == NULL)
        return -EINVAL;
    destroy(pt);
    return 0;
}

/* [s] */
static uint64_t time_left(const struct posix_timer *pt)
{
    uint64_t now = ktime_ns();

    if (pt->expires_ns == 0)
        return 0;
    if (now < pt->expires_ns)
        return pt->expires_ns - now;
    if (pt->interval_ns != 0)
        return pt->interval_ns - (now - pt->expires_ns) % pt->interval_ns;
    return pt->notify == SIGEV_NONE ? 0 : 1; /* 1: due, but not yet told */
}

/* [s] */
static struct abi_itimerspec setting(const struct posix_timer *pt)
{
    return (struct abi_itimerspec){timespec_from_ns(pt->interval_ns),
                                   timespec_from_ns(time_left(pt))};
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
    pt->last_overrun = 0;
    pt->waits = false;
    pt->expires_ns = 0;
    if (value.value.tv_sec != 0 || value.value.tv_nsec != 0)
        pt->expires_ns = deadline_of(pt->clock, flags, &value.value);
    if (pt->expires_ns != 0 && pt->notify != SIGEV_NONE)
        timer_start(&pt->timer, pt->expires_ns);
    else
        (void)timer_stop(&pt->timer);
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
            withdraw(pt);
        }
        spin_unlock(&p->sighand->lock, flags);
        if (pt == NULL)
            return;
        destroy(pt);
    }
}
