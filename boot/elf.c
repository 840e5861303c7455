/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel image: a static 64-bit ELF executable linked at BOOT_KERNEL_BASE.
 * It may be loaded at any physical address, since it only ever runs at its
 * linked one; a segment's place in memory is its distance from that base.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "loader.h"

struct elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct elf_segment {
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

_Static_assert(sizeof(struct elf_header) == 64, "ELF-64 header");
_Static_assert(sizeof(struct elf_segment) == 56, "ELF-64 program header");

#define ELF_TYPE_EXEC      2
#define ELF_MACHINE_X86_64 62
#define ELF_SEGMENT_LOAD   1

static const uint8_t elf_ident[7] = {0x7f, 'E', 'L', 'F', 2 /* 64-bit */, 1 /* little-endian */, 1};

/* BOOT_KERNEL_BASE is in the last 2 GiB; the loader's tables map the first GiB of that. */
#define KERNEL_MAX SIZE_1G

static const struct elf_segment *segment(const void *file, unsigned int index)
{
    const struct elf_header *header = file;

    return (const void *)((const uint8_t *)file + header->phoff +
                          (uint64_t)index * header->phentsize);
}

const char *elf_check(const void *file, uint64_t size, struct elf_image *out)
{
    const struct elf_header *header = file;
    uint64_t end = 0;
    bool entry_inside = false;

    if (size < sizeof(*header) || memcmp(header->ident, elf_ident, sizeof(elf_ident)) != 0)
        return "not a 64-bit ELF file";
    if (header->type != ELF_TYPE_EXEC || header->machine != ELF_MACHINE_X86_64)
        return "not an x86-64 executable";
    if (header->phentsize < sizeof(struct elf_segment) || header->phoff % 8 != 0 ||
        header->phentsize % 8 != 0 || header->phoff > size ||
        (uint64_t)header->phnum * header->phentsize > size - header->phoff)
        return "truncated or damaged (program headers)";

    for (unsigned int i = 0; i < header->phnum; i++) {
        const struct elf_segment *s = segment(file, i);
        uint64_t start = s->vaddr - BOOT_KERNEL_BASE;

        if (s->type != ELF_SEGMENT_LOAD || s->memsz == 0)
            continue;
        if (s->filesz > s->memsz || s->offset > size || s->filesz > size - s->offset)
            return "truncated or damaged (segments)";
        if (s->vaddr < BOOT_KERNEL_BASE || s->memsz > KERNEL_MAX || start > KERNEL_MAX - s->memsz)
            return "linked outside the kernel's addresses";
        if (end < start + s->memsz)
            end = start + s->memsz;
        if (header->entry >= s->vaddr && header->entry - s->vaddr < s->filesz)
            entry_inside = true;
    }
    if (!entry_inside)
        return "no code at the entry point";
    out->entry = header->entry;
    out->length = round_up(end, PAGE_BYTES);
    return NULL;
}

void elf_load(const void *file, void *base, const struct elf_image *image)
{
    const struct elf_header *header = file;

    memset(base, 0, image->length);
    for (unsigned int i = 0; i < header->phnum; i++) {
        const struct elf_segment *s = segment(file, i);

        if (s->type == ELF_SEGMENT_LOAD && s->filesz != 0)
            memcpy((uint8_t *)base + (s->vaddr - BOOT_KERNEL_BASE),
                   (const uint8_t *)file + s->offset, s->filesz);
    }
}
