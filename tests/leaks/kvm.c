/* SPDX-License-Identifier: BSD-2-Clause */
/* /dev/kvm: machines and CPUs, closed in any order, refused, and killed while they run. */
#include "leaks.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define RAM_SIZE (8u << 20)
#define CODE     0x1000u

/* Real mode: for each page of 1 MiB, write to it; then for ever: out 0x10 (if asked), jump to
 * itself. */
static const uint8_t spin_code[] = {0xeb, 0xfe};
static const uint8_t halt_code[] = {0xfa, 0xf4, 0xeb, 0xfd};
static const uint8_t touch_code[] = {
    0x31, 0xc0,       /*    xor ax, ax   */
    0x05, 0x00, 0x01, /* 1: add ax, 256  */
    0x8e, 0xd8,       /*    mov ds, ax   */
    0xa3, 0x00, 0x00, /*    mov [0], ax  */
    0x3d, 0x00, 0x90, /*    cmp ax, 9000h */
    0x75, 0xf3,       /*    jne 1b       */
    0xe6, 0x10,       /*    out 10h, al  */
    0xeb, 0xfe,       /*    jmp $        */
};

struct machine {
    int kvm, vm, vcpu;
    struct kvm_run *run;
    size_t run_size;
    uint8_t *ram;
};

static void set_slot(struct machine *m, uint32_t slot, uint32_t flags, uint64_t gpa, uint64_t size,
                     const void *host)
{
    struct kvm_userspace_memory_region r = {.slot = slot,
                                            .flags = flags,
                                            .guest_phys_addr = gpa,
                                            .memory_size = size,
                                            .userspace_addr = (uintptr_t)host};

    must(ioctl(m->vm, KVM_SET_USER_MEMORY_REGION, &r));
}

static void make_machine(struct machine *m, int with_irqchip, const void *code, size_t size)
{
    struct kvm_pit_config pit = {0};
    struct kvm_sregs sregs;
    struct kvm_regs regs = {.rip = CODE, .rflags = 2};

    m->kvm = (int)must(open("/dev/kvm", O_RDWR | O_CLOEXEC));
    m->vm = (int)must(ioctl(m->kvm, KVM_CREATE_VM, 0));
    if (with_irqchip) {
        must(ioctl(m->vm, KVM_CREATE_IRQCHIP, 0));
        must(ioctl(m->vm, KVM_CREATE_PIT2, &pit));
    }
    m->ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(m->ram != MAP_FAILED);
    memcpy(m->ram + CODE, code, size);
    set_slot(m, 0, KVM_MEM_LOG_DIRTY_PAGES, 0, RAM_SIZE, m->ram);
    m->vcpu = (int)must(ioctl(m->vm, KVM_CREATE_VCPU, 0));
    m->run_size = (size_t)must(ioctl(m->kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
    m->run = mmap(NULL, m->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, m->vcpu, 0);
    check(m->run != MAP_FAILED);
    must(ioctl(m->vcpu, KVM_GET_SREGS, &sregs));
    sregs.cs.base = sregs.cs.selector = 0;
    must(ioctl(m->vcpu, KVM_SET_SREGS, &sregs));
    must(ioctl(m->vcpu, KVM_SET_REGS, &regs));
}

static void destroy_machine(struct machine *m, unsigned order)
{
    int fds[3] = {m->kvm, m->vm, m->vcpu};

    if (order % 2 == 0)
        must(munmap(m->run, m->run_size));
    for (unsigned f = 0; f < LENGTH(fds); f++)
        must(close(fds[(f + order) % LENGTH(fds)]));
    if (order % 2 != 0)
        must(munmap(m->run, m->run_size)); /* held the CPU, and that the machine */
    must(munmap(m->ram, RAM_SIZE));
}

static void kvm_machines(unsigned i)
{
    static uint8_t dirty[RAM_SIZE / 4096 / 8];
    struct kvm_dirty_log log = {.slot = 0, .dirty_bitmap = dirty};
    struct machine m;
    uint8_t *more;

    make_machine(&m, i % 2 != 0, touch_code, sizeof(touch_code));
    must(ioctl(m.vcpu, KVM_RUN, 0));
    check(m.run->exit_reason == KVM_EXIT_IO);
    must(ioctl(m.vm, KVM_GET_DIRTY_LOG, &log));
    must(munmap(m.ram + (1 << 20), 1 << 20)); /* under the guest */
    more = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(more != MAP_FAILED);
    set_slot(&m, 3, 0, 64 << 20, 1 << 20, more);
    set_slot(&m, 3, 0, 64 << 20, 0, more);
    set_slot(&m, 4, KVM_MEM_READONLY, 65 << 20, 1 << 20, more);
    must(munmap(more, 1 << 20));
    destroy_machine(&m, i);
}

static void kvm_refused(unsigned i)
{
    struct kvm_userspace_memory_region r = {.slot = 1, .guest_phys_addr = 0, .memory_size = 4096};
    struct machine m;

    make_machine(&m, 1, spin_code, sizeof(spin_code));
    must_fail(EEXIST, ioctl(m.vm, KVM_CREATE_VCPU, 0));
    must_fail(EEXIST, ioctl(m.vm, KVM_CREATE_IRQCHIP, 0));
    must_fail(EINVAL, ioctl(m.vm, KVM_CREATE_VCPU, 100000));
    must_fail(EINVAL, ioctl(m.kvm, KVM_CREATE_VM, 77));
    r.userspace_addr = (uintptr_t)m.ram;
    must_fail(EEXIST, ioctl(m.vm, KVM_SET_USER_MEMORY_REGION, &r)); /* overlaps slot 0 */
    must_fail(EFAULT, ioctl(m.vm, KVM_SET_USER_MEMORY_REGION, 8));
    destroy_machine(&m, i);
}

struct guest {
    const uint8_t *code;
    size_t size;
    int irqchip;
};

static void run_guest(void *arg)
{
    const struct guest *g = arg;
    struct machine m;

    make_machine(&m, g->irqchip, g->code, g->size);
    for (;;) {
        must(ioctl(m.vcpu, KVM_RUN, 0));
        if (m.run->exit_reason == KVM_EXIT_HLT)
            pause();
    }
}

static void kvm_killed(unsigned i)
{
    static const struct guest guests[] = {
        {spin_code, sizeof(spin_code), 1},
        {spin_code, sizeof(spin_code), 0},
        {halt_code, sizeof(halt_code), 1},
        {touch_code, sizeof(touch_code), 0},
    };
    pid_t pids[LENGTH(guests)];

    for (size_t g = 0; g < LENGTH(guests); g++)
        pids[g] = spawn(run_guest, (void *)&guests[g]);
    for (size_t g = 0; g < LENGTH(guests); g++) {
        drift(i + 5 * (unsigned)g);
        must(kill(pids[g], SIGKILL));
    }
    for (size_t g = 0; g < LENGTH(guests); g++)
        wait_killed(pids[g], SIGKILL);
}

const struct area kvm_areas[] = {
    {"kvm_machines", 30, kvm_machines},
    {"kvm_refused", 20, kvm_refused},
    {"kvm_killed", 30, kvm_killed},
    {NULL, 0, NULL},
};
