/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * What a client and a supervisor say to each other, over a Unix stream socket:
 * frames of a 4-byte header and up to PROTO_DATA_MAX bytes.
 */
enum proto_type {
    /* client to supervisor */
    MSG_ATTACH = 1, /* arg: ATTACH_*. Refused with MSG_FAILED when there are too many */
    MSG_STDIN,      /* data for its standard input */
    MSG_STDIN_EOF,  /* no more of it */
    MSG_WINSIZE,    /* data: struct proto_winsize */
    MSG_SIGNAL,     /* arg: signal number. Answer: MSG_REPLY */
    MSG_POWER,      /* VM: press the power button. Answer: MSG_REPLY */
    /* supervisor to client */
    MSG_REPLY = 64, /* arg: 0 or an errno value */
    MSG_STARTED,    /* to the client that launched it: its program runs */
    MSG_FAILED,     /* to the same: it does not. arg: exit status, data: why. Or see MSG_ATTACH */
    MSG_OUTPUT,     /* arg: stream (1, 2 or 3), data */
    MSG_LIVE,       /* what was there at the time of MSG_ATTACH has been sent */
    MSG_EXIT,       /* arg: exit status. The last message */
};

enum {
    ATTACH_STDIN = 1,    /* take this client's MSG_STDIN */
    ATTACH_BACKLOG = 2,  /* begin with what the log still has */
    ATTACH_FOLLOW = 4,   /* go on until the end (else close after MSG_LIVE) */
    ATTACH_LOSSLESS = 8, /* output waits for this client, instead of the client losing some */
    ATTACH_OUTPUT = 16,  /* send output at all */
};

enum {
    STREAM_STDOUT = 1,
    STREAM_STDERR = 2,
    STREAM_KERNEL = 3, /* a guest kernel's own log */
};

enum { PROTO_DATA_MAX = 4096, PROTO_HEADER = 4 };

struct proto_winsize {
    uint16_t rows, cols;
};

struct frame {
    uint8_t type, arg;
    uint16_t len;
    uint8_t data[PROTO_DATA_MAX];
};
_Static_assert(offsetof(struct frame, data) == PROTO_HEADER, "a frame goes over the wire as it is");

/* Blocking. Return 0 or -errno; proto_recv() -EPIPE at the end, -EPROTO on nonsense. */
int proto_send(int fd, uint8_t type, uint8_t arg, const void *data, size_t len);
int proto_recv(int fd, struct frame *f);
