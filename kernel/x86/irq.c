/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts: who handles which vector. Handlers run with interrupts off on the
 * stack of whatever was interrupted; they wake threads and leave.
 */
#include <kernel/errno.h>
#include <kernel/log.h>
#include <kernel/time.h>

#include "x86.h"

#define ISA_IRQS 16

static struct {
    irq_handler_t handler; /* [I] once set */
    void *arg;
} isa_handlers[ISA_IRQS];

static void (*deferred[4])(void); /* [a] */

int irq_request(unsigned isa_irq, irq_handler_t handler, void *arg)
{
    if (isa_irq >= ISA_IRQS || isa_handlers[isa_irq].handler != NULL)
        return -EBUSY;
    isa_handlers[isa_irq].arg = arg;
    isa_handlers[isa_irq].handler = handler;
    if (x86_ioapic_is_present())
        x86_ioapic_enable(isa_irq, (uint8_t)(VECTOR_IOAPIC + isa_irq));
    else
        x86_pic_enable(isa_irq);
    return 0;
}

static void handle_isa(unsigned isa_irq)
{
    if (isa_handlers[isa_irq].handler != NULL)
        isa_handlers[isa_irq].handler(isa_handlers[isa_irq].arg);
}

static void handle_pic(unsigned isa_irq)
{
    if (x86_pic_is_spurious(isa_irq))
        return;
    handle_isa(isa_irq);
    x86_pic_eoi(isa_irq);
}

/* ---- work put off to the next moment with interrupts on ---- */

void irq_defer(void (*fn)(void))
{
    for (unsigned i = 0; i < ARRAY_SIZE(deferred); i++) {
        void (*empty)(void) = NULL;

        if (__atomic_compare_exchange_n(&deferred[i], &empty, fn, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE) ||
            empty == fn)
            break;
    }
    if (apic_is_up())
        apic_send_self(VECTOR_DEFERRED);
}

static void run_deferred(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(deferred); i++) {
        void (*fn)(void) = __atomic_exchange_n(&deferred[i], NULL, __ATOMIC_ACQ_REL);

        if (fn != NULL)
            fn();
    }
}

/* ---- dispatch ---- */

static void handle_other(unsigned vector)
{
    if (vector >= VECTOR_IOAPIC && vector < VECTOR_IOAPIC + ISA_IRQS) {
        handle_isa(vector - VECTOR_IOAPIC);
        apic_eoi();
    } else if (vector >= VECTOR_PIC && vector < VECTOR_PIC + ISA_IRQS) {
        handle_pic(vector - VECTOR_PIC);
    } else if (vector >= VECTOR_IPI && vector <= VECTOR_IPI + IPI_STOP) {
        apic_eoi();
        ipi_handle((enum ipi)(vector - VECTOR_IPI));
    } else if (vector == VECTOR_DEFERRED) {
        apic_eoi();
        run_deferred();
    } else if (vector != VECTOR_SPURIOUS) {
        log_warn("irq: unexpected vector 0x%x\n", vector);
        apic_eoi();
    }
}

void trap_interrupt(struct trapframe *frame)
{
    struct cpu *cpu = this_cpu();

    cpu->in_irq = true;
    if (likely(frame->vector == VECTOR_TIMER)) {
        apic_eoi();
        timer_interrupt();
        nmi_report();
    } else {
        handle_other((unsigned)frame->vector);
    }
    cpu->in_irq = false;
}

void x86_irq_init(void)
{
    x86_pic_init();
    x86_ioapic_init();
    if (!x86_ioapic_is_present())
        apic_accept_pic();
}
