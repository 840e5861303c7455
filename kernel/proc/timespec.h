/* SPDX-License-Identifier: BSD-2-Clause */
/* Times of the ABI to nanoseconds and back; what does not fit is as far away as can be said. */
#pragma once

#include <kernel/time.h>
#include <kernel/uaccess.h>

#define TIME_MAX_NS ((uint64_t)INT64_MAX)

static inline bool timespec_is_valid(const struct timespec *ts)
{
    return ts->tv_sec >= 0 && (uint64_t)ts->tv_nsec < NSEC_PER_SEC;
}

static inline uint64_t timespec_to_ns(const struct timespec *ts)
{
    if ((uint64_t)ts->tv_sec >= TIME_MAX_NS / NSEC_PER_SEC)
        return TIME_MAX_NS;
    return (uint64_t)ts->tv_sec * NSEC_PER_SEC + (uint64_t)ts->tv_nsec;
}

static inline struct timespec timespec_from_ns(uint64_t ns)
{
    return (struct timespec){(int64_t)(ns / NSEC_PER_SEC), (int64_t)(ns % NSEC_PER_SEC)};
}

static inline bool timeval_is_valid(const struct timeval *tv)
{
    return tv->tv_sec >= 0 && (uint64_t)tv->tv_usec < 1000000;
}

static inline uint64_t timeval_to_ns(const struct timeval *tv)
{
    struct timespec ts = {tv->tv_sec, tv->tv_usec * 1000};

    return timespec_to_ns(&ts);
}

static inline struct timeval timeval_from_ns(uint64_t ns)
{
    return (struct timeval){(int64_t)(ns / NSEC_PER_SEC),
                            (int64_t)(ns % NSEC_PER_SEC / NSEC_PER_USEC)};
}

/* 0, -EFAULT, or -EINVAL. */
static inline int timespec_from_user(uaddr_t addr, uint64_t *ns)
{
    struct timespec ts;

    if (get_user(&ts, addr) < 0)
        return -EFAULT;
    if (!timespec_is_valid(&ts))
        return -EINVAL;
    *ns = timespec_to_ns(&ts);
    return 0;
}

/* Absolute, and never 0, which means "no deadline" to wait queues. */
static inline uint64_t deadline_after(uint64_t ns)
{
    uint64_t now = ktime_ns();

    return ns >= TIME_MAX_NS - now ? TIME_MAX_NS : now + ns + 1;
}

#define ALIGN_UP_NS(ns, unit) (((ns) + (unit) - 1) / (unit) * (unit))

/* No interval timer interrupts more often, whatever it was set to. */
#define INTERVAL_MIN_NS (100 * NSEC_PER_USEC)

/* When a timer that was due at `expired` is due again: one of its moments, after now. The number of
 * those that have gone by is added to *missed, if there is one. */
static inline uint64_t next_expiry(uint64_t expired, uint64_t interval, uint64_t *missed)
{
    uint64_t earliest = ktime_ns() + INTERVAL_MIN_NS, skipped = 0;

    if (expired + interval < earliest)
        skipped = (earliest - expired - 1) / interval;
    if (missed != NULL)
        *missed += skipped;
    return expired + (skipped + 1) * interval;
}
