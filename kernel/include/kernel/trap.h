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

/* Fault fix-up: entries made by the macro in <kernel/x86/extable.h>. */
bool extable_fixup(struct trapframe *frame);

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

/* Floating point in the kernel for hv: a thread's XSAVE state is kept in memory between
 * fpu_leave() and fpu_enter(); see kernel/x86/fpu.c. */
uint64_t fpu_xcr0(void);        /* the components that user code may use */
size_t fpu_state_size(void);
