/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The instruction decoder; see decode.h. Two opcode tables say for each opcode what
 * follows it (ModRM, immediates) and, for the instructions that hv emulates, what it
 * does. Table rows read like the manual's opcode map.
 */
#include "decode.h"

#include "platform.h"

/* What follows the opcode. */
#define MODRM  0x0001
#define IMM8   0x0002
#define IMM16  0x0004
#define IMMZ   0x0008 /* 2 or 4 bytes, by operand size */
#define IMMV   0x0010 /* 2, 4 or 8 bytes: MOV reg, imm */
#define MOFFS  0x0020 /* an address of address size */
#define FARPTR 0x0040 /* 16:16 or 16:32 */
#define REL    0x0080 /* IMMZ, but 4 bytes in 64-bit mode whatever the prefixes */
#define BYTE   0x0100 /* operands of one byte */
#define NO64   0x0200 /* not in 64-bit mode */
#define BAD    0x0400 /* no such instruction, or a prefix already taken */
#define REGRM  0x0800 /* ModRM always names registers: MOV CR, MOV DR */

struct opcode {
    uint16_t flags;
    uint8_t op;
    uint8_t dst, src;
};

/* clang-format off */
static const struct opcode one_byte[256] = {
    /* 00-3F, the arithmetic rows: computed in arithmetic() */
    [0x06] = {.flags = NO64}, [0x07] = {.flags = NO64}, [0x0e] = {.flags = NO64}, [0x16] = {.flags = NO64}, [0x17] = {.flags = NO64},
    [0x1e] = {.flags = NO64}, [0x1f] = {.flags = NO64}, [0x27] = {.flags = NO64}, [0x2f] = {.flags = NO64}, [0x37] = {.flags = NO64}, [0x3f] = {.flags = NO64},
    /* 40-5F INC, DEC, PUSH, POP reg: nothing follows */
    [0x60 ... 0x61] = {.flags = NO64},
    [0x62] = {.flags = MODRM | NO64}, /* BOUND; EVEX is refused before */
    [0x63] = {.flags = MODRM}, /* MOVSXD, see decode_opcode(); ARPL */
    [0x68] = {.flags = IMMZ}, [0x69] = {.flags = MODRM | IMMZ}, [0x6a] = {.flags = IMM8}, [0x6b] = {.flags = MODRM | IMM8},
    [0x6c] = {BYTE, INSN_INS, 0, 0}, [0x6d] = {0, INSN_INS, 0, 0}, [0x6e] = {BYTE, INSN_OUTS, 0, 0}, [0x6f] = {0, INSN_OUTS, 0, 0},
    [0x70 ... 0x7f] = {.flags = IMM8},
    [0x80] = {.flags = MODRM | IMM8 | BYTE}, [0x81] = {.flags = MODRM | IMMZ}, [0x82] = {.flags = MODRM | IMM8 | BYTE | NO64},
    [0x83] = {.flags = MODRM | IMM8},
    [0x84] = {MODRM | BYTE, INSN_TEST, OPND_RM, OPND_REG}, [0x85] = {MODRM, INSN_TEST, OPND_RM, OPND_REG},
    [0x86] = {MODRM | BYTE, INSN_XCHG, OPND_RM, OPND_REG}, [0x87] = {MODRM, INSN_XCHG, OPND_RM, OPND_REG},
    [0x88] = {MODRM | BYTE, INSN_MOV, OPND_RM, OPND_REG}, [0x89] = {MODRM, INSN_MOV, OPND_RM, OPND_REG},
    [0x8a] = {MODRM | BYTE, INSN_MOV, OPND_REG, OPND_RM}, [0x8b] = {MODRM, INSN_MOV, OPND_REG, OPND_RM},
    [0x8c] = {.flags = MODRM}, [0x8d] = {.flags = MODRM}, [0x8e] = {.flags = MODRM}, [0x8f] = {.flags = MODRM},
    [0x9a] = {.flags = FARPTR | NO64},
    [0xa0] = {MOFFS | BYTE, INSN_MOV, OPND_ACC, OPND_RM}, [0xa1] = {MOFFS, INSN_MOV, OPND_ACC, OPND_RM},
    [0xa2] = {MOFFS | BYTE, INSN_MOV, OPND_RM, OPND_ACC}, [0xa3] = {MOFFS, INSN_MOV, OPND_RM, OPND_ACC},
    [0xa4] = {BYTE, INSN_MOVS, 0, 0}, [0xa5] = {0, INSN_MOVS, 0, 0}, [0xa6] = {BYTE, INSN_CMPS, 0, 0}, [0xa7] = {0, INSN_CMPS, 0, 0},
    [0xa8] = {.flags = IMM8}, [0xa9] = {.flags = IMMZ},
    [0xaa] = {BYTE, INSN_STOS, 0, 0}, [0xab] = {0, INSN_STOS, 0, 0}, [0xac] = {BYTE, INSN_LODS, 0, 0}, [0xad] = {0, INSN_LODS, 0, 0},
    [0xae] = {BYTE, INSN_SCAS, 0, 0}, [0xaf] = {0, INSN_SCAS, 0, 0},
    [0xb0 ... 0xb7] = {.flags = IMM8}, [0xb8 ... 0xbf] = {.flags = IMMV},
    [0xc0 ... 0xc1] = {.flags = MODRM | IMM8}, [0xc2] = {.flags = IMM16},
    [0xc4 ... 0xc5] = {.flags = MODRM | NO64}, /* LES, LDS; VEX is refused before */
    [0xc6] = {MODRM | IMM8 | BYTE, INSN_MOV, OPND_RM, OPND_IMM}, [0xc7] = {MODRM | IMMZ, INSN_MOV, OPND_RM, OPND_IMM},
    [0xc8] = {.flags = IMM16 | IMM8}, [0xca] = {.flags = IMM16}, [0xcd] = {.flags = IMM8}, [0xce] = {.flags = NO64},
    [0xd0 ... 0xd3] = {.flags = MODRM}, [0xd4 ... 0xd5] = {.flags = IMM8 | NO64}, [0xd6] = {.flags = BAD},
    [0xd8 ... 0xdf] = {.flags = MODRM},
    [0xe0 ... 0xe3] = {.flags = IMM8},
    [0xe4] = {IMM8 | BYTE, INSN_IN, 0, 0}, [0xe5] = {IMM8, INSN_IN, 0, 0}, [0xe6] = {IMM8 | BYTE, INSN_OUT, 0, 0}, [0xe7] = {IMM8, INSN_OUT, 0, 0},
    [0xe8 ... 0xe9] = {.flags = REL}, [0xea] = {.flags = FARPTR | NO64}, [0xeb] = {.flags = IMM8},
    [0xec] = {BYTE, INSN_IN, 0, 0}, [0xed] = {0, INSN_IN, 0, 0}, [0xee] = {BYTE, INSN_OUT, 0, 0}, [0xef] = {0, INSN_OUT, 0, 0},
    [0xf4] = {0, INSN_HLT, 0, 0},
    [0xf6] = {.flags = MODRM | BYTE}, [0xf7] = {.flags = MODRM},
    [0xfe] = {.flags = MODRM | BYTE}, [0xff] = {.flags = MODRM},
};

static const struct opcode two_byte[256] = {
    [0x00 ... 0x03] = {.flags = MODRM}, [0x04] = {.flags = BAD},
    [0x06] = {0, INSN_CLTS, 0, 0}, [0x08] = {0, INSN_INVD, 0, 0}, [0x09] = {0, INSN_WBINVD, 0, 0},
    [0x0a] = {.flags = BAD}, [0x0c] = {.flags = BAD}, [0x0d] = {.flags = MODRM}, [0x0f] = {.flags = MODRM | IMM8},
    [0x10 ... 0x1f] = {.flags = MODRM},
    [0x20] = {MODRM | REGRM, INSN_MOV_FROM_CR, OPND_RM, OPND_REG}, [0x21] = {MODRM | REGRM, INSN_MOV_FROM_DR, OPND_RM, OPND_REG},
    [0x22] = {MODRM | REGRM, INSN_MOV_TO_CR, OPND_REG, OPND_RM}, [0x23] = {MODRM | REGRM, INSN_MOV_TO_DR, OPND_REG, OPND_RM},
    [0x24 ... 0x27] = {.flags = BAD}, [0x28 ... 0x2f] = {.flags = MODRM},
    [0x30] = {0, INSN_WRMSR, 0, 0}, [0x31] = {0, INSN_RDTSC, 0, 0}, [0x32] = {0, INSN_RDMSR, 0, 0}, [0x33] = {0, INSN_RDPMC, 0, 0},
    [0x36] = {.flags = BAD}, [0x39] = {.flags = BAD}, [0x3b ... 0x3f] = {.flags = BAD},
    [0x40 ... 0x6f] = {.flags = MODRM},
    [0x70 ... 0x73] = {.flags = MODRM | IMM8}, [0x74 ... 0x76] = {.flags = MODRM}, [0x78 ... 0x79] = {.flags = MODRM},
    [0x7a ... 0x7b] = {.flags = BAD}, [0x7c ... 0x7f] = {.flags = MODRM},
    [0x80 ... 0x8f] = {.flags = REL}, [0x90 ... 0x9f] = {.flags = MODRM},
    [0xa2] = {0, INSN_CPUID, 0, 0}, [0xa3] = {MODRM, INSN_BT, OPND_RM, OPND_REG}, [0xa4] = {.flags = MODRM | IMM8}, [0xa5] = {.flags = MODRM},
    [0xa6 ... 0xa7] = {.flags = BAD},
    [0xab] = {MODRM, INSN_BTS, OPND_RM, OPND_REG}, [0xac] = {.flags = MODRM | IMM8}, [0xad ... 0xaf] = {.flags = MODRM},
    [0xb0] = {MODRM | BYTE, INSN_CMPXCHG, OPND_RM, OPND_REG}, [0xb1] = {MODRM, INSN_CMPXCHG, OPND_RM, OPND_REG},
    [0xb2] = {.flags = MODRM}, [0xb3] = {MODRM, INSN_BTR, OPND_RM, OPND_REG}, [0xb4 ... 0xb5] = {.flags = MODRM},
    [0xb6] = {MODRM | BYTE, INSN_MOVZX, OPND_REG, OPND_RM}, [0xb7] = {MODRM, INSN_MOVZX, OPND_REG, OPND_RM},
    [0xb8 ... 0xb9] = {.flags = MODRM}, [0xba] = {.flags = MODRM | IMM8},
    [0xbb] = {MODRM, INSN_BTC, OPND_RM, OPND_REG}, [0xbc ... 0xbd] = {.flags = MODRM},
    [0xbe] = {MODRM | BYTE, INSN_MOVSX, OPND_REG, OPND_RM}, [0xbf] = {MODRM, INSN_MOVSX, OPND_REG, OPND_RM},
    [0xc0] = {MODRM | BYTE, INSN_XADD, OPND_RM, OPND_REG}, [0xc1] = {MODRM, INSN_XADD, OPND_RM, OPND_REG},
    [0xc2] = {.flags = MODRM | IMM8}, [0xc3] = {MODRM, INSN_MOV, OPND_RM, OPND_REG} /* MOVNTI */,
    [0xc4 ... 0xc6] = {.flags = MODRM | IMM8}, [0xc7] = {.flags = MODRM},
    [0xd0 ... 0xfe] = {.flags = MODRM}, [0xff] = {.flags = BAD},
};
/* clang-format on */

/* The bytes as they are consumed. */
struct cursor {
    const uint8_t *bytes;
    size_t available;
    size_t used;
    bool ran_out; /* sticky: the bytes end before the instruction does */
};

static uint64_t take(struct cursor *cur, unsigned int size)
{
    uint64_t value = 0;

    if (cur->used + size > cur->available) {
        cur->ran_out = true;
        return 0;
    }
    for (unsigned int i = 0; i < size; i++)
        value |= (uint64_t)cur->bytes[cur->used + i] << (i * 8);
    cur->used += size;
    return value;
}

static int64_t sign_extend(uint64_t value, unsigned int size)
{
    switch (size) {
    case 1:
        return (int8_t)value;
    case 2:
        return (int16_t)value;
    case 4:
        return (int32_t)value;
    default:
        return (int64_t)value;
    }
}

static uint8_t operand_size(enum insn_mode mode, bool has_66, bool rex_w)
{
    if (mode == INSN_64)
        return rex_w ? 8 : has_66 ? 2 : 4;
    return (mode == INSN_16) != has_66 ? 2 : 4;
}

static uint8_t address_size(enum insn_mode mode, bool has_67)
{
    if (mode == INSN_64)
        return has_67 ? 4 : 8;
    return (mode == INSN_16) != has_67 ? 2 : 4;
}

struct prefixes {
    bool has_66, has_67;
    uint8_t rex;
    uint8_t segment; /* SEG_COUNT: none */
};

/* Legacy prefixes in any order, then REX: one not right before the opcode does not count. */
static uint8_t take_prefixes(struct cursor *cur, enum insn_mode mode, struct prefixes *pre,
                             struct insn *insn)
{
    for (;;) {
        uint8_t byte = (uint8_t)take(cur, 1);

        if (cur->ran_out)
            return 0;
        switch (byte) {
        case 0x66:
            pre->has_66 = true;
            break;
        case 0x67:
            pre->has_67 = true;
            break;
        case 0x26:
        case 0x2e:
        case 0x36:
        case 0x3e: /* ES, CS, SS, DS in encoding order; ignored in 64-bit mode */
            if (mode != INSN_64)
                pre->segment = (byte >> 3) & 3;
            break;
        case 0x64:
            pre->segment = SEG_FS;
            break;
        case 0x65:
            pre->segment = SEG_GS;
            break;
        case 0xf0:
            insn->has_lock = true;
            break;
        case 0xf2:
            insn->has_repne = true;
            insn->has_rep = false;
            break;
        case 0xf3:
            insn->has_rep = true;
            insn->has_repne = false;
            break;
        default:
            if (mode == INSN_64 && (byte & 0xf0) == 0x40) {
                pre->rex = byte;
                continue;
            }
            return byte;
        }
        pre->rex = 0;
    }
}

/* 00-3F: eight operations, each in six forms. */
static struct opcode arithmetic(uint8_t byte)
{
    static const struct opcode forms[6] = {
        {MODRM | BYTE, 0, OPND_RM, OPND_REG}, {MODRM, 0, OPND_RM, OPND_REG},
        {MODRM | BYTE, 0, OPND_REG, OPND_RM}, {MODRM, 0, OPND_REG, OPND_RM},
        {IMM8 | BYTE, 0, OPND_ACC, OPND_IMM}, {IMMZ, 0, OPND_ACC, OPND_IMM},
    };
    struct opcode opcode = forms[byte & 7];

    opcode.op = (uint8_t)(INSN_ADD + (byte >> 3));
    return opcode;
}

static void set_op(struct opcode *opcode, uint8_t op, uint8_t dst, uint8_t src)
{
    opcode->op = op;
    opcode->dst = dst;
    opcode->src = src;
}

/* Opcodes that ModRM's reg field extends. reg is that field, without REX. */
static void group(struct opcode *opcode, bool is_two_byte, uint8_t byte, uint8_t modrm)
{
    unsigned int reg = (modrm >> 3) & 7;

    if (is_two_byte) {
        if (byte == 0xba) {
            if (reg >= 4)
                set_op(opcode, (uint8_t)(INSN_BT + (reg - 4)), OPND_RM, OPND_IMM);
            else
                opcode->flags |= BAD;
        }
        return;
    }
    switch (byte) {
    case 0x80 ... 0x83:
        set_op(opcode, (uint8_t)(INSN_ADD + reg), OPND_RM, OPND_IMM);
        break;
    case 0x8f: /* reg != 0 is XOP */
    case 0xc6:
    case 0xc7: /* 0 is MOV; 7 with mod 3 is XABORT, XBEGIN; nothing else exists */
        if (reg != 0)
            opcode->flags |= BAD;
        break;
    case 0xf6:
    case 0xf7:
        if (reg <= 1) {
            opcode->flags |= byte == 0xf6 ? IMM8 : IMMZ;
            set_op(opcode, INSN_TEST, OPND_RM, OPND_IMM);
        } else if (reg <= 3) {
            set_op(opcode, reg == 2 ? INSN_NOT : INSN_NEG, OPND_RM, OPND_NONE);
        }
        break;
    case 0xfe:
    case 0xff:
        if (reg <= 1)
            set_op(opcode, reg == 0 ? INSN_INC : INSN_DEC, OPND_RM, OPND_NONE);
        else if (byte == 0xfe || reg == 7)
            opcode->flags |= BAD;
        break;
    default:
        break;
    }
}

/* 0F 01: descriptor tables and machine status with memory, all sorts without. */
static void group_0f01(struct opcode *opcode, uint8_t modrm)
{
    switch (modrm) {
    case 0xc1: /* VMCALL */
    case 0xd9: /* VMMCALL */
        opcode->op = INSN_HYPERCALL;
        return;
    case 0xc8:
        opcode->op = INSN_MONITOR;
        return;
    case 0xc9:
        opcode->op = INSN_MWAIT;
        return;
    case 0xd1:
        opcode->op = INSN_XSETBV;
        return;
    case 0xf9:
        opcode->op = INSN_RDTSCP;
        return;
    default:
        break;
    }
    switch ((modrm >> 3) & 7) {
    case 4:
        set_op(opcode, INSN_SMSW, OPND_RM, OPND_NONE);
        break;
    case 6:
        set_op(opcode, INSN_LMSW, OPND_NONE, OPND_RM);
        break;
    case 7:
        if (modrm < 0xc0)
            set_op(opcode, INSN_INVLPG, OPND_RM, OPND_NONE);
        break;
    default:
        break;
    }
}

/* 16-bit addressing: the eight base and index pairs. */
static void address_16(struct cursor *cur, struct insn *insn, unsigned int mod, unsigned int rm)
{
    static const uint8_t bases[8] = {GPR_RBX, GPR_RBX, GPR_RBP, GPR_RBP,
                                     GPR_RSI, GPR_RDI, GPR_RBP, GPR_RBX};
    static const uint8_t indices[4] = {GPR_RSI, GPR_RDI, GPR_RSI, GPR_RDI};
    unsigned int disp_size = mod;

    insn->base = bases[rm];
    if (rm < 4)
        insn->index = indices[rm];
    if (mod == 0 && rm == 6) {
        insn->base = GPR_COUNT;
        disp_size = 2;
    }
    if (disp_size != 0)
        insn->displacement = sign_extend(take(cur, disp_size), disp_size);
    if (insn->base == GPR_RBP)
        insn->segment = SEG_SS;
}

static void address_32(struct cursor *cur, struct insn *insn, unsigned int mod, unsigned int rm,
                       uint8_t rex, enum insn_mode mode)
{
    unsigned int disp_size = mod == 1 ? 1 : mod == 2 ? 4 : 0;

    if (rm == 4) { /* SIB */
        uint8_t sib = (uint8_t)take(cur, 1);

        insn->scale = sib >> 6;
        insn->index = (uint8_t)(((sib >> 3) & 7) | ((rex & 2) << 2));
        if (insn->index == GPR_RSP)
            insn->index = GPR_COUNT;
        insn->base = (uint8_t)((sib & 7) | ((rex & 1) << 3));
        if (mod == 0 && (sib & 7) == 5) {
            insn->base = GPR_COUNT;
            disp_size = 4;
        }
    } else if (mod == 0 && rm == 5) {
        disp_size = 4;
        insn->is_rip_relative = mode == INSN_64;
    } else {
        insn->base = (uint8_t)(rm | ((rex & 1) << 3));
    }
    if (disp_size != 0)
        insn->displacement = sign_extend(take(cur, disp_size), disp_size);
    if (insn->base == GPR_RSP || insn->base == GPR_RBP)
        insn->segment = SEG_SS;
}

static void take_modrm(struct cursor *cur, struct insn *insn, const struct opcode *opcode,
                       const struct prefixes *pre, enum insn_mode mode)
{
    uint8_t modrm = (uint8_t)take(cur, 1);
    unsigned int mod = modrm >> 6;
    unsigned int rm = modrm & 7;

    insn->reg = (uint8_t)(((modrm >> 3) & 7) | ((pre->rex & 4) << 1));
    insn->rm = (uint8_t)(rm | ((pre->rex & 1) << 3));
    if (mod == 3 || (opcode->flags & REGRM))
        return;
    insn->is_memory = true;
    insn->segment = SEG_DS;
    if (insn->address_size == 2)
        address_16(cur, insn, mod, rm);
    else
        address_32(cur, insn, mod, rm, pre->rex, mode);
}

static void take_immediates(struct cursor *cur, struct insn *insn, uint16_t flags,
                            uint8_t opsize, enum insn_mode mode)
{
    if (flags & MOFFS) {
        insn->is_memory = true;
        insn->segment = SEG_DS;
        insn->displacement = (int64_t)take(cur, insn->address_size);
    }
    if (flags & IMM16)
        (void)take(cur, 2); /* ENTER, RET: length only */
    if (flags & IMM8)
        insn->imm = (uint64_t)sign_extend(take(cur, 1), 1);
    if (flags & IMMZ) {
        unsigned int size = opsize == 2 ? 2 : 4;

        insn->imm = (uint64_t)sign_extend(take(cur, size), size);
    }
    if (flags & IMMV)
        insn->imm = take(cur, opsize);
    if (flags & FARPTR)
        (void)take(cur, opsize == 2 ? 4 : 6);
    if (flags & REL)
        (void)take(cur, mode == INSN_64 || opsize != 2 ? 4 : 2);
}

/* Operand sizes that the general rule does not give. */
static void fix_sizes(struct insn *insn, uint8_t opsize, enum insn_mode mode)
{
    insn->reg_size = insn->size;
    switch (insn->op) {
    case INSN_MOVZX:
    case INSN_MOVSX:
        insn->reg_size = opsize;
        break;
    case INSN_MOV_TO_CR:
    case INSN_MOV_FROM_CR:
    case INSN_MOV_TO_DR:
    case INSN_MOV_FROM_DR:
        insn->size = insn->reg_size = mode == INSN_64 ? 8 : 4;
        if (insn->has_lock && insn->reg == 0)
            insn->reg = 8; /* AMD: LOCK MOV CR0 is CR8 outside 64-bit mode */
        break;
    case INSN_LMSW:
        insn->size = 2;
        break;
    case INSN_SMSW:
        if (insn->is_memory)
            insn->size = 2;
        break;
    case INSN_IN:
    case INSN_OUT:
    case INSN_INS:
    case INSN_OUTS:
        if (insn->size == 8)
            insn->size = 4;
        break;
    default:
        break;
    }
}

/* The opcode's row, with ModRM's extensions applied. ModRM is only looked at here. */
static struct opcode find_opcode(struct cursor *cur, struct insn *insn, uint8_t byte,
                                 const struct prefixes *pre, enum insn_mode mode)
{
    struct opcode opcode;
    bool is_two_byte = byte == 0x0f;
    uint8_t modrm = 0;

    if (!is_two_byte) {
        opcode = byte < 0x40 && (byte & 7) < 6 ? arithmetic(byte) : one_byte[byte];
    } else {
        byte = (uint8_t)take(cur, 1);
        opcode = two_byte[byte];
        if (byte == 0x38 || byte == 0x3a) {
            opcode = (struct opcode){.flags = byte == 0x3a ? MODRM | IMM8 : MODRM};
            (void)take(cur, 1);
            return opcode;
        }
        if ((byte == 0x78 && (pre->has_66 || insn->has_repne))) /* EXTRQ, INSERTQ: two more */
            opcode.flags |= BAD;
    }
    if (cur->used < cur->available)
        modrm = cur->bytes[cur->used];
    else if (opcode.flags & MODRM)
        cur->ran_out = true;

    if (is_two_byte && byte == 0x01)
        group_0f01(&opcode, modrm);
    else if (opcode.flags & MODRM)
        group(&opcode, is_two_byte, byte, modrm);

    if (!is_two_byte && byte == 0x63 && mode == INSN_64)
        set_op(&opcode, INSN_MOVSX, OPND_REG, OPND_RM);
    if (!is_two_byte && byte == 0x90 && insn->has_rep && !(pre->rex & 1))
        opcode.op = INSN_PAUSE;
    /* Outside 64-bit mode these are VEX and EVEX when ModRM would name a register. */
    if (!is_two_byte && (byte == 0xc4 || byte == 0xc5 || byte == 0x62) && modrm >= 0xc0)
        opcode.flags |= BAD;
    if ((opcode.flags & NO64) && mode == INSN_64)
        opcode.flags |= BAD;
    if (!is_two_byte && byte == 0x63 && opcode.op == INSN_MOVSX)
        insn->size = 4; /* its source is 32 bits wide; see insn_decode() */
    return opcode;
}

int insn_decode(const uint8_t *bytes, size_t available, enum insn_mode mode, struct insn *insn)
{
    struct cursor cur = {.bytes = bytes, .available = available < INSN_MAX ? available : INSN_MAX};
    struct prefixes pre = {.segment = SEG_COUNT};
    struct opcode opcode = {0};
    uint8_t opsize, byte;

    *insn = (struct insn){.base = GPR_COUNT, .index = GPR_COUNT, .segment = SEG_DS};
    byte = take_prefixes(&cur, mode, &pre, insn);
    if (!cur.ran_out)
        opcode = find_opcode(&cur, insn, byte, &pre, mode);

    opsize = operand_size(mode, pre.has_66, pre.rex & 8);
    insn->address_size = address_size(mode, pre.has_67);
    insn->has_rex = pre.rex != 0;
    insn->op = opcode.op;
    insn->dst = opcode.dst;
    insn->src = opcode.src;
    if (opcode.flags & BAD)
        return -EINVAL;

    if (opcode.flags & MODRM)
        take_modrm(&cur, insn, &opcode, &pre, mode);
    take_immediates(&cur, insn, opcode.flags, opsize, mode);
    if (cur.ran_out)
        return available < INSN_MAX ? -ENODATA : -EINVAL;

    if (opcode.flags & BYTE)
        insn->size = 1;
    else if (insn->op == INSN_MOVZX || (insn->op == INSN_MOVSX && insn->size == 0))
        insn->size = 2;
    else if (insn->size == 0)
        insn->size = opsize;
    fix_sizes(insn, opsize, mode);
    if (pre.segment != SEG_COUNT)
        insn->segment = pre.segment;
    insn->len = (uint8_t)cur.used;
    return 0;
}

uint64_t insn_offset(const struct insn *insn, const struct guest_regs *regs)
{
    uint64_t offset = (uint64_t)insn->displacement;

    if (insn->base != GPR_COUNT)
        offset += regs->gpr[insn->base];
    if (insn->index != GPR_COUNT)
        offset += regs->gpr[insn->index] << insn->scale;
    if (insn->is_rip_relative)
        offset += regs->rip + insn->len;
    return offset & size_mask(insn->address_size);
}
