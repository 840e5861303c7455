/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AF_UNIX: unix(7). unix.c makes, names and connects sockets, unix_message.c
 * moves data, unix_gc.c finds sockets that only hold each other.
 *
 * Locks, in this order: flight_lock (unix_gc.c), unix_lock, a socket's own lock.
 * Of two sockets' own locks a listener's comes before those of its backlog (unix_gc.c);
 * no others are held together. recv_lock (sleeping) comes
 * before all of them.
 */
#pragma once

#include <kernel/mm.h>
#include <kernel/ns.h>
#include <kernel/wait.h>

#include "scm.h"
#include "socket.h"

enum unix_state { UNIX_CLOSED, UNIX_LISTENING, UNIX_CONNECTED };
enum { RECV_SHUT = 1, SEND_SHUT = 2, BOTH_SHUT = 3 };

/* A name, in the file system or abstract; its bytes as given, never changed. */
struct unix_addr {
    struct refcount refs;    /* the socket, those it accepted, getname in progress */
    struct list_node link;   /* [unix_lock] in the table of names */
    struct unix_sock *owner; /* [unix_lock] who is found by this name; NULL: nobody any more */
    struct net_ns *net;      /* [I] abstract: compared, held by the owner */
    struct inode *inode;     /* [I] path: compared, held by the owner's `path` */
    int type;                /* [I] SOCK_* */
    int len;                 /* [I] of sun, as getsockname(2) tells it */
    struct sockaddr_un sun;  /* [I] sun_path[0] is 0: abstract */
};

/* Whom SO_PEERCRED names. */
struct peer_cred {
    struct pid *pid;   /* counted, or NULL: nobody yet */
    struct cred *cred; /* counted */
};

/*
 * References: its file or, before accept(2), its listener's backlog; its peer
 * (for datagrams: every socket connected to it); messages that it has sent and
 * nobody has received. Once the file is gone it is dead: it holds no message and
 * no peer, so references go in no circle.
 *
 * [I] fixed, [u] unix_lock, [l] lock, [f] flight_lock, [a] atomic.
 */
struct unix_sock {
    struct socket sock; /* first */
    struct refcount refs;
    struct net_ns *net; /* [I] counted */
    struct spinlock lock;
    enum unix_state state;        /* [u], and read without */
    struct unix_sock *peer;       /* [u] counted; of a connected stream: [I] until release */
    struct list_node senders;     /* [u] datagram sockets connected to this one */
    struct list_node sender_link; /* [u] in peer->senders */
    struct unix_addr *addr;       /* [u] counted; set once */
    struct path path;             /* [u] counted; of a bound name in the file system */
    struct peer_cred own, theirs; /* [u] set by listen; by connect */
    struct mutex recv_lock;       /* one receiver at a time takes from the queue */
    bool is_dead;                 /* [l] */
    unsigned shut;                /* [l] RECV_SHUT | SEND_SHUT; read without */
    struct list_node queue;       /* [l] struct unix_msg, oldest first */
    uint32_t queue_len;           /* [l] messages */
    uint32_t queue_bytes;         /* [l] not yet read */
    struct list_node with_sockets; /* [l] struct scm.link: what the queue holds for unix_gc.c */
    struct list_node backlog;     /* [l] struct unix_sock.backlog_link: to be accepted */
    struct list_node backlog_link;
    int backlog_len, backlog_max; /* [l] */
    uint64_t unsent;              /* [a] bytes of memory of its messages that nobody has received */
    struct wait_queue read_wq, write_wq;

    unsigned in_flight;            /* [f] how many messages hold its file */
    struct list_node flight_link;  /* [f] in the list of sockets in flight */
    unsigned outside;              /* [f] scratch of the collection */
    bool is_candidate, is_reached; /* [f] scratch */
    struct list_node gc_link;      /* [f] scratch */
};

struct unix_msg {
    struct list_node link;  /* [the receiver's lock] */
    struct unix_sock *from; /* counted */
    struct scm *scm;        /* owned, or NULL */
    struct page *pages;     /* counted: where this lies, or NULL: allocated */
    uint32_t off, len;      /* the part that has not been read */
    uint32_t cost;          /* what it counts in from->unsent */
    uint8_t data[];
};

extern struct spinlock unix_lock;

static inline struct unix_sock *unix_of(struct socket *s)
{
    return (struct unix_sock *)s;
}
struct unix_sock *unix_of_file(const struct file *f); /* NULL: not one of these */

static inline bool unix_is_datagram(const struct unix_sock *u)
{
    return u->sock.type == SOCK_DGRAM;
}

/* unix.c */
extern const struct socket_ops unix_ops;
void unix_get(struct unix_sock *u);
void unix_put(struct unix_sock *u);
int unix_find(const void *addr, int len, int type, struct unix_sock **out); /* counted */
int unix_autobind(struct unix_sock *u);
void unix_disconnect_datagram(struct unix_sock *u);

/* unix_message.c */
ssize_t unix_sendmsg(struct socket *s, struct message *m);
ssize_t unix_recvmsg(struct socket *s, struct message *m);
void unix_msg_free(struct unix_msg *msg);
/* [u->lock] Moves all messages to `out`. True: some carry sockets. */
bool unix_take_queue(struct unix_sock *u, struct list_node *out);
void unix_free_queue(struct list_node *queue); /* what that has taken */
bool unix_is_writable(const struct unix_sock *u);
bool unix_queue_is_full(const struct unix_sock *u); /* of a datagram receiver */

/* unix_gc.c */
/* If anything is in flight. `closing`: one reference to its file is about to go; or NULL. */
void unix_collect(const struct unix_sock *closing);
/* A socket is gone. `held_sockets`: with messages that carried others. */
void unix_collect_after(bool held_sockets);
struct scm *unix_peek_scm(const struct scm *scm); /* a copy of one in a queue; or NULL */
