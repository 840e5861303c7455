/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside proc/: dispositions, queues and delivery. <kernel/signal.h> is for everybody else. */
#pragma once

#include <kernel/proc.h>
#include <kernel/signal.h>

/* Default actions, as masks of signals. */
#define SIG_DEFAULT_IGNORE (SIGMASK(SIGCHLD) | SIGMASK(SIGCONT) | SIGMASK(SIGURG) | SIGMASK(SIGWINCH))
#define SIG_DEFAULT_STOP                                                                           \
    (SIGMASK(SIGSTOP) | SIGMASK(SIGTSTP) | SIGMASK(SIGTTIN) | SIGMASK(SIGTTOU))
/* Caused by the program's own instructions: delivered before all others. */
#define SIG_SYNCHRONOUS                                                                            \
    (SIGMASK(SIGSEGV) | SIGMASK(SIGBUS) | SIGMASK(SIGILL) | SIGMASK(SIGTRAP) | SIGMASK(SIGFPE) |   \
     SIGMASK(SIGSYS))

static inline bool signal_is_valid(int sig)
{
    return sig >= 1 && sig < NSIG;
}

void signal_init(void);
struct sighand *sighand_create(struct cgroup *cg); /* everything default; NULL: out of memory */
void sighand_get(struct sighand *sh);
void sighand_put(struct sighand *sh);

struct posix_timer;

/* A pending signal's siginfo. Those of timers are made with the timer, so that no expiry is lost for want
 * of memory; they go back to it when they are taken or flushed. */
struct sigqueue_entry {
    struct list_node link;     /* [s] in a sigqueue, or alone */
    struct posix_timer *timer; /* [s] whose it is; NULL: freed when taken */
    struct siginfo info;
};

struct sigqueue_entry *sigqueue_entry_create(struct cgroup *cg); /* NULL: out of memory */
/* [s] Its timer goes: free the entry, or let it be an ordinary one while it waits in q. */
void sigqueue_entry_orphan(struct sigqueue *q, struct sigqueue_entry *e);

void sigqueue_flush(struct sigqueue *q, sigset_t set); /* [s], or nobody else sees it any more */

enum signal_origin { SIGNAL_FROM_USER, SIGNAL_FROM_KERNEL };
/* [pid_lock] As signal_send_thread() (only != NULL) and signal_send_process(). */
int signal_send_locked(struct process *p, struct thread *only, int sig, const struct siginfo *info,
                       enum signal_origin origin);
/* [pid_lock] To the whole process, as one of several: a child that it is forking gets the signal as well. */
int signal_send_member(struct process *p, int sig, const struct siginfo *info, enum signal_origin origin);
/* [pid_lock] A timer's signal: `e` is its own entry and not queued. */
void signal_send_timer(struct process *p, struct thread *only, struct sigqueue_entry *e);
/* [s] Take the next pending signal of `wanted`, the thread's own first; 0: none. */
int signal_dequeue(struct thread *t, sigset_t wanted, struct siginfo *info);
/* [s] Is there something to deliver? Sets or clears WORK_SIGNAL. */
void signal_recalc(struct thread *t);
/* [s] Every thread is to die as soon as it looks. */
void signal_kill_threads(struct process *p, const struct thread *but);
/* Replace the current thread's mask. */
void signal_set_mask(sigset_t mask);
/* The thread exits: others take over what it would have handled; a pending stop does without it. */
void signal_thread_exits(struct thread *t);
/* fork(2), execve(2) */
void signal_exec_reset(void);


/* sigframe.c: 0, or -EFAULT when the user's stack cannot take the frame. */
int sigframe_push(struct trapframe *frame, const struct ksigaction *sa, const struct siginfo *info,
                  sigset_t mask);

/* sigcalls.c: may the current thread signal this process? [pid_lock] */
bool signal_permitted(const struct process *p, int sig);
/* A siginfo for kill(2) and tgkill(2). */
void siginfo_from_user(struct siginfo *info, int sig, int code);
