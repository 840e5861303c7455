/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prctl(2) and arch_prctl(2): many small switches of a thread or process, as a
 * table of functions by number. Arguments that an option does not use must be
 * zero where Linux insists on it.
 */
#include <kernel/cred.h>
#include <kernel/errno.h>
#include <kernel/mm.h>
#include <kernel/proc.h>
#include <kernel/spinlock.h>
#include <kernel/string.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>

#include "cred.h"
#include "process.h"

enum prctl_option {
    PR_SET_PDEATHSIG = 1,
    PR_GET_PDEATHSIG = 2,
    PR_GET_DUMPABLE = 3,
    PR_SET_DUMPABLE = 4,
    PR_GET_KEEPCAPS = 7,
    PR_SET_KEEPCAPS = 8,
    PR_SET_NAME = 15,
    PR_GET_NAME = 16,
    PR_GET_SECCOMP = 21,
    PR_SET_SECCOMP = 22,
    PR_CAPBSET_READ = 23,
    PR_CAPBSET_DROP = 24,
    PR_GET_SECUREBITS = 27,
    PR_SET_SECUREBITS = 28,
    PR_SET_TIMERSLACK = 29,
    PR_GET_TIMERSLACK = 30,
    PR_SET_CHILD_SUBREAPER = 36,
    PR_GET_CHILD_SUBREAPER = 37,
    PR_SET_NO_NEW_PRIVS = 38,
    PR_GET_NO_NEW_PRIVS = 39,
    PR_GET_TID_ADDRESS = 40,
    PR_SET_THP_DISABLE = 41,
    PR_GET_THP_DISABLE = 42,
    PR_CAP_AMBIENT = 47,
    PR_OPTIONS
};

enum { PR_CAP_AMBIENT_IS_SET = 1, PR_CAP_AMBIENT_RAISE, PR_CAP_AMBIENT_LOWER, PR_CAP_AMBIENT_CLEAR_ALL };
enum { SECCOMP_MODE_DISABLED, SECCOMP_MODE_STRICT, SECCOMP_MODE_FILTER };

struct prctl_args {
    uint64_t a2, a3, a4, a5;
};

static bool rest_is_zero(const struct prctl_args *a)
{
    return a->a3 == 0 && a->a4 == 0 && a->a5 == 0;
}

/* ---- the process ---- */

static long set_pdeathsig(const struct prctl_args *a)
{
    irqflags_t flags;

    if (a->a2 >= NSIG)
        return -EINVAL;
    flags = spin_lock(&pid_lock);
    current->pdeath_signal = (int)a->a2;
    spin_unlock(&pid_lock, flags);
    return 0;
}

static long get_pdeathsig(const struct prctl_args *a)
{
    int32_t sig = current->pdeath_signal;

    return put_user(a->a2, sig);
}

static long get_dumpable(const struct prctl_args *a)
{
    (void)a;
    return current->process->dumpable;
}

static long set_dumpable(const struct prctl_args *a)
{
    if (a->a2 > 1)
        return -EINVAL;
    current->process->dumpable = (uint8_t)a->a2;
    return 0;
}

static long set_child_subreaper(const struct prctl_args *a)
{
    irqflags_t flags = spin_lock(&pid_lock);

    current->process->is_subreaper = a->a2 != 0;
    spin_unlock(&pid_lock, flags);
    return 0;
}

static long get_child_subreaper(const struct prctl_args *a)
{
    int32_t is_subreaper = current->process->is_subreaper;

    return put_user(a->a2, is_subreaper);
}

/* ---- the thread ---- */

static long set_name(const struct prctl_args *a)
{
    char name[sizeof(current->comm)] = "";
    ssize_t n = strncpy_from_user(name, a->a2, sizeof(name) - 1);

    if (n == -EFAULT)
        return n;
    memcpy(current->comm, name, sizeof(name)); /* a longer one is cut */
    return 0;
}

static long get_name(const struct prctl_args *a)
{
    return copy_to_user(a->a2, current->comm, sizeof(current->comm));
}

static long get_tid_address(const struct prctl_args *a)
{
    return put_user(a->a2, current->clear_child_tid);
}

#define TIMERSLACK_DEFAULT_NS 50000

/* Timers here are exact: the slack is taken and not used. */
static long set_timerslack(const struct prctl_args *a)
{
    (void)a;
    return 0;
}

static long get_timerslack(const struct prctl_args *a)
{
    (void)a;
    return TIMERSLACK_DEFAULT_NS;
}

static long set_thp_disable(const struct prctl_args *a)
{
    return rest_is_zero(a) ? 0 : -EINVAL;
}

static long get_thp_disable(const struct prctl_args *a)
{
    return a->a2 == 0 && rest_is_zero(a) ? 0 : -EINVAL;
}

static long get_seccomp(const struct prctl_args *a)
{
    (void)a;
    return current->seccomp_mode;
}

static long set_seccomp(const struct prctl_args *a)
{
    if (sys_seccomp == NULL)
        return -EINVAL;
    switch (a->a2) {
    case SECCOMP_MODE_STRICT: /* seccomp(2) numbers them one lower */
        return sys_seccomp(0, 0, 0);
    case SECCOMP_MODE_FILTER:
        return sys_seccomp(1, 0, a->a3);
    default:
        return -EINVAL;
    }
}

/* ---- credentials: capabilities(7) ---- */

static long set_no_new_privs(const struct prctl_args *a)
{
    struct cred *c;

    if (a->a2 != 1 || !rest_is_zero(a))
        return -EINVAL;
    if (current->cred->no_new_privs)
        return 0;
    c = cred_clone(current->cred);
    if (c == NULL)
        return -ENOMEM;
    c->no_new_privs = true;
    cred_commit(c);
    return 0;
}

static long get_no_new_privs(const struct prctl_args *a)
{
    return a->a2 == 0 && rest_is_zero(a) ? current->cred->no_new_privs : -EINVAL;
}

static long capbset_read(const struct prctl_args *a)
{
    if (a->a2 >= CAP_COUNT)
        return -EINVAL;
    return (current->cred->cap_bounding & BIT(a->a2)) != 0;
}

static long capbset_drop(const struct prctl_args *a)
{
    struct cred *c;

    if (!capable(CAP_SETPCAP))
        return -EPERM;
    if (a->a2 >= CAP_COUNT)
        return -EINVAL;
    c = cred_clone(current->cred);
    if (c == NULL)
        return -ENOMEM;
    c->cap_bounding &= ~BIT(a->a2);
    cred_commit(c);
    return 0;
}

static long cap_ambient(const struct prctl_args *a)
{
    const struct cred *now = current->cred;
    uint64_t bit;
    struct cred *c;

    if (a->a2 == PR_CAP_AMBIENT_CLEAR_ALL ? !rest_is_zero(a) : a->a3 >= CAP_COUNT || a->a4 || a->a5)
        return -EINVAL;
    bit = a->a2 == PR_CAP_AMBIENT_CLEAR_ALL ? ~0ULL : BIT(a->a3);
    switch (a->a2) {
    case PR_CAP_AMBIENT_IS_SET:
        return (now->cap_ambient & bit) != 0;
    case PR_CAP_AMBIENT_RAISE:
        if (!(now->cap_permitted & now->cap_inheritable & bit) ||
            (now->securebits & SECBIT_NO_CAP_AMBIENT_RAISE))
            return -EPERM;
        break;
    case PR_CAP_AMBIENT_LOWER:
    case PR_CAP_AMBIENT_CLEAR_ALL:
        break;
    default:
        return -EINVAL;
    }
    c = cred_clone(now);
    if (c == NULL)
        return -ENOMEM;
    if (a->a2 == PR_CAP_AMBIENT_RAISE)
        c->cap_ambient |= bit;
    else
        c->cap_ambient &= ~bit;
    cred_commit(c);
    return 0;
}

static long change_securebits(uint32_t bits)
{
    struct cred *c = cred_clone(current->cred);

    if (c == NULL)
        return -ENOMEM;
    c->securebits = bits;
    cred_commit(c);
    return 0;
}

static long get_securebits(const struct prctl_args *a)
{
    (void)a;
    return current->cred->securebits;
}

/* A locked bit cannot change, nor can its lock be opened. */
static long set_securebits(const struct prctl_args *a)
{
    uint32_t old = current->cred->securebits, locks = old & SECBIT_LOCKS;

    if ((a->a2 & ~(uint64_t)SECBIT_ALL) || ((locks >> 1 | locks) & (old ^ (uint32_t)a->a2)) ||
        !capable(CAP_SETPCAP))
        return -EPERM;
    return change_securebits((uint32_t)a->a2);
}

static long get_keepcaps(const struct prctl_args *a)
{
    (void)a;
    return (current->cred->securebits & SECBIT_KEEP_CAPS) != 0;
}

static long set_keepcaps(const struct prctl_args *a)
{
    uint32_t bits = current->cred->securebits;

    if (a->a2 > 1)
        return -EINVAL;
    if (bits & (SECBIT_KEEP_CAPS << 1))
        return -EPERM;
    return change_securebits(a->a2 ? bits | SECBIT_KEEP_CAPS : bits & ~SECBIT_KEEP_CAPS);
}

static long (*const options[PR_OPTIONS])(const struct prctl_args *) = {
    [PR_SET_PDEATHSIG] = set_pdeathsig,
    [PR_GET_PDEATHSIG] = get_pdeathsig,
    [PR_GET_DUMPABLE] = get_dumpable,
    [PR_SET_DUMPABLE] = set_dumpable,
    [PR_GET_KEEPCAPS] = get_keepcaps,
    [PR_SET_KEEPCAPS] = set_keepcaps,
    [PR_SET_NAME] = set_name,
    [PR_GET_NAME] = get_name,
    [PR_GET_SECCOMP] = get_seccomp,
    [PR_SET_SECCOMP] = set_seccomp,
    [PR_CAPBSET_READ] = capbset_read,
    [PR_CAPBSET_DROP] = capbset_drop,
    [PR_GET_SECUREBITS] = get_securebits,
    [PR_SET_SECUREBITS] = set_securebits,
    [PR_SET_TIMERSLACK] = set_timerslack,
    [PR_GET_TIMERSLACK] = get_timerslack,
    [PR_SET_CHILD_SUBREAPER] = set_child_subreaper,
    [PR_GET_CHILD_SUBREAPER] = get_child_subreaper,
    [PR_SET_NO_NEW_PRIVS] = set_no_new_privs,
    [PR_GET_NO_NEW_PRIVS] = get_no_new_privs,
    [PR_GET_TID_ADDRESS] = get_tid_address,
    [PR_SET_THP_DISABLE] = set_thp_disable,
    [PR_GET_THP_DISABLE] = get_thp_disable,
    [PR_CAP_AMBIENT] = cap_ambient,
};

long sys_prctl(int option, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5)
{
    struct prctl_args args = {a2, a3, a4, a5};

    if (option < 0 || option >= PR_OPTIONS || options[option] == NULL)
        return -EINVAL;
    return options[option](&args);
}

/* ---- arch_prctl(2) ---- */

enum { ARCH_SET_GS = 0x1001, ARCH_SET_FS, ARCH_GET_FS, ARCH_GET_GS };

long sys_arch_prctl(int code, uint64_t addr)
{
    switch (code) {
    case ARCH_SET_FS:
    case ARCH_SET_GS:
        if (addr >= USER_TOP)
            return -EPERM;
        if (code == ARCH_SET_FS)
            arch_set_fs_base(addr);
        else
            arch_set_gs_base(addr);
        return 0;
    case ARCH_GET_FS:
        return put_user(addr, current->arch.fs_base);
    case ARCH_GET_GS:
        return put_user(addr, current->arch.gs_base);
    default:
        return -EINVAL;
    }
}
