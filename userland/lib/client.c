/* SPDX-License-Identifier: BSD-2-Clause */
/* Clients of a supervisor: launch, attach, ask, wait. */
#include "client.h"

#include "paths.h"
#include "proto.h"
#include "runtime.h"
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SUP_DIR_FD = 3, SUP_SOCK_FD = 4, INTERRUPTS_TO_LEAVE = 3 };

static pid_t launched;

/* ---- launching ----------------------------------------------------------------- */

static int start_supervisor(struct instance *in, int sock, unsigned flags, struct err *e)
{
    char rows_text[12], cols_text[12], flags_text[12];
    char *argv[] = {(char *)SUPERVISOR, (char *)in->kind, in->id, rows_text,
                    cols_text,          flags_text,       NULL};
    char *env[] = {NULL};
    int dir = fcntl(in->dir, F_DUPFD_CLOEXEC, 10), end = fcntl(sock, F_DUPFD_CLOEXEC, 10);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    const char *program = runtime_supervisor();
    unsigned rows, cols;

    if (dir < 0 || end < 0 || null < 0)
        return err_sys(e, 125, "cannot start the supervisor");
    terminal_size(&rows, &cols);
    snprintf(rows_text, sizeof(rows_text), "%u", rows);
    snprintf(cols_text, sizeof(cols_text), "%u", cols);
    snprintf(flags_text, sizeof(flags_text), "%u", flags);
    launched = vfork();
    if (launched == 0) {
        if (dup2(null, 0) >= 0 && dup2(null, 1) >= 0 && dup2(null, 2) >= 0 &&
            dup2(dir, SUP_DIR_FD) >= 0 && dup2(end, SUP_SOCK_FD) >= 0)
            execve(program, argv, env);
        _exit(127);
    }
    close(dir);
    close(end);
    close(null);
    if (launched < 0)
        return err_sys(e, 125, "cannot start the supervisor");
    return 0;
}

int client_launch(struct instance *in, unsigned attach_flags, struct err *e)
{
    struct frame f;
    int sock[2], err;

    if (runtime_prepare(e) < 0)
        return -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock) < 0)
        return err_sys(e, 125, "cannot create a socket pair");
    err = start_supervisor(in, sock[1], attach_flags, e);
    close(sock[1]);
    if (err < 0) {
        close(sock[0]);
        return -1;
    }
    instance_close(in); /* the supervisor has it, and the lock */

    err = proto_recv(sock[0], &f);
    if (err == 0 && f.type == MSG_STARTED)
        return sock[0];
    if (err == 0 && f.type == MSG_FAILED)
        err_set(e, f.arg, "%.*s", (int)f.len, (char *)f.data);
    else
        err_set(e, 125, "the supervisor (%s) ended at once", runtime_supervisor());
    close(sock[0]);
    client_reap();
    return -1;
}

static void ignore(int sig)
{
    (void)sig;
}

void client_reap(void)
{
    struct sigaction act = {.sa_handler = ignore};

    if (launched <= 0)
        return;
    /* It lingers only for other clients that do not read; those are not ours to wait for. */
    sigaction(SIGALRM, &act, NULL);
    alarm(1);
    (void)waitpid(launched, NULL, 0);
    alarm(0);
    launched = 0;
}

/* ---- attaching ----------------------------------------------------------------- */

struct chunk {
    struct chunk *next;
    uint8_t stream;
    uint16_t len;
    char data[];
};

struct session {
    int sock;
    const struct client_io *io;
    bool input_open;
    int interrupts;
    struct detach_keys keys;
    bool holding; /* collecting what there was, for --tail */
    struct chunk *first, **end;
    size_t out_len, out_done; /* what the socket has not taken yet */
    uint8_t out[2 * (PROTO_HEADER + PROTO_DATA_MAX)];
};

static volatile sig_atomic_t resized, ending, to_pass;

static void on_signal(int sig)
{
    if (sig == SIGWINCH)
        resized = 1;
    else if (sig == SIGTERM || sig == SIGHUP)
        ending = sig;
    else
        to_pass = sig;
}

static void catch_signals(const struct client_io *io, sigset_t *open_mask)
{
    static const int always[] = {SIGWINCH, SIGTERM, SIGHUP};
    static const int passed[] = {SIGINT, SIGQUIT, SIGUSR1, SIGUSR2};
    struct sigaction act = {.sa_handler = on_signal};
    sigset_t block;

    sigemptyset(&block);
    for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++) {
        sigaddset(&block, always[i]);
        sigaction(always[i], &act, NULL);
    }
    for (size_t i = 0; io->signals && i < sizeof(passed) / sizeof(passed[0]); i++) {
        sigaddset(&block, passed[i]);
        sigaction(passed[i], &act, NULL);
    }
    sigprocmask(SIG_BLOCK, &block, open_mask); /* delivered in ppoll() only */
}

static void put_frame(struct session *s, uint8_t type, uint8_t arg, const void *data, size_t len)
{
    uint8_t header[PROTO_HEADER] = {type, arg, (uint8_t)len, (uint8_t)(len >> 8)};

    if (s->out_done == s->out_len)
        s->out_done = s->out_len = 0;
    if (sizeof(s->out) - s->out_len < PROTO_HEADER + len)
        return; /* only sizes and signals can find it full: a later one will do */
    memcpy(s->out + s->out_len, header, sizeof(header));
    if (len > 0)
        memcpy(s->out + s->out_len + sizeof(header), data, len);
    s->out_len += sizeof(header) + len;
}

static void put_size(struct session *s)
{
    struct proto_winsize size;
    unsigned rows, cols;

    terminal_size(&rows, &cols);
    if (rows == 0 || cols == 0)
        return;
    size.rows = (uint16_t)rows;
    size.cols = (uint16_t)cols;
    put_frame(s, MSG_WINSIZE, 0, &size, sizeof(size));
}

/* False: detach. */
static bool take_input(struct session *s)
{
    unsigned char typed[PROTO_DATA_MAX - 1], passed[PROTO_DATA_MAX];
    ssize_t n = read(STDIN_FILENO, typed, sizeof(typed));
    long len = n;

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    if (n <= 0) {
        s->input_open = false;
        put_frame(s, MSG_STDIN_EOF, 0, NULL, 0);
        return true;
    }
    if (s->io->tty)
        len = detach_filter(&s->keys, typed, (size_t)n, passed);
    else
        memcpy(passed, typed, (size_t)n);
    if (len > 0)
        put_frame(s, MSG_STDIN, 0, passed, (size_t)len);
    return len >= 0;
}

static void show(uint8_t stream, const char *data, size_t len)
{
    int fd = stream == STREAM_STDERR ? STDERR_FILENO : STDOUT_FILENO;

    while (len > 0) {
        ssize_t n = write(fd, data, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* a full disk at our end is no business of the instance */
        data += n;
        len -= (size_t)n;
    }
}

static void hold(struct session *s, const struct frame *f)
{
    struct chunk *c = malloc(sizeof(*c) + f->len);

    if (c == NULL)
        return;
    c->next = NULL;
    c->stream = f->arg;
    c->len = f->len;
    memcpy(c->data, f->data, f->len);
    *s->end = c;
    s->end = &c->next;
}

/* Shows the last `tail` lines of what was held, and no more is. */
static void release(struct session *s)
{
    long lines = 0, skip;
    bool open_line = false;

    for (struct chunk *c = s->first; c != NULL; c = c->next) {
        for (size_t i = 0; i < c->len; i++) {
            open_line = c->data[i] != '\n';
            lines += !open_line;
        }
    }
    skip = lines + open_line - s->io->tail;
    for (struct chunk *c = s->first, *next; c != NULL; c = next) {
        size_t from = 0;

        while (skip > 0 && from < c->len)
            skip -= c->data[from++] == '\n';
        show(c->stream, c->data + from, c->len - from);
        next = c->next;
        free(c);
    }
    s->holding = false;
    s->first = NULL;
}

/* Sends what waits, as far as it goes. False: the other side is gone. */
static bool flush_out(struct session *s)
{
    while (s->out_done < s->out_len) {
        ssize_t n = send(s->sock, s->out + s->out_done, s->out_len - s->out_done,
                         MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN;
        s->out_done += (size_t)n;
    }
    return true;
}

enum { GO_ON = -100 };

/* One message; GO_ON, or what client_attach() returns. */
static int take_message(struct session *s)
{
    struct frame f;
    int err = proto_recv(s->sock, &f);

    if (err < 0) {
        if (s->holding)
            release(s);
        return CLIENT_LOST;
    }
    switch (f.type) {
    case MSG_OUTPUT:
        if ((f.arg == STREAM_KERNEL) != s->io->kernel_log)
            return GO_ON; /* not what was asked for: it counts as no line of the tail either */
        if (s->holding)
            hold(s, &f);
        else
            show(f.arg, (char *)f.data, f.len);
        return GO_ON;
    case MSG_LIVE:
        if (s->holding)
            release(s);
        return GO_ON;
    case MSG_EXIT:
        return f.arg;
    case MSG_FAILED:
        return CLIENT_REFUSED;
    default:
        return GO_ON;
    }
}

/* GO_ON, or what client_attach() returns. */
static int take_signals(struct session *s)
{
    if (ending != 0) {
        int sig = ending;

        terminal_restore();
        signal(sig, SIG_DFL);
        raise(sig); /* we end; the instance does not */
    }
    if (resized && s->io->tty)
        put_size(s);
    resized = 0;
    if (to_pass != 0) {
        if (to_pass == SIGINT && ++s->interrupts >= INTERRUPTS_TO_LEAVE) {
            fprintf(stderr, "\n%s: interrupted three times: leaving; it goes on running\n",
                    err_program);
            return CLIENT_DETACHED;
        }
        put_frame(s, MSG_SIGNAL, (uint8_t)to_pass, NULL, 0);
        to_pass = 0;
    }
    return GO_ON;
}

static int run_session(struct session *s, const sigset_t *open_mask)
{
    for (;;) {
        bool waiting = s->out_len > s->out_done;
        struct pollfd set[2] = {
            {.fd = s->sock, .events = (short)(POLLIN | (waiting ? POLLOUT : 0))},
            {.fd = s->input_open && !waiting ? STDIN_FILENO : -1, .events = POLLIN},
        };
        int result;

        if (ppoll(set, 2, NULL, open_mask) < 0)
            set[0].revents = set[1].revents = 0;
        result = take_signals(s);
        if (result == GO_ON && (set[0].revents & (POLLIN | POLLHUP | POLLERR)))
            result = take_message(s);
        if (result != GO_ON)
            return result;
        if (set[1].revents != 0 && !take_input(s))
            return CLIENT_DETACHED;
        if (!flush_out(s))
            s->out_len = s->out_done = 0; /* the messages on the way are still read */
    }
}

int client_attach(int sock, const struct client_io *io)
{
    static struct session s;
    sigset_t open_mask;
    int result;

    memset(&s, 0, offsetof(struct session, out));
    s.sock = sock;
    s.io = io;
    s.input_open = io->input;
    s.holding = io->tail >= 0;
    s.end = &s.first;
    catch_signals(io, &open_mask);
    if (io->tty && io->input)
        terminal_raw();
    if (io->tty)
        put_size(&s);
    result = run_session(&s, &open_mask);
    terminal_restore();
    sigprocmask(SIG_SETMASK, &open_mask, NULL);
    close(sock);
    return result;
}

/* ---- asking and waiting --------------------------------------------------------- */

int client_request(const struct instance *in, uint8_t type, uint8_t arg)
{
    int sock = instance_connect(in);
    struct frame f;
    int err;

    if (sock < 0)
        return sock;
    err = proto_send(sock, type, arg, NULL, 0);
    while (err == 0) {
        err = proto_recv(sock, &f);
        if (err == 0 && f.type == MSG_REPLY) {
            err = -f.arg;
            break;
        }
    }
    close(sock);
    return err;
}

static int64_t now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* True when the supervisor is gone, or has said that it is over, with *status. */
static bool wait_on_socket(int sock, int timeout_ms, int *status)
{
    int64_t deadline = now_ms() + timeout_ms;
    struct frame f;

    for (;;) {
        struct pollfd set = {.fd = sock, .events = POLLIN};
        int64_t left = timeout_ms < 0 ? -1 : deadline - now_ms();

        if (timeout_ms >= 0 && left < 0)
            left = 0;
        if (poll(&set, 1, (int)left) == 0)
            return false;
        if (set.revents == 0)
            continue;
        if (proto_recv(sock, &f) < 0)
            return true;
        if (f.type == MSG_EXIT) {
            *status = f.arg;
            return true;
        }
    }
}

int client_wait(struct instance *in, int timeout_ms)
{
    const struct timespec pause = {.tv_nsec = 5 * 1000 * 1000};
    int64_t deadline = now_ms() + timeout_ms;
    struct instance_state state;

    for (;;) {
        int64_t left = timeout_ms < 0 ? -1 : deadline - now_ms();
        int sock = instance_connect(in), status = -ENOENT;

        if (sock >= 0) {
            bool over = proto_send(sock, MSG_ATTACH, ATTACH_FOLLOW, NULL, 0) < 0 ||
                        wait_on_socket(sock, left < 0 && timeout_ms >= 0 ? 0 : (int)left, &status);

            close(sock);
            if (!over)
                return -ETIMEDOUT;
            if (status >= 0)
                return status;
        }
        /* What it ended with is in its state, unless it is removed by now. */
        if (instance_read_state(in, &state) < 0 || !instance_exists(in))
            return -ENOENT;
        if (state.status != STATUS_RUNNING)
            return state.exit_status;
        /* Its supervisor is about to end, or has no room for one more client. */
        if (timeout_ms >= 0 && left <= 0)
            return -ETIMEDOUT;
        nanosleep(&pause, NULL);
    }
}
