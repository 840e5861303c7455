/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * signalfd(2): the reader's own pending signals as a file. It has no state but
 * a mask: whoever reads or polls it sees the signals of its own process.
 *
 * An epoll stays on a wait queue after the caller has gone, and that queue is in
 * a process. So the signalfd holds every process through which an epoll watches
 * it; the epoll's items go before it does.
 */
#include <kernel/cgroup.h>
#include <kernel/files.h>
#include <kernel/fs.h>
#include <kernel/proc.h>
#include <kernel/signal.h>
#include <kernel/string.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>

struct signalfd {
    struct spinlock lock;
    sigset_t mask;             /* [a] signals it reports */
    struct list_node watchers; /* [lock] struct watcher */
};

struct watcher {
    struct list_node link;
    struct process *process; /* counted */
};

struct signalfd_siginfo {
    uint32_t ssi_signo;
    int32_t ssi_errno, ssi_code;
    uint32_t ssi_pid, ssi_uid;
    int32_t ssi_fd;
    uint32_t ssi_tid, ssi_band, ssi_overrun, ssi_trapno;
    int32_t ssi_status, ssi_int;
    uint64_t ssi_ptr, ssi_utime, ssi_stime, ssi_addr;
    uint16_t ssi_addr_lsb, pad2;
    int32_t ssi_syscall;
    uint64_t ssi_call_addr;
    uint32_t ssi_arch;
    uint8_t pad[28];
};
_Static_assert(sizeof(struct signalfd_siginfo) == 128, "signalfd ABI");

static const struct file_ops signalfd_fops;

static void convert(const struct siginfo *in, struct signalfd_siginfo *out)
{
    memset(out, 0, sizeof(*out));
    out->ssi_signo = (uint32_t)in->si_signo;
    out->ssi_errno = in->si_errno;
    out->ssi_code = in->si_code;
    if (in->si_code == SI_TIMER) {
        out->ssi_tid = (uint32_t)in->timer.timerid;
        out->ssi_overrun = (uint32_t)in->timer.overrun;
        out->ssi_ptr = in->timer.value;
        out->ssi_int = (int32_t)in->timer.value;
    } else if (in->si_code <= 0 || in->si_code == SI_KERNEL) {
        out->ssi_pid = (uint32_t)in->kill.pid;
        out->ssi_uid = in->kill.uid;
        out->ssi_ptr = in->kill.value;
        out->ssi_int = (int32_t)in->kill.value;
    } else if (in->si_signo == SIGCHLD) {
        out->ssi_pid = (uint32_t)in->chld.pid;
        out->ssi_uid = in->chld.uid;
        out->ssi_status = in->chld.status;
        out->ssi_utime = (uint64_t)in->chld.utime;
        out->ssi_stime = (uint64_t)in->chld.stime;
    } else if (in->si_signo == SIGSYS) {
        out->ssi_call_addr = in->sys.call_addr;
        out->ssi_syscall = in->sys.syscall;
        out->ssi_arch = in->sys.arch;
    } else {
        out->ssi_addr = in->fault.addr;
        out->ssi_addr_lsb = in->fault.addr_lsb;
    }
}

static ssize_t signalfd_read(struct file *f, struct io_buf *to, off_t *pos)
{
    struct signalfd *s = f->private;
    struct signalfd_siginfo out;
    struct siginfo info;
    ssize_t done = 0;

    (void)pos;
    if (to->remaining < sizeof(out))
        return -EINVAL;
    while (to->remaining >= sizeof(out)) {
        int err, sig = signal_take(READ_ONCE(s->mask), &info);

        if (sig == 0) {
            if (done > 0)
                break;
            if (f->flags & O_NONBLOCK)
                return -EAGAIN;
            err = wait_event_interruptible(&current_process()->signal_wq,
                                           (sig = signal_take(READ_ONCE(s->mask), &info)) != 0);
            if (err < 0)
                return err;
        }
        convert(&info, &out);
        if (io_copy_to(to, &out, sizeof(out)) != sizeof(out))
            return done > 0 ? done : -EFAULT;
        done += sizeof(out);
        cond_resched(); /* as long as signals come, of timers for one */
    }
    return done;
}

/* Keep the current process's wait queue as long as this signalfd; false: no memory. */
static bool hold_process(struct signalfd *s)
{
    struct process *p = current_process();
    struct watcher *w, *fresh = kalloc_for(current_cgroup(), sizeof(*fresh));
    bool known = false;
    irqflags_t flags;

    if (fresh == NULL)
        return false;
    flags = spin_lock(&s->lock);
    list_for_each(w, &s->watchers, link) known = known || w->process == p;
    if (!known) {
        process_get(p);
        fresh->process = p;
        list_add_tail(&s->watchers, &fresh->link);
    }
    spin_unlock(&s->lock, flags);
    if (known)
        kfree(fresh);
    return true;
}

static uint32_t signalfd_poll(struct file *f, struct poll_table *pt)
{
    struct signalfd *s = f->private;

    if (pt != NULL && pt->outlives_caller && !hold_process(s))
        return 0;
    poll_wait(f, &current_process()->signal_wq, pt);
    return signal_pending_set() & READ_ONCE(s->mask) ? POLLIN | POLLRDNORM : 0;
}

static void signalfd_release(struct file *f)
{
    struct signalfd *s = f->private;
    struct watcher *w, *next;

    list_for_each_safe(w, next, &s->watchers, link)
    {
        process_put(w->process);
        kfree(w);
    }
    kfree(s);
}

static void signalfd_show(struct file *f, char *buf, size_t size)
{
    struct signalfd *s = f->private;

    snprintf(buf, size, "sigmask:\t%016llx\n", (unsigned long long)READ_ONCE(s->mask));
}

static const struct file_ops signalfd_fops = {
    .read = signalfd_read,
    .poll = signalfd_poll,
    .release = signalfd_release,
    .show_fdinfo = signalfd_show,
};

static long create(sigset_t mask, int flags)
{
    struct signalfd *s = kalloc_for(current_cgroup(), sizeof(*s));
    struct file *f;
    int fd;

    if (s == NULL)
        return -ENOMEM;
    spin_init(&s->lock);
    list_init(&s->watchers);
    s->mask = mask;
    fd = file_create_anon("anon_inode:[signalfd]", &signalfd_fops, s,
                          O_RDWR | ((uint32_t)flags & O_NONBLOCK), &f);
    if (fd < 0) {
        kfree(s);
        return fd;
    }
    fd = fd_install(f, flags & O_CLOEXEC ? FD_CLOEXEC : 0, 0);
    if (fd < 0)
        file_put(f);
    return fd;
}

static long change(int fd, sigset_t mask)
{
    struct file *f = fd_get(fd);
    long result = fd;

    if (f == NULL)
        return -EBADF;
    if (f->ops == &signalfd_fops) {
        WRITE_ONCE(((struct signalfd *)f->private)->mask, mask);
        wake_up_events(&current_process()->signal_wq, POLLIN | POLLRDNORM);
    } else {
        result = -EINVAL;
    }
    file_put(f);
    return result;
}

long sys_signalfd4(int fd, uaddr_t mask_user, size_t setsize, int flags)
{
    sigset_t mask;

    if (setsize != sizeof(mask))
        return -EINVAL;
    if (copy_from_user(&mask, mask_user, sizeof(mask)) < 0)
        return -EFAULT;
    if (flags & ~(O_CLOEXEC | O_NONBLOCK))
        return -EINVAL;
    mask &= ~SIG_UNBLOCKABLE;
    return fd == -1 ? create(mask, flags) : change(fd, mask);
}

long sys_signalfd(int fd, uaddr_t mask, size_t setsize)
{
    return sys_signalfd4(fd, mask, setsize, 0);
}
