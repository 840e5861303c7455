/* SPDX-License-Identifier: BSD-2-Clause */
/* Exceptions in the guest, and what happens when it cannot handle them. */
#include "harness.h"

#include <string.h>

#define PTE_PRESENT 0x1ull
#define PTE_WRITE   0x2ull
#define PTE_NX      (1ull << 63)
#define CR4_OSXSAVE (1ull << 18)
#define CPUID_1_ECX_XSAVE (1u << 26)

/* Give the first 2 MiB 4 KiB pages, so that single ones can be spoilt. */
static void split_first_pages(struct machine *m)
{
    uint64_t *pd = (uint64_t *)(m->ram + GUEST_PML4 + 0x2000);
    uint64_t *table = (uint64_t *)(m->ram + 0x200000);

    for (uint64_t i = 0; i < 512; i++)
        table[i] = i << 12 | PTE_PRESENT | PTE_WRITE;
    table[(GUEST_DATA + 0x1000) >> 12] = (GUEST_DATA + 0x1000) | PTE_PRESENT | PTE_NX;
    table[(GUEST_DATA + 0x2000) >> 12] = 0;
    pd[0] = 0x200000 | PTE_PRESENT | PTE_WRITE;
}

static void expect_fault(struct machine *m, const char *what, uint32_t vector, uint32_t error)
{
    uint32_t got_vector = next_report(m);
    uint32_t got_error = next_report(m);

    if (got_vector != vector || got_error != error)
        fail("%s: vector %u error 0x%x, not %u and 0x%x", what, got_vector, got_error, vector,
             error);
}

static void exceptions(void)
{
    struct machine m;
    struct kvm_sregs sregs;

    machine_init(&m, LONG_MODE, NO_IRQCHIP, GUEST(faults));
    split_first_pages(&m);
    sregs = get_sregs(&m);
    sregs.cr0 |= 0x10000; /* write protection also for the guest's kernel */
    must(m.vcpu, KVM_SET_SREGS, &sregs);

    expect_fault(&m, "ud2", 6, 0);
    expect_fault(&m, "div by zero", 0, 0);
    expect_fault(&m, "int3", 3, 0);
    expect_fault(&m, "int 0x55", 0x55, 0);
    expect_fault(&m, "load from a non-canonical address", 13, 0);
    expect_fault(&m, "push from a non-canonical address", 13, 0);
    expect_fault(&m, "load from an absent page", 14, 0);
    expect_report(&m, GUEST_DATA + 0x2008);
    expect_fault(&m, "store to a read-only page", 14, 3);
    expect_fault(&m, "execution of a data page", 14, 0x11);
    expect_fault(&m, "ds beyond the table", 13, 0x120);
    expect_fault(&m, "ss beyond the table", 13, 0x120);
    expect_fault(&m, "cr0 with paging but no protection", 13, 0);
    expect_fault(&m, "cr4 with a reserved bit", 13, 0);
    expect_fault(&m, "cr4 without PAE in long mode", 13, 0);
    expect_fault(&m, "lidt from a non-canonical address", 13, 0);
    machine_run_to(&m, KVM_EXIT_HLT);
}

/* With an XCR0 of its own, too: the host has to get back what it had, whatever became of CR4. */
static void triple_fault(void)
{
    unsigned eax = 1, ebx, ecx, edx;
    struct kvm_sregs sregs;
    struct kvm_regs regs;
    struct machine m;

    machine_init(&m, LONG_MODE, NO_IRQCHIP, GUEST(triple_fault));
    sregs = get_sregs(&m);
    regs = get_regs(&m);
    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx) : "c"(0));
    if (ecx & CPUID_1_ECX_XSAVE)
        sregs.cr4 |= CR4_OSXSAVE;
    for (int round = 0; round < 2; round++) { /* its CPU can be set up anew */
        must(m.vcpu, KVM_SET_SREGS, &sregs);
        must(m.vcpu, KVM_SET_REGS, &regs);
        expect_report(&m, 1);
        machine_run_to(&m, KVM_EXIT_SHUTDOWN);
    }
}

static void garbage_idt(void)
{
    struct machine m;

    machine_init(&m, LONG_MODE, NO_IRQCHIP, GUEST(garbage_idt));
    expect_report(&m, 1);
    machine_run_to(&m, KVM_EXIT_SHUTDOWN);
}

static void garbage_gdt(void)
{
    struct machine m;

    machine_init(&m, LONG_MODE, NO_IRQCHIP, GUEST(garbage_gdt));
    expect_report(&m, 13);
    expect_report(&m, 0x40);
    expect_report(&m, 13);
    expect_report(&m, 0x1000);
    machine_run_to(&m, KVM_EXIT_SHUTDOWN);
}

const struct test fault_tests[] = {
    { "fault_exceptions", exceptions },
    { "fault_triple", triple_fault },
    { "fault_garbage_idt", garbage_idt },
    { "fault_garbage_gdt", garbage_gdt },
    { NULL, NULL },
};
