/* SPDX-License-Identifier: BSD-2-Clause */
/* System V shared memory: shmget(2), shmat(2), shmdt(2), shmctl(2). */
#include "sysvipc.h"

#include <sys/mman.h>
#include <sys/shm.h>

#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY 15
#endif
/* The call itself: the C library wants a pointer. */
#define shmat_raw(id, addr, flags) syscall(SYS_shmat, (id), (addr), (flags))

static void show_segment(int id)
{
    struct shmid_ds d;

    if (shmctl(id, IPC_STAT, &d) < 0) {
        printf("no segment: %s\n", strerrorname_np(errno));
        return;
    }
    show_perm(&d.shm_perm);
    printf(" size %lu nattch %lu cpid %s lpid %s atime %s dtime %s ctime %s\n", d.shm_segsz,
           d.shm_nattch, who(d.shm_cpid), who(d.shm_lpid), when(d.shm_atime), when(d.shm_dtime),
           when(d.shm_ctime));
}

static void segment_errors(void)
{
    struct shmid_ds d;
    int id;

    SECTION("segment errors");
    CALL(shmget(KEY, 4096, 0));
    CALL(shmget(IPC_PRIVATE, 0, IPC_CREAT | 0600));
    CALL(shmget(IPC_PRIVATE, ULONG_MAX, IPC_CREAT | 0600));
    CALL(shmget(IPC_PRIVATE, (size_t)LONG_MAX + 1, IPC_CREAT | 0600));
    id = CALL(shmget(KEY, 5000, IPC_CREAT | 0600));
    CALL(shmget(KEY, 5000, IPC_CREAT | IPC_EXCL | 0600));
    CALL(shmget(KEY, 5000, IPC_EXCL));
    CALL(shmget(KEY, 5001, 0));
    CALL(shmget(KEY, 0, 0));
    CALL(shmget(KEY, 0, 0777));
    CALL(shmat_raw(-1, NULL, 0));
    CALL(shmat_raw(12345, NULL, 0));
    CALL(shmat_raw(id + (1 << 15), NULL, 0));
    CALL(shmat_raw(id, 1, 0));
    CALL(shmat_raw(id, 4097, 0));
    CALL(shmat_raw(id, NULL, SHM_REMAP));
    CALL(shmat_raw(id, 1, SHM_REMAP | SHM_RND));
    CALL(shmat_raw(id, (long)KERNEL_ADDR, 0));
    CALL(shmat_raw(id, 0x7ffffffff000, 0));
    CALL(shmdt(NULL));
    CALL(shmdt((void *)0x1001));
    CALL(shmdt(&d));
    CALL(shmdt(KERNEL_ADDR));
    CALL(shmctl(-1, IPC_STAT, &d));
    CALL(shmctl(999, IPC_STAT, &d));
    CALL(shmctl(id, -1, &d));
    CALL(shmctl(id, 4711, &d));
    CALL(shmctl(id, IPC_STAT, BAD_ADDR));
    CALL(shmctl(id, IPC_STAT, KERNEL_ADDR));
    CALL(shmctl(id, SHM_STAT, NULL));
    CALL(shmctl(77, SHM_STAT, &d));
    CALL(shmctl(id, IPC_SET, BAD_ADDR));
    CALL(shmctl(0, IPC_INFO, BAD_ADDR));
    CALL(shmctl(0, SHM_INFO, KERNEL_ADDR));
    d.shm_perm.uid = (uid_t)-1;
    CALL(shmctl(id, IPC_SET, &d));
    CALL(shmctl(id + (1 << 15), IPC_RMID, NULL));
    CALL(shmctl(id, IPC_RMID, NULL));
    CALL(shmctl(id, IPC_RMID, NULL));
}

static char *volatile shared;
static int seg;

static int write_shared(void)
{
    strcpy(shared, "from the child");
    show_segment(seg);
    return 0;
}

static int write_readonly(void)
{
    char *p = shmat(seg, NULL, SHM_RDONLY);

    CALL(mprotect(p, 4096, PROT_READ | PROT_WRITE));
    printf("reads %s\n", p);
    fflush(stdout);
    *p = 'x';
    return 0;
}

static int exec_with_attachment(void)
{
    return result_of(execl("/proc/self/exe", "sysv_shm", "exit", NULL));
}

static void segments(void)
{
    char *p, *q;

    SECTION("segments");
    seg = CALL(shmget(KEY, 3 * 4096 - 100, IPC_CREAT | 0640));
    show_segment(seg);
    CALL(shmget(KEY, 100, 0400) == seg);
    p = shmat(seg, NULL, 0);
    printf("attached: %d, zero: %d\n", p != (void *)-1, p[0] == 0 && p[3 * 4096 - 1] == 0);
    shared = p;
    show_segment(seg);
    RUN(write_shared);
    printf("%s\n", p);
    RUN(write_readonly);
    RUN(exec_with_attachment);
    show_segment(seg);

    q = shmat(seg, NULL, 0);
    printf("another place: %d, same memory: %s\n", q != p, q);
    CALL(shmat_raw(seg, p + 4096, 0)); /* something is there */
    CALL(shmat_raw(seg, q, SHM_REMAP) == (long)q);
    show_segment(seg);
    CALL(munmap(q + 4096, 4096));
    show_segment(seg); /* two areas where there was one */
    CALL(shmdt(q + 4096));
    CALL(shmdt(q));
    show_segment(seg);
    CALL(shmdt(q));
    CALL(mprotect(p + 4096, 4096, PROT_READ));
    show_segment(seg);
    CALL(mprotect(p + 4096, 4096, PROT_READ | PROT_WRITE));
    q = mmap(NULL, 16 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(q, 16 * 4096);
    CALL(shmat_raw(seg, q + 5 * 4096 + 123, 0));
    CALL(shmat_raw(seg, q + 5 * 4096 + 123, SHM_RND) - (long)q);
    q += 5 * 4096;
    show_segment(seg);
    CALL(shmdt(q));
}

static void sums(void)
{
    struct shm_info info;
    struct shminfo limits;
    struct shmid_ds d;

    SECTION("segments in sum");
    CALL(shmctl(0, SHM_INFO, (struct shmid_ds *)&info));
    printf("used %d total %lu resident %lu\n", info.used_ids, info.shm_tot, info.shm_rss);
    CALL(shmctl(0, IPC_INFO, (struct shmid_ds *)&limits));
    printf("max %lu min %lu ni %lu seg %lu all %lu\n", limits.shmmax, limits.shmmin, limits.shmmni,
           limits.shmseg, limits.shmall);
    CALL(shmctl(seg & 0x7fff, SHM_STAT, &d) == seg);
    CALL(shmctl(seg & 0x7fff, SHM_STAT_ANY, &d) == seg);
    show_proc("/proc/sysvipc/shm", "....pp.....ttt..");
}

static void removal(void)
{
    struct shmid_ds d = {.shm_segsz = 1};
    char *p = shared, *q;

    SECTION("a segment that goes");
    d.shm_perm.uid = 5;
    d.shm_perm.gid = 6;
    d.shm_perm.mode = 07777;
    CALL(shmctl(seg, IPC_SET, &d));
    show_segment(seg);
    CALL(shmctl(seg, SHM_LOCK, NULL));
    show_segment(seg);
    CALL(shmctl(seg, SHM_UNLOCK, NULL));
    show_segment(seg);
    CALL(shmctl(seg, IPC_RMID, NULL));
    show_segment(seg);
    CALL(shmget(KEY, 100, 0));
    q = shmat(seg, NULL, 0); /* by id it is still there */
    printf("still: %s\n", q);
    CALL(shmdt(q));
    p[0] = 'F';
    printf("%s\n", p);
    CALL(shmdt(p));
    show_segment(seg);
    CALL(shmget(KEY, 100, IPC_CREAT | 0600) >> 15); /* the sequence number has moved on */
    CALL(shmctl(seg, IPC_STAT, &d));
    CALL(shmctl(shmget(KEY, 0, 0), IPC_RMID, NULL));
}

static void many_segments(void)
{
    int ids[4097], n;

    SECTION("as many segments as there may be");
    for (n = 0; n < 4097; n++) {
        ids[n] = shmget(IPC_PRIVATE, 4096, 0600);
        if (ids[n] < 0)
            break;
    }
    printf("%d, then %s\n", n, strerrorname_np(errno));
    CALL(shmctl(ids[17], IPC_RMID, NULL));
    CALL(shmget(IPC_PRIVATE, 1, 0600) == ids[17] + (1 << 15));
    ids[17] += 1 << 15;
    while (n-- > 0)
        if (shmctl(ids[n], IPC_RMID, NULL) < 0)
            printf("cannot remove %d\n", n);
}

static int without_rights(void)
{
    struct shmid_ds sd = {.shm_perm.uid = 0};

    if (drop_rights() < 0)
        return errno;
    CALL(shmget(KEY, 0, 0400));
    CALL(shmget(KEY, 0, 0200));
    CALL(shmget(KEY, 0, 0));
    CALL(shmat_raw(seg, NULL, 0));
    TRY(shmat_raw(seg, NULL, SHM_RDONLY));
    CALL(shmat_raw(seg, NULL, SHM_RDONLY | SHM_EXEC));
    CALL(shmctl(seg, IPC_STAT, &sd));
    CALL(shmctl(seg, IPC_SET, &sd));
    CALL(shmctl(seg, SHM_LOCK, NULL));
    CALL(shmctl(seg, IPC_RMID, NULL));
    return 0;
}

static int in_another_namespace(void)
{
    struct shmid_ds d;

    CALL(unshare(CLONE_NEWIPC));
    CALL(shmget(KEY, 0, 0));
    CALL(shmctl(seg, IPC_STAT, &d));
    printf("still attached: %s\n", shared);
    CALL(shmget(KEY, 4096, IPC_CREAT | IPC_EXCL | 0600));
    show_proc("/proc/sysvipc/shm", "....pp.....ttt..");
    return 0;
}

static void permissions(void)
{
    SECTION("permissions");
    seg = CALL(shmget(KEY, 4096, IPC_CREAT | 0604));
    RUN(without_rights);
    SECTION("namespaces");
    shared = shmat(seg, NULL, 0);
    strcpy(shared, "outside");
    RUN(in_another_namespace);
    show_segment(seg);
    CALL(syscall(SYS_clone, CLONE_NEWIPC | CLONE_SYSVSEM | SIGCHLD, 0, 0, 0, 0));
}

/* For tests of containers: a segment of that size, written to, that stays behind. */
static int hold(size_t size)
{
    int id = shmget(KEY, size, IPC_CREAT | 0600);
    void *p = shmat(id, NULL, 0);

    if (p == (void *)-1)
        return errno;
    memset(p, 1, size);
    printf("held\n");
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "exit") == 0)
        return 0;
    if (argc > 2 && strcmp(argv[1], "hold") == 0)
        return hold(strtoul(argv[2], NULL, 0));
    own_namespace();
    show_limit("shmall");
    show_limit("shmmax");
    show_limit("shmmni");
    segment_errors();
    segments();
    sums();
    removal();
    many_segments();
    permissions();
    return 0;
}
