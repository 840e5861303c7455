/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads: what clone's CLONE_THREAD shares, signals to threads and processes,
 * exit_group and execve with many threads, futexes in the forms that C
 * libraries use, robust mutexes, thread-local storage and floating point; one open file that all read.
 */
#include "abi.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define THREADS 8

static long futex(void *word, int op, uint32_t value, const void *timeout, void *word2, uint32_t value3)
{
    return syscall(SYS_futex, word, op, value, timeout, word2, value3);
}

/* ---- sharing ------------------------------------------------------------------------ */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static __thread int private = 5;
static long shared, turns;

static void *add(void *arg)
{
    double x = (double)(long)arg;

    private += (int)(long)arg;
    for (int i = 0; i < 20000; i++) {
        pthread_mutex_lock(&mutex);
        shared++;
        pthread_mutex_unlock(&mutex);
        x = x * 1.0000001 + 1.0;
    }
    return (void *)(long)(private == 5 + (int)(long)arg && x > 20000.0);
}

static void *take_turns(void *arg)
{
    long me = (long)arg;

    pthread_mutex_lock(&mutex);
    while (turns < 1000) {
        if (turns % 2 == me) {
            turns++;
            pthread_cond_broadcast(&cond);
        } else {
            pthread_cond_wait(&cond, &mutex);
        }
    }
    pthread_cond_broadcast(&cond);
    pthread_mutex_unlock(&mutex);
    return NULL;
}

static void sharing(void)
{
    pthread_t t[THREADS];
    void *result;
    long good = 0;

    SECTION("sharing");
    for (long i = 0; i < THREADS; i++)
        pthread_create(&t[i], NULL, add, (void *)i);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(t[i], &result);
        good += (long)result;
    }
    printf("shared %ld, good %ld, private %d\n", shared, good, private);
    for (long i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, take_turns, (void *)i);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    printf("turns %ld\n", turns);
}

/* ---- signals -------------------------------------------------------------------------- */

static volatile pid_t taken_by;
static volatile int ready;

static void on_signal(int sig)
{
    (void)sig;
    taken_by = (pid_t)syscall(SYS_gettid);
}

static void *wait_for_signal(void *arg)
{
    *(pid_t *)arg = (pid_t)syscall(SYS_gettid);
    __atomic_store_n(&ready, 1, __ATOMIC_SEQ_CST);
    while (taken_by == 0)
        usleep(1000);
    return NULL;
}

static void signals(void)
{
    sigset_t set;
    pthread_t t;
    pid_t tid = 0;

    SECTION("signals");
    signal(SIGUSR1, on_signal);
    pthread_create(&t, NULL, wait_for_signal, &tid);
    while (!ready)
        usleep(1000);
    pthread_kill(t, SIGUSR1);
    pthread_join(t, NULL);
    printf("to the thread: %d\n", taken_by == tid);
    taken_by = ready = 0;
    pthread_create(&t, NULL, wait_for_signal, &tid);
    while (!ready)
        usleep(1000);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    kill(getpid(), SIGUSR1);
    pthread_join(t, NULL);
    printf("to the one that does not block it: %d\n", taken_by == tid);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    while (syscall(SYS_tgkill, getpid(), tid, 0) == 0) /* joined is a little before gone */
        usleep(1000);
    CALL(syscall(SYS_tgkill, getpid(), tid, 0));
}

/* ---- the end of all threads --------------------------------------------------------------- */

static char program[4096];

static void *spin(void *arg)
{
    (void)arg;
    for (;;)
        __atomic_fetch_add(&shared, 1, __ATOMIC_RELAXED);
    return NULL;
}

static void *sleep_long(void *arg)
{
    (void)arg;
    sleep(1000);
    return NULL;
}

static void *leave_process(void *arg)
{
    usleep(20000);
    exit((int)(long)arg);
}

static void *run_true(void *arg)
{
    usleep(20000);
    execl(program, "threads", "exec-child", (char *)NULL);
    return arg;
}

static void *become_last(void *arg)
{
    char c;

    (void)!read((int)(long)arg, &c, 1); /* until nobody can write */
    return NULL;
}

static void *crash(void *arg)
{
    usleep(10000);
    *(volatile char *)BAD_ADDR = 1;
    return arg;
}

static void ending(const char *what, void *(*end)(void *), void *arg, int main_exits)
{
    pthread_t t;
    pid_t pid;
    int status;

    fflush(stdout);
    if ((pid = fork()) == 0) {
        pthread_create(&t, NULL, spin, NULL);
        pthread_create(&t, NULL, sleep_long, NULL);
        pthread_create(&t, NULL, end, arg);
        if (main_exits)
            syscall(SYS_exit, 77);
        for (;;)
            pause();
    }
    waitpid(pid, &status, 0);
    printf("%s: exited %d %d signaled %d\n", what, WIFEXITED(status), WEXITSTATUS(status),
           WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

static void last_thread(void)
{
    pthread_t t;
    pid_t pid;
    int status, fds[2];

    if (pipe(fds) < 0)
        return;
    fflush(stdout);
    if ((pid = fork()) == 0) {
        close(fds[1]);
        pthread_create(&t, NULL, become_last, (void *)(long)fds[0]);
        syscall(SYS_exit, 33);
    }
    await_state(pid, 'Z');
    CALL(waitpid(pid, &status, WNOHANG)); /* the leader is gone, the process is not */
    close(fds[1]);
    waitpid(pid, &status, 0);
    printf("leader first: exited %d %d\n", WIFEXITED(status), WEXITSTATUS(status));
}

static void endings(void)
{
    SECTION("endings");
    ending("exit_group", leave_process, (void *)3, 0);
    ending("exit_group after the leader's exit", leave_process, (void *)4, 1);
    ending("fault", crash, NULL, 0);
    ending("execve", run_true, NULL, 0);
    ending("execve after the leader's exit", run_true, NULL, 1);
    last_thread();
}

/* ---- futexes ------------------------------------------------------------------------------- */

static uint32_t word, word2;

static void *futex_waiter(void *tid)
{
    long r;

    __atomic_store_n((pid_t *)tid, (pid_t)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
    r = futex(&word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    return (void *)(r == 0 ? 1L : 0L);
}

static int count_true(pthread_t *t, int n)
{
    void *result;
    int sum = 0;

    for (int i = 0; i < n; i++) {
        pthread_join(t[i], &result);
        sum += (int)(long)result;
    }
    return sum;
}

static long wake_until(void *w, int op, int n)
{
    long woken = 0;

    for (int i = 0; i < 5000 && woken < n; i++) {
        woken += futex(w, FUTEX_WAKE | op, (uint32_t)n, NULL, NULL, 0);
        if (woken < n)
            usleep(1000);
    }
    return woken;
}

static void futexes(void)
{
    struct timespec soon = {0, 20000000}, now, past = {1, 0};
    uint32_t *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_t t[4];
    pid_t tid[4], pid;
    int status;

    SECTION("futexes");
    CALL(futex(&word, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0));
    CALL(futex(&word, FUTEX_WAIT_PRIVATE, 0, &soon, NULL, 0));
    CALL(futex(&word, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 0, &past, NULL, 1));
    clock_gettime(CLOCK_MONOTONIC, &now);
    now.tv_sec += now.tv_nsec / 980000000;
    now.tv_nsec = (now.tv_nsec + 20000000) % 1000000000;
    CALL(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, &now, NULL, FUTEX_BITSET_MATCH_ANY));
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, futex_waiter, &tid[i]);
    printf("woken %ld\n", wake_until(&word, FUTEX_PRIVATE_FLAG, 3));
    printf("returned %d\n", count_true(t, 3));
    for (int i = 0; i < 4; i++) {
        tid[i] = 0;
        pthread_create(&t[i], NULL, futex_waiter, &tid[i]);
        while (__atomic_load_n(&tid[i], __ATOMIC_SEQ_CST) == 0)
            usleep(1000);
        await_sleep(tid[i]);
    }
    CALL(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)3, &word2, 1));
    CALL(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)3, &word2, 0));
    CALL(futex(&word, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0));
    CALL(futex(&word2, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0));
    printf("returned %d\n", count_true(t, 4));
    word2 = 5;
    CALL(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &word2,
               FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_EQ, 5)));
    printf("word %u\n", word2);

    fflush(stdout);
    if ((pid = fork()) == 0)
        _exit((int)futex(map, FUTEX_WAIT, 0, NULL, NULL, 0));
    printf("shared: woken %ld\n", wake_until(map, 0, 1));
    waitpid(pid, &status, 0);
    printf("exited %d\n", WEXITSTATUS(status));
}

static void *die_with_lock(void *arg)
{
    pthread_mutex_lock(arg);
    return NULL;
}

static void robust(void)
{
    pthread_mutex_t *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t a;
    pthread_t t;
    int err, fds[2];
    char c;

    SECTION("robust mutexes");
    pthread_mutexattr_init(&a);
    pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(m, &a);
    pthread_create(&t, NULL, die_with_lock, m);
    pthread_join(t, NULL);
    err = pthread_mutex_lock(m);
    printf("lock: %s\n", strerrorname_np(err));
    printf("consistent: %d\n", pthread_mutex_consistent(m));
    pthread_mutex_unlock(m);
    fflush(stdout);
    if (pipe(fds) < 0)
        return;
    if (fork() == 0) {
        pthread_mutex_lock(m);
        (void)!write(fds[1], "l", 1);
        kill(getpid(), SIGKILL);
    }
    (void)!read(fds[0], &c, 1);
    err = pthread_mutex_lock(m);
    printf("lock: %s\n", strerrorname_np(err));
    pthread_mutex_consistent(m);
    pthread_mutex_unlock(m);
    wait(NULL);
}

/* ---- a lock given back by a thread that dies before it has woken anybody ---- */

static struct {
    struct robust_list_head head;
    struct robust_list entry;
    uint32_t word;
} unlocking;
static volatile int is_woken;

static void *wait_for_unlocking(void *arg)
{
    struct timespec limit = {5, 0};

    CALL(futex(&unlocking.word, FUTEX_WAIT, 0, &limit, NULL, 0));
    is_woken = 1;
    return arg;
}

static void *die_unlocking(void *arg)
{
    unlocking.head.list.next = &unlocking.head.list;
    unlocking.head.futex_offset = (char *)&unlocking.word - (char *)&unlocking.entry;
    unlocking.head.list_op_pending = &unlocking.entry;
    syscall(SYS_set_robust_list, &unlocking.head, sizeof(unlocking.head));
    return arg;
}

static void dying_while_unlocking(void)
{
    pthread_t waiter, t;

    SECTION("dying while unlocking");
    pthread_create(&waiter, NULL, wait_for_unlocking, NULL);
    while (!is_woken) { /* the first ones may die before the waiter sleeps */
        pthread_create(&t, NULL, die_unlocking, NULL);
        pthread_join(t, NULL);
        usleep(10000);
    }
    pthread_join(waiter, NULL);
}

static void *cancelled(void *arg)
{
    sleep(1000);
    return arg;
}

static void cancelling(void)
{
    pthread_t t;
    void *result;

    SECTION("cancelling");
    pthread_create(&t, NULL, cancelled, NULL);
    usleep(10000);
    pthread_cancel(t);
    pthread_join(t, &result);
    printf("cancelled %d\n", result == PTHREAD_CANCELED);
}

/* ---- one open file of text -------------------------------------------------------------- */

#define TEXT_READS 200

/* Whoever reads from the start has the text made anew, into memory that all of them share: a page that
 * is not there yet stops the copy half-way. */
static void *read_text(void *arg)
{
    int fd = (int)(long)arg;
    long bad = 0;

    for (int i = 0; i < TEXT_READS; i++) {
        char *buf = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        long n = buf == MAP_FAILED ? -1 : pread(fd, buf + 4000, 4096, 0);

        bad += n < 96 || memcmp(buf + 4000, "Name:\t", 6) != 0 || buf[4000 + n - 1] != '\n';
        munmap(buf, 2 * 4096);
    }
    return (void *)bad;
}

static void texts(void)
{
    pthread_t threads[THREADS];
    long bad = 0;
    int fd;

    SECTION("one open file of text");
    fd = (int)TRY(open("/proc/self/status", O_RDONLY));
    for (long i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, read_text, (void *)(long)fd);
    for (int i = 0; i < THREADS; i++) {
        void *result;

        pthread_join(threads[i], &result);
        bad += (long)result;
    }
    printf("texts that are none: %ld\n", bad);
    close(fd);
}

/* For a look from outside: test_abi.py. */
static void *last_until_killed(void *arg)
{
    pause();
    return arg;
}

static void leader_exits(void)
{
    pthread_t t;

    pthread_create(&t, NULL, last_until_killed, NULL);
    syscall(SYS_exit, 0);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "exec-child") == 0)
        return getpid() == (int)syscall(SYS_gettid) ? 21 : 22;
    if (argc > 1 && strcmp(argv[1], "leader-exits") == 0)
        leader_exits();
    (void)!readlink("/proc/self/exe", program, sizeof(program) - 1);
    sharing();
    signals();
    endings();
    futexes();
    robust();
    dying_while_unlocking();
    cancelling();
    texts();
    return 0;
}
