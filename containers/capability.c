/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * capget(2) and capset(2): capabilities(7). Sets can be given up at will, gained
 * only within what is permitted; the rules for execve(2) are in kernel/proc.
 */
#include <kernel/errno.h>
#include <kernel/pid.h>
#include <kernel/proc.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>

/* Versions of struct __user_cap_header_struct and how many 32-bit words each set has. */
#define VERSION_1 0x19980330u
#define VERSION_2 0x20071026u
#define VERSION_3 0x20080522u

struct abi_cap_header {
    uint32_t version;
    int32_t pid;
};

struct abi_cap_data {
    uint32_t effective, permitted, inheritable;
};

/* Words per set; an unknown version is answered with the preferred one and -EINVAL. */
static int read_header(uaddr_t user, struct abi_cap_header *h, unsigned *words)
{
    if (get_user(h, user) < 0)
        return -EFAULT;
    switch (h->version) {
    case VERSION_1:
        *words = 1;
        return 0;
    case VERSION_2:
    case VERSION_3:
        *words = 2;
        return 0;
    }
    return put_user(user, (uint32_t)VERSION_3) < 0 ? -EFAULT : -EINVAL;
}

static int sets_of(int pid, struct cred *out)
{
    struct thread *t = pid == 0 ? current : thread_find(pid);
    irqflags_t flags;

    if (t == NULL)
        return -ESRCH;
    flags = spin_lock(&pid_lock);
    *out = *t->cred;
    spin_unlock(&pid_lock, flags);
    if (pid != 0)
        thread_put(t);
    return 0;
}

long sys_capget(uaddr_t user_header, uaddr_t user_data)
{
    struct abi_cap_data data[2] = {{0}};
    struct abi_cap_header h;
    struct cred cred;
    unsigned words;
    int err = read_header(user_header, &h, &words);

    if (user_data == 0 && (err == 0 || err == -EINVAL))
        return 0; /* asking for the version */
    if (err < 0)
        return err;
    if (h.pid < 0)
        return -EINVAL;
    if (user_data == 0)
        return 0; /* whether this version is known */
    err = sets_of(h.pid, &cred);
    if (err < 0)
        return err;
    for (unsigned i = 0; i < 2; i++) {
        data[i].effective = (uint32_t)(cred.cap_effective >> (32 * i));
        data[i].permitted = (uint32_t)(cred.cap_permitted >> (32 * i));
        data[i].inheritable = (uint32_t)(cred.cap_inheritable >> (32 * i));
    }
    return copy_to_user(user_data, data, words * sizeof(data[0]));
}

static bool may_set(const struct cred *old, uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
    bool setpcap = old->cap_effective & BIT(CAP_SETPCAP);

    if (!setpcap && (inheritable & ~(old->cap_inheritable | old->cap_permitted)))
        return false;
    if (inheritable & ~(old->cap_inheritable | old->cap_bounding))
        return false;
    return !(permitted & ~old->cap_permitted) && !(effective & ~permitted);
}

long sys_capset(uaddr_t user_header, uaddr_t user_data)
{
    struct abi_cap_data data[2] = {{0}};
    uint64_t effective, permitted, inheritable;
    struct abi_cap_header h;
    struct cred *cred;
    unsigned words;
    int err = read_header(user_header, &h, &words);

    if (err < 0)
        return err;
    if (h.pid != 0 && h.pid != pid_nr_in(current->pid, current->pid->numbers[current->pid->level].ns))
        return -EPERM;
    if (copy_from_user(data, user_data, words * sizeof(data[0])) < 0)
        return -EFAULT;
    effective = (data[0].effective | (uint64_t)data[1].effective << 32) & CAP_ALL;
    permitted = (data[0].permitted | (uint64_t)data[1].permitted << 32) & CAP_ALL;
    inheritable = (data[0].inheritable | (uint64_t)data[1].inheritable << 32) & CAP_ALL;
    if (!may_set(current_cred(), effective, permitted, inheritable))
        return -EPERM;
    cred = cred_clone(current_cred());
    if (cred == NULL)
        return -ENOMEM;
    cred->cap_effective = effective;
    cred->cap_permitted = permitted;
    cred->cap_inheritable = inheritable;
    cred->cap_ambient &= permitted & inheritable;
    cred_commit(cred);
    return 0;
}
