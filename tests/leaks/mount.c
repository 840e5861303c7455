/* SPDX-License-Identifier: BSD-2-Clause */
/* Mounts of every kind, moved, detached while in use, and refused. */
#include "leaks.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BASE "/tmp/leaks-mounts"

static void *volatile bad_address = (void *)8; /* volatile: the compiler would object */

static void make_file(const char *path)
{
    int fd = (int)must(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644));

    must(write(fd, path, strlen(path)));
    must(close(fd));
}

/* A tmpfs at BASE with folders to mount on. */
static void make_base(void)
{
    static const char *const folders[] = {"a", "b", "c", "lower", "upper", "work", "merged"};
    char path[64];

    must(mkdir(BASE, 0755));
    must(mount("leaks", BASE, "tmpfs", MS_NOSUID, "size=1m,mode=755"));
    for (size_t i = 0; i < LENGTH(folders); i++) {
        snprintf(path, sizeof(path), BASE "/%s", folders[i]);
        must(mkdir(path, 0755));
    }
}

static void remove_base(void)
{
    must(umount2(BASE, MNT_DETACH));
    must(rmdir(BASE));
}

static void tmpfs_and_proc(unsigned i)
{
    (void)i;
    make_base();
    must(mount("x", BASE "/a", "tmpfs", 0, "size=64k,nr_inodes=20"));
    make_file(BASE "/a/file");
    must(mount(NULL, BASE "/a", NULL, MS_REMOUNT | MS_RDONLY, "size=128k"));
    must_fail(EROFS, mkdir(BASE "/a/d", 0755));
    must(mount("proc", BASE "/b", "proc", MS_NOSUID, NULL));
    make_file(BASE "/one");
    must(access(BASE "/b/self/status", R_OK));
    must(mount("sysfs", BASE "/c", "sysfs", 0, NULL));
    must(umount2(BASE "/c", 0));
    must(mount("devpts", BASE "/c", "devpts", 0, "newinstance,ptmxmode=666"));
    must(close((int)must(open(BASE "/c/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC))));
    must(umount2(BASE "/c", 0));
    must(umount2(BASE "/b", 0));
    must(umount2(BASE "/a", 0));
    must(umount2(BASE, 0));
    must(rmdir(BASE));
}

static void bind_and_move(unsigned i)
{
    int fd;

    (void)i;
    make_base();
    make_file(BASE "/one");
    make_file(BASE "/two");
    must(mount(BASE "/one", BASE "/two", NULL, MS_BIND, NULL));
    must(mount(BASE "/a", BASE "/b", NULL, MS_BIND, NULL));
    must(mount(NULL, BASE "/b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NODEV, NULL));
    must(mount("x", BASE "/c", "tmpfs", 0, NULL));
    must(mkdir(BASE "/c/deep", 0755));
    must(mount("y", BASE "/c/deep", "tmpfs", 0, NULL));
    must(mount(BASE "/c", BASE "/a", NULL, MS_BIND | MS_REC, NULL));
    must_fail(EBUSY, umount2(BASE "/c", 0));
    must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
    must(mount(BASE "/c", BASE "/lower", NULL, MS_MOVE, NULL));
    fd = (int)must(open(BASE "/lower/deep/open", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    must(umount2(BASE "/lower", MNT_DETACH)); /* fd still in it */
    must(write(fd, "x", 1));
    must(close(fd));
    remove_base();
}

static void overlay(unsigned i)
{
    struct stat st;

    (void)i;
    make_base();
    make_file(BASE "/lower/file");
    must(mkdir(BASE "/lower/folder", 0755));
    make_file(BASE "/lower/folder/gone");
    must(mount("o", BASE "/merged", "overlay", 0,
               "lowerdir=" BASE "/lower,upperdir=" BASE "/upper,workdir=" BASE "/work"));
    make_file(BASE "/merged/file"); /* copied up */
    make_file(BASE "/merged/new");
    must(unlink(BASE "/merged/folder/gone")); /* a whiteout */
    must(rename(BASE "/merged/new", BASE "/merged/folder/renamed"));
    must(chmod(BASE "/merged/folder", 0700));
    must_fail(ENOENT, stat(BASE "/merged/nowhere", &st));
    must(umount2(BASE "/merged", 0));
    must(
        mount("o", BASE "/merged", "overlay", MS_RDONLY, "lowerdir=" BASE "/upper:" BASE "/lower"));
    must(stat(BASE "/merged/folder/renamed", &st));
    must(umount2(BASE "/merged", MNT_DETACH));
    remove_base();
}

static void mounts_fail(unsigned i)
{
    (void)i;
    make_base();
    make_file(BASE "/file");
    must_fail(ENODEV, mount("x", BASE "/a", "nosuchfs", 0, NULL));
    must_fail(ENOENT, mount("x", BASE "/nowhere", "tmpfs", 0, NULL));
    must_fail(ENOTDIR, mount("x", BASE "/file", "tmpfs", 0, NULL));
    must_fail(EINVAL, mount("x", BASE "/a", "tmpfs", 0, "size=lots"));
    must_fail(EINVAL, mount("x", BASE "/a", "tmpfs", 0, "nosuchoption=1"));
    must_fail(EFAULT, mount("x", BASE "/a", "tmpfs", 0, bad_address));
    must_fail(ENOENT, mount(BASE "/nowhere", BASE "/a", NULL, MS_BIND, NULL));
    must_fail(ENOTDIR, mount(BASE "/file", BASE "/a", NULL, MS_BIND, NULL));
    must_fail(EINVAL, mount(BASE "/a", BASE "/b", NULL, MS_MOVE, NULL));
    must_fail(EINVAL, mount(NULL, BASE "/a", NULL, MS_REMOUNT, NULL));
    must_fail(EINVAL, umount2(BASE "/a", 0));
    must_fail(EINVAL, mount("o", BASE "/merged", "overlay", 0, "upperdir=" BASE "/upper"));
    must_fail(ENOENT,
              mount("o", BASE "/merged", "overlay", 0,
                    "lowerdir=" BASE "/nowhere,upperdir=" BASE "/upper,workdir=" BASE "/work"));
    must_fail(ENOENT,
              mount("o", BASE "/merged", "overlay", 0,
                    "lowerdir=" BASE "/lower,upperdir=" BASE "/upper,workdir=" BASE "/nowhere"));
    must_fail(EINVAL, syscall(SYS_pivot_root, BASE "/a", BASE "/b"));
    remove_base();
}

static void use_own_root(void *arg)
{
    (void)arg;
    must(unshare(CLONE_NEWNS));
    must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
    /* A first root on top of the present one: Linux lets nobody pivot away from its very first. */
    must(mount("first", BASE, "tmpfs", 0, NULL));
    must(mkdir(BASE "/new", 0755));
    must(chdir(BASE));
    must(mount(".", "/", NULL, MS_MOVE, NULL));
    must(chroot("."));
    must(chdir("/new"));
    must(mount("root", ".", "tmpfs", 0, NULL));
    must(chdir("/new"));
    must(mkdir("old", 0755));
    must(mkdir("proc", 0755));
    must(mount("proc", "proc", "proc", 0, NULL));
    must(syscall(SYS_pivot_root, ".", "old"));
    must(chdir("/"));
    must(umount2("/old", MNT_DETACH));
    make_file("/file");
}

static void own_roots(unsigned i)
{
    (void)i;
    must(mkdir(BASE, 0755));
    wait_exited(spawn(use_own_root, NULL));
    must(rmdir(BASE));
}

const struct area mount_areas[] = {
    {"tmpfs_and_proc", 50, tmpfs_and_proc},
    {"bind_and_move", 50, bind_and_move},
    {"overlay", 50, overlay},
    {"mounts_fail", 50, mounts_fail},
    {"own_roots", 50, own_roots},
    {NULL, 0, NULL},
};
