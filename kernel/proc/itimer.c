/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interval timers of a process: setitimer(2), alarm(2), and the limit on CPU
 * time (RLIMIT_CPU). The real one is a kernel timer; those of CPU time are
 * compared at the scheduler's tick, which only a process that has one gets
 * (process->has_cpu_timers).
 *
 * The real one does not start itself again: it goes on when its SIGALRM is
 * taken, so a process that does not look pays for one interrupt, not for one
 * every interval.
 */
#include "itimer.h"

#include <kernel/cgroup.h>
#include <kernel/errno.h>
#include <kernel/mutex.h>
#include <kernel/proc.h>
#include <kernel/spinlock.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>

#include "process.h"
#include "sigqueue.h"
#include "timespec.h"

enum { ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF };

struct cpu_timer {
    uint64_t expires_ns; /* [lock] of CPU time; 0: off */
    uint64_t interval_ns;
};

struct itimers {
    struct process *process;    /* [I] borrowed: it owns this */
    struct mutex mutex;         /* one call at a time */
    struct timer real;          /* [s] sighand lock: started and stopped */
    uint64_t real_interval_ns;  /* [s] */
    struct spinlock lock;
    struct cpu_timer user, all; /* ITIMER_VIRTUAL, ITIMER_PROF */
};

struct abi_itimerval {
    struct timeval interval, value;
};

static void real_expired(struct timer *timer)
{
    struct itimers *it = container_of(timer, struct itimers, real);

    (void)signal_send_process(it->process, SIGALRM, NULL); /* a dying process needs none */
}

void itimer_real_taken(struct process *p)
{
    struct itimers *it = READ_ONCE(p->itimers);

    assert_locked(&p->sighand->lock);
    if (it != NULL && it->real_interval_ns != 0 && !timer_is_active(&it->real))
        timer_start(&it->real, next_expiry(it->real.deadline_ns, it->real_interval_ns, NULL));
}

/* The process's timers, made when first needed; NULL: out of memory. */
static struct itimers *itimers_get(struct process *p)
{
    struct itimers *it;
    irqflags_t flags;

    if (p->itimers != NULL)
        return p->itimers;
    it = kalloc_for(p->cgroup, sizeof(*it));
    if (it == NULL)
        return NULL;
    it->process = p;
    mutex_init(&it->mutex);
    spin_init(&it->lock);
    timer_init(&it->real, real_expired);
    flags = spin_lock(&pid_lock);
    if (p->itimers == NULL) {
        p->itimers = it;
        it = NULL;
    }
    spin_unlock(&pid_lock, flags);
    kfree(it); /* another thread was first */
    return p->itimers;
}

static void cpu_times(struct process *p, uint64_t *user, uint64_t *all)
{
    irqflags_t flags = spin_lock(&pid_lock);
    uint64_t system;

    process_times(p, user, &system);
    *all = *user + system;
    spin_unlock(&pid_lock, flags);
}

/* ---- reading and setting ---- */

static struct abi_itimerval to_abi(uint64_t left_ns, uint64_t interval_ns)
{
    return (struct abi_itimerval){timeval_from_ns(interval_ns),
                                  timeval_from_ns(ALIGN_UP_NS(left_ns, NSEC_PER_USEC))};
}

static uint64_t left_of(uint64_t expires, uint64_t now)
{
    if (expires == 0)
        return 0;
    return expires > now ? expires - now : NSEC_PER_USEC; /* due, but not yet told */
}

static struct abi_itimerval get_real(struct itimers *it)
{
    uint64_t expires = timer_is_active(&it->real) ? it->real.deadline_ns : 0;

    return to_abi(left_of(expires, ktime_ns()), it->real_interval_ns);
}

static void set_real(struct itimers *it, uint64_t value_ns, uint64_t interval_ns)
{
    struct spinlock *lock = &it->process->sighand->lock; /* the caller's own, or of the last thread */
    irqflags_t flags = spin_lock(lock);

    it->real_interval_ns = 0; /* a SIGALRM that is taken from here on starts nothing */
    spin_unlock(lock, flags);
    (void)timer_cancel(&it->real); /* waits for an expiry that is on its way */
    if (value_ns == 0)
        return;
    flags = spin_lock(lock);
    it->real_interval_ns = interval_ns;
    timer_start(&it->real, deadline_after(value_ns));
    spin_unlock(lock, flags);
}

static struct abi_itimerval get_cpu(struct itimers *it, const struct cpu_timer *t, uint64_t now)
{
    irqflags_t flags = spin_lock(&it->lock);
    struct abi_itimerval v = to_abi(left_of(t->expires_ns, now), t->interval_ns);

    spin_unlock(&it->lock, flags);
    return v;
}

static void set_cpu(struct itimers *it, struct cpu_timer *t, uint64_t now, uint64_t value_ns,
                    uint64_t interval_ns)
{
    irqflags_t flags = spin_lock(&it->lock);

    t->expires_ns = value_ns != 0 ? now + value_ns : 0;
    t->interval_ns = interval_ns;
    spin_unlock(&it->lock, flags);
    if (value_ns != 0) {
        it->process->has_cpu_timers = true;
        sched_preempt(); /* the next slice ends with a tick */
    }
}

/* new_value NULL: only read. */
static int exchange(struct process *p, int which, const struct abi_itimerval *new_value,
                    struct abi_itimerval *old_value)
{
    uint64_t value = 0, interval = 0, user, all;
    struct itimers *it;

    if (new_value != NULL) {
        if (!timeval_is_valid(&new_value->value) || !timeval_is_valid(&new_value->interval))
            return -EINVAL;
        value = timeval_to_ns(&new_value->value);
        interval = timeval_to_ns(&new_value->interval);
    }
    it = itimers_get(p);
    if (it == NULL)
        return -ENOMEM;
    mutex_lock(&it->mutex);
    if (which == ITIMER_REAL) {
        *old_value = get_real(it);
        if (new_value != NULL)
            set_real(it, value, interval);
    } else {
        struct cpu_timer *t = which == ITIMER_VIRTUAL ? &it->user : &it->all;

        cpu_times(p, &user, &all);
        *old_value = get_cpu(it, t, which == ITIMER_VIRTUAL ? user : all);
        if (new_value != NULL)
            set_cpu(it, t, which == ITIMER_VIRTUAL ? user : all, value, interval);
    }
    mutex_unlock(&it->mutex);
    return 0;
}

long sys_getitimer(int which, uaddr_t cur)
{
    struct abi_itimerval value;
    int err;

    if (which < ITIMER_REAL || which > ITIMER_PROF)
        return -EINVAL;
    err = exchange(current->process, which, NULL, &value);
    return err < 0 ? err : put_user(cur, value);
}

long sys_setitimer(int which, uaddr_t new_value, uaddr_t old_value)
{
    struct abi_itimerval value = {{0, 0}, {0, 0}}, old;
    int err;

    if (new_value != 0 && get_user(&value, new_value) < 0)
        return -EFAULT;
    if (which < ITIMER_REAL || which > ITIMER_PROF)
        return -EINVAL;
    err = exchange(current->process, which, &value, &old);
    if (err < 0 || old_value == 0)
        return err;
    return put_user(old_value, old);
}

/* The seconds left of the one before, rounded; but never 0 when there was one. */
long sys_alarm(unsigned seconds)
{
    struct abi_itimerval value = {{0, 0}, {seconds, 0}}, old;
    int err = exchange(current->process, ITIMER_REAL, &value, &old);

    if (err < 0)
        return 0; /* alarm(2) has no way to fail */
    if (old.value.tv_usec >= 500000 || (old.value.tv_sec == 0 && old.value.tv_usec != 0))
        old.value.tv_sec++;
    return old.value.tv_sec;
}

/* ---- CPU time: timer interrupt ---- */

/* How the timer stands: true when it has expired; it is then set anew or off. */
static bool cpu_timer_expires(struct itimers *it, struct cpu_timer *t, uint64_t now)
{
    irqflags_t flags = spin_lock(&it->lock);
    bool expired = t->expires_ns != 0 && now >= t->expires_ns;

    if (expired)
        t->expires_ns = t->interval_ns != 0 ? max(t->expires_ns + t->interval_ns, now + 1) : 0;
    spin_unlock(&it->lock, flags);
    return expired;
}

/* SIGXCPU at the soft limit, which then moves on by a second; SIGKILL at the hard one. */
static void check_limit(struct process *p, uint64_t cpu_ns)
{
    struct rlimit *limit = &p->rlimits[RLIMIT_CPU];
    uint64_t seconds = cpu_ns / NSEC_PER_SEC;

    if (seconds >= limit->max) {
        (void)signal_send_process(p, SIGKILL, NULL); /* or it is dying already */
    } else if (seconds >= limit->cur) {
        limit->cur++;
        (void)signal_send_process(p, SIGXCPU, NULL);
    }
}

void cpu_timers_check(struct thread *t)
{
    struct process *p = t->process;
    struct itimers *it = p->itimers;
    uint64_t user, all;

    cpu_times(p, &user, &all);
    check_limit(p, all);
    if (it == NULL)
        return;
    if (cpu_timer_expires(it, &it->user, user))
        (void)signal_send_process(p, SIGVTALRM, NULL);
    if (cpu_timer_expires(it, &it->all, all))
        (void)signal_send_process(p, SIGPROF, NULL);
    p->has_cpu_timers = it->user.expires_ns != 0 || it->all.expires_ns != 0 ||
                        p->rlimits[RLIMIT_CPU].cur != RLIM_INFINITY;
}

/* ---- the end ---- */

void itimers_cancel(struct process *p)
{
    p->has_cpu_timers = false;
    if (p->itimers != NULL)
        set_real(p->itimers, 0, 0);
}

void itimers_free(struct process *p)
{
    kfree(p->itimers);
    p->itimers = NULL;
}
