/* SPDX-License-Identifier: BSD-2-Clause */
/* The first process of a guest: says on the first UART that it is there, and ends the VM. */
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <termios.h>
#include <unistd.h>

int main(void)
{
    static const char here[] = "first\n";
    int fd;

    (void)mount("devtmpfs", "/dev", "devtmpfs", 0, NULL); /* the kernel may have done it */
    fd = open("/dev/ttyS0", O_WRONLY | O_NOCTTY);
    if (fd < 0 || write(fd, here, strlen(here)) < 0)
        return 1;
    tcdrain(fd);
    return reboot(RB_POWER_OFF);
}
