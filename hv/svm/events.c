/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events: injecting them, noticing when one could be injected, and giving back the
 * one whose delivery an exit interrupted.
 *
 * An interrupt window is a virtual interrupt (V_IRQ) whose delivery is intercepted.
 * SVM has nothing like it for NMIs, nor does it know that one is being handled.
 * So, while an NMI is blocked, IRET is intercepted; the IRET is then executed with
 * RFLAGS.TF set, and the #DB behind it says that the next NMI may come. In the same
 * way an instruction in an interrupt shadow is got over when an NMI waits for it.
 * TF stays hidden from the guest, with one exception: a fault in the stepped
 * instruction pushes it.
 */
#include <kernel/trap.h>

#include "svm.h"

#define DR6_ACTIVE_LOW 0xffff0ff0ULL

/* ---- before the entry ---- */

static uint64_t event_encode(const struct vcpu_event *event)
{
    uint64_t inject = EVENT_VALID | event->vector;

    switch (event->type) {
    case EVENT_INTR:
        return inject | EVENT_TYPE_INTR;
    case EVENT_NMI:
        return inject | EVENT_TYPE_NMI;
    case EVENT_FAULT:
        if (event->has_error)
            inject |= EVENT_ERROR_VALID | (uint64_t)event->error << EVENT_ERROR_SHIFT;
        return inject | EVENT_TYPE_EXCEPTION;
    default:
        return 0; /* RIP is at an INT, INT3 or INTO: it is simply executed once more */
    }
}

static void event_put(struct vcpu *vcpu, struct svm_vcpu *svm)
{
    uint64_t inject = 0;

    if (vcpu->inject.type != EVENT_NONE) {
        inject = event_encode(&vcpu->inject);
        if (vcpu->inject.type == EVENT_NMI) {
            vcpu->nmi_blocked = true;
            svm->at_iret = false;
        }
        vcpu->inject.type = EVENT_NONE;
    }
    svm->vmcb->control.eventinj = inject;
}

static void nothing(void)
{
}

/* What has to be noticed: sets *step for one instruction with TF. */
static uint32_t nmi_intercepts(struct vcpu *vcpu, struct svm_vcpu *svm, bool is_injecting,
                               bool *step)
{
    if (vcpu->nmi_blocked) {
        if (svm->at_iret && svm->iret_rip == vcpu->regs.rip && !is_injecting) {
            *step = true;
            return 0;
        }
        svm->at_iret = false;
        return INTERCEPT_IRET;
    }
    if (vcpu->want_nmi_window) {
        if (vcpu->irq_shadow != 0 && !is_injecting)
            *step = true;
        else
            irq_defer(nothing); /* ends the stay as soon as the event is delivered */
    }
    return 0;
}

void svm_events_put(struct vcpu *vcpu)
{
    struct svm_vcpu *svm = vcpu->backend;
    struct vmcb_control *control = &svm->vmcb->control;
    uint32_t intercepts = SVM_MISC1_ALWAYS;
    uint64_t virtual_interrupt = V_INTR_MASKING;
    bool is_injecting, step = false;

    event_put(vcpu, svm);
    is_injecting = control->eventinj != 0;
    control->interrupt_state = vcpu->irq_shadow != 0 ? INTERRUPT_SHADOW : 0;
    svm->vmcb->save.dr7 = vcpu->dr7 & ~DR7_GD; /* MOV DR is intercepted: generic code sees to it */

    if (unlikely(vcpu->nmi_blocked || vcpu->want_nmi_window))
        intercepts |= nmi_intercepts(vcpu, svm, is_injecting, &step);
    if (vcpu->want_irq_window) {
        if (unlikely(svm->ignores_shadow && vcpu->irq_shadow != 0 && !is_injecting)) {
            step = true;
        } else {
            intercepts |= INTERCEPT_VINTR;
            virtual_interrupt |= V_IRQ | V_INTR_PRIO | V_IGN_TPR;
        }
    }
    control->intercept_misc1 = intercepts;
    control->virtual_interrupt = virtual_interrupt;
    if (unlikely(step)) {
        svm->is_stepping = true;
        svm->has_guest_tf = (vcpu->regs.rflags & EFLAGS_TF) != 0;
        svm->vmcb->save.rflags |= EFLAGS_TF;
    }
}

/* ---- after the exit ---- */

/* The event that was being delivered is to be delivered again. */
static void event_get(struct vcpu *vcpu, uint64_t info)
{
    uint8_t vector = info & EVENT_VECTOR;

    switch (info & EVENT_TYPE) {
    case EVENT_TYPE_INTR:
        vcpu->inject = (struct vcpu_event){.type = EVENT_INTR, .vector = vector};
        return;
    case EVENT_TYPE_NMI:
        vcpu->inject = (struct vcpu_event){.type = EVENT_NMI, .vector = vector};
        vcpu->nmi_blocked = false;
        return;
    case EVENT_TYPE_EXCEPTION:
        if (vector == 3 || vector == 4)
            return; /* INT3, INTO: executed again, as INT n is */
        vcpu->inject = (struct vcpu_event){.type = EVENT_FAULT,
                                           .vector = vector,
                                           .has_error = (info & EVENT_ERROR_VALID) != 0,
                                           .error = (uint32_t)(info >> EVENT_ERROR_SHIFT)};
        return;
    default:
        return;
    }
}

/* Stepping ends with this exit, whatever it is: take TF back where it is ours. */
static void step_get(struct vcpu *vcpu, struct svm_vcpu *svm, uint64_t entry_rip, bool is_db)
{
    bool has_moved = is_db || vcpu->regs.rip != entry_rip;

    /* IRET has brought flags of its own; delivering a fault has cleared TF. */
    if (svm->is_stepping && !svm->has_guest_tf && !(svm->at_iret && has_moved))
        vcpu->regs.rflags &= ~EFLAGS_TF;
    if (svm->at_iret && has_moved) {
        svm->at_iret = false;
        vcpu->nmi_blocked = false;
    }
}

void svm_events_get(struct vcpu *vcpu, uint64_t entry_rip)
{
    struct svm_vcpu *svm = vcpu->backend;
    const struct vmcb_control *control = &svm->vmcb->control;
    bool is_db = (uint32_t)control->exitcode == VMEXIT_EXCEPTION + 1;
    bool was_injecting = control->eventinj != 0; /* software's bits, or what the CPU left of them */

    if (unlikely(svm->is_stepping || svm->at_iret))
        step_get(vcpu, svm, entry_rip, is_db);

    if (control->interrupt_state & INTERRUPT_SHADOW) {
        vcpu->irq_shadow = SHADOW_STI;
    } else if (unlikely(vcpu->irq_shadow != 0)) {
        /* As long as its instruction has not been executed the shadow is still there. */
        if (is_db || was_injecting || vcpu->regs.rip != entry_rip)
            vcpu->irq_shadow = 0;
        else if ((uint32_t)control->exitcode == VMEXIT_VINTR)
            svm->ignores_shadow = true;
    }
    if (unlikely(control->exitintinfo & EVENT_VALID))
        event_get(vcpu, control->exitintinfo);
}

bool svm_nmi_window_is_open(const struct vcpu *vcpu)
{
    return vcpu->want_nmi_window && !vcpu->nmi_blocked && vcpu->irq_shadow == 0 &&
           vcpu->inject.type == EVENT_NONE;
}

bool svm_step_done(struct vcpu *vcpu, uint64_t *dr6)
{
    struct svm_vcpu *svm = vcpu->backend;
    bool was_stepping = svm->is_stepping;

    *dr6 = svm->vmcb->save.dr6 ^ DR6_ACTIVE_LOW;
    svm->vmcb->save.dr6 = DR6_ACTIVE_LOW; /* so that it shows only what the next #DB adds */
    if (was_stepping && !svm->has_guest_tf)
        *dr6 &= ~DR6_BS;
    return was_stepping && *dr6 == 0;
}
