/* SPDX-License-Identifier: BSD-2-Clause */
/* cpio archives, newc format: see cpio.h. Headers are a magic number and 13 hex fields. */
#include "cpio.h"

#include <kernel/errno.h>
#include <kernel/string.h>

#define HEADER_SIZE   110
#define NAME_SIZE_MAX 65536 /* names are padded to align what follows: far longer than a path */

enum field {
    INO,
    MODE,
    UID,
    GID,
    NLINK,
    MTIME,
    FILESIZE,
    DEV_MAJOR,
    DEV_MINOR,
    RDEV_MAJOR,
    RDEV_MINOR,
    NAMESIZE,
    CHECK,
    FIELDS
};

static int parse_hex8(const uint8_t *p, uint32_t *out)
{
    uint32_t v = 0;

    for (unsigned i = 0; i < 8; i++) {
        uint8_t c = p[i];

        if (c >= '0' && c <= '9')
            v = v << 4 | (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            v = v << 4 | (uint32_t)(c - 'a' + 10);
        else if (c >= 'A' && c <= 'F')
            v = v << 4 | (uint32_t)(c - 'A' + 10);
        else
            return -EINVAL;
    }
    *out = v;
    return 0;
}

static int parse_header(const uint8_t *p, uint32_t fields[FIELDS])
{
    if (memcmp(p, "070701", 6) != 0 && memcmp(p, "070702", 6) != 0)
        return -EINVAL;
    for (unsigned i = 0; i < FIELDS; i++) {
        if (parse_hex8(p + 6 + i * 8, &fields[i]) < 0)
            return -EINVAL;
    }
    return 0;
}

static const char *skip_root(const char *name)
{
    for (;;) {
        if (name[0] == '/')
            name++;
        else if (name[0] == '.' && name[1] == '/')
            name += 2;
        else
            return name;
    }
}

static int parse_entry(struct cpio *c, struct cpio_entry *out)
{
    const uint8_t *p = c->data + c->at;
    size_t left = c->size - c->at;
    uint32_t f[FIELDS];
    size_t body, end;

    if (left < HEADER_SIZE || parse_header(p, f) < 0)
        return -EINVAL;
    if (f[NAMESIZE] == 0 || f[NAMESIZE] > NAME_SIZE_MAX || f[NAMESIZE] > left - HEADER_SIZE)
        return -EINVAL;
    if (memchr(p + HEADER_SIZE, '\0', f[NAMESIZE]) == NULL)
        return -EINVAL;
    body = ALIGN_UP(c->at + HEADER_SIZE + f[NAMESIZE], (size_t)4);
    if (body > c->size || f[FILESIZE] > c->size - body)
        return -EINVAL;
    end = ALIGN_UP(body + f[FILESIZE], (size_t)4);

    *out = (struct cpio_entry){
        .ino = f[INO],
        .mode = f[MODE],
        .uid = f[UID],
        .gid = f[GID],
        .nlink = f[NLINK],
        .mtime = f[MTIME],
        .dev_major = f[DEV_MAJOR],
        .dev_minor = f[DEV_MINOR],
        .rdev_major = f[RDEV_MAJOR],
        .rdev_minor = f[RDEV_MINOR],
        .name = skip_root((const char *)p + HEADER_SIZE),
        .body = c->data + body,
        .body_size = f[FILESIZE],
        .body_offset = body,
    };
    c->at = min(end, c->size);
    return 1;
}

int cpio_next(struct cpio *c, struct cpio_entry *out)
{
    for (;;) {
        int r;

        while (c->at < c->size && c->data[c->at] == 0)
            c->at++;
        if (c->at >= c->size)
            return 0;
        r = parse_entry(c, out);
        if (r < 0)
            return r;
        if (strcmp(out->name, "TRAILER!!!") != 0)
            return 1;
    }
}
