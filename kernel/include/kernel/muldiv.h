/* SPDX-License-Identifier: BSD-2-Clause */
/* Arithmetic with a 128-bit product in the middle, for scaling times and frequencies. */
#pragma once

#include <kernel/types.h>

/* a * b / c; all ones when that does not fit. */
static inline uint64_t mul_div(uint64_t a, uint64_t b, uint64_t c)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    uint64_t high = (uint64_t)(product >> 64), quotient, remainder;

    if (high >= c)
        return ~0ULL;
    __asm__("divq %4"
            : "=a"(quotient), "=d"(remainder)
            : "a"((uint64_t)product), "d"(high), "r"(c)
            : "cc");
    return quotient;
}

/* value * factor, the factor having 32 bits before and 32 after the point. */
static inline uint64_t mul_32_32(uint64_t value, uint64_t factor)
{
    return (uint64_t)(((unsigned __int128)value * factor) >> 32);
}

/* a / b with 32 bits after the point. */
static inline uint64_t div_32_32(uint64_t a, uint64_t b)
{
    return mul_div(a, 1ULL << 32, b);
}
