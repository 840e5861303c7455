/* SPDX-License-Identifier: BSD-2-Clause */
/* CPUID, model-specific registers, the state that goes in and out of a vCPU. */
#include "harness.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#define MSR_TSC            0x10u
#define MSR_APIC_BASE      0x1bu
#define MSR_EFER           0xc0000080u
#define MSR_STAR           0xc0000081u
#define MSR_LSTAR          0xc0000082u
#define MSR_FS_BASE        0xc0000100u
#define MSR_GS_BASE        0xc0000101u
#define MSR_KERNEL_GS_BASE 0xc0000102u
#define MSR_TSC_AUX        0xc0000103u
#define MSR_NONSENSE       0x12345u
#define GP                 13u

/* ---- CPUID ------------------------------------------------------------------------- */

static void ask_cpuid(struct machine *m, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    answer_in(m, 0x10, 4, leaf);
    answer_in(m, 0x10, 4, subleaf);
    for (unsigned i = 0; i < 4; i++)
        out[i] = next_report(m);
}

static void cpuid(void)
{
    struct {
        struct kvm_cpuid2 head;
        struct kvm_cpuid_entry2 entries[5];
    } list = {
        .head.nent = 5,
        .entries = {
            { .function = 0, .eax = 0xd, .ebx = 0x11, .ecx = 0x22, .edx = 0x33 },
            { .function = 1, .eax = 0x800f12, .ebx = 0x5000000, .ecx = 0x80000001, .edx = 0x178bfbff },
            { .function = 4, .index = 1, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX, .eax = 0x41 },
            { .function = 4, .index = 2, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX, .eax = 0x42 },
            { .function = 0x40000000, .eax = 0x40000001, .ebx = 0x4b4d564b },
        },
    };
    struct machine m;
    uint32_t got[4];

    machine_init(&m, LONG_MODE, NO_IRQCHIP, GUEST(cpuid));
    must(m.vcpu, KVM_SET_CPUID2, &list);
    ask_cpuid(&m, 0, 0x77, got);
    check_equal("leaf 0 eax", got[0], 0xd);
    check_equal("leaf 0 ebx", got[1], 0x11);
    check_equal("leaf 0 ecx", got[2], 0x22);
    check_equal("leaf 0 edx", got[3], 0x33);
    ask_cpuid(&m, 1, 0, got);
    check_equal("leaf 1 ebx", got[1], 0x5000000);
    check_equal("leaf 1 ecx bit 31", got[2] >> 31, 1);
    ask_cpuid(&m, 4, 1, got);
    check_equal("leaf 4.1 eax", got[0], 0x41);
    ask_cpuid(&m, 4, 2, got);
    check_equal("leaf 4.2 eax", got[0], 0x42);
    ask_cpuid(&m, 4, 3, got);
    check_equal("leaf 4.3 eax", got[0], 0);
    ask_cpuid(&m, 0x40000000, 0, got);
    check_equal("leaf 0x40000000 ebx", got[1], 0x4b4d564b);
    ask_cpuid(&m, 5, 0, got);
    check_equal("a leaf that was not set, eax", got[0], 0);
}

static void cpuid_supported(void)
{
    struct {
        struct kvm_cpuid2 head;
        struct kvm_cpuid_entry2 entries[256];
    } list = { .head.nent = 1 };
    bool has_signature = false, has_clock = false, has_x2apic = false, has_long_mode = false;

    must_fail(E2BIG, kvm_fd, KVM_GET_SUPPORTED_CPUID, &list);
    list.head.nent = 256;
    must(kvm_fd, KVM_GET_SUPPORTED_CPUID, &list);
    for (uint32_t i = 0; i < list.head.nent; i++) {
        const struct kvm_cpuid_entry2 *e = &list.entries[i];

        has_signature |= e->function == 0x40000000 && e->ebx == 0x4b4d564b &&
                         e->ecx == 0x564b4d56 && e->edx == 0x4d;
        has_clock |= e->function == 0x40000001 && (e->eax & 1u << 3);
        has_x2apic |= e->function == 1 && (e->ecx & 1u << 21);
        has_long_mode |= e->function == 0x80000001 && (e->edx & 1u << 29);
    }
    check_equal("KVM's signature is there", has_signature, 1);
    check_equal("kvmclock is there", has_clock, 1);
    check_equal("x2APIC is there", has_x2apic, 1);
    check_equal("long mode is there", has_long_mode, 1);
}

/* ---- MSRs --------------------------------------------------------------------------- */

static uint32_t guest_rdmsr(struct machine *m, uint32_t msr, uint64_t *value)
{
    uint32_t vector;

    answer_in(m, 0x10, 4, msr);
    answer_in(m, 0x10, 4, 0);
    vector = next_report(m);
    *value = next_report(m);
    *value |= (uint64_t)next_report(m) << 32;
    return vector;
}

static uint32_t guest_wrmsr(struct machine *m, uint32_t msr, uint64_t value)
{
    answer_in(m, 0x10, 4, msr);
    answer_in(m, 0x10, 4, 1);
    answer_in(m, 0x10, 4, (uint32_t)value);
    answer_in(m, 0x10, 4, value >> 32);
    return next_report(m);
}

static void msrs_keep_values(void)
{
    static const uint32_t kept[] = { MSR_STAR, MSR_LSTAR, MSR_FS_BASE, MSR_GS_BASE,
                                     MSR_KERNEL_GS_BASE };
    struct machine m;
    uint64_t value, before;

    machine_init(&m, LONG_MODE, IRQCHIP, GUEST(msr));
    for (unsigned i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        check_equal("vector of a write", guest_wrmsr(&m, kept[i], 0x123456789a00 + i), 0);
        check_equal("vector of a read", guest_rdmsr(&m, kept[i], &value), 0);
        check_equal("value", value, 0x123456789a00 + i);
    }
    check_equal("vector of reading EFER", guest_rdmsr(&m, MSR_EFER, &value), 0);
    check_equal("EFER", value, 0xd00);
    check_equal("vector of reading APIC_BASE", guest_rdmsr(&m, MSR_APIC_BASE, &value), 0);
    check_equal("APIC_BASE", value, 0xfee00900);
    check_equal("vector of reading the TSC", guest_rdmsr(&m, MSR_TSC, &before), 0);
    guest_rdmsr(&m, MSR_TSC, &value);
    check_equal("the TSC moves", value > before, 1);
}

static void msrs_refuse(void)
{
    struct machine m;
    uint64_t value;

    machine_init(&m, LONG_MODE, IRQCHIP, GUEST(msr));
    check_equal("vector of reading an unknown MSR", guest_rdmsr(&m, MSR_NONSENSE, &value), GP);
    check_equal("vector of writing an unknown MSR", guest_wrmsr(&m, MSR_NONSENSE, 1), GP);
    check_equal("a reserved bit of EFER", guest_wrmsr(&m, MSR_EFER, 0xd00 | 1ull << 33), GP);
    check_equal("long mode off while paging", guest_wrmsr(&m, MSR_EFER, 0x801), GP);
    check_equal("reserved bits of APIC_BASE", guest_wrmsr(&m, MSR_APIC_BASE, 0xfee009ff), GP);
}

static void msrs_from_outside(void)
{
    struct {
        struct kvm_msrs head;
        struct kvm_msr_entry entries[3];
    } msrs = {
        .head.nmsrs = 3,
        .entries = {
            { .index = MSR_KERNEL_GS_BASE, .data = 0x5555aaaa0000 },
            { .index = MSR_NONSENSE, .data = 1 },
            { .index = MSR_STAR, .data = 7 },
        },
    };
    struct machine m;
    uint64_t value;

    machine_init(&m, LONG_MODE, IRQCHIP, GUEST(msr));
    check_equal("MSRs set, up to the first bad one", must(m.vcpu, KVM_SET_MSRS, &msrs), 1);
    check_equal("vector", guest_rdmsr(&m, MSR_KERNEL_GS_BASE, &value), 0);
    check_equal("value in the guest", value, 0x5555aaaa0000);
    guest_wrmsr(&m, MSR_KERNEL_GS_BASE, 0x7777);
    check_equal("MSRs read", must(m.vcpu, KVM_GET_MSRS, &msrs), 1);
    check_equal("value outside", msrs.entries[0].data, 0x7777);
}

static void msr_list(void)
{
    struct {
        struct kvm_msr_list head;
        uint32_t indices[512];
    } list = { .head.nmsrs = 0 };
    struct {
        struct kvm_msrs head;
        struct kvm_msr_entry entry;
    } msr = { .head.nmsrs = 1 };
    struct machine m;

    must_fail(E2BIG, kvm_fd, KVM_GET_MSR_INDEX_LIST, &list);
    must(kvm_fd, KVM_GET_MSR_INDEX_LIST, &list);
    machine_init(&m, LONG_MODE, IRQCHIP, NULL, 0);
    for (uint32_t i = 0; i < list.head.nmsrs; i++) {
        msr.entry.index = list.indices[i];
        if (must(m.vcpu, KVM_GET_MSRS, &msr) != 1)
            fail("MSR 0x%x is listed but cannot be read", list.indices[i]);
    }
}

static void offer_everything(struct machine *m, bool *has_rdtscp)
{
    struct {
        struct kvm_cpuid2 head;
        struct kvm_cpuid_entry2 entries[256];
    } list = { .head.nent = 256 };

    *has_rdtscp = false;
    must(kvm_fd, KVM_GET_SUPPORTED_CPUID, &list);
    for (uint32_t i = 0; i < list.head.nent; i++)
        *has_rdtscp |= list.entries[i].function == 0x80000001 && (list.entries[i].edx & 1u << 27);
    must(m->vcpu, KVM_SET_CPUID2, &list);
}

static uint32_t host_tsc_aux(void)
{
    uint32_t aux;

    __asm__ volatile("rdtscp" : "=c"(aux) : : "eax", "edx");
    return aux;
}

/* Each has its own: two guests, and the program that runs them. */
static void tsc_aux(void)
{
    struct {
        struct kvm_msrs head;
        struct kvm_msr_entry entry;
    } msr = { .head.nmsrs = 1, .entry = { .index = MSR_TSC_AUX, .data = 0x11111111 } };
    struct machine a, b;
    uint32_t host;
    bool has_rdtscp;

    machine_init(&a, LONG_MODE, IRQCHIP, GUEST(tsc_aux));
    machine_init(&b, LONG_MODE, IRQCHIP, GUEST(tsc_aux));
    offer_everything(&a, &has_rdtscp);
    offer_everything(&b, &has_rdtscp);
    if (!has_rdtscp)
        skip("no RDTSCP for guests");
    host = host_tsc_aux();
    check_equal("MSRs set", must(a.vcpu, KVM_SET_MSRS, &msr), 1);
    for (uint32_t round = 1; round < 4; round++) {
        expect_report(&a, round * 0x11111111);
        check_equal("the host's TSC_AUX", host_tsc_aux(), host);
        expect_report(&a, round * 0x11111111);
        answer_in(&a, REPORT, 4, (round + 1) * 0x11111111);
        expect_report(&b, (round - 1) * 0x99);
        expect_report(&b, (round - 1) * 0x99);
        answer_in(&b, REPORT, 4, round * 0x99);
        check_equal("the host's TSC_AUX", host_tsc_aux(), host);
    }
    expect_report(&a, 0x44444444); /* what it wrote is in effect */
    check_equal("MSRs read", must(a.vcpu, KVM_GET_MSRS, &msr), 1);
    check_equal("value outside", msr.entry.data, 0x44444444);
}

/* ---- state in and out ------------------------------------------------------------------ */

static void registers(void)
{
    struct machine m;
    struct kvm_regs set, got;
    uint64_t seen[16];

    machine_init(&m, LONG_MODE, NO_IRQCHIP, GUEST(registers));
    set = get_regs(&m);
    for (unsigned i = 0; i < 16; i++)
        if (i != 6) /* rsp */
            ((uint64_t *)&set)[i] = 0x0101010101010101 * (i + 1);
    must(m.vcpu, KVM_SET_REGS, &set);
    machine_run_to(&m, KVM_EXIT_IO);
    memcpy(seen, m.ram + GUEST_DATA, sizeof(seen));
    check_equal("rax in the guest", seen[0], set.rax);
    check_equal("rbx in the guest", seen[1], set.rbx);
    check_equal("rcx in the guest", seen[2], set.rcx);
    check_equal("rdx in the guest", seen[3], set.rdx);
    check_equal("rsi in the guest", seen[4], set.rsi);
    check_equal("rdi in the guest", seen[5], set.rdi);
    check_equal("rsp in the guest", seen[6], set.rsp);
    check_equal("rbp in the guest", seen[7], set.rbp);
    check_equal("r8 in the guest", seen[8], set.r8);
    check_equal("r15 in the guest", seen[15], set.r15);
    got = get_regs(&m);
    check_equal("rax after", got.rax, set.rax + 1);
    check_equal("rbp after", got.rbp, set.rbp + 7);
    check_equal("r8 after", got.r8, set.r8 + 8);
    check_equal("r15 after", got.r15, set.r15 + 15);
    machine_run_to(&m, KVM_EXIT_HLT);
    got = get_regs(&m);
    check_equal("byte before rip", m.ram[got.rip - 1], 0xf4); /* behind the hlt */
}

static void special_registers(void)
{
    struct machine m;
    struct kvm_sregs set, got;

    machine_init(&m, LONG_MODE, NO_IRQCHIP, GUEST(long_mode));
    set = get_sregs(&m);
    set.cr2 = 0x1234567;
    set.fs.base = 0x7fff12345678;
    set.gdt.limit = 0x2f;
    set.idt.base = 0x5000;
    must(m.vcpu, KVM_SET_SREGS, &set);
    got = get_sregs(&m);
    check_equal("all of them", memcmp(&set, &got, sizeof(set)), 0);
    expect_report(&m, 0xfedcba98);
    got = get_sregs(&m);
    check_equal("cr0", got.cr0, set.cr0);
    check_equal("cr2", got.cr2, set.cr2);
    check_equal("cr3", got.cr3, set.cr3);
    check_equal("cr4", got.cr4, set.cr4);
    check_equal("efer", got.efer, set.efer);
    check_equal("fs.base", got.fs.base, set.fs.base);
    check_equal("idt.base", got.idt.base, set.idt.base);
    check_equal("cs.selector", got.cs.selector, 0x18);
    check_equal("cs.l", got.cs.l, 1);
    check_equal("ss.selector", got.ss.selector, 0x10);

    set = got;
    set.cr4 |= 1ull << 31;
    must_fail(EINVAL, m.vcpu, KVM_SET_SREGS, &set);
}

static void fpu(void)
{
    struct machine m;
    struct kvm_fpu state;
    uint64_t xmm3[2];

    machine_init(&m, LONG_MODE, NO_IRQCHIP, GUEST(fpu));
    expect_report(&m, 1);
    __asm__ volatile("fninit\n\tfldz\n\tpcmpeqd %%xmm0, %%xmm0\n\tpxor %%xmm15, %%xmm15"
                     ::: "xmm0", "xmm15", "st");
    expect_report(&m, 2);
    machine_run_to(&m, KVM_EXIT_HLT);
    must(m.vcpu, KVM_GET_FPU, &state);
    memcpy(xmm3, state.xmm[3], sizeof(xmm3));
    check_equal("xmm3, low half", xmm3[0], 0x0123456789abcdef);
    check_equal("xmm3, high half", xmm3[1], 0x1122334455667788);
    __asm__ volatile("fninit" ::: "st");
}

/* ---- time --------------------------------------------------------------------------------- */

struct __attribute__((packed)) clock_page {
    uint32_t version, pad0;
    uint64_t tsc, system_ns;
    uint32_t mul;
    int8_t shift;
    uint8_t flags, pad[2];
};

static uint64_t clock_ns(const struct clock_page *page, uint64_t tsc)
{
    uint64_t delta = tsc - page->tsc;

    delta = page->shift >= 0 ? delta << page->shift : delta >> -page->shift;
    return page->system_ns + (uint64_t)((unsigned __int128)delta * page->mul >> 32);
}

static void kvmclock(void)
{
    struct machine m;
    struct clock_page page;
    struct {
        uint32_t version, seconds, ns;
    } wall;
    uint64_t guest_tsc, ns;

    machine_init(&m, LONG_MODE, IRQCHIP, GUEST(kvmclock));
    expect_report(&m, 1);
    memcpy(&page, m.ram + GUEST_DATA, sizeof(page));
    memcpy(&wall, m.ram + GUEST_DATA + 0x100, sizeof(wall));
    memcpy(&guest_tsc, m.ram + GUEST_DATA + 0x200, sizeof(guest_tsc));
    check_equal("the version is even", page.version & 1, 0);
    check_equal("there is a version", page.version != 0, 1);
    check_equal("there is a multiplier", page.mul != 0, 1);
    ns = clock_ns(&page, guest_tsc);
    if (ns > 60ull * 1000000000)
        fail("the new machine's clock is at %llu ns", (unsigned long long)ns);
    if (wall.seconds + ns / 1000000000 + 60 < (uint64_t)time(NULL) ||
        wall.seconds > (uint64_t)time(NULL) + 60)
        fail("the wall clock says %u, it is %llu", wall.seconds, (unsigned long long)time(NULL));
    expect_report(&m, GUEST_DATA + 1);
}

static uint64_t tsc_of(int vcpu)
{
    struct {
        struct kvm_msrs head;
        struct kvm_msr_entry entry;
    } msr = { .head.nmsrs = 1, .entry.index = MSR_TSC };

    check_equal("TSCs read", must(vcpu, KVM_GET_MSRS, &msr), 1);
    return msr.entry.data;
}

/* Monitors write 0 to one TSC after the other: they are to be the same, as if all had been reset at once. */
static void tscs_are_equal(void)
{
    struct {
        struct kvm_msrs head;
        struct kvm_msr_entry entry;
    } zero = { .head.nmsrs = 1, .entry.index = MSR_TSC };
    struct machine m;
    uint64_t first;
    int64_t hz, later;
    int other;

    machine_init(&m, LONG_MODE, IRQCHIP, NULL, 0);
    other = must(m.vm, KVM_CREATE_VCPU, 1);
    hz = must(m.vcpu, KVM_GET_TSC_KHZ, 0) * 1000ll;
    check_equal("TSCs written", must(m.vcpu, KVM_SET_MSRS, &zero), 1);
    nanosleep(&(struct timespec){ .tv_nsec = 600000000 }, NULL);
    check_equal("TSCs written", must(other, KVM_SET_MSRS, &zero), 1);
    first = tsc_of(m.vcpu);
    later = (int64_t)(tsc_of(other) - first);
    if (later < -(hz / 3) || later > hz / 3)
        fail("the second TSC is %lld ticks ahead of the first", (long long)later);
}

/* A lower priority may let an interrupt in: whoever has the APIC hears of it. */
static void task_priority(void)
{
    struct machine m;

    machine_init(&m, LONG_MODE, IRQCHIP, GUEST(cr8));
    for (uint32_t report = 1; report <= 3; report++)
        expect_report(&m, report);
    expect_report(&m, 5);

    machine_init(&m, LONG_MODE, NO_IRQCHIP, GUEST(cr8));
    expect_report(&m, 1);
    check_equal("the raised priority", m.run->cr8, 9);
    machine_run_to(&m, KVM_EXIT_SET_TPR);
    check_equal("the lowered priority", m.run->cr8, 5);
    expect_report(&m, 2);
    expect_report(&m, 3);
    expect_report(&m, 5);
}

const struct test cpu_tests[] = {
    { "cpu_cpuid", cpuid },
    { "cpu_cpuid_supported", cpuid_supported },
    { "cpu_msrs_keep_values", msrs_keep_values },
    { "cpu_msrs_refuse", msrs_refuse },
    { "cpu_msrs_from_outside", msrs_from_outside },
    { "cpu_msr_list", msr_list },
    { "cpu_tsc_aux", tsc_aux },
    { "cpu_registers", registers },
    { "cpu_special_registers", special_registers },
    { "cpu_fpu", fpu },
    { "cpu_kvmclock", kvmclock },
    { "cpu_tscs_are_equal", tscs_are_equal },
    { "cpu_task_priority", task_priority },
    { NULL, NULL },
};
