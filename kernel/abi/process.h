/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes as user programs see them: clone(2), wait(2), getrusage(2), uname(2), sysinfo(2)... */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* clone(2); the kinds of namespaces are in <kernel/ns.h>. */
#define CLONE_SIGNAL_MASK    0x000000ffULL /* the low byte: the signal for the parent */
#define CLONE_VM             0x00000100ULL
#define CLONE_FS             0x00000200ULL
#define CLONE_FILES          0x00000400ULL
#define CLONE_SIGHAND        0x00000800ULL
#define CLONE_PIDFD          0x00001000ULL
#define CLONE_PTRACE         0x00002000ULL
#define CLONE_VFORK          0x00004000ULL
#define CLONE_PARENT         0x00008000ULL
#define CLONE_THREAD         0x00010000ULL
#define CLONE_SYSVSEM        0x00040000ULL
#define CLONE_SETTLS         0x00080000ULL
#define CLONE_PARENT_SETTID  0x00100000ULL
#define CLONE_CHILD_CLEARTID 0x00200000ULL
#define CLONE_DETACHED       0x00400000ULL
#define CLONE_CHILD_SETTID   0x01000000ULL
#define CLONE_IO             0x80000000ULL
#define CLONE_CLEAR_SIGHAND  0x100000000ULL
#define CLONE_INTO_CGROUP    0x200000000ULL

struct abi_clone_args {
    uint64_t flags;
    uint64_t pidfd;
    uint64_t child_tid;
    uint64_t parent_tid;
    uint64_t exit_signal;
    uint64_t stack;
    uint64_t stack_size;
    uint64_t tls;
    uint64_t set_tid;
    uint64_t set_tid_size;
    uint64_t cgroup;
};
#define CLONE_ARGS_SIZE_VER0 64
_Static_assert(sizeof(struct abi_clone_args) == 88, "clone_args ABI");

/* wait4(2), waitid(2) */
#define WNOHANG     0x00000001
#define WUNTRACED   0x00000002
#define WSTOPPED    WUNTRACED
#define WEXITED     0x00000004
#define WCONTINUED  0x00000008
#define WNOWAIT     0x01000000
#define WNOTHREAD_  0x20000000
#define WALL_       0x40000000
#define WCLONE_     0x80000000
enum { P_ALL, P_PID, P_PGID, P_PIDFD };

struct abi_rusage {
    int64_t utime_sec, utime_usec;
    int64_t stime_sec, stime_usec;
    int64_t maxrss_kib;
    int64_t ixrss, idrss, isrss;
    int64_t minflt, majflt;
    int64_t nswap, inblock, oublock, msgsnd, msgrcv, nsignals;
    int64_t nvcsw, nivcsw;
};
_Static_assert(sizeof(struct abi_rusage) == 144, "rusage ABI");
enum { RUSAGE_SELF = 0, RUSAGE_CHILDREN = -1, RUSAGE_THREAD = 1 };

#define USER_HZ 100 /* times(2), siginfo_t, AT_CLKTCK */

struct abi_tms {
    int64_t utime, stime, cutime, cstime;
};
_Static_assert(sizeof(struct abi_tms) == 32, "tms ABI");

struct abi_utsname {
    char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65];
};
_Static_assert(sizeof(struct abi_utsname) == 390, "utsname ABI");

struct abi_sysinfo {
    int64_t uptime;
    uint64_t loads[3]; /* 16 bits after the point */
    uint64_t totalram, freeram, sharedram, bufferram, totalswap, freeswap;
    uint16_t procs, pad;
    uint32_t pad2;
    uint64_t totalhigh, freehigh;
    uint32_t mem_unit;
    uint32_t pad3;
};
_Static_assert(sizeof(struct abi_sysinfo) == 112, "sysinfo ABI");

/* set_robust_list(2) */
struct abi_robust_list_head {
    uint64_t next;
    int64_t futex_offset;
    uint64_t pending;
};
_Static_assert(sizeof(struct abi_robust_list_head) == 24, "robust_list ABI");

/* rseq(2): the thread's structure, aligned to its size, and what describes a critical section */
struct abi_rseq {
    uint32_t cpu_id_start, cpu_id;
    uint64_t rseq_cs; /* address of a struct abi_rseq_cs, or 0 */
    uint32_t flags;
    uint32_t pad[3];
};
_Static_assert(sizeof(struct abi_rseq) == 32, "rseq ABI");

struct abi_rseq_cs {
    uint32_t version, flags;
    uint64_t start_ip, post_commit_offset, abort_ip;
};
_Static_assert(sizeof(struct abi_rseq_cs) == 32, "rseq_cs ABI");

#define RSEQ_FLAG_UNREGISTER      1
#define RSEQ_CPU_ID_UNINITIALIZED 0xffffffffu /* cpu_id while nothing is registered */

enum { SCHED_OTHER = 0, SCHED_FIFO = 1, SCHED_RR = 2, SCHED_BATCH = 3, SCHED_IDLE = 5,
       SCHED_DEADLINE = 6, SCHED_RESET_ON_FORK = 0x40000000 };
