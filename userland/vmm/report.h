/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the monitor talks about itself: one clear line on stderr for people, and
 * machine-readable lines on the status descriptor for the supervisor.
 */
#pragma once

/* Exit statuses of the monitor; a guest command's own status is passed on as it is. */
enum {
    VMM_EXIT_OK = 0,       /* the guest powered off and reported no status */
    VMM_EXIT_SETUP = 125,  /* the VM never ran: bad option, no kernel, no virtualization, ... */
    VMM_EXIT_CRASHED = 126 /* the guest crashed, or the CPU could not run it */
};

void report_init(const char *vm_name);
void report_set_status_fd(int fd);

/* Write one line ("exited 3") to the status descriptor; without one, do nothing. */
void report_status(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

void warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Say what failed on stderr, and as "failed WHAT" on the status descriptor; exit VMM_EXIT_SETUP. */
_Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
