/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Futexes: sleeping until another thread changes a word of user memory:
 * futex(2), robust locks: get_robust_list(2).
 *
 * A waiter is found by its key: the file and offset behind a shared mapping,
 * else the address space and address. Nothing is counted for it: a key that
 * outlives its object can at worst wake somebody for nothing, which users of
 * futexes expect.
 *
 * No wake-up is lost: the waiter is on its list before it reads the word, and
 * whoever changes the word looks at the list after. Neither needs user memory
 * under a spinlock.
 */
#include "futex.h"

#include <kernel/errno.h>
#include <kernel/files.h>
#include <kernel/fs.h>
#include <kernel/spinlock.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>
#include <kernel/vm.h>

#include <kernel/abi/process.h>

#include "process.h"
#include "timespec.h"

enum {
    FUTEX_WAIT,
    FUTEX_WAKE,
    FUTEX_REQUEUE = 3,
    FUTEX_CMP_REQUEUE,
    FUTEX_WAKE_OP,
    FUTEX_WAIT_BITSET = 9,
    FUTEX_WAKE_BITSET,
};
#define FUTEX_PRIVATE_FLAG     128
#define FUTEX_CLOCK_REALTIME   256
#define FUTEX_CMD_MASK         (~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME))
#define FUTEX_BITSET_MATCH_ANY 0xffffffffu

#define FUTEX_WAITERS    0x80000000u
#define FUTEX_OWNER_DIED 0x40000000u
#define FUTEX_TID_MASK   0x3fffffffu

struct futex_key {
    const void *object; /* struct mm or struct inode: compared, never followed */
    uint64_t offset;
};

/* [bucket] by the lock of the bucket that the waiter is in */
struct futex_waiter {
    struct list_node link;       /* [bucket] */
    struct futex_bucket *bucket; /* [bucket] a requeue changes it, under both locks */
    struct futex_key key;        /* [bucket] */
    uint32_t bitset;             /* [I] */
    bool woken;                  /* [bucket] and off the list */
    struct wait_queue wq;
};

#define BUCKETS 256
static struct futex_bucket {
    struct spinlock lock;
    struct list_node waiters;
} buckets[BUCKETS];

/* ---- keys ---- */

static int key_of(uaddr_t addr, bool is_private, struct futex_key *key)
{
    struct mm *mm = current->mm;
    struct vma *vma;

    if (addr % sizeof(uint32_t) != 0)
        return -EINVAL;
    if (!user_range_ok(addr, sizeof(uint32_t)))
        return -EFAULT;
    *key = (struct futex_key){mm, addr};
    if (is_private)
        return 0;
    mutex_lock(&mm->lock);
    vma = vma_find(mm, addr);
    if (vma == NULL || vma->start > addr) {
        mutex_unlock(&mm->lock);
        return -EFAULT;
    }
    if ((vma->flags & VMA_SHARED) && vma->file != NULL)
        *key = (struct futex_key){vma->file->inode, vma->pgoff * PAGE_SIZE + (addr - vma->start)};
    mutex_unlock(&mm->lock);
    return 0;
}

static bool same_key(const struct futex_key *a, const struct futex_key *b)
{
    return a->object == b->object && a->offset == b->offset;
}

static struct futex_bucket *bucket_of(const struct futex_key *key)
{
    uint64_t hash = ((uint64_t)key->object ^ key->offset) * 0x9e3779b97f4a7c15ULL;

    return &buckets[hash >> 56];
}

void futex_init(void)
{
    for (unsigned i = 0; i < BUCKETS; i++) {
        spin_init(&buckets[i].lock);
        lock_class_nests(&buckets[i].lock.class, "two of them by address: lock_both()");
        list_init(&buckets[i].waiters);
    }
}

/* ---- waiting ---- */

/* Off the list, if still on one. The waiter, on its thread's stack, is nobody's after this. */
static bool leave_queue(struct futex_waiter *w)
{
    for (;;) {
        struct futex_bucket *b = READ_ONCE(w->bucket);
        irqflags_t flags = spin_lock(&b->lock);
        bool woken = w->woken;

        if (b == w->bucket) {
            if (!woken)
                list_remove(&w->link);
            spin_unlock(&b->lock, flags);
            return woken;
        }
        spin_unlock(&b->lock, flags); /* requeued meanwhile */
    }
}

static void join_queue(struct futex_waiter *w, uint32_t bitset)
{
    irqflags_t flags;

    w->bucket = bucket_of(&w->key);
    w->bitset = bitset;
    w->woken = false;
    wait_queue_init(&w->wq);
    flags = spin_lock(&w->bucket->lock);
    list_add_tail(&w->bucket->waiters, &w->link);
    spin_unlock(&w->bucket->lock, flags);
}

/* deadline_ns 0: none. 0, -EAGAIN (the word has changed), -ETIMEDOUT, -ERESTARTSYS, -EFAULT. */
static int wait_on(uaddr_t addr, bool is_private, uint32_t expected, uint32_t bitset,
                   uint64_t deadline_ns)
{
    struct futex_waiter w;
    uint32_t value;
    int err = key_of(addr, is_private, &w.key);

    if (err < 0)
        return err;
    join_queue(&w, bitset);
    err = get_user(&value, addr);
    if (err == 0 && value != expected)
        err = -EAGAIN;
    if (err == 0)
        err = wait_event_deadline(&w.wq, READ_ONCE(w.woken), deadline_ns);
    return leave_queue(&w) ? 0 : err;
}

static long wait_restart(struct thread *t)
{
    uint64_t a[4] = {t->restart.args[0], t->restart.args[1], t->restart.args[2], t->restart.args[3]};
    int err = wait_on(a[0], a[3] & FUTEX_PRIVATE_FLAG, (uint32_t)a[1], (uint32_t)(a[1] >> 32), a[2]);

    if (err != -ERESTARTSYS)
        return err;
    for (int i = 0; i < 4; i++)
        t->restart.args[i] = a[i];
    t->restart.fn = wait_restart;
    return -ERESTART_RESTARTBLOCK;
}

/* A moment of the real-time clock as a deadline of ktime_ns(). */
static uint64_t real_to_deadline(uint64_t moment)
{
    uint64_t now = ktime_real_ns();

    return deadline_after(moment > now ? moment - now : 0);
}

static long futex_wait(uaddr_t addr, int op, uint32_t expected, uaddr_t timeout, uint32_t bitset)
{
    bool is_private = (op & FUTEX_PRIVATE_FLAG) != 0;
    struct thread *t = current;
    uint64_t ns;
    int err;

    if (bitset == 0)
        return -EINVAL;
    if (timeout == 0)
        return wait_on(addr, is_private, expected, bitset, 0);
    err = timespec_from_user(timeout, &ns);
    if (err < 0)
        return err;
    if ((op & FUTEX_CMD_MASK) == FUTEX_WAIT)
        ns = deadline_after(ns);
    else if (op & FUTEX_CLOCK_REALTIME)
        ns = real_to_deadline(ns);
    t->restart.args[0] = addr;
    t->restart.args[1] = (uint64_t)bitset << 32 | expected;
    t->restart.args[2] = max(ns, 1ULL);
    t->restart.args[3] = (uint64_t)op;
    return wait_restart(t);
}

/* ---- waking ---- */

/* [b->lock] */
static void wake_waiter(struct futex_waiter *w)
{
    list_remove(&w->link);
    WRITE_ONCE(w->woken, true);
    wake_up(&w->wq);
}

/* [b->lock] At most `most` of the waiters with this key; returns how many. */
static int wake_matching(struct futex_bucket *b, const struct futex_key *key, uint32_t bitset, int most)
{
    struct futex_waiter *w, *next;
    int woken = 0;

    list_for_each_safe (w, next, &b->waiters, link) {
        if (!same_key(&w->key, key) || !(w->bitset & bitset))
            continue;
        wake_waiter(w);
        if (++woken >= most)
            break;
    }
    return woken;
}

static long futex_wake(uaddr_t addr, bool is_private, int most, uint32_t bitset)
{
    struct futex_bucket *b;
    struct futex_key key;
    irqflags_t flags;
    int err, woken;

    if (bitset == 0)
        return -EINVAL;
    err = key_of(addr, is_private, &key);
    if (err < 0)
        return err;
    b = bucket_of(&key);
    flags = spin_lock(&b->lock);
    woken = wake_matching(b, &key, bitset, most);
    spin_unlock(&b->lock, flags);
    return woken;
}

/* Two buckets, which may be one, by address. */
static irqflags_t lock_both(struct futex_bucket *a, struct futex_bucket *b)
{
    irqflags_t flags = spin_lock(&min(a, b)->lock);

    if (a != b)
        (void)spin_lock(&max(a, b)->lock); /* interrupts are off already */
    return flags;
}

static void unlock_both(struct futex_bucket *a, struct futex_bucket *b, irqflags_t flags)
{
    if (a != b)
        spin_unlock(&max(a, b)->lock, 0);
    spin_unlock(&min(a, b)->lock, flags);
}

static int requeue_matching(struct futex_bucket *from, const struct futex_key *key,
                            struct futex_bucket *to, const struct futex_key *new_key, int most)
{
    struct futex_waiter *w, *next;
    int moved = 0;

    list_for_each_safe (w, next, &from->waiters, link) {
        if (moved >= most)
            break;
        if (!same_key(&w->key, key))
            continue;
        list_remove(&w->link);
        list_add_tail(&to->waiters, &w->link);
        w->key = *new_key;
        WRITE_ONCE(w->bucket, to);
        moved++;
    }
    return moved;
}

static long futex_requeue(uaddr_t addr, uaddr_t addr2, bool is_private, int wake, int requeue,
                          const uint32_t *expected)
{
    struct futex_key key, key2;
    struct futex_bucket *b, *b2;
    irqflags_t flags;
    uint32_t value;
    int err, n;

    if (wake < 0 || requeue < 0)
        return -EINVAL;
    err = key_of(addr, is_private, &key);
    if (err == 0)
        err = key_of(addr2, is_private, &key2);
    if (err == 0 && expected != NULL)
        err = get_user(&value, addr);
    if (err < 0)
        return err;
    if (expected != NULL && value != *expected)
        return -EAGAIN;
    b = bucket_of(&key);
    b2 = bucket_of(&key2);
    flags = lock_both(b, b2);
    n = wake > 0 ? wake_matching(b, &key, FUTEX_BITSET_MATCH_ANY, wake) : 0;
    if (!same_key(&key, &key2))
        n += requeue_matching(b, &key, b2, &key2, requeue);
    unlock_both(b, b2, flags);
    return n;
}

/* ---- FUTEX_WAKE_OP: change a second word, wake by what it was ---- */

static int apply(unsigned op, uint32_t old, uint32_t arg, uint32_t *out)
{
    switch (op) {
    case 0:
        *out = arg;
        return 0;
    case 1:
        *out = old + arg;
        return 0;
    case 2:
        *out = old | arg;
        return 0;
    case 3:
        *out = old & ~arg;
        return 0;
    case 4:
        *out = old ^ arg;
        return 0;
    default:
        return -ENOSYS;
    }
}

static int compare(unsigned cmp, int32_t old, int32_t arg)
{
    switch (cmp) {
    case 0:
        return old == arg;
    case 1:
        return old != arg;
    case 2:
        return old < arg;
    case 3:
        return old <= arg;
    case 4:
        return old > arg;
    case 5:
        return old >= arg;
    default:
        return -ENOSYS;
    }
}

#define OP_SHIFT_ARG 8u

static int change_word(uaddr_t addr, uint32_t encoded, uint32_t *old)
{
    unsigned op = encoded >> 28 & 15;
    uint32_t arg = (uint32_t)((int32_t)(encoded << 8) >> 20), seen, changed;
    int err;

    if (op & OP_SHIFT_ARG)
        arg = 1u << (arg & 31);
    err = get_user(&seen, addr);
    while (err == 0) {
        err = apply(op & 7, seen, arg, &changed);
        if (err < 0)
            break;
        err = user_cmpxchg32(addr, seen, changed, old);
        if (err == 0 && *old == seen)
            return 0;
        seen = *old;
    }
    return err;
}

static long futex_wake_op(uaddr_t addr, uaddr_t addr2, bool is_private, int wake, int wake2,
                          uint32_t encoded)
{
    int32_t arg = (int32_t)(encoded << 20) >> 20;
    struct futex_key key, key2;
    struct futex_bucket *b, *b2;
    irqflags_t flags;
    uint32_t old;
    int err, n, is_true;

    err = key_of(addr, is_private, &key);
    if (err == 0)
        err = key_of(addr2, is_private, &key2);
    if (err == 0)
        err = change_word(addr2, encoded, &old);
    if (err < 0)
        return err;
    is_true = compare(encoded >> 24 & 15, (int32_t)old, arg);
    if (is_true < 0)
        return is_true;
    b = bucket_of(&key);
    b2 = bucket_of(&key2);
    flags = lock_both(b, b2);
    n = wake_matching(b, &key, FUTEX_BITSET_MATCH_ANY, wake);
    if (is_true)
        n += wake_matching(b2, &key2, FUTEX_BITSET_MATCH_ANY, wake2);
    unlock_both(b, b2, flags);
    return n;
}

/* Priority inheritance is not offered: -ENOSYS, which glibc passes on. */
long sys_futex(uaddr_t addr, int op, uint32_t val, uint64_t timeout, uaddr_t addr2, uint32_t val3)
{
    bool is_private = (op & FUTEX_PRIVATE_FLAG) != 0;
    int cmd = op & FUTEX_CMD_MASK;

    if ((op & FUTEX_CLOCK_REALTIME) && cmd != FUTEX_WAIT_BITSET)
        return -ENOSYS;
    switch (cmd) {
    case FUTEX_WAIT:
        return futex_wait(addr, op, val, timeout, FUTEX_BITSET_MATCH_ANY);
    case FUTEX_WAIT_BITSET:
        return futex_wait(addr, op, val, timeout, val3);
    case FUTEX_WAKE:
        return futex_wake(addr, is_private, (int)val, FUTEX_BITSET_MATCH_ANY);
    case FUTEX_WAKE_BITSET:
        return futex_wake(addr, is_private, (int)val, val3);
    case FUTEX_REQUEUE:
        return futex_requeue(addr, addr2, is_private, (int)val, (int)timeout, NULL);
    case FUTEX_CMP_REQUEUE:
        return futex_requeue(addr, addr2, is_private, (int)val, (int)timeout, &val3);
    case FUTEX_WAKE_OP:
        return futex_wake_op(addr, addr2, is_private, (int)val, (int)timeout, val3);
    default:
        return -ENOSYS;
    }
}

/* ---- robust locks ---- */

#define ROBUST_LIST_LIMIT 2048
#define ROBUST_PI         1ULL

long sys_set_robust_list(uaddr_t head, size_t len)
{
    if (len != sizeof(struct abi_robust_list_head))
        return -EINVAL;
    current->robust_list = head;
    current->robust_list_len = len;
    return 0;
}

long sys_get_robust_list(int tid, uaddr_t head, uaddr_t len)
{
    struct thread *t = tid == 0 ? current : thread_find(tid);
    uint64_t list, size = sizeof(struct abi_robust_list_head);
    bool allowed;

    if (t == NULL)
        return -ESRCH;
    allowed = t == current || may_inspect(t);
    list = t->robust_list;
    if (tid != 0)
        thread_put(t);
    if (!allowed)
        return -EPERM;
    if (put_user(len, size) < 0 || put_user(head, list) < 0)
        return -EFAULT;
    return 0;
}

/* A lock whose holder is gone: the next one to take it is told. */
static void orphan_lock(uaddr_t word, uint32_t tid)
{
    uint32_t value, seen;

    if (get_user(&value, word) < 0)
        return;
    while ((value & FUTEX_TID_MASK) == tid) {
        if (user_cmpxchg32(word, value, (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED, &seen) < 0)
            return;
        if (seen == value) {
            if (value & FUTEX_WAITERS)
                (void)futex_wake(word, false, 1, FUTEX_BITSET_MATCH_ANY); /* nobody is fine too */
            return;
        }
        value = seen;
    }
}

/*
 * The lock that the thread was about to take or to give back. It may have died between giving it back and
 * waking the next one, or woken up and not yet the owner: with no owner somebody has to be woken.
 */
static void orphan_pending(uaddr_t word, uint32_t tid)
{
    uint32_t value;

    if (get_user(&value, word) == 0 && (value & FUTEX_TID_MASK) == 0)
        (void)futex_wake(word, false, 1, FUTEX_BITSET_MATCH_ANY);
    else
        orphan_lock(word, tid);
}

/* The list is the program's, and may be a ring of nonsense: it is followed so far and no further. */
void futex_exit_robust(struct thread *t)
{
    uint32_t tid = (uint32_t)pid_nr_current(t->pid);
    struct abi_robust_list_head head;
    uaddr_t entry;

    if (t->robust_list == 0 || get_user(&head, t->robust_list) < 0)
        return;
    entry = head.next;
    for (int i = 0; i < ROBUST_LIST_LIMIT && (entry & ~ROBUST_PI) != t->robust_list; i++) {
        uint64_t next;

        if (get_user(&next, entry & ~ROBUST_PI) < 0)
            return;
        if (entry != head.pending)
            orphan_lock((entry & ~ROBUST_PI) + (uint64_t)head.futex_offset, tid);
        entry = next;
    }
    if (head.pending != 0)
        orphan_pending((head.pending & ~ROBUST_PI) + (uint64_t)head.futex_offset, tid);
}

int futex_wake_user(uaddr_t addr, unsigned n)
{
    long woken = futex_wake(addr, false, (int)n, FUTEX_BITSET_MATCH_ANY);

    return woken < 0 ? -EFAULT : 0;
}
