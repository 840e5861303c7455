/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "../lib/err.h"

#include <limits.h>

/*
 * A guest: a folder with `kernel`, `initrd` and `cmdline`, below
 * /var/lib/bulkhead/guests or anywhere else.
 */
struct guest {
    char kernel[PATH_MAX], initrd[PATH_MAX]; /* where they should be: not looked at yet */
    char cmdline[2048];
};

#define GUEST_IS "a guest is a folder with kernel, initrd and cmdline; the last two may be empty"

/* 0, or -1 with *e set: no such folder, or one without a command line. */
int guest_find(const char *name, struct guest *guest, struct err *e);
/* "512" (MiB), "512m", "1g" -> MiB; -1 if it is no size. */
long guest_parse_memory(const char *text);
