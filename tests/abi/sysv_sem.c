/* SPDX-License-Identifier: BSD-2-Clause */
/* System V semaphores: semget(2), semop(2), semtimedop(2), semctl(2), SEM_UNDO. */
#include "sysvipc.h"

#include <pthread.h>
#include <sys/sem.h>

#ifndef SEM_STAT_ANY
#define SEM_STAT_ANY 20
#endif
/* The call itself: the C library has opinions about its last argument. */
#define semctl_raw(id, num, cmd, arg) syscall(SYS_semctl, (id), (num), (cmd), (arg))

static int sems;

static void show_set(int id)
{
    unsigned short values[8];
    struct semid_ds d;

    if (semctl_raw(id, 0, IPC_STAT, &d) < 0) {
        printf("no set: %s\n", strerrorname_np(errno));
        return;
    }
    show_perm(&d.sem_perm);
    printf(" nsems %lu otime %s ctime %s:", d.sem_nsems, when(d.sem_otime), when(d.sem_ctime));
    semctl_raw(id, 0, GETALL, values);
    for (unsigned i = 0; i < d.sem_nsems; i++)
        printf(" %d/%s", values[i], who((pid_t)semctl_raw(id, i, GETPID, 0)));
    printf("\n");
}

static int op(int num, int n, int flags)
{
    struct sembuf b = {(unsigned short)num, (short)n, (short)flags};

    return semop(sems, &b, 1);
}

static void set_errors(void)
{
    unsigned short values[4] = {1, 2, 3, 40000};
    struct sembuf ops[501] = {{0, 0, 0}}, far = {4, 1, 0}, high = {1, 32767, 0};
    struct timespec bad_time = {0, 1000000000}, negative = {-1, 0};
    struct semid_ds d;
    int id;

    SECTION("semaphore errors");
    CALL(semget(KEY, 1, 0));
    CALL(semget(IPC_PRIVATE, 0, 0600));
    CALL(semget(IPC_PRIVATE, -1, 0600));
    CALL(semget(IPC_PRIVATE, 32001, 0600));
    id = CALL(semget(KEY, 4, IPC_CREAT | 0600));
    CALL(semget(KEY, 5, 0));
    CALL(semget(KEY, 0, 0));
    CALL(semget(KEY, 4, IPC_CREAT | IPC_EXCL));
    CALL(semop(id, ops, 0));
    CALL(semop(id, ops, 501));
    CALL(semop(id, ops, 500));
    CALL(semop(id, ops, (size_t)-1));
    CALL(semop(id, BAD_ADDR, 1));
    CALL(semop(id, KERNEL_ADDR, 1));
    CALL(semop(-1, ops, 1));
    CALL(semop(-1, BAD_ADDR, 1));
    CALL(semop(999, ops, 1));
    CALL(semop(id + (1 << 15), ops, 1));
    CALL(semop(id, &far, 1));
    CALL(semop(id, &high, 1));
    CALL(semop(id, &high, 1));
    CALL(syscall(SYS_semtimedop, id, ops, 1, BAD_ADDR));
    CALL(syscall(SYS_semtimedop, id, ops, 1, &bad_time));
    CALL(syscall(SYS_semtimedop, id, ops, 1, &negative));
    CALL(syscall(SYS_semtimedop, id, BAD_ADDR, 1, &negative));
    CALL(syscall(SYS_semtimedop, id, ops, 501, &negative));
    CALL(semctl_raw(-1, 0, GETVAL, 0));
    CALL(semctl_raw(id, 4, GETVAL, 0));
    CALL(semctl_raw(id, -1, GETPID, 0));
    CALL(semctl_raw(id, 4, GETNCNT, 0));
    CALL(semctl_raw(id, 4, SETVAL, 0));
    CALL(semctl_raw(id, 0, SETVAL, -1));
    CALL(semctl_raw(id, 9, SETVAL, 32768));
    CALL(semctl_raw(999, 9, SETVAL, 32768));
    CALL(semctl_raw(id, 0, 4711, 0));
    CALL(semctl_raw(id, 0, -1, 0));
    CALL(semctl_raw(id, 0, GETALL, BAD_ADDR));
    CALL(semctl_raw(id, 0, SETALL, BAD_ADDR));
    CALL(semctl_raw(id, 0, SETALL, values));
    CALL(semctl_raw(id, 0, IPC_STAT, KERNEL_ADDR));
    CALL(semctl_raw(id, 0, IPC_SET, BAD_ADDR));
    CALL(semctl_raw(77, 0, SEM_STAT, &d));
    CALL(semctl_raw(0, 0, IPC_INFO, BAD_ADDR));
    d.sem_perm.uid = d.sem_perm.gid = (gid_t)-1;
    CALL(semctl_raw(id, 0, IPC_SET, &d));
    CALL(semctl_raw(id, 0, IPC_RMID, 0));
    CALL(semctl_raw(id, 0, IPC_RMID, 0));
}

static void sets(void)
{
    unsigned short values[4] = {1, 2, 3, 4};
    struct sembuf both[] = {{0, -1, IPC_NOWAIT}, {1, -3, IPC_NOWAIT}};
    struct sembuf twice[] = {{0, 2, 0}, {0, -3, IPC_NOWAIT}, {0, 0, IPC_NOWAIT}, {0, 7, 0}};
    struct timespec soon = {0, 1000000}, now = {0, 0};
    struct sembuf take = {3, -5, 0};
    struct seminfo info;
    struct semid_ds d;

    SECTION("semaphores");
    sems = CALL(semget(KEY, 4, IPC_CREAT | 0600));
    show_set(sems);
    CALL(semctl_raw(sems, 0, SETALL, values));
    show_set(sems);
    CALL(semop(sems, both, 2)); /* all or nothing */
    show_set(sems);
    CALL(semop(sems, twice, 4)); /* in order */
    show_set(sems);
    CALL(op(3, -4, 0));
    CALL(op(3, 0, 0));
    CALL(op(2, 0, IPC_NOWAIT));
    CALL(semtimedop(sems, &take, 1, &soon));
    CALL(semtimedop(sems, &take, 1, &now));
    CALL(semctl_raw(sems, 2, SETVAL, 9));
    CALL(semctl_raw(sems, 2, GETVAL, 0));
    CALL(semctl_raw(0, 0, IPC_INFO, &info));
    printf("map %d mni %d mns %d mnu %d msl %d opm %d ume %d usz %d vmx %d aem %d\n", info.semmap,
           info.semmni, info.semmns, info.semmnu, info.semmsl, info.semopm, info.semume,
           info.semusz, info.semvmx, info.semaem);
    CALL(semctl_raw(0, 0, SEM_INFO, &info));
    printf("sets %d semaphores %d\n", info.semusz, info.semaem);
    CALL(semctl_raw(sems & 0x7fff, 0, SEM_STAT, &d) == sems);
    CALL(semctl_raw(sems & 0x7fff, 0, SEM_STAT_ANY, &d) == sems);
    show_proc("/proc/sysvipc/sem", "........tt");
    d.sem_perm.mode = 0777;
    CALL(semctl_raw(sems, 0, IPC_SET, &d));
    show_set(sems);
}

/* Wait until n callers wait on semaphore 0. */
static void await_waiters(int cmd, int n)
{
    while (semctl_raw(sems, 0, cmd, 0) != n)
        usleep(1000);
}

static int take_one(void)
{
    return result_of(op(0, -1, 0));
}
static int take_two(void)
{
    return result_of(op(0, -2, 0));
}
static int await_zero(void)
{
    return result_of(op(0, 0, 0));
}

static void handler(int sig)
{
    (void)sig;
}

static int take_one_interrupted(void)
{
    struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_RESTART};

    sigaction(SIGUSR1, &sa, NULL);
    return result_of(op(0, -1, 0));
}

static void waiting(void)
{
    pid_t a, b;

    SECTION("waiting for semaphores");
    CALL(semctl_raw(sems, 0, SETVAL, 0));
    a = start(take_two);
    await_waiters(GETNCNT, 1);
    b = start(take_one);
    await_waiters(GETNCNT, 2);
    CALL(op(0, 1, 0));
    finish("take_one", b); /* the second goes on: one is enough for it */
    await_waiters(GETNCNT, 1);
    CALL(op(0, 2, 0));
    finish("take_two", a);
    show_set(sems);

    CALL(semctl_raw(sems, 0, SETVAL, 1));
    a = start(await_zero);
    await_waiters(GETZCNT, 1);
    CALL(semctl_raw(sems, 0, GETNCNT, 0));
    CALL(semctl_raw(sems, 0, SETVAL, 0));
    finish("await_zero", a);

    a = start(take_one_interrupted);
    await_waiters(GETNCNT, 1);
    kill(a, SIGUSR1);
    finish("take_one_interrupted", a);
    await_waiters(GETNCNT, 0);

    a = start(take_one);
    await_waiters(GETNCNT, 1);
    CALL(semctl_raw(sems, 0, IPC_RMID, 0));
    finish("take_one", a);
}

/* ---- SEM_UNDO ---- */

static int take_and_die(void)
{
    CALL(op(0, -3, SEM_UNDO));
    CALL(op(1, 2, SEM_UNDO));
    CALL(op(2, 30000, SEM_UNDO));
    CALL(op(2, -29000, 0));
    return raise(SIGKILL);
}

static int be_forgiven(void)
{
    unsigned short values[] = {4, 0, 0};

    CALL(op(0, -3, SEM_UNDO));
    CALL(semctl_raw(sems, 0, SETVAL, 4)); /* what was to be undone is forgotten */
    CALL(op(0, -2, SEM_UNDO));
    CALL(semctl_raw(sems, 0, SETALL, values));
    return 0;
}

static int exec_and_look(void)
{
    char id[16];

    CALL(op(0, -1, SEM_UNDO));
    snprintf(id, sizeof(id), "%d", sems);
    return result_of(execl("/proc/self/exe", "sysv_sem", id, NULL));
}

static int unshare_and_look(void)
{
    CALL(op(0, -1, SEM_UNDO));
    CALL(unshare(CLONE_SYSVSEM));
    CALL(semctl_raw(sems, 0, GETVAL, 0));
    CALL(op(0, -1, SEM_UNDO));
    CALL(unshare(CLONE_NEWIPC));
    CALL(semctl_raw(sems, 0, GETVAL, 0));
    return 0;
}

static int overflow(void)
{
    CALL(op(1, 32767, SEM_UNDO));
    CALL(op(1, -32767, 0));
    CALL(op(1, 1, SEM_UNDO));
    CALL(op(1, 1, SEM_UNDO));
    CALL(op(1, 0, IPC_NOWAIT));
    return 0;
}

static void *take_in_thread(void *arg)
{
    CALL(op(0, -1, SEM_UNDO));
    return arg;
}

static int have_threads(void)
{
    pthread_t t;

    pthread_create(&t, NULL, take_in_thread, NULL);
    pthread_join(t, NULL);
    CALL(semctl_raw(sems, 0, GETVAL, 0)); /* the thread is gone, the process is not */
    return 0;
}

static void undoing(void)
{
    pid_t waiter;

    SECTION("SEM_UNDO");
    sems = CALL(semget(IPC_PRIVATE, 3, 0600));
    CALL(semctl_raw(sems, 0, SETVAL, 5));
    RUN(take_and_die);
    show_set(sems);
    RUN(be_forgiven);
    show_set(sems);
    RUN(exec_and_look);
    show_set(sems);
    RUN(unshare_and_look);
    show_set(sems);
    CALL(semctl_raw(sems, 1, SETVAL, 0));
    RUN(overflow);
    show_set(sems);
    RUN(have_threads);
    show_set(sems);

    CALL(op(0, -3, SEM_UNDO));
    CALL(op(0, -1, SEM_UNDO));
    waiter = start(take_one);
    await_waiters(GETNCNT, 1);
    CALL(semctl_raw(sems, 0, IPC_RMID, 0)); /* with something to undo, and somebody waiting */
    finish("take_one", waiter);
}

static int without_rights(void)
{
    struct semid_ds ed = {.sem_perm.uid = 0};
    struct sembuf up = {0, 1, 0}, zero = {0, 0, IPC_NOWAIT};

    if (drop_rights() < 0)
        return errno;
    CALL(semop(sems, &up, 1));
    CALL(semop(sems, &zero, 1));
    CALL(semctl_raw(sems, 0, SETVAL, 1));
    CALL(semctl_raw(sems, 0, GETVAL, 0));
    CALL(semctl_raw(sems, 0, IPC_STAT, &ed));
    CALL(semctl_raw(sems, 0, IPC_SET, &ed));
    CALL(semctl_raw(sems, 0, IPC_RMID, 0));
    return 0;
}

/* For tests of containers: as many large sets as one gets, at most that many. */
static int hold(int most)
{
    struct sembuf up = {0, 1, SEM_UNDO};
    int n, id;

    for (n = 0; n < most; n++) {
        id = semget(IPC_PRIVATE, 32000, 0600);
        if (id < 0 || semop(id, &up, 1) < 0)
            break;
    }
    printf("%s\n", n == most ? "held" : strerrorname_np(errno));
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "hold") == 0)
        return hold(atoi(argv[2]));
    if (argc > 1) {
        printf("after exec: %ld\n", semctl_raw(atoi(argv[1]), 0, GETVAL, 0));
        return 0;
    }
    own_namespace();
    show_limit("sem");
    set_errors();
    sets();
    waiting();
    undoing();
    SECTION("permissions");
    sems = CALL(semget(KEY, 1, IPC_CREAT | 0604));
    RUN(without_rights);
    return 0;
}
