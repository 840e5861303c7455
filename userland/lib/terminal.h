/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Our own terminal: raw mode, size, and the keys that detach (Ctrl-P Ctrl-Q). */

/* Raw mode until terminal_restore() or exit. Nothing happens without a terminal. */
void terminal_raw(void);
void terminal_restore(void);
/* Rows and columns; 0 if there is none. */
void terminal_size(unsigned *rows, unsigned *cols);

struct detach_keys {
    bool armed; /* Ctrl-P has been typed and is held back */
};

/*
 * Filters what was typed: `out` (room for len + 1) gets what goes to the other
 * side. Returns how much that is, or -1 when the detach sequence is complete.
 */
long detach_filter(struct detach_keys *d, const unsigned char *in, size_t len, unsigned char *out);
