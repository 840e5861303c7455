/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside procfs: tables of entries, and the text that a file shows.
 *
 * An entry is a directory with a table of its own, a file with a `show` (and
 * perhaps a `store`), or a link. Entries below /proc/PID concern a thread, which
 * the functions get with a reference held; the others get NULL.
 */
#pragma once

#include <kernel/fs.h>
#include <kernel/pid.h>
#include <kernel/proc.h>

/* Growing text, one per open file. After a failed allocation it stays as it is and `failed` is set. */
struct seq {
    struct mutex lock; /* from making the text until it is copied: pread(2) does not take pos_lock */
    char *buf;         /* [lock] */
    size_t len, size;  /* [lock] */
    bool failed;       /* [lock] */
};
void seq_printf(struct seq *s, const char *fmt, ...) __printf(2, 3);
void seq_write(struct seq *s, const void *data, size_t n);

struct proc_context {
    struct thread *thread; /* [I] counted by the caller, or NULL */
    struct pid_ns *ns;     /* [I] of the mount: whose numbers are shown */
    int nr;                /* [I] of a dynamic directory's member, -1: none */
};

enum proc_kind { PROC_FILE, PROC_DIR, PROC_LINK, PROC_DYNAMIC_DIR };

struct proc_dynamic;

struct proc_entry {
    const char *name; /* NULL ends a table */
    mode_t mode;      /* permission bits */
    enum proc_kind kind;
    bool inspect; /* opening it, and each making of its text, needs may_inspect() */
    const struct proc_entry *children;                         /* PROC_DIR */
    const struct proc_dynamic *dynamic;                        /* PROC_DYNAMIC_DIR */
    int (*show)(struct seq *s, const struct proc_context *c);  /* PROC_FILE: 0 or errno */
    int (*store)(const struct proc_context *c, char *value);   /* value: trimmed text */
    int (*readlink)(const struct proc_context *c, char *buf);  /* PROC_LINK: length; PATH_MAX */
    int (*follow)(const struct proc_context *c, struct path *out); /* magic link; NULL: by text */
    const struct file_ops *fops;                               /* instead of show and store */
};

/* A directory whose names are numbers: processes' threads, descriptors. */
struct proc_dynamic {
    /* Does the number exist? */
    bool (*exists)(const struct proc_context *c, int nr);
    /* The lowest existing number >= nr, or -1. */
    int (*next)(const struct proc_context *c, int nr);
    const struct proc_entry *entry; /* what each is: a directory, file or link; name unused */
    bool is_task;                   /* the number names another thread: context of what is below */
};

/* What an inode is. */
struct proc_node {
    const struct proc_entry *entry;
    struct pid *pid; /* counted; NULL: not about a thread */
    int nr;          /* of a dynamic directory's member, -1: none */
};

static inline struct proc_node *proc_node(const struct inode *inode)
{
    return inode->private;
}

/* The thread a node is about, counted; NULL: it has gone. */
struct thread *proc_thread(const struct proc_node *n);

extern const struct proc_entry proc_root_entries[]; /* system.c */
extern const struct proc_entry proc_sys_entries[];  /* sysctl.c */
extern const struct proc_entry proc_sysvipc_entries[]; /* sysvipc.c */
extern const struct proc_entry proc_pid_entry;      /* pid.c: a process's directory */

/* A file system of entries: proc itself, and sysfs. Belongs to the mounter's PID namespace. */
int proc_make_super(const struct fs_type *type, unsigned long flags, const struct proc_entry *root,
                    struct super_block **out);
