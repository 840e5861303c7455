/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptor tables. A table is an array of files and two bit maps: taken (a
 * bit without a file is reserved: its file is still being made) and
 * close-on-exec. The first 64 descriptors are inside the structure; larger
 * tables double, charged to whoever made them grow.
 *
 * A call that makes a descriptor reserves the number first and publishes the
 * file last, so nothing has to be taken back that a program may already use.
 */
#include "vfs.h"

#define WORD_BITS    64u
#define FILES_INLINE WORD_BITS
#define FILES_MAX    524288u /* its array is 4 MiB: the largest allocation */

struct files {
    struct refcount refs;
    struct spinlock lock;
    unsigned size;       /* [lock] slots, a multiple of 64 */
    unsigned first_free; /* [lock] every number below is taken */
    struct file **slots; /* [lock] counted; NULL: free or reserved */
    uint64_t *taken;     /* [lock] */
    uint64_t *cloexec;   /* [lock] */
    struct file *inline_slots[FILES_INLINE];
    uint64_t inline_taken, inline_cloexec;
};

static struct kmem_cache *files_cache;

void fdtable_init(void)
{
    files_cache = kmem_cache_create("files", sizeof(struct files), 64);
    current->files = files_create();
    if (current->files == NULL)
        panic("vfs: no memory for the first descriptor table");
}

static bool bit_test(const uint64_t *map, unsigned n)
{
    return (map[n / WORD_BITS] >> n % WORD_BITS & 1) != 0;
}

static void bit_set(uint64_t *map, unsigned n)
{
    map[n / WORD_BITS] |= BIT(n % WORD_BITS);
}

static void bit_clear(uint64_t *map, unsigned n)
{
    map[n / WORD_BITS] &= ~BIT(n % WORD_BITS);
}

/* ---- tables ---- */

static struct files *files_alloc(void)
{
    struct files *f = kmem_cache_zalloc_for(files_cache, current_cgroup());

    if (f == NULL)
        return NULL;
    refcount_init(&f->refs, 1);
    spin_init(&f->lock);
    f->size = FILES_INLINE;
    f->slots = f->inline_slots;
    f->taken = &f->inline_taken;
    f->cloexec = &f->inline_cloexec;
    return f;
}

struct files *files_create(void)
{
    return files_alloc();
}

void files_get(struct files *f)
{
    refcount_get(&f->refs);
}

/* slots, taken and cloexec in one allocation. */
static void *arrays_alloc(unsigned size)
{
    return kalloc_for(current_cgroup(), size * sizeof(struct file *));
}

static void free_arrays(struct file **slots, uint64_t *taken)
{
    kfree(slots);
    kfree(taken);
}

static int grow_locked(struct files *f, unsigned min_size)
{
    unsigned size = f->size;
    struct file **slots;
    uint64_t *maps;

    while (size < min_size)
        size *= 2;
    slots = arrays_alloc(size);
    maps = kalloc_for(current_cgroup(), size / 8 * 2);
    if (slots == NULL || maps == NULL) {
        free_arrays(slots, maps);
        return -ENOMEM;
    }
    memcpy(slots, f->slots, f->size * sizeof(*slots));
    memcpy(maps, f->taken, f->size / 8);
    memcpy(maps + size / WORD_BITS, f->cloexec, f->size / 8);
    if (f->slots != f->inline_slots)
        free_arrays(f->slots, f->taken);
    f->slots = slots;
    f->taken = maps;
    f->cloexec = maps + size / WORD_BITS;
    f->size = size;
    return 0;
}

static unsigned used_size(const struct files *f)
{
    unsigned words = f->size / WORD_BITS;

    while (words > 1 && f->taken[words - 1] == 0)
        words--;
    return words * WORD_BITS;
}

/* Reserved numbers stay free in the copy: their file is the original's business. */
struct files *files_copy(struct files *old)
{
    struct files *f = files_alloc();
    irqflags_t flags;
    unsigned size;

    if (f == NULL)
        return NULL;
    flags = spin_lock(&old->lock);
    size = used_size(old);
    if (size > f->size && grow_locked(f, size) < 0) {
        spin_unlock(&old->lock, flags);
        kmem_cache_free(files_cache, f);
        return NULL;
    }
    for (unsigned w = 0; w < size / WORD_BITS; w++) {
        for (uint64_t bits = old->taken[w]; bits != 0; bits &= bits - 1) {
            unsigned n = w * WORD_BITS + (unsigned)__builtin_ctzll(bits);
            struct file *file = old->slots[n];

            if (file == NULL)
                continue;
            file_get(file);
            f->slots[n] = file;
            bit_set(f->taken, n);
        }
        f->cloexec[w] = old->cloexec[w] & f->taken[w];
    }
    spin_unlock(&old->lock, flags);
    return f;
}

/* What close(2) does beyond dropping the reference. */
static int close_file(struct file *file, struct files *owner)
{
    int err = 0;

    if (!file->is_path_only) {
        if (file->ops->flush != NULL)
            err = file->ops->flush(file);
        if (file->inode->locks != NULL)
            locks_remove_posix(file, owner);
    }
    file_put(file);
    return err;
}

void files_put(struct files *f)
{
    if (!refcount_put(&f->refs))
        return;
    for (unsigned w = 0; w < f->size / WORD_BITS; w++) {
        for (uint64_t bits = f->taken[w]; bits != 0; bits &= bits - 1) {
            struct file *file = f->slots[w * WORD_BITS + (unsigned)__builtin_ctzll(bits)];

            if (file != NULL)
                (void)close_file(file, f); /* nobody is left to hear of an error */
        }
        cond_resched();
    }
    if (f->slots != f->inline_slots)
        free_arrays(f->slots, f->taken);
    kmem_cache_free(files_cache, f);
}

/* ---- numbers ---- */

static unsigned fd_limit(void)
{
    uint64_t limit = READ_ONCE(current_process()->rlimits[RLIMIT_NOFILE].cur);

    return (unsigned)min(limit, (uint64_t)FILES_MAX);
}

static unsigned find_free_locked(const struct files *f, unsigned from)
{
    unsigned w = from / WORD_BITS;
    uint64_t bits;

    if (from >= f->size)
        return from;
    bits = ~f->taken[w] & (~0ULL << from % WORD_BITS);
    while (bits == 0) {
        if (++w == f->size / WORD_BITS)
            return f->size;
        bits = ~f->taken[w];
    }
    return w * WORD_BITS + (unsigned)__builtin_ctzll(bits);
}

static int take_locked(struct files *f, unsigned from, unsigned fd_flags)
{
    unsigned limit = fd_limit();
    unsigned n = find_free_locked(f, max(from, f->first_free));

    if (n >= limit)
        return -EMFILE;
    if (n >= f->size) {
        int err = grow_locked(f, n + 1);

        if (err < 0)
            return err;
    }
    bit_set(f->taken, n);
    if (fd_flags & FD_CLOEXEC)
        bit_set(f->cloexec, n);
    else
        bit_clear(f->cloexec, n);
    if (from <= f->first_free)
        f->first_free = n + 1;
    return (int)n;
}

/* Returns the file that was there, NULL for a reserved number. */
static struct file *give_back_locked(struct files *f, unsigned n)
{
    struct file *file = f->slots[n];

    f->slots[n] = NULL;
    bit_clear(f->taken, n);
    bit_clear(f->cloexec, n);
    if (n < f->first_free)
        f->first_free = n;
    return file;
}

int fd_install(struct file *file, unsigned fd_flags, int from)
{
    struct files *f = current->files;
    irqflags_t flags = spin_lock(&f->lock);
    int fd = take_locked(f, (unsigned)from, fd_flags);

    if (fd >= 0)
        f->slots[fd] = file;
    spin_unlock(&f->lock, flags);
    return fd;
}

int fd_reserve(unsigned fd_flags)
{
    struct files *f = current->files;
    irqflags_t flags = spin_lock(&f->lock);
    int fd = take_locked(f, 0, fd_flags);

    spin_unlock(&f->lock, flags);
    return fd;
}

void fd_publish(int fd, struct file *file)
{
    struct files *f = current->files;
    irqflags_t flags = spin_lock(&f->lock);

    assert(f->slots[fd] == NULL && bit_test(f->taken, (unsigned)fd));
    f->slots[fd] = file;
    spin_unlock(&f->lock, flags);
}

void fd_unreserve(int fd)
{
    struct files *f = current->files;
    irqflags_t flags = spin_lock(&f->lock);

    (void)give_back_locked(f, (unsigned)fd); /* there is no file */
    spin_unlock(&f->lock, flags);
}

/* ---- from number to file ---- */

struct file *fd_get_any(int fd)
{
    struct files *f = current->files;
    struct file *file = NULL;
    irqflags_t flags = spin_lock(&f->lock);

    if ((unsigned)fd < f->size) {
        file = f->slots[fd];
        if (file != NULL)
            file_get(file);
    }
    spin_unlock(&f->lock, flags);
    return file;
}

struct file *fd_get(int fd)
{
    struct file *file = fd_get_any(fd);

    if (file != NULL && unlikely(file->is_path_only)) {
        file_put(file);
        return NULL;
    }
    return file;
}

struct file *files_next(struct files *f, int *fd)
{
    irqflags_t flags = spin_lock(&f->lock);
    struct file *file = NULL;

    for (unsigned n = *fd < 0 ? 0 : (unsigned)*fd; n < f->size && file == NULL; n++) {
        file = f->slots[n];
        if (file != NULL) {
            file_get(file);
            *fd = (int)n;
        }
    }
    spin_unlock(&f->lock, flags);
    return file;
}

unsigned files_fd_end(struct files *f)
{
    return READ_ONCE(f->size); /* never shrinks */
}

int fd_get_flags(int fd)
{
    struct files *f = current->files;
    irqflags_t flags = spin_lock(&f->lock);
    int r = -EBADF;

    if ((unsigned)fd < f->size && f->slots[fd] != NULL)
        r = bit_test(f->cloexec, (unsigned)fd) ? FD_CLOEXEC : 0;
    spin_unlock(&f->lock, flags);
    return r;
}

int fd_set_flags(int fd, unsigned fd_flags)
{
    struct files *f = current->files;
    irqflags_t flags = spin_lock(&f->lock);
    int err = -EBADF;

    if ((unsigned)fd < f->size && f->slots[fd] != NULL) {
        if (fd_flags & FD_CLOEXEC)
            bit_set(f->cloexec, (unsigned)fd);
        else
            bit_clear(f->cloexec, (unsigned)fd);
        err = 0;
    }
    spin_unlock(&f->lock, flags);
    return err;
}

/* ---- closing ---- */

/* Take a file out of the table if it is open; the caller closes it. */
static struct file *take_file(struct files *f, unsigned n)
{
    irqflags_t flags = spin_lock(&f->lock);
    struct file *file = NULL;

    if (n < f->size && f->slots[n] != NULL)
        file = give_back_locked(f, n);
    spin_unlock(&f->lock, flags);
    return file;
}

int fd_close(int fd)
{
    struct files *f = current->files;
    struct file *file = take_file(f, (unsigned)fd);

    return file != NULL ? close_file(file, f) : -EBADF;
}

void files_close_on_exec(struct files *f)
{
    for (unsigned w = 0; w < f->size / WORD_BITS; w++) {
        for (uint64_t bits = f->cloexec[w]; bits != 0; bits &= bits - 1) {
            struct file *file = take_file(f, w * WORD_BITS + (unsigned)__builtin_ctzll(bits));

            if (file != NULL)
                (void)close_file(file, f); /* execve has no way to report it */
        }
        cond_resched();
    }
}

/* ---- dup2(2) ---- */

int fd_dup_to(int newfd, struct file *file, unsigned fd_flags)
{
    struct files *f = current->files;
    unsigned n = (unsigned)newfd;
    struct file *old = NULL;
    irqflags_t flags;
    int err = 0;

    if (n >= fd_limit())
        return -EBADF;
    flags = spin_lock(&f->lock);
    if (n >= f->size)
        err = grow_locked(f, n + 1);
    if (err == 0 && bit_test(f->taken, n)) {
        old = f->slots[n];
        if (old == NULL)
            err = -EBUSY; /* another thread's open(2) is about to return it */
        else
            (void)give_back_locked(f, n);
    }
    if (err == 0) {
        f->slots[n] = file;
        bit_set(f->taken, n);
        if (fd_flags & FD_CLOEXEC)
            bit_set(f->cloexec, n);
        if (f->first_free == n)
            f->first_free = n + 1;
    }
    spin_unlock(&f->lock, flags);
    if (old != NULL)
        (void)close_file(old, f); /* dup2(2): errors of the close are not reported */
    return err < 0 ? err : newfd;
}

/* ---- system calls ---- */

long sys_close(int fd)
{
    long err = fd_close(fd);

    /* The descriptor is gone: a restart would close another thread's new one. */
    return err == -ERESTARTSYS || err == -ERESTARTNOINTR ? -EINTR : err;
}

long sys_dup(int fd)
{
    struct file *file = fd_get_any(fd);
    int newfd;

    if (file == NULL)
        return -EBADF;
    newfd = fd_install(file, 0, 0);
    if (newfd < 0)
        file_put(file);
    return newfd;
}

static long dup_to(int oldfd, int newfd, unsigned fd_flags)
{
    struct file *file = fd_get_any(oldfd);
    int err;

    if (file == NULL)
        return -EBADF;
    err = fd_dup_to(newfd, file, fd_flags);
    if (err < 0)
        file_put(file);
    return err;
}

long sys_dup2(int oldfd, int newfd)
{
    if (oldfd == newfd) {
        int err = fd_get_flags(oldfd);

        return err < 0 ? err : newfd;
    }
    return dup_to(oldfd, newfd, 0);
}

long sys_dup3(int oldfd, int newfd, int flags)
{
    if ((flags & ~(int)O_CLOEXEC) != 0 || oldfd == newfd)
        return -EINVAL;
    return dup_to(oldfd, newfd, flags & (int)O_CLOEXEC ? FD_CLOEXEC : 0);
}

#define CLOSE_RANGE_UNSHARE 2u
#define CLOSE_RANGE_CLOEXEC 4u

int files_unshare(void)
{
    struct files *old = current->files;
    struct files *copy;

    if (refcount_read(&old->refs) == 1)
        return 0;
    copy = files_copy(old);
    if (copy == NULL)
        return -ENOMEM;
    current->files = copy;
    files_put(old);
    return 0;
}

long sys_close_range(unsigned first, unsigned last, unsigned flags)
{
    struct files *f;
    int err;

    if ((flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) != 0 || first > last)
        return -EINVAL;
    if (flags & CLOSE_RANGE_UNSHARE) {
        err = files_unshare();
        if (err < 0)
            return err;
    }
    f = current->files;
    for (unsigned n = first; n <= last && n < READ_ONCE(f->size); n++) {
        struct file *file;

        cond_resched();
        if (flags & CLOSE_RANGE_CLOEXEC) {
            (void)fd_set_flags((int)n, FD_CLOEXEC); /* not open: nothing to mark */
            continue;
        }
        file = take_file(f, n);
        if (file != NULL)
            (void)close_file(file, f); /* close_range(2) reports no errors of closing */
    }
    return 0;
}
