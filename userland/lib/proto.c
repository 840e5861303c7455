/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames between clients and supervisors. */
#include "proto.h"

#include "io.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

int proto_send(int fd, uint8_t type, uint8_t arg, const void *data, size_t len)
{
    struct frame f;
    size_t done = 0;

    if (len > PROTO_DATA_MAX)
        return -EMSGSIZE;
    f.type = type;
    f.arg = arg;
    f.len = (uint16_t)len;
    if (len > 0)
        memcpy(f.data, data, len);
    while (done < PROTO_HEADER + len) {
        ssize_t n = send(fd, (char *)&f + done, PROTO_HEADER + len - done, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        done += (size_t)n;
    }
    return 0;
}

int proto_recv(int fd, struct frame *f)
{
    ssize_t n = io_read_full(fd, f, PROTO_HEADER);

    if (n == 0)
        return -EPIPE;
    if (n < 0)
        return (int)n;
    if (n != PROTO_HEADER || f->len > PROTO_DATA_MAX)
        return -EPROTO;
    n = io_read_full(fd, f->data, f->len);
    if (n < 0)
        return (int)n;
    return n == f->len ? 0 : -EPROTO;
}
