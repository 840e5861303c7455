/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AF_UNIX: life, names and connections of sockets.
 *
 *     server: socket -> bind -> listen -> accept ───┐ a new socket, the client's peer
 *     client: socket -> connect ────────────────────┘
 *
 * connect() makes the server's socket itself and puts it into the listener's
 * backlog: it is connected at once, and accept() only gives it a file.
 *
 * A name in the file system is found by its inode, an abstract one by its bytes
 * within one network namespace.
 */
#include "unix.h"

#include <kernel/cgroup.h>
#include <kernel/pid.h>
#include <kernel/proc.h>
#include <kernel/random.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>

#include "kernel/abi/ioctl.h"
#include "net.h"

#define NAME_BUCKETS    64
#define FAMILY_LEN      ((int)offsetof(struct sockaddr_un, sun_path))
#define BACKLOG_DEFAULT 10 /* datagrams: messages that wait in a receiver */

struct spinlock unix_lock = SPINLOCK_INIT;
static struct list_node names[NAME_BUCKETS]; /* [unix_lock] struct unix_addr.link */
static struct kmem_cache *unix_cache;

/* ---- life ---- */

struct unix_sock *unix_of_file(const struct file *f)
{
    struct socket *s = socket_of(f);

    return s != NULL && s->ops == &unix_ops ? unix_of(s) : NULL;
}

void unix_get(struct unix_sock *u)
{
    refcount_get(&u->refs);
}

static void addr_put(struct unix_addr *addr)
{
    if (addr != NULL && refcount_put(&addr->refs))
        kfree(addr);
}

static void peer_cred_put(struct peer_cred *pc)
{
    if (pc->pid != NULL) {
        pid_put(pc->pid);
        cred_put(pc->cred);
    }
    *pc = (struct peer_cred){NULL, NULL};
}

static void peer_cred_copy(struct peer_cred *to, const struct peer_cred *from)
{
    *to = *from;
    if (to->pid != NULL) {
        pid_get(to->pid);
        cred_get(to->cred);
    }
}

static struct peer_cred peer_cred_current(void)
{
    struct peer_cred pc = {current_process()->pid, current->cred};

    pid_get(pc.pid);
    cred_get(pc.cred);
    return pc;
}

void unix_put(struct unix_sock *u)
{
    if (!refcount_put(&u->refs))
        return;
    assert(list_is_empty(&u->queue) && list_is_empty(&u->backlog) && u->peer == NULL);
    addr_put(u->addr);
    peer_cred_put(&u->own);
    peer_cred_put(&u->theirs);
    net_ns_put(u->net);
    kmem_cache_free(unix_cache, u);
}

static struct unix_sock *unix_alloc(int type, struct net_ns *net)
{
    struct unix_sock *u = kmem_cache_zalloc_for(unix_cache, current_cgroup());

    if (u == NULL)
        return NULL;
    socket_init(&u->sock, &unix_ops, AF_UNIX, type, 0);
    refcount_init(&u->refs, 1);
    refcount_get(&net->refs);
    u->net = net;
    spin_init(&u->lock);
    lock_class_nests(&u->lock.class, "a listener's, then those of its backlog: unix_gc.c");
    mutex_init(&u->recv_lock);
    list_init(&u->senders);
    list_init(&u->sender_link);
    list_init(&u->queue);
    list_init(&u->with_sockets);
    list_init(&u->backlog);
    list_init(&u->backlog_link);
    list_init(&u->flight_link);
    list_init(&u->gc_link);
    u->backlog_max = BACKLOG_DEFAULT;
    wait_queue_init(&u->read_wq);
    wait_queue_init(&u->write_wq);
    return u;
}

static int unix_create(int type, int protocol, struct socket **out)
{
    struct unix_sock *u;

    if (protocol != 0 && protocol != AF_UNIX)
        return -EPROTONOSUPPORT;
    if (type == SOCK_RAW)
        type = SOCK_DGRAM;
    if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET)
        return -ESOCKTNOSUPPORT;
    u = unix_alloc(type, current->nsproxy->net);
    if (u == NULL)
        return -ENOMEM;
    *out = &u->sock;
    return 0;
}

/* Wake everybody who waits for anything here. */
static void wake_all(struct unix_sock *u)
{
    wake_up(&u->read_wq);
    wake_up(&u->write_wq);
}

static void shut(struct unix_sock *u, unsigned how)
{
    irqflags_t flags = spin_lock(&u->lock);

    u->shut |= how;
    spin_unlock(&u->lock, flags);
    wake_all(u);
}

/* [unix_lock] Nobody finds u by its name any more. */
static void unname(struct unix_sock *u)
{
    if (u->addr != NULL && u->addr->owner == u) {
        u->addr->owner = NULL;
        list_remove(&u->addr->link);
    }
}

/* [unix_lock] The peer's reference goes to the caller; NULL: it has none. */
static struct unix_sock *unpeer(struct unix_sock *u)
{
    struct unix_sock *peer = u->peer;

    u->peer = NULL;
    list_remove(&u->sender_link);
    return peer;
}

static void unix_release(struct socket *s)
{
    struct list_node queue = LIST_INIT(queue), backlog = LIST_INIT(backlog);
    struct unix_sock *u = unix_of(s), *peer, *sender, *next;
    bool unread, held_sockets;
    struct path path;
    irqflags_t flags = spin_lock(&unix_lock);

    unname(u);
    peer = unpeer(u);
    path = u->path;
    u->path = (struct path){NULL, NULL};
    u->state = UNIX_CLOSED;
    spin_unlock(&unix_lock, flags);

    flags = spin_lock(&u->lock);
    u->is_dead = true;
    u->shut = BOTH_SHUT;
    unread = u->queue_len != 0 || u->sock.file == NULL;
    held_sockets = unix_take_queue(u, &queue);
    list_splice_tail(&backlog, &u->backlog);
    u->backlog_len = 0;
    spin_unlock(&u->lock, flags);
    wake_all(u);

    if (peer != NULL && !unix_is_datagram(u)) {
        if (unread)
            socket_set_error(&peer->sock, ECONNRESET);
        shut(peer, BOTH_SHUT);
    }
    flags = spin_lock(&unix_lock);
    list_for_each_safe(sender, next, &u->senders, sender_link)
        wake_up(&sender->write_wq); /* they will learn that it is dead */
    spin_unlock(&unix_lock, flags);

    unix_free_queue(&queue);
    while (!list_is_empty(&backlog)) {
        struct unix_sock *conn = list_first(&backlog, struct unix_sock, backlog_link);

        list_remove(&conn->backlog_link);
        unix_release(&conn->sock); /* one level: a connection has no backlog */
    }
    if (path.dentry != NULL)
        path_put(&path);
    if (peer != NULL)
        unix_put(peer);
    unix_put(u);
    unix_collect_after(held_sockets);
}

static void unix_closing(struct socket *s)
{
    struct unix_sock *u = unix_of(s);

    if (READ_ONCE(u->in_flight) != 0)
        unix_collect(u);
}

/* ---- names ---- */

static struct list_node *bucket(uint64_t hash)
{
    return &names[(hash * 0x9e3779b97f4a7c15ULL) >> 32 & (NAME_BUCKETS - 1)];
}

static uint64_t hash_bytes(const char *p, int len)
{
    uint64_t h = 14695981039346656037ULL;

    while (len-- > 0)
        h = (h ^ (uint8_t)*p++) * 1099511628211ULL;
    return h;
}

static uint64_t hash_abstract(const struct sockaddr_un *sun, int len)
{
    return hash_bytes(sun->sun_path, len - FAMILY_LEN);
}

/* [unix_lock] */
static struct unix_addr *find_abstract(const struct net_ns *net, const struct sockaddr_un *sun,
                                       int len, int type)
{
    struct unix_addr *a;

    list_for_each(a, bucket(hash_abstract(sun, len)), link)
    {
        if (a->inode == NULL && a->net == net && a->type == type && a->len == len &&
            memcmp(&a->sun, sun, (size_t)len) == 0)
            return a;
    }
    return NULL;
}

/* [unix_lock] Whatever its type: a wrong one is -EPROTOTYPE. */
static struct unix_addr *find_inode(const struct inode *inode)
{
    struct unix_addr *a;

    list_for_each(a, bucket((uint64_t)inode), link)
    {
        if (a->inode == inode)
            return a;
    }
    return NULL;
}

static int check_name(const struct sockaddr_un *sun, int len)
{
    if (len <= FAMILY_LEN || len > (int)sizeof(*sun) || sun->sun_family != AF_UNIX)
        return -EINVAL;
    return 0;
}

static bool is_abstract(const struct sockaddr_un *sun)
{
    return sun->sun_path[0] == '\0';
}

/* A path is not always terminated: sun_path may be full. */
static void path_of(const struct sockaddr_un *sun, int len, char out[SUN_PATH_MAX + 1])
{
    size_t n = strnlen(sun->sun_path, (size_t)(len - FAMILY_LEN));

    memcpy(out, sun->sun_path, n);
    out[n] = '\0';
}

static int find_by_path(const struct sockaddr_un *sun, int len, int type, struct unix_sock **out)
{
    char name[SUN_PATH_MAX + 1];
    struct unix_addr *a;
    struct path path;
    irqflags_t flags;
    int err;

    path_of(sun, len, name);
    err = path_lookup(AT_FDCWD, name, LOOKUP_FOLLOW, &path);
    if (err < 0)
        return err;
    err = inode_permission(&path, MAY_WRITE);
    if (err < 0)
        goto put_path;

    flags = spin_lock(&unix_lock);
    a = S_ISSOCK(path.dentry->inode->mode) ? find_inode(path.dentry->inode) : NULL;
    if (a == NULL) {
        err = -ECONNREFUSED;
    } else if (a->type != type) {
        err = -EPROTOTYPE;
    } else {
        *out = a->owner;
        unix_get(*out);
    }
    spin_unlock(&unix_lock, flags);
put_path:
    path_put(&path);
    return err;
}

int unix_find(const void *addr, int len, int type, struct unix_sock **out)
{
    const struct sockaddr_un *sun = addr;
    struct unix_addr *a;
    irqflags_t flags;
    int err = check_name(sun, len);

    if (err < 0)
        return err;
    if (!is_abstract(sun))
        return find_by_path(sun, len, type, out);
    flags = spin_lock(&unix_lock);
    a = find_abstract(current->nsproxy->net, sun, len, type);
    if (a != NULL) {
        *out = a->owner;
        unix_get(*out);
    }
    spin_unlock(&unix_lock, flags);
    return a != NULL ? 0 : -ECONNREFUSED;
}

static struct unix_addr *addr_alloc(struct unix_sock *u, const struct sockaddr_un *sun, int len)
{
    struct unix_addr *a = kalloc_for(current_cgroup(), sizeof(*a));

    if (a == NULL)
        return NULL;
    refcount_init(&a->refs, 1);
    list_init(&a->link);
    a->owner = u;
    a->net = u->net;
    a->type = u->sock.type;
    a->len = len;
    memcpy(&a->sun, sun, (size_t)len);
    return a;
}

/* Give u this name. -EINVAL: it has one; -EADDRINUSE. Takes over a and, on success, path. */
static int set_name(struct unix_sock *u, struct unix_addr *a, const struct path *path)
{
    irqflags_t flags = spin_lock(&unix_lock);
    int err = 0;

    if (u->addr != NULL) {
        err = -EINVAL;
    } else if (path == NULL && find_abstract(u->net, &a->sun, a->len, a->type) != NULL) {
        err = -EADDRINUSE;
    } else {
        list_add_head(bucket(path != NULL ? (uint64_t)a->inode : hash_abstract(&a->sun, a->len)),
                      &a->link);
        u->addr = a;
        if (path != NULL)
            u->path = *path;
    }
    spin_unlock(&unix_lock, flags);
    if (err < 0)
        addr_put(a);
    return err;
}

/* The directory that `name` lies in and its last part. */
static int lookup_parent(char *name, struct path *dir, const char **last)
{
    char *slash = strrchr(name, '/');

    if (slash == NULL) {
        *last = name;
        return path_lookup(AT_FDCWD, ".", LOOKUP_DIRECTORY, dir);
    }
    *last = slash + 1;
    if (slash == name)
        return path_lookup(AT_FDCWD, "/", LOOKUP_DIRECTORY, dir);
    *slash = '\0';
    return path_lookup(AT_FDCWD, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, dir);
}

/* The node for a name in the file system; *node is counted. */
static int make_node(char *name, struct path *node)
{
    mode_t mode = S_IFSOCK | (0777 & ~current->fs->umask);
    struct dentry *d;
    const char *last;
    struct path dir;
    int err = lookup_parent(name, &dir, &last);

    if (err < 0)
        return err;
    if (*last == '\0' || strcmp(last, ".") == 0 || strcmp(last, "..") == 0)
        err = -EADDRINUSE; /* a directory, which exists */
    else if (strlen(last) > NAME_MAX)
        err = -ENAMETOOLONG;
    else
        err = mount_want_write(&dir);
    if (err == 0)
        err = inode_permission(&dir, MAY_WRITE | MAY_EXEC);
    if (err == 0)
        err = vfs_mknod(dir.dentry, last, mode, 0, &d);
    if (err == -EEXIST)
        err = -EADDRINUSE;
    if (err < 0) {
        path_put(&dir);
        return err;
    }
    dentry_put(dir.dentry);
    *node = (struct path){dir.mnt, d};
    return 0;
}

static int bind_path(struct unix_sock *u, const struct sockaddr_un *sun, int len)
{
    char name[SUN_PATH_MAX + 1];
    struct unix_addr *a;
    struct path node;
    int err;

    if (READ_ONCE(u->addr) != NULL)
        return -EINVAL;
    path_of(sun, len, name);
    a = addr_alloc(u, sun, min(FAMILY_LEN + (int)strlen(name) + 1, (int)sizeof(*sun)));
    if (a == NULL)
        return -ENOMEM;
    err = make_node(name, &node);
    if (err < 0) {
        addr_put(a);
        return err;
    }
    a->inode = node.dentry->inode;
    err = set_name(u, a, &node);
    if (err <
        0) { /* lost a race against another bind of this socket: the node stays, as on Linux */
        path_put(&node);
        return err;
    }
    return 0;
}

int unix_autobind(struct unix_sock *u)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    char digits[8];

    if (READ_ONCE(u->addr) != NULL)
        return 0;
    for (int tries = 0; tries < 1000; tries++) {
        struct unix_addr *a;
        uint32_t n;
        int err;

        random_bytes(&n, sizeof(n));
        snprintf(digits, sizeof(digits), "%05x", n & 0xfffff);
        memcpy(sun.sun_path + 1, digits, 5);
        a = addr_alloc(u, &sun, FAMILY_LEN + 6);
        if (a == NULL)
            return -ENOMEM;
        err = set_name(u, a, NULL);
        if (err != -EADDRINUSE)
            return err == -EINVAL ? 0 : err; /* named meanwhile */
    }
    return -ENOSPC;
}

static int unix_bind(struct socket *s, const void *addr, int len)
{
    const struct sockaddr_un *sun = addr;
    struct unix_sock *u = unix_of(s);
    struct unix_addr *a;
    int err;

    if (len == FAMILY_LEN && sun->sun_family == AF_UNIX)
        return unix_autobind(u);
    err = check_name(sun, len);
    if (err < 0)
        return err;
    if (!is_abstract(sun))
        return bind_path(u, sun, len);
    a = addr_alloc(u, sun, len);
    return a != NULL ? set_name(u, a, NULL) : -ENOMEM;
}

static int unix_getname(struct socket *s, void *out, bool of_peer)
{
    struct unix_sock *u = unix_of(s);
    struct sockaddr_un *sun = out;
    irqflags_t flags = spin_lock(&unix_lock);
    struct unix_addr *a;
    int len = FAMILY_LEN;

    if (of_peer)
        u = u->peer;
    a = u != NULL ? u->addr : NULL;
    if (u == NULL) {
        len = -ENOTCONN;
    } else if (a != NULL) {
        len = a->len;
        memcpy(sun, &a->sun, (size_t)len);
    } else {
        sun->sun_family = AF_UNIX;
    }
    spin_unlock(&unix_lock, flags);
    return len;
}

/* ---- connections ---- */

static int unix_listen(struct socket *s, int backlog)
{
    struct unix_sock *u = unix_of(s);
    struct peer_cred mine, old;
    irqflags_t flags;
    int err = 0;

    if (unix_is_datagram(u))
        return -EOPNOTSUPP;
    mine = peer_cred_current();
    flags = spin_lock(&unix_lock);
    if (u->addr == NULL || (u->state != UNIX_CLOSED && u->state != UNIX_LISTENING)) {
        err = -EINVAL;
    } else {
        old = u->own;
        u->own = mine;
        mine = old;
        u->state = UNIX_LISTENING;
        WRITE_ONCE(u->backlog_max, backlog);
    }
    spin_unlock(&unix_lock, flags);
    peer_cred_put(&mine);
    wake_up_events(&u->write_wq, POLLOUT); /* who waits for a longer backlog */
    return err;
}

static bool backlog_has_room(const struct unix_sock *u)
{
    return READ_ONCE(u->backlog_len) <= READ_ONCE(u->backlog_max) || READ_ONCE(u->is_dead) ||
           (READ_ONCE(u->shut) & RECV_SHUT) != 0;
}

/* [unix_lock] Put conn, the server's end, into the backlog. */
static int enter_backlog(struct unix_sock *listener, struct unix_sock *conn)
{
    irqflags_t flags;
    int err = 0;

    if (listener->state != UNIX_LISTENING)
        return -ECONNREFUSED;
    flags = spin_lock(&listener->lock);
    if (listener->is_dead || (listener->shut & RECV_SHUT)) {
        err = -ECONNREFUSED;
    } else if (listener->backlog_len > listener->backlog_max) {
        err = -EAGAIN;
    } else {
        list_add_tail(&listener->backlog, &conn->backlog_link);
        listener->backlog_len++;
    }
    spin_unlock(&listener->lock, flags);
    return err;
}

/* Connect u with conn, whose place is the listener's backlog. -EAGAIN: that is full. */
static int connect_to(struct unix_sock *u, struct unix_sock *listener, struct unix_sock *conn)
{
    struct peer_cred mine = peer_cred_current();
    irqflags_t flags = spin_lock(&unix_lock);
    int err = 0;

    if (u->state == UNIX_CONNECTED)
        err = -EISCONN;
    else if (u->state != UNIX_CLOSED)
        err = -EINVAL;
    if (err == 0)
        err = enter_backlog(listener, conn);
    if (err == 0) {
        u->peer = conn;
        conn->peer = u;
        unix_get(u);
        unix_get(conn);
        u->state = conn->state = UNIX_CONNECTED;
        conn->addr = listener->addr;
        refcount_get(&conn->addr->refs);
        conn->theirs = mine;
        mine = (struct peer_cred){NULL, NULL};
        peer_cred_copy(&u->theirs, &listener->own);
    }
    spin_unlock(&unix_lock, flags);
    peer_cred_put(&mine);
    return err;
}

static int connect_stream(struct unix_sock *u, const void *addr, int len, bool nonblock)
{
    uint64_t timeo = READ_ONCE(u->sock.sndtimeo_ns);
    uint64_t deadline = socket_deadline(timeo);
    struct unix_sock *listener, *conn;
    int err = check_name(addr, len);

    if (err == 0 && socket_option(&u->sock, SO_PASSCRED))
        err = unix_autobind(u);
    if (err < 0)
        return err;
    conn = unix_alloc(u->sock.type, u->net);
    if (conn == NULL)
        return -ENOMEM;
    for (;;) {
        err = unix_find(addr, len, u->sock.type, &listener);
        if (err < 0)
            break;
        err = connect_to(u, listener, conn);
        if (err == -EAGAIN && !nonblock) {
            err = wait_event_deadline(&listener->write_wq, backlog_has_room(listener), deadline);
            unix_put(listener);
            if (err == 0)
                continue;
            err = socket_wait_error(err, timeo);
            break;
        }
        if (err == 0)
            wake_up_events(&listener->read_wq, POLLIN | POLLRDNORM);
        unix_put(listener);
        break;
    }
    if (err < 0)
        unix_put(conn);
    return err;
}

void unix_disconnect_datagram(struct unix_sock *u)
{
    irqflags_t flags = spin_lock(&unix_lock);
    struct unix_sock *old = unpeer(u);

    if (old != NULL)
        u->state = UNIX_CLOSED;
    spin_unlock(&unix_lock, flags);
    if (old != NULL)
        unix_put(old);
    wake_all(u);
}

static int connect_datagram(struct unix_sock *u, const void *addr, int len)
{
    const struct sockaddr_un *sun = addr;
    struct unix_sock *other, *old;
    irqflags_t flags;
    int err;

    if (len < FAMILY_LEN)
        return -EINVAL;
    if (sun->sun_family == AF_UNSPEC) {
        unix_disconnect_datagram(u);
        return 0;
    }
    err = check_name(sun, len);
    if (err == 0 && socket_option(&u->sock, SO_PASSCRED))
        err = unix_autobind(u);
    if (err == 0)
        err = unix_find(addr, len, u->sock.type, &other);
    if (err < 0)
        return err;

    flags = spin_lock(&unix_lock);
    if (other->peer != NULL && other->peer != u) {
        spin_unlock(&unix_lock, flags);
        unix_put(other);
        return -EPERM;
    }
    old = unpeer(u);
    u->peer = other;
    list_add_tail(&other->senders, &u->sender_link);
    u->state = UNIX_CONNECTED;
    spin_unlock(&unix_lock, flags);
    if (old != NULL)
        unix_put(old);
    return 0;
}

static int unix_connect(struct socket *s, const void *addr, int len, bool nonblock)
{
    struct unix_sock *u = unix_of(s);

    return unix_is_datagram(u) ? connect_datagram(u, addr, len)
                               : connect_stream(u, addr, len, nonblock);
}

/* The oldest connection of the backlog; NULL with *err: none (-EAGAIN), or not a listener. */
static struct unix_sock *take_connection(struct unix_sock *u, int *err)
{
    struct unix_sock *conn = NULL;
    irqflags_t flags = spin_lock(&u->lock);

    *err = 0;
    if (!list_is_empty(&u->backlog)) {
        conn = list_first(&u->backlog, struct unix_sock, backlog_link);
        list_remove(&conn->backlog_link);
        u->backlog_len--;
    } else {
        *err = u->shut & RECV_SHUT ? -EINVAL : -EAGAIN;
    }
    spin_unlock(&u->lock, flags);
    return conn;
}

static int unix_accept(struct socket *s, bool nonblock, struct socket **out)
{
    struct unix_sock *u = unix_of(s), *conn;
    uint64_t timeo = READ_ONCE(s->rcvtimeo_ns);
    int err;

    if (unix_is_datagram(u))
        return -EOPNOTSUPP;
    if (READ_ONCE(u->state) != UNIX_LISTENING)
        return -EINVAL;
    conn = take_connection(u, &err);
    if (conn == NULL && err == -EAGAIN && !nonblock) {
        int stop = wait_event_deadline(&u->read_wq,
                                       (conn = take_connection(u, &err)) != NULL || err != -EAGAIN,
                                       socket_deadline(timeo));

        if (stop < 0)
            err = socket_wait_error(stop, timeo);
    }
    if (conn == NULL)
        return err;
    wake_up_events(&u->write_wq, POLLOUT); /* the backlog has room */
    *out = &conn->sock;
    return 0;
}

static int unix_pair(struct socket *sa, struct socket *sb)
{
    struct unix_sock *a = unix_of(sa), *b = unix_of(sb);
    irqflags_t flags;

    a->own = peer_cred_current();
    peer_cred_copy(&a->theirs, &a->own);
    peer_cred_copy(&b->own, &a->own);
    peer_cred_copy(&b->theirs, &a->own);
    flags = spin_lock(&unix_lock);
    a->peer = b;
    b->peer = a;
    unix_get(a);
    unix_get(b);
    a->state = b->state = UNIX_CONNECTED;
    if (unix_is_datagram(a)) {
        list_add_tail(&b->senders, &a->sender_link);
        list_add_tail(&a->senders, &b->sender_link);
    }
    spin_unlock(&unix_lock, flags);
    return 0;
}

static int unix_shutdown(struct socket *s, int how)
{
    static const unsigned own[] = {
        [SHUT_RD] = RECV_SHUT, [SHUT_WR] = SEND_SHUT, [SHUT_RDWR] = BOTH_SHUT};
    static const unsigned other[] = {
        [SHUT_RD] = SEND_SHUT, [SHUT_WR] = RECV_SHUT, [SHUT_RDWR] = BOTH_SHUT};
    struct unix_sock *u = unix_of(s), *peer;
    irqflags_t flags = spin_lock(&unix_lock);

    peer = u->peer;
    if (peer != NULL && !unix_is_datagram(u))
        unix_get(peer);
    else
        peer = NULL;
    spin_unlock(&unix_lock, flags);
    shut(u, own[how]);
    if (peer != NULL) {
        shut(peer, other[how]);
        unix_put(peer);
    }
    return 0;
}

/* ---- the rest ---- */

static bool receiver_is_full(struct unix_sock *u)
{
    irqflags_t flags = spin_lock(&unix_lock);
    bool full = u->peer != NULL && u->peer->peer != u && unix_queue_is_full(u->peer);

    spin_unlock(&unix_lock, flags);
    return full;
}

static uint32_t unix_poll(struct socket *s, struct file *f, struct poll_table *pt)
{
    struct unix_sock *u = unix_of(s);
    uint32_t events = 0;
    unsigned shut_now;

    poll_wait(f, &u->read_wq, pt);
    poll_wait(f, &u->write_wq, pt);
    shut_now = READ_ONCE(u->shut);
    if (READ_ONCE(s->err) != 0)
        events |= POLLERR;
    if (shut_now == BOTH_SHUT)
        events |= POLLHUP;
    if (shut_now & RECV_SHUT)
        events |= POLLRDHUP | POLLIN | POLLRDNORM;
    if (READ_ONCE(u->queue_len) != 0 || READ_ONCE(u->backlog_len) != 0)
        events |= POLLIN | POLLRDNORM;
    if (!unix_is_datagram(u) && READ_ONCE(u->state) == UNIX_CLOSED)
        events |= POLLHUP;
    if (unix_is_writable(u) && !(unix_is_datagram(u) && receiver_is_full(u)))
        events |= POLLOUT | POLLWRNORM | POLLWRBAND;
    return events;
}

static long unix_ioctl(struct socket *s, unsigned cmd, uint64_t arg)
{
    struct unix_sock *u = unix_of(s);
    irqflags_t flags;
    int32_t n = 0;

    switch (cmd) {
    case SIOCOUTQ:
        return put_user(arg, (int32_t)__atomic_load_n(&u->unsent, __ATOMIC_RELAXED));
    case SIOCINQ:
        if (READ_ONCE(u->state) == UNIX_LISTENING)
            return -EINVAL;
        flags = spin_lock(&u->lock);
        if (!unix_is_datagram(u))
            n = (int32_t)u->queue_bytes;
        else if (u->queue_len != 0)
            n = (int32_t)list_first(&u->queue, struct unix_msg, link)->len;
        spin_unlock(&u->lock, flags);
        return put_user(arg, n);
    default:
        return -ENOTTY;
    }
}

static struct peer_cred their_cred(struct unix_sock *u)
{
    struct peer_cred pc;
    irqflags_t flags = spin_lock(&unix_lock);

    peer_cred_copy(&pc, &u->theirs);
    spin_unlock(&unix_lock, flags);
    return pc;
}

static int get_peer_groups(struct unix_sock *u, uint32_t *groups, uint32_t *len)
{
    struct peer_cred pc = their_cred(u);
    uint32_t need;

    if (pc.pid == NULL)
        return -ENODATA;
    need = pc.cred->ngroups * (uint32_t)sizeof(uint32_t);
    if (need <= *len) {
        for (uint32_t i = 0; i < pc.cred->ngroups; i++)
            groups[i] = pc.cred->groups[i].val;
    }
    peer_cred_put(&pc);
    if (need > *len) {
        *len = need;
        return -ERANGE;
    }
    *len = need;
    return 0;
}

static int unix_getsockopt(struct socket *s, int name, void *val, uint32_t *len)
{
    struct ucred *u = val;
    struct pid *me = current->pid;
    struct peer_cred pc;

    switch (name) {
    case SO_PEERCRED:
        pc = their_cred(unix_of(s));
        *u = (struct ucred){0, UINT32_MAX, UINT32_MAX};
        if (pc.pid != NULL)
            *u = (struct ucred){pid_nr_in(pc.pid, me->numbers[me->level].ns), pc.cred->euid.val,
                                pc.cred->egid.val};
        peer_cred_put(&pc);
        *len = sizeof(*u);
        return 0;
    case SO_PEERGROUPS:
        return get_peer_groups(unix_of(s), val, len);
    default:
        return -ENOPROTOOPT;
    }
}

static void unix_wake_writers(struct socket *s)
{
    wake_up_events(&unix_of(s)->write_wq, POLLOUT | POLLWRNORM | POLLWRBAND);
}

static bool unix_is_listening(struct socket *s)
{
    return READ_ONCE(unix_of(s)->state) == UNIX_LISTENING;
}

const struct socket_ops unix_ops = {
    .bind = unix_bind,
    .connect = unix_connect,
    .listen = unix_listen,
    .accept = unix_accept,
    .pair = unix_pair,
    .getname = unix_getname,
    .sendmsg = unix_sendmsg,
    .recvmsg = unix_recvmsg,
    .shutdown = unix_shutdown,
    .poll = unix_poll,
    .ioctl = unix_ioctl,
    .getsockopt = unix_getsockopt,
    .wake_writers = unix_wake_writers,
    .is_listening = unix_is_listening,
    .closing = unix_closing,
    .release = unix_release,
};

static const struct net_family unix_family = {AF_UNIX, unix_create};

void net_init(void)
{
    for (unsigned i = 0; i < NAME_BUCKETS; i++)
        list_init(&names[i]);
    unix_cache = kmem_cache_create("unix_sock", sizeof(struct unix_sock), 64);
    net_family_register(&unix_family);
}
