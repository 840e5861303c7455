/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ct exec: a further process in a container. It is the child of a helper
 * (bulkhead-sup exec) that enters the container; we sit at the other ends of its
 * pipes or its terminal. It never gets a descriptor of ours: a program in the
 * container must not hold the host's terminal or files.
 */
#include "cmds.h"

#include "spec.h"

#include "../lib/io.h"
#include "../lib/paths.h"
#include "../lib/runtime.h"
#include "../lib/signame.h"
#include "../lib/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static bool interactive, tty, detach;
static const char *workdir, *user;
static struct opt_list env;

const struct opt exec_opts[] = {
    {"interactive", 'i', OPT_FLAG, &interactive, NULL, "Keep STDIN open"},
    {"tty", 't', OPT_FLAG, &tty, NULL, "Allocate a terminal"},
    {"detach", 'd', OPT_FLAG, &detach, NULL, "Run in the background"},
    {"env", 'e', OPT_LIST, &env, "list", "Set environment variables (K=V, or K)"},
    {"workdir", 'w', OPT_STRING, &workdir, "string", "Working directory"},
    {"user", 'u', OPT_STRING, &user, "string", "User (name|uid[:group|gid])"},
    {0},
};

enum { HELPER_TTY_FD = 3, HELPER_ERROR_FD, HELPER_FDS, FIRST_PRIVATE_FD = 10 };

/* Our ends. */
struct process {
    pid_t helper;
    int in, out, err; /* -1: none; with a terminal `in` and `out` are its master */
    int tty_sock, error;
    char typed[4096]; /* input that `in` has not taken yet */
    size_t typed_len, typed_done;
};

/* ---- starting -------------------------------------------------------------------------- */

static void add_number(struct record_writer *w, const char *key, long n)
{
    record_add_num(w, key, n);
}

static bool has_variable(const struct record_writer *w, const char *begin)
{
    struct record r = {.buf = w->buf, .len = w->len};

    for (const char *v = record_get(&r, "env"); v != NULL; v = record_next(&r, "env", v)) {
        if (strncmp(v, begin, strlen(begin)) == 0)
            return true;
    }
    return false;
}

/* The helper's arguments: a record, one "key=value" each. */
static char **helper_args(const struct instance *in, const struct instance_state *state,
                          const struct record *spec, char **args)
{
    struct opt_list more = env;
    struct record_writer w = {0};
    const char **base = (const char **)record_list(spec, "env");
    unsigned rows, cols;
    size_t n = 0;
    char **argv;

    if (base == NULL)
        die(125, "out of memory");
    terminal_size(&rows, &cols);
    record_add(&w, "id", in->id);
    add_number(&w, "pid", state->pid);
    add_number(&w, "sup", state->sup_pid);
    add_number(&w, "tty", tty);
    add_number(&w, "rows", rows);
    add_number(&w, "cols", cols);
    record_add(&w, "user", user != NULL ? user : record_get(spec, "user"));
    record_add(&w, "cwd", workdir != NULL ? workdir : record_get(spec, "cwd"));
    record_copy(&w, spec, "caps");
    record_copy(&w, spec, "nnp");
    spec_merge_env(&w, base, &more);
    if (tty && !has_variable(&w, "TERM="))
        record_add(&w, "env", "TERM=xterm");
    for (; *args != NULL; args++)
        record_add(&w, "arg", *args);
    if (w.failed)
        die(125, "out of memory");

    for (size_t i = 0; i < w.len; i++)
        n += w.buf[i] == '\0';
    argv = calloc(n + 3, sizeof(*argv));
    if (argv == NULL)
        die(125, "out of memory");
    argv[0] = (char *)SUPERVISOR;
    argv[1] = (char *)"exec";
    n = 2;
    for (size_t at = 0; at < w.len; at += strlen(w.buf + at) + 1)
        argv[n++] = w.buf + at;
    free(base);
    return argv;
}

static int raise_fd(int fd)
{
    int high = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_PRIVATE_FD);

    if (high < 0)
        die(125, "cannot duplicate a descriptor: %s", strerror(errno));
    close(fd);
    return high;
}

static void make_pipe(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC) < 0)
        die(125, "cannot create a pipe: %s", strerror(errno));
    ends[0] = raise_fd(ends[0]);
    ends[1] = raise_fd(ends[1]);
}

/* The containers' own: with the host's it could change the mode of that. */
static int open_null(void)
{
    int fd = open(PATH_RUN "/dev/null", O_RDWR | O_CLOEXEC);

    if (fd < 0)
        die(125, "cannot open " PATH_RUN "/dev/null: %s", strerror(errno));
    return raise_fd(fd);
}

/* The helper with these as its descriptors 0 to 4. */
static pid_t spawn(char **argv, const int fds[HELPER_FDS])
{
    static const char no_helper[] = "cannot execute the supervisor";
    const char *program = runtime_supervisor();
    char *no_env[] = {NULL};
    pid_t pid = vfork();

    if (pid != 0)
        return pid;
    for (int i = 0; i < HELPER_FDS; i++) {
        if (dup2(fds[i], i) < 0)
            _exit(125);
    }
    execve(program, argv, no_env);
    (void)!write(HELPER_ERROR_FD, no_helper, sizeof(no_helper) - 1);
    _exit(125);
}

static void start_helper(struct process *p, char **argv)
{
    int in[2], out[2], err[2], error[2], sock[2], theirs[HELPER_FDS];
    bool pipes = !tty && !detach;

    p->in = p->out = p->err = -1;
    p->typed_len = p->typed_done = 0;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock) < 0)
        die(125, "cannot create a socket pair: %s", strerror(errno));
    make_pipe(error);
    p->tty_sock = raise_fd(sock[0]);
    p->error = error[0];
    for (int i = 0; i < 3; i++)
        theirs[i] = open_null();
    theirs[HELPER_TTY_FD] = raise_fd(sock[1]);
    theirs[HELPER_ERROR_FD] = error[1];
    if (pipes && interactive) {
        make_pipe(in);
        p->in = in[1];
        theirs[0] = in[0];
    }
    if (pipes) {
        make_pipe(out);
        make_pipe(err);
        p->out = out[0];
        p->err = err[0];
        theirs[1] = out[1];
        theirs[2] = err[1];
    }
    p->helper = spawn(argv, theirs);
    if (p->helper < 0)
        die(125, "cannot create a process: %s", strerror(errno));
    for (int i = 0; i < HELPER_FDS; i++)
        close(theirs[i]);
}

/* What the helper has to say instead of running the program, if anything. Waits for that to run. */
static bool print_error(const struct process *p)
{
    char text[400];
    ssize_t n = io_read_full(p->error, text, sizeof(text) - 1);

    if (n > 0)
        warn("%.*s", (int)n, text);
    return n > 0;
}

/* For --detach: 0 as soon as the program runs, or why it does not. */
static int wait_for_start(const struct process *p)
{
    int wstatus;

    if (!print_error(p))
        return 0;
    return waitpid(p->helper, &wstatus, 0) == p->helper ? status_from_wait(wstatus) : 125;
}

static void take_terminal(struct process *p)
{
    char byte;
    int master;

    if (io_recv_fd(p->tty_sock, &byte, 1, &master) != 1 || master < 0)
        return; /* it has failed before; its message tells */
    p->in = p->out = master;
}

/* ---- copying ---------------------------------------------------------------------------- */

static volatile sig_atomic_t resized, child_changed;

static void on_signal(int sig)
{
    if (sig == SIGWINCH)
        resized = 1;
    else
        child_changed = 1;
}

static void pass_size(const struct process *p)
{
    struct winsize ws = {0};
    unsigned rows, cols;

    terminal_size(&rows, &cols);
    ws.ws_row = (unsigned short)rows;
    ws.ws_col = (unsigned short)cols;
    if (rows != 0 && cols != 0)
        (void)ioctl(p->out, TIOCSWINSZ, &ws);
    resized = 0;
}

/* False: this direction is at its end. */
static bool copy(int from, int to)
{
    char data[4096];
    ssize_t n = read(from, data, sizeof(data));

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    return n > 0 && io_write_full(to, data, (size_t)n) == 0;
}

static void close_input(struct process *p)
{
    if (p->in >= 0 && p->in != p->out)
        close(p->in);
    p->in = -1;
}

/* Nobody takes this output any more: the program must learn it. A terminal goes as a whole. */
static void close_output(struct process *p, int *fd)
{
    if (p->in == *fd)
        p->in = -1;
    close(*fd);
    *fd = -1;
}

static void take_input(struct process *p)
{
    ssize_t n = read(STDIN_FILENO, p->typed, sizeof(p->typed));

    if (n > 0) {
        p->typed_len = (size_t)n;
        p->typed_done = 0;
    } else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
        close_input(p);
    }
}

/* As much as there is room for: one that waited for more would not see what the program says. */
static void pass_input(struct process *p)
{
    ssize_t n = write(p->in, p->typed + p->typed_done, p->typed_len - p->typed_done);

    if (n >= 0)
        p->typed_done += (size_t)n;
    else if (errno != EINTR && errno != EAGAIN)
        close_input(p); /* it does not read it any more */
}

/* After its exit, what is still in a pipe; a background child may hold it open for ever. */
static void drain(int from, int to)
{
    struct pollfd set = {.fd = from, .events = POLLIN};

    while (from >= 0 && poll(&set, 1, 0) > 0 && (set.revents & POLLIN) && copy(from, to))
        ;
}

static int shuttle(struct process *p, const sigset_t *open_mask)
{
    int wstatus = 0;

    for (;;) {
        bool waiting = p->typed_done < p->typed_len;
        struct pollfd set[] = {
            {.fd = p->out, .events = POLLIN},
            {.fd = p->err, .events = POLLIN},
            {.fd = interactive && p->in >= 0 && !waiting ? STDIN_FILENO : -1, .events = POLLIN},
            {.fd = waiting ? p->in : -1, .events = POLLOUT},
        };

        if (child_changed && waitpid(p->helper, &wstatus, WNOHANG) == p->helper)
            break;
        child_changed = 0;
        if (resized && tty)
            pass_size(p);
        if (ppoll(set, sizeof(set) / sizeof(set[0]), NULL, open_mask) < 0)
            continue;
        if (set[0].revents != 0 && !copy(p->out, STDOUT_FILENO))
            close_output(p, &p->out);
        if (set[1].revents != 0 && !copy(p->err, STDERR_FILENO))
            close_output(p, &p->err);
        if (set[2].revents != 0 && p->in >= 0)
            take_input(p);
        if (set[3].revents != 0 && p->in >= 0)
            pass_input(p);
    }
    drain(p->out, STDOUT_FILENO);
    drain(p->err, STDERR_FILENO);
    return status_from_wait(wstatus);
}

static void watch_signals(sigset_t *open_mask)
{
    struct sigaction act = {.sa_handler = on_signal};
    sigset_t block;

    sigemptyset(&block);
    sigaddset(&block, SIGCHLD);
    sigaddset(&block, SIGWINCH);
    sigprocmask(SIG_BLOCK, &block, open_mask);
    sigdelset(open_mask, SIGCHLD); /* whatever our caller has blocked */
    sigdelset(open_mask, SIGWINCH);
    sigaction(SIGCHLD, &act, NULL);
    sigaction(SIGWINCH, &act, NULL);
    signal(SIGPIPE, SIG_IGN); /* of its input: it need not read it */
    child_changed = 1;
}

int cmd_exec(int argc, char **argv)
{
    struct instance_state state;
    struct process p;
    struct instance in;
    struct record spec;
    sigset_t open_mask;
    struct err e;
    int status;

    (void)argc;
    if (tty && interactive && !isatty(STDIN_FILENO))
        die(1, "the input device is not a terminal: leave out -t");
    if (workdir != NULL && *workdir != '/')
        die(125, "the working directory '%s' is invalid, it needs to be an absolute path", workdir);
    if (instance_find(&in, "ct", argv[0], &e) < 0)
        die_err(&e);
    if (instance_read_state(&in, &state) < 0 || state.status != STATUS_RUNNING ||
        record_load(&spec, in.dir, "spec") < 0)
        die(1, "container %s is not running", argv[0]);
    tty = tty && !detach;
    watch_signals(&open_mask); /* before there is a child: with SIGCHLD ignored it has no status */
    start_helper(&p, helper_args(&in, &state, &spec, argv + 1));
    if (detach)
        return wait_for_start(&p);
    if (tty)
        take_terminal(&p);
    if (tty && interactive)
        terminal_raw();
    if (p.in >= 0)
        (void)fcntl(p.in, F_SETFL, O_NONBLOCK); /* ours alone: its other end is another file */
    status = shuttle(&p, &open_mask);
    terminal_restore();
    (void)print_error(&p);
    return status;
}
