/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Open files of an overlay. Each has the real file behind it (struct file.real) and
 * hands everything on; a file opened for writing was copied up first.
 */
#include <kernel/cgroup.h>
#include <kernel/errno.h>

#include "overlay.h"

#include "../vfs.h"

/* fcntl(2) changes the outer file's flags: O_APPEND and O_NONBLOCK count for the real one too. */
static struct file *real_file(struct file *f)
{
    const uint32_t changeable = O_APPEND | O_NONBLOCK | O_NOATIME;

    f->real->flags = (f->real->flags & ~changeable) | (f->flags & changeable);
    return f->real;
}

static ssize_t ovl_read(struct file *f, struct io_buf *to, off_t *pos)
{
    struct file *real = real_file(f);

    return real->ops->read(real, to, pos);
}

static ssize_t ovl_write(struct file *f, struct io_buf *from, off_t *pos)
{
    struct file *real = real_file(f);
    ssize_t n = real->ops->write(real, from, pos);

    ovl_copy_attr(f->inode);
    return n;
}

static off_t ovl_llseek(struct file *f, off_t off, int whence)
{
    struct file *real = real_file(f);
    off_t pos;

    real->pos = f->pos;
    pos = real->ops->llseek(real, off, whence);
    if (pos >= 0)
        f->pos = pos;
    return pos;
}

/* The mapping is of the real file: its pages are shared with every other user of the layer. */
static int ovl_mmap(struct file *f, struct vma *vma)
{
    struct file *real = real_file(f);

    file_get(real);
    file_put(vma->file);
    vma->file = real;
    return real->ops->mmap != NULL ? real->ops->mmap(real, vma) : -ENODEV;
}

static int ovl_fsync(struct file *f)
{
    struct file *real = real_file(f);

    return real->ops->fsync != NULL ? real->ops->fsync(real) : 0;
}

static int ovl_fallocate(struct file *f, int mode, off_t off, off_t len)
{
    struct file *real = real_file(f);
    int err = real->ops->fallocate != NULL ? real->ops->fallocate(real, mode, off, len) : -EOPNOTSUPP;

    ovl_copy_attr(f->inode);
    return err;
}

static void ovl_release(struct file *f)
{
    if (f->real != NULL)
        file_put(f->real);
    f->real = NULL;
}

static const struct file_ops ovl_fops = {
    .read = ovl_read,
    .write = ovl_write,
    .llseek = ovl_llseek,
    .mmap = ovl_mmap,
    .fsync = ovl_fsync,
    .fallocate = ovl_fallocate,
    .release = ovl_release,
};

/* The lowest file is the one that is mapped: it bears the name of the topmost. */
static void show_as(struct file *real, const struct path *path)
{
    while (real->real != NULL)
        real = real->real;
    path_get(path);
    if (real->shown.mnt != NULL)
        path_put(&real->shown);
    real->shown = *path;
}

int ovl_open(struct inode *inode, struct file *f)
{
    const uint32_t once = O_CREAT | O_EXCL | O_TRUNC | O_NOCTTY;
    struct file *real;
    struct path p;
    unsigned layer;
    int err;

    if (f->can_write) {
        err = ovl_copy_up(f->path.dentry);
        if (err < 0)
            return err;
    }
    real = file_alloc();
    if (real == NULL)
        return -ENOMEM;
    p.dentry = ovl_real_dentry(inode, &layer);
    p.mnt = ovl_super(inode->sb)->layers[layer].mnt;
    err = file_finish_open(real, &p, f->flags & ~once); /* rights were checked on the overlay's inode */
    if (err < 0) {
        file_free_unopened(real);
        return err;
    }
    show_as(real, &f->path);
    f->real = real;
    f->ops = &ovl_fops;
    return 0;
}
