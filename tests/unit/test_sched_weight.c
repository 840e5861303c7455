/* SPDX-License-Identifier: BSD-2-Clause */
/* Shares of the CPU: nice values and cgroup weights. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernel/proc/sched_weight.h"

static void test_each_step_of_nice_is_a_quarter(void **state)
{
    (void)state;
    for (int nice = NICE_MIN; nice < NICE_MAX; nice++) {
        double ratio = (double)sched_weight(nice, 100) / sched_weight(nice + 1, 100);

        assert_true(ratio > 1.15 && ratio < 1.35);
    }
    assert_int_equal(sched_weight(0, 100), SCHED_WEIGHT_NICE0);
}

static void test_cgroup_weight_scales(void **state)
{
    (void)state;
    assert_int_equal(sched_weight(0, 200), 2 * SCHED_WEIGHT_NICE0);
    assert_int_equal(sched_weight(0, 10000), 100 * SCHED_WEIGHT_NICE0);
    assert_int_equal(sched_weight(NICE_MAX, 1), 1); /* never nothing */
}

/* Always running the one with the least virtual time gives shares in proportion to weight. */
static void test_shares_follow_weights(void **state)
{
    uint32_t weights[3] = {sched_weight(0, 100), sched_weight(5, 100), sched_weight(0, 300)};
    uint64_t virtual[3] = {0}, ran[3] = {0}, total = 0;

    (void)state;
    for (unsigned n = 0; n < 200000; n++) {
        unsigned least = 0;

        for (unsigned i = 1; i < 3; i++) {
            if (sched_earlier(virtual[i], virtual[least]))
                least = i;
        }
        ran[least] += 1000;
        virtual[least] += sched_virtual(1000, weights[least]);
        total += 1000;
    }
    for (unsigned i = 0; i < 3; i++) {
        double want = (double)weights[i] / (weights[0] + weights[1] + weights[2]);
        double got = (double)ran[i] / (double)total;

        assert_true(got > want * 0.99 && got < want * 1.01);
    }
}

static void test_virtual_time_wraps(void **state)
{
    (void)state;
    assert_true(sched_earlier(UINT64_MAX, 5));
    assert_false(sched_earlier(5, UINT64_MAX));
    assert_false(sched_earlier(5, 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_step_of_nice_is_a_quarter), cmocka_unit_test(test_cgroup_weight_scales),
        cmocka_unit_test(test_shares_follow_weights), cmocka_unit_test(test_virtual_time_wraps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
