/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guests that do what no guest should. What matters is that the host goes on and only
 * the guest's own machine can end, so exits of any kind are taken as they come.
 */
#include "harness.h"

#include <string.h>

#define PATIENCE_MS 200

/*
 * Answer all accesses with ones until the guest reports, ends or runs for long without
 * an exit; returns whether it reported.
 */
static bool survive(struct machine *m, unsigned max_exits)
{
    struct kvm_run *run = m->run;

    for (unsigned i = 0; i < max_exits; i++) {
        if (!machine_run_for(m, PATIENCE_MS))
            return false;
        switch (run->exit_reason) {
        case KVM_EXIT_IO:
            if (run->io.direction == KVM_EXIT_IO_OUT && run->io.port == REPORT && run->io.size == 4)
                return true;
            if (run->io.direction == KVM_EXIT_IO_IN)
                memset((uint8_t *)run + run->io.data_offset, 0xff, run->io.size * run->io.count);
            break;
        case KVM_EXIT_MMIO:
            if (!run->mmio.is_write)
                memset(run->mmio.data, 0xff, sizeof(run->mmio.data));
            break;
        default:
            return false;
        }
    }
    return false;
}

/* After whatever a guest has done, a new machine works. */
static void check_host(void)
{
    struct machine m;

    machine_init(&m, LONG_MODE, IRQCHIP, GUEST(long_mode));
    expect_report(&m, 0xfedcba98);
}

static void msrs(void)
{
    struct machine m;

    machine_init(&m, LONG_MODE, IRQCHIP, GUEST(msr_sweep));
    (void)survive(&m, 1000); /* it may also have ended its own machine */
    check_host();
}

static void ports(void)
{
    struct machine m;

    machine_init(&m, LONG_MODE, IRQCHIP, GUEST(port_sweep));
    (void)survive(&m, 20000);
    check_host();
}

static void memory(void)
{
    struct machine m;

    machine_init(&m, LONG_MODE, IRQCHIP, GUEST(memory_sweep));
    if (!survive(&m, 5000))
        fail("the guest ended by itself (exit %u)", m.run->exit_reason);
    check_host();
}

static void instructions(void)
{
    struct machine m;

    machine_init(&m, LONG_MODE, IRQCHIP, GUEST(hostile_instructions));
    if (!survive(&m, 100))
        fail("the guest ended by itself (exit %u at rip 0x%llx)", m.run->exit_reason,
             (unsigned long long)get_regs(&m).rip);
    check_host();
}

static void hypercalls(void)
{
    struct machine m;

    machine_init(&m, LONG_MODE, IRQCHIP, GUEST(vmcall));
    expect_report(&m, 0xffffffff);
    expect_report(&m, (uint32_t)-1000);
    expect_report(&m, 0xffffffff);
    expect_report(&m, (uint32_t)-1000);
}

/* An interrupt table, a stack and page tables where there is no memory. */
static void tables_outside_memory(void)
{
    struct machine m;
    struct kvm_sregs sregs;

    machine_init(&m, LONG_MODE, IRQCHIP, GUEST(triple_fault));
    sregs = get_sregs(&m);
    sregs.idt.base = HOLE;
    sregs.idt.limit = 0xfff;
    must(m.vcpu, KVM_SET_SREGS, &sregs);
    expect_report(&m, 1);
    (void)survive(&m, 100);

    machine_init(&m, LONG_MODE, IRQCHIP, GUEST(long_mode));
    sregs = get_sregs(&m);
    sregs.cr3 = HOLE;
    must(m.vcpu, KVM_SET_SREGS, &sregs);
    (void)survive(&m, 100);
    check_host();
}

/* Rubbish as code: whatever it does, it does it in there. */
static void random_code(void)
{
    uint32_t seed = 12345;

    for (unsigned round = 0; round < 30; round++) {
        struct machine m;

        machine_init(&m, round % 2 == 0 ? LONG_MODE : REAL_MODE, NO_IRQCHIP, NULL, 0);
        for (unsigned i = 0; i < 0x4000; i++) {
            seed = seed * 1664525 + 1013904223;
            m.ram[GUEST_CODE + i] = (uint8_t)(seed >> 24);
        }
        (void)survive(&m, 50);
    }
    check_host();
}

const struct test hostile_tests[] = {
    { "hostile_msrs", msrs },
    { "hostile_ports", ports },
    { "hostile_memory", memory },
    { "hostile_instructions", instructions },
    { "hostile_hypercalls", hypercalls },
    { "hostile_tables_outside_memory", tables_outside_memory },
    { "hostile_random_code", random_code },
    { NULL, NULL },
};
