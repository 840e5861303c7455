/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "ref.h"

#include "../lib/err.h"
#include "../lib/ident.h"
#include "../lib/record.h"

#include <stdbool.h>

/*
 * The images there are: one record each, by ID (the digest of its configuration),
 * and names that lead to them. Keys of a record: id, created, size, user, cwd,
 * stopsignal, env*, entrypoint*, cmd*, label*, volume*, port*, layer* (diff_ids,
 * lowest first), digest* (of the manifests and indexes it was loaded by: what a
 * reference with a digest is held against).
 */
struct image {
    char id[ID_LEN + 1];
    char ref[REF_MAX]; /* the name it was found by, or "" */
    struct record record;
};

/* Makes the directories that images and layers are in. Returns 0 or -1. */
int image_make_dirs(struct err *e);
/* The same, and takes the lock that writers hold. A descriptor or -1. */
int image_lock(struct err *e);
void image_unlock(int lock);

/*
 * By name, ID or beginning of an ID. An unknown name is looked for in the archives
 * that came along (PATH_IMAGES), which are loaded then. The status in *e is 125.
 */
int image_find(struct image *image, const char *text, struct err *e);
/* Only among those that are loaded: also for who holds image_lock(). -ENOENT: none has this name.
 */
int image_find_loaded(struct image *image, const char *text, struct err *e);
void image_free(struct image *image);
/* Whether a record is there (still). */
bool image_exists(const char *id);
/* Whether it was loaded by a manifest or index of this digest. */
bool image_has_digest(const struct record *record, const char *digest);

/* For writers, who hold the lock. Return 0 or -1 with *e set. */
int image_put(const char *id, struct record_writer *w, struct err *e);
int image_tag(const char *ref, const char *id, struct err *e);
/* Where a name leads, for whom it need not be there: -1. Also without the lock. */
int image_read_tag(const char *ref, char id[ID_LEN + 1]);
void image_untag(const char *ref);
int image_delete(const char *id, struct err *e);
/* Removes layers that no image has, and what interrupted loading left behind. */
void image_collect_layers(void);

/* Calls `each` with every image's ID. Stops at a value other than 0 and returns it. */
int image_each(int (*each)(const char *id, void *arg), void *arg);
/* Calls `each` with every name and the ID it leads to. */
int image_each_tag(int (*each)(const char *ref, const char *id, void *arg), void *arg);
int image_load_record(const char *id, struct record *record);
/* Loads all archives that came along and are not loaded yet; warns about bad ones. */
void image_preload_all(void);
