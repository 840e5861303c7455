/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shared, read-only part of every container:
 *
 *   /run/bulkhead/bin/bulkhead-sup  the supervisor, bind-mounted read-only: what a
 *                                   container sees as /proc/PID/exe while it starts
 *   /run/bulkhead/dev/              a read-only tmpfs with the device nodes that are
 *                                   bind-mounted into containers
 *   /run/bulkhead/root/             where each mounts its root
 *
 * /run/bulkhead/root is made last: if it is there, so is the rest. Whoever comes
 * first makes all of it, or nothing, under a lock on /run/bulkhead; others wait.
 */
#include "runtime.h"

#include "paths.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static const char shared_copy[] = PATH_BIN "/" SUPERVISOR;
static char beside_us[PATH_MAX];

static int make_dir(const char *path)
{
    return mkdir(path, 0700) < 0 && errno != EEXIST ? -1 : 0;
}

/* It is installed next to this program. */
static const char *installed_supervisor(void)
{
    ssize_t n = readlink("/proc/self/exe", beside_us, sizeof(beside_us) - sizeof(SUPERVISOR) - 1);
    char *slash;

    if (n <= 0)
        return "/bin/" SUPERVISOR;
    beside_us[n] = '\0';
    slash = strrchr(beside_us, '/');
    strcpy(slash + 1, SUPERVISOR);
    return beside_us;
}

const char *runtime_supervisor(void)
{
    struct stat st;

    if (stat(shared_copy, &st) == 0 && st.st_size > 0)
        return shared_copy;
    return installed_supervisor();
}

static int share_supervisor(struct err *e)
{
    const char *installed = installed_supervisor();
    int fd;

    if (access(installed, X_OK) < 0)
        return err_sys(e, 125, "cannot find the supervisor %s", installed);
    if (make_dir(PATH_BIN) < 0)
        return err_sys(e, 125, "cannot create " PATH_BIN);
    fd = open(shared_copy, O_WRONLY | O_CREAT | O_CLOEXEC, 0500);
    if (fd < 0)
        return err_sys(e, 125, "cannot create %s", shared_copy);
    close(fd);
    if (mount(installed, shared_copy, NULL, MS_BIND, NULL) < 0)
        return err_sys(e, 125, "cannot mount %s", shared_copy);
    if (mount(NULL, shared_copy, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NODEV, NULL) < 0)
        return err_sys(e, 125, "cannot make %s read-only", shared_copy);
    return 0;
}

static int make_devices(struct err *e)
{
    static const struct {
        const char *path;
        unsigned major, minor;
    } nodes[] = {
        {PATH_RUN "/dev/null", 1, 3},    {PATH_RUN "/dev/zero", 1, 5},
        {PATH_RUN "/dev/full", 1, 7},    {PATH_RUN "/dev/random", 1, 8},
        {PATH_RUN "/dev/urandom", 1, 9}, {PATH_RUN "/dev/tty", 5, 0},
    };
    static const char dir[] = PATH_RUN "/dev";

    if (make_dir(dir) < 0 ||
        mount("devices", dir, "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=700,size=64k") < 0)
        return err_sys(e, 125, "cannot mount %s", dir);
    for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
        if (mknod(nodes[i].path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)) < 0)
            return err_sys(e, 125, "cannot create %s", nodes[i].path);
        if (chmod(nodes[i].path, 0666) < 0)
            return err_sys(e, 125, "cannot set the mode of %s", nodes[i].path);
    }
    if (mount(NULL, dir, NULL, MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NOEXEC, NULL) < 0)
        return err_sys(e, 125, "cannot make %s read-only", dir);
    return 0;
}

/* What was made is used by nobody yet; what was not made fails to go, which is fine. */
static void unmake(void)
{
    (void)umount2(PATH_RUN "/dev", MNT_DETACH);
    (void)rmdir(PATH_RUN "/dev");
    (void)umount2(shared_copy, MNT_DETACH);
    (void)unlink(shared_copy);
    (void)rmdir(PATH_BIN);
}

static int make_locked(struct err *e)
{
    if (access(PATH_ROOT, F_OK) == 0)
        return 0; /* somebody was quicker */
    unmake();     /* what one who was killed here has left */
    if (share_supervisor(e) < 0 || make_devices(e) < 0) {
        unmake();
        return -1;
    }
    if (make_dir(PATH_ROOT) < 0) {
        err_sys(e, 125, "cannot create " PATH_ROOT);
        unmake();
        return -1;
    }
    return 0;
}

int runtime_prepare(struct err *e)
{
    int lock, err;

    if (access(PATH_ROOT, F_OK) == 0)
        return 0;
    (void)mkdir("/run", 0755);
    if (make_dir(PATH_RUN) < 0)
        return err_sys(e, 125, "cannot create " PATH_RUN);
    lock = open(PATH_RUN, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock < 0)
        return err_sys(e, 125, "cannot open " PATH_RUN);
    while ((err = flock(lock, LOCK_EX)) < 0 && errno == EINTR)
        ;
    err = err < 0 ? err_sys(e, 125, "cannot lock " PATH_RUN) : make_locked(e);
    close(lock);
    return err;
}
