/* SPDX-License-Identifier: BSD-2-Clause */
/* The heap of kernel timers, against a sorted array, under random additions and removals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/timer_heap.h"

#define TIMERS 300

/* xorshift: <stdlib.h> brings types that the kernel's headers define too. */
static uint32_t rand_state = 1;
static uint32_t next_random(void)
{
    rand_state ^= rand_state << 13;
    rand_state ^= rand_state >> 17;
    rand_state ^= rand_state << 5;
    return rand_state;
}

static struct timer timers[TIMERS];
static bool is_in[TIMERS];

static uint64_t earliest(void)
{
    uint64_t best = UINT64_MAX;

    for (int i = 0; i < TIMERS; i++)
        if (is_in[i] && timers[i].deadline_ns < best)
            best = timers[i].deadline_ns;
    return best;
}

/* Every link agrees with its neighbour, and no child is due before its parent. */
static unsigned check_tree(struct timer *t)
{
    unsigned n = 1;

    for (struct timer *c = t->child, *before = t; c != NULL; before = c, c = c->next) {
        assert_ptr_equal(c->prev, before);
        assert_true(c->deadline_ns >= t->deadline_ns);
        n += check_tree(c);
    }
    return n;
}

static void comes_out_in_order(void **state)
{
    struct timer *root = NULL;
    uint64_t last = 0;

    (void)state;
    for (int i = 0; i < TIMERS; i++) {
        timers[i].deadline_ns = next_random() % 100;
        root = timer_heap_add(root, &timers[i]);
    }
    for (int i = 0; i < TIMERS; i++) {
        assert_non_null(root);
        assert_null(root->next);
        assert_null(root->prev);
        assert_true(root->deadline_ns >= last);
        last = root->deadline_ns;
        root = timer_heap_remove(root, root);
    }
    assert_null(root);
}

static void survives_random_use(void **state)
{
    struct timer *root = NULL;
    unsigned count = 0;

    (void)state;
    for (int step = 0; step < 20000; step++) {
        uint32_t i = next_random() % TIMERS;

        if (is_in[i]) {
            root = timer_heap_remove(root, &timers[i]);
            is_in[i] = false;
            count--;
        } else {
            timers[i].deadline_ns = next_random();
            root = timer_heap_add(root, &timers[i]);
            is_in[i] = true;
            count++;
        }
        assert_int_equal(root != NULL ? root->deadline_ns : UINT64_MAX, earliest());
        if (step % 64 == 0 && root != NULL)
            assert_int_equal(check_tree(root), count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_out_in_order),
        cmocka_unit_test(survives_random_use),
    };

    return cmocka_run_group_tests_name("timer heap", tests, NULL, NULL);
}
