/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands without a console: their standard output, standard error and exit
 * status leave through the debug port in the frames of boot/debugport.h, where
 * tools/boot turns them into its own.
 */
#include "init.h"
#include "boot/debugport.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/wait.h>
#include <unistd.h>

static int debug_fd = -1; /* -1: write to the port ourselves */

bool batch_wanted(void)
{
    return access(BATCH_COMMANDS, F_OK) == 0;
}

/* On Linux there is no /dev/debugcon, but its init may touch ports. */
static void debug_open(void)
{
    debug_fd = open("/dev/debugcon", O_WRONLY | O_CLOEXEC);
    if (debug_fd < 0 && ioperm(DEBUG_PORT, 1, 1) < 0)
        perror("init: no /dev/debugcon, and no access to the debug port");
}

static void debug_frame(uint8_t tag, const void *data, size_t length)
{
    static uint8_t frame[DEBUG_FRAME_HEADER + 8192];
    size_t total = DEBUG_FRAME_HEADER + length;

    frame[0] = DEBUG_FRAME_MAGIC0;
    frame[1] = DEBUG_FRAME_MAGIC1;
    frame[2] = DEBUG_FRAME_MAGIC2;
    frame[3] = tag;
    frame[4] = (uint8_t)length;
    frame[5] = (uint8_t)(length >> 8);
    memcpy(frame + DEBUG_FRAME_HEADER, data, length);
    if (debug_fd < 0) {
        for (size_t i = 0; i < total; i++)
            outb(frame[i], DEBUG_PORT);
        return;
    }
    for (size_t done = 0; done < total;) {
        ssize_t n = write(debug_fd, frame + done, total - done);

        if (n < 0 && errno != EINTR)
            return; /* there is no other way to say so */
        if (n > 0)
            done += (size_t)n;
    }
}

/* Pass on what a pipe holds; false at its end. */
static bool relay(int fd, uint8_t tag)
{
    static uint8_t data[8192];
    ssize_t n = read(fd, data, sizeof(data));

    if (n > 0)
        debug_frame(tag, data, (size_t)n);
    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static pid_t start(int out, int err)
{
    pid_t pid = fork();
    int null;

    if (pid != 0)
        return pid;
    shutdown_forget();
    setsid();
    null = open("/dev/null", O_RDONLY);
    dup2(null, 0);
    dup2(out, 1);
    dup2(err, 2);
    if (null > 2)
        close(null);
    (void)!chdir("/");
    execl("/bin/sh", "sh", BATCH_COMMANDS, (char *)NULL);
    perror("init: cannot run /bin/sh");
    _exit(127);
}

/* False if the machine is to stop before the commands have ended. */
static bool relay_until_end(pid_t pid, const int pipes[2], int *status)
{
    static const uint8_t tags[2] = {DEBUG_TAG_STDOUT, DEBUG_TAG_STDERR};
    static const struct timespec at_once;
    struct pollfd polled[2] = {{.fd = pipes[0], .events = POLLIN}, {.fd = pipes[1], .events = POLLIN}};
    bool ended = false;

    /*
     * Output that is there goes first. The end is the shell's, not that of the
     * pipes: a process it left in the background may hold them open for ever.
     */
    for (;;) {
        int ready;

        ended = ended || shutdown_reap(pid, status);
        if (shutdown_asked())
            return false;
        ready = shutdown_poll(polled, 2, ended ? &at_once : NULL);
        if (ready == 0)
            return true;
        if (ready < 0)
            continue; /* a signal: a child has ended, or we are asked to stop */
        for (int i = 0; i < 2; i++)
            if (polled[i].revents != 0 && !relay(pipes[i], tags[i]))
                polled[i].fd = -1;
    }
}

void batch_run(void)
{
    int out[2], err[2], status = 0, length;
    char text[16];
    pid_t pid;

    debug_open();
    if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0 ||
        (pid = start(out[1], err[1])) < 0) {
        length = snprintf(text, sizeof(text), "errno %d\n", errno);
        debug_frame(DEBUG_TAG_STDERR, text, (size_t)length);
        debug_frame(DEBUG_TAG_STATUS, "125", 3);
        return;
    }
    close(out[1]);
    close(err[1]);
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    fcntl(err[0], F_SETFL, O_NONBLOCK);
    if (!relay_until_end(pid, (int[2]){out[0], err[0]}, &status))
        return;

    length = snprintf(text, sizeof(text), "%d",
                      WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    debug_frame(DEBUG_TAG_STATUS, text, (size_t)length);
}
