# SPDX-License-Identifier: BSD-2-Clause
kernel-y += kernel/ipc/ids.o kernel/ipc/shm.o kernel/ipc/sem.o kernel/ipc/semop.o kernel/ipc/msg.o
