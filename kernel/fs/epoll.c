/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epoll(7).
 *
 * An epoll holds items, one per file and descriptor number; an item stays on
 * the wait queues of its file, whose wake-ups put it on the ready list. A wait
 * takes items off that list, asks each file what is really ready, and puts
 * level-triggered ones back.
 *
 *     struct epoll ── items (tree) ── struct item ── struct file
 *          └────────── ready (list) ────┘  └─ wait entries on the file's queues
 *
 * An item holds no reference to its file: the last file_put() removes the
 * file's items (epoll_forget_file()). All that links items with files is done
 * under epoll_mutex, so neither can go away under the other's hands; it also
 * makes the search for cycles of nested epolls see a tree that holds still.
 *
 * Locks: epoll_mutex, then epoll.mutex (outer epoll before inner), then
 * whatever ->poll() takes; wake-ups come under the file's wait-queue lock and
 * take epoll.ready_lock, then the epoll's own wait queues.
 */
#include <kernel/cgroup.h>
#include <kernel/files.h>
#include <kernel/fs.h>
#include <kernel/proc.h>
#include <kernel/rbtree.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>

#include "poll.h"

#define EPOLL_CTL_ADD 1
#define EPOLL_CTL_DEL 2
#define EPOLL_CTL_MOD 3

#define EPOLLEXCLUSIVE (1u << 28)
#define EPOLLWAKEUP    (1u << 29)
#define EPOLLONESHOT   (1u << 30)
#define EPOLLET        (1u << 31)
#define EPOLL_PRIVATE  (EPOLLEXCLUSIVE | EPOLLWAKEUP | EPOLLONESHOT | EPOLLET) /* not events */
#define EPOLL_EXCLUSIVE_OK                                                                         \
    (POLLIN | POLLOUT | POLLERR | POLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)

#define EVENTS_ALWAYS   (POLLERR | POLLHUP)
#define NESTING_MAX     5  /* epolls in epolls: wake-ups pass through all of them */
#define PARENTS_MAX     10 /* epolls that watch the same epoll: a wake-up goes to all of theirs */
#define MAX_EVENTS      (INT32_MAX / (int)sizeof(struct epoll_event))
#define QUEUES_PER_FILE 2 /* no file here has more than a read and a write queue */

struct epoll_event {
    uint32_t events;
    uint64_t data;
} __packed;
_Static_assert(sizeof(struct epoll_event) == 12, "epoll ABI");

/* [E] epoll_mutex, [m] epoll.mutex, [r] epoll.ready_lock. */
struct epoll {
    struct mutex mutex;
    struct rb_root items; /* [m] by file and descriptor */
    struct spinlock ready_lock;
    struct list_node ready;    /* [r] items that may have something */
    bool is_scanning;          /* [r] what was ready is off the list while its files are asked */
    struct wait_queue wq;      /* epoll_wait(2) */
    struct wait_queue poll_wq; /* who polls the epoll itself */
    struct file *file;         /* [I] borrowed: its private is this */
    uint64_t seen_in;          /* [E] check_nesting() */
    unsigned seen_depth;       /* [E] */
};

struct item {
    struct rb_node node;         /* [m] */
    struct list_node ready_link; /* [r] empty: not on the list */
    struct list_node file_link;  /* [E] in file->epoll_items */
    struct epoll *ep;            /* [I] */
    struct file *file;           /* [I] borrowed, see above */
    int fd;                      /* [I] */
    struct epoll_event event;    /* [m]; events also read by wake-ups */
    unsigned nwaits;             /* [I] once added */
    struct wait_entry waits[QUEUES_PER_FILE];
};

static struct mutex epoll_mutex = MUTEX_INIT(epoll_mutex);
static const struct file_ops epoll_fops;

static struct epoll *epoll_of(const struct file *f)
{
    return f->ops == &epoll_fops ? f->private : NULL;
}

/* ---- the ready list ---- */

/* True: it was not on the list. */
static bool make_ready(struct item *it)
{
    struct epoll *ep = it->ep;
    irqflags_t flags = spin_lock(&ep->ready_lock);
    bool is_new = list_is_empty(&it->ready_link);

    if (is_new)
        list_add_tail(&ep->ready, &it->ready_link);
    spin_unlock(&ep->ready_lock, flags);
    return is_new;
}

static void make_unready(struct item *it)
{
    irqflags_t flags = spin_lock(&it->ep->ready_lock);

    list_remove(&it->ready_link);
    spin_unlock(&it->ep->ready_lock, flags);
}

/* Or may turn out to have: who takes it at its word waits for the end of the scan. */
static bool has_ready(struct epoll *ep)
{
    irqflags_t flags = spin_lock(&ep->ready_lock);
    bool yes = ep->is_scanning || !list_is_empty(&ep->ready);

    spin_unlock(&ep->ready_lock, flags);
    return yes;
}

/* [m] Take what is ready for a look at each: take_item(). */
static void begin_scan(struct epoll *ep, struct list_node *work)
{
    irqflags_t flags = spin_lock(&ep->ready_lock);

    list_splice_tail(work, &ep->ready);
    ep->is_scanning = !list_is_empty(work); /* scans of nothing must not keep each other going */
    spin_unlock(&ep->ready_lock, flags);
}

/* [m] The next item of the list that is worked through; NULL: done. */
static struct item *take_item(struct epoll *ep, struct list_node *work)
{
    irqflags_t flags = spin_lock(&ep->ready_lock);
    struct item *it = NULL;

    if (!list_is_empty(work)) {
        it = list_first(work, struct item, ready_link);
        list_remove(&it->ready_link);
    }
    spin_unlock(&ep->ready_lock, flags);
    return it;
}

/* [m] What was not looked at stays in front. */
static void end_scan(struct epoll *ep, struct list_node *work)
{
    irqflags_t flags = spin_lock(&ep->ready_lock);

    list_splice_tail(work, &ep->ready);
    list_splice_tail(&ep->ready, work);
    ep->is_scanning = false;
    spin_unlock(&ep->ready_lock, flags);
}

static void wake_waiters(struct epoll *ep)
{
    wake_up_one(&ep->wq);
    wake_up_events(&ep->poll_wq, POLLIN | POLLRDNORM);
}

/* A file's wait queue was woken. */
static void item_wake(struct wait_entry *wait, uint32_t events)
{
    struct item *it = wait->private;
    uint32_t wanted = READ_ONCE(it->event.events);

    if ((wanted & ~EPOLL_PRIVATE) == 0) /* a one-shot that has fired */
        return;
    if ((events & (wanted | EVENTS_ALWAYS) & ~EPOLL_PRIVATE) == 0)
        return;
    (void)make_ready(it);
    wake_waiters(it->ep);
}

/* ---- items ---- */

static int compare(const struct file *f, int fd, const struct item *it)
{
    if (f != it->file)
        return f < it->file ? -1 : 1;
    return fd < it->fd ? -1 : fd > it->fd;
}

static struct item *find_item(struct epoll *ep, const struct file *f, int fd)
{
    struct rb_node *n = ep->items.node;

    while (n != NULL) {
        struct item *it = rb_entry(n, struct item, node);
        int c = compare(f, fd, it);

        if (c == 0)
            return it;
        n = c < 0 ? n->left : n->right;
    }
    return NULL;
}

static void insert_item(struct epoll *ep, struct item *it)
{
    struct rb_node **where = &ep->items.node, *parent = NULL;

    while (*where != NULL) {
        parent = *where;
        where = compare(it->file, it->fd, rb_entry(parent, struct item, node)) < 0 ? &parent->left
                                                                                   : &parent->right;
    }
    rb_link(&it->node, parent, where);
    rb_insert_fixup(&ep->items, &it->node);
}

/* poll_wait() of a new item: stay on this queue for good. */
struct joiner {
    struct poll_table table;
    struct item *item;
};

static void join_queue(struct poll_table *pt, struct file *f, struct wait_queue *wq)
{
    struct item *it = container_of(pt, struct joiner, table)->item;
    struct wait_entry *wait;

    (void)f;
    assert(it->nwaits < QUEUES_PER_FILE);
    wait = &it->waits[it->nwaits++];
    wait_entry_init(wait, NULL);
    wait->thread = NULL;
    wait->wake = item_wake;
    wait->private = it;
    wait->exclusive = (it->event.events & EPOLLEXCLUSIVE) != 0;
    wait_add(wq, wait);
}

static uint32_t ask(struct item *it, struct poll_table *pt)
{
    uint32_t events = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;

    if (it->file->ops->poll != NULL)
        events = it->file->ops->poll(it->file, pt);
    return events & (it->event.events | EVENTS_ALWAYS) & ~EPOLL_PRIVATE;
}

/* [E, m] */
static void remove_item(struct item *it)
{
    for (unsigned i = 0; i < it->nwaits; i++)
        wait_remove(&it->waits[i]);
    make_unready(it);
    rb_erase(&it->ep->items, &it->node);
    list_remove(&it->file_link);
    kfree(it);
}

/* ---- epolls in epolls ---- */

/*
 * Nothing may form a cycle, and a wake-up must reach the top in a few steps. The
 * tree holds still under epoll_mutex; `round` marks what one search has seen, so
 * that many ways to the same epoll are walked once.
 */
static uint64_t search_round; /* [E] */

/* [E] How many epolls are on the longest way down from ep? Past the limit when `target` is met. */
static unsigned depth_below(struct epoll *ep, const struct epoll *target, unsigned level)
{
    unsigned deepest = 0;

    if (ep == target || level > NESTING_MAX)
        return NESTING_MAX;
    if (ep->seen_in == search_round)
        return ep->seen_depth;
    for (struct rb_node *n = rb_first(&ep->items); n != NULL; n = rb_next(n)) {
        struct epoll *inner = epoll_of(rb_entry(n, struct item, node)->file);

        if (inner != NULL)
            deepest = max(deepest, 1 + depth_below(inner, target, level + 1));
        if (deepest >= NESTING_MAX)
            break;
        cond_resched();
    }
    ep->seen_in = search_round;
    ep->seen_depth = deepest;
    return deepest;
}

/* [E] And up? Each is watched by PARENTS_MAX others at most, so this stays small. */
static unsigned depth_above(struct epoll *ep, unsigned level)
{
    unsigned highest = 0;
    struct item *it;

    if (level > NESTING_MAX)
        return NESTING_MAX;
    list_for_each(it, &ep->file->epoll_items, file_link) highest =
        max(highest, 1 + depth_above(it->ep, level + 1));
    return highest;
}

/* [E] May `outer` watch f? */
static int check_nesting(struct epoll *outer, struct file *f)
{
    struct epoll *inner = epoll_of(f);
    unsigned parents = 0;
    struct item *it;

    if (inner == NULL)
        return 0;
    list_for_each(it, &f->epoll_items, file_link) parents++;
    if (parents >= PARENTS_MAX)
        return -EINVAL;
    search_round++;
    if (depth_below(inner, outer, 1) + 1 + depth_above(outer, 1) >= NESTING_MAX)
        return -ELOOP;
    return 0;
}

/* ---- epoll_ctl ---- */

/* [E, m] */
static int ctl_add(struct epoll *ep, struct file *f, int fd, const struct epoll_event *ev)
{
    struct joiner joiner = {.table = {.queue = join_queue, .outlives_caller = true}};
    struct item *it = kalloc_for(current_cgroup(), sizeof(*it));

    if (it == NULL)
        return -ENOMEM;
    it->ep = ep;
    it->file = f;
    it->fd = fd;
    it->event = *ev;
    it->event.events |= EVENTS_ALWAYS;
    list_init(&it->ready_link);
    insert_item(ep, it);
    list_add_tail(&f->epoll_items, &it->file_link);

    joiner.item = it;
    if (ask(it, &joiner.table) != 0 && make_ready(it))
        wake_waiters(ep);
    return 0;
}

/* [m] */
static int ctl_mod(struct item *it, const struct epoll_event *ev)
{
    it->event.data = ev->data;
    WRITE_ONCE(it->event.events, ev->events | EVENTS_ALWAYS);
    /* Wake-ups see the new events, or we see what they did. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (ask(it, NULL) != 0 && make_ready(it))
        wake_waiters(it->ep);
    return 0;
}

/* [E, m] */
static int ctl_locked(struct epoll *ep, int op, struct file *f, int fd,
                      const struct epoll_event *ev)
{
    struct item *it = find_item(ep, f, fd);

    switch (op) {
    case EPOLL_CTL_ADD:
        return it != NULL ? -EEXIST : ctl_add(ep, f, fd, ev);
    case EPOLL_CTL_DEL:
        if (it == NULL)
            return -ENOENT;
        remove_item(it);
        return 0;
    case EPOLL_CTL_MOD:
        if (it == NULL)
            return -ENOENT;
        if (it->event.events & EPOLLEXCLUSIVE)
            return -EINVAL;
        return ctl_mod(it, ev);
    default:
        return -EINVAL;
    }
}

static int check_exclusive(int op, const struct file *f, const struct epoll_event *ev)
{
    if (!(ev->events & EPOLLEXCLUSIVE) || op == EPOLL_CTL_DEL)
        return 0;
    if (op == EPOLL_CTL_MOD)
        return -EINVAL;
    if (op == EPOLL_CTL_ADD && (epoll_of(f) != NULL || (ev->events & ~EPOLL_EXCLUSIVE_OK) != 0))
        return -EINVAL;
    return 0;
}

static int ctl_files(struct file *epf, int op, struct file *f, int fd, const struct epoll_event *ev)
{
    struct epoll *ep = epoll_of(epf);
    int err;

    if (f->ops->poll == NULL)
        return -EPERM; /* regular files and directories are always ready */
    if (epf == f || ep == NULL)
        return -EINVAL;
    err = check_exclusive(op, f, ev);
    if (err < 0)
        return err;

    mutex_lock(&epoll_mutex);
    if (op == EPOLL_CTL_ADD)
        err = check_nesting(ep, f);
    if (err == 0) {
        mutex_lock(&ep->mutex);
        err = ctl_locked(ep, op, f, fd, ev);
        mutex_unlock(&ep->mutex);
    }
    mutex_unlock(&epoll_mutex);
    return err;
}

long sys_epoll_ctl(int epfd, int op, int fd, uaddr_t event)
{
    struct epoll_event ev = {0};
    struct file *epf, *f;
    long err = -EBADF;

    if (op != EPOLL_CTL_DEL && copy_from_user(&ev, event, sizeof(ev)) < 0)
        return -EFAULT;
    epf = fd_get(epfd);
    if (epf == NULL)
        return -EBADF;
    f = fd_get(fd);
    if (f != NULL) {
        err = ctl_files(epf, op, f, fd, &ev);
        file_put(f);
    }
    file_put(epf);
    return err;
}

/* ---- epoll_wait ---- */

/*
 * Report up to `max` ready items; how many, or -EFAULT. An item leaves the list
 * before its file is asked, so a wake-up during that puts it back: none is lost.
 */
static int report_ready(struct epoll *ep, uaddr_t user, int max_events)
{
    struct list_node work = LIST_INIT(work);
    struct item *it;
    int n = 0, err = 0;

    mutex_lock(&ep->mutex);
    begin_scan(ep, &work);
    while (n < max_events && (it = take_item(ep, &work)) != NULL) {
        struct epoll_event ev = {.events = ask(it, NULL), .data = it->event.data};

        cond_resched();
        if (ev.events == 0)
            continue;
        if (copy_to_user(user + (uaddr_t)n * sizeof(ev), &ev, sizeof(ev)) < 0) {
            (void)make_ready(it);
            err = -EFAULT;
            break;
        }
        n++;
        if (it->event.events & EPOLLONESHOT)
            WRITE_ONCE(it->event.events, it->event.events & EPOLL_PRIVATE);
        else if (!(it->event.events & EPOLLET))
            (void)make_ready(it); /* level-triggered: at the end of the list, to be fair */
    }
    end_scan(ep, &work);
    mutex_unlock(&ep->mutex);
    return n > 0 ? n : err;
}

/* Wait until something may be ready. Waiters are woken one at a time. */
static int wait_ready(struct epoll *ep, uint64_t deadline)
{
    struct wait_entry e;
    int err = 0;

    wait_entry_init(&e, NULL);
    e.exclusive = true;
    for (;;) {
        wait_prepare(&ep->wq, &e, WAIT_INTERRUPTIBLE);
        if (has_ready(ep)) {
            err = 0;
            break;
        }
        if (err != 0)
            break;
        err = wait_sleep(WAIT_INTERRUPTIBLE, deadline == UINT64_MAX ? 0 : deadline);
    }
    wait_finish(&e);
    return err;
}

static long epoll_wait_file(struct file *f, uaddr_t events, int max_events, uint64_t deadline)
{
    struct epoll *ep = epoll_of(f);
    int n = 0, err;

    if (ep == NULL)
        return -EINVAL;
    for (;;) {
        if (has_ready(ep))
            n = report_ready(ep, events, max_events);
        if (n != 0 || deadline == 0)
            break;
        err = wait_ready(ep, deadline);
        if (err == -ETIMEDOUT)
            deadline = 0; /* one last look */
        else if (err < 0) {
            n = -EINTR;
            break;
        }
    }
    if (has_ready(ep)) /* this wake-up may have been meant for more than one */
        wake_up_one(&ep->wq);
    return n;
}

static long do_epoll_wait(int epfd, uaddr_t events, int max_events, uint64_t deadline)
{
    struct file *f;
    long n;

    if (max_events <= 0 || max_events > MAX_EVENTS)
        return -EINVAL;
    if (!user_range_ok(events, (size_t)max_events * sizeof(struct epoll_event)))
        return -EFAULT;
    f = fd_get(epfd);
    if (f == NULL)
        return -EBADF;
    n = epoll_wait_file(f, events, max_events, deadline);
    file_put(f);
    return n;
}

static uint64_t deadline_of_ms(int timeout_ms)
{
    if (timeout_ms < 0)
        return UINT64_MAX;
    return timeout_ms == 0 ? 0 : ktime_ns() + (uint64_t)timeout_ms * NSEC_PER_MSEC;
}

long sys_epoll_wait(int epfd, uaddr_t events, int max_events, int timeout_ms)
{
    return do_epoll_wait(epfd, events, max_events, deadline_of_ms(timeout_ms));
}

long sys_epoll_pwait(int epfd, uaddr_t events, int max_events, int timeout_ms, uaddr_t mask,
                     size_t setsize)
{
    int err = poll_set_mask(mask, setsize);

    if (err < 0)
        return err;
    return do_epoll_wait(epfd, events, max_events, deadline_of_ms(timeout_ms));
}

/* ---- the epoll as a file ---- */

/* Is there really something? Items that are not ready any more leave the list. Not for ever deep:
 * check_nesting(). */
static uint32_t epoll_poll(struct file *f, struct poll_table *pt)
{
    struct epoll *ep = f->private;
    struct list_node work = LIST_INIT(work);
    uint32_t events = 0;
    struct item *it;

    poll_wait(f, &ep->poll_wq, pt);
    mutex_lock(&ep->mutex); /* a wait in progress has the list for itself */
    begin_scan(ep, &work);
    while ((it = take_item(ep, &work)) != NULL) {
        if (ask(it, NULL) != 0) {
            (void)make_ready(it);
            events = POLLIN | POLLRDNORM;
            break;
        }
        cond_resched();
    }
    end_scan(ep, &work);
    mutex_unlock(&ep->mutex);
    return events;
}

/* Every epoll's users wait for epoll_mutex: it is not kept for all the items of a large one. */
static bool remove_some_items(struct epoll *ep)
{
    struct rb_node *n = NULL;

    mutex_lock(&epoll_mutex);
    mutex_lock(&ep->mutex);
    for (unsigned i = 0; i < 64 && (n = rb_first(&ep->items)) != NULL; i++)
        remove_item(rb_entry(n, struct item, node));
    mutex_unlock(&ep->mutex);
    mutex_unlock(&epoll_mutex);
    return n != NULL;
}

static void epoll_release(struct file *f)
{
    struct epoll *ep = f->private;

    while (remove_some_items(ep))
        cond_resched();
    kfree(ep);
}

static const struct file_ops epoll_fops = {
    .poll = epoll_poll,
    .release = epoll_release,
};

void epoll_forget_file(struct file *f)
{
    mutex_lock(&epoll_mutex);
    while (!list_is_empty(&f->epoll_items)) {
        struct item *it = list_first(&f->epoll_items, struct item, file_link);
        struct epoll *ep = it->ep;

        mutex_lock(&ep->mutex);
        remove_item(it);
        mutex_unlock(&ep->mutex);
    }
    mutex_unlock(&epoll_mutex);
}

long sys_epoll_create1(int flags)
{
    struct epoll *ep;
    struct file *f;
    int fd;

    if (flags & ~O_CLOEXEC)
        return -EINVAL;
    ep = kalloc_for(current_cgroup(), sizeof(*ep));
    if (ep == NULL)
        return -ENOMEM;
    mutex_init(&ep->mutex);
    lock_class_nests(&ep->mutex.class, "outer before inner, and nothing watches itself");
    spin_init(&ep->ready_lock);
    list_init(&ep->ready);
    wait_queue_init(&ep->wq);
    wait_queue_init(&ep->poll_wq);
    lock_class_nests(&ep->poll_wq.lock.class, "inner before outer");
    fd = file_create_anon("anon_inode:[eventpoll]", &epoll_fops, ep, O_RDWR, &f);
    if (fd < 0) {
        kfree(ep);
        return fd;
    }
    ep->file = f;
    fd = fd_install(f, flags & O_CLOEXEC ? FD_CLOEXEC : 0, 0);
    if (fd < 0)
        file_put(f);
    return fd;
}

long sys_epoll_create(int size)
{
    return size <= 0 ? -EINVAL : sys_epoll_create1(0);
}
