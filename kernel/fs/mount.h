/* SPDX-License-Identifier: BSD-2-Clause */
/* Trees of mounts (mount.c), for the system calls that change them. */
#pragma once

#include "vfs.h"

struct mount *mount_alloc(struct super_block *sb, struct dentry *root, const char *source,
                          unsigned long flags);
struct mount *mount_next(struct mount *m, struct mount *top);
unsigned mount_tree_size(struct mount *top);
int mount_attach(struct mount *top, const struct path *where);
void mount_move(struct mount *top, const struct path *where);
void mount_detach_tree(struct mount *top, struct list_node *dead);
void mount_release_old(struct mount *m);
void mounts_release(struct list_node *dead);

enum copy_kind { COPY_ONE, COPY_TREE, COPY_NAMESPACE };
struct mount *mount_copy_tree(const struct path *root, enum copy_kind kind);

/* MS_* bits that belong to a mount rather than to the file system it shows. */
#define MOUNT_FLAGS                                                                                \
    (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME)
/* ... and those of the file system. */
#define SUPER_FLAGS (MS_RDONLY | MS_SYNCHRONOUS)
