/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pipes, epoll, AF_UNIX and ptys through their system calls, on the build host.
 * Each scenario is a conversation without waiting; it is then repeated with
 * every single allocation failing, and must each time give back all it took.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <kernel/errno.h>
#include <kernel/files.h>
#include <kernel/fs.h>
#include <kernel/proc.h>
#include <kernel/syscalls.h>

#include "kernel/abi/ioctl.h"
#include "kernel/abi/socket.h"
#include "vfs_host/host.h"

#define U(p)     ((uaddr_t)(p))
#define eq(a, b) assert_int_equal((long)(a), (long)(b))

void net_init(void);
void pty_init(void);

static char buf[70000];

/* In a scenario that may run out of memory: go on only if this worked. */
#define NEED(call)                                                                                 \
    ({                                                                                             \
        long need_r_ = (long)(call);                                                               \
        if (need_r_ < 0) {                                                                         \
            if (!host_failed())                                                                    \
                fail_msg("%s: %ld", #call, need_r_);                                               \
            goto out;                                                                              \
        }                                                                                          \
        need_r_;                                                                                   \
    })

/* With memory enough it is so. */
#define same(a, b)                                                                                 \
    do {                                                                                           \
        long same_v_ = (long)(a);                                                                  \
        if (!host_failed())                                                                        \
            assert_int_equal(same_v_, (long)(b));                                                  \
    } while (0)

#define FDS_MAX 1200
static int open_fds[FDS_MAX];
static unsigned nfds;

static int keep(long fd)
{
    if (fd >= 0)
        open_fds[nfds++] = (int)fd;
    return (int)fd;
}

static void drop(int fd)
{
    for (unsigned i = 0; i < nfds; i++) {
        if (open_fds[i] == fd) {
            open_fds[i] = open_fds[--nfds];
            eq(sys_close(fd), 0);
            return;
        }
    }
    fail();
}

static void drop_all(void)
{
    while (nfds > 0)
        eq(sys_close(open_fds[--nfds]), 0);
}

static long pair(long (*call)(int32_t fd[2]), int fd[2])
{
    int32_t v[2];
    long err = call(v);

    if (err == 0) {
        fd[0] = keep(v[0]);
        fd[1] = keep(v[1]);
    }
    return err;
}

static long new_pipe(int32_t v[2])
{
    return sys_pipe2(U(v), O_NONBLOCK);
}

static long new_stream(int32_t v[2])
{
    return sys_socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, U(v));
}

static long new_datagram(int32_t v[2])
{
    return sys_socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, U(v));
}

/* ---- pipes ---- */

static void scenario_pipe(void)
{
    int p[2];

    NEED(pair(new_pipe, p));
    same(sys_read(p[0], U(buf), 10), -EAGAIN);
    NEED(sys_write(p[1], U(buf), 10));
    same(sys_write(p[1], U(buf), 20), 20);
    same(sys_write(p[1], U(8), 20), -EFAULT);
    same(sys_read(p[0], U(8), 20), -EFAULT);
    NEED(sys_fcntl(p[1], 1031, 2 * PAGE_SIZE));
    NEED(sys_write(p[1], U(buf), 10000));
    same(sys_read(p[0], U(buf), 20000), 30 + 10000 % 4096 + 4096);
    NEED(sys_fcntl(p[1], 1031, 64 * PAGE_SIZE));
    drop(p[0]);
    same(sys_write(p[1], U(buf), 1), -EPIPE);
out:
    drop_all();
}

static void scenario_fifo(void)
{
    int r = -1, w;

    NEED(sys_mknodat(AT_FDCWD, U("/t/fifo"), S_IFIFO | 0600, 0));
    same(sys_openat(AT_FDCWD, U("/t/fifo"), O_WRONLY | O_NONBLOCK, 0) < 0, 1);
    r = keep(NEED(sys_openat(AT_FDCWD, U("/t/fifo"), O_RDONLY | O_NONBLOCK, 0)));
    w = keep(NEED(sys_openat(AT_FDCWD, U("/t/fifo"), O_WRONLY, 0)));
    NEED(sys_write(w, U("abc"), 3));
    same(sys_read(r, U(buf), 10), 3);
out:
    drop_all();
    host_no_failures();
    (void)sys_unlinkat(AT_FDCWD, U("/t/fifo"), 0);
}

/* ---- epoll ---- */

struct event {
    uint32_t events;
    uint64_t data;
} __attribute__((packed));

static long add(int ep, int fd, uint32_t events)
{
    struct event ev = {events, (uint64_t)fd};

    return sys_epoll_ctl(ep, 1, fd, U(&ev));
}

static long ready(int ep)
{
    struct event got[64];

    return sys_epoll_wait(ep, U(got), 64, 0);
}

static void scenario_epoll(void)
{
    int p[2], s[2], outer, inner, e;

    NEED(pair(new_pipe, p));
    NEED(pair(new_stream, s));
    inner = keep(NEED(sys_epoll_create1(0)));
    outer = keep(NEED(sys_epoll_create1(0)));
    e = keep(NEED(sys_eventfd2(0, O_NONBLOCK)));
    NEED(add(inner, p[0], 1));
    NEED(add(inner, s[0], 1));
    NEED(add(inner, e, 1));
    NEED(add(outer, inner, 1));
    NEED(add(outer, p[0], 1u << 31 | 1));
    same(add(inner, outer, 1), -ELOOP);
    same(ready(outer), 0);
    NEED(sys_write(p[1], U("x"), 1));
    same(ready(outer), 2);
    same(ready(outer), 1);
    same(ready(inner), 1);
    drop(p[0]);
    same(ready(outer), 0);
    NEED(sys_write(s[1], U("x"), 1));
    drop(inner); /* before the files it watches, and while it is watched */
    same(ready(outer), 0);
out:
    drop_all();
}

static void scenario_poll_many(void)
{
    struct {
        int32_t fd;
        int16_t events, revents;
    } set[100];

    for (int i = 0; i < 100; i += 2) {
        int p[2];

        NEED(pair(new_pipe, p));
        set[i].fd = p[0];
        set[i + 1].fd = p[0];
        set[i].events = set[i + 1].events = 1;
    }
    same(sys_poll(U(set), 100, 0), 0);
    /* Nobody wakes it: as if a signal came. */
    same(sys_poll(U(set), 100, 1000), -ERESTART_RESTARTBLOCK);
out:
    drop_all();
}

/* ---- sockets ---- */

static long send_fds(int s, const int *fds, unsigned n)
{
    uint64_t control[2 + 150];
    struct cmsghdr *c = (struct cmsghdr *)control;
    struct iov iov = {U("x"), 1};
    struct msghdr m = {.msg_iov = U(&iov),
                       .msg_iovlen = 1,
                       .msg_control = U(control),
                       .msg_controllen = 16 + CMSG_ALIGN(n * 4)};

    *c = (struct cmsghdr){16 + n * 4, SOL_SOCKET, SCM_RIGHTS};
    memcpy(control + 2, fds, n * 4);
    return sys_sendmsg(s, U(&m), 0);
}

/* Keeps what comes. */
static long receive_fds(int s, unsigned flags)
{
    uint64_t control[2 + 150] = {0};
    struct cmsghdr *c = (struct cmsghdr *)control;
    struct iov iov = {U(buf), sizeof(buf)};
    struct msghdr m = {.msg_iov = U(&iov),
                       .msg_iovlen = 1,
                       .msg_control = U(control),
                       .msg_controllen = sizeof(control)};
    long n = sys_recvmsg(s, U(&m), flags);

    if (n >= 0 && m.msg_controllen > 16 && c->cmsg_type == SCM_RIGHTS) {
        for (unsigned i = 0; i < (c->cmsg_len - 16) / 4; i++)
            keep(((int32_t *)(control + 2))[i]);
    }
    return n;
}

static void scenario_stream(void)
{
    int s[2], on = 1;

    NEED(pair(new_stream, s));
    NEED(sys_write(s[0], U(buf), 70000));
    same(sys_read(s[1], U(buf), 30000) > 0, 1);
    NEED(send_fds(s[0], s, 2));
    while (sys_recvfrom(s[1], U(buf), 1000, 0x2, 0, 0) > 0 && sys_read(s[1], U(buf), 65536) > 1)
        ;
    NEED(send_fds(s[0], s, 2));
    NEED(receive_fds(s[1], MSG_PEEK));
    NEED(receive_fds(s[1], 0));
    NEED(sys_setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, U(&on), 4));
    NEED(sys_write(s[0], U("abcdef"), 6));
    NEED(sys_read(s[1], U(buf), 2));
    NEED(receive_fds(s[1], 0));
    NEED(sys_write(s[0], U("left"), 4));
out:
    drop_all();
}

static void scenario_server(void)
{
    static const struct sockaddr_un path = {AF_UNIX, "/t/socket"}, abstract = {AF_UNIX, "\0name"};
    int l, c, s, a;

    l = keep(NEED(sys_socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)));
    c = keep(NEED(sys_socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)));
    NEED(sys_bind(l, U(&path), 12));
    same(sys_bind(c, U(&path), 12), -EADDRINUSE);
    NEED(sys_listen(l, 1));
    NEED(sys_connect(c, U(&path), 12));
    NEED(sys_write(c, U("early"), 5));
    s = keep(NEED(sys_accept4(l, 0, 0, SOCK_NONBLOCK)));
    same(sys_read(s, U(buf), 10), 5);
    a = keep(NEED(sys_socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)));
    NEED(sys_connect(a, U(&path), 12)); /* never accepted */
    NEED(send_fds(a, &l, 1));           /* and the listener is held by its own backlog */
    a = keep(NEED(sys_socket(AF_UNIX, SOCK_DGRAM, 0)));
    NEED(sys_bind(a, U(&abstract), 7));
    NEED(sys_bind(keep(NEED(sys_socket(AF_UNIX, SOCK_DGRAM, 0))), U(&abstract), 2));
    drop(l);
out:
    drop_all();
    host_no_failures();
    (void)sys_unlinkat(AT_FDCWD, U("/t/socket"), 0);
}

static void scenario_datagrams(void)
{
    static const struct sockaddr_un name = {AF_UNIX, "\0dgram"}, none = {AF_UNSPEC, ""};
    int x, y, d[2];

    x = keep(NEED(sys_socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0)));
    y = keep(NEED(sys_socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0)));
    NEED(sys_bind(y, U(&name), 8));
    NEED(sys_connect(x, U(&name), 8));
    while (NEED(sys_sendto(x, U(buf), 1000, MSG_DONTWAIT, 0, 0) == -EAGAIN ? 0 : 1) > 0 &&
           !host_failed())
        ;
    NEED(sys_connect(x, U(&none), 2));
    NEED(sys_connect(x, U(&name), 8));
    NEED(pair(new_datagram, d));
    NEED(send_fds(d[0], d, 2));
    drop(y);
out:
    drop_all();
}

/* ---- sockets that hold each other ---- */

static void scenario_cycles(void)
{
    int a[2], b[2], p[2];

    NEED(pair(new_stream, a));
    NEED(pair(new_stream, b));
    NEED(pair(new_pipe, p));
    NEED(send_fds(a[0], a, 2)); /* both in a[1]'s queue */
    NEED(send_fds(b[0], &a[1], 1));
    NEED(send_fds(a[1], &b[1], 1));
    NEED(send_fds(a[0], p, 2));
    drop(b[0]);
    drop(b[1]);
    /* a[1] is still open: nothing is lost */
    NEED(receive_fds(a[0], 0));
    NEED(receive_fds(open_fds[nfds - 1], 0)); /* b[1]: it holds a[1] */
out:
    drop_all();
}

/* A long chain, each in the next one's queue: dropped without recursion. */
static void deep_chain(void **state)
{
    int s[2], last = -1;

    (void)state;
    for (int i = 0; i < 500; i++) {
        eq(pair(new_stream, s), 0);
        if (last >= 0) {
            eq(send_fds(s[0], &last, 1), 1);
            drop(last);
        }
        drop(s[0]);
        last = s[1];
    }
    drop(last);
    eq(nfds, 0);
}

/* While one thread drops a message, another drops its own, and does not leave it to the first. */
static int neighbours[2];
static bool is_neighbour_done;

static void neighbours_file_closed(struct file *f)
{
    (void)f;
    is_neighbour_done = true;
}

static void neighbour_drops(struct file *f)
{
    struct thread *me = host_thread, other = *host_thread;

    (void)f;
    other.scm_drops = NULL;
    host_thread = &other;
    drop(neighbours[0]);
    drop(neighbours[1]);
    assert_true(is_neighbour_done);
    host_thread = me;
}

static const struct file_ops first_ops = {.release = neighbour_drops};
static const struct file_ops neighbours_ops = {.release = neighbours_file_closed};

static void send_file(int s, const struct file_ops *ops)
{
    struct file *f;
    int fd = fd_reserve(0);

    eq(file_create_anon("test", ops, NULL, O_RDWR, &f), 0);
    fd_publish(fd, f);
    eq(send_fds(s, &fd, 1), 1);
    eq(sys_close(fd), 0);
}

static void drops_are_a_threads_own(void **state)
{
    int s[2];

    (void)state;
    is_neighbour_done = false;
    eq(pair(new_stream, s), 0);
    eq(pair(new_stream, neighbours), 0);
    send_file(s[0], &first_ops);
    send_file(neighbours[0], &neighbours_ops);
    drop(s[0]);
    drop(s[1]);
    assert_true(is_neighbour_done);
    eq(nfds, 0);
}

static void too_many_in_flight(void **state)
{
    int s[2], fds[100];
    long n = 0;

    (void)state;
    eq(pair(new_stream, s), 0);
    for (int i = 0; i < 100; i++)
        fds[i] = s[0];
    host_be_user(1000);
    while (n >= 0 && n < 100)
        n = send_fds(s[0], fds, 100) == 1 ? n + 1 : -1;
    eq(send_fds(s[0], fds, 100), -ETOOMANYREFS);
    host_be_user(0);
    drop_all();
}

/* ---- ptys ---- */

static int open_master(void)
{
    int unlocked = 0;
    long m = sys_openat(AT_FDCWD, U("/t/pts/ptmx"), O_RDWR | O_NOCTTY | O_NONBLOCK, 0);

    if (m >= 0)
        eq(sys_ioctl((int)m, TIOCSPTLCK, U(&unlocked)), 0);
    return (int)m;
}

static void scenario_pty(void)
{
    int m, s, n;
    char name[32] = "/t/pts/0";

    m = keep(NEED(open_master()));
    same(sys_ioctl(m, TIOCGPTN, U(&n)), 0);
    same(n, 0);
    s = keep(NEED(sys_openat(AT_FDCWD, U(name), O_RDWR | O_NOCTTY | O_NONBLOCK, 0)));
    NEED(keep(sys_ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY)));
    same(sys_write(m, U("ab\n"), 3), 3);
    same(sys_read(s, U(buf), 10), 3);
    same(sys_read(m, U(buf), 10), 4);
    drop(m);
    same(sys_read(s, U(buf), 10), 0);
    same(sys_write(s, U(buf), 10), -EIO);
    assert_true(sys_openat(AT_FDCWD, U(name), O_RDWR, 0) < 0);
    m = keep(NEED(open_master()));
    same(sys_ioctl(m, TIOCGPTN, U(&n)), 0);
    same(n, 0);
out:
    drop_all();
}

/* ---- running them ---- */

static unsigned before;

static int enter(void **state)
{
    (void)state;
    host_be_user(0);
    eq(sys_mkdir(U("/t"), 0777), 0);
    eq(sys_mkdir(U("/t/pts"), 0777), 0);
    static char options[4096] = "newinstance,ptmxmode=0666,mode=0620,gid=5";
    eq(sys_mount(U("devpts"), U("/t/pts"), U("devpts"), 0, U(options)), 0);
    before = host_objects();
    return 0;
}

static int leave(void **state)
{
    (void)state;
    eq(nfds, 0);
    eq(host_objects(), before);
    eq(sys_umount2(U("/t/pts"), 0), 0);
    eq(sys_rmdir(U("/t/pts")), 0);
    eq(sys_rmdir(U("/t")), 0);
    return 0;
}

static void with_each_failure(void (*scenario)(void))
{
    unsigned start;

    scenario(); /* fills the caches of names that stay */
    start = host_objects();
    for (unsigned n = 0;; n++) {
        host_fail_after(n);
        scenario();
        host_no_failures();
        eq(host_objects(), start);
        if (!host_failed())
            break;
    }
}

#define SCENARIO(name)                                                                             \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        with_each_failure(scenario_##name);                                                        \
    }
SCENARIO(pipe)
SCENARIO(fifo)
SCENARIO(epoll)
SCENARIO(poll_many)
SCENARIO(stream)
SCENARIO(server)
SCENARIO(datagrams)
SCENARIO(cycles)
SCENARIO(pty)

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, enter, leave)
    const struct CMUnitTest tests[] = {
        T(pipe),   T(fifo), T(epoll),      T(poll_many),         T(stream), T(server), T(datagrams),
        T(cycles), T(pty),  T(deep_chain), T(drops_are_a_threads_own),
        T(too_many_in_flight)};

    int fd;

    host_start();
    fd = (int)sys_openat(AT_FDCWD, U("/"), O_RDONLY, 0);
    eq(sys_dup2(fd, 1000), 1000); /* the descriptor table grows once and stays */
    (void)sys_close(1000);
    (void)sys_close(fd);
    net_init();
    pty_init();
    return cmocka_run_group_tests_name("ipc", tests, NULL, NULL);
}
