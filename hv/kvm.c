/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /dev/kvm: what the hypervisor can do, and the door to a new VM. Also the choice
 * of the back end at boot.
 */
#include <kernel/cgroup.h>
#include <kernel/fs.h>
#include <kernel/log.h>
#include <kernel/uaccess.h>

#include "msr.h"
#include "vm.h"

#define KVM_DEVICE MKDEV(10, 232)

static const struct hv_ops *ops;
static const char *missing = "no VT-x or SVM";

const struct hv_ops *hv_ops(const char **why)
{
    if (why != NULL)
        *why = missing;
    return ops;
}

/* ---- capabilities -------------------------------------------------------------------------- */

/* Capabilities and what KVM_CHECK_EXTENSION answers; any other: 0. */
static const struct {
    uint16_t cap;
    uint16_t value;
} capabilities[] = {
    {KVM_CAP_IRQCHIP, 1},
    {KVM_CAP_HLT, 1},
    {KVM_CAP_USER_MEMORY, 1},
    {KVM_CAP_SET_TSS_ADDR, 1},
    {KVM_CAP_EXT_CPUID, 1},
    {KVM_CAP_CLOCKSOURCE, 1},
    {KVM_CAP_NR_VCPUS, 4},
    {KVM_CAP_NR_MEMSLOTS, VM_MAX_SLOTS},
    {KVM_CAP_PIT, 1},
    {KVM_CAP_NOP_IO_DELAY, 1},
    {KVM_CAP_MP_STATE, 1},
    {KVM_CAP_COALESCED_MMIO, KVM_COALESCED_MMIO_PAGE_OFFSET},
    {KVM_CAP_SYNC_MMU, 1},
    {KVM_CAP_DESTROY_MEMORY_REGION_WORKS, 1},
    {KVM_CAP_USER_NMI, 1},
    {KVM_CAP_REINJECT_CONTROL, 1},
    {KVM_CAP_IRQ_ROUTING, VM_MAX_GSI},
    {KVM_CAP_IRQ_INJECT_STATUS, 1},
    {KVM_CAP_JOIN_MEMORY_REGIONS_WORKS, 1},
    {KVM_CAP_MCE, 32},
    {KVM_CAP_IRQFD, 1},
    {KVM_CAP_PIT2, 1},
    {KVM_CAP_SET_BOOT_CPU_ID, 1},
    {KVM_CAP_PIT_STATE2, 1},
    {KVM_CAP_IOEVENTFD, 1},
    {KVM_CAP_SET_IDENTITY_MAP_ADDR, 1},
    {KVM_CAP_ADJUST_CLOCK, KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC},
    {KVM_CAP_INTERNAL_ERROR_DATA, 1},
    {KVM_CAP_VCPU_EVENTS, 1},
    {KVM_CAP_INTR_SHADOW, 1},
    {KVM_CAP_DEBUGREGS, 1},
    {KVM_CAP_X86_ROBUST_SINGLESTEP, 1},
    {KVM_CAP_ENABLE_CAP, 1},
    {KVM_CAP_XSAVE, 1},
    {KVM_CAP_GET_TSC_KHZ, 1},
    {KVM_CAP_MAX_VCPUS, VM_MAX_VCPUS},
    {KVM_CAP_TSC_DEADLINE_TIMER, 1},
    {KVM_CAP_KVMCLOCK_CTRL, 1},
    {KVM_CAP_SIGNAL_MSI, 1},
    {KVM_CAP_READONLY_MEM, 1},
    {KVM_CAP_IRQFD_RESAMPLE, 1},
    {KVM_CAP_ENABLE_CAP_VM, 1},
    {KVM_CAP_IOAPIC_POLARITY_IGNORED, 1},
    {KVM_CAP_IOEVENTFD_NO_LENGTH, 1},
    {KVM_CAP_CHECK_EXTENSION_VM, 1},
    {KVM_CAP_IOEVENTFD_ANY_LENGTH, 1},
    {KVM_CAP_MAX_VCPU_ID, VM_MAX_VCPUS},
    {KVM_CAP_IMMEDIATE_EXIT, 1},
    {KVM_CAP_GET_MSR_FEATURES, 1},
    {KVM_CAP_SREGS2, 1},
    {KVM_CAP_XSAVE2, 4096},
    {KVM_CAP_SYS_ATTRIBUTES, 1},
};

int vm_check_extension(uint64_t cap)
{
    if (cap == KVM_CAP_XCRS)
        return hv_guest_xcr0() != 0;
    for (unsigned int i = 0; i < ARRAY_SIZE(capabilities); i++) {
        if (capabilities[i].cap == cap)
            return capabilities[i].value;
    }
    return 0;
}

/* ---- ioctls ------------------------------------------------------------------------------------ */

static long create_vm(uint64_t type)
{
    struct vm *vm;
    int err, fd;

    if (type != 0)
        return -EINVAL;
    err = vm_create(&vm);
    if (err < 0)
        return err;
    fd = vm_open_file(vm);
    if (fd < 0)
        vm_put(vm);
    return fd;
}

static long get_supported_cpuid(uaddr_t arg)
{
    struct kvm_cpuid_entry2 *entries;
    struct kvm_cpuid2 head;
    long n;

    if (copy_from_user(&head, arg, sizeof(head)) < 0)
        return -EFAULT;
    head.nent = min(head.nent, (uint32_t)VM_MAX_CPUID);
    entries = kalloc_for(current_cgroup(), (head.nent + 1) * sizeof(*entries));
    if (entries == NULL)
        return -ENOMEM;
    n = cpuid_supported(entries, head.nent);
    if (n >= 0) {
        head.nent = (uint32_t)n;
        if (copy_to_user(arg, &head, sizeof(head)) < 0 ||
            copy_to_user(arg + sizeof(head), entries, (size_t)n * sizeof(*entries)) < 0)
            n = -EFAULT;
    }
    kfree(entries);
    return n < 0 ? n : 0;
}

/* The count goes out even when the list does not fit: so ring 3 learns how much room it needs. */
static long put_msr_list(uaddr_t arg, const uint32_t *indices, uint32_t count)
{
    struct kvm_msr_list head;
    uint32_t room;

    if (copy_from_user(&head, arg, sizeof(head)) < 0)
        return -EFAULT;
    room = head.nmsrs;
    head.nmsrs = count;
    if (copy_to_user(arg, &head, sizeof(head)) < 0)
        return -EFAULT;
    if (room < count)
        return -E2BIG;
    return copy_to_user(arg + sizeof(head), indices, count * sizeof(*indices));
}

static long get_msr_list(uaddr_t arg, enum msr_list which)
{
    unsigned int count = msr_list(which, NULL, 0);
    uint32_t *indices = kalloc_for(current_cgroup(), count * sizeof(*indices));
    long err;

    if (indices == NULL)
        return -ENOMEM;
    (void)msr_list(which, indices, count);
    err = put_msr_list(arg, indices, count);
    kfree(indices);
    return err;
}

/* Returns how many were done, as the vCPU's ioctl of this number. */
static long get_feature_msrs(uaddr_t arg)
{
    struct kvm_msr_entry entry;
    struct kvm_msrs head;
    uint32_t i;

    if (copy_from_user(&head, arg, sizeof(head)) < 0)
        return -EFAULT;
    if (head.nmsrs >= VM_MAX_MSRS)
        return -E2BIG;
    arg += sizeof(head);
    for (i = 0; i < head.nmsrs; i++, arg += sizeof(entry)) {
        if (copy_from_user(&entry, arg, sizeof(entry)) < 0)
            return -EFAULT;
        if (msr_read_feature(entry.index, &entry.data) < 0)
            break;
        if (copy_to_user(arg, &entry, sizeof(entry)) < 0)
            return -EFAULT;
    }
    return i;
}

static long get_device_attr(uaddr_t arg, bool only_ask)
{
    struct kvm_device_attr attr;
    uint64_t value = hv_guest_xcr0();

    if (copy_from_user(&attr, arg, sizeof(attr)) < 0)
        return -EFAULT;
    if (attr.group != 0 || attr.attr != KVM_X86_XCOMP_GUEST_SUPP)
        return -ENXIO;
    return only_ask ? 0 : copy_to_user(attr.addr, &value, sizeof(value));
}

static long get_mce_cap(uaddr_t arg)
{
    uint64_t cap = 0x1000100; /* MCG_CTL_P, MCG_SER_P */

    return copy_to_user(arg, &cap, sizeof(cap));
}

static long kvm_ioctl(struct file *file, unsigned int cmd, uint64_t arg)
{
    (void)file;
    switch (cmd) {
    case KVM_GET_API_VERSION:
        return arg != 0 ? -EINVAL : KVM_API_VERSION;
    case KVM_CREATE_VM:
        return create_vm(arg);
    case KVM_CHECK_EXTENSION:
        return vm_check_extension(arg);
    case KVM_GET_VCPU_MMAP_SIZE:
        return arg != 0 ? -EINVAL : (long)(3 * PAGE_SIZE);
    case KVM_GET_SUPPORTED_CPUID:
        return get_supported_cpuid(arg);
    case KVM_GET_EMULATED_CPUID: {
        struct kvm_cpuid2 none = {0};

        return copy_to_user(arg, &none, sizeof(none));
    }
    case KVM_GET_MSR_INDEX_LIST:
        return get_msr_list(arg, MSR_LIST_SAVED);
    case KVM_GET_MSR_FEATURE_INDEX_LIST:
        return get_msr_list(arg, MSR_LIST_FEATURES);
    case KVM_GET_MSRS:
        return get_feature_msrs(arg);
    case KVM_X86_GET_MCE_CAP_SUPPORTED:
        return get_mce_cap(arg);
    case KVM_GET_DEVICE_ATTR:
        return get_device_attr(arg, false);
    case KVM_HAS_DEVICE_ATTR:
        return get_device_attr(arg, true);
    default:
        return -EINVAL; /* KVM's answer, where others say ENOTTY */
    }
}

static int kvm_open(struct inode *inode, struct file *file)
{
    (void)inode;
    (void)file;
    return ops != NULL ? 0 : -ENODEV;
}

static const struct file_ops kvm_fops = {.ioctl = kvm_ioctl};

static struct char_dev kvm_device = {
    .dev = KVM_DEVICE,
    .name = "kvm",
    .mode = 0660,
    .ops = &kvm_fops,
    .open = kvm_open,
};

/* ---- boot -------------------------------------------------------------------------------------------- */

void hv_init(void)
{
    static const struct hv_ops *const backends[] = {&svm_ops, &vmx_ops};
    irqflags_t flags;
    int err;

    for (unsigned int i = 0; i < ARRAY_SIZE(backends) && ops == NULL; i++) {
        const char *why = NULL;

        if (backends[i] == NULL)
            continue;
        if (backends[i]->probe(&why) < 0) {
            if (why != NULL)
                missing = why;
            continue;
        }
        flags = irq_save();
        err = backends[i]->cpu_on();
        irq_restore(flags);
        if (err < 0)
            missing = "the CPU refuses to turn virtualization on";
        else
            ops = backends[i];
    }
    if (ops == NULL) {
        log_info("hv: no virtual machines: %s\n", missing);
        return;
    }
    cpuid_init();
    log_info("hv: %s\n", ops->name);
    char_dev_register(&kvm_device);
}
