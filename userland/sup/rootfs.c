/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The container's root, made by the child in its own mount namespace.
 *
 * While anything of the host can be reached, no path of the image is looked up:
 * what comes from the host is mounted into a fresh tmpfs, the container's /dev,
 * through a descriptor. Then the new root is entered, the old one detached, and
 * the rest is done from inside, where every path, whatever links an image or a
 * volume has planted, is resolved by the kernel within the new root. (It has to be
 * detached first: as long as it is stacked on the new root, "/.." leads to it.)
 * /proc comes after the volumes, because its magic links lead to descriptors.
 *
 * No device can be made usable inside: the root, /dev and all volumes are mounted
 * nodev. The usual device nodes are bind mounts of nodes on a read-only tmpfs
 * (made by `ct`), so not even their modes can be changed.
 */
#include "sup.h"

#include "../lib/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { MOUNT_DATA_MAX = 4096, NO_SUID_EXEC_DEV = MS_NOSUID | MS_NOEXEC | MS_NODEV };

static int mount_overlay(const struct record *spec, struct err *e)
{
    const char *id = record_get(spec, "id");
    char data[MOUNT_DATA_MAX];
    size_t len;

    len = (size_t)snprintf(data, sizeof(data),
                           "upperdir=" PATH_RUN "/ct/%s/upper,workdir=" PATH_RUN "/ct/%s/work,"
                           "lowerdir=",
                           id, id);
    for (const char *l = record_get(spec, "layer"); l != NULL; l = record_next(spec, "layer", l)) {
        len += (size_t)snprintf(data + len, sizeof(data) - len, "l/%.16s:", l);
        if (len >= sizeof(data))
            return err_set(e, 125, "the image has too many layers to mount");
    }
    data[len - 1] = '\0'; /* the last colon; uppermost layer first, relative to PATH_LAYERS */
    if (chdir(PATH_LAYERS) < 0)
        return err_sys(e, 125, "cannot enter " PATH_LAYERS);
    if (mount("overlay", PATH_ROOT, "overlay", MS_NODEV, data) < 0)
        return err_sys(e, 125, "cannot mount the container's root (overlay)");
    return 0;
}

/*
 * Mounts on a directory of the image that must be one and not a link; `at` is the
 * new root. The current directory is then that directory, below the mount.
 */
static int mount_on_dir(int at, const char *dir, const char *type, unsigned long flags,
                        const char *data, struct err *e)
{
    int fd, err;

    if (mkdirat(at, dir, 0755) < 0 && errno != EEXIST)
        return err_sys(e, 125, "cannot create /%s in the container", dir);
    fd = openat(at, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return err_sys(e, 125, "the image's /%s is not a directory one can mount on", dir);
    err = fchdir(fd) < 0 || mount(type, ".", type, flags, data) < 0 ? errno : 0;
    close(fd);
    errno = err;
    return err != 0 ? err_sys(e, 125, "cannot mount %s on /%s", type, dir) : 0;
}

/* An empty file to mount on. What is there already, file or link or FIFO, does as well. */
static int make_file(const char *name, struct err *e)
{
    struct stat st;
    int fd;

    if (stat(name, &st) == 0)
        return 0;
    fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return err_sys(e, 125, "cannot create %s in the container", name);
    close(fd);
    return 0;
}

/* All names here are relative to the current directory: the container's own new /dev. */
static int bind_device(const char *name, struct err *e)
{
    char from[64];

    snprintf(from, sizeof(from), PATH_RUN "/dev/%s", name);
    if (make_file(name, e) < 0)
        return -1;
    if (mount(from, name, NULL, MS_BIND, NULL) < 0)
        return err_sys(e, 125, "cannot give the container /dev/%s", name);
    return 0;
}

static int furnish_dev(struct err *e)
{
    static const char *const devices[] = {"null", "zero", "full", "random", "urandom", "tty"};
    static const char *const links[][2] = {
        {"/proc/self/fd", "fd"},       {"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"},
        {"/proc/self/fd/2", "stderr"}, {"pts/ptmx", "ptmx"},
    };

    for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
        if (bind_device(devices[i], e) < 0)
            return -1;
    }
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        if (symlink(links[i][0], links[i][1]) < 0)
            return err_sys(e, 125, "cannot create /dev/%s in the container", links[i][1]);
    }
    if (mkdir("pts", 0755) < 0 || mkdir("shm", 01777) < 0)
        return err_sys(e, 125, "cannot create a directory in the container's /dev");
    if (mount("devpts", "pts", "devpts", MS_NOSUID | MS_NOEXEC,
              "newinstance,ptmxmode=0666,mode=0620,gid=5") < 0)
        return err_sys(e, 125, "cannot mount devpts");
    if (mount("shm", "shm", "tmpfs", NO_SUID_EXEC_DEV, "mode=1777,size=65536k") < 0)
        return err_sys(e, 125, "cannot mount /dev/shm");
    if (mkdir("mqueue", 0755) == 0 &&
        mount("mqueue", "mqueue", "mqueue", NO_SUID_EXEC_DEV, NULL) < 0)
        (void)rmdir("mqueue"); /* this kernel has none */
    return 0;
}

/* Volumes wait in /dev under these names until their place can be looked up safely. */
static void waiting_name(char name[32], unsigned n)
{
    snprintf(name, 32, ".volume-%u", n);
}

/*
 * Remounts a bind mount with further flags. Those of the mount it was made from stay: a remount
 * sets exactly what it is given, and what the host mounted nosuid is so inside, too.
 */
static int add_flags(const char *path, unsigned long flags)
{
    static const struct {
        unsigned long statvfs, mount;
    } kept[] = {
        {ST_RDONLY, MS_RDONLY},
        {ST_NOSUID, MS_NOSUID},
        {ST_NODEV, MS_NODEV},
        {ST_NOEXEC, MS_NOEXEC},
    };
    struct statvfs fs;

    if (statvfs(path, &fs) < 0)
        return -1;
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        if (fs.f_flag & kept[i].statvfs)
            flags |= kept[i].mount;
    }
    return mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | flags, NULL);
}

/* "rw /source\n/target" */
static int bring_volume(const char *value, unsigned n, struct err *e)
{
    unsigned long flags = MS_NODEV | (value[1] == 'o' ? MS_RDONLY : 0);
    const char *newline = strchr(value, '\n');
    char source[PATH_MAX], name[32];
    struct stat st;
    int err;

    if (strlen(value) < 4 || newline == NULL || value[3] != '/')
        return err_set(e, 125, "bad volume in the record");
    snprintf(source, sizeof(source), "%.*s", (int)(newline - value - 3), value + 3);
    waiting_name(name, n);
    if (stat(source, &st) < 0)
        return err_sys(e, 125, "cannot mount the volume %s", source);
    err = S_ISDIR(st.st_mode) ? mkdir(name, 0700) : make_file(name, e);
    if (err < 0 || mount(source, name, NULL, MS_BIND, NULL) < 0 || add_flags(name, flags) < 0)
        return err_sys(e, 125, "cannot mount the volume %s", source);
    return 0;
}

static int bring_volumes(const struct record *spec, struct err *e)
{
    unsigned n = 0;

    for (const char *m = record_get(spec, "mount"); m != NULL; m = record_next(spec, "mount", m)) {
        if (m[0] != 't' && bring_volume(m, n, e) < 0)
            return -1;
        n++;
    }
    return 0;
}

/* Everything that takes the host: done through descriptors, in a tmpfs of our own. */
static int bring_from_host(const struct record *spec, struct err *e)
{
    int root = open(PATH_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC), dev, err;

    if (root < 0)
        return err_sys(e, 125, "cannot open the container's root");
    if (mount_on_dir(root, "dev", "tmpfs", MS_NOSUID | MS_NODEV | MS_STRICTATIME,
                     "mode=755,size=65536k", e) < 0)
        return -1;
    dev = openat(root, "dev", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    err = dev < 0 || fchdir(dev) < 0 ? err_sys(e, 125, "cannot enter the container's /dev")
                                     : furnish_dev(e);
    if (err == 0)
        err = bring_volumes(spec, e);
    close(dev);
    close(root);
    return err;
}

/*
 * Linux cannot pivot away from the first root of a machine that runs from its
 * initial RAM disk. There the new root is moved over the old one, which is then
 * covered: no path leads to it, as ".." at the top climbs into what covers it.
 */
static int cover_old_root(void)
{
    if (errno != EINVAL || mount(".", "/", NULL, MS_MOVE, NULL) < 0)
        return -1;
    return chroot(".");
}

/* From here on there is no host. */
static int enter_root(struct err *e)
{
    int old = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (old < 0 || chdir(PATH_ROOT) < 0)
        return err_sys(e, 125, "cannot enter the container's root");
    if (syscall(SYS_pivot_root, ".", ".") == 0) {
        if (fchdir(old) < 0 || umount2(".", MNT_DETACH) < 0)
            return err_sys(e, 125, "cannot detach the old root");
    } else if (cover_old_root() < 0) {
        return err_sys(e, 125, "cannot make the container's root the root (pivot_root)");
    }
    close(old);
    return chdir("/") < 0 ? err_sys(e, 125, "cannot enter the container's root") : 0;
}

/* mkdir -p below the new root. */
static int make_dirs(const char *path, struct err *e)
{
    char part[PATH_MAX];
    size_t len = strlen(path);

    if (len >= sizeof(part))
        return err_set(e, 125, "path too long: %.100s...", path);
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0755) < 0 && errno != EEXIST)
            return err_sys(e, 125, "cannot create %s in the container", part);
    }
    return 0;
}

/* "size=1m,exec" -> flags, and what is left, no longer than it was, as data for tmpfs. */
static unsigned long tmpfs_options(const char *text, char *data)
{
    static const struct {
        const char *word;
        unsigned long set, clear;
    } words[] = {
        {"ro", MS_RDONLY, 0},     {"rw", 0, MS_RDONLY},       {"exec", 0, MS_NOEXEC},
        {"noexec", MS_NOEXEC, 0}, {"suid", 0, MS_NOSUID},     {"nosuid", MS_NOSUID, 0},
        {"nodev", MS_NODEV, 0},   {"noatime", MS_NOATIME, 0},
    };
    unsigned long flags = NO_SUID_EXEC_DEV;
    size_t used = 0;

    data[0] = '\0';
    while (*text != '\0') {
        size_t len = strcspn(text, ","), i;

        for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
            if (strlen(words[i].word) == len && strncmp(words[i].word, text, len) == 0)
                break;
        }
        if (i < sizeof(words) / sizeof(words[0]))
            flags = (flags | words[i].set) & ~words[i].clear;
        else
            used += (size_t)sprintf(data + used, "%s%.*s", used == 0 ? "" : ",", (int)len, text);
        text += len + (text[len] == ',');
    }
    return flags;
}

static int mount_tmpfs(const char *value, struct err *e)
{
    size_t len = strcspn(value, ":");
    const char *options = value[len] == ':' ? value + len + 1 : "";
    char dir[PATH_MAX], data[MOUNT_DATA_MAX];
    unsigned long flags;

    if (len >= sizeof(dir) || strlen(options) >= sizeof(data))
        return err_set(e, 125, "bad tmpfs in the record");
    snprintf(dir, sizeof(dir), "%.*s", (int)len, value);
    flags = tmpfs_options(options, data);
    if (make_dirs(dir, e) < 0)
        return -1;
    if (mount("tmpfs", dir, "tmpfs", flags, data) < 0)
        return err_sys(e, 125, "cannot mount --tmpfs %.200s", value);
    return 0;
}

static int make_mount_point(const char *target, bool is_dir, struct err *e)
{
    char parent[PATH_MAX];
    char *slash;

    if (is_dir)
        return make_dirs(target, e);
    snprintf(parent, sizeof(parent), "%s", target);
    slash = strrchr(parent, '/');
    *slash = '\0';
    if (slash != parent && make_dirs(parent, e) < 0)
        return -1;
    return make_file(target, e);
}

static int place_volume(const char *target, unsigned n, struct err *e)
{
    char name[32], from[40];
    struct stat st;

    waiting_name(name, n);
    snprintf(from, sizeof(from), "/dev/%s", name);
    if (stat(from, &st) < 0)
        return err_sys(e, 125, "cannot mount a volume on %s: another mount covers /dev", target);
    if (make_mount_point(target, S_ISDIR(st.st_mode), e) < 0)
        return -1;
    if (mount(from, target, NULL, MS_MOVE, NULL) < 0)
        return err_sys(e, 125, "cannot mount a volume on %s", target);
    return unlink(from) < 0 && rmdir(from) < 0 ? err_sys(e, 125, "cannot remove %s", from) : 0;
}

/* The client has sorted them: a mount point comes before what is mounted below it. */
static int mount_extras(const struct record *spec, struct err *e)
{
    unsigned n = 0;

    for (const char *m = record_get(spec, "mount"); m != NULL; m = record_next(spec, "mount", m)) {
        int err = m[0] == 't' ? mount_tmpfs(m + 2, e) : place_volume(strchr(m, '\n') + 1, n, e);

        if (err < 0)
            return -1;
        n++;
    }
    return 0;
}

/*
 * What hides the kernel's files is the container's own /dev/null: it must still be that after
 * --tmpfs and -v, whose targets the image may have led there.
 */
static int check_null(struct err *e)
{
    struct stat st;

    if (stat("/dev/null", &st) < 0)
        return err_sys(e, 125, "a mount covers the container's /dev: cannot find /dev/null");
    if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
        return err_set(e, 125, "a mount covers the container's /dev: /dev/null is something else");
    return 0;
}

/* A missing path needs no hiding; /dev/null is there, see check_null(). */
static int hide(const char *path, struct err *e)
{
    if (mount("/dev/null", path, NULL, MS_BIND, NULL) == 0 || errno == ENOENT)
        return 0;
    if (errno == ENOTDIR &&
        mount("tmpfs", path, "tmpfs", NO_SUID_EXEC_DEV | MS_RDONLY, "size=0k") == 0)
        return 0;
    return err_sys(e, 125, "cannot hide %s from the container", path);
}

static int make_read_only(const char *path, struct err *e)
{
    if (mount(path, path, NULL, MS_BIND, NULL) < 0) {
        if (errno == ENOENT)
            return 0;
    } else if (mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | NO_SUID_EXEC_DEV, NULL) ==
               0) {
        return 0;
    }
    return err_sys(e, 125, "cannot make %s read-only for the container", path);
}

static int furnish_proc(int root, struct err *e)
{
    static const char *const hidden[] = {
        "/proc/acpi",       "/proc/asound",        "/proc/interrupts",  "/proc/kcore",
        "/proc/keys",       "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi",
        "/proc/timer_list", "/proc/timer_stats",
    };
    static const char *const fixed[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                        "/proc/sysrq-trigger"};

    if (mount_on_dir(root, "proc", "proc", NO_SUID_EXEC_DEV, NULL, e) < 0)
        return -1;
    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
        if (hide(hidden[i], e) < 0)
            return -1;
    }
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
        if (make_read_only(fixed[i], e) < 0)
            return -1;
    }
    return 0;
}

/* What a kernel lacks of this the container goes without. */
static int furnish_sys(int root, struct err *e)
{
    if (mount_on_dir(root, "sys", "sysfs", NO_SUID_EXEC_DEV | MS_RDONLY, NULL, e) == 0) {
        if (hide("/sys/firmware", e) < 0 || hide("/sys/devices/virtual/powercap", e) < 0)
            return -1;
    } else if (errno != ENODEV && errno != EPERM) {
        return -1;
    }
    (void)mkdir("/sys/fs", 0755);
    (void)mkdir("/sys/fs/cgroup", 0755);
    (void)mount("cgroup", "/sys/fs/cgroup", "cgroup2", NO_SUID_EXEC_DEV | MS_RDONLY, NULL);
    return 0;
}

/* Only the container is there any more; `root` is its root. */
static int furnish_inside(const struct record *spec, int root, struct err *e)
{
    const char *cwd = record_get(spec, "cwd");

    if (mount_extras(spec, e) < 0 || check_null(e) < 0)
        return -1;
    if (cwd != NULL && cwd[0] == '/' && make_dirs(cwd, e) < 0)
        return -1;
    if (furnish_proc(root, e) < 0 || furnish_sys(root, e) < 0)
        return -1;
    if (chdir("/") < 0)
        return err_sys(e, 125, "cannot enter the container's root");
    if (record_flag(spec, "readonly") &&
        mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NODEV, NULL) < 0)
        return err_sys(e, 125, "cannot make the container's root read-only");
    return 0;
}

int rootfs_enter(const struct record *spec, struct err *e)
{
    int root, err;

    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return err_sys(e, 125, "cannot make the mounts private");
    if (mount_overlay(spec, e) < 0 || bring_from_host(spec, e) < 0 || enter_root(e) < 0)
        return -1;
    root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return err_sys(e, 125, "cannot open the container's root");
    err = furnish_inside(spec, root, e);
    close(root);
    return err;
}

int rootfs_open_tty(struct tty_pair *tty, const struct proto_winsize *size, struct err *e)
{
    struct winsize ws = {.ws_row = size->rows, .ws_col = size->cols};
    char path[32];
    int unlock = 0;
    unsigned n;

    tty->master = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (tty->master < 0)
        return err_sys(e, 125, "cannot open a terminal in the container");
    if (ioctl(tty->master, TIOCSPTLCK, &unlock) < 0 || ioctl(tty->master, TIOCGPTN, &n) < 0)
        return err_sys(e, 125, "cannot unlock a terminal in the container");
    snprintf(path, sizeof(path), "/dev/pts/%u", n);
    tty->slave = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (tty->slave < 0)
        return err_sys(e, 125, "cannot open %s in the container", path);
    if (ws.ws_row != 0 && ws.ws_col != 0)
        (void)ioctl(tty->master, TIOCSWINSZ, &ws);
    return 0;
}

int rootfs_bind_console(const struct tty_pair *tty, struct err *e)
{
    char path[32];
    unsigned n;

    if (ioctl(tty->master, TIOCGPTN, &n) < 0)
        return err_sys(e, 125, "cannot find the container's terminal");
    snprintf(path, sizeof(path), "/dev/pts/%u", n);
    if (make_file("/dev/console", e) < 0)
        return -1;
    if (mount(path, "/dev/console", NULL, MS_BIND, NULL) < 0)
        return err_sys(e, 125, "cannot give the container /dev/console");
    return 0;
}
