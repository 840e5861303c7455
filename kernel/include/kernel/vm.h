/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address spaces. A struct mm is a page table and an ordered set of
 * areas (struct vma); pages come on demand in mm_fault(). (kernel/mm)
 *
 * hv holds no pages: it subscribes to changes with a struct mm_notifier and
 * resolves second-level faults with mm_get_page() under mm_notifier_seq().
 */
#pragma once

#include <kernel/mm.h>
#include <kernel/mutex.h>
#include <kernel/rbtree.h>

struct file;
struct mm;
struct vma;

enum prot { PROT_NONE = 0, PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4 };

enum vma_flags {
    VMA_SHARED = BIT(0),
    VMA_GROWSDOWN = BIT(1), /* the stack: grows to its rlimit */
    VMA_DONTCOPY = BIT(2),  /* MADV_DONTFORK */
    VMA_NORESERVE = BIT(3),
    VMA_HEAP = BIT(4),
    VMA_STACK = BIT(5),
    VMA_MAYWRITE = BIT(6), /* mprotect may add PROT_WRITE (file opened for writing, or private) */
    VMA_HUGEPAGE = BIT(7), /* madvise(2) MADV_HUGEPAGE, or large anonymous memory: 2 MiB pages */
    VMA_NOHUGEPAGE = BIT(8),
    VMA_NOEXEC = BIT(9),   /* from a noexec mount: mprotect may not add PROT_EXEC */
};

/* How an area that maps something other than anonymous memory or a file's page cache gets pages. */
struct vma_ops {
    /* One page for this index, with a reference for the caller; -EFAULT/-EIO: SIGBUS. */
    int (*fault)(struct vma *vma, uint64_t pgoff, struct page **out);
    void (*close)(struct vma *vma);
};

struct vma {
    struct rb_node node; /* [mm->lock] in mm->vmas by start */
    struct mm *mm;       /* [I] */
    uaddr_t start, end;  /* [mm->lock] page aligned */
    uint32_t prot;       /* enum prot */
    uint32_t flags;      /* enum vma_flags */
    struct file *file;   /* counted; NULL: anonymous */
    uint64_t pgoff;      /* page number in the file of `start` */
    const struct vma_ops *ops; /* NULL: anonymous or page cache */
    void *private;             /* for ops */
    struct list_node inode_link; /* [file_mappings_lock] in file->inode->mappings */
    uint64_t zap_seq;            /* [mm->lock] last truncation that has passed here */
};

struct mm_notifier {
    struct list_node link;
    /* Pages of [start, end) are about to be unmapped, replaced or made read-only. After it
     * returns no CPU may use a translation of them. Called with mm->lock held; may call cond_resched(). */
    void (*invalidate)(struct mm_notifier *n, uaddr_t start, uaddr_t end);
    /* The address space ends: as invalidate of everything, and no mm function may be called after. */
    void (*release)(struct mm_notifier *n);
};

#define MM_AREAS_MAX 65530 /* the default of Linux's vm.max_map_count, which may be exceeded by one as there */

struct mm {
    struct refcount users;  /* threads and lookups: the last mm_put() unmaps everything */
    struct refcount refs;   /* users as a whole, plus mm_grab(): the struct itself */
    struct mutex lock;
    paddr_t pgd;            /* [I] */
    struct rb_root vmas;    /* [lock] */
    uint32_t area_count;    /* [lock] in vmas */
    struct list_node notifiers; /* [lock] */
    uint64_t notifier_seq;  /* [lock, read anywhere] changes at every invalidate */
    struct cgroup *cgroup;  /* [lock] what pages and tables are charged to; counted */
    uaddr_t brk_start, brk; /* [lock] */
    uaddr_t mmap_base;      /* [lock] highest address for new areas; searched downwards */
    uaddr_t stack_start;    /* for /proc and auxv */
    uaddr_t arg_start, arg_end, env_start, env_end; /* for /proc/PID/cmdline, environ */
    uint64_t auxv[48];
    uint32_t auxv_len;      /* bytes */
    struct file *exe;       /* counted; /proc/PID/exe */
    uint64_t rss_anon, rss_file, rss_shmem; /* [lock] pages */
    uint64_t total_vm;      /* [lock] pages mapped */
    uint64_t table_pages;   /* [lock] */
    struct list_node dead_vmas;   /* [lock] areas to free once the lock is given up */
    struct list_node dead_tables; /* [lock] page tables taken out since the last flush */
    uint64_t hiwater_rss;
    uint64_t cpus;          /* [a] CPUs that have this pgd loaded: TLB shoot-down */
};

struct mm *mm_create(struct cgroup *cg); /* empty, one user */
int mm_fork(struct mm *parent, struct mm **out); /* copy on write */
void mm_get(struct mm *mm);                      /* users */
void mm_put(struct mm *mm);
void mm_grab(struct mm *mm); /* the struct only */
void mm_drop(struct mm *mm);
bool mm_get_unless_dead(struct mm *mm);
/* What it needs from now on is charged to cg; what it has stays charged to whom it was. May sleep. */
void mm_set_cgroup(struct mm *mm, struct cgroup *cg);
void mm_switch(struct mm *next); /* loads cr3; NULL: kernel only */

/* All lengths in bytes; addr and len page aligned unless said. Errors as mmap(2) etc. */
#define MAP_SHARED          0x01
#define MAP_PRIVATE         0x02
#define MAP_SHARED_VALIDATE 0x03
#define MAP_FIXED           0x10
#define MAP_ANONYMOUS       0x20
#define MAP_GROWSDOWN       0x0100
#define MAP_DENYWRITE       0x0800
#define MAP_EXECUTABLE      0x1000
#define MAP_LOCKED          0x2000
#define MAP_NORESERVE       0x4000
#define MAP_POPULATE        0x8000
#define MAP_STACK           0x20000
#define MAP_FIXED_NOREPLACE 0x100000
int mm_map(struct mm *mm, uaddr_t addr, size_t len, uint32_t prot, uint32_t map_flags, struct file *file,
           off_t offset, uaddr_t *out);
int mm_unmap(struct mm *mm, uaddr_t addr, size_t len);
/* Undo what one mm_map() at addr did with a file of this kind, as far as it is still there: its areas
 * may have been cut since. -EINVAL: there is none. */
struct file_ops;
int mm_unmap_file_at(struct mm *mm, uaddr_t addr, const struct file_ops *ops);
int mm_protect(struct mm *mm, uaddr_t addr, size_t len, uint32_t prot);

enum access { ACCESS_READ = 1, ACCESS_WRITE = 2, ACCESS_EXEC = 4 };
/* Resolve one page fault. 0; -EFAULT: SIGSEGV (no area: MAPERR), -EACCES: SIGSEGV (ACCERR),
 * -EIO: SIGBUS (past the end of the file), -ENOMEM: over the limit (the group's OOM killer ran). */
int mm_fault(struct mm *mm, uaddr_t addr, unsigned access);

/* The page behind a user address, faulted in, with a reference for the caller. For hv, futexes,
 * and /proc/PID/mem. *writable tells whether the page may be mapped writable (false: it is
 * shared copy-on-write or a read-only area: come back with ACCESS_WRITE). */
int mm_get_page(struct mm *mm, uaddr_t addr, unsigned access, struct page **out, bool *writable);
/* As mm_get_page for a whole 2 MiB block if the area has one there: 0 with the head page. */
int mm_get_block(struct mm *mm, uaddr_t addr, unsigned access, struct page **out, bool *writable, unsigned *order);

void mm_notifier_add(struct mm *mm, struct mm_notifier *n);
void mm_notifier_remove(struct mm *mm, struct mm_notifier *n);

/* Another process's memory, page by page; bytes copied or -EFAULT/-EIO. */
ssize_t mm_read_remote(struct mm *mm, uaddr_t addr, void *buf, size_t len);
ssize_t mm_write_remote(struct mm *mm, uaddr_t addr, const void *buf, size_t len);

/* Pages [first, last] of a file left the page cache: unmap them everywhere. Behind a truncated file's
 * end there is nothing for anybody; a hole in it leaves private copies to those who have written them. */
enum mm_unmap_what { MM_UNMAP_ALL, MM_UNMAP_SHARED };
void mm_unmap_file(struct inode *inode, uint64_t first, uint64_t last, enum mm_unmap_what what);
/* No shared area of the file writes from now on, nor after mprotect. False: there is one that does. */
bool mm_file_deny_writing(struct inode *inode);

struct vma *vma_find(struct mm *mm, uaddr_t addr); /* [mm->lock] first area with end > addr, or NULL */
struct vma *vma_next(struct vma *vma);             /* [mm->lock] lets others run: there may be many */
