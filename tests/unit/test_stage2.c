/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Second-level page tables against a flat model, in both formats, and the model of
 * flushes: a page that left the tables is not reused while a CPU may reach it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "hv/stage2.h"
#include "tests/unit/xorshift.h"

#define FAKE_PAGES 4096
#define FAKE_BASE  0x123400000ULL

static void *fake[FAKE_PAGES];
static unsigned int fake_used, fake_limit = FAKE_PAGES;

void *stage2_table_alloc(void *owner, uint64_t *pa)
{
    assert_ptr_equal(owner, &fake);
    for (unsigned int i = 0; fake_used < fake_limit && i < FAKE_PAGES; i++) {
        if (fake[i] == NULL) {
            fake[i] = calloc(1, 4096);
            fake_used++;
            *pa = FAKE_BASE + i * 4096ULL;
            return fake[i];
        }
    }
    return NULL;
}

void stage2_table_free(void *owner, uint64_t pa)
{
    unsigned int i = (unsigned int)((pa - FAKE_BASE) / 4096);

    (void)owner;
    assert_non_null(fake[i]);
    free(fake[i]);
    fake[i] = NULL;
    fake_used--;
}

void *stage2_table_at(uint64_t pa)
{
    assert_true(pa >= FAKE_BASE && pa < FAKE_BASE + FAKE_PAGES * 4096ULL);
    return fake[(pa - FAKE_BASE) / 4096];
}

/* How many entries lead to pages, and the sum of those pages' addresses. */
static uint64_t counted, counted_sum;

void stage2_count_mappings(uint64_t pa, uint64_t size, int n)
{
    for (uint64_t at = pa; at < pa + size; at += 4096) {
        counted += (uint64_t)(int64_t)n;
        counted_sum += (uint64_t)(int64_t)n * at;
    }
}

static uint64_t rng = 0x9e3779b97f4a7c15ULL;

static uint64_t next_random(void)
{
    return xorshift64(&rng);
}

static struct stage2 make(enum stage2_format format)
{
    struct stage2 s2;

    assert_int_equal(stage2_init(&s2, format, true, &fake), 0);
    return s2;
}

/* 64 MiB in pages, with some at high addresses: pa (0: none), access. */
#define MODEL_PAGES 16384
static struct {
    uint64_t pa;
    unsigned int access;
} model[MODEL_PAGES];

static gpa_t model_gpa(unsigned int page)
{
    gpa_t high = page >= MODEL_PAGES / 2 ? 0x7f0000000000ULL : 0;

    return high + (gpa_t)page * 4096;
}

static void check_counts(void)
{
    uint64_t pages = 0, sum = 0;

    for (unsigned int i = 0; i < MODEL_PAGES; i++) {
        pages += model[i].pa != 0;
        sum += model[i].pa;
    }
    assert_int_equal(counted, pages);
    assert_int_equal(counted_sum, sum);
}

static void check_model(enum stage2_format format)
{
    struct stage2 s2 = make(format);

    memset(model, 0, sizeof(model));
    for (unsigned int round = 0; round < 20000; round++) {
        unsigned int page = next_random() % MODEL_PAGES;
        unsigned int access = STAGE2_READ | STAGE2_EXEC | (next_random() & 1 ? STAGE2_WRITE : 0);
        uint64_t generation = s2.generation, pa;

        switch (next_random() % 4) {
        case 0: { /* unmap a range: large pages that it touches go whole */
            unsigned int n = 1 + next_random() % 700, first = page, last;
            bool any = false;

            last = page + n > MODEL_PAGES / 2 && page < MODEL_PAGES / 2 ? MODEL_PAGES / 2 : page + n;
            last = last > MODEL_PAGES ? MODEL_PAGES : last;
            for (unsigned int i = first; i < last; i++)
                any |= model[i].pa != 0;
            assert_int_equal(stage2_unmap(&s2, model_gpa(first), (last - first) * 4096ULL), any);
            assert_int_equal(s2.generation != generation, any);
            for (unsigned int i = 0; i < MODEL_PAGES; i++) {
                unsigned int access_now;
                uint64_t size;

                if (i >= first && i < last) {
                    model[i].pa = 0;
                } else if (model[i].pa != 0 &&
                           !stage2_lookup(&s2, model_gpa(i), &pa, &access_now, &size)) {
                    /* only as part of a large page at an end of the range */
                    assert_true(i / 512 == first / 512 || i / 512 == (last - 1) / 512);
                    model[i].pa = 0;
                }
            }
            break;
        }
        case 1: { /* a large page */
            unsigned int first = page & ~511u;
            int err;

            pa = (next_random() & 0xfffff) << 21;
            err = stage2_map(&s2, model_gpa(first), pa + STAGE2_LARGE, STAGE2_LARGE, access);
            if (err == -EEXIST)
                break;
            assert_int_equal(err, 0);
            for (unsigned int i = 0; i < 512; i++) {
                model[first + i].pa = pa + STAGE2_LARGE + i * 4096ULL;
                model[first + i].access = access;
            }
            break;
        }
        default: {
            uint64_t old_pa, size;
            unsigned int old_access;

            pa = ((next_random() & 0xffffffff) << 12) + 4096;
            if (stage2_lookup(&s2, model_gpa(page), &old_pa, &old_access, &size) && size == STAGE2_LARGE) {
                for (unsigned int i = 0; i < 512; i++)
                    model[(page & ~511u) + i].pa = 0;
            }
            assert_int_equal(stage2_map(&s2, model_gpa(page), pa, STAGE2_PAGE, access), 0);
            if (model[page].pa != 0)
                assert_true(s2.generation != generation);
            model[page].pa = pa;
            model[page].access = access;
            break;
        }
        }
        if (round % 100 == 0)
            check_counts();
        for (unsigned int i = 0; i < 40; i++) {
            unsigned int probe = next_random() % MODEL_PAGES, found_access;
            uint64_t found, size;
            bool mapped = stage2_lookup(&s2, model_gpa(probe) + 5, &found, &found_access, &size);

            assert_int_equal(mapped, model[probe].pa != 0);
            if (mapped) {
                assert_int_equal(found, model[probe].pa + 5);
                assert_int_equal(found_access, model[probe].access);
            }
        }
    }
    stage2_fini(&s2);
    assert_int_equal(fake_used, 0);
    assert_int_equal(counted, 0);
    assert_int_equal(counted_sum, 0);
}

static void test_npt(void **state)
{
    (void)state;
    check_model(STAGE2_NPT);
}

static void test_ept(void **state)
{
    (void)state;
    check_model(STAGE2_EPT);
}

static void test_formats(void **state)
{
    struct stage2 npt = make(STAGE2_NPT), ept = make(STAGE2_EPT);
    uint64_t *npt_table, *ept_table;

    (void)state;
    assert_int_equal(stage2_map(&npt, 0, 0x5000, STAGE2_PAGE, STAGE2_READ | STAGE2_EXEC), 0);
    assert_int_equal(stage2_map(&ept, 0, 0x5000, STAGE2_PAGE, STAGE2_READ | STAGE2_WRITE | STAGE2_EXEC), 0);
    npt_table = stage2_table_at(npt.root_pa);
    ept_table = stage2_table_at(ept.root_pa);
    for (unsigned int level = 3; level > 0; level--) {
        assert_int_equal(npt_table[0] & 0xfff, 7); /* present, writable, user */
        assert_int_equal(ept_table[0] & 0xfff, 7); /* read, write, execute */
        npt_table = stage2_table_at(npt_table[0] & ~0xfffULL);
        ept_table = stage2_table_at(ept_table[0] & ~0xfffULL);
    }
    assert_int_equal(npt_table[0], 0x5005);
    assert_int_equal(ept_table[0], 0x5077); /* write-back, whatever the guest's PAT */
    assert_int_equal(stage2_map(&npt, 0x200000, 0x400000, STAGE2_LARGE, STAGE2_READ), 0);
    stage2_fini(&npt);
    stage2_fini(&ept);
}

/* A caller with a lock takes much out in pieces; what is not there costs nothing. */
static void test_unmap_some(void **state)
{
    const gpa_t limit = 1ULL << STAGE2_GPA_BITS, end = 3 * STAGE2_UNMAP_ENTRIES * STAGE2_PAGE;
    struct stage2 s2 = make(STAGE2_EPT);
    unsigned int calls = 0;

    (void)state;
    assert_int_equal(stage2_unmap_some(&s2, 0, limit), limit);
    for (gpa_t gpa = 0; gpa < end; gpa += STAGE2_PAGE)
        assert_int_equal(stage2_map(&s2, gpa, gpa + STAGE2_LARGE, STAGE2_PAGE, STAGE2_READ), 0);
    for (gpa_t gpa = STAGE2_PAGE, next; gpa < limit; gpa = next, calls++) {
        uint64_t before = counted, generation = s2.generation;

        next = stage2_unmap_some(&s2, gpa, limit);
        assert_true(next > gpa && before - counted <= STAGE2_UNMAP_ENTRIES);
        assert_int_equal(s2.generation != generation, before != counted);
    }
    assert_int_equal(calls, 4);
    assert_int_equal(counted, 1); /* before the range */
    stage2_fini(&s2);
}

static void test_no_memory(void **state)
{
    struct stage2 s2 = make(STAGE2_NPT);

    (void)state;
    for (fake_limit = 1; fake_limit < 4; fake_limit++)
        assert_int_equal(stage2_map(&s2, 0x40000000, 0x1000, STAGE2_PAGE, STAGE2_READ), -ENOMEM);
    fake_limit = FAKE_PAGES;
    assert_int_equal(stage2_map(&s2, 0x40000000, 0x1000, STAGE2_PAGE, STAGE2_READ), 0);
    assert_int_equal(s2.table_pages, 4);
    /* The whole address space, and ranges that wrap or lie outside of it. */
    assert_false(stage2_unmap(&s2, 1ULL << 48, UINT64_MAX));
    assert_false(stage2_unmap(&s2, 0, 0));
    assert_true(stage2_unmap(&s2, 0, UINT64_MAX));
    assert_false(stage2_unmap(&s2, 0, UINT64_MAX));
    stage2_fini(&s2);
    assert_int_equal(fake_used, 0);
}

/*
 * Flushes. Each CPU has a one-entry TLB per page that is filled from the tables
 * while it is in the guest and dropped only by a flush. The page's owner may reuse
 * it when stage2_is_safe(): then no CPU in the guest may still have it.
 */
#define CPUS 4
#define PAGES 8

static void test_flush_model(void **state)
{
    struct stage2 s2 = make(STAGE2_NPT);
    uint64_t tlb[CPUS][PAGES] = {{0}};
    bool inside[CPUS] = {false};
    unsigned int flushes = 0, waits = 0;

    (void)state;
    for (unsigned int round = 0; round < 300000; round++) {
        unsigned int cpu = next_random() % CPUS, page = next_random() % PAGES, found_access;
        uint64_t pa, size, generation;

        switch (next_random() % 5) {
        case 0:
            if (inside[cpu])
                break;
            generation = s2.generation;
            if (stage2_enter(&s2, cpu)) {
                memset(tlb[cpu], 0, sizeof(tlb[cpu]));
                stage2_flushed(&s2, cpu, generation);
                flushes++;
            }
            inside[cpu] = true;
            break;
        case 1:
            if (inside[cpu])
                stage2_leave(&s2, cpu);
            inside[cpu] = false;
            break;
        case 2: /* the guest touches a page: a TLB hit, or a walk */
            if (!inside[cpu])
                break;
            if (tlb[cpu][page] == 0 && stage2_lookup(&s2, page * 4096ULL, &pa, &found_access, &size))
                tlb[cpu][page] = pa;
            break;
        case 3:
            assert_int_equal(stage2_map(&s2, page * 4096ULL, (1 + next_random() % 999) << 12,
                                        STAGE2_PAGE, STAGE2_READ | STAGE2_EXEC), 0);
            break;
        default: /* take a page away; kick who must be kicked, then look */
            (void)stage2_unmap(&s2, page * 4096ULL, 4096);
            for (unsigned int other = 0; other < CPUS; other++) {
                if (stage2_stale_cpus(&s2) & (1u << other)) {
                    assert_true(inside[other]);
                    stage2_leave(&s2, other);
                    inside[other] = false;
                    waits++;
                }
            }
            assert_true(stage2_is_safe(&s2));
            for (unsigned int other = 0; other < CPUS; other++)
                assert_true(!inside[other] || tlb[other][page] == 0);
            break;
        }
    }
    assert_true(flushes > 100 && waits > 100);
    for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
        if (inside[cpu])
            stage2_leave(&s2, cpu);
    }
    stage2_fini(&s2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_npt),       cmocka_unit_test(test_ept),
        cmocka_unit_test(test_formats),   cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_unmap_some),
        cmocka_unit_test(test_flush_model),
    };

    return cmocka_run_group_tests_name("stage2", tests, NULL, NULL);
}
