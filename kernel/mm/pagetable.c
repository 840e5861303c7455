/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * User page tables: four levels, of which the upper half of the top one is the
 * kernel's. Every table is charged to the address space's cgroup and counts its
 * entries in use (struct page.index), so that it is freed as soon as the last
 * entry goes: a process that maps and unmaps keeps no empty tables.
 *
 * The caller holds mm->lock.
 */
#include <kernel/cgroup.h>
#include <kernel/errno.h>
#include <kernel/string.h>

#include "mm_internal.h"

static struct page *table_page(const pte_t *entry)
{
    return phys_to_page(virt_to_phys(entry));
}

static pte_t *table_alloc(struct mm *mm)
{
    struct page *p = page_alloc_for(mm->cgroup, 0, ALLOC_ZERO);

    if (p == NULL)
        return NULL;
    p->flags |= PAGE_F_TABLE;
    mm->table_pages++;
    mem_stat_add(MEM_TABLES, 1);
    cgroup_stat_add(p->cgroup, MEM_TABLES, 1);
    return page_address(p);
}

/* A CPU may have cached the way through a table: it is put after the next flush. */
static void table_retire(struct mm *mm, struct page *p)
{
    assert((p->flags & PAGE_F_TABLE) && p->index == 0);
    list_add_tail(&mm->dead_tables, &p->link);
}

void pt_free_retired(struct mm *mm)
{
    while (!list_is_empty(&mm->dead_tables)) {
        struct page *p = list_first(&mm->dead_tables, struct page, link);

        list_remove(&p->link);
        mm->table_pages--;
        mem_stat_add(MEM_TABLES, -1);
        cgroup_stat_add(p->cgroup, MEM_TABLES, -1);
        page_put(p);
    }
}

int pt_create(struct mm *mm)
{
    pte_t *top = table_alloc(mm);

    if (top == NULL)
        return -ENOMEM;
    memcpy(top + PT_ENTRIES / 2, kernel_pml4 + PT_ENTRIES / 2, PAGE_SIZE / 2);
    mm->pgd = virt_to_phys(top);
    return 0;
}

void pt_destroy(struct mm *mm)
{
    table_retire(mm, phys_to_page(mm->pgd));
    pt_free_retired(mm);
    assert(mm->table_pages == 0);
}

pte_t *pt_find(struct mm *mm, uaddr_t va, unsigned level)
{
    pte_t *table = phys_to_virt(mm->pgd);

    for (unsigned l = PT_LEVELS - 1; l > level; l--) {
        pte_t e = table[pt_index(va, l)];

        if (!pte_in_use(e) || (e & PTE_LARGE))
            return NULL;
        table = pte_table(e);
    }
    return &table[pt_index(va, level)];
}

/* Take out the tables on the way to va that have no entries, lowest first, up to the top one. */
static void prune(struct mm *mm, uaddr_t va)
{
    for (unsigned level = 1; level < PT_LEVELS; level++) {
        pte_t *entry = pt_find(mm, va, level);
        struct page *below;

        if (entry == NULL)
            continue; /* a table further up is already gone, or this path is shorter */
        if (!pte_in_use(*entry) || (*entry & PTE_LARGE))
            continue;
        below = pte_page(*entry);
        if (below->index != 0)
            return;
        *entry = 0;
        table_page(entry)->index--;
        table_retire(mm, below);
    }
}

void pt_prune(struct mm *mm, uaddr_t start, uaddr_t end)
{
    for (uaddr_t va = start; va < end; va = ALIGN_DOWN(va, LARGE_SIZE) + LARGE_SIZE)
        prune(mm, va);
}

pte_t *pt_make(struct mm *mm, uaddr_t va, unsigned level)
{
    pte_t *table = phys_to_virt(mm->pgd);

    for (unsigned l = PT_LEVELS - 1; l > level; l--) {
        pte_t *e = &table[pt_index(va, l)];

        if (!pte_in_use(*e)) {
            pte_t *below = table_alloc(mm);

            if (below == NULL) {
                prune(mm, va);
                return NULL;
            }
            table_page(e)->index++;
            *e = virt_to_phys(below) | PTE_PRESENT | PTE_WRITE | PTE_USER;
        }
        if (*e & PTE_LARGE)
            return NULL;
        table = pte_table(*e);
    }
    return &table[pt_index(va, level)];
}

void pt_set(struct mm *mm, uaddr_t va, pte_t *entry, unsigned level, pte_t value)
{
    struct page *table = table_page(entry);
    bool was = pte_in_use(*entry), is = pte_in_use(value);

    (void)level;
    WRITE_ONCE(*entry, value);
    if (is && !was) {
        table->index++;
    } else if (was && !is) {
        table->index--;
        if (table->index == 0)
            prune(mm, va);
    }
}

int pt_split(struct mm *mm, uaddr_t va)
{
    pte_t *e = pt_find(mm, va, 1), old, *table;
    struct page *head;

    if (e == NULL || !pte_in_use(*e) || !(*e & PTE_LARGE))
        return 0;
    old = *e;
    head = pte_page(old);
    table = table_alloc(mm);
    if (table == NULL)
        return -ENOMEM;
    for (unsigned i = 0; i < PT_ENTRIES; i++) {
        table[i] = (old & ~PTE_LARGE) + i * PAGE_SIZE;
        if (i > 0)
            page_get(head); /* each entry counts for the block */
    }
    table_page(table)->index = PT_ENTRIES;
    WRITE_ONCE(*e, virt_to_phys(table) | PTE_PRESENT | PTE_WRITE | PTE_USER);
    return 0; /* same translations: the old entry may stay in TLBs until somebody changes one */
}

/* The first entry in use of a table at or after *va, which moves along; NULL behind the table's end
 * or at `end`. */
static pte_t *next_in_table(pte_t *table, uaddr_t *va, uaddr_t end, unsigned level)
{
    unsigned shift = PT_SHIFT(level), i = pt_index(*va, level);
    uaddr_t base = (*va >> shift) - i; /* of the table's first entry, in entries */
    uaddr_t stop = min((end - 1) >> shift, base + PT_ENTRIES - 1) - base;

    for (unsigned at = i; at <= stop; at++) {
        if (!pte_in_use(table[at]))
            continue;
        if (at != i)
            *va = (base + at) << shift;
        return &table[at];
    }
    *va = (base + stop + 1) << shift;
    return NULL;
}

pte_t *pt_next(struct mm *mm, uaddr_t *va, uaddr_t end, unsigned *level)
{
    while (*va < end) {
        pte_t *table = phys_to_virt(mm->pgd), *e;

        for (*level = PT_LEVELS - 1;; (*level)--) {
            e = next_in_table(table, va, end, *level);
            if (e == NULL)
                break; /* once more from the top, behind this table */
            if (*level == 0 || (*e & PTE_LARGE))
                return e;
            table = pte_table(*e);
        }
    }
    return NULL;
}

pte_t *pt_after(struct mm *mm, pte_t *e, uaddr_t *va, uaddr_t end, unsigned *level)
{
    *va += BIT(PT_SHIFT(*level));
    if (*level == 0 && pt_index(*va, 0) != 0 && *va < end) {
        e = next_in_table(e + 1 - pt_index(*va, 0), va, end, 0);
        if (e != NULL)
            return e;
    }
    return pt_next(mm, va, end, level);
}

pte_t pte_make(const struct vma *vma, struct page *page, bool writable, bool large)
{
    pte_t e = page_to_phys(page) | PTE_PRESENT | PTE_USER | PTE_ACCESSED;

    if (writable)
        e |= PTE_WRITE | PTE_DIRTY;
    if (!(vma->prot & PROT_EXEC))
        e |= PTE_NX;
    if (large)
        e |= PTE_LARGE;
    return e;
}
