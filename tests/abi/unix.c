/* SPDX-License-Identifier: BSD-2-Clause */
/* socket(2) and its family, unix(7). */
#include "abi.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>

static char buf[300000];
static volatile int sigpipes;

static void on_signal(int sig)
{
    sigpipes += sig == SIGPIPE;
}

static int ready(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP};

    return poll(&p, 1, 0) < 0 ? -1 : p.revents;
}

static int queued(int fd)
{
    int n = -1;

    return ioctl(fd, FIONREAD, &n) < 0 ? -1 : n;
}

static socklen_t name(struct sockaddr_un *a, const char *path)
{
    memset(a, 0, sizeof(*a));
    a->sun_family = AF_UNIX;
    if (path[0] == '@') {
        memcpy(a->sun_path + 1, path + 1, strlen(path) - 1);
        return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    }
    strcpy(a->sun_path, path);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
}

static int bind_to(int s, const char *path)
{
    struct sockaddr_un a;
    socklen_t len = name(&a, path);

    return bind(s, (struct sockaddr *)&a, len);
}

static int connect_to(int s, const char *path)
{
    struct sockaddr_un a;
    socklen_t len = name(&a, path);

    return connect(s, (struct sockaddr *)&a, len);
}

static void show_name(const char *what, int (*fn)(int, struct sockaddr *, socklen_t *), int s)
{
    struct sockaddr_un a = {0};
    socklen_t len = sizeof(a);

    if (fn(s, (struct sockaddr *)&a, &len) != 0)
        printf("%s: %s\n", what, strerrorname_np(errno));
    else
        abi_show_bytes(what, a.sun_path, (long)len - 2);
}
#define SOCKNAME(s) show_name("sockname " #s, (void *)getsockname, s)
#define PEERNAME(s) show_name("peername " #s, (void *)getpeername, s)

static void bad_arguments(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "x"}, wrong = {.sun_family = 77};
    struct msghdr m = {0};
    struct iovec iov = {BAD_ADDR, 5};
    socklen_t len = sizeof(a), negative = (socklen_t)-1;
    int s, file = open("/", O_RDONLY), sv[2], v = 0;

    SECTION("bad arguments");
    CALL(socket(-1, SOCK_STREAM, 0));
    CALL(socket(46, SOCK_STREAM, 0));
    CALL(socket(45, SOCK_STREAM, 0));
    CALL(socket(AF_UNIX, 0, 0));
    CALL(socket(AF_UNIX, 4, 0));
    CALL(socket(AF_UNIX, 11, 0));
    CALL(socket(AF_UNIX, SOCK_STREAM, 7));
    CALL(socket(AF_UNIX, SOCK_STREAM | 0x10000, 0));
    CALL(socketpair(AF_UNIX, SOCK_STREAM, 0, BAD_ADDR));
    CALL(socketpair(AF_UNIX, 99, 0, sv));
    s = (int)TRY(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, AF_UNIX));
    CALL(fcntl(s, F_GETFD));
    CALL(fcntl(s, F_GETFL));
    CALL(bind(file, (void *)&a, len));
    CALL(bind(99, (void *)&a, len));
    CALL(bind(s, BAD_ADDR, len));
    CALL(bind(s, (void *)&a, 1));
    CALL(bind(s, (void *)&a, -1));
    CALL(bind(s, (void *)&a, 111));
    CALL(bind(s, (void *)&a, 129));
    CALL(bind(s, (void *)&wrong, len));
    CALL(connect(s, BAD_ADDR, len));
    CALL(connect(s, (void *)&a, 1));
    CALL(connect(s, (void *)&wrong, len));
    CALL(connect(s, (void *)&a, len));
    CALL(connect_to(s, "/etc/passwd"));
    CALL(connect_to(s, "@abi-nobody"));
    CALL(listen(s, 1));
    CALL(listen(file, 1));
    CALL(accept4(s, NULL, NULL, 1));
    CALL(accept(s, NULL, NULL));
    CALL(accept(file, NULL, NULL));
    CALL(getsockname(s, (void *)&a, BAD_ADDR));
    CALL(getsockname(s, (void *)&a, &negative));
    CALL(getpeername(s, (void *)&a, &len));
    CALL(shutdown(s, 3));
    CALL(shutdown(s, -1));
    CALL(send(s, "x", 1, 0));
    CALL(recv(s, buf, 1, 0));
    CALL(sendmsg(s, BAD_ADDR, 0));
    CALL(recvmsg(s, BAD_ADDR, 0));
    close(s);

    socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
    CALL(send(sv[0], BAD_ADDR, 5, 0));
    CALL(send(sv[0], KERNEL_ADDR, 5, 0));
    m.msg_iov = &iov;
    m.msg_iovlen = 1;
    CALL(sendmsg(sv[0], &m, 0));
    iov.iov_base = buf;
    m.msg_iovlen = 1025;
    CALL(sendmsg(sv[0], &m, 0));
    m.msg_iovlen = 1;
    iov.iov_len = (size_t)-1;
    CALL(sendmsg(sv[0], &m, 0));
    iov.iov_len = 5;
    m.msg_control = BAD_ADDR;
    m.msg_controllen = 64;
    CALL(sendmsg(sv[0], &m, 0));
    m.msg_controllen = 1 << 30;
    CALL(sendmsg(sv[0], &m, 0));
    m.msg_control = NULL;
    m.msg_controllen = 0;
    m.msg_name = &a;
    m.msg_namelen = sizeof(a);
    CALL(sendmsg(sv[0], &m, 0));
    CALL(sendto(sv[0], "x", 1, 0, (void *)&a, 200));
    CALL(send(sv[0], "hello", 5, 0));
    CALL(recv(sv[1], BAD_ADDR, 5, 0));
    CALL(queued(sv[1]));
    CALL(recv(sv[1], buf, 9, MSG_DONTWAIT));
    CALL(connect_to(sv[0], "@abi-nobody"));

    CALL(setsockopt(sv[0], SOL_SOCKET, SO_PASSCRED, &v, 3));
    CALL(setsockopt(sv[0], SOL_SOCKET, SO_PASSCRED, &v, -1));
    CALL(setsockopt(sv[0], SOL_SOCKET, SO_PASSCRED, BAD_ADDR, 4));
    CALL(setsockopt(sv[0], SOL_SOCKET, 9999, &v, 4));
    CALL(setsockopt(sv[0], SOL_SOCKET, SO_TYPE, &v, 4));
    CALL(setsockopt(sv[0], 6, 1, &v, 4));
    CALL(getsockopt(sv[0], SOL_SOCKET, SO_TYPE, &v, BAD_ADDR));
    CALL(getsockopt(sv[0], SOL_SOCKET, SO_TYPE, &v, &negative));
    CALL(getsockopt(sv[0], SOL_SOCKET, 9999, &v, &len));
    CALL(getsockopt(sv[0], 6, 1, &v, &len));
    CALL(getsockopt(file, SOL_SOCKET, SO_TYPE, &v, &len));
    CALL(lseek(sv[0], 0, SEEK_SET));
    CALL(pread(sv[0], buf, 1, 0));
    CALL(ioctl(sv[0], FIONREAD, BAD_ADDR));
    close(sv[0]);
    close(sv[1]);
    close(file);
}

static int option(int s, int opt)
{
    int v = -1;
    socklen_t len = sizeof(v);

    return getsockopt(s, SOL_SOCKET, opt, &v, &len) ? -1 : v;
}

static void options(void)
{
    struct timeval tv = {0, 100000}, back = {0};
    struct ucred cred;
    socklen_t len = sizeof(back);
    int sv[2], v, lone = socket(AF_UNIX, SOCK_DGRAM, 0);

    SECTION("options");
    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv);
    CALL(option(sv[0], SO_TYPE));
    CALL(option(sv[0], SO_DOMAIN));
    CALL(option(sv[0], SO_PROTOCOL));
    CALL(option(sv[0], SO_ERROR));
    CALL(option(sv[0], SO_ACCEPTCONN));
    CALL(option(sv[0], SO_SNDBUF));
    CALL(option(sv[0], SO_RCVLOWAT));
    v = 1;
    CALL(setsockopt(sv[0], SOL_SOCKET, SO_SNDBUF, &v, 4));
    CALL(option(sv[0], SO_SNDBUF));
    v = 10000;
    CALL(setsockopt(sv[0], SOL_SOCKET, SO_RCVBUF, &v, 4));
    CALL(option(sv[0], SO_RCVBUF));
    v = 1;
    CALL(setsockopt(sv[0], SOL_SOCKET, SO_KEEPALIVE, &v, 4));
    CALL(option(sv[0], SO_KEEPALIVE));
    CALL(setsockopt(sv[0], SOL_SOCKET, SO_RCVTIMEO, &tv, 8));
    CALL(setsockopt(sv[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
    CALL(getsockopt(sv[0], SOL_SOCKET, SO_RCVTIMEO, &back, &len));
    printf("%ld %ld\n", (long)back.tv_sec, (long)back.tv_usec);
    CALL(recv(sv[0], buf, 1, 0));
    tv.tv_usec = 1000000;
    CALL(setsockopt(sv[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
    len = sizeof(cred);
    CALL(getsockopt(sv[0], SOL_SOCKET, SO_PEERCRED, &cred, &len));
    printf("me %d %d %d\n", cred.pid == getpid(), cred.uid == getuid(), cred.gid == getgid());
    CALL(getsockopt(lone, SOL_SOCKET, SO_PEERCRED, &cred, &len));
    printf("nobody %d %d %d\n", cred.pid, (int)cred.uid, (int)cred.gid);
    close(lone);
    close(sv[0]);
    close(sv[1]);
}

static void streams(void)
{
    int sv[2], nb;

    SECTION("streams");
    socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
    SOCKNAME(sv[0]);
    PEERNAME(sv[0]);
    CALL(ready(sv[0]));
    CALL(send(sv[0], "", 0, 0));
    CALL(queued(sv[1]));
    CALL(write(sv[0], "abc", 3));
    CALL(send(sv[0], "def", 3, 0));
    CALL(queued(sv[1]));
    CALL(ready(sv[1]));
    CALL(recv(sv[1], buf, 4, MSG_PEEK));
    CALL(recv(sv[1], buf, 20, MSG_PEEK));
    abi_show_bytes("peeked", buf, 6);
    CALL(read(sv[1], buf, 2));
    CALL(recv(sv[1], buf, 20, MSG_DONTWAIT));
    abi_show_bytes("read", buf, 4);
    CALL(recv(sv[1], buf, 20, MSG_DONTWAIT));
    CALL(recv(sv[1], buf, 20, MSG_OOB) < 0);
    CALL(write(sv[0], "abcdef", 6));
    CALL(recv(sv[1], buf, 3, MSG_TRUNC));
    CALL(recv(sv[1], buf, 3, 0));
    if (fork() == 0) {
        usleep(30000);
        if (write(sv[0], "one", 3) != 3)
            _exit(1);
        usleep(30000);
        _exit(write(sv[0], "two", 3) != 3);
    }
    CALL(recv(sv[1], buf, 6, MSG_WAITALL));
    wait(NULL);
    nb = 0;
    fcntl(sv[0], F_SETFL, O_NONBLOCK);
    while (write(sv[0], buf, 10000) > 0)
        nb++;
    printf("filled %d, %s\n", nb > 5 && nb < 100, strerrorname_np(errno));
    CALL(ready(sv[0]));
    while (nb-- > 0)
        (void)!recv(sv[1], buf, 10000, MSG_WAITALL);
    CALL(ready(sv[0]) & POLLOUT);
    while (recv(sv[1], buf, sizeof(buf), MSG_DONTWAIT) > 0)
        ;
    CALL(shutdown(sv[0], SHUT_WR));
    CALL(ready(sv[0]));
    CALL(ready(sv[1]));
    CALL(read(sv[1], buf, 1));
    CALL(send(sv[0], "x", 1, MSG_NOSIGNAL));
    CALL(write(sv[1], "y", 1));
    CALL(read(sv[0], buf, 1));
    CALL(shutdown(sv[1], SHUT_RDWR));
    CALL(ready(sv[0]));
    CALL(read(sv[0], buf, 1));
    sigpipes = 0;
    CALL(write(sv[1], "y", 1));
    printf("SIGPIPE %d\n", sigpipes);
    close(sv[0]);
    close(sv[1]);

    socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
    CALL(write(sv[0], "unread", 6));
    close(sv[1]);
    CALL(ready(sv[0]));
    CALL(read(sv[0], buf, 1));
    CALL(read(sv[0], buf, 1));
    CALL(send(sv[0], "x", 1, MSG_NOSIGNAL));
    CALL(option(sv[0], SO_ERROR));
    close(sv[0]);
}

/* A look at what there is does not wait for more of it. */
static void looks(void)
{
    int sv[2], low = 5;

    SECTION("looks");
    socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
    CALL(write(sv[0], "a", 1));
    CALL(recv(sv[1], buf, 2, MSG_PEEK | MSG_WAITALL));
    CALL(write(sv[0], "b", 1));
    CALL(recv(sv[1], buf, 3, MSG_PEEK | MSG_WAITALL));
    abi_show_bytes("peeked", buf, 2);
    CALL(setsockopt(sv[1], SOL_SOCKET, SO_RCVLOWAT, &low, sizeof(low)));
    CALL(recv(sv[1], buf, 10, MSG_PEEK));
    CALL(recv(sv[1], buf, 1, MSG_PEEK | MSG_WAITALL));
    CALL(recv(sv[1], buf, 2, MSG_WAITALL));
    CALL(recv(sv[1], buf, 2, MSG_PEEK | MSG_WAITALL | MSG_DONTWAIT));
    if (fork() == 0) {
        usleep(30000);
        _exit(write(sv[0], "late", 4) != 4);
    }
    CALL(recv(sv[1], buf, 10, MSG_PEEK | MSG_WAITALL)); /* only the first byte is waited for */
    wait(NULL);
    close(sv[0]);
    close(sv[1]);
}

static void connections(void)
{
    struct sockaddr_un a;
    socklen_t len = sizeof(a);
    int l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0), s, other;
    struct stat st;

    SECTION("connections");
    CALL(ready(l));
    CALL(bind_to(l, "srv"));
    CALL(bind_to(l, "srv2"));
    SOCKNAME(l);
    stat("srv", &st);
    printf("mode %o\n", st.st_mode & S_IFMT);
    CALL(open("srv", O_RDONLY));
    other = socket(AF_UNIX, SOCK_STREAM, 0);
    CALL(bind_to(other, "srv"));
    CALL(bind_to(other, "nodir/x"));
    CALL(bind_to(other, "srv/x"));
    CALL(connect_to(c, "srv"));
    CALL(listen(l, 0));
    CALL(option(l, SO_ACCEPTCONN));
    CALL(ready(l));
    CALL(connect_to(c, "srv"));
    CALL(ready(l));
    fcntl(other, F_SETFL, O_NONBLOCK);
    CALL(connect_to(other, "srv"));
    CALL(write(c, "early", 5));
    s = (int)TRY(accept4(l, (void *)&a, &len, SOCK_CLOEXEC));
    printf("client name %d\n", (int)len);
    CALL(fcntl(s, F_GETFD));
    CALL(read(s, buf, 10));
    SOCKNAME(s);
    PEERNAME(s);
    PEERNAME(c);
    CALL(connect_to(c, "srv"));
    CALL(connect_to(other, "srv"));
    close(other);
    other = socket(AF_UNIX, SOCK_DGRAM, 0);
    CALL(connect_to(other, "srv"));
    CALL(accept(other, NULL, NULL));
    CALL(listen(other, 1));
    close(other);
    unlink("srv");
    close(s);
    CALL(read(c, buf, 1));
    close(c);
    c = socket(AF_UNIX, SOCK_STREAM, 0);
    CALL(connect_to(c, "srv"));
    close(l);

    l = socket(AF_UNIX, SOCK_STREAM, 0);
    CALL(bind_to(l, "@abi-test"));
    other = socket(AF_UNIX, SOCK_STREAM, 0);
    CALL(bind_to(other, "@abi-test"));
    CALL(listen(l, 5));
    CALL(connect_to(c, "@abi-test"));
    CALL(write(c, "x", 1));
    close(l); /* never accepted */
    CALL(read(c, buf, 1));
    CALL(bind_to(other, "@abi-test"));
    close(c);
    close(other);

    other = socket(AF_UNIX, SOCK_STREAM, 0);
    a.sun_family = AF_UNIX;
    CALL(bind(other, (void *)&a, 2)); /* the kernel chooses */
    len = sizeof(a);
    getsockname(other, (void *)&a, &len);
    printf("%d bytes, first %d\n", (int)len, a.sun_path[0]);
    len = 4;
    CALL(getsockname(other, (void *)&a, &len));
    printf("%d\n", (int)len);
    close(other);
}

static void datagrams(void)
{
    struct sockaddr_un a;
    socklen_t len = sizeof(a);
    struct iovec iov = {buf, 3};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    int x = socket(AF_UNIX, SOCK_DGRAM, 0), y = socket(AF_UNIX, SOCK_DGRAM, 0), z, n;

    SECTION("datagrams");
    CALL(send(x, "x", 1, 0));
    CALL(bind_to(y, "@abi-y"));
    len = name(&a, "@abi-y");
    CALL(sendto(x, "hello", 5, 0, (void *)&a, len));
    CALL(sendto(x, "", 0, 0, (void *)&a, len));
    CALL(queued(y));
    CALL(recvmsg(y, &m, MSG_PEEK));
    printf("flags %x\n", m.msg_flags);
    len = sizeof(a);
    CALL(recvfrom(y, buf, 3, MSG_TRUNC, (void *)&a, &len));
    printf("from %d\n", (int)len);
    CALL(recv(y, buf, 10, 0));
    CALL(recv(y, buf, 10, MSG_DONTWAIT));
    CALL(connect_to(x, "@abi-y"));
    CALL(write(x, "a", 1));
    CALL(write(x, "bc", 2));
    CALL(read(y, buf, 10));
    CALL(read(y, buf, 10));
    CALL(bind_to(x, "@abi-x"));
    CALL(connect_to(y, "@abi-x"));
    z = socket(AF_UNIX, SOCK_DGRAM, 0);
    CALL(connect_to(z, "@abi-y"));
    PEERNAME(x);
    CALL(write(y, "back", 4));
    len = sizeof(a);
    CALL(recvfrom(x, buf, 10, 0, (void *)&a, &len));
    abi_show_bytes("from", a.sun_path, (long)len - 2);
    a.sun_family = AF_UNSPEC;
    CALL(connect(y, (void *)&a, 2));
    CALL(connect_to(z, "@abi-y"));
    for (n = 0; send(z, "m", 1, MSG_DONTWAIT) == 1; n++)
        ;
    printf("queue %d, %s\n", n, strerrorname_np(errno));
    CALL(ready(z) & POLLOUT);
    CALL(recv(y, buf, 10, 0));
    CALL(ready(z) & POLLOUT);
    CALL(send(z, buf, sizeof(buf), 0));
    close(y);
    CALL(write(z, "x", 1));
    CALL(write(z, "x", 1));
    CALL(shutdown(x, SHUT_RD));
    CALL(recv(x, buf, 1, 0));
    close(x);
    close(z);
}

static void packets(void)
{
    int sv[2];

    SECTION("packets");
    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv);
    CALL(write(sv[0], "abc", 3));
    CALL(write(sv[0], "defgh", 5));
    CALL(read(sv[1], buf, 2));
    CALL(read(sv[1], buf, 10));
    CALL(send(sv[0], "", 0, 0));
    CALL(recv(sv[1], buf, 10, 0));
    close(sv[0]);
    CALL(recv(sv[1], buf, 10, 0));
    CALL(send(sv[1], "x", 1, MSG_NOSIGNAL));
    close(sv[1]);
}

/* Send these descriptors; receive with room for `room` of them. */
static int send_fds(int s, const int *fds, int n, const char *text)
{
    union {
        struct cmsghdr h;
        char space[CMSG_SPACE(300 * sizeof(int))];
    } c = {0};
    struct iovec iov = {(void *)text, strlen(text)};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = &c,
                       .msg_controllen = CMSG_SPACE((size_t)n * sizeof(int))};

    c.h.cmsg_level = SOL_SOCKET;
    c.h.cmsg_type = SCM_RIGHTS;
    c.h.cmsg_len = CMSG_LEN((size_t)n * sizeof(int));
    memcpy(CMSG_DATA(&c.h), fds, (size_t)n * sizeof(int));
    return (int)sendmsg(s, &m, MSG_DONTWAIT);
}

static int receive_fds(int s, int *fds, int room, size_t bytes, int flags)
{
    union {
        struct cmsghdr h;
        char space[CMSG_SPACE(300 * sizeof(int))];
    } c;
    struct iovec iov = {buf, bytes};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = &c,
                       .msg_controllen = room ? CMSG_LEN((size_t)room * sizeof(int)) : 0};
    int n = (int)recvmsg(s, &m, flags | MSG_DONTWAIT), got = 0;

    if (n < 0) {
        printf("  %s\n", strerrorname_np(errno));
        return -1;
    }
    if (m.msg_controllen >= sizeof(c.h)) {
        got = (int)((c.h.cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(fds, CMSG_DATA(&c.h), (size_t)got * sizeof(int));
    }
    printf("  %d bytes, %d descriptors, flags %x, control %d\n", n, got, m.msg_flags,
           (int)m.msg_controllen);
    return got;
}

static void rights(void)
{
    int sv[2], p[2], got[300], bad = 99, many[254];

    SECTION("descriptors");
    socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
    if (pipe(p) != 0)
        return;
    CALL(send_fds(sv[0], &bad, 1, "x"));
    CALL(send_fds(sv[0], p, 2, "hi"));
    CALL(receive_fds(sv[1], got, 2, 10, 0));
    CALL(write(got[1], "through", 7));
    CALL(read(p[0], buf, 10));
    CALL(fcntl(got[0], F_GETFD));
    close(got[0]);
    close(got[1]);
    CALL(send_fds(sv[0], p, 2, "hi"));
    CALL(receive_fds(sv[1], got, 1, 10, MSG_CMSG_CLOEXEC));
    CALL(fcntl(got[0], F_GETFD));
    close(got[0]);
    CALL(send_fds(sv[0], p, 1, "abc"));
    CALL(write(sv[0], "def", 3));
    CALL(receive_fds(sv[1], got, 1, 10, MSG_PEEK));
    close(got[0]);
    CALL(receive_fds(sv[1], got, 1, 2, 0));
    close(got[0]);
    CALL(receive_fds(sv[1], got, 1, 10, 0));
    CALL(send_fds(sv[0], p, 1, "x"));
    CALL(receive_fds(sv[1], got, 0, 10, 0));
    CALL(send_fds(sv[0], p, 1, "x"));
    CALL(read(sv[1], buf, 10)); /* and the descriptor is lost */
    for (int i = 0; i < 254; i++)
        many[i] = p[0];
    CALL(send_fds(sv[0], many, 254, "x"));
    CALL(send_fds(sv[0], many, 253, "x"));
    CALL(receive_fds(sv[1], got, 253, 10, 0));
    for (int i = 0; i < 253; i++)
        close(got[i]);

    /* A socket in its own queue, and two in each other's: closed, they go. */
    CALL(send_fds(sv[0], &sv[1], 1, "self"));
    close(sv[1]);
    close(sv[0]);
    close(p[0]);
    CALL(ready(p[1]));
    socketpair(AF_UNIX, SOCK_DGRAM, 0, sv);
    CALL(send_fds(sv[0], &p[1], 1, "w"));
    CALL(send_fds(sv[0], &sv[1], 1, "b"));
    CALL(send_fds(sv[1], &sv[0], 1, "a"));
    close(sv[0]);
    close(sv[1]);
    close(p[1]);
    /* A listener that is held by a connection that nobody accepts. */
    sv[0] = socket(AF_UNIX, SOCK_STREAM, 0);
    sv[1] = socket(AF_UNIX, SOCK_STREAM, 0);
    CALL(bind_to(sv[0], "held"));
    CALL(listen(sv[0], 1));
    CALL(connect_to(sv[1], "held"));
    CALL(send_fds(sv[1], &sv[0], 1, "x"));
    close(sv[0]);
    close(sv[1]);
    unlink("held");
    for (int i = 0; i < 300; i++) {
        socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
        if (send_fds(sv[0], &sv[1], 1, "x") != 1 || send_fds(sv[1], &sv[0], 1, "x") != 1)
            printf("round %d: %s\n", i, strerrorname_np(errno));
        close(sv[0]);
        close(sv[1]);
    }
}

/* A message with descriptors behind one with credentials only, read together. */
static void rights_behind_credentials(void)
{
    union {
        struct cmsghdr h;
        char space[256];
    } c;
    struct iovec iov = {buf, 10};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c};
    int sv[2], on = 1, flags[] = {MSG_PEEK, 0};

    SECTION("descriptors behind credentials");
    socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
    CALL(setsockopt(sv[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
    CALL(write(sv[0], "a", 1));
    CALL(send_fds(sv[0], &sv[0], 1, "b"));
    CALL(write(sv[0], "c", 1));
    for (int i = 0; i < 2; i++) {
        m.msg_controllen = sizeof(c);
        CALL(recvmsg(sv[1], &m, flags[i]));
        for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h != NULL; h = CMSG_NXTHDR(&m, h)) {
            printf("  type %d, %zu bytes\n", h->cmsg_type, h->cmsg_len);
            if (h->cmsg_type == SCM_RIGHTS)
                close(*(int *)CMSG_DATA(h));
        }
    }
    close(sv[0]);
    close(sv[1]);
}

static void credentials(void)
{
    union {
        struct cmsghdr h;
        char space[CMSG_SPACE(sizeof(struct ucred))];
    } c = {0};
    struct iovec iov = {buf, 10};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c)};
    struct ucred *u = (struct ucred *)CMSG_DATA(&c.h);
    int sv[2], on = 1;

    SECTION("credentials");
    socketpair(AF_UNIX, SOCK_DGRAM, 0, sv);
    CALL(setsockopt(sv[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
    CALL(write(sv[0], "x", 1));
    CALL(recvmsg(sv[1], &m, 0));
    printf("type %d, me %d %d %d, flags %x\n", c.h.cmsg_type, u->pid == getpid(),
           u->uid == getuid(), u->gid == getgid(), m.msg_flags);
    c.h.cmsg_level = SOL_SOCKET;
    c.h.cmsg_type = SCM_CREDENTIALS;
    c.h.cmsg_len = CMSG_LEN(sizeof(*u));
    *u = (struct ucred){getpid(), getuid(), getgid()};
    iov.iov_len = 1;
    m.msg_controllen = sizeof(c);
    CALL(sendmsg(sv[0], &m, 0));
    c.h.cmsg_len--;
    CALL(sendmsg(sv[0], &m, 0));
    c.h.cmsg_len = 4;
    CALL(sendmsg(sv[0], &m, 0));
    c.h.cmsg_len = CMSG_LEN(sizeof(*u));
    c.h.cmsg_type = 99;
    CALL(sendmsg(sv[0], &m, 0));
    c.h.cmsg_level = 99;
    CALL(sendmsg(sv[0], &m, 0));
    if (getuid() == 0) {
        c.h.cmsg_level = SOL_SOCKET;
        c.h.cmsg_type = SCM_CREDENTIALS;
        *u = (struct ucred){getpid(), 12345, 54321};
        CALL(sendmsg(sv[0], &m, 0));
        u->pid = 99999999;
        CALL(sendmsg(sv[0], &m, 0));
    }
    CALL(recv(sv[1], buf, 10, 0)); /* no room for them */
    m.msg_control = NULL;
    m.msg_controllen = 0;
    CALL(recvmsg(sv[1], &m, 0));
    printf("flags %x\n", m.msg_flags);
    close(sv[0]);
    close(sv[1]);
}

static void several(void)
{
    struct iovec iov[3] = {{"a", 1}, {"bc", 2}, {BAD_ADDR, 1}};
    struct mmsghdr mm[3] = {{.msg_hdr = {.msg_iov = &iov[0], .msg_iovlen = 1}},
                            {.msg_hdr = {.msg_iov = &iov[1], .msg_iovlen = 1}},
                            {.msg_hdr = {.msg_iov = &iov[2], .msg_iovlen = 1}}};
    int sv[2];

    SECTION("sendmmsg");
    socketpair(AF_UNIX, SOCK_DGRAM, 0, sv);
    CALL(sendmmsg(sv[0], mm, 3, 0));
    printf("%u %u\n", mm[0].msg_len, mm[1].msg_len);
    CALL(sendmmsg(sv[0], mm + 2, 1, 0));
    CALL(sendmmsg(sv[0], BAD_ADDR, 1, 0));
    CALL(sendmmsg(sv[0], mm, 0, 0));
    CALL(recv(sv[1], buf, 10, 0));
    CALL(recv(sv[1], buf, 10, 0));
    close(sv[0]);
    close(sv[1]);
}

static void removed_directory(void)
{
    int s = socket(AF_UNIX, SOCK_STREAM, 0), back = open(".", O_RDONLY);

    SECTION("a removed directory");
    CALL(mkdir("gone", 0700));
    CALL(chdir("gone"));
    CALL(bind_to(s, "before"));
    CALL(unlink("before"));
    CALL(rmdir("../gone"));
    close(s);
    s = socket(AF_UNIX, SOCK_STREAM, 0);
    CALL(bind_to(s, "after"));
    CALL(bind_to(s, "./after"));
    CALL(connect_to(s, "after"));
    CALL(access("after", F_OK));
    CALL(fchdir(back));
    CALL(bind_to(s, "after"));
    CALL(unlink("after"));
    close(s);
    close(back);
}

int main(void)
{
    struct sigaction sa = {.sa_handler = on_signal};
    char dir[] = "/tmp/abi-unix-XXXXXX";

    setvbuf(stdout, NULL, _IOLBF, 0);
    alarm(40);
    sigaction(SIGPIPE, &sa, NULL);
    if (mkdtemp(dir) == NULL || chdir(dir) != 0)
        return 1;
    bad_arguments();
    options();
    streams();
    looks();
    connections();
    datagrams();
    packets();
    rights();
    credentials();
    rights_behind_credentials();
    several();
    removed_directory();
    if (chdir("/") == 0)
        (void)!rmdir(dir);
    return 0;
}
