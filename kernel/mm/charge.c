/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hierarchical counters: what a group and all groups below it use. A charge
 * goes up the tree and is undone from where a limit refused it; counters are
 * atomics, so that charging needs no lock and works in any context.
 *
 * A group's directory may be removed while memory stays charged to it (a page
 * that another group still maps): all charges together hold one reference.
 */
#include <kernel/cgroup.h>
#include <kernel/errno.h>
#include <kernel/mm.h>
#include <kernel/proc.h>

struct cgroup cgroup_root = {
    .refs = {1},
    .memory = {.limit = CGROUP_UNLIMITED},
    .pids = {.limit = CGROUP_UNLIMITED},
    .weight = 100,
    .children = LIST_INIT(cgroup_root.children),
    .sibling = LIST_INIT(cgroup_root.sibling),
    .processes = LIST_INIT(cgroup_root.processes),
};

static bool counter_charge(struct cgroup_counter *c, uint64_t n)
{
    uint64_t now = __atomic_add_fetch(&c->usage, n, __ATOMIC_RELAXED);

    if (unlikely(now > READ_ONCE(c->limit))) {
        __atomic_sub_fetch(&c->usage, n, __ATOMIC_RELAXED);
        __atomic_add_fetch(&c->failed, 1, __ATOMIC_RELAXED);
        return false;
    }
    if (now > READ_ONCE(c->peak))
        WRITE_ONCE(c->peak, now); /* a lost race leaves a peak that was real */
    return true;
}

static void counter_uncharge(struct cgroup_counter *c, uint64_t n)
{
    uint64_t now = __atomic_sub_fetch(&c->usage, n, __ATOMIC_RELAXED);

    assert((int64_t)now >= 0);
    (void)now;
}

void cgroup_get(struct cgroup *cg)
{
    refcount_get(&cg->refs);
}

/* The last reference is gone and nothing is charged any more. */
static void cgroup_free(struct cgroup *cg)
{
    struct cgroup *parent = cg->parent;

    kfree(cg->name);
    kfree(cg);
    if (parent != NULL)
        cgroup_put(parent);
}

void cgroup_put(struct cgroup *cg)
{
    if (refcount_put(&cg->refs))
        cgroup_free(cg);
}

/* The first byte charged to a group holds a reference, given back with the last. */
int cgroup_charge_memory(struct cgroup *cg, uint64_t bytes)
{
    for (struct cgroup *g = cg; g != NULL; g = g->parent) {
        if (!counter_charge(&g->memory, bytes)) {
            for (struct cgroup *undo = cg; undo != g; undo = undo->parent)
                counter_uncharge(&undo->memory, bytes);
            return -ENOMEM;
        }
    }
    if (cg->parent != NULL && __atomic_add_fetch(&cg->charged, bytes, __ATOMIC_RELAXED) == bytes)
        cgroup_get(cg);
    return 0;
}

void cgroup_uncharge_memory(struct cgroup *cg, uint64_t bytes)
{
    for (struct cgroup *g = cg; g != NULL; g = g->parent)
        counter_uncharge(&g->memory, bytes);
    if (cg->parent != NULL && __atomic_sub_fetch(&cg->charged, bytes, __ATOMIC_ACQ_REL) == 0)
        cgroup_put(cg);
}

int cgroup_charge_pids(struct cgroup *cg, uint64_t n)
{
    for (struct cgroup *g = cg; g != NULL; g = g->parent) {
        if (!counter_charge(&g->pids, n)) {
            for (struct cgroup *undo = cg; undo != g; undo = undo->parent)
                counter_uncharge(&undo->pids, n);
            return -EAGAIN;
        }
    }
    return 0;
}

void cgroup_force_pids(struct cgroup *cg, uint64_t n)
{
    for (; cg != NULL; cg = cg->parent)
        __atomic_add_fetch(&cg->pids.usage, n, __ATOMIC_RELAXED);
}

void cgroup_uncharge_pids(struct cgroup *cg, uint64_t n)
{
    for (struct cgroup *g = cg; g != NULL; g = g->parent)
        counter_uncharge(&g->pids, n);
}

struct cgroup *current_cgroup(void)
{
    struct thread *t = current;

    if (t == NULL || t->process == NULL || t->process->cgroup == NULL)
        return &cgroup_root;
    return t->process->cgroup;
}
