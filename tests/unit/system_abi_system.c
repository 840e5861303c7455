/* SPDX-License-Identifier: BSD-2-Clause */
/* The system's side of system_abi_list.h: Linux's own headers where the C library's allow it. */
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <linux/memfd.h>
#include <linux/openat2.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/sockios.h>
#include <linux/stat.h>
#include <linux/termios.h>
#include <linux/xattr.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/vfs.h>

#include "system_abi.h"

#define SIZE(ours, theirs)        {#theirs, (long long)sizeof(theirs)},
#define FIELD(ours, f, theirs, g) {#g, (long long)offsetof(theirs, g)},
const struct abi_value abi_of_system[] = {
#include "system_abi_list.h"
};

#define SYSCALL(nr, name, nargs, proto) {#name, __NR_##name},
const struct abi_value calls_of_system[] = {
#include "kernel/include/kernel/syscalls.def"
};
