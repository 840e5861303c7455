/* SPDX-License-Identifier: BSD-2-Clause */
/* The ChaCha20 block function (RFC 8439, section "The ChaCha20 Block Function"). */
#pragma once

#include <stdint.h>

#define CHACHA20_KEY   32
#define CHACHA20_BLOCK 64

/* 64 bytes of key stream for this key, block number and nonce. */
void chacha20_block(const uint8_t key[CHACHA20_KEY], uint32_t counter, const uint8_t nonce[12],
                    uint8_t out[CHACHA20_BLOCK]);
