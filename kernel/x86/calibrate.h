/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <kernel/types.h>

/*
 * The mean of the largest group of `values` that lie within the tolerance of one
 * of them. True when the group has at least `need` members; *out is the best
 * guess in any case, and 0 only when every value is 0 (a counter that stands).
 */
bool calibrate_pick(const uint64_t *values, unsigned n, unsigned tolerance_ppm, unsigned need,
                    uint64_t *out);
