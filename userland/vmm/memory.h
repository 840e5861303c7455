/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest RAM: one anonymous mapping, seen by the guest in up to two pieces, since
 * the 1 GiB below 4 GiB belongs to devices. Guest-physical addresses are plain
 * integers; the only way to the bytes is guest_ptr(), which checks.
 */
#pragma once

#include <stdint.h>

typedef uint64_t gpa_t;

#define MIB              (1ULL << 20)
#define GIB              (1ULL << 30)
#define MEMORY_LOW_MAX   (3 * GIB) /* devices and the interrupt controllers are above */
#define MEMORY_HIGH_BASE (4 * GIB)

struct guest_memory {
    uint8_t *base;      /* 2 MiB aligned, so that large pages can be used for it */
    uint64_t size;      /* low_size + high_size */
    uint64_t low_size;  /* guest-physical 0 .. low_size */
    uint64_t high_size; /* guest-physical 4 GiB .. */
};

/* 0, or -errno. The memory is not touched: it costs what the guest uses of it. */
int memory_init(struct guest_memory *memory, uint64_t size);

/* Make all of it read as zero again, giving the pages back. */
int memory_clear(struct guest_memory *memory);

/* size bytes at gpa, or NULL unless all of them are RAM in one piece. */
void *guest_ptr(const struct guest_memory *memory, gpa_t gpa, uint64_t size);

/* Memory the machine could still give, in bytes; UINT64_MAX when it does not say. */
uint64_t memory_available(void);
