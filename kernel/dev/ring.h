/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A ring of bytes over memory that the caller owns. Head and tail run freely
 * and are masked on use, so full and empty differ. The caller's lock protects it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring {
    uint8_t *data;
    uint32_t size; /* a power of two */
    uint32_t head; /* next byte is written here */
    uint32_t tail; /* next byte is read here */
};

static inline void ring_init(struct ring *r, void *data, uint32_t size)
{
    r->data = data;
    r->size = size;
    r->head = r->tail = 0;
}

static inline uint32_t ring_used(const struct ring *r)
{
    return r->head - r->tail;
}

static inline uint32_t ring_room(const struct ring *r)
{
    return r->size - ring_used(r);
}

static inline void ring_clear(struct ring *r)
{
    r->tail = r->head;
}

/* Needs room. */
static inline void ring_put(struct ring *r, uint8_t c)
{
    r->data[r->head++ & (r->size - 1)] = c;
}

/* Needs at least one byte. */
static inline uint8_t ring_get(struct ring *r)
{
    return r->data[r->tail++ & (r->size - 1)];
}

/* Both move as much as fits or is there, and return how much. */
size_t ring_write(struct ring *r, const void *src, size_t n);
size_t ring_read(struct ring *r, void *dst, size_t n);
