/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPUID: KVM says what it can do; here the list becomes one CPU of this machine:
 * its number, how many there are, and the features that depend on our choices.
 */
#include "vm.h"

#define LEAF1_ECX_TSC_DEADLINE (1u << 24)
#define LEAF1_ECX_HYPERVISOR   (1u << 31)
#define LEAF1_EDX_HTT          (1u << 28)
#define LEAF6_EAX_ARAT         (1u << 2) /* the APIC timer never stops */
#define LEAF_8000_0001_ECX_CMP_LEGACY (1u << 1)

static void leaf1(struct kvm_cpuid_entry2 *entry, unsigned id, unsigned ncpus, bool tsc_deadline)
{
    /* EBX: 31-24 APIC id, 23-16 logical CPUs, 15-8 cache line in 8 bytes */
    entry->ebx = (entry->ebx & 0xffffu) | ncpus << 16 | id << 24;
    entry->ecx |= LEAF1_ECX_HYPERVISOR;
    if (tsc_deadline)
        entry->ecx |= LEAF1_ECX_TSC_DEADLINE;
    entry->edx &= ~LEAF1_EDX_HTT;
    if (ncpus > 1)
        entry->edx |= LEAF1_EDX_HTT;
}

void cpuid_prepare(struct kvm_cpuid2 *cpuid, unsigned id, unsigned ncpus, bool tsc_deadline)
{
    for (uint32_t i = 0; i < cpuid->nent; i++) {
        struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];

        switch (entry->function) {
        case 0x1:
            leaf1(entry, id, ncpus, tsc_deadline);
            break;
        case 0x4: /* 31-26: cores in the package, less one; 25-14: sharers, less one */
            entry->eax = (entry->eax & 0x3fffu) | (ncpus - 1) << 26;
            break;
        case 0x6:
            entry->eax |= LEAF6_EAX_ARAT;
            break;
        case 0xa: /* no performance counters: their probing is many exits for nothing */
            entry->eax = entry->ebx = entry->ecx = entry->edx = 0;
            break;
        case 0xb:
        case 0x1f:
            entry->edx = id;
            break;
        case 0x80000001:
            entry->ecx &= ~LEAF_8000_0001_ECX_CMP_LEGACY;
            if (ncpus > 1)
                entry->ecx |= LEAF_8000_0001_ECX_CMP_LEGACY;
            break;
        case 0x80000008: /* ECX 15-12: bits of the APIC id, 7-0: cores less one */
            entry->ecx = (entry->ecx & ~0xf0ffu) | (ncpus - 1);
            break;
        case 0x8000001e:
            entry->eax = id;
            entry->ebx = id;
            break;
        }
    }
}
