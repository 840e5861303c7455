/* SPDX-License-Identifier: BSD-2-Clause */
/* Rings of bytes: the copies in and out, in at most two pieces. */
#include "ring.h"

#include <kernel/string.h>

size_t ring_write(struct ring *r, const void *src, size_t n)
{
    const uint8_t *p = src;
    uint32_t at = r->head & (r->size - 1);
    size_t first;

    if (n > ring_room(r))
        n = ring_room(r);
    first = n < r->size - at ? n : r->size - at;
    memcpy(r->data + at, p, first);
    memcpy(r->data, p + first, n - first);
    r->head += n;
    return n;
}

size_t ring_read(struct ring *r, void *dst, size_t n)
{
    uint8_t *p = dst;
    uint32_t at = r->tail & (r->size - 1);
    size_t first;

    if (n > ring_used(r))
        n = ring_used(r);
    first = n < r->size - at ? n : r->size - at;
    memcpy(p, r->data + at, first);
    memcpy(p + first, r->data, n - first);
    r->tail += n;
    return n;
}
