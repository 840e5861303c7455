/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of bad arguments of every call of System V IPC. */
#include "args.h"

#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#define MESSAGES 200 /* more than the rows take */

static struct {
    long type;
    char text[8];
} message = {1, "text"};
static struct timespec zero;

/* In a namespace of their own the first object of each kind has the id 0. */
enum { SEGMENT, SET = 0, QUEUE = 0 };

static const struct args_row rows[] = {
    C(shmget, "nnb", IPC_PRIVATE, 4096, 0600),
    FORKED(shmat, "npb", SEGMENT, 0, 0),
    C(shmdt, "p", P(ARGS_BUFFER)),
    C(shmctl, "nip", SEGMENT, IPC_STAT, P(ARGS_BUFFER)),
    C(shmctl, "nip", SEGMENT, IPC_INFO, P(ARGS_BUFFER)),
    C(shmctl, "nip", SEGMENT, SHM_INFO, P(ARGS_BUFFER)),
    C(shmctl, "nip", SEGMENT, SHM_STAT, P(ARGS_BUFFER)),
    C(shmctl, "nii", SEGMENT, SHM_LOCK, 0),
    C(shmctl, "ibi", SEGMENT, IPC_STAT, P(ARGS_BUFFER)),
    C(shmctl, "nip", SEGMENT, IPC_SET, P(ARGS_BUFFER)),
    C(shmctl, "nii", SEGMENT, IPC_RMID, 0),
    C(semget, "nnb", IPC_PRIVATE, 4, 0600),
    C(semop, "npn", SET, P(ARGS_BUFFER), 1),
    C(semtimedop, "npnp", SET, P(ARGS_BUFFER), 1, P(&zero)),
    C(semctl, "niip", SET, 0, GETALL, P(ARGS_BUFFER)),
    C(semctl, "niip", SET, 0, SETALL, P(ARGS_BUFFER)),
    C(semctl, "niip", SET, 0, IPC_STAT, P(ARGS_BUFFER)),
    C(semctl, "niip", SET, 0, IPC_INFO, P(ARGS_BUFFER)),
    C(semctl, "niip", SET, 0, SEM_STAT, P(ARGS_BUFFER)),
    C(semctl, "nnin", SET, 0, SETVAL, 1),
    C(semctl, "nnii", SET, 0, GETVAL, 0),
    C(semctl, "iibi", SET, 0, IPC_STAT, P(ARGS_BUFFER)),
    C(semctl, "niip", SET, 0, IPC_SET, P(ARGS_BUFFER)),
    C(semctl, "niii", SET, 0, IPC_RMID, 0),
    C(msgget, "nb", IPC_PRIVATE, 0600),
    C(msgsnd, "npnb", QUEUE, P(&message), 4, 0),
    C(msgrcv, "npnnb", QUEUE, P(ARGS_BUFFER), 8, 0, IPC_NOWAIT),
    C(msgctl, "nip", QUEUE, IPC_STAT, P(ARGS_BUFFER)),
    C(msgctl, "nip", QUEUE, IPC_INFO, P(ARGS_BUFFER)),
    C(msgctl, "nip", QUEUE, MSG_STAT, P(ARGS_BUFFER)),
    C(msgctl, "ibi", QUEUE, IPC_STAT, P(ARGS_BUFFER)),
    C(msgctl, "nip", QUEUE, IPC_SET, P(ARGS_BUFFER)),
    C(msgctl, "nii", QUEUE, IPC_RMID, 0),
};

int main(void)
{
    if (unshare(CLONE_NEWIPC) < 0 || shmget(IPC_PRIVATE, 4096, 0600) != SEGMENT ||
        semget(IPC_PRIVATE, 4, 0600) != SET || msgget(IPC_PRIVATE, 0600) != QUEUE)
        return 1;
    for (int i = 0; i < MESSAGES; i++)
        if (msgsnd(QUEUE, &message, 4, 0) < 0)
            return 1;
    args_init();
    args_try_rows(rows, ARRAY_LEN(rows));
    return args_fini();
}
