/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Second-level faults: RAM is mapped and the guest goes on; anything else is a
 * device access, whose instruction is decoded and carried out here. See mmio.h.
 *
 * One instruction makes at most one read and one write. Each is offered to the
 * devices in the kernel, then to ring 3; when it goes to ring 3, vcpu->mmio keeps
 * the place and mmio_complete() goes on from there.
 */
#include "vm.h"
#include "paging.h"

/* ---- one access ---------------------------------------------------------------------- */

static enum exit_action to_vmm(struct vcpu *vcpu, gpa_t gpa, bool is_write)
{
    struct kvm_run *run = vcpu->run;
    struct mmio *mmio = &vcpu->mmio;

    run->exit_reason = KVM_EXIT_MMIO;
    run->mmio.phys_addr = gpa;
    run->mmio.len = mmio->len;
    run->mmio.is_write = is_write;
    memset(run->mmio.data, 0, sizeof(run->mmio.data));
    if (is_write)
        memcpy(run->mmio.data, &mmio->value, mmio->len);
    vcpu_pend(vcpu, PENDING_MMIO);
    return EXIT_TO_VMM;
}

/* True: the value is there. False: ring 3 has to be asked, vcpu->run is filled. */
static bool device_read(struct vcpu *vcpu, gpa_t gpa)
{
    struct mmio *mmio = &vcpu->mmio;

    mmio->value = 0;
    if (mmio->is_rom && guest_read(vcpu->vm, gpa, &mmio->value, mmio->len) == 0)
        return true; /* a read-modify-write: only its write leaves the VM */
    if (irq_mmio(vcpu, gpa, mmio->len, false, &mmio->value))
        return true;
    (void)to_vmm(vcpu, gpa, false);
    return false;
}

static bool device_write(struct vcpu *vcpu, gpa_t gpa)
{
    struct vm *vm = vcpu->vm;
    struct mmio *mmio = &vcpu->mmio;

    if (vm->ioeventfd_count != 0 && ioeventfd_match(vm, false, gpa, mmio->len, mmio->value))
        return true;
    if (irq_mmio(vcpu, gpa, mmio->len, true, &mmio->value))
        return true;
    (void)to_vmm(vcpu, gpa, true);
    return false;
}

/* ---- instructions with one memory operand ------------------------------------------------- */

static enum exit_action finish(struct vcpu *vcpu)
{
    skip_bytes(vcpu, vcpu->mmio.insn.len);
    return EXIT_RESUME;
}

/* The operand has been read, or need not be. */
static enum exit_action operand_execute(struct vcpu *vcpu)
{
    struct mmio *mmio = &vcpu->mmio;

    if (!insn_execute(&mmio->insn, &vcpu->regs, &mmio->value))
        return exit_internal_error(vcpu, KVM_INTERNAL_ERROR_EMULATION);
    if (!insn_writes_memory(&mmio->insn))
        return finish(vcpu);
    mmio->step = MMIO_WRITE;
    return device_write(vcpu, mmio->gpa) ? finish(vcpu) : EXIT_TO_VMM;
}

static enum exit_action operand_begin(struct vcpu *vcpu)
{
    struct mmio *mmio = &vcpu->mmio;

    mmio->step = MMIO_READ;
    if (insn_reads_memory(&mmio->insn) && !device_read(vcpu, mmio->gpa))
        return EXIT_TO_VMM;
    return operand_execute(vcpu);
}

/* ---- MOVS, STOS, LODS: one element, then the guest executes the instruction again ----------- */

static uint64_t string_offset(const struct vcpu *vcpu, enum gpr gpr)
{
    return vcpu->regs.gpr[gpr] & size_mask(vcpu->mmio.insn.address_size);
}

static void string_step(struct vcpu *vcpu, enum gpr gpr, int64_t by)
{
    insn_reg_write(&vcpu->regs, gpr, vcpu->mmio.insn.address_size, true,
                   vcpu->regs.gpr[gpr] + (uint64_t)by);
}

static enum exit_action string_finish(struct vcpu *vcpu)
{
    const struct insn *insn = &vcpu->mmio.insn;
    int64_t step = vcpu->regs.rflags & EFLAGS_DF ? -(int64_t)insn->size : insn->size;

    if (insn->op != INSN_LODS)
        string_step(vcpu, GPR_RDI, step);
    if (insn->op != INSN_STOS)
        string_step(vcpu, GPR_RSI, step);
    if (insn->has_rep || insn->has_repne) {
        string_step(vcpu, GPR_RCX, -1);
        if (string_offset(vcpu, GPR_RCX) != 0)
            return EXIT_RESUME;
    }
    return finish(vcpu);
}

static enum exit_action string_error(struct vcpu *vcpu, int err)
{
    return err == 1 ? EXIT_RESUME : exit_internal_error(vcpu, KVM_INTERNAL_ERROR_EMULATION);
}

/* The element is in mmio->value. */
static enum exit_action string_store(struct vcpu *vcpu)
{
    struct mmio *mmio = &vcpu->mmio;
    int err;

    if (mmio->insn.op == INSN_LODS) {
        insn_reg_write(&vcpu->regs, GPR_RAX, mmio->insn.size, true, mmio->value);
        return string_finish(vcpu);
    }
    if (mmio->is_dst_ram) {
        err = linear_write(vcpu, mmio->ram_gva, &mmio->value, mmio->insn.size);
        return err != 0 ? string_error(vcpu, err) : string_finish(vcpu);
    }
    mmio->step = MMIO_WRITE;
    return device_write(vcpu, mmio->dst_gpa) ? string_finish(vcpu) : EXIT_TO_VMM;
}

/* Is this guest-linear address RAM? 0 with *gpa and *is_ram; 1: fault injected. */
static int classify(struct vcpu *vcpu, gva_t gva, bool is_write, gpa_t *gpa, bool *is_ram)
{
    unsigned int access = (is_write ? PAGING_WRITE : 0) | (vcpu_cpl(vcpu) == 3 ? PAGING_USER : 0);
    int err = linear_translate(vcpu, gva, access, gpa);

    if (err == 0)
        *is_ram = memory_fault(vcpu->vm, *gpa, is_write ? STAGE2_WRITE : STAGE2_READ) == 0;
    return err;
}

static enum exit_action string_begin(struct vcpu *vcpu)
{
    struct mmio *mmio = &vcpu->mmio;
    const struct insn *insn = &mmio->insn;
    gva_t src = 0, dst = 0;
    int err = 0;

    if ((insn->has_rep || insn->has_repne) && string_offset(vcpu, GPR_RCX) == 0)
        return finish(vcpu);
    mmio->is_src_ram = mmio->is_dst_ram = false;
    mmio->value = insn_reg_read(&vcpu->regs, GPR_RAX, insn->size, true); /* STOS */

    if (insn->op != INSN_LODS) {
        err = segment_address(vcpu, SEG_ES, string_offset(vcpu, GPR_RDI), insn->size, true, &dst);
        if (err == 0)
            err = classify(vcpu, dst, true, &mmio->dst_gpa, &mmio->is_dst_ram);
        mmio->ram_gva = dst;
    }
    if (err == 0 && insn->op != INSN_STOS) {
        err = segment_address(vcpu, insn->segment, string_offset(vcpu, GPR_RSI), insn->size, false, &src);
        if (err == 0)
            err = classify(vcpu, src, false, &mmio->gpa, &mmio->is_src_ram);
        if (err == 0 && mmio->is_src_ram) {
            mmio->value = 0;
            err = linear_read(vcpu, src, &mmio->value, insn->size);
        }
    }
    if (err != 0)
        return string_error(vcpu, err);
    mmio->step = MMIO_READ;
    if (insn->op != INSN_STOS && !mmio->is_src_ram && !device_read(vcpu, mmio->gpa))
        return EXIT_TO_VMM;
    return string_store(vcpu);
}

/* ---- the door ----------------------------------------------------------------------------------- */

static bool is_string(const struct insn *insn)
{
    return insn->op == INSN_MOVS || insn->op == INSN_STOS || insn->op == INSN_LODS;
}

/* Ring 3 has answered. */
enum exit_action mmio_complete(struct vcpu *vcpu)
{
    struct mmio *mmio = &vcpu->mmio;

    if (mmio->step == MMIO_READ) {
        uint64_t value = 0;

        memcpy(&value, vcpu->run->mmio.data, mmio->len);
        mmio->value = value;
        return is_string(&mmio->insn) ? string_store(vcpu) : operand_execute(vcpu);
    }
    return is_string(&mmio->insn) ? string_finish(vcpu) : finish(vcpu);
}

static enum exit_action emulate(struct vcpu *vcpu, struct vm_exit *vmexit, bool is_rom)
{
    struct mmio *mmio = &vcpu->mmio;
    int err = -ENODATA;

    if (vmexit->fault.insn_bytes != 0)
        err = insn_decode(vmexit->fault.insn, vmexit->fault.insn_bytes, vcpu_insn_mode(vcpu), &mmio->insn);
    if (err != 0)
        err = fetch_insn(vcpu, &mmio->insn);
    if (err != 0)
        return string_error(vcpu, err);
    mmio->gpa = vmexit->fault.gpa;
    mmio->len = mmio->insn.size;
    mmio->is_rom = is_rom;
    if (is_string(&mmio->insn))
        return string_begin(vcpu);
    if (!mmio->insn.is_memory)
        return exit_internal_error(vcpu, KVM_INTERNAL_ERROR_EMULATION);
    return operand_begin(vcpu);
}

enum exit_action exit_stage2(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    gpa_t gpa = vmexit->fault.gpa;
    int err = memory_fault(vcpu->vm, gpa, vmexit->fault.access);

    if (likely(err == 0))
        return EXIT_RESUME;
    if (err == -EAGAIN)
        return EXIT_RESUME; /* a fatal signal: the loop sees it */
    if (err != -ENOENT && err != -EROFS) {
        vcpu->run_error = err == -ENOMEM ? -ENOMEM : -EFAULT;
        return EXIT_TO_VMM;
    }
    if (vmexit->fault.is_table_walk || (vmexit->fault.access & STAGE2_EXEC)) {
        /* Page tables or code in a device: nothing that could be carried out. */
        return exit_internal_error(vcpu, KVM_INTERNAL_ERROR_EMULATION);
    }
    if (vcpu->inject.type != EVENT_NONE) /* it was not the instruction at rip that did this */
        return exit_internal_error(vcpu, KVM_INTERNAL_ERROR_DELIVERY_EV);
    return emulate(vcpu, vmexit, err == -EROFS);
}
