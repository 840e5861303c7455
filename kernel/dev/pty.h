/* SPDX-License-Identifier: BSD-2-Clause */
/* Pseudo terminals and the file system that names them (pty.c, devpts.c). */
#pragma once

void pty_init(void) __attribute__((weak)); /* /dev/ptmx and the file system type "devpts" */
