/* SPDX-License-Identifier: BSD-2-Clause */
/* Error numbers for the pure parts of hv, which are also built on the host for the unit tests. */
#pragma once

#ifdef UNIT_TEST
#include <errno.h>
#else
#include <kernel/errno.h>
#endif
