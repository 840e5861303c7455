/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory system calls: mmap(2), munmap(2), mprotect(2), brk(2), mremap(2),
 * madvise(2), msync(2), mincore(2), mlock(2). Arguments are checked here, once;
 * the mm_ functions act.
 */
#include <kernel/cgroup.h>
#include <kernel/errno.h>
#include <kernel/files.h>
#include <kernel/proc.h>
#include <kernel/random.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>

#include "mm_internal.h"

#define PROT_VALID (PROT_READ | PROT_WRITE | PROT_EXEC)
#define PROT_SEM       0x8 /* means nothing on x86 */
#define PROT_GROWSDOWN 0x01000000
/* Anonymous areas from this size on are taken to be a guest's RAM or the like: large pages. */
#define LARGE_AREA MIB(32)

static bool range_valid(uaddr_t addr, size_t len)
{
    return IS_ALIGNED(addr, PAGE_SIZE) && user_range_ok(addr, len);
}

/*
 * Whether an area may not get `len` bytes more: too many areas, RLIMIT_AS, and as Linux's heuristic
 * overcommit, private writable memory that the whole machine could not hold (programs look for the end of
 * memory that way).
 */
static bool over_limit(struct mm *mm, size_t len, uint32_t prot, uint32_t vma_flags)
{
    uint64_t limit = current->process->rlimits[RLIMIT_AS].cur;

    if (mm->area_count > MM_AREAS_MAX)
        return true;
    if (limit != RLIM_INFINITY && (mm->total_vm << PAGE_SHIFT) + len > limit)
        return true;
    if (!(prot & PROT_WRITE) || (vma_flags & (VMA_SHARED | VMA_NORESERVE)))
        return false;
    return len >> PAGE_SHIFT > mem_total_pages();
}

/* ---- mmap ---- */

/* What the file allows of prot: -EACCES, -EPERM (noexec), -ENODEV; adds to *vma_flags. */
static int check_file(const struct file *f, uint32_t prot, uint32_t map_flags, uint32_t *vma_flags)
{
    bool shared = map_flags & (MAP_SHARED & ~MAP_PRIVATE);

    if (!f->can_read)
        return -EACCES;
    if (shared && (prot & PROT_WRITE) && !f->can_write)
        return -EACCES;
    if (f->path.mnt != NULL && (f->path.mnt->flags & MS_NOEXEC)) {
        if (prot & PROT_EXEC)
            return -EPERM;
        *vma_flags |= VMA_NOEXEC;
    }
    if (f->ops->mmap == NULL)
        return -ENODEV;
    if (!shared || f->can_write)
        *vma_flags |= VMA_MAYWRITE;
    return 0;
}

static int choose_address(struct mm *mm, uaddr_t hint, size_t len, uint32_t map_flags, bool large, uaddr_t *out)
{
    struct vma *vma;

    if (map_flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
        if (!range_valid(hint, len))
            return IS_ALIGNED(hint, PAGE_SIZE) ? -ENOMEM : -EINVAL;
        if (hint < MMAP_MIN_ADDR)
            return -EPERM;
        vma = vma_find(mm, hint);
        if ((map_flags & MAP_FIXED_NOREPLACE) && vma != NULL && vma->start < hint + len)
            return -EEXIST;
        *out = hint;
        return 0;
    }
    hint = ALIGN_DOWN(hint, PAGE_SIZE);
    if (hint >= MMAP_MIN_ADDR && user_range_ok(hint, len)) {
        vma = vma_find(mm, hint);
        if (vma == NULL || vma->start >= hint + len) {
            *out = hint;
            return 0;
        }
    }
    *out = vma_find_free(mm, len, large ? LARGE_SIZE : PAGE_SIZE);
    return *out != 0 ? 0 : -ENOMEM;
}

static int attach_file(struct vma *vma, struct file *file, uint64_t pgoff)
{
    int err;

    file_get(file);
    vma->file = file;
    vma->pgoff = pgoff;
    err = file->ops->mmap(file, vma); /* may put another file in its place (overlay) */
    if (err < 0) {
        file_put(vma->file); /* not an area of it: nothing of the file's hears of its end */
        vma->file = NULL;
    }
    return err;
}

static int map_locked(struct mm *mm, uaddr_t addr, size_t len, uint32_t prot, uint32_t map_flags,
                      struct file *file, off_t offset, uaddr_t *out)
{
    uint32_t vma_flags = 0;
    bool large = file == NULL && len >= LARGE_AREA && !(map_flags & (MAP_NORESERVE | MAP_GROWSDOWN)) &&
                 (prot & PROT_WRITE);
    struct vma *vma;
    int err;

    if (file != NULL) {
        err = check_file(file, prot, map_flags, &vma_flags);
        if (err < 0)
            return err;
    } else {
        vma_flags |= VMA_MAYWRITE;
    }
    if (map_flags & MAP_SHARED & ~MAP_PRIVATE)
        vma_flags |= VMA_SHARED;
    if (map_flags & MAP_GROWSDOWN) {
        if (file != NULL) /* the pages below would have no numbers in it */
            return -EINVAL;
        vma_flags |= VMA_GROWSDOWN;
    }
    if (map_flags & MAP_NORESERVE)
        vma_flags |= VMA_NORESERVE;
    if (large)
        vma_flags |= VMA_HUGEPAGE;
    if (over_limit(mm, len, prot, vma_flags))
        return -ENOMEM;
    err = choose_address(mm, addr, len, map_flags, large, &addr);
    if (err < 0)
        return err;
    vma = vma_alloc(mm, addr, addr + len, prot, vma_flags);
    if (vma == NULL)
        return -ENOMEM;
    if (file != NULL) {
        err = attach_file(vma, file, (uint64_t)offset >> PAGE_SHIFT);
        if (err < 0)
            goto free_vma;
    }
    err = mm_unmap(mm, addr, len);
    if (err < 0)
        goto free_vma;
    vma_insert(vma);
    err = vma_check_sealed(vma);
    if (err < 0) {
        (void)mm_unmap(mm, addr, len); /* a whole area: cuts nothing, so it takes no memory */
        return err;
    }
    vma_merge_around(mm, addr, addr + len);
    *out = addr;
    return 0;

free_vma:
    vma_free(vma);
    return err;
}

static void populate(struct mm *mm, uaddr_t addr, size_t len, uint32_t prot)
{
    for (size_t off = 0; off < len && !fatal_signal_pending(current); off += PAGE_SIZE) {
        if (mm_fault(mm, addr + off, prot & PROT_WRITE ? ACCESS_WRITE : ACCESS_READ) < 0)
            return; /* as on Linux the mapping stands all the same */
        cond_resched();
    }
}

int mm_map(struct mm *mm, uaddr_t addr, size_t len, uint32_t prot, uint32_t map_flags, struct file *file,
           off_t offset, uaddr_t *out)
{
    struct file *shmem = NULL;
    uaddr_t where;
    int err;

    if (len == 0 || (map_flags & 3) == 0)
        return -EINVAL;
    if (len > USER_TOP)
        return -ENOMEM;
    len = ALIGN_UP(len, PAGE_SIZE);
    if (file == NULL && (map_flags & 3) != MAP_PRIVATE) {
        err = shmem_file_create("/dev/zero", len, &shmem);
        if (err < 0)
            return err;
        file = shmem;
        offset = 0;
    }
    mutex_lock(&mm->lock);
    err = map_locked(mm, addr, len, prot, map_flags, file, offset, &where);
    mm_unlock(mm);
    if (shmem != NULL)
        file_put(shmem);
    if (err < 0)
        return err;
    if (map_flags & MAP_POPULATE)
        populate(mm, where, len, prot);
    *out = where;
    return 0;
}

long sys_mmap(uaddr_t addr, size_t len, int prot, int flags, int fd, off_t off)
{
    struct file *f = NULL;
    uaddr_t out;
    int err;

    if (!IS_ALIGNED(off, (off_t)PAGE_SIZE))
        return -EINVAL;
    if (!(flags & MAP_ANONYMOUS)) {
        f = fd_get(fd);
        if (f == NULL)
            return -EBADF;
        if (off < 0 || (uint64_t)off + len < len)
            err = -EOVERFLOW;
        else
            err = mm_map(current->mm, addr, len, (uint32_t)prot & PROT_VALID, (uint32_t)flags, f, off, &out);
        file_put(f);
    } else {
        err = mm_map(current->mm, addr, len, (uint32_t)prot & PROT_VALID, (uint32_t)flags, NULL, 0, &out);
    }
    return err < 0 ? err : (long)out;
}

long sys_munmap(uaddr_t addr, size_t len)
{
    struct mm *mm = current->mm;
    int err;

    if (len == 0 || !range_valid(addr, len))
        return -EINVAL;
    mutex_lock(&mm->lock);
    err = mm_unmap(mm, addr, ALIGN_UP(len, PAGE_SIZE));
    mm_unlock(mm);
    return err;
}

/* PROT_GROWSDOWN: the range begins where the stack ends. */
static int from_lowest(struct mm *mm, uaddr_t *addr, size_t *len)
{
    struct vma *vma = vma_find(mm, *addr);

    if (vma == NULL || vma->start >= *addr + *len)
        return -ENOMEM;
    if (!(vma->flags & VMA_GROWSDOWN))
        return -EINVAL;
    if (vma->start < *addr) {
        *len += *addr - vma->start;
        *addr = vma->start;
    }
    return 0;
}

long sys_mprotect(uaddr_t addr, size_t len, int prot)
{
    struct mm *mm = current->mm;
    int err;

    if (!IS_ALIGNED(addr, PAGE_SIZE) || ((uint32_t)prot & ~(PROT_VALID | PROT_SEM | PROT_GROWSDOWN)))
        return -EINVAL;
    if (len == 0)
        return 0;
    if (!user_range_ok(addr, len))
        return -ENOMEM;
    len = ALIGN_UP(len, PAGE_SIZE);
    mutex_lock(&mm->lock);
    err = (uint32_t)prot & PROT_GROWSDOWN ? from_lowest(mm, &addr, &len) : 0;
    if (err == 0)
        err = mm_protect(mm, addr, len, (uint32_t)prot & PROT_VALID);
    mm_unlock(mm);
    return err;
}

/* ---- brk ---- */

static int grow_heap(struct mm *mm, uaddr_t from, uaddr_t to)
{
    uint64_t limit = current->process->rlimits[RLIMIT_DATA].cur;
    struct vma *vma = vma_find(mm, from);

    if (to > mm->mmap_base || to - mm->brk_start > limit || over_limit(mm, to - from, PROT_WRITE, 0))
        return -ENOMEM;
    if (vma != NULL && vma->start < to + PAGE_SIZE)
        return -ENOMEM;
    vma = vma_alloc(mm, from, to, PROT_READ | PROT_WRITE, VMA_HEAP | VMA_MAYWRITE);
    if (vma == NULL)
        return -ENOMEM;
    vma_insert(vma);
    vma_merge_around(mm, from, to);
    return 0;
}

long sys_brk(uaddr_t brk)
{
    struct mm *mm = current->mm;
    uaddr_t old_end, new_end;
    int err = 0;

    mutex_lock(&mm->lock);
    if (brk >= mm->brk_start && brk < USER_TOP) {
        old_end = ALIGN_UP(mm->brk, PAGE_SIZE);
        new_end = ALIGN_UP(brk, PAGE_SIZE);
        if (new_end > old_end)
            err = grow_heap(mm, old_end, new_end);
        else if (new_end < old_end)
            err = mm_unmap(mm, new_end, old_end - new_end);
        if (err == 0)
            mm->brk = brk;
    }
    brk = mm->brk;
    mm_unlock(mm);
    return (long)brk;
}

/* ---- mremap ---- */

#define MREMAP_MAYMOVE   1
#define MREMAP_FIXED     2
#define MREMAP_DONTUNMAP 4

/*
 * Enter the pages of [from, from + len) at `to`, where tables exist already, then remove them here:
 * the first and the last page may share a table, which must not go with the last entry of the old place
 * while it waits for those of the new one.
 */
static void move_pages(struct mm *mm, struct vma *to_vma, uaddr_t from, size_t len, uaddr_t to)
{
    struct gather g;
    unsigned level;
    uaddr_t va, next;
    pte_t *e, *this;

    mm_invalidate(mm, from, from + len);
    gather_init(&g, mm);
    va = from;
    for (e = pt_next(mm, &va, from + len, &level); e != NULL; e = pt_after(mm, e, &va, from + len, &level)) {
        uaddr_t dst = to + (va - from);

        pt_set(mm, dst, pt_find(mm, dst, 0), 0, to_vma->prot & PROT_WRITE ? *e : *e & ~PTE_WRITE);
        gather_range(&g, va, va + PAGE_SIZE);
        cond_resched();
    }
    next = from;
    for (e = pt_next(mm, &next, from + len, &level); e != NULL;) {
        va = next;
        this = e;
        e = pt_after(mm, e, &next, from + len, &level); /* before the table goes with its last entry */
        pt_set(mm, va, this, 0, 0);
        cond_resched();
    }
    gather_finish(&g);
}

/* Split large pages and make the tables at the new place, so that moving cannot fail. */
static int prepare_move(struct mm *mm, uaddr_t from, size_t len, uaddr_t to)
{
    unsigned level;
    uaddr_t va = from;
    pte_t *e;

    while ((e = pt_next(mm, &va, from + len, &level)) != NULL) {
        if (level > 0) {
            if (pt_split(mm, va) < 0)
                goto prune;
            continue;
        }
        if (pt_make(mm, to + (va - from), 0) == NULL)
            goto prune;
        va += PAGE_SIZE;
        cond_resched();
    }
    return 0;

prune:
    pt_prune(mm, to, to + len);
    return -ENOMEM;
}

/* The new area, and up to two more where the old one is cut. */
#define MOVE_AREAS 3

static int mremap_move(struct mm *mm, struct vma *vma, uaddr_t addr, size_t old_len, size_t new_len, uaddr_t to)
{
    struct vma *moved;
    int err;

    if (mm->area_count >= MM_AREAS_MAX - MOVE_AREAS)
        return -ENOMEM;
    if (over_limit(mm, new_len, 0, 0) || over_limit(mm, new_len - min(old_len, new_len), vma->prot, vma->flags))
        return -ENOMEM;
    moved = vma_alloc(mm, to, to + new_len, vma->prot, vma->flags);
    if (moved == NULL)
        return -ENOMEM;
    moved->pgoff = vma->pgoff + ((addr - vma->start) >> PAGE_SHIFT);
    vma_share_file(moved, vma);
    err = prepare_move(mm, addr, min(old_len, new_len), to);
    if (err < 0) {
        vma_free(moved);
        return err;
    }
    vma_insert(moved);
    move_pages(mm, moved, addr, min(old_len, new_len), to);
    (void)mm_unmap(mm, addr, old_len); /* only cutting the area could fail: then it stays, empty */
    return 0;
}

static bool can_grow_in_place(struct vma *vma, uaddr_t addr, size_t old_len, size_t new_len)
{
    struct vma *next = vma_next(vma);

    return addr + old_len == vma->end && user_range_ok(addr, new_len) &&
           (next == NULL || next->start >= addr + new_len);
}

static long mremap_locked(struct mm *mm, uaddr_t addr, size_t old_len, size_t new_len, int flags, uaddr_t to)
{
    struct vma *vma = vma_find(mm, addr);
    int err;

    if (vma == NULL || vma->start > addr)
        return -EFAULT;
    if (!(flags & MREMAP_FIXED) && new_len < old_len) { /* what is cut off may lie beyond the area */
        err = mm_unmap(mm, addr + new_len, old_len - new_len);
        return err < 0 ? err : (long)addr;
    }
    if (vma->end - addr < min(old_len, new_len))
        return -EFAULT;
    if (vma->ops != NULL || (old_len == 0 && !(vma->flags & VMA_SHARED)))
        return -EINVAL;
    if (new_len > USER_TOP)
        return -ENOMEM;
    if (flags & MREMAP_FIXED) {
        if (mm->area_count + 2 >= MM_AREAS_MAX - MOVE_AREAS) /* that cuts too, and is not undone */
            return -ENOMEM;
        err = mm_unmap(mm, to, new_len);
        if (err == 0 && new_len < old_len) /* what cannot fail any more when the rest has moved */
            err = mm_cut(mm, addr, addr + old_len);
        if (err < 0)
            return err;
        vma = vma_find(mm, addr);
        if (vma == NULL || vma->start > addr) /* old_len is 0, and `to` is addr */
            return -EFAULT;
    } else if (new_len == old_len) {
        return (long)addr;
    } else if (can_grow_in_place(vma, addr, old_len, new_len)) {
        if (over_limit(mm, new_len - old_len, vma->prot, vma->flags))
            return -ENOMEM;
        mm->total_vm += (new_len - old_len) >> PAGE_SHIFT;
        vma->end = addr + new_len;
        vma_merge_around(mm, addr, vma->end);
        return (long)addr;
    } else {
        if (!(flags & MREMAP_MAYMOVE))
            return -ENOMEM;
        to = vma_find_free(mm, new_len, PAGE_SIZE);
        if (to == 0)
            return -ENOMEM;
    }
    err = mremap_move(mm, vma, addr, old_len, new_len, to);
    return err < 0 ? err : (long)to;
}

long sys_mremap(uaddr_t addr, size_t old_len, size_t new_len, int flags, uaddr_t new_addr)
{
    struct mm *mm = current->mm;
    long res;

    if ((flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED)) || !IS_ALIGNED(addr, PAGE_SIZE) ||
        ALIGN_UP(new_len, PAGE_SIZE) == 0 || old_len > USER_TOP)
        return -EINVAL;
    if (!user_range_ok(addr, old_len))
        return -EFAULT;
    old_len = ALIGN_UP(old_len, PAGE_SIZE);
    new_len = ALIGN_UP(new_len, PAGE_SIZE);
    if (flags & MREMAP_FIXED) {
        if (!(flags & MREMAP_MAYMOVE) || !range_valid(new_addr, new_len))
            return -EINVAL;
        if (new_addr < addr + old_len && addr < new_addr + new_len)
            return -EINVAL;
        if (new_addr < MMAP_MIN_ADDR)
            return -EPERM;
    }
    mutex_lock(&mm->lock);
    res = mremap_locked(mm, addr, old_len, new_len, flags, new_addr);
    mm_unlock(mm);
    return res;
}

/* ---- madvise ---- */

enum {
    MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTNEED, MADV_FREE = 8,
    MADV_DONTFORK = 10, MADV_DOFORK = 11, MADV_HUGEPAGE = 14, MADV_NOHUGEPAGE = 15, MADV_DONTDUMP = 16,
    MADV_DODUMP = 17
};

/* What an advice does to an area: flags to set and to clear, or dropping its pages. */
static const struct advice {
    int number;
    uint32_t set, clear;
    bool drop, anon_only;
} advices[] = {
    {MADV_NORMAL, 0, 0, false, false},
    {MADV_RANDOM, 0, 0, false, false},
    {MADV_SEQUENTIAL, 0, 0, false, false},
    {MADV_WILLNEED, 0, 0, false, false},
    {MADV_DONTNEED, 0, 0, true, false},
    {MADV_FREE, 0, 0, true, true},
    {MADV_DONTFORK, VMA_DONTCOPY, 0, false, false},
    {MADV_DOFORK, 0, VMA_DONTCOPY, false, false},
    {MADV_HUGEPAGE, VMA_HUGEPAGE, VMA_NOHUGEPAGE, false, false},
    {MADV_NOHUGEPAGE, VMA_NOHUGEPAGE, VMA_HUGEPAGE, false, false},
    {MADV_DONTDUMP, 0, 0, false, false},
    {MADV_DODUMP, 0, 0, false, false},
};

/* What lies behind a hole is advised too. */
static int advise_locked(struct mm *mm, uaddr_t start, uaddr_t end, const struct advice *a)
{
    uaddr_t covered = start;
    bool has_hole = false;
    int err = 0;

    if ((a->set | a->clear) && mm_cut(mm, start, end) < 0)
        err = -EAGAIN; /* for lack of memory, as Linux says it here */
    for (struct vma *vma = vma_find(mm, start); err == 0 && vma != NULL && vma->start < end;
         vma = vma_next(vma)) {
        has_hole |= vma->start > covered;
        covered = vma->end;
        if (a->anon_only && !vma_is_private_anon(vma))
            return -EINVAL;
        vma->flags = (vma->flags | a->set) & ~a->clear;
        if (a->drop)
            err = zap_range(mm, max(start, vma->start), min(end, vma->end));
    }
    if (a->set | a->clear)
        vma_merge_around(mm, start, end);
    return err < 0 ? err : has_hole || covered < end ? -ENOMEM : 0;
}

long sys_madvise(uaddr_t addr, size_t len, int advice)
{
    struct mm *mm = current->mm;

    if (!IS_ALIGNED(addr, PAGE_SIZE) || (len != 0 && addr + ALIGN_UP(len, PAGE_SIZE) <= addr))
        return -EINVAL;
    for (unsigned i = 0; i < ARRAY_SIZE(advices); i++) {
        if (advices[i].number == advice) {
            int err = 0;

            if (len == 0)
                return 0;
            if (!user_range_ok(addr, len))
                return -ENOMEM;
            len = ALIGN_UP(len, PAGE_SIZE);
            mutex_lock(&mm->lock);
            err = advise_locked(mm, addr, addr + len, &advices[i]);
            mm_unlock(mm);
            return err;
        }
    }
    return -EINVAL;
}

/* ---- calls that only have to check: memory is never written back nor swapped ---- */

/*
 * Are all pages of the range mapped? 0 or -ENOMEM. As on Linux a length within a page of 2^64
 * rounds up to none.
 */
static int check_mapped(struct mm *mm, uaddr_t addr, size_t len)
{
    uaddr_t end, covered = ALIGN_DOWN(addr, PAGE_SIZE);

    len = ALIGN_UP(len + addr - covered, PAGE_SIZE);
    if (len == 0)
        return 0;
    if (!user_range_ok(covered, len))
        return -ENOMEM;
    end = covered + len;
    mutex_lock(&mm->lock);
    for (struct vma *vma = vma_find(mm, addr); vma != NULL && vma->start <= covered && covered < end;
         vma = vma_next(vma))
        covered = vma->end;
    mm_unlock(mm);
    return covered < end ? -ENOMEM : 0;
}

#define MS_ASYNC      1
#define MS_INVALIDATE 2
#define MS_SYNC       4

long sys_msync(uaddr_t addr, size_t len, int flags)
{
    if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) || (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC) ||
        !IS_ALIGNED(addr, PAGE_SIZE))
        return -EINVAL;
    return check_mapped(current->mm, addr, len);
}

long sys_mincore(uaddr_t addr, size_t len, uaddr_t vec)
{
    struct mm *mm = current->mm;
    int err;

    if (!IS_ALIGNED(addr, PAGE_SIZE))
        return -EINVAL;
    if (!user_range_ok(addr, len))
        return -ENOMEM;
    len = ALIGN_UP(len, PAGE_SIZE);
    err = check_mapped(mm, addr, len);
    /* An area may be as large as the address space: others want the CPU, and it can be killed. */
    for (size_t off = 0; err == 0 && off < len && !fatal_signal_pending(current); off += PAGE_SIZE) {
        uaddr_t at = addr + off;
        unsigned level;
        uint8_t resident;

        mutex_lock(&mm->lock);
        resident = pt_next(mm, &at, at + PAGE_SIZE, &level) != NULL;
        mm_unlock(mm);
        err = put_user(vec + off / PAGE_SIZE, resident);
        cond_resched();
    }
    return err;
}

long sys_mlock(uaddr_t addr, size_t len)
{
    uint64_t limit = current->process->rlimits[RLIMIT_MEMLOCK].cur;
    size_t offset = addr % PAGE_SIZE;

    if (ALIGN_UP(len + offset, PAGE_SIZE) > limit && !capable(CAP_IPC_LOCK))
        return limit == 0 ? -EPERM : -ENOMEM;
    return check_mapped(current->mm, addr, len);
}

long sys_munlock(uaddr_t addr, size_t len)
{
    return check_mapped(current->mm, addr, len);
}

long sys_mlockall(int flags)
{
    if (flags == 0 || (flags & ~7) || flags == 4)
        return -EINVAL;
    return current->process->rlimits[RLIMIT_MEMLOCK].cur == 0 && !capable(CAP_IPC_LOCK) ? -EPERM : 0;
}

long sys_munlockall(void)
{
    return 0;
}
