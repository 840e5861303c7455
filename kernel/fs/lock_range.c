/* SPDX-License-Identifier: BSD-2-Clause */
/* Record locks on byte ranges; see lock_range.h. */
#include "lock_range.h"

static bool overlap(const struct lock_range *a, const struct lock_range *b)
{
    return a->start <= b->end && b->start <= a->end;
}

/* Side by side or overlapping: one range could stand for both. */
static bool touch(const struct lock_range *a, const struct lock_range *b)
{
    return overlap(a, b) || (a->end != UINT64_MAX && a->end + 1 == b->start) ||
           (b->end != UINT64_MAX && b->end + 1 == a->start);
}

struct lock_range *lock_range_conflict(const struct list_node *held, const struct lock_range *want)
{
    struct lock_range *l;

    if (want->type == LOCK_NONE)
        return NULL;
    list_for_each(l, held, link)
    {
        if (l->owner != want->owner && overlap(l, want) &&
            (l->type == LOCK_WRITE || want->type == LOCK_WRITE))
            return l;
    }
    return NULL;
}

static struct lock_range *take_spare(struct lock_range *spare[2])
{
    unsigned i = spare[0] != NULL ? 0 : 1;
    struct lock_range *l = spare[i];

    spare[i] = NULL;
    return l;
}

static void add_copy(struct list_node *held, const struct lock_range *like, uint64_t start,
                     uint64_t end, struct lock_range *spare[2])
{
    struct lock_range *l = take_spare(spare);

    *l = *like;
    l->start = start;
    l->end = end;
    list_add_tail(held, &l->link);
}

bool lock_range_set(struct list_node *held, const struct lock_range *want,
                    struct lock_range *spare[2], struct list_node *freed)
{
    struct lock_range all = *want; /* grows over neighbours of the same type */
    struct lock_range *l, *next;
    bool released = false;

    list_for_each_safe(l, next, held, link)
    {
        if (l->owner != want->owner)
            continue;
        if (l->type == want->type) {
            if (!touch(l, &all))
                continue;
            all.start = l->start < all.start ? l->start : all.start;
            all.end = l->end > all.end ? l->end : all.end;
        } else {
            if (!overlap(l, want))
                continue;
            released |= l->type == LOCK_WRITE || want->type == LOCK_NONE;
            if (l->start < want->start && l->end > want->end)
                add_copy(held, l, want->end + 1, l->end, spare);
            if (l->start < want->start) {
                l->end = want->start - 1;
                continue;
            }
            if (l->end > want->end) {
                l->start = want->end + 1;
                continue;
            }
        }
        list_remove(&l->link);
        list_add_tail(freed, &l->link);
    }
    if (want->type != LOCK_NONE)
        add_copy(held, &all, all.start, all.end, spare);
    return released;
}
