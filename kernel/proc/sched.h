/* SPDX-License-Identifier: BSD-2-Clause */
/* What the other files of proc/ need of the scheduler beyond <kernel/proc.h>. */
#pragma once

#include <kernel/proc.h>

/* Which sleeps a wake-up ends. */
#define WAKE_SLEEPING                                                                              \
    (BIT(THREAD_INTERRUPTIBLE) | BIT(THREAD_KILLABLE) | BIT(THREAD_UNINTERRUPTIBLE))
#define WAKE_SIGNAL BIT(THREAD_INTERRUPTIBLE)
#define WAKE_FATAL  (BIT(THREAD_INTERRUPTIBLE) | BIT(THREAD_KILLABLE) | BIT(THREAD_STOPPED))
#define WAKE_STOPPED BIT(THREAD_STOPPED)

/* True when the thread was in one of these states and now runs. Any context. */
bool sched_wakeup_states(struct thread *t, uint64_t states);

void sched_init(struct thread *boot); /* the thread that runs now becomes CPU 0's idle thread */
void sched_fork(struct thread *child, const struct thread *parent);
void sched_start(struct thread *t); /* a new thread's first time on a run queue */
void sched_leave_group(struct thread *t); /* it exits: its process may let go of the group */
void sched_set_nice(struct thread *t, int nice);

/* Full barrier: the sleeper's state is visible before it tests what it waits for. */
static inline void set_current_state(enum thread_state state)
{
    __atomic_store_n(&current->state, state, __ATOMIC_SEQ_CST);
}
