/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptors that name processes: pidfd_open(2). */
#pragma once

struct file;
struct pid;
struct process;

/* Reserves a descriptor and makes the file; the caller publishes or undoes both. */
int pidfd_prepare(struct process *p, unsigned flags, int *fd, struct file **file);
/* What a descriptor names: counted, or -EBADF. */
int pidfd_get_pid(int fd, struct pid **out, unsigned *file_flags);
