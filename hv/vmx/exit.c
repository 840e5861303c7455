/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the CPU says about an exit, turned into struct vm_exit: a table from basic
 * exit reason to ours, and a decoder for each that has more to tell. SDM vol. 3,
 * "VM-Exit Information Fields".
 */
#include "vmx.h"

#define VECTOR_DB 1
#define VECTOR_DF 8
#define VECTOR_MC 18

#define DEFAULT_SOFT_INT_LEN 2 /* INT n */
#define DEFAULT_SOFT_EXC_LEN 1 /* INT3, INTO, INT1 */

/* ---- decoders -------------------------------------------------------------------------- */

/* The host's handlers run through their own gates; the IRET there also ends NMI blocking. */
static void host_nmi(void)
{
    __asm__ volatile("int $2" : : : "memory");
}

static void host_machine_check(void)
{
    __asm__ volatile("int $18" : : : "memory");
}

/*
 * The fault came of an IRET that had already ended NMI blocking: it will be executed
 * again, so the block is put back. SDM vol. 3, "Information About NMI Unblocking Due
 * to IRET"; not if the exit interrupted a delivery, when the bit is undefined.
 */
static void restore_nmi_blocking(struct vcpu *vcpu, bool was_unblocked)
{
    if (was_unblocked && vcpu->inject.type == EVENT_NONE)
        vcpu->nmi_blocked = true;
}

static void decode_exception(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    uint32_t info = vmcs_read32(VMCS_EXIT_INTR_INFO), type = info & INTR_TYPE;

    if (type == INTR_TYPE_NMI) {
        vmexit->reason = EXIT_INTR;
        host_nmi();
        return;
    }
    vmexit->exception.vector = (uint8_t)(info & INTR_VECTOR);
    vmexit->exception.has_error = (info & INTR_HAS_ERROR) != 0;
    vmexit->exception.error = vmcs_read32(VMCS_EXIT_ERROR_CODE);
    vmexit->exception.dr6 = 0;
    if (vmexit->exception.vector == VECTOR_MC)
        host_machine_check();
    if (vmexit->exception.vector == VECTOR_DB) {
        vmexit->exception.dr6 = vmcs_read(VMCS_EXIT_QUALIFICATION) & QUAL_DB_DR6;
        if (type == INTR_TYPE_PRIVILEGED) /* INT1 traps: the guest's handler returns behind it */
            vcpu->regs.rip += vmcs_read32(VMCS_EXIT_INSN_LEN);
    }
    if (vmexit->exception.vector != VECTOR_DF)
        restore_nmi_blocking(vcpu, info & INTR_NMI_UNBLOCKED);
}

static void decode_cr(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    uint64_t qual = vmcs_read(VMCS_EXIT_QUALIFICATION);

    (void)vcpu;
    vmexit->cr.cr = (uint8_t)(qual & QUAL_CR_NUMBER);
    vmexit->cr.gpr = QUAL_CR_GPR(qual);
    vmexit->cr.msw = QUAL_CR_SOURCE(qual); /* from memory, too */
    switch (qual & QUAL_CR_ACCESS) {
    case QUAL_CR_MOV_TO:
        vmexit->cr.access = CR_MOV_TO;
        break;
    case QUAL_CR_MOV_FROM:
        vmexit->cr.access = CR_MOV_FROM;
        break;
    case QUAL_CR_CLTS:
        vmexit->cr.access = CR_CLTS;
        break;
    default:
        vmexit->cr.access = CR_LMSW;
        break;
    }
}

static void decode_dr(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    uint64_t qual = vmcs_read(VMCS_EXIT_QUALIFICATION);

    (void)vcpu;
    vmexit->dr.is_known = true;
    vmexit->dr.is_write = !(qual & QUAL_DR_FROM);
    vmexit->dr.dr = (uint8_t)(qual & QUAL_DR_NUMBER);
    vmexit->dr.gpr = QUAL_DR_GPR(qual);
}

static void decode_io(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    uint64_t qual = vmcs_read(VMCS_EXIT_QUALIFICATION);

    (void)vcpu;
    vmexit->pio.port = QUAL_IO_PORT(qual);
    vmexit->pio.size = QUAL_IO_SIZE(qual);
    vmexit->pio.is_in = (qual & QUAL_IO_IN) != 0;
    vmexit->pio.is_string = (qual & QUAL_IO_STRING) != 0;
    vmexit->pio.has_rep = (qual & QUAL_IO_REP) != 0;
}

static void decode_invlpg(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    (void)vcpu;
    vmexit->invlpg.gva = vmcs_read(VMCS_EXIT_QUALIFICATION);
    vmexit->invlpg.is_known = true;
}

static void decode_rdtsc(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    (void)vcpu;
    vmexit->rdtsc.is_rdtscp = false;
}

static void decode_ept_violation(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    uint64_t qual = vmcs_read(VMCS_EXIT_QUALIFICATION);

    vmexit->fault.gpa = vmcs_read(VMCS_GUEST_PHYSICAL_ADDRESS);
    vmexit->fault.access = (uint8_t)((qual & QUAL_EPT_READ ? STAGE2_READ : 0) |
                                     (qual & QUAL_EPT_WRITE ? STAGE2_WRITE : 0) |
                                     (qual & QUAL_EPT_EXEC ? STAGE2_EXEC : 0));
    vmexit->fault.is_table_walk = (qual & QUAL_EPT_LINEAR_VALID) && !(qual & QUAL_EPT_IS_FINAL);
    vmexit->fault.insn_bytes = 0;
    restore_nmi_blocking(vcpu, qual & QUAL_EPT_NMI_UNBLOCKED);
}

static void decode_ept_misconfig(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    (void)vcpu;
    vmexit->fault.gpa = vmcs_read(VMCS_GUEST_PHYSICAL_ADDRESS);
    vmexit->fault.access = 0;
    vmexit->fault.is_table_walk = false;
    vmexit->fault.insn_bytes = 0;
}

/* ---- the table ---------------------------------------------------------------------------- */

/* Those with a length are instructions: VMCS_EXIT_INSN_LEN is undefined for the others. */
static const struct {
    uint8_t reason; /* enum exit_reason; EXIT_UNKNOWN where the table has nothing */
    bool has_length;
    void (*decode)(struct vcpu *vcpu, struct vm_exit *vmexit);
} exits[VMX_REASONS] = {
    [VMX_REASON_EXCEPTION_NMI] = {EXIT_EXCEPTION, false, decode_exception},
    [VMX_REASON_EXTERNAL_INTERRUPT] = {EXIT_INTR, false, NULL},
    [VMX_REASON_TRIPLE_FAULT] = {EXIT_SHUTDOWN, false, NULL},
    [VMX_REASON_IRQ_WINDOW] = {EXIT_IRQ_WINDOW, false, NULL},
    [VMX_REASON_NMI_WINDOW] = {EXIT_NMI_WINDOW, false, NULL},
    [VMX_REASON_TASK_SWITCH] = {EXIT_TASK_SWITCH, false, NULL},
    [VMX_REASON_CPUID] = {EXIT_CPUID, true, NULL},
    [VMX_REASON_GETSEC] = {EXIT_VIRT_INSN, true, NULL},
    [VMX_REASON_HLT] = {EXIT_HLT, true, NULL},
    [VMX_REASON_INVD] = {EXIT_WBINVD, true, NULL},
    [VMX_REASON_INVLPG] = {EXIT_INVLPG, true, decode_invlpg},
    [VMX_REASON_RDPMC] = {EXIT_RDPMC, true, NULL},
    [VMX_REASON_RDTSC] = {EXIT_RDTSC, true, decode_rdtsc},
    [VMX_REASON_VMCALL] = {EXIT_HYPERCALL, true, NULL},
    [VMX_REASON_VMCLEAR] = {EXIT_VIRT_INSN, true, NULL},
    [VMX_REASON_VMLAUNCH] = {EXIT_VIRT_INSN, true, NULL},
    [VMX_REASON_VMPTRLD] = {EXIT_VIRT_INSN, true, NULL},
    [VMX_REASON_VMPTRST] = {EXIT_VIRT_INSN, true, NULL},
    [VMX_REASON_VMREAD] = {EXIT_VIRT_INSN, true, NULL},
    [VMX_REASON_VMRESUME] = {EXIT_VIRT_INSN, true, NULL},
    [VMX_REASON_VMWRITE] = {EXIT_VIRT_INSN, true, NULL},
    [VMX_REASON_VMXOFF] = {EXIT_VIRT_INSN, true, NULL},
    [VMX_REASON_VMXON] = {EXIT_VIRT_INSN, true, NULL},
    [VMX_REASON_CR] = {EXIT_CR, true, decode_cr},
    [VMX_REASON_MOV_DR] = {EXIT_DR, true, decode_dr},
    [VMX_REASON_IO] = {EXIT_PIO, true, decode_io},
    [VMX_REASON_RDMSR] = {EXIT_RDMSR, true, NULL},
    [VMX_REASON_WRMSR] = {EXIT_WRMSR, true, NULL},
    [VMX_REASON_MWAIT] = {EXIT_MWAIT, true, NULL},
    [VMX_REASON_MONITOR] = {EXIT_MONITOR, true, NULL},
    [VMX_REASON_PAUSE] = {EXIT_PAUSE, true, NULL},
    [VMX_REASON_EPT_VIOLATION] = {EXIT_STAGE2_FAULT, false, decode_ept_violation},
    [VMX_REASON_EPT_MISCONFIG] = {EXIT_STAGE2_MISCONFIG, false, decode_ept_misconfig},
    [VMX_REASON_INVEPT] = {EXIT_VIRT_INSN, true, NULL},
    [VMX_REASON_PREEMPTION_TIMER] = {EXIT_PREEMPT_TIMER, false, NULL},
    [VMX_REASON_INVVPID] = {EXIT_VIRT_INSN, true, NULL},
    [VMX_REASON_WBINVD] = {EXIT_WBINVD, true, NULL},
    [VMX_REASON_XSETBV] = {EXIT_XSETBV, true, NULL},
    [VMX_REASON_VMFUNC] = {EXIT_VIRT_INSN, true, NULL},
    [VMX_REASON_SEAMCALL] = {EXIT_VIRT_INSN, true, NULL},
    [VMX_REASON_TDCALL] = {EXIT_VIRT_INSN, true, NULL},
};

/* ---- events ------------------------------------------------------------------------------------
 */

/* The event whose delivery the exit interrupted: injected again at the next entry. */
static void read_interrupted_event(struct vcpu *vcpu)
{
    uint32_t info = vmcs_read32(VMCS_IDT_VECTORING_INFO);
    struct vcpu_event *event = &vcpu->inject;

    *event = (struct vcpu_event){.type = EVENT_NONE};
    if (likely(!(info & INTR_VALID)))
        return;
    event->vector = (uint8_t)(info & INTR_VECTOR);
    switch (info & INTR_TYPE) {
    case INTR_TYPE_EXTERNAL:
        event->type = EVENT_INTR;
        break;
    case INTR_TYPE_NMI:
        event->type = EVENT_NMI;
        vcpu->nmi_blocked = false; /* it blocks anew when it is injected */
        break;
    case INTR_TYPE_SOFT_INT:
        event->type = EVENT_SOFT_INT;
        event->insn_len = (uint8_t)vmcs_read32(VMCS_EXIT_INSN_LEN);
        break;
    case INTR_TYPE_PRIVILEGED:
    case INTR_TYPE_SOFT_EXC:
        event->type = EVENT_SOFT_EXC;
        event->insn_len = (uint8_t)vmcs_read32(VMCS_EXIT_INSN_LEN);
        break;
    default:
        event->type = EVENT_FAULT;
        break;
    }
    if (info & INTR_HAS_ERROR) {
        event->has_error = true;
        event->error = vmcs_read32(VMCS_IDT_VECTORING_ERROR);
    }
    vcpu->irq_shadow = 0; /* what was about to be delivered may be delivered */
}

void vmx_write_event(const struct vcpu *vcpu)
{
    const struct vcpu_event *event = &vcpu->inject;
    uint32_t info = INTR_VALID | event->vector;

    switch ((enum event_type)event->type) {
    case EVENT_NONE:
        vmcs_write(VMCS_ENTRY_INTR_INFO, 0);
        return;
    case EVENT_INTR:
        info |= INTR_TYPE_EXTERNAL;
        break;
    case EVENT_NMI:
        info |= INTR_TYPE_NMI;
        break;
    case EVENT_FAULT:
        info |= INTR_TYPE_HARDWARE;
        break;
    case EVENT_SOFT_INT:
        info |= INTR_TYPE_SOFT_INT;
        vmcs_write(VMCS_ENTRY_INSN_LEN,
                   event->insn_len != 0 ? event->insn_len : DEFAULT_SOFT_INT_LEN);
        break;
    case EVENT_SOFT_EXC:
        info |= event->vector == VECTOR_DB ? INTR_TYPE_PRIVILEGED : INTR_TYPE_SOFT_EXC;
        vmcs_write(VMCS_ENTRY_INSN_LEN,
                   event->insn_len != 0 ? event->insn_len : DEFAULT_SOFT_EXC_LEN);
        break;
    }
    if (event->has_error) {
        info |= INTR_HAS_ERROR;
        vmcs_write(VMCS_ENTRY_ERROR_CODE, event->error);
    }
    vmcs_write(VMCS_ENTRY_INTR_INFO, info);
}

/* ---- an exit
 * -------------------------------------------------------------------------------------- */

void vmx_decode_exit(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    uint32_t reason = vmcs_read32(VMCS_EXIT_REASON), basic = reason & EXIT_REASON_BASIC;

    vmexit->insn_len = 0;
    if (unlikely(reason & EXIT_REASON_ENTRY_FAILED)) { /* the guest has not run: inject stays */
        vmexit->reason = EXIT_FAIL_ENTRY;
        if (basic == VMX_REASON_ENTRY_MACHINE_CHECK)
            host_machine_check();
        vmexit->hardware.reason = reason;
        vmexit->hardware.info = vmcs_read(VMCS_EXIT_QUALIFICATION);
        return;
    }
    read_interrupted_event(vcpu);
    if (unlikely(basic >= VMX_REASONS || exits[basic].reason == EXIT_UNKNOWN)) {
        vmexit->reason = EXIT_UNKNOWN;
        vmexit->hardware.reason = reason;
        vmexit->hardware.info = vmcs_read(VMCS_EXIT_QUALIFICATION);
        return;
    }
    vmexit->reason = exits[basic].reason;
    if (exits[basic].has_length)
        vmexit->insn_len = (uint8_t)vmcs_read32(VMCS_EXIT_INSN_LEN);
    if (exits[basic].decode != NULL)
        exits[basic].decode(vcpu, vmexit);
}
