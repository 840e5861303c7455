/* SPDX-License-Identifier: BSD-2-Clause */
/* Virtual machines: their file, its ioctls, and their life. See vm.h. */
#include <kernel/cgroup.h>
#include <kernel/files.h>
#include <kernel/uaccess.h>

#include "vm.h"

/* ---- ioctls ---------------------------------------------------------------------------------- */

static long set_memory_region(struct vm *vm, uaddr_t arg)
{
    struct kvm_userspace_memory_region region;

    if (copy_from_user(&region, arg, sizeof(region)) < 0)
        return -EFAULT;
    return memory_set_region(vm, &region);
}

static long get_dirty_log(struct vm *vm, uaddr_t arg)
{
    struct kvm_dirty_log log;

    if (copy_from_user(&log, arg, sizeof(log)) < 0)
        return -EFAULT;
    return memory_get_dirty_log(vm, &log);
}

static long create_pit(struct vm *vm, uaddr_t arg)
{
    struct kvm_pit_config config;

    if (copy_from_user(&config, arg, sizeof(config)) < 0)
        return -EFAULT;
    if (config.flags & ~KVM_PIT_SPEAKER_DUMMY)
        return -EINVAL;
    return irq_create_pit(vm, config.flags);
}

static long get_pit(struct vm *vm, uaddr_t arg)
{
    struct kvm_pit_state2 state;
    irqflags_t flags;

    if (!vm->has_pit)
        return -ENXIO;
    flags = spin_lock(&vm->irq_lock);
    pit_save(&vm->pit, &state);
    spin_unlock(&vm->irq_lock, flags);
    return copy_to_user(arg, &state, sizeof(state));
}

static long set_pit(struct vm *vm, uaddr_t arg)
{
    struct kvm_pit_state2 state;

    if (!vm->has_pit)
        return -ENXIO;
    if (copy_from_user(&state, arg, sizeof(state)) < 0)
        return -EFAULT;
    irq_set_pit(vm, &state);
    return 0;
}

static long get_irqchip(struct vm *vm, uaddr_t arg)
{
    struct kvm_irqchip chip;
    int err;

    if (copy_from_user(&chip, arg, sizeof(chip)) < 0)
        return -EFAULT;
    err = irq_get_chip(vm, &chip);
    return err < 0 ? err : copy_to_user(arg, &chip, sizeof(chip));
}

static long set_irqchip(struct vm *vm, uaddr_t arg)
{
    struct kvm_irqchip chip;

    if (copy_from_user(&chip, arg, sizeof(chip)) < 0)
        return -EFAULT;
    return irq_set_chip(vm, &chip);
}

static long irq_line(struct vm *vm, uaddr_t arg, bool wants_status)
{
    struct kvm_irq_level level;
    int status;

    if (!vm->has_irqchip)
        return -ENXIO;
    if (copy_from_user(&level, arg, sizeof(level)) < 0)
        return -EFAULT;
    status = irq_set_line(vm, level.irq, level.level != 0, IRQ_FROM_USER);
    if (!wants_status)
        return 0;
    level.irq = (uint32_t)status;
    return copy_to_user(arg, &level, sizeof(level));
}

static long set_gsi_routing(struct vm *vm, uaddr_t arg)
{
    struct kvm_irq_routing_entry *entries;
    struct kvm_irq_routing head;
    size_t size;
    long err;

    if (!vm->has_irqchip)
        return -EINVAL;
    if (copy_from_user(&head, arg, sizeof(head)) < 0)
        return -EFAULT;
    if (head.nr > VM_MAX_GSI || head.flags != 0)
        return -EINVAL;
    size = head.nr * sizeof(*entries);
    entries = kalloc_for(vm->cgroup, max(size, sizeof(*entries)));
    if (entries == NULL)
        return -ENOMEM;
    err = copy_from_user(entries, arg + sizeof(head), size);
    if (err == 0)
        err = irq_set_routes(vm, entries, head.nr);
    kfree(entries);
    return err;
}

static long signal_msi(struct vm *vm, uaddr_t arg)
{
    struct kvm_msi msi;

    if (copy_from_user(&msi, arg, sizeof(msi)) < 0)
        return -EFAULT;
    if (!vm->has_irqchip || msi.flags != 0)
        return -EINVAL;
    return irq_send_msi(vm, &msi);
}

static long irqfd(struct vm *vm, uaddr_t arg)
{
    struct kvm_irqfd irqfd;

    if (copy_from_user(&irqfd, arg, sizeof(irqfd)) < 0)
        return -EFAULT;
    return irqfd_set(vm, &irqfd);
}

static long ioeventfd(struct vm *vm, uaddr_t arg)
{
    struct kvm_ioeventfd event;

    if (copy_from_user(&event, arg, sizeof(event)) < 0)
        return -EFAULT;
    return ioeventfd_set(vm, &event);
}

static long get_clock(struct vm *vm, uaddr_t arg)
{
    struct kvm_clock_data data;

    kvmclock_get(vm, &data);
    return copy_to_user(arg, &data, sizeof(data));
}

static long set_clock(struct vm *vm, uaddr_t arg)
{
    struct kvm_clock_data data;

    if (copy_from_user(&data, arg, sizeof(data)) < 0)
        return -EFAULT;
    return kvmclock_set(vm, &data);
}

/* Pages that only CPUs without "unrestricted guest" need: accepted, not used. */
static long set_identity_map(uaddr_t arg)
{
    uint64_t address;

    return copy_from_user(&address, arg, sizeof(address));
}

/* Coalescing is an optimization that ring 3 may ask for; every access still arrives, one by one. */
static long coalesced_mmio(uaddr_t arg)
{
    struct kvm_coalesced_mmio_zone zone;

    if (copy_from_user(&zone, arg, sizeof(zone)) < 0)
        return -EFAULT;
    return zone.pio <= 1 ? 0 : -EINVAL;
}

static long set_boot_cpu(struct vm *vm, uint64_t id)
{
    if (vm->vcpu_count > 0)
        return -EBUSY;
    if (id >= VM_MAX_VCPUS)
        return -EINVAL;
    vm->boot_cpu_id = (uint32_t)id;
    return 0;
}

static long enable_cap(uaddr_t arg)
{
    struct kvm_enable_cap cap;

    if (copy_from_user(&cap, arg, sizeof(cap)) < 0)
        return -EFAULT;
    return -EINVAL; /* no capability is off until it is enabled */
}

static long set_tsc_khz_default(uint64_t khz)
{
    return khz == 0 || khz == tsc_khz() ? 0 : -EINVAL;
}

/* vm->lock held. */
static long locked_ioctl(struct vm *vm, unsigned int cmd, uint64_t arg)
{
    switch (cmd) {
    case KVM_CREATE_VCPU:
        return vcpu_create(vm, (uint32_t)min(arg, (uint64_t)UINT32_MAX));
    case KVM_SET_USER_MEMORY_REGION:
        return set_memory_region(vm, arg);
    case KVM_GET_DIRTY_LOG:
        return get_dirty_log(vm, arg);
    case KVM_SET_TSS_ADDR:
        return arg > UINT32_MAX - 3 * PAGE_SIZE ? -EINVAL : 0;
    case KVM_SET_IDENTITY_MAP_ADDR:
        return set_identity_map(arg);
    case KVM_SET_BOOT_CPU_ID:
        return set_boot_cpu(vm, arg);
    case KVM_CREATE_IRQCHIP:
        return irq_create_chip(vm);
    case KVM_GET_IRQCHIP:
        return get_irqchip(vm, arg);
    case KVM_SET_IRQCHIP:
        return set_irqchip(vm, arg);
    case KVM_CREATE_PIT2:
        return create_pit(vm, arg);
    case KVM_GET_PIT2:
        return get_pit(vm, arg);
    case KVM_SET_PIT2:
        return set_pit(vm, arg);
    case KVM_SET_GSI_ROUTING:
        return set_gsi_routing(vm, arg);
    case KVM_IRQFD:
        return irqfd(vm, arg);
    case KVM_IOEVENTFD:
        return ioeventfd(vm, arg);
    case KVM_SET_CLOCK:
        return set_clock(vm, arg);
    case KVM_REINJECT_CONTROL:
        return vm->has_pit ? 0 : -ENXIO;
    default:
        return -ENOTTY;
    }
}

static long vm_ioctl(struct file *file, unsigned int cmd, uint64_t arg)
{
    struct vm *vm = file->private;
    long err;

    if (vm->mm != current->mm)
        return -EIO;
    switch (cmd) { /* what needs no lock: interrupts come from many threads */
    case KVM_IRQ_LINE:
        return irq_line(vm, arg, false);
    case KVM_IRQ_LINE_STATUS:
        return irq_line(vm, arg, true);
    case KVM_SIGNAL_MSI:
        return signal_msi(vm, arg);
    case KVM_CHECK_EXTENSION:
        return vm_check_extension(arg);
    case KVM_GET_CLOCK:
        return get_clock(vm, arg);
    case KVM_REGISTER_COALESCED_MMIO:
    case KVM_UNREGISTER_COALESCED_MMIO:
        return coalesced_mmio(arg);
    case KVM_ENABLE_CAP:
        return enable_cap(arg);
    case KVM_SET_TSC_KHZ:
        return set_tsc_khz_default(arg);
    case KVM_GET_TSC_KHZ:
        return (long)tsc_khz();
    default:
        mutex_lock(&vm->lock);
        err = locked_ioctl(vm, cmd, arg);
        mutex_unlock(&vm->lock);
        return err;
    }
}

static void vm_file_release(struct file *file)
{
    vm_put(file->private);
}

static const struct file_ops vm_fops = {
    .ioctl = vm_ioctl,
    .release = vm_file_release,
};

/* ---- life ----------------------------------------------------------------------------------------- */

int vm_create(struct vm **out)
{
    struct cgroup *cg = current_cgroup();
    struct vm *vm = kalloc_for(cg, sizeof(*vm));
    int err;

    if (vm == NULL)
        return -ENOMEM;
    refcount_init(&vm->refs, 1);
    vm->ops = hv_ops(NULL);
    vm->cgroup = cg;
    cgroup_get(cg);
    vm->mm = current->mm;
    mm_grab(vm->mm);
    mutex_init(&vm->lock);
    spin_init(&vm->s2_lock);
    spin_init(&vm->io_lock);
    list_init(&vm->ioeventfds);
    irq_init(vm);
    kvmclock_init(vm);

    err = memory_init(vm);
    if (err < 0)
        goto free_vm;
    err = vm->ops->vm_init(vm);
    if (err < 0)
        goto fini_memory;
    *out = vm;
    return 0;

fini_memory:
    memory_fini(vm);
free_vm:
    mm_drop(vm->mm);
    cgroup_put(cg);
    kfree(vm);
    return err;
}

static void vm_destroy(struct vm *vm)
{
    struct cgroup *cg = vm->cgroup;

    eventfds_fini(vm);
    irq_fini(vm); /* nothing comes in from outside after this */
    while (vm->vcpu_count > 0)
        vcpu_destroy(vm->vcpus[--vm->vcpu_count]);
    vm->ops->vm_fini(vm);
    memory_fini(vm);
    mm_drop(vm->mm);
    kfree(vm);
    cgroup_put(cg);
}

void vm_get(struct vm *vm)
{
    refcount_get(&vm->refs);
}

void vm_put(struct vm *vm)
{
    if (refcount_put(&vm->refs))
        vm_destroy(vm);
}

int vm_open_file(struct vm *vm)
{
    struct file *file;
    int err = file_create_anon("anon_inode:kvm-vm", &vm_fops, vm, O_RDWR, &file), fd;

    if (err < 0)
        return err;
    fd = fd_install(file, FD_CLOEXEC, 0);
    if (fd < 0) {
        vm_get(vm); /* the file's release drops one; the caller still has its own */
        file_put(file);
    }
    return fd;
}
