/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPC namespaces and the table of objects that each has per kind.
 *
 * An id is an index into the table and a sequence number that changes when an
 * index is given again, so that an old id does not name a new object. Keys are
 * found in a tree. The table starts empty and doubles as it fills, charged like
 * the objects to whoever makes one.
 */
#include "ipc.h"

#include <kernel/cgroup.h>
#include <kernel/mm.h>
#include <kernel/string.h>

#define INDEX_END  (1 << IPC_INDEX_BITS)
#define SLOTS_MIN  16
#define CYCLE_MIN  64
#define SEQ_END    (INT32_MAX >> IPC_INDEX_BITS)
#define ID_INVALID 0xffffffffu /* (uid_t)-1 */

_Static_assert(SHMMNI <= INDEX_END && SEMMNI <= INDEX_END && MSGMNI <= INDEX_END,
               "an index has IPC_INDEX_BITS");

/* clang-format off */
#define IDS_INIT(kind) [kind] = {.lock = MUTEX_INIT(ipc_ns_first.ids[kind].lock), .last_index = -1}
struct ipc_ns ipc_ns_first = {
    .refs = {1},
    .ids = {IDS_INIT(IPC_SHM), IDS_INIT(IPC_SEM), IDS_INIT(IPC_MSG)},
};
/* clang-format on */

/* ---- namespaces ---- */

struct ipc_ns *ipc_ns_create(struct user_ns *user_ns)
{
    struct ipc_ns *ns = kalloc_for(current_cgroup(), sizeof(*ns));

    if (ns == NULL)
        return NULL;
    refcount_init(&ns->refs, 1);
    ns->user_ns = user_ns;
    ns->ino = ns_alloc_ino();
    for (unsigned kind = 0; kind < IPC_KINDS; kind++) {
        mutex_init(&ns->ids[kind].lock);
        ns->ids[kind].last_index = -1;
    }
    return ns;
}

void ipc_ns_get(struct ipc_ns *ns)
{
    refcount_get(&ns->refs);
}

void ipc_ns_put(struct ipc_ns *ns)
{
    if (!refcount_put(&ns->refs))
        return;
    for (unsigned kind = 0; kind < IPC_KINDS; kind++) {
        struct ipc_ids *ids = &ns->ids[kind];
        struct ipc_object *o;
        unsigned at = 0;

        for (;;) {
            mutex_lock(&ids->lock);
            o = ipc_next(ids, &at);
            if (o != NULL)
                ipc_remove(o);
            mutex_unlock(&ids->lock);
            if (o == NULL)
                break;
            ipc_unref(o);
            cond_resched();
        }
        kfree(ids->slots);
    }
    kfree(ns);
}

/* ---- the table ---- */

static int grow_table(struct ipc_ids *ids)
{
    unsigned n = ids->nslots == 0 ? SLOTS_MIN : ids->nslots * 2;
    struct ipc_object **slots;

    slots = kalloc_for(current_cgroup(), n * sizeof(struct ipc_object *));
    if (slots == NULL)
        return -ENOMEM;
    if (ids->nslots > 0)
        memcpy(slots, ids->slots, ids->nslots * sizeof(struct ipc_object *));
    kfree(ids->slots);
    ids->slots = slots;
    ids->nslots = n;
    return 0;
}

static struct rb_node **key_place(struct ipc_ids *ids, int32_t key, struct rb_node **parent)
{
    struct rb_node **where = &ids->keys.node;

    *parent = NULL;
    while (*where != NULL) {
        struct ipc_object *o = rb_entry(*where, struct ipc_object, by_key);

        if (o->key == key)
            break;
        *parent = *where;
        where = key < o->key ? &(*where)->left : &(*where)->right;
    }
    return where;
}

static struct ipc_object *find_key(struct ipc_ids *ids, int32_t key)
{
    struct rb_node *parent, **where = key_place(ids, key, &parent);

    return *where != NULL ? rb_entry(*where, struct ipc_object, by_key) : NULL;
}

/*
 * The free index after the one given last, round and round: as on Linux among at
 * least CYCLE_MIN, so that an old id is long gone before its index is given again.
 */
static unsigned free_index(const struct ipc_ids *ids)
{
    unsigned end = min(max(ids->in_use * 3 / 2, (unsigned)CYCLE_MIN), (unsigned)INDEX_END);
    unsigned index = (unsigned)(ids->last_index + 1);

    for (;; index++) {
        if (index >= end)
            index = 0;
        if (index >= ids->nslots || ids->slots[index] == NULL)
            return index;
    }
}

/* The table takes over the creator's reference. There is a free index: ids->in_use is below the
 * limit. */
static int add_object(struct ipc_ids *ids, struct ipc_object *o)
{
    unsigned index = free_index(ids);

    if (index >= ids->nslots && grow_table(ids) < 0)
        return -ENOMEM;
    ids->slots[index] = o;
    ids->in_use++;
    if ((int)index <= ids->last_index)
        ids->seq = (uint16_t)((ids->seq + 1) % SEQ_END);
    ids->last_index = (int)index;
    o->id = (int)ids->seq << IPC_INDEX_BITS | (int)index;
    if (o->key != IPC_PRIVATE) {
        struct rb_node *parent, **where = key_place(ids, o->key, &parent);

        rb_link(&o->by_key, parent, where);
        rb_insert_fixup(&ids->keys, &o->by_key);
    }
    return 0;
}

void ipc_forget_key(struct ipc_object *o)
{
    if (o->key != IPC_PRIVATE)
        rb_erase(&ipc_ids_of(o)->keys, &o->by_key);
    o->key = IPC_PRIVATE;
}

void ipc_remove(struct ipc_object *o)
{
    struct ipc_ids *ids = ipc_ids_of(o);
    unsigned index = (unsigned)o->id & IPC_INDEX_MASK;

    assert(mutex_is_mine(&ids->lock) && ids->slots[index] == o);
    ipc_forget_key(o);
    ids->slots[index] = NULL;
    ids->in_use--;
    o->is_removed = true;
    o->ops->remove(o);
}

void ipc_unref(struct ipc_object *o)
{
    if (refcount_put(&o->refs))
        o->ops->destroy(o);
}

int ipc_find_index(struct ipc_ids *ids, int index, struct ipc_object **out)
{
    index &= IPC_INDEX_MASK;
    if ((unsigned)index >= ids->nslots || ids->slots[index] == NULL)
        return -EINVAL;
    *out = ids->slots[index];
    return 0;
}

int ipc_find(struct ipc_ids *ids, int id, struct ipc_object **out)
{
    struct ipc_object *o;
    int err = id < 0 ? -EINVAL : ipc_find_index(ids, id, &o);

    if (err < 0)
        return err;
    if (o->id != id)
        return -EINVAL; /* the index has been given again */
    *out = o;
    return 0;
}

struct ipc_object *ipc_next(struct ipc_ids *ids, unsigned *at)
{
    while (*at < ids->nslots) {
        struct ipc_object *o = ids->slots[(*at)++];

        if (o != NULL)
            return o;
    }
    return NULL;
}

int ipc_highest_index(const struct ipc_ids *ids)
{
    for (unsigned i = ids->nslots; i > 0; i--) {
        if (ids->slots[i - 1] != NULL)
            return (int)i - 1;
    }
    return 0;
}

/* ---- permissions ---- */

int ipc_check_access(const struct ipc_object *o, mode_t want)
{
    const struct cred *cred = current_cred();
    mode_t granted = o->mode;

    want = (want >> 6 | want >> 3 | want) & 7;
    if (uid_eq(cred->euid, o->uid) || uid_eq(cred->euid, o->cuid))
        granted >>= 6;
    else if (cred_in_group(cred, o->gid) || cred_in_group(cred, o->cgid))
        granted >>= 3;
    if ((want & ~granted) == 0 || ns_capable(o->ns->user_ns, CAP_IPC_OWNER))
        return 0;
    return -EACCES;
}

int ipc_check_owner(const struct ipc_object *o)
{
    const struct cred *cred = current_cred();

    if (uid_eq(cred->euid, o->uid) || uid_eq(cred->euid, o->cuid) ||
        ns_capable(o->ns->user_ns, CAP_SYS_ADMIN))
        return 0;
    return -EPERM;
}

void ipc_show_perm(const struct ipc_object *o, struct abi_ipc_perm *out)
{
    *out = (struct abi_ipc_perm){
        .key = o->key,
        .uid = o->uid.val,
        .gid = o->gid.val,
        .cuid = o->cuid.val,
        .cgid = o->cgid.val,
        .mode = o->mode,
        .seq = (uint16_t)(o->id >> IPC_INDEX_BITS),
    };
}

int ipc_set_perm(struct ipc_object *o, const struct abi_ipc_perm *in)
{
    if (in->uid == ID_INVALID || in->gid == ID_INVALID)
        return -EINVAL;
    o->uid = (kuid_t){in->uid};
    o->gid = (kgid_t){in->gid};
    o->mode = (o->mode & ~(mode_t)0777) | (in->mode & 0777);
    return 0;
}

/* ---- the get calls ---- */

static int create(const struct ipc_ops *ops, struct ipc_ns *ns, int32_t key, int flags,
                  size_t amount)
{
    struct ipc_ids *ids = &ns->ids[ops->kind];
    const struct cred *cred = current_cred();
    struct ipc_object *o;
    int err = ops->create(ns, key, flags, amount, &o);

    if (err < 0)
        return err;
    refcount_init(&o->refs, 1);
    o->ns = ns;
    o->ops = ops;
    o->key = key;
    o->uid = o->cuid = cred->euid;
    o->gid = o->cgid = cred->egid;
    o->mode = (mode_t)flags & 0777;
    err = ids->in_use < ops->max ? add_object(ids, o) : -ENOSPC;
    if (err < 0) {
        ops->remove(o);
        ops->destroy(o);
        return err;
    }
    return o->id;
}

static int get_existing(const struct ipc_ops *ops, const struct ipc_object *o, int flags,
                        size_t amount)
{
    int err;

    if ((flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL))
        return -EEXIST;
    if (!ops->holds(o, amount))
        return -EINVAL;
    err = ipc_check_access(o, (mode_t)flags);
    return err < 0 ? err : o->id;
}

int ipc_get(const struct ipc_ops *ops, int32_t key, int flags, size_t amount)
{
    struct ipc_ns *ns = current_ipc_ns();
    struct ipc_ids *ids = &ns->ids[ops->kind];
    struct ipc_object *o;
    int res;

    mutex_lock(&ids->lock);
    o = key != IPC_PRIVATE ? find_key(ids, key) : NULL;
    if (o != NULL)
        res = get_existing(ops, o, flags, amount);
    else if (key == IPC_PRIVATE || (flags & IPC_CREAT))
        res = create(ops, ns, key, flags, amount);
    else
        res = -ENOENT;
    mutex_unlock(&ids->lock);
    return res;
}

/* ---- who did it ---- */

void ipc_set_pid(struct pid **where, struct pid *pid)
{
    struct pid *old = *where;

    if (old == pid)
        return;
    if (pid != NULL)
        pid_get(pid);
    *where = pid;
    if (old != NULL)
        pid_put(old);
}

int ipc_pid_nr(const struct pid *pid)
{
    return pid != NULL ? pid_nr_in(pid, current->pid->numbers[current->pid->level].ns) : 0;
}
