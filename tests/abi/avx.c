/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The upper halves of the vector registers: each thread's own across preemption and signal handlers. Two
 * processes of two threads each take turns on one CPU, all with other contents. The same lines are printed
 * where the CPU has no AVX; "avx has" says whether it does.
 */
#include "abi.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>

#define ROUNDS 60
#define SPIN   400000

struct registers {
    uint64_t ymm[16][4];
};

static volatile sig_atomic_t handled;

/* clang-format off */
#define EACH(op) op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11) op(12) op(13) op(14) op(15)
#define LOAD(n)  "vmovdqu 32*" #n "(%1), %%ymm" #n "\n\t"
#define STORE(n) "vmovdqu %%ymm" #n ", 32*" #n "(%2)\n\t"
/* clang-format on */

/* All registers hold `in` for a while, and are then what is in `out`. */
static void hold(const struct registers *in, struct registers *out, uint64_t spin)
{
    __asm__ volatile(EACH(LOAD)
                     "1: dec %0\n\t"
                     "jnz 1b\n\t"
                     EACH(STORE)
                     "vzeroupper"
                     : "+r"(spin)
                     : "r"(in), "r"(out)
                     : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                       "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

static void fill(struct registers *r, uint64_t seed)
{
    for (unsigned i = 0; i < 16; i++)
        for (unsigned j = 0; j < 4; j++)
            r->ymm[i][j] = seed * 0x9e3779b97f4a7c15u + i * 4 + j;
}

/* A handler that uses them for itself. */
static void spoil(int sig)
{
    struct registers mine, after;

    (void)sig;
    fill(&mine, 99);
    hold(&mine, &after, 1);
    handled++;
}

/* How many rounds ended with other contents. */
static void *rounds(void *seed)
{
    struct registers mine, after;
    uintptr_t wrong = 0;

    for (uint64_t i = 0; i < ROUNDS; i++) {
        fill(&mine, (uintptr_t)seed * 1000 + i);
        hold(&mine, &after, SPIN);
        wrong += memcmp(&mine, &after, sizeof(mine)) != 0;
    }
    return (void *)wrong;
}

/* Two threads, with a signal every other millisecond; 0: none has lost anything. */
static int two_threads(uintptr_t seed)
{
    const struct itimerval tick = {.it_interval.tv_usec = 2000, .it_value.tv_usec = 2000}, none = {0};
    void *mine, *its;
    pthread_t other;

    signal(SIGALRM, spoil);
    setitimer(ITIMER_REAL, &tick, NULL);
    if (pthread_create(&other, NULL, rounds, (void *)(seed + 1)) != 0)
        return 2;
    mine = rounds((void *)seed);
    pthread_join(other, &its);
    setitimer(ITIMER_REAL, &none, NULL);
    return mine == NULL && its == NULL && handled > 0 ? 0 : 1;
}

static int two_processes(void)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0)
        _exit(two_threads(10));
    return two_threads(20) == 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

int main(int argc, char **argv)
{
    int has = __builtin_cpu_supports("avx"); /* CPUID and XCR0 */
    cpu_set_t set;

    (void)argv;
    if (argc > 1) {
        printf("%s\n", has ? "yes" : "no");
        return 0;
    }
    CPU_ZERO(&set);
    CPU_SET((unsigned)sched_getcpu(), &set);
    CALL(sched_setaffinity(0, sizeof(set), &set));
    printf("vector registers: %s\n", !has || two_processes() ? "kept" : "lost");
    return 0;
}
