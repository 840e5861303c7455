/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log ring. A record is a 4-byte header (length little-endian, stream, 0) and
 * its bytes; records wrap around the end of the buffer. Memory is touched only as
 * output arrives.
 */
#include "logring.h"

#include <string.h>

void logring_init(struct logring *r, uint8_t *buf, uint32_t size)
{
    r->buf = buf;
    r->size = size;
    r->head = r->tail = 0;
}

static void copy_in(struct logring *r, uint64_t pos, const void *data, size_t len)
{
    size_t at = pos & (r->size - 1);
    size_t first = len < r->size - at ? len : r->size - at;

    memcpy(r->buf + at, data, first);
    memcpy(r->buf, (const uint8_t *)data + first, len - first);
}

static void copy_out(const struct logring *r, uint64_t pos, void *data, size_t len)
{
    size_t at = pos & (r->size - 1);
    size_t first = len < r->size - at ? len : r->size - at;

    memcpy(data, r->buf + at, first);
    memcpy((uint8_t *)data + first, r->buf, len - first);
}

static size_t record_len(const struct logring *r, uint64_t pos, uint8_t *stream)
{
    uint8_t header[LOGRING_HEADER];

    copy_out(r, pos, header, sizeof(header));
    *stream = header[2];
    return header[0] | (size_t)header[1] << 8;
}

void logring_put(struct logring *r, uint8_t stream, const void *data, size_t len)
{
    uint8_t header[LOGRING_HEADER];
    uint8_t unused;

    if (len == 0)
        return;
    if (len > LOGRING_RECORD_MAX)
        len = LOGRING_RECORD_MAX;
    while (r->size - (r->head - r->tail) < LOGRING_HEADER + len)
        r->tail += LOGRING_HEADER + record_len(r, r->tail, &unused);

    header[0] = (uint8_t)len;
    header[1] = (uint8_t)(len >> 8);
    header[2] = stream;
    header[3] = 0;
    copy_in(r, r->head, header, sizeof(header));
    copy_in(r, r->head + sizeof(header), data, len);
    r->head += sizeof(header) + len;
}

void logring_move(struct logring *r, uint8_t *buf, uint32_t size)
{
    const struct logring old = *r;
    uint8_t part[LOGRING_RECORD_MAX];

    r->buf = buf;
    r->size = size;
    for (uint64_t pos = old.tail; pos < old.head;) {
        size_t len = old.head - pos < sizeof(part) ? (size_t)(old.head - pos) : sizeof(part);

        copy_out(&old, pos, part, len);
        copy_in(r, pos, part, len);
        pos += len;
    }
}

size_t logring_room(const struct logring *r, uint64_t pos)
{
    uint64_t used = r->head - (pos < r->tail ? r->tail : pos);
    uint64_t room = r->size - used;

    if (room <= LOGRING_HEADER)
        return 0;
    room -= LOGRING_HEADER;
    return room < LOGRING_RECORD_MAX ? (size_t)room : LOGRING_RECORD_MAX;
}

int logring_get(const struct logring *r, uint64_t *pos, uint8_t *stream,
                uint8_t data[LOGRING_RECORD_MAX])
{
    size_t len;

    if (*pos < r->tail)
        *pos = r->tail;
    if (*pos >= r->head)
        return -1;
    len = record_len(r, *pos, stream);
    copy_out(r, *pos + LOGRING_HEADER, data, len);
    *pos += LOGRING_HEADER + len;
    return (int)len;
}

int logring_walk(const uint8_t *saved, size_t len, size_t *at, uint8_t *stream,
                 const uint8_t **data)
{
    size_t n;

    if (*at > len || len - *at < LOGRING_HEADER)
        return -1;
    n = saved[*at] | (size_t)saved[*at + 1] << 8;
    if (n == 0 || n > LOGRING_RECORD_MAX || n > len - *at - LOGRING_HEADER)
        return -1;
    *stream = saved[*at + 2];
    *data = saved + *at + LOGRING_HEADER;
    *at += LOGRING_HEADER + n;
    return (int)n;
}
