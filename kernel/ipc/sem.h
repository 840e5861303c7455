/* SPDX-License-Identifier: BSD-2-Clause */
/* Between sem.c (sets, and semctl(2)) and semop.c (operations, waiting, undoing). */
#pragma once

#include <kernel/list.h>

#include "ipc.h"

struct sem {
    uint16_t value;  /* [L] 0 .. SEMVMX */
    struct pid *pid; /* [L] counted: of the last operation; NULL: none yet */
};

struct sem_set {
    struct ipc_object ipc;
    int64_t otime, ctime;     /* [L] */
    struct list_node waiters; /* [L] struct sem_call.link, first come first served */
    struct list_node undos;   /* [L] struct sem_undo.of_set */
    unsigned nsems;           /* [I] */
    struct sem sems[];
};

/*
 * What SEM_UNDO takes back: for each process (or group of threads with
 * CLONE_SYSVSEM) a list, with an entry per set that it has used so.
 */
struct sem_undo_list {
    struct refcount refs;   /* threads */
    struct ipc_ns *ns;      /* [I] counted */
    struct list_node undos; /* [L] struct sem_undo.of_list */
};
struct sem_undo {
    struct list_node of_list, of_set; /* [L] */
    struct sem_set *set;              /* [I] borrowed: it takes its entries with it */
    int16_t adjust[];                 /* [L] for each semaphore, to be added at exit */
};

static inline struct sem_set *sem_set_of(struct ipc_object *o)
{
    return container_of(o, struct sem_set, ipc);
}

/* ---- semop.c; the lock of the set's ids held ---- */
void sem_wake(struct sem_set *set);         /* values have changed: let go who can go on */
void sem_wake_removed(struct sem_set *set); /* -EIDRM for all who wait */
void sem_forget_undo(struct sem_set *set, unsigned first, unsigned n); /* SETVAL, SETALL */
void sem_drop_undos(struct sem_set *set);                              /* the set goes */
/* Who waits for semaphore `num` to grow, or to become zero. */
enum sem_wait_for { SEM_WAIT_GROW, SEM_WAIT_ZERO };
int sem_count_waiters(const struct sem_set *set, unsigned num, enum sem_wait_for what);
