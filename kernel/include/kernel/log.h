/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel log, assertions and panic. Messages: "subsystem: lower case, one
 * fact a line, units shown\n". They go to the ring that dmesg reads and, until
 * the first prompt, to the serial console.
 */
#pragma once

#include <kernel/types.h>

struct wait_queue;

enum log_level { LOG_ERR = 3, LOG_WARN = 4, LOG_INFO = 6, LOG_DEBUG = 7 };

void log_print(enum log_level level, const char *fmt, ...) __printf(2, 3);
#define log_err(...)   log_print(LOG_ERR, __VA_ARGS__)
#define log_warn(...)  log_print(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_print(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_print(LOG_DEBUG, __VA_ARGS__)

/*
 * Reading the ring: records have ascending numbers; the oldest are overwritten.
 * log_read() gives the first record whose number is *seq or higher, sets *seq to
 * the number after it, and returns the length of its text (without newline; at
 * most `size` bytes are copied, not terminated), or -EAGAIN: none yet.
 * If the record at *seq is gone already, rec->seq tells how many were missed.
 */
struct log_record {
    uint64_t seq;
    uint64_t time_ns;
    uint8_t level;    /* enum log_level, 0..7 */
    uint8_t facility; /* 0 kernel, 1 user: written to /dev/kmsg */
};
#define LOG_LINE_MAX 1000
int log_read(uint64_t *seq, struct log_record *rec, char *text, size_t size);
uint64_t log_first_seq(void);
uint64_t log_next_seq(void);
uint64_t log_clear_seq(void); /* where SYSLOG_ACTION_READ_ALL and /dev/kmsg's SEEK_DATA begin */
/* A line from user space: write(2) to /dev/kmsg. */
void log_user(unsigned facility, unsigned level, const char *text, size_t n);
/* Readers of /dev/kmsg wait and poll here. */
extern struct wait_queue log_wq;

/* Stop printing to the console: init has opened it (kernel log goes on in the ring only). */
void log_console_off(void);
void log_init(void); /* start-up: obeys the command line */

/* Prints CPU, registers, backtrace and current thread, to the console and as
 * frames on the debug port, then stops every CPU. Never returns. */
void panic(const char *fmt, ...) __printf(1, 2) __noreturn;

/* States what must be true here; never tests input, has no side effects. */
#define assert(cond)                                                                               \
    do {                                                                                           \
        if (unlikely(!(cond)))                                                                     \
            panic("assertion failed: %s, %s:%d in %s", #cond, __FILE__, __LINE__, __func__);       \
    } while (0)

/* Where an error is born: prints file and line in debug builds, nothing otherwise. */
#ifdef DEBUG_TRACE_ERR
#define trace_err(e) (log_debug("%s:%d: error %d\n", __FILE__, __LINE__, (int)(e)), (e))
#else
#define trace_err(e) (e)
#endif
