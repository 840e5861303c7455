/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one thing that is still asked of the firmware: to power off or reset.
 *
 * Runtime services are firmware code, called at its physical addresses, whose
 * code pages may also be data. They get page tables of their own: the kernel's
 * upper half, and below it only the firmware's runtime regions, one to one,
 * writable and executable. Nothing of that is ever in the tables that threads
 * run on.
 */
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/string.h>

#include "x86.h"

/* UEFI specification, "EFI_MEMORY_DESCRIPTOR", "EFI_RUNTIME_SERVICES" */
struct efi_descriptor {
    uint32_t type;
    uint32_t pad;
    uint64_t physical, virtual;
    uint64_t pages;
    uint64_t attribute;
};
#define EFI_MEMORY_RUNTIME BIT(63)
#define EFI_MEMORY_UC      BIT(0)
#define EFI_MEMORY_WB      BIT(3)

struct efi_runtime_services {
    uint8_t header[24];
    uint64_t time_services[4], virtual_memory_services[2], variable_services[3];
    uint64_t get_next_high_monotonic_count;
    uint64_t reset_system;
};
_Static_assert(offsetof(struct efi_runtime_services, reset_system) == 104, "UEFI: runtime table");

typedef void (*efi_reset_system_fn)(uint32_t type, uint64_t status, uint64_t data_size,
                                    void *data) __attribute__((ms_abi));

#define PTE_PRESENT BIT(0)
#define PTE_WRITE   BIT(1)
#define PTE_PCD     BIT(4)
#define PTE_ADDRESS 0x000ffffffffff000ULL
#define ENTRIES     512

static uint64_t *table_alloc(void)
{
    struct page *p = page_alloc(0, ALLOC_ZERO);

    return p != NULL ? page_address(p) : NULL;
}

static bool map_page(uint64_t *table, paddr_t pa, uint64_t flags)
{
    for (int shift = 39; shift > PAGE_SHIFT; shift -= 9) {
        uint64_t *entry = &table[pa >> shift & (ENTRIES - 1)];

        if (!(*entry & PTE_PRESENT)) {
            uint64_t *next = table_alloc();

            if (next == NULL)
                return false;
            *entry = virt_to_phys(next) | PTE_PRESENT | PTE_WRITE;
        }
        table = phys_to_virt(*entry & PTE_ADDRESS);
    }
    table[pa >> PAGE_SHIFT & (ENTRIES - 1)] = pa | flags | PTE_PRESENT | PTE_WRITE;
    return true;
}

static bool map_regions(uint64_t *root)
{
    const uint8_t *map = phys_to_virt(boot.efi_memory_map);

    for (uint32_t at = 0; at + sizeof(struct efi_descriptor) <= boot.efi_memory_map_size;
         at += boot.efi_descriptor_size) {
        const struct efi_descriptor *d = (const void *)(map + at);
        uint64_t flags = (d->attribute & EFI_MEMORY_WB) ? 0 : PTE_PCD;

        if (!(d->attribute & EFI_MEMORY_RUNTIME))
            continue;
        for (uint64_t i = 0; i < d->pages; i++)
            if (!map_page(root, d->physical + i * PAGE_SIZE, flags))
                return false;
    }
    return true;
}

/* Built only when needed, and never given back: the machine is going away. */
static uint64_t *build_tables(void)
{
    const uint64_t *kernel_root = phys_to_virt(read_cr3() & PTE_ADDRESS);
    uint64_t *root = table_alloc();

    if (root == NULL || !map_regions(root))
        return NULL;
    memcpy(root + ENTRIES / 2, kernel_root + ENTRIES / 2, PAGE_SIZE / 2);
    return root;
}

void efi_reset(enum efi_reset type)
{
    efi_reset_system_fn reset_system;
    uint64_t *root;

    if (boot.efi_runtime == 0 || boot.efi_descriptor_size == 0)
        return;
    root = build_tables();
    if (root == NULL)
        return;

    irq_disable();
    if (this_cpu()->thread != NULL)
        fpu_leave(); /* the firmware may use SSE */
    write_cr3(virt_to_phys(root));
    reset_system = (efi_reset_system_fn)(
        (const struct efi_runtime_services *)boot.efi_runtime)->reset_system;
    reset_system(type, 0, 0, NULL);
    /* It came back: stay on these tables, whose upper half is the kernel's. */
}
