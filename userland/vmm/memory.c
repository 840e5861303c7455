/* SPDX-License-Identifier: BSD-2-Clause */
/* Guest RAM: see memory.h. */
#include "memory.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>

#define LARGE_PAGE (2 * MIB)

int memory_init(struct guest_memory *memory, uint64_t size)
{
    uint64_t reserve = size + LARGE_PAGE;
    uint64_t lead;
    uint8_t *map;

    if (reserve < size)
        return -ENOMEM;
    map = mmap(NULL, reserve, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
               -1, 0);
    if (map == MAP_FAILED)
        return -errno;

    lead = -(uintptr_t)map & (LARGE_PAGE - 1);
    if (lead > 0)
        munmap(map, lead);
    if (lead < LARGE_PAGE)
        munmap(map + lead + size, LARGE_PAGE - lead);
    memory->base = map + lead;
    memory->size = size;
    memory->low_size = size < MEMORY_LOW_MAX ? size : MEMORY_LOW_MAX;
    memory->high_size = size - memory->low_size;
    (void)madvise(memory->base, size, MADV_HUGEPAGE);  /* only a wish */
    (void)madvise(memory->base, size, MADV_DONTFORK);  /* nobody here forks; only a wish too */
    return 0;
}

int memory_clear(struct guest_memory *memory)
{
    return madvise(memory->base, memory->size, MADV_DONTNEED) == 0 ? 0 : -errno;
}

void *guest_ptr(const struct guest_memory *memory, gpa_t gpa, uint64_t size)
{
    if (gpa < memory->low_size && size <= memory->low_size - gpa)
        return memory->base + gpa;
    if (gpa >= MEMORY_HIGH_BASE && gpa - MEMORY_HIGH_BASE < memory->high_size &&
        size <= memory->high_size - (gpa - MEMORY_HIGH_BASE))
        return memory->base + memory->low_size + (gpa - MEMORY_HIGH_BASE);
    return NULL;
}

uint64_t memory_available(void)
{
    unsigned long long kib = 0;
    uint64_t bytes = UINT64_MAX;
    char line[128];
    FILE *file = fopen("/proc/meminfo", "re");

    if (file == NULL)
        return bytes;
    while (fgets(line, sizeof(line), file) != NULL)
        if (sscanf(line, "MemAvailable: %llu", &kib) == 1)
            bytes = kib << 10;
    fclose(file);
    return bytes;
}
