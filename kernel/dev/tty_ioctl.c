/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ioctl_tty(2): settings, window size, flow control, queues. What has to do
 * with sessions is in tty_job.c.
 */
#include "tty.h"

#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>

#include "kernel/abi/ioctl.h"

/* ---- settings ---- */

static void get_settings(struct tty *tty, struct ktermios *t)
{
    irqflags_t flags = spin_lock(&tty->lock);

    *t = tty->ld.t;
    spin_unlock(&tty->lock, flags);
}

static void set_settings(struct tty *tty, struct ktermios *t)
{
    irqflags_t flags;
    bool started;

    t->c_cflag = (t->c_cflag & ~tty->ops->cflag_fixed) | tty->ops->cflag_value;
    t->c_line = 0; /* N_TTY is the only discipline there is */
    flags = spin_lock(&tty->lock);
    started = ldisc_set_termios(&tty->ld, t);
    spin_unlock(&tty->lock, flags);

    if (started)
        tty->ops->output_ready(tty);
    wake_up(&tty->read_wq); /* other rules: what could not be read may be readable now */
    wake_up(&tty->write_wq);
    tty->ops->input_room(tty);
}

static void flush_input(struct tty *tty)
{
    irqflags_t flags = spin_lock(&tty->lock);

    ldisc_flush_input(&tty->ld);
    spin_unlock(&tty->lock, flags);
    tty->ops->input_room(tty);
}

static void flush_output(struct tty *tty)
{
    irqflags_t flags = spin_lock(&tty->lock);

    if (tty->ld.flush_output_on_signal)
        ring_clear(&tty->out);
    spin_unlock(&tty->lock, flags);
    wake_up_events(&tty->write_wq, POLLOUT | POLLWRNORM);
}

static const uint32_t speeds[] = {
    0,      50,      75,      110,     134,     150,     200,     300,     600,    1200,   1800,
    2400,   4800,    9600,    19200,   38400,   57600,   115200,  230400,  460800, 500000, 576000,
    921600, 1000000, 1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000};
#define SPEED_EXTENDED 0010000 /* in CBAUD: the codes above 15 */
#define SPEED_FREE     0010000 /* BOTHER: c_ospeed says */

static uint32_t speed_of(uint32_t code)
{
    unsigned i = code & 017;

    if (code & SPEED_EXTENDED)
        i += 15;
    return i < ARRAY_SIZE(speeds) ? speeds[i] : 0;
}

static uint32_t code_of(uint32_t speed)
{
    for (unsigned i = 0; i < ARRAY_SIZE(speeds); i++) {
        if (speeds[i] >= speed)
            return i < 16 ? i : SPEED_EXTENDED | (i - 15);
    }
    return B38400;
}

/* The three shapes that settings have at the ABI. */
enum shape { SHAPE_TERMIOS, SHAPE_TERMIOS2, SHAPE_TERMIO };

static long copy_settings_out(const struct ktermios *t, enum shape shape, uaddr_t arg)
{
    struct ktermios2 t2 = {0};
    struct ktermio io = {0};

    switch (shape) {
    case SHAPE_TERMIOS:
        return copy_to_user(arg, t, sizeof(*t));
    case SHAPE_TERMIOS2:
        memcpy(&t2, t, sizeof(*t));
        t2.c_ospeed = speed_of(t->c_cflag & CBAUD);
        t2.c_ispeed = t2.c_ospeed;
        return copy_to_user(arg, &t2, sizeof(t2));
    case SHAPE_TERMIO:
        io.c_iflag = (uint16_t)t->c_iflag;
        io.c_oflag = (uint16_t)t->c_oflag;
        io.c_cflag = (uint16_t)t->c_cflag;
        io.c_lflag = (uint16_t)t->c_lflag;
        io.c_line = t->c_line;
        memcpy(io.c_cc, t->c_cc, sizeof(io.c_cc));
        return copy_to_user(arg, &io, sizeof(io));
    }
    return -EINVAL;
}

/* `t` comes with the settings in force: System V's shape changes only a part of them. */
static long copy_settings_in(struct ktermios *t, enum shape shape, uaddr_t arg)
{
    struct ktermios2 t2;
    struct ktermio io;

    switch (shape) {
    case SHAPE_TERMIOS:
        return copy_from_user(t, arg, sizeof(*t));
    case SHAPE_TERMIOS2:
        if (copy_from_user(&t2, arg, sizeof(t2)) < 0)
            return -EFAULT;
        memcpy(t, &t2, sizeof(*t));
        if ((t->c_cflag & CBAUD) == SPEED_FREE)
            t->c_cflag = (t->c_cflag & ~(uint32_t)CBAUD) | code_of(t2.c_ospeed);
        return 0;
    case SHAPE_TERMIO:
        if (copy_from_user(&io, arg, sizeof(io)) < 0)
            return -EFAULT;
        t->c_iflag = (t->c_iflag & 0xffff0000) | io.c_iflag;
        t->c_oflag = (t->c_oflag & 0xffff0000) | io.c_oflag;
        t->c_cflag = (t->c_cflag & 0xffff0000) | io.c_cflag;
        t->c_lflag = (t->c_lflag & 0xffff0000) | io.c_lflag;
        memcpy(t->c_cc, io.c_cc, sizeof(io.c_cc));
        return 0;
    }
    return -EINVAL;
}

enum { SET_WAIT = 1, SET_FLUSH = 2 }; /* TCSETSW; TCSETSF, which also waits */

static long change_settings(struct tty *tty, struct file *f, enum shape shape, unsigned how,
                            uaddr_t arg, bool from_master)
{
    struct ktermios t;
    long err = from_master ? 0 : tty_check_job(tty, SIGTTOU);

    if (err < 0)
        return err;
    get_settings(tty, &t);
    err = copy_settings_in(&t, shape, arg);
    if (err < 0)
        return err;
    if (how & SET_FLUSH)
        flush_input(tty);
    if ((how & SET_WAIT) && !from_master) {
        err = tty_wait_drained(f->private);
        if (err < 0)
            return err;
    }
    set_settings(tty, &t);
    return 0;
}

/* ---- window size ---- */

static long get_window(struct tty *tty, uaddr_t arg)
{
    irqflags_t flags = spin_lock(&tty->lock);
    struct kwinsize w = tty->winsize;

    spin_unlock(&tty->lock, flags);
    return copy_to_user(arg, &w, sizeof(w));
}

static long set_window(struct tty *tty, uaddr_t arg)
{
    struct kwinsize w;
    irqflags_t flags;
    bool changed;

    if (copy_from_user(&w, arg, sizeof(w)) < 0)
        return -EFAULT;
    flags = spin_lock(&tty->lock);
    changed = memcmp(&tty->winsize, &w, sizeof(w)) != 0;
    tty->winsize = w;
    spin_unlock(&tty->lock, flags);
    if (changed)
        tty_signal_foreground(tty, SIGMASK(SIGWINCH));
    return 0;
}

/* ---- flow control, queues ---- */

static long flow_control(struct tty *tty, uint64_t what)
{
    irqflags_t flags;
    bool started = false;
    uint8_t c = 0;

    if (what > TCION)
        return -EINVAL;
    flags = spin_lock(&tty->lock);
    switch (what) {
    case TCOOFF:
        tty->ld.stopped = tty->ld.stopped_by_call = true;
        break;
    case TCOON:
        started = tty->ld.stopped_by_call;
        if (started)
            tty->ld.stopped = tty->ld.stopped_by_call = false;
        break;
    case TCIOFF:
        c = tty->ld.t.c_cc[VSTOP];
        break;
    case TCION:
        c = tty->ld.t.c_cc[VSTART];
        break;
    }
    if (c != CC_DISABLED && ring_room(&tty->out) > 0)
        ring_put(&tty->out, c);
    spin_unlock(&tty->lock, flags);

    tty->ops->output_ready(tty);
    if (started)
        wake_up_events(&tty->write_wq, POLLOUT | POLLWRNORM);
    return 0;
}

static long flush_queues(struct tty *tty, uint64_t which)
{
    if (which > TCIOFLUSH)
        return -EINVAL;
    if (which != TCOFLUSH)
        flush_input(tty);
    if (which != TCIFLUSH)
        flush_output(tty);
    return 0;
}

static long input_len(struct tty *tty, uaddr_t arg)
{
    irqflags_t flags = spin_lock(&tty->lock);
    int32_t n = (int32_t)ldisc_input_len(&tty->ld);

    spin_unlock(&tty->lock, flags);
    return put_user(arg, n);
}

static long output_len(struct tty *tty, uaddr_t arg)
{
    int32_t n = tty->ops->is_drained != NULL ? (int32_t)ring_used(&tty->out) : 0;

    return put_user(arg, n);
}

/* Put a byte into the input as if typed: whoever may do that owns the terminal's user. */
static long fake_input(struct tty *tty, uaddr_t arg)
{
    uint8_t c;

    if (!capable(CAP_SYS_ADMIN))
        return -EIO;
    if (get_user(&c, arg) < 0)
        return -EFAULT;
    (void)tty_receive(tty, &c, 1); /* no room: lost, as a typed one */
    return 0;
}

static void set_exclusive(struct tty *tty, bool on)
{
    irqflags_t flags = spin_lock(&tty->lock);

    tty->is_exclusive = on;
    spin_unlock(&tty->lock, flags);
}

static long drain(struct tty *tty, struct file *f)
{
    long err = tty_check_job(tty, SIGTTOU);

    return err < 0 ? err : tty_wait_drained(f->private);
}

/* What changes how the terminal behaves is for the foreground only. */
static long queue_ioctl(struct tty *tty, unsigned cmd, uint64_t arg, bool from_master)
{
    long err = from_master ? 0 : tty_check_job(tty, SIGTTOU);

    if (err < 0)
        return err;
    return cmd == TCXONC ? flow_control(tty, arg) : flush_queues(tty, arg);
}

long tty_common_ioctl(struct tty *tty, struct file *f, unsigned cmd, uint64_t arg, bool from_master)
{
    struct ktermios t;

    switch (cmd) {
    case TCGETS:
    case TCGETS2:
    case TCGETA:
        get_settings(tty, &t);
        return copy_settings_out(&t,
                                 cmd == TCGETS    ? SHAPE_TERMIOS
                                 : cmd == TCGETS2 ? SHAPE_TERMIOS2
                                                  : SHAPE_TERMIO,
                                 arg);
    case TCSETS:
        return change_settings(tty, f, SHAPE_TERMIOS, 0, arg, from_master);
    case TCSETSW:
        return change_settings(tty, f, SHAPE_TERMIOS, SET_WAIT, arg, from_master);
    case TCSETSF:
        return change_settings(tty, f, SHAPE_TERMIOS, SET_WAIT | SET_FLUSH, arg, from_master);
    case TCSETS2:
        return change_settings(tty, f, SHAPE_TERMIOS2, 0, arg, from_master);
    case TCSETSW2:
        return change_settings(tty, f, SHAPE_TERMIOS2, SET_WAIT, arg, from_master);
    case TCSETSF2:
        return change_settings(tty, f, SHAPE_TERMIOS2, SET_WAIT | SET_FLUSH, arg, from_master);
    case TCSETA:
        return change_settings(tty, f, SHAPE_TERMIO, 0, arg, from_master);
    case TCSETAW:
        return change_settings(tty, f, SHAPE_TERMIO, SET_WAIT, arg, from_master);
    case TCSETAF:
        return change_settings(tty, f, SHAPE_TERMIO, SET_WAIT | SET_FLUSH, arg, from_master);
    case TIOCGWINSZ:
        return get_window(tty, arg);
    case TIOCSWINSZ:
        return set_window(tty, arg);
    case TCXONC:
    case TCFLSH:
        return queue_ioctl(tty, cmd, arg, from_master);
    case TIOCEXCL:
        set_exclusive(tty, true);
        return 0;
    case TIOCNXCL:
        set_exclusive(tty, false);
        return 0;
    case TIOCGEXCL:
        return put_user(arg, (int32_t)READ_ONCE(tty->is_exclusive));
    case TIOCGETD:
        return put_user(arg, (int32_t)0); /* N_TTY */
    default:
        return tty_job_ioctl(tty, f, cmd, arg, from_master);
    }
}

long tty_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
    struct tty_file *tf = f->private;
    struct tty *tty = tf->tty;
    int32_t n;

    if (tty_file_is_dead(tf))
        return cmd == TIOCSPGRP ? -ENOTTY : -EIO;
    switch (cmd) {
    case FIONREAD:
        return input_len(tty, arg);
    case TIOCOUTQ:
        return output_len(tty, arg);
    case TCSBRK:
    case TCSBRKP: /* tcdrain(3), tcsendbreak(3): no line here knows a break */
    case TIOCSBRK:
        return drain(tty, f);
    case TIOCCBRK:
        return tty_check_job(tty, SIGTTOU);
    case TIOCSTI:
        return fake_input(tty, arg);
    case TIOCSETD:
        if (get_user(&n, arg) < 0)
            return -EFAULT;
        return n == 0 ? 0 : -EINVAL;
    case TIOCGDEV:
        return put_user(arg, (uint32_t)(MAJOR(tty->dev) << 8 | (MINOR(tty->dev) & 0xff)));
    case TIOCVHANGUP:
        if (!capable(CAP_SYS_ADMIN))
            return -EPERM;
        tty_hangup(tty);
        return 0;
    default:
        return tty_common_ioctl(tty, f, cmd, arg, false);
    }
}
