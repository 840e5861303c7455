/* SPDX-License-Identifier: BSD-2-Clause */
/* What the CPU's VT-x offers, and the control fields' values that follow from it. */
#pragma once

#include <kernel/types.h>

struct vmx_caps {
    uint32_t revision; /* first word of a VMXON region and of a VMCS */
    uint32_t pin, cpu, cpu2, exit,
        entry; /* control fields; cpu without windows, entry for 32-bit guests */
    uint64_t cr0_fixed0, cr0_fixed1; /* bits that must be 1, and that may be 1, in VMX operation */
    uint64_t cr4_fixed0, cr4_fixed1;
    unsigned int timer_shift; /* the preemption timer counts TSC >> this */
    bool has_invept_single, has_invvpid_single;
};
extern struct vmx_caps vmx_caps; /* [I] after vmx_caps_probe() */

/* 0, or -ENODEV with *why naming what is missing (NULL: there is no VT-x at all). */
int vmx_caps_probe(const char **why);
