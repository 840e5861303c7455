/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory at boot: from the loader's page tables to the kernel's own.
 *
 * The kernel's half of every address space, made once here and shared by all
 * (each process's top-level table copies the entries of the upper half):
 *
 *     ffff8000...  direct map: all RAM, writable, never executable; what lies
 *                  below the kernel's text and constants is read-only there too
 *     ffffc000...  kmap: stacks between guard pages, device memory
 *     ffffe000...  struct page array, only where there is RAM
 *     ffffffff8... kernel image: text r-x, constants r--, data rw-
 *
 * Nothing is writable and executable. Until the buddy allocator has its pages,
 * tables and the struct page array come from a bump allocator at the start of
 * the largest usable range.
 */
#include <kernel/boot_info.h>
#include <kernel/log.h>
#include <kernel/string.h>
#include <kernel/x86/cpu.h>

#include "mm_internal.h"

extern char kernel_text_start[], kernel_text_end[];
extern char kernel_rodata_start[], kernel_rodata_end[];
extern char kernel_data_start[], kernel_data_end[];

pte_t *kernel_pml4;

static paddr_t boot_next, boot_end; /* the bump allocator's range */
static bool boot_done;

static const struct boot_memory *boot_memory(unsigned i)
{
    return (const struct boot_memory *)phys_to_virt(boot.memory) + i;
}

static bool is_ram(const struct boot_memory *m)
{
    return m->type != BOOT_MEM_RESERVED && m->type != BOOT_MEM_MMIO && m->type != BOOT_MEM_BAD;
}

static void boot_alloc_init(void)
{
    for (unsigned i = 0; i < boot.memory_count; i++) {
        const struct boot_memory *m = boot_memory(i);

        if (m->type == BOOT_MEM_USABLE && m->length > boot_end - boot_next) {
            boot_next = m->base;
            boot_end = m->base + m->length;
        }
    }
    if (boot_next == 0) { /* frame 0 is never handed out */
        boot_next = PAGE_SIZE;
    }
}

static paddr_t boot_alloc(size_t len)
{
    paddr_t pa = boot_next;

    len = ALIGN_UP(len, PAGE_SIZE);
    if (boot_end - boot_next < len)
        panic("mm: no range of usable memory holds the kernel's own tables");
    boot_next += len;
    memset(phys_to_virt(pa), 0, len);
    return pa;
}

paddr_t boot_alloc_table(void)
{
    struct page *p;

    if (!boot_done)
        return boot_alloc(PAGE_SIZE);
    p = page_alloc(0, ALLOC_ZERO);
    if (p == NULL)
        panic("mm: no memory for a kernel page table");
    mem_stat_add(MEM_TABLES, 1);
    return page_to_phys(p);
}

void kernel_map(vaddr_t va, paddr_t pa, size_t len, pte_t flags)
{
    static bool has_1g;
    static bool probed;

    if (!probed) {
        has_1g = cpuid(0x80000000, 0).eax >= 0x80000001 && (cpuid(0x80000001, 0).edx & BIT(26));
        probed = true;
    }
    while (len > 0) {
        pte_t *table = kernel_pml4;
        unsigned level = 0;

        if (IS_ALIGNED(va | pa, BIT(PT_SHIFT(2))) && len >= BIT(PT_SHIFT(2)) && has_1g)
            level = 2;
        else if (IS_ALIGNED(va | pa, LARGE_SIZE) && len >= LARGE_SIZE)
            level = 1;
        for (unsigned l = PT_LEVELS - 1; l > level; l--) {
            pte_t *e = &table[pt_index(va, l)];

            if (!(*e & PTE_PRESENT))
                *e = boot_alloc_table() | PTE_PRESENT | PTE_WRITE;
            assert(!(*e & PTE_LARGE));
            table = pte_table(*e);
        }
        table[pt_index(va, level)] = pa | flags | PTE_PRESENT | (level > 0 ? PTE_LARGE : 0);
        va += BIT(PT_SHIFT(level));
        pa += BIT(PT_SHIFT(level));
        len -= BIT(PT_SHIFT(level));
    }
}

static paddr_t image_to_phys(const char *p)
{
    return (paddr_t)p - BOOT_KERNEL_BASE + boot.kernel_base;
}

/* The direct map of [start, end), read-only where the kernel's text and constants lie. */
static void map_ram(paddr_t start, paddr_t end)
{
    paddr_t ro_start = image_to_phys(kernel_text_start), ro_end = image_to_phys(kernel_rodata_end);
    const pte_t rw = PTE_WRITE | PTE_NX | PTE_GLOBAL, ro = PTE_NX | PTE_GLOBAL;
    const struct {
        paddr_t start, end;
        pte_t flags;
    } parts[] = {
        {start, min(end, ro_start), rw},
        {max(start, ro_start), min(end, ro_end), ro},
        {max(start, ro_end), end, rw},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(parts); i++) {
        if (parts[i].start < parts[i].end)
            kernel_map(DIRECT_MAP_BASE + parts[i].start, parts[i].start, parts[i].end - parts[i].start,
                       parts[i].flags);
    }
}

static void map_section(const char *start, const char *end, pte_t flags)
{
    kernel_map((vaddr_t)start, image_to_phys(start), (size_t)ALIGN_UP(end - start, (long)PAGE_SIZE), flags);
}

static void map_kernel(void)
{
    kernel_pml4 = phys_to_virt(boot_alloc(PAGE_SIZE));
    /* The direct map first: adjoining ranges together, for large pages. The first MiB is in it
     * whatever the firmware says of it: the AP start-up page and the BIOS areas are there. */
    for (unsigned i = 0; i < boot.memory_count;) {
        paddr_t start = boot_memory(i)->base, end = start;

        for (; i < boot.memory_count && (end == start || boot_memory(i)->base == end); i++) {
            if (!is_ram(boot_memory(i)) && boot_memory(i)->base >= MIB(1))
                break;
            end = boot_memory(i)->base + boot_memory(i)->length;
        }
        if (end == start)
            i++;
        else
            map_ram(start, end);
    }
    map_section(kernel_text_start, kernel_text_end, PTE_GLOBAL);
    map_section(kernel_rodata_start, kernel_rodata_end, PTE_NX | PTE_GLOBAL);
    map_section(kernel_data_start, kernel_data_end, PTE_WRITE | PTE_NX | PTE_GLOBAL);
}

static void map_memmap(void)
{
    vaddr_t mapped = MEMMAP_BASE; /* end of what is there already */

    for (unsigned i = 0; i < boot.memory_count; i++) {
        const struct boot_memory *m = boot_memory(i);
        uint64_t first_frame, end_frame;
        vaddr_t start, end;

        if (!is_ram(m) && m->base >= MIB(1))
            continue;
        memmap_span(m->base, m->length, &first_frame, &end_frame);
        start = max((vaddr_t)pfn_to_page(first_frame), mapped);
        end = (vaddr_t)pfn_to_page(end_frame);
        if (start < end) {
            kernel_map(start, boot_alloc(end - start), end - start, PTE_WRITE | PTE_NX | PTE_GLOBAL);
            mapped = end;
        }
    }
}

static void reserve_pages(paddr_t start, paddr_t end)
{
    for (uint64_t pfn = start >> PAGE_SHIFT; pfn < end >> PAGE_SHIFT; pfn++)
        pfn_to_page(pfn)->flags = PAGE_F_RESERVED;
}

/* Every usable frame to the buddy allocator, but for what the bump allocator has used. */
static void hand_over(void)
{
    paddr_t used_start = 0, used_end = boot_next;

    for (unsigned i = 0; i < boot.memory_count; i++) {
        const struct boot_memory *m = boot_memory(i);

        if (m->type == BOOT_MEM_USABLE && boot_next > m->base && boot_next <= m->base + m->length)
            used_start = m->base;
    }
    for (unsigned i = 0; i < boot.memory_count; i++) {
        const struct boot_memory *m = boot_memory(i);
        paddr_t start = max(m->base, PAGE_SIZE), end = m->base + m->length;

        if (!is_ram(m) && m->base >= MIB(1))
            continue;
        if (m->type != BOOT_MEM_USABLE) {
            reserve_pages(m->base, end);
        } else if (m->base == used_start) {
            reserve_pages(m->base, used_end);
            buddy_add_range(max(start, used_end), end);
        } else {
            reserve_pages(0, m->base == 0 ? PAGE_SIZE : 0);
            buddy_add_range(start, end);
        }
    }
    boot_done = true;
}

/* What boot_info points at lies in the loader's memory: move it, then that memory is free. */
static void *keep(uint64_t pa, size_t len)
{
    void *copy = kmalloc(len);

    if (copy == NULL)
        panic("mm: no memory for boot_info");
    return memcpy(copy, phys_to_virt(pa), len);
}

static void free_loader_memory(void)
{
    boot.modules = virt_to_phys(keep(boot.modules, boot.module_count * sizeof(struct boot_module)));
    boot.cpus = virt_to_phys(keep(boot.cpus, boot.cpu_count * sizeof(struct boot_cpu)));
    boot.cmdline = virt_to_phys(keep(boot.cmdline, strlen(phys_to_virt(boot.cmdline)) + 1));
    if (boot.efi_memory_map != 0)
        boot.efi_memory_map = virt_to_phys(keep(boot.efi_memory_map, boot.efi_memory_map_size));
    boot.memory = virt_to_phys(keep(boot.memory, boot.memory_count * sizeof(struct boot_memory)));
    for (unsigned i = 0; i < boot.memory_count; i++) {
        const struct boot_memory *m = boot_memory(i);
        paddr_t end = m->base + m->length;

        if (m->type != BOOT_MEM_LOADER || (boot.ap_page >= m->base && boot.ap_page < end))
            continue;
        for (uint64_t pfn = m->base >> PAGE_SHIFT; pfn < end >> PAGE_SHIFT; pfn++)
            pfn_to_page(pfn)->flags = 0;
        buddy_add_range(m->base, end);
    }
}

paddr_t virt_to_phys(const void *p)
{
    vaddr_t va = (vaddr_t)p;

    if (va >= KERNEL_IMAGE)
        return image_to_phys(p);
    assert(va >= DIRECT_MAP_BASE && va < DIRECT_MAP_BASE + DIRECT_MAP_SIZE);
    return va - DIRECT_MAP_BASE;
}

struct page *pfn_to_page(uint64_t pfn)
{
    return (struct page *)MEMMAP_BASE + pfn;
}

uint64_t page_to_pfn(const struct page *p)
{
    return (uint64_t)(p - (struct page *)MEMMAP_BASE);
}

void mm_init(const struct boot_info *bi)
{
    struct mem_stats stats;

    (void)bi; /* x86_early_init() has copied it to `boot` */
    boot_alloc_init();
    map_kernel();
    map_memmap();
    write_cr3(virt_to_phys(kernel_pml4));
    hand_over();
    slab_init();
    kmap_init();
    free_loader_memory();
    zero_page = page_alloc(0, ALLOC_ZERO);
    zero_page->flags |= PAGE_F_CACHE | PAGE_F_RESERVED; /* never anonymous, never freed */
    mem_stats_get(&stats);
    log_info("mm: %llu MiB of memory, %llu MiB free\n",
             (unsigned long long)(stats.total_pages >> 8), (unsigned long long)(stats.free_pages >> 8));
}
