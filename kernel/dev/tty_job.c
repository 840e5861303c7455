/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Job control: which session a terminal controls, which process group of it is
 * in the foreground, and the signals that follow from that (credentials(7),
 * "Sessions"; ioctl_tty(2); the terminal chapters of POSIX).
 *
 * tty->session, tty->pgrp and process->tty change together under pid_lock.
 * Signals are sent after it is released.
 */
#include "tty.h"

#include <kernel/ns.h>
#include <kernel/pid.h>
#include <kernel/proc.h>
#include <kernel/uaccess.h>

#include "kernel/abi/ioctl.h"

static bool is_session_leader(const struct process *p)
{
    return p->session == p->pid;
}

static struct pid_ns *current_pid_ns(void)
{
    struct pid *pid = current->pid;

    return pid->numbers[pid->level].ns;
}

struct tty *tty_current(void)
{
    irqflags_t flags = spin_lock(&pid_lock);
    struct tty *tty = current_process()->tty;

    if (tty != NULL)
        tty_get(tty);
    spin_unlock(&pid_lock, flags);
    return tty;
}

/* The foreground group, counted; or NULL. */
static struct pid *foreground_get(struct tty *tty)
{
    irqflags_t flags = spin_lock(&pid_lock);
    struct pid *pgrp = tty->pgrp;

    if (pgrp != NULL)
        pid_get(pgrp);
    spin_unlock(&pid_lock, flags);
    return pgrp;
}

int tty_foreground_nr(struct tty *tty, const struct pid_ns *ns)
{
    struct pid *pgrp = foreground_get(tty);
    int nr = -1;

    if (pgrp != NULL) {
        nr = pid_nr_in(pgrp, ns);
        pid_put(pgrp);
    }
    return nr;
}

void tty_signal_foreground(struct tty *tty, uint64_t signals)
{
    struct pid *pgrp = foreground_get(tty);

    if (pgrp == NULL)
        return;
    for (int sig = 1; sig < NSIG; sig++) {
        if (signals & SIGMASK(sig))
            (void)signal_send_pgrp(pgrp, sig, NULL); /* an empty group is nobody's fault */
    }
    pid_put(pgrp);
}

/* No process of the group has a parent in its session but outside of the group: nobody could
 * continue it if it stopped. [pid_lock] */
static bool is_orphaned(struct pid *pgrp)
{
    struct process *p;

    list_for_each(p, &pgrp->pgrp, pgrp_link)
    {
        if (p->parent != NULL && !p->zombie && p->parent->pgrp != pgrp &&
            p->parent->session == p->session)
            return false;
    }
    return true;
}

int tty_check_job(struct tty *tty, int sig)
{
    struct process *p = current_process();
    struct pid *mine = NULL;
    bool orphaned = false;
    irqflags_t flags;

    /* The usual case, with pointers that are only compared. */
    if (READ_ONCE(p->tty) != tty || READ_ONCE(p->pgrp) == READ_ONCE(tty->pgrp))
        return 0;

    flags = spin_lock(&pid_lock);
    if (p->tty == tty && tty->pgrp != NULL && p->pgrp != tty->pgrp) {
        mine = p->pgrp;
        pid_get(mine);
        orphaned = is_orphaned(mine);
    }
    spin_unlock(&pid_lock, flags);
    if (mine == NULL)
        return 0;

    if (signal_is_ignored_or_blocked(sig)) {
        pid_put(mine);
        return sig == SIGTTIN ? -EIO : 0;
    }
    if (!orphaned)
        (void)signal_send_pgrp(mine, sig, NULL); /* the current process is in it */
    pid_put(mine);
    return orphaned ? -EIO : -ERESTARTSYS;
}

/* ---- whose terminal it is ---- */

/* [pid_lock] NULL: none any more. */
static void set_hung_up_group(struct process *leader, struct pid *pgrp)
{
    struct pid *old = leader->hung_up_pgrp;

    if (pgrp != NULL)
        pid_get(pgrp);
    WRITE_ONCE(leader->hung_up_pgrp, pgrp);
    if (old != NULL)
        pid_put(old);
}

/* [pid_lock] The current process leads a session without a terminal: this is it from now on. */
static void set_controlling(struct tty *tty)
{
    struct process *p = current_process();

    assert_locked(&pid_lock);
    tty->session = p->session;
    tty->pgrp = p->pgrp;
    pid_get(tty->session);
    pid_get(tty->pgrp);
    tty_get(tty);
    p->tty = tty;
    set_hung_up_group(p, NULL);
}

void tty_try_become_controlling(struct tty *tty, struct file *f)
{
    struct process *p = current_process();
    irqflags_t flags;

    if (!f->can_read || READ_ONCE(p->tty) != NULL || READ_ONCE(tty->session) != NULL)
        return;
    flags = spin_lock(&pid_lock);
    if (is_session_leader(p) && p->tty == NULL && tty->session == NULL)
        set_controlling(tty);
    spin_unlock(&pid_lock, flags);
}

void tty_drop_session(struct tty *tty)
{
    struct pid *session, *pgrp;
    struct process *p;
    unsigned refs = 0;
    irqflags_t flags = spin_lock(&pid_lock);

    session = tty->session;
    pgrp = tty->pgrp;
    tty->session = tty->pgrp = NULL;
    if (session != NULL) {
        list_for_each(p, &session->session, session_link)
        {
            if (p->tty == tty) {
                p->tty = NULL;
                refs++;
            }
        }
    }
    spin_unlock(&pid_lock, flags);
    if (session != NULL)
        pid_put(session);
    if (pgrp != NULL)
        pid_put(pgrp);
    while (refs-- > 0)
        tty_put(tty);
}

void tty_signal_session_leader(struct tty *tty)
{
    struct process *leader = NULL;
    irqflags_t flags = spin_lock(&pid_lock);

    if (tty->session != NULL)
        leader = tty->session->process;
    if (leader != NULL) {
        process_get(leader);
        set_hung_up_group(leader, tty->pgrp);
    }
    spin_unlock(&pid_lock, flags);
    if (leader == NULL)
        return;
    (void)signal_send_process(leader, SIGHUP, NULL);
    (void)signal_send_process(leader, SIGCONT, NULL);
    process_put(leader);
}

static void end_session_on(struct tty *tty)
{
    tty_signal_foreground(tty, SIGMASK(SIGHUP));
    if (tty->ops->hangs_up_with_session)
        tty_hangup(tty);
    else
        tty_drop_session(tty);
}

void tty_session_end(struct process *leader)
{
    irqflags_t flags = spin_lock(&pid_lock);
    struct tty *tty = is_session_leader(leader) ? leader->tty : NULL;
    struct pid *hung_up = NULL;

    if (tty != NULL) {
        tty_get(tty);
    } else if (leader->hung_up_pgrp != NULL) {
        hung_up = leader->hung_up_pgrp;
        pid_get(hung_up);
    }
    spin_unlock(&pid_lock, flags);

    if (tty != NULL) {
        end_session_on(tty);
        tty_put(tty);
    }
    if (hung_up != NULL) {
        (void)signal_send_pgrp(hung_up, SIGHUP, NULL); /* it may be empty by now */
        (void)signal_send_pgrp(hung_up, SIGCONT, NULL);
        pid_put(hung_up);
    }
    flags = spin_lock(&pid_lock);
    set_hung_up_group(leader, NULL);
    spin_unlock(&pid_lock, flags);
}

/* ---- ioctls ---- */

static long make_controlling(struct tty *tty, struct file *f, uint64_t steal)
{
    struct process *p = current_process();
    bool may_steal = steal == 1 && capable(CAP_SYS_ADMIN);
    bool may_read = f->can_read || capable(CAP_SYS_ADMIN);
    irqflags_t flags;
    long err = 0;

    if (may_steal && READ_ONCE(tty->session) != NULL && READ_ONCE(tty->session) != p->session)
        tty_drop_session(tty);
    flags = spin_lock(&pid_lock);
    if (is_session_leader(p) && p->session == tty->session)
        err = 0;
    else if (!is_session_leader(p) || p->tty != NULL || tty->session != NULL || !may_read)
        err = -EPERM;
    else
        set_controlling(tty);
    spin_unlock(&pid_lock, flags);
    return err;
}

static long give_up_controlling(struct tty *tty)
{
    struct process *p = current_process();
    bool leads, was_mine;
    irqflags_t flags = spin_lock(&pid_lock);

    was_mine = p->tty == tty;
    leads = is_session_leader(p);
    if (was_mine && !leads)
        p->tty = NULL;
    spin_unlock(&pid_lock, flags);
    if (!was_mine)
        return -ENOTTY;
    if (leads) {
        tty_signal_foreground(tty, SIGMASK(SIGHUP));
        tty_signal_foreground(tty, SIGMASK(SIGCONT));
        tty_drop_session(tty);
    } else {
        tty_put(tty);
    }
    return 0;
}

/* A master asks for its slave's; others only for their own controlling terminal. */
static long get_group(struct tty *tty, unsigned cmd, uint64_t arg, bool from_master)
{
    struct pid *pid;
    int32_t nr = 0;
    irqflags_t flags = spin_lock(&pid_lock);

    if (!from_master && current_process()->tty != tty) {
        spin_unlock(&pid_lock, flags);
        return -ENOTTY;
    }
    pid = cmd == TIOCGSID ? tty->session : tty->pgrp;
    if (pid != NULL)
        nr = pid_nr_in(pid, current_pid_ns());
    spin_unlock(&pid_lock, flags);
    if (pid == NULL && cmd == TIOCGSID)
        return -ENOTTY;
    return put_user(arg, nr);
}

/* [pid_lock] The session that a group belongs to, or NULL when it is empty. */
static struct pid *session_of_group(struct pid *pgrp)
{
    if (list_is_empty(&pgrp->pgrp))
        return NULL;
    return list_first(&pgrp->pgrp, struct process, pgrp_link)->session;
}

static long set_group(struct tty *tty, uint64_t arg)
{
    struct process *p = current_process();
    struct pid *pgrp, *old = NULL;
    irqflags_t flags;
    int32_t nr;
    long err = tty_check_job(tty, SIGTTOU);

    if (err < 0)
        return err == -EIO ? -ENOTTY : err;
    if (get_user(&nr, arg) < 0)
        return -EFAULT;
    if (nr < 0)
        return -EINVAL;
    pgrp = pid_find(current_pid_ns(), nr);

    flags = spin_lock(&pid_lock);
    if (p->tty != tty || tty->session != p->session) {
        err = -ENOTTY;
    } else if (pgrp == NULL) {
        err = -ESRCH;
    } else if (session_of_group(pgrp) != p->session) {
        err = -EPERM;
    } else {
        old = tty->pgrp;
        tty->pgrp = pgrp;
        pgrp = NULL;
    }
    spin_unlock(&pid_lock, flags);
    if (old != NULL)
        pid_put(old);
    if (pgrp != NULL)
        pid_put(pgrp);
    return err;
}

long tty_job_ioctl(struct tty *tty, struct file *f, unsigned cmd, uint64_t arg, bool from_master)
{
    switch (cmd) {
    case TIOCSCTTY:
        return make_controlling(tty, f, arg);
    case TIOCNOTTY:
        return give_up_controlling(tty);
    case TIOCGPGRP:
    case TIOCGSID:
        return get_group(tty, cmd, arg, from_master);
    case TIOCSPGRP:
        return set_group(tty, arg);
    default:
        return -ENOTTY;
    }
}
