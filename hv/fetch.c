/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's view of linear memory, for instructions that have to be decoded and
 * for string I/O: segmentation, paging, and the faults that both can give.
 */
#include "vm.h"
#include "paging.h"

#define VECTOR_SS 12
#define VECTOR_GP 13
#define VECTOR_PF 14

unsigned int vcpu_cpl(struct vcpu *vcpu)
{
    const struct guest_state *state = vcpu_state(vcpu, STATE_CODE | STATE_CR);

    if (!(state->cr0 & CR0_PE))
        return 0;
    if (vcpu->regs.rflags & EFLAGS_VM)
        return 3;
    return (state->seg[SEG_SS].attr & SEG_DPL) >> 5;
}

enum insn_mode vcpu_insn_mode(struct vcpu *vcpu)
{
    const struct guest_state *state = vcpu_state(vcpu, STATE_CODE | STATE_CR);
    uint16_t attr = state->seg[SEG_CS].attr;

    if (!(state->cr0 & CR0_PE) || (vcpu->regs.rflags & EFLAGS_VM))
        return INSN_16;
    if ((state->efer & EFER_LMA) && (attr & SEG_L))
        return INSN_64;
    return attr & SEG_DB ? INSN_32 : INSN_16;
}

/* ---- paging -------------------------------------------------------------------------- */

static int read_table(void *ctx, gpa_t gpa, void *buf, unsigned int size)
{
    return guest_read(ctx, gpa, buf, size);
}

static int update_table(void *ctx, gpa_t gpa, uint32_t expected, uint32_t desired)
{
    return guest_cmpxchg32(ctx, gpa, expected, desired);
}

/* 0, 1: the guest gets a page fault, -EFAULT: its tables are not in memory. */
int linear_translate(struct vcpu *vcpu, gva_t gva, unsigned int access, gpa_t *gpa)
{
    struct guest_state *state = vcpu_state(vcpu, STATE_CR);
    struct paging paging = {
        .cr0 = state->cr0, .cr3 = state->cr3, .cr4 = state->cr4, .efer = state->efer,
        .rflags = vcpu->regs.rflags, .phys_bits = vcpu->phys_bits, .ctx = vcpu->vm,
        .read = read_table, .update = access & PAGING_EXEC ? NULL : update_table,
    };
    uint32_t error = 0;
    int err = paging_translate(&paging, gva, access, gpa, &error);

    if (err == 1) {
        state->cr2 = gva;
        vcpu_state_dirty(vcpu, STATE_CR);
        inject_fault_error(vcpu, VECTOR_PF, error);
    }
    return err;
}

static unsigned int user_access(struct vcpu *vcpu)
{
    return vcpu_cpl(vcpu) == 3 ? PAGING_USER : 0;
}

int linear_read(struct vcpu *vcpu, gva_t gva, void *buf, unsigned int len)
{
    unsigned int access = user_access(vcpu);

    while (len > 0) {
        unsigned int n = (unsigned int)min((uint64_t)len, PAGE_SIZE - (gva & (PAGE_SIZE - 1)));
        gpa_t gpa;
        int err = linear_translate(vcpu, gva, access, &gpa);

        if (err != 0)
            return err;
        if (guest_read(vcpu->vm, gpa, buf, n) < 0)
            return -EFAULT;
        buf = (char *)buf + n;
        gva += n;
        len -= n;
    }
    return 0;
}

int linear_write(struct vcpu *vcpu, gva_t gva, const void *buf, unsigned int len)
{
    unsigned int access = user_access(vcpu) | PAGING_WRITE;

    while (len > 0) {
        unsigned int n = (unsigned int)min((uint64_t)len, PAGE_SIZE - (gva & (PAGE_SIZE - 1)));
        gpa_t gpa;
        int err = linear_translate(vcpu, gva, access, &gpa);

        if (err != 0)
            return err;
        if (guest_write(vcpu->vm, gpa, buf, n) < 0)
            return -EFAULT;
        buf = (const char *)buf + n;
        gva += n;
        len -= n;
    }
    return 0;
}

/* ---- segmentation ---------------------------------------------------------------------- */

static bool is_canonical(uint64_t address)
{
    return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

static bool is_inside(const struct guest_segment *seg, uint64_t offset, unsigned int size)
{
    uint64_t last = offset + size - 1, limit = seg->limit;

    if ((seg->attr & (SEG_S | 0xc)) != (SEG_S | 0x4)) /* not data that grows down */
        return last <= limit && last >= offset;
    return offset > limit && last <= (seg->attr & SEG_DB ? UINT32_MAX : 0xffff);
}

/* May this segment be read, or written, through? Data: bit 1 writable. Code: bit 1 readable. */
static bool is_usable(const struct guest_segment *seg, bool is_write)
{
    uint16_t type = seg->attr & SEG_TYPE;

    if ((seg->attr & SEG_UNUSABLE) || !(seg->attr & SEG_P) || !(seg->attr & SEG_S))
        return false;
    if (type & 8)
        return !is_write && (type & 2);
    return !is_write || (type & 2);
}

int segment_address(struct vcpu *vcpu, unsigned int segment, uint64_t offset, unsigned int size,
                    bool is_write, gva_t *gva)
{
    const struct guest_state *state = vcpu_state(vcpu, STATE_ALL);
    const struct guest_segment *seg = &state->seg[segment];
    uint8_t vector = segment == SEG_SS ? VECTOR_SS : VECTOR_GP;
    bool is_protected = (state->cr0 & CR0_PE) && !(vcpu->regs.rflags & EFLAGS_VM);

    if (vcpu_insn_mode(vcpu) == INSN_64) {
        *gva = offset + (segment == SEG_FS || segment == SEG_GS ? seg->base : 0);
        if (is_canonical(*gva) && is_canonical(*gva + size - 1))
            return 0;
    } else if ((!is_protected || is_usable(seg, is_write)) && is_inside(seg, offset, size)) {
        *gva = (uint32_t)(seg->base + offset);
        return 0;
    }
    inject_fault_error(vcpu, vector, 0);
    return 1;
}

/* ---- instructions ------------------------------------------------------------------------- */

/* Bytes at rip: as many as lie in its page, then the rest if the decoder wants more. */
int fetch_insn(struct vcpu *vcpu, struct insn *insn)
{
    enum insn_mode mode = vcpu_insn_mode(vcpu);
    const struct guest_state *state = vcpu_state(vcpu, STATE_CODE | STATE_CR);
    unsigned int access = PAGING_EXEC | user_access(vcpu);
    uint64_t base = mode == INSN_64 ? 0 : state->seg[SEG_CS].base;
    gva_t gva = base + vcpu->regs.rip;
    uint8_t bytes[INSN_MAX];
    unsigned int have = 0;
    int err;

    if (mode != INSN_64)
        gva = (uint32_t)gva;
    do {
        unsigned int n = (unsigned int)min((uint64_t)INSN_MAX - have,
                                           PAGE_SIZE - ((gva + have) & (PAGE_SIZE - 1)));
        gpa_t gpa;

        err = linear_translate(vcpu, gva + have, access, &gpa);
        if (err != 0)
            return err;
        if (guest_read(vcpu->vm, gpa, bytes + have, n) < 0)
            return -EFAULT;
        have += n;
        err = insn_decode(bytes, have, mode, insn);
    } while (err == -ENODATA && have < INSN_MAX);
    return err;
}
