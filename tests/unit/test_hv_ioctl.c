/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VM and its vCPU as ring 3 makes them, sets them and reads them back: slots, registers,
 * MSRs, CPUID; and the same state as the guest's own instructions change it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hv_fake/scripted_vm.h"
#include "test_hv.h"
#include "hv/msr.h"

/* ---- ioctls --------------------------------------------------------------------------------------- */

static void test_life(void **state)
{
    (void)state;
    assert_int_equal(kvm(KVM_GET_API_VERSION, 0), 12);
    assert_int_equal(kvm(KVM_GET_API_VERSION, 1), -EINVAL);
    assert_int_equal(kvm(KVM_GET_VCPU_MMAP_SIZE, 0), 12288);
    assert_int_equal(kvm(KVM_CREATE_VM, 1), -EINVAL);
    assert_int_equal(kvm(KVM_CHECK_EXTENSION, KVM_CAP_COALESCED_MMIO), 2);
    assert_int_equal(kvm(KVM_CHECK_EXTENSION, KVM_CAP_MSI_DEVID), 0);
    assert_int_equal(kvm(KVM_CHECK_EXTENSION, UINT64_MAX), 0);
    assert_int_equal(kvm(0xae77, 0), -EINVAL);
    begin(true);
    assert_int_equal(ioctl_fd(vm_fd, KVM_CREATE_VCPU, NULL), -EEXIST);
    assert_int_equal(ioctl_fd(vm_fd, KVM_CREATE_VCPU, (void *)1000), -EINVAL);
    assert_int_equal(ioctl_fd(vm_fd, KVM_CREATE_IRQCHIP, NULL), -EEXIST);
    assert_int_equal(ioctl_fd(vm_fd, KVM_RUN, NULL), -ENOTTY);
    assert_int_equal(ioctl_fd(cpu_fd, KVM_RUN, (void *)1), -EINVAL);
    assert_int_equal(ioctl_fd(cpu_fd, KVM_CREATE_VM, NULL), -EINVAL);
    struct mm other;
    fake_thread.mm = &other;
    assert_int_equal(ioctl_fd(vm_fd, KVM_CREATE_VCPU, NULL), -EIO);
    assert_int_equal(run_once(), -EIO);
    fake_thread.mm = &fake_mm;
    end();
}

static void test_slots(void **state)
{
    (void)state;
    begin(false);
    assert_int_equal(set_slot(1, 0x1000, 0x1000, 0, 0), -EEXIST);
    assert_int_equal(set_slot(1, 0x1001000, 0x1001, 0, 0), -EINVAL);
    assert_int_equal(set_slot(1, 0x1001001, 0x1000, 0, 0), -EINVAL);
    assert_int_equal(set_slot(1, ~0xfffULL, 0x2000, 0, 0), -EINVAL);
    assert_int_equal(set_slot(VM_MAX_SLOTS, 0x10000000, 0x1000, 0, 0), -EINVAL);
    assert_int_equal(set_slot(1, 0x10000000, 0x1000, 0, 4), -EINVAL);
    assert_int_equal(set_slot(1, 0x10000000, 0, 0, 0), -EINVAL);
    assert_int_equal(set_slot(0, 0, 0x1000, 0, 0), -EINVAL); /* no resizing */
    assert_int_equal(set_slot(1, 0x10000000, 0x3000, 0, 0), 0);
    assert_int_equal(set_slot(1, 0x20000000, 0x3000, 0, 0), 0); /* moved */
    assert_int_equal(set_slot(1, 0x20000000, 0, 0, 0), 0);
    for (uint32_t i = 1; i < VM_MAX_SLOTS; i++)
        assert_int_equal(set_slot(i, 0x10000000 + (i * 7919 % VM_MAX_SLOTS) * 0x1000, 0x1000, 0, 0), 0);
    end();
}

/* What is set reads back, and nothing of the kernel's memory comes along. */
static void test_state(void **state)
{
    struct kvm_vcpu_events events;
    struct kvm_debugregs debug;
    struct kvm_lapic_state lapic;
    struct kvm_mp_state mp;
    struct kvm_sregs sregs, sregs2;
    struct kvm_regs r = {.rax = 1, .rcx = 2, .rdx = 3, .rbx = 4, .rsp = 5, .rbp = 6, .rsi = 7, .rdi = 8,
                         .r8 = 9, .r15 = 10, .rip = 11, .rflags = ~0ULL}, r2;
    struct kvm_fpu fpu = {.fcw = 0x27f, .mxcsr = 0xffffffff, .xmm = {[3] = {1, 2, 3}}}, fpu2;

    (void)state;
    begin(true);
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_REGS, &r), 0);
    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_REGS, &r2), 0);
    assert_int_equal(r2.rflags & 0x8028, 0);
    r.rflags = r2.rflags;
    assert_memory_equal(&r, &r2, sizeof(r));

    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_SREGS, &sregs), 0);
    assert_int_equal(sregs.cs.base, 0xffff0000);
    assert_int_equal(sregs.cr0, 0x60000010);
    assert_int_equal(sregs.apic_base, 0xfee00900);
    sregs.cr2 = 0x123;
    sregs.gs.base = 0xffff888000000000ULL;
    sregs.cr8 = 5;
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_SREGS, &sregs), 0);
    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_SREGS, &sregs2), 0);
    assert_memory_equal(&sregs, &sregs2, sizeof(sregs));
    sregs.cr0 = 0x80000000; /* paging without protection */
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_SREGS, &sregs), -EINVAL);
    sregs.cr0 = 0x80000011;
    sregs.efer = EFER_LME | EFER_LMA; /* long mode without PAE */
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_SREGS, &sregs), -EINVAL);
    sregs.cr4 = CR4_PAE | CR4_VMXE;
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_SREGS, &sregs), -EINVAL);
    sregs.cr4 = CR4_PAE;
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_SREGS, &sregs), 0);

    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_FPU, &fpu), 0);
    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_FPU, &fpu2), 0);
    assert_int_equal(fpu2.mxcsr, 0xffff);
    assert_memory_equal(fpu.xmm, fpu2.xmm, sizeof(fpu.xmm));

    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_VCPU_EVENTS, &events), 0);
    events.nmi.pending = 1;
    events.interrupt.shadow = KVM_X86_SHADOW_INT_STI;
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_VCPU_EVENTS, &events), 0);
    memset(&events, 0, sizeof(events));
    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_VCPU_EVENTS, &events), 0);
    assert_int_equal(events.nmi.pending, 1);
    assert_int_equal(events.interrupt.shadow, KVM_X86_SHADOW_INT_STI);
    events.flags = 0x8000;
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_VCPU_EVENTS, &events), -EINVAL);

    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_DEBUGREGS, &debug), 0);
    debug.db[2] = 0x77;
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_DEBUGREGS, &debug), 0);
    debug.dr7 = 1ULL << 40;
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_DEBUGREGS, &debug), -EINVAL);

    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_LAPIC, &lapic), 0);
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_LAPIC, &lapic), 0);
    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_MP_STATE, &mp), 0);
    assert_int_equal(mp.mp_state, KVM_MP_STATE_RUNNABLE);
    mp.mp_state = 9;
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_MP_STATE, &mp), -EINVAL);
    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_REGS, (void *)8), -EFAULT);
    end();
}

static struct {
    struct kvm_msrs head;
    struct kvm_msr_entry entries[255];
} msr_arg;
static struct {
    uint32_t n;
    uint32_t indices[256];
} msr_list_arg;

/* Every MSR of the index list can be read and set to what it was. */
static void test_msrs(void **state)
{
    (void)state;
    begin(true);
    msr_list_arg.n = 1;
    assert_int_equal(kvm(KVM_GET_MSR_INDEX_LIST, (uint64_t)&msr_list_arg), -E2BIG);
    assert_in_range(msr_list_arg.n, 20, 250);
    assert_int_equal(kvm(KVM_GET_MSR_INDEX_LIST, (uint64_t)&msr_list_arg), 0);
    msr_arg.head.nmsrs = msr_list_arg.n;
    for (uint32_t i = 0; i < msr_list_arg.n; i++)
        msr_arg.entries[i].index = msr_list_arg.indices[i];
    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_MSRS, &msr_arg), msr_list_arg.n);
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_MSRS, &msr_arg), msr_list_arg.n);
    msr_arg.head.nmsrs = 3;
    msr_arg.entries[1].index = 0x12345678; /* stops there */
    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_MSRS, &msr_arg), 1);
    msr_arg.entries[1].index = MSR_LSTAR;
    msr_arg.entries[1].data = 0x0000900000000000ULL; /* not canonical */
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_MSRS, &msr_arg), 1);
    msr_arg.head.nmsrs = 256;
    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_MSRS, &msr_arg), -E2BIG);
    /* The table is searched by bisection. */
    uint64_t value;

    vcpu_load(vcpu0);
    assert_int_equal(msr_read(vcpu0, MSR_AMD64_PATCH_LOADER, &value), 0);
    assert_int_equal(msr_read(vcpu0, MSR_AMD64_BU_CFG2, &value), 0);
    assert_int_equal(msr_read(vcpu0, MSR_VM_CR, &value), 0);
    assert_int_equal(msr_read(vcpu0, 0x10a, &value), -EINVAL);
    vcpu_put(vcpu0);
    end();
}

/* Without a VM: a monitor asks before it makes one, and wants at least one answer. */
static void test_feature_msrs(void **state)
{
    (void)state;
    assert_int_equal(kvm(KVM_CHECK_EXTENSION, KVM_CAP_GET_MSR_FEATURES), 1);
    msr_list_arg.n = 0;
    assert_int_equal(kvm(KVM_GET_MSR_FEATURE_INDEX_LIST, (uint64_t)&msr_list_arg), -E2BIG);
    assert_true(msr_list_arg.n > 0);
    assert_int_equal(kvm(KVM_GET_MSR_FEATURE_INDEX_LIST, (uint64_t)&msr_list_arg), 0);
    msr_arg.head.nmsrs = msr_list_arg.n + 1;
    for (uint32_t i = 0; i < msr_list_arg.n; i++)
        msr_arg.entries[i].index = msr_list_arg.indices[i];
    msr_arg.entries[msr_list_arg.n].index = MSR_TSC; /* a vCPU's */
    assert_int_equal(kvm(KVM_GET_MSRS, (uint64_t)&msr_arg), msr_list_arg.n);
    msr_arg.head.nmsrs = 256;
    assert_int_equal(kvm(KVM_GET_MSRS, (uint64_t)&msr_arg), -E2BIG);
}

static void test_cpuid(void **state)
{
    static const struct vm_exit leaf = {.reason = EXIT_CPUID, .insn_len = 2};
    struct kvm_regs r;

    (void)state;
    begin(true);
    cpuid_arg.head.nent = 1;
    assert_int_equal(kvm(KVM_GET_SUPPORTED_CPUID, (uint64_t)&cpuid_arg), -E2BIG);
    supported_cpuid();
    for (uint32_t i = 0; i < cpuid_arg.head.nent; i++) {
        const struct kvm_cpuid_entry2 *e = &cpuid_arg.entries[i];

        if (e->function == 1) {
            assert_false(e->ecx & (1u << 5)); /* no VMX */
            assert_true(e->ecx & (1u << 31));
        }
        if (e->function == 0x80000001)
            assert_false(e->ecx & (1u << 2)); /* no SVM */
    }
    r = regs();
    r.rax = 0xffffffff40000000ULL;
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    plan_set(2, &leaf, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->exit_reason, KVM_EXIT_SHUTDOWN);
    assert_int_equal(regs().rbx, 0x4b4d564b);
    assert_int_equal(regs().rip, r.rip + 2);
    end();
}

/* ---- control registers ---------------------------------------------------------------------------------------------- */

static void test_control_registers(void **state)
{
    static const struct vm_exit unknown = {.reason = EXIT_CR, .cr = {.access = CR_UNKNOWN}};
    static const struct vm_exit wrmsr = {.reason = EXIT_WRMSR, .insn_len = 2};
    struct kvm_sregs sregs;
    struct kvm_regs r;

    (void)state;
    begin(true);
    supported_cpuid();
    protected_mode();
    CODE_BYTES(0x0f, 0x22, 0xe6, 0x0f, 0x30, 0x0f, 0x22, 0xc3, 0x0f, 0x20, 0xc1);
    /* mov cr4, esi; wrmsr; mov cr0, ebx; mov ecx, cr0 */
    r = regs();
    r.rsi = CR4_PAE;
    r.rax = EFER_LME;
    r.rcx = MSR_EFER;
    r.rdx = 0;
    r.rbx = 0x80000011;
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    plan_set(5, &unknown, &wrmsr, &unknown, &unknown, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->exit_reason, KVM_EXIT_SHUTDOWN);
    ioctl_fd(cpu_fd, KVM_GET_SREGS, &sregs);
    assert_int_equal(sregs.cr4, CR4_PAE);
    assert_int_equal(sregs.efer, EFER_LME | EFER_LMA);
    /* Long mode: LMA came with PG. The page tables at 0 are empty, so the last fetch faulted. */
    r = regs();
    assert_int_equal(r.rip, CODE + 8);
    assert_int_equal(injected.type, EVENT_FAULT);
    assert_int_equal(injected.vector, 14);
    end();
}

static void test_bad_values_fault(void **state)
{
    static const struct vm_exit cr4 = {.reason = EXIT_CR, .insn_len = 3, .cr = {.access = CR_MOV_TO, .cr = 4, .gpr = 0}};
    static const struct vm_exit msr = {.reason = EXIT_WRMSR, .insn_len = 2};
    static const struct vm_exit xcr = {.reason = EXIT_XSETBV, .insn_len = 3};
    const struct vm_exit *const exits[] = {&cr4, &msr, &xcr};
    struct kvm_regs r;

    (void)state;
    begin(true);
    supported_cpuid();
    for (unsigned i = 0; i < ARRAY_SIZE(exits); i++) {
        protected_mode();
        r = regs();
        r.rax = 1ULL << 13;
        r.rcx = 0x12345;
        ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
        plan_set(2, exits[i], &exit_triple);
        assert_int_equal(run_once(), 0);
        assert_int_equal(injected.type, EVENT_FAULT);
        assert_int_equal(injected.vector, 13);
        assert_true(injected.has_error);
        assert_int_equal(regs().rip, CODE);
    }
    end();
}

/* Into PAE paging: its four entries are looked at, as the CPU would. */
static void test_reserved_pdpte_bits(void **state)
{
    static const struct vm_exit cr0 = {.reason = EXIT_CR, .insn_len = 3, .cr = {.access = CR_MOV_TO, .cr = 0, .gpr = 0}};
    struct kvm_sregs sregs;
    struct kvm_regs r;
    uint64_t *pdpt = (void *)(ram + 0x3000);

    (void)state;
    begin(true);
    supported_cpuid();
    for (unsigned bit = 1; bit < 64; bit++) {
        bool is_reserved = bit < 3 || (bit >= 5 && bit < 9) || bit >= vcpu0->phys_bits;

        protected_mode();
        ioctl_fd(cpu_fd, KVM_GET_SREGS, &sregs);
        sregs.cr0 = 0x11;
        sregs.cr3 = 0x3000;
        sregs.cr4 = CR4_PAE;
        assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_SREGS, &sregs), 0);
        r = regs();
        r.rax = 0x80000011;
        ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
        pdpt[2] = BIT(bit) | 1;
        plan_set(2, &cr0, &exit_triple);
        assert_int_equal(run_once(), 0);
        assert_int_equal(injected.type, is_reserved ? EVENT_FAULT : EVENT_NONE);
        assert_int_equal(regs().rip, is_reserved ? CODE : CODE + 3);
    }
    end();
}

/* TSC_AUX is the guest's while the guest is on the CPU, the host's otherwise. */
static void test_tsc_aux(void **state)
{
    static const struct vm_exit wrmsr = {.reason = EXIT_WRMSR, .insn_len = 2};
    struct {
        struct kvm_msrs head;
        struct kvm_msr_entry entry;
    } msr = {.head.nmsrs = 1, .entry = {.index = MSR_TSC_AUX, .data = 0x77}};
    struct kvm_regs r = {.rip = CODE, .rflags = 2, .rcx = MSR_TSC_AUX, .rax = 0x88};

    (void)state;
    begin(true);
    fake_tsc_aux = fake_cpu.number;
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_MSRS, &msr), 1);
    assert_int_equal(fake_tsc_aux, fake_cpu.number);
    plan_set(1, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_int_equal(aux_in_guest, 0x77);
    assert_int_equal(fake_tsc_aux, fake_cpu.number);

    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    plan_set(2, &wrmsr, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_int_equal(aux_in_guest, 0x88);
    assert_int_equal(fake_tsc_aux, fake_cpu.number);
    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_MSRS, &msr), 1);
    assert_int_equal(msr.entry.data, 0x88);
    end();
}

/* ---- clocks ------------------------------------------------------------------------------------------------------ */

static void test_kvmclock(void **state)
{
    static const struct vm_exit wrmsr = {.reason = EXIT_WRMSR, .insn_len = 2};
    struct pvclock_vcpu_time_info *info = (void *)(ram + 0x3000);
    struct kvm_regs r = {.rip = CODE, .rflags = 2, .rcx = MSR_KVM_SYSTEM_TIME_NEW, .rax = 0x3001};
    struct kvm_clock_data clock = {.clock = 5000000000ULL};

    (void)state;
    begin(true);
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    plan_set(2, &wrmsr, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_int_equal(info->version & 1, 0);
    assert_true(info->version != 0);
    assert_int_equal(info->flags, PVCLOCK_TSC_STABLE_BIT);
    assert_int_equal(info->system_time, kvmclock_now(vcpu0->vm));
    assert_int_equal(info->tsc_timestamp, guest_tsc(vcpu0));
    assert_int_equal(ioctl_fd(vm_fd, KVM_SET_CLOCK, &clock), 0);
    plan_set(1, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_int_equal(info->system_time, 5000000000ULL);
    end();
}

static long set_msr_of(int fd, uint32_t index, uint64_t value)
{
    msr_arg.head.nmsrs = 1;
    msr_arg.entries[0] = (struct kvm_msr_entry){.index = index, .data = value};
    return ioctl_fd(fd, KVM_SET_MSRS, &msr_arg);
}

static long set_msr(uint32_t index, uint64_t value)
{
    return set_msr_of(cpu_fd, index, value);
}

static uint64_t get_msr(uint32_t index)
{
    msr_arg.head.nmsrs = 1;
    msr_arg.entries[0] = (struct kvm_msr_entry){.index = index};
    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_MSRS, &msr_arg), 1);
    return msr_arg.entries[0].data;
}

/* All pages are the same line, however much later one is written. */
static void test_kvmclock_pages_agree(void **state)
{
    static const struct vm_exit wrmsr = {.reason = EXIT_WRMSR, .insn_len = 2};
    struct pvclock_vcpu_time_info *info = (void *)(ram + 0x3000), first;
    struct kvm_regs r = {.rip = CODE, .rflags = 2, .rcx = MSR_KVM_SYSTEM_TIME_NEW, .rax = 0x3001};

    (void)state;
    begin(true);
    for (int round = 0; round < 2; round++) {
        ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
        plan_set(2, &wrmsr, &exit_triple);
        assert_int_equal(run_once(), 0);
        if (round == 0)
            first = *info;
        fake_now_ns += 123456789; /* the clocks do not agree to the last tick */
        fake_tsc += 123456700;
    }
    assert_int_equal(info->tsc_timestamp, first.tsc_timestamp);
    assert_int_equal(info->system_time, first.system_time);
    end();
}

/* Ring 3 restores both in any order; the guest's own writes move each other. */
static void test_tsc_adjust(void **state)
{
    static const struct vm_exit wrmsr = {.reason = EXIT_WRMSR, .insn_len = 2};
    struct kvm_regs r = {.rip = CODE, .rflags = 2, .rcx = MSR_TSC, .rax = 5000};

    (void)state;
    begin(true);
    for (int order = 0; order < 2; order++) {
        assert_int_equal(order ? set_msr(MSR_TSC_ADJUST, 77) : set_msr(MSR_TSC, 123456), 1);
        assert_int_equal(order ? set_msr(MSR_TSC, 123456) : set_msr(MSR_TSC_ADJUST, 77), 1);
        assert_int_equal(get_msr(MSR_TSC), 123456);
        assert_int_equal(get_msr(MSR_TSC_ADJUST), 77);
    }
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    plan_set(2, &wrmsr, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_int_equal(get_msr(MSR_TSC), 5000);
    assert_int_equal(get_msr(MSR_TSC_ADJUST), 77 + 5000 - 123456);
    end();
}

/* Ring 3 writes one TSC after the other and means them to be the same; a guest means what it writes. */
static void test_tscs_are_synchronized(void **state)
{
    static const struct vm_exit wrmsr = {.reason = EXIT_WRMSR, .insn_len = 2};
    struct pvclock_vcpu_time_info *info = (void *)(ram + 0x3000);
    struct kvm_regs r = {.rip = CODE, .rflags = 2, .rcx = MSR_KVM_SYSTEM_TIME_NEW, .rax = 0x3001};
    static const uint64_t values[] = {0, 5000000000ULL, 0, 77000000000ULL, 1000};
    struct kvm_clock_data clock;
    struct vcpu *vcpu1;
    int fd1;

    (void)state;
    begin(true);
    fd1 = (int)ioctl_fd(vm_fd, KVM_CREATE_VCPU, (void *)1);
    vcpu1 = fake_files[fd1]->private;
    assert_int_equal(vcpu1->tsc_offset, vcpu0->tsc_offset);
    for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
        uint64_t was = guest_tsc(vcpu0);

        assert_int_equal(set_msr(MSR_TSC, values[i]), 1);
        assert_int_equal(guest_tsc(vcpu0), values[i] != 0 ? values[i] : was);
        fake_tsc += 100000000;
        assert_int_equal(set_msr_of(fd1, MSR_TSC, values[i]), 1);
        assert_int_equal(vcpu1->tsc_offset, vcpu0->tsc_offset);
    }

    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    plan_set(2, &wrmsr, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_int_equal(info->flags, PVCLOCK_TSC_STABLE_BIT);
    assert_int_equal(set_msr_of(fd1, MSR_TSC, 99000000000ULL), 1);
    assert_int_equal(guest_tsc(vcpu1), 99000000000ULL);
    plan_set(1, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_int_equal(info->flags, 0);
    assert_int_equal(ioctl_fd(vm_fd, KVM_GET_CLOCK, &clock), 0);
    assert_int_equal(clock.flags & KVM_CLOCK_TSC_STABLE, 0);
    assert_int_equal(set_msr(MSR_TSC, 99000000000ULL), 1);
    assert_int_equal(run_once(), 0);
    assert_int_equal(info->flags, PVCLOCK_TSC_STABLE_BIT);

    r.rcx = MSR_TSC;
    r.rax = 1000;
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    plan_set(2, &wrmsr, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_int_equal(guest_tsc(vcpu0), 1000);
    assert_int_equal(info->flags, 0);
    close_fd(fd1);
    end();
}

/* A deadline beyond what the host's clock can say is not one in the past: that would fire for ever. */
static void test_far_deadline(void **state)
{
    static const uint64_t deadlines[] = {UINT64_MAX, UINT64_MAX - 1000000, 1ULL << 63, 1ULL << 60};

    (void)state;
    begin(true);
    lapic_write(APIC_SVR, 0x1ff);
    lapic_write(APIC_LVT_TIMER, APIC_TIMER_DEADLINE | 0x51);
    for (unsigned i = 0; i < ARRAY_SIZE(deadlines); i++) {
        vcpu0->lapic_timer.deadline_ns = 0;
        assert_int_equal(set_msr(MSR_TSC_DEADLINE, deadlines[i]), 1);
        assert_true(vcpu0->lapic_timer.deadline_ns > fake_now_ns + NSEC_PER_SEC);
    }
    end();
}

/* ---- single steps ----------------------------------------------------------------------------------------------- */

static enum exit_reason script_step(struct vcpu *vcpu, struct vm_exit *e)
{
    (void)vcpu;
    e->insn_len = 2;
    return entries == 1 ? EXIT_CPUID : EXIT_SHUTDOWN;
}

/* A guest that steps through its code stops after an instruction that is emulated, too. */
static void test_single_step(void **state)
{
    struct kvm_regs r = {.rip = CODE, .rflags = 0x102};
    struct kvm_debugregs debug;

    (void)state;
    begin(true);
    supported_cpuid();
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    entries = 0;
    script = script_step;
    assert_int_equal(run_once(), 0);
    assert_int_equal(injected.type, EVENT_FAULT);
    assert_int_equal(injected.vector, 1);
    assert_int_equal(regs().rip, CODE + 2);
    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_DEBUGREGS, &debug), 0);
    assert_true(debug.dr6 & 1 << 14);
    end();
}

int hv_ioctl_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life),
        cmocka_unit_test(test_slots),
        cmocka_unit_test(test_state),
        cmocka_unit_test(test_msrs),
        cmocka_unit_test(test_feature_msrs),
        cmocka_unit_test(test_cpuid),
        cmocka_unit_test(test_control_registers),
        cmocka_unit_test(test_bad_values_fault),
        cmocka_unit_test(test_reserved_pdpte_bits),
        cmocka_unit_test(test_tsc_aux),
        cmocka_unit_test(test_kvmclock),
        cmocka_unit_test(test_kvmclock_pages_agree),
        cmocka_unit_test(test_tsc_adjust),
        cmocka_unit_test(test_tscs_are_synchronized),
        cmocka_unit_test(test_far_deadline),
        cmocka_unit_test(test_single_step),
    };

    return cmocka_run_group_tests_name("hv ioctls", tests, NULL, NULL);
}
