/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first process. It mounts what programs expect, then does one of two
 * things:
 *
 *   - with /etc/bulkhead/exec, put there by `tools/boot --exec`: run it, send
 *     its output and status over the debug port, power off;
 *   - otherwise: keep a shell on the console until somebody asks for power-off.
 *
 * Like every userland program it also runs on Linux, as the init of a VM.
 */
#include "init.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char *cmdline_value(const char *key)
{
    static char line[4096];
    size_t key_length = strlen(key);
    int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, line, sizeof(line) - 1) : -1;

    if (fd >= 0)
        close(fd);
    if (got < 0)
        return NULL;
    line[got] = '\0';
    for (char *word = strtok(line, " \n"); word != NULL; word = strtok(NULL, " \n"))
        if (strncmp(word, key, key_length) == 0 && word[key_length] == '=')
            return word + key_length + 1;
    return NULL;
}

static void set_environment(void)
{
    const char *term = cmdline_value("TERM");

    clearenv();
    setenv("PATH", "/sbin:/bin:/usr/sbin:/usr/bin", 1);
    setenv("HOME", "/root", 1);
    setenv("USER", "root", 1);
    setenv("SHELL", "/bin/sh", 1);
    setenv("TERM", term != NULL ? term : "vt100", 1);
}

/* A shell that cannot live must not eat the CPU. */
static void pause_if_hasty(time_t started)
{
    struct timespec now, second = {.tv_sec = 1};

    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec - started < 1)
        nanosleep(&second, NULL);
}

int main(void)
{
    if (getpid() != 1) {
        fprintf(stderr, "init: only the kernel starts this; to stop the machine, use poweroff\n");
        return 1;
    }
    shutdown_prepare();
    mount_all();
    set_environment();
    sethostname("bulkhead", strlen("bulkhead"));

    if (batch_wanted()) {
        batch_run();
        shutdown_now();
    }
    console_open();
    for (;;) {
        pid_t shell = console_start_shell();
        struct timespec started;
        int status;

        clock_gettime(CLOCK_MONOTONIC, &started);
        while (!shutdown_reap(shell, &status)) {
            if (shutdown_asked())
                shutdown_now();
            shutdown_poll(NULL, 0, NULL);
        }
        pause_if_hasty(started.tv_sec);
    }
}
