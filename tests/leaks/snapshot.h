/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state of the machine as lines of text that must not change: free pages,
 * objects per slab cache, processes, mounts, control groups, files.
 *
 * Taking one allocates nothing that the next one does not allocate, too: the lines
 * lie in the snapshot, and every buffer has been used before by the first one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { SNAPSHOT_LINES = 4096, SNAPSHOT_TEXT = 256 << 10 };

struct snapshot {
    size_t count, used;
    bool full;                         /* something did not fit */
    const char *lines[SNAPSHOT_LINES]; /* sorted */
    char text[SNAPSHOT_TEXT];
};

/* Leave out pages: objects that are replaced by equal ones may lie in more or in fewer slabs. */
extern bool snapshot_without_pages;

void snapshot_take(struct snapshot *s);
bool snapshot_equal(const struct snapshot *a, const struct snapshot *b);

/* Print what only one of them has: "    -" and "    +" lines, as diff does. */
void snapshot_print_changes(const struct snapshot *before, const struct snapshot *after);
