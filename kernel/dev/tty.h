/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terminals: a line discipline, a ring of output, and a driver behind it.
 * tty.c is what files on a terminal do, tty_job.c sessions and signals,
 * tty_ioctl.c ioctl_tty(2); serial.c and pty.c are the drivers.
 */
#pragma once

#include <kernel/fs.h>
#include <kernel/refcount.h>
#include <kernel/tty.h>
#include <kernel/wait.h>

#include "ldisc.h"

#define TTY_OUT_SIZE 4096

struct tty_ops {
    int (*open)(struct tty *tty, struct file *f); /* NULL: always possible */
    void (*last_close)(struct tty *tty);          /* no file is open on it any more; may be NULL */
    /* There is output in tty->out, or room for input again. tty->lock not held, any context. */
    void (*output_ready)(struct tty *tty);
    void (*input_room)(struct tty *tty);
    bool (*is_drained)(struct tty *tty); /* all has left the device; NULL: the ring decides */
    void (*release)(struct tty *tty);    /* the last reference: free it; any context */
    bool hangs_up_with_session;          /* a real line: its session's end ends all open files */
    uint32_t cflag_fixed, cflag_value;   /* bits of c_cflag that programs cannot change */
};

/*
 * References are held by the driver, each open file, and each process whose
 * controlling terminal it is. [I] fixed, [l] lock, [p] pid_lock.
 */
struct tty {
    struct refcount refs;
    const struct tty_ops *ops; /* [I] */
    dev_t dev;                 /* [I] */
    struct spinlock lock;
    struct ldisc ld;         /* [l] */
    struct ring out;         /* [l] on its way to the device */
    struct kwinsize winsize; /* [l] */
    uint32_t opens;          /* [l] files open on it now */
    uint32_t opens_ever;     /* [l] */
    uint32_t hangups;        /* [l] files opened before the last one are dead */
    bool is_exclusive;       /* [l] TIOCEXCL */
    bool write_busy;         /* [l] somebody's write(2) is in progress: they do not mix */
    struct wait_queue read_wq, write_wq;
    struct pid *session; /* [p] counted: whose controlling terminal it is, or NULL */
    struct pid *pgrp;    /* [p] counted: the foreground group, or NULL */
    uint8_t out_data[TTY_OUT_SIZE];
};

/* file->private of a file on a terminal. */
struct tty_file {
    struct tty *tty;  /* [I] counted */
    uint32_t hangups; /* [I] tty->hangups when it was opened */
    bool is_console;  /* [I] opened as /dev/console: outlives hang-ups, no job control */
};

enum tty_open_how { TTY_OPEN_PLAIN, TTY_OPEN_CONSOLE, TTY_OPEN_CONTROLLING };

void tty_init(struct tty *tty, const struct tty_ops *ops, dev_t dev); /* one reference */
int tty_open(struct tty *tty, struct file *f, enum tty_open_how how);
extern const struct file_ops tty_fops;
extern struct tty *console_tty; /* what /dev/console means */

/* The driver's calls. */
/* Typed bytes: how many were taken. Any context. */
size_t tty_receive(struct tty *tty, const uint8_t *p, size_t n);
void tty_output_sent(struct tty *tty); /* tty->out has room: wake writers */
void tty_hangup(struct tty *tty);

/* Has the terminal been hung up since the file was opened? */
bool tty_file_is_dead(const struct tty_file *tf);
int tty_wait_drained(struct tty_file *tf);

/* ---- tty_job.c ---- */

/* May the current process read (SIGTTIN), write or change settings (SIGTTOU) now? 0, -EIO, or
 * -ERESTARTSYS: it was sent the signal. */
int tty_check_job(struct tty *tty, int sig);
/* Bit n - 1: signal n. Any context. */
void tty_signal_foreground(struct tty *tty, uint64_t signals);
void tty_try_become_controlling(struct tty *tty, struct file *f);
void tty_drop_session(struct tty *tty); /* it is nobody's controlling terminal any more */
/* Of a hang-up. The foreground group hears of it when the leader ends. */
void tty_signal_session_leader(struct tty *tty);
struct tty *tty_current(void); /* the current process's; counted, or NULL */
long tty_job_ioctl(struct tty *tty, struct file *f, unsigned cmd, uint64_t arg, bool from_master);

/* ---- tty_ioctl.c ---- */
/* For both ends of a pty: what acts on the terminal itself. -ENOTTY: not one of these. */
long tty_common_ioctl(struct tty *tty, struct file *f, unsigned cmd, uint64_t arg,
                      bool from_master);
long tty_ioctl(struct file *f, unsigned cmd, uint64_t arg);
