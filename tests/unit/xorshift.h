/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers that look random and are the same in each run (xorshift64): a test's state begins with any but 0. */
#pragma once

#include <stdint.h>

static inline uint64_t xorshift64(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}
