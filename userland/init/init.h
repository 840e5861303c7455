/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of the first process. */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <sys/types.h>

/* mounts.c: the file systems that every program expects. */
void mount_all(void);

/* console.c: a login shell on the console, for ever. */
void console_open(void);
/* Start the shell if it does not run; returns its pid. */
pid_t console_start_shell(void);

/* batch.c: the commands that tools/boot brought. */
#define BATCH_COMMANDS "/etc/bulkhead/exec"
bool batch_wanted(void);
/* Run them and report over the debug port. */
void batch_run(void);

/* shutdown.c */

/* Block the signals that busybox's halt, poweroff and reboot send to the first process. */
void shutdown_prepare(void);
/* Undo shutdown_prepare() in a child. */
void shutdown_forget(void);
/* As ppoll(2), and the only place where a signal gets through: it ends early (EINTR) for one. */
int shutdown_poll(struct pollfd *polled, nfds_t count, const struct timespec *timeout);
/* Has one of those signals come? */
bool shutdown_asked(void);
/* Reap every child that has ended; true, with its status, if `pid` is among them. */
bool shutdown_reap(pid_t pid, int *status);
/* End every process, then do what the signal asked for: power off if there was none. */
void shutdown_now(void) __attribute__((noreturn));

/* The value of KEY=value on the kernel's command line, in a static buffer, or NULL. */
const char *cmdline_value(const char *key);
