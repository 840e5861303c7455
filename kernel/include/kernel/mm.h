/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory: physical pages, slabs, charging. (kernel/mm)
 *
 * There is no swap and no reclaim that sleeps: every allocation answers at
 * once and may be made with interrupts off; NULL means out of memory or, for
 * the _for() forms, over the cgroup's limit.
 *
 * Every allocation that a process can cause names the cgroup that it charges;
 * the page or object remembers it until it is freed. Plain forms are for boot
 * code and for memory whose amount no process can influence.
 */
#pragma once

#include <kernel/boot_info.h>
#include <kernel/list.h>
#include <kernel/refcount.h>
#include <kernel/types.h>
#include <kernel/x86/layout.h>

/* ---- kernel address space ---- */
#define USER_TOP 0x00007ffffffff000ULL /* first address user space may not map */

static inline void *phys_to_virt(paddr_t pa)
{
    return (void *)(pa + DIRECT_MAP_BASE);
}
paddr_t virt_to_phys(const void *p); /* direct map or kernel image */

struct cgroup;
struct inode;

/* ---- physical pages ---- */

enum page_flags {
    PAGE_F_BUDDY = BIT(0),    /* head of a free block in the buddy allocator */
    PAGE_F_SLAB = BIT(1),     /* holds slab objects */
    PAGE_F_RESERVED = BIT(2), /* never allocated: kernel image, firmware, holes */
    PAGE_F_CACHE = BIT(3),    /* in an inode's page cache, or made by a driver: never anonymous */
    PAGE_F_HEAD = BIT(4),     /* head of an allocation of order > 0 */
    PAGE_F_TAIL = BIT(5),     /* other page of one; page->index pages before it is its head */
    PAGE_F_TABLE = BIT(6),    /* a page table; page->index counts its entries in use */
    PAGE_F_CPU_LIST = BIT(7), /* free, on a CPU's list */
};

/*
 * One per page frame, 32 bytes. `refs` counts mappings, page-cache membership
 * and kernel users; the last page_put() frees and uncharges.
 */
struct page {
    struct refcount refs;
    uint16_t flags; /* enum page_flags */
    uint8_t order;  /* of the block, in its head */
    uint8_t unused;
    union {
        struct list_node link; /* free list, or the owner's list */
        struct {
            void *owner;    /* slab: struct slab *; page cache: struct inode * */
            uint64_t index; /* page cache: page number in the file; tail: distance to the head;
                               page table: entries in use */
        };
    };
    struct cgroup *cgroup; /* charged, or NULL */
#ifdef KERNEL_DEBUG
    uint64_t guest_mappings; /* [a] entries of second-level tables that lead to it: none when it is freed */
#endif
};
#ifndef KERNEL_DEBUG
_Static_assert(sizeof(struct page) == 32, "one struct page is 1/128 of the memory it describes");
#endif

struct page *pfn_to_page(uint64_t pfn);
uint64_t page_to_pfn(const struct page *p);
static inline paddr_t page_to_phys(const struct page *p)
{
    return page_to_pfn(p) << PAGE_SHIFT;
}
static inline struct page *phys_to_page(paddr_t pa)
{
    return pfn_to_page(pa >> PAGE_SHIFT);
}
static inline void *page_address(const struct page *p)
{
    return phys_to_virt(page_to_phys(p));
}

enum alloc_flags {
    ALLOC_ZERO = BIT(0),
    ALLOC_USER = BIT(1), /* for a program's own memory: may not have the last free pages, see mm_is_short() */
};

/* 2^order pages, naturally aligned, one reference. */
struct page *page_alloc(unsigned order, unsigned flags);
struct page *page_alloc_for(struct cgroup *cg, unsigned order, unsigned flags);
/* A reference to any page of a larger block counts for the whole block, which stays until the
 * last one is gone. */
void page_get(struct page *p);
void page_put(struct page *p);
static inline struct page *page_head(struct page *p)
{
    return p->flags & PAGE_F_TAIL ? p - p->index : p;
}
/* Make pages that no allocator owned ordinary ones with one reference: the initrd's (page_put()
 * frees them to the buddy allocator). Page aligned, in BOOT_MEM_MODULE memory. */
struct page *page_adopt(paddr_t pa);

struct mem_stats {
    uint64_t total_pages;     /* RAM that the kernel manages */
    uint64_t free_pages;
    uint64_t cache_pages;     /* page cache, shared memory included */
    uint64_t slab_pages;
    uint64_t table_pages;     /* page tables */
    uint64_t anon_pages;
    uint64_t stack_pages;     /* kernel stacks */
};
void mem_stats_get(struct mem_stats *out);
uint64_t mem_total_pages(void);
enum mem_stat { MEM_CACHE, MEM_SLAB, MEM_TABLES, MEM_ANON, MEM_STACKS, MEM_STATS };
void mem_stat_add(enum mem_stat which, int64_t pages);

/* ---- slabs ---- */

struct kmem_cache;
/* Never fails (boot only; name is kept). Objects are not zeroed by the allocator. */
struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align);
void *kmem_cache_alloc(struct kmem_cache *c);
void *kmem_cache_zalloc(struct kmem_cache *c);
void *kmem_cache_alloc_for(struct kmem_cache *c, struct cgroup *cg);
void *kmem_cache_zalloc_for(struct kmem_cache *c, struct cgroup *cg);
void kmem_cache_free(struct kmem_cache *c, void *obj);

/* Any size up to 4 MiB; kfree(NULL) is nothing. The charge is remembered per object. */
void *kmalloc(size_t size);
void *kzalloc(size_t size);
void *kmalloc_for(struct cgroup *cg, size_t size);
void *kalloc_for(struct cgroup *cg, size_t size); /* zeroed */
char *kstrdup_for(struct cgroup *cg, const char *s);
void kfree(void *p);

/* Give cached free memory back: empty slabs, per-CPU page lists. What tests that count pages call
 * first (/proc/sys/vm/drop_caches). */
void mm_shrink(void);

/* For /proc/slabinfo and the leak tests: calls fn for each cache. */
struct kmem_cache_info {
    const char *name;
    uint64_t objects; /* allocated now */
    uint64_t total;   /* slots */
    uint32_t size;    /* bytes */
    uint32_t pages;   /* now in use */
};
void kmem_cache_for_each(void (*fn)(const struct kmem_cache_info *info, void *arg), void *arg);

/*
 * The machine as a whole has (nearly) no free pages. Programs' own memory leaves some: who wants such a
 * page can have the killer make room and wait (cgroup_wait_for_memory()), while most of the kernel can
 * only fail.
 */
bool mm_is_short(void);
uint64_t mm_available_pages(void); /* free, and not kept for the kernel */
bool mm_is_full(void);             /* as good as none of these */

/* ---- kernel mappings: guard page below and above; device memory uncached ---- */
void *kmap_alloc_stack(struct cgroup *cg, unsigned npages); /* returns the lowest address */
void kmap_free_stack(void *base, unsigned npages);
void *kmap_device(paddr_t pa, size_t len); /* for good */

/* Virtually contiguous pages for large kernel buffers; charged page by page. NULL: no memory. */
void *kmap_alloc(struct cgroup *cg, size_t len);
void kmap_free(void *p, size_t len);

/* ---- start-up ---- */
void mm_init(const struct boot_info *bi); /* own page tables with W^X, memmap, buddy, slabs */
