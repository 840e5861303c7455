/* SPDX-License-Identifier: BSD-2-Clause */
/* Start-up of the VFS: caches, the root file system, and what the first thread sees of it. */
#include "mount.h"

/* The root file system is a tmpfs of at most half of the memory. */
static void mount_root(void)
{
    struct super_block *sb;
    struct mount *m;
    irqflags_t flags;

    if (tmpfs_type.get_super(&tmpfs_type, "rootfs", 0, "mode=755", &sb) < 0)
        panic("vfs: no memory for the root file system");
    m = mount_alloc(sb, sb->root, "tmpfs", MS_RELATIME); /* df(1) passes over a "rootfs" */
    if (m == NULL)
        panic("vfs: no memory for the root mount");
    super_put(sb);

    flags = spin_lock(&mount_lock);
    m->ns = &mnt_ns_first;
    list_add_tail(&mnt_ns_first.mounts, &m->ns_link);
    mnt_ns_first.count = 1;
    mnt_ns_first.root = m;
    spin_unlock(&mount_lock, flags);
    mnt_ns_first.user_ns = user_ns_init;
    mnt_ns_first.ino = ns_alloc_ino();
    nsproxy_init.mnt = &mnt_ns_first;
}

void vfs_init(void)
{
    dcache_init();
    inode_cache_init();
    file_cache_init();
    namei_init();
    mount_init();
    lock_init();
    anon_init();
    tmpfs_init();
    mount_root();
    fs_init();
    fdtable_init();
    devtmpfs_init();
}
