/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "layerpath.h"

#include "../lib/err.h"

#include <stdint.h>
#include <time.h>

struct archive;
struct archive_entry;

/* Bytes in the list of opaque directories. */
enum { UNPACK_OPAQUE_MAX = 16 << 20 };

/* Making a layer's files below the current root, one tar entry after the other. */
struct unpack_dir_time {
    char *path;
    struct timespec mtime;
};

struct unpack {
    const char *layer;                /* for messages */
    int root;                         /* owned */
    char parent_path[LAYER_PATH_MAX]; /* the directory used last, and its descriptor */
    int parent;
    uint64_t bytes;
    char *opaque; /* opaque directories, each ended by a NUL; owned */
    size_t opaque_len, opaque_cap;
    struct unpack_dir_time *times; /* set when all files are there; owned */
    size_t ntimes, times_cap;
};

int unpack_init(struct unpack *u, const char *layer, struct err *e);
int unpack_entry(struct unpack *u, struct archive *tar, struct archive_entry *entry, struct err *e);
int unpack_finish(struct unpack *u, struct err *e);
/* Opens a directory below the root without following any link. A descriptor or -1. */
int unpack_walk(const char *path);
