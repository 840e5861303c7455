/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The supervisor: one small process per instance, for as long as that runs.
 *
 *   bulkhead-sup ct|vm ID ROWS COLS FLAGS   3 = the instance's directory, locked
 *                                           4 = a socket to whoever launched it
 *   bulkhead-sup exec KEY=VALUE...          a further process in a container (enter.c)
 *
 * It owns the terminal or the pipes, the log, the exit status and the control
 * socket. Clients (`ct run`, `attach`, `logs`) only talk to it, so that none of
 * them matters to the instance. It is a program of its own, small and free of
 * parsers, because there is one per container and because it, not `ct`, is what
 * containers are forked from. It is executed from a read-only bind mount, so a
 * container that gets hold of /proc/PID/exe cannot write to it.
 */
#include "sup.h"

#include "../lib/cgroup.h"
#include "../lib/io.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The log of earlier runs stays readable: `ct start` continues it. */
static void load_log(struct sup *s)
{
    int fd = openat(s->in.dir, "log", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    const uint8_t *data;
    struct stat st;
    uint8_t *saved;
    uint8_t stream;
    size_t at = 0;
    int len;

    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && st.st_size > 0 && (saved = malloc((size_t)st.st_size)) != NULL) {
        ssize_t size = io_read_full(fd, saved, (size_t)st.st_size);

        while (size > 0 && (len = logring_walk(saved, (size_t)size, &at, &stream, &data)) > 0)
            logring_put(&s->log, stream, data, (size_t)len);
        free(saved);
    }
    close(fd);
}

static void save_log(struct sup *s)
{
    uint8_t data[LOGRING_RECORD_MAX], header[LOGRING_HEADER] = {0};
    uint64_t pos = s->log.tail;
    int len, fd;

    if (s->log.head == 0)
        return;
    while (s->log.head - pos > LOG_SIZE && logring_get(&s->log, &pos, &header[2], data) > 0)
        ; /* it has grown for a client; the last megabyte is kept */
    fd = openat(s->in.dir, ".log.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    while ((len = logring_get(&s->log, &pos, &header[2], data)) > 0) {
        header[0] = (uint8_t)len;
        header[1] = (uint8_t)(len >> 8);
        if (io_write_full(fd, header, sizeof(header)) < 0 ||
            io_write_full(fd, data, (size_t)len) < 0)
            break; /* no space: keep what there is, the walk stops at the cut */
    }
    close(fd);
    (void)renameat(s->in.dir, ".log.new", s->in.dir, "log");
}

static int init(struct sup *s, char **argv, struct err *e)
{
    uint8_t *ring;

    s->in.kind = strcmp(argv[1], "vm") == 0 ? "vm" : "ct";
    err_program = s->in.kind;
    s->in.dir = SUP_DIR_FD;
    snprintf(s->in.id, sizeof(s->in.id), "%s", argv[2]);
    s->size.rows = (uint16_t)atoi(argv[3]);
    s->size.cols = (uint16_t)atoi(argv[4]);
    s->pty = s->stdin_fd = s->status_fd = s->control_fd = -1;
    s->out_fd[0] = s->out_fd[1] = -1;

    if (fcntl(SUP_DIR_FD, F_SETFD, FD_CLOEXEC) < 0 || fcntl(SUP_LAUNCH_FD, F_SETFD, FD_CLOEXEC) < 0)
        return err_set(e, 125, "this program is started by ct and vm, not by hand");
    /* Whatever else our caller had open would stay so for as long as the instance runs. */
    (void)syscall(SYS_close_range, SUP_LAUNCH_FD + 1U, ~0U, 0U);
    (void)setsid(); /* fails only if we lead a group already */
    (void)chdir("/");
    umask(077);
    if (record_load(&s->spec, s->in.dir, "spec") < 0)
        return err_set(e, 125, "cannot read the record of %.12s", s->in.id);

    ring = mmap(NULL, LOG_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (ring == MAP_FAILED)
        return err_sys(e, 125, "cannot allocate the log");
    logring_init(&s->log, ring, LOG_SIZE);
    load_log(s);
    return 0;
}

static int start(struct sup *s, struct err *e)
{
    bool is_vm = strcmp(s->in.kind, "vm") == 0;
    int64_t memory = is_vm ? 0 : record_num(&s->spec, "memory", 0);
    int err;

    if (cgroup_create(s->in.kind, s->in.id, memory, record_num(&s->spec, "pids", 0), e) < 0)
        return -1;
    (void)cgroup_join(s->in.kind, s->in.id, "sup"); /* there may be no cgroups */
    s->state.started_ns = instance_now_ns();
    /* All that may lack space comes before the program runs, but for the state: its process is in it. */
    if (loop_listen(s, e) < 0)
        goto destroy_cgroup;
    if ((is_vm ? machine_start(s, e) : container_start(s, e)) < 0)
        goto unlink_socket;
    s->state.status = STATUS_RUNNING;
    s->state.pid = s->pid;
    s->state.sup_pid = getpid();
    err = instance_write_state(&s->in, &s->state);
    if (err == 0)
        err = record_reserve(s->in.dir, "state"); /* for how it ends, when it may have filled everything */
    if (err == 0)
        return 0;
    errno = -err;
    err_sys(e, 125, "cannot record that %s %.12s runs", instance_noun(s->in.kind), s->in.id);

unlink_socket:
    (void)unlinkat(s->in.dir, "ctl", 0);
destroy_cgroup:
    (void)cgroup_join(s->in.kind, NULL, NULL);
    cgroup_destroy(s->in.kind, s->in.id); /* kills what runs in it */
    return -1;
}

/* It never ran: it stays as created, with the reason, unless it was to be removed anyway. */
static void give_up(struct sup *s, const struct err *e)
{
    if (s->spec.buf != NULL && record_flag(&s->spec, "rm")) {
        (void)instance_remove(&s->in, record_get(&s->spec, "name"));
    } else if (s->spec.buf != NULL) {
        s->state.status = STATUS_CREATED;
        s->state.exit_status = e->status;
        s->state.started_ns = 0;
        snprintf(s->state.reason, sizeof(s->state.reason), "%.199s", e->text);
        (void)instance_write_state(&s->in, &s->state);
    }
    (void)proto_send(SUP_LAUNCH_FD, MSG_FAILED, (uint8_t)e->status, e->text, strlen(e->text));
}

void sup_finish(struct sup *s)
{
    s->state.pid = s->state.sup_pid = 0;
    s->state.finished_ns = instance_now_ns();
    s->state.oom_killed = cgroup_was_oom_killed(s->in.kind, s->in.id);
    (void)cgroup_join(s->in.kind, NULL, NULL);
    cgroup_destroy(s->in.kind, s->in.id);
    if (record_flag(&s->spec, "rm")) {
        (void)instance_remove(&s->in, record_get(&s->spec, "name"));
    } else {
        save_log(s);
        (void)unlinkat(s->in.dir, "ctl", 0);
        (void)instance_write_state(&s->in, &s->state);
    }
    instance_close(&s->in); /* gives the lock back */
}

int main(int argc, char **argv)
{
    static struct sup s;
    struct err e;

    if (argc >= 2 && strcmp(argv[1], "exec") == 0)
        return enter_main(argc - 2, argv + 2);
    if (argc != 6)
        die(125, "this program is started by ct and vm, not by hand");
    process_reset_signals(); /* SIGCHLD ignored would hide the container's end */
    signal(SIGPIPE, SIG_IGN);
    if (init(&s, argv, &e) < 0 || start(&s, &e) < 0) {
        give_up(&s, &e);
        return 1;
    }
    (void)proto_send(SUP_LAUNCH_FD, MSG_STARTED, 0, NULL, 0);
    loop_run(&s, SUP_LAUNCH_FD, (unsigned)atoi(argv[5]));
    return 0;
}
