/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the programs here share. Time is the TSC: where the machine counts
 * instructions (README.md) a difference of two readings is the number of
 * instructions between them. A figure is the median of several rounds.
 */
#pragma once

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

#define ROUNDS_MAX 64

static inline uint64_t bench_now(void)
{
    return __rdtsc();
}

/* End the program: a figure that cannot be measured must not look like one. */
static inline _Noreturn void bench_die(const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
    exit(1);
}

static inline int bench_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* One line "name value": the driver adds the unit. Sorts the values. */
static inline void bench_print(const char *name, double *values, unsigned n)
{
    qsort(values, n, sizeof(*values), bench_compare);
    printf("%s %.1f\n", name, values[n / 2]);
    fflush(stdout);
}

/* A number of 1 to most from the command line. */
static inline unsigned bench_number(const char *text, unsigned most)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);

    if (*text == '\0' || *end != '\0' || n < 1 || n > most) {
        fprintf(stderr, "bench: %s: a number from 1 to %u is needed\n", text, most);
        exit(2);
    }
    return (unsigned)n;
}
