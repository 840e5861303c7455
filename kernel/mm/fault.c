/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page faults: the only place where user pages come into being.
 *
 *     what is there      read                         write
 *     anonymous, none    the zero page, read-only     a new zeroed page
 *     private file       the page cache's page, r/o   a copy of it
 *     shared file        the page cache's page        the same, writable
 *     copy-on-write      (is readable)                a copy, or the page itself
 *                                                     when nobody else has it
 *
 * A hole of a file gets its page at the first access, by whomever: the zero page
 * in its place would hide from this mapping what others write later.
 *
 * Large anonymous areas (guest RAM first of all) get 2 MiB pages where an
 * aligned block fits in the area and memory and the limit allow it.
 */
#include <kernel/cgroup.h>
#include <kernel/errno.h>
#include <kernel/files.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/trap.h>

#include "mm_internal.h"

#define FAULT_AROUND 16 /* pages of a file mapped at once when they are in the cache */

struct page *zero_page;

bool page_is_anon(const struct page *p)
{
    return !(p->flags & PAGE_F_CACHE);
}

void mm_account_sums(struct mm *mm, int64_t anon, int64_t file)
{
    if (anon != 0) {
        mm->rss_anon += (uint64_t)anon;
        mem_stat_add(MEM_ANON, anon);
        cgroup_stat_add(mm->cgroup, MEM_ANON, anon);
    }
    mm->rss_file += (uint64_t)file;
    mm->hiwater_rss = max(mm->hiwater_rss, mm->rss_anon + mm->rss_file);
}

void mm_account(struct mm *mm, const struct page *p, int64_t npages)
{
    if (p == zero_page)
        return;
    if (page_is_anon(page_head((struct page *)p)))
        mm_account_sums(mm, npages, 0);
    else
        mm_account_sums(mm, 0, npages);
}

/* Enter a page, whose reference goes to the entry, where there was none. */
static int map_new(struct vma *vma, uaddr_t va, struct page *p, bool writable, unsigned level)
{
    pte_t *e = pt_make(vma->mm, va, level);

    if (e == NULL) {
        page_put(p);
        return -ENOMEM;
    }
    pt_set(vma->mm, va, e, level, pte_make(vma, p, writable, level > 0));
    mm_account(vma->mm, p, 1LL << (9 * level));
    return 0;
}

/* Put another page in place of the one mapped at va: subscribers and TLBs hear of it. */
static void map_replace(struct vma *vma, uaddr_t va, pte_t *e, struct page *p)
{
    struct page *old = pte_page(*e);

    mm_invalidate(vma->mm, va, va + PAGE_SIZE);
    WRITE_ONCE(*e, pte_make(vma, p, true, false));
    tlb_flush(vma->mm, va, va + PAGE_SIZE);
    mm_account(vma->mm, old, -1);
    mm_account(vma->mm, p, 1);
    page_put(old);
}

static bool wants_large(const struct vma *vma, uaddr_t va)
{
    uaddr_t block = ALIGN_DOWN(va, LARGE_SIZE);

    return (vma->flags & VMA_HUGEPAGE) && vma_is_private_anon(vma) && block >= vma->start &&
           block + LARGE_SIZE <= vma->end && pt_find(vma->mm, block, 0) == NULL;
}

static int fault_large(struct vma *vma, uaddr_t va)
{
    struct page *p = page_alloc_for(vma->mm->cgroup, LARGE_ORDER, ALLOC_USER | ALLOC_ZERO);

    if (p == NULL)
        return -ENOMEM;
    return map_new(vma, ALIGN_DOWN(va, LARGE_SIZE), p, vma->prot & PROT_WRITE, 1);
}

static int fault_anon(struct vma *vma, uaddr_t va, bool write)
{
    struct page *p;

    if (wants_large(vma, va) && fault_large(vma, va) == 0)
        return 0;
    if (!write) {
        page_get(zero_page);
        return map_new(vma, va, zero_page, false, 0);
    }
    p = page_alloc_for(vma->mm->cgroup, 0, ALLOC_USER | ALLOC_ZERO);
    return p != NULL ? map_new(vma, va, p, true, 0) : -ENOMEM;
}

static struct page *copy_page(struct mm *mm, const struct page *from)
{
    struct page *p = page_alloc_for(mm->cgroup, 0, ALLOC_USER | (from == zero_page ? ALLOC_ZERO : 0));

    if (p != NULL && from != zero_page)
        memcpy(page_address(p), page_address(from), PAGE_SIZE);
    return p;
}

static uint64_t vma_index(const struct vma *vma, uaddr_t va)
{
    return vma->pgoff + ((va - vma->start) >> PAGE_SHIFT);
}

/* The file's page for va with a reference: -EIO past its end; a hole that is not to be filled reads as
 * the zero page. */
static int file_page(struct vma *vma, uaddr_t va, bool fill, struct page **out)
{
    struct inode *inode;
    uint64_t index = vma_index(vma, va);
    int err;

    if (vma->ops != NULL)
        return vma->ops->fault(vma, index, out);
    inode = vma->file->inode;
    if (index >= DIV_ROUND_UP(READ_ONCE(inode->size), PAGE_SIZE))
        return -EIO;
    *out = NULL;
    err = inode->ops->get_page(inode, index, fill, out);
    if (err == 0 && *out == NULL) {
        page_get(zero_page);
        *out = zero_page;
    }
    return err;
}

/* A read of a file's page brings its cached neighbours along, inside one page table. */
static void map_around(struct vma *vma, uaddr_t va)
{
    uaddr_t start = max(ALIGN_DOWN(va, FAULT_AROUND * PAGE_SIZE), vma->start);
    uaddr_t end = min(ALIGN_DOWN(va, FAULT_AROUND * PAGE_SIZE) + FAULT_AROUND * PAGE_SIZE, vma->end);
    pte_t *e = pt_find(vma->mm, start, 0);
    int64_t mapped = 0;

    if (e == NULL || vma->ops != NULL)
        return;
    for (; start < end; start += PAGE_SIZE, e++) {
        struct page *p = NULL;

        if (pte_in_use(*e))
            continue;
        if (file_page(vma, start, false, &p) < 0)
            break;
        if (p == zero_page) {
            page_put(p);
            continue;
        }
        pt_set(vma->mm, start, e, 0, pte_make(vma, p, false, false));
        mapped++;
    }
    mm_account_sums(vma->mm, 0, mapped);
}

static int fault_file(struct vma *vma, uaddr_t va, bool write)
{
    bool shared = vma->flags & VMA_SHARED;
    struct page *p, *copy;
    int err = file_page(vma, va, shared || !write, &p);

    if (err < 0)
        return err;
    if (write && !shared) {
        copy = copy_page(vma->mm, p);
        page_put(p);
        return copy != NULL ? map_new(vma, va, copy, true, 0) : -ENOMEM;
    }
    /* Device pages (kvm_run) have no copy-on-write: writable at once if the area is. */
    err = map_new(vma, va, p, shared && (write || vma->ops != NULL) && (vma->prot & PROT_WRITE), 0);
    if (err == 0 && !write)
        map_around(vma, va);
    return err;
}

/* Write to a present read-only entry of a writable area. */
static int fault_cow(struct vma *vma, uaddr_t va, pte_t *e)
{
    struct page *old = pte_page(*e), *p;
    int err;

    if (vma->flags & VMA_SHARED) {
        err = file_page(vma, va, true, &p);
        if (err < 0)
            return err;
        map_replace(vma, va, e, p);
        return 0;
    }
    if (old != zero_page && page_is_anon(page_head(old)) && refcount_read(&page_head(old)->refs) == 1) {
        WRITE_ONCE(*e, *e | PTE_WRITE | PTE_DIRTY); /* widening needs no flush: at worst one more fault */
        return 0;
    }
    p = copy_page(vma->mm, old);
    if (p == NULL)
        return -ENOMEM;
    map_replace(vma, va, e, p);
    return 0;
}

/* Copy-on-write of a 2 MiB page: alone it becomes writable, else it is broken up. */
static int fault_cow_large(struct vma *vma, uaddr_t va, pte_t *e)
{
    if (refcount_read(&pte_page(*e)->refs) == 1) {
        WRITE_ONCE(*e, *e | PTE_WRITE | PTE_DIRTY);
        return 0;
    }
    return pt_split(vma->mm, va) < 0 ? -ENOMEM : fault_cow(vma, va, pt_find(vma->mm, va, 0));
}

/* The stack grows down to the fault, within its limit and away from its neighbour. */
static int grow_stack(struct vma *vma, uaddr_t addr)
{
    uint64_t limit = current->process->rlimits[RLIMIT_STACK].cur;
    struct rb_node *below = rb_prev(&vma->node);
    uaddr_t start = ALIGN_DOWN(addr, PAGE_SIZE);
    const uaddr_t gap = 256 * PAGE_SIZE;

    if (!(vma->flags & VMA_GROWSDOWN) || start < MMAP_MIN_ADDR || vma->end - start > limit)
        return -EFAULT;
    if (below != NULL && rb_entry(below, struct vma, node)->end + gap > start)
        return -EFAULT;
    vma->mm->total_vm += (vma->start - start) >> PAGE_SHIFT;
    vma->start = start; /* the order in the tree stays */
    return 0;
}

static int check_access(const struct vma *vma, unsigned access)
{
    if ((access & ACCESS_WRITE) && !(vma->prot & PROT_WRITE))
        return -EACCES;
    if ((access & ACCESS_EXEC) && !(vma->prot & PROT_EXEC))
        return -EACCES;
    return vma->prot == PROT_NONE ? -EACCES : 0;
}

/* The entry of the page at va at whatever level, or NULL. */
static pte_t *entry_in_use(struct mm *mm, uaddr_t va, unsigned *level)
{
    uaddr_t at = ALIGN_DOWN(va, PAGE_SIZE);

    return pt_next(mm, &at, at + PAGE_SIZE, level);
}

int fault_locked(struct mm *mm, uaddr_t addr, unsigned access)
{
    struct vma *vma = vma_find(mm, addr);
    uaddr_t va = ALIGN_DOWN(addr, PAGE_SIZE);
    bool write = access & ACCESS_WRITE;
    unsigned level;
    pte_t *e;
    int err;

    if (vma == NULL || addr >= USER_TOP)
        return -EFAULT;
    if (vma->start > addr) {
        err = grow_stack(vma, addr);
        if (err < 0)
            return err;
    }
    err = check_access(vma, access);
    if (err < 0)
        return err;
    e = entry_in_use(mm, va, &level);
    if (e == NULL)
        return vma_is_private_anon(vma) ? fault_anon(vma, va, write) : fault_file(vma, va, write);
    if (!write || (*e & PTE_WRITE)) { /* a stale TLB entry, or another thread was faster */
        assert(*e & PTE_PRESENT); /* of a PROT_NONE area it would not be: check_access() */
        return 0;
    }
    return level > 0 ? fault_cow_large(vma, va, e) : fault_cow(vma, va, e);
}

int mm_fault(struct mm *mm, uaddr_t addr, unsigned access)
{
    int err;

    mutex_lock(&mm->lock);
    err = fault_locked(mm, addr, access);
    mm_unlock(mm);
    return err;
}

/* The address space's group may be full, or the thread's own, which pays for pages of files. False: do
 * without. */
static bool wait_for_memory(struct mm *mm)
{
    struct cgroup *cg;
    bool may_come;

    mutex_lock(&mm->lock);
    cg = mm->cgroup;
    cgroup_get(cg);
    mutex_unlock(&mm->lock);
    may_come = cgroup_wait_for_memory(cg);
    if (may_come && cg != current_cgroup())
        may_come = cgroup_wait_for_memory(current_cgroup());
    cgroup_put(cg);
    return may_come;
}

static int fault_until_memory(struct mm *mm, uaddr_t addr, unsigned access)
{
    int err;

    do {
        err = mm_fault(mm, addr, access);
    } while (err == -ENOMEM && wait_for_memory(mm));
    return err;
}

int mm_get_page(struct mm *mm, uaddr_t addr, unsigned access, struct page **out, bool *writable)
{
    unsigned order;
    struct page *head;
    int err = mm_get_block(mm, addr, access, &head, writable, &order);

    if (err == 0)
        *out = order > 0 ? head + ((addr >> PAGE_SHIFT) & ((1ULL << order) - 1)) : head;
    return err;
}

static int try_get_block(struct mm *mm, uaddr_t addr, unsigned access, struct page **out, bool *writable,
                         unsigned *order)
{
    unsigned level;
    pte_t *e;
    int err;

    mutex_lock(&mm->lock);
    err = fault_locked(mm, addr, access);
    if (err == 0) {
        e = entry_in_use(mm, addr, &level);
        *out = pte_page(*e);
        *writable = *e & PTE_WRITE;
        *order = level > 0 ? LARGE_ORDER : 0;
        page_get(*out);
    }
    mm_unlock(mm);
    return err;
}

int mm_get_block(struct mm *mm, uaddr_t addr, unsigned access, struct page **out, bool *writable,
                 unsigned *order)
{
    int err;

    do {
        err = try_get_block(mm, addr, access, out, writable, order);
    } while (err == -ENOMEM && wait_for_memory(mm));
    return err;
}

static void send_fault_signal(int err, uint64_t addr)
{
    if (err == -EIO)
        signal_force(SIGBUS, BUS_ADRERR, addr);
    else if (err == -EACCES)
        signal_force(SIGSEGV, SEGV_ACCERR, addr);
    else if (err == -EFAULT)
        signal_force(SIGSEGV, SEGV_MAPERR, addr);
    else if (err != -ENOMEM) /* -ENOMEM: it dies of the killer's SIGKILL, or tries again */
        signal_force(SIGBUS, BUS_ADRERR, addr);
}

bool page_fault(struct trapframe *frame, uint64_t addr, unsigned access)
{
    struct thread *t = current;
    bool user = trapframe_is_user(frame);
    int err = -EFAULT;

    if (!user && (addr >= USER_TOP || !extable_covers(frame->rip)))
        return extable_fixup(frame);
    if (t->mm != NULL && addr < USER_TOP) {
        irq_enable();
        t->min_flt++;
        err = fault_until_memory(t->mm, addr, access);
        irq_disable();
        if (user)
            lock_assert_none();
    }
    if (err == 0)
        return true;
    if (!user)
        return extable_fixup(frame);
    send_fault_signal(err, addr);
    return true;
}
