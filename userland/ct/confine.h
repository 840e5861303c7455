/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "../lib/err.h"

#include <stdint.h>

/*
 * Shuts the calling process into a directory: it becomes the root, all
 * capabilities but `caps` are given up, no_new_privs is set. For code that works
 * on a stranger's data.
 */
int confine(const char *dir, uint64_t caps, struct err *e);
