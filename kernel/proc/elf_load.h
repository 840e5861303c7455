/* SPDX-License-Identifier: BSD-2-Clause */
/* Loading ELF files, for exec.c. */
#pragma once

#include "elf.h"

struct file;
struct mm;

struct elf_program {
    struct elf_plan plan;
    struct elf_segment segments[ELF_SEGMENTS_MAX];
};

struct elf_image { /* where it is in memory */
    uaddr_t base, entry, phdrs;
    uint32_t nphdrs;
};

/* `first_bytes` are the file's; -ENOEXEC when it is no program for this machine. */
int elf_read(struct file *f, const void *first_bytes, size_t n, struct elf_program *out);
int elf_map_program(struct mm *mm, struct file *f, const struct elf_program *prog, struct elf_image *out);
int elf_map_interpreter(struct mm *mm, struct file *f, const struct elf_program *prog,
                        struct elf_image *out);
uint64_t random_pages(uint64_t count); /* in bytes: 0 .. (count - 1) pages */
