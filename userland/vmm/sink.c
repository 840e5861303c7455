/* SPDX-License-Identifier: BSD-2-Clause */
/* Buffered output: see sink.h. */
#include "sink.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void sink_init(struct sink *sink, int fd)
{
    sink->fd = fd;
    sink->head = 0;
    sink->count = 0;
}

/* Write what can be written now; returns the bytes that are dealt with. */
static size_t write_some(struct sink *sink, const uint8_t *data, size_t size)
{
    size_t done = 0;

    while (done < size) {
        ssize_t n = sink->fd < 0 ? (ssize_t)(size - done) : write(sink->fd, data + done, size - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0) {
            sink->fd = -1; /* nobody reads any more (EPIPE, EIO) or the disk is full */
            continue;
        }
        done += (size_t)n;
    }
    return done;
}

size_t sink_write(struct sink *sink, const uint8_t *data, size_t size)
{
    size_t done = sink->count == 0 ? write_some(sink, data, size) : 0;

    while (done < size && sink->count < SINK_SIZE) {
        size_t tail = (sink->head + sink->count) % SINK_SIZE;
        size_t room = tail < sink->head ? sink->head - tail : SINK_SIZE - tail;
        size_t n = size - done < room ? size - done : room;

        memcpy(sink->ring + tail, data + done, n);
        sink->count += n;
        done += n;
    }
    return done;
}

void sink_drain(struct sink *sink)
{
    while (sink->count > 0) {
        size_t run = SINK_SIZE - sink->head;
        size_t n = write_some(sink, sink->ring + sink->head, run < sink->count ? run : sink->count);

        if (n == 0)
            return;
        sink->head = (sink->head + n) % SINK_SIZE;
        sink->count -= n;
    }
}
