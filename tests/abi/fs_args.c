/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of bad arguments of every call on files and names.
 */
#include "args.h"

#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

static char file[] = "file", none[] = "none", xattr[] = "trusted.x", empty[] = "";
static struct iovec iov[1] = {{ARGS_BUFFER, 4}};
static struct timespec times[2];
static struct flock lock = {.l_type = F_RDLCK};
static uint64_t how[3];
static int64_t offset;

static const struct args_row rows[] = {
    C(read, "fpn", FD(FILE), P(ARGS_BUFFER), 16),
    C(write, "fpn", FD(FILE), P(ARGS_BUFFER), 4),
    C(open, "pbi", P("null"), O_RDONLY, 0),
    C(stat, "pp", P(file), P(ARGS_BUFFER)),
    C(fstat, "fp", FD(FILE), P(ARGS_BUFFER)),
    C(lstat, "pp", P(file), P(ARGS_BUFFER)),
    C(lseek, "fnn", FD(FILE), 0, 0),
    C(ioctl, "oip", FD(FILE), FIONREAD, P(ARGS_BUFFER)),
    C(pread64, "fpnn", FD(FILE), P(ARGS_BUFFER), 16, 0),
    C(pwrite64, "fpnn", FD(FILE), P(ARGS_BUFFER), 4, 0),
    C(truncate, "pn", P(file), 8),
    C(ftruncate, "fn", FD(FILE), 8),
    C(truncate, "pi", P(file), 8),
    C(readv, "fpn", FD(FILE), P(iov), 1),
    C(writev, "fpn", FD(FILE), P(iov), 1),
    C(preadv, "fpnni", FD(FILE), P(iov), 1, 0, 0),
    C(pwritev, "fpnii", FD(FILE), P(iov), 1, 0, 0),
    C(access, "pn", P(file), 0),
    C(dup, "f", FD(FILE)),
    C(dup2, "fn", FD(FILE), 40),
    C(dup3, "fnb", FD(FILE), 40, 0),
    C(sendfile, "ffpi", FD(FILE), FD(FILE), P(&offset), 4),
    C(fcntl, "fip", FD(FILE), F_GETLK, P(&lock)),
    C(fcntl, "fnp", FD(FILE), F_GETLK, P(&lock)),
    C(flock, "fb", FD(FILE), 8),
    C(fsync, "f", FD(FILE)),
    C(fdatasync, "f", FD(FILE)),
    C(syncfs, "f", FD(FILE)),
    C(sync, ""),
    C(getcwd, "pn", P(ARGS_BUFFER), 4096),
    C(chdir, "p", P(".")),
    C(fchdir, "f", FD(DIR)),
    C(rename, "pp", P(file), P(file)),
    C(mkdir, "pi", P(file), 0),
    C(rmdir, "p", P(none)),
    C(creat, "pi", P(file), 0600),
    C(link, "pp", P(file), P(file)),
    C(unlink, "p", P(none)),
    C(symlink, "pp", P(file), P(file)),
    C(readlink, "ppn", P("link"), P(ARGS_BUFFER), 100),
    C(chmod, "pi", P(file), 0600),
    C(fchmod, "oi", FD(FILE), 0600),
    C(chown, "pii", P(file), -1, -1),
    C(fchown, "oii", FD(FILE), -1, -1),
    C(lchown, "pii", P(file), -1, -1),
    C(umask, "n", 022),
    C(utime, "pp", P(file), P(times)),
    C(utimes, "pp", P(file), P(times)),
    C(mknod, "pni", P(file), S_IFIFO, 0),
    C(statfs, "pp", P(file), P(ARGS_BUFFER)),
    C(fstatfs, "fp", FD(FILE), P(ARGS_BUFFER)),
    C(pivot_root, "pp", P("."), P(".")),
    C(chroot, "p", P(none)),
    C(mount, "pppbp", P("x"), P(none), P("tmpfs"), 0, P(ARGS_BUFFER)),
    C(umount2, "pb", P(none), 0),
    C(setxattr, "pppnb", P(file), P(xattr), P(ARGS_BUFFER), 4, 0),
    C(lsetxattr, "pppnb", P(file), P(xattr), P(ARGS_BUFFER), 4, 0),
    C(fsetxattr, "fppnb", FD(FILE), P(xattr), P(ARGS_BUFFER), 4, 0),
    C(getxattr, "pppn", P(file), P(xattr), P(ARGS_BUFFER), 100),
    C(lgetxattr, "pppn", P(file), P(xattr), P(ARGS_BUFFER), 100),
    C(fgetxattr, "fppn", FD(FILE), P(xattr), P(ARGS_BUFFER), 100),
    C(listxattr, "ppn", P(file), P(ARGS_BUFFER), 100),
    C(llistxattr, "ppn", P(file), P(ARGS_BUFFER), 100),
    C(flistxattr, "fpn", FD(FILE), P(ARGS_BUFFER), 100),
    C(removexattr, "pp", P(file), P("trusted.none")),
    C(lremovexattr, "pp", P(file), P("trusted.none")),
    C(fremovexattr, "fp", FD(FILE), P("trusted.none")),
    C(getdents64, "fpn", FD(DIR), P(ARGS_BUFFER), 1000),
    C(fadvise64, "fnnn", FD(FILE), 0, 0, 0),
    C(sync_file_range, "fnnb", FD(FILE), 0, 0, 0),
    C(openat, "fpbi", CWD, P("null"), O_RDONLY, 0),
    C(openat, "fpii", CWD, P(file), O_RDONLY, 0),
    C(mkdirat, "fpi", CWD, P(file), 0),
    C(mknodat, "fpni", CWD, P(file), S_IFIFO, 0),
    C(fchownat, "fpiib", CWD, P(file), -1, -1, 0),
    C(futimesat, "fpp", CWD, P(file), P(times)),
    C(newfstatat, "fppb", CWD, P(file), P(ARGS_BUFFER), 0),
    C(unlinkat, "fpb", CWD, P(none), 0),
    C(renameat, "fpfp", CWD, P(file), CWD, P(file)),
    C(renameat2, "fpfpi", CWD, P(file), CWD, P(file), 0),
    C(linkat, "fpfpb", CWD, P(file), CWD, P(file), 0),
    C(symlinkat, "pfp", P(file), CWD, P(file)),
    C(readlinkat, "fppn", CWD, P("link"), P(ARGS_BUFFER), 100),
    C(fchmodat, "fpi", CWD, P(file), 0600),
    C(faccessat, "fpn", CWD, P(file), 0),
    C(faccessat2, "fpnb", CWD, P(file), 0, 0),
    C(utimensat, "fppb", CWD, P(file), P(times), 0),
    C(fallocate, "fini", FD(FILE), 0, 0, 8),
    C(memfd_create, "pi", P(file), 0),
    C(copy_file_range, "fpfpnb", FD(FILE), P(&offset), FD(FILE), P(&offset), 0, 0),
    C(statx, "fpbbp", CWD, P(file), 0, 0x7ff, P(ARGS_BUFFER)),
    C(openat2, "fppn", CWD, P(file), P(how), 24),
    C(close, "f", FD(FILE)),
    FORKED(close_range, "nnb", 800, 900, 0),
};

/* Numbers that are out of range, flags that do not exist. */
static void bad_values(int fd)
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
    CALL(pread(fd, ARGS_BUFFER, 1, -1));
    CALL(pwrite(fd, ARGS_BUFFER, 1, -1));
    CALL(syscall(SYS_read, fd, ARGS_BUFFER, -1L));
    CALL(syscall(SYS_readv, fd, iov, 1025));
    CALL(syscall(SYS_readv, fd, iov, -1));
    iov[0].iov_len = (size_t)-1;
    CALL(syscall(SYS_readv, fd, iov, 1));
    iov[0].iov_len = 4;
    CALL(syscall(SYS_preadv, fd, iov, 1, -1L, 0));
    CALL(syscall(SYS_access, file, 8));
    CALL(syscall(SYS_faccessat2, AT_FDCWD, file, 0, 0x8000));
    CALL(syscall(SYS_newfstatat, AT_FDCWD, file, ARGS_BUFFER, 0x8000));
    CALL(syscall(SYS_newfstatat, AT_FDCWD, empty, ARGS_BUFFER, 0));
    CALL(syscall(SYS_newfstatat, AT_FDCWD, empty, ARGS_BUFFER, AT_EMPTY_PATH));
    CALL(syscall(SYS_statx, AT_FDCWD, file, 0x6000, 0x7ff, ARGS_BUFFER));
    CALL(syscall(SYS_statx, AT_FDCWD, file, 0, 0x80000000u, ARGS_BUFFER));
    CALL(syscall(SYS_statx, AT_FDCWD, file, 0x80000, 0, ARGS_BUFFER));
    CALL(syscall(SYS_unlinkat, AT_FDCWD, file, 1));
    CALL(syscall(SYS_linkat, AT_FDCWD, file, AT_FDCWD, none, 1));
    CALL(syscall(SYS_renameat2, AT_FDCWD, file, AT_FDCWD, none, 8));
    CALL(syscall(SYS_renameat2, AT_FDCWD, file, AT_FDCWD, none, 3));
    CALL(syscall(SYS_fchownat, AT_FDCWD, file, -1, -1, 1));
    CALL(syscall(SYS_utimensat, AT_FDCWD, file, times, 1));
    times[0].tv_nsec = 1000000000;
    CALL(syscall(SYS_utimensat, AT_FDCWD, file, times, 0));
    times[0].tv_nsec = 0;
    CALL(syscall(SYS_readlink, "link", ARGS_BUFFER, 0));
    CALL(syscall(SYS_readlink, "link", ARGS_BUFFER, -1));
    CALL(syscall(SYS_readlink, file, ARGS_BUFFER, 10));
    CALL(syscall(SYS_getcwd, ARGS_BUFFER, 1));
    CALL(syscall(SYS_getcwd, ARGS_BUFFER, 0));
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
    CALL(syscall(SYS_setxattr, file, xattr, ARGS_BUFFER, 4, 9));
    CALL(syscall(SYS_setxattr, file, empty, ARGS_BUFFER, 4, 0));
    CALL(syscall(SYS_setxattr, file, "nonsense", ARGS_BUFFER, 4, 0));
    CALL(syscall(SYS_setxattr, file, xattr, ARGS_BUFFER, 65537, 0));
    CALL(syscall(SYS_getxattr, file, "trusted.none", ARGS_BUFFER, 10));
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
    CALL(syscall(SYS_getdents64, fd, ARGS_BUFFER, 100));
}

int main(void)
{
    args_init();
    if (symlink(file, "link") < 0 || truncate(file, 8) < 0)
        return 1;
    args_try_rows(rows, ARRAY_LEN(rows));
    bad_values((int)args_fds[FD_FILE].value);
    return args_fini();
}
