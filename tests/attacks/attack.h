/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the attacks share. Each prints a line per attempt: its name and how it was
 * refused. What it prints on Linux, in the same container, is what it must print
 * on Bulkhead; so nothing that may differ is printed: no addresses, no numbers of
 * processes, no times.
 */
#pragma once

#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Wstringop-overflow" /* bad arguments are the point */
#pragma GCC diagnostic ignored "-Wstringop-overread"
#pragma GCC diagnostic ignored "-Wnonnull"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

enum { PAGE = 4096 };

static inline const char *error_name(int error)
{
    const char *name = strerrorname_np(error);

    return name != NULL ? name : "?";
}

/* "ok" or the error of a call that has just returned `r`. */
static inline const char *outcome(long r)
{
    return r == -1 ? error_name(errno) : "ok";
}

static inline void need(int fine, const char *what)
{
    if (fine)
        return;
    printf("cannot prepare the attack: %s: %s\n", what, error_name(errno));
    exit(2);
}

/* Memory that parent and children share. */
static inline void *shared_memory(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    need(p != MAP_FAILED, "shared memory");
    return p;
}
