/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The name cache. A dentry is one name in one directory: with an inode, or
 * negative when the name is known not to exist. They form a tree (a child
 * holds its parent) and sit in one hash table, so that a path walk is a hash
 * probe per component.
 *
 *     allocated ── d_hash ──> hashed ── d_drop / d_unpin ──> unhashed ── last put ──> freed
 *                               │ last put
 *                               └──> unused, on the LRU list ──> used again, or dropped
 *
 * tmpfs pins its dentries: there the cache is the directory. For the others an
 * unused name is kept until the list grows too long or the cgroup that paid for
 * it has no memory left.
 *
 * The hash is keyed with a secret and the parent's address: nobody can choose
 * names that all fall into one bucket.
 *
 * dcache_lock guards the tree, the table and the list. A count that is above
 * one goes down without it; from zero (on the LRU list) it rises only under it.
 */
#include "vfs.h"

#include <kernel/random.h>

#define BUCKETS    4096u
#define UNUSED_MAX 8192u

struct spinlock dcache_lock = SPINLOCK_INIT;
static struct list_node *buckets;
static struct list_node unused = LIST_INIT(unused); /* [dcache_lock] newest first */
static unsigned unused_count;                       /* [dcache_lock] changed; read without it, too */
static struct wait_queue evicted_wq = WAIT_QUEUE_INIT(evicted_wq);
static struct kmem_cache *dentry_cache;
static uint64_t hash_secret;

void dcache_init(void)
{
    dentry_cache = kmem_cache_create("dentry", sizeof(struct dentry), 8);
    buckets = kmalloc(BUCKETS * sizeof(*buckets));
    if (buckets == NULL)
        panic("vfs: no memory for the name cache");
    for (unsigned i = 0; i < BUCKETS; i++)
        list_init(&buckets[i]);
    random_bytes(&hash_secret, sizeof(hash_secret));
}

uint64_t name_hash_start(const struct dentry *parent)
{
    return hash_secret + ((uint64_t)parent >> 6);
}

uint32_t name_hash(const struct dentry *parent, const char *name, size_t len)
{
    uint64_t h = name_hash_start(parent);

    for (size_t i = 0; i < len; i++)
        h = name_hash_step(h, (unsigned char)name[i]);
    return name_hash_end(h);
}

static struct list_node *bucket_of(uint32_t hash)
{
    return &buckets[hash % BUCKETS];
}

/* ---- references ---- */

void dentry_get(struct dentry *d)
{
    refcount_get(&d->refs);
}

/* As dentry_get() for one that may be unused. */
static void get_locked(struct dentry *d)
{
    if (d->refs.value == 0) {
        list_remove(&d->lru);
        unused_count--;
    }
    __atomic_fetch_add(&d->refs.value, 1, __ATOMIC_RELAXED);
}

static void unhash_locked(struct dentry *d)
{
    if (list_is_empty(&d->hash))
        return;
    list_remove(&d->hash);
    list_remove(&d->child);
}

/* No references, not hashed, not on the list. Returns the parent, whose reference is now the
 * caller's. */
static struct dentry *dentry_free(struct dentry *d)
{
    struct dentry *parent = d->parent == d ? NULL : d->parent;

    if (d->inode != NULL)
        inode_put(d->inode);
    if (d->name != d->inline_name)
        kfree(d->name);
    kmem_cache_free(dentry_cache, d);
    return parent;
}

/* Drop the count; true: it was the last, and the dentry is the caller's to free. */
static bool put_last(struct dentry *d)
{
    bool is_dead = false;
    irqflags_t flags = spin_lock(&dcache_lock);

    if (refcount_put(&d->refs)) {
        is_dead = list_is_empty(&d->hash) || d->sb->d_revalidate_always || d->parent == d;
        if (is_dead) {
            unhash_locked(d);
        } else {
            list_add_head(&unused, &d->lru);
            unused_count++;
        }
    }
    spin_unlock(&dcache_lock, flags);
    return is_dead;
}

static void put_chain(struct dentry *d)
{
    while (d != NULL) {
        int32_t n = refcount_read(&d->refs);

        if (n > 1) {
            if (__atomic_compare_exchange_n(&d->refs.value, &n, n - 1, true, __ATOMIC_RELEASE,
                                            __ATOMIC_RELAXED))
                return;
            continue;
        }
        if (!put_last(d))
            return;
        d = dentry_free(d); /* go on with the parent: no recursion over the depth */
    }
}

/*
 * Free the oldest unused dentry, of those charged to cg if one is given; false if there is none. It
 * may be of a file system that the caller does not hold: sb->evicting keeps that from ending meanwhile.
 */
static bool evict_oldest(const struct cgroup *cg)
{
    struct dentry *d = NULL;
    struct super_block *sb;
    bool is_last;
    irqflags_t flags = spin_lock(&dcache_lock);

    for (struct list_node *n = unused.prev; n != &unused && d == NULL; n = n->prev) {
        if (cg == NULL || list_entry(n, struct dentry, lru)->charged == cg)
            d = list_entry(n, struct dentry, lru);
    }
    if (d == NULL) {
        spin_unlock(&dcache_lock, flags);
        return false;
    }
    list_remove(&d->lru);
    unused_count--;
    unhash_locked(d);
    sb = d->sb;
    sb->evicting++;
    spin_unlock(&dcache_lock, flags);

    current->is_evicting = true;
    put_chain(dentry_free(d));
    current->is_evicting = false;

    flags = spin_lock(&dcache_lock);
    is_last = --sb->evicting == 0;
    spin_unlock(&dcache_lock, flags);
    if (is_last)
        wake_up(&evicted_wq);
    return true;
}

/* An evicted name of an overlay puts others: those are evicted by the outermost loop. */
void dentry_put(struct dentry *d)
{
    put_chain(d);
    while (unlikely(READ_ONCE(unused_count) > UNUSED_MAX) && !current->is_evicting && evict_oldest(NULL))
        ;
}

/* Memory is short in cg: give back names that nobody uses. */
static bool drop_unused_of(const struct cgroup *cg)
{
    unsigned n = 0;

    while (n < 64 && evict_oldest(cg))
        n++;
    return n > 0;
}

/* ---- making ---- */

static struct dentry *alloc_charged(size_t name_len, char **name)
{
    struct cgroup *cg = current_cgroup();
    struct dentry *d = kmem_cache_zalloc_for(dentry_cache, cg);

    if (d == NULL)
        return NULL;
    *name = d->inline_name;
    if (name_len >= sizeof(d->inline_name)) {
        *name = kalloc_for(cg, name_len + 1);
        if (*name == NULL) {
            kmem_cache_free(dentry_cache, d);
            return NULL;
        }
    }
    d->charged = cg;
    return d;
}

/* Negative and not yet hashed, one reference. */
struct dentry *dentry_alloc(struct super_block *sb, struct dentry *parent, const char *name,
                            size_t len)
{
    char *copy;
    struct dentry *d = alloc_charged(len, &copy);

    if (d == NULL && drop_unused_of(current_cgroup()))
        d = alloc_charged(len, &copy);
    if (d == NULL)
        return NULL;

    memcpy(copy, name, len);
    copy[len] = '\0';
    d->name = copy;
    d->name_len = (uint32_t)len;
    refcount_init(&d->refs, 1);
    d->sb = sb;
    list_init(&d->child);
    list_init(&d->children);
    list_init(&d->hash);
    list_init(&d->lru);
    d->last_pos = 1; /* "." and ".." have positions 0 and 1 */
    d->parent = d;
    if (parent != NULL) {
        dentry_get(parent);
        d->parent = parent;
        d->name_hash = name_hash(parent, name, len);
    }
    return d;
}

struct dentry *dentry_make_root(struct inode *inode)
{
    struct dentry *d = dentry_alloc(inode->sb, NULL, "/", 1);

    if (d == NULL) {
        inode_put(inode);
        return NULL;
    }
    d->inode = inode;
    return d;
}

void d_set_inode(struct dentry *d, struct inode *inode)
{
    assert(d->inode == NULL);
    __atomic_store_n(&d->inode, inode, __ATOMIC_RELEASE);
}

/* A name in a removed directory is never cached: nothing would lead to it when the file system ends. */
static void hash_locked(struct dentry *d)
{
    if (!list_is_empty(&d->hash) || d_is_unlinked(d->parent))
        return;
    list_add_head(bucket_of(d->name_hash), &d->hash);
    d->dir_pos = ++d->parent->last_pos;
    list_add_tail(&d->parent->children, &d->child);
}

/* Where a name stands among its siblings, marked, for another dentry to stand there. */
struct place {
    struct list_node mark;
    uint64_t dir_pos;
};

static void place_of_locked(struct dentry *d, struct place *place)
{
    place->dir_pos = d->dir_pos;
    list_init(&place->mark);
    if (!list_is_empty(&d->hash) && d->inode != NULL)
        list_add_tail(&d->child, &place->mark);
}

/* The name was there before: a listing that goes on shows it if it had not come to that place yet. */
static void hash_at_locked(struct dentry *d, struct place *place)
{
    if (list_is_empty(&place->mark)) {
        hash_locked(d);
        return;
    }
    list_add_head(bucket_of(d->name_hash), &d->hash);
    d->dir_pos = place->dir_pos;
    list_add_tail(&place->mark, &d->child);
    list_remove(&place->mark);
}

void d_hash(struct dentry *d)
{
    irqflags_t flags = spin_lock(&dcache_lock);

    hash_locked(d);
    spin_unlock(&dcache_lock, flags);
}

/* What is cached of names in a removed directory, all negative, goes with it: unused ones to `dead`,
 * others at their last put. */
static void forget_children_locked(struct dentry *d, struct list_node *dead)
{
    while (!list_is_empty(&d->children)) {
        struct dentry *c = list_first(&d->children, struct dentry, child);

        unhash_locked(c);
        if (c->refs.value == 0) {
            list_remove(&c->lru);
            unused_count--;
            list_add_tail(dead, &c->child);
        }
    }
}

static void free_dead(struct list_node *dead)
{
    while (!list_is_empty(dead)) {
        struct dentry *c = list_first(dead, struct dentry, child);

        list_remove(&c->child);
        dentry_put(dentry_free(c));
    }
}

void d_delete(struct dentry *d)
{
    struct list_node dead = LIST_INIT(dead);
    irqflags_t flags = spin_lock(&dcache_lock);

    unhash_locked(d);
    forget_children_locked(d, &dead);
    spin_unlock(&dcache_lock, flags);
    free_dead(&dead);
}

void d_drop(struct dentry *d)
{
    irqflags_t flags = spin_lock(&dcache_lock);

    unhash_locked(d);
    spin_unlock(&dcache_lock, flags);
}

bool d_is_unlinked(const struct dentry *d)
{
    return d->parent != d && list_is_empty(&d->hash);
}

void d_pin(struct dentry *d)
{
    assert(!d->pinned);
    dentry_get(d);
    d->pinned = true;
}

void d_unpin(struct dentry *d)
{
    irqflags_t flags = spin_lock(&dcache_lock);
    bool was_pinned = d->pinned;

    d->pinned = false;
    unhash_locked(d);
    spin_unlock(&dcache_lock, flags);
    if (was_pinned)
        dentry_put(d);
}

/* ---- finding ---- */

struct dentry *d_lookup(struct dentry *parent, const char *name, size_t len, uint32_t hash)
{
    struct list_node *bucket = bucket_of(hash);
    struct dentry *found = NULL;
    irqflags_t flags = spin_lock(&dcache_lock);

    for (struct list_node *n = bucket->next; n != bucket; n = n->next) {
        struct dentry *d = list_entry(n, struct dentry, hash);

        if (d->name_hash != hash || d->parent != parent || d->name_len != len)
            continue;
        if (memcmp(d->name, name, len) != 0)
            continue;
        get_locked(d);
        found = d;
        break;
    }
    spin_unlock(&dcache_lock, flags);
    return found;
}

struct dentry *d_parent_get(struct dentry *d)
{
    irqflags_t flags = spin_lock(&dcache_lock);
    struct dentry *parent = d->parent;

    dentry_get(parent);
    spin_unlock(&dcache_lock, flags);
    return parent;
}

bool d_is_below(const struct dentry *d, const struct dentry *ancestor)
{
    irqflags_t flags = spin_lock(&dcache_lock);

    while (d != ancestor && d->parent != d)
        d = d->parent;
    spin_unlock(&dcache_lock, flags);
    return d == ancestor;
}

static struct dentry *child_from_locked(struct dentry *dir, struct list_node *n, uint64_t pos)
{
    for (; n != &dir->children; n = n->next) {
        struct dentry *d = list_entry(n, struct dentry, child);

        if (d->dir_pos >= pos && d->inode != NULL) {
            get_locked(d);
            return d;
        }
    }
    return NULL;
}

struct dentry *d_child_at(struct dentry *dir, uint64_t pos)
{
    irqflags_t flags = spin_lock(&dcache_lock);
    struct dentry *d = child_from_locked(dir, dir->children.next, pos);

    spin_unlock(&dcache_lock, flags);
    return d;
}

struct dentry *d_child_after(struct dentry *dir, struct dentry *d)
{
    irqflags_t flags = spin_lock(&dcache_lock);
    struct dentry *next = child_from_locked(dir, d->child.next, 0);

    spin_unlock(&dcache_lock, flags);
    return next;
}

bool d_has_children(struct dentry *dir)
{
    struct dentry *d = d_child_at(dir, 0);

    if (d == NULL)
        return false;
    dentry_put(d);
    return true;
}

/* ---- moving ---- */

static void swap_names(struct dentry *a, struct dentry *b)
{
    char tmp[sizeof(a->inline_name)];
    char *name_a = a->name == a->inline_name ? b->inline_name : a->name;
    char *name_b = b->name == b->inline_name ? a->inline_name : b->name;
    uint32_t len = a->name_len;

    memcpy(tmp, a->inline_name, sizeof(tmp));
    memcpy(a->inline_name, b->inline_name, sizeof(tmp));
    memcpy(b->inline_name, tmp, sizeof(tmp));
    a->name = name_b;
    b->name = name_a;
    a->name_len = b->name_len;
    b->name_len = len;
}

static void move_locked(struct dentry *d, struct dentry *parent, struct place *place)
{
    d->parent = parent;
    d->name_hash = name_hash(parent, d->name, d->name_len);
    hash_at_locked(d, place);
}

/* The target ends up with the old name, unless both are short; nobody finds it by name any more. */
void d_move(struct dentry *d, struct dentry *target)
{
    irqflags_t flags = spin_lock(&dcache_lock);
    struct dentry *old_parent = d->parent;
    struct list_node dead = LIST_INIT(dead);
    struct place place;
    bool was_pinned = target->pinned;

    unhash_locked(d);
    place_of_locked(target, &place);
    target->pinned = false;
    unhash_locked(target);
    forget_children_locked(target, &dead);
    if (d->name == d->inline_name && target->name == target->inline_name) {
        memcpy(d->inline_name, target->inline_name, sizeof(d->inline_name));
        d->name_len = target->name_len;
    } else {
        swap_names(d, target);
    }
    dentry_get(target->parent);
    move_locked(d, target->parent, &place);
    spin_unlock(&dcache_lock, flags);
    free_dead(&dead);
    if (was_pinned)
        dentry_put(target);
    dentry_put(old_parent);
}

void d_exchange(struct dentry *a, struct dentry *b)
{
    irqflags_t flags = spin_lock(&dcache_lock);
    struct dentry *parent_a = a->parent;
    struct dentry *parent_b = b->parent;
    struct place place_a, place_b;

    place_of_locked(a, &place_a);
    place_of_locked(b, &place_b);
    unhash_locked(a);
    unhash_locked(b);
    swap_names(a, b);
    move_locked(a, parent_b, &place_b);
    move_locked(b, parent_a, &place_a);
    spin_unlock(&dcache_lock, flags);
}

/* ---- the end of a file system ---- */

/* Any child, negative ones too, held; or NULL. */
static struct dentry *any_child(struct dentry *dir)
{
    irqflags_t flags = spin_lock(&dcache_lock);
    struct dentry *d = NULL;

    if (!list_is_empty(&dir->children)) {
        d = list_first(&dir->children, struct dentry, child);
        get_locked(d);
    }
    spin_unlock(&dcache_lock, flags);
    return d;
}

static bool has_evictions(const struct super_block *sb)
{
    irqflags_t flags = spin_lock(&dcache_lock);
    bool yes = sb->evicting > 0;

    spin_unlock(&dcache_lock, flags);
    return yes;
}

/* No mount shows it any more, so no path leads here: whatever is left is pinned, unused, or with evict_oldest(). */
void dcache_kill_super(struct super_block *sb)
{
    struct dentry *d = sb->root, *next;

    dentry_get(d);
    while ((next = any_child(d)) != NULL || d != sb->root) {
        if (next == NULL) { /* a leaf: it goes, and on with its parent */
            next = d_parent_get(d);
            d_unpin(d);
        }
        dentry_put(d);
        d = next;
        cond_resched();
    }
    dentry_put(d);
    wait_event(&evicted_wq, !has_evictions(sb));
}
