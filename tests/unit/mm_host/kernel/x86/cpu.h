/* SPDX-License-Identifier: BSD-2-Clause */
/* <kernel/x86/cpu.h> for tests on the build host: several CPUs, of which one acts at a time. */
#pragma once

#include <kernel/list.h>
#include <kernel/types.h>

#define CPUS_MAX 64

struct thread;
struct mm;

struct cpu {
    uint32_t number;
    bool need_resched;
    bool in_irq;
    struct mm *mm;
};
extern struct cpu *host_cpu; /* the one that acts */
extern struct thread *host_thread;

static inline struct cpu *this_cpu(void)
{
    return host_cpu;
}

static inline uint32_t cpu_number(void)
{
    return host_cpu->number;
}
#define current host_thread

unsigned cpu_count(void);

typedef uint64_t irqflags_t;

static inline irqflags_t irq_save(void)
{
    return 0;
}

static inline void irq_restore(irqflags_t f)
{
    (void)f;
}

static inline void irq_enable(void)
{
}

static inline void irq_disable(void)
{
}

static inline void cpu_pause(void)
{
}

/* The machine's: see machine.c. */
uint64_t read_cr3(void);
void write_cr3(uint64_t v);
void invlpg(uint64_t va);
