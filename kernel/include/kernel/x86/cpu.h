/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Per-CPU data and the few CPU instructions that generic code needs.
 * In the kernel GS base points at this CPU's struct cpu; offsets that the
 * assembly uses come from asm_offsets.c.
 */
#pragma once

#include <kernel/list.h>
#include <kernel/types.h>

#define CPUS_MAX 64

struct thread;
struct mm;

struct cpu {
    struct cpu *self;             /* [I] at offset 0: mov rax, [gs:0] */
    struct thread *thread;        /* [c] the one that runs: `current` */
    uint64_t syscall_user_rsp;    /* [c] scratch of the system-call entry */
    uint64_t kernel_stack_top;    /* [c] of the current thread: system-call entry; TSS.rsp0 */
    uint32_t number;              /* [I] 0 .. cpu_count() - 1 */
    uint32_t apic_id;             /* [I] */
    bool need_resched;            /* [c] set by the tick and by wake-ups */
    bool in_irq;                  /* [c] in an interrupt handler */
    struct mm *mm;                /* [c] the address space in cr3 */
    struct thread *idle;          /* [I] */
    void *idle_stack;             /* [I] the stack it starts on: its kstack */
    struct thread *fpu_owner;     /* [c] whose state is in the FPU registers; NULL: nobody's */
    uint64_t slice_end_ns;        /* [c] when the current thread's slice ends, ~0: none */
    struct tss *tss;              /* [I] */
    struct list_node run_queue;   /* [c] struct thread (kernel/proc/sched.c) */
    uint64_t min_vruntime;        /* [c] */
    uint64_t idle_ns;             /* [c] */
    void *hv;                     /* [c] hv's per-CPU state (VMXON region, HSAVE, current VMCS) */
};

static inline struct cpu *this_cpu(void)
{
    struct cpu *c;

    __asm__ volatile("mov %%gs:0, %0" : "=r"(c));
    return c;
}

static inline uint32_t cpu_number(void)
{
    return this_cpu()->number;
}

static inline struct thread *current_thread(void)
{
    struct thread *t;

    __asm__ volatile("mov %%gs:%c1, %0" : "=r"(t) : "i"(offsetof(struct cpu, thread)));
    return t;
}
#define current current_thread()

unsigned cpu_count(void); /* CPUs that run threads; 1 until SMP start-up exists */
struct cpu *cpu_get(unsigned number);

typedef uint64_t irqflags_t;
#define RFLAGS_IF 0x200

static inline irqflags_t irq_save(void)
{
    irqflags_t f;

    __asm__ volatile("pushfq; pop %0; cli" : "=r"(f) : : "memory");
    return f;
}

static inline void irq_restore(irqflags_t f)
{
    if (f & RFLAGS_IF)
        __asm__ volatile("sti" : : : "memory");
}

static inline bool irqs_enabled(void)
{
    irqflags_t f;

    __asm__ volatile("pushfq; pop %0" : "=r"(f));
    return (f & RFLAGS_IF) != 0;
}
#define assert_irqs_off() assert(!irqs_enabled())

static inline void irq_enable(void)
{
    __asm__ volatile("sti" : : : "memory");
}

static inline void irq_disable(void)
{
    __asm__ volatile("cli" : : : "memory");
}

static inline void cpu_pause(void)
{
    __asm__ volatile("pause");
}

static inline uint64_t read_cr3(void)
{
    uint64_t v;

    __asm__ volatile("mov %%cr3, %0" : "=r"(v));
    return v;
}

static inline void write_cr3(uint64_t v)
{
    __asm__ volatile("mov %0, %%cr3" : : "r"(v) : "memory");
}

static inline void invlpg(uint64_t va)
{
    __asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}

static inline uint64_t rdtsc(void)
{
    uint32_t lo, hi;

    __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
    return (uint64_t)hi << 32 | lo;
}

static inline uint64_t rdmsr(uint32_t msr)
{
    uint32_t lo, hi;

    __asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
    return (uint64_t)hi << 32 | lo;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

/* -EFAULT instead of a panic when the MSR raises #GP. (kernel/x86, with fault fix-up) */
int rdmsr_safe(uint32_t msr, uint64_t *out);
int wrmsr_safe(uint32_t msr, uint64_t value);

/* What RDTSCP and RDPID show to programs: the CPU's number, as on Linux. */
bool cpu_has_rdtscp(void);
void cpu_set_tsc_aux(void); /* on this CPU; hv lends the register to guests */

struct cpuid_regs {
    uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid_regs cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid_regs r;

    __asm__ volatile("cpuid"
                     : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                     : "a"(leaf), "c"(subleaf));
    return r;
}

static inline uint8_t inb(uint16_t port)
{
    uint8_t v;

    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static inline void outb(uint16_t port, uint8_t v)
{
    __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static inline uint32_t inl(uint16_t port)
{
    uint32_t v;

    __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static inline void outl(uint16_t port, uint32_t v)
{
    __asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port));
}
