/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Intel VT-x: struct vcpu into a VMCS, the guest's run, and back. What the CPU says
 * about exits is read in exit.c.
 *
 * Control registers: the guest owns CR2 and CR3; every bit of CR0 and CR4 is ours, so
 * that a write that would change one exits, and a read gives the shadow, which is what
 * the guest wrote. In the VMCS proper are the same values with what VMX operation
 * demands (NE, VMXE) and without what it does not take (CD, NW).
 *
 * Isolation: the host's state fields are complete, so that an exit leaves nothing of
 * the guest's in a register that the kernel relies on; the syscall MSRs, which an exit
 * leaves alone, are the host's again after put().
 */
#include <kernel/errno.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/time.h>
#include <kernel/x86/trapframe.h>

#include "caps.h"
#include "vmx.h"

#define VECTOR_DB         1
#define VECTOR_UD         6
#define VECTOR_AC         17
#define VECTOR_MC         18
#define EXCEPTIONS_ALWAYS (BIT(VECTOR_DB) | BIT(VECTOR_UD) | BIT(VECTOR_AC) | BIT(VECTOR_MC))

/*
 * The longest stay in the guest, whatever interrupts do: one emulator gives no exit
 * for a host interrupt while the guest runs with interrupts off.
 */
#define SLICE_NS (10 * NSEC_PER_MSEC)

#define PAT_RESET 0x0007040600070406ULL

static const uint32_t switched_msrs[SWITCHED_MSRS] = {
    MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_SFMASK, MSR_KERNEL_GS_BASE,
};
#define SWITCHED_KERNEL_GS 4 /* the host's is the thread's, not the CPU's */

struct table_register {
    uint16_t limit;
    uint64_t base;
} __packed;

/* This CPU's; cpu->hv. */
struct vmx_cpu {
    struct page *vmxon;
    struct vcpu *current_vcpu;        /* [c] whose VMCS is the current one */
    uint64_t msrs[SWITCHED_MSRS];     /* [I] the host's */
    struct table_register gdtr, idtr; /* [I] */
};

static struct page *msr_bitmap; /* [I] the same for all */

/* ---- instructions -------------------------------------------------------------------------- */

void vmx_instruction_failed(const char *what)
{
    panic("vmx: %s failed", what);
}

static int vmxon(uint64_t pa)
{
    bool failed;

    __asm__ volatile("vmxon %1" : "=@ccbe"(failed) : "m"(pa) : "memory");
    return failed ? -EIO : 0;
}

static void vmptrld(const struct page *vmcs)
{
    uint64_t pa = page_to_phys(vmcs);
    bool failed;

    __asm__ volatile("vmptrld %1" : "=@ccbe"(failed) : "m"(pa) : "memory");
    if (failed)
        vmx_instruction_failed("VMPTRLD");
}

static void vmclear(const struct page *vmcs)
{
    uint64_t pa = page_to_phys(vmcs);
    bool failed;

    __asm__ volatile("vmclear %1" : "=@ccbe"(failed) : "m"(pa) : "memory");
    if (failed)
        vmx_instruction_failed("VMCLEAR");
}

static void invept(enum invalidation type, uint64_t eptp)
{
    uint64_t descriptor[2] = {eptp, 0};
    bool failed;

    __asm__ volatile("invept %1, %2"
                     : "=@ccbe"(failed)
                     : "m"(descriptor), "r"((uint64_t)type)
                     : "memory");
    if (failed)
        vmx_instruction_failed("INVEPT");
}

static void invvpid(enum invalidation type, uint16_t vpid)
{
    uint64_t descriptor[2] = {vpid, 0};
    bool failed;

    __asm__ volatile("invvpid %1, %2"
                     : "=@ccbe"(failed)
                     : "m"(descriptor), "r"((uint64_t)type)
                     : "memory");
    if (failed)
        vmx_instruction_failed("INVVPID");
}

static uint64_t read_cr0(void)
{
    uint64_t v;

    __asm__ volatile("mov %%cr0, %0" : "=r"(v));
    return v;
}

static uint64_t read_cr2(void)
{
    uint64_t v;

    __asm__ volatile("mov %%cr2, %0" : "=r"(v));
    return v;
}

static uint64_t read_cr4(void)
{
    uint64_t v;

    __asm__ volatile("mov %%cr4, %0" : "=r"(v));
    return v;
}

static void write_cr4(uint64_t v)
{
    __asm__ volatile("mov %0, %%cr4" : : "r"(v) : "memory");
}

static struct vmx_cpu *this_vmx(void)
{
    return this_cpu()->hv;
}

/* ---- boot -------------------------------------------------------------------------------------
 */

static void pass_through(uint8_t *bitmap, uint32_t msr)
{
    bool is_high = msr >= MSR_BITMAP_HIGH_BASE;
    uint32_t bit = is_high ? msr - MSR_BITMAP_HIGH_BASE : msr;

    assert(bit < MSR_BITMAP_MSRS);
    bitmap[(is_high ? MSR_BITMAP_READ_HIGH : MSR_BITMAP_READ_LOW) + bit / 8] &=
        (uint8_t)~BIT_U8(bit % 8);
    bitmap[(is_high ? MSR_BITMAP_WRITE_HIGH : MSR_BITMAP_WRITE_LOW) + bit / 8] &=
        (uint8_t)~BIT_U8(bit % 8);
}

static int vmx_probe(const char **why)
{
    int err = vmx_caps_probe(why);

    if (err < 0)
        return err;
    msr_bitmap = page_alloc(0, 0);
    if (msr_bitmap == NULL) {
        *why = "no memory";
        return -ENODEV;
    }
    memset(page_address(msr_bitmap), 0xff, PAGE_SIZE);
    for (unsigned int i = 0; i < hv_passthrough_msr_count; i++)
        pass_through(page_address(msr_bitmap), hv_passthrough_msrs[i]);
    return 0;
}

/* A page as a VMXON region or a VMCS: its first word is the revision. */
static struct page *region_alloc(struct cgroup *cgroup)
{
    struct page *page = page_alloc_for(cgroup, 0, ALLOC_ZERO);

    if (page != NULL)
        *(uint32_t *)page_address(page) = vmx_caps.revision;
    return page;
}

/* The firmware may leave the register open: then it is ours to set, for good. */
static int unlock_vmx(void)
{
    uint64_t control;
    int err = rdmsr_safe(MSR_FEATURE_CONTROL, &control);

    if (err < 0)
        return err;
    if (!(control & FEATURE_CONTROL_LOCK))
        return wrmsr_safe(MSR_FEATURE_CONTROL,
                          control | FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX);
    return control & FEATURE_CONTROL_VMX ? 0 : -ENODEV;
}

static bool has_fixed_bits(uint64_t value, uint64_t fixed0, uint64_t fixed1)
{
    return (value & fixed0) == fixed0 && (value & ~fixed1) == 0;
}

static int vmx_cpu_on(void)
{
    struct vmx_cpu *cpu = this_vmx();
    int err = unlock_vmx();

    if (err < 0)
        return err;
    if (!has_fixed_bits(read_cr0(), vmx_caps.cr0_fixed0, vmx_caps.cr0_fixed1) ||
        !has_fixed_bits(read_cr4() | CR4_VMXE, vmx_caps.cr4_fixed0, vmx_caps.cr4_fixed1))
        return -ENODEV;
    if (cpu == NULL) {
        cpu = kzalloc(sizeof(*cpu));
        if (cpu == NULL)
            return -ENOMEM;
        cpu->vmxon = region_alloc(NULL);
        if (cpu->vmxon == NULL) {
            kfree(cpu);
            return -ENOMEM;
        }
        this_cpu()->hv = cpu;
    }
    for (unsigned int i = 0; i < SWITCHED_MSRS; i++)
        cpu->msrs[i] = rdmsr(switched_msrs[i]);
    __asm__ volatile("sgdt %0; sidt %1" : "=m"(cpu->gdtr), "=m"(cpu->idtr));

    write_cr4(read_cr4() | CR4_VMXE);
    err = vmxon(page_to_phys(cpu->vmxon));
    if (err < 0) {
        write_cr4(read_cr4() & ~CR4_VMXE);
        return err;
    }
    invept(INVALIDATE_ALL, 0); /* whoever used VT-x before us */
    invvpid(INVALIDATE_ALL, 0);
    return 0;
}

/* No vCPU is loaded. */
static bool vmx_can_rdtscp(void)
{
    return (vmx_caps.cpu2 & CPU2_RDTSCP) != 0; /* else it is #UD in guests */
}

static void vmx_cpu_off(void)
{
    struct vmx_cpu *cpu = this_vmx();

    if (cpu->current_vcpu != NULL) {
        struct vmx_vcpu *vmx = cpu->current_vcpu->backend;

        vmclear(vmx->vmcs);
        vmx->is_launched = false;
        cpu->current_vcpu = NULL;
    }
    __asm__ volatile("vmxoff" : : : "cc", "memory");
    write_cr4(read_cr4() & ~CR4_VMXE);
}

/* ---- VPIDs: one for each vCPU; 0 is the host's
 * ------------------------------------------------------ */

#define VPIDS 65536

static struct spinlock vpid_lock = SPINLOCK_INIT;
static uint64_t vpids_used[VPIDS / 64] = {1}; /* [vpid_lock] */

/* 0: all are taken. Its stale translations go with the first entry's FLUSH_GUEST. */
static uint16_t vpid_alloc(void)
{
    irqflags_t flags = spin_lock(&vpid_lock);
    uint16_t vpid = 0;

    for (unsigned int i = 0; i < ARRAY_SIZE(vpids_used); i++) {
        if (vpids_used[i] != UINT64_MAX) {
            unsigned int bit = (unsigned int)__builtin_ctzll(~vpids_used[i]);

            vpids_used[i] |= BIT(bit);
            vpid = (uint16_t)(i * 64 + bit);
            break;
        }
    }
    spin_unlock(&vpid_lock, flags);
    return vpid;
}

static void vpid_free(uint16_t vpid)
{
    irqflags_t flags = spin_lock(&vpid_lock);

    vpids_used[vpid / 64] &= ~BIT(vpid % 64);
    spin_unlock(&vpid_lock, flags);
}

/* ---- on and off this CPU
 * ------------------------------------------------------------------------------ */

/* Host state that differs between CPUs and threads. */
static void write_host_place(const struct vmx_cpu *cpu)
{
    vmcs_write(VMCS_HOST_CR3, read_cr3());
    vmcs_write(VMCS_HOST_FS_BASE, rdmsr(MSR_FS_BASE));
    vmcs_write(VMCS_HOST_GS_BASE, (uint64_t)this_cpu());
    vmcs_write(VMCS_HOST_TR_BASE, (uint64_t)this_cpu()->tss);
    vmcs_write(VMCS_HOST_GDTR_BASE, cpu->gdtr.base);
    vmcs_write(VMCS_HOST_IDTR_BASE, cpu->idtr.base);
}

static void vmx_load(struct vcpu *vcpu)
{
    struct vmx_cpu *cpu = this_vmx();
    struct vmx_vcpu *vmx = vcpu->backend;

    if (cpu->current_vcpu != vcpu) {
        vmptrld(vmx->vmcs);
        cpu->current_vcpu = vcpu;
    }
    write_host_place(cpu);
    for (unsigned int i = 0; i < SWITCHED_MSRS; i++)
        wrmsr(switched_msrs[i], vmx->msrs[i]);
}

/* Nothing of it stays in this CPU: it may be loaded on another one, or freed. */
static void forget(struct vmx_cpu *cpu, struct vmx_vcpu *vmx)
{
    vmclear(vmx->vmcs);
    vmx->is_launched = false;
    cpu->current_vcpu = NULL;
}

static void vmx_put(struct vcpu *vcpu)
{
    struct vmx_cpu *cpu = this_vmx();
    struct vmx_vcpu *vmx = vcpu->backend;

    for (unsigned int i = 0; i < SWITCHED_MSRS; i++)
        vmx->msrs[i] = rdmsr(switched_msrs[i]);
    for (unsigned int i = 0; i < SWITCHED_KERNEL_GS; i++)
        wrmsr(switched_msrs[i], cpu->msrs[i]);
    wrmsr(MSR_KERNEL_GS_BASE, current->arch.gs_base);

    /* An exit makes both limits 0xffff; ring 3 shall find no descriptors behind our own. */
    __asm__ volatile("lgdt %0; lidt %1" : : "m"(cpu->gdtr), "m"(cpu->idtr));
    if (cpu_count() > 1)
        forget(cpu, vmx);
}

static void vmx_flush(struct vcpu *vcpu, unsigned int what)
{
    const struct vmx_vcpu *vmx = vcpu->backend;

    if (what & FLUSH_STAGE2)
        invept(vmx_caps.has_invept_single ? INVALIDATE_SINGLE : INVALIDATE_ALL,
               vmcs_read(VMCS_EPTP));
    if (what & FLUSH_GUEST)
        invvpid(vmx_caps.has_invvpid_single ? INVALIDATE_SINGLE : INVALIDATE_ALL, vmx->vpid);
}

/* ---- life
 * ---------------------------------------------------------------------------------------------------
 */

static int vmx_vm_init(struct vm *vm)
{
    (void)vm;
    return 0;
}

static void vmx_vm_fini(struct vm *vm)
{
    (void)vm;
}

static void init_controls(const struct vcpu *vcpu, const struct vmx_vcpu *vmx)
{
    vmcs_write(VMCS_PIN_CONTROLS, vmx_caps.pin);
    vmcs_write(VMCS_CPU_CONTROLS, vmx->cpu_controls);
    vmcs_write(VMCS_CPU_CONTROLS2, vmx_caps.cpu2);
    vmcs_write(VMCS_EXIT_CONTROLS, vmx_caps.exit);
    vmcs_write(VMCS_ENTRY_CONTROLS, vmx->entry_controls);

    vmcs_write(VMCS_VPID, vmx->vpid);
    vmcs_write(VMCS_EPTP, vcpu->vm->s2.root_pa | EPTP_WRITE_BACK | EPTP_FOUR_LEVELS);
    vmcs_write(VMCS_MSR_BITMAP, page_to_phys(msr_bitmap));
    vmcs_write(VMCS_TSC_OFFSET, vmx->tsc_offset);
    vmcs_write(VMCS_EXCEPTION_BITMAP, EXCEPTIONS_ALWAYS);
    vmcs_write(VMCS_PF_ERROR_MASK, 0);
    vmcs_write(VMCS_PF_ERROR_MATCH, 0);
    vmcs_write(VMCS_CR3_TARGET_COUNT, 0);
    vmcs_write(VMCS_EXIT_MSR_STORE_COUNT, 0);
    vmcs_write(VMCS_EXIT_MSR_LOAD_COUNT, 0);
    vmcs_write(VMCS_ENTRY_MSR_LOAD_COUNT, 0);
    vmcs_write(VMCS_CR0_MASK, UINT64_MAX);
    vmcs_write(VMCS_CR4_MASK, UINT64_MAX);
}

static void init_host(void)
{
    vmcs_write(VMCS_HOST_CS_SELECTOR, KERNEL_CS);
    vmcs_write(VMCS_HOST_SS_SELECTOR, KERNEL_DS);
    vmcs_write(VMCS_HOST_DS_SELECTOR, 0);
    vmcs_write(VMCS_HOST_ES_SELECTOR, 0);
    vmcs_write(VMCS_HOST_FS_SELECTOR, 0);
    vmcs_write(VMCS_HOST_GS_SELECTOR, 0);
    vmcs_write(VMCS_HOST_TR_SELECTOR, TSS_SEL);
    vmcs_write(VMCS_HOST_PAT, rdmsr(MSR_PAT));
    vmcs_write(VMCS_HOST_EFER, rdmsr(MSR_EFER));
    vmcs_write(VMCS_HOST_SYSENTER_CS, 0);
    vmcs_write(VMCS_HOST_SYSENTER_ESP, 0);
    vmcs_write(VMCS_HOST_SYSENTER_EIP, 0);
    vmcs_write(VMCS_HOST_CR0, read_cr0());
    vmcs_write(VMCS_HOST_CR4, read_cr4());
    vmcs_write(VMCS_HOST_RIP, (uint64_t)vmx_exit_point);
}

/* Guest state that is not in struct guest_state. */
static void init_guest(const struct vmx_vcpu *vmx)
{
    vmcs_write(VMCS_LINK_POINTER, LINK_POINTER_NONE);
    vmcs_write(VMCS_GUEST_DEBUGCTL, 0);
    vmcs_write(VMCS_GUEST_PAT, PAT_RESET);
    vmcs_write(VMCS_GUEST_DR7, vmx->dr7);
    vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, vmx->interruptibility);
    vmcs_write(VMCS_GUEST_ACTIVITY, ACTIVITY_ACTIVE);
    vmcs_write(VMCS_GUEST_PENDING_DEBUG, 0);
    vmcs_write(VMCS_GUEST_SYSENTER_CS, 0);
    vmcs_write(VMCS_GUEST_SYSENTER_ESP, 0);
    vmcs_write(VMCS_GUEST_SYSENTER_EIP, 0);
}

static int vmx_vcpu_create(struct vcpu *vcpu)
{
    struct vmx_vcpu *vmx = kalloc_for(vcpu->vm->cgroup, sizeof(*vmx));
    irqflags_t flags;

    if (vmx == NULL)
        return -ENOMEM;
    vmx->vmcs = region_alloc(vcpu->vm->cgroup);
    if (vmx->vmcs == NULL)
        goto free_vmx;
    vmx->vpid = vpid_alloc();
    if (vmx->vpid == 0)
        goto free_vmcs;
    vmx->cpu_controls = vmx_caps.cpu;
    vmx->entry_controls = vmx_caps.entry;
    vmx->dr7 = vcpu->dr7;
    vcpu->backend = vmx;

    flags = irq_save();
    vmclear(vmx->vmcs);
    vmx_load(vcpu);
    init_controls(vcpu, vmx);
    init_host();
    init_guest(vmx);
    vmx_put(vcpu);
    irq_restore(flags);
    return 0;

free_vmcs:
    page_put(vmx->vmcs);
free_vmx:
    kfree(vmx);
    return -ENOMEM;
}

static void vmx_vcpu_destroy(struct vcpu *vcpu)
{
    struct vmx_vcpu *vmx = vcpu->backend;
    irqflags_t flags = irq_save();

    /* Current or not: until it is cleared, a CPU may still write to it. */
    vmclear(vmx->vmcs);
    if (this_vmx()->current_vcpu == vcpu)
        this_vmx()->current_vcpu = NULL;
    irq_restore(flags);
    vpid_free(vmx->vpid);
    page_put(vmx->vmcs);
    kfree(vmx);
}

/* ---- guest state
 * --------------------------------------------------------------------------------------------- */

static void segment_get(struct guest_segment *seg, enum segment_index index)
{
    unsigned int step = index * VMCS_STEP;
    uint32_t access = vmcs_read32(VMCS_GUEST_ES_ACCESS + step);

    seg->selector = (uint16_t)vmcs_read(VMCS_GUEST_ES_SELECTOR + step);
    seg->limit = vmcs_read32(VMCS_GUEST_ES_LIMIT + step);
    seg->base = vmcs_read(VMCS_GUEST_ES_BASE + step);
    seg->attr = (uint16_t)((access & ACCESS_LOW) | (access & ACCESS_HIGH) >> ACCESS_SHIFT);
}

/*
 * The entry checks more than a descriptor load leaves open (SDM vol. 3, "Checks on
 * Guest Segment Registers"): what is not present must be marked so, code and data must
 * be accessed, TR must be busy and cannot be unusable.
 */
static uint32_t access_rights(const struct guest_segment *seg, enum segment_index index)
{
    uint16_t attr = seg->attr;

    if (index == SEG_TR)
        attr = (uint16_t)((attr & ~SEG_UNUSABLE) | SEG_P | 2);
    else if ((attr & SEG_UNUSABLE) || !(attr & SEG_P))
        return ACCESS_UNUSABLE;
    else if (index != SEG_LDTR)
        attr |= 1;
    return (attr & ACCESS_LOW) | ((uint32_t)attr << ACCESS_SHIFT & ACCESS_HIGH);
}

static void segment_put(const struct guest_segment *seg, enum segment_index index)
{
    unsigned int step = index * VMCS_STEP;

    vmcs_write(VMCS_GUEST_ES_SELECTOR + step, seg->selector);
    vmcs_write(VMCS_GUEST_ES_LIMIT + step, seg->limit);
    vmcs_write(VMCS_GUEST_ES_BASE + step, seg->base);
    vmcs_write(VMCS_GUEST_ES_ACCESS + step, access_rights(seg, index));
}

static bool is_code_segment(enum segment_index index)
{
    return index == SEG_CS || index == SEG_SS;
}

static bool is_pae_paging(const struct guest_state *state)
{
    return (state->cr0 & CR0_PG) && (state->cr4 & CR4_PAE) && !(state->efer & EFER_LMA);
}

static void vmx_state_get(struct vcpu *vcpu, unsigned int groups)
{
    struct guest_state *state = &vcpu->state;

    if (groups & STATE_CR) {
        /* CR0, CR4 and EFER change only through us, and enter() has kept CR2. */
        state->cr3 = vmcs_read(VMCS_GUEST_CR3);
        for (unsigned int i = 0; is_pae_paging(state) && i < 4; i++)
            state->pdptr[i] = vmcs_read(VMCS_GUEST_PDPTE0 + i * VMCS_STEP);
    }
    for (unsigned int i = 0; i < SEG_COUNT; i++) {
        if (groups & (is_code_segment(i) ? STATE_CODE : STATE_SEG))
            segment_get(&state->seg[i], i);
    }
    if (groups & STATE_SEG) {
        state->gdtr.base = vmcs_read(VMCS_GUEST_GDTR_BASE);
        state->gdtr.limit = vmcs_read32(VMCS_GUEST_GDTR_LIMIT);
        state->idtr.base = vmcs_read(VMCS_GUEST_IDTR_BASE);
        state->idtr.limit = vmcs_read32(VMCS_GUEST_IDTR_LIMIT);
    }
}

/* CD and NW cannot be loaded, and caching is the second-level tables' to decide. */
static uint64_t real_cr0(uint64_t cr0)
{
    uint64_t fixed0 = vmx_caps.cr0_fixed0 & ~(uint64_t)(CR0_PE | CR0_PG); /* unrestricted guest */

    return ((cr0 | fixed0 | CR0_NE) & ~(uint64_t)(CR0_CD | CR0_NW)) & vmx_caps.cr0_fixed1;
}

/* With MCE off a machine check would shut the CPU down. */
static uint64_t real_cr4(uint64_t cr4)
{
    return cr4 | vmx_caps.cr4_fixed0 | CR4_VMXE | CR4_MCE;
}

static void write_control_registers(struct vmx_vcpu *vmx, const struct guest_state *state)
{
    uint32_t entry = vmx_caps.entry;

    entry |= state->efer & EFER_LMA ? (uint32_t)ENTRY_CTL_GUEST_64 : 0;
    if (entry != vmx->entry_controls) {
        vmcs_write(VMCS_ENTRY_CONTROLS, entry);
        vmx->entry_controls = entry;
    }
    vmcs_write(VMCS_GUEST_CR0, real_cr0(state->cr0));
    vmcs_write(VMCS_CR0_SHADOW, state->cr0);
    vmcs_write(VMCS_GUEST_CR3, state->cr3);
    vmcs_write(VMCS_GUEST_CR4, real_cr4(state->cr4));
    vmcs_write(VMCS_CR4_SHADOW, state->cr4);
    vmcs_write(VMCS_GUEST_EFER, state->efer);
    for (unsigned int i = 0; is_pae_paging(state) && i < 4; i++)
        vmcs_write(VMCS_GUEST_PDPTE0 + i * VMCS_STEP, state->pdptr[i]);
}

static void write_dirty_state(struct vcpu *vcpu)
{
    const struct guest_state *state = &vcpu->state;
    unsigned int dirty = vcpu->state_dirty;

    if (likely(dirty == 0))
        return;
    if (dirty & STATE_CR)
        write_control_registers(vcpu->backend, state);
    for (unsigned int i = 0; i < SEG_COUNT; i++) {
        if (dirty & (is_code_segment(i) ? STATE_CODE : STATE_SEG))
            segment_put(&state->seg[i], i);
    }
    if (dirty & STATE_SEG) {
        vmcs_write(VMCS_GUEST_GDTR_BASE, state->gdtr.base);
        vmcs_write(VMCS_GUEST_GDTR_LIMIT, state->gdtr.limit);
        vmcs_write(VMCS_GUEST_IDTR_BASE, state->idtr.base);
        vmcs_write(VMCS_GUEST_IDTR_LIMIT, state->idtr.limit);
    }
}

/* ---- MSRs
 * ------------------------------------------------------------------------------------------------------
 */

/* Those in the VMCS. */
static bool msr_field(uint32_t index, enum vmcs_field *field)
{
    switch (index) {
    case MSR_SYSENTER_CS:
        *field = VMCS_GUEST_SYSENTER_CS;
        return true;
    case MSR_SYSENTER_ESP:
        *field = VMCS_GUEST_SYSENTER_ESP;
        return true;
    case MSR_SYSENTER_EIP:
        *field = VMCS_GUEST_SYSENTER_EIP;
        return true;
    case MSR_PAT:
        *field = VMCS_GUEST_PAT;
        return true;
    default:
        return false;
    }
}

/* Those that are in the CPU between load() and put(). */
static bool is_switched(uint32_t index)
{
    for (unsigned int i = 0; i < SWITCHED_MSRS; i++) {
        if (switched_msrs[i] == index)
            return true;
    }
    return false;
}

static int vmx_msr_get(struct vcpu *vcpu, uint32_t index, uint64_t *value)
{
    enum vmcs_field field;

    (void)vcpu;
    if (msr_field(index, &field))
        *value = vmcs_read(field);
    else if (is_switched(index))
        *value = rdmsr(index);
    else
        return -ENOENT;
    return 0;
}

static int vmx_msr_set(struct vcpu *vcpu, uint32_t index, uint64_t value)
{
    enum vmcs_field field;

    (void)vcpu;
    if (msr_field(index, &field))
        vmcs_write(field, value);
    else if (is_switched(index))
        return wrmsr_safe(index, value);
    else
        return -ENOENT;
    return 0;
}

/* ---- the run
 * ---------------------------------------------------------------------------------------------------------
 */

/* Interrupt shadows are passed on as they are; an event that is delivered ends them. */
static void write_interruptibility(struct vcpu *vcpu, struct vmx_vcpu *vmx)
{
    uint32_t state = 0;

    if (vcpu->inject.type != EVENT_INTR && vcpu->inject.type != EVENT_NMI) {
        if (vcpu->irq_shadow & SHADOW_MOV_SS)
            state |= BLOCKING_BY_MOV_SS;
        else if ((vcpu->irq_shadow & SHADOW_STI) && (vcpu->regs.rflags & EFLAGS_IF))
            state |= BLOCKING_BY_STI;
    }
    if (vcpu->nmi_blocked)
        state |= BLOCKING_BY_NMI;
    if (state != vmx->interruptibility) {
        vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, state);
        vmx->interruptibility = state;
    }
    /* The entry demands it: the trap that single-stepping owes is then still to come. */
    if (unlikely((state & (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS)) &&
                 (vcpu->regs.rflags & EFLAGS_TF)))
        vmcs_write(VMCS_GUEST_PENDING_DEBUG, PENDING_DEBUG_BS);
}

static void write_cpu_controls(const struct vcpu *vcpu, struct vmx_vcpu *vmx)
{
    uint32_t controls = vmx_caps.cpu;

    controls |= vcpu->want_irq_window ? (uint32_t)CPU_IRQ_WINDOW : 0;
    controls |= vcpu->want_nmi_window ? (uint32_t)CPU_NMI_WINDOW : 0;
    if (controls != vmx->cpu_controls) {
        vmcs_write(VMCS_CPU_CONTROLS, controls);
        vmx->cpu_controls = controls;
    }
}

static void write_timer(const struct vcpu *vcpu)
{
    uint64_t slice = ns_to_tsc_delta(SLICE_NS), now = rdtsc(), ticks = 0;

    if (vcpu->entry_deadline_tsc > now)
        ticks = min(vcpu->entry_deadline_tsc - now, slice) >> vmx_caps.timer_shift;
    vmcs_write(VMCS_PREEMPTION_TIMER, min(ticks, (uint64_t)UINT32_MAX));
}

static void write_vcpu(struct vcpu *vcpu, struct vmx_vcpu *vmx)
{
    write_dirty_state(vcpu);
    vmcs_write(VMCS_GUEST_RIP, vcpu->regs.rip);
    vmcs_write(VMCS_GUEST_RSP, vcpu->regs.gpr[GPR_RSP]);
    vmcs_write(VMCS_GUEST_RFLAGS, vcpu->regs.rflags | EFLAGS_FIXED);
    if (vcpu->dr7 != vmx->dr7) {
        vmcs_write(VMCS_GUEST_DR7, vcpu->dr7);
        vmx->dr7 = vcpu->dr7;
    }
    if (vcpu->tsc_offset != vmx->tsc_offset) {
        vmcs_write(VMCS_TSC_OFFSET, vcpu->tsc_offset);
        vmx->tsc_offset = vcpu->tsc_offset;
    }
    write_interruptibility(vcpu, vmx);
    write_cpu_controls(vcpu, vmx);
    vmx_write_event(vcpu);
    write_timer(vcpu);
}

static void read_vcpu(struct vcpu *vcpu, struct vmx_vcpu *vmx)
{
    uint32_t state = vmcs_read32(VMCS_GUEST_INTERRUPTIBILITY);

    vcpu->regs.rip = vmcs_read(VMCS_GUEST_RIP);
    vcpu->regs.gpr[GPR_RSP] = vmcs_read(VMCS_GUEST_RSP);
    vcpu->regs.rflags = vmcs_read(VMCS_GUEST_RFLAGS);
    vmx->interruptibility = state;
    vcpu->irq_shadow = (uint8_t)((state & BLOCKING_BY_STI ? SHADOW_STI : 0) |
                                 (state & BLOCKING_BY_MOV_SS ? SHADOW_MOV_SS : 0));
    vcpu->nmi_blocked = (state & BLOCKING_BY_NMI) != 0;
    vcpu->state_valid = vcpu->state_dirty = 0;
}

static void vmx_enter(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    struct vmx_vcpu *vmx = vcpu->backend;
    enum vmx_switch_result result;

    write_vcpu(vcpu, vmx);
    if (read_cr2() != vcpu->state.cr2)
        __asm__ volatile("mov %0, %%cr2" : : "r"(vcpu->state.cr2));

    result = vmx_world_switch(&vcpu->regs, vmx->is_launched);

    if (unlikely(result != VMX_EXITED)) { /* nothing has been loaded or saved */
        vmexit->reason = EXIT_FAIL_ENTRY;
        vmexit->insn_len = 0;
        vmexit->hardware.reason = result == VMX_FAIL_VALID ? vmcs_read(VMCS_INSTRUCTION_ERROR) : 0;
        vmexit->hardware.info = 0;
        return;
    }
    vcpu->state.cr2 = read_cr2(); /* before a page fault of ours */
    read_vcpu(vcpu, vmx);
    vmx_decode_exit(vcpu, vmexit);
    if (likely(vmexit->reason != EXIT_FAIL_ENTRY))
        vmx->is_launched = true;
}

const struct hv_ops vmx_ops = {
    .name = "vmx",
    .s2_format = STAGE2_EPT,
    .uses_deadline = true,
    .probe = vmx_probe,
    .cpu_on = vmx_cpu_on,
    .cpu_off = vmx_cpu_off,
    .can_rdtscp = vmx_can_rdtscp,
    .vm_init = vmx_vm_init,
    .vm_fini = vmx_vm_fini,
    .vcpu_create = vmx_vcpu_create,
    .vcpu_destroy = vmx_vcpu_destroy,
    .load = vmx_load,
    .put = vmx_put,
    .flush = vmx_flush,
    .enter = vmx_enter,
    .state_get = vmx_state_get,
    .msr_get = vmx_msr_get,
    .msr_set = vmx_msr_set,
};
