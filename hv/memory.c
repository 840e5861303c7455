/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest RAM: memory slots, second-level faults, and access to guest memory.
 *
 * A slot says that a range of guest-physical addresses is a range of the owner's
 * address space. The second-level tables are a cache of that: filled by faults,
 * emptied whenever the slots or the owner's mappings change. A fault that runs
 * beside such a change notices it by vm->invalidations and tries again:
 *
 *     fault                                 munmap, fork, mprotect...
 *     -----                                 -------------------------
 *     seq = invalidations                   mm->lock taken
 *     page = mm_get_page()   (mm->lock)     vm_invalidate(): invalidations++, unmap (s2_lock)
 *     s2_lock; seq unchanged? map           entries of the owner's page table change
 *
 * mm_get_page() runs before the change (then the change's invalidate comes after our
 * count and we retry, or after our mapping and removes it) or after it.
 */
#include <kernel/cgroup.h>
#include <kernel/trap.h>
#include <kernel/uaccess.h>

#include "vm.h"

/* ---- slots -------------------------------------------------------------------------- */

/* The slot that holds gpa, or NULL. Under s2_lock or vm->lock. */
static struct memslot *slot_find(struct vm *vm, gpa_t gpa)
{
    unsigned int low = 0, high = vm->slot_count;

    while (low < high) {
        unsigned int middle = (low + high) / 2;
        struct memslot *slot = &vm->slots[middle];

        if (gpa < slot->gpa)
            high = middle;
        else if (gpa - slot->gpa >= slot->size)
            low = middle + 1;
        else
            return slot->is_going ? NULL : slot;
    }
    return NULL;
}

static struct memslot *slot_find_id(struct vm *vm, uint32_t id)
{
    for (unsigned int i = 0; i < vm->slot_count; i++) {
        if (vm->slots[i].id == id)
            return &vm->slots[i];
    }
    return NULL;
}

static bool slot_overlaps(struct vm *vm, const struct kvm_userspace_memory_region *region)
{
    for (unsigned int i = 0; i < vm->slot_count; i++) {
        const struct memslot *slot = &vm->slots[i];

        if (slot->id != region->slot && region->guest_phys_addr < slot->gpa + slot->size &&
            slot->gpa < region->guest_phys_addr + region->memory_size)
            return true;
    }
    return false;
}

/*
 * Removals are complete only when no CPU can use them: kick those that still could. Whoever
 * found nothing to remove waits as well: somebody else may just have removed it, and wait.
 */
static void wait_for_flush(struct vm *vm)
{
    uint64_t stale;

    while ((stale = stage2_stale_cpus(&vm->s2)) != 0) {
        for (unsigned int cpu = 0; cpu < cpu_count(); cpu++) {
            if ((stale & BIT(cpu)) && cpu != cpu_number())
                ipi_send(cpu, IPI_KICK);
        }
        cpu_pause();
    }
}

/* Tables that were replaced are walked by nobody now. */
static void reap_tables(struct vm *vm)
{
    irqflags_t flags = spin_lock(&vm->s2_lock);

    if (stage2_is_safe(&vm->s2))
        stage2_reap(&vm->s2);
    spin_unlock(&vm->s2_lock, flags);
}

static void finish_unmap(struct vm *vm)
{
    wait_for_flush(vm);
    reap_tables(vm);
}

/*
 * Takes out what maps a slot's memory. That can be much, so s2_lock is dropped in between: faults must
 * not bring back what is gone. `invalidations` has been incremented in one hold with what prevents it.
 */
static void unmap_slot(struct vm *vm, const struct memslot *slot)
{
    gpa_t gpa = slot->gpa, end = slot->gpa + slot->size;

    while (gpa < end) {
        irqflags_t flags = spin_lock(&vm->s2_lock);

        gpa = stage2_unmap_some(&vm->s2, gpa, end);
        spin_unlock(&vm->s2_lock, flags);
        cond_resched();
    }
    finish_unmap(vm);
}

#define DIRTY_CHUNK 512 /* words of a dirty log at a time: 128 MiB of guest memory */

static size_t dirty_bytes(uint64_t size)
{
    return ALIGN_UP(size >> PAGE_SHIFT, 64) / 8;
}

static void dirty_free(struct memslot *slot)
{
    if (slot->dirty != NULL)
        kmap_free(slot->dirty, dirty_bytes(slot->size));
}

static int check_region(const struct kvm_userspace_memory_region *r)
{
    uint64_t end;

    if (r->slot >= VM_MAX_SLOTS || (r->flags & ~(KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY)))
        return -EINVAL;
    if (!IS_ALIGNED(r->memory_size, PAGE_SIZE) || !IS_ALIGNED(r->guest_phys_addr, PAGE_SIZE) ||
        !IS_ALIGNED(r->userspace_addr, PAGE_SIZE))
        return -EINVAL;
    if (add_overflows(r->guest_phys_addr, r->memory_size, &end) || end > 1ULL << STAGE2_GPA_BITS)
        return -EINVAL;
    if (!user_range_ok(r->userspace_addr, r->memory_size))
        return -EINVAL;
    return 0;
}

/* Its dirty log is the caller's now. The slot stays, for vm_invalidate(), as long as a page is mapped. */
static struct memslot slot_remove(struct vm *vm, struct memslot *slot)
{
    struct memslot old = *slot;
    irqflags_t flags = spin_lock(&vm->s2_lock);

    slot->is_going = true;
    vm->invalidations++;
    spin_unlock(&vm->s2_lock, flags);
    unmap_slot(vm, slot);

    flags = spin_lock(&vm->s2_lock);
    vm->slot_count--;
    for (struct memslot *s = slot; s < &vm->slots[vm->slot_count]; s++)
        *s = s[1];
    spin_unlock(&vm->s2_lock, flags);
    return old;
}

/*
 * The dirty log is switched: no fault may find the slot missing meanwhile. Those that come before the
 * old entries are all gone make new ones already.
 */
static void slot_replace(struct vm *vm, struct memslot *slot, const struct memslot *new)
{
    struct memslot old = *slot;
    irqflags_t flags = spin_lock(&vm->s2_lock);

    *slot = *new;
    vm->invalidations++;
    spin_unlock(&vm->s2_lock, flags);
    unmap_slot(vm, slot);
    dirty_free(&old);
}

static void slot_insert(struct vm *vm, const struct memslot *new)
{
    irqflags_t flags = spin_lock(&vm->s2_lock);
    unsigned int i = vm->slot_count;

    while (i > 0 && vm->slots[i - 1].gpa > new->gpa) {
        vm->slots[i] = vm->slots[i - 1];
        i--;
    }
    vm->slots[i] = *new;
    vm->slot_count++;
    spin_unlock(&vm->s2_lock, flags);
}

/* vm->lock held. */
int memory_set_region(struct vm *vm, const struct kvm_userspace_memory_region *region)
{
    struct memslot *old = slot_find_id(vm, region->slot), removed;
    struct memslot new = {
        .gpa = region->guest_phys_addr, .size = region->memory_size, .uaddr = region->userspace_addr,
        .id = region->slot, .flags = region->flags,
    };
    int err = check_region(region);

    if (err < 0)
        return err;
    if (region->memory_size == 0) {
        if (old == NULL)
            return -EINVAL;
        removed = slot_remove(vm, old);
        dirty_free(&removed);
        return 0;
    }
    if (old != NULL && (old->size != new.size || old->uaddr != new.uaddr ||
                        ((old->flags ^ new.flags) & KVM_MEM_READONLY)))
        return -EINVAL; /* a slot can be moved and its dirty log switched, no more */
    if (old != NULL && old->gpa == new.gpa && old->flags == new.flags)
        return 0;
    if (slot_overlaps(vm, region))
        return -EEXIST;
    if (old != NULL && (old->flags & new.flags & KVM_MEM_LOG_DIRTY_PAGES)) {
        new.dirty = old->dirty; /* a slot that moves keeps its log */
    } else if (new.flags & KVM_MEM_LOG_DIRTY_PAGES) {
        new.dirty = kmap_alloc(vm->cgroup, dirty_bytes(new.size));
        if (new.dirty == NULL)
            return -ENOMEM;
        memset(new.dirty, 0, dirty_bytes(new.size));
    }
    if (old != NULL && old->gpa == new.gpa) {
        slot_replace(vm, old, &new);
        return 0;
    }
    if (old != NULL) { /* cannot fail, and there is room for the new one then */
        removed = slot_remove(vm, old);
        if (removed.dirty != new.dirty)
            dirty_free(&removed);
    }
    slot_insert(vm, &new);
    return 0;
}

/*
 * Take some of the bits, and collect anew: the next write to each page faults again. Both under one
 * hold: a page that is still writable when its bit is gone is lost to the log.
 */
static void take_dirty(struct vm *vm, struct memslot *slot, uint64_t *to, size_t first, size_t count)
{
    irqflags_t flags = spin_lock(&vm->s2_lock);
    uint64_t start = first * 64 * PAGE_SIZE, size = min(count * 64 * PAGE_SIZE, slot->size - start);

    memcpy(to, &slot->dirty[first], count * sizeof(uint64_t));
    memset(&slot->dirty[first], 0, count * sizeof(uint64_t));
    vm->invalidations++;
    (void)stage2_unmap(&vm->s2, slot->gpa + start, size);
    spin_unlock(&vm->s2_lock, flags);
}

/* Hand out the bits collected since the last call. vm->lock held. */
int memory_get_dirty_log(struct vm *vm, const struct kvm_dirty_log *log)
{
    struct memslot *slot = slot_find_id(vm, log->slot);
    size_t bytes, words, n;
    uint64_t *copy;
    int err;

    if (slot == NULL || slot->dirty == NULL)
        return -ENOENT;
    bytes = dirty_bytes(slot->size);
    copy = kmap_alloc(vm->cgroup, bytes);
    if (copy == NULL)
        return -ENOMEM;
    words = bytes / sizeof(uint64_t);
    for (size_t first = 0; first < words; first += n) { /* a slot can be huge: not all with interrupts off */
        n = min(words - first, (size_t)DIRTY_CHUNK);
        take_dirty(vm, slot, &copy[first], first, n);
        cond_resched();
    }
    finish_unmap(vm);
    err = copy_to_user(log->dirty_bitmap, copy, bytes);
    kmap_free(copy, bytes);
    return err;
}

/* ---- the owner's address space changes --------------------------------------------------- */

#define GPA_END (1ULL << STAGE2_GPA_BITS)

/* Some of what maps the owner's [start, end), from this guest address on. Where to go on, or GPA_END. */
static gpa_t invalidate_some(struct vm *vm, gpa_t gpa, uaddr_t start, uaddr_t end)
{
    assert_locked(&vm->s2_lock);
    for (unsigned int i = 0; i < vm->slot_count; i++) { /* in the order of their guest addresses */
        const struct memslot *slot = &vm->slots[i];
        uaddr_t from = max(start, slot->uaddr), to = min(end, slot->uaddr + slot->size);
        gpa_t first = max(gpa, slot->gpa + (from - slot->uaddr));

        if (from < to && first < slot->gpa + (to - slot->uaddr))
            return stage2_unmap_some(&vm->s2, first, slot->gpa + (to - slot->uaddr));
    }
    return GPA_END;
}

/*
 * mm->lock held. s2_lock is dropped in between, and slots may come and go then. Nothing
 * is mapped anew that has to be found: a fault that has its page already sees the new `invalidations`,
 * any other waits for mm->lock.
 */
static void vm_invalidate(struct mm_notifier *notifier, uaddr_t start, uaddr_t end)
{
    struct vm *vm = container_of(notifier, struct vm, notifier);
    irqflags_t flags = spin_lock(&vm->s2_lock);
    gpa_t gpa = 0;

    vm->invalidations++;
    while ((gpa = invalidate_some(vm, gpa, start, end)) != GPA_END) {
        spin_unlock(&vm->s2_lock, flags);
        cond_resched();
        flags = spin_lock(&vm->s2_lock);
    }
    spin_unlock(&vm->s2_lock, flags);
    wait_for_flush(vm);
}

static void vm_mm_released(struct mm_notifier *notifier)
{
    struct vm *vm = container_of(notifier, struct vm, notifier);

    vm_invalidate(notifier, 0, USER_TOP);
    __atomic_store_n(&vm->mm_released, true, __ATOMIC_RELEASE);
}

int memory_init(struct vm *vm)
{
    int err = stage2_init(&vm->s2, vm->ops->s2_format, true, vm->cgroup);

    if (err < 0)
        return err;
    vm->notifier.invalidate = vm_invalidate;
    vm->notifier.release = vm_mm_released;
    mm_notifier_add(vm->mm, &vm->notifier);
    return 0;
}

void memory_fini(struct vm *vm)
{
    if (mm_get_unless_dead(vm->mm)) {
        mm_notifier_remove(vm->mm, &vm->notifier);
        mm_put(vm->mm);
    } else {
        while (!__atomic_load_n(&vm->mm_released, __ATOMIC_ACQUIRE))
            sched_yield(); /* its last user is just about to call us */
    }
    while (vm->slot_count > 0)
        dirty_free(&vm->slots[--vm->slot_count]);
    stage2_fini(&vm->s2);
}

/* ---- faults --------------------------------------------------------------------------------- */

/* May a 2 MiB page go here: the whole block inside the slot, both addresses aligned alike? */
static bool fits_large(const struct memslot *slot, gpa_t gpa)
{
    gpa_t block = ALIGN_DOWN(gpa, STAGE2_LARGE);

    return slot->dirty == NULL && ((slot->uaddr ^ slot->gpa) & (STAGE2_LARGE - 1)) == 0 &&
           block >= slot->gpa && block + STAGE2_LARGE <= slot->gpa + slot->size;
}

static void mark_dirty(struct memslot *slot, gpa_t gpa)
{
    if (slot->dirty != NULL) {
        uint64_t page = (gpa - slot->gpa) >> PAGE_SHIFT;

        slot->dirty[page / 64] |= BIT(page % 64);
    }
}

/* The slot is still what the fault began with, so the page may go in. s2_lock held. */
static int install(struct vm *vm, struct memslot *slot, gpa_t gpa, struct page *page, unsigned int order,
                   bool is_writable)
{
    unsigned int access = STAGE2_READ | STAGE2_EXEC | (is_writable ? STAGE2_WRITE : 0);
    uint64_t block = ALIGN_DOWN(gpa, STAGE2_LARGE), pa = page_to_phys(page);

    if (order > 0) {
        if (fits_large(slot, gpa) &&
            stage2_map(&vm->s2, block, pa, STAGE2_LARGE, access) == 0)
            return 0;
        /* The host has a large page, the guest cannot: the small one that is meant. */
        pa += (slot->uaddr + (gpa - slot->gpa)) & (STAGE2_LARGE - 1) & PAGE_MASK;
    }
    return stage2_map(&vm->s2, gpa & PAGE_MASK, pa, STAGE2_PAGE, access);
}

/* One attempt. -EAGAIN: something changed meanwhile. */
static int try_fault(struct vm *vm, gpa_t gpa, unsigned int access)
{
    unsigned int want = access & STAGE2_WRITE ? ACCESS_WRITE : ACCESS_READ, order;
    bool is_writable, is_readonly, is_logged;
    struct memslot *slot;
    struct page *page;
    uint64_t seq;
    uaddr_t uaddr;
    irqflags_t flags;
    int err;

    flags = spin_lock(&vm->s2_lock);
    seq = vm->invalidations;
    slot = slot_find(vm, gpa);
    uaddr = slot != NULL ? slot->uaddr + (gpa - slot->gpa) : 0;
    is_readonly = slot != NULL && (slot->flags & KVM_MEM_READONLY);
    is_logged = slot != NULL && slot->dirty != NULL;
    spin_unlock(&vm->s2_lock, flags);
    if (slot == NULL)
        return -ENOENT;
    if (is_readonly && want == ACCESS_WRITE)
        return -EROFS;

    err = mm_get_block(vm->mm, uaddr & PAGE_MASK, want, &page, &is_writable, &order);
    if (err < 0)
        return err;
    if (is_readonly || (is_logged && want != ACCESS_WRITE))
        is_writable = false;

    flags = spin_lock(&vm->s2_lock);
    slot = slot_find(vm, gpa);
    if (seq != vm->invalidations || slot == NULL) {
        err = -EAGAIN;
    } else {
        err = install(vm, slot, gpa, page, order, is_writable);
        if (err == 0 && is_writable)
            mark_dirty(slot, gpa);
    }
    spin_unlock(&vm->s2_lock, flags);
    page_put(page); /* not pinned: the owner's mapping holds it, and tells us when it goes */
    return err;
}

int memory_fault(struct vm *vm, gpa_t gpa, unsigned int access)
{
    int err;

    do {
        err = try_fault(vm, gpa, access);
    } while (err == -EAGAIN && !fatal_signal_pending(current));
    return err;
}

/* ---- access to guest memory ----------------------------------------------------------------- */

enum guest_access { GUEST_READ, GUEST_WRITE };

/* The owner's address of [gpa, gpa + *len), with *len cut to what lies in one slot. After a write: mark_written(). */
static int find_user(struct vm *vm, gpa_t gpa, size_t *len, enum guest_access access, uaddr_t *uaddr)
{
    irqflags_t flags = spin_lock(&vm->s2_lock);
    struct memslot *slot = slot_find(vm, gpa);
    int err = -EFAULT;

    if (slot != NULL && !(access == GUEST_WRITE && (slot->flags & KVM_MEM_READONLY))) {
        *uaddr = slot->uaddr + (gpa - slot->gpa);
        *len = min(*len, slot->size - (gpa - slot->gpa));
        err = 0;
    }
    spin_unlock(&vm->s2_lock, flags);
    return err;
}

/* Afterwards: whoever takes the log before the write is there would copy the page too early. */
static void mark_written(struct vm *vm, gpa_t gpa, size_t len)
{
    irqflags_t flags = spin_lock(&vm->s2_lock);

    for (gpa_t page = gpa & PAGE_MASK; page < gpa + len; page += PAGE_SIZE) {
        struct memslot *slot = slot_find(vm, page);

        if (slot != NULL)
            mark_dirty(slot, page);
    }
    spin_unlock(&vm->s2_lock, flags);
}

int guest_read(struct vm *vm, gpa_t gpa, void *buf, size_t len)
{
    while (len > 0) {
        size_t n = len;
        uaddr_t uaddr;

        if (find_user(vm, gpa, &n, GUEST_READ, &uaddr) < 0 || copy_from_user(buf, uaddr, n) < 0)
            return -EFAULT;
        buf = (char *)buf + n;
        gpa += n;
        len -= n;
    }
    return 0;
}

int guest_write(struct vm *vm, gpa_t gpa, const void *buf, size_t len)
{
    while (len > 0) {
        size_t n = len;
        uaddr_t uaddr;
        int err;

        if (find_user(vm, gpa, &n, GUEST_WRITE, &uaddr) < 0)
            return -EFAULT;
        err = copy_to_user(uaddr, buf, n);
        mark_written(vm, gpa, n); /* also what was written before a fault */
        if (err < 0)
            return -EFAULT;
        buf = (const char *)buf + n;
        gpa += n;
        len -= n;
    }
    return 0;
}

/* 0, -EAGAIN: it was not the expected value, -EFAULT. */
int guest_cmpxchg32(struct vm *vm, gpa_t gpa, uint32_t expected, uint32_t desired)
{
    size_t n = sizeof(uint32_t);
    uint32_t old;
    uaddr_t uaddr;

    if (find_user(vm, gpa, &n, GUEST_WRITE, &uaddr) < 0 || n < sizeof(uint32_t) ||
        user_cmpxchg32(uaddr, expected, desired, &old) < 0)
        return -EFAULT;
    if (old != expected)
        return -EAGAIN;
    mark_written(vm, gpa, n);
    return 0;
}
