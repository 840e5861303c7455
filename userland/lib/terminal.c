/* SPDX-License-Identifier: BSD-2-Clause */
/* Our own terminal while a client passes on what is typed. */
#include "terminal.h"

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

enum { CTRL_P = 0x10, CTRL_Q = 0x11 };

static struct termios saved;
static bool is_raw;

void terminal_raw(void)
{
    struct termios t;

    if (is_raw || tcgetattr(STDIN_FILENO, &saved) < 0)
        return;
    t = saved;
    cfmakeraw(&t);
    is_raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &t) == 0;
}

void terminal_restore(void)
{
    if (is_raw)
        (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &saved);
    is_raw = false;
}

void terminal_size(unsigned *rows, unsigned *cols)
{
    struct winsize ws = {0};

    if (ioctl(STDIN_FILENO, TIOCGWINSZ, &ws) < 0)
        (void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws);
    *rows = ws.ws_row;
    *cols = ws.ws_col;
}

long detach_filter(struct detach_keys *d, const unsigned char *in, size_t len, unsigned char *out)
{
    long n = 0;

    for (size_t i = 0; i < len; i++) {
        if (d->armed && in[i] == CTRL_Q)
            return -1;
        if (d->armed)
            out[n++] = CTRL_P;
        d->armed = in[i] == CTRL_P;
        if (!d->armed)
            out[n++] = in[i];
    }
    return n;
}
