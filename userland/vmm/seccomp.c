/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system-call filter of a running VM, as a classic BPF program. It is an extra
 * wall: everything else in the sandbox holds without it, so a kernel that cannot
 * filter is accepted. A call that is not on the list kills the monitor.
 */
#include "sandbox.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define IOCTL_TYPE(type)   ((unsigned)(type) << 8)
#define IOCTL_TYPE_MASK    0xff00u
#define KVM_IOCTL_TYPE     IOCTL_TYPE(0xae)
#define TTY_IOCTL_TYPE     IOCTL_TYPE('T')
#define ARRAY_SIZE(array)  (sizeof(array) / sizeof((array)[0]))

static const unsigned allowed[] = {
    /* running */
    SYS_read, SYS_write, SYS_poll, SYS_futex, SYS_rt_sigreturn, SYS_clock_gettime,
    SYS_restart_syscall,
    /* a new machine after a reboot: files, memory, threads */
    SYS_pread64, SYS_close, SYS_munmap, SYS_madvise, SYS_brk, SYS_rt_sigaction,
    SYS_rt_sigprocmask, SYS_set_robust_list, SYS_rseq, SYS_tgkill, SYS_getpid, SYS_gettid,
    SYS_sched_getaffinity, SYS_getrandom, SYS_mremap,
    /* the end */
    SYS_exit, SYS_exit_group, SYS_fcntl,
};

#define LOAD(field) \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offsetof(struct seccomp_data, field))
#define LOAD_ARG(n) \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offsetof(struct seccomp_data, args[n]))
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, (action))
#define IF_EQUAL(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes), (no))
#define IF_BITS(bits, yes, no)   BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (bits), (yes), (no))

/* Checks with arguments: each returns, or falls through to the next. */
static const struct sock_filter with_arguments[] = {
    /* ioctl: KVM's and the terminal's, by the type byte of the request */
    IF_EQUAL(SYS_ioctl, 0, 6),
    LOAD_ARG(1),
    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, IOCTL_TYPE_MASK),
    IF_EQUAL(KVM_IOCTL_TYPE, 1, 0),
    IF_EQUAL(TTY_IOCTL_TYPE, 0, 1),
    RETURN(SECCOMP_RET_ALLOW),
    RETURN(SECCOMP_RET_KILL_PROCESS),
    /* mmap and mprotect: nothing executable */
    IF_EQUAL(SYS_mmap, 1, 0),
    IF_EQUAL(SYS_mprotect, 0, 4),
    LOAD_ARG(2),
    IF_BITS(PROT_EXEC, 0, 1),
    RETURN(SECCOMP_RET_KILL_PROCESS),
    RETURN(SECCOMP_RET_ALLOW),
    /* clone: threads only; clone3 hides its flags, so the C library is sent to clone */
    IF_EQUAL(SYS_clone, 0, 4),
    LOAD_ARG(0),
    IF_BITS(CLONE_THREAD, 1, 0),
    RETURN(SECCOMP_RET_KILL_PROCESS),
    RETURN(SECCOMP_RET_ALLOW),
    IF_EQUAL(SYS_clone3, 0, 1),
    RETURN(SECCOMP_RET_ERRNO | 38 /* ENOSYS */),
    /* prctl: only a thread's name */
    IF_EQUAL(SYS_prctl, 0, 4),
    LOAD_ARG(0),
    IF_EQUAL(PR_SET_NAME, 1, 0),
    RETURN(SECCOMP_RET_KILL_PROCESS),
    RETURN(SECCOMP_RET_ALLOW),
};

void sandbox_filter(void)
{
    struct sock_filter code[8 + 2 * ARRAY_SIZE(allowed) + ARRAY_SIZE(with_arguments)];
    struct sock_fprog program = { .filter = code };
    unsigned short n = 0;

    code[n++] = (struct sock_filter)LOAD(arch);
    code[n++] = (struct sock_filter)IF_EQUAL(AUDIT_ARCH_X86_64, 1, 0);
    code[n++] = (struct sock_filter)RETURN(SECCOMP_RET_KILL_PROCESS);
    code[n++] = (struct sock_filter)LOAD(nr);
    for (unsigned i = 0; i < ARRAY_SIZE(allowed); i++) {
        code[n++] = (struct sock_filter)IF_EQUAL(allowed[i], 0, 1);
        code[n++] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(with_arguments); i++)
        code[n++] = with_arguments[i];
    code[n++] = (struct sock_filter)RETURN(SECCOMP_RET_KILL_PROCESS);
    program.len = n;
    (void)prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program); /* an extra: see above */
}
