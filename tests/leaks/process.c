/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes and threads: made, failed to be made, killed wherever they are; namespaces; timers. */
#include "leaks.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- fork and exec --------------------------------------------------------------- */

static void exec_noop(void *arg)
{
    char *argv[] = {"leaks", "noop", NULL}, *env[] = {"A=1", NULL};

    (void)arg;
    must(execve("/proc/self/exe", argv, env));
}

static void fork_and_exec(unsigned i)
{
    (void)i;
    wait_exited(spawn(exec_noop, NULL));
}

static void *thread_main(void *arg)
{
    static __thread char room[3000];

    memset(room, 1, sizeof(room));
    return arg;
}

static void make_threads(void *arg)
{
    pthread_t threads[8];

    (void)arg;
    for (size_t i = 0; i < LENGTH(threads); i++)
        check(pthread_create(&threads[i], NULL, thread_main, NULL) == 0);
    for (size_t i = 0; i < LENGTH(threads); i++)
        check(pthread_join(threads[i], NULL) == 0);
}

static void *thread_blocked(void *arg)
{
    pause();
    return arg;
}

static void make_blocked_threads(void *arg)
{
    pthread_t thread;

    for (int i = 0; i < 8; i++)
        check(pthread_create(&thread, NULL, thread_blocked, NULL) == 0);
    if (arg != NULL)
        exec_noop(NULL); /* ends the others */
    for (;;)
        pause();
}

static void threads(unsigned i)
{
    pid_t pid;

    wait_exited(spawn(make_threads, NULL));
    wait_exited(spawn(make_blocked_threads, "exec"));
    pid = spawn(make_blocked_threads, NULL);
    drift(i);
    must(kill(pid, SIGKILL));
    wait_killed(pid, SIGKILL);
}

/* ---- what must fail --------------------------------------------------------------- */

static void forks_to_the_limit(void *arg)
{
    char me[16];
    pid_t pid;
    int n;

    snprintf(me, sizeof(me), "%d", getpid());
    must(put("/sys/fs/cgroup/leaks-pids/cgroup.procs", me));
    for (n = 0; n < 10; n++) {
        pid = fork();
        if (pid == 0) {
            pause();
            _exit(0);
        }
        if (pid < 0)
            break;
    }
    check(n == 3 && errno == EAGAIN);
    must_fail(EAGAIN,
              syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | SIGCHLD,
                      0, 0, 0, 0));
    must_fail(EAGAIN, syscall(SYS_clone, CLONE_VM | CLONE_THREAD | CLONE_SIGHAND, 0, 0, 0, 0));
    must(put("/sys/fs/cgroup/leaks-pids/cgroup.kill", "1"));
    (void)arg;
    pause();
}

static void clone_fails(unsigned i)
{
    static const unsigned long bad[] = {
        CLONE_THREAD | SIGCHLD,
        CLONE_SIGHAND | SIGCHLD,
        CLONE_NEWNS | CLONE_FS | SIGCHLD,
        CLONE_THREAD | CLONE_SIGHAND | CLONE_VM | CLONE_NEWPID,
    };

    (void)i;
    for (size_t b = 0; b < LENGTH(bad); b++)
        must_fail(EINVAL, syscall(SYS_clone, bad[b], 0, 0, 0, 0));
    must_fail(EINVAL, unshare(0x1));
    must(mkdir("/sys/fs/cgroup/leaks-pids", 0755));
    must(put("/sys/fs/cgroup/leaks-pids/pids.max", "4"));
    wait_killed(spawn(forks_to_the_limit, NULL), SIGKILL);
    while (rmdir("/sys/fs/cgroup/leaks-pids") < 0)
        check(errno == EBUSY);
}

/* ---- frozen ---------------------------------------------------------------------- */

#define FROZEN "/sys/fs/cgroup/leaks-frozen"

static void join_and_spin(void *arg)
{
    char me[16];

    snprintf(me, sizeof(me), "%d", getpid());
    must(put(FROZEN "/cgroup.procs", me));
    for (;;) {
        if (arg != NULL)
            pause();
    }
}

/* A group that runs, sleeps and is frozen is killed as a whole, and can be removed. */
static void frozen(unsigned i)
{
    pid_t pids[4];

    must(mkdir(FROZEN, 0755));
    for (size_t p = 0; p < LENGTH(pids); p++)
        pids[p] = spawn(join_and_spin, p % 2 == 0 ? "sleep" : NULL);
    drift(i);
    must(put(FROZEN "/cgroup.freeze", "1"));
    drift(i + 1);
    if (i % 2 == 0)
        must(put(FROZEN "/cgroup.freeze", "0"));
    must(put(FROZEN "/cgroup.kill", "1"));
    for (size_t p = 0; p < LENGTH(pids); p++)
        must(kill(pids[p], SIGKILL)); /* those that had not joined yet */
    for (size_t p = 0; p < LENGTH(pids); p++)
        wait_killed(pids[p], SIGKILL);
    while (rmdir(FROZEN) < 0)
        check(errno == EBUSY);
}

/* ---- killed wherever they are ------------------------------------------------------- */

static void in_read(void)
{
    int ends[2];
    char byte;

    must(pipe(ends));
    must(read(ends[0], &byte, 1));
}

static void in_write(void)
{
    static char bytes[4096];
    int ends[2];

    must(pipe(ends));
    for (;;)
        must(write(ends[1], bytes, sizeof(bytes)));
}

static void in_futex(void)
{
    int word = 0;

    for (;;)
        syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static void in_poll(void)
{
    struct pollfd set[4];
    int ends[2];

    for (size_t i = 0; i < LENGTH(set); i++) {
        must(pipe(ends));
        set[i] = (struct pollfd){.fd = ends[0], .events = POLLIN};
    }
    must(poll(set, LENGTH(set), -1));
}

static void in_epoll(void)
{
    struct epoll_event event = {.events = EPOLLIN};
    int ends[2], epoll = (int)must(epoll_create1(0));

    must(pipe(ends));
    must(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event));
    must(epoll_wait(epoll, &event, 1, -1));
}

static void in_accept(void)
{
    int sock = (int)must(socket(AF_UNIX, SOCK_STREAM, 0));

    must(bind(sock, &(struct sockaddr){.sa_family = AF_UNIX},
              sizeof(sa_family_t))); /* a name of the kernel's */
    must(listen(sock, 5));
    must(accept(sock, NULL, NULL));
}

static void in_recv(void)
{
    int ends[2];
    char byte;

    must(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends));
    must(recv(ends[0], &byte, 1, 0));
}

static void in_flock(void)
{
    int fd = (int)must(open("/tmp", O_RDONLY | O_DIRECTORY)), other;

    must(flock(fd, LOCK_EX));
    other = (int)must(open("/tmp", O_RDONLY | O_DIRECTORY));
    must(flock(other, LOCK_EX));
}

static void in_sleep(void)
{
    must(sleep(1000));
}

static void in_wait(void)
{
    if (must(fork()) == 0)
        for (;;)
            pause();
    must(wait(NULL));
}

static void in_vfork(void)
{
    if (vfork() == 0)
        for (;;)
            pause();
}

static void in_execs(void)
{
    for (;;)
        wait_exited(spawn(exec_noop, NULL));
}

static void in_exec(void)
{
    char *argv[] = {"sh", "-c", "exec sh -c \"$0\" \"$0\"", "exec sh -c \"$0\" \"$0\"", NULL},
         *env[] = {NULL};

    must(execve("/bin/busybox", argv, env));
}

static void in_faults(void)
{
    for (;;) {
        char *p = mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        check(p != MAP_FAILED);
        for (size_t i = 0; i < 4 << 20; i += 4096)
            p[i] = 1;
        must(munmap(p, 4 << 20));
    }
}

static void in_files(void)
{
    char name[64];

    snprintf(name, sizeof(name), "/tmp/leaks-%d", getpid());
    for (;;) {
        int fd = (int)must(open(name, O_RDWR | O_CREAT, 0600));

        must(unlink(name));
        must(write(fd, name, sizeof(name)));
        must(ftruncate(fd, 1 << 20));
        must(close(fd));
    }
}

static void in_signals(void)
{
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        must(kill(getpid(), SIGURG));
        must(kill(getpid(), SIGCHLD));
    }
}

static void in_namespaces(void)
{
    for (;;)
        must(unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC));
}

static void run_victim(void *arg)
{
    setpgid(0, 0);
    (*(void (**)(void))arg)();
    _exit(1);
}

static void killed_anywhere(unsigned i)
{
    static void (*const victims[])(void) = {
        in_read, in_write,  in_futex,      in_poll,    in_epoll, in_accept,
        in_recv, in_flock,  in_sleep,      in_wait,    in_vfork, in_execs,
        in_exec, in_faults, in_namespaces, in_signals, in_files,
    };
    pid_t pids[LENGTH(victims)];

    for (size_t v = 0; v < LENGTH(victims); v++) {
        pids[v] = spawn(run_victim, (void *)&victims[v]);
        (void)setpgid(pids[v], pids[v]); /* whoever comes first; too late after exec */
    }
    drift(i);
    for (size_t v = 0; v < LENGTH(victims); v++) {
        drift(i + (unsigned)v);
        must(kill(-pids[v], SIGKILL)); /* their children, too */
    }
    for (size_t v = 0; v < LENGTH(victims); v++)
        wait_killed(pids[v], SIGKILL);
    /* Killed between creat() and unlink(), it leaves the file. */
    for (size_t v = 0; v < LENGTH(victims); v++) {
        char name[64];

        snprintf(name, sizeof(name), "/tmp/leaks-%d", pids[v]);
        (void)unlink(name);
    }
}

/* ---- namespaces ----------------------------------------------------------------------- */

#define ALL_NAMESPACES (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWCGROUP)

static void first_in_namespace(void *arg)
{
    (void)arg;
    check(getpid() == 1);
    for (int i = 0; i < 3; i++) {
        if (must(fork()) == 0)
            for (;;)
                pause(); /* killed with the namespace */
    }
}

static void in_new_namespaces(void *arg)
{
    static const char *const kinds[] = {"mnt", "uts", "ipc", "cgroup", "pid_for_children"};
    char path[64];

    (void)arg;
    must(unshare(ALL_NAMESPACES));
    must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
    must(mount("x", "/tmp", "tmpfs", 0, NULL));
    must(mkdir("/tmp/d", 0700));
    must(close((int)must(open("/tmp/uts", O_CREAT | O_RDWR, 0600))));
    must(mount("/proc/self/ns/uts", "/tmp/uts", NULL, MS_BIND, NULL));
    must(sethostname("leaks", 5));
    must(unshare(CLONE_NEWUTS)); /* the old one lives on by the mount */
    wait_exited(spawn(first_in_namespace, NULL));
    must_fail(ENOMEM, fork()); /* its first process is gone */
    for (size_t i = 0; i < LENGTH(kinds); i++) {
        int fd;

        snprintf(path, sizeof(path), "/proc/%d/ns/%s", getppid(), kinds[i]);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        must(fd);
        must(setns(fd, 0));
        must(close(fd));
    }
}

static void namespaces(unsigned i)
{
    (void)i;
    wait_exited(spawn(in_new_namespaces, NULL));
}

static void nest_namespaces(void *arg)
{
    int *depth = arg;

    if ((*depth)-- == 0)
        return;
    must(unshare(ALL_NAMESPACES));
    wait_exited(spawn(nest_namespaces, depth));
}

static void nested_namespaces(unsigned i)
{
    int depth = 6;

    (void)i;
    wait_exited(spawn(nest_namespaces, &depth));
}

/* ---- signals and timers ------------------------------------------------------------------ */

static void queue_and_end(void *arg)
{
    struct itimerval soon = {.it_value = {.tv_usec = 100}};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1};
    struct itimerspec spec = {.it_value = {.tv_nsec = 1000}, .it_interval = {.tv_nsec = 1000000}};
    union sigval value = {.sival_int = 1};
    timer_t timer;
    sigset_t all;

    (void)arg;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    for (int i = 0; i < 50; i++)
        must(sigqueue(getpid(), SIGRTMIN + i % 4, value));
    for (int i = 0; i < 5; i++) {
        must(timer_create(CLOCK_MONOTONIC, &event, &timer));
        must(timer_settime(timer, 0, &spec, NULL));
    }
    must(timer_delete(timer));
    must(setitimer(ITIMER_REAL, &soon, NULL));
    must(setitimer(ITIMER_VIRTUAL, &soon, NULL));
    must(setitimer(ITIMER_PROF, &soon, NULL));
    usleep(500);
}

static void signals_and_timers(unsigned i)
{
    (void)i;
    wait_exited(spawn(queue_and_end, NULL));
}

/* ---- zombies and orphans ------------------------------------------------------------------ */

static void leave_orphans(void *arg)
{
    (void)arg;
    for (int i = 0; i < 4; i++) {
        pid_t pid = (pid_t)must(fork());

        if (pid == 0) {
            if (i % 2 == 0)
                usleep(2000); /* outlives us */
            _exit(0);
        }
    }
}

static void orphans(unsigned i)
{
    int pidfd, status;
    pid_t pid;

    (void)i;
    wait_exited(spawn(leave_orphans, NULL));
    pid = spawn(leave_orphans, NULL);
    pidfd = (int)must(syscall(SYS_pidfd_open, pid, 0));
    must(waitpid(pid, &status, 0));
    must_fail(ESRCH, syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0));
    must(close(pidfd));
}

const struct area process_areas[] = {
    {"fork_and_exec", 500, fork_and_exec},
    {"threads", 50, threads},
    {"clone_fails", 30, clone_fails},
    {"frozen", 30, frozen},
    {"killed_anywhere", 40, killed_anywhere},
    {"namespaces", 50, namespaces},
    {"nested_namespaces", 30, nested_namespaces},
    {"signals_and_timers", 50, signals_and_timers},
    {"orphans", 50, orphans},
    {NULL, 0, NULL},
};
