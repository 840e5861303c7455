/* SPDX-License-Identifier: BSD-2-Clause */
/* What leaves the guest through ports, RAM that comes in on demand, and addresses without RAM. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hv_fake/scripted_vm.h"
#include "test_hv.h"

/* ---- ports ------------------------------------------------------------------------------------------ */

static void test_port_out_in(void **state)
{
    static const struct vm_exit out = {.reason = EXIT_PIO, .insn_len = 1, .pio = {.port = 0x3f8, .size = 1}};
    static const struct vm_exit in = {.reason = EXIT_PIO, .insn_len = 2,
                                      .pio = {.port = 0x510, .size = 2, .is_in = true}};
    struct kvm_regs r = {.rip = CODE, .rflags = 2, .rax = 0x1122334455667788ULL};
    uint8_t *data;

    (void)state;
    begin(false);
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    plan_set(3, &out, &in, &exit_halt);
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->exit_reason, KVM_EXIT_IO);
    assert_int_equal(run->io.direction, KVM_EXIT_IO_OUT);
    assert_int_equal(run->io.port, 0x3f8);
    assert_int_equal(run->io.size, 1);
    assert_int_equal(run->io.count, 1);
    assert_int_equal(run->io.data_offset, 4096);
    data = page_address(vcpu0->run_pages[1]);
    assert_int_equal(data[0], 0x88);
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->io.direction, KVM_EXIT_IO_IN);
    assert_int_equal(regs().rip, CODE + 1);
    data[0] = 0xcd;
    data[1] = 0xab;
    /* immediate_exit still completes what was pending. */
    run->immediate_exit = 1;
    assert_int_equal(run_once(), -EINTR);
    assert_int_equal(regs().rax, 0x112233445566abcdULL);
    assert_int_equal(regs().rip, CODE + 3);
    run->immediate_exit = 0;
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->exit_reason, KVM_EXIT_HLT);
    end();
}

/* No length from the CPU: the instruction is fetched and decoded. */
static void test_decoded_length(void **state)
{
    static const struct vm_exit leaf = {.reason = EXIT_CPUID};

    (void)state;
    begin(false);
    protected_mode();
    CODE_BYTES(0x66, 0x0f, 0xa2);
    plan_set(2, &leaf, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_int_equal(regs().rip, CODE + 3);
    end();
}

static void test_port_string(void **state)
{
    static const struct vm_exit outs = {.reason = EXIT_PIO,
                                        .pio = {.port = 0x80, .size = 2, .is_string = true, .has_rep = true}};
    static const struct vm_exit ins = {.reason = EXIT_PIO,
                                       .pio = {.port = 0x80, .size = 1, .is_in = true, .is_string = true}};
    struct kvm_regs r;
    uint8_t *data;

    (void)state;
    begin(true);
    protected_mode();
    CODE_BYTES(0x66, 0xf3, 0x6f, 0x6c); /* rep outsw; insb */
    for (unsigned i = 0; i < 8192; i++)
        ram[0x2f00 + i] = (uint8_t)i;
    r = regs();
    r.rsi = 0x2ff0;
    r.rdi = 0x2fff;
    r.rcx = 20;
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    plan_set(3, &outs, &outs, &ins);
    assert_int_equal(run_once(), 0);
    data = page_address(vcpu0->run_pages[1]);
    assert_int_equal(run->io.count, 8); /* to the end of the page */
    assert_int_equal(data[0], 0xf0);
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->io.count, 12);
    assert_int_equal(regs().rcx, 12);
    assert_int_equal(regs().rip, CODE);
    assert_int_equal(data[0], 0x00);
    assert_int_equal(run_once(), 0);
    assert_int_equal(regs().rcx, 0);
    assert_int_equal(regs().rsi, 0x2ff0 + 40);
    assert_int_equal(regs().rip, CODE + 3);
    assert_int_equal(run->io.direction, KVM_EXIT_IO_IN);
    data[0] = 0x5a;
    run->immediate_exit = 1;
    assert_int_equal(run_once(), -EINTR);
    assert_int_equal(ram[0x2fff], 0x5a);
    assert_int_equal(regs().rdi, 0x3000);
    assert_int_equal(regs().rip, CODE + 4);
    run->immediate_exit = 0;
    end();
}

/* A run of INS ends where a page ends, whatever the segment's base makes of the offset. */
static void test_port_string_base(void **state)
{
    static const struct vm_exit ins = {.reason = EXIT_PIO, .pio = {.port = 0x80, .size = 1, .is_in = true,
                                                                   .is_string = true, .has_rep = true}};
    struct kvm_sregs sregs;
    struct kvm_regs r;

    (void)state;
    begin(true);
    protected_mode();
    CODE_BYTES(0xf3, 0x6c); /* rep insb */
    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_SREGS, &sregs), 0);
    sregs.es.base = 0x2f00;
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_SREGS, &sregs), 0);
    r = regs();
    r.rdi = 0;
    r.rcx = 0x200;
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    plan_set(1, &ins);
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->exit_reason, KVM_EXIT_IO);
    assert_int_equal(run->io.count, 0x100);
    assert_int_equal(run_once(), 0);
    assert_int_equal(regs().rdi, 0x100);
    assert_int_equal(run->io.count, 0x100);
    end();
}

/* OUTS from a page that is not there: one page fault, not two that make a double fault. */
static void test_port_string_fault(void **state)
{
    static const struct vm_exit outs = {.reason = EXIT_PIO, .pio = {.port = 0x80, .size = 1, .is_string = true}};
    struct kvm_sregs sregs;
    struct kvm_regs r;

    (void)state;
    begin(true);
    protected_mode();
    CODE_BYTES(0x6e); /* outsb */
    *(uint32_t *)(ram + 0x10000) = 0x83; /* page directory: 4 MiB, present, writable */
    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_SREGS, &sregs), 0);
    sregs.cr3 = 0x10000;
    sregs.cr4 = 0x10;
    sregs.cr0 |= 0x80000000;
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_SREGS, &sregs), 0);
    r = regs();
    r.rsi = 0x400000;
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    plan_set(2, &outs, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_int_equal(injected.type, EVENT_FAULT);
    assert_int_equal(injected.vector, 14);
    assert_int_equal(regs().rip, CODE);
    end();
}

/* ---- memory ---------------------------------------------------------------------------------------------- */

static void test_ram_fault(void **state)
{
    static const struct vm_exit read = {.reason = EXIT_STAGE2_FAULT,
                                        .fault = {.gpa = 0x5678, .access = STAGE2_READ}};
    struct vm *vm;
    unsigned int access;
    uint64_t pa, size;

    (void)state;
    begin(true);
    vm = vcpu0->vm;
    plan_set(2, &read, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_true(stage2_lookup(&vm->s2, 0x5000, &pa, &access, &size));
    assert_ptr_equal(phys_to_virt(pa), ram + 0x5000);
    assert_true(access & STAGE2_WRITE);
    flushes = 0;
    fake_invalidate((uaddr_t)ram + 0x5000, (uaddr_t)ram + 0x6000);
    assert_false(stage2_lookup(&vm->s2, 0x5000, &pa, &access, &size));
    plan_set(1, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_int_equal(flushes, 1); /* this CPU, before it entered again */

    /* Large pages where both sides are aligned alike. */
    fake_set_block_order(9);
    plan_set(2, &read, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_true(stage2_lookup(&vm->s2, 0x5000, &pa, &access, &size));
    assert_int_equal(size, STAGE2_LARGE);
    assert_ptr_equal(phys_to_virt(pa), ram + 0x5000);
    assert_int_equal(set_slot(0, 0, 0, 0, 0), 0);
    assert_false(stage2_lookup(&vm->s2, 0x5000, &pa, &access, &size));
    /* ... and small ones out of a large page where they are not. */
    assert_int_equal(set_slot(0, 0x3000, 0x100000, 0, 0), 0);
    plan_set(2, &read, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_true(stage2_lookup(&vm->s2, 0x5000, &pa, &access, &size));
    assert_int_equal(size, STAGE2_PAGE);
    assert_ptr_equal(phys_to_virt(pa), ram + 0x2000);
    end();
}

/* More than is taken out in one piece, in all slots that show this memory. */
static void test_invalidate_much(void **state)
{
    const uint64_t size = RAM_PAGES * PAGE_SIZE, pa = (uint64_t)ram - DIRECT_MAP_BASE;
    struct stage2 *s2;
    unsigned int access;
    uint64_t found, found_size;

    (void)state;
    begin(true);
    s2 = &vcpu0->vm->s2;
    for (uint32_t i = 1; i < VM_MAX_SLOTS; i++)
        assert_int_equal(set_slot(i, i * 2 * size, size, 0, 0), 0);
    for (uint64_t i = 0; i < VM_MAX_SLOTS; i++) {
        for (uint64_t at = 0; at < size; at += PAGE_SIZE)
            assert_int_equal(stage2_map(s2, i * 2 * size + at, pa + at, STAGE2_PAGE, STAGE2_READ), 0);
    }
    fake_invalidate((uaddr_t)ram + PAGE_SIZE, (uaddr_t)ram + size);
    for (uint64_t i = 0; i < VM_MAX_SLOTS; i++) {
        for (uint64_t at = 0; at < size; at += PAGE_SIZE)
            assert_int_equal(stage2_lookup(s2, i * 2 * size + at, &found, &access, &found_size), at == 0);
    }
    end();
}

#define BIG_GPA   (1ULL << 30)
#define BIG_PAGES 65536
#define BIG_LAST  (BIG_GPA + (BIG_PAGES - 1) * PAGE_SIZE)

static unsigned pieces;

static void between_pieces(struct switch_hooks *hooks)
{
    const uaddr_t uaddr = (uaddr_t)ram - BIG_PAGES / 2 * PAGE_SIZE;
    struct stage2 *s2 = &vcpu0->vm->s2;
    unsigned int access;
    uint64_t pa, size;

    (void)hooks;
    if (pieces++ > 0)
        return;
    assert_true(stage2_lookup(s2, BIG_LAST, &pa, &access, &size));
    assert_int_equal(memory_fault(vcpu0->vm, BIG_LAST, STAGE2_READ), -ENOENT);
    fake_invalidate(uaddr, uaddr + BIG_PAGES * PAGE_SIZE);
    assert_false(stage2_lookup(s2, BIG_LAST, &pa, &access, &size));
}

static void nothing(struct switch_hooks *hooks)
{
    (void)hooks;
}

/* A slot goes in pieces: no fault finds it any more, but its owner can still take pages back. */
static void test_slot_goes_in_pieces(void **state)
{
    const struct kvm_userspace_memory_region region = {
        .slot = 1, .guest_phys_addr = BIG_GPA, .memory_size = BIG_PAGES * PAGE_SIZE,
        .userspace_addr = (uint64_t)ram - BIG_PAGES / 2 * PAGE_SIZE};
    struct switch_hooks hooks = {.switch_out = between_pieces, .switch_in = nothing};

    (void)state;
    begin(true);
    assert_int_equal(ioctl_fd(vm_fd, KVM_SET_USER_MEMORY_REGION, (void *)&region), 0);
    for (gpa_t gpa = BIG_LAST; gpa >= BIG_GPA; gpa -= STAGE2_LARGE) /* every table is there */
        assert_int_equal(stage2_map(&vcpu0->vm->s2, gpa, (uint64_t)ram - DIRECT_MAP_BASE, STAGE2_PAGE, STAGE2_READ), 0);
    pieces = 0;
    fake_thread.hooks = &hooks;
    fake_cpu.need_resched = true;
    assert_int_equal(set_slot(1, BIG_GPA, 0, 0, 0), 0);
    fake_thread.hooks = NULL;
    assert_int_equal(pieces, 1);
    end();
}

static unsigned kicks;

static void leave_guest(void)
{
    stage2_leave(&vcpu0->vm->s2, 1);
    kicks++;
}

/* Another CPU is in the guest and may reach a page whose entry somebody else has just removed. */
static void test_invalidate_waits_for_all(void **state)
{
    static const struct vm_exit read = {.reason = EXIT_STAGE2_FAULT,
                                        .fault = {.gpa = 0x5678, .access = STAGE2_READ}};
    struct stage2 *s2;

    (void)state;
    begin(true);
    s2 = &vcpu0->vm->s2;
    plan_set(2, &read, &exit_triple);
    assert_int_equal(run_once(), 0);
    (void)stage2_enter(s2, 1);
    stage2_flushed(s2, 1, s2->generation);
    assert_true(stage2_unmap(s2, 0x5000, PAGE_SIZE)); /* as take_dirty(), before it waits */
    fake_on_ipi = leave_guest;
    kicks = 0;
    fake_invalidate((uaddr_t)ram + 0x5000, (uaddr_t)ram + 0x6000);
    assert_int_equal(kicks, 1);
    fake_on_ipi = NULL;
    end();
}

static void test_dirty_log(void **state)
{
    static const struct vm_exit read = {.reason = EXIT_STAGE2_FAULT,
                                        .fault = {.gpa = 0x5678, .access = STAGE2_READ}};
    static const struct vm_exit write = {.reason = EXIT_STAGE2_FAULT,
                                         .fault = {.gpa = 0x7123, .access = STAGE2_WRITE}};
    uint64_t bitmap[RAM_PAGES / 64];
    struct kvm_dirty_log log = {.slot = 0, .dirty_bitmap = (uint64_t)bitmap};

    (void)state;
    begin(true);
    assert_int_equal(ioctl_fd(vm_fd, KVM_GET_DIRTY_LOG, &log), -ENOENT);
    assert_int_equal(set_slot(0, 0, RAM_PAGES * PAGE_SIZE, 0, KVM_MEM_LOG_DIRTY_PAGES), 0);
    plan_set(3, &read, &write, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_int_equal(ioctl_fd(vm_fd, KVM_GET_DIRTY_LOG, &log), 0);
    assert_int_equal(bitmap[0], 1 << 7);
    assert_int_equal(ioctl_fd(vm_fd, KVM_GET_DIRTY_LOG, &log), 0);
    assert_int_equal(bitmap[0], 0);
    plan_set(2, &write, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_int_equal(ioctl_fd(vm_fd, KVM_GET_DIRTY_LOG, &log), 0);
    assert_int_equal(bitmap[0], 1 << 7);
    end();
}

/* The same slot once more is no change, and a slot that moves takes its log along. */
static void test_dirty_log_stays(void **state)
{
    static const struct vm_exit write = {.reason = EXIT_STAGE2_FAULT,
                                         .fault = {.gpa = 0x7123, .access = STAGE2_WRITE}};
    const uint64_t size = RAM_PAGES * PAGE_SIZE;
    uint64_t bitmap[RAM_PAGES / 64];
    struct kvm_dirty_log log = {.slot = 0, .dirty_bitmap = (uint64_t)bitmap};

    (void)state;
    begin(true);
    assert_int_equal(set_slot(0, 0, size, 0, KVM_MEM_LOG_DIRTY_PAGES), 0);
    plan_set(2, &write, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_int_equal(set_slot(0, 0, size, 0, KVM_MEM_LOG_DIRTY_PAGES), 0);
    assert_int_equal(set_slot(0, 1 << 30, size, 0, KVM_MEM_LOG_DIRTY_PAGES), 0);
    assert_int_equal(ioctl_fd(vm_fd, KVM_GET_DIRTY_LOG, &log), 0);
    assert_int_equal(bitmap[0], 1 << 7);
    assert_int_equal(set_slot(0, 0, size, 0, 0), 0); /* moved and no longer logged */
    assert_int_equal(ioctl_fd(vm_fd, KVM_GET_DIRTY_LOG, &log), -ENOENT);
    end();
}

/* A log of more than one piece. */
static void test_large_dirty_log(void **state)
{
    static uint64_t bitmap[65536 / 64];
    const uint64_t gpa = 1ULL << 30, page = 40000;
    struct kvm_userspace_memory_region region = {
        .slot = 1, .flags = KVM_MEM_LOG_DIRTY_PAGES, .guest_phys_addr = gpa, .memory_size = 65536 * PAGE_SIZE,
        .userspace_addr = (uint64_t)ram - page * PAGE_SIZE};
    struct kvm_dirty_log log = {.slot = 1, .dirty_bitmap = (uint64_t)bitmap};

    (void)state;
    begin(true);
    assert_int_equal(ioctl_fd(vm_fd, KVM_SET_USER_MEMORY_REGION, &region), 0);
    assert_int_equal(guest_write(vcpu0->vm, gpa + page * PAGE_SIZE + 4090, "across the end", 14), 0);
    assert_memory_equal(ram + 4090, "across the end", 14);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(ioctl_fd(vm_fd, KVM_GET_DIRTY_LOG, &log), 0);
        for (unsigned i = 0; i < ARRAY_SIZE(bitmap); i++)
            assert_int_equal(bitmap[i], round == 0 && i == page / 64 ? 3ULL << page % 64 : 0);
    }
    end();
}

#define DEVICE 0xd0000010

static void test_mmio(void **state)
{
    static const struct vm_exit read = {.reason = EXIT_STAGE2_FAULT,
                                        .fault = {.gpa = DEVICE, .access = STAGE2_READ}};
    static const struct vm_exit write = {.reason = EXIT_STAGE2_FAULT,
                                         .fault = {.gpa = DEVICE, .access = STAGE2_WRITE}};
    struct kvm_regs r;

    (void)state;
    begin(true);
    protected_mode();
    /* mov eax, [DEVICE]; or byte [DEVICE], 0x80; mov [DEVICE], ax */
    CODE_BYTES(0xa1, 0x10, 0, 0, 0xd0, 0x80, 0x0d, 0x10, 0, 0, 0xd0, 0x80, 0x66, 0xa3, 0x10, 0, 0, 0xd0);
    plan_set(4, &read, &write, &write, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->exit_reason, KVM_EXIT_MMIO);
    assert_int_equal(run->mmio.phys_addr, DEVICE);
    assert_int_equal(run->mmio.len, 4);
    assert_int_equal(run->mmio.is_write, 0);
    memcpy(run->mmio.data, &(uint32_t){0xcafebabe}, 4);
    assert_int_equal(run_once(), 0); /* the OR begins with a read */
    assert_int_equal(regs().rax, 0xcafebabe);
    assert_int_equal(regs().rip, CODE + 5);
    assert_int_equal(run->mmio.len, 1);
    assert_int_equal(run->mmio.is_write, 0);
    run->mmio.data[0] = 0x12;
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->mmio.is_write, 1);
    assert_int_equal(run->mmio.data[0], 0x92);
    assert_int_equal(regs().rip, CODE + 5);
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->mmio.len, 2);
    assert_int_equal(run->mmio.data[0], 0xbe);
    assert_int_equal(run->mmio.data[1], 0xba);
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->exit_reason, KVM_EXIT_SHUTDOWN);
    assert_int_equal(regs().rip, CODE + 18);

    /* rep movsd from RAM to the device, an element an exit */
    protected_mode();
    CODE_BYTES(0xf3, 0xa5);
    r = regs();
    r.rcx = 2;
    r.rsi = 0x2000;
    r.rdi = DEVICE;
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    memcpy(ram + 0x2000, (uint32_t[]){11, 22}, 8);
    plan_set(3, &write, &write, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->mmio.data[0], 11);
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->mmio.data[0], 22);
    assert_int_equal(run->mmio.phys_addr, DEVICE + 4);
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->exit_reason, KVM_EXIT_SHUTDOWN);
    assert_int_equal(regs().rcx, 0);
    assert_int_equal(regs().rip, CODE + 2);

    /* Code that cannot be there. */
    protected_mode();
    r = regs();
    r.rip = 0xe0000000;
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    plan_set(1, &read);
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->exit_reason, KVM_EXIT_INTERNAL_ERROR);
    end();
}

/* Ring 3 sends the CPU elsewhere before it has answered: what the CPU was doing is forgotten. */
static void test_moved_meanwhile(void **state)
{
    static const struct vm_exit read = {.reason = EXIT_STAGE2_FAULT,
                                        .fault = {.gpa = DEVICE, .access = STAGE2_READ}};
    static const struct vm_exit ins = {.reason = EXIT_PIO, .pio = {.port = 0x5f, .size = 1, .is_in = true, .is_string = true}};
    static const struct vm_exit in = {.reason = EXIT_PIO, .insn_len = 1, .pio = {.port = 0x5f, .size = 1, .is_in = true}};
    static const struct {
        const struct vm_exit *exit;
        uint8_t code[5];
    } cases[] = {{&read, {0xa1, 0x10, 0, 0, 0xd0}}, {&ins, {0x6c}}, {&in, {0xec}}};
    struct kvm_regs r;

    (void)state;
    begin(true);
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        protected_mode();
        code(cases[i].code, sizeof(cases[i].code));
        plan_set(2, cases[i].exit, &exit_triple);
        assert_int_equal(run_once(), 0);
        assert_int_equal(regs().rip, CODE);
        r = regs();
        r.rip = CODE + 0x100;
        r.rdi = 0x2000;
        ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
        memset(run->mmio.data, 0x55, sizeof(run->mmio.data));
        memset(page_address(vcpu0->run_pages[1]), 0x55, 16);
        assert_int_equal(run_once(), 0);
        assert_int_equal(run->exit_reason, KVM_EXIT_SHUTDOWN);
        assert_int_equal(regs().rip, CODE + 0x100);
        assert_int_equal(regs().rax, r.rax);
        assert_int_equal(regs().rdi, r.rdi);
        assert_int_equal(ram[0x2000], 0);
    }
    end();
}

static void test_rom(void **state)
{
    static const struct vm_exit write = {.reason = EXIT_STAGE2_FAULT,
                                         .fault = {.gpa = 0xf0000, .access = STAGE2_WRITE}};

    (void)state;
    begin(true);
    assert_int_equal(set_slot(0, 0, 0, 0, 0), 0);
    assert_int_equal(set_slot(0, 0, 0x10000, 0, 0), 0);
    assert_int_equal(set_slot(1, 0xf0000, 0x10000, 0x10000, KVM_MEM_READONLY), 0);
    protected_mode();
    CODE_BYTES(0xc6, 0x05, 0, 0, 0x0f, 0, 7); /* mov byte [0xf0000], 7 */
    ram[0x10000] = 99;
    plan_set(2, &write, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->exit_reason, KVM_EXIT_MMIO);
    assert_int_equal(run->mmio.phys_addr, 0xf0000);
    assert_int_equal(run->mmio.is_write, 1);
    assert_int_equal(run_once(), 0);
    assert_int_equal(ram[0x10000], 99);
    end();
}

int hv_io_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_port_out_in),
        cmocka_unit_test(test_decoded_length),
        cmocka_unit_test(test_port_string),
        cmocka_unit_test(test_port_string_base),
        cmocka_unit_test(test_port_string_fault),
        cmocka_unit_test(test_ram_fault),
        cmocka_unit_test(test_invalidate_much),
        cmocka_unit_test(test_slot_goes_in_pieces),
        cmocka_unit_test(test_invalidate_waits_for_all),
        cmocka_unit_test(test_dirty_log),
        cmocka_unit_test(test_dirty_log_stays),
        cmocka_unit_test(test_large_dirty_log),
        cmocka_unit_test(test_mmio),
        cmocka_unit_test(test_moved_meanwhile),
        cmocka_unit_test(test_rom),
    };

    return cmocka_run_group_tests_name("hv ports and memory", tests, NULL, NULL);
}
