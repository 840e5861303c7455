/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VM for a test: one vCPU and a little RAM. The generic part of hv, whole, under a back end
 * that plays a script: each entry into the guest is one call of script(), which looks at what
 * was injected and says what exit follows. The kernel's services come from services.h.
 *
 *     begin(true);
 *     plan_set(2, &cpuid, &exit_triple);   the exits to come
 *     run_once();                          ... and what became of them is in *run, regs() and ram
 *     end();
 */
#pragma once

#include "services.h"
#include "hv/vm.h"

/* ---- the back end ---- */

/* Fills what belongs to the exit; may change what a guest can in *vcpu. begin() sets one that fails the test. */
extern enum exit_reason (*script)(struct vcpu *vcpu, struct vm_exit *e);
extern struct vcpu_event injected; /* by the entry that is going on */
extern unsigned entries, flushes;  /* so many so far; a test sets them to 0 */
extern uint64_t aux_in_guest;      /* TSC_AUX at the last entry */

/* A script that is a list of n exits (const struct vm_exit *), one an entry; the last repeats. */
void plan_set(unsigned n, ...);

extern const struct vm_exit exit_halt;
extern const struct vm_exit exit_triple; /* ends run_once() with KVM_EXIT_SHUTDOWN */

/* ---- the VM, between begin() and end() ---- */

#define RAM_PAGES 1024
#define CODE      0x1000 /* where in ram a test's instructions are */

extern int vm_fd, cpu_fd;
extern uint8_t *ram; /* all of it is slot 0, at 0 */
extern struct kvm_run *run;
extern struct vcpu *vcpu0;

void scripted_vm_init(void); /* once */
void begin(bool irqchip);    /* irqchip: with interrupt controllers and the PIT in hv */
void end(void);              /* closes it; nothing may be left of it */
long run_once(void);         /* KVM_RUN */
long set_slot(uint32_t id, uint64_t gpa, uint64_t size, uint64_t offset, uint32_t flags); /* offset: in ram */

void protected_mode(void); /* flat, 32 bits, at CODE */
void code(const uint8_t *bytes, size_t n); /* what stands there */
#define CODE_BYTES(...) code((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
struct kvm_regs regs(void);

/* All that KVM_GET_SUPPORTED_CPUID offers, set as the vCPU's. */
struct cpuid_arg {
    struct kvm_cpuid2 head;
    struct kvm_cpuid_entry2 entries[100];
};
extern struct cpuid_arg cpuid_arg;
void supported_cpuid(void);

long irq_line(uint32_t irq, uint32_t level);
void lapic_write(unsigned offset, uint32_t value); /* vcpu0's, as it does itself */
