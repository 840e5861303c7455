/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "err.h"
#include "instance.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The client's side: launching a supervisor, and sitting between a supervisor and
 * the terminal. A client owns nothing of the instance.
 */
struct client_io {
    bool tty;        /* the other side is a terminal: raw mode, size, detach keys */
    bool input;      /* pass on our standard input */
    bool signals;    /* pass on SIGINT, SIGQUIT, SIGUSR1, SIGUSR2 */
    bool kernel_log; /* show the guest kernel's log instead of the output */
    long tail;       /* show only so many of the lines there were; -1: all */
};

/*
 * Starts the supervisor of a locked instance and waits until its program runs.
 * Returns the socket to it, or -1 with *e set. The lock passes to the supervisor.
 */
int client_launch(struct instance *in, unsigned attach_flags, struct err *e);
/* After the last message: waits until the supervisor we launched is gone. */
void client_reap(void);

/*
 * Copies both ways until the end. Returns the instance's exit status, or
 * CLIENT_DETACHED, or CLIENT_LOST (the connection broke: look at the state), or
 * CLIENT_REFUSED (too many are attached already).
 */
enum { CLIENT_DETACHED = -1, CLIENT_LOST = -2, CLIENT_REFUSED = -3 };
int client_attach(int sock, const struct client_io *io);

/* One request, one MSG_REPLY. Returns 0 or -errno. */
int client_request(const struct instance *in, uint8_t type, uint8_t arg);
/*
 * Waits for the end, at most timeout_ms (-1: for ever). Returns the exit status,
 * -ETIMEDOUT, or -ENOENT: it is removed, with a status nobody has seen.
 */
int client_wait(struct instance *in, int timeout_ms);
