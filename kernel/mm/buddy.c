/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical pages: a binary buddy allocator with a short list of single pages
 * per CPU in front of it.
 *
 * A free block of order n is 2^n pages, aligned to its size, on the free list of
 * its order; freeing it joins it with its buddy (the block that differs in
 * address bit n) for as long as that one is free and whole. Single pages, by
 * far the most frequent, come from and go to the CPU's own list, which is
 * refilled and drained in batches.
 */
#include <kernel/cgroup.h>
#include <kernel/spinlock.h>
#include <kernel/string.h>

#include "mm_internal.h"

#define CPU_LIST_MAX   64
#define CPU_LIST_BATCH 32

static struct spinlock buddy_lock = SPINLOCK_INIT;
static struct list_node free_lists[ORDER_MAX + 1]; /* [buddy_lock] */
static uint64_t free_count;                        /* [buddy_lock] pages on the free lists */
static uint64_t total_count;                       /* [I] after boot, but for adopted modules */

static struct cpu_list {
    struct page *pages[CPU_LIST_MAX];
    unsigned count;
} cpu_lists[CPUS_MAX]; /* [c] interrupts off */

static int64_t stats[MEM_STATS]; /* [a] pages */

static void free_block_locked(struct page *p, unsigned order)
{
    uint64_t pfn = page_to_pfn(p);

    free_count += 1ULL << order;
    while (order < ORDER_MAX) {
        struct page *buddy = pfn_to_page(pfn ^ (1ULL << order));

        if (!(buddy->flags & PAGE_F_BUDDY) || buddy->order != order)
            break;
        list_remove(&buddy->link);
        buddy->flags &= (uint16_t)~PAGE_F_BUDDY;
        pfn &= ~(1ULL << order);
        order++;
    }
    p = pfn_to_page(pfn);
    p->flags = PAGE_F_BUDDY;
    p->order = (uint8_t)order;
    list_add_head(&free_lists[order], &p->link);
}

/* What a program's memory leaves free, so that the kernel can still start what sets things right. */
static uint64_t reserve_pages(void)
{
    return min(total_count / 256, 4096UL);
}

static struct page *take_block_locked(unsigned order, unsigned alloc_flags)
{
    unsigned have = order;
    struct page *p;

    if ((alloc_flags & ALLOC_USER) && free_count < reserve_pages() + (1ULL << order))
        return NULL;
    while (have <= ORDER_MAX && list_is_empty(&free_lists[have]))
        have++;
    if (have > ORDER_MAX)
        return NULL;
    p = list_first(&free_lists[have], struct page, link);
    list_remove(&p->link);
    p->flags = 0;
    free_count -= 1ULL << order;
    while (have > order) { /* give back upper halves */
        struct page *half;

        have--;
        half = p + (1ULL << have);
        half->flags = PAGE_F_BUDDY;
        half->order = (uint8_t)have;
        list_add_head(&free_lists[have], &half->link);
    }
    return p;
}

static struct page *take_single(unsigned alloc_flags)
{
    irqflags_t flags = irq_save();
    struct cpu_list *l = &cpu_lists[cpu_number()];
    struct page *p = NULL;

    if (l->count == 0) {
        irqflags_t inner = spin_lock(&buddy_lock);

        while (l->count < CPU_LIST_BATCH && (p = take_block_locked(0, alloc_flags)) != NULL) {
            p->flags = PAGE_F_CPU_LIST;
            l->pages[l->count++] = p;
        }
        spin_unlock(&buddy_lock, inner);
    }
    p = l->count > 0 ? l->pages[--l->count] : NULL;
    irq_restore(flags);
    return p;
}

static void drain(struct cpu_list *l, unsigned keep)
{
    irqflags_t flags = spin_lock(&buddy_lock);

    while (l->count > keep)
        free_block_locked(l->pages[--l->count], 0);
    spin_unlock(&buddy_lock, flags);
}

static void give_single(struct page *p)
{
    irqflags_t flags = irq_save();
    struct cpu_list *l = &cpu_lists[cpu_number()];

    if (l->count == CPU_LIST_MAX)
        drain(l, CPU_LIST_MAX - CPU_LIST_BATCH);
    p->flags = PAGE_F_CPU_LIST;
    l->pages[l->count++] = p;
    irq_restore(flags);
}

static struct page *take_block(unsigned order, unsigned alloc_flags)
{
    irqflags_t flags;
    struct page *p;

    if (order == 0)
        return take_single(alloc_flags);
    flags = spin_lock(&buddy_lock);
    p = take_block_locked(order, alloc_flags);
    spin_unlock(&buddy_lock, flags);
    if (p == NULL) { /* what the CPU lists hold may complete a block */
        buddy_shrink();
        flags = spin_lock(&buddy_lock);
        p = take_block_locked(order, alloc_flags);
        spin_unlock(&buddy_lock, flags);
    }
    return p;
}

static void give_block(struct page *p, unsigned order)
{
    irqflags_t flags;

    if (order == 0) {
        give_single(p);
        return;
    }
    flags = spin_lock(&buddy_lock);
    free_block_locked(p, order);
    spin_unlock(&buddy_lock, flags);
}

struct page *page_alloc(unsigned order, unsigned flags)
{
    return page_alloc_for(NULL, order, flags);
}

struct page *page_alloc_for(struct cgroup *cg, unsigned order, unsigned flags)
{
    struct page *p;

    if (order > ORDER_MAX)
        return NULL;
    if (cg != NULL && cgroup_charge_memory(cg, PAGE_SIZE << order) < 0)
        return NULL;
    p = take_block(order, flags);
    if (p == NULL) {
        if (cg != NULL)
            cgroup_uncharge_memory(cg, PAGE_SIZE << order);
        return NULL;
    }
    refcount_init(&p->refs, 1);
    p->flags = order > 0 ? PAGE_F_HEAD : 0;
    p->order = (uint8_t)order;
    p->owner = NULL;
    p->index = 0;
    p->cgroup = cg;
    for (uint64_t i = 1; i < 1ULL << order; i++) {
        p[i].flags = PAGE_F_TAIL;
        p[i].index = i;
    }
    if (flags & ALLOC_ZERO)
        memset(page_address(p), 0, PAGE_SIZE << order);
    return p;
}

/* The zero page is mapped without end and never counted: no number of mappings overflows it. */
void page_get(struct page *p)
{
    p = page_head(p);
    if (!(p->flags & PAGE_F_RESERVED))
        refcount_get(&p->refs);
}

static void assert_no_guest_has(const struct page *p)
{
#ifdef KERNEL_DEBUG
    for (uint64_t i = 0; i < 1ULL << p->order; i++)
        assert(p[i].guest_mappings == 0);
#else
    (void)p;
#endif
}

void page_put(struct page *p)
{
    p = page_head(p);
    if ((p->flags & PAGE_F_RESERVED) || !refcount_put(&p->refs))
        return;
    assert(!(p->flags & (PAGE_F_BUDDY | PAGE_F_CPU_LIST)));
    assert_no_guest_has(p);
    if (p->cgroup != NULL)
        cgroup_uncharge_memory(p->cgroup, PAGE_SIZE << p->order);
    give_block(p, p->order);
}

struct page *page_adopt(paddr_t pa)
{
    struct page *p = phys_to_page(pa);
    irqflags_t flags = spin_lock(&buddy_lock);

    assert(p->flags == PAGE_F_RESERVED);
    *p = (struct page){.refs = {1}};
    total_count++;
    spin_unlock(&buddy_lock, flags);
    return p;
}

void buddy_add_range(paddr_t start, paddr_t end)
{
    static bool ready;
    uint64_t pfn = DIV_ROUND_UP(start, PAGE_SIZE), last = end >> PAGE_SHIFT;
    irqflags_t flags = spin_lock(&buddy_lock);

    if (!ready) {
        for (unsigned i = 0; i <= ORDER_MAX; i++)
            list_init(&free_lists[i]);
        ready = true;
    }
    total_count += last > pfn ? last - pfn : 0;
    while (pfn < last) {
        unsigned order = ORDER_MAX;

        while (!IS_ALIGNED(pfn, 1ULL << order) || pfn + (1ULL << order) > last)
            order--;
        free_block_locked(pfn_to_page(pfn), order);
        pfn += 1ULL << order;
    }
    spin_unlock(&buddy_lock, flags);
}

void buddy_shrink(void)
{
    irqflags_t flags = irq_save();

    drain(&cpu_lists[cpu_number()], 0); /* other CPUs' lists are theirs alone */
    irq_restore(flags);
}

uint64_t buddy_free_pages(void)
{
    irqflags_t flags = spin_lock(&buddy_lock);
    uint64_t n = free_count;

    for (unsigned i = 0; i < cpu_count(); i++)
        n += cpu_lists[i].count;
    spin_unlock(&buddy_lock, flags);
    return n;
}

void mem_stat_add(enum mem_stat which, int64_t pages)
{
    __atomic_fetch_add(&stats[which], pages, __ATOMIC_RELAXED);
}

uint64_t mem_total_pages(void)
{
    return total_count;
}

void mem_stats_get(struct mem_stats *out)
{
    out->total_pages = mem_total_pages();
    out->free_pages = buddy_free_pages();
    out->cache_pages = (uint64_t)READ_ONCE(stats[MEM_CACHE]);
    out->slab_pages = (uint64_t)READ_ONCE(stats[MEM_SLAB]);
    out->table_pages = (uint64_t)READ_ONCE(stats[MEM_TABLES]);
    out->anon_pages = (uint64_t)READ_ONCE(stats[MEM_ANON]);
    out->stack_pages = (uint64_t)READ_ONCE(stats[MEM_STACKS]);
}

#define SHORT_PAGES 256 /* less than any process is made of with its tables and its stack */

bool mm_is_short(void)
{
    return buddy_free_pages() < SHORT_PAGES;
}

uint64_t mm_available_pages(void)
{
    uint64_t free = buddy_free_pages(), reserve = reserve_pages();

    return free > reserve ? free - reserve : 0;
}

bool mm_is_full(void)
{
    return mm_available_pages() < SHORT_PAGES;
}

void mm_shrink(void)
{
    kmap_shrink();
    slab_shrink();
    buddy_shrink();
}
