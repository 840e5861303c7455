/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kvmtest: what a /dev/kvm must do, one small guest per behaviour.
 *
 *     kvmtest [-l] [NAME-PREFIX...]
 *
 * The output is TAP: "ok 1 NAME", "not ok 2 NAME # WHY", "ok 3 NAME # SKIP WHY". Each test
 * runs in a process of its own with a time limit, so that one that hangs or
 * crashes stops only itself. It was written against Linux's KVM, and everything in
 * here passes there; a test that does not pass on another kernel has found a difference.
 */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT_S      30
#define EXIT_SKIPPED 77

static const struct test *const groups[] = {
    api_tests, mode_tests, port_tests, mmio_tests, fault_tests, cpu_tests, irq_tests, memory_tests,
    hostile_tests,
};

static volatile pid_t child;

static void on_limit(int number)
{
    (void)number;
    kill(child, SIGKILL);
}

static bool is_wanted(const char *name, int argc, char *argv[])
{
    for (int i = 0; i < argc; i++)
        if (strncmp(name, argv[i], strlen(argv[i])) == 0)
            return true;
    return argc == 0;
}

/* The test's one line of output, without its line end. */
static void read_line(int fd, char *line, size_t size)
{
    size_t length = 0;
    ssize_t n;

    while (length < size - 1 && (n = read(fd, line + length, size - 1 - length)) != 0) {
        if (n < 0 && errno != EINTR)
            break;
        if (n > 0)
            length += (size_t)n;
    }
    line[length] = '\0';
    line[strcspn(line, "\n")] = '\0';
}

/* Run one test in a child; returns whether it is fine. */
static bool run_test(const struct test *test, unsigned number)
{
    const struct sigaction limit = { .sa_handler = on_limit };
    char why[256];
    int pipe_fds[2], status;

    if (pipe(pipe_fds) < 0)
        return false;
    child = fork();
    if (child == 0) {
        dup2(pipe_fds[1], STDOUT_FILENO);
        close(pipe_fds[0]);
        close(pipe_fds[1]);
        test->run();
        _exit(0);
    }
    close(pipe_fds[1]);
    sigaction(SIGALRM, &limit, NULL);
    alarm(LIMIT_S);
    read_line(pipe_fds[0], why, sizeof(why));
    close(pipe_fds[0]);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    alarm(0);

    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        printf("ok %u %s\n", number, test->name);
    else if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIPPED)
        printf("ok %u %s # SKIP %s\n", number, test->name, why);
    else if (WIFSIGNALED(status))
        printf("not ok %u %s # %s\n", number, test->name,
               WTERMSIG(status) == SIGKILL ? "time limit" : strsignal(WTERMSIG(status)));
    else
        printf("not ok %u %s # %s\n", number, test->name, why);
    fflush(stdout);
    return WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == EXIT_SKIPPED);
}

int main(int argc, char *argv[])
{
    bool list = argc > 1 && strcmp(argv[1], "-l") == 0;
    unsigned number = 0, failed = 0;

    argc -= 1 + list;
    argv += 1 + list;
    if (!list) {
        kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
        if (kvm_fd < 0) {
            printf("Bail out! cannot open /dev/kvm: %s\n", strerror(errno));
            return 1;
        }
    }
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        for (const struct test *test = groups[i]; test->name != NULL; test++) {
            if (!is_wanted(test->name, argc, argv))
                continue;
            number++;
            if (list)
                printf("%s\n", test->name);
            else if (!run_test(test, number))
                failed++;
        }
    }
    if (!list)
        printf("1..%u\n# %u of %u failed\n", number, failed, number);
    return failed > 0;
}
