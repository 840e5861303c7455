/* SPDX-License-Identifier: BSD-2-Clause */
/* poll(2), ppoll(2), select(2), pselect6(2). */
#include "abi.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

static volatile int signals;

static void on_signal(int sig)
{
    (void)sig;
    signals++;
}

static long ms_since(const struct timespec *start)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - start->tv_sec) * 1000 + (now.tv_nsec - start->tv_nsec) / 1000000;
}

static void bad_arguments(void)
{
    struct pollfd p = {.fd = 0};
    struct timespec bad = {.tv_nsec = 1000000000}, negative = {.tv_sec = -1};
    struct timeval bad_tv = {.tv_sec = -1};
    struct rlimit rl;
    fd_set set;

    SECTION("bad arguments");
    FD_ZERO(&set);
    CALL(poll(BAD_ADDR, 1, 0));
    CALL(poll(KERNEL_ADDR, 1, 0));
    CALL(poll(NULL, 0, 0));
    getrlimit(RLIMIT_NOFILE, &rl);
    rl.rlim_cur = 100;
    setrlimit(RLIMIT_NOFILE, &rl);
    CALL(poll(&p, 101, 0));
    CALL(poll(&p, -1, 0));
    CALL(syscall(SYS_ppoll, &p, 1, &bad, NULL, 8));
    CALL(syscall(SYS_ppoll, &p, 1, &negative, NULL, 8));
    CALL(syscall(SYS_ppoll, &p, 1, BAD_ADDR, NULL, 8));
    CALL(syscall(SYS_ppoll, &p, 1, NULL, &set, 4));
    CALL(syscall(SYS_ppoll, &p, 1, NULL, BAD_ADDR, 8));
    CALL(syscall(SYS_select, -1, NULL, NULL, NULL, NULL));
    CALL(syscall(SYS_select, 1, BAD_ADDR, NULL, NULL, NULL));
    CALL(syscall(SYS_select, 1, NULL, NULL, NULL, BAD_ADDR));
    CALL(syscall(SYS_select, 1, NULL, NULL, NULL, &bad_tv));
    FD_SET(50, &set);
    CALL(syscall(SYS_select, 51, &set, NULL, NULL, NULL));
    CALL(syscall(SYS_pselect6, 0, NULL, NULL, NULL, NULL, BAD_ADDR));
    CALL(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &bad, NULL));
}

static void states(void)
{
    struct pollfd p[6];
    char name[] = "/tmp/abi-poll-XXXXXX";
    int file = mkstemp(name), pipes[2], i, n;

    SECTION("states");
    if (pipe(pipes) != 0)
        return;
    unlink(name);
    p[0] = (struct pollfd){.fd = pipes[0], .events = POLLIN};
    p[1] = (struct pollfd){.fd = pipes[1], .events = POLLOUT | POLLIN};
    p[2] = (struct pollfd){.fd = -1, .events = POLLIN};
    p[3] = (struct pollfd){.fd = 77, .events = POLLIN};
    p[4] = (struct pollfd){.fd = file, .events = POLLIN | POLLOUT | POLLPRI};
    p[5] = (struct pollfd){.fd = pipes[0], .events = 0};
    n = (int)CALL(poll(p, 6, 1000));
    for (i = 0; i < 6; i++)
        printf("%d: %x\n", i, (unsigned)p[i].revents);
    close(pipes[1]);
    CALL(poll(p + 5, 1, 0));
    printf("%x\n", (unsigned)p[5].revents);
    close(pipes[0]);
    close(file);
    (void)n;
}

static void many(void)
{
    struct pollfd p[60];
    int fds[120];

    SECTION("many");
    for (int i = 0; i < 30; i++) {
        if (pipe(fds + 2 * i) != 0)
            return;
        p[i] = (struct pollfd){.fd = fds[2 * i], .events = POLLIN};
    }
    CALL(poll(p, 30, 10));
    if (fork() == 0) {
        usleep(50000);
        _exit(write(fds[2 * 27 + 1], "x", 1) != 1);
    }
    CALL(poll(p, 30, 5000));
    printf("%x %x\n", (unsigned)p[26].revents, (unsigned)p[27].revents);
    wait(NULL);
    for (int i = 0; i < 60; i++)
        close(fds[i]);
}

static void times(void)
{
    struct timespec start, ts = {0, 50000000};
    struct timeval tv = {0, 50000};
    long ms;

    SECTION("times");
    clock_gettime(CLOCK_MONOTONIC, &start);
    CALL(poll(NULL, 0, 60));
    ms = ms_since(&start);
    printf("waited %d\n", ms >= 60 && ms < 1000);
    clock_gettime(CLOCK_MONOTONIC, &start);
    CALL(syscall(SYS_ppoll, NULL, 0, &ts, NULL, 8));
    printf("waited %d, left %ld\n", ms_since(&start) >= 50, (long)ts.tv_sec + ts.tv_nsec);
    clock_gettime(CLOCK_MONOTONIC, &start);
    CALL(select(0, NULL, NULL, NULL, &tv));
    printf("waited %d, left %ld\n", ms_since(&start) >= 50, (long)tv.tv_sec + tv.tv_usec);
}

static void sets(void)
{
    fd_set r, w, e;
    int p[2], q[2];
    struct timeval tv = {5, 0};

    SECTION("sets");
    if (pipe(p) != 0 || pipe(q) != 0 || write(q[1], "x", 1) != 1)
        return;
    FD_ZERO(&r);
    FD_ZERO(&w);
    FD_ZERO(&e);
    FD_SET(p[0], &r);
    FD_SET(q[0], &r);
    FD_SET(p[1], &w);
    FD_SET(p[0], &e);
    CALL(select(q[1] + 1, &r, &w, &e, &tv));
    printf("%d %d %d %d, time left %d\n", !!FD_ISSET(p[0], &r), !!FD_ISSET(q[0], &r),
           !!FD_ISSET(p[1], &w), !!FD_ISSET(p[0], &e), tv.tv_sec >= 4);
    close(p[1]);
    FD_ZERO(&r);
    FD_SET(p[0], &r);
    CALL(select(p[0] + 1, &r, NULL, NULL, NULL)); /* end of file is readable */
    close(p[0]);
    close(q[0]);
    close(q[1]);
}

static void with_signals(void)
{
    struct sigaction sa = {.sa_handler = on_signal};
    struct timespec ts = {10, 0};
    struct timeval tv = {10, 0};
    sigset_t blocked, none, now;
    int status;
    pid_t pid;

    SECTION("signals");
    sigaction(SIGALRM, &sa, NULL);
    alarm(1);
    CALL(poll(NULL, 0, 10000));
    alarm(1);
    CALL(select(0, NULL, NULL, NULL, &tv));
    printf("time left %d\n", tv.tv_sec == 9 || tv.tv_sec == 8);

    sa.sa_flags = SA_RESTART; /* none of these restarts for a handler */
    sigaction(SIGALRM, &sa, NULL);
    alarm(1);
    CALL(poll(NULL, 0, 10000));

    sigemptyset(&none);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigaction(SIGUSR1, &sa, NULL);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    signals = 0;
    raise(SIGUSR1);
    CALL(ppoll(NULL, 0, &ts, &none));
    printf("handled %d\n", signals);
    sigprocmask(SIG_SETMASK, NULL, &now);
    printf("blocked again %d\n", sigismember(&now, SIGUSR1));
    raise(SIGUSR1);
    ts = (struct timespec){10, 0};
    CALL(pselect(0, NULL, NULL, NULL, &ts, &none));
    printf("handled %d\n", signals);
    ts = (struct timespec){0, 0};
    raise(SIGUSR1);
    CALL(ppoll(NULL, 0, &ts, &blocked));
    printf("handled %d\n", signals);
    sigprocmask(SIG_SETMASK, &none, NULL);
    printf("handled %d\n", signals);

    /* A stop and a continue do not end a poll: it goes on with what is left. */
    pid = fork();
    if (pid == 0) {
        struct timespec start;

        clock_gettime(CLOCK_MONOTONIC, &start);
        _exit(poll(NULL, 0, 400) == 0 && ms_since(&start) >= 400 && ms_since(&start) < 2000 ? 7
                                                                                            : 8);
    }
    usleep(100000);
    kill(pid, SIGSTOP);
    usleep(100000);
    kill(pid, SIGCONT);
    waitpid(pid, &status, 0);
    printf("status %x\n", status);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    bad_arguments();
    states();
    many();
    times();
    sets();
    with_signals();
    return 0;
}
