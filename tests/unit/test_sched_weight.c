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
        double ratio = (double)sched_nice_weight(nice) / sched_nice_weight(nice + 1);

        assert_true(ratio > 1.15 && ratio < 1.35);
    }
    assert_int_equal(sched_nice_weight(0), SCHED_WEIGHT_NICE0);
}

static void test_cgroup_weight_scales(void **state)
{
    (void)state;
    assert_int_equal(sched_group_weight(100), SCHED_WEIGHT_NICE0);
    assert_int_equal(sched_group_weight(200), 2 * SCHED_WEIGHT_NICE0);
    assert_int_equal(sched_group_weight(10000), 100 * SCHED_WEIGHT_NICE0);
    assert_true(sched_group_weight(1) >= 1); /* never nothing */
    assert_int_equal(sched_share_outside(1, 1000000, 1), 1);
    assert_int_equal(sched_share_outside(5, 0, 1024), 5); /* nothing to divide by yet */
    assert_int_equal(sched_share_inside(5, 1024, 0), 5);
    assert_int_equal(sched_share_inside(1, 1, 1000000), 1);
}

enum { MAX = 16 };

/* What each of n with these shares gets of the CPU: always the one with the least virtual time runs. */
static void run(const uint64_t *shares, unsigned n, double *parts)
{
    uint64_t virtual[MAX] = {0}, ran[MAX] = {0}, rounds = 400000;

    for (uint64_t round = 0; round < rounds; round++) {
        unsigned least = 0;

        for (unsigned i = 1; i < n; i++) {
            if (sched_earlier(virtual[i], virtual[least]))
                least = i;
        }
        ran[least]++;
        virtual[least] += sched_virtual(1000, shares[least]);
    }
    for (unsigned i = 0; i < n; i++)
        parts[i] = (double)ran[i] / (double)rounds;
}

static void assert_near(double got, double want)
{
    assert_true(got > want * 0.99 && got < want * 1.01);
}

static void test_shares_follow_weights(void **state)
{
    uint32_t weights[3] = {sched_nice_weight(0), sched_nice_weight(5), sched_group_weight(300)};
    uint64_t shares[3];
    double parts[3];

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        shares[i] = sched_share(weights[i]);
    run(shares, 3, parts);
    for (unsigned i = 0; i < 3; i++)
        assert_near(parts[i], (double)weights[i] / (weights[0] + weights[1] + weights[2]));
}

/* A group's threads together get what its weight says, however many there are. */
static void test_many_threads_share_their_groups_weight(void **state)
{
    const uint32_t nice0 = sched_nice_weight(0), group = sched_group_weight(100), light = sched_group_weight(1);
    uint64_t shares[9];
    double parts[9], many = 0;

    (void)state;
    shares[0] = sched_share_outside(sched_share(nice0), nice0, group);
    for (unsigned i = 1; i < 9; i++)
        shares[i] = sched_share_outside(sched_share(nice0), 8 * nice0, group);
    run(shares, 9, parts);
    for (unsigned i = 1; i < 9; i++)
        many += parts[i];
    assert_near(parts[0], 0.5);
    assert_near(many, 0.5);

    /* The fraction counts: eight of the lightest group, beside one of the same weight. */
    shares[0] = sched_share_outside(sched_share(nice0), nice0, light);
    for (unsigned i = 1; i < 9; i++)
        shares[i] = sched_share_outside(sched_share(nice0), 8 * nice0, light);
    run(shares, 9, parts);
    assert_near(parts[0], 0.5);
}

/* Half of a group is another group, with threads of its own: they have half of the whole's part. */
static void test_groups_in_groups(void **state)
{
    const uint32_t nice0 = sched_nice_weight(0), group = sched_group_weight(100);
    uint64_t shares[5] = {sched_share(nice0)}; /* in the root */
    double parts[5];

    (void)state;
    shares[1] = sched_share_outside(sched_share(nice0), nice0 + group, group); /* beside the inner group */
    for (unsigned i = 2; i < 5; i++) {
        shares[i] = sched_share_outside(sched_share(nice0), 3 * nice0, group);
        shares[i] = sched_share_outside(shares[i], nice0 + group, group);
        /* The same from above: the inner group's share, and its part. */
        assert_int_equal(sched_share_inside(sched_share_outside(sched_share(group), nice0 + group, group),
                                            nice0, 3 * nice0), shares[i]);
    }
    run(shares, 5, parts);
    assert_near(parts[0], 0.5);
    assert_near(parts[1], 0.25);
    for (unsigned i = 2; i < 5; i++)
        assert_near(parts[i], 0.25 / 3);
}

/* Whoever has run alone for hours has not run for less than nothing. */
static void test_long_runs_do_not_overflow(void **state)
{
    (void)state;
    for (uint64_t ns = 1; ns < 1ULL << 60; ns *= 2)
        assert_true(sched_virtual(ns, 2 * SCHED_SHARE_NICE0) >= sched_virtual(ns / 2, 2 * SCHED_SHARE_NICE0));
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
        cmocka_unit_test(test_shares_follow_weights),
        cmocka_unit_test(test_many_threads_share_their_groups_weight), cmocka_unit_test(test_groups_in_groups),
        cmocka_unit_test(test_long_runs_do_not_overflow), cmocka_unit_test(test_virtual_time_wraps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
