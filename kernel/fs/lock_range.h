/* SPDX-License-Identifier: BSD-2-Clause */
/* Record locks on byte ranges: which conflict, how they merge and split. Pure: tested on the build
 * host. */
#pragma once

#include <kernel/list.h>

enum lock_type { LOCK_READ, LOCK_WRITE, LOCK_NONE };

struct lock_range {
    struct list_node link;
    uint64_t start, end; /* both included */
    enum lock_type type;
    const void *owner; /* locks of one owner never conflict with each other */
    int pid;           /* for F_GETLK: the owner's number in the first namespace, or -1 */
};

/* A lock of somebody else in the way of `want`, or NULL. */
struct lock_range *lock_range_conflict(const struct list_node *held, const struct lock_range *want);

/*
 * Give `want->owner` exactly want->type on want's range: what it had there is
 * replaced, cut or split, and neighbours of the same type are merged.
 * spare[2] are unused nodes; those taken become NULL. Nodes no longer needed go
 * to `freed`. true: somebody who waited may get his lock now.
 */
bool lock_range_set(struct list_node *held, const struct lock_range *want,
                    struct lock_range *spare[2], struct list_node *freed);
