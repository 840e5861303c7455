/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's registers as generic code, the back ends and the two entry stubs
 * share them. Self-contained, so that tests and offset generators can use it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t gpa_t; /* guest-physical address */
typedef uint64_t gva_t; /* guest-linear address */

#define BIT_U8(n) ((uint8_t)(1u << (n)))

enum gpr {
    GPR_RAX, GPR_RCX, GPR_RDX, GPR_RBX, GPR_RSP, GPR_RBP, GPR_RSI, GPR_RDI,
    GPR_R8, GPR_R9, GPR_R10, GPR_R11, GPR_R12, GPR_R13, GPR_R14, GPR_R15,
    GPR_COUNT
};

/* General registers in the hardware's encoding order. Always valid outside the guest. */
struct guest_regs {
    uint64_t gpr[GPR_COUNT];
    uint64_t rip;
    uint64_t rflags;
};

/*
 * A segment register with its hidden part; attr is the descriptor's: bits 0-7 are
 * descriptor bits 40-47 (type, S, DPL, P), bits 8-11 are 52-55 (AVL, L, D/B, G).
 */
struct guest_segment {
    uint16_t selector;
    uint16_t attr;
    uint32_t limit; /* in bytes, granularity applied */
    uint64_t base;
};

#define SEG_TYPE     0x000f
#define SEG_S        0x0010 /* code or data, not system */
#define SEG_DPL      0x0060
#define SEG_P        0x0080
#define SEG_AVL      0x0100
#define SEG_L        0x0200
#define SEG_DB       0x0400
#define SEG_G        0x0800
#define SEG_UNUSABLE 0x1000 /* as VT-x has it; SVM: the same as P = 0 */

enum segment_index { /* hardware encoding, then the system ones */
    SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_LDTR, SEG_TR,
    SEG_COUNT
};

struct guest_table {
    uint64_t base;
    uint32_t limit;
    uint32_t reserved;
};

/*
 * The rest of the guest's CPU state. Read a group through vcpu_state() first, mark
 * it with vcpu_state_dirty() after a change.
 */
struct guest_state {
    uint64_t cr0, cr2, cr3, cr4, efer;          /* STATE_CR: as the guest sees them */
    uint64_t pdptr[4];                          /* STATE_CR: only where PAE paging is on (VT-x) */
    struct guest_segment seg[SEG_COUNT];        /* STATE_CODE: CS and SS; STATE_SEG: all others */
    struct guest_table gdtr, idtr;              /* STATE_SEG */
};

#define STATE_CR   1u
#define STATE_CODE 2u
#define STATE_SEG  4u
#define STATE_ALL  7u

#define CR0_PE BIT_CR(0)
#define CR0_MP BIT_CR(1)
#define CR0_EM BIT_CR(2)
#define CR0_TS BIT_CR(3)
#define CR0_ET BIT_CR(4)
#define CR0_NE BIT_CR(5)
#define CR0_WP BIT_CR(16)
#define CR0_AM BIT_CR(18)
#define CR0_NW BIT_CR(29)
#define CR0_CD BIT_CR(30)
#define CR0_PG BIT_CR(31)

#define CR4_VME        BIT_CR(0)
#define CR4_PVI        BIT_CR(1)
#define CR4_TSD        BIT_CR(2)
#define CR4_DE         BIT_CR(3)
#define CR4_PSE        BIT_CR(4)
#define CR4_PAE        BIT_CR(5)
#define CR4_MCE        BIT_CR(6)
#define CR4_PGE        BIT_CR(7)
#define CR4_PCE        BIT_CR(8)
#define CR4_OSFXSR     BIT_CR(9)
#define CR4_OSXMMEXCPT BIT_CR(10)
#define CR4_UMIP       BIT_CR(11)
#define CR4_LA57       BIT_CR(12)
#define CR4_VMXE       BIT_CR(13)
#define CR4_FSGSBASE   BIT_CR(16)
#define CR4_PCIDE      BIT_CR(17)
#define CR4_OSXSAVE    BIT_CR(18)
#define CR4_SMEP       BIT_CR(20)
#define CR4_SMAP       BIT_CR(21)
#define CR4_PKE        BIT_CR(22)

#define BIT_CR(n) (1ULL << (n))

#define EFER_SCE   BIT_CR(0)
#define EFER_LME   BIT_CR(8)
#define EFER_LMA   BIT_CR(10)
#define EFER_NX    BIT_CR(11)
#define EFER_SVME  BIT_CR(12)
#define EFER_FFXSR BIT_CR(14)

#define DR6_BD BIT_CR(13) /* an access to a debug register, with DR7.GD */
#define DR6_BS BIT_CR(14) /* a single step */
#define DR7_GD BIT_CR(13) /* general detect; clear while a #DB is handled */

#define EFLAGS_CF    BIT_CR(0)
#define EFLAGS_FIXED BIT_CR(1)
#define EFLAGS_PF    BIT_CR(2)
#define EFLAGS_AF    BIT_CR(4)
#define EFLAGS_ZF    BIT_CR(6)
#define EFLAGS_SF    BIT_CR(7)
#define EFLAGS_TF    BIT_CR(8)
#define EFLAGS_IF    BIT_CR(9)
#define EFLAGS_DF    BIT_CR(10)
#define EFLAGS_OF    BIT_CR(11)
#define EFLAGS_RF    BIT_CR(16)
#define EFLAGS_VM    BIT_CR(17)
#define EFLAGS_AC    BIT_CR(18)
