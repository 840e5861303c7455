/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Red-black trees, after Cormen, Leiserson, Rivest and Stein, "Introduction to
 * Algorithms", chapter "Red-Black Trees", with NULL for the black leaves.
 */
#include <kernel/rbtree.h>

static bool is_red(const struct rb_node *n)
{
    return n != NULL && n->red;
}

static void replace_child(struct rb_root *root, struct rb_node *old, struct rb_node *new)
{
    struct rb_node *parent = old->parent;

    if (parent == NULL)
        root->node = new;
    else if (parent->left == old)
        parent->left = new;
    else
        parent->right = new;
    if (new != NULL)
        new->parent = parent;
}

static void rotate_left(struct rb_root *root, struct rb_node *n)
{
    struct rb_node *r = n->right;

    replace_child(root, n, r);
    n->right = r->left;
    if (n->right != NULL)
        n->right->parent = n;
    r->left = n;
    n->parent = r;
}

static void rotate_right(struct rb_root *root, struct rb_node *n)
{
    struct rb_node *l = n->left;

    replace_child(root, n, l);
    n->left = l->right;
    if (n->left != NULL)
        n->left->parent = n;
    l->right = n;
    n->parent = l;
}

void rb_insert_fixup(struct rb_root *root, struct rb_node *n)
{
    while (is_red(n->parent)) {
        struct rb_node *parent = n->parent, *grand = parent->parent;
        bool left = parent == grand->left;
        struct rb_node *uncle = left ? grand->right : grand->left;

        if (is_red(uncle)) {
            parent->red = uncle->red = false;
            grand->red = true;
            n = grand;
            continue;
        }
        if (left) {
            if (n == parent->right) {
                rotate_left(root, parent);
                parent = n;
            }
            rotate_right(root, grand);
        } else {
            if (n == parent->left) {
                rotate_right(root, parent);
                parent = n;
            }
            rotate_left(root, grand);
        }
        parent->red = false;
        grand->red = true;
        break;
    }
    root->node->red = false;
}

/* `n` (perhaps NULL, below `parent`) stands for one black node too few. */
static void erase_fixup(struct rb_root *root, struct rb_node *n, struct rb_node *parent)
{
    while (n != root->node && !is_red(n)) {
        bool left = n == parent->left;
        struct rb_node *s = left ? parent->right : parent->left;

        if (is_red(s)) {
            s->red = false;
            parent->red = true;
            if (left)
                rotate_left(root, parent);
            else
                rotate_right(root, parent);
            s = left ? parent->right : parent->left;
        }
        if (!is_red(s->left) && !is_red(s->right)) {
            s->red = true;
            n = parent;
            parent = n->parent;
            continue;
        }
        if (left) {
            if (!is_red(s->right)) {
                s->left->red = false;
                s->red = true;
                rotate_right(root, s);
                s = parent->right;
            }
            s->red = parent->red;
            parent->red = s->right->red = false;
            rotate_left(root, parent);
        } else {
            if (!is_red(s->left)) {
                s->right->red = false;
                s->red = true;
                rotate_left(root, s);
                s = parent->left;
            }
            s->red = parent->red;
            parent->red = s->left->red = false;
            rotate_right(root, parent);
        }
        return;
    }
    if (n != NULL)
        n->red = false;
}

void rb_erase(struct rb_root *root, struct rb_node *n)
{
    struct rb_node *child, *parent;
    bool removed_black;

    if (n->left != NULL && n->right != NULL) {
        struct rb_node *next = n->right;

        while (next->left != NULL)
            next = next->left;
        removed_black = !next->red;
        child = next->right;
        parent = next->parent == n ? next : next->parent;
        if (next->parent != n) {
            replace_child(root, next, child);
            next->right = n->right;
            next->right->parent = next;
        }
        replace_child(root, n, next);
        next->left = n->left;
        next->left->parent = next;
        next->red = n->red;
    } else {
        child = n->left != NULL ? n->left : n->right;
        parent = n->parent;
        removed_black = !n->red;
        replace_child(root, n, child);
    }
    if (removed_black)
        erase_fixup(root, child, parent);
}

struct rb_node *rb_first(const struct rb_root *root)
{
    struct rb_node *n = root->node;

    while (n != NULL && n->left != NULL)
        n = n->left;
    return n;
}

struct rb_node *rb_last(const struct rb_root *root)
{
    struct rb_node *n = root->node;

    while (n != NULL && n->right != NULL)
        n = n->right;
    return n;
}

struct rb_node *rb_next(const struct rb_node *n)
{
    struct rb_node *p;

    if (n->right != NULL) {
        p = n->right;
        while (p->left != NULL)
            p = p->left;
        return p;
    }
    for (p = n->parent; p != NULL && n == p->right; p = p->parent)
        n = p;
    return p;
}

struct rb_node *rb_prev(const struct rb_node *n)
{
    struct rb_node *p;

    if (n->left != NULL) {
        p = n->left;
        while (p->right != NULL)
            p = p->right;
        return p;
    }
    for (p = n->parent; p != NULL && n == p->left; p = p->parent)
        n = p;
    return p;
}
