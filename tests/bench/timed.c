/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a command costs from its start.
 *
 *     timed [-r ROUNDS] [-o] NAME COMMAND [ARGUMENT...]
 *
 * From before the fork to the command's end or, with -o, to the first byte of its
 * output. Nothing else may run: where nothing does, the time is the command's own.
 */
#include "bench.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t start(char **command, int output)
{
    pid_t pid = vfork();

    if (pid < 0)
        bench_die("vfork");
    if (pid > 0)
        return pid;
    dup2(output, 1);
    execvp(command[0], command);
    _exit(127);
}

/* All that comes until the other end is closed. */
static void drain(int fd)
{
    char text[4096];

    while (read(fd, text, sizeof(text)) > 0)
        ;
}

static double measure(char **command, bool to_output)
{
    uint64_t begin, end;
    int pipe_fds[2], status;
    char byte;
    pid_t pid;

    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        bench_die("pipe2");
    begin = bench_now();
    pid = start(command, pipe_fds[1]);
    close(pipe_fds[1]);
    if (to_output && read(pipe_fds[0], &byte, 1) != 1) {
        fprintf(stderr, "bench: %s printed nothing\n", command[0]);
        exit(1);
    }
    end = bench_now();
    drain(pipe_fds[0]);
    close(pipe_fds[0]);
    if (waitpid(pid, &status, 0) != pid)
        bench_die("waitpid");
    if (!to_output) {
        end = bench_now();
        if (status != 0) {
            fprintf(stderr, "bench: %s failed: status 0x%x\n", command[0], status);
            exit(1);
        }
    }
    return (double)(end - begin);
}

int main(int argc, char **argv)
{
    double values[ROUNDS_MAX];
    unsigned rounds = 5;
    bool to_output = false;
    int option;

    while ((option = getopt(argc, argv, "+r:o")) != -1) {
        if (option == 'r')
            rounds = bench_number(optarg, ROUNDS_MAX);
        else if (option == 'o')
            to_output = true;
        else
            return 2;
    }
    if (argc - optind < 2) {
        fprintf(stderr, "usage: timed [-r ROUNDS] [-o] NAME COMMAND [ARGUMENT...]\n");
        return 2;
    }
    for (unsigned round = 0; round < rounds; round++)
        values[round] = measure(argv + optind + 1, to_output);
    bench_print(argv[optind], values, rounds);
    return 0;
}
