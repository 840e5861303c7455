/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every file call with every pointer and descriptor argument wrong in turn:
 * an address that is never mapped, one of the kernel, one that is not canonical;
 * descriptors that are closed, negative, or only a path.
 */
#include "abi.h"

#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static char file[] = "file", none[] = "none", buffer[65536], xattr[] = "trusted.x", empty[] = "";
static struct iovec iov[1] = {{buffer, 16}};
static struct timespec times[2];
static struct flock lock = {.l_type = F_RDLCK};
static uint64_t how[3];
static int64_t offset;
static int fd = -1, path_fd = -1;

/* Kinds of arguments: p pointer, f descriptor, i anything else. */
struct call {
    const char *name;
    long nr;
    const char *kinds;
    long args[6];
};
#define P(x) ((long)(x))
#define FD   (-1000) /* a good descriptor */
#define CWD  AT_FDCWD
#define C(name, kinds, ...)                                                                        \
    {                                                                                              \
#name, SYS_##name, kinds,                                                                  \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

static const struct call calls[] = {
    C(read, "fpi", FD, P(buffer), 16),
    C(write, "fpi", FD, P(buffer), 4),
    C(open, "pii", P(file), O_RDONLY, 0),
    C(stat, "pp", P(file), P(buffer)),
    C(fstat, "fp", FD, P(buffer)),
    C(lstat, "pp", P(file), P(buffer)),
    C(lseek, "fii", FD, 0, 0),
    C(ioctl, "fip", FD, FIONREAD, P(buffer)),
    C(pread64, "fpii", FD, P(buffer), 16, 0),
    C(pwrite64, "fpii", FD, P(buffer), 4, 0),
    C(readv, "fpi", FD, P(iov), 1),
    C(writev, "fpi", FD, P(iov), 1),
    C(access, "pi", P(file), 0),
    C(dup, "f", FD),
    C(dup2, "fi", FD, 40),
    C(dup3, "fii", FD, 40, 0),
    C(sendfile, "ffpi", FD, FD, P(&offset), 0),
    C(fcntl, "fip", FD, F_GETLK, P(&lock)),
    C(flock, "fi", FD, 8),
    C(fsync, "f", FD),
    C(fdatasync, "f", FD),
    C(syncfs, "f", FD),
    C(truncate, "pi", P(file), 8),
    C(ftruncate, "fi", FD, 8),
    C(getcwd, "pi", P(buffer), 4096),
    C(chdir, "p", P(".")),
    C(fchdir, "f", FD),
    C(rename, "pp", P(file), P(file)),
    C(mkdir, "pi", P(file), 0),
    C(rmdir, "p", P(none)),
    C(creat, "pi", P(file), 0600),
    C(link, "pp", P(file), P(file)),
    C(unlink, "p", P(none)),
    C(symlink, "pp", P(file), P(file)),
    C(readlink, "ppi", P("link"), P(buffer), 100),
    C(chmod, "pi", P(file), 0600),
    C(fchmod, "fi", FD, 0600),
    C(chown, "pii", P(file), -1, -1),
    C(fchown, "fii", FD, -1, -1),
    C(lchown, "pii", P(file), -1, -1),
    C(utime, "pp", P(file), P(times)),
    C(utimes, "pp", P(file), P(times)),
    C(mknod, "pii", P(file), S_IFIFO, 0),
    C(statfs, "pp", P(file), P(buffer)),
    C(fstatfs, "fp", FD, P(buffer)),
    C(pivot_root, "pp", P("."), P(".")),
    C(chroot, "p", P(none)),
    C(mount, "pppip", P("x"), P(none), P("tmpfs"), 0, P(buffer)),
    C(umount2, "pi", P(none), 0),
    C(setxattr, "pppii", P(file), P(xattr), P(buffer), 4, 0),
    C(lsetxattr, "pppii", P(file), P(xattr), P(buffer), 4, 0),
    C(fsetxattr, "fppii", FD, P(xattr), P(buffer), 4, 0),
    C(getxattr, "pppi", P(file), P(xattr), P(buffer), 100),
    C(lgetxattr, "pppi", P(file), P(xattr), P(buffer), 100),
    C(fgetxattr, "fppi", FD, P(xattr), P(buffer), 100),
    C(listxattr, "ppi", P(file), P(buffer), 100),
    C(llistxattr, "ppi", P(file), P(buffer), 100),
    C(flistxattr, "fpi", FD, P(buffer), 100),
    C(removexattr, "pp", P(file), P("trusted.none")),
    C(lremovexattr, "pp", P(file), P("trusted.none")),
    C(fremovexattr, "fp", FD, P("trusted.none")),
    C(getdents64, "fpi", FD, P(buffer), 1000),
    C(fadvise64, "fiii", FD, 0, 0, 0),
    C(openat, "fpii", CWD, P(file), O_RDONLY, 0),
    C(mkdirat, "fpi", CWD, P(file), 0),
    C(mknodat, "fpii", CWD, P(file), S_IFIFO, 0),
    C(fchownat, "fpiii", CWD, P(file), -1, -1, 0),
    C(futimesat, "fpp", CWD, P(file), P(times)),
    C(newfstatat, "fppi", CWD, P(file), P(buffer), 0),
    C(unlinkat, "fpi", CWD, P(none), 0),
    C(renameat, "fpfp", CWD, P(file), CWD, P(file)),
    C(renameat2, "fpfpi", CWD, P(file), CWD, P(file), 0),
    C(linkat, "fpfpi", CWD, P(file), CWD, P(file), 0),
    C(symlinkat, "pfp", P(file), CWD, P(file)),
    C(readlinkat, "fppi", CWD, P("link"), P(buffer), 100),
    C(fchmodat, "fpi", CWD, P(file), 0600),
    C(faccessat, "fpi", CWD, P(file), 0),
    C(faccessat2, "fpii", CWD, P(file), 0, 0),
    C(utimensat, "fppi", CWD, P(file), P(times), 0),
    C(fallocate, "fiii", FD, 0, 0, 8),
    C(preadv, "fpiii", FD, P(iov), 1, 0, 0),
    C(pwritev, "fpiii", FD, P(iov), 1, 0, 0),
    C(memfd_create, "pi", P(file), 0),
    C(copy_file_range, "fpfpii", FD, P(&offset), FD, P(&offset), 0, 0),
    C(statx, "fpiip", CWD, P(file), 0, 0x7ff, P(buffer)),
    C(openat2, "fppi", CWD, P(file), P(how), 24),
    C(close, "f", FD),
};

static const struct {
    const char *name;
    long value;
} bad_pointers[] = {{"low", 8},
                    {"kernel", (long)0xffffffff80000000ul},
                    {"hole", (long)0x800000000000ul}},
  bad_fds[] = {{"negative", -1}, {"closed", 777}, {"huge", 0x7fffffff}};

static const char *result(const struct call *c, unsigned which, long value)
{
    long a[6];
    long r;

    for (unsigned i = 0; i < 6; i++)
        a[i] = c->args[i] == FD ? fd : c->args[i];
    a[which] = value;
    r = syscall(c->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
    if (r >= 0 &&
        (c->nr == SYS_open || c->nr == SYS_openat || c->nr == SYS_openat2 || c->nr == SYS_dup))
        close((int)r);
    return r == -1 ? strerrorname_np(errno) : "ok";
}

static void try_call(const struct call *c)
{
    for (unsigned i = 0; c->kinds[i] != '\0'; i++) {
        if (c->kinds[i] == 'i')
            continue;
        printf("%s(2) argument %u:", c->name, i + 1);
        for (unsigned b = 0; b < 3; b++) {
            if (c->kinds[i] == 'p')
                printf(" %s=%s", bad_pointers[b].name, result(c, i, bad_pointers[b].value));
            else
                printf(" %s=%s", bad_fds[b].name, result(c, i, bad_fds[b].value));
        }
        if (c->kinds[i] == 'f' && c->args[i] == FD && c->nr != SYS_close)
            printf(" path=%s", result(c, i, path_fd));
        printf("\n");
        fflush(stdout);
    }
}

/* Numbers that are out of range, flags that do not exist. */
static void bad_values(void)
{
    SECTION("values");
    CALL(syscall(SYS_openat, AT_FDCWD, empty, O_RDONLY, 0));
    CALL(syscall(SYS_open, file, O_RDONLY | O_DIRECTORY, 0));
    CALL(syscall(SYS_open, ".", O_TMPFILE, 0600));
    CALL(syscall(SYS_openat2, AT_FDCWD, file, how, 23));
    CALL(syscall(SYS_openat2, AT_FDCWD, file, how, 5000));
    how[0] = 1ull << 40;
    CALL(syscall(SYS_openat2, AT_FDCWD, file, how, 24));
    how[0] = 0;
    how[1] = 0600;
    CALL(syscall(SYS_openat2, AT_FDCWD, file, how, 24));
    how[1] = 0;
    how[2] = 1 << 20;
    CALL(syscall(SYS_openat2, AT_FDCWD, file, how, 24));
    how[2] = 0x18;
    CALL(syscall(SYS_openat2, AT_FDCWD, file, how, 24));
    how[2] = 0;
    CALL(lseek(fd, 0, 9));
    CALL(lseek(fd, -1, SEEK_SET));
    CALL(lseek(fd, INT64_MAX, SEEK_END));
    CALL(pread(fd, buffer, 1, -1));
    CALL(pwrite(fd, buffer, 1, -1));
    CALL(syscall(SYS_read, fd, buffer, -1L));
    CALL(syscall(SYS_readv, fd, iov, 1025));
    CALL(syscall(SYS_readv, fd, iov, -1));
    iov[0].iov_len = (size_t)-1;
    CALL(syscall(SYS_readv, fd, iov, 1));
    iov[0].iov_len = 16;
    CALL(syscall(SYS_preadv, fd, iov, 1, -1L, 0));
    CALL(syscall(SYS_access, file, 8));
    CALL(syscall(SYS_faccessat2, AT_FDCWD, file, 0, 0x8000));
    CALL(syscall(SYS_newfstatat, AT_FDCWD, file, buffer, 0x8000));
    CALL(syscall(SYS_newfstatat, AT_FDCWD, empty, buffer, 0));
    CALL(syscall(SYS_newfstatat, AT_FDCWD, empty, buffer, AT_EMPTY_PATH));
    CALL(syscall(SYS_statx, AT_FDCWD, file, 0x6000, 0x7ff, buffer));
    CALL(syscall(SYS_statx, AT_FDCWD, file, 0, 0x80000000u, buffer));
    CALL(syscall(SYS_statx, AT_FDCWD, file, 0x80000, 0, buffer));
    CALL(syscall(SYS_unlinkat, AT_FDCWD, file, 1));
    CALL(syscall(SYS_linkat, AT_FDCWD, file, AT_FDCWD, none, 1));
    CALL(syscall(SYS_renameat2, AT_FDCWD, file, AT_FDCWD, none, 8));
    CALL(syscall(SYS_renameat2, AT_FDCWD, file, AT_FDCWD, none, 3));
    CALL(syscall(SYS_fchownat, AT_FDCWD, file, -1, -1, 1));
    CALL(syscall(SYS_utimensat, AT_FDCWD, file, times, 1));
    times[0].tv_nsec = 1000000000;
    CALL(syscall(SYS_utimensat, AT_FDCWD, file, times, 0));
    times[0].tv_nsec = 0;
    CALL(syscall(SYS_readlink, "link", buffer, 0));
    CALL(syscall(SYS_readlink, "link", buffer, -1));
    CALL(syscall(SYS_readlink, file, buffer, 10));
    CALL(syscall(SYS_getcwd, buffer, 1));
    CALL(syscall(SYS_getcwd, buffer, 0));
    CALL(syscall(SYS_truncate, file, -1L));
    CALL(syscall(SYS_ftruncate, fd, -1L));
    CALL(syscall(SYS_truncate, ".", 0L));
    CALL(syscall(SYS_fallocate, fd, 0, -1L, 1L));
    CALL(syscall(SYS_fallocate, fd, 0, 0L, 0L));
    CALL(syscall(SYS_fallocate, fd, 2, 0L, 1L));
    CALL(syscall(SYS_fallocate, fd, 0x8000, 0L, 1L));
    CALL(syscall(SYS_fadvise64, fd, 0L, 0L, 99));
    CALL(syscall(SYS_flock, fd, 3));
    CALL(syscall(SYS_flock, fd, 0));
    lock.l_type = 9;
    CALL(syscall(SYS_fcntl, fd, F_SETLK, &lock));
    lock.l_type = F_RDLCK;
    lock.l_whence = 9;
    CALL(syscall(SYS_fcntl, fd, F_SETLK, &lock));
    lock.l_whence = 0;
    lock.l_start = -1;
    CALL(syscall(SYS_fcntl, fd, F_SETLK, &lock));
    lock.l_start = 0;
    CALL(syscall(SYS_fcntl, fd, 9999, 0));
    CALL(syscall(SYS_fcntl, fd, F_DUPFD, -1));
    CALL(syscall(SYS_fcntl, fd, F_SETSIG, 99));
    CALL(syscall(SYS_fcntl, fd, F_GETPIPE_SZ, 0));
    CALL(syscall(SYS_dup2, fd, -1));
    CALL(syscall(SYS_dup3, fd, fd, 0));
    CALL(syscall(SYS_dup3, fd, 40, 1));
    CALL(syscall(SYS_close_range, 9, 8, 0));
    CALL(syscall(SYS_close_range, 800, 900, 1));
    CALL(syscall(SYS_mknod, none, S_IFDIR, 0));
    CALL(syscall(SYS_mknod, none, 0070000, 0));
    CALL(syscall(SYS_symlink, empty, none));
    CALL(syscall(SYS_symlink, file, empty));
    CALL(syscall(SYS_setxattr, file, xattr, buffer, 4, 9));
    CALL(syscall(SYS_setxattr, file, empty, buffer, 4, 0));
    CALL(syscall(SYS_setxattr, file, "nonsense", buffer, 4, 0));
    CALL(syscall(SYS_setxattr, file, xattr, buffer, 65537, 0));
    CALL(syscall(SYS_getxattr, file, "trusted.none", buffer, 10));
    CALL(syscall(SYS_memfd_create, file, 0x8000));
    CALL(syscall(SYS_umount2, ".", 0x100));
    CALL(syscall(SYS_umount2, ".", MNT_EXPIRE | MNT_DETACH));
    CALL(syscall(SYS_umount2, ".", 0));
    CALL(syscall(SYS_mount, "x", ".", "nosuchfs", 0, 0));
    CALL(syscall(SYS_mount, "x", ".", 0, 0, 0));
    CALL(syscall(SYS_mount, "x", none, "tmpfs", 0, 0));
    CALL(syscall(SYS_mount, "x", ".", "tmpfs", 0, "size=nonsense"));
    CALL(syscall(SYS_mount, none, ".", 0, MS_BIND, 0));
    CALL(syscall(SYS_mount, 0, ".", 0, MS_BIND, 0));
    CALL(syscall(SYS_mount, 0, ".", 0, MS_REMOUNT, 0));
    CALL(syscall(SYS_mount, 0, ".", 0, MS_PRIVATE, 0));
    CALL(syscall(SYS_mount, 0, "/", 0, MS_PRIVATE | MS_SLAVE, 0));
    CALL(syscall(SYS_mount, file, ".", 0, MS_MOVE, 0));
    CALL(syscall(SYS_copy_file_range, fd, 0, fd, 0, 4, 1));
    CALL(syscall(SYS_getdents64, fd, buffer, 100));
}

int main(void)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return 1; /* nothing here should mount, but if it does, then not for others */
    if (mkdir("/tmp/fs_args", 0755) < 0 || chdir("/tmp/fs_args") < 0)
        return 1;
    fd = open(file, O_CREAT | O_RDWR, 0600);
    path_fd = open(file, O_PATH);
    if (symlink(file, "link") < 0 || ftruncate(fd, 8) < 0)
        return 1;
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        try_call(&calls[i]);
    bad_values();
    close(fd);
    close(path_fd);
    CALL(unlink(file));
    CALL(unlink("link"));
    CALL(chdir("/"));
    CALL(rmdir("/tmp/fs_args"));
    return 0;
}
