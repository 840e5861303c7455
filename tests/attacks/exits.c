/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a process can do to others by ending, or by becoming another program. Runs
 * in a container with a limit on processes, and with the argument "memory" in one
 * with 20 MB; prints a line per attempt.
 */
#include "attack.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

enum { UID = 1000, THREAD_ROUNDS = 100, TEXT_MAX = 16384 };

static char block[65536];

/* The child's status, or -1 when it has not ended after this many seconds. */
static int status_of(pid_t pid, int seconds)
{
    const struct timespec tenth = {0, 100000000};
    int status;

    for (int i = 0; i < seconds * 10; i++) {
        if (waitpid(pid, &status, WNOHANG) == pid)
            return status;
        nanosleep(&tenth, NULL);
    }
    return -1;
}

/* ---- an exit for which there is no memory ----------------------------------------- */

static void write_text(const char *file, const char *text)
{
    int fd = open(file, O_WRONLY);

    need(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), file);
    close(fd);
}

/* Until the group is full; nobody is killed for a pipe's sake. */
static void fill_memory(void)
{
    static int pipes[400][2];
    int n = 0;

    while (n < 400 && pipe2(pipes[n], O_NONBLOCK) == 0) {
        while (write(pipes[n][1], block, sizeof(block)) > 0)
            ;
        n++;
    }
    for (int i = 0; i < n; i++) {
        while (write(pipes[i][1], block, PAGE) > 0)
            ;
    }
}

/* The list is in memory that is not there yet, nor are the page tables for it. */
static void exit_in_vain(long call)
{
    const size_t size = 1ul << 40;
    char *area = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    need(area != MAP_FAILED, "mmap");
    write_text("/proc/self/oom_score_adj", "1000");
    need(syscall(SYS_set_robust_list, area + size / 2, 24L) == 0, "set_robust_list");
    fill_memory();
    syscall(call, 0);
}

static void exits_without_memory(const char *name, long call)
{
    pid_t pid = fork();

    if (pid == 0)
        exit_in_vain(call);
    printf("%s without memory: %s\n", name, status_of(pid, 30) == -1 ? "still there" : "gone");
    kill(pid, SIGKILL);
}

/* ---- threads that leave before the others ----------------------------------------- */

static void *last_thread(void *leader)
{
    char name[64], stat[256] = "";
    int fd;

    snprintf(name, sizeof(name), "/proc/self/task/%d/stat", (int)(intptr_t)leader);
    for (int i = 0; i < 1000 && strstr(stat, ") Z") == NULL; i++) {
        fd = open(name, O_RDONLY);
        if (fd < 0 || read(fd, stat, sizeof(stat) - 1) <= 0)
            break;
        close(fd);
        usleep(1000);
    }
    syscall(SYS_exit, 0);
    return NULL;
}

/* The leader goes first: what it counts for is given back by whoever goes last. */
static void leaders_go_first(void)
{
    int failed = 0;

    for (int round = 0; round < THREAD_ROUNDS; round++) {
        pthread_t thread;
        pid_t pid = fork();

        if (pid < 0) {
            failed++;
            continue;
        }
        if (pid == 0) {
            if (pthread_create(&thread, NULL, last_thread, (void *)(intptr_t)getpid()) != 0)
                _exit(1);
            syscall(SYS_exit, 0);
        }
        if (status_of(pid, 30) != 0)
            failed++;
    }
    printf("leaders go first: %d of %d failed\n", failed, THREAD_ROUNDS);
}

/* ---- a signal to what the parent has become ----------------------------------------- */

static int wait_as_another_program(void)
{
    int status;

    return waitpid(-1, &status, __WALL) > 0 ? 42 : 1; /* the child of the program before */
}

static void parent_executes(const int go[2])
{
    char c;
    pid_t pid = (pid_t)syscall(SYS_clone, SIGKILL, 0, 0, 0, 0);

    if (pid == 0) {
        close(go[1]);
        (void)!read(go[0], &c, 1); /* until nobody has the other end: after the exec */
        _exit(0);
    }
    execl("/proc/self/exe", "attack", "wait", NULL);
    _exit(3);
}

static void kill_after_exec(void)
{
    int go[2], status;
    pid_t pid;

    need(pipe2(go, O_CLOEXEC) == 0, "pipe");
    pid = fork();
    if (pid == 0) {
        parent_executes(go);
    }
    close(go[0]);
    usleep(300000);
    close(go[1]);
    status = status_of(pid, 30);
    printf("SIGKILL from a child after exec: %s\n",
           status == -1 ? "waits" : WIFEXITED(status) && WEXITSTATUS(status) == 42 ? "alive" : "killed");
}

/* ---- looking into a program that is just getting more rights ------------------------- */

static const char setuid_name[] = "/tmp/exits-setuid";

static void make_setuid_copy(void)
{
    int from = open("/proc/self/exe", O_RDONLY), to = open(setuid_name, O_WRONLY | O_CREAT, 0700);
    ssize_t n;

    need(from >= 0 && to >= 0, setuid_name);
    while ((n = read(from, block, sizeof(block))) > 0)
        need(write(to, block, (size_t)n) == n, setuid_name);
    need(fchmod(to, 04755) == 0, setuid_name);
    close(from);
    close(to);
}

/* With so much in its old memory, of a file that goes with it, that others run while it is dropped. */
static void become_setuid(int ready)
{
    const size_t size = 64ul << 20;
    int fd = memfd_create("ballast", 0);
    char *ballast;

    need(ftruncate(fd, (off_t)size) == 0, "ballast");
    ballast = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    need(ballast != MAP_FAILED, "ballast");
    memset(ballast, 1, size);
    close(fd);
    *(volatile int *)shared_memory(PAGE) = 1;
    need(write(ready, "x", 1) == 1, "pipe");
    execl(setuid_name, "attack", "sleep", NULL);
    _exit(3);
}

/* The old program's memory may be read, the new one's not: its main() is not where ours is, but
 * `marker` is, in both, with another value. */
static volatile long marker = 1;

static int reads_new_program(pid_t pid)
{
    char name[64];
    long value = 0;
    int fd;

    snprintf(name, sizeof(name), "/proc/%d/mem", (int)pid);
    fd = open(name, O_RDWR);
    if (fd < 0)
        return 0;
    if (pread(fd, &value, sizeof(value), (off_t)(uintptr_t)&marker) != sizeof(value))
        value = 0;
    close(fd);
    return value == 1; /* as it is in the file, before main() */
}

/* As a user of the container: nothing of the new program is ever seen. */
static int spy(void)
{
    int ready[2], seen = 0;
    pid_t pid;
    char c;

    need(setgid(UID) == 0 && setuid(UID) == 0, "setuid");
    need(prctl(PR_SET_DUMPABLE, 1) == 0, "prctl"); /* as after an exec: the child can be looked into */
    need(pipe(ready) == 0, "pipe");
    pid = fork();
    if (pid == 0) {
        marker = 3;
        become_setuid(ready[1]);
    }
    need(read(ready[0], &c, 1) == 1, "pipe");
    for (int i = 0; i < 1500; i++) {
        seen += reads_new_program(pid);
        sched_yield();
    }
    return seen > 0 ? 1 : 0;
}

static void looks_into_setuid(void)
{
    int seen = 0;

    make_setuid_copy();
    for (int round = 0; round < 5; round++) {
        pid_t pid = fork();

        if (pid == 0)
            _exit(spy());
        seen += status_of(pid, 30) != 0;
    }
    printf("setuid program seen from outside: %d times\n", seen);
    unlink(setuid_name);
}

/* ---- looking through what was opened before ------------------------------------------- */

static const char *const kept_names[] = {"maps", "environ", "auxv", "personality"};

static int open_of(pid_t pid, const char *name)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    return open(path, O_RDONLY);
}

static void become_setuid_when_told(int go)
{
    char *const args[] = {"attack", "sleep", NULL}, *const env[] = {"SECRET=1", NULL};
    char c;

    need(read(go, &c, 1) == 1, "pipe");
    execve(setuid_name, args, env);
    _exit(3);
}

/* Is what `fd` shows now the new program's? `old`: what it showed of the old one. */
static bool shows_new_program(const char *name, int fd, const char *old, ssize_t nold)
{
    static char now[TEXT_MAX];
    ssize_t n = pread(fd, now, sizeof(now) - 1, 0);

    if (n <= 0)
        return false;
    now[n] = '\0';
    if (strcmp(name, "maps") == 0)
        return strstr(now, setuid_name) != NULL;
    if (strcmp(name, "environ") == 0)
        return strstr(now, "SECRET") != NULL;
    if (strcmp(name, "auxv") == 0) /* Linux may go on showing the old one */
        return n != nold || memcmp(now, old, (size_t)n) != 0;
    return true;
}

static int keep_files_open(void)
{
    static char old[ARRAY_LEN(kept_names)][TEXT_MAX];
    ssize_t nold[ARRAY_LEN(kept_names)];
    int go[2], fds[ARRAY_LEN(kept_names)], fd, seen = 0;
    pid_t pid;

    need(setgid(UID) == 0 && setuid(UID) == 0, "setuid");
    need(prctl(PR_SET_DUMPABLE, 1) == 0, "prctl");
    need(pipe(go) == 0, "pipe");
    pid = fork();
    if (pid == 0)
        become_setuid_when_told(go[0]);
    for (size_t i = 0; i < ARRAY_LEN(kept_names); i++) {
        fds[i] = open_of(pid, kept_names[i]);
        nold[i] = read(fds[i], old[i], TEXT_MAX);
        need(nold[i] > 0, kept_names[i]);
    }
    need(write(go[1], "x", 1) == 1, "pipe");
    while ((fd = open_of(pid, "maps")) >= 0) {
        close(fd);
        usleep(10000);
    }
    usleep(100000); /* rights change first, then the memory */
    for (size_t i = 0; i < ARRAY_LEN(kept_names); i++) {
        if (shows_new_program(kept_names[i], fds[i], old[i], nold[i])) {
            printf("%s shows the setuid program\n", kept_names[i]);
            seen++;
        }
    }
    return seen;
}

static void looks_through_open_files(void)
{
    pid_t pid;

    make_setuid_copy();
    pid = fork();
    if (pid == 0)
        _exit(keep_files_open());
    printf("setuid program seen through open files: %d times\n", status_of(pid, 30) >> 8);
    unlink(setuid_name);
}

int main(int argc, char **argv)
{
    marker = 2;
    if (argc > 1 && strcmp(argv[1], "wait") == 0)
        return wait_as_another_program();
    if (argc > 1 && strcmp(argv[1], "sleep") == 0)
        return (int)sleep(1);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 1 && strcmp(argv[1], "memory") == 0) {
        exits_without_memory("exit_group", SYS_exit_group);
        exits_without_memory("exit", SYS_exit);
        return 0;
    }
    leaders_go_first();
    kill_after_exec();
    looks_into_setuid();
    looks_through_open_files();
    return 0;
}
