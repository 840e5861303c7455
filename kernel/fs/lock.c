/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * File locks: fcntl(2) record locks, owned by the descriptor table; the open
 * file description locks of the same call, and flock(2), owned by the open
 * file. The three kinds live in lists of the inode; flock's is separate and
 * does not see the others, as on Linux.
 *
 * A waiter joins the inode's wait queue first and tries after, so that no
 * release is missed. Waiters for record locks are also in a table by owner that
 * says whose lock each waits for: following it finds a cycle before it closes
 * (-EDEADLK), unless the way round is longer than Linux looks.
 */
#include "vfs.h"

#include "lock_range.h"

#include <kernel/abi/fs.h>

struct file_locks {           /* inode->locks; made with the first lock, freed with the inode */
    struct list_node records; /* [locks_lock] struct lock_range */
    struct list_node flocks;  /* [locks_lock] struct lock_range over the whole file */
    struct wait_queue wq;
};

struct waiter {
    struct list_node link; /* [locks_lock] */
    const void *owner, *blocker;
};

static struct spinlock locks_lock = SPINLOCK_INIT;
#define WAITER_BUCKETS 128
static struct list_node waiters[WAITER_BUCKETS]; /* [locks_lock] struct waiter.link by owner */
static struct kmem_cache *range_cache;

void lock_init(void)
{
    for (unsigned i = 0; i < WAITER_BUCKETS; i++)
        list_init(&waiters[i]);
    range_cache = kmem_cache_create("file_lock", sizeof(struct lock_range), 8);
}

/* ---- an inode's locks ---- */

static struct file_locks *locks_of(struct inode *inode)
{
    struct file_locks *l = __atomic_load_n(&inode->locks, __ATOMIC_ACQUIRE);
    void *none = NULL;

    if (l != NULL)
        return l;
    l = kalloc_for(current_cgroup(), sizeof(*l));
    if (l == NULL)
        return NULL;
    list_init(&l->records);
    list_init(&l->flocks);
    wait_queue_init(&l->wq);
    if (!__atomic_compare_exchange_n(&inode->locks, &none, (void *)l, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE)) {
        kfree(l);
        l = none;
    }
    return l;
}

static void free_ranges(struct list_node *freed)
{
    struct lock_range *r, *next;

    list_for_each_safe(r, next, freed, link) kmem_cache_free(range_cache, r);
}

void locks_free_inode(struct inode *inode)
{
    struct file_locks *l = inode->locks;

    if (l == NULL)
        return;
    free_ranges(&l->records);
    free_ranges(&l->flocks);
    kfree(l);
}

/* ---- deadlocks ---- */

#define DEADLOCK_STEPS 11

static struct list_node *bucket_of(const void *owner)
{
    return &waiters[(uintptr_t)owner * 0x9e3779b97f4a7c15ULL >> 57];
}
_Static_assert(WAITER_BUCKETS == 1 << 7, "bucket_of() keeps seven bits");

/* [locks_lock] Whom does `owner` wait for? NULL: nobody. */
static const void *blocker_of(const void *owner)
{
    const struct waiter *w;

    list_for_each(w, bucket_of(owner), link)
    {
        if (w->owner == owner)
            return w->blocker;
    }
    return NULL;
}

/* [locks_lock] Would `owner`, waiting for `blocker`, wait for itself? */
static bool closes_cycle(const void *owner, const void *blocker)
{
    for (unsigned steps = 0; steps < DEADLOCK_STEPS && blocker != NULL; steps++) {
        blocker = blocker_of(blocker);
        if (blocker == owner)
            return true;
    }
    return false;
}

/* ---- setting ---- */

enum wait_mode { LOCK_TRY, LOCK_WAIT, LOCK_WAIT_CHECKED };

/* -EAGAIN: somebody else's lock is in the way; with LOCK_WAIT_CHECKED the waiter is in the
 * table then. */
static int try_set(struct file_locks *l, struct list_node *held, const struct lock_range *want,
                   struct lock_range *spare[2], enum wait_mode mode, struct waiter *w)
{
    struct list_node freed = LIST_INIT(freed);
    irqflags_t flags = spin_lock(&locks_lock);
    struct lock_range *conflict = lock_range_conflict(held, want);
    bool released = false;
    int err = 0;

    list_remove(&w->link);
    if (conflict == NULL) {
        released = lock_range_set(held, want, spare, &freed);
    } else if (mode == LOCK_WAIT_CHECKED && closes_cycle(want->owner, conflict->owner)) {
        err = -EDEADLK;
    } else {
        err = -EAGAIN;
        if (mode == LOCK_WAIT_CHECKED) {
            w->owner = want->owner;
            w->blocker = conflict->owner;
            list_add_tail(bucket_of(w->owner), &w->link);
        }
    }
    spin_unlock(&locks_lock, flags);
    free_ranges(&freed);
    if (released)
        wake_up(&l->wq);
    return err;
}

static void forget_waiter(struct waiter *w)
{
    irqflags_t flags = spin_lock(&locks_lock);

    list_remove(&w->link);
    spin_unlock(&locks_lock, flags);
}

static int wait_set(struct file_locks *l, struct list_node *held, const struct lock_range *want,
                    struct lock_range *spare[2], enum wait_mode mode)
{
    struct waiter w = {.link = LIST_INIT(w.link)};
    struct wait_entry e;
    int err;

    if (mode == LOCK_TRY)
        return try_set(l, held, want, spare, mode, &w);
    wait_entry_init(&e, NULL);
    for (;;) {
        wait_prepare(&l->wq, &e, WAIT_INTERRUPTIBLE);
        err = try_set(l, held, want, spare, mode, &w);
        if (err != -EAGAIN)
            break;
        err = wait_sleep(WAIT_INTERRUPTIBLE, 0);
        if (err < 0)
            break;
    }
    wait_finish(&e);
    forget_waiter(&w);
    return err;
}

static int set_lock(struct file_locks *l, struct list_node *held, const struct lock_range *want,
                    enum wait_mode mode)
{
    struct cgroup *cg = current_cgroup();
    struct lock_range *spare[2] = {
        kmem_cache_zalloc_for(range_cache, cg),
        kmem_cache_zalloc_for(range_cache, cg),
    };
    int err = -ENOLCK;

    if (spare[0] != NULL && spare[1] != NULL)
        err = wait_set(l, held, want, spare, mode);
    for (unsigned i = 0; i < 2; i++) {
        if (spare[i] != NULL)
            kmem_cache_free(range_cache, spare[i]);
    }
    return err;
}

/* ---- removing everything of one owner ---- */

static void remove_owner(struct file_locks *l, struct list_node *held, const void *owner)
{
    struct list_node freed = LIST_INIT(freed);
    irqflags_t flags = spin_lock(&locks_lock);
    struct lock_range *r, *next;

    list_for_each_safe(r, next, held, link)
    {
        if (r->owner == owner) {
            list_remove(&r->link);
            list_add_tail(&freed, &r->link);
        }
    }
    spin_unlock(&locks_lock, flags);
    if (list_is_empty(&freed))
        return;
    free_ranges(&freed);
    wake_up(&l->wq);
}

/* fcntl(2): closing any descriptor of a file gives up all of the process's record locks on it. */
void locks_remove_posix(struct file *f, struct files *owner)
{
    struct file_locks *l = f->inode->locks;

    remove_owner(l, &l->records, owner);
}

void locks_remove_file(struct file *f)
{
    struct file_locks *l = f->inode->locks;

    remove_owner(l, &l->records, f);
    remove_owner(l, &l->flocks, f);
}

/* ---- fcntl(2) ---- */

static bool is_ofd(unsigned cmd)
{
    return cmd >= F_OFD_GETLK && cmd <= F_OFD_SETLKW;
}

/* The range of a struct flock: lengths may be negative, 0 means "to the end of everything". */
static int range_from_abi(struct file *f, const struct abi_flock *a, struct lock_range *out)
{
    off_t base = 0, start, end;

    if (a->l_whence == 1)
        base = f->pos;
    else if (a->l_whence == 2)
        base = (off_t)READ_ONCE(f->inode->size);
    else if (a->l_whence != 0)
        return -EINVAL;
    if (add_overflows(base, a->l_start, &start))
        return -EOVERFLOW;
    if (start < 0)
        return -EINVAL;
    if (a->l_len > 0) {
        if (add_overflows(start, a->l_len - 1, &end))
            return -EOVERFLOW;
    } else if (a->l_len < 0) {
        if (start + a->l_len < 0)
            return -EINVAL;
        end = start - 1;
        start += a->l_len;
    } else {
        end = INT64_MAX;
    }
    out->start = (uint64_t)start;
    out->end = (uint64_t)end;
    return 0;
}

static int type_from_abi(const struct abi_flock *a, enum lock_type *out)
{
    static const enum lock_type types[] = {
        [F_RDLCK] = LOCK_READ, [F_WRLCK] = LOCK_WRITE, [F_UNLCK] = LOCK_NONE};

    if (a->l_type < 0 || (size_t)a->l_type >= ARRAY_SIZE(types))
        return -EINVAL;
    *out = types[a->l_type];
    return 0;
}

/* A lock may outlive the process that set it, so the lock has a number only. */
static int own_pid(void)
{
    return pid_nr_in(current_process()->pid, &pid_ns_init);
}

/* The number by which the current process knows a lock's owner; 0: it does not see it. */
static int translate_pid(int global)
{
    const struct pid *me = current_process()->pid;
    const struct pid_ns *ns = me->numbers[me->level].ns;
    struct pid *pid;
    int nr;

    if (global < 0 || ns == &pid_ns_init)
        return global;
    pid = pid_find(&pid_ns_init, global);
    if (pid == NULL)
        return 0;
    nr = pid_nr_in(pid, ns);
    pid_put(pid);
    return nr;
}

static long get_lock(struct file_locks *l, const struct lock_range *want, struct abi_flock *a,
                     uaddr_t arg)
{
    irqflags_t flags = spin_lock(&locks_lock);
    const struct lock_range *c = lock_range_conflict(&l->records, want);

    if (c == NULL) {
        a->l_type = F_UNLCK;
    } else {
        a->l_type = c->type == LOCK_READ ? F_RDLCK : F_WRLCK;
        a->l_whence = 0;
        a->l_start = (int64_t)c->start;
        a->l_len = c->end == INT64_MAX ? 0 : (int64_t)(c->end - c->start + 1);
        a->l_pid = c->pid;
    }
    spin_unlock(&locks_lock, flags);
    if (c != NULL)
        a->l_pid = translate_pid(a->l_pid);
    return copy_to_user(arg, a, sizeof(*a));
}

long lock_fcntl(struct file *f, unsigned cmd, uaddr_t arg)
{
    struct lock_range want = {.owner = is_ofd(cmd) ? (const void *)f : current->files};
    enum wait_mode mode = LOCK_TRY;
    struct file_locks *l;
    struct abi_flock a;
    int err;

    if (get_user(&a, arg) < 0)
        return -EFAULT;
    err = type_from_abi(&a, &want.type);
    if (err == 0)
        err = range_from_abi(f, &a, &want);
    if (err < 0)
        return err;
    if (is_ofd(cmd) && a.l_pid != 0)
        return -EINVAL;
    want.pid = is_ofd(cmd) ? -1 : own_pid();
    l = locks_of(f->inode);
    if (l == NULL)
        return -ENOLCK;

    if (cmd == F_GETLK || cmd == F_OFD_GETLK)
        return want.type == LOCK_NONE ? -EINVAL : get_lock(l, &want, &a, arg);
    if ((want.type == LOCK_READ && !f->can_read) || (want.type == LOCK_WRITE && !f->can_write))
        return -EBADF;
    if (cmd == F_SETLKW)
        mode = LOCK_WAIT_CHECKED;
    else if (cmd == F_OFD_SETLKW)
        mode = LOCK_WAIT;
    return set_lock(l, &l->records, &want, mode);
}

/* ---- flock(2) ---- */

long sys_flock(int fd, unsigned op)
{
    struct file *f = fd_get(fd);
    struct lock_range want = {.start = 0, .end = UINT64_MAX, .owner = f, .pid = -1};
    struct file_locks *l;
    long err = -EINVAL;

    if (f == NULL)
        return -EBADF;
    switch (op & ~LOCK_NB) {
    case LOCK_SH:
        want.type = LOCK_READ;
        break;
    case LOCK_EX:
        want.type = LOCK_WRITE;
        break;
    case LOCK_UN:
        want.type = LOCK_NONE;
        break;
    default:
        err = op & LOCK_MAND ? 0 : -EINVAL; /* mandatory locks are accepted, and do nothing */
        goto put;
    }
    l = locks_of(f->inode);
    err = -ENOLCK;
    if (l != NULL)
        err = set_lock(l, &l->flocks, &want, op & LOCK_NB ? LOCK_TRY : LOCK_WAIT);
put:
    file_put(f);
    return err;
}
