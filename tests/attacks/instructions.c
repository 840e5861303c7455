/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instructions that only the kernel may execute, memory that must not be executed
 * or written, and signal frames that ask for more than a program may have. Each is
 * tried in a process of its own, which ends by printing the signal it gets: number,
 * si_code, where (an address of the program by name), trap number and error code.
 */
#include "attack.h"

#include <asm/ldt.h>
#include <asm/prctl.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>

/* Registers of an attempt, for what a handler prints. */
static char *page; /* read, write, no execute; its first byte is RET */
static char alternate[65536];
static const char read_only[16] = {1};

#define KERNEL_TEXT   0xffffffff80001000ul
#define DIRECT_MAP    0xffff800000100000ul
#define NOT_CANONICAL 0x4141414141414141ul
#define USER_MAX      0x7ffffffff000ul

/* ---- what is attempted ------------------------------------------------------ */

#define INSTRUCTION(name, text, ...)                                                               \
    static void name(void)                                                                         \
    {                                                                                              \
        asm volatile(text ::__VA_ARGS__ : "memory");                                               \
    }

INSTRUCTION(i_cli, "cli")
INSTRUCTION(i_sti, "sti")
INSTRUCTION(i_hlt, "hlt")
INSTRUCTION(i_lgdt, "lgdt (%0)", "r"(page))
INSTRUCTION(i_lidt, "lidt (%0)", "r"(page))
INSTRUCTION(i_lldt, "lldt %w0", "r"(0))
INSTRUCTION(i_ltr, "ltr %w0", "r"(0x40))
INSTRUCTION(i_lmsw, "lmsw %w0", "r"(0))
INSTRUCTION(i_clts, "clts")
INSTRUCTION(i_read_cr0, "mov %%cr0, %%rax", "a"(0))
INSTRUCTION(i_read_cr3, "mov %%cr3, %%rax", "a"(0))
INSTRUCTION(i_write_cr0, "mov %0, %%cr0", "r"(0ul))
INSTRUCTION(i_write_cr3, "mov %0, %%cr3", "r"(0ul))
INSTRUCTION(i_write_cr4, "mov %0, %%cr4", "r"(0ul))
INSTRUCTION(i_write_cr8, "mov %0, %%cr8", "r"(15ul))
INSTRUCTION(i_read_dr7, "mov %%dr7, %%rax", "a"(0))
INSTRUCTION(i_write_dr7, "mov %0, %%dr7", "r"(0x400ul))
INSTRUCTION(i_rdmsr, "rdmsr", "c"(0xc0000080))
INSTRUCTION(i_wrmsr, "wrmsr", "c"(0xc0000082), "a"(0), "d"(0))
INSTRUCTION(i_rdpmc, "rdpmc", "c"(0))
INSTRUCTION(i_xsetbv, "xsetbv", "c"(0), "a"(1), "d"(0))
INSTRUCTION(i_invlpg, "invlpg (%0)", "r"(page))
INSTRUCTION(i_wbinvd, "wbinvd")
INSTRUCTION(i_invd, "invd")
INSTRUCTION(i_swapgs, "swapgs")
INSTRUCTION(i_sysret, "sysretq", "c"(page))
INSTRUCTION(i_sysexit, "sysexit", "c"(0), "d"(0))
INSTRUCTION(i_iretq_kernel, "pushq $0x10; pushq $0; pushfq; pushq $0x08; pushq $0; iretq", "i"(0))
INSTRUCTION(i_lret_kernel, "pushq $0x08; pushq $0; lretq", "i"(0))
INSTRUCTION(i_in, "in $0x80, %%al", "a"(0))
INSTRUCTION(i_out, "out %%al, $0x80", "a"('!')) /* not 0xe9: the test's own output goes there */
INSTRUCTION(i_out_dx, "out %%al, %%dx", "a"(0xfe), "d"(0x64))
INSTRUCTION(i_insb, "rep insb", "D"(page), "c"(1), "d"(0x3f8))
INSTRUCTION(i_outsb, "rep outsb", "S"(page), "c"(1), "d"(0x3f8))
INSTRUCTION(i_vmrun, "vmrun", "a"(0x1000))
INSTRUCTION(i_vmload, "vmload", "a"(0x1000))
INSTRUCTION(i_stgi, "stgi")
INSTRUCTION(i_clgi, "clgi")
INSTRUCTION(i_vmxon, "vmxon (%0)", "r"(page))
INSTRUCTION(i_vmptrld, "vmptrld (%0)", "r"(page))
INSTRUCTION(i_vmlaunch, "vmlaunch")
INSTRUCTION(i_ud2, "ud2")
INSTRUCTION(i_int3, "int3")
INSTRUCTION(i_int0, "int $0x00")
INSTRUCTION(i_int1, "int $0x01")
INSTRUCTION(i_int2, "int $0x02")
INSTRUCTION(i_int8, "int $0x08")
INSTRUCTION(i_int13, "int $0x0d")
INSTRUCTION(i_int14, "int $0x0e")
INSTRUCTION(i_int18, "int $0x12")
INSTRUCTION(i_int32, "int $0x20")
INSTRUCTION(i_int81, "int $0x81")
INSTRUCTION(i_int240, "int $0xf0")
INSTRUCTION(i_int255, "int $0xff")
INSTRUCTION(i_divide, "div %0", "r"(0ul), "a"(1), "d"(0))
INSTRUCTION(i_step, "pushfq; orl $0x100, (%%rsp); popfq; nop", "i"(0))
INSTRUCTION(i_align, "pushfq; orl $0x40000, (%%rsp); popfq; movl 1(%0), %%eax", "r"(page))
INSTRUCTION(i_read_kernel, "cmpb $0, (%0)", "r"(KERNEL_TEXT))
INSTRUCTION(i_read_direct_map, "cmpb $0, (%0)", "r"(DIRECT_MAP))
INSTRUCTION(i_write_kernel, "movl $0, (%0)", "r"(KERNEL_TEXT))
INSTRUCTION(i_write_direct_map, "movl $0, (%0)", "r"(DIRECT_MAP))
INSTRUCTION(i_read_user_max, "cmpb $0, (%0)", "r"(USER_MAX))
INSTRUCTION(i_read_not_canonical, "cmpb $0, (%0)", "r"(NOT_CANONICAL))
INSTRUCTION(i_read_null, "cmpb $0, (%0)", "r"(0ul))
INSTRUCTION(i_stack_kernel, "mov %0, %%rsp; push %%rax", "r"(DIRECT_MAP))
INSTRUCTION(i_stack_not_canonical, "mov %0, %%rsp; push %%rax", "r"(NOT_CANONICAL))
INSTRUCTION(i_jump_kernel, "jmp *%0", "r"(KERNEL_TEXT))
INSTRUCTION(i_jump_direct_map, "jmp *%0", "r"(DIRECT_MAP))
INSTRUCTION(i_jump_user_max, "jmp *%0", "r"(USER_MAX))
INSTRUCTION(i_jump_not_canonical, "jmp *%0", "r"(NOT_CANONICAL))
INSTRUCTION(i_jump_heap, "jmp *%0", "r"(page))
INSTRUCTION(i_fs_not_canonical, "wrfsbase %0", "r"(NOT_CANONICAL))
INSTRUCTION(i_gs_kernel, "wrgsbase %0; cmpb $0, %%gs:0", "r"(DIRECT_MAP))
INSTRUCTION(i_load_ss, "mov %w0, %%ss", "r"(0x10))
INSTRUCTION(i_load_ds_kernel, "mov %w0, %%ds", "r"(0x10))
INSTRUCTION(i_load_tss, "mov %w0, %%ds", "r"(0x40))
INSTRUCTION(i_clear_access, "clac")
INSTRUCTION(i_set_access, "stac")
INSTRUCTION(i_sgdt, "sgdt (%0)", "r"(page))
INSTRUCTION(i_str, "str %%eax", "a"(0))
INSTRUCTION(i_smsw, "smsw %%eax", "a"(0))

static void popf_iopl(void)
{
    uint64_t flags = 0;

    /* Not a fault: the bits are just not taken. */
    asm volatile("pushfq; orq $0x3000, (%%rsp); andq $~0x200, (%%rsp); popfq; pushfq; popq %0" : "=r"(flags)::"memory");
    printf("iopl %u, interrupts %s, ", (unsigned)(flags >> 12 & 3), flags & 0x200 ? "on" : "off");
}

static void execute_stack(void)
{
    volatile char code[16];

    code[0] = (char)0xc3;
    ((void (*)(void))(uintptr_t)code)();
}

static void write_text(void)
{
    *(volatile char *)(uintptr_t)execute_stack = 0;
}

static void write_constant(void)
{
    *(volatile char *)(uintptr_t)read_only = 0;
}

/* System calls with registers as no library sets them. */
static long raw_call(uint64_t flags, uint64_t rsp)
{
    long result = SYS_getppid;

    asm volatile("mov %%rsp, %%r12\n\t"
                 "push %1\n\t"
                 "test %2, %2\n\t"
                 "jz 1f\n\t"
                 "popfq\n\t"
                 "mov %2, %%rsp\n\t"
                 "syscall\n\t"
                 "jmp 2f\n"
                 "1: popfq\n\t"
                 "syscall\n"
                 "2: mov %%r12, %%rsp\n\t"
                 "pushq $0x202\n\t"
                 "popfq\n\t"
                 "cld"
                 : "+a"(result)
                 : "r"(flags), "r"(rsp)
                 : "rcx", "r11", "r12", "memory", "cc");
    return result;
}

static void show_call(long result)
{
    printf("%s, ", result == getppid() ? "returns" : "wrong result");
}

#define FLAGS_CALL(name, flags, rsp)                                                               \
    static void name(void)                                                                         \
    {                                                                                              \
        show_call(raw_call(flags, rsp));                                                           \
    }
FLAGS_CALL(call_trap_flag, 0x302, 0)
FLAGS_CALL(call_nested_task, 0x4202, 0)
FLAGS_CALL(call_alignment, 0x40202, 0)
FLAGS_CALL(call_direction, 0x602, 0)
FLAGS_CALL(call_kernel_stack, 0x202, DIRECT_MAP)
FLAGS_CALL(call_no_stack, 0x202, 8)
FLAGS_CALL(call_not_canonical_stack, 0x202, NOT_CANONICAL)

/* The last instruction of user memory: the address it would return to is not canonical. */
static void call_at_the_end(void)
{
    char *end = mmap((void *)0x7fffffffe000, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

    if (end == MAP_FAILED) {
        printf("no such page, ");
        return;
    }
    memcpy(end + PAGE - 2, "\x0f\x05", 2); /* syscall */
    asm volatile("jmp *%0" ::"r"(end + PAGE - 2), "a"(SYS_getpid) : "rcx", "r11", "memory");
}

static void map_the_last_page(void)
{
    void *p = mmap((void *)USER_MAX, PAGE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

    printf("%s, ", p == MAP_FAILED ? error_name(errno) : "mapped");
}

/* Through a call gate or with a data segment of its own making. */
static void call_32_bit(void)
{
    long result = -1;

    asm volatile("int $0x80" : "=a"(result) : "a"(20 /* getpid */), "b"(0) : "r8", "r9", "r10", "r11", "memory");
    printf("%s, ", result == getpid() ? "returns" : "wrong result");
}

static void base_of_gs(void)
{
    long r = syscall(SYS_arch_prctl, ARCH_SET_GS, DIRECT_MAP);

    printf("%s, ", outcome(r));
    r = syscall(SYS_arch_prctl, ARCH_SET_FS, NOT_CANONICAL);
    printf("%s, ", outcome(r));
}

/* ---- tampered signal frames ------------------------------------------------- */

static void (*tamper)(ucontext_t *);

static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)info;
    tamper(context);
}

#define TAMPER(name, statement)                                                                    \
    static void name##_tamper(ucontext_t *u)                                                       \
    {                                                                                              \
        greg_t *r = u->uc_mcontext.gregs;                                                          \
        (void)r;                                                                                   \
        statement;                                                                                 \
    }                                                                                              \
    static void name(void)                                                                         \
    {                                                                                              \
        struct sigaction act = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};   \
        tamper = name##_tamper;                                                                    \
        sigaction(SIGUSR1, &act, NULL);                                                            \
        raise(SIGUSR1);                                                                            \
        after_signal();                                                                            \
    }

/* Flags and segments that the frame could not smuggle in. */
static void after_signal(void)
{
    uint64_t flags;
    uint16_t cs, ss;

    asm volatile("pushfq; popq %0; mov %%cs, %1; mov %%ss, %2" : "=r"(flags), "=r"(cs), "=r"(ss));
    printf("iopl %u, interrupts %s, ring %u %u, ", (unsigned)(flags >> 12 & 3), flags & 0x200 ? "on" : "off",
           cs & 3u, ss & 3u);
}

#define SEGMENTS(r, cs, ss) ((r)[REG_CSGSFS] = (greg_t)((uint64_t)(cs) | (uint64_t)(ss) << 48))
#define CS(r)               ((uint16_t)(r)[REG_CSGSFS])
#define SS(r)               ((uint16_t)((uint64_t)(r)[REG_CSGSFS] >> 48))

TAMPER(frame_rip_kernel, r[REG_RIP] = (greg_t)KERNEL_TEXT)
TAMPER(frame_rip_not_canonical, r[REG_RIP] = (greg_t)NOT_CANONICAL)
TAMPER(frame_rip_hole, r[REG_RIP] = 0x800000000000)
TAMPER(frame_rsp_kernel, (r[REG_RIP] = (greg_t)(uintptr_t)i_sti, r[REG_RSP] = (greg_t)DIRECT_MAP))
TAMPER(frame_rsp_not_canonical, (r[REG_RIP] = (greg_t)(uintptr_t)i_cli, r[REG_RSP] = (greg_t)NOT_CANONICAL))
TAMPER(frame_iopl, r[REG_EFL] |= 0x3000)
TAMPER(frame_no_interrupts, r[REG_EFL] &= ~0x200)
TAMPER(frame_nested, r[REG_EFL] |= 0x4000)
TAMPER(frame_vm86, r[REG_EFL] |= 0x20000)
TAMPER(frame_all_flags, r[REG_EFL] = (greg_t)0xfffffffffffffaff)
TAMPER(frame_cs_kernel_0x10, SEGMENTS(r, 0x10, 0x18)) /* Linux's */
TAMPER(frame_cs_kernel_0x08, SEGMENTS(r, 0x08, 0x10)) /* Bulkhead's */
TAMPER(frame_cs_zero, SEGMENTS(r, 0, SS(r)))
TAMPER(frame_cs_tss, SEGMENTS(r, 0x40, SS(r)))
TAMPER(frame_cs_ldt, SEGMENTS(r, 0x0f, SS(r)))
TAMPER(frame_cs_data, SEGMENTS(r, SS(r), SS(r)))
TAMPER(frame_ss_zero, SEGMENTS(r, CS(r), 0))
TAMPER(frame_ss_code, SEGMENTS(r, CS(r), CS(r)))
TAMPER(frame_ss_garbage, SEGMENTS(r, CS(r), 0xffff))
TAMPER(frame_fpu_kernel, u->uc_mcontext.fpregs = (void *)DIRECT_MAP)
TAMPER(frame_fpu_not_canonical, u->uc_mcontext.fpregs = (void *)NOT_CANONICAL)
TAMPER(frame_fpu_odd, u->uc_mcontext.fpregs = (void *)((char *)u->uc_mcontext.fpregs + 1))
TAMPER(frame_mxcsr, u->uc_mcontext.fpregs->mxcsr = 0xffffffff)
TAMPER(frame_fpu_ones, memset(u->uc_mcontext.fpregs, 0xff, 512))
TAMPER(frame_xsave_features, memset((char *)u->uc_mcontext.fpregs + 512, 0xff, 8))
TAMPER(frame_xsave_compact, ((char *)u->uc_mcontext.fpregs)[512 + 15] = (char)0x80)
TAMPER(frame_xsave_reserved, memset((char *)u->uc_mcontext.fpregs + 512 + 16, 0xff, 48))
TAMPER(frame_xsave_size, memset((char *)u->uc_mcontext.fpregs + 464, 0xff, 48))
TAMPER(frame_xsave_large, ((uint32_t *)(void *)u->uc_mcontext.fpregs)[468 / 4] = 0x7fffffff)
TAMPER(frame_altstack_kernel, (u->uc_stack.ss_sp = (void *)DIRECT_MAP, u->uc_stack.ss_flags = 0, u->uc_stack.ss_size = 1 << 20))

static void return_without_frame(void)
{
    syscall(SYS_rt_sigreturn);
}

static void return_from_kernel_stack(void)
{
    asm volatile("mov %0, %%rsp; syscall" ::"r"(DIRECT_MAP), "a"(SYS_rt_sigreturn) : "rcx", "r11", "memory");
}

static void return_across_the_end(void)
{
    asm volatile("mov %0, %%rsp; syscall" ::"r"(USER_MAX - 16), "a"(SYS_rt_sigreturn) : "rcx", "r11", "memory");
}

/* A handler's stack that is the kernel's: the frame cannot be written. */
static void deliver_on(void *at, size_t size)
{
    struct sigaction act = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    stack_t stack = {.ss_sp = at, .ss_size = size};

    sigaltstack(&stack, NULL);
    sigaction(SIGUSR1, &act, NULL);
    raise(SIGUSR1);
    printf("delivered, ");
}

static void deliver_on_kernel(void)
{
    deliver_on((void *)(DIRECT_MAP - 65536), 65536);
}

static void deliver_on_end(void)
{
    deliver_on((void *)USER_MAX, 65536);
}

static void deliver_to_kernel(void)
{
    struct sigaction act = {.sa_handler = (void (*)(int))KERNEL_TEXT};

    sigaction(SIGUSR1, &act, NULL);
    raise(SIGUSR1);
}

static void deliver_with_kernel_restorer(void)
{
    struct {
        void *handler;
        unsigned long flags;
        void *restorer;
        unsigned long mask;
    } act = {(void *)(uintptr_t)execute_stack, 0x04000000, (void *)KERNEL_TEXT, 0};

    act.handler = (void *)(uintptr_t)base_of_gs; /* just returns */
    syscall(SYS_rt_sigaction, SIGUSR1, &act, NULL, 8);
    raise(SIGUSR1);
}

/* ---- one after the other ---------------------------------------------------- */

#define E(name) {#name, name}
static const struct {
    const char *name;
    void (*run)(void);
} attempts[] = {
    E(i_cli), E(i_sti), E(i_hlt), E(i_lgdt), E(i_lidt), E(i_lldt), E(i_ltr), E(i_lmsw), E(i_clts),
    E(i_read_cr0), E(i_read_cr3), E(i_write_cr0), E(i_write_cr3), E(i_write_cr4), E(i_write_cr8),
    E(i_read_dr7), E(i_write_dr7), E(i_rdmsr), E(i_wrmsr), E(i_rdpmc), E(i_xsetbv), E(i_invlpg),
    E(i_wbinvd), E(i_invd), E(i_swapgs), E(i_sysret), E(i_sysexit), E(i_iretq_kernel),
    E(i_lret_kernel), E(i_in), E(i_out), E(i_out_dx), E(i_insb), E(i_outsb), E(i_vmrun),
    E(i_vmload), E(i_stgi), E(i_clgi), E(i_vmxon), E(i_vmptrld), E(i_vmlaunch), E(i_ud2),
    E(i_int3), E(i_int0), E(i_int1), E(i_int2), E(i_int8), E(i_int13), E(i_int14), E(i_int18),
    E(i_int32), E(i_int81), E(i_int240), E(i_int255), E(i_divide), E(i_step), E(i_align),
    E(i_read_kernel), E(i_read_direct_map), E(i_write_kernel), E(i_write_direct_map),
    E(i_read_user_max), E(i_read_not_canonical), E(i_read_null), E(i_stack_kernel),
    E(i_stack_not_canonical), E(i_jump_kernel), E(i_jump_direct_map), E(i_jump_user_max),
    E(i_jump_not_canonical), E(i_jump_heap), E(i_fs_not_canonical), E(i_gs_kernel), E(i_load_ss),
    E(i_load_ds_kernel), E(i_load_tss), E(i_clear_access), E(i_set_access), E(i_sgdt), E(i_str),
    E(i_smsw), E(popf_iopl), E(execute_stack), E(write_text), E(write_constant), E(call_trap_flag),
    E(call_nested_task), E(call_alignment), E(call_direction), E(call_kernel_stack), E(call_no_stack),
    E(call_not_canonical_stack), E(call_at_the_end), E(map_the_last_page), E(call_32_bit), E(base_of_gs),
    E(frame_rip_kernel), E(frame_rip_not_canonical), E(frame_rip_hole), E(frame_rsp_kernel),
    E(frame_rsp_not_canonical), E(frame_iopl), E(frame_no_interrupts), E(frame_nested),
    E(frame_vm86), E(frame_all_flags), E(frame_cs_kernel_0x10), E(frame_cs_kernel_0x08), E(frame_cs_zero),
    E(frame_cs_tss), E(frame_cs_ldt), E(frame_cs_data), E(frame_ss_zero), E(frame_ss_code),
    E(frame_ss_garbage), E(frame_fpu_kernel), E(frame_fpu_not_canonical), E(frame_fpu_odd),
    E(frame_mxcsr), E(frame_fpu_ones), E(frame_xsave_features), E(frame_xsave_compact),
    E(frame_xsave_reserved), E(frame_xsave_size), E(frame_xsave_large), E(frame_altstack_kernel),
    E(return_without_frame), E(return_from_kernel_stack), E(return_across_the_end),
    E(deliver_on_kernel), E(deliver_on_end), E(deliver_to_kernel), E(deliver_with_kernel_restorer),
};

/* An address by a name that is the same on every kernel. */
static const char *place(uint64_t address, const void *code)
{
    static const struct {
        const char *name;
        uint64_t at;
    } known[] = {{"the kernel's text", KERNEL_TEXT}, {"the direct map", DIRECT_MAP},
                 {"the end of user memory", USER_MAX}, {"no canonical address", NOT_CANONICAL}};

    if (address == 0)
        return "null";
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (address - known[i].at + 8 < 16)
            return known[i].name;
    }
    if (address - (uint64_t)code < 64)
        return "the instruction";
    if (address - (uint64_t)page < PAGE)
        return "the heap";
    if (address - (uint64_t)read_only < sizeof(read_only))
        return "a constant";
    if (address - (uint64_t)__builtin_frame_address(0) + (8ul << 20) < 16ul << 20)
        return "the stack";
    return "elsewhere";
}

static const void *running;

static void report(int number, siginfo_t *info, void *context)
{
    const greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    bool is_fault = number == SIGSEGV || number == SIGBUS || number == SIGILL || number == SIGFPE ||
                    number == SIGTRAP;

    /* The program's own stack may be gone, its flags odd; the handler's are sound. */
    printf("%s code %d", strsignal(number), info->si_code);
    if (is_fault)
        printf(" at %s, trap %lld, error %llx", place((uint64_t)info->si_addr, running),
               (long long)r[REG_TRAPNO], (unsigned long long)r[REG_ERR]);
    printf("\n");
    fflush(stdout);
    _exit(0);
}

static void attempt(const char *name, void (*run)(void))
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGALRM};
    struct sigaction act = {.sa_sigaction = report, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};

    sigaltstack(&stack, NULL);
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        sigaction(signals[i], &act, NULL);
    alarm(10);
    running = (const void *)(uintptr_t)run;
    printf("%s: ", name);
    run();
    printf("goes on\n");
    fflush(stdout);
    _exit(0);
}

int main(int argc, char **argv)
{
    page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    need(page != MAP_FAILED, "a page");
    page[0] = (char)0xc3;
    for (size_t i = 0; i < ARRAY_LEN(attempts); i++) {
        int status = 0;
        pid_t pid;

        if (argc > 1 && strcmp(argv[1], attempts[i].name) != 0)
            continue;
        fflush(stdout);
        pid = fork();
        need(pid >= 0, "fork");
        if (pid == 0)
            attempt(attempts[i].name, attempts[i].run);
        need(waitpid(pid, &status, 0) == pid, "waitpid");
        if (WIFSIGNALED(status))
            printf("%s: ended by %s\n", attempts[i].name, strsignal(WTERMSIG(status)));
    }
    return 0;
}
