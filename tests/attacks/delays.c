/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that take as long as their caller likes: how long does another process
 * wait for the CPU meanwhile? Prints a line per kind:
 *
 *     KIND: N ms
 */
#include "attack.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

enum { IOVS = 1024, BUFFER = 1 << 20, MEASURE_MS = 2000 };

static volatile int *is_ready;

static void read_memory(void)
{
    const size_t size = (size_t)IOVS * BUFFER;
    static struct iovec iov[IOVS];
    static char buffer[BUFFER];
    int fd = open("/proc/self/mem", O_RDONLY);
    char *area = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    need(fd >= 0 && area != MAP_FAILED, "mem");
    for (int i = 0; i < IOVS; i++)
        iov[i] = (struct iovec){buffer, sizeof(buffer)};
    *is_ready = 1;
    for (;;)
        need(preadv(fd, iov, IOVS, (off_t)(uintptr_t)area) > 0, "mem");
}

static long now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static long longest_delay(void)
{
    const struct timespec tick = {0, 1000000};
    long begin = now_ms(), last = begin, longest = 0;

    while (last < begin + MEASURE_MS) {
        long now;

        nanosleep(&tick, NULL);
        now = now_ms();
        if (now - last > longest)
            longest = now - last;
        last = now;
    }
    return longest;
}

static void measure(const char *name, void (*call)(void))
{
    pid_t pid;

    *is_ready = 0;
    pid = fork();
    if (pid == 0)
        call();
    while (!*is_ready && waitpid(pid, NULL, WNOHANG) == 0)
        usleep(10000);
    printf("%s: %ld ms\n", name, longest_delay());
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

int main(void)
{
    is_ready = shared_memory(PAGE);
    setvbuf(stdout, NULL, _IOLBF, 0);
    measure("memory", read_memory);
    return 0;
}
