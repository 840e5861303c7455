/* SPDX-License-Identifier: BSD-2-Clause */
/* timer_create(2) and setitimer(2): signals that wait, are ignored, or are none; and what that costs. */
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

#include "abi.h"

#define MANY 1000

static volatile sig_atomic_t handled;

static void on_signal(int sig)
{
    (void)sig;
    handled++;
}

static double now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static timer_t make(int notify, int sig)
{
    struct sigevent ev = {.sigev_notify = notify, .sigev_signo = sig};
    timer_t t;

    if (timer_create(CLOCK_MONOTONIC, &ev, &t) != 0) {
        printf("timer_create: %s\n", strerrorname_np(errno));
        exit(1);
    }
    return t;
}

static void start(timer_t t, long first_ns, long interval_ns)
{
    struct itimerspec its = {{0, interval_ns}, {0, first_ns}};

    if (timer_settime(t, 0, &its, NULL) != 0)
        printf("timer_settime: %s\n", strerrorname_np(errno));
}

static int take(int sig, siginfo_t *info, long ms)
{
    struct timespec limit = {ms / 1000, ms % 1000 * 1000000};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, sig);
    return sigtimedwait(&set, info, &limit);
}

static void block(int how, int sig)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, sig);
    sigprocmask(how, &set, NULL);
}

/* How long a fixed piece of work takes: the least of several, for other load does not matter then. */
static double work(void)
{
    double best = 1e9;

    for (int round = 0; round < 40; round++) {
        double begin = now();

        for (volatile int i = 0; i < 100000; i++)
            ;
        if (now() - begin < best)
            best = now() - begin;
    }
    return best;
}

/* Timers that nobody attends to take no CPU time. */
static void idle_timers(const char *what, int notify, int sig)
{
    double before = work();
    timer_t timers[MANY];

    for (int i = 0; i < MANY; i++) {
        timers[i] = make(notify, sig);
        start(timers[i], 1, 1);
    }
    printf("%s: %s\n", what, work() < before * 4 ? "free" : "cost");
    for (int i = 0; i < MANY; i++)
        timer_delete(timers[i]);
}

static void unattended(void)
{
    struct itimerval it = {{0, 1}, {0, 1}}, off = {{0, 0}, {0, 0}};
    double before = work();

    SECTION("unattended");
    idle_timers("no signal", SIGEV_NONE, 0);
    block(SIG_BLOCK, SIGRTMIN);
    idle_timers("blocked", SIGEV_SIGNAL, SIGRTMIN);
    while (take(SIGRTMIN, NULL, 0) == SIGRTMIN)
        ;
    block(SIG_BLOCK, SIGALRM);
    setitimer(ITIMER_REAL, &it, NULL);
    printf("itimer: %s\n", work() < before * 4 ? "free" : "cost");
    setitimer(ITIMER_REAL, &off, NULL);
    CALL(take(SIGALRM, NULL, 0));
    CALL(take(SIGALRM, NULL, 0));
    block(SIG_UNBLOCK, SIGALRM);
}

static void overruns(void)
{
    timer_t t = make(SIGEV_SIGNAL, SIGRTMIN);
    struct itimerspec left;
    siginfo_t info;

    SECTION("overruns");
    start(t, 1000000, 1000000);
    usleep(60000);
    timer_gettime(t, &left);
    printf("left %d\n", left.it_value.tv_nsec > 0 && left.it_value.tv_nsec <= 1000000);
    CALL(timer_getoverrun(t));
    CALL(take(SIGRTMIN, &info, 0) == SIGRTMIN);
    printf("missed %d, the same %d\n", info.si_overrun >= 50, info.si_overrun == timer_getoverrun(t));
    CALL(take(SIGRTMIN, &info, 10000) == SIGRTMIN); /* it goes on */
    usleep(20000);
    start(t, 3000000, 0); /* once, while a signal waits */
    CALL(timer_getoverrun(t));
    usleep(20000);
    while (take(SIGRTMIN, &info, 0) == SIGRTMIN)
        ;
    timer_gettime(t, &left);
    printf("left %ld %ld\n", (long)left.it_value.tv_sec, left.it_value.tv_nsec);
    CALL(timer_delete(t));
    CALL(timer_delete(t));

    t = make(SIGEV_NONE, 0);
    start(t, 5000000, 7000000);
    usleep(30000);
    timer_gettime(t, &left);
    printf("no signal: left %d\n", left.it_value.tv_nsec > 0 && left.it_value.tv_nsec <= 7000000);
    start(t, 5000000, 0);
    usleep(10000);
    timer_gettime(t, &left);
    printf("left %ld %ld\n", (long)left.it_value.tv_sec, left.it_value.tv_nsec);
    timer_delete(t);
}

/* Each timer has its own signal, even where others of that number wait already. */
static void several(void)
{
    timer_t timers[3];
    siginfo_t info;
    int seen = 0;

    SECTION("several");
    block(SIG_BLOCK, SIGUSR1);
    for (int i = 0; i < 3; i++) {
        timers[i] = make(SIGEV_SIGNAL, SIGUSR1);
        start(timers[i], 1, 0);
    }
    usleep(20000);
    for (int i = 0; i < 3; i++) {
        if (take(SIGUSR1, &info, 0) == SIGUSR1 && info.si_code == SI_TIMER)
            seen |= 1 << (info.si_timerid - (int)(long)timers[0]);
    }
    printf("seen %x\n", (unsigned)seen);
    CALL(take(SIGUSR1, &info, 0));
    for (int i = 0; i < 3; i++)
        timer_delete(timers[i]);
}

static void ignored(void)
{
    timer_t t = make(SIGEV_SIGNAL, SIGUSR2);
    double limit = now() + 20;

    SECTION("ignored");
    signal(SIGUSR2, SIG_IGN);
    start(t, 1, 1000000);
    usleep(20000);
    signal(SIGUSR2, on_signal);
    while (handled < 3 && now() < limit)
        usleep(1000);
    printf("handled %d\n", handled >= 3);
    timer_delete(t);

    block(SIG_BLOCK, SIGUSR2); /* flushed while it waits */
    t = make(SIGEV_SIGNAL, SIGUSR2);
    start(t, 1, 1000000);
    usleep(20000);
    signal(SIGUSR2, SIG_IGN);
    timer_delete(t);
    CALL(take(SIGUSR2, NULL, 0));
    block(SIG_UNBLOCK, SIGUSR2);
}

static void real(void)
{
    struct itimerval it = {{0, 1000}, {0, 1000}}, left;

    SECTION("setitimer");
    signal(SIGALRM, on_signal);
    handled = 0;
    setitimer(ITIMER_REAL, &it, NULL);
    while (handled < 5)
        usleep(1000);
    block(SIG_BLOCK, SIGALRM);
    usleep(20000);
    CALL(getitimer(ITIMER_REAL, &left));
    printf("interval %ld, left %ld\n", (long)left.it_interval.tv_usec, (long)left.it_value.tv_usec);
    CALL(take(SIGALRM, NULL, 0) == SIGALRM);
    CALL(take(SIGALRM, NULL, 10000) == SIGALRM);
    it.it_value.tv_usec = 0;
    CALL(setitimer(ITIMER_REAL, &it, NULL));
    usleep(5000);
    (void)take(SIGALRM, NULL, 0);
    usleep(5000);
    CALL(take(SIGALRM, NULL, 0));
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    unattended();
    overruns();
    several();
    ignored();
    real();
    return 0;
}
