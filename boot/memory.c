/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages from the firmware, with a ledger of what each run of them holds. The
 * firmware's own map cannot tell the kernel image from a page table (both are
 * "loader data"), so the ledger overrides it in the map handed to the kernel.
 */
#include "loader.h"

#define MAX_OWN 64
static struct boot_memory own[MAX_OWN];
static unsigned int own_count;

/* Room for the firmware's map to grow between measuring and fetching it. */
#define MAP_SLACK 32

static void record(uint64_t base, uint64_t bytes, enum boot_memory_type type)
{
    if (own_count == MAX_OWN)
        give_up(L"too many pieces of memory"); /* grows only with the number of initrds */
    own[own_count++] = (struct boot_memory){.base = base, .length = bytes, .type = type};
}

static void *allocate(EFI_ALLOCATE_TYPE how, uint64_t limit, uint64_t bytes,
                      enum boot_memory_type type)
{
    EFI_PHYSICAL_ADDRESS base = limit;
    EFI_STATUS status;

    bytes = round_up(bytes ? bytes : 1, PAGE_BYTES);
    status = BS->AllocatePages(how, EfiLoaderData, bytes / PAGE_BYTES, &base);
    if (EFI_ERROR(status))
        give_up(L"no room for %ld KiB of memory: %r", bytes / 1024, status);
    record(base, bytes, type);
    return (void *)(uintptr_t)base;
}

void *memory_alloc_file(uint64_t bytes, enum boot_memory_type type)
{
    uint8_t *data = allocate(AllocateAnyPages, 0, bytes, type);

    memset(data + bytes, 0, round_up(bytes, PAGE_BYTES) - bytes);
    return data;
}

void *memory_alloc(uint64_t bytes, enum boot_memory_type type)
{
    return memset(allocate(AllocateAnyPages, 0, bytes, type), 0, bytes);
}

void *memory_alloc_below(uint64_t limit, uint64_t bytes, enum boot_memory_type type)
{
    return memset(allocate(AllocateMaxAddress, limit - 1, bytes, type), 0, bytes);
}

/* The firmware aligns to pages only: ask for more and give both ends back. */
void *memory_alloc_2m(uint64_t bytes, enum boot_memory_type type)
{
    EFI_PHYSICAL_ADDRESS base = 0, start;
    UINTN pages, before, after;
    EFI_STATUS status;

    bytes = round_up(bytes, PAGE_BYTES);
    pages = (bytes + SIZE_2M) / PAGE_BYTES;
    status = BS->AllocatePages(AllocateAnyPages, EfiLoaderData, pages, &base);
    if (EFI_ERROR(status))
        give_up(L"no room for %ld KiB of memory: %r", bytes / 1024, status);
    start = round_up(base, SIZE_2M);
    before = (start - base) / PAGE_BYTES;
    after = pages - before - bytes / PAGE_BYTES;
    if (before != 0)
        BS->FreePages(base, before);
    if (after != 0)
        BS->FreePages(start + bytes, after);
    record(start, bytes, type);
    return (void *)(uintptr_t)start;
}

/* The firmware's map in memory of ours, with room for a few more entries than it has now. */
struct firmware_map {
    void *data;
    UINTN room, size, key, stride;
};

static void fetch(struct firmware_map *map)
{
    UINT32 version;

    map->size = map->room;
    require(BS->GetMemoryMap(&map->size, map->data, &map->key, &map->stride, &version),
            L"reading the memory map");
}

static struct firmware_map prepare(void)
{
    struct firmware_map map = {0};
    UINT32 version;

    (void)BS->GetMemoryMap(&map.size, NULL, &map.key, &map.stride, &version); /* only measures */
    map.room = map.size + MAP_SLACK * map.stride;
    map.data = memory_alloc(map.room, BOOT_MEM_LOADER);
    fetch(&map);
    return map;
}

uint64_t memory_top(void)
{
    static uint64_t top; /* RAM does not come or go while we run */
    struct firmware_map map;

    if (top != 0)
        return top;
    map = prepare();
    for (UINTN at = 0; at + sizeof(EFI_MEMORY_DESCRIPTOR) <= map.size; at += map.stride) {
        const EFI_MEMORY_DESCRIPTOR *d = (const void *)((uint8_t *)map.data + at);
        uint64_t end = d->PhysicalStart + d->NumberOfPages * PAGE_BYTES;

        if (d->Type != EfiReservedMemoryType && d->Type != EfiMemoryMappedIO &&
            d->Type != EfiMemoryMappedIOPortSpace && end > top)
            top = end;
    }
    return top;
}

void memory_exit_boot_services(EFI_HANDLE image, struct boot_info *info)
{
    struct firmware_map map = prepare();
    unsigned int max = (unsigned int)(map.room / map.stride) + 2 * MAX_OWN;
    struct boot_memory *out = memory_alloc(max * sizeof(*out), BOOT_MEM_LOADER);
    EFI_STATUS status = EFI_INVALID_PARAMETER;

    /* A timer event of the firmware may change the map in between: then its key is stale. */
    for (int attempt = 0; attempt < 8 && status == EFI_INVALID_PARAMETER; attempt++) {
        fetch(&map);
        status = BS->ExitBootServices(image, map.key);
    }
    require(status, L"leaving the firmware's boot services");

    /* From here on only plain computation; there is nobody left to report an error to. */
    info->memory = (uintptr_t)out;
    info->memory_count =
        memory_map_build(map.data, map.size, map.stride, own, own_count, out, max);
    info->efi_memory_map = (uintptr_t)map.data;
    info->efi_memory_map_size = (uint32_t)map.size;
    info->efi_descriptor_size = (uint32_t)map.stride;
}
