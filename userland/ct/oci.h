/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "../lib/err.h"
#include "../lib/record.h"

#include <stdint.h>

/*
 * The JSON of images: strictly read, nothing believed. Every message names the
 * blob (`what`) and the field. All of it works on memory only.
 */
enum { DIGEST_HEX = 64, OCI_LAYERS_MAX = 128, OCI_MANIFESTS_MAX = 256 };

enum oci_kind { OCI_MANIFEST, OCI_INDEX, OCI_OTHER };

struct oci_descriptor {
    enum oci_kind kind;
    char digest[DIGEST_HEX + 1]; /* the hex of sha256:<hex> */
    uint64_t size;
    char *name;          /* the reference it goes by, or NULL; owned */
    bool is_full_name;   /* `name` is a whole reference, not perhaps only a tag */
    bool other_platform; /* says that it is not for linux/amd64 */
};

struct oci_index {
    struct oci_descriptor *list;
    size_t count;
};

struct oci_manifest {
    struct oci_descriptor config;
    struct oci_descriptor layers[OCI_LAYERS_MAX];
    size_t nlayers;
};

/* One image of a docker-save manifest.json: paths in the archive. */
struct docker_image {
    char *config;
    char **tags, **layers;
    size_t ntags, nlayers;
};

struct docker_manifest {
    struct docker_image *list;
    size_t count;
};

struct oci_config {
    char diff_ids[OCI_LAYERS_MAX][DIGEST_HEX + 1];
    size_t nlayers;
    struct record_writer record; /* what running it needs; see image.h for the keys */
};

int oci_parse_layout(const char *text, size_t len, struct err *e);
int oci_parse_index(const char *what, const char *text, size_t len, struct oci_index *out,
                    struct err *e);
void oci_free_index(struct oci_index *index);
int oci_parse_manifest(const char *what, const char *text, size_t len, struct oci_manifest *out,
                       struct err *e);
int docker_parse_manifest(const char *what, const char *text, size_t len,
                          struct docker_manifest *out, struct err *e);
void docker_free_manifest(struct docker_manifest *m);
int oci_parse_config(const char *what, const char *text, size_t len, struct oci_config *out,
                     struct err *e);
/* "2024-05-18T09:33:00.123Z" -> nanoseconds since 1970; 0 if it is no such time. */
int64_t oci_parse_time(const char *text);
