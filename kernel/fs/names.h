/* SPDX-License-Identifier: BSD-2-Clause */
/* The last component of a path as a system call gave it (names.c), shared with rename.c. */
#pragma once

#include "vfs.h"

struct last_name {
    char *name;    /* the whole path; owned */
    struct walk w; /* stands in the parent directory */
};
int last_name_get(int dirfd, uaddr_t user, struct last_name *l);
void last_name_put(struct last_name *l);
