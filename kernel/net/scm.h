/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What travels beside the bytes of a message: credentials and open files
 * (cmsg(3), unix(7)). scm.c packs and unpacks it; unix_gc.c keeps account of
 * sockets in flight.
 */
#pragma once

#include <kernel/cred.h>
#include <kernel/list.h>

#include "socket.h"

struct pid;

struct scm {
    struct list_node link; /* in unix_sock.with_sockets; later, while it waits to be dropped */
    struct pid *pid;       /* counted: the sender's process, or NULL: no credentials */
    kuid_t uid;
    kgid_t gid;
    uint32_t nfiles;
    bool in_flight;               /* its files are counted by unix_gc.c */
    bool has_sockets;             /* [I once in flight] of AF_UNIX, among its files */
    struct user_account *account; /* counted while in flight: who pays for it */
    struct file *files[];         /* counted; room for SCM_RIGHTS_MAX if there are any */
};

/* From a program's control buffer, for sending; *out is NULL when there was nothing in it. */
int scm_from_user(uaddr_t control, size_t len, struct scm **out);
/* The sender's own credentials, if none were given. -ENOMEM. */
int scm_add_own_credentials(struct scm **scm);
/* A copy that shares the files, for MSG_PEEK; or NULL. */
struct scm *scm_dup(const struct scm *scm);
struct scm *scm_credentials_of(const struct scm *scm); /* a copy without the files; or NULL */
/* Into a receiver's control buffer: installs descriptors. Returns how much of the buffer was used;
 * sets MSG_CTRUNC in *out_flags. scm may be NULL. */
size_t scm_to_user(struct scm *scm, bool want_credentials, uaddr_t control, size_t len,
                   unsigned flags, unsigned *out_flags);
/* Drops it with its files: later, if this is inside the drop of another. NULL is nothing. */
void scm_put(struct scm *scm);

/* unix_gc.c: the files of a message that is about to enter a queue, or has left one. */
int unix_enter_flight(struct scm *scm); /* -ETOOMANYREFS */
void unix_leave_flight(struct scm *scm);
