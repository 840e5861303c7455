/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * New threads and processes: clone(2), clone3(2), fork(2), vfork(2).
 *
 * A child is made of parts, each either shared with the parent or copied from
 * it, as the flags say: address space, descriptors, root and working directory,
 * signal dispositions, namespaces. All parts are made first; then, under
 * pid_lock and with nothing left that can fail, the child is linked into the
 * tree and becomes visible. It runs only after that.
 *
 * Copying may take longer than an interval timer's period. So what is pending at
 * the start is delivered first, and what comes later waits until the child is
 * there: for the parent, and if it went to several processes (a group), of which
 * the child is to be one, for both.
 */
#include <kernel/cgroup.h>
#include <kernel/files.h>
#include <kernel/fs.h>
#include <kernel/ipc.h>
#include <kernel/ns.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>
#include <kernel/vm.h>

#include <kernel/abi/process.h>
#include <kernel/abi/signal.h>

#include "pidfd.h"
#include "process.h"
#include "rseq.h"
#include "sched.h"
#include "sigqueue.h"

#define CLONE_NEW_KINDS                                                                            \
    (CLONE_NEWTIME | CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
     CLONE_NEWPID | CLONE_NEWNET)

struct clone_request {
    uint64_t flags; /* CLONE_*, without the signal */
    int exit_signal;
    uaddr_t stack; /* stack pointer; 0: the parent's */
    uaddr_t parent_tid, child_tid, pidfd;
    uint64_t tls;
};

/* ---- which combinations make sense --------------------------------------------------- */

static int check_flags(const struct clone_request *r)
{
    uint64_t f = r->flags;

    if ((f & (CLONE_NEWNS | CLONE_FS)) == (CLONE_NEWNS | CLONE_FS) ||
        (f & (CLONE_NEWUSER | CLONE_FS)) == (CLONE_NEWUSER | CLONE_FS))
        return -EINVAL;
    if (((f & CLONE_THREAD) && !(f & CLONE_SIGHAND)) || ((f & CLONE_SIGHAND) && !(f & CLONE_VM)))
        return -EINVAL;
    if ((f & CLONE_NEWIPC) && (f & CLONE_SYSVSEM))
        return -EINVAL;
    if ((f & CLONE_PARENT) && current->process->is_init)
        return -EINVAL;
    if ((f & CLONE_THREAD) && ((f & (CLONE_NEWUSER | CLONE_NEWPID)) != 0 ||
                               current->nsproxy->pid_for_children != current_pid_ns()))
        return -EINVAL;
    if ((f & CLONE_PIDFD) && (f & (CLONE_DETACHED | CLONE_THREAD)))
        return -EINVAL;
    if ((f & CLONE_SETTLS) && r->tls >= USER_TOP)
        return -EPERM;
    return 0;
}

/* RLIMIT_NPROC counts all threads of the user; walking them is only needed below the default. */
static int check_nproc(void)
{
    uint64_t limit = current->process->rlimits[RLIMIT_NPROC].cur, n = 0;
    struct process *p;
    irqflags_t flags;

    if (limit >= PID_MAX || uid_eq(current->cred->uid, KUID_ROOT) || capable(CAP_SYS_RESOURCE) ||
        capable(CAP_SYS_ADMIN))
        return 0;
    flags = spin_lock(&pid_lock);
    list_for_each (p, &process_list, all_link) {
        if (p->leader->cred != NULL && uid_eq(p->leader->cred->uid, current->cred->uid))
            n += p->nthreads;
    }
    spin_unlock(&pid_lock, flags);
    return n >= limit ? -EAGAIN : 0;
}

/* ---- the parts -------------------------------------------------------------------------- */

static int copy_files(struct thread *t, uint64_t flags)
{
    if (flags & CLONE_FILES) {
        files_get(current->files);
        t->files = current->files;
        return 0;
    }
    t->files = files_copy(current->files);
    return t->files == NULL ? -ENOMEM : 0;
}

static int copy_fs(struct thread *t, uint64_t flags)
{
    if (flags & CLONE_FS) {
        fs_struct_get(current->fs);
        t->fs = current->fs;
        return 0;
    }
    t->fs = fs_struct_copy(current->fs);
    return t->fs == NULL ? -ENOMEM : 0;
}

static int copy_sighand(struct thread *t, uint64_t flags, struct cgroup *cg)
{
    if (flags & CLONE_SIGHAND) {
        sighand_get(current->sighand);
        t->sighand = current->sighand;
        return 0;
    }
    t->sighand = sighand_create(cg);
    if (t->sighand == NULL)
        return -ENOMEM;
    memcpy(t->sighand->actions, current->sighand->actions, sizeof(t->sighand->actions));
    if (flags & CLONE_CLEAR_SIGHAND) {
        for (int sig = 1; sig < NSIG; sig++) {
            if (t->sighand->actions[sig].handler != SIG_IGN)
                t->sighand->actions[sig] = (struct ksigaction){.handler = SIG_DFL};
        }
    }
    return 0;
}

static int copy_mm(struct thread *t, uint64_t flags)
{
    if (flags & CLONE_VM) {
        mm_get(current->mm);
        t->mm = current->mm;
        return 0;
    }
    return mm_fork(current->mm, &t->mm);
}

static void copy_own_fields(struct thread *t, const struct clone_request *r)
{
    const struct thread *me = current;

    memcpy(t->comm, me->comm, sizeof(t->comm));
    cred_get(me->cred);
    t->cred = me->cred;
    t->blocked = me->blocked;
    t->arch.fs_base = (r->flags & CLONE_SETTLS) ? r->tls : me->arch.fs_base;
    t->arch.gs_base = me->arch.gs_base;
    t->parent_thread = current;
    if ((r->flags & (CLONE_VM | CLONE_VFORK)) != CLONE_VM) { /* a new stack: not on the old one */
        t->altstack_sp = me->altstack_sp;
        t->altstack_size = me->altstack_size;
        t->altstack_flags = me->altstack_flags;
    }
    if (!(r->flags & CLONE_VM))
        rseq_fork(t, me);
    if (r->flags & CLONE_CHILD_CLEARTID)
        t->clear_child_tid = r->child_tid;
    if (r->flags & CLONE_CHILD_SETTID) {
        t->set_child_tid = r->child_tid;
        t->work |= WORK_SET_TID;
    }
}

static void free_parts(struct thread *t)
{
    if (t->mm != NULL)
        mm_put(t->mm);
    t->mm = NULL;
    sem_exit(t); /* the parent has the list too, so nothing is applied */
    if (t->nsproxy != NULL)
        nsproxy_put(t->nsproxy);
    if (t->sighand != NULL)
        sighand_put(t->sighand);
    if (t->fs != NULL)
        fs_struct_put(t->fs);
    if (t->files != NULL)
        files_put(t->files);
    if (t->arch.fpu != NULL)
        arch_fpu_free(t);
}

static int make_parts(struct thread *t, const struct clone_request *r, struct cgroup *cg)
{
    int err = arch_fpu_fork(t, current, cg);

    if (err == 0)
        err = copy_files(t, r->flags);
    if (err == 0)
        err = copy_fs(t, r->flags);
    if (err == 0)
        err = copy_sighand(t, r->flags, cg);
    if (err == 0)
        err = nsproxy_copy(current->nsproxy, r->flags & CLONE_NEW_KINDS, t->fs, &t->nsproxy);
    if (err == 0)
        err = sem_clone(t, r->flags);
    if (err == 0)
        err = copy_mm(t, r->flags);
    if (err < 0)
        free_parts(t);
    return err;
}

/* The process that a child which is no thread becomes the first thread of. */
static struct process *make_process(struct thread *t, const struct clone_request *r, struct cgroup *cg)
{
    const struct process *me = current->process;
    struct process *p = process_alloc(cg, t->pid);

    if (p == NULL)
        return NULL;
    if (cgroup_attach_new(cg, p) < 0) {
        process_put(p);
        return NULL;
    }
    p->leader = t;
    p->sighand = t->sighand;
    p->mm = t->mm;
    p->exit_signal = r->exit_signal;
    p->personality = me->personality;
    p->dumpable = me->dumpable;
    p->oom_score_adj = me->oom_score_adj;
    p->is_init = t->pid->numbers[t->pid->level].nr == 1;
    p->is_unkillable = p->is_init;
    return p;
}

/* ---- becoming visible --------------------------------------------------------------------- */

/* [pid_lock] Cannot fail. */
static void link_process(struct process *p, uint64_t flags, const struct fork_signals *signals)
{
    struct process *me = current->process;
    struct process *parent = (flags & CLONE_PARENT) ? me->parent : me;
    struct pid_ns *ns = p->pid->numbers[p->pid->level].ns;

    memcpy(p->rlimits, me->rlimits, sizeof(p->rlimits));
    p->has_cpu_timers = p->rlimits[RLIMIT_CPU].cur != RLIM_INFINITY;
    if (flags & CLONE_PARENT)
        p->exit_signal = me->exit_signal;
    p->parent_exec_id = (flags & CLONE_PARENT) ? me->parent_exec_id : me->exec_id;
    if (me->tty != NULL) {
        tty_get(me->tty);
        p->tty = me->tty;
    }
    process_join_session(p, me->session);
    process_join_group(p, me->pgrp);
    p->parent = parent;
    list_add_tail(&parent->children, &p->sibling);
    list_add_tail(&process_list, &p->all_link);
    p->pid->process = p;
    p->sigqueue.pending = signals->set;
    if (p->is_init)
        ns->init = p;
}

/* [pid_lock] Cannot fail. */
static void link_thread(struct thread *t)
{
    struct process *p = t->process;
    irqflags_t flags = spin_lock(&t->sighand->lock);

    t->work |= current->work & WORK_SYSCALL;
    if (p->job == JOB_STOPPED) { /* a thread of a process that is about to stop */
        t->stop_counted = true;
        p->stop_left++;
    }
    signal_recalc(t);
    list_add_tail(&p->threads, &t->process_link);
    p->nthreads++;
    p->nlive++;
    t->pid->thread = t;
    spin_unlock(&t->sighand->lock, flags);
}

/* [pid_lock] The process may have moved to another group since its new thread was charged. */
static void move_charge(struct process *p, struct cgroup *charged)
{
    if (p->cgroup == charged)
        return;
    cgroup_force_pids(p->cgroup, 1);
    cgroup_uncharge_pids(charged, 1);
}

/* -ERESTARTNOINTR: the parent is to die, or its group is frozen, and the child would not know. */
static int publish(struct thread *t, uint64_t flags, struct cgroup *charged, const struct fork_signals *signals)
{
    irqflags_t lock_flags = spin_lock(&pid_lock);
    int err = 0;

    if (fatal_signal_pending(current) || (READ_ONCE(current->work) & WORK_FREEZE))
        err = -ERESTARTNOINTR;
    else if (t->pid->numbers[t->pid->level].ns->dying)
        err = -ENOMEM;
    else if (current->process->exec_thread != NULL && (flags & CLONE_THREAD))
        err = -EAGAIN;
    if (err == 0) {
        if (!(flags & CLONE_THREAD))
            link_process(t->process, flags, signals);
        else
            move_charge(t->process, charged);
        link_thread(t);
    }
    spin_unlock(&pid_lock, lock_flags);
    return err;
}

static void drop_pid(struct pid *pid)
{
    irqflags_t flags = spin_lock(&pid_lock);

    pid_detach_number(pid);
    spin_unlock(&pid_lock, flags);
    pid_put(pid);
}

/* Everything but the pids charge, which is the caller's. */
static int make_child(const struct clone_request *r, struct cgroup *cg, struct thread **out)
{
    struct thread *t = thread_alloc(cg);
    struct trapframe *frame;
    int err;

    if (t == NULL)
        return -ENOMEM;
    err = make_parts(t, r, cg);
    if (err < 0)
        goto free_thread;
    copy_own_fields(t, r);
    if (seccomp_fork != NULL)
        seccomp_fork(t, current);
    err = pid_alloc(t->nsproxy->pid_for_children, &t->pid);
    if (err < 0)
        goto drop_parts;

    t->process = current->process;
    if (r->flags & CLONE_THREAD) {
        process_get(t->process);
    } else {
        t->process = make_process(t, r, cg);
        if (t->process == NULL) {
            err = -ENOMEM;
            goto drop_number;
        }
        process_get(t->process); /* the thread's reference, beside the tree's */
    }

    arch_fork_frame(t, thread_frame(current));
    frame = thread_frame(t);
    if (r->stack != 0)
        frame->rsp = r->stack;
    sched_fork(t, current);
    *out = t;
    return 0;

drop_number:
    drop_pid(t->pid);
drop_parts:
    if (seccomp_free != NULL && t->seccomp != NULL)
        seccomp_free(t);
    cred_put(t->cred);
    free_parts(t);
free_thread:
    thread_free_unstarted(t);
    return err;
}

/* A child that nobody has seen yet. */
static void discard_child(struct thread *t, uint64_t flags)
{
    struct process *p = t->process;

    if (!(flags & CLONE_THREAD)) {
        cgroup_detach(p);
        process_put(p); /* the tree's reference */
    }
    process_put(p);
    if (seccomp_free != NULL && t->seccomp != NULL)
        seccomp_free(t);
    cred_put(t->cred);
    drop_pid(t->pid);
    free_parts(t);
    thread_free_unstarted(t);
}

/* vfork(2): the child has the parent's memory until it is done with it; or the parent is killed. */
static void wait_for_vfork(struct thread *child, struct vfork *v)
{
    irqflags_t flags;

    (void)wait_event_killable(&v->wq, READ_ONCE(v->done));
    flags = spin_lock(&pid_lock);
    child->vfork = NULL;
    spin_unlock(&pid_lock, flags);
}

static long make_and_start(const struct clone_request *r, const struct fork_signals *signals)
{
    struct cgroup *cg = current_cgroup();
    struct vfork vfork = {.done = false};
    struct file *pidfd_file = NULL;
    struct thread *t;
    int pidfd = -1, nr;
    long err;

    cgroup_get(cg);
    err = cgroup_charge_pids(cg, 1);
    if (err < 0)
        goto put_cgroup;
    err = make_child(r, cg, &t);
    if (err < 0)
        goto uncharge;
    if (r->flags & CLONE_PIDFD) {
        err = pidfd_prepare(t->process, O_CLOEXEC, &pidfd, &pidfd_file);
        if (err == 0)
            err = put_user(r->pidfd, pidfd);
        if (err < 0)
            goto discard;
    }
    nr = pid_nr_current(t->pid);
    if (r->flags & CLONE_PARENT_SETTID)
        (void)put_user(r->parent_tid, nr); /* as on Linux: the child is more important */
    if (r->flags & CLONE_VFORK) {
        wait_queue_init(&vfork.wq);
        t->vfork = &vfork;
        thread_get(t);
    }
    err = publish(t, r->flags, cg, signals);
    if (err < 0) {
        if (r->flags & CLONE_VFORK)
            t->vfork = NULL;
        goto discard;
    }
    if (pidfd_file != NULL)
        fd_publish(pidfd, pidfd_file);
    sched_start(t);
    if (r->flags & CLONE_VFORK) {
        wait_for_vfork(t, &vfork);
        thread_put(t);
    }
    cgroup_put(cg);
    return nr;

discard:
    if (pidfd >= 0)
        fd_unreserve(pidfd);
    if (pidfd_file != NULL)
        file_put(pidfd_file);
    discard_child(t, r->flags);
uncharge:
    cgroup_uncharge_pids(cg, 1);
put_cgroup:
    cgroup_put(cg);
    return err;
}

static long do_clone(const struct clone_request *r)
{
    struct fork_signals signals = {.set = 0};
    irqflags_t flags;
    long err = check_flags(r);

    if (err == 0)
        err = check_nproc();
    if (err < 0)
        return err;
    flags = spin_lock(&pid_lock);
    list_add_tail(&current->process->forks, &signals.link);
    spin_unlock(&pid_lock, flags);
    err = signal_pending(current) ? -ERESTARTNOINTR : make_and_start(r, &signals);
    flags = spin_lock(&pid_lock);
    list_remove(&signals.link);
    spin_unlock(&pid_lock, flags);
    return err;
}

/* ---- calls ------------------------------------------------------------------------------- */

#define OOM_TRIES   1000
#define GROUP_TRIES 2

/*
 * With no page left in the machine somebody must go, as for a page fault: the shell that is to set
 * things right needs processes. A group at its own limit gets -ENOMEM, but not at once: the machine
 * may have been full, and what somebody had is back already.
 */
static long clone_until_memory(const struct clone_request *r)
{
    long err = do_clone(r);
    unsigned in_group = 0;

    for (unsigned tries = 0; err == -ENOMEM && tries < OOM_TRIES; tries++) {
        if (!mm_is_short()) {
            if (++in_group > GROUP_TRIES)
                break;
            sched_yield();
        } else if (!cgroup_wait_for_memory(&cgroup_root)) {
            break;
        }
        err = do_clone(r);
    }
    return err;
}

long sys_fork(void)
{
    return clone_until_memory(&(struct clone_request){.exit_signal = SIGCHLD});
}

long sys_vfork(void)
{
    return clone_until_memory(&(struct clone_request){.flags = CLONE_VFORK | CLONE_VM, .exit_signal = SIGCHLD});
}

long sys_clone(uint64_t flags, uaddr_t stack, uaddr_t parent_tid, uaddr_t child_tid, uint64_t tls)
{
    flags &= UINT32_MAX;
    if ((flags & CLONE_PIDFD) && (flags & CLONE_PARENT_SETTID))
        return -EINVAL; /* both would use parent_tid */
    return clone_until_memory(&(struct clone_request){
        .flags = flags & ~CLONE_SIGNAL_MASK,
        .exit_signal = (int)(flags & CLONE_SIGNAL_MASK),
        .stack = stack,
        .parent_tid = parent_tid,
        .child_tid = child_tid,
        .pidfd = parent_tid,
        .tls = tls,
    });
}

/* A longer structure of a later kernel is understood if what we do not know is zero. */
static int copy_clone_args(struct abi_clone_args *args, uaddr_t uargs, size_t size)
{
    uint8_t rest;

    memset(args, 0, sizeof(*args));
    if (size > PAGE_SIZE)
        return -E2BIG;
    if (size < CLONE_ARGS_SIZE_VER0)
        return -EINVAL;
    if (copy_from_user(args, uargs, min(size, sizeof(*args))) < 0)
        return -EFAULT;
    for (size_t i = sizeof(*args); i < size; i++) {
        if (get_user(&rest, uargs + i) < 0)
            return -EFAULT;
        if (rest != 0)
            return -E2BIG;
    }
    return 0;
}

static int check_clone_args(const struct abi_clone_args *a)
{
    const uint64_t known = UINT32_MAX | CLONE_CLEAR_SIGHAND;

    if ((a->flags & ~known) != 0 || (a->flags & (CLONE_DETACHED | (CLONE_SIGNAL_MASK & ~CLONE_NEWTIME))))
        return -EINVAL;
    if (a->exit_signal >= NSIG || ((a->flags & (CLONE_THREAD | CLONE_PARENT)) && a->exit_signal != 0))
        return -EINVAL;
    if ((a->flags & CLONE_SIGHAND) && (a->flags & CLONE_CLEAR_SIGHAND))
        return -EINVAL;
    if ((a->flags & CLONE_PIDFD) && (a->flags & CLONE_PARENT_SETTID) && a->pidfd == a->parent_tid)
        return -EINVAL;
    if ((a->stack == 0) != (a->stack_size == 0) || !user_range_ok(a->stack, a->stack_size))
        return -EINVAL;
    if (a->set_tid != 0 || a->set_tid_size != 0) /* choosing numbers: for checkpoints only */
        return -EINVAL;
    return 0;
}

long sys_clone3(uaddr_t uargs, size_t size)
{
    struct abi_clone_args a;
    int err = copy_clone_args(&a, uargs, size);

    if (err == 0)
        err = check_clone_args(&a);
    if (err < 0)
        return err;
    return clone_until_memory(&(struct clone_request){
        .flags = a.flags,
        .exit_signal = (int)a.exit_signal,
        .stack = a.stack + a.stack_size,
        .parent_tid = a.parent_tid,
        .child_tid = a.child_tid,
        .pidfd = a.pidfd,
        .tls = a.tls,
    });
}

long sys_set_tid_address(uaddr_t addr)
{
    current->clear_child_tid = addr;
    return sys_gettid();
}
