/* SPDX-License-Identifier: BSD-2-Clause */
/* The interface itself: versions, limits, arguments that are wrong. */
#include "harness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void version(void)
{
    check_equal("version", must(kvm_fd, KVM_GET_API_VERSION, 0), 12);
    must_fail(EINVAL, kvm_fd, KVM_GET_API_VERSION, 1);
    check_equal("size of the shared pages is enough",
                must(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0) >= 12288, 1);
    must_fail(EINVAL, kvm_fd, _IO(KVMIO, 0xfe), 0);
    must_fail(EINVAL, kvm_fd, KVM_CREATE_VM, 0x1234);
}

static void capabilities(void)
{
    static const int present[] = {
        KVM_CAP_IRQCHIP, KVM_CAP_HLT, KVM_CAP_USER_MEMORY, KVM_CAP_SET_TSS_ADDR, KVM_CAP_EXT_CPUID,
        KVM_CAP_NR_VCPUS, KVM_CAP_NR_MEMSLOTS, KVM_CAP_PIT2, KVM_CAP_SYNC_MMU, KVM_CAP_MP_STATE,
        KVM_CAP_DESTROY_MEMORY_REGION_WORKS, KVM_CAP_USER_NMI, KVM_CAP_SET_IDENTITY_MAP_ADDR,
        KVM_CAP_VCPU_EVENTS, KVM_CAP_READONLY_MEM, KVM_CAP_IMMEDIATE_EXIT, KVM_CAP_MAX_VCPUS,
        KVM_CAP_TSC_DEADLINE_TIMER, KVM_CAP_CHECK_EXTENSION_VM, KVM_CAP_X86_ROBUST_SINGLESTEP,
        KVM_CAP_GET_MSR_FEATURES,
    };

    for (size_t i = 0; i < sizeof(present) / sizeof(present[0]); i++)
        if (must(kvm_fd, KVM_CHECK_EXTENSION, present[i]) <= 0)
            fail("capability %d is missing", present[i]);
    check_equal("an unknown capability", must(kvm_fd, KVM_CHECK_EXTENSION, 99999), 0);
}

/* Every MSR that is listed can be read, without a VM. */
static void feature_msrs(void)
{
    struct {
        struct kvm_msr_list head;
        uint32_t indices[255];
    } list = { .head.nmsrs = 0 };
    struct {
        struct kvm_msrs head;
        struct kvm_msr_entry entries[255];
    } msrs = { .head.pad = 0 };

    must_fail(E2BIG, kvm_fd, KVM_GET_MSR_FEATURE_INDEX_LIST, &list);
    check_equal("there are some", list.head.nmsrs > 0 && list.head.nmsrs < 255, 1);
    must(kvm_fd, KVM_GET_MSR_FEATURE_INDEX_LIST, &list);
    msrs.head.nmsrs = list.head.nmsrs;
    for (uint32_t i = 0; i < list.head.nmsrs; i++)
        msrs.entries[i].index = list.indices[i];
    check_equal("those that can be read", must(kvm_fd, KVM_GET_MSRS, &msrs), list.head.nmsrs);
    msrs.entries[0].index = 0x12345678; /* stops there */
    check_equal("those before an unknown one", must(kvm_fd, KVM_GET_MSRS, &msrs), 0);
    msrs.head.nmsrs = 1u << 20;
    must_fail(E2BIG, kvm_fd, KVM_GET_MSRS, &msrs);
}

static void vm_arguments(void)
{
    const struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
    const struct kvm_irq_level line = { .irq = 4, .level = 1 };
    int vm = must(kvm_fd, KVM_CREATE_VM, 0);

    must_fail(ENXIO, vm, KVM_IRQ_LINE, &line); /* there is nothing yet to interrupt */
    must(vm, KVM_CREATE_IRQCHIP, 0);
    must_fail(EEXIST, vm, KVM_CREATE_IRQCHIP, 0);
    must(vm, KVM_CREATE_PIT2, &pit);
    must_fail(EEXIST, vm, KVM_CREATE_PIT2, &pit);
    must(vm, KVM_CREATE_VCPU, 0);
    must_fail(EEXIST, vm, KVM_CREATE_VCPU, 0);
    must_fail(EINVAL, vm, KVM_CREATE_VCPU, 1 << 20);
    must_fail(EFAULT, vm, KVM_SET_USER_MEMORY_REGION, 8);
    must_fail(EFAULT, vm, KVM_IRQ_LINE, 8);
    must_fail(ENOTTY, vm, _IO(KVMIO, 0xfe), 0);
    must_fail(ENOTTY, vm, KVM_RUN, 0);
}

static void irqchip_after_vcpu(void)
{
    int vm = must(kvm_fd, KVM_CREATE_VM, 0);

    must(vm, KVM_CREATE_VCPU, 0);
    must_fail(EINVAL, vm, KVM_CREATE_IRQCHIP, 0);
}

static void vcpu_arguments(void)
{
    struct machine m;

    machine_init(&m, LONG_MODE, NO_IRQCHIP, GUEST(spin));
    must_fail(EINVAL, m.vcpu, KVM_RUN, 1);
    must_fail(EFAULT, m.vcpu, KVM_GET_REGS, 8);
    must_fail(EFAULT, m.vcpu, KVM_SET_REGS, 8);
    must_fail(EFAULT, m.vcpu, KVM_SET_SREGS, 8);
    must_fail(EFAULT, m.vcpu, KVM_SET_CPUID2, 8);
    must_fail(EINVAL, m.vcpu, KVM_GET_LAPIC, m.ram); /* there is none */
    must_fail(EINVAL, m.vcpu, _IO(KVMIO, 0xfe), 0);
    check_equal("offset of the port data lies in the shared pages",
                m.run_size >= 12288, 1);
    expect_report(&m, 1);
    check_equal("the port data is in the shared pages",
                m.run->io.data_offset + 4 <= m.run_size, 1);
}

/* A VM belongs to the process that made it: a child of it may not touch it. */
static void other_process(void)
{
    struct machine m;
    pid_t child;
    int status;

    machine_init(&m, LONG_MODE, NO_IRQCHIP, GUEST(spin));
    child = fork();
    if (child == 0) {
        bool refused = ioctl(m.vcpu, KVM_RUN, 0) < 0 && errno == EIO &&
                       ioctl(m.vm, KVM_CREATE_VCPU, 1) < 0 && errno == EIO;

        _exit(refused ? 0 : 1);
    }
    waitpid(child, &status, 0);
    check_equal("status of the child that was refused", status, 0);
    expect_report(&m, 1);
}

/* The VM's descriptor may outlive the vCPU's and the other way round. */
static void descriptors_close_in_any_order(void)
{
    struct machine m;

    machine_init(&m, LONG_MODE, IRQCHIP, GUEST(halt));
    close(m.vm);
    expect_report(&m, 1);
    close(m.vcpu);
    munmap(m.run, m.run_size);

    machine_init(&m, LONG_MODE, IRQCHIP, GUEST(halt));
    expect_report(&m, 1);
    close(m.vcpu);
    set_irq(&m, 4, 1);
    close(m.vm);
    (void)*(volatile uint32_t *)&m.run->exit_reason; /* the mapping alone keeps its pages */
}

static void many_vms(void)
{
    struct machine m[8];

    for (unsigned i = 0; i < 8; i++)
        machine_init(&m[i], LONG_MODE, IRQCHIP, GUEST(spin));
    for (unsigned i = 0; i < 8; i++)
        expect_report(&m[i], 1);
    for (unsigned i = 0; i < 8; i++)
        expect_interrupted(&m[i]);
}

const struct test api_tests[] = {
    { "api_version", version },
    { "api_capabilities", capabilities },
    { "api_feature_msrs", feature_msrs },
    { "api_vm_arguments", vm_arguments },
    { "api_irqchip_after_vcpu", irqchip_after_vcpu },
    { "api_vcpu_arguments", vcpu_arguments },
    { "api_other_process", other_process },
    { "api_descriptors_close_in_any_order", descriptors_close_in_any_order },
    { "api_many_vms", many_vms },
    { NULL, NULL },
};
