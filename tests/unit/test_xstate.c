/* SPDX-License-Identifier: BSD-2-Clause */
/* What a program may put into a signal frame's floating-point image. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/x86/xstate.h"

#define XCR0 (XSTATE_X87 | XSTATE_SSE | XSTATE_AVX)
#define MASK 0xffffu
#define SIZE 832

static struct xstate good(void)
{
    struct xstate s;

    memset(&s, 0, sizeof(s));
    s.mxcsr = 0x1f80;
    s.xstate_bv = XCR0;
    s.software.magic1 = FP_XSTATE_MAGIC1;
    s.software.xstate_size = SIZE;
    s.software.extended_size = SIZE + 4;
    s.software.xfeatures = XCR0;
    return s;
}

static void takes_a_good_image(void **state)
{
    struct xstate s = good();

    (void)state;
    assert_true(xstate_is_loadable(&s, XCR0, MASK));
    s.xstate_bv = 0; /* everything in its initial state */
    assert_true(xstate_is_loadable(&s, XCR0, MASK));
}

static void refuses_what_xrstor_would(void **state)
{
    struct xstate s = good();

    (void)state;
    s.mxcsr = 0x10000;
    assert_false(xstate_is_loadable(&s, XCR0, MASK));
    s = good();
    s.mxcsr = 0x40; /* DAZ on a CPU without it */
    assert_false(xstate_is_loadable(&s, XCR0, 0xffbf));
    for (int bit = 3; bit < 64; bit++) {
        s = good();
        s.xstate_bv |= 1ULL << bit;
        assert_false(xstate_is_loadable(&s, XCR0, MASK));
    }
    for (int bit = 0; bit < 64; bit++) {
        s = good();
        s.xcomp_bv = 1ULL << bit;
        assert_false(xstate_is_loadable(&s, XCR0, MASK));
    }
    for (int word = 0; word < 6; word++) {
        s = good();
        s.reserved[word] = 1;
        assert_false(xstate_is_loadable(&s, XCR0, MASK));
    }
}

static void fxsave_has_only_mxcsr_to_check(void **state)
{
    struct xstate s = good();

    (void)state;
    s.xstate_bv = ~0ULL; /* beyond the image */
    assert_true(xstate_is_loadable(&s, 0, MASK));
    s.mxcsr = ~0u;
    assert_false(xstate_is_loadable(&s, 0, MASK));
    assert_false(xstate_is_extended(&s, 0, 512));
}

static void believes_only_a_consistent_description(void **state)
{
    struct xstate s = good();

    (void)state;
    assert_true(xstate_is_extended(&s, XCR0, SIZE));
    s.software.magic1++;
    assert_false(xstate_is_extended(&s, XCR0, SIZE));
    s = good();
    s.software.xstate_size++;
    assert_false(xstate_is_extended(&s, XCR0, SIZE));
    s = good();
    s.software.extended_size = SIZE;
    assert_false(xstate_is_extended(&s, XCR0, SIZE));
    s = good();
    s.software.xfeatures |= XSTATE_AVX512;
    assert_false(xstate_is_extended(&s, XCR0, SIZE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_a_good_image),
        cmocka_unit_test(refuses_what_xrstor_would),
        cmocka_unit_test(fxsave_has_only_mxcsr_to_check),
        cmocka_unit_test(believes_only_a_consistent_description),
    };

    return cmocka_run_group_tests_name("XSAVE images", tests, NULL, NULL);
}
