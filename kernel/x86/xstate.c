/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks of XSAVE images that come from user mode: pure, also tested on the build host. */
#include "xstate.h"

bool xstate_is_loadable(const struct xstate *image, uint64_t xcr0, uint32_t mxcsr_mask)
{
    if (image->mxcsr & ~mxcsr_mask)
        return false;
    if (xcr0 == 0)
        return true;
    if (image->xstate_bv & ~xcr0 || image->xcomp_bv != 0)
        return false;
    for (unsigned i = 0; i < ARRAY_SIZE(image->reserved); i++)
        if (image->reserved[i] != 0)
            return false;
    return true;
}

bool xstate_is_extended(const struct xstate *image, uint64_t xcr0, size_t size)
{
    return xcr0 != 0 && image->software.magic1 == FP_XSTATE_MAGIC1 &&
           image->software.xstate_size == size &&
           image->software.extended_size == size + sizeof(uint32_t) &&
           (image->software.xfeatures & ~xcr0) == 0;
}
