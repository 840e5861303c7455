/* SPDX-License-Identifier: BSD-2-Clause */
/* SHA-256 by mbedtls. */
#include "sha256.h"

void sha256_init(struct sha256 *s)
{
    mbedtls_sha256_init(&s->ctx);
    (void)mbedtls_sha256_starts_ret(&s->ctx, 0); /* fails only for bad arguments */
}

void sha256_add(struct sha256 *s, const void *data, size_t len)
{
    (void)mbedtls_sha256_update_ret(&s->ctx, data, len);
}

void sha256_hex(struct sha256 *s, char hex[SHA256_HEX + 1])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char raw[32];

    (void)mbedtls_sha256_finish_ret(&s->ctx, raw);
    for (size_t i = 0; i < sizeof(raw); i++) {
        hex[2 * i] = digits[raw[i] >> 4];
        hex[2 * i + 1] = digits[raw[i] & 15];
    }
    hex[SHA256_HEX] = '\0';
    mbedtls_sha256_free(&s->ctx);
}
