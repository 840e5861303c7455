# SPDX-License-Identifier: BSD-2-Clause
kernel-y += kernel/abi/syscall.o

unit-tests += test_proc_abi
test_proc_abi-srcs := tests/unit/test_proc_abi.c tests/unit/proc_abi_linux.c
test_proc_abi-cflags := -Itests/unit
