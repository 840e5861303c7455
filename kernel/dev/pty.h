/* SPDX-License-Identifier: BSD-2-Clause */
/* Pseudo terminals (pty.c) and the file system that names them (devpts.c). */
#pragma once

#include "tty.h"

#define MAJOR_PTS     136 /* the first of eight */
#define PTY_INDEX_MAX 4096

struct devpts;

/*
 * A pair. The terminal itself, with its line discipline, is the slave's side;
 * the master is the device behind it: it reads tty.out and types into the tty.
 * References are those of the tty; the master's open file holds one.
 */
struct pty {
    struct tty tty;
    struct super_block *sb;              /* counted while the master is open */
    unsigned index;                      /* [I] N of /dev/pts/N */
    struct dentry *node;                 /* counted while the master is open */
    bool is_locked;                      /* [a] TIOCSPTLCK: the slave cannot be opened yet */
    bool master_open;                    /* [a] */
    struct wait_queue read_wq, write_wq; /* the master's */
};

void pty_init(void);

/* devpts.c. An instance gives out a number and shows the node until it is removed. */
void devpts_init(void);
int devpts_add(struct super_block *sb, struct pty *pty); /* sets index and node; -ENOSPC, -ENOMEM */
void devpts_remove(struct pty *pty);
/* The instance that a file of /dev/ptmx belongs to, with the root's path (counted); -ENODEV,
 * -ENOENT. */
int devpts_of_ptmx(const struct file *f, struct path *root);
int pts_open(struct inode *inode, struct file *f);
