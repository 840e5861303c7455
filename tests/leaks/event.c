/* SPDX-License-Identifier: BSD-2-Clause */
/* epoll, nested and of what is closed first; eventfd, timerfd, signalfd, memfd, pidfd. */
#include "leaks.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { EVENT, TIMER, SIGNAL, PIPE_OUT, PIPE_IN, INNER, KINDS };

static void make_all(int fds[KINDS])
{
    struct itimerspec soon = {.it_value = {.tv_nsec = 1}, .it_interval = {.tv_nsec = 100000}};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    fds[EVENT] = (int)must(eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK));
    fds[TIMER] = (int)must(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
    must(timerfd_settime(fds[TIMER], 0, &soon, NULL));
    fds[SIGNAL] = (int)must(signalfd(-1, &set, SFD_CLOEXEC));
    must(pipe2(fds + PIPE_OUT, O_CLOEXEC));
    fds[INNER] = (int)must(epoll_create1(EPOLL_CLOEXEC));
}

static void events(unsigned i)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET}, ready[KINDS];
    int fds[KINDS], outer = (int)must(epoll_create1(EPOLL_CLOEXEC)), copy, file;

    make_all(fds);
    for (int k = 0; k < KINDS; k++) {
        event.data.fd = fds[k];
        must(epoll_ctl(outer, EPOLL_CTL_ADD, fds[k], &event));
        if (k != INNER)
            must(epoll_ctl(fds[INNER], EPOLL_CTL_ADD, fds[k], &event));
    }
    must_fail(EEXIST, epoll_ctl(outer, EPOLL_CTL_ADD, fds[EVENT], &event));
    must_fail(ELOOP, epoll_ctl(fds[INNER], EPOLL_CTL_ADD, outer, &event));
    file = (int)must(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
    must_fail(EPERM, epoll_ctl(outer, EPOLL_CTL_ADD, file, &event));
    must(close(file));
    check(must(epoll_wait(outer, ready, KINDS, 1000)) >= 2);
    must(epoll_ctl(outer, EPOLL_CTL_DEL, fds[PIPE_IN], NULL));
    copy = (int)must(dup(fds[EVENT])); /* an epoll goes on watching as long as one is open */
    if (i % 2 == 0)
        must(close(outer));
    for (int k = 0; k < KINDS; k++)
        must(close(fds[(k + (int)i) % KINDS]));
    must(close(copy));
    if (i % 2 != 0)
        must(close(outer));
}

static void memory_files(unsigned i)
{
    int fd = (int)must(memfd_create("leaks", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    char *map;

    (void)i;
    must(ftruncate(fd, 100 << 10));
    map = mmap(NULL, 100 << 10, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    check(map != MAP_FAILED);
    must(close(fd));
    memset(map, 1, 100 << 10);
    must(munmap(map, 100 << 10));
}

static void linger(void *arg)
{
    (void)arg;
    pause();
}

static void process_files(unsigned i)
{
    pid_t pid = spawn(linger, NULL);
    int fd = (int)must(syscall(SYS_pidfd_open, pid, 0));
    struct pollfd set = {.fd = fd, .events = POLLIN};

    (void)i;
    check(must(poll(&set, 1, 0)) == 0);
    must(syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0));
    check(must(poll(&set, 1, -1)) == 1);
    wait_killed(pid, SIGKILL);
    must(close(fd));
}

const struct area event_areas[] = {
    {"events", 100, events},
    {"memory_files", 50, memory_files},
    {"process_files", 50, process_files},
    {NULL, 0, NULL},
};
