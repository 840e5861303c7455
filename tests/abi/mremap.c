/* SPDX-License-Identifier: BSD-2-Clause */
/* mremap(2): what moves keeps its contents, wherever it goes. */
#include "abi.h"

#include <stdint.h>
#include <sys/mman.h>

#define PAGE 4096ul
#define MIB  (1024 * 1024ul)

static char *arena; /* 64 MiB of addresses, at a multiple of 2 MiB */

static void reserve(void)
{
    char *p = mmap(NULL, 66 * MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    arena = (char *)(((uintptr_t)p + 2 * MIB - 1) & ~(2 * MIB - 1));
}

static char *fill(char *at, size_t len)
{
    char *p = mmap(at, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

    for (size_t i = 0; i < len / PAGE; i++)
        *(uint64_t *)(p + i * PAGE) = i + 1;
    return p;
}

/* How many of the pages hold what fill() wrote. */
static long kept(const char *p, size_t len)
{
    long n = 0;

    for (size_t i = 0; i < len / PAGE; i++)
        n += *(const uint64_t *)(p + i * PAGE) == i + 1;
    return n;
}

static void moves(void)
{
    /* From and to, in pages of the arena. Where they touch, both lie in one page table. */
    static const struct {
        size_t from, to, pages;
    } tries[] = {
        {1100, 100, 1000}, {100, 1100, 1000}, {1024, 0, 1024},   {0, 1024, 1024},  {1025, 1, 1024}, {5000, 3, 2048},
        {3, 5000, 2048},   {513, 512, 1},     {5120, 512, 4096}, {512, 5120, 4096}, {4613, 517, 4096},
    };

    SECTION("moves");
    for (unsigned i = 0; i < ARRAY_LEN(tries); i++) {
        size_t len = tries[i].pages * PAGE;
        char *from = arena + tries[i].from * PAGE, *to = arena + tries[i].to * PAGE;

        fill(from, len);
        CALL(mremap(from, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
        CALL(kept(to, len));
        CALL(msync(from, PAGE, MS_ASYNC));
        CALL(munmap(to, len));
    }
}

static void growth(void)
{
    size_t len = 4 * PAGE;
    char *p = fill(arena, len), *wall;

    SECTION("growth by moving");
    while (len < 24 * MIB) {
        wall = mmap(p + len, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        errno = 0;
        if (mremap(p, len, len + len / 4, 0) != MAP_FAILED || errno != ENOMEM)
            printf("grew over its neighbour\n");
        p = mremap(p, len, (len + len / 4 + PAGE) & ~(PAGE - 1), MREMAP_MAYMOVE);
        if (p == MAP_FAILED || kept(p, len) != (long)(len / PAGE)) {
            printf("lost at %zu\n", len);
            return;
        }
        munmap(wall, PAGE);
        len = (len + len / 4 + PAGE) & ~(PAGE - 1);
        for (size_t i = 0; i < len / PAGE; i++)
            *(uint64_t *)(p + i * PAGE) = i + 1;
    }
    CALL(mremap(p, len, PAGE, 0) == p);
    CALL(kept(p, PAGE));
    CALL(munmap(p, PAGE));
}

/* The rest goes, beyond the area's end as well. */
static void shrinking_move(void)
{
    char *p = fill(arena, 8 * PAGE), *to = p + 64 * PAGE;

    SECTION("shrinking and moving at once");
    CALL(mremap(p, 16 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
    CALL(kept(to, 2 * PAGE));
    for (int i = 0; i < 9; i++)
        CALL(madvise(p + i * PAGE, PAGE, MADV_NORMAL));
    CALL(madvise(to + 2 * PAGE, PAGE, MADV_NORMAL));
    CALL(munmap(to, 2 * PAGE));
}

/* An old length of 0 maps shared memory once more. A new place at the old one has removed it by then. */
static void again(void)
{
    const int flags = MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    char *top = (char *)0x7fffffffe000; /* nothing is mapped above it */
    char *p = mmap(arena, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

    SECTION("an old length of 0");
    strcpy(p + PAGE, "shared");
    CALL(mremap(p + PAGE, 0, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 8 * PAGE) == p + 8 * PAGE);
    CALL(strcmp(p + 8 * PAGE, "shared"));
    CALL(mremap(p + PAGE, 0, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p));
    CALL(mremap(p + PAGE, 0, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE));
    for (int i = 0; i < 4; i++)
        CALL(msync(p + i * PAGE, PAGE, MS_ASYNC));
    CALL(munmap(p, 9 * PAGE));
    CALL(mmap(top, PAGE, PROT_READ | PROT_WRITE, flags, -1, 0) == top);
    CALL(mremap(top, 0, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, top));
    CALL(msync(top, PAGE, MS_ASYNC));
}

static void bad_arguments(void)
{
    char *p = fill(arena, 4 * PAGE);

    SECTION("bad arguments");
    CALL(mremap(p + 1, PAGE, PAGE, 0));
    CALL(mremap(p, PAGE, 0, 0));
    CALL(mremap(p, PAGE, PAGE, 64));
    CALL(mremap(p, PAGE, PAGE, MREMAP_FIXED, p + 8 * PAGE));
    CALL(mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE));
    CALL(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 8 * PAGE + 1));
    CALL(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, KERNEL_ADDR));
    CALL(mremap(KERNEL_ADDR, PAGE, PAGE, 0));
    CALL(mremap(BAD_ADDR, PAGE, PAGE, 0));
    CALL(mremap(NULL, PAGE, PAGE, 0));
    CALL(mremap(p, 0, PAGE, MREMAP_MAYMOVE));
    CALL(mremap(p, PAGE, 1ul << 46, MREMAP_MAYMOVE));
    CALL(mremap(p, ~0ul, PAGE, MREMAP_MAYMOVE));
    CALL(mremap(p, PAGE, ~0ul, MREMAP_MAYMOVE));
    CALL(kept(p, 4 * PAGE));
    CALL(munmap(p, 4 * PAGE));
}

int main(void)
{
    reserve();
    moves();
    growth();
    shrinking_move();
    again();
    bad_arguments();
    return 0;
}
