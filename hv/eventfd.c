/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * eventfds of a VM: doorbells that the guest rings (ioeventfd) and interrupts that
 * somebody else raises (irqfd), without a trip through the monitor.
 *
 * An irqfd sits on its eventfd's wait queue; a write calls irqfd_wake() under that
 * queue's lock, in any context. An irqfd for a level interrupt keeps the line up
 * until the guest's EOI, then signals its resample eventfd; that is done after
 * irq_lock is released, because whoever waits there may be another irqfd.
 */
#include <kernel/cgroup.h>
#include <kernel/files.h>

#include "vm.h"

#define MAX_IOEVENTFDS 1000 /* of one VM; each guest access looks through them */
#define MAX_IRQFDS     1000

struct irqfd {
    struct list_node link; /* [m] in vm->irqfds */
    struct vm *vm;
    struct file *file;       /* counted: the eventfd */
    struct eventfd *eventfd; /* lives with file */
    struct file *resample_file; /* counted; NULL: edge-triggered */
    uint32_t gsi;
    bool is_acked;           /* [q] EOI seen, resample eventfd not yet signalled */
    struct list_node resample_link; /* [q] in vm->resamplers */
    struct wait_entry entry;
};

struct ioeventfd {
    struct list_node link; /* [b] */
    struct file *file;
    struct eventfd *eventfd;
    uint64_t addr;
    uint64_t datamatch;
    uint32_t len; /* 0: any */
    bool is_pio, has_datamatch;
};

/* ---- irqfd -------------------------------------------------------------------------------- */

static void raise(struct irqfd *irqfd)
{
    if (irqfd->resample_file != NULL) {
        (void)irq_set_line(irqfd->vm, irqfd->gsi, true, IRQ_FROM_RESAMPLE);
        return;
    }
    (void)irq_set_line(irqfd->vm, irqfd->gsi, true, IRQ_FROM_IRQFD);
    (void)irq_set_line(irqfd->vm, irqfd->gsi, false, IRQ_FROM_IRQFD);
}

/* The count is taken, as by a reader: nobody else hears of this ring, now or later. */
static void irqfd_wake(struct wait_entry *entry, uint32_t events)
{
    struct irqfd *irqfd = container_of(entry, struct irqfd, entry);
    uint64_t count;

    if (!(events & POLLIN))
        return;
    (void)eventfd_take_locked(irqfd->eventfd, &count);
    raise(irqfd);
}

static void irqfd_destroy(struct irqfd *irqfd)
{
    struct vm *vm = irqfd->vm;
    irqflags_t flags;

    wait_remove(&irqfd->entry);
    list_remove(&irqfd->link);
    vm->irqfd_count--;
    if (irqfd->resample_file != NULL) {
        flags = spin_lock(&vm->irq_lock);
        list_remove(&irqfd->resample_link);
        spin_unlock(&vm->irq_lock, flags);
        (void)irq_set_line(vm, irqfd->gsi, false, IRQ_FROM_RESAMPLE);
        file_put(irqfd->resample_file);
    }
    file_put(irqfd->file);
    kfree(irqfd);
}

/* The eventfd behind a descriptor, counted; or -EBADF, -EINVAL. */
static int find_eventfd(int fd, struct file **file, struct eventfd **eventfd)
{
    *file = fd_get(fd);
    if (*file == NULL)
        return -EBADF;
    *eventfd = eventfd_from_file(*file);
    if (*eventfd != NULL)
        return 0;
    file_put(*file);
    *file = NULL;
    return -EINVAL;
}

static int irqfd_deassign(struct vm *vm, const struct kvm_irqfd *arg)
{
    struct irqfd *irqfd, *next;
    struct eventfd *eventfd;
    struct file *file;
    int err = find_eventfd((int)arg->fd, &file, &eventfd);

    if (err < 0)
        return err;
    list_for_each_safe(irqfd, next, &vm->irqfds, link) {
        if (irqfd->eventfd == eventfd && irqfd->gsi == arg->gsi)
            irqfd_destroy(irqfd);
    }
    file_put(file);
    return 0;
}

static int irqfd_assign(struct vm *vm, const struct kvm_irqfd *arg)
{
    struct eventfd *resample;
    struct irqfd *irqfd, *other;
    irqflags_t flags;
    uint64_t count;
    int err;

    if (vm->irqfd_count >= MAX_IRQFDS)
        return -ENOSPC;
    irqfd = kalloc_for(vm->cgroup, sizeof(*irqfd));
    if (irqfd == NULL)
        return -ENOMEM;
    irqfd->vm = vm;
    irqfd->gsi = arg->gsi;
    list_init(&irqfd->resample_link);
    err = find_eventfd((int)arg->fd, &irqfd->file, &irqfd->eventfd);
    if (err < 0)
        goto free_irqfd;
    list_for_each(other, &vm->irqfds, link) {
        if (other->eventfd == irqfd->eventfd) {
            err = -EBUSY;
            goto put_file;
        }
    }
    if (arg->flags & KVM_IRQFD_FLAG_RESAMPLE) {
        err = find_eventfd((int)arg->resamplefd, &irqfd->resample_file, &resample);
        if (err < 0)
            goto put_file;
        flags = spin_lock(&vm->irq_lock);
        list_add_tail(&vm->resamplers, &irqfd->resample_link);
        spin_unlock(&vm->irq_lock, flags);
    }
    list_add_tail(&vm->irqfds, &irqfd->link);
    vm->irqfd_count++;
    wait_entry_init(&irqfd->entry, NULL);
    irqfd->entry.wake = irqfd_wake;
    wait_add(eventfd_wait_queue(irqfd->eventfd), &irqfd->entry);
    if (eventfd_take(irqfd->eventfd, &count)) /* it was rung before we listened */
        raise(irqfd);
    return 0;

put_file:
    file_put(irqfd->file);
free_irqfd:
    kfree(irqfd);
    return err;
}

/* vm->lock held. */
int irqfd_set(struct vm *vm, const struct kvm_irqfd *arg)
{
    if (arg->flags & ~(KVM_IRQFD_FLAG_DEASSIGN | KVM_IRQFD_FLAG_RESAMPLE))
        return -EINVAL;
    if (arg->flags & KVM_IRQFD_FLAG_DEASSIGN)
        return irqfd_deassign(vm, arg);
    if (!vm->has_irqchip || arg->gsi >= VM_MAX_GSI)
        return -EINVAL;
    return irqfd_assign(vm, arg);
}

/* The guest has finished with a level interrupt: whoever held the line may look again. */
void irqfd_acknowledge(struct vm *vm, unsigned int chip, unsigned int pin)
{
    struct irqfd *irqfd;

    list_for_each(irqfd, &vm->resamplers, resample_link) {
        if (irq_leads_to(vm, irqfd->gsi, chip, pin)) {
            irq_lower_resampled(vm, irqfd->gsi);
            irqfd->is_acked = true;
            vm->has_acks = true;
        }
    }
}

static struct eventfd *next_acked(struct vm *vm, struct file **file)
{
    irqflags_t flags = spin_lock(&vm->irq_lock);
    struct eventfd *found = NULL;
    struct irqfd *irqfd;

    list_for_each(irqfd, &vm->resamplers, resample_link) {
        if (irqfd->is_acked) {
            irqfd->is_acked = false;
            *file = irqfd->resample_file;
            file_get(*file);
            found = eventfd_from_file(*file);
            break;
        }
    }
    spin_unlock(&vm->irq_lock, flags);
    return found;
}

/* No lock held: tell those whose EOI came. */
void irqfd_signal_acks(struct vm *vm)
{
    struct eventfd *eventfd;
    struct file *file;

    while ((eventfd = next_acked(vm, &file)) != NULL) {
        eventfd_signal(eventfd, 1);
        file_put(file);
    }
}

/* ---- ioeventfd ------------------------------------------------------------------------------- */

static bool is_match(const struct ioeventfd *e, bool is_pio, uint64_t addr, unsigned int size, uint64_t value)
{
    return e->is_pio == is_pio && e->addr == addr && (e->len == 0 || e->len == size) &&
           (!e->has_datamatch || e->datamatch == value);
}

/* The guest writes: true if a doorbell took it. */
bool ioeventfd_match(struct vm *vm, bool is_pio, uint64_t addr, unsigned int size, uint64_t value)
{
    irqflags_t flags = spin_lock(&vm->io_lock);
    struct ioeventfd *e;
    bool found = false;

    list_for_each(e, &vm->ioeventfds, link) {
        if (is_match(e, is_pio, addr, size, value)) {
            eventfd_signal(e->eventfd, 1);
            found = true;
            break;
        }
    }
    spin_unlock(&vm->io_lock, flags);
    return found;
}

/* Would some access match both? */
static bool collides(const struct ioeventfd *a, const struct ioeventfd *b)
{
    return a->is_pio == b->is_pio && a->addr == b->addr &&
           (a->len == 0 || b->len == 0 ||
            (a->len == b->len &&
             (!a->has_datamatch || !b->has_datamatch || a->datamatch == b->datamatch)));
}

static bool is_same(const struct ioeventfd *a, const struct ioeventfd *b)
{
    return a->eventfd == b->eventfd && a->is_pio == b->is_pio && a->addr == b->addr && a->len == b->len &&
           a->has_datamatch == b->has_datamatch && (!a->has_datamatch || a->datamatch == b->datamatch);
}

static int ioeventfd_remove(struct vm *vm, const struct ioeventfd *like)
{
    irqflags_t flags = spin_lock(&vm->io_lock);
    struct ioeventfd *e, *found = NULL;

    list_for_each(e, &vm->ioeventfds, link) {
        if (is_same(e, like)) {
            found = e;
            list_remove(&e->link);
            vm->ioeventfd_count--;
            break;
        }
    }
    spin_unlock(&vm->io_lock, flags);
    if (found == NULL)
        return -ENOENT;
    file_put(found->file);
    kfree(found);
    return 0;
}

static int ioeventfd_add(struct vm *vm, const struct ioeventfd *like)
{
    struct ioeventfd *new, *e;
    irqflags_t flags;
    int err = 0;

    if (vm->ioeventfd_count >= MAX_IOEVENTFDS)
        return -ENOSPC;
    new = kalloc_for(vm->cgroup, sizeof(*new));
    if (new == NULL)
        return -ENOMEM;
    *new = *like;
    flags = spin_lock(&vm->io_lock);
    list_for_each(e, &vm->ioeventfds, link) {
        if (collides(e, new))
            err = -EEXIST;
    }
    if (err == 0) {
        list_add_tail(&vm->ioeventfds, &new->link);
        vm->ioeventfd_count++;
    }
    spin_unlock(&vm->io_lock, flags);
    if (err < 0) {
        kfree(new);
        return err;
    }
    file_get(new->file);
    return 0;
}

static int check_ioeventfd(const struct kvm_ioeventfd *arg)
{
    uint64_t end;

    switch (arg->len) {
    case 0:
        if (arg->flags & KVM_IOEVENTFD_FLAG_DATAMATCH)
            return -EINVAL;
        break;
    case 1:
    case 2:
    case 4:
    case 8:
        break;
    default:
        return -EINVAL;
    }
    if (add_overflows(arg->addr, arg->len, &end) ||
        (arg->flags & ~(KVM_IOEVENTFD_FLAG_DATAMATCH | KVM_IOEVENTFD_FLAG_PIO |
                        KVM_IOEVENTFD_FLAG_DEASSIGN)))
        return -EINVAL;
    return 0;
}

/* vm->lock held. */
int ioeventfd_set(struct vm *vm, const struct kvm_ioeventfd *arg)
{
    struct ioeventfd like = {
        .addr = arg->addr, .len = arg->len, .datamatch = arg->datamatch,
        .is_pio = (arg->flags & KVM_IOEVENTFD_FLAG_PIO) != 0,
        .has_datamatch = (arg->flags & KVM_IOEVENTFD_FLAG_DATAMATCH) != 0,
    };
    int err = check_ioeventfd(arg);

    if (err == 0)
        err = find_eventfd(arg->fd, &like.file, &like.eventfd);
    if (err < 0)
        return err;
    err = arg->flags & KVM_IOEVENTFD_FLAG_DEASSIGN ? ioeventfd_remove(vm, &like) : ioeventfd_add(vm, &like);
    file_put(like.file);
    return err;
}

/* ---- the end of the VM ---------------------------------------------------------------------------- */

void eventfds_fini(struct vm *vm)
{
    while (!list_is_empty(&vm->irqfds))
        irqfd_destroy(list_first(&vm->irqfds, struct irqfd, link));
    while (!list_is_empty(&vm->ioeventfds)) {
        struct ioeventfd *e = list_first(&vm->ioeventfds, struct ioeventfd, link);

        list_remove(&e->link);
        file_put(e->file);
        kfree(e);
    }
}
