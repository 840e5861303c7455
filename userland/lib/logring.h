/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * The last so many bytes of an instance's output, as records (which stream, its
 * bytes). Positions only grow; every reader keeps one of its own, so that any
 * number of clients read at their own pace from one buffer and none is copied to.
 */
struct logring {
    uint8_t *buf;
    uint32_t size; /* a power of two */
    uint64_t head; /* where the next record goes */
    uint64_t tail; /* the oldest record still there */
};

enum { LOGRING_RECORD_MAX = 4096, LOGRING_HEADER = 4 };

void logring_init(struct logring *r, uint8_t *buf, uint32_t size);
/* Moves all of it into a larger buffer. Positions stay what they are. */
void logring_move(struct logring *r, uint8_t *buf, uint32_t size);
/* Appends up to LOGRING_RECORD_MAX bytes; the oldest records make room. */
void logring_put(struct logring *r, uint8_t stream, const void *data, size_t len);
/* How many bytes one put may have without touching what is at `pos` and after. */
size_t logring_room(const struct logring *r, uint64_t pos);
/*
 * Takes the record at *pos and moves on. A position that was overtaken moves to
 * the oldest record. Returns the length, or -1 when there is nothing newer.
 */
int logring_get(const struct logring *r, uint64_t *pos, uint8_t *stream,
                uint8_t data[LOGRING_RECORD_MAX]);

/*
 * A saved log is the ring's content from tail to head. Walks it: returns the
 * length of the record at *at, with its stream and data, or -1 at the end (or
 * at something that is no record).
 */
int logring_walk(const uint8_t *saved, size_t len, size_t *at, uint8_t *stream,
                 const uint8_t **data);
