/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * devtmpfs: a tmpfs in which every registered character device has a node.
 * There is one of them, and every mount of the type shows it. Containers are
 * not given it: they get a tmpfs of their own with the nodes they may have.
 */
#include "devtmpfs.h"
#include "tmpfs.h"

static struct super_block *devices_sb; /* NULL until devtmpfs_init() */

/* The directory of "a/b/name", made if need be; *name moves to the last component. */
static struct dentry *make_parents(const char **name)
{
    struct dentry *dir = devices_sb->root;
    const char *slash;

    dentry_get(dir);
    while ((slash = strchr(*name, '/')) != NULL) {
        struct dentry *next = NULL;
        char component[NAME_MAX + 1];

        strlcpy(component, *name, min(sizeof(component), (size_t)(slash - *name) + 1));
        if (lookup_one(dir, component, strlen(component), &next) == 0 && d_is_negative(next)) {
            dentry_put(next);
            next = NULL;
        }
        if (next == NULL && vfs_mkdir(dir, component, 0755, &next) < 0)
            next = NULL;
        dentry_put(dir);
        if (next == NULL)
            return NULL;
        dir = next;
        *name = slash + 1;
    }
    return dir;
}

void devtmpfs_add(const struct char_dev *d)
{
    const char *name = d->name;
    struct dentry *dir, *node;
    int err;

    if (devices_sb == NULL)
        return; /* devtmpfs_init() adds it */
    dir = make_parents(&name);
    err = dir == NULL ? -ENOMEM : vfs_mknod(dir, name, S_IFCHR | d->mode, d->dev, &node);
    if (dir != NULL)
        dentry_put(dir);
    if (err < 0)
        log_warn("devtmpfs: no node for %s: error %d\n", d->name, -err);
    else
        dentry_put(node);
}

static void add_registered(const struct char_dev *d, void *arg)
{
    (void)arg;
    devtmpfs_add(d);
}

static int devtmpfs_get_super(const struct fs_type *type, const char *source, unsigned long flags,
                              const char *data, struct super_block **out)
{
    (void)type;
    (void)source;
    (void)flags;
    (void)data; /* the options of the one instance were given at boot */
    super_get(devices_sb);
    *out = devices_sb;
    return 0;
}

static struct fs_type devtmpfs_type = {
    .name = "devtmpfs",
    .magic = 0x01021994, /* as tmpfs: it is one */
    .get_super = devtmpfs_get_super,
    .user_visible = true,
};

void devtmpfs_init(void)
{
    if (tmpfs_get_super(&devtmpfs_type, "devtmpfs", 0, "mode=755", &devices_sb) < 0)
        panic("devtmpfs: no memory");
    char_dev_for_each(add_registered, NULL);
    fs_register(&devtmpfs_type);
}
