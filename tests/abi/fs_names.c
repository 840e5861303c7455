/* SPDX-License-Identifier: BSD-2-Clause */
/* path_resolution(7), and what making, moving and removing names does and refuses. */
#include "abi.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define DIR_NAME "/tmp/fs_names"

static int make(const char *name)
{
    int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0644);

    if (fd < 0 || write(fd, name, strlen(name)) < 0)
        return -1;
    return close(fd);
}

static void show(const char *name)
{
    struct stat s;

    if (lstat(name, &s) < 0)
        printf("%s: %s\n", name, strerrorname_np(errno));
    else if (S_ISDIR(s.st_mode))
        printf("%s: %o, %lu links\n", name, s.st_mode, (unsigned long)s.st_nlink);
    else
        printf("%s: %o, %lu links, %ld bytes, device %lx\n", name, s.st_mode,
               (unsigned long)s.st_nlink, (long)s.st_size, (unsigned long)s.st_rdev);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void list(const char *dir)
{
    struct dirent **names = NULL;
    int n = scandir(dir, &names, NULL, by_name);

    printf("%s:", dir);
    for (int i = 0; i < n; i++)
        printf(" %s/%d", names[i]->d_name, names[i]->d_type);
    printf("\n");
}

static void resolution(void)
{
    static char name[300], path[5000];

    SECTION("resolution");
    CALL(mkdir("d", 0755));
    CALL(mkdir("d/e/", 0755));
    CALL(make("d/e/f"));
    CALL(access("d/../d/./e//f", R_OK));
    CALL(access(DIR_NAME "/d/e/f", R_OK));
    CALL(access("/../../.." DIR_NAME "/d", R_OK));
    CALL(access("d/e/f/", F_OK));
    CALL(access("d/e/f/.", F_OK));
    CALL(access("d/e/f/..", F_OK));
    CALL(access("d/nothing/..", F_OK));
    CALL(access("", F_OK));
    memset(name, 'n', sizeof(name) - 1);
    CALL(access(name, F_OK));
    CALL(mkdir(name, 0755));
    name[255] = '\0';
    CALL(access(name, F_OK));
    CALL(mkdir(name, 0755));
    CALL(rmdir(name));
    memset(path, '/', sizeof(path) - 1);
    CALL(access(path, F_OK));
    path[4095] = '\0';
    CALL(access(path, F_OK));
    CALL(symlink("b", "a"));
    CALL(symlink("a", "b"));
    CALL(access("a", F_OK));
    CALL(open("a", O_CREAT | O_WRONLY, 0600));
    CALL(faccessat(AT_FDCWD, "a", F_OK, AT_SYMLINK_NOFOLLOW));
    CALL(symlink(DIR_NAME "/d", "abs"));
    show("abs");
    show("abs/");
    show("abs/.");
    CALL(readlink("abs", path, 5));
    CALL(rmdir("abs"));
    CALL(rmdir("abs/"));
    CALL(unlink("abs/"));
    CALL(chdir("abs/e"));
    CALL(getcwd(path, sizeof(path)) == NULL);
    printf("%s\n", path);
    CALL(unlink("f"));
    CALL(rmdir("../e"));
    CALL(getcwd(path, sizeof(path)) == NULL);
    CALL(open("f", O_CREAT | O_WRONLY, 0600));
    CALL(mkdir("sub", 0700));
    CALL(access("..", F_OK));
    CALL(access(".", F_OK));
    CALL(chdir(DIR_NAME));
    CALL(unlink("a"));
    CALL(unlink("b"));
    CALL(unlink("abs"));
    CALL(rmdir("d"));
    for (int i = 0; i <= 41; i++) {
        char from[16], to[16];

        snprintf(from, sizeof(from), "l%d", i - 1);
        snprintf(to, sizeof(to), "l%d", i);
        if ((i == 0 ? make(to) : symlink(from, to)) < 0)
            printf("link %d failed\n", i);
    }
    CALL(access("l40", F_OK));
    CALL(access("l41", F_OK));
    for (int i = 0; i <= 41; i++) {
        char to[16];

        snprintf(to, sizeof(to), "l%d", i);
        unlink(to);
    }
    list(".");
}

static void opening(void)
{
    int fd, other;

    SECTION("opening");
    CALL(open("f", O_RDONLY));
    fd = (int)TRY(open("f", O_CREAT | O_EXCL | O_WRONLY, 0666));
    CALL(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK | O_CREAT | O_EXCL));
    CALL(open("f", O_CREAT | O_EXCL | O_WRONLY, 0666));
    show("f");
    CALL(open("f/", O_CREAT | O_WRONLY, 0666));
    CALL(open("f/", O_RDONLY));
    CALL(open("g/", O_CREAT | O_WRONLY, 0666));
    CALL(open("f/g", O_CREAT | O_WRONLY, 0666));
    CALL(open("nothing/g", O_CREAT | O_WRONLY, 0666));
    CALL(open(".", O_WRONLY));
    CALL(open(".", O_RDWR));
    CALL(open("..", O_CREAT | O_RDONLY, 0600));
    CALL(open("/", O_CREAT | O_EXCL | O_RDONLY, 0600));
    CALL(openat(fd, "x", O_RDONLY));
    CALL(symlink("f", "l"));
    CALL(symlink("new", "dangling"));
    CALL(open("l", O_RDONLY | O_NOFOLLOW));
    CALL(open("l", O_WRONLY | O_CREAT | O_EXCL, 0600));
    CALL(open("dangling", O_RDONLY));
    other = (int)TRY(open("dangling", O_WRONLY | O_CREAT, 0600));
    CALL(close(other));
    show("new");
    other = (int)TRY(open("l", O_PATH | O_NOFOLLOW));
    CALL(close(other));
    CALL(unlink("l"));
    CALL(unlink("dangling"));
    CALL(unlink("new"));
    CALL(write(fd, "0123456789", 10));
    other = (int)TRY(open("f", O_RDONLY | O_TRUNC));
    CALL(close(other));
    show("f");
    close(fd);
    fd = (int)TRY(open(".", O_TMPFILE | O_RDWR, 0640));
    CALL(linkat(fd, "", AT_FDCWD, "named", AT_EMPTY_PATH));
    show("named");
    close(fd);
    fd = (int)TRY(open(".", O_TMPFILE | O_RDWR | O_EXCL, 0640));
    CALL(linkat(fd, "", AT_FDCWD, "other", AT_EMPTY_PATH));
    close(fd);
    CALL(open("named", O_TMPFILE | O_RDWR, 0600));
    CALL(unlink("named"));
    CALL(unlink("f"));
    list(".");
}

static void making(void)
{
    SECTION("making and removing");
    umask(027);
    CALL(mkdir("d", 07777));
    show("d");
    CALL(mkdir("d", 0755));
    CALL(mkdir(".", 0755));
    CALL(mkdir("..", 0755));
    CALL(mkdir("/", 0755));
    CALL(mkdir("x/y", 0755));
    CALL(mkdir("d/e", 0755));
    show("d");
    CALL(rmdir("d"));
    CALL(rmdir("d/."));
    CALL(rmdir("d/.."));
    CALL(rmdir("/"));
    CALL(unlink("d"));
    CALL(unlink("nothing"));
    CALL(unlink(""));
    CALL(unlink("."));
    CALL(unlinkat(AT_FDCWD, "d/e", AT_REMOVEDIR));
    CALL(make("f"));
    show("f");
    CALL(rmdir("f"));
    CALL(unlink("f/"));
    CALL(mkdir("f", 0700));
    CALL(mkdir("f/", 0700));
    CALL(link("f", "g"));
    CALL(link("f", "g"));
    CALL(link("f", "."));
    CALL(link("d", "h"));
    CALL(link("nothing", "h"));
    CALL(link("f", "h/"));
    CALL(link("f", "nothing/h"));
    show("g");
    CALL(symlink("f", "s"));
    CALL(link("s", "t"));
    show("t");
    CALL(linkat(AT_FDCWD, "s", AT_FDCWD, "u", AT_SYMLINK_FOLLOW));
    show("u");
    CALL(symlink("x", "s"));
    CALL(symlink("x", "d"));
    CALL(symlink("x", "n/"));
    CALL(mknod("fifo", S_IFIFO | 0666, 0));
    CALL(mknod("sock", S_IFSOCK | 0666, 0));
    CALL(mknod("chr", S_IFCHR | 0600, (250 << 8) | 7));
    CALL(mknod("big", S_IFBLK | 0600, 0x12345678));
    CALL(mknod("reg", 0644, 0));
    CALL(mknod("reg", S_IFREG | 0644, 0));
    show("fifo");
    show("sock");
    show("chr");
    show("big");
    show("reg");
    CALL(open("sock", O_RDONLY));
    CALL(open("chr", O_RDONLY));
    list(".");
    CALL(unlink("fifo"));
    CALL(unlink("sock"));
    CALL(unlink("chr"));
    CALL(unlink("big"));
    CALL(unlink("reg"));
    CALL(unlink("s"));
    CALL(unlink("t"));
    CALL(unlink("u"));
    CALL(unlink("g"));
    CALL(unlink("f"));
    CALL(rmdir("d/"));
    umask(022);
}

static void renaming(void)
{
    SECTION("renaming");
    CALL(make("f"));
    CALL(make("gg"));
    CALL(mkdir("d", 0755));
    CALL(mkdir("d/sub", 0755));
    CALL(mkdir("e", 0755));
    CALL(rename("nothing", "x"));
    CALL(rename("f", "d"));
    CALL(rename("d", "f"));
    CALL(rename("f/", "x"));
    CALL(rename("f", "x/"));
    CALL(rename("f", "nothing/x"));
    CALL(rename("d", "d/sub/x"));
    CALL(rename("d", "d"));
    CALL(rename("d/sub", "d"));
    CALL(rename("e", "d"));
    CALL(rename(".", "x"));
    CALL(rename("..", "x"));
    CALL(rename("f", "."));
    CALL(rename("f", ".."));
    CALL(rename("/", "x"));
    CALL(rename("", "x"));
    CALL(rename("f", ""));
    CALL(renameat2(AT_FDCWD, "f", AT_FDCWD, "gg", RENAME_NOREPLACE));
    CALL(renameat2(AT_FDCWD, "f", AT_FDCWD, "x", RENAME_EXCHANGE));
    CALL(renameat2(AT_FDCWD, "d", AT_FDCWD, "d/sub", RENAME_EXCHANGE));
    CALL(renameat2(AT_FDCWD, "d/sub", AT_FDCWD, "d", RENAME_EXCHANGE));
    CALL(renameat2(AT_FDCWD, "f", AT_FDCWD, "gg", RENAME_EXCHANGE));
    show("f");
    show("gg");
    CALL(renameat2(AT_FDCWD, "f", AT_FDCWD, "d/sub", RENAME_EXCHANGE));
    show("f");
    show("d");
    show(".");
    CALL(renameat2(AT_FDCWD, "f", AT_FDCWD, "d/sub", RENAME_EXCHANGE));
    show("d");
    CALL(rename("f", "gg"));
    show("gg");
    CALL(rename("d/sub", "e"));
    show("d");
    CALL(rename("d", "e/d/"));
    show("e");
    CALL(rename("gg", "gg"));
    CALL(link("gg", "h"));
    CALL(rename("gg", "h"));
    show("gg");
    CALL(renameat2(AT_FDCWD, "gg", AT_FDCWD, "w", RENAME_NOREPLACE));
    list(".");
    list("e");
    CALL(unlink("w"));
    CALL(unlink("h"));
    CALL(rmdir("e/d"));
    CALL(rmdir("e"));
}

static void permissions(void)
{
    int fd;

    SECTION("permissions");
    CALL(make("secret"));
    CALL(chmod("secret", 0600));
    CALL(mkdir("locked", 0700));
    CALL(mkdir("sticky", 0777));
    CALL(chmod("sticky", 01777));
    CALL(make("sticky/root"));
    CALL(make("suid"));
    CALL(chmod("suid", 06777));
    CALL(make("group"));
    CALL(chown("group", 0, 1000));
    CALL(chmod("group", 0640));
    CALL(chmod(".", 0777));
    if (setegid(1000) < 0 || seteuid(1000) < 0)
        printf("cannot become a user\n");
    CALL(open("secret", O_RDONLY));
    CALL(access("secret", F_OK));
    CALL(faccessat(AT_FDCWD, "secret", R_OK, AT_EACCESS));
    CALL(access("secret", R_OK)); /* the real user is root */
    CALL(open("locked/x", O_RDONLY));
    CALL(chdir("locked"));
    CALL(unlink("sticky/root"));
    CALL(rename("sticky/root", "sticky/mine"));
    CALL(rename("sticky/root", "mine"));
    CALL(chmod("secret", 0777));
    CALL(chown("secret", 1000, -1));
    CALL(chown("secret", -1, -1));
    CALL(truncate("secret", 0));
    CALL(utimensat(AT_FDCWD, "secret", NULL, 0));
    CALL(utimensat(AT_FDCWD, "secret", (struct timespec[2]){{1, 0}, {1, 0}}, 0));
    CALL(chroot("."));
    CALL(mount("x", "sticky", "tmpfs", 0, NULL));
    CALL(umount2(DIR_NAME, 0));
    CALL(syscall(SYS_pivot_root, ".", "."));
    CALL(mknod("sticky/c", S_IFCHR | 0666, 0x103));
    CALL(mknod("sticky/p", S_IFIFO | 0666, 0));
    CALL(mkdir("/denied", 0700));
    fd = (int)TRY(open("group", O_RDONLY));
    CALL(close(fd));
    CALL(open("group", O_WRONLY));
    fd = (int)TRY(open("sticky/own", O_CREAT | O_WRONLY, 04755));
    CALL(fchown(fd, 1001, -1));
    CALL(fchown(fd, -1, 1000));
    CALL(fchmod(fd, 02755));
    CALL(fchmod(fd, 04755));
    show("sticky/own");
    CALL(open("sticky/own", O_RDONLY | O_CREAT | O_EXCL, 0));
    close(fd);
    fd = (int)TRY(open("suid", O_WRONLY));
    CALL(write(fd, "y", 1));
    show("suid");
    close(fd);
    CALL(unlink("sticky/own"));
    CALL(unlink("sticky/p"));
    CALL(open("suid", O_RDONLY | O_NOATIME));
    if (seteuid(0) < 0 || setegid(0) < 0)
        printf("cannot become root again\n");
    CALL(chmod("suid", 06777));
    CALL(chown("suid", 5, 6));
    show("suid");
    CALL(unlink("group"));
    CALL(unlink("suid"));
    CALL(unlink("sticky/root"));
    CALL(rmdir("sticky"));
    CALL(rmdir("locked"));
    CALL(unlink("secret"));
    CALL(mkdir("setgid", 0755));
    CALL(chown("setgid", 0, 1000));
    CALL(chmod("setgid", 02755));
    CALL(mkdir("setgid/d", 0755));
    CALL(make("setgid/f"));
    show("setgid/d");
    show("setgid/f");
    CALL(unlink("setgid/f"));
    CALL(rmdir("setgid/d"));
    CALL(rmdir("setgid"));
    list(".");
}

int main(void)
{
    umask(022);
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        (mkdir(DIR_NAME, 0755) < 0 && errno != EEXIST) ||
        mount("none", DIR_NAME, "tmpfs", 0, "mode=755") < 0 || chdir(DIR_NAME) < 0)
        return 1;
    resolution();
    opening();
    making();
    renaming();
    permissions();
    CALL(umount2(DIR_NAME, 0));
    CALL(chdir("/"));
    CALL(umount2(DIR_NAME, 0));
    (void)rmdir(DIR_NAME);
    return 0;
}
