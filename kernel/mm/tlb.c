/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Translation look-aside buffers. An entry that was removed or restricted may
 * live on in the TLB of every CPU that has the address space loaded, so the page
 * behind it must not be reused before all of them have flushed: unmapping
 * collects pages in a struct gather, which flushes once for many.
 */
#include <kernel/spinlock.h>
#include <kernel/trap.h>
#include <kernel/x86/cpu.h>

#include "mm_internal.h"

#define FLUSH_SINGLE_MAX 16 /* pages; beyond this reloading cr3 is cheaper */

/* Whole flushes spare what is marked global, which the kernel's pages are. */
static void flush_local(vaddr_t start, vaddr_t end)
{
    if ((end - start) >> PAGE_SHIFT <= FLUSH_SINGLE_MAX || start >= USER_TOP) {
        for (vaddr_t va = start; va < end; va += PAGE_SIZE)
            invlpg(va);
    } else {
        write_cr3(read_cr3());
    }
}

/* One request at a time; every CPU of `waiting` clears its bit when it has done it. */
struct request {
    struct mm *left; /* switch to other tables where these are loaded; NULL: flush */
    vaddr_t start, end;
};
static struct {
    struct spinlock lock;
    uint64_t waiting; /* [a] CPUs */
    struct request request; /* [lock] fixed while somebody is waited for */
} shootdown;

/* Interrupts off. Does nothing when what the interrupt was for has been done by serve-while-waiting:
 * the next request may be in the making. */
void tlb_ipi(void)
{
    const struct request *r = &shootdown.request;
    uint64_t me = BIT(cpu_number());

    if (!(__atomic_load_n(&shootdown.waiting, __ATOMIC_ACQUIRE) & me))
        return;
    if (r->left == NULL)
        flush_local(r->start, r->end);
    else if (this_cpu()->mm == r->left)
        mm_switch(NULL);
    __atomic_fetch_and(&shootdown.waiting, ~me, __ATOMIC_RELEASE);
}

/* Who waits for its turn has interrupts off, and may be the one that the holder waits for. */
static irqflags_t lock_shootdown(void)
{
    irqflags_t flags = irq_save();

    while (!spin_trylock_irqs_off(&shootdown.lock)) {
        tlb_ipi();
        cpu_pause();
    }
    return flags;
}

static void ask(uint64_t cpus, struct request request)
{
    irqflags_t flags = lock_shootdown();

    shootdown.request = request;
    __atomic_store_n(&shootdown.waiting, cpus, __ATOMIC_RELEASE);
    for (unsigned i = 0; i < cpu_count(); i++) {
        if (cpus & BIT(i))
            ipi_send(i, IPI_TLB);
    }
    while (__atomic_load_n(&shootdown.waiting, __ATOMIC_ACQUIRE) != 0)
        cpu_pause();
    spin_unlock(&shootdown.lock, flags);
}

void tlb_flush(struct mm *mm, uaddr_t start, uaddr_t end)
{
    irqflags_t flags = irq_save();
    uint64_t others = __atomic_load_n(&mm->cpus, __ATOMIC_SEQ_CST) & ~BIT(cpu_number());

    if (this_cpu()->mm == mm)
        flush_local(start, end);
    irq_restore(flags);
    if (others != 0)
        ask(others, (struct request){.start = start, .end = end});
    pt_free_retired(mm);
}

void tlb_flush_kernel(vaddr_t start, vaddr_t end)
{
    irqflags_t flags = irq_save();
    uint64_t others = (BIT(cpu_count()) - 1) & ~BIT(cpu_number());

    flush_local(start, end);
    irq_restore(flags);
    if (others != 0)
        ask(others, (struct request){.start = start, .end = end});
}

void tlb_leave(struct mm *mm)
{
    irqflags_t flags = irq_save();
    uint64_t others = __atomic_load_n(&mm->cpus, __ATOMIC_SEQ_CST) & ~BIT(cpu_number());

    if (this_cpu()->mm == mm)
        mm_switch(NULL);
    irq_restore(flags);
    if (others != 0)
        ask(others, (struct request){.left = mm});
}

void gather_init(struct gather *g, struct mm *mm)
{
    g->mm = mm;
    g->start = g->end = 0;
    g->count = 0;
}

void gather_range(struct gather *g, uaddr_t start, uaddr_t end)
{
    if (g->start == g->end) {
        g->start = start;
        g->end = end;
    } else {
        g->start = min(g->start, start);
        g->end = max(g->end, end);
    }
}

void gather_finish(struct gather *g)
{
    if (g->start != g->end)
        tlb_flush(g->mm, g->start, g->end);
    for (unsigned i = 0; i < g->count; i++)
        page_put(g->pages[i]);
    g->start = g->end = 0;
    g->count = 0;
}

void gather_page(struct gather *g, struct page *p)
{
    if (g->count == GATHER_MAX)
        gather_finish(g);
    g->pages[g->count++] = p;
}
