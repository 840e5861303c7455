/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Message queues: msgget(2), msgsnd(2), msgrcv(2), msgctl(2).
 *
 * A message is copied from its sender before, and to its receiver after the
 * queue is touched: the lock is never held over user memory. Who must wait holds a
 * reference to the queue and sleeps until its count of changes has moved, then looks
 * again. A message that its receiver's buffer turns out not to take is lost, as on Linux.
 */
#include <kernel/cgroup.h>
#include <kernel/list.h>
#include <kernel/mm.h>
#include <kernel/string.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>

#include "ipc.h"

struct msg {
    struct list_node link; /* [L] */
    int64_t type;          /* [I] > 0 */
    size_t len;            /* [I] bytes of data */
    char data[];           /* [I] */
};

struct msg_queue {
    struct ipc_object ipc;
    struct list_node messages;   /* [L] oldest first */
    uint64_t nbytes, nmessages;  /* [L] */
    uint64_t max_bytes;          /* [L] msg_qbytes: also the limit of messages */
    int64_t stime, rtime, ctime; /* [L] */
    struct pid *lspid, *lrpid;   /* [L] counted; NULL: nobody yet */
    uint64_t changes;            /* [L, read without] */
    struct wait_queue senders, receivers;
};

/* What msgsnd(2) and msgrcv(2) have before their data in user memory. */
#define MTYPE_SIZE sizeof(int64_t)
/* IPC_INFO shows these, and always has; they limit nothing. */
#define MSGINFO_POOL     (MSGMNI * (MSGMNB / 1024))
#define MSGINFO_SEG_SIZE 16
#define MSGINFO_SEGS     0xffff

static struct msg_queue *queue_of(struct ipc_object *o)
{
    return container_of(o, struct msg_queue, ipc);
}

/* ---- queues ---- */

static int queue_create(struct ipc_ns *ns, int32_t key, int flags, size_t amount,
                        struct ipc_object **out)
{
    struct msg_queue *q = kalloc_for(current_cgroup(), sizeof(*q));

    (void)ns;
    (void)key;
    (void)flags;
    (void)amount;
    if (q == NULL)
        return -ENOMEM;
    list_init(&q->messages);
    wait_queue_init(&q->senders);
    wait_queue_init(&q->receivers);
    q->max_bytes = MSGMNB;
    q->ctime = ipc_now();
    *out = &q->ipc;
    return 0;
}

static bool queue_holds(const struct ipc_object *o, size_t amount)
{
    (void)o;
    (void)amount;
    return true;
}

static void wake_all(struct msg_queue *q)
{
    WRITE_ONCE(q->changes, q->changes + 1);
    wake_up(&q->senders);
    wake_up(&q->receivers);
}

static void queue_remove(struct ipc_object *o)
{
    struct msg_queue *q = queue_of(o);

    ipc_ids_of(o)->total -= q->nbytes;
    ipc_ids_of(o)->messages -= q->nmessages;
    wake_all(q);
}

static void queue_destroy(struct ipc_object *o)
{
    struct msg_queue *q = queue_of(o);
    struct msg *m, *next;

    list_for_each_safe (m, next, &q->messages, link) {
        kfree(m);
        cond_resched();
    }
    ipc_set_pid(&q->lspid, NULL);
    ipc_set_pid(&q->lrpid, NULL);
    kfree(q);
}

static const struct ipc_ops msg_ops = {
    .kind = IPC_MSG,
    .max = MSGMNI,
    .create = queue_create,
    .holds = queue_holds,
    .remove = queue_remove,
    .destroy = queue_destroy,
};

long sys_msgget(int key, int flags)
{
    return ipc_get(&msg_ops, key, flags, 0);
}

/* ---- waiting ---- */

/* Sleep until the queue has changed; the lock is given up meanwhile. 0, -EIDRM, or a signal came.
 */
static int wait_change(struct ipc_ids *ids, struct msg_queue *q, struct wait_queue *wq)
{
    uint64_t seen = q->changes;
    int err;

    ipc_ref(&q->ipc);
    mutex_unlock(&ids->lock);
    err = wait_event_interruptible(wq, READ_ONCE(q->changes) != seen);
    mutex_lock(&ids->lock);
    if (q->ipc.is_removed)
        err = -EIDRM;
    else if (err < 0)
        err = -ERESTARTNOHAND; /* -EINTR when a handler runs, also with SA_RESTART */
    ipc_unref(&q->ipc);
    return err;
}

/* ---- sending ---- */

static bool has_room(const struct msg_queue *q, size_t len)
{
    return len + q->nbytes <= q->max_bytes && q->nmessages + 1 <= q->max_bytes;
}

static int wait_for_room(struct ipc_ids *ids, struct msg_queue *q, size_t len, int flags)
{
    int err = ipc_check_access(&q->ipc, 0222);

    while (err == 0 && !has_room(q, len)) {
        err = flags & IPC_NOWAIT ? -EAGAIN : wait_change(ids, q, &q->senders);
        if (err == 0)
            err = ipc_check_access(&q->ipc, 0222);
    }
    return err;
}

static void enqueue(struct ipc_ids *ids, struct msg_queue *q, struct msg *m)
{
    list_add_tail(&q->messages, &m->link);
    q->nbytes += m->len;
    q->nmessages++;
    q->stime = ipc_now();
    ipc_set_pid(&q->lspid, current->process->pid);
    ids->total += m->len;
    ids->messages++;
    WRITE_ONCE(q->changes, q->changes + 1);
    wake_up(&q->receivers);
}

static int copy_message(uaddr_t umsg, size_t len, struct msg **out)
{
    struct msg *m = kalloc_for(current_cgroup(), sizeof(*m) + len);

    if (m == NULL)
        return -ENOMEM;
    m->len = len;
    if (copy_from_user(m->data, umsg + MTYPE_SIZE, len) < 0) {
        kfree(m);
        return -EFAULT;
    }
    *out = m;
    return 0;
}

long sys_msgsnd(int id, uaddr_t umsg, size_t len, int flags)
{
    struct ipc_ids *ids = &current_ipc_ns()->ids[IPC_MSG];
    struct ipc_object *o;
    struct msg *m;
    int64_t type;
    int err;

    if (get_user(&type, umsg) < 0)
        return -EFAULT;
    if (len > MSGMAX || id < 0 || type < 1)
        return -EINVAL;
    err = copy_message(umsg, len, &m);
    if (err < 0)
        return err;
    m->type = type;
    mutex_lock(&ids->lock);
    err = ipc_find(ids, id, &o);
    if (err == 0)
        err = wait_for_room(ids, queue_of(o), len, flags);
    if (err == 0)
        enqueue(ids, queue_of(o), m);
    mutex_unlock(&ids->lock);
    if (err < 0)
        kfree(m);
    return err;
}

/* ---- receiving ---- */

static bool is_wanted(const struct msg *m, long type, int flags)
{
    if (type == 0)
        return true;
    if (type < 0)
        return m->type <= (type == INT64_MIN ? INT64_MAX : -type);
    return (m->type == type) != ((flags & MSG_EXCEPT) != 0);
}

/* The first message wanted, of those with a type of at most -type the lowest; or the n-th of all.
 */
static struct msg *find_message(struct msg_queue *q, long type, int flags)
{
    struct msg *m, *found = NULL;
    long n = 0;

    list_for_each (m, &q->messages, link) {
        if (flags & MSG_COPY) {
            if (n++ == type)
                return m;
        } else if (is_wanted(m, type, flags) && (found == NULL || m->type < found->type)) {
            found = m;
            if (type >= 0)
                break;
        }
    }
    return found;
}

static void dequeue(struct ipc_ids *ids, struct msg_queue *q, struct msg *m)
{
    list_remove(&m->link);
    q->nbytes -= m->len;
    q->nmessages--;
    q->rtime = ipc_now();
    ipc_set_pid(&q->lrpid, current->process->pid);
    ids->total -= m->len;
    ids->messages--;
    WRITE_ONCE(q->changes, q->changes + 1);
    wake_up(&q->senders);
}

static struct msg *duplicate(const struct msg *m)
{
    struct msg *copy = kalloc_for(current_cgroup(), sizeof(*m) + m->len);

    if (copy == NULL)
        return NULL;
    copy->type = m->type;
    copy->len = m->len;
    memcpy(copy->data, m->data, m->len);
    return copy;
}

/* Wait for a message and take it out of the queue (MSG_COPY: a copy of it): the caller's to free.
 */
static int take_message(struct ipc_ids *ids, struct msg_queue *q, size_t size, long type, int flags,
                        struct msg **out)
{
    struct msg *m;
    int err;

    for (;;) {
        err = ipc_check_access(&q->ipc, 0444);
        if (err < 0)
            return err;
        m = find_message(q, type, flags);
        if (m != NULL)
            break;
        err = flags & IPC_NOWAIT ? -ENOMSG : wait_change(ids, q, &q->receivers);
        if (err < 0)
            return err;
    }
    if (m->len > size && !(flags & MSG_NOERROR))
        return -E2BIG;
    *out = flags & MSG_COPY ? duplicate(m) : m;
    if (*out == NULL)
        return -ENOMEM;
    if (!(flags & MSG_COPY))
        dequeue(ids, q, m);
    return 0;
}

long sys_msgrcv(int id, uaddr_t umsg, size_t size, long type, int flags)
{
    struct ipc_ids *ids = &current_ipc_ns()->ids[IPC_MSG];
    struct ipc_object *o;
    struct msg *m = NULL;
    long res;

    if (id < 0 || (ssize_t)size < 0)
        return -EINVAL;
    if ((flags & MSG_COPY) && ((flags & MSG_EXCEPT) || !(flags & IPC_NOWAIT)))
        return -EINVAL;
    mutex_lock(&ids->lock);
    res = ipc_find(ids, id, &o);
    if (res == 0)
        res = take_message(ids, queue_of(o), size, type, flags, &m);
    mutex_unlock(&ids->lock);
    if (res < 0)
        return res;
    size = min(size, m->len);
    if (put_user(umsg, m->type) < 0 || copy_to_user(umsg + MTYPE_SIZE, m->data, size) < 0)
        res = -EFAULT;
    else
        res = (long)size;
    kfree(m);
    return res;
}

/* ---- msgctl ---- */

static void show_queue(const struct msg_queue *q, struct abi_msqid_ds *out)
{
    memset(out, 0, sizeof(*out));
    ipc_show_perm(&q->ipc, &out->perm);
    out->stime = q->stime;
    out->rtime = q->rtime;
    out->ctime = q->ctime;
    out->cbytes = q->nbytes;
    out->qnum = q->nmessages;
    out->qbytes = q->max_bytes;
    out->lspid = ipc_pid_nr(q->lspid);
    out->lrpid = ipc_pid_nr(q->lrpid);
}

int msg_next(struct ipc_ns *ns, unsigned *at, struct abi_msqid_ds *out)
{
    struct ipc_ids *ids = &ns->ids[IPC_MSG];
    struct ipc_object *o;
    int id = -1;

    mutex_lock(&ids->lock);
    o = ipc_next(ids, at);
    if (o != NULL) {
        show_queue(queue_of(o), out);
        id = o->id;
    }
    mutex_unlock(&ids->lock);
    return id;
}

static long queue_stat(struct ipc_ids *ids, int id, int cmd, uaddr_t buf)
{
    struct abi_msqid_ds ds;
    struct ipc_object *o;
    int res;

    mutex_lock(&ids->lock);
    res = cmd == IPC_STAT ? ipc_find(ids, id, &o) : ipc_find_index(ids, id, &o);
    if (res == 0 && cmd != MSG_STAT_ANY)
        res = ipc_check_access(o, 0444);
    if (res == 0) {
        show_queue(queue_of(o), &ds);
        res = cmd == IPC_STAT ? 0 : o->id;
    }
    mutex_unlock(&ids->lock);
    if (res < 0)
        return res;
    return put_user(buf, ds) < 0 ? -EFAULT : res;
}

static long msg_info(struct ipc_ids *ids, int cmd, uaddr_t buf)
{
    struct abi_msginfo info = {
        .msgpool = MSGINFO_POOL,
        .msgmap = MSGMNB,
        .msgmax = MSGMAX,
        .msgmnb = MSGMNB,
        .msgmni = MSGMNI,
        .msgssz = MSGINFO_SEG_SIZE,
        .msgtql = MSGMNB,
        .msgseg = MSGINFO_SEGS,
    };
    int highest;

    mutex_lock(&ids->lock);
    if (cmd == MSG_INFO) {
        info.msgpool = (int32_t)ids->in_use;
        info.msgmap = (int32_t)ids->messages;
        info.msgtql = (int32_t)ids->total;
    }
    highest = ipc_highest_index(ids);
    mutex_unlock(&ids->lock);
    return put_user(buf, info) < 0 ? -EFAULT : highest;
}

static int queue_set_locked(struct msg_queue *q, const struct abi_msqid_ds *in)
{
    int err;

    if (in->qbytes > MSGMNB && !capable(CAP_SYS_RESOURCE))
        return -EPERM;
    err = ipc_set_perm(&q->ipc, &in->perm);
    if (err < 0)
        return err;
    q->max_bytes = in->qbytes;
    q->ctime = ipc_now();
    wake_all(q); /* there may be room now, or permission gone */
    return 0;
}

/* IPC_RMID, and IPC_SET with `in`. */
static long queue_change(struct ipc_ids *ids, int id, const struct abi_msqid_ds *in)
{
    bool is_removal = in == NULL;
    struct ipc_object *o;
    int err;

    mutex_lock(&ids->lock);
    err = ipc_find(ids, id, &o);
    if (err == 0)
        err = ipc_check_owner(o);
    if (err == 0 && is_removal)
        ipc_remove(o);
    else if (err == 0)
        err = queue_set_locked(queue_of(o), in);
    mutex_unlock(&ids->lock);
    if (err == 0 && is_removal)
        ipc_unref(o);
    return err;
}

static long queue_set(struct ipc_ids *ids, int id, uaddr_t buf)
{
    struct abi_msqid_ds in;

    return get_user(&in, buf) < 0 ? -EFAULT : queue_change(ids, id, &in);
}

long sys_msgctl(int id, int cmd, uaddr_t buf)
{
    struct ipc_ids *ids = &current_ipc_ns()->ids[IPC_MSG];

    if (id < 0)
        return -EINVAL;
    switch (cmd) {
    case IPC_INFO:
    case MSG_INFO:
        return msg_info(ids, cmd, buf);
    case IPC_STAT:
    case MSG_STAT:
    case MSG_STAT_ANY:
        return queue_stat(ids, id, cmd, buf);
    case IPC_SET:
        return queue_set(ids, id, buf);
    case IPC_RMID:
        return queue_change(ids, id, NULL);
    }
    return -EINVAL;
}
