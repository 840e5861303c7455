/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "err.h"
#include "ident.h"
#include "record.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * An instance (a container or a VM) is a directory below /run/bulkhead/{ct,vm}:
 *
 *   spec    record: what was asked for; written once, last of all, by `create`
 *   state   record: how far it is; replaced by rename
 *   log     the last output, when it does not run
 *   ctl     the supervisor's socket, while it runs
 *   upper/  work/   a container's writable layer
 *
 * Its supervisor holds an exclusive flock on the directory for as long as it
 * lives; so does whoever starts or removes it. A state that says "running"
 * without a lock means that the supervisor was killed.
 */
struct instance {
    const char *kind; /* "ct" or "vm" */
    char id[ID_LEN + 1];
    int dir; /* owned */
};

enum instance_status {
    STATUS_CREATED,
    STATUS_RUNNING,
    STATUS_EXITED,  /* ended by itself, with a status */
    STATUS_KILLED,  /* a VM ended by `kill` or after a `stop` that took too long */
    STATUS_CRASHED, /* a VM that could not go on, or a dead supervisor */
};

struct instance_state {
    enum instance_status status;
    int pid, sup_pid;
    int exit_status;
    int64_t started_ns, finished_ns; /* since 1970; 0: not yet */
    bool oom_killed;
    char reason[200];
};

const char *instance_noun(const char *kind); /* "container" or "VM" */
int64_t instance_now_ns(void);

/*
 * Makes the directory, locked, and claims the name (generated into `name` when it
 * is empty on entry). The caller writes `spec` last, or calls instance_remove().
 */
int instance_create(struct instance *in, const char *kind, char name[NAME_MAX_LEN + 1],
                    struct err *e);
/* By name, ID or unique beginning of an ID. The status in *e is 1. */
int instance_find(struct instance *in, const char *kind, const char *ref, struct err *e);
/* Whether it is complete: neither still being made nor being removed. */
bool instance_exists(const struct instance *in);
void instance_close(struct instance *in);
/* Calls `each` for every complete instance; stops at a value other than 0 and returns it. */
int instance_each(const char *kind, int (*each)(struct instance *in, void *arg), void *arg);

/* 0, or -EWOULDBLOCK when somebody (its supervisor, most likely) has it. */
int instance_lock(struct instance *in);
/* For whoever starts or removes it, who may find that it runs by now: 0 and *state, with the
 * lock unless that says "running"; -ENOENT: it has been removed; -EWOULDBLOCK after 2 s. */
int instance_lock_stopped(struct instance *in, struct instance_state *state);
void instance_unlock(struct instance *in);

/* Puts a state right that a dead supervisor left behind. Returns 0 or -errno. */
int instance_read_state(struct instance *in, struct instance_state *state);
int instance_write_state(struct instance *in, const struct instance_state *state);

/* Connects to the supervisor. A descriptor or -errno. */
int instance_connect(const struct instance *in);
/* Removes all of it. The caller holds the lock, or is the supervisor. Returns 0 or -errno. */
int instance_remove(struct instance *in, const char *name);
/* The same for one whose name is only in its record. */
int instance_discard(struct instance *in);
