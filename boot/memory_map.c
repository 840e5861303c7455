/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The firmware's memory map in the kernel's terms.
 *
 * Firmware maps come in any order, with neighbours of one type split, and now
 * and then with overlaps. The result is built by inserting each range so that
 * the list stays sorted and free of overlaps, a later range winning over an
 * earlier one; the loader's own ranges go in last and so override everything.
 */
#include <string.h>

#include "loader.h"

struct list {
    struct boot_memory *at;
    unsigned int count, max;
    bool full;
};

static uint32_t translate(uint32_t efi_type, uint64_t attributes)
{
    switch (efi_type) {
    case EfiLoaderCode:
    case EfiLoaderData: /* what matters of these is in the loader's own list */
    case EfiBootServicesCode:
    case EfiBootServicesData:
    case EfiConventionalMemory:
        /* RAM that cannot be cached is not RAM as the kernel understands it. */
        return (attributes & EFI_MEMORY_WB) ? BOOT_MEM_USABLE : BOOT_MEM_RESERVED;
    case EfiRuntimeServicesCode:
        return BOOT_MEM_RUNTIME_CODE;
    case EfiRuntimeServicesData:
        return BOOT_MEM_RUNTIME_DATA;
    case EfiUnusableMemory:
        return BOOT_MEM_BAD;
    case EfiACPIReclaimMemory:
        return BOOT_MEM_ACPI_RECLAIM;
    case EfiACPIMemoryNVS:
        return BOOT_MEM_ACPI_NVS;
    case EfiMemoryMappedIO:
    case EfiMemoryMappedIOPortSpace:
        return BOOT_MEM_MMIO;
    default:
        return BOOT_MEM_RESERVED;
    }
}

static void insert_at(struct list *list, unsigned int index, struct boot_memory range)
{
    if (list->count == list->max) {
        list->full = true;
        return;
    }
    memmove(&list->at[index + 1], &list->at[index], (list->count - index) * sizeof(range));
    list->at[index] = range;
    list->count++;
}

static void remove_at(struct list *list, unsigned int index)
{
    list->count--;
    memmove(&list->at[index], &list->at[index + 1], (list->count - index) * sizeof(list->at[0]));
}

/* Cut [base, end) out of the list; returns where a range that starts there belongs. */
static unsigned int carve(struct list *list, uint64_t base, uint64_t end)
{
    unsigned int i = 0;

    while (i < list->count && list->at[i].base + list->at[i].length <= base)
        i++;
    if (i < list->count && list->at[i].base < base) {
        struct boot_memory tail = list->at[i];
        uint64_t tail_end = tail.base + tail.length;

        list->at[i].length = base - tail.base;
        i++;
        if (tail_end > end) {
            tail.base = end;
            tail.length = tail_end - end;
            insert_at(list, i, tail);
            return i;
        }
    }
    while (i < list->count && list->at[i].base + list->at[i].length <= end)
        remove_at(list, i);
    if (i < list->count && list->at[i].base < end) {
        list->at[i].length -= end - list->at[i].base;
        list->at[i].base = end;
    }
    return i;
}

static void add(struct list *list, uint64_t base, uint64_t length, uint32_t type)
{
    unsigned int i;

    if (length == 0 || base + length < base)
        return;
    i = carve(list, base, base + length);
    insert_at(list, i, (struct boot_memory){.base = base, .length = length, .type = type});
}

static void merge(struct list *list)
{
    unsigned int last = 0;

    for (unsigned int i = 1; i < list->count; i++) {
        struct boot_memory *a = &list->at[last], *b = &list->at[i];

        if (a->type == b->type && a->base + a->length == b->base)
            a->length += b->length;
        else
            list->at[++last] = *b;
    }
    if (list->count != 0)
        list->count = last + 1;
}

unsigned int memory_map_build(const void *map, uint64_t size, uint64_t stride,
                              const struct boot_memory *own, unsigned int own_count,
                              struct boot_memory *out, unsigned int max)
{
    struct list list = {.at = out, .max = max};

    for (uint64_t at = 0; at + sizeof(EFI_MEMORY_DESCRIPTOR) <= size; at += stride) {
        const EFI_MEMORY_DESCRIPTOR *d = (const void *)((const uint8_t *)map + at);

        if (d->NumberOfPages > UINT64_MAX / PAGE_BYTES)
            continue;
        add(&list, d->PhysicalStart, d->NumberOfPages * PAGE_BYTES,
            translate(d->Type, d->Attribute));
    }
    for (unsigned int i = 0; i < own_count; i++)
        if (own[i].type != BOOT_MEM_USABLE)
            add(&list, own[i].base, own[i].length, own[i].type);
    merge(&list);
    return list.full ? 0 : list.count;
}
