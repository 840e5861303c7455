/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file system "overlay": one writable directory tree over read-only ones.
 * Linux's Documentation/filesystems/overlayfs.rst says what users expect.
 *
 *     mount -t overlay overlay -o lowerdir=TOP:...:BOTTOM,upperdir=U,workdir=W /merged
 *
 * A name is looked for from the top down. A character device 0:0 in an upper
 * layer is a whiteout: the name ends there. A directory with the attribute
 * trusted.overlay.opaque=y hides those below. Starting costs the same for any size of
 * image: nothing is read before it is used.
 *
 * An overlay may be a lower layer, but none of more than STACK_DEPTH_MAX in all; an upper layer
 * it cannot be: nobody locks two copy-ups.
 *
 * Isolation comes from where writes go: lower layers are only ever read, and a
 * file is copied to the upper layer before anything of it changes.
 */
#include <kernel/cgroup.h>
#include <kernel/errno.h>
#include <kernel/string.h>

#include "overlay.h"

#include "../vfs.h"

struct options {
    char *lower, *upper, *work; /* into a private copy of the option string */
};

/* "a=b,c=d"; a backslash keeps a comma or colon in a name. */
static int parse_options(char *data, struct options *o)
{
    const struct {
        const char *name;
        char **value;
    } known[] = {{"lowerdir=", &o->lower}, {"upperdir=", &o->upper}, {"workdir=", &o->work}};

    for (char *next; data != NULL && *data != '\0'; data = next) {
        bool found = false;

        next = data;
        while (*next != '\0' && *next != ',')
            next += *next == '\\' && next[1] != '\0' ? 2 : 1;
        if (*next == ',')
            *next++ = '\0';
        for (unsigned i = 0; i < ARRAY_SIZE(known); i++) {
            if (strncmp(data, known[i].name, strlen(known[i].name)) == 0) {
                *known[i].value = data + strlen(known[i].name);
                found = true;
            }
        }
        /* What would change nothing here is accepted: there is no index and no redirect. */
        if (!found && strncmp(data, "index=", 6) != 0 && strncmp(data, "metacopy=off", 12) != 0 &&
            strncmp(data, "redirect_dir=off", 16) != 0 && strcmp(data, "userxattr") != 0 &&
            strncmp(data, "xino=", 5) != 0 && strcmp(data, "volatile") != 0)
            return -EINVAL;
    }
    return o->lower != NULL && (o->upper == NULL) == (o->work == NULL) ? 0 : -EINVAL;
}

static void unescape(char *s)
{
    char *out = s;

    for (; *s != '\0'; s++) {
        if (*s == '\\' && s[1] != '\0')
            s++;
        *out++ = *s;
    }
    *out = '\0';
}

static int add_layer(struct ovl_super *o, char *name)
{
    struct path p;
    int err;

    unescape(name);
    err = path_lookup(AT_FDCWD, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);
    if (err < 0)
        return err;
    o->layers[o->nlayers] = (struct ovl_layer){p.mnt, p.dentry, o->nlayers};
    for (unsigned i = 0; i < o->nlayers; i++) {
        if (o->layers[i].mnt->sb == p.mnt->sb)
            o->layers[o->nlayers].fs = o->layers[i].fs;
    }
    o->nlayers++;
    return 0;
}

static int add_upper(struct ovl_super *o, char *name)
{
    int err = add_layer(o, name);

    if (err < 0)
        return err;
    o->has_upper = true;
    if (o->layers[0].mnt->sb->stack_depth > 0)
        return -EINVAL;
    return path_is_readonly(&(struct path){o->layers[0].mnt, o->layers[0].root}) ? -EROFS : 0;
}

static int add_layers(struct ovl_super *o, const struct options *opt)
{
    int err = opt->upper != NULL ? add_upper(o, opt->upper) : 0;

    for (char *name = opt->lower, *next; err == 0 && name != NULL; name = next) {
        next = name;
        while (*next != '\0' && *next != ':')
            next += *next == '\\' && next[1] != '\0' ? 2 : 1;
        if (*next == ':')
            *next++ = '\0';
        else
            next = NULL;
        if (*name == '\0' || o->nlayers > OVL_LOWER_MAX)
            return -EINVAL;
        err = add_layer(o, name);
    }
    return err;
}

static int set_stack_depth(struct super_block *sb)
{
    const struct ovl_super *o = ovl_super(sb);

    for (unsigned i = 0; i < o->nlayers; i++)
        sb->stack_depth = max(sb->stack_depth, o->layers[i].mnt->sb->stack_depth + 1);
    return sb->stack_depth <= STACK_DEPTH_MAX ? 0 : -EINVAL;
}

/* upper and work must be two directories of one file system, neither inside the other. */
static int add_work(struct ovl_super *o, char *name)
{
    struct path p;
    int err;

    unescape(name);
    err = path_lookup(AT_FDCWD, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);
    if (err < 0)
        return err;
    if (p.mnt != o->layers[0].mnt || d_is_below(p.dentry, o->layers[0].root) ||
        d_is_below(o->layers[0].root, p.dentry))
        err = -EINVAL;
    if (err == 0) {
        dentry_get(p.dentry);
        o->work = p.dentry;
    }
    path_put(&p);
    return err;
}

static void super_free(struct ovl_super *o)
{
    dentry_put(o->work);
    for (unsigned i = 0; i < o->nlayers; i++) {
        dentry_put(o->layers[i].root);
        mount_put(o->layers[i].mnt);
    }
    kfree(o->options);
    kfree(o);
}

static void ovl_put_super(struct super_block *sb)
{
    if (sb->private != NULL)
        super_free(sb->private);
}

static int ovl_statfs(struct super_block *sb, struct statfs_info *out)
{
    struct super_block *real = ovl_super(sb)->layers[0].root->sb;
    int err = real->ops->statfs != NULL ? real->ops->statfs(real, out) : -ENOSYS;

    out->type = sb->type->magic;
    return err;
}

static void ovl_show_options(struct super_block *sb, char *buf, size_t size)
{
    snprintf(buf, size, ",%s", ovl_super(sb)->options);
}

static const struct super_ops ovl_super_ops = {
    .statfs = ovl_statfs,
    .put_super = ovl_put_super,
    .show_options = ovl_show_options,
};

static int make_root(struct super_block *sb)
{
    struct ovl_super *o = ovl_super(sb);
    struct ovl_real *lower = kalloc_for(current_cgroup(), sizeof(*lower) * o->nlayers);
    struct dentry *upper = NULL;
    struct inode *inode;
    unsigned n = 0;

    if (lower == NULL)
        return -ENOMEM;
    for (unsigned i = 0; i < o->nlayers; i++) {
        dentry_get(o->layers[i].root);
        if (i == 0 && o->has_upper)
            upper = o->layers[i].root;
        else
            lower[n++] = (struct ovl_real){i, o->layers[i].root};
    }
    inode = ovl_inode_create(sb, upper, lower, n);
    kfree(lower);
    if (inode == NULL)
        return -ENOMEM;
    sb->root = dentry_make_root(inode);
    return sb->root != NULL ? 0 : -ENOMEM;
}

static int fill_super(struct super_block *sb, const char *data)
{
    struct ovl_super *o = kalloc_for(current_cgroup(), sizeof(*o) + (OVL_LOWER_MAX + 2) * sizeof(o->layers[0]));
    char *copy = kstrdup_for(current_cgroup(), data);
    struct options opt = {0};
    int err;

    if (o == NULL || copy == NULL) {
        kfree(o);
        kfree(copy);
        return -ENOMEM;
    }
    sb->private = o; /* from here on put_super frees it */
    mutex_init(&o->copy_up_lock);
    spin_init(&o->inodes_lock);
    for (unsigned i = 0; i < ARRAY_SIZE(o->inodes); i++)
        list_init(&o->inodes[i]);
    o->options = kstrdup_for(current_cgroup(), data);
    err = o->options != NULL ? parse_options(copy, &opt) : -ENOMEM;
    if (err == 0)
        err = add_layers(o, &opt);
    if (err == 0)
        err = set_stack_depth(sb);
    if (err == 0 && opt.work != NULL)
        err = add_work(o, opt.work);
    if (err == 0)
        err = make_root(sb);
    kfree(copy);
    return err;
}

static int ovl_get_super(const struct fs_type *type, const char *source, unsigned long flags, const char *data,
                         struct super_block **out)
{
    struct super_block *sb;
    int err;

    (void)source;
    sb = super_alloc(type, flags);
    if (sb == NULL)
        return -ENOMEM;
    sb->ops = &ovl_super_ops;
    err = fill_super(sb, data);
    if (err < 0) {
        super_put(sb);
        return err;
    }
    if (!ovl_super(sb)->has_upper)
        sb->flags |= MS_RDONLY;
    *out = sb;
    return 0;
}

static struct fs_type ovl_type = {
    .name = "overlay",
    .magic = 0x794c7630,
    .get_super = ovl_get_super,
    .user_visible = true,
};

void overlayfs_init(void);
void overlayfs_init(void)
{
    fs_register(&ovl_type);
}
