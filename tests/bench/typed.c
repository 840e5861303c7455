/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long a person waits for the prompt: a line typed at an interactive shell on a
 * terminal of its own, from the Enter key to the next prompt.
 *
 *     typed [-r ROUNDS] NAME LINE
 */
#include "bench.h"

#include <fcntl.h>
#include <pty.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROMPT "@ready> "

static pid_t start_shell(int *master)
{
    pid_t pid = forkpty(master, NULL, NULL, NULL);

    if (pid < 0)
        bench_die("forkpty");
    if (pid > 0)
        return pid;
    setenv("PS1", PROMPT, 1);
    setenv("TERM", "vt100", 1);
    execl("/bin/sh", "sh", "-i", (char *)NULL);
    _exit(127);
}

/* Read until the shell has printed this text, whose first character must not come twice. */
static void wait_for(int master, const char *text)
{
    size_t matched = 0;

    while (text[matched] != '\0') {
        char c;

        if (read(master, &c, 1) != 1)
            bench_die("the shell ended");
        matched = c == text[matched] ? matched + 1 : c == text[0];
    }
}

static void type(int master, const char *text)
{
    if (write(master, text, strlen(text)) != (ssize_t)strlen(text))
        bench_die("write");
}

int main(int argc, char **argv)
{
    double values[ROUNDS_MAX];
    unsigned rounds = 5;
    int option, master;
    pid_t shell;

    while ((option = getopt(argc, argv, "+r:")) != -1) {
        if (option != 'r')
            return 2;
        rounds = bench_number(optarg, ROUNDS_MAX);
    }
    if (argc - optind != 2) {
        fprintf(stderr, "usage: typed [-r ROUNDS] NAME LINE\n");
        return 2;
    }
    shell = start_shell(&master);
    wait_for(master, PROMPT);
    for (unsigned round = 0; round < rounds; round++) {
        uint64_t begin;

        type(master, argv[optind + 1]);
        wait_for(master, argv[optind + 1]); /* its echo */
        begin = bench_now();
        type(master, "\r");
        wait_for(master, PROMPT);
        values[round] = (double)(bench_now() - begin);
    }
    close(master);
    waitpid(shell, NULL, 0);
    bench_print(argv[optind], values, rounds);
    return 0;
}
