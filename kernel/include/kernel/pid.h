/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Process identifiers: pid_namespaces(7). A struct pid has one number in its
 * own namespace and in each namespace above; it names a thread, and through
 * the lists also a process, a process group and a session.
 */
#pragma once

#include <kernel/list.h>
#include <kernel/refcount.h>
#include <kernel/types.h>

#define PID_NS_MAX_LEVEL 8
#define PID_MAX          32768

struct thread;
struct process;

struct pid_ns {
    struct refcount refs;
    struct pid_ns *parent; /* [I] counted */
    unsigned level;        /* [I] 0: the first */
    int last;              /* [pid_lock] number given last */
    struct process *init;  /* [pid_lock] PID 1 here; NULL before and after */
    unsigned count;        /* [pid_lock] numbers in use */
    bool dying;            /* [pid_lock] init has exited: no new processes */
    int reboot_signal;     /* [pid_lock] reboot(2): what its init seems to have died of; 0: none */
    ino_t ino;             /* /proc/PID/ns/pid */
    struct list_node numbers; /* [pid_lock] struct pid_number.link, ascending */
};
extern struct pid_ns pid_ns_init;

struct pid_number {
    struct list_node link;
    struct list_node hash;
    int nr;
    struct pid_ns *ns;
    struct pid *pid;
};

struct pid {
    struct refcount refs;
    unsigned level;           /* [I] of the namespace it was made in */
    struct thread *thread;    /* [pid_lock] NULL when reaped */
    struct process *process;  /* [pid_lock] whose leader this names */
    struct list_node pgrp;    /* [pid_lock] processes in this group: struct process.pgrp_link */
    struct list_node session; /* [pid_lock] processes in this session */
    struct pid_number numbers[]; /* [0 .. level] */
};

extern struct spinlock pid_lock; /* also guards the process tree, see kernel/README.md */

int pid_alloc(struct pid_ns *ns, struct pid **out); /* charged to the current cgroup; -EAGAIN, -ENOMEM */
void pid_get(struct pid *p);
void pid_put(struct pid *p);
void pid_detach_number(struct pid *p); /* reaped: numbers may be used again */
int pid_nr_in(const struct pid *p, const struct pid_ns *ns); /* 0: not visible there */
struct pid *pid_find(struct pid_ns *ns, int nr); /* counted, or NULL */
struct pid *pid_find_next(struct pid_ns *ns, int nr); /* lowest number >= nr; counted, or NULL: /proc */

struct pid_ns *pid_ns_create(struct pid_ns *parent); /* NULL: no memory or nested too deep */
void pid_ns_get(struct pid_ns *ns);
void pid_ns_put(struct pid_ns *ns);
