/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control groups: membership, freezing, killing, and who dies when memory runs
 * out. The counters themselves are in kernel/mm/charge.c, the files in
 * cgroupfs.c. Documentation/admin-guide/cgroup-v2.rst of Linux is the
 * specification.
 *
 * Operations on "everything below a group" walk the list of all processes and
 * test whose group lies within: a group's depth is bounded, and nothing recurses.
 */
#include <kernel/cgroup.h>
#include <kernel/errno.h>
#include <kernel/ns.h>
#include <kernel/pid.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/time.h>
#include <kernel/vm.h>

#include "cgroup_internal.h"

struct spinlock cgroup_lock = SPINLOCK_INIT;
struct mutex cgroup_mutex = MUTEX_INIT(cgroup_mutex);

bool cgroup_is_within(const struct cgroup *cg, const struct cgroup *top)
{
    while (cg != NULL && cg->depth > top->depth)
        cg = cg->parent;
    return cg == top;
}

/* ---- making and removing groups (cgroup_mutex held) ---- */

int cgroup_create(struct cgroup *parent, const char *name, struct cgroup **out)
{
    struct cgroup *cg, *owner = current_cgroup();
    irqflags_t flags;

    if (parent->depth + 1 >= CGROUP_DEPTH_MAX)
        return -EAGAIN;
    if (parent->dying)
        return -ENOENT;
    cg = kalloc_for(owner, sizeof(*cg));
    if (cg == NULL)
        return -ENOMEM;
    cg->name = kstrdup_for(owner, name);
    if (cg->name == NULL) {
        kfree(cg);
        return -ENOMEM;
    }
    refcount_init(&cg->refs, 1); /* the tree's */
    cg->memory.limit = cg->pids.limit = CGROUP_UNLIMITED;
    cg->weight = 100;
    cg->depth = parent->depth + 1;
    cg->frozen = parent->frozen;
    cg->ino = ns_alloc_ino();
    list_init(&cg->children);
    list_init(&cg->sibling);
    list_init(&cg->processes);
    cg->parent = parent;
    cgroup_get(parent);
    flags = spin_lock(&cgroup_lock);
    list_add_tail(&parent->children, &cg->sibling);
    spin_unlock(&cgroup_lock, flags);
    *out = cg;
    return 0;
}

int cgroup_remove(struct cgroup *cg)
{
    irqflags_t flags = spin_lock(&cgroup_lock);
    bool busy = !list_is_empty(&cg->children) || !list_is_empty(&cg->processes);

    if (!busy) {
        cg->dying = true;
        list_remove(&cg->sibling);
    }
    spin_unlock(&cgroup_lock, flags);
    if (busy)
        return -EBUSY;
    cgroup_put(cg);
    return 0;
}

struct cgroup *cgroup_find_child(struct cgroup *parent, const char *name, size_t len)
{
    irqflags_t flags = spin_lock(&cgroup_lock);
    struct cgroup *cg, *found = NULL;

    list_for_each(cg, &parent->children, sibling) {
        if (strlen(cg->name) == len && memcmp(cg->name, name, len) == 0) {
            cgroup_get(cg);
            found = cg;
            break;
        }
    }
    spin_unlock(&cgroup_lock, flags);
    return found;
}

/* ---- membership ---- */

int cgroup_attach_new(struct cgroup *cg, struct process *p)
{
    irqflags_t flags = spin_lock(&cgroup_lock);
    int err = cg->dying ? -ENODEV : 0;

    if (err == 0) {
        cgroup_get(cg);
        p->cgroup = cg;
        list_add_tail(&cg->processes, &p->cgroup_link);
    }
    spin_unlock(&cgroup_lock, flags);
    if (err == 0 && cg->frozen)
        process_set_frozen(p, true);
    return err;
}

void cgroup_detach(struct process *p)
{
    irqflags_t flags = spin_lock(&cgroup_lock);
    struct cgroup *cg = p->cgroup;

    list_remove(&p->cgroup_link);
    p->cgroup = NULL;
    spin_unlock(&cgroup_lock, flags);
    if (cg != NULL)
        cgroup_put(cg);
}

/* The first process of those that share an address space (vfork) decides where it is charged. */
static bool owns_mm(struct process *p, struct mm *mm)
{
    irqflags_t flags = spin_lock(&pid_lock);
    struct process *first;

    list_for_each(first, &process_list, all_link) {
        if (first->mm == mm)
            break;
    }
    spin_unlock(&pid_lock, flags);
    return first == p;
}

static void move_mm(struct process *p, struct cgroup *to)
{
    struct mm *mm = process_get_mm(p);

    if (mm == NULL)
        return;
    if (owns_mm(p, mm))
        mm_set_cgroup(mm, to);
    mm_put(mm);
}

/* [pid_lock] The old group with its reference in *from. -ESRCH: it is exiting; -ENODEV: the group is. */
static int move_membership(struct cgroup *to, struct process *p, struct cgroup **from)
{
    irqflags_t flags = spin_lock(&cgroup_lock);
    int err = 0;

    *from = p->cgroup;
    if (*from == NULL || p->nthreads == 0) {
        err = -ESRCH;
    } else if (to->dying) {
        err = -ENODEV;
    } else {
        cgroup_get(to);
        list_remove(&p->cgroup_link);
        list_add_tail(&to->processes, &p->cgroup_link);
        p->cgroup = to;
    }
    spin_unlock(&cgroup_lock, flags);
    return err;
}

/* [pid_lock] Their part in the groups' pids and load. */
static void move_threads(struct cgroup *to, struct process *p, struct cgroup *from)
{
    uint64_t charged = p->nthreads + list_is_empty(&p->leader->process_link); /* a leader that has exited */
    struct thread *t;

    list_for_each(t, &p->threads, process_link) sched_move_group(t);
    /* As on Linux a move may exceed pids.max: only fork is refused. */
    cgroup_force_pids(to, charged);
    cgroup_uncharge_pids(from, charged);
}

int cgroup_move(struct cgroup *to, struct process *p)
{
    struct cgroup *from;
    irqflags_t flags;
    int err;

    /* Under pid_lock no thread comes or goes, and none is charged to the one group or the other. */
    flags = spin_lock(&pid_lock);
    err = move_membership(to, p, &from);
    if (err == 0)
        move_threads(to, p, from);
    spin_unlock(&pid_lock, flags);
    if (err < 0)
        return err;
    move_mm(p, to);
    if (to->frozen != from->frozen)
        process_set_frozen(p, to->frozen);
    cgroup_put(from);
    return 0;
}

/* Calls fn for each live process in `top` or below; stops when it returns false. pid_lock is held:
 * fn sends signals by the functions named _locked. */
static void for_each_process_within(struct cgroup *top, bool (*fn)(struct process *p, void *arg), void *arg)
{
    irqflags_t flags = spin_lock(&pid_lock);
    struct process *p;

    list_for_each(p, &process_list, all_link) {
        struct cgroup *cg = READ_ONCE(p->cgroup);

        if (cg != NULL && !p->zombie && cgroup_is_within(cg, top) && !fn(p, arg))
            break;
    }
    spin_unlock(&pid_lock, flags);
}

static bool stop_at_first(struct process *p, void *arg)
{
    (void)p;
    *(bool *)arg = true;
    return false;
}

bool cgroup_is_populated(struct cgroup *cg)
{
    bool populated = false;

    for_each_process_within(cg, stop_at_first, &populated);
    return populated;
}

static bool send_kill(struct process *p, void *arg)
{
    (void)arg;
    (void)signal_send_process_locked(p, SIGKILL, NULL); /* one that exits needs none */
    return true;
}

void cgroup_kill_all(struct cgroup *cg)
{
    for_each_process_within(cg, send_kill, NULL);
}

static bool set_frozen(struct process *p, void *arg)
{
    process_set_frozen_locked(p, *(bool *)arg);
    return true;
}

/* Groups below follow their parent: freezing is of the whole subtree. */
void cgroup_set_frozen(struct cgroup *top, bool frozen)
{
    irqflags_t flags = spin_lock(&cgroup_lock);
    struct cgroup *cg = top;

    /* Depth first through the siblings, without recursion. */
    for (;;) {
        cg->frozen = frozen;
        if (!list_is_empty(&cg->children)) {
            cg = list_first(&cg->children, struct cgroup, sibling);
            continue;
        }
        while (cg != top && cg->sibling.next == &cg->parent->children)
            cg = cg->parent;
        if (cg == top)
            break;
        cg = list_next(cg, sibling);
    }
    spin_unlock(&cgroup_lock, flags);
    for_each_process_within(top, set_frozen, &frozen);
}

/* ---- out of memory ---- */

struct victim {
    struct process *process; /* counted */
    uint64_t points;
    bool dying; /* somebody is on the way out already: wait for that memory */
};

/* A process that dies is given this long to go on giving its memory back. It may be unable to: it waits,
 * say, for a lock whose holder waits for memory itself. Then others have to go as well. */
#define OOM_PATIENCE_NS (1 * NSEC_PER_SEC)

/* [pid_lock] Does it get on, with as much of the CPU as there is for it? */
static bool is_runnable(const struct process *p)
{
    const struct thread *t;

    list_for_each(t, &p->threads, process_link) {
        if (READ_ONCE(t->on_queue))
            return true;
    }
    return false;
}

/* [pid_lock] */
static bool still_has_time(struct process *p)
{
    uint64_t now = ktime_ns();

    if (is_runnable(p)) {
        p->oom_since_ns = 0;
        return true;
    }
    if (p->oom_since_ns == 0)
        p->oom_since_ns = now;
    return now - p->oom_since_ns < OOM_PATIENCE_NS;
}

/* Pages that killing the process would free, shifted by its oom_score_adj as a share of all memory. */
static bool weigh(struct process *p, void *arg)
{
    struct victim *v = arg;
    struct mem_stats stats;
    int64_t points;

    if ((p->mm == NULL && p->freeing_mm == 0) || p == pid_ns_init.init)
        return true; /* a container's init goes like any other */
    if (p->exiting || p->nlive == 0) {
        v->dying = still_has_time(p);
        return !v->dying;
    }
    if (p->oom_score_adj <= -1000)
        return true;
    mem_stats_get(&stats);
    points = (int64_t)(p->mm->rss_anon + p->mm->rss_file + p->mm->table_pages) +
             p->oom_score_adj * (int64_t)stats.total_pages / 1000;
    if (points < 1)
        points = 1;
    if ((uint64_t)points > v->points) {
        process_get(p);
        if (v->process != NULL)
            process_put(v->process);
        v->process = p;
        v->points = (uint64_t)points;
    }
    return true;
}

/* The lowest group above the failing charge that is full: its members compete. The machine itself
 * (the root) when none is. */
static struct cgroup *full_group(struct cgroup *cg)
{
    for (; cg->parent != NULL; cg = cg->parent) {
        uint64_t limit = READ_ONCE(cg->memory.limit);

        if (limit != CGROUP_UNLIMITED && READ_ONCE(cg->memory.usage) + LARGEST_FAULT > limit)
            return cg;
    }
    return cg;
}

static void count_kill(struct cgroup *full, const struct process *victim)
{
    irqflags_t flags = spin_lock(&cgroup_lock);

    for (struct cgroup *cg = full; cg != NULL; cg = cg->parent)
        cg->ooms++;
    for (struct cgroup *cg = victim->cgroup; cg != NULL; cg = cg->parent)
        cg->oom_kills++;
    spin_unlock(&cgroup_lock, flags);
}

bool cgroup_oom(struct cgroup *cg)
{
    struct cgroup *top = full_group(cg);
    struct victim v = {0};
    bool somebody_goes;

    if (top->parent == NULL && !mm_is_full())
        return true;
    for_each_process_within(top, weigh, &v);
    if (v.process != NULL && !v.dying) {
        log_warn("cgroup: out of memory in %s: killed process %d (%s), %llu KiB\n",
                 top->name != NULL ? top->name : "the machine", pid_nr_in(v.process->pid, &pid_ns_init),
                 v.process->leader->comm, (unsigned long long)(v.points << (PAGE_SHIFT - 10)));
        count_kill(top, v.process);
        if (top->oom_group)
            cgroup_kill_all(top);
        else
            (void)signal_send_process(v.process, SIGKILL, NULL);
    }
    somebody_goes = v.process != NULL || v.dying;
    if (v.process != NULL)
        process_put(v.process);
    return somebody_goes;
}

bool cgroup_wait_for_memory(struct cgroup *cg)
{
    bool may_come;

    if (fatal_signal_pending(current) || current->exiting)
        return false;
    cgroup_get(cg);
    may_come = cgroup_oom(cg);
    cgroup_put(cg);
    sched_yield();
    return may_come;
}

void cgroup_path(const struct cgroup *cg, const struct cgroup *root, char *buf, size_t size)
{
    const struct cgroup *chain[CGROUP_DEPTH_MAX], *common = cg;
    unsigned n = 0;

    buf[0] = '\0';
    while (!cgroup_is_within(root, common)) {
        chain[n++] = common;
        common = common->parent;
    }
    for (const struct cgroup *up = root; up != common; up = up->parent)
        strlcat(buf, "/..", size);
    while (n-- > 0) {
        strlcat(buf, "/", size);
        strlcat(buf, chain[n]->name, size);
    }
    if (buf[0] == '\0')
        strlcpy(buf, "/", size);
}
