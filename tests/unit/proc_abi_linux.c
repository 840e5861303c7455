/* SPDX-License-Identifier: BSD-2-Clause */
/* The system's side of proc_abi_list.h. */
#include <linux/rseq.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <ucontext.h>

#ifndef SCHED_DEADLINE
#define SCHED_DEADLINE 6 /* in <linux/sched.h>, which C libraries of some versions hide */
#endif

#define CONSTANT(name)                 (int64_t)(name),
#define SIZE(ours, theirs)             (int64_t)sizeof(theirs),
#define FIELD(ours, f, theirs, g)      (int64_t)offsetof(theirs, g),
extern const int64_t proc_abi_linux[];
const int64_t proc_abi_linux[] = {
#include "proc_abi_list.h"
};
