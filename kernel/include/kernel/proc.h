/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads and processes. A thread is what the scheduler runs; a process is what
 * its threads share. The first thread is the leader; the process is a zombie
 * when all threads have exited and nobody has waited for it yet.
 *
 * Protection: [I] fixed before publication, [a] atomic, [o] only the thread
 * itself, [c] the CPU that runs it, [p] pid_lock (the process tree), [s] the
 * sighand's lock, [r] the run queue's.
 */
#pragma once

#include <kernel/cred.h>
#include <kernel/list.h>
#include <kernel/mm.h>
#include <kernel/rbtree.h>
#include <kernel/signal.h>
#include <kernel/time.h>
#include <kernel/wait.h>
#include <kernel/x86/trapframe.h>

struct cgroup;
struct files;
struct fs_struct;
struct mm;
struct nsproxy;
struct pid;
struct process;
struct tty;
struct seccomp_filter;

enum thread_state {
    THREAD_RUNNING,       /* running or on a run queue */
    THREAD_INTERRUPTIBLE, /* sleeping; a signal wakes it */
    THREAD_KILLABLE,      /* sleeping; only a fatal signal wakes it */
    THREAD_UNINTERRUPTIBLE,
    THREAD_STOPPED, /* job control */
    THREAD_DEAD,
};

/* What must happen before the next instruction in user mode; checked with interrupts off. */
enum thread_work {
    WORK_SIGNAL = BIT(0),  /* a signal may be pending */
    WORK_RESCHED = BIT(1),
    WORK_SYSCALL = BIT(2), /* slow path at system-call entry: seccomp, tracing */
    WORK_FREEZE = BIT(3),  /* its cgroup is frozen */
    WORK_RESTORE_MASK = BIT(4), /* a temporary signal mask ends with this call */
    WORK_SET_TID = BIT(5), /* clone(2) CLONE_CHILD_SETTID: the child's first act */
    WORK_RSEQ = BIT(6), /* rseq(2): it may have been interrupted in a critical section */
};
/* What the way back to user mode looks at: call user_return_work() until none is left.
 * (WORK_SYSCALL stays set for good.) */
#define WORK_ON_RETURN                                                                             \
    (WORK_SIGNAL | WORK_RESCHED | WORK_FREEZE | WORK_RESTORE_MASK | WORK_SET_TID | WORK_RSEQ)
/* What a thread must leave its guest for: the rest can wait until KVM_RUN returns. */
#define WORK_ON_GUEST_EXIT (WORK_ON_RETURN & ~WORK_RSEQ)

#define KSTACK_PAGES 4
#define KSTACK_SIZE  (KSTACK_PAGES * PAGE_SIZE)

/* State that only the CPU-specific code touches; offsets are in asm_offsets.c. */
#define FPU_CPU_NONE UINT32_MAX

struct thread_arch {
    uint64_t ksp;                 /* saved kernel stack pointer while not running */
    uint64_t fs_base, gs_base;    /* user's */
    void *fpu;                    /* XSAVE area, 64-byte aligned; NULL for kernel threads */
    uint32_t fpu_cpu;             /* [o] CPU whose registers may still hold it, or FPU_CPU_NONE */
};

/* Put away and load state that lives in the CPU beside a thread's own: a vCPU's. Interrupts off. */
struct switch_hooks {
    void (*switch_out)(struct switch_hooks *h); /* the thread leaves this CPU */
    void (*switch_in)(struct switch_hooks *h);  /* it is back, perhaps on another */
};

struct thread {
    struct thread_arch arch;
    uint32_t work;             /* [a] enum thread_work */
    enum thread_state state;   /* [r] */
    void *kstack;              /* [I] lowest address */
    struct switch_hooks *hooks; /* [o] NULL: none */
    struct process *process;   /* [I] */
    struct pid *pid;           /* [I] counted */
    struct mm *mm;             /* [o] == process->mm; NULL for kernel threads */
    struct cred *cred;         /* [o] counted; others read under pid_lock */
    struct files *files;       /* [o] counted */
    struct fs_struct *fs;      /* [o] counted */
    struct nsproxy *nsproxy;   /* [o] counted */
    struct list_node *scm_drops; /* [o] messages that wait until the drop it is in is done (kernel/net/scm.c) */
    struct sem_undo_list *sem_undo; /* [o] counted; NULL: none (kernel/ipc/semop.c) */
    struct sighand *sighand;   /* [I] counted */
    struct list_node process_link; /* [p] in process->threads */
    char comm[16];             /* [o] prctl(2) PR_SET_NAME */

    /* signals */
    sigset_t blocked;          /* [s] */
    sigset_t saved_mask;       /* [o] restored after a temporary mask: WORK_RESTORE_MASK */
    sigset_t wait_set;         /* [s] sigtimedwait(2) is about to take these */
    bool stop_counted;         /* [s] in process->stop_left: has not stopped yet */
    struct sigqueue sigqueue;  /* [s] */
    uint64_t altstack_sp, altstack_size; /* [o] sigaltstack(2) */
    uint32_t altstack_flags;
    struct {                   /* [o] restart_syscall(2) */
        long (*fn)(struct thread *t);
        uint64_t args[4];
    } restart;

    /* scheduling */
    struct rb_node run_node;   /* [r] */
    uint64_t vruntime;         /* [r] weighted ns */
    uint32_t cpu;              /* [r] whose run queue it belongs to */
    bool on_queue;             /* [r] running, or in that queue's tree */
    struct cgroup *load_group; /* [r] whose load it is part of while it is runnable; the process's */
    bool is_evicting;          /* [c] frees unused names: kernel/fs/dentry.c */
    bool has_left_group;       /* [r] it exits: it is part of none any more */
    uint32_t policy;           /* [a] sched(7): SCHED_OTHER, BATCH or IDLE; kept, not obeyed */
    uint64_t started_ns;       /* [c] when it got the CPU */
    uint64_t utime_ns, stime_ns; /* [c] up to the last switch; thread_times() has it to the moment */
    uint64_t kernel_since;     /* [c] TSC at entry of the system call it is in, 0: in user mode */
    uint64_t kernel_ticks;     /* [c] TSC ticks in system calls since it got the CPU */
    uint64_t start_time_ns;    /* [I] since boot */
    uint64_t nvcsw, nivcsw;    /* [c] */
    uint64_t min_flt, maj_flt; /* [o] page faults (kernel/mm counts) */
    int nice;                  /* [a] -20 .. 19 */
    bool wait_timed_out;       /* [r] */
    struct timer sleep_timer;  /* [o] */
    struct locks_held locks_held; /* [c] mutexes, in a debug build */

    /* threads' ABI */
    uaddr_t set_child_tid;     /* [o] with WORK_SET_TID */
    uaddr_t clear_child_tid;   /* [o] set_tid_address(2) */
    uaddr_t robust_list;       /* [o] */
    uint64_t robust_list_len;
    uaddr_t rseq;              /* [o] rseq(2); 0: not registered */
    uint32_t rseq_sig;         /* [o] */
    struct vfork *vfork;       /* [p] the parent waits in vfork(2); on its stack */
    struct {                   /* [o] of the last fault, for signal frames */
        uint64_t vector, error_code, addr;
    } trap;

    bool user_copy_ok;         /* [c] inside a user copy: a fault is fixed up */
    bool exiting;              /* [s] */
    struct seccomp_filter *seccomp; /* [o] counted chain */
    uint32_t seccomp_mode;
    int pdeath_signal;         /* [p] prctl(2) PR_SET_PDEATHSIG */
    struct thread *parent_thread; /* [p] who forked it (pdeath_signal); compared, never followed */
    struct refcount refs;      /* the tree, the CPU until the last switch, lookups */
};

struct rlimit {
    uint64_t cur, max;
};
enum { RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_CORE, RLIMIT_RSS, RLIMIT_NPROC,
       RLIMIT_NOFILE, RLIMIT_MEMLOCK, RLIMIT_AS, RLIMIT_LOCKS, RLIMIT_SIGPENDING, RLIMIT_MSGQUEUE,
       RLIMIT_NICE, RLIMIT_RTPRIO, RLIMIT_RTTIME, RLIMIT_NLIMITS };
#define RLIM_INFINITY UINT64_MAX

struct process {
    struct refcount refs;       /* lookups; the tree and each thread */
    struct thread *leader;      /* [p] */
    struct list_node threads;   /* [p] live threads */
    unsigned nthreads;          /* [p] in that list */
    unsigned nlive;             /* [p] of them, those that have not begun to exit */
    uint64_t oom_since_ns;      /* [p] when the out-of-memory killer first met it dying; 0: never */
    struct sighand *sighand;    /* [p] the threads'; counted by them */
    struct pid *pid;            /* [I] the leader's */
    struct pid *pgrp, *session; /* [p] counted */
    struct list_node pgrp_link, session_link; /* [p] */
    struct process *parent;     /* [p] */
    struct list_node children;  /* [p] */
    struct list_node sibling;   /* [p] */
    struct list_node all_link;  /* [p] every process */
    struct list_node forks;     /* [p] fork(2) under way: struct fork_signals.link */
    struct mm *mm;              /* [p] NULL once exited */
    struct tty *tty;            /* [p] controlling terminal, or NULL; counted */
    struct pid *hung_up_pgrp;   /* [p] a leader's whose terminal was hung up: who was in its foreground;
                                   counted, or NULL */
    struct sigqueue sigqueue;   /* [s] shared pending */
    struct wait_queue child_wq; /* wait4(2): something happened to a child */
    struct wait_queue signal_wq; /* signalfd, rt_sigtimedwait */

    bool exiting;               /* [s] exit_group or a fatal signal: every thread goes */
    bool zombie;                /* [p] */
    int exit_code;              /* [p] wait status */
    int exit_signal;            /* [p] to the parent, usually SIGCHLD; 0 none */
    uint32_t exec_id;           /* [p] how often it has become another program */
    uint32_t parent_exec_id;    /* [p] the parent's, when it chose exit_signal */
    enum { JOB_RUNNING, JOB_STOPPED, JOB_CONTINUED } job; /* [s] */
    int stop_signal;            /* [s] */
    unsigned stop_left;         /* [s] threads that have not stopped yet */
    bool is_unkillable;         /* [s] an init: default actions pass it by, but for faults and
                                 * SIGKILL and SIGSTOP from outside its namespace */
    unsigned freeing_mm;        /* [p] threads that leave its address space: the last one frees its pages */
    bool has_cpu_timers;        /* [a] something wants a tick while it runs */
    struct cgroup *pids_cgroup; /* [p] zombies: whose pids it is still charged to; counted */
    bool job_reported;          /* [p] wait has told of it */
    bool did_exec;              /* [p] setpgid(2) */
    bool is_subreaper;          /* [p] prctl(2) */
    bool is_init;               /* [I] PID 1 of its namespace: goes, and all others go */
    uint8_t dumpable;           /* [a] prctl(2) PR_SET_DUMPABLE */
    uint32_t personality;       /* [a] personality(2) */
    struct thread *exec_thread; /* [s] in execve(2), waits for the other threads to go */
    struct wait_queue exec_wq;
    struct wait_queue exit_wq;  /* became a zombie: pidfds poll it */
    struct rlimit rlimits[RLIMIT_NLIMITS]; /* [p] */
    uint64_t utime_ns, stime_ns;   /* [p] of exited threads */
    uint64_t cutime_ns, cstime_ns; /* [p] of waited-for children */
    uint64_t maxrss_pages, cmaxrss_pages;  /* [p] high-water marks: own, of waited-for children */
    uint64_t min_flt, maj_flt, cmin_flt, cmaj_flt; /* [p] as the times */
    uint64_t nvcsw, nivcsw, cnvcsw, cnivcsw;
    struct itimers *itimers;       /* [I] once made: kernel/proc/itimer.c; NULL: none was ever set */
    struct list_node posix_timers; /* [s] kernel/proc/posix_timer.c */
    struct cgroup *cgroup;         /* [cgroup_lock] counted */
    struct list_node cgroup_link;  /* [cgroup_lock] */
    int oom_score_adj;
};

/* Start-up, and the first process: runs `path` from the root file system as PID 1. */
void proc_init(void);
void proc_start_init(const char *path) __noreturn;

/* Kernel threads: fn(arg) runs and may return. */
struct thread *kthread_create(const char *name, void (*fn)(void *arg), void *arg);

/* Scheduler (kernel/proc/sched.c) */
void schedule(void);                       /* give the CPU away; state says whether to come back by itself */
void sched_preempt(void);                  /* the same, but stays runnable whatever its state */
void sched_wakeup(struct thread *t);       /* any context; nothing if it is running */
void sched_yield(void);
void sched_slice_end(void);                /* timer interrupt: cpu->slice_end_ns has passed */
void sched_idle_loop(void) __noreturn;     /* each CPU ends its start-up here */
static inline void cond_resched(void)
{
    lock_assert_may_sleep();
    if (this_cpu()->need_resched)
        sched_preempt();
}
/* CPU time so far in ns. */
void thread_times(const struct thread *t, uint64_t *user, uint64_t *system);
void process_times(struct process *p, uint64_t *user, uint64_t *system); /* [pid_lock] held */
void sched_loadavg(uint32_t hundredths[3]) __weak; /* over 1, 5 and 15 minutes */
/* The thread's process is in another group now; the thread may be running. */
void sched_move_group(struct thread *t);
void sched_set_group_weight(struct cgroup *cg, uint32_t weight); /* cpu.weight */
unsigned sched_runnable(void); /* threads running or ready, on all CPUs: /proc/loadavg */

static inline void thread_set_work(struct thread *t, uint32_t w)
{
    __atomic_fetch_or(&t->work, w, __ATOMIC_SEQ_CST);
}
static inline void thread_clear_work(struct thread *t, uint32_t w)
{
    __atomic_fetch_and(&t->work, ~w, __ATOMIC_SEQ_CST);
}
/* Make a thread that runs in user mode or in a guest on another CPU look at its work. */
void thread_kick(struct thread *t);

/* The one at the top of its kernel stack. */
static inline struct trapframe *thread_frame(struct thread *t)
{
    return (struct trapframe *)((char *)t->kstack + KSTACK_SIZE) - 1;
}

/* kernel/proc/exit.c */
void thread_exit(int code) __noreturn;         /* exit(2) of the current thread */
void process_exit(int wait_status) __noreturn; /* exit_group(2), or death by signal */
struct process *process_find(int nr);          /* in the current pid namespace; counted */
void process_get(struct process *p);
void process_put(struct process *p);
void thread_get(struct thread *t);
void thread_put(struct thread *t);
extern struct list_node process_list;          /* [pid_lock] struct process.all_link */
/* The thread of this number in the current pid namespace: counted, or NULL. */
struct thread *thread_find(int tid);
/* May the current thread look into t's memory, descriptors and environment? (ptrace(2), "Ptrace
 * access mode checking": same ids and no more capabilities, or CAP_SYS_PTRACE; dumpable) */
bool may_inspect(struct thread *t);

/* The cgroup freezer (containers/): threads stop before their next instruction in user mode;
 * SIGKILL still ends them. */
void process_set_frozen(struct process *p, bool frozen);
void process_set_frozen_locked(struct process *p, bool frozen); /* [pid_lock] */

/* The terminal's side of sessions (kernel/dev/tty.c). */
void tty_get(struct tty *tty) __weak;
void tty_put(struct tty *tty) __weak;
/* For /proc/PID/stat: device number as stat shows it, and the foreground group (-1: none). [pid_lock] held. */
struct pid_ns;
void tty_procfs_info(struct tty *tty, struct pid_ns *ns, int *tty_nr, int *tpgid) __weak;
/* The current session's leader exits: SIGHUP to the foreground group (and SIGCONT, where a hang-up came
 * first), the terminal leaves every process of the session. */
void tty_session_end(struct process *leader) __weak;
/* seccomp(2), with WORK_SYSCALL set (containers/seccomp.c). False: the call does not run and
 * frame->rax is its result. */
bool seccomp_syscall(struct trapframe *frame) __weak;
void seccomp_fork(struct thread *child, struct thread *parent) __weak; /* one more reference */
void seccomp_free(struct thread *t) __weak;
struct mm *process_get_mm(struct process *p);  /* counted (users), or NULL: kernel thread or exited */

static inline struct process *current_process(void)
{
    return current->process;
}

/* The first thing a new thread does, interrupts off: what schedule() does after arch_switch().
 * It returns with interrupts on or off; user mode and fn(arg) start with them on. (kernel/proc/sched.c) */
void sched_thread_started(void);

/* kernel/x86: the machine's side of threads. arch_switch() is called with interrupts off, sets
 * cpu->thread and loads next->mm if there is one; it returns when prev runs again. */
void arch_switch(struct thread *prev, struct thread *next); /* stacks, GS/FS bases, FPU, TSS, cr3 */
void arch_thread_start(struct thread *t, void (*fn)(void *), void *arg); /* first switch runs fn(arg) */
void arch_fork_frame(struct thread *child, const struct trapframe *parent); /* first switch returns
                                                   to user mode with this frame and rax = 0 */
void arch_enter_user(struct trapframe *frame) __noreturn; /* exec of the first process */
int arch_fpu_init(struct thread *t, struct cgroup *cg);    /* 0 or -ENOMEM */
void arch_fpu_reset(struct thread *t);                     /* execve: initial state */
int arch_fpu_fork(struct thread *child, const struct thread *parent, struct cgroup *cg);
void arch_fpu_free(struct thread *t);
/* Signal frames: the XSAVE image in the user's frame. Size in bytes; 0 or -EFAULT. */
size_t arch_fpu_frame_size(void);
int arch_fpu_save_user(uaddr_t dst);
int arch_fpu_restore_user(uaddr_t src); /* checks everything: a bad image is -EFAULT, never a #GP */
void arch_set_fs_base(uint64_t base);   /* of the current thread, at once */
void arch_set_gs_base(uint64_t base);
