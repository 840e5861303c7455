/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "../lib/err.h"

/*
 * Image references: [HOST[:PORT]/]NAME[:TAG][@sha256:DIGEST]. They are kept in the
 * form people type: "docker.io/library/busybox" is "busybox:latest". One with a
 * digest is pinned: "busybox:1.36@sha256:DIGEST" is "busybox@sha256:DIGEST", and
 * means no image but the one whose manifest (or index) has that digest.
 */
enum { REF_MAX = 512 };

/* Checks and normalises. The status in *e is 125. */
int ref_parse(const char *text, char ref[REF_MAX], struct err *e);
/* Splits a normalised one at its tag or digest: returns the length of the repository's name. */
int ref_repository_len(const char *ref);
/* The hex of a normalised one's digest, or NULL if it has none. */
const char *ref_digest(const char *ref);
/* A file name for it and back: '/' and '%' are escaped. */
void ref_to_file(const char *ref, char file[REF_MAX]);
void ref_from_file(const char *file, char ref[REF_MAX]);
