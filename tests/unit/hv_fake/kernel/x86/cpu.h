/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In place of <kernel/x86/cpu.h> when hv is built for the host: one CPU, whose
 * interrupt flag is a variable.
 */
#pragma once

#include <kernel/list.h>
#include <kernel/types.h>

#define CPUS_MAX  64
#define RFLAGS_IF 0x200

struct thread;
struct mm;

struct cpu {
    struct thread *thread;
    uint32_t number;
    bool need_resched;
    bool irqs_on;
};

typedef uint64_t irqflags_t;

extern struct cpu fake_cpu;
extern uint64_t fake_tsc, fake_tsc_aux;

struct cpuid_regs {
    uint32_t eax, ebx, ecx, edx;
};

#define current (fake_cpu.thread)

static inline struct cpu *this_cpu(void)
{
    return &fake_cpu;
}

static inline uint32_t cpu_number(void)
{
    return fake_cpu.number;
}

unsigned cpu_count(void);

static inline irqflags_t irq_save(void)
{
    irqflags_t flags = fake_cpu.irqs_on ? RFLAGS_IF : 0;

    fake_cpu.irqs_on = false;
    return flags;
}

static inline void irq_restore(irqflags_t flags)
{
    if (flags & RFLAGS_IF)
        fake_cpu.irqs_on = true;
}

static inline void irq_enable(void)
{
    fake_cpu.irqs_on = true;
}

static inline void irq_disable(void)
{
    fake_cpu.irqs_on = false;
}

static inline void cpu_pause(void)
{
}

static inline uint64_t rdtsc(void)
{
    return fake_tsc;
}

static inline bool cpu_has_rdtscp(void)
{
    return true;
}

static inline void cpu_set_tsc_aux(void)
{
    fake_tsc_aux = cpu_number();
}

/* The generic part has one MSR of its own, TSC_AUX. */
static inline void wrmsr(uint32_t msr, uint64_t value)
{
    (void)msr;
    fake_tsc_aux = value;
}

static inline struct cpuid_regs cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid_regs r;

    __asm__ volatile("cpuid"
                     : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                     : "a"(leaf), "c"(subleaf));
    return r;
}
