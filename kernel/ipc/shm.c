/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared memory segments: shmget(2), shmat(2), shmdt(2), shmctl(2).
 *
 *     segment --> file of shared memory --> inode with the pages
 *        ^                                    ^
 *        +---- attachment: a file per shmat --+<-- areas of address spaces
 *
 * The memory is a file without a name, as for memfd_create(2). Each shmat(2)
 * opens its inode once more as a file of its own kind and maps that: the kernel's
 * ordinary areas, faults, fork and charging do the rest. The attachment's file holds
 * the segment and its namespace, and hears of areas that come and go, which
 * shm_nattch counts. A segment that was removed while attached keeps its id, not its
 * key (SHM_DEST), and goes with the last area.
 */
#include <kernel/cgroup.h>
#include <kernel/fs.h>
#include <kernel/string.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>
#include <kernel/vm.h>

#include "ipc.h"

struct shm_segment {
    struct ipc_object ipc;
    struct file *file; /* [I] counted: the memory */
    uint64_t size;     /* [I] bytes, as asked for */
    struct pid *cpid;  /* [I] counted */
    int64_t ctime;     /* [L] */
    struct spinlock
        lock;        /* for areas that come with mm->lock held, where ids.lock cannot be taken */
    uint64_t nattch; /* [lock] areas, and calls of shmat(2) under way */
    int64_t atime, dtime; /* [lock] */
    struct pid *lpid;     /* [lock] counted; NULL: nobody yet */
};

static const struct file_ops attachment_fops;

static struct shm_segment *segment_of(struct ipc_object *o)
{
    return container_of(o, struct shm_segment, ipc);
}

static uint64_t segment_pages(const struct shm_segment *seg)
{
    return DIV_ROUND_UP(seg->size, PAGE_SIZE);
}

/* ---- segments ---- */

static int segment_create(struct ipc_ns *ns, int32_t key, int flags, size_t size,
                          struct ipc_object **out)
{
    struct ipc_ids *ids = &ns->ids[IPC_SHM];
    struct shm_segment *seg;
    char name[sizeof("SYSV01234567")];
    int err;

    if (size < SHMMIN || size > INT64_MAX) /* SHMMAX is larger than any file */
        return -EINVAL;
    if (flags & SHM_HUGETLB)
        return -ENOMEM; /* there are no huge pages set aside */
    if (ids->total + DIV_ROUND_UP(size, PAGE_SIZE) > SHMALL)
        return -ENOSPC;
    seg = kalloc_for(current_cgroup(), sizeof(*seg));
    if (seg == NULL)
        return -ENOMEM;
    snprintf(name, sizeof(name), "SYSV%08x", (unsigned)key);
    err = shmem_file_create(name, size, &seg->file);
    if (err < 0) {
        kfree(seg);
        return err;
    }
    spin_init(&seg->lock);
    seg->size = size;
    seg->ctime = ipc_now();
    ipc_set_pid(&seg->cpid, current->process->pid);
    ids->total += segment_pages(seg);
    *out = &seg->ipc;
    return 0;
}

static bool segment_holds(const struct ipc_object *o, size_t size)
{
    return size <= container_of(o, const struct shm_segment, ipc)->size;
}

static void segment_remove(struct ipc_object *o)
{
    ipc_ids_of(o)->total -= segment_pages(segment_of(o));
}

static void segment_destroy(struct ipc_object *o)
{
    struct shm_segment *seg = segment_of(o);

    file_put(seg->file);
    ipc_set_pid(&seg->cpid, NULL);
    ipc_set_pid(&seg->lpid, NULL);
    kfree(seg);
}

static const struct ipc_ops shm_ops = {
    .kind = IPC_SHM,
    .max = SHMMNI,
    .create = segment_create,
    .holds = segment_holds,
    .remove = segment_remove,
    .destroy = segment_destroy,
};

long sys_shmget(int key, size_t size, int flags)
{
    return ipc_get(&shm_ops, key, flags, size);
}

/* ---- attachments ---- */

static void put_pid(struct pid *pid)
{
    if (pid != NULL)
        pid_put(pid);
}

static void note_attach(struct shm_segment *seg)
{
    struct pid *pid = current->process->pid, *old;
    irqflags_t flags;

    pid_get(pid);
    flags = spin_lock(&seg->lock);
    seg->nattch++;
    seg->atime = ipc_now();
    old = seg->lpid;
    seg->lpid = pid;
    spin_unlock(&seg->lock, flags);
    put_pid(old);
}

static void note_detach(struct shm_segment *seg)
{
    struct pid *pid = current->process->pid, *old;
    irqflags_t flags;

    pid_get(pid);
    flags = spin_lock(&seg->lock);
    seg->dtime = ipc_now();
    old = seg->lpid;
    seg->lpid = pid;
    spin_unlock(&seg->lock, flags);
    put_pid(old);
}

/* One area, or call of shmat(2), less: the last one takes a removed segment with it. */
static void drop_attach(struct shm_segment *seg)
{
    struct ipc_ids *ids = ipc_ids_of(&seg->ipc);
    irqflags_t flags;
    bool is_last;

    mutex_lock(&ids->lock);
    flags = spin_lock(&seg->lock);
    seg->nattch--;
    is_last = seg->nattch == 0;
    spin_unlock(&seg->lock, flags);
    is_last = is_last && (seg->ipc.mode & SHM_DEST) && !seg->ipc.is_removed;
    if (is_last)
        ipc_remove(&seg->ipc);
    mutex_unlock(&ids->lock);
    if (is_last)
        ipc_unref(&seg->ipc);
}

static int attachment_mmap(struct file *f, struct vma *vma)
{
    int err = generic_mmap(f, vma);

    if (err == 0)
        note_attach(f->private);
    return err;
}

static void attachment_map_copy(struct file *f)
{
    note_attach(f->private);
}

static void attachment_map_close(struct file *f)
{
    note_detach(f->private);
    drop_attach(f->private);
}

static void attachment_release(struct file *f)
{
    struct shm_segment *seg = f->private;
    struct ipc_ns *ns = seg->ipc.ns;

    ipc_unref(&seg->ipc);
    ipc_ns_put(ns);
}

static const struct file_ops attachment_fops = {
    .mmap = attachment_mmap,
    .map_copy = attachment_map_copy,
    .map_close = attachment_map_close,
    .release = attachment_release,
};

/* Find the segment and check permission: with a reference, and counted as attached. */
static int segment_begin_attach(int id, mode_t access, struct shm_segment **out)
{
    struct ipc_ids *ids = &current_ipc_ns()->ids[IPC_SHM];
    struct ipc_object *o;
    irqflags_t flags;
    int err;

    mutex_lock(&ids->lock);
    err = ipc_find(ids, id, &o);
    if (err == 0)
        err = ipc_check_access(o, access);
    if (err == 0) {
        *out = segment_of(o);
        ipc_ref(o);
        flags = spin_lock(&(*out)->lock);
        (*out)->nattch++;
        spin_unlock(&(*out)->lock, flags);
    }
    mutex_unlock(&ids->lock);
    return err;
}

static int attachment_open(struct shm_segment *seg, uint32_t open_flags, struct file **out)
{
    int err = file_open_path(&seg->file->path, open_flags | O_LARGEFILE, out);

    if (err < 0)
        return err;
    ipc_ref(&seg->ipc);
    ipc_ns_get(seg->ipc.ns);
    (*out)->private = seg;
    (*out)->ops = &attachment_fops;
    return 0;
}

/* Where shmat(2) is to map: 0, or -EINVAL. */
static int check_address(uaddr_t *addr, int flags)
{
    if (*addr == 0)
        return flags & SHM_REMAP ? -EINVAL : 0;
    if (IS_ALIGNED(*addr, PAGE_SIZE))
        return 0;
    if (!(flags & SHM_RND))
        return -EINVAL;
    *addr = ALIGN_DOWN(*addr, PAGE_SIZE);
    return *addr == 0 && (flags & SHM_REMAP) ? -EINVAL : 0;
}

long sys_shmat(int id, uaddr_t addr, int flags)
{
    bool is_readonly = flags & SHM_RDONLY;
    uint32_t prot = is_readonly ? PROT_READ : PROT_READ | PROT_WRITE, map_flags = MAP_SHARED;
    struct shm_segment *seg = NULL;
    struct file *f;
    uaddr_t where;
    int err;

    if (id < 0)
        return -EINVAL;
    err = check_address(&addr, flags);
    if (err < 0)
        return err;
    if (flags & SHM_EXEC)
        prot |= PROT_EXEC;
    if (addr != 0)
        map_flags |= flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED | MAP_FIXED_NOREPLACE;

    err =
        segment_begin_attach(id, (is_readonly ? 0444 : 0666) | (flags & SHM_EXEC ? 0111 : 0), &seg);
    if (err < 0)
        return err;
    err = attachment_open(seg, is_readonly ? O_RDONLY : O_RDWR, &f);
    if (err == 0) {
        err = mm_map(current->mm, addr, seg->size, prot, map_flags, f, 0, &where);
        file_put(f);
    }
    drop_attach(seg);
    ipc_unref(&seg->ipc);
    if (err == -EEXIST) /* an area is in the way */
        err = -EINVAL;
    return err < 0 ? err : (long)where;
}

long sys_shmdt(uaddr_t addr)
{
    if (!IS_ALIGNED(addr, PAGE_SIZE))
        return -EINVAL;
    return mm_unmap_file_at(current->mm, addr, &attachment_fops);
}

/* ---- shmctl ---- */

static void show_segment(struct shm_segment *seg, struct abi_shmid_ds *out)
{
    struct pid *lpid;
    irqflags_t flags;

    memset(out, 0, sizeof(*out));
    ipc_show_perm(&seg->ipc, &out->perm);
    out->size = seg->size;
    out->ctime = seg->ctime;
    out->cpid = ipc_pid_nr(seg->cpid);
    flags = spin_lock(&seg->lock);
    out->nattch = seg->nattch;
    out->atime = seg->atime;
    out->dtime = seg->dtime;
    lpid = seg->lpid;
    if (lpid != NULL)
        pid_get(lpid);
    spin_unlock(&seg->lock, flags);
    out->lpid = ipc_pid_nr(lpid);
    put_pid(lpid);
}

int shm_next(struct ipc_ns *ns, unsigned *at, struct abi_shmid_ds *out, uint64_t *resident_pages)
{
    struct ipc_ids *ids = &ns->ids[IPC_SHM];
    struct ipc_object *o;
    int id = -1;

    mutex_lock(&ids->lock);
    o = ipc_next(ids, at);
    if (o != NULL) {
        show_segment(segment_of(o), out);
        *resident_pages = READ_ONCE(segment_of(o)->file->inode->npages);
        id = o->id;
    }
    mutex_unlock(&ids->lock);
    return id;
}

/* IPC_STAT names a segment by id; SHM_STAT and SHM_STAT_ANY by index, and answer its id. */
static long shm_stat(struct ipc_ids *ids, int id, int cmd, uaddr_t buf)
{
    struct abi_shmid_ds ds;
    struct ipc_object *o;
    int res;

    mutex_lock(&ids->lock);
    res = cmd == IPC_STAT ? ipc_find(ids, id, &o) : ipc_find_index(ids, id, &o);
    if (res == 0 && cmd != SHM_STAT_ANY)
        res = ipc_check_access(o, 0444);
    if (res == 0) {
        show_segment(segment_of(o), &ds);
        res = cmd == IPC_STAT ? 0 : o->id;
    }
    mutex_unlock(&ids->lock);
    if (res < 0)
        return res;
    return put_user(buf, ds) < 0 ? -EFAULT : res;
}

static long shm_limits(struct ipc_ids *ids, uaddr_t buf)
{
    const struct abi_shminfo info = {
        .shmmax = SHMMAX, .shmmin = SHMMIN, .shmmni = SHMMNI, .shmseg = SHMMNI, .shmall = SHMALL};
    int highest;

    mutex_lock(&ids->lock);
    highest = ipc_highest_index(ids);
    mutex_unlock(&ids->lock);
    return copy_to_user(buf, &info, sizeof(info)) < 0 ? -EFAULT : highest;
}

static long shm_usage(struct ipc_ids *ids, uaddr_t buf)
{
    struct abi_shm_info info = {0};
    struct ipc_object *o;
    unsigned at = 0;
    int highest;

    mutex_lock(&ids->lock);
    highest = ipc_highest_index(ids);
    info.used_ids = (int32_t)ids->in_use;
    info.total = ids->total;
    while ((o = ipc_next(ids, &at)) != NULL)
        info.resident += READ_ONCE(segment_of(o)->file->inode->npages);
    mutex_unlock(&ids->lock);
    return put_user(buf, info) < 0 ? -EFAULT : highest;
}

/* Attached, it stays until it is not: without a key, so that nobody comes upon it. */
static bool remove_unless_attached(struct shm_segment *seg)
{
    irqflags_t flags = spin_lock(&seg->lock);
    bool is_attached = seg->nattch > 0;

    spin_unlock(&seg->lock, flags);
    if (is_attached) {
        seg->ipc.mode |= SHM_DEST;
        ipc_forget_key(&seg->ipc);
        return false;
    }
    ipc_remove(&seg->ipc);
    return true;
}

/* IPC_RMID, and IPC_SET with `in`. */
static long shm_change(struct ipc_ids *ids, int id, const struct abi_shmid_ds *in)
{
    struct ipc_object *o;
    bool removed = false;
    int err;

    mutex_lock(&ids->lock);
    err = ipc_find(ids, id, &o);
    if (err == 0)
        err = ipc_check_owner(o);
    if (err == 0 && in == NULL) {
        removed = remove_unless_attached(segment_of(o));
    } else if (err == 0) {
        err = ipc_set_perm(o, &in->perm);
        if (err == 0)
            segment_of(o)->ctime = ipc_now();
    }
    mutex_unlock(&ids->lock);
    if (removed)
        ipc_unref(o);
    return err;
}

static long shm_set(struct ipc_ids *ids, int id, uaddr_t buf)
{
    struct abi_shmid_ds in;

    return get_user(&in, buf) < 0 ? -EFAULT : shm_change(ids, id, &in);
}

/* There is no swap to keep it from: the lock only shows. */
static long shm_lock(struct ipc_ids *ids, int id, int cmd)
{
    struct ipc_object *o;
    int err;

    mutex_lock(&ids->lock);
    err = ipc_find(ids, id, &o);
    if (err == 0 && !ns_capable(o->ns->user_ns, CAP_IPC_LOCK)) {
        kuid_t euid = current_cred()->euid;

        if (!uid_eq(euid, o->uid) && !uid_eq(euid, o->cuid))
            err = -EPERM;
        else if (cmd == SHM_LOCK && current->process->rlimits[RLIMIT_MEMLOCK].cur == 0)
            err = -EPERM;
    }
    if (err == 0)
        o->mode = cmd == SHM_LOCK ? o->mode | SHM_LOCKED : o->mode & ~(mode_t)SHM_LOCKED;
    mutex_unlock(&ids->lock);
    return err;
}

long sys_shmctl(int id, int cmd, uaddr_t buf)
{
    struct ipc_ids *ids = &current_ipc_ns()->ids[IPC_SHM];

    if (id < 0)
        return -EINVAL;
    switch (cmd) {
    case IPC_INFO:
        return shm_limits(ids, buf);
    case SHM_INFO:
        return shm_usage(ids, buf);
    case IPC_STAT:
    case SHM_STAT:
    case SHM_STAT_ANY:
        return shm_stat(ids, id, cmd, buf);
    case IPC_SET:
        return shm_set(ids, id, buf);
    case IPC_RMID:
        return shm_change(ids, id, NULL);
    case SHM_LOCK:
    case SHM_UNLOCK:
        return shm_lock(ids, id, cmd);
    }
    return -EINVAL;
}
