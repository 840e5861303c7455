/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "instance.h"

#include <stdbool.h>

/* All instances of a kind with what is known of them, newest first: for `ps` and `ls`. */
struct listing_row {
    char id[ID_LEN + 1];
    int64_t created_ns;
    struct record spec;
    struct instance_state state;
};

struct listing {
    struct listing_row *rows; /* owned, for as long as the program lives */
    size_t count;
};

/* Without `all`, those running. Ends the program if it cannot. */
void listing_collect(struct listing *l, const char *kind, bool all);
/* A record's value, or "". */
const char *listing_text(const struct listing_row *row, const char *key);
