/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Error numbers and memory functions for the pure parts of hv, which are built for
 * the kernel and, for the unit tests, for the build host.
 */
#pragma once

#ifdef UNIT_TEST
#include <assert.h>
#include <errno.h>
#include <string.h>
#else
#include <kernel/errno.h>
#include <kernel/log.h>
#include <kernel/string.h>
#endif
