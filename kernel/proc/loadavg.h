/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Load averages: how many threads want the CPU, smoothed over 1, 5 and 15
 * minutes. There is no tick to sample at, so the number is integrated over time
 * at each switch; every five seconds' worth is one step of the smoothing. Pure:
 * also tested on the build host.
 */
#pragma once

#include <kernel/types.h>

#define LOAD_PERIOD_NS 5000000000ULL
#define LOAD_ONE       2048u /* fixed point: 11 bits after the point */

struct loadavg {
    uint64_t integral;   /* thread-nanoseconds in the period that runs */
    uint64_t elapsed_ns; /* of it */
    uint32_t average[3]; /* in units of 1 / LOAD_ONE */
};

/* e^(-5 s / 1, 5, 15 min) */
static const uint32_t load_decay[3] = {1884, 2014, 2037};

/* base^n, LOAD_ONE being 1. */
static inline uint32_t load_power(uint32_t base, uint64_t n)
{
    uint32_t result = LOAD_ONE;

    for (; n != 0 && result != 0; n >>= 1) {
        if (n & 1)
            result = (result * base + LOAD_ONE / 2) / LOAD_ONE;
        base = (base * base + LOAD_ONE / 2) / LOAD_ONE;
    }
    return result;
}

/* For delta_ns, `active` threads were running or ready. */
static inline void loadavg_add(struct loadavg *l, uint64_t delta_ns, unsigned active)
{
    uint64_t periods, load;

    l->integral += delta_ns * active;
    l->elapsed_ns += delta_ns;
    if (l->elapsed_ns < LOAD_PERIOD_NS)
        return;
    periods = l->elapsed_ns / LOAD_PERIOD_NS;
    load = l->integral / (l->elapsed_ns / LOAD_ONE);
    for (unsigned i = 0; i < 3; i++) {
        uint64_t keep = load_power(load_decay[i], periods);

        l->average[i] =
            (uint32_t)((l->average[i] * keep + load * (LOAD_ONE - keep) + LOAD_ONE / 2) / LOAD_ONE);
    }
    l->integral = l->elapsed_ns = 0;
}
