/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens after an exit. Exits arrive decoded by vmx/ or svm/; each reason has
 * a handler in the table, and one without stops the VM with an internal error.
 */
#include "vm.h"

#define VECTOR_DB 1
#define VECTOR_UD 6
#define VECTOR_DF 8
#define VECTOR_GP 13
#define VECTOR_PF 14
#define VECTOR_AC 17
#define VECTOR_MC 18

/* ---- faults into the guest --------------------------------------------------------------- */

/* SDM vol. 3, "Interrupt 8: Double Fault Exception": benign, contributory or page fault. */
static bool is_contributory(uint8_t vector)
{
    return vector == 0 || (vector >= 10 && vector <= 13);
}

static bool makes_double_fault(uint8_t first, uint8_t second)
{
    if (first == VECTOR_PF)
        return is_contributory(second) || second == VECTOR_PF;
    return is_contributory(first) && is_contributory(second);
}

static void inject(struct vcpu *vcpu, struct vcpu_event event)
{
    const struct vcpu_event *first = &vcpu->inject;

    if (first->type == EVENT_FAULT && first->vector == VECTOR_DF) {
        vcpu->has_triple_fault = true;
        return;
    }
    if (first->type == EVENT_FAULT && makes_double_fault(first->vector, event.vector))
        event = (struct vcpu_event){.type = EVENT_FAULT, .vector = VECTOR_DF, .has_error = true};
    vcpu->inject = event;
}

void inject_fault(struct vcpu *vcpu, uint8_t vector)
{
    inject(vcpu, (struct vcpu_event){.type = EVENT_FAULT, .vector = vector});
}

void inject_fault_error(struct vcpu *vcpu, uint8_t vector, uint32_t error)
{
    const struct guest_state *state = vcpu_state(vcpu, STATE_CR);
    /* Real mode pushes no error codes. */
    bool has_error = (state->cr0 & CR0_PE) != 0;

    inject(vcpu, (struct vcpu_event){
                     .type = EVENT_FAULT, .vector = vector, .has_error = has_error, .error = error});
}

/* ---- past the instruction ------------------------------------------------------------------- */

void skip_bytes(struct vcpu *vcpu, unsigned int len)
{
    uint64_t rip = vcpu->regs.rip + len;

    /* Outside 64-bit code rip is 32 bits wide; only code below 4 GiB can tell the difference. */
    if (unlikely((rip ^ vcpu->regs.rip) >> 32) && vcpu_insn_mode(vcpu) != INSN_64)
        rip = (uint32_t)rip;
    vcpu->regs.rip = rip;
    vcpu->regs.rflags &= ~EFLAGS_RF;
    vcpu->irq_shadow = 0;
    if (unlikely(vcpu->regs.rflags & EFLAGS_TF)) { /* the guest steps through its code */
        vcpu->dr6 |= DR6_BS;
        vcpu->dr7 &= ~DR7_GD;
        inject_fault(vcpu, VECTOR_DB);
    }
}

enum exit_action exit_internal_error(struct vcpu *vcpu, uint32_t suberror)
{
    struct kvm_run *run = vcpu->run;

    run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
    run->internal.suberror = suberror;
    run->internal.ndata = 0;
    return EXIT_TO_VMM;
}

enum exit_action exit_skip(struct vcpu *vcpu, const struct vm_exit *vmexit)
{
    struct insn insn;
    int err;

    if (vmexit->insn_len != 0) {
        skip_bytes(vcpu, vmexit->insn_len);
        return EXIT_RESUME;
    }
    err = fetch_insn(vcpu, &insn);
    if (err < 0)
        return exit_internal_error(vcpu, KVM_INTERNAL_ERROR_EMULATION);
    if (err == 0)
        skip_bytes(vcpu, insn.len);
    return EXIT_RESUME;
}

/* ---- handlers ---------------------------------------------------------------------------------- */

static enum exit_action exit_nothing(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    (void)vcpu;
    (void)vmexit;
    return EXIT_RESUME;
}

static enum exit_action exit_ignore(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    return exit_skip(vcpu, vmexit);
}

static enum exit_action exit_window(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    (void)vmexit;
    vcpu_note(vcpu, REQ_EVENT);
    return EXIT_RESUME;
}

static enum exit_action exit_hlt(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    enum exit_action action = exit_skip(vcpu, vmexit);

    if (action != EXIT_RESUME || vcpu->inject.type != EVENT_NONE)
        return action; /* the guest gets that instead: its code has just been unmapped, or it steps */
    if (!vcpu->vm->has_irqchip) {
        vcpu->run->exit_reason = KVM_EXIT_HLT;
        return EXIT_TO_VMM;
    }
    vcpu->mp_state = KVM_MP_STATE_HALTED;
    return EXIT_RESUME;
}

/* KVM's hypercalls are optional and none is advertised: they answer -KVM_ENOSYS. */
static enum exit_action exit_hypercall(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    if (vcpu_cpl(vcpu) != 0)
        vcpu->regs.gpr[GPR_RAX] = (uint64_t)-EPERM;
    else
        vcpu->regs.gpr[GPR_RAX] = (uint64_t)-1000;
    return exit_skip(vcpu, vmexit);
}

static enum exit_action exit_undefined(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    (void)vmexit;
    inject_fault(vcpu, VECTOR_UD);
    return EXIT_RESUME;
}

static enum exit_action exit_protection(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    (void)vmexit;
    inject_fault_error(vcpu, VECTOR_GP, 0);
    return EXIT_RESUME;
}

/* VMCALL on AMD and VMMCALL on Intel raise #UD; guests may use either, so that they can move. */
static enum exit_action exit_undefined_opcode(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    struct insn insn;
    int err = fetch_insn(vcpu, &insn);

    if (err == 1)
        return EXIT_RESUME;
    if (err == 0 && insn.op == INSN_HYPERCALL) {
        vmexit->insn_len = insn.len;
        return exit_hypercall(vcpu, vmexit);
    }
    inject_fault(vcpu, VECTOR_UD);
    return EXIT_RESUME;
}

/* Intercepted only so that its endless delivery cannot hold the CPU: the guest gets it. */
static enum exit_action exit_exception(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    uint8_t vector = vmexit->exception.vector;

    if (vector == VECTOR_MC)
        return EXIT_RESUME; /* the host's own; its handler has run */
    if (vector == VECTOR_UD)
        return exit_undefined_opcode(vcpu, vmexit);
    if (vector == VECTOR_DB) {
        vcpu->dr6 |= vmexit->exception.dr6;
        vcpu->dr7 &= ~DR7_GD; /* its handler may use the debug registers */
    }
    if (vmexit->exception.has_error)
        inject_fault_error(vcpu, vector, vmexit->exception.error);
    else
        inject_fault(vcpu, vector);
    return EXIT_RESUME;
}

static enum exit_action exit_rdtsc(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    uint64_t tsc = guest_tsc(vcpu);

    vcpu->regs.gpr[GPR_RAX] = (uint32_t)tsc;
    vcpu->regs.gpr[GPR_RDX] = tsc >> 32;
    if (vmexit->rdtsc.is_rdtscp)
        vcpu->regs.gpr[GPR_RCX] = (uint32_t)vcpu->tsc_aux;
    return exit_skip(vcpu, vmexit);
}

static enum exit_action exit_invlpg(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    vcpu->needs_flush = true;
    return exit_skip(vcpu, vmexit);
}

static enum exit_action exit_shutdown(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    (void)vmexit;
    vcpu->run->exit_reason = KVM_EXIT_SHUTDOWN;
    return EXIT_TO_VMM;
}

static enum exit_action exit_fail_entry(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    vcpu->run->exit_reason = KVM_EXIT_FAIL_ENTRY;
    vcpu->run->fail_entry.hardware_entry_failure_reason = vmexit->hardware.reason;
    vcpu->run->fail_entry.cpu = cpu_number();
    return EXIT_TO_VMM;
}

static enum exit_action exit_unknown(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    struct kvm_run *run = vcpu->run;

    run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
    run->internal.suberror = KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON;
    run->internal.ndata = 2;
    run->internal.data[0] = vmexit->reason == EXIT_UNKNOWN ? vmexit->hardware.reason : vmexit->reason;
    run->internal.data[1] = cpu_number();
    return EXIT_TO_VMM;
}

static enum exit_action (*const exit_handlers[EXIT_REASONS])(struct vcpu *, struct vm_exit *) = {
    [EXIT_UNKNOWN] = exit_unknown,
    [EXIT_INTR] = exit_nothing,
    [EXIT_PREEMPT_TIMER] = exit_nothing,
    [EXIT_IRQ_WINDOW] = exit_window,
    [EXIT_NMI_WINDOW] = exit_window,
    [EXIT_CPUID] = exit_cpuid,
    [EXIT_HLT] = exit_hlt,
    [EXIT_PIO] = exit_pio,
    [EXIT_STAGE2_FAULT] = exit_stage2,
    [EXIT_STAGE2_MISCONFIG] = exit_unknown,
    [EXIT_RDMSR] = exit_rdmsr,
    [EXIT_WRMSR] = exit_wrmsr,
    [EXIT_CR] = exit_cr,
    [EXIT_DR] = exit_dr,
    [EXIT_WBINVD] = exit_ignore,
    [EXIT_XSETBV] = exit_xsetbv,
    [EXIT_HYPERCALL] = exit_hypercall,
    [EXIT_RDPMC] = exit_protection,
    [EXIT_MONITOR] = exit_undefined,
    [EXIT_MWAIT] = exit_undefined,
    [EXIT_PAUSE] = exit_ignore,
    [EXIT_INVLPG] = exit_invlpg,
    [EXIT_RDTSC] = exit_rdtsc,
    [EXIT_VIRT_INSN] = exit_undefined,
    [EXIT_EXCEPTION] = exit_exception,
    [EXIT_TASK_SWITCH] = exit_unknown, /* hardware tasks are not emulated */
    [EXIT_SHUTDOWN] = exit_shutdown,
    [EXIT_FAIL_ENTRY] = exit_fail_entry,
};

enum exit_action exit_dispatch(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    enum exit_action action;

    assert(vmexit->reason < EXIT_REASONS);
    action = exit_handlers[vmexit->reason](vcpu, vmexit);
    if (unlikely(vcpu->has_triple_fault)) {
        vcpu->has_triple_fault = false;
        return exit_shutdown(vcpu, vmexit);
    }
    return action;
}
