/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "../lib/err.h"
#include "../lib/instance.h"
#include "../lib/logring.h"
#include "../lib/proto.h"
#include "../lib/record.h"

#include <stdbool.h>

/*
 * One supervisor: one instance. What it runs is started by container_start() or
 * machine_start(), which fill in the descriptors below; from there on the event
 * loop does not care which of the two it is.
 */
struct sup {
    struct instance in;
    struct record spec;
    struct instance_state state;
    struct logring log;

    int pid;       /* what we wait for */
    int pty;       /* its terminal (master), or -1 */
    int stdin_fd;  /* write end of its standard input, or -1 */
    int out_fd[2]; /* what to read and log: stdout or terminal, stderr or kernel log; or -1 */
    uint8_t out_stream[2];
    int status_fd;         /* VM: how it ended, as a line; or -1 */
    int control_fd;        /* VM: requests to the monitor; or -1 */
    char status_line[200]; /* the last whole line from status_fd */
    char status_next[200]; /* what has come of the next one */
    size_t status_len;
    struct proto_winsize size;
};

/* What `ct` and `vm` start us with: the instance's directory, and a socket to themselves. */
enum { SUP_DIR_FD = 3, SUP_LAUNCH_FD = 4 };

/* The log that is kept, and the one that what comes last may need. */
enum { LOG_SIZE = 1 << 20, LOG_SIZE_LAST = 4 << 20 };

int container_start(struct sup *s, struct err *e);
int machine_start(struct sup *s, struct err *e);
/* Reads what the monitor wrote on status_fd. */
void machine_read_status(struct sup *s);
/* Turns a wait status and the monitor's last line into a state. */
void machine_judge(struct sup *s, int wstatus);

/* Makes the control socket: from then on clients can connect, and wait for the loop. */
int loop_listen(struct sup *s, struct err *e);
/* The event loop; returns when the instance has ended and everybody knows. */
void loop_run(struct sup *s, int launch_fd, unsigned launch_flags);
/* Files, cgroup and lock after the end; called by the loop. */
void sup_finish(struct sup *s);

/*
 * Inside the instance's own namespaces, in the child.
 */
struct tty_pair {
    int master, slave;
};
/* Builds the root and moves into it for good. */
int rootfs_enter(const struct record *spec, struct err *e);
/* A terminal of the container's own devpts. */
int rootfs_open_tty(struct tty_pair *tty, const struct proto_winsize *size, struct err *e);
/* Shows the terminal as /dev/console. */
int rootfs_bind_console(const struct tty_pair *tty, struct err *e);
/*
 * Default actions and nothing blocked: what our caller ignored, as nohup and shells do for what
 * runs in the background, is its own affair.
 */
void process_reset_signals(void);
/* Descriptors 0-2, user, capabilities, directory, and then the program. Returns on error only. */
int process_exec(const struct record *what, const int stdio[3], struct err *e);

/* `bulkhead-sup exec ...`: another process into a running container. */
int enter_main(int argc, char **argv);
