/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals as user programs see them on x86-64: sigaltstack(2), sigreturn(2), sigevent(7). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SS_ONSTACK    1u
#define SS_DISABLE    2u
#define SS_AUTODISARM (1u << 31)
#define MINSIGSTKSZ   2048u

struct abi_stack {
    uint64_t sp;
    uint32_t flags;
    uint32_t pad;
    uint64_t size;
};
_Static_assert(sizeof(struct abi_stack) == 24, "stack_t ABI");

struct abi_sigcontext {
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp;
    uint64_t rip, rflags;
    uint16_t cs, gs, fs, ss;
    uint64_t err, trapno, oldmask, cr2;
    uint64_t fpstate; /* user address of the XSAVE image, or 0 */
    uint64_t reserved[8];
};
_Static_assert(sizeof(struct abi_sigcontext) == 256, "sigcontext ABI");

#define UC_FP_XSTATE         1u /* fpstate is an XSAVE image with its magic numbers */
#define UC_SIGCONTEXT_SS     2u /* ss is meaningful */
#define UC_STRICT_RESTORE_SS 4u

struct abi_ucontext {
    uint64_t flags;
    uint64_t link;
    struct abi_stack stack;
    struct abi_sigcontext mcontext;
    uint64_t sigmask;
};
_Static_assert(sizeof(struct abi_ucontext) == 304, "ucontext ABI");
_Static_assert(offsetof(struct abi_ucontext, mcontext) == 40, "ucontext ABI");

/* At the handler's stack pointer; sigreturn(2) finds it 8 bytes below its own. */
struct abi_rt_sigframe {
    uint64_t return_address; /* SA_RESTORER's code */
    struct abi_ucontext uc;
    uint8_t info[128]; /* siginfo_t */
};
_Static_assert(sizeof(struct abi_rt_sigframe) == 440, "rt_sigframe ABI");

enum { SIGEV_SIGNAL = 0, SIGEV_NONE = 1, SIGEV_THREAD = 2, SIGEV_THREAD_ID = 4 };

struct abi_sigevent {
    uint64_t value;
    int32_t signo;
    int32_t notify;
    int32_t tid;
    uint8_t pad[44];
};
_Static_assert(sizeof(struct abi_sigevent) == 64, "sigevent ABI");
