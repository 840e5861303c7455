/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Limits and scheduling parameters: getrlimit(2), prlimit(2), getpriority(2),
 * sched(7). Limits are kept per process and enforced where the resource is
 * given out; scheduling policies are kept and reported, but there is one
 * scheduler for all, which looks at the nice value alone.
 */
#include <kernel/errno.h>
#include <kernel/proc.h>
#include <kernel/spinlock.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>

#include <kernel/abi/process.h>

#include "process.h"
#include "sched.h"

#define NR_OPEN_MAX (1024 * 1024) /* fs.nr_open */

/* ---- resource limits ---- */

/* [pid_lock] */
static int rlimit_set(struct process *p, unsigned resource, const struct rlimit *limit)
{
    if (limit->cur > limit->max)
        return -EINVAL;
    if (resource == RLIMIT_NOFILE && limit->max > NR_OPEN_MAX)
        return -EPERM;
    if (limit->max > p->rlimits[resource].max && !capable(CAP_SYS_RESOURCE))
        return -EPERM;
    p->rlimits[resource] = *limit;
    if (resource == RLIMIT_CPU && limit->cur != RLIM_INFINITY)
        p->has_cpu_timers = true;
    return 0;
}

/* prlimit(2), "PERMISSIONS": all of the other's ids are ours, or CAP_SYS_RESOURCE. */
static bool may_limit(const struct process *p)
{
    const struct cred *mine = current->cred, *c = p->leader->cred;

    if (p == current->process || capable(CAP_SYS_RESOURCE))
        return true;
    return uid_eq(mine->uid, c->euid) && uid_eq(mine->uid, c->suid) && uid_eq(mine->uid, c->uid) &&
           gid_eq(mine->gid, c->egid) && gid_eq(mine->gid, c->sgid) && gid_eq(mine->gid, c->gid);
}

static int rlimit_exchange(struct process *p, unsigned resource, const struct rlimit *new_limit,
                           struct rlimit *old_limit)
{
    irqflags_t flags = spin_lock(&pid_lock);
    int err = 0;

    if (p->pid->process != p) /* waited for while we found it: its leader is no more */
        err = -ESRCH;
    else if (!may_limit(p))
        err = -EPERM;
    else
        *old_limit = p->rlimits[resource];
    if (err == 0 && new_limit != NULL)
        err = rlimit_set(p, resource, new_limit);
    spin_unlock(&pid_lock, flags);
    return err;
}

long sys_prlimit64(int pid, unsigned resource, uaddr_t new_limit, uaddr_t old_limit)
{
    struct rlimit new_value, old_value;
    struct process *p = current->process;
    int err;

    if (resource >= RLIMIT_NLIMITS)
        return -EINVAL;
    if (new_limit != 0 && get_user(&new_value, new_limit) < 0)
        return -EFAULT;
    if (pid != 0) {
        p = process_find(pid);
        if (p == NULL)
            return -ESRCH;
    }
    err = rlimit_exchange(p, resource, new_limit != 0 ? &new_value : NULL, &old_value);
    if (pid != 0)
        process_put(p);
    if (err == 0 && old_limit != 0)
        err = put_user(old_limit, old_value);
    return err;
}

long sys_getrlimit(unsigned resource, uaddr_t rlim)
{
    struct rlimit value;
    int err;

    if (resource >= RLIMIT_NLIMITS)
        return -EINVAL;
    err = rlimit_exchange(current->process, resource, NULL, &value);
    return err < 0 ? err : put_user(rlim, value);
}

long sys_setrlimit(unsigned resource, uaddr_t rlim)
{
    struct rlimit value, old;

    if (get_user(&value, rlim) < 0)
        return -EFAULT;
    if (resource >= RLIMIT_NLIMITS)
        return -EINVAL;
    return rlimit_exchange(current->process, resource, &value, &old);
}

/* ---- nice values ---- */

enum { PRIO_PROCESS, PRIO_PGRP, PRIO_USER };
#define NICE_MIN (-20)
#define NICE_MAX 19

static bool selects(int which, int who, struct process *p)
{
    uint32_t uid = who == 0 ? current->cred->uid.val : (uint32_t)who;

    if (pid_nr_current(p->pid) == 0) /* in another pid namespace */
        return false;
    switch (which) {
    case PRIO_PROCESS:
        return who == 0 ? p == current->process : pid_nr_current(p->pid) == who;
    case PRIO_PGRP:
        return who == 0 ? p->pgrp == current->process->pgrp : pid_nr_current(p->pgrp) == who;
    default:
        return p->leader->cred->uid.val == uid;
    }
}

/* The highest priority of those selected, as 20 - nice: 1 .. 40, so that no result looks like an error. */
long sys_getpriority(int which, int who)
{
    struct process *p;
    struct thread *t;
    irqflags_t flags;
    int best = -ESRCH;

    if (which < PRIO_PROCESS || which > PRIO_USER)
        return -EINVAL;
    flags = spin_lock(&pid_lock);
    list_for_each (p, &process_list, all_link) {
        if (!selects(which, who, p))
            continue;
        list_for_each (t, &p->threads, process_link)
            best = max(best, 20 - t->nice);
    }
    spin_unlock(&pid_lock, flags);
    return best;
}

/* [pid_lock] */
static int nice_process(struct process *p, int nice)
{
    const struct cred *mine = current->cred, *c = p->leader->cred;
    int lowest = 20 - (int)min(p->rlimits[RLIMIT_NICE].cur, 40ULL);
    struct thread *t;

    if (!uid_eq(mine->euid, c->euid) && !uid_eq(mine->euid, c->uid) && !capable(CAP_SYS_NICE))
        return -EPERM;
    list_for_each (t, &p->threads, process_link) {
        if (nice < t->nice && nice < lowest && !capable(CAP_SYS_NICE))
            return -EACCES;
    }
    list_for_each (t, &p->threads, process_link)
        sched_set_nice(t, nice);
    return 0;
}

long sys_setpriority(int which, int who, int nice)
{
    struct process *p;
    irqflags_t flags;
    int err = -ESRCH;

    if (which < PRIO_PROCESS || which > PRIO_USER)
        return -EINVAL;
    nice = max(NICE_MIN, min(nice, NICE_MAX));
    flags = spin_lock(&pid_lock);
    list_for_each (p, &process_list, all_link) {
        int one;

        if (!selects(which, who, p))
            continue;
        one = nice_process(p, nice);
        if (one < 0 || err == -ESRCH)
            err = one;
    }
    spin_unlock(&pid_lock, flags);
    return err;
}

/* ---- policies ---- */

static bool is_normal(int policy)
{
    return policy == SCHED_OTHER || policy == SCHED_BATCH || policy == SCHED_IDLE;
}

static bool is_realtime(int policy)
{
    return policy == SCHED_FIFO || policy == SCHED_RR;
}

/* The thread meant by `tid` (0: the caller), counted. */
static int target(int tid, struct thread **out)
{
    if (tid < 0)
        return -EINVAL;
    if (tid == 0) {
        thread_get(current);
        *out = current;
        return 0;
    }
    *out = thread_find(tid);
    return *out != NULL ? 0 : -ESRCH;
}

/* sched_setscheduler(2), "Privileges and resource limits". */
static bool may_schedule(const struct thread *t)
{
    irqflags_t flags = spin_lock(&pid_lock); /* another thread's credentials change under it */
    kuid_t mine = current->cred->euid;
    bool is_mine = uid_eq(mine, t->cred->uid) || uid_eq(mine, t->cred->euid);

    spin_unlock(&pid_lock, flags);
    return is_mine || capable(CAP_SYS_NICE);
}

long sys_sched_yield(void)
{
    sched_yield();
    return 0;
}

long sys_sched_getscheduler(int tid)
{
    struct thread *t;
    int policy, err = target(tid, &t);

    if (err < 0)
        return err;
    policy = (int)t->policy;
    thread_put(t);
    return policy;
}

long sys_sched_setscheduler(int tid, int policy, uaddr_t param)
{
    struct thread *t;
    int32_t priority;
    int err;

    if (policy < 0 || param == 0)
        return -EINVAL;
    if (get_user(&priority, param) < 0)
        return -EFAULT;
    policy &= ~SCHED_RESET_ON_FORK;
    err = target(tid, &t);
    if (err < 0)
        return err;
    if (!is_normal(policy) && !is_realtime(policy))
        err = -EINVAL;
    else if (is_realtime(policy))
        err = priority < 1 || priority > 99 ? -EINVAL : -EPERM; /* there are no real-time classes */
    else if (priority != 0)
        err = -EINVAL;
    else if (!may_schedule(t))
        err = -EPERM;
    else
        t->policy = (uint32_t)policy;
    thread_put(t);
    return err;
}

long sys_sched_getparam(int tid, uaddr_t param)
{
    struct thread *t;
    int32_t priority = 0;
    int err;

    if (param == 0)
        return -EINVAL;
    err = target(tid, &t);
    if (err < 0)
        return err;
    thread_put(t);
    return put_user(param, priority);
}

long sys_sched_setparam(int tid, uaddr_t param)
{
    struct thread *t;
    int32_t priority;
    int err;

    if (param == 0)
        return -EINVAL;
    if (get_user(&priority, param) < 0)
        return -EFAULT;
    err = target(tid, &t);
    if (err < 0)
        return err;
    thread_put(t);
    return priority == 0 ? 0 : -EINVAL;
}

long sys_sched_get_priority_max(int policy)
{
    return is_realtime(policy) ? 99 : is_normal(policy) ? 0 : -EINVAL;
}

long sys_sched_get_priority_min(int policy)
{
    return is_realtime(policy) ? 1 : is_normal(policy) ? 0 : -EINVAL;
}

/* ---- affinity: every thread may run on every CPU; a negative id is nobody's ---- */

static uint64_t online_mask(void)
{
    return cpu_count() >= 64 ? ~0ULL : BIT(cpu_count()) - 1;
}

long sys_sched_getaffinity(int tid, unsigned len, uaddr_t mask)
{
    uint64_t cpus = online_mask();
    struct thread *t;
    int err;

    if (len < sizeof(cpus) || len % sizeof(cpus) != 0)
        return -EINVAL;
    err = tid < 0 ? -ESRCH : target(tid, &t);
    if (err < 0)
        return err;
    thread_put(t);
    return put_user(mask, cpus) < 0 ? -EFAULT : (long)sizeof(cpus);
}

long sys_sched_setaffinity(int tid, unsigned len, uaddr_t mask)
{
    uint64_t cpus = 0;
    struct thread *t;
    int err;

    if (copy_from_user(&cpus, mask, min((size_t)len, sizeof(cpus))) < 0)
        return -EFAULT;
    err = tid < 0 ? -ESRCH : target(tid, &t);
    if (err < 0)
        return err;
    if (!may_schedule(t))
        err = -EPERM;
    else if ((cpus & online_mask()) == 0)
        err = -EINVAL;
    thread_put(t);
    return err;
}
