/* SPDX-License-Identifier: BSD-2-Clause */
/* Random bytes: a ChaCha20 generator seeded at boot (kernel/dev/random.c). Any context. */
#pragma once

#include <kernel/types.h>

void random_init(const uint8_t seed[32]);
void random_bytes(void *buf, size_t n);
void random_add(const void *data, size_t n); /* writes to /dev/random: mixed in */
