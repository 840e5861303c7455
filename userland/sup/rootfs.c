/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The container's root, made by the child in its own mount namespace.
 *
 * The new root is entered first (pivot_root), with the old one still reachable
 * through one descriptor, and furnished from inside: every path of the container
 * is then resolved by the kernel within the new root, so that links an image has
 * planted lead nowhere else, and every path of the host is relative to that
 * descriptor. /proc comes last but for what needs it, because its magic links are
 * the only ones that could lead out. When all is done the old root is detached;
 * nothing of it is left in this namespace.
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
#include <sys/syscall.h>
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

/* Returns a descriptor of the old root. */
static int enter_root(bool *covered, struct err *e)
{
    int old = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (old < 0 || chdir(PATH_ROOT) < 0)
        return err_sys(e, 125, "cannot enter the container's root");
    *covered = syscall(SYS_pivot_root, ".", ".") < 0;
    if (*covered && cover_old_root() < 0)
        return err_sys(e, 125, "cannot make the container's root the root (pivot_root)");
    if (fchdir(old) < 0)
        return err_sys(e, 125, "cannot return to the old root");
    return old;
}

static int leave_old_root(int old, bool covered, struct err *e)
{
    if (!covered && (fchdir(old) < 0 || umount2(".", MNT_DETACH) < 0))
        return err_sys(e, 125, "cannot detach the old root");
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

/*
 * Mounts on a directory of the image that must be one and not a link: the kernel's
 * file systems are what the rest of the set-up trusts. Leaves the old root as the
 * current directory.
 */
static int mount_on_dir(int old, const char *dir, const char *type, unsigned long flags,
                        const char *data, struct err *e)
{
    int fd, err;

    if (mkdir(dir, 0755) < 0 && errno != EEXIST)
        return err_sys(e, 125, "cannot create %s in the container", dir);
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return err_sys(e, 125, "the image's %s is not a directory one can mount on", dir);
    err = fchdir(fd) < 0 || mount(type, ".", type, flags, data) < 0 ? errno : 0;
    close(fd);
    if (fchdir(old) < 0)
        return err_sys(e, 125, "cannot return to the old root");
    errno = err;
    return err != 0 ? err_sys(e, 125, "cannot mount %s on %s", type, dir) : 0;
}

static int make_file(const char *path, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);

    if (fd < 0)
        return err_sys(e, 125, "cannot create %s in the container", path);
    close(fd);
    return 0;
}

static int bind_device(const char *name, struct err *e)
{
    char from[64], to[32];

    snprintf(from, sizeof(from), PATH_RUN "/dev/%s", name);
    snprintf(to, sizeof(to), "/dev/%s", name);
    if (make_file(to, e) < 0)
        return -1;
    if (mount(from + 1, to, NULL, MS_BIND, NULL) < 0)
        return err_sys(e, 125, "cannot give the container %s", to);
    return 0;
}

static int furnish_dev(int old, struct err *e)
{
    static const char *const devices[] = {"null", "zero", "full", "random", "urandom", "tty"};
    static const char *const links[][2] = {
        {"/proc/self/fd", "/dev/fd"},         {"/proc/self/fd/0", "/dev/stdin"},
        {"/proc/self/fd/1", "/dev/stdout"},   {"/proc/self/fd/2", "/dev/stderr"},
        {"pts/ptmx", "/dev/ptmx"},
    };

    if (mount_on_dir(old, "/dev", "tmpfs", MS_NOSUID | MS_NODEV | MS_STRICTATIME,
                     "mode=755,size=65536k", e) < 0)
        return -1;
    for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
        if (bind_device(devices[i], e) < 0)
            return -1;
    }
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        if (symlink(links[i][0], links[i][1]) < 0)
            return err_sys(e, 125, "cannot create %s in the container", links[i][1]);
    }
    if (mkdir("/dev/pts", 0755) < 0 || mkdir("/dev/shm", 01777) < 0)
        return err_sys(e, 125, "cannot create a directory in the container's /dev");
    if (mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
              "newinstance,ptmxmode=0666,mode=0620,gid=5") < 0)
        return err_sys(e, 125, "cannot mount devpts");
    if (mount("shm", "/dev/shm", "tmpfs", NO_SUID_EXEC_DEV, "mode=1777,size=65536k") < 0)
        return err_sys(e, 125, "cannot mount /dev/shm");
    if (mkdir("/dev/mqueue", 0755) == 0 &&
        mount("mqueue", "/dev/mqueue", "mqueue", NO_SUID_EXEC_DEV, NULL) < 0)
        (void)rmdir("/dev/mqueue"); /* this kernel has none */
    return 0;
}

/* "size=1m,exec" -> flags, and what is left as data for tmpfs. */
static unsigned long tmpfs_options(const char *text, char *data, size_t size)
{
    static const struct {
        const char *word;
        unsigned long set, clear;
    } words[] = {
        {"ro", MS_RDONLY, 0},     {"rw", 0, MS_RDONLY},     {"exec", 0, MS_NOEXEC},
        {"noexec", MS_NOEXEC, 0}, {"suid", 0, MS_NOSUID},   {"nosuid", MS_NOSUID, 0},
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
        else if (used + len + 2 < size)
            used += (size_t)snprintf(data + used, size - used, "%s%.*s", used == 0 ? "" : ",",
                                     (int)len, text);
        text += len + (text[len] == ',');
    }
    return flags;
}

static int mount_tmpfs(const char *value, struct err *e)
{
    size_t len = strcspn(value, ":");
    char dir[PATH_MAX], data[256];
    unsigned long flags;

    snprintf(dir, sizeof(dir), "%.*s", (int)len, value);
    flags = tmpfs_options(value[len] == ':' ? value + len + 1 : "", data, sizeof(data));
    if (make_dirs(dir, e) < 0)
        return -1;
    if (mount("tmpfs", dir, "tmpfs", flags, data) < 0)
        return err_sys(e, 125, "cannot mount --tmpfs %s", value);
    return 0;
}

static int make_mount_point(const char *source, const char *target, struct err *e)
{
    char parent[PATH_MAX];
    struct stat st;
    char *slash;

    if (stat(source, &st) < 0)
        return err_sys(e, 125, "cannot mount the volume /%s", source);
    if (S_ISDIR(st.st_mode))
        return make_dirs(target, e);
    snprintf(parent, sizeof(parent), "%s", target);
    slash = strrchr(parent, '/');
    *slash = '\0';
    if (slash != parent && make_dirs(parent, e) < 0)
        return -1;
    return make_file(target, e);
}

/* "rw /source\n/target"; the source is relative to the old root, where we are. */
static int mount_volume(const char *value, struct err *e)
{
    unsigned long flags = MS_BIND | MS_REMOUNT | MS_NODEV;
    const char *newline = strchr(value, '\n'), *target;
    char source[PATH_MAX];

    if (strlen(value) < 4 || newline == NULL || value[3] != '/')
        return err_set(e, 125, "bad volume in the record");
    snprintf(source, sizeof(source), "%.*s", (int)(newline - value - 4), value + 4);
    if (source[0] == '\0')
        snprintf(source, sizeof(source), ".");
    target = newline + 1;
    if (value[1] == 'o')
        flags |= MS_RDONLY;
    if (make_mount_point(source, target, e) < 0)
        return -1;
    if (mount(source, target, NULL, MS_BIND, NULL) < 0 ||
        mount(NULL, target, NULL, flags, NULL) < 0)
        return err_sys(e, 125, "cannot mount the volume /%s on %s", source, target);
    return 0;
}

/* The client has sorted them: a mount point comes before what is mounted below it. */
static int mount_extras(const struct record *spec, struct err *e)
{
    for (const char *m = record_get(spec, "mount"); m != NULL; m = record_next(spec, "mount", m)) {
        int err = m[0] == 't' ? mount_tmpfs(m + 2, e) : mount_volume(m, e);

        if (err < 0)
            return -1;
    }
    return 0;
}

/* The sources of bind mounts are relative to the old root, hence without their first slash. */
static int hide(const char *path, struct err *e)
{
    static const char null[] = PATH_RUN "/dev/null";

    if (mount(&null[1], path, NULL, MS_BIND, NULL) == 0 || errno == ENOENT)
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
    } else if (mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | NO_SUID_EXEC_DEV,
                     NULL) == 0) {
        return 0;
    }
    return err_sys(e, 125, "cannot make %s read-only for the container", path);
}

static int furnish_proc(int old, struct err *e)
{
    static const char *const hidden[] = {
        "/proc/acpi", "/proc/asound",      "/proc/interrupts",  "/proc/kcore",
        "/proc/keys", "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi",
        "/proc/timer_list", "/proc/timer_stats",
    };
    static const char *const fixed[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                        "/proc/sysrq-trigger"};

    if (mount_on_dir(old, "/proc", "proc", NO_SUID_EXEC_DEV, NULL, e) < 0)
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
static int furnish_sys(int old, struct err *e)
{
    if (mount_on_dir(old, "/sys", "sysfs", NO_SUID_EXEC_DEV | MS_RDONLY, NULL, e) == 0) {
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

int rootfs_enter(const struct record *spec, struct err *e)
{
    const char *cwd = record_get(spec, "cwd");
    bool covered = false;
    int old;

    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return err_sys(e, 125, "cannot make the mounts private");
    if (mount_overlay(spec, e) < 0)
        return -1;
    old = enter_root(&covered, e);
    if (old < 0)
        return -1;
    if (furnish_dev(old, e) < 0 || mount_extras(spec, e) < 0)
        return -1;
    if (cwd != NULL && cwd[0] == '/' && make_dirs(cwd, e) < 0)
        return -1;
    if (furnish_proc(old, e) < 0 || furnish_sys(old, e) < 0 || leave_old_root(old, covered, e) < 0)
        return -1;
    if (record_flag(spec, "readonly") &&
        mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NODEV, NULL) < 0)
        return err_sys(e, 125, "cannot make the container's root read-only");
    return 0;
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
