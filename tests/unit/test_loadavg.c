/* SPDX-License-Identifier: BSD-2-Clause */
/* Load averages from the time that threads were runnable. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/proc/loadavg.h"

#define SECOND 1000000000ULL

static void approaches_what_is_running(void **state)
{
    struct loadavg l = {0};

    (void)state;
    for (int i = 0; i < 60 * 100; i++)
        loadavg_add(&l, SECOND / 100, 2);
    assert_in_range(l.average[0], LOAD_ONE * 124 / 100, LOAD_ONE * 128 / 100); /* 2 (1 - 1/e) */
    assert_true(l.average[0] > l.average[1] && l.average[1] > l.average[2]);
    for (int i = 0; i < 3600; i++)
        loadavg_add(&l, SECOND, 2);
    for (int i = 0; i < 3; i++)
        assert_in_range(l.average[i], 2 * LOAD_ONE - 120, 2 * LOAD_ONE + 120);
}

static void one_long_sleep_counts_like_many_short_ones(void **state)
{
    struct loadavg a = {.average = {4096, 4096, 4096}}, b = a;

    (void)state;
    loadavg_add(&a, 120 * SECOND, 0);
    for (int i = 0; i < 120; i++)
        loadavg_add(&b, SECOND, 0);
    for (int i = 0; i < 3; i++)
        assert_in_range(a.average[i], b.average[i] - 20, b.average[i] + 20);
}

static void survives_years(void **state)
{
    struct loadavg l = {.average = {~0u, ~0u, ~0u}};

    (void)state;
    loadavg_add(&l, 10ULL * 365 * 86400 * SECOND, 1);
    for (int i = 0; i < 3; i++)
        assert_in_range(l.average[i], LOAD_ONE - 2, LOAD_ONE + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(approaches_what_is_running),
        cmocka_unit_test(one_long_sleep_counts_like_many_short_ones),
        cmocka_unit_test(survives_years),
    };

    return cmocka_run_group_tests_name("load average", tests, NULL, NULL);
}
