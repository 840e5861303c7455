/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* "TERM", "SIGTERM", "15", "SIGRTMIN+3" -> the number; -1 if there is no such signal. */
int signame_parse(const char *text);
/* What a shell makes of a wait status: the exit code, or 128 + the signal. */
int status_from_wait(int wstatus);
/* The exit status for an execve() that failed with this errno: 127 not found, else 126. */
int status_from_exec_errno(int err);
/* The words Docker users know for it. */
const char *status_exec_reason(int err, const char *command);
