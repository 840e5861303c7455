/* SPDX-License-Identifier: BSD-2-Clause */
/* What the rest of the kernel may know of terminals. (kernel/dev; tty_get() and its like are in
 * <kernel/proc.h>, where sessions are.) */
#pragma once

#include <kernel/types.h>

struct pid_ns;
struct tty;

dev_t tty_device(const struct tty *tty);                       /* tty_nr of /proc/PID/stat */
int tty_foreground_nr(struct tty *tty, const struct pid_ns *ns); /* tpgid; -1: none */

/* Registers the terminals, ptys and memory devices. (kernel/dev/init.c) */
void dev_init(void);
