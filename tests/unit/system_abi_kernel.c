/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's side of system_abi_list.h. */
#include <kernel/cred.h>
#include <kernel/errno.h>
#include <kernel/files.h>
#include <kernel/fs.h>
#include <kernel/ns.h>
#include <kernel/proc.h>
#include <kernel/signal.h>
#include <kernel/vm.h>

#include "kernel/abi/fs.h"
#include "kernel/abi/ioctl.h"
#include "kernel/abi/socket.h"
#include "kernel/abi/termios.h"

#include "system_abi.h"

#define SIZE(ours, theirs)        {"sizeof " #ours, (long long)sizeof(struct ours)},
#define FIELD(ours, f, theirs, g) {#ours "." #f, (long long)offsetof(struct ours, f)},
const struct abi_value abi_of_kernel[] = {
#include "system_abi_list.h"
};
const unsigned abi_values = COUNT(abi_of_kernel);

#define SYSCALL(nr, name, nargs, proto) {#name, nr},
const struct abi_value calls_of_kernel[] = {
#include <kernel/syscalls.def>
};
const unsigned abi_calls = COUNT(calls_of_kernel);
