/* SPDX-License-Identifier: BSD-2-Clause */
/* Mount option strings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/fs/mount_options.h"

static struct mount_option only(const char *text)
{
    struct mount_option o;

    assert_true(mount_option_next(&text, &o));
    return o;
}

static void splits_at_commas_and_skips_empty_ones(void **state)
{
    const char *rest = ",size=64m,,ro,mode=,";
    struct mount_option o;

    (void)state;
    assert_true(mount_option_next(&rest, &o));
    assert_true(mount_option_is(&o, "size"));
    assert_int_equal(o.value_len, 3);
    assert_memory_equal(o.value, "64m", 3);
    assert_true(mount_option_next(&rest, &o));
    assert_true(mount_option_is(&o, "ro"));
    assert_null(o.value);
    assert_true(mount_option_next(&rest, &o));
    assert_true(mount_option_is(&o, "mode"));
    assert_int_equal(o.value_len, 0);
    assert_non_null(o.value);
    assert_false(mount_option_next(&rest, &o));
    rest = "";
    assert_false(mount_option_next(&rest, &o));
}

static void compares_whole_names(void **state)
{
    struct mount_option o = only("size=1");

    (void)state;
    assert_false(mount_option_is(&o, "siz"));
    assert_false(mount_option_is(&o, "sizes"));
    assert_true(mount_option_is(&o, "size"));
}

static void reads_sizes_with_suffixes(void **state)
{
    static const struct {
        const char *text;
        int err;
        uint64_t value;
    } t[] = {
        {"s=0", 0, 0},
        {"s=0k", 0, 0},
        {"s=4096", 0, 4096},
        {"s=65536k", 0, 65536ull << 10},
        {"s=64M", 0, 64ull << 20},
        {"s=2g", 0, 2ull << 30},
        {"s=50%", 0, 500},
        {"s=", -22, 0},
        {"s", -22, 0},
        {"s=k", -22, 0},
        {"s=-1", -22, 0},
        {"s=1kk", -22, 0},
        {"s=1x", -22, 0},
        {"s=18446744073709551615", 0, UINT64_MAX},
        {"s=18446744073709551616", -22, 0},
        {"s=18446744073709551615k", -22, 0},
        {"s=2000%", -22, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        struct mount_option o = only(t[i].text);
        uint64_t v = 0;

        assert_int_equal(mount_option_size(&o, 1000, &v), t[i].err);
        if (t[i].err == 0)
            assert_int_equal(v, t[i].value);
    }
}

static void reads_numbers_of_a_base_up_to_a_limit(void **state)
{
    struct mount_option o = only("mode=1777");
    uint64_t v;

    (void)state;
    assert_int_equal(mount_option_number(&o, 8, 07777, &v), 0);
    assert_int_equal(v, 01777);
    assert_int_equal(mount_option_number(&o, 8, 0777, &v), -22);
    o = only("mode=789");
    assert_int_equal(mount_option_number(&o, 8, 07777, &v), -22);
    o = only("uid=0x10");
    assert_int_equal(mount_option_number(&o, 10, UINT32_MAX, &v), -22);
    o = only("uid=4294967295");
    assert_int_equal(mount_option_number(&o, 10, UINT32_MAX - 1, &v), -22);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_at_commas_and_skips_empty_ones),
        cmocka_unit_test(compares_whole_names),
        cmocka_unit_test(reads_sizes_with_suffixes),
        cmocka_unit_test(reads_numbers_of_a_base_up_to_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
