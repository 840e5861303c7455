/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "client.h"
#include "command.h"
#include "instance.h"

/*
 * The commands that are the same for containers and VMs: what happens to an
 * instance once it is there. Each returns the command's exit status.
 */
struct session_options {
    bool attach, input;
};

/* Attached to an instance until its end: its exit status, or 0 after detaching. */
int session_run(struct instance *in, int sock, const struct client_io *io);
int session_start(const char *kind, int argc, char **argv, const struct session_options *o);
int session_attach(const char *kind, const char *ref, bool no_stdin);
int session_logs(const char *kind, const char *ref, bool follow, long tail, bool kernel_log);
int session_kill(const char *kind, int argc, char **argv, int sig);
int session_wait(const char *kind, int argc, char **argv);
/* Signal (or, for a VM, power button), then SIGKILL after so many seconds. */
int session_stop(const char *kind, int argc, char **argv, int seconds);
int session_rm(const char *kind, int argc, char **argv, bool force);

/* A number of an option, or ends the program. */
long session_number(const char *option, const char *text, long otherwise);
