/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What assembly needs to know of C: never linked, only compiled to text, from
 * which the Makefile makes build/asm_offsets.inc with a %define for each line.
 */
#include <kernel/proc.h>
#include <kernel/trap.h>
#include <kernel/x86/cpu.h>

#include "x86.h"

#define DEFINE(name, value)      __asm__ volatile("\n.ascii \"->" #name " %0\"" : : "i"(value))
#define OFFSET(name, type, field) DEFINE(name, offsetof(struct type, field))

void asm_offsets(void);
void asm_offsets(void)
{
    OFFSET(CPU_CURRENT, cpu, thread);
    OFFSET(CPU_USER_RSP, cpu, syscall_user_rsp);
    OFFSET(CPU_STACK_TOP, cpu, kernel_stack_top);
    OFFSET(CPU_FPU_OWNER, cpu, fpu_owner);

    OFFSET(THREAD_WORK, thread, work);
    DEFINE(WORK_BEFORE_USER, WORK_ON_RETURN);

    OFFSET(FRAME_RCX, trapframe, rcx);
    OFFSET(FRAME_R11, trapframe, r11);
    OFFSET(FRAME_RAX, trapframe, rax);
    OFFSET(FRAME_ORIG_RAX, trapframe, orig_rax);
    OFFSET(FRAME_RIP, trapframe, rip);
    OFFSET(FRAME_CS, trapframe, cs);
    OFFSET(FRAME_RFLAGS, trapframe, rflags);
    OFFSET(FRAME_RSP, trapframe, rsp);
    DEFINE(FRAME_SIZE, sizeof(struct trapframe));

    DEFINE(SEL_KERNEL_CS, KERNEL_CS);
    DEFINE(SEL_KERNEL_DS, KERNEL_DS);
    DEFINE(SEL_USER_CS, USER_CS);
    DEFINE(SEL_USER_DS, USER_DS);
    DEFINE(VECTOR_SYSCALL, TRAP_SYSCALL);
    DEFINE(RFLAGS_TF_RF, RFLAGS_TF | RFLAGS_RF);
    DEFINE(USER_ADDRESS_BITS, 47);
    DEFINE(MSR_GS_BASE, MSR_GS_BASE);

    OFFSET(BOOT_ENTROPY, boot_info, entropy);
    DEFINE(BOOT_STACK_SIZE, BOOT_STACK_SIZE);
    DEFINE(ERR_FAULT, -EFAULT);
}
