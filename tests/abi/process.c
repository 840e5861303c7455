/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes: fork, exec and wait in all their forms, groups and sessions, job
 * control, ids and capabilities, resource limits, reaping, namespaces of numbers.
 */
#include "abi.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

static char self[4096];

/* What is printed must not be printed again by the child. */
static pid_t flush_and_fork(void)
{
    fflush(stdout);
    return fork();
}
#define fork flush_and_fork

static void show_status(const char *what, int status)
{
    printf("%s: exited %d %d signaled %d %d stopped %d %d continued %d\n", what, WIFEXITED(status),
           WIFEXITED(status) ? WEXITSTATUS(status) : 0, WIFSIGNALED(status),
           WIFSIGNALED(status) ? WTERMSIG(status) : 0, WIFSTOPPED(status),
           WIFSTOPPED(status) ? WSTOPSIG(status) : 0, WIFCONTINUED(status));
}

static void reap(const char *what, pid_t pid)
{
    int status = 0;

    if (waitpid(pid, &status, 0) <= 0)
        printf("%s: not reaped: %s\n", what, strerrorname_np(errno));
    else
        show_status(what, status);
}

static void waiting(void)
{
    siginfo_t info;
    int status;
    pid_t pid;

    SECTION("waiting");
    if ((pid = fork()) == 0)
        _exit(7);
    reap("exit", pid);
    if ((pid = fork()) == 0)
        kill(getpid(), SIGKILL);
    reap("killed", pid);
    if ((pid = fork()) == 0) {
        signal(SIGABRT, SIG_DFL);
        abort();
    }
    waitpid(pid, &status, 0);
    printf("aborted by %d\n", WTERMSIG(status));
    CALL(wait(NULL));

    if ((pid = fork()) == 0) {
        for (;;)
            pause();
    }
    CALL(waitpid(pid, &status, WNOHANG));
    kill(pid, SIGSTOP);
    waitpid(pid, &status, WUNTRACED);
    show_status("stopped", status);
    CALL(waitpid(pid, &status, WNOHANG | WUNTRACED));
    kill(pid, SIGCONT);
    waitpid(pid, &status, WCONTINUED);
    show_status("continued", status);
    kill(pid, SIGSTOP);
    memset(&info, 0, sizeof(info));
    CALL(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT));
    printf("waitid: signo %d code %d status %d pid %d uid %d\n", info.si_signo, info.si_code, info.si_status,
           info.si_pid == pid, info.si_uid);
    CALL(waitid(P_PID, (id_t)pid, &info, WSTOPPED));
    kill(pid, SIGTERM);
    CALL(waitpid(pid, &status, WNOHANG)); /* stopped: it does not take the signal */
    kill(pid, SIGCONT);
    CALL(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
    printf("waitid: code %d status %d\n", info.si_code, info.si_status);
    CALL(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WCONTINUED | WNOHANG)); /* it will never do either */
    CALL(waitid(P_ALL, 0, &info, WSTOPPED | WNOHANG));
    CALL(waitid(P_PID, (id_t)pid, &info, WEXITED));
    CALL(waitid(P_PID, (id_t)pid, &info, WEXITED));

    signal(SIGCHLD, SIG_IGN);
    if ((pid = fork()) == 0)
        _exit(0);
    CALL(waitpid(pid, NULL, 0));
    signal(SIGCHLD, SIG_DFL);

    if ((pid = (pid_t)syscall(SYS_clone, 0, 0, 0, 0, 0)) == 0)
        _exit(3);
    CALL(waitpid(pid, &status, 0));
    CALL(waitpid(pid, &status, __WCLONE) == pid);
    show_status("no exit signal", status);
}

static volatile sig_atomic_t children;
static volatile int child_code, child_status;

static void on_child(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    children++;
    child_code = info->si_code;
    child_status = info->si_status;
}

static void notification(void)
{
    struct sigaction sa = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO | SA_RESTART};
    pid_t pid;

    SECTION("SIGCHLD");
    sigaction(SIGCHLD, &sa, NULL);
    if ((pid = fork()) == 0)
        _exit(5);
    reap("child", pid);
    printf("signals %d code %d status %d\n", children, child_code, child_status);
    children = 0;
    if ((pid = fork()) == 0)
        for (;;)
            pause();
    kill(pid, SIGSTOP);
    waitpid(pid, NULL, WUNTRACED);
    printf("stop: signals %d code %d status %d\n", children, child_code, child_status);
    sa.sa_flags |= SA_NOCLDSTOP;
    sigaction(SIGCHLD, &sa, NULL);
    children = 0;
    kill(pid, SIGCONT);
    waitpid(pid, NULL, WCONTINUED);
    printf("continue with SA_NOCLDSTOP: signals %d\n", children);
    kill(pid, SIGKILL);
    reap("killed", pid);
    printf("signals %d code %d status %d\n", children, child_code, child_status);
    signal(SIGCHLD, SIG_DFL);
}

/* ---- memory and vfork ---------------------------------------------------------------------------- */

static int shared_value = 1;

static void sharing(void)
{
    int *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    volatile int private = 1;
    int fd;
    pid_t pid;

    SECTION("what a child shares");
    if ((pid = fork()) == 0) {
        private = 2;
        *map = 2;
        _exit(0);
    }
    reap("fork", pid);
    printf("private %d shared %d\n", private, *map);
    if ((pid = vfork()) == 0) {
        shared_value = 42;
        _exit(0);
    }
    printf("vfork: %d\n", shared_value);
    reap("vfork", pid);

    fd = open("/proc/self/exe", O_RDONLY);
    lseek(fd, 100, SEEK_SET);
    if ((pid = fork()) == 0) {
        lseek(fd, 200, SEEK_SET);
        close(fd);
        if (chdir("/proc") < 0)
            _exit(1);
        umask(0);
        _exit(0);
    }
    reap("files", pid);
    printf("offset %ld umask %o\n", (long)lseek(fd, 0, SEEK_CUR), umask(022));
    close(fd);
}

/* ---- signals while a large process is copied ------------------------------------------------------ */

static volatile sig_atomic_t group_signals;

static void on_group_signal(int sig)
{
    (void)sig;
    group_signals++;
}

/* Forks while somebody else signals the group, `delay` us later. Did all of it get the signal, once? */
static int signalled_as_one(volatile int *sent, int delay)
{
    pid_t group = getpgrp(), sender, child;
    int status, all;

    group_signals = 0;
    *sent = -1;
    if ((sender = fork()) == 0) {
        setpgid(0, 0);
        *sent = 0;
        while (*sent == 0)
            ;
        usleep((useconds_t)delay);
        kill(-group, SIGUSR1);
        *sent = 2;
        _exit(0);
    }
    while (*sent < 0)
        usleep(100);
    *sent = 1;
    child = fork();
    while (*sent < 2)
        usleep(100);
    getppid(); /* a signal that is pending is taken at the end of a call */
    all = group_signals == 1;
    if (child == 0)
        _exit(!all);
    waitpid(child, &status, 0);
    all &= status == 0;
    waitpid(sender, NULL, 0);
    return all;
}

static void forking_under_signals(void)
{
    const struct itimerval fast = {{0, 1000}, {0, 1000}}, off = {{0, 0}, {0, 0}};
    const size_t size = 64 << 20;
    char *large = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    volatile int *sent = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int good = 0;
    pid_t pid;

    SECTION("forking under signals");
    madvise(large, size, MADV_NOHUGEPAGE); /* so that there is much to copy */
    memset(large, 1, size);
    signal(SIGALRM, on_group_signal);
    setitimer(ITIMER_REAL, &fast, NULL);
    if ((pid = fork()) == 0)
        _exit(5);
    setitimer(ITIMER_REAL, &off, NULL);
    reap("with a timer that is faster", pid);
    signal(SIGALRM, SIG_DFL);
    if ((pid = fork()) == 0) {
        setpgid(0, 0);
        signal(SIGUSR1, on_group_signal);
        for (int i = 0; i < 20; i++)
            good += signalled_as_one(sent, i * 200);
        _exit(good);
    }
    reap("signals to a group", pid);
    munmap(large, size);
    munmap((void *)sent, 4096);
}

/* ---- exec ------------------------------------------------------------------------------------------- */

static int run(const char *path, char *const argv[], char *const envp[])
{
    pid_t pid;
    int status;

    fflush(stdout);
    if ((pid = fork()) == 0) {
        execve(path, argv, envp);
        printf("execve: %s\n", strerrorname_np(errno));
        fflush(stdout);
        _exit(126);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void write_file(const char *path, const char *text, size_t n, int mode)
{
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0700);

    if (write(fd, text, n) != (ssize_t)n)
        exit(1);
    fchmod(fd, (mode_t)mode);
    close(fd);
}

static void show_exec(int argc, char **argv, char **envp)
{
    unsigned char *random = (unsigned char *)getauxval(AT_RANDOM);
    sigset_t set;
    unsigned sum = 0;

    printf("argc %d", argc);
    for (int i = 0; i < argc && i < 8; i++)
        printf(" [%s]", strchr(argv[i], '/') == argv[i] ? "/..." : argv[i]);
    printf(" env");
    for (int i = 0; envp[i] != NULL && i < 4; i++)
        printf(" [%s]", envp[i]);
    for (int i = 0; i < 16; i++)
        sum += random[i];
    printf("\npagesz %lu clktck %lu secure %lu uid %lu euid %lu phent %lu phnum>0 %d random %d platform %s\n",
           getauxval(AT_PAGESZ), getauxval(AT_CLKTCK), getauxval(AT_SECURE), getauxval(AT_UID),
           getauxval(AT_EUID), getauxval(AT_PHENT), getauxval(AT_PHNUM) > 0, sum != 0,
           (const char *)getauxval(AT_PLATFORM));
    sigprocmask(SIG_BLOCK, NULL, &set);
    printf("USR1 blocked %d, USR2 ignored %d, TERM default %d\n", sigismember(&set, SIGUSR1),
           signal(SIGUSR2, SIG_DFL) == SIG_IGN, signal(SIGTERM, SIG_DFL) == SIG_DFL);
    printf("fd 50 %s, fd 51 %s\n", fcntl(50, F_GETFD) < 0 ? "closed" : "open",
           fcntl(51, F_GETFD) < 0 ? "closed" : "open");
    fflush(stdout);
}

static void nothing(int sig)
{
    (void)sig;
}

/* The descriptor that it is made with does not count as a writer; one that is opened does. */
static void exec_memfd(void)
{
    int from = open(self, O_RDONLY), fd = memfd_create("program", 0), writer, status;
    char path[64], *argv[] = {"memfd", "exec-quiet", NULL}, *none[] = {NULL};
    pid_t pid;

    while (sendfile(fd, from, NULL, 1 << 20) > 0)
        ;
    close(from);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    printf("status %d\n", run(path, argv, none));
    if ((pid = fork()) == 0) {
        syscall(SYS_execveat, fd, "", argv, none, AT_EMPTY_PATH);
        _exit(99);
    }
    waitpid(pid, &status, 0);
    show_status("memfd", status);
    writer = open(path, O_RDWR);
    printf("status %d\n", run(path, argv, none));
    close(writer);
    printf("status %d\n", run(path, argv, none));
    CALL(write(fd, "x", 1));
    close(fd);
}

static void exec(void)
{
    char *argv[] = {"name", "exec-child", "b c", "", NULL}, *envp[] = {"A=1", "B=", NULL}, *none[] = {NULL};
    char *big = malloc(200000), long_name[300], path[5000], folder[] = "/tmp/abi_process.XXXXXX";
    sigset_t set;
    int fd;

    SECTION("exec");
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGUSR2, SIG_IGN);
    signal(SIGTERM, nothing);
    dup2(1, 50);
    fcntl(50, F_SETFD, FD_CLOEXEC);
    dup2(1, 51);
    printf("status %d\n", run(self, argv, envp));
    printf("status %d\n", run("/proc/self/exe", argv, none));
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    close(50);
    close(51);

    if (mkdtemp(folder) == NULL || chdir(folder) < 0)
        exit(1);
    snprintf(path, sizeof(path), "#!%s  exec-child  x y \nrest\n", self);
    write_file("script", path, strlen(path), 0755);
    printf("status %d\n", run("./script", (char *[]){"zero", "one", NULL}, none));
    write_file("script2", "#! ./script", 11, 0755);
    printf("status %d\n", run("./script2", (char *[]){"zero", NULL}, none));
    write_file("loop", "#!./loop\n", 9, 0755);
    printf("status %d\n", run("./loop", none, none));
    write_file("empty", "", 0, 0755);
    printf("status %d\n", run("./empty", none, none));
    write_file("hash", "#!\n", 3, 0755);
    printf("status %d\n", run("./hash", none, none));
    write_file("gone", "#!/no/such\n", 11, 0755);
    printf("status %d\n", run("./gone", none, none));
    write_file("text", "echo hello\n", 11, 0755);
    printf("status %d\n", run("./text", none, none));
    write_file("elf", "\177ELF\2\1\1", 7, 0755);
    printf("status %d\n", run("./elf", none, none));
    printf("status %d\n", run("./text", none, none));
    write_file("plain", "#!/bin/sh\n", 10, 0644);
    printf("status %d\n", run("./plain", none, none));
    printf("status %d\n", run(".", none, none));
    printf("status %d\n", run("./no/such", none, none));
    memset(long_name, 'x', sizeof(long_name));
    long_name[299] = '\0';
    printf("status %d\n", run(long_name, none, none));
    memset(big, 'y', 200000);
    big[199999] = '\0';
    printf("status %d\n", run(self, (char *[]){"name", big, NULL}, none));
    big[100000] = '\0';
    printf("status %d\n", run(self, (char *[]){"name", "exec-quiet", big, NULL}, none));
    fd = open("busy", O_CREAT | O_RDWR, 0755);
    printf("status %d\n", run("./busy", none, none));
    close(fd);
    fd = open("/proc/self/exe", O_WRONLY);
    printf("write to oneself: %s\n", fd < 0 ? strerrorname_np(errno) : "ok");
    fd = open(self, O_RDONLY | O_CLOEXEC);
    fflush(stdout);
    if (fork() == 0) {
        syscall(SYS_execveat, fd, "", (char *[]){"by fd", "exec-quiet", NULL}, none, AT_EMPTY_PATH);
        _exit(99);
    }
    wait(&fd);
    show_status("execveat", fd);
    exec_memfd();
    snprintf(path, sizeof(path), "rm -r %s", folder);
    if (chdir("/") < 0 || system(path) != 0)
        exit(1);
    free(big);
    signal(SIGUSR2, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
}

/* ---- groups and sessions ---------------------------------------------------------------------------- */

static void groups(void)
{
    pid_t pid, other;
    int fds[2];
    char c;

    SECTION("groups and sessions");
    if (pipe(fds) < 0)
        return;
    if ((pid = fork()) == 0) {
        close(fds[1]);
        (void)!read(fds[0], &c, 1);
        _exit(0);
    }
    CALL(setpgid(pid, pid));
    CALL(getpgid(pid) == pid);
    CALL(kill(-pid, 0));
    CALL(setpgid(pid, 0));
    fflush(stdout);
    if ((other = fork()) == 0) {
        CALL(setpgid(0, pid));
        CALL(getpgrp() == pid);
        CALL(setpgid(0, 0));
        CALL(setsid());
        fflush(stdout);
        _exit(0);
    }
    reap("member", other);
    if ((other = fork()) == 0) {
        CALL(setsid() == getpid());
        CALL(getsid(0) == getpid());
        CALL(getpgrp() == getpid());
        CALL(setsid());
        CALL(setpgid(0, 0));
        CALL(setpgid(0, pid));
        CALL(open("/dev/tty", O_RDWR));
        fflush(stdout);
        _exit(0);
    }
    reap("leader", other);
    close(fds[1]);
    reap("first", pid);
    CALL(kill(-pid, 0));
    close(fds[0]);

    /* wait for a group */
    if ((pid = fork()) == 0) {
        setpgid(0, 0);
        _exit(4);
    }
    setpgid(pid, pid);
    CALL(waitpid(0, NULL, WNOHANG));
    CALL(waitpid(-pid, NULL, 0) == pid);
}

/* An orphaned group with a stopped member gets SIGHUP and SIGCONT. */
static void orphans(void)
{
    int fds[2];
    char c = '-';
    pid_t pid;

    SECTION("orphaned group");
    if (pipe(fds) < 0)
        return;
    if ((pid = fork()) == 0) {
        pid_t child;

        setsid();
        if ((child = fork()) == 0) {
            sigset_t set;
            siginfo_t info;

            setpgid(0, 0);
            sigemptyset(&set);
            sigaddset(&set, SIGHUP);
            sigprocmask(SIG_BLOCK, &set, NULL);
            kill(getpid(), SIGSTOP);
            c = sigwaitinfo(&set, &info) == SIGHUP && info.si_code == SI_KERNEL ? 'h' : '?';
            (void)!write(fds[1], &c, 1);
            _exit(0);
        }
        waitpid(child, NULL, WUNTRACED);
        _exit(0);
    }
    close(fds[1]);
    reap("session leader", pid);
    (void)!read(fds[0], &c, 1);
    printf("orphan got %c\n", c);
    close(fds[0]);
}

static void reaping(void)
{
    int fds[2], fds2[2];
    pid_t pid, seen = 0;
    char c;

    SECTION("orphans and subreapers");
    CALL(prctl(PR_SET_CHILD_SUBREAPER, 1));
    if (pipe(fds) < 0 || pipe(fds2) < 0)
        return;
    if ((pid = fork()) == 0) {
        pid_t parent = getpid();

        if (fork() == 0) {
            close(fds2[1]);
            (void)!read(fds2[0], &c, 1); /* until the parent is gone */
            while (getppid() == parent)
                usleep(1000);
            seen = getppid();
            (void)!write(fds[1], &seen, sizeof(seen));
            _exit(9);
        }
        _exit(0);
    }
    close(fds2[1]);
    reap("middle", pid);
    (void)!read(fds[0], &seen, sizeof(seen));
    printf("new parent is the subreaper: %d\n", seen == getpid());
    reap("grandchild", -1);
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    close(fds[0]);
    close(fds[1]);
    close(fds2[0]);

    if (pipe(fds) < 0)
        return;
    if ((pid = fork()) == 0) {
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            (void)!write(fds[1], "s", 1);
            for (;;)
                pause();
        }
        (void)!read(fds[0], &c, 1);
        _exit(0);
    }
    close(fds[1]);
    reap("parent of a child that dies with it", pid);
    CALL(read(fds[0], &c, 1)); /* the child is gone */
    close(fds[0]);
}

/* ---- ids and privileges --------------------------------------------------------------------------------- */

static void ids(void)
{
    uid_t r, e, s;
    pid_t pid;

    SECTION("ids");
    fflush(stdout);
    if ((pid = fork()) == 0) {
        CALL(setgroups(2, (gid_t[]){5, 6}));
        CALL(getgroups(0, NULL));
        CALL(getgroups(1, (gid_t[1]){0}));
        CALL(setresgid(10, 11, 12));
        CALL(setresuid(100, 101, 102));
        CALL(getresuid(&r, &e, &s));
        printf("%d %d %d\n", r, e, s);
        CALL(setuid(0));
        CALL(seteuid(102));
        CALL(setresuid(-1, 100, -1));
        CALL(setreuid(102, -1));
        CALL(getresuid(&r, &e, &s));
        printf("%d %d %d\n", r, e, s);
        CALL(setgroups(0, NULL));
        CALL(sethostname("x", 1));
        CALL(setpriority(PRIO_PROCESS, 0, -5));
        CALL(chroot("/"));
        CALL(kill(1, 0));
        CALL(kill(getppid(), SIGKILL));
        CALL(prctl(PR_CAPBSET_DROP, 1));
        CALL(syscall(SYS_reboot, 0xfee1dead, 672274793, 0x89abcdef, 0));
        CALL(prctl(PR_GET_DUMPABLE));
        fflush(stdout);
        _exit(0);
    }
    reap("ids", pid);
    if ((pid = fork()) == 0) {
        CALL(prctl(PR_SET_KEEPCAPS, 1));
        CALL(setuid(1000));
        CALL(prctl(PR_GET_KEEPCAPS));
        CALL(setuid(0));
        fflush(stdout);
        _exit(0);
    }
    reap("keepcaps", pid);
    if ((pid = fork()) == 0) {
        CALL(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
        CALL(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
        CALL(setfsuid(33));
        CALL(setfsuid(-1));
        CALL(setreuid(-1, 55));
        CALL(setfsuid(-1));
        fflush(stdout);
        _exit(0);
    }
    reap("no_new_privs", pid);
}

static void limits(void)
{
    struct rlimit l;
    pid_t pid;

    SECTION("limits");
    fflush(stdout);
    if ((pid = fork()) == 0) {
        CALL(setrlimit(RLIMIT_NOFILE, &(struct rlimit){10, 20}));
        CALL(getrlimit(RLIMIT_NOFILE, &l));
        printf("%ld %ld\n", (long)l.rlim_cur, (long)l.rlim_max);
        CALL(dup2(0, 10));
        CALL(dup2(0, 9));
        CALL(setresuid(1, 1, 1));
        CALL(setrlimit(RLIMIT_NOFILE, &(struct rlimit){10, 21}));
        CALL(setrlimit(RLIMIT_NOFILE, &(struct rlimit){20, 20}));
        CALL(setrlimit(RLIMIT_NOFILE, &(struct rlimit){21, 20}));
        fflush(stdout);
        _exit(0);
    }
    reap("limits", pid);
    if ((pid = fork()) == 0) {
        setrlimit(RLIMIT_CPU, &(struct rlimit){1, 2});
        for (;;)
            ;
    }
    reap("cpu time", pid);
    CALL(getpriority(PRIO_PROCESS, 0));
    if ((pid = fork()) == 0) {
        CALL(nice(7));
        CALL(getpriority(PRIO_PROCESS, 0));
        CALL(setpriority(PRIO_PROCESS, 0, 99));
        CALL(getpriority(PRIO_PROCESS, 0));
        fflush(stdout);
        _exit(0);
    }
    reap("nice", pid);
}

/* ---- clone3, pidfd, namespaces of numbers ---------------------------------------------------------------- */

static pid_t clone3(uint64_t flags, int signal, int *pidfd, pid_t *parent_tid, pid_t *child_tid)
{
    struct clone_args a = {.flags = flags, .exit_signal = (uint64_t)signal, .pidfd = (uintptr_t)pidfd,
                           .parent_tid = (uintptr_t)parent_tid, .child_tid = (uintptr_t)child_tid};

    return (pid_t)syscall(SYS_clone3, &a, sizeof(a));
}

static void pidfds(void)
{
    pid_t pid, ptid = 0, *ctid = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct pollfd p = {.events = POLLIN};
    siginfo_t info;
    int fd = -1;

    SECTION("clone3 and pidfd");
    pid = clone3(CLONE_PIDFD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID, SIGCHLD, &fd, &ptid, ctid);
    if (pid == 0) {
        if (*ctid != getpid())
            _exit(1);
        for (;;)
            pause();
    }
    printf("parent_tid %d pidfd %d cloexec %d\n", ptid == pid, fd >= 0, fcntl(fd, F_GETFD));
    p.fd = fd;
    CALL(poll(&p, 1, 0));
    CALL(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
    CALL(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0));
    CALL(poll(&p, 1, 5000));
    CALL(waitid(P_PIDFD, (id_t)fd, &info, WEXITED));
    printf("code %d status %d\n", info.si_code, info.si_status);
    CALL(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
    CALL(waitid(P_PIDFD, (id_t)fd, &info, WEXITED));
    close(fd);
    fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    printf("own pidfd %d\n", fd >= 0);
    CALL(read(fd, ctid, 1));
    close(fd);
}

static void pid_namespace(void)
{
    int fds[2];
    pid_t pid;

    SECTION("pid namespace");
    if (pipe(fds) < 0)
        return;
    fflush(stdout);
    pid = clone3(CLONE_NEWPID, SIGCHLD, NULL, NULL, NULL);
    if (pid == 0) {
        pid_t child = (pid_t)syscall(SYS_fork);

        if (child == 0) {
            printf("child %d of %d\n", (int)syscall(SYS_getpid), getppid());
            CALL(kill(1, SIGKILL)); /* an init is not killed from within */
            CALL(kill(1, SIGTERM));
            CALL(kill(-1, 0));
            CALL(kill(77, 0));
            fflush(stdout);
            close(fds[1]);
            for (;;)
                pause();
        }
        close(fds[1]);
        (void)!read(fds[0], &child, 1);
        usleep(20000);
        printf("init %d of %d, group %d, session %d\n", (int)syscall(SYS_getpid), getppid(), getpgrp(), getsid(0));
        CALL(raise(SIGKILL));
        CALL(kill(1, SIGSTOP));
        fflush(stdout);
        syscall(SYS_exit_group, 6); /* takes the child with it */
    }
    close(fds[1]);
    close(fds[0]);
    reap("namespace", pid);

    pid = clone3(CLONE_NEWPID, SIGCHLD, NULL, NULL, NULL);
    if (pid == 0)
        for (;;)
            pause();
    CALL(kill(pid, SIGTERM)); /* ignored: it has no handler */
    CALL(kill(pid, SIGKILL));
    reap("killed from outside", pid);
    if ((pid = fork()) == 0) {
        CALL(unshare(CLONE_NEWPID));
        CALL(syscall(SYS_clone, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD, 0, 0, 0, 0));
        if ((pid = (pid_t)syscall(SYS_fork)) == 0)
            _exit((int)syscall(SYS_getpid));
        reap("first of the new namespace", pid);
        CALL(syscall(SYS_fork));
        fflush(stdout);
        _exit(0);
    }
    reap("unshare", pid);

    /* Whoever comes first is its init. When the first fork fails at its end, Linux gives the namespace up;
     * here the next one is the first. */
    if ((pid = fork()) == 0) {
        int status = 0;

        CALL(unshare(CLONE_NEWPID));
        CALL(clone3(CLONE_PIDFD, SIGCHLD, BAD_ADDR, NULL, NULL));
        if ((pid = fork()) == 0)
            _exit(getpid() != 1);
        waitpid(pid, &status, 0);
        printf("somebody without an init: %d\n", status != 0);
        fflush(stdout);
        _exit(0);
    }
    reap("a first fork that fails", pid);
}

static void on_alarm(int sig)
{
    (void)sig;
}

static void timers(void)
{
    struct itimerval it = {{0, 20000}, {0, 20000}}, old; /* again, if the first comes before pause() */
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 5};
    struct itimerspec its = {{0, 5000000}, {0, 5000000}};
    siginfo_t info;
    timer_t timer;
    sigset_t set;

    SECTION("timers");
    signal(SIGALRM, on_alarm);
    CALL(setitimer(ITIMER_REAL, &it, NULL));
    CALL(pause());
    it = (struct itimerval){0};
    setitimer(ITIMER_REAL, &it, NULL);
    CALL(alarm(100));
    CALL(alarm(0));
    CALL(getitimer(ITIMER_REAL, &old));
    printf("%ld %ld\n", (long)old.it_value.tv_sec, (long)old.it_value.tv_usec);
    signal(SIGVTALRM, on_alarm);
    it.it_value.tv_usec = 10000;
    setitimer(ITIMER_VIRTUAL, &it, NULL);
    while (getitimer(ITIMER_VIRTUAL, &old) == 0 && (old.it_value.tv_usec || old.it_value.tv_sec))
        ;
    printf("virtual timer ran out\n");
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    CALL(timer_create(CLOCK_MONOTONIC, &ev, &timer));
    CALL(timer_settime(timer, 0, &its, NULL));
    CALL(sigwaitinfo(&set, &info) == SIGRTMIN);
    printf("code %d value %d\n", info.si_code, info.si_value.sival_int);
    usleep(50000);
    CALL(sigwaitinfo(&set, &info) == SIGRTMIN);
    printf("overruns %d\n", info.si_overrun >= 3);
    CALL(timer_gettime(timer, &its));
    printf("interval %ld\n", (long)its.it_interval.tv_nsec);
    CALL(timer_delete(timer));
    CALL(timer_delete(timer));
}

int main(int argc, char **argv, char **envp)
{
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    if (argc > 1 && strcmp(argv[1], "exec-quiet") == 0)
        return 0;
    if (argc > 1 && strncmp(argv[1], "exec-child", 10) == 0) {
        show_exec(argc, argv, envp);
        return 11;
    }
    self[readlink("/proc/self/exe", self, sizeof(self) - 1)] = '\0';
    void (*const parts[])(void) = {waiting, notification, sharing, forking_under_signals, exec, groups, orphans, reaping, ids,
                                   limits, pidfds, pid_namespace, timers};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        parts[i]();
        fflush(stdout);
    }
    return 0;
}
