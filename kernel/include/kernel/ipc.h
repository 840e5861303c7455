/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System V IPC: svipc(7). Shared memory segments, semaphore sets and message
 * queues belong to an IPC namespace and go with it. (kernel/ipc; this is what
 * the rest of the kernel needs of it.)
 */
#pragma once

#include <kernel/mutex.h>
#include <kernel/rbtree.h>
#include <kernel/refcount.h>

struct abi_msqid_ds;
struct abi_semid_ds;
struct abi_shmid_ds;
struct ipc_object;
struct thread;
struct user_ns;

/* Limits of each namespace: Linux's defaults. What is made is charged to whoever makes it, so
 * a cgroup's memory limit comes first. */
#define SHMMIN 1
#define SHMMAX (UINT64_MAX - (1UL << 24)) /* bytes of a segment */
#define SHMALL (UINT64_MAX - (1UL << 24)) /* pages of all segments */
#define SHMMNI 4096                       /* segments */
#define SEMMNI 32000                      /* sets */
#define SEMMSL 32000                      /* semaphores of a set */
#define SEMMNS (SEMMNI * SEMMSL)          /* semaphores of all sets */
#define SEMOPM 500                        /* operations of a semop(2) */
#define SEMVMX 32767                      /* value of a semaphore */
#define SEMAEM SEMVMX                     /* what SEM_UNDO adds up to */
#define MSGMNI 32000                      /* queues */
#define MSGMAX 8192                       /* bytes of a message */
#define MSGMNB 16384                      /* bytes in a queue */

enum ipc_kind { IPC_SHM, IPC_SEM, IPC_MSG, IPC_KINDS };

/* The objects of one kind in one namespace. */
struct ipc_ids {
    struct mutex lock;         /* guards the rest, and the objects */
    struct ipc_object **slots; /* [lock] by index; NULL: free */
    unsigned nslots;           /* [lock] */
    unsigned in_use;           /* [lock] */
    int last_index;            /* [lock] given last; -1: none yet */
    uint16_t seq;              /* [lock] of the id given last */
    struct rb_root keys;       /* [lock] objects that have a key */
    uint64_t total;            /* [lock] pages of segments, semaphores, bytes of messages */
    uint64_t messages;         /* [lock] of all queues */
};

/* Held by each nsproxy, by attached segments and by the undo lists of semaphores. */
struct ipc_ns {
    struct refcount refs;
    struct user_ns *user_ns; /* [I] */
    uint64_t ino;            /* [I] of /proc/PID/ns/ipc */
    struct ipc_ids ids[IPC_KINDS];
};
extern struct ipc_ns ipc_ns_first;

struct ipc_ns *ipc_ns_create(struct user_ns *user_ns); /* empty, charged; NULL: no memory */
void ipc_ns_get(struct ipc_ns *ns);
void ipc_ns_put(struct ipc_ns *ns); /* the last one destroys every object; may sleep */

/* clone(2): a child with CLONE_SYSVSEM shares the list of what SEM_UNDO takes back. 0, -ENOMEM. */
int sem_clone(struct thread *child, uint64_t flags);
/* The thread leaves its list, which the last one to leave applies: exit, unshare(2), another
 * IPC namespace. May sleep. */
void sem_exit(struct thread *t);

/* For /proc/sysvipc: the object at index *at or the next one after it, with pids as the current
 * process sees them. Its id, with *at moved behind it, or -1. */
int shm_next(struct ipc_ns *ns, unsigned *at, struct abi_shmid_ds *out, uint64_t *resident_pages);
int sem_next(struct ipc_ns *ns, unsigned *at, struct abi_semid_ds *out);
int msg_next(struct ipc_ns *ns, unsigned *at, struct abi_msqid_ds *out);
