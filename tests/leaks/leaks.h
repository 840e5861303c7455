/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the areas are written with. An area does one kind of thing per round and
 * undoes it; main.c compares the machine before and after many rounds.
 */
#pragma once

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/types.h>

struct area {
    const char *name;
    unsigned rounds;
    void (*round)(unsigned i); /* i counts all rounds, those of the warm-up too */
};

/* One array per file, ended by an area without a name. */
extern const struct area process_areas[], exec_areas[], mount_areas[], file_areas[], ipc_areas[],
    event_areas[], memory_areas[], kvm_areas[];

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

/* End the area: this is not what it was to do. */
_Noreturn void fail_at(const char *file, int line, const char *what, int error);

static inline long must_at(const char *file, int line, const char *what, long value)
{
    if (value == -1)
        fail_at(file, line, what, errno);
    return value;
}

/* The call's value, which must not be -1. */
#define must(call) must_at(__FILE__, __LINE__, #call, (long)(call))

/* The call must fail with this error. */
#define must_fail(error, call)                                                                     \
    do {                                                                                           \
        if ((long)(call) != -1)                                                                    \
            fail_at(__FILE__, __LINE__, #call, 0);                                                 \
        if (errno != (error))                                                                      \
            fail_at(__FILE__, __LINE__, #call, errno);                                             \
    } while (0)

#define check(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail_at(__FILE__, __LINE__, #condition, 0);                                            \
    } while (0)

/* fork() and the child's function; it ends with status 0 when the function returns. */
pid_t spawn(void (*child)(void *), void *arg);

/* Wait for a child: it must end with exit status 0, or by this signal. */
void wait_exited(pid_t pid);
void wait_killed(pid_t pid, int signal);

/* Write a text to a file that is there. Returns -1 and errno. */
int put(const char *path, const char *text);

/* A pause after which a child that was just started is somewhere else each time. */
void drift(unsigned i);
