/* SPDX-License-Identifier: BSD-2-Clause */
/* What is in files: reading, writing, mapping, locks, descriptors, attributes, memfd_create(2). */
#include "abi.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>

#define DIR_NAME "/tmp/fs_data"

static long size_of(int fd)
{
    struct stat s;

    return fstat(fd, &s) < 0 ? -1 : (long)s.st_size;
}

static void positions(void)
{
    char buf[16] = "";
    int fd, other, shared;

    SECTION("positions");
    fd = (int)TRY(open("f", O_CREAT | O_RDWR | O_TRUNC, 0600));
    CALL(write(fd, "0123456789", 10));
    CALL(lseek(fd, 2, SEEK_SET));
    shared = dup(fd);
    other = open("f", O_RDWR);
    CALL(read(shared, buf, 3));
    abi_show_bytes("read", buf, 3);
    CALL(lseek(fd, 0, SEEK_CUR));
    CALL(lseek(other, 0, SEEK_CUR));
    CALL(pread(fd, buf, 4, 8));
    CALL(pread(fd, buf, 4, 10));
    CALL(pread(fd, buf, 4, 100));
    CALL(pwrite(fd, "ab", 2, 4));
    CALL(lseek(fd, 0, SEEK_CUR));
    CALL(lseek(fd, 5, SEEK_END));
    CALL(write(fd, "x", 1));
    CALL(size_of(other));
    CALL(pread(other, buf, 16, 0));
    abi_show_bytes("all", buf, 16);
    CALL(lseek(fd, -100, SEEK_CUR));
    close(shared);
    close(other);
    other = open("f", O_WRONLY | O_APPEND);
    CALL(write(other, "A", 1));
    CALL(lseek(other, 0, SEEK_CUR));
    CALL(pwrite(other, "P", 1, 0));
    CALL(size_of(fd));
    CALL(read(other, buf, 1));
    CALL(ftruncate(other, 3));
    CALL(ftruncate(fd, 6));
    CALL(pread(fd, buf, 16, 0));
    abi_show_bytes("cut", buf, 6);
    close(other);
    other = open("f", O_RDONLY);
    CALL(ftruncate(other, 1));
    CALL(write(other, "x", 1));
    CALL(fsync(other));
    CALL(fallocate(other, 0, 0, 10));
    close(other);
    close(fd);
}

static void vectors(void)
{
    char a[4] = "", b[4] = "";
    struct iovec out[3] = {{"abc", 3}, {NULL, 0}, {"defg", 4}}, in[2] = {{a, 4}, {b, 4}};
    struct iovec bad[2] = {{a, 2}, {BAD_ADDR, 4}};
    int fd = open("v", O_CREAT | O_RDWR | O_TRUNC, 0600);

    SECTION("vectors");
    CALL(writev(fd, out, 3));
    CALL(preadv(fd, in, 2, 0));
    abi_show_bytes("a", a, 4);
    abi_show_bytes("b", b, 4);
    CALL(readv(fd, in, 0));
    CALL(preadv(fd, bad, 2, 0));
    CALL(pwritev(fd, bad, 2, 0));
    CALL(pwritev(fd, bad + 1, 1, 0));
    CALL(size_of(fd));
    close(fd);
    unlink("v");
}

static void copies(void)
{
    char buf[32] = "";
    off_t off = 2;
    int in = open("in", O_CREAT | O_RDWR | O_TRUNC, 0600),
        out = open("out", O_CREAT | O_RDWR | O_TRUNC, 0600);
    int null = open("/dev/null", O_WRONLY), append = open("out", O_WRONLY | O_APPEND), p[2];

    SECTION("copies");
    CALL(write(in, "0123456789", 10));
    CALL(sendfile(out, in, &off, 100));
    printf("offset %ld\n", (long)off);
    CALL(lseek(in, 1, SEEK_SET));
    CALL(sendfile(out, in, NULL, 3));
    CALL(lseek(in, 0, SEEK_CUR));
    CALL(pread(out, buf, 32, 0));
    abi_show_bytes("out", buf, 11);
    CALL(sendfile(null, in, NULL, 100));
    CALL(sendfile(append, in, NULL, 1));
    CALL(sendfile(in, append, NULL, 1));
    if (pipe(p) == 0) {
        off = 0;
        CALL(sendfile(p[1], in, &off, 4));
        CALL(read(p[0], buf, 32));
        CALL(sendfile(out, p[0], NULL, 4));
    }
    off = 1;
    loff_t to = 20;
    CALL(copy_file_range(in, &off, out, &to, 4, 0));
    printf("offsets %ld %ld\n", (long)off, (long)to);
    CALL(size_of(out));
    CALL(copy_file_range(out, &off, out, &to, 4, 0));
    to = off + 1;
    CALL(copy_file_range(out, &off, out, &to, 4, 0));
    CALL(copy_file_range(in, NULL, append, NULL, 4, 0));
    CALL(copy_file_range(in, NULL, null, NULL, 4, 0));
    close(in);
    close(out);
    close(null);
    close(append);
    close(p[0]);
    close(p[1]);
    unlink("in");
    unlink("out");
}

static void descriptors(void)
{
    struct rlimit limit = {20, 20}, before;
    int fd = open("f", O_RDWR), n;

    SECTION("descriptors");
    printf("lowest %d\n", fd);
    CALL(fcntl(fd, F_DUPFD, 10));
    CALL(fcntl(fd, F_DUPFD_CLOEXEC, 10));
    CALL(fcntl(11, F_GETFD));
    CALL(fcntl(10, F_GETFD));
    CALL(fcntl(10, F_SETFD, FD_CLOEXEC));
    CALL(fcntl(10, F_GETFD));
    CALL(dup2(fd, 12));
    CALL(dup2(fd, fd));
    CALL(dup3(fd, 13, O_CLOEXEC));
    CALL(fcntl(13, F_GETFD));
    CALL(fcntl(fd, F_GETFL) & ~0100000);
    CALL(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK | O_WRONLY | O_CREAT));
    CALL(fcntl(12, F_GETFL) & ~0100000);
    CALL(fcntl(fd, F_SETFL, 0));
    CALL(close(10));
    CALL(close(10));
    n = open("f", O_PATH);
    CALL(fcntl(n, F_GETFL) & ~0100000);
    CALL(read(n, &n, 1));
    CALL(fchmod(n, 0600));
    CALL(fcntl(n, F_GETLK, NULL));
    close(n);
    getrlimit(RLIMIT_NOFILE, &before);
    limit.rlim_max = before.rlim_max;
    CALL(setrlimit(RLIMIT_NOFILE, &limit));
    CALL(dup2(fd, 20));
    CALL(fcntl(fd, F_DUPFD, 20));
    CALL(fcntl(fd, F_DUPFD, 19));
    for (n = 0; dup(fd) >= 0; n++)
        continue;
    printf("%d more\n", n);
    CALL(open("f", O_RDONLY));
    setrlimit(RLIMIT_NOFILE, &before);
    CALL(close_range(4, 8, 0));
    CALL(fcntl(8, F_GETFD));
    CALL(fcntl(9, F_GETFD));
    CALL(close_range(9, 9, CLOSE_RANGE_CLOEXEC));
    CALL(fcntl(9, F_GETFD));
    CALL(close_range(3, ~0u, 0));
    CALL(open("f", O_RDONLY));
    close(3);
}

static void limits(void)
{
    struct rlimit limit = {5000, RLIM_INFINITY}, before;
    static char data[8192];
    int fd = open("limit", O_CREAT | O_RDWR | O_TRUNC, 0600);

    SECTION("file size limit");
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    limit.rlim_max = before.rlim_max;
    setrlimit(RLIMIT_FSIZE, &limit);
    CALL(write(fd, data, 8192));
    CALL(write(fd, data, 1));
    CALL(pwrite(fd, data, 10, 4996));
    CALL(ftruncate(fd, 6000));
    CALL(ftruncate(fd, 100));
    CALL(fallocate(fd, 0, 0, 6000));
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_DFL);
    close(fd);
    unlink("limit");
}

static sigjmp_buf on_fault;

static void fault(int sig)
{
    siglongjmp(on_fault, sig);
}

static int touch(volatile char *p)
{
    int sig = sigsetjmp(on_fault, 1);

    if (sig == 0)
        (void)*p;
    return sig;
}

static void mappings(void)
{
    char buf[8] = "";
    int fd = open("map", O_CREAT | O_RDWR | O_TRUNC, 0600);
    char *s, *p;

    SECTION("mappings");
    signal(SIGBUS, fault);
    signal(SIGSEGV, fault);
    CALL(write(fd, "hello", 5));
    CALL(ftruncate(fd, 12288));
    s = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    p = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    abi_show_bytes("mapped", s, 6);
    memcpy(s, "HE", 2);
    p[2] = 'X';
    CALL(pread(fd, buf, 5, 0));
    abi_show_bytes("file", buf, 5);
    abi_show_bytes("private", p, 5);
    CALL(pwrite(fd, "new", 3, 4096));
    abi_show_bytes("shared", s + 4096, 3);
    abi_show_bytes("private", p + 4096, 3);
    p[4096] = 'P';
    CALL(touch(s + 8192));
    CALL(touch(s + 12288));
    CALL(ftruncate(fd, 4096));
    CALL(touch(s));
    CALL(touch(s + 4096));
    CALL(touch(p + 4096));
    CALL(ftruncate(fd, 8192));
    CALL(touch(s + 4096));
    abi_show_bytes("again", s + 4096, 3);
    s[4] = 'e';
    CALL(ftruncate(fd, 3));
    s[10] = 'Z'; /* behind the end, in the last page */
    CALL(ftruncate(fd, 100));
    CALL(pread(fd, buf, 8, 0));
    abi_show_bytes("zeros", buf, 8);
    CALL(read(fd, s + 50, 20)); /* into the file itself */
    CALL(pwrite(fd, s, 8, 60));
    CALL(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 1) == MAP_FAILED ? -1 : 0);
    munmap(s, 16384);
    munmap(p, 16384);
    close(fd);
    fd = open("map", O_RDONLY);
    CALL(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
    p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    CALL(mprotect(p, 4096, PROT_WRITE));
    CALL(unlink("map"));
    close(fd);
    abi_show_bytes("unlinked", p, 4); /* the mapping keeps the file */
    munmap(p, 4096);
    fd = open("map", O_CREAT | O_WRONLY, 0600);
    CALL(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0);
    close(fd);
    unlink("map");
    fd = open(".", O_RDONLY);
    CALL(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0);
    close(fd);
    signal(SIGBUS, SIG_DFL);
    signal(SIGSEGV, SIG_DFL);
}

/* A hole that has been looked at through a mapping, and is filled afterwards by somebody else. */
static void mapped_holes(void)
{
    int fd = open("holes", O_CREAT | O_RDWR | O_TRUNC, 0600);
    volatile char *a, *b, *p;

    SECTION("mapped holes");
    CALL(ftruncate(fd, 8192));
    a = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    b = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    p = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, fd, 0);
    printf("%d %d %d\n", a[0], p[0], p[4096]);
    b[0] = 1;
    CALL(pwrite(fd, "\2", 1, 4096));
    printf("%d %d %d %d\n", a[0], a[4096], p[0], p[4096]);
    munmap((void *)a, 8192);
    munmap((void *)b, 8192);
    munmap((void *)p, 8192);
    close(fd);
    unlink("holes");
}

/* A hole is one for everybody who shares the file's pages, not for those who have written their own. */
static void punched_mappings(void)
{
    int fd = open("punched", O_CREAT | O_RDWR | O_TRUNC, 0600);
    volatile char *shared, *own;

    SECTION("holes punched below mappings");
    CALL(pwrite(fd, "\1", 1, 0));
    CALL(pwrite(fd, "\2", 1, 4096));
    shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    own = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    own[0] = 3;
    printf("%d %d, %d %d\n", shared[0], shared[4096], own[0], own[4096]);
    CALL(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 8192));
    printf("%d %d, %d %d\n", shared[0], shared[4096], own[0], own[4096]);
    shared[0] = 4;
    printf("%d, %d\n", shared[0], own[0]);
    CALL(ftruncate(fd, 0)); /* the end of the file is everybody's */
    CALL(ftruncate(fd, 8192));
    printf("%d, %d\n", shared[0], own[0]);
    munmap((void *)shared, 8192);
    munmap((void *)own, 8192);
    close(fd);
    unlink("punched");
}

static void nothing(int sig)
{
    (void)sig;
}

static int lock(int fd, int cmd, int type, long start, long len)
{
    struct flock l = {.l_type = (short)type, .l_start = start, .l_len = len};
    int r = fcntl(fd, cmd, &l);

    if (r == 0 && (cmd == F_GETLK || cmd == F_OFD_GETLK))
        printf("type %d from %ld length %ld pid %d\n", l.l_type, (long)l.l_start, (long)l.l_len,
               l.l_pid > 0 ? 1 : l.l_pid);
    return r;
}

/* SIGALRM, again and again: the first may come before the wait that it is to end. */
static void alarms(int seconds)
{
    setitimer(ITIMER_REAL, &(struct itimerval){{seconds, 0}, {seconds, 0}}, NULL);
}

static int locker(int fd)
{
    struct flock l = {.l_type = F_WRLCK};

    return fcntl(fd, F_GETLK, &l) < 0 ? -1 : l.l_pid;
}

/* Whose a lock is, as one namespace of numbers tells the other. */
static void lockers(void)
{
    int fd = open("lockers", O_CREAT | O_RDWR, 0600), ready[2], done[2];
    pid_t pid;
    char c;

    if (pipe(ready) < 0 || pipe(done) < 0 || unshare(CLONE_NEWPID) < 0)
        return;
    pid = fork();
    if (pid == 0) {
        (void)lock(fd, F_SETLK, F_WRLCK, 0, 0);
        (void)!write(ready[1], "x", 1);
        (void)!read(done[0], &c, 1);
        lock(fd, F_SETLK, F_UNLCK, 0, 0);
        (void)!write(ready[1], "x", 1);
        (void)!read(done[0], &c, 1);
        _exit(locker(fd) == 0 ? 42 : 1); /* not one that there is in here */
    }
    (void)!read(ready[0], &c, 1);
    printf("the child's: %d\n", locker(fd) == pid);
    (void)!write(done[1], "x", 1);
    (void)!read(ready[0], &c, 1);
    lock(fd, F_SETLK, F_WRLCK, 0, 0);
    (void)!write(done[1], "x", 1);
    if (waitpid(pid, &ready[0], 0) == pid)
        printf("the parent's: %d\n", WEXITSTATUS(ready[0]));
    lock(fd, F_SETLK, F_UNLCK, 0, 0);
}

/* The child has what the parent lacks, and both want the other's. */
static void deadlock(int fd)
{
    int ready[2];
    pid_t pid;
    char c;

    if (pipe(ready) < 0)
        return;
    lock(fd, F_SETLK, F_WRLCK, 0, 10);
    fflush(stdout);
    if ((pid = fork()) == 0) {
        lock(fd, F_SETLK, F_WRLCK, 20, 10);
        (void)!write(ready[1], "x", 1);
        lock(fd, F_SETLKW, F_WRLCK, 0, 10); /* waits for the parent */
        _exit(0);
    }
    (void)!read(ready[0], &c, 1);
    CALL(lock(fd, F_SETLK, F_RDLCK, 20, 1));
    CALL(lock(fd, F_GETLK, F_WRLCK, 0, 0));
    await_sleep(pid);
    CALL(lock(fd, F_SETLKW, F_WRLCK, 25, 1));
    CALL(lock(fd, F_SETLK, F_UNLCK, 0, 0));
    wait(NULL);
    CALL(lock(fd, F_SETLK, F_WRLCK, 20, 1));
    close(ready[0]);
    close(ready[1]);
}

/* Each of n processes has a byte and wants the next one's; the parent's wait would close the ring. */
static void ring_of_waiters(int fd, int n)
{
    int ready[2], go[2];
    pid_t pids[16];
    char c;

    if (pipe(ready) < 0 || pipe(go) < 0)
        return;
    lock(fd, F_SETLK, F_WRLCK, 0, 1);
    fflush(stdout);
    for (int i = 1; i < n; i++) {
        if ((pids[i] = fork()) == 0) {
            lock(fd, F_SETLK, F_WRLCK, i, 1);
            (void)!write(ready[1], "x", 1);
            (void)!read(go[0], &c, 1);
            (void)!write(ready[1], "x", 1);
            lock(fd, F_SETLKW, F_WRLCK, (i + 1) % n, 1);
            _exit(0);
        }
        (void)!read(ready[0], &c, 1);
    }
    for (int i = 1; i < n; i++)
        (void)!write(go[1], "x", 1);
    for (int i = 1; i < n; i++)
        (void)!read(ready[0], &c, 1);
    for (int i = 1; i < n; i++)
        await_sleep(pids[i]);
    alarms(1);
    CALL(lock(fd, F_SETLKW, F_WRLCK, 1, 1));
    alarms(0);
    lock(fd, F_SETLK, F_UNLCK, 0, 0);
    while (wait(NULL) > 0)
        ;
    close(ready[0]);
    close(ready[1]);
    close(go[0]);
    close(go[1]);
}

static void locks(void)
{
    struct sigaction sa = {.sa_handler = nothing};
    int fd = open("l", O_CREAT | O_RDWR, 0600), other = open("l", O_RDWR), ro = open("l", O_RDONLY);
    int status;

    SECTION("locks");
    CALL(flock(fd, LOCK_EX));
    CALL(flock(other, LOCK_SH | LOCK_NB));
    CALL(flock(fd, LOCK_SH));
    CALL(flock(other, LOCK_SH | LOCK_NB));
    CALL(flock(other, LOCK_EX | LOCK_NB));
    CALL(flock(fd, LOCK_UN));
    CALL(flock(other, LOCK_EX | LOCK_NB));
    fflush(stdout);
    if (fork() == 0) {
        flock(other, LOCK_UN); /* the same open file */
        _exit(0);
    }
    wait(NULL);
    CALL(flock(fd, LOCK_EX | LOCK_NB));
    sigaction(SIGALRM, &sa, NULL);
    alarms(1);
    CALL(flock(other, LOCK_EX));
    alarms(0);
    CALL(lock(fd, F_SETLK, F_WRLCK, 0, 100));
    CALL(lock(fd, F_SETLK, F_UNLCK, 40, 20));
    CALL(lock(ro, F_SETLK, F_WRLCK, 0, 1));
    CALL(lock(ro, F_SETLK, F_RDLCK, 40, 1));
    fflush(stdout);
    if (fork() == 0) {
        CALL(lock(fd, F_GETLK, F_WRLCK, 0, 0));
        CALL(lock(fd, F_GETLK, F_WRLCK, 41, 19));
        CALL(lock(fd, F_GETLK, F_RDLCK, 40, 20));
        CALL(lock(fd, F_GETLK, F_WRLCK, 60, 1));
        CALL(lock(fd, F_SETLK, F_RDLCK, 39, 1));
        CALL(lock(fd, F_SETLK, F_WRLCK, 41, 19));
        alarms(1);
        CALL(lock(fd, F_SETLKW, F_WRLCK, 0, 1));
        exit(0);
    }
    wait(&status);
    CALL(lock(fd, F_SETLK, F_WRLCK, 41, 19));
    CALL(close(ro)); /* takes all of the process's record locks on the file along */
    CALL(lock(other, F_OFD_SETLK, F_WRLCK, 0, 100));
    CALL(lock(fd, F_OFD_SETLK, F_RDLCK, 0, 100));
    CALL(lock(fd, F_OFD_GETLK, F_RDLCK, 0, 100));
    CALL(lock(fd, F_SETLK, F_RDLCK, 0, 1));
    close(other);
    CALL(lock(fd, F_OFD_SETLK, F_RDLCK, 0, 100));
    CALL(lock(fd, F_OFD_SETLK, F_UNLCK, 0, 0));
    deadlock(fd);
    ring_of_waiters(fd, 2);
    ring_of_waiters(fd, 12);
    ring_of_waiters(fd, 13); /* longer than is looked */
    fflush(stdout);
    if (fork() == 0) { /* which has its children elsewhere from then on */
        lockers();
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
    close(fd);
    unlink("l");
}

static void running(void)
{
    int fd, in = open("/proc/self/exe", O_RDONLY);

    SECTION("a running program");
    fd = open("prog", O_CREAT | O_WRONLY | O_TRUNC, 0755);
    while (sendfile(fd, in, NULL, 1 << 20) > 0)
        continue;
    fflush(stdout);
    if (fork() == 0) {
        execl("prog", "prog", "wait", NULL);
        printf("exec: %s\n", strerrorname_np(errno));
        exit(0);
    }
    wait(NULL);
    close(fd);
    int p[2];
    if (pipe(p) < 0)
        return;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(p[1], 1);
        execl("prog", "prog", "wait", NULL);
        _exit(9);
    }
    char c;
    (void)!read(p[0], &c, 1);
    CALL(open("prog", O_WRONLY));
    CALL(open("prog", O_RDWR | O_TRUNC));
    CALL(truncate("prog", 0));
    CALL(unlink("prog"));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(p[0]);
    close(p[1]);
    fd = (int)TRY(open("prog", O_CREAT | O_WRONLY, 0644));
    close(fd);
    CALL(execl("prog", "prog", NULL));
    CALL(chmod("prog", 0755));
    CALL(execl("prog", "prog", NULL));
    CALL(execl("prog/x", "prog", NULL));
    CALL(execl(".", "prog", NULL));
    CALL(unlink("prog"));
    close(in);
}

static void attributes(void)
{
    char buf[64];
    int fd = open("x", O_CREAT | O_RDWR, 0600);

    SECTION("attributes");
    CALL(setxattr("x", "trusted.a", "value", 5, 0));
    CALL(setxattr("x", "trusted.a", "v", 1, XATTR_CREATE));
    CALL(setxattr("x", "trusted.b", "v", 1, XATTR_REPLACE));
    CALL(fsetxattr(fd, "trusted.b", "", 0, XATTR_CREATE));
    CALL(setxattr("x", "security.z", "sec", 3, 0));
    CALL(setxattr("x", "nospace.a", "v", 1, 0));
    CALL(getxattr("x", "trusted.a", NULL, 0));
    CALL(getxattr("x", "trusted.a", buf, 4));
    CALL(fgetxattr(fd, "trusted.a", buf, 64));
    abi_show_bytes("value", buf, 5);
    CALL(getxattr("x", "trusted.b", buf, 64));
    CALL(getxattr("x", "trusted.c", buf, 64));
    CALL(listxattr("x", NULL, 0));
    CALL(listxattr("x", buf, 10));
    CALL(setxattr("x", "trusted.a", "longer value", 12, XATTR_REPLACE));
    CALL(getxattr("x", "trusted.a", buf, 64));
    CALL(removexattr("x", "trusted.a"));
    CALL(removexattr("x", "trusted.a"));
    if (seteuid(1000) < 0)
        printf("cannot become a user\n");
    CALL(getxattr("x", "trusted.b", buf, 64));
    CALL(setxattr("x", "trusted.b", "v", 1, 0));
    CALL(getxattr("x", "security.z", buf, 64));
    CALL(setxattr("x", "security.z", "v", 1, 0));
    CALL(listxattr("x", NULL, 0));
    if (seteuid(0) < 0)
        printf("cannot become root again\n");
    close(fd);
    unlink("x");
}

static void seals(void)
{
    int fd = memfd_create("name", MFD_ALLOW_SEALING | MFD_CLOEXEC), ro;
    char path[64], link[64] = "";
    void *p;

    SECTION("memfd");
    CALL(fcntl(fd, F_GETFD));
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    CALL(readlink(path, link, sizeof(link) - 1));
    printf("%s\n", link);
    CALL(write(fd, "data", 4));
    CALL(fcntl(fd, F_GET_SEALS));
    CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
    CALL(ftruncate(fd, 2));
    CALL(ftruncate(fd, 8));
    CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
    CALL(ftruncate(fd, 9));
    CALL(fallocate(fd, 0, 0, 100));
    CALL(pwrite(fd, "0123456789", 10, 4));
    CALL(pwrite(fd, "x", 1, 8));
    p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    munmap(p, 4096);
    ro = open(path, O_RDONLY);
    CALL(fcntl(ro, F_ADD_SEALS, F_SEAL_WRITE));
    CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL));
    CALL(fcntl(fd, F_GET_SEALS));
    CALL(pwrite(fd, "x", 1, 0));
    CALL(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1));
    CALL(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
    CALL(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0);
    CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
    CALL(fcntl(fd, F_ADD_SEALS, 0x1000));
    close(ro);
    close(fd);
    fd = memfd_create("name", 0);
    CALL(fcntl(fd, F_GET_SEALS));
    CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    close(fd);
    fd = open("/dev/null", O_RDWR);
    CALL(fcntl(fd, F_GET_SEALS));
    close(fd);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "wait") == 0) {
        (void)!write(1, "x", 1);
        for (;;)
            pause();
    }
    umask(022);
    for (int fd = 3; fd < 100; fd++)
        close(fd);
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        (mkdir(DIR_NAME, 0755) < 0 && errno != EEXIST) ||
        mount("none", DIR_NAME, "tmpfs", 0, "mode=755") < 0 || chdir(DIR_NAME) < 0)
        return 1;
    positions();
    vectors();
    copies();
    descriptors();
    limits();
    mappings();
    mapped_holes();
    punched_mappings();
    locks();
    running();
    attributes();
    seals();
    CALL(chdir("/"));
    CALL(umount2(DIR_NAME, 0));
    (void)rmdir(DIR_NAME);
    return 0;
}
