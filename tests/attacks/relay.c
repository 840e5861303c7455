/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A relay of threads, for ever: each starts the next one, and then runs for about a
 * slice of the scheduler's. There is always one that has not run yet; all together
 * may expect no more of the CPU than one that stays.
 */
#include "attack.h"

#include <pthread.h>
#include <stdint.h>
#include <time.h>

enum { RUN_US = 5000 };

static uint64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void *leg(void *arg)
{
    uint64_t end = now_us() + RUN_US;
    pthread_attr_t attr;
    pthread_t next;

    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    need(pthread_create(&next, &attr, leg, NULL) == 0, "pthread_create");
    while (now_us() < end)
        ;
    return arg;
}

int main(void)
{
    leg(NULL);
    for (;;)
        pause();
}
