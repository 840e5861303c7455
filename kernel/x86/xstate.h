/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The XSAVE image and its place in a signal frame, as the x86-64 Linux ABI has
 * it: the image in standard format; in the legacy area's last 48 bytes, which
 * the CPU leaves to software, a description of what follows; a second magic
 * number after the image, so that a truncated frame is noticed.
 */
#pragma once

#include <kernel/types.h>

#define XSTATE_X87 BIT(0)
#define XSTATE_SSE BIT(1)
#define XSTATE_AVX BIT(2)
#define XSTATE_AVX512 (BIT(5) | BIT(6) | BIT(7)) /* all three or none */

#define XSTATE_LEGACY_SIZE 512 /* FXSAVE's */
#define XSTATE_HEADER_SIZE 64
#define XSTATE_MIN_SIZE    (XSTATE_LEGACY_SIZE + XSTATE_HEADER_SIZE)
#define XSTATE_MAX_SIZE    4096

#define FP_XSTATE_MAGIC1 0x46505853u
#define FP_XSTATE_MAGIC2 0x46505845u

/* Only the fields that software looks at. */
struct xstate {
    uint16_t fcw, fsw;
    uint8_t unused0[20];
    uint32_t mxcsr;
    uint32_t mxcsr_mask;
    uint8_t unused1[432];
    struct {
        uint32_t magic1;        /* FP_XSTATE_MAGIC1: there is more than the legacy area */
        uint32_t extended_size; /* of the image and the second magic number */
        uint64_t xfeatures;
        uint32_t xstate_size; /* of the image */
        uint32_t padding[7];
    } software;
    /* The XSAVE header; absent with FXSAVE. */
    uint64_t xstate_bv;
    uint64_t xcomp_bv;
    uint64_t reserved[6];
};
_Static_assert(offsetof(struct xstate, mxcsr) == 24, "SDM: FXSAVE layout");
_Static_assert(offsetof(struct xstate, software) == 464, "SDM: FXSAVE layout");
_Static_assert(offsetof(struct xstate, xstate_bv) == 512, "SDM: XSAVE header");
_Static_assert(sizeof(struct xstate) == XSTATE_MIN_SIZE, "SDM: XSAVE header");

/* Would XRSTOR (FXRSTOR when xcr0 is 0) take this image, whatever a program wrote into it? It
 * refuses reserved MXCSR bits, components that are not enabled, and a header that is not zero
 * where it is reserved. */
bool xstate_is_loadable(const struct xstate *image, uint64_t xcr0, uint32_t mxcsr_mask);
/* Does the frame's description say that an image of this size and these components follows? */
bool xstate_is_extended(const struct xstate *image, uint64_t xcr0, size_t size);
