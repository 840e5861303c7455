/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clocks and sleeping: time(7), clock_gettime(2), clock_nanosleep(2).
 *
 * A clock is a row in a table: how it is read, and how a moment of it becomes a
 * deadline of ktime_ns(), which is what wait queues count in. Negative numbers
 * name the CPU time of a process or thread (clock_getcpuclockid(3)).
 */
#include <kernel/errno.h>
#include <kernel/pid.h>
#include <kernel/proc.h>
#include <kernel/spinlock.h>
#include <kernel/syscalls.h>

#include <kernel/abi/process.h>

#include "process.h"
#include "timespec.h"

enum {
    CLOCK_REALTIME,
    CLOCK_MONOTONIC,
    CLOCK_PROCESS_CPUTIME_ID,
    CLOCK_THREAD_CPUTIME_ID,
    CLOCK_MONOTONIC_RAW,
    CLOCK_REALTIME_COARSE,
    CLOCK_MONOTONIC_COARSE,
    CLOCK_BOOTTIME,
    CLOCK_REALTIME_ALARM,
    CLOCK_BOOTTIME_ALARM,
    CLOCK_TAI = 11,
    CLOCKS,
};
#define TIMER_ABSTIME 1

static uint64_t process_cpu_ns(struct process *p)
{
    irqflags_t flags = spin_lock(&pid_lock);
    uint64_t user, system;

    process_times(p, &user, &system);
    spin_unlock(&pid_lock, flags);
    return user + system;
}

static uint64_t read_process_cpu(void)
{
    return process_cpu_ns(current->process);
}

static uint64_t read_thread_cpu(void)
{
    uint64_t user, system;

    thread_times(current, &user, &system);
    return user + system;
}

static const struct {
    uint64_t (*read)(void); /* NULL: no such clock */
    bool is_real;           /* a moment of it moves when the time is set */
    bool can_sleep;
} clocks[CLOCKS] = {
    [CLOCK_REALTIME] = {ktime_real_ns, true, true},
    [CLOCK_MONOTONIC] = {ktime_ns, false, true},
    [CLOCK_PROCESS_CPUTIME_ID] = {read_process_cpu, false, false},
    [CLOCK_THREAD_CPUTIME_ID] = {read_thread_cpu, false, false},
    [CLOCK_MONOTONIC_RAW] = {ktime_ns, false, false},
    [CLOCK_REALTIME_COARSE] = {ktime_real_ns, true, false},
    [CLOCK_MONOTONIC_COARSE] = {ktime_ns, false, false},
    [CLOCK_BOOTTIME] = {ktime_ns, false, true},
    [CLOCK_TAI] = {ktime_real_ns, true, true},
};

/* ---- CPU time of others: ~pid << 3 | 4 if it is a thread | 2 (scheduled time) ---- */

static int read_cpu_clock(int clock, uint64_t *ns)
{
    int nr = ~(clock >> 3);
    bool is_thread = (clock & 4) != 0;
    uint64_t user, system;

    if ((clock & 3) == 3)
        return -EINVAL;
    if (is_thread) {
        struct thread *t = nr == 0 ? current : thread_find(nr);

        if (t == NULL || t->process != current->process) {
            if (t != NULL && nr != 0)
                thread_put(t);
            return -EINVAL;
        }
        thread_times(t, &user, &system);
        *ns = user + system;
        if (nr != 0)
            thread_put(t);
        return 0;
    }
    if (nr == 0) {
        *ns = process_cpu_ns(current->process);
    } else {
        struct process *p = process_find(nr);

        if (p == NULL)
            return -EINVAL;
        *ns = process_cpu_ns(p);
        process_put(p);
    }
    return 0;
}

static int clock_read(int clock, uint64_t *ns)
{
    if (clock < 0)
        return read_cpu_clock(clock, ns);
    if (clock >= CLOCKS || clocks[clock].read == NULL)
        return -EINVAL;
    *ns = clocks[clock].read();
    return 0;
}

/* ---- reading and setting ---- */

static long put_timespec(uaddr_t addr, uint64_t ns)
{
    struct timespec ts = timespec_from_ns(ns);

    return put_user(addr, ts);
}

long sys_clock_gettime(int clock, uaddr_t ts)
{
    uint64_t ns;
    int err = clock_read(clock, &ns);

    return err < 0 ? err : put_timespec(ts, ns);
}

long sys_clock_getres(int clock, uaddr_t res)
{
    uint64_t ns;
    int err = clock_read(clock, &ns);

    if (err < 0)
        return err;
    return res == 0 ? 0 : put_timespec(res, 1);
}

static long set_real_time(uint64_t ns)
{
    if (!capable(CAP_SYS_TIME))
        return -EPERM;
    if (ns < ktime_ns()) /* as on Linux: the boot cannot have been before 1970 */
        return -EINVAL;
    ktime_set_real(ns);
    return 0;
}

long sys_clock_settime(int clock, uaddr_t ts)
{
    uint64_t ns;
    int err;

    if (clock != CLOCK_REALTIME && clock >= 0)
        return -EINVAL;
    err = timespec_from_user(ts, &ns);
    if (err < 0)
        return err;
    return clock == CLOCK_REALTIME ? set_real_time(ns) : -EINVAL; /* CPU time cannot be set */
}

struct timezone { /* gettimeofday(2): obsolete, always UTC */
    int32_t minuteswest, dsttime;
};

long sys_gettimeofday(uaddr_t tv, uaddr_t tz)
{
    struct timeval now = timeval_from_ns(ktime_real_ns());
    struct timezone utc = {0, 0};

    if (tv != 0 && put_user(tv, now) < 0)
        return -EFAULT;
    if (tz != 0 && put_user(tz, utc) < 0)
        return -EFAULT;
    return 0;
}

long sys_settimeofday(uaddr_t tv, uaddr_t tz)
{
    struct timeval now = {0, 0};
    struct timezone zone;

    if (tv != 0) {
        if (get_user(&now, tv) < 0)
            return -EFAULT;
        if (!timeval_is_valid(&now))
            return -EINVAL;
    }
    if (tz != 0 && get_user(&zone, tz) < 0)
        return -EFAULT;
    if (!capable(CAP_SYS_TIME))
        return -EPERM;
    if (tz != 0 && (zone.minuteswest < -15 * 60 || zone.minuteswest > 15 * 60))
        return -EINVAL;
    return tv != 0 ? set_real_time(timeval_to_ns(&now)) : 0;
}

long sys_time(uaddr_t out)
{
    int64_t now = (int64_t)(ktime_real_ns() / NSEC_PER_SEC);

    if (out != 0 && put_user(out, now) < 0)
        return -EFAULT;
    return now;
}

#define CLOCK_TICK_NS (NSEC_PER_SEC / USER_HZ)

long sys_times(uaddr_t buf)
{
    struct process *p = current->process;
    struct abi_tms t;
    uint64_t user, system;
    irqflags_t flags = spin_lock(&pid_lock);

    process_times(p, &user, &system);
    t.utime = (int64_t)(user / CLOCK_TICK_NS);
    t.stime = (int64_t)(system / CLOCK_TICK_NS);
    t.cutime = (int64_t)(p->cutime_ns / CLOCK_TICK_NS);
    t.cstime = (int64_t)(p->cstime_ns / CLOCK_TICK_NS);
    spin_unlock(&pid_lock, flags);
    if (buf != 0 && put_user(buf, t) < 0)
        return -EFAULT;
    return (long)(ktime_ns() / CLOCK_TICK_NS);
}

/* ---- sleeping ---- */

/* Sleeps until `deadline_ns` of ktime_ns(): 0 or -ERESTARTSYS. Nobody wakes this queue. */
static int sleep_until(uint64_t deadline_ns)
{
    struct wait_queue nobody;
    int err;

    wait_queue_init(&nobody);
    err = wait_event_deadline(&nobody, false, deadline_ns);
    return err == -ETIMEDOUT ? 0 : err;
}

/* What is left of a relative sleep, rounded as the caller will see it. */
static long put_remaining(uaddr_t rem, uint64_t deadline_ns)
{
    uint64_t now = ktime_ns();

    if (rem == 0)
        return 0;
    return put_timespec(rem, deadline_ns > now ? deadline_ns - now : 0);
}

/* restart_syscall(2): after a stop and SIGCONT the sleep ends when it always would have. */
static long sleep_rest(struct thread *t)
{
    uint64_t deadline = t->restart.args[0];
    uaddr_t rem = t->restart.args[1];
    int err = sleep_until(deadline);

    if (err == 0)
        return 0;
    if (put_remaining(rem, deadline) < 0)
        return -EFAULT;
    t->restart.args[0] = deadline;
    t->restart.args[1] = rem;
    t->restart.fn = sleep_rest;
    return -ERESTART_RESTARTBLOCK;
}

static long sleep_for(uint64_t ns, uaddr_t rem)
{
    struct thread *t = current;

    t->restart.args[0] = deadline_after(ns);
    t->restart.args[1] = rem;
    return sleep_rest(t);
}

long sys_nanosleep(uaddr_t req, uaddr_t rem)
{
    uint64_t ns;
    int err = timespec_from_user(req, &ns);

    return err < 0 ? err : sleep_for(ns, rem);
}

/*
 * Until a moment of this clock. If the real time is set meanwhile, the moment
 * comes sooner or later: look at the clock again after each wake-up, at the
 * latest each second.
 */
static long sleep_until_real(int clock, uint64_t moment)
{
    for (;;) {
        uint64_t now = clocks[clock].read();
        int err;

        if (now >= moment)
            return 0;
        err = sleep_until(deadline_after(min(moment - now, NSEC_PER_SEC)));
        if (err < 0)
            return -ERESTARTNOHAND;
    }
}

long sys_clock_nanosleep(int clock, int flags, uaddr_t req, uaddr_t rem)
{
    uint64_t ns, now = 0;
    int err = clock_read(clock, &now);

    if (err < 0)
        return err;
    if (clock < 0 || !clocks[clock].can_sleep)
        return -EOPNOTSUPP;
    err = timespec_from_user(req, &ns);
    if (err < 0)
        return err;
    if (!(flags & TIMER_ABSTIME))
        return sleep_for(ns, rem);
    if (clocks[clock].is_real)
        return sleep_until_real(clock, ns);
    if (ns <= now)
        return 0;
    return sleep_until(ns) < 0 ? -ERESTARTNOHAND : 0;
}
