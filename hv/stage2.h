/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Second-level page tables: guest-physical to host-physical. One radix-tree
 * walker, two entry formats (AMD nested paging: the CPU's ordinary format with
 * the user bit set everywhere; Intel EPT).
 *
 * Tables are built on demand, one entry for each fault, and torn down by range.
 * Nothing here pins a page: whoever takes a page away first calls
 * stage2_unmap(), then waits until stage2_is_safe() before the page may be used
 * for something else. The caller serializes map and unmap (vm->s2_lock).
 *
 * Generations: how a page leaves the guest's reach. A CPU keeps translations
 * after their entry is gone, until it flushes. Each change that removes or narrows
 * a translation increments s2->generation. A CPU that goes into the guest first
 * announces itself and compares (stage2_enter), flushes if it has not seen the
 * newest generation, and takes its announcement back when it has left:
 *
 *     enters guest                        takes page away
 *     ------------                        ---------------
 *     in_guest |= cpu                     clear entry
 *     full barrier                        generation++
 *     if (seen[cpu] != generation)        full barrier
 *         flush, seen[cpu] = generation   kick every cpu in in_guest that has not seen it,
 *     run                                 wait until it has left
 *     in_guest &= ~cpu
 *
 * Either the entering CPU sees the new generation, or the other side sees it in
 * in_guest. What a CPU outside the guest still keeps does no harm: it flushes
 * before it enters again. Both emulators flush on every transition, so a mistake
 * here never shows there: the model is unit-tested, and vcpu.c asserts it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hv.h"

#define STAGE2_MAX_CPUS 64
#define STAGE2_GPA_BITS 48 /* four levels */

#define STAGE2_PAGE  (1ULL << 12)
#define STAGE2_LARGE (1ULL << 21)

struct stage2 {
    enum stage2_format format; /* [I] */
    bool has_large;            /* [I] 2 MiB leaves allowed */
    uint64_t root_pa;          /* [I] what the CPU is given as nCR3, or in the EPTP */
    void *owner;               /* [I] for the page allocator: what the tables are charged to */
    uint64_t table_pages;      /* [caller] */
    uint64_t retired;          /* [caller] tables out of the tree that a CPU may still walk; 0: none */
    uint64_t generation;       /* [a] of the newest removal */
    uint64_t in_guest;         /* [a] CPUs that are in the guest, or just before or behind it */
    uint64_t seen[STAGE2_MAX_CPUS]; /* [a] generation up to which this CPU has flushed */
};

/* 0 or -ENOMEM. */
int stage2_init(struct stage2 *s2, enum stage2_format format, bool has_large, void *owner);
void stage2_fini(struct stage2 *s2);

/*
 * Map size (STAGE2_PAGE or STAGE2_LARGE) bytes, both addresses aligned to it. access:
 * STAGE2_READ | STAGE2_EXEC always, STAGE2_WRITE if the page may be written. What was
 * there is replaced. 0, -ENOMEM, or -EEXIST: there are small pages where a large one
 * should go (map it small).
 */
int stage2_map(struct stage2 *s2, gpa_t gpa, uint64_t pa, uint64_t size, unsigned int access);

/* Remove every translation of [gpa, gpa + length): true if there was one (the generation is new). */
bool stage2_unmap(struct stage2 *s2, gpa_t gpa, uint64_t length);

/*
 * The same for [gpa, end), but only so much of it that the caller's lock is not held for long.
 * Returns where to go on; end: all are removed.
 */
#define STAGE2_UNMAP_ENTRIES 8192 /* looked at in one call */
gpa_t stage2_unmap_some(struct stage2 *s2, gpa_t gpa, gpa_t end);

/* Give back tables that stage2_map() has replaced. Only while stage2_is_safe(). */
void stage2_reap(struct stage2 *s2);

/* What the tables say; false: not mapped. */
bool stage2_lookup(const struct stage2 *s2, gpa_t gpa, uint64_t *pa, unsigned int *access, uint64_t *size);

/* True: flush FLUSH_STAGE2 before going on. Interrupts off from here to stage2_leave(). */
bool stage2_enter(struct stage2 *s2, unsigned int cpu);
void stage2_flushed(struct stage2 *s2, unsigned int cpu, uint64_t generation);
void stage2_leave(struct stage2 *s2, unsigned int cpu);

/* CPUs that may still use a translation removed up to now. */
uint64_t stage2_stale_cpus(const struct stage2 *s2);
static inline bool stage2_is_safe(const struct stage2 *s2)
{
    return stage2_stale_cpus(s2) == 0;
}

/* Zeroed table pages, by whoever builds this: hv/stage2_pages.c or the unit test. */
void *stage2_table_alloc(void *owner, uint64_t *pa); /* NULL: no memory */
void stage2_table_free(void *owner, uint64_t pa);
void *stage2_table_at(uint64_t pa);

/* n more entries (or fewer) lead to these bytes: a debug build does not let such a page be freed. */
#ifdef KERNEL_DEBUG
enum { STAGE2_COUNTS = 1 };
void stage2_count_mappings(uint64_t pa, uint64_t size, int n);
#else
enum { STAGE2_COUNTS = 0 };
static inline void stage2_count_mappings(uint64_t pa, uint64_t size, int n)
{
    (void)pa;
    (void)size;
    (void)n;
}
#endif
