/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler: weighted fair sharing of each CPU by virtual time.
 *
 * A thread's vruntime is the time it has run, divided by its weight. Whoever
 * has the least runs next, so in the long run everybody gets CPU time in
 * proportion to weight. A thread in a cgroup has a part of the group's weight, by
 * what else is runnable there (sched_weight.h): many threads get no more than one.
 * Ready threads wait in a tree sorted by vruntime, one
 * tree per CPU; the running thread is not in it.
 *
 *     running --- slice over, yield ----> ready (in the tree)
 *        |  ^                              |  ^
 *        |  +------ least vruntime --------+  |
 *        +-- schedule() in a sleeping state --+-- sched_wakeup()
 *
 * A thread that slept long keeps at most SLEEPER_CREDIT_NS of the virtual time
 * it missed: enough to run at once, too little to shut others out.
 *
 * Only user mode and guests are preempted: the timer or a wake-up sets
 * WORK_RESCHED, and the way back to user mode calls schedule(). Kernel code
 * gives way in cond_resched(). The timer is programmed only while somebody
 * else is ready: a thread alone on its CPU runs without ticks.
 *
 * A thread stays on the CPU it was started on. TODO: move threads between run
 * queues, worth doing once other CPUs are started; arch_switch() must then
 * tell when it has left a thread's stack, and whoever moves needs WORK_RSEQ.
 */
#include "sched.h"

#include <kernel/cgroup.h>
#include <kernel/log.h>
#include <kernel/spinlock.h>
#include <kernel/time.h>
#include <kernel/trap.h>
#include <kernel/x86/cpu.h>

#include "itimer.h"
#include "loadavg.h"
#include "process.h"
#include "rseq.h"
#include "sched_weight.h"

#define LATENCY_NS            (12 * NSEC_PER_MSEC) /* everybody ready runs once in about this time */
#define SLICE_MIN_NS          (1500 * NSEC_PER_USEC)
#define SLICE_MAX_NS          (4 * NSEC_PER_MSEC)
#define SLEEPER_CREDIT_NS     (6 * NSEC_PER_MSEC)
#define WAKEUP_GRANULARITY_NS (1 * NSEC_PER_MSEC)
#define CPU_TIMER_TICK_NS     (4 * NSEC_PER_MSEC)

struct run_queue {
    struct spinlock lock;
    struct rb_root tree;   /* [lock] ready threads by vruntime, without the running one */
    struct thread *first;  /* [lock] leftmost, or NULL */
    unsigned count;        /* [lock] in the tree */
    uint64_t min_vruntime; /* [lock] where new and waking threads start; never steps back */
    struct thread *dead;   /* [c] has run here for the last time */
    struct loadavg load;   /* [lock] */
} __aligned(64);

static struct run_queue run_queues[CPUS_MAX];

static struct run_queue *queue_of(const struct thread *t)
{
    return &run_queues[t->cpu];
}

/* ---- groups ----------------------------------------------------------------- */

/*
 * cgroup->load: [a] the weights of a group's runnable threads, and of those of its
 * groups that have some. It is changed under the run queue's lock of any one CPU,
 * by atomic steps that add up in whatever order; a weight that may be part of a
 * load changes only under all of these locks. The root's is not kept: nobody asks.
 *
 * A group's own share changes only when groups fall asleep or wake as a whole:
 * cgroup->share has it with the generation that it was found in.
 */
static uint32_t load_generation = 1; /* [a] new when a load has changed that groups have a part in */

static void new_generation(void)
{
    __atomic_fetch_add(&load_generation, 1, __ATOMIC_RELAXED);
}

/* True: it wakes up by that, or falls asleep. */
static bool load_change_of_one(struct cgroup *cg, int64_t delta)
{
    int64_t load = (int64_t)__atomic_add_fetch(&cg->load, (uint64_t)delta, __ATOMIC_RELAXED);

    return (load > 0) != (load - delta > 0);
}

static void load_change(struct cgroup *cg, int64_t delta)
{
    bool turns = load_change_of_one(cg, delta);

    if (!turns && list_is_empty(&cg->children))
        return;
    new_generation();
    while (turns && cg->parent->parent != NULL) {
        int64_t weight = sched_group_weight(cg->weight);

        cg = cg->parent;
        turns = load_change_of_one(cg, delta > 0 ? weight : -weight);
    }
}

static uint64_t find_group_share(const struct cgroup *cg)
{
    uint64_t share = sched_share(sched_group_weight(cg->weight));

    for (cg = cg->parent; cg->parent != NULL; cg = cg->parent)
        share = sched_share_outside(share, __atomic_load_n(&cg->load, __ATOMIC_RELAXED),
                                    sched_group_weight(cg->weight));
    return share;
}

/* [rq->lock] Of all that runs in it. */
static uint64_t group_share(struct cgroup *cg)
{
    uint32_t generation = __atomic_load_n(&load_generation, __ATOMIC_RELAXED);
    uint64_t known = __atomic_load_n(&cg->share, __ATOMIC_RELAXED);

    _Static_assert(SCHED_SHARE_NICE0 * 100 <= UINT32_MAX, "the greatest cpu.weight's share fits");
    if ((uint32_t)known != generation) {
        known = find_group_share(cg) << 32 | generation;
        __atomic_store_n(&cg->share, known, __ATOMIC_RELAXED);
    }
    return known >> 32;
}

/* [rq->lock] The thread has become runnable. Its process keeps the group. */
static void enter_group(struct thread *t)
{
    struct cgroup *cg = t->has_left_group ? NULL : READ_ONCE(t->process->cgroup);

    if (cg == NULL || cg->parent == NULL)
        return;
    t->load_group = cg;
    load_change(cg, sched_nice_weight(t->nice));
}

/* [rq->lock] */
static void leave_group(struct thread *t)
{
    if (t->load_group != NULL)
        load_change(t->load_group, -(int64_t)sched_nice_weight(t->nice));
    t->load_group = NULL;
}

/* [rq->lock] Of a runnable thread. */
static uint64_t thread_share(const struct thread *t)
{
    uint32_t weight = sched_nice_weight(t->nice);
    struct cgroup *cg = t->load_group;

    if (cg == NULL)
        return sched_share(weight);
    return sched_share_inside(group_share(cg), weight, __atomic_load_n(&cg->load, __ATOMIC_RELAXED));
}

/* ---- the tree --------------------------------------------------------------- */

static void tree_insert(struct run_queue *rq, struct thread *t)
{
    struct rb_node **where = &rq->tree.node, *parent = NULL;
    bool leftmost = true;

    while (*where != NULL) {
        struct thread *other = rb_entry(*where, struct thread, run_node);

        parent = *where;
        if (sched_earlier(t->vruntime, other->vruntime)) {
            where = &parent->left;
        } else {
            where = &parent->right;
            leftmost = false;
        }
    }
    rb_link(&t->run_node, parent, where);
    rb_insert_fixup(&rq->tree, &t->run_node);
    if (leftmost)
        rq->first = t;
    rq->count++;
}

static void tree_remove(struct run_queue *rq, struct thread *t)
{
    if (rq->first == t) {
        struct rb_node *next = rb_next(&t->run_node);

        rq->first = next == NULL ? NULL : rb_entry(next, struct thread, run_node);
    }
    rb_erase(&rq->tree, &t->run_node);
    rq->count--;
}

/* ---- accounting --------------------------------------------------------------- */

static uint64_t ticks_to_ns(uint64_t ticks)
{
    uint64_t khz = tsc_khz();

    return ticks / khz * NSEC_PER_MSEC + ticks % khz * NSEC_PER_MSEC / khz;
}

/* The system-call entry notes the TSC; what it did not cover was user mode. */
static void account_times(struct thread *t, uint64_t delta_ns)
{
    uint64_t system_ns = delta_ns;

    if (t->mm != NULL) {
        if (t->kernel_since != 0) {
            uint64_t tsc = rdtsc();

            t->kernel_ticks += tsc - t->kernel_since;
            t->kernel_since = tsc;
        }
        if (t->kernel_ticks != 0) {
            system_ns = min(ticks_to_ns(t->kernel_ticks), delta_ns);
            t->kernel_ticks = 0;
        } else {
            system_ns = 0;
        }
    }
    t->stime_ns += system_ns;
    t->utime_ns += delta_ns - system_ns;

    for (struct cgroup *cg = t->process->cgroup; cg != NULL; cg = cg->parent) {
        __atomic_fetch_add(&cg->cpu_ns, delta_ns, __ATOMIC_RELAXED);
        __atomic_fetch_add(&cg->cpu_user_ns, delta_ns - system_ns, __ATOMIC_RELAXED);
    }
}

/*
 * The running thread may be ahead of the others. What its group starts from now on is so, too, until they
 * have caught up: else a group would always be first whose threads start another one and wait or end.
 */
static void note_lead(const struct run_queue *rq, const struct thread *t, uint64_t share)
{
    struct cgroup *cg = t->load_group;
    uint64_t lead = t->vruntime - rq->min_vruntime, whole;

    if (cg == NULL)
        return;
    whole = group_share(cg);
    if (share != whole)
        lead = min(lead, sched_virtual(LATENCY_NS, share)) * share / whole;
    if (sched_earlier(cg->lead_until, rq->min_vruntime + lead))
        cg->lead_until = rq->min_vruntime + lead;
}

static uint64_t start_vruntime(const struct run_queue *rq, struct cgroup *cg)
{
    uint64_t lead;

    if (cg == NULL || !sched_earlier(rq->min_vruntime, cg->lead_until))
        return rq->min_vruntime;
    lead = cg->lead_until - rq->min_vruntime;
    return rq->min_vruntime + min(lead, sched_virtual(LATENCY_NS, group_share(cg)));
}

/* The running thread has run until `now`. */
static void account(struct run_queue *rq, struct thread *t, uint64_t now)
{
    uint64_t delta = now - t->started_ns, share, least;

    t->started_ns = now;
    loadavg_add(&rq->load, delta, t == this_cpu()->idle ? 0 : rq->count + 1);
    if (t == this_cpu()->idle) {
        this_cpu()->idle_ns += delta;
        return;
    }
    share = thread_share(t);
    t->vruntime += sched_virtual(delta, share);
    account_times(t, delta);

    least = t->vruntime;
    if (rq->first != NULL && sched_earlier(rq->first->vruntime, least))
        least = rq->first->vruntime;
    if (sched_earlier(rq->min_vruntime, least))
        rq->min_vruntime = least;
    if (sched_earlier(rq->min_vruntime, t->vruntime))
        note_lead(rq, t, share);
}

void thread_times(const struct thread *t, uint64_t *user, uint64_t *system)
{
    struct run_queue *rq = queue_of(t);
    irqflags_t flags = spin_lock(&rq->lock);

    if (t == current) /* others: as of their last switch */
        account(rq, current, ktime_ns());
    *user = t->utime_ns;
    *system = t->stime_ns;
    spin_unlock(&rq->lock, flags);
}

unsigned sched_runnable(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < cpu_count(); i++) {
        struct cpu *cpu = cpu_get(i);

        n += run_queues[i].count + (cpu->thread != cpu->idle);
    }
    return n;
}

void sched_loadavg(uint32_t hundredths[3])
{
    for (unsigned i = 0; i < 3; i++) {
        uint64_t sum = 0;

        for (unsigned c = 0; c < cpu_count(); c++)
            sum += READ_ONCE(run_queues[c].load.average[i]);
        hundredths[i] = (uint32_t)(sum * 100 / LOAD_ONE);
    }
}

/* ---- slices and preemption ---------------------------------------------------- */

static void set_resched(struct cpu *cpu)
{
    cpu->need_resched = true;
    thread_set_work(cpu->thread, WORK_RESCHED);
    if (cpu != this_cpu())
        thread_kick(cpu->thread);
}

/* When the running thread must give way to the ready ones; no timer without any. */
static void start_slice(struct cpu *cpu, struct run_queue *rq, const struct thread *t, uint64_t now)
{
    uint64_t slice = ~0ULL;

    if (t != cpu->idle && rq->count != 0) {
        slice = LATENCY_NS / (rq->count + 1);
        slice = max(SLICE_MIN_NS, min(slice, SLICE_MAX_NS));
    }
    if (t != cpu->idle && t->process->has_cpu_timers)
        slice = min(slice, CPU_TIMER_TICK_NS);
    cpu->slice_end_ns = slice == ~0ULL ? ~0ULL : now + slice;
    if (cpu->slice_end_ns != ~0ULL)
        timer_program_hw(cpu->slice_end_ns);
}

void sched_slice_end(void)
{
    struct cpu *cpu = this_cpu();
    struct run_queue *rq = &run_queues[cpu->number];

    if (cpu->thread == cpu->idle)
        return;
    if (cpu->thread->process->has_cpu_timers)
        cpu_timers_check(cpu->thread);
    if (rq->count != 0)
        set_resched(cpu);
    else
        start_slice(cpu, rq, cpu->thread, ktime_ns());
}

/* [rq->lock] `t` has become ready: should it run before the current thread's slice is over? */
static void check_preempt(struct cpu *cpu, struct run_queue *rq, const struct thread *t)
{
    struct thread *running = cpu->thread;
    uint64_t now, vruntime;

    if (running == cpu->idle) {
        set_resched(cpu);
        return;
    }
    now = ktime_ns();
    vruntime = running->vruntime + sched_virtual(now - running->started_ns, thread_share(running));
    if (sched_earlier(t->vruntime + WAKEUP_GRANULARITY_NS, vruntime))
        set_resched(cpu);
    else if (cpu->slice_end_ns == ~0ULL)
        start_slice(cpu, rq, running, now);
}

/* ---- waking up ------------------------------------------------------------------ */

bool sched_wakeup_states(struct thread *t, uint64_t states)
{
    struct run_queue *rq = queue_of(t);
    irqflags_t flags = spin_lock(&rq->lock);
    bool woken = (BIT(t->state) & states) != 0;

    if (woken) {
        WRITE_ONCE(t->state, THREAD_RUNNING);
        if (!t->on_queue) {
            uint64_t floor = rq->min_vruntime - SLEEPER_CREDIT_NS;

            if (sched_earlier(t->vruntime, floor))
                t->vruntime = floor;
            t->on_queue = true;
            enter_group(t);
            tree_insert(rq, t);
            check_preempt(cpu_get(t->cpu), rq, t);
        }
    }
    spin_unlock(&rq->lock, flags);
    return woken;
}

void sched_wakeup(struct thread *t)
{
    sched_wakeup_states(t, WAKE_SLEEPING);
}

void sched_fork(struct thread *child, const struct thread *parent)
{
    child->nice = parent->nice;
    child->policy = parent->policy;
    child->cpu = cpu_number();
    child->state = THREAD_UNINTERRUPTIBLE; /* until sched_start() */
}

void sched_start(struct thread *t)
{
    struct run_queue *rq = queue_of(t);
    irqflags_t flags = spin_lock(&rq->lock);

    t->state = THREAD_RUNNING;
    t->on_queue = true;
    enter_group(t);
    t->vruntime = start_vruntime(rq, t->load_group);
    tree_insert(rq, t);
    check_preempt(cpu_get(t->cpu), rq, t);
    spin_unlock(&rq->lock, flags);
}

void sched_set_nice(struct thread *t, int nice)
{
    struct run_queue *rq = queue_of(t);
    irqflags_t flags = spin_lock(&rq->lock);

    if (t == current)
        account(rq, t, ktime_ns()); /* at the old weight */
    if (t->load_group != NULL) {
        load_change(t->load_group, sched_nice_weight(nice)); /* first, so that the group stays runnable */
        load_change(t->load_group, -(int64_t)sched_nice_weight(t->nice));
    }
    t->nice = nice;
    spin_unlock(&rq->lock, flags);
}

void sched_move_group(struct thread *t)
{
    struct run_queue *rq = queue_of(t);
    irqflags_t flags = spin_lock(&rq->lock);

    if (t->on_queue) {
        leave_group(t);
        enter_group(t);
    }
    spin_unlock(&rq->lock, flags);
}

void sched_leave_group(struct thread *t)
{
    struct run_queue *rq = queue_of(t);
    irqflags_t flags = spin_lock(&rq->lock);

    t->has_left_group = true;
    leave_group(t);
    spin_unlock(&rq->lock, flags);
}

void sched_set_group_weight(struct cgroup *cg, uint32_t weight)
{
    irqflags_t flags = irq_save();

    for (unsigned i = 0; i < cpu_count(); i++)
        (void)spin_lock(&run_queues[i].lock); /* interrupts are off already */
    if (cg->load != 0 && cg->parent->parent != NULL) {
        load_change(cg->parent, sched_group_weight(weight));
        load_change(cg->parent, -(int64_t)sched_group_weight(cg->weight));
    }
    cg->weight = weight;
    new_generation();
    for (unsigned i = cpu_count(); i-- > 0;)
        spin_unlock(&run_queues[i].lock, 0);
    irq_restore(flags);
}

/* On this CPU there is nothing to do: whoever asks is in the kernel, on the way back to user mode
 * or to a guest. */
void thread_kick(struct thread *t)
{
    uint32_t cpu = READ_ONCE(t->cpu);

    if (cpu != cpu_number() && cpu_get(cpu)->thread == t)
        ipi_send(cpu, IPI_KICK);
}

/* ---- switching ------------------------------------------------------------------ */

static void free_dead(void)
{
    irqflags_t flags = irq_save();
    struct run_queue *rq = &run_queues[cpu_number()];
    struct thread *dead = rq->dead;

    rq->dead = NULL;
    irq_restore(flags);
    if (dead != NULL)
        thread_left_cpu(dead);
}

enum leave { LEAVE_BY_STATE, LEAVE_READY };

/* [rq->lock] Puts prev where it belongs and takes the next thread off the tree. */
static struct thread *pick_next(struct cpu *cpu, struct run_queue *rq, struct thread *prev,
                                enum leave how)
{
    bool ready = prev->state == THREAD_RUNNING || how == LEAVE_READY;
    struct thread *next;

    if (prev == cpu->idle) {
        ready = false;
    } else if (!ready) {
        prev->on_queue = false;
        leave_group(prev);
        prev->nvcsw++;
    }
    if (rq->first == NULL)
        return ready ? prev : cpu->idle;
    if (ready) {
        tree_insert(rq, prev);
        prev->nivcsw++;
    }
    next = rq->first;
    tree_remove(rq, next);
    return next;
}

static void switch_threads(enum leave how)
{
    irqflags_t flags;
    struct cpu *cpu;
    struct run_queue *rq;
    struct thread *prev, *next;
    uint64_t now;

    free_dead();
    flags = irq_save();
    cpu = this_cpu();
    rq = &run_queues[cpu->number];
    prev = cpu->thread;
    now = ktime_ns();

    (void)spin_lock(&rq->lock); /* interrupts are off already */
    cpu->need_resched = false;
    if (prev->work & WORK_RESCHED)
        thread_clear_work(prev, WORK_RESCHED);
    account(rq, prev, now);
    next = pick_next(cpu, rq, prev, how);
    next->started_ns = now;
    start_slice(cpu, rq, next, now);
    spin_unlock(&rq->lock, 0);

    if (next != prev) {
        if (prev->hooks != NULL)
            prev->hooks->switch_out(prev->hooks);
        if (prev->state == THREAD_DEAD)
            rq->dead = prev;
        rseq_switched_out(prev);
        arch_switch(prev, next);

        /* Another time, perhaps another CPU: `prev` is the current thread again. */
        if (prev->kernel_since != 0)
            prev->kernel_since = rdtsc();
        if (prev->hooks != NULL)
            prev->hooks->switch_in(prev->hooks);
        irq_restore(flags);
        free_dead();
        return;
    }
    irq_restore(flags);
}

/* What switch_threads() does after arch_switch(), for a thread that has never been in there. */
void sched_thread_started(void)
{
    free_dead();
}

void schedule(void)
{
    assert(!this_cpu()->in_irq);
    lock_assert_may_sleep();
    switch_threads(LEAVE_BY_STATE);
}

void sched_preempt(void)
{
    lock_assert_may_sleep();
    switch_threads(LEAVE_READY);
}

void sched_yield(void)
{
    struct run_queue *rq = &run_queues[cpu_number()];
    irqflags_t flags = spin_lock(&rq->lock);

    /* Behind the one that waits longest. */
    if (rq->first != NULL && sched_earlier(current->vruntime, rq->first->vruntime))
        current->vruntime = rq->first->vruntime;
    spin_unlock(&rq->lock, flags);
    sched_preempt();
}

void sched_init(struct thread *idle)
{
    struct cpu *cpu = this_cpu();

    cpu->idle = idle;
    cpu->thread = idle;
    idle->kstack = cpu->idle_stack;
    cpu->slice_end_ns = ~0ULL;
    idle->cpu = cpu->number;
    idle->state = THREAD_RUNNING;
    idle->started_ns = ktime_ns();
}

void sched_idle_loop(void)
{
    struct cpu *cpu = this_cpu();

    assert(current == cpu->idle);
    for (;;) {
        irq_disable();
        /* STI takes effect after the next instruction: no wake-up can slip in before HLT. */
        if (!cpu->need_resched && run_queues[cpu->number].count == 0)
            __asm__ volatile("sti; hlt" : : : "memory");
        else
            irq_enable();
        schedule();
    }
}
