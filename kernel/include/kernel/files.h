/* SPDX-License-Identifier: BSD-2-Clause */
/* File descriptor tables, shared by CLONE_FILES. (kernel/fs/fdtable.c) */
#pragma once

#include <kernel/fs.h>

struct files;

struct files *files_create(void); /* empty, charged; or NULL */
struct files *files_copy(struct files *old);
void files_get(struct files *f);
void files_put(struct files *f);
void files_close_on_exec(struct files *f);
int files_unshare(void); /* the current thread's table is its own from now on; 0 or -ENOMEM */

/* Lowest free descriptor from `from` on, under RLIMIT_NOFILE; takes over the reference to f.
 * On error (-EMFILE, -ENOMEM) the caller still owns f. */
int fd_install(struct file *f, unsigned fd_flags, int from);
#define FD_CLOEXEC 1
/* Reserve first, publish when nothing can fail any more. */
int fd_reserve(unsigned fd_flags);
void fd_publish(int fd, struct file *f);
void fd_unreserve(int fd);

/* Counted; NULL: -EBADF. O_PATH files only from the second. */
struct file *fd_get(int fd);
struct file *fd_get_any(int fd);
int fd_close(int fd);
int fd_get_flags(int fd); /* FD_CLOEXEC or 0; -EBADF */
/* The table's size: no descriptor from here on is open. (select(2) looks no further.) */
unsigned files_fd_end(struct files *f);
/* Another process's, for /proc/PID/fd: next descriptor >= fd that is open, counted file. */
struct file *files_next(struct files *f, int *fd);

/* ---- poll (kernel/fs/poll.c) ---- */
struct poll_table {
    void (*queue)(struct poll_table *pt, struct file *f, struct wait_queue *wq);
    bool outlives_caller; /* epoll: the entry stays after the calling process has gone */
};
static inline void poll_wait(struct file *f, struct wait_queue *wq, struct poll_table *pt)
{
    if (pt != NULL)
        pt->queue(pt, f, wq);
}
/* The last reference to a file that epolls watch is gone. (kernel/fs/epoll.c) */
void epoll_forget_file(struct file *f);

/* For hv and other kernel users of an eventfd (kernel/fs/eventfd.c). */
struct eventfd;
struct eventfd *eventfd_from_file(struct file *f); /* NULL when it is not one; lives with the file */
void eventfd_signal(struct eventfd *e, uint64_t n); /* any context */
struct wait_queue *eventfd_wait_queue(struct eventfd *e);
bool eventfd_take(struct eventfd *e, uint64_t *out); /* read and reset; false when it was 0 */
bool eventfd_take_locked(struct eventfd *e, uint64_t *out); /* ... from a wake function on its queue */
