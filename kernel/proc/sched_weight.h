/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much of the CPU a thread deserves, as pure arithmetic (unit-tested on
 * the host). Each step of nice(2) is worth a factor of 1.25, which makes about
 * 10 % of the CPU between two threads; nice 0 is 1024.
 *
 * Groups share like threads, by cpu.weight (default 100, as much as nice 0), and
 * what a group gets its own threads and groups share in the same way. So on the
 * way up from a thread its share is multiplied, in every group, by the group's
 * weight over the weights of all that is runnable in it (its load). The root has
 * no weight: what is in it competes directly.
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

static inline uint32_t sched_nice_weight(int nice)
{
    return sched_nice_weights[nice - NICE_MIN];
}

static inline uint32_t sched_group_weight(uint32_t cgroup_weight)
{
    uint64_t w = (uint64_t)SCHED_WEIGHT_NICE0 * cgroup_weight / 100;

    return w == 0 ? 1 : (uint32_t)w;
}

/* Shares are weights with a fraction: a thread among many of a light group has little. */
#define SCHED_SHARE_SHIFT 10
#define SCHED_SHARE_NICE0 ((uint64_t)SCHED_WEIGHT_NICE0 << SCHED_SHARE_SHIFT)

static inline uint64_t sched_share(uint32_t weight)
{
    return (uint64_t)weight << SCHED_SHARE_SHIFT;
}

/* What `share` of a group with this load is outside of it. */
static inline uint64_t sched_share_outside(uint64_t share, uint64_t load, uint32_t group_weight)
{
    uint64_t outside;

    if (share == load << SCHED_SHARE_SHIFT) /* alone */
        return sched_share(group_weight);
    if (load == 0) /* another CPU is just adding it up */
        return share;
    outside = share * group_weight / load;
    return outside == 0 ? 1 : outside;
}

/* What something of this weight has of a group's whole share. */
static inline uint64_t sched_share_inside(uint64_t whole, uint32_t weight, uint64_t load)
{
    uint64_t inside;

    if (weight == load || load == 0)
        return whole;
    inside = whole * weight / load;
    return inside == 0 ? 1 : inside;
}

/* Virtual time that `ns` of running costs: heavier threads age more slowly. */
static inline uint64_t sched_virtual(uint64_t ns, uint64_t share)
{
    const uint64_t longest = 1ULL << 40; /* 18 minutes: alone on its CPU, where it makes no difference */

    if (share == SCHED_SHARE_NICE0)
        return ns;
    return (ns < longest ? ns : longest) * SCHED_SHARE_NICE0 / share;
}

/* Virtual times wrap around: compare by difference. */
static inline bool sched_earlier(uint64_t a, uint64_t b)
{
    return (int64_t)(a - b) < 0;
}
