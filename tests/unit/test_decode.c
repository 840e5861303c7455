/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The instruction decoder against capstone over random instructions, and the
 * arithmetic against the build host's CPU.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>
#include <capstone/capstone.h>

#include "hv/decode.h"
#include "tests/unit/xorshift.h"

#define ROUNDS 400000

static uint64_t rng = 88172645463325252ULL;

static uint64_t next_random(void)
{
    return xorshift64(&rng);
}

/* A few prefixes, then an opcode, then noise. */
static void random_instruction(uint8_t bytes[INSN_MAX], enum insn_mode mode)
{
    static const uint8_t prefixes[] = {0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65};
    unsigned int n = 0;

    for (unsigned int i = 0; i < INSN_MAX; i++)
        bytes[i] = (uint8_t)(next_random() >> 16);
    while (n < 3 && next_random() % 3 == 0)
        bytes[n++] = prefixes[next_random() % sizeof(prefixes)];
    if (mode == INSN_64 && next_random() % 3 == 0)
        bytes[n++] = 0x40 | (next_random() & 15);
    if (next_random() % 3 == 0)
        bytes[n++] = 0x0f;
}

/* Names of the operations whose operands the decoder must know. */
static const struct {
    const char *name;
    enum insn_op op;
} operations[] = {
    {"add", INSN_ADD}, {"or", INSN_OR}, {"adc", INSN_ADC}, {"sbb", INSN_SBB}, {"and", INSN_AND},
    {"sub", INSN_SUB}, {"xor", INSN_XOR}, {"cmp", INSN_CMP}, {"test", INSN_TEST}, {"not", INSN_NOT},
    {"neg", INSN_NEG}, {"inc", INSN_INC}, {"dec", INSN_DEC}, {"mov", INSN_MOV}, {"movabs", INSN_MOV},
    {"movzx", INSN_MOVZX}, {"movsx", INSN_MOVSX}, {"movsxd", INSN_MOVSX}, {"xchg", INSN_XCHG},
    {"xadd", INSN_XADD}, {"cmpxchg", INSN_CMPXCHG}, {"bt", INSN_BT}, {"bts", INSN_BTS},
    {"btr", INSN_BTR}, {"btc", INSN_BTC}, {"movnti", INSN_MOV},
    {"stosb", INSN_STOS}, {"stosd", INSN_STOS}, {"stosq", INSN_STOS}, {"stosw", INSN_STOS},
    {"insb", INSN_INS}, {"insw", INSN_INS}, {"insd", INSN_INS},
    {"outsb", INSN_OUTS}, {"outsw", INSN_OUTS}, {"outsd", INSN_OUTS},
    {"in", INSN_IN}, {"out", INSN_OUT}, {"clts", INSN_CLTS}, {"lmsw", INSN_LMSW}, {"smsw", INSN_SMSW},
    {"invlpg", INSN_INVLPG}, {"cpuid", INSN_CPUID}, {"rdmsr", INSN_RDMSR}, {"wrmsr", INSN_WRMSR},
    {"rdtsc", INSN_RDTSC}, {"rdtscp", INSN_RDTSCP}, {"rdpmc", INSN_RDPMC}, {"hlt", INSN_HLT},
    {"invd", INSN_INVD}, {"wbinvd", INSN_WBINVD}, {"xsetbv", INSN_XSETBV}, {"vmcall", INSN_HYPERCALL},
    {"vmmcall", INSN_HYPERCALL}, {"monitor", INSN_MONITOR}, {"mwait", INSN_MWAIT},
};

static int expected_op(const char *mnemonic)
{
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        if (strcmp(mnemonic, operations[i].name) == 0)
            return (int)operations[i].op;
    }
    return -1;
}

static int gpr_number(csh handle, unsigned int reg)
{
    static const char *const names[3][GPR_COUNT] = {
        {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
         "r14", "r15"},
        {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "r8d", "r9d", "r10d", "r11d", "r12d",
         "r13d", "r14d", "r15d"},
        {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di", "", "", "", "", "", "", "", ""},
    };
    const char *name = cs_reg_name(handle, reg);

    for (int size = 0; size < 3; size++) {
        for (int i = 0; i < GPR_COUNT; i++) {
            if (name != NULL && strcmp(names[size][i], name) == 0)
                return i;
        }
    }
    return GPR_COUNT;
}

/*
 * Where capstone 4 is wrong (the operand size of RET and PUSH imm under redundant
 * prefixes, UD1 without its ModRM) and an encoding of EXTRQ that does not exist.
 */
static bool is_distrusted(const char *mnemonic)
{
    static const char *const names[] = {"ud2b", "ret", "push", "extrq", "insertq"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(mnemonic, names[i]) == 0)
            return true;
    }
    return false;
}

static bool is_relative_branch(const uint8_t *bytes)
{
    while (*bytes == 0x66 || *bytes == 0x67 || *bytes == 0xf0 || (*bytes & 0xfe) == 0xf2 ||
           (*bytes & 0xe7) == 0x26 || (*bytes & 0xfe) == 0x64 || (*bytes & 0xf0) == 0x40)
        bytes++;
    return (*bytes & 0xfe) == 0xe8 || (bytes[0] == 0x0f && (bytes[1] & 0xf0) == 0x80);
}

static void check_memory(csh handle, const cs_insn *cs, const struct insn *insn)
{
    const cs_x86 *x86 = &cs->detail->x86;

    if (insn->op >= INSN_MOVS && insn->op <= INSN_OUT)
        return; /* addresses are implied */
    for (int i = 0; i < x86->op_count; i++) {
        const cs_x86_op *op = &x86->operands[i];

        if (op->type != X86_OP_MEM)
            continue;
        assert_true(insn->is_memory);
        if (insn->op != INSN_INVLPG && insn->op != INSN_LMSW && insn->op != INSN_SMSW)
            assert_int_equal(insn->size, op->size);
        assert_int_equal(insn->is_rip_relative,
                         op->mem.base == X86_REG_RIP || op->mem.base == X86_REG_EIP);
        if (!insn->is_rip_relative) {
            assert_int_equal(insn->base, gpr_number(handle, op->mem.base));
        }
        assert_int_equal(insn->index, gpr_number(handle, op->mem.index));
        if (insn->index != GPR_COUNT)
            assert_int_equal(1 << insn->scale, op->mem.scale);
        assert_int_equal((uint64_t)insn->displacement & size_mask(insn->address_size),
                         (uint64_t)op->mem.disp & size_mask(insn->address_size));
        return;
    }
}

static void check_mode(enum insn_mode mode, cs_mode cs_mode)
{
    unsigned int both = 0, refused = 0;
    cs_insn *cs;
    csh handle;

    assert_int_equal(cs_open(CS_ARCH_X86, cs_mode, &handle), CS_ERR_OK);
    cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON);
    cs = cs_malloc(handle);
    for (unsigned int i = 0; i < ROUNDS; i++) {
        uint8_t bytes[INSN_MAX];
        const uint8_t *code = bytes;
        size_t size = sizeof(bytes);
        uint64_t address = 0;
        struct insn insn;
        int err, expected;

        random_instruction(bytes, mode);
        if (!cs_disasm_iter(handle, &code, &size, &address, cs))
            continue;
        expected = expected_op(cs->mnemonic);
        /* The far and segment-register forms share the name "mov"; so do those of test registers. */
        if (strstr(cs->op_str, "tr") != NULL)
            continue;
        err = insn_decode(bytes, sizeof(bytes), mode, &insn);
        if (err != 0) {
            refused++;
            if (expected >= 0 && expected != INSN_MOV)
                fail_msg("refused: %s %s", cs->mnemonic, cs->op_str);
            continue;
        }
        both++;
        if (is_distrusted(cs->mnemonic) || is_relative_branch(bytes))
            continue; /* branches: the vendors differ on the 66 prefix in 64-bit mode */
        if (insn.len != cs->size)
            fail_msg("length %u, not %u, mode %u: %02x %02x %02x %02x %02x %02x %s %s", insn.len,
                     cs->size, mode, bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5],
                     cs->mnemonic, cs->op_str);
        if (insn.op != INSN_OTHER && insn.op != INSN_PAUSE && expected >= 0) {
            if ((int)insn.op != expected && !(expected == INSN_MOV && insn.op >= INSN_MOV_TO_CR &&
                                              insn.op <= INSN_MOV_FROM_DR))
                fail_msg("%s %s is operation %u", cs->mnemonic, cs->op_str, insn.op);
            check_memory(handle, cs, &insn);
        }
        /* Every shorter prefix asks for more. */
        for (size_t n = 0; n < insn.len; n++)
            assert_int_equal(insn_decode(bytes, n, mode, &insn), -ENODATA);
        assert_int_equal(insn_decode(bytes, cs->size, mode, &insn), 0);
    }
    cs_free(cs, 1);
    cs_close(&handle);
    assert_true(both > ROUNDS / 3);
    print_message("mode %u: %u compared, %u refused\n", mode, both, refused);
}

static void test_16(void **state)
{
    (void)state;
    check_mode(INSN_16, CS_MODE_16);
}

static void test_32(void **state)
{
    (void)state;
    check_mode(INSN_32, CS_MODE_32);
}

static void test_64(void **state)
{
    (void)state;
    check_mode(INSN_64, CS_MODE_64);
}

/* Fixed bytes whose fields matter to the callers. */
static void test_fields(void **state)
{
    struct guest_regs regs = {.rip = 0x1000};
    struct insn insn;

    (void)state;
    regs.gpr[GPR_RBX] = 0x2000;
    regs.gpr[GPR_RSI] = 0x30;

    assert_int_equal(insn_decode((const uint8_t[]){0x0f, 0x22, 0xd8}, 3, INSN_64, &insn), 0);
    assert_int_equal(insn.op, INSN_MOV_TO_CR);
    assert_int_equal(insn.reg, 3);
    assert_int_equal(insn.rm, GPR_RAX);

    /* MOV CR ignores mod: no displacement follows. */
    assert_int_equal(insn_decode((const uint8_t[]){0x0f, 0x20, 0x05}, 3, INSN_32, &insn), 0);
    assert_int_equal(insn.len, 3);
    assert_false(insn.is_memory);

    /* mov eax, [rip + 0x10] */
    assert_int_equal(insn_decode((const uint8_t[]){0x8b, 0x05, 0x10, 0, 0, 0}, 6, INSN_64, &insn), 0);
    assert_int_equal(insn_offset(&insn, &regs), 0x1016);

    /* mov byte [bx+si-1], 5 in 16-bit code */
    assert_int_equal(insn_decode((const uint8_t[]){0xc6, 0x40, 0xff, 5}, 4, INSN_16, &insn), 0);
    assert_int_equal(insn_offset(&insn, &regs), 0x202f);
    assert_int_equal(insn.segment, SEG_DS);
    assert_int_equal(insn.imm, 5);

    /* mov ax, [bp] uses the stack segment; an override wins */
    assert_int_equal(insn_decode((const uint8_t[]){0x8b, 0x46, 0}, 3, INSN_16, &insn), 0);
    assert_int_equal(insn.segment, SEG_SS);
    assert_int_equal(insn_decode((const uint8_t[]){0x26, 0x8b, 0x46, 0}, 4, INSN_16, &insn), 0);
    assert_int_equal(insn.segment, SEG_ES);

    /* 15 bytes without an end are no instruction, not a request for more */
    uint8_t prefixes[INSN_MAX];
    memset(prefixes, 0x66, sizeof(prefixes));
    assert_int_equal(insn_decode(prefixes, sizeof(prefixes), INSN_64, &insn), -EINVAL);
}

#define HOST_OP(name, sz, reg)                                                                         \
    static void host_##name##sz(uint64_t *a, uint64_t b, uint64_t *flags)                              \
    {                                                                                                  \
        __asm__ volatile("push %1; popf; " #name " %" reg "2, %" reg "0; pushf; pop %1"                \
                         : "+r"(*a), "+r"(*flags)                                                      \
                         : "r"(b)                                                                      \
                         : "cc", "memory");                                                            \
    }
#define HOST_OPS(name) HOST_OP(name, 1, "b") HOST_OP(name, 2, "w") HOST_OP(name, 4, "k") HOST_OP(name, 8, "q")
HOST_OPS(add)
HOST_OPS(or)
HOST_OPS(adc)
HOST_OPS(sbb)
HOST_OPS(and)
HOST_OPS(sub)
HOST_OPS(xor)
HOST_OPS(cmp)
HOST_OPS(test)

static const struct {
    enum insn_op op;
    unsigned int size;
    void (*fn)(uint64_t *a, uint64_t b, uint64_t *flags);
} host_ops[] = {
#define ROWS(NAME, name) {INSN_##NAME, 1, host_##name##1}, {INSN_##NAME, 2, host_##name##2},           \
                         {INSN_##NAME, 4, host_##name##4}, {INSN_##NAME, 8, host_##name##8}
    ROWS(ADD, add), ROWS(OR, or), ROWS(ADC, adc), ROWS(SBB, sbb), ROWS(AND, and),
    ROWS(SUB, sub), ROWS(XOR, xor), ROWS(CMP, cmp), ROWS(TEST, test),
};

#define FLAGS 0x8d5ULL
#define NO_AF 0x8c5ULL

static void test_arithmetic(void **state)
{
    (void)state;
    for (unsigned int i = 0; i < 200000; i++) {
        unsigned int k = next_random() % (sizeof(host_ops) / sizeof(host_ops[0]));
        struct insn insn = {.op = host_ops[k].op, .dst = OPND_RM, .src = OPND_REG, .reg = GPR_RCX,
                            .size = host_ops[k].size, .reg_size = host_ops[k].size, .is_memory = true};
        uint64_t a = next_random() >> (next_random() % 64), b = next_random() >> (next_random() % 64);
        uint64_t flags = 0x202 | (next_random() & 1), memory = a & size_mask(insn.size);
        struct guest_regs regs = {.rflags = flags};
        bool logical = insn.op == INSN_OR || insn.op == INSN_AND || insn.op == INSN_XOR ||
                       insn.op == INSN_TEST;

        if (next_random() % 8 == 0)
            b = a;
        regs.gpr[GPR_RCX] = b;
        host_ops[k].fn(&a, b, &flags);
        assert_true(insn_execute(&insn, &regs, &memory));
        assert_int_equal(memory, a & size_mask(insn.size));
        assert_int_equal(regs.rflags & (logical ? NO_AF : FLAGS), flags & (logical ? NO_AF : FLAGS));
    }
}

static void test_exchange(void **state)
{
    struct insn insn = {.op = INSN_CMPXCHG, .dst = OPND_RM, .src = OPND_REG, .reg = GPR_RCX,
                        .size = 4, .reg_size = 4, .is_memory = true};
    struct guest_regs regs = {.gpr = {[GPR_RAX] = 7, [GPR_RCX] = 9}};
    uint64_t memory = 7;

    (void)state;
    assert_true(insn_execute(&insn, &regs, &memory));
    assert_int_equal(memory, 9);
    assert_true(regs.rflags & EFLAGS_ZF);
    assert_true(insn_execute(&insn, &regs, &memory));
    assert_int_equal(regs.gpr[GPR_RAX], 9);
    assert_false(regs.rflags & EFLAGS_ZF);

    insn.op = INSN_XCHG;
    insn.size = insn.reg_size = 1;
    insn.reg = 5; /* CH */
    regs.gpr[GPR_RCX] = 0x1234;
    memory = 0x56;
    assert_true(insn_execute(&insn, &regs, &memory));
    assert_int_equal(memory, 0x12);
    assert_int_equal(regs.gpr[GPR_RCX], 0x5634);

    /* movsx rax, byte [mem] */
    insn = (struct insn){.op = INSN_MOVSX, .dst = OPND_REG, .src = OPND_RM, .size = 1, .reg_size = 8,
                         .is_memory = true};
    memory = 0x80;
    assert_true(insn_execute(&insn, &regs, &memory));
    assert_int_equal(regs.gpr[GPR_RAX], 0xffffffffffffff80ULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_16),         cmocka_unit_test(test_32),
        cmocka_unit_test(test_64),         cmocka_unit_test(test_fields),
        cmocka_unit_test(test_arithmetic), cmocka_unit_test(test_exchange),
    };

    return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
