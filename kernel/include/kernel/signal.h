/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals: signal(7). (kernel/proc/signal.c) */
#pragma once

#include <kernel/list.h>
#include <kernel/refcount.h>
#include <kernel/spinlock.h>
#include <kernel/types.h>

enum {
    SIGHUP = 1, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGKILL, SIGUSR1, SIGSEGV,
    SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGSTKFLT, SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN,
    SIGTTOU, SIGURG, SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF, SIGWINCH, SIGIO, SIGPWR, SIGSYS,
    SIGRTMIN, SIGRTMAX = 64, NSIG = 65
};

typedef uint64_t sigset_t; /* bit n - 1 is signal n */
#define SIGMASK(sig) (1ULL << ((sig) - 1))
#define SIG_UNBLOCKABLE (SIGMASK(SIGKILL) | SIGMASK(SIGSTOP))

#define SA_NOCLDSTOP 0x00000001u
#define SA_NOCLDWAIT 0x00000002u
#define SA_SIGINFO   0x00000004u
#define SA_RESTORER  0x04000000u
#define SA_ONSTACK   0x08000000u
#define SA_RESTART   0x10000000u
#define SA_NODEFER   0x40000000u
#define SA_RESETHAND 0x80000000u
#define SIG_DFL 0
#define SIG_IGN 1

struct ksigaction { /* the ABI's struct kernel_sigaction */
    uint64_t handler;
    uint64_t flags;
    uint64_t restorer;
    sigset_t mask;
};

/* siginfo_t(3p) of the ABI, 128 bytes. */
struct siginfo {
    int32_t si_signo, si_errno, si_code, pad0;
    union {
        struct { int32_t pid; uint32_t uid; uint64_t value; } kill; /* also rt, timer: */
        struct { int32_t timerid, overrun; uint64_t value; } timer;
        struct { int32_t pid; uint32_t uid; int32_t status, pad; int64_t utime, stime; } chld;
        struct { uint64_t addr; uint16_t addr_lsb; } fault;
        struct { uint64_t call_addr; int32_t syscall; uint32_t arch; } sys;
        uint8_t fill[112];
    };
};
_Static_assert(sizeof(struct siginfo) == 128, "siginfo ABI");

enum { SI_USER = 0, SI_KERNEL = 0x80, SI_QUEUE = -1, SI_TIMER = -2, SI_TKILL = -6 };
enum { SEGV_MAPERR = 1, SEGV_ACCERR = 2, BUS_ADRALN = 1, BUS_ADRERR = 2, ILL_ILLOPN = 2,
       FPE_INTDIV = 1, FPE_FLTINV = 7, TRAP_BRKPT = 1, TRAP_TRACE = 2 };
enum { CLD_EXITED = 1, CLD_KILLED, CLD_DUMPED, CLD_TRAPPED, CLD_STOPPED, CLD_CONTINUED };

struct sigqueue { /* pending signals of a thread or of a process; [sighand lock] */
    sigset_t pending;
    struct list_node infos; /* queued real-time and informative ones */
    unsigned count;         /* of them, limited by RLIMIT_SIGPENDING */
};

struct sighand { /* dispositions, shared by CLONE_SIGHAND */
    struct refcount refs;
    struct spinlock lock; /* also guards the pending sets and masks of the threads that share it */
    struct ksigaction actions[NSIG];
};

struct thread;
struct process;
struct pid;
struct trapframe;

/* Queue a signal; any context. 0, -EAGAIN (real-time queue full), -ESRCH. info NULL: SI_KERNEL. */
int signal_send_thread(struct thread *t, int sig, const struct siginfo *info);
int signal_send_process(struct process *p, int sig, const struct siginfo *info);
int signal_send_process_locked(struct process *p, int sig, const struct siginfo *info); /* [pid_lock] */
/* To every process of a group: how many got it, or -ESRCH. */
int signal_send_pgrp(struct pid *pgrp, int sig, const struct siginfo *info);
/* A fault of the current thread: cannot be blocked or ignored. */
void signal_force(int sig, int code, uint64_t addr);

/* Is there a signal that this thread must handle now (not blocked)? A sleeping call gives up with
 * -ERESTARTSYS (or -EINTR) when it is true. */
bool signal_pending(struct thread *t);
bool fatal_signal_pending(struct thread *t); /* SIGKILL, or the process is exiting */
/* Will the current thread ignore or block this signal? (SIGTTIN, SIGTTOU) */
bool signal_is_ignored_or_blocked(int sig);

/* Before every return to user mode with work pending: delivers signals, restarts calls, reschedules. */
void signal_deliver(struct trapframe *frame);
/* For ppoll, pselect6, rt_sigsuspend, epoll_pwait: a mask until the call ends. */
void signal_set_temporary_mask(sigset_t mask);
/* signalfd: take one of the current thread's pending signals that is in `set`; 0: there is none. */
int signal_take(sigset_t set, struct siginfo *info);
/* Pending for the current thread, blocked or not: what signalfd's poll looks at. */
sigset_t signal_pending_set(void);
