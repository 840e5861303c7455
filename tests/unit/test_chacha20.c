/* SPDX-License-Identifier: BSD-2-Clause */
/* ChaCha20 against the test vectors of RFC 8439. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernel/dev/chacha20.h"

/* Section "Test Vector for the ChaCha20 Block Function" */
static void block_of_rfc8439(void **state)
{
    static const uint8_t nonce[12] = {0, 0, 0, 9, 0, 0, 0, 0x4a, 0, 0, 0, 0};
    static const uint8_t expected[CHACHA20_BLOCK] = {
        0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd, 0x1f, 0xa3,
        0x20, 0x71, 0xc4, 0xc7, 0xd1, 0xf4, 0xc7, 0x33, 0xc0, 0x68, 0x03, 0x04, 0x22,
        0xaa, 0x9a, 0xc3, 0xd4, 0x6c, 0x4e, 0xd2, 0x82, 0x64, 0x46, 0x07, 0x9f, 0xaa,
        0x09, 0x14, 0xc2, 0xd7, 0x05, 0xd9, 0x8b, 0x02, 0xa2, 0xb5, 0x12, 0x9c, 0xd1,
        0xde, 0x16, 0x4e, 0xb9, 0xcb, 0xd0, 0x83, 0xe8, 0xa2, 0x50, 0x3c, 0x4e};
    uint8_t key[CHACHA20_KEY], out[CHACHA20_BLOCK];

    (void)state;
    for (unsigned i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)i;
    chacha20_block(key, 1, nonce, out);
    assert_memory_equal(out, expected, sizeof(out));
}

/* Appendix "The ChaCha20 Block Functions", vectors 1 and 2: all zero, counters 0 and 1. */
static void blocks_of_zero_key(void **state)
{
    static const uint8_t first[16] = {0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90,
                                      0x40, 0x5d, 0x6a, 0xe5, 0x53, 0x86, 0xbd, 0x28};
    static const uint8_t second[16] = {0x9f, 0x07, 0xe7, 0xbe, 0x55, 0x51, 0x38, 0x7a,
                                       0x98, 0xba, 0x97, 0x7c, 0x73, 0x2d, 0x08, 0x0d};
    static const uint8_t zero[CHACHA20_KEY];
    uint8_t out[CHACHA20_BLOCK];

    (void)state;
    chacha20_block(zero, 0, zero, out);
    assert_memory_equal(out, first, sizeof(first));
    chacha20_block(zero, 1, zero, out);
    assert_memory_equal(out, second, sizeof(second));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(block_of_rfc8439),
                                       cmocka_unit_test(blocks_of_zero_key)};

    return cmocka_run_group_tests_name("chacha20", tests, NULL, NULL);
}
