/* SPDX-License-Identifier: BSD-2-Clause */
/* Terminal modes and signals: see terminal.h. */
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

static struct {
    int fd;
    int flags;
} saved[2] = { { -1, 0 }, { -1, 0 } };
static struct termios saved_mode;
static int mode_fd = -1;

static int signal_fd = -1;
static volatile sig_atomic_t caught;

static void restore(void)
{
    if (mode_fd >= 0)
        tcsetattr(mode_fd, TCSANOW, &saved_mode);
    for (int i = 1; i >= 0; i--) /* backwards: both may be the same open file */
        if (saved[i].fd >= 0)
            fcntl(saved[i].fd, F_SETFL, saved[i].flags);
}

static void set_nonblocking(int slot, int fd)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return; /* closed: reads and writes will say so */
    saved[slot].fd = fd;
    saved[slot].flags = flags;
}

void terminal_init(int input_fd, int output_fd)
{
    struct termios mode;

    set_nonblocking(0, input_fd);
    set_nonblocking(1, output_fd);
    if (tcgetattr(input_fd, &mode) == 0) {
        saved_mode = mode;
        mode_fd = input_fd;
        cfmakeraw(&mode);
        tcsetattr(input_fd, TCSANOW, &mode);
    }
    atexit(restore);
}

static void on_signal(int number)
{
    const uint64_t one = 1;
    int before = errno;

    if (caught == 0)
        caught = number;
    (void)!write(signal_fd, &one, sizeof(one));
    errno = before;
}

void terminal_catch_signals(int wake_fd)
{
    static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };
    const struct sigaction catch = { .sa_handler = on_signal };
    const struct sigaction ignore = { .sa_handler = SIG_IGN };

    signal_fd = wake_fd;
    for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        sigaction(numbers[i], &catch, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
}

int terminal_signal(void)
{
    return caught;
}
