/* SPDX-License-Identifier: BSD-2-Clause */
/* The guests' flat binaries, as bytes of the test program. The Makefile tells where they are. */
#include "guest_list.h"

#define IMAGE(name)                          \
    __asm__(".section .rodata\n"             \
            ".global guest_" #name "\n"      \
            ".global guest_" #name "_end\n"  \
            "guest_" #name ":\n"             \
            ".incbin \"" #name ".bin\"\n"    \
            "guest_" #name "_end:\n"         \
            ".previous\n");

GUEST_LIST(IMAGE)
