/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vCPU's state, read and written by ring 3. Each ioctl has a row in the table at
 * the end: argument copied in once, handler with the vCPU loaded (it may not sleep),
 * argument copied out. Every value is hostile: what the CPU or the pure code below
 * could not bear is refused here.
 */
#include <kernel/cgroup.h>
#include <kernel/string.h>
#include <kernel/trap.h>
#include <kernel/uaccess.h>

#include "msr.h"
#include "vm.h"

#define MXCSR_RESET 0x1f80u
#define MXCSR_MASK  0xffffu

/* ---- extended state ------------------------------------------------------------------------ */

/* The head of an XSAVE image: SDM vol. 1, "XSAVE Area". */
struct xsave_image {
    uint16_t fcw, fsw;
    uint8_t ftw, reserved1;
    uint16_t fop;
    uint64_t fip, fdp;
    uint32_t mxcsr, mxcsr_mask;
    uint8_t st[8][16];
    uint8_t xmm[16][16];
    uint8_t reserved2[96];
    uint64_t xstate_bv, xcomp_bv;
    uint64_t reserved3[6];
};
_Static_assert(sizeof(struct xsave_image) == 576, "SDM: XSAVE Header");

#define XSTATE_LEGACY 3ULL /* x87 and SSE */

void fpu_guest_load(struct vcpu *vcpu)
{
    uint64_t mask = hv_guest_xcr0();

    if (mask != 0)
        __asm__ volatile("xrstor64 (%0)" : : "r"(vcpu->fpu), "a"((uint32_t)mask),
                         "d"((uint32_t)(mask >> 32)) : "memory");
    else
        __asm__ volatile("fxrstor64 (%0)" : : "r"(vcpu->fpu) : "memory");
    vcpu->is_fpu_loaded = true;
}

void fpu_guest_save(struct vcpu *vcpu)
{
    uint64_t mask = hv_guest_xcr0();

    if (!vcpu->is_fpu_loaded)
        return;
    if (mask != 0)
        __asm__ volatile("xsave64 (%0)" : : "r"(vcpu->fpu), "a"((uint32_t)mask),
                         "d"((uint32_t)(mask >> 32)) : "memory");
    else
        __asm__ volatile("fxsave64 (%0)" : : "r"(vcpu->fpu) : "memory");
    vcpu->is_fpu_loaded = false;
}

void fpu_guest_reset(struct vcpu *vcpu)
{
    struct xsave_image *image = vcpu->fpu;

    memset(image, 0, PAGE_SIZE);
    image->fcw = 0x37f;
    image->mxcsr = MXCSR_RESET;
    image->xstate_bv = hv_guest_xcr0() & XSTATE_LEGACY;
}

/* Components that are in their initial state may hold anything: make the legacy ones real. */
static struct xsave_image *legacy_image(struct vcpu *vcpu)
{
    struct xsave_image *image = vcpu->fpu;

    if (hv_guest_xcr0() == 0)
        return image;
    if (!(image->xstate_bv & 1)) {
        memset(image, 0, 24);
        memset(image->st, 0, sizeof(image->st));
        image->fcw = 0x37f;
    }
    if (!(image->xstate_bv & 2)) {
        memset(image->xmm, 0, sizeof(image->xmm));
        image->mxcsr = MXCSR_RESET;
    }
    image->xstate_bv |= XSTATE_LEGACY;
    return image;
}

static int get_fpu(struct vcpu *vcpu, void *arg)
{
    const struct xsave_image *image = legacy_image(vcpu);
    struct kvm_fpu *fpu = arg;

    memset(fpu, 0, sizeof(*fpu));
    memcpy(fpu->fpr, image->st, sizeof(fpu->fpr));
    fpu->fcw = image->fcw;
    fpu->fsw = image->fsw;
    fpu->ftwx = image->ftw;
    fpu->last_opcode = image->fop;
    fpu->last_ip = image->fip;
    fpu->last_dp = image->fdp;
    memcpy(fpu->xmm, image->xmm, sizeof(fpu->xmm));
    fpu->mxcsr = image->mxcsr;
    return 0;
}

static int set_fpu(struct vcpu *vcpu, void *arg)
{
    struct xsave_image *image = legacy_image(vcpu);
    const struct kvm_fpu *fpu = arg;

    memcpy(image->st, fpu->fpr, sizeof(fpu->fpr));
    image->fcw = fpu->fcw;
    image->fsw = fpu->fsw;
    image->ftw = fpu->ftwx;
    image->fop = fpu->last_opcode;
    image->fip = fpu->last_ip;
    image->fdp = fpu->last_dp;
    memcpy(image->xmm, fpu->xmm, sizeof(fpu->xmm));
    image->mxcsr = fpu->mxcsr & MXCSR_MASK;
    return 0;
}

static int get_xsave(struct vcpu *vcpu, void *arg)
{
    (void)legacy_image(vcpu);
    memcpy(arg, vcpu->fpu, sizeof(struct kvm_xsave));
    if (hv_guest_xcr0() == 0) /* FXSAVE leaves the header alone */
        ((struct xsave_image *)arg)->xstate_bv = XSTATE_LEGACY;
    return 0;
}

/* XRSTOR raises #GP, in ring 0, for a header or an MXCSR that is not right. */
static int set_xsave(struct vcpu *vcpu, void *arg)
{
    const struct xsave_image *in = arg;
    uint64_t allowed = hv_guest_xcr0() != 0 ? hv_guest_xcr0() : XSTATE_LEGACY;

    if (in->xstate_bv & ~allowed || in->xcomp_bv != 0 || in->mxcsr & ~MXCSR_MASK)
        return -EINVAL;
    for (unsigned int i = 0; i < ARRAY_SIZE(in->reserved3); i++) {
        if (in->reserved3[i] != 0)
            return -EINVAL;
    }
    memcpy(vcpu->fpu, in, sizeof(struct kvm_xsave));
    return 0;
}

static int get_xcrs(struct vcpu *vcpu, void *arg)
{
    struct kvm_xcrs *xcrs = arg;

    memset(xcrs, 0, sizeof(*xcrs));
    if (hv_guest_xcr0() == 0)
        return 0;
    xcrs->nr_xcrs = 1;
    xcrs->xcrs[0].value = vcpu->xcr0;
    return 0;
}

static int set_xcrs(struct vcpu *vcpu, void *arg)
{
    const struct kvm_xcrs *xcrs = arg;

    if (xcrs->nr_xcrs > KVM_MAX_XCRS || xcrs->flags != 0)
        return -EINVAL;
    for (unsigned int i = 0; i < xcrs->nr_xcrs; i++) {
        if (xcrs->xcrs[i].xcr != 0)
            continue;
        if (xcrs->xcrs[i].value != 1 && !xcr0_is_valid(vcpu, xcrs->xcrs[i].value))
            return -EINVAL;
        vcpu->xcr0 = xcrs->xcrs[i].value;
    }
    return 0;
}

/* ---- general registers ------------------------------------------------------------------------ */

static int get_regs(struct vcpu *vcpu, void *arg)
{
    const uint64_t *g = vcpu->regs.gpr;

    *(struct kvm_regs *)arg = (struct kvm_regs){
        .rax = g[GPR_RAX], .rbx = g[GPR_RBX], .rcx = g[GPR_RCX], .rdx = g[GPR_RDX],
        .rsi = g[GPR_RSI], .rdi = g[GPR_RDI], .rsp = g[GPR_RSP], .rbp = g[GPR_RBP],
        .r8 = g[GPR_R8], .r9 = g[GPR_R9], .r10 = g[GPR_R10], .r11 = g[GPR_R11],
        .r12 = g[GPR_R12], .r13 = g[GPR_R13], .r14 = g[GPR_R14], .r15 = g[GPR_R15],
        .rip = vcpu->regs.rip, .rflags = vcpu->regs.rflags,
    };
    return 0;
}

/* Bits that exist: VM, RF, IOPL... but not those that are always 0. */
#define EFLAGS_VALID 0x003f7fd5ULL

static int set_regs(struct vcpu *vcpu, void *arg)
{
    const struct kvm_regs *r = arg;

    vcpu->regs = (struct guest_regs){
        .gpr = {r->rax, r->rcx, r->rdx, r->rbx, r->rsp, r->rbp, r->rsi, r->rdi,
                r->r8, r->r9, r->r10, r->r11, r->r12, r->r13, r->r14, r->r15},
        .rip = r->rip,
        .rflags = (r->rflags & EFLAGS_VALID) | EFLAGS_FIXED,
    };
    if (vcpu->inject.type == EVENT_FAULT) /* it belonged to where the guest was */
        vcpu->inject.type = EVENT_NONE;
    return 0;
}

/* ---- segments and control registers -------------------------------------------------------------- */

static void segment_out(const struct guest_segment *in, struct kvm_segment *out)
{
    *out = (struct kvm_segment){
        .base = in->base, .limit = in->limit, .selector = in->selector,
        .type = in->attr & SEG_TYPE, .s = (in->attr & SEG_S) != 0, .dpl = (in->attr & SEG_DPL) >> 5,
        .present = (in->attr & SEG_P) != 0, .avl = (in->attr & SEG_AVL) != 0,
        .l = (in->attr & SEG_L) != 0, .db = (in->attr & SEG_DB) != 0, .g = (in->attr & SEG_G) != 0,
        .unusable = (in->attr & SEG_UNUSABLE) || !(in->attr & SEG_P),
    };
}

static void segment_in(const struct kvm_segment *in, struct guest_segment *out)
{
    out->base = in->base;
    out->limit = in->limit;
    out->selector = in->selector;
    out->attr = (uint16_t)((in->type & 0xf) | (in->s ? SEG_S : 0) | (in->dpl & 3) << 5 |
                           (in->present && !in->unusable ? SEG_P : 0) | (in->avl ? SEG_AVL : 0) |
                           (in->l ? SEG_L : 0) | (in->db ? SEG_DB : 0) | (in->g ? SEG_G : 0) |
                           (in->unusable ? SEG_UNUSABLE : 0));
}

#define SREGS_SEGMENTS(DO) \
    DO(cs, SEG_CS) DO(ds, SEG_DS) DO(es, SEG_ES) DO(fs, SEG_FS) DO(gs, SEG_GS) DO(ss, SEG_SS) \
    DO(tr, SEG_TR) DO(ldt, SEG_LDTR)

/* struct kvm_sregs and kvm_sregs2 have the same beginning, up to apic_base. */
_Static_assert(offsetof(struct kvm_sregs, interrupt_bitmap) == offsetof(struct kvm_sregs2, flags),
               "common part of the two layouts");

static void get_sregs_common(struct vcpu *vcpu, struct kvm_sregs *sregs)
{
    const struct guest_state *state = vcpu_state(vcpu, STATE_ALL);

#define GET_SEGMENT(member, index) segment_out(&state->seg[index], &sregs->member);
    SREGS_SEGMENTS(GET_SEGMENT)
    sregs->gdt = (struct kvm_dtable){.base = state->gdtr.base, .limit = (uint16_t)state->gdtr.limit};
    sregs->idt = (struct kvm_dtable){.base = state->idtr.base, .limit = (uint16_t)state->idtr.limit};
    sregs->cr0 = state->cr0;
    sregs->cr2 = state->cr2;
    sregs->cr3 = state->cr3;
    sregs->cr4 = state->cr4;
    sregs->efer = state->efer;
    sregs->cr8 = vcpu->vm->has_irqchip ? lapic_get_cr8(&vcpu->lapic) : vcpu->cr8;
    sregs->apic_base = vcpu->lapic.base;
}

static int get_sregs(struct vcpu *vcpu, void *arg)
{
    struct kvm_sregs *sregs = arg;

    memset(sregs, 0, sizeof(*sregs));
    get_sregs_common(vcpu, sregs);
    if (vcpu->inject.type == EVENT_INTR)
        sregs->interrupt_bitmap[vcpu->inject.vector / 64] |= BIT(vcpu->inject.vector % 64);
    return 0;
}

static int get_sregs2(struct vcpu *vcpu, void *arg)
{
    struct kvm_sregs2 *sregs = arg;
    const struct guest_state *state;

    memset(sregs, 0, sizeof(*sregs));
    get_sregs_common(vcpu, (struct kvm_sregs *)arg);
    state = vcpu_state(vcpu, STATE_CR);
    if ((state->cr0 & CR0_PG) && (state->cr4 & CR4_PAE) && !(state->efer & EFER_LMA)) {
        memcpy(sregs->pdptrs, state->pdptr, sizeof(sregs->pdptrs));
        sregs->flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
    }
    return 0;
}

/* Combinations that no CPU can be in; CR4 bits that CPUID does not offer. */
static bool are_sregs_valid(const struct vcpu *vcpu, const struct kvm_sregs *s)
{
    bool is_paging = (s->cr0 & CR0_PG) != 0;

    if ((s->efer & EFER_LME) && is_paging) { /* in long mode */
        if (!(s->cr4 & CR4_PAE) || !(s->efer & EFER_LMA) || s->cr3 >> vcpu->phys_bits)
            return false;
    } else if ((s->efer & EFER_LMA) || s->cs.l) {
        return false;
    }
    if ((s->cr0 >> 32) || (is_paging && !(s->cr0 & CR0_PE)) || ((s->cr0 & CR0_NW) && !(s->cr0 & CR0_CD)))
        return false;
    if (s->efer & ~(uint64_t)(EFER_SCE | EFER_LME | EFER_LMA | EFER_NX | EFER_FFXSR))
        return false;
    return !(s->cr4 & ~cr4_allowed(vcpu)) && s->cr8 <= 0xf;
}

static int set_sregs_common(struct vcpu *vcpu, const struct kvm_sregs *sregs)
{
    struct guest_state *state = vcpu_state(vcpu, STATE_ALL);
    irqflags_t flags;
    int err;

    if (!are_sregs_valid(vcpu, sregs))
        return -EINVAL;
    flags = spin_lock(&vcpu->vm->irq_lock);
    err = lapic_restore_base(&vcpu->lapic, sregs->apic_base);
    if (err == 0 && vcpu->vm->has_irqchip)
        lapic_set_cr8(&vcpu->lapic, (uint8_t)sregs->cr8);
    spin_unlock(&vcpu->vm->irq_lock, flags);
    if (err < 0)
        return err;
    vcpu->cr8 = sregs->cr8;

#define SET_SEGMENT(member, index) segment_in(&sregs->member, &state->seg[index]);
    SREGS_SEGMENTS(SET_SEGMENT)
    state->gdtr = (struct guest_table){.base = sregs->gdt.base, .limit = sregs->gdt.limit};
    state->idtr = (struct guest_table){.base = sregs->idt.base, .limit = sregs->idt.limit};
    state->cr0 = sregs->cr0 | CR0_ET;
    state->cr2 = sregs->cr2;
    state->cr3 = sregs->cr3;
    state->cr4 = sregs->cr4;
    state->efer = sregs->efer;
    vcpu->has_osxsave = (sregs->cr4 & CR4_OSXSAVE) != 0;
    vcpu->needs_flush = true;
    vcpu_state_dirty(vcpu, STATE_ALL);
    return 0;
}

static int set_sregs(struct vcpu *vcpu, void *arg)
{
    const struct kvm_sregs *sregs = arg;
    int err = set_sregs_common(vcpu, sregs);

    for (unsigned int word = 0; err == 0 && word < ARRAY_SIZE(sregs->interrupt_bitmap); word++) {
        uint64_t bits = sregs->interrupt_bitmap[word];

        if (bits != 0)
            vcpu->inject = (struct vcpu_event){
                .type = EVENT_INTR, .vector = (uint8_t)(word * 64 + 63 - __builtin_clzll(bits))};
    }
    vcpu->pdptr_stale = true; /* from memory, which must not be touched here */
    vcpu_note(vcpu, REQ_EVENT);
    return err;
}

static int set_sregs2(struct vcpu *vcpu, void *arg)
{
    const struct kvm_sregs2 *sregs = arg;
    int err;

    if (sregs->flags & ~(uint64_t)KVM_SREGS2_FLAGS_PDPTRS_VALID)
        return -EINVAL;
    err = set_sregs_common(vcpu, (const struct kvm_sregs *)arg);
    if (err < 0)
        return err;
    vcpu->pdptr_stale = !(sregs->flags & KVM_SREGS2_FLAGS_PDPTRS_VALID);
    if (!vcpu->pdptr_stale)
        memcpy(vcpu->state.pdptr, sregs->pdptrs, sizeof(sregs->pdptrs));
    vcpu_note(vcpu, REQ_EVENT);
    return 0;
}

/* ---- debug registers, events, run state ------------------------------------------------------------ */

static int get_debugregs(struct vcpu *vcpu, void *arg)
{
    struct kvm_debugregs *d = arg;

    memset(d, 0, sizeof(*d));
    memcpy(d->db, vcpu->dr, sizeof(d->db));
    d->dr6 = vcpu->dr6;
    d->dr7 = vcpu->dr7;
    return 0;
}

static int set_debugregs(struct vcpu *vcpu, void *arg)
{
    const struct kvm_debugregs *d = arg;

    if (d->flags != 0 || d->dr6 >> 32 || d->dr7 >> 32)
        return -EINVAL;
    memcpy(vcpu->dr, d->db, sizeof(d->db));
    vcpu->dr6 = (d->dr6 & 0xe00f) | 0xffff0ff0;
    vcpu->dr7 = (d->dr7 & 0xffff2bff) | 0x400;
    return 0;
}

static int get_events(struct vcpu *vcpu, void *arg)
{
    const struct vcpu_event *inject = &vcpu->inject;
    struct kvm_vcpu_events *e = arg;

    memset(e, 0, sizeof(*e));
    if (inject->type == EVENT_FAULT || inject->type == EVENT_SOFT_EXC) {
        e->exception.injected = 1;
        e->exception.nr = inject->vector;
        e->exception.has_error_code = inject->has_error;
        e->exception.error_code = inject->error;
    }
    e->interrupt.injected = inject->type == EVENT_INTR || inject->type == EVENT_SOFT_INT;
    if (e->interrupt.injected) {
        e->interrupt.nr = inject->vector;
        e->interrupt.soft = inject->type == EVENT_SOFT_INT;
    }
    e->interrupt.shadow = (vcpu->irq_shadow & SHADOW_STI ? KVM_X86_SHADOW_INT_STI : 0) |
                          (vcpu->irq_shadow & SHADOW_MOV_SS ? KVM_X86_SHADOW_INT_MOV_SS : 0);
    e->nmi.injected = inject->type == EVENT_NMI;
    e->nmi.pending = vcpu->nmi_pending;
    e->nmi.masked = vcpu->nmi_blocked;
    e->sipi_vector = vcpu->lapic.sipi_vector;
    e->flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW;
    return 0;
}

static int set_events(struct vcpu *vcpu, void *arg)
{
    const struct kvm_vcpu_events *e = arg;
    struct vcpu_event event = {.type = EVENT_NONE};

    if (e->flags & ~(uint32_t)(KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SIPI_VECTOR |
                               KVM_VCPUEVENT_VALID_SHADOW | KVM_VCPUEVENT_VALID_SMM))
        return -EINVAL;
    if ((e->exception.injected && (e->exception.nr > 31 || e->exception.nr == 2)) ||
        ((e->flags & KVM_VCPUEVENT_VALID_SMM) && (e->smi.smm || e->smi.pending)))
        return -EINVAL;
    if (e->exception.injected)
        event = (struct vcpu_event){.type = EVENT_FAULT, .vector = e->exception.nr,
                                    .has_error = e->exception.has_error_code != 0,
                                    .error = e->exception.error_code};
    else if (e->nmi.injected)
        event = (struct vcpu_event){.type = EVENT_NMI, .vector = 2};
    else if (e->interrupt.injected && !e->interrupt.soft)
        event = (struct vcpu_event){.type = EVENT_INTR, .vector = e->interrupt.nr};
    vcpu->inject = event;
    if (e->flags & KVM_VCPUEVENT_VALID_SHADOW)
        vcpu->irq_shadow = e->interrupt.shadow & KVM_X86_SHADOW_INT_STI      ? SHADOW_STI
                           : e->interrupt.shadow & KVM_X86_SHADOW_INT_MOV_SS ? SHADOW_MOV_SS
                                                                             : 0;
    if (e->flags & KVM_VCPUEVENT_VALID_NMI_PENDING)
        vcpu->nmi_pending = e->nmi.pending != 0;
    vcpu->nmi_blocked = e->nmi.masked != 0;
    if (e->flags & KVM_VCPUEVENT_VALID_SIPI_VECTOR)
        vcpu->lapic.sipi_vector = (uint8_t)e->sipi_vector;
    vcpu_note(vcpu, REQ_EVENT);
    return 0;
}

static int get_mp_state(struct vcpu *vcpu, void *arg)
{
    ((struct kvm_mp_state *)arg)->mp_state = vcpu->mp_state;
    return 0;
}

static int set_mp_state(struct vcpu *vcpu, void *arg)
{
    uint32_t state = ((const struct kvm_mp_state *)arg)->mp_state;

    if (!vcpu->vm->has_irqchip ? state != KVM_MP_STATE_RUNNABLE : state > KVM_MP_STATE_HALTED)
        return -EINVAL;
    vcpu->mp_state = state;
    vcpu_note(vcpu, REQ_EVENT);
    return 0;
}

static int get_lapic(struct vcpu *vcpu, void *arg)
{
    irqflags_t flags;

    if (!vcpu->vm->has_irqchip)
        return -EINVAL;
    flags = spin_lock(&vcpu->vm->irq_lock);
    lapic_save(&vcpu->lapic, ktime_ns(), arg);
    spin_unlock(&vcpu->vm->irq_lock, flags);
    return 0;
}

static int set_lapic(struct vcpu *vcpu, void *arg)
{
    irqflags_t flags;
    int err;

    if (!vcpu->vm->has_irqchip)
        return -EINVAL;
    flags = spin_lock(&vcpu->vm->irq_lock);
    err = lapic_restore(&vcpu->lapic, ktime_ns(), arg);
    spin_unlock(&vcpu->vm->irq_lock, flags);
    vcpu_note(vcpu, REQ_EVENT);
    return err;
}

static int set_interrupt(struct vcpu *vcpu, void *arg)
{
    uint32_t irq = ((const struct kvm_interrupt *)arg)->irq;

    if (irq >= KVM_NR_INTERRUPTS)
        return -EINVAL;
    if (vcpu->vm->has_irqchip)
        return -ENXIO;
    if (vcpu->has_user_irq)
        return -EEXIST;
    vcpu->has_user_irq = true;
    vcpu->user_irq = (uint8_t)irq;
    vcpu_note(vcpu, REQ_EVENT);
    return 0;
}

static int set_nmi(struct vcpu *vcpu, void *arg)
{
    (void)arg;
    vcpu->nmi_pending = true;
    vcpu_note(vcpu, REQ_EVENT);
    return 0;
}

/* ---- clocks and small things ------------------------------------------------------------------------- */

static int get_tsc_khz(struct vcpu *vcpu, void *arg)
{
    (void)vcpu;
    (void)arg;
    return (int)tsc_khz();
}

static int set_tsc_khz(struct vcpu *vcpu, void *arg)
{
    uint64_t khz = *(const uint64_t *)arg;

    (void)vcpu;
    return khz == 0 || khz == tsc_khz() ? 0 : -EINVAL; /* no TSC scaling */
}

static int set_kvmclock_ctrl(struct vcpu *vcpu, void *arg)
{
    (void)arg;
    if (!(vcpu->kvmclock_msr & 1))
        return -EINVAL;
    vcpu->kvmclock_stopped = true;
    vcpu_note(vcpu, REQ_KVMCLOCK);
    return 0;
}

static int setup_mce(struct vcpu *vcpu, void *arg)
{
    uint64_t cap = *(const uint64_t *)arg;

    if ((cap & 0xff) == 0 || (cap & 0xff) > 32 || (cap & ~(uint64_t)0x10001ff))
        return -EINVAL;
    vcpu->mcg_cap = cap;
    vcpu->mcg_ctl = cap & 0x100 ? UINT64_MAX : 0;
    return 0;
}

/* Reporting of TPR accesses and the flexpriority page: accepted, nothing to report. */
static int tpr_access_reporting(struct vcpu *vcpu, void *arg)
{
    (void)vcpu;
    return ((const struct kvm_tpr_access_ctl *)arg)->flags != 0 ? -EINVAL : 0;
}

static int set_vapic_addr(struct vcpu *vcpu, void *arg)
{
    (void)arg;
    return vcpu->vm->has_irqchip ? 0 : -EINVAL;
}

static int set_guest_debug(struct vcpu *vcpu, void *arg)
{
    (void)vcpu;
    return ((const struct kvm_guest_debug *)arg)->control == 0 ? 0 : -EINVAL;
}

/* ---- the table -------------------------------------------------------------------------------------------- */

static const struct {
    unsigned int cmd;
    int (*handler)(struct vcpu *vcpu, void *arg);
} ioctls[] = {
    {KVM_GET_REGS, get_regs},
    {KVM_SET_REGS, set_regs},
    {KVM_GET_SREGS, get_sregs},
    {KVM_SET_SREGS, set_sregs},
    {KVM_GET_SREGS2, get_sregs2},
    {KVM_SET_SREGS2, set_sregs2},
    {KVM_GET_FPU, get_fpu},
    {KVM_SET_FPU, set_fpu},
    {KVM_GET_XSAVE, get_xsave},
    {KVM_SET_XSAVE, set_xsave},
    {KVM_GET_XSAVE2, get_xsave},
    {KVM_GET_XCRS, get_xcrs},
    {KVM_SET_XCRS, set_xcrs},
    {KVM_GET_DEBUGREGS, get_debugregs},
    {KVM_SET_DEBUGREGS, set_debugregs},
    {KVM_GET_VCPU_EVENTS, get_events},
    {KVM_SET_VCPU_EVENTS, set_events},
    {KVM_GET_MP_STATE, get_mp_state},
    {KVM_SET_MP_STATE, set_mp_state},
    {KVM_GET_LAPIC, get_lapic},
    {KVM_SET_LAPIC, set_lapic},
    {KVM_INTERRUPT, set_interrupt},
    {KVM_NMI, set_nmi},
    {KVM_GET_TSC_KHZ, get_tsc_khz},
    {KVM_SET_TSC_KHZ, set_tsc_khz},
    {KVM_KVMCLOCK_CTRL, set_kvmclock_ctrl},
    {KVM_X86_SETUP_MCE, setup_mce},
    {KVM_TPR_ACCESS_REPORTING, tpr_access_reporting},
    {KVM_SET_VAPIC_ADDR, set_vapic_addr},
    {KVM_SET_GUEST_DEBUG, set_guest_debug},
};

#define IOCTL_IN(cmd)   (((cmd) >> 30) & 1)
#define IOCTL_OUT(cmd)  (((cmd) >> 31) & 1)
#define IOCTL_SIZE(cmd) (((cmd) >> 16) & 0x3fff)

static int run_handler(struct vcpu *vcpu, unsigned int i, void *arg)
{
    int err;

    vcpu_load(vcpu);
    err = ioctls[i].handler(vcpu, arg);
    vcpu_put(vcpu);
    return err;
}

static long table_ioctl(struct vcpu *vcpu, unsigned int i, uaddr_t uarg)
{
    unsigned int cmd = ioctls[i].cmd;
    size_t size = IOCTL_SIZE(cmd);
    uint64_t small[64];
    void *buf = small;
    long err = 0;

    if (size == 0)
        return run_handler(vcpu, i, &uarg); /* the argument is the value */
    if (size > sizeof(small)) {
        buf = kalloc_for(vcpu->vm->cgroup, size);
        if (buf == NULL)
            return -ENOMEM;
    }
    if (IOCTL_IN(cmd))
        err = copy_from_user(buf, uarg, size);
    if (err == 0)
        err = run_handler(vcpu, i, buf);
    if (err == 0 && IOCTL_OUT(cmd))
        err = copy_to_user(uarg, buf, size);
    if (buf != small)
        kfree(buf);
    return err;
}

/* ---- lists of variable length -------------------------------------------------------------------------------- */

/* Returns how many were done: ring 3 asks why it was not all of them. */
static long msrs_ioctl(struct vcpu *vcpu, uaddr_t arg, bool is_write)
{
    struct kvm_msr_entry *entries;
    struct kvm_msrs head;
    unsigned int i;
    size_t size;
    long err;

    if (copy_from_user(&head, arg, sizeof(head)) < 0)
        return -EFAULT;
    if (head.nmsrs >= VM_MAX_MSRS)
        return -E2BIG;
    size = head.nmsrs * sizeof(*entries);
    entries = kalloc_for(vcpu->vm->cgroup, max(size, sizeof(*entries)));
    if (entries == NULL)
        return -ENOMEM;
    err = copy_from_user(entries, arg + sizeof(head), size);
    if (err < 0)
        goto free_entries;
    vcpu_load(vcpu);
    for (i = 0; i < head.nmsrs; i++) {
        if ((is_write ? msr_write(vcpu, entries[i].index, entries[i].data)
                      : msr_read(vcpu, entries[i].index, &entries[i].data)) < 0)
            break;
    }
    vcpu_put(vcpu);
    err = is_write ? 0 : copy_to_user(arg + sizeof(head), entries, size);
    if (err == 0)
        err = i;
free_entries:
    kfree(entries);
    return err;
}

static long set_cpuid(struct vcpu *vcpu, uaddr_t arg)
{
    struct kvm_cpuid_entry2 *entries;
    struct kvm_cpuid2 head;
    size_t size;

    if (copy_from_user(&head, arg, sizeof(head)) < 0)
        return -EFAULT;
    if (head.nent > VM_MAX_CPUID)
        return -E2BIG;
    size = head.nent * sizeof(*entries);
    entries = kalloc_for(vcpu->vm->cgroup, max(size, sizeof(*entries)));
    if (entries == NULL)
        return -ENOMEM;
    if (copy_from_user(entries, arg + sizeof(head), size) < 0) {
        kfree(entries);
        return -EFAULT;
    }
    return cpuid_set(vcpu, entries, head.nent);
}

static long get_cpuid(struct vcpu *vcpu, uaddr_t arg)
{
    struct kvm_cpuid2 head;

    if (copy_from_user(&head, arg, sizeof(head)) < 0)
        return -EFAULT;
    if (head.nent < vcpu->cpuid_count)
        return -E2BIG;
    head.nent = vcpu->cpuid_count;
    if (copy_to_user(arg + sizeof(head), vcpu->cpuid, vcpu->cpuid_count * sizeof(*vcpu->cpuid)) < 0)
        return -EFAULT;
    return copy_to_user(arg, &head, sizeof(head));
}

/* Where a guest-linear address leads, by supervisor rights. */
static long translate(struct vcpu *vcpu, uaddr_t arg)
{
    struct kvm_translation t;
    struct vcpu_event inject = vcpu->inject;
    uint64_t cr2;
    gpa_t gpa;

    if (copy_from_user(&t, arg, sizeof(t)) < 0)
        return -EFAULT;
    vcpu_load(vcpu);
    cr2 = vcpu_state(vcpu, STATE_CR)->cr2; /* cached from here on: the walk may sleep */
    vcpu_put(vcpu);
    t.valid = linear_translate(vcpu, t.linear_address, 0, &gpa) == 0;
    t.physical_address = t.valid ? gpa : UINT64_MAX;
    t.writeable = 1;
    t.usermode = 0;
    vcpu->state.cr2 = cr2;
    vcpu->inject = inject;
    return copy_to_user(arg, &t, sizeof(t));
}

long vcpu_state_ioctl(struct vcpu *vcpu, unsigned int cmd, uaddr_t arg)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(ioctls); i++) {
        if (ioctls[i].cmd == cmd)
            return table_ioctl(vcpu, i, arg);
    }
    switch (cmd) {
    case KVM_GET_MSRS:
        return msrs_ioctl(vcpu, arg, false);
    case KVM_SET_MSRS:
        return msrs_ioctl(vcpu, arg, true);
    case KVM_SET_CPUID2:
        return set_cpuid(vcpu, arg);
    case KVM_GET_CPUID2:
        return get_cpuid(vcpu, arg);
    case KVM_TRANSLATE:
        return translate(vcpu, arg);
    default:
        return -EINVAL;
    }
}
