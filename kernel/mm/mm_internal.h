/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of kernel/mm share and nobody else sees. */
#pragma once

#include <kernel/mm.h>
#include <kernel/vm.h>

/* ---- page-table entries: SDM vol. 3, "4-Level Paging"; APM vol. 2, "Long-Mode Page Translation" ---- */
typedef uint64_t pte_t;
#define PTE_PRESENT  BIT(0)
#define PTE_WRITE    BIT(1)
#define PTE_USER     BIT(2)
#define PTE_PWT      BIT(3)
#define PTE_PCD      BIT(4)
#define PTE_ACCESSED BIT(5)
#define PTE_DIRTY    BIT(6)
#define PTE_LARGE    BIT(7) /* a 2 MiB or 1 GiB page, in the upper levels */
#define PTE_GLOBAL   BIT(8)
#define PTE_NONE     BIT(9) /* ours, in place of PTE_PRESENT: PROT_NONE, nobody can follow it */
#define PTE_NX       BIT(63)
#define PTE_ADDR     0x000ffffffffff000ULL

#define PT_LEVELS       4
#define PT_ENTRIES      512
#define PT_SHIFT(level) (PAGE_SHIFT + 9 * (level)) /* level 0: 4 KiB pages */
#define LARGE_ORDER     9
#define LARGE_SIZE      (PAGE_SIZE << LARGE_ORDER)

static inline unsigned pt_index(uint64_t va, unsigned level)
{
    return va >> PT_SHIFT(level) & (PT_ENTRIES - 1);
}

/* Does the entry hold a page or a table? PTE_PRESENT is what the CPU asks. */
static inline bool pte_in_use(pte_t entry)
{
    return entry & (PTE_PRESENT | PTE_NONE);
}

static inline pte_t *pte_table(pte_t entry)
{
    return phys_to_virt(entry & PTE_ADDR);
}

static inline struct page *pte_page(pte_t entry)
{
    return phys_to_page(entry & PTE_ADDR);
}

/* ---- buddy.c ---- */
#define ORDER_MAX 10 /* 4 MiB */
void buddy_add_range(paddr_t start, paddr_t end); /* RAM whose struct pages are zeroed */
uint64_t buddy_free_pages(void);

/* The frames whose struct page must exist for RAM of `length` bytes at `base`: freeing a block looks
 * at its buddy, which may be a hole. */
static inline void memmap_span(paddr_t base, uint64_t length, uint64_t *first, uint64_t *end)
{
    const uint64_t frames = 1ULL << ORDER_MAX;

    _Static_assert((sizeof(struct page) << ORDER_MAX) % PAGE_SIZE == 0, "a block's struct pages fill pages");
    *first = ALIGN_DOWN(base >> PAGE_SHIFT, frames);
    *end = ALIGN_UP((base + length) >> PAGE_SHIFT, frames);
}
void buddy_shrink(void); /* per-CPU lists back into the free lists */

/* ---- slab.c ---- */
void slab_init(void);
void slab_shrink(void);

/* ---- kmap.c ---- */
extern pte_t *kernel_pml4;
void kmap_init(void);
void kmap_shrink(void); /* cached stacks */
/* Map in the kernel's half; tables come from the boot allocator before the buddy exists. */
void kernel_map(vaddr_t va, paddr_t pa, size_t len, pte_t flags);
paddr_t boot_alloc_table(void);

/* ---- pagetable.c: user page tables; mm->lock held ---- */
/* The entry for va at `level` (0 or 1), or NULL when a table above is missing, or when a larger
 * page is mapped there. */
pte_t *pt_find(struct mm *mm, uaddr_t va, unsigned level);
/* As pt_find, making the tables above: charged to mm->cgroup. NULL: no memory. */
pte_t *pt_make(struct mm *mm, uaddr_t va, unsigned level);
/* Change an entry; keeps the tables' counts of used entries and frees tables that become empty.
 * The caller flushes. */
void pt_set(struct mm *mm, uaddr_t va, pte_t *entry, unsigned level, pte_t value);
/* Take out the tables below [start, end) that have no entries: after pt_make() in vain. */
void pt_prune(struct mm *mm, uaddr_t start, uaddr_t end);
/* Break the 2 MiB page that covers va into 4 KiB entries of the same pages. 0, -ENOMEM. */
int pt_split(struct mm *mm, uaddr_t va);
/* Next address >= va and < end with an entry in use: the entry and its level, or NULL. */
pte_t *pt_next(struct mm *mm, uaddr_t *va, uaddr_t end, unsigned *level);
/* The same after `e`, which either of the two has just given for *va. Quicker: it stays in the table. */
pte_t *pt_after(struct mm *mm, pte_t *e, uaddr_t *va, uaddr_t end, unsigned *level);
pte_t pte_make(const struct vma *vma, struct page *page, bool writable, bool large);
int pt_create(struct mm *mm);
void pt_free_retired(struct mm *mm); /* after a flush */
void pt_destroy(struct mm *mm);

/* ---- tlb.c ---- */
/* After entries were removed or restricted: no CPU uses the old ones when it returns. */
void tlb_flush(struct mm *mm, uaddr_t start, uaddr_t end);
void tlb_flush_kernel(vaddr_t start, vaddr_t end); /* the same in the kernel's half, on every CPU */
/* No CPU has these tables loaded when it returns: a kernel thread runs on with those of the last
 * process. Nobody runs in them any more. */
void tlb_leave(struct mm *mm);

/*
 * Pages that were unmapped but may still be in a TLB: collected, flushed
 * together, then put.
 */
#define GATHER_MAX 64
struct gather {
    struct mm *mm;
    uaddr_t start, end; /* what to flush; start == end: nothing */
    unsigned count;
    struct page *pages[GATHER_MAX];
};
void gather_init(struct gather *g, struct mm *mm);
void gather_range(struct gather *g, uaddr_t start, uaddr_t end); /* needs a flush */
void gather_page(struct gather *g, struct page *p);              /* put after the flush */
void gather_finish(struct gather *g);

/* ---- vma.c; mm->lock held ---- */
struct vma *vma_alloc(struct mm *mm, uaddr_t start, uaddr_t end, uint32_t prot, uint32_t flags);
void vma_insert(struct vma *vma);
int vma_check_sealed(struct vma *vma); /* once a new one is inserted; -EPERM: it must go again */
void vma_free(struct vma *vma); /* not in the tree any more; takes effect in mm_unlock() */
void mm_unlock(struct mm *mm);  /* gives up mm->lock, then frees areas and puts their files */
void vma_remove(struct vma *vma);
/* Another area, not inserted yet, of what `from` maps, if that is a file. */
void vma_share_file(struct vma *vma, const struct vma *from);
/* Cut so that no area crosses `at`, where no large page lies across: see mm_cut(). No limit on
 * areas here. 0, -ENOMEM. */
int vma_split_at(struct mm *mm, uaddr_t at);
void vma_merge_around(struct mm *mm, uaddr_t start, uaddr_t end);
/* Highest free range of len bytes below the mmap base; 0: none. */
uaddr_t vma_find_free(struct mm *mm, size_t len, size_t align);
#define MMAP_MIN_ADDR 0x10000UL
bool vma_is_private_anon(const struct vma *vma);

/* ---- unmap.c ---- */
/* Unmap what is there in [start, end) and put the pages; areas stay. Notifies. 0, -ENOMEM (a large
 * page could not be split). */
int zap_range(struct mm *mm, uaddr_t start, uaddr_t end);
/* The same, but for pages that belong to this address space alone. */
int zap_file_range(struct mm *mm, uaddr_t start, uaddr_t end);
/* Cut so that neither an area nor a large page crosses `start` or `end`. 0, -ENOMEM (too many areas
 * too). */
int mm_cut(struct mm *mm, uaddr_t start, uaddr_t end);
void mm_invalidate(struct mm *mm, uaddr_t start, uaddr_t end);

/* ---- fault.c ---- */
int fault_locked(struct mm *mm, uaddr_t addr, unsigned access);
extern struct page *zero_page;
bool page_is_anon(const struct page *p);
void mm_account(struct mm *mm, const struct page *p, int64_t npages);
void mm_account_sums(struct mm *mm, int64_t anon, int64_t file); /* pages, of many entries at once */
