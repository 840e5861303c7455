/* SPDX-License-Identifier: BSD-2-Clause */
/* Clocks and kernel timers. All times are nanoseconds in uint64_t. */
#pragma once

#include <kernel/types.h>

#define NSEC_PER_SEC  1000000000UL
#define NSEC_PER_MSEC 1000000UL
#define NSEC_PER_USEC 1000UL

struct timespec { /* the ABI's struct __kernel_timespec */
    int64_t tv_sec;
    int64_t tv_nsec;
};
struct timeval {
    int64_t tv_sec;
    int64_t tv_usec;
};

uint64_t ktime_ns(void);      /* CLOCK_MONOTONIC: since boot, never steps back */
uint64_t ktime_real_ns(void); /* CLOCK_REALTIME */
void ktime_set_real(uint64_t ns);
uint64_t tsc_hz(void);                 /* the calibrated value */
uint64_t tsc_khz(void);
uint64_t tsc_to_ns(uint64_t tsc);      /* monotonic time of a TSC reading */
uint64_t ns_to_tsc_delta(uint64_t ns); /* length of time to TSC ticks */

struct timer_queue;

/*
 * One-shot timers. `fn` runs on the CPU that started the timer, in interrupt
 * context with interrupts off: it wakes threads and starts timers, no more.
 */
struct timer {
    struct timer_queue *queue; /* [queue->lock] the per-CPU heap it is in; NULL: idle */
    struct timer *child;       /* [queue->lock] links of the heap, see kernel/timer_heap.h */
    struct timer *next, *prev;
    uint64_t deadline_ns;
    void (*fn)(struct timer *t);
};

void timer_init(struct timer *t, void (*fn)(struct timer *t));
void timer_start(struct timer *t, uint64_t deadline_ns); /* restarts a running one */
bool timer_cancel(struct timer *t);                      /* true: it was still to come; after
                                                            return fn is not running */
bool timer_stop(struct timer *t); /* the same without waiting: also under locks that fn takes */
static inline bool timer_is_active(const struct timer *t)
{
    return READ_ONCE(t->queue) != NULL;
}

/* No timer and no scheduler slice of this CPU ends before this moment (~0: none is to come): what
 * hv arms the VMX preemption timer for. Cheap; interrupts off. */
uint64_t timer_next_deadline(void);

/* Make timer_interrupt() come on this CPU at this time or earlier: for the scheduler, when a new
 * slice begins. Never moves it later. */
void timer_program_hw(uint64_t deadline_ns);

/* Interrupt entry: run what is due and program the next (kernel/x86 calls it). */
void timer_interrupt(void);
/* kernel/x86: set the hardware timer of this CPU, once; ~0: off. Interrupts off. */
void arch_set_timer(uint64_t deadline_ns);
