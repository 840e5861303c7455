/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inodes: a file apart from its names. Dentries hold them, everything else
 * (open files, mappings) holds a dentry. A file system fills one in and hands
 * its first reference to d_set_inode(); the last put calls ->evict, whatever
 * the link count is by then.
 */
#include "vfs.h"

static struct kmem_cache *inode_cache;

void inode_cache_init(void)
{
    inode_cache = kmem_cache_create("inode", sizeof(struct inode), 8);
}

struct inode *inode_alloc(struct super_block *sb, mode_t mode)
{
    struct inode *inode = kmem_cache_zalloc_for(inode_cache, current_cgroup());
    const struct cred *cred;

    if (inode == NULL)
        return NULL;
    cred = current_cred();
    refcount_init(&inode->refs, 1);
    inode->sb = sb;
    mutex_init(&inode->lock);
    lock_class_set(&inode->lock.class, sb->type); /* an overlay's come before its layers' */
    lock_class_nests(&inode->lock.class, "parent before child; two directories by address");
    spin_init(&inode->pages_lock);
    list_init(&inode->mappings);
    inode->mode = mode;
    inode->nlink = 1;
    inode->uid = cred->fsuid;
    inode->gid = cred->fsgid;
    inode->ino = super_next_ino(sb);
    inode->btime = time_now();
    inode->atime = inode->mtime = inode->ctime = inode->btime;
    return inode;
}

void inode_get(struct inode *inode)
{
    refcount_get(&inode->refs);
}

void inode_put(struct inode *inode)
{
    if (!refcount_put(&inode->refs))
        return;
    if (inode->ops != NULL && inode->ops->evict != NULL)
        inode->ops->evict(inode);
    assert(inode->npages == 0 && list_is_empty(&inode->mappings));
    locks_free_inode(inode);
    simple_xattr_free_all(inode);
    kmem_cache_free(inode_cache, inode);
}

void inode_touch(struct inode *inode, unsigned attr_times)
{
    struct timespec now = time_now();

    if (attr_times & ATTR_ATIME)
        inode->atime = now;
    if (attr_times & ATTR_MTIME)
        inode->mtime = now;
    if (attr_times & ATTR_CTIME)
        inode->ctime = now;
}

void inode_setattr(struct inode *inode, const struct iattr *attr)
{
    if (attr->valid & ATTR_MODE)
        inode->mode = (inode->mode & S_IFMT) | (attr->mode & S_IALLUGO);
    if (attr->valid & ATTR_UID)
        inode->uid = attr->uid;
    if (attr->valid & ATTR_GID)
        inode->gid = attr->gid;
    if (attr->valid & ATTR_ATIME)
        inode->atime = attr->atime;
    if (attr->valid & ATTR_MTIME)
        inode->mtime = attr->mtime;
    if (attr->valid & ATTR_CTIME)
        inode->ctime = attr->ctime;
}

static bool timespec_before(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/* "relatime": the time of the last read is kept up to date only as far as programs need it. */
static bool atime_is_stale(const struct inode *inode)
{
    if (!timespec_before(&inode->mtime, &inode->atime) ||
        !timespec_before(&inode->ctime, &inode->atime))
        return true;
    return (uint64_t)inode->atime.tv_sec + 24 * 3600 <= ktime_real_ns() / NSEC_PER_SEC;
}

void path_touch_atime(const struct path *p)
{
    struct inode *inode = p->dentry->inode;
    unsigned long flags = p->mnt->flags | p->mnt->sb->flags;

    if (flags & (MS_NOATIME | MS_RDONLY))
        return;
    if (S_ISDIR(inode->mode) && (flags & MS_NODIRATIME))
        return;
    if ((flags & MS_RELATIME) && !atime_is_stale(inode))
        return;
    inode_touch(inode, ATTR_ATIME);
}
