/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What Docker gives a container: enough for a distribution's tools, not enough to get out. */
extern const uint64_t caps_default;
/* "NET_ADMIN", "CAP_NET_ADMIN", "ALL" -> a mask; 0 if there is no such capability. */
uint64_t caps_parse(const char *name);

/* What the options --cap-add or --cap-drop say, taken together. */
struct caps_list {
    bool all; /* "ALL" is one of them */
    uint64_t caps;
};

/* Returns 0, or -1 if there is no capability of that name. */
int caps_list_add(struct caps_list *list, const char *name);
/*
 * What a container has, as with Docker: all but those dropped if ALL are added; else
 * those added if ALL are dropped; else the default ones without those dropped and
 * with those added.
 */
uint64_t caps_combine(const struct caps_list *add, const struct caps_list *drop);
