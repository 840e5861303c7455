/* SPDX-License-Identifier: BSD-2-Clause */
/* Counters of known frequency, to measure the TSC by. */
#pragma once

#include <kernel/types.h>

struct refclock {
    const char *name;
    uint64_t hz;
    uint64_t mask;          /* the counter wraps at mask + 1 */
    uint32_t tolerance_ppm; /* of a measurement of a few ms, from its resolution */
    uint64_t (*read)(void);
    bool is_lasting; /* goes on counting, slowly enough for a measurement of a second */
};

/* The best one at or after `index` in the order of preference, switched on; NULL: no more. */
const struct refclock *refclock_get(unsigned index);
unsigned refclock_index(const struct refclock *clock);
/* mm is there: the loader's mapping of device memory goes. */
void refclock_remap(void);
