/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Semaphore sets: semget(2), semctl(2). Everything about a set is under its
 * kind's lock, which is never held while user memory is touched: arrays travel
 * through a buffer, and the set is looked at again afterwards.
 */
#include <kernel/cgroup.h>
#include <kernel/mm.h>
#include <kernel/string.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>

#include "sem.h"

/* Numbers that SEM_INFO and IPC_INFO have always shown and that limit nothing. */
#define SEMINFO_UNDO_SIZE 20

/* ---- sets ---- */

static int set_create(struct ipc_ns *ns, int32_t key, int flags, size_t nsems,
                      struct ipc_object **out)
{
    struct ipc_ids *ids = &ns->ids[IPC_SEM];
    struct sem_set *set;

    (void)key;
    (void)flags;
    if (nsems == 0)
        return -EINVAL;
    if (ids->total + nsems > SEMMNS)
        return -ENOSPC;
    set = kalloc_for(current_cgroup(), sizeof(*set) + nsems * sizeof(struct sem));
    if (set == NULL)
        return -ENOMEM;
    list_init(&set->waiters);
    list_init(&set->undos);
    set->nsems = (unsigned)nsems;
    set->ctime = ipc_now();
    ids->total += nsems;
    *out = &set->ipc;
    return 0;
}

static bool set_holds(const struct ipc_object *o, size_t nsems)
{
    return nsems <= container_of(o, const struct sem_set, ipc)->nsems;
}

static void set_remove(struct ipc_object *o)
{
    struct sem_set *set = sem_set_of(o);

    sem_drop_undos(set);
    sem_wake_removed(set);
    ipc_ids_of(o)->total -= set->nsems;
}

static void set_destroy(struct ipc_object *o)
{
    struct sem_set *set = sem_set_of(o);

    for (unsigned i = 0; i < set->nsems; i++)
        ipc_set_pid(&set->sems[i].pid, NULL);
    kfree(set);
}

static const struct ipc_ops sem_ops = {
    .kind = IPC_SEM,
    .max = SEMMNI,
    .create = set_create,
    .holds = set_holds,
    .remove = set_remove,
    .destroy = set_destroy,
};

long sys_semget(int key, int nsems, int flags)
{
    if (nsems < 0 || nsems > SEMMSL)
        return -EINVAL;
    return ipc_get(&sem_ops, key, flags, (size_t)nsems);
}

/* ---- semctl: values ---- */

static int set_value(struct ipc_ids *ids, int id, int num, int value)
{
    struct sem_set *set = NULL;
    struct ipc_object *o;
    int err;

    if (value < 0 || value > SEMVMX)
        return -ERANGE;
    mutex_lock(&ids->lock);
    err = ipc_find(ids, id, &o);
    if (err == 0) {
        set = sem_set_of(o);
        err = num < 0 || (unsigned)num >= set->nsems ? -EINVAL : ipc_check_access(o, 0222);
    }
    if (err == 0) {
        sem_forget_undo(set, (unsigned)num, 1);
        set->sems[num].value = (uint16_t)value;
        ipc_set_pid(&set->sems[num].pid, current->process->pid);
        set->ctime = ipc_now();
        sem_wake(set);
    }
    mutex_unlock(&ids->lock);
    return err;
}

/* A set for GETALL and SETALL: with a reference, and a buffer for its values. */
static int begin_all(struct ipc_ids *ids, int id, mode_t access, struct sem_set **out,
                     uint16_t **values)
{
    struct ipc_object *o;
    int err;

    mutex_lock(&ids->lock);
    err = ipc_find(ids, id, &o);
    if (err == 0)
        err = ipc_check_access(o, access);
    if (err == 0) {
        *out = sem_set_of(o);
        *values = kalloc_for(current_cgroup(), (*out)->nsems * sizeof(uint16_t));
        if (*values == NULL)
            err = -ENOMEM;
        else
            ipc_ref(o);
    }
    mutex_unlock(&ids->lock);
    return err;
}

static void end_all(struct sem_set *set, uint16_t *values)
{
    kfree(values);
    ipc_unref(&set->ipc);
}

static int get_all(struct ipc_ids *ids, int id, uaddr_t buf)
{
    struct sem_set *set;
    uint16_t *values;
    int err = begin_all(ids, id, 0444, &set, &values);

    if (err < 0)
        return err;
    mutex_lock(&ids->lock);
    for (unsigned i = 0; i < set->nsems; i++)
        values[i] = set->sems[i].value;
    err = set->ipc.is_removed ? -EIDRM : 0;
    mutex_unlock(&ids->lock);
    if (err == 0 && copy_to_user(buf, values, set->nsems * sizeof(*values)) < 0)
        err = -EFAULT;
    end_all(set, values);
    return err;
}

static int copy_values(uint16_t *values, unsigned n, uaddr_t buf)
{
    if (copy_from_user(values, buf, n * sizeof(*values)) < 0)
        return -EFAULT;
    for (unsigned i = 0; i < n; i++) {
        if (values[i] > SEMVMX)
            return -ERANGE;
    }
    return 0;
}

static int set_all(struct ipc_ids *ids, int id, uaddr_t buf)
{
    struct sem_set *set;
    uint16_t *values;
    int err = begin_all(ids, id, 0222, &set, &values);

    if (err < 0)
        return err;
    err = copy_values(values, set->nsems, buf);
    mutex_lock(&ids->lock);
    if (err == 0 && set->ipc.is_removed)
        err = -EIDRM;
    if (err == 0) {
        sem_forget_undo(set, 0, set->nsems);
        for (unsigned i = 0; i < set->nsems; i++) {
            set->sems[i].value = values[i];
            ipc_set_pid(&set->sems[i].pid, current->process->pid);
        }
        set->ctime = ipc_now();
        sem_wake(set);
    }
    mutex_unlock(&ids->lock);
    end_all(set, values);
    return err;
}

static int get_one(struct ipc_ids *ids, int id, int num, int cmd)
{
    struct sem_set *set = NULL;
    struct ipc_object *o;
    int res;

    mutex_lock(&ids->lock);
    res = ipc_find(ids, id, &o);
    if (res == 0)
        res = ipc_check_access(o, 0444);
    if (res == 0) {
        set = sem_set_of(o);
        if (num < 0 || (unsigned)num >= set->nsems)
            res = -EINVAL;
        else if (cmd == SEM_GETVAL)
            res = set->sems[num].value;
        else if (cmd == SEM_GETPID)
            res = ipc_pid_nr(set->sems[num].pid);
        else
            res = sem_count_waiters(set, (unsigned)num,
                                    cmd == SEM_GETZCNT ? SEM_WAIT_ZERO : SEM_WAIT_GROW);
    }
    mutex_unlock(&ids->lock);
    return res;
}

/* ---- semctl: the set ---- */

static void show_set(const struct sem_set *set, struct abi_semid_ds *out)
{
    memset(out, 0, sizeof(*out));
    ipc_show_perm(&set->ipc, &out->perm);
    out->otime = set->otime;
    out->ctime = set->ctime;
    out->nsems = set->nsems;
}

int sem_next(struct ipc_ns *ns, unsigned *at, struct abi_semid_ds *out)
{
    struct ipc_ids *ids = &ns->ids[IPC_SEM];
    struct ipc_object *o;
    int id = -1;

    mutex_lock(&ids->lock);
    o = ipc_next(ids, at);
    if (o != NULL) {
        show_set(sem_set_of(o), out);
        id = o->id;
    }
    mutex_unlock(&ids->lock);
    return id;
}

static long set_stat(struct ipc_ids *ids, int id, int cmd, uaddr_t buf)
{
    struct abi_semid_ds ds;
    struct ipc_object *o;
    int res;

    mutex_lock(&ids->lock);
    res = cmd == IPC_STAT ? ipc_find(ids, id, &o) : ipc_find_index(ids, id, &o);
    if (res == 0 && cmd != SEM_STAT_ANY)
        res = ipc_check_access(o, 0444);
    if (res == 0) {
        show_set(sem_set_of(o), &ds);
        res = cmd == IPC_STAT ? 0 : o->id;
    }
    mutex_unlock(&ids->lock);
    if (res < 0)
        return res;
    return put_user(buf, ds) < 0 ? -EFAULT : res;
}

static long sem_info(struct ipc_ids *ids, int cmd, uaddr_t buf)
{
    struct abi_seminfo info = {
        .semmap = SEMMNS,
        .semmni = SEMMNI,
        .semmns = SEMMNS,
        .semmnu = SEMMNS,
        .semmsl = SEMMSL,
        .semopm = SEMOPM,
        .semume = SEMOPM,
        .semusz = SEMINFO_UNDO_SIZE,
        .semvmx = SEMVMX,
        .semaem = SEMAEM,
    };
    int highest;

    mutex_lock(&ids->lock);
    if (cmd == SEM_INFO) {
        info.semusz = (int32_t)ids->in_use;
        info.semaem = (int32_t)ids->total;
    }
    highest = ipc_highest_index(ids);
    mutex_unlock(&ids->lock);
    return put_user(buf, info) < 0 ? -EFAULT : highest;
}

/* IPC_RMID, and IPC_SET with `in`. */
static long set_change(struct ipc_ids *ids, int id, const struct abi_semid_ds *in)
{
    bool is_removal = in == NULL;
    struct ipc_object *o;
    int err;

    mutex_lock(&ids->lock);
    err = ipc_find(ids, id, &o);
    if (err == 0)
        err = ipc_check_owner(o);
    if (err == 0 && is_removal) {
        ipc_remove(o);
    } else if (err == 0) {
        err = ipc_set_perm(o, &in->perm);
        if (err == 0)
            sem_set_of(o)->ctime = ipc_now();
    }
    mutex_unlock(&ids->lock);
    if (err == 0 && is_removal)
        ipc_unref(o);
    return err;
}

static long set_set(struct ipc_ids *ids, int id, uaddr_t buf)
{
    struct abi_semid_ds in;

    return get_user(&in, buf) < 0 ? -EFAULT : set_change(ids, id, &in);
}

long sys_semctl(int id, int num, int cmd, uint64_t arg)
{
    struct ipc_ids *ids = &current_ipc_ns()->ids[IPC_SEM];

    if (id < 0)
        return -EINVAL;
    switch (cmd) {
    case IPC_INFO:
    case SEM_INFO:
        return sem_info(ids, cmd, arg);
    case IPC_STAT:
    case SEM_STAT:
    case SEM_STAT_ANY:
        return set_stat(ids, id, cmd, arg);
    case SEM_GETALL:
        return get_all(ids, id, arg);
    case SEM_GETVAL:
    case SEM_GETPID:
    case SEM_GETNCNT:
    case SEM_GETZCNT:
        return get_one(ids, id, num, cmd);
    case SEM_SETALL:
        return set_all(ids, id, arg);
    case SEM_SETVAL:
        return set_value(ids, id, num, (int)arg);
    case IPC_SET:
        return set_set(ids, id, arg);
    case IPC_RMID:
        return set_change(ids, id, NULL);
    }
    return -EINVAL;
}
