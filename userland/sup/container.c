/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starting a container. What isolates it, in the order it happens in the child:
 *
 *   cgroup        it joins ID/run first, so that all it makes from here on is charged there
 *   namespaces    pid, mount, uts, ipc by clone; cgroup by unshare
 *   root          rootfs.c: an overlay of the image's layers, pivot_root, old root detached
 *   capabilities  process.c: Docker's set by default; the rest leaves the bounding set too
 *
 * The child reports on a socket: its terminal, if it has one, or why it failed.
 * execve() closes the socket, and that is the news of success.
 */
#include "sup.h"

#include "../lib/cgroup.h"
#include "../lib/io.h"
#include "../lib/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum report_kind { REPORT_MASTER, REPORT_SLAVE, REPORT_FAILED };

struct report {
    enum report_kind kind;
    struct err err;
};

struct pipes {
    int in[2], out[2], err[2];
};

static void send_report(int sock, enum report_kind kind, int fd, const struct err *e)
{
    struct report r;

    memset(&r, 0, sizeof(r));
    r.kind = kind;
    if (e != NULL)
        r.err = *e;
    (void)io_send_fd(sock, &r, sizeof(r), fd); /* the supervisor is gone: so are we */
}

static int set_up_tty(struct sup *s, int sock, int stdio[3], struct err *e)
{
    struct tty_pair tty;

    if (rootfs_open_tty(&tty, &s->size, e) < 0 || rootfs_bind_console(&tty, e) < 0)
        return -1;
    send_report(sock, REPORT_MASTER, tty.master, NULL);
    send_report(sock, REPORT_SLAVE, tty.slave, NULL);
    close(tty.master);
    stdio[0] = stdio[1] = stdio[2] = tty.slave;
    return 0;
}

static int child_set_up(struct sup *s, int sock, int cgroup_fd, const struct pipes *p,
                        struct err *e)
{
    int stdio[3] = {p->in[0], p->out[1], p->err[1]};
    const char *host = record_get(&s->spec, "hostname");

    instance_close(&s->in); /* the instance's directory and its launcher are the host's */
    close(SUP_LAUNCH_FD);
    umask(0); /* until exec: modes below are meant as they are written */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* no supervisor, no container */
    if (cgroup_fd >= 0 && write(cgroup_fd, "0", 1) < 0)
        return err_sys(e, 125, "cannot join the container's control group");
    (void)unshare(CLONE_NEWCGROUP); /* without it, /proc/self/cgroup shows the ID */
    (void)setsid();
    if (host != NULL && sethostname(host, strlen(host)) < 0)
        return err_sys(e, 125, "cannot set the host name \"%s\"", host);
    if (rootfs_enter(&s->spec, e) < 0)
        return -1;
    if (record_flag(&s->spec, "tty") && set_up_tty(s, sock, stdio, e) < 0)
        return -1;
    return process_exec(&s->spec, stdio, e);
}

static int make_pipes(struct sup *s, struct pipes *p, struct err *e)
{
    memset(p, 0xff, sizeof(*p));
    if (record_flag(&s->spec, "tty"))
        return 0;
    if (pipe2(p->out, O_CLOEXEC) < 0 || pipe2(p->err, O_CLOEXEC) < 0)
        return err_sys(e, 125, "cannot create a pipe");
    if (!record_flag(&s->spec, "stdin")) {
        p->in[0] = open(PATH_RUN "/dev/null", O_RDONLY | O_CLOEXEC); /* never the host's node */
        return p->in[0] < 0 ? err_sys(e, 125, "cannot open " PATH_RUN "/dev/null") : 0;
    }
    if (pipe2(p->in, O_CLOEXEC) < 0)
        return err_sys(e, 125, "cannot create a pipe");
    return 0;
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

static void use_pipes(struct sup *s, const struct pipes *p)
{
    close_fd(p->in[0]);
    close_fd(p->out[1]);
    close_fd(p->err[1]);
    s->stdin_fd = p->in[1];
    s->out_fd[0] = p->out[0];
    s->out_fd[1] = p->err[0];
}

static void use_terminal(struct sup *s, int master)
{
    s->pty = s->stdin_fd = s->out_fd[0] = master;
}

/* Waits for the child's execve(), or for what it says instead. */
static int wait_for_exec(struct sup *s, int sock, struct err *e)
{
    struct report r;
    ssize_t n;
    int fd;

    while ((n = io_recv_fd(sock, &r, sizeof(r), &fd)) == (ssize_t)sizeof(r)) {
        if (r.kind == REPORT_MASTER)
            use_terminal(s, fd);
        /* The slave is only kept open: without one, reading the master fails with EIO. */
        if (r.kind != REPORT_FAILED)
            continue;
        *e = r.err;
        (void)waitpid(s->pid, NULL, 0);
        return -1;
    }
    if (n != 0) {
        (void)kill(s->pid, SIGKILL);
        (void)waitpid(s->pid, NULL, 0);
        return err_set(e, 125, "the container's set-up broke off");
    }
    return 0;
}

static void set_nonblocking(int fd)
{
    if (fd >= 0)
        (void)fcntl(fd, F_SETFL, O_NONBLOCK);
}

int container_start(struct sup *s, struct err *e)
{
    const unsigned long flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | SIGCHLD;
    struct pipes p;
    int sock[2], cgroup_fd, err;

    if (make_pipes(s, &p, e) < 0)
        return -1; /* the supervisor ends: it needs no unwinding */
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock) < 0)
        return err_sys(e, 125, "cannot create a socket pair");
    cgroup_fd = cgroup_open_run(s->in.kind, s->in.id);

    s->pid = (int)syscall(SYS_clone, flags, 0L, 0L, 0L, 0L);
    if (s->pid < 0)
        return err_sys(e, 125, "cannot create the container's namespaces");
    if (s->pid == 0) {
        close(sock[0]);
        if (child_set_up(s, sock[1], cgroup_fd, &p, e) < 0)
            send_report(sock[1], REPORT_FAILED, -1, e);
        _exit(e->status);
    }
    close(sock[1]);
    close_fd(cgroup_fd);
    use_pipes(s, &p);
    err = wait_for_exec(s, sock[0], e);
    close(sock[0]);
    if (err < 0)
        return -1;

    set_nonblocking(s->stdin_fd);
    for (int i = 0; i < 2; i++) {
        s->out_stream[i] = (uint8_t)(STREAM_STDOUT + i);
        set_nonblocking(s->out_fd[i]);
    }
    return 0;
}
