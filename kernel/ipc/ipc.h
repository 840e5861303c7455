/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What segments, semaphore sets and message queues have in common: an id, a
 * key, owners and permissions, and a place in their namespace's table.
 *
 * All functions but ipc_lock() and ipc_unref() want the kind's lock held.
 */
#pragma once

#include <kernel/abi/ipc.h>
#include <kernel/cred.h>
#include <kernel/errno.h>
#include <kernel/ipc.h>
#include <kernel/ns.h>
#include <kernel/pid.h>
#include <kernel/proc.h>
#include <kernel/time.h>

/*
 * The first member of every object. The table holds one reference; who sleeps
 * without the lock, or has a segment attached, holds another.
 */
struct ipc_object {
    struct refcount refs;
    struct ipc_ns *ns;         /* [I] borrowed: outlives what is in its table */
    const struct ipc_ops *ops; /* [I] */
    int id;                    /* [I] seq << IPC_INDEX_BITS | index */
    bool is_removed;           /* [L] not in the table: who slept answers -EIDRM */
    int32_t key;               /* [L] IPC_PRIVATE: cannot be found by one */
    struct rb_node by_key;     /* [L] */
    kuid_t uid, cuid;          /* [L], [I] */
    kgid_t gid, cgid;          /* [L], [I] */
    mode_t mode;               /* [L] permissions, and SHM_DEST, SHM_LOCKED */
};

#define IPC_INDEX_BITS 15
#define IPC_INDEX_MASK ((1 << IPC_INDEX_BITS) - 1)

/* What differs between the kinds. */
struct ipc_ops {
    enum ipc_kind kind;
    unsigned max; /* objects of a namespace */
    /* A new object for a get call: checks `amount` (bytes, semaphores) and the sums. */
    int (*create)(struct ipc_ns *ns, int32_t key, int flags, size_t amount,
                  struct ipc_object **out);
    bool (*holds)(const struct ipc_object *o, size_t amount); /* is an existing one large enough? */
    /* It leaves the table, or has found no place there: sums, and who waits. */
    void (*remove)(struct ipc_object *o);
    void (*destroy)(struct ipc_object *o); /* the last reference; the lock is not needed */
};

static inline struct ipc_ids *ipc_ids_of(const struct ipc_object *o)
{
    return &o->ns->ids[o->ops->kind];
}
static inline struct ipc_ns *current_ipc_ns(void)
{
    return current->nsproxy->ipc;
}

/* shmget(2), semget(2), msgget(2): takes the lock. An id, or an errno. */
int ipc_get(const struct ipc_ops *ops, int32_t key, int flags, size_t amount);

/* By id: borrowed under the lock, or -EINVAL. */
int ipc_find(struct ipc_ids *ids, int id, struct ipc_object **out);
/* By index, as SHM_STAT and its like have it: -EINVAL. */
int ipc_find_index(struct ipc_ids *ids, int index, struct ipc_object **out);
/* The first object at or after *at, which moves behind it; NULL: none. */
struct ipc_object *ipc_next(struct ipc_ids *ids, unsigned *at);
int ipc_highest_index(const struct ipc_ids *ids); /* 0 also when there is none */

/* May the caller do what the permission bits (of any class) in `want` say? 0 or -EACCES. */
int ipc_check_access(const struct ipc_object *o, mode_t want);
/* May the caller change or remove it? 0 or -EPERM. */
int ipc_check_owner(const struct ipc_object *o);

void ipc_show_perm(const struct ipc_object *o, struct abi_ipc_perm *out);
int ipc_set_perm(struct ipc_object *o, const struct abi_ipc_perm *in); /* -EINVAL */

void ipc_forget_key(struct ipc_object *o); /* from now on found by id only */
/* Out of the table; the caller drops the table's reference with ipc_unref(), best unlocked. */
void ipc_remove(struct ipc_object *o);

static inline void ipc_ref(struct ipc_object *o)
{
    refcount_get(&o->refs);
}
void ipc_unref(struct ipc_object *o); /* may sleep */

/* ---- who did it, and when ---- */

static inline int64_t ipc_now(void)
{
    return (int64_t)(ktime_real_ns() / NSEC_PER_SEC);
}
/* *where becomes the current process's pid, counted; what was there is put. */
void ipc_set_pid(struct pid **where, struct pid *pid);
int ipc_pid_nr(const struct pid *pid); /* as the current process sees it; 0: none */
