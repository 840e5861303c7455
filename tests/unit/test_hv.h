/* SPDX-License-Identifier: BSD-2-Clause */
/* The tests of the generic part of hv, by theme: how many have failed. */
#pragma once

int hv_ioctl_tests(void);
int hv_io_tests(void);
int hv_irq_tests(void);
int hv_noise_tests(void);
