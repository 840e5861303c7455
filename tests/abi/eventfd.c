/* SPDX-License-Identifier: BSD-2-Clause */
/* eventfd(2), timerfd_create(2), signalfd(2); null, zero, full, random; getrandom(2). */
#include "abi.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

static int ready(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT};

    return poll(&p, 1, 0) < 0 ? -1 : p.revents;
}

static void eventfds(void)
{
    uint64_t v = 0;
    int e;

    SECTION("eventfd");
    CALL(syscall(SYS_eventfd2, 0, 8));
    e = (int)TRY(eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC));
    CALL(fcntl(e, F_GETFD));
    CALL(ready(e));
    CALL(read(e, &v, 7));
    CALL(read(e, BAD_ADDR, 8));
    CALL(read(e, &v, 8));
    CALL(write(e, &v, 4));
    CALL(write(e, BAD_ADDR, 8));
    v = UINT64_MAX;
    CALL(write(e, &v, 8));
    v = UINT64_MAX - 1;
    CALL(write(e, &v, 8));
    CALL(ready(e));
    v = 1;
    CALL(write(e, &v, 8));
    CALL(read(e, &v, 100));
    printf("%llx\n", (unsigned long long)v);
    CALL(ready(e));
    close(e);

    e = (int)TRY(eventfd(2, EFD_SEMAPHORE));
    CALL(read(e, &v, 8));
    printf("%llu\n", (unsigned long long)v);
    CALL(read(e, &v, 8));
    CALL(ready(e));
    if (fork() == 0) {
        usleep(50000);
        _exit(eventfd_write(e, 1));
    }
    CALL(read(e, &v, 8));
    wait(NULL);
    close(e);
}

static void timerfds(void)
{
    struct itimerspec its = {.it_value = {0, 50000000}}, cur;
    struct timespec now;
    uint64_t n = 0;
    int t;

    SECTION("timerfd");
    CALL(timerfd_create(99, 0));
    CALL(timerfd_create(CLOCK_MONOTONIC, 1));
    t = (int)TRY(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
    CALL(timerfd_settime(t, 0, BAD_ADDR, NULL));
    CALL(timerfd_settime(t, 8, &its, NULL));
    CALL(timerfd_settime(0, 0, &its, NULL));
    CALL(timerfd_settime(99, 0, &its, NULL));
    CALL(timerfd_gettime(t, BAD_ADDR));
    its.it_value.tv_nsec = 1000000000;
    CALL(timerfd_settime(t, 0, &its, NULL));
    CALL(timerfd_gettime(t, &cur));
    printf("disarmed %d\n", cur.it_value.tv_sec == 0 && cur.it_value.tv_nsec == 0);
    its.it_value = (struct timespec){20, 0};
    CALL(timerfd_settime(t, 0, &its, NULL));
    CALL(ready(t));
    CALL(timerfd_gettime(t, &cur));
    printf("left %d\n", cur.it_value.tv_sec < 20 && cur.it_value.tv_sec >= 10);
    its.it_value = (struct timespec){0, 50000000};
    CALL(timerfd_settime(t, 0, &its, NULL));
    CALL(read(t, &n, 4));
    CALL(read(t, &n, 8));
    printf("expired %llu\n", (unsigned long long)n);
    fcntl(t, F_SETFL, O_NONBLOCK);
    CALL(read(t, &n, 8));

    its.it_interval.tv_nsec = 10000000;
    its.it_value.tv_nsec = 10000000;
    CALL(timerfd_settime(t, 0, &its, &cur));
    usleep(105000);
    CALL(ready(t));
    CALL(read(t, &n, 8));
    printf("expired ten times or so %d\n", n >= 9 && n < 60);
    its = (struct itimerspec){0};
    CALL(timerfd_settime(t, 0, &its, &cur));
    printf("interval %ld\n", (long)cur.it_interval.tv_nsec);
    usleep(20000);
    CALL(ready(t));

    clock_gettime(CLOCK_MONOTONIC, &now);
    its.it_value = now; /* in the past by the time it is set */
    CALL(timerfd_settime(t, TFD_TIMER_ABSTIME, &its, NULL));
    CALL(ready(t));
    close(t);
    t = (int)TRY(timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK));
    clock_gettime(CLOCK_REALTIME, &now);
    its.it_value = now;
    its.it_value.tv_sec++;
    CALL(timerfd_settime(t, TFD_TIMER_ABSTIME, &its, NULL));
    CALL(read(t, &n, 8));
    CALL(timerfd_gettime(t, &cur));
    printf("left %d\n", cur.it_value.tv_sec == 0 && cur.it_value.tv_nsec > 0);
    close(t);
}

static void signalfds(void)
{
    struct signalfd_siginfo si[2];
    struct epoll_event ev = {.events = EPOLLIN};
    sigset_t set;
    int s, ep, status;

    SECTION("signalfd");
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    CALL(syscall(SYS_signalfd4, -1, &set, 4, 0));
    CALL(syscall(SYS_signalfd4, -1, BAD_ADDR, 8, 0));
    CALL(syscall(SYS_signalfd4, -1, &set, 8, 1));
    CALL(syscall(SYS_signalfd4, 0, &set, 8, 0));
    CALL(syscall(SYS_signalfd4, 99, &set, 8, 0));
    s = (int)TRY(signalfd(-1, &set, SFD_NONBLOCK));
    CALL(ready(s));
    CALL(read(s, si, sizeof(si)));
    CALL(read(s, si, 100));
    raise(SIGUSR1);
    CALL(ready(s));
    CALL(read(s, si, sizeof(si)));
    printf("signo %u, mine %d, code %d\n", si[0].ssi_signo, si[0].ssi_pid == (unsigned)getpid(),
           si[0].ssi_code);
    CALL(ready(s));
    CALL(write(s, si, 8));

    ep = epoll_create1(0);
    CALL(epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev));
    CALL(epoll_wait(ep, &ev, 1, 0));
    if (fork() == 0)
        _exit(3);
    CALL(epoll_wait(ep, &ev, 1, 5000));
    CALL(read(s, si, sizeof(si)));
    printf("signo %u, status %d, code %d\n", si[0].ssi_signo, si[0].ssi_status, si[0].ssi_code);
    wait(&status);
    sigdelset(&set, SIGUSR1);
    TRY(signalfd(s, &set, 0));
    raise(SIGUSR1);
    CALL(ready(s));
    close(s);
    close(ep);
    signal(SIGUSR1, SIG_IGN);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void device(const char *name, int flags)
{
    char b[64], *m;
    struct stat st;
    int fd, n;

    printf("-- %s\n", name);
    memset(b, 'x', sizeof(b));
    fd = (int)TRY(open(name, flags));
    fstat(fd, &st);
    printf("%o %u:%u\n", st.st_mode, major(st.st_rdev), minor(st.st_rdev));
    n = (int)CALL(read(fd, b, sizeof(b)));
    if (n > 0)
        printf("zeros %d\n", b[0] == 0 && b[63] == 0);
    CALL(read(fd, BAD_ADDR, 8));
    CALL(write(fd, b, 3));
    CALL(write(fd, BAD_ADDR, 8));
    CALL(lseek(fd, 5, SEEK_SET));
    CALL(ready(fd));
    CALL(ioctl(fd, 0x1234, 0));
    m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    printf("mmap %d\n", m == MAP_FAILED ? errno : 0);
    if (m != MAP_FAILED) {
        m[0] = m[5000] = 1;
        printf("%d %d\n", m[1], m[5000]);
        munmap(m, 8192);
    }
    close(fd);
}

static void random_numbers(void)
{
    char a[300] = {0}, b[300] = {0};

    SECTION("getrandom");
    CALL(getrandom(a, sizeof(a), 0));
    CALL(getrandom(b, sizeof(b), GRND_NONBLOCK));
    printf("differ %d\n", memcmp(a, b, sizeof(a)) != 0);
    CALL(getrandom(a, 10, 8));
    CALL(getrandom(a, 10, GRND_RANDOM | GRND_INSECURE));
    CALL(getrandom(BAD_ADDR, 10, 0));
    CALL(getrandom(BAD_ADDR, 0, 0));
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    alarm(30);
    eventfds();
    timerfds();
    signalfds();
    device("/dev/null", O_RDWR);
    device("/dev/zero", O_RDWR);
    device("/dev/full", O_RDWR);
    random_numbers();
    return 0;
}
