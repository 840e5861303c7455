/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way back to user mode: everything that must happen before a thread's next
 * instruction there. The entry code calls user_return_work() with interrupts
 * on until none of WORK_ON_RETURN is left.
 *
 * For a signal with a handler, sigframe.c builds a frame on the user's stack
 * and points the thread at the handler; default actions happen here. A system
 * call that was interrupted has left one of the ERESTART codes in rax: now it
 * is known whether a handler runs, so now it is decided whether the call fails
 * with EINTR or the SYSCALL instruction (two bytes) is executed once more.
 */
#include <kernel/proc.h>
#include <kernel/syscalls.h>
#include <kernel/trap.h>
#include <kernel/uaccess.h>

#include "process.h"
#include "rseq.h"
#include "sched.h"
#include "sigqueue.h"

#define SYSCALL_INSN_LEN   2
#define NR_restart_syscall 219

/* ---- stopping ------------------------------------------------------------------- */

/* [pid_lock, s] A stop signal was taken: every thread stops at its next look. */
static void begin_stop(struct process *p, int sig)
{
    struct thread *t;

    p->job = JOB_STOPPED;
    p->stop_signal = sig;
    p->job_reported = true; /* until the last thread has stopped */
    p->stop_left = 0;
    list_for_each (t, &p->threads, process_link) {
        if (t->exiting)
            continue;
        t->stop_counted = true;
        p->stop_left++;
        thread_set_work(t, WORK_SIGNAL);
        if (t != current)
            sched_wakeup_states(t, WAKE_SIGNAL);
    }
}

/* [pid_lock, s] Both are released. The thread stays until SIGCONT or SIGKILL. */
static void stop_here(struct process *p, irqflags_t pid_flags, irqflags_t flags)
{
    struct thread *t = current;
    bool last = false;

    if (t->stop_counted) {
        t->stop_counted = false;
        last = --p->stop_left == 0;
    }
    if (last)
        p->job_reported = false;
    set_current_state(THREAD_STOPPED);
    spin_unlock(&t->sighand->lock, flags);
    if (last)
        notify_parent(p, CLD_STOPPED, p->stop_signal);
    spin_unlock(&pid_lock, pid_flags);
    schedule();
}

static struct wait_queue freezer_wq = WAIT_QUEUE_INIT(freezer_wq);

void process_set_frozen_locked(struct process *p, bool frozen)
{
    struct thread *t;

    assert_locked(&pid_lock);
    list_for_each (t, &p->threads, process_link) {
        if (frozen) {
            thread_set_work(t, WORK_FREEZE);
            if (!sched_wakeup_states(t, WAKE_SIGNAL))
                thread_kick(t);
        } else {
            thread_clear_work(t, WORK_FREEZE);
        }
    }
    if (!frozen)
        wake_up(&freezer_wq);
}

void process_set_frozen(struct process *p, bool frozen)
{
    irqflags_t flags = spin_lock(&pid_lock);

    process_set_frozen_locked(p, frozen);
    spin_unlock(&pid_lock, flags);
}

/* ---- taking one signal --------------------------------------------------------------- */

/* SIGKILL: with the whole process, or alone because another thread is in execve(2). */
static void __noreturn die(void)
{
    struct process *p = current->process;

    if (p->exiting)
        process_exit(p->exit_code);
    thread_exit(0);
}

enum verdict { VERDICT_NEXT, VERDICT_HANDLE, VERDICT_DIE };

/* [pid_lock, s] What one signal taken from the queues means. */
static enum verdict judge(struct process *p, int sig, struct ksigaction *out)
{
    struct ksigaction *sa = &p->sighand->actions[sig];

    if (sa->handler == SIG_IGN)
        return VERDICT_NEXT;
    if (sa->handler != SIG_DFL) {
        *out = *sa;
        if (sa->flags & SA_RESETHAND)
            sa->handler = SIG_DFL;
        return VERDICT_HANDLE;
    }
    if (SIGMASK(sig) & SIG_DEFAULT_IGNORE)
        return VERDICT_NEXT;
    if (p->is_unkillable && sig != SIGKILL && sig != SIGSTOP)
        return VERDICT_NEXT;
    if (SIGMASK(sig) & SIG_DEFAULT_STOP) {
        /* Nobody could continue an orphaned group from its terminal. */
        if (sig == SIGSTOP || !pgrp_is_orphaned(p->pgrp, NULL))
            begin_stop(p, sig);
        return VERDICT_NEXT;
    }
    if (!p->exiting) {
        p->exiting = true;
        p->exit_code = sig;
        signal_kill_threads(p, current);
    }
    return VERDICT_DIE;
}

/* The next signal that has a handler; 0: nothing more. Stops and dies on the way. */
static int next_handled(struct siginfo *info, struct ksigaction *sa)
{
    struct thread *t = current;
    struct process *p = t->process;

    for (;;) {
        irqflags_t pid_flags = spin_lock(&pid_lock);
        irqflags_t flags = spin_lock(&t->sighand->lock);
        enum verdict verdict = VERDICT_NEXT;
        int sig = 0;

        if (t->sigqueue.pending & SIGMASK(SIGKILL)) {
            verdict = VERDICT_DIE;
        } else if (p->job == JOB_STOPPED) {
            stop_here(p, pid_flags, flags);
            continue;
        } else {
            sig = signal_dequeue(t, ~t->blocked, info);
            if (sig != 0)
                verdict = judge(p, sig, sa);
            signal_recalc(t);
        }
        spin_unlock(&t->sighand->lock, flags);
        spin_unlock(&pid_lock, pid_flags);

        if (verdict == VERDICT_DIE)
            die();
        if (verdict == VERDICT_HANDLE || sig == 0)
            return sig;
    }
}

/* ---- interrupted system calls ----------------------------------------------------------- */

static void repeat_syscall(struct trapframe *frame, uint64_t nr)
{
    frame->rax = nr;
    frame->rip -= SYSCALL_INSN_LEN;
}

static void restart_before_handler(struct trapframe *frame, uint64_t sa_flags)
{
    if (!trapframe_in_syscall(frame))
        return;
    switch ((int64_t)frame->rax) {
    case -ERESTARTNOINTR:
        repeat_syscall(frame, frame->orig_rax);
        break;
    case -ERESTARTSYS:
        if (sa_flags & SA_RESTART)
            repeat_syscall(frame, frame->orig_rax);
        else
            frame->rax = (uint64_t)-EINTR;
        break;
    case -ERESTARTNOHAND:
    case -ERESTART_RESTARTBLOCK:
        frame->rax = (uint64_t)-EINTR;
        break;
    }
    frame->orig_rax = (uint64_t)-1; /* decided: a second handler finds the call done */
}

static void restart_without_handler(struct trapframe *frame)
{
    if (!trapframe_in_syscall(frame))
        return;
    switch ((int64_t)frame->rax) {
    case -ERESTARTNOINTR:
    case -ERESTARTSYS:
    case -ERESTARTNOHAND:
        repeat_syscall(frame, frame->orig_rax);
        frame->orig_rax = (uint64_t)-1;
        break;
    case -ERESTART_RESTARTBLOCK:
        repeat_syscall(frame, NR_restart_syscall);
        frame->orig_rax = (uint64_t)-1;
        break;
    }
}

/* restart_syscall(2): only the kernel asks for it, and only with a function set. */
long sys_restart_syscall(void)
{
    long (*fn)(struct thread *t) = current->restart.fn;

    current->restart.fn = NULL;
    return fn == NULL ? -EINTR : fn(current);
}

/* ---- delivery ------------------------------------------------------------------------------ */

static void signal_restore_mask(void)
{
    if (current->work & WORK_RESTORE_MASK) {
        thread_clear_work(current, WORK_RESTORE_MASK);
        signal_set_mask(current->saved_mask);
    }
}

/* The handler of `sig` cannot run as it should. */
static void force_segv(int sig)
{
    if (sig == SIGSEGV) /* no use trying again */
        current->sighand->actions[SIGSEGV].handler = SIG_DFL;
    signal_force(SIGSEGV, SI_KERNEL, 0);
}

static void run_handler(struct trapframe *frame, int sig, const struct siginfo *info,
                        const struct ksigaction *sa)
{
    struct thread *t = current;
    sigset_t mask = (t->work & WORK_RESTORE_MASK) ? t->saved_mask : t->blocked;

    restart_before_handler(frame, sa->flags);
    t->restart.fn = NULL;
    if (t->rseq != 0 && rseq_interrupted(frame) < 0)
        force_segv(sig);
    if (sigframe_push(frame, sa, info, mask) < 0) {
        force_segv(sig);
        return;
    }
    if (t->work & WORK_RESTORE_MASK) /* the frame has it now */
        thread_clear_work(t, WORK_RESTORE_MASK);
    signal_set_mask(t->blocked | sa->mask | ((sa->flags & SA_NODEFER) ? 0 : SIGMASK(sig)));
}

void signal_deliver(struct trapframe *frame)
{
    struct siginfo info;
    struct ksigaction sa;
    int sig = next_handled(&info, &sa);

    if (sig != 0) {
        run_handler(frame, sig, &info, &sa);
        return;
    }
    restart_without_handler(frame);
    signal_restore_mask();
}

void user_return_work(struct trapframe *frame)
{
    uint32_t work = READ_ONCE(current->work);

    if (work & WORK_SET_TID) {
        int32_t tid = pid_nr_current(current->pid);

        thread_clear_work(current, WORK_SET_TID);
        (void)put_user(current->set_child_tid, tid); /* a bad address is the program's affair */
    }
    if (work & WORK_RESCHED)
        schedule();
    if (work & WORK_FREEZE)
        (void)wait_event_killable(&freezer_wq, !(READ_ONCE(current->work) & WORK_FREEZE));
    if (work & (WORK_SIGNAL | WORK_RESTORE_MASK | WORK_FREEZE))
        signal_deliver(frame);
    if ((work & WORK_RSEQ) && rseq_interrupted(frame) < 0)
        signal_force(SIGSEGV, SI_KERNEL, 0);
    lock_assert_none();
}
