/* SPDX-License-Identifier: BSD-2-Clause */
/* epoll(7). */
#include "abi.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

static struct epoll_event got[8];

static void show(int n)
{
    for (int i = 0; i < n; i++)
        printf("  %x %d\n", got[i].events, got[i].data.fd);
}

static void wait_now(int ep)
{
    show((int)CALL(epoll_wait(ep, got, 8, 0)));
}

static int add(int ep, int fd, unsigned events)
{
    struct epoll_event ev = {.events = events, .data.fd = fd};

    return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
}

static int mod(int ep, int fd, unsigned events)
{
    struct epoll_event ev = {.events = events, .data.fd = fd};

    return epoll_ctl(ep, EPOLL_CTL_MOD, fd, &ev);
}

static void bad_arguments(void)
{
    struct epoll_event ev = {.events = EPOLLIN};
    int ep, p[2], file = open("/", O_RDONLY);

    SECTION("bad arguments");
    if (pipe(p) != 0)
        return;
    CALL(epoll_create(0));
    CALL(epoll_create(-1));
    CALL(epoll_create1(1));
    ep = (int)TRY(epoll_create1(EPOLL_CLOEXEC));
    CALL(fcntl(ep, F_GETFD));
    CALL(epoll_ctl(ep, 9, p[0], &ev));
    CALL(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], BAD_ADDR));
    CALL(epoll_ctl(ep, EPOLL_CTL_ADD, 99, &ev));
    CALL(epoll_ctl(99, EPOLL_CTL_ADD, p[0], &ev));
    CALL(epoll_ctl(p[0], EPOLL_CTL_ADD, p[1], &ev));
    CALL(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &ev));
    CALL(epoll_ctl(ep, EPOLL_CTL_ADD, file, &ev));
    CALL(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL));
    CALL(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &ev));
    CALL(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev));
    CALL(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev));
    CALL(epoll_wait(ep, got, 0, 0));
    CALL(epoll_wait(ep, got, -1, 0));
    CALL(epoll_wait(ep, KERNEL_ADDR, 1, 0));
    CALL(epoll_wait(99, got, 1, 0));
    CALL(epoll_wait(p[0], got, 1, 0));
    CALL(write(p[1], "x", 1));
    CALL(epoll_wait(ep, BAD_ADDR, 1, 0));
    CALL(epoll_wait(ep, got, 1, 0)); /* a fault loses nothing */
    CALL(syscall(SYS_epoll_pwait, ep, got, 1, 0, got, 4));
    CALL(syscall(SYS_epoll_pwait, ep, got, 1, 0, BAD_ADDR, 8));
    CALL(read(ep, got, 1));
    CALL(write(ep, got, 1));
    close(ep);
    close(file);
    close(p[0]);
    close(p[1]);
}

static void triggers(void)
{
    int ep = epoll_create1(0), p[2];
    char b;

    SECTION("triggers");
    if (pipe(p) != 0)
        return;
    CALL(add(ep, p[0], EPOLLIN));
    wait_now(ep);
    CALL(write(p[1], "ab", 2));
    wait_now(ep);
    wait_now(ep);
    CALL(mod(ep, p[0], EPOLLIN | EPOLLET));
    wait_now(ep);
    wait_now(ep);
    CALL(read(p[0], &b, 1));
    wait_now(ep);
    CALL(write(p[1], "c", 1));
    wait_now(ep);
    CALL(mod(ep, p[0], EPOLLIN | EPOLLONESHOT));
    wait_now(ep);
    wait_now(ep);
    CALL(write(p[1], "d", 1));
    wait_now(ep);
    CALL(mod(ep, p[0], EPOLLIN | EPOLLONESHOT));
    wait_now(ep);
    CALL(mod(ep, p[0], 0));
    wait_now(ep);
    close(p[1]);
    wait_now(ep); /* a hang-up is always told */
    close(p[0]);
    wait_now(ep);
    close(ep);
}

static void several(void)
{
    int ep = epoll_create1(0), e[5];

    SECTION("several, in turn");
    for (int i = 0; i < 5; i++) {
        e[i] = eventfd(1, 0);
        add(ep, e[i], EPOLLIN);
    }
    for (int round = 0; round < 3; round++)
        show((int)CALL(epoll_wait(ep, got, 2, 0)));
    for (int i = 0; i < 5; i++)
        close(e[i]);
    CALL(epoll_wait(ep, got, 8, 0));
    close(ep);
}

static void closing(void)
{
    int ep = epoll_create1(0), p[2], copy;

    SECTION("closing");
    if (pipe(p) != 0 || write(p[1], "x", 1) != 1)
        return;
    CALL(add(ep, p[0], EPOLLIN));
    copy = dup(p[0]);
    CALL(add(ep, copy, EPOLLIN));
    CALL(epoll_wait(ep, got, 8, 0));
    close(p[0]); /* the file is still open: its item stays */
    CALL(epoll_wait(ep, got, 8, 0));
    close(copy);
    CALL(epoll_wait(ep, got, 8, 0));
    close(p[1]);
    close(ep);
}

static void nested(void)
{
    int a = epoll_create1(0), b = epoll_create1(0), e = eventfd(0, 0), chain[8];
    struct pollfd p = {.fd = a, .events = POLLIN};

    SECTION("nested");
    CALL(add(b, e, EPOLLIN) + add(a, b, EPOLLIN));
    CALL(epoll_wait(a, got, 8, 0));
    CALL(poll(&p, 1, 0));
    CALL(eventfd_write(e, 1));
    CALL(poll(&p, 1, 0));
    CALL(epoll_wait(a, got, 8, 0));
    CALL(epoll_wait(b, got, 8, 0));
    CALL(add(b, a, EPOLLIN));
    close(a);
    close(b);
    for (int i = 0; i < 8; i++)
        chain[i] = epoll_create1(0);
    for (int i = 0; i < 7; i++)
        CALL(add(chain[i], chain[i + 1], EPOLLIN));
    for (int i = 0; i < 8; i++)
        close(chain[i]);
    for (int i = 0; i < 4; i++) /* what happens at one end is seen at the other */
        chain[i] = epoll_create1(0);
    for (int i = 0; i < 3; i++)
        CALL(add(chain[i], chain[i + 1], EPOLLIN));
    CALL(add(chain[3], e, EPOLLIN));
    CALL(eventfd_write(e, 1));
    CALL(epoll_wait(chain[0], got, 8, 0));
    CALL(epoll_wait(chain[2], got, 8, 0));
    for (int i = 0; i < 4; i++)
        close(chain[i]);
    close(e);
}

static void exclusive(void)
{
    int ep = epoll_create1(0), ep2 = epoll_create1(0), e = eventfd(0, 0);

    SECTION("exclusive");
    CALL(add(ep, e, EPOLLIN | EPOLLEXCLUSIVE));
    CALL(mod(ep, e, EPOLLIN));
    CALL(add(ep, ep2, EPOLLIN | EPOLLEXCLUSIVE));
    CALL(add(ep2, e, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT));
    CALL(eventfd_write(e, 1));
    CALL(epoll_wait(ep, got, 8, 0));
    close(ep);
    close(ep2);
    close(e);
}

static int waiting_ep;

static void *waiter(void *arg)
{
    struct epoll_event ev;

    (void)arg;
    return (void *)(long)epoll_wait(waiting_ep, &ev, 1, 5000);
}

static void woken(void)
{
    int s[2];
    pthread_t t;
    void *n;

    SECTION("woken");
    waiting_ep = epoll_create1(0);
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    CALL(add(waiting_ep, s[0], EPOLLIN | EPOLLRDHUP | EPOLLET));
    pthread_create(&t, NULL, waiter, NULL);
    usleep(50000);
    CALL(write(s[1], "x", 1));
    pthread_join(t, &n);
    printf("waiter got %ld\n", (long)n);
    pthread_create(&t, NULL, waiter, NULL);
    usleep(50000);
    CALL(add(waiting_ep, s[1], EPOLLOUT)); /* added while somebody waits */
    pthread_join(t, &n);
    printf("waiter got %ld\n", (long)n);
    close(s[1]);
    wait_now(waiting_ep);
    close(s[0]);
    close(waiting_ep);
}

/* Each fork takes away the right to write to `got`: waits often sleep while they hand over what is
 * ready. */
static void *collector(void *arg)
{
    for (;;)
        epoll_wait(*(int *)arg, got, 1, 0);
    return NULL;
}

static void keep_busy(int inner)
{
    const size_t size = 8ul << 20;
    char *ballast = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_t t;

    if (ballast == MAP_FAILED || madvise(ballast, size, MADV_NOHUGEPAGE) != 0)
        return;
    memset(ballast, 1, size);
    pthread_create(&t, NULL, collector, &inner);
    for (;;) {
        pid_t pid = fork();

        if (pid == 0)
            _exit(0);
        waitpid(pid, NULL, 0);
    }
}

static void keep_looking(int outer)
{
    struct pollfd p = {.fd = outer, .events = POLLIN};

    for (;;)
        poll(&p, 1, 0);
}

static pid_t start(void (*fn)(int ep), int ep)
{
    pid_t pid = fork();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        fn(ep);
        _exit(1);
    }
    if (pid < 0) {
        perror("fork");
        exit(1);
    }
    return pid;
}

static long now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Who only looks whether the epoll has anything does not hide it from who waits for that. */
static void looked_at(void)
{
    int p[2], inner = epoll_create1(0), outer = epoll_create1(0), late = 0;
    long end = now_ms() + 3000;
    pid_t busy, looker;

    SECTION("looked at");
    if (pipe(p) != 0 || write(p[1], "x", 1) != 1)
        return;
    CALL(add(inner, p[0], EPOLLIN));
    CALL(add(outer, inner, EPOLLIN));
    busy = start(keep_busy, inner);
    looker = start(keep_looking, outer);
    for (long now = now_ms(); now < end && late == 0; now = now_ms())
        late += epoll_wait(outer, got, 1, 4000) != 1 || now_ms() - now > 2000;
    printf("late: %d\n", late);
    kill(busy, SIGKILL);
    kill(looker, SIGKILL);
    waitpid(busy, NULL, 0);
    waitpid(looker, NULL, 0);
    close(p[0]);
    close(p[1]);
    close(inner);
    close(outer);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    alarm(30);
    bad_arguments();
    triggers();
    several();
    closing();
    nested();
    exclusive();
    woken();
    looked_at();
    return 0;
}
