/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "err.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The cgroup of an instance: /sys/fs/cgroup/{ct,vm}/ID with `sup` for the
 * supervisor and `run` for what it runs. Limits are set on `run`; killing and
 * statistics are for the whole.
 */

/* Whether a cgroup v2 tree is mounted. */
bool cgroup_is_available(void);

/* Creates all three; memory and pids are limits for `run` (0: none). */
int cgroup_create(const char *kind, const char *id, int64_t memory, int64_t pids, struct err *e);
/* Moves the caller into ID/sub; id == NULL: into the root. Returns 0 or -errno. */
int cgroup_join(const char *kind, const char *id, const char *sub);
/* A descriptor to write "0" to, to join ID/run later. Or -errno. */
int cgroup_open_run(const char *kind, const char *id);
/* SIGKILL to every process in ID/run. */
void cgroup_kill(const char *kind, const char *id);
/* True if something in ID/run was killed for lack of memory. */
bool cgroup_was_oom_killed(const char *kind, const char *id);
/* Kills what is left and removes the groups. */
void cgroup_destroy(const char *kind, const char *id);
