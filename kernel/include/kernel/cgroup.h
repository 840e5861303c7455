/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel proper needs of control groups: the counters that
 * allocations charge. The hierarchy, its file system and its policy are in
 * containers/ (which fills struct cgroup's second half).
 */
#pragma once

#include <kernel/list.h>
#include <kernel/mm.h>
#include <kernel/refcount.h>
#include <kernel/spinlock.h>
#include <kernel/types.h>

struct process;

#define CGROUP_UNLIMITED UINT64_MAX

struct cgroup_counter {
    uint64_t usage;  /* [a] */
    uint64_t limit;  /* [a] CGROUP_UNLIMITED: none */
    uint64_t peak;   /* [a] */
    uint64_t failed; /* [a] charges refused: events "max" */
};

struct cgroup {
    struct refcount refs; /* children, processes, charges in bulk (see charge.c), open files */
    struct cgroup *parent; /* [I] counted; NULL: root */
    struct cgroup_counter memory; /* bytes, of this group and all below it */
    struct cgroup_counter pids;   /* threads */
    uint64_t charged;             /* [a] bytes charged to this very group; > 0 holds a reference */
    uint64_t memory_stat[MEM_STATS]; /* [a] pages, of this group and all below it */
    uint64_t ooms;                /* [cgroup_lock] times that it or one below was full and somebody had to go */
    uint64_t oom_kills;           /* [cgroup_lock] here and below; all of a memory.oom.group are one */
    uint64_t cpu_ns, cpu_user_ns; /* [a] run time, of this group and all below it */
    uint32_t weight;              /* [all run queues' locks] cpu.weight, 1..10000, default 100 */
    uint64_t load, share;         /* [a] what is runnable in it, what that gets: kernel/proc/sched.c */
    uint64_t lead_until;          /* [run queue's lock] vruntime that its new threads start with, if that is still ahead */
    bool frozen;                  /* [a] */
    bool dying;                   /* [cgroup_lock] rmdir has begun: no new members */
    struct list_node children;    /* [cgroup_lock] */
    struct list_node sibling;     /* [cgroup_lock] */
    struct list_node processes;   /* [cgroup_lock] struct process.cgroup_link */
    uint32_t subtree_control;     /* [cgroup_mutex] controllers that the children have: enum cgroup_controller */
    uint32_t depth;               /* [I] 0: root */
    bool oom_group;               /* [a] memory.oom.group */
    uint64_t ino;                 /* [I] of its directory */
    char *name;                   /* [I] */
};

enum cgroup_controller { CGROUP_CPU = BIT(0), CGROUP_MEMORY = BIT(1), CGROUP_PIDS = BIT(2), CGROUP_ALL = 7 };
#define CGROUP_DEPTH_MAX 32

extern struct cgroup cgroup_root; /* holds everything from boot on, never limited */

void cgroup_get(struct cgroup *cg);
void cgroup_put(struct cgroup *cg);
struct cgroup *current_cgroup(void); /* of the current process; &cgroup_root before there is one */

/* Charges this group and all above it, or none: 0 or -ENOMEM. Any context. (kernel/mm/charge.c) */
int cgroup_charge_memory(struct cgroup *cg, uint64_t bytes) __must_check;
void cgroup_uncharge_memory(struct cgroup *cg, uint64_t bytes);
/* What the memory charged to cg is used for: memory.stat of it and all above. MEM_SLAB is not told apart. */
static inline void cgroup_stat_add(struct cgroup *cg, enum mem_stat which, int64_t pages)
{
    for (; cg != NULL; cg = cg->parent)
        __atomic_fetch_add(&cg->memory_stat[which], (uint64_t)pages, __ATOMIC_RELAXED);
}
/* -EAGAIN over the limit. */
int cgroup_charge_pids(struct cgroup *cg, uint64_t n) __must_check;
void cgroup_force_pids(struct cgroup *cg, uint64_t n); /* beyond any limit: a process moves in */
void cgroup_uncharge_pids(struct cgroup *cg, uint64_t n);

/*
 * A program's memory met the limit of cg or of a group above, or the machine's end: kill the largest
 * process inside the group that is full, unless somebody there is dying already. False: it is full, and
 * nobody can be killed. (True, too, when there is room again.)
 */
bool cgroup_oom(struct cgroup *cg);

/* The same for the thread that needs the memory: then try again. False: do without. Nobody can be killed;
 * or this thread was, or is exiting, when nothing could kill it any more and perhaps everybody waits for
 * its memory. */
bool cgroup_wait_for_memory(struct cgroup *cg) __must_check;

extern struct spinlock cgroup_lock;
/* Is `cg` the group `top` or below it? */
bool cgroup_is_within(const struct cgroup *cg, const struct cgroup *top);
/* "/a/b" as seen from `root` ("/../x" when outside of it), for /proc/PID/cgroup. */
void cgroup_path(const struct cgroup *cg, const struct cgroup *root, char *buf, size_t size);

/* Process membership (kernel/proc calls these; containers/ implements cgroup.procs with move). */
int cgroup_attach_new(struct cgroup *cg, struct process *p); /* fork, before it is visible */
void cgroup_detach(struct process *p);                       /* last thread has exited */
