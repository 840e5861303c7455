/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside proc/: making and freeing threads and processes, and the tree's
 * helpers. Lifetime:
 *
 *   thread   two references from the start: one of the tree (dropped when its
 *            number is given back: a leader's when it is waited for), one of
 *            the CPU (dropped after the last switch away from it, together with
 *            its stack and FPU state)
 *   process  one of the tree, one per struct thread
 */
#pragma once

#include <kernel/cgroup.h>
#include <kernel/pid.h>
#include <kernel/proc.h>
#include <kernel/spinlock.h>

/* vfork(2): lives on the parent's stack while child->vfork points to it. */
struct vfork {
    struct wait_queue wq;
    bool done; /* [pid_lock] */
};

/* A fork(2) under way, on its thread's stack: what the parent got meanwhile as one of several processes. */
struct fork_signals {
    struct list_node link; /* [pid_lock] in process->forks */
    sigset_t set;          /* [pid_lock] */
};

/* A thread with a stack and no number, in no process; NULL: out of memory. */
struct thread *thread_alloc(struct cgroup *cg);
void thread_free_unstarted(struct thread *t); /* undoes thread_alloc() */
void thread_left_cpu(struct thread *t);       /* after the last switch: the stack goes */

/* A process without threads and with a reference to its name-to-be; NULL: out of memory. */
struct process *process_alloc(struct cgroup *cg, struct pid *pid);

extern struct process kernel_process; /* kernel threads; parent of the first init */
extern struct pid kernel_pid;         /* number 0: its, and the first init's, group and session */

/* [pid_lock] */
void process_join_group(struct process *p, struct pid *pgrp);     /* leaves the old one */
void process_join_session(struct process *p, struct pid *session);
void process_leave_groups(struct process *p);
bool pgrp_is_orphaned(const struct pid *pgrp, const struct process *ignore);
struct process *process_of_pid(const struct pid *pid); /* borrowed under the lock, or NULL */

/* The number that the current thread sees; 0: none. */
static inline struct pid_ns *current_pid_ns(void)
{
    const struct pid *pid = current->pid;

    return pid->numbers[pid->level].ns;
}
static inline int pid_nr_current(const struct pid *pid)
{
    return pid_nr_in(pid, current_pid_ns());
}

/* exit.c */
void vfork_done(struct thread *t);     /* the child has left its parent's memory */
void thread_leave_mm(struct thread *t); /* robust futexes, CLEARTID: before the address space goes */
void notify_parent(struct process *p, int code, int status); /* [pid_lock] SIGCHLD, wake-up of wait4(2) */
/* [pid_lock] The process was waited for: it leaves the tree. process_release() then frees it. */
void process_unlink(struct process *p);
void process_release(struct process *p);
/* [pid_lock] Takes a thread that has exited, or gives way to execve(2), out of its process. */
void thread_unlink(struct thread *t);
