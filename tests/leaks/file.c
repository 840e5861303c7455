/* SPDX-License-Identifier: BSD-2-Clause */
/* Files and folders on tmpfs: names, contents with holes, links, attributes, locks, unlinked while
 * open. */
#include "leaks.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define BASE "/tmp/leaks-files"
#define LONG_NAME                                                                                  \
    BASE "/a-name-that-is-so-long-that-it-does-not-fit-into-what-the-name-cache-keeps-for-short-"  \
         "ones"

static void contents(void)
{
    static const off_t holes[] = {0, 5000, 1 << 20, 1 << 28, 1L << 40};
    int fd = (int)must(open(BASE "/sparse", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    char *map;

    for (size_t h = 0; h < LENGTH(holes); h++)
        must(pwrite(fd, "x", 1, holes[h]));
    must(ftruncate(fd, (1 << 28) + 1));
    must(ftruncate(fd, 4097));
    must(fallocate(fd, 0, 0, 300 << 10));
    map = mmap(NULL, 64 << 10, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 8 << 10);
    check(map != MAP_FAILED);
    memset(map, 1, 64 << 10);
    must(ftruncate(fd, 10 << 10)); /* below what is mapped */
    must(unlink(BASE "/sparse"));
    map[0] = 2;
    must(munmap(map, 64 << 10));
    must(close(fd));
}

static void names(void)
{
    int fd = (int)must(open(BASE "/one", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));

    must(link(BASE "/one", BASE "/two"));
    must(rename(BASE "/two", LONG_NAME));
    must(rename(LONG_NAME, BASE "/two"));
    must(symlink("two", BASE "/short"));
    must(symlink(LONG_NAME LONG_NAME, BASE "/long"));
    must_fail(ENOENT, open(BASE "/long", O_RDONLY));
    must_fail(EEXIST, mkdir(BASE "/two", 0700));
    must(mkdir(BASE "/folder", 0700));
    must(mkdir(BASE "/folder/inner", 0700));
    must_fail(ENOTEMPTY, rmdir(BASE "/folder"));
    must(renameat2(AT_FDCWD, BASE "/one", AT_FDCWD, BASE "/folder/inner", RENAME_EXCHANGE));
    must(mkfifo(BASE "/fifo", 0600));
    must(mknod(BASE "/null", S_IFCHR | 0600, makedev(1, 3)));
    must(setxattr(BASE "/two", "trusted.leaks", "value", 5, 0));
    must(setxattr(BASE "/folder", "trusted.leaks", LONG_NAME, sizeof(LONG_NAME), 0));
    must(close(fd));
}

static void locks(void)
{
    struct flock whole = {.l_type = F_WRLCK, .l_len = 100},
                 part = {.l_type = F_UNLCK, .l_start = 20, .l_len = 10};
    int fd = (int)must(open(BASE "/two", O_RDWR | O_CLOEXEC));
    int again = (int)must(open(BASE "/two", O_RDWR | O_CLOEXEC));

    must(flock(fd, LOCK_EX));
    must_fail(EWOULDBLOCK, flock(again, LOCK_EX | LOCK_NB));
    must(fcntl(fd, F_SETLK, &whole));
    must(fcntl(fd, F_SETLK, &part)); /* two are left of it */
    must(close(again));
    must(close(fd));
}

static void remove_all(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *d;

    check(dir != NULL);
    while ((d = readdir(dir)) != NULL) {
        char inner[600];

        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
            continue;
        snprintf(inner, sizeof(inner), "%s/%s", path, d->d_name);
        if (unlink(inner) < 0)
            remove_all(inner);
    }
    closedir(dir);
    must(rmdir(path));
}

static void files(unsigned i)
{
    (void)i;
    must(mkdir(BASE, 0700));
    contents();
    names();
    locks();
    remove_all(BASE);
}

/* Names that are looked for and not there are remembered; the memory comes back. */
static void unknown_names(unsigned i)
{
    char path[64];

    for (unsigned n = 0; n < 200; n++) {
        snprintf(path, sizeof(path), "/proc/nothing-%u-%u", i, n);
        must_fail(ENOENT, access(path, F_OK));
        snprintf(path, sizeof(path), "/tmp/nothing-%u-%u", i, n);
        must_fail(ENOENT, access(path, F_OK));
        snprintf(path, sizeof(path), "/sys/nothing-%u-%u", i, n);
        must_fail(ENOENT, access(path, F_OK));
    }
}

static void deep_folders(unsigned i)
{
    int top = (int)must(open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC));

    (void)i;
    must(fchdir(top));
    for (int n = 0; n < 100; n++) {
        must(mkdir("leaks-deep", 0700));
        must(chdir("leaks-deep"));
    }
    for (int n = 0; n < 100; n++) {
        must(chdir(".."));
        must(rmdir("leaks-deep"));
    }
    must(chdir("/"));
    must(close(top));
}

const struct area file_areas[] = {
    {"files", 50, files},
    {"unknown_names", 20, unknown_names},
    {"deep_folders", 20, deep_folders},
    {NULL, 0, NULL},
};
