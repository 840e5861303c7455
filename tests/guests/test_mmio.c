/* SPDX-License-Identifier: BSD-2-Clause */
/* Accesses to guest-physical addresses where nothing is. */
#include "harness.h"

#include <string.h>

static void stores(void)
{
    const uint64_t value = 0x8877665544332211;
    struct machine m;

    machine_init(&m, LONG_MODE, NO_IRQCHIP, GUEST(mmio_write));
    expect_mmio_write(&m, HOLE, 1, value);
    expect_mmio_write(&m, HOLE + 2, 2, value);
    expect_mmio_write(&m, HOLE + 4, 4, value);
    expect_mmio_write(&m, HOLE + 8, 8, value);
    expect_mmio_write(&m, HOLE, 1, 0x22);
    expect_mmio_write(&m, HOLE + 0x10, 1, value);
    expect_mmio_write(&m, HOLE + 0x18, 8, value);
    expect_mmio_write(&m, HOLE, 1, 0x12);
    expect_mmio_write(&m, HOLE, 2, 0x1234);
    expect_mmio_write(&m, HOLE, 4, 0x12345678);
    expect_mmio_write(&m, HOLE, 8, (uint64_t)-2);
    expect_mmio_write(&m, HOLE + 0x120, 4, value);
    expect_mmio_write(&m, HOLE + 0x20, 4, value);
    expect_mmio_write(&m, HOLE + 0x40, 4, value);
    expect_report(&m, HOLE + 0x24);
    machine_run_to(&m, KVM_EXIT_HLT);
}

static void loads(void)
{
    static const struct {
        unsigned size;
        uint64_t answer, rax;
    } steps[] = {
        { 1, 0x85, 0xeeeeeeeeeeeeee85 },           /* mov al */
        { 1, 0x85, 0xeeeeeeeeeeee85ee },           /* mov ah */
        { 2, 0x8586, 0xeeeeeeeeeeee8586 },         /* mov ax */
        { 4, 0x85868788, 0x85868788 },             /* mov eax */
        { 8, 0x8586878889909192, 0x8586878889909192 },
        { 1, 0x85, 0x85 },                         /* movzx */
        { 2, 0x8586, 0x8586 },
        { 1, 0x85, 0xffffff85 },                   /* movsx */
        { 2, 0x8586, 0xffffffffffff8586 },
        { 4, 0x85868788, 0xffffffff85868788 },
        { 4, 0x11223344, 0x11223344 },             /* lodsd */
    };
    struct machine m;

    machine_init(&m, LONG_MODE, NO_IRQCHIP, GUEST(mmio_read));
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        answer_mmio_read(&m, HOLE, steps[i].size, steps[i].answer);
    machine_run_to(&m, KVM_EXIT_HLT);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        uint64_t rax;

        memcpy(&rax, m.ram + GUEST_DATA + 8 * i, sizeof(rax));
        if (rax != steps[i].rax)
            fail("load %zu gives rax 0x%llx, not 0x%llx", i, (unsigned long long)rax,
                 (unsigned long long)steps[i].rax);
    }
}

static void updates(void)
{
    struct machine m;

    machine_init(&m, LONG_MODE, NO_IRQCHIP, GUEST(mmio_update));
    answer_mmio_read(&m, HOLE, 4, 0xf0);
    expect_mmio_write(&m, HOLE, 4, 0xff);
    answer_mmio_read(&m, HOLE, 4, 0xff);
    expect_mmio_write(&m, HOLE, 4, 0x3c);
    answer_mmio_read(&m, HOLE, 1, 0xff);
    expect_mmio_write(&m, HOLE, 1, 0x00);
    expect_report(&m, 1);
    answer_mmio_read(&m, HOLE, 4, 5);
    expect_report(&m, 1);
    answer_mmio_read(&m, HOLE, 1, 0x80);
    expect_report(&m, 1);
    answer_mmio_read(&m, HOLE, 4, 0x99);
    expect_mmio_write(&m, HOLE, 4, 0x55);
    expect_report(&m, 0x99);
    machine_run_to(&m, KVM_EXIT_HLT);
}

static void string_instructions(void)
{
    struct machine m;

    machine_init(&m, LONG_MODE, NO_IRQCHIP, GUEST(mmio_string));
    for (unsigned i = 0; i < 4; i++)
        answer_mmio_read(&m, HOLE + 4 * i, 4, 0x11111111 * (i + 1));
    expect_mmio_write(&m, HOLE + 0x100, 8, 0x2222222211111111);
    expect_mmio_write(&m, HOLE + 0x108, 8, 0x4444444433333333);
    for (unsigned i = 0; i < 3; i++)
        expect_mmio_write(&m, HOLE + 0x200 + 4 * i, 4, 0xa5a5a5a5);
    expect_report(&m, 0);
    machine_run_to(&m, KVM_EXIT_HLT);
}

/* There is no instruction to execute at an address without memory: this VM cannot go on. */
static void execution(void)
{
    struct machine m;

    machine_init(&m, LONG_MODE, NO_IRQCHIP, GUEST(execute_nothing));
    machine_run_to(&m, KVM_EXIT_INTERNAL_ERROR);
    check_equal("suberror", m.run->internal.suberror, KVM_INTERNAL_ERROR_EMULATION);
    check_equal("rip", get_regs(&m).rip, HOLE);
}

const struct test mmio_tests[] = {
    { "mmio_write", stores },
    { "mmio_read", loads },
    { "mmio_update", updates },
    { "mmio_string", string_instructions },
    { "mmio_execution", execution },
    { NULL, NULL },
};
