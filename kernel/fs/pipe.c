/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pipes and FIFOs: pipe(7), fifo(7).
 *
 * A pipe is a ring of slots, each a page with a stretch of bytes in it. Small
 * writes are added to the last page while they fit as a whole; so a write of up
 * to PIPE_BUF bytes needs either the last page or one new slot and is never
 * torn. Two emptied pages are kept, which makes a ping-pong free of allocation.
 *
 * Both ends are open files of one inode with S_IFIFO; the pipe hangs on
 * inode->private as long as a file is open. So opening /proc/PID/fd/N of a pipe
 * and opening a FIFO by name are the same thing, fifo_open().
 *
 * Pages are charged to the writer's cgroup, the pipe to its maker's. Beyond a
 * soft limit per user, new pipes get two slots only and none may grow.
 */
#include <kernel/cgroup.h>
#include <kernel/files.h>
#include <kernel/fs.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>
#include <kernel/user_account.h>

#include "kernel/abi/ioctl.h"

#define SLOTS_DEFAULT   16
#define SLOTS_SMALL     2
#define SIZE_MAX_USER   MIB(1) /* F_SETPIPE_SZ without CAP_SYS_RESOURCE */
#define USER_SLOTS_SOFT 16384  /* 64 MiB per user */
#define F_SETPIPE_SZ    1031
#define F_GETPIPE_SZ    1032

struct slot {
    struct page *page; /* counted */
    uint32_t off, len;
};

struct pipe {
    struct mutex lock;
    struct slot *slots;                  /* [lock] nslots, a power of two */
    uint32_t nslots;                     /* [lock] */
    uint32_t head, tail;                 /* [lock] free-running; tail is read next */
    unsigned readers, writers;           /* [lock] open files */
    unsigned files;                      /* [inode->lock] the last one frees the pipe */
    uint64_t reader_opens, writer_opens; /* [lock] ever: a FIFO's open waits for the other side's */
    struct wait_queue read_wq, write_wq;
    struct page *spare[2];     /* [lock] */
    bool is_anonymous;         /* [I] of pipe(2): nobody waits in open(2), the other side has been there */
    struct user_account *user; /* [I] counted */
};

/* Who may go beyond the soft limit per user. */
static uint64_t user_limit(void)
{
    return capable(CAP_SYS_RESOURCE) || capable(CAP_SYS_ADMIN) ? UINT64_MAX : USER_SLOTS_SOFT;
}

/* ---- making and freeing ---- */

static struct pipe *pipe_create(void)
{
    struct cgroup *cg = current_cgroup();
    struct pipe *p = kalloc_for(cg, sizeof(*p));

    if (p == NULL)
        return NULL;
    mutex_init(&p->lock);
    wait_queue_init(&p->read_wq);
    wait_queue_init(&p->write_wq);
    p->user = user_account_get(current_cred()->uid);
    if (p->user == NULL)
        goto free_pipe;
    p->nslots = SLOTS_DEFAULT;
    if (!user_account_add(&p->user->pipe_slots, SLOTS_DEFAULT, user_limit())) {
        p->nslots = SLOTS_SMALL;
        (void)user_account_add(&p->user->pipe_slots, SLOTS_SMALL, UINT64_MAX);
    }
    p->slots = kalloc_for(cg, p->nslots * sizeof(p->slots[0]));
    if (p->slots == NULL)
        goto drop_user;
    return p;

drop_user:
    user_account_sub(&p->user->pipe_slots, p->nslots);
    user_account_put(p->user);
free_pipe:
    kfree(p);
    return NULL;
}

static void pipe_destroy(struct pipe *p)
{
    for (; p->tail != p->head; p->tail++)
        page_put(p->slots[p->tail & (p->nslots - 1)].page);
    for (unsigned i = 0; i < ARRAY_SIZE(p->spare); i++) {
        if (p->spare[i] != NULL)
            page_put(p->spare[i]);
    }
    user_account_sub(&p->user->pipe_slots, p->nslots);
    user_account_put(p->user);
    kfree(p->slots);
    kfree(p);
}

/* ---- slots ---- */

static bool is_empty(const struct pipe *p)
{
    return READ_ONCE(p->head) == READ_ONCE(p->tail);
}

static bool is_full(const struct pipe *p)
{
    return READ_ONCE(p->head) - READ_ONCE(p->tail) >= READ_ONCE(p->nslots);
}

static struct slot *slot_at(const struct pipe *p, uint32_t i)
{
    return &p->slots[i & (p->nslots - 1)];
}

static struct page *take_page(struct pipe *p)
{
    for (unsigned i = 0; i < ARRAY_SIZE(p->spare); i++) {
        struct page *page = p->spare[i];

        if (page != NULL) {
            p->spare[i] = NULL;
            return page;
        }
    }
    return page_alloc_for(current_cgroup(), 0, 0);
}

static void give_page(struct pipe *p, struct page *page)
{
    for (unsigned i = 0; i < ARRAY_SIZE(p->spare); i++) {
        if (p->spare[i] == NULL) {
            p->spare[i] = page;
            return;
        }
    }
    page_put(page);
}

/* ---- reading ---- */

/* [lock] What is there, as far as it goes; bytes, or -EFAULT. */
static ssize_t take_bytes(struct pipe *p, struct io_buf *to)
{
    ssize_t done = 0;

    while (to->remaining > 0 && !is_empty(p)) {
        struct slot *s = slot_at(p, p->tail);
        uint32_t want = (uint32_t)min(to->remaining, (size_t)s->len);

        if (io_copy_to(to, (char *)page_address(s->page) + s->off, want) != (ssize_t)want)
            return done > 0 ? done : -EFAULT; /* a piece is read as a whole or not at all */
        done += want;
        s->off += want;
        s->len -= want;
        if (s->len == 0) {
            give_page(p, s->page);
            p->tail++;
        }
    }
    return done;
}

static bool is_readable(const struct pipe *p)
{
    return !is_empty(p) || READ_ONCE(p->writers) == 0;
}

static ssize_t pipe_read(struct file *f, struct io_buf *to, off_t *pos)
{
    struct pipe *p = f->private;
    ssize_t n;

    (void)pos;
    if (to->remaining == 0)
        return 0;
    for (;;) {
        bool was_full;
        unsigned writers;

        mutex_lock(&p->lock);
        was_full = is_full(p);
        n = take_bytes(p, to);
        writers = p->writers;
        was_full = was_full && !is_full(p);
        mutex_unlock(&p->lock);

        if (was_full)
            wake_up_events(&p->write_wq, POLLOUT | POLLWRNORM);
        if (n != 0 || writers == 0)
            return n;
        if (f->flags & O_NONBLOCK)
            return -EAGAIN;
        n = wait_event_interruptible(&p->read_wq, is_readable(p));
        if (n < 0)
            return n;
    }
}

/* ---- writing ---- */

/* [lock] Add to the last page what is left over of whole pages, if all of it fits; bytes or
 * -EFAULT. */
static ssize_t merge_bytes(struct pipe *p, struct io_buf *from)
{
    size_t want = from->remaining & (PAGE_SIZE - 1);
    struct slot *s;

    if (want == 0 || is_empty(p))
        return 0;
    s = slot_at(p, p->head - 1);
    if (s->off + s->len + want > PAGE_SIZE)
        return 0;
    if (io_copy_from((char *)page_address(s->page) + s->off + s->len, from, want) != (ssize_t)want)
        return -EFAULT;
    s->len += (uint32_t)want;
    return (ssize_t)want;
}

/* [lock] Fill free slots; bytes (fewer than asked: full), -EFAULT or -ENOMEM when none. */
static ssize_t add_bytes(struct pipe *p, struct io_buf *from)
{
    ssize_t done = 0;

    while (from->remaining > 0 && !is_full(p)) {
        struct page *page = take_page(p);
        struct slot *s = slot_at(p, p->head);
        size_t want = min(from->remaining, PAGE_SIZE);

        if (page == NULL)
            return done > 0 ? done : -ENOMEM;
        if (io_copy_from(page_address(page), from, want) != (ssize_t)want) {
            give_page(p, page);
            return done > 0 ? done : -EFAULT;
        }
        *s = (struct slot){.page = page, .off = 0, .len = (uint32_t)want};
        p->head++;
        done += (ssize_t)want;
    }
    return done;
}

static bool is_writable(const struct pipe *p)
{
    return !is_full(p) || READ_ONCE(p->readers) == 0;
}

static ssize_t broken_pipe(ssize_t done)
{
    (void)signal_send_thread(current, SIGPIPE, NULL); /* the caller exists */
    return done > 0 ? done : -EPIPE;
}

static ssize_t pipe_write(struct file *f, struct io_buf *from, off_t *pos)
{
    struct pipe *p = f->private;
    ssize_t done = 0;

    (void)pos;
    if (from->remaining == 0)
        return 0;
    for (;;) {
        size_t left = from->remaining;
        ssize_t n = 0;
        bool full, has_readers;

        mutex_lock(&p->lock);
        has_readers = p->readers > 0;
        if (has_readers) {
            if (done == 0)
                n = merge_bytes(p, from);
            if (n >= 0 && from->remaining > 0) {
                ssize_t more = add_bytes(p, from);

                n = more >= 0 ? n + more : n > 0 ? n : more;
            }
        }
        full = is_full(p);
        mutex_unlock(&p->lock);

        if (!has_readers)
            return broken_pipe(done);
        if (n > 0) {
            done += n;
            wake_up_events(&p->read_wq, POLLIN | POLLRDNORM);
        }
        if (from->remaining == 0)
            return done;
        if (n < 0 ||
            (!full && (size_t)n < left)) /* a bad address, or no memory: not for want of room */
            return done > 0 ? done : n < 0 ? n : -EFAULT;
        if (f->flags & O_NONBLOCK)
            return done > 0 ? done : -EAGAIN;
        n = wait_event_interruptible(&p->write_wq, is_writable(p));
        if (n < 0)
            return done > 0 ? done : n;
    }
}

/* ---- the rest of what files do ---- */

static uint32_t pipe_poll(struct file *f, struct poll_table *pt)
{
    struct pipe *p = f->private;
    uint32_t events = 0;

    if (f->can_read)
        poll_wait(f, &p->read_wq, pt);
    if (f->can_write)
        poll_wait(f, &p->write_wq, pt);
    if (f->can_read) {
        if (!is_empty(p))
            events |= POLLIN | POLLRDNORM;
        /* A FIFO that no writer has had open since this reader came is not hung up. */
        if (READ_ONCE(p->writers) == 0 && (uint64_t)f->pos != READ_ONCE(p->writer_opens))
            events |= POLLHUP;
    }
    if (f->can_write) {
        if (!is_full(p))
            events |= POLLOUT | POLLWRNORM;
        if (READ_ONCE(p->readers) == 0)
            events |= POLLERR;
    }
    return events;
}

static long pipe_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
    struct pipe *p = f->private;
    int32_t n = 0;

    if (cmd != FIONREAD)
        return -ENOTTY;
    mutex_lock(&p->lock);
    for (uint32_t i = p->tail; i != p->head; i++)
        n += (int32_t)slot_at(p, i)->len;
    mutex_unlock(&p->lock);
    return put_user(arg, n);
}

/* [inode->lock] */
static void drop_file(struct inode *inode, struct pipe *p)
{
    if (--p->files == 0) {
        inode->private = NULL;
        pipe_destroy(p);
    }
}

static void pipe_release(struct file *f)
{
    struct pipe *p = f->private;

    mutex_lock(&p->lock);
    if (f->can_read)
        p->readers--;
    if (f->can_write)
        p->writers--;
    mutex_unlock(&p->lock);
    wake_up_events(&p->read_wq, POLLIN | POLLRDNORM | POLLHUP);
    wake_up_events(&p->write_wq, POLLOUT | POLLWRNORM | POLLERR);

    mutex_lock(&f->inode->lock);
    drop_file(f->inode, p);
    mutex_unlock(&f->inode->lock);
}

static const struct file_ops pipe_fops = {
    .read = pipe_read,
    .write = pipe_write,
    .poll = pipe_poll,
    .ioctl = pipe_ioctl,
    .release = pipe_release,
};

/* ---- size ---- */

/* [lock] */
static long resize(struct pipe *p, uint32_t nslots)
{
    uint32_t used = p->head - p->tail;
    struct slot *slots;

    if (nslots < used)
        return -EBUSY;
    if (!user_account_add(&p->user->pipe_slots, nslots,
                          nslots > p->nslots ? user_limit() : UINT64_MAX))
        return -EPERM;
    slots = kalloc_for(current_cgroup(), nslots * sizeof(slots[0]));
    if (slots == NULL) {
        user_account_sub(&p->user->pipe_slots, nslots);
        return -ENOMEM;
    }
    user_account_sub(&p->user->pipe_slots, p->nslots);
    for (uint32_t i = 0; i < used; i++)
        slots[i] = *slot_at(p, p->tail + i);
    kfree(p->slots);
    p->slots = slots;
    p->nslots = nslots;
    p->tail = 0;
    p->head = used;
    return (long)(nslots * PAGE_SIZE);
}

static long set_size(struct pipe *p, uint64_t arg)
{
    uint32_t bytes = (uint32_t)arg;
    uint32_t nslots = 1;
    long result;

    if (bytes > BIT(31))
        return -EINVAL;
    while (nslots * PAGE_SIZE < bytes)
        nslots *= 2;
    if (nslots * PAGE_SIZE > SIZE_MAX_USER && nslots > p->nslots && !capable(CAP_SYS_RESOURCE))
        return -EPERM;
    mutex_lock(&p->lock);
    result = resize(p, nslots);
    mutex_unlock(&p->lock);
    wake_up_events(&p->write_wq, POLLOUT | POLLWRNORM);
    return result;
}

long pipe_fcntl(struct file *f, unsigned cmd, uint64_t arg)
{
    struct pipe *p = f->private;

    if (f->ops != &pipe_fops)
        return -EBADF;
    if (cmd == F_SETPIPE_SZ)
        return set_size(p, arg);
    return (long)(READ_ONCE(p->nslots) * PAGE_SIZE);
}

/* ---- opening ---- */

/* The inode's pipe, made by the first to open it. Holds a count of `files` for the caller. */
static int get_pipe(struct inode *inode, struct pipe **out)
{
    struct pipe *p;

    mutex_lock(&inode->lock);
    p = inode->private;
    if (p == NULL)
        p = inode->private = pipe_create();
    if (p != NULL)
        p->files++;
    mutex_unlock(&inode->lock);
    *out = p;
    return p != NULL ? 0 : -ENOMEM;
}

static void leave(struct pipe *p, struct file *f)
{
    mutex_lock(&p->lock);
    if (f->can_read)
        p->readers--;
    if (f->can_write)
        p->writers--;
    mutex_unlock(&p->lock);
    wake_up(&p->read_wq);
    wake_up(&p->write_wq);
}

/* [lock] fifo(7): whose opening must this one wait for? NULL: nobody's. */
static uint64_t *partner_to_wait_for(struct pipe *p, const struct file *f)
{
    if (p->is_anonymous || (f->can_read && f->can_write))
        return NULL;
    if (f->can_read)
        return p->writers > 0 || (f->flags & O_NONBLOCK) ? NULL : &p->writer_opens;
    return p->readers > 0 ? NULL : &p->reader_opens;
}

int fifo_open(struct inode *inode, struct file *f)
{
    uint64_t *partner, seen = 0;
    struct pipe *p;
    int err = get_pipe(inode, &p);

    if (err < 0)
        return err;
    f->ops = &pipe_fops;
    f->private = p;

    mutex_lock(&p->lock);
    if (f->can_read) {
        p->readers++;
        p->reader_opens++;
    }
    if (f->can_write) {
        p->writers++;
        p->writer_opens++;
    }
    f->pos = p->writers == 0 && !p->is_anonymous ? (off_t)p->writer_opens : -1; /* see pipe_poll() */
    partner = partner_to_wait_for(p, f);
    if (partner != NULL)
        seen = *partner;
    mutex_unlock(&p->lock);
    wake_up(&p->read_wq);
    wake_up(&p->write_wq);

    if (partner != NULL && !f->can_read && (f->flags & O_NONBLOCK))
        err = -ENXIO;
    else if (partner != NULL)
        err = wait_event_interruptible(&p->read_wq, READ_ONCE(*partner) != seen);
    if (err < 0) {
        leave(p, f);
        mutex_lock(&inode->lock);
        drop_file(inode, p);
        mutex_unlock(&inode->lock);
        f->private = NULL;
    }
    return err;
}

/* The read end makes the inode, the write end opens it: from then on a FIFO without a name. */
static int pipe_files(uint32_t flags, struct file **read_end, struct file **write_end)
{
    struct pipe *p = pipe_create();
    struct file *r;
    int err;

    if (p == NULL)
        return -ENOMEM;
    p->is_anonymous = true;
    p->readers = p->files = 1;
    p->reader_opens = 1;
    err = file_create_anon("pipe:", &pipe_fops, p, O_RDONLY | flags, &r);
    if (err < 0) {
        pipe_destroy(p);
        return err;
    }
    r->inode->mode = S_IFIFO | 0600;
    r->inode->private = p;
    r->pos = -1;
    err = file_open_path(&r->path, O_WRONLY | flags, write_end);
    if (err < 0) {
        file_put(r);
        return err;
    }
    *read_end = r;
    return 0;
}

long sys_pipe2(uaddr_t fds, int flags)
{
    unsigned fd_flags = flags & O_CLOEXEC ? FD_CLOEXEC : 0;
    struct file *end[2];
    int32_t fd[2];
    int err;

    if (flags & ~(O_CLOEXEC | O_NONBLOCK))
        return -EINVAL; /* O_DIRECT, packets, is not supported */
    err = pipe_files((uint32_t)flags & O_NONBLOCK, &end[0], &end[1]);
    if (err < 0)
        return err;
    for (int i = 0; i < 2; i++) {
        fd[i] = fd_reserve(fd_flags);
        if (fd[i] < 0) {
            err = fd[i];
            if (i == 1)
                fd_unreserve(fd[0]);
            goto put_files;
        }
    }
    if (copy_to_user(fds, fd, sizeof(fd)) < 0) {
        err = -EFAULT;
        fd_unreserve(fd[1]);
        fd_unreserve(fd[0]);
        goto put_files;
    }
    fd_publish(fd[0], end[0]);
    fd_publish(fd[1], end[1]);
    return 0;

put_files:
    file_put(end[0]);
    file_put(end[1]);
    return err;
}

long sys_pipe(uaddr_t fds)
{
    return sys_pipe2(fds, 0);
}
