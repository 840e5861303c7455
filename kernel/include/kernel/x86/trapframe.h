/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every entry from user mode leaves at the top of the thread's kernel
 * stack, whether by system call, exception or interrupt. Exceptions and
 * interrupts in kernel mode push one too, wherever the stack then is.
 */
#pragma once

#include <kernel/types.h>

struct trapframe {
    uint64_t r15, r14, r13, r12, rbp, rbx;
    uint64_t r11, r10, r9, r8;
    uint64_t rax, rcx, rdx, rsi, rdi;
    uint64_t orig_rax; /* system-call number, or -1: not in a system call (no restart) */
    uint64_t vector;   /* TRAP_SYSCALL for a system call */
    uint64_t error_code;
    /* pushed by the CPU */
    uint64_t rip, cs, rflags, rsp, ss;
};

#define TRAP_SYSCALL 0x100

#define KERNEL_CS 0x08
#define KERNEL_DS 0x10
#define USER_DS   0x1b /* order is what SYSRET wants: user data before user code */
#define USER_CS   0x23
#define TSS_SEL   0x28

#define RFLAGS_FIXED     0x00000002ULL
#define RFLAGS_TF        0x00000100ULL
#define RFLAGS_DF        0x00000400ULL
#define RFLAGS_RF        0x00010000ULL
#define RFLAGS_USER_MASK 0x00050dd5ULL /* CF PF AF ZF SF TF DF OF RF AC: what sigreturn may set */

static inline bool trapframe_is_user(const struct trapframe *f)
{
    return (f->cs & 3) == 3;
}

static inline bool trapframe_in_syscall(const struct trapframe *f)
{
    return f->orig_rax != (uint64_t)-1;
}
