/* SPDX-License-Identifier: BSD-2-Clause */
/* fcntl(2), and the requests of ioctl(2) that every file knows. */
#include "vfs.h"

#include <kernel/abi/fs.h>
#include <kernel/abi/ioctl.h>

#define SETTABLE_FLAGS (O_APPEND | O_NONBLOCK | O_ASYNC | O_DIRECT | O_NOATIME)

static long dup_fd(struct file *f, uint64_t from, unsigned fd_flags)
{
    int fd;

    if (from >= READ_ONCE(current_process()->rlimits[RLIMIT_NOFILE].cur) || from > INT32_MAX)
        return -EINVAL;
    file_get(f);
    fd = fd_install(f, fd_flags, (int)from);
    if (fd < 0)
        file_put(f);
    return fd;
}

static long set_flags(struct file *f, uint32_t flags)
{
    uint32_t old = READ_ONCE(f->flags);

    if ((flags & O_NOATIME) && !(old & O_NOATIME) && !inode_owner_or_capable(f->inode))
        return -EPERM;
    WRITE_ONCE(f->flags, (old & ~(uint32_t)SETTABLE_FLAGS) | (flags & SETTABLE_FLAGS));
    return 0;
}

static long set_owner_ex(struct file *f, uaddr_t arg)
{
    struct abi_owner_ex owner;

    if (get_user(&owner, arg) < 0)
        return -EFAULT;
    if (owner.type < 0 || owner.type > 2)
        return -EINVAL;
    f->owner_pid = owner.type == 2 ? -owner.pid : owner.pid;
    return 0;
}

static long get_owner_ex(struct file *f, uaddr_t arg)
{
    struct abi_owner_ex owner = {.type = f->owner_pid < 0 ? 2 : 1};

    owner.pid = f->owner_pid < 0 ? -f->owner_pid : f->owner_pid;
    return put_user(arg, owner);
}

/* Another thread may have closed the descriptor meanwhile, too early to take the new lock along. */
static long lock_and_recheck(int fd, struct file *f, unsigned cmd, uaddr_t arg)
{
    long err = lock_fcntl(f, cmd, arg);
    struct file *now;

    if (err < 0 || (cmd != F_SETLK && cmd != F_SETLKW))
        return err;
    now = fd_get_any(fd);
    if (now != f)
        locks_remove_posix(f, current->files);
    if (now != NULL)
        file_put(now);
    return err;
}

/* These work on O_PATH descriptors too. */
static bool path_may(unsigned cmd)
{
    return cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC || cmd == F_GETFD || cmd == F_SETFD ||
           cmd == F_GETFL;
}

static long do_fcntl(int fd, struct file *f, unsigned cmd, uint64_t arg)
{
    switch (cmd) {
    case F_DUPFD:
        return dup_fd(f, (uint32_t)arg, 0);
    case F_DUPFD_CLOEXEC:
        return dup_fd(f, (uint32_t)arg, FD_CLOEXEC);
    case F_GETFD:
        return fd_get_flags(fd);
    case F_SETFD:
        return fd_set_flags(fd, (unsigned)arg & FD_CLOEXEC);
    case F_GETFL:
        return READ_ONCE(f->flags);
    case F_SETFL:
        return set_flags(f, (uint32_t)arg);
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
        return lock_and_recheck(fd, f, cmd, arg);
    case F_SETOWN:
        f->owner_pid = (int)arg;
        return 0;
    case F_GETOWN:
        return f->owner_pid;
    case F_SETOWN_EX:
        return set_owner_ex(f, arg);
    case F_GETOWN_EX:
        return get_owner_ex(f, arg);
    case F_SETSIG:
        if (arg > 64)
            return -EINVAL;
        f->owner_sig = (int)arg;
        return 0;
    case F_GETSIG:
        return f->owner_sig;
    case F_GETLEASE:
        return F_UNLCK;
    case F_SETPIPE_SZ:
    case F_GETPIPE_SZ:
        return pipe_fcntl != NULL ? pipe_fcntl(f, cmd, arg) : -EBADF;
    case F_ADD_SEALS:
    case F_GET_SEALS:
        return memfd_fcntl(f, cmd, arg);
    }
    return -EINVAL;
}

long sys_fcntl(int fd, unsigned cmd, uint64_t arg)
{
    struct file *f = fd_get_any(fd);
    long r;

    if (f == NULL)
        return -EBADF;
    r = f->is_path_only && !path_may(cmd) ? -EBADF : do_fcntl(fd, f, cmd, arg);
    file_put(f);
    return r;
}

/* ---- ioctl(2) ---- */

static long set_flag_from_user(struct file *f, uint32_t flag, uaddr_t arg)
{
    int on;

    if (get_user(&on, arg) < 0)
        return -EFAULT;
    if (on != 0)
        __atomic_fetch_or(&f->flags, flag, __ATOMIC_RELAXED);
    else
        __atomic_fetch_and(&f->flags, ~flag, __ATOMIC_RELAXED);
    return 0;
}

static long ioctl_of_kind(struct file *f, unsigned cmd, uint64_t arg)
{
    if (S_ISREG(f->inode->mode)) {
        if (cmd == FIONREAD)
            return put_user(arg, (int)((off_t)READ_ONCE(f->inode->size) - f->pos));
        if (cmd == FICLONE)
            return -EOPNOTSUPP;
    }
    return f->ops->ioctl != NULL ? f->ops->ioctl(f, cmd, arg) : -ENOTTY;
}

long sys_ioctl(int fd, unsigned cmd, uint64_t arg)
{
    struct file *f = fd_get(fd);
    long r;

    if (f == NULL)
        return -EBADF;
    switch (cmd) {
    case FIOCLEX:
        r = fd_set_flags(fd, FD_CLOEXEC);
        break;
    case FIONCLEX:
        r = fd_set_flags(fd, 0);
        break;
    case FIONBIO:
        r = set_flag_from_user(f, O_NONBLOCK, arg);
        break;
    case FIOASYNC:
        r = set_flag_from_user(f, O_ASYNC, arg);
        break;
    default:
        r = ioctl_of_kind(f, cmd, arg);
    }
    file_put(f);
    return r;
}
