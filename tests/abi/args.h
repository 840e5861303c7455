/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables of bad arguments. A row is a call that works, with a letter for each of its
 * arguments that says how to make it bad; every bad value is tried in turn, the
 * other arguments being good, and a line per argument shows what came of each.
 *
 *   p  a pointer        n  a number or length (0, -1, large ones)
 *   f  a descriptor     b  flags: each of the 32 bits alone
 *   o  the same, but none without a name (epoll, eventfd, timerfd): Linux has changed its mind about them
 *   i  taken as it is
 *
 * FORKED rows run each call in a process of its own, where it may change the process, block or
 * end it. A call without arguments has a row too: it runs once, with garbage in all
 * registers. test_calls.py compares the rows with the kernel's table of calls.
 */
#pragma once

#include "abi.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

struct args_row {
    const char *name;
    long nr;
    const char *kinds;
    int forked;
    long args[6];
};
#define P(x) ((long)(x))
#define CWD  AT_FDCWD
/* In a row: a good descriptor. */
enum { FD_FILE, FD_PATH, FD_DIR, FD_EMPTY, FD_FULL, FD_SOCKET, FD_NULL, FD_WRITEONLY, FD_EPOLL, FD_EVENT,
       FD_TIMER, FD_KINDS };
#define FD(kind) (-1000 - FD_##kind)
/* clang-format off */
#define C(name, kinds, ...)      {#name, SYS_##name, kinds, 0, {__VA_ARGS__}}
#define FORKED(name, kinds, ...) {#name, SYS_##name, kinds, 1, {__VA_ARGS__}}
/* clang-format on */

struct args_value {
    const char *name;
    long value;
};

#define ARGS_BLOCKED_S 3 /* a call that takes this long waits for something */
/* Nothing is mapped for 2 GiB behind either: a length of 0x7fffffff must not reach the heap, which
 * Linux puts anywhere in the first GiB, and which the kernel itself writes to (rseq(2)). */
#define ARGS_BUFFER    ((char *)0x100000000)
#define ARGS_FREE      ((char *)0x200000000)
#define ARGS_BUFFER_LEN 0x10000
#define ARGS_EDGE      (ARGS_BUFFER + ARGS_BUFFER_LEN - 1) /* a zero byte, and nothing after it */

static const struct args_value args_pointers[] = {
    {"null", 0},
    {"low", 8},
    {"kernel", (long)0xffffffff80000000ul},
    {"hole", (long)0x800000000000ul},
    {"edge", P(ARGS_EDGE)},
};
static const struct args_value args_numbers[] = {
    {"0", 0}, {"-1", -1}, {"int", 0x7fffffff}, {"long", (long)0x8000000000000000ul},
};
static const struct args_value args_no_fds[] = {{"negative", -1}, {"closed", 777}, {"huge", 0x7fffffff}};
static struct args_value args_fds[FD_KINDS] = {
    {"file", 0}, {"path", 0},      {"dir", 0},   {"empty", 0}, {"write", 0}, {"socket", 0},
    {"null", 0}, {"writeonly", 0}, {"epoll", 0}, {"event", 0}, {"timer", 0},
};

/*
 * The buffer, descriptors of each kind, none of which blocks, and a directory to be in: in a file
 * system of its own, of the same type everywhere, in a mount namespace of its own. There are "file" and
 * "null", which is /dev/null, but not the one of the others.
 */
#define ARGS_ROOT "/tmp/abi_args"
static inline void args_init(void)
{
    int pipe[2];

    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mkdir(ARGS_ROOT, 0755) < 0 || mount("abi", ARGS_ROOT, "tmpfs", 0, NULL) < 0 ||
        mkdir(ARGS_ROOT "/dir", 0755) < 0 || chdir(ARGS_ROOT "/dir") < 0)
        exit(1);
    if (mknod("null", S_IFCHR | 0666, makedev(1, 3)) < 0 || pipe2(pipe, O_NONBLOCK) < 0)
        exit(1);
    if (mmap(ARGS_BUFFER, ARGS_BUFFER_LEN, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != ARGS_BUFFER)
        exit(1);
    args_fds[FD_FILE].value = open("file", O_CREAT | O_RDWR, 0600);
    args_fds[FD_PATH].value = open("file", O_PATH);
    args_fds[FD_DIR].value = open(".", O_RDONLY | O_DIRECTORY);
    args_fds[FD_EMPTY].value = pipe[0];
    args_fds[FD_FULL].value = pipe[1];
    args_fds[FD_SOCKET].value = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    args_fds[FD_NULL].value = open("null", O_RDWR);
    args_fds[FD_WRITEONLY].value = open("file", O_WRONLY);
    args_fds[FD_EPOLL].value = epoll_create1(0);
    args_fds[FD_EVENT].value = eventfd(0, EFD_NONBLOCK);
    args_fds[FD_TIMER].value = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    for (int kind = 0; kind < FD_KINDS; kind++)
        if (args_fds[kind].value < 0)
            exit(1);
}

static inline int args_fini(void)
{
    return chdir("/") < 0 || umount2(ARGS_ROOT, MNT_DETACH) < 0 || rmdir(ARGS_ROOT) < 0;
}

/* Not by way of the C library: what vfork returns to must not be on the stack. */
static inline long args_syscall(long nr, const long *a)
{
    register long r10 __asm__("r10") = a[3];
    register long r8 __asm__("r8") = a[4];
    register long r9 __asm__("r9") = a[5];
    long r;

    __asm__ volatile("syscall"
                     : "=a"(r)
                     : "a"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return r;
}

static inline const char *args_name(long r)
{
    const char *name = r < 0 && r > -4096 ? strerrorname_np((int)-r) : "ok";

    return name != NULL ? name : "unknown";
}

/* In a process of its own: how it ended says what came of the call. */
static inline const char *args_forked(long nr, const long *a)
{
    static char text[64];
    const struct itimerval limit = {.it_value.tv_sec = ARGS_BLOCKED_S};
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        setpgid(0, 0);
        setitimer(ITIMER_REAL, &limit, NULL);
        status = (int)args_syscall(nr, a);
        _exit(status < 0 && status > -4096 ? -status : 0);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFSIGNALED(status))
        snprintf(text, sizeof(text), WTERMSIG(status) == SIGALRM ? "blocks" : "SIG%s",
                 sigabbrev_np(WTERMSIG(status)));
    else
        snprintf(text, sizeof(text), "%s", args_name(-WEXITSTATUS(status)));
    return text;
}

/* A row with argument `which` replaced (none if it is 6 or more). Descriptors are passed as duplicates:
 * a call that closes one does no harm. */
static inline const char *args_result(const struct args_row *row, unsigned which, long value)
{
    int dups[6], ndups = 0;
    const char *text;
    long a[6];

    memset(ARGS_BUFFER, 0, 4096);
    *ARGS_EDGE = '\0';
    for (unsigned i = 0; i < 6; i++) {
        int is_fd = i < strlen(row->kinds) && strchr("fo", row->kinds[i]) != NULL;
        int copy = -1;

        a[i] = i == which ? value : row->args[i];
        if (a[i] <= FD(FILE) && a[i] > FD(KINDS))
            a[i] = args_fds[FD(FILE) - a[i]].value;
        if (row->kinds[0] == '\0')
            a[i] = -1;
        if (is_fd)
            copy = fcntl((int)a[i], F_DUPFD_CLOEXEC, 500);
        if (copy >= 0)
            a[i] = dups[ndups++] = copy;
    }
    text = row->forked ? args_forked(row->nr, a) : args_name(args_syscall(row->nr, a));
    while (ndups > 0)
        close(dups[--ndups]);
    return text;
}

static inline void args_try_values(const struct args_row *row, unsigned which, const struct args_value *v,
                                   size_t n)
{
    for (size_t i = 0; i < n; i++)
        printf(" %s=%s", v[i].name, args_result(row, which, v[i].value));
}

/* Bits with the same result together, in the order in which results first appear. */
static inline void args_try_bits(const struct args_row *row, unsigned which)
{
    char results[32][16];

    for (unsigned bit = 0; bit < 32; bit++)
        snprintf(results[bit], sizeof(results[bit]), "%s", args_result(row, which, 1l << bit));
    for (unsigned bit = 0; bit < 32; bit++) {
        const char *text = results[bit];

        if (text[0] == '\0')
            continue;
        printf(" %s=%u", text, bit);
        for (unsigned other = bit + 1; other < 32; other++)
            if (strcmp(text, results[other]) == 0) {
                printf(",%u", other);
                results[other][0] = '\0';
            }
    }
}

static inline void args_try_row(const struct args_row *row)
{
    printf("%s(2): %s\n", row->name, args_result(row, 6, 0));
    for (unsigned i = 0; row->kinds[i] != '\0'; i++) {
        char kind = row->kinds[i];

        if (kind == 'i')
            continue;
        printf("%s(2) %u:", row->name, i + 1);
        if (kind == 'p') {
            args_try_values(row, i, args_pointers, ARRAY_LEN(args_pointers));
        } else if (kind == 'n') {
            args_try_values(row, i, args_numbers, ARRAY_LEN(args_numbers));
        } else if (kind == 'b') {
            args_try_bits(row, i);
        } else {
            args_try_values(row, i, args_no_fds, ARRAY_LEN(args_no_fds));
            args_try_values(row, i, args_fds, kind == 'o' ? FD_EPOLL : (size_t)FD_KINDS);
        }
        printf("\n");
        fflush(stdout);
    }
}

static inline void args_try_rows(const struct args_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        args_try_row(&rows[i]);
}
