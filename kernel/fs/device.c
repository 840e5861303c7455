/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Character devices: drivers register a number, and opening a node with that
 * number, wherever it is, leads to the driver. A node on a mount with "nodev"
 * does not open, and neither does one that the device policy of the caller's
 * container refuses. There are no block devices.
 */
#include "vfs.h"

#include "devtmpfs.h"

int (*device_access)(mode_t type, dev_t dev, int mask);

static struct spinlock devices_lock = SPINLOCK_INIT;
static struct list_node devices = LIST_INIT(devices); /* [devices_lock] never shrinks */

void char_dev_register(struct char_dev *d)
{
    irqflags_t flags = spin_lock(&devices_lock);

    list_add_tail(&devices, &d->link);
    spin_unlock(&devices_lock, flags);
    devtmpfs_add(d);
}

struct char_dev *char_dev_find(dev_t dev)
{
    irqflags_t flags = spin_lock(&devices_lock);
    struct char_dev *d, *found = NULL;

    list_for_each(d, &devices, link)
    {
        if (d->dev == dev) {
            found = d;
            break;
        }
    }
    spin_unlock(&devices_lock, flags);
    return found;
}

void char_dev_for_each(void (*fn)(const struct char_dev *d, void *arg), void *arg)
{
    struct char_dev *d;

    list_for_each(d, &devices, link) /* no lock: devices are only ever appended */
        fn(d, arg);
}

int device_open(struct inode *inode, struct file *f)
{
    int mask = (f->can_read ? MAY_READ : 0) | (f->can_write ? MAY_WRITE : 0);
    struct char_dev *d;
    int err;

    if (device_access != NULL) {
        err = device_access(inode->mode & S_IFMT, inode->rdev, mask);
        if (err < 0)
            return err;
    }
    if (!S_ISCHR(inode->mode))
        return -ENXIO;
    d = char_dev_find(inode->rdev);
    if (d == NULL)
        return -ENXIO;
    f->ops = d->ops;
    return d->open != NULL ? d->open(inode, f) : 0;
}
