/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control registers, EFER, debug registers and XCR0, as the guest writes them. What
 * a real CPU with the guest's CPUID would refuse is refused here: the back ends are
 * never given a value that they have to judge.
 */
#include "vm.h"

#define VECTOR_UD 6
#define VECTOR_GP 13

#define CR0_RESERVED 0xffffffff1ffaffc0ULL
#define CR8_RESERVED 0xfffffffffffffff0ULL

/* SDM vol. 3, "PAE Paging"; also all bits from MAXPHYADDR on */
#define PDPTE_PRESENT  0x001ULL
#define PDPTE_RESERVED 0x1e6ULL

#define XCR0_X87     (1ULL << 0)
#define XCR0_SSE     (1ULL << 1)
#define XCR0_AVX     (1ULL << 2)
#define XCR0_BNDREGS (1ULL << 3)
#define XCR0_BNDCSR  (1ULL << 4)
#define XCR0_AVX512  (7ULL << 5)

#define DR6_FIXED_ONE  0xffff0ff0ULL
#define DR6_FIXED_ZERO 0x00001000ULL
#define DR6_WRITABLE   0x0000e00fULL
#define DR7_FIXED_ONE  0x00000400ULL
#define DR7_WRITABLE   0xffff2bffULL

/* ---- CR0, CR4, EFER ----------------------------------------------------------------------- */

static bool load_pdptrs(struct vcpu *vcpu)
{
    struct guest_state *state = &vcpu->state;
    uint64_t pdptr[4], reserved = PDPTE_RESERVED | ~(BIT(vcpu->phys_bits) - 1);

    if (guest_read(vcpu->vm, state->cr3 & 0xffffffe0, pdptr, sizeof(pdptr)) < 0)
        return false;
    for (unsigned int i = 0; i < 4; i++) {
        if ((pdptr[i] & PDPTE_PRESENT) && (pdptr[i] & reserved))
            return false;
    }
    memcpy(state->pdptr, pdptr, sizeof(pdptr));
    return true;
}

static bool is_pae_paging(uint64_t cr0, uint64_t cr4, uint64_t efer)
{
    return (cr0 & CR0_PG) && (cr4 & CR4_PAE) && !(efer & EFER_LMA);
}

void cr_refresh_pdptrs(struct vcpu *vcpu)
{
    const struct guest_state *state = vcpu_state(vcpu, STATE_CR);

    vcpu->pdptr_stale = false;
    if (is_pae_paging(state->cr0, state->cr4, state->efer) && load_pdptrs(vcpu))
        vcpu_state_dirty(vcpu, STATE_CR);
}

bool cr0_write(struct vcpu *vcpu, uint64_t value)
{
    struct guest_state *state = vcpu_state(vcpu, STATE_CR | STATE_CODE);
    uint64_t old = state->cr0, efer = state->efer;

    value |= CR0_ET;
    if ((value >> 32) || ((value & CR0_PG) && !(value & CR0_PE)) || ((value & CR0_NW) && !(value & CR0_CD)))
        return false;
    value &= ~CR0_RESERVED;
    if ((value & CR0_PG) && !(old & CR0_PG)) {
        if (efer & EFER_LME) { /* into long mode */
            if (!(state->cr4 & CR4_PAE) || (state->seg[SEG_CS].attr & SEG_L))
                return false;
            efer |= EFER_LMA;
        }
    } else if (!(value & CR0_PG) && (old & CR0_PG)) {
        if ((efer & EFER_LMA) && (state->seg[SEG_CS].attr & SEG_L))
            return false; /* not from 64-bit code */
        if (state->cr4 & CR4_PCIDE)
            return false;
        efer &= ~EFER_LMA;
    }
    if (is_pae_paging(value, state->cr4, efer) && ((old ^ value) & (CR0_PG | CR0_CD | CR0_NW)) &&
        !load_pdptrs(vcpu))
        return false;
    state->cr0 = value;
    state->efer = efer;
    vcpu_state_dirty(vcpu, STATE_CR);
    if ((old ^ value) & (CR0_PG | CR0_WP))
        vcpu->needs_flush = true;
    return true;
}

/* CR4 bits that the guest's CPUID offers. */
uint64_t cr4_allowed(const struct vcpu *vcpu)
{
    static const struct {
        uint32_t function, index;
        uint8_t reg, bit; /* reg: 0-3 for eax, ebx, ecx, edx */
        uint64_t cr4;
    } features[] = {
        {1, 0, 2, 17, CR4_PCIDE},   {1, 0, 2, 26, CR4_OSXSAVE}, {7, 0, 1, 0, CR4_FSGSBASE},
        {7, 0, 1, 7, CR4_SMEP},     {7, 0, 1, 20, CR4_SMAP},    {7, 0, 2, 2, CR4_UMIP},
    };
    uint64_t allowed = CR4_VME | CR4_PVI | CR4_TSD | CR4_DE | CR4_PSE | CR4_PAE | CR4_MCE | CR4_PGE |
                       CR4_PCE | CR4_OSFXSR | CR4_OSXMMEXCPT;

    for (unsigned int i = 0; i < ARRAY_SIZE(features); i++) {
        const struct kvm_cpuid_entry2 *entry = cpuid_find(vcpu, features[i].function, features[i].index);
        const uint32_t *regs = entry != NULL ? &entry->eax : NULL;

        if (regs != NULL && (regs[features[i].reg] >> features[i].bit & 1))
            allowed |= features[i].cr4;
    }
    if (hv_guest_xcr0() == 0) /* whatever ring 3 says of the CPU */
        allowed &= ~CR4_OSXSAVE;
    return allowed;
}

bool cr4_write(struct vcpu *vcpu, uint64_t value)
{
    struct guest_state *state = vcpu_state(vcpu, STATE_CR);
    uint64_t old = state->cr4, changed = old ^ value;

    if (value & ~cr4_allowed(vcpu))
        return false;
    if ((state->efer & EFER_LMA) && !(value & CR4_PAE))
        return false;
    if ((changed & value & CR4_PCIDE) && (!(state->efer & EFER_LMA) || (state->cr3 & 0xfff)))
        return false;
    if (is_pae_paging(state->cr0, value, state->efer) &&
        (changed & (CR4_PSE | CR4_PAE | CR4_PGE | CR4_SMEP)) && !load_pdptrs(vcpu))
        return false;
    state->cr4 = value;
    vcpu->has_osxsave = (value & CR4_OSXSAVE) != 0;
    vcpu_state_dirty(vcpu, STATE_CR);
    if (changed & (CR4_PSE | CR4_PAE | CR4_PGE | CR4_PCIDE | CR4_SMEP | CR4_SMAP))
        vcpu->needs_flush = true;
    return true;
}

bool efer_write(struct vcpu *vcpu, uint64_t value)
{
    struct guest_state *state = vcpu_state(vcpu, STATE_CR);
    const struct kvm_cpuid_entry2 *entry = cpuid_find(vcpu, 0x80000001, 0);
    uint64_t allowed = EFER_LMA;

    if (entry != NULL) {
        allowed |= entry->edx & (1u << 11) ? EFER_SCE : 0;
        allowed |= entry->edx & (1u << 20) ? EFER_NX : 0;
        allowed |= entry->edx & (1u << 25) ? EFER_FFXSR : 0;
        allowed |= entry->edx & (1u << 29) ? EFER_LME : 0;
    }
    if (value & ~allowed)
        return false;
    if (((value ^ state->efer) & EFER_LME) && (state->cr0 & CR0_PG))
        return false;
    value = (value & ~EFER_LMA) | (state->efer & EFER_LMA); /* read-only to software */
    if ((value ^ state->efer) & EFER_NX)
        vcpu->needs_flush = true;
    state->efer = value;
    vcpu_state_dirty(vcpu, STATE_CR);
    return true;
}

/* ---- the instructions ------------------------------------------------------------------------ */

static bool cr3_write(struct vcpu *vcpu, uint64_t value)
{
    struct guest_state *state = vcpu_state(vcpu, STATE_CR);
    uint64_t old = state->cr3;

    if (state->cr4 & CR4_PCIDE)
        value &= ~(1ULL << 63);
    if (value >> vcpu->phys_bits)
        return false;
    state->cr3 = value;
    if (is_pae_paging(state->cr0, state->cr4, state->efer) && !load_pdptrs(vcpu)) {
        state->cr3 = old;
        return false;
    }
    vcpu_state_dirty(vcpu, STATE_CR);
    vcpu->needs_flush = true;
    return true;
}

static bool cr8_write(struct vcpu *vcpu, uint64_t value)
{
    irqflags_t flags;

    if (value & CR8_RESERVED)
        return false;
    vcpu->cr8 = value;
    if (vcpu->vm->has_irqchip) {
        flags = spin_lock(&vcpu->vm->irq_lock);
        lapic_set_cr8(&vcpu->lapic, (uint8_t)value);
        spin_unlock(&vcpu->vm->irq_lock, flags);
        vcpu_note(vcpu, REQ_EVENT);
    }
    return true;
}

static bool cr_write(struct vcpu *vcpu, unsigned int cr, uint64_t value)
{
    switch (cr) {
    case 0:
        return cr0_write(vcpu, value);
    case 2:
        vcpu_state(vcpu, STATE_CR)->cr2 = value;
        vcpu_state_dirty(vcpu, STATE_CR);
        return true;
    case 3:
        return cr3_write(vcpu, value);
    case 4:
        return cr4_write(vcpu, value);
    case 8:
        return cr8_write(vcpu, value);
    default:
        return false;
    }
}

static uint64_t cr_read(struct vcpu *vcpu, unsigned int cr)
{
    const struct guest_state *state = vcpu_state(vcpu, STATE_CR);

    switch (cr) {
    case 0:
        return state->cr0;
    case 2:
        return state->cr2;
    case 3:
        return state->cr3;
    case 4:
        return state->cr4;
    default:
        return vcpu->vm->has_irqchip ? lapic_get_cr8(&vcpu->lapic) : vcpu->cr8;
    }
}

/* Without decode assists: what the instruction is. LMSW's operand is read here, SMSW's written. */
static int decode_cr(struct vcpu *vcpu, struct vm_exit *vmexit, struct insn *insn)
{
    int err = fetch_insn(vcpu, insn);
    uint64_t operand = 0;
    gva_t gva;

    if (err != 0)
        return err;
    vmexit->insn_len = insn->len;
    vmexit->cr.cr = insn->reg;
    vmexit->cr.gpr = insn->rm;
    switch (insn->op) {
    case INSN_MOV_TO_CR:
        vmexit->cr.access = CR_MOV_TO;
        return 0;
    case INSN_MOV_FROM_CR:
        vmexit->cr.access = CR_MOV_FROM;
        return 0;
    case INSN_CLTS:
        vmexit->cr.access = CR_CLTS;
        return 0;
    case INSN_LMSW:
    case INSN_SMSW:
        break;
    default:
        return -EINVAL;
    }
    vmexit->cr.access = insn->op == INSN_LMSW ? CR_LMSW : CR_SMSW;
    if (!insn->is_memory) {
        vmexit->cr.msw = (uint16_t)vcpu->regs.gpr[insn->rm];
        return 0;
    }
    err = segment_address(vcpu, insn->segment, insn_offset(insn, &vcpu->regs), 2, insn->op == INSN_SMSW, &gva);
    if (err == 0 && insn->op == INSN_LMSW) {
        err = linear_read(vcpu, gva, &operand, 2);
        vmexit->cr.msw = (uint16_t)operand;
    } else if (err == 0) {
        operand = vcpu_state(vcpu, STATE_CR)->cr0;
        err = linear_write(vcpu, gva, &operand, 2);
    }
    return err;
}

enum exit_action exit_cr(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    struct insn insn = {.size = 8};
    uint64_t cr0, old_cr8 = vcpu->cr8;
    enum exit_action action;
    bool ok = true;
    int err;

    if (vmexit->cr.access == CR_UNKNOWN || vmexit->cr.access == CR_SMSW) {
        err = decode_cr(vcpu, vmexit, &insn);
        if (err != 0)
            return err == 1 ? EXIT_RESUME : exit_internal_error(vcpu, KVM_INTERNAL_ERROR_EMULATION);
    }
    cr0 = vcpu_state(vcpu, STATE_CR)->cr0;
    switch (vmexit->cr.access) {
    case CR_MOV_TO:
        ok = cr_write(vcpu, vmexit->cr.cr, vcpu_insn_mode(vcpu) == INSN_64
                                               ? vcpu->regs.gpr[vmexit->cr.gpr]
                                               : (uint32_t)vcpu->regs.gpr[vmexit->cr.gpr]);
        break;
    case CR_MOV_FROM:
        insn_reg_write(&vcpu->regs, vmexit->cr.gpr, vcpu_insn_mode(vcpu) == INSN_64 ? 8 : 4, true,
                       cr_read(vcpu, vmexit->cr.cr));
        break;
    case CR_CLTS:
        ok = cr0_write(vcpu, cr0 & ~CR0_TS);
        break;
    case CR_LMSW: /* sets PE but cannot clear it */
        ok = cr0_write(vcpu, (cr0 & ~(uint64_t)(CR0_MP | CR0_EM | CR0_TS)) | (vmexit->cr.msw & 0xf));
        break;
    default: /* SMSW to a register; to memory it has been done */
        if (!insn.is_memory)
            insn_reg_write(&vcpu->regs, insn.rm, insn.size, true, cr0);
        break;
    }
    if (!ok) {
        inject_fault_error(vcpu, VECTOR_GP, 0);
        return EXIT_RESUME;
    }
    action = exit_skip(vcpu, vmexit);
    if (action == EXIT_RESUME && !vcpu->vm->has_irqchip && vcpu->cr8 < old_cr8) {
        vcpu->run->exit_reason = KVM_EXIT_SET_TPR; /* ring 3's APIC may have an interrupt for it now */
        return EXIT_TO_VMM;
    }
    return action;
}

/* ---- debug registers ------------------------------------------------------------------------------ */

static bool dr_write(struct vcpu *vcpu, unsigned int dr, uint64_t value)
{
    switch (dr) {
    case 0 ... 3:
        vcpu->dr[dr] = value;
        return true;
    case 4:
    case 6:
        if (value >> 32)
            return false;
        vcpu->dr6 = (value & DR6_WRITABLE) | DR6_FIXED_ONE;
        return true;
    default:
        if (value >> 32)
            return false;
        vcpu->dr7 = (value & DR7_WRITABLE) | DR7_FIXED_ONE;
        return true;
    }
}

static uint64_t dr_read(const struct vcpu *vcpu, unsigned int dr)
{
    if (dr < 4)
        return vcpu->dr[dr];
    return dr == 4 || dr == 6 ? vcpu->dr6 : vcpu->dr7;
}

enum exit_action exit_dr(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    const struct guest_state *state = vcpu_state(vcpu, STATE_CR);
    struct insn insn;
    int err;

    if (!vmexit->dr.is_known) {
        err = fetch_insn(vcpu, &insn);
        if (err == 0 && insn.op != INSN_MOV_TO_DR && insn.op != INSN_MOV_FROM_DR)
            err = -EINVAL;
        if (err != 0)
            return err == 1 ? EXIT_RESUME : exit_internal_error(vcpu, KVM_INTERNAL_ERROR_EMULATION);
        vmexit->insn_len = insn.len;
        vmexit->dr.is_write = insn.op == INSN_MOV_TO_DR;
        vmexit->dr.dr = insn.reg;
        vmexit->dr.gpr = insn.rm;
    }
    if (vcpu_cpl(vcpu) != 0) {
        inject_fault_error(vcpu, VECTOR_GP, 0);
        return EXIT_RESUME;
    }
    if (vmexit->dr.dr > 7 || ((vmexit->dr.dr == 4 || vmexit->dr.dr == 5) && (state->cr4 & CR4_DE))) {
        inject_fault(vcpu, VECTOR_UD);
        return EXIT_RESUME;
    }
    if (vcpu->dr7 & DR7_GD) { /* general detect: #DB before the access */
        vcpu->dr7 &= ~DR7_GD;
        vcpu->dr6 |= DR6_BD;
        inject_fault(vcpu, 1);
        return EXIT_RESUME;
    }
    if (!vmexit->dr.is_write) {
        insn_reg_write(&vcpu->regs, vmexit->dr.gpr, vcpu_insn_mode(vcpu) == INSN_64 ? 8 : 4, true,
                       dr_read(vcpu, vmexit->dr.dr));
    } else if (!dr_write(vcpu, vmexit->dr.dr, vcpu_insn_mode(vcpu) == INSN_64
                                                  ? vcpu->regs.gpr[vmexit->dr.gpr]
                                                  : (uint32_t)vcpu->regs.gpr[vmexit->dr.gpr])) {
        inject_fault_error(vcpu, VECTOR_GP, 0);
        return EXIT_RESUME;
    }
    return exit_skip(vcpu, vmexit);
}

/* ---- XCR0 ---------------------------------------------------------------------------------------------- */

/* SDM vol. 1, "Enabling the XSAVE Feature Set": which components need which. */
bool xcr0_is_valid(const struct vcpu *vcpu, uint64_t value)
{
    uint64_t avx512 = value & XCR0_AVX512, bounds = value & (XCR0_BNDREGS | XCR0_BNDCSR);

    if (!(value & XCR0_X87) || (value & ~cpuid_guest_xcr0(vcpu)))
        return false;
    if ((value & XCR0_AVX) && !(value & XCR0_SSE))
        return false;
    if (avx512 != 0 && (avx512 != XCR0_AVX512 || !(value & XCR0_AVX)))
        return false;
    return bounds == 0 || bounds == (XCR0_BNDREGS | XCR0_BNDCSR);
}

enum exit_action exit_xsetbv(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    uint64_t value = (uint64_t)(uint32_t)vcpu->regs.gpr[GPR_RDX] << 32 | (uint32_t)vcpu->regs.gpr[GPR_RAX];

    if (vcpu_cpl(vcpu) != 0 || (uint32_t)vcpu->regs.gpr[GPR_RCX] != 0 || !xcr0_is_valid(vcpu, value)) {
        inject_fault_error(vcpu, VECTOR_GP, 0);
        return EXIT_RESUME;
    }
    vcpu->xcr0 = value;
    return exit_skip(vcpu, vmexit);
}
