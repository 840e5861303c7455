# SPDX-License-Identifier: BSD-2-Clause
kernel-y += kernel/net/socket.o kernel/net/message.o kernel/net/option.o kernel/net/scm.o
kernel-y += kernel/net/unix.o kernel/net/unix_message.o kernel/net/unix_gc.o
