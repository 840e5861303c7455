/* SPDX-License-Identifier: BSD-2-Clause */
/* The modes of the CPU, entered by the test or by the guest itself. */
#include "harness.h"

#include <string.h>

static void real_mode(void)
{
    struct machine m;

    machine_init(&m, REAL_MODE, NO_IRQCHIP, GUEST(real_mode));
    expect_report(&m, 0x2222);
    expect_report(&m, 0x2223);
    expect_report(&m, 0xcafe1234);
    expect_report(&m, 0);
    machine_run_to(&m, KVM_EXIT_HLT);
    check_equal("byte at 0x10005", m.ram[0x10005], 0x42);
    check_equal("byte at 0x40000", m.ram[0x40000], 0x34);
}

/* Out of reset the CPU runs at 4 GiB - 16, with the segment's base not 16 times its selector. */
static void reset_state(void)
{
    struct machine m = { 0 };
    struct kvm_regs regs;
    struct kvm_sregs sregs;

    m.vm = must(kvm_fd, KVM_CREATE_VM, 0);
    m.vcpu = must(m.vm, KVM_CREATE_VCPU, 0);
    regs = get_regs(&m);
    sregs = get_sregs(&m);
    check_equal("rip", regs.rip, 0xfff0);
    check_equal("rflags", regs.rflags, 2);
    check_equal("cs.selector", sregs.cs.selector, 0xf000);
    check_equal("cs.base", sregs.cs.base, 0xffff0000);
    check_equal("cs.limit", sregs.cs.limit, 0xffff);
    check_equal("ds.base", sregs.ds.base, 0);
    check_equal("cr0", sregs.cr0, 0x60000010);
    check_equal("cr4", sregs.cr4, 0);
    check_equal("efer", sregs.efer, 0);
    check_equal("gdt.limit", sregs.gdt.limit, 0xffff);
    check_equal("idt.limit", sregs.idt.limit, 0xffff);
}

static void real_to_protected(void)
{
    struct machine m;

    machine_init(&m, REAL_MODE, NO_IRQCHIP, GUEST(real_to_protected));
    expect_report(&m, 0x5a5a);
    expect_report(&m, 0xabcd0123);
    expect_report(&m, 0x08);
    expect_report(&m, 0);
    machine_run_to(&m, KVM_EXIT_HLT);
    check_equal("byte at 0x20000", m.ram[0x20000], 0x77);
}

static void real_to_long(void)
{
    struct machine m;
    struct kvm_sregs sregs;

    machine_init(&m, REAL_MODE, NO_IRQCHIP, GUEST(real_to_long));
    expect_report(&m, 1);
    expect_report(&m, 0x12345678);
    expect_report(&m, 0x55667788);
    machine_run_to(&m, KVM_EXIT_HLT);
    sregs = get_sregs(&m);
    check_equal("efer", sregs.efer & 0x500, 0x500);
    check_equal("cs.l", sregs.cs.l, 1);
    check_equal("cr3", sregs.cr3, 0x100000);
}

static void protected_mode(void)
{
    struct machine m;

    machine_init(&m, PROTECTED_MODE, NO_IRQCHIP, GUEST(protected_mode));
    m.ram[0x301000] = 0x44;
    expect_report(&m, 0x1234);
    expect_report(&m, 0x11);
    expect_report(&m, 0x22);
    expect_mmio_write(&m, HOLE + 0x10, 4, 0x33);
    expect_report(&m, 0x44);
    machine_run_to(&m, KVM_EXIT_HLT);
}

static void long_mode(void)
{
    struct machine m;
    uint64_t product;

    machine_init(&m, LONG_MODE, NO_IRQCHIP, GUEST(long_mode));
    expect_report(&m, 0xfedcba98);
    expect_report(&m, 0x18);
    machine_run_to(&m, KVM_EXIT_HLT);
    memcpy(&product, m.ram + GUEST_DATA, sizeof(product));
    check_equal("product", product, 0x3333333366666666);
}

const struct test mode_tests[] = {
    { "mode_real", real_mode },
    { "mode_reset_state", reset_state },
    { "mode_real_to_protected", real_to_protected },
    { "mode_real_to_long", real_to_long },
    { "mode_protected", protected_mode },
    { "mode_long", long_mode },
    { NULL, NULL },
};
