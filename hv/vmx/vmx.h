/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of hv/vmx. */
#pragma once

#include "../msr.h"
#include "../vm.h"

#include "vmcs.h"
#include "world_switch.h"

/* STAR, LSTAR, CSTAR, SFMASK, KERNEL_GS_BASE: not switched by the CPU, but by load() and put(). */
#define SWITCHED_MSRS 5

/* A vCPU's; vcpu->backend. Protection as in struct vcpu, [o]. */
struct vmx_vcpu {
    struct page *vmcs;     /* [I] */
    uint16_t vpid;         /* [I] */
    bool is_launched;      /* VMRESUME, not VMLAUNCH */
    uint32_t cpu_controls; /* as they are in the VMCS; so the following */
    uint32_t entry_controls;
    uint32_t interruptibility;
    uint64_t tsc_offset, dr7;
    uint64_t msrs[SWITCHED_MSRS]; /* the guest's, while not loaded */
};

/* ---- instructions that work on the current VMCS; they cannot fail where vmx.c uses them ---- */

void vmx_instruction_failed(const char *what) __noreturn;

static inline uint64_t vmcs_read(enum vmcs_field field)
{
    uint64_t value;
    bool failed;

    __asm__ volatile("vmread %2, %0"
                     : "=r"(value), "=@ccbe"(failed)
                     : "r"((uint64_t)field)
                     : "memory");
    if (unlikely(failed))
        vmx_instruction_failed("VMREAD");
    return value;
}

static inline uint32_t vmcs_read32(enum vmcs_field field)
{
    return (uint32_t)vmcs_read(field);
}

static inline void vmcs_write(enum vmcs_field field, uint64_t value)
{
    bool failed;

    __asm__ volatile("vmwrite %2, %1"
                     : "=@ccbe"(failed)
                     : "r"((uint64_t)field), "r"(value)
                     : "memory");
    if (unlikely(failed))
        vmx_instruction_failed("VMWRITE");
}

/* ---- exit.c ---- */

/* After a world switch that ended with an exit: what it was, and the interrupted event. */
void vmx_decode_exit(struct vcpu *vcpu, struct vm_exit *vmexit);
/* The entry's interruption information for vcpu->inject. */
void vmx_write_event(const struct vcpu *vcpu);
