# SPDX-License-Identifier: BSD-2-Clause
kernel-y += kernel/abi/syscall.o
