/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Overlays through their system calls, on the build host, against a model that
 * knows no layers: a table of names. Lower layers never change, what is seen is
 * seen again after a new mount, and a failed allocation leaves things as they were.
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
#include <kernel/vm.h>

#include "kernel/abi/fs.h"
#include "vfs_host/host.h"
#include "xorshift.h"

void overlayfs_init(void);
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

#define U(p)     ((uaddr_t)(p))
#define eq(a, b) assert_int_equal((long)(a), (long)(b))

static uint32_t next_random(uint32_t below)
{
    static uint64_t state = 0x9e3779b97f4a7c15ULL;

    return (uint32_t)(xorshift64(&state) >> 32) % below;
}

/* ---- calls, with what the model wants to know of them ---- */

static long write_to(const char *path, int flags, int64_t value)
{
    long fd = sys_openat(AT_FDCWD, U(path), O_WRONLY | flags, 0644), n;

    if (fd < 0)
        return fd;
    n = sys_write((int)fd, U(&value), sizeof(value));
    eq(sys_close((int)fd), 0);
    return n < 0 ? n : 0;
}

/* The number in a file, 0 of an empty one; or the error. */
static long read_from(const char *path, int64_t *value)
{
    long fd = sys_openat(AT_FDCWD, U(path), O_RDONLY, 0), n;

    if (fd < 0)
        return fd;
    *value = 0;
    n = sys_read((int)fd, U(value), sizeof(*value));
    eq(sys_close((int)fd), 0);
    return n < 0 ? n : 0;
}

static long try_mount(const char *where, const char *options)
{
    static char page[4096]; /* mount(2) reads a whole one */

    strcpy(page, options);
    return sys_mount(U("overlay"), U(where), U("overlay"), 0, U(page));
}

static void mount_with(const char *options)
{
    eq(try_mount("/t/m", options), 0);
}

static void mount_overlay(void)
{
    mount_with("lowerdir=/t/l1:/t/l0,upperdir=/t/u,workdir=/t/w");
}

static void remount_overlay(void)
{
    eq(sys_umount2(U("/t/m"), 0), 0);
    mount_overlay();
}

static const char *const places[] = {"/t/l0", "/t/l1", "/t/u", "/t/w", "/t/m"};
static unsigned before;

static int enter(void **state)
{
    static const char big[4096] = "nr_inodes=10000,size=64m";

    (void)state;
    host_be_user(0);
    before = host_objects();
    eq(sys_mkdir(U("/t"), 0755), 0);
    eq(sys_mount(U("none"), U("/t"), U("tmpfs"), 0, U(big)), 0);
    for (unsigned i = 0; i < 5; i++)
        eq(sys_mkdir(U(places[i]), 0755), 0);
    return 0;
}

static int leave(void **state)
{
    (void)state;
    host_no_failures();
    (void)sys_umount2(U("/t/m"), 0);
    eq(sys_umount2(U("/t"), 0), 0);
    eq(sys_rmdir(U("/t")), 0);
    eq(host_objects(), before);
    return 0;
}

/* ---- two names of one file ---- */

static void names_of_one_file_are_removed_one_by_one(void **state)
{
    int64_t v;

    (void)state;
    eq(write_to("/t/l0/low", O_CREAT, 1), 0);
    eq(sys_link(U("/t/l0/low"), U("/t/l0/low2")), 0);
    mount_overlay();
    /* made in the upper layer */
    eq(write_to("/t/m/a", O_CREAT, 5), 0);
    eq(sys_link(U("/t/m/a"), U("/t/m/b")), 0);
    eq(sys_unlink(U("/t/m/a")), 0);
    eq(read_from("/t/m/b", &v), 0);
    eq(v, 5);
    eq(sys_unlink(U("/t/m/b")), 0);
    eq(read_from("/t/m/b", &v), -ENOENT);
    /* the first goes while the second stays */
    eq(write_to("/t/m/a", O_CREAT, 6), 0);
    eq(sys_link(U("/t/m/a"), U("/t/m/b")), 0);
    eq(sys_unlink(U("/t/m/b")), 0);
    eq(read_from("/t/m/a", &v), 0);
    eq(v, 6);
    eq(sys_unlink(U("/t/m/a")), 0);
    /* from a lower one: a copy-up parts them, as on Linux without an index */
    eq(write_to("/t/m/low", 0, 2), 0);
    eq(sys_unlink(U("/t/m/low2")), 0);
    eq(read_from("/t/m/low2", &v), -ENOENT);
    eq(read_from("/t/m/low", &v), 0);
    eq(v, 2);
    remount_overlay();
    eq(read_from("/t/m/low", &v), 0);
    eq(v, 2);
    eq(read_from("/t/m/low2", &v), -ENOENT);
    eq(read_from("/t/l0/low2", &v), 0);
    eq(v, 1);
}

/* A removed directory takes along what was cached of names in it, and nothing new is cached there:
 * the overlay ends with all of its objects (see leave()). */
static void a_removed_directory_is_forgotten(void **state)
{
    int64_t v;

    (void)state;
    mount_overlay();
    eq(sys_mkdir(U("/t/m/d"), 0755), 0);
    eq(sys_mkdir(U("/t/m/e"), 0755), 0);
    eq(read_from("/t/m/d/x", &v), -ENOENT);
    eq(read_from("/t/m/e/x", &v), -ENOENT);
    eq(sys_rename(U("/t/m/e"), U("/t/m/d")), 0);
    eq(read_from("/t/m/d/y", &v), -ENOENT);
    eq(sys_chdir(U("/t/m/d")), 0);
    eq(sys_rmdir(U("../d")), 0);
    eq(read_from("z", &v), -ENOENT);
    eq(write_to("z", O_CREAT, 1), -ENOENT);
    eq(sys_chdir(U("/")), 0);
}

static void nothing_is_in_the_working_directory(void)
{
    int64_t v;

    eq(read_from("f", &v), -ENOENT);
    eq(write_to("f", O_CREAT, 1), -ENOENT);
    eq(sys_mkdir(U("new"), 0755), -ENOENT);
    eq(sys_symlink(U("x"), U("new")), -ENOENT);
    eq(sys_link(U("/t/m/keep"), U("new")), -ENOENT);
    eq(sys_rename(U("/t/m/keep"), U("new")), -ENOENT);
    eq(sys_rename(U("f"), U("/t/m/new")), -ENOENT);
    eq(sys_unlink(U("f")), -ENOENT);
    eq(sys_chdir(U("/")), 0);
}

static void a_removed_directory_does_not_show_what_was_below(void **state)
{
    static const char *const dirs[] = {"/t/l0/removed", "/t/l0/replaced"};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        char name[32];

        snprintf(name, sizeof(name), "%s/f", dirs[i]);
        eq(sys_mkdir(U(dirs[i]), 0755), 0);
        eq(write_to(name, O_CREAT, 7), 0);
    }
    mount_overlay();
    eq(write_to("/t/m/keep", O_CREAT, 1), 0);
    eq(sys_mkdir(U("/t/m/up"), 0755), 0);
    eq(sys_chdir(U("/t/m/removed")), 0);
    eq(sys_unlink(U("f")), 0);
    eq(sys_rmdir(U("/t/m/removed")), 0);
    nothing_is_in_the_working_directory();
    eq(sys_chdir(U("/t/m/replaced")), 0);
    eq(sys_unlink(U("f")), 0);
    eq(sys_rename(U("/t/m/up"), U("/t/m/replaced")), 0);
    nothing_is_in_the_working_directory();
    eq(sys_mkdir(U("/t/m/up"), 0755), 0); /* one without a lower part */
    eq(sys_chdir(U("/t/m/up")), 0);
    eq(sys_rmdir(U("/t/m/up")), 0);
    nothing_is_in_the_working_directory();
}

static void a_directory_is_synchronized(void **state)
{
    long fd;

    (void)state;
    eq(sys_mkdir(U("/t/l0/d"), 0755), 0);
    mount_overlay();
    fd = sys_openat(AT_FDCWD, U("/t/m/d"), O_RDONLY | O_DIRECTORY, 0);
    eq(sys_fsync((int)fd), 0);
    eq(sys_fdatasync((int)fd), 0);
    eq(sys_close((int)fd), 0);
}

/* ---- identities ---- */

static ino_t ino_of(const char *path)
{
    struct abi_stat s, m;

    eq(sys_lstat(U(path), U(&s)), 0);
    eq(sys_lstat(U("/t/m"), U(&m)), 0);
    eq(s.st_dev, m.st_dev);
    return s.st_ino;
}

/* What readdir says is what stat says, and no two names below have one number but if `links` says so. */
static void check_inos(const char *dir, const char *links)
{
    static uint8_t buf[4096];
    long fd = sys_openat(AT_FDCWD, U(dir), O_RDONLY | O_DIRECTORY, 0);
    long n = sys_getdents64((int)fd, U(buf), sizeof(buf));
    ino_t seen[64];
    unsigned count = 0;
    char path[64];

    assert_true(n > 0);
    for (long at = 0; at < n; at += ((const struct abi_dirent64 *)(const void *)(buf + at))->d_reclen) {
        const struct abi_dirent64 *d = (const void *)(buf + at);

        if (strcmp(d->d_name, "..") == 0 && strcmp(dir, "/t/m") == 0)
            continue; /* of another file system */
        snprintf(path, sizeof(path), "%s/%s", dir, d->d_name);
        eq(d->d_ino, ino_of(path));
        for (unsigned i = 0; i < count && strchr(links, d->d_name[0]) == NULL; i++)
            assert_true(seen[i] != d->d_ino);
        seen[count++] = d->d_ino;
    }
    eq(sys_close((int)fd), 0);
}

static void numbers_are_unique_and_stay(void **state)
{
    static const char *const names[] = {"/t/m/d", "/t/m/d/e", "/t/m/d/e/f", "/t/m/f", "/t/m/up"};
    ino_t before_change[ARRAY_SIZE(names)];
    ino_t linked;

    (void)state;
    eq(sys_mount(U("none"), U("/t/l0"), U("tmpfs"), 0, 0), 0); /* its numbers begin as the upper one's */
    eq(sys_mkdir(U("/t/l0/d"), 0755), 0);
    eq(sys_mkdir(U("/t/l0/d/e"), 0755), 0);
    eq(write_to("/t/l0/d/e/f", O_CREAT, 1), 0);
    eq(write_to("/t/l0/f", O_CREAT, 2), 0);
    eq(sys_symlink(U("f"), U("/t/l0/s")), 0);
    eq(write_to("/t/l0/k", O_CREAT, 3), 0);
    eq(sys_link(U("/t/l0/k"), U("/t/l0/l")), 0);
    eq(sys_mkdir(U("/t/l0/h"), 0755), 0);
    eq(sys_mkdir(U("/t/l1/d"), 0755), 0);
    mount_overlay();
    eq(write_to("/t/m/up", O_CREAT, 4), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        before_change[i] = ino_of(names[i]);
    linked = ino_of("/t/m/k");
    eq(ino_of("/t/m/l"), linked);
    check_inos("/t/m", "l");

    for (unsigned round = 0; round < 2; round++) { /* with what is cached, and without */
        eq(write_to("/t/m/d/e/f", 0, 5), 0);
        eq(write_to("/t/m/f", 0, 6), 0);
        eq(sys_chown(U("/t/m/d"), 1, 1), 0);
        for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
            assert_true(ino_of(names[i]) == before_change[i]);
        check_inos("/t/m", "l");
        check_inos("/t/m/d", "");
        check_inos("/t/m/d/e", "");
        remount_overlay();
    }
    eq(sys_rename(U("/t/m/f"), U("/t/m/d/g")), 0);
    assert_true(ino_of("/t/m/d/g") == before_change[3]);
    eq(sys_link(U("/t/m/d/g"), U("/t/m/n")), 0);
    assert_true(ino_of("/t/m/n") == before_change[3]);
    eq(write_to("/t/m/f", O_CREAT, 7), 0); /* another file */
    eq(sys_lchown(U("/t/m/s"), 1, 1), 0);
    eq(write_to("/t/m/k", 0, 8), 0); /* they part */
    assert_true(ino_of("/t/m/k") != linked);
    assert_true(ino_of("/t/m/l") == linked);
    eq(sys_rmdir(U("/t/m/h")), 0);
    eq(sys_mkdir(U("/t/m/h"), 0755), 0);
    for (unsigned round = 0; round < 2; round++) {
        check_inos("/t/m", "");
        check_inos("/t/m/d", "");
        assert_true(ino_of("/t/m/n") == before_change[3]);
        assert_true(ino_of("/t/m/l") == linked);
        remount_overlay();
    }
    eq(sys_umount2(U("/t/m"), 0), 0);
    eq(sys_umount2(U("/t/l0"), 0), 0);
}

/* ---- files that have lost their names ---- */

static unsigned list_names(const char *path);

/* Everything of the open file changes, and no name comes back, here or in the upper layer. */
static void change_nameless(int fd)
{
    struct abi_stat s;
    int64_t v;

    eq(sys_fchmod(fd, 0600), 0);
    eq(sys_fchown(fd, 5, 6), 0);
    eq(sys_utimensat(fd, 0, 0, 0), 0);
    eq(sys_fstat(fd, U(&s)), 0);
    eq(s.st_mode, S_IFREG | 0600);
    eq(s.st_uid, 5);
    eq(s.st_gid, 6);
    eq(s.st_nlink, 0);
    eq(s.st_size, sizeof(v));
    eq(sys_pread64(fd, U(&v), sizeof(v), 0), sizeof(v));
    eq(v, 7);
    eq(sys_close(fd), 0);
}

static void a_removed_file_is_copied_up_without_a_name(void **state)
{
    int64_t v;
    long fd;

    (void)state;
    eq(write_to("/t/l0/f", O_CREAT, 7), 0);
    mount_overlay();
    fd = sys_openat(AT_FDCWD, U("/t/m/f"), O_RDONLY, 0);
    eq(sys_unlink(U("/t/m/f")), 0);
    change_nameless((int)fd);
    eq(list_names("/t/m"), 0);
    eq(list_names("/t/u"), 1); /* the whiteout */
    remount_overlay();
    eq(read_from("/t/m/f", &v), -ENOENT);
}

static void a_replaced_file_is_copied_up_without_a_name(void **state)
{
    int64_t v;
    long fd;

    (void)state;
    eq(write_to("/t/l0/f", O_CREAT, 7), 0);
    mount_overlay();
    eq(write_to("/t/m/g", O_CREAT, 8), 0);
    fd = sys_openat(AT_FDCWD, U("/t/m/f"), O_RDONLY, 0);
    eq(sys_rename(U("/t/m/g"), U("/t/m/f")), 0);
    change_nameless((int)fd);
    eq(read_from("/t/m/f", &v), 0);
    eq(v, 8);
    eq(list_names("/t/u"), 1);
}

/* Nothing would lead to a name that is made in a removed directory when the file system ends. */
static void a_file_of_a_removed_directory_is_copied_up_without_a_name(void **state)
{
    long fd;

    (void)state;
    eq(sys_mkdir(U("/t/l0/d"), 0755), 0);
    eq(write_to("/t/l0/d/f", O_CREAT, 7), 0);
    mount_overlay();
    fd = sys_openat(AT_FDCWD, U("/t/m/d/f"), O_RDONLY, 0);
    eq(sys_unlink(U("/t/m/d/f")), 0);
    eq(sys_rmdir(U("/t/m/d")), 0);
    change_nameless((int)fd);
    eq(list_names("/t/u"), 1);
}

/* What has no data cannot do without a name: it is not to come back. */
static void a_removed_directory_is_not_copied_up(void **state)
{
    long fd;

    (void)state;
    eq(sys_mkdir(U("/t/l0/d"), 0755), 0);
    mount_overlay();
    fd = sys_openat(AT_FDCWD, U("/t/m/d"), O_RDONLY | O_DIRECTORY, 0);
    eq(sys_rmdir(U("/t/m/d")), 0);
    eq(sys_fchmod((int)fd, 0700), -ENOENT);
    eq(sys_close((int)fd), 0);
    eq(list_names("/t/m"), 0);
}

static void a_removed_file_is_copied_up_or_not_at_all(void **state)
{
    long fd, err;

    (void)state;
    eq(write_to("/t/l0/f", O_CREAT, 7), 0);
    mount_overlay();
    fd = sys_openat(AT_FDCWD, U("/t/m/f"), O_RDONLY, 0);
    eq(sys_unlink(U("/t/m/f")), 0);
    for (unsigned n = 0; n < 100; n++) {
        host_fail_after(n);
        err = sys_fchmod((int)fd, 0600);
        host_no_failures();
        if (err == 0)
            break;
        eq(err, -ENOMEM);
    }
    eq(err, 0);
    change_nameless((int)fd);
}

/* ---- calls that fail ---- */

/* Of all that is below, some has a version above, some is removed, and one is made anew. */
static void make_changes(void)
{
    eq(write_to("/t/l0/f", O_CREAT, 1), 0);
    eq(sys_mkdir(U("/t/l0/d"), 0755), 0);
    eq(write_to("/t/l0/d/x", O_CREAT, 2), 0);
    eq(sys_mkdir(U("/t/l0/e"), 0755), 0);
    eq(write_to("/t/l0/e/y", O_CREAT, 3), 0);
    mount_overlay();
    eq(write_to("/t/m/f", 0, 4), 0);
    eq(sys_unlink(U("/t/m/d/x")), 0);
    eq(sys_unlink(U("/t/m/e/y")), 0);
    eq(sys_rmdir(U("/t/m/e")), 0);
    eq(sys_mkdir(U("/t/m/e"), 0755), 0);
    eq(write_to("/t/m/e/z", O_CREAT, 5), 0);
    eq(sys_mkdir(U("/t/m/up"), 0755), 0);
}

static void check_changes(void)
{
    int64_t v;

    eq(list_names("/t/m"), 4);
    eq(read_from("/t/m/f", &v), 0);
    eq(v, 4);
    eq(list_names("/t/m/d"), 0);
    eq(list_names("/t/m/e"), 1);
    eq(read_from("/t/m/e/z", &v), 0);
    eq(v, 5);
    eq(list_names("/t/m/up"), 0);
    eq(list_names("/t/w"), 0);
}

static const struct {
    const char *from, *to; /* NULL: removed */
    unsigned names;        /* that are left */
    bool makes_whiteout;
} changes[] = {
    {"/t/m/f", NULL, 3, true},       {"/t/m/d", NULL, 3, true},       {"/t/m/up", NULL, 3, false},
    {"/t/m/f", "/t/m/g", 4, true},   {"/t/m/f", "/t/m/e/z", 3, true}, {"/t/m/e", "/t/m/g", 4, true},
    {"/t/m/e", "/t/m/d", 3, true},   {"/t/m/e", "/t/m/up", 3, true},  {"/t/m/up", "/t/m/d", 3, false},
    {"/t/m/up", "/t/m/g", 4, false},
};

static long change(unsigned i)
{
    if (changes[i].to != NULL)
        return sys_rename(U(changes[i].from), U(changes[i].to));
    return sys_unlinkat(AT_FDCWD, U(changes[i].from), changes[i].from[5] == 'f' ? 0 : AT_REMOVEDIR);
}

static void check_changed(unsigned i)
{
    eq(list_names("/t/m"), changes[i].names);
    eq(sys_access(U(changes[i].from), 0), -ENOENT);
    if (changes[i].to != NULL)
        eq(sys_access(U(changes[i].to), 0), 0);
    eq(list_names("/t/w"), 0);
}

static void without_memory_nothing_is_half_done(void **state)
{
    for (unsigned i = 0; i < ARRAY_SIZE(changes); i++) {
        long err = -ENOMEM;

        make_changes();
        for (unsigned n = 0; err == -ENOMEM && n < 200; n++) {
            remount_overlay();
            check_changes();
            host_fail_after(n);
            err = change(i);
            host_no_failures();
            if (err == -ENOMEM)
                check_changes();
        }
        eq(err, 0);
        check_changed(i);
        remount_overlay();
        check_changed(i);
        assert_int_equal(leave(state), 0);
        assert_int_equal(enter(state), 0);
    }
}

static void without_space_nothing_is_half_done(void **state)
{
    char name[32];

    for (unsigned i = 0; i < ARRAY_SIZE(changes); i++) {
        unsigned n = 0;
        long err;

        make_changes();
        eq(write_to("/t/0", O_CREAT, 1), 0);
        do {
            snprintf(name, sizeof(name), "/t/%u", ++n);
            err = sys_link(U("/t/0"), U(name));
        } while (err == 0);
        eq(err, -ENOSPC);
        if (changes[i].makes_whiteout) {
            eq(change(i), -ENOSPC);
            check_changes();
            remount_overlay();
            check_changes();
            eq(sys_unlink(U("/t/0")), 0);
        }
        eq(change(i), 0);
        check_changed(i);
        assert_int_equal(leave(state), 0);
        assert_int_equal(enter(state), 0);
    }
}

/* Who has the upper layer can move things about in it: then the overlay does not. */
static void a_layer_that_changes_by_itself_stays_a_tree(void **state)
{
    (void)state;
    mount_overlay();
    eq(sys_mkdir(U("/t/m/a"), 0755), 0);
    eq(sys_mkdir(U("/t/m/b"), 0755), 0);
    eq(sys_rename(U("/t/u/b"), U("/t/u/a/b")), 0);
    eq(sys_rename(U("/t/m/a"), U("/t/m/b/x")), -EINVAL);
    eq(sys_rename(U("/t/m/b"), U("/t/m/x")), -ESTALE);
    eq(sys_rmdir(U("/t/m/b")), -ESTALE);
    eq(list_names("/t/u"), 1);
    eq(list_names("/t/u/a"), 1);
    eq(write_to("/t/m/f", O_CREAT, 1), 0);
    eq(write_to("/t/m/g", O_CREAT, 2), 0);
    eq(sys_rename(U("/t/u/f"), U("/t/u/g")), 0);
    eq(sys_rename(U("/t/m/f"), U("/t/m/h")), -ESTALE);
    eq(sys_unlink(U("/t/m/g")), -ESTALE);
    eq(list_names("/t/u"), 2);
}

/* ---- running programs ---- */

static void run_program(const char *name, struct file **out)
{
    struct path p;

    eq(path_lookup(AT_FDCWD, name, LOOKUP_FOLLOW, &p), 0);
    eq(file_open_exec(&p, out), 0);
    path_put(&p);
}

static void nobody_writes(const char *name, int64_t value)
{
    int64_t v;

    eq(write_to(name, 0, 1), -ETXTBSY);
    eq(write_to(name, O_TRUNC, 1), -ETXTBSY);
    eq(sys_openat(AT_FDCWD, U(name), O_RDONLY | O_TRUNC, 0), -ETXTBSY);
    eq(sys_truncate(U(name), 0), -ETXTBSY);
    eq(sys_truncate(U(name), 100), -ETXTBSY);
    eq(read_from(name, &v), 0);
    eq(v, value);
}

static void a_running_program_is_not_written_to(void **state)
{
    struct file *f;
    long fd;

    (void)state;
    eq(write_to("/t/l0/low", O_CREAT, 5), 0);
    eq(sys_chmod(U("/t/l0/low"), 0755), 0);
    mount_overlay();
    eq(write_to("/t/m/up", O_CREAT, 6), 0);
    eq(sys_chmod(U("/t/m/up"), 0755), 0);

    run_program("/t/m/up", &f);
    eq(file_deny_writers(f), 0);
    nobody_writes("/t/m/up", 6);
    nobody_writes("/t/u/up", 6); /* nor by its name in the layer */
    file_put(f);
    eq(write_to("/t/m/up", O_TRUNC, 7), 0);

    run_program("/t/u/up", &f); /* nor the other way about */
    eq(file_deny_writers(f), 0);
    nobody_writes("/t/m/up", 7);
    file_put(f);

    run_program("/t/m/low", &f);
    eq(file_deny_writers(f), 0);
    nobody_writes("/t/m/low", 5);
    eq(sys_access(U("/t/u/low"), 0), -ENOENT); /* not even copied up */
    file_put(f);
    eq(write_to("/t/m/low", O_TRUNC, 8), 0);
    eq(write_to("/t/m/up", 0, 8), 0);
    eq(sys_truncate(U("/t/m/up"), 0), 0);

    fd = sys_openat(AT_FDCWD, U("/t/u/up"), O_WRONLY, 0);
    run_program("/t/m/up", &f);
    eq(file_deny_writers(f), -ETXTBSY);
    eq(write_to("/t/m/up", 0, 9), 0); /* a refusal leaves nothing */
    eq(sys_close((int)fd), 0);
    eq(file_deny_writers(f), 0);
    file_put(f);
}

/* ---- overlays of overlays ---- */

static void overlays_are_stacked_two_high(void **state)
{
    static const char *const dirs[] = {"/t/m2", "/t/m3", "/t/u2", "/t/w2"};
    struct file *f;
    int64_t v;

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        eq(sys_mkdir(U(dirs[i]), 0755), 0);
    eq(write_to("/t/l0/f", O_CREAT, 1), 0);
    eq(sys_chmod(U("/t/l0/f"), 0755), 0);
    mount_overlay();
    eq(sys_mkdir(U("/t/m/u"), 0755), 0);
    eq(sys_mkdir(U("/t/m/w"), 0755), 0);
    eq(try_mount("/t/m2", "lowerdir=/t/l0,upperdir=/t/m/u,workdir=/t/m/w"), -EINVAL);
    eq(try_mount("/t/m2", "lowerdir=/t/m,upperdir=/t/u2,workdir=/t/w2"), 0);
    eq(try_mount("/t/m3", "lowerdir=/t/m2"), -EINVAL);
    eq(try_mount("/t/m3", "lowerdir=/t/l1:/t/m2"), -EINVAL);

    run_program("/t/m2/f", &f); /* from the lowest of three files */
    eq(file_deny_writers(f), 0);
    nobody_writes("/t/m2/f", 1);
    nobody_writes("/t/m/f", 1);
    nobody_writes("/t/l0/f", 1);
    file_put(f);
    eq(write_to("/t/m2/f", 0, 2), 0);
    eq(read_from("/t/m/f", &v), 0);
    eq(v, 1);
    eq(write_to("/t/m/f", 0, 3), 0);
    eq(read_from("/t/m2/f", &v), 0);
    eq(v, 2);
    eq(sys_unlink(U("/t/m2/f")), 0);
    eq(read_from("/t/m/f", &v), 0);
    eq(v, 3);
    eq(sys_umount2(U("/t/m2"), 0), 0);
}

/* ---- mappings ---- */

static void shows_as_the_file_that_was_opened(const char *name)
{
    struct vma vma = {0};
    struct file *f;
    struct path p;

    eq(file_open(name, O_RDONLY, 0, &f), 0);
    eq(path_lookup(AT_FDCWD, name, 0, &p), 0);
    file_get(f);
    vma.file = f;
    eq(f->ops->mmap(f, &vma), 0);
    assert_ptr_not_equal(vma.file, f); /* its pages are the layer's */
    assert_null(vma.file->real);
    assert_ptr_equal(file_shown_path(vma.file)->dentry, p.dentry);
    assert_ptr_equal(file_shown_path(vma.file)->mnt, p.mnt);
    path_put(&p);
    file_put(f);
    assert_ptr_equal(file_shown_path(vma.file)->mnt, p.mnt); /* the mapping alone holds it */
    file_put(vma.file);
}

static void a_mapping_bears_the_overlays_name(void **state)
{
    (void)state;
    eq(sys_mkdir(U("/t/m2"), 0755), 0);
    eq(write_to("/t/l0/low", O_CREAT, 1), 0);
    mount_overlay();
    eq(write_to("/t/m/up", O_CREAT, 1), 0);
    shows_as_the_file_that_was_opened("/t/m/low");
    shows_as_the_file_that_was_opened("/t/m/up");
    eq(try_mount("/t/m2", "lowerdir=/t/m"), 0);
    shows_as_the_file_that_was_opened("/t/m2/low");
    eq(sys_umount2(U("/t/m2"), 0), 0);
}

/* ---- directories with many names ---- */

#define MANY 1000

static void make_many(const char *dir)
{
    char name[32];

    eq(sys_mkdir(U(dir), 0755), 0);
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), "%s/%u", dir, i);
        eq(write_to(name, O_CREAT | O_EXCL, 1), 0);
    }
}

/* Entries up to the end, or the error. */
static long count_entries(const char *path)
{
    static uint8_t buf[512];
    long fd = sys_openat(AT_FDCWD, U(path), O_RDONLY | O_DIRECTORY, 0), n, count = 0;

    assert_true(fd >= 0);
    while ((n = sys_getdents64((int)fd, U(buf), sizeof(buf))) > 0) {
        for (long at = 0; at < n; at += ((const struct abi_dirent64 *)(const void *)(buf + at))->d_reclen)
            count++;
    }
    eq(sys_close((int)fd), 0);
    return n < 0 ? n : count;
}

static void a_long_listing_lets_others_run_and_can_be_killed(void **state)
{
    char name[32];

    (void)state;
    make_many("/t/l0/d");
    make_many("/t/l1/d");
    mount_overlay();
    host_want_cpu(true);
    eq(count_entries("/t/m/d"), MANY + 2);
    assert_true(host_preemptions() >= 2 * MANY); /* each name of each layer */
    host_want_cpu(true);
    eq(sys_rmdir(U("/t/m/d")), -ENOTEMPTY);
    assert_true(host_preemptions() >= 2 * MANY);
    host_want_cpu(false);

    host_kill(true);
    eq(count_entries("/t/m/d"), -EINTR);
    eq(sys_rmdir(U("/t/m/d")), -EINTR);
    host_kill(false);
    eq(count_entries("/t/m/d"), MANY + 2);

    for (unsigned i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), "/t/m/d/%u", i);
        eq(sys_unlink(U(name)), 0);
    }
    eq(count_entries("/t/m/d"), 2);
    host_kill(true);
    eq(sys_rmdir(U("/t/m/d")), -EINTR);
    host_kill(false);
    eq(sys_rmdir(U("/t/m/d")), 0);
}

static void a_position_is_found_again(void **state)
{
    static uint8_t buf[512];
    const struct abi_dirent64 *e = (const void *)buf;
    ino_t inos[MANY + 2];
    off_t at[MANY + 3] = {0};
    long fd;

    (void)state;
    make_many("/t/l0/d");
    mount_overlay();
    fd = sys_openat(AT_FDCWD, U("/t/m/d"), O_RDONLY | O_DIRECTORY, 0);
    for (unsigned i = 0; i < MANY + 2; i++) { /* one at a time */
        assert_true(sys_getdents64((int)fd, U(buf), 32) > 0);
        inos[i] = e->d_ino;
        at[i + 1] = e->d_off;
    }
    eq(sys_getdents64((int)fd, U(buf), 32), 0);
    for (unsigned i = MANY + 2; i-- > 1;) {
        eq(sys_lseek((int)fd, at[i], 0), at[i]);
        assert_true(sys_getdents64((int)fd, U(buf), sizeof(buf)) > 0);
        eq(e->d_ino, inos[i]);
    }
    eq(sys_lseek((int)fd, 1u << 30, 0), 1u << 30);
    eq(sys_getdents64((int)fd, U(buf), sizeof(buf)), 0);
    eq(sys_close((int)fd), 0);
}

/* ---- the model: what each of 5 + 25 paths is ---- */

#define NAMES 5
#define TOP   NAMES
#define PATHS (TOP + TOP * NAMES)
#define FILES 4096

enum kind { NOTHING, FILE_, DIR_ };
struct model {
    enum kind kind[PATHS];
    unsigned file[PATHS]; /* which file: two names of one have the same */
    int64_t value[FILES];
    unsigned nfiles;
};
static struct model model;

static const char *path_of(const char *root, unsigned path)
{
    static char buf[4][64];
    static unsigned turn;
    char *out = buf[turn++ % 4];

    if (path < TOP)
        snprintf(out, sizeof(buf[0]), "%s/%c", root, 'a' + (int)path);
    else
        snprintf(out, sizeof(buf[0]), "%s/%c/%c", root, 'a' + (int)((path - TOP) / NAMES),
                 'a' + (int)((path - TOP) % NAMES));
    return out;
}

static bool is_top(unsigned path)
{
    return path < TOP;
}

static unsigned child(unsigned dir, unsigned n)
{
    return TOP + dir * NAMES + n;
}

static bool parent_is_dir(unsigned path)
{
    return is_top(path) || model.kind[(path - TOP) / NAMES] == DIR_;
}

static enum kind parent_kind(unsigned path)
{
    return is_top(path) ? DIR_ : model.kind[(path - TOP) / NAMES];
}

/* What a walk to `path` ends with before the last name is looked at. */
static long walk_error(unsigned path)
{
    return parent_kind(path) == DIR_ ? 0 : parent_kind(path) == FILE_ ? -ENOTDIR : -ENOENT;
}

static bool has_children(unsigned dir)
{
    for (unsigned n = 0; is_top(dir) && n < NAMES; n++) {
        if (model.kind[child(dir, n)] != NOTHING)
            return true;
    }
    return false;
}

static unsigned new_file(int64_t value)
{
    assert_true(model.nfiles < FILES);
    model.value[model.nfiles] = value;
    return model.nfiles++;
}

static void clear_path(unsigned path)
{
    model.kind[path] = NOTHING;
    for (unsigned n = 0; is_top(path) && n < NAMES; n++)
        model.kind[child(path, n)] = NOTHING;
}

/* ---- layers to begin with ---- */

static void fill_layer(const char *root, bool is_upper_layer)
{
    for (unsigned path = 0; path < PATHS; path++) {
        uint32_t what = next_random(8);

        if (!is_top(path) && sys_access(U(path_of(root, (path - TOP) / NAMES)), 0) < 0)
            continue;
        if (what < 3) {
            if (write_to(path_of(root, path), O_CREAT | O_EXCL, (int64_t)model.nfiles + 1) == 0 &&
                parent_is_dir(path)) {
                clear_path(path);
                model.kind[path] = FILE_;
                model.file[path] = new_file((int64_t)model.nfiles + 1);
            }
        } else if (what < 6 && is_top(path)) {
            if (sys_mkdir(U(path_of(root, path)), 0755) == 0) {
                bool is_opaque = is_upper_layer && next_random(3) == 0;

                if (is_opaque)
                    eq(sys_setxattr(U(path_of(root, path)), U("trusted.overlay.opaque"), U("y"), 1,
                                    0),
                       0);
                if (model.kind[path] != DIR_ || is_opaque)
                    clear_path(path);
                model.kind[path] = DIR_;
            }
        } else if (what == 6 && is_upper_layer) {
            if (sys_mknod(U(path_of(root, path)), S_IFCHR, 0) == 0)
                clear_path(path);
        }
    }
}

/* ---- what is seen ---- */

static bool names_seen[256];

static unsigned list_names(const char *path)
{
    static uint8_t buf[4096];
    long fd = sys_openat(AT_FDCWD, U(path), O_RDONLY | O_DIRECTORY, 0), n;
    unsigned count = 0;

    assert_true(fd >= 0);
    memset(names_seen, 0, sizeof(names_seen));
    while ((n = sys_getdents64((int)fd, U(buf), sizeof(buf))) > 0) {
        for (long at = 0; at < n;) {
            const struct abi_dirent64 *d = (const void *)(buf + at);

            if (d->d_name[0] != '.') {
                assert_false(names_seen[(uint8_t)d->d_name[0]]);
                names_seen[(uint8_t)d->d_name[0]] = true;
                count++;
            }
            at += d->d_reclen;
        }
    }
    eq(n, 0);
    eq(sys_close((int)fd), 0);
    return count;
}

static void check_listing(const char *path, unsigned first)
{
    unsigned expected = 0;

    (void)list_names(path);
    for (unsigned n = 0; n < NAMES; n++)
        expected += model.kind[first + n] != NOTHING;
    eq(list_names(path), expected);
    for (unsigned n = 0; n < NAMES; n++)
        eq(names_seen['a' + n], model.kind[first + n] != NOTHING);
}

static void check_all(void)
{
    check_listing("/t/m", 0);
    for (unsigned path = 0; path < PATHS; path++) {
        const char *name = path_of("/t/m", path);
        int64_t value;

        if (!parent_is_dir(path))
            continue;
        if (model.kind[path] == NOTHING) {
            eq(read_from(name, &value), -ENOENT);
        } else if (model.kind[path] == DIR_) {
            if (is_top(path))
                check_listing(name, child(path, 0));
        } else {
            eq(read_from(name, &value), 0);
            eq(value, model.value[model.file[path]]);
        }
    }
}

/* ---- random calls ---- */

static void do_write(unsigned path)
{
    int64_t value = (int64_t)next_random(1u << 30) + 1;
    int flags = next_random(2) ? O_CREAT : next_random(2) ? O_TRUNC : 0;
    long err = write_to(path_of("/t/m", path), flags, value);

    if (walk_error(path) < 0) {
        eq(err, walk_error(path));
    } else if (model.kind[path] == DIR_) {
        eq(err, -EISDIR);
    } else if (model.kind[path] == NOTHING && !(flags & O_CREAT)) {
        eq(err, -ENOENT);
    } else {
        eq(err, 0);
        if (model.kind[path] == NOTHING)
            model.file[path] = new_file(0);
        model.kind[path] = FILE_;
        model.value[model.file[path]] = value;
    }
}

static void do_mkdir(unsigned path)
{
    long err = sys_mkdir(U(path_of("/t/m", path)), 0755);

    if (walk_error(path) < 0) {
        eq(err, walk_error(path));
    } else if (model.kind[path] != NOTHING) {
        eq(err, -EEXIST);
    } else {
        eq(err, 0);
        model.kind[path] = DIR_;
    }
}

static void do_remove(unsigned path)
{
    bool dir = next_random(2);
    const char *name = path_of("/t/m", path);
    long err = dir ? sys_rmdir(U(name)) : sys_unlink(U(name));

    if (walk_error(path) < 0) {
        eq(err, walk_error(path));
    } else if (model.kind[path] == NOTHING) {
        eq(err, -ENOENT);
    } else if ((model.kind[path] == DIR_) != dir) {
        eq(err, dir ? -ENOTDIR : -EISDIR);
    } else if (dir && has_children(path)) {
        eq(err, -ENOTEMPTY);
    } else {
        eq(err, 0);
        model.kind[path] = NOTHING;
    }
}

static void do_link(unsigned from, unsigned to)
{
    long err = sys_link(U(path_of("/t/m", from)), U(path_of("/t/m", to)));

    if (walk_error(from) < 0 || model.kind[from] == NOTHING || walk_error(to) < 0 ||
        model.kind[to] != NOTHING || model.kind[from] == DIR_) {
        assert_true(err < 0);
        return;
    }
    eq(err, 0);
    model.kind[to] = FILE_;
    model.file[to] = model.file[from];
}

static void do_rename(unsigned from, unsigned to)
{
    long err = sys_rename(U(path_of("/t/m", from)), U(path_of("/t/m", to)));

    if (err == -EXDEV) { /* a directory that is partly below: mv(1) copies it */
        eq(model.kind[from], DIR_);
        return;
    }
    if (walk_error(from) < 0 || model.kind[from] == NOTHING || walk_error(to) < 0) {
        assert_true(err < 0);
        return;
    }
    if (model.kind[to] != NOTHING && from != to &&
        (model.kind[from] != model.kind[to] || (model.kind[to] == DIR_ && has_children(to)))) {
        assert_true(err < 0);
        return;
    }
    if (model.kind[from] == DIR_ && !is_top(to) && (to - TOP) / NAMES == from) {
        eq(err, -EINVAL); /* into itself */
        return;
    }
    if (model.kind[from] == DIR_ && is_top(from) != is_top(to)) {
        if (err == 0) /* deeper than the model is */
            eq(sys_rename(U(path_of("/t/m", to)), U(path_of("/t/m", from))), 0);
        if (err == 0 && model.kind[to] == DIR_)
            model.kind[to] = NOTHING;
        return;
    }
    eq(err, 0);
    if (from == to || (model.kind[from] == FILE_ && model.kind[to] == FILE_ &&
                       model.file[from] == model.file[to]))
        return; /* two names of one file: nothing happens */
    model.kind[to] = model.kind[from];
    model.file[to] = model.file[from];
    for (unsigned n = 0; is_top(from) && is_top(to) && n < NAMES; n++) {
        model.kind[child(to, n)] = model.kind[child(from, n)];
        model.file[child(to, n)] = model.file[child(from, n)];
    }
    clear_path(from);
}

static unsigned pick(void)
{
    return next_random(3) == 0 ? next_random(TOP) : next_random(PATHS);
}

static void one_life(void **state)
{
    static struct model lower;

    (void)state;
    memset(&model, 0, sizeof(model));
    fill_layer("/t/l0", false);
    fill_layer("/t/l1", true);
    lower = model;
    mount_overlay();
    check_all();
    for (unsigned round = 0; round < 2500; round++) {
        switch (next_random(8)) {
        case 0:
        case 1:
        case 2:
            do_write(pick());
            break;
        case 3:
            do_mkdir(pick());
            break;
        case 4:
        case 5:
            do_remove(pick());
            break;
        case 6:
            do_link(pick(), pick());
            break;
        default:
            do_rename(pick(), pick());
        }
        if (round % 8 == 0)
            check_all();
        if (round % 100 == 0) {
            remount_overlay();
            check_all();
        }
    }
    /* Nothing of it reached the layers below. */
    eq(sys_umount2(U("/t/m"), 0), 0);
    mount_with("lowerdir=/t/l1:/t/l0");
    model = lower;
    check_all();
}

static void agrees_with_a_table_of_names(void **state)
{
    for (unsigned i = 0; i < 12; i++) {
        one_life(state);
        if (i < 11) {
            assert_int_equal(leave(state), 0);
            assert_int_equal(enter(state), 0);
        }
    }
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, enter, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_of_one_file_are_removed_one_by_one),
        TEST(a_removed_directory_is_forgotten),
        TEST(a_removed_directory_does_not_show_what_was_below),
        TEST(a_directory_is_synchronized),
        TEST(numbers_are_unique_and_stay),
        TEST(a_removed_file_is_copied_up_without_a_name),
        TEST(a_replaced_file_is_copied_up_without_a_name),
        TEST(a_file_of_a_removed_directory_is_copied_up_without_a_name),
        TEST(a_removed_directory_is_not_copied_up),
        TEST(a_removed_file_is_copied_up_or_not_at_all),
        TEST(without_memory_nothing_is_half_done),
        TEST(without_space_nothing_is_half_done),
        TEST(a_layer_that_changes_by_itself_stays_a_tree),
        TEST(a_running_program_is_not_written_to),
        TEST(overlays_are_stacked_two_high),
        TEST(a_mapping_bears_the_overlays_name),
        TEST(a_long_listing_lets_others_run_and_can_be_killed),
        TEST(a_position_is_found_again),
        TEST(agrees_with_a_table_of_names),
    };

    host_start();
    overlayfs_init();
    eq(sys_openat(AT_FDCWD, U("/"), O_RDONLY, 0), 0);
    eq(sys_close(0), 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
