/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operations of a back end that have nothing to do in a test: for the struct hv_ops of one
 * that has its own enter() and whatever else it wants to see.
 */
#pragma once

#include "hv/hv.h"

int fake_probe(const char **why);
int fake_cpu_on(void);
bool fake_can_rdtscp(void);
int fake_vm_init(struct vm *vm);
void fake_vm_fini(struct vm *vm);
