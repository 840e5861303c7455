/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* Whole reads and writes on descriptors, and descriptors sent through a socket. */

/* Reads until `len` bytes or the end. Returns how many, or -errno. */
ssize_t io_read_full(int fd, void *buf, size_t len);
/* Returns 0 or -errno. */
int io_write_full(int fd, const void *buf, size_t len);
/* Writes a short string to an existing file, e.g. of cgroupfs. Returns 0 or -errno. */
int io_put(int dirfd, const char *name, const char *text);
/* Reads a small file as a string without its last newline. Returns its length or -errno. */
ssize_t io_get(int dirfd, const char *name, char *buf, size_t size);

/* One message with a descriptor (fd < 0: none). Returns 0 or -errno. */
int io_send_fd(int sock, const void *msg, size_t len, int fd);
/* *fd is -1 when none came. Returns the message's length (0 at the end) or -errno. */
ssize_t io_recv_fd(int sock, void *msg, size_t len, int *fd);

/* Removes dirfd/name with all that is in it, never following a link. Returns 0 or -errno. */
int io_remove_tree(int dirfd, const char *name);
