/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files on a terminal: open, read, write, poll, hang-up.
 *
 * The terminal's spinlock guards line discipline and output ring, because bytes
 * arrive in interrupts. So data goes to and from user memory through a small
 * buffer on the stack, never under the lock.
 *
 * A hang-up (the line broke, the pty's master closed, the session ended) kills
 * every file that is open at the time: reads end, writes fail with -EIO. A file
 * knows it by comparing the count of hang-ups with the one at its opening.
 */
#include "tty.h"

#include <kernel/cgroup.h>
#include <kernel/files.h>
#include <kernel/log.h>
#include <kernel/proc.h>
#include <kernel/string.h>

#define CHUNK 256
#define WRITE_ROOM_MIN                                                                             \
    64 /* below it a writer waits: nothing that OPOST makes of a byte is longer */
#define TENTH_OF_SECOND (NSEC_PER_SEC / 10)

struct tty *console_tty;

void tty_init(struct tty *tty, const struct tty_ops *ops, dev_t dev)
{
    static const struct ktermios default_settings = KTERMIOS_DEFAULT;

    memset(tty, 0, sizeof(*tty));
    refcount_init(&tty->refs, 1);
    tty->ops = ops;
    tty->dev = dev;
    spin_init(&tty->lock);
    wait_queue_init(&tty->read_wq);
    wait_queue_init(&tty->write_wq);
    ring_init(&tty->out, tty->out_data, sizeof(tty->out_data));
    ldisc_init(&tty->ld, &tty->out, &default_settings);
}

void tty_get(struct tty *tty)
{
    refcount_get(&tty->refs);
}

void tty_put(struct tty *tty)
{
    if (refcount_put(&tty->refs))
        tty->ops->release(tty);
}

dev_t tty_device(const struct tty *tty)
{
    return tty->dev;
}

bool tty_file_is_dead(const struct tty_file *tf)
{
    return !tf->is_console && tf->hangups != READ_ONCE(tf->tty->hangups);
}

/* ---- open and close ---- */

int tty_open(struct tty *tty, struct file *f, enum tty_open_how how)
{
    struct tty_file *tf = kalloc_for(current_cgroup(), sizeof(*tf));
    irqflags_t flags;
    int err = 0;

    if (tf == NULL)
        return -ENOMEM;
    if (tty->ops->open != NULL && how != TTY_OPEN_CONTROLLING)
        err = tty->ops->open(tty, f);
    if (err < 0)
        goto free_file;

    flags = spin_lock(&tty->lock);
    if (tty->is_exclusive && !capable(CAP_SYS_ADMIN)) {
        err = -EBUSY;
    } else {
        tty->opens++;
        tty->opens_ever++;
        tf->hangups = tty->hangups;
    }
    spin_unlock(&tty->lock, flags);
    if (err < 0)
        goto free_file;

    tty_get(tty);
    tf->tty = tty;
    tf->is_console = how == TTY_OPEN_CONSOLE;
    f->private = tf;
    if (tty == console_tty)
        log_console_off(); /* it belongs to programs now; messages go to the ring only */
    if (how == TTY_OPEN_PLAIN && !(f->flags & O_NOCTTY))
        tty_try_become_controlling(tty, f);
    return 0;

free_file:
    kfree(tf);
    return err;
}

static void tty_release(struct file *f)
{
    struct tty_file *tf = f->private;
    struct tty *tty = tf->tty;
    irqflags_t flags = spin_lock(&tty->lock);
    bool is_last = --tty->opens == 0;

    if (is_last) {
        tty->is_exclusive = false;
        ldisc_flush_input(&tty->ld);
    }
    spin_unlock(&tty->lock, flags);

    if (is_last) {
        tty_drop_session(tty);
        if (tty->ops->last_close != NULL)
            tty->ops->last_close(tty);
    }
    kfree(tf);
    tty_put(tty);
}

void tty_hangup(struct tty *tty)
{
    irqflags_t flags;

    tty_signal_session_leader(tty);
    tty_drop_session(tty);

    flags = spin_lock(&tty->lock);
    tty->hangups++;
    tty->ld.stopped = tty->ld.stopped_by_call = false;
    ldisc_flush_input(&tty->ld);
    spin_unlock(&tty->lock, flags);
    wake_up(&tty->read_wq);
    wake_up(&tty->write_wq);
}

/* ---- input ---- */

size_t tty_receive(struct tty *tty, const uint8_t *p, size_t n)
{
    struct ldisc_events ev = {0};
    irqflags_t flags = spin_lock(&tty->lock);
    size_t taken = ldisc_receive(&tty->ld, p, n, &ev);
    bool has_output = ring_used(&tty->out) != 0;

    spin_unlock(&tty->lock, flags);
    if (has_output || ev.started)
        tty->ops->output_ready(tty);
    if (ev.readable)
        wake_up_events(&tty->read_wq, POLLIN | POLLRDNORM);
    if (ev.started || ev.flushed)
        wake_up_events(&tty->write_wq, POLLOUT | POLLWRNORM);
    if (ev.signals != 0)
        tty_signal_foreground(tty, ev.signals);
    return taken;
}

/* How long a read waits (VMIN and VTIME of termios(3)). */
struct read_terms {
    size_t minimum;       /* bytes to wait for; 0 in canonical mode: any line will do */
    uint64_t between_ns;  /* after the first byte: longest pause, 0: any */
    uint64_t deadline_ns; /* of the whole read, 0: none */
    bool is_poll;         /* VMIN = VTIME = 0: never wait */
};

static struct read_terms read_terms(struct tty *tty)
{
    struct read_terms r = {0};
    irqflags_t flags = spin_lock(&tty->lock);
    uint64_t time_ns = tty->ld.t.c_cc[VTIME] * TENTH_OF_SECOND;
    size_t min_bytes = tty->ld.t.c_cc[VMIN];
    bool canonical = ldisc_is_canonical(&tty->ld);

    spin_unlock(&tty->lock, flags);
    if (canonical)
        return r;
    if (min_bytes > 0) {
        r.minimum = min_bytes;
        r.between_ns = time_ns;
    } else {
        r.minimum = 1;
        r.is_poll = time_ns == 0;
        r.deadline_ns = time_ns == 0 ? 0 : ktime_ns() + time_ns;
    }
    return r;
}

static bool has_input(struct tty_file *tf)
{
    struct tty *tty = tf->tty;
    irqflags_t flags = spin_lock(&tty->lock);
    bool ready = ldisc_readable(&tty->ld, 1);

    spin_unlock(&tty->lock, flags);
    return ready || tty_file_is_dead(tf);
}

/* Take up to n bytes; *more: the same read goes on with what comes next. */
static size_t take_input(struct tty *tty, uint8_t *p, size_t n, size_t wanted, bool *more)
{
    irqflags_t flags = spin_lock(&tty->lock);
    size_t got;
    bool end;

    if (ldisc_is_canonical(&tty->ld)) {
        got = ldisc_read_line(&tty->ld, p, n, &end);
        if (!end && got == wanted)
            ldisc_skip_eof(&tty->ld);
        *more = !end && ldisc_readable(&tty->ld, 1);
    } else {
        got = ldisc_read_raw(&tty->ld, p, n);
        *more = ldisc_readable(&tty->ld, 1);
    }
    spin_unlock(&tty->lock, flags);
    return got;
}

/* The boot is over when somebody can type: the log's time stamp says how long it took. */
static void note_first_wait(const struct tty *tty)
{
    static bool is_noted; /* [a] */

    if (likely(is_noted) || tty != console_tty || __atomic_exchange_n(&is_noted, true, __ATOMIC_RELAXED))
        return;
    log_info("tty: the console waits for its first input\n");
}

/* 0: input is there (or the file is dead); -EAGAIN: the read ends with what it has, or fails. */
static int wait_for_input(struct file *f, const struct read_terms *terms, size_t done)
{
    struct tty_file *tf = f->private;
    uint64_t deadline = terms->deadline_ns;
    int err;

    if (has_input(tf))
        return 0;
    if (terms->is_poll)
        return -ETIMEDOUT;
    if (f->flags & O_NONBLOCK)
        return -EAGAIN;
    note_first_wait(tf->tty);
    if (done > 0 && terms->between_ns != 0)
        deadline = ktime_ns() + terms->between_ns;
    err = wait_event_deadline(&tf->tty->read_wq, has_input(tf), deadline);
    return err;
}

static ssize_t tty_read(struct file *f, struct io_buf *to, off_t *pos)
{
    struct tty_file *tf = f->private;
    struct tty *tty = tf->tty;
    struct read_terms terms;
    uint8_t chunk[CHUNK];
    ssize_t done = 0;
    int err = 0;

    (void)pos;
    if (tty_file_is_dead(tf))
        return 0;
    if (!tf->is_console)
        err = tty_check_job(tty, SIGTTIN);
    if (err < 0)
        return err;

    terms = read_terms(tty);
    while (to->remaining > 0) {
        bool more;
        size_t got;
        ssize_t copied;

        err = wait_for_input(f, &terms, done);
        if (err < 0 || (tty_file_is_dead(tf) && !ldisc_readable(&tty->ld, 1)))
            break;
        got = take_input(tty, chunk, min(to->remaining, sizeof(chunk)), to->remaining, &more);
        copied = io_copy_to(to, chunk, got);
        if (copied < 0)
            return done > 0 ? done : copied;
        done += copied;
        if ((size_t)copied < got || (!more && (size_t)done >= terms.minimum))
            break;
    }
    tty->ops->input_room(tty);
    if (done > 0 || err == -ETIMEDOUT)
        return done;
    return err;
}

/* ---- output ---- */

static bool try_begin_write(struct tty *tty)
{
    irqflags_t flags = spin_lock(&tty->lock);
    bool ok = !tty->write_busy;

    tty->write_busy = true;
    spin_unlock(&tty->lock, flags);
    return ok;
}

static int begin_write(struct file *f, struct tty *tty)
{
    if (try_begin_write(tty))
        return 0;
    if (f->flags & O_NONBLOCK)
        return -EAGAIN;
    return wait_event_interruptible(&tty->write_wq, try_begin_write(tty));
}

static void end_write(struct tty *tty)
{
    irqflags_t flags = spin_lock(&tty->lock);

    tty->write_busy = false;
    spin_unlock(&tty->lock, flags);
    wake_up_events(&tty->write_wq, POLLOUT | POLLWRNORM);
}

static bool has_output_room(struct tty_file *tf)
{
    struct tty *tty = tf->tty;

    return (!READ_ONCE(tty->ld.stopped) && ring_room(&tty->out) >= WRITE_ROOM_MIN) ||
           tty_file_is_dead(tf);
}

/* All n bytes into the output ring; how many went in, and in *err why not more. */
static size_t put_output(struct file *f, const uint8_t *p, size_t n, int *err)
{
    struct tty_file *tf = f->private;
    struct tty *tty = tf->tty;
    size_t done = 0;

    for (;;) {
        irqflags_t flags = spin_lock(&tty->lock);

        if (!tty->ld.stopped)
            done += ldisc_write(&tty->ld, p + done, n - done);
        spin_unlock(&tty->lock, flags);
        tty->ops->output_ready(tty);
        if (done == n)
            return done;
        if (f->flags & O_NONBLOCK)
            *err = -EAGAIN;
        else
            *err = wait_event_interruptible(&tty->write_wq, has_output_room(tf));
        if (*err == 0 && tty_file_is_dead(tf))
            *err = -EIO;
        if (*err < 0)
            return done;
    }
}

static ssize_t tty_write(struct file *f, struct io_buf *from, off_t *pos)
{
    struct tty_file *tf = f->private;
    struct tty *tty = tf->tty;
    uint8_t chunk[CHUNK];
    ssize_t done = 0;
    int err = 0;

    (void)pos;
    if (tty_file_is_dead(tf))
        return -EIO;
    if (!tf->is_console && (READ_ONCE(tty->ld.t.c_lflag) & TOSTOP))
        err = tty_check_job(tty, SIGTTOU);
    if (err < 0)
        return err;
    err = begin_write(f, tty);
    if (err < 0)
        return err;

    while (from->remaining > 0 && err == 0) {
        ssize_t got = io_copy_from(chunk, from, min(from->remaining, sizeof(chunk)));

        if (got < 0)
            err = got;
        else
            done += put_output(f, chunk, got, &err);
    }
    end_write(tty);
    return done > 0 ? done : err;
}

/* The device has taken bytes from tty->out. Waking at half full keeps wake-ups rare. */
void tty_output_sent(struct tty *tty)
{
    if (ring_used(&tty->out) <= TTY_OUT_SIZE / 2)
        wake_up_events(&tty->write_wq, POLLOUT | POLLWRNORM);
}

static bool is_drained(struct tty_file *tf)
{
    struct tty *tty = tf->tty;

    if (tty_file_is_dead(tf) || tty->ops->is_drained == NULL)
        return true;
    return ring_used(&tty->out) == 0 && tty->ops->is_drained(tty);
}

/* tcdrain(3). The device's last bytes leave without an interrupt: look now and then. */
int tty_wait_drained(struct tty_file *tf)
{
    int err = 0;

    while (!is_drained(tf) && err == 0) {
        err = wait_event_deadline(&tf->tty->write_wq, is_drained(tf), ktime_ns() + NSEC_PER_MSEC);
        if (err == -ETIMEDOUT)
            err = 0;
    }
    return err;
}

static uint32_t tty_poll(struct file *f, struct poll_table *pt)
{
    struct tty_file *tf = f->private;
    struct tty *tty = tf->tty;
    uint32_t events = 0;
    size_t want = 1;
    irqflags_t flags;

    note_first_wait(tty);
    poll_wait(f, &tty->read_wq, pt);
    poll_wait(f, &tty->write_wq, pt);
    if (tty_file_is_dead(tf))
        return POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDNORM | POLLWRNORM;

    flags = spin_lock(&tty->lock);
    if (tty->ld.t.c_cc[VTIME] == 0 && tty->ld.t.c_cc[VMIN] != 0)
        want = tty->ld.t.c_cc[VMIN];
    if (ldisc_readable(&tty->ld, want))
        events |= POLLIN | POLLRDNORM;
    spin_unlock(&tty->lock, flags);
    if (has_output_room(tf))
        events |= POLLOUT | POLLWRNORM;
    return events;
}

const struct file_ops tty_fops = {
    .read = tty_read,
    .write = tty_write,
    .poll = tty_poll,
    .ioctl = tty_ioctl,
    .release = tty_release,
};
