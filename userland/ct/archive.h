/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "../lib/err.h"
#include "../lib/sha256.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The archive an image comes in: a tar (perhaps compressed, perhaps from a pipe)
 * read once for its table of contents. Its members are then read in place.
 */
struct archive_member {
    char *name; /* cleaned: no "./", no trailing slash; owned */
    char *link; /* where a link leads, as a cleaned name; or NULL; owned */
    uint64_t offset, size;
};

struct archive_file {
    int fd; /* owned: the file, or an unlinked uncompressed copy of it */
    uint64_t size;
    struct archive_member *members;
    size_t count, cap;
};

/* Takes `fd` over, also on failure. `label` is how messages call the archive. */
int archive_file_open(struct archive_file *a, int fd, const char *label, struct err *e);
void archive_file_close(struct archive_file *a);

/* The last member of that name, links followed within the archive; or NULL. */
const struct archive_member *archive_file_find(const struct archive_file *a, const char *name);
/* A small member as a NUL-terminated string (free it), or NULL with *e set. */
char *archive_file_read(const struct archive_file *a, const struct archive_member *m,
                        struct err *e);
/* The SHA-256 of a member. */
int archive_file_hash(const struct archive_file *a, const struct archive_member *m,
                      char hex[SHA256_HEX + 1], struct err *e);
