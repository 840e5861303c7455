/* SPDX-License-Identifier: BSD-2-Clause */
/* hv/kvm_abi.h says the same as the headers that KVM's users are built with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "hv/kvm_abi.h"
#include "kvm_abi_test.h"

static const struct abi_fact ours[] = {
#include "kvm_abi_list.h"
};

static void test_same_as_linux(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        if (ours[i].value != abi_linux[i].value)
            fail_msg("%s: %#llx here, %#llx in the system's headers", ours[i].name, ours[i].value,
                     abi_linux[i].value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_as_linux)};

    return cmocka_run_group_tests_name("kvm_abi", tests, NULL, NULL);
}
