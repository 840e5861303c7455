/* SPDX-License-Identifier: BSD-2-Clause */
/* Record locks against a model: one byte of the file after the other, per owner. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/fs/lock_range.h"

void *calloc(size_t n, size_t size);
void free(void *p);

#define BYTES  24
#define OWNERS 3

static uint32_t rand_state = 12345;
static uint32_t next_random(uint32_t n)
{
    rand_state ^= rand_state << 13;
    rand_state ^= rand_state >> 17;
    rand_state ^= rand_state << 5;
    return rand_state % n;
}

static char owners[OWNERS];

static void free_list(struct list_node *list)
{
    struct lock_range *l, *next;

    list_for_each_safe(l, next, list, link) free(l);
    list_init(list);
}

static bool set(struct list_node *held, const struct lock_range *want)
{
    struct lock_range *spare[2] = {calloc(1, sizeof(struct lock_range)),
                                   calloc(1, sizeof(struct lock_range))};
    struct list_node freed = LIST_INIT(freed);
    bool released = lock_range_set(held, want, spare, &freed);

    free(spare[0]);
    free(spare[1]);
    free_list(&freed);
    return released;
}

static void compare(struct list_node *held, enum lock_type model[OWNERS][BYTES])
{
    struct lock_range *l, *other;
    int cover[OWNERS][BYTES] = {{0}};

    list_for_each(l, held, link)
    {
        int owner = (int)((const char *)l->owner - owners);

        assert_true(l->start <= l->end && l->end < BYTES && l->type != LOCK_NONE);
        for (uint64_t b = l->start; b <= l->end; b++) {
            cover[owner][b]++;
            assert_int_equal(model[owner][b], l->type);
        }
        list_for_each(other, held, link)
        { /* neighbours of one type are one lock */
            if (other != l && other->owner == l->owner && other->type == l->type)
                assert_false(l->end + 1 == other->start);
        }
    }
    for (int o = 0; o < OWNERS; o++) {
        for (int b = 0; b < BYTES; b++)
            assert_int_equal(cover[o][b], model[o][b] != LOCK_NONE);
    }
}

static bool model_conflict(enum lock_type model[OWNERS][BYTES], int owner,
                           const struct lock_range *w)
{
    for (int o = 0; o < OWNERS; o++) {
        for (uint64_t b = w->start; o != owner && b <= w->end; b++) {
            if (model[o][b] != LOCK_NONE && w->type != LOCK_NONE &&
                (model[o][b] == LOCK_WRITE || w->type == LOCK_WRITE))
                return true;
        }
    }
    return false;
}

static void agrees_with_a_map_of_bytes(void **state)
{
    struct list_node held = LIST_INIT(held);
    enum lock_type model[OWNERS][BYTES];

    (void)state;
    for (int o = 0; o < OWNERS; o++)
        for (int b = 0; b < BYTES; b++)
            model[o][b] = LOCK_NONE;
    for (int i = 0; i < 50000; i++) {
        int owner = (int)next_random(OWNERS);
        struct lock_range w = {.start = next_random(BYTES), .owner = &owners[owner]};
        bool conflict;

        w.end = w.start + next_random((uint32_t)(BYTES - w.start));
        w.type = (enum lock_type)next_random(3);
        conflict = lock_range_conflict(&held, &w) != NULL;
        assert_int_equal(conflict, model_conflict(model, owner, &w));
        if (conflict)
            continue;
        set(&held, &w);
        for (uint64_t b = w.start; b <= w.end; b++)
            model[owner][b] = w.type;
        compare(&held, model);
    }
    free_list(&held);
}

static void works_at_the_end_of_the_number_range(void **state)
{
    struct list_node held = LIST_INIT(held);
    struct lock_range w = {.start = 10, .end = UINT64_MAX, .type = LOCK_WRITE, .owner = &owners[0]};

    (void)state;
    set(&held, &w);
    w = (struct lock_range){.start = 0, .end = 5, .type = LOCK_WRITE, .owner = &owners[0]};
    set(&held, &w);
    w = (struct lock_range){.start = 0, .end = UINT64_MAX, .type = LOCK_READ, .owner = &owners[1]};
    assert_non_null(lock_range_conflict(&held, &w));
    w.start = 6;
    w.end = 9;
    assert_null(lock_range_conflict(&held, &w));
    w = (struct lock_range){.start = 0, .end = UINT64_MAX, .type = LOCK_NONE, .owner = &owners[0]};
    assert_true(set(&held, &w));
    assert_true(list_is_empty(&held));
}

static void tells_when_waiters_may_go_on(void **state)
{
    struct list_node held = LIST_INIT(held);
    struct lock_range w = {.start = 0, .end = 9, .type = LOCK_READ, .owner = &owners[0]};

    (void)state;
    assert_false(set(&held, &w));
    w.type = LOCK_WRITE;
    assert_false(set(&held, &w));
    w.type = LOCK_READ;
    assert_true(set(&held, &w));
    w.type = LOCK_NONE;
    assert_true(set(&held, &w));
    assert_false(set(&held, &w));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_a_map_of_bytes),
        cmocka_unit_test(works_at_the_end_of_the_number_range),
        cmocka_unit_test(tells_when_waiters_may_go_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
