/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdint.h>

/* What Docker gives a container: enough for a distribution's tools, not enough to get out. */
extern const uint64_t caps_default;
/* "NET_ADMIN", "CAP_NET_ADMIN", "ALL" -> a mask; 0 if there is no such capability. */
uint64_t caps_parse(const char *name);
