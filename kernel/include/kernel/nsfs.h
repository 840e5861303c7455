/* SPDX-License-Identifier: BSD-2-Clause */
/* Namespaces by name, for /proc/PID/ns (containers/nsfs.c). Weak: the kernel links without. */
#pragma once

#include <kernel/fs.h>

struct thread;

const char *ns_name(unsigned i) __weak; /* "cgroup", "ipc"...; NULL after the last */
/* "uts:[4026531838]": its length, -ENOENT when t has exited, -ENOMEM. */
int ns_readlink(struct thread *t, const char *name, char *buf, size_t size) __weak;
/* A counted path to the namespace as a file, for ->follow. */
int ns_path(struct thread *t, const char *name, struct path *out) __weak;
/* The mount namespace that a file stands for, borrowed from it; NULL: it stands for something else. */
const struct mnt_ns *ns_file_mounts(const struct dentry *d) __weak;
