/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A record is a list of "key=value" strings, each ended by a NUL byte; a key
 * may occur several times and keeps its order. It is how everything is kept
 * that a command needs quickly: JSON is parsed once, when an image is loaded.
 * To look at one: tr '\0' '\n' < FILE.
 */
struct record {
    char *buf; /* owned */
    size_t len;
};

/* Reads a whole record file. Returns 0 or -errno; -EINVAL if it is not a record. */
int record_load(struct record *r, int dirfd, const char *name);
/* Takes over a copy of `len` bytes. */
int record_from(struct record *r, const char *bytes, size_t len);
void record_free(struct record *r);

/* The first value of a key, or NULL. It lives as long as the record. */
const char *record_get(const struct record *r, const char *key);
/* The value after `prev` (NULL: the first) of a repeated key, or NULL. */
const char *record_next(const struct record *r, const char *key, const char *prev);
/* Numbers; `otherwise` when the key is absent or no number. */
int64_t record_num(const struct record *r, const char *key, int64_t otherwise);
bool record_flag(const struct record *r, const char *key);
size_t record_count(const struct record *r, const char *key);
/* Every value of a key as a NULL-terminated array (free the array only), or NULL. */
char **record_list(const struct record *r, const char *key);

/* Builds a record in memory. A failed allocation is remembered until record_save(). */
struct record_writer {
    char *buf;
    size_t len, cap;
    bool failed;
};

void record_add(struct record_writer *w, const char *key, const char *value);
void record_add_num(struct record_writer *w, const char *key, int64_t value);
/* Every "key=value" of `from` with this key. */
void record_copy(struct record_writer *w, const struct record *from, const char *key);
/* Replaces the file by rename; the writer is emptied. Returns 0 or -errno. */
int record_save(struct record_writer *w, int dirfd, const char *name);
/* Room for one record_save() of up to a page under this name, which then needs no space. */
int record_reserve(int dirfd, const char *name);
void record_discard(struct record_writer *w);
