/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts: controllers and timers in the kernel, and injection without them. */
#include "harness.h"

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>

#define RFLAGS_IF 0x200u

static void pic(void)
{
    struct machine m;

    machine_init(&m, REAL_MODE, IRQCHIP, GUEST(pic_real));
    expect_report(&m, 1);
    set_irq(&m, 6, 1);
    set_irq(&m, 6, 0);
    expect_report(&m, 0x26);
    set_irq(&m, 5, 1); /* masked */
    set_irq(&m, 9, 1); /* at the second PIC, level kept high: one edge, one interrupt */
    expect_report(&m, 0x29);
    set_irq(&m, 6, 1);
    expect_report(&m, 0x26);
    set_irq(&m, 6, 0);
    set_irq(&m, 9, 0);
    set_irq(&m, 9, 1);
    set_irq(&m, 6, 1);
    set_irq(&m, 6, 0);
    expect_report(&m, 0x29); /* the second PIC's 8..15 come before 3..7 */
    expect_report(&m, 0x26);
}

static void pit(void)
{
    struct machine m;

    machine_init(&m, LONG_MODE, IRQCHIP, GUEST(pit));
    expect_report(&m, 0x20);
    expect_report(&m, 0);
    expect_report(&m, 0x20);
}

static void lapic_timer(void)
{
    struct machine m;

    machine_init(&m, LONG_MODE, IRQCHIP, GUEST(lapic_timer));
    expect_report(&m, 0);
    expect_report(&m, 0x14);
    expect_report(&m, 0x40);
    expect_report(&m, 0);
    expect_report(&m, 0x41);
}

static void tsc_deadline(void)
{
    struct {
        struct kvm_cpuid2 head;
        struct kvm_cpuid_entry2 entries[256];
    } cpuid = { .head.nent = 256 };
    struct machine m;

    if (ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) <= 0)
        skip("no TSC-deadline timer");
    machine_init(&m, LONG_MODE, IRQCHIP, GUEST(tsc_deadline));
    must(kvm_fd, KVM_GET_SUPPORTED_CPUID, &cpuid);
    for (uint32_t i = 0; i < cpuid.head.nent; i++)
        if (cpuid.entries[i].function == 1)
            cpuid.entries[i].ecx |= 1u << 24;
    must(m.vcpu, KVM_SET_CPUID2, &cpuid);
    expect_report(&m, 1);
    expect_report(&m, 0x42);
    expect_report(&m, 0);
}

static void lapic_priority(void)
{
    struct machine m;

    machine_init(&m, LONG_MODE, IRQCHIP, GUEST(lapic_priority));
    expect_report(&m, 5);       /* CR8 is the task priority's upper half */
    expect_report(&m, 0);       /* held back */
    expect_report(&m, 1u << 5); /* and requested */
    expect_report(&m, 0);       /* CR8 has cleared the task priority */
    expect_report(&m, 3);
    expect_report(&m, 0x554745);
}

static void x2apic(void)
{
    struct machine m;

    machine_init(&m, LONG_MODE, IRQCHIP, GUEST(x2apic));
    expect_report(&m, 0xfee00900);
    expect_report(&m, 0xfee00d00);
    expect_report(&m, 0);
    expect_report(&m, 0x45);
    expect_report(&m, 1);
    expect_report(&m, 13);
    expect_report(&m, 13);
}

static void ioapic(void)
{
    struct machine m;

    machine_init(&m, LONG_MODE, IRQCHIP, GUEST(ioapic));
    expect_report(&m, 23);
    expect_report(&m, 1);
    set_irq(&m, 5, 1); /* by edge: one interrupt, however long the line stays high */
    expect_report(&m, 0x35);
    expect_interrupted(&m);
    set_irq(&m, 5, 0);
    set_irq(&m, 5, 1);
    expect_report(&m, 0x35);
    set_irq(&m, 5, 0);

    set_irq(&m, 10, 1); /* by level: again after each EOI */
    expect_report(&m, 0x3a);
    expect_report(&m, 0x3a);
    set_irq(&m, 10, 0);
    expect_interrupted(&m);
}

static void injection(void)
{
    const struct kvm_interrupt interrupt = { .irq = 0x33 };
    const struct kvm_interrupt second = { .irq = 0x34 };
    struct machine m;

    machine_init(&m, LONG_MODE, NO_IRQCHIP, GUEST(injected));
    expect_report(&m, 1);
    check_equal("if_flag", m.run->if_flag, 0);
    check_equal("ready for injection", m.run->ready_for_interrupt_injection, 0);
    m.run->request_interrupt_window = 1;
    machine_run_to(&m, KVM_EXIT_IRQ_WINDOW_OPEN);
    check_equal("if_flag in the window", m.run->if_flag, 1);
    check_equal("ready for injection in the window", m.run->ready_for_interrupt_injection, 1);
    m.run->request_interrupt_window = 0;
    must(m.vcpu, KVM_INTERRUPT, &interrupt);
    expect_report(&m, 0x33);
    expect_report(&m, 2);
    m.run->request_interrupt_window = 1;
    machine_run_to(&m, KVM_EXIT_IRQ_WINDOW_OPEN);
    m.run->request_interrupt_window = 0;
    must(m.vcpu, KVM_INTERRUPT, &second);
    expect_report(&m, 0x34);
    machine_run_to(&m, KVM_EXIT_HLT);
}

static void nmi(void)
{
    struct machine m;

    machine_init(&m, LONG_MODE, NO_IRQCHIP, GUEST(nmi));
    expect_report(&m, 1);
    must(m.vcpu, KVM_NMI, 0);
    expect_report(&m, 2);
    machine_run_to(&m, KVM_EXIT_HLT);
}

static void allow_interrupts(struct machine *m)
{
    struct kvm_regs regs = get_regs(m);

    regs.rflags |= RFLAGS_IF;
    must(m->vcpu, KVM_SET_REGS, &regs);
}

/* Without interrupt controllers HLT is the program's business; with them, the kernel's. */
static void halt(void)
{
    struct machine m;

    machine_init(&m, LONG_MODE, NO_IRQCHIP, GUEST(halt));
    expect_report(&m, 1);
    machine_run_to(&m, KVM_EXIT_HLT);
    expect_report(&m, 2);
}

static void halt_waits(void)
{
    struct machine m;

    machine_init(&m, LONG_MODE, IRQCHIP, GUEST(halt));
    allow_interrupts(&m);
    expect_report(&m, 1);
    expect_interrupted(&m);
    expect_interrupted(&m); /* and goes on waiting */
}

static void halt_without_interrupts_waits(void)
{
    struct machine m;

    machine_init(&m, LONG_MODE, IRQCHIP, GUEST(halt));
    expect_report(&m, 1);
    expect_interrupted(&m);
    set_irq(&m, 4, 1); /* nobody listens */
    expect_interrupted(&m);
}

static void loop_is_interrupted(void)
{
    struct machine m;

    machine_init(&m, LONG_MODE, IRQCHIP, GUEST(spin));
    allow_interrupts(&m);
    expect_report(&m, 1);
    expect_interrupted(&m);
    expect_interrupted(&m);
}

static void loop_without_interrupts_is_interrupted(void)
{
    struct machine m;

    machine_init(&m, LONG_MODE, IRQCHIP, GUEST(spin));
    expect_report(&m, 1);
    expect_interrupted(&m);
    expect_interrupted(&m);
}

static void immediate_exit(void)
{
    struct machine m;

    machine_init(&m, LONG_MODE, NO_IRQCHIP, GUEST(spin));
    m.run->immediate_exit = 1;
    must_fail(EINTR, m.vcpu, KVM_RUN, 0);
    check_equal("rip", get_regs(&m).rip, GUEST_CODE); /* nothing has run */
    m.run->immediate_exit = 0;
    expect_report(&m, 1);
}

const struct test irq_tests[] = {
    { "irq_pic", pic },
    { "irq_pit", pit },
    { "irq_lapic_timer", lapic_timer },
    { "irq_tsc_deadline", tsc_deadline },
    { "irq_lapic_priority", lapic_priority },
    { "irq_x2apic", x2apic },
    { "irq_ioapic", ioapic },
    { "irq_injection", injection },
    { "irq_nmi", nmi },
    { "irq_halt", halt },
    { "irq_halt_waits", halt_waits },
    { "irq_halt_without_interrupts_waits", halt_without_interrupts_waits },
    { "irq_loop_is_interrupted", loop_is_interrupted },
    { "irq_loop_without_interrupts_is_interrupted", loop_without_interrupts_is_interrupted },
    { "irq_immediate_exit", immediate_exit },
    { NULL, NULL },
};
