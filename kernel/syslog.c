/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * syslog(2), the older of the two ways to read the kernel log: dmesg(1) of
 * busybox uses it. Lines look like "<6>[    0.123456] text\n".
 */
#include <kernel/cred.h>
#include <kernel/errno.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/mutex.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/syscalls.h>
#include <kernel/time.h>
#include <kernel/uaccess.h>

#include "log_internal.h"

enum syslog_action {
    SYSLOG_CLOSE,
    SYSLOG_OPEN,
    SYSLOG_READ,
    SYSLOG_READ_ALL,
    SYSLOG_READ_CLEAR,
    SYSLOG_CLEAR,
    SYSLOG_CONSOLE_OFF,
    SYSLOG_CONSOLE_ON,
    SYSLOG_CONSOLE_LEVEL,
    SYSLOG_SIZE_UNREAD,
    SYSLOG_SIZE_BUFFER,
};

#define FORMATTED_MAX (LOG_LINE_MAX + 48)

/* SYSLOG_READ takes each line once, whoever reads; part of one may be left over. */
static struct mutex read_lock = MUTEX_INIT(read_lock);
static uint64_t read_seq;    /* [read_lock] */
static size_t read_skip;     /* [read_lock] bytes of the record at read_seq already read */

/* The record at *seq or after as a line; 0 when there is none. */
static size_t format_record(uint64_t *seq, char *out, size_t size)
{
    struct log_record rec;
    char *text = out + 48;
    size_t n = 0;
    int length = log_read(seq, &rec, text, size - 49);

    if (length < 0)
        return 0;
    n = (size_t)snprintf(out, 16, "<%u>", rec.facility * 8u + rec.level);
    n += log_format_time(out + n, 48 - n, rec.time_ns);
    length = min(length, (int)size - 49);
    memmove(out + n, text, (size_t)length);
    n += (size_t)length;
    out[n++] = '\n';
    return n;
}

static size_t formatted_length(uint64_t from, char *scratch)
{
    size_t total = 0, n;

    while ((n = format_record(&from, scratch, FORMATTED_MAX)) != 0)
        total += n;
    return total;
}

/* The newest lines that fit into `size` bytes, in order. */
static long read_all(uaddr_t buf, size_t size, char *scratch)
{
    uint64_t seq = log_clear_seq();
    size_t skip = formatted_length(seq, scratch), done = 0, n;

    while (skip > size && (n = format_record(&seq, scratch, FORMATTED_MAX)) != 0)
        skip -= n;
    while ((n = format_record(&seq, scratch, FORMATTED_MAX)) != 0 && done + n <= size) {
        if (copy_to_user(buf + done, scratch, n) < 0)
            return -EFAULT;
        done += n;
    }
    return (long)done;
}

static long read_some(uaddr_t buf, size_t size, char *scratch)
{
    size_t done = 0;

    while (done < size) {
        uint64_t seq = read_seq;
        size_t length = format_record(&seq, scratch, FORMATTED_MAX), n;

        if (length == 0)
            break;
        if (read_skip >= length) /* what was begun has been overwritten by something shorter */
            read_skip = 0;
        n = min(length - read_skip, size - done);
        if (copy_to_user(buf + done, scratch + read_skip, n) < 0)
            return done != 0 ? (long)done : -EFAULT;
        done += n;
        read_skip += n;
        if (read_skip == length) {
            read_seq = seq;
            read_skip = 0;
        }
    }
    return (long)done;
}

static long wait_and_read(uaddr_t buf, size_t size, char *scratch)
{
    long n;

    do {
        int err = wait_event_interruptible(&log_wq, log_next_seq() > READ_ONCE(read_seq));

        if (err < 0)
            return err;
        mutex_lock(&read_lock);
        n = read_some(buf, size, scratch);
        mutex_unlock(&read_lock);
    } while (n == 0);
    return n;
}

static long size_unread(char *scratch)
{
    long n;

    mutex_lock(&read_lock);
    n = (long)(formatted_length(read_seq, scratch) - read_skip);
    mutex_unlock(&read_lock);
    return n;
}

static long syslog_read(enum syslog_action action, uaddr_t buf, int len)
{
    char *scratch;
    long result;

    if (action != SYSLOG_SIZE_UNREAD) {
        if (buf == 0 || len < 0)
            return -EINVAL;
        if (len == 0)
            return 0;
        if (!user_range_ok(buf, (size_t)len))
            return -EFAULT;
    }
    scratch = kmalloc(FORMATTED_MAX);
    if (scratch == NULL)
        return -ENOMEM;
    switch (action) {
    case SYSLOG_READ:
        result = wait_and_read(buf, (size_t)len, scratch);
        break;
    case SYSLOG_SIZE_UNREAD:
        result = size_unread(scratch);
        break;
    default:
        result = read_all(buf, (size_t)len, scratch);
        if (result >= 0 && action == SYSLOG_READ_CLEAR)
            log_clear();
    }
    kfree(scratch);
    return result;
}

/* The log names the host's addresses and programs: as with Debian's dmesg_restrict=1. */
long sys_syslog(int type, uaddr_t buf, int len)
{
    if (!capable(CAP_SYSLOG))
        return -EPERM;
    switch (type) {
    case SYSLOG_CLOSE:
    case SYSLOG_OPEN:
        return 0;
    case SYSLOG_READ:
    case SYSLOG_READ_ALL:
    case SYSLOG_READ_CLEAR:
    case SYSLOG_SIZE_UNREAD:
        return syslog_read((enum syslog_action)type, buf, len);
    case SYSLOG_CLEAR:
        log_clear();
        return 0;
    case SYSLOG_CONSOLE_OFF:
        log_console_off();
        return 0;
    case SYSLOG_CONSOLE_ON:
        log_console_on();
        return 0;
    case SYSLOG_CONSOLE_LEVEL:
        if (len < 1 || len > 8)
            return -EINVAL;
        log_set_console_level((unsigned)len);
        return 0;
    case SYSLOG_SIZE_BUFFER:
        return LOG_TEXT_SIZE;
    default:
        return -EINVAL;
    }
}
