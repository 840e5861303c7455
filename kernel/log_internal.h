/* SPDX-License-Identifier: BSD-2-Clause */
/* Between log.c, syslog.c and panic.c. */
#pragma once

#include <kernel/types.h>

#define LOG_TEXT_SIZE 65536

/* "[    1.234567] "; returns its length. */
size_t log_format_time(char *buf, size_t size, uint64_t time_ns);
void log_clear(void);
void log_console_on(void);
void log_set_console_level(unsigned level);
