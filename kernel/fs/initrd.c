/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first files: every boot module that is a cpio archive is unpacked into
 * the root file system, in order, later ones on top of earlier ones.
 *
 * A file whose data starts on a page boundary in memory is not copied: its
 * pages become the page cache's (tools/mkinitrd aligns large files by padding
 * their names). The last, partial page is copied. When a module is done, the
 * pages that no file took over go to the page allocator.
 *
 * TODO: compressed archives; worth it when the boot medium is slow.
 */
#include "cpio.h"
#include "tmpfs.h"

#define HARD_LINKS_MAX 256

/* A file with several names: the archive repeats its inode number. */
struct hard_link {
    uint32_t ino, dev_major, dev_minor;
    struct dentry *dentry; /* counted */
};

struct unpack {
    struct hard_link links[HARD_LINKS_MAX];
    unsigned nlinks;
    uint64_t module_base;
    uint64_t files, adopted_pages, copied_bytes;
};

/* ---- finding the place ---- */

/* The directory that `name` is in, by its path from the root; missing parents are made. *last is
 * the final component. Archives are ours, but a ".." in one is still refused. */
static int open_parent(const char *name, const char **last, struct dentry **out)
{
    struct dentry *dir = mnt_ns_first.root->root;
    const char *slash;
    int err = 0;

    dentry_get(dir);
    while (err == 0 && (slash = strchr(name, '/')) != NULL) {
        size_t len = (size_t)(slash - name);
        struct dentry *next;

        if (len == 0) {
            name++;
            continue;
        }
        err = len == 2 && name[0] == '.' && name[1] == '.' ? -EINVAL
                                                           : lookup_one(dir, name, len, &next);
        if (err == 0 && d_is_negative(next)) {
            char component[NAME_MAX + 1];

            dentry_put(next);
            strlcpy(component, name, len + 1);
            err = vfs_mkdir(dir, component, 0755, &next);
        }
        if (err == 0 && !S_ISDIR(next->inode->mode)) {
            dentry_put(next);
            err = -ENOTDIR;
        }
        if (err == 0) {
            dentry_put(dir);
            dir = next;
            name = slash + 1;
        }
    }
    if (err == 0 && (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0))
        err = -EEXIST; /* the root itself: it is there */
    if (err < 0) {
        dentry_put(dir);
        return err;
    }
    *last = name;
    *out = dir;
    return 0;
}

/* A later archive replaces what an earlier one had, except that directories are merged. */
static int make_room(struct dentry *dir, const char *name, mode_t mode, struct dentry **present)
{
    struct dentry *d;
    int err = lookup_one(dir, name, strlen(name), &d);

    *present = NULL;
    if (err < 0)
        return err;
    if (d_is_negative(d)) {
        dentry_put(d);
        return 0;
    }
    if (S_ISDIR(d->inode->mode) && S_ISDIR(mode)) {
        *present = d;
        return 0;
    }
    err = S_ISDIR(d->inode->mode) ? vfs_rmdir(dir, d) : vfs_unlink(dir, d);
    dentry_put(d);
    return err;
}

/* ---- contents ---- */

static int copy_rest(struct unpack *u, struct inode *inode, const struct cpio_entry *e, size_t done)
{
    while (done < e->body_size) {
        size_t n = min(e->body_size - done, PAGE_SIZE);
        struct page *p;
        int err = inode->ops->write_page(inode, done >> PAGE_SHIFT, &p);

        if (err < 0)
            return err;
        memcpy(page_address(p), e->body + done, n);
        page_put(p);
        done += n;
        u->copied_bytes += n;
    }
    inode->size = e->body_size;
    return 0;
}

static int fill_file(struct unpack *u, struct inode *inode, const struct cpio_entry *e)
{
    uint64_t pa = u->module_base + e->body_offset;
    size_t done = 0;

    if (IS_ALIGNED(pa, PAGE_SIZE)) {
        for (; e->body_size - done >= PAGE_SIZE; done += PAGE_SIZE) {
            struct page *p = page_adopt(pa + done);
            int err = tmpfs_adopt_page(inode, done >> PAGE_SHIFT, p);

            if (err < 0) {
                page_put(p);
                return err;
            }
            u->adopted_pages++;
        }
    }
    return copy_rest(u, inode, e, done);
}

static struct dentry *find_link(const struct unpack *u, const struct cpio_entry *e)
{
    for (unsigned i = 0; i < u->nlinks; i++) {
        const struct hard_link *l = &u->links[i];

        if (l->ino == e->ino && l->dev_major == e->dev_major && l->dev_minor == e->dev_minor)
            return l->dentry;
    }
    return NULL;
}

static void remember_link(struct unpack *u, const struct cpio_entry *e, struct dentry *d)
{
    if (u->nlinks == HARD_LINKS_MAX) {
        log_warn("initrd: too many hard links, %s stays alone\n", e->name);
        return;
    }
    dentry_get(d);
    u->links[u->nlinks++] = (struct hard_link){e->ino, e->dev_major, e->dev_minor, d};
}

static int unpack_regular(struct unpack *u, struct dentry *dir, const char *name,
                          const struct cpio_entry *e, struct dentry **out)
{
    struct dentry *first = e->nlink > 1 ? find_link(u, e) : NULL;
    int err;

    if (first != NULL) {
        err = vfs_link(first, dir, name);
        *out = first;
        dentry_get(first);
    } else {
        err = vfs_create(dir, name, S_IFREG | (e->mode & S_IALLUGO), out);
        if (err < 0)
            return err;
        if (e->nlink > 1)
            remember_link(u, e, *out);
    }
    if (err == 0 && e->body_size != 0 &&
        (*out)->inode->size == 0) /* the data is with one of the names */
        err = fill_file(u, (*out)->inode, e);
    if (err < 0)
        dentry_put(*out);
    return err;
}

static int unpack_symlink(struct dentry *dir, const char *name, const struct cpio_entry *e,
                          struct dentry **out)
{
    char *target;
    int err;

    if (e->body_size == 0 || e->body_size >= PATH_MAX)
        return -EINVAL;
    target = name_buf();
    if (target == NULL)
        return -ENOMEM;
    memcpy(target, e->body, e->body_size);
    target[e->body_size] = '\0';
    err = vfs_symlink(dir, name, target);
    name_free(target);
    return err < 0 ? err : lookup_one(dir, name, strlen(name), out);
}

static int make_entry(struct unpack *u, struct dentry *dir, const char *name,
                      const struct cpio_entry *e, struct dentry **out)
{
    switch (e->mode & S_IFMT) {
    case S_IFREG:
        return unpack_regular(u, dir, name, e, out);
    case S_IFDIR:
        return vfs_mkdir(dir, name, e->mode & S_IALLUGO, out);
    case S_IFLNK:
        return unpack_symlink(dir, name, e, out);
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO:
    case S_IFSOCK:
        return vfs_mknod(dir, name, e->mode & (S_IFMT | S_IALLUGO),
                         MKDEV(e->rdev_major, e->rdev_minor), out);
    }
    return -EINVAL;
}

static void set_attributes(struct inode *inode, const struct cpio_entry *e)
{
    struct timespec t = {.tv_sec = e->mtime};

    inode->uid = (kuid_t){e->uid};
    inode->gid = (kgid_t){e->gid};
    if (!S_ISLNK(inode->mode))
        inode->mode = (inode->mode & S_IFMT) | (e->mode & S_IALLUGO);
    inode->mtime = inode->atime = t;
}

static int unpack_entry(struct unpack *u, const struct cpio_entry *e)
{
    struct dentry *dir, *made;
    const char *name;
    int err = open_parent(e->name, &name, &dir);

    if (err < 0)
        return err == -EEXIST ? 0 : err;
    err = make_room(dir, name, e->mode, &made);
    if (err == 0 && made == NULL)
        err = make_entry(u, dir, name, e, &made);
    if (err == 0) {
        set_attributes(made->inode, e);
        dentry_put(made);
        u->files++;
    }
    dentry_put(dir);
    return err;
}

/* ---- modules ---- */

/* What no file has adopted is free memory from now on. */
static void free_rest(const struct boot_module *m)
{
    for (uint64_t pa = m->base; pa < m->base + m->length; pa += PAGE_SIZE) {
        if (phys_to_page(pa)->flags == PAGE_F_RESERVED)
            page_put(page_adopt(pa));
    }
}

static void unpack_module(struct unpack *u, const struct boot_module *m)
{
    struct cpio c = {.data = phys_to_virt(m->base), .size = m->length};
    struct cpio_entry e;
    int r, err = 0;

    u->nlinks = 0;
    u->module_base = m->base;
    while ((r = cpio_next(&c, &e)) > 0) {
        err = unpack_entry(u, &e);
        if (err < 0) {
            log_err("initrd: %s: cannot unpack %s: error %d\n", m->name, e.name, -err);
            if (err == -ENOSPC || err == -ENOMEM)
                break;
        }
    }
    if (r < 0)
        log_err("initrd: %s: not a cpio archive (newc), or damaged at byte %lu\n", m->name,
                (unsigned long)c.at);
    for (unsigned i = 0; i < u->nlinks; i++)
        dentry_put(u->links[i].dentry);
    free_rest(m);
}

void initrd_unpack(void)
{
    const struct boot_module *modules = phys_to_virt(boot.modules);
    struct unpack *u = kzalloc(sizeof(*u));
    struct dentry *dev;
    int err;

    if (u == NULL)
        panic("initrd: no memory");
    for (uint32_t i = 0; i < boot.module_count; i++)
        unpack_module(u, &modules[i]);
    log_info("initrd: %lu files, %lu KiB in place, %lu KiB copied\n", (unsigned long)u->files,
             (unsigned long)u->adopted_pages * 4, (unsigned long)u->copied_bytes >> 10);
    kfree(u);

    /* The first program finds its console there before it has mounted anything. */
    if (vfs_mkdir(mnt_ns_first.root->root, "dev", 0755, &dev) == 0)
        dentry_put(dev);
    err = mount_at("devtmpfs", "devtmpfs", "/dev", MS_NOSUID | MS_NOEXEC, "");
    if (err < 0)
        log_err("initrd: cannot mount devtmpfs on /dev: error %d\n", -err);
}
