/* SPDX-License-Identifier: BSD-2-Clause */
/* Address spaces, copies on write, groups that run out of memory. */
#include "leaks.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE  4096ul
#define PAGES 600ul /* more than one page table */
#define GROUP "/sys/fs/cgroup/leaks-memory"

static char *map_pages(size_t n, int flags)
{
    char *p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

    check(p != MAP_FAILED);
    return p;
}

static void touch(volatile char *p, size_t n, size_t step)
{
    for (size_t i = 0; i < n; i += step)
        p[i * PAGE]++;
}

static void write_some(void *arg)
{
    touch(arg, PAGES, 3);
    must(munmap((char *)arg + 10 * PAGE, 100 * PAGE));
}

/* To where the last page goes, the table is the one that the first page comes from. */
static void move_down(void)
{
    const size_t table = 2 << 20;
    char *room =
             mmap(NULL, 5 * table, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0),
         *from;

    check(room != MAP_FAILED);
    from = (char *)(((uintptr_t)room + 3 * table) & -table) - PAGE;
    must(mprotect(from, 20 * PAGE, PROT_READ | PROT_WRITE));
    touch(from, 20, 1);
    check(mremap(from, 20 * PAGE, 20 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, from - table) ==
          from - table);
    touch(from - table, 20, 1);
    check(from[PAGE - table] == 2);
    must(munmap(room, 5 * table));
}

static void mappings(unsigned i)
{
    char *p = map_pages(PAGES, MAP_PRIVATE), *shared = map_pages(PAGES, MAP_SHARED), *far;
    int fd = (int)must(open("/bin/busybox", O_RDONLY | O_CLOEXEC));
    char *file;

    touch(p, PAGES, 1);
    touch(shared, PAGES, 2);
    for (size_t n = 0; n < 20; n++) /* holes: areas are split */
        must(munmap(p + n * 20 * PAGE, PAGE));
    must(mprotect(p + 5 * PAGE, 10 * PAGE, PROT_READ));
    must(mprotect(p + 5 * PAGE, 10 * PAGE, PROT_READ | PROT_WRITE));
    must(madvise(p + 21 * PAGE, 15 * PAGE, MADV_DONTNEED));
    wait_exited(spawn(write_some, shared));
    far = mremap(p + 450 * PAGE, 50 * PAGE, 1200 * PAGE, MREMAP_MAYMOVE);
    check(far != MAP_FAILED);
    touch(far, 1200, 7);
    check(mremap(far, 1200 * PAGE, 3 * PAGE, 0) == far);

    file = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    check(file != MAP_FAILED);
    touch(file, 64, 2); /* copies */
    must(close(fd));
    must_fail(ENOMEM, mremap(p + PAGE, PAGE, 1ul << 48, MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0);
    must_fail(EINVAL, munmap(p + 1, PAGE));
    move_down();
    must(munmap(file, 64 * PAGE));
    must(munmap(far, 3 * PAGE));
    must(munmap(p, PAGES * PAGE));
    must(munmap(shared, PAGES * PAGE));
    (void)i;
}

static void copies_of_copies(void *arg)
{
    char *p = arg;

    touch(p, PAGES, 5);
    if (p[1]-- > 0)
        wait_exited(spawn(copies_of_copies, p));
    touch(p, PAGES, 2);
}

static pid_t leader;

static void join_and_copy(void *arg)
{
    must(setpgid(0, leader)); /* 0: the first of them */
    copies_of_copies(arg);
}

static void copy_on_write(unsigned i)
{
    char *p = map_pages(PAGES, MAP_PRIVATE);
    pid_t pids[4];

    touch(p, PAGES, 1);
    p[1] = 5;
    wait_exited(spawn(copies_of_copies, p));
    leader = 0;
    for (size_t n = 0; n < LENGTH(pids); n++) {
        pids[n] = spawn(join_and_copy, p);
        (void)setpgid(pids[n], pids[0]); /* whoever comes first; it may be over already */
        leader = pids[0];
    }
    drift(i);
    touch(p, PAGES, 3);
    (void)kill(-leader, SIGKILL); /* their children, too */
    for (size_t n = 0; n < LENGTH(pids); n++)
        must(waitpid(pids[n], NULL, 0));
    must(munmap(p, PAGES * PAGE));
}

static volatile char *volatile nowhere = (char *)8; /* volatile: the compiler would object */
static volatile bool is_deep;                       /* never; the compiler cannot know */

static void fall(volatile char *above)
{
    volatile char frame[3 * PAGE];

    frame[0] = frame[2 * PAGE] = above[0];
    if (!is_deep)
        fall(frame);
    above[0] = frame[0];
}

/* The stack to its limit; what is not mapped; what may not be written. */
static void faults(unsigned i)
{
    pid_t pid = (pid_t)must(fork());
    volatile char byte = 0;

    (void)i;
    if (pid == 0)
        fall(&byte);
    wait_killed(pid, SIGSEGV);
    pid = (pid_t)must(fork());
    if (pid == 0)
        *nowhere = 1;
    wait_killed(pid, SIGSEGV);
}

/* ---- groups -------------------------------------------------------------------------- */

static void make_group(const char *limit)
{
    must(mkdir(GROUP, 0755));
    must(put(GROUP "/memory.max", limit));
}

static void remove_group(void)
{
    while (rmdir(GROUP) < 0)
        check(errno == EBUSY);
}

static void join_group(void)
{
    char me[16];

    snprintf(me, sizeof(me), "%d", getpid());
    must(put(GROUP "/cgroup.procs", me));
}

static void eat_pages(void *arg)
{
    (void)arg;
    join_group();
    touch(map_pages(8192, MAP_PRIVATE), 8192, 1);
}

static void eat_shared(void *arg)
{
    (void)arg;
    join_group();
    touch(map_pages(8192, MAP_SHARED), 8192, 1);
}

static void eat_forks(void *arg)
{
    (void)arg;
    join_group();
    for (int i = 0; i < 40; i++) {
        if (fork() == 0) {
            touch(map_pages(100, MAP_PRIVATE), 100, 1);
            pause();
        }
    }
    raise(SIGKILL); /* some of the children were chosen before */
}

static void eat_tmpfs(void *arg)
{
    static char bytes[1 << 16];
    int fd;

    (void)arg;
    join_group();
    fd = (int)must(open("/tmp/leaks-eaten", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    while (write(fd, bytes, sizeof(bytes)) > 0)
        ;
    check(errno == ENOMEM || errno == ENOSPC);
    raise(SIGKILL); /* or the kernel did it before */
}

static void eat_objects(void *arg)
{
    int ends[2], fd;

    (void)arg;
    join_group();
    while ((fd = open("/dev/null", O_RDWR)) >= 0)
        ;
    while (pipe(ends) == 0)
        ;
    for (int i = 0; i < 100; i++) {
        if (mount("x", "/tmp", "tmpfs", 0, NULL) == 0)
            must(umount2("/tmp", 0));
        if (fork() == 0)
            _exit(0);
    }
    raise(SIGKILL);
}

/* Killed inside its group, which can be removed at once. */
static void out_of_memory(unsigned i)
{
    static void (*const eaters[])(void *) = {eat_pages, eat_shared, eat_forks, eat_tmpfs,
                                             eat_objects};

    make_group("2M");
    wait_killed(spawn(eaters[i % LENGTH(eaters)], NULL), SIGKILL);
    must(put(GROUP "/cgroup.kill", "1"));
    (void)unlink("/tmp/leaks-eaten");
    remove_group();
}

struct near_limit {
    unsigned files; /* objects of less than a page, for limits are whole pages */
    unsigned pages; /* that are left */
};

/* Has the group's memory and its parent's dispositions, which execve() has to replace. */
static int exec_with_pages_left(void *arg)
{
    const struct near_limit *n = arg;
    char text[32] = "";
    int fd = open(GROUP "/memory.current", O_RDONLY | O_CLOEXEC);

    (void)!read(fd, text, sizeof(text) - 1);
    close(fd);
    snprintf(text, sizeof(text), "%lu", strtoul(text, NULL, 10) + n->pages * PAGE);
    if (put(GROUP "/memory.max", text) == 0)
        execl("/bin/busybox", "true", (char *)NULL);
    _exit(0);
}

static void exec_in_group(void *arg)
{
    static char stack[16 * PAGE];
    const struct near_limit *n = arg;

    join_group();
    for (unsigned i = 0; i < n->files; i++)
        must(open("/dev/null", O_RDWR));
    if (clone(exec_with_pages_left, stack + sizeof(stack),
              CLONE_VM | CLONE_SIGHAND | CLONE_VFORK | SIGCHLD, arg) > 0)
        (void)wait(NULL);
}

/* However far execve() comes, and whoever is killed: refused, begun or done. */
static void exec_near_limit(unsigned i)
{
    struct near_limit n = {.files = i % 16};

    for (n.pages = 0; n.pages < 40; n.pages++) {
        make_group("8M");
        must(waitpid(spawn(exec_in_group, &n), NULL, 0));
        must(put(GROUP "/cgroup.kill", "1"));
        remove_group();
    }
}

const struct area memory_areas[] = {
    {"mappings", 50, mappings},
    {"copy_on_write", 30, copy_on_write},
    {"faults", 20, faults},
    {"out_of_memory", 50, out_of_memory},
    {"exec_near_limit", 16, exec_near_limit},
    {NULL, 0, NULL},
};
