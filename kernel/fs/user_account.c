/* SPDX-License-Identifier: BSD-2-Clause */
/* Accounts per user: found by user id, there as long as something is on them. */
#include <kernel/user_account.h>

#include <kernel/cgroup.h>
#include <kernel/mm.h>
#include <kernel/spinlock.h>

static struct spinlock accounts_lock = SPINLOCK_INIT;
static struct list_node accounts =
    LIST_INIT(accounts); /* [accounts_lock] few users are active at once */

struct user_account *user_account_get(kuid_t uid)
{
    struct user_account *fresh = kalloc_for(current_cgroup(), sizeof(*fresh));
    struct user_account *u, *found = NULL;
    irqflags_t flags = spin_lock(&accounts_lock);

    list_for_each(u, &accounts, link)
    {
        if (uid_eq(u->uid, uid)) {
            found = u;
            break;
        }
    }
    if (found == NULL && fresh != NULL) {
        found = fresh;
        found->uid = uid;
        list_add_tail(&accounts, &found->link);
        fresh = NULL;
    }
    if (found != NULL)
        found->refs++;
    spin_unlock(&accounts_lock, flags);
    kfree(fresh);
    return found;
}

void user_account_hold(struct user_account *u)
{
    irqflags_t flags = spin_lock(&accounts_lock);

    u->refs++;
    spin_unlock(&accounts_lock, flags);
}

void user_account_put(struct user_account *u)
{
    irqflags_t flags = spin_lock(&accounts_lock);
    bool is_last = --u->refs == 0;

    if (is_last)
        list_remove(&u->link);
    spin_unlock(&accounts_lock, flags);
    if (is_last)
        kfree(u);
}

bool user_account_add(uint64_t *counter, uint64_t n, uint64_t limit)
{
    uint64_t now = __atomic_add_fetch(counter, n, __ATOMIC_RELAXED);

    if (now <= limit)
        return true;
    user_account_sub(counter, n);
    return false;
}

void user_account_sub(uint64_t *counter, uint64_t n)
{
    __atomic_fetch_sub(counter, n, __ATOMIC_RELAXED);
}
