/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine of machine.h, and what kernel/mm needs of the rest of the kernel. */
#include "machine.h"

#include <kernel/cgroup.h>
#include <kernel/cred.h>
#include <kernel/errno.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/trap.h>
#include <kernel/uaccess.h>
#include <kernel/x86/usercopy.h>

#include "kernel/mm/mm_internal.h"
#include "tests/unit/xorshift.h"

/* <stdlib.h>, <stdio.h> and <sys/mman.h> bring types that the kernel's headers define too. */
void *mmap(void *addr, size_t len, int prot, int flags, int fd, long off);
#define HOST_MMAP_FLAGS 0x100022 /* MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE */
void abort(void) __noreturn;
int vprintf(const char *fmt, va_list ap);

/* ---- RAM: its end lies where no large block ends ---- */

#define RAM_START MIB(1)
#define RAM_END   (MACHINE_RAM - MIB(2) - 12 * PAGE_SIZE)

static void map_host(uint64_t start, uint64_t end)
{
    start = ALIGN_DOWN(start, PAGE_SIZE);
    end = ALIGN_UP(end, PAGE_SIZE);
    if (mmap((void *)start, end - start, 3, HOST_MMAP_FLAGS, -1, 0) != (void *)start)
        panic("no memory at %lx", start);
}

struct page *pfn_to_page(uint64_t pfn)
{
    return (struct page *)MEMMAP_BASE + pfn;
}

uint64_t page_to_pfn(const struct page *p)
{
    return (uint64_t)(p - (struct page *)MEMMAP_BASE);
}

paddr_t virt_to_phys(const void *p)
{
    assert((uint64_t)p >= DIRECT_MAP_BASE && (uint64_t)p < DIRECT_MAP_BASE + MACHINE_RAM);
    return (uint64_t)p - DIRECT_MAP_BASE;
}

pte_t *kernel_pml4;

paddr_t boot_alloc_table(void)
{
    return page_to_phys(page_alloc(0, ALLOC_ZERO));
}

void kernel_map(vaddr_t va, paddr_t pa, size_t len, pte_t flags)
{
    for (size_t off = 0; off < len; off += PAGE_SIZE) {
        pte_t *table = kernel_pml4;

        for (unsigned l = PT_LEVELS - 1; l > 0; l--) {
            pte_t *e = &table[pt_index(va + off, l)];

            if (!(*e & PTE_PRESENT))
                *e = boot_alloc_table() | PTE_PRESENT | PTE_WRITE;
            table = pte_table(*e);
        }
        table[pt_index(va + off, 0)] = (pa + off) | flags | PTE_PRESENT;
    }
}

/* ---- CPUs ---- */

#define TLB_ENTRIES 128

struct translation {
    bool valid;
    uint64_t va; /* of its first byte */
    unsigned level;
    pte_t entry;
};

static struct machine_cpu {
    struct cpu cpu;
    uint64_t cr3;
    struct translation tlb[TLB_ENTRIES];
    paddr_t walked[TLB_ENTRIES]; /* tables that a walk came through: cached with the way to them */
} cpus[MACHINE_CPUS];

struct cpu *host_cpu = &cpus[0].cpu;

unsigned cpu_count(void)
{
    return MACHINE_CPUS;
}

void machine_use_cpu(unsigned n)
{
    host_cpu = &cpus[n].cpu;
}

static struct machine_cpu *acting(void)
{
    return container_of(host_cpu, struct machine_cpu, cpu);
}

uint64_t read_cr3(void)
{
    return acting()->cr3;
}

void write_cr3(uint64_t v)
{
    struct machine_cpu *c = acting();

    c->cr3 = v;
    memset(c->tlb, 0, sizeof(c->tlb));
    memset(c->walked, 0, sizeof(c->walked));
}

void invlpg(uint64_t va)
{
    struct machine_cpu *c = acting();

    for (unsigned i = 0; i < TLB_ENTRIES; i++) {
        struct translation *t = &c->tlb[i];

        if (t->valid && va >= t->va && va < t->va + BIT(PT_SHIFT(t->level)))
            t->valid = false;
    }
    memset(c->walked, 0, sizeof(c->walked)); /* "invalidates all paging-structure-cache entries" */
}

void ipi_send(unsigned cpu, enum ipi what)
{
    struct cpu *sender = host_cpu;

    assert(what == IPI_TLB && sender != &cpus[cpu].cpu);
    host_cpu = &cpus[cpu].cpu;
    tlb_ipi();
    host_cpu = sender;
}

static void remember_table(struct machine_cpu *c, paddr_t table)
{
    for (unsigned i = 0; i < TLB_ENTRIES; i++) {
        if (c->walked[i] == table || c->walked[i] == 0) {
            c->walked[i] = table;
            return;
        }
    }
}

/* "4-Level Paging": rights are those that every level grants. */
static bool walk(struct machine_cpu *c, uint64_t va, struct translation *out)
{
    paddr_t table = c->cr3 & PTE_ADDR;
    pte_t rights = PTE_WRITE | PTE_USER;

    for (unsigned level = PT_LEVELS; level-- > 0;) {
        pte_t e = ((pte_t *)phys_to_virt(table))[pt_index(va, level)];

        if (!(e & PTE_PRESENT))
            return false;
        rights &= e;
        if (level == 0 || (e & PTE_LARGE)) {
            *out = (struct translation){true, ALIGN_DOWN(va, BIT(PT_SHIFT(level))), level,
                                        (e & ~(PTE_WRITE | PTE_USER)) | rights};
            return true;
        }
        table = e & PTE_ADDR;
        remember_table(c, table);
    }
    return false;
}

static struct translation *cached(struct machine_cpu *c, uint64_t va)
{
    for (unsigned i = 0; i < TLB_ENTRIES; i++) {
        struct translation *t = &c->tlb[i];

        if (t->valid && va >= t->va && va < t->va + BIT(PT_SHIFT(t->level)))
            return t;
    }
    return NULL;
}

static bool allows(const struct translation *t, bool write, bool user)
{
    return (!user || (t->entry & PTE_USER)) && (!write || (t->entry & PTE_WRITE));
}

/* Host address of a user address, or NULL: the CPU would raise #PF. */
static void *translate(uint64_t va, bool write, bool user)
{
    struct machine_cpu *c = acting();
    struct translation *t = cached(c, va), found;

    if (t == NULL || !allows(t, write, user)) {
        if (t != NULL)
            t->valid = false; /* #PF takes the entry along */
        if (!walk(c, va, &found))
            return NULL;
        t = &c->tlb[machine_random(TLB_ENTRIES)];
        *t = found;
        if (!allows(t, write, user)) {
            t->valid = false;
            return NULL;
        }
    }
    return phys_to_virt((t->entry & PTE_ADDR) + (va - t->va));
}

static int access_user(uaddr_t va, bool write, void **out)
{
    while ((*out = translate(va, write, true)) == NULL) {
        int err = mm_fault(host_cpu->mm, va, write ? ACCESS_WRITE : ACCESS_READ);

        if (err < 0)
            return err;
    }
    return 0;
}

int machine_load(uaddr_t va, uint64_t *out)
{
    void *p;
    int err = access_user(va, false, &p);

    if (err == 0)
        memcpy(out, p, sizeof(*out));
    return err;
}

int machine_store(uaddr_t va, uint64_t value)
{
    void *p;
    int err = access_user(va, true, &p);

    if (err == 0)
        memcpy(p, &value, sizeof(value));
    return err;
}

void machine_touch(const void *p)
{
    assert(translate((uint64_t)p, false, false) != NULL);
}

void machine_check_tlbs(void)
{
    struct cpu *before = host_cpu;

    for (unsigned n = 0; n < MACHINE_CPUS; n++) {
        struct machine_cpu *c = &cpus[n];

        host_cpu = &c->cpu;
        for (unsigned i = 0; i < TLB_ENTRIES; i++) {
            struct translation *t = &c->tlb[i], now;

            if (!t->valid)
                continue;
            assert(walk(c, t->va, &now));
            assert((now.entry & PTE_ADDR) + (t->va - now.va) == (t->entry & PTE_ADDR));
            assert(!(t->entry & ~now.entry & (PTE_WRITE | PTE_USER)));
            assert(!(now.entry & ~t->entry & PTE_NX));
        }
    }
    host_cpu = before;
}

/* Linked in place of page_put(): the last put of a page that some CPU still reaches is a bug. */
void __real_page_put(struct page *p);
void __wrap_page_put(struct page *p);
void __wrap_page_put(struct page *p)
{
    struct page *head = page_head(p);

    if (refcount_read(&head->refs) == 1 && !(head->flags & PAGE_F_RESERVED)) {
        paddr_t start = page_to_phys(head), end = start + (PAGE_SIZE << head->order);

        for (unsigned n = 0; n < MACHINE_CPUS; n++) {
            for (unsigned i = 0; i < TLB_ENTRIES; i++) {
                const struct translation *t = &cpus[n].tlb[i];
                paddr_t at = t->entry & PTE_ADDR;

                assert(!t->valid || at >= end || at + BIT(PT_SHIFT(t->level)) <= start);
                assert(cpus[n].walked[i] < start || cpus[n].walked[i] >= end);
            }
            assert((cpus[n].cr3 & PTE_ADDR) < start || (cpus[n].cr3 & PTE_ADDR) >= end);
        }
    }
    __real_page_put(p);
}

/* ---- the instructions of usercopy.asm, a byte at a time ---- */

static char *user_byte(const void *p, bool write)
{
    for (;;) {
        char *byte = translate((uint64_t)p, write, false);

        if (byte != NULL)
            return byte;
        if (mm_fault(host_cpu->mm, (uint64_t)p, write ? ACCESS_WRITE : ACCESS_READ) < 0)
            return NULL;
    }
}

static bool is_user(const void *p)
{
    struct mm *mm = host_cpu->mm;

    return mm != NULL &&
           (uint64_t)p < MIB(1024); /* where the tests' programs live; the host's do not */
}

size_t user_copy(void *dst, const void *src, size_t n)
{
    for (; n > 0; n--, dst = (char *)dst + 1, src = (const char *)src + 1) {
        char *to = is_user(dst) ? user_byte(dst, true) : dst;
        const char *from = is_user(src) ? user_byte(src, false) : src;

        if (to == NULL || from == NULL)
            break;
        *to = *from;
    }
    return n;
}

size_t user_clear(void *dst, size_t n)
{
    for (; n > 0; n--, dst = (char *)dst + 1) {
        char *to = user_byte(dst, true);

        if (to == NULL)
            break;
        *to = 0;
    }
    return n;
}

ssize_t user_strncpy(char *dst, const char *src, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *from = user_byte(src + i, false);

        if (from == NULL)
            return -EFAULT;
        dst[i] = *from;
        if (*from == '\0')
            return (ssize_t)i;
    }
    return (ssize_t)n;
}

int user_cmpxchg(uint32_t *word, uint32_t expected, uint32_t desired, uint32_t *old)
{
    uint32_t *w = (uint32_t *)user_byte(word, true);

    if (w == NULL)
        return -EFAULT;
    *old = *w;
    if (*w == expected)
        *w = desired;
    return 0;
}

/* ---- processes: one thread, which is whoever the test says ---- */

static struct thread thread;
static struct process process;
struct thread *host_thread = &thread;
unsigned machine_ooms, machine_preempts;

void mutex_init(struct mutex *m)
{
    memset(m, 0, sizeof(*m));
}

void mutex_lock(struct mutex *m)
{
    assert(m->owner == NULL);
    m->owner = host_thread;
}

void mutex_unlock(struct mutex *m)
{
    assert(m->owner == host_thread);
    m->owner = NULL;
}

bool cgroup_wait_for_memory(struct cgroup *cg)
{
    (void)cg;
    return machine_ooms++ == 0; /* the first call chooses this thread */
}

bool fatal_signal_pending(struct thread *t)
{
    (void)t;
    return machine_ooms > 0;
}

void sched_yield(void)
{
}

void sched_preempt(void)
{
    machine_preempts++;
}

void signal_force(int sig, int code, uint64_t addr)
{
    (void)sig;
    (void)code;
    (void)addr;
}

bool extable_fixup(struct trapframe *frame)
{
    (void)frame;
    return true;
}

bool extable_covers(uint64_t rip)
{
    (void)rip;
    return true;
}

struct user_ns *const user_ns_init;

bool ns_capable(struct user_ns *ns, enum cap cap)
{
    (void)ns;
    (void)cap;
    return false;
}

void log_print(enum log_level level, const char *fmt, ...)
{
    (void)level;
    (void)fmt;
}

void panic(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    vprintf("\n", ap);
    abort();
}

/* ---- accounts ---- */

static int64_t marked_pages, marked_objects;

static void add_objects(const struct kmem_cache_info *info, void *arg)
{
    *(int64_t *)arg += (int64_t)info->objects;
}

struct machine_use machine_used(void)
{
    int64_t objects = 0;
    struct cpu *before = host_cpu;

    for (unsigned i = 0; i < MACHINE_CPUS; i++) {
        machine_use_cpu(i);
        mm_shrink();
    }
    host_cpu = before;
    kmem_cache_for_each(add_objects, &objects);
    return (struct machine_use){marked_pages - (int64_t)buddy_free_pages(),
                                objects - marked_objects};
}

void machine_mark(void)
{
    struct machine_use u;

    marked_pages = marked_objects = 0;
    u = machine_used();
    marked_pages = -u.pages;
    marked_objects = u.objects;
}

unsigned machine_random(unsigned below)
{
    static uint64_t state = 0x9e3779b97f4a7c15ULL;

    return (unsigned)(xorshift64(&state) >> 32) % below;
}

void machine_start(void)
{
    uint64_t first, end;

    memmap_span(RAM_START, RAM_END - RAM_START, &first, &end);
    map_host(DIRECT_MAP_BASE, DIRECT_MAP_BASE + RAM_END);
    map_host((uint64_t)pfn_to_page(first), (uint64_t)pfn_to_page(end));
    for (unsigned i = 0; i < MACHINE_CPUS; i++)
        cpus[i].cpu.number = i;
    for (unsigned i = 0; i < RLIMIT_NLIMITS; i++)
        process.rlimits[i] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
    thread.process = &process;
    buddy_add_range(RAM_START, RAM_END);
    slab_init();
    kernel_pml4 = phys_to_virt(boot_alloc_table());
    for (unsigned i = 0; i < MACHINE_CPUS; i++)
        cpus[i].cr3 = virt_to_phys(kernel_pml4);
    kmap_init();
    zero_page = page_alloc(0, ALLOC_ZERO);
    zero_page->flags |= PAGE_F_CACHE | PAGE_F_RESERVED;
}
