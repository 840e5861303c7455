/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the guest says about its command, in lines among whatever else it writes to
 * its second UART: "bulkhead-ready" when the command may have its input, and
 * "bulkhead-status: N", N from 0 to 255, when it has ended. Each is alone on its
 * line; the last status counts.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUEST_READY_LINE    "bulkhead-ready"
#define GUEST_STATUS_PREFIX "bulkhead-status: "

struct guest_status {
    bool ready; /* the command's terminal is set up: its input may come */
    int status; /* -1: none seen */
    char line[sizeof(GUEST_STATUS_PREFIX) + 8];
    size_t length; /* of the line so far; SIZE_MAX: it is some other line */
};

void guest_status_init(struct guest_status *scan);
void guest_status_feed(struct guest_status *scan, const uint8_t *data, size_t size);
