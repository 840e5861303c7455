/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pseudo terminals: pty(7). Opening /dev/ptmx makes a pair and gives the master;
 * the slave appears as N in the devpts beside it. The slave is an ordinary
 * struct tty; this file is its "hardware": the master's file.
 *
 * Ends: when the last slave file closes, the master reads what is left, then
 * -EIO, and polls POLLHUP, until a slave is opened again. When the master closes,
 * the slave is hung up and its node goes.
 */
#include "pty.h"

#include <kernel/cgroup.h>
#include <kernel/files.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>

#include "kernel/abi/ioctl.h"

#define CHUNK      512 /* one hold of tty->lock */
#define LINE_CHUNK 32  /* where each byte typed may be ^R, which goes over a whole line */

static struct pty *pty_of(struct tty *tty)
{
    return container_of(tty, struct pty, tty);
}

/* ---- the slave's driver ---- */

static int slave_may_open(struct tty *tty, struct file *f)
{
    struct pty *pty = pty_of(tty);

    (void)f;
    return READ_ONCE(pty->is_locked) || !READ_ONCE(pty->master_open) ? -EIO : 0;
}

static void slave_last_close(struct tty *tty)
{
    wake_up_events(&pty_of(tty)->read_wq, POLLIN | POLLRDNORM | POLLHUP);
    wake_up_events(&pty_of(tty)->write_wq, POLLOUT | POLLHUP);
}

static void slave_output_ready(struct tty *tty)
{
    wake_up_events(&pty_of(tty)->read_wq, POLLIN | POLLRDNORM);
}

static void slave_input_room(struct tty *tty)
{
    wake_up_events(&pty_of(tty)->write_wq, POLLOUT | POLLWRNORM);
}

static void pty_free(struct tty *tty)
{
    kfree(pty_of(tty));
}

static const struct tty_ops pty_ops = {
    .open = slave_may_open,
    .last_close = slave_last_close,
    .output_ready = slave_output_ready,
    .input_room = slave_input_room,
    .release = pty_free,
    .cflag_fixed = CSIZE | PARENB,
    .cflag_value = CS8 | CREAD,
};

int pts_open(struct inode *inode, struct file *f)
{
    struct pty *pty = inode->private;

    f->ops = &tty_fops;
    return tty_open(&pty->tty, f, TTY_OPEN_PLAIN);
}

/* ---- the master's file ---- */

/* The program side was there and has gone. */
static bool slave_is_gone(const struct pty *pty)
{
    return READ_ONCE(pty->tty.opens) == 0 && READ_ONCE(pty->tty.opens_ever) != 0;
}

static bool master_is_readable(const struct pty *pty)
{
    return ring_used(&pty->tty.out) != 0 || slave_is_gone(pty);
}

static ssize_t master_read(struct file *f, struct io_buf *to, off_t *pos)
{
    struct pty *pty = f->private;
    struct tty *tty = &pty->tty;
    uint8_t chunk[CHUNK];
    ssize_t done = 0;
    int err;

    (void)pos;
    if (to->remaining == 0)
        return 0;
    while (!master_is_readable(pty)) {
        if (f->flags & O_NONBLOCK)
            return -EAGAIN;
        err = wait_event_interruptible(&pty->read_wq, master_is_readable(pty));
        if (err < 0)
            return err;
    }
    while (to->remaining > 0) {
        irqflags_t flags = spin_lock(&tty->lock);
        size_t got = ring_read(&tty->out, chunk, min(to->remaining, sizeof(chunk)));
        ssize_t n;

        spin_unlock(&tty->lock, flags);
        if (got == 0)
            break;
        n = io_copy_to(to, chunk, got);
        if (n < 0) {
            done = done > 0 ? done : n;
            break;
        }
        done += n;
        if ((size_t)n < got)
            break;
    }
    tty_output_sent(tty);
    return done != 0 ? done : -EIO;
}

static bool master_is_writable(struct pty *pty)
{
    struct tty *tty = &pty->tty;
    irqflags_t flags = spin_lock(&tty->lock);
    bool room = ldisc_room(&tty->ld) != 0;

    spin_unlock(&tty->lock, flags);
    return room;
}

/* Type all n bytes; how many went in, and in *err why not more. */
static size_t type_bytes(struct file *f, const uint8_t *p, size_t n, int *err)
{
    struct pty *pty = f->private;
    size_t done = 0;

    while ((done += tty_receive(&pty->tty, p + done, n - done)) < n && *err == 0) {
        if (f->flags & O_NONBLOCK)
            *err = -EAGAIN;
        else
            *err = wait_event_interruptible(&pty->write_wq, master_is_writable(pty));
    }
    return done;
}

static ssize_t master_write(struct file *f, struct io_buf *from, off_t *pos)
{
    const struct pty *pty = f->private;
    uint8_t chunk[CHUNK];
    ssize_t done = 0;
    int err = 0;

    (void)pos;
    while (from->remaining > 0 && err == 0) {
        size_t n = READ_ONCE(pty->tty.ld.transparent) ? CHUNK : LINE_CHUNK;
        ssize_t got = io_copy_from(chunk, from, min(from->remaining, n));

        if (got < 0)
            err = (int)got;
        else
            done += (ssize_t)type_bytes(f, chunk, (size_t)got, &err);
        cond_resched();
    }
    return done > 0 ? done : err;
}

static uint32_t master_poll(struct file *f, struct poll_table *pt)
{
    struct pty *pty = f->private;
    uint32_t events = 0;

    poll_wait(f, &pty->read_wq, pt);
    poll_wait(f, &pty->write_wq, pt);
    if (ring_used(&pty->tty.out) != 0)
        events |= POLLIN | POLLRDNORM;
    if (master_is_writable(pty))
        events |= POLLOUT | POLLWRNORM;
    if (slave_is_gone(pty))
        events |= POLLHUP;
    return events;
}

/* ioctl_tty(2), TIOCGPTPEER: the slave, whatever the caller sees of the file system. */
static long open_peer(struct file *f, uint64_t arg)
{
    struct pty *pty = f->private;
    struct path path;
    struct file *slave;
    int err, fd;

    err = devpts_of_ptmx(f, &path);
    if (err < 0)
        return err;
    if (path.mnt->sb != pty->sb) {
        path_put(&path);
        return -ENODEV;
    }
    dentry_put(path.dentry);
    path.dentry = pty->node;
    dentry_get(path.dentry);
    err = file_open_path(&path, (uint32_t)arg & (O_ACCMODE | O_NOCTTY | O_NONBLOCK), &slave);
    path_put(&path);
    if (err < 0)
        return err;
    fd = fd_install(slave, arg & O_CLOEXEC ? FD_CLOEXEC : 0, 0);
    if (fd < 0)
        file_put(slave);
    return fd;
}

/* Of the master's own input, which is the slave's output. */
static long flush_output_of_slave(struct pty *pty)
{
    irqflags_t flags = spin_lock(&pty->tty.lock);

    ring_clear(&pty->tty.out);
    spin_unlock(&pty->tty.lock, flags);
    tty_output_sent(&pty->tty);
    return 0;
}

static long send_signal(struct pty *pty, uint64_t sig)
{
    if (sig != SIGINT && sig != SIGQUIT && sig != SIGTSTP)
        return -EINVAL;
    tty_signal_foreground(&pty->tty, SIGMASK(sig));
    return 0;
}

static long master_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
    struct pty *pty = f->private;
    int32_t v;

    switch (cmd) {
    case TIOCGPTN:
        return put_user(arg, (uint32_t)pty->index);
    case TIOCSPTLCK:
        if (get_user(&v, arg) < 0)
            return -EFAULT;
        WRITE_ONCE(pty->is_locked, v != 0);
        return 0;
    case TIOCGPTLCK:
        return put_user(arg, (int32_t)READ_ONCE(pty->is_locked));
    case TIOCGPTPEER:
        return open_peer(f, arg);
    case TIOCSIG:
        return send_signal(pty, arg);
    case FIONREAD:
        return put_user(arg, (int32_t)ring_used(&pty->tty.out));
    case TIOCOUTQ:
        return put_user(arg, (int32_t)0);
    case TCFLSH:
        if (arg > TCIOFLUSH)
            return -EINVAL;
        return arg == TCOFLUSH ? 0 : flush_output_of_slave(pty);
    case TCSBRK:
    case TCSBRKP:
        return 0;
    default:
        return tty_common_ioctl(&pty->tty, f, cmd, arg, true);
    }
}

static void master_release(struct file *f)
{
    struct pty *pty = f->private;

    WRITE_ONCE(pty->master_open, false);
    devpts_remove(pty);
    tty_hangup(&pty->tty);
    super_put(pty->sb);
    tty_put(&pty->tty);
}

static const struct file_ops master_fops = {
    .read = master_read,
    .write = master_write,
    .poll = master_poll,
    .ioctl = master_ioctl,
    .release = master_release,
};

static int ptmx_open(struct inode *inode, struct file *f)
{
    struct path root;
    struct pty *pty;
    int err = devpts_of_ptmx(f, &root);

    (void)inode;
    if (err < 0)
        return err;
    err = -ENOMEM;
    pty = kalloc_for(current_cgroup(), sizeof(*pty));
    if (pty == NULL)
        goto put_root;
    tty_init(&pty->tty, &pty_ops, 0);
    wait_queue_init(&pty->read_wq);
    wait_queue_init(&pty->write_wq);
    pty->is_locked = true;
    pty->master_open = true;
    pty->sb = root.mnt->sb;
    err = devpts_add(pty->sb, pty);
    if (err < 0) {
        kfree(pty);
        goto put_root;
    }
    super_get(pty->sb);
    f->ops = &master_fops;
    f->private = pty;

put_root:
    path_put(&root);
    return err;
}

static struct char_dev ptmx_dev = {
    .dev = MKDEV(5, 2), .name = "ptmx", .mode = 0666, .ops = &master_fops, .open = ptmx_open};

void pty_init(void)
{
    devpts_init();
    char_dev_register(&ptmx_dev);
}
