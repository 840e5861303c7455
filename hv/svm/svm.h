/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of hv/svm. */
#pragma once

#include "../vm.h"
#include "vmcb.h"

/*
 * One for each CPU, made by its first cpu_on(). [c] this CPU only, interrupts off.
 *
 * Translations are tagged with an ASID. Each CPU deals them out in turn; when it has
 * used them all, a new generation begins with a flush of everything, and every vCPU
 * whose ASID is of an older generation gets another before it runs here again.
 */
struct svm_cpu {
    struct page *hsave;     /* where VMRUN keeps the host's state */
    struct page *host_vmcb; /* VMSAVE by load(), VMLOAD after each exit */
    uint32_t next_asid;
    uint64_t asid_generation;
};

/* vcpu->backend. [o] */
struct svm_vcpu {
    struct vmcb *vmcb;
    struct page *vmcb_page; /* counted */
    paddr_t host_vmcb_pa;   /* of the CPU that it is loaded on */
    uint64_t asid_generation;
    uint64_t cr0_hidden; /* CR0 bits that the guest has set but not the VMCB */
    uint64_t cr4_forced; /* CR4 bits that the VMCB has but not the guest */

    /* Executing one instruction with RFLAGS.TF, unseen by the guest: events.c */
    bool is_stepping;
    bool has_guest_tf;   /* the guest single-steps itself */
    bool at_iret;        /* the NMI handler's IRET, at iret_rip, is about to be executed */
    bool ignores_shadow; /* this CPU lets interrupts in at VMRUN in spite of the shadow */
    uint64_t iret_rip;
};

/* What this machine's SVM can do. [I] after probe() */
struct svm_features {
    uint32_t asid_count; /* 0 is the host's */
    bool has_nrips, has_decode_assists;
};
extern struct svm_features svm_features;

/* entry.asm */
void svm_world_switch(struct guest_regs *regs, paddr_t guest_vmcb, paddr_t host_vmcb);

/* svm.c */
void svm_vmcb_reset(struct vcpu *vcpu); /* all that it holds of the guest is lost */

/* state.c */
void svm_state_put(struct vcpu *vcpu); /* the dirty groups into the VMCB */
void svm_state_get(struct vcpu *vcpu, unsigned int groups);
int svm_msr_get(struct vcpu *vcpu, uint32_t index, uint64_t *value);
int svm_msr_set(struct vcpu *vcpu, uint32_t index, uint64_t value);

/* events.c */
#define SVM_MISC1_ALWAYS                                                                           \
    (INTERCEPT_INTR | INTERCEPT_NMI | INTERCEPT_SMI | INTERCEPT_RDPMC | INTERCEPT_CPUID |          \
     INTERCEPT_INVD | INTERCEPT_HLT | INTERCEPT_INVLPGA | INTERCEPT_IOIO_PROT |                    \
     INTERCEPT_MSR_PROT | INTERCEPT_TASK_SWITCH | INTERCEPT_SHUTDOWN)

void svm_events_put(struct vcpu *vcpu); /* before the entry; after the registers are in the VMCB */
void svm_events_get(struct vcpu *vcpu, uint64_t entry_rip); /* after the exit */
/* A #DB that belongs to our stepping: true, and there is nothing for the guest in it. */
bool svm_step_done(struct vcpu *vcpu, uint64_t *dr6);
bool svm_nmi_window_is_open(const struct vcpu *vcpu);

/* exit.c */
void svm_exit_decode(struct vcpu *vcpu, struct vm_exit *vmexit);
