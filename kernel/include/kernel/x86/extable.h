/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fault fix-up: kernel instructions that may fault, and where to go on when
 * they do. Only pairs listed here survive a fault in kernel mode; everything
 * else panics. linker.ld gathers them between extable_start and extable_end;
 * entry.asm and usercopy.asm write theirs with the macro EXTABLE.
 */
#pragma once

#include <kernel/types.h>

struct extable_entry {
    uint64_t insn;  /* address of the instruction that may fault */
    uint64_t fixup; /* where it continues, registers as they were */
};

/* Inside an asm statement, with numeric labels: EXTABLE("1b", "2f"). */
#define EXTABLE(insn, fixup)                                                                       \
    ".pushsection .extable, \"a\"\n\t"                                                             \
    ".balign 8\n\t"                                                                                \
    ".quad " insn ", " fixup "\n\t"                                                                \
    ".popsection\n\t"
