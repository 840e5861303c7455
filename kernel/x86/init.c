/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Getting the boot CPU into shape, in two steps: what works on the loader's page
 * tables, and what needs memory to be allocated.
 */
#include <kernel/log.h>
#include <kernel/trap.h>

#include "x86.h"

struct boot_info boot;

/* After it: exceptions panic with a report instead of resetting the machine, the log prints and
 * has a clock, user memory is out of reach of ring 0. */
void x86_early_init(const struct boot_info *bi)
{
    boot = *bi;
    early_console_init();
    segments_init();
    if (boot.magic != BOOT_INFO_MAGIC || boot.version != BOOT_INFO_VERSION ||
        boot.size != sizeof(boot))
        panic("boot_info of another version: loader and kernel do not belong together");
    cmdline_init();
    log_init();
    features_init();
    features_enable();
    acpi_init();
    clock_init();
    features_log();
    fpu_init();
}

void x86_late_init(void)
{
    segments_guard_stacks();
    apic_init();
    x86_irq_init();
    apic_calibrate_timer();
    smp_log();
    clock_late_init();
}
