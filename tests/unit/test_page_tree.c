/* SPDX-License-Identifier: BSD-2-Clause */
/* The page tree against an array, with allocations that fail now and then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <kernel/fs.h>
#include <kernel/mm.h>

void *calloc(size_t n, size_t size);
void free(void *p);
void abort(void) __noreturn;

static unsigned nodes, fail_one_in;
static uint32_t rand_state = 7;

static uint32_t next_random(uint32_t n)
{
    rand_state ^= rand_state << 13;
    rand_state ^= rand_state >> 17;
    rand_state ^= rand_state << 5;
    return rand_state % n;
}

void *kalloc_for(struct cgroup *cg, size_t size)
{
    (void)cg;
    if (fail_one_in != 0 && next_random(fail_one_in) == 0)
        return NULL;
    nodes++;
    return calloc(1, size);
}

void kfree(void *p)
{
    if (p != NULL)
        nodes--;
    free(p);
}

void panic(const char *fmt, ...)
{
    (void)fmt;
    abort();
}

#define INDEXES 40
static uint64_t indexes[INDEXES];
static struct page pages[INDEXES];
static bool present[INDEXES];

/* Around the powers of 64, where the tree grows, and at both ends of the range. */
static void choose_indexes(void)
{
    unsigned n = 0;

    indexes[n++] = 0;
    indexes[n++] = UINT64_MAX;
    for (unsigned shift = 6; shift < 64; shift += 6) {
        for (unsigned k = 0; k < 3; k++)
            indexes[n++] = (1ULL << shift) - 1 + k;
    }
    while (n < INDEXES) {
        indexes[n] = 2 + n;
        n++;
    }
}

static void compare(const struct page_tree *t)
{
    uint64_t at = 0;
    unsigned count = 0;

    for (unsigned i = 0; i < INDEXES; i++) {
        assert_ptr_equal(page_tree_get(t, indexes[i]), present[i] ? &pages[i] : NULL);
        count += present[i];
    }
    for (struct page *p; (p = page_tree_next(t, &at)) != NULL; at++) {
        unsigned i = (unsigned)(p - pages);

        assert_true(i < INDEXES && present[i] && indexes[i] == at);
        count--;
        if (at == UINT64_MAX)
            break;
    }
    assert_int_equal(count, 0);
}

static void agrees_with_an_array(void **state)
{
    struct page_tree t = {0};

    (void)state;
    choose_indexes();
    for (unsigned round = 0; round < 20000; round++) {
        unsigned i = next_random(INDEXES);

        fail_one_in = round % 3 == 0 ? 4 : 0;
        if (present[i]) {
            assert_int_equal(page_tree_set(&t, indexes[i], NULL, NULL), 0);
            present[i] = false;
        } else if (page_tree_set(&t, indexes[i], &pages[i], NULL) == 0) {
            present[i] = true;
        }
        if (round % 8 == 0)
            compare(&t);
    }
    fail_one_in = 0;
    for (unsigned i = 0; i < INDEXES; i++) {
        assert_int_equal(page_tree_set(&t, indexes[i], NULL, NULL), 0);
        present[i] = false;
    }
    compare(&t);
    page_tree_fini(&t);
    assert_int_equal(nodes, 0);
}

static void one_page_needs_no_node(void **state)
{
    struct page_tree t = {0};

    (void)state;
    assert_int_equal(page_tree_set(&t, 0, &pages[0], NULL), 0);
    assert_int_equal(nodes, 0);
    assert_int_equal(page_tree_set(&t, 1, &pages[1], NULL), 0);
    assert_int_equal(nodes, 1);
    assert_ptr_equal(page_tree_get(&t, 0), &pages[0]);
    assert_int_equal(page_tree_set(&t, 0, NULL, NULL), 0);
    assert_int_equal(page_tree_set(&t, 1, NULL, NULL), 0);
    assert_int_equal(nodes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_an_array),
        cmocka_unit_test(one_page_needs_no_node),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
