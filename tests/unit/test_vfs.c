/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VFS and tmpfs through their system calls, on the build host: what they
 * do, what they refuse, and that every path, also with an allocation that
 * fails, gives back all it took.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <kernel/errno.h>
#include <kernel/files.h>
#include <kernel/fs.h>
#include <kernel/ns.h>
#include <kernel/proc.h>
#include <kernel/syscalls.h>

#include "kernel/abi/fs.h"
#include "vfs_host/host.h"

int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

#define U(p)     ((uaddr_t)(p))
#define eq(a, b) assert_int_equal((long)(a), (long)(b))

static long open_(const char *path, int flags, unsigned mode)
{
    return sys_openat(AT_FDCWD, U(path), flags, mode);
}

static void write_file(const char *path, const char *text)
{
    long fd = open_(path, O_CREAT | O_WRONLY | O_TRUNC, 0644);

    assert_true(fd >= 0);
    eq(sys_write((int)fd, U(text), strlen(text)), strlen(text));
    eq(sys_close((int)fd), 0);
}

static long size_of(const char *path)
{
    struct abi_stat s;
    long err = sys_lstat(U(path), U(&s));

    return err < 0 ? err : s.st_size;
}

static unsigned mode_of(const char *path)
{
    struct abi_stat s;

    eq(sys_lstat(U(path), U(&s)), 0);
    return s.st_mode;
}

static unsigned links_of(const char *path)
{
    struct abi_stat s;

    eq(sys_lstat(U(path), U(&s)), 0);
    return (unsigned)s.st_nlink;
}

static long mount_(const char *source, const char *target, const char *type, unsigned long flags,
                   const char *data)
{
    static char page[4096]; /* mount(2) reads a whole page of options */

    strncpy(page, data != NULL ? data : "", sizeof(page) - 1);
    return sys_mount(U(source), U(target), U(type), flags, data != NULL ? U(page) : 0);
}

static const char *cwd(void)
{
    static char buf[PATH_MAX];
    long n = sys_getcwd(U(buf), sizeof(buf));

    return n > 0 ? buf : "?";
}

/* Each test works in an empty /t and must leave no object behind. */
static unsigned before;

static int enter(void **state)
{
    (void)state;
    host_be_user(0);
    before = host_objects();
    eq(sys_mkdir(U("/t"), 0777), 0);
    eq(sys_chmod(U("/t"), 0777), 0);
    eq(sys_chdir(U("/t")), 0);
    return 0;
}

static int leave(void **state)
{
    (void)state;
    host_be_user(0);
    eq(sys_chdir(U("/")), 0);
    eq(sys_rmdir(U("/t")), 0);
    eq(host_objects(), before);
    return 0;
}

/* ---- files ---- */

static void reads_back_what_was_written(void **state)
{
    char buf[64];
    long fd = open_("f", O_CREAT | O_RDWR, 0640);

    (void)state;
    eq(fd, 0);
    eq(mode_of("f"), S_IFREG | 0640);
    eq(sys_write(0, U("hello"), 5), 5);
    eq(sys_lseek(0, 1, 0), 1);
    eq(sys_read(0, U(buf), sizeof(buf)), 4);
    assert_memory_equal(buf, "ello", 4);
    eq(sys_read(0, U(buf), sizeof(buf)), 0);
    eq(sys_pread64(0, U(buf), 2, 3), 2);
    assert_memory_equal(buf, "lo", 2);
    eq(sys_pread64(0, U(buf), 2, 5), 0);
    eq(sys_pread64(0, U(buf), 2, -1), -EINVAL);
    eq(sys_read(0, 1, 4), 0); /* at the end nothing is copied */
    eq(sys_pread64(0, 1, 4, 0), -EFAULT);
    eq(sys_pread64(0, 0xffff800000000000, 4, 0), -EFAULT);
    eq(sys_read(0, U(buf), 0), 0);
    eq(sys_close(0), 0);
    eq(sys_close(0), -EBADF);
    eq(sys_read(0, U(buf), 1), -EBADF);
    eq(sys_unlink(U("f")), 0);
}

static void holes_read_as_zeros_and_take_no_pages(void **state)
{
    char buf[16];
    struct abi_stat s;

    (void)state;
    eq(open_("f", O_CREAT | O_RDWR, 0600), 0);
    eq(sys_pwrite64(0, U("x"), 1, 1 << 20), 1);
    memset(buf, 1, sizeof(buf));
    eq(sys_pread64(0, U(buf), 16, 4096 * 3), 16);
    for (int i = 0; i < 16; i++)
        eq(buf[i], 0);
    eq(sys_fstat(0, U(&s)), 0);
    eq(s.st_size, (1 << 20) + 1);
    eq(s.st_blocks, 8);
    eq(sys_lseek(0, 0, 3), 1 << 20);
    eq(sys_lseek(0, 0, 4), 0);
    eq(sys_lseek(0, 1 << 20, 4), (1 << 20) + 1);
    eq(sys_lseek(0, 1 << 21, 3), -ENXIO);
    eq(sys_ftruncate(0, 5), 0);
    eq(sys_fstat(0, U(&s)), 0);
    eq(s.st_blocks, 0);
    eq(sys_ftruncate(0, -1), -EINVAL);
    eq(sys_fallocate(0, 0, 0, 8192), 0);
    eq(size_of("f"), 8192);
    eq(sys_fallocate(0, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10, 4090), 0);
    eq(sys_fallocate(0, FALLOC_FL_PUNCH_HOLE, 0, 1), -EOPNOTSUPP);
    eq(sys_fallocate(0, 0, -1, 5), -EINVAL);
    eq(sys_close(0), 0);
    eq(sys_unlink(U("f")), 0);
}

static void truncation_forgets_the_cut_bytes(void **state)
{
    char buf[8] = {0};

    (void)state;
    eq(open_("f", O_CREAT | O_RDWR, 0600), 0);
    eq(sys_write(0, U("abcdefgh"), 8), 8);
    eq(sys_ftruncate(0, 3), 0);
    eq(sys_ftruncate(0, 8), 0);
    eq(sys_pread64(0, U(buf), 8, 0), 8);
    assert_memory_equal(buf, "abc\0\0\0\0\0", 8);
    eq(sys_close(0), 0);
    eq(sys_truncate(U("f"), 2), 0);
    eq(size_of("f"), 2);
    eq(sys_truncate(U("."), 2), -EISDIR);
    eq(sys_truncate(U("none"), 2), -ENOENT);
    eq(sys_unlink(U("f")), 0);
}

static void appends_at_the_end_whatever_the_position(void **state)
{
    (void)state;
    eq(open_("f", O_CREAT | O_WRONLY | O_APPEND, 0600), 0);
    eq(sys_write(0, U("ab"), 2), 2);
    eq(sys_lseek(0, 0, 0), 0);
    eq(sys_write(0, U("cd"), 2), 2);
    eq(sys_lseek(0, 0, 1), 4);
    eq(sys_close(0), 0);
    eq(size_of("f"), 4);
    eq(sys_unlink(U("f")), 0);
}

static void vectors_move_in_order(void **state)
{
    char a[3], b[5] = {0};
    struct abi_iovec out[3] = {{U("ab"), 2}, {0, 0}, {U("cdef"), 4}};
    struct abi_iovec in[2] = {{U(a), 3}, {U(b), 5}};

    (void)state;
    eq(open_("f", O_CREAT | O_RDWR, 0600), 0);
    eq(sys_writev(0, U(out), 3), 6);
    eq(sys_preadv(0, U(in), 2, 0, 0), 6);
    assert_memory_equal(a, "abc", 3);
    assert_memory_equal(b, "def\0\0", 5);
    eq(sys_readv(0, U(in), 1025), -EINVAL);
    eq(sys_readv(0, U(in), -1), -EINVAL);
    eq(sys_readv(0, 8, 2), -EFAULT);
    in[1].len = (uint64_t)-1;
    eq(sys_preadv(0, U(in), 2, 0, 0), -EINVAL);
    eq(sys_readv(9, U(in), 1), -EBADF);
    eq(sys_close(0), 0);
    eq(sys_unlink(U("f")), 0);
}

static void copies_inside_the_kernel(void **state)
{
    char buf[16] = {0};
    off_t off = 2;

    (void)state;
    write_file("a", "0123456789");
    eq(open_("a", O_RDONLY, 0), 0);
    eq(open_("b", O_CREAT | O_RDWR, 0600), 1);
    eq(sys_sendfile(1, 0, U(&off), 100), 8);
    eq(off, 10);
    eq(sys_sendfile(1, 0, 0, 3), 3);
    eq(sys_pread64(1, U(buf), 16, 0), 11);
    assert_memory_equal(buf, "23456789012", 11);
    eq(sys_lseek(0, 0, 1), 3);
    off = 0;
    eq(sys_copy_file_range(0, 0, 1, U(&off), 4, 0), 4);
    eq(sys_copy_file_range(0, 0, 1, U(&off), 4, 1), -EINVAL);
    eq(sys_copy_file_range(1, U(&off), 1, U(&off), 4, 0), -EINVAL);
    eq(sys_sendfile(0, 1, 0, 4), -EBADF);
    eq(sys_close_range(0, 9, 0), 0);
    eq(sys_unlink(U("a")), 0);
    eq(sys_unlink(U("b")), 0);
}

/* ---- opening ---- */

static void open_flags_mean_what_the_manual_says(void **state)
{
    (void)state;
    eq(open_("f", O_RDONLY, 0), -ENOENT);
    eq(open_("f", O_CREAT | O_EXCL | O_WRONLY, 0600), 0);
    eq(open_("f", O_CREAT | O_EXCL | O_WRONLY, 0600), -EEXIST);
    eq(open_("f/", O_RDONLY, 0), -ENOTDIR);
    eq(open_("g/", O_CREAT | O_WRONLY, 0600), -EISDIR);
    eq(open_("f", O_RDONLY | O_DIRECTORY, 0), -ENOTDIR);
    eq(open_(".", O_WRONLY, 0), -EISDIR);
    eq(open_(".", O_CREAT | O_RDONLY, 0600), -EISDIR);
    eq(open_("/", O_CREAT | O_EXCL, 0600), -EEXIST);
    eq(open_("", O_RDONLY, 0), -ENOENT);
    eq(open_("f/x", O_RDONLY, 0), -ENOTDIR);
    eq(sys_openat(AT_FDCWD, 8, O_RDONLY, 0), -EFAULT);
    eq(sys_openat(77, U("f"), O_RDONLY, 0), -EBADF);
    eq(sys_openat(0, U("f"), O_RDONLY, 0), -ENOTDIR);
    eq(sys_symlink(U("f"), U("l")), 0);
    eq(open_("l", O_RDONLY | O_NOFOLLOW, 0), -ELOOP);
    eq(open_("l", O_CREAT | O_EXCL, 0600), -EEXIST);
    eq(open_("l", O_PATH | O_NOFOLLOW, 0), 1);
    eq(sys_read(1, U("x"), 1), -EBADF);
    eq(sys_close(1), 0);
    eq(sys_symlink(U("new"), U("dangling")), 0);
    eq(open_("dangling", O_CREAT | O_WRONLY, 0600), 1);
    eq(size_of("new"), 0);
    eq(sys_close_range(0, 5, 0), 0);
    eq(open_(".", O_TMPFILE | O_RDONLY, 0600), -EINVAL);
    eq(open_(".", O_TMPFILE | O_RDWR, 0600), 0);
    eq(sys_write(0, U("x"), 1), 1);
    eq(sys_linkat(0, U(""), AT_FDCWD, U("named"), AT_EMPTY_PATH), 0);
    eq(sys_close(0), 0);
    eq(size_of("named"), 1);
    eq(links_of("named"), 1);
    eq(sys_unlink(U("named")), 0);
    eq(sys_unlink(U("dangling")), 0);
    eq(sys_unlink(U("new")), 0);
    eq(sys_unlink(U("l")), 0);
    eq(sys_unlink(U("f")), 0);
}

static void descriptors_are_the_lowest_free_ones(void **state)
{
    (void)state;
    write_file("f", "x");
    eq(open_("f", O_RDONLY, 0), 0);
    eq(sys_dup(0), 1);
    eq(sys_fcntl(0, F_DUPFD, 10), 10);
    eq(sys_fcntl(0, F_DUPFD_CLOEXEC, 10), 11);
    eq(sys_fcntl(11, F_GETFD, 0), 1);
    eq(sys_fcntl(10, F_GETFD, 0), 0);
    eq(sys_dup2(0, 1), 1);
    eq(sys_dup2(0, 0), 0);
    eq(sys_dup2(99, 0), -EBADF);
    eq(sys_dup2(0, -1), -EBADF);
    eq(sys_dup2(0, 1024), -EBADF);
    eq(sys_dup3(0, 0, 0), -EINVAL);
    eq(sys_dup3(0, 200, O_CLOEXEC), 200);
    eq(sys_fcntl(200, F_GETFD, 0), 1);
    eq(sys_close(1), 0);
    eq(open_("f", O_RDONLY, 0), 1);
    eq(sys_fcntl(1, F_GETFL, 0), O_LARGEFILE);
    eq(sys_fcntl(1, F_SETFL, O_NONBLOCK | O_WRONLY), 0);
    eq(sys_fcntl(1, F_GETFL, 0), O_LARGEFILE | O_NONBLOCK);
    eq(sys_fcntl(1, 999, 0), -EINVAL);
    eq(sys_fcntl(0, F_DUPFD, 1024), -EINVAL);
    eq(sys_close_range(5, 3, 0), -EINVAL);
    eq(sys_close_range(10, 10, 4), 0);
    eq(sys_fcntl(10, F_GETFD, 0), 1);
    eq(sys_close_range(0, ~0u, 0), 0);
    eq(sys_fcntl(200, F_GETFD, 0), -EBADF);
    for (int i = 0; i < 1024; i++)
        eq(open_("f", O_RDONLY, 0), i);
    eq(open_("f", O_RDONLY, 0), -EMFILE);
    eq(sys_close_range(0, ~0u, 0), 0);
    eq(sys_unlink(U("f")), 0);
}

/* ---- paths ---- */

static void walks_follow_the_rules(void **state)
{
    static char name[300], path[5000];
    struct abi_stat s;

    (void)state;
    eq(sys_mkdir(U("d"), 0755), 0);
    eq(sys_mkdir(U("d/e"), 0755), 0);
    write_file("d/e/f", "x");
    eq(size_of("d/../d/./e//f"), 1);
    eq(size_of("/../../t/d/e/f"), 1);
    eq(size_of("d/e/f/"), -ENOTDIR);
    eq(size_of("d/e/f/.."), -ENOTDIR);
    eq(size_of("d/x/.."), -ENOENT);
    memset(name, 'n', 299);
    eq(size_of(name), -ENAMETOOLONG);
    name[255] = '\0';
    eq(size_of(name), -ENOENT);
    memset(path, '/', 4999);
    eq(size_of(path), -ENAMETOOLONG);
    eq(sys_symlink(U("a"), U("b")), 0);
    eq(sys_symlink(U("b"), U("a")), 0);
    eq(sys_stat(U("a"), U(&s)), -ELOOP);
    eq(size_of("a"), 1);
    eq(sys_symlink(U("/t/d"), U("abs")), 0);
    eq(size_of("abs/e/f"), 1);
    eq(sys_stat(U("abs"), U(&s)), 0);
    assert_true(S_ISDIR(s.st_mode));
    eq(sys_lstat(U("abs/"), U(&s)), 0);
    assert_true(S_ISDIR(s.st_mode));
    eq(sys_readlink(U("abs"), U(path), 3), 3);
    assert_memory_equal(path, "/t/", 3);
    eq(sys_readlink(U("d"), U(path), 3), -EINVAL);
    eq(sys_readlink(U("abs"), U(path), 0), -EINVAL);
    eq(sys_chdir(U("abs/e")), 0);
    assert_string_equal(cwd(), "/t/d/e");
    eq(sys_getcwd(U(path), 6), -ERANGE);
    eq(sys_unlink(U("f")), 0);
    eq(sys_rmdir(U("../e")), 0);
    eq(sys_getcwd(U(path), sizeof(path)), -ENOENT);
    eq(open_("f", O_CREAT | O_WRONLY, 0600), -ENOENT);
    eq(sys_mkdir(U("sub"), 0700), -ENOENT);
    eq(size_of(".."), 40); /* "d" is empty, and the way up still works */
    eq(sys_chdir(U("/t")), 0);
    eq(sys_unlink(U("abs")), 0);
    eq(sys_unlink(U("a")), 0);
    eq(sys_unlink(U("b")), 0);
    eq(sys_rmdir(U("d")), 0);
}

static void forty_links_are_the_limit(void **state)
{
    char from[16] = "l00", to[16] = "l01";

    (void)state;
    write_file("l00", "x");
    for (int i = 1; i <= 41; i++) {
        from[1] = (char)('0' + (i - 1) / 10);
        from[2] = (char)('0' + (i - 1) % 10);
        to[1] = (char)('0' + i / 10);
        to[2] = (char)('0' + i % 10);
        eq(sys_symlink(U(from), U(to)), 0);
    }
    eq(sys_access(U("l40"), 4), 0);
    eq(sys_access(U("l41"), 4), -ELOOP);
    for (int i = 0; i <= 41; i++) {
        to[1] = (char)('0' + i / 10);
        to[2] = (char)('0' + i % 10);
        eq(sys_unlink(U(to)), 0);
    }
}

static long open2(int dirfd, const char *path, uint64_t flags, uint64_t resolve)
{
    struct abi_open_how how = {.flags = flags, .resolve = resolve};
    long fd = sys_openat2(dirfd, U(path), U(&how), sizeof(how));

    if (fd >= 0)
        eq(sys_close((int)fd), 0);
    return fd < 0 ? fd : 0;
}

static void openat2_stays_inside(void **state)
{
    struct {
        struct abi_open_how how;
        uint64_t more;
    } longer = {.how = {.flags = O_RDONLY}};

    (void)state;
    eq(sys_mkdir(U("root"), 0755), 0);
    eq(sys_mkdir(U("root/sub"), 0755), 0);
    write_file("root/f", "x");
    write_file("out", "x");
    eq(sys_symlink(U("/f"), U("root/abs")), 0);
    eq(sys_symlink(U("../../out"), U("root/sub/up")), 0);
    eq(sys_symlink(U("../f"), U("root/sub/ok")), 0);
    eq(open_("root", O_PATH | O_DIRECTORY, 0), 0);
    eq(open2(0, "f", O_RDONLY, RESOLVE_BENEATH), 0);
    eq(open2(0, "sub/../f", O_RDONLY, RESOLVE_BENEATH), 0);
    eq(open2(0, "sub/ok", O_RDONLY, RESOLVE_BENEATH), 0);
    eq(open2(0, "../out", O_RDONLY, RESOLVE_BENEATH), -EXDEV);
    eq(open2(0, "sub/up", O_RDONLY, RESOLVE_BENEATH), -EXDEV);
    eq(open2(0, "abs", O_RDONLY, RESOLVE_BENEATH), -EXDEV);
    eq(open2(0, "/t/out", O_RDONLY, RESOLVE_BENEATH), -EXDEV);
    eq(open2(0, "abs", O_RDONLY, RESOLVE_IN_ROOT), 0);
    eq(open2(0, "/../../f", O_RDONLY, RESOLVE_IN_ROOT), 0);
    eq(open2(0, "sub/up", O_RDONLY, RESOLVE_IN_ROOT), -ENOENT);
    eq(open2(0, "abs", O_RDONLY, RESOLVE_NO_SYMLINKS), -ELOOP);
    eq(open2(0, "f", O_RDONLY, RESOLVE_BENEATH | RESOLVE_IN_ROOT), -EINVAL);
    eq(open2(0, "f", O_RDONLY | (1ULL << 40), 0), -EINVAL);
    eq(open2(0, "f", O_RDONLY, 1 << 20), -EINVAL);
    eq(sys_openat2(0, U("f"), U(&longer), 8), -EINVAL);
    eq(sys_openat2(0, U("f"), U(&longer), sizeof(longer)), 1);
    eq(sys_close(1), 0);
    longer.more = 1;
    eq(sys_openat2(0, U("f"), U(&longer), sizeof(longer)), -E2BIG);
    eq(sys_close(0), 0);
    eq(sys_unlink(U("root/sub/ok")), 0);
    eq(sys_unlink(U("root/sub/up")), 0);
    eq(sys_unlink(U("root/abs")), 0);
    eq(sys_unlink(U("root/f")), 0);
    eq(sys_rmdir(U("root/sub")), 0);
    eq(sys_rmdir(U("root")), 0);
    eq(sys_unlink(U("out")), 0);
}

/* ---- names ---- */

static void names_are_made_and_removed(void **state)
{
    struct abi_stat s;

    (void)state;
    eq(sys_mkdir(U("d"), 01777), 0);
    eq(mode_of("d"), S_IFDIR | 01755);
    eq(sys_mkdir(U("d"), 0755), -EEXIST);
    eq(sys_mkdir(U("."), 0755), -EEXIST);
    eq(sys_mkdir(U("/"), 0755), -EEXIST);
    eq(sys_mkdir(U("d/e/"), 0755), 0);
    eq(sys_mkdir(U("x/y"), 0755), -ENOENT);
    eq(links_of("d"), 3);
    eq(sys_rmdir(U("d")), -ENOTEMPTY);
    eq(sys_rmdir(U("d/.")), -EINVAL);
    eq(sys_rmdir(U("d/..")), -ENOTEMPTY);
    eq(sys_rmdir(U("/")), -EBUSY);
    eq(sys_unlink(U("d")), -EISDIR);
    eq(sys_unlink(U("none")), -ENOENT);
    eq(sys_unlinkat(AT_FDCWD, U("d/e"), AT_REMOVEDIR), 0);
    eq(sys_unlinkat(AT_FDCWD, U("d/e"), 1), -EINVAL);
    write_file("f", "x");
    eq(sys_rmdir(U("f")), -ENOTDIR);
    eq(sys_unlink(U("f/")), -ENOTDIR);
    eq(sys_link(U("f"), U("g")), 0);
    eq(links_of("f"), 2);
    eq(sys_link(U("f"), U("g")), -EEXIST);
    eq(sys_link(U("d"), U("h")), -EPERM);
    eq(sys_link(U("f"), U("h/")), -ENOENT);
    eq(sys_symlink(U(""), U("s")), -ENOENT);
    eq(sys_symlink(U("x"), U("g")), -EEXIST);
    eq(sys_mknod(U("p"), S_IFIFO | 0666, 0), 0);
    eq(mode_of("p"), S_IFIFO | 0644);
    eq(sys_mknod(U("c"), S_IFCHR | 0666, 0x103), 0);
    eq(sys_stat(U("c"), U(&s)), 0);
    eq(s.st_rdev, 0x103);
    eq(open_("c", O_RDONLY, 0), -ENXIO);
    eq(sys_mknod(U("b"), S_IFBLK | 0666, 0x800), 0);
    eq(open_("b", O_RDONLY, 0), -ENXIO);
    eq(sys_mknod(U("x"), S_IFDIR | 0666, 0), -EPERM);
    eq(sys_mknod(U("x"), 0070000, 0), -EINVAL);
    eq(sys_unlink(U("b")), 0);
    eq(sys_unlink(U("c")), 0);
    eq(sys_unlink(U("p")), 0);
    eq(sys_unlink(U("f")), 0);
    eq(sys_unlink(U("g")), 0);
    eq(sys_rmdir(U("d/")), 0);
}

/* The kernel's own names as well: a socket's, what an overlay copies up. */
static void nothing_is_made_in_a_removed_directory(void **state)
{
    struct dentry *made;
    struct path dir;

    (void)state;
    eq(sys_mkdir(U("d"), 0755), 0);
    eq(path_lookup(AT_FDCWD, "d", LOOKUP_DIRECTORY, &dir), 0);
    eq(vfs_mknod(dir.dentry, "s", S_IFSOCK | 0700, 0, &made), 0);
    eq(vfs_unlink(dir.dentry, made), 0);
    dentry_put(made);
    eq(sys_rmdir(U("d")), 0);
    eq(vfs_mknod(dir.dentry, "s", S_IFSOCK | 0700, 0, &made), -ENOENT);
    eq(vfs_mkdir(dir.dentry, "e", 0700, &made), -ENOENT);
    eq(vfs_symlink(dir.dentry, "l", "s"), -ENOENT);
    eq(lookup_one(dir.dentry, "s", 1, &made), -ENOENT);
    path_put(&dir);
}

static void an_unlinked_file_lives_as_long_as_it_is_open(void **state)
{
    char c;

    (void)state;
    write_file("f", "x");
    eq(open_("f", O_RDWR, 0), 0);
    eq(sys_unlink(U("f")), 0);
    eq(sys_read(0, U(&c), 1), 1);
    eq(c, 'x');
    eq(sys_linkat(0, U(""), AT_FDCWD, U("again"), AT_EMPTY_PATH), -ENOENT);
    eq(sys_close(0), 0);
}

static void renames_replace_and_refuse(void **state)
{
    (void)state;
    write_file("f", "f");
    write_file("g", "gg");
    eq(sys_mkdir(U("d"), 0755), 0);
    eq(sys_mkdir(U("d/sub"), 0755), 0);
    eq(sys_mkdir(U("e"), 0755), 0);
    eq(sys_rename(U("none"), U("x")), -ENOENT);
    eq(sys_rename(U("f"), U("d")), -EISDIR);
    eq(sys_rename(U("d"), U("f")), -ENOTDIR);
    eq(sys_rename(U("f/"), U("x")), -ENOTDIR);
    eq(sys_rename(U("f"), U("x/")), -ENOTDIR);
    eq(sys_rename(U("d"), U("d/sub/x")), -EINVAL);
    eq(sys_rename(U("d/sub"), U("d")), -ENOTEMPTY);
    eq(sys_rename(U("e"), U("d")), -ENOTEMPTY);
    eq(sys_rename(U("."), U("x")), -EBUSY);
    eq(sys_rename(U("f"), U("..")), -EBUSY);
    eq(sys_renameat2(AT_FDCWD, U("f"), AT_FDCWD, U("g"), RENAME_NOREPLACE), -EEXIST);
    eq(sys_renameat2(AT_FDCWD, U("f"), AT_FDCWD, U("x"), RENAME_EXCHANGE), -ENOENT);
    eq(sys_renameat2(AT_FDCWD, U("f"), AT_FDCWD, U("g"), RENAME_EXCHANGE), 0);
    eq(size_of("f"), 2);
    eq(size_of("g"), 1);
    eq(sys_renameat2(AT_FDCWD, U("f"), AT_FDCWD, U("d"), RENAME_EXCHANGE), 0);
    eq(size_of("d"), 2);
    eq(size_of("f/sub"), 40);
    eq(sys_renameat2(AT_FDCWD, U("f/sub"), AT_FDCWD, U("g"), RENAME_EXCHANGE), 0);
    eq(links_of("f"), 2);
    eq(sys_renameat2(AT_FDCWD, U("f/sub"), AT_FDCWD, U("g"), RENAME_EXCHANGE), 0);
    eq(links_of("f"), 3);
    eq(sys_renameat2(AT_FDCWD, U("f"), AT_FDCWD, U("d"), RENAME_EXCHANGE), 0);
    eq(sys_renameat2(AT_FDCWD, U("f"), AT_FDCWD, U("g"), 8), -EINVAL);
    eq(sys_renameat2(AT_FDCWD, U("f"), AT_FDCWD, U("g"), RENAME_EXCHANGE | RENAME_NOREPLACE),
       -EINVAL);
    eq(sys_rename(U("f"), U("g")), 0);
    eq(size_of("g"), 2);
    eq(size_of("f"), -ENOENT);
    eq(sys_rename(U("d/sub"), U("e")), 0);
    eq(links_of("d"), 2);
    eq(sys_rename(U("d"), U("a-name-that-is-too-long-for-the-inline-buffer")), 0);
    eq(sys_rename(U("a-name-that-is-too-long-for-the-inline-buffer"), U("e/d")), 0);
    eq(links_of("e"), 3);
    eq(sys_rename(U("g"), U("g")), 0);
    eq(sys_link(U("g"), U("h")), 0);
    eq(sys_rename(U("g"), U("h")), 0); /* the same file: nothing happens */
    eq(links_of("g"), 2);
    eq(sys_renameat2(AT_FDCWD, U("g"), AT_FDCWD, U("w"), RENAME_WHITEOUT), 0);
    eq(mode_of("g"), S_IFCHR);
    eq(sys_unlink(U("g")), 0);
    eq(sys_unlink(U("w")), 0);
    eq(sys_unlink(U("h")), 0);
    eq(sys_rmdir(U("e/d")), 0);
    eq(sys_rmdir(U("e")), 0);
}

static unsigned list(int fd, size_t room, char names[][8], unsigned max)
{
    uint8_t buf[512];
    unsigned n = 0;
    long got;

    while ((got = sys_getdents64(fd, U(buf), (unsigned)room)) > 0) {
        for (long at = 0; at < got;) {
            struct abi_dirent64 *d = (void *)(buf + at);

            assert_true(n < max);
            strncpy(names[n++], d->d_name, 8);
            at += d->d_reclen;
        }
    }
    eq(got, 0);
    return n;
}

static void directories_list_each_name_once(void **state)
{
    char names[64][8], path[8] = "n00";

    (void)state;
    for (int i = 0; i < 30; i++) {
        path[1] = (char)('0' + i / 10);
        path[2] = (char)('0' + i % 10);
        write_file(path, "");
    }
    eq(open_(".", O_RDONLY | O_DIRECTORY, 0), 0);
    eq(list(0, 512, names, 64), 32);
    assert_string_equal(names[0], ".");
    assert_string_equal(names[1], "..");
    assert_string_equal(names[2], "n00");
    assert_string_equal(names[31], "n29");
    eq(sys_lseek(0, 0, 0), 0);
    eq(list(0, 24, names, 64), 32); /* one at a time */
    eq(sys_getdents64(0, U(names), 0), 0);
    eq(sys_lseek(0, 0, 0), 0);
    eq(sys_getdents64(0, U(names), 10), -EINVAL);
    eq(sys_getdents64(0, 8, 100), -EFAULT);
    eq(sys_read(0, U(names), 1), -EISDIR);
    for (int i = 0; i < 30; i++) { /* removing while reading, one entry per call */
        char one[1][8];
        uint8_t buf[24];

        while (sys_getdents64(0, U(buf), 24) == 24) {
            strncpy(one[0], ((struct abi_dirent64 *)(void *)buf)->d_name, 8);
            if (one[0][0] == 'n')
                eq(sys_unlink(U(one[0])), 0);
        }
    }
    eq(sys_lseek(0, 0, 0), 0);
    eq(list(0, 512, names, 64), 2);
    eq(sys_close(0), 0);
}

/* Each name is changed when it is seen, one a call: what it becomes is not seen. */
static void reading_a_directory_ends_while_names_change(void **state)
{
    char names[64][8], path[16], next[16];
    uint8_t buf[24];
    const char *seen = ((struct abi_dirent64 *)(void *)buf)->d_name;
    off_t third = 0;
    int n = 0;

    (void)state;
    for (int i = 0; i < 20; i++) {
        snprintf(path, sizeof(path), "n%02d", i);
        write_file(path, "");
    }
    eq(open_(".", O_RDONLY | O_DIRECTORY, 0), 0);
    for (; n < 100 && sys_getdents64(0, U(buf), 24) == 24; n++) {
        if (n == 2)
            third = ((struct abi_dirent64 *)(void *)buf)->d_off;
        if (seen[0] != 'n')
            continue;
        eq(strlen(seen), 3);
        snprintf(next, sizeof(next), "%sb", seen);
        eq(sys_rename(U(seen), U(next)), 0);
    }
    eq(n, 22);
    write_file("new", "");
    eq(list(0, 512, names, 64), 0);
    eq(sys_lseek(0, 0, 0), 0);
    eq(list(0, 512, names, 64), 23);
    eq(sys_close(0), 0);
    eq(open_(".", O_RDONLY | O_DIRECTORY, 0), 0);
    eq(sys_lseek(0, third, 0), third); /* another reader's position */
    eq(list(0, 512, names, 64), 21);
    for (int i = 0; i < 20; i++) {
        snprintf(path, sizeof(path), "n%02db", i);
        eq(sys_unlink(U(path)), 0);
    }
    eq(sys_unlink(U("new")), 0);
    eq(sys_close(0), 0);
}

/* A name that is there all the time is listed once, whichever file it is of. */
static void replaced_and_exchanged_names_are_listed_once(void **state)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    uint8_t buf[24];
    const char *seen = ((struct abi_dirent64 *)(void *)buf)->d_name;
    char all[8] = "";

    (void)state;
    eq(sys_mkdir(U("l"), 0700), 0);
    eq(sys_chdir(U("l")), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        write_file(names[i], "");
    eq(open_(".", O_RDONLY | O_DIRECTORY, 0), 0);
    while (sys_getdents64(0, U(buf), 24) == 24) {
        if (seen[0] == '.')
            continue;
        strcat(all, seen);
        if (seen[0] == 'b') { /* a is past, c and d are to come */
            write_file("new", "");
            eq(sys_rename(U("new"), U("d")), 0);
            eq(sys_renameat2(AT_FDCWD, U("a"), AT_FDCWD, U("c"), RENAME_EXCHANGE), 0);
        }
    }
    assert_string_equal(all, "abcd");
    eq(sys_close(0), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        eq(sys_unlink(U(names[i])), 0);
    eq(sys_chdir(U("..")), 0);
    eq(sys_rmdir(U("l")), 0);
}

/* ---- permissions ---- */

static void modes_are_enforced(void **state)
{
    struct abi_stat s;

    (void)state;
    write_file("secret", "x");
    eq(sys_chmod(U("secret"), 0600), 0);
    eq(sys_mkdir(U("locked"), 0700), 0);
    eq(sys_mkdir(U("sticky"), 0777), 0);
    eq(sys_chmod(U("sticky"), 01777), 0);
    write_file("sticky/root", "x");
    write_file("suid", "x");
    eq(sys_chmod(U("suid"), 06777), 0);

    host_be_user(1000);
    eq(open_("secret", O_RDONLY, 0), -EACCES);
    eq(sys_access(U("secret"), 0), 0);
    eq(sys_access(U("secret"), 4), -EACCES);
    eq(sys_access(U("secret"), 8), -EINVAL);
    eq(open_("locked/x", O_RDONLY, 0), -EACCES);
    eq(sys_chdir(U("locked")), -EACCES);
    eq(sys_unlink(U("sticky/root")), -EPERM);
    eq(sys_rename(U("sticky/root"), U("sticky/mine")), -EPERM);
    eq(sys_chmod(U("secret"), 0777), -EPERM);
    eq(sys_chown(U("secret"), 1000, 1000), -EPERM);
    eq(sys_utimensat(AT_FDCWD, U("secret"), 0, 0), -EACCES);
    eq(sys_chroot(U(".")), -EPERM);
    eq(mount_("none", "sticky", "tmpfs", 0, NULL), -EPERM);
    eq(sys_umount2(U("/"), 0), -EPERM);
    eq(sys_mknod(U("sticky/c"), S_IFCHR | 0666, 0x103), -EPERM);
    eq(sys_mkdir(U("/denied"), 0700), -EACCES);
    eq(open_("sticky/own", O_CREAT | O_WRONLY, 04755), 0);
    eq(sys_fstat(0, U(&s)), 0);
    eq(s.st_uid, 1000);
    eq(sys_fchown(0, 1001, UINT32_MAX), -EPERM);
    eq(sys_fchmod(0, 02755), 0);
    eq(sys_close(0), 0);
    eq(open_("suid", O_WRONLY, 0), 0);
    eq(sys_write(0, U("y"), 1), 1);
    eq(mode_of("suid"), S_IFREG | 0777);
    eq(sys_close(0), 0);
    eq(sys_setxattr(U("secret"), U("user.a"), U("v"), 1, 0), -EACCES);
    eq(sys_setxattr(U("sticky/own"), U("trusted.a"), U("v"), 1, 0), -EPERM);
    eq(sys_getxattr(U("sticky/own"), U("trusted.a"), 0, 0), -ENODATA);

    host_be_user(0);
    eq(sys_chown(U("suid"), 5, 6), 0);
    eq(sys_stat(U("suid"), U(&s)), 0);
    eq(s.st_uid, 5);
    eq(s.st_gid, 6);
    eq(sys_unlink(U("suid")), 0);
    eq(sys_unlink(U("sticky/own")), 0);
    eq(sys_unlink(U("sticky/root")), 0);
    eq(sys_rmdir(U("sticky")), 0);
    eq(sys_rmdir(U("locked")), 0);
    eq(sys_unlink(U("secret")), 0);
}

static void times_are_set_and_kept(void **state)
{
    struct abi_timespec t[2] = {{100, 5}, {200, UTIME_OMIT}};
    struct abi_stat s;

    (void)state;
    write_file("f", "x");
    eq(sys_utimensat(AT_FDCWD, U("f"), U(t), 0), 0);
    eq(sys_stat(U("f"), U(&s)), 0);
    eq(s.st_atim.tv_sec, 100);
    eq(s.st_atim.tv_nsec, 5);
    assert_true(s.st_mtim.tv_sec > 1000);
    t[1].tv_nsec = 1000000000;
    eq(sys_utimensat(AT_FDCWD, U("f"), U(t), 0), -EINVAL);
    eq(sys_utimensat(AT_FDCWD, U("f"), 8, 0), -EFAULT);
    eq(sys_utimensat(AT_FDCWD, 0, U(t), 0), -EINVAL);
    eq(sys_utimensat(55, 0, 0, 0), -EBADF);
    eq(sys_unlink(U("f")), 0);
}

/* ---- mounts ---- */

static void tmpfs_ends_with_enospc(void **state)
{
    static char data[4096];
    struct abi_statfs s;
    long fd, n = 0;

    (void)state;
    eq(sys_mkdir(U("m"), 0755), 0);
    eq(mount_("none", "m", "tmpfs", 0, "size=64k,nr_inodes=5,mode=0700"), 0);
    eq(mode_of("m"), S_IFDIR | 0700);
    fd = open_("m/f", O_CREAT | O_WRONLY, 0600);
    eq(fd, 0);
    while (sys_write(0, U(data), sizeof(data)) == 4096)
        n++;
    eq(n, 16);
    eq(sys_write(0, U(data), 1), -ENOSPC);
    eq(sys_statfs(U("m"), U(&s)), 0);
    eq(s.f_type, 0x01021994);
    eq(s.f_blocks, 16);
    eq(s.f_bfree, 0);
    eq(s.f_files, 5);
    eq(s.f_ffree, 3);
    eq(sys_ftruncate(0, 4096), 0);
    eq(sys_write(0, U(data), 0), 0);
    eq(sys_fstatfs(0, U(&s)), 0);
    eq(s.f_bfree, 15);
    eq(sys_mkdir(U("m/a"), 0700), 0);
    eq(sys_symlink(U("x"), U("m/b")), 0);
    eq(sys_link(U("m/f"), U("m/c")), 0);
    eq(sys_mkdir(U("m/d"), 0700), -ENOSPC);
    eq(sys_unlink(U("m/c")), 0);
    eq(sys_mkdir(U("m/d"), 0700), 0);
    eq(sys_umount2(U("m"), 0), -EBUSY);
    eq(sys_close(0), 0);
    eq(sys_umount2(U("m"), 0), 0);
    eq(sys_umount2(U("m"), 0), -EINVAL);
    eq(mount_("none", "m", "tmpfs", 0, "size=x"), -EINVAL);
    eq(mount_("none", "m", "nosuchfs", 0, NULL), -ENODEV);
    eq(mount_("none", "m", NULL, 0, NULL), -EINVAL);
    eq(mount_("none", "missing", "tmpfs", 0, NULL), -ENOENT);
    eq(sys_rmdir(U("m")), 0);
}

static void mount_flags_are_enforced(void **state)
{
    (void)state;
    eq(sys_mkdir(U("m"), 0755), 0);
    eq(mount_("none", "m", "tmpfs", MS_NODEV | MS_NOSUID, NULL), 0);
    write_file("m/f", "x");
    eq(sys_mknod(U("m/c"), S_IFCHR | 0666, 0x103), 0);
    eq(open_("m/c", O_RDONLY, 0), -EACCES);
    eq(open_("m/f", O_WRONLY, 0), 0);
    eq(mount_(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), -EBUSY);
    eq(sys_close(0), 0);
    eq(mount_(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
    eq(open_("m/f", O_WRONLY, 0), -EROFS);
    eq(open_("m/new", O_CREAT | O_WRONLY, 0600), -EROFS);
    eq(open_("m/f", O_RDONLY, 0), 0);
    eq(sys_fchmod(0, 0600), -EROFS);
    eq(sys_close(0), 0);
    eq(sys_mkdir(U("m/d"), 0700), -EROFS);
    eq(sys_unlink(U("m/f")), -EROFS);
    eq(sys_rename(U("m/f"), U("m/g")), -EROFS);
    eq(sys_truncate(U("m/f"), 0), -EROFS);
    eq(sys_access(U("m/f"), 2), -EROFS);
    eq(sys_setxattr(U("m/f"), U("user.a"), U("v"), 1, 0), -EROFS);
    eq(mount_(NULL, "m/f", NULL, MS_REMOUNT | MS_BIND, NULL), -EINVAL);
    eq(mount_(NULL, "m", NULL, MS_PRIVATE | MS_REC, NULL), 0);
    eq(mount_(NULL, "m", NULL, MS_SLAVE, NULL), 0);
    eq(mount_(NULL, "m", NULL, MS_PRIVATE | MS_SLAVE, NULL), -EINVAL);
    eq(mount_(NULL, "m/f", NULL, MS_PRIVATE, NULL), -EINVAL);
    eq(sys_rmdir(U("m")), -EBUSY);
    eq(sys_rename(U("m"), U("x")), -EBUSY);
    eq(sys_link(U("m/f"), U("f")), -EXDEV);
    eq(sys_rename(U("m/f"), U("f")), -EXDEV);
    eq(sys_umount2(U("m"), 0), 0);
    eq(sys_rmdir(U("m")), 0);
}

static void bind_mounts_show_one_part(void **state)
{
    (void)state;
    eq(sys_mkdir(U("a"), 0755), 0);
    eq(sys_mkdir(U("a/in"), 0755), 0);
    eq(sys_mkdir(U("b"), 0755), 0);
    write_file("a/in/f", "x");
    write_file("file", "yy");
    write_file("over", "");
    eq(mount_("a/in", "b", NULL, MS_BIND, NULL), 0);
    eq(size_of("b/f"), 1);
    eq(sys_chdir(U("b")), 0);
    assert_string_equal(cwd(), "/t/b");
    eq(sys_chdir(U("..")), 0);
    assert_string_equal(cwd(), "/t");
    eq(mount_("file", "over", NULL, MS_BIND, NULL), 0);
    eq(size_of("over"), 2);
    eq(mount_("file", "b", NULL, MS_BIND, NULL), -ENOTDIR);
    eq(mount_("b", "over", NULL, MS_BIND, NULL), -ENOTDIR);
    eq(sys_umount2(U("over"), 0), 0);

    /* Moved out of what the mount shows: ".." leads nowhere. */
    eq(sys_mkdir(U("a/in/deep"), 0755), 0);
    eq(sys_chdir(U("b/deep")), 0);
    eq(sys_rename(U("/t/a/in/deep"), U("/t/a/moved")), 0);
    eq(sys_chdir(U("..")), -ENOENT);
    eq(sys_chdir(U("/t")), 0);
    eq(sys_rmdir(U("a/moved")), 0);

    /* Mounts below come along only with MS_REC. */
    eq(mount_("none", "a/in", "tmpfs", 0, NULL), 0);
    eq(mount_("a", "a", NULL, MS_BIND, NULL), 0);
    eq(size_of("a/in/f"), 1);
    eq(sys_umount2(U("a"), 0), 0);
    eq(mount_("a", "a", NULL, MS_BIND | MS_REC, NULL), 0);
    eq(size_of("a/in/f"), -ENOENT);
    eq(sys_umount2(U("a"), 0), -EBUSY);
    eq(sys_umount2(U("a"), 2), 0);
    eq(sys_umount2(U("a/in"), 0), 0);

    eq(mount_("b", "a", NULL, MS_MOVE, NULL), 0);
    eq(size_of("a/f"), 1);
    eq(mount_("a", "a", NULL, MS_MOVE, NULL), -ELOOP);
    eq(mount_("file", "b", NULL, MS_MOVE, NULL), -EINVAL);
    eq(sys_umount2(U("a"), 0), 0);
    eq(sys_unlink(U("a/in/f")), 0);
    eq(sys_rmdir(U("a/in")), 0);
    eq(sys_rmdir(U("a")), 0);
    eq(sys_rmdir(U("b")), 0);
    eq(sys_unlink(U("file")), 0);
    eq(sys_unlink(U("over")), 0);
}

static void a_detached_mount_lives_until_its_users_are_gone(void **state)
{
    (void)state;
    eq(sys_mkdir(U("m"), 0755), 0);
    eq(mount_("none", "m", "tmpfs", 0, NULL), 0);
    eq(sys_mkdir(U("m/d"), 0755), 0);
    eq(sys_chdir(U("m/d")), 0);
    eq(sys_umount2(U("/t/m"), 0), -EBUSY);
    eq(sys_umount2(U("/t/m"), 16), -EINVAL);
    eq(sys_umount2(U("/t/m"), 2), 0);
    eq(sys_mkdir(U("e"), 0755), 0);
    assert_string_equal(cwd(), "(unreachable)/d");
    eq(sys_chdir(U("../../..")), 0);
    assert_string_equal(cwd(), "(unreachable)/");
    eq(sys_chdir(U("/t")), 0);
    eq(sys_rmdir(U("m")), 0);
}

static bool collect(void *ctx, const char *line, size_t len)
{
    char *text = ctx;

    memcpy(text + strlen(text), line, len);
    return true;
}

static void a_container_pivots_into_its_root(void **state)
{
    static char text[8192];
    struct nsproxy ours = nsproxy_init, *before_proxy = current->nsproxy;
    struct fs_struct *fs = fs_struct_copy(current->fs), *before_fs = current->fs;
    struct path root;

    (void)state;
    eq(sys_mkdir(U("root fs"), 0755), 0);
    eq(sys_mkdir(U("root fs/proc"), 0755), 0);
    ours.mnt = mnt_ns_copy(nsproxy_init.mnt, fs);
    assert_non_null(ours.mnt);
    current->nsproxy = &ours;
    current->fs = fs;

    eq(mount_(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    eq(mount_("root fs", "root fs", NULL, MS_BIND | MS_REC, NULL), 0);
    eq(mount_("proc", "root fs/proc", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=1m"), 0);
    eq(sys_pivot_root(U("/t"), U("/t")), -EBUSY);
    eq(sys_pivot_root(U("/"), U("/")), -EBUSY);
    eq(sys_chdir(U("root fs")), 0);
    eq(sys_pivot_root(U("."), U(".")), 0);
    eq(sys_umount2(U("."), 2), 0);
    assert_string_equal(cwd(), "/");
    eq(size_of("/t"), -ENOENT);
    eq(size_of("/../../proc/.."), 60);
    fs_root(&root);
    eq(mnt_ns_show(ours.mnt, &root, MOUNT_TEXT_INFO, collect, text), 0);
    assert_non_null(strstr(text, " /t/root\\040fs / rw"));
    assert_non_null(
        strstr(text, " /proc rw,nosuid,nodev,noexec,relatime - tmpfs proc rw,size=1024k"));
    memset(text, 0, sizeof(text));
    eq(mnt_ns_show(ours.mnt, &root, MOUNT_TEXT_MOUNTS, collect, text), 0);
    assert_string_equal(
        text, "tmpfs / tmpfs rw,relatime,mode=755,inode64 0 0\n"
              "proc /proc tmpfs rw,nosuid,nodev,noexec,relatime,size=1024k,inode64 0 0\n");
    memset(text, 0, sizeof(text));
    path_put(&root);

    current->nsproxy = before_proxy;
    current->fs = before_fs;
    fs_struct_put(fs);
    mnt_ns_put(ours.mnt);
    eq(sys_rmdir(U("root fs/proc")), 0);
    eq(sys_rmdir(U("root fs")), 0);
}

static void removing_a_mountpoint_detaches_it_elsewhere(void **state)
{
    struct nsproxy ours = nsproxy_init, *before_proxy = current->nsproxy;
    struct fs_struct *fs = fs_struct_copy(current->fs), *before_fs = current->fs;

    (void)state;
    eq(sys_mkdir(U("m"), 0755), 0);
    ours.mnt = mnt_ns_copy(nsproxy_init.mnt, fs);
    assert_non_null(ours.mnt);
    current->nsproxy = &ours;
    current->fs = fs;
    eq(mount_("none", "m", "tmpfs", 0, NULL), 0);
    eq(sys_rmdir(U("m")), -EBUSY);
    current->nsproxy = before_proxy;
    current->fs = before_fs;
    eq(sys_rmdir(U("m")), 0);
    fs_struct_put(fs);
    mnt_ns_put(ours.mnt);
}

static void chroot_clamps_dotdot(void **state)
{
    (void)state;
    eq(sys_mkdir(U("r"), 0755), 0);
    eq(sys_mkdir(U("r/s"), 0755), 0);
    eq(open_("/", O_RDONLY | O_DIRECTORY, 0), 0);
    eq(sys_chroot(U("r")), 0);
    eq(sys_chdir(U("/s/../../../..")), 0);
    assert_string_equal(cwd(), "/");
    eq(size_of("/s"), 40);
    eq(size_of("/t"), -ENOENT);
    eq(sys_fchdir(0), 0); /* an open directory is still a way out, as on Linux */
    assert_string_equal(cwd(), "(unreachable)/");
    eq(sys_chroot(U(".")), 0);
    eq(sys_chdir(U("/t")), 0);
    eq(sys_close(0), 0);
    eq(sys_rmdir(U("r/s")), 0);
    eq(sys_rmdir(U("r")), 0);
}

/* ---- attributes, locks, memfd ---- */

static void attributes_are_stored(void **state)
{
    char buf[64];

    (void)state;
    write_file("f", "x");
    eq(sys_setxattr(U("f"), U("user.a"), U("value"), 5, 0), 0);
    eq(sys_setxattr(U("f"), U("user.a"), U("v"), 1, XATTR_CREATE), -EEXIST);
    eq(sys_setxattr(U("f"), U("user.b"), U("v"), 1, XATTR_REPLACE), -ENODATA);
    eq(sys_setxattr(U("f"), U("user.b"), U("v"), 1, 4), -EINVAL);
    eq(sys_setxattr(U("f"), U("system.x"), U("v"), 1, 0), -EOPNOTSUPP);
    eq(sys_setxattr(U("f"), U(""), U("v"), 1, 0), -ERANGE);
    eq(sys_setxattr(U("f"), U("user.c"), U("v"), 65537, 0), -E2BIG);
    eq(sys_setxattr(U("f"), U("trusted.t"), U(""), 0, 0), 0);
    eq(sys_getxattr(U("f"), U("user.a"), 0, 0), 5);
    eq(sys_getxattr(U("f"), U("user.a"), U(buf), 4), -ERANGE);
    eq(sys_getxattr(U("f"), U("user.a"), U(buf), 64), 5);
    assert_memory_equal(buf, "value", 5);
    eq(sys_getxattr(U("f"), U("user.n"), U(buf), 64), -ENODATA);
    eq(sys_listxattr(U("f"), U(buf), 64), 17);
    assert_memory_equal(buf, "user.a\0trusted.t\0", 17);
    eq(sys_removexattr(U("f"), U("user.a")), 0);
    eq(sys_removexattr(U("f"), U("user.a")), -ENODATA);
    eq(sys_symlink(U("f"), U("l")), 0);
    eq(sys_lsetxattr(U("l"), U("user.a"), U("v"), 1, 0), -EPERM);
    eq(sys_unlink(U("l")), 0);
    eq(sys_unlink(U("f")), 0);
}

static void locks_conflict_between_owners(void **state)
{
    struct abi_flock l = {.l_type = F_WRLCK, .l_start = 10, .l_len = 10};
    struct abi_flock w = {.l_type = F_RDLCK, .l_whence = 1, .l_start = 0, .l_len = -5};

    (void)state;
    eq(open_("f", O_CREAT | O_RDWR, 0600), 0);
    eq(open_("f", O_RDWR, 0), 1);
    eq(sys_flock(0, LOCK_EX), 0);
    eq(sys_flock(1, LOCK_SH | LOCK_NB), -EAGAIN);
    eq(sys_flock(1, LOCK_SH), -ERESTARTSYS);
    eq(sys_flock(0, LOCK_SH), 0);
    eq(sys_flock(1, LOCK_SH | LOCK_NB), 0);
    eq(sys_flock(0, 3), -EINVAL);
    eq(sys_flock(0, LOCK_UN), 0);
    eq(sys_flock(1, LOCK_EX | LOCK_NB), 0);
    eq(sys_fcntl(0, F_SETLK, U(&l)), 0);
    eq(sys_fcntl(1, F_OFD_SETLK, U(&l)), -EAGAIN);
    eq(sys_fcntl(1, F_OFD_GETLK, U(&l)), 0);
    eq(l.l_type, F_WRLCK);
    eq(l.l_start, 10);
    eq(l.l_len, 10);
    eq(l.l_pid, 1);
    l = (struct abi_flock){.l_type = F_WRLCK, .l_start = 20, .l_len = 0};
    eq(sys_fcntl(1, F_OFD_SETLK, U(&l)), 0);
    eq(sys_fcntl(0, F_SETLKW, U(&l)), -ERESTARTSYS);
    eq(sys_lseek(0, 10, 0), 10);
    eq(sys_fcntl(0, F_SETLK, U(&w)), 0);
    w.l_len = -11;
    eq(sys_fcntl(0, F_SETLK, U(&w)), -EINVAL);
    w.l_whence = 7;
    eq(sys_fcntl(0, F_SETLK, U(&w)), -EINVAL);
    l.l_type = 9;
    eq(sys_fcntl(0, F_SETLK, U(&l)), -EINVAL);
    eq(sys_fcntl(0, F_SETLK, 8), -EFAULT);
    eq(sys_close(1), 0); /* takes the process's record locks with it */
    eq(sys_close(0), 0);
    eq(sys_unlink(U("f")), 0);
}

static void seals_are_kept(void **state)
{
    (void)state;
    eq(sys_memfd_create(U("m"), MFD_ALLOW_SEALING), 0);
    eq(sys_write(0, U("data"), 4), 4);
    eq(sys_fcntl(0, F_ADD_SEALS, 2), 0);
    eq(sys_ftruncate(0, 2), -EPERM);
    eq(sys_ftruncate(0, 8), 0);
    eq(sys_fcntl(0, F_ADD_SEALS, 4), 0);
    eq(sys_ftruncate(0, 9), -EPERM);
    eq(sys_pwrite64(0, U("0123456789"), 10, 4), -EPERM);
    eq(sys_pwrite64(0, U("x"), 1, 8), -EPERM);
    eq(sys_fcntl(0, F_ADD_SEALS, 8 | 1), 0);
    eq(sys_pwrite64(0, U("x"), 1, 0), -EPERM);
    eq(sys_fcntl(0, F_GET_SEALS, 0), 15);
    eq(sys_fcntl(0, F_ADD_SEALS, 2), -EPERM);
    eq(sys_close(0), 0);
    eq(sys_memfd_create(U("m"), 0), 0);
    eq(sys_fcntl(0, F_GET_SEALS, 0), 1);
    eq(sys_close(0), 0);
    eq(sys_memfd_create(U("m"), 0x1000), -EINVAL);
}

/* ---- memory runs out ---- */

static void everything(void)
{
    struct abi_flock l = {.l_type = F_WRLCK};
    char buf[64];

    (void)sys_mkdir(U("d"), 0755);
    (void)mount_("none", "d", "tmpfs", 0, "size=1m");
    (void)sys_mkdir(U("d/a-directory-with-a-name-that-is-too-long-for-inline"), 0755);
    (void)sys_symlink(U("a-directory-with-a-name-that-is-too-long-for-inline"), U("d/l"));
    long fd = open_("d/l/f", O_CREAT | O_RDWR, 0600);
    if (fd >= 0) {
        (void)sys_pwrite64((int)fd, U("x"), 1, 1 << 20);
        (void)sys_fsetxattr((int)fd, U("user.a"), U("v"), 1, 0);
        (void)sys_fcntl((int)fd, F_SETLK, U(&l));
        (void)sys_flock((int)fd, LOCK_EX);
        (void)sys_dup2((int)fd, 300);
        (void)sys_linkat(AT_FDCWD, U("d/l/f"), AT_FDCWD, U("d/g"), 0);
        (void)sys_rename(U("d/g"), U("d/l/h"));
    }
    (void)sys_readlink(U("d/l"), U(buf), sizeof(buf));
    (void)sys_getcwd(U(buf), sizeof(buf));
    (void)mount_("d", "d", NULL, MS_BIND | MS_REC, NULL);
    fd = sys_memfd_create(U("m"), 0);
    if (fd >= 0)
        (void)sys_write((int)fd, U("x"), 1);
    fd = open_("d", O_TMPFILE | O_RDWR, 0600);
    if (fd >= 0)
        (void)sys_write((int)fd, U("x"), 1);
    {
        struct fs_struct *fs = fs_struct_copy(current->fs);
        struct mnt_ns *ns = fs != NULL ? mnt_ns_copy(nsproxy_init.mnt, fs) : NULL;

        if (fs != NULL)
            fs_struct_put(fs);
        if (ns != NULL)
            mnt_ns_put(ns);
    }
}

static void clean_up(void)
{
    (void)sys_close_range(0, ~0u, 0);
    while (sys_umount2(U("d"), 2) == 0)
        continue;
    (void)sys_unlink(U("d/l/f")); /* when the mount was what failed */
    (void)sys_unlink(U("d/l/h"));
    (void)sys_unlink(U("d/g"));
    (void)sys_unlink(U("d/l"));
    (void)sys_rmdir(U("d/a-directory-with-a-name-that-is-too-long-for-inline"));
    (void)sys_rmdir(U("d"));
}

static void every_failed_allocation_leaves_nothing_behind(void **state)
{
    unsigned n, objects;

    (void)state;
    objects = host_objects();
    for (n = 0; n < 1000; n++) {
        host_fail_after(n);
        everything();
        host_no_failures();
        clean_up();
        if (!host_failed())
            break;
        eq(host_objects(), objects);
    }
    assert_true(n > 50 && n < 1000);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, enter, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reads_back_what_was_written),
        TEST(holes_read_as_zeros_and_take_no_pages),
        TEST(truncation_forgets_the_cut_bytes),
        TEST(appends_at_the_end_whatever_the_position),
        TEST(vectors_move_in_order),
        TEST(copies_inside_the_kernel),
        TEST(open_flags_mean_what_the_manual_says),
        TEST(walks_follow_the_rules),
        TEST(forty_links_are_the_limit),
        TEST(openat2_stays_inside),
        TEST(names_are_made_and_removed),
        TEST(nothing_is_made_in_a_removed_directory),
        TEST(an_unlinked_file_lives_as_long_as_it_is_open),
        TEST(renames_replace_and_refuse),
        TEST(directories_list_each_name_once),
        TEST(reading_a_directory_ends_while_names_change),
        TEST(replaced_and_exchanged_names_are_listed_once),
        TEST(modes_are_enforced),
        TEST(times_are_set_and_kept),
        TEST(tmpfs_ends_with_enospc),
        TEST(mount_flags_are_enforced),
        TEST(bind_mounts_show_one_part),
        TEST(a_detached_mount_lives_until_its_users_are_gone),
        TEST(a_container_pivots_into_its_root),
        TEST(removing_a_mountpoint_detaches_it_elsewhere),
        TEST(chroot_clamps_dotdot),
        TEST(attributes_are_stored),
        TEST(locks_conflict_between_owners),
        TEST(seals_are_kept),
        TEST(descriptors_are_the_lowest_free_ones),
        TEST(every_failed_allocation_leaves_nothing_behind),
    };

    host_start();
    eq(open_("/", O_RDONLY, 0), 0); /* the descriptor table grows once and stays that large */
    eq(sys_dup2(0, 1023), 1023);
    eq(sys_close_range(0, ~0u, 0), 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
