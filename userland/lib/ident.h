/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Instance IDs (64 hex digits, 12 shown) and names. */

enum { ID_LEN = 64, ID_SHORT = 12, NAME_MAX_LEN = 64 };

bool ident_is_hex(const char *s, size_t len);
bool ident_is_id(const char *s);
/* [a-zA-Z0-9][a-zA-Z0-9_.-]*: as with Docker, but one character will do. */
bool ident_is_name(const char *s);
/* A fresh random ID. Returns 0 or -errno. */
int ident_new_id(char id[ID_LEN + 1]);
/* A name like "brisk_stevin" for a random number. */
void ident_make_name(unsigned random, char *name, size_t size);

/*
 * Picks the one ID of a list that begins with `prefix`.
 * Returns its index, -1 if none does, -2 if several do.
 */
int ident_match_prefix(const char *const *ids, size_t count, const char *prefix);
