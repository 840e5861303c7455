/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * read(2), write(2), lseek(2) and mmap(2) of files whose data is in the page
 * cache: page by page through ->get_page and ->write_page.
 *
 * Each page is held by a reference while its bytes are copied; no spinlock is
 * held then, because the user's memory may fault, and may be a mapping of this
 * very file. Reads do not take inode->lock. Writes do, for the size and for
 * O_APPEND; a page fault never asks for it (see <kernel/fs.h>).
 */
#include "vfs.h"

static int read_page(struct inode *inode, uint64_t index, struct page **out)
{
    return inode->ops->get_page(inode, index, false, out);
}

ssize_t generic_file_read(struct file *f, struct io_buf *to, off_t *pos)
{
    struct inode *inode = file_data_inode(f);
    ssize_t done = 0, moved = 0;

    while (to->remaining != 0) {
        uint64_t size = READ_ONCE(inode->size);
        uint64_t at = (uint64_t)*pos;
        size_t off = at % PAGE_SIZE;
        struct page *p;
        size_t n;

        if (at >= size)
            break;
        n = min(min(PAGE_SIZE - off, size - at), to->remaining);
        moved = read_page(inode, at >> PAGE_SHIFT, &p);
        if (moved < 0)
            break;
        if (p != NULL) {
            moved = io_copy_to(to, (char *)page_address(p) + off, n);
            page_put(p);
        } else {
            moved = io_zero(to, n);
        }
        if (moved < 0)
            break;
        done += moved;
        *pos += moved;
        if ((size_t)moved < n)
            break;
        cond_resched();
    }
    path_touch_atime(&f->path);
    if (moved == -EIO) /* truncated meanwhile: that is the end of the file */
        moved = 0;
    return done != 0 ? done : moved;
}

/* Bytes between the old end and a new one read as zero, though a mapping may have left something
 * in the last page. [inode->lock] */
static void zero_tail(struct inode *inode)
{
    size_t off = inode->size % PAGE_SIZE;
    struct page *p;

    if (off == 0 || read_page(inode, inode->size >> PAGE_SHIFT, &p) < 0 || p == NULL)
        return;
    memset((char *)page_address(p) + off, 0, PAGE_SIZE - off);
    page_put(p);
}

static void set_size(struct inode *inode, uint64_t size)
{
    irqflags_t flags = spin_lock(&inode->pages_lock);

    WRITE_ONCE(inode->size, size);
    spin_unlock(&inode->pages_lock, flags);
}

static ssize_t write_pages(struct inode *inode, struct io_buf *from, off_t *pos, size_t count)
{
    ssize_t done = 0, moved = 0;

    while (count != 0) {
        size_t off = (uint64_t)*pos % PAGE_SIZE;
        size_t n = min(PAGE_SIZE - off, count);
        struct page *p;

        moved = inode->ops->write_page(inode, (uint64_t)*pos >> PAGE_SHIFT, &p);
        if (moved < 0)
            break;
        moved = io_copy_from((char *)page_address(p) + off, from, n);
        page_put(p);
        if (moved < 0)
            break;
        done += moved;
        *pos += moved;
        count -= (size_t)moved;
        if ((uint64_t)*pos > inode->size)
            set_size(inode, (uint64_t)*pos);
        if ((size_t)moved < n)
            break;
        cond_resched();
    }
    return done != 0 ? done : moved;
}

/* How much of a write at pos is allowed. [inode->lock] */
static ssize_t write_limit(struct inode *inode, uint64_t pos, size_t count)
{
    uint64_t end, allowed;
    int err;

    if (inode->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
        return -EPERM;
    if (add_overflows(pos, count, &end) || end > FILE_SIZE_MAX)
        end = FILE_SIZE_MAX;
    if (pos >= end)
        return -EFBIG;
    err = check_file_size_limit(end, &allowed);
    if (err < 0 && pos >= allowed)
        return err;
    end = min(end, allowed);
    if ((inode->seals & F_SEAL_GROW) && end > inode->size) { /* no page that would make it larger */
        end = ALIGN_DOWN(inode->size, PAGE_SIZE);
        if (pos >= end)
            return -EPERM;
    }
    return (ssize_t)(end - pos);
}

ssize_t generic_file_write(struct file *f, struct io_buf *from, off_t *pos)
{
    struct inode *inode = file_data_inode(f);
    ssize_t n;

    if (from->remaining == 0)
        return 0;
    mutex_lock(&inode->lock);
    if (f->flags & O_APPEND)
        *pos = (off_t)inode->size;
    n = write_limit(inode, (uint64_t)*pos, from->remaining);
    if (n > 0) {
        if ((uint64_t)*pos > inode->size)
            zero_tail(inode);
        file_kill_suid(f);
        n = write_pages(inode, from, pos, (size_t)n);
        if (n > 0)
            inode_touch(inode, ATTR_MTIME | ATTR_CTIME);
    }
    mutex_unlock(&inode->lock);
    return n;
}

/* ---- lseek(2) ---- */

enum { SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE };

#define PAGES_PER_HOLD 256 /* of pages_lock */

/* The first page at or after `index` that is not in the cache. */
static uint64_t next_absent_page(struct inode *inode, uint64_t index)
{
    for (;;) {
        irqflags_t flags = spin_lock(&inode->pages_lock);
        uint64_t end = index + PAGES_PER_HOLD;

        while (index < end && page_tree_get(&inode->pages, index) != NULL)
            index++;
        spin_unlock(&inode->pages_lock, flags);
        if (index < end)
            return index;
        cond_resched();
    }
}

/* The first byte at or after `off` that is in a page of the cache (or that is not). */
static off_t seek_page(struct inode *inode, off_t off, bool want_data)
{
    uint64_t index = (uint64_t)off >> PAGE_SHIFT;
    irqflags_t flags;
    struct page *p;

    if (off < 0 || (uint64_t)off >= inode->size)
        return -ENXIO;
    if (want_data) {
        flags = spin_lock(&inode->pages_lock);
        p = page_tree_next(&inode->pages, &index);
        spin_unlock(&inode->pages_lock, flags);
        if (p == NULL || index << PAGE_SHIFT >= inode->size)
            return -ENXIO;
    } else {
        index = next_absent_page(inode, index);
    }
    return max(off, (off_t)min(index << PAGE_SHIFT, inode->size));
}

off_t generic_llseek(struct file *f, off_t off, int whence)
{
    struct inode *inode = file_data_inode(f);
    off_t base = 0;

    switch (whence) {
    case SEEK_SET:
        break;
    case SEEK_CUR:
        base = f->pos;
        break;
    case SEEK_END:
        base = (off_t)READ_ONCE(inode->size);
        break;
    case SEEK_DATA:
    case SEEK_HOLE:
        if (!S_ISREG(inode->mode))
            return -EINVAL;
        off = seek_page(inode, off, whence == SEEK_DATA);
        if (off < 0)
            return off;
        break;
    default:
        return -EINVAL;
    }
    if (add_overflows(base, off, &off) || off < 0)
        return whence == SEEK_SET || off < 0 ? -EINVAL : -EOVERFLOW;
    f->pos = off;
    return off;
}

/* ---- mmap(2) ---- */

int generic_mmap(struct file *f, struct vma *vma)
{
    struct inode *inode = file_data_inode(f);

    if (inode->ops->get_page == NULL)
        return -ENODEV;
    if ((vma->flags & VMA_SHARED) &&
        (READ_ONCE(inode->seals) & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))) {
        if (vma->prot & PROT_WRITE)
            return -EPERM;
        vma->flags &= ~(uint32_t)VMA_MAYWRITE;
    }
    path_touch_atime(&f->path);
    return 0;
}
