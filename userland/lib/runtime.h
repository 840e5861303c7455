/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "err.h"

/*
 * What all containers share, made once after boot by whoever needs it first:
 * the read-only copy of the supervisor and the read-only device nodes.
 */
int runtime_prepare(struct err *e);
/* The path to execute it by. */
const char *runtime_supervisor(void);
