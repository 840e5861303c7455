/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "image.h"

#include "../lib/command.h"
#include "../lib/instance.h"

#include <stdbool.h>

/* What `run` and `create` were asked for. */
struct run_options {
    bool interactive, tty, detach, rm, read_only;
    const char *name, *memory, *pids, *workdir, *user, *hostname, *entrypoint, *stop_signal;
    struct opt_list env, cap_add, cap_drop, volumes, tmpfs, security, labels;
};

/*
 * Makes a container: its directory, its name, its writable layer, its record.
 * On success `in` is open and locked.
 */
int spec_create(struct instance *in, const struct image *image, const struct run_options *o,
                char **args, struct err *e);
/* Cleans an absolute path of a container: "/a//b/../c/" -> "/a/c". Returns 0 or -1. */
int spec_clean_path(const char *path, char *out, size_t size);
/* Adds the environment of a new process: the base, then "K=V" or "K" (from ours) on top. */
void spec_merge_env(struct record_writer *w, const char *const *base, const struct opt_list *more);
