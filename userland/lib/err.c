/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Error reporting. A message says what was attempted, on what, and why it
 * failed; it is one line on stderr, written by a single write so that lines of
 * several processes do not mix.
 */
#include "err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *err_program = "ct";

/* Names in messages come from users and images: no control characters reach the terminal. */
static void tame(char *s)
{
    for (; *s != '\0'; s++) {
        if ((unsigned char)*s < ' ' || *s == 0x7f)
            *s = '?';
    }
}

int err_set(struct err *e, int status, const char *fmt, ...)
{
    va_list ap;

    e->status = status;
    va_start(ap, fmt);
    vsnprintf(e->text, sizeof(e->text), fmt, ap);
    va_end(ap);
    tame(e->text);
    return -1;
}

int err_sys(struct err *e, int status, const char *fmt, ...)
{
    const char *why = strerror(errno);
    va_list ap;
    size_t len;

    e->status = status;
    va_start(ap, fmt);
    vsnprintf(e->text, sizeof(e->text), fmt, ap);
    va_end(ap);
    len = strlen(e->text);
    snprintf(e->text + len, sizeof(e->text) - len, ": %s", why);
    tame(e->text);
    return -1;
}

static void print_line(const char *text)
{
    char line[512];
    int len = snprintf(line, sizeof(line), "%s: %s\n", err_program, text);

    if (len >= (int)sizeof(line)) {
        len = sizeof(line) - 1;
        line[len - 1] = '\n';
    }
    (void)!write(STDERR_FILENO, line, (size_t)len); /* nowhere left to report to */
}

void warn(const char *fmt, ...)
{
    char text[400];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    tame(text);
    print_line(text);
}

void die(int status, const char *fmt, ...)
{
    char text[400];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    tame(text);
    fflush(stdout);
    print_line(text);
    exit(status);
}

void die_err(const struct err *e)
{
    die(e->status, "%s", e->text);
}
