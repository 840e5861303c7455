/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sparse array of pages by page number: a radix tree of 64-way nodes, as high
 * as the largest index needs. A file's page cache; the caller's lock guards it.
 * A tree of height 0 is its one page, number 0: most files are that small.
 * Nodes are charged to whoever causes them and freed when they become empty.
 */
#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/mm.h>

#define NODE_SHIFT 6
#define NODE_SLOTS 64
#define NODE_MASK  (NODE_SLOTS - 1)
#define HEIGHT_MAX 11 /* 66 bits */

struct node {
    unsigned used;
    void *slot[NODE_SLOTS]; /* struct node *, or struct page * in the lowest level */
};

/* The first index that a tree of this height cannot hold; ~0: none. */
static bool fits(unsigned height, uint64_t index)
{
    return height * NODE_SHIFT >= 64 || index >> (height * NODE_SHIFT) == 0;
}

static unsigned slot_of(uint64_t index, unsigned level)
{
    return index >> (level * NODE_SHIFT) & NODE_MASK;
}

struct page *page_tree_get(const struct page_tree *t, uint64_t index)
{
    void *p = t->root;

    if (p == NULL || !fits(t->height, index))
        return NULL;
    for (unsigned level = t->height; level-- > 0 && p != NULL;)
        p = ((struct node *)p)->slot[slot_of(index, level)];
    return p;
}

/* Make the tree high enough for index. An empty tree gets its root; the path below is made by the
 * caller. */
static int grow(struct page_tree *t, uint64_t index, struct cgroup *cg)
{
    bool was_empty = t->root == NULL;

    if (was_empty)
        t->height = 0;
    while (!fits(t->height, index)) {
        struct node *n;

        if (was_empty) {
            t->height++;
            continue;
        }
        n = kalloc_for(cg, sizeof(*n));
        if (n == NULL)
            return -ENOMEM;
        n->slot[0] = t->root;
        n->used = 1;
        t->root = n;
        t->height++;
    }
    if (was_empty && t->height > 0) {
        t->root = kalloc_for(cg, sizeof(struct node));
        if (t->root == NULL)
            return -ENOMEM;
    }
    return 0;
}

/* Free the empty nodes on the way from the root to index. */
static void prune(struct page_tree *t, uint64_t index)
{
    struct node *path[HEIGHT_MAX];
    struct node *n = t->root;
    unsigned depth = 0;

    for (unsigned level = t->height; level-- > 0 && n != NULL;) {
        path[depth++] = n;
        n = level > 0 ? n->slot[slot_of(index, level)] : NULL;
    }
    while (depth-- > 0 && path[depth]->used == 0) {
        kfree(path[depth]);
        if (depth == 0) {
            t->root = NULL;
            t->height = 0;
        } else {
            struct node *parent = path[depth - 1];

            parent->slot[slot_of(index, t->height - depth)] = NULL;
            parent->used--;
        }
    }
}

static int insert(struct page_tree *t, uint64_t index, struct page *p, struct cgroup *cg)
{
    struct node *n;
    int err = grow(t, index, cg);

    if (err < 0)
        return err;
    if (t->height == 0) {
        t->root = p;
        return 0;
    }
    n = t->root;
    for (unsigned level = t->height - 1; level > 0; level--) {
        void **slot = &n->slot[slot_of(index, level)];

        if (*slot == NULL) {
            *slot = kalloc_for(cg, sizeof(struct node));
            if (*slot == NULL) {
                prune(t, index);
                return -ENOMEM;
            }
            n->used++;
        }
        n = *slot;
    }
    if (n->slot[slot_of(index, 0)] == NULL)
        n->used++;
    n->slot[slot_of(index, 0)] = p;
    return 0;
}

int page_tree_set(struct page_tree *t, uint64_t index, struct page *p, struct cgroup *cg)
{
    struct node *n = t->root;

    if (p != NULL)
        return insert(t, index, p, cg);
    if (page_tree_get(t, index) == NULL)
        return 0;
    if (t->height == 0) {
        t->root = NULL;
        return 0;
    }
    for (unsigned level = t->height - 1; level > 0; level--)
        n = n->slot[slot_of(index, level)];
    n->slot[slot_of(index, 0)] = NULL;
    n->used--;
    prune(t, index);
    return 0;
}

struct page *page_tree_next(const struct page_tree *t, uint64_t *index)
{
    uint64_t i = *index;

    if (t->root == NULL)
        return NULL;
    while (fits(t->height, i)) {
        void *p = t->root;
        unsigned level = t->height;

        while (level > 0) {
            p = ((struct node *)p)->slot[slot_of(i, level - 1)];
            if (p == NULL)
                break;
            level--;
        }
        if (level == 0) {
            *index = i;
            return p;
        }
        /* Nothing below this slot: go on behind all that it could hold. */
        uint64_t step = 1ULL << ((level - 1) * NODE_SHIFT);

        if (add_overflows(i & ~(step - 1), step, &i))
            return NULL;
    }
    return NULL;
}

void page_tree_fini(struct page_tree *t)
{
    assert(t->root == NULL);
}
