/* SPDX-License-Identifier: BSD-2-Clause */
/* Between cgroup.c (what groups do) and cgroupfs.c (how user space sees them). */
#pragma once

#include <kernel/cgroup.h>
#include <kernel/mutex.h>
#include <kernel/proc.h>

extern struct mutex cgroup_mutex; /* the tree's shape, moves, subtree_control */

/* A fault may need a page, page tables for it and (for guests) second-level tables. */
#define LARGEST_FAULT (8 * PAGE_SIZE)

/* cgroup_mutex held. */
int cgroup_create(struct cgroup *parent, const char *name, struct cgroup **out); /* *out borrowed */
int cgroup_remove(struct cgroup *cg); /* -EBUSY: it has members or children */
int cgroup_move(struct cgroup *to, struct process *p);

struct cgroup *cgroup_find_child(struct cgroup *parent, const char *name, size_t len); /* counted */
bool cgroup_is_populated(struct cgroup *cg);
void cgroup_kill_all(struct cgroup *cg);
void cgroup_set_frozen(struct cgroup *top, bool frozen);
