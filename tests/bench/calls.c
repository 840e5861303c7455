/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel's basic services cost a program.
 *
 *     calls [-r ROUNDS] [-d DIVISOR] [NAME...]
 *
 * Each figure is the mean of many operations in a row, less nothing: the loop
 * and the library's wrapper are in it, on every kernel alike. -d divides the
 * number of operations, for a quick look whether all of them work.
 */
#include "bench.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE         4096u
#define SCRATCH_FILE "/tmp/bench-file"
#define EXIT_AT_ONCE "--exit" /* what the program is executed with by fork_exec */

static char self[256]; /* this program's own path */

static void check(long result, const char *what)
{
    if (result < 0)
        bench_die(what);
}

/* ---- calls that return at once ---------------------------------------------------- */

static void getpids(unsigned n)
{
    while (n-- > 0)
        check(syscall(SYS_getpid), "getpid");
}

/* The system call, not the vDSO where there is one. */
static void clock_gettimes(unsigned n)
{
    struct timespec now;

    while (n-- > 0)
        check(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now), "clock_gettime");
}

static void yields(unsigned n)
{
    while (n-- > 0)
        check(sched_yield(), "sched_yield");
}

static void on_signal(int number)
{
    (void)number;
}

/* A signal to oneself: kill, the handler, sigreturn. */
static void signals(unsigned n)
{
    struct sigaction action = {.sa_handler = on_signal};
    pid_t pid = getpid();

    check(sigaction(SIGUSR1, &action, NULL), "sigaction");
    while (n-- > 0)
        check(kill(pid, SIGUSR1), "kill");
}

/* ---- between two processes ---------------------------------------------------------- */

static void move_byte(int from, int to, bool reads_first)
{
    char byte = 0;

    if (reads_first && read(from, &byte, 1) != 1)
        bench_die("read");
    if (write(to, &byte, 1) != 1)
        bench_die("write");
    if (!reads_first && read(from, &byte, 1) != 1)
        bench_die("read");
}

static void reap(pid_t pid)
{
    int status;

    if (waitpid(pid, &status, 0) != pid || status != 0)
        bench_die("a child failed");
}

/* A byte to a child and back, n times. */
static void round_trips(unsigned n, const int ours[2], const int childs[2])
{
    pid_t pid = fork();

    check(pid, "fork");
    for (unsigned i = 0; i < n; i++) {
        if (pid == 0)
            move_byte(childs[0], childs[1], true);
        else
            move_byte(ours[0], ours[1], false);
    }
    if (pid == 0)
        _exit(0);
    reap(pid);
}

static void pipe_round_trips(unsigned n)
{
    int there[2], back[2];

    check(pipe(there), "pipe");
    check(pipe(back), "pipe");
    round_trips(n, (int[2]){back[0], there[1]}, (int[2]){there[0], back[1]});
    for (int i = 0; i < 2; i++) {
        close(there[i]);
        close(back[i]);
    }
}

static void unix_round_trips(unsigned n)
{
    int pair[2];

    check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "socketpair");
    round_trips(n, (int[2]){pair[0], pair[0]}, (int[2]){pair[1], pair[1]});
    close(pair[0]);
    close(pair[1]);
}

/* A page through a pipe within one process. */
static void pipe_pages(unsigned n)
{
    static char page[PAGE];
    int fds[2];

    check(pipe(fds), "pipe");
    while (n-- > 0)
        if (write(fds[1], page, PAGE) != (ssize_t)PAGE || read(fds[0], page, PAGE) != (ssize_t)PAGE)
            bench_die("a page through a pipe");
    close(fds[0]);
    close(fds[1]);
}

/* ---- processes and threads ---------------------------------------------------------------- */

static void fork_exits(unsigned n)
{
    while (n-- > 0) {
        pid_t pid = fork();

        check(pid, "fork");
        if (pid == 0)
            _exit(0);
        reap(pid);
    }
}

static void exec_self(void)
{
    execv(self, (char *[]){self, EXIT_AT_ONCE, NULL});
    _exit(127);
}

static void fork_execs(unsigned n)
{
    while (n-- > 0) {
        pid_t pid = fork();

        check(pid, "fork");
        if (pid == 0)
            exec_self();
        reap(pid);
    }
}

static void vfork_execs(unsigned n)
{
    while (n-- > 0) {
        pid_t pid = vfork();

        check(pid, "vfork");
        if (pid == 0)
            exec_self();
        reap(pid);
    }
}

static void *thread_main(void *argument)
{
    return argument;
}

static void thread_joins(unsigned n)
{
    while (n-- > 0) {
        pthread_t thread;

        errno = pthread_create(&thread, NULL, thread_main, NULL);
        if (errno != 0)
            bench_die("pthread_create");
        pthread_join(thread, NULL);
    }
}

/* ---- memory ------------------------------------------------------------------------------- */

/* n pages that come one by one: no large pages. */
static char *small_pages(unsigned n)
{
    char *pages =
        mmap(NULL, (size_t)n * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (pages == MAP_FAILED)
        bench_die("mmap");
    check(madvise(pages, (size_t)n * PAGE, MADV_NOHUGEPAGE), "madvise");
    return pages;
}

static void touch(char *pages, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        ((volatile char *)pages)[(size_t)i * PAGE] = 1;
}

static void page_faults(unsigned n)
{
    char *pages = small_pages(n);

    touch(pages, n);
    check(munmap(pages, (size_t)n * PAGE), "munmap");
}

/* A page that a forked child writes to; the fork and the first touch are in it. */
static void page_copies(unsigned n)
{
    char *pages = small_pages(n);
    pid_t pid;

    touch(pages, n);
    pid = fork();
    check(pid, "fork");
    if (pid == 0) {
        touch(pages, n);
        _exit(0);
    }
    reap(pid);
    check(munmap(pages, (size_t)n * PAGE), "munmap");
}

static void mmap_munmaps(unsigned n)
{
    while (n-- > 0) {
        char *pages =
            mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (pages == MAP_FAILED)
            bench_die("mmap");
        check(munmap(pages, 16 * PAGE), "munmap");
    }
}

/* ---- files ---------------------------------------------------------------------------------- */

static void make_file(void)
{
    static char page[PAGE];
    int fd = open(SCRATCH_FILE, O_CREAT | O_TRUNC | O_WRONLY, 0600);

    check(fd, SCRATCH_FILE);
    if (write(fd, page, PAGE) != (ssize_t)PAGE)
        bench_die(SCRATCH_FILE);
    close(fd);
}

static void open_closes(unsigned n)
{
    make_file();
    while (n-- > 0) {
        int fd = open(SCRATCH_FILE, O_RDONLY);

        check(fd, SCRATCH_FILE);
        close(fd);
    }
}

static void stats(unsigned n)
{
    struct stat status;

    make_file();
    while (n-- > 0)
        check(stat(SCRATCH_FILE, &status), SCRATCH_FILE);
}

static void page_reads(unsigned n)
{
    static char page[PAGE];
    int fd;

    make_file();
    fd = open(SCRATCH_FILE, O_RDONLY);
    check(fd, SCRATCH_FILE);
    while (n-- > 0)
        if (pread(fd, page, PAGE, 0) != (ssize_t)PAGE)
            bench_die("pread");
    close(fd);
}

static void create_unlinks(unsigned n)
{
    unlink(SCRATCH_FILE);
    while (n-- > 0) {
        int fd = open(SCRATCH_FILE, O_CREAT | O_EXCL | O_WRONLY, 0600);

        check(fd, SCRATCH_FILE);
        close(fd);
        check(unlink(SCRATCH_FILE), SCRATCH_FILE);
    }
}

/* What ps and top do for every process. */
static void proc_stats(unsigned n)
{
    static char text[1024];

    while (n-- > 0) {
        int fd = open("/proc/self/stat", O_RDONLY);

        check(fd, "/proc/self/stat");
        check(read(fd, text, sizeof(text)), "/proc/self/stat");
        close(fd);
    }
}

/* ---- the table --------------------------------------------------------------------------------
 */

static const struct figure {
    const char *name;
    void (*run)(unsigned n);
    unsigned n; /* operations in a round */
} figures[] = {
    {"getpid", getpids, 20000},
    {"clock_gettime", clock_gettimes, 20000},
    {"sched_yield", yields, 10000},
    {"signal_to_self", signals, 5000},
    {"pipe_round_trip", pipe_round_trips, 4000},
    {"unix_round_trip", unix_round_trips, 4000},
    {"pipe_write_read_4k", pipe_pages, 4000},
    {"fork_exit", fork_exits, 200},
    {"fork_exec", fork_execs, 100},
    {"vfork_exec", vfork_execs, 100},
    {"thread_create_join", thread_joins, 400},
    {"page_fault", page_faults, 4096},
    {"page_copy", page_copies, 2048},
    {"mmap_munmap", mmap_munmaps, 4000},
    {"open_close", open_closes, 4000},
    {"stat", stats, 4000},
    {"pread_4k", page_reads, 4000},
    {"create_unlink", create_unlinks, 2000},
    {"read_proc_stat", proc_stats, 1000},
};

static bool wanted(const char *name, char **names)
{
    if (*names == NULL)
        return true;
    for (; *names != NULL; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

static void measure(const struct figure *figure, unsigned rounds, unsigned divisor)
{
    unsigned n = figure->n / divisor > 0 ? figure->n / divisor : 1;
    double values[ROUNDS_MAX];

    figure->run(n < 10 ? n : n / 10); /* warms up */
    for (unsigned round = 0; round < rounds; round++) {
        uint64_t begin = bench_now();

        figure->run(n);
        values[round] = (double)(bench_now() - begin) / n;
    }
    bench_print(figure->name, values, rounds);
}

int main(int argc, char **argv)
{
    unsigned rounds = 5, divisor = 1;
    int option;

    if (argc == 2 && strcmp(argv[1], EXIT_AT_ONCE) == 0)
        return 0;
    if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
        bench_die("/proc/self/exe");
    while ((option = getopt(argc, argv, "r:d:")) != -1) {
        if (option == 'r')
            rounds = bench_number(optarg, ROUNDS_MAX);
        else if (option == 'd')
            divisor = bench_number(optarg, 1000000);
        else
            return 2;
    }
    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
        if (wanted(figures[i].name, argv + optind))
            measure(&figures[i], rounds, divisor);
    unlink(SCRATCH_FILE);
    return 0;
}
