/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extended attributes: xattr(7). The name's first part says who may use it:
 * "user." whoever may read or write the file, "trusted." and "security." the
 * administrator. At the end the list that file systems in memory keep them in.
 */
#include "vfs.h"

#define XATTR_NAME_MAX 255
#define XATTR_SIZE_MAX 65536
#define XATTR_LIST_MAX 65536

/* ---- permission ---- */

static bool has_prefix(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

static int may_user_xattr(const struct path *p, int mask)
{
    const struct inode *inode = p->dentry->inode;

    if (!S_ISREG(inode->mode) && !S_ISDIR(inode->mode))
        return mask & MAY_WRITE ? -EPERM : -ENODATA;
    if (S_ISDIR(inode->mode) && (inode->mode & S_ISVTX) && (mask & MAY_WRITE) &&
        !inode_owner_or_capable(inode))
        return -EPERM;
    return inode_permission(p, mask);
}

static int may_xattr(const struct path *p, const char *name, int mask)
{
    struct user_ns *ns = p->dentry->inode->sb->user_ns;

    if ((mask & MAY_WRITE) && path_is_readonly(p))
        return -EROFS;
    if (has_prefix(name, "user."))
        return may_user_xattr(p, mask);
    if (has_prefix(name, "trusted.")) {
        if (ns_capable(user_ns_init, CAP_SYS_ADMIN))
            return 0;
        return mask & MAY_WRITE ? -EPERM : -ENODATA;
    }
    if (has_prefix(name, "security.")) {
        if (!(mask & MAY_WRITE))
            return 0;
        return ns_capable(ns,
                          strcmp(name, "security.capability") == 0 ? CAP_SETFCAP : CAP_SYS_ADMIN)
                   ? 0
                   : -EPERM;
    }
    return -EOPNOTSUPP;
}

/* ---- the calls, on a path ---- */

static int name_arg(uaddr_t user, char *name)
{
    ssize_t n = strncpy_from_user(name, user, XATTR_NAME_MAX + 1);

    if (n == -ENAMETOOLONG || n == 0)
        return -ERANGE;
    return n < 0 ? (int)n : 0;
}

static int set_value(const struct path *p, const char *name, uaddr_t value, size_t size, int flags)
{
    struct dentry *d = p->dentry;
    void *copy = NULL;
    int err;

    if (size > XATTR_SIZE_MAX)
        return -E2BIG;
    if (size != 0) {
        copy = kalloc_for(current_cgroup(), size);
        if (copy == NULL)
            return -ENOMEM;
        if (copy_from_user(copy, value, size) < 0) {
            kfree(copy);
            return -EFAULT;
        }
    }
    err = may_xattr(p, name, MAY_WRITE);
    if (err == 0 && d->inode->ops->setxattr == NULL)
        err = -EOPNOTSUPP;
    if (err == 0) {
        mutex_lock(&d->inode->lock);
        err = d->inode->ops->setxattr(d, name, copy, size, flags);
        mutex_unlock(&d->inode->lock);
    }
    kfree(copy);
    return err;
}

static long do_set(const struct path *p, uaddr_t user_name, uaddr_t value, size_t size, int flags)
{
    char name[XATTR_NAME_MAX + 1];
    int err;

    if ((flags & ~(XATTR_CREATE | XATTR_REPLACE)) != 0)
        return -EINVAL;
    err = name_arg(user_name, name);
    return err < 0 ? err : set_value(p, name, value, size, flags);
}

static long copy_out(uaddr_t user, const void *buf, int n)
{
    return n > 0 && copy_to_user(user, buf, (size_t)n) < 0 ? -EFAULT : n;
}

static long do_get(const struct path *p, uaddr_t user_name, uaddr_t value, size_t size)
{
    char name[XATTR_NAME_MAX + 1];
    struct dentry *d = p->dentry;
    void *buf = NULL;
    int n = name_arg(user_name, name);

    if (n == 0)
        n = may_xattr(p, name, MAY_READ);
    if (n == 0 && d->inode->ops->getxattr == NULL)
        n = -EOPNOTSUPP;
    if (n < 0)
        return n;
    size = min(size, (size_t)XATTR_SIZE_MAX);
    if (size != 0) {
        buf = kalloc_for(current_cgroup(), size);
        if (buf == NULL)
            return -ENOMEM;
    }
    mutex_lock(&d->inode->lock);
    n = d->inode->ops->getxattr(d, name, buf, size);
    mutex_unlock(&d->inode->lock);
    if (size != 0)
        n = (int)copy_out(value, buf, n);
    kfree(buf);
    return n;
}

static long do_list(const struct path *p, uaddr_t list, size_t size)
{
    struct dentry *d = p->dentry;
    void *buf = NULL;
    int n;

    if (d->inode->ops->listxattr == NULL)
        return 0;
    size = min(size, (size_t)XATTR_LIST_MAX);
    if (size != 0) {
        buf = kalloc_for(current_cgroup(), size);
        if (buf == NULL)
            return -ENOMEM;
    }
    mutex_lock(&d->inode->lock);
    n = d->inode->ops->listxattr(d, buf, size);
    mutex_unlock(&d->inode->lock);
    if (size != 0)
        n = (int)copy_out(list, buf, n);
    kfree(buf);
    return n;
}

static long do_remove(const struct path *p, uaddr_t user_name)
{
    char name[XATTR_NAME_MAX + 1];
    struct dentry *d = p->dentry;
    int err = name_arg(user_name, name);

    if (err == 0)
        err = may_xattr(p, name, MAY_WRITE);
    if (err == 0 && d->inode->ops->removexattr == NULL)
        err = -EOPNOTSUPP;
    if (err < 0)
        return err;
    mutex_lock(&d->inode->lock);
    err = d->inode->ops->removexattr(d, name);
    mutex_unlock(&d->inode->lock);
    return err;
}

/* ---- system calls: each on a path, on a symlink itself, and on a descriptor ---- */

#define ON_PATH(lookup, call)                                                                      \
    do {                                                                                           \
        struct path p;                                                                             \
        long err_ = path_lookup_user(AT_FDCWD, path, (lookup), &p);                                \
                                                                                                   \
        if (err_ < 0)                                                                              \
            return err_;                                                                           \
        err_ = (call);                                                                             \
        path_put(&p);                                                                              \
        return err_;                                                                               \
    } while (0)

#define ON_FD(call)                                                                                \
    do {                                                                                           \
        struct file *f = fd_get(fd);                                                               \
        struct path p;                                                                             \
        long err_;                                                                                 \
                                                                                                   \
        if (f == NULL)                                                                             \
            return -EBADF;                                                                         \
        p = f->path;                                                                               \
        err_ = (call);                                                                             \
        file_put(f);                                                                               \
        return err_;                                                                               \
    } while (0)

long sys_setxattr(uaddr_t path, uaddr_t name, uaddr_t value, size_t size, int flags)
{
    ON_PATH(LOOKUP_FOLLOW, do_set(&p, name, value, size, flags));
}

long sys_lsetxattr(uaddr_t path, uaddr_t name, uaddr_t value, size_t size, int flags)
{
    ON_PATH(0, do_set(&p, name, value, size, flags));
}

long sys_fsetxattr(int fd, uaddr_t name, uaddr_t value, size_t size, int flags)
{
    ON_FD(do_set(&p, name, value, size, flags));
}

long sys_getxattr(uaddr_t path, uaddr_t name, uaddr_t value, size_t size)
{
    ON_PATH(LOOKUP_FOLLOW, do_get(&p, name, value, size));
}

long sys_lgetxattr(uaddr_t path, uaddr_t name, uaddr_t value, size_t size)
{
    ON_PATH(0, do_get(&p, name, value, size));
}

long sys_fgetxattr(int fd, uaddr_t name, uaddr_t value, size_t size)
{
    ON_FD(do_get(&p, name, value, size));
}

long sys_listxattr(uaddr_t path, uaddr_t list, size_t size)
{
    ON_PATH(LOOKUP_FOLLOW, do_list(&p, list, size));
}

long sys_llistxattr(uaddr_t path, uaddr_t list, size_t size)
{
    ON_PATH(0, do_list(&p, list, size));
}

long sys_flistxattr(int fd, uaddr_t list, size_t size)
{
    ON_FD(do_list(&p, list, size));
}

long sys_removexattr(uaddr_t path, uaddr_t name)
{
    ON_PATH(LOOKUP_FOLLOW, do_remove(&p, name));
}

long sys_lremovexattr(uaddr_t path, uaddr_t name)
{
    ON_PATH(0, do_remove(&p, name));
}

long sys_fremovexattr(int fd, uaddr_t name)
{
    ON_FD(do_remove(&p, name));
}

/* ---- attributes in memory ---- */

/* A leaf: changing the list takes it besides inode->lock, looking an attribute up takes nothing else. */
static struct spinlock simple_lock = SPINLOCK_INIT;

struct simple_xattr {
    struct list_node link; /* [inode->lock, simple_lock] */
    char *name;            /* behind the structure, the value behind it */
    void *value;
    size_t size;
};

static struct simple_xattr *simple_find(struct inode *inode, const char *name)
{
    struct simple_xattr *x;

    if (inode->xattrs == NULL)
        return NULL;
    list_for_each(x, inode->xattrs, link)
    {
        if (strcmp(x->name, name) == 0)
            return x;
    }
    return NULL;
}

int simple_xattr_get(struct inode *inode, const char *name, void *buf, size_t size)
{
    irqflags_t lock_flags = spin_lock(&simple_lock);
    const struct simple_xattr *x = simple_find(inode, name);
    int len;

    if (x == NULL) {
        len = -ENODATA;
    } else if (size != 0 && size < x->size) {
        len = -ERANGE;
    } else {
        len = (int)x->size;
        if (size != 0)
            memcpy(buf, x->value, x->size);
    }
    spin_unlock(&simple_lock, lock_flags);
    return len;
}

static struct simple_xattr *simple_alloc(const char *name, const void *buf, size_t size)
{
    size_t name_size = strlen(name) + 1;
    struct simple_xattr *x = kalloc_for(current_cgroup(), sizeof(*x) + name_size + size);

    if (x == NULL)
        return NULL;
    x->name = (char *)(x + 1);
    x->value = x->name + name_size;
    x->size = size;
    memcpy(x->name, name, name_size);
    if (size != 0)
        memcpy(x->value, buf, size);
    return x;
}

int simple_xattr_set(struct inode *inode, const char *name, const void *buf, size_t size, int flags)
{
    struct simple_xattr *old = simple_find(inode, name);
    struct list_node *list = inode->xattrs;
    struct simple_xattr *x;
    irqflags_t lock_flags;

    if (old != NULL && (flags & XATTR_CREATE))
        return -EEXIST;
    if (old == NULL && (flags & XATTR_REPLACE))
        return -ENODATA;
    if (list == NULL) {
        list = kalloc_for(current_cgroup(), sizeof(*list));
        if (list == NULL)
            return -ENOMEM;
        list_init(list);
    }
    x = simple_alloc(name, buf, size);
    lock_flags = spin_lock(&simple_lock);
    inode->xattrs = list;
    if (x != NULL) {
        if (old != NULL)
            list_remove(&old->link);
        list_add_tail(list, &x->link);
    }
    spin_unlock(&simple_lock, lock_flags);
    if (x == NULL)
        return -ENOMEM;
    kfree(old);
    inode_touch(inode, ATTR_CTIME);
    return 0;
}

int simple_xattr_list(struct inode *inode, char *buf, size_t size)
{
    bool trusted = ns_capable(user_ns_init, CAP_SYS_ADMIN);
    const struct simple_xattr *x;
    size_t used = 0;

    if (inode->xattrs == NULL)
        return 0;
    list_for_each(x, inode->xattrs, link)
    {
        size_t n = strlen(x->name) + 1;

        if (!trusted && has_prefix(x->name, "trusted."))
            continue;
        if (size != 0) {
            if (n > size - used)
                return -ERANGE;
            memcpy(buf + used, x->name, n);
        }
        used += n;
    }
    return used > XATTR_LIST_MAX ? -E2BIG : (int)used;
}

int simple_xattr_remove(struct inode *inode, const char *name)
{
    struct simple_xattr *x = simple_find(inode, name);
    irqflags_t lock_flags;

    if (x == NULL)
        return -ENODATA;
    lock_flags = spin_lock(&simple_lock);
    list_remove(&x->link);
    spin_unlock(&simple_lock, lock_flags);
    kfree(x);
    inode_touch(inode, ATTR_CTIME);
    return 0;
}

void simple_xattr_free_all(struct inode *inode)
{
    struct simple_xattr *x, *next;

    if (inode->xattrs == NULL)
        return;
    list_for_each_safe(x, next, inode->xattrs, link) kfree(x);
    kfree(inode->xattrs);
    inode->xattrs = NULL;
}
