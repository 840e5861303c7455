/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of bad arguments of every call about processes, signals and time.
 */
#include "args.h"

#include <linux/capability.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/rseq.h>
#include <time.h>

static char program[] = "program"; /* executable, but in no format */
static char *strings[2];
static struct timespec zero;
static struct itimerval no_interval;
static struct itimerspec no_spec;
static struct rlimit limit;
static struct sched_param param;
static struct sigevent event = {.sigev_notify = SIGEV_NONE};
static struct __user_cap_header_struct cap_header = {.version = _LINUX_CAPABILITY_VERSION_3};
static struct __user_cap_data_struct cap_data[2];
static uint64_t set, clone_args[11];
static uint32_t word = 1, other_word;
static unsigned char action[32];
static int status;
static stack_t stack = {.ss_flags = SS_DISABLE};
#define buffer ARGS_BUFFER

static const struct args_row rows[] = {
    C(rt_sigaction, "nppn", SIGUSR1, P(action), P(buffer), 8),
    C(rt_sigprocmask, "nppn", SIG_BLOCK, P(&set), P(buffer), 8),
    C(rt_sigpending, "pn", P(buffer), 8),
    FORKED(rt_sigtimedwait, "pppn", P(&set), P(buffer), P(&zero), 8),
    C(rt_sigsuspend, "pn", 0, 8),
    FORKED(rt_sigsuspend, "in", P(&set), 8),
    C(rt_sigqueueinfo, "nnp", 0, SIGUSR1, 0),
    C(rt_tgsigqueueinfo, "nnnp", 0, 0, SIGUSR1, 0),
    FORKED(rt_sigreturn, ""),
    C(sigaltstack, "pp", P(&stack), P(buffer)),
    C(kill, "nn", 0x7fffffff, 0),
    C(tkill, "nn", 0x7fffffff, 0),
    C(tgkill, "nnn", 0x7fffffff, 0x7fffffff, 0),
    C(pidfd_open, "nn", 1, 0),
    C(pidfd_send_signal, "fnpi", 777, 0, 0, 0),
    FORKED(pause, ""),
    FORKED(alarm, "n", 0),
    C(restart_syscall, ""),
    C(execve, "ppp", P(program), P(strings), P(strings)),
    C(execveat, "fpppi", CWD, P(program), P(strings), P(strings), 0),
    FORKED(fork, ""),
    FORKED(vfork, ""),
    FORKED(clone, "ipppi", SIGCHLD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID, 0, P(buffer), P(buffer), 0),
    C(clone3, "pn", 0, 88),
    FORKED(exit, "n", 0),
    FORKED(exit_group, "n", 0),
    C(wait4, "npbp", -1, P(&status), WNOHANG, P(buffer)),
    C(waitid, "nnpbp", P_ALL, 0, P(buffer), WEXITED | WNOHANG, P(buffer)),
    FORKED(setpgid, "nn", 0, 0),
    FORKED(setsid, ""),
    C(getpgid, "n", 0),
    C(getsid, "n", 0),
    C(getpgrp, ""),
    C(getpid, ""),
    C(getppid, ""),
    C(gettid, ""),
    C(getuid, ""),
    C(geteuid, ""),
    C(getgid, ""),
    C(getegid, ""),
    C(getresuid, "ppp", P(buffer), P(buffer), P(buffer)),
    C(getresgid, "ppp", P(buffer), P(buffer), P(buffer)),
    FORKED(setuid, "n", 0),
    FORKED(setgid, "n", 0),
    FORKED(setreuid, "nn", 0, 0),
    FORKED(setregid, "nn", 0, 0),
    FORKED(setresuid, "nnn", 0, 0, 0),
    FORKED(setresgid, "nnn", 0, 0, 0),
    FORKED(setfsuid, "n", 0),
    FORKED(setfsgid, "n", 0),
    C(getgroups, "np", 65536, P(buffer)),
    FORKED(setgroups, "np", 1, P(buffer)),
    C(capget, "pp", P(&cap_header), P(cap_data)),
    FORKED(capset, "pp", P(&cap_header), P(cap_data)),
    C(uname, "p", P(buffer)),
    C(sysinfo, "p", P(buffer)),
    C(syslog, "nii", 10, 0, 0),
    C(sethostname, "pn", P("abi"), 3),
    C(setdomainname, "pn", P("abi"), 3),
    C(reboot, "nnnp", 0, 0, 0, 0),
    C(setns, "fn", FD(FILE), 0),
    FORKED(unshare, "n", 0),
    C(times, "p", P(buffer)),
    C(getrusage, "np", 0, P(buffer)),
    C(getrlimit, "np", RLIMIT_NOFILE, P(buffer)),
    C(setrlimit, "ip", RLIMIT_CORE, P(&limit)),
    C(prlimit64, "nipp", 0, RLIMIT_CORE, P(&limit), P(buffer)),
    C(getpriority, "nn", 0, 0),
    FORKED(setpriority, "nnn", 0, 0, 19),
    FORKED(personality, "i", 0),
    C(prctl, "npiii", PR_SET_NAME, P(buffer), 0, 0, 0),
    C(prctl, "ipiii", PR_GET_NAME, P(buffer), 0, 0, 0),
    C(prctl, "ipiii", PR_GET_PDEATHSIG, P(buffer), 0, 0, 0),
    C(arch_prctl, "np", 0x1003, P(buffer)),
    FORKED(set_tid_address, "p", P(buffer)),
    C(gettimeofday, "pp", P(buffer), P(buffer)),
    C(settimeofday, "pp", 0, 0),
    C(time, "p", P(buffer)),
    C(clock_gettime, "np", CLOCK_MONOTONIC, P(buffer)),
    C(clock_getres, "np", CLOCK_MONOTONIC, P(buffer)),
    C(clock_settime, "np", CLOCK_REALTIME, 0),
    C(nanosleep, "pp", P(&zero), P(buffer)),
    C(clock_nanosleep, "nbpp", CLOCK_MONOTONIC, 0, P(&zero), P(buffer)),
    C(getitimer, "np", ITIMER_REAL, P(buffer)),
    C(setitimer, "npp", ITIMER_REAL, P(&no_interval), P(buffer)),
    C(timer_create, "npp", CLOCK_MONOTONIC, P(&event), P(buffer)),
    C(timer_settime, "nnpp", 777, 0, P(&no_spec), P(buffer)),
    C(timer_gettime, "np", 777, P(buffer)),
    C(timer_getoverrun, "n", 777),
    C(timer_delete, "n", 777),
    C(futex, "piiipi", P(&word), FUTEX_WAIT, 0, 0, 0, 0),
    C(futex, "piiipi", P(&word), FUTEX_WAKE, 1, 0, 0, 0),
    C(futex, "piiipi", P(&word), FUTEX_WAKE_OP, 1, 1, P(&other_word), 0),
    C(futex, "piiipi", P(&word), FUTEX_CMP_REQUEUE, 1, 1, P(&word), 1),
    C(futex, "pniiii", P(&word), FUTEX_WAKE, 2, 0, P(&word), 0),
    C(set_robust_list, "pn", 0, 24),
    C(get_robust_list, "npp", 0, P(buffer), P(buffer)),
    FORKED(rseq, "pibn", P(buffer), 32, 0, 0), /* the length: tests/abi/rseq.c; later kernels take longer ones */
    C(getcpu, "ppp", P(buffer), P(buffer), 0),
    C(sched_yield, ""),
    C(sched_getscheduler, "n", 0),
    C(sched_setscheduler, "nnp", 0, SCHED_OTHER, P(&param)),
    C(sched_getparam, "np", 0, P(buffer)),
    C(sched_setparam, "np", 0, P(&param)),
    C(sched_get_priority_max, "n", 0),
    C(sched_get_priority_min, "n", 0),
    C(sched_getaffinity, "nnp", 0, 128, P(buffer)),
    C(sched_setaffinity, "nnp", 0, 8, P(&set)),
    C(getrandom, "pnb", P(buffer), 16, 0),
};

static void bad_signals(void)
{
    SECTION("signals");
    CALL(syscall(SYS_rt_sigaction, 0, action, 0, 8));
    CALL(syscall(SYS_rt_sigaction, 65, action, 0, 8));
    CALL(syscall(SYS_rt_sigaction, -1, action, 0, 8));
    CALL(syscall(SYS_rt_sigaction, SIGKILL, action, 0, 8));
    CALL(syscall(SYS_rt_sigaction, SIGSTOP, action, 0, 8));
    CALL(syscall(SYS_rt_sigaction, SIGKILL, 0, buffer, 8));
    CALL(syscall(SYS_rt_sigaction, SIGUSR1, action, 0, 4));
    CALL(syscall(SYS_rt_sigprocmask, 3, &set, 0, 8));
    CALL(syscall(SYS_rt_sigprocmask, 3, 0, 0, 8));
    CALL(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, 0, 16));
    CALL(syscall(SYS_rt_sigpending, buffer, 9));
    CALL(syscall(SYS_rt_sigpending, buffer, 4));
    CALL(syscall(SYS_rt_sigtimedwait, &set, 0, &zero, 4));
    CALL(syscall(SYS_rt_sigtimedwait, &set, 0, &zero, 8));
    CALL(syscall(SYS_rt_sigtimedwait, &set, 0, (&(struct timespec){0, 1000000000}), 8));
    CALL(syscall(SYS_rt_sigtimedwait, &set, 0, (&(struct timespec){-1, 0}), 8));
    CALL(syscall(SYS_rt_sigsuspend, &set, 4));
    CALL(kill(getpid(), 65));
    CALL(kill(getpid(), -1));
    CALL(kill(getpid(), 0));
    CALL(kill(0, 0));
    CALL(kill(0x7fffffff, 0));
    CALL(kill(-0x7fffffff, 0));
    CALL(kill((pid_t)0x80000000, 0));
    CALL(kill(0x7fffffff, 99));
    CALL(syscall(SYS_tkill, 0, 0));
    CALL(syscall(SYS_tkill, -1, 0));
    CALL(syscall(SYS_tkill, 0x7fffffff, 0));
    CALL(syscall(SYS_tkill, getpid(), 65));
    CALL(syscall(SYS_tgkill, getpid(), 0, 0));
    CALL(syscall(SYS_tgkill, 0, getpid(), 0));
    CALL(syscall(SYS_tgkill, getpid() + 1, getpid(), 0));
    CALL(syscall(SYS_tgkill, getpid(), getpid(), 0));
    CALL(syscall(SYS_rt_sigqueueinfo, getppid(), SIGUSR1, buffer));
    CALL(syscall(SYS_rt_tgsigqueueinfo, getpid(), 0, SIGUSR1, buffer));
    stack.ss_flags = 4;
    CALL(sigaltstack(&stack, NULL));
    stack.ss_flags = 0;
    stack.ss_size = 2047;
    CALL(sigaltstack(&stack, NULL));
    stack.ss_flags = SS_DISABLE;
    CALL(sigaltstack(&stack, NULL));
    CALL(syscall(SYS_signalfd4, -1, &set, 4, 0));
    CALL(syscall(SYS_signalfd4, -1, &set, 8, 1));
    CALL(syscall(SYS_pidfd_open, 0, 0));
    CALL(syscall(SYS_pidfd_open, -1, 0));
    CALL(syscall(SYS_pidfd_open, getpid(), 1));
    CALL(syscall(SYS_pidfd_open, 0x7fffffff, 0));
    CALL(syscall(SYS_pidfd_send_signal, 0, 0, 0, 0));
    CALL(syscall(SYS_pidfd_send_signal, -1, 0, 0, 0));
    CALL(syscall(SYS_pidfd_send_signal, 0, 0, 0, 8));
}

static void bad_processes(void)
{
    struct {
        uint64_t word[12];
    } longer;

    SECTION("processes");
    CALL(syscall(SYS_clone, CLONE_THREAD | SIGCHLD, 0, 0, 0, 0));
    CALL(syscall(SYS_clone, CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0));
    CALL(syscall(SYS_clone, CLONE_THREAD | CLONE_SIGHAND, 0, 0, 0, 0));
    CALL(syscall(SYS_clone, CLONE_NEWNS | CLONE_FS | SIGCHLD, 0, 0, 0, 0));
    CALL(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0, buffer, 0, 0));
    CALL(syscall(SYS_clone, CLONE_SETTLS | SIGCHLD, 0, 0, 0, 1ul << 47));
    CALL(syscall(SYS_clone3, clone_args, 63));
    CALL(syscall(SYS_clone3, clone_args, 4097));
    memset(&longer, 0, sizeof(longer));
    longer.word[11] = 1;
    CALL(syscall(SYS_clone3, &longer, sizeof(longer)));
    clone_args[0] = 1ull << 40;
    CALL(syscall(SYS_clone3, clone_args, 88));
    clone_args[0] = CLONE_DETACHED;
    CALL(syscall(SYS_clone3, clone_args, 88));
    clone_args[0] = SIGCHLD;
    CALL(syscall(SYS_clone3, clone_args, 88));
    clone_args[0] = 0;
    clone_args[4] = 65;
    CALL(syscall(SYS_clone3, clone_args, 88));
    clone_args[0] = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;
    clone_args[4] = SIGCHLD;
    CALL(syscall(SYS_clone3, clone_args, 88));
    clone_args[0] = CLONE_SIGHAND | CLONE_VM | CLONE_CLEAR_SIGHAND;
    clone_args[4] = 0;
    CALL(syscall(SYS_clone3, clone_args, 88));
    clone_args[0] = 0;
    clone_args[5] = 4096;
    CALL(syscall(SYS_clone3, clone_args, 88));
    clone_args[5] = 0;
    clone_args[6] = 4096;
    CALL(syscall(SYS_clone3, clone_args, 88));
    clone_args[6] = 0;
    CALL(syscall(SYS_wait4, -1, 0, 0, 0));
    CALL(syscall(SYS_wait4, getpid(), 0, 0, 0));
    CALL(syscall(SYS_wait4, 0, 0, 0, 0));
    CALL(syscall(SYS_wait4, -77777, 0, 0, 0));
    CALL(syscall(SYS_wait4, -1, 0, 0x100, 0));
    CALL(syscall(SYS_wait4, (int)0x80000000, 0, 0, 0));
    CALL(syscall(SYS_waitid, P_ALL, 0, 0, 0, 0));
    CALL(syscall(SYS_waitid, P_ALL, 0, 0, WNOHANG, 0));
    CALL(syscall(SYS_waitid, 9, 0, 0, WEXITED, 0));
    CALL(syscall(SYS_waitid, P_PID, 0, 0, WEXITED, 0));
    CALL(syscall(SYS_waitid, P_PID, -1, 0, WEXITED, 0));
    CALL(syscall(SYS_waitid, P_PGID, -1, 0, WEXITED, 0));
    CALL(syscall(SYS_waitid, P_PIDFD, -1, 0, WEXITED, 0));
    CALL(syscall(SYS_waitid, P_PIDFD, 0, 0, WEXITED, 0));
    CALL(syscall(SYS_waitid, P_ALL, 0, 0, WEXITED, 0));
    CALL(setpgid(-1, 0));
    CALL(setpgid(0, -1));
    CALL(setpgid(0x7fffffff, 0));
    CALL(setpgid(getppid(), 0));
    CALL(getpgid(-1));
    CALL(getpgid(0x7fffffff));
    CALL(getsid(-1));
    CALL(syscall(SYS_execveat, -100, "", strings, strings, 0));
    CALL(syscall(SYS_execveat, 777, "x", strings, strings, 0));
    CALL(syscall(SYS_execveat, -100, program, strings, strings, 1));
    CALL(execve("/", strings, strings));
    CALL(execve("", strings, strings));
    CALL(execve("/dev/null", strings, strings));
    CALL(execve("/proc/self/exe/x", strings, strings));
    CALL(syscall(SYS_prlimit64, 0, 16, 0, 0));
    CALL(syscall(SYS_prlimit64, 0x7fffffff, 0, 0, 0));
    CALL(syscall(SYS_setrlimit, RLIMIT_CORE, (&(struct rlimit){2, 1})));
    CALL(syscall(SYS_getrlimit, 16, buffer));
    CALL(syscall(SYS_getrlimit, -1, buffer));
    CALL(getrusage(2, (void *)buffer));
    CALL(getrusage(-2, (void *)buffer));
    CALL(syscall(SYS_getpriority, 3, 0));
    CALL(syscall(SYS_getpriority, PRIO_PROCESS, 0x7fffffff));
    CALL(syscall(SYS_setpriority, 3, 0, 0));
    CALL(syscall(SYS_setpriority, PRIO_PROCESS, 0x7fffffff, 0));
    CALL(syscall(SYS_sched_getscheduler, -1));
    CALL(syscall(SYS_sched_getscheduler, 0x7fffffff));
    CALL(syscall(SYS_sched_setscheduler, 0, 99, &param));
    CALL(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, 0));
    CALL(syscall(SYS_sched_setscheduler, -1, SCHED_OTHER, &param));
    CALL(syscall(SYS_sched_get_priority_max, 99));
    CALL(syscall(SYS_sched_get_priority_max, SCHED_FIFO));
    CALL(syscall(SYS_sched_get_priority_min, SCHED_OTHER));
    CALL(syscall(SYS_sched_getaffinity, 0, 0, buffer));
    CALL(syscall(SYS_sched_getaffinity, 0, 7, buffer));
    CALL(syscall(SYS_sched_getaffinity, 0x7fffffff, 128, buffer));
    CALL(syscall(SYS_getgroups, -1, buffer));
    CALL(syscall(SYS_setgroups, -1, buffer));
    CALL(syscall(SYS_setgroups, 70000, buffer));
    CALL(syscall(SYS_setuid, -1));
    CALL(syscall(SYS_setgid, -1));
    CALL(syscall(SYS_sethostname, "x", -1));
    CALL(syscall(SYS_sethostname, buffer, 65));
    CALL(syscall(SYS_reboot, 1, 2, 3, 4));
    CALL(syscall(SYS_syslog, 3, 0, 100));
    CALL(syscall(SYS_syslog, 3, KERNEL_ADDR, 100));
    CALL(syscall(SYS_syslog, 3, buffer, -1));
    CALL(prctl(9999, 0, 0, 0, 0));
    CALL(prctl(PR_SET_PDEATHSIG, 65, 0, 0, 0));
    CALL(prctl(PR_SET_DUMPABLE, 2, 0, 0, 0));
    CALL(prctl(PR_SET_KEEPCAPS, 2, 0, 0, 0));
    CALL(prctl(PR_SET_NO_NEW_PRIVS, 2, 0, 0, 0));
    CALL(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0));
    CALL(prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0));
    CALL(prctl(PR_CAPBSET_READ, 99, 0, 0, 0));
    CALL(prctl(PR_CAP_AMBIENT, 99, 0, 0, 0));
    CALL(syscall(SYS_arch_prctl, 9, 0));
    CALL(syscall(SYS_arch_prctl, 0x1002, 1ul << 47));
    CALL(syscall(SYS_restart_syscall));
    CALL(syscall(999));
    CALL(syscall(-1));
    CALL(syscall(0x40000000 | SYS_getpid));
}

static void bad_times(void)
{
    static struct timespec late = {0, 1000000000}, negative = {-1, 0};

    SECTION("times");
    CALL(syscall(SYS_nanosleep, &late, 0));
    CALL(syscall(SYS_nanosleep, &negative, 0));
    CALL(syscall(SYS_clock_nanosleep, 99, 0, &zero, 0));
    CALL(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &zero, 0));
    CALL(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC_COARSE, 0, &zero, 0));
    CALL(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &late, 0));
    CALL(syscall(SYS_clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &negative, 0));
    CALL(syscall(SYS_clock_gettime, 99, buffer));
    CALL(syscall(SYS_clock_gettime, -1, buffer));
    CALL(syscall(SYS_clock_settime, CLOCK_MONOTONIC, &zero));
    CALL(syscall(SYS_clock_getres, 99, 0));
    CALL(syscall(SYS_clock_getres, CLOCK_REALTIME, 0));
    CALL(syscall(SYS_setitimer, 3, &no_interval, 0));
    no_interval.it_value.tv_usec = 1000000;
    CALL(syscall(SYS_setitimer, ITIMER_REAL, &no_interval, 0));
    no_interval.it_value.tv_usec = 0;
    CALL(syscall(SYS_getitimer, 3, buffer));
    CALL(syscall(SYS_timer_create, 99, &event, buffer));
    event.sigev_notify = 9;
    CALL(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, buffer));
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = 65;
    CALL(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, buffer));
    CALL(syscall(SYS_timer_delete, 777));
    CALL(syscall(SYS_timer_getoverrun, 777));
    CALL(syscall(SYS_timer_gettime, 777, buffer));
    CALL(syscall(SYS_timer_settime, 777, 0, &no_spec, 0));
    CALL(syscall(SYS_futex, (char *)&word + 1, FUTEX_WAIT, 1, 0, 0, 0));
    CALL(syscall(SYS_futex, (char *)&word + 1, FUTEX_WAKE, 1, 0, 0, 0));
    CALL(syscall(SYS_futex, &word, FUTEX_WAIT, 0, 0, 0, 0));
    CALL(syscall(SYS_futex, &word, FUTEX_WAIT, 1, &zero, 0, 0));
    CALL(syscall(SYS_futex, &word, FUTEX_WAIT, 1, &late, 0, 0));
    CALL(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 1, 0, 0, 0));
    CALL(syscall(SYS_futex, &word, FUTEX_WAKE_BITSET, 1, 0, 0, 0));
    CALL(syscall(SYS_futex, &word, FUTEX_CMP_REQUEUE, 1, 1, &word, 2));
    CALL(syscall(SYS_futex, &word, 99, 0, 0, 0, 0));
    CALL(syscall(SYS_set_robust_list, 0, 23));
    CALL(syscall(SYS_get_robust_list, 0x7fffffff, buffer, buffer));
    CALL(syscall(SYS_getrandom, buffer, 16, 0x80));
}

/* The C library has registered a structure of its own. */
static void unregister_rseq(void)
{
    (void)syscall(SYS_rseq, (char *)__builtin_thread_pointer() + __rseq_offset, 32, RSEQ_FLAG_UNREGISTER,
                  RSEQ_SIG);
}

int main(void)
{
    int fd;

    if (unshare(CLONE_NEWUTS) < 0)
        return 1; /* names are given to it here */
    args_init();
    unregister_rseq();
    fd = creat(program, 0700);
    if (write(fd, program, sizeof(program)) < 0 || close(fd) < 0)
        return 1;
    args_try_rows(rows, ARRAY_LEN(rows));
    bad_signals();
    bad_processes();
    bad_times();
    return args_fini();
}
