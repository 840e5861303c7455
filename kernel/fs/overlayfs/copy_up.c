/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copy-up: before anything of a lower object changes, it gets a version in the
 * upper layer, and so do the directories that lead to it. The copy is complete
 * before the overlay points to it; a failure leaves nothing behind.
 *
 * A lock of the overlay makes its copy-ups one at a time: they are rare, and two of
 * the same file must not both win.
 */
#include <kernel/cgroup.h>
#include <kernel/errno.h>
#include <kernel/proc.h>
#include <kernel/string.h>

#include "overlay.h"

#include "../vfs.h"

#define COPY_CHUNK (16 * PAGE_SIZE)

static int copy_data(const struct ovl_super *o, const struct ovl_real *from, struct dentry *to, uint64_t size)
{
    struct path src = {o->layers[from->layer].mnt, from->dentry}, dst = {o->layers[0].mnt, to};
    struct file *in = file_alloc(), *out = file_alloc();
    off_t rpos = 0, wpos = 0;
    char *buf = kalloc_for(current_cgroup(), COPY_CHUNK);
    int err = in != NULL && out != NULL && buf != NULL ? 0 : -ENOMEM;

    if (err == 0)
        err = file_finish_open(in, &src, O_RDONLY);
    if (err < 0) {
        if (in != NULL)
            file_free_unopened(in);
        if (out != NULL)
            file_free_unopened(out);
        kfree(buf);
        return err;
    }
    err = file_finish_open(out, &dst, O_WRONLY);
    if (err < 0) {
        file_free_unopened(out);
        out = NULL;
    }
    while (err == 0 && (uint64_t)rpos < size) {
        ssize_t n = fatal_signal_pending(current) ? -EINTR : file_read_kernel(in, buf, COPY_CHUNK, &rpos);

        if (n <= 0) {
            err = (int)n;
            break;
        }
        for (ssize_t done = 0; done < n;) {
            ssize_t w = file_write_kernel(out, buf + done, (size_t)(n - done), &wpos);

            if (w <= 0) {
                err = w < 0 ? (int)w : -EIO;
                break;
            }
            done += w;
        }
        cond_resched();
    }
    if (out != NULL)
        file_put(out);
    file_put(in);
    kfree(buf);
    return err;
}

static int copy_one_xattr(struct dentry *from, struct dentry *to, const char *name)
{
    int len = from->inode->ops->getxattr(from, name, NULL, 0), err;
    char *value;

    if (len < 0)
        return len;
    value = kalloc_for(current_cgroup(), (size_t)len + 1);
    if (value == NULL)
        return -ENOMEM;
    len = from->inode->ops->getxattr(from, name, value, (size_t)len);
    if (len < 0) {
        kfree(value);
        return len;
    }
    mutex_lock(&to->inode->lock);
    err = to->inode->ops->setxattr(to, name, value, (size_t)len, 0);
    mutex_unlock(&to->inode->lock);
    kfree(value);
    return err;
}

static int copy_xattrs(struct dentry *from, struct dentry *to)
{
    int len, err = 0;
    char *list;

    if (from->inode->ops->listxattr == NULL || to->inode->ops->setxattr == NULL)
        return 0;
    len = from->inode->ops->listxattr(from, NULL, 0);
    if (len <= 0)
        return len;
    list = kalloc_for(current_cgroup(), (size_t)len);
    if (list == NULL)
        return -ENOMEM;
    len = from->inode->ops->listxattr(from, list, (size_t)len);
    for (int at = 0; at < len && err == 0; at += (int)strlen(list + at) + 1) {
        if (strncmp(list + at, "trusted.overlay.", 16) != 0)
            err = copy_one_xattr(from, to, list + at);
    }
    kfree(list);
    return len < 0 ? len : err;
}

/* A new object like `from` under the same name in the upper directory. */
static int make_like(struct dentry *dir, const char *name, struct dentry *from, struct dentry **out)
{
    const struct inode *inode = from->inode;
    mode_t mode = inode->mode;
    char *target;
    int err;

    switch (mode & S_IFMT) {
    case S_IFDIR:
        return vfs_mkdir(dir, name, mode & S_IALLUGO, out);
    case S_IFREG:
        return vfs_create(dir, name, S_IFREG | (mode & S_IALLUGO), out);
    case S_IFLNK:
        target = kalloc_for(current_cgroup(), PATH_MAX);
        if (target == NULL)
            return -ENOMEM;
        err = inode->ops->readlink(from->inode, from, target);
        if (err >= 0) {
            target[min(err, PATH_MAX - 1)] = '\0';
            err = vfs_symlink(dir, name, target);
        }
        kfree(target);
        return err < 0 ? err : lookup_one(dir, name, strlen(name), out);
    default:
        return vfs_mknod(dir, name, mode, inode->rdev, out);
    }
}

/* A new file like `from` that has no name: the overlay's has lost its own and lives as long as it is
 * open. Its directory may be gone, too; any of the layer does. */
static int make_nameless(const struct ovl_super *o, const struct inode *from, struct dentry **out)
{
    struct dentry *root = o->layers[0].root, *copy;
    struct inode *dir = root->inode;
    int err;

    if (!S_ISREG(from->mode) || dir->ops->tmpfile == NULL)
        return -ENOENT;
    copy = dentry_alloc(root->sb, root, "#removed", 8);
    if (copy == NULL)
        return -ENOMEM;
    mutex_lock(&dir->lock);
    err = dir->ops->tmpfile(dir, copy, S_IFREG | (from->mode & S_IALLUGO));
    mutex_unlock(&dir->lock);
    if (err < 0)
        dentry_put(copy);
    else
        *out = copy;
    return err;
}

static void remove_copy(struct dentry *dir, struct dentry *copy)
{
    if (dir != NULL && S_ISDIR(copy->inode->mode))
        (void)vfs_rmdir(dir, copy);
    else if (dir != NULL)
        (void)vfs_unlink(dir, copy);
    dentry_put(copy);
}

static void copy_attributes(const struct inode *from, struct inode *to)
{
    struct iattr attr = {
        .valid = ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_ATIME | ATTR_MTIME,
        .mode = from->mode,
        .uid = from->uid,
        .gid = from->gid,
        .atime = from->atime,
        .mtime = from->mtime,
    };

    mutex_lock(&to->lock);
    inode_setattr(to, &attr);
    mutex_unlock(&to->lock);
}

/* [copy_up_lock] Into the upper directory `dir`; NULL: without a name. */
static int copy_up_one(struct dentry *dentry, struct dentry *dir)
{
    struct ovl_super *o = ovl_super(dentry->sb);
    struct ovl_inode *oi = ovl_inode(dentry->inode);
    struct dentry *from = oi->lower[0].dentry, *copy;
    bool parts = !S_ISDIR(from->inode->mode) && from->inode->nlink > 1; /* its other names stay what they are */
    int err = dir != NULL ? make_like(dir, dentry->name, from, &copy) : make_nameless(o, from->inode, &copy);

    if (err < 0)
        return err;
    err = copy_xattrs(from, copy);
    if (err == 0 && !parts && !S_ISDIR(from->inode->mode))
        err = ovl_keep_ino(copy, dentry->inode->ino);
    if (err == 0 && S_ISREG(from->inode->mode))
        err = copy_data(o, &oi->lower[0], copy, from->inode->size);
    if (err < 0) {
        remove_copy(dir, copy);
        return err;
    }
    copy_attributes(from->inode, copy->inode);
    if (parts)
        WRITE_ONCE(dentry->inode->ino, ovl_ino(dentry->sb, 0, copy->inode->ino));
    __atomic_store_n(&oi->upper, copy, __ATOMIC_RELEASE);
    if (!S_ISDIR(from->inode->mode)) { /* from now on it is known by its upper inode */
        irqflags_t flags = spin_lock(&o->inodes_lock);

        list_remove(&oi->hash);
        oi->key = copy->inode;
        list_add_head(&o->inodes[((uint64_t)copy->inode >> 7) % ARRAY_SIZE(o->inodes)], &oi->hash);
        spin_unlock(&o->inodes_lock, flags);
    }
    ovl_copy_attr(dentry->inode);
    return 0;
}

/* [copy_up_lock] The highest directory above `dentry`, or itself, that has no upper version yet;
 * its parent in *parent. Both counted. */
static struct dentry *next_missing(struct dentry *dentry, struct dentry **parent)
{
    struct dentry *d = dentry, *up;

    dentry_get(d);
    up = d_parent_get(d);
    while (ovl_upper(up) == NULL) {
        dentry_put(d);
        d = up;
        up = d_parent_get(d);
    }
    *parent = up;
    return d;
}

/* [copy_up_lock] With what leads to it, from the top down. */
static int copy_up_path(struct dentry *dentry)
{
    int err = 0;

    if (ovl_inode(dentry->inode)->is_removed)
        return ovl_upper(dentry) == NULL ? copy_up_one(dentry, NULL) : 0;
    while (err == 0 && ovl_upper(dentry) == NULL) {
        struct dentry *parent, *d = next_missing(dentry, &parent);

        err = copy_up_one(d, ovl_upper(parent));
        dentry_put(d);
        dentry_put(parent);
    }
    return err;
}

int ovl_copy_up(struct dentry *dentry)
{
    struct ovl_super *o = ovl_super(dentry->sb);
    int err;

    if (ovl_upper(dentry) != NULL)
        return 0;
    if (!o->has_upper)
        return -EROFS;
    mutex_lock(&o->copy_up_lock);
    err = copy_up_path(dentry);
    mutex_unlock(&o->copy_up_lock);
    return err;
}
