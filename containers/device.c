/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device policy. A container opens the devices that every program expects,
 * whoever has made the node and wherever it lies; "nodev" alone would be no
 * barrier to one that may mount. Nodes of others can be made, as with Docker,
 * and do not open. In a container is who has a cgroup namespace of its own, which
 * nobody gets out of; a VM's monitor has none.
 */
#include <kernel/cgroup.h>
#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/proc.h>

#include "namespace.h"

static const struct {
    unsigned major_first, major_last, minor_first, minor_last;
} allowed[] = {
    {1, 1, 3, 3},           /* null */
    {1, 1, 5, 5},           /* zero */
    {1, 1, 7, 9},           /* full, random, urandom */
    {5, 5, 0, 0},           /* tty */
    {5, 5, 2, 2},           /* ptmx */
    {136, 143, 0, 0xfffff}, /* what its devpts shows */
};

static int container_device_access(mode_t type, dev_t dev, int mask)
{
    if (current->nsproxy->cgroup->root->parent == NULL || mask == DEVICE_MKNOD)
        return 0;
    for (unsigned i = 0; S_ISCHR(type) && i < ARRAY_SIZE(allowed); i++) {
        if (MAJOR(dev) >= allowed[i].major_first && MAJOR(dev) <= allowed[i].major_last &&
            MINOR(dev) >= allowed[i].minor_first && MINOR(dev) <= allowed[i].minor_last)
            return 0;
    }
    return -EPERM;
}

void device_policy_init(void)
{
    device_access = container_device_access;
}
