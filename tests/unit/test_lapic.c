/* SPDX-License-Identifier: BSD-2-Clause */
/* The local APIC and the IOAPIC, as state machines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "hv/ioapic.h"
#include "hv/lapic.h"

static struct apic_msg sent;
static unsigned int sends, eois, rearms, acks;
static uint8_t eoi_vector;

static void on_send(struct lapic *apic, const struct apic_msg *msg)
{
    (void)apic;
    sent = *msg;
    sends++;
}

static void on_eoi(struct lapic *apic, uint8_t vector)
{
    (void)apic;
    eoi_vector = vector;
    eois++;
}

static void on_timer(struct lapic *apic)
{
    (void)apic;
    rearms++;
}

static const struct lapic_ops ops = {on_send, on_eoi, on_timer};

static struct lapic make(uint32_t id)
{
    struct lapic apic;

    sends = eois = rearms = acks = 0;
    lapic_init(&apic, id, id == 0, &ops);
    lapic_mmio_write(&apic, APIC_SVR, 0x1ff, 0);
    return apic;
}

static int fixed(struct lapic *apic, uint8_t vector, bool is_level)
{
    struct apic_msg msg = {.vector = vector, .is_level = is_level, .is_assert = true};

    return lapic_accept(apic, &msg);
}

static void test_priorities(void **state)
{
    struct lapic apic = make(0);

    (void)state;
    assert_int_equal(lapic_pending(&apic), -1);
    assert_int_equal(fixed(&apic, 0x31, false), 1);
    assert_int_equal(fixed(&apic, 0x31, false), 0); /* merged */
    assert_int_equal(fixed(&apic, 0x45, false), 1);
    assert_int_equal(lapic_pending(&apic), 0x45);
    lapic_acknowledge(&apic, 0x45);
    assert_int_equal(lapic_mmio_read(&apic, APIC_PPR, 0), 0x40);
    assert_int_equal(lapic_pending(&apic), -1); /* 0x31 waits */
    assert_int_equal(fixed(&apic, 0x51, false), 1);
    assert_int_equal(lapic_pending(&apic), 0x51); /* nests */
    lapic_acknowledge(&apic, 0x51);
    lapic_mmio_write(&apic, APIC_EOI, 0, 0);
    lapic_mmio_write(&apic, APIC_EOI, 0, 0);
    assert_int_equal(lapic_pending(&apic), 0x31);

    lapic_mmio_write(&apic, APIC_TPR, 0x30, 0);
    assert_int_equal(lapic_pending(&apic), -1);
    assert_int_equal(lapic_get_cr8(&apic), 3);
    lapic_set_cr8(&apic, 2);
    assert_int_equal(lapic_pending(&apic), 0x31);
}

static void test_level_eoi(void **state)
{
    struct lapic apic = make(0);

    (void)state;
    fixed(&apic, 0x61, true);
    lapic_acknowledge(&apic, 0x61);
    lapic_mmio_write(&apic, APIC_EOI, 0, 0);
    assert_int_equal(eois, 1);
    assert_int_equal(eoi_vector, 0x61);
    fixed(&apic, 0x61, false);
    lapic_acknowledge(&apic, 0x61);
    lapic_mmio_write(&apic, APIC_EOI, 0, 0);
    assert_int_equal(eois, 1);
}

static void test_disabled(void **state)
{
    struct lapic apic = make(0);
    struct apic_msg nmi = {.mode = APIC_NMI};

    (void)state;
    lapic_mmio_write(&apic, APIC_LVT_TIMER, 0x40, 0);
    lapic_mmio_write(&apic, APIC_SVR, 0xff, 0);
    assert_true(lapic_mmio_read(&apic, APIC_LVT_TIMER, 0) & APIC_LVT_MASKED);
    assert_int_equal(fixed(&apic, 0x61, false), -1);
    assert_int_equal(lapic_accept(&apic, &nmi), 1);
    assert_int_equal(apic.events, LAPIC_EVENT_NMI);
    lapic_mmio_write(&apic, APIC_LVT_TIMER, 0x40, 0);
    assert_true(lapic_mmio_read(&apic, APIC_LVT_TIMER, 0) & APIC_LVT_MASKED);
}

static void test_illegal_vector(void **state)
{
    struct lapic apic = make(0);

    (void)state;
    assert_int_equal(fixed(&apic, 5, false), -1);
    lapic_mmio_write(&apic, APIC_ESR, 0, 0);
    assert_int_equal(lapic_mmio_read(&apic, APIC_ESR, 0), APIC_ESR_RECEIVE_VECTOR);
    lapic_mmio_write(&apic, APIC_LVT_ERROR, 0x77, 0);
    lapic_mmio_write(&apic, APIC_ICR_LOW, 3, 0);
    assert_int_equal(sends, 0);
    assert_int_equal(lapic_pending(&apic), 0x77);
}

static void test_ipi(void **state)
{
    struct lapic apic = make(1);

    (void)state;
    lapic_mmio_write(&apic, APIC_ICR_HIGH, 0x02000000, 0);
    lapic_mmio_write(&apic, APIC_ICR_LOW, 0x4500, 0); /* INIT, level, assert */
    assert_int_equal(sent.dest, 2);
    assert_int_equal(sent.mode, APIC_INIT);
    lapic_mmio_write(&apic, APIC_ICR_HIGH, 0xff000000, 0);
    lapic_mmio_write(&apic, APIC_ICR_LOW, 0x0c8f1, 0);
    assert_int_equal(sent.dest, APIC_BROADCAST);
    assert_false(sent.is_level);
    lapic_mmio_write(&apic, APIC_ICR_LOW, 0x40000 | 0xfd, 0);
    assert_int_equal(sent.shorthand, APIC_SELF);
    /* Only a register's own doubleword takes writes. */
    lapic_mmio_write(&apic, APIC_ICR_LOW + 4, 0xfd, 0);
    assert_int_equal(sends, 3);
}

static void test_init_sipi(void **state)
{
    struct lapic apic = make(1);
    struct apic_msg init = {.mode = APIC_INIT, .is_level = true, .is_assert = true};
    struct apic_msg sipi = {.mode = APIC_STARTUP, .vector = 0x9a};

    (void)state;
    assert_int_equal(lapic_accept(&apic, &init), 1);
    assert_int_equal(apic.events, LAPIC_EVENT_INIT);
    assert_int_equal(lapic_accept(&apic, &sipi), 1);
    assert_int_equal(apic.events, LAPIC_EVENT_INIT | LAPIC_EVENT_SIPI);
    assert_int_equal(apic.sipi_vector, 0x9a);
    init.is_assert = false;
    assert_int_equal(lapic_accept(&apic, &init), -1);
}

static void test_destinations(void **state)
{
    struct lapic apic = make(3);

    (void)state;
    assert_true(lapic_is_dest(&apic, 3, false));
    assert_false(lapic_is_dest(&apic, 2, false));
    assert_true(lapic_is_dest(&apic, APIC_BROADCAST, false));
    lapic_mmio_write(&apic, APIC_LDR, 0x08000000, 0);
    assert_true(lapic_is_dest(&apic, 0x0c, true));
    assert_false(lapic_is_dest(&apic, 0x04, true));
    lapic_mmio_write(&apic, APIC_DFR, 0x0fffffff, 0); /* cluster */
    lapic_mmio_write(&apic, APIC_LDR, 0x12000000, 0);
    assert_true(lapic_is_dest(&apic, 0x13, true));
    assert_false(lapic_is_dest(&apic, 0x23, true));

    assert_int_equal(lapic_set_base(&apic, apic.base | APIC_BASE_X2APIC, true), 0);
    assert_true(lapic_is_dest(&apic, 0x00000008, true));
    assert_false(lapic_is_dest(&apic, 0x00010008, true));
    assert_true(lapic_is_dest(&apic, 3, false));
}

static void test_modes(void **state)
{
    struct lapic apic = make(0);
    uint64_t value;

    (void)state;
    assert_int_not_equal(lapic_msr_read(&apic, 0x802, 0, &value), 0);
    assert_int_not_equal(lapic_set_base(&apic, apic.base | APIC_BASE_X2APIC, false), 0);
    assert_int_not_equal(lapic_set_base(&apic, apic.base | 1, true), 0);
    assert_int_not_equal(lapic_set_base(&apic, APIC_DEFAULT_BASE | APIC_BASE_X2APIC, true), 0);
    assert_int_equal(lapic_set_base(&apic, apic.base | APIC_BASE_X2APIC, true), 0);
    assert_int_equal(lapic_msr_read(&apic, 0x80d, 0, &value), 0);
    assert_int_equal(value, 1);
    assert_int_not_equal(lapic_msr_write(&apic, 0x80d, 2, 0), 0); /* LDR is read-only */
    assert_int_not_equal(lapic_msr_write(&apic, 0x80b, 1, 0), 0); /* EOI takes 0 only */
    assert_int_not_equal(lapic_msr_read(&apic, 0x831, 0, &value), 0);
    assert_int_not_equal(lapic_msr_read(&apic, 0x8ff, 0, &value), 0);
    assert_int_equal(lapic_msr_write(&apic, 0x830, 0x5ULL << 32 | 0x4030, 0), 0);
    assert_int_equal(sent.dest, 5);
    assert_int_equal(lapic_msr_write(&apic, 0x83f, 0x66, 0), 0);
    assert_int_equal(sent.shorthand, APIC_SELF);
    assert_int_equal(sent.vector, 0x66);
    /* Not straight back to xAPIC; through disabled it works. */
    assert_int_not_equal(lapic_set_base(&apic, apic.base & ~APIC_BASE_X2APIC, true), 0);
    assert_int_equal(lapic_set_base(&apic, APIC_DEFAULT_BASE, true), 0);
    assert_int_equal(lapic_set_base(&apic, APIC_DEFAULT_BASE | APIC_BASE_ENABLED, true), 0);
    assert_int_equal(lapic_mmio_read(&apic, APIC_SVR, 0), 0xff);
}

static void test_timer(void **state)
{
    struct lapic apic = make(0);

    (void)state;
    lapic_mmio_write(&apic, APIC_TDCR, 0xb, 0); /* divide by 1 */
    lapic_mmio_write(&apic, APIC_LVT_TIMER, 0x40, 0);
    lapic_mmio_write(&apic, APIC_TMICT, 1000000, 5000);
    assert_int_equal(apic.timer_deadline_ns, 1005000);
    assert_int_equal(lapic_mmio_read(&apic, APIC_TMCCT, 5400), 999600);
    lapic_timer_expire(&apic, 1004999);
    assert_int_equal(lapic_pending(&apic), -1);
    lapic_timer_expire(&apic, 1005000);
    assert_int_equal(lapic_pending(&apic), 0x40);
    assert_int_equal(apic.timer_deadline_ns, 0);
    assert_int_equal(lapic_mmio_read(&apic, APIC_TMCCT, 2000000), 0);

    /* Periodic, divided by 16: late by more than a period, it stays in phase. */
    lapic_acknowledge(&apic, 0x40);
    lapic_mmio_write(&apic, APIC_EOI, 0, 0);
    lapic_mmio_write(&apic, APIC_TDCR, 0x3, 0);
    lapic_mmio_write(&apic, APIC_LVT_TIMER, APIC_TIMER_PERIODIC | 0x40, 0);
    lapic_mmio_write(&apic, APIC_TMICT, 100000, 0);
    assert_int_equal(apic.timer_deadline_ns, 1600000);
    lapic_timer_expire(&apic, 3500000);
    assert_int_equal(apic.timer_deadline_ns, 4800000);
    assert_int_equal(lapic_pending(&apic), 0x40);
    assert_int_equal(lapic_mmio_read(&apic, APIC_TMCCT, 4000000), 50000);
    /* A period of a nanosecond is not granted. */
    lapic_mmio_write(&apic, APIC_TDCR, 0xb, 0);
    lapic_mmio_write(&apic, APIC_TMICT, 1, 0);
    assert_true(apic.timer_deadline_ns >= 100000);
    lapic_mmio_write(&apic, APIC_TMICT, 0, 0);
    assert_int_equal(apic.timer_deadline_ns, 0);
    /* Nor when it was a single shot's first. */
    lapic_mmio_write(&apic, APIC_LVT_TIMER, 0x40, 0);
    lapic_mmio_write(&apic, APIC_TMICT, 1, 1000);
    lapic_mmio_write(&apic, APIC_LVT_TIMER, APIC_TIMER_PERIODIC | 0x40, 1000);
    lapic_timer_expire(&apic, 1001);
    assert_true(apic.timer_deadline_ns >= 100000);
}

static void test_tsc_deadline(void **state)
{
    struct lapic apic = make(0);

    (void)state;
    lapic_set_tsc_deadline(&apic, 77); /* not in that mode: ignored */
    assert_int_equal(apic.tsc_deadline, 0);
    lapic_mmio_write(&apic, APIC_TMICT, 1000000, 0);
    lapic_mmio_write(&apic, APIC_LVT_TIMER, APIC_TIMER_DEADLINE | 0x41, 0);
    assert_int_equal(apic.timer_deadline_ns, 0);
    lapic_set_tsc_deadline(&apic, 77);
    lapic_timer_expire(&apic, 0);
    assert_int_equal(lapic_pending(&apic), 0x41);
    assert_int_equal(apic.tsc_deadline, 0);
}

static void test_save_restore(void **state)
{
    struct lapic apic = make(2), other;
    struct kvm_lapic_state image;

    (void)state;
    lapic_mmio_write(&apic, APIC_TDCR, 0xb, 0);
    lapic_mmio_write(&apic, APIC_LVT_TIMER, APIC_TIMER_PERIODIC | 0x40, 0);
    lapic_mmio_write(&apic, APIC_TMICT, 1000000, 0);
    fixed(&apic, 0x55, true);
    lapic_save(&apic, 400000, &image);
    lapic_init(&other, 2, false, &ops);
    assert_int_equal(lapic_restore(&other, 7000000, &image), 0);
    assert_int_equal(other.timer_deadline_ns, 7600000);
    assert_int_equal(lapic_pending(&other), 0x55);
    /* A hostile image: every bit set. */
    memset(&image, 0xff, sizeof(image));
    assert_int_equal(lapic_restore(&other, 0, &image), 0);
    assert_int_equal(lapic_mmio_read(&other, APIC_ID, 0), 2u << 24);
    lapic_timer_expire(&other, 1);
    (void)lapic_pending(&other);
}

/* ---- IOAPIC --------------------------------------------------------------------------- */

static struct apic_msg io_msg;
static unsigned int io_sends;
static bool lower_on_ack;

static bool io_send(struct ioapic *ioapic, const struct apic_msg *msg)
{
    (void)ioapic;
    io_msg = *msg;
    io_sends++;
    return true;
}

static void io_ack(struct ioapic *ioapic, unsigned int pin)
{
    acks++;
    if (lower_on_ack)
        ioapic_set_line(ioapic, pin, false);
}

static const struct ioapic_ops io_ops = {io_send, io_ack};

static void io_route(struct ioapic *ioapic, unsigned int pin, uint64_t entry)
{
    ioapic_write(ioapic, 0, 0x10 + pin * 2);
    ioapic_write(ioapic, 0x10, (uint32_t)entry);
    ioapic_write(ioapic, 0, 0x11 + pin * 2);
    ioapic_write(ioapic, 0x10, (uint32_t)(entry >> 32));
}

static void test_ioapic(void **state)
{
    struct ioapic ioapic;
    struct kvm_ioapic_state image;

    (void)state;
    acks = io_sends = 0;
    ioapic_init(&ioapic, &io_ops);
    ioapic_write(&ioapic, 0, 1);
    assert_int_equal(ioapic_read(&ioapic, 0x10), 0x00170011);

    /* Edge */
    assert_int_equal(ioapic_set_line(&ioapic, 4, true), -1); /* masked: the edge is lost */
    ioapic_set_line(&ioapic, 4, false);
    io_route(&ioapic, 4, 0x0300000000000034ULL);
    assert_int_equal(io_sends, 0);
    assert_int_equal(ioapic_set_line(&ioapic, 4, true), 1);
    assert_int_equal(ioapic_set_line(&ioapic, 4, true), 0); /* still high: no edge */
    assert_int_equal(io_msg.vector, 0x34);
    assert_int_equal(io_msg.dest, 3);
    assert_int_equal(io_sends, 1);

    /* Level: once until EOI, again if the line is still high */
    io_route(&ioapic, 5, 0xff0000000000a835ULL | 0x800);
    assert_int_equal(ioapic_set_line(&ioapic, 5, true), 1);
    assert_int_equal(io_msg.dest, APIC_BROADCAST);
    assert_int_equal(ioapic_set_line(&ioapic, 5, true), 0);
    ioapic_eoi(&ioapic, 0x35);
    assert_int_equal(acks, 1);
    assert_int_equal(io_sends, 3);
    lower_on_ack = true;
    ioapic_eoi(&ioapic, 0x35);
    assert_int_equal(io_sends, 3);
    ioapic_eoi(&ioapic, 0x35); /* nothing in service: nothing happens */
    assert_int_equal(acks, 2);

    /* A level line that is high when it is unmasked goes out; read-only bits stay. */
    ioapic_set_line(&ioapic, 6, true);
    io_route(&ioapic, 6, 0x000000000000f036ULL);
    assert_int_equal(io_sends, 4);
    assert_true(ioapic.redirect[6] & 0x4000);
    assert_false(ioapic.redirect[6] & 0x1000);

    ioapic_save(&ioapic, &image);
    ioapic_restore(&ioapic, &image);
    assert_int_equal(io_sends, 5); /* the edge line of pin 4 is an edge again after a restore */
    ioapic_write(&ioapic, 0, 0xff);
    assert_int_equal(ioapic_read(&ioapic, 0x10), 0);
    ioapic_write(&ioapic, 0x10, 0xffffffff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_priorities),   cmocka_unit_test(test_level_eoi),
        cmocka_unit_test(test_disabled),     cmocka_unit_test(test_illegal_vector),
        cmocka_unit_test(test_ipi),          cmocka_unit_test(test_init_sipi),
        cmocka_unit_test(test_destinations), cmocka_unit_test(test_modes),
        cmocka_unit_test(test_timer),        cmocka_unit_test(test_tsc_deadline),
        cmocka_unit_test(test_save_restore), cmocka_unit_test(test_ioapic),
    };

    return cmocka_run_group_tests_name("lapic", tests, NULL, NULL);
}
