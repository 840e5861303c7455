/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which of several measurements of one frequency to believe. A machine that is
 * emulated, or whose firmware steals time, now and then makes a measurement far
 * too long; the others agree. Pure: also tested on the build host.
 */
#include "calibrate.h"

#include <kernel/muldiv.h>

static bool agree(uint64_t a, uint64_t b, unsigned tolerance_ppm)
{
    uint64_t diff = a > b ? a - b : b - a;

    return a != 0 && b != 0 && diff <= mul_div(a, tolerance_ppm, 1000000);
}

bool calibrate_pick(const uint64_t *values, unsigned n, unsigned tolerance_ppm, unsigned need,
                    uint64_t *out)
{
    unsigned best_count = 0;
    uint64_t best_mean = 0;

    for (unsigned i = 0; i < n; i++) {
        int64_t sum = 0; /* of the distances from values[i] */
        unsigned count = 0;

        for (unsigned j = 0; j < n; j++) {
            if (!agree(values[i], values[j], tolerance_ppm))
                continue;
            sum += (int64_t)(values[j] - values[i]);
            count++;
        }
        if (count > best_count) {
            best_count = count;
            best_mean = values[i] + (uint64_t)(sum / (int64_t)count);
        }
    }
    *out = best_mean;
    return best_count >= need;
}
