/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's ABI headers for processes, signals and IPC against the system's (proc_abi_list.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernel/abi/ipc.h"
#include "kernel/abi/process.h"
#include "kernel/abi/signal.h"

#define CONSTANT(name)            {#name, (int64_t)(name)},
#define SIZE(ours, theirs)        {"sizeof " #ours, (int64_t)sizeof(struct ours)},
#define FIELD(ours, f, theirs, g) {#ours "." #f, (int64_t)offsetof(struct ours, f)},
static const struct {
    const char *name;
    int64_t value;
} ours[] = {
#include "proc_abi_list.h"
};
extern const int64_t proc_abi_linux[];

static void test_same_as_the_systems(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        if (ours[i].value != proc_abi_linux[i])
            fail_msg("%s: %ld, the system has %ld", ours[i].name, (long)ours[i].value,
                     (long)proc_abi_linux[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_as_the_systems)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
