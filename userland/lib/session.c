/* SPDX-License-Identifier: BSD-2-Clause */
/* start, attach, logs, kill, wait, stop, rm: for `ct` and `vm` alike. */
#include "session.h"

#include "cgroup.h"
#include "io.h"
#include "logring.h"
#include "proto.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

long session_number(const char *option, const char *text, long otherwise)
{
    char *end;
    long n;

    if (text == NULL)
        return otherwise;
    n = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0')
        die(125, "invalid number for --%s: '%s'", option, text);
    return n;
}

static bool is_vm(const char *kind)
{
    return strcmp(kind, "vm") == 0;
}

static int refused(const struct instance *in)
{
    warn("cannot attach to %.12s: too many clients are attached already", in->id);
    return 1;
}

int session_run(struct instance *in, int sock, const struct client_io *io)
{
    struct instance_state state;
    struct instance again;
    int status = client_attach(sock, io);
    struct err e;

    if (status == CLIENT_DETACHED) {
        fprintf(stderr, "\n%s: detached; '%s %s %.12s' comes back\n", err_program, err_program,
                is_vm(in->kind) ? "console" : "attach", in->id);
        return 0;
    }
    if (status == CLIENT_REFUSED)
        return refused(in);
    if (status >= 0) {
        client_reap();
        if (is_vm(in->kind) && instance_find(&again, in->kind, in->id, &e) == 0 &&
            instance_read_state(&again, &state) == 0 && state.status == STATUS_CRASHED)
            warn("%.12s crashed: %s", in->id, state.reason);
        return status;
    }
    /* The connection broke: its supervisor was killed, or all of it removed. */
    if (instance_find(&again, in->kind, in->id, &e) < 0)
        return 137;
    if (instance_read_state(&again, &state) == 0 && state.status == STATUS_CRASHED)
        warn("%.12s ended: %s", in->id, state.reason);
    return state.exit_status;
}

static void find(struct instance *in, const char *kind, const char *ref)
{
    struct err e;

    if (instance_find(in, kind, ref, &e) < 0)
        die_err(&e);
}

static void read_spec(const struct instance *in, struct record *spec)
{
    if (record_load(spec, in->dir, "spec") < 0)
        die(1, "no such %s: %.12s (it has just been removed)", instance_noun(in->kind), in->id);
}

/* Somebody else was quicker. */
static int not_mine(const struct instance *in, const char *ref, int err)
{
    if (err == -ENOENT)
        warn("no such %s: %s (it has just been removed)", instance_noun(in->kind), ref);
    else if (err == -EWOULDBLOCK)
        warn("%s is busy: somebody else is starting or removing it", ref);
    else
        warn("cannot lock %s: %s", ref, strerror(-err));
    return 1;
}

/* ---- start --------------------------------------------------------------------------- */

static int start_one(const char *kind, const char *ref, const struct session_options *o)
{
    unsigned flags = ATTACH_FOLLOW | ATTACH_OUTPUT | ATTACH_LOSSLESS;
    struct client_io io = {.tail = -1, .signals = true};
    struct instance_state state;
    struct instance in;
    struct record spec;
    struct err e;
    int sock, err;

    if (instance_find(&in, kind, ref, &e) < 0) {
        warn("%s", e.text);
        return 1;
    }
    err = instance_lock_stopped(&in, &state);
    if (err < 0)
        return not_mine(&in, ref, err);
    if (state.status == STATUS_RUNNING) {
        printf("%s\n", ref); /* it runs: what was wanted is so */
        return 0;
    }
    read_spec(&in, &spec);
    io.tty = record_flag(&spec, "tty");
    io.input = o->input && record_flag(&spec, "stdin");
    record_free(&spec);
    if (io.input)
        flags |= ATTACH_STDIN;
    sock = client_launch(&in, o->attach ? flags : 0, &e);
    if (sock < 0) {
        warn("%s", e.text);
        return e.status;
    }
    if (o->attach)
        return session_run(&in, sock, &io);
    close(sock);
    printf("%s\n", ref);
    return 0;
}

int session_start(const char *kind, int argc, char **argv, const struct session_options *o)
{
    int status = 0;

    if (o->attach && argc > 1)
        die(1, "only one can be started and attached to at a time");
    for (int i = 0; i < argc; i++) {
        int one = start_one(kind, argv[i], o);

        status = one != 0 ? one : status;
    }
    return status;
}

/* ---- attach and logs -------------------------------------------------------------------- */

int session_attach(const char *kind, const char *ref, bool no_stdin)
{
    unsigned flags = ATTACH_FOLLOW | ATTACH_OUTPUT | ATTACH_LOSSLESS;
    struct client_io io = {.tail = -1, .signals = true};
    struct instance in;
    struct record spec;
    int sock;

    find(&in, kind, ref);
    read_spec(&in, &spec);
    io.tty = record_flag(&spec, "tty");
    io.input = record_flag(&spec, "stdin") && !no_stdin;
    record_free(&spec);
    if (io.tty && io.input && !isatty(STDIN_FILENO))
        die(1, "the input device is not a terminal");
    sock = instance_connect(&in);
    if (sock < 0)
        die(1, "%s is not running: it can be started with '%s start %s'", ref, kind, ref);
    if (io.input)
        flags |= ATTACH_STDIN;
    if (proto_send(sock, MSG_ATTACH, (uint8_t)flags, NULL, 0) < 0)
        die(1, "%s has just ended", ref);
    return session_run(&in, sock, &io);
}

/* Where the last `tail` lines begin. */
static size_t tail_start(const uint8_t *log, size_t size, long tail, bool kernel_log)
{
    size_t at = 0, start = 0, lines = 0, seen = 0;
    const uint8_t *data;
    uint8_t stream;
    bool open_line = false;
    int len;

    while ((len = logring_walk(log, size, &at, &stream, &data)) > 0) {
        for (int i = 0; i < len && (stream == STREAM_KERNEL) == kernel_log; i++) {
            open_line = data[i] != '\n';
            lines += !open_line;
        }
    }
    lines += open_line;
    if (tail < 0 || lines <= (size_t)tail)
        return 0;
    /* Positions are counted in shown bytes, across records. */
    at = 0;
    while ((len = logring_walk(log, size, &at, &stream, &data)) > 0) {
        for (int i = 0; i < len && (stream == STREAM_KERNEL) == kernel_log; i++) {
            if (seen == lines - (size_t)tail)
                return start;
            start++;
            seen += data[i] == '\n';
        }
    }
    return start;
}

static int print_saved(const struct instance *in, long tail, bool kernel_log)
{
    int fd = openat(in->dir, "log", O_RDONLY | O_CLOEXEC), len;
    size_t at = 0, skip;
    const uint8_t *data;
    uint8_t stream, *log;
    struct stat st;
    ssize_t size;

    if (fd < 0)
        return 0; /* it has not said anything */
    if (fstat(fd, &st) < 0 || (log = malloc((size_t)st.st_size + 1)) == NULL)
        die(1, "cannot read the log of %.12s", in->id);
    size = io_read_full(fd, log, (size_t)st.st_size);
    close(fd);
    if (size < 0)
        die(1, "cannot read the log of %.12s: %s", in->id, strerror((int)-size));
    skip = tail_start(log, (size_t)size, tail, kernel_log);
    while ((len = logring_walk(log, (size_t)size, &at, &stream, &data)) > 0) {
        size_t cut = skip < (size_t)len ? skip : (size_t)len;

        if ((stream == STREAM_KERNEL) != kernel_log)
            continue;
        skip -= cut;
        if (io_write_full(stream == STREAM_STDERR ? 2 : 1, data + cut, (size_t)len - cut) < 0)
            break;
    }
    free(log);
    return 0;
}

int session_logs(const char *kind, const char *ref, bool follow, long tail, bool kernel_log)
{
    struct client_io io = {.tail = tail, .kernel_log = kernel_log};
    unsigned flags = ATTACH_BACKLOG | ATTACH_OUTPUT | (follow ? ATTACH_FOLLOW : 0);
    struct instance in;
    int sock;

    find(&in, kind, ref);
    sock = instance_connect(&in);
    if (sock < 0 || proto_send(sock, MSG_ATTACH, (uint8_t)flags, NULL, 0) < 0)
        return print_saved(&in, tail, kernel_log);
    return client_attach(sock, &io) == CLIENT_REFUSED ? refused(&in) : 0;
}

/* ---- kill, wait, stop, rm ----------------------------------------------------------------- */

static bool is_running(struct instance *in)
{
    struct instance_state state;

    return instance_read_state(in, &state) == 0 && state.status == STATUS_RUNNING;
}

/* The command's status is 1 if an argument fails, and `missing` if there is no such instance. */
static int each_argument(const char *kind, int argc, char **argv,
                         int (*act)(struct instance *in, const char *ref, long arg), long arg,
                         int missing)
{
    int status = 0;

    for (int i = 0; i < argc; i++) {
        struct instance in;
        struct err e;
        int err = instance_find(&in, kind, argv[i], &e);

        if (err < 0) {
            warn("%s", e.text);
            if (err != -ENOENT || missing != 0)
                status = 1;
            continue;
        }
        if (act(&in, argv[i], arg) < 0)
            status = 1;
        else
            printf("%s\n", argv[i]);
        fflush(stdout);
        instance_close(&in);
    }
    return status;
}

static int not_running(const struct instance *in, const char *ref)
{
    warn("%s %s is not running", instance_noun(in->kind), ref);
    return -1;
}

static int kill_one(struct instance *in, const char *ref, long sig)
{
    int err;

    if (!is_running(in))
        return not_running(in, ref);
    err = client_request(in, MSG_SIGNAL, (uint8_t)sig);
    if (err == -ESRCH || err == -ENOENT || err == -ECONNREFUSED || err == -EPIPE)
        return not_running(in, ref);
    if (err < 0) {
        warn("cannot send signal %ld to %s: %s", sig, ref, strerror(-err));
        return err;
    }
    if (sig == SIGKILL && client_wait(in, 10000) == -ETIMEDOUT) { /* who kills it wants to see it dead */
        warn("%s does not end", ref);
        return -1;
    }
    return 0;
}

int session_kill(const char *kind, int argc, char **argv, int sig)
{
    return each_argument(kind, argc, argv, kill_one, sig, 1);
}

int session_wait(const char *kind, int argc, char **argv)
{
    int status = 0;

    for (int i = 0; i < argc; i++) {
        struct instance in;
        struct err e;
        int ended;

        if (instance_find(&in, kind, argv[i], &e) < 0) {
            warn("%s", e.text);
            status = 1;
            continue;
        }
        ended = client_wait(&in, -1);
        if (ended >= 0) {
            printf("%d\n", ended);
            fflush(stdout);
        } else {
            status = not_mine(&in, argv[i], ended);
        }
        instance_close(&in);
    }
    return status;
}

static int stop_one(struct instance *in, const char *ref, long seconds)
{
    struct record spec;
    int sig = SIGTERM, err;

    if (!is_running(in))
        return 0;
    if (record_load(&spec, in->dir, "spec") == 0) {
        sig = (int)record_num(&spec, "stopsignal", SIGTERM);
        record_free(&spec);
    }
    err = is_vm(in->kind) ? client_request(in, MSG_POWER, 0)
                          : client_request(in, MSG_SIGNAL, (uint8_t)sig);
    if (err < 0 && !is_running(in))
        return 0;
    if (client_wait(in, seconds < 0 ? -1 : (int)seconds * 1000) != -ETIMEDOUT)
        return 0;
    (void)client_request(in, MSG_SIGNAL, SIGKILL);
    if (client_wait(in, 10000) != -ETIMEDOUT)
        return 0;
    warn("%s does not end", ref);
    return -1;
}

int session_stop(const char *kind, int argc, char **argv, int seconds)
{
    return each_argument(kind, argc, argv, stop_one, seconds, 1);
}

static int rm_one(struct instance *in, const char *ref, long force)
{
    struct instance_state state;
    int err;

    while ((err = instance_lock_stopped(in, &state)) == 0 && state.status == STATUS_RUNNING) {
        if (!force) {
            warn("%s %s is running: stop it first, or force its removal with -f",
                 instance_noun(in->kind), ref);
            return -1;
        }
        (void)client_request(in, MSG_SIGNAL, SIGKILL);
        if (client_wait(in, 10000) == -ETIMEDOUT) {
            warn("%s does not end", ref);
            return -1;
        }
    }
    if (err == -ENOENT && force)
        return 0; /* one with --rm has removed itself, or somebody else has */
    if (err < 0)
        return -not_mine(in, ref, err);
    err = instance_discard(in);
    if (err < 0)
        warn("cannot remove %s: %s", ref, strerror(-err));
    return err;
}

int session_rm(const char *kind, int argc, char **argv, bool force)
{
    /* As Docker: what is to be gone by force, and is gone, is worth a line and no failure. */
    return each_argument(kind, argc, argv, rm_one, force, force ? 0 : 1);
}
