/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Areas of an address space: a red-black tree by address, never overlapping.
 * Neighbours that differ in nothing are merged, so that the number of areas
 * reflects what a program did, not how often. The caller holds mm->lock.
 */
#include <kernel/cgroup.h>
#include <kernel/errno.h>
#include <kernel/files.h>
#include <kernel/proc.h>
#include <kernel/spinlock.h>

#include "mm_internal.h"

static struct kmem_cache *vma_cache;
static struct spinlock file_mappings_lock = SPINLOCK_INIT; /* inode->mappings of every file */

bool vma_is_private_anon(const struct vma *vma)
{
    return vma->file == NULL && vma->ops == NULL;
}

struct vma *vma_alloc(struct mm *mm, uaddr_t start, uaddr_t end, uint32_t prot, uint32_t flags)
{
    struct vma *vma;

    if (vma_cache == NULL)
        vma_cache = kmem_cache_create("vma", sizeof(struct vma), 8);
    vma = kmem_cache_zalloc_for(vma_cache, mm->cgroup);
    if (vma == NULL)
        return NULL;
    vma->mm = mm;
    vma->start = start;
    vma->end = end;
    vma->prot = prot;
    vma->flags = flags;
    list_init(&vma->inode_link);
    return vma;
}

static void mapping_add(struct vma *vma)
{
    irqflags_t flags;

    if (vma->file == NULL || vma->ops != NULL)
        return;
    flags = spin_lock(&file_mappings_lock);
    list_add_tail(&vma->file->inode->mappings, &vma->inode_link);
    spin_unlock(&file_mappings_lock, flags);
}

static void mapping_remove(struct vma *vma)
{
    irqflags_t flags = spin_lock(&file_mappings_lock);

    list_remove(&vma->inode_link);
    spin_unlock(&file_mappings_lock, flags);
}

void vma_insert(struct vma *vma)
{
    struct rb_node **where = &vma->mm->vmas.node, *parent = NULL;

    while (*where != NULL) {
        parent = *where;
        where = vma->start < rb_entry(parent, struct vma, node)->start ? &parent->left : &parent->right;
    }
    rb_link(&vma->node, parent, where);
    rb_insert_fixup(&vma->mm->vmas, &vma->node);
    vma->mm->area_count++;
    vma->mm->total_vm += (vma->end - vma->start) >> PAGE_SHIFT;
    mapping_add(vma);
}

/*
 * The last reference to a file may end a VM or a socket, whose release takes
 * locks of its own, mm->lock among them: areas are freed after mm->lock.
 */
void vma_free(struct vma *vma)
{
    list_add_tail(&vma->mm->dead_vmas, &vma->inode_link);
}

void mm_unlock(struct mm *mm)
{
    struct list_node dead = LIST_INIT(dead);
    struct vma *vma, *next;

    list_splice_tail(&dead, &mm->dead_vmas);
    mutex_unlock(&mm->lock);
    list_for_each_safe(vma, next, &dead, inode_link) {
        if (vma->ops != NULL && vma->ops->close != NULL)
            vma->ops->close(vma);
        if (vma->file != NULL) {
            if (vma->file->ops->map_close != NULL)
                vma->file->ops->map_close(vma->file);
            file_put(vma->file);
        }
        kmem_cache_free(vma_cache, vma);
        cond_resched();
    }
}

void vma_share_file(struct vma *vma, const struct vma *from)
{
    if (from->file == NULL)
        return;
    file_get(from->file);
    vma->file = from->file;
    if (vma->file->ops->map_copy != NULL)
        vma->file->ops->map_copy(vma->file);
}

void vma_remove(struct vma *vma)
{
    mapping_remove(vma);
    rb_erase(&vma->mm->vmas, &vma->node);
    vma->mm->area_count--;
    vma->mm->total_vm -= (vma->end - vma->start) >> PAGE_SHIFT;
    vma_free(vma);
}

struct vma *vma_find(struct mm *mm, uaddr_t addr)
{
    struct rb_node *n = mm->vmas.node;
    struct vma *found = NULL;

    while (n != NULL) {
        struct vma *vma = rb_entry(n, struct vma, node);

        if (vma->end > addr) {
            found = vma;
            n = n->left;
        } else {
            n = n->right;
        }
    }
    return found;
}

struct vma *vma_next(struct vma *vma)
{
    struct rb_node *n = rb_next(&vma->node);

    cond_resched();
    return n != NULL ? rb_entry(n, struct vma, node) : NULL;
}

int vma_split_at(struct mm *mm, uaddr_t at)
{
    struct vma *vma = vma_find(mm, at), *upper;

    if (vma == NULL || vma->start >= at)
        return 0;
    upper = vma_alloc(mm, at, vma->end, vma->prot, vma->flags);
    if (upper == NULL)
        return -ENOMEM;
    upper->ops = vma->ops;
    upper->private = vma->private;
    upper->pgoff = vma->pgoff + ((at - vma->start) >> PAGE_SHIFT);
    vma_share_file(upper, vma);
    mm->total_vm -= (vma->end - at) >> PAGE_SHIFT;
    vma->end = at;
    vma_insert(upper);
    return 0;
}

static bool can_merge(const struct vma *a, const struct vma *b)
{
    if (a->end != b->start || a->prot != b->prot || a->flags != b->flags || a->file != b->file ||
        a->ops != b->ops || a->private != b->private)
        return false;
    if (a->ops != NULL && a->ops->close != NULL)
        return false;
    if (a->file != NULL && a->file->ops->map_close != NULL)
        return false; /* its areas are counted, as Linux counts them */
    return vma_is_private_anon(a) || a->pgoff + ((a->end - a->start) >> PAGE_SHIFT) == b->pgoff;
}

void vma_merge_around(struct mm *mm, uaddr_t start, uaddr_t end)
{
    struct vma *vma = vma_find(mm, start > 0 ? start - 1 : 0);

    while (vma != NULL && vma->start <= end) {
        struct vma *next = vma_next(vma);

        if (next == NULL)
            return;
        if (can_merge(vma, next)) {
            uaddr_t merged_end = next->end;

            vma_remove(next);
            mm->total_vm += (merged_end - vma->end) >> PAGE_SHIFT;
            vma->end = merged_end;
        } else {
            vma = next;
        }
    }
}

/* From the top down, below mmap_base: areas are walked from the highest. */
uaddr_t vma_find_free(struct mm *mm, size_t len, size_t align)
{
    struct rb_node *n = rb_last(&mm->vmas);
    uaddr_t top = mm->mmap_base;

    for (; n != NULL; n = rb_prev(n)) {
        struct vma *vma = rb_entry(n, struct vma, node);

        if (vma->end <= top && top - vma->end >= len && ALIGN_DOWN(top - len, align) >= vma->end)
            return ALIGN_DOWN(top - len, align);
        top = min(top, vma->start);
        cond_resched();
    }
    if (top > len && ALIGN_DOWN(top - len, align) >= MMAP_MIN_ADDR)
        return ALIGN_DOWN(top - len, align);
    return 0;
}

/*
 * Truncation: every area that maps the file drops the pages, private copies
 * too; a hole spares those. Areas are found under the spinlock, which cannot be held while mm->lock is
 * taken: each pass takes one address space that has not seen this truncation yet.
 */
static struct mm *next_mapper(struct inode *inode, uint64_t seq)
{
    irqflags_t flags = spin_lock(&file_mappings_lock);
    struct mm *mm = NULL;
    struct vma *vma;

    list_for_each(vma, &inode->mappings, inode_link) {
        if (READ_ONCE(vma->zap_seq) < seq && mm_get_unless_dead(vma->mm)) {
            mm = vma->mm;
            break;
        }
    }
    spin_unlock(&file_mappings_lock, flags);
    return mm;
}

static void zap_file_pages(struct vma *vma, uint64_t first, uint64_t last, enum mm_unmap_what what)
{
    int (*zap)(struct mm *, uaddr_t, uaddr_t) = what == MM_UNMAP_ALL ? zap_range : zap_file_range;
    uint64_t vma_last = vma->pgoff + ((vma->end - vma->start) >> PAGE_SHIFT) - 1;
    uint64_t from = max(first, vma->pgoff), to = min(last, vma_last);

    if (from <= to)
        (void)zap(vma->mm, vma->start + ((from - vma->pgoff) << PAGE_SHIFT),
                  vma->start + ((to - vma->pgoff + 1) << PAGE_SHIFT)); /* no large pages here */
}

void mm_unmap_file(struct inode *inode, uint64_t first, uint64_t last, enum mm_unmap_what what)
{
    static uint64_t last_seq;
    uint64_t seq;
    struct mm *mm;

    if (list_is_empty(&inode->mappings))
        return;
    seq = __atomic_add_fetch(&last_seq, 1, __ATOMIC_RELAXED);
    while ((mm = next_mapper(inode, seq)) != NULL) {
        mutex_lock(&mm->lock);
        for (struct vma *vma = vma_find(mm, 0); vma != NULL; vma = vma_next(vma)) {
            if (vma->file == NULL || vma->file->inode != inode)
                continue;
            WRITE_ONCE(vma->zap_seq, seq);
            zap_file_pages(vma, first, last, what);
        }
        mm_unlock(mm);
        mm_put(mm);
    }
}

static bool may_write_shared(const struct vma *vma)
{
    return (vma->flags & VMA_SHARED) && (vma->flags & VMA_MAYWRITE);
}

bool mm_file_deny_writing(struct inode *inode)
{
    irqflags_t flags = spin_lock(&file_mappings_lock);
    bool found = false;
    struct vma *vma;

    list_for_each(vma, &inode->mappings, inode_link)
        found |= may_write_shared(vma);
    if (!found)
        inode->denies_writable_maps = true;
    spin_unlock(&file_mappings_lock, flags);
    return !found;
}

/*
 * ->mmap asked for seals, but mm->lock does not keep others from adding one until
 * the area was in the file's list: either they find it there, or we find out here.
 */
int vma_check_sealed(struct vma *vma)
{
    irqflags_t flags;
    bool sealed;

    if (vma->file == NULL || vma->ops != NULL || !may_write_shared(vma))
        return 0;
    flags = spin_lock(&file_mappings_lock);
    sealed = vma->file->inode->denies_writable_maps;
    if (sealed)
        vma->flags &= ~(uint32_t)VMA_MAYWRITE;
    spin_unlock(&file_mappings_lock, flags);
    return sealed && (vma->prot & PROT_WRITE) ? -EPERM : 0;
}
