/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /dev/kmsg: the kernel's log as records, one per read,
 *
 *     priority,sequence,microseconds,-;text
 *
 * Each open file has a position of its own. A reader that was too slow gets
 * -EPIPE once and goes on with the oldest record there is.
 */
#include <kernel/cgroup.h>
#include <kernel/files.h>
#include <kernel/fs.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/string.h>

#include "mem.h"

enum { WHENCE_SET = 0, WHENCE_END = 2, WHENCE_DATA = 3 };

struct kmsg_reader {
    struct mutex lock;
    uint64_t seq;                     /* [lock] the next record to give */
    char text[LOG_LINE_MAX];          /* [lock] scratch */
    char line[64 + 4 * LOG_LINE_MAX]; /* [lock] with the prefix, and unprintable bytes as \xNN */
};

int kmsg_open(struct inode *inode, struct file *f)
{
    struct kmsg_reader *r;

    (void)inode;
    if (!f->can_read)
        return 0;
    r = kalloc_for(current_cgroup(), sizeof(*r));
    if (r == NULL)
        return -ENOMEM;
    mutex_init(&r->lock);
    r->seq = log_first_seq();
    f->private = r;
    return 0;
}

static void kmsg_release(struct file *f)
{
    kfree(f->private);
}

static size_t format_record(struct kmsg_reader *r, const struct log_record *rec, size_t text_len)
{
    size_t n = (size_t)snprintf(
        r->line, sizeof(r->line), "%u,%llu,%llu,-;", (unsigned)rec->facility << 3 | rec->level,
        (unsigned long long)rec->seq, (unsigned long long)(rec->time_ns / NSEC_PER_USEC));

    for (size_t i = 0; i < text_len; i++) {
        uint8_t c = (uint8_t)r->text[i];

        if (c < ' ' || c >= 127 || c == '\\')
            n += (size_t)snprintf(r->line + n, sizeof(r->line) - n, "\\x%02x", c);
        else
            r->line[n++] = (char)c;
    }
    r->line[n++] = '\n';
    return n;
}

static bool has_record(const struct kmsg_reader *r)
{
    return READ_ONCE(r->seq) < log_next_seq();
}

/* [lock] */
static ssize_t read_record(struct kmsg_reader *r, struct io_buf *to)
{
    struct log_record rec;
    uint64_t seq = r->seq;
    ssize_t copied;
    size_t len;
    int n = log_read(&seq, &rec, r->text, sizeof(r->text));

    if (n < 0)
        return n;
    if (rec.seq > r->seq) { /* records were overwritten before they were read */
        r->seq = rec.seq;
        return -EPIPE;
    }
    len = format_record(r, &rec, (size_t)n);
    if (len > to->remaining)
        return -EINVAL;
    copied = io_copy_to(to, r->line, len);
    if (copied != (ssize_t)len)
        return -EFAULT;
    r->seq = seq;
    return copied;
}

static ssize_t kmsg_read(struct file *f, struct io_buf *to, off_t *pos)
{
    struct kmsg_reader *r = f->private;
    ssize_t n;

    (void)pos;
    for (;;) {
        int err;

        mutex_lock(&r->lock);
        n = read_record(r, to);
        mutex_unlock(&r->lock);
        if (n != -EAGAIN || (f->flags & O_NONBLOCK))
            return n;
        err = wait_event_interruptible(&log_wq, has_record(r));
        if (err < 0)
            return err;
    }
}

/* "<priority>text"; without one it is user-level, "notice". */
static ssize_t kmsg_write(struct file *f, struct io_buf *from, off_t *pos)
{
    enum { USER = 1, NOTICE = 5 };
    char text[LOG_LINE_MAX + 8];
    unsigned priority = USER << 3 | NOTICE;
    char *p = text, *end;
    ssize_t n;

    (void)f;
    (void)pos;
    if (from->remaining > LOG_LINE_MAX)
        return -EINVAL;
    n = io_copy_from(text, from, from->remaining);
    if (n < 0)
        return n;
    text[n] = '\0';
    end = text + n;
    if (*p == '<') {
        unsigned v = 0;
        char *q = p + 1;

        while (*q >= '0' && *q <= '9' && v < 10000)
            v = v * 10 + (unsigned)(*q++ - '0');
        if (*q == '>' && q > p + 1) {
            priority = v >> 3 != 0 ? v : (USER << 3 | (v & 7)); /* nobody speaks for the kernel */
            p = q + 1;
        }
    }
    if (end > p && end[-1] == '\n')
        end--;
    log_user(priority >> 3, priority & 7, p, (size_t)(end - p));
    return n;
}

static off_t kmsg_seek(struct file *f, off_t off, int whence)
{
    struct kmsg_reader *r = f->private;
    uint64_t seq;

    if (r == NULL)
        return -EBADF;
    if (off != 0)
        return -ESPIPE;
    switch (whence) {
    case WHENCE_SET:
        seq = log_first_seq();
        break;
    case WHENCE_DATA:
        seq = log_clear_seq();
        break;
    case WHENCE_END:
        seq = log_next_seq();
        break;
    default:
        return -EINVAL;
    }
    mutex_lock(&r->lock);
    r->seq = seq;
    mutex_unlock(&r->lock);
    return 0;
}

static uint32_t kmsg_poll(struct file *f, struct poll_table *pt)
{
    struct kmsg_reader *r = f->private;
    uint32_t events = 0;

    if (r == NULL)
        return POLLERR | POLLNVAL;
    poll_wait(f, &log_wq, pt);
    if (has_record(r)) {
        events |= POLLIN | POLLRDNORM;
        if (r->seq < log_first_seq())
            events |= POLLERR | POLLPRI;
    }
    return events;
}

const struct file_ops kmsg_fops = {
    .read = kmsg_read,
    .write = kmsg_write,
    .llseek = kmsg_seek,
    .poll = kmsg_poll,
    .release = kmsg_release,
};
