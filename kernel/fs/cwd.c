/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a process sees of the tree: its root, working directory and umask, in a
 * struct fs_struct that CLONE_FS shares. All of them are on one list, so that
 * pivot_root(2) can move those that stand in the old root.
 */
#include "path_name.h"

static struct spinlock list_lock = SPINLOCK_INIT;
static struct list_node all = LIST_INIT(all); /* [list_lock] struct fs_struct.link */
static struct kmem_cache *fs_cache;

void fs_init(void)
{
    struct fs_struct *fs;

    fs_cache = kmem_cache_create("fs_struct", sizeof(struct fs_struct), 64);
    fs = kmem_cache_zalloc(fs_cache);
    if (fs == NULL)
        panic("vfs: no memory for the first fs_struct");
    refcount_init(&fs->refs, 1);
    spin_init(&fs->lock);
    fs->root = (struct path){mnt_ns_first.root, mnt_ns_first.root->root};
    fs->cwd = fs->root;
    path_get(&fs->root);
    path_get(&fs->cwd);
    fs->umask = 022;
    list_add_tail(&all, &fs->link);
    current->fs = fs;
}

struct fs_struct *fs_struct_copy(struct fs_struct *old)
{
    struct fs_struct *fs = kmem_cache_zalloc_for(fs_cache, current_cgroup());
    irqflags_t flags;

    if (fs == NULL)
        return NULL;
    refcount_init(&fs->refs, 1);
    spin_init(&fs->lock);
    flags = spin_lock(&old->lock);
    fs->root = old->root;
    fs->cwd = old->cwd;
    fs->umask = old->umask;
    path_get(&fs->root);
    path_get(&fs->cwd);
    spin_unlock(&old->lock, flags);

    flags = spin_lock(&list_lock);
    list_add_tail(&all, &fs->link);
    spin_unlock(&list_lock, flags);
    return fs;
}

void fs_struct_get(struct fs_struct *fs)
{
    refcount_get(&fs->refs);
}

void fs_struct_put(struct fs_struct *fs)
{
    irqflags_t flags;

    if (!refcount_put(&fs->refs))
        return;
    flags = spin_lock(&list_lock);
    list_remove(&fs->link);
    spin_unlock(&list_lock, flags);
    path_put(&fs->root);
    path_put(&fs->cwd);
    kmem_cache_free(fs_cache, fs);
}

/* Kernel threads have none of their own: they see the first namespace's root. */
static void first_root(struct path *out)
{
    *out = (struct path){mnt_ns_first.root, mnt_ns_first.root->root};
    path_get(out);
}

void fs_root(struct path *out)
{
    struct fs_struct *fs = current->fs;
    irqflags_t flags;

    if (fs == NULL) {
        first_root(out);
        return;
    }
    flags = spin_lock(&fs->lock);
    *out = fs->root;
    path_get(out);
    spin_unlock(&fs->lock, flags);
}

void fs_cwd(struct path *out)
{
    struct fs_struct *fs = current->fs;
    irqflags_t flags;

    if (fs == NULL) {
        first_root(out);
        return;
    }
    flags = spin_lock(&fs->lock);
    *out = fs->cwd;
    path_get(out);
    spin_unlock(&fs->lock, flags);
}

/* Takes over the new path's reference. */
static void replace(struct fs_struct *fs, struct path *which, const struct path *with)
{
    irqflags_t flags = spin_lock(&fs->lock);
    struct path old = *which;

    *which = *with;
    spin_unlock(&fs->lock, flags);
    path_put(&old);
}

void fs_structs_move(const struct path *from, const struct path *to)
{
    unsigned moved = 0;
    struct fs_struct *fs;
    irqflags_t flags = spin_lock(&list_lock), flags2;

    list_for_each(fs, &all, link)
    {
        struct path *paths[] = {&fs->root, &fs->cwd};

        flags2 = spin_lock(&fs->lock);
        for (unsigned i = 0; i < ARRAY_SIZE(paths); i++) {
            if (!path_eq(paths[i], from))
                continue;
            path_get(to);
            *paths[i] = *to;
            moved++;
        }
        spin_unlock(&fs->lock, flags2);
    }
    spin_unlock(&list_lock, flags);
    while (moved-- > 0)
        path_put(from); /* the caller's own reference keeps it alive until here */
}

void fs_set_root_and_cwd(struct fs_struct *fs, const struct path *p)
{
    path_get(p);
    replace(fs, &fs->root, p);
    path_get(p);
    replace(fs, &fs->cwd, p);
}

mode_t current_umask(void)
{
    return current->fs != NULL ? READ_ONCE(current->fs->umask) : 022;
}

/* ---- system calls ---- */

long sys_umask(mode_t mask)
{
    struct fs_struct *fs = current->fs;
    irqflags_t flags = spin_lock(&fs->lock);
    mode_t old = fs->umask;

    fs->umask = mask & S_IRWXUGO;
    spin_unlock(&fs->lock, flags);
    return old;
}

static long getcwd_to(char *page, uaddr_t buf, size_t size)
{
    static const char unreachable[] = "(unreachable)";
    struct path cwd, root;
    enum path_end end;
    size_t room = sizeof(unreachable) - 1, len;
    long err = 0;
    char *name;

    fs_cwd(&cwd);
    fs_root(&root);
    if (d_is_unlinked(cwd.dentry))
        err = -ENOENT;
    name = path_build(&cwd, &root, page + room, PATH_MAX - room, &end);
    path_put(&root);
    path_put(&cwd);
    if (err < 0)
        return err;
    if (name == NULL)
        return -ENAMETOOLONG;
    if (end == PATH_OUTSIDE) {
        name -= room;
        memcpy(name, unreachable, room);
    }
    len = strlen(name) + 1;
    if (len > size)
        return -ERANGE;
    return copy_to_user(buf, name, len) < 0 ? -EFAULT : (long)len;
}

long sys_getcwd(uaddr_t buf, size_t size)
{
    char *page = name_buf();
    long n;

    if (page == NULL)
        return -ENOMEM;
    n = getcwd_to(page, buf, size);
    name_free(page);
    return n;
}

long sys_chdir(uaddr_t path)
{
    struct path p;
    int err = path_lookup_user(AT_FDCWD, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);

    if (err < 0)
        return err;
    err = may_search(&p);
    if (err < 0)
        path_put(&p);
    else
        replace(current->fs, &current->fs->cwd, &p);
    return err;
}

long sys_fchdir(int fd)
{
    struct file *f = fd_get_any(fd);
    struct path p;
    int err;

    if (f == NULL)
        return -EBADF;
    p = f->path;
    err = may_search(&p);
    if (err == 0) {
        path_get(&p);
        replace(current->fs, &current->fs->cwd, &p);
    }
    file_put(f);
    return err;
}

long sys_chroot(uaddr_t path)
{
    struct path p;
    int err = path_lookup_user(AT_FDCWD, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);

    if (err < 0)
        return err;
    err = may_search(&p);
    if (err == 0 && !ns_capable(current_cred()->user_ns, CAP_SYS_CHROOT))
        err = -EPERM;
    if (err < 0)
        path_put(&p);
    else
        replace(current->fs, &current->fs->root, &p);
    return err;
}
