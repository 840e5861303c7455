/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel timers. Each CPU has a heap of them (timer_heap.h) and one hardware
 * timer, which is set for whatever comes first: a timer or the end of the
 * current thread's slice. There is no tick: with nothing to come, none comes.
 *
 * The hardware timer is only ever moved forward in time by its own interrupt.
 * When the next event moves away, it is left alone: it comes, finds nothing
 * due, and is set anew. That is cheaper than setting it at each switch.
 */
#include <kernel/time.h>

#include <kernel/proc.h>
#include <kernel/spinlock.h>
#include <kernel/trap.h>
#include <kernel/x86/cpu.h>

#include "timer_heap.h"

struct timer_queue {
    struct spinlock lock;
    struct timer *root;       /* [lock] */
    struct timer *running;    /* [lock] whose fn is being called */
    uint64_t hw_deadline_ns;  /* [c] when the hardware timer comes; ~0: not set */
} __aligned(64);

static struct timer_queue queues[CPUS_MAX] = {
    [0 ... CPUS_MAX - 1] = {.hw_deadline_ns = ~0ULL},
};

static struct timer_queue *this_queue(void)
{
    return &queues[cpu_number()];
}

void timer_init(struct timer *t, void (*fn)(struct timer *t))
{
    *t = (struct timer){.fn = fn};
}

void timer_program_hw(uint64_t deadline_ns)
{
    irqflags_t flags = irq_save();
    struct timer_queue *q = this_queue();

    if (deadline_ns < q->hw_deadline_ns) {
        q->hw_deadline_ns = deadline_ns;
        arch_set_timer(deadline_ns);
    }
    irq_restore(flags);
}

static void take_out(struct timer_queue *q, struct timer *t)
{
    q->root = timer_heap_remove(q->root, t);
    WRITE_ONCE(t->queue, NULL);
}

bool timer_stop(struct timer *t)
{
    struct timer_queue *q;

    while ((q = READ_ONCE(t->queue)) != NULL) {
        irqflags_t flags = spin_lock(&q->lock);
        bool is_here = t->queue == q; /* it may have fired, or moved, before we had the lock */

        if (is_here)
            take_out(q, t);
        spin_unlock(&q->lock, flags);
        if (is_here)
            return true;
    }
    return false;
}

bool timer_cancel(struct timer *t)
{
    if (timer_stop(t))
        return true;
    /* Not to come any more; but another CPU may still be in its fn. */
    for (unsigned i = 0; i < cpu_count(); i++)
        while (i != cpu_number() && READ_ONCE(queues[i].running) == t)
            cpu_pause();
    return false;
}

void timer_start(struct timer *t, uint64_t deadline_ns)
{
    irqflags_t outer = irq_save(); /* stay on this CPU */
    struct timer_queue *q = this_queue();
    irqflags_t flags;

    (void)timer_stop(t); /* whether it still was to come makes no difference */
    flags = spin_lock(&q->lock);
    t->deadline_ns = deadline_ns;
    t->queue = q;
    q->root = timer_heap_add(q->root, t);
    spin_unlock(&q->lock, flags);
    timer_program_hw(deadline_ns);
    irq_restore(outer);
}

/* The hardware timer never comes after what it is for, so its time will do; no lock. */
uint64_t timer_next_deadline(void)
{
    return min(READ_ONCE(this_queue()->hw_deadline_ns), READ_ONCE(this_cpu()->slice_end_ns));
}

static uint64_t earliest_event(struct timer_queue *q)
{
    uint64_t deadline = this_cpu()->slice_end_ns;
    irqflags_t flags = spin_lock(&q->lock);

    if (q->root != NULL && q->root->deadline_ns < deadline)
        deadline = q->root->deadline_ns;
    spin_unlock(&q->lock, flags);
    return deadline;
}

static struct timer *take_due(struct timer_queue *q, uint64_t now)
{
    irqflags_t flags = spin_lock(&q->lock);
    struct timer *t = q->root;

    if (t != NULL && t->deadline_ns <= now)
        take_out(q, t);
    else
        t = NULL;
    q->running = t;
    spin_unlock(&q->lock, flags);
    return t;
}

void timer_interrupt(void)
{
    struct timer_queue *q = this_queue();
    uint64_t now = ktime_ns();
    struct timer *t;

    q->hw_deadline_ns = ~0ULL; /* it has come and is off */
    while ((t = take_due(q, now)) != NULL)
        t->fn(t);
    if (this_cpu()->slice_end_ns <= now) {
        this_cpu()->slice_end_ns = ~0ULL; /* said once */
        sched_slice_end();
    }
    timer_program_hw(earliest_event(q));
}
