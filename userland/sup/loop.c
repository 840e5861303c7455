/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The supervisor's event loop. Output goes into the log ring and nowhere else;
 * every attached client has a position in the ring and gets what is behind it as
 * fast as it takes it. A client that asked for all of it (`run`, `attach`) holds
 * output back when the ring would overtake it, exactly as a full pipe would; any
 * other just misses some. Once the program has ended the ring grows instead: the end
 * waits for nobody. Nothing here blocks, so no client can stop the instance from being
 * watched, signalled or ended.
 */
#include "sup.h"

#include "../lib/io.h"
#include "../lib/paths.h"
#include "../lib/signame.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* Some connections are kept for requests: whoever watches must not keep others from ending it. */
enum { CLIENTS_MAX = 32, ATTACHED_MAX = 24, QUEUE_ROOM = 256 };

struct client {
    bool is_used;
    int fd;
    unsigned flags;
    bool attached;
    bool live;    /* MSG_LIVE has been queued */
    bool closing; /* close when everything queued is out */
    bool stuck;   /* its MSG_STDIN waits for room */
    uint64_t pos, backlog_end;
    size_t in_len, in_done;
    size_t out_len, out_done;
    struct frame in;
    _Alignas(struct frame) uint8_t out[PROTO_HEADER + PROTO_DATA_MAX + QUEUE_ROOM];
};

struct loop {
    struct sup *s;
    int listen_fd;
    bool exited;   /* the program has ended */
    bool finished; /* and its state is written */
    struct client clients[CLIENTS_MAX];
};

static struct loop loop; /* in .bss: a slot costs memory only once it is used */
static volatile sig_atomic_t child_changed;

static void on_child(int sig)
{
    (void)sig;
    child_changed = 1;
}

static void client_close(struct client *c)
{
    close(c->fd);
    c->is_used = false;
}

static struct client *client_add(int fd)
{
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        struct client *c = &loop.clients[i];

        if (c->is_used)
            continue;
        memset(c, 0, offsetof(struct client, in));
        c->is_used = true;
        c->fd = fd;
        (void)fcntl(fd, F_SETFL, O_NONBLOCK);
        return c;
    }
    close(fd);
    return NULL;
}

static void queue(struct client *c, uint8_t type, uint8_t arg)
{
    if (c->out_len + PROTO_HEADER > sizeof(c->out))
        return; /* a client that asks and does not listen */
    c->out[c->out_len++] = type;
    c->out[c->out_len++] = arg;
    c->out[c->out_len++] = 0;
    c->out[c->out_len++] = 0;
}

static bool may_attach(void)
{
    size_t attached = 0;

    for (size_t i = 0; i < CLIENTS_MAX; i++)
        attached += loop.clients[i].is_used && loop.clients[i].attached;
    return attached < ATTACHED_MAX;
}

static void attach(struct client *c, unsigned flags, uint64_t from)
{
    c->attached = true;
    c->flags = flags;
    c->pos = from;
    c->backlog_end = loop.s->log.head;
}

/* Puts the next thing this client should see into its empty buffer. False: nothing. */
static bool fill(struct client *c)
{
    struct frame *f = (struct frame *)c->out;
    int len;

    if (!c->attached)
        return false;
    if (!c->live && c->pos >= c->backlog_end) {
        c->live = true;
        queue(c, MSG_LIVE, 0);
        c->closing = (c->flags & ATTACH_FOLLOW) == 0;
        return true;
    }
    if (c->closing)
        return false;
    if (c->flags & ATTACH_OUTPUT) {
        len = logring_get(&loop.s->log, &c->pos, &f->arg, f->data);
        if (len > 0) {
            f->type = MSG_OUTPUT;
            f->len = (uint16_t)len;
            c->out_len = PROTO_HEADER + (size_t)len;
            return true;
        }
    } else {
        c->pos = loop.s->log.head;
    }
    if (loop.finished) {
        queue(c, MSG_EXIT, (uint8_t)loop.s->state.exit_status);
        c->closing = true;
        return true;
    }
    return false;
}

static void pump(struct client *c)
{
    for (;;) {
        ssize_t n;

        if (c->out_done == c->out_len) {
            c->out_done = c->out_len = 0;
            if (!fill(c)) {
                if (c->closing || (loop.finished && !c->attached))
                    client_close(c);
                return;
            }
        }
        n = send(c->fd, c->out + c->out_done, c->out_len - c->out_done, MSG_NOSIGNAL);
        if (n < 0) {
            if (errno != EAGAIN && errno != EINTR)
                client_close(c);
            return;
        }
        c->out_done += (size_t)n;
    }
}

static void set_size(const struct frame *f)
{
    struct proto_winsize size;
    struct winsize ws = {0};
    struct sup *s = loop.s;
    char line[48];

    if (f->len != sizeof(size) || s->pty < 0)
        return;
    memcpy(&size, f->data, sizeof(size));
    ws.ws_row = size.rows;
    ws.ws_col = size.cols;
    (void)ioctl(s->pty, TIOCSWINSZ, &ws);
    if (s->control_fd >= 0) {
        int len = snprintf(line, sizeof(line), "winsize %u %u\n", size.cols, size.rows);

        (void)!send(s->control_fd, line, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}

static int send_signal(int sig)
{
    if (loop.exited)
        return ESRCH;
    return kill(loop.s->pid, sig) < 0 ? errno : 0;
}

static int press_power_button(void)
{
    static const char line[] = "powerbutton\n";

    if (loop.exited || loop.s->control_fd < 0)
        return ESRCH;
    if (send(loop.s->control_fd, line, sizeof(line) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        return errno;
    return 0;
}

/* False: there is no room for all of it yet. */
static bool take_stdin(struct client *c)
{
    struct sup *s = loop.s;

    while (c->in_done < c->in.len && s->stdin_fd >= 0 && (c->flags & ATTACH_STDIN)) {
        ssize_t n = write(s->stdin_fd, c->in.data + c->in_done, c->in.len - c->in_done);

        if (n < 0 && errno == EAGAIN)
            return false;
        if (n < 0 && errno != EINTR)
            break; /* nobody reads it any more */
        if (n > 0)
            c->in_done += (size_t)n;
    }
    return true;
}

/* False: try again later. */
static bool handle(struct client *c)
{
    struct sup *s = loop.s;

    switch (c->in.type) {
    case MSG_ATTACH:
        if (!c->attached && !may_attach()) {
            queue(c, MSG_FAILED, EBUSY);
            c->closing = true;
            return true;
        }
        attach(c, c->in.arg, c->in.arg & ATTACH_BACKLOG ? 0 : s->log.head);
        return true;
    case MSG_STDIN:
        return take_stdin(c);
    case MSG_STDIN_EOF:
        if ((c->flags & ATTACH_STDIN) && s->stdin_fd >= 0 && s->stdin_fd != s->pty) {
            close(s->stdin_fd);
            s->stdin_fd = -1;
        }
        return true;
    case MSG_WINSIZE:
        set_size(&c->in);
        return true;
    case MSG_SIGNAL:
        queue(c, MSG_REPLY, (uint8_t)send_signal(c->in.arg));
        return true;
    case MSG_POWER:
        queue(c, MSG_REPLY, (uint8_t)press_power_button());
        return true;
    default:
        c->closing = true;
        return true;
    }
}

/* Reads frames and acts on them until there is no more, or one has to wait. */
static void serve(struct client *c)
{
    while (c->is_used) {
        size_t want = PROTO_HEADER;
        ssize_t n;

        if (c->in_len >= PROTO_HEADER) {
            if (c->in.len > PROTO_DATA_MAX) {
                client_close(c);
                return;
            }
            want += c->in.len;
        }
        if (c->in_len >= PROTO_HEADER && c->in_len == want) {
            c->stuck = !handle(c);
            if (c->stuck)
                return;
            c->in_len = c->in_done = 0;
            continue;
        }
        n = recv(c->fd, (uint8_t *)&c->in + c->in_len, want - c->in_len, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0) {
            client_close(c); /* gone; the instance does not care */
            return;
        }
        c->in_len += (size_t)n;
    }
}

/* How much output we may take without overtaking a client that wants all of it. */
static size_t output_room(void)
{
    size_t room = LOGRING_RECORD_MAX;

    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        const struct client *c = &loop.clients[i];

        if (c->is_used && c->attached && !c->closing && (c->flags & ATTACH_LOSSLESS)) {
            size_t left = logring_room(&loop.s->log, c->pos);

            room = left < room ? left : room;
        }
    }
    return room;
}

static void take_output(int i, size_t room)
{
    uint8_t data[LOGRING_RECORD_MAX];
    struct sup *s = loop.s;
    ssize_t n;

    if (room == 0)
        return;
    n = read(s->out_fd[i], data, room);
    if (n > 0) {
        logring_put(&s->log, s->out_stream[i], data, (size_t)n);
        return;
    }
    if (n < 0 && (errno == EINTR || (errno == EAGAIN && !loop.exited)))
        return;
    /* The end. After its exit, EAGAIN is one too: whoever still could write is outside. */
    if (s->out_fd[i] != s->pty)
        close(s->out_fd[i]);
    s->out_fd[i] = -1;
}

/* Room in the log although a client is in the way: once. */
static bool grow_log(struct logring *log)
{
    uint8_t *larger;

    if (log->size == LOG_SIZE_LAST)
        return false;
    larger = mmap(NULL, LOG_SIZE_LAST, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (larger == MAP_FAILED)
        return false;
    logring_move(log, larger, LOG_SIZE_LAST); /* the old one goes with the process, soon */
    return true;
}

/*
 * What the program has left in its pipes when it ended. A client that was suspended must not keep
 * the instance from having ended, nor lose what is still in the log for it, so the log grows. If
 * that does not do, as memory is short or somebody outside goes on writing, it misses some.
 */
static void take_rest(struct sup *s)
{
    size_t most = LOG_SIZE_LAST - LOG_SIZE;

    for (int i = 0; i < 2; i++) {
        while (s->out_fd[i] >= 0 && most >= LOGRING_RECORD_MAX) {
            size_t room = output_room();

            if (room == 0 && !grow_log(&s->log))
                room = LOGRING_RECORD_MAX;
            take_output(i, room);
            most -= room;
        }
        if (s->out_fd[i] >= 0 && s->out_fd[i] != s->pty)
            close(s->out_fd[i]);
        s->out_fd[i] = -1;
    }
}

static void reap(void)
{
    struct sup *s = loop.s;
    int wstatus;

    child_changed = 0;
    if (loop.exited || waitpid(s->pid, &wstatus, WNOHANG) != s->pid)
        return;
    loop.exited = true;
    s->state.status = STATUS_EXITED;
    s->state.exit_status = status_from_wait(wstatus);
    if (strcmp(s->in.kind, "vm") == 0)
        machine_judge(s, wstatus);
}

int loop_listen(struct sup *s, struct err *e)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return err_sys(e, 125, "cannot create the control socket");
    snprintf(addr.sun_path, sizeof(addr.sun_path), PATH_RUN "/%s/%s/ctl", s->in.kind, s->in.id);
    (void)unlink(addr.sun_path);
    if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 8) < 0) {
        err_sys(e, 125, "cannot create the control socket %s", addr.sun_path);
        close(fd);
        return -1;
    }
    loop.listen_fd = fd;
    return 0;
}

static bool accept_one(void)
{
    int fd = accept4(loop.listen_fd, NULL, NULL, SOCK_CLOEXEC);
    struct client *c;

    if (fd < 0)
        return false;
    c = client_add(fd);
    if (c != NULL)
        serve(c); /* what it wants is often there already */
    return true;
}

/* Everything it wrote is in the log: settle files, cgroup and lock, then tell. */
static void finish(void)
{
    struct sup *s = loop.s;

    if (s->stdin_fd >= 0 && s->stdin_fd != s->pty)
        close(s->stdin_fd);
    if (s->pty >= 0)
        close(s->pty);
    s->stdin_fd = s->pty = -1;
    sup_finish(s);
    loop.finished = true;
    /* Only now: who is told, or turned away, finds everything settled. */
    while (accept_one())
        ;
    close(loop.listen_fd);
    loop.listen_fd = -1;
}

static bool has_clients(void)
{
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        if (loop.clients[i].is_used)
            return true;
    }
    return false;
}

/* What each slot of the poll set is for. */
enum { SLOT_LISTEN, SLOT_OUT, SLOT_STDIN = SLOT_OUT + 2, SLOT_STATUS, SLOT_CLIENT };

static void wait_for_events(struct pollfd set[SLOT_CLIENT + CLIENTS_MAX], const sigset_t *mask)
{
    bool stdin_stuck = false, room = output_room() > 0;
    struct sup *s = loop.s;
    size_t last = SLOT_CLIENT;

    set[SLOT_LISTEN] = (struct pollfd){.fd = loop.listen_fd, .events = POLLIN};
    for (int i = 0; i < 2; i++)
        set[SLOT_OUT + i] = (struct pollfd){.fd = room ? s->out_fd[i] : -1, .events = POLLIN};
    set[SLOT_STATUS] = (struct pollfd){.fd = s->status_fd, .events = POLLIN};
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        const struct client *c = &loop.clients[i];
        short events = c->stuck ? 0 : POLLIN;

        if (c->is_used && c->out_len > c->out_done)
            events |= POLLOUT;
        set[SLOT_CLIENT + i] = (struct pollfd){.fd = c->is_used ? c->fd : -1, .events = events};
        if (!c->is_used)
            continue;
        stdin_stuck |= c->stuck;
        last = SLOT_CLIENT + i + 1;
    }
    set[SLOT_STDIN] = (struct pollfd){.fd = stdin_stuck ? s->stdin_fd : -1, .events = POLLOUT};
    if (ppoll(set, last, NULL, mask) < 0) {
        for (size_t i = 0; i < last; i++)
            set[i].revents = 0; /* a signal: SIGCHLD */
    }
    for (size_t i = last; i < SLOT_CLIENT + CLIENTS_MAX; i++)
        set[i].revents = 0;
}

static void dispatch(const struct pollfd set[SLOT_CLIENT + CLIENTS_MAX])
{
    struct sup *s = loop.s;

    if (set[SLOT_STATUS].revents != 0)
        machine_read_status(s);
    for (int i = 0; i < 2; i++) {
        if (set[SLOT_OUT + i].revents != 0 && s->out_fd[i] >= 0)
            take_output(i, output_room());
    }
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        struct client *c = &loop.clients[i];

        if (!c->is_used)
            continue;
        if (c->stuck && (s->stdin_fd < 0 || set[SLOT_STDIN].revents != 0))
            c->stuck = false;
        if (!c->stuck && (set[SLOT_CLIENT + i].revents != 0 || c->in_len > 0))
            serve(c);
    }
    if (set[SLOT_LISTEN].revents != 0)
        (void)accept_one();
}

void loop_run(struct sup *s, int launch_fd, unsigned launch_flags)
{
    struct sigaction act = {.sa_handler = on_child, .sa_flags = SA_NOCLDSTOP};
    struct pollfd set[SLOT_CLIENT + CLIENTS_MAX];
    struct client *launcher;
    sigset_t block, open_mask;

    loop.s = s;
    sigemptyset(&block);
    sigaddset(&block, SIGCHLD);
    sigprocmask(SIG_BLOCK, &block, &open_mask);
    sigdelset(&open_mask, SIGCHLD);
    sigaction(SIGCHLD, &act, NULL);
    child_changed = 1; /* it may have ended already */
    launcher = client_add(launch_fd);
    if (launch_flags != 0)
        attach(launcher, launch_flags, s->log.head);

    while (!loop.finished || has_clients()) {
        if (child_changed)
            reap();
        if (loop.exited && !loop.finished) {
            take_rest(s);
            finish();
        }
        for (size_t i = 0; i < CLIENTS_MAX; i++) {
            if (loop.clients[i].is_used)
                pump(&loop.clients[i]);
        }
        if (!loop.finished || has_clients()) {
            wait_for_events(set, &open_mask);
            dispatch(set);
        }
    }
}
