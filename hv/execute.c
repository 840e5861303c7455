/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Carrying out a decoded instruction whose memory operand is emulated: pure
 * arithmetic on the guest's registers and one value. Whoever calls it has read
 * the operand, and writes it back afterwards.
 */
#include "decode.h"

#define EFLAGS_ARITHMETIC (EFLAGS_CF | EFLAGS_PF | EFLAGS_AF | EFLAGS_ZF | EFLAGS_SF | EFLAGS_OF)

uint64_t insn_reg_read(const struct guest_regs *regs, unsigned int reg, unsigned int size, bool has_rex)
{
    if (size == 1 && !has_rex && reg >= 4)
        return (regs->gpr[reg - 4] >> 8) & 0xff; /* AH, CH, DH, BH */
    return regs->gpr[reg] & size_mask(size);
}

void insn_reg_write(struct guest_regs *regs, unsigned int reg, unsigned int size, bool has_rex,
                    uint64_t value)
{
    uint64_t mask = size_mask(size);

    if (size == 1 && !has_rex && reg >= 4)
        regs->gpr[reg - 4] = (regs->gpr[reg - 4] & ~0xff00ULL) | (value & 0xff) << 8;
    else if (size >= 4)
        regs->gpr[reg] = value & mask;
    else
        regs->gpr[reg] = (regs->gpr[reg] & ~mask) | (value & mask);
}

bool insn_reads_memory(const struct insn *insn)
{
    if (!insn->is_memory)
        return false;
    return !(insn->op == INSN_MOV && insn->dst == OPND_RM);
}

bool insn_writes_memory(const struct insn *insn)
{
    if (!insn->is_memory || insn->dst != OPND_RM)
        return insn->is_memory && insn->op == INSN_XCHG;
    return insn->op != INSN_CMP && insn->op != INSN_TEST && insn->op != INSN_BT;
}

static uint64_t sign_bit(unsigned int size)
{
    return 1ULL << (size * 8 - 1);
}

/* ZF, SF and PF of a result, which is masked to its size. */
static uint64_t result_flags(uint64_t result, unsigned int size)
{
    uint64_t flags = 0;

    if (result == 0)
        flags |= EFLAGS_ZF;
    if (result & sign_bit(size))
        flags |= EFLAGS_SF;
    if (__builtin_parity((unsigned int)(result & 0xff)) == 0)
        flags |= EFLAGS_PF;
    return flags;
}

static uint64_t add_flags(uint64_t a, uint64_t b, uint64_t carry, uint64_t *out, unsigned int size)
{
    uint64_t mask = size_mask(size);
    uint64_t result = (a + b + carry) & mask;
    uint64_t flags = result_flags(result, size);

    if (result < a || (carry && result == a))
        flags |= EFLAGS_CF;
    if ((a ^ result) & (b ^ result) & sign_bit(size))
        flags |= EFLAGS_OF;
    flags |= (a ^ b ^ result) & EFLAGS_AF;
    *out = result;
    return flags;
}

static uint64_t sub_flags(uint64_t a, uint64_t b, uint64_t borrow, uint64_t *out, unsigned int size)
{
    uint64_t mask = size_mask(size);
    uint64_t result = (a - b - borrow) & mask;
    uint64_t flags = result_flags(result, size);

    if (a < b || (borrow && a == b))
        flags |= EFLAGS_CF;
    if ((a ^ b) & (a ^ result) & sign_bit(size))
        flags |= EFLAGS_OF;
    flags |= (a ^ b ^ result) & EFLAGS_AF;
    *out = result;
    return flags;
}

/* Two operands, the first is written unless the operation only compares. */
static uint64_t compute(enum insn_op op, uint64_t a, uint64_t b, unsigned int size, uint64_t *flags)
{
    uint64_t carry = *flags & EFLAGS_CF;
    uint64_t result = a, ignored;

    switch (op) {
    case INSN_ADC:
    case INSN_ADD:
        *flags = add_flags(a, b, op == INSN_ADC ? carry : 0, &result, size);
        break;
    case INSN_SBB:
    case INSN_SUB:
        *flags = sub_flags(a, b, op == INSN_SBB ? carry : 0, &result, size);
        break;
    case INSN_CMP:
        *flags = sub_flags(a, b, 0, &ignored, size);
        break;
    case INSN_OR:
        *flags = result_flags(result = a | b, size);
        break;
    case INSN_AND:
        *flags = result_flags(result = a & b, size);
        break;
    case INSN_XOR:
        *flags = result_flags(result = a ^ b, size);
        break;
    case INSN_TEST:
        *flags = result_flags(a & b, size);
        break;
    case INSN_NEG:
        *flags = sub_flags(0, a, 0, &result, size);
        break;
    case INSN_INC:
        *flags = (add_flags(a, 1, 0, &result, size) & ~EFLAGS_CF) | carry;
        break;
    case INSN_DEC:
        *flags = (sub_flags(a, 1, 0, &result, size) & ~EFLAGS_CF) | carry;
        break;
    default:
        break;
    }
    return result;
}

static uint64_t bit_operation(enum insn_op op, uint64_t value, uint64_t bit, uint64_t *flags)
{
    *flags = (*flags & ~EFLAGS_CF) | ((value >> bit) & 1 ? EFLAGS_CF : 0);
    switch (op) {
    case INSN_BTS:
        return value | 1ULL << bit;
    case INSN_BTR:
        return value & ~(1ULL << bit);
    case INSN_BTC:
        return value ^ 1ULL << bit;
    default:
        return value;
    }
}

static uint64_t extend(const struct insn *insn, uint64_t value)
{
    uint64_t sign = sign_bit(insn->size);

    if (insn->op == INSN_MOVSX)
        value = (value ^ sign) - sign;
    return value & size_mask(insn->reg_size);
}

/* An operand's value; memory when it is the memory operand. */
static uint64_t operand_read(const struct insn *insn, const struct guest_regs *regs,
                             enum insn_operand operand, uint64_t memory)
{
    switch (operand) {
    case OPND_RM:
        if (insn->is_memory)
            return memory & size_mask(insn->size);
        return insn_reg_read(regs, insn->rm, insn->size, insn->has_rex);
    case OPND_REG:
        return insn_reg_read(regs, insn->reg, insn->reg_size, insn->has_rex);
    case OPND_ACC:
        return insn_reg_read(regs, GPR_RAX, insn->size, true);
    case OPND_IMM:
        return insn->imm & size_mask(insn->size);
    default:
        return 0;
    }
}

static void operand_write(const struct insn *insn, struct guest_regs *regs, enum insn_operand operand,
                          uint64_t *memory, uint64_t value)
{
    switch (operand) {
    case OPND_RM:
        if (insn->is_memory)
            *memory = value & size_mask(insn->size);
        else
            insn_reg_write(regs, insn->rm, insn->size, insn->has_rex, value);
        break;
    case OPND_REG:
        insn_reg_write(regs, insn->reg, insn->reg_size, insn->has_rex, value);
        break;
    case OPND_ACC:
        insn_reg_write(regs, GPR_RAX, insn->size, true, value);
        break;
    default:
        break;
    }
}

static void set_flags(struct guest_regs *regs, uint64_t flags)
{
    regs->rflags = (regs->rflags & ~EFLAGS_ARITHMETIC) | (flags & EFLAGS_ARITHMETIC);
}

bool insn_execute(const struct insn *insn, struct guest_regs *regs, uint64_t *memory)
{
    enum insn_op op = insn->op;
    uint64_t a = operand_read(insn, regs, insn->dst, *memory);
    uint64_t b = operand_read(insn, regs, insn->src, *memory);
    uint64_t flags = regs->rflags;
    uint64_t result;

    switch (op) {
    case INSN_ADD ... INSN_DEC:
        result = compute(op, a, b, insn->size, &flags);
        if (op != INSN_NOT)
            set_flags(regs, flags);
        else
            result = ~a;
        if (op != INSN_CMP && op != INSN_TEST)
            operand_write(insn, regs, insn->dst, memory, result);
        return true;
    case INSN_MOV:
        operand_write(insn, regs, insn->dst, memory, b);
        return true;
    case INSN_MOVZX:
    case INSN_MOVSX:
        operand_write(insn, regs, insn->dst, memory, extend(insn, b));
        return true;
    case INSN_XCHG:
        operand_write(insn, regs, insn->src, memory, a);
        operand_write(insn, regs, insn->dst, memory, b);
        return true;
    case INSN_XADD:
        set_flags(regs, add_flags(a, b, 0, &result, insn->size));
        operand_write(insn, regs, insn->src, memory, a);
        operand_write(insn, regs, insn->dst, memory, result);
        return true;
    case INSN_CMPXCHG:
        set_flags(regs, sub_flags(insn_reg_read(regs, GPR_RAX, insn->size, true), a, 0, &result,
                                  insn->size));
        if (result == 0)
            operand_write(insn, regs, insn->dst, memory, b);
        else
            insn_reg_write(regs, GPR_RAX, insn->size, true, a);
        return true;
    case INSN_BT ... INSN_BTC:
        result = bit_operation(op, a, b & (insn->size * 8 - 1), &flags);
        set_flags(regs, flags);
        if (op != INSN_BT)
            operand_write(insn, regs, insn->dst, memory, result);
        return true;
    default:
        return false;
    }
}
