/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel log: numbered records in a ring that overwrites the oldest.
 *
 *     records[seq % RECORDS]   when, how urgent, and where in the text ring
 *     text[position % TEXT]    the lines themselves, without newlines
 *
 * A record lives while both its slot and its text are not overwritten:
 * [first, next) are the numbers of those that do. Any context may log, also
 * under locks: the log's own lock is a leaf, and waiting readers are woken from
 * an interrupt of their own.
 */
#include <kernel/log.h>

#include <kernel/boot_info.h>
#include <kernel/errno.h>
#include <kernel/spinlock.h>
#include <kernel/string.h>
#include <kernel/time.h>
#include <kernel/trap.h>
#include <kernel/wait.h>

#include "log_internal.h"

#define RECORDS 2048
#define TEXT    LOG_TEXT_SIZE

struct slot {
    uint64_t time_ns;
    uint64_t position; /* of its text: counts all text ever logged */
    uint16_t length;
    uint8_t level, facility;
};

static struct spinlock log_lock;
static struct slot records[RECORDS];  /* [log_lock] */
static char text[TEXT];               /* [log_lock] */
static uint64_t first, next;          /* [log_lock] */
static uint64_t text_end;             /* [log_lock] position after the newest record's text */
static uint64_t clear_seq;            /* [log_lock] SYSLOG_ACTION_CLEAR */
static char line[LOG_LINE_MAX];       /* [log_lock] the record being made */

static bool console_on = true;        /* [a] */
static uint8_t console_level = LOG_DEBUG; /* [a] less urgent levels are not printed: below this one */
static bool frames_on;                /* [I] lines on the debug port too */
struct wait_queue log_wq = WAIT_QUEUE_INIT(log_wq);

/* ---- writing ---- */

static bool is_overwritten(const struct slot *s, uint64_t end)
{
    return end - s->position > TEXT;
}

static void append(unsigned facility, unsigned level, const char *s, size_t n)
{
    struct slot *slot = &records[next % RECORDS];

    while (first < next &&
           (next - first == RECORDS || is_overwritten(&records[first % RECORDS], text_end + n)))
        first++;
    *slot = (struct slot){
        .time_ns = ktime_ns(),
        .position = text_end,
        .length = (uint16_t)n,
        .level = (uint8_t)level,
        .facility = (uint8_t)facility,
    };
    for (size_t i = 0; i < n; i++)
        text[(text_end + i) % TEXT] = s[i];
    text_end += n;
    next++;
}

size_t log_format_time(char *buf, size_t size, uint64_t time_ns)
{
    return (size_t)snprintf(buf, size, "[%5lu.%06lu] ", time_ns / NSEC_PER_SEC,
                            time_ns % NSEC_PER_SEC / NSEC_PER_USEC);
}

static void print(unsigned level, uint64_t time_ns, const char *s, size_t n)
{
    char stamp[32];
    size_t stamp_length;

    if (level >= console_level || (!console_on && !frames_on))
        return;
    stamp_length = log_format_time(stamp, sizeof(stamp), time_ns);
    if (console_on) {
        early_console_write(stamp, stamp_length);
        early_console_write(s, n);
        early_console_write("\n", 1);
    }
}

static void wake_readers(void)
{
    wake_up(&log_wq);
}

static void finish_line(unsigned facility, unsigned level, size_t n)
{
    while (n > 0 && line[n - 1] == '\n')
        n--;
    append(facility, level, line, n);
    print(level, records[(next - 1) % RECORDS].time_ns, line, n);
    if (frames_on) {
        line[n] = '\n';
        debug_port_frame('l', line, n + 1);
    }
    if (!list_is_empty(&log_wq.waiters))
        irq_defer(wake_readers);
}

void log_print(enum log_level level, const char *fmt, ...)
{
    irqflags_t flags = spin_lock(&log_lock);
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
    va_end(ap);
    finish_line(0, level, min((size_t)n, sizeof(line) - 2));
    spin_unlock(&log_lock, flags);
}

void log_user(unsigned facility, unsigned level, const char *s, size_t n)
{
    irqflags_t flags = spin_lock(&log_lock);

    n = min(n, sizeof(line) - 2);
    memcpy(line, s, n);
    finish_line(facility, level, n);
    spin_unlock(&log_lock, flags);
}

/* ---- reading ---- */

int log_read(uint64_t *seq, struct log_record *rec, char *buf, size_t size)
{
    irqflags_t flags = spin_lock(&log_lock);
    const struct slot *slot;
    uint64_t at = max(*seq, first);
    int length;

    if (at >= next) {
        spin_unlock(&log_lock, flags);
        return -EAGAIN;
    }
    slot = &records[at % RECORDS];
    *rec = (struct log_record){at, slot->time_ns, slot->level, slot->facility};
    length = slot->length;
    for (size_t i = 0; i < min((size_t)length, size); i++)
        buf[i] = text[(slot->position + i) % TEXT];
    *seq = at + 1;
    spin_unlock(&log_lock, flags);
    return length;
}

static uint64_t read_locked(const uint64_t *value)
{
    irqflags_t flags = spin_lock(&log_lock);
    uint64_t v = *value;

    spin_unlock(&log_lock, flags);
    return v;
}

uint64_t log_first_seq(void)
{
    return read_locked(&first);
}

uint64_t log_next_seq(void)
{
    return read_locked(&next);
}

uint64_t log_clear_seq(void)
{
    return max(read_locked(&clear_seq), log_first_seq());
}

void log_clear(void)
{
    irqflags_t flags = spin_lock(&log_lock);

    clear_seq = next;
    spin_unlock(&log_lock, flags);
}

/* ---- the console ---- */

void log_console_off(void)
{
    console_on = false;
}

void log_console_on(void)
{
    console_on = true;
}

void log_set_console_level(unsigned level)
{
    console_level = (uint8_t)level;
}

/* "quiet", "debug", "loglevel=N" as on Linux; "log_debugport". */
void log_init(void)
{
    const char *level = cmdline_get("loglevel");
    uint64_t n;

    if (cmdline_get("quiet") != NULL)
        console_level = LOG_WARN;
    if (cmdline_get("debug") != NULL)
        console_level = LOG_DEBUG + 1;
    if (level != NULL && parse_u64(level, 10, &n) == 0 && n <= LOG_DEBUG + 1)
        console_level = (uint8_t)n;
    frames_on = cmdline_get("log_debugport") != NULL;
}
