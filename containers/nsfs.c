/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Namespaces as files: what /proc/PID/ns/NAME leads to, and setns(2).
 *
 * Each such file holds a struct nsproxy with nothing but the member it stands
 * for: that namespace lives as long as the file, and no other. With the mount
 * namespace in it, a file mounted there would keep itself alive for ever.
 * procfs asks for them by name.
 */
#include <kernel/cgroup.h>
#include <kernel/errno.h>
#include <kernel/files.h>
#include <kernel/ipc.h>
#include <kernel/ns.h>
#include <kernel/nsfs.h>
#include <kernel/pid.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/syscalls.h>

#include "namespace.h"

static struct mount *nsfs_mount;

struct ns_ref { /* inode->private */
    const struct ns_kind *kind;
    struct nsproxy *set;       /* counted: only the kind's member is not NULL */
    struct pid_ns *own_pid_ns; /* counted: of "pid", which is not the one for children */
};

struct ns_kind {
    const char *name; /* below /proc/PID/ns */
    const char *type; /* in the link's text */
    uint64_t flag;
    ino_t (*ino)(const struct ns_ref *r);
    /* Put r's member into n, a clone of the caller's set. 0 or an errno. */
    int (*install)(const struct ns_ref *r, struct nsproxy *n);
};

static ino_t uts_ino(const struct ns_ref *r)
{
    return r->set->uts->ino;
}
static ino_t ipc_ino(const struct ns_ref *r)
{
    return r->set->ipc->ino;
}
static ino_t net_ino(const struct ns_ref *r)
{
    return r->set->net->ino;
}
static ino_t cgroup_ino(const struct ns_ref *r)
{
    return r->set->cgroup->ino;
}
static ino_t mnt_ino(const struct ns_ref *r)
{
    return r->set->mnt->ino;
}
static ino_t pid_ino(const struct ns_ref *r)
{
    return r->own_pid_ns->ino;
}
static ino_t pid_children_ino(const struct ns_ref *r)
{
    return r->set->pid_for_children->ino;
}

/* Exchange a member of two sets: the clone's old one goes down with its temporary holder. */
#define SWAP_MEMBER(n, from, m)                                                                    \
    do {                                                                                           \
        struct nsproxy *other_ = nsproxy_clone(from);                                              \
        __typeof__((n)->m) mine_ = (n)->m;                                                         \
        if (other_ == NULL)                                                                        \
            return -ENOMEM;                                                                        \
        (n)->m = other_->m;                                                                        \
        other_->m = mine_;                                                                         \
        nsproxy_put(other_);                                                                       \
    } while (0)

static int uts_install(const struct ns_ref *r, struct nsproxy *n)
{
    SWAP_MEMBER(n, r->set, uts);
    return 0;
}
static int ipc_install(const struct ns_ref *r, struct nsproxy *n)
{
    SWAP_MEMBER(n, r->set, ipc);
    return 0;
}
static int net_install(const struct ns_ref *r, struct nsproxy *n)
{
    SWAP_MEMBER(n, r->set, net);
    return 0;
}
static int cgroup_install(const struct ns_ref *r, struct nsproxy *n)
{
    SWAP_MEMBER(n, r->set, cgroup);
    return 0;
}

/* Root and working directory move along, so nobody may share them. */
static int mnt_install(const struct ns_ref *r, struct nsproxy *n)
{
    struct path root, old_root, old_cwd;
    struct fs_struct *fs = current->fs;
    irqflags_t flags;

    if (!capable(CAP_SYS_CHROOT))
        return -EPERM;
    if (refcount_read(&fs->refs) != 1)
        return -EINVAL;
    SWAP_MEMBER(n, r->set, mnt);
    mnt_ns_root(n->mnt, &root);
    path_get(&root);
    flags = spin_lock(&fs->lock);
    old_root = fs->root;
    old_cwd = fs->cwd;
    fs->root = fs->cwd = root;
    spin_unlock(&fs->lock, flags);
    path_put(&old_root);
    path_put(&old_cwd);
    return 0;
}

/* Only downwards: the caller's own namespace or one inside it. */
static int join_pid(struct pid_ns *target, struct nsproxy *n)
{
    const struct pid_ns *own = current->pid->numbers[current->pid->level].ns;
    const struct pid_ns *up = target;

    while (up != NULL && up->level > own->level)
        up = up->parent;
    if (up != own)
        return -EINVAL;
    pid_ns_get(target);
    pid_ns_put(n->pid_for_children);
    n->pid_for_children = target;
    return 0;
}
static int pid_install(const struct ns_ref *r, struct nsproxy *n)
{
    return join_pid(r->own_pid_ns, n);
}
static int pid_children_install(const struct ns_ref *r, struct nsproxy *n)
{
    return join_pid(r->set->pid_for_children, n);
}

static const struct ns_kind kinds[] = {
    {"cgroup", "cgroup", CLONE_NEWCGROUP, cgroup_ino, cgroup_install},
    {"ipc", "ipc", CLONE_NEWIPC, ipc_ino, ipc_install},
    {"mnt", "mnt", CLONE_NEWNS, mnt_ino, mnt_install},
    {"net", "net", CLONE_NEWNET, net_ino, net_install},
    {"pid", "pid", CLONE_NEWPID, pid_ino, pid_install},
    {"pid_for_children", "pid", CLONE_NEWPID, pid_children_ino, pid_children_install},
    {"uts", "uts", CLONE_NEWUTS, uts_ino, uts_install},
};

const char *ns_name(unsigned i)
{
    return i < ARRAY_SIZE(kinds) ? kinds[i].name : NULL;
}

static void ref_put(struct ns_ref *r)
{
    nsproxy_put(r->set);
    pid_ns_put(r->own_pid_ns);
    kfree(r);
}

/* NULL: no memory, or t has exited (*err tells). */
static struct ns_ref *ref_of_thread(struct thread *t, const char *name, int *err)
{
    struct ns_ref *r = kalloc_for(current_cgroup(), sizeof(*r));
    struct nsproxy *set = NULL;
    irqflags_t flags;

    *err = -ENOMEM;
    if (r == NULL)
        return NULL;
    for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (strcmp(kinds[i].name, name) == 0)
            r->kind = &kinds[i];
    }
    flags = spin_lock(&pid_lock);
    if (t->nsproxy != NULL && r->kind != NULL) {
        set = t->nsproxy;
        nsproxy_get(set);
        r->own_pid_ns = t->pid->numbers[t->pid->level].ns;
        pid_ns_get(r->own_pid_ns);
    }
    spin_unlock(&pid_lock, flags);
    if (set == NULL) {
        *err = -ENOENT;
        kfree(r);
        return NULL;
    }
    r->set = nsproxy_clone_members(set, r->kind->flag);
    nsproxy_put(set);
    if (r->set == NULL) {
        pid_ns_put(r->own_pid_ns);
        kfree(r);
        return NULL;
    }
    return r;
}

int ns_readlink(struct thread *t, const char *name, char *buf, size_t size)
{
    int err;
    struct ns_ref *r = ref_of_thread(t, name, &err);

    if (r == NULL)
        return err;
    err = snprintf(buf, size, "%s:[%llu]", r->kind->type, (unsigned long long)r->kind->ino(r));
    ref_put(r);
    return err;
}

static void nsfs_evict(struct inode *inode)
{
    if (inode->private != NULL)
        ref_put(inode->private);
}

static const struct inode_ops nsfs_iops = {.evict = nsfs_evict};
static const struct file_ops nsfs_fops = {.llseek = NULL};

int ns_path(struct thread *t, const char *name, struct path *out)
{
    int err;
    struct ns_ref *r = ref_of_thread(t, name, &err);
    struct inode *inode;
    struct dentry *dentry;

    if (r == NULL)
        return err;
    inode = inode_alloc(nsfs_mount->sb, S_IFREG | 0444);
    if (inode == NULL) {
        ref_put(r);
        return -ENOMEM;
    }
    inode->private = r;
    inode->ops = &nsfs_iops;
    inode->fops = &nsfs_fops;
    inode->ino = r->kind->ino(r);
    inode->nlink = 1;
    inode->uid = KUID_ROOT;
    inode->gid = KGID_ROOT;
    dentry = dentry_make_root(inode);
    if (dentry == NULL)
        return -ENOMEM;
    mount_get(nsfs_mount);
    *out = (struct path){nsfs_mount, dentry};
    return 0;
}

const struct mnt_ns *ns_file_mounts(const struct dentry *d)
{
    const struct ns_ref *r = d->inode != NULL && d->inode->fops == &nsfs_fops ? d->inode->private : NULL;

    return r != NULL ? r->set->mnt : NULL;
}

/* ---- setns(2) ---- */

static int install(const struct ns_ref *r, uint64_t type)
{
    struct nsproxy *n;
    int err;

    if (type != 0 && type != r->kind->flag)
        return -EINVAL;
    if (!capable(CAP_SYS_ADMIN))
        return -EPERM;
    n = nsproxy_clone(current->nsproxy);
    if (n == NULL)
        return -ENOMEM;
    err = r->kind->install(r, n);
    if (err < 0) {
        nsproxy_put(n);
        return err;
    }
    nsproxy_switch(n);
    return 0;
}

long sys_setns(int fd, int type)
{
    struct file *f = fd_get(fd);
    int err = -EINVAL;

    if (f == NULL)
        return -EBADF;
    if (f->ops == &nsfs_fops)
        err = install(f->inode->private, (uint64_t)(uint32_t)type);
    file_put(f);
    return err;
}

/* ---- the hidden file system that they live in ---- */

static const struct super_ops nsfs_super_ops = {.statfs = NULL};

static int nsfs_get_super(const struct fs_type *type, const char *source, unsigned long flags, const char *data,
                          struct super_block **out)
{
    struct super_block *sb = super_alloc(type, flags);
    struct inode *inode;

    (void)source;
    (void)data;
    if (sb == NULL)
        return -ENOMEM;
    sb->ops = &nsfs_super_ops;
    inode = inode_alloc(sb, S_IFDIR | 0555);
    if (inode != NULL) {
        inode->ops = &nsfs_iops;
        inode->fops = &nsfs_fops;
        sb->root = dentry_make_root(inode);
    }
    if (sb->root == NULL) {
        super_put(sb);
        return -ENOMEM;
    }
    *out = sb;
    return 0;
}

static struct fs_type nsfs_type = {.name = "nsfs", .magic = 0x6e736673, .get_super = nsfs_get_super};

void containers_init(void);
void containers_init(void)
{
    namespaces_init();
    device_policy_init();
    if (mount_internal(&nsfs_type, "nsfs", "", &nsfs_mount) < 0)
        panic("nsfs: no memory at boot");
}
