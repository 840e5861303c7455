/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a path back to its name: walk up to the root, through mounts, and write
 * the components from the end of the buffer backwards.
 */
#include "path_name.h"

struct backwards {
    char *start; /* of the buffer */
    char *p;     /* first character written so far */
};

static bool prepend(struct backwards *b, const char *s, size_t len)
{
    if ((size_t)(b->p - b->start) < len)
        return false;
    b->p -= len;
    memcpy(b->p, s, len);
    return true;
}

/* Names of pipes and sockets carry their inode number: "pipe:[123]". */
static bool prepend_anon(struct backwards *b, const struct dentry *d)
{
    char number[24];
    int n = 0;

    if (d->name_len != 0 && d->name[d->name_len - 1] == ':')
        n = snprintf(number, sizeof(number), "[%lu]", (unsigned long)d->inode->ino);
    return prepend(b, number, (size_t)n) && prepend(b, d->name, d->name_len);
}

static enum path_end prepend_components(struct backwards *b, const struct path *p,
                                        const struct path *root)
{
    struct mount *m = p->mnt;
    struct dentry *d = p->dentry;

    for (;;) {
        if (root != NULL && m == root->mnt && d == root->dentry)
            return PATH_IN_ROOT;
        if (d == m->root) {
            if (m->parent == NULL)
                return m->ns != NULL && root == NULL ? PATH_IN_ROOT : PATH_OUTSIDE;
            d = m->mountpoint;
            m = m->parent;
            continue;
        }
        if (d->parent == d) /* moved out of the part that the mount shows */
            return PATH_OUTSIDE;
        if (!prepend(b, d->name, d->name_len) || !prepend(b, "/", 1))
            return PATH_TOO_LONG;
        d = d->parent;
    }
}

char *path_build(const struct path *p, const struct path *root, char *buf, size_t size,
                 enum path_end *end)
{
    struct backwards b = {buf, buf + size - 1};
    char *last = b.p;
    irqflags_t flags, flags2;

    *b.p = '\0';
    flags = spin_lock(&mount_lock);
    flags2 = spin_lock(&dcache_lock);
    *end = prepend_components(&b, p, root);
    spin_unlock(&dcache_lock, flags2);
    spin_unlock(&mount_lock, flags);
    if (*end == PATH_TOO_LONG || (b.p == last && !prepend(&b, "/", 1))) {
        *end = PATH_TOO_LONG;
        return NULL;
    }
    return b.p;
}

/* The name of a dentry within its file system, for mountinfo's fourth field. */
char *dentry_path_build(const struct dentry *d, char *buf, size_t size)
{
    struct backwards b = {buf, buf + size - 1};
    irqflags_t flags;
    bool ok = true;

    *b.p = '\0';
    flags = spin_lock(&dcache_lock);
    if (d->parent == d)
        ok = prepend(&b, "/", 1);
    for (; ok && d->parent != d; d = d->parent)
        ok = prepend(&b, d->name, d->name_len) && prepend(&b, "/", 1);
    spin_unlock(&dcache_lock, flags);
    return ok ? b.p : NULL;
}

char *path_name(const struct path *p, const struct path *root, char *buf, size_t size)
{
    static const char deleted[] = " (deleted)";
    struct backwards b = {buf, buf + size - 1};
    enum path_end end;
    size_t tail = 0;
    char *name;

    if (size < 2)
        return NULL;
    if (p->mnt == anon_mount) {
        *b.p = '\0';
        return prepend_anon(&b, p->dentry) ? b.p : NULL;
    }
    if (d_is_unlinked(p->dentry))
        tail = sizeof(deleted) - 1;
    if (size <= tail + 1)
        return NULL;
    name = path_build(p, root, buf, size - tail, &end);
    if (name != NULL && tail != 0)
        memcpy(buf + size - 1 - tail, deleted, sizeof(deleted));
    return name;
}
