/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading mount(2) option strings: "size=64m,mode=755,nosuid". Pure: tested on the build host. */
#pragma once

#include <kernel/types.h>

struct mount_option {
    const char *name; /* not terminated */
    size_t name_len;
    const char *value; /* NULL when there is no '=' */
    size_t value_len;
};

/* The next option of a comma-separated list; false at the end. Empty ones are skipped. */
bool mount_option_next(const char **rest, struct mount_option *out);
bool mount_option_is(const struct mount_option *o, const char *name);

/* Whole values: 0 or -EINVAL. A size has an optional k, m, g or (of `total`) % behind it. */
int mount_option_size(const struct mount_option *o, uint64_t total, uint64_t *out);
int mount_option_number(const struct mount_option *o, unsigned base, uint64_t max, uint64_t *out);
