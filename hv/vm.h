/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtual machine and its virtual CPUs, as the back ends and the generic files share them.
 *
 * Lifetime: KVM_CREATE_VM makes a struct vm with one reference, held by the VM's
 * file; every vCPU file holds one more. The last vm_put() undoes vm_create().
 * A VM belongs to the address space that created it: guest RAM is that address
 * space's memory, and ioctls from another one fail with -EIO.
 *
 * Protection: [I] fixed before publication, [a] atomic, [m] vm->lock, [q] vm->irq_lock,
 * [o] the thread that owns the vCPU (holds vcpu->lock), [r] the page that ring 3
 * maps: hostile, read each field once.
 */
#pragma once

#include "hv.h"
#include "stage2.h"

struct vm {
    const struct hv_ops *ops; /* [I] */
    void *backend;            /* [I] the back end's own: MSR and I/O bitmaps, ASID... */
    struct stage2 s2;         /* second-level tables; see stage2.h */
};

struct vcpu {
    struct vm *vm;   /* [I] counted */
    void *backend;   /* [I] VMCS or VMCB and what belongs to it */
    unsigned int id; /* [I] also the APIC id */

    /* Guest state, between two entries. [o] */
    struct guest_regs regs;
    struct guest_state state;
    unsigned int state_valid; /* STATE_* groups of state that are up to date */
    unsigned int state_dirty; /* ... that enter() must write back; a subset of valid */
    uint8_t irq_shadow;       /* SHADOW_*: no interrupt may be injected */
    bool nmi_blocked;         /* between an NMI and its IRET */
    uint64_t dr[4];           /* loaded by generic code when dr7 enables a breakpoint */
    uint64_t dr6, dr7;

    /* What the next entry is to do. [o] */
    struct vcpu_event inject;    /* delivered first; see hv_ops.enter */
    bool want_irq_window;        /* exit when an interrupt could be injected */
    bool want_nmi_window;        /* exit when an NMI could be injected */
    uint64_t tsc_offset;         /* guest TSC = host TSC + offset */
    uint64_t entry_deadline_tsc; /* host TSC at which a preemption timer ends the slice */
};

/* Guest state by group: reads what is missing from the back end. */
static inline struct guest_state *vcpu_state(struct vcpu *vcpu, unsigned int groups)
{
    if ((vcpu->state_valid & groups) != groups) {
        vcpu->vm->ops->state_get(vcpu, groups & ~vcpu->state_valid);
        vcpu->state_valid |= groups;
    }
    return &vcpu->state;
}

/* The groups have been changed, after vcpu_state() on the same groups. */
static inline void vcpu_state_dirty(struct vcpu *vcpu, unsigned int groups)
{
    vcpu->state_dirty |= groups;
}
