/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * File system types and super blocks. A super block is one mounted file
 * system, whatever the number of mounts that show it; each mount holds it.
 * With the last reference its dentries and inodes go, then ->put_super frees
 * what is the file system's own.
 */
#include "vfs.h"

static struct spinlock types_lock = SPINLOCK_INIT;
static struct list_node types = LIST_INIT(types); /* [types_lock] never shrinks */
static uint32_t last_anon_minor;                  /* [a] */

void fs_register(struct fs_type *type)
{
    irqflags_t flags = spin_lock(&types_lock);

    list_add_tail(&types, &type->link);
    spin_unlock(&types_lock, flags);
}

const struct fs_type *fs_type_find(const char *name)
{
    struct fs_type *type, *found = NULL;
    irqflags_t flags = spin_lock(&types_lock);

    list_for_each(type, &types, link)
    {
        if (strcmp(type->name, name) == 0) {
            found = type;
            break;
        }
    }
    spin_unlock(&types_lock, flags);
    return found;
}

void fs_type_for_each(void (*fn)(const struct fs_type *type, void *arg), void *arg)
{
    struct fs_type *type;

    list_for_each(type, &types, link) /* no lock: types are only ever appended */
        fn(type, arg);
}

struct super_block *super_alloc(const struct fs_type *type, unsigned long flags)
{
    struct cgroup *cg = current_cgroup();
    struct super_block *sb = kalloc_for(cg, sizeof(*sb));

    if (sb == NULL)
        return NULL;
    refcount_init(&sb->refs, 1);
    sb->type = type;
    sb->flags = flags;
    sb->dev = MKDEV(0, __atomic_add_fetch(&last_anon_minor, 1, __ATOMIC_RELAXED) & 0xfffff);
    sb->user_ns = current_cred()->user_ns;
    cgroup_get(cg);
    sb->cgroup = cg;
    mutex_init(&sb->rename_lock);
    lock_class_set(&sb->rename_lock.class, &type->get_super); /* an overlay's comes before its upper layer's */
    list_init(&sb->link);
    return sb;
}

void super_get(struct super_block *sb)
{
    refcount_get(&sb->refs);
}

void super_put(struct super_block *sb)
{
    if (!refcount_put(&sb->refs))
        return;
    if (sb->root != NULL) {
        dcache_kill_super(sb);
        dentry_put(sb->root);
    }
    if (sb->ops != NULL && sb->ops->put_super != NULL)
        sb->ops->put_super(sb);
    cgroup_put(sb->cgroup);
    kfree(sb);
}

ino_t super_next_ino(struct super_block *sb)
{
    return __atomic_add_fetch(&sb->last_ino, 1, __ATOMIC_RELAXED);
}
