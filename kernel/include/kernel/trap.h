/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the CPU-specific entry code (kernel/x86) meets the rest, both ways.
 */
#pragma once

#include <kernel/boot_info.h>
#include <kernel/types.h>
#include <kernel/x86/trapframe.h>

/* ---- called by kernel/x86 ---- */

/* A system call from user mode, interrupts on. Puts the result in frame->rax. (kernel/abi) */
void syscall_dispatch(struct trapframe *frame);
/* Work is pending on the way back to user mode; interrupts on, may not return (exit). (kernel/proc) */
void user_return_work(struct trapframe *frame);
/* A page fault at `addr`; access is a mask of enum access. kernel/mm resolves it, sends the signal
 * for a user access, or uses the fix-up table for a user copy. false: a kernel bug, x86 panics. */
bool page_fault(struct trapframe *frame, uint64_t addr, unsigned access);

/* ---- offered by kernel/x86 ---- */

/* Interrupts: ISA numbers through IOAPIC or PIC (both emulators: IOAPIC). Handlers run with
 * interrupts off. Enabling is part of it. 0 or -EBUSY. */
typedef void (*irq_handler_t)(void *arg);
int irq_request(unsigned isa_irq, irq_handler_t handler, void *arg);

/* Have fn called soon on this CPU in interrupt context; from any context, also under locks. */
void irq_defer(void (*fn)(void));

/* Fault fix-up: entries made by the macro in <kernel/x86/extable.h>. */
bool extable_fixup(struct trapframe *frame);
bool extable_covers(uint64_t rip); /* does a fault there have a fix-up? */

void x86_early_init(const struct boot_info *bi); /* serial, GDT, IDT, per-CPU area, CPU features */
void x86_late_init(void); /* APIC, timer, calibration: after mm_init() */
__attribute__((noreturn)) void machine_power_off(void); /* UEFI runtime services; falls back to the debug ports */
__attribute__((noreturn)) void machine_reboot(void);

/* The serial port, polled, for the log before the tty and for panics. */
void early_console_write(const char *s, size_t n);
/* Frames on the debug port 0xE9 (tools/README.md): tag 'p' panic, 'l' log. */
void debug_port_frame(char tag, const void *data, size_t n);
void debug_port_write(const void *data, size_t n); /* raw bytes, for /dev/debugcon */

/* Trace: symbolic names are not kept in the kernel; addresses, for addr2line. */
void backtrace_print(uint64_t rbp);

/*
 * Floating point. The registers hold the current thread's user state, or
 * (cpu->fpu_owner != current) somebody else's; then they are loaded on the way
 * to user mode. hv lends them to a guest: after fpu_leave() the thread's state
 * is in its memory and the registers are free until the next switch or return
 * to user mode, which load what they need by themselves. It must be called anew
 * after every switch, before anything else is loaded: the registers may then hold
 * what another thread expects to find there. kernel/x86/fpu.c
 */
void fpu_leave(void);           /* interrupts off */
uint64_t fpu_xcr0(void);        /* the components that user code may use; 0: no XSAVE, FXSAVE only */
size_t fpu_state_size(void);    /* of an XSAVE image with all of them */

/* Other CPUs (kernel/x86/smp.c). With one CPU these find nobody to send to. */
enum ipi { IPI_RESCHED, IPI_TLB, IPI_KICK, IPI_STOP };
void ipi_send(unsigned cpu, enum ipi what);
void ipi_send_others(enum ipi what);
/* IPI_TLB's handler: mm's flush of what the sender asked for. */
void tlb_ipi(void) __attribute__((weak));
