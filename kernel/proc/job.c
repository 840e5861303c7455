/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Process numbers as programs ask for them, process groups and sessions:
 * setpgid(2), setsid(2), credentials(7).
 *
 * A group and a session are each a struct pid with the list of their members;
 * its number stays in use as long as one of the lists has a member, so that a
 * new process can never get the number of an old group.
 */
#include <kernel/proc.h>
#include <kernel/syscalls.h>

#include "process.h"
#include "sigqueue.h"

/* The fastest calls there are: a process's own number is its deepest. */
long sys_getpid(void)
{
    const struct pid *pid = current->process->pid;

    return pid->numbers[pid->level].nr;
}

long sys_gettid(void)
{
    const struct pid *pid = current->pid;

    return pid->numbers[pid->level].nr;
}

long sys_getppid(void)
{
    irqflags_t flags = spin_lock(&pid_lock);
    int nr = pid_nr_current(current->process->parent->pid);

    spin_unlock(&pid_lock, flags);
    return nr;
}

/* ---- membership: [pid_lock] ----------------------------------------------------------- */

static void leave(struct list_node *link, struct pid **name)
{
    struct pid *old = *name;

    if (old == NULL)
        return;
    list_remove(link);
    *name = NULL;
    pid_detach_number(old);
    pid_put(old);
}

void process_join_group(struct process *p, struct pid *pgrp)
{
    pid_get(pgrp);
    leave(&p->pgrp_link, &p->pgrp);
    p->pgrp = pgrp;
    list_add_tail(&pgrp->pgrp, &p->pgrp_link);
}

void process_join_session(struct process *p, struct pid *session)
{
    pid_get(session);
    leave(&p->session_link, &p->session);
    p->session = session;
    list_add_tail(&session->session, &p->session_link);
}

void process_leave_groups(struct process *p)
{
    leave(&p->pgrp_link, &p->pgrp);
    leave(&p->session_link, &p->session);
}

/*
 * Nobody is left who could bring its jobs back to the foreground: no member has
 * a parent in another group of the same session.
 */
bool pgrp_is_orphaned(const struct pid *pgrp, const struct process *ignore)
{
    const struct process *p;

    list_for_each (p, &pgrp->pgrp, pgrp_link) {
        const struct process *parent = p->parent;

        if (p == ignore || p->zombie || parent == pid_ns_init.init || parent == &kernel_process)
            continue;
        if (parent->pgrp != pgrp && parent->session == p->session)
            return false;
    }
    return true;
}

/* ---- calls --------------------------------------------------------------------------- */

static int may_move(const struct process *p, const struct pid *pgrp)
{
    const struct process *me = current->process;

    if (p->parent == me) {
        if (p->session != me->session)
            return -EPERM;
        if (p->did_exec)
            return -EACCES;
    } else if (p != me) {
        return -ESRCH;
    }
    if (p->session == p->pid) /* a session's leader */
        return -EPERM;
    if (pgrp != p->pid) { /* an existing group of this session */
        if (list_is_empty(&pgrp->pgrp) ||
            list_first(&pgrp->pgrp, struct process, pgrp_link)->session != me->session)
            return -EPERM;
    }
    return 0;
}

static int set_group(int nr, int pgid)
{
    struct pid *pid = pid_find(current_pid_ns(), nr), *pgrp;
    irqflags_t flags;
    int err = -ESRCH;

    if (pid == NULL)
        return -ESRCH;
    pgrp = pgid == nr ? pid : pid_find(current_pid_ns(), pgid);
    flags = spin_lock(&pid_lock);
    if (pid->process == NULL)
        err = pid->thread != NULL ? -EINVAL : -ESRCH; /* a thread that is no leader */
    else if (pgrp == NULL)
        err = -EPERM;
    else
        err = may_move(pid->process, pgrp);
    if (err == 0 && pid->process->pgrp != pgrp)
        process_join_group(pid->process, pgrp);
    spin_unlock(&pid_lock, flags);
    if (pgrp != NULL && pgrp != pid)
        pid_put(pgrp);
    pid_put(pid);
    return err;
}

long sys_setpgid(int nr, int pgid)
{
    if (nr == 0)
        nr = (int)sys_getpid();
    if (pgid == 0)
        pgid = nr;
    if (pgid < 0)
        return -EINVAL;
    return set_group(nr, pgid);
}

long sys_setsid(void)
{
    struct process *p = current->process;
    irqflags_t flags = spin_lock(&pid_lock);
    struct tty *tty;

    if (!list_is_empty(&p->pid->pgrp) || p->session == p->pid) {
        spin_unlock(&pid_lock, flags);
        return -EPERM;
    }
    process_join_session(p, p->pid);
    process_join_group(p, p->pid);
    tty = p->tty;
    p->tty = NULL;
    spin_unlock(&pid_lock, flags);
    if (tty != NULL && tty_put != NULL)
        tty_put(tty);
    return sys_getpid();
}

enum which_group { GROUP_PROCESS, GROUP_SESSION };

static long get_group(int nr, enum which_group which)
{
    struct process *p = current->process;
    struct thread *t = NULL;
    irqflags_t flags;
    long result;

    if (nr != 0) {
        t = thread_find(nr);
        if (t == NULL)
            return -ESRCH;
        p = t->process;
    }
    flags = spin_lock(&pid_lock);
    if (p->pgrp == NULL) /* waited for just now */
        result = -ESRCH;
    else
        result = pid_nr_current(which == GROUP_PROCESS ? p->pgrp : p->session);
    spin_unlock(&pid_lock, flags);
    if (t != NULL)
        thread_put(t);
    return result;
}

long sys_getpgid(int nr)
{
    return get_group(nr, GROUP_PROCESS);
}

long sys_getpgrp(void)
{
    return get_group(0, GROUP_PROCESS);
}

long sys_getsid(int nr)
{
    return get_group(nr, GROUP_SESSION);
}
