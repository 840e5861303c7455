/* SPDX-License-Identifier: BSD-2-Clause */
/* Every constant and structure that user programs share with the kernel is Linux's: compared with
 * its headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "system_abi.h"

static void compare(const struct abi_value *ours, const struct abi_value *theirs, unsigned count)
{
    unsigned wrong = 0;

    for (unsigned i = 0; i < count; i++) {
        if (ours[i].value != theirs[i].value) {
            print_error("%s: %lld, the system has %lld\n", ours[i].name, ours[i].value,
                        theirs[i].value);
            wrong++;
        }
    }
    assert_true(count > 100);
    assert_int_equal(wrong, 0);
}

static void constants_and_structures(void **state)
{
    (void)state;
    compare(abi_of_kernel, abi_of_system, abi_values);
}

static void numbers_of_system_calls(void **state)
{
    (void)state;
    compare(calls_of_kernel, calls_of_system, abi_calls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(constants_and_structures),
                                       cmocka_unit_test(numbers_of_system_calls)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
