/* SPDX-License-Identifier: BSD-2-Clause */
/* Stand-ins for the kernel under hv; see services.h. Built with the kernel's headers. */
#include <stdarg.h>

#include <kernel/cgroup.h>
#include <kernel/mutex.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/time.h>
#include <kernel/trap.h>
#include <kernel/uaccess.h>

#include "services.h"

/* From the host's C library, whose headers do not mix with the kernel's. */
void *calloc(size_t n, size_t size);
void *aligned_alloc(size_t align, size_t size);
void free(void *p);
void abort(void) __noreturn;
int printf(const char *fmt, ...);
int vprintf(const char *fmt, va_list ap);

struct cpu fake_cpu;
uint64_t fake_tsc_aux, fake_tsc = 1000000, fake_now_ns = 1000000;
struct mm fake_mm;
struct thread fake_thread;
struct file *fake_files[64];
struct char_dev *fake_device;
unsigned fake_page_count, fake_alloc_count, fake_file_count;
bool (*fake_on_sleep)(void);
void (*fake_on_ipi)(void);

struct cgroup cgroup_root;
static char *arena;
static struct page pages[FAKE_PAGES];
static bool page_used[FAKE_PAGES];
static unsigned block_order;
static struct timer *timers[64];

void fake_services_init(void)
{
    arena = aligned_alloc(2 << 20, FAKE_PAGES * PAGE_SIZE);
    fake_cpu.thread = &fake_thread;
    fake_cpu.irqs_on = true;
    fake_thread.mm = &fake_mm;
    list_init(&fake_mm.notifiers);
}

/* ---- log ---- */

void panic(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    abort();
}

void log_print(enum log_level level, const char *fmt, ...)
{
    (void)level;
    (void)fmt;
}

/* ---- memory ---- */

uint64_t page_to_pfn(const struct page *p)
{
    return ((uint64_t)arena + (uint64_t)(p - pages) * PAGE_SIZE - DIRECT_MAP_BASE) >> PAGE_SHIFT;
}

struct page *pfn_to_page(uint64_t pfn)
{
    uint64_t address = (pfn << PAGE_SHIFT) + DIRECT_MAP_BASE;

    return &pages[(address - (uint64_t)arena) / PAGE_SIZE];
}

struct page *page_alloc_for(struct cgroup *cg, unsigned order, unsigned flags)
{
    assert(cg == &cgroup_root && order == 0);
    for (unsigned i = 0; i < FAKE_PAGES; i++) {
        if (page_used[i])
            continue;
        page_used[i] = true;
        refcount_init(&pages[i].refs, 1);
        if (flags & ALLOC_ZERO)
            memset(arena + i * PAGE_SIZE, 0, PAGE_SIZE);
        fake_page_count++;
        return &pages[i];
    }
    return NULL;
}

void page_get(struct page *p)
{
    refcount_get(&p->refs);
}

void page_put(struct page *p)
{
    if (refcount_put(&p->refs)) {
        page_used[p - pages] = false;
        fake_page_count--;
    }
}

void mem_stat_add(enum mem_stat which, int64_t n)
{
    (void)which;
    (void)n;
}

void *kalloc_for(struct cgroup *cg, size_t size)
{
    assert(cg == &cgroup_root);
    fake_alloc_count++;
    return calloc(1, size);
}

void kfree(void *p)
{
    if (p != NULL)
        fake_alloc_count--;
    free(p);
}

void *kmap_alloc(struct cgroup *cg, size_t len)
{
    return kalloc_for(cg, len);
}

void kmap_free(void *p, size_t len)
{
    (void)len;
    kfree(p);
}

void cgroup_get(struct cgroup *cg)
{
    (void)cg;
}

void cgroup_put(struct cgroup *cg)
{
    (void)cg;
}

struct cgroup *current_cgroup(void)
{
    return &cgroup_root;
}

/* ---- user memory and the address space ---- */

uaddr_t fake_user_memory(size_t npages)
{
    unsigned first = FAKE_PAGES - (unsigned)npages;

    for (unsigned i = first; i < FAKE_PAGES; i++) {
        page_used[i] = true;
        refcount_init(&pages[i].refs, 1);
    }
    memset(arena + first * PAGE_SIZE, 0, npages * PAGE_SIZE);
    return (uaddr_t)(arena + first * PAGE_SIZE);
}

static bool is_bad(uaddr_t address)
{
    return address < PAGE_SIZE || address >= USER_TOP;
}

int copy_from_user(void *dst, uaddr_t src, size_t n)
{
    assert(fake_cpu.irqs_on);
    if (n != 0 && is_bad(src))
        return -EFAULT;
    memcpy(dst, (const void *)src, n);
    return 0;
}

int copy_to_user(uaddr_t dst, const void *src, size_t n)
{
    assert(fake_cpu.irqs_on);
    if (n != 0 && is_bad(dst))
        return -EFAULT;
    memcpy((void *)dst, src, n);
    return 0;
}

int user_cmpxchg32(uaddr_t addr, uint32_t expected, uint32_t desired, uint32_t *old)
{
    uint32_t *p = (uint32_t *)addr;

    *old = *p;
    if (*p == expected)
        *p = desired;
    return 0;
}

void fake_set_block_order(unsigned order)
{
    block_order = order;
}

int mm_get_block(struct mm *mm, uaddr_t addr, unsigned access, struct page **out, bool *writable,
                 unsigned *order)
{
    uaddr_t base = ALIGN_DOWN(addr, PAGE_SIZE << block_order);

    (void)access;
    assert(mm == &fake_mm && fake_cpu.irqs_on);
    if (base < (uaddr_t)arena || base >= (uaddr_t)arena + FAKE_PAGES * PAGE_SIZE)
        return -EFAULT;
    *out = &pages[(base - (uaddr_t)arena) / PAGE_SIZE];
    page_get(*out);
    *writable = true;
    *order = block_order;
    return 0;
}

void mm_grab(struct mm *mm)
{
    (void)mm;
}

void mm_drop(struct mm *mm)
{
    (void)mm;
}

bool mm_get_unless_dead(struct mm *mm)
{
    (void)mm;
    return true;
}

void mm_put(struct mm *mm)
{
    (void)mm;
}

void mm_notifier_add(struct mm *mm, struct mm_notifier *n)
{
    list_add_tail(&mm->notifiers, &n->link);
}

void mm_notifier_remove(struct mm *mm, struct mm_notifier *n)
{
    (void)mm;
    list_remove(&n->link);
}

void fake_invalidate(uaddr_t start, uaddr_t end)
{
    struct mm_notifier *n;

    list_for_each(n, &fake_mm.notifiers, link)
        n->invalidate(n, start, end);
}

/* ---- threads ---- */

unsigned cpu_count(void)
{
    return fake_on_ipi != NULL ? 2 : 1;
}

void ipi_send(unsigned cpu, enum ipi what)
{
    if (fake_on_ipi == NULL)
        panic("IPI %d to CPU %u, and there is only one\n", (int)what, cpu);
    fake_on_ipi();
}

void sched_yield(void)
{
}

void sched_preempt(void)
{
    assert(fake_cpu.irqs_on);
    fake_cpu.need_resched = false;
    if (fake_thread.hooks != NULL) {
        irqflags_t flags = irq_save();

        fake_thread.hooks->switch_out(fake_thread.hooks);
        fake_thread.hooks->switch_in(fake_thread.hooks);
        irq_restore(flags);
    }
}

bool signal_pending(struct thread *t)
{
    return (t->work & WORK_SIGNAL) != 0;
}

bool fatal_signal_pending(struct thread *t)
{
    return signal_pending(t);
}

void mutex_init(struct mutex *m)
{
    m->owner = NULL;
}

void mutex_lock(struct mutex *m)
{
    assert(m->owner == NULL && fake_cpu.irqs_on);
    m->owner = &fake_thread;
}

void mutex_unlock(struct mutex *m)
{
    assert(m->owner == &fake_thread);
    m->owner = NULL;
}

void fpu_leave(void)
{
    assert(!fake_cpu.irqs_on);
}

uint64_t fpu_xcr0(void)
{
    return 0; /* FXSAVE only: XSETBV is not for user mode */
}

/* ---- waiting ---- */

void wait_queue_init(struct wait_queue *wq)
{
    spin_init(&wq->lock);
    list_init(&wq->waiters);
}

void wait_entry_init(struct wait_entry *e, struct thread *t)
{
    *e = (struct wait_entry){.thread = t};
    list_init(&e->link);
}

void wait_add(struct wait_queue *wq, struct wait_entry *e)
{
    e->queue = wq;
    list_add_tail(&wq->waiters, &e->link);
}

void wait_remove(struct wait_entry *e)
{
    list_remove(&e->link);
}

void wait_prepare(struct wait_queue *wq, struct wait_entry *e, enum wait_kind kind)
{
    (void)kind;
    if (list_is_empty(&e->link))
        wait_add(wq, e);
}

void wait_finish(struct wait_entry *e)
{
    wait_remove(e);
}

int wait_sleep(enum wait_kind kind, uint64_t deadline_ns)
{
    (void)kind;
    (void)deadline_ns;
    sched_preempt();
    return fake_on_sleep != NULL && fake_on_sleep() ? 0 : -ERESTARTSYS;
}

void wake_up_events(struct wait_queue *wq, uint32_t events)
{
    struct wait_entry *e, *next;

    list_for_each_safe(e, next, &wq->waiters, link) {
        if (e->wake != NULL)
            e->wake(e, events);
    }
}

/* ---- time ---- */

uint64_t ktime_ns(void)
{
    return fake_now_ns;
}

uint64_t ktime_real_ns(void)
{
    return 1700000000ULL * NSEC_PER_SEC + fake_now_ns;
}

uint64_t tsc_hz(void)
{
    return tsc_khz() * 1000;
}

uint64_t tsc_khz(void)
{
    return 1000000; /* a tick a nanosecond */
}

uint64_t tsc_to_ns(uint64_t tsc)
{
    return tsc;
}

uint64_t ns_to_tsc_delta(uint64_t ns)
{
    return ns;
}

uint64_t timer_next_deadline(void)
{
    return UINT64_MAX;
}

void timer_init(struct timer *t, void (*fn)(struct timer *t))
{
    *t = (struct timer){.fn = fn};
}

bool timer_cancel(struct timer *t)
{
    for (unsigned i = 0; i < ARRAY_SIZE(timers); i++) {
        if (timers[i] == t) {
            timers[i] = NULL;
            return true;
        }
    }
    return false;
}

void timer_start(struct timer *t, uint64_t deadline_ns)
{
    (void)timer_cancel(t);
    t->deadline_ns = deadline_ns;
    for (unsigned i = 0; i < ARRAY_SIZE(timers); i++) {
        if (timers[i] == NULL) {
            timers[i] = t;
            return;
        }
    }
    panic("too many timers\n");
}

void fake_run_timers(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(timers); i++) {
        struct timer *t = timers[i];

        if (t != NULL && t->deadline_ns <= fake_now_ns) {
            irqflags_t flags = irq_save();

            timers[i] = NULL;
            t->fn(t);
            irq_restore(flags);
        }
    }
}

/* ---- files ---- */

int file_create_anon(const char *name, const struct file_ops *ops, void *private, uint32_t flags,
                     struct file **out)
{
    struct file *f = calloc(1, sizeof(*f));

    (void)name;
    refcount_init(&f->refs, 1);
    f->ops = ops;
    f->private = private;
    f->flags = flags;
    fake_file_count++;
    *out = f;
    return 0;
}

void file_get(struct file *f)
{
    refcount_get(&f->refs);
}

void file_put(struct file *f)
{
    if (!refcount_put(&f->refs))
        return;
    if (f->ops->release != NULL)
        f->ops->release(f);
    fake_file_count--;
    free(f);
}

int fd_reserve(unsigned fd_flags)
{
    (void)fd_flags;
    for (int fd = 0; fd < (int)ARRAY_SIZE(fake_files); fd++) {
        if (fake_files[fd] == NULL)
            return fd;
    }
    return -EMFILE;
}

void fd_publish(int fd, struct file *f)
{
    fake_files[fd] = f;
}

int fd_install(struct file *f, unsigned fd_flags, int from)
{
    int fd = fd_reserve(fd_flags);

    (void)from;
    if (fd >= 0)
        fake_files[fd] = f;
    return fd;
}

struct file *fd_get(int fd)
{
    if (fd < 0 || fd >= (int)ARRAY_SIZE(fake_files) || fake_files[fd] == NULL)
        return NULL;
    file_get(fake_files[fd]);
    return fake_files[fd];
}

void char_dev_register(struct char_dev *d)
{
    fake_device = d;
}

/* ---- a program's calls ---- */

long kvm(unsigned cmd, uint64_t arg)
{
    static struct file kvm_file;

    return fake_device->ops->ioctl(&kvm_file, cmd, arg);
}

long ioctl_fd(int fd, unsigned cmd, void *arg)
{
    return fake_files[fd]->ops->ioctl(fake_files[fd], cmd, (uint64_t)arg);
}

void close_fd(int fd)
{
    struct file *f = fake_files[fd];

    fake_files[fd] = NULL;
    file_put(f);
}

/* ---- eventfd ---- */

struct eventfd {
    uint64_t count;
    struct wait_queue wq;
};

static void release_eventfd(struct file *f)
{
    free(f->private);
}

static const struct file_ops eventfd_fops = {.release = release_eventfd};

int fake_eventfd(void)
{
    struct eventfd *e = calloc(1, sizeof(*e));
    struct file *f;

    wait_queue_init(&e->wq);
    (void)file_create_anon("eventfd", &eventfd_fops, e, 0, &f);
    return fd_install(f, 0, 0);
}

uint64_t fake_eventfd_count(int fd)
{
    return ((struct eventfd *)fake_files[fd]->private)->count;
}

struct eventfd *eventfd_from_file(struct file *f)
{
    return f->ops == &eventfd_fops ? f->private : NULL;
}

void eventfd_signal(struct eventfd *e, uint64_t n)
{
    e->count += n;
    wake_up_events(&e->wq, POLLIN);
}

bool eventfd_take_locked(struct eventfd *e, uint64_t *out)
{
    return eventfd_take(e, out);
}

bool eventfd_take(struct eventfd *e, uint64_t *out)
{
    *out = e->count;
    e->count = 0;
    return *out != 0;
}

struct wait_queue *eventfd_wait_queue(struct eventfd *e)
{
    return &e->wq;
}
