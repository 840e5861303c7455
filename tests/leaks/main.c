/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leaks: does what comes and goes leave the machine as it was?
 *
 *     leaks [-w N] [-n N] [NAME-PREFIX...]        areas of the kernel
 *     leaks [-w N] [-n N] -- COMMAND [ARG...]     a command, called with the number of the round
 *     leaks -l                                    the names of the areas
 *     leaks -o ...                                objects only, not how many pages hold them
 *     leaks -r                                    only run the warm-up of each: for Linux, too,
 *                                                 where counts are never exact
 *
 * After a warm-up of -w rounds a snapshot is taken, after -n more another one; they
 * must be equal to the page, the object and the name. What ends by itself (a killed
 * process, a supervisor) is waited for: the second snapshot may be repeated for
 * a while. The output is TAP, with what differs above a "not ok".
 */
#include "leaks.h"
#include "snapshot.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WARM_UP = 5, SETTLE_S = 20, ROUND_LIMIT_S = 100 };

static const struct area *const groups[] = {
    process_areas, exec_areas,  mount_areas,  file_areas,
    ipc_areas,     event_areas, memory_areas, kvm_areas,
};

static struct snapshot before, after;
static unsigned warm_up = WARM_UP, rounds_wanted;
static char **command;
static bool only_run;

/* ---- what areas use -------------------------------------------------------------- */

_Noreturn void fail_at(const char *file, int line, const char *what, int error)
{
    const char *base = strrchr(file, '/');

    printf("    %s:%d: %s: %s\n", base != NULL ? base + 1 : file, line, what,
           error != 0 ? strerror(error) : "not so");
    fflush(stdout);
    _exit(1);
}

pid_t spawn(void (*child)(void *), void *arg)
{
    pid_t pid = (pid_t)must(fork());

    if (pid == 0) {
        child(arg);
        _exit(0);
    }
    return pid;
}

static int wait_for(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0)
        check(errno == EINTR);
    return status;
}

static _Noreturn void fail_status(const char *wanted, int status)
{
    printf("    a child that %s: wait status 0x%x\n", wanted, (unsigned)status);
    fail_at(__FILE__, __LINE__, "as wanted", 0);
}

void wait_exited(pid_t pid)
{
    int status = wait_for(pid);

    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_status("exits", status);
}

void wait_killed(pid_t pid, int sig)
{
    int status = wait_for(pid);

    if (!WIFSIGNALED(status) || WTERMSIG(status) != sig)
        fail_status("is killed", status);
}

int put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return -1;
    n = write(fd, text, strlen(text));
    close(fd);
    return n < 0 ? -1 : 0;
}

void drift(unsigned i)
{
    const struct timespec pause = {.tv_nsec = (long)(i * 7919 % 23) * 50 * 1000};

    nanosleep(&pause, NULL);
}

/* ---- rounds ---------------------------------------------------------------------- */

static void command_round(unsigned i)
{
    char number[12], *argv[64];
    size_t n = 0;
    pid_t pid;

    while (command[n] != NULL && n < LENGTH(argv) - 2) {
        argv[n] = command[n];
        n++;
    }
    snprintf(number, sizeof(number), "%u", i);
    argv[n++] = number;
    argv[n] = NULL;
    pid = (pid_t)must(fork());
    if (pid == 0) {
        execvp(argv[0], argv);
        fail_at(__FILE__, __LINE__, argv[0], errno);
    }
    wait_exited(pid);
}

static void run_rounds(const struct area *area, unsigned from, unsigned count)
{
    for (unsigned i = from; i < from + count; i++) {
        alarm(ROUND_LIMIT_S);
        area->round(i);
    }
    alarm(0);
}

static void take_after(void)
{
    snapshot_take(&after);
}

/* After the warm-up, too: its orphans may still be there. */
static void take_before_and_after(void)
{
    const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};

    snapshot_take(&before);
    nanosleep(&pause, NULL);
    snapshot_take(&after);
}

/* True: before and after are equal, if need be after a while. */
static bool settles(void (*take)(void))
{
    const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
    struct timespec start, now;

    clock_gettime(CLOCK_MONOTONIC, &start);
    for (;;) {
        take();
        if (snapshot_equal(&before, &after))
            return true;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec - start.tv_sec > SETTLE_S)
            return false;
        nanosleep(&pause, NULL);
    }
}

/* Ends with status 0 if nothing is left behind. */
static void measure(void *arg)
{
    const struct area *area = arg;
    unsigned rounds = rounds_wanted != 0 ? rounds_wanted : area->rounds;

    (void)put("/sys/fs/cgroup/cgroup.subtree_control", "+memory +pids");
    memset(&before, 1, sizeof(before)); /* every page of theirs is ours from the beginning */
    memset(&after, 1, sizeof(after));
    run_rounds(area, 0, warm_up);
    if (only_run)
        return;
    take_after(); /* once to touch everything that it needs itself */
    (void)settles(take_before_and_after);
    run_rounds(area, warm_up, rounds);
    if (settles(take_after))
        return;
    printf("    after %u rounds:\n", rounds);
    snapshot_print_changes(&before, &after);
    fflush(stdout);
    _exit(1);
}

static bool run_area(const struct area *area, unsigned number)
{
    int status = wait_for(spawn(measure, (void *)area));
    bool ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;

    if (WIFSIGNALED(status))
        printf("    ended by signal %d%s\n", WTERMSIG(status),
               WTERMSIG(status) == SIGALRM ? " (a round does not end)" : "");
    printf("%s %u %s\n", ok ? "ok" : "not ok", number, area->name);
    fflush(stdout);
    return ok;
}

static bool is_wanted(const char *name, int argc, char *argv[])
{
    for (int i = 0; i < argc; i++) {
        if (strncmp(name, argv[i], strlen(argv[i])) == 0)
            return true;
    }
    return argc == 0;
}

static int run_areas(int argc, char *argv[], bool list)
{
    unsigned number = 0, failed = 0;

    for (size_t g = 0; g < LENGTH(groups); g++) {
        for (const struct area *area = groups[g]; area->name != NULL; area++) {
            if (!is_wanted(area->name, argc, argv))
                continue;
            if (list)
                printf("%s\n", area->name);
            else if (!run_area(area, ++number))
                failed++;
        }
    }
    if (!list)
        printf("1..%u\n", number);
    return failed > 0;
}

int main(int argc, char *argv[])
{
    const struct area around = {.name = "command", .rounds = 20, .round = command_round};
    bool list = false;
    int option;

    if (argc > 1 && strcmp(argv[1], "noop") == 0) /* what areas execute */
        return 0;
    while ((option = getopt(argc, argv, "+w:n:lro")) != -1) {
        switch (option) {
        case 'w':
            warm_up = (unsigned)atoi(optarg);
            break;
        case 'n':
            rounds_wanted = (unsigned)atoi(optarg);
            break;
        case 'l':
            list = true;
            break;
        case 'o':
            snapshot_without_pages = true;
            break;
        case 'r':
            only_run = true;
            break;
        default:
            return 2;
        }
    }
    setvbuf(stdout, NULL, _IOLBF, 4096);
    if (optind < argc && strcmp(argv[optind - 1], "--") == 0) {
        command = argv + optind;
        bool ok = run_area(&around, 1);

        printf("1..1\n");
        return !ok;
    }
    return run_areas(argc - optind, argv + optind, list);
}
