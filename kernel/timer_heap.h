/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pairing heap of timers by deadline: a tree in which no child is due before
 * its parent. Adding costs one comparison; taking the first, or any other, out
 * merges its children in pairs, O(log n) on average over many operations. A
 * program with ten thousand timers cannot make anybody else's slow, as it could
 * with a sorted list; and with three timers it is hardly more work than one.
 *
 *   child  the first of a timer's children
 *   next   its next sibling
 *   prev   its previous sibling, or its parent if it is the first child
 *
 * Pure: also tested on the build host.
 */
#pragma once

#include <kernel/time.h>

/* Of two roots the earlier becomes the root of both. Either may be NULL. */
static inline struct timer *timer_heap_meld(struct timer *a, struct timer *b)
{
    struct timer *swap;

    if (a == NULL)
        return b;
    if (b == NULL)
        return a;
    if (b->deadline_ns < a->deadline_ns) {
        swap = a;
        a = b;
        b = swap;
    }
    b->next = a->child;
    if (b->next != NULL)
        b->next->prev = b;
    b->prev = a;
    a->child = b;
    return a;
}

/* Melds a list of siblings: neighbours in pairs first, then the pairs from the last to the first.
 * The pairs wait on a stack made of their `prev` links. */
static inline struct timer *timer_heap_meld_siblings(struct timer *first)
{
    struct timer *pairs = NULL, *root = NULL;

    while (first != NULL) {
        struct timer *a = first, *b = a->next;

        first = b != NULL ? b->next : NULL;
        a->next = a->prev = NULL;
        if (b != NULL)
            b->next = b->prev = NULL;
        a = timer_heap_meld(a, b);
        a->prev = pairs;
        pairs = a;
    }
    while (pairs != NULL) {
        struct timer *a = pairs;

        pairs = a->prev;
        a->prev = NULL;
        root = timer_heap_meld(root, a);
    }
    return root;
}

/* Both return the new root. */
static inline struct timer *timer_heap_add(struct timer *root, struct timer *t)
{
    t->child = t->next = t->prev = NULL;
    return timer_heap_meld(root, t);
}

static inline struct timer *timer_heap_remove(struct timer *root, struct timer *t)
{
    struct timer *children = timer_heap_meld_siblings(t->child);

    t->child = NULL;
    if (t == root)
        return children;
    if (t->prev->child == t)
        t->prev->child = t->next;
    else
        t->prev->next = t->next;
    if (t->next != NULL)
        t->next->prev = t->prev;
    t->next = t->prev = NULL;
    return timer_heap_meld(root, children);
}
