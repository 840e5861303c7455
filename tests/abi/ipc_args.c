/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of bad arguments of every call on pipes, sockets, events, and what waits for them. */
#include "args.h"

#include <poll.h>
#include <sys/un.h>

static struct pollfd fds[1] = {{.fd = -1}};
static struct timespec zero;
static struct timeval zero_val;
static struct itimerspec no_spec;
static struct epoll_event event;
static struct sockaddr_un nobody = {AF_UNIX, "/no/such/socket"};
static socklen_t len = sizeof(nobody);
static struct iovec iov = {ARGS_BUFFER, 4};
static struct mmsghdr messages[1] = {{.msg_hdr = {.msg_iov = &iov, .msg_iovlen = 1}}};
static int one = 1;
static sigset_t mask;

static const struct args_row rows[] = {
    C(pipe, "p", P(ARGS_BUFFER)),
    C(pipe2, "pn", P(ARGS_BUFFER), 0),
    FORKED(poll, "pni", P(fds), 1, 0),
    FORKED(poll, "iin", P(fds), 1, 0),
    FORKED(ppoll, "pnppn", P(fds), 1, P(&zero), P(&mask), 8),
    FORKED(select, "npppp", 1, P(ARGS_BUFFER), P(ARGS_BUFFER), P(ARGS_BUFFER), P(&zero_val)),
    FORKED(pselect6, "nppppp", 1, P(ARGS_BUFFER), P(ARGS_BUFFER), P(ARGS_BUFFER), P(&zero), 0),
    C(epoll_create, "n", 1),
    C(epoll_create1, "b", 0),
    C(epoll_ctl, "fnfp", FD(EPOLL), EPOLL_CTL_ADD, FD(SOCKET), P(&event)),
    FORKED(epoll_wait, "fpnn", FD(EPOLL), P(ARGS_BUFFER), 1, 0),
    FORKED(epoll_pwait, "fpnnpn", FD(EPOLL), P(ARGS_BUFFER), 1, 0, P(&mask), 8),
    C(eventfd, "n", 0),
    C(eventfd2, "nb", 0, 0),
    C(signalfd, "fpn", -1, P(&mask), 8),
    C(signalfd4, "fpnb", -1, P(&mask), 8, 0),
    C(timerfd_create, "nb", CLOCK_MONOTONIC, 0),
    C(timerfd_settime, "fbpp", FD(TIMER), 0, P(&no_spec), P(ARGS_BUFFER)),
    C(timerfd_gettime, "fp", FD(TIMER), P(ARGS_BUFFER)),
    C(socket, "nnn", AF_UNIX, SOCK_STREAM, 0),
    C(socketpair, "nnnp", AF_UNIX, SOCK_STREAM, 0, P(ARGS_BUFFER)),
    C(connect, "fpn", FD(SOCKET), P(&nobody), sizeof(nobody)),
    C(bind, "fpn", FD(SOCKET), P(&nobody), sizeof(nobody)),
    C(sendto, "fpnbpn", FD(SOCKET), P(ARGS_BUFFER), 4, MSG_NOSIGNAL, 0, 0),
    C(sendto, "fpnipn", FD(SOCKET), P(ARGS_BUFFER), 4, MSG_NOSIGNAL, P(&nobody), sizeof(nobody)),
    C(recvfrom, "fpnbpp", FD(SOCKET), P(ARGS_BUFFER), 4, 0, P(ARGS_BUFFER), P(&len)),
    C(sendmsg, "fpb", FD(SOCKET), P(messages), MSG_NOSIGNAL),
    C(recvmsg, "fpb", FD(SOCKET), P(messages), 0),
    C(sendmmsg, "fpnb", FD(SOCKET), P(messages), 1, MSG_NOSIGNAL),
    C(setsockopt, "fnnpn", FD(SOCKET), SOL_SOCKET, SO_PASSCRED, P(&one), sizeof(one)),
    C(getsockopt, "fnnpp", FD(SOCKET), SOL_SOCKET, SO_PASSCRED, P(ARGS_BUFFER), P(&len)),
    C(getsockname, "fpp", FD(SOCKET), P(ARGS_BUFFER), P(&len)),
    C(getpeername, "fpp", FD(SOCKET), P(ARGS_BUFFER), P(&len)),
    C(shutdown, "fn", FD(SOCKET), SHUT_RDWR),
    C(accept, "fpp", FD(SOCKET), P(ARGS_BUFFER), P(&len)),
    C(accept4, "fppb", FD(SOCKET), P(ARGS_BUFFER), P(&len), 0),
    C(listen, "fn", FD(SOCKET), 1),
};

int main(void)
{
    args_init();
    signal(SIGPIPE, SIG_IGN);
    args_try_rows(rows, ARRAY_LEN(rows));
    return args_fini();
}
