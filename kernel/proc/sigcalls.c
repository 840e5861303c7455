/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls about signals: dispositions, masks, waiting, and the many ways
 * to send one. Sending to another process needs one of its ids or CAP_KILL;
 * SIGCONT may go anywhere in the session.
 */
#include <kernel/proc.h>
#include <kernel/spinlock.h>
#include <kernel/string.h>
#include <kernel/syscalls.h>
#include <kernel/time.h>
#include <kernel/uaccess.h>

#include "itimer.h"
#include "process.h"
#include "sigqueue.h"
#include "timespec.h"

/* Flags that mean something; others read back as zero, which is how programs probe for them. */
#define SA_KNOWN                                                                                   \
    (SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_RESTORER | SA_ONSTACK | SA_RESTART |            \
     SA_NODEFER | SA_RESETHAND)

enum { SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK };

static bool ignores(const struct ksigaction *sa, int sig)
{
    return sa->handler == SIG_IGN ||
           (sa->handler == SIG_DFL && (SIGMASK(sig) & SIG_DEFAULT_IGNORE) != 0);
}

/* What is pending and now ignored is forgotten. */
static void action_set(int sig, const struct ksigaction *sa)
{
    struct process *p = current->process;
    irqflags_t pid_flags = spin_lock(&pid_lock), flags = spin_lock(&p->sighand->lock);
    struct thread *t;

    p->sighand->actions[sig] = *sa;
    if (ignores(sa, sig)) {
        sigqueue_flush(&p->sigqueue, SIGMASK(sig));
        list_for_each (t, &p->threads, process_link) {
            sigqueue_flush(&t->sigqueue, SIGMASK(sig));
            signal_recalc(t);
        }
    } else if (!list_is_empty(&p->posix_timers)) {
        posix_timers_unignore(p, sig);
    }
    spin_unlock(&p->sighand->lock, flags);
    spin_unlock(&pid_lock, pid_flags);
}

long sys_rt_sigaction(int sig, uaddr_t act, uaddr_t old, size_t setsize)
{
    struct ksigaction sa, before;

    if (setsize != sizeof(sigset_t))
        return -EINVAL;
    if (act != 0 && get_user(&sa, act) < 0)
        return -EFAULT;
    if (!signal_is_valid(sig) || (act != 0 && (sig == SIGKILL || sig == SIGSTOP)))
        return -EINVAL;

    before = current->sighand->actions[sig];
    if (act != 0) {
        sa.flags &= SA_KNOWN;
        sa.mask &= ~SIG_UNBLOCKABLE;
        action_set(sig, &sa);
    }
    return old == 0 ? 0 : put_user(old, before);
}

long sys_rt_sigprocmask(int how, uaddr_t set, uaddr_t old, size_t setsize)
{
    sigset_t before = current->blocked, given;

    if (setsize != sizeof(sigset_t))
        return -EINVAL;
    if (set != 0) {
        if (get_user(&given, set) < 0)
            return -EFAULT;
        switch (how) {
        case SIG_BLOCK:
            signal_set_mask(before | given);
            break;
        case SIG_UNBLOCK:
            signal_set_mask(before & ~given);
            break;
        case SIG_SETMASK:
            signal_set_mask(given);
            break;
        default:
            return -EINVAL;
        }
    }
    return old == 0 ? 0 : put_user(old, before);
}

long sys_rt_sigpending(uaddr_t set, size_t setsize)
{
    sigset_t pending = signal_pending_set() & current->blocked;

    if (setsize > sizeof(sigset_t))
        return -EINVAL;
    return copy_to_user(set, &pending, setsize);
}

/* ---- waiting ------------------------------------------------------------------------ */

long sys_pause(void)
{
    struct wait_queue nobody;

    wait_queue_init(&nobody);
    (void)wait_event_interruptible(&nobody, false);
    return -ERESTARTNOHAND;
}

long sys_rt_sigsuspend(uaddr_t set, size_t setsize)
{
    sigset_t mask;

    if (setsize != sizeof(sigset_t))
        return -EINVAL;
    if (get_user(&mask, set) < 0)
        return -EFAULT;
    signal_set_temporary_mask(mask);
    return sys_pause();
}

static void set_wait_set(sigset_t set)
{
    irqflags_t flags = spin_lock(&current->sighand->lock);

    current->wait_set = set;
    spin_unlock(&current->sighand->lock, flags);
}

static long wait_for_signal(sigset_t set, uint64_t deadline_ns, struct siginfo *info)
{
    int sig = signal_take(set, info), err;

    if (sig != 0)
        return sig;
    set_wait_set(set);
    err = wait_event_deadline(&current->process->signal_wq, (sig = signal_take(set, info)) != 0,
                              deadline_ns);
    set_wait_set(0);
    if (sig != 0)
        return sig;
    return err == -ETIMEDOUT ? -EAGAIN : -EINTR;
}

long sys_rt_sigtimedwait(uaddr_t uset, uaddr_t uinfo, uaddr_t timeout, size_t setsize)
{
    uint64_t deadline = 0, ns;
    struct siginfo info;
    sigset_t set;
    long sig;
    int err;

    if (setsize != sizeof(sigset_t))
        return -EINVAL;
    if (get_user(&set, uset) < 0)
        return -EFAULT;
    if (timeout != 0) {
        err = timespec_from_user(timeout, &ns);
        if (err < 0)
            return err;
        deadline = deadline_after(ns);
    }
    sig = wait_for_signal(set & ~SIG_UNBLOCKABLE, deadline, &info);
    if (sig > 0 && uinfo != 0 && put_user(uinfo, info) < 0)
        return -EFAULT;
    return sig;
}

/* ---- sending --------------------------------------------------------------------------- */

void siginfo_from_user(struct siginfo *info, int sig, int code)
{
    memset(info, 0, sizeof(*info));
    info->si_signo = sig;
    info->si_code = code;
    info->kill.pid = pid_nr_current(current->process->pid);
    info->kill.uid = current->cred->uid.val;
}

bool signal_permitted(const struct process *p, int sig)
{
    const struct cred *me = current->cred, *other = p->leader->cred;

    assert_locked(&pid_lock);
    if (p == current->process)
        return true;
    if (uid_eq(me->euid, other->suid) || uid_eq(me->euid, other->uid) ||
        uid_eq(me->uid, other->suid) || uid_eq(me->uid, other->uid))
        return true;
    if (sig == SIGCONT && p->session == current->process->session)
        return true;
    return capable(CAP_KILL);
}

/* [pid_lock] */
static int check_sending(struct process *p, int sig)
{
    if (sig != 0 && !signal_is_valid(sig))
        return -EINVAL;
    return signal_permitted(p, sig) ? 0 : -EPERM;
}

/* [pid_lock] Signal 0 only asks whether it could be sent. */
static int send_checked(struct process *p, struct thread *only, int sig, const struct siginfo *info)
{
    int err = check_sending(p, sig);

    return err < 0 || sig == 0 ? err : signal_send_locked(p, only, sig, info, SIGNAL_FROM_USER);
}

/* [pid_lock] The same to one of several processes. */
static int send_member_checked(struct process *p, int sig, const struct siginfo *info)
{
    int err = check_sending(p, sig);

    return err < 0 || sig == 0 ? err : signal_send_member(p, sig, info, SIGNAL_FROM_USER);
}

static int send_to_process(int nr, int sig, const struct siginfo *info)
{
    struct thread *t = thread_find(nr); /* any thread's number stands for its process, as on Linux */
    irqflags_t flags;
    int err;

    if (t == NULL)
        return -ESRCH;
    flags = spin_lock(&pid_lock);
    err = send_checked(t->process, NULL, sig, info);
    spin_unlock(&pid_lock, flags);
    thread_put(t);
    return err;
}

static int send_to_group(struct pid *pgrp, int sig, const struct siginfo *info)
{
    irqflags_t flags = spin_lock(&pid_lock);
    struct process *p;
    int result = -ESRCH;
    bool any = false;

    list_for_each (p, &pgrp->pgrp, pgrp_link) {
        result = send_member_checked(p, sig, info);
        any |= result == 0;
    }
    spin_unlock(&pid_lock, flags);
    return any ? 0 : result;
}

/* Everybody that can be seen but the namespace's init and the caller. */
static int send_to_all(int sig, const struct siginfo *info)
{
    irqflags_t flags = spin_lock(&pid_lock);
    struct process *p;
    bool found = false;
    int result = 0;

    list_for_each (p, &process_list, all_link) {
        int err;

        if (pid_nr_current(p->pid) <= 1 || p == current->process)
            continue;
        found = true;
        err = send_member_checked(p, sig, info);
        if (err != -EPERM)
            result = err;
    }
    spin_unlock(&pid_lock, flags);
    return found ? result : -ESRCH;
}

long sys_kill(int nr, int sig)
{
    struct siginfo info;
    struct pid *pgrp;
    int err;

    siginfo_from_user(&info, sig, SI_USER);
    if (nr > 0)
        return send_to_process(nr, sig, &info);
    if (nr == INT32_MIN)
        return -ESRCH;
    if (nr == -1)
        return send_to_all(sig, &info);
    if (nr == 0)
        return send_to_group(current->process->pgrp, sig, &info);

    pgrp = pid_find(current_pid_ns(), -nr);
    if (pgrp == NULL)
        return -ESRCH;
    err = send_to_group(pgrp, sig, &info);
    pid_put(pgrp);
    return err;
}

/* tgid 0: whichever process the thread is in. */
static int send_to_thread(int tgid, int tid, int sig, const struct siginfo *info)
{
    struct thread *t = thread_find(tid);
    irqflags_t flags;
    int err;

    if (t == NULL)
        return -ESRCH;
    flags = spin_lock(&pid_lock);
    if (tgid != 0 && pid_nr_current(t->process->pid) != tgid)
        err = -ESRCH;
    else
        err = send_checked(t->process, t, sig, info);
    spin_unlock(&pid_lock, flags);
    thread_put(t);
    return err;
}

long sys_tgkill(int tgid, int tid, int sig)
{
    struct siginfo info;

    if (tid <= 0 || tgid <= 0)
        return -EINVAL;
    siginfo_from_user(&info, sig, SI_TKILL);
    return send_to_thread(tgid, tid, sig, &info);
}

long sys_tkill(int tid, int sig)
{
    struct siginfo info;

    if (tid <= 0)
        return -EINVAL;
    siginfo_from_user(&info, sig, SI_TKILL);
    return send_to_thread(0, tid, sig, &info);
}

/* sigqueue(3): nobody may pretend that the kernel or kill(2) sent it, but to himself. */
static int queued_info(struct siginfo *info, uaddr_t uinfo, int target, int sig)
{
    if (copy_from_user(info, uinfo, sizeof(*info)) < 0)
        return -EFAULT;
    info->si_signo = sig;
    if ((info->si_code >= 0 || info->si_code == SI_TKILL) &&
        target != pid_nr_current(current->process->pid))
        return -EPERM;
    return 0;
}

long sys_rt_sigqueueinfo(int nr, int sig, uaddr_t uinfo)
{
    struct siginfo info;
    int err = queued_info(&info, uinfo, nr, sig);

    return err < 0 ? err : send_to_process(nr, sig, &info);
}

long sys_rt_tgsigqueueinfo(int tgid, int tid, int sig, uaddr_t uinfo)
{
    struct siginfo info;
    int err;

    if (copy_from_user(&info, uinfo, sizeof(info)) < 0)
        return -EFAULT;
    if (tid <= 0 || tgid <= 0)
        return -EINVAL;
    err = queued_info(&info, uinfo, tgid, sig);
    return err < 0 ? err : send_to_thread(tgid, tid, sig, &info);
}
