/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounts as container runtimes make them: bind mounts and their flags,
 * detaching, pivot_root(".", "."), namespaces, openat2(2). All of it in a mount
 * namespace of its own.
 */
#include "abi.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#define DIR_NAME "/tmp/fs_mount"

static int make(const char *name)
{
    int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0644);

    if (fd < 0 || write(fd, name, strlen(name)) < 0)
        return -1;
    return close(fd);
}

static void where(void)
{
    char buf[4096];

    printf("cwd %s\n", syscall(SYS_getcwd, buf, sizeof(buf)) > 0 ? buf : strerrorname_np(errno));
}

/* Fields of this name space's mount table that do not differ: mountpoint, flags, type. */
static void mounts(const char *prefix)
{
    FILE *f = fopen("/proc/self/mountinfo", "r");
    char line[4096];

    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        char root[1000], point[1000], flags[1000], type[1000];
        const char *rest = strstr(line, " - ");

        if (rest != NULL &&
            sscanf(line, "%*d %*d %*s %999s %999s %999s", root, point, flags) == 3 &&
            sscanf(rest, " - %999s", type) == 1 && strncmp(point, prefix, strlen(prefix)) == 0)
            printf("mount %s at %s, %s, %s\n", root, point, flags, type);
    }
    if (f != NULL)
        fclose(f);
}

static void sizes(void)
{
    static char data[4096];
    struct statfs s;
    int fd, n = 0;

    SECTION("tmpfs has an end");
    CALL(mkdir("m", 0755));
    CALL(mount("none", "m", "tmpfs", MS_NODEV | MS_NOSUID,
               "size=64k,nr_inodes=5,mode=0700,uid=3,gid=4"));
    fd = (int)TRY(open("m/f", O_CREAT | O_WRONLY, 0600));
    while (write(fd, data, sizeof(data)) == sizeof(data))
        n++;
    printf("%d pages\n", n);
    CALL(write(fd, data, 1));
    CALL(statfs("m", &s));
    printf("type %lx, %lu blocks, %lu free, %lu inodes, %lu free, flags %lx\n", (long)s.f_type,
           (unsigned long)s.f_blocks, (unsigned long)s.f_bfree, (unsigned long)s.f_files,
           (unsigned long)s.f_ffree, (long)s.f_flags);
    CALL(ftruncate(fd, 4096));
    CALL(lseek(fd, 8192, SEEK_SET));
    CALL(write(fd, data, 100));
    CALL(lseek(fd, 0, SEEK_DATA));
    CALL(lseek(fd, 0, SEEK_HOLE));
    CALL(lseek(fd, 4096, SEEK_DATA));
    CALL(lseek(fd, 9000, SEEK_DATA));
    CALL(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
    CALL(lseek(fd, 0, SEEK_DATA));
    CALL(mkdir("m/a", 0700));
    CALL(symlink("x", "m/b"));
    CALL(link("m/f", "m/c"));
    CALL(mkdir("m/d", 0700));
    CALL(unlink("m/c"));
    CALL(mkdir("m/d", 0700));
    CALL(umount2("m", 0));
    CALL(umount2("m", MNT_EXPIRE));
    mounts(DIR_NAME "/m");
    CALL(mount(NULL, "m", NULL, MS_REMOUNT, "size=128k"));
    CALL(mount(NULL, "m", NULL, MS_REMOUNT, "size=4k"));
    close(fd);
    CALL(umount2("m", 0));
    CALL(umount2("m", 0));
    CALL(rmdir("m"));
}

static void flags(void)
{
    int fd;

    SECTION("flags");
    CALL(mkdir("m", 0755));
    CALL(mount("none", "m", "tmpfs", MS_NODEV | MS_NOSUID | MS_NOEXEC, NULL));
    CALL(make("m/f"));
    CALL(chmod("m/f", 0755));
    CALL(access("m/f", X_OK));
    CALL(mknod("m/c", S_IFCHR | 0666, makedev(1, 3)));
    CALL(open("m/c", O_RDONLY));
    fd = (int)TRY(open("m/f", O_WRONLY));
    CALL(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
    close(fd);
    CALL(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
    CALL(open("m/f", O_WRONLY));
    CALL(open("m/f", O_RDONLY | O_TRUNC));
    CALL(open("m/new", O_CREAT | O_WRONLY, 0600));
    CALL(open("m/f", O_CREAT | O_EXCL | O_WRONLY, 0600));
    fd = (int)TRY(open("m/f", O_RDONLY));
    CALL(fchmod(fd, 0600));
    CALL(futimens(fd, NULL));
    CALL(linkat(AT_FDCWD, "m/f", AT_FDCWD, "m/g", 0));
    close(fd);
    CALL(mkdir("m/d", 0700));
    CALL(mkdir("m/f", 0700));
    CALL(unlink("m/f"));
    CALL(unlink("m/nothing"));
    CALL(rename("m/f", "m/g"));
    CALL(symlink("x", "m/s"));
    CALL(truncate("m/f", 0));
    CALL(access("m/f", W_OK));
    CALL(access("m/c", W_OK));
    mounts(DIR_NAME "/m");
    CALL(mount(NULL, "m/f", NULL, MS_REMOUNT | MS_BIND, NULL));
    CALL(mount(NULL, "m", NULL, MS_PRIVATE | MS_REC, NULL));
    CALL(mount(NULL, "m", NULL, MS_SLAVE, NULL));
    CALL(mount(NULL, "m", NULL, MS_UNBINDABLE, NULL));
    CALL(mount(NULL, "m", NULL, MS_PRIVATE, NULL));
    CALL(mount(NULL, "m/f", NULL, MS_PRIVATE, NULL));
    CALL(rmdir("m"));
    CALL(rename("m", "x"));
    CALL(make("x"));
    CALL(rename("x", "m/x"));
    CALL(link("x", "m/x"));
    CALL(unlink("x"));
    CALL(umount2("m", 0));
    CALL(rmdir("m"));
}

static void binds(void)
{
    SECTION("bind mounts");
    CALL(mkdir("a", 0755));
    CALL(mkdir("a/in", 0755));
    CALL(mkdir("b", 0755));
    CALL(make("a/in/f"));
    CALL(make("file"));
    CALL(make("over"));
    CALL(mount("a/in", "b", NULL, MS_BIND, NULL));
    CALL(access("b/f", F_OK));
    CALL(chdir("b"));
    where();
    CALL(chdir(".."));
    where();
    CALL(mount("file", "over", NULL, MS_BIND, NULL));
    CALL(unlink("over"));
    CALL(mount("file", "b", NULL, MS_BIND, NULL));
    CALL(mount("b", "over", NULL, MS_BIND, NULL));
    mounts(DIR_NAME "/");
    CALL(umount2("over", 0));
    CALL(mkdir("a/in/deep", 0755));
    CALL(chdir("b/deep"));
    CALL(rename(DIR_NAME "/a/in/deep", DIR_NAME "/a/moved"));
    CALL(chdir(".."));
    CALL(chdir(DIR_NAME));
    CALL(rmdir("a/moved"));
    CALL(mount("none", "a/in", "tmpfs", 0, NULL));
    CALL(mount("a", "a", NULL, MS_BIND, NULL));
    CALL(access("a/in/f", F_OK));
    CALL(umount2("a", 0));
    CALL(mount("a", "a", NULL, MS_BIND | MS_REC, NULL));
    CALL(access("a/in/f", F_OK));
    CALL(umount2("a", 0));
    CALL(umount2("a", MNT_DETACH));
    CALL(umount2("a/in", 0));
    CALL(mount("b", "a", NULL, MS_MOVE, NULL));
    CALL(access("a/f", F_OK));
    CALL(mount("a", "a", NULL, MS_MOVE, NULL));
    CALL(mount("file", "b", NULL, MS_MOVE, NULL));
    CALL(umount2("a", 0));
    CALL(symlink("a", "link"));
    CALL(mount("none", "link", "tmpfs", 0, NULL));
    CALL(umount2("link", UMOUNT_NOFOLLOW));
    CALL(umount2("link", 0));
    CALL(unlink("link"));
    CALL(unlink("a/in/f"));
    CALL(rmdir("a/in"));
    CALL(rmdir("a"));
    CALL(rmdir("b"));
    CALL(unlink("file"));
    CALL(unlink("over"));
}

static void detaching(void)
{
    SECTION("detaching");
    CALL(mkdir("m", 0755));
    CALL(mount("none", "m", "tmpfs", 0, NULL));
    CALL(mkdir("m/d", 0755));
    CALL(chdir("m/d"));
    CALL(umount2(DIR_NAME "/m", 0));
    CALL(umount2(DIR_NAME "/m", MNT_DETACH));
    CALL(mkdir("e", 0755));
    where();
    CALL(chdir("../../.."));
    where();
    CALL(access("d/e", F_OK));
    CALL(chdir(DIR_NAME));
    CALL(rmdir("m"));
}

/* Runtimes name what they mount on by descriptor, so that nobody can change the path meanwhile. */
static void by_descriptor(void)
{
    char link[64], buf[4] = "";
    int fd, dir, exe;

    SECTION("by descriptor");
    CALL(mkdir("m", 0755));
    CALL(make("tmp"));
    dir = open("m", O_PATH | O_DIRECTORY);
    snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
    CALL(mount("none", link, "tmpfs", 0, NULL));
    CALL(make("m/f"));
    CALL(faccessat(dir, "f", F_OK, 0)); /* the descriptor is below the new mount */
    snprintf(link, sizeof(link), "/proc/self/fd/%d/f", dir);
    CALL(access(link, F_OK));
    fd = open("m", O_PATH | O_DIRECTORY);
    CALL(faccessat(fd, "f", F_OK, 0));
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    CALL(mount("m", link, NULL, MS_BIND, NULL));
    CALL(umount2(link, 0));
    CALL(umount2(link, MNT_DETACH));
    CALL(access("m/f", F_OK));
    CALL(umount2("m", MNT_DETACH));
    CALL(access("m/f", F_OK));
    close(fd);
    close(dir);

    CALL(mount("/proc/self/exe", "tmp", NULL, MS_BIND, NULL));
    CALL(mount(NULL, "tmp", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
    exe = open("tmp", O_RDONLY | O_CLOEXEC);
    CALL(umount2("tmp", MNT_DETACH));
    CALL(pread(exe, buf, 4, 0));
    abi_show_bytes("program", buf, 4);
    snprintf(link, sizeof(link), "/proc/self/fd/%d", exe);
    CALL(open(link, O_WRONLY));
    CALL(open(link, O_RDWR));
    fd = (int)TRY(open(link, O_RDONLY));
    close(fd);
    close(exe);
    CALL(unlink("tmp"));
    CALL(rmdir("m"));

    fd = open(".", O_TMPFILE | O_RDWR, 0600);
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    CALL(linkat(AT_FDCWD, link, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
    close(fd);
    fd = open("named", O_RDONLY);
    CALL(unlink("named"));
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    CALL(access(link, F_OK)); /* its name is gone, the link still leads there */
    CALL(linkat(AT_FDCWD, link, AT_FDCWD, "again", AT_SYMLINK_FOLLOW));
    close(fd);
    CALL(access(link, F_OK));
}

static void in_child(void (*fn)(void))
{
    pid_t pid;
    int status;

    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        fn();
        exit(0);
    }
    waitpid(pid, &status, 0);
    printf("child: %d\n", status);
}

static void pivot(void)
{
    CALL(unshare(CLONE_NEWNS));
    CALL(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
    CALL(syscall(SYS_pivot_root, DIR_NAME "/root", DIR_NAME "/root"));
    CALL(mount("root", "root", NULL, MS_BIND | MS_REC, NULL));
    CALL(mount("none", "root/proc", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
    CALL(chdir("root"));
    CALL(syscall(SYS_pivot_root, ".", "/"));
    CALL(syscall(SYS_pivot_root, "proc", "."));
    CALL(syscall(SYS_pivot_root, ".", "."));
    CALL(umount2(".", MNT_DETACH));
    where();
    CALL(access("/etc", F_OK));
    CALL(access("/../../proc/..", F_OK));
    CALL(access("/inside", F_OK));
    CALL(umount2("/", 0x40));
    CALL(mkdir("/new", 0755));
}

static void pivot_with_old(void)
{
    CALL(unshare(CLONE_NEWNS));
    CALL(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
    CALL(mount("root", "root", NULL, MS_BIND, NULL));
    CALL(chdir("root"));
    CALL(syscall(SYS_pivot_root, ".", "old"));
    CALL(chdir("/"));
    where();
    CALL(access("/old" DIR_NAME, F_OK));
    CALL(umount2("/old", 0));
    CALL(umount2("/old", MNT_DETACH));
    CALL(access("/old" DIR_NAME, F_OK));
    CALL(rmdir("/old"));
}

static void cover(void)
{
    CALL(unshare(CLONE_NEWNS));
    CALL(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
    CALL(mount("none", "root", "tmpfs", 0, NULL));
    CALL(rmdir("root"));
    CALL(access("root/inside", F_OK));
}

static void jailed(void)
{
    int fd = open("/", O_RDONLY | O_DIRECTORY);

    CALL(chroot("root"));
    CALL(chdir("/old/../../../.."));
    where();
    CALL(access("/inside", F_OK));
    CALL(access("/etc", F_OK));
    CALL(fchdir(fd));
    where();
    CALL(mkdir("x/y/z", 0700));
}

static long in_root(int dir, const char *path, unsigned long resolve)
{
    struct open_how how = {.flags = O_RDONLY, .resolve = resolve};
    long fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));

    if (fd < 0)
        return -1;
    close((int)fd);
    return 0;
}

static void scoped(void)
{
    int dir;

    SECTION("openat2");
    CALL(mkdir("r", 0755));
    CALL(mkdir("r/sub", 0755));
    CALL(mkdir("r/mnt", 0755));
    CALL(make("r/f"));
    CALL(make("out"));
    CALL(symlink("/f", "r/abs"));
    CALL(symlink("../../out", "r/sub/up"));
    CALL(symlink("../f", "r/sub/ok"));
    CALL(mount("none", "r/mnt", "tmpfs", 0, NULL));
    dir = open("r", O_PATH | O_DIRECTORY);
    CALL(in_root(dir, "f", RESOLVE_BENEATH));
    CALL(in_root(dir, "sub/../f", RESOLVE_BENEATH));
    CALL(in_root(dir, "sub/ok", RESOLVE_BENEATH));
    CALL(in_root(dir, "../out", RESOLVE_BENEATH));
    CALL(in_root(dir, "..", RESOLVE_BENEATH));
    CALL(in_root(dir, ".", RESOLVE_BENEATH));
    CALL(in_root(dir, "sub/up", RESOLVE_BENEATH));
    CALL(in_root(dir, "abs", RESOLVE_BENEATH));
    CALL(in_root(dir, "/f", RESOLVE_BENEATH));
    CALL(in_root(dir, "mnt", RESOLVE_BENEATH));
    CALL(in_root(dir, "mnt", RESOLVE_NO_XDEV));
    CALL(in_root(dir, "mnt/..", RESOLVE_NO_XDEV));
    CALL(in_root(dir, "..", RESOLVE_NO_XDEV));
    CALL(in_root(dir, "abs", RESOLVE_IN_ROOT));
    CALL(in_root(dir, "/../../f", RESOLVE_IN_ROOT));
    CALL(in_root(dir, "/mnt/../../f", RESOLVE_IN_ROOT));
    CALL(in_root(dir, "sub/up", RESOLVE_IN_ROOT));
    CALL(in_root(dir, "abs", RESOLVE_NO_SYMLINKS));
    CALL(in_root(dir, "sub/ok", RESOLVE_NO_MAGICLINKS));
    CALL(in_root(dir, "/proc/self/cwd", RESOLVE_NO_MAGICLINKS));
    CALL(in_root(dir, "/proc/self/cwd", RESOLVE_IN_ROOT));
    CALL(in_root(AT_FDCWD, "/proc/self/cwd", 0));
    close(dir);
    CALL(umount2("r/mnt", 0));
    CALL(unlink("r/sub/ok"));
    CALL(unlink("r/sub/up"));
    CALL(unlink("r/abs"));
    CALL(unlink("r/f"));
    CALL(rmdir("r/mnt"));
    CALL(rmdir("r/sub"));
    CALL(rmdir("r"));
    CALL(unlink("out"));
}

int main(void)
{
    umask(022);
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        (mkdir(DIR_NAME, 0755) < 0 && errno != EEXIST) ||
        mount("none", DIR_NAME, "tmpfs", 0, "mode=755") < 0 || chdir(DIR_NAME) < 0)
        return 1;
    sizes();
    flags();
    binds();
    detaching();
    by_descriptor();
    scoped();

    SECTION("roots");
    CALL(mkdir("root", 0755));
    CALL(mkdir("root/proc", 0755));
    CALL(mkdir("root/old", 0755));
    CALL(make("root/inside"));
    in_child(pivot);
    in_child(pivot_with_old);
    in_child(jailed);
    CALL(access("root/new", F_OK));
    CALL(rmdir("root/new"));
    CALL(mkdir("root/old", 0755));
    in_child(cover);
    CALL(access("root/inside", F_OK));
    CALL(chdir("/"));
    CALL(umount2(DIR_NAME, 0));
    (void)rmdir(DIR_NAME);
    return 0;
}
