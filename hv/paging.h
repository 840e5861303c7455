/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's own page tables: guest-linear to guest-physical, as its CPU would
 * walk them. For fetching an instruction that has to be decoded and for string
 * I/O. Pure: guest memory is reached through the caller's functions.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "regs.h"

#define PAGING_WRITE 1u
#define PAGING_EXEC  2u
#define PAGING_USER  4u /* CPL 3, or an access that counts as user's */

#define PF_PRESENT  0x01u
#define PF_WRITE    0x02u
#define PF_USER     0x04u
#define PF_RESERVED 0x08u
#define PF_FETCH    0x10u

struct paging {
    uint64_t cr0, cr3, cr4, efer, rflags;
    unsigned int phys_bits; /* the guest's MAXPHYADDR: bits above it are reserved */
    void *ctx;
    /* size 4 or 8. 0 or -EFAULT: no memory there. */
    int (*read)(void *ctx, gpa_t gpa, void *buf, unsigned int size);
    /* Set accessed and dirty bits: 0, -EAGAIN (it changed: walk again), -EFAULT. NULL: leave them. */
    int (*update)(void *ctx, gpa_t gpa, uint32_t expected, uint32_t desired);
};

/*
 * 0 with *gpa; 1 when the guest gets a page fault with *error; -EFAULT when the
 * tables lie outside of memory.
 */
int paging_translate(const struct paging *paging, gva_t gva, unsigned int access, gpa_t *gpa,
                     uint32_t *error);
