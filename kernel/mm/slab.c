/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slabs: caches of equal objects. A slab is a block of pages: a header with one
 * cgroup pointer per object (who is charged for it), then the objects; free
 * objects are chained through their first word.
 *
 *     | struct slab | cgroup[0..n) | object 0 | object 1 | ... |
 *
 * A cache keeps its slabs on three lists; one empty slab is kept so that a
 * single object that comes and goes costs no page. Sizes beyond half a page
 * come straight from the buddy allocator.
 */
#include <kernel/cgroup.h>
#include <kernel/spinlock.h>
#include <kernel/string.h>

#include "mm_internal.h"

struct kmem_cache {
    const char *name;
    uint32_t size;  /* [I] of an object, with alignment */
    uint32_t first; /* [I] offset of object 0 in a slab */
    uint16_t per_slab;
    uint8_t order; /* [I] of a slab */
    struct spinlock lock;
    struct list_node partial, full, empty; /* [lock] struct slab */
    uint32_t nempty;
    uint64_t objects, slabs; /* [lock] */
    struct list_node link;   /* [caches_lock] */
};

struct slab {
    struct list_node link; /* [cache->lock] */
    struct kmem_cache *cache;
    void *free; /* first free object */
    uint32_t used;
    struct cgroup *charged[]; /* by object number */
};

static struct spinlock caches_lock = SPINLOCK_INIT;
static struct list_node caches = LIST_INIT(caches);

/* kmalloc's sizes; between powers of two where objects of ours tend to lie. */
static const uint32_t kmalloc_sizes[] = {16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048};
static struct kmem_cache kmalloc_caches[ARRAY_SIZE(kmalloc_sizes)];
static uint8_t kmalloc_index[2048 / 16 + 1]; /* by (size + 15) / 16 */

/* Smallest order at which the header and the tail waste less than an eighth. */
static void choose_layout(struct kmem_cache *c, size_t align)
{
    for (c->order = 0;; c->order++) {
        size_t bytes = PAGE_SIZE << c->order;
        size_t n = (bytes - sizeof(struct slab)) / (c->size + sizeof(void *));

        while (n > 0 && ALIGN_UP(sizeof(struct slab) + n * sizeof(void *), align) + n * c->size > bytes)
            n--;
        if (n > 0) {
            c->per_slab = (uint16_t)n;
            c->first = (uint32_t)ALIGN_UP(sizeof(struct slab) + n * sizeof(void *), align);
            if (c->order == 3 || bytes - n * c->size < bytes / 8)
                return;
        }
    }
}

static void cache_init(struct kmem_cache *c, const char *name, size_t size, size_t align)
{
    irqflags_t flags;

    align = max(align, (size_t)8);
    c->name = name;
    c->size = (uint32_t)ALIGN_UP(max(size, sizeof(void *)), align);
    spin_init(&c->lock);
    list_init(&c->partial);
    list_init(&c->full);
    list_init(&c->empty);
    choose_layout(c, align);
    flags = spin_lock(&caches_lock);
    list_add_tail(&caches, &c->link);
    spin_unlock(&caches_lock, flags);
}

struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align)
{
    struct kmem_cache *c = kzalloc(sizeof(*c));

    if (c == NULL)
        panic("slab: no memory for cache %s at boot", name);
    cache_init(c, name, size, align);
    return c;
}

static void *object_at(struct slab *s, unsigned i)
{
    return (char *)s + s->cache->first + (size_t)i * s->cache->size;
}

static unsigned object_number(const struct slab *s, const void *obj)
{
    return (unsigned)(((const char *)obj - ((const char *)s + s->cache->first)) / s->cache->size);
}

static struct slab *slab_of(const void *obj)
{
    struct page *p = page_head(phys_to_page(virt_to_phys(obj)));

    assert(p->flags & PAGE_F_SLAB);
    return p->owner;
}

static struct slab *slab_create(struct kmem_cache *c)
{
    struct page *p = page_alloc(c->order, 0);
    struct slab *s;

    if (p == NULL)
        return NULL;
    s = page_address(p);
    p->flags |= PAGE_F_SLAB;
    p->owner = s;
    mem_stat_add(MEM_SLAB, 1LL << c->order);
    s->cache = c;
    s->used = 0;
    s->free = NULL;
    memset(s->charged, 0, c->per_slab * sizeof(s->charged[0]));
    for (unsigned i = c->per_slab; i-- > 0;) {
        *(void **)object_at(s, i) = s->free;
        s->free = object_at(s, i);
    }
    list_init(&s->link);
    return s;
}

static void slab_destroy(struct slab *s)
{
    mem_stat_add(MEM_SLAB, -(1LL << s->cache->order));
    page_put(phys_to_page(virt_to_phys(s)));
}

/* A slab with a free object: partial before empty before new. */
static struct slab *slab_choose_locked(struct kmem_cache *c)
{
    struct slab *s;

    if (!list_is_empty(&c->partial))
        return list_first(&c->partial, struct slab, link);
    if (!list_is_empty(&c->empty)) {
        s = list_first(&c->empty, struct slab, link);
        c->nempty--;
    } else {
        s = slab_create(c);
        if (s == NULL)
            return NULL;
        c->slabs++;
    }
    list_remove(&s->link);
    list_add_head(&c->partial, &s->link);
    return s;
}

static void *cache_alloc(struct kmem_cache *c, struct cgroup *cg)
{
    struct slab *s;
    void *obj = NULL;
    irqflags_t flags;

    if (cg != NULL && cgroup_charge_memory(cg, c->size) < 0)
        return NULL;
    flags = spin_lock(&c->lock);
    s = slab_choose_locked(c);
    if (s != NULL) {
        obj = s->free;
        s->free = *(void **)obj;
        s->charged[object_number(s, obj)] = cg;
        c->objects++;
        if (++s->used == c->per_slab) {
            list_remove(&s->link);
            list_add_head(&c->full, &s->link);
        }
    }
    spin_unlock(&c->lock, flags);
    if (obj == NULL && cg != NULL)
        cgroup_uncharge_memory(cg, c->size);
    return obj;
}

void *kmem_cache_alloc(struct kmem_cache *c)
{
    return cache_alloc(c, NULL);
}

void *kmem_cache_zalloc(struct kmem_cache *c)
{
    return kmem_cache_zalloc_for(c, NULL);
}

void *kmem_cache_alloc_for(struct kmem_cache *c, struct cgroup *cg)
{
    return cache_alloc(c, cg);
}

void *kmem_cache_zalloc_for(struct kmem_cache *c, struct cgroup *cg)
{
    void *obj = cache_alloc(c, cg);

    return obj != NULL ? memset(obj, 0, c->size) : NULL;
}

void kmem_cache_free(struct kmem_cache *c, void *obj)
{
    struct slab *s = slab_of(obj), *surplus = NULL;
    unsigned i = object_number(s, obj);
    struct cgroup *cg = s->charged[i];
    irqflags_t flags;

    assert(s->cache == c && obj == object_at(s, i));
    flags = spin_lock(&c->lock);
    s->charged[i] = NULL;
    *(void **)obj = s->free;
    s->free = obj;
    c->objects--;
    if (s->used-- == c->per_slab || s->used == 0) {
        list_remove(&s->link);
        if (s->used > 0) {
            list_add_head(&c->partial, &s->link);
        } else if (c->nempty == 0) {
            list_add_head(&c->empty, &s->link);
            c->nempty++;
        } else {
            c->slabs--;
            surplus = s;
        }
    }
    spin_unlock(&c->lock, flags);
    if (surplus != NULL)
        slab_destroy(surplus);
    if (cg != NULL)
        cgroup_uncharge_memory(cg, c->size);
}

static void *kmalloc_any(struct cgroup *cg, size_t size, unsigned alloc_flags)
{
    struct page *p;
    unsigned order = 0;

    if (size <= kmalloc_sizes[ARRAY_SIZE(kmalloc_sizes) - 1]) {
        struct kmem_cache *c = &kmalloc_caches[kmalloc_index[(size + 15) / 16]];
        void *obj = cache_alloc(c, cg);

        if (obj != NULL && (alloc_flags & ALLOC_ZERO))
            memset(obj, 0, c->size);
        return obj;
    }
    while (order <= ORDER_MAX && PAGE_SIZE << order < size)
        order++;
    p = page_alloc_for(cg, order, alloc_flags);
    return p != NULL ? page_address(p) : NULL;
}

void *kmalloc(size_t size)
{
    return kmalloc_any(NULL, size, 0);
}

void *kzalloc(size_t size)
{
    return kmalloc_any(NULL, size, ALLOC_ZERO);
}

void *kmalloc_for(struct cgroup *cg, size_t size)
{
    return kmalloc_any(cg, size, 0);
}

void *kalloc_for(struct cgroup *cg, size_t size)
{
    return kmalloc_any(cg, size, ALLOC_ZERO);
}

char *kstrdup_for(struct cgroup *cg, const char *s)
{
    size_t n = strlen(s) + 1;
    char *copy = kmalloc_any(cg, n, 0);

    return copy != NULL ? memcpy(copy, s, n) : NULL;
}

void kfree(void *p)
{
    struct page *page;

    if (p == NULL)
        return;
    page = page_head(phys_to_page(virt_to_phys(p)));
    if (page->flags & PAGE_F_SLAB)
        kmem_cache_free(((struct slab *)page->owner)->cache, p);
    else
        page_put(page);
}

void kmem_cache_for_each(void (*fn)(const struct kmem_cache_info *info, void *arg), void *arg)
{
    struct kmem_cache *c;

    /* Caches are never removed, so the list may be walked without the lock. */
    list_for_each(c, &caches, link) {
        struct kmem_cache_info info = {
            .name = c->name,
            .objects = READ_ONCE(c->objects),
            .total = READ_ONCE(c->slabs) * c->per_slab,
            .size = c->size,
            .pages = (uint32_t)(READ_ONCE(c->slabs) << c->order),
        };

        fn(&info, arg);
    }
}

void slab_shrink(void)
{
    struct kmem_cache *c;

    list_for_each(c, &caches, link) {
        struct list_node surplus = LIST_INIT(surplus);
        struct slab *s, *next;
        irqflags_t flags = spin_lock(&c->lock);

        list_splice_tail(&surplus, &c->empty);
        c->slabs -= c->nempty;
        c->nempty = 0;
        spin_unlock(&c->lock, flags);
        list_for_each_safe(s, next, &surplus, link)
            slab_destroy(s);
    }
}

void slab_init(void)
{
    static const char *const names[] = {
        "kmalloc-16",  "kmalloc-32",  "kmalloc-48",  "kmalloc-64",  "kmalloc-96",   "kmalloc-128", "kmalloc-192",
        "kmalloc-256", "kmalloc-384", "kmalloc-512", "kmalloc-768", "kmalloc-1024", "kmalloc-2048",
    };
    unsigned size_class = 0;

    _Static_assert(ARRAY_SIZE(names) == ARRAY_SIZE(kmalloc_sizes), "one name per size");
    for (unsigned i = 0; i < ARRAY_SIZE(kmalloc_sizes); i++)
        cache_init(&kmalloc_caches[i], names[i], kmalloc_sizes[i], 16);
    for (unsigned i = 0; i < ARRAY_SIZE(kmalloc_index); i++) {
        if (i * 16 > kmalloc_sizes[size_class])
            size_class++;
        kmalloc_index[i] = (uint8_t)size_class;
    }
}
