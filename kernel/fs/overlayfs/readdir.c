/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Merged directories: the names of all layers, each once, without whiteouts and
 * what they hide. The list is made when a directory is read from its start and
 * kept with the open file, so positions stay true while names change.
 */
#include <kernel/cgroup.h>
#include <kernel/errno.h>
#include <kernel/string.h>

#include "overlay.h"

#include "../vfs.h"

#define BUCKETS 64

struct name {
    struct list_node all;  /* in order of appearance */
    struct list_node hash;
    ino_t ino;
    uint8_t type;
    bool whiteout;
    uint16_t len;
    char text[];
};

struct listing {
    struct list_node all;
    struct list_node hash[BUCKETS];
};

struct collect { /* context of one layer's readdir */
    struct listing *list;
    struct dentry *dir;
    bool failed;
};

static unsigned name_bucket(const char *text, size_t len)
{
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < len; i++)
        h = (h ^ (uint8_t)text[i]) * 16777619u;
    return h % BUCKETS;
}

static bool listed(struct listing *l, const char *text, size_t len)
{
    struct name *n;

    list_for_each(n, &l->hash[name_bucket(text, len)], hash) {
        if (n->len == len && memcmp(n->text, text, len) == 0)
            return true;
    }
    return false;
}

static bool collect_name(void *ctx, const char *text, size_t len, off_t next_pos, ino_t ino, unsigned type)
{
    struct collect *c = ctx;
    struct name *n;

    (void)next_pos;
    if ((len == 1 && text[0] == '.') || (len == 2 && text[0] == '.' && text[1] == '.') || listed(c->list, text, len))
        return true;
    n = kalloc_for(current_cgroup(), sizeof(*n) + len);
    if (n == NULL) {
        c->failed = true;
        return false;
    }
    n->ino = ino;
    n->type = (uint8_t)type;
    n->whiteout = type == S_IFCHR >> 12; /* perhaps: settled when all names are known */
    n->len = (uint16_t)len;
    memcpy(n->text, text, len);
    list_add_tail(&c->list->all, &n->all);
    list_add_tail(&c->list->hash[name_bucket(text, len)], &n->hash);
    return true;
}

static void listing_free(struct listing *l)
{
    struct name *n, *next;

    if (l == NULL)
        return;
    list_for_each_safe(n, next, &l->all, all)
        kfree(n);
    kfree(l);
}

/* Character devices are whiteouts or devices: only a lookup tells. */
static int settle_whiteouts(struct listing *l, struct dentry *dir, struct list_node *after)
{
    for (struct list_node *at = after->next; at != &l->all; at = at->next) {
        struct name *n = list_entry(at, struct name, all);
        struct dentry *d;
        int err;

        if (!n->whiteout)
            continue;
        err = lookup_one(dir, n->text, n->len, &d);
        if (err < 0)
            return err;
        n->whiteout = d_is_negative(d) || ovl_is_whiteout(d);
        dentry_put(d);
    }
    return 0;
}

static int collect_layer(struct listing *l, const struct ovl_layer *layer, struct dentry *dir)
{
    struct path p = {layer->mnt, dir};
    struct collect c = {.list = l, .dir = dir};
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
    if (err == 0 && c.failed)
        err = -ENOMEM;
    return err < 0 ? err : settle_whiteouts(l, dir, last);
}

static int listing_create(struct inode *inode, struct listing **out)
{
    const struct ovl_super *o = ovl_super(inode->sb);
    const struct ovl_inode *oi = ovl_inode(inode);
    struct listing *l = kalloc_for(current_cgroup(), sizeof(*l));
    int err = 0;

    if (l == NULL)
        return -ENOMEM;
    list_init(&l->all);
    for (unsigned i = 0; i < BUCKETS; i++)
        list_init(&l->hash[i]);
    if (oi->upper != NULL)
        err = collect_layer(l, &o->layers[0], oi->upper);
    for (unsigned i = 0; i < oi->nlower && err == 0; i++)
        err = collect_layer(l, &o->layers[oi->lower[i].layer], oi->lower[i].dentry);
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
        if (!n->whiteout)
            err = -ENOTEMPTY;
    }
    listing_free(l);
    return err;
}

static int ovl_readdir(struct file *f, struct dir_context *ctx)
{
    struct listing *l = f->private;
    struct name *n;
    off_t at = 2;
    int err;

    if (ctx->pos == 0 || l == NULL) {
        listing_free(l);
        f->private = NULL;
        err = listing_create(f->inode, &l);
        if (err < 0)
            return err;
        f->private = l;
    }
    for (; ctx->pos < 2; ctx->pos++) {
        if (!ctx->emit(ctx->ctx, "..", (size_t)ctx->pos + 1, ctx->pos + 1, f->inode->ino, S_IFDIR >> 12))
            return 0;
    }
    list_for_each(n, &l->all, all) {
        if (at++ < ctx->pos || n->whiteout)
            continue;
        if (!ctx->emit(ctx->ctx, n->text, n->len, at, n->ino, n->type))
            return 0;
        ctx->pos = at;
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
    .release = dir_release,
};
