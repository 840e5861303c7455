/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wait queues and mutexes: see <kernel/wait.h> for how they are used.
 *
 * Why no wake-up is lost: the sleeper puts itself on the queue, then changes
 * its state (a full barrier), then tests its condition. The waker changes what
 * the condition reads, then (a full barrier) looks at the queue. At least one
 * of them sees what the other did.
 */
#include <kernel/mutex.h>
#include <kernel/proc.h>
#include <kernel/time.h>

#include "sched.h"

void wait_queue_init(struct wait_queue *wq)
{
    spin_init(&wq->lock);
    lock_class_set(&wq->lock.class, __builtin_return_address(0));
    list_init(&wq->waiters);
}

void wait_entry_init(struct wait_entry *e, struct thread *t)
{
    list_init(&e->link);
    e->queue = NULL;
    e->thread = t == NULL ? current : t;
    e->wake = wait_wake_thread;
    e->exclusive = false;
}

/* The entry may live on the sleeper's stack: it is taken off the queue last, under the lock that
 * wait_finish() takes before it lets go of the stack. */
void wait_wake_thread(struct wait_entry *e, uint32_t events)
{
    (void)events;
    sched_wakeup(e->thread);
    list_remove(&e->link);
}

void wait_add(struct wait_queue *wq, struct wait_entry *e)
{
    irqflags_t flags = spin_lock(&wq->lock);

    e->queue = wq;
    if (list_is_empty(&e->link))
        list_add_tail(&wq->waiters, &e->link);
    spin_unlock(&wq->lock, flags);
}

void wait_remove(struct wait_entry *e)
{
    struct wait_queue *wq = e->queue;
    irqflags_t flags;

    if (wq == NULL)
        return;
    flags = spin_lock(&wq->lock);
    if (!list_is_empty(&e->link))
        list_remove(&e->link);
    spin_unlock(&wq->lock, flags);
    e->queue = NULL;
}

enum wake_count { WAKE_ALL, WAKE_ONE };

static void wake_waiters(struct wait_queue *wq, uint32_t events, enum wake_count count)
{
    struct wait_entry *e, *next;
    irqflags_t flags;

    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (list_is_empty(&wq->waiters))
        return;
    flags = spin_lock(&wq->lock);
    list_for_each_safe (e, next, &wq->waiters, link) {
        bool was_exclusive = e->exclusive; /* the callback may free it */

        e->wake(e, events);
        if (count == WAKE_ONE && was_exclusive)
            break;
    }
    spin_unlock(&wq->lock, flags);
}

void wake_up_events(struct wait_queue *wq, uint32_t events)
{
    wake_waiters(wq, events, WAKE_ALL);
}

void wake_up_one(struct wait_queue *wq)
{
    wake_waiters(wq, ~0u, WAKE_ONE);
}

static const enum thread_state wait_states[] = {
    [WAIT_UNINTERRUPTIBLE] = THREAD_UNINTERRUPTIBLE,
    [WAIT_INTERRUPTIBLE] = THREAD_INTERRUPTIBLE,
    [WAIT_KILLABLE] = THREAD_KILLABLE,
};

void wait_prepare(struct wait_queue *wq, struct wait_entry *e, enum wait_kind kind)
{
    lock_assert_may_sleep();
    wait_add(wq, e);
    set_current_state(wait_states[kind]);
}

static void sleep_timeout(struct timer *timer)
{
    struct thread *t = container_of(timer, struct thread, sleep_timer);

    t->wait_timed_out = true;
    sched_wakeup(t);
}

int wait_sleep(enum wait_kind kind, uint64_t deadline_ns)
{
    struct thread *t = current;

    if (kind == WAIT_INTERRUPTIBLE && signal_pending(t))
        return -ERESTARTSYS;
    if (kind == WAIT_KILLABLE && fatal_signal_pending(t))
        return -ERESTARTSYS;
    if (deadline_ns == 0) {
        schedule();
        return 0;
    }
    if (ktime_ns() >= deadline_ns)
        return -ETIMEDOUT;
    t->wait_timed_out = false;
    t->sleep_timer.fn = sleep_timeout;
    timer_start(&t->sleep_timer, deadline_ns);
    schedule();
    timer_cancel(&t->sleep_timer);
    return t->wait_timed_out ? -ETIMEDOUT : 0;
}

void wait_finish(struct wait_entry *e)
{
    WRITE_ONCE(current->state, THREAD_RUNNING);
    wait_remove(e);
}

/* ---- mutexes ----------------------------------------------------------------- */

void mutex_init(struct mutex *m)
{
    m->owner = NULL;
    wait_queue_init(&m->wq);
    lock_class_set(&m->wq.lock.class, lock_place()); /* one class for all mutexes' */
    lock_class_set(&m->class, __builtin_return_address(0));
}

static bool try_lock(struct mutex *m)
{
    struct thread *expected = NULL;

    return __atomic_compare_exchange_n(&m->owner, &expected, current, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_RELAXED);
}

/* A caller between wait_prepare() and wait_sleep() is made running by this: it tests once more. */
static void mutex_lock_slow(struct mutex *m)
{
    struct wait_entry e;

    assert(m->owner != current);
    wait_entry_init(&e, NULL);
    e.exclusive = true;
    for (;;) {
        wait_prepare(&m->wq, &e, WAIT_UNINTERRUPTIBLE);
        if (try_lock(m))
            break;
        (void)wait_sleep(WAIT_UNINTERRUPTIBLE, 0);
    }
    wait_finish(&e);
}

void mutex_lock(struct mutex *m)
{
    assert(!this_cpu()->in_irq);
    lock_taken(&m->class, m, LOCK_SLEEPS, false, __builtin_return_address(0));
    if (!try_lock(m))
        mutex_lock_slow(m);
}

void mutex_unlock(struct mutex *m)
{
    assert(m->owner == current);
    lock_dropped(m, LOCK_SLEEPS);
    __atomic_store_n(&m->owner, NULL, __ATOMIC_SEQ_CST);
    wake_up_one(&m->wq);
}

bool mutex_is_mine(const struct mutex *m)
{
    return READ_ONCE(m->owner) == current;
}
