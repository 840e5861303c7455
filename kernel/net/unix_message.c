/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AF_UNIX: messages. A send makes messages and puts them into the receiver's
 * queue; a receive takes bytes (streams) or whole messages (datagrams, packets)
 * from it. What waits there counts against the sender's SO_SNDBUF and is charged
 * to the sender's cgroup.
 */
#include <kernel/cgroup.h>
#include <kernel/pid.h>
#include <kernel/proc.h>
#include <kernel/string.h>

#include "unix.h"

#define STREAM_CHUNK                                                                               \
    (32 * 1024 - sizeof(struct unix_msg)) /* most that one message holds of a stream */
#define SMALL_MESSAGE 1024 /* up to here allocated; beyond it, in pages that need not be cleared   \
                            */

/* ---- messages ---- */

static struct unix_msg *msg_in_pages(size_t size)
{
    unsigned order = 0;
    struct unix_msg *msg;
    struct page *p;

    while ((PAGE_SIZE << order) < size)
        order++;
    p = page_alloc_for(current_cgroup(), order, 0);
    if (p == NULL)
        return NULL;
    msg = page_address(p);
    memset(msg, 0, sizeof(*msg));
    msg->pages = p;
    return msg;
}

static struct unix_msg *msg_alloc(struct unix_sock *from, size_t len)
{
    size_t size = sizeof(struct unix_msg) + len;
    struct unix_msg *msg;

    msg = size <= SMALL_MESSAGE ? kalloc_for(current_cgroup(), size) : msg_in_pages(size);
    if (msg == NULL)
        return NULL;
    list_init(&msg->link);
    msg->len = (uint32_t)len;
    msg->cost = (uint32_t)size;
    msg->from = from;
    unix_get(from);
    __atomic_fetch_add(&from->unsent, msg->cost, __ATOMIC_RELAXED);
    return msg;
}

void unix_msg_free(struct unix_msg *msg)
{
    struct unix_sock *from = msg->from;

    scm_put(msg->scm);
    __atomic_fetch_sub(&from->unsent, msg->cost, __ATOMIC_RELAXED);
    if (unix_is_writable(from))
        wake_up_events(&from->write_wq, POLLOUT | POLLWRNORM | POLLWRBAND);
    unix_put(from);
    if (msg->pages != NULL)
        page_put(msg->pages);
    else
        kfree(msg);
}

bool unix_take_queue(struct unix_sock *u, struct list_node *out)
{
    bool held_sockets = !list_is_empty(&u->with_sockets);

    list_splice_tail(out, &u->queue);
    u->queue_len = u->queue_bytes = 0;
    while (!list_is_empty(&u->with_sockets))
        list_remove(u->with_sockets.next);
    return held_sockets;
}

void unix_free_queue(struct list_node *queue)
{
    while (!list_is_empty(queue)) {
        struct unix_msg *msg = list_first(queue, struct unix_msg, link);

        list_remove(&msg->link);
        unix_msg_free(msg);
        cond_resched();
    }
}

/* For poll: comfortably. */
bool unix_is_writable(const struct unix_sock *u)
{
    return READ_ONCE(u->state) != UNIX_LISTENING &&
           __atomic_load_n(&u->unsent, __ATOMIC_RELAXED) * 4 <= READ_ONCE(u->sock.sndbuf);
}

bool unix_queue_is_full(const struct unix_sock *u)
{
    return READ_ONCE(u->queue_len) > (uint32_t)READ_ONCE(u->backlog_max);
}

/* ---- sending ---- */

static bool has_send_room(const struct unix_sock *u)
{
    return __atomic_load_n(&u->unsent, __ATOMIC_RELAXED) < READ_ONCE(u->sock.sndbuf) ||
           (READ_ONCE(u->shut) & SEND_SHUT) != 0 || READ_ONCE(u->sock.err) != 0;
}

static int wait_send_room(struct unix_sock *u, unsigned flags, uint64_t deadline)
{
    int err;

    if (READ_ONCE(u->shut) & SEND_SHUT)
        return -EPIPE;
    if (has_send_room(u))
        return socket_take_error(&u->sock);
    if (flags & MSG_DONTWAIT)
        return -EAGAIN;
    err = wait_event_deadline(&u->write_wq, has_send_room(u), deadline);
    if (err < 0)
        return socket_wait_error(err, u->sock.sndtimeo_ns);
    if (READ_ONCE(u->shut) & SEND_SHUT)
        return -EPIPE;
    return socket_take_error(&u->sock);
}

/* Files and credentials go with the first message made of a call. */
static int attach_scm(struct unix_sock *u, const struct unix_sock *to, struct message *m,
                      struct unix_msg *msg)
{
    int err;

    if (socket_option(&u->sock, SO_PASSCRED) || socket_option(&to->sock, SO_PASSCRED)) {
        err = scm_add_own_credentials(&m->scm);
        if (err < 0)
            return err;
    }
    if (m->scm == NULL)
        return 0;
    err = unix_enter_flight(m->scm);
    if (err < 0)
        return err;
    msg->scm = m->scm;
    m->scm = NULL;
    return 0;
}

/* A message with the next n bytes of m. */
static int make_message(struct unix_sock *u, const struct unix_sock *to, struct message *m,
                        size_t n, struct unix_msg **out)
{
    struct unix_msg *msg = msg_alloc(u, n);
    int err;

    if (msg == NULL)
        return -ENOBUFS;
    err = n > 0 && io_copy_from(msg->data, &m->data, n) != (ssize_t)n ? -EFAULT : 0;
    if (err == 0)
        err = attach_scm(u, to, m, msg);
    if (err < 0) {
        unix_msg_free(msg);
        return err;
    }
    *out = msg;
    return 0;
}

/* Into the receiver's queue. -EPIPE: it does not receive any more; -ECONNREFUSED: it is gone. */
static int deliver(struct unix_sock *to, struct unix_msg *msg)
{
    irqflags_t flags = spin_lock(&to->lock);
    int err = 0;

    if (to->is_dead) {
        err = -ECONNREFUSED;
    } else if (to->shut & RECV_SHUT) {
        err = -EPIPE;
    } else {
        list_add_tail(&to->queue, &msg->link);
        if (msg->scm != NULL && msg->scm->has_sockets)
            list_add_tail(&to->with_sockets, &msg->scm->link);
        to->queue_len++;
        to->queue_bytes += msg->len;
    }
    spin_unlock(&to->lock, flags);
    if (err == 0)
        wake_up_events(&to->read_wq, POLLIN | POLLRDNORM);
    return err;
}

static ssize_t send_stream(struct unix_sock *u, struct message *m)
{
    uint64_t deadline = socket_deadline(READ_ONCE(u->sock.sndtimeo_ns));
    struct unix_sock *to = READ_ONCE(u->peer); /* stays until our own release */
    ssize_t sent = 0;
    int err = 0;

    if (m->name_len != 0)
        return u->state == UNIX_CONNECTED ? -EISCONN : -EOPNOTSUPP;
    if (to == NULL)
        return -ENOTCONN;
    if (m->flags & MSG_OOB)
        return -EOPNOTSUPP;
    if (READ_ONCE(u->shut) & SEND_SHUT)
        err = -EPIPE;
    while (err == 0 && m->data.remaining > 0) {
        size_t n = min(m->data.remaining, (size_t)(READ_ONCE(u->sock.sndbuf) / 2 - 64));
        struct unix_msg *msg;

        n = min(n, STREAM_CHUNK);
        err = wait_send_room(u, m->flags, deadline);
        if (err == 0)
            err = make_message(u, to, m, n, &msg);
        if (err < 0)
            break;
        err = deliver(to, msg);
        if (err < 0)
            unix_msg_free(msg);
        else
            sent += (ssize_t)n;
        if (err == -ECONNREFUSED)
            err = -EPIPE;
    }
    if (sent > 0)
        return sent;
    if (err == -EPIPE && !(m->flags & MSG_NOSIGNAL))
        (void)signal_send_thread(current, SIGPIPE, NULL); /* the caller exists */
    return err;
}

/* Where a datagram goes: counted. */
static int datagram_target(struct unix_sock *u, struct message *m, struct unix_sock **out)
{
    irqflags_t flags;

    if (m->name_len != 0 && u->sock.type == SOCK_DGRAM)
        return unix_find(m->name, m->name_len, u->sock.type, out);
    flags = spin_lock(&unix_lock);
    *out = u->peer;
    if (*out != NULL)
        unix_get(*out);
    spin_unlock(&unix_lock, flags);
    return *out != NULL ? 0 : -ENOTCONN;
}

/* A receiver that is connected takes datagrams from its peer only. */
static bool may_send_to(const struct unix_sock *u, const struct unix_sock *to)
{
    const struct unix_sock *theirs = READ_ONCE(to->peer); /* compared only */

    return theirs == NULL || theirs == u;
}

static bool takes_more(const struct unix_sock *u, const struct unix_sock *to)
{
    return READ_ONCE(to->peer) == u || !unix_queue_is_full(to) || READ_ONCE(to->is_dead) ||
           (READ_ONCE(to->shut) & RECV_SHUT) != 0;
}

static int wait_receiver(struct unix_sock *u, struct unix_sock *to, unsigned flags,
                         uint64_t deadline)
{
    int err;

    if (takes_more(u, to))
        return 0;
    if (flags & MSG_DONTWAIT)
        return -EAGAIN;
    err = wait_event_deadline(&to->write_wq, takes_more(u, to), deadline);
    return err < 0 ? socket_wait_error(err, u->sock.sndtimeo_ns) : 0;
}

static int send_datagram_to(struct unix_sock *u, struct unix_sock *to, struct message *m)
{
    uint64_t deadline = socket_deadline(READ_ONCE(u->sock.sndtimeo_ns));
    struct unix_msg *msg;
    int err;

    if (!may_send_to(u, to))
        return -EPERM;
    err = wait_send_room(u, m->flags, deadline);
    if (err == 0)
        err = make_message(u, to, m, m->data.remaining, &msg);
    if (err < 0)
        return err;
    err = wait_receiver(u, to, m->flags, deadline);
    if (err == 0)
        err = deliver(to, msg);
    if (err < 0)
        unix_msg_free(msg);
    return err;
}

static ssize_t send_datagram(struct unix_sock *u, struct message *m)
{
    size_t len = m->data.remaining;
    struct unix_sock *to;
    int err = 0;

    if (m->flags & MSG_OOB)
        return -EOPNOTSUPP;
    if (socket_option(&u->sock, SO_PASSCRED))
        err = unix_autobind(u);
    if (err == 0 && len > READ_ONCE(u->sock.sndbuf) - 32)
        err = -EMSGSIZE;
    if (err == 0)
        err = datagram_target(u, m, &to);
    if (err < 0)
        return err;
    err = send_datagram_to(u, to, m);
    if (err == -ECONNREFUSED && m->name_len == 0 && unix_is_datagram(u))
        unix_disconnect_datagram(u); /* the peer is gone for good */
    unix_put(to);
    return err < 0 ? err : (ssize_t)len;
}

static ssize_t send_packet(struct unix_sock *u, struct message *m)
{
    ssize_t n = socket_take_error(&u->sock);

    if (n < 0)
        return n;
    if (READ_ONCE(u->state) != UNIX_CONNECTED)
        return -ENOTCONN;
    m->name_len = 0;
    n = send_datagram(u, m);
    if (n == -ECONNREFUSED || n == -EPIPE) {
        n = -EPIPE;
        if (!(m->flags & MSG_NOSIGNAL))
            (void)signal_send_thread(current, SIGPIPE, NULL); /* the caller exists */
    }
    return n;
}

ssize_t unix_sendmsg(struct socket *s, struct message *m)
{
    struct unix_sock *u = unix_of(s);

    switch (s->type) {
    case SOCK_STREAM:
        return send_stream(u, m);
    case SOCK_SEQPACKET:
        return send_packet(u, m);
    default:
        return send_datagram(u, m);
    }
}

/* ---- receiving ---- */

static bool has_input(const struct unix_sock *u)
{
    return READ_ONCE(u->queue_len) != 0 || (READ_ONCE(u->shut) & RECV_SHUT) != 0 ||
           READ_ONCE(u->sock.err) != 0;
}

/* 0: look again, or, with *eof, nothing will come any more. */
static int wait_input(struct unix_sock *u, unsigned flags, uint64_t deadline, bool *eof)
{
    int err = socket_take_error(&u->sock);

    *eof = false;
    if (err < 0)
        return err;
    if (READ_ONCE(u->shut) & RECV_SHUT) {
        *eof = true;
        return 0;
    }
    if (flags & MSG_DONTWAIT)
        return -EAGAIN;
    mutex_unlock(&u->recv_lock);
    err = wait_event_deadline(&u->read_wq, has_input(u), deadline);
    mutex_lock(&u->recv_lock);
    return err < 0 ? socket_wait_error(err, u->sock.rcvtimeo_ns) : 0;
}

/*
 * Only receivers take messages out of a queue, one at a time under recv_lock. So
 * a message can be read where it is while senders add others behind it.
 */
static struct unix_msg *message_after(struct unix_sock *u, const struct unix_msg *msg)
{
    irqflags_t flags = spin_lock(&u->lock);
    struct list_node *next = msg != NULL ? msg->link.next : u->queue.next;

    spin_unlock(&u->lock, flags);
    return next != &u->queue ? list_entry(next, struct unix_msg, link) : NULL;
}

/* n bytes of the oldest message have been read; `whole`: it is done with. */
static void consume(struct unix_sock *u, struct unix_msg *msg, uint32_t n, bool whole)
{
    irqflags_t flags = spin_lock(&u->lock);

    if (whole)
        n = msg->len;
    msg->off += n;
    msg->len -= n;
    u->queue_bytes -= n;
    if (whole) {
        list_remove(&msg->link);
        if (msg->scm != NULL)
            list_remove(&msg->scm->link);
        u->queue_len--;
    }
    spin_unlock(&u->lock, flags);
    if (whole)
        unix_msg_free(msg);
}

/* Senders that a full queue has held up. */
static void wake_senders(struct unix_sock *u)
{
    struct unix_sock *sender;
    irqflags_t flags;

    wake_up_events(&u->write_wq, POLLOUT | POLLWRNORM | POLLWRBAND);
    flags = spin_lock(&unix_lock);
    list_for_each(sender, &u->senders, sender_link)
        wake_up_events(&sender->write_wq, POLLOUT | POLLWRNORM | POLLWRBAND);
    spin_unlock(&unix_lock, flags);
}

static void tell_sender(struct message *m, const struct unix_msg *msg)
{
    irqflags_t flags = spin_lock(&unix_lock);
    const struct unix_addr *a = msg->from->addr;

    m->name_len = 0;
    if (a != NULL) {
        m->name_len = a->len;
        memcpy(m->name, &a->sun, (size_t)a->len);
    }
    spin_unlock(&unix_lock, flags);
}

static bool has_files(const struct unix_msg *msg)
{
    return msg->scm != NULL && msg->scm->nfiles > 0;
}

/* Hand over what goes with a message: its files once, its credentials with every part of it. A mere
 * look at it gets a copy. -ENOMEM. */
static int pass_scm(struct unix_sock *u, struct message *m, struct unix_msg *msg, bool stays)
{
    struct scm *rest = NULL, *copy;
    irqflags_t flags;

    if (msg->scm == NULL || (m->scm != NULL && !has_files(msg)))
        return 0;
    if (m->flags & MSG_PEEK) {
        copy = unix_peek_scm(msg->scm);
        if (copy == NULL)
            return -ENOMEM;
        scm_put(m->scm);
        m->scm = copy;
        return 0;
    }
    if (stays && msg->scm->pid != NULL) {
        rest = scm_credentials_of(msg->scm);
        if (rest == NULL)
            return -ENOMEM;
    }
    if (msg->scm->in_flight)
        unix_leave_flight(msg->scm);
    scm_put(m->scm); /* credentials of an earlier part */
    m->scm = msg->scm;
    flags = spin_lock(&u->lock); /* unix_collect() looks at queued messages' sockets */
    list_remove(&m->scm->link);
    msg->scm = rest;
    spin_unlock(&u->lock, flags);
    return 0;
}

/* Bytes of different senders do not mix where the receiver asks who they are. */
static bool same_writer(const struct scm *a, const struct scm *b)
{
    if (a == NULL || b == NULL)
        return a == b || (a == NULL ? b->pid : a->pid) == NULL;
    return a->pid == b->pid && uid_eq(a->uid, b->uid) && gid_eq(a->gid, b->gid);
}

/* [recv_lock] */
static ssize_t receive_stream_locked(struct unix_sock *u, struct message *m)
{
    uint64_t deadline = socket_deadline(READ_ONCE(u->sock.rcvtimeo_ns));
    size_t want = m->data.remaining;
    size_t enough = m->flags & MSG_WAITALL ? want : min(want, (size_t)READ_ONCE(u->sock.rcvlowat));
    bool checks_writer = socket_option(&u->sock, SO_PASSCRED);
    struct unix_msg *looked_at = NULL; /* MSG_PEEK: the last one */
    ssize_t done = 0;
    int err = 0;

    for (;;) {
        struct unix_msg *msg = message_after(u, looked_at);
        bool stop, whole, eof;
        ssize_t n;

        if (msg == NULL) {
            /* What was looked at is still there: to wait behind it would not be to sleep, and
             * without recv_lock another receiver may take it. A look therefore never waits for more. */
            if (done > 0 && ((size_t)done >= enough || looked_at != NULL))
                break;
            err = wait_input(u, m->flags, deadline, &eof);
            if (err < 0 || eof)
                break;
            continue;
        }
        if (done > 0 && checks_writer && !same_writer(m->scm, msg->scm))
            break;
        n = io_copy_to(&m->data, msg->data + msg->off, min((size_t)msg->len, m->data.remaining));
        if (n < 0) {
            err = (int)n;
            break;
        }
        if (done == 0)
            tell_sender(m, msg);
        done += n;
        stop = has_files(msg);
        whole = (uint32_t)n == msg->len;
        err = pass_scm(u, m, msg, !whole);
        if (m->flags & MSG_PEEK)
            looked_at = msg;
        else
            consume(u, msg, (uint32_t)n, whole);
        if (err < 0 || stop || !whole || m->data.remaining == 0)
            break;
    }
    return done > 0 ? done : err;
}

/* [recv_lock] */
static ssize_t receive_datagram_locked(struct unix_sock *u, struct message *m)
{
    uint64_t deadline = socket_deadline(READ_ONCE(u->sock.rcvtimeo_ns));
    struct unix_msg *msg;
    ssize_t n, len, fits;
    bool was_full;
    int err;

    while ((msg = message_after(u, NULL)) == NULL) {
        bool eof;

        err = wait_input(u, m->flags, deadline, &eof);
        if (err < 0)
            return err;
        if (eof) /* a packet socket's peer ends it; a datagram socket only shuts itself down */
            return unix_is_datagram(u) && (m->flags & MSG_DONTWAIT) ? -EAGAIN : 0;
    }
    tell_sender(m, msg);
    len = msg->len;
    fits = (ssize_t)min(m->data.remaining, (size_t)len);
    if (fits < len)
        m->out_flags |= MSG_TRUNC;
    n = io_copy_to(&m->data, msg->data, (size_t)fits);
    if (n < fits)
        n = -EFAULT;
    err = n >= 0 ? pass_scm(u, m, msg, false) : 0;
    if (err < 0)
        n = err;
    else if (n >= 0 && (m->flags & MSG_TRUNC))
        n = len;
    if (m->flags & MSG_PEEK)
        return n;
    was_full = unix_queue_is_full(u);
    consume(u, msg, 0, true);
    if (was_full)
        wake_senders(u);
    return n;
}

ssize_t unix_recvmsg(struct socket *s, struct message *m)
{
    struct unix_sock *u = unix_of(s);
    ssize_t n;

    if (s->type == SOCK_STREAM && READ_ONCE(u->state) != UNIX_CONNECTED)
        return -EINVAL;
    if (s->type == SOCK_SEQPACKET && READ_ONCE(u->state) != UNIX_CONNECTED)
        return -ENOTCONN;
    if (m->flags & MSG_OOB)
        return -EOPNOTSUPP;
    mutex_lock(&u->recv_lock);
    n = s->type == SOCK_STREAM ? receive_stream_locked(u, m) : receive_datagram_locked(u, m);
    mutex_unlock(&u->recv_lock);
    return n;
}
