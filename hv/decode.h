/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The instruction decoder: how long an intercepted instruction is, and what an
 * instruction that touched emulated memory or ports was going to do.
 *
 * It knows the length of every legacy instruction (one-byte, 0F, 0F38 and 0F3A
 * maps) and the operands of those in enum insn_op; VEX, EVEX and XOP encodings
 * are refused. Pure: no guest memory is touched here, the caller brings the bytes.
 */
#pragma once

#include "regs.h"

#define INSN_MAX 15

enum insn_op {
    INSN_OTHER, /* length known, operands not */
    /* In the order of the /reg field of opcodes 80-83, so that they can be computed. */
    INSN_ADD, INSN_OR, INSN_ADC, INSN_SBB, INSN_AND, INSN_SUB, INSN_XOR, INSN_CMP,
    INSN_TEST, INSN_NOT, INSN_NEG, INSN_INC, INSN_DEC,
    INSN_MOV, INSN_MOVZX, INSN_MOVSX, INSN_XCHG, INSN_XADD, INSN_CMPXCHG,
    INSN_BT, INSN_BTS, INSN_BTR, INSN_BTC,
    INSN_MOVS, INSN_CMPS, INSN_STOS, INSN_LODS, INSN_SCAS, INSN_INS, INSN_OUTS,
    INSN_IN, INSN_OUT,
    INSN_MOV_TO_CR, INSN_MOV_FROM_CR, INSN_MOV_TO_DR, INSN_MOV_FROM_DR,
    INSN_CLTS, INSN_LMSW, INSN_SMSW, INSN_INVLPG,
    INSN_CPUID, INSN_RDMSR, INSN_WRMSR, INSN_RDTSC, INSN_RDTSCP, INSN_RDPMC, INSN_HLT,
    INSN_INVD, INSN_WBINVD, INSN_XSETBV, INSN_HYPERCALL, INSN_MONITOR, INSN_MWAIT, INSN_PAUSE,
};

/* Where an operand is; insn->dst is written (or compared with), insn->src only read. */
enum insn_operand {
    OPND_NONE,
    OPND_RM,  /* memory, or the register insn->rm when insn->is_memory is false */
    OPND_REG, /* insn->reg: also the number of a control or debug register */
    OPND_ACC, /* AL, AX, EAX, RAX */
    OPND_IMM, /* insn->imm, sign-extended where the instruction does so */
};

struct insn {
    uint8_t len;
    uint8_t op;           /* enum insn_op */
    uint8_t dst, src;     /* enum insn_operand */
    uint8_t size;         /* of the (memory) operand: 1, 2, 4, 8 */
    uint8_t reg_size;     /* of the register operand, where it differs (MOVZX) */
    uint8_t address_size; /* 2, 4, 8 */
    uint8_t segment;      /* enum segment_index of the memory operand (of the source, in MOVS) */
    uint8_t reg, rm;      /* register numbers, REX applied */
    uint8_t base, index;  /* GPR_COUNT: none */
    uint8_t scale;        /* shift */
    bool is_memory;
    bool is_rip_relative;
    bool has_rex;         /* SPL..DIL instead of AH..BH */
    bool has_lock, has_rep, has_repne;
    int64_t displacement;
    uint64_t imm;
};

enum insn_mode {
    INSN_16 = 2,
    INSN_32 = 4,
    INSN_64 = 8,
};

/*
 * Decode the instruction at bytes[0..available). 0; -ENODATA when more bytes are
 * needed (a page boundary: fetch the next page and ask again), -EINVAL when this
 * is no instruction or one this decoder does not know.
 */
int insn_decode(const uint8_t *bytes, size_t available, enum insn_mode mode, struct insn *insn);

/* Offset of the memory operand in its segment; regs->rip is that of the instruction itself. */
uint64_t insn_offset(const struct insn *insn, const struct guest_regs *regs);

/* A register as an operand of size bytes; writing 4 bytes clears the upper half. */
uint64_t insn_reg_read(const struct guest_regs *regs, unsigned int reg, unsigned int size, bool has_rex);
void insn_reg_write(struct guest_regs *regs, unsigned int reg, unsigned int size, bool has_rex,
                    uint64_t value);

/* True if the instruction reads (writes) its memory operand. String instructions excepted. */
bool insn_reads_memory(const struct insn *insn);
bool insn_writes_memory(const struct insn *insn);

/*
 * Carry out an instruction whose memory operand has the value *memory: change
 * registers and flags, and *memory if it writes. False if it is not one of those
 * from INSN_ADD to INSN_BTC. rip is left alone.
 */
bool insn_execute(const struct insn *insn, struct guest_regs *regs, uint64_t *memory);

static inline uint64_t size_mask(unsigned int size)
{
    return size >= 8 ? UINT64_MAX : (1ULL << (size * 8)) - 1;
}
