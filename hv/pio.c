/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Port I/O: the in-kernel controllers, doorbells (ioeventfd), and everything else
 * at ring 3, with the data in the second page of the shared area. INS and OUTS go
 * out in runs of at most a page; each run is a restart point, as on hardware.
 */
#include "vm.h"
#include "paging.h"

#define PIO_DATA_OFFSET (KVM_PIO_PAGE_OFFSET * PAGE_SIZE)

static void *pio_data(struct vcpu *vcpu)
{
    return page_address(vcpu->run_pages[KVM_PIO_PAGE_OFFSET]);
}

static enum exit_action to_vmm(struct vcpu *vcpu, uint16_t port, uint8_t size, bool is_in, uint32_t count)
{
    struct kvm_run *run = vcpu->run;

    run->exit_reason = KVM_EXIT_IO;
    run->io.direction = is_in ? KVM_EXIT_IO_IN : KVM_EXIT_IO_OUT;
    run->io.size = size;
    run->io.port = port;
    run->io.count = count;
    run->io.data_offset = PIO_DATA_OFFSET;
    return EXIT_TO_VMM;
}

/* IN and OUT: AL, AX or EAX. */
static void set_accumulator(struct vcpu *vcpu, uint8_t size, uint32_t value)
{
    insn_reg_write(&vcpu->regs, GPR_RAX, size, true, value);
}

/* ---- one element --------------------------------------------------------------------------- */

static bool handled_in_kernel(struct vcpu *vcpu, uint16_t port, uint8_t size, bool is_in, uint32_t *value)
{
    struct vm *vm = vcpu->vm;

    if (!is_in && vm->ioeventfd_count != 0 && ioeventfd_match(vm, true, port, size, *value))
        return true;
    return irq_pio(vm, port, size, is_in, value);
}

static enum exit_action pio_single(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    uint16_t port = vmexit->pio.port;
    uint8_t size = vmexit->pio.size;
    bool is_in = vmexit->pio.is_in;
    uint32_t value = (uint32_t)(vcpu->regs.gpr[GPR_RAX] & size_mask(size));

    if (handled_in_kernel(vcpu, port, size, is_in, &value)) {
        if (is_in)
            set_accumulator(vcpu, size, value);
        return exit_skip(vcpu, vmexit);
    }
    if (!is_in)
        memcpy(pio_data(vcpu), &value, size);
    vcpu_pend(vcpu, PENDING_PIO);
    vcpu->pio.size = size;
    vcpu->pio.insn_len = vmexit->insn_len;
    vcpu->pio.is_in = is_in;
    return to_vmm(vcpu, port, size, is_in, 1);
}

enum exit_action pio_complete(struct vcpu *vcpu)
{
    struct vm_exit vmexit = {.insn_len = vcpu->pio.insn_len};
    uint32_t value = 0;

    if (vcpu->pio.is_in) {
        memcpy(&value, pio_data(vcpu), vcpu->pio.size);
        set_accumulator(vcpu, vcpu->pio.size, value);
    }
    return exit_skip(vcpu, &vmexit);
}

/* ---- strings --------------------------------------------------------------------------------- */

static uint64_t address_register(const struct vcpu *vcpu, const struct insn *insn, enum gpr gpr)
{
    return vcpu->regs.gpr[gpr] & size_mask(insn->address_size);
}

static void advance_register(struct vcpu *vcpu, const struct insn *insn, enum gpr gpr, int64_t by)
{
    uint64_t value = vcpu->regs.gpr[gpr] + (uint64_t)by;

    insn_reg_write(&vcpu->regs, gpr, insn->address_size, true, value);
}

/* Elements left to do, all told. */
static uint64_t elements_left(const struct vcpu *vcpu, const struct insn *insn)
{
    bool has_rep = insn->has_rep || insn->has_repne;

    return has_rep ? address_register(vcpu, insn, GPR_RCX) : 1;
}

/* Whole elements from an address to the end of its page, at least one. */
static uint64_t elements_in_page(const struct insn *insn, uint64_t address)
{
    return max((PAGE_SIZE - (address & (PAGE_SIZE - 1))) / insn->size, 1UL);
}

/* count elements are done: registers move on, and rip when the last one was among them. */
static void string_advance(struct vcpu *vcpu, const struct insn *insn, uint32_t count)
{
    int64_t step = (int64_t)count * insn->size * (vcpu->regs.rflags & EFLAGS_DF ? -1 : 1);
    bool has_rep = insn->has_rep || insn->has_repne;

    advance_register(vcpu, insn, insn->op == INSN_INS ? GPR_RDI : GPR_RSI, step);
    if (has_rep)
        advance_register(vcpu, insn, GPR_RCX, -(int64_t)count);
    if (!has_rep || address_register(vcpu, insn, GPR_RCX) == 0)
        skip_bytes(vcpu, insn->len);
}

/* Bytes that INS is about to store: 0, 1: the guest gets a page fault, -EFAULT. */
static int check_store(struct vcpu *vcpu, gva_t gva, uint32_t len)
{
    unsigned int access = PAGING_WRITE | (vcpu_cpl(vcpu) == 3 ? PAGING_USER : 0);
    gpa_t gpa;
    int err = linear_translate(vcpu, gva, access, &gpa);

    if (err == 0 && ((gva ^ (gva + len - 1)) & PAGE_MASK) != 0) /* one element across two pages */
        err = linear_translate(vcpu, gva + len - 1, access, &gpa);
    return err;
}

/*
 * Devices in the kernel take strings one element an exit: nobody does that in a hurry. The memory has
 * been checked, and read into *value for OUTS. False: no such device.
 */
static bool string_in_kernel(struct vcpu *vcpu, const struct insn *insn, uint16_t port, gva_t gva, uint32_t value)
{
    bool is_in = insn->op == INSN_INS;

    if (!handled_in_kernel(vcpu, port, insn->size, is_in, &value))
        return false;
    if (is_in && linear_write(vcpu, gva, &value, insn->size) != 0)
        return true; /* the fault is injected, the registers stand */
    string_advance(vcpu, insn, 1);
    return true;
}

static enum exit_action pio_string(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    bool is_in = vmexit->pio.is_in;
    struct insn insn;
    uint64_t offset, left;
    uint32_t count, value = 0;
    gva_t gva;
    int err = fetch_insn(vcpu, &insn);

    if (err != 0 || insn.op != (is_in ? INSN_INS : INSN_OUTS))
        return err == 1 ? EXIT_RESUME : exit_internal_error(vcpu, KVM_INTERNAL_ERROR_EMULATION);
    offset = address_register(vcpu, &insn, is_in ? GPR_RDI : GPR_RSI);
    left = elements_left(vcpu, &insn);
    if (left == 0) { /* REP with a count of zero */
        skip_bytes(vcpu, insn.len);
        return EXIT_RESUME;
    }
    /* A run goes up to the end of a page, by the offset and by the address; going down it is one element. */
    count = vcpu->regs.rflags & EFLAGS_DF ? 1 : (uint32_t)min(left, elements_in_page(&insn, offset));
    if (segment_address(vcpu, is_in ? SEG_ES : insn.segment, offset, count * insn.size, is_in, &gva) != 0)
        return EXIT_RESUME;
    count = (uint32_t)min(count, elements_in_page(&insn, gva));
    /* Faults come before the device is touched. */
    err = is_in ? check_store(vcpu, gva, count * insn.size)
                : linear_read(vcpu, gva, pio_data(vcpu), count * insn.size);
    if (err != 0)
        return err == 1 ? EXIT_RESUME : exit_internal_error(vcpu, KVM_INTERNAL_ERROR_EMULATION);
    if (!is_in)
        memcpy(&value, pio_data(vcpu), insn.size);
    if (string_in_kernel(vcpu, &insn, vmexit->pio.port, gva, value))
        return EXIT_RESUME;
    vcpu_pend(vcpu, PENDING_PIO_STRING);
    vcpu->pio = (struct vcpu_pio){.size = insn.size, .is_in = is_in, .count = count, .insn = insn};
    return to_vmm(vcpu, vmexit->pio.port, insn.size, is_in, count);
}

enum exit_action pio_string_complete(struct vcpu *vcpu)
{
    const struct insn *insn = &vcpu->pio.insn;
    uint64_t offset = address_register(vcpu, insn, GPR_RDI);
    gva_t gva;
    int err;

    if (vcpu->pio.is_in) {
        if (segment_address(vcpu, SEG_ES, offset, vcpu->pio.count * insn->size, true, &gva) != 0)
            return EXIT_RESUME;
        err = linear_write(vcpu, gva, pio_data(vcpu), vcpu->pio.count * insn->size);
        if (err != 0)
            return err == 1 ? EXIT_RESUME : exit_internal_error(vcpu, KVM_INTERNAL_ERROR_EMULATION);
    }
    string_advance(vcpu, insn, vcpu->pio.count);
    return EXIT_RESUME;
}

enum exit_action exit_pio(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    return vmexit->pio.is_string ? pio_string(vcpu, vmexit) : pio_single(vcpu, vmexit);
}
