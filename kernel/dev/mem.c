/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * null(4), zero(4), full(4), random(4); and debugcon, the emulators' debug port,
 * by which tests hand out their results: whatever root writes there comes out
 * of the emulator byte for byte.
 */
#include "mem.h"

#include <kernel/fs.h>
#include <kernel/proc.h>
#include <kernel/random.h>
#include <kernel/trap.h>
#include <kernel/uaccess.h>
#include <kernel/vm.h>

#include "kernel/abi/ioctl.h"

#define CHUNK     256
#define MAJOR_MEM 1

static off_t seek_nowhere(struct file *f, off_t off, int whence)
{
    (void)off;
    (void)whence;
    f->pos = 0;
    return 0;
}

static uint32_t always_ready(struct file *f, struct poll_table *pt)
{
    (void)f;
    (void)pt;
    return POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;
}

static ssize_t read_end(struct file *f, struct io_buf *to, off_t *pos)
{
    (void)f;
    (void)to;
    (void)pos;
    return 0;
}

static ssize_t write_discard(struct file *f, struct io_buf *from, off_t *pos)
{
    (void)f;
    (void)pos;
    return (ssize_t)from->remaining; /* never looked at: a bad address is as good as any */
}

static ssize_t write_full(struct file *f, struct io_buf *from, off_t *pos)
{
    (void)f;
    (void)from;
    (void)pos;
    return -ENOSPC;
}

static ssize_t read_zero(struct file *f, struct io_buf *to, off_t *pos)
{
    ssize_t done = 0;

    (void)f;
    (void)pos;
    while (to->remaining > 0) {
        size_t want = min(to->remaining, PAGE_SIZE);
        ssize_t n = io_zero(to, want);

        if (n < 0)
            return done > 0 ? done : n;
        done += n;
        if ((size_t)n < want || signal_pending(current))
            break;
        cond_resched();
    }
    return done;
}

/* A private mapping of zeros is anonymous memory; a shared one is a file of its own. */
static int mmap_zero(struct file *f, struct vma *vma)
{
    struct file *shmem;
    int err;

    if (!(vma->flags & VMA_SHARED)) {
        file_put(f);
        vma->file = NULL;
        vma->pgoff = 0;
        return 0;
    }
    err = shmem_file_create("/dev/zero", vma->end - vma->start, &shmem);
    if (err < 0)
        return err;
    file_put(f);
    vma->file = shmem;
    vma->pgoff = 0;
    return shmem->ops->mmap(shmem, vma);
}

static ssize_t read_random(struct file *f, struct io_buf *to, off_t *pos)
{
    uint8_t chunk[CHUNK];
    ssize_t done = 0;

    (void)f;
    (void)pos;
    while (to->remaining > 0) {
        size_t want = min(to->remaining, sizeof(chunk));
        ssize_t n;

        random_bytes(chunk, want);
        n = io_copy_to(to, chunk, want);
        if (n < 0)
            return done > 0 ? done : n;
        done += n;
        if ((size_t)n < want || signal_pending(current))
            break;
        cond_resched();
    }
    return done;
}

static ssize_t write_random(struct file *f, struct io_buf *from, off_t *pos)
{
    uint8_t chunk[CHUNK];
    ssize_t done = 0;

    (void)f;
    (void)pos;
    while (from->remaining > 0) {
        ssize_t n = io_copy_from(chunk, from, min(from->remaining, sizeof(chunk)));

        if (n < 0)
            return done > 0 ? done : n;
        random_add(chunk, (size_t)n);
        done += n;
        if (n == 0 || signal_pending(current))
            break;
        cond_resched();
    }
    return done;
}

static long ioctl_random(struct file *f, unsigned cmd, uint64_t arg)
{
    (void)f;
    return cmd == RNDGETENTCNT ? put_user(arg, (int32_t)256) : -EINVAL;
}

static ssize_t write_debugcon(struct file *f, struct io_buf *from, off_t *pos)
{
    uint8_t chunk[CHUNK];
    ssize_t done = 0;

    (void)f;
    (void)pos;
    while (from->remaining > 0) {
        ssize_t n = io_copy_from(chunk, from, min(from->remaining, sizeof(chunk)));

        if (n <= 0)
            return done > 0 ? done : n;
        debug_port_write(chunk, (size_t)n);
        done += n;
        cond_resched();
    }
    return done;
}

static const struct file_ops null_fops = {
    .read = read_end, .write = write_discard, .llseek = seek_nowhere};
static const struct file_ops zero_fops = {.read = read_zero,
                                          .write = write_discard,
                                          .llseek = seek_nowhere,
                                          .mmap = mmap_zero};
static const struct file_ops full_fops = {
    .read = read_zero, .write = write_full, .llseek = seek_nowhere};
static const struct file_ops random_fops = {.read = read_random,
                                            .write = write_random,
                                            .llseek = seek_nowhere,
                                            .poll = always_ready,
                                            .ioctl = ioctl_random};
static const struct file_ops debugcon_fops = {.write = write_debugcon, .poll = always_ready};

static struct char_dev devices[] = {
    {.dev = MKDEV(MAJOR_MEM, 3), .name = "null", .mode = 0666, .ops = &null_fops},
    {.dev = MKDEV(MAJOR_MEM, 5), .name = "zero", .mode = 0666, .ops = &zero_fops},
    {.dev = MKDEV(MAJOR_MEM, 7), .name = "full", .mode = 0666, .ops = &full_fops},
    {.dev = MKDEV(MAJOR_MEM, 8), .name = "random", .mode = 0666, .ops = &random_fops},
    {.dev = MKDEV(MAJOR_MEM, 9), .name = "urandom", .mode = 0666, .ops = &random_fops},
    {.dev = MKDEV(MAJOR_MEM, 11),
     .name = "kmsg",
     .mode = 0644,
     .ops = &kmsg_fops,
     .open = kmsg_open},
    {.dev = MKDEV(10, 250), .name = "debugcon", .mode = 0600, .ops = &debugcon_fops},
};

void mem_devices_init(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(devices); i++)
        char_dev_register(&devices[i]);
}
