/* SPDX-License-Identifier: BSD-2-Clause */
/* The status line on the second UART: see guest_status.h. */
#include "guest_status.h"

#include <string.h>

#define PREFIX_LENGTH (sizeof(GUEST_STATUS_PREFIX) - 1)

void guest_status_init(struct guest_status *scan)
{
    memset(scan, 0, sizeof(*scan));
    scan->status = -1;
}

static bool is_ready_line(const char *line, size_t length)
{
    return length == sizeof(GUEST_READY_LINE) - 1 && memcmp(line, GUEST_READY_LINE, length) == 0;
}

/* The number in a finished line, or -1 when it is not a status line. */
static int parse(const char *line, size_t length)
{
    int value = 0;

    if (length <= PREFIX_LENGTH || length > PREFIX_LENGTH + 3 ||
        memcmp(line, GUEST_STATUS_PREFIX, PREFIX_LENGTH) != 0)
        return -1;
    for (size_t i = PREFIX_LENGTH; i < length; i++) {
        if (line[i] < '0' || line[i] > '9')
            return -1;
        value = 10 * value + (line[i] - '0');
    }
    return value <= 255 ? value : -1;
}

void guest_status_feed(struct guest_status *scan, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '\n') {
            bool whole = scan->length != SIZE_MAX;
            int status = whole ? parse(scan->line, scan->length) : -1;

            if (status >= 0)
                scan->status = status;
            scan->ready |= whole && is_ready_line(scan->line, scan->length);
            scan->length = 0;
        } else if (data[i] == '\r' || scan->length == SIZE_MAX) {
            continue; /* a terminal's line ending, or the rest of a long line */
        } else if (scan->length == sizeof(scan->line)) {
            scan->length = SIZE_MAX;
        } else {
            scan->line[scan->length++] = (char)data[i];
        }
    }
}
