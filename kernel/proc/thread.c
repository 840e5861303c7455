/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads and processes as objects: where they come from, how they are freed,
 * and the first ones. What happens in between is in fork.c, exec.c and exit.c.
 */
#include <kernel/cgroup.h>
#include <kernel/files.h>
#include <kernel/ns.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/vm.h>

#include <kernel/abi/signal.h>

#include "cred.h"
#include "exec.h"
#include "futex.h"
#include "itimer.h"
#include "process.h"
#include "sched.h"
#include "sigqueue.h"

static struct kmem_cache *thread_cache, *process_cache;

struct list_node process_list = LIST_INIT(process_list);

struct pid kernel_pid = {
    .refs = {1},
    .pgrp = LIST_INIT(kernel_pid.pgrp),
    .session = LIST_INIT(kernel_pid.session),
    .process = NULL,
    .numbers = {{.ns = &pid_ns_init, .pid = &kernel_pid}},
};

static struct sighand kernel_sighand = {.refs = {1}, .lock = SPINLOCK_INIT};

struct process kernel_process = {
    .refs = {1},
    .threads = LIST_INIT(kernel_process.threads),
    .sighand = &kernel_sighand,
    .pid = &kernel_pid,
    .pgrp = &kernel_pid,
    .session = &kernel_pid,
    .pgrp_link = LIST_INIT(kernel_process.pgrp_link),
    .session_link = LIST_INIT(kernel_process.session_link),
    .children = LIST_INIT(kernel_process.children),
    .sibling = LIST_INIT(kernel_process.sibling),
    .all_link = LIST_INIT(kernel_process.all_link),
    .forks = LIST_INIT(kernel_process.forks),
    .sigqueue = {0, LIST_INIT(kernel_process.sigqueue.infos)},
    .child_wq = WAIT_QUEUE_INIT(kernel_process.child_wq),
    .signal_wq = WAIT_QUEUE_INIT(kernel_process.signal_wq),
    .exec_wq = WAIT_QUEUE_INIT(kernel_process.exec_wq),
    .exit_wq = WAIT_QUEUE_INIT(kernel_process.exit_wq),
    .posix_timers = LIST_INIT(kernel_process.posix_timers),
    .cgroup = &cgroup_root,
    .cgroup_link = LIST_INIT(kernel_process.cgroup_link),
};

/* Runs kernel/main.c, then idles. */
static struct thread boot_thread;

/* ---- threads ------------------------------------------------------------------------ */

struct thread *thread_alloc(struct cgroup *cg)
{
    struct thread *t = kmem_cache_zalloc_for(thread_cache, cg);

    if (t == NULL)
        return NULL;
    t->kstack = kmap_alloc_stack(cg, KSTACK_PAGES);
    if (t->kstack == NULL) {
        kmem_cache_free(thread_cache, t);
        return NULL;
    }
    refcount_init(&t->refs, 2);
    list_init(&t->process_link);
    list_init(&t->sigqueue.infos);
    timer_init(&t->sleep_timer, NULL);
    t->altstack_flags = SS_DISABLE;
    t->start_time_ns = ktime_ns();
    return t;
}

static void thread_free_stack(struct thread *t)
{
    kmap_free_stack(t->kstack, KSTACK_PAGES);
    t->kstack = NULL;
}

void thread_free_unstarted(struct thread *t)
{
    thread_free_stack(t);
    kmem_cache_free(thread_cache, t);
}

void thread_left_cpu(struct thread *t)
{
    if (t->arch.fpu != NULL)
        arch_fpu_free(t);
    thread_free_stack(t);
    thread_put(t);
}

void thread_get(struct thread *t)
{
    refcount_get(&t->refs);
}

void thread_put(struct thread *t)
{
    if (!refcount_put(&t->refs))
        return;
    sigqueue_flush(&t->sigqueue, ~0ULL);
    cred_put(t->cred);
    if (t->sighand != &kernel_sighand)
        sighand_put(t->sighand);
    if (t->pid != &kernel_pid)
        pid_put(t->pid);
    if (t->process != &kernel_process)
        process_put(t->process);
    kmem_cache_free(thread_cache, t);
}

struct thread *thread_find(int tid)
{
    struct pid *pid = pid_find(current_pid_ns(), tid);
    struct thread *t;
    irqflags_t flags;

    if (pid == NULL)
        return NULL;
    flags = spin_lock(&pid_lock);
    t = pid->thread;
    if (t != NULL)
        thread_get(t);
    spin_unlock(&pid_lock, flags);
    pid_put(pid);
    return t;
}

/* ---- processes ---------------------------------------------------------------------- */

struct process *process_alloc(struct cgroup *cg, struct pid *pid)
{
    struct process *p = kmem_cache_zalloc_for(process_cache, cg);

    if (p == NULL)
        return NULL;
    refcount_init(&p->refs, 1);
    list_init(&p->threads);
    list_init(&p->pgrp_link);
    list_init(&p->session_link);
    list_init(&p->children);
    list_init(&p->sibling);
    list_init(&p->all_link);
    list_init(&p->forks);
    list_init(&p->cgroup_link);
    list_init(&p->sigqueue.infos);
    list_init(&p->posix_timers);
    wait_queue_init(&p->child_wq);
    wait_queue_init(&p->signal_wq);
    wait_queue_init(&p->exec_wq);
    wait_queue_init(&p->exit_wq);
    pid_get(pid);
    p->pid = pid;
    p->dumpable = 1;
    return p;
}

void process_get(struct process *p)
{
    refcount_get(&p->refs);
}

void process_put(struct process *p)
{
    if (!refcount_put(&p->refs))
        return;
    itimers_free(p);
    sigqueue_flush(&p->sigqueue, ~0ULL);
    pid_put(p->pid);
    kmem_cache_free(process_cache, p);
}

struct process *process_of_pid(const struct pid *pid)
{
    assert_locked(&pid_lock);
    return pid->process;
}

struct process *process_find(int nr)
{
    struct pid *pid = pid_find(current_pid_ns(), nr);
    struct process *p;
    irqflags_t flags;

    if (pid == NULL)
        return NULL;
    flags = spin_lock(&pid_lock);
    p = process_of_pid(pid);
    if (p != NULL)
        process_get(p);
    spin_unlock(&pid_lock, flags);
    pid_put(pid);
    return p;
}

struct mm *process_get_mm(struct process *p)
{
    irqflags_t flags = spin_lock(&pid_lock);
    struct mm *mm = p->mm;

    if (mm != NULL && !mm_get_unless_dead(mm))
        mm = NULL;
    spin_unlock(&pid_lock, flags);
    return mm;
}

void process_times(struct process *p, uint64_t *user, uint64_t *system)
{
    struct thread *t;

    assert_locked(&pid_lock);
    *user = p->utime_ns;
    *system = p->stime_ns;
    list_for_each (t, &p->threads, process_link) {
        uint64_t u, s;

        thread_times(t, &u, &s);
        *user += u;
        *system += s;
    }
}

/* ---- kernel threads -------------------------------------------------------------------- */

/* What a kernel thread shares with everything else in the kernel. */
static void join_kernel_process(struct thread *t)
{
    t->process = &kernel_process;
    t->pid = &kernel_pid;
    t->sighand = &kernel_sighand;
    cred_get(&cred_init);
    t->cred = &cred_init;
    t->nsproxy = &nsproxy_init;
    t->blocked = ~0ULL;
    t->fs = boot_thread.fs;
}

struct thread *kthread_create(const char *name, void (*fn)(void *arg), void *arg)
{
    struct thread *t = thread_alloc(&cgroup_root);

    if (t == NULL)
        return NULL;
    join_kernel_process(t);
    strlcpy(t->comm, name, sizeof(t->comm));
    arch_thread_start(t, fn, arg);
    sched_fork(t, &boot_thread);
    sched_start(t);
    return t;
}

/* ---- start-up ---------------------------------------------------------------------------- */

void proc_init(void)
{
    thread_cache = kmem_cache_create("thread", sizeof(struct thread), 64);
    process_cache = kmem_cache_create("process", sizeof(struct process), 64);
    pid_init();
    cred_start();
    signal_init();
    futex_init();
    join_kernel_process(&boot_thread);
    refcount_init(&boot_thread.refs, 2);
    list_init(&boot_thread.process_link);
    list_init(&boot_thread.sigqueue.infos);
    timer_init(&boot_thread.sleep_timer, NULL);
    strlcpy(boot_thread.comm, "idle", sizeof(boot_thread.comm));
    sched_init(&boot_thread);
}

static const struct rlimit init_rlimits[RLIMIT_NLIMITS] = {
    [RLIMIT_CPU] = {RLIM_INFINITY, RLIM_INFINITY},
    [RLIMIT_FSIZE] = {RLIM_INFINITY, RLIM_INFINITY},
    [RLIMIT_DATA] = {RLIM_INFINITY, RLIM_INFINITY},
    [RLIMIT_STACK] = {MIB(8), RLIM_INFINITY},
    [RLIMIT_CORE] = {0, RLIM_INFINITY},
    [RLIMIT_RSS] = {RLIM_INFINITY, RLIM_INFINITY},
    [RLIMIT_NPROC] = {PID_MAX, PID_MAX},
    [RLIMIT_NOFILE] = {1024, 65536},
    [RLIMIT_MEMLOCK] = {MIB(8), MIB(8)},
    [RLIMIT_AS] = {RLIM_INFINITY, RLIM_INFINITY},
    [RLIMIT_LOCKS] = {RLIM_INFINITY, RLIM_INFINITY},
    [RLIMIT_SIGPENDING] = {4096, 4096},
    [RLIMIT_MSGQUEUE] = {819200, 819200},
    [RLIMIT_NICE] = {0, 0},
    [RLIMIT_RTPRIO] = {0, 0},
    [RLIMIT_RTTIME] = {RLIM_INFINITY, RLIM_INFINITY},
};

/* Standard input, output and error of the first program: the console, if there is one. */
static void open_console(void)
{
    struct file *f;
    int err = file_open("/dev/console", O_RDWR, 0, &f);

    if (err < 0) {
        log_warn("init: cannot open /dev/console: error %d\n", -err);
        return;
    }
    for (int fd = 0; fd < 3; fd++) {
        file_get(f);
        if (fd_install(f, 0, 0) < 0)
            file_put(f);
    }
    file_put(f);
}

static const char *const init_envp[] = {"HOME=/", "TERM=linux", "PATH=/bin:/sbin:/usr/bin:/usr/sbin",
                                        NULL};

static void init_main(void *arg)
{
    const char *path = arg;
    const char *const argv[] = {path, NULL};
    struct trapframe *frame = thread_frame(current);
    int err;

    open_console();
    memset(frame, 0, sizeof(*frame));
    err = exec_kernel(path, argv, init_envp, frame);
    if (err < 0)
        panic("cannot run %s as the first program: error %d", path, -err);
    arch_enter_user(frame);
}

static struct process *make_init_process(void)
{
    struct pid *pid;
    struct process *p;
    struct thread *t;

    if (pid_alloc(&pid_ns_init, &pid) < 0)
        return NULL;
    p = process_alloc(&cgroup_root, pid);
    t = thread_alloc(&cgroup_root);
    if (p == NULL || t == NULL)
        return NULL; /* the caller panics */
    t->process = p;
    process_get(p);
    t->pid = pid;
    cred_get(&cred_init);
    t->cred = &cred_init;
    nsproxy_get(&nsproxy_init);
    t->nsproxy = &nsproxy_init;
    t->fs = fs_struct_copy(boot_thread.fs);
    t->files = files_create();
    t->sighand = sighand_create(&cgroup_root);
    if (t->fs == NULL || t->files == NULL || t->sighand == NULL || arch_fpu_init(t, &cgroup_root) < 0)
        return NULL;
    strlcpy(t->comm, "init", sizeof(t->comm));
    memcpy(p->rlimits, init_rlimits, sizeof(p->rlimits));
    p->leader = t;
    p->sighand = t->sighand;
    p->is_init = p->is_unkillable = true;
    p->exit_signal = SIGCHLD;
    p->parent = &kernel_process;
    return p;
}

void proc_start_init(const char *path)
{
    struct process *p = make_init_process();
    struct thread *t;
    irqflags_t flags;

    if (p == NULL || cgroup_attach_new(&cgroup_root, p) < 0 ||
        cgroup_charge_pids(&cgroup_root, 1) < 0)
        panic("no memory for the first process");
    t = p->leader;
    flags = spin_lock(&pid_lock);
    process_join_session(p, &kernel_pid);
    process_join_group(p, &kernel_pid);
    p->pid->thread = t;
    p->pid->process = p;
    pid_ns_init.init = p;
    list_add_tail(&p->threads, &t->process_link);
    p->nthreads = p->nlive = 1;
    list_add_tail(&kernel_process.children, &p->sibling);
    list_add_tail(&process_list, &p->all_link);
    spin_unlock(&pid_lock, flags);

    arch_thread_start(t, init_main, (void *)path);
    sched_fork(t, &boot_thread);
    sched_start(t);
    sched_idle_loop();
}
