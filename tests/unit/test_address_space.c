/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address spaces against a model that is one array of pages per process: random
 * mmap, munmap, mprotect, mremap, madvise, truncate, fork and exit on several
 * CPUs, with memory running out in between. After every few steps each access
 * gives what the model says, no TLB knows more than the page tables, every page
 * has as many references as mappings, and at the end all memory is back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <kernel/cgroup.h>
#include <kernel/errno.h>
#include <kernel/files.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>

#include "kernel/mm/mm_internal.h"
#include "mm_host/machine.h"

#define BASE  0x10000000UL /* 2 MiB aligned; the model's pages follow */
#define PAGES (4 * 512)
#define TASKS 4
#define FILES 3
#define AT(i) (BASE + (uaddr_t)(i)*PAGE_SIZE)

enum kind { NOTHING, ANON, PRIVATE_FILE, SHARED_FILE };

struct model_page {
    enum kind kind;
    uint32_t prot;
    bool dont_fork, is_own; /* is_own: a private file page that was written */
    struct file *file;
    unsigned index; /* in the file */
    uint64_t value; /* of word 0 and of word 511 */
};

static struct task {
    struct mm *mm; /* NULL: none */
    unsigned cpu;
    struct model_page pages[PAGES];
} tasks[TASKS];

static struct file *files[FILES];
static uint64_t next_value = 1;
static struct cgroup *group; /* everything is charged to it */

static void assert_all_returned(void)
{
    struct machine_use used = machine_used();

    assert_int_equal(used.pages, 0);
    assert_int_equal(used.objects, 0);
}

/* ---- the actor: a thread of a task, on the task's CPU or, now and then, on another ---- */

static void act_as(struct task *t)
{
    machine_use_cpu(machine_random(3) == 0 ? machine_random(MACHINE_CPUS) : t->cpu);
    current->mm = t->mm;
    mm_switch(t->mm);
}

/* ---- what the model expects ---- */

static unsigned file_pages(const struct file *f)
{
    return (unsigned)(f->inode->size >> PAGE_SHIFT);
}

static int expected_access(const struct model_page *p, bool write)
{
    if (p->kind == NOTHING)
        return -EFAULT;
    if (p->prot == PROT_NONE || (write && !(p->prot & PROT_WRITE)))
        return -EACCES;
    if (p->kind != ANON && !p->is_own && p->index >= file_pages(p->file))
        return -EIO;
    return 0;
}

static uint64_t expected_value(const struct model_page *p)
{
    if (p->kind == ANON || p->is_own)
        return p->value;
    return machine_file_read(p->file, p->index, 0);
}

static void check_read(struct task *t, unsigned i)
{
    const struct model_page *p = &t->pages[i];
    uint64_t first, last;
    int err;

    act_as(t);
    err = machine_load(AT(i), &first);
    if (err == -ENOMEM)
        return;
    assert_int_equal(err, expected_access(p, false));
    if (err < 0)
        return;
    assert_int_equal(machine_load(AT(i) + PAGE_SIZE - 8, &last), 0);
    assert_int_equal(first, expected_value(p));
    assert_int_equal(last, first);
}

static void do_write(struct task *t, unsigned i)
{
    struct model_page *p = &t->pages[i];
    uint64_t v = next_value++;
    int err;

    act_as(t);
    err = machine_store(AT(i), v);
    if (err == -ENOMEM)
        return;
    assert_int_equal(err, expected_access(p, true));
    if (err < 0)
        return;
    assert_int_equal(machine_store(AT(i) + PAGE_SIZE - 8, v), 0);
    if (p->kind == PRIVATE_FILE)
        p->is_own = true;
    p->value = v; /* a shared file's page has it by itself */
}

/* copy_from_user() and copy_to_user() obey the same rights. */
static void do_copy(struct task *t, unsigned i)
{
    struct model_page *p = &t->pages[i];
    uint64_t words[2], v = next_value++, limit = group->memory.limit;

    group->memory.limit = CGROUP_UNLIMITED;
    act_as(t);
    assert_int_equal(copy_from_user(words, AT(i), sizeof(words)),
                     expected_access(p, false) < 0 ? -EFAULT : 0);
    if (expected_access(p, true) == 0) {
        assert_int_equal(copy_to_user(AT(i), &v, sizeof(v)), 0);
        assert_int_equal(copy_to_user(AT(i) + PAGE_SIZE - 8, &v, sizeof(v)), 0);
        if (p->kind == PRIVATE_FILE)
            p->is_own = true;
        p->value = v;
    } else {
        assert_int_equal(copy_to_user(AT(i), &v, sizeof(v)), -EFAULT);
    }
    group->memory.limit = limit;
}

/* ---- calls ---- */

/* Most happens in the first pages of each 2 MiB, so that things meet. */
static unsigned pick_page(void)
{
    return machine_random(4) * 512 +
           (machine_random(8) == 0 ? machine_random(512) : machine_random(32));
}

static void pick_range(unsigned *first, unsigned *n)
{
    *first = pick_page();
    *n = 1 + machine_random(32);
    if (machine_random(6) == 0) { /* large pages, and their edges */
        *first = machine_random(4) * 512;
        *n = machine_random(2) ? 512 * (1 + machine_random(2)) : 1 + machine_random(1200);
    }
    *n = min(*n, PAGES - *first);
}

static bool all_mapped(const struct task *t, unsigned first, unsigned n)
{
    for (unsigned i = first; i < first + n; i++) {
        if (t->pages[i].kind == NOTHING)
            return false;
    }
    return true;
}

static uint32_t random_prot(void)
{
    static const uint32_t prots[] = {PROT_NONE,
                                     PROT_READ,
                                     PROT_READ | PROT_WRITE,
                                     PROT_READ | PROT_WRITE,
                                     PROT_READ | PROT_WRITE,
                                     PROT_READ | PROT_EXEC};

    return prots[machine_random(ARRAY_SIZE(prots))];
}

static void do_mmap(struct task *t)
{
    unsigned first, n, index = 0;
    enum kind kind = (enum kind)(ANON + machine_random(3));
    struct file *f = kind != ANON ? files[machine_random(FILES)] : NULL;
    uint32_t prot = random_prot(),
             flags = MAP_FIXED | (kind == SHARED_FILE ? MAP_SHARED : MAP_PRIVATE);
    uaddr_t out;
    int err;

    pick_range(&first, &n);
    if (f != NULL) {
        index = machine_random(32);
        n = min(n, 64u);
        if (kind == SHARED_FILE && !f->can_write)
            prot &= ~(uint32_t)PROT_WRITE;
    }
    act_as(t);
    err = mm_map(t->mm, AT(first), n * PAGE_SIZE, prot, flags | (f == NULL ? MAP_ANONYMOUS : 0), f,
                 (off_t)(index * PAGE_SIZE), &out);
    if (err == -ENOMEM)
        return;
    assert_int_equal(err, 0);
    assert_int_equal(out, AT(first));
    for (unsigned i = 0; i < n; i++)
        t->pages[first + i] =
            (struct model_page){.kind = kind, .prot = prot, .file = f, .index = index + i};
}

static void do_munmap(struct task *t)
{
    unsigned first, n;
    long err;

    pick_range(&first, &n);
    act_as(t);
    err = sys_munmap(AT(first), n * PAGE_SIZE);
    if (err == -ENOMEM)
        return;
    assert_int_equal(err, 0);
    memset(&t->pages[first], 0, n * sizeof(t->pages[0]));
}

static void do_mprotect(struct task *t)
{
    uint32_t prot = random_prot();
    unsigned first, n;
    long err;

    pick_range(&first, &n);
    act_as(t);
    err = sys_mprotect(AT(first), n * PAGE_SIZE, (int)prot);
    if (!all_mapped(t, first, n)) {
        assert_true(err == -ENOMEM || err == -EACCES);
        return;
    }
    for (unsigned i = first; i < first + n; i++) {
        if (t->pages[i].kind == SHARED_FILE && !t->pages[i].file->can_write &&
            (prot & PROT_WRITE)) {
            assert_int_equal(err, -EACCES);
            return;
        }
    }
    if (err == -ENOMEM)
        return;
    assert_int_equal(err, 0);
    for (unsigned i = first; i < first + n; i++)
        t->pages[i].prot = prot;
}

enum { DONTNEED = 4, DONTFORK = 10, DOFORK = 11, HUGEPAGE = 14, NOHUGEPAGE = 15 };

static void do_madvise(struct task *t)
{
    static const int advices[] = {DONTNEED, DONTFORK, DOFORK, HUGEPAGE, HUGEPAGE, NOHUGEPAGE};
    int advice = advices[machine_random(ARRAY_SIZE(advices))];
    uint64_t limit = group->memory.limit;
    unsigned first, n;
    long err;

    pick_range(&first, &n);
    if (!all_mapped(t, first, n))
        return; /* done in part: beyond this model */
    group->memory.limit = CGROUP_UNLIMITED;
    act_as(t);
    err = sys_madvise(AT(first), n * PAGE_SIZE, advice);
    group->memory.limit = limit;
    assert_int_equal(err, 0);
    for (unsigned i = first; i < first + n; i++) {
        struct model_page *p = &t->pages[i];

        if (advice == DONTNEED) {
            p->value = 0;
            p->is_own = false;
        } else if (advice == DONTFORK || advice == DOFORK) {
            p->dont_fork = advice == DONTFORK;
        }
    }
}

/* One area: adjoining pages of one mapping whose attributes agree. */
static bool is_one_area(const struct task *t, unsigned first, unsigned n)
{
    const struct model_page *a = &t->pages[first];

    for (unsigned i = 0; i < n; i++) {
        const struct model_page *p = a + i;

        if (p->kind != a->kind || p->kind == NOTHING || p->prot != a->prot || p->file != a->file ||
            p->dont_fork != a->dont_fork || (p->file != NULL && p->index != a->index + i))
            return false;
    }
    return true;
}

static void do_mremap(struct task *t)
{
    unsigned first, n, to, new_n;
    struct model_page moved[64];
    long res;

    pick_range(&first, &n);
    n = min(n, 64u);
    new_n = 1 + machine_random(64);
    to = min(pick_page(), PAGES - new_n);
    if (machine_random(3) == 0) /* right above or right below: they may share a page table */
        to = machine_random(2) && first >= new_n ? first - new_n : min(first + n, PAGES - new_n);
    if (!is_one_area(t, first, n) || (to < first + n && first < to + new_n))
        return;
    act_as(t);
    res = sys_mremap(AT(first), n * PAGE_SIZE, new_n * PAGE_SIZE, 3, AT(to));
    if (res == -EFAULT) /* areas that differ in VMA_HUGEPAGE alone */
        return;
    if (res == -ENOMEM) { /* the target may be unmapped already, the source is whole */
        struct vma *vma = vma_find(t->mm, AT(to));

        if (vma == NULL || vma->start >= AT(to + new_n))
            memset(&t->pages[to], 0, new_n * sizeof(t->pages[0]));
        return;
    }
    assert_int_equal(res, (long)AT(to));
    for (unsigned i = 0; i < new_n; i++) {
        moved[i] = t->pages[first];
        moved[i].index = t->pages[first].index + i;
        moved[i].value = i < n ? t->pages[first + i].value : 0;
        moved[i].is_own = i < n && t->pages[first + i].is_own;
    }
    for (unsigned i = first; i < first + n; i++) {
        struct vma *left = vma_find(t->mm, AT(i)); /* no memory to cut it off: there, but empty */

        if (left == NULL || left->start > AT(i))
            t->pages[i].kind = NOTHING;
        t->pages[i].value = 0;
        t->pages[i].is_own = false;
    }
    memcpy(&t->pages[to], moved, new_n * sizeof(moved[0]));
}

static void do_truncate(void)
{
    struct file *f = files[machine_random(FILES)];
    unsigned size = machine_random(3) == 0 ? FILE_PAGES : machine_random(64);

    machine_file_truncate(f, size);
    for (unsigned n = 0; n < TASKS; n++) {
        for (unsigned i = 0; i < PAGES; i++) {
            struct model_page *p = &tasks[n].pages[i];

            if (p->kind == PRIVATE_FILE && p->file == f && p->index >= size)
                p->is_own = false; /* private copies go too */
        }
    }
}

static void do_fork(struct task *t)
{
    struct task *child = NULL;
    int err;

    for (unsigned i = 0; i < TASKS; i++) {
        if (tasks[i].mm == NULL)
            child = &tasks[i];
    }
    if (child == NULL)
        return;
    act_as(t);
    err = mm_fork(t->mm, &child->mm);
    if (err < 0) {
        assert_int_equal(err, -ENOMEM);
        return;
    }
    child->cpu = machine_random(MACHINE_CPUS);
    memcpy(child->pages, t->pages, sizeof(t->pages));
    for (unsigned i = 0; i < PAGES; i++) {
        if (child->pages[i].dont_fork)
            child->pages[i] = (struct model_page){.kind = NOTHING};
    }
}

static void do_exit(struct task *t)
{
    struct mm *mm = t->mm;

    machine_use_cpu(t->cpu); /* other CPUs may have it loaded still: kernel threads run there */
    t->mm = NULL;
    mm_put(mm);
    memset(t->pages, 0, sizeof(t->pages));
}

static void new_task(struct task *t)
{
    t->mm = mm_create(group);
    if (t->mm == NULL)
        return;
    t->cpu = machine_random(MACHINE_CPUS);
}

/* ---- invariants ---- */

static void check_areas(struct mm *mm)
{
    uint64_t total = 0;
    uaddr_t end = 0;

    for (struct vma *vma = vma_find(mm, 0); vma != NULL; vma = vma_next(vma)) {
        assert_true(vma->start >= end && vma->start < vma->end);
        assert_true(IS_ALIGNED(vma->start | vma->end, PAGE_SIZE));
        end = vma->end;
        total += (vma->end - vma->start) >> PAGE_SHIFT;
    }
    assert_int_equal(mm->total_vm, total);
    assert_true(list_is_empty(&mm->dead_vmas));
}

static uint32_t
    mapped[MACHINE_RAM / PAGE_SIZE]; /* by frame of a block's head: entries that map it */

/* Counts entries and tables below `table`; the depth is fixed. */
static uint64_t count_tables(pte_t *table, unsigned level, uint64_t *anon, uint64_t *file)
{
    unsigned top = level == PT_LEVELS - 1 ? PT_ENTRIES / 2 : PT_ENTRIES;
    uint64_t tables = 1, used = 0;

    for (unsigned i = 0; i < top; i++) {
        pte_t e = table[i];
        struct page *head;

        if (e == 0)
            continue;
        used++;
        if (level > 0 && !(e & PTE_LARGE)) {
            tables += count_tables(pte_table(e), level - 1, anon, file);
            continue;
        }
        head = page_head(pte_page(e));
        mapped[page_to_pfn(head)]++;
        if (page_is_anon(head))
            *anon += BIT(9 * level);
        else if (head != zero_page)
            *file += BIT(9 * level);
    }
    assert_int_equal(phys_to_page(virt_to_phys(table))->index, used);
    return tables;
}

static void check_everything(void)
{
    memset(mapped, 0, sizeof(mapped));
    for (unsigned n = 0; n < TASKS; n++) {
        struct mm *mm = tasks[n].mm;
        uint64_t anon = 0, file = 0, dead = 0;
        struct page *p;

        if (mm == NULL)
            continue;
        check_areas(mm);
        list_for_each(p, &mm->dead_tables, link) dead++;
        assert_int_equal(count_tables(phys_to_virt(mm->pgd), PT_LEVELS - 1, &anon, &file) + dead,
                         mm->table_pages);
        assert_int_equal(mm->rss_anon, anon);
        assert_int_equal(mm->rss_file, file);
    }
    for (uint64_t pfn = MIB(1) >> PAGE_SHIFT; pfn < ARRAY_SIZE(mapped); pfn++) {
        struct page *p = pfn_to_page(pfn);

        if (mapped[pfn] != 0 && page_is_anon(p))
            assert_int_equal(refcount_read(&p->refs), mapped[pfn]);
        else if (mapped[pfn] != 0 && p != zero_page) /* and the page cache's */
            assert_int_equal(refcount_read(&p->refs), mapped[pfn] + 1);
    }
    machine_check_tlbs();
}

/* ---- the test ---- */

static void one_step(struct task *t)
{
    unsigned i = pick_page();

    switch (machine_random(24)) {
    case 0:
    case 1:
    case 2:
        do_mmap(t);
        break;
    case 3:
        do_munmap(t);
        break;
    case 4:
    case 5:
        do_mprotect(t);
        break;
    case 6:
    case 7:
        do_madvise(t);
        break;
    case 8:
        do_mremap(t);
        break;
    case 9:
        if (machine_random(4) == 0)
            do_truncate();
        break;
    case 10:
        if (machine_random(4) == 0)
            do_fork(t);
        break;
    case 11:
        if (machine_random(20) == 0)
            do_exit(t);
        break;
    default:
        for (unsigned n = 0; n < 8; n++, i = (i + machine_random(3)) % PAGES) {
            if (machine_random(2))
                check_read(t, i);
            else if (machine_random(4) == 0)
                do_copy(t, i);
            else
                do_write(t, i);
        }
    }
}

static void agrees_with_an_array_of_pages(void **state)
{
    (void)state;
    machine_mark();
    for (unsigned i = 0; i < FILES; i++)
        files[i] = machine_file(FILE_PAGES / (i + 1), i != 1);
    for (unsigned i = 0; i < FILE_PAGES / 2; i += 1 + machine_random(3)) {
        machine_file_write(files[1], i, 0, next_value);
        machine_file_write(files[1], i, 511, next_value++);
    }
    for (unsigned round = 0; round < 60000; round++) {
        struct task *t = &tasks[machine_random(TASKS)];

        /* Memory is short for a while, now and then */
        if (machine_random(200) == 0)
            group->memory.limit = group->memory.usage + machine_random(12) * PAGE_SIZE;
        else if (machine_random(50) == 0)
            group->memory.limit = CGROUP_UNLIMITED;
        if (t->mm != NULL)
            one_step(t);
        else if (machine_random(10) == 0)
            new_task(t);
        if (round % 16 == 0)
            check_everything();
    }
    group->memory.limit = CGROUP_UNLIMITED;
    for (unsigned n = 0; n < TASKS; n++) {
        if (tasks[n].mm == NULL)
            continue;
        for (unsigned i = 0; i < PAGES; i++)
            check_read(&tasks[n], i);
        check_everything();
        do_exit(&tasks[n]);
    }
    for (unsigned i = 0; i < FILES; i++)
        file_put(files[i]);
    assert_int_equal(group->memory.usage, 0);
    assert_all_returned();
}

/* ---- what went wrong once, or is easily lost in a random walk ---- */

static struct task *start_task(void)
{
    machine_mark();
    memset(tasks, 0, sizeof(tasks));
    tasks[0].mm = mm_create(group);
    act_as(&tasks[0]);
    return &tasks[0];
}

static void end_tasks(void)
{
    for (unsigned i = 0; i < TASKS; i++) {
        if (tasks[i].mm != NULL)
            do_exit(&tasks[i]);
    }
    assert_int_equal(group->memory.usage, 0);
    assert_all_returned();
}

static uaddr_t map_anon(struct mm *mm, uaddr_t at, size_t len, uint32_t flags)
{
    uaddr_t out;

    assert_int_equal(mm_map(mm, at, len, PROT_READ | PROT_WRITE,
                            MAP_ANONYMOUS | flags | (at != 0 ? MAP_FIXED : 0), NULL, 0, &out),
                     0);
    return out;
}

/* A reader of shared memory that looked before anybody wrote sees what is written then. */
static void shared_memory_is_shared_from_the_first_read(void **state)
{
    struct task *t = start_task();
    uint64_t v;

    (void)state;
    map_anon(t->mm, BASE, 16 * PAGE_SIZE, MAP_SHARED);
    assert_int_equal(mm_fork(t->mm, &tasks[1].mm), 0);
    tasks[1].cpu = 1;
    act_as(&tasks[1]);
    assert_int_equal(machine_load(BASE, &v), 0);
    assert_int_equal(v, 0);
    act_as(t);
    assert_int_equal(machine_store(BASE, 7), 0);
    act_as(&tasks[1]);
    assert_int_equal(machine_load(BASE, &v), 0);
    assert_int_equal(v, 7);
    end_tasks();
}

/* An advice may end in the middle of a 2 MiB page: what fork does with its halves differs. */
static void large_pages_are_cut_where_areas_are(void **state)
{
    struct task *t = start_task();
    uint64_t v;

    (void)state;
    map_anon(t->mm, BASE, LARGE_SIZE, MAP_PRIVATE);
    assert_int_equal(sys_madvise(BASE, LARGE_SIZE, HUGEPAGE), 0);
    assert_int_equal(machine_store(BASE, 1), 0);
    assert_int_equal(sys_madvise(BASE, LARGE_SIZE / 2, DONTFORK), 0);
    assert_int_equal(mm_fork(t->mm, &tasks[1].mm), 0);
    tasks[1].cpu = 1;
    act_as(&tasks[1]);
    assert_int_equal(machine_load(BASE, &v), -EFAULT);
    assert_int_equal(machine_load(BASE + LARGE_SIZE / 2, &v), 0);
    end_tasks();
}

/* Memory runs out in the middle of a move: the tables made for it go. */
static void failed_move_leaves_no_tables(void **state)
{
    struct task *t = start_task();

    (void)state;
    map_anon(t->mm, BASE, 8 * LARGE_SIZE, MAP_PRIVATE);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(machine_store(BASE + i * LARGE_SIZE, i), 0);
    group->memory.limit = group->memory.usage + 6 * PAGE_SIZE;
    assert_int_equal(sys_mremap(BASE, 8 * LARGE_SIZE, 8 * LARGE_SIZE, 3, 1ULL << 40), -ENOMEM);
    group->memory.limit = CGROUP_UNLIMITED;
    check_areas(t->mm);
    end_tasks();
}

/* Alone in its page tables, an area moves right below itself: some of the tables are the new place's too. */
static void a_move_next_door_keeps_every_page(void **state)
{
    static const unsigned starts[] = {600, 1024, 1023, 1025, 1500}, lengths[] = {1, 2, 3, 511, 512, 600};
    struct task *t = start_task();
    uint64_t v;

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(starts) * ARRAY_SIZE(lengths); i++) {
        unsigned first = starts[i / ARRAY_SIZE(lengths)], n = lengths[i % ARRAY_SIZE(lengths)];

        map_anon(t->mm, AT(first), n * PAGE_SIZE, MAP_PRIVATE);
        for (unsigned k = 0; k < n; k++)
            assert_int_equal(machine_store(AT(first + k), k + 1), 0);
        assert_int_equal(sys_mremap(AT(first), n * PAGE_SIZE, n * PAGE_SIZE, 3, AT(first - n)), AT(first - n));
        for (unsigned k = 0; k < n; k++) {
            assert_int_equal(machine_load(AT(first - n + k), &v), 0);
            assert_int_equal(v, k + 1);
        }
        check_everything();
        assert_int_equal(sys_munmap(AT(first - n), n * PAGE_SIZE), 0);
    }
    end_tasks();
}

static void the_stack_ends_above_the_lowest_address(void **state)
{
    struct task *t = start_task();

    (void)state;
    map_anon(t->mm, MMAP_MIN_ADDR, PAGE_SIZE, MAP_PRIVATE | MAP_GROWSDOWN);
    assert_int_equal(machine_store(MMAP_MIN_ADDR, 1), 0);
    assert_int_equal(machine_store(MMAP_MIN_ADDR - PAGE_SIZE, 1), -EFAULT);
    end_tasks();
}

/* Only private anonymous memory grows down: of a file the lower pages have no numbers. */
static void files_do_not_grow_down(void **state)
{
    struct task *t = start_task();
    struct file *f = machine_file(8, true);
    uaddr_t out;

    (void)state;
    assert_int_equal(
        mm_map(t->mm, BASE, PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_GROWSDOWN, f, 0, &out),
        -EINVAL);
    assert_int_equal(mm_map(t->mm, BASE, PAGE_SIZE, PROT_READ,
                            MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN, NULL, 0, &out),
                     -EINVAL);
    file_put(f);
    end_tasks();
}

static void seal(struct inode *inode)
{
    assert_true(mm_file_deny_writing(inode));
}

/* The seal comes when ->mmap has asked and the area is not there yet. */
static void sealing_and_mapping_exclude_each_other(void **state)
{
    struct task *t = start_task();
    struct file *f = machine_file(8, true);
    uaddr_t out;

    (void)state;
    assert_int_equal(mm_map(t->mm, BASE, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0, &out), 0);
    assert_false(mm_file_deny_writing(f->inode)); /* it is mapped */
    assert_int_equal(sys_munmap(out, PAGE_SIZE), 0);
    machine_while_mapping = seal;
    assert_int_equal(mm_map(t->mm, BASE, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0, &out), -EPERM);
    assert_null(vma_find(t->mm, BASE));
    assert_int_equal(mm_map(t->mm, BASE, PAGE_SIZE, PROT_READ, MAP_SHARED, f, 0, &out), 0);
    assert_int_equal(sys_mprotect(out, PAGE_SIZE, PROT_READ | PROT_WRITE), -EACCES);
    machine_while_mapping = NULL;
    assert_int_equal(mm_map(t->mm, 0, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, f, 0, &out), 0);
    file_put(f);
    end_tasks();
}

static void wrong_arguments_are_refused(void **state)
{
    static const struct {
        uaddr_t addr;
        size_t len;
        int prot, flags;
        off_t off;
        long err;
    } maps[] = {
        {BASE, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, 0, -EINVAL},
        {BASE, PAGE_SIZE, PROT_READ, MAP_ANONYMOUS, 0, -EINVAL},
        {BASE, PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, 1, -EINVAL},
        {BASE, PAGE_SIZE, PROT_READ, MAP_PRIVATE, 0, -EBADF},
        {BASE, UINT64_MAX, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, 0, -ENOMEM},
        {BASE, UINT64_MAX - PAGE_SIZE + 1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0,
         -ENOMEM},
        {BASE + 1, PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0, -EINVAL},
        {0, PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0, -EPERM},
        {USER_TOP, PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0, -ENOMEM},
        {USER_TOP - PAGE_SIZE, 2 * PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0,
         -ENOMEM},
        {1ULL << 63, PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0, -ENOMEM},
    };
    struct task *t = start_task();
    uint32_t word;

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(maps); i++)
        assert_int_equal(
            sys_mmap(maps[i].addr, maps[i].len, maps[i].prot, maps[i].flags, -1, maps[i].off),
            maps[i].err);
    map_anon(t->mm, BASE, 4 * PAGE_SIZE, MAP_PRIVATE);
    assert_int_equal(sys_munmap(BASE, 0), -EINVAL);
    assert_int_equal(sys_munmap(BASE + 1, PAGE_SIZE), -EINVAL);
    assert_int_equal(sys_munmap(BASE, UINT64_MAX), -EINVAL);
    assert_int_equal(sys_mprotect(BASE, 4 * PAGE_SIZE, 1 << 10), -EINVAL);
    assert_int_equal(sys_mprotect(BASE, UINT64_MAX, PROT_READ), -ENOMEM);
    assert_int_equal(sys_mprotect(BASE, 5 * PAGE_SIZE, PROT_READ), -ENOMEM);
    assert_int_equal(sys_madvise(BASE, 4 * PAGE_SIZE, 9999), -EINVAL);
    assert_int_equal(sys_madvise(BASE, 5 * PAGE_SIZE, DONTNEED), -ENOMEM);
    assert_int_equal(sys_mremap(BASE, PAGE_SIZE, 0, 0, 0), -EINVAL);
    assert_int_equal(sys_mremap(BASE, UINT64_MAX, PAGE_SIZE, 0, 0), -EINVAL);
    assert_int_equal(sys_mremap(BASE, PAGE_SIZE, PAGE_SIZE, 2, BASE + MIB(1)), -EINVAL);
    assert_int_equal(sys_mremap(BASE, 2 * PAGE_SIZE, 2 * PAGE_SIZE, 3, BASE + PAGE_SIZE), -EINVAL);
    assert_int_equal(sys_mremap(BASE, PAGE_SIZE, PAGE_SIZE, 3, USER_TOP), -EINVAL);
    assert_int_equal(sys_mremap(BASE, 8 * PAGE_SIZE, 9 * PAGE_SIZE, 1, 0), -EFAULT);
    assert_int_equal(copy_from_user(&word, USER_TOP - 2, sizeof(word)), -EFAULT);
    assert_int_equal(copy_from_user(&word, 1ULL << 63, sizeof(word)), -EFAULT);
    assert_int_equal(copy_to_user(BASE + 4 * PAGE_SIZE - 2, &word, sizeof(word)), -EFAULT);
    assert_int_equal(clear_user(BASE, UINT64_MAX), -EFAULT);
    assert_int_equal(user_cmpxchg32(BASE + 2, 0, 1, &word), -EINVAL);
    assert_int_equal(user_cmpxchg32(USER_TOP, 0, 1, &word), -EFAULT);
    assert_int_equal(user_cmpxchg32(BASE, 0, 1, &word), 0);
    end_tasks();
}

/* Calls that go through a whole area page by page let others run meanwhile. */
static void long_calls_give_way(void **state)
{
    struct task *t = start_task();
    uint8_t resident[64];
    uaddr_t at;

    (void)state;
    map_anon(t->mm, BASE, PAGE_SIZE, MAP_PRIVATE);
    assert_int_equal(mm_map(t->mm, BASE + MIB(1), 64 * PAGE_SIZE, PROT_NONE, MAP_ANONYMOUS | MAP_PRIVATE | MAP_FIXED,
                            NULL, 0, &at), 0);
    host_cpu->need_resched = true;
    machine_preempts = 0;
    assert_int_equal(sys_mincore(at, 64 * PAGE_SIZE, BASE), 0);
    assert_true(machine_preempts >= 64);
    assert_int_equal(copy_from_user(resident, BASE, sizeof(resident)), 0);
    for (unsigned i = 0; i < sizeof(resident); i++)
        assert_int_equal(resident[i], 0);
    machine_preempts = 0;
    map_anon(t->mm, BASE + MIB(2), 64 * PAGE_SIZE, MAP_PRIVATE | MAP_POPULATE);
    assert_true(machine_preempts >= 64);
    machine_preempts = 0;
    assert_int_equal(mm_fork(t->mm, &tasks[1].mm), 0);
    assert_true(machine_preempts >= 64);
    machine_preempts = 0;
    assert_int_equal(sys_mprotect(BASE + MIB(2), 64 * PAGE_SIZE, PROT_READ), 0);
    assert_true(machine_preempts >= 64);
    machine_preempts = 0;
    assert_int_equal(sys_munmap(BASE + MIB(2), 64 * PAGE_SIZE), 0);
    assert_true(machine_preempts >= 64);
    machine_preempts = 0;
    mm_put(tasks[1].mm); /* as at exit */
    tasks[1].mm = NULL;
    assert_true(machine_preempts >= 64);
    machine_preempts = 0;
    map_anon(t->mm, BASE + MIB(2), 64 * PAGE_SIZE, MAP_PRIVATE | MAP_POPULATE);
    assert_int_equal(sys_mremap(BASE + MIB(2), 64 * PAGE_SIZE, 64 * PAGE_SIZE, 3,
                                BASE + MIB(4)), BASE + MIB(4));
    assert_true(machine_preempts >= 64 + 3 * 64); /* populated, prepared, entered, removed */
    host_cpu->need_resched = false;
    end_tasks();
}

/* So do those that go through many areas without a page. */
static void many_areas_give_way(void **state)
{
    struct task *t = start_task();
    uaddr_t at;

    (void)state;
    assert_int_equal(mm_map(t->mm, BASE, 128 * PAGE_SIZE, PROT_NONE, MAP_ANONYMOUS | MAP_PRIVATE | MAP_FIXED, NULL,
                            0, &at), 0);
    for (unsigned i = 0; i < 128; i += 2)
        assert_int_equal(sys_mprotect(at + i * PAGE_SIZE, PAGE_SIZE, PROT_READ), 0);
    assert_int_equal(t->mm->area_count, 128);
    host_cpu->need_resched = true;
    machine_preempts = 0;
    assert_int_equal(mm_fork(t->mm, &tasks[1].mm), 0);
    assert_int_equal(tasks[1].mm->area_count, 128);
    assert_true(machine_preempts >= 128);
    machine_preempts = 0;
    mm_put(tasks[1].mm);
    tasks[1].mm = NULL;
    assert_true(machine_preempts >= 3 * 128); /* pages, areas, files */
    machine_preempts = 0;
    assert_int_equal(sys_munmap(at, 128 * PAGE_SIZE), 0);
    assert_int_equal(t->mm->area_count, 0);
    assert_true(machine_preempts >= 2 * 128);
    host_cpu->need_resched = false;
    end_tasks();
}

/* A reference to another process's page keeps it, whatever happens to the mapping. */
static void remote_access_copies_like_a_fault(void **state)
{
    struct task *t = start_task();
    char buf[8] = "";
    uint64_t v;

    (void)state;
    map_anon(t->mm, BASE, 2 * PAGE_SIZE, MAP_PRIVATE);
    assert_int_equal(machine_store(BASE, 5), 0);
    assert_int_equal(mm_fork(t->mm, &tasks[1].mm), 0);
    tasks[1].cpu = 1;
    v = 6;
    assert_int_equal(mm_write_remote(tasks[1].mm, BASE, &v, sizeof(v)), sizeof(v));
    assert_int_equal(machine_load(BASE, &v), 0);
    assert_int_equal(v, 5);
    assert_int_equal(mm_read_remote(tasks[1].mm, BASE, &v, sizeof(v)), sizeof(v));
    assert_int_equal(v, 6);
    assert_int_equal(mm_read_remote(t->mm, BASE + 2 * PAGE_SIZE - 4, buf, sizeof(buf)), 4);
    assert_int_equal(mm_read_remote(t->mm, BASE + 2 * PAGE_SIZE, buf, sizeof(buf)), -EIO);
    assert_int_equal(mm_read_remote(t->mm, UINT64_MAX - 4, buf, sizeof(buf)), -EIO);
    end_tasks();
}

/* memory.stat of a group tells of those below it, too, and ends at nothing. */
static void groups_above_count_what_a_process_uses(void **state)
{
    struct cgroup *top = group->parent;
    struct task *t = start_task();
    uint64_t tables = top->memory_stat[MEM_TABLES];

    (void)state;
    map_anon(t->mm, BASE, 2 * LARGE_SIZE, MAP_PRIVATE);
    assert_int_equal(sys_madvise(BASE, LARGE_SIZE, HUGEPAGE), 0);
    assert_int_equal(machine_store(BASE, 1), 0);
    assert_int_equal(machine_store(BASE + LARGE_SIZE, 1), 0);
    assert_int_equal(mm_fork(t->mm, &tasks[1].mm), 0);
    tasks[1].cpu = 1;
    act_as(&tasks[1]);
    assert_int_equal(machine_store(BASE + LARGE_SIZE, 2), 0);
    assert_int_equal(group->memory_stat[MEM_ANON], 2 * 513);
    assert_int_equal(top->memory_stat[MEM_ANON], 2 * 513);
    assert_true(top->memory_stat[MEM_TABLES] > tables);
    assert_int_equal(top->memory_stat[MEM_TABLES], group->memory_stat[MEM_TABLES]);
    end_tasks();
    for (unsigned i = 0; i < MEM_STATS; i++) {
        assert_int_equal(group->memory_stat[i], 0);
        assert_int_equal(top->memory_stat[i], 0);
    }
}

static int make_group(void **state)
{
    (void)state;
    group = kzalloc(sizeof(*group));
    refcount_init(&group->refs, 1);
    group->parent = &cgroup_root;
    group->memory.limit = group->pids.limit = CGROUP_UNLIMITED;
    current->process->cgroup = group;
    start_task(); /* the caches are made at their first use */
    map_anon(tasks[0].mm, BASE, PAGE_SIZE, MAP_PRIVATE);
    do_exit(&tasks[0]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_an_array_of_pages),
        cmocka_unit_test(shared_memory_is_shared_from_the_first_read),
        cmocka_unit_test(large_pages_are_cut_where_areas_are),
        cmocka_unit_test(failed_move_leaves_no_tables),
        cmocka_unit_test(a_move_next_door_keeps_every_page),
        cmocka_unit_test(the_stack_ends_above_the_lowest_address),
        cmocka_unit_test(files_do_not_grow_down),
        cmocka_unit_test(sealing_and_mapping_exclude_each_other),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(long_calls_give_way),
        cmocka_unit_test(many_areas_give_way),
        cmocka_unit_test(remote_access_copies_like_a_fault),
        cmocka_unit_test(groups_above_count_what_a_process_uses),
    };

    machine_start();
    return cmocka_run_group_tests(tests, make_group, NULL);
}
