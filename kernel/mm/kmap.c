/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel virtual memory outside the direct map: thread stacks between guard
 * pages, buffers of many single pages, device registers.
 *
 * Stacks live in slots of twice their size, of which only the upper half is
 * mapped: the lower half is the guard. A few freed stacks stay mapped for the
 * next thread. Everything else is cut from a list of free ranges.
 */
#include <kernel/cgroup.h>
#include <kernel/errno.h>
#include <kernel/spinlock.h>
#include <kernel/string.h>

#include "mm_internal.h"

#define STACK_PAGES  4
#define STACK_SIZE   (STACK_PAGES * PAGE_SIZE)
#define STACK_SLOT   (2 * STACK_SIZE)
#define STACKS_MAX   (2 * 32768UL)
#define STACKS_BASE  KMAP_BASE
#define STACK_CACHE  8
#define RANGES_BASE  (KMAP_BASE + STACKS_MAX * STACK_SLOT)
#define RANGES_END   (KMAP_BASE + GIB(512))

static struct spinlock kmap_lock = SPINLOCK_INIT;

/* ---- page-table entries of the kernel's half ---- */

static pte_t *kernel_pte(vaddr_t va)
{
    pte_t *table = kernel_pml4;

    for (unsigned l = PT_LEVELS - 1; l > 0; l--)
        table = pte_table(table[pt_index(va, l)]);
    return &table[pt_index(va, 0)];
}

#define UNMAP_BATCH 16

static void unmap_batch(vaddr_t va, unsigned npages)
{
    struct page *pages[UNMAP_BATCH];

    for (unsigned i = 0; i < npages; i++) {
        pte_t *e = kernel_pte(va + i * PAGE_SIZE);

        pages[i] = pte_page(*e);
        *e = 0;
    }
    tlb_flush_kernel(va, va + npages * PAGE_SIZE);
    for (unsigned i = 0; i < npages; i++)
        page_put(pages[i]);
}

static void unmap_pages(vaddr_t va, size_t len)
{
    for (size_t off = 0; off < len; off += UNMAP_BATCH * PAGE_SIZE)
        unmap_batch(va + off, (unsigned)min(len - off, UNMAP_BATCH * PAGE_SIZE) >> PAGE_SHIFT);
}

static int map_page(struct cgroup *cg, vaddr_t va)
{
    struct page *p = page_alloc_for(cg, 0, ALLOC_ZERO);

    if (p == NULL)
        return -ENOMEM;
    kernel_map(va, page_to_phys(p), PAGE_SIZE, PTE_WRITE | PTE_NX | PTE_GLOBAL);
    return 0;
}

/* ---- stacks ---- */

static uint64_t slots_used[STACKS_MAX / 64]; /* [kmap_lock] a bit per slot */
static uint32_t slot_hint;                   /* [kmap_lock] no free slot in words before it */
static vaddr_t stack_cache[STACK_CACHE];     /* [kmap_lock] freed, still mapped */
static unsigned stack_ncached;               /* [kmap_lock] */

static vaddr_t slot_stack(uint32_t slot)
{
    return STACKS_BASE + slot * STACK_SLOT + STACK_SIZE;
}

static uint32_t stack_slot(vaddr_t stack)
{
    return (uint32_t)((stack - STACKS_BASE) / STACK_SLOT);
}

/* Who is charged for a stack stands in its lowest page's struct page. */
static struct cgroup **stack_charged(vaddr_t stack)
{
    return (struct cgroup **)&pte_page(*kernel_pte(stack))->owner;
}

static bool slot_take(uint32_t *slot)
{
    irqflags_t flags = spin_lock(&kmap_lock);
    bool ok = false;

    while (slot_hint < ARRAY_SIZE(slots_used) && slots_used[slot_hint] == UINT64_MAX)
        slot_hint++;
    if (slot_hint < ARRAY_SIZE(slots_used)) {
        unsigned bit = (unsigned)__builtin_ctzll(~slots_used[slot_hint]);

        slots_used[slot_hint] |= BIT(bit);
        *slot = slot_hint * 64 + bit;
        ok = true;
    }
    spin_unlock(&kmap_lock, flags);
    return ok;
}

static void slot_give(uint32_t slot)
{
    irqflags_t flags = spin_lock(&kmap_lock);

    slots_used[slot / 64] &= ~BIT(slot % 64);
    slot_hint = min(slot_hint, slot / 64);
    spin_unlock(&kmap_lock, flags);
}

static vaddr_t cached_stack(void)
{
    irqflags_t flags = spin_lock(&kmap_lock);
    vaddr_t stack = stack_ncached > 0 ? stack_cache[--stack_ncached] : 0;

    spin_unlock(&kmap_lock, flags);
    return stack;
}

static vaddr_t new_stack(void)
{
    uint32_t slot;
    vaddr_t stack;

    if (!slot_take(&slot))
        return 0;
    stack = slot_stack(slot);
    for (unsigned i = 0; i < STACK_PAGES; i++) {
        if (map_page(NULL, stack + i * PAGE_SIZE) < 0) {
            unmap_pages(stack, i * PAGE_SIZE);
            slot_give(slot);
            return 0;
        }
    }
    mem_stat_add(MEM_STACKS, STACK_PAGES);
    return stack;
}

static void drop_stack(vaddr_t stack)
{
    unmap_pages(stack, STACK_SIZE);
    mem_stat_add(MEM_STACKS, -STACK_PAGES);
    slot_give(stack_slot(stack));
}

void *kmap_alloc_stack(struct cgroup *cg, unsigned npages)
{
    vaddr_t stack;

    assert(npages == STACK_PAGES);
    if (cg != NULL && cgroup_charge_memory(cg, STACK_SIZE) < 0)
        return NULL;
    stack = cached_stack();
    if (stack == 0)
        stack = new_stack();
    if (stack == 0) {
        if (cg != NULL)
            cgroup_uncharge_memory(cg, STACK_SIZE);
        return NULL;
    }
    *stack_charged(stack) = cg;
    cgroup_stat_add(cg, MEM_STACKS, STACK_PAGES);
    return (void *)stack;
}

void kmap_free_stack(void *base, unsigned npages)
{
    vaddr_t stack = (vaddr_t)base;
    struct cgroup *cg = *stack_charged(stack);
    irqflags_t flags;
    bool cached;

    assert(npages == STACK_PAGES);
    cgroup_stat_add(cg, MEM_STACKS, -STACK_PAGES);
    flags = spin_lock(&kmap_lock);
    cached = stack_ncached < STACK_CACHE;
    if (cached)
        stack_cache[stack_ncached++] = stack;
    spin_unlock(&kmap_lock, flags);
    if (!cached)
        drop_stack(stack);
    if (cg != NULL)
        cgroup_uncharge_memory(cg, STACK_SIZE);
}

void kmap_shrink(void)
{
    vaddr_t stack;

    while ((stack = cached_stack()) != 0)
        drop_stack(stack);
}

/* ---- ranges ---- */

struct range {
    struct list_node link; /* [kmap_lock] free ranges by address */
    vaddr_t start, end;
};
static struct list_node free_ranges = LIST_INIT(free_ranges);

/* len bytes and an unmapped page behind them; 0: none. */
static vaddr_t range_take(size_t len)
{
    irqflags_t flags = spin_lock(&kmap_lock);
    struct range *r, *used_up = NULL;
    vaddr_t va = 0;

    len += PAGE_SIZE;
    list_for_each(r, &free_ranges, link) {
        if (r->end - r->start < len)
            continue;
        va = r->start;
        r->start += len;
        if (r->start == r->end) {
            list_remove(&r->link);
            used_up = r;
        }
        break;
    }
    spin_unlock(&kmap_lock, flags);
    kfree(used_up);
    return va;
}

/* Joins its neighbours. Without memory for a record the range of addresses is lost, no more. */
static void range_give(vaddr_t va, size_t len)
{
    struct range *fresh = kmalloc(sizeof(*fresh)), *surplus = fresh, *r, *prev = NULL;
    irqflags_t flags = spin_lock(&kmap_lock);
    vaddr_t end = va + len + PAGE_SIZE;
    bool joins_next;

    list_for_each(r, &free_ranges, link) {
        if (r->start >= end)
            break;
        prev = r;
    }
    joins_next = &r->link != &free_ranges && r->start == end;
    if (prev != NULL && prev->end == va) {
        prev->end = joins_next ? r->end : end;
        if (joins_next)
            list_remove(&r->link);
    } else if (joins_next) {
        r->start = va;
        joins_next = false; /* its record stays */
    } else if (fresh != NULL) {
        *fresh = (struct range){.start = va, .end = end};
        list_insert_between_(&fresh->link, r->link.prev, &r->link);
        surplus = NULL;
    }
    spin_unlock(&kmap_lock, flags);
    kfree(surplus);
    if (joins_next)
        kfree(r);
}

void *kmap_alloc(struct cgroup *cg, size_t len)
{
    vaddr_t va;

    len = ALIGN_UP(len, PAGE_SIZE);
    va = range_take(len);
    if (va == 0)
        return NULL;
    for (size_t off = 0; off < len; off += PAGE_SIZE) {
        if (map_page(cg, va + off) < 0) {
            unmap_pages(va, off);
            range_give(va, len);
            return NULL;
        }
    }
    return (void *)va;
}

void kmap_free(void *p, size_t len)
{
    if (p == NULL)
        return;
    len = ALIGN_UP(len, PAGE_SIZE);
    unmap_pages((vaddr_t)p, len);
    range_give((vaddr_t)p, len);
}

void *kmap_device(paddr_t pa, size_t len)
{
    size_t offset = pa & (PAGE_SIZE - 1);
    vaddr_t va;

    len = ALIGN_UP(len + offset, PAGE_SIZE);
    va = range_take(len);
    if (va == 0)
        panic("kmap: no addresses left for a device");
    kernel_map(va, pa - offset, len, PTE_WRITE | PTE_NX | PTE_GLOBAL | PTE_PCD | PTE_PWT);
    return (void *)(va + offset);
}

void kmap_init(void)
{
    struct range *all = kmalloc(sizeof(*all));

    *all = (struct range){.start = RANGES_BASE, .end = RANGES_END};
    list_add_tail(&free_ranges, &all->link);
    /* The top-level entry must exist before the first address space copies the upper half. */
    if (!(kernel_pml4[pt_index(KMAP_BASE, 3)] & PTE_PRESENT))
        kernel_pml4[pt_index(KMAP_BASE, 3)] = boot_alloc_table() | PTE_PRESENT | PTE_WRITE;
}
