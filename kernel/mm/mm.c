/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of an address space. mm_create() makes an empty one with one user;
 * mm_fork() a copy that shares every private page read-only until somebody
 * writes. When the last user goes (mm_put) everything is unmapped at once, though
 * the struct stays for those who only hold it by name (mm_grab).
 */
#include <kernel/cgroup.h>
#include <kernel/errno.h>
#include <kernel/files.h>
#include <kernel/proc.h>
#include <kernel/random.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>

#include "mm_internal.h"

static struct kmem_cache *mm_cache;

struct mm *mm_create(struct cgroup *cg)
{
    struct mm *mm;

    if (mm_cache == NULL)
        mm_cache = kmem_cache_create("mm", sizeof(struct mm), 8);
    mm = kmem_cache_zalloc_for(mm_cache, cg);
    if (mm == NULL)
        return NULL;
    refcount_init(&mm->users, 1);
    refcount_init(&mm->refs, 1);
    mutex_init(&mm->lock);
    list_init(&mm->notifiers);
    list_init(&mm->dead_tables);
    list_init(&mm->dead_vmas);
    mm->cgroup = cg;
    mm->mmap_base = USER_TOP - PAGE_SIZE;
    if (pt_create(mm) < 0) {
        kmem_cache_free(mm_cache, mm);
        return NULL;
    }
    cgroup_get(cg);
    return mm;
}

void mm_get(struct mm *mm)
{
    refcount_get(&mm->users);
}

bool mm_get_unless_dead(struct mm *mm)
{
    return refcount_get_unless_zero(&mm->users);
}

void mm_grab(struct mm *mm)
{
    refcount_get(&mm->refs);
}

void mm_drop(struct mm *mm)
{
    struct cgroup *cg = mm->cgroup;

    if (!refcount_put(&mm->refs))
        return;
    kmem_cache_free(mm_cache, mm);
    cgroup_put(cg);
}

void mm_set_cgroup(struct mm *mm, struct cgroup *cg)
{
    struct cgroup *old;

    cgroup_get(cg);
    mutex_lock(&mm->lock);
    old = mm->cgroup;
    mm->cgroup = cg;
    /* Which group a page of these is charged to is not looked up when it is unmapped. */
    cgroup_stat_add(old, MEM_ANON, -(int64_t)mm->rss_anon);
    cgroup_stat_add(cg, MEM_ANON, (int64_t)mm->rss_anon);
    mutex_unlock(&mm->lock);
    cgroup_put(old);
}

static void release_notifiers(struct mm *mm)
{
    struct mm_notifier *n, *next;

    list_for_each_safe(n, next, &mm->notifiers, link) {
        list_remove(&n->link);
        n->release(n);
    }
}

void mm_put(struct mm *mm)
{
    struct vma *vma, *next;
    int err = 0;

    if (!refcount_put(&mm->users))
        return;
    tlb_leave(mm);
    mutex_lock(&mm->lock);
    release_notifiers(mm);
    for (vma = vma_find(mm, 0); vma != NULL; vma = vma_next(vma))
        err |= zap_range(mm, vma->start, vma->end);
    if (err != 0) /* no memory to cut a large page, which all at once never needs, but is slow */
        (void)zap_range(mm, 0, USER_TOP);
    for (vma = vma_find(mm, 0); vma != NULL; vma = next) {
        next = vma_next(vma);
        vma_remove(vma);
    }
    mm_unlock(mm);
    if (mm->exe != NULL)
        file_put(mm->exe);
    mm->exe = NULL;
    pt_destroy(mm);
    mm_drop(mm);
}

void mm_switch(struct mm *next)
{
    irqflags_t flags = irq_save();
    struct cpu *cpu = this_cpu();
    struct mm *prev = cpu->mm;

    if (prev != next) {
        if (next != NULL)
            __atomic_fetch_or(&next->cpus, BIT(cpu->number), __ATOMIC_SEQ_CST);
        write_cr3(next != NULL ? next->pgd : virt_to_phys(kernel_pml4));
        cpu->mm = next;
        if (prev != NULL)
            __atomic_fetch_and(&prev->cpus, ~BIT(cpu->number), __ATOMIC_SEQ_CST);
    }
    irq_restore(flags);
}

/* ---- fork ---- */

static struct vma *clone_vma(struct mm *child, const struct vma *vma)
{
    struct vma *copy = vma_alloc(child, vma->start, vma->end, vma->prot, vma->flags);

    if (copy == NULL)
        return NULL;
    copy->pgoff = vma->pgoff;
    copy->ops = vma->ops;
    copy->private = vma->private;
    vma_share_file(copy, vma);
    vma_insert(copy);
    return copy;
}

/*
 * Private pages become read-only on both sides. Pages of a file's cache are not
 * entered: the child finds them there by itself, and most children exec.
 */
static int share_pages(struct vma *vma, struct vma *copy, struct gather *g)
{
    struct mm *mm = vma->mm;
    unsigned level;
    uaddr_t va = vma->start;
    bool told = false;
    pte_t *e;

    if (vma->flags & VMA_SHARED)
        return 0;
    for (e = pt_next(mm, &va, vma->end, &level); e != NULL;
         e = pt_after(mm, e, &va, vma->end, &level)) {
        struct page *p = pte_page(*e);
        pte_t *dst;

        cond_resched();
        if (p == zero_page || !page_is_anon(page_head(p)))
            continue;
        dst = pt_make(copy->mm, va, level);
        if (dst == NULL)
            return -ENOMEM;
        if (*e & PTE_WRITE) {
            if (!told)
                mm_invalidate(mm, vma->start, vma->end);
            told = true;
            WRITE_ONCE(*e, *e & ~PTE_WRITE);
            gather_range(g, va, va + BIT(PT_SHIFT(level)));
        }
        page_get(p);
        pt_set(copy->mm, va, dst, level, *e);
        mm_account(copy->mm, p, 1LL << (9 * level));
    }
    return 0;
}

static int copy_areas(struct mm *parent, struct mm *child)
{
    struct gather g;
    int err = 0;

    gather_init(&g, parent);
    for (struct vma *vma = vma_find(parent, 0); vma != NULL && err == 0; vma = vma_next(vma)) {
        struct vma *copy;

        /* An area of a driver's (a vCPU's page) belongs to the process that opened it. */
        if ((vma->flags & VMA_DONTCOPY) || vma->ops != NULL)
            continue;
        copy = clone_vma(child, vma);
        err = copy != NULL ? share_pages(vma, copy, &g) : -ENOMEM;
    }
    gather_finish(&g);
    return err;
}

int mm_fork(struct mm *parent, struct mm **out)
{
    struct mm *child = mm_create(current_cgroup());
    int err;

    if (child == NULL)
        return -ENOMEM;
    mutex_lock(&parent->lock);
    child->brk_start = parent->brk_start;
    child->brk = parent->brk;
    child->mmap_base = parent->mmap_base;
    child->stack_start = parent->stack_start;
    child->arg_start = parent->arg_start;
    child->arg_end = parent->arg_end;
    child->env_start = parent->env_start;
    child->env_end = parent->env_end;
    memcpy(child->auxv, parent->auxv, sizeof(child->auxv));
    child->auxv_len = parent->auxv_len;
    child->exe = parent->exe;
    if (child->exe != NULL)
        file_get(child->exe);
    err = copy_areas(parent, child);
    mm_unlock(parent);
    if (err < 0) {
        mm_put(child);
        return err;
    }
    *out = child;
    return 0;
}

/* ---- another process's memory ---- */

enum direction { FROM_REMOTE, TO_REMOTE };

static ssize_t copy_remote(struct mm *mm, uaddr_t addr, char *buf, size_t len, enum direction dir)
{
    size_t done = 0;

    while (done < len) {
        size_t offset = (addr + done) & (PAGE_SIZE - 1);
        size_t n = min(len - done, PAGE_SIZE - offset);
        struct page *p;
        bool writable;

        if (!user_range_ok(addr + done, n) ||
            mm_get_page(mm, addr + done, dir == TO_REMOTE ? ACCESS_WRITE : ACCESS_READ, &p, &writable) < 0)
            break;
        if (dir == TO_REMOTE)
            memcpy((char *)page_address(p) + offset, buf + done, n);
        else
            memcpy(buf + done, (char *)page_address(p) + offset, n);
        page_put(p);
        done += n;
        cond_resched();
    }
    return done > 0 || len == 0 ? (ssize_t)done : -EIO;
}

ssize_t mm_read_remote(struct mm *mm, uaddr_t addr, void *buf, size_t len)
{
    return copy_remote(mm, addr, buf, len, FROM_REMOTE);
}

ssize_t mm_write_remote(struct mm *mm, uaddr_t addr, const void *buf, size_t len)
{
    return copy_remote(mm, addr, (char *)buf, len, TO_REMOTE);
}
