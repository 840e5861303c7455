/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounts: which file system shows where. A mount shows a dentry and what is
 * below it; it is attached to a mountpoint, a dentry seen through its parent
 * mount. One hash table answers "what is mounted here?" for path walks.
 *
 * Each namespace has a tree of its own, copied by CLONE_NEWNS. All mounts are
 * private: nothing that is mounted in one namespace shows in another.
 *
 * A mount in a tree is held by its place there (one reference), by its child
 * mounts and by every path. Taken out (umount2 with MNT_DETACH) it lives until
 * the last path is gone, cut off from everything: ".." ends at its root.
 *
 * mount_mutex makes changes one at a time and sleeps; mount_lock is held only
 * while pointers change, so that path walks hardly wait. References are
 * dropped after both, because the last one takes a file system down.
 */
#include "mount.h"

#include <kernel/nsfs.h>

#define BUCKETS 512u

struct spinlock mount_lock = SPINLOCK_INIT;
struct mutex mount_mutex = MUTEX_INIT(mount_mutex);
static struct list_node buckets[BUCKETS]; /* [mount_lock] struct mount.hash */
static struct kmem_cache *mount_cache;
static int last_id; /* [a] */

struct mnt_ns mnt_ns_first = {
    .refs = {1},
    .mounts = LIST_INIT(mnt_ns_first.mounts),
};

void mount_init(void)
{
    mount_cache = kmem_cache_create("mount", sizeof(struct mount), 64);
    for (unsigned i = 0; i < BUCKETS; i++)
        list_init(&buckets[i]);
}

static struct list_node *bucket_of(const struct mount *m, const struct dentry *d)
{
    uint64_t key = (uint64_t)m / 64 * 31 + (uint64_t)d / 64;

    return &buckets[key * 0x9e3779b97f4a7c15ULL >> 55];
}
_Static_assert(BUCKETS == 1 << 9, "bucket_of() keeps nine bits");

/* ---- life ---- */

/* One reference, which becomes its place in a tree; gets its own of sb and root. */
struct mount *mount_alloc(struct super_block *sb, struct dentry *root, const char *source,
                          unsigned long flags)
{
    struct cgroup *cg = current_cgroup();
    struct mount *m = kmem_cache_zalloc_for(mount_cache, cg);

    if (m == NULL)
        return NULL;
    m->source = kstrdup_for(cg, source);
    if (m->source == NULL) {
        kmem_cache_free(mount_cache, m);
        return NULL;
    }
    refcount_init(&m->refs, 1);
    super_get(sb);
    dentry_get(root);
    m->sb = sb;
    m->root = root;
    m->flags = flags;
    m->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
    list_init(&m->children);
    list_init(&m->sibling);
    list_init(&m->ns_link);
    list_init(&m->hash);
    return m;
}

void mount_get(struct mount *m)
{
    refcount_get(&m->refs);
}

void mount_put(struct mount *m)
{
    if (!refcount_put(&m->refs))
        return;
    assert(m->parent == NULL && m->ns == NULL && list_is_empty(&m->children));
    dentry_put(m->root);
    super_put(m->sb);
    kfree(m->source);
    kmem_cache_free(mount_cache, m);
}

void path_get(const struct path *p)
{
    mount_get(p->mnt);
    dentry_get(p->dentry);
}

void path_put(const struct path *p)
{
    dentry_put(p->dentry);
    mount_put(p->mnt);
}

/* ---- walking ---- */

struct mount *mount_child(struct mount *m, struct dentry *d)
{
    struct list_node *bucket;
    struct mount *child = NULL;
    irqflags_t flags;

    if (READ_ONCE(d->mounts) == 0)
        return NULL;
    bucket = bucket_of(m, d);
    flags = spin_lock(&mount_lock);
    for (struct list_node *n = bucket->next; n != bucket; n = n->next) {
        struct mount *c = list_entry(n, struct mount, hash);

        if (c->parent == m && c->mountpoint == d) {
            mount_get(c);
            child = c;
            break;
        }
    }
    spin_unlock(&mount_lock, flags);
    return child;
}

void path_follow_mounts(struct path *p)
{
    struct mount *child;

    while ((child = mount_child(p->mnt, p->dentry)) != NULL) {
        dentry_get(child->root);
        path_put(p);
        p->mnt = child;
        p->dentry = child->root;
        cond_resched();
    }
}

bool path_follow_up(struct path *p)
{
    irqflags_t flags = spin_lock(&mount_lock);
    struct path up = {p->mnt->parent, p->mnt->mountpoint};

    if (up.mnt == NULL) {
        spin_unlock(&mount_lock, flags);
        return false;
    }
    path_get(&up);
    spin_unlock(&mount_lock, flags);
    path_put(p);
    *p = up;
    return true;
}

bool path_is_below(const struct path *p, const struct path *root)
{
    irqflags_t flags = spin_lock(&mount_lock);
    struct mount *m = p->mnt;
    struct dentry *d = p->dentry;
    bool below;

    while (m != root->mnt && m->parent != NULL) {
        d = m->mountpoint;
        m = m->parent;
    }
    below = m == root->mnt && d_is_below(d, root->dentry);
    spin_unlock(&mount_lock, flags);
    return below;
}

/* ---- trees ---- */

/* The mount after m in the tree below top, parents first; NULL at the end. */
struct mount *mount_next(struct mount *m, struct mount *top)
{
    if (!list_is_empty(&m->children))
        return list_first(&m->children, struct mount, sibling);
    while (m != top) {
        if (m->sibling.next != &m->parent->children)
            return list_next(m, sibling);
        m = m->parent;
    }
    return NULL;
}

unsigned mount_tree_size(struct mount *top)
{
    unsigned n = 0;

    for (struct mount *m = top; m != NULL; m = mount_next(m, top))
        n++;
    return n;
}

static void link_locked(struct mount *m, const struct path *where)
{
    path_get(where);
    m->parent = where->mnt;
    m->mountpoint = where->dentry;
    m->mountpoint->mounts++;
    list_add_tail(&m->parent->children, &m->sibling);
    list_add_head(bucket_of(m->parent, m->mountpoint), &m->hash);
}

/* The references that it had are parked in the mount for mounts_release(). */
static void unlink_locked(struct mount *m)
{
    if (m->parent == NULL)
        return;
    list_remove(&m->sibling);
    list_remove(&m->hash);
    m->mountpoint->mounts--;
    m->old_parent = m->parent;
    m->old_mountpoint = m->mountpoint;
    m->parent = NULL;
    m->mountpoint = NULL;
}

static void enter_ns_locked(struct mount *top, struct mnt_ns *ns)
{
    for (struct mount *m = top; m != NULL; m = mount_next(m, top)) {
        m->ns = ns;
        list_add_tail(&ns->mounts, &m->ns_link);
        ns->count++;
    }
}

static void leave_ns_locked(struct mount *m)
{
    if (m->ns == NULL)
        return;
    m->ns->count--;
    m->ns = NULL;
    list_remove(&m->ns_link);
}

/* Attach a tree that is in no namespace. -ENOSPC: too many mounts there. [mount_mutex] */
int mount_attach(struct mount *top, const struct path *where)
{
    struct mnt_ns *ns = where->mnt->ns;
    irqflags_t flags;

    assert(mutex_is_mine(&mount_mutex));
    if (ns != NULL && ns->count + mount_tree_size(top) > MOUNTS_MAX)
        return -ENOSPC;
    flags = spin_lock(&mount_lock);
    link_locked(top, where);
    if (ns != NULL)
        enter_ns_locked(top, ns);
    spin_unlock(&mount_lock, flags);
    return 0;
}

/* Move a tree to another place in its namespace; `where` NULL: to the namespace's root. */
void mount_move(struct mount *top, const struct path *where)
{
    irqflags_t flags = spin_lock(&mount_lock);

    assert(mutex_is_mine(&mount_mutex));
    unlink_locked(top);
    if (where != NULL)
        link_locked(top, where);
    spin_unlock(&mount_lock, flags);
}

/* Take a tree apart: it vanishes at once, then each mount is cut off, children first. They are
 * collected on `dead`. [mount_mutex] */
void mount_detach_tree(struct mount *top, struct list_node *dead)
{
    irqflags_t flags = spin_lock(&mount_lock);
    struct mount *m = top, *next;

    assert(mutex_is_mine(&mount_mutex));
    unlink_locked(top);
    spin_unlock(&mount_lock, flags);
    do {
        while (!list_is_empty(&m->children))
            m = list_last(&m->children, struct mount, sibling);
        next = m != top ? m->parent : NULL;
        flags = spin_lock(&mount_lock);
        unlink_locked(m);
        leave_ns_locked(m);
        list_add_tail(dead, &m->ns_link);
        spin_unlock(&mount_lock, flags);
        m = next;
        cond_resched();
    } while (m != NULL);
}

/* A mount that was moved: give back what its old place held. No locks held. */
void mount_release_old(struct mount *m)
{
    struct path old = {m->old_parent, m->old_mountpoint};

    if (old.mnt == NULL)
        return;
    m->old_parent = NULL;
    m->old_mountpoint = NULL;
    path_put(&old);
}

/* Drop what mount_detach_tree() collected. No locks held. */
void mounts_release(struct list_node *dead)
{
    while (!list_is_empty(dead)) {
        struct mount *m = list_first(dead, struct mount, ns_link);

        list_remove(&m->ns_link);
        mount_release_old(m);
        mount_put(m);
        cond_resched();
    }
}

/* Something mounted on d, in this namespace or (NULL) in any; borrowed. Rare: looks everywhere. */
static struct mount *find_mounted_on(struct dentry *d, const struct mnt_ns *ns)
{
    for (unsigned i = 0; i < BUCKETS; i++) {
        struct mount *m;

        list_for_each(m, &buckets[i], hash)
        {
            if (m->mountpoint == d && (ns == NULL || m->ns == ns))
                return m;
        }
    }
    return NULL;
}

bool mount_is_local(struct dentry *d)
{
    bool local = false;

    if (READ_ONCE(d->mounts) != 0) {
        irqflags_t flags = spin_lock(&mount_lock);

        local = find_mounted_on(d, current_mnt_ns()) != NULL;
        spin_unlock(&mount_lock, flags);
    }
    return local;
}

void mounts_detach_from(struct dentry *mountpoint)
{
    struct list_node dead = LIST_INIT(dead);
    struct mount *m;

    if (READ_ONCE(mountpoint->mounts) == 0)
        return;
    mutex_lock(&mount_mutex);
    while ((m = find_mounted_on(mountpoint, NULL)) != NULL)
        mount_detach_tree(m, &dead);
    mutex_unlock(&mount_mutex);
    mounts_release(&dead);
}

/* ---- copies ---- */

static struct mount *mount_clone(struct mount *m, struct dentry *root)
{
    return mount_alloc(m->sb, root, m->source, m->flags);
}

static void discard_copy(struct mount *top)
{
    struct list_node dead = LIST_INIT(dead);

    mount_detach_tree(top, &dead);
    mounts_release(&dead);
}

/*
 * A tree like the one at `root`, in no namespace: the mount alone, or with all
 * that is mounted below it. While it returns each original's ->copy is its twin;
 * NULL: no memory. [mount_mutex]
 */
struct mount *mount_copy_tree(const struct path *root, enum copy_kind kind)
{
    struct mount *top = mount_clone(root->mnt, root->dentry);

    root->mnt->copy = top;
    if (top == NULL || kind == COPY_ONE)
        return top;
    for (struct mount *m = mount_next(root->mnt, root->mnt); m != NULL;
         m = mount_next(m, root->mnt)) {
        struct mount *twin_parent = m->parent->copy;
        struct path where = {twin_parent, m->mountpoint};

        cond_resched();
        m->copy = NULL;
        if (twin_parent == NULL)
            continue; /* below something that is not copied */
        if (m->parent == root->mnt && !d_is_below(m->mountpoint, root->dentry))
            continue;
        if (kind == COPY_NAMESPACE && ns_file_mounts != NULL && ns_file_mounts(m->root) != NULL)
            continue; /* it could be the copy's own some day */
        m->copy = mount_clone(m, m->root);
        if (m->copy == NULL || mount_attach(m->copy, &where) < 0) {
            if (m->copy != NULL)
                mount_put(m->copy);
            discard_copy(top);
            return NULL;
        }
    }
    return top;
}

/* ---- namespaces ---- */

void mnt_ns_get(struct mnt_ns *ns)
{
    refcount_get(&ns->refs);
}

void mnt_ns_put(struct mnt_ns *ns)
{
    struct list_node dead = LIST_INIT(dead);

    if (!refcount_put(&ns->refs))
        return;
    mutex_lock(&mount_mutex);
    if (ns->root != NULL)
        mount_detach_tree(ns->root, &dead);
    mutex_unlock(&mount_mutex);
    mounts_release(&dead);
    kfree(ns);
}

/* The copied process's root and working directory move to the same places in the copy. Returns
 * the mount whose reference is left over, or NULL. */
static struct mount *move_to_twin(struct path *p, const struct mnt_ns *old)
{
    struct mount *before = p->mnt;

    if (before->ns != old || before->copy == NULL)
        return NULL;
    mount_get(before->copy);
    p->mnt = before->copy;
    return before;
}

struct mnt_ns *mnt_ns_copy(struct mnt_ns *old, struct fs_struct *fs)
{
    struct mnt_ns *ns = kalloc_for(current_cgroup(), sizeof(*ns));
    struct mount *drop[2];
    struct path root;
    irqflags_t flags;

    if (ns == NULL)
        return NULL;
    refcount_init(&ns->refs, 1);
    list_init(&ns->mounts);
    ns->user_ns = current_cred()->user_ns;
    ns->ino = ns_alloc_ino();

    mutex_lock(&mount_mutex);
    root = (struct path){old->root, old->root != NULL ? old->root->root : NULL};
    ns->root = root.mnt != NULL ? mount_copy_tree(&root, COPY_NAMESPACE) : NULL;
    if (ns->root == NULL) {
        mutex_unlock(&mount_mutex);
        kfree(ns);
        return NULL;
    }
    flags = spin_lock(&mount_lock);
    enter_ns_locked(ns->root, ns);
    spin_unlock(&mount_lock, flags);

    flags = spin_lock(&fs->lock);
    drop[0] = move_to_twin(&fs->root, old);
    drop[1] = move_to_twin(&fs->cwd, old);
    spin_unlock(&fs->lock, flags);
    mutex_unlock(&mount_mutex);

    for (unsigned i = 0; i < ARRAY_SIZE(drop); i++) {
        if (drop[i] != NULL)
            mount_put(drop[i]);
    }
    return ns;
}

void mnt_ns_root(struct mnt_ns *ns, struct path *out)
{
    mutex_lock(&mount_mutex);
    *out = (struct path){ns->root, ns->root->root};
    path_get(out);
    mutex_unlock(&mount_mutex);
    path_follow_mounts(out);
}

/* ---- mounts that the kernel makes ---- */

int mount_internal(const struct fs_type *type, const char *source, const char *data,
                   struct mount **out)
{
    struct super_block *sb;
    int err = type->get_super(type, source, 0, data, &sb);

    if (err < 0)
        return err;
    *out = mount_alloc(sb, sb->root, source, MS_NOATIME);
    super_put(sb);
    return *out != NULL ? 0 : -ENOMEM;
}
