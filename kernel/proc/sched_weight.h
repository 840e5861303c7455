/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much of the CPU a thread deserves, as pure arithmetic (unit-tested on
 * the host). Each step of nice(2) is worth a factor of 1.25, which makes about
 * 10 % of the CPU between two threads; nice 0 is 1024. The cgroup's cpu.weight
 * (default 100) scales that.
 */
#pragma once

#include <kernel/types.h>

#define NICE_MIN (-20)
#define NICE_MAX 19

#define SCHED_WEIGHT_NICE0 1024u

static const uint32_t sched_nice_weights[NICE_MAX - NICE_MIN + 1] = {
    88818, 71054, 56843, 45475, 36380, /* -20 */
    29104, 23283, 18626, 14901, 11921, /* -15 */
    9537,  7629,  6104,  4883,  3906,  /* -10 */
    3125,  2500,  2000,  1600,  1280,  /* -5 */
    1024,  819,   655,   524,   419,   /* 0 */
    336,   268,   215,   172,   137,   /* 5 */
    110,   88,    70,    56,    45,    /* 10 */
    36,    29,    23,    18,    15,    /* 15 */
};

static inline uint32_t sched_weight(int nice, uint32_t cgroup_weight)
{
    uint64_t w = (uint64_t)sched_nice_weights[nice - NICE_MIN] * cgroup_weight / 100;

    return w == 0 ? 1 : (uint32_t)w;
}

/* Virtual time that `ns` of running costs: heavier threads age more slowly. */
static inline uint64_t sched_virtual(uint64_t ns, uint32_t weight)
{
    if (weight == SCHED_WEIGHT_NICE0)
        return ns;
    return ns * SCHED_WEIGHT_NICE0 / weight;
}

/* Virtual times wrap around: compare by difference. */
static inline bool sched_earlier(uint64_t a, uint64_t b)
{
    return (int64_t)(a - b) < 0;
}
