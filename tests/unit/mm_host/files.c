/* SPDX-License-Identifier: BSD-2-Clause */
/* Files as kernel/mm sees them: reference counts, and a page cache in memory. */
#include <kernel/cgroup.h>
#include <kernel/errno.h>
#include <kernel/files.h>
#include <kernel/string.h>
#include <kernel/vm.h>

#include "machine.h"

struct machine_inode {
    struct inode inode;
    struct file file;
    struct page *pages[FILE_PAGES];
};

static struct machine_inode *of(struct file *f)
{
    return container_of(f, struct machine_inode, file);
}

void file_get(struct file *f)
{
    refcount_get(&f->refs);
}

void file_put(struct file *f)
{
    struct machine_inode *m = of(f);

    if (!refcount_put(&f->refs))
        return;
    assert(list_is_empty(&m->inode.mappings));
    for (unsigned i = 0; i < FILE_PAGES; i++) {
        if (m->pages[i] != NULL)
            page_put(m->pages[i]);
    }
    kfree(m);
}

struct file *fd_get(int fd)
{
    (void)fd;
    return NULL;
}

static int fill(struct machine_inode *m, uint64_t index)
{
    if (m->pages[index] == NULL) {
        m->pages[index] = page_alloc_for(&cgroup_root, 0, ALLOC_ZERO);
        if (m->pages[index] == NULL)
            return -ENOMEM;
        m->pages[index]->flags |= PAGE_F_CACHE;
    }
    return 0;
}

static int get_page(struct inode *inode, uint64_t index, bool for_write, struct page **out)
{
    struct machine_inode *m = container_of(inode, struct machine_inode, inode);
    int err = for_write ? fill(m, index) : 0;

    if (err < 0)
        return err;
    *out = m->pages[index];
    if (*out != NULL)
        page_get(*out);
    return 0;
}

void (*machine_while_mapping)(struct inode *inode);

static int map_file(struct file *f, struct vma *vma)
{
    (void)vma;
    if (machine_while_mapping != NULL)
        machine_while_mapping(f->inode);
    return 0;
}

static const struct inode_ops inode_ops = {.get_page = get_page};
static const struct file_ops file_ops = {.mmap = map_file};

struct file *machine_file(unsigned npages, bool writable)
{
    struct machine_inode *m = kzalloc(sizeof(*m));

    assert(npages <= FILE_PAGES);
    if (m == NULL)
        return NULL;
    list_init(&m->inode.mappings);
    m->inode.ops = &inode_ops;
    m->inode.size = npages * PAGE_SIZE;
    m->file.inode = &m->inode;
    m->file.ops = &file_ops;
    m->file.can_read = true;
    m->file.can_write = writable;
    refcount_init(&m->file.refs, 1);
    return &m->file;
}

int shmem_file_create(const char *name, uint64_t size, struct file **out)
{
    (void)name;
    if (size > FILE_PAGES * PAGE_SIZE)
        return -ENOMEM;
    *out = machine_file((unsigned)(size >> PAGE_SHIFT), true);
    return *out != NULL ? 0 : -ENOMEM;
}

void machine_file_write(struct file *f, unsigned page, unsigned word, uint64_t value)
{
    assert(fill(of(f), page) == 0);
    ((uint64_t *)page_address(of(f)->pages[page]))[word] = value;
}

uint64_t machine_file_read(struct file *f, unsigned page, unsigned word)
{
    struct page *p = of(f)->pages[page];

    return p != NULL ? ((uint64_t *)page_address(p))[word] : 0;
}

/* As truncate(2): the size, then the pages, then every mapping of them. */
void machine_file_truncate(struct file *f, unsigned npages)
{
    struct machine_inode *m = of(f);
    struct page *gone[FILE_PAGES];
    unsigned ngone = 0;

    m->inode.size = npages * PAGE_SIZE;
    for (unsigned i = npages; i < FILE_PAGES; i++) {
        if (m->pages[i] != NULL)
            gone[ngone++] = m->pages[i];
        m->pages[i] = NULL;
    }
    mm_unmap_file(&m->inode, npages, UINT64_MAX, MM_UNMAP_ALL);
    for (unsigned i = 0; i < ngone; i++)
        page_put(gone[i]);
}
