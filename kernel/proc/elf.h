/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ELF programs, as far as execve(2) needs them: elf(5). The checks are pure
 * and unit-tested on the host; a header is as hostile as any other input.
 */
#pragma once

#include <kernel/types.h>

struct elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
_Static_assert(sizeof(struct elf_header) == 64, "Elf64_Ehdr");

struct elf_segment {
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
};
_Static_assert(sizeof(struct elf_segment) == 56, "Elf64_Phdr");

enum { ELF_EXEC = 2, ELF_DYN = 3, ELF_MACHINE_X86_64 = 62 };
enum { ELF_PT_LOAD = 1, ELF_PT_INTERP = 3, ELF_PT_PHDR = 6, ELF_PT_GNU_STACK = 0x6474e551 };
enum { ELF_PF_X = 1, ELF_PF_W = 2, ELF_PF_R = 4 };

#define ELF_SEGMENTS_MAX 64

/* What the headers say, checked. Addresses are as linked: the load bias comes on top. */
struct elf_plan {
    uint16_t type;
    uint64_t entry;
    uint64_t start, end;       /* page-aligned span of all loadable segments */
    uint64_t end_of_data;      /* where brk begins, before rounding */
    uint64_t phdrs;            /* address of the program headers in memory; 0: not loaded */
    uint32_t nsegments;
    uint64_t interp_offset;    /* PT_INTERP; length 0: none */
    uint64_t interp_length;
    bool has_executable_stack; /* PT_GNU_STACK asks for it */
};

static inline bool elf_header_is_valid(const struct elf_header *h)
{
    static const uint8_t ident[7] = {0x7f, 'E', 'L', 'F', 2 /* 64-bit */, 1 /* little-endian */, 1};

    for (size_t i = 0; i < sizeof(ident); i++) {
        if (h->ident[i] != ident[i])
            return false;
    }
    return (h->type == ELF_EXEC || h->type == ELF_DYN) && h->machine == ELF_MACHINE_X86_64 &&
           h->phentsize == sizeof(struct elf_segment) && h->phnum >= 1 &&
           h->phnum <= ELF_SEGMENTS_MAX;
}

/* One loadable segment that can be mapped: whole pages, inside user space for any bias 0. */
static inline bool elf_load_is_valid(const struct elf_segment *s, uint64_t top)
{
    uint64_t end, file_end;

    return s->filesz <= s->memsz && s->memsz != 0 && !add_overflows(s->vaddr, s->memsz, &end) &&
           end <= top && !add_overflows(s->offset, s->filesz, &file_end) &&
           file_end <= INT64_MAX - PAGE_SIZE && ((s->vaddr - s->offset) & (PAGE_SIZE - 1)) == 0;
}

/* False: no program that can run. `segments` are the header's h->phnum program headers. */
static inline bool elf_make_plan(const struct elf_header *h, const struct elf_segment *segments,
                                 uint64_t top, struct elf_plan *out)
{
    struct elf_plan plan = {.type = h->type, .entry = h->entry, .nsegments = h->phnum};
    bool any = false;

    for (unsigned i = 0; i < h->phnum; i++) {
        const struct elf_segment *s = &segments[i];
        uint64_t start = s->vaddr & PAGE_MASK;

        if (s->type == ELF_PT_GNU_STACK)
            plan.has_executable_stack = (s->flags & ELF_PF_X) != 0;
        if (s->type == ELF_PT_INTERP && plan.interp_length == 0) {
            plan.interp_offset = s->offset;
            plan.interp_length = s->filesz;
            if (s->filesz < 2 || s->filesz > 4096 || s->offset > INT64_MAX - 4096)
                return false;
        }
        if (s->type != ELF_PT_LOAD || s->memsz == 0)
            continue;
        if (!elf_load_is_valid(s, top))
            return false;
        if (!any || start < plan.start)
            plan.start = start;
        if (ALIGN_UP(s->vaddr + s->memsz, PAGE_SIZE) > plan.end)
            plan.end = ALIGN_UP(s->vaddr + s->memsz, PAGE_SIZE);
        if (s->vaddr + s->memsz > plan.end_of_data)
            plan.end_of_data = s->vaddr + s->memsz;
        if (h->phoff >= s->offset && h->phoff - s->offset < s->filesz)
            plan.phdrs = h->phoff - s->offset + s->vaddr;
        any = true;
    }
    if (!any || plan.entry >= top)
        return false;
    *out = plan;
    return true;
}
