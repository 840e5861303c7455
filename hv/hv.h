/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The seam between the generic part of hv (decisions, no vendor names) and its
 * two back ends, hv/vmx (Intel VT-x, EPT) and hv/svm (AMD-V, nested paging).
 *
 * The generic part fills struct vcpu, calls ops->enter(), and gets back a
 * decoded struct vm_exit. A back end translates and holds no policy: it does
 * not look at a CPUID leaf, an MSR value or an address to decide what a guest
 * may do.
 *
 * A run of the guest, as vcpu.c does it:
 *
 *     ops->load(vcpu)                    guest's own MSRs live on this CPU
 *       irqs off
 *       ops->flush(vcpu, ...)            only when something was invalidated
 *       ops->enter(vcpu, &vmexit)        guest runs until something exits
 *       irqs on                          a host interrupt that ended it is taken here
 *       exit_dispatch(vcpu, &vmexit)     may read and change vcpu->regs, ->state
 *     ops->put(vcpu)                     host's MSRs back, before ring 3 or a switch
 *
 * What a back end intercepts, always: external interrupts, NMI, CPUID, HLT, all
 * I/O ports, every MSR not in hv_passthrough_msrs, writes of CR0 and CR4, reads
 * and writes of CR8, all MOV DR, INVD/WBINVD, XSETBV, RDPMC, MONITOR, MWAIT, the
 * virtualization instructions of both vendors, #DB, #AC and #MC (the first two
 * because their endless delivery would hold the CPU), #UD (the other vendor's
 * hypercall instruction), and shutdown. CR3, INVLPG, RDTSC and PAUSE stay with the
 * guest.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "regs.h"

struct vm;
struct vcpu;
struct vm_exit;

/* ---- exits ------------------------------------------------------------------- */

enum exit_reason {
    EXIT_UNKNOWN,         /* .hardware holds the raw reason */
    EXIT_INTR,            /* host interrupt or NMI; nothing to emulate */
    EXIT_PREEMPT_TIMER,   /* vcpu->entry_deadline_tsc has passed */
    EXIT_IRQ_WINDOW,      /* asked for by vcpu->want_irq_window */
    EXIT_NMI_WINDOW,      /* asked for by vcpu->want_nmi_window */
    EXIT_CPUID,
    EXIT_HLT,
    EXIT_PIO,             /* .pio */
    EXIT_STAGE2_FAULT,    /* .fault: second-level translation missing or too narrow */
    EXIT_STAGE2_MISCONFIG, /* .fault.gpa: an entry of ours that the CPU refuses */
    EXIT_RDMSR,           /* index in rcx */
    EXIT_WRMSR,
    EXIT_CR,              /* .cr: MOV CR, CLTS, LMSW, SMSW */
    EXIT_DR,              /* .dr */
    EXIT_WBINVD,          /* INVD too */
    EXIT_XSETBV,
    EXIT_HYPERCALL,       /* VMCALL or VMMCALL */
    EXIT_RDPMC,
    EXIT_MONITOR,
    EXIT_MWAIT,
    EXIT_PAUSE,
    EXIT_INVLPG,          /* only if a back end must intercept it: .invlpg */
    EXIT_RDTSC,           /* likewise; RDTSCP has .rdtsc.is_rdtscp */
    EXIT_VIRT_INSN,       /* VMXON, VMRUN, INVEPT, SKINIT...: the guest has none of them */
    EXIT_EXCEPTION,       /* .exception: one that a back end intercepts */
    EXIT_TASK_SWITCH,
    EXIT_SHUTDOWN,        /* triple fault */
    EXIT_FAIL_ENTRY,      /* the CPU refused the guest state; .hardware */
    EXIT_REASONS
};

enum stage2_access {
    STAGE2_READ = 1,
    STAGE2_WRITE = 2,
    STAGE2_EXEC = 4,
};

enum cr_access {
    CR_MOV_TO,
    CR_MOV_FROM,
    CR_CLTS,
    CR_LMSW,
    CR_SMSW,
    CR_UNKNOWN, /* no decode assist: generic code decodes the instruction */
};

/*
 * One exit, decoded. The back end fills reason, insn_len and the member that
 * belongs to the reason; vcpu->regs and vcpu->irq_shadow are valid too.
 */
struct vm_exit {
    enum exit_reason reason;
    uint8_t insn_len; /* of the intercepted instruction; 0: unknown, decode it */
    union {
        struct {
            uint16_t port;
            uint8_t size; /* 1, 2, 4 */
            bool is_in;
            bool is_string; /* address and segment are taken from the decoded instruction */
            bool has_rep;
        } pio;
        struct {
            gpa_t gpa;
            uint8_t access;     /* enum stage2_access; a read-modify-write may say only WRITE */
            bool is_table_walk; /* the CPU was reading the guest's own page tables */
            uint8_t insn_bytes; /* decode assist: bytes at rip, 0 when there is none */
            uint8_t insn[15];
        } fault;
        struct {
            uint8_t access; /* enum cr_access */
            uint8_t cr;     /* 0, 3, 4, 8 */
            uint8_t gpr;    /* register for MOV, hardware encoding */
            uint16_t msw;   /* LMSW's operand; LMSW and SMSW with memory come as CR_UNKNOWN */
        } cr;
        struct {
            bool is_known; /* false: decode */
            bool is_write;
            uint8_t dr;
            uint8_t gpr;
        } dr;
        struct {
            gva_t gva;
            bool is_known;
        } invlpg;
        struct {
            bool is_rdtscp;
        } rdtsc;
        struct {
            uint8_t vector;
            bool has_error;
            uint32_t error;
            uint64_t dr6; /* #DB: the bits that the CPU would have set in DR6 */
        } exception;
        struct {
            uint64_t reason; /* the vendor's own number, for KVM_EXIT_FAIL_ENTRY/UNKNOWN */
            uint64_t info;
        } hardware;
    };
};

/* ---- events into the guest ----------------------------------------------------- */

enum event_type {
    EVENT_NONE,
    EVENT_INTR,     /* external interrupt */
    EVENT_NMI,
    EVENT_FAULT,    /* hardware exception */
    EVENT_SOFT_INT, /* INT n */
    EVENT_SOFT_EXC, /* INT3, INTO */
};

struct vcpu_event {
    uint8_t type; /* enum event_type */
    uint8_t vector;
    bool has_error;
    uint8_t insn_len; /* soft events: length of the instruction, added to rip on delivery */
    uint32_t error;
};

/* vcpu->irq_shadow */
#define SHADOW_STI    BIT_U8(0)
#define SHADOW_MOV_SS BIT_U8(1)

/* ops->flush */
#define FLUSH_GUEST  1u /* what this vCPU's own page tables gave: linear and combined */
#define FLUSH_STAGE2 2u /* everything this CPU keeps for the VM's second-level tables */

/* ---- the operations ------------------------------------------------------------ */

enum stage2_format {
    STAGE2_NPT, /* the host's own page-table format, user bit set */
    STAGE2_EPT,
};

struct hv_ops {
    const char *name; /* "svm", "vmx" */
    enum stage2_format s2_format;
    bool uses_deadline; /* enter() arms a preemption timer: entry_deadline_tsc is to be computed */

    /* Boot, once. 0, or -ENODEV with *why naming what is missing ("no nested paging"). */
    int (*probe)(const char **why);

    /* This CPU, interrupts off. cpu_on() may be called again after cpu_off(). */
    int (*cpu_on)(void);
    void (*cpu_off)(void);
    bool (*can_rdtscp)(void); /* guests can execute it, if the CPU can */

    /* vm->backend and vcpu->backend are the back end's own; charged to vm->cgroup. */
    int (*vm_init)(struct vm *vm);
    void (*vm_fini)(struct vm *vm);
    /* The state is that after RESET as vcpu->regs and ->state say; all groups are dirty. */
    int (*vcpu_create)(struct vcpu *vcpu);
    void (*vcpu_destroy)(struct vcpu *vcpu);

    /*
     * Preemption off, same CPU until put(). load(): make this CPU the vCPU's, with
     * the guest's STAR, LSTAR, SFMASK, KERNEL_GS_BASE and the like in the CPU where
     * the world switch itself does not do it. put(): the host's back. Both are called
     * from the scheduler's switch hooks and around a run.
     */
    void (*load)(struct vcpu *vcpu);
    void (*put)(struct vcpu *vcpu);

    /* Between load and put, interrupts off; takes effect before the next enter() returns. */
    void (*flush)(struct vcpu *vcpu, unsigned int what);

    /*
     * Between load and put, interrupts off. Takes vcpu->regs, ->state groups marked
     * in state_dirty, ->inject, ->want_*_window, ->irq_shadow, ->dr6, ->dr7,
     * ->tsc_offset, ->entry_deadline_tsc. Leaves regs, irq_shadow, nmi_blocked, dr6 and
     * dr7 as the guest left them, state_valid = state_dirty = 0, and in ->inject the
     * event whose delivery the exit interrupted (EVENT_NONE normally): it is injected
     * again unless generic code replaces it. want_*_window are left as they were: an
     * exit for a window does not clear the wish. Host NMIs are handled before it returns;
     * other host interrupts stay pending until the caller opens them.
     */
    void (*enter)(struct vcpu *vcpu, struct vm_exit *vmexit);

    /* Between load and put. Bring the groups (STATE_*) into vcpu->state. */
    void (*state_get)(struct vcpu *vcpu, unsigned int groups);

    /*
     * MSRs of hv_passthrough_msrs, but FS_BASE and GS_BASE (they are in state), plus
     * IA32_PAT: those that live in the back end's structures or in the CPU. Between load
     * and put. -ENOENT for another index.
     */
    int (*msr_get)(struct vcpu *vcpu, uint32_t index, uint64_t *value);
    int (*msr_set)(struct vcpu *vcpu, uint32_t index, uint64_t value);
};

/* Weak: a kernel may be built with only one of them. */
extern const struct hv_ops svm_ops __attribute__((weak));
extern const struct hv_ops vmx_ops __attribute__((weak));

/* MSRs that a guest reads and writes without an exit; FS_BASE and GS_BASE are in state. */
extern const uint32_t hv_passthrough_msrs[];
extern const unsigned int hv_passthrough_msr_count;

void hv_init(void);

/* The back end in use; NULL when there is none, and then *why says what is missing. */
const struct hv_ops *hv_ops(const char **why);
