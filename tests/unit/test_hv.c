/* SPDX-License-Identifier: BSD-2-Clause */
/* The generic part of hv, whole, under a back end that plays scripts: one program, for it takes long to compile. */
#include "hv_fake/scripted_vm.h"
#include "test_hv.h"

int main(void)
{
    scripted_vm_init();
    return hv_ioctl_tests() + hv_io_tests() + hv_irq_tests() + hv_noise_tests();
}
