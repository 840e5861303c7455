/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mapping an ELF file into a new address space. The file's own pages are
 * mapped; of a segment's end that is not in the file (.bss), the rest of the
 * last page is cleared and the following pages are anonymous memory.
 */
#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/random.h>
#include <kernel/string.h>
#include <kernel/vm.h>

#include "elf.h"
#include "elf_load.h"

/* Where position-independent programs go: far from the stack and from what mmap(2) gives out. */
#define PIE_BASE      0x0000555555554000ULL
#define PIE_RANDOM    (1ULL << 28) /* pages */
#define BRK_RANDOM    (1ULL << 13) /* pages: up to 32 MiB above the data */
#define ELIBBAD_ERRNO 80

uint64_t random_pages(uint64_t count)
{
    uint64_t r;

    random_bytes(&r, sizeof(r));
    return (r % count) << PAGE_SHIFT;
}

static int read_exactly(struct file *f, uint64_t offset, void *buf, size_t n)
{
    off_t pos = (off_t)offset;
    ssize_t got = file_read_kernel(f, buf, n, &pos);

    if (got < 0)
        return (int)got;
    return (size_t)got == n ? 0 : -ENOEXEC;
}

static int read_program(struct file *f, const struct elf_header *h, struct elf_program *out)
{
    int err;

    if (!elf_header_is_valid(h) || h->phoff > INT64_MAX - sizeof(out->segments))
        return -ENOEXEC;
    err = read_exactly(f, h->phoff, out->segments, h->phnum * sizeof(out->segments[0]));
    if (err < 0)
        return err == -EINTR ? err : -ENOEXEC;
    return elf_make_plan(h, out->segments, USER_TOP, &out->plan) ? 0 : -ENOEXEC;
}

int elf_read(struct file *f, const void *first_bytes, size_t n, struct elf_program *out)
{
    struct elf_header h;

    if (n < sizeof(h))
        return -ENOEXEC;
    memcpy(&h, first_bytes, sizeof(h));
    return read_program(f, &h, out);
}

/* ---- mapping ------------------------------------------------------------------------- */

static uint32_t segment_prot(const struct elf_segment *s)
{
    return ((s->flags & ELF_PF_R) ? PROT_READ : 0) | ((s->flags & ELF_PF_W) ? PROT_WRITE : 0) |
           ((s->flags & ELF_PF_X) ? PROT_EXEC : 0);
}

static int map_zeros(struct mm *mm, uaddr_t start, uaddr_t end, uint32_t prot)
{
    uaddr_t unused;

    if (start >= end)
        return 0;
    return mm_map(mm, start, end - start, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0, &unused);
}

static int map_segment(struct mm *mm, struct file *f, const struct elf_segment *s, uint64_t bias)
{
    uaddr_t start = s->vaddr + bias, data_end = start + s->filesz, end = start + s->memsz;
    uaddr_t page = ALIGN_DOWN(start, PAGE_SIZE), tail = ALIGN_UP(data_end, PAGE_SIZE), unused;
    uint32_t prot = segment_prot(s);
    static const uint8_t zeros[256];
    int err;

    if (s->filesz != 0) {
        err = mm_map(mm, page, tail - page, prot, MAP_PRIVATE | MAP_FIXED, f,
                     (off_t)ALIGN_DOWN(s->offset, PAGE_SIZE), &unused);
        if (err < 0)
            return err;
    } else {
        tail = page;
    }
    if (s->memsz == s->filesz)
        return 0;
    if (s->filesz != 0 && (prot & PROT_WRITE)) {
        /* To the end of the page: ld.so allocates what is left of it, and takes it to be zero. */
        for (uaddr_t at = data_end; at < tail; at += sizeof(zeros)) {
            size_t n = min(sizeof(zeros), tail - at);

            if (mm_write_remote(mm, at, zeros, n) != (ssize_t)n)
                return -ENOMEM;
        }
    }
    return map_zeros(mm, tail, ALIGN_UP(end, PAGE_SIZE), prot);
}

static int map_segments(struct mm *mm, struct file *f, const struct elf_program *prog, uint64_t bias)
{
    for (unsigned i = 0; i < prog->plan.nsegments; i++) {
        const struct elf_segment *s = &prog->segments[i];
        int err = 0;

        if (s->type == ELF_PT_LOAD && s->memsz != 0)
            err = map_segment(mm, f, s, bias);
        if (err < 0)
            return err;
    }
    return 0;
}

static void fill_image(const struct elf_program *prog, uint64_t bias, struct elf_image *out)
{
    out->base = prog->plan.start + bias;
    out->entry = prog->plan.entry + bias;
    out->phdrs = prog->plan.phdrs == 0 ? 0 : prog->plan.phdrs + bias;
    out->nphdrs = prog->plan.nsegments;
}

int elf_map_program(struct mm *mm, struct file *f, const struct elf_program *prog, struct elf_image *out)
{
    uint64_t bias = 0, span = prog->plan.end - prog->plan.start;
    int err;

    if (prog->plan.type == ELF_DYN) {
        bias = PIE_BASE + random_pages(PIE_RANDOM) - prog->plan.start;
        if (span > USER_TOP - PIE_BASE - (PIE_RANDOM << PAGE_SHIFT))
            return -ENOMEM;
    }
    err = map_segments(mm, f, prog, bias);
    if (err < 0)
        return err;
    mm->brk_start = ALIGN_UP(prog->plan.end_of_data + bias, PAGE_SIZE) + random_pages(BRK_RANDOM);
    mm->brk = mm->brk_start;
    fill_image(prog, bias, out);
    return 0;
}

/* Anywhere, in one piece: the span is reserved before the segments take their places in it. */
int elf_map_interpreter(struct mm *mm, struct file *f, const struct elf_program *prog,
                        struct elf_image *out)
{
    uint64_t span = prog->plan.end - prog->plan.start, bias;
    uaddr_t base;
    int err;

    if (prog->plan.type != ELF_DYN)
        return -ELIBBAD_ERRNO;
    err = mm_map(mm, 0, span, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, NULL, 0, &base);
    if (err < 0)
        return err;
    bias = base - prog->plan.start;
    err = map_segments(mm, f, prog, bias);
    if (err == 0)
        fill_image(prog, bias, out);
    return err;
}
