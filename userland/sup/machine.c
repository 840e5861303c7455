/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starting a virtual machine: the monitor, /bin/vmm, as an ordinary child. Its
 * console is the slave of a terminal we own, the guest kernel's log a pipe; how
 * the guest ended comes as one line on the status pipe:
 *
 *   exited N | poweroff | crashed REASON
 */
#include "sup.h"

#include "../lib/cgroup.h"
#include "../lib/io.h"
#include "../lib/signame.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* The numbers the monitor's descriptors get. */
enum { CONSOLE_FD = 10, LOG_FD, STATUS_FD, CONTROL_FD, EXEC_FD };

enum { ARGS_MAX = 512 };

struct machine_fds {
    int slave, log[2], status[2], control[2], exec[2];
};

static int open_console(struct sup *s, struct machine_fds *f, struct err *e)
{
    struct winsize ws = {.ws_row = s->size.rows, .ws_col = s->size.cols};
    struct termios t;
    int unlock = 0;
    char path[32];
    unsigned n;

    s->pty = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (s->pty < 0 || ioctl(s->pty, TIOCSPTLCK, &unlock) < 0 || ioctl(s->pty, TIOCGPTN, &n) < 0)
        return err_sys(e, 125, "cannot open a terminal for the console");
    snprintf(path, sizeof(path), "/dev/pts/%u", n);
    f->slave = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (f->slave < 0)
        return err_sys(e, 125, "cannot open %s", path);
    /* A serial line, not a terminal of ours: echo and line editing are the guest's business. */
    if (tcgetattr(f->slave, &t) == 0) {
        cfmakeraw(&t);
        (void)tcsetattr(f->slave, TCSANOW, &t);
    }
    if (ws.ws_row != 0 && ws.ws_col != 0)
        (void)ioctl(s->pty, TIOCSWINSZ, &ws);
    return 0;
}

static void put_fd(int from, int to)
{
    if (dup2(from, to) < 0)
        _exit(125);
}

static char **monitor_args(const struct sup *s)
{
    static const char *const passed[][2] = {
        {"name", "--name"},     {"memory_mib", "--memory"}, {"kernel", "--kernel"},
        {"initrd", "--initrd"}, {"append", "--append"},     {"uid", "--uid"},
    };
    static char *argv[ARGS_MAX];
    size_t n = 0;

    argv[n++] = (char *)"vmm";
    for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++) {
        const char *value = record_get(&s->spec, passed[i][0]);

        if (value == NULL)
            continue;
        argv[n++] = (char *)passed[i][1];
        argv[n++] = (char *)value;
    }
    argv[n++] = (char *)"--console-fd=10";
    argv[n++] = (char *)"--log-fd=11";
    argv[n++] = (char *)"--status-fd=12";
    argv[n++] = (char *)"--control-fd=13";
    if (record_flag(&s->spec, "no_reboot"))
        argv[n++] = (char *)"--no-reboot";
    if (record_get(&s->spec, "arg") != NULL)
        argv[n++] = (char *)"--";
    for (const char *a = record_get(&s->spec, "arg"); a != NULL && n < ARGS_MAX - 1;
         a = record_next(&s->spec, "arg", a))
        argv[n++] = (char *)a;
    argv[n] = NULL;
    return argv;
}

static void run_monitor(const struct sup *s, const struct machine_fds *f, int cgroup_fd)
{
    static char *const env[] = {(char *)"PATH=/bin:/usr/bin", NULL};
    const char *vmm = record_get(&s->spec, "vmm");
    char **argv = monitor_args(s);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int err;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (cgroup_fd >= 0)
        (void)!write(cgroup_fd, "0", 1);
    put_fd(null, 0);
    put_fd(f->log[1], 1); /* what the monitor has to say belongs into the VM's log */
    put_fd(f->log[1], 2);
    put_fd(f->slave, CONSOLE_FD);
    put_fd(f->log[1], LOG_FD);
    put_fd(f->status[1], STATUS_FD);
    put_fd(f->control[1], CONTROL_FD);
    put_fd(f->exec[1], EXEC_FD);
    (void)fcntl(EXEC_FD, F_SETFD, FD_CLOEXEC);
    signal(SIGPIPE, SIG_DFL);
    execve(vmm == NULL ? "/bin/vmm" : vmm, argv, env);
    err = errno;
    (void)!write(EXEC_FD, &err, sizeof(err));
    _exit(127);
}

/* The lowest free descriptors must not collide with the fixed numbers above. */
static int raise_fd(int *fd)
{
    int high = fcntl(*fd, F_DUPFD_CLOEXEC, 32);

    if (high < 0)
        return -1;
    close(*fd);
    *fd = high;
    return 0;
}

static int open_channels(struct machine_fds *f, struct err *e)
{
    if (pipe2(f->log, O_CLOEXEC) < 0 || pipe2(f->status, O_CLOEXEC) < 0 ||
        pipe2(f->exec, O_CLOEXEC) < 0 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, f->control) < 0)
        return err_sys(e, 125, "cannot create the monitor's channels");
    if (raise_fd(&f->slave) < 0 || raise_fd(&f->log[1]) < 0 || raise_fd(&f->status[1]) < 0 ||
        raise_fd(&f->control[1]) < 0 || raise_fd(&f->exec[1]) < 0)
        return err_sys(e, 125, "cannot create the monitor's channels");
    return 0;
}

int machine_start(struct sup *s, struct err *e)
{
    struct machine_fds f;
    int cgroup_fd, exec_errno;

    if (open_console(s, &f, e) < 0 || open_channels(&f, e) < 0)
        return -1;
    cgroup_fd = cgroup_open_run(s->in.kind, s->in.id);
    s->pid = fork();
    if (s->pid < 0)
        return err_sys(e, 125, "cannot create a process");
    if (s->pid == 0)
        run_monitor(s, &f, cgroup_fd);
    /* The slave stays open: without one, reading the master fails with EIO. */
    close(f.log[1]);
    close(f.status[1]);
    close(f.control[1]);
    close(f.exec[1]);
    if (cgroup_fd >= 0)
        close(cgroup_fd);
    if (io_read_full(f.exec[0], &exec_errno, sizeof(exec_errno)) == (ssize_t)sizeof(exec_errno)) {
        (void)waitpid(s->pid, NULL, 0);
        errno = exec_errno;
        return err_sys(e, 125, "cannot execute the monitor /bin/vmm");
    }
    close(f.exec[0]);

    s->stdin_fd = s->pty;
    s->out_fd[0] = s->pty;
    s->out_stream[0] = STREAM_STDOUT;
    s->out_fd[1] = f.log[0];
    s->out_stream[1] = STREAM_KERNEL;
    s->status_fd = f.status[0];
    s->control_fd = f.control[0];
    (void)fcntl(s->pty, F_SETFL, O_NONBLOCK);
    (void)fcntl(f.log[0], F_SETFL, O_NONBLOCK);
    (void)fcntl(f.status[0], F_SETFL, O_NONBLOCK);
    return 0;
}

void machine_read_status(struct sup *s)
{
    size_t len = strlen(s->status_line);
    ssize_t n;

    n = read(s->status_fd, s->status_line + len, sizeof(s->status_line) - 1 - len);
    if (n > 0)
        s->status_line[len + (size_t)n] = '\0';
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR) ||
        len == sizeof(s->status_line) - 1) {
        close(s->status_fd);
        s->status_fd = -1;
    }
}

void machine_judge(struct sup *s, int wstatus)
{
    struct instance_state *st = &s->state;

    if (s->status_fd >= 0)
        machine_read_status(s);
    s->status_line[strcspn(s->status_line, "\n")] = '\0';
    if (strncmp(s->status_line, "exited ", 7) == 0) {
        st->exit_status = atoi(s->status_line + 7) & 0xff;
    } else if (strcmp(s->status_line, "poweroff") == 0) {
        st->exit_status = 0;
    } else if (strncmp(s->status_line, "crashed", 7) == 0) {
        st->status = STATUS_CRASHED;
        st->exit_status = 125;
        snprintf(st->reason, sizeof(st->reason), "%s",
                 s->status_line + 7 + (s->status_line[7] == ' '));
    } else if (WIFSIGNALED(wstatus) && WTERMSIG(wstatus) == SIGKILL) {
        st->status = STATUS_KILLED;
    } else if (WIFSIGNALED(wstatus) || WEXITSTATUS(wstatus) != 0) {
        st->status = STATUS_CRASHED;
        snprintf(st->reason, sizeof(st->reason), "its monitor ended with status %d",
                 status_from_wait(wstatus));
    }
}
