/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * getdents64(2), and the directories whose names are all in the name cache
 * (tmpfs): a name keeps its position as long as it lives and new ones come
 * behind it, so a reader that goes on later misses none and sees none twice. What is made or
 * renamed after it began is beyond its end: it comes to one, whatever others do meanwhile.
 */
#include "vfs.h"

#include <kernel/abi/fs.h>

bool dir_emit_dots(struct dentry *dir, struct dir_context *ctx)
{
    if (ctx->pos == 0) {
        if (!ctx->emit(ctx->ctx, ".", 1, 1, dir->inode->ino, S_IFDIR >> 12))
            return false;
        ctx->pos = 1;
    }
    if (ctx->pos == 1) {
        struct dentry *parent = d_parent_get(dir);
        bool room = ctx->emit(ctx->ctx, "..", 2, 2, parent->inode->ino, S_IFDIR >> 12);

        dentry_put(parent);
        if (!room)
            return false;
        ctx->pos = 2;
    }
    return true;
}

/* ---- directories in the name cache ---- */

static int cached_readdir(struct file *f, struct dir_context *ctx)
{
    struct dentry *dir = f->path.dentry;
    struct dentry *d;

    if (ctx->pos == 0 || f->dir_end == 0)
        f->dir_end = READ_ONCE(dir->last_pos);
    if (!dir_emit_dots(dir, ctx))
        return 0;
    d = d_child_at(dir, (uint64_t)ctx->pos);
    while (d != NULL) {
        struct dentry *next;
        off_t after = (off_t)d->dir_pos + 1;

        /* The directory is locked: the name stays as it is. */
        if (d->dir_pos > f->dir_end || !ctx->emit(ctx->ctx, d->name, d->name_len, after, d->inode->ino,
                                                  d->inode->mode >> 12 & 15)) {
            dentry_put(d);
            break;
        }
        ctx->pos = after;
        next = d_child_after(dir, d);
        dentry_put(d);
        d = next;
        cond_resched();
    }
    return 0;
}

static ssize_t dir_read(struct file *f, struct io_buf *to, off_t *pos)
{
    (void)f;
    (void)to;
    (void)pos;
    return -EISDIR;
}

const struct file_ops generic_dir_fops = {
    .read = dir_read,
    .llseek = generic_llseek,
    .readdir = cached_readdir,
    .fsync = generic_fsync,
};

/* ---- getdents64(2) ---- */

struct getdents {
    uaddr_t out;
    size_t left;
    size_t done;
    uaddr_t last; /* the entry before: its d_off is where this one starts */
    int err;
};

static bool emit_to_user(void *ctx, const char *name, size_t len, off_t next_pos, ino_t ino,
                         unsigned type)
{
    uint8_t buf[ALIGN_UP(offsetof(struct abi_dirent64, d_name) + NAME_MAX + 1, 8)] __aligned(8);
    size_t reclen = ALIGN_UP(offsetof(struct abi_dirent64, d_name) + len + 1, (size_t)8);
    struct abi_dirent64 *e = (void *)buf;
    struct getdents *g = ctx;

    if (len > NAME_MAX || reclen > g->left) {
        g->err = -EINVAL; /* reported only if not even one fits */
        return false;
    }
    memset(buf + reclen - 8, 0, 8); /* what the name leaves of the last word */
    e->d_ino = ino;
    e->d_off = next_pos;
    e->d_reclen = (uint16_t)reclen;
    e->d_type = (uint8_t)type;
    memcpy(e->d_name, name, len);
    if (copy_to_user(g->out, buf, reclen) < 0) {
        g->err = -EFAULT;
        return false;
    }
    g->out += reclen;
    g->left -= reclen;
    g->done += reclen;
    return true;
}

static long read_directory(struct file *f, struct getdents *g)
{
    struct dir_context ctx = {.emit = emit_to_user, .ctx = g};
    struct inode *inode = f->inode;
    int err;

    mutex_lock(&f->pos_lock);
    mutex_lock(&inode->lock);
    ctx.pos = f->pos;
    err = inode->nlink != 0 ? f->ops->readdir(f, &ctx) : -ENOENT;
    f->pos = ctx.pos;
    mutex_unlock(&inode->lock);
    mutex_unlock(&f->pos_lock);
    path_touch_atime(&f->path);
    if (g->done != 0)
        return (long)g->done;
    return err < 0 ? err : g->err;
}

long sys_getdents64(int fd, uaddr_t buf, unsigned count)
{
    struct getdents g = {.out = buf, .left = count};
    struct file *f = fd_get(fd);
    long r = -ENOTDIR;

    if (f == NULL)
        return -EBADF;
    if (f->ops->readdir != NULL)
        r = read_directory(f, &g);
    file_put(f);
    return r;
}
