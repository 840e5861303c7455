/* SPDX-License-Identifier: BSD-2-Clause */
/* System V message queues: msgget(2), msgsnd(2), msgrcv(2), msgctl(2). */
#include "sysvipc.h"

#include <sys/msg.h>

#ifndef MSG_STAT_ANY
#define MSG_STAT_ANY 13
#endif

struct message {
    long type;
    char text[64];
};
static int queue;

static void show_queue(int id)
{
    struct msqid_ds d;

    if (msgctl(id, IPC_STAT, &d) < 0) {
        printf("no queue: %s\n", strerrorname_np(errno));
        return;
    }
    show_perm(&d.msg_perm);
    printf(" bytes %lu messages %lu limit %lu lspid %s lrpid %s stime %s rtime %s ctime %s\n",
           d.__msg_cbytes, d.msg_qnum, d.msg_qbytes, who(d.msg_lspid), who(d.msg_lrpid),
           when(d.msg_stime), when(d.msg_rtime), when(d.msg_ctime));
}

static int send_text(long type, const char *text, int flags)
{
    struct message m = {.type = type};

    strncpy(m.text, text, sizeof(m.text) - 1);
    return msgsnd(queue, &m, strlen(text), flags);
}

static void receive(size_t size, long type, int flags)
{
    struct message m = {0};
    ssize_t n = msgrcv(queue, &m, size, type, flags);

    if (n < 0)
        printf("msgrcv(%zu, %ld, %#o): %s\n", size, type, flags, strerrorname_np(errno));
    else
        printf("msgrcv(%zu, %ld, %#o): %zd type %ld %.*s\n", size, type, flags, n, m.type, (int)n,
               m.text);
    fflush(stdout);
}

static void queue_errors(void)
{
    static char large[8200];
    struct message m = {1, "x"}, untyped = {0, "x"}, negative = {-1, "x"};
    struct msqid_ds d;
    int id;

    SECTION("queue errors");
    CALL(msgget(KEY, 0));
    id = CALL(msgget(KEY, IPC_CREAT | 0600));
    CALL(msgget(KEY, IPC_CREAT | IPC_EXCL));
    CALL(msgsnd(-1, &m, 1, 0));
    CALL(msgsnd(999, &m, 1, 0));
    CALL(msgsnd(id + (1 << 15), &m, 1, 0));
    CALL(msgsnd(id, BAD_ADDR, 1, 0));
    CALL(msgsnd(id, KERNEL_ADDR, 1, 0));
    CALL(msgsnd(id, &untyped, 1, 0));
    CALL(msgsnd(id, &negative, 1, 0));
    CALL(msgsnd(id, large, 8193, 0));
    CALL(msgsnd(id, &m, (size_t)-1, 0));
    CALL(msgsnd(id, &m, 1, IPC_NOWAIT));
    CALL(msgrcv(-1, &m, 1, 0, 0));
    CALL(msgrcv(999, &m, 1, 0, 0));
    CALL(msgrcv(id, &m, (size_t)-1, 0, 0));
    CALL(msgrcv(id, &m, 0, 0, 0));
    CALL(msgrcv(id, &m, 1, 5, IPC_NOWAIT));
    CALL(msgrcv(id, &m, 1, 0, MSG_COPY));
    CALL(msgrcv(id, &m, 1, 0, MSG_COPY | MSG_EXCEPT | IPC_NOWAIT));
    CALL(msgrcv(id, BAD_ADDR, 1, 0, 0)); /* lost */
    CALL(msgrcv(id, &m, 1, 0, IPC_NOWAIT));
    CALL(msgctl(-1, IPC_STAT, &d));
    CALL(msgctl(id, 4711, &d));
    CALL(msgctl(id, -1, &d));
    CALL(msgctl(id, IPC_STAT, BAD_ADDR));
    CALL(msgctl(id, IPC_SET, KERNEL_ADDR));
    CALL(msgctl(77, MSG_STAT, &d));
    CALL(msgctl(0, IPC_INFO, BAD_ADDR));
    CALL(msgctl(id, IPC_RMID, NULL));
    CALL(msgctl(id, IPC_RMID, NULL));
}

static void queues(void)
{
    SECTION("messages");
    queue = CALL(msgget(KEY, IPC_CREAT | 0600));
    show_queue(queue);
    CALL(send_text(5, "five", 0));
    CALL(send_text(3, "three", 0));
    CALL(send_text(3, "three again", 0));
    CALL(send_text(7, "", 0));
    CALL(send_text(4, "four", 0));
    show_queue(queue);
    receive(60, -4, 0);
    receive(60, 3, MSG_EXCEPT);
    receive(4, 3, 0);
    receive(4, 3, MSG_NOERROR);
    receive(60, -2, IPC_NOWAIT);
    receive(60, 1, MSG_COPY | IPC_NOWAIT);
    receive(60, 9, MSG_COPY | IPC_NOWAIT);
    receive(60, LONG_MIN, 0);
    receive(60, 0, 0);
    receive(60, 0, IPC_NOWAIT);
    show_queue(queue);
}

static int receive_77(void)
{
    struct message m;

    return result_of(msgrcv(queue, &m, sizeof(m.text), 77, 0));
}

static int send_when_there_is_room(void)
{
    return result_of(send_text(9, "there is room now", 0));
}

static void handler(int sig)
{
    (void)sig;
}

static int receive_77_interrupted(void)
{
    struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_RESTART};

    sigaction(SIGUSR1, &sa, NULL);
    return receive_77();
}

static int send_interrupted(void)
{
    struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_RESTART};

    sigaction(SIGUSR1, &sa, NULL);
    return send_when_there_is_room();
}

/* A process that is waiting when this returns. */
static pid_t start_waiting(int (*fn)(void))
{
    pid_t pid = start(fn);

    await_sleep(pid);
    return pid;
}

static void waiting(void)
{
    struct msqid_ds d;
    pid_t pid;

    SECTION("waiting for messages");
    msgctl(queue, IPC_STAT, &d);
    d.msg_qbytes = 10;
    CALL(msgctl(queue, IPC_SET, &d));
    CALL(send_text(1, "0123456789", 0));
    CALL(send_text(1, "x", IPC_NOWAIT));
    CALL(send_text(1, "", IPC_NOWAIT));
    show_queue(queue);
    pid = start_waiting(send_interrupted);
    kill(pid, SIGUSR1);
    finish("send_interrupted", pid);
    d.msg_qbytes = 20;
    CALL(msgctl(queue, IPC_SET, &d));
    pid = start_waiting(send_when_there_is_room);
    receive(60, 1, 0);
    finish("send_when_there_is_room", pid);
    receive(60, 1, 0);
    receive(60, 0, 0);
    pid = start_waiting(receive_77);
    CALL(send_text(76, "not this one", 0));
    CALL(send_text(77, "this", 0));
    finish("receive_77", pid);
    receive(60, 0, 0);
    pid = start_waiting(receive_77_interrupted);
    kill(pid, SIGUSR1);
    finish("receive_77_interrupted", pid);
}

static void sums(void)
{
    struct msginfo info;
    struct msqid_ds d;
    pid_t pid;
    int n;

    SECTION("messages in sum");
    for (n = 0; send_text(1, "", IPC_NOWAIT) == 0; n++)
        ;
    printf("%d messages without a byte, then %s\n", n, strerrorname_np(errno));
    CALL(msgctl(0, MSG_INFO, (struct msqid_ds *)&info));
    printf("queues %d messages %d bytes %d\n", info.msgpool, info.msgmap, info.msgtql);
    CALL(msgctl(0, IPC_INFO, (struct msqid_ds *)&info));
    printf("pool %d map %d max %d mnb %d mni %d ssz %d tql %d seg %d\n", info.msgpool, info.msgmap,
           info.msgmax, info.msgmnb, info.msgmni, info.msgssz, info.msgtql, info.msgseg);
    CALL(msgctl(queue & 0x7fff, MSG_STAT, &d) == queue);
    CALL(msgctl(queue & 0x7fff, MSG_STAT_ANY, &d) == queue);
    show_proc("/proc/sysvipc/msg", ".....pp....ttt");
    pid = start_waiting(receive_77);
    CALL(msgctl(queue, IPC_RMID, NULL));
    finish("receive_77", pid);
}

static int without_rights(void)
{
    struct msqid_ds qd = {.msg_perm.uid = 0, .msg_qbytes = 100000};
    struct message m = {1, "x"};

    if (drop_rights() < 0)
        return errno;
    CALL(msgsnd(queue, &m, 1, 0));
    CALL(msgrcv(queue, &m, 1, 0, IPC_NOWAIT));
    CALL(msgctl(queue, IPC_STAT, &qd));
    CALL(msgctl(queue & 0x7fff, MSG_STAT, &qd));
    CALL(msgctl(queue & 0x7fff, MSG_STAT_ANY, &qd) == queue);
    CALL(msgctl(queue, IPC_SET, &qd));
    CALL(msgctl(queue, IPC_RMID, NULL));
    queue = CALL(msgget(IPC_PRIVATE, 0600));
    qd.msg_qbytes = 16385;
    qd.msg_perm.uid = qd.msg_perm.gid = 1000;
    CALL(msgctl(queue, IPC_SET, &qd));
    qd.msg_qbytes = 16384;
    CALL(msgctl(queue, IPC_SET, &qd));
    CALL(msgctl(queue, IPC_RMID, NULL));
    return 0;
}

/* For tests of containers: as many full queues as one gets, at most that many. */
static int hold(int most)
{
    static struct {
        long type;
        char text[8192];
    } large = {.type = 1};
    int n, id;

    for (n = 0; n < most; n++) {
        id = msgget(IPC_PRIVATE, 0600);
        if (id < 0 || msgsnd(id, &large, sizeof(large.text), 0) < 0 ||
            msgsnd(id, &large, sizeof(large.text), 0) < 0)
            break;
    }
    printf("%s\n", n == most ? "held" : strerrorname_np(errno));
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "hold") == 0)
        return hold(atoi(argv[2]));
    own_namespace();
    show_limit("msgmax");
    show_limit("msgmnb");
    show_limit("msgmni");
    queue_errors();
    queues();
    waiting();
    sums();
    SECTION("permissions");
    queue = CALL(msgget(KEY, IPC_CREAT | 0602));
    RUN(without_rights);
    return 0;
}
