/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of threads and processes.
 *
 * A thread gives back what it holds, then leaves its process. The last one
 * leaves a zombie: the process without memory and files, kept for its number
 * and its exit status until the parent waits for it (reap.c). The leader's
 * struct thread stays with the zombie, so that /proc has something to show.
 *
 * Children go to the nearest ancestor that has asked for them (PR_SET_CHILD_
 * SUBREAPER), else to the namespace's init. When an init exits, everything in
 * its namespace is killed first, so nothing is ever left without a parent.
 */
#include <kernel/cgroup.h>
#include <kernel/files.h>
#include <kernel/ipc.h>
#include <kernel/log.h>
#include <kernel/ns.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>
#include <kernel/vm.h>

#include <kernel/abi/process.h>

#include "futex.h"
#include "itimer.h"
#include "process.h"
#include "sched.h"
#include "sigqueue.h"

/* ---- telling the parent ---------------------------------------------------------------- */

/* The signal that clone(2) was told, as long as the parent is the program that chose it: what it has
 * become since, with other rights perhaps, gets SIGCHLD. */
static int exit_signal_of(const struct process *p)
{
    return p->parent_exec_id == p->parent->exec_id ? p->exit_signal : SIGCHLD;
}

static bool parent_ignores_exit(const struct process *p)
{
    const struct ksigaction *sa = &p->parent->sighand->actions[SIGCHLD];

    return exit_signal_of(p) == SIGCHLD &&
           (sa->handler == SIG_IGN || (sa->flags & SA_NOCLDWAIT) != 0);
}

static void child_siginfo(const struct process *p, int code, int status, struct siginfo *info)
{
    const struct pid *parent_pid = p->parent->pid;
    uint64_t user, system;

    process_times((struct process *)p, &user, &system);
    memset(info, 0, sizeof(*info));
    info->si_code = code;
    info->chld.pid = pid_nr_in(p->pid, parent_pid->numbers[parent_pid->level].ns);
    info->chld.uid = p->leader->cred->uid.val;
    info->chld.status = status;
    info->chld.utime = (int64_t)(user / (NSEC_PER_SEC / USER_HZ));
    info->chld.stime = (int64_t)(system / (NSEC_PER_SEC / USER_HZ));
}

void notify_parent(struct process *p, int code, int status)
{
    struct process *parent = p->parent;
    bool is_exit = code == CLD_EXITED || code == CLD_KILLED || code == CLD_DUMPED;
    int sig = is_exit ? exit_signal_of(p) : SIGCHLD;
    const struct ksigaction *sa = &parent->sighand->actions[SIGCHLD];
    struct siginfo info;

    assert_locked(&pid_lock);
    if (parent == &kernel_process)
        return;
    if (signal_is_valid(sig) && (is_exit || !(sa->flags & SA_NOCLDSTOP))) {
        child_siginfo(p, code, status, &info);
        (void)signal_send_locked(parent, NULL, sig, &info, SIGNAL_FROM_KERNEL);
    }
    wake_up(&parent->child_wq);
}

static void notify_exit(struct process *p)
{
    int sig = p->exit_code & 0x7f;

    if (sig == 0)
        notify_parent(p, CLD_EXITED, p->exit_code >> 8 & 0xff);
    else
        notify_parent(p, CLD_KILLED, sig);
}

/* ---- leaving the tree --------------------------------------------------------------------- */

static void add_to_process(struct process *p, struct thread *t)
{
    uint64_t user, system;

    thread_times(t, &user, &system);
    p->utime_ns += user;
    p->stime_ns += system;
    p->min_flt += t->min_flt;
    p->maj_flt += t->maj_flt;
    p->nvcsw += t->nvcsw;
    p->nivcsw += t->nivcsw;
}

/* [pid_lock] Where its threads are charged: also those that leave after the last one has begun to. */
static struct cgroup *charged_group(const struct process *p)
{
    return p->cgroup != NULL ? p->cgroup : p->pids_cgroup;
}

void thread_unlink(struct thread *t)
{
    struct process *p = t->process;

    assert_locked(&pid_lock);
    add_to_process(p, t);
    sched_leave_group(t);
    list_remove(&t->process_link);
    p->nthreads--;
    if (t != p->leader) {
        t->pid->thread = NULL;
        pid_detach_number(t->pid);
        cgroup_uncharge_pids(charged_group(p), 1);
    }
    if (p->exec_thread != NULL)
        wake_up(&p->exec_wq);
}

void process_unlink(struct process *p)
{
    struct process *parent = p->parent;
    struct pid_ns *ns = p->pid->numbers[p->pid->level].ns;

    assert_locked(&pid_lock);
    parent->cutime_ns += p->utime_ns + p->cutime_ns;
    parent->cstime_ns += p->stime_ns + p->cstime_ns;
    parent->cmin_flt += p->min_flt + p->cmin_flt;
    parent->cmaj_flt += p->maj_flt + p->cmaj_flt;
    parent->cnvcsw += p->nvcsw + p->cnvcsw;
    parent->cnivcsw += p->nivcsw + p->cnivcsw;
    parent->cmaxrss_pages = max(parent->cmaxrss_pages, max(p->maxrss_pages, p->cmaxrss_pages));

    list_remove(&p->sibling);
    list_remove(&p->all_link);
    if (ns->init == p)
        ns->init = NULL;
    p->pid->process = NULL;
    p->pid->thread = NULL;
    process_leave_groups(p);
    pid_detach_number(p->pid);
    /* A dying namespace's init waits for the numbers in it, on every level. */
    for (; ns != NULL; ns = ns->parent) {
        if (ns->dying && ns->init != NULL)
            wake_up(&ns->init->child_wq);
    }
}

void process_release(struct process *p)
{
    cgroup_uncharge_pids(p->pids_cgroup, 1);
    cgroup_put(p->pids_cgroup);
    thread_put(p->leader);
    process_put(p);
}

/* ---- orphans --------------------------------------------------------------------------------- */

static bool has_stopped_member(const struct pid *pgrp)
{
    const struct process *p;

    list_for_each (p, &pgrp->pgrp, pgrp_link) {
        if (p->job == JOB_STOPPED)
            return true;
    }
    return false;
}

/*
 * A process's exit, or its child's move to another parent, may leave a group
 * without anybody to continue it. If it has stopped jobs: SIGHUP, SIGCONT.
 */
static void wake_orphaned_group(struct process *p, const struct process *parent,
                                const struct process *exiting)
{
    struct pid *pgrp = p->pgrp;
    struct process *member;

    if (parent == &kernel_process || parent->pgrp == pgrp || parent->session != p->session ||
        !pgrp_is_orphaned(pgrp, exiting) || !has_stopped_member(pgrp))
        return;
    list_for_each (member, &pgrp->pgrp, pgrp_link) {
        (void)signal_send_member(member, SIGHUP, NULL, SIGNAL_FROM_KERNEL);
        (void)signal_send_member(member, SIGCONT, NULL, SIGNAL_FROM_KERNEL);
    }
}

static struct process *find_reaper(const struct process *p)
{
    const struct pid_ns *ns = p->pid->numbers[p->pid->level].ns;
    struct process *a;

    for (a = p->parent; a != NULL && a != &kernel_process && a != ns->init; a = a->parent) {
        if (a->pid->numbers[a->pid->level].ns != ns)
            break;
        if (a->is_subreaper && a->nlive > 0)
            return a;
    }
    return ns->init != NULL && ns->init != p ? ns->init : pid_ns_init.init;
}

/* PR_SET_PDEATHSIG: the thread that forked them exits. */
static void send_death_signals(struct process *p, const struct thread *t)
{
    struct process *child;
    struct thread *ct;

    list_for_each (child, &p->children, sibling) {
        list_for_each (ct, &child->threads, process_link) {
            if (ct->parent_thread == t && ct->pdeath_signal != 0)
                (void)signal_send_locked(child, NULL, ct->pdeath_signal,
                                         &(struct siginfo){.si_code = SI_USER}, SIGNAL_FROM_KERNEL);
        }
    }
}

/* [pid_lock] Zombies whose new parent does not want to know are put on `done`. */
static void give_children_away(struct process *p, struct list_node *done)
{
    struct process *child, *next, *reaper;

    if (list_is_empty(&p->children))
        return;
    reaper = find_reaper(p);
    list_for_each_safe (child, next, &p->children, sibling) {
        struct process *old = child->parent;

        list_remove(&child->sibling);
        list_add_tail(&reaper->children, &child->sibling);
        child->parent = reaper;
        if (child->exit_signal != 0)
            child->exit_signal = SIGCHLD;
        if (child->zombie) {
            notify_exit(child);
            if (parent_ignores_exit(child)) {
                process_unlink(child);
                list_add_tail(done, &child->sibling);
            }
        } else {
            wake_orphaned_group(child, old, NULL);
        }
    }
}

static void release_list(struct list_node *done)
{
    struct process *p, *next;

    list_for_each_safe (p, next, done, sibling) {
        list_remove(&p->sibling);
        process_release(p);
    }
}

/* ---- the end of a namespace --------------------------------------------------------------------- */

static void kill_namespace(struct pid_ns *ns, const struct process *init)
{
    irqflags_t flags = spin_lock(&pid_lock);
    struct pid_number *n;

    ns->dying = true;
    init->sighand->actions[SIGCHLD].handler = SIG_IGN; /* children that exit go at once */
    list_for_each (n, &ns->numbers, link) {
        struct process *p = n->pid->process;

        if (p != NULL && p != init)
            (void)signal_send_locked(p, NULL, SIGKILL, NULL, SIGNAL_FROM_KERNEL);
    }
    spin_unlock(&pid_lock, flags);
}

/* Numbers that init itself still has: its threads', and its leader's until it is waited for. */
static unsigned own_numbers(const struct process *init)
{
    return init->nthreads + list_is_empty(&init->leader->process_link);
}

/* Wait for the zombies that there are; true: nobody else has a number here. */
static bool reap_children(struct pid_ns *ns, struct process *init)
{
    struct list_node done = LIST_INIT(done);
    irqflags_t flags = spin_lock(&pid_lock);
    struct process *child, *next;
    bool alone;

    list_for_each_safe (child, next, &init->children, sibling) {
        if (child->zombie) {
            process_unlink(child);
            list_add_tail(&done, &child->sibling);
        }
    }
    alone = ns->count <= own_numbers(init);
    spin_unlock(&pid_lock, flags);
    release_list(&done);
    return alone;
}

/* The last thread of an init. */
static void end_namespace(struct process *p)
{
    struct pid_ns *ns = p->pid->numbers[p->pid->level].ns;

    if (ns == &pid_ns_init) {
        if (p->exit_code & 0x7f)
            panic("init was killed by signal %d", p->exit_code & 0x7f);
        panic("init exited with status %d", p->exit_code >> 8 & 0xff);
    }
    kill_namespace(ns, p);
    wait_event(&p->child_wq, reap_children(ns, p));
    if (ns->reboot_signal != 0)
        p->exit_code = ns->reboot_signal;
}

/* ---- what a thread holds ----------------------------------------------------------------------- */

void vfork_done(struct thread *t)
{
    irqflags_t flags;
    struct vfork *v;

    if (READ_ONCE(t->vfork) == NULL)
        return;
    flags = spin_lock(&pid_lock); /* keeps the parent, and its stack, where they are */
    v = t->vfork;
    t->vfork = NULL;
    if (v != NULL) {
        WRITE_ONCE(v->done, true);
        wake_up(&v->wq);
    }
    spin_unlock(&pid_lock, flags);
}

void thread_leave_mm(struct thread *t)
{
    futex_exit_robust(t);
    if (t->clear_child_tid != 0 && refcount_read(&t->mm->users) > 1) {
        (void)put_user(t->clear_child_tid, (uint32_t)0); /* nobody to tell if it is gone */
        (void)futex_wake_user(t->clear_child_tid, 1);
    }
    t->clear_child_tid = 0;
    vfork_done(t);
}

static void drop_mm(struct thread *t, bool last)
{
    struct process *p = t->process;
    struct mm *mm = t->mm;
    irqflags_t flags;

    if (mm == NULL)
        return;
    flags = spin_lock(&pid_lock);
    p->freeing_mm++;
    spin_unlock(&pid_lock, flags);
    thread_leave_mm(t);
    flags = spin_lock(&pid_lock);
    p->maxrss_pages = max(p->maxrss_pages, mm->hiwater_rss);
    if (last)
        p->mm = NULL;
    t->mm = NULL;
    spin_unlock(&pid_lock, flags);
    mm_switch(NULL);
    mm_put(mm);
    flags = spin_lock(&pid_lock);
    p->freeing_mm--;
    spin_unlock(&pid_lock, flags);
}

static void drop_parts(struct thread *t)
{
    struct files *files = t->files;
    struct fs_struct *fs = t->fs;
    struct nsproxy *nsproxy = t->nsproxy;
    irqflags_t flags;

    sem_exit(t);
    flags = spin_lock(&pid_lock);
    t->files = NULL;
    spin_unlock(&pid_lock, flags);
    files_put(files); /* closing may look at root and namespaces */

    flags = spin_lock(&pid_lock);
    t->fs = NULL;
    t->nsproxy = NULL;
    spin_unlock(&pid_lock, flags);
    fs_struct_put(fs);
    nsproxy_put(nsproxy);
    if (seccomp_free != NULL && t->seccomp != NULL)
        seccomp_free(t);
}

/* What belongs to the process as a whole. */
static void drop_process_parts(struct process *p)
{
    irqflags_t flags;
    struct tty *tty;

    itimers_cancel(p);
    posix_timers_delete(p);
    if (READ_ONCE(p->tty) != NULL || READ_ONCE(p->hung_up_pgrp) != NULL) { /* set in the other order */
        tty_session_end(p); /* nothing unless it leads the session */
        flags = spin_lock(&pid_lock);
        tty = p->tty;
        p->tty = NULL;
        spin_unlock(&pid_lock, flags);
        if (tty != NULL)
            tty_put(tty);
    }
}

static void leave_cgroup(struct process *p)
{
    irqflags_t flags = spin_lock(&pid_lock); /* against cgroup_move() */

    p->pids_cgroup = p->cgroup; /* a zombie still counts as a process */
    cgroup_get(p->pids_cgroup);
    cgroup_detach(p);
    spin_unlock(&pid_lock, flags);
}

/* ---- exit ------------------------------------------------------------------------------------------ */

static void __noreturn leave_cpu_for_good(struct thread *t)
{
    irq_disable();
    t->state = THREAD_DEAD;
    schedule();
    panic("a dead thread runs");
}

/* [pid_lock] The last thread has gone. True: nobody will wait, the process is to be released. */
static bool become_zombie(struct process *p, struct list_node *done)
{
    give_children_away(p, done);
    wake_orphaned_group(p, p->parent, p);
    p->zombie = true;
    p->job = JOB_RUNNING;
    notify_exit(p);
    wake_up(&p->exit_wq);
    if (p->parent != &kernel_process && !parent_ignores_exit(p))
        return false;
    process_unlink(p);
    return true;
}

static void __noreturn leave_process(struct thread *t)
{
    struct process *p = t->process;
    struct list_node done = LIST_INIT(done);
    bool is_leader, release = false;
    irqflags_t flags = spin_lock(&pid_lock);

    is_leader = t == p->leader;
    send_death_signals(p, t);
    thread_unlink(t);
    if (p->nthreads == 0)
        release = become_zombie(p, &done);
    spin_unlock(&pid_lock, flags);

    release_list(&done);
    if (release)
        process_release(p);
    if (!is_leader)
        thread_put(t); /* the tree's; the CPU's follows after the last switch */
    leave_cpu_for_good(t);
}

static bool begin_exit(struct thread *t, int status)
{
    struct process *p = t->process;
    irqflags_t flags = spin_lock(&pid_lock);
    bool last;

    signal_thread_exits(t);
    last = --p->nlive == 0;
    if (last && !p->exiting) /* nobody has called exit_group(2): the last thread's counts */
        p->exit_code = status;
    spin_unlock(&pid_lock, flags);
    return last;
}

/* `status` is a wait status: the last thread's becomes that of the process. */
void thread_exit(int status)
{
    struct thread *t = current;
    struct process *p = t->process;
    bool last;

    if (p == &kernel_process) {
        thread_put(t);
        leave_cpu_for_good(t);
    }
    last = begin_exit(t, status);
    drop_mm(t, last); /* before it waits: others of its group may need that memory to end */
    if (last && p->is_init)
        end_namespace(p);
    if (last)
        drop_process_parts(p);
    drop_parts(t);
    if (last)
        leave_cgroup(p);
    lock_assert_none();
    leave_process(t);
}

void process_exit(int status)
{
    struct process *p = current->process;
    irqflags_t pid_flags = spin_lock(&pid_lock), flags = spin_lock(&p->sighand->lock);

    if (!p->exiting) {
        p->exiting = true;
        p->exit_code = status;
        signal_kill_threads(p, current);
    }
    status = p->exit_code;
    spin_unlock(&p->sighand->lock, flags);
    spin_unlock(&pid_lock, pid_flags);
    thread_exit(status);
}

long sys_exit(int code)
{
    thread_exit((code & 0xff) << 8);
}

long sys_exit_group(int code)
{
    process_exit((code & 0xff) << 8);
}
