/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The seam between the socket system calls (socket.c, message.c, option.c) and
 * address families. A family registers how to make a socket; the socket carries
 * its operations. Everything that comes from a program has been copied in and
 * checked for size before an operation sees it.
 */
#pragma once

#include <kernel/files.h>
#include <kernel/fs.h>

#include "kernel/abi/socket.h"

struct scm;
struct message;
struct socket;

struct socket_ops {
    int (*bind)(struct socket *s, const void *addr, int len);
    int (*connect)(struct socket *s, const void *addr, int len, bool nonblock);
    int (*listen)(struct socket *s, int backlog);
    int (*accept)(struct socket *s, bool nonblock, struct socket **out); /* *out has no file yet */
    int (*pair)(struct socket *a, struct socket *b);
    /* Fill addr (SOCKADDR_MAX bytes), return its length. */
    int (*getname)(struct socket *s, void *addr, bool of_peer);
    /* Bytes, or an error; m->flags has MSG_DONTWAIT where the file is non-blocking. */
    ssize_t (*sendmsg)(struct socket *s, struct message *m);
    ssize_t (*recvmsg)(struct socket *s, struct message *m);
    int (*shutdown)(struct socket *s, int how);
    uint32_t (*poll)(struct socket *s, struct file *f, struct poll_table *pt);
    long (*ioctl)(struct socket *s, unsigned cmd, uint64_t arg);
    /* SOL_SOCKET options that the general code does not know; *len: size of val, then what is used
     * of it. -ENOPROTOOPT. */
    int (*getsockopt)(struct socket *s, int name, void *val, uint32_t *len);
    void (*wake_writers)(struct socket *s); /* SO_SNDBUF has grown */
    bool (*is_listening)(struct socket *s);
    void (*closing)(struct socket *s); /* one descriptor of it goes; may be NULL */
    void (*release)(struct socket *s); /* its file is closed (or was never made) */
};

/* [I] fixed, [a] atomic. Families embed it. */
struct socket {
    const struct socket_ops *ops; /* [I] */
    int family, type, protocol;   /* [I] */
    struct file *file;            /* [I] borrowed: file->private is this; NULL before accept(2) */
    uint64_t options;             /* [a] bit SO_x: a boolean option is on */
    uint64_t rcvtimeo_ns, sndtimeo_ns; /* [a] 0: for ever */
    uint32_t sndbuf, rcvbuf;           /* [a] bytes */
    int32_t rcvlowat;                  /* [a] */
    int32_t priority;                  /* [a] kept */
    int32_t linger[2];                 /* [a] kept: struct linger */
    int err; /* [a] positive errno for SO_ERROR and the next call; 0: none */
};

static inline bool socket_option(const struct socket *s, int name)
{
    return (__atomic_load_n(&s->options, __ATOMIC_RELAXED) >> name & 1) != 0;
}

/* One sendmsg or recvmsg. */
struct message {
    struct io_buf data;
    uint8_t name[SOCKADDR_MAX]; /* send: where to; receive: from whom */
    int name_len;
    unsigned flags;     /* MSG_* from the program */
    unsigned out_flags; /* MSG_* for the program */
    struct scm *scm;    /* send: owned until taken; receive: filled in by the family; or NULL */
    bool wants_control; /* receive: somebody will look at scm */
};

struct net_family {
    int family;
    int (*create)(int type, int protocol, struct socket **out);
};
void net_family_register(const struct net_family *family);

void socket_init(struct socket *s, const struct socket_ops *ops, int family, int type,
                 int protocol);
struct socket *socket_of(const struct file *f); /* NULL: not a socket */
int socket_take_error(struct socket *s);        /* pending error, negative, cleared; 0 */
void socket_set_error(struct socket *s, int err);
/* When a blocking operation gives up; 0: never. And what it returns after a signal or then. */
uint64_t socket_deadline(uint64_t timeo_ns);
int socket_wait_error(int err, uint64_t timeo_ns);

/* option.c */
int socket_setsockopt(struct socket *s, int name, uaddr_t val, int len);
int socket_getsockopt(struct socket *s, int name, uaddr_t val, uaddr_t len);

/* message.c */
ssize_t socket_read(struct file *f, struct io_buf *to, off_t *pos);
ssize_t socket_write(struct file *f, struct io_buf *from, off_t *pos);

/* socket.c: a counted file whose private is a socket; -EBADF, -ENOTSOCK. */
int socket_get(int fd, struct file **out);
int socket_copy_name(const void *name, int len, uaddr_t addr, uaddr_t addr_len);
