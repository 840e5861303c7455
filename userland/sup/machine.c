/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starting a virtual machine: the monitor, /bin/vmm, as the first process of a pid
 * namespace. Its console is the slave of a terminal we own, the guest kernel's log
 * a pipe; what becomes of the guest comes as lines on the status pipe, of which
 * the last one counts (userland/vmm/README.md has them all).
 */
#include "sup.h"

#include "../lib/cgroup.h"
#include "../lib/io.h"
#include "../lib/signame.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* The numbers the monitor's descriptors get. */
enum { CONSOLE_FD = 10, LOG_FD, STATUS_FD, CONTROL_FD, FIRST_FREE_FD = 32 };

struct machine_fds {
    int slave, log[2], status[2], control[2];
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
    enum { OWN_ARGS = 5, FLAGS = 2 };
    size_t n = 0, passed_max = sizeof(passed) / sizeof(passed[0]);
    size_t max = OWN_ARGS + 2 * passed_max + FLAGS + record_count(&s->spec, "arg") + 1;
    char **argv = calloc(max, sizeof(*argv));

    if (argv == NULL)
        return NULL;
    argv[n++] = (char *)"vmm";
    /* The descriptors first: with them it can say what is wrong with the rest. */
    argv[n++] = (char *)"--status-fd=12";
    argv[n++] = (char *)"--console-fd=10";
    argv[n++] = (char *)"--log-fd=11";
    argv[n++] = (char *)"--control-fd=13";
    for (size_t i = 0; i < passed_max; i++) {
        const char *value = record_get(&s->spec, passed[i][0]);

        if (value == NULL)
            continue;
        argv[n++] = (char *)passed[i][1];
        argv[n++] = (char *)value;
    }
    if (record_flag(&s->spec, "no_reboot"))
        argv[n++] = (char *)"--no-reboot";
    if (record_get(&s->spec, "arg") != NULL)
        argv[n++] = (char *)"--";
    for (const char *a = record_get(&s->spec, "arg"); a != NULL;
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
    process_reset_signals();
    if (argv == NULL) {
        (void)dprintf(STATUS_FD, "failed cannot start the monitor: out of memory\n");
        _exit(127);
    }
    execve(vmm == NULL ? "/bin/vmm" : vmm, argv, env);
    (void)dprintf(STATUS_FD, "failed cannot execute the monitor /bin/vmm: %s\n", strerror(errno));
    _exit(127);
}

/* The lowest free descriptors must not collide with the fixed numbers above. */
static int raise_fd(int *fd)
{
    int high = fcntl(*fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);

    if (high < 0)
        return -1;
    close(*fd);
    *fd = high;
    return 0;
}

static int open_channels(struct machine_fds *f, struct err *e)
{
    if (pipe2(f->log, O_CLOEXEC) < 0 || pipe2(f->status, O_CLOEXEC) < 0 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, f->control) < 0)
        return err_sys(e, 125, "cannot create the monitor's channels");
    if (raise_fd(&f->slave) < 0 || raise_fd(&f->log[1]) < 0 || raise_fd(&f->status[1]) < 0 ||
        raise_fd(&f->control[1]) < 0)
        return err_sys(e, 125, "cannot create the monitor's channels");
    return 0;
}

/* False: there is no more, for now or at all (then *end). */
static bool read_line(struct sup *s, bool *end)
{
    ssize_t n;
    char byte;

    /* A byte at a time: there are a few dozen in the life of a VM. */
    while ((n = read(s->status_fd, &byte, 1)) == 1) {
        if (byte != '\n') {
            if (s->status_len < sizeof(s->status_next) - 1)
                s->status_next[s->status_len++] = byte;
            continue;
        }
        s->status_next[s->status_len] = '\0';
        memcpy(s->status_line, s->status_next, s->status_len + 1);
        s->status_len = 0;
        return true;
    }
    *end = n == 0 || (errno != EAGAIN && errno != EINTR);
    return false;
}

void machine_read_status(struct sup *s)
{
    bool end = false;

    while (read_line(s, &end))
        ;
    if (end) {
        close(s->status_fd);
        s->status_fd = -1;
    }
}

/* The monitor says `started`, or why not. */
static int wait_for_start(struct sup *s, struct err *e)
{
    bool end = false;
    int wstatus = 0;

    while (!end) {
        if (!read_line(s, &end) && !end)
            continue;
        if (strcmp(s->status_line, "started") == 0)
            return 0;
        if (!end && strncmp(s->status_line, "failed ", 7) != 0)
            continue;
        (void)waitpid(s->pid, &wstatus, 0);
        if (end)
            return err_set(e, 125, "the monitor ended at once, with status %d",
                           status_from_wait(wstatus));
        return err_set(e, 125, "%s", s->status_line + 7);
    }
    return -1;
}

int machine_start(struct sup *s, struct err *e)
{
    struct machine_fds f;
    int cgroup_fd;

    if (open_console(s, &f, e) < 0 || open_channels(&f, e) < 0)
        return -1;
    cgroup_fd = cgroup_open_run(s->in.kind, s->in.id);
    s->pid = (int)syscall(SYS_clone, (unsigned long)(CLONE_NEWPID | SIGCHLD), 0L, 0L, 0L, 0L);
    if (s->pid < 0)
        return err_sys(e, 125, "cannot create a process in a pid namespace");
    if (s->pid == 0)
        run_monitor(s, &f, cgroup_fd);
    /* The slave stays open: without one, reading the master fails with EIO. */
    close(f.log[1]);
    close(f.status[1]);
    close(f.control[1]);
    if (cgroup_fd >= 0)
        close(cgroup_fd);
    s->status_fd = f.status[0];
    if (wait_for_start(s, e) < 0)
        return -1;

    s->stdin_fd = s->pty;
    s->out_fd[0] = s->pty;
    s->out_stream[0] = STREAM_STDOUT;
    s->out_fd[1] = f.log[0];
    s->out_stream[1] = STREAM_KERNEL;
    s->control_fd = f.control[0];
    (void)fcntl(s->pty, F_SETFL, O_NONBLOCK);
    (void)fcntl(f.log[0], F_SETFL, O_NONBLOCK);
    (void)fcntl(f.status[0], F_SETFL, O_NONBLOCK);
    return 0;
}

/* "crashed it did this" -> "it did this" */
static void set_reason(struct instance_state *st, const char *line)
{
    const char *space = strchr(line, ' ');

    snprintf(st->reason, sizeof(st->reason), "%.190s", space == NULL ? "" : space + 1);
}

void machine_judge(struct sup *s, int wstatus)
{
    struct instance_state *st = &s->state;
    const char *line = s->status_line;

    if (s->status_fd >= 0)
        machine_read_status(s);
    if (strncmp(line, "exited ", 7) == 0) {
        st->exit_status = atoi(line + 7) & 0xff;
    } else if (strcmp(line, "poweroff") == 0 || strcmp(line, "reboot") == 0) {
        st->exit_status = 0;
    } else if (strncmp(line, "crashed", 7) == 0) {
        st->status = STATUS_CRASHED;
        set_reason(st, line);
    } else if (strncmp(line, "stopped", 7) == 0 || WIFSIGNALED(wstatus)) {
        st->status = STATUS_KILLED;
        set_reason(st, line[0] == 's' && line[3] == 'p' ? line : "");
    } else {
        st->status = STATUS_CRASHED;
        snprintf(st->reason, sizeof(st->reason), "its monitor ended with status %d",
                 status_from_wait(wstatus));
    }
}
