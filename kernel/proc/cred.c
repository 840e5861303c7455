/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Credentials as objects, and the two places where capabilities change by rule
 * instead of by request: changes of user id, and execve(2). capabilities(7)
 * has the formulas; names here are as close to them as C allows.
 *
 * A struct cred never changes once a thread has it: whoever wants another one
 * clones it, changes the clone and commits it. So a pointer to one's own
 * credentials stays valid through a whole system call.
 *
 * File capabilities (the xattr security.capability) are not looked at: a file
 * gives privileges only by its set-user-ID and set-group-ID bits.
 */
#include "cred.h"

#include <kernel/cgroup.h>
#include <kernel/fs.h>
#include <kernel/proc.h>
#include <kernel/string.h>

#include "process.h"

struct user_ns {
    struct refcount refs;
};
static struct user_ns first_user_ns = {{1}};
struct user_ns *const user_ns_init = &first_user_ns;

struct cred cred_init = {
    .refs = {1},
    .cap_effective = CAP_ALL,
    .cap_permitted = CAP_ALL,
    .cap_bounding = CAP_ALL,
    .user_ns = &first_user_ns,
};

static struct kmem_cache *cred_cache;

void cred_start(void)
{
    cred_cache = kmem_cache_create("cred", sizeof(struct cred), 8);
}

void cred_get(struct cred *c)
{
    refcount_get(&c->refs);
}

void cred_put(struct cred *c)
{
    if (refcount_put(&c->refs))
        kmem_cache_free(cred_cache, c);
}

struct cred *cred_clone(const struct cred *c)
{
    struct cred *copy = kmem_cache_zalloc_for(cred_cache, current_cgroup());

    if (copy == NULL)
        return NULL;
    memcpy(copy, c, sizeof(*copy));
    refcount_init(&copy->refs, 1);
    return copy;
}

void cred_commit(struct cred *c)
{
    struct thread *t = current;
    struct cred *old = t->cred;
    irqflags_t flags = spin_lock(&pid_lock);

    /* Whoever becomes somebody else is no longer an open book to who he was. */
    if (!uid_eq(old->euid, c->euid) || !gid_eq(old->egid, c->egid) || !uid_eq(old->fsuid, c->fsuid) ||
        !gid_eq(old->fsgid, c->fsgid) || (c->cap_permitted & ~old->cap_permitted) != 0) {
        t->process->dumpable = 0;
        t->pdeath_signal = 0;
    }
    t->cred = c;
    spin_unlock(&pid_lock, flags);
    cred_put(old);
}

const struct cred *current_cred(void)
{
    return current->cred;
}

bool ns_capable(struct user_ns *ns, enum cap cap)
{
    const struct cred *c = current->cred;

    return ns == c->user_ns && (c->cap_effective & BIT(cap)) != 0;
}

bool cred_in_group(const struct cred *c, kgid_t gid)
{
    if (gid_eq(c->fsgid, gid))
        return true;
    for (uint32_t i = 0; i < c->ngroups; i++) {
        if (gid_eq(c->groups[i], gid))
            return true;
    }
    return false;
}

bool cred_dominates(const struct cred *c, const struct cred *other)
{
    return uid_eq(c->uid, other->uid) && uid_eq(c->uid, other->euid) && uid_eq(c->uid, other->suid) &&
           gid_eq(c->gid, other->gid) && gid_eq(c->gid, other->egid) && gid_eq(c->gid, other->sgid) &&
           (other->cap_permitted & ~c->cap_permitted) == 0;
}

bool may_inspect(struct thread *t)
{
    irqflags_t flags;
    bool ok;

    if (t->process == current->process)
        return true;
    if (capable(CAP_SYS_PTRACE)) {
        /* Not out of a container: as little can be seen as can be signalled. */
        return pid_nr_current(t->pid) != 0;
    }
    flags = spin_lock(&pid_lock);
    ok = cred_dominates(current->cred, t->cred) && t->process->dumpable == 1;
    spin_unlock(&pid_lock, flags);
    return ok;
}

/* ---- change of user id ------------------------------------------------------------- */

static bool has_root_id(const struct cred *c)
{
    return uid_eq(c->uid, KUID_ROOT) || uid_eq(c->euid, KUID_ROOT) || uid_eq(c->suid, KUID_ROOT);
}

void cred_fix_capabilities(const struct cred *old, struct cred *next)
{
    bool was_root = uid_eq(old->euid, KUID_ROOT), is_root = uid_eq(next->euid, KUID_ROOT);

    if (next->securebits & SECBIT_NO_SETUID_FIXUP)
        return;
    if (has_root_id(old) && !has_root_id(next)) {
        if (!(next->securebits & SECBIT_KEEP_CAPS)) {
            next->cap_permitted = 0;
            next->cap_effective = 0;
        }
        next->cap_ambient = 0;
    }
    if (was_root && !is_root)
        next->cap_effective = 0;
    else if (!was_root && is_root)
        next->cap_effective = next->cap_permitted;
}

/* ---- execve(2) ------------------------------------------------------------------------- */

static bool honours_setid(const struct path *file)
{
    return !(file->mnt->flags & MS_NOSUID) && !current->cred->no_new_privs;
}

static void apply_setid_bits(const struct path *file, struct cred *next)
{
    const struct inode *inode = file->dentry->inode;

    if (!honours_setid(file))
        return;
    if (inode->mode & S_ISUID)
        next->euid = inode->uid;
    if ((inode->mode & (S_ISGID | 0010)) == (S_ISGID | 0010))
        next->egid = inode->gid;
}

/* Could somebody else steer the new program: through the working directory it shares? */
static bool exec_is_unsafe(void)
{
    return current->cred->no_new_privs ||
           refcount_read(&current->fs->refs) > (int32_t)current->process->nthreads;
}

int cred_for_exec(const struct path *file, struct cred **out, bool *secure)
{
    const struct cred *old = current->cred;
    struct cred *next = cred_clone(old);
    bool is_setid, gives_effective = false;
    uint64_t permitted = 0;

    if (next == NULL)
        return -ENOMEM;
    apply_setid_bits(file, next);

    if (!(next->securebits & SECBIT_NOROOT)) {
        if (uid_eq(next->euid, KUID_ROOT) || uid_eq(next->uid, KUID_ROOT))
            permitted = next->cap_bounding | next->cap_inheritable;
        gives_effective = uid_eq(next->euid, KUID_ROOT);
    }

    is_setid = !uid_eq(next->euid, old->uid) || !gid_eq(next->egid, old->gid);
    if ((is_setid || (permitted & ~old->cap_permitted) != 0) && exec_is_unsafe()) {
        if (old->no_new_privs || !(old->cap_effective & BIT(CAP_SETUID))) {
            next->euid = next->uid;
            next->egid = next->gid;
        }
        permitted &= old->cap_permitted;
        is_setid = !uid_eq(next->euid, old->uid) || !gid_eq(next->egid, old->gid);
    }
    next->suid = next->fsuid = next->euid;
    next->sgid = next->fsgid = next->egid;

    if (is_setid)
        next->cap_ambient = 0;
    next->cap_permitted = permitted | next->cap_ambient;
    next->cap_effective = gives_effective ? next->cap_permitted : next->cap_ambient;
    next->securebits &= ~SECBIT_KEEP_CAPS;

    *secure = is_setid || (!uid_eq(old->uid, KUID_ROOT) &&
                           (gives_effective || (next->cap_permitted & ~next->cap_ambient) != 0));
    *out = next;
    return 0;
}
