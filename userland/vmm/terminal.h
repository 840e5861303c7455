/* SPDX-License-Identifier: BSD-2-Clause */
/* The console's terminal, if it is one, and the signals that end the monitor. */
#pragma once

/*
 * Make both descriptors non-blocking and, where they are a terminal, raw: every
 * key goes to the guest. The program's exit restores them.
 */
void terminal_init(int input_fd, int output_fd);

/* SIGTERM, SIGINT and SIGHUP from now on only write to wake_fd and are remembered. */
void terminal_catch_signals(int wake_fd);

/* The first of them that came, or 0. */
int terminal_signal(void);
