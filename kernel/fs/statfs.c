/* SPDX-License-Identifier: BSD-2-Clause */
/* statfs(2): how full a file system is, and how it is mounted. */
#include "vfs.h"

#include <kernel/abi/fs.h>

/* The ABI's ST_* bits are those of mount(2) where both exist, but not everywhere. */
static const struct {
    unsigned long ms;
    int64_t st;
} st_flags[] = {
    {MS_RDONLY, 0x1},       {MS_NOSUID, 0x2},    {MS_NODEV, 0x4},        {MS_NOEXEC, 0x8},
    {MS_SYNCHRONOUS, 0x10}, {MS_NOATIME, 0x400}, {MS_NODIRATIME, 0x800}, {MS_RELATIME, 0x1000},
};

static long statfs_path(const struct path *p, uaddr_t buf)
{
    struct super_block *sb = p->mnt->sb;
    struct statfs_info info = {.type = sb->type->magic, .bsize = PAGE_SIZE, .namelen = NAME_MAX};
    unsigned long flags = p->mnt->flags | sb->flags;
    int err = sb->ops->statfs != NULL ? sb->ops->statfs(sb, &info) : 0;

    if (err < 0)
        return err;

    struct abi_statfs s = {
        .f_type = (int64_t)info.type,
        .f_bsize = (int64_t)info.bsize,
        .f_blocks = info.blocks,
        .f_bfree = info.bfree,
        .f_bavail = info.bavail,
        .f_files = info.files,
        .f_ffree = info.ffree,
        .f_fsid = {(int32_t)sb->dev, (int32_t)(sb->dev >> 32)},
        .f_namelen = (int64_t)info.namelen,
        .f_frsize = (int64_t)info.bsize,
        .f_flags = ST_VALID,
    };
    for (size_t i = 0; i < ARRAY_SIZE(st_flags); i++) {
        if (flags & st_flags[i].ms)
            s.f_flags |= st_flags[i].st;
    }
    return copy_to_user(buf, &s, sizeof(s));
}

long sys_statfs(uaddr_t path, uaddr_t buf)
{
    struct path p;
    long err = path_lookup_user(AT_FDCWD, path, LOOKUP_FOLLOW, &p);

    if (err < 0)
        return err;
    err = statfs_path(&p, buf);
    path_put(&p);
    return err;
}

long sys_fstatfs(int fd, uaddr_t buf)
{
    struct file *f = fd_get_any(fd);
    long err;

    if (f == NULL)
        return -EBADF;
    err = statfs_path(&f->path, buf);
    file_put(f);
    return err;
}
