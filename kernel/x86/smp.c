/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Other CPUs. They are counted and left where the firmware parked them: this
 * kernel runs on one. What they will need is used as if they were there:
 * per-CPU data, locks, and the interrupts that one CPU sends another.
 */
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/proc.h>

#include "x86.h"

void smp_log(void)
{
    const struct boot_cpu *cpus = phys_to_virt(boot.cpus);
    unsigned enabled = 0;

    for (uint32_t i = 0; i < boot.cpu_count; i++)
        enabled += (cpus[i].flags & BOOT_CPU_ENABLED) != 0;
    log_info("cpu: %u in the machine, running on 1 (APIC id %u)\n", enabled,
             boot.cpu_count != 0 ? cpus[0].apic_id : 0);
}

void ipi_send(unsigned cpu, enum ipi what)
{
    if (cpu != cpu_number())
        apic_send_ipi(cpu_get(cpu)->apic_id, (uint8_t)(VECTOR_IPI + what));
}

void ipi_send_others(enum ipi what)
{
    for (unsigned i = 0; i < cpu_count(); i++)
        ipi_send(i, what);
}

void ipi_handle(enum ipi what)
{
    switch (what) {
    case IPI_RESCHED:
        this_cpu()->need_resched = true;
        thread_set_work(current, WORK_RESCHED);
        break;
    case IPI_KICK:    /* being here is all: the thread left user mode or its guest */
        break;
    case IPI_TLB:
        if (tlb_ipi != NULL)
            tlb_ipi();
        break;
    case IPI_STOP:
        for (;;)
            __asm__ volatile("cli; hlt");
    }
}
