/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers this folder's devices; /dev/console and /dev/tty, which stand for other terminals. */
#include <kernel/fs.h>
#include <kernel/proc.h>
#include <kernel/tty.h>

#include "mem.h"
#include "pty.h"
#include "serial.h"
#include "tty.h"

/* The terminal that the kernel's messages went to before init opened it. */
static int console_open(struct inode *inode, struct file *f)
{
    (void)inode;
    return console_tty != NULL ? tty_open(console_tty, f, TTY_OPEN_CONSOLE) : -ENODEV;
}

/* The controlling terminal, whichever it is. */
static int current_tty_open(struct inode *inode, struct file *f)
{
    struct tty *tty = tty_current();
    int err;

    (void)inode;
    if (tty == NULL)
        return -ENXIO;
    err = tty_open(tty, f, TTY_OPEN_CONTROLLING);
    tty_put(tty);
    return err;
}

static struct char_dev console_dev = {
    .dev = MKDEV(5, 1), .name = "console", .mode = 0600, .ops = &tty_fops, .open = console_open};
static struct char_dev current_tty_dev = {
    .dev = MKDEV(5, 0), .name = "tty", .mode = 0666, .ops = &tty_fops, .open = current_tty_open};

void dev_init(void)
{
    mem_devices_init();
    char_dev_register(&current_tty_dev);
    char_dev_register(&console_dev);
    serial_init();
    pty_init();
}
