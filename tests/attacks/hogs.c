/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hogs: each takes one kind of kernel object, in process after process, until it
 * is refused or killed. Runs in a container with a memory limit. What it prints at
 * its end is a line for the test:
 *
 *     KIND: REASON after N in M processes
 *
 * REASON is an error's name, "killed" (by the group's out-of-memory killer), or
 * "nothing" when the hog has had all it asks for. Then it waits, still holding
 * everything, until it is killed.
 *
 *     hogs KIND        hogs (no argument) lists the kinds
 *
 * And what a neighbour of such a hog notices:
 *
 *     hogs -close      milliseconds that it takes to close some sockets
 */
#include "attack.h"

#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>

enum { PROCESSES_MAX = 600, THREAD_STACK = 16384, BLOCK = 65536 };

static unsigned self;  /* which of the processes */
static unsigned taken; /* how many it has */
static char block[BLOCK];

static const char *new_name(const char *dir)
{
    static char name[PATH_MAX];

    snprintf(name, sizeof(name), "%s/hog-%u-%u-%0100d", dir, self, taken, 0);
    return name;
}

/* ---- memory ------------------------------------------------------------------ */

static long touch(void *p, size_t size)
{
    if (p == MAP_FAILED)
        return -1;
    for (size_t i = 0; i < size; i += PAGE)
        ((volatile char *)p)[i] = 1;
    return 0;
}

static long anonymous(void)
{
    return touch(mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
                 BLOCK);
}

static long shared(void)
{
    return touch(mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0),
                 BLOCK);
}

static long locked(void)
{
    void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return p == MAP_FAILED ? -1 : mlock(p, PAGE);
}

static long memfd(void)
{
    static int fd = -1;

    if (fd < 0)
        fd = memfd_create("hog", 0);
    return fd < 0 ? -1 : write(fd, block, BLOCK);
}

/* Reads only: the zero page, and a page table for each. */
static long page_tables(void)
{
    static char *area;
    static const size_t size = 1ul << 40, stride = 2ul << 20;

    if (area == NULL)
        area = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (area == MAP_FAILED || taken * stride >= size)
        return -1;
    return *(volatile char *)(area + taken * stride);
}

static long upper_page_tables(void)
{
    static char *area;
    static const size_t size = 1ul << 46, stride = 1ul << 30;

    if (area == NULL)
        area = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (area == MAP_FAILED || taken * stride >= size)
        return -1;
    return *(volatile char *)(area + taken * stride);
}

/* Every other page with another protection. */
static long areas(void)
{
    static char *area;
    const size_t size = 60000ul * PAGE;

    if (area == NULL)
        area = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (area == MAP_FAILED || taken * 2ul * PAGE >= size)
        return -1;
    return mprotect(area + taken * 2ul * PAGE, PAGE, PROT_NONE);
}

static long stack_growth(void)
{
    struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    volatile char *top = (char *)__builtin_frame_address(0) - BLOCK;

    if (taken == 0)
        setrlimit(RLIMIT_STACK, &all);
    if (taken > 100)
        return -1;
    for (unsigned i = 0; i < BLOCK / PAGE; i++)
        top[-(long)(taken * BLOCK + i * PAGE)] = 1;
    return 0;
}

/* ---- files -------------------------------------------------------------------- */

static long append(const char *dir)
{
    static int fd = -1;

    if (fd < 0)
        fd = open(new_name(dir), O_WRONLY | O_CREAT, 0600);
    return fd < 0 ? -1 : write(fd, block, BLOCK);
}

static long tmpfs(void)
{
    return append("/dev/shm");
}

static long overlay(void)
{
    return append("/root");
}

static long empty_files_in(const char *dir)
{
    int fd = open(new_name(dir), O_WRONLY | O_CREAT | O_EXCL, 0600);

    return fd < 0 ? -1 : close(fd);
}

static long empty_files(void)
{
    return empty_files_in("/dev/shm");
}

static long overlay_files(void)
{
    return empty_files_in("/root");
}

static long directories(void)
{
    return mkdir(new_name("/dev/shm"), 0700);
}

/* Each in the one before. */
static long nested_directories(void)
{
    if (taken == 0 && chdir("/dev/shm") < 0)
        return -1;
    return mkdir("d", 0700) < 0 && errno != EEXIST ? -1 : chdir("d");
}

static long symlinks(void)
{
    char target[2000];

    memset(target, 'x', sizeof(target) - 1);
    target[sizeof(target) - 1] = '\0';
    return symlink(target, new_name("/dev/shm"));
}

static long hard_links(void)
{
    if (taken == 0)
        return empty_files_in("/dev/shm");
    static char first[PATH_MAX];

    if (first[0] == '\0') {
        unsigned n = taken;
        taken = 0;
        snprintf(first, sizeof(first), "%s", new_name("/dev/shm"));
        taken = n;
    }
    return link(first, new_name("/dev/shm"));
}

/* Names that are not there: what the kernel remembers of them must not stay for ever. */
static long missing_names(void)
{
    struct stat st;

    return stat(new_name("/dev/shm"), &st) == 0 || errno != ENOENT ? -1 : 0;
}

static long missing_overlay_names(void)
{
    struct stat st;

    return stat(new_name("/root"), &st) == 0 || errno != ENOENT ? -1 : 0;
}

static long attributes(void)
{
    static int fd = -1;
    char name[64];

    if (fd < 0 || taken % 16 == 0) {
        if (fd >= 0)
            close(fd);
        fd = open(new_name("/dev/shm"), O_WRONLY | O_CREAT | O_EXCL, 0600);
    }
    snprintf(name, sizeof(name), "user.hog%u", taken % 16);
    return fd < 0 ? -1 : fsetxattr(fd, name, block, 4000, 0);
}

static long attributes_trusted(void)
{
    static int fd = -1;
    char name[64];

    if (fd < 0)
        fd = open(new_name("/dev/shm"), O_WRONLY | O_CREAT | O_EXCL, 0600);
    snprintf(name, sizeof(name), "trusted.hog%u", taken);
    return fd < 0 ? -1 : fsetxattr(fd, name, block, 4000, 0);
}

static long open_files(void)
{
    return open("/proc/self/status", O_RDONLY);
}

static long unlinked_files(void)
{
    const char *name = new_name("/dev/shm");
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);

    return fd < 0 || write(fd, block, PAGE) < 0 ? -1 : unlink(name);
}

static long record_locks(void)
{
    static int fd = -1;
    struct flock lock = {.l_type = F_WRLCK, .l_start = 2l * taken, .l_len = 1};

    if (fd < 0)
        fd = open(new_name("/dev/shm"), O_RDWR | O_CREAT, 0600);
    return fd < 0 ? -1 : fcntl(fd, F_SETLK, &lock);
}

static long open_file_locks(void)
{
    int fd = open("/dev/shm/hog-flock", O_RDWR | O_CREAT, 0600);

    return fd < 0 ? -1 : flock(fd, LOCK_SH);
}

/* ---- descriptors of other kinds ------------------------------------------------ */

static long pipes(void)
{
    int fds[2];

    if (pipe2(fds, O_NONBLOCK) < 0)
        return -1;
    (void)fcntl(fds[1], F_SETPIPE_SZ, 1 << 20);
    while (write(fds[1], block, BLOCK) > 0)
        ;
    return errno == EAGAIN ? 0 : -1;
}

static long sockets(void)
{
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) < 0)
        return -1;
    for (int i = 0; i < 2; i++) {
        while (write(fds[i], block, BLOCK) > 0)
            ;
    }
    return errno == EAGAIN ? 0 : -1;
}

static long datagrams(void)
{
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds) < 0)
        return -1;
    while (write(fds[0], block, 1) > 0)
        ;
    return errno == EAGAIN || errno == ENOBUFS ? 0 : -1;
}

/* Messages that hold descriptors, of which nobody else has one. */
static long descriptors_in_flight(void)
{
    union {
        char bytes[CMSG_SPACE(100 * sizeof(int))];
        struct cmsghdr align;
    } control = {.align = {CMSG_LEN(100 * sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
    struct iovec one = {block, 1};
    struct msghdr message = {.msg_iov = &one,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
    int fds[2], carried, n = 0;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) < 0)
        return -1;
    do {
        carried = open("/dev/null", O_RDONLY);
        if (carried < 0)
            return -1;
        for (int i = 0; i < 100; i++)
            ((int *)(void *)CMSG_DATA(&control.align))[i] = carried;
        if (sendmsg(fds[0], &message, 0) < 0)
            n = -1;
        close(carried);
    } while (n == 0);
    return errno == EAGAIN || errno == ETOOMANYREFS ? 0 : -1;
}

/* A socket that only a message holds, its queue full of small ones. */
static long queues_in_flight(void)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {.align = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
    struct iovec one = {block, 1};
    struct msghdr message = {.msg_iov = &one,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
    int holder[2], fds[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, holder) < 0 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) < 0)
        return -1;
    while (write(fds[0], block, 1) > 0)
        ;
    if (errno != EAGAIN)
        return -1;
    memcpy(CMSG_DATA(&control.align), &fds[1], sizeof(int));
    if (sendmsg(holder[0], &message, 0) < 0)
        return -1;
    return close(fds[1]);
}

static long socket_names(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(at.sun_path + 1, sizeof(at.sun_path) - 1, "hog %u %u", self, taken);
    return fd < 0 ? -1 : bind(fd, (void *)&at, sizeof(at));
}

static long connections(void)
{
    static int listener = -1;
    static struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd;

    if (listener < 0 || taken % 100 == 0) {
        listener = socket(AF_UNIX, SOCK_STREAM, 0);
        snprintf(at.sun_path + 1, sizeof(at.sun_path) - 1, "hog listens %u %u", self, taken);
        if (listener < 0 || bind(listener, (void *)&at, sizeof(at)) < 0 ||
            listen(listener, 4096) < 0)
            return -1;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    return fd < 0 ? -1 : connect(fd, (void *)&at, sizeof(at));
}

static long eventfds(void)
{
    return eventfd(0, 0);
}

static long timerfds(void)
{
    struct itimerspec late = {.it_value = {.tv_sec = 100000}};
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);

    return fd < 0 ? -1 : timerfd_settime(fd, 0, &late, NULL);
}

static long signalfds(void)
{
    sigset_t set;

    sigfillset(&set);
    return signalfd(-1, &set, 0);
}

static long epolls(void)
{
    return epoll_create1(0);
}

/* One descriptor in many epolls, many in one. */
static long epoll_watches(void)
{
    struct epoll_event event = {.events = EPOLLIN};
    int ep = epoll_create1(0), fds[20];

    if (ep < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = dup(0);
        if (fds[i] < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &event) < 0)
            return errno == EPERM ? 0 : -1;
    }
    return 0;
}

/* A watch outlives its descriptor as long as the file is open elsewhere. */
static long watches_without_descriptors(void)
{
    static int ep = -1, fds[2];
    struct epoll_event event = {.events = EPOLLIN};
    const unsigned numbers = 10000;
    int copy;
    long r;

    if (ep < 0)
        ep = epoll_create1(0);
    if (ep < 0 || (taken % numbers == 0 && pipe(fds) < 0))
        return -1;
    copy = fcntl(fds[0], F_DUPFD, 100 + (int)(taken % numbers));
    if (copy < 0)
        return -1;
    r = epoll_ctl(ep, EPOLL_CTL_ADD, copy, &event);
    close(copy);
    return r;
}

static long pseudo_terminals(void)
{
    int fd = open("/dev/ptmx", O_RDWR | O_NONBLOCK | O_NOCTTY), unlock = 0, slave;
    char name[64];

    if (fd < 0 || ioctl(fd, 0x40045431 /* TIOCSPTLCK */, &unlock) < 0 ||
        ptsname_r(fd, name, sizeof(name)) != 0)
        return -1;
    slave = open(name, O_RDWR | O_NONBLOCK | O_NOCTTY);
    if (slave < 0)
        return -1;
    for (int i = 0; i < 4; i++) {
        (void)!write(fd, block, 64);
        (void)!write(slave, block, 64);
    }
    return 0;
}

static long pidfds(void)
{
    return syscall(SYS_pidfd_open, getpid(), 0);
}

static long namespace_files(void)
{
    return open("/proc/self/ns/pid", O_RDONLY);
}

/* ---- processes ------------------------------------------------------------------ */

static void *__attribute__((noreturn)) wait_for_ever(void *word)
{
    (void)word;
    for (;;)
        pause();
}

static long start_thread(void *(*fn)(void *))
{
    pthread_attr_t attr;
    pthread_t thread;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, THREAD_STACK);
    errno = pthread_create(&thread, &attr, fn, NULL);
    return errno == 0 ? 0 : -1;
}

static long threads(void)
{
    return start_thread(wait_for_ever);
}

/* Links whose contents become one long name: each is "NEXT/././...", the last one is ".". */
static void make_chain(void)
{
    enum { LINKS = 39, LENGTH = 4000 };
    static char target[LENGTH + 16], name[32];

    (void)mkdir("/tmp/chain", 0755); /* or another of the hogs has */
    need(chdir("/tmp/chain") == 0, "/tmp/chain");
    for (int i = 0; i < LINKS; i++) {
        int n = i + 1 < LINKS ? snprintf(target, sizeof(target), "l%d", i + 1) : 0;

        for (; i + 1 < LINKS && n < LENGTH; n += 2)
            memcpy(target + n, "/.", 3);
        snprintf(name, sizeof(name), "l%d", i);
        need(symlink(n == 0 ? "." : target, name) == 0 || errno == EEXIST, name);
    }
    need(mkfifo("fifo", 0644) == 0 || errno == EEXIST, "fifo");
}

static volatile int open_error;

static void *open_fifo(void *unused)
{
    (void)unused;
    if (open("l0/fifo", O_RDONLY | O_CREAT, 0644) < 0) /* waits for a writer, and holds what it has of the name */
        open_error = errno;
    return NULL;
}

static long long_names(void)
{
    if (taken == 0)
        make_chain();
    if (start_thread(open_fifo) < 0)
        return -1;
    usleep(2000);
    errno = open_error;
    return open_error == 0 ? 0 : -1;
}

static long processes(void)
{
    pid_t pid = fork();

    if (pid == 0)
        wait_for_ever(NULL);
    return pid;
}

/* For a user who is not root: as many as its limit lets it have. */
static long limited_processes(void)
{
    struct rlimit few = {20, 20};

    return taken == 0 && setrlimit(RLIMIT_NPROC, &few) < 0 ? -1 : processes();
}

static long zombies(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    return pid;
}

static long signals(void)
{
    sigset_t set;

    sigfillset(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return sigqueue(getpid(), SIGRTMIN, (union sigval){0});
}

static long timers(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_NONE};
    timer_t timer;

    return timer_create(CLOCK_MONOTONIC, &event, &timer);
}

/* A futex of its own for each waiting thread. */
static void *wait_for_futex(void *word)
{
    for (;;)
        syscall(SYS_futex, word, 0 /* FUTEX_WAIT */, 0, NULL, NULL, 0);
    return NULL;
}

static long futexes(void)
{
    static int words[20000];
    pthread_attr_t attr;
    pthread_t thread;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, THREAD_STACK);
    errno = pthread_create(&thread, &attr, wait_for_futex, &words[taken % ARRAY_LEN(words)]);
    return errno == 0 ? 0 : -1;
}

/* Large arguments for a program that does not end. */
static long arguments(void)
{
    static char large[120000];
    char *argv[12] = {"/hogs", "-wait"}, *envp[] = {NULL};
    pid_t pid;

    static volatile int failed;

    memset(large, 'x', sizeof(large) - 1);
    for (size_t i = 2; i + 1 < ARRAY_LEN(argv); i++)
        argv[i] = large;
    pid = vfork();
    if (pid == 0) {
        execve("/proc/self/exe", argv, envp);
        failed = errno; /* in the parent's memory, too */
        _exit(1);
    }
    errno = failed != 0 ? failed : errno;
    return failed != 0 ? -1 : pid;
}

static long groups(void)
{
    static gid_t list[65536];
    pid_t pid = fork();

    for (unsigned i = 0; i < ARRAY_LEN(list); i++)
        list[i] = i;
    if (pid == 0) {
        if (setgroups(ARRAY_LEN(list), list) < 0)
            _exit(1);
        wait_for_ever(NULL);
    }
    return pid;
}

static long namespaces(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        if (unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWCGROUP) < 0)
            _exit(1);
        wait_for_ever(NULL);
    }
    return pid;
}

/* Held by a descriptor each, no process in them. */
static long held_namespaces(void)
{
    if (unshare(CLONE_NEWUTS | CLONE_NEWIPC) < 0 || open("/proc/self/ns/uts", O_RDONLY) < 0)
        return -1;
    return open("/proc/self/ns/ipc", O_RDONLY);
}

static long mounts(void)
{
    return mount("hog", "/tmp", "tmpfs", 0, NULL);
}

static long bind_mounts(void)
{
    return mount("/dev/shm", "/tmp", NULL, MS_BIND, NULL);
}

static long cgroups(void)
{
    char name[64];

    if (taken == 0 && self == 0) {
        mkdir("/tmp/cg", 0700);
        if (mount("cgroup2", "/tmp/cg", "cgroup2", 0, NULL) < 0)
            return -1;
    }
    snprintf(name, sizeof(name), "/tmp/cg/hog-%u-%u", self, taken);
    return mkdir(name, 0700);
}

static const struct hog {
    const char *name;
    long (*take)(void); /* another one; -1 and errno when refused */
    unsigned most;      /* at most this many in a process */
} hogs[] = {
#define HOG(name, most)                                                                            \
    {                                                                                              \
#name, name, most                                                                          \
    }
    HOG(anonymous, 10000),
    HOG(shared, 10000),
    HOG(locked, 10000),
    HOG(memfd, 10000),
    HOG(page_tables, 100000),
    HOG(upper_page_tables, 60000),
    HOG(areas, 29000),
    HOG(stack_growth, 100),
    HOG(tmpfs, 10000),
    HOG(overlay, 10000),
    HOG(empty_files, 200000),
    HOG(overlay_files, 100000),
    HOG(directories, 200000),
    HOG(nested_directories, 200000),
    HOG(symlinks, 100000),
    HOG(hard_links, 200000),
    HOG(missing_names, 100000),
    HOG(missing_overlay_names, 50000),
    HOG(attributes, 20000),
    HOG(attributes_trusted, 1000),
    HOG(open_files, 100000),
    HOG(unlinked_files, 20000),
    HOG(record_locks, 4000),
    HOG(open_file_locks, 2000),
    HOG(pipes, 10000),
    HOG(sockets, 10000),
    HOG(datagrams, 10000),
    HOG(descriptors_in_flight, 10000),
    HOG(queues_in_flight, 10000),
    HOG(socket_names, 100000),
    HOG(connections, 10000),
    HOG(eventfds, 100000),
    HOG(timerfds, 100000),
    HOG(signalfds, 100000),
    HOG(epolls, 100000),
    HOG(epoll_watches, 10000),
    HOG(watches_without_descriptors, 100000),
    HOG(pseudo_terminals, 10000),
    HOG(pidfds, 100000),
    HOG(namespace_files, 100000),
    HOG(threads, 2000),
    HOG(long_names, 1000),
    HOG(processes, 20000),
    HOG(zombies, 20000),
    HOG(limited_processes, 1000),
    HOG(signals, 100000),
    HOG(timers, 100000),
    HOG(futexes, 2000),
    HOG(arguments, 1000),
    HOG(groups, 1000),
    HOG(namespaces, 1000),
    HOG(held_namespaces, 20000),
    HOG(mounts, 1000),
    HOG(bind_mounts, 1000),
    HOG(cgroups, 2000),
};

/* ---- process after process ------------------------------------------------------- */

static struct result {
    volatile unsigned taken;
    volatile int error;
    volatile bool done;
} * results;

static void be_first_to_be_killed(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY);

    if (fd >= 0 && write(fd, "1000", 4) == 4)
        close(fd);
}

static void hog(const struct hog *h, struct result *r)
{
    be_first_to_be_killed();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (taken = 0; taken < h->most; taken++) {
        if (h->take() < 0) {
            r->error = errno;
            break;
        }
        r->taken = taken + 1;
    }
    r->done = true;
    kill(getppid(), SIGUSR1);
    (void)wait_for_ever(NULL);
}

/* Until the child has had enough, or has been killed for it. */
static const char *wait_for(pid_t pid, const struct result *r)
{
    int status;

    while (!r->done) {
        struct timespec short_while = {.tv_nsec = 10000000};

        if (waitpid(pid, &status, WNOHANG) == pid)
            return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? "killed" : "died";
        sigtimedwait(&(sigset_t){{1ul << (SIGUSR1 - 1)}}, NULL, &short_while);
    }
    return r->error != 0 ? error_name(r->error) : "nothing";
}

static void run(const struct hog *h)
{
    /* Given back at the end: writing the line to a pipe takes memory of the group. */
    const size_t reserve_size = 512 * 1024;
    void *reserve =
        mmap(NULL, reserve_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const char *reason = "nothing";
    unsigned total = 0;
    unsigned barren = 0;

    need(touch(reserve, reserve_size) == 0, "a reserve");
    for (self = 0; self < PROCESSES_MAX && barren < 2; self++) {
        struct result *r = &results[self];
        pid_t pid = fork();

        if (pid == 0) {
            munmap(reserve, reserve_size); /* or it would not be the parent's alone to give back */
            hog(h, r);
        }
        if (pid < 0) {
            reason = error_name(errno);
            break;
        }
        reason = wait_for(pid, r);
        total += r->taken;
        if (strcmp(reason, "killed") == 0 || strcmp(reason, "nothing") == 0)
            break;
        barren = r->taken == 0 ? barren + 1 : 0;
    }
    munmap(reserve, reserve_size);
    printf("%s: %s after %u in %u processes\n", h->name, reason, total, self + 1);
    fflush(stdout);
    (void)wait_for_ever(NULL);
}

static void close_sockets(void)
{
    struct timespec begin, end;
    int fds[2];

    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (int i = 0; i < 100; i++) {
        need(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0, "socketpair");
        close(fds[0]);
        close(fds[1]);
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%ld\n", (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000);
}

int main(int argc, char **argv)
{
    struct rlimit files;
    sigset_t set;

    if (argc > 1 && strcmp(argv[1], "-wait") == 0)
        wait_for_ever(NULL);
    if (argc > 1 && strcmp(argv[1], "-close") == 0) {
        close_sockets();
        return 0;
    }
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max < 20000 ? files.rlim_max : 20000;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    results = shared_memory(PROCESSES_MAX * sizeof(*results));
    for (size_t i = 0; i < ARRAY_LEN(hogs); i++) {
        if (argc == 1)
            printf("%s\n", hogs[i].name);
        else if (strcmp(argv[1], hogs[i].name) == 0)
            run(&hogs[i]);
    }
    return 0;
}
