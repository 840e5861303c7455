/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages for second-level tables, from the kernel's allocator and charged to the VM's cgroup. */
#include <kernel/cgroup.h>
#include <kernel/mm.h>

#include "stage2.h"

void *stage2_table_alloc(void *owner, uint64_t *pa)
{
    struct page *page = page_alloc_for(owner, 0, ALLOC_ZERO);

    if (page == NULL)
        return NULL;
    mem_stat_add(MEM_TABLES, 1);
    *pa = page_to_phys(page);
    return page_address(page);
}

void stage2_table_free(void *owner, uint64_t pa)
{
    (void)owner; /* the page remembers its charge */
    mem_stat_add(MEM_TABLES, -1);
    page_put(phys_to_page(pa));
}

#ifdef KERNEL_DEBUG
void stage2_count_mappings(uint64_t pa, uint64_t size, int n)
{
    for (uint64_t at = pa; at < pa + size; at += PAGE_SIZE)
        __atomic_fetch_add(&phys_to_page(at)->guest_mappings, (uint64_t)(int64_t)n, __ATOMIC_RELAXED);
}
#endif

void *stage2_table_at(uint64_t pa)
{
    return phys_to_virt(pa);
}
