/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page tables for the moment between the firmware's and the kernel's own:
 *
 *   0                  + RAM, at least 4 GiB   the loader itself runs here
 *   BOOT_DIRECT_MAP    + the same              sharing the same lower tables
 *   BOOT_KERNEL_BASE   + the kernel image      2 MiB pages
 *
 * The largest pages that the CPU has keep them to a handful of pages. Memory
 * types come from the MTRRs, as under the firmware, so that devices inside the
 * range stay uncached.
 */
#include "loader.h"

#define PTE_PRESENT  (1ULL << 0)
#define PTE_WRITABLE (1ULL << 1)
#define PTE_LARGE    (1ULL << 7)
#define PTE_TABLE    (PTE_PRESENT | PTE_WRITABLE)
#define PTE_PAGE     (PTE_PRESENT | PTE_WRITABLE | PTE_LARGE)
#define PTE_ADDRESS  0x000ffffffffff000ULL
#define ENTRIES      512

#define INDEX_512G(address) ((address) >> 39 & (ENTRIES - 1))
#define INDEX_1G(address)   ((address) >> 30 & (ENTRIES - 1))
#define INDEX_2M(address)   ((address) >> 21 & (ENTRIES - 1))

static uint64_t *table_alloc(void)
{
    return memory_alloc(PAGE_BYTES, BOOT_MEM_LOADER);
}

/* The table behind an entry, made if it is not there yet. */
static uint64_t *table_at(uint64_t *entry)
{
    if (!(*entry & PTE_PRESENT))
        *entry = (uintptr_t)table_alloc() | PTE_TABLE;
    return (uint64_t *)(uintptr_t)(*entry & PTE_ADDRESS);
}

static bool has_1g_pages(void)
{
    uint32_t r[4];

    cpuid(0x80000001, 0, r);
    return r[3] & (1u << 26);
}

/* One allocation for all 2 MiB tables: each piece of memory costs a line in the ledger. */
static void map_low_2m(uint64_t *root, uint64_t top)
{
    uint64_t count = top / SIZE_1G;
    uint64_t *tables = memory_alloc(count * PAGE_BYTES, BOOT_MEM_LOADER);

    for (uint64_t g = 0; g < count; g++, tables += ENTRIES) {
        uint64_t address = g * SIZE_1G;

        for (unsigned int i = 0; i < ENTRIES; i++)
            tables[i] = (address + i * SIZE_2M) | PTE_PAGE;
        table_at(&root[INDEX_512G(address)])[INDEX_1G(address)] = (uintptr_t)tables | PTE_TABLE;
    }
}

static void map_low_1g(uint64_t *root, uint64_t top)
{
    for (uint64_t address = 0; address < top; address += SIZE_1G)
        table_at(&root[INDEX_512G(address)])[INDEX_1G(address)] = address | PTE_PAGE;
}

uint64_t paging_build(uint64_t top, uint64_t kernel_base, uint64_t kernel_length)
{
    uint64_t *root = table_alloc(), *directory;

    top = round_up(top < 4 * SIZE_1G ? 4 * SIZE_1G : top, SIZE_1G);
    if (has_1g_pages())
        map_low_1g(root, top);
    else
        map_low_2m(root, top);
    for (uint64_t i = 0; i <= INDEX_512G(top - 1); i++)
        root[INDEX_512G(BOOT_DIRECT_MAP) + i] = root[i];

    directory = table_at(&table_at(&root[INDEX_512G(BOOT_KERNEL_BASE)])[INDEX_1G(BOOT_KERNEL_BASE)]);
    for (uint64_t at = 0; at < kernel_length; at += SIZE_2M)
        directory[INDEX_2M(BOOT_KERNEL_BASE + at)] = (kernel_base + at) | PTE_PAGE;
    return (uintptr_t)root;
}
