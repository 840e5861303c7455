/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exit codes to struct vm_exit. APM vol. 2, "SVM Intercept Exit Codes" and the
 * sections on each intercept for EXITINFO1 and EXITINFO2.
 *
 * Not every CPU tells the next RIP or decodes the instruction. What is missing is
 * said to be missing, and generic code decodes the instruction itself: prefixes make
 * any constant length wrong.
 */
#include <kernel/string.h>

#include "svm.h"

#define VECTOR_DB 1
#define VECTOR_AC 17
#define VECTOR_MC 18

struct exit_kind {
    uint8_t reason;
    bool is_instruction; /* NRIP holds the one behind it */
    void (*decode)(struct vcpu *vcpu, const struct vmcb_control *control, struct vm_exit *vmexit);
};

/* ---- one kind of exit each ---- */

static void decode_unknown(struct vcpu *vcpu, const struct vmcb_control *control,
                           struct vm_exit *vmexit)
{
    (void)vcpu;
    vmexit->hardware.reason = control->exitcode;
    vmexit->hardware.info = control->exitinfo1;
}

static void decode_cr(struct vcpu *vcpu, const struct vmcb_control *control, struct vm_exit *vmexit)
{
    uint32_t code = (uint32_t)control->exitcode;

    (void)vcpu;
    vmexit->cr.cr = code & 0xf;
    vmexit->cr.access = CR_UNKNOWN;
    if (!svm_features.has_decode_assists || !(control->exitinfo1 & CR_INFO_IS_MOV))
        return; /* CLTS, LMSW and SMSW, too */
    vmexit->cr.access = code >= VMEXIT_CR_WRITE ? CR_MOV_TO : CR_MOV_FROM;
    vmexit->cr.gpr = control->exitinfo1 & CR_INFO_GPR;
}

static void decode_dr(struct vcpu *vcpu, const struct vmcb_control *control, struct vm_exit *vmexit)
{
    uint32_t code = (uint32_t)control->exitcode;

    (void)vcpu;
    vmexit->dr.is_known = svm_features.has_decode_assists;
    vmexit->dr.is_write = code >= VMEXIT_DR_WRITE;
    vmexit->dr.dr = code & 0xf;
    vmexit->dr.gpr = control->exitinfo1 & CR_INFO_GPR;
}

/* What else happens when nothing is left for the guest. */
static void no_exception(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    if (svm_nmi_window_is_open(vcpu))
        vmexit->reason = EXIT_NMI_WINDOW;
    else
        vmexit->reason = vcpu->want_irq_window ? EXIT_IRQ_WINDOW : EXIT_INTR;
}

static void decode_exception(struct vcpu *vcpu, const struct vmcb_control *control,
                             struct vm_exit *vmexit)
{
    uint8_t vector = (uint8_t)(control->exitcode - VMEXIT_EXCEPTION);

    vmexit->exception.vector = vector;
    vmexit->exception.has_error = vector == VECTOR_AC;
    vmexit->exception.error = (uint32_t)control->exitinfo1;
    vmexit->exception.dr6 = 0;
    if (vector == VECTOR_DB && svm_step_done(vcpu, &vmexit->exception.dr6))
        no_exception(vcpu, vmexit);
    if (vector == VECTOR_MC) /* the exit took it from the host */
        __asm__ volatile("int %0" : : "i"(VECTOR_MC) : "memory");
}

/* Also after an interrupt that we sent ourselves to see an injected event delivered. */
static void decode_intr(struct vcpu *vcpu, const struct vmcb_control *control,
                        struct vm_exit *vmexit)
{
    (void)control;
    if (unlikely(svm_nmi_window_is_open(vcpu)))
        vmexit->reason = EXIT_NMI_WINDOW;
}

/* Not honoured shadow: the window is not open yet. */
static void decode_vintr(struct vcpu *vcpu, const struct vmcb_control *control,
                         struct vm_exit *vmexit)
{
    (void)control;
    if (vcpu->irq_shadow != 0)
        vmexit->reason = EXIT_INTR;
}

static void decode_iret(struct vcpu *vcpu, const struct vmcb_control *control,
                        struct vm_exit *vmexit)
{
    struct svm_vcpu *svm = vcpu->backend;

    (void)control;
    (void)vmexit;
    svm->at_iret = true;
    svm->iret_rip = vcpu->regs.rip;
}

static void decode_ioio(struct vcpu *vcpu, const struct vmcb_control *control,
                        struct vm_exit *vmexit)
{
    uint64_t info = control->exitinfo1;

    vmexit->pio.port = (uint16_t)(info >> IOIO_PORT_SHIFT);
    vmexit->pio.size = info >> IOIO_SIZE_SHIFT & IOIO_SIZE;
    vmexit->pio.is_in = (info & IOIO_TYPE_IN) != 0;
    vmexit->pio.is_string = (info & IOIO_STR) != 0;
    vmexit->pio.has_rep = (info & IOIO_REP) != 0;
    vmexit->insn_len = (uint8_t)(control->exitinfo2 - vcpu->regs.rip);
}

static void decode_msr(struct vcpu *vcpu, const struct vmcb_control *control,
                       struct vm_exit *vmexit)
{
    (void)vcpu;
    vmexit->reason = control->exitinfo1 & MSR_INFO_WRITE ? EXIT_WRMSR : EXIT_RDMSR;
}

static void decode_npf(struct vcpu *vcpu, const struct vmcb_control *control,
                       struct vm_exit *vmexit)
{
    uint64_t error = control->exitinfo1;

    (void)vcpu;
    if (error & NPF_RESERVED)
        vmexit->reason = EXIT_STAGE2_MISCONFIG;
    vmexit->fault.gpa = control->exitinfo2;
    vmexit->fault.access = error & NPF_FETCH   ? STAGE2_EXEC
                           : error & NPF_WRITE ? STAGE2_WRITE
                                               : STAGE2_READ;
    vmexit->fault.is_table_walk = (error & NPF_TABLE_WALK) != 0;
    vmexit->fault.insn_bytes = 0;
    if (svm_features.has_decode_assists) {
        vmexit->fault.insn_bytes = min(control->fetched_count, (uint8_t)sizeof(vmexit->fault.insn));
        memcpy(vmexit->fault.insn, control->fetched_bytes, sizeof(vmexit->fault.insn));
    }
}

/* APM vol. 2, "Shutdown Intercept": the state in the VMCB is undefined. As in KVM, the CPU gets an INIT. */
static void decode_shutdown(struct vcpu *vcpu, const struct vmcb_control *control,
                            struct vm_exit *vmexit)
{
    struct svm_vcpu *svm = vcpu->backend;

    (void)control;
    (void)vmexit;
    svm->at_iret = false;
    svm_vmcb_reset(vcpu);
    vcpu_reset(vcpu, true);
}

/* ---- the table ---- */

/* clang-format off */
static const struct exit_kind kinds[VMEXIT_LOW_CODES] = {
    [VMEXIT_CR_READ ... VMEXIT_DR_READ - 1] = {EXIT_CR, true, decode_cr},
    [VMEXIT_DR_READ ... VMEXIT_EXCEPTION - 1] = {EXIT_DR, true, decode_dr},
    [VMEXIT_EXCEPTION ... VMEXIT_INTR - 1] = {EXIT_EXCEPTION, false, decode_exception},
    [VMEXIT_INTR]        = {EXIT_INTR, false, decode_intr},
    [VMEXIT_NMI]         = {EXIT_INTR, false, decode_intr}, /* the host has taken it by now */
    [VMEXIT_SMI]         = {EXIT_INTR, false, decode_intr},
    [VMEXIT_VINTR]       = {EXIT_IRQ_WINDOW, false, decode_vintr},
    [VMEXIT_RDPMC]       = {EXIT_RDPMC, true, NULL},
    [VMEXIT_CPUID]       = {EXIT_CPUID, true, NULL},
    [VMEXIT_IRET]        = {EXIT_INTR, false, decode_iret},
    [VMEXIT_INVD]        = {EXIT_WBINVD, true, NULL},
    [VMEXIT_HLT]         = {EXIT_HLT, true, NULL},
    [VMEXIT_INVLPGA]     = {EXIT_VIRT_INSN, true, NULL},
    [VMEXIT_IOIO]        = {EXIT_PIO, false, decode_ioio}, /* has its own way to tell the length */
    [VMEXIT_MSR]         = {EXIT_RDMSR, true, decode_msr},
    [VMEXIT_TASK_SWITCH] = {EXIT_TASK_SWITCH, false, NULL},
    [VMEXIT_SHUTDOWN]    = {EXIT_SHUTDOWN, false, decode_shutdown},
    [VMEXIT_VMRUN]       = {EXIT_VIRT_INSN, true, NULL},
    [VMEXIT_VMMCALL]     = {EXIT_HYPERCALL, true, NULL},
    [VMEXIT_VMLOAD ... VMEXIT_SKINIT] = {EXIT_VIRT_INSN, true, NULL},
    [VMEXIT_WBINVD]      = {EXIT_WBINVD, true, NULL},
    [VMEXIT_MONITOR]     = {EXIT_MONITOR, true, NULL},
    [VMEXIT_MWAIT]       = {EXIT_MWAIT, true, NULL},
    [VMEXIT_MWAIT_COND]  = {EXIT_MWAIT, true, NULL},
    [VMEXIT_XSETBV]      = {EXIT_XSETBV, true, NULL},
    [VMEXIT_RDPRU]       = {EXIT_MONITOR, true, NULL}, /* not offered: #UD, as MONITOR */
};
/* clang-format on */
static const struct exit_kind npf_kind = {EXIT_STAGE2_FAULT, false, decode_npf};
static const struct exit_kind invalid_kind = {EXIT_FAIL_ENTRY, false, decode_unknown};
static const struct exit_kind unknown_kind = {EXIT_UNKNOWN, false, decode_unknown};

static const struct exit_kind *find_kind(uint32_t code)
{
    if (code == VMEXIT_NPF)
        return &npf_kind;
    if (code == VMEXIT_INVALID)
        return &invalid_kind;
    if (code >= VMEXIT_LOW_CODES || kinds[code].reason == EXIT_UNKNOWN)
        return &unknown_kind;
    return &kinds[code];
}

void svm_exit_decode(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    struct svm_vcpu *svm = vcpu->backend;
    const struct vmcb_control *control = &svm->vmcb->control;
    const struct exit_kind *kind = find_kind((uint32_t)control->exitcode);

    vmexit->reason = kind->reason;
    vmexit->insn_len = 0;
    if (kind->is_instruction && svm_features.has_nrips)
        vmexit->insn_len = (uint8_t)(control->nrip - vcpu->regs.rip);
    if (kind->decode != NULL)
        kind->decode(vcpu, control, vmexit);
}
