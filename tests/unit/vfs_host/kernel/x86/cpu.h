/* SPDX-License-Identifier: BSD-2-Clause */
/* <kernel/x86/cpu.h> for tests on the build host: one CPU, one thread, no interrupts. */
#pragma once

#include <kernel/list.h>
#include <kernel/types.h>

struct thread;

struct cpu {
    bool need_resched;
};
extern struct cpu host_cpu;
extern struct thread *host_thread;

static inline struct cpu *this_cpu(void)
{
    return &host_cpu;
}

static inline uint32_t cpu_number(void)
{
    return 0;
}
#define current host_thread

typedef uint64_t irqflags_t;

static inline irqflags_t irq_save(void)
{
    return 0;
}

static inline void irq_restore(irqflags_t f)
{
    (void)f;
}

static inline void cpu_pause(void)
{
}
