/* SPDX-License-Identifier: BSD-2-Clause */
/* System V IPC as user programs see it: shmctl(2), semctl(2), semop(2), msgctl(2). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define IPC_PRIVATE 0
#define IPC_CREAT   01000
#define IPC_EXCL    02000
#define IPC_NOWAIT  04000

/* Commands of all kinds... */
#define IPC_RMID 0
#define IPC_SET  1
#define IPC_STAT 2
#define IPC_INFO 3
/* ...of segments */
#define SHM_LOCK     11
#define SHM_UNLOCK   12
#define SHM_STAT     13
#define SHM_INFO     14
#define SHM_STAT_ANY 15
/* ...of semaphore sets */
#define SEM_GETPID   11
#define SEM_GETVAL   12
#define SEM_GETALL   13
#define SEM_GETNCNT  14
#define SEM_GETZCNT  15
#define SEM_SETVAL   16
#define SEM_SETALL   17
#define SEM_STAT     18
#define SEM_INFO     19
#define SEM_STAT_ANY 20
/* ...of message queues */
#define MSG_STAT     11
#define MSG_INFO     12
#define MSG_STAT_ANY 13

/* shmget(2), shmat(2); mode bits of a segment */
#define SHM_HUGETLB   04000
#define SHM_NORESERVE 010000
#define SHM_RDONLY    010000
#define SHM_RND       020000
#define SHM_REMAP     040000
#define SHM_EXEC      0100000
#define SHM_DEST      01000
#define SHM_LOCKED    02000

/* semop(2) */
#define SEM_UNDO 0x1000

/* msgrcv(2) */
#define MSG_NOERROR 010000
#define MSG_EXCEPT  020000
#define MSG_COPY    040000

struct abi_ipc_perm {
    int32_t key;
    uint32_t uid, gid, cuid, cgid;
    uint32_t mode;
    uint16_t seq;
    uint16_t pad;
    uint64_t unused[2];
};
_Static_assert(sizeof(struct abi_ipc_perm) == 48, "ipc64_perm ABI");

struct abi_shmid_ds {
    struct abi_ipc_perm perm;
    uint64_t size;
    int64_t atime, dtime, ctime;
    int32_t cpid, lpid;
    uint64_t nattch;
    uint64_t unused[2];
};
_Static_assert(sizeof(struct abi_shmid_ds) == 112, "shmid64_ds ABI");

struct abi_shminfo {
    uint64_t shmmax, shmmin, shmmni, shmseg, shmall;
    uint64_t unused[4];
};
_Static_assert(sizeof(struct abi_shminfo) == 72, "shminfo64 ABI");

struct abi_shm_info {
    int32_t used_ids;
    uint32_t pad;
    uint64_t total, resident, swapped; /* pages */
    uint64_t swap_attempts, swap_successes;
};
_Static_assert(sizeof(struct abi_shm_info) == 48, "shm_info ABI");

struct abi_semid_ds {
    struct abi_ipc_perm perm;
    int64_t otime;
    uint64_t unused1;
    int64_t ctime;
    uint64_t unused2;
    uint64_t nsems;
    uint64_t unused[2];
};
_Static_assert(sizeof(struct abi_semid_ds) == 104, "semid64_ds ABI");

struct abi_seminfo {
    int32_t semmap, semmni, semmns, semmnu, semmsl, semopm, semume, semusz, semvmx, semaem;
};
_Static_assert(sizeof(struct abi_seminfo) == 40, "seminfo ABI");

struct abi_sembuf {
    uint16_t num;
    int16_t op;
    int16_t flags;
};
_Static_assert(sizeof(struct abi_sembuf) == 6, "sembuf ABI");

struct abi_msqid_ds {
    struct abi_ipc_perm perm;
    int64_t stime, rtime, ctime;
    uint64_t cbytes, qnum, qbytes;
    int32_t lspid, lrpid;
    uint64_t unused[2];
};
_Static_assert(sizeof(struct abi_msqid_ds) == 120, "msqid64_ds ABI");

struct abi_msginfo {
    int32_t msgpool, msgmap, msgmax, msgmnb, msgmni, msgssz, msgtql;
    uint16_t msgseg;
    uint16_t pad;
};
_Static_assert(sizeof(struct abi_msginfo) == 32, "msginfo ABI");
