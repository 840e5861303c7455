/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AMD-V: finding it, turning it on, and the operations of hv.h. Start at enter().
 *
 * Where isolation comes from: nested paging (nCR3), with the tables of hv/stage2.c;
 * permission maps that intercept every port and all MSRs but those that #VMEXIT and
 * VMLOAD exchange; and intercepts of every instruction that reaches past the guest,
 * foremost VMLOAD and VMSAVE, which work on host-physical addresses.
 */
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/string.h>

#include "../msr.h"
#include "svm.h"

#define DR6_RESET 0xffff0ff0ULL

#define MISC2_ALWAYS                                                                               \
    (INTERCEPT_VMRUN | INTERCEPT_VMMCALL | INTERCEPT_VMLOAD | INTERCEPT_VMSAVE | INTERCEPT_STGI |  \
     INTERCEPT_CLGI | INTERCEPT_SKINIT | INTERCEPT_WBINVD | INTERCEPT_MONITOR | INTERCEPT_MWAIT |  \
     INTERCEPT_MWAIT_COND | INTERCEPT_XSETBV | INTERCEPT_RDPRU)
#define EXCEPTIONS_ALWAYS (BIT(1) | BIT(6) | BIT(17) | BIT(18)) /* #DB #UD #AC #MC */

#define IOPM_ORDER  2 /* 12 KiB */
#define MSRPM_ORDER 1 /* 8 KiB */

struct svm_features svm_features;

/* [I] The same for all VMs: everything is intercepted but hv_passthrough_msrs. */
static struct page *iopm, *msrpm;

static struct svm_cpu cpus[CPUS_MAX];

static struct svm_cpu *this_svm_cpu(void)
{
    return this_cpu()->hv;
}

/* ---- permission maps ---- */

/* Two bits, read and write, for each MSR of three ranges. */
static void msrpm_allow(uint8_t *map, uint32_t msr)
{
    static const uint32_t first[] = {0, 0xc0000000, 0xc0010000};

    for (unsigned int range = 0; range < ARRAY_SIZE(first); range++) {
        uint32_t n = msr - first[range];

        if (n < 0x2000) {
            map[range * 0x800 + n / 4] &= (uint8_t)~(3u << (n % 4 * 2));
            return;
        }
    }
}

static int maps_init(void)
{
    iopm = page_alloc(IOPM_ORDER, 0);
    msrpm = page_alloc(MSRPM_ORDER, 0);
    if (iopm == NULL || msrpm == NULL)
        return -ENOMEM;
    memset(page_address(iopm), 0xff, PAGE_SIZE << IOPM_ORDER);
    memset(page_address(msrpm), 0xff, PAGE_SIZE << MSRPM_ORDER);
    for (unsigned int i = 0; i < hv_passthrough_msr_count; i++)
        msrpm_allow(page_address(msrpm), hv_passthrough_msrs[i]);
    return 0;
}

/* ---- finding it, on and off ---- */

/* *why stays as it is on a CPU that is not AMD's at all: the other back end knows more. */
static int svm_probe(const char **why)
{
    struct cpuid_regs r;
    uint64_t vm_cr = 0;

    if (cpuid(0x80000000, 0).eax < CPUID_SVM_LEAF || !(cpuid(0x80000001, 0).ecx & CPUID_EXT_SVM))
        return -ENODEV;
    if (rdmsr_safe(MSR_VM_CR, &vm_cr) == 0 && (vm_cr & VM_CR_SVMDIS)) {
        *why = "SVM is turned off in the firmware's settings";
        return -ENODEV;
    }
    r = cpuid(CPUID_SVM_LEAF, 0);
    if (!(r.edx & CPUID_SVM_NP)) {
        *why = "no nested paging";
        return -ENODEV;
    }
    if (r.ebx < 2) {
        *why = "no ASIDs";
        return -ENODEV;
    }
    svm_features.asid_count = r.ebx;
    svm_features.has_nrips = (r.edx & CPUID_SVM_NRIPS) != 0;
    svm_features.has_decode_assists = (r.edx & CPUID_SVM_DECODE_ASSIST) != 0;
    if (maps_init() < 0) {
        *why = "no memory for SVM's permission maps";
        return -ENODEV;
    }
    log_info("svm: nested paging, %u ASIDs, %s next RIP, %s decode assists\n",
             svm_features.asid_count, svm_features.has_nrips ? "with" : "without",
             svm_features.has_decode_assists ? "with" : "without");
    return 0;
}

/* Every vCPU gets a new ASID at its next entry on this CPU, and the first of them flushes them all. */
static void asids_expire(struct svm_cpu *cpu)
{
    cpu->asid_generation++;
    cpu->next_asid = svm_features.asid_count;
}

static int svm_cpu_on(void)
{
    struct svm_cpu *cpu = &cpus[cpu_number()];

    assert_irqs_off();
    if (cpu->hsave == NULL)
        cpu->hsave = page_alloc(0, ALLOC_ZERO);
    if (cpu->host_vmcb == NULL)
        cpu->host_vmcb = page_alloc(0, ALLOC_ZERO);
    if (cpu->hsave == NULL || cpu->host_vmcb == NULL)
        return -ENOMEM;
    asids_expire(cpu);
    this_cpu()->hv = cpu;
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME);
    wrmsr(MSR_VM_HSAVE_PA, page_to_phys(cpu->hsave));
    return 0;
}

static void svm_cpu_off(void)
{
    assert_irqs_off();
    wrmsr(MSR_VM_HSAVE_PA, 0);
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~EFER_SVME);
    this_cpu()->hv = NULL;
}

static bool svm_can_rdtscp(void)
{
    return true; /* not intercepted: it does what it does on the CPU */
}

/* ---- VMs and vCPUs ---- */

static int svm_vm_init(struct vm *vm)
{
    vm->backend = NULL; /* the permission maps are shared, and an ASID belongs to a vCPU */
    return 0;
}

static void svm_vm_fini(struct vm *vm)
{
    (void)vm;
}

static void vmcb_init(const struct vcpu *vcpu, struct vmcb *vmcb)
{
    struct vmcb_control *control = &vmcb->control;

    control->intercept_dr = UINT32_MAX;
    control->intercept_exceptions = EXCEPTIONS_ALWAYS;
    control->intercept_misc2 = MISC2_ALWAYS;
    control->iopm_base_pa = page_to_phys(iopm);
    control->msrpm_base_pa = page_to_phys(msrpm);
    control->nested_control = NP_ENABLE;
    control->n_cr3 = vcpu->vm->s2.root_pa;
    vmcb->save.g_pat = vcpu->pat;
    vmcb->save.dr6 = DR6_RESET; /* the guest's is in vcpu->dr6; here the CPU shows what it adds */
}

void svm_vmcb_reset(struct vcpu *vcpu)
{
    struct svm_vcpu *svm = vcpu->backend;

    memset(&svm->vmcb->save, 0, sizeof(svm->vmcb->save));
    vmcb_init(vcpu, svm->vmcb);
}

static int svm_vcpu_create(struct vcpu *vcpu)
{
    struct svm_vcpu *svm = kalloc_for(vcpu->vm->cgroup, sizeof(*svm));

    if (svm == NULL)
        return -ENOMEM;
    svm->vmcb_page = page_alloc_for(vcpu->vm->cgroup, 0, ALLOC_ZERO);
    if (svm->vmcb_page == NULL) {
        kfree(svm);
        return -ENOMEM;
    }
    svm->vmcb = page_address(svm->vmcb_page);
    vmcb_init(vcpu, svm->vmcb);
    vcpu->backend = svm;
    return 0;
}

static void svm_vcpu_destroy(struct vcpu *vcpu)
{
    struct svm_vcpu *svm = vcpu->backend;

    page_put(svm->vmcb_page);
    kfree(svm);
    vcpu->backend = NULL;
}

/* ---- on and off a CPU ---- */

/*
 * Note what VMLOAD has to bring back after each exit. It stays the same until put():
 * the thread's FS base and the user's GS base do not change in the kernel.
 */
static void svm_load(struct vcpu *vcpu)
{
    struct svm_vcpu *svm = vcpu->backend;

    svm->host_vmcb_pa = page_to_phys(this_svm_cpu()->host_vmcb);
    __asm__ volatile("vmsave %0" : : "a"(svm->host_vmcb_pa) : "memory");
}

/* The host's state is back after every exit. */
static void svm_put(struct vcpu *vcpu)
{
    (void)vcpu;
}

static void next_asid(struct svm_cpu *cpu, struct svm_vcpu *svm)
{
    struct vmcb_control *control = &svm->vmcb->control;

    if (cpu->next_asid >= svm_features.asid_count) {
        asids_expire(cpu);
        cpu->next_asid = 1;
        control->tlb_control = TLB_CONTROL_FLUSH_ALL;
    }
    control->guest_asid = cpu->next_asid++;
    svm->asid_generation = cpu->asid_generation;
}

/*
 * The VM's other vCPUs have ASIDs of their own on this CPU: what came from its
 * second-level tables is found only by flushing them all.
 */
static void svm_flush(struct vcpu *vcpu, unsigned int what)
{
    struct svm_vcpu *svm = vcpu->backend;

    if (what & FLUSH_STAGE2)
        svm->vmcb->control.tlb_control = TLB_CONTROL_FLUSH_ALL;
    else if (what & FLUSH_GUEST)
        next_asid(this_svm_cpu(), svm);
}

/* ---- the guest runs ---- */

static void registers_put(const struct vcpu *vcpu, struct vmcb_save *save)
{
    save->rax = vcpu->regs.gpr[GPR_RAX];
    save->rsp = vcpu->regs.gpr[GPR_RSP];
    save->rip = vcpu->regs.rip;
    save->rflags = vcpu->regs.rflags;
}

static void registers_get(struct vcpu *vcpu, const struct vmcb_save *save)
{
    vcpu->regs.gpr[GPR_RAX] = save->rax;
    vcpu->regs.gpr[GPR_RSP] = save->rsp;
    vcpu->regs.rip = save->rip;
    vcpu->regs.rflags = save->rflags;
}

static void svm_enter(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    struct svm_vcpu *svm = vcpu->backend;
    struct svm_cpu *cpu = this_svm_cpu();
    struct vmcb *vmcb = svm->vmcb;
    uint64_t entry_rip = vcpu->regs.rip;

    if (vcpu->state_dirty != 0)
        svm_state_put(vcpu);
    if (unlikely(svm->asid_generation != cpu->asid_generation))
        next_asid(cpu, svm);
    registers_put(vcpu, &vmcb->save);
    vmcb->control.tsc_offset = vcpu->tsc_offset;
    svm_events_put(vcpu);

    svm_world_switch(&vcpu->regs, page_to_phys(svm->vmcb_page), svm->host_vmcb_pa);

    vmcb->control.tlb_control = TLB_CONTROL_NOTHING;
    /* A VMRUN that is refused may not have flushed what it was told to. */
    if (unlikely((uint32_t)vmcb->control.exitcode == VMEXIT_INVALID))
        asids_expire(cpu);
    registers_get(vcpu, &vmcb->save);
    vcpu->state_valid = vcpu->state_dirty = 0;
    svm_events_get(vcpu, entry_rip);
    svm_exit_decode(vcpu, vmexit);
    svm->is_stepping = false;
}

const struct hv_ops svm_ops = {
    .name = "svm",
    .s2_format = STAGE2_NPT,
    .uses_deadline = false, /* the host's timer interrupts the guest */
    .probe = svm_probe,
    .cpu_on = svm_cpu_on,
    .cpu_off = svm_cpu_off,
    .can_rdtscp = svm_can_rdtscp,
    .vm_init = svm_vm_init,
    .vm_fini = svm_vm_fini,
    .vcpu_create = svm_vcpu_create,
    .vcpu_destroy = svm_vcpu_destroy,
    .load = svm_load,
    .put = svm_put,
    .flush = svm_flush,
    .enter = svm_enter,
    .state_get = svm_state_get,
    .msr_get = svm_msr_get,
    .msr_set = svm_msr_set,
};
