/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "../lib/err.h"

#include <stdbool.h>

struct load_options {
    bool quiet; /* do not list what was loaded */
};

/*
 * Loads every image of an archive: `docker save`, old and new, or an OCI image
 * layout in a tar; compressed or not; a file or a pipe. All of them or, with *e
 * set, none. Takes `fd` over.
 */
int load_archive(int fd, const char *label, const struct load_options *options, struct err *e);
