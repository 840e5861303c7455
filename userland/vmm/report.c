/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages: see report.h. Lines are built whole and written with one write(). */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024

static const char *name = "";
static int status_fd = -1;

void report_init(const char *vm_name)
{
    name = vm_name;
}

void report_set_status_fd(int fd)
{
    status_fd = fd;
}

/* Format "PREFIX" + fmt + newline and write it; a message that is too long is cut, not lost. */
static void write_line(int fd, const char *prefix, const char *fmt, va_list args)
{
    char line[LINE_MAX_BYTES];
    size_t len = (size_t)snprintf(line, sizeof(line) / 2, "%s", prefix);
    int n = vsnprintf(line + len, sizeof(line) - 1 - len, fmt, args);

    if (n > 0)
        len += (size_t)n < sizeof(line) - 1 - len ? (size_t)n : sizeof(line) - 2 - len;
    line[len++] = '\n';
    (void)!write(fd, line, len); /* nobody is left to tell */
}

void report_status(const char *fmt, ...)
{
    va_list args;

    if (status_fd < 0)
        return;
    va_start(args, fmt);
    write_line(status_fd, "", fmt, args);
    va_end(args);
}

static void to_stderr(const char *fmt, va_list args)
{
    char prefix[96];

    snprintf(prefix, sizeof(prefix), name[0] != '\0' ? "vmm: %s: " : "vmm: %s", name);
    write_line(STDERR_FILENO, prefix, fmt, args);
}

void warn(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    to_stderr(fmt, args);
    va_end(args);
}

void die(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    to_stderr(fmt, args);
    va_end(args);
    if (status_fd >= 0) {
        va_start(args, fmt);
        write_line(status_fd, "failed ", fmt, args);
        va_end(args);
    }
    exit(VMM_EXIT_SETUP);
}
