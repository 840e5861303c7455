/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Namespaces: the set that a process lives in, and how it gets another.
 *
 * A struct nsproxy never changes once it is in use; clone(2), unshare(2) and
 * setns(2) build another one and exchange the pointer under pid_lock. Kinds: mnt, uts,
 * ipc, pid, net, cgroup. A user namespace cannot be made (-EINVAL, as on a
 * Linux without CONFIG_USER_NS), nor a time namespace; there is one of each.
 *
 * net is an empty room so far: nothing but AF_UNIX exists, but abstract socket
 * names belong to a network namespace, and what a process in a container sees
 * must already be its own.
 */
#include <kernel/cgroup.h>
#include <kernel/errno.h>
#include <kernel/files.h>
#include <kernel/ipc.h>
#include <kernel/ns.h>
#include <kernel/pid.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/syscalls.h>

#include "namespace.h"

static struct uts_ns uts_init = {.refs = {1}, .nodename = "bulkhead", .domainname = "(none)"};
static struct net_ns net_init_ns = {.refs = {1}};
static struct cgroup_ns cgroup_ns_init = {.refs = {1}, .root = &cgroup_root};

struct nsproxy nsproxy_init = {
    .refs = {1},
    .uts = &uts_init,
    .ipc = &ipc_ns_first,
    .net = &net_init_ns,
    .cgroup = &cgroup_ns_init,
    .pid_for_children = &pid_ns_init,
    /* .mnt: vfs_init() */
};

ino_t ns_alloc_ino(void)
{
    static ino_t last = 0xf0000000u - 1; /* PROC_DYNAMIC_FIRST, where Linux starts too */

    return __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
}

void namespaces_init(void)
{
    uts_init.user_ns = ipc_ns_first.user_ns = net_init_ns.user_ns = cgroup_ns_init.user_ns = user_ns_init;
    uts_init.ino = ns_alloc_ino();
    ipc_ns_first.ino = ns_alloc_ino();
    net_init_ns.ino = ns_alloc_ino();
    cgroup_ns_init.ino = ns_alloc_ino();
}

/* ---- references of each kind ---- */

static void uts_put(struct uts_ns *ns)
{
    if (refcount_put(&ns->refs))
        kfree(ns);
}

void net_ns_put(struct net_ns *ns)
{
    if (refcount_put(&ns->refs))
        kfree(ns);
}

static void cgroup_ns_put(struct cgroup_ns *ns)
{
    if (refcount_put(&ns->refs)) {
        cgroup_put(ns->root);
        kfree(ns);
    }
}

/* ---- new ones; NULL: no memory ---- */

static struct uts_ns *uts_copy(const struct uts_ns *old)
{
    struct uts_ns *ns = kalloc_for(current_cgroup(), sizeof(*ns));

    if (ns == NULL)
        return NULL;
    memcpy(ns->nodename, old->nodename, sizeof(ns->nodename));
    memcpy(ns->domainname, old->domainname, sizeof(ns->domainname));
    refcount_init(&ns->refs, 1);
    ns->user_ns = old->user_ns;
    ns->ino = ns_alloc_ino();
    return ns;
}

static struct net_ns *net_create(const struct net_ns *old)
{
    struct net_ns *ns = kalloc_for(current_cgroup(), sizeof(*ns));

    if (ns == NULL)
        return NULL;
    refcount_init(&ns->refs, 1);
    ns->user_ns = old->user_ns;
    ns->ino = ns_alloc_ino();
    return ns;
}

static struct cgroup_ns *cgroup_ns_create(const struct cgroup_ns *old)
{
    struct cgroup_ns *ns = kalloc_for(current_cgroup(), sizeof(*ns));

    if (ns == NULL)
        return NULL;
    refcount_init(&ns->refs, 1);
    ns->user_ns = old->user_ns;
    ns->ino = ns_alloc_ino();
    ns->root = current_cgroup();
    cgroup_get(ns->root);
    return ns;
}

/* ---- the set ---- */

void nsproxy_get(struct nsproxy *n)
{
    refcount_get(&n->refs);
}

void nsproxy_put(struct nsproxy *n)
{
    if (!refcount_put(&n->refs))
        return;
    if (n->uts != NULL)
        uts_put(n->uts);
    if (n->ipc != NULL)
        ipc_ns_put(n->ipc);
    if (n->mnt != NULL)
        mnt_ns_put(n->mnt);
    if (n->net != NULL)
        net_ns_put(n->net);
    if (n->cgroup != NULL)
        cgroup_ns_put(n->cgroup);
    if (n->pid_for_children != NULL)
        pid_ns_put(n->pid_for_children);
    kfree(n);
}

struct nsproxy *nsproxy_clone_members(const struct nsproxy *old, uint64_t kinds)
{
    struct nsproxy *n = kalloc_for(current_cgroup(), sizeof(*n));

    if (n == NULL)
        return NULL;
    refcount_init(&n->refs, 1);
    if ((kinds & CLONE_NEWUTS) && (n->uts = old->uts) != NULL)
        refcount_get(&n->uts->refs);
    if ((kinds & CLONE_NEWIPC) && (n->ipc = old->ipc) != NULL)
        ipc_ns_get(n->ipc);
    if ((kinds & CLONE_NEWNET) && (n->net = old->net) != NULL)
        refcount_get(&n->net->refs);
    if ((kinds & CLONE_NEWCGROUP) && (n->cgroup = old->cgroup) != NULL)
        refcount_get(&n->cgroup->refs);
    if ((kinds & CLONE_NEWNS) && (n->mnt = old->mnt) != NULL)
        mnt_ns_get(n->mnt);
    if ((kinds & CLONE_NEWPID) && (n->pid_for_children = old->pid_for_children) != NULL)
        pid_ns_get(n->pid_for_children);
    return n;
}

struct nsproxy *nsproxy_clone(const struct nsproxy *old)
{
    return nsproxy_clone_members(old, CLONE_NEW_ALL);
}

void nsproxy_switch(struct nsproxy *n)
{
    struct nsproxy *old = current->nsproxy;
    irqflags_t flags;

    if (n->ipc != old->ipc)
        sem_exit(current); /* its semaphores are out of reach from here on */
    flags = spin_lock(&pid_lock);
    current->nsproxy = n;
    spin_unlock(&pid_lock, flags);
    nsproxy_put(old);
}

/* Replace the member `m` of n by `fresh`, dropping what was there. */
#define REPLACE(n, m, put, fresh)                                                                  \
    ({                                                                                             \
        __typeof__((n)->m) fresh_ = (fresh);                                                       \
        if (fresh_ != NULL) {                                                                      \
            put((n)->m);                                                                           \
            (n)->m = fresh_;                                                                       \
        }                                                                                          \
        fresh_ != NULL;                                                                            \
    })

int nsproxy_copy(struct nsproxy *old, uint64_t flags, struct fs_struct *fs, struct nsproxy **out)
{
    struct nsproxy *n;
    bool ok = true;

    if (flags & (CLONE_NEWUSER | CLONE_NEWTIME))
        return -EINVAL;
    flags &= CLONE_NEW_ALL;
    if (flags == 0) {
        nsproxy_get(old);
        *out = old;
        return 0;
    }
    if (!capable(CAP_SYS_ADMIN))
        return -EPERM;
    n = nsproxy_clone(old);
    if (n == NULL)
        return -ENOMEM;
    if (flags & CLONE_NEWUTS)
        ok = ok && REPLACE(n, uts, uts_put, uts_copy(old->uts));
    if (flags & CLONE_NEWIPC)
        ok = ok && REPLACE(n, ipc, ipc_ns_put, ipc_ns_create(old->ipc->user_ns));
    if (flags & CLONE_NEWNET)
        ok = ok && REPLACE(n, net, net_ns_put, net_create(old->net));
    if (flags & CLONE_NEWCGROUP)
        ok = ok && REPLACE(n, cgroup, cgroup_ns_put, cgroup_ns_create(old->cgroup));
    if (flags & CLONE_NEWPID)
        ok = ok && REPLACE(n, pid_for_children, pid_ns_put, pid_ns_create(old->pid_for_children));
    if (flags & CLONE_NEWNS) /* last: it moves fs's root and working directory */
        ok = ok && REPLACE(n, mnt, mnt_ns_put, mnt_ns_copy(old->mnt, fs));
    if (!ok) {
        nsproxy_put(n);
        return -ENOMEM;
    }
    *out = n;
    return 0;
}

/* ---- unshare(2) ---- */

#define CLONE_VM      0x00000100
#define CLONE_FS      0x00000200
#define CLONE_FILES   0x00000400
#define CLONE_SIGHAND 0x00000800
#define CLONE_THREAD  0x00010000
#define CLONE_SYSVSEM 0x00040000

static bool is_single_threaded(void)
{
    irqflags_t flags = spin_lock(&pid_lock);
    bool single = current->process->nthreads == 1;

    spin_unlock(&pid_lock, flags);
    return single;
}

static void fs_switch(struct fs_struct *fs)
{
    irqflags_t flags = spin_lock(&pid_lock);
    struct fs_struct *old = current->fs;

    current->fs = fs;
    spin_unlock(&pid_lock, flags);
    fs_struct_put(old);
}

static void files_switch(struct files *files)
{
    irqflags_t flags = spin_lock(&pid_lock);
    struct files *old = current->files;

    current->files = files;
    spin_unlock(&pid_lock, flags);
    files_put(old);
}

long sys_unshare(uint64_t flags)
{
    const uint64_t of_process = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;
    struct fs_struct *fs = NULL;
    struct files *files = NULL;
    struct nsproxy *n = NULL;
    int err = 0;

    if (flags & ~(CLONE_NEW_ALL | CLONE_NEWUSER | CLONE_NEWTIME | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | of_process))
        return -EINVAL;
    if ((flags & of_process) && !is_single_threaded())
        return -EINVAL;
    if (flags & CLONE_NEWNS)
        flags |= CLONE_FS;
    /* Make everything first, exchange last: a failure changes nothing. */
    if (flags & CLONE_FS) {
        fs = fs_struct_copy(current->fs);
        if (fs == NULL)
            err = -ENOMEM;
    }
    if (err == 0 && (flags & CLONE_FILES)) {
        files = files_copy(current->files);
        if (files == NULL)
            err = -ENOMEM;
    }
    if (err == 0)
        err = nsproxy_copy(current->nsproxy, flags, fs, &n);
    if (err < 0) {
        if (files != NULL)
            files_put(files);
        if (fs != NULL)
            fs_struct_put(fs);
        return err;
    }
    if (fs != NULL)
        fs_switch(fs);
    if (files != NULL)
        files_switch(files);
    if (flags & CLONE_SYSVSEM)
        sem_exit(current);
    nsproxy_switch(n);
    return 0;
}
