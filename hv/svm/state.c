/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest state between struct vcpu and the VMCB, group by group, and the MSRs that
 * live in the VMCB. Between two entries the VMCB holds everything that the CPU
 * exchanges; nothing of the guest stays in the CPU itself.
 */
#include "../msr.h"
#include "svm.h"

/*
 * The guest's CR0 but for caching: with the host's memory types behind it, its
 * CD would only make it slow, and VMRUN refuses NW without CD.
 */
#define CR0_HIDDEN (CR0_CD | CR0_NW)

/* A machine check while CR4.MCE is clear would shut the CPU down before it is intercepted. */
#define CR4_FORCED CR4_MCE

#define VMCB_ATTRIB 0x0fffu

/* ---- segments ---- */

/* Offset in the save area by enum segment_index. */
static struct vmcb_segment *vmcb_segment(struct vmcb_save *save, enum segment_index index)
{
    static const uint16_t offsets[SEG_COUNT] = {
        [SEG_ES] = offsetof(struct vmcb_save, es),     [SEG_CS] = offsetof(struct vmcb_save, cs),
        [SEG_SS] = offsetof(struct vmcb_save, ss),     [SEG_DS] = offsetof(struct vmcb_save, ds),
        [SEG_FS] = offsetof(struct vmcb_save, fs),     [SEG_GS] = offsetof(struct vmcb_save, gs),
        [SEG_LDTR] = offsetof(struct vmcb_save, ldtr), [SEG_TR] = offsetof(struct vmcb_save, tr),
    };

    return (struct vmcb_segment *)((uint8_t *)save + offsets[index]);
}

static void segment_put(struct vmcb_save *save, const struct guest_state *state,
                        enum segment_index index)
{
    const struct guest_segment *from = &state->seg[index];
    struct vmcb_segment *to = vmcb_segment(save, index);

    to->selector = from->selector;
    to->attrib = from->attr & VMCB_ATTRIB;
    if (from->attr & SEG_UNUSABLE)
        to->attrib &= (uint16_t)~SEG_P;
    to->limit = from->limit;
    to->base = from->base;
}

static void segment_get(struct vmcb_save *save, struct guest_state *state, enum segment_index index)
{
    const struct vmcb_segment *from = vmcb_segment(save, index);
    struct guest_segment *to = &state->seg[index];

    to->selector = from->selector;
    to->attr = from->attrib & VMCB_ATTRIB;
    if (!(to->attr & SEG_P))
        to->attr |= SEG_UNUSABLE;
    if (index == SEG_TR)
        to->attr |= 2; /* busy, as it always is once loaded */
    to->limit = from->limit;
    to->base = from->base;
}

static bool is_data_segment(enum segment_index index)
{
    return index != SEG_CS && index != SEG_SS;
}

/* ---- groups ---- */

static void cr_put(struct svm_vcpu *svm, const struct guest_state *state)
{
    struct vmcb *vmcb = svm->vmcb;
    uint32_t intercepts =
        INTERCEPT_WRITE(0) | INTERCEPT_WRITE(4) | INTERCEPT_READ(8) | INTERCEPT_WRITE(8);

    svm->cr0_hidden = state->cr0 & CR0_HIDDEN;
    svm->cr4_forced = ~state->cr4 & CR4_FORCED;
    if (svm->cr0_hidden != 0)
        intercepts |= INTERCEPT_READ(0);
    if (svm->cr4_forced != 0)
        intercepts |= INTERCEPT_READ(4);
    vmcb->control.intercept_cr = intercepts;
    vmcb->save.cr0 = state->cr0 & ~svm->cr0_hidden;
    vmcb->save.cr2 = state->cr2;
    vmcb->save.cr3 = state->cr3;
    vmcb->save.cr4 = state->cr4 | svm->cr4_forced;
    vmcb->save.efer = state->efer | EFER_SVME; /* VMRUN refuses to start without */
}

static void cr_get(const struct svm_vcpu *svm, struct guest_state *state)
{
    const struct vmcb_save *save = &svm->vmcb->save;

    state->cr0 = save->cr0 | svm->cr0_hidden;
    state->cr2 = save->cr2;
    state->cr3 = save->cr3;
    state->cr4 = save->cr4 & ~svm->cr4_forced;
    state->efer = save->efer & ~EFER_SVME;
}

void svm_state_put(struct vcpu *vcpu)
{
    struct svm_vcpu *svm = vcpu->backend;
    struct vmcb_save *save = &svm->vmcb->save;
    const struct guest_state *state = &vcpu->state;

    if (vcpu->state_dirty & STATE_CR)
        cr_put(svm, state);
    if (vcpu->state_dirty & STATE_CODE) {
        segment_put(save, state, SEG_CS);
        segment_put(save, state, SEG_SS);
        save->cpl = (state->seg[SEG_SS].attr & SEG_DPL) >> 5;
    }
    if (vcpu->state_dirty & STATE_SEG) {
        for (enum segment_index i = 0; i < SEG_COUNT; i++) {
            if (is_data_segment(i))
                segment_put(save, state, i);
        }
        save->gdtr.base = state->gdtr.base;
        save->gdtr.limit = state->gdtr.limit;
        save->idtr.base = state->idtr.base;
        save->idtr.limit = state->idtr.limit;
    }
}

void svm_state_get(struct vcpu *vcpu, unsigned int groups)
{
    struct svm_vcpu *svm = vcpu->backend;
    struct vmcb_save *save = &svm->vmcb->save;
    struct guest_state *state = &vcpu->state;

    if (groups & STATE_CR)
        cr_get(svm, state);
    if (groups & STATE_CODE) {
        segment_get(save, state, SEG_CS);
        segment_get(save, state, SEG_SS);
        /* The CPU keeps the privilege level apart; SS may be null and say nothing. */
        state->seg[SEG_SS].attr =
            (uint16_t)((state->seg[SEG_SS].attr & ~SEG_DPL) | (save->cpl << 5 & SEG_DPL));
    }
    if (groups & STATE_SEG) {
        for (enum segment_index i = 0; i < SEG_COUNT; i++) {
            if (is_data_segment(i))
                segment_get(save, state, i);
        }
        state->gdtr.base = save->gdtr.base;
        state->gdtr.limit = save->gdtr.limit;
        state->idtr.base = save->idtr.base;
        state->idtr.limit = save->idtr.limit;
    }
}

/* ---- MSRs ---- */

static uint64_t *msr_field(struct vcpu *vcpu, uint32_t index)
{
    struct svm_vcpu *svm = vcpu->backend;
    uint8_t *save = (uint8_t *)&svm->vmcb->save;
    static const struct {
        uint32_t index;
        uint32_t offset;
    } fields[] = {
        {MSR_STAR, offsetof(struct vmcb_save, star)},
        {MSR_LSTAR, offsetof(struct vmcb_save, lstar)},
        {MSR_CSTAR, offsetof(struct vmcb_save, cstar)},
        {MSR_SFMASK, offsetof(struct vmcb_save, sfmask)},
        {MSR_KERNEL_GS_BASE, offsetof(struct vmcb_save, kernel_gs_base)},
        {MSR_SYSENTER_CS, offsetof(struct vmcb_save, sysenter_cs)},
        {MSR_SYSENTER_ESP, offsetof(struct vmcb_save, sysenter_esp)},
        {MSR_SYSENTER_EIP, offsetof(struct vmcb_save, sysenter_eip)},
        {MSR_PAT, offsetof(struct vmcb_save, g_pat)},
    };

    for (unsigned int i = 0; i < ARRAY_SIZE(fields); i++) {
        if (fields[i].index == index)
            return (uint64_t *)(save + fields[i].offset);
    }
    return NULL;
}

int svm_msr_get(struct vcpu *vcpu, uint32_t index, uint64_t *value)
{
    const uint64_t *field = msr_field(vcpu, index);

    if (field == NULL)
        return -ENOENT;
    *value = *field;
    return 0;
}

int svm_msr_set(struct vcpu *vcpu, uint32_t index, uint64_t value)
{
    uint64_t *field = msr_field(vcpu, index);

    if (field == NULL)
        return -ENOENT;
    *field = value;
    return 0;
}
