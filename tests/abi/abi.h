/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the ABI tests share. Each is a static program that tries system calls,
 * right and wrong, and prints a line per call. What it prints on Linux is what
 * it must print on Bulkhead; so nothing that may differ is printed: no addresses,
 * no process ids, no times.
 */
#pragma once

#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Wstringop-overflow" /* bad arguments are the point */
#pragma GCC diagnostic ignored "-Wstringop-overread"
#pragma GCC diagnostic ignored "-Wnonnull"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* The call's text and its result: the value, or the name of the error. */
#define CALL(call)                                                                                 \
    ({                                                                                             \
        errno = 0;                                                                                 \
        long abi_r_ = (long)(call);                                                                \
        abi_show(#call, abi_r_, 1);                                                                \
        abi_r_;                                                                                    \
    })
/* The same where success has a value that may differ: a descriptor, a pid. */
#define TRY(call)                                                                                  \
    ({                                                                                             \
        errno = 0;                                                                                 \
        long abi_r_ = (long)(call);                                                                \
        abi_show(#call, abi_r_, 0);                                                                \
        abi_r_;                                                                                    \
    })
#define SECTION(name) printf("-- %s\n", name)
/* Volatile, so that the compiler does not object to what the kernel is to refuse. */
static void *volatile abi_bad_addr = (void *)8;
static void *volatile abi_kernel_addr = (void *)0xffffffff80000000ul;
#define BAD_ADDR    ((void *)abi_bad_addr)    /* never mapped */
#define KERNEL_ADDR ((void *)abi_kernel_addr) /* not the program's */

static inline void abi_show(const char *text, long r, int with_value)
{
    int e = errno;

    if (r == -1)
        printf("%s: %s\n", text, strerrorname_np(e) ? strerrorname_np(e) : "?");
    else if (with_value)
        printf("%s: %ld\n", text, r);
    else
        printf("%s: ok\n", text);
    fflush(stdout);
    errno = e;
}

static inline void abi_show_bytes(const char *what, const void *p, long n)
{
    const unsigned char *b = p;

    printf("%s (%ld):", what, n);
    for (long i = 0; i < n; i++)
        printf(b[i] > 32 && b[i] < 127 && b[i] != '\\' ? "%c" : "\\%03o", b[i]);
    printf("\n");
    fflush(stdout);
}

/* Until the process or thread, which there is, has this state in /proc. */
static inline void await_state(pid_t tid, char wanted)
{
    char path[64], state = 0;

    snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", tid, tid);
    while (state != wanted) {
        FILE *f = fopen(path, "r");

        if (f == NULL || fscanf(f, "%*d %*s %c", &state) != 1 || (state == 'Z' && wanted != 'Z')) {
            printf("who was to get into state %c has ended\n", wanted);
            fflush(stdout);
            _exit(1);
        }
        fclose(f);
        usleep(1000);
    }
}

/* Until it sleeps; it does nothing else that would. */
static inline void await_sleep(pid_t tid)
{
    await_state(tid, 'S');
}
