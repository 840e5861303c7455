/* SPDX-License-Identifier: BSD-2-Clause */
/* Choosing among measurements of one frequency. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/x86/calibrate.h"

static void takes_those_that_agree(void **state)
{
    const uint64_t v[] = {2600000000, 3900000000, 2600100000, 2599900000};
    uint64_t hz;

    (void)state;
    assert_true(calibrate_pick(v, 4, 200, 3, &hz));
    assert_int_equal(hz, 2600000000);
}

static void wants_enough_of_them(void **state)
{
    const uint64_t v[] = {1000000, 1500000, 1000001};
    uint64_t hz;

    (void)state;
    assert_false(calibrate_pick(v, 3, 200, 3, &hz));
    assert_int_equal(hz, 1000000); /* the best guess all the same */
    assert_true(calibrate_pick(v, 3, 200, 2, &hz));
}

static void one_is_only_a_guess(void **state)
{
    const uint64_t v[] = {4000000};
    uint64_t hz;

    (void)state;
    assert_false(calibrate_pick(v, 1, 200, 2, &hz));
    assert_int_equal(hz, 4000000);
}

static void zeros_never_agree(void **state)
{
    const uint64_t v[] = {0, 0, 0};
    uint64_t hz = 1;

    (void)state;
    assert_false(calibrate_pick(v, 3, 200, 1, &hz));
    assert_int_equal(hz, 0);
}

static void survives_huge_values(void **state)
{
    const uint64_t v[] = {UINT64_MAX, UINT64_MAX, UINT64_MAX};
    uint64_t hz;

    (void)state;
    assert_true(calibrate_pick(v, 3, 1000, 3, &hz));
    assert_true(hz == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_those_that_agree), cmocka_unit_test(wants_enough_of_them),
        cmocka_unit_test(one_is_only_a_guess),    cmocka_unit_test(zeros_never_agree),
        cmocka_unit_test(survives_huge_values),
    };

    return cmocka_run_group_tests_name("calibration", tests, NULL, NULL);
}
