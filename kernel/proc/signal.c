/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending signals: signal(7).
 *
 * A signal is pending in one of two sets, the process's or a single thread's,
 * until a thread that does not block it takes it on its way to user mode
 * (sigdeliver.c). Sending therefore means: set the bit, queue the siginfo,
 * choose a thread and make it look (WORK_SIGNAL, and a wake-up if it sleeps
 * interruptibly). Real-time signals queue once per sending, the others once.
 *
 * Three kinds act at once, on the sender's side:
 *  - what will kill the process marks it as exiting and all threads for SIGKILL;
 *  - SIGCONT takes pending stop signals away and wakes what is stopped;
 *  - stop signals take a pending SIGCONT away.
 *
 * An init (PID 1 of a namespace) is not hurt by default actions: its own
 * namespace cannot kill it. From outside, SIGKILL and SIGSTOP work.
 *
 * Locks: pid_lock holds the list of threads together, the sighand's lock the
 * queues and masks. Every sender takes both, in that order.
 */
#include <kernel/cgroup.h>
#include <kernel/log.h>
#include <kernel/proc.h>
#include <kernel/string.h>

#include <kernel/abi/signal.h>

#include "itimer.h"
#include "process.h"
#include "sched.h"
#include "sigqueue.h"

static struct kmem_cache *entry_cache, *sighand_cache;

void signal_init(void)
{
    entry_cache = kmem_cache_create("sigqueue", sizeof(struct sigqueue_entry), 8);
    sighand_cache = kmem_cache_create("sighand", sizeof(struct sighand), 8);
}

/* ---- dispositions --------------------------------------------------------------- */

struct sighand *sighand_create(struct cgroup *cg)
{
    struct sighand *sh = kmem_cache_zalloc_for(sighand_cache, cg);

    if (sh == NULL)
        return NULL;
    refcount_init(&sh->refs, 1);
    spin_init(&sh->lock);
    return sh;
}

void sighand_get(struct sighand *sh)
{
    refcount_get(&sh->refs);
}

void sighand_put(struct sighand *sh)
{
    if (refcount_put(&sh->refs))
        kmem_cache_free(sighand_cache, sh);
}

static bool is_fatal_by_default(int sig)
{
    return (SIGMASK(sig) & (SIG_DEFAULT_IGNORE | SIG_DEFAULT_STOP)) == 0;
}

/* [s] Would it make no difference to send it? What a thread blocks may be wanted later. */
static bool is_ignored(const struct process *p, const struct thread *t, int sig,
                       enum signal_origin origin)
{
    uint64_t handler = p->sighand->actions[sig].handler;
    bool only_kernel = sig == SIGKILL || sig == SIGSTOP;

    if ((t->blocked | t->wait_set) & SIGMASK(sig))
        return false;
    if (p->is_unkillable && handler == SIG_DFL &&
        !(origin == SIGNAL_FROM_KERNEL && only_kernel))
        return true;
    return handler == SIG_IGN ||
           (handler == SIG_DFL && (SIGMASK(sig) & SIG_DEFAULT_IGNORE) != 0);
}

bool signal_is_ignored_or_blocked(int sig)
{
    struct thread *t = current;
    irqflags_t flags = spin_lock(&t->sighand->lock);
    bool yes = (t->blocked & SIGMASK(sig)) != 0 || t->sighand->actions[sig].handler == SIG_IGN;

    spin_unlock(&t->sighand->lock, flags);
    return yes;
}

/* ---- queues ------------------------------------------------------------------------ */

struct sigqueue_entry *sigqueue_entry_create(struct cgroup *cg)
{
    struct sigqueue_entry *e = kmem_cache_zalloc_for(entry_cache, cg);

    if (e != NULL)
        list_init(&e->link);
    return e;
}

void sigqueue_entry_orphan(struct sigqueue *q, struct sigqueue_entry *e)
{
    if (list_is_empty(&e->link)) {
        kmem_cache_free(entry_cache, e);
        return;
    }
    e->timer = NULL;
    q->count++;
}

/* [s] Out of the queue; a timer's stays the timer's. */
static void remove_entry(struct sigqueue *q, struct sigqueue_entry *e)
{
    list_remove(&e->link);
    if (e->timer != NULL) {
        list_init(&e->link);
        return;
    }
    q->count--;
    kmem_cache_free(entry_cache, e);
}

void sigqueue_flush(struct sigqueue *q, sigset_t set)
{
    struct sigqueue_entry *e, *next;

    q->pending &= ~set;
    list_for_each_safe (e, next, &q->infos, link) {
        if (SIGMASK(e->info.si_signo) & set)
            remove_entry(q, e);
    }
}

/* [s] -EAGAIN: a real-time signal found the queue full; others then go without their siginfo. */
static int sigqueue_add(struct process *p, struct sigqueue *q, int sig, const struct siginfo *info)
{
    struct sigqueue_entry *e = NULL;

    if (sig < SIGRTMIN && (q->pending & SIGMASK(sig)) != 0)
        return 0;
    if (sig != SIGKILL && q->count < p->rlimits[RLIMIT_SIGPENDING].cur)
        e = sigqueue_entry_create(p->cgroup == NULL ? &cgroup_root : p->cgroup);
    if (e != NULL) {
        e->info = *info;
        list_add_tail(&q->infos, &e->link);
        q->count++;
    } else if (sig >= SIGRTMIN && info->si_code != SI_USER && info->si_code != SI_KERNEL) {
        return -EAGAIN;
    }
    q->pending |= SIGMASK(sig);
    return 0;
}

static void sigqueue_add_own(struct sigqueue *q, struct sigqueue_entry *e)
{
    assert(list_is_empty(&e->link));
    list_add_tail(&q->infos, &e->link);
    q->pending |= SIGMASK(e->info.si_signo);
}

static int lowest_signal(sigset_t set)
{
    if (set & SIG_SYNCHRONOUS)
        set &= SIG_SYNCHRONOUS;
    return __builtin_ctzll(set) + 1;
}

/* [s] 0 when nothing of `wanted` is pending. */
static int sigqueue_take(struct sigqueue *q, sigset_t wanted, struct siginfo *info)
{
    struct sigqueue_entry *e, *found = NULL;
    bool more = false;
    int sig;

    if ((q->pending & wanted) == 0)
        return 0;
    sig = lowest_signal(q->pending & wanted);
    list_for_each (e, &q->infos, link) {
        if (e->info.si_signo != sig)
            continue;
        if (found != NULL) {
            more = true;
            break;
        }
        found = e;
    }
    if (!more)
        q->pending &= ~SIGMASK(sig);
    if (found == NULL) {
        memset(info, 0, sizeof(*info));
        info->si_signo = sig;
        info->si_code = SI_USER;
        return sig;
    }
    *info = found->info;
    if (found->timer != NULL)
        posix_timer_taken(found->timer, info);
    remove_entry(q, found);
    return sig;
}

int signal_dequeue(struct thread *t, sigset_t wanted, struct siginfo *info)
{
    int sig;

    assert_locked(&t->sighand->lock);
    sig = sigqueue_take(&t->sigqueue, wanted, info);
    if (sig != 0)
        return sig;
    sig = sigqueue_take(&t->process->sigqueue, wanted, info);
    if (sig == SIGALRM)
        itimer_real_taken(t->process);
    return sig;
}

int signal_take(sigset_t set, struct siginfo *info)
{
    struct thread *t = current;
    irqflags_t flags = spin_lock(&t->sighand->lock);
    int sig = signal_dequeue(t, set & ~SIG_UNBLOCKABLE, info);

    signal_recalc(t);
    spin_unlock(&t->sighand->lock, flags);
    return sig;
}

sigset_t signal_pending_set(void)
{
    return READ_ONCE(current->sigqueue.pending) | READ_ONCE(current->process->sigqueue.pending);
}

/* ---- making threads look ---------------------------------------------------------------- */

void signal_recalc(struct thread *t)
{
    struct process *p = t->process;
    sigset_t pending = t->sigqueue.pending | p->sigqueue.pending;

    if ((pending & ~t->blocked) != 0 || p->job == JOB_STOPPED)
        thread_set_work(t, WORK_SIGNAL);
    else if (t->work & WORK_SIGNAL)
        thread_clear_work(t, WORK_SIGNAL);
}

bool signal_pending(struct thread *t)
{
    return (READ_ONCE(t->work) & (WORK_SIGNAL | WORK_FREEZE)) != 0;
}

bool fatal_signal_pending(struct thread *t)
{
    return (READ_ONCE(t->sigqueue.pending) & SIGMASK(SIGKILL)) != 0;
}

static void make_look(struct thread *t, uint64_t wake_states)
{
    thread_set_work(t, WORK_SIGNAL);
    if (!sched_wakeup_states(t, wake_states))
        thread_kick(t);
}

void signal_kill_threads(struct process *p, const struct thread *but)
{
    struct thread *t;

    list_for_each (t, &p->threads, process_link) {
        if (t == but || t->exiting)
            continue;
        t->sigqueue.pending |= SIGMASK(SIGKILL);
        make_look(t, WAKE_FATAL);
    }
}

static bool can_take(const struct thread *t, int sig)
{
    if (t->exiting)
        return false;
    if (sig == SIGKILL)
        return true;
    if (t->state == THREAD_STOPPED) /* it waits with everything until SIGCONT */
        return false;
    return !(t->blocked & SIGMASK(sig)) || (t->wait_set & SIGMASK(sig)) != 0;
}

static struct thread *choose_thread(struct process *p, int sig)
{
    struct thread *t;

    if (can_take(p->leader, sig))
        return p->leader;
    list_for_each (t, &p->threads, process_link) {
        if (can_take(t, sig))
            return t;
    }
    return NULL; /* everybody blocks it: whoever unblocks it first */
}

static void wake_receiver(struct process *p, struct thread *only, int sig)
{
    struct thread *t = only == NULL ? choose_thread(p, sig) : can_take(only, sig) ? only : NULL;

    wake_up(&p->signal_wq);
    if (t == NULL)
        return;
    if (is_fatal_by_default(sig) && p->sighand->actions[sig].handler == SIG_DFL &&
        !(t->wait_set & SIGMASK(sig)) && !p->exiting) {
        p->exiting = true;
        p->exit_code = sig;
        p->job = JOB_RUNNING;
        signal_kill_threads(p, NULL);
        return;
    }
    make_look(t, sig == SIGKILL ? WAKE_FATAL : WAKE_SIGNAL);
}

/* ---- sending ----------------------------------------------------------------------------- */

static void flush_everywhere(struct process *p, sigset_t set)
{
    struct thread *t;

    sigqueue_flush(&p->sigqueue, set);
    list_for_each (t, &p->threads, process_link)
        sigqueue_flush(&t->sigqueue, set);
}

/* [s] What SIGCONT and the stop signals do even when blocked or ignored. True: the process goes on. */
static bool job_control(struct process *p, int sig)
{
    struct thread *t;
    bool was_stopped;

    if (SIGMASK(sig) & SIG_DEFAULT_STOP) {
        flush_everywhere(p, SIGMASK(SIGCONT));
        return false;
    }
    if (sig != SIGCONT)
        return false;
    flush_everywhere(p, SIG_DEFAULT_STOP);
    if (p->job != JOB_STOPPED)
        return false;
    was_stopped = p->stop_left == 0;
    p->job = JOB_CONTINUED;
    p->job_reported = !was_stopped;
    p->stop_left = 0;
    list_for_each (t, &p->threads, process_link) {
        t->stop_counted = false;
        signal_recalc(t);
        sched_wakeup_states(t, WAKE_STOPPED);
    }
    return was_stopped;
}

/* Who sent it, as the receiver knows him; 0 from outside its namespace. */
static void name_sender(struct siginfo *info, const struct process *to, enum signal_origin *origin)
{
    const struct pid *pid = to->pid;
    int nr;

    if (*origin == SIGNAL_FROM_KERNEL || (info->si_code != SI_USER && info->si_code != SI_TKILL &&
                                          info->si_code != SI_QUEUE))
        return;
    nr = pid_nr_in(current->process->pid, pid->numbers[pid->level].ns);
    if (nr == 0)
        *origin = SIGNAL_FROM_KERNEL; /* as strong as the kernel's: an outer namespace's */
    if (nr == 0 || info->si_code != SI_QUEUE)
        info->kill.pid = nr;
}

/* `own`: the entry of the timer that sends; NULL: one is made. */
static int send(struct process *p, struct thread *only, const struct siginfo *info,
                struct sigqueue_entry *own, enum signal_origin origin)
{
    struct sigqueue *q = only != NULL ? &only->sigqueue : &p->sigqueue;
    irqflags_t flags = spin_lock(&p->sighand->lock);
    int sig = info->si_signo, err = 0;
    bool continued = job_control(p, sig);

    if (!is_ignored(p, only != NULL ? only : p->leader, sig, origin)) {
        if (own != NULL)
            sigqueue_add_own(q, own);
        else
            err = sigqueue_add(p, q, sig, info);
        if (err == 0)
            wake_receiver(p, only, sig);
    }
    spin_unlock(&p->sighand->lock, flags);
    if (continued)
        notify_parent(p, CLD_CONTINUED, SIGCONT);
    return err;
}

int signal_send_locked(struct process *p, struct thread *only, int sig, const struct siginfo *given,
                       enum signal_origin origin)
{
    struct siginfo info;

    assert_locked(&pid_lock);
    if (p->zombie || p->nthreads == 0)
        return 0;
    if (given != NULL) {
        info = *given;
        name_sender(&info, p, &origin);
    } else {
        info = (struct siginfo){.si_code = SI_KERNEL};
    }
    info.si_signo = sig;
    return send(p, only, &info, NULL, origin);
}

int signal_send_member(struct process *p, int sig, const struct siginfo *info, enum signal_origin origin)
{
    struct fork_signals *f;

    assert_locked(&pid_lock);
    list_for_each (f, &p->forks, link) {
        if (SIGMASK(sig) & SIG_DEFAULT_STOP)
            f->set &= ~SIGMASK(SIGCONT);
        if (sig == SIGCONT)
            f->set &= ~SIG_DEFAULT_STOP;
        f->set |= SIGMASK(sig);
    }
    return signal_send_locked(p, NULL, sig, info, origin);
}

void signal_send_timer(struct process *p, struct thread *only, struct sigqueue_entry *e)
{
    assert_locked(&pid_lock);
    if (!p->zombie && p->nthreads != 0)
        (void)send(p, only, &e->info, e, SIGNAL_FROM_USER); /* does not fail with an entry of its own */
}

static enum signal_origin origin_of(const struct siginfo *info)
{
    return info == NULL || info->si_code > 0 ? SIGNAL_FROM_KERNEL : SIGNAL_FROM_USER;
}

int signal_send_thread(struct thread *t, int sig, const struct siginfo *info)
{
    irqflags_t flags = spin_lock(&pid_lock);
    int err = signal_send_locked(t->process, t, sig, info, origin_of(info));

    spin_unlock(&pid_lock, flags);
    return err;
}

int signal_send_process_locked(struct process *p, int sig, const struct siginfo *info)
{
    return signal_send_locked(p, NULL, sig, info, origin_of(info));
}

int signal_send_process(struct process *p, int sig, const struct siginfo *info)
{
    irqflags_t flags = spin_lock(&pid_lock);
    int err = signal_send_process_locked(p, sig, info);

    spin_unlock(&pid_lock, flags);
    return err;
}

int signal_send_pgrp(struct pid *pgrp, int sig, const struct siginfo *info)
{
    irqflags_t flags = spin_lock(&pid_lock);
    struct process *p;
    int n = 0;

    list_for_each (p, &pgrp->pgrp, pgrp_link) {
        if (signal_send_member(p, sig, info, origin_of(info)) == 0)
            n++;
    }
    spin_unlock(&pid_lock, flags);
    return n == 0 ? -ESRCH : n;
}

/*
 * A line in the kernel's log about a fault that nobody handles, so that `dmesg` tells where a program
 * died. Programs can fault as fast as they fork: a few lines every few seconds, the rest is dropped.
 */
static void log_unhandled(struct thread *t, int sig, uint64_t addr)
{
    static struct {
        struct spinlock lock;
        uint64_t since; /* [lock] ktime_ns() of the first line of this interval */
        unsigned lines; /* [lock] in this interval */
    } limit;
    const struct trapframe *frame = thread_frame(t);
    irqflags_t flags = spin_lock(&limit.lock);
    uint64_t now = ktime_ns();
    bool is_quiet;

    if (now - limit.since > 5 * NSEC_PER_SEC) {
        limit.since = now;
        limit.lines = 0;
    }
    is_quiet = limit.lines++ >= 10;
    spin_unlock(&limit.lock, flags);
    if (!is_quiet)
        log_info("%s[%d]: signal %d, exception %lu at 0x%lx, ip 0x%lx sp 0x%lx error 0x%lx\n", t->comm,
                 t->pid->numbers[0].nr, sig, frame->vector, addr, frame->rip, frame->rsp, frame->error_code);
}

void signal_force(int sig, int code, uint64_t addr)
{
    struct thread *t = current;
    struct siginfo info = {.si_signo = sig, .si_code = code, .fault = {.addr = addr}};
    struct ksigaction *sa = &t->sighand->actions[sig];
    bool is_trap = thread_frame(t)->vector != TRAP_SYSCALL; /* else a system call's doing */
    irqflags_t flags = spin_lock(&pid_lock), sh_flags;
    bool is_unhandled;

    t->trap.vector = is_trap ? thread_frame(t)->vector : 0;
    t->trap.error_code = is_trap ? thread_frame(t)->error_code : 0;
    t->trap.addr = addr;

    sh_flags = spin_lock(&t->sighand->lock);
    if ((t->blocked & SIGMASK(sig)) != 0 || sa->handler == SIG_IGN) {
        sa->handler = SIG_DFL; /* the instruction would only fault again, for ever */
        t->blocked &= ~SIGMASK(sig);
        signal_recalc(t);
    }
    is_unhandled = sa->handler == SIG_DFL;
    if (is_unhandled)
        t->process->is_unkillable = false; /* not even an init survives its own faults */
    spin_unlock(&t->sighand->lock, sh_flags);

    (void)signal_send_locked(t->process, t, sig, &info, SIGNAL_FROM_KERNEL);
    spin_unlock(&pid_lock, flags);
    if (is_unhandled)
        log_unhandled(t, sig, addr);
}

/* ---- masks and life cycle ---------------------------------------------------------------- */

/* [s] Signals of the process that this thread no longer takes: somebody else shall look. */
static void hand_over(struct thread *t, sigset_t set)
{
    struct process *p = t->process;
    struct thread *other;

    set &= p->sigqueue.pending;
    if (set == 0)
        return;
    list_for_each (other, &p->threads, process_link) {
        if (other == t || other->exiting || (set & ~other->blocked) == 0)
            continue;
        set &= other->blocked;
        make_look(other, WAKE_SIGNAL);
    }
}

void signal_set_mask(sigset_t mask)
{
    struct thread *t = current;
    bool alone = t->process->nthreads == 1;
    irqflags_t pid_flags = 0, flags;

    mask &= ~SIG_UNBLOCKABLE;
    if (!alone)
        pid_flags = spin_lock(&pid_lock);
    flags = spin_lock(&t->sighand->lock);
    if (!alone)
        hand_over(t, mask & ~t->blocked);
    t->blocked = mask;
    signal_recalc(t);
    spin_unlock(&t->sighand->lock, flags);
    if (!alone)
        spin_unlock(&pid_lock, pid_flags);
}

void signal_set_temporary_mask(sigset_t mask)
{
    current->saved_mask = current->blocked;
    thread_set_work(current, WORK_RESTORE_MASK);
    signal_set_mask(mask);
}

void signal_thread_exits(struct thread *t)
{
    struct process *p = t->process;
    irqflags_t flags;
    bool stopped = false;

    assert_locked(&pid_lock);
    flags = spin_lock(&t->sighand->lock);
    t->exiting = true;
    hand_over(t, ~t->blocked);
    if (t->stop_counted) {
        t->stop_counted = false;
        stopped = --p->stop_left == 0 && p->job == JOB_STOPPED;
        if (stopped)
            p->job_reported = false;
    }
    spin_unlock(&t->sighand->lock, flags);
    if (stopped)
        notify_parent(p, CLD_STOPPED, p->stop_signal);
}

/* execve(2): handlers are gone with the old program; what is ignored stays ignored. */
void signal_exec_reset(void)
{
    struct thread *t = current;
    irqflags_t flags = spin_lock(&t->sighand->lock);

    for (int sig = 1; sig < NSIG; sig++) {
        struct ksigaction *sa = &t->sighand->actions[sig];
        uint64_t handler = sa->handler == SIG_IGN ? SIG_IGN : SIG_DFL;

        *sa = (struct ksigaction){.handler = handler};
    }
    t->altstack_sp = t->altstack_size = 0;
    t->altstack_flags = SS_DISABLE;
    spin_unlock(&t->sighand->lock, flags);
}
