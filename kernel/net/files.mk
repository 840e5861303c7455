# SPDX-License-Identifier: BSD-2-Clause
kernel-y += kernel/net/socket.o kernel/net/message.o kernel/net/option.o kernel/net/scm.o
kernel-y += kernel/net/unix.o kernel/net/unix_message.o kernel/net/unix_gc.o

unit-tests += test_ipc
test_ipc-srcs := tests/unit/test_ipc.c tests/unit/vfs_host/host.c kernel/lib/page_tree.c kernel/lib/rbtree.c \
        $(patsubst %.o,%.c,$(filter-out kernel/fs/initrd.o,$(vfs-objects)) $(filter kernel/net/%,$(kernel-y))) \
        $(addprefix kernel/fs/, pipe.c poll.c epoll.c eventfd.c user_account.c) \
        $(addprefix kernel/dev/, ring.c ldisc.c ldisc_output.c tty.c tty_job.c tty_ioctl.c pty.c devpts.c)
test_ipc-cflags := $(test_vfs-cflags)
