/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Process identifiers and their namespaces.
 *
 * A struct pid made in a namespace of level n has n + 1 numbers: one there and
 * one in each namespace above, up to the first. So a container's processes are
 * visible from outside, under other numbers, and nothing outside is visible
 * from within: a lookup names the namespace it is made in.
 *
 * A number in use is in two places: a hash table, for lookups, and its
 * namespace's list in ascending order, for /proc. It is free again after
 * pid_detach_number(), when the thread has been waited for and no group or
 * session is named by it; the struct lives on while somebody holds it.
 */
#include <kernel/cgroup.h>
#include <kernel/errno.h>
#include <kernel/mm.h>
#include <kernel/ns.h>
#include <kernel/pid.h>
#include <kernel/spinlock.h>

#include "cred.h"
#include "process.h"

#define PID_HASH_SIZE 1024
#define PID_RESERVED  300 /* after wrapping around, the low numbers are left to daemons */

struct spinlock pid_lock;
struct pid_ns pid_ns_init = {
    .refs = {1},
    .numbers = LIST_INIT(pid_ns_init.numbers),
};

static struct list_node pid_hash[PID_HASH_SIZE]; /* [pid_lock] struct pid_number.hash */

static struct list_node *hash_slot(const struct pid_ns *ns, int nr)
{
    return &pid_hash[((uint32_t)nr + (uint32_t)((uintptr_t)ns >> 6) * 31) % PID_HASH_SIZE];
}

static struct pid_number *number_find(const struct pid_ns *ns, int nr)
{
    struct list_node *slot = hash_slot(ns, nr);
    struct pid_number *n;

    list_for_each (n, slot, hash) {
        if (n->nr == nr && n->ns == ns)
            return n;
    }
    return NULL;
}

/*
 * [pid_lock] The next free number, in rising order; 0: none. Number 1 until there is an init: a first fork
 * that fails leaves it to the next one.
 */
static int number_choose(struct pid_ns *ns)
{
    int nr = ns->init == NULL ? 0 : ns->last;

    if (ns->count >= PID_MAX - PID_RESERVED)
        return 0;
    do {
        if (++nr >= PID_MAX)
            nr = PID_RESERVED;
    } while (number_find(ns, nr) != NULL);
    ns->last = nr;
    return nr;
}

/* New numbers are nearly always the highest: look from the end. */
static void number_insert(struct pid_number *n)
{
    struct list_node *before = n->ns->numbers.prev;

    while (before != &n->ns->numbers && list_entry(before, struct pid_number, link)->nr > n->nr)
        before = before->prev;
    list_add_head(before, &n->link);
    list_add_head(hash_slot(n->ns, n->nr), &n->hash);
    n->ns->count++;
}

static void number_remove(struct pid_number *n)
{
    if (list_is_empty(&n->link))
        return;
    list_remove(&n->link);
    list_remove(&n->hash);
    n->ns->count--;
}

/* [pid_lock] A number on every level, or none. */
static int numbers_assign(struct pid_ns *ns, struct pid *p)
{
    if (ns->dying)
        return -ENOMEM; /* as on Linux: nothing can be made in a dead namespace */
    for (int level = (int)ns->level; level >= 0; level--, ns = ns->parent) {
        struct pid_number *n = &p->numbers[level];

        n->ns = ns;
        n->pid = p;
        n->nr = number_choose(ns);
        if (n->nr == 0) {
            while (++level <= (int)p->level)
                number_remove(&p->numbers[level]);
            return -EAGAIN;
        }
        number_insert(n);
    }
    return 0;
}

int pid_alloc(struct pid_ns *ns, struct pid **out)
{
    size_t size = sizeof(struct pid) + (ns->level + 1) * sizeof(struct pid_number);
    struct pid *p = kalloc_for(current_cgroup(), size);
    irqflags_t flags;
    int err;

    if (p == NULL)
        return -ENOMEM;
    refcount_init(&p->refs, 1);
    p->level = ns->level;
    list_init(&p->pgrp);
    list_init(&p->session);
    for (unsigned i = 0; i <= ns->level; i++) {
        list_init(&p->numbers[i].link);
        list_init(&p->numbers[i].hash);
    }

    flags = spin_lock(&pid_lock);
    err = numbers_assign(ns, p);
    spin_unlock(&pid_lock, flags);
    if (err < 0) {
        kfree(p);
        return err;
    }
    pid_ns_get(ns);
    *out = p;
    return 0;
}

void pid_get(struct pid *p)
{
    refcount_get(&p->refs);
}

void pid_put(struct pid *p)
{
    struct pid_ns *ns = p->numbers[p->level].ns;

    if (!refcount_put(&p->refs))
        return;
    kfree(p);
    pid_ns_put(ns);
}

void pid_detach_number(struct pid *p)
{
    assert_locked(&pid_lock);
    if (p->thread != NULL || p->process != NULL || !list_is_empty(&p->pgrp) ||
        !list_is_empty(&p->session))
        return; /* still names something */
    for (unsigned i = 0; i <= p->level; i++)
        number_remove(&p->numbers[i]);
}

int pid_nr_in(const struct pid *p, const struct pid_ns *ns)
{
    if (ns->level > p->level || p->numbers[ns->level].ns != ns)
        return 0;
    return p->numbers[ns->level].nr;
}

struct pid *pid_find(struct pid_ns *ns, int nr)
{
    irqflags_t flags = spin_lock(&pid_lock);
    struct pid_number *n = number_find(ns, nr);
    struct pid *p = n == NULL ? NULL : n->pid;

    if (p != NULL)
        pid_get(p);
    spin_unlock(&pid_lock, flags);
    return p;
}

struct pid *pid_find_next(struct pid_ns *ns, int nr)
{
    irqflags_t flags = spin_lock(&pid_lock);
    struct pid_number *n = number_find(ns, nr);
    struct pid *p = n == NULL ? NULL : n->pid;

    if (p == NULL) {
        list_for_each (n, &ns->numbers, link) {
            if (n->nr >= nr) {
                p = n->pid;
                break;
            }
        }
    }
    if (p != NULL)
        pid_get(p);
    spin_unlock(&pid_lock, flags);
    return p;
}

/* ---- namespaces ---------------------------------------------------------------- */

struct pid_ns *pid_ns_create(struct pid_ns *parent)
{
    struct pid_ns *ns;

    if (parent->level + 1 >= PID_NS_MAX_LEVEL)
        return NULL;
    ns = kalloc_for(current_cgroup(), sizeof(*ns));
    if (ns == NULL)
        return NULL;
    refcount_init(&ns->refs, 1);
    pid_ns_get(parent);
    ns->parent = parent;
    ns->level = parent->level + 1;
    ns->ino = ns_alloc_ino();
    list_init(&ns->numbers);
    return ns;
}

void pid_ns_get(struct pid_ns *ns)
{
    refcount_get(&ns->refs);
}

void pid_ns_put(struct pid_ns *ns)
{
    while (ns != NULL && ns != &pid_ns_init && refcount_put(&ns->refs)) {
        struct pid_ns *parent = ns->parent;

        kfree(ns);
        ns = parent;
    }
}

void pid_init(void)
{
    for (unsigned i = 0; i < PID_HASH_SIZE; i++)
        list_init(&pid_hash[i]);
    pid_ns_init.ino = ns_alloc_ino();
}
