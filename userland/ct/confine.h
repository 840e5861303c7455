/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "../lib/err.h"

#include <stdint.h>

/*
 * For a child, forked and not executed, that works on a stranger's data.
 *
 * The first closes every descriptor but two (-1: none): what else the parent has
 * open, a directory above all, would be a way out of the root that comes next.
 * The second shuts the process into a directory: it becomes the root, all
 * capabilities but `caps` are given up, no_new_privs is set.
 */
int confine_descriptors(int keep, int also, struct err *e);
int confine(const char *dir, uint64_t caps, struct err *e);
