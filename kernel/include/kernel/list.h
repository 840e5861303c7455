/* SPDX-License-Identifier: BSD-2-Clause */
/* Circular doubly linked lists: a struct list_node is both a head and a member. */
#pragma once

#include <kernel/types.h>

struct list_node {
    struct list_node *next;
    struct list_node *prev;
};

#define LIST_INIT(name) {&(name), &(name)}

static inline void list_init(struct list_node *head)
{
    head->next = head;
    head->prev = head;
}

static inline bool list_is_empty(const struct list_node *head)
{
    return head->next == head;
}

static inline void list_insert_between_(struct list_node *n, struct list_node *prev,
                                        struct list_node *next)
{
    n->prev = prev;
    n->next = next;
    prev->next = n;
    next->prev = n;
}

static inline void list_add_head(struct list_node *head, struct list_node *n)
{
    list_insert_between_(n, head, head->next);
}

static inline void list_add_tail(struct list_node *head, struct list_node *n)
{
    list_insert_between_(n, head->prev, head);
}

/* The node is left empty: list_is_empty(n) tells that it is on no list. */
static inline void list_remove(struct list_node *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
    list_init(n);
}

/* Move every member of `from` to the tail of `to`; `from` is left empty. */
static inline void list_splice_tail(struct list_node *to, struct list_node *from)
{
    if (list_is_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

#define list_entry(ptr, type, member)  container_of(ptr, type, member)
#define list_first(head, type, member) list_entry((head)->next, type, member)
#define list_last(head, type, member)  list_entry((head)->prev, type, member)
#define list_next(pos, member)         list_entry((pos)->member.next, __typeof__(*(pos)), member)

#define list_for_each(pos, head, member)                                                           \
    for (pos = list_first(head, __typeof__(*pos), member); &pos->member != (head);                 \
         pos = list_next(pos, member))

/* The current member may be removed (and freed) inside the loop. */
#define list_for_each_safe(pos, tmp, head, member)                                                 \
    for (pos = list_first(head, __typeof__(*pos), member), tmp = list_next(pos, member);           \
         &pos->member != (head); pos = tmp, tmp = list_next(tmp, member))
