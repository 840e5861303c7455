/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Path names to files: path_resolution(7).
 *
 * A walk holds where it is (mount and dentry) and its root. Each component is
 * one probe of the name cache; on a miss the directory is locked and its file
 * system asked. Then up to three things can happen:
 *
 *     something is mounted there     go on at the root of what is mounted
 *     it is a symlink to follow      put the target in front of the rest of the
 *                                    name and go on: no recursion, 40 at most
 *     it is a magic link             jump to the file itself (/proc/PID/fd/N)
 *
 * What keeps a container in its tree: ".." at the root stays there, ".." at the
 * root of a mount without a parent stays there, and where a mount shows only
 * part of a file system, a ".." that would leave that part (because somebody
 * moved the directory away meanwhile) fails. openat2(2)'s RESOLVE_BENEATH and
 * RESOLVE_IN_ROOT take the starting directory as root and check after each ".."
 * that they are still below it.
 */
#include "vfs.h"

#define LOOKUP_SCOPED (LOOKUP_BENEATH | LOOKUP_IN_ROOT)

static struct kmem_cache *names_cache; /* PATH_MAX bytes each, for the length of one call */

void namei_init(void)
{
    names_cache = kmem_cache_create("names", PATH_MAX, 8);
}

char *name_buf(void)
{
    return kmem_cache_alloc_for(names_cache, current_cgroup());
}

void name_free(char *name)
{
    kmem_cache_free(names_cache, name);
}

int name_from_user(uaddr_t user, char **out)
{
    char *name = name_buf();
    int n;

    if (name == NULL)
        return -ENOMEM;
    n = (int)strncpy_from_user(name, user, PATH_MAX);
    if (n < 0) {
        name_free(name);
        return n;
    }
    *out = name;
    return 0;
}

/* ---- one name in one directory ---- */

/* A cached name of a file system whose names come and go by themselves. Consumes d. */
static struct dentry *revalidate(struct dentry *d)
{
    bool ok;

    if (d->sb->ops->d_revalidate != NULL)
        ok = READ_ONCE(d->mounts) != 0 || d->sb->ops->d_revalidate(d);
    else
        ok = READ_ONCE(d->mounts) != 0;
    if (ok)
        return d;
    d_drop(d);
    dentry_put(d);
    return NULL;
}

static struct dentry *lookup_cached(struct dentry *dir, const char *name, size_t len, uint32_t hash)
{
    struct dentry *d = d_lookup(dir, name, len, hash);

    if (d != NULL && d->sb->d_revalidate_always)
        d = revalidate(d);
    return d;
}

/* Ask the file system. The directory is locked. */
static int lookup_slow(struct dentry *dir, const char *name, size_t len, uint32_t hash,
                       struct dentry **out)
{
    struct inode *inode = dir->inode;
    struct dentry *d = lookup_cached(dir, name, len, hash);
    int err;

    if (d != NULL) {
        *out = d;
        return 0;
    }
    if (inode->nlink == 0) /* a removed directory, whatever an overlay's lower ones still have */
        return -ENOENT;
    d = dentry_alloc(dir->sb, dir, name, len);
    if (d == NULL)
        return -ENOMEM;
    if (!dir->sb->d_complete) {
        err = inode->ops->lookup != NULL ? inode->ops->lookup(inode, d) : -ENOTDIR;
        if (err < 0) {
            dentry_put(d);
            return err;
        }
        if (!d_is_negative(d) || !dir->sb->d_revalidate_always)
            d_hash(d);
    }
    *out = d;
    return 0;
}

int lookup_one_locked(struct dentry *dir, const char *name, size_t len, struct dentry **out)
{
    if (len > NAME_MAX)
        return -ENAMETOOLONG;
    return lookup_slow(dir, name, len, name_hash(dir, name, len), out);
}

static int lookup_hashed(struct dentry *dir, const char *name, size_t len, uint32_t hash,
                         struct dentry **out)
{
    struct dentry *d;
    int err;

    if (len > NAME_MAX)
        return -ENAMETOOLONG;
    d = lookup_cached(dir, name, len, hash);
    if (d != NULL) {
        *out = d;
        return 0;
    }
    if (dir->sb->d_complete)
        return -ENOENT;
    mutex_lock(&dir->inode->lock);
    err = lookup_slow(dir, name, len, hash, out);
    mutex_unlock(&dir->inode->lock);
    return err;
}

int lookup_one(struct dentry *dir, const char *name, size_t len, struct dentry **out)
{
    int err = lookup_hashed(dir, name, len, name_hash(dir, name, len), out);

    if (err != -ENOENT || !dir->sb->d_complete)
        return err;
    mutex_lock(&dir->inode->lock);
    err = lookup_one_locked(dir, name, len, out);
    mutex_unlock(&dir->inode->lock);
    return err;
}

/* ---- starting and ending ---- */

static int start_at_fd(struct walk *w, int dirfd)
{
    struct file *f = fd_get_any(dirfd);
    int err = 0;

    if (f == NULL)
        return -EBADF;
    if (*w->p != '\0' && !S_ISDIR(f->inode->mode)) {
        err = -ENOTDIR;
    } else {
        w->path = f->path;
        path_get(&w->path);
    }
    file_put(f);
    return err;
}

static void start_scoped(struct walk *w)
{
    w->root = w->path;
    path_get(&w->root);
}

/* On success the walk holds paths until walk_end(). */
int walk_start(struct walk *w, int dirfd, const char *name, unsigned flags)
{
    int err;

    w->p = name;
    w->expanded = NULL;
    w->flags = flags;
    w->links = 0;
    w->must_be_dir = (flags & LOOKUP_DIRECTORY) != 0;
    if (*name == '\0' && !(flags & LOOKUP_EMPTY))
        return -ENOENT;

    if (*name == '/' && !(flags & LOOKUP_SCOPED)) {
        fs_root(&w->root);
        w->path = w->root;
        path_get(&w->path);
        return 0;
    }
    if (*name == '/' && (flags & LOOKUP_BENEATH))
        return -EXDEV;
    if (dirfd == AT_FDCWD) {
        fs_cwd(&w->path);
    } else {
        err = start_at_fd(w, dirfd);
        if (err < 0)
            return err;
    }
    if (flags & LOOKUP_SCOPED)
        start_scoped(w);
    else
        fs_root(&w->root);
    return 0;
}

void walk_end(struct walk *w)
{
    path_put(&w->path);
    path_put(&w->root);
    kfree(w->expanded);
}

/* ---- steps ---- */

/* Consumes the reference to d, which is in the walk's present mount. */
static void walk_enter(struct walk *w, struct dentry *d)
{
    dentry_put(w->path.dentry);
    w->path.dentry = d;
}

static int walk_cross_mounts(struct walk *w)
{
    if (READ_ONCE(w->path.dentry->mounts) == 0)
        return 0;
    if (w->flags & LOOKUP_NO_XDEV) {
        struct mount *m = mount_child(w->path.mnt, w->path.dentry);

        if (m == NULL)
            return 0;
        mount_put(m);
        return -EXDEV;
    }
    path_follow_mounts(&w->path);
    return 0;
}

static int walk_to_parent(struct walk *w)
{
    struct dentry *parent = d_parent_get(w->path.dentry);
    struct dentry *bound = w->path.mnt->root;

    if (bound != w->path.mnt->sb->root && !d_is_below(parent, bound)) {
        dentry_put(parent);
        return -ENOENT;
    }
    walk_enter(w, parent);
    if ((w->flags & LOOKUP_SCOPED) && !path_is_below(&w->path, &w->root))
        return -EXDEV;
    return 0;
}

static int walk_dotdot(struct walk *w)
{
    int err = 0;

    for (;;) {
        if (path_eq(&w->path, &w->root)) {
            if (w->flags & LOOKUP_BENEATH)
                return -EXDEV;
            break;
        }
        if (w->path.dentry != w->path.mnt->root) {
            err = walk_to_parent(w);
            break;
        }
        if (!path_follow_up(&w->path))
            break;
        if (w->flags & LOOKUP_NO_XDEV)
            return -EXDEV;
        cond_resched();
    }
    return err < 0 ? err : walk_cross_mounts(w);
}

static int walk_jump(struct walk *w, struct dentry *link)
{
    struct path jump;
    int err;

    if (w->flags & LOOKUP_NO_MAGICLINKS)
        return -ELOOP;
    if (w->flags & LOOKUP_SCOPED)
        return -EXDEV;
    err = link->inode->ops->follow(link->inode, link, &jump);
    if (err < 0)
        return err;
    if ((w->flags & LOOKUP_NO_XDEV) && jump.mnt != w->path.mnt) {
        path_put(&jump);
        return -EXDEV;
    }
    path_put(&w->path);
    w->path = jump;
    return 0;
}

static int walk_to_root(struct walk *w)
{
    if (w->flags & LOOKUP_BENEATH)
        return -EXDEV;
    if ((w->flags & LOOKUP_NO_XDEV) && w->root.mnt != w->path.mnt)
        return -EXDEV;
    path_get(&w->root);
    path_put(&w->path);
    w->path = w->root;
    return 0;
}

/* The walk stands in the directory that has the link. */
int walk_follow(struct walk *w, struct dentry *link)
{
    struct inode *inode = link->inode;
    struct path link_path = {w->path.mnt, link};
    size_t rest;
    char *name;
    int len;

    if (++w->links > SYMLINKS_MAX || (w->flags & LOOKUP_NO_SYMLINKS))
        return -ELOOP;
    path_touch_atime(&link_path);
    if (inode->ops->follow != NULL)
        return walk_jump(w, link);
    if (inode->ops->readlink == NULL)
        return -EINVAL;

    rest = strlen(w->p);
    name = kmalloc_for(current_cgroup(), PATH_MAX + rest + 1); /* open(2) of a FIFO sleeps with it */
    if (name == NULL)
        return -ENOMEM;
    len = inode->ops->readlink(inode, link, name);
    if (len <= 0) {
        kfree(name);
        return len < 0 ? len : -ENOENT;
    }
    memcpy(name + len, w->p, rest + 1);
    kfree(w->expanded);
    w->expanded = name;
    w->p = name;
    return *name == '/' ? walk_to_root(w) : 0;
}

static int walk_step(struct walk *w, const char *name, size_t len, uint32_t hash, bool follow)
{
    struct dentry *d;
    int err = lookup_hashed(w->path.dentry, name, len, hash, &d);

    if (err < 0)
        return err;
    if (d_is_negative(d)) {
        dentry_put(d);
        return -ENOENT;
    }
    if (follow && S_ISLNK(d->inode->mode) && READ_ONCE(d->mounts) == 0) {
        err = walk_follow(w, d);
        dentry_put(d);
        return err;
    }
    walk_enter(w, d);
    return walk_cross_mounts(w);
}

static enum last_type classify(const char *name, size_t len)
{
    if (name[0] != '.' || len > 2)
        return LAST_NORM;
    if (len == 1)
        return LAST_DOT;
    return name[1] == '.' ? LAST_DOTDOT : LAST_NORM;
}

/* Walk to the end of the name; with LOOKUP_PARENT to the directory of its last component, which
 * is then described by w->last and so on. */
int walk_run(struct walk *w)
{
    for (;;) {
        const char *name = w->p, *end, *next;
        enum last_type type;
        bool is_last, slash;
        uint64_t h;
        int err;

        while (*name == '/')
            name++;
        if (*name == '\0') {
            w->last_type = LAST_ROOT;
            return 0;
        }
        err = may_search(&w->path);
        if (err < 0)
            return err;

        h = name_hash_start(w->path.dentry);
        for (end = name; *end != '/' && *end != '\0'; end++)
            h = name_hash_step(h, (unsigned char)*end);
        for (next = end; *next == '/'; next++)
            continue;
        is_last = *next == '\0';
        slash = is_last && *end == '/';
        w->must_be_dir |= slash;
        type = classify(name, (size_t)(end - name));
        w->p = end;

        if (is_last && (w->flags & LOOKUP_PARENT)) {
            w->last_type = type;
            w->last = name;
            w->last_len = (size_t)(end - name);
            w->last_hash = name_hash_end(h);
            return 0;
        }
        if (type == LAST_NORM)
            err = walk_step(w, name, (size_t)(end - name), name_hash_end(h),
                            !is_last || slash || (w->flags & LOOKUP_FOLLOW));
        else if (type == LAST_DOTDOT)
            err = walk_dotdot(w);
        if (err < 0)
            return err;
    }
}

/* ---- whole lookups ---- */

static int walk_finish(struct walk *w, struct path *out)
{
    int err = walk_run(w);

    if (err == 0 && (w->flags & LOOKUP_MOUNTPOINT))
        path_follow_mounts(&w->path);
    if (err == 0 && w->must_be_dir && !S_ISDIR(w->path.dentry->inode->mode))
        err = -ENOTDIR;
    if (err < 0) {
        walk_end(w);
        return err;
    }
    *out = w->path; /* the walk's reference becomes the caller's */
    path_put(&w->root);
    kfree(w->expanded);
    return 0;
}

int path_lookup(int dirfd, const char *name, unsigned flags, struct path *out)
{
    struct walk w;
    int err = walk_start(&w, dirfd, name, flags);

    return err < 0 ? err : walk_finish(&w, out);
}

/* For the kernel: RESOLVE_NO_XDEV does not concern the first step. */
int path_lookup_from(const struct path *start, const char *name, unsigned flags, struct path *out)
{
    struct walk w = {.path = *start, .p = name, .flags = flags};

    w.must_be_dir = (flags & LOOKUP_DIRECTORY) != 0;
    if (*name == '\0' && !(flags & LOOKUP_EMPTY))
        return -ENOENT;
    if (*name == '/' && (flags & LOOKUP_BENEATH))
        return -EXDEV;
    path_get(&w.path);
    if (flags & LOOKUP_SCOPED) {
        start_scoped(&w);
    } else {
        fs_root(&w.root);
        if (*name == '/')
            (void)walk_to_root(&w); /* cannot fail: nothing is forbidden */
    }
    return walk_finish(&w, out);
}

int path_lookup_user(int dirfd, uaddr_t name, unsigned flags, struct path *out)
{
    char *s;
    int err = name_from_user(name, &s);

    if (err < 0)
        return err;
    err = path_lookup(dirfd, s, flags, out);
    name_free(s);
    return err;
}
