/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The allocators of kernel/mm against models: every page, object and address has
 * one owner at a time, keeps what its owner wrote, and at the end all is back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <kernel/cgroup.h>
#include <kernel/errno.h>
#include <kernel/string.h>

#include "kernel/mm/mm_internal.h"
#include "mm_host/machine.h"

static void assert_all_returned(void)
{
    struct machine_use used = machine_used();

    assert_int_equal(used.pages, 0);
    assert_int_equal(used.objects, 0);
}

/* ---- buddy ---- */

#define BLOCKS 600

static uint8_t owned[MACHINE_RAM / PAGE_SIZE]; /* by frame: block number + 1, modulo 256 */
static struct {
    struct page *page;
    unsigned order, extra_refs;
} blocks[BLOCKS];

static void take_block_of(unsigned n, unsigned order)
{
    unsigned flags = machine_random(2) ? ALLOC_ZERO : 0;
    struct page *p = page_alloc(order, flags);
    uint64_t pfn;

    if (p == NULL)
        return;
    pfn = page_to_pfn(p);
    assert_true(IS_ALIGNED(pfn, 1ULL << order));
    assert_int_equal(refcount_read(&p->refs), 1);
    for (uint64_t i = 0; i < 1ULL << order; i++) {
        uint64_t *words = page_address(p + i);

        assert_int_equal(owned[pfn + i], 0);
        owned[pfn + i] = (uint8_t)(n % 255 + 1);
        assert_ptr_equal(page_head(p + i), p);
        if (flags & ALLOC_ZERO)
            assert_true(words[0] == 0 && words[511] == 0);
        words[0] = words[511] = pfn + i;
    }
    blocks[n].page = p;
    blocks[n].order = order;
    blocks[n].extra_refs = 0;
}

static void put_block(unsigned n)
{
    struct page *p = blocks[n].page;
    unsigned pages = 1u << blocks[n].order;

    if (blocks[n].extra_refs > 0) { /* through any page of the block */
        blocks[n].extra_refs--;
        page_put(p + machine_random(pages));
        return;
    }
    for (unsigned i = 0; i < pages; i++) {
        const uint64_t *words = page_address(p + i);

        assert_int_equal(words[0], page_to_pfn(p + i));
        assert_int_equal(words[511], page_to_pfn(p + i));
        owned[page_to_pfn(p + i)] = 0;
    }
    blocks[n].page = NULL;
    page_put(p);
}

static void blocks_never_overlap(void **state)
{
    uint64_t all = buddy_free_pages();

    (void)state;
    machine_mark();
    for (unsigned round = 0; round < 60000; round++) {
        unsigned n = machine_random(BLOCKS);

        machine_use_cpu(machine_random(MACHINE_CPUS));
        if (blocks[n].page == NULL) {
            take_block_of(n, machine_random(4) ? machine_random(3) : machine_random(ORDER_MAX + 1));
        } else if (machine_random(4) == 0) {
            page_get(blocks[n].page + machine_random(1u << blocks[n].order));
            blocks[n].extra_refs++;
        } else {
            put_block(n);
        }
    }
    for (unsigned n = 0; n < BLOCKS; n++) {
        while (blocks[n].page != NULL)
            put_block(n);
    }
    assert_int_equal(buddy_free_pages(), all);
    assert_all_returned();
}

/* After everything was given out in single pages and came back in random order, the blocks are
 * whole again: as many of the largest order as before. */
static void neighbours_join(void **state)
{
    static struct page *singles[MACHINE_RAM / PAGE_SIZE], *large[MACHINE_RAM / MIB(4)];
    unsigned before = 0, after = 0, n = 0;

    (void)state;
    machine_mark();
    while ((large[before] = page_alloc(ORDER_MAX, 0)) != NULL)
        before++;
    for (unsigned i = 0; i < before; i++)
        page_put(large[i]);
    while ((singles[n] = page_alloc(0, 0)) != NULL)
        n++;
    assert_int_equal(buddy_free_pages(), 0);
    for (unsigned i = n; i-- > 0;) {
        unsigned pick = machine_random(i + 1);

        page_put(singles[pick]);
        singles[pick] = singles[i];
    }
    while ((large[after] = page_alloc(ORDER_MAX, 0)) != NULL)
        after++;
    assert_true(before >= MACHINE_RAM / MIB(4) - 3);
    assert_int_equal(after, before);
    for (unsigned i = 0; i < after; i++)
        page_put(large[i]);
    assert_null(page_alloc(ORDER_MAX + 1, 0));
    assert_all_returned();
}

/* Programs leave some pages to the kernel, which gets them all; blocks and single pages alike. */
static void programs_leave_the_kernel_a_reserve(void **state)
{
    static struct page *taken[MACHINE_RAM / PAGE_SIZE];
    uint64_t reserve = mem_total_pages() / 256, n = 0, by_programs;

    (void)state;
    machine_mark();
    assert_true(reserve > 0);
    for (unsigned order = 4;; order = 0) {
        while ((taken[n] = page_alloc(order, ALLOC_USER)) != NULL)
            n++;
        if (order == 0)
            break;
    }
    assert_int_equal(mm_available_pages(), 0);
    assert_int_equal(buddy_free_pages(), reserve);
    by_programs = n;
    while ((taken[n] = page_alloc(0, 0)) != NULL)
        n++;
    assert_int_equal(n - by_programs, reserve);
    while (n > 0)
        page_put(taken[--n]);
    assert_all_returned();
}

/* ---- slabs ---- */

#define OBJECTS 3000

static struct object {
    uint8_t *memory;
    size_t size;
} objects[OBJECTS];

static size_t random_size(void)
{
    return 1 + machine_random(machine_random(16) == 0 ? 3 * PAGE_SIZE : 2100);
}

static void objects_never_overlap(void **state)
{
    (void)state;
    machine_mark();
    for (unsigned round = 0; round < 100000; round++) {
        unsigned n = machine_random(OBJECTS);
        struct object *o = &objects[n];

        if (o->memory == NULL) {
            o->size = random_size();
            o->memory = kzalloc(o->size);
            assert_non_null(o->memory);
            assert_true(IS_ALIGNED((uint64_t)o->memory, 16));
            for (size_t i = 0; i < o->size; i++)
                assert_int_equal(o->memory[i], 0);
            memset(o->memory, (int)n & 0xff, o->size);
        } else {
            for (size_t i = 0; i < o->size; i++)
                assert_int_equal(o->memory[i], n & 0xff);
            kfree(o->memory);
            o->memory = NULL;
        }
    }
    for (unsigned n = 0; n < OBJECTS; n++) {
        kfree(objects[n].memory);
        objects[n].memory = NULL;
    }
    assert_null(kmalloc(MIB(4) + 1));
    assert_all_returned();
}

static void caches_keep_their_alignment(void **state)
{
    static const struct {
        size_t size, align;
    } kinds[] = {{1, 1},    {8, 8},    {24, 8},    {100, 64}, {640, 64},
                 {832, 64}, {3000, 8}, {4096, 64}, {5000, 16}};

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++) {
        struct kmem_cache *c = kmem_cache_create("test", kinds[k].size, kinds[k].align);
        uint8_t *got[100];

        for (unsigned i = 0; i < ARRAY_SIZE(got); i++) {
            got[i] = kmem_cache_zalloc(c);
            assert_non_null(got[i]);
            assert_true(IS_ALIGNED((uint64_t)got[i], kinds[k].align));
            memset(got[i], (int)i, kinds[k].size);
        }
        for (unsigned i = 0; i < ARRAY_SIZE(got); i++) {
            for (size_t at = 0; at < kinds[k].size; at++)
                assert_int_equal(got[i][at], i);
            kmem_cache_free(c, got[i]);
        }
    }
}

/* ---- kernel stacks and ranges of addresses ---- */

static void stacks_and_ranges_come_back(void **state)
{
    enum { STACKS = 40, RANGES = 40 };
    static struct {
        void *base;
        size_t len;
    } ranges[RANGES];
    static void *stacks[STACKS];
    void *probe;

    (void)state;
    for (unsigned i = 0; i < STACKS; i++) /* the page tables for both stay */
        stacks[i] = kmap_alloc_stack(NULL, 4);
    for (unsigned i = 0; i < STACKS; i++)
        kmap_free_stack(stacks[i], 4);
    memset(stacks, 0, sizeof(stacks));
    probe = kmap_alloc(NULL, MIB(8));
    kmap_free(probe, MIB(8));
    machine_mark();
    for (unsigned round = 0; round < 5000; round++) {
        unsigned n = machine_random(RANGES);

        /* What was mapped is used everywhere: no CPU may reach a page when it is free. */
        machine_use_cpu(machine_random(MACHINE_CPUS));
        if (stacks[n] != NULL)
            machine_touch((char *)stacks[n] + machine_random(4) * PAGE_SIZE);
        if (ranges[n].base != NULL)
            machine_touch((char *)ranges[n].base + machine_random((unsigned)(ranges[n].len / PAGE_SIZE)) * PAGE_SIZE);
        if (stacks[n] == NULL) {
            stacks[n] = kmap_alloc_stack(&cgroup_root, 4);
            assert_non_null(stacks[n]);
            for (unsigned i = 0; i < STACKS; i++)
                assert_true(i == n || stacks[i] != stacks[n]);
        } else {
            kmap_free_stack(stacks[n], 4);
            stacks[n] = NULL;
        }
        n = machine_random(RANGES);
        if (ranges[n].base == NULL) {
            ranges[n].len = (1 + machine_random(40)) * PAGE_SIZE;
            ranges[n].base = kmap_alloc(&cgroup_root, ranges[n].len);
            assert_non_null(ranges[n].base);
            for (unsigned i = 0; i < RANGES; i++) /* a page lies between any two */
                assert_true(i == n || ranges[i].base == NULL ||
                            (char *)ranges[i].base + ranges[i].len < (char *)ranges[n].base ||
                            (char *)ranges[n].base + ranges[n].len < (char *)ranges[i].base);
        } else {
            kmap_free(ranges[n].base, ranges[n].len);
            ranges[n].base = NULL;
        }
    }
    for (unsigned i = 0; i < STACKS; i++) {
        if (stacks[i] != NULL)
            kmap_free_stack(stacks[i], 4);
        kmap_free(ranges[i].base, ranges[i].len);
    }
    assert_all_returned(); /* the records of free ranges too: they have joined */
    assert_ptr_equal(kmap_alloc(NULL, PAGE_SIZE), probe);
    assert_int_equal(cgroup_root.memory.usage, 0);
}

/* ---- charges ---- */

#define GROUPS 12

static struct cgroup *groups[GROUPS];
static uint64_t model_own[GROUPS], model_limit[GROUPS];
static unsigned parents[GROUPS]; /* GROUPS: the root */

static uint64_t model_usage(unsigned g)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < GROUPS; i++) {
        for (unsigned up = i; up != GROUPS; up = parents[up]) {
            if (up == g)
                sum += model_own[i];
        }
    }
    return sum;
}

static struct cgroup *make_group(struct cgroup *parent)
{
    struct cgroup *cg = kzalloc(sizeof(*cg));

    refcount_init(&cg->refs, 1);
    cg->parent = parent;
    cg->memory.limit = cg->pids.limit = CGROUP_UNLIMITED;
    cgroup_get(parent);
    return cg;
}

static void charges_match_a_tree(void **state)
{
    static struct {
        void *memory;
        struct page *page;
        unsigned group;
        uint64_t bytes;
    } held[400];

    (void)state;
    machine_mark();
    for (unsigned g = 0; g < GROUPS; g++) {
        parents[g] = g == 0 || machine_random(3) == 0 ? GROUPS : machine_random(g);
        groups[g] = make_group(parents[g] == GROUPS ? &cgroup_root : groups[parents[g]]);
        model_own[g] = 0;
        model_limit[g] = CGROUP_UNLIMITED;
    }
    for (unsigned round = 0; round < 40000; round++) {
        unsigned n = machine_random(ARRAY_SIZE(held)), g = machine_random(GROUPS);

        if (held[n].bytes != 0) {
            if (held[n].page != NULL)
                page_put(held[n].page);
            else
                kfree(held[n].memory);
            model_own[held[n].group] -= held[n].bytes;
            held[n].bytes = 0;
        } else if (machine_random(20) == 0) {
            model_limit[g] = machine_random(3) == 0 ? CGROUP_UNLIMITED : machine_random(MIB(1));
            groups[g]->memory.limit = model_limit[g];
        } else {
            uint64_t before = model_own[g], bytes;
            bool fits = true;

            held[n].group = g;
            held[n].page = NULL;
            held[n].memory = NULL;
            if (machine_random(2)) {
                unsigned order = machine_random(3);

                bytes = PAGE_SIZE << order;
                held[n].page = page_alloc_for(groups[g], order, 0);
            } else {
                bytes = 16 << machine_random(8);
                held[n].memory = kalloc_for(groups[g], bytes);
            }
            model_own[g] += bytes;
            for (unsigned up = g; up != GROUPS; up = parents[up])
                fits &= model_usage(up) <= model_limit[up];
            assert_int_equal(fits, held[n].page != NULL || held[n].memory != NULL);
            held[n].bytes = fits ? bytes : 0;
            if (!fits)
                model_own[g] = before;
        }
        g = machine_random(GROUPS);
        assert_int_equal(groups[g]->memory.usage, model_usage(g));
        assert_true(groups[g]->memory.peak >= groups[g]->memory.usage);
    }
    /* The directories go first, what is charged keeps the groups until it is freed. */
    for (unsigned g = GROUPS; g-- > 0;)
        cgroup_put(groups[g]);
    for (unsigned n = 0; n < ARRAY_SIZE(held); n++) {
        if (held[n].bytes != 0 && held[n].page != NULL)
            page_put(held[n].page);
        else if (held[n].bytes != 0)
            kfree(held[n].memory);
    }
    assert_all_returned();
    assert_int_equal(cgroup_root.memory.usage, 0);
    assert_int_equal(refcount_read(&cgroup_root.refs), 1);
}

static void process_counts_are_limited_along_the_path(void **state)
{
    struct cgroup *top, *low;

    (void)state;
    machine_mark();
    top = make_group(&cgroup_root);
    low = make_group(top);
    top->pids.limit = 3;
    assert_int_equal(cgroup_charge_pids(low, 2), 0);
    assert_int_equal(cgroup_charge_pids(low, 2), -EAGAIN);
    assert_int_equal(low->pids.usage, 2);
    assert_int_equal(top->pids.failed, 1);
    assert_int_equal(low->pids.failed, 0);
    cgroup_force_pids(low, 5); /* a move is never refused */
    assert_int_equal(top->pids.usage, 7);
    assert_int_equal(cgroup_charge_pids(top, 1), -EAGAIN);
    cgroup_uncharge_pids(low, 7);
    assert_int_equal(top->pids.usage, 0);
    cgroup_put(low);
    cgroup_put(top);
    assert_all_returned();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_never_overlap),
        cmocka_unit_test(neighbours_join),
        cmocka_unit_test(programs_leave_the_kernel_a_reserve),
        cmocka_unit_test(objects_never_overlap),
        cmocka_unit_test(caches_keep_their_alignment),
        cmocka_unit_test(stacks_and_ranges_come_back),
        cmocka_unit_test(charges_match_a_tree),
        cmocka_unit_test(process_counts_are_limited_along_the_path),
    };

    machine_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
