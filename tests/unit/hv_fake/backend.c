/* SPDX-License-Identifier: BSD-2-Clause */
/* What back ends for tests have in common; see backend.h. */
#include "backend.h"

int fake_probe(const char **why)
{
    (void)why;
    return 0;
}

int fake_cpu_on(void)
{
    return 0;
}

bool fake_can_rdtscp(void)
{
    return true;
}

int fake_vm_init(struct vm *vm)
{
    (void)vm;
    return 0;
}

void fake_vm_fini(struct vm *vm)
{
    (void)vm;
}
