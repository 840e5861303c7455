/* SPDX-License-Identifier: BSD-2-Clause */
/* What the VFS needs of the kernel, on the build host; see host.h. */
#include "host.h"

#include <kernel/boot_info.h>
#include <kernel/cgroup.h>
#include <kernel/fs.h>
#include <kernel/ns.h>
#include <kernel/pid.h>
#include <kernel/proc.h>
#include <kernel/random.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>
#include <kernel/vm.h>

/* <stdlib.h> and <stdio.h> bring types that the kernel's headers define too. */
void *calloc(size_t n, size_t size);
void *aligned_alloc(size_t align, size_t size);
void free(void *p);
void abort(void) __noreturn;
unsigned long long strtoull(const char *s, char **end, int base);
int vprintf(const char *fmt, va_list ap);

struct cpu host_cpu;
static struct thread thread;
struct thread *host_thread = &thread;
static struct process process;
static struct cred cred;
static uint64_t now_ns = 1700000000ULL * NSEC_PER_SEC;

/* ---- allocation ---- */

static unsigned live;
static long fail_after = -1;
static bool failed;

unsigned host_objects(void)
{
    return live;
}

void host_fail_after(unsigned n)
{
    fail_after = (long)n;
    failed = false;
}

bool host_failed(void)
{
    return failed;
}

void host_no_failures(void)
{
    fail_after = -1;
}

static bool should_fail(void)
{
    if (fail_after < 0 || fail_after-- > 0)
        return false;
    failed = true;
    return true;
}

static void *take(size_t size)
{
    if (should_fail())
        return NULL;
    live++;
    return calloc(1, size);
}

static void give(void *p)
{
    assert(live > 0);
    live--;
    free(p);
}

struct kmem_cache {
    size_t size;
};

struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align)
{
    struct kmem_cache *c = calloc(1, sizeof(*c));

    (void)name;
    (void)align;
    c->size = size;
    return c;
}

void *kmem_cache_alloc(struct kmem_cache *c)
{
    return take(c->size);
}

void *kmem_cache_zalloc(struct kmem_cache *c)
{
    return take(c->size);
}

void *kmem_cache_alloc_for(struct kmem_cache *c, struct cgroup *cg)
{
    (void)cg;
    return kmem_cache_alloc(c);
}

void *kmem_cache_zalloc_for(struct kmem_cache *c, struct cgroup *cg)
{
    (void)cg;
    return take(c->size);
}

void kmem_cache_free(struct kmem_cache *c, void *obj)
{
    (void)c;
    give(obj);
}

void *kmalloc(size_t size)
{
    return take(size);
}

void *kzalloc(size_t size)
{
    return take(size);
}

void *kmalloc_for(struct cgroup *cg, size_t size)
{
    (void)cg;
    return kmalloc(size);
}

void *kalloc_for(struct cgroup *cg, size_t size)
{
    (void)cg;
    return take(size);
}

char *kstrdup_for(struct cgroup *cg, const char *s)
{
    char *copy = kalloc_for(cg, strlen(s) + 1);

    if (copy != NULL)
        memcpy(copy, s, strlen(s) + 1);
    return copy;
}

void kfree(void *p)
{
    if (p != NULL)
        give(p);
}

/* Pages: phys_to_virt() of the number gives the memory back. */
struct host_page {
    struct page page;
    void *memory;
};

uint64_t page_to_pfn(const struct page *p)
{
    const struct host_page *h = container_of(p, const struct host_page, page);

    return ((uint64_t)h->memory - DIRECT_MAP_BASE) >> PAGE_SHIFT;
}

struct page *page_alloc_for(struct cgroup *cg, unsigned order, unsigned flags)
{
    struct host_page *h = take(sizeof(*h));

    if (h == NULL)
        return NULL;
    h->memory = aligned_alloc(PAGE_SIZE << order, PAGE_SIZE << order);
    memset(h->memory, flags & ALLOC_ZERO ? 0 : 0xa5, PAGE_SIZE << order);
    refcount_init(&h->page.refs, 1);
    h->page.cgroup = cg;
    return &h->page;
}

void page_get(struct page *p)
{
    refcount_get(&p->refs);
}

void page_put(struct page *p)
{
    struct host_page *h = container_of(p, struct host_page, page);

    if (!refcount_put(&p->refs))
        return;
    free(h->memory);
    give(h);
}

void mem_stats_get(struct mem_stats *out)
{
    *out = (struct mem_stats){.total_pages = 1024};
}

void mem_stat_add(enum mem_stat which, int64_t pages)
{
    (void)which;
    (void)pages;
}

void mm_unmap_file(struct inode *inode, uint64_t first, uint64_t last, enum mm_unmap_what what)
{
    (void)what;
    (void)inode;
    (void)first;
    (void)last;
}

bool mm_file_deny_writing(struct inode *inode)
{
    (void)inode;
    return true;
}

/* ---- user memory: the test's own, but for the first page and what lies above user space ---- */

static bool readable(uaddr_t addr, size_t n)
{
    return addr >= PAGE_SIZE && user_range_ok(addr, n);
}

int copy_from_user(void *dst, uaddr_t src, size_t n)
{
    if (!readable(src, n))
        return -EFAULT;
    memcpy(dst, (void *)src, n);
    return 0;
}

int copy_to_user(uaddr_t dst, const void *src, size_t n)
{
    if (!readable(dst, n))
        return -EFAULT;
    memcpy((void *)dst, src, n);
    return 0;
}

int clear_user(uaddr_t dst, size_t n)
{
    if (!readable(dst, n))
        return -EFAULT;
    memset((void *)dst, 0, n);
    return 0;
}

ssize_t strncpy_from_user(char *dst, uaddr_t src, size_t size)
{
    size_t n;

    if (!readable(src, 1))
        return -EFAULT;
    n = strnlen((const char *)src, size);
    if (n == size)
        return -ENAMETOOLONG;
    memcpy(dst, (void *)src, n + 1);
    return (ssize_t)n;
}

ssize_t copy_from_user_partial(void *dst, uaddr_t src, size_t n)
{
    return copy_from_user(dst, src, n) < 0 ? -EFAULT : (ssize_t)n;
}

ssize_t copy_to_user_partial(uaddr_t dst, const void *src, size_t n)
{
    return copy_to_user(dst, src, n) < 0 ? -EFAULT : (ssize_t)n;
}

/* ---- locks: there is one thread, so a lock that is taken twice is a deadlock ---- */

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

bool mutex_is_mine(const struct mutex *m)
{
    return m->owner == host_thread;
}

void wait_queue_init(struct wait_queue *wq)
{
    spin_init(&wq->lock);
    list_init(&wq->waiters);
}

void wait_entry_init(struct wait_entry *e, struct thread *t)
{
    (void)t;
    memset(e, 0, sizeof(*e));
    list_init(&e->link);
    e->wake = wait_wake_thread;
}

void wait_wake_thread(struct wait_entry *e, uint32_t events)
{
    (void)events;
    list_remove(&e->link);
}

void wait_add(struct wait_queue *wq, struct wait_entry *e)
{
    e->queue = wq;
    if (list_is_empty(&e->link))
        list_add_tail(&wq->waiters, &e->link);
}

void wait_remove(struct wait_entry *e)
{
    list_remove(&e->link);
    e->queue = NULL;
}

void wait_prepare(struct wait_queue *wq, struct wait_entry *e, enum wait_kind kind)
{
    (void)kind;
    wait_add(wq, e);
}

int wait_sleep(enum wait_kind kind, uint64_t deadline_ns)
{
    (void)kind;
    (void)deadline_ns;
    return -ERESTARTSYS; /* nobody else runs: as if a signal came */
}

void wait_finish(struct wait_entry *e)
{
    wait_remove(e);
}

void wake_up_events(struct wait_queue *wq, uint32_t events)
{
    struct wait_entry *e, *next;
    irqflags_t flags = spin_lock(&wq->lock);

    list_for_each_safe(e, next, &wq->waiters, link) e->wake(e, events);
    spin_unlock(&wq->lock, flags);
}

void wake_up_one(struct wait_queue *wq)
{
    wake_up_events(wq, ~0u);
}

void schedule(void)
{
}

void sched_yield(void)
{
}

static unsigned preemptions;

void sched_preempt(void)
{
    preemptions++;
}

void host_want_cpu(bool wanted)
{
    host_cpu.need_resched = wanted;
    preemptions = 0;
}

unsigned host_preemptions(void)
{
    return preemptions;
}

/* ---- processes, credentials, namespaces ---- */

struct cgroup cgroup_root = {.refs = {1}};
struct spinlock pid_lock;
static struct net_ns net_ns = {.refs = {1}};
struct nsproxy nsproxy_init = {.net = &net_ns};
struct user_ns {
    int unused;
};
static struct user_ns user_ns;
struct user_ns *const user_ns_init = &user_ns;
static struct pid_ns pid_ns;
static union {
    struct pid pid;
    uint8_t room[sizeof(struct pid) + sizeof(struct pid_number)];
} init_pid;

struct cgroup *current_cgroup(void)
{
    return &cgroup_root;
}

void cgroup_get(struct cgroup *cg)
{
    refcount_get(&cg->refs);
}

void cgroup_put(struct cgroup *cg)
{
    (void)refcount_put(&cg->refs);
}

bool cgroup_wait_for_memory(struct cgroup *cg)
{
    (void)cg;
    return false;
}

const struct cred *current_cred(void)
{
    return host_thread->cred;
}

void cred_get(struct cred *c)
{
    refcount_get(&c->refs);
}

void cred_put(struct cred *c)
{
    if (refcount_put(&c->refs))
        give(c);
}

struct cred *cred_clone(const struct cred *c)
{
    struct cred *copy = take(sizeof(*copy));

    if (copy != NULL) {
        *copy = *c;
        refcount_init(&copy->refs, 1);
    }
    return copy;
}

bool ns_capable(struct user_ns *ns, enum cap cap)
{
    (void)ns;
    return (host_thread->cred->cap_effective & BIT(cap)) != 0;
}

bool cred_in_group(const struct cred *c, kgid_t gid)
{
    return gid_eq(c->fsgid, gid);
}

void host_be_user(unsigned uid)
{
    cred.uid = cred.euid = cred.fsuid = (kuid_t){uid};
    cred.gid = cred.egid = cred.fsgid = (kgid_t){uid};
    cred.cap_effective = cred.cap_permitted = uid == 0 ? CAP_ALL : 0;
}

int pid_nr_in(const struct pid *p, const struct pid_ns *ns)
{
    (void)p;
    (void)ns;
    return 1;
}

struct pid_ns pid_ns_init;

void pid_get(struct pid *p)
{
    refcount_get(&p->refs);
}

void pid_put(struct pid *p)
{
    assert(!refcount_put(&p->refs));
}

struct pid *pid_find(struct pid_ns *ns, int nr)
{
    (void)ns;
    if (nr != 1)
        return NULL;
    pid_get(&init_pid.pid);
    return &init_pid.pid;
}

void process_get(struct process *p)
{
    refcount_get(&p->refs);
}

void process_put(struct process *p)
{
    assert(!refcount_put(&p->refs));
}

void net_ns_put(struct net_ns *ns)
{
    assert(!refcount_put(&ns->refs));
}

int signal_send_process(struct process *p, int sig, const struct siginfo *info)
{
    (void)p;
    (void)sig;
    (void)info;
    return 0;
}

int signal_send_pgrp(struct pid *pgrp, int sig, const struct siginfo *info)
{
    (void)pgrp;
    (void)sig;
    (void)info;
    return 0;
}

bool signal_is_ignored_or_blocked(int sig)
{
    (void)sig;
    return false;
}

void signal_set_temporary_mask(sigset_t mask)
{
    (void)mask;
}

uint64_t ktime_ns(void)
{
    return now_ns += 1000;
}

ino_t ns_alloc_ino(void)
{
    static ino_t last;

    return ++last;
}

int signal_send_thread(struct thread *t, int sig, const struct siginfo *info)
{
    (void)t;
    (void)sig;
    (void)info;
    return 0;
}

bool signal_pending(struct thread *t)
{
    (void)t;
    return false;
}

static bool is_killed;

void host_kill(bool killed)
{
    is_killed = killed;
}

bool fatal_signal_pending(struct thread *t)
{
    (void)t;
    return is_killed;
}

/* ---- the rest ---- */

uint64_t ktime_real_ns(void)
{
    return now_ns += 1000;
}

void host_advance_clock(uint64_t seconds)
{
    now_ns += seconds * NSEC_PER_SEC;
}

void random_bytes(void *buf, size_t n)
{
    memset(buf, 0x5a, n);
}

size_t strlcpy(char *dst, const char *src, size_t size)
{
    size_t n = strlen(src);

    if (size != 0) {
        memcpy(dst, src, min(n, size - 1));
        dst[min(n, size - 1)] = '\0';
    }
    return n;
}

int parse_u64(const char *s, unsigned base, uint64_t *out)
{
    char *end;

    *out = strtoull(s, &end, (int)base);
    return *s != '\0' && *end == '\0' ? 0 : -EINVAL;
}

void log_console_off(void)
{
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
    abort();
}

void vfs_init(void);

void host_start(void)
{
    refcount_init(&cred.refs, 1);
    host_be_user(0);
    cred.user_ns = user_ns_init;
    refcount_init(&init_pid.pid.refs, 1);
    init_pid.pid.numbers[0].ns = &pid_ns;
    init_pid.pid.process = &process;
    list_init(&init_pid.pid.pgrp);
    list_init(&init_pid.pid.session);
    list_add_tail(&init_pid.pid.pgrp, &process.pgrp_link);
    list_add_tail(&init_pid.pid.session, &process.session_link);
    refcount_init(&process.refs, 1);
    process.pgrp = process.session = &init_pid.pid;
    thread.pid = &init_pid.pid;
    process.pid = &init_pid.pid;
    for (unsigned i = 0; i < RLIMIT_NLIMITS; i++)
        process.rlimits[i] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
    process.rlimits[RLIMIT_NOFILE].cur = 1024;
    thread.process = &process;
    thread.cred = &cred;
    thread.nsproxy = &nsproxy_init;
    vfs_init();
}
