/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of paths (path_name.c) for getcwd(2) and the mount tables. */
#pragma once

#include "vfs.h"

enum path_end { PATH_IN_ROOT, PATH_OUTSIDE, PATH_TOO_LONG };

/* The name of p from `root` (NULL: from the top), at the end of buf; *end says where it stopped. */
char *path_build(const struct path *p, const struct path *root, char *buf, size_t size,
                 enum path_end *end);
char *dentry_path_build(const struct dentry *d, char *buf, size_t size);
