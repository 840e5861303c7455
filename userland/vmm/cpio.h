/* SPDX-License-Identifier: BSD-2-Clause */
/* Writing a cpio "newc" archive into memory: how a VM's command reaches its initrd. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct cpio {
    uint8_t *data; /* malloc'ed, owned by the struct */
    size_t size;
    size_t capacity;
    uint32_t next_inode;
};

/* All return 0 or -ENOMEM. A name is relative, without leading '/'. */
int cpio_add_dir(struct cpio *archive, const char *name, uint32_t permissions);
int cpio_add_file(struct cpio *archive, const char *name, uint32_t permissions, const void *data,
                  size_t size);
int cpio_end(struct cpio *archive);
void cpio_fini(struct cpio *archive);

/*
 * A shell script that runs argv exactly as it was given: every word is quoted.
 * Returns a malloc'ed string, or NULL when there is no memory.
 */
char *command_script(char *const argv[]);
