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
    vcpu->pending = PENDING_PIO;
    vcpu->pio.size = size;
    vcpu->pio.insn_len = vmexit->insn_len;
    vcpu->pio.is_in = is_in;
    vcpu->pio.rip = vcpu->regs.rip;
    return to_vmm(vcpu, port, size, is_in, 1);
}

/* Ring 3 may have sent the CPU elsewhere meanwhile: then, as in KVM, the instruction is forgotten. */
enum exit_action pio_complete(struct vcpu *vcpu)
{
    struct vm_exit vmexit = {.insn_len = vcpu->pio.insn_len};
    uint32_t value = 0;

    if (vcpu->regs.rip != vcpu->pio.rip)
        return EXIT_RESUME;
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

/* Elements from here to the end of the page, going up; one at a time going down. */
static uint32_t run_length(const struct vcpu *vcpu, const struct insn *insn, uint64_t offset)
{
    bool has_rep = insn->has_rep || insn->has_repne;
    uint64_t left = has_rep ? address_register(vcpu, insn, GPR_RCX) : 1;
    uint64_t in_page = (PAGE_SIZE - (offset & (PAGE_SIZE - 1))) / insn->size;

    if (vcpu->regs.rflags & EFLAGS_DF)
        in_page = 1;
    return (uint32_t)min(left, max(in_page, 1UL));
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

/* Devices in the kernel take strings one element an exit: nobody does that in a hurry. */
static bool string_in_kernel(struct vcpu *vcpu, const struct insn *insn, uint16_t port, gva_t gva)
{
    bool is_in = insn->op == INSN_INS;
    uint32_t value = 0;

    if (!is_in && linear_read(vcpu, gva, &value, insn->size) != 0)
        return false;
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
    uint64_t offset;
    uint32_t count;
    gva_t gva;
    gpa_t gpa;
    int err = fetch_insn(vcpu, &insn);

    if (err != 0 || insn.op != (is_in ? INSN_INS : INSN_OUTS))
        return err == 1 ? EXIT_RESUME : exit_internal_error(vcpu, KVM_INTERNAL_ERROR_EMULATION);
    offset = address_register(vcpu, &insn, is_in ? GPR_RDI : GPR_RSI);
    count = run_length(vcpu, &insn, offset);
    if (count == 0) { /* REP with a count of zero */
        skip_bytes(vcpu, insn.len);
        return EXIT_RESUME;
    }
    if (segment_address(vcpu, is_in ? SEG_ES : insn.segment, offset, count * insn.size, is_in, &gva) != 0)
        return EXIT_RESUME;
    if (string_in_kernel(vcpu, &insn, vmexit->pio.port, gva))
        return EXIT_RESUME;
    /* Faults come before the device is touched. */
    err = is_in ? linear_translate(vcpu, gva, PAGING_WRITE | (vcpu_cpl(vcpu) == 3 ? PAGING_USER : 0), &gpa)
                : linear_read(vcpu, gva, pio_data(vcpu), count * insn.size);
    if (err != 0)
        return err == 1 ? EXIT_RESUME : exit_internal_error(vcpu, KVM_INTERNAL_ERROR_EMULATION);
    vcpu->pending = PENDING_PIO_STRING;
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
