/* SPDX-License-Identifier: BSD-2-Clause */
/* Pipes, sockets that carry descriptors (themselves, too), terminals. */
#include "leaks.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- pipes -------------------------------------------------------------------------- */

static void pipes(unsigned i)
{
    static char bytes[70000];
    int ends[40][2], fifo;

    (void)i;
    for (size_t p = 0; p < LENGTH(ends); p++) {
        must(pipe2(ends[p], O_CLOEXEC | O_NONBLOCK));
        must(write(ends[p][1], bytes, p * 1700)); /* closed with that in them */
    }
    must(fcntl(ends[0][1], F_SETPIPE_SZ, 1 << 19));
    must(write(ends[0][1], bytes, sizeof(bytes)));
    for (size_t p = 0; p < LENGTH(ends); p++) {
        must(close(ends[p][p % 2]));
        must(close(ends[p][1 - p % 2]));
    }
    must(mkfifo("/tmp/leaks-fifo", 0600));
    fifo = (int)must(open("/tmp/leaks-fifo", O_RDWR | O_CLOEXEC));
    must(write(fifo, bytes, 5000));
    must(unlink("/tmp/leaks-fifo"));
    must(close(fifo));
}

/* ---- descriptors in messages ----------------------------------------------------------- */

static int send_fds(int sock, const int *fds, size_t count)
{
    union {
        char buf[CMSG_SPACE(16 * sizeof(int))];
        struct cmsghdr align;
    } control;
    char byte = 0;
    struct iovec iov = {.iov_base = &byte, .iov_len = 1};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control.buf,
                         .msg_controllen = CMSG_SPACE(count * sizeof(int))};
    struct cmsghdr *c;

    memset(&control, 0, sizeof(control));
    c = CMSG_FIRSTHDR(&msg);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(c), fds, count * sizeof(int));
    return (int)sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void close_pair(const int ends[2])
{
    must(close(ends[0]));
    must(close(ends[1]));
}

/* a in b's queue and b in a's: nobody can receive them once both are closed. */
static void cycles(unsigned i)
{
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
    int a[2], b[2], bad[2] = {0, 1000};

    for (size_t t = 0; t < LENGTH(types); t++) {
        must(socketpair(AF_UNIX, types[t] | SOCK_CLOEXEC, 0, a));
        must(socketpair(AF_UNIX, types[t] | SOCK_CLOEXEC, 0, b));
        must(send_fds(a[0], b, 2));
        must(send_fds(b[0], a, 2));
        must(send_fds(a[0], a, 2)); /* and itself */
        must_fail(EBADF, send_fds(a[0], bad, 2));
        must(send(a[1], "left", 4, 0));
        if (i % 2 == 0)
            must(shutdown(a[0], SHUT_RDWR));
        close_pair(a);
        close_pair(b);
    }
}

/* A chain of sockets, each in the queue of the next. */
static void chains(unsigned i)
{
    int before[2], next[2];

    (void)i;
    must(pipe2(before, O_CLOEXEC));
    for (int n = 0; n < 20; n++) {
        must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, next));
        must(send_fds(next[0], before, 2));
        close_pair(before);
        memcpy(before, next, sizeof(before));
    }
    close_pair(before);
}

static void fill_address(struct sockaddr_un *a, const char *path)
{
    memset(a, 0, sizeof(*a));
    a->sun_family = AF_UNIX;
    strcpy(a->sun_path, path);
}

/* Connections that nobody accepts, with messages in them, to names that go first. */
static void listeners(unsigned i)
{
    int listener = (int)must(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)), clients[5], datagram,
        other;
    struct sockaddr_un address;

    fill_address(&address, "/tmp/leaks-socket");
    must(bind(listener, (struct sockaddr *)&address, sizeof(address)));
    must(listen(listener, 5));
    for (size_t c = 0; c < LENGTH(clients); c++) {
        clients[c] = (int)must(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        must(connect(clients[c], (struct sockaddr *)&address, sizeof(address)));
        must(send_fds(clients[c], clients, c + 1));
    }
    must(close((int)must(accept(listener, NULL, NULL))));
    must(unlink("/tmp/leaks-socket"));
    if (i % 2 == 0)
        must(close(listener));
    for (size_t c = 0; c < LENGTH(clients); c++)
        must(close(clients[c]));
    if (i % 2 != 0)
        must(close(listener));

    fill_address(&address, "-abstract");
    address.sun_path[0] = '\0';
    datagram = (int)must(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    must(bind(datagram, (struct sockaddr *)&address, sizeof(sa_family_t) + 10));
    must(sendto(datagram, "x", 1, 0, (struct sockaddr *)&address, sizeof(sa_family_t) + 10));
    other = (int)must(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    must_fail(EADDRINUSE, bind(other, (struct sockaddr *)&address, sizeof(sa_family_t) + 10));
    must(close(other));
    must(close(datagram));
}

/* ---- terminals ----------------------------------------------------------------------- */

static int open_terminal(int *slave)
{
    int master = (int)must(open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)), unlock = 0;
    char path[32];
    unsigned n;

    must(ioctl(master, TIOCSPTLCK, &unlock));
    must(ioctl(master, TIOCGPTN, &n));
    snprintf(path, sizeof(path), "/dev/pts/%u", n);
    *slave = (int)must(open(path, O_RDWR | O_NOCTTY | O_CLOEXEC));
    return master;
}

static void lead_session(void *arg)
{
    int slave, master = open_terminal(&slave);

    must(setsid());
    must(ioctl(slave, TIOCSCTTY, 0));
    must(write(master, "typed and not read\n", 19));
    must(write(slave, "written and not read\n", 21));
    if (arg == NULL)
        return;
    signal(SIGHUP, SIG_IGN);
    must(close(master)); /* hung up */
    must_fail(EIO, write(slave, "x", 1));
}

static void terminals(unsigned i)
{
    int slaves[5], masters[5];

    for (size_t t = 0; t < LENGTH(slaves); t++) {
        masters[t] = open_terminal(&slaves[t]);
        must(write(slaves[t], "some output\n", 12));
        must(write(masters[t], "some input", 10));
    }
    for (size_t t = 0; t < LENGTH(slaves); t++) {
        must(close((t + i) % 2 == 0 ? masters[t] : slaves[t]));
        must(close((t + i) % 2 == 0 ? slaves[t] : masters[t]));
    }
    wait_exited(spawn(lead_session, NULL));
    wait_exited(spawn(lead_session, "hang up"));
}

const struct area ipc_areas[] = {
    {"pipes", 50, pipes},         {"cycles", 50, cycles},       {"chains", 30, chains},
    {"listeners", 50, listeners}, {"terminals", 50, terminals}, {NULL, 0, NULL},
};
