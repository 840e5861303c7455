/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors that name processes: pidfd_open(2), pidfd_send_signal(2), and
 * clone(2)'s CLONE_PIDFD. Unlike a number, a pidfd never comes to mean another
 * process. It becomes readable when the process has exited.
 */
#include "pidfd.h"

#include <kernel/cgroup.h>
#include <kernel/files.h>
#include <kernel/fs.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>

#include "process.h"
#include "sigqueue.h"

static uint32_t pidfd_poll(struct file *f, struct poll_table *pt)
{
    struct process *p = f->private;

    poll_wait(f, &p->exit_wq, pt);
    return READ_ONCE(p->zombie) ? POLLIN | POLLRDNORM : 0;
}

static void pidfd_release(struct file *f)
{
    process_put(f->private);
}

static void pidfd_show(struct file *f, char *buf, size_t size)
{
    const struct process *p = f->private;
    irqflags_t flags = spin_lock(&pid_lock);
    int nr = p->pid->process == NULL ? -1 : pid_nr_current(p->pid);

    spin_unlock(&pid_lock, flags);
    snprintf(buf, size, "Pid:\t%d\nNSpid:\t%d\n", nr, nr);
}

static const struct file_ops pidfd_ops = {
    .poll = pidfd_poll,
    .release = pidfd_release,
    .show_fdinfo = pidfd_show,
};

int pidfd_prepare(struct process *p, unsigned flags, int *fd, struct file **out)
{
    struct file *f;
    int err;

    process_get(p);
    err = file_create_anon("anon_inode:[pidfd]", &pidfd_ops, p, O_RDWR | (flags & O_NONBLOCK), &f);
    if (err < 0) {
        process_put(p);
        return err;
    }
    err = fd_reserve((flags & O_CLOEXEC) ? FD_CLOEXEC : 0);
    if (err < 0) {
        file_put(f);
        return err;
    }
    *fd = err;
    *out = f;
    return 0;
}

static int pidfd_get_process(int fd, struct process **out, unsigned *file_flags)
{
    struct file *f = fd_get(fd);
    struct process *p;

    if (f == NULL)
        return -EBADF;
    if (f->ops != &pidfd_ops) {
        file_put(f);
        return -EBADF;
    }
    p = f->private;
    process_get(p);
    *file_flags = f->flags;
    file_put(f);
    *out = p;
    return 0;
}

int pidfd_get_pid(int fd, struct pid **out, unsigned *file_flags)
{
    struct process *p;
    int err = pidfd_get_process(fd, &p, file_flags);

    if (err < 0)
        return err;
    pid_get(p->pid);
    *out = p->pid;
    process_put(p);
    return 0;
}

long sys_pidfd_open(int nr, unsigned flags)
{
    struct thread *t;
    struct file *f;
    int fd, err;

    if ((flags & ~(unsigned)O_NONBLOCK) != 0 || nr <= 0)
        return -EINVAL;
    t = thread_find(nr);
    if (t == NULL)
        return -ESRCH;
    err = t == t->process->leader ? pidfd_prepare(t->process, flags | O_CLOEXEC, &fd, &f) : -EINVAL;
    thread_put(t);
    if (err < 0)
        return err;
    fd_publish(fd, f);
    return fd;
}

/* As kill(2), or with a siginfo of the caller's as rt_sigqueueinfo(2). */
static int send(struct process *p, int sig, const struct siginfo *info)
{
    irqflags_t flags = spin_lock(&pid_lock);
    int err;

    if (p->pid->process == NULL)
        err = -ESRCH; /* waited for */
    else if (sig != 0 && !signal_is_valid(sig))
        err = -EINVAL;
    else if (!signal_permitted(p, sig))
        err = -EPERM;
    else
        err = sig == 0 ? 0 : signal_send_locked(p, NULL, sig, info, SIGNAL_FROM_USER);
    spin_unlock(&pid_lock, flags);
    return err;
}

long sys_pidfd_send_signal(int fd, int sig, uaddr_t uinfo, unsigned flags)
{
    struct siginfo info;
    struct process *p;
    unsigned file_flags;
    int err;

    if (flags != 0)
        return -EINVAL;
    err = pidfd_get_process(fd, &p, &file_flags);
    if (err < 0)
        return err;
    if (pid_nr_current(p->pid) == 0) { /* a process of an outer namespace */
        err = -EINVAL;
    } else if (uinfo == 0) {
        siginfo_from_user(&info, sig, SI_USER);
    } else if (get_user(&info, uinfo) < 0) {
        err = -EFAULT;
    } else if (info.si_signo != sig) {
        err = -EINVAL;
    } else if (p != current->process && (info.si_code >= 0 || info.si_code == SI_TKILL)) {
        err = -EPERM;
    }
    if (err == 0)
        err = send(p, sig, &info);
    process_put(p);
    return err;
}
