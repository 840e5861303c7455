/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPUID: what a guest may be offered (KVM_GET_SUPPORTED_CPUID) and what it sees.
 *
 * A feature is offered when the CPU has it and it is in the masks below: new bits
 * of new CPUs stay hidden until somebody has thought about their state. The guest
 * sees exactly what ring 3 has set with KVM_SET_CPUID2, apart from the bits that
 * follow from guest state (OSXSAVE, the APIC's presence, XSAVE sizes).
 */
#include <kernel/cgroup.h>
#include <kernel/trap.h>

#include "vm.h"

#define BITS(...) bits_((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static uint32_t bits_(const uint8_t *bits, size_t n)
{
    uint32_t mask = 0;

    for (size_t i = 0; i < n; i++)
        mask |= 1u << bits[i];
    return mask;
}

#define LEAF1_ECX_X2APIC    (1u << 21)
#define LEAF1_ECX_DEADLINE  (1u << 24)
#define LEAF1_ECX_XSAVE     (1u << 26)
#define LEAF1_ECX_OSXSAVE   (1u << 27)
#define LEAF1_ECX_AVX       (1u << 28)
#define LEAF1_ECX_HYPERVISOR (1u << 31)
#define LEAF1_EDX_APIC      (1u << 9)
#define EXTENDED1_EDX_RDTSCP (1u << 27)

#define XCR0_KNOWN 0xe7ULL /* x87, SSE, AVX, AVX-512 */
#define XSAVE_AREA 4096u   /* what a vCPU has room for, and KVM_GET_XSAVE */

/* ---- XSAVE components ------------------------------------------------------------------ */

static uint32_t xsave_size(uint64_t xcr0)
{
    uint32_t size = 512 + 64;

    for (unsigned int i = 2; i < 63; i++) {
        struct cpuid_regs r;

        if (!(xcr0 & BIT(i)))
            continue;
        r = cpuid(0xd, i);
        size = max(size, r.eax + r.ebx);
    }
    return size;
}

static uint64_t guest_xcr0; /* [I] after cpuid_init(), as what follows */
static bool has_rdtscp;

void cpuid_init(void)
{
    const char *why;

    has_rdtscp = cpu_has_rdtscp() && hv_ops(&why)->can_rdtscp();
    guest_xcr0 = fpu_xcr0() & XCR0_KNOWN;
    if (xsave_size(guest_xcr0) > XSAVE_AREA)
        guest_xcr0 &= 3;
}

uint64_t hv_guest_xcr0(void)
{
    return guest_xcr0;
}

uint64_t cpuid_guest_xcr0(const struct vcpu *vcpu)
{
    const struct kvm_cpuid_entry2 *leaf = cpuid_find(vcpu, 0xd, 0);

    if (leaf == NULL)
        return 0;
    return ((uint64_t)leaf->edx << 32 | leaf->eax) & hv_guest_xcr0();
}

/* ---- what is offered -------------------------------------------------------------------- */

static void mask_leaf_1(struct kvm_cpuid_entry2 *e)
{
    /* SSE3 PCLMUL SSSE3 FMA CX16 SSE4.1 SSE4.2 MOVBE POPCNT AES F16C RDRAND */
    uint32_t ecx = BITS(0, 1, 9, 12, 13, 19, 20, 22, 23, 25, 29, 30);
    /* FPU VME DE PSE TSC MSR PAE MCE CX8 APIC SEP MTRR PGE MCA CMOV PAT PSE36 CLFSH MMX FXSR SSE SSE2 HTT */
    uint32_t edx = BITS(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 19, 23, 24, 25, 26, 28);

    if (hv_guest_xcr0() != 0)
        ecx |= LEAF1_ECX_XSAVE | LEAF1_ECX_AVX;
    if (!(hv_guest_xcr0() & 4))
        ecx &= ~(LEAF1_ECX_AVX | (1u << 12) | (1u << 29)); /* FMA and F16C need AVX state */
    e->ebx &= 0x0000ff00; /* the APIC id and the topology are ring 3's to fill in */
    e->ecx &= ecx;
    e->ecx |= LEAF1_ECX_X2APIC | LEAF1_ECX_HYPERVISOR; /* emulated, whatever the CPU has */
    e->edx &= edx;
}

static void mask_leaf_7(struct kvm_cpuid_entry2 *e)
{
    if (e->index != 0) {
        e->eax = e->ebx = e->ecx = e->edx = 0;
        return;
    }
    e->eax = 0;
    /* FSGSBASE BMI1 SMEP BMI2 ERMS RDSEED ADX SMAP CLFLUSHOPT CLWB SHA */
    uint32_t ebx = BITS(0, 3, 7, 8, 9, 18, 19, 20, 23, 24, 29);

    if (hv_guest_xcr0() & 4)
        ebx |= BITS(5); /* AVX2 */
    if ((hv_guest_xcr0() & 0xe0) == 0xe0)
        ebx |= BITS(16, 17, 28, 30, 31); /* AVX-512 F, DQ, CD, BW, VL */
    e->ebx &= ebx;
    e->ecx &= BITS(2); /* UMIP */
    e->edx = 0;
}

static void mask_leaf_d(struct kvm_cpuid_entry2 *e)
{
    uint64_t xcr0 = hv_guest_xcr0();

    if (e->index == 0) {
        e->eax = (uint32_t)xcr0;
        e->edx = (uint32_t)(xcr0 >> 32);
        e->ebx = e->ecx = xcr0 != 0 ? xsave_size(xcr0) : 0;
    } else if (e->index == 1) {
        e->eax &= BITS(0); /* XSAVEOPT; not XSAVEC, XSAVES */
        e->ebx = e->ecx = e->edx = 0;
    } else if (e->index >= 63 || !(xcr0 & BIT(e->index))) {
        e->eax = e->ebx = e->ecx = e->edx = 0;
    }
}

static void mask_extended_1(struct kvm_cpuid_entry2 *e)
{
    /* LAHF CMP_LEGACY CR8_LEGACY ABM SSE4A MISALIGNSSE 3DNOWPREFETCH */
    e->ecx &= BITS(0, 1, 4, 5, 6, 7, 8);
    /* as leaf 1, SYSCALL NX MMXEXT FXSR FFXSR 1G-pages RDTSCP LM; 1 GiB pages only as the CPU has them */
    e->edx &= BITS(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 20, 22, 23, 24, 25, 26, 27, 29);
    if (!has_rdtscp)
        e->edx &= ~EXTENDED1_EDX_RDTSCP;
}

static void mask_nothing(struct kvm_cpuid_entry2 *e)
{
    (void)e;
}

static void mask_zero(struct kvm_cpuid_entry2 *e)
{
    e->eax = e->ebx = e->ecx = e->edx = 0;
}

static void mask_leaf_0(struct kvm_cpuid_entry2 *e)
{
    e->eax = min(e->eax, 0xdu);
}

static void mask_leaf_4(struct kvm_cpuid_entry2 *e)
{
    e->eax &= 0x3fff; /* not how many share it: topology */
}

static void mask_leaf_6(struct kvm_cpuid_entry2 *e)
{
    e->eax = BITS(2); /* ARAT: the APIC timer never stops */
    e->ebx = e->ecx = e->edx = 0;
}

static void mask_extended_0(struct kvm_cpuid_entry2 *e)
{
    e->eax = min(e->eax, 0x80000008u);
}

static void mask_extended_7(struct kvm_cpuid_entry2 *e)
{
    e->eax = e->ebx = e->ecx = 0;
    e->edx = 1u << 8; /* invariant TSC */
}

static void mask_extended_8(struct kvm_cpuid_entry2 *e)
{
    e->eax = min(e->eax & 0xff, (uint32_t)STAGE2_GPA_BITS) | (e->eax & 0xff00);
    e->ebx = e->ecx = e->edx = 0;
}

static void fill_kvm_signature(struct kvm_cpuid_entry2 *e)
{
    e->eax = KVM_CPUID_FEATURES;
    memcpy(&e->ebx, "KVMK", 4);
    memcpy(&e->ecx, "VMKV", 4);
    memcpy(&e->edx, "M\0\0\0", 4);
}

static void fill_kvm_features(struct kvm_cpuid_entry2 *e)
{
    e->eax = (1u << KVM_FEATURE_CLOCKSOURCE) | (1u << KVM_FEATURE_NOP_IO_DELAY) |
             (1u << KVM_FEATURE_CLOCKSOURCE2) | (1u << KVM_FEATURE_CLOCKSOURCE_STABLE_BIT);
    e->ebx = e->ecx = e->edx = 0;
}

static const struct {
    uint32_t function;
    bool is_indexed;
    uint8_t last_index;
    void (*mask)(struct kvm_cpuid_entry2 *e);
} leaves[] = {
    {0x00000000, false, 0, mask_leaf_0},     {0x00000001, false, 0, mask_leaf_1},
    {0x00000002, false, 0, mask_nothing},    {0x00000004, true, 4, mask_leaf_4},
    {0x00000005, false, 0, mask_zero},       {0x00000006, false, 0, mask_leaf_6},
    {0x00000007, true, 0, mask_leaf_7},      {0x0000000a, false, 0, mask_zero},
    {0x0000000b, true, 1, mask_zero},        {0x0000000d, true, 7, mask_leaf_d},
    {KVM_CPUID_SIGNATURE, false, 0, fill_kvm_signature},
    {KVM_CPUID_FEATURES, false, 0, fill_kvm_features},
    {0x80000000, false, 0, mask_extended_0}, {0x80000001, false, 0, mask_extended_1},
    {0x80000002, false, 0, mask_nothing},    {0x80000003, false, 0, mask_nothing},
    {0x80000004, false, 0, mask_nothing},    {0x80000005, false, 0, mask_nothing},
    {0x80000006, false, 0, mask_nothing},    {0x80000007, false, 0, mask_extended_7},
    {0x80000008, false, 0, mask_extended_8},
};

static bool is_leaf_present(uint32_t function)
{
    if ((function & 0xf0000000) == 0x40000000)
        return true;
    return function <= cpuid(function & 0x80000000, 0).eax;
}

int cpuid_supported(struct kvm_cpuid_entry2 *entries, unsigned int max_entries)
{
    unsigned int n = 0;

    for (unsigned int i = 0; i < ARRAY_SIZE(leaves); i++) {
        if (!is_leaf_present(leaves[i].function))
            continue;
        for (uint32_t index = 0; index <= leaves[i].last_index; index++) {
            struct cpuid_regs r = cpuid(leaves[i].function, index);
            struct kvm_cpuid_entry2 e = {
                .function = leaves[i].function, .index = index,
                .flags = leaves[i].is_indexed ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
                .eax = r.eax, .ebx = r.ebx, .ecx = r.ecx, .edx = r.edx,
            };

            leaves[i].mask(&e);
            if (index > 0 && e.eax == 0 && e.ebx == 0 && e.function != 0xb)
                continue;
            if (n == max_entries)
                return -E2BIG;
            entries[n++] = e;
        }
    }
    return (int)n;
}

/* ---- what the guest sees ---------------------------------------------------------------- */

struct kvm_cpuid_entry2 *cpuid_find(const struct vcpu *vcpu, uint32_t function, uint32_t index)
{
    for (unsigned int i = 0; i < vcpu->cpuid_count; i++) {
        struct kvm_cpuid_entry2 *e = &vcpu->cpuid[i];

        if (e->function == function &&
            (!(e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) || e->index == index))
            return e;
    }
    return NULL;
}

int cpuid_set(struct vcpu *vcpu, struct kvm_cpuid_entry2 *entries, unsigned int count)
{
    const struct kvm_cpuid_entry2 *e;

    kfree(vcpu->cpuid);
    vcpu->cpuid = entries;
    vcpu->cpuid_count = count;
    e = cpuid_find(vcpu, 0x80000008, 0);
    vcpu->phys_bits = e != NULL ? e->eax & 0xff : 36;
    if (vcpu->phys_bits < 32 || vcpu->phys_bits > 52)
        vcpu->phys_bits = 36;
    e = cpuid_find(vcpu, 1, 0);
    vcpu->has_x2apic = e != NULL && (e->ecx & LEAF1_ECX_X2APIC);
    return 0;
}

static bool is_intel(const struct vcpu *vcpu)
{
    const struct kvm_cpuid_entry2 *e = cpuid_find(vcpu, 0, 0);

    return e != NULL && e->ebx == 0x756e6547;
}

/* An unknown basic leaf reads as zeros on AMD, as the highest basic leaf on Intel. */
static struct kvm_cpuid_entry2 *find_or_default(struct vcpu *vcpu, uint32_t function, uint32_t index)
{
    struct kvm_cpuid_entry2 *e = cpuid_find(vcpu, function, index), *base;

    if (e != NULL || !is_intel(vcpu))
        return e;
    base = cpuid_find(vcpu, function & 0xc0000000, 0);
    if ((function & 0xf0000000) == 0x40000000 || (base != NULL && function <= base->eax))
        return NULL;
    base = cpuid_find(vcpu, 0, 0);
    return base != NULL ? cpuid_find(vcpu, base->eax, index) : NULL;
}

enum exit_action exit_cpuid(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    uint64_t *gpr = vcpu->regs.gpr;
    uint32_t function = (uint32_t)gpr[GPR_RAX], index = (uint32_t)gpr[GPR_RCX];
    const struct kvm_cpuid_entry2 *e = find_or_default(vcpu, function, index);
    uint32_t ebx = 0, ecx = 0, edx = 0;

    gpr[GPR_RAX] = 0;
    if (e != NULL) {
        gpr[GPR_RAX] = e->eax;
        ebx = e->ebx;
        ecx = e->ecx;
        edx = e->edx;
    }
    if (function == 1 && e != NULL) {
        ecx &= ~LEAF1_ECX_OSXSAVE;
        if (vcpu->has_osxsave)
            ecx |= LEAF1_ECX_OSXSAVE;
        if (vcpu->vm->has_irqchip && !lapic_is_enabled(&vcpu->lapic))
            edx &= ~LEAF1_EDX_APIC;
    } else if (function == 0xd && index == 0 && e != NULL) {
        ebx = xsave_size(vcpu->xcr0); /* for what is enabled now */
    } else if (function == 0xb && e != NULL) {
        ecx = (ecx & ~0xffu) | (index & 0xff);
    }
    gpr[GPR_RBX] = ebx;
    gpr[GPR_RCX] = ecx;
    gpr[GPR_RDX] = edx;
    return exit_skip(vcpu, vmexit);
}
