/* SPDX-License-Identifier: BSD-2-Clause */
/* tmpfs for its relatives: devtmpfs, and the initrd, whose pages it adopts. */
#pragma once

#include "vfs.h"

#include <kernel/abi/fs.h>

int tmpfs_get_super(const struct fs_type *type, const char *source, unsigned long flags,
                    const char *data, struct super_block **out);

/* Page `index` of an inode is this page from now on, which takes over the reference; the size grows
 * to cover it. For files nobody else sees yet. */
int tmpfs_adopt_page(struct inode *inode, uint64_t index, struct page *p);
