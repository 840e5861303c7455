/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking pages out of an address space. Subscribers (hv's second-level tables)
 * hear of a range before its entries change, so that no guest uses a page after
 * its last reference here is gone.
 */
#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/proc.h>

#include "mm_internal.h"

void mm_invalidate(struct mm *mm, uaddr_t start, uaddr_t end)
{
    struct mm_notifier *n;

    __atomic_add_fetch(&mm->notifier_seq, 1, __ATOMIC_SEQ_CST);
    list_for_each(n, &mm->notifiers, link)
        n->invalidate(n, start, end);
}

void mm_notifier_add(struct mm *mm, struct mm_notifier *n)
{
    mutex_lock(&mm->lock);
    list_add_tail(&mm->notifiers, &n->link);
    mm_unlock(mm);
}

void mm_notifier_remove(struct mm *mm, struct mm_notifier *n)
{
    mutex_lock(&mm->lock);
    list_remove(&n->link);
    mm_unlock(mm);
}

/* A large page that crosses the edge of the range is broken up first. */
static int split_edge(struct mm *mm, uaddr_t edge)
{
    return IS_ALIGNED(edge, LARGE_SIZE) ? 0 : pt_split(mm, edge);
}

/* Large pages before areas: no large page ever lies in two of them. */
static int cut(struct mm *mm, uaddr_t start, uaddr_t end)
{
    int err = split_edge(mm, start);

    if (err == 0)
        err = split_edge(mm, end);
    if (err == 0)
        err = vma_split_at(mm, start);
    if (err == 0)
        err = vma_split_at(mm, end);
    return err;
}

static bool is_inside_area(struct mm *mm, uaddr_t at)
{
    struct vma *vma = vma_find(mm, at);

    return vma != NULL && vma->start < at;
}

int mm_cut(struct mm *mm, uaddr_t start, uaddr_t end)
{
    unsigned more = is_inside_area(mm, start) + is_inside_area(mm, end);

    return more > 0 && mm->area_count + more > MM_AREAS_MAX ? -ENOMEM : cut(mm, start, end);
}

enum zap { ZAP_ALL, ZAP_FILE };

static bool is_spared(const struct page *p, enum zap what)
{
    return what == ZAP_FILE && p != zero_page && page_is_anon(page_head((struct page *)p));
}

static int zap(struct mm *mm, uaddr_t start, uaddr_t end, enum zap what)
{
    struct gather g;
    unsigned level;
    uaddr_t va = start;
    pte_t *e;
    int64_t anon = 0, file = 0; /* pages */
    int err;

    err = split_edge(mm, start);
    if (err == 0)
        err = split_edge(mm, end);
    if (err < 0)
        return err;
    e = pt_next(mm, &va, end, &level);
    if (e == NULL)
        return 0;
    mm_invalidate(mm, start, end);
    gather_init(&g, mm);
    while (e != NULL) {
        struct page *p = pte_page(*e);
        pte_t *this = e;
        unsigned this_level = level;
        uaddr_t at = va;

        e = pt_after(mm, e, &va, end, &level); /* before the table goes with its last entry */
        cond_resched();
        if (is_spared(p, what))
            continue;
        pt_set(mm, at, this, this_level, 0);
        gather_range(&g, at, at + BIT(PT_SHIFT(this_level)));
        if (page_is_anon(page_head(p)))
            anon += BIT(9 * this_level);
        else if (p != zero_page)
            file += BIT(9 * this_level);
        gather_page(&g, p);
    }
    mm_account_sums(mm, -anon, -file);
    gather_finish(&g);
    return 0;
}

int zap_range(struct mm *mm, uaddr_t start, uaddr_t end)
{
    return zap(mm, start, end, ZAP_ALL);
}

int zap_file_range(struct mm *mm, uaddr_t start, uaddr_t end)
{
    return zap(mm, start, end, ZAP_FILE);
}

/* A hole within one area makes two of it; any other unmapping leaves no more areas than there were. */
static bool makes_hole(struct mm *mm, uaddr_t start, uaddr_t end)
{
    struct vma *vma = vma_find(mm, start);

    return vma != NULL && vma->start < start && vma->end > end;
}

int mm_unmap(struct mm *mm, uaddr_t addr, size_t len)
{
    uaddr_t end = addr + len;
    struct vma *vma;
    int err;

    if (mm->area_count >= MM_AREAS_MAX && makes_hole(mm, addr, end))
        return -ENOMEM;
    /* Everything that can fail comes first: cutting areas and large pages at the edges. */
    err = cut(mm, addr, end);
    if (err == 0)
        err = zap_range(mm, addr, end);
    if (err < 0)
        return err;
    for (vma = vma_find(mm, addr); vma != NULL && vma->start < end;) {
        struct vma *next = vma_next(vma);

        vma_remove(vma);
        vma = next;
    }
    return 0;
}

int mm_unmap_file_at(struct mm *mm, uaddr_t addr, const struct file_ops *ops)
{
    const struct file *file = NULL;
    uaddr_t end = USER_TOP;
    struct vma *vma, *next;
    int err = -EINVAL;

    mutex_lock(&mm->lock);
    for (vma = vma_find(mm, addr); vma != NULL && vma->start < end; vma = next) {
        next = vma_next(vma);
        if (vma->file == NULL || vma->file->ops != ops || vma->start < addr ||
            vma->start - addr != vma->pgoff << PAGE_SHIFT || (file != NULL && vma->file != file))
            continue;
        if (file == NULL) {
            file = vma->file; /* stays until mm_unlock() */
            end = addr + ALIGN_UP(file->inode->size, PAGE_SIZE);
        }
        err = mm_unmap(mm, vma->start, vma->end - vma->start);
        if (err < 0)
            break;
    }
    mm_unlock(mm);
    return err;
}

/* Restrict or widen entries in place; widening to writable is left to faults (copy-on-write). */
static void protect_entries(struct mm *mm, uaddr_t start, uaddr_t end, uint32_t prot)
{
    struct gather g;
    unsigned level;
    uaddr_t va = start;
    pte_t *e;

    gather_init(&g, mm);
    for (e = pt_next(mm, &va, end, &level); e != NULL; e = pt_after(mm, e, &va, end, &level)) {
        pte_t v;

        cond_resched();
        v = *e & ~(PTE_PRESENT | PTE_NONE);
        v |= prot == PROT_NONE ? PTE_NONE : PTE_PRESENT; /* not even the kernel's copies may follow it */
        if (!(prot & PROT_WRITE))
            v &= ~PTE_WRITE;
        v = prot & PROT_EXEC ? v & ~PTE_NX : v | PTE_NX;
        if (v != *e) {
            WRITE_ONCE(*e, v);
            gather_range(&g, va, va + BIT(PT_SHIFT(level)));
        }
    }
    gather_finish(&g);
}

static bool may_protect(const struct vma *vma, uint32_t prot)
{
    if ((prot & PROT_WRITE) && (vma->flags & VMA_SHARED) && !(vma->flags & VMA_MAYWRITE))
        return false;
    return !((prot & PROT_EXEC) && (vma->flags & VMA_NOEXEC));
}

int mm_protect(struct mm *mm, uaddr_t addr, size_t len, uint32_t prot)
{
    uaddr_t end = addr + len, covered = addr;
    struct vma *vma;
    int err;

    for (vma = vma_find(mm, addr); vma != NULL && vma->start < end; vma = vma_next(vma)) {
        if (vma->start > covered)
            return -ENOMEM;
        if (!may_protect(vma, prot))
            return -EACCES;
        covered = vma->end;
    }
    if (covered < end)
        return -ENOMEM;
    err = mm_cut(mm, addr, end);
    if (err < 0)
        return err;
    mm_invalidate(mm, addr, end);
    for (vma = vma_find(mm, addr); vma != NULL && vma->start < end; vma = vma_next(vma))
        vma->prot = prot;
    protect_entries(mm, addr, end, prot);
    vma_merge_around(mm, addr, end);
    return 0;
}
