/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * semop(2), semtimedop(2) and SEM_UNDO.
 *
 * A call's operations happen all at once or not at all. A call that cannot
 * happen yet waits in its set's queue; whoever changes a value tries the waiting
 * calls in their order, does those that can be done in their callers' stead and
 * wakes them. So a semaphore that was given is never taken by a passer-by. The
 * call's struct is on the waiter's stack: it is touched under the lock only, and
 * the waiter takes the lock once more before it returns.
 */
#include <kernel/cgroup.h>
#include <kernel/mm.h>
#include <kernel/string.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>

#include <kernel/abi/process.h>

#include "../proc/timespec.h"
#include "sem.h"

#define OPS_ON_STACK 32
#define WOULD_BLOCK  1

/* One semop(2) under way. */
struct sem_call {
    const struct abi_sembuf *ops;        /* [I] kernel memory */
    unsigned nops;                       /* [I] */
    struct sem_undo *undo;               /* [L] NULL: no operation has SEM_UNDO */
    struct pid *pid;                     /* [I] borrowed from the process */
    const struct abi_sembuf *blocked_on; /* [L] */
    /* while it waits */
    struct list_node link; /* [L] */
    struct wait_queue wq;
    bool is_done; /* [L, read without] */
    int status;   /* [L] */
};

static bool call_alters(const struct sem_call *call)
{
    for (unsigned i = 0; i < call->nops; i++) {
        if (call->ops[i].op != 0)
            return true;
    }
    return false;
}

/* ---- doing it ---- */

/* 0, WOULD_BLOCK, -EAGAIN, -ERANGE: then nothing has been done. */
static int do_one(struct sem_set *set, struct sem_undo *undo, const struct abi_sembuf *op)
{
    struct sem *sem = &set->sems[op->num];
    int value = sem->value + op->op;

    if (value < 0 || (op->op == 0 && sem->value != 0))
        return op->flags & IPC_NOWAIT ? -EAGAIN : WOULD_BLOCK;
    if (value > SEMVMX)
        return -ERANGE;
    if (op->flags & SEM_UNDO) {
        int adjust = undo->adjust[op->num] - op->op;

        if (adjust < -SEMAEM - 1 || adjust > SEMAEM)
            return -ERANGE;
        undo->adjust[op->num] = (int16_t)adjust;
    }
    sem->value = (uint16_t)value;
    return 0;
}

static void undo_one(struct sem_set *set, struct sem_undo *undo, const struct abi_sembuf *op)
{
    struct sem *sem = &set->sems[op->num];

    sem->value = (uint16_t)(sem->value - op->op);
    if (op->flags & SEM_UNDO)
        undo->adjust[op->num] = (int16_t)(undo->adjust[op->num] + op->op);
}

/* All of them or none: as do_one(). */
static int try_call(struct sem_set *set, struct sem_call *call)
{
    unsigned n;
    int err = 0;

    for (n = 0; n < call->nops; n++) {
        err = do_one(set, call->undo, &call->ops[n]);
        if (err != 0)
            break;
    }
    if (err != 0) {
        call->blocked_on = &call->ops[n];
        while (n-- > 0)
            undo_one(set, call->undo, &call->ops[n]);
        return err;
    }
    for (n = 0; n < call->nops; n++)
        ipc_set_pid(&set->sems[call->ops[n].num].pid, call->pid);
    set->otime = ipc_now();
    return 0;
}

/* ---- who waits ---- */

static void finish_call(struct sem_call *call, int status)
{
    list_remove(&call->link);
    call->status = status;
    WRITE_ONCE(call->is_done, true);
    wake_up(&call->wq);
}

/* The first waiting call that is over now, one way or the other: tell its caller. False: none is.
 */
static bool finish_one(struct sem_set *set)
{
    struct sem_call *call;

    list_for_each (call, &set->waiters, link) {
        int err = try_call(set, call);

        if (err != WOULD_BLOCK) {
            finish_call(call, err);
            return true;
        }
        cond_resched();
    }
    return false;
}

void sem_wake(struct sem_set *set)
{
    while (finish_one(set))
        ; /* it may have let another go on that waits before it: from the start */
}

void sem_wake_removed(struct sem_set *set)
{
    while (!list_is_empty(&set->waiters))
        finish_call(list_first(&set->waiters, struct sem_call, link), -EIDRM);
}

int sem_count_waiters(const struct sem_set *set, unsigned num, enum sem_wait_for what)
{
    const struct sem_call *call;
    int n = 0;

    list_for_each (call, &set->waiters, link) {
        const struct abi_sembuf *op = call->blocked_on;

        n += op->num == num && (op->op == 0) == (what == SEM_WAIT_ZERO);
    }
    return n;
}

/* Sleep until somebody has finished the call, a signal comes, or the deadline (0: none). */
static int wait_call(struct ipc_ids *ids, struct sem_set *set, struct sem_call *call,
                     uint64_t deadline_ns)
{
    int err;

    wait_queue_init(&call->wq);
    list_add_tail(&set->waiters, &call->link);
    mutex_unlock(&ids->lock);
    err = wait_event_deadline(&call->wq, READ_ONCE(call->is_done), deadline_ns);
    mutex_lock(&ids->lock);
    if (call->is_done)
        return call->status;
    list_remove(&call->link);
    return err == -ETIMEDOUT ? -EAGAIN : -EINTR; /* never restarted: signal(7) */
}

/* ---- undoing ---- */

void sem_forget_undo(struct sem_set *set, unsigned first, unsigned n)
{
    struct sem_undo *undo;

    list_for_each (undo, &set->undos, of_set) {
        memset(&undo->adjust[first], 0, n * sizeof(undo->adjust[0]));
        cond_resched();
    }
}

static void free_undo(struct sem_undo *undo)
{
    list_remove(&undo->of_set);
    list_remove(&undo->of_list);
    kfree(undo);
}

void sem_drop_undos(struct sem_set *set)
{
    while (!list_is_empty(&set->undos))
        free_undo(list_first(&set->undos, struct sem_undo, of_set));
}

/* The current thread's list; NULL: no memory. */
static struct sem_undo_list *own_undo_list(void)
{
    struct sem_undo_list *list = current->sem_undo;

    if (list != NULL)
        return list;
    list = kalloc_for(current_cgroup(), sizeof(*list));
    if (list == NULL)
        return NULL;
    refcount_init(&list->refs, 1);
    list_init(&list->undos);
    list->ns = current_ipc_ns();
    ipc_ns_get(list->ns);
    current->sem_undo = list;
    return list;
}

/* The entry of the current thread's list for this set; NULL: no memory. */
static struct sem_undo *find_undo(struct sem_set *set)
{
    struct sem_undo_list *list = own_undo_list();
    struct sem_undo *undo;

    if (list == NULL)
        return NULL;
    list_for_each (undo, &list->undos, of_list) {
        if (undo->set == set)
            return undo;
    }
    undo = kalloc_for(current_cgroup(), sizeof(*undo) + set->nsems * sizeof(undo->adjust[0]));
    if (undo == NULL)
        return NULL;
    undo->set = set;
    list_add_tail(&set->undos, &undo->of_set);
    list_add_tail(&list->undos, &undo->of_list);
    return undo;
}

static void apply_undo(struct sem_undo *undo)
{
    struct sem_set *set = undo->set;

    for (unsigned i = 0; i < set->nsems; i++) {
        struct sem *sem = &set->sems[i];

        if (undo->adjust[i] == 0)
            continue;
        sem->value = (uint16_t)max(0, min(sem->value + undo->adjust[i], SEMVMX));
        ipc_set_pid(&sem->pid, current->process->pid);
    }
    free_undo(undo);
    set->otime = ipc_now();
    sem_wake(set);
}

int sem_clone(struct thread *child, uint64_t flags)
{
    struct sem_undo_list *list;

    if (!(flags & CLONE_SYSVSEM))
        return 0;
    list = own_undo_list();
    if (list == NULL)
        return -ENOMEM;
    refcount_get(&list->refs);
    child->sem_undo = list;
    return 0;
}

void sem_exit(struct thread *t)
{
    struct sem_undo_list *list = t->sem_undo;
    struct ipc_ids *ids;

    t->sem_undo = NULL;
    if (list == NULL || !refcount_put(&list->refs))
        return;
    ids = &list->ns->ids[IPC_SEM];
    mutex_lock(&ids->lock);
    while (!list_is_empty(&list->undos)) {
        apply_undo(list_first(&list->undos, struct sem_undo, of_list));
        cond_resched();
    }
    mutex_unlock(&ids->lock);
    ipc_ns_put(list->ns);
    kfree(list);
}

/* ---- the calls ---- */

/* What the caller may not do, or cannot; with the undo entry if the call needs one. */
static int prepare_call(struct sem_set *set, struct sem_call *call)
{
    bool undoes = false;
    int err;

    for (unsigned i = 0; i < call->nops; i++) {
        if (call->ops[i].num >= set->nsems)
            return -EFBIG;
        undoes = undoes || (call->ops[i].flags & SEM_UNDO);
    }
    err = ipc_check_access(&set->ipc, call_alters(call) ? 0222 : 0444);
    if (err == 0 && undoes) {
        call->undo = find_undo(set);
        if (call->undo == NULL)
            err = -ENOMEM;
    }
    return err;
}

static int run_call(int id, struct sem_call *call, uint64_t deadline_ns)
{
    struct ipc_ids *ids = &current_ipc_ns()->ids[IPC_SEM];
    struct sem_set *set = NULL;
    struct ipc_object *o;
    int err;

    mutex_lock(&ids->lock);
    err = ipc_find(ids, id, &o);
    if (err == 0) {
        set = sem_set_of(o);
        err = prepare_call(set, call);
    }
    if (err == 0)
        err = try_call(set, call);
    if (err == WOULD_BLOCK)
        err = wait_call(ids, set, call, deadline_ns);
    else if (err == 0 && call_alters(call))
        sem_wake(set);
    mutex_unlock(&ids->lock);
    return err;
}

static long copy_and_run(int id, uaddr_t uops, unsigned nops, const struct timespec *timeout)
{
    struct abi_sembuf on_stack[OPS_ON_STACK], *ops = on_stack;
    struct sem_call call = {.nops = nops, .pid = current->process->pid};
    int err = 0;

    if (nops > SEMOPM)
        return -E2BIG;
    if (nops < 1)
        return -EINVAL;
    if (nops > OPS_ON_STACK) {
        ops = kalloc_for(current_cgroup(), nops * sizeof(*ops));
        if (ops == NULL)
            return -ENOMEM;
    }
    call.ops = ops;
    if (copy_from_user(ops, uops, nops * sizeof(*ops)) < 0)
        err = -EFAULT;
    else if (timeout != NULL && !timespec_is_valid(timeout))
        err = -EINVAL;
    else
        err = run_call(id, &call, timeout != NULL ? deadline_after(timespec_to_ns(timeout)) : 0);
    if (ops != on_stack)
        kfree(ops);
    return err;
}

long sys_semop(int id, uaddr_t ops, unsigned nops)
{
    return copy_and_run(id, ops, nops, NULL);
}

long sys_semtimedop(int id, uaddr_t ops, unsigned nops, uaddr_t timeout)
{
    struct timespec ts;

    if (timeout != 0 && get_user(&ts, timeout) < 0)
        return -EFAULT;
    return copy_and_run(id, ops, nops, timeout != 0 ? &ts : NULL);
}
