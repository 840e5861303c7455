/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The line discipline: what happens to bytes between a terminal and the
 * programs that read and write it, as termios(3) describes. It is pure: it
 * knows no lock, no process and no device, so tests run it on the build host.
 *
 *     keyboard -> ldisc_receive() -> input ring -> ldisc_read_*()  -> program
 *                      | echo
 *     screen   <- out ring        <- ldisc_write()                 <- program
 *
 * The caller (tty.c) holds tty->lock around every call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/abi/termios.h"
#include "kernel/dev/ring.h"

#define LDISC_INPUT_SIZE 4096 /* a line has at most one byte less: MAX_CANON here, as on Linux */

struct ldisc {
    struct ktermios t;  /* changed by ldisc_set_termios() only */
    struct ring *out;   /* borrowed from the tty: echo and output go here */
    uint8_t early[256]; /* derived from t: enum of flow and signal characters */
    uint8_t edit[256];  /* derived from t: enum of line-editing characters */
    bool transparent;   /* derived from t: input needs no look at its bytes */

    /* Indices run freely. tail .. canon: complete lines; canon .. head: the line being edited. */
    uint32_t head, canon, tail;
    uint64_t line_end[LDISC_INPUT_SIZE / 64]; /* this byte ends a line; if it is NUL, it is the mark
                                                 of an EOF character and never read */
    bool literal_next;                        /* after VLNEXT */
    bool erasing;                             /* ECHOPRT: between \ and / */
    bool stopped;                             /* output is stopped by ^S or TCOOFF */
    bool stopped_by_call;                     /* TCOOFF: typing does not start it again */
    bool flush_output_on_signal;              /* the device has a queue worth throwing away */
    uint32_t column;                          /* of the cursor */
    uint32_t canon_column;                    /* where the line being edited began */
    uint8_t input[LDISC_INPUT_SIZE];
};

/* What a call to ldisc_receive() means for the world outside. */
struct ldisc_events {
    uint64_t signals; /* bit n - 1: send signal n to the foreground group */
    bool readable;    /* wake readers */
    bool started;     /* output goes on: wake writers, start the device */
    bool stopped;
    bool flushed; /* input (and perhaps output) was thrown away */
};

void ldisc_init(struct ldisc *ld, struct ring *out, const struct ktermios *t);

/* New settings; what has been typed stays readable. True: output starts again. */
bool ldisc_set_termios(struct ldisc *ld, const struct ktermios *t);

/* Bytes from the terminal; how many were taken (fewer: no room until somebody reads). */
size_t ldisc_receive(struct ldisc *ld, const uint8_t *p, size_t n, struct ldisc_events *ev);
/* At least so many bytes are taken by the next ldisc_receive(). */
size_t ldisc_room(const struct ldisc *ld);
void ldisc_break(struct ldisc *ld, struct ldisc_events *ev); /* a break condition on the line */

/* Is a line there (canonical), or are at least `min` bytes? */
bool ldisc_readable(const struct ldisc *ld, size_t min);
size_t ldisc_input_len(const struct ldisc *ld); /* FIONREAD */

/* Canonical: up to n bytes of the first line; *end tells that the line is finished. When the
 * program's buffer is full and *end is still false, ldisc_skip_eof() takes an EOF mark that comes
 * right after. */
size_t ldisc_read_line(struct ldisc *ld, uint8_t *p, size_t n, bool *end);
void ldisc_skip_eof(struct ldisc *ld);
size_t ldisc_read_raw(struct ldisc *ld, uint8_t *p, size_t n);
void ldisc_flush_input(struct ldisc *ld);

/* A program's output, processed into the out ring; how many bytes were taken. */
size_t ldisc_write(struct ldisc *ld, const uint8_t *p, size_t n);

static inline bool ldisc_is_canonical(const struct ldisc *ld)
{
    return (ld->t.c_lflag & ICANON) != 0;
}

/* Between ldisc.c and ldisc_output.c. Echo that finds the ring full is lost, as on a slow line. */
void ldisc_echo(struct ldisc *ld, uint8_t c);         /* with ECHOCTL as ^X */
void ldisc_echo_literal(struct ldisc *ld, uint8_t c); /* as it is, through OPOST */
void ldisc_echo_erase_tab(struct ldisc *ld, uint32_t columns, bool after_tab);

static inline bool ldisc_is_control(uint8_t c)
{
    return c < 32 || c == 127;
}

static inline bool ldisc_is_continuation(const struct ldisc *ld, uint8_t c)
{
    return (ld->t.c_iflag & IUTF8) != 0 && (c & 0xc0) == 0x80;
}

/* Letters of Latin-1, as Linux counts them: for VWERASE, IUCLC and OLCUC. */
static inline bool ldisc_is_upper(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7);
}

static inline bool ldisc_is_lower(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 0xdf && c != 0xf7);
}
