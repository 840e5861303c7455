/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Second-level page tables: guest-physical to host-physical. One radix-tree
 * walker, two entry formats (AMD nested paging: the CPU's ordinary format with
 * the user bit set everywhere; Intel EPT).
 *
 * Tables are built on demand, one entry for each fault, and torn down by range.
 * Nothing here pins a page: whoever takes a page away calls
 * stage2_unmap_range() first and may reuse the page only after stage2_flushed()
 * says so for the generation that the unmap returned. Translations that a CPU
 * still keeps are the reason: see "Generations" below.
 *
 * Generations. Each change that removes or narrows a translation increments
 * s2->generation. Each CPU that enters the guest first compares it with
 * s2->seen[cpu] and flushes if it differs. So a page is out of the guest's reach
 * once every CPU in s2->ran_on has seen a generation at least as new as the
 * unmap's, or has left the guest and will flush before it enters again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hv.h"

#define STAGE2_LEVELS  4
#define STAGE2_MAX_CPU 64
#define STAGE2_MAX_GPA (1ULL << 48)

struct stage2 {
    enum stage2_format format;
    uint64_t root_pa;    /* goes into VMCB nCR3 or, with the EPTP's low bits, the VMCS */
    bool has_large;      /* 2 MiB leaves allowed */
    uint64_t generation; /* of the newest removal */
    uint64_t seen[STAGE2_MAX_CPU]; /* generation up to which this CPU has flushed */
    uint64_t ran_on;     /* CPUs that may hold translations */
    uint64_t in_guest;   /* CPUs that are in the guest right now, or about to be */
    uint64_t pages;      /* table pages in use */
    void *owner;         /* passed to the page allocator: what the tables are charged to */
};
