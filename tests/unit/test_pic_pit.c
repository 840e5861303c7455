/* SPDX-License-Identifier: BSD-2-Clause */
/* The 8259 pair and the 8254, as state machines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "hv/pic.h"
#include "hv/pit.h"

static void program(struct pic *pic, uint8_t master_icw4)
{
    pic_init(pic);
    pic_write(pic, 0x20, 0x11);
    pic_write(pic, 0x21, 0x30);
    pic_write(pic, 0x21, 0x04);
    pic_write(pic, 0x21, master_icw4);
    pic_write(pic, 0xa0, 0x11);
    pic_write(pic, 0xa1, 0x38);
    pic_write(pic, 0xa1, 0x02);
    pic_write(pic, 0xa1, 0x01);
}

static void test_edge(void **state)
{
    struct pic pic;

    (void)state;
    program(&pic, 1);
    assert_false(pic.output);
    assert_int_equal(pic_set_line(&pic, 4, true), 1);
    assert_true(pic.output);
    assert_int_equal(pic_acknowledge(&pic), 0x34);
    assert_false(pic.output);
    pic_set_line(&pic, 4, true); /* still high: no edge */
    assert_false(pic.output);
    pic_set_line(&pic, 4, false);
    pic_set_line(&pic, 4, true);
    assert_false(pic.output); /* in service */
    pic_set_line(&pic, 1, true);
    assert_true(pic.output); /* higher priority nests */
    assert_int_equal(pic_acknowledge(&pic), 0x31);
    pic_write(&pic, 0x20, 0x20);
    pic_write(&pic, 0x20, 0x20);
    assert_true(pic.output);
    assert_int_equal(pic_acknowledge(&pic), 0x34);
}

static void test_slave(void **state)
{
    struct pic pic;

    (void)state;
    program(&pic, 1);
    pic_set_line(&pic, 8, true);
    assert_true(pic.output);
    assert_int_equal(pic_acknowledge(&pic), 0x38);
    pic_write(&pic, 0x20, 0x0b);
    assert_int_equal(pic_read(&pic, 0x20), 1 << 2);
    pic_write(&pic, 0xa0, 0x60); /* specific EOI 0 */
    pic_write(&pic, 0x20, 0x62);
    assert_int_equal(pic_read(&pic, 0x20), 0);
    assert_false(pic.output);
}

static void test_mask_and_spurious(void **state)
{
    struct pic pic;

    (void)state;
    program(&pic, 1);
    pic_write(&pic, 0x21, 0x10);
    assert_int_equal(pic_set_line(&pic, 4, true), -1);
    assert_false(pic.output);
    assert_int_equal(pic_acknowledge(&pic), 0x37);
    pic_write(&pic, 0x21, 0);
    assert_true(pic.output); /* the edge was kept */
}

static void test_level(void **state)
{
    struct pic pic;

    (void)state;
    program(&pic, 1);
    pic_write(&pic, 0x4d0, 0xff);
    pic_write(&pic, 0x4d1, 0xff);
    assert_int_equal(pic_read(&pic, 0x4d0), 0xf8);
    assert_int_equal(pic_read(&pic, 0x4d1), 0xde);
    pic_set_line(&pic, 5, true);
    assert_int_equal(pic_acknowledge(&pic), 0x35);
    pic_write(&pic, 0x20, 0x20);
    assert_true(pic.output); /* still asserted */
    pic_set_line(&pic, 5, false);
    assert_false(pic.output);
}

static void test_auto_eoi_rotate(void **state)
{
    struct pic pic;

    (void)state;
    program(&pic, 3);
    pic_set_line(&pic, 3, true);
    assert_int_equal(pic_acknowledge(&pic), 0x33);
    pic_write(&pic, 0x20, 0x0b);
    assert_int_equal(pic_read(&pic, 0x20), 0);
    pic_write(&pic, 0x20, 0xc3); /* 4 is the highest now */
    pic_set_line(&pic, 0, true);
    pic_set_line(&pic, 6, true);
    assert_int_equal(pic_acknowledge(&pic), 0x36);
    pic_write(&pic, 0x20, 0x0c); /* poll */
    assert_int_equal(pic_read(&pic, 0x20), 0x80);
    assert_int_equal(pic_read(&pic, 0x20), 0); /* one read only: now ISR */
}

static void test_ports(void **state)
{
    struct pic pic;
    struct kvm_pic_state hostile;

    (void)state;
    assert_true(pic_owns_port(0x20) && pic_owns_port(0x21) && pic_owns_port(0xa0) && pic_owns_port(0xa1));
    assert_true(pic_owns_port(0x4d0) && pic_owns_port(0x4d1));
    assert_false(pic_owns_port(0x22) || pic_owns_port(0xa2) || pic_owns_port(0x4d2) || pic_owns_port(0));
    memset(&hostile, 0xff, sizeof(hostile));
    pic_init(&pic);
    pic_restore(&pic, 0, &hostile);
    pic_restore(&pic, 1, &hostile);
    for (unsigned int irq = 0; irq < 16; irq++)
        (void)pic_set_line(&pic, irq, true);
    (void)pic_acknowledge(&pic);
    pic_write(&pic, 0x21, 0xff);
}

#define MSEC 1000000ULL

static void test_periodic(void **state)
{
    struct pit pit;

    (void)state;
    pit_init(&pit, 1);
    assert_int_equal(pit_deadline(&pit), 0);
    pit_write(&pit, 0x43, 0x34, 10);
    assert_int_equal(pit_deadline(&pit), 0); /* waits for the count */
    pit_write(&pit, 0x40, 0x9c, 10);
    pit_write(&pit, 0x40, 0x2e, 10 * MSEC); /* 11932: 10 ms */
    assert_in_range(pit_deadline(&pit), 19999000, 20001000);
    assert_false(pit_expire(&pit, 19 * MSEC));
    assert_true(pit_expire(&pit, 20001000));
    assert_in_range(pit_deadline(&pit), 29999000, 30001000);
    assert_true(pit_expire(&pit, 95 * MSEC)); /* late: in phase, not in a burst */
    assert_in_range(pit_deadline(&pit), 99999000, 100003000);

    pit_write(&pit, 0x43, 0x00, 15 * MSEC); /* latch: half way */
    uint16_t count = pit_read(&pit, 0x40, 15 * MSEC);
    count |= (uint16_t)(pit_read(&pit, 0x40, 18 * MSEC) << 8);
    assert_in_range(count, 5960, 5972);
}

static void test_oneshot(void **state)
{
    struct pit pit;

    (void)state;
    pit_init(&pit, 1);
    pit_write(&pit, 0x43, 0x38, 1); /* mode 4, as Linux's clock event uses it */
    pit_write(&pit, 0x40, 0xff, MSEC);
    pit_write(&pit, 0x40, 0x0f, MSEC);
    assert_in_range(pit_deadline(&pit), 4431000, 4433000);
    assert_true(pit_expire(&pit, 5 * MSEC));
    assert_int_equal(pit_deadline(&pit), 0);
    assert_false(pit_expire(&pit, 6 * MSEC));
    /* A period of nanoseconds is not granted. */
    pit_write(&pit, 0x43, 0x14, MSEC);
    pit_write(&pit, 0x40, 0x01, MSEC);
    assert_true(pit_deadline(&pit) >= MSEC + 100000);
}

/* While the HPET stands in for it, the PIT raises nothing; afterwards it goes on from its count. */
static void test_hpet_legacy(void **state)
{
    struct kvm_pit_state2 saved;
    struct pit pit;

    (void)state;
    pit_init(&pit, 1);
    pit_write(&pit, 0x43, 0x34, MSEC);
    pit_write(&pit, 0x40, 0xa9, MSEC); /* 1193: a millisecond */
    pit_write(&pit, 0x40, 0x04, MSEC);
    assert_in_range(pit_deadline(&pit), 1990000, 2010000);
    pit_save(&pit, &saved);
    saved.flags |= KVM_PIT_FLAGS_HPET_LEGACY;
    pit_restore(&pit, &saved, 2 * MSEC);
    assert_int_equal(pit_deadline(&pit), 0);
    pit_write(&pit, 0x40, 0xa9, 3 * MSEC);
    pit_write(&pit, 0x40, 0x04, 3 * MSEC);
    assert_int_equal(pit_deadline(&pit), 0);
    pit_save(&pit, &saved);
    saved.flags &= ~(uint32_t)KVM_PIT_FLAGS_HPET_LEGACY;
    pit_restore(&pit, &saved, 4 * MSEC);
    assert_in_range(pit_deadline(&pit), 4990000, 5010000);
}

/* How Linux and firmware calibrate: gate on, count in mode 0, poll bit 5 of port 0x61. */
static void test_speaker_gate(void **state)
{
    struct pit pit;

    (void)state;
    pit_init(&pit, 1);
    pit_write(&pit, 0x61, 0x01, 1);
    pit_write(&pit, 0x43, 0xb0, 1);
    pit_write(&pit, 0x42, 0x9c, 1);
    pit_write(&pit, 0x42, 0x2e, 10 * MSEC);
    assert_false(pit_read(&pit, 0x61, 19 * MSEC) & 0x20);
    assert_true(pit_read(&pit, 0x61, 21 * MSEC) & 0x20);
    assert_true(pit_read(&pit, 0x61, 21 * MSEC) & 0x01);
    assert_int_equal(pit_deadline(&pit), 0); /* channel 2 raises nothing */
    assert_true(pit_owns_port(&pit, 0x43));
    assert_true(pit_owns_port(&pit, 0x61));
    assert_false(pit_owns_port(&pit, 0x44));
}

static void test_readback(void **state)
{
    struct pit pit;

    (void)state;
    pit_init(&pit, 1);
    pit_write(&pit, 0x43, 0x36, 1);
    pit_write(&pit, 0x40, 0, 1);
    pit_write(&pit, 0x40, 0, 1);
    pit_write(&pit, 0x43, 0xe2, 1); /* status of channel 0 */
    assert_int_equal(pit_read(&pit, 0x40, 1), 0x80 | 0x36);
}

static void test_hostile_restore(void **state)
{
    struct kvm_pit_state2 hostile;
    struct pit pit;

    (void)state;
    pit_init(&pit, 1);
    for (unsigned int mode = 0; mode < 256; mode++) {
        memset(&hostile, mode & 1 ? 0xff : 0, sizeof(hostile));
        for (unsigned int i = 0; i < 3; i++)
            hostile.channels[i].mode = (uint8_t)mode;
        pit_restore(&pit, &hostile, MSEC);
        for (uint16_t port = 0x40; port < 0x44; port++) {
            (void)pit_read(&pit, port, 7 * MSEC);
            (void)pit_read(&pit, port, UINT64_MAX / 2);
            pit_write(&pit, port, 0xff, 8 * MSEC);
        }
        (void)pit_read(&pit, 0x61, 9 * MSEC);
        (void)pit_expire(&pit, UINT64_MAX / 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edge),         cmocka_unit_test(test_slave),
        cmocka_unit_test(test_mask_and_spurious), cmocka_unit_test(test_level),
        cmocka_unit_test(test_auto_eoi_rotate),   cmocka_unit_test(test_ports),
        cmocka_unit_test(test_periodic),     cmocka_unit_test(test_oneshot),
        cmocka_unit_test(test_speaker_gate), cmocka_unit_test(test_readback),
        cmocka_unit_test(test_hostile_restore),   cmocka_unit_test(test_hpet_legacy),
    };

    return cmocka_run_group_tests_name("pic_pit", tests, NULL, NULL);
}
