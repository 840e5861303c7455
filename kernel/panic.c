/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end: what a debugger would want to know, to the console at once and as
 * one frame on the debug port, then nothing more runs. Takes no lock and
 * believes nothing: a second panic on the way says so and stops.
 *
 * Addresses are not resolved: tools/boot does that, or `addr2line -e` with the
 * kernel.elf that was booted.
 */
#include <kernel/log.h>

#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/time.h>
#include <kernel/trap.h>
#include <kernel/x86/extable.h>

#include "x86/x86.h"

#define REPORT_MAX 4096
#define BACKTRACE_MAX 24
#define KERNEL_HALF 0xffff800000000000ULL

uint64_t __stack_chk_guard; /* set by kernel_entry before anything else */
void __stack_chk_fail(void) __noreturn;

static char report[REPORT_MAX];
static size_t report_length;
static int panics; /* [a] */

__printf(1, 0) static void vsay(const char *fmt, va_list ap)
{
    char *at = report + report_length;
    size_t room = sizeof(report) - report_length;
    size_t n = (size_t)vsnprintf(at, room, fmt, ap);

    n = min(n, room - 1);
    early_console_write(at, n);
    report_length += n;
}

__printf(1, 2) static void say(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsay(fmt, ap);
    va_end(ap);
}

/* A word of kernel memory, if it can be read. */
static bool read_word(uint64_t address, uint64_t *out)
{
    uint64_t value = 0;
    int failed = 0;

    if (address < KERNEL_HALF || !IS_ALIGNED(address, 8))
        return false;
    __asm__ volatile("1: mov (%2), %1\n\t"
                     "jmp 3f\n\t"
                     "2: movl $1, %0\n\t"
                     "3:\n\t" EXTABLE("1b", "2b")
                     : "+r"(failed), "+r"(value)
                     : "r"(address));
    *out = value;
    return failed == 0;
}

/* Calls fn with each return address that the chain of frame pointers leads to. */
static void walk(uint64_t rbp, void (*fn)(const char *fmt, ...))
{
    for (unsigned i = 0; i < BACKTRACE_MAX; i++) {
        uint64_t next, rip;

        if (!read_word(rbp, &next) || !read_word(rbp + 8, &rip) || rip < KERNEL_HALF)
            break;
        fn("  %016lx\n", rip);
        if (next <= rbp)
            break;
        rbp = next;
    }
}

static void log_line(const char *fmt, ...)
{
    char text[40];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    log_info("%s", text);
}

void backtrace_print(uint64_t rbp)
{
    walk(rbp, log_line);
}

static void say_registers(const struct trapframe *f)
{
    uint64_t cr2, cr3 = read_cr3();

    __asm__ volatile("mov %%cr2, %0" : "=r"(cr2));
    say("rip %016lx cs %02lx rflags %08lx rsp %016lx ss %02lx\n", f->rip, f->cs, f->rflags, f->rsp,
        f->ss);
    say("rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", f->rax, f->rbx, f->rcx, f->rdx);
    say("rsi %016lx rdi %016lx rbp %016lx r8  %016lx\n", f->rsi, f->rdi, f->rbp, f->r8);
    say("r9  %016lx r10 %016lx r11 %016lx r12 %016lx\n", f->r9, f->r10, f->r11, f->r12);
    say("r13 %016lx r14 %016lx r15 %016lx\n", f->r13, f->r14, f->r15);
    say("cr2 %016lx cr3 %016lx vector %lu error %lx\n", cr2, cr3, f->vector, f->error_code);
}

static void say_who(void)
{
    struct cpu *cpu = this_cpu();
    struct thread *t = cpu != NULL ? cpu->thread : NULL;
    char comm[sizeof(t->comm)];

    say("cpu %u", cpu != NULL ? cpu->number : 0);
    if (t != NULL) {
        memcpy(comm, t->comm, sizeof(comm));
        comm[sizeof(comm) - 1] = '\0';
        say(", thread %s (%p)%s", comm, (void *)t, cpu->in_irq ? ", in an interrupt" : "");
    }
    say(", %lu us after boot\n", ktime_ns() / NSEC_PER_USEC);
}

static __noreturn void stop(void)
{
    ipi_send_others(IPI_STOP);
    for (;;)
        __asm__ volatile("cli; hlt");
}

__printf(3, 0) static __noreturn void die(const struct trapframe *frame, uint64_t rbp,
                                          const char *fmt, va_list ap)
{
    irq_disable();
    switch (__atomic_fetch_add(&panics, 1, __ATOMIC_SEQ_CST)) {
    case 0:
        say("\nkernel panic: ");
        vsay(fmt, ap);
        say("\n");
        say_who();
        if (frame != NULL)
            say_registers(frame);
        say("backtrace:\n");
        if (frame != NULL)
            say("  %016lx\n", frame->rip);
        walk(rbp, say);
        break;
    case 1:
        say("\npanic while panicking: ");
        vsay(fmt, ap);
        say("\n");
        break;
    default:
        stop();
    }
    debug_port_frame('p', report, report_length);
    stop();
}

void panic(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    die(NULL, (uint64_t)__builtin_frame_address(0), fmt, ap);
}

void panic_frame(const struct trapframe *frame, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    die(frame, frame->rbp, fmt, ap);
}

void __stack_chk_fail(void)
{
    panic("stack smashed in the caller");
}
