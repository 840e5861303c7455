# SPDX-License-Identifier: BSD-2-Clause
kernel-y += kernel/abi/syscall.o

unit-tests += test_proc_abi
test_proc_abi-srcs := tests/unit/test_proc_abi.c tests/unit/proc_abi_linux.c
test_proc_abi-cflags := -Itests/unit

unit-tests += test_system_abi
test_system_abi-srcs := tests/unit/test_system_abi.c tests/unit/system_abi_kernel.c tests/unit/system_abi_system.c
test_system_abi-cflags := -Itests/unit -idirafter kernel/include
