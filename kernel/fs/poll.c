/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * poll(2), ppoll(2), select(2), pselect6(2).
 *
 * Each file's ->poll() tells which events are ready and names, through
 * poll_wait(), the wait queues on which it will announce others. A struct poller
 * collects those: one entry per queue, whose wake function sets a flag and wakes
 * the poller's own queue. Files are asked again until one has something, the
 * time is up or a signal comes. Once something is ready no more queues are joined.
 */
#include <kernel/cgroup.h>
#include <kernel/files.h>
#include <kernel/fs.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>

#include "poll.h"

#define ENTRIES_INLINE 6
#define FDS_INLINE     16
#define EVENTS_ALWAYS  (POLLERR | POLLHUP)
#define POLLFD_MAX     (1u << 20)

struct poll_entry {
    struct wait_entry wait;
    struct poller *poller; /* [I] */
    struct file *file;     /* counted: keeps the queue */
    uint32_t wanted;       /* [I] */
};

struct poll_chunk { /* entries beyond the first few */
    struct poll_chunk *next;
    unsigned n;
    struct poll_entry entries[];
};
#define CHUNK_ENTRIES ((PAGE_SIZE - sizeof(struct poll_chunk)) / sizeof(struct poll_entry))

struct poller {
    struct poll_table table;
    struct wait_queue wq;
    bool triggered;  /* set by wakers */
    int err;         /* no memory for an entry */
    uint32_t wanted; /* of the file that is being asked */
    unsigned n;
    struct poll_entry first[ENTRIES_INLINE];
    struct poll_chunk *chunks;
};

static void poll_wake(struct wait_entry *wait, uint32_t events)
{
    struct poll_entry *e = container_of(wait, struct poll_entry, wait);

    if ((events & e->wanted) == 0)
        return;
    WRITE_ONCE(e->poller->triggered, true);
    wake_up(&e->poller->wq);
}

static struct poll_entry *new_entry(struct poller *p)
{
    if (p->n < ENTRIES_INLINE)
        return &p->first[p->n++];
    if (p->chunks == NULL || p->chunks->n == CHUNK_ENTRIES) {
        struct poll_chunk *c = kalloc_for(current_cgroup(), PAGE_SIZE);

        if (c == NULL)
            return NULL;
        c->next = p->chunks;
        p->chunks = c;
    }
    return &p->chunks->entries[p->chunks->n++];
}

static void poll_queue(struct poll_table *pt, struct file *f, struct wait_queue *wq)
{
    struct poller *p = container_of(pt, struct poller, table);
    struct poll_entry *e = new_entry(p);

    if (e == NULL) {
        p->err = -ENOMEM;
        return;
    }
    file_get(f);
    e->file = f;
    e->poller = p;
    e->wanted = p->wanted;
    wait_entry_init(&e->wait, NULL);
    e->wait.wake = poll_wake;
    wait_add(wq, &e->wait);
}

static void poller_init(struct poller *p)
{
    p->table = (struct poll_table){.queue = poll_queue};
    wait_queue_init(&p->wq);
    p->triggered = false;
    p->err = 0;
    p->wanted = 0;
    p->n = 0;
    p->chunks = NULL;
}

static void leave_queue(struct poll_entry *e)
{
    wait_remove(&e->wait);
    file_put(e->file);
}

static void poller_fini(struct poller *p)
{
    for (unsigned i = 0; i < p->n; i++)
        leave_queue(&p->first[i]);
    while (p->chunks != NULL) {
        struct poll_chunk *c = p->chunks;

        for (unsigned i = 0; i < c->n; i++)
            leave_queue(&c->entries[i]);
        p->chunks = c->next;
        kfree(c);
        cond_resched();
    }
}

/* Events of this descriptor that are wanted now; POLLNVAL: not open. */
static uint32_t ask(struct poller *p, int fd, uint32_t wanted, bool join)
{
    struct file *f = fd_get(fd);
    uint32_t events = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM; /* of files that always are */

    if (f == NULL)
        return POLLNVAL;
    wanted |= EVENTS_ALWAYS;
    p->wanted = wanted;
    if (f->ops->poll != NULL)
        events = f->ops->poll(f, join ? &p->table : NULL);
    file_put(f);
    return events & wanted;
}

/* One round over all descriptors: how many have something. `join`: enter their queues, too. */
typedef int (*scan_fn)(struct poller *p, void *what, bool join);

/*
 * The loop that all four calls share. deadline_ns of ktime_ns(); POLL_FOREVER, POLL_NOW.
 * How many descriptors are ready, 0 when the time is up, -ERESTARTNOHAND, -ENOMEM.
 */
#define POLL_FOREVER UINT64_MAX
#define POLL_NOW     0

static int poll_loop(scan_fn scan, void *what, uint64_t deadline_ns)
{
    struct poller p;
    bool join = deadline_ns != POLL_NOW;
    int n;

    poller_init(&p);
    for (;;) {
        int err;

        WRITE_ONCE(p.triggered, false);
        n = scan(&p, what, join);
        join = false;
        if (n != 0 || deadline_ns == POLL_NOW)
            break;
        n = p.err;
        if (n < 0)
            break;
        err = wait_event_deadline(&p.wq, READ_ONCE(p.triggered),
                                  deadline_ns == POLL_FOREVER ? 0 : deadline_ns);
        if (err == -ETIMEDOUT) {
            deadline_ns = POLL_NOW; /* one last look */
        } else if (err < 0) {
            n = -ERESTARTNOHAND;
            break;
        }
    }
    poller_fini(&p);
    return n;
}

/* ---- time limits ---- */

static bool timespec_is_valid(const struct timespec *ts)
{
    return ts->tv_sec >= 0 && ts->tv_nsec >= 0 && (uint64_t)ts->tv_nsec < NSEC_PER_SEC;
}

uint64_t poll_deadline(const struct timespec *ts)
{
    uint64_t ns, deadline;

    if (ts->tv_sec == 0 && ts->tv_nsec == 0)
        return POLL_NOW;
    if (mul_overflows((uint64_t)ts->tv_sec, NSEC_PER_SEC, &ns) ||
        add_overflows(ns, (uint64_t)ts->tv_nsec, &ns) || add_overflows(ns, ktime_ns(), &deadline))
        return POLL_FOREVER;
    return deadline;
}

static struct timespec time_left(uint64_t deadline_ns)
{
    uint64_t now = ktime_ns();
    uint64_t left = deadline_ns > now ? deadline_ns - now : 0;

    return (struct timespec){(int64_t)(left / NSEC_PER_SEC), (int64_t)(left % NSEC_PER_SEC)};
}

/* An optional struct timespec of the user's; *deadline is POLL_FOREVER without one. */
static int deadline_from_user(uaddr_t user, uint64_t *deadline)
{
    struct timespec ts;

    *deadline = POLL_FOREVER;
    if (user == 0)
        return 0;
    if (copy_from_user(&ts, user, sizeof(ts)) < 0)
        return -EFAULT;
    if (!timespec_is_valid(&ts))
        return -EINVAL;
    *deadline = poll_deadline(&ts);
    return 0;
}

/* Linux tells how much of the time is left. If it cannot, the call must not be restarted with the
 * whole of it. */
static long finish_timespec(uaddr_t user, uint64_t deadline, long result)
{
    if (user == 0)
        return result;
    if (put_user(user, time_left(deadline)) < 0 && result == -ERESTARTNOHAND)
        return -EINTR;
    return result;
}

int poll_set_mask(uaddr_t mask, size_t setsize)
{
    sigset_t set;

    if (mask == 0)
        return 0;
    if (setsize != sizeof(set))
        return -EINVAL;
    if (copy_from_user(&set, mask, sizeof(set)) < 0)
        return -EFAULT;
    signal_set_temporary_mask(set & ~SIG_UNBLOCKABLE);
    return 0;
}

/* ---- poll ---- */

struct pollfd {
    int32_t fd;
    int16_t events, revents;
};
_Static_assert(sizeof(struct pollfd) == 8, "poll ABI");

struct poll_set {
    struct pollfd *fds;
    unsigned n;
};

static int scan_pollfds(struct poller *p, void *what, bool join)
{
    struct poll_set *set = what;
    int ready = 0;

    for (unsigned i = 0; i < set->n; i++) {
        struct pollfd *fd = &set->fds[i];

        cond_resched();
        fd->revents = 0;
        if (fd->fd < 0)
            continue;
        fd->revents = (int16_t)ask(p, fd->fd, (uint16_t)fd->events, join && ready == 0);
        if (fd->revents != 0)
            ready++;
    }
    return ready;
}

static int write_results(uaddr_t user, const struct poll_set *set)
{
    for (unsigned i = 0; i < set->n; i++) {
        uaddr_t at = user + i * sizeof(struct pollfd) + offsetof(struct pollfd, revents);

        if (put_user(at, set->fds[i].revents) < 0)
            return -EFAULT;
        cond_resched();
    }
    return 0;
}

static long do_poll(uaddr_t user, unsigned n, uint64_t deadline)
{
    struct pollfd inline_fds[FDS_INLINE];
    struct poll_set set = {.fds = inline_fds, .n = n};
    uint64_t limit = current_process()->rlimits[RLIMIT_NOFILE].cur;
    long result;

    if (n > limit || n > POLLFD_MAX)
        return -EINVAL;
    if (n > FDS_INLINE) {
        set.fds = kalloc_for(current_cgroup(), n * sizeof(set.fds[0]));
        if (set.fds == NULL)
            return -ENOMEM;
    }
    if (copy_from_user(set.fds, user, n * sizeof(set.fds[0])) < 0)
        result = -EFAULT;
    else
        result = poll_loop(scan_pollfds, &set, deadline);
    /* Linux writes revents back after a signal, too. */
    if ((result >= 0 || result == -ERESTARTNOHAND) && write_results(user, &set) < 0)
        result = -EFAULT;
    if (set.fds != inline_fds)
        kfree(set.fds);
    return result;
}

/* restart_syscall(2) after a stop or an ignored signal: what was left of the time. */
static long poll_restart(struct thread *t);

static long poll_or_restart(uaddr_t fds, unsigned nfds, uint64_t deadline)
{
    struct thread *t = current;
    long result = do_poll(fds, nfds, deadline);

    if (result != -ERESTARTNOHAND)
        return result;
    t->restart.fn = poll_restart;
    t->restart.args[0] = fds;
    t->restart.args[1] = nfds;
    t->restart.args[2] = deadline;
    return -ERESTART_RESTARTBLOCK;
}

static long poll_restart(struct thread *t)
{
    return poll_or_restart(t->restart.args[0], (unsigned)t->restart.args[1], t->restart.args[2]);
}

long sys_poll(uaddr_t fds, unsigned nfds, int timeout_ms)
{
    uint64_t deadline = POLL_FOREVER;

    if (timeout_ms == 0)
        deadline = POLL_NOW;
    else if (timeout_ms > 0)
        deadline = ktime_ns() + (uint64_t)timeout_ms * NSEC_PER_MSEC;
    return poll_or_restart(fds, nfds, deadline);
}

long sys_ppoll(uaddr_t fds, unsigned nfds, uaddr_t ts, uaddr_t mask, size_t setsize)
{
    uint64_t deadline;
    int err = deadline_from_user(ts, &deadline);

    if (err == 0)
        err = poll_set_mask(mask, setsize);
    if (err < 0)
        return err;
    return finish_timespec(ts, deadline, do_poll(fds, nfds, deadline));
}

/* ---- select ---- */

#define SET_READ   (POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR)
#define SET_WRITE  (POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR)
#define SET_EXCEPT POLLPRI
static const uint32_t set_events[3] = {SET_READ, SET_WRITE, SET_EXCEPT};

struct select_sets {
    unsigned n;      /* descriptors 0 .. n - 1 */
    size_t words;    /* of 64 bits in each set */
    uint64_t *in[3]; /* read, write, except; all zero where the program gave none */
    uint64_t *out[3];
    int err; /* -EBADF: one is not open */
};

static int scan_sets(struct poller *p, void *what, bool join)
{
    struct select_sets *s = what;
    int ready = 0;

    for (unsigned i = 0; i < 3; i++)
        memset(s->out[i], 0, s->words * sizeof(uint64_t));
    for (unsigned fd = 0; fd < s->n; fd++) {
        uint64_t bit = 1ULL << (fd % 64);
        size_t word = fd / 64;
        uint32_t wanted = 0, events;

        if ((s->in[0][word] | s->in[1][word] | s->in[2][word]) == 0) {
            fd |= 63; /* nothing in these 64 */
            continue;
        }
        for (unsigned i = 0; i < 3; i++)
            wanted |= s->in[i][word] & bit ? set_events[i] : 0;
        if (wanted == 0)
            continue;
        cond_resched();
        events = ask(p, (int)fd, wanted, join && ready == 0);
        if (events == POLLNVAL) {
            s->err = -EBADF;
            return 1; /* ends the loop */
        }
        for (unsigned i = 0; i < 3; i++) {
            if ((s->in[i][word] & bit) && (events & set_events[i])) {
                s->out[i][word] |= bit;
                ready++;
            }
        }
    }
    return ready;
}

static int copy_sets_in(struct select_sets *s, const uaddr_t user[3])
{
    size_t bytes = s->words * sizeof(uint64_t);

    for (unsigned i = 0; i < 3; i++) {
        if (user[i] == 0)
            memset(s->in[i], 0, bytes);
        else if (copy_from_user(s->in[i], user[i], bytes) < 0)
            return -EFAULT;
        if (s->n % 64 != 0)
            s->in[i][s->words - 1] &= (1ULL << (s->n % 64)) - 1;
    }
    return 0;
}

static int copy_sets_out(const struct select_sets *s, const uaddr_t user[3])
{
    for (unsigned i = 0; i < 3; i++) {
        if (user[i] != 0 && copy_to_user(user[i], s->out[i], s->words * sizeof(uint64_t)) < 0)
            return -EFAULT;
    }
    return 0;
}

static long do_select(int n, const uaddr_t user[3], uint64_t deadline)
{
    uint64_t inline_words[6 * 2];
    struct select_sets s = {.n = (unsigned)n};
    uint64_t *words = inline_words;
    long result;

    if (n < 0)
        return -EINVAL;
    s.n = min(s.n, files_fd_end(current->files)); /* as on Linux: beyond it nothing is open */
    s.words = DIV_ROUND_UP(s.n, 64u);
    if (s.words > 2) {
        words = kalloc_for(current_cgroup(), 6 * s.words * sizeof(words[0]));
        if (words == NULL)
            return -ENOMEM;
    }
    for (unsigned i = 0; i < 3; i++) {
        s.in[i] = words + i * s.words;
        s.out[i] = words + (3 + i) * s.words;
    }
    result = copy_sets_in(&s, user);
    if (result == 0)
        result = poll_loop(scan_sets, &s, deadline);
    if (s.err < 0)
        result = s.err;
    if (result >= 0 && copy_sets_out(&s, user) < 0)
        result = -EFAULT;
    if (words != inline_words)
        kfree(words);
    return result;
}

long sys_select(int n, uaddr_t in, uaddr_t out, uaddr_t ex, uaddr_t tv_user)
{
    const uaddr_t user[3] = {in, out, ex};
    uint64_t deadline = POLL_FOREVER;
    struct timespec ts;
    struct timeval tv;
    long result;

    if (tv_user != 0) {
        if (copy_from_user(&tv, tv_user, sizeof(tv)) < 0)
            return -EFAULT;
        if (tv.tv_sec < 0 || tv.tv_usec < 0)
            return -EINVAL;
        if (add_overflows(tv.tv_sec, tv.tv_usec / 1000000, &ts.tv_sec))
            ts.tv_sec = INT64_MAX;
        ts.tv_nsec = tv.tv_usec % 1000000 * 1000;
        deadline = poll_deadline(&ts);
    }
    result = do_select(n, user, deadline);
    if (tv_user == 0)
        return result;
    ts = time_left(deadline);
    tv = (struct timeval){ts.tv_sec, ts.tv_nsec / 1000};
    if (copy_to_user(tv_user, &tv, sizeof(tv)) < 0 && result == -ERESTARTNOHAND)
        return -EINTR;
    return result;
}

long sys_pselect6(int n, uaddr_t in, uaddr_t out, uaddr_t ex, uaddr_t ts, uaddr_t sig)
{
    const uaddr_t user[3] = {in, out, ex};
    struct {
        uaddr_t mask;
        uint64_t size;
    } arg = {0, 0};
    uint64_t deadline;
    int err;

    if (sig != 0 && copy_from_user(&arg, sig, sizeof(arg)) < 0)
        return -EFAULT;
    err = deadline_from_user(ts, &deadline);
    if (err == 0)
        err = poll_set_mask(arg.mask, arg.size);
    if (err < 0)
        return err;
    return finish_timespec(ts, deadline, do_select(n, user, deadline));
}
