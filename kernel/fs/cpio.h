/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading cpio archives, newc format. Pure: tested on the build host. */
#pragma once

#include <kernel/types.h>

/*
 * An archive in memory, or several one after the other with zeros between
 * them. Every offset is checked: a damaged or hostile archive ends with an
 * error, never outside of [data, data + size).
 */
struct cpio {
    const uint8_t *data;
    size_t size;
    size_t at; /* of the next header */
};

struct cpio_entry {
    uint32_t ino, mode, uid, gid, nlink, mtime;
    uint32_t dev_major, dev_minor, rdev_major, rdev_minor;
    const char *name;    /* in the archive, NUL-terminated, not empty; no leading "/" or "./" */
    const uint8_t *body; /* in the archive */
    size_t body_size;
    size_t body_offset; /* of body in the archive */
};

/* 1: *out is the next entry; 0: the end; -EINVAL: not newc, or damaged. Trailers between archives
 * are skipped. */
int cpio_next(struct cpio *c, struct cpio_entry *out);
