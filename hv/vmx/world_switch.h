/* SPDX-License-Identifier: BSD-2-Clause */
/* entry.asm, whose contracts are there. */
#pragma once

#include "../regs.h"

enum vmx_switch_result { VMX_EXITED, VMX_FAIL_INVALID, VMX_FAIL_VALID };
enum vmx_switch_result vmx_world_switch(struct guest_regs *regs, bool is_launched);
void vmx_exit_point(void); /* HOST_RIP: not to be called */
