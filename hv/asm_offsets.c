/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the entry stubs of the back ends need to know of C: see kernel/x86/asm_offsets.c.
 */
#include "regs.h"
#include "vmx/vmcs.h"
#include "vmx/world_switch.h"

#define DEFINE(name, value) __asm__ volatile("\n.ascii \"->" #name " %0\"" : : "i"(value))
#define REGISTER(name)      DEFINE(REGS_##name, offsetof(struct guest_regs, gpr[GPR_##name]))

void hv_asm_offsets(void);
void hv_asm_offsets(void)
{
    REGISTER(RAX);
    REGISTER(RCX);
    REGISTER(RDX);
    REGISTER(RBX);
    REGISTER(RSP);
    REGISTER(RBP);
    REGISTER(RSI);
    REGISTER(RDI);
    REGISTER(R8);
    REGISTER(R9);
    REGISTER(R10);
    REGISTER(R11);
    REGISTER(R12);
    REGISTER(R13);
    REGISTER(R14);
    REGISTER(R15);

    DEFINE(VMCS_HOST_RSP, VMCS_HOST_RSP);
    DEFINE(SWITCH_EXITED, VMX_EXITED);
    DEFINE(SWITCH_FAIL_INVALID, VMX_FAIL_INVALID);
    DEFINE(SWITCH_FAIL_VALID, VMX_FAIL_VALID);
}
