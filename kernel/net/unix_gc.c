/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets in flight. A message can carry open files, also sockets, even the one
 * whose queue it waits in: then closing every descriptor would leave sockets
 * that are held by nothing but messages in each other's queues. This finds them.
 *
 * A socket's file is "in flight" once per message that holds it. Candidates are
 * sockets all of whose file references are in flight: no process can read their
 * queues. Of those, some lie in the queue of a socket that is not a candidate:
 * they can still be received, and so can all that lies in their own queues, and
 * so on. The other candidates are garbage: their queues are emptied, which
 * closes them.
 *
 * It runs when a descriptor of a socket in flight is closed (that may have been the last way to it),
 * when a socket goes with others in its queue (that may have been theirs), and when suspiciously many
 * are in flight. What gets lost in other ways, as by a call that outlives the descriptor, is found when
 * as many sockets have gone as are in flight: so who has few pays nothing for who has many.
 *
 * All of it is under flight_lock, which also covers every change of the in-flight counts and the
 * copying of files by MSG_PEEK: so nothing turns reachable behind our back. Of queues only the messages
 * that carry sockets are looked at. Files in flight are limited per user, which bounds the work.
 */
#include <kernel/cgroup.h>
#include <kernel/proc.h>
#include <kernel/user_account.h>

#include "unix.h"

#define COLLECT_MIN 32

static struct spinlock flight_lock = SPINLOCK_INIT;
static struct list_node in_flight = LIST_INIT(in_flight); /* [flight_lock] unix_sock.flight_link */
static uint64_t nflight;                                  /* [flight_lock] its length */
static uint64_t collect_at = COLLECT_MIN; /* [flight_lock] length that is suspicious */
static uint64_t ngone; /* [a] sockets that have gone since the last collection */

/* ---- accounts ---- */

static uint64_t user_limit(void)
{
    if (capable(CAP_SYS_RESOURCE) || capable(CAP_SYS_ADMIN))
        return UINT64_MAX;
    return current_process()->rlimits[RLIMIT_NOFILE].cur;
}

int unix_enter_flight(struct scm *scm)
{
    struct user_account *account;
    irqflags_t flags;
    bool is_many;

    if (scm->nfiles == 0)
        return 0;
    account = user_account_get(current_cred()->uid);
    if (account == NULL)
        return -ENOMEM;
    if (!user_account_add(&account->files_in_flight, scm->nfiles, user_limit())) {
        user_account_put(account);
        return -ETOOMANYREFS;
    }
    scm->account = account;
    scm->in_flight = true;

    flags = spin_lock(&flight_lock);
    for (uint32_t i = 0; i < scm->nfiles; i++) {
        struct unix_sock *u = unix_of_file(scm->files[i]);

        if (u == NULL)
            continue;
        scm->has_sockets = true;
        if (u->in_flight++ == 0) {
            list_add_tail(&in_flight, &u->flight_link);
            nflight++;
        }
    }
    is_many = nflight >= collect_at;
    spin_unlock(&flight_lock, flags);
    if (is_many)
        unix_collect(NULL);
    return 0;
}

void unix_leave_flight(struct scm *scm)
{
    irqflags_t flags = spin_lock(&flight_lock);

    for (uint32_t i = 0; i < scm->nfiles; i++) {
        struct unix_sock *u = unix_of_file(scm->files[i]);

        if (u != NULL && --u->in_flight == 0) {
            list_remove(&u->flight_link);
            nflight--;
        }
    }
    scm->in_flight = false;
    spin_unlock(&flight_lock, flags);
    user_account_sub(&scm->account->files_in_flight, scm->nfiles);
    user_account_put(scm->account);
    scm->account = NULL;
}

struct scm *unix_peek_scm(const struct scm *scm)
{
    irqflags_t flags = spin_lock(&flight_lock);
    struct scm *copy = scm_dup(scm);

    spin_unlock(&flight_lock, flags);
    return copy;
}

/* ---- collection ---- */

/* Calls fn for every candidate in the messages of this queue. [flight_lock] */
static void scan_queue(struct unix_sock *u, void (*fn)(struct unix_sock *found, void *arg),
                       void *arg)
{
    irqflags_t flags = spin_lock(&u->lock);
    struct scm *scm;

    list_for_each(scm, &u->with_sockets, link)
    {
        for (uint32_t i = 0; i < scm->nfiles; i++) {
            struct unix_sock *found = unix_of_file(scm->files[i]);

            if (found != NULL && found->is_candidate)
                fn(found, arg);
        }
    }
    spin_unlock(&u->lock, flags);
}

/* What can be received through u: its own queue, and those of connections nobody has accepted. (The
 * one place where two sockets' locks are held: a listener's, then a connection's.) */
static void scan(struct unix_sock *u, void (*fn)(struct unix_sock *found, void *arg), void *arg)
{
    struct unix_sock *conn;
    irqflags_t flags;

    scan_queue(u, fn, arg);
    flags = spin_lock(&u->lock);
    list_for_each(conn, &u->backlog, backlog_link) scan_queue(conn, fn, arg);
    spin_unlock(&u->lock, flags);
}

static void found_inside(struct unix_sock *found, void *arg)
{
    (void)arg;
    found->outside--;
}

/* arg: sockets that can be reached and have not been looked into. */
static void found_reachable(struct unix_sock *found, void *arg)
{
    if (found->is_reached)
        return;
    found->is_reached = true;
    list_remove(&found->gc_link);
    list_add_tail(arg, &found->gc_link);
}

static void find_candidates(struct list_node *candidates, const struct unix_sock *closing)
{
    struct unix_sock *u;

    list_for_each(u, &in_flight, flight_link)
    {
        unsigned refs = (unsigned)refcount_read(&u->sock.file->refs) - (u == closing);

        u->is_candidate = refs == u->in_flight;
        u->is_reached = false;
        u->outside = u->in_flight;
        if (u->is_candidate)
            list_add_tail(candidates, &u->gc_link);
    }
    list_for_each(u, candidates, gc_link) scan(u, found_inside, NULL);
}

/* Leaves the garbage in `candidates`. */
static void drop_reachable(struct list_node *candidates)
{
    struct list_node work = LIST_INIT(work);
    struct unix_sock *u, *next;

    list_for_each_safe(u, next, candidates, gc_link)
    {
        if (u->outside > 0)
            found_reachable(u, &work);
    }
    while (!list_is_empty(&work)) {
        u = list_first(&work, struct unix_sock, gc_link);
        list_remove(&u->gc_link);
        scan(u, found_reachable, &work);
    }
}

static void take_queue(struct unix_sock *u, struct list_node *out)
{
    irqflags_t flags = spin_lock(&u->lock);

    (void)unix_take_queue(u, out);
    spin_unlock(&u->lock, flags);
}

static void take_queues(struct unix_sock *u, struct list_node *out)
{
    struct unix_sock *conn;
    irqflags_t flags;

    take_queue(u, out);
    flags = spin_lock(&u->lock);
    list_for_each(conn, &u->backlog, backlog_link) take_queue(conn, out);
    spin_unlock(&u->lock, flags);
}

/* All messages of sockets that only each other's messages hold. [flight_lock] */
static void take_garbage(struct list_node *out, const struct unix_sock *closing)
{
    struct list_node candidates = LIST_INIT(candidates);

    find_candidates(&candidates, closing);
    drop_reachable(&candidates);
    while (!list_is_empty(&candidates)) {
        struct unix_sock *u = list_first(&candidates, struct unix_sock, gc_link);

        list_remove(&u->gc_link);
        take_queues(u, out);
    }
}

void unix_collect(const struct unix_sock *closing)
{
    struct list_node garbage = LIST_INIT(garbage);
    irqflags_t flags;

    if (list_is_empty(&in_flight)) /* a wrong look costs nothing: the next call sees it */
        return;
    flags = spin_lock(&flight_lock);
    take_garbage(&garbage, closing);
    collect_at = max(2 * nflight, (uint64_t)COLLECT_MIN);
    __atomic_store_n(&ngone, 0, __ATOMIC_RELAXED);
    spin_unlock(&flight_lock, flags);

    unix_free_queue(&garbage); /* closes sockets: their queues are empty */
}

void unix_collect_after(bool held_sockets)
{
    if (held_sockets || __atomic_add_fetch(&ngone, 1, __ATOMIC_RELAXED) >= READ_ONCE(nflight))
        unix_collect(NULL);
}
