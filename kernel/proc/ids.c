/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls that read and change user and group ids: setuid(2), setreuid(2),
 * setresuid(2), setfsuid(2), their group twins, and setgroups(2). All follow
 * one pattern: clone the credentials, check each wanted id against the ones
 * the process may take, commit.
 */
#include <kernel/proc.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>

#include "cred.h"

#define ID_KEEP 0xffffffffu /* (uid_t)-1: leave it as it is */

long sys_getuid(void)
{
    return current->cred->uid.val;
}

long sys_geteuid(void)
{
    return current->cred->euid.val;
}

long sys_getgid(void)
{
    return current->cred->gid.val;
}

long sys_getegid(void)
{
    return current->cred->egid.val;
}

static long put_three(uaddr_t a, uaddr_t b, uaddr_t c, uint32_t x, uint32_t y, uint32_t z)
{
    int err = put_user(a, x);

    if (err == 0)
        err = put_user(b, y);
    if (err == 0)
        err = put_user(c, z);
    return err;
}

long sys_getresuid(uaddr_t ruid, uaddr_t euid, uaddr_t suid)
{
    const struct cred *c = current->cred;

    return put_three(ruid, euid, suid, c->uid.val, c->euid.val, c->suid.val);
}

long sys_getresgid(uaddr_t rgid, uaddr_t egid, uaddr_t sgid)
{
    const struct cred *c = current->cred;

    return put_three(rgid, egid, sgid, c->gid.val, c->egid.val, c->sgid.val);
}

/* ---- user ids ------------------------------------------------------------------------ */

static long commit_uids(const struct cred *old, struct cred *next)
{
    cred_fix_capabilities(old, next);
    cred_commit(next);
    return 0;
}

static long refuse(struct cred *next, int err)
{
    cred_put(next);
    return err;
}

long sys_setuid(uint32_t uid)
{
    const struct cred *old = current->cred;
    struct cred *next;

    if (uid == ID_KEEP)
        return -EINVAL;
    next = cred_clone(old);
    if (next == NULL)
        return -ENOMEM;
    if (capable(CAP_SETUID))
        next->uid.val = next->suid.val = uid;
    else if (uid != old->uid.val && uid != old->suid.val)
        return refuse(next, -EPERM);
    next->euid.val = next->fsuid.val = uid;
    return commit_uids(old, next);
}

long sys_setreuid(uint32_t ruid, uint32_t euid)
{
    const struct cred *old = current->cred;
    struct cred *next = cred_clone(old);
    bool may = capable(CAP_SETUID);

    if (next == NULL)
        return -ENOMEM;
    if (ruid != ID_KEEP) {
        next->uid.val = ruid;
        if (ruid != old->uid.val && ruid != old->euid.val && !may)
            return refuse(next, -EPERM);
    }
    if (euid != ID_KEEP) {
        next->euid.val = euid;
        if (euid != old->uid.val && euid != old->euid.val && euid != old->suid.val && !may)
            return refuse(next, -EPERM);
    }
    if (ruid != ID_KEEP || (euid != ID_KEEP && euid != old->uid.val))
        next->suid = next->euid;
    next->fsuid = next->euid;
    return commit_uids(old, next);
}

static bool is_own_uid(const struct cred *c, uint32_t uid)
{
    return uid == ID_KEEP || uid == c->uid.val || uid == c->euid.val || uid == c->suid.val;
}

long sys_setresuid(uint32_t ruid, uint32_t euid, uint32_t suid)
{
    const struct cred *old = current->cred;
    struct cred *next;

    if (!(is_own_uid(old, ruid) && is_own_uid(old, euid) && is_own_uid(old, suid)) &&
        !capable(CAP_SETUID))
        return -EPERM;
    next = cred_clone(old);
    if (next == NULL)
        return -ENOMEM;
    if (ruid != ID_KEEP)
        next->uid.val = ruid;
    if (euid != ID_KEEP)
        next->euid.val = euid;
    if (suid != ID_KEEP)
        next->suid.val = suid;
    next->fsuid = next->euid;
    return commit_uids(old, next);
}

/* The capabilities that go with fsuid 0. */
#define FS_CAPS                                                                                    \
    (BIT(CAP_CHOWN) | BIT(CAP_MKNOD) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) |          \
     BIT(CAP_FOWNER) | BIT(CAP_FSETID) | BIT(CAP_LINUX_IMMUTABLE) | BIT(CAP_MAC_OVERRIDE))

/* Always returns the id before the call: there is no way to tell that it failed. */
long sys_setfsuid(uint32_t uid)
{
    const struct cred *old = current->cred;
    uint32_t before = old->fsuid.val;
    struct cred *next;

    if (uid == ID_KEEP || uid == before)
        return before;
    if (!is_own_uid(old, uid) && !capable(CAP_SETUID))
        return before;
    next = cred_clone(old);
    if (next == NULL)
        return before;
    next->fsuid.val = uid;
    if (!(next->securebits & SECBIT_NO_SETUID_FIXUP)) {
        if (before == 0)
            next->cap_effective &= ~FS_CAPS;
        else if (uid == 0)
            next->cap_effective |= next->cap_permitted & FS_CAPS;
    }
    cred_commit(next);
    return before;
}

/* ---- group ids -------------------------------------------------------------------------- */

long sys_setgid(uint32_t gid)
{
    const struct cred *old = current->cred;
    struct cred *next;

    if (gid == ID_KEEP)
        return -EINVAL;
    next = cred_clone(old);
    if (next == NULL)
        return -ENOMEM;
    if (capable(CAP_SETGID))
        next->gid.val = next->sgid.val = gid;
    else if (gid != old->gid.val && gid != old->sgid.val)
        return refuse(next, -EPERM);
    next->egid.val = next->fsgid.val = gid;
    cred_commit(next);
    return 0;
}

long sys_setregid(uint32_t rgid, uint32_t egid)
{
    const struct cred *old = current->cred;
    struct cred *next = cred_clone(old);
    bool may = capable(CAP_SETGID);

    if (next == NULL)
        return -ENOMEM;
    if (rgid != ID_KEEP) {
        next->gid.val = rgid;
        if (rgid != old->gid.val && rgid != old->egid.val && !may)
            return refuse(next, -EPERM);
    }
    if (egid != ID_KEEP) {
        next->egid.val = egid;
        if (egid != old->gid.val && egid != old->egid.val && egid != old->sgid.val && !may)
            return refuse(next, -EPERM);
    }
    if (rgid != ID_KEEP || (egid != ID_KEEP && egid != old->gid.val))
        next->sgid = next->egid;
    next->fsgid = next->egid;
    cred_commit(next);
    return 0;
}

static bool is_own_gid(const struct cred *c, uint32_t gid)
{
    return gid == ID_KEEP || gid == c->gid.val || gid == c->egid.val || gid == c->sgid.val;
}

long sys_setresgid(uint32_t rgid, uint32_t egid, uint32_t sgid)
{
    const struct cred *old = current->cred;
    struct cred *next;

    if (!(is_own_gid(old, rgid) && is_own_gid(old, egid) && is_own_gid(old, sgid)) &&
        !capable(CAP_SETGID))
        return -EPERM;
    next = cred_clone(old);
    if (next == NULL)
        return -ENOMEM;
    if (rgid != ID_KEEP)
        next->gid.val = rgid;
    if (egid != ID_KEEP)
        next->egid.val = egid;
    if (sgid != ID_KEEP)
        next->sgid.val = sgid;
    next->fsgid = next->egid;
    cred_commit(next);
    return 0;
}

long sys_setfsgid(uint32_t gid)
{
    const struct cred *old = current->cred;
    uint32_t before = old->fsgid.val;
    struct cred *next;

    if (gid == ID_KEEP || gid == before || (!is_own_gid(old, gid) && !capable(CAP_SETGID)))
        return before;
    next = cred_clone(old);
    if (next == NULL)
        return before;
    next->fsgid.val = gid;
    cred_commit(next);
    return before;
}

long sys_getgroups(int size, uaddr_t list)
{
    const struct cred *c = current->cred;
    int err;

    if (size < 0)
        return -EINVAL;
    if (size == 0 || c->ngroups == 0)
        return c->ngroups;
    if ((uint32_t)size < c->ngroups)
        return -EINVAL;
    err = copy_to_user(list, c->groups, c->ngroups * sizeof(c->groups[0]));
    return err < 0 ? err : (long)c->ngroups;
}

long sys_setgroups(int size, uaddr_t list)
{
    struct cred *next;
    int err;

    if (!capable(CAP_SETGID))
        return -EPERM;
    if ((unsigned)size > NGROUPS_MAX)
        return -EINVAL;
    next = cred_clone(current->cred);
    if (next == NULL)
        return -ENOMEM;
    err = copy_from_user(next->groups, list, (size_t)size * sizeof(next->groups[0]));
    if (err < 0)
        return refuse(next, err);
    for (int i = 0; i < size; i++) {
        if (next->groups[i].val == ID_KEEP)
            return refuse(next, -EINVAL);
    }
    next->ngroups = (uint32_t)size;
    cred_commit(next);
    return 0;
}
