/* SPDX-License-Identifier: BSD-2-Clause */
/* pipe(7), fifo(7). */
#include "abi.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>

static volatile int sigpipes;

static void on_sigpipe(int sig)
{
    (void)sig;
    sigpipes++;
}

static int ready(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};

    return poll(&p, 1, 0) < 0 ? -1 : p.revents;
}

static int queued(int fd)
{
    int n = -1;

    return ioctl(fd, FIONREAD, &n) < 0 ? -1 : n;
}

static void bad_arguments(void)
{
    int p[2];

    SECTION("bad arguments");
    CALL(pipe2(BAD_ADDR, 0));
    CALL(pipe2(KERNEL_ADDR, 0));
    CALL(pipe2(p, 1));
    CALL(pipe(BAD_ADDR));
    CALL(pipe2(p, O_CLOEXEC | O_NONBLOCK));
    CALL(fcntl(p[0], F_GETFD));
    CALL(fcntl(p[0], F_GETFL) & (O_NONBLOCK | O_ACCMODE));
    CALL(fcntl(p[1], F_GETFL) & (O_NONBLOCK | O_ACCMODE));
    CALL(read(p[1], p, 1));
    CALL(write(p[0], p, 1));
    CALL(read(p[0], p, 1));
    CALL(write(p[1], BAD_ADDR, 1));
    CALL(write(p[1], BAD_ADDR, 0));
    CALL(write(p[1], KERNEL_ADDR, 10));
    CALL(queued(p[0]));
    CALL(write(p[1], "x", 1));
    CALL(read(p[0], BAD_ADDR, 1));
    CALL(queued(p[0]));
    CALL(lseek(p[0], 0, SEEK_CUR));
    CALL(pread(p[0], p, 1, 0));
    CALL(pwrite(p[1], p, 1, 0));
    CALL(ioctl(p[0], 0x1234, 0));
    CALL(ioctl(p[0], FIONREAD, BAD_ADDR));
    CALL(ftruncate(p[1], 0));
    CALL(fcntl(p[0], F_SETPIPE_SZ, 0));
    CALL(fcntl(0, F_GETPIPE_SZ) == -1 ? errno == EBADF : 1);
    close(p[0]);
    close(p[1]);
}

static void sizes(void)
{
    static char big[200000];
    int p[2];

    SECTION("sizes");
    CALL(pipe2(p, O_NONBLOCK));
    CALL(fcntl(p[0], F_GETPIPE_SZ));
    CALL(write(p[1], big, sizeof(big)));
    CALL(write(p[1], big, 1));
    CALL(queued(p[0]));
    CALL(fcntl(p[1], F_SETPIPE_SZ, 4096));
    CALL(fcntl(p[1], F_SETPIPE_SZ, 65537));
    CALL(write(p[1], big, sizeof(big)));
    CALL(read(p[0], big, sizeof(big)));
    CALL(fcntl(p[1], F_SETPIPE_SZ, 1));
    CALL(write(p[1], big, 4000));
    CALL(write(p[1], big, 200)); /* not torn: all or nothing up to PIPE_BUF */
    CALL(write(p[1], big, 96));
    CALL(write(p[1], big, 1));
    CALL(read(p[0], big, 10));
    CALL(write(p[1], big, 1));
    CALL(read(p[0], big, 4090));
    CALL(write(p[1], big, 5000));
    close(p[0]);
    close(p[1]);
}

static void ends(void)
{
    char b[16];
    int p[2];

    SECTION("ends");
    signal(SIGPIPE, on_sigpipe);
    CALL(pipe(p));
    CALL(ready(p[0], POLLIN));
    CALL(ready(p[1], POLLOUT));
    CALL(write(p[1], "abc", 3));
    CALL(ready(p[0], POLLIN));
    close(p[1]);
    CALL(ready(p[0], POLLIN));
    CALL(read(p[0], b, 2));
    CALL(read(p[0], b, 16));
    CALL(read(p[0], b, 16));
    CALL(ready(p[0], POLLIN));
    close(p[0]);
    CALL(pipe(p));
    close(p[0]);
    CALL(ready(p[1], POLLOUT));
    CALL(write(p[1], "x", 0));
    CALL(write(p[1], "x", 1));
    printf("SIGPIPE %d\n", sigpipes);
    signal(SIGPIPE, SIG_IGN);
    CALL(write(p[1], "x", 1));
    close(p[1]);
}

static void vectors(void)
{
    char a[3], b[5];
    struct iovec out[3] = {{"ab", 2}, {"", 0}, {"cdefg", 5}}, in[2] = {{a, 3}, {b, 5}};
    struct iovec bad[2] = {{"ab", 2}, {BAD_ADDR, 2}};
    int p[2];

    SECTION("vectors");
    CALL(pipe2(p, O_NONBLOCK));
    CALL(writev(p[1], out, 3));
    CALL(readv(p[0], in, 2));
    abi_show_bytes("a", a, 3);
    abi_show_bytes("b", b, 4);
    CALL(writev(p[1], bad, 2));
    CALL(writev(p[1], bad, -1));
    CALL(writev(p[1], bad, 1025));
    CALL(writev(p[1], BAD_ADDR, 1));
    CALL(writev(p[1], BAD_ADDR, 0));
    close(p[0]);
    close(p[1]);
}

static void between_processes(void)
{
    int to[2], from[2], status, sum = 0;
    static char buf[100000];
    ssize_t n;

    SECTION("between processes");
    CALL(pipe(to));
    CALL(pipe(from));
    if (fork() == 0) {
        int total = 0;

        close(to[1]);
        close(from[0]);
        while ((n = read(to[0], buf, 1000)) > 0)
            total += (int)n;
        if (write(from[1], &total, sizeof(total)) != sizeof(total))
            _exit(1);
        _exit(0);
    }
    close(to[0]);
    close(from[1]);
    for (int i = 0; i < 10; i++)
        sum += (int)write(to[1], buf, sizeof(buf)); /* blocks many times */
    printf("written %d\n", sum);
    close(to[1]);
    CALL(read(from[0], &sum, sizeof(sum)));
    printf("received %d\n", sum);
    wait(&status);
    printf("status %d\n", status);
}

static void on_alarm(int sig)
{
    (void)sig;
}

static void interrupted(void)
{
    struct sigaction sa = {.sa_handler = on_alarm};
    static char big[200000];
    char b;
    int p[2];

    SECTION("interrupted");
    sigaction(SIGALRM, &sa, NULL);
    CALL(pipe(p));
    alarm(1);
    CALL(read(p[0], &b, 1));
    alarm(1);
    CALL(write(p[1], big, sizeof(big)));
    close(p[0]);
    close(p[1]);
}

static void fifos(void)
{
    char dir[] = "/tmp/abi-pipe-XXXXXX", b[8];
    struct stat st;
    int r, w;

    SECTION("FIFOs");
    if (mkdtemp(dir) == NULL || chdir(dir) != 0)
        return;
    CALL(mkfifo("f", 0600));
    CALL(mkfifo("f", 0600));
    stat("f", &st);
    printf("mode %o\n", st.st_mode);
    CALL(open("f", O_WRONLY | O_NONBLOCK));
    r = (int)TRY(open("f", O_RDONLY | O_NONBLOCK));
    CALL(ready(r, POLLIN));
    CALL(read(r, b, 1));
    w = (int)TRY(open("f", O_WRONLY | O_NONBLOCK));
    CALL(read(r, b, 1));
    CALL(write(w, "hi", 2));
    CALL(ready(r, POLLIN));
    CALL(read(r, b, 8));
    close(w);
    CALL(ready(r, POLLIN));
    CALL(read(r, b, 8));
    close(r);
    if (fork() == 0) {
        w = open("f", O_WRONLY); /* waits for the reader */
        _exit(write(w, "child", 5) != 5);
    }
    r = (int)TRY(open("f", O_RDONLY));
    CALL(read(r, b, 8));
    wait(NULL);
    close(r);
    r = (int)TRY(open("f", O_RDWR));
    CALL(write(r, "self", 4));
    CALL(read(r, b, 8));
    close(r);
    unlink("f");
    rmdir(dir);
}

static void reopened(void)
{
    char name[40], b[4];
    struct stat a, c;
    int p[2], fd;

    SECTION("through /proc");
    CALL(pipe(p));
    fstat(p[0], &a);
    fstat(p[1], &c);
    printf("mode %o, one inode %d\n", a.st_mode, a.st_ino == c.st_ino);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", p[1]);
    fd = (int)TRY(open(name, O_WRONLY));
    CALL(write(fd, "x", 1));
    CALL(read(p[0], b, 4));
    close(fd);

    /* Unlike a FIFO's, this open waits for nobody: what a writer left is there to read. */
    CALL(write(p[1], "left", 4));
    close(p[1]);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", p[0]);
    fd = (int)TRY(open(name, O_RDONLY));
    CALL(ready(fd, POLLIN));
    CALL(read(fd, b, 4));
    CALL(read(fd, b, 4));
    CALL(ready(fd, POLLIN));
    close(fd);
    fd = (int)TRY(open(name, O_WRONLY));
    CALL(write(fd, "x", 1));
    close(p[0]);
    CALL(write(fd, "x", 1));
    close(fd);
}

int main(void)
{
    alarm(30);
    bad_arguments();
    sizes();
    ends();
    vectors();
    between_processes();
    interrupted();
    fifos();
    reopened();
    return 0;
}
