/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Balanced binary search trees (red-black, kernel/lib/rbtree.c). The user walks
 * down to find the place of a new node, links it there with rb_link() and calls
 * rb_insert_fixup().
 */
#pragma once

#include <kernel/types.h>

struct rb_node {
    struct rb_node *parent, *left, *right;
    bool red;
};

struct rb_root {
    struct rb_node *node;
};

static inline void rb_link(struct rb_node *n, struct rb_node *parent, struct rb_node **where)
{
    n->parent = parent;
    n->left = n->right = NULL;
    n->red = true;
    *where = n;
}
void rb_insert_fixup(struct rb_root *root, struct rb_node *n);
void rb_erase(struct rb_root *root, struct rb_node *n);
struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_last(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *n);
struct rb_node *rb_prev(const struct rb_node *n);

#define rb_entry(ptr, type, member) container_of(ptr, type, member)
