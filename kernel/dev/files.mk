# SPDX-License-Identifier: BSD-2-Clause
kernel-y += kernel/dev/init.o kernel/dev/mem.o kernel/dev/kmsg.o
kernel-y += kernel/dev/chacha20.o kernel/dev/random.o
kernel-y += kernel/dev/ring.o kernel/dev/ldisc.o kernel/dev/ldisc_output.o
kernel-y += kernel/dev/tty.o kernel/dev/tty_job.o kernel/dev/tty_ioctl.o kernel/dev/serial.o kernel/dev/pty.o kernel/dev/devpts.o

unit-tests += test_ldisc_linux test_ldisc test_chacha20
test_ldisc-srcs := tests/unit/test_ldisc.c kernel/dev/ldisc.c kernel/dev/ldisc_output.c kernel/dev/ring.c
test_ldisc-cflags := -Ikernel/include
test_ldisc_linux-srcs := tests/unit/test_ldisc_linux.c $(wordlist 2,4,$(test_ldisc-srcs))
test_ldisc_linux-cflags := -Ikernel/include
test_chacha20-srcs := tests/unit/test_chacha20.c kernel/dev/chacha20.c
