/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "../lib/err.h"

#include <limits.h>

/*
 * A guest: a folder with `kernel`, and perhaps `initrd` and `cmdline`, below
 * /var/lib/bulkhead/guests or anywhere else.
 */
struct guest {
    char kernel[PATH_MAX], initrd[PATH_MAX]; /* initrd: "" if there is none */
    char cmdline[2048];
};

int guest_find(const char *name, struct guest *guest, struct err *e);
/* "512" (MiB), "512m", "1g" -> MiB; -1 if it is no size. */
long guest_parse_memory(const char *text);
