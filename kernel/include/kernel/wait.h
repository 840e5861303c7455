/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wait queues: how a thread sleeps until something happens, and how poll and
 * epoll hear of it.
 *
 *     wait_event_interruptible(&pipe->readers, pipe_has_data(pipe))
 *
 * sets the thread's state first and tests the condition after, so a wake-up
 * between test and sleep is not lost. The waker changes the state that the
 * condition reads, then calls wake_up().
 */
#pragma once

#include <kernel/errno.h>
#include <kernel/list.h>
#include <kernel/spinlock.h>

struct thread;
struct wait_entry;

/* Entries that the default function has woken are off the queue; wait_prepare() puts them back. */

/* Called under the queue's lock with the waker's event mask (POLLIN..., or ~0u). */
typedef void (*wait_wake_fn)(struct wait_entry *entry, uint32_t events);

struct wait_entry {
    struct list_node link; /* [queue->lock] empty when on no queue */
    struct wait_queue *queue;
    struct thread *thread; /* who is woken by the default function */
    wait_wake_fn wake;     /* wait_wake_thread, or poll's and epoll's own */
    bool exclusive;        /* wake_up_one() stops after one of these */
    void *private;         /* for the wake function */
};

struct wait_queue {
    struct spinlock lock;
    struct list_node waiters; /* [lock] struct wait_entry */
};

#define WAIT_QUEUE_INIT(name) {SPINLOCK_INIT, LIST_INIT((name).waiters)}

void wait_queue_init(struct wait_queue *wq);
void wait_entry_init(struct wait_entry *e, struct thread *t);
void wait_wake_thread(struct wait_entry *entry, uint32_t events);
void wait_add(struct wait_queue *wq, struct wait_entry *e);
void wait_remove(struct wait_entry *e); /* also of an entry that is on no queue */

void wake_up_events(struct wait_queue *wq, uint32_t events);
void wake_up_one(struct wait_queue *wq);
static inline void wake_up(struct wait_queue *wq)
{
    wake_up_events(wq, ~0u);
}

/* The steps of wait_event(), for loops that it does not fit. */
enum wait_kind { WAIT_UNINTERRUPTIBLE, WAIT_INTERRUPTIBLE, WAIT_KILLABLE };
void wait_prepare(struct wait_queue *wq, struct wait_entry *e, enum wait_kind kind);
/* Sleeps until woken or until `deadline_ns` of ktime_ns() (0: none).
 * 0, -ERESTARTSYS (a signal is pending and kind is interruptible, or a fatal one and kind is
 * killable), -ETIMEDOUT. */
int wait_sleep(enum wait_kind kind, uint64_t deadline_ns);
void wait_finish(struct wait_entry *e);

#define wait_event_common_(wq_, cond, kind, deadline)                                              \
    ({                                                                                             \
        struct wait_entry wait_e_;                                                                 \
        int wait_err_ = 0;                                                                         \
        wait_entry_init(&wait_e_, NULL); /* NULL: the current thread */                            \
        for (;;) {                                                                                 \
            wait_prepare((wq_), &wait_e_, (kind));                                                 \
            if (cond) {                                                                            \
                wait_err_ = 0;                                                                     \
                break;                                                                             \
            }                                                                                      \
            if (wait_err_ != 0)                                                                    \
                break;                                                                             \
            wait_err_ = wait_sleep((kind), (deadline));                                            \
        }                                                                                          \
        wait_finish(&wait_e_);                                                                     \
        wait_err_;                                                                                 \
    })

#define wait_event(wq, cond)               ((void)wait_event_common_(wq, cond, WAIT_UNINTERRUPTIBLE, 0))
#define wait_event_killable(wq, cond)      wait_event_common_(wq, cond, WAIT_KILLABLE, 0)
#define wait_event_interruptible(wq, cond) wait_event_common_(wq, cond, WAIT_INTERRUPTIBLE, 0)
/* deadline_ns is absolute, of ktime_ns(); 0 means none. */
#define wait_event_deadline(wq, cond, deadline_ns)                                                 \
    wait_event_common_(wq, cond, WAIT_INTERRUPTIBLE, deadline_ns)
