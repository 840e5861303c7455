/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The socket system calls but for messages (message.c) and options (option.c):
 * making, naming, connecting; and sockets as files.
 *
 * Families that nobody has registered answer -EAFNOSUPPORT; for now that is all
 * but AF_UNIX.
 */
#include "socket.h"

#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>

#define SNDBUF_DEFAULT 212992
#define BACKLOG_MAX    4096 /* net.core.somaxconn */

static const struct net_family *families[AF_MAX]; /* [I] after start-up */
static const struct file_ops socket_fops;

void net_family_register(const struct net_family *family)
{
    families[family->family] = family;
}

/* ---- struct socket ---- */

void socket_init(struct socket *s, const struct socket_ops *ops, int family, int type, int protocol)
{
    s->ops = ops;
    s->family = family;
    s->type = type;
    s->protocol = protocol;
    s->sndbuf = s->rcvbuf = SNDBUF_DEFAULT;
    s->rcvlowat = 1;
}

struct socket *socket_of(const struct file *f)
{
    return f->ops == &socket_fops ? f->private : NULL;
}

int socket_take_error(struct socket *s)
{
    if (READ_ONCE(s->err) == 0)
        return 0;
    return -__atomic_exchange_n(&s->err, 0, __ATOMIC_RELAXED);
}

void socket_set_error(struct socket *s, int err)
{
    WRITE_ONCE(s->err, err);
}

uint64_t socket_deadline(uint64_t timeo_ns)
{
    return timeo_ns == 0 ? 0 : ktime_ns() + timeo_ns;
}

/* A call with a time limit is not restarted after a signal: the limit would start anew. */
int socket_wait_error(int err, uint64_t timeo_ns)
{
    if (err == -ETIMEDOUT)
        return -EAGAIN;
    if (err == -ERESTARTSYS && timeo_ns != 0)
        return -EINTR;
    return err;
}

/* ---- as a file ---- */

static uint32_t socket_poll(struct file *f, struct poll_table *pt)
{
    struct socket *s = f->private;

    return s->ops->poll(s, f, pt);
}

static long socket_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
    struct socket *s = f->private;

    return s->ops->ioctl != NULL ? s->ops->ioctl(s, cmd, arg) : -ENOTTY;
}

static int socket_flush(struct file *f)
{
    struct socket *s = f->private;

    if (s->ops->closing != NULL)
        s->ops->closing(s);
    return 0;
}

static void socket_release(struct file *f)
{
    struct socket *s = f->private;

    s->ops->release(s);
}

static const struct file_ops socket_fops = {
    .read = socket_read,
    .write = socket_write,
    .poll = socket_poll,
    .ioctl = socket_ioctl,
    .flush = socket_flush,
    .release = socket_release,
};

int socket_get(int fd, struct file **out)
{
    struct file *f = fd_get(fd);

    if (f == NULL)
        return -EBADF;
    if (socket_of(f) == NULL) {
        file_put(f);
        return -ENOTSOCK;
    }
    *out = f;
    return 0;
}

/* A file for a new socket. On error the socket is released. */
static int make_file(struct socket *s, int type_flags, struct file **out)
{
    int err = file_create_anon("socket:", &socket_fops, s,
                               O_RDWR | (type_flags & SOCK_NONBLOCK ? O_NONBLOCK : 0), out);

    if (err < 0) {
        s->ops->release(s);
        return err;
    }
    s->file = *out;
    return 0;
}

static unsigned fd_flags_of(int type_flags)
{
    return type_flags & SOCK_CLOEXEC ? FD_CLOEXEC : 0;
}

/* ---- addresses ---- */

/* Copies len bytes to addr[SOCKADDR_MAX]. */
static int name_from_user(void *name, uaddr_t addr, int len)
{
    if (len < 0 || len > SOCKADDR_MAX)
        return -EINVAL;
    memset(name, 0, SOCKADDR_MAX);
    return len == 0 ? 0 : copy_from_user(name, addr, (size_t)len);
}

/* As much as the program's buffer holds, and the whole length. */
int socket_copy_name(const void *name, int len, uaddr_t addr, uaddr_t addr_len)
{
    int32_t room;

    if (get_user(&room, addr_len) < 0)
        return -EFAULT;
    if (room < 0)
        return -EINVAL;
    if (room > len)
        room = len;
    if (room > 0 && copy_to_user(addr, name, (size_t)room) < 0)
        return -EFAULT;
    return put_user(addr_len, (int32_t)len);
}

/* ---- system calls ---- */

static int create(int family, int type, int protocol, struct socket **out)
{
    if (family < 0 || family >= AF_MAX)
        return -EAFNOSUPPORT;
    if (type < 0 || type >= SOCK_TYPE_MAX)
        return -EINVAL;
    if (families[family] == NULL)
        return -EAFNOSUPPORT;
    return families[family]->create(type, protocol, out);
}

static int create_file(int family, int type, int protocol, struct file **out)
{
    struct socket *s;
    int err = create(family, type & SOCK_TYPE_MASK, protocol, &s);

    return err < 0 ? err : make_file(s, type, out);
}

long sys_socket(int family, int type, int protocol)
{
    struct file *f;
    int fd;

    if (type & ~(SOCK_TYPE_MASK | SOCK_CLOEXEC | SOCK_NONBLOCK))
        return -EINVAL;
    fd = create_file(family, type, protocol, &f);
    if (fd < 0)
        return fd;
    fd = fd_install(f, fd_flags_of(type), 0);
    if (fd < 0)
        file_put(f);
    return fd;
}

static int make_pair(int family, int type, int protocol, struct file *f[2])
{
    struct socket *a, *b;
    int err = create_file(family, type, protocol, &f[0]);

    if (err < 0)
        return err;
    err = create_file(family, type, protocol, &f[1]);
    if (err < 0)
        goto put_first;
    a = f[0]->private;
    b = f[1]->private;
    err = a->ops->pair != NULL ? a->ops->pair(a, b) : -EOPNOTSUPP;
    if (err == 0)
        return 0;
    file_put(f[1]);
put_first:
    file_put(f[0]);
    return err;
}

long sys_socketpair(int family, int type, int protocol, uaddr_t fds)
{
    struct file *f[2];
    int32_t fd[2];
    int err;

    if (type & ~(SOCK_TYPE_MASK | SOCK_CLOEXEC | SOCK_NONBLOCK))
        return -EINVAL;
    fd[0] = fd_reserve(fd_flags_of(type));
    if (fd[0] < 0)
        return fd[0];
    fd[1] = fd_reserve(fd_flags_of(type));
    err = fd[1];
    if (fd[1] < 0)
        goto unreserve_first;
    err = copy_to_user(fds, fd, sizeof(fd));
    if (err == 0)
        err = make_pair(family, type, protocol, f);
    if (err < 0)
        goto unreserve_both;
    fd_publish(fd[0], f[0]);
    fd_publish(fd[1], f[1]);
    return 0;

unreserve_both:
    fd_unreserve(fd[1]);
unreserve_first:
    fd_unreserve(fd[0]);
    return err;
}

long sys_bind(int fd, uaddr_t addr, int len)
{
    uint8_t name[SOCKADDR_MAX];
    struct socket *s;
    struct file *f;
    int err = socket_get(fd, &f);

    if (err < 0)
        return err;
    err = name_from_user(name, addr, len);
    s = f->private;
    if (err == 0)
        err = s->ops->bind(s, name, len);
    file_put(f);
    return err;
}

long sys_connect(int fd, uaddr_t addr, int len)
{
    uint8_t name[SOCKADDR_MAX];
    struct socket *s;
    struct file *f;
    int err = socket_get(fd, &f);

    if (err < 0)
        return err;
    err = name_from_user(name, addr, len);
    s = f->private;
    if (err == 0)
        err = s->ops->connect(s, name, len, (f->flags & O_NONBLOCK) != 0);
    file_put(f);
    return err;
}

long sys_listen(int fd, int backlog)
{
    struct socket *s;
    struct file *f;
    int err = socket_get(fd, &f);

    if (err < 0)
        return err;
    if ((unsigned)backlog > BACKLOG_MAX)
        backlog = BACKLOG_MAX;
    s = f->private;
    err = s->ops->listen != NULL ? s->ops->listen(s, backlog) : -EOPNOTSUPP;
    file_put(f);
    return err;
}

static int accept_file(struct file *listener, int flags, struct file **out)
{
    struct socket *s = listener->private, *conn;
    int err;

    if (s->ops->accept == NULL)
        return -EOPNOTSUPP;
    err = s->ops->accept(s, (listener->flags & O_NONBLOCK) != 0, &conn);
    return err < 0 ? err : make_file(conn, flags, out);
}

static int tell_peer_name(struct file *f, uaddr_t addr, uaddr_t addr_len)
{
    struct socket *s = f->private;
    uint8_t name[SOCKADDR_MAX];
    int len = s->ops->getname(s, name, true);

    if (len < 0)
        return -ECONNABORTED;
    return socket_copy_name(name, len, addr, addr_len);
}

long sys_accept4(int fd, uaddr_t addr, uaddr_t addr_len, int flags)
{
    struct file *listener, *f;
    int err, newfd;

    if (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK))
        return -EINVAL;
    err = socket_get(fd, &listener);
    if (err < 0)
        return err;
    newfd = fd_reserve(fd_flags_of(flags));
    err = newfd;
    if (newfd < 0)
        goto put_listener;
    err = accept_file(listener, flags, &f);
    if (err < 0)
        goto unreserve;
    if (addr != 0)
        err = tell_peer_name(f, addr, addr_len);
    if (err < 0) {
        file_put(f);
        goto unreserve;
    }
    fd_publish(newfd, f);
    file_put(listener);
    return newfd;

unreserve:
    fd_unreserve(newfd);
put_listener:
    file_put(listener);
    return err;
}

long sys_accept(int fd, uaddr_t addr, uaddr_t addr_len)
{
    return sys_accept4(fd, addr, addr_len, 0);
}

static long get_name(int fd, uaddr_t addr, uaddr_t addr_len, bool of_peer)
{
    uint8_t name[SOCKADDR_MAX];
    struct socket *s;
    struct file *f;
    int err = socket_get(fd, &f);

    if (err < 0)
        return err;
    s = f->private;
    err = s->ops->getname(s, name, of_peer);
    if (err >= 0)
        err = socket_copy_name(name, err, addr, addr_len);
    file_put(f);
    return err;
}

long sys_getsockname(int fd, uaddr_t addr, uaddr_t addr_len)
{
    return get_name(fd, addr, addr_len, false);
}

long sys_getpeername(int fd, uaddr_t addr, uaddr_t addr_len)
{
    return get_name(fd, addr, addr_len, true);
}

long sys_shutdown(int fd, int how)
{
    struct socket *s;
    struct file *f;
    int err = socket_get(fd, &f);

    if (err < 0)
        return err;
    s = f->private;
    err = how < SHUT_RD || how > SHUT_RDWR ? -EINVAL : s->ops->shutdown(s, how);
    file_put(f);
    return err;
}

long sys_setsockopt(int fd, int level, int name, uaddr_t val, int len)
{
    struct file *f;
    int err;

    if (len < 0)
        return -EINVAL;
    err = socket_get(fd, &f);
    if (err < 0)
        return err;
    err = level == SOL_SOCKET ? socket_setsockopt(f->private, name, val, len) : -EOPNOTSUPP;
    file_put(f);
    return err;
}

long sys_getsockopt(int fd, int level, int name, uaddr_t val, uaddr_t len)
{
    struct file *f;
    int err = socket_get(fd, &f);

    if (err < 0)
        return err;
    err = level == SOL_SOCKET ? socket_getsockopt(f->private, name, val, len) : -EOPNOTSUPP;
    file_put(f);
    return err;
}
