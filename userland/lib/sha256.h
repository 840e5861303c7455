/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <mbedtls/sha256.h>
#include <stddef.h>

/* SHA-256 as lower-case hex, which is how OCI writes digests. */

enum { SHA256_HEX = 64 };

struct sha256 {
    mbedtls_sha256_context ctx;
};

void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *data, size_t len);
void sha256_hex(struct sha256 *s, char hex[SHA256_HEX + 1]);
