/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What went wrong, carried up to whoever prints it. The caller owns the struct
 * and its text is fixed in size, so that failing never allocates. `status` is
 * the exit status the command should end with (125, 126, 127 or 1).
 */
struct err {
    int status;
    char text[400];
};

/* Both return -1, so that a failing function can end with `return err_set(...)`. */
int err_set(struct err *e, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The same, with ": <strerror(errno)>" behind it. */
int err_sys(struct err *e, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The program's name, as messages begin with it. */
extern const char *err_program;

/* One line on stderr, then exit. */
void die(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3), noreturn));
void die_err(const struct err *e) __attribute__((noreturn));
void warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
