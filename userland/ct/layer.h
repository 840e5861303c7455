/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "../lib/err.h"
#include "../lib/sha256.h"

#include <stdint.h>

/* Where in which file a layer's blob is. */
struct layer_blob {
    int fd;
    uint64_t offset, size;
    const char *name; /* for messages */
};

struct layer_result {
    char diff_id[SHA256_HEX + 1]; /* of the uncompressed tar */
    uint64_t bytes;               /* of all its files */
};

/*
 * Unpacks a layer into the existing, empty directory `dir`, in overlayfs's own form,
 * or only hashes it, and leaves the directory empty if all goes well. All reading of
 * its contents happens in a child that can reach nothing but that directory.
 */
int layer_unpack(const struct layer_blob *blob, const char *dir, struct layer_result *out,
                 struct err *e);
int layer_hash(const struct layer_blob *blob, const char *dir, struct layer_result *out,
               struct err *e);
