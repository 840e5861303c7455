/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls that move data through sockets: sendto, sendmsg, sendmmsg, recvfrom,
 * recvmsg, and read and write. All become one struct message for the family.
 */
#include <kernel/cgroup.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>

#include "scm.h"
#include "socket.h"

#define IOV_MAX      1024
#define IOV_INLINE   8
#define CONTROL_MAX  (20 * 1024) /* net.core.optmem_max */
#define RW_BYTES_MAX 0x7ffff000UL
#define MMSG_MAX     1024

/* ---- struct message ---- */

static void message_init(struct message *m, unsigned flags)
{
    memset(m, 0, offsetof(struct message, name));
    m->name_len = 0;
    m->flags = flags;
    m->out_flags = 0;
    m->scm = NULL;
    m->wants_control = false;
}

static ssize_t send(struct file *f, struct message *m)
{
    struct socket *s = f->private;
    ssize_t n;

    if (f->flags & O_NONBLOCK)
        m->flags |= MSG_DONTWAIT;
    n = s->ops->sendmsg(s, m);
    scm_put(m->scm);
    m->scm = NULL;
    return n;
}

static ssize_t receive(struct file *f, struct message *m)
{
    struct socket *s = f->private;

    if (f->flags & O_NONBLOCK)
        m->flags |= MSG_DONTWAIT;
    return s->ops->recvmsg(s, m);
}

ssize_t socket_read(struct file *f, struct io_buf *to, off_t *pos)
{
    struct message m;
    ssize_t n;

    (void)pos;
    if (to->remaining == 0)
        return 0;
    message_init(&m, 0);
    m.data = *to;
    n = receive(f, &m);
    scm_put(m.scm);
    return n;
}

ssize_t socket_write(struct file *f, struct io_buf *from, off_t *pos)
{
    struct message m;

    (void)pos;
    message_init(&m, 0);
    m.data = *from;
    return send(f, &m);
}

/* ---- sendto, recvfrom ---- */

static int name_from_user(struct message *m, uaddr_t addr, int len)
{
    if (len < 0 || len > SOCKADDR_MAX)
        return -EINVAL;
    m->name_len = len;
    return len == 0 ? 0 : copy_from_user(m->name, addr, (size_t)len);
}

long sys_sendto(int fd, uaddr_t buf, size_t len, unsigned flags, uaddr_t addr, int addr_len)
{
    struct message m;
    struct iov one;
    struct file *f;
    long n;

    len = min(len, RW_BYTES_MAX);
    if (!user_range_ok(buf, len))
        return -EFAULT;
    n = socket_get(fd, &f);
    if (n < 0)
        return n;
    message_init(&m, flags & ~MSG_CMSG_COMPAT);
    io_buf_init_user(&m.data, &one, buf, len);
    if (addr != 0)
        n = name_from_user(&m, addr, addr_len);
    if (n == 0)
        n = send(f, &m);
    file_put(f);
    return n;
}

long sys_recvfrom(int fd, uaddr_t buf, size_t len, unsigned flags, uaddr_t addr, uaddr_t addr_len)
{
    struct message m;
    struct iov one;
    struct file *f;
    long n;

    len = min(len, RW_BYTES_MAX);
    if (!user_range_ok(buf, len))
        return -EFAULT;
    n = socket_get(fd, &f);
    if (n < 0)
        return n;
    message_init(&m, flags & ~MSG_CMSG_COMPAT);
    io_buf_init_user(&m.data, &one, buf, len);
    n = receive(f, &m);
    scm_put(m.scm);
    if (n >= 0 && addr != 0) {
        int err = socket_copy_name(m.name, m.name_len, addr, addr_len);

        if (err < 0)
            n = err;
    }
    file_put(f);
    return n;
}

/* ---- sendmsg, recvmsg ---- */

/* The scattered buffer of a msghdr. `allocated` is to be freed. */
struct scatter {
    struct iov fast[IOV_INLINE];
    struct iov *allocated;
};

static int scatter_from_user(struct scatter *sc, uaddr_t user, uint64_t n, struct io_buf *out)
{
    struct iov *iov = sc->fast;
    size_t total = 0;

    sc->allocated = NULL;
    if (n > IOV_MAX)
        return -EMSGSIZE;
    if (n > IOV_INLINE) {
        iov = sc->allocated = kalloc_for(current_cgroup(), n * sizeof(*iov));
        if (iov == NULL)
            return -ENOMEM;
    }
    if (copy_from_user(iov, user, n * sizeof(*iov)) < 0)
        goto fault;
    for (uint64_t i = 0; i < n; i++) {
        if ((ssize_t)iov[i].len < 0) {
            kfree(sc->allocated);
            return -EINVAL;
        }
        if (iov[i].len > RW_BYTES_MAX - total)
            iov[i].len = RW_BYTES_MAX - total;
        if (!user_range_ok(iov[i].base, iov[i].len))
            goto fault;
        total += iov[i].len;
    }
    *out = (struct io_buf){.iov = iov, .niov = (unsigned)n, .remaining = total, .kernel = false};
    return 0;

fault:
    kfree(sc->allocated);
    return -EFAULT;
}

static int header_from_user(struct msghdr *h, uaddr_t user)
{
    if (copy_from_user(h, user, sizeof(*h)) < 0)
        return -EFAULT;
    if (h->msg_name == 0)
        h->msg_namelen = 0;
    if (h->msg_namelen < 0)
        return -EINVAL;
    if (h->msg_namelen > SOCKADDR_MAX)
        h->msg_namelen = SOCKADDR_MAX;
    return 0;
}

static long send_one(struct file *f, uaddr_t user, unsigned flags)
{
    struct scatter sc;
    struct message m;
    struct msghdr h;
    long n = header_from_user(&h, user);

    if (n < 0)
        return n;
    message_init(&m, flags);
    n = name_from_user(&m, h.msg_name, h.msg_namelen);
    if (n < 0)
        return n;
    n = scatter_from_user(&sc, h.msg_iov, h.msg_iovlen, &m.data);
    if (n < 0)
        return n;
    if (h.msg_controllen > CONTROL_MAX)
        n = -ENOBUFS;
    else if (h.msg_controllen != 0)
        n = scm_from_user(h.msg_control, h.msg_controllen, &m.scm);
    if (n == 0)
        n = send(f, &m);
    kfree(sc.allocated);
    return n;
}

long sys_sendmsg(int fd, uaddr_t msg, unsigned flags)
{
    struct file *f;
    long n;

    if (flags & MSG_CMSG_COMPAT)
        return -EINVAL;
    n = socket_get(fd, &f);
    if (n < 0)
        return n;
    n = send_one(f, msg, flags);
    file_put(f);
    return n;
}

long sys_sendmmsg(int fd, uaddr_t msgs, unsigned n, unsigned flags)
{
    unsigned done = 0;
    struct file *f;
    long err;

    if (flags & MSG_CMSG_COMPAT)
        return -EINVAL;
    err = socket_get(fd, &f);
    if (err < 0)
        return err;
    n = min(n, (unsigned)MMSG_MAX);
    while (done < n) {
        uaddr_t at = msgs + done * sizeof(struct mmsghdr);

        err = send_one(f, at, flags);
        if (err < 0)
            break;
        err = put_user(at + offsetof(struct mmsghdr, msg_len), (uint32_t)err);
        if (err < 0)
            break;
        done++;
        if (signal_pending(current))
            break;
        cond_resched();
    }
    file_put(f);
    return done > 0 ? (long)done : err;
}

/* What a received message leaves in the program's msghdr. */
static long results_to_user(struct message *m, const struct msghdr *h, uaddr_t user,
                            bool want_credentials)
{
    size_t used = scm_to_user(m->scm, want_credentials, h->msg_control, h->msg_controllen, m->flags,
                              &m->out_flags);
    long err = 0;

    if (h->msg_name != 0)
        err = socket_copy_name(m->name, m->name_len, h->msg_name,
                               user + offsetof(struct msghdr, msg_namelen));
    if (err == 0)
        err = put_user(user + offsetof(struct msghdr, msg_flags), (uint32_t)m->out_flags);
    if (err == 0)
        err = put_user(user + offsetof(struct msghdr, msg_controllen), (uint64_t)used);
    return err;
}

static long receive_one(struct file *f, uaddr_t user, unsigned flags)
{
    struct socket *s = f->private;
    struct scatter sc;
    struct message m;
    struct msghdr h;
    long n = header_from_user(&h, user);

    if (n < 0)
        return n;
    message_init(&m, flags);
    m.out_flags = flags & MSG_CMSG_CLOEXEC;
    m.wants_control = true;
    n = scatter_from_user(&sc, h.msg_iov, h.msg_iovlen, &m.data);
    if (n < 0)
        return n;
    n = receive(f, &m);
    kfree(sc.allocated);
    if (n >= 0) {
        long err = results_to_user(&m, &h, user, socket_option(s, SO_PASSCRED));

        if (err < 0)
            n = err;
    }
    scm_put(m.scm);
    return n;
}

long sys_recvmsg(int fd, uaddr_t msg, unsigned flags)
{
    struct file *f;
    long n;

    if (flags & MSG_CMSG_COMPAT)
        return -EINVAL;
    n = socket_get(fd, &f);
    if (n < 0)
        return n;
    n = receive_one(f, msg, flags);
    file_put(f);
    return n;
}
