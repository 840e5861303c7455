/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Merged directories: the names of all layers, each once, without whiteouts and
 * what they hide. The list is made when a directory is read from its start and
 * kept with the open file, so positions stay true while names change.
 *
 * Whoever fills a directory chooses how many names it has, and which: they are
 * told apart in a balanced tree, every loop over them lets others run, and making
 * the list ends when its thread is killed.
 */
#include <kernel/cgroup.h>
#include <kernel/errno.h>
#include <kernel/proc.h>
#include <kernel/rbtree.h>
#include <kernel/string.h>

#include "overlay.h"

#include "../vfs.h"

struct name {
    struct list_node all; /* in order of appearance */
    struct rb_node node;
    ino_t ino;
    uint8_t type;
    bool whiteout;
    bool has_copy_ino; /* of the upper directory, which may be a copy: a lower one's number counts */
    uint16_t len;
    char text[];
};

struct listing {
    struct list_node all;
    struct rb_root by_text;
    struct list_node *next; /* the name at next_pos, or &all at the end: where the last call stopped */
    off_t next_pos;
};

struct collect { /* context of one layer's readdir */
    const struct super_block *sb;
    unsigned layer;
    struct listing *list;
    int err;
};

static int compare(const struct name *n, const char *text, size_t len)
{
    int order = memcmp(text, n->text, min((size_t)n->len, len));

    return order != 0 ? order : (int)len - (int)n->len;
}

/* Where a new name belongs in the tree; NULL: it is there already, *present. */
static struct rb_node **place_of(struct listing *l, const char *text, size_t len, struct rb_node **parent,
                                 struct name **present)
{
    struct rb_node **where = &l->by_text.node;

    *parent = NULL;
    while (*where != NULL) {
        int order = compare(rb_entry(*where, struct name, node), text, len);

        if (order == 0) {
            *present = rb_entry(*where, struct name, node);
            return NULL;
        }
        *parent = *where;
        where = order < 0 ? &(*where)->left : &(*where)->right;
    }
    return where;
}

static int add_name(struct listing *l, const char *text, size_t len, ino_t ino, unsigned type)
{
    struct name *n;
    struct rb_node *parent, **where = place_of(l, text, len, &parent, &n);

    if (where == NULL) {
        if (n->has_copy_ino && type == S_IFDIR >> 12)
            n->ino = ino;
        n->has_copy_ino = false; /* what is below that does not count */
        return 0;
    }
    n = kalloc_for(current_cgroup(), sizeof(*n) + len);
    if (n == NULL)
        return -ENOMEM;
    n->ino = ino;
    n->type = (uint8_t)type;
    n->whiteout = type == S_IFCHR >> 12; /* perhaps: settled when all names are known */
    n->len = (uint16_t)len;
    memcpy(n->text, text, len);
    list_add_tail(&l->all, &n->all);
    rb_link(&n->node, parent, where);
    rb_insert_fixup(&l->by_text, &n->node);
    return 0;
}

static bool collect_name(void *ctx, const char *text, size_t len, off_t next_pos, ino_t ino, unsigned type)
{
    struct collect *c = ctx;

    (void)next_pos;
    if ((len == 1 && text[0] == '.') || (len == 2 && text[0] == '.' && text[1] == '.'))
        return true;
    cond_resched();
    c->err = fatal_signal_pending(current) ? -EINTR : add_name(c->list, text, len, ovl_ino(c->sb, c->layer, ino), type);
    return c->err == 0;
}

static void listing_free(struct listing *l)
{
    struct name *n, *next;

    if (l == NULL)
        return;
    list_for_each_safe(n, next, &l->all, all) {
        kfree(n);
        cond_resched();
    }
    kfree(l);
}

/* Character devices are whiteouts or devices, what is in the upper layer may be a copy: only a lookup
 * tells. */
static int settle_names(struct listing *l, const struct super_block *sb, bool is_upper, struct dentry *dir,
                        struct list_node *after)
{
    for (struct list_node *at = after->next; at != &l->all; at = at->next) {
        struct name *n = list_entry(at, struct name, all);
        struct dentry *d;
        int err;

        if (!n->whiteout && !is_upper)
            continue;
        cond_resched();
        if (fatal_signal_pending(current))
            return -EINTR;
        err = lookup_one(dir, n->text, n->len, &d);
        if (err < 0)
            return err;
        n->whiteout = d_is_negative(d) || ovl_is_whiteout(d);
        if (is_upper && !n->whiteout) {
            n->ino = ovl_upper_ino(sb, d);
            n->has_copy_ino = S_ISDIR(d->inode->mode) && !ovl_is_opaque(d);
        }
        dentry_put(d);
    }
    return 0;
}

static int collect_layer(struct listing *l, const struct super_block *sb, unsigned layer, struct dentry *dir)
{
    const struct ovl_super *o = ovl_super(sb);
    struct path p = {o->layers[layer].mnt, dir};
    struct collect c = {.sb = sb, .layer = layer, .list = l};
    struct dir_context ctx = {.emit = collect_name, .ctx = &c};
    struct list_node *last = l->all.prev;
    struct file *f = file_alloc();
    int err;

    if (f == NULL)
        return -ENOMEM;
    err = file_finish_open(f, &p, O_RDONLY | O_DIRECTORY);
    if (err < 0) {
        file_free_unopened(f);
        return err;
    }
    mutex_lock(&dir->inode->lock);
    err = f->ops->readdir(f, &ctx);
    mutex_unlock(&dir->inode->lock);
    file_put(f);
    if (err == 0)
        err = c.err;
    return err < 0 ? err : settle_names(l, sb, o->has_upper && layer == 0, dir, last);
}

static int listing_create(struct inode *inode, struct listing **out)
{
    const struct ovl_inode *oi = ovl_inode(inode);
    struct listing *l = kalloc_for(current_cgroup(), sizeof(*l));
    int err = 0;

    if (l == NULL)
        return -ENOMEM;
    list_init(&l->all);
    if (oi->upper != NULL)
        err = collect_layer(l, inode->sb, 0, oi->upper);
    for (unsigned i = 0; i < oi->nlower && err == 0; i++)
        err = collect_layer(l, inode->sb, oi->lower[i].layer, oi->lower[i].dentry);
    if (err < 0) {
        listing_free(l);
        return err;
    }
    *out = l;
    return 0;
}

int ovl_check_empty(struct inode *dir)
{
    struct listing *l;
    struct name *n;
    int err = listing_create(dir, &l);

    if (err < 0)
        return err;
    list_for_each(n, &l->all, all) {
        if (!n->whiteout) {
            err = -ENOTEMPTY;
            break;
        }
        cond_resched();
    }
    listing_free(l);
    return err;
}

/* Go to the name at `pos`: mostly where the last call stopped. */
static void seek(struct listing *l, off_t pos)
{
    if (l->next == NULL || pos < l->next_pos) {
        l->next = l->all.next;
        l->next_pos = 2;
    }
    while (l->next_pos < pos && l->next != &l->all) {
        l->next = l->next->next;
        l->next_pos++;
        cond_resched();
    }
}

static int ovl_readdir(struct file *f, struct dir_context *ctx)
{
    struct listing *l = f->private;
    int err;

    if (ctx->pos == 0 || l == NULL) {
        listing_free(l);
        f->private = NULL;
        err = listing_create(f->inode, &l);
        if (err < 0)
            return err;
        f->private = l;
    }
    if (!dir_emit_dots(f->path.dentry, ctx))
        return 0;
    for (seek(l, ctx->pos); l->next != &l->all; l->next = l->next->next, l->next_pos++) {
        struct name *n = list_entry(l->next, struct name, all);

        cond_resched();
        if (!n->whiteout && !ctx->emit(ctx->ctx, n->text, n->len, l->next_pos + 1, n->ino, n->type))
            return 0;
        ctx->pos = l->next_pos + 1;
    }
    return 0;
}

static void dir_release(struct file *f)
{
    listing_free(f->private);
}

const struct file_ops ovl_dir_fops = {
    .readdir = ovl_readdir,
    .llseek = generic_llseek,
    .fsync = generic_fsync,
    .release = dir_release,
};
