/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts on their way into the guest: from lines, timers, messages and eventfds, through
 * the controllers, to an entry; and what wakes a vCPU that sleeps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hv_fake/scripted_vm.h"
#include "test_hv.h"
#include "hv/msr.h"

/* ---- interrupts ---------------------------------------------------------------------------------------------- */

static uint8_t taken[32]; /* vectors as they were injected */
static unsigned taken_count;

static void note_injected(void)
{
    if (injected.type == EVENT_INTR)
        taken[taken_count++ % 32] = injected.vector;
}

static bool sleep_line_4(void)
{
    irq_line(4, 1);
    irq_line(4, 0);
    return true;
}

static void program_pic(void)
{
    static const struct {
        uint16_t port;
        uint8_t value;
    } writes[] = {{0x20, 0x11}, {0x21, 0x30}, {0x21, 4}, {0x21, 1}, {0xa0, 0x11}, {0xa1, 0x38},
                  {0xa1, 2}, {0xa1, 1}, {0x21, 0}, {0xa1, 0}};

    for (unsigned i = 0; i < ARRAY_SIZE(writes); i++) {
        uint32_t value = writes[i].value;

        assert_true(irq_pio(vcpu0->vm, writes[i].port, 1, false, &value));
    }
}

static enum exit_reason script_halt_until_taken(struct vcpu *vcpu, struct vm_exit *e)
{
    (void)vcpu;
    note_injected();
    e->insn_len = 1;
    return taken_count > 0 ? EXIT_SHUTDOWN : EXIT_HLT;
}

/* HLT sleeps; a line through PIC and LINT0 wakes it. */
/* KVM_RUN, up to an interrupt of this vector. */
static void run_until_taken(uint8_t vector)
{
    taken_count = 0;
    assert_int_equal(run_once(), 0);
    assert_int_equal(taken[0], vector);
}

static void test_pic_wakes_halt(void **state)
{
    struct kvm_regs r = {.rip = CODE, .rflags = 0x202};

    (void)state;
    begin(true);
    program_pic();
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    script = script_halt_until_taken;
    fake_on_sleep = sleep_line_4;
    run_until_taken(0x34);
    assert_int_equal(run->exit_reason, KVM_EXIT_SHUTDOWN);
    assert_int_equal(taken_count, 1);
    end();
}

static bool sleep_time(void)
{
    fake_now_ns += 1000000;
    fake_tsc += 1000000;
    fake_run_timers();
    return true;
}

static void test_lapic_timer_wakes_halt(void **state)
{
    struct kvm_regs r = {.rip = CODE, .rflags = 0x202};

    (void)state;
    begin(true);
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    lapic_write(APIC_SVR, 0x1ff);
    lapic_write(APIC_TDCR, 0xb);
    lapic_write(APIC_LVT_TIMER, 0x50);
    lapic_write(APIC_TMICT, 5000000);
    script = script_halt_until_taken;
    fake_on_sleep = sleep_time;
    run_until_taken(0x50);
    /* TSC deadline, by the MSR */
    lapic_write(APIC_EOI, 0);
    lapic_write(APIC_LVT_TIMER, APIC_TIMER_DEADLINE | 0x51);
    vcpu0->is_running = true;
    assert_int_equal(msr_write(vcpu0, MSR_TSC_DEADLINE, guest_tsc(vcpu0) + 3500000), 0);
    vcpu0->is_running = false;
    run_until_taken(0x51);
    end();
}

static void test_pit_ticks(void **state)
{
    struct kvm_regs r = {.rip = CODE, .rflags = 0x202};
    uint32_t value;

    (void)state;
    begin(true);
    program_pic();
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    value = 0x34;
    assert_true(irq_pio(vcpu0->vm, 0x43, 1, false, &value));
    value = 0;
    assert_true(irq_pio(vcpu0->vm, 0x40, 1, false, &value));
    assert_true(irq_pio(vcpu0->vm, 0x40, 1, false, &value));
    script = script_halt_until_taken;
    fake_on_sleep = sleep_time;
    run_until_taken(0x30);
    end();
}

static enum exit_reason script_window(struct vcpu *vcpu, struct vm_exit *e)
{
    (void)e;
    note_injected();
    if (taken_count > 0)
        return EXIT_SHUTDOWN;
    assert_true(vcpu->want_irq_window);
    vcpu->regs.rflags |= EFLAGS_IF; /* STI, and its shadow is over */
    return EXIT_IRQ_WINDOW;
}

static void test_window(void **state)
{
    struct kvm_regs r = {.rip = CODE, .rflags = 2};
    struct kvm_msi msi = {.address_lo = 0xfee00000, .data = 0x61};

    (void)state;
    begin(true);
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    assert_int_equal(ioctl_fd(vm_fd, KVM_SIGNAL_MSI, &msi), 0); /* the APIC is still off */
    lapic_write(APIC_SVR, 0x1ff);
    assert_int_equal(ioctl_fd(vm_fd, KVM_SIGNAL_MSI, &msi), 1);
    script = script_window;
    run_until_taken(0x61);
    end();
}

static enum exit_reason script_nmi(struct vcpu *vcpu, struct vm_exit *e)
{
    static unsigned step;

    (void)e;
    switch (step++) {
    case 0:
        assert_int_equal(injected.type, EVENT_NMI);
        vcpu->nmi_blocked = true;
        vcpu->nmi_pending = true; /* a second one meanwhile */
        vcpu_note(vcpu, REQ_EVENT);
        return EXIT_INTR;
    case 1:
        assert_int_equal(injected.type, EVENT_NONE);
        assert_true(vcpu->want_nmi_window);
        vcpu->nmi_blocked = false;
        return EXIT_NMI_WINDOW;
    default:
        assert_int_equal(injected.type, EVENT_NMI);
        return EXIT_SHUTDOWN;
    }
}

static void test_nmi(void **state)
{
    (void)state;
    begin(true);
    assert_int_equal(ioctl_fd(cpu_fd, KVM_NMI, NULL), 0);
    script = script_nmi;
    assert_int_equal(run_once(), 0);
    end();
}

/* Without an irqchip ring 3 injects, and asks when it may. */
static void test_user_irq(void **state)
{
    struct kvm_regs r = {.rip = CODE, .rflags = 0x202};
    struct kvm_interrupt irq = {.irq = 0x44};

    (void)state;
    begin(false);
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    run->request_interrupt_window = 1;
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->exit_reason, KVM_EXIT_IRQ_WINDOW_OPEN);
    assert_int_equal(run->ready_for_interrupt_injection, 1);
    assert_int_equal(ioctl_fd(cpu_fd, KVM_INTERRUPT, &irq), 0);
    assert_int_equal(ioctl_fd(cpu_fd, KVM_INTERRUPT, &irq), -EEXIST);
    run->request_interrupt_window = 0;
    script = script_halt_until_taken;
    run_until_taken(0x44);
    end();
}

static enum exit_reason script_signal(struct vcpu *vcpu, struct vm_exit *e)
{
    (void)vcpu;
    (void)e;
    thread_set_work(&fake_thread, WORK_SIGNAL);
    return EXIT_INTR;
}

static bool sleep_signal(void)
{
    return false;
}

static void test_signals(void **state)
{
    struct kvm_regs r = {.rip = CODE, .rflags = 2};

    (void)state;
    begin(true);
    script = script_signal;
    entries = 0;
    assert_int_equal(run_once(), -EINTR);
    assert_int_equal(run->exit_reason, KVM_EXIT_INTR);
    assert_int_equal(run_once(), -EINTR);
    assert_int_equal(entries, 1); /* pending already: not entered */
    thread_clear_work(&fake_thread, WORK_SIGNAL);
    /* cli; hlt: nothing but a signal ends it */
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    plan_set(1, &exit_halt);
    fake_on_sleep = sleep_signal;
    assert_int_equal(run_once(), -EINTR);
    assert_int_equal(run->exit_reason, KVM_EXIT_INTR);
    end();
}

static int ap_fd;
static unsigned ap_step;

static bool sleep_start_ap(void)
{
    struct kvm_msi msi = {.address_lo = 0xfee01000, .data = ap_step == 0 ? 0x4500 : 0x4600 | 0x9a};

    ap_step++;
    assert_true(ioctl_fd(vm_fd, KVM_SIGNAL_MSI, &msi) >= 0);
    return true;
}

static void test_start_ap(void **state)
{
    struct kvm_sregs sregs;

    (void)state;
    begin(true);
    ap_fd = (int)ioctl_fd(vm_fd, KVM_CREATE_VCPU, (void *)1);
    ap_step = 0;
    fake_on_sleep = sleep_start_ap;
    plan_set(1, &exit_triple);
    assert_int_equal(ioctl_fd(ap_fd, KVM_RUN, NULL), -EAGAIN); /* it was uninitialized: INIT came */
    assert_int_equal(ioctl_fd(ap_fd, KVM_RUN, NULL), 0);       /* SIPI came, and it ran */
    assert_int_equal(ioctl_fd(ap_fd, KVM_GET_SREGS, &sregs), 0);
    assert_int_equal(sregs.cs.base, 0x9a000);
    assert_int_equal(sregs.cs.selector, 0x9a00);
    close_fd(ap_fd);
    end();
}

/* ---- eventfds ---------------------------------------------------------------------------------------------------- */

static void test_eventfds(void **state)
{
    static const struct vm_exit out = {.reason = EXIT_PIO, .insn_len = 1, .pio = {.port = 0x600, .size = 2}};
    struct kvm_regs r = {.rip = CODE, .rflags = 0x202, .rax = 7};
    int bell = fake_eventfd(), line = fake_eventfd(), resample = fake_eventfd();
    struct kvm_ioeventfd io = {.datamatch = 7, .addr = 0x600, .len = 2, .fd = bell,
                               .flags = KVM_IOEVENTFD_FLAG_PIO | KVM_IOEVENTFD_FLAG_DATAMATCH};
    struct kvm_irqfd irq = {.fd = (uint32_t)line, .gsi = 10};
    uint64_t v;

    (void)state;
    begin(true);
    assert_int_equal(ioctl_fd(vm_fd, KVM_IOEVENTFD, &io), 0);
    assert_int_equal(ioctl_fd(vm_fd, KVM_IOEVENTFD, &io), -EEXIST);
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    plan_set(2, &out, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->exit_reason, KVM_EXIT_SHUTDOWN);
    assert_int_equal(fake_eventfd_count(bell), 1);
    r.rax = 8; /* another value goes to ring 3 */
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    plan_set(1, &out);
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->exit_reason, KVM_EXIT_IO);
    io.flags |= KVM_IOEVENTFD_FLAG_DEASSIGN;
    assert_int_equal(ioctl_fd(vm_fd, KVM_IOEVENTFD, &io), 0);
    assert_int_equal(ioctl_fd(vm_fd, KVM_IOEVENTFD, &io), -ENOENT);
    io.fd = vm_fd;
    assert_int_equal(ioctl_fd(vm_fd, KVM_IOEVENTFD, &io), -EINVAL);

    /* A level interrupt by irqfd: up until the EOI, then the resample eventfd says so. */
    irq.flags = KVM_IRQFD_FLAG_RESAMPLE;
    irq.resamplefd = (uint32_t)resample;
    lapic_write(APIC_SVR, 0x1ff);
    lapic_write(APIC_LVT_LINT0, APIC_LVT_MASKED); /* the PIC hears of GSI 10 too */
    v = 0x10 + 2 * 10;
    assert_true(irq_mmio(vcpu0, IOAPIC_BASE, 4, true, &v));
    v = 0x8000 | 0x71;
    assert_true(irq_mmio(vcpu0, IOAPIC_BASE + 0x10, 4, true, &v));
    assert_int_equal(ioctl_fd(vm_fd, KVM_IRQFD, &irq), 0);
    assert_int_equal(ioctl_fd(vm_fd, KVM_IRQFD, &irq), -EBUSY);
    eventfd_signal(eventfd_from_file(fake_files[line]), 1);
    assert_int_equal(irq_take(vcpu0), 0x71);
    assert_int_equal(fake_eventfd_count(resample), 0);
    lapic_write(APIC_EOI, 0);
    assert_int_equal(fake_eventfd_count(resample), 1);
    assert_int_equal(irq_take(vcpu0), -1);
    irq.flags = KVM_IRQFD_FLAG_DEASSIGN;
    assert_int_equal(ioctl_fd(vm_fd, KVM_IRQFD, &irq), 0);

    /* The resample eventfd is another irqfd's own: no lock is taken twice. */
    irq = (struct kvm_irqfd){.fd = (uint32_t)line, .gsi = 10, .flags = KVM_IRQFD_FLAG_RESAMPLE,
                             .resamplefd = (uint32_t)line};
    assert_int_equal(ioctl_fd(vm_fd, KVM_IRQFD, &irq), 0);
    eventfd_signal(eventfd_from_file(fake_files[line]), 1);
    assert_int_equal(irq_take(vcpu0), 0x71);
    lapic_write(APIC_EOI, 0);
    assert_int_equal(irq_take(vcpu0), 0x71);
    end();
    close_fd(bell);
    close_fd(line);
    close_fd(resample);
}

/* All GSIs there are lead to one pin: its EOI is heard by those that have an irqfd, on whichever of them. */
static void test_resample_shared_pin(void **state)
{
    static struct {
        struct kvm_irq_routing head;
        struct kvm_irq_routing_entry entries[VM_MAX_GSI];
    } table = {.head.nr = VM_MAX_GSI};
    static const uint32_t gsis[] = {3, 700, VM_MAX_GSI - 1};
    int line[3], resample[3], other = fake_eventfd(), silent = fake_eventfd();
    struct kvm_irqfd irq = {.fd = (uint32_t)other, .resamplefd = (uint32_t)silent, .gsi = 5, .flags = KVM_IRQFD_FLAG_RESAMPLE};
    uint64_t v = 0x10 + 2 * 10;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        line[i] = fake_eventfd();
        resample[i] = fake_eventfd();
    }
    begin(true);
    for (uint32_t i = 0; i < VM_MAX_GSI; i++)
        table.entries[i] = (struct kvm_irq_routing_entry){
            .gsi = i, .type = KVM_IRQ_ROUTING_IRQCHIP, .u.irqchip = {.irqchip = 2, .pin = i == 5 ? 11 : 10}};
    assert_int_equal(ioctl_fd(vm_fd, KVM_SET_GSI_ROUTING, &table), 0);
    assert_int_equal(ioctl_fd(vm_fd, KVM_IRQFD, &irq), 0);
    for (unsigned i = 0; i < 3; i++) {
        irq.fd = (uint32_t)line[i];
        irq.resamplefd = (uint32_t)resample[i];
        irq.gsi = gsis[i];
        assert_int_equal(ioctl_fd(vm_fd, KVM_IRQFD, &irq), 0);
    }
    lapic_write(APIC_SVR, 0x1ff);
    assert_true(irq_mmio(vcpu0, IOAPIC_BASE, 4, true, &v));
    v = 0x8000 | 0x71;
    assert_true(irq_mmio(vcpu0, IOAPIC_BASE + 0x10, 4, true, &v));
    eventfd_signal(eventfd_from_file(fake_files[line[1]]), 1);
    assert_int_equal(irq_take(vcpu0), 0x71);
    lapic_write(APIC_EOI, 0);
    assert_int_equal(irq_take(vcpu0), -1);
    assert_int_equal(fake_eventfd_count(silent), 0);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(fake_eventfd_count(resample[i]), 1);
    end();
    for (unsigned i = 0; i < 3; i++) {
        close_fd(line[i]);
        close_fd(resample[i]);
    }
    close_fd(other);
    close_fd(silent);
}

/* With the PICs the acknowledge is theirs. */
static void test_resample_by_pic(void **state)
{
    int line = fake_eventfd(), resample = fake_eventfd();
    struct kvm_irqfd irq = {.fd = (uint32_t)line, .gsi = 5, .flags = KVM_IRQFD_FLAG_RESAMPLE,
                            .resamplefd = (uint32_t)resample};
    uint32_t value = 0x20;

    (void)state;
    begin(true);
    program_pic();
    value = 1 << 5;
    assert_true(irq_pio(vcpu0->vm, 0x4d0, 1, false, &value)); /* level */
    assert_int_equal(ioctl_fd(vm_fd, KVM_IRQFD, &irq), 0);
    eventfd_signal(eventfd_from_file(fake_files[line]), 1);
    assert_int_equal(fake_eventfd_count(line), 0); /* consumed */
    assert_int_equal(irq_take(vcpu0), 0x35);
    assert_int_equal(fake_eventfd_count(resample), 0);
    value = 0x20; /* end of interrupt */
    assert_true(irq_pio(vcpu0->vm, 0x20, 1, false, &value));
    assert_int_equal(fake_eventfd_count(resample), 1);
    assert_int_equal(irq_take(vcpu0), -1);
    end();
    close_fd(line);
    close_fd(resample);
}

/* A message that no APIC takes is not waited for: the pin works again when one does. */
static void test_ioapic_without_taker(void **state)
{
    uint64_t v;

    (void)state;
    begin(true);
    lapic_write(APIC_LVT_LINT0, APIC_LVT_MASKED);
    lapic_write(APIC_SVR, 0xff); /* software-disabled */
    v = 0x10 + 2 * 10;
    assert_true(irq_mmio(vcpu0, IOAPIC_BASE, 4, true, &v));
    v = 0x8000 | 0x71;
    assert_true(irq_mmio(vcpu0, IOAPIC_BASE + 0x10, 4, true, &v));
    irq_line(10, 1);
    assert_true(irq_mmio(vcpu0, IOAPIC_BASE + 0x10, 4, false, &v));
    assert_int_equal(v & 0x4000, 0);
    lapic_write(APIC_SVR, 0x1ff);
    v = 0x8000 | 0x71;
    assert_true(irq_mmio(vcpu0, IOAPIC_BASE + 0x10, 4, true, &v));
    assert_int_equal(irq_take(vcpu0), 0x71);
    end();
}

static void test_routes(void **state)
{
    static struct {
        struct kvm_irq_routing head;
        struct kvm_irq_routing_entry entries[3];
    } table;
    struct kvm_irq_routing_entry chip = {.gsi = 3, .type = KVM_IRQ_ROUTING_IRQCHIP, .u.irqchip = {.irqchip = 2, .pin = 3}};
    struct kvm_irq_routing_entry msi = {.gsi = 3, .type = KVM_IRQ_ROUTING_MSI, .u.msi = {.address_lo = 0xfee00000, .data = 0x61}};

    (void)state;
    begin(true);
    table.head.nr = 2;
    table.entries[0] = table.entries[1] = chip;
    assert_int_equal(ioctl_fd(vm_fd, KVM_SET_GSI_ROUTING, &table), -EINVAL);
    table.entries[1].u.irqchip.irqchip = 0;
    assert_int_equal(ioctl_fd(vm_fd, KVM_SET_GSI_ROUTING, &table), 0);
    table.entries[1] = msi;
    assert_int_equal(ioctl_fd(vm_fd, KVM_SET_GSI_ROUTING, &table), -EINVAL);
    table.entries[0] = msi;
    assert_int_equal(ioctl_fd(vm_fd, KVM_SET_GSI_ROUTING, &table), -EINVAL);
    table.entries[0].gsi = 4;
    assert_int_equal(ioctl_fd(vm_fd, KVM_SET_GSI_ROUTING, &table), 0);
    end();
}

int hv_irq_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pic_wakes_halt),
        cmocka_unit_test(test_lapic_timer_wakes_halt),
        cmocka_unit_test(test_pit_ticks),
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_nmi),
        cmocka_unit_test(test_user_irq),
        cmocka_unit_test(test_signals),
        cmocka_unit_test(test_start_ap),
        cmocka_unit_test(test_eventfds),
        cmocka_unit_test(test_resample_shared_pin),
        cmocka_unit_test(test_resample_by_pic),
        cmocka_unit_test(test_ioapic_without_taker),
        cmocka_unit_test(test_routes),
    };

    return cmocka_run_group_tests_name("hv interrupts", tests, NULL, NULL);
}
