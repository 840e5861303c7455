/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding the exit status of the guest's command in what the guest writes to its
 * second UART: a line "bulkhead-status: N", N from 0 to 255, alone on its line. The
 * last one counts.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define GUEST_STATUS_PREFIX "bulkhead-status: "

struct guest_status {
    int status; /* -1: none seen */
    char line[sizeof(GUEST_STATUS_PREFIX) + 8];
    size_t length; /* of the line so far; SIZE_MAX: it is some other line */
};

void guest_status_init(struct guest_status *scan);
void guest_status_feed(struct guest_status *scan, const uint8_t *data, size_t size);
