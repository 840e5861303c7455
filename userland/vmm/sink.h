/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Output to a descriptor that may be slow, without ever blocking a vCPU: what the
 * descriptor does not take at once waits in a ring. When the ring is full the
 * caller is told so and waits in its own way (a UART shows a busy transmitter).
 * A descriptor whose reader is gone swallows everything.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SINK_SIZE 16384

struct sink {
    int fd; /* borrowed, non-blocking; -1 swallows */
    size_t head, count;
    uint8_t ring[SINK_SIZE];
};

void sink_init(struct sink *sink, int fd);

/* Take as much as fits of data; returns how much. */
size_t sink_write(struct sink *sink, const uint8_t *data, size_t size);

/* Something waits for the descriptor to become writable; then call sink_drain(). */
static inline bool sink_waiting(const struct sink *sink)
{
    return sink->count > 0;
}

void sink_drain(struct sink *sink);
