/* SPDX-License-Identifier: BSD-2-Clause */
/* The shell on the console: a session of its own, with the console as its controlling terminal. */
#include "init.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const char *const console_devices[] = {"/dev/ttyS0", "/dev/console"};

static const char hello[] =
    "\nBulkhead. A container: ct run -it busybox sh     A virtual machine: vm run linux\n"
    "Everything is kept in memory only: it is gone after poweroff.\n\n";

static int open_console(int flags)
{
    for (size_t i = 0; i < sizeof(console_devices) / sizeof(console_devices[0]); i++) {
        int fd = open(console_devices[i], O_RDWR | flags);

        if (fd >= 0)
            return fd;
    }
    return open("/dev/null", O_RDWR);
}

/* tools/boot passes the size of the terminal it runs in. */
static void set_window_size(int fd)
{
    const char *size = cmdline_value("console_size");
    struct winsize window = {0};

    if (size != NULL && sscanf(size, "%hux%hu", &window.ws_col, &window.ws_row) == 2)
        (void)ioctl(fd, TIOCSWINSZ, &window);
}

void console_open(void)
{
    int fd = open_console(O_NOCTTY);

    for (int i = 0; i < 3; i++)
        dup2(fd, i);
    if (fd > 2)
        close(fd);
    set_window_size(0);
    (void)!write(1, hello, sizeof(hello) - 1); /* nobody may be there to read it */
}

pid_t console_start_shell(void)
{
    pid_t pid = fork();
    int fd;

    if (pid != 0)
        return pid;
    shutdown_forget();
    setsid();
    fd = open_console(0);
    (void)ioctl(fd, TIOCSCTTY, 1);
    for (int i = 0; i < 3; i++)
        dup2(fd, i);
    if (fd > 2)
        close(fd);
    (void)!chdir("/");
    execl("/bin/sh", "-sh", (char *)NULL);
    perror("init: cannot run /bin/sh");
    _exit(127);
}
