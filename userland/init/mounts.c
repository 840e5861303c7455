/* SPDX-License-Identifier: BSD-2-Clause */
#include "init.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *type, *target;
    unsigned long flags;
    const char *options;
} mounts[] = {
    {"proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL},
    {"sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL},
    {"devtmpfs", "/dev", MS_NOSUID, "mode=755"},
    {"devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "gid=5,mode=620,ptmxmode=666"},
    {"tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777"},
    /* Containers write here, each within its memory limit: it must not be full for the others first. */
    {"tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=755,nr_inodes=0"},
    {"tmpfs", "/tmp", MS_NOSUID | MS_NODEV, "mode=1777"},
    {"cgroup2", "/sys/fs/cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL},
};

static const struct {
    const char *target, *path;
} links[] = {
    {"/proc/self/fd", "/dev/fd"},
    {"/proc/self/fd/0", "/dev/stdin"},
    {"/proc/self/fd/1", "/dev/stdout"},
    {"/proc/self/fd/2", "/dev/stderr"},
    {"pts/ptmx", "/dev/ptmx"},
};

/* A kernel may lack one of them (ENODEV), or have mounted it already (EBUSY). */
void mount_all(void)
{
    umask(022);
    for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
        (void)mkdir(mounts[i].target, 0755); /* there already, or made by the kernel */
        if (mount(mounts[i].type, mounts[i].target, mounts[i].type, mounts[i].flags,
                  mounts[i].options) < 0 &&
            errno != EBUSY && errno != ENODEV)
            fprintf(stderr, "init: cannot mount %s on %s: %s\n", mounts[i].type, mounts[i].target,
                    strerror(errno));
    }
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
        (void)symlink(links[i].target, links[i].path); /* devtmpfs may bring it */
}
