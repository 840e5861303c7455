/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prototypes of every system call. The caller passes 64-bit registers; a
 * narrower parameter ignores the upper bits, as on Linux. Results: a value, or
 * a negative errno.
 */
#pragma once

#include <kernel/types.h>

#define SYSCALL(nr, name, nargs, proto) long sys_##name proto __weak;
#include <kernel/syscalls.def>
#undef SYSCALL
