/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exceptions and interrupts, once entry.asm has saved the registers.
 *
 * From user mode an exception is the program's own affair: it becomes a
 * signal. In kernel mode it is either at an instruction that expects it
 * (extable.c) or a bug: panic.
 */
#include <kernel/errno.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/proc.h>
#include <kernel/signal.h>
#include <kernel/vm.h>

#include "x86.h"

/* What a program gets for an exception: signal(7), sigaction(2). */
static const struct {
    const char *name;
    int signal;
    int code;
    bool has_addr; /* si_addr is the instruction */
} exceptions[EXCEPTION_VECTORS] = {
    [VECTOR_DE] = {"divide error", SIGFPE, FPE_INTDIV, true},
    [VECTOR_DB] = {"debug exception", SIGTRAP, TRAP_TRACE, true},
    [VECTOR_NMI] = {"NMI", 0, 0, false},
    [VECTOR_BP] = {"breakpoint", SIGTRAP, SI_KERNEL, false},
    [VECTOR_OF] = {"overflow", SIGSEGV, SI_KERNEL, false},
    [VECTOR_BR] = {"bound range exceeded", SIGSEGV, SI_KERNEL, false},
    [VECTOR_UD] = {"invalid opcode", SIGILL, ILL_ILLOPN, true},
    [VECTOR_NM] = {"device not available", SIGSEGV, SI_KERNEL, false},
    [VECTOR_DF] = {"double fault", SIGSEGV, SI_KERNEL, false},
    [9] = {"coprocessor segment overrun", SIGFPE, SI_KERNEL, false},
    [VECTOR_TS] = {"invalid TSS", SIGSEGV, SI_KERNEL, false},
    [VECTOR_NP] = {"segment not present", SIGBUS, SI_KERNEL, false},
    [VECTOR_SS] = {"stack segment", SIGBUS, SI_KERNEL, false},
    [VECTOR_GP] = {"general protection", SIGSEGV, SI_KERNEL, false},
    [VECTOR_PF] = {"page fault", SIGSEGV, SEGV_MAPERR, false},
    [VECTOR_MF] = {"x87 floating point", SIGFPE, 0, true},
    [VECTOR_AC] = {"alignment check", SIGBUS, BUS_ADRALN, false},
    [VECTOR_MC] = {"machine check", SIGBUS, SI_KERNEL, false},
    [VECTOR_XM] = {"SIMD floating point", SIGFPE, 0, true},
};

static const char *exception_name(uint64_t vector)
{
    const char *name = vector < EXCEPTION_VECTORS ? exceptions[vector].name : NULL;

    return name != NULL ? name : "exception";
}

/* Only of fatal faults in user mode is there a line, and only with "debug" on the command line. */
static void exception_to_signal(struct trapframe *frame)
{
    unsigned vector = (unsigned)frame->vector;
    int sig = exceptions[vector].signal, code = exceptions[vector].code;

    current->trap.vector = vector;
    current->trap.error_code = frame->error_code;
    if (vector == VECTOR_MF || vector == VECTOR_XM)
        code = fpu_exception_code(vector == VECTOR_XM);
    irq_enable();
    if (sig == 0)
        sig = SIGSEGV, code = SI_KERNEL;
    signal_force(sig, code, exceptions[vector].has_addr ? frame->rip : 0);
}

static bool nmi_seen, nmi_reported; /* [a] */

/* It may interrupt anything, also whoever holds the log's lock: no logging here. */
static void nmi(void)
{
    WRITE_ONCE(nmi_seen, true);
}

void nmi_report(void)
{
    if (likely(!READ_ONCE(nmi_seen)) || READ_ONCE(nmi_reported))
        return;
    WRITE_ONCE(nmi_reported, true);
    log_warn("cpu: NMI from an unknown source; later ones are not reported\n");
}

void trap_exception(struct trapframe *frame)
{
    unsigned vector = (unsigned)frame->vector;

    if (vector == VECTOR_NMI) {
        nmi();
        return;
    }
    if (vector == VECTOR_MC)
        panic_frame(frame, "machine check");
    if (vector == VECTOR_DB) {
        uint64_t dr6 = 0xffff0ff0; /* as after reset: what the next #DB finds */

        __asm__ volatile("mov %0, %%dr6" : : "r"(dr6));
    }
    if (trapframe_is_user(frame)) {
        exception_to_signal(frame);
        return;
    }
    if (vector != VECTOR_DF && extable_fixup(frame))
        return;
    panic_frame(frame, "%s in the kernel, error code 0x%lx", exception_name(vector),
                frame->error_code);
}

static unsigned access_of(uint64_t error_code)
{
    if (error_code & PF_FETCH)
        return ACCESS_EXEC;
    return error_code & PF_WRITE ? ACCESS_WRITE : ACCESS_READ;
}

void trap_page_fault(struct trapframe *frame)
{
    uint64_t addr;

    __asm__ volatile("mov %%cr2, %0" : "=r"(addr)); /* before another fault can overwrite it */
    if (unlikely(frame->error_code & PF_RESERVED))
        panic_frame(frame, "damaged page table at 0x%lx, error code 0x%lx", addr,
                    frame->error_code);
    if (trapframe_is_user(frame)) {
        if (addr >= USER_TOP)
            frame->error_code |= PF_PRESENT; /* which pages the kernel has is not told */
        current->trap.vector = VECTOR_PF;
        current->trap.error_code = frame->error_code;
        current->trap.addr = addr;
    }
    if (likely(frame->rflags & RFLAGS_IF))
        irq_enable();
    if (unlikely(trapframe_is_user(frame) && (frame->error_code & (PF_USER | PF_PRESENT)) == PF_PRESENT)) {
        /* The CPU's own access for the program, to a descriptor table: no page can be brought. */
        signal_force(SIGSEGV, SEGV_MAPERR, addr);
        return;
    }
    if (likely(page_fault(frame, addr, access_of(frame->error_code))))
        return;
    irq_disable();
    if (!trapframe_is_user(frame) && extable_fixup(frame))
        return;
    panic_frame(frame, "page fault in the kernel at 0x%lx, error code 0x%lx", addr,
                frame->error_code);
}

/* A frame for user mode whose rip is no user address: a handler's doing. (entry.asm, .bad) */
void trap_bad_return(struct trapframe *frame)
{
    (void)frame;
    signal_force(SIGSEGV, SI_KERNEL, 0);
}
