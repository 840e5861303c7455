/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A relay of threads, for ever: each starts the next one, and then runs for about a
 * slice of the scheduler's. There is always one that has not run yet; all together
 * may expect no more of the CPU than one that stays.
 */
#include "attack.h"

#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>

enum { RUN_US = 5000, LEGS_MAX = 4096, STACK = 4096 };

static char stacks[LEGS_MAX][STACK] __attribute__((aligned(16)));
static unsigned legs;

static uint64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* Without the C library's threads: what those have in common makes them wait for each other. */
static int leg(void *arg)
{
    const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
    char *stack = stacks[__atomic_fetch_add(&legs, 1, __ATOMIC_RELAXED) % LEGS_MAX];
    uint64_t end = now_us() + RUN_US;

    if (clone(leg, stack + STACK, flags, arg) < 0)
        _exit(1);
    while (now_us() < end)
        ;
    syscall(SYS_exit, 0);
    return 0;
}

int main(void)
{
    leg(NULL);
    return 1;
}
