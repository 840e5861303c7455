/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mount(2), umount2(2), pivot_root(2): which change is asked for, whether it is
 * allowed, and then one operation of mount.c under mount_mutex.
 *
 * All of them need CAP_SYS_ADMIN over the user namespace that owns the caller's
 * mount namespace, and touch only mounts of that namespace. Propagation does
 * not exist: asking for private or slave mounts succeeds, for shared ones it is
 * an error rather than a promise that is not kept.
 */
#include "mount.h"

#include <kernel/nsfs.h>

#define MS_MGC_VAL     0xc0ed0000UL
#define MS_MGC_MSK     0xffff0000UL
#define MS_NOUSER      (1UL << 31)
#define MS_PROPAGATION (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)
#define ATIME_FLAGS    (MS_NOATIME | MS_NODIRATIME | MS_RELATIME)

#define MNT_FORCE       1
#define MNT_DETACH      2
#define MNT_EXPIRE      4
#define UMOUNT_NOFOLLOW 8

static bool may_mount(void)
{
    return ns_capable(current_mnt_ns()->user_ns, CAP_SYS_ADMIN);
}

static bool is_ours(const struct mount *m)
{
    return m->ns == current_mnt_ns();
}

static bool is_mount_root(const struct path *p)
{
    return p->dentry == p->mnt->root;
}

/* ---- attaching ---- */

/*
 * Go to the topmost mount at `where`, lock the directory or file that is to be
 * covered (it cannot be removed then) and the tree of mounts.
 */
static int lock_mountpoint(struct path *where)
{
    for (;;) {
        struct inode *inode;

        path_follow_mounts(where);
        inode = where->dentry->inode;
        mutex_lock(&inode->lock);
        if (d_is_unlinked(where->dentry) || (S_ISDIR(inode->mode) && inode->nlink == 0)) {
            mutex_unlock(&inode->lock);
            return -ENOENT;
        }
        mutex_lock(&mount_mutex);
        if (READ_ONCE(where->dentry->mounts) != 0) {
            struct mount *covered = mount_child(where->mnt, where->dentry);

            if (covered != NULL) {
                mutex_unlock(&mount_mutex);
                mutex_unlock(&inode->lock);
                mount_put(covered);
                continue;
            }
        }
        return 0;
    }
}

static void unlock_mountpoint(const struct path *where)
{
    mutex_unlock(&mount_mutex);
    mutex_unlock(&where->dentry->inode->lock);
}

static int check_attach(const struct dentry *root, const struct path *where)
{
    if (!is_ours(where->mnt))
        return -EINVAL;
    if (S_ISDIR(root->inode->mode) != S_ISDIR(where->dentry->inode->mode))
        return -ENOTDIR;
    return 0;
}

/* ---- mount(2), one function per kind ---- */

/* A new mount of sb; takes over the caller's reference to it. */
static int attach_super(struct super_block *sb, const char *source, unsigned long mnt_flags,
                        struct path *where)
{
    struct mount *m = mount_alloc(sb, sb->root, source, mnt_flags);
    int err;

    super_put(sb);
    if (m == NULL)
        return -ENOMEM;
    err = lock_mountpoint(where);
    if (err < 0)
        goto put;
    err = check_attach(m->root, where);
    if (err == 0 && where->mnt->sb == m->sb && is_mount_root(where))
        err = -EBUSY; /* the same again on top of itself */
    if (err == 0)
        err = mount_attach(m, where);
    unlock_mountpoint(where);
    if (err == 0)
        return 0;
put:
    mount_put(m);
    return err;
}

static int mount_new(struct path *where, const char *type_name, const char *source,
                     unsigned long flags, unsigned long mnt_flags, const char *data)
{
    const struct fs_type *type = fs_type_find(type_name);
    struct super_block *sb;
    int err;

    if (type == NULL)
        return -ENODEV;
    err = type->get_super(type, source, flags & SUPER_FLAGS, data, &sb);
    if (err < 0)
        return err;
    return attach_super(sb, source, mnt_flags, where);
}

/* A namespace's file must not be mounted in itself, nor in what that namespace's files may be mounted
 * in: the older ones. Nobody could ever unmount them. */
static bool is_namespace_loop(const struct dentry *d)
{
    const struct mnt_ns *ns = ns_file_mounts != NULL ? ns_file_mounts(d) : NULL;

    return ns != NULL && ns->ino <= current->nsproxy->mnt->ino;
}

static int mount_bind(struct path *where, const char *source, unsigned long flags)
{
    struct mount *m = NULL;
    struct path old;
    int err;

    if (*source == '\0')
        return -EINVAL;
    err = path_lookup(AT_FDCWD, source, LOOKUP_FOLLOW, &old);
    if (err < 0)
        return err;
    err = lock_mountpoint(where);
    if (err < 0)
        goto put_old;

    err = is_ours(old.mnt) || strcmp(old.mnt->sb->type->name, "nsfs") == 0 ? 0 : -EINVAL;
    if (err == 0 && is_namespace_loop(old.dentry))
        err = -EINVAL;
    if (err == 0)
        err = check_attach(old.dentry, where);
    if (err < 0)
        goto unlock;
    m = mount_copy_tree(&old, flags & MS_REC ? COPY_TREE : COPY_ONE);
    err = m != NULL ? mount_attach(m, where) : -ENOMEM;
unlock:
    if (err < 0 && m != NULL) {
        struct list_node dead = LIST_INIT(dead);

        mount_detach_tree(m, &dead);
        unlock_mountpoint(where);
        mounts_release(&dead);
    } else {
        unlock_mountpoint(where);
    }
put_old:
    path_put(&old);
    return err;
}

static int mount_relocate(struct path *where, const char *source)
{
    struct path old;
    int err;

    if (*source == '\0')
        return -EINVAL;
    err = path_lookup(AT_FDCWD, source, LOOKUP_FOLLOW, &old);
    if (err < 0)
        return err;
    err = lock_mountpoint(where);
    if (err < 0)
        goto put_old;

    err = -EINVAL;
    if (!is_ours(old.mnt) || !is_mount_root(&old) || old.mnt->parent == NULL)
        goto unlock;
    err = check_attach(old.dentry, where);
    if (err < 0)
        goto unlock;
    for (struct mount *m = where->mnt; m != NULL; m = m->parent) {
        if (m == old.mnt) {
            err = -ELOOP;
            goto unlock;
        }
    }
    mount_move(old.mnt, where);
unlock:
    unlock_mountpoint(where);
    if (err == 0)
        mount_release_old(old.mnt);
put_old:
    path_put(&old);
    return err;
}

static int set_mount_flags(struct mount *m, unsigned long mnt_flags)
{
    if ((mnt_flags & MS_RDONLY) && !(m->flags & MS_RDONLY) && READ_ONCE(m->writers) > 0)
        return -EBUSY;
    WRITE_ONCE(m->flags, mnt_flags);
    return 0;
}

static int check_super_readonly(const struct super_block *sb, unsigned long flags)
{
    bool becomes = (flags & MS_RDONLY) && !(sb->flags & MS_RDONLY);

    return becomes && READ_ONCE(sb->writers) > 0 ? -EBUSY : 0;
}

static int mount_remount(const struct path *where, unsigned long flags, unsigned long mnt_flags,
                         const char *data)
{
    struct super_block *sb = where->mnt->sb;
    int err = 0;

    if (!is_mount_root(where))
        return -EINVAL;
    mutex_lock(&mount_mutex);
    if (!is_ours(where->mnt)) {
        err = -EINVAL;
    } else if (flags & MS_BIND) {
        err = set_mount_flags(where->mnt, mnt_flags);
    } else {
        err = check_super_readonly(sb, flags);
        if (err == 0 && sb->ops->remount != NULL)
            err = sb->ops->remount(sb, flags & SUPER_FLAGS, data);
        if (err == 0)
            err = set_mount_flags(where->mnt, mnt_flags);
        if (err == 0)
            WRITE_ONCE(sb->flags, (sb->flags & ~SUPER_FLAGS) | (flags & SUPER_FLAGS));
    }
    mutex_unlock(&mount_mutex);
    return err;
}

static int mount_set_propagation(const struct path *where, unsigned long flags)
{
    unsigned long type = flags & MS_PROPAGATION;

    if ((flags & ~(MS_REC | MS_SILENT | MS_PROPAGATION)) != 0 || (type & (type - 1)) != 0)
        return -EINVAL;
    if (!is_mount_root(where) || !is_ours(where->mnt))
        return -EINVAL;
    return type == MS_SHARED ? -EINVAL : 0;
}

static unsigned long mount_flags_of(unsigned long flags, const struct path *where)
{
    unsigned long mnt_flags = flags & MOUNT_FLAGS;

    if (!(flags & MS_NOATIME))
        mnt_flags |= MS_RELATIME;
    if (flags & MS_STRICTATIME)
        mnt_flags &= ~(MS_RELATIME | MS_NOATIME);
    if ((flags & MS_REMOUNT) && !(flags & (ATIME_FLAGS | MS_STRICTATIME)))
        mnt_flags = (mnt_flags & ~ATIME_FLAGS) | (where->mnt->flags & ATIME_FLAGS);
    return mnt_flags;
}

static int mount_dispatch(struct path *where, const char *source, const char *type,
                          unsigned long flags, const char *data)
{
    unsigned long mnt_flags;

    if ((flags & MS_MGC_MSK) == MS_MGC_VAL)
        flags &= ~MS_MGC_MSK;
    if (flags & MS_NOUSER)
        return -EINVAL;
    if (!may_mount())
        return -EPERM;

    mnt_flags = mount_flags_of(flags, where);
    if (flags & MS_REMOUNT)
        return mount_remount(where, flags, mnt_flags, data);
    if (flags & MS_BIND)
        return mount_bind(where, source, flags);
    if (flags & MS_PROPAGATION)
        return mount_set_propagation(where, flags);
    if (flags & MS_MOVE)
        return mount_relocate(where, source);
    if (type == NULL)
        return -EINVAL;
    return mount_new(where, type, source, flags, mnt_flags, data);
}

/* A string argument that may be NULL; *out stays NULL then. */
static int optional_string(uaddr_t user, char **out)
{
    int err;

    *out = NULL;
    if (user == 0)
        return 0;
    err = name_from_user(user, out);
    return err == -ENAMETOOLONG ? -EINVAL : err;
}

/* The options: as much of a page as can be read. */
static int options_from_user(uaddr_t user, char **out)
{
    ssize_t n;
    char *data;

    *out = NULL;
    if (user == 0)
        return 0;
    data = name_buf();
    if (data == NULL)
        return -ENOMEM;
    n = copy_from_user_partial(data, user, PAGE_SIZE - 1);
    if (n <= 0) {
        name_free(data);
        return -EFAULT;
    }
    data[n] = '\0';
    *out = data;
    return 0;
}

static void free_optional(char *s)
{
    if (s != NULL)
        name_free(s);
}

long sys_mount(uaddr_t source, uaddr_t target, uaddr_t type, unsigned long flags, uaddr_t data)
{
    char *ktype, *ksource = NULL, *kdata = NULL;
    struct path where;
    int err = optional_string(type, &ktype);

    if (err < 0)
        return err;
    err = optional_string(source, &ksource);
    if (err == 0)
        err = options_from_user(data, &kdata);
    if (err == 0)
        err = path_lookup_user(AT_FDCWD, target, LOOKUP_FOLLOW, &where);
    if (err == 0) {
        err = mount_dispatch(&where, ksource != NULL ? ksource : "", ktype, flags,
                             kdata != NULL ? kdata : "");
        path_put(&where);
    }
    free_optional(kdata);
    free_optional(ksource);
    free_optional(ktype);
    return err;
}

int mount_at(const char *type, const char *source, const char *target, unsigned long flags,
             const char *data)
{
    struct path where;
    int err = path_lookup(AT_FDCWD, target, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &where);

    if (err < 0)
        return err;
    err = mount_new(&where, type, source, flags, mount_flags_of(flags, &where), data);
    path_put(&where);
    return err;
}

/* ---- umount2(2) ---- */

/* Besides its place in the tree only the caller's path may hold it. */
static bool is_busy(const struct mount *m)
{
    return !list_is_empty(&m->children) || refcount_read(&m->refs) > 2;
}

static int check_umount(const struct path *p, int flags)
{
    if (!is_ours(p->mnt) || !is_mount_root(p))
        return -EINVAL;
    if (p->mnt->parent == NULL)
        return flags & MNT_DETACH ? -EINVAL : -EBUSY; /* the namespace's root */
    if (!(flags & MNT_DETACH) && is_busy(p->mnt))
        return -EBUSY;
    return flags & MNT_EXPIRE ? -EAGAIN : 0; /* nobody knows when it was last used: just now */
}

/* The caller's own root stays; what can be done for a clean end is to let nobody write any more. */
static int make_root_readonly(struct super_block *sb)
{
    int err = check_super_readonly(sb, MS_RDONLY);

    if (err == 0)
        WRITE_ONCE(sb->flags, sb->flags | MS_RDONLY);
    return err;
}

static bool is_own_root(const struct mount *m)
{
    struct path root;
    bool own;

    fs_root(&root);
    own = root.mnt == m;
    path_put(&root);
    return own;
}

static int umount_locked(const struct path *p, int flags, struct list_node *dead)
{
    int err;

    if (is_ours(p->mnt) && is_mount_root(p) && !(flags & MNT_DETACH) && is_own_root(p->mnt))
        return flags & MNT_EXPIRE ? -EINVAL : make_root_readonly(p->mnt->sb);
    err = check_umount(p, flags);
    if (err == 0)
        mount_detach_tree(p->mnt, dead);
    return err;
}

long sys_umount2(uaddr_t target, int flags)
{
    struct list_node dead = LIST_INIT(dead);
    unsigned lookup = LOOKUP_MOUNTPOINT | (flags & UMOUNT_NOFOLLOW ? 0 : LOOKUP_FOLLOW);
    struct path p;
    int err;

    if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
        return -EINVAL;
    if ((flags & MNT_EXPIRE) && (flags & (MNT_FORCE | MNT_DETACH)))
        return -EINVAL;
    err = path_lookup_user(AT_FDCWD, target, lookup, &p);
    if (err < 0)
        return err;
    if (!may_mount()) {
        path_put(&p);
        return -EPERM;
    }

    mutex_lock(&mount_mutex);
    err = umount_locked(&p, flags, &dead);
    mutex_unlock(&mount_mutex);
    path_put(&p);
    mounts_release(&dead);
    return err;
}

/* ---- pivot_root(2) ---- */

static int check_pivot(const struct path *new, const struct path *put_old, const struct path *root)
{
    if (!is_ours(root->mnt) || !is_ours(new->mnt) || !is_ours(put_old->mnt))
        return -EINVAL;
    if (d_is_unlinked(new->dentry))
        return -ENOENT;
    if (new->mnt == root->mnt || put_old->mnt == root->mnt)
        return -EBUSY;
    if (!is_mount_root(root) || !is_mount_root(new) || new->mnt->parent == NULL)
        return -EINVAL;
    if (!path_is_below(put_old, new) || !path_is_below(new, root))
        return -EINVAL;
    return 0;
}

/* new's mount takes the place of root's, and root's goes to put_old. */
static void pivot(const struct path *new, const struct path *put_old, const struct path *root)
{
    struct path place = {root->mnt->parent, root->mnt->mountpoint};
    bool is_ns_root = place.mnt == NULL;

    mount_move(new->mnt, NULL);
    mount_move(root->mnt, put_old); /* keeps what `place` names until mount_release_old() */
    if (is_ns_root)
        current_mnt_ns()->root = new->mnt;
    else
        mount_move(new->mnt, &place);
}

long sys_pivot_root(uaddr_t new_root, uaddr_t put_old)
{
    struct path new, old, root;
    int err;

    if (!may_mount())
        return -EPERM;
    err = path_lookup_user(AT_FDCWD, new_root, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &new);
    if (err < 0)
        return err;
    err = path_lookup_user(AT_FDCWD, put_old, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &old);
    if (err < 0)
        goto put_new;
    fs_root(&root);
    err = lock_mountpoint(&old);
    if (err < 0)
        goto put_root;

    err = check_pivot(&new, &old, &root);
    if (err == 0)
        pivot(&new, &old, &root);
    unlock_mountpoint(&old);
    if (err == 0) {
        mount_release_old(new.mnt);
        mount_release_old(root.mnt);
        fs_structs_move(&root, &new);
    }
put_root:
    path_put(&root);
    path_put(&old);
put_new:
    path_put(&new);
    return err;
}
