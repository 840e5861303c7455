/* SPDX-License-Identifier: BSD-2-Clause */
/* The loader's contract, and where the kernel keeps what it was told. */
#pragma once

#include <boot/boot_info.h>

/* A copy in kernel memory; its pointers are still physical addresses (direct map). */
extern struct boot_info boot;

/* Kernel command line: value of "name=value" or "" for a bare "name"; NULL when absent.
 * The string is NUL-terminated and lives for good. */
const char *cmdline_get(const char *name);
const char *cmdline_text(void); /* all of it, as given: /proc/cmdline */
void cmdline_init(void);        /* start-up: takes a copy of boot.cmdline */
