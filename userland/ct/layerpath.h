/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stddef.h>

/*
 * The names in a layer's tar. They come from strangers: nothing absolute, no "..",
 * and what begins with ".wh." is not a file but an instruction.
 */
enum layer_entry {
    LAYER_ROOT,     /* the layer's own top directory */
    LAYER_FILE,     /* something to create */
    LAYER_WHITEOUT, /* hide this name of the layers below */
    LAYER_OPAQUE,   /* hide everything the layers below have in this directory */
    LAYER_SKIP,     /* somebody's private bookkeeping */
    LAYER_BAD,      /* refuse the layer; *why says why */
};

enum { LAYER_PATH_MAX = 4096 };

/*
 * Sorts a name and writes the path it is about: components joined by single
 * slashes, relative. For a whiteout that is what to hide, for LAYER_OPAQUE the
 * directory (may be empty: the root).
 */
enum layer_entry layer_path(const char *name, char path[LAYER_PATH_MAX], const char **why);
/* The same check for the target of a hard link. Returns 0 or -1. */
int layer_link_path(const char *name, char path[LAYER_PATH_MAX], const char **why);
