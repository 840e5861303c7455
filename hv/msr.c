/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Model-specific registers. One table says for each MSR where its value is and how
 * it is read and written; one that is not in the table raises #GP in the guest. The
 * same table is KVM_GET_MSR_INDEX_LIST, so that every MSR in the list can be set.
 * Everything here runs with the vCPU loaded on this CPU.
 */
#include "msr.h"

#include "vm.h"

const uint32_t hv_passthrough_msrs[] = {
    MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE, MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_SFMASK,
    MSR_SYSENTER_CS, MSR_SYSENTER_ESP, MSR_SYSENTER_EIP,
};
const unsigned int hv_passthrough_msr_count = ARRAY_SIZE(hv_passthrough_msrs);

#define PAT_RESET         0x0007040600070406ULL
#define MISC_ENABLE_RESET 0x1ULL
#define MTRR_CAP_VALUE    0x508ULL /* fixed ranges, write-combining, 8 variable ranges */
#define MTRR_DEF_ENABLED  (1ULL << 11)

static bool is_canonical(uint64_t address)
{
    return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

/* ---- kinds of MSR: each a pair of functions ------------------------------------------------ */

struct msr;
typedef int (*msr_read_fn)(struct vcpu *vcpu, uint32_t index, uint64_t *value);
typedef int (*msr_write_fn)(struct vcpu *vcpu, uint32_t index, uint64_t value);

struct msr {
    uint32_t first, last;
    msr_read_fn read;
    msr_write_fn write; /* NULL: #GP */
    uint64_t value;     /* of constants */
    uint8_t flags;
};

#define MSR_SAVED   1 /* in KVM_GET_MSR_INDEX_LIST */
#define MSR_CONST   2 /* reads as .value; ring 3 may write that value */
#define MSR_IGNORED 4 /* reads as .value; writes are forgotten */
#define MSR_FEATURE 8 /* in KVM_GET_MSR_FEATURE_INDEX_LIST: .value is every guest's */

static int read_backend(struct vcpu *vcpu, uint32_t index, uint64_t *value)
{
    return vcpu->vm->ops->msr_get(vcpu, index, value);
}

static int write_backend(struct vcpu *vcpu, uint32_t index, uint64_t value)
{
    bool is_address = index == MSR_FS_BASE || index == MSR_GS_BASE || index == MSR_KERNEL_GS_BASE ||
                      index == MSR_LSTAR || index == MSR_CSTAR || index == MSR_SYSENTER_ESP ||
                      index == MSR_SYSENTER_EIP;

    if (is_address && !is_canonical(value))
        return -EINVAL;
    if (index == MSR_SFMASK)
        value &= UINT32_MAX;
    return vcpu->vm->ops->msr_set(vcpu, index, value);
}

static int read_segment_base(struct vcpu *vcpu, uint32_t index, uint64_t *value)
{
    *value = vcpu_state(vcpu, STATE_SEG)->seg[index == MSR_FS_BASE ? SEG_FS : SEG_GS].base;
    return 0;
}

static int write_segment_base(struct vcpu *vcpu, uint32_t index, uint64_t value)
{
    if (!is_canonical(value))
        return -EINVAL;
    vcpu_state(vcpu, STATE_SEG)->seg[index == MSR_FS_BASE ? SEG_FS : SEG_GS].base = value;
    vcpu_state_dirty(vcpu, STATE_SEG);
    return 0;
}

static int read_efer(struct vcpu *vcpu, uint32_t index, uint64_t *value)
{
    (void)index;
    *value = vcpu_state(vcpu, STATE_CR)->efer;
    return 0;
}

static int write_efer(struct vcpu *vcpu, uint32_t index, uint64_t value)
{
    (void)index;
    return efer_write(vcpu, value) ? 0 : -EINVAL;
}

static int read_tsc(struct vcpu *vcpu, uint32_t index, uint64_t *value)
{
    (void)index;
    *value = guest_tsc(vcpu);
    return 0;
}

static void set_tsc_offset_locked(struct vcpu *vcpu, uint64_t offset)
{
    kvmclock_set_tsc_offset(vcpu, offset);
    irq_arm_lapic_timer(vcpu); /* a TSC deadline has moved in host time */
}

/*
 * The guest's writes of the TSC and of TSC_ADJUST move each other (SDM vol. 3, "IA32_TSC_ADJUST
 * Register"). Ring 3 sets each for itself, in any order, when it restores a CPU.
 */
static int write_tsc(struct vcpu *vcpu, uint32_t index, uint64_t value)
{
    irqflags_t flags = spin_lock(&vcpu->vm->irq_lock);
    uint64_t offset = vcpu->is_running ? value - rdtsc() : kvmclock_tsc_offset(vcpu->vm, value);

    (void)index;
    if (vcpu->is_running)
        vcpu->tsc_adjust += offset - vcpu->tsc_offset;
    set_tsc_offset_locked(vcpu, offset);
    spin_unlock(&vcpu->vm->irq_lock, flags);
    return 0;
}

static int read_tsc_adjust(struct vcpu *vcpu, uint32_t index, uint64_t *value)
{
    (void)index;
    *value = vcpu->tsc_adjust;
    return 0;
}

static int write_tsc_adjust(struct vcpu *vcpu, uint32_t index, uint64_t value)
{
    irqflags_t flags = spin_lock(&vcpu->vm->irq_lock);

    (void)index;
    if (vcpu->is_running)
        set_tsc_offset_locked(vcpu, vcpu->tsc_offset + value - vcpu->tsc_adjust);
    vcpu->tsc_adjust = value;
    spin_unlock(&vcpu->vm->irq_lock, flags);
    return 0;
}

static int read_apic_base(struct vcpu *vcpu, uint32_t index, uint64_t *value)
{
    (void)index;
    *value = vcpu->lapic.base;
    return 0;
}

static int write_apic_base(struct vcpu *vcpu, uint32_t index, uint64_t value)
{
    irqflags_t flags = spin_lock(&vcpu->vm->irq_lock);
    int err;

    (void)index;
    if ((value & APIC_BASE_ADDRESS) >> vcpu->phys_bits)
        err = -EINVAL;
    else if (vcpu->is_running)
        err = lapic_set_base(&vcpu->lapic, value, vcpu->has_x2apic);
    else
        err = lapic_restore_base(&vcpu->lapic, value);
    spin_unlock(&vcpu->vm->irq_lock, flags);
    vcpu_note(vcpu, REQ_EVENT);
    return err;
}

static int read_x2apic(struct vcpu *vcpu, uint32_t index, uint64_t *value)
{
    irqflags_t flags;
    int err;

    if (!vcpu->vm->has_irqchip)
        return -EINVAL;
    flags = spin_lock(&vcpu->vm->irq_lock);
    err = lapic_msr_read(&vcpu->lapic, index, ktime_ns(), value);
    spin_unlock(&vcpu->vm->irq_lock, flags);
    return err;
}

static int write_x2apic(struct vcpu *vcpu, uint32_t index, uint64_t value)
{
    irqflags_t flags;
    int err;

    if (!vcpu->vm->has_irqchip)
        return -EINVAL;
    flags = spin_lock(&vcpu->vm->irq_lock);
    err = lapic_msr_write(&vcpu->lapic, index, value, ktime_ns());
    spin_unlock(&vcpu->vm->irq_lock, flags);
    irq_after_eoi(vcpu->vm);
    vcpu_note(vcpu, REQ_EVENT);
    return err;
}

static int read_tsc_deadline(struct vcpu *vcpu, uint32_t index, uint64_t *value)
{
    (void)index;
    *value = vcpu->lapic.tsc_deadline;
    return 0;
}

static int write_tsc_deadline(struct vcpu *vcpu, uint32_t index, uint64_t value)
{
    irqflags_t flags = spin_lock(&vcpu->vm->irq_lock);

    (void)index;
    lapic_set_tsc_deadline(&vcpu->lapic, value);
    spin_unlock(&vcpu->vm->irq_lock, flags);
    return 0;
}

static bool is_memory_type(uint8_t type)
{
    return type <= 7 && type != 2 && type != 3;
}

static int read_pat(struct vcpu *vcpu, uint32_t index, uint64_t *value)
{
    (void)index;
    *value = vcpu->pat;
    return 0;
}

static int write_pat(struct vcpu *vcpu, uint32_t index, uint64_t value)
{
    int err;

    for (unsigned int i = 0; i < 8; i++) {
        if (!is_memory_type((uint8_t)(value >> (i * 8))))
            return -EINVAL;
    }
    err = write_backend(vcpu, index, value);
    if (err == 0)
        vcpu->pat = value;
    return err;
}

/* A pointer to the plain value of an MSR that is stored in the vCPU and means nothing else. */
static uint64_t *stored(struct vcpu *vcpu, uint32_t index)
{
    switch (index) {
    case MSR_MISC_ENABLE:
        return &vcpu->misc_enable;
    case MSR_MTRR_DEF_TYPE:
        return &vcpu->mtrr_def_type;
    case MSR_MTRR_PHYSBASE0 ... MSR_MTRR_PHYSMASK7:
        return &vcpu->mtrr_variable[index - MSR_MTRR_PHYSBASE0];
    case MSR_MTRR_FIX64K_00000:
        return &vcpu->mtrr_fixed[0];
    case MSR_MTRR_FIX16K_80000 ... MSR_MTRR_FIX16K_A0000:
        return &vcpu->mtrr_fixed[1 + index - MSR_MTRR_FIX16K_80000];
    case MSR_MTRR_FIX4K_C0000 ... MSR_MTRR_FIX4K_F8000:
        return &vcpu->mtrr_fixed[3 + index - MSR_MTRR_FIX4K_C0000];
    case MSR_MCG_STATUS:
        return &vcpu->mcg_status;
    case MSR_MCG_CTL:
        return &vcpu->mcg_ctl;
    default:
        return NULL;
    }
}

static int read_stored(struct vcpu *vcpu, uint32_t index, uint64_t *value)
{
    *value = *stored(vcpu, index);
    return 0;
}

static int write_stored(struct vcpu *vcpu, uint32_t index, uint64_t value)
{
    *stored(vcpu, index) = value;
    return 0;
}

/* Memory types come from the second-level tables; MTRRs are kept for the guest to read back. */
static int write_mtrr_fixed(struct vcpu *vcpu, uint32_t index, uint64_t value)
{
    for (unsigned int i = 0; i < 8; i++) {
        if (!is_memory_type((uint8_t)(value >> (i * 8))))
            return -EINVAL;
    }
    return write_stored(vcpu, index, value);
}

static int write_mtrr_def(struct vcpu *vcpu, uint32_t index, uint64_t value)
{
    if ((value & ~0xcffULL) || !is_memory_type((uint8_t)value))
        return -EINVAL;
    return write_stored(vcpu, index, value);
}

static int read_mcg_cap(struct vcpu *vcpu, uint32_t index, uint64_t *value)
{
    (void)index;
    *value = vcpu->mcg_cap;
    return 0;
}

static int read_kvmclock(struct vcpu *vcpu, uint32_t index, uint64_t *value)
{
    *value = index == MSR_KVM_SYSTEM_TIME || index == MSR_KVM_SYSTEM_TIME_NEW ? vcpu->kvmclock_msr
                                                                               : vcpu->wall_clock_msr;
    return 0;
}

static int write_kvmclock(struct vcpu *vcpu, uint32_t index, uint64_t value)
{
    if (index == MSR_KVM_SYSTEM_TIME || index == MSR_KVM_SYSTEM_TIME_NEW)
        return kvmclock_set_msr(vcpu, value);
    if (vcpu->is_running)
        kvmclock_write_wall(vcpu, value);
    else
        vcpu->wall_clock_msr = value;
    return 0;
}

static int read_tsc_aux(struct vcpu *vcpu, uint32_t index, uint64_t *value)
{
    (void)index;
    *value = vcpu->tsc_aux;
    return 0;
}

static int write_tsc_aux(struct vcpu *vcpu, uint32_t index, uint64_t value)
{
    (void)index;
    if (value >> 32)
        return -EINVAL;
    vcpu->tsc_aux = value;
    tsc_aux_load(vcpu); /* the vCPU is on this CPU */
    return 0;
}

/* ---- the table, sorted by number ---------------------------------------------------------------- */

/* clang-format off */
static const struct msr msrs[] = {
    {MSR_P5_MC_ADDR, MSR_P5_MC_TYPE, NULL, NULL, 0, MSR_IGNORED},
    {MSR_TSC, MSR_TSC, read_tsc, write_tsc, 0, MSR_SAVED},
    {MSR_KVM_WALL_CLOCK, MSR_KVM_SYSTEM_TIME, read_kvmclock, write_kvmclock, 0, MSR_SAVED},
    {MSR_PLATFORM_ID, MSR_PLATFORM_ID, NULL, NULL, 0, MSR_CONST},
    {MSR_APIC_BASE, MSR_APIC_BASE, read_apic_base, write_apic_base, 0, 0},
    {MSR_EBL_CR_POWERON, MSR_EBL_CR_POWERON, NULL, NULL, 0, MSR_IGNORED},
    {MSR_FEATURE_CONTROL, MSR_FEATURE_CONTROL, NULL, NULL, 1, MSR_CONST}, /* locked, VMX off */
    {MSR_TSC_ADJUST, MSR_TSC_ADJUST, read_tsc_adjust, write_tsc_adjust, 0, MSR_SAVED},
    {MSR_UCODE_WRITE, MSR_UCODE_WRITE, NULL, NULL, 0, MSR_IGNORED},
    {MSR_UCODE_REV, MSR_UCODE_REV, NULL, NULL, 0x100000000ULL, MSR_IGNORED | MSR_FEATURE},
    {MSR_MTRR_CAP, MSR_MTRR_CAP, NULL, NULL, MTRR_CAP_VALUE, MSR_CONST},
    {MSR_SYSENTER_CS, MSR_SYSENTER_EIP, read_backend, write_backend, 0, MSR_SAVED},
    {MSR_MCG_CAP, MSR_MCG_CAP, read_mcg_cap, NULL, 0, 0},
    {MSR_MCG_STATUS, MSR_MCG_CTL, read_stored, write_stored, 0, MSR_SAVED},
    {MSR_PERFEVTSEL0, MSR_PERFEVTSEL1, NULL, NULL, 0, MSR_IGNORED},
    {MSR_PERF_STATUS, MSR_PERF_CTL, NULL, NULL, 0, MSR_IGNORED},
    {MSR_MISC_ENABLE, MSR_MISC_ENABLE, read_stored, write_stored, 0, MSR_SAVED},
    {MSR_DEBUGCTL, MSR_DEBUGCTL, NULL, NULL, 0, MSR_IGNORED}, /* no branch records for guests */
    {MSR_LASTBRANCH_FROM, MSR_LASTINT_TO, NULL, NULL, 0, MSR_IGNORED},
    {MSR_MTRR_PHYSBASE0, MSR_MTRR_PHYSMASK7, read_stored, write_stored, 0, MSR_SAVED},
    {MSR_MTRR_FIX64K_00000, MSR_MTRR_FIX64K_00000, read_stored, write_mtrr_fixed, 0, MSR_SAVED},
    {MSR_MTRR_FIX16K_80000, MSR_MTRR_FIX16K_A0000, read_stored, write_mtrr_fixed, 0, MSR_SAVED},
    {MSR_MTRR_FIX4K_C0000, MSR_MTRR_FIX4K_F8000, read_stored, write_mtrr_fixed, 0, MSR_SAVED},
    {MSR_PAT, MSR_PAT, read_pat, write_pat, 0, MSR_SAVED},
    {MSR_MTRR_DEF_TYPE, MSR_MTRR_DEF_TYPE, read_stored, write_mtrr_def, 0, MSR_SAVED},
    {MSR_RAPL_POWER_UNIT, MSR_RAPL_POWER_UNIT, NULL, NULL, 0, MSR_CONST},
    {MSR_TSC_DEADLINE, MSR_TSC_DEADLINE, read_tsc_deadline, write_tsc_deadline, 0, MSR_SAVED},
    {MSR_X2APIC_FIRST, MSR_X2APIC_LAST, read_x2apic, write_x2apic, 0, 0},
    {MSR_KVM_WALL_CLOCK_NEW, MSR_KVM_SYSTEM_TIME_NEW, read_kvmclock, write_kvmclock, 0, MSR_SAVED},
    {MSR_EFER, MSR_EFER, read_efer, write_efer, 0, 0},
    {MSR_STAR, MSR_SFMASK, read_backend, write_backend, 0, MSR_SAVED},
    {MSR_FS_BASE, MSR_GS_BASE, read_segment_base, write_segment_base, 0, 0},
    {MSR_KERNEL_GS_BASE, MSR_KERNEL_GS_BASE, read_backend, write_backend, 0, MSR_SAVED},
    {MSR_TSC_AUX, MSR_TSC_AUX, read_tsc_aux, write_tsc_aux, 0, MSR_SAVED},
    {MSR_K7_EVNTSEL0, MSR_K7_PERFCTR3, NULL, NULL, 0, MSR_IGNORED},
    {MSR_K8_SYSCFG, MSR_K8_SYSCFG, NULL, NULL, 0, MSR_IGNORED},
    {MSR_K7_HWCR, MSR_K7_HWCR, NULL, NULL, 0x01000000, MSR_IGNORED}, /* the TSC counts at P0's rate */
    {MSR_AMD64_PATCH_LOADER, MSR_AMD64_PATCH_LOADER, NULL, NULL, 0, MSR_IGNORED},
    {MSR_K8_INT_PENDING, MSR_K8_INT_PENDING, NULL, NULL, 0, MSR_IGNORED},
    {MSR_K8_TSEG_ADDR, MSR_K8_TSEG_MASK, NULL, NULL, 0, MSR_IGNORED},
    {MSR_VM_CR, MSR_VM_CR, NULL, NULL, 0x10, MSR_CONST}, /* SVM is disabled */
    {MSR_AMD64_LS_CFG, MSR_AMD64_DE_CFG, NULL, NULL, 0, MSR_IGNORED},
    {MSR_AMD64_BU_CFG2, MSR_AMD64_BU_CFG2, NULL, NULL, 0, MSR_IGNORED},
};
/* clang-format on */

static const struct msr *msr_find(uint32_t index)
{
    unsigned int low = 0, high = ARRAY_SIZE(msrs);

    while (low < high) {
        unsigned int middle = (low + high) / 2;

        if (index < msrs[middle].first)
            high = middle;
        else if (index > msrs[middle].last)
            low = middle + 1;
        else
            return &msrs[middle];
    }
    return NULL;
}

/* Machine-check banks: as many as ring 3 has set up, all zero. */
static bool is_mce_bank(const struct vcpu *vcpu, uint32_t index)
{
    return index >= MSR_MC0_CTL && index < MSR_MC0_CTL + 4 * (vcpu->mcg_cap & 0xff);
}

int msr_read(struct vcpu *vcpu, uint32_t index, uint64_t *value)
{
    const struct msr *msr = msr_find(index);

    if (msr == NULL) {
        *value = 0;
        return is_mce_bank(vcpu, index) ? 0 : -EINVAL;
    }
    if (msr->read != NULL)
        return msr->read(vcpu, index, value) == 0 ? 0 : -EINVAL;
    *value = msr->value;
    return 0;
}

int msr_write(struct vcpu *vcpu, uint32_t index, uint64_t value)
{
    const struct msr *msr = msr_find(index);

    if (msr == NULL)
        return is_mce_bank(vcpu, index) ? 0 : -EINVAL;
    if (msr->flags & MSR_IGNORED)
        return 0;
    if (msr->flags & MSR_CONST)
        return !vcpu->is_running && value == msr->value ? 0 : -EINVAL;
    if (msr->write == NULL)
        return -EINVAL;
    return msr->write(vcpu, index, value) == 0 ? 0 : -EINVAL;
}

int msr_read_feature(uint32_t index, uint64_t *value)
{
    const struct msr *msr = msr_find(index);

    if (msr == NULL || !(msr->flags & MSR_FEATURE))
        return -EINVAL;
    *value = msr->value;
    return 0;
}

unsigned int msr_list(enum msr_list which, uint32_t *indices, unsigned int max_indices)
{
    uint8_t flag = which == MSR_LIST_SAVED ? MSR_SAVED : MSR_FEATURE;
    unsigned int n = 0;

    for (unsigned int i = 0; i < ARRAY_SIZE(msrs); i++) {
        if (!(msrs[i].flags & flag))
            continue;
        for (uint32_t index = msrs[i].first; index <= msrs[i].last; index++) {
            if (n < max_indices)
                indices[n] = index;
            n++;
        }
    }
    return n;
}

void msr_reset(struct vcpu *vcpu)
{
    vcpu->pat = PAT_RESET;
    vcpu->misc_enable = MISC_ENABLE_RESET;
    vcpu->mtrr_def_type = 0;
    memset(vcpu->mtrr_fixed, 0, sizeof(vcpu->mtrr_fixed));
    memset(vcpu->mtrr_variable, 0, sizeof(vcpu->mtrr_variable));
    vcpu->mcg_status = 0;
    vcpu->tsc_adjust = 0;
}

/* ---- the guest's RDMSR and WRMSR ------------------------------------------------------------------- */

#define VECTOR_GP 13

enum exit_action exit_rdmsr(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    uint64_t value;

    if (msr_read(vcpu, (uint32_t)vcpu->regs.gpr[GPR_RCX], &value) < 0) {
        inject_fault_error(vcpu, VECTOR_GP, 0);
        return EXIT_RESUME;
    }
    vcpu->regs.gpr[GPR_RAX] = (uint32_t)value;
    vcpu->regs.gpr[GPR_RDX] = value >> 32;
    return exit_skip(vcpu, vmexit);
}

enum exit_action exit_wrmsr(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    uint64_t value = (uint64_t)(uint32_t)vcpu->regs.gpr[GPR_RDX] << 32 | (uint32_t)vcpu->regs.gpr[GPR_RAX];

    if (msr_write(vcpu, (uint32_t)vcpu->regs.gpr[GPR_RCX], value) < 0) {
        inject_fault_error(vcpu, VECTOR_GP, 0);
        return EXIT_RESUME;
    }
    return exit_skip(vcpu, vmexit);
}
