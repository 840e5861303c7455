/* SPDX-License-Identifier: BSD-2-Clause */
/* Port input and output. */
#include "harness.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

static void out_of_every_width(void)
{
    struct machine m;

    machine_init(&m, LONG_MODE, NO_IRQCHIP, GUEST(port_out));
    expect_out(&m, 0x80, 1, 0x21);
    expect_out(&m, 0x80, 2, 0x4321);
    expect_out(&m, 0x80, 4, 0x87654321);
    expect_out(&m, 0xfff0, 1, 0x21);
    expect_out(&m, 0xfff0, 2, 0x4321);
    expect_out(&m, 0xfff0, 4, 0x87654321);
    machine_run_to(&m, KVM_EXIT_HLT);
}

static void set_rip(struct machine *m, uint64_t rip)
{
    struct kvm_regs regs = get_regs(m);

    regs.rip = rip;
    must(m->vcpu, KVM_SET_REGS, &regs);
}

/* A monitor that sends the CPU elsewhere during an OUT means that very place. */
static void rip_set_during_out(void)
{
    struct machine m;

    machine_init(&m, LONG_MODE, NO_IRQCHIP, GUEST(port_out));
    expect_out(&m, 0x80, 1, 0x21);
    set_rip(&m, get_regs(&m).rip); /* as it is: the OUT is done after this */
    expect_out(&m, 0x80, 2, 0x4321);
    set_rip(&m, GUEST_CODE);
    expect_out(&m, 0x80, 1, 0x21);
    expect_out(&m, 0x80, 2, 0x4321);
}

static void in_of_every_width(void)
{
    struct machine m;
    uint64_t rax[3];

    machine_init(&m, LONG_MODE, NO_IRQCHIP, GUEST(port_in));
    answer_in(&m, 0x71, 1, 0xaa);
    answer_in(&m, 0x71, 2, 0xbbcc);
    answer_in(&m, 0xcfc, 4, 0xddeeff00);
    machine_run_to(&m, KVM_EXIT_HLT);
    memcpy(rax, m.ram + GUEST_DATA, sizeof(rax));
    check_equal("rax after in al", rax[0], 0xffffffff112233aa);
    check_equal("rax after in ax", rax[1], 0xffffffff1122bbcc);
    check_equal("rax after in eax", rax[2], 0xddeeff00);
}

/*
 * Collect what a string instruction moves, size bytes in all. KVM may hand it over in
 * pieces of any count.
 */
static void string_out(struct machine *m, unsigned width, uint8_t *to, size_t size)
{
    size_t got = 0;

    while (got < size) {
        size_t piece;

        machine_run_to(m, KVM_EXIT_IO);
        piece = (size_t)m->run->io.count * m->run->io.size;
        if (m->run->io.direction != KVM_EXIT_IO_OUT || m->run->io.port != 0x1f0 ||
            m->run->io.size != width || piece == 0 || piece > size - got)
            fail("after %zu of %zu bytes: port 0x%x, size %u, count %u", got, size,
                 m->run->io.port, m->run->io.size, m->run->io.count);
        memcpy(to + got, (uint8_t *)m->run + m->run->io.data_offset, piece);
        got += piece;
    }
}

static void string_in(struct machine *m, unsigned width, const uint8_t *from, size_t size)
{
    size_t given = 0;

    while (given < size) {
        size_t piece;

        machine_run_to(m, KVM_EXIT_IO);
        piece = (size_t)m->run->io.count * m->run->io.size;
        if (m->run->io.direction != KVM_EXIT_IO_IN || m->run->io.port != 0x1f0 ||
            m->run->io.size != width || piece == 0 || piece > size - given)
            fail("after %zu of %zu bytes: port 0x%x, size %u, count %u", given, size,
                 m->run->io.port, m->run->io.size, m->run->io.count);
        memcpy((uint8_t *)m->run + m->run->io.data_offset, from + given, piece);
        given += piece;
    }
}

static void string_instructions(void)
{
    static const uint8_t numbers[33] = "0123456789abcdefghijklmnopqrstuv";
    struct machine m;
    uint8_t text[16];

    machine_init(&m, LONG_MODE, NO_IRQCHIP, GUEST(port_string));
    string_out(&m, 1, text, 16);
    if (memcmp(text, "abcdefghijklmnop", 16) != 0)
        fail("rep outsb wrote %.16s", text);
    expect_report(&m, 0);
    string_out(&m, 2, text, 8);
    if (memcmp(text, "opmnklij", 8) != 0)
        fail("rep outsw downwards wrote %.8s", text);
    string_in(&m, 4, numbers, 32);
    expect_report(&m, 32);
    machine_run_to(&m, KVM_EXIT_HLT);
    check_equal("memory after rep insd", memcmp(m.ram + GUEST_DATA, numbers, 32), 0);
}

/* The answer to an IN reaches the register at the next KVM_RUN, even one that runs nothing. */
static void in_completes_without_running(void)
{
    struct machine m;

    machine_init(&m, LONG_MODE, NO_IRQCHIP, GUEST(port_in));
    answer_in(&m, 0x71, 1, 0x77);
    m.run->immediate_exit = 1;
    must_fail(EINTR, m.vcpu, KVM_RUN, 0);
    m.run->immediate_exit = 0;
    check_equal("rax", get_regs(&m).rax, 0xffffffff11223377);
}

const struct test port_tests[] = {
    { "port_out", out_of_every_width },
    { "port_out_set_rip", rip_set_during_out },
    { "port_in", in_of_every_width },
    { "port_string", string_instructions },
    { "port_in_completes_without_running", in_completes_without_running },
    { NULL, NULL },
};
