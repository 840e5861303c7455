/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals as programs use them: handlers and their frames, masks, alternate
 * stacks, restarted and interrupted calls, queued signals, faults, and what a
 * hostile frame for sigreturn leads to.
 */
#include "abi.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>

static volatile sig_atomic_t count;
static volatile int last_sig, last_code, last_value, on_altstack;
static sigjmp_buf jump;
static char altstack[65536];

static void on_signal(int sig, siginfo_t *info, void *context)
{
    char here;

    (void)context;
    count++;
    last_sig = sig;
    last_code = info->si_code;
    last_value = info->si_value.sival_int;
    on_altstack = &here >= altstack && &here < altstack + sizeof(altstack);
}

static void handle(int sig, int flags)
{
    struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = flags | SA_SIGINFO};

    sigaction(sig, &sa, NULL);
}

static void report(const char *what)
{
    printf("%s: count %d signal %d code %d altstack %d\n", what, (int)count, last_sig, last_code, on_altstack);
    fflush(stdout);
    count = last_sig = last_code = 0;
}

static void simple(void)
{
    sigset_t set, old;

    SECTION("simple");
    handle(SIGUSR1, 0);
    raise(SIGUSR1);
    report("raise");
    kill(getpid(), SIGUSR1);
    report("kill");
    sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 42});
    printf("value %d\n", last_value);
    report("sigqueue");

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, &old);
    raise(SIGUSR1);
    raise(SIGUSR1);
    report("blocked");
    sigpending(&set);
    printf("pending %d\n", sigismember(&set, SIGUSR1));
    sigprocmask(SIG_SETMASK, &old, NULL);
    report("unblocked once");

    handle(SIGRTMIN, 0);
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (int i = 0; i < 3; i++)
        sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i});
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    printf("last value %d\n", last_value);
    report("real-time: each");

    signal(SIGUSR1, SIG_IGN);
    raise(SIGUSR1);
    report("ignored");
    handle(SIGUSR1, SA_RESETHAND);
    raise(SIGUSR1);
    report("once");
    sigaction(SIGUSR1, NULL, &(struct sigaction){0});
    printf("reset to default: %d\n", signal(SIGUSR1, SIG_IGN) == SIG_DFL);

    sigprocmask(SIG_BLOCK, &set, NULL);
    sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 7});
    siginfo_t info;
    printf("sigwaitinfo %d", sigwaitinfo(&set, &info) == SIGRTMIN);
    printf(" value %d code %d\n", info.si_value.sival_int, info.si_code);
    CALL(sigtimedwait(&set, &info, &(struct timespec){0, 1000000}));
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void masks_in_handlers(int sig)
{
    sigset_t set;

    (void)sig;
    sigprocmask(SIG_BLOCK, NULL, &set);
    printf("in handler: USR1 %d USR2 %d TERM %d KILL %d\n", sigismember(&set, SIGUSR1),
           sigismember(&set, SIGUSR2), sigismember(&set, SIGTERM), sigismember(&set, SIGKILL));
}

static void masks(void)
{
    struct sigaction sa = {.sa_handler = masks_in_handlers};
    sigset_t set;

    SECTION("masks");
    sigaddset(&sa.sa_mask, SIGTERM);
    sigaddset(&sa.sa_mask, SIGKILL);
    sigaction(SIGUSR1, &sa, NULL);
    raise(SIGUSR1);
    sa.sa_flags = SA_NODEFER;
    sigaction(SIGUSR1, &sa, NULL);
    raise(SIGUSR1);
    sigprocmask(SIG_BLOCK, NULL, &set);
    printf("after: USR1 %d TERM %d\n", sigismember(&set, SIGUSR1), sigismember(&set, SIGTERM));
    sigaction(SIGUSR1, NULL, &sa);
    printf("mask kept: TERM %d KILL %d flags %x\n", sigismember(&sa.sa_mask, SIGTERM),
           sigismember(&sa.sa_mask, SIGKILL), (unsigned)sa.sa_flags & ~0x04000000u);

    handle(SIGUSR1, 0);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR1);
    sigemptyset(&set);
    CALL(sigsuspend(&set));
    report("sigsuspend");
    sigprocmask(SIG_BLOCK, NULL, &set);
    printf("blocked again: %d\n", sigismember(&set, SIGUSR1));
    raise(SIGUSR1);
    sigemptyset(&set);
    CALL(ppoll(NULL, 0, NULL, &set));
    report("ppoll");
    CALL(ppoll(NULL, 0, &(struct timespec){0, 1000}, &set));
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void alternate(void)
{
    stack_t ss = {.ss_sp = altstack, .ss_size = sizeof(altstack)}, old;

    SECTION("alternate stack");
    CALL(sigaltstack(&ss, NULL));
    handle(SIGUSR1, SA_ONSTACK);
    raise(SIGUSR1);
    report("on it");
    handle(SIGUSR1, 0);
    raise(SIGUSR1);
    report("not on it");
    CALL(sigaltstack(NULL, &old));
    printf("flags %d size %zu\n", old.ss_flags, old.ss_size);
    ss.ss_flags = SS_DISABLE;
    CALL(sigaltstack(&ss, &old));
    CALL(sigaltstack(NULL, &old));
    printf("flags %d\n", old.ss_flags);
}

static void nothing(int sig)
{
    (void)sig;
    count++;
}

/* A child sends SIGUSR1 when its parent sleeps, and writes to the pipe when it sleeps again. */
static pid_t disturb(int fd)
{
    pid_t parent = getpid(), pid = fork();

    if (pid == 0) {
        await_sleep(parent);
        kill(parent, SIGUSR1);
        await_sleep(parent);
        if (fd >= 0 && write(fd, "x", 1) != 1)
            _exit(1);
        _exit(0);
    }
    return pid;
}

static void restarts(void)
{
    struct sigaction sa = {.sa_handler = nothing};
    struct timespec long_time = {100, 0}, rem = {999, 9};
    int fds[2];
    char c;

    SECTION("restarts");
    if (pipe(fds) < 0)
        return;
    sigaction(SIGUSR1, &sa, NULL);
    disturb(fds[1]);
    CALL(read(fds[0], &c, 1));
    CALL(wait(NULL) > 0);
    CALL(read(fds[0], &c, 1));
    sa.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &sa, NULL);
    disturb(fds[1]);
    CALL(read(fds[0], &c, 1));
    CALL(wait(NULL) > 0);
    disturb(-1);
    CALL(nanosleep(&long_time, &rem));
    printf("remaining: %d\n", rem.tv_sec >= 50 && rem.tv_sec < 100);
    CALL(wait(NULL) > 0);
    disturb(-1);
    CALL(pause());
    CALL(wait(NULL) > 0);
    disturb(-1);
    CALL(poll(NULL, 0, 5000));
    CALL(wait(NULL) > 0);
    sa.sa_handler = SIG_IGN;
    sigaction(SIGUSR1, &sa, NULL);
    disturb(fds[1]);
    CALL(read(fds[0], &c, 1));
    CALL(wait(NULL) > 0);
    close(fds[0]);
    close(fds[1]);
}

/* ---- faults --------------------------------------------------------------------------------- */

static void on_fault(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;

    printf("fault: signal %d code %d trap %lld error %lld addr %lx\n", sig, info->si_code,
           uc->uc_mcontext.gregs[REG_TRAPNO],
           uc->uc_mcontext.gregs[REG_TRAPNO] == 14 ? uc->uc_mcontext.gregs[REG_ERR] & ~1 : 0,
           sig == SIGSEGV && info->si_code > 0 && (unsigned long)info->si_addr < 4096
               ? (unsigned long)info->si_addr : 0);
    fflush(stdout);
    siglongjmp(jump, 1);
}

static void faults(void)
{
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    char *page = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fd = memfd_create("short", 0);
    volatile char *mapped;

    SECTION("faults");
    sigaction(SIGSEGV, &sa, NULL);
    sigaction(SIGBUS, &sa, NULL);
    sigaction(SIGFPE, &sa, NULL);
    sigaction(SIGILL, &sa, NULL);
    sigaction(SIGTRAP, &sa, NULL);
    if (sigsetjmp(jump, 1) == 0)
        *(volatile char *)BAD_ADDR = 1;
    if (sigsetjmp(jump, 1) == 0)
        *(volatile char *)page = 1;
    if (sigsetjmp(jump, 1) == 0)
        ((void (*)(void))page)();
    if (sigsetjmp(jump, 1) == 0)
        *(volatile char *)KERNEL_ADDR = 1;
    if (sigsetjmp(jump, 1) == 0)
        *(volatile char *)0x800000000000ul = 1;
    if (sigsetjmp(jump, 1) == 0)
        __asm__ volatile("xor %%edx, %%edx; xor %%ecx, %%ecx; div %%ecx" : : : "rax", "rdx", "rcx");
    if (sigsetjmp(jump, 1) == 0)
        __asm__ volatile("ud2");
    if (sigsetjmp(jump, 1) == 0)
        __asm__ volatile("int3");
    if (sigsetjmp(jump, 1) == 0)
        __asm__ volatile("hlt");
    if (sigsetjmp(jump, 1) == 0)
        __asm__ volatile("int $0x90");
    mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (sigsetjmp(jump, 1) == 0)
        *mapped = 1;
    close(fd);
}

/* ---- frames ------------------------------------------------------------------------------------ */

static volatile int tamper;
enum { KEEP, BAD_RIP, KERNEL_RIP, BAD_CS, BAD_SS, BAD_FLAGS, BAD_FPU, BAD_FPSTATE, BAD_STACK, BAD_MASK };

static void on_tamper(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;

    (void)sig;
    (void)info;
    switch (tamper) {
    case BAD_RIP:
        uc->uc_mcontext.gregs[REG_RIP] = 0x800000000000l;
        break;
    case KERNEL_RIP:
        uc->uc_mcontext.gregs[REG_RIP] = (long)0xffffffff80000000ul;
        break;
    case BAD_CS:
        uc->uc_mcontext.gregs[REG_CSGSFS] = (uc->uc_mcontext.gregs[REG_CSGSFS] & ~0xffffl) | 0x8;
        break;
    case BAD_FLAGS:
        uc->uc_mcontext.gregs[REG_EFL] |= 0x3000 | 0x4000 | 0x20000 | 0x100000; /* IOPL, NT, VM, VIP */
        break;
    case BAD_FPU:
        uc->uc_mcontext.fpregs->mxcsr = 0xffffffff;
        break;
    case BAD_FPSTATE:
        uc->uc_mcontext.fpregs = KERNEL_ADDR;
        break;
    case BAD_STACK:
        uc->uc_stack.ss_flags = 99;
        break;
    case BAD_MASK:
        memset(&uc->uc_sigmask, 0xff, 8);
        break;
    }
}

static void frame_case(const char *name, int how)
{
    pid_t pid;
    int status;

    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        struct sigaction sa = {.sa_sigaction = on_tamper, .sa_flags = SA_SIGINFO};
        unsigned long flags;
        sigset_t set;

        signal(SIGSEGV, SIG_DFL);
        tamper = how;
        sigaction(SIGUSR1, &sa, NULL);
        raise(SIGUSR1);
        __asm__ volatile("pushfq; pop %0" : "=r"(flags));
        sigprocmask(SIG_BLOCK, NULL, &set);
        printf("survived, IOPL %lu NT %lu, KILL blocked %d\n", flags >> 12 & 3, flags >> 14 & 1,
               sigismember(&set, SIGKILL));
        fflush(stdout);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    printf("%s: signal %d status %d\n", name, WTERMSIG(status), WEXITSTATUS(status));
}

/* rt_sigreturn with the stack pointer wherever it is. */
static void wild_sigreturn(const char *name, unsigned long sp)
{
    pid_t pid;
    int status;

    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        signal(SIGSEGV, SIG_DFL);
        __asm__ volatile("mov %0, %%rsp; mov $15, %%eax; syscall" : : "r"(sp) : "memory");
        _exit(0);
    }
    waitpid(pid, &status, 0);
    printf("%s: signal %d\n", name, WTERMSIG(status));
}

static void frames(void)
{
    static char zeros[4096];
    double x = 1.5;
    long values[6] = {0};

    SECTION("frames");
    handle(SIGUSR1, 0);
    /* Registers and floating point are as before after a handler. */
    __asm__ volatile("mov $0x1111, %%r12; mov $0x2222, %%r13; mov $0x3333, %%rbx; movq %6, %%xmm7\n\t"
                     "mov $39, %%eax; syscall; mov %%eax, %%edi; mov $10, %%esi; mov $62, %%eax; syscall\n\t"
                     "mov %%r12, %0; mov %%r13, %1; mov %%rbx, %2; movq %%xmm7, %3; mov %%rax, %4; mov %%rdi, %5"
                     : "=m"(values[0]), "=m"(values[1]), "=m"(values[2]), "=m"(values[3]), "=m"(values[4]),
                       "=m"(values[5])
                     : "r"(*(long *)&x)
                     : "rax", "rbx", "rcx", "r11", "r12", "r13", "rdi", "rsi", "xmm7", "memory");
    printf("registers %lx %lx %lx %lx %lx %d\n", values[0], values[1], values[2], values[3], values[4],
           values[5] == getpid());
    report("handler in between");
    frame_case("kept", KEEP);
    frame_case("rip not canonical", BAD_RIP);
    frame_case("rip in the kernel", KERNEL_RIP);
    frame_case("cs of the kernel", BAD_CS);
    frame_case("flags", BAD_FLAGS);
    frame_case("mxcsr", BAD_FPU);
    frame_case("fpstate in the kernel", BAD_FPSTATE);
    frame_case("stack flags", BAD_STACK);
    frame_case("mask", BAD_MASK);
    wild_sigreturn("sigreturn from zeros", (unsigned long)zeros + 1024);
    wild_sigreturn("sigreturn from nowhere", 8);
    wild_sigreturn("sigreturn from the kernel", 0xffffffff80000000ul);
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    simple();
    masks();
    alternate();
    restarts();
    faults();
    frames();
    return 0;
}
