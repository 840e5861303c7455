/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may do what to a file: mode bits against the file-system ids, then
 * capabilities(7) over the file system's user namespace, then what the mount
 * and the file system as a whole forbid.
 */
#include "vfs.h"

static bool has_mode(const struct inode *inode, const struct cred *cred, unsigned mask)
{
    unsigned mode = inode->mode;

    if (uid_eq(cred->fsuid, inode->uid))
        mode >>= 6;
    else if (cred_in_group(cred, inode->gid))
        mode >>= 3;
    return (mask & ~mode) == 0;
}

int inode_permission_generic(struct inode *inode, int mask)
{
    struct user_ns *ns = inode->sb->user_ns;

    mask &= MAY_READ | MAY_WRITE | MAY_EXEC;
    if (has_mode(inode, current_cred(), (unsigned)mask))
        return 0;

    if (S_ISDIR(inode->mode)) {
        if (!(mask & MAY_WRITE) && ns_capable(ns, CAP_DAC_READ_SEARCH))
            return 0;
        return ns_capable(ns, CAP_DAC_OVERRIDE) ? 0 : -EACCES;
    }
    if (mask == MAY_READ && ns_capable(ns, CAP_DAC_READ_SEARCH))
        return 0;
    if (!(mask & MAY_EXEC) || (inode->mode & 0111) != 0)
        return ns_capable(ns, CAP_DAC_OVERRIDE) ? 0 : -EACCES;
    return -EACCES;
}

static bool changes_file_system(const struct inode *inode)
{
    return S_ISREG(inode->mode) || S_ISDIR(inode->mode) || S_ISLNK(inode->mode);
}

int inode_permission(const struct path *path, int mask)
{
    struct inode *inode = path->dentry->inode;

    if ((mask & MAY_WRITE) && changes_file_system(inode) && path_is_readonly(path))
        return -EROFS;
    if ((mask & MAY_EXEC) && S_ISREG(inode->mode) && (path->mnt->flags & MS_NOEXEC))
        return -EACCES;
    if (inode->ops->permission != NULL)
        return inode->ops->permission(inode, mask);
    return inode_permission_generic(inode, mask);
}

/* What every step of a path walk asks. */
int may_search(const struct path *path)
{
    struct inode *inode = path->dentry->inode;

    if (!S_ISDIR(inode->mode))
        return -ENOTDIR;
    if (inode->ops->permission != NULL)
        return inode->ops->permission(inode, MAY_EXEC);
    if ((inode->mode & 0111) == 0111)
        return 0;
    return inode_permission_generic(inode, MAY_EXEC);
}

int mount_want_write(const struct path *path)
{
    return path_is_readonly(path) ? -EROFS : 0;
}

bool inode_owner_or_capable(const struct inode *inode)
{
    return uid_eq(current_cred()->fsuid, inode->uid) || ns_capable(inode->sb->user_ns, CAP_FOWNER);
}

bool may_setgid(const struct inode *inode)
{
    return cred_in_group(current_cred(), inode->gid) || ns_capable(inode->sb->user_ns, CAP_FSETID);
}

/* `dir` is locked, so it stays alive when it is. */
int may_create(const struct path *dir)
{
    if (d_is_unlinked(dir->dentry) || dir->dentry->inode->nlink == 0)
        return -ENOENT;
    return inode_permission(dir, MAY_WRITE | MAY_EXEC);
}

int may_delete(const struct path *dir, struct dentry *victim, bool is_rmdir)
{
    struct inode *parent = dir->dentry->inode;
    struct inode *inode = victim->inode;
    int err = inode_permission(dir, MAY_WRITE | MAY_EXEC);

    if (err < 0)
        return err;
    if ((parent->mode & S_ISVTX) && !uid_eq(current_cred()->fsuid, inode->uid) &&
        !uid_eq(current_cred()->fsuid, parent->uid) && !ns_capable(inode->sb->user_ns, CAP_FOWNER))
        return -EPERM;
    if (is_rmdir && !S_ISDIR(inode->mode))
        return -ENOTDIR;
    if (!is_rmdir && S_ISDIR(inode->mode))
        return -EISDIR;
    return 0;
}
