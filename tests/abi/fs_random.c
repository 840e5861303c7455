/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Thousands of random calls on a small tree of names, mounts among them, the
 * same ones every time. What each answers, and from time to time the whole
 * tree, is what Linux says.
 */
#include "abi.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define DIR_NAME       "/tmp/fs_random"
#define CALLS          6000
#define MOUNTS_AT_MOST 12

static uint64_t state;
static int mounts;

static unsigned pick(unsigned n)
{
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)(state >> 33) % n;
}

/* A path of one to four components out of few, so that they meet often. */
static char *path(char *buf)
{
    static const char *const names[] = {
        "a", "b", "c", "d", "a", "b", "c", "..", ".", "long-name-that-is-not-inline-in-a-dentry"};
    unsigned n = 1 + pick(3);
    size_t len = 0;

    if (pick(20) == 0)
        len += (size_t)sprintf(buf, "/");
    for (unsigned i = 0; i < n; i++)
        len += (size_t)sprintf(buf + len, "%s%s", i > 0 ? "/" : "", names[pick(ARRAY_LEN(names))]);
    if (pick(15) == 0)
        sprintf(buf + len, "/");
    return buf;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void show_tree(const char *dir, int depth)
{
    struct dirent **names = NULL;
    int n = scandir(dir, &names, NULL, by_name);

    for (int i = 0; i < n; i++) {
        char sub[4096], target[256] = "";
        struct stat s;

        snprintf(sub, sizeof(sub), "%s/%s", dir, names[i]->d_name);
        if (strcmp(names[i]->d_name, ".") != 0 && strcmp(names[i]->d_name, "..") != 0 &&
            lstat(sub, &s) == 0) {
            if (S_ISLNK(s.st_mode) && readlink(sub, target, sizeof(target) - 1) < 0)
                target[0] = '?';
            printf("  %s %o %lu %ld %s\n", sub, s.st_mode, (unsigned long)s.st_nlink,
                   S_ISDIR(s.st_mode) ? 0 : (long)s.st_size, target);
            if (S_ISDIR(s.st_mode) && depth < 6)
                show_tree(sub, depth + 1);
        }
        free(names[i]);
    }
    free(names);
}

static long do_open(const char *name)
{
    static const int flags[] = {O_RDONLY, O_WRONLY,    O_RDWR,     O_CREAT, O_EXCL | O_CREAT,
                                O_TRUNC,  O_DIRECTORY, O_NOFOLLOW, O_PATH,  O_APPEND};
    int f = flags[pick(3)] | flags[3 + pick(7)] | (pick(2) ? O_CREAT : 0);
    int fd;

    if ((f & O_DIRECTORY) && (f & O_CREAT)) /* differs between versions of Linux */
        f &= ~O_CREAT;
    fd = open(name, f, 0644);
    if (fd < 0)
        return -1;
    if (f & (O_WRONLY | O_RDWR))
        (void)!write(fd, "data", 1 + pick(4));
    close(fd);
    return 0;
}

static long do_stat(const char *name)
{
    struct stat s;

    if ((pick(2) ? stat(name, &s) : lstat(name, &s)) < 0)
        return -1;
    return (long)(s.st_mode + (S_ISDIR(s.st_mode) ? 0 : (unsigned long)s.st_size) +
                  s.st_nlink * 1000000);
}

static long do_mount(const char *from, const char *to)
{
    static const unsigned long kinds[] = {0, MS_BIND, MS_BIND | MS_REC, MS_MOVE};
    unsigned kind = pick(4);
    long r;

    if (mounts >= MOUNTS_AT_MOST)
        return 0;
    r = mount(kind == 0 ? "none" : from, to, "tmpfs", kinds[kind], NULL);
    mounts += r == 0 && kind != 3;
    if (r < 0 &&
        errno == EINVAL) /* in a detached tree: which of the two differs between versions */
        errno = ENOENT;
    return r;
}

static long do_umount(const char *name)
{
    long r = umount2(name, pick(3) == 0 ? MNT_DETACH : pick(4) == 0 ? UMOUNT_NOFOLLOW : 0);

    mounts -= r == 0 && mounts > 0;
    return r;
}

static long call(const char *what[3])
{
    static char a[256], b[256];
    char buf[4096];

    what[1] = path(a);
    what[2] = path(b);
    switch (pick(22)) {
    case 0:
    case 1:
    case 2:
        what[0] = "mkdir";
        return mkdir(a, 0755);
    case 3:
    case 4:
        what[0] = "rmdir";
        return rmdir(a);
    case 5:
    case 6:
    case 7:
        what[0] = "open";
        return do_open(a);
    case 8:
    case 9:
        what[0] = "unlink";
        return unlink(a);
    case 10:
    case 11:
    case 12:
        what[0] = "rename";
        return renameat2(AT_FDCWD, a, AT_FDCWD, b, pick(3) == 0 ? 1 + pick(2) : 0);
    case 13:
        what[0] = "link";
        return linkat(AT_FDCWD, a, AT_FDCWD, b, pick(2) ? AT_SYMLINK_FOLLOW : 0);
    case 14:
        what[0] = "symlink";
        return symlink(a, b);
    case 15:
    case 16:
        what[0] = "stat";
        return do_stat(a);
    case 17:
        what[0] = "truncate";
        return truncate(a, pick(10000));
    case 18:
        what[0] = "chdir";
        return chdir(pick(3) == 0 ? "/" : a);
    case 19:
        what[0] = "getcwd";
        return syscall(SYS_getcwd, buf, sizeof(buf)) < 0 ? -1 : (printf("%s ", buf), 0);
    case 20:
        what[0] = "mount";
        return do_mount(a, b);
    default:
        what[0] = "umount";
        return do_umount(a);
    }
}

/* In a root of its own, so that nothing outside is touched. */
static void run(uint64_t seed)
{
    state = seed;
    if (mount("none", DIR_NAME, "tmpfs", 0, "mode=755") < 0 || chroot(DIR_NAME) < 0 ||
        chdir("/") < 0)
        exit(1);
    for (int i = 1; i <= CALLS; i++) {
        const char *what[3];
        long r;

        errno = 0;
        r = call(what);
        printf("%d %s %s %s: %ld %s\n", i, what[0], what[1], what[2], r,
               r < 0 ? strerrorname_np(errno) : "");
        if (i % 500 == 0)
            show_tree("", 0);
    }
    exit(0);
}

int main(void)
{
    umask(022);
    if (mkdir(DIR_NAME, 0755) < 0 && errno != EEXIST)
        return 1;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        int status = -1;
        pid_t pid;

        SECTION("a run");
        fflush(stdout);
        pid = fork();
        if (pid == 0) {
            if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                exit(1);
            run(seed);
        }
        waitpid(pid, &status, 0);
        if (status != 0)
            return 1;
    }
    (void)rmdir(DIR_NAME);
    return 0;
}
