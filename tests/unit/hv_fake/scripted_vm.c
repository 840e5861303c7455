/* SPDX-License-Identifier: BSD-2-Clause */
/* A VM for a test, and the back end under it; see scripted_vm.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "backend.h"
#include "scripted_vm.h"

/* ---- the back end ----------------------------------------------------------------------- */

struct vcpu_event injected;
unsigned entries, flushes;
uint64_t aux_in_guest;
static bool is_loaded;
enum exit_reason (*script)(struct vcpu *vcpu, struct vm_exit *e);

static int fake_vcpu_create(struct vcpu *vcpu)
{
    vcpu->backend = kalloc_for(vcpu->vm->cgroup, sizeof(struct guest_state));
    return vcpu->backend != NULL ? 0 : -ENOMEM;
}

static void fake_vcpu_destroy(struct vcpu *vcpu)
{
    kfree(vcpu->backend);
}

static void fake_load(struct vcpu *vcpu)
{
    (void)vcpu;
    assert_false(is_loaded);
    assert_false(fake_cpu.irqs_on);
    is_loaded = true;
}

static void fake_put(struct vcpu *vcpu)
{
    (void)vcpu;
    assert_true(is_loaded);
    is_loaded = false;
}

static void fake_flush(struct vcpu *vcpu, unsigned int what)
{
    (void)vcpu;
    (void)what;
    assert_true(is_loaded && !fake_cpu.irqs_on);
    flushes++;
}

static void copy_state(struct guest_state *to, const struct guest_state *from, unsigned int groups)
{
    if (groups & STATE_CR) {
        memcpy(&to->cr0, &from->cr0, 5 * sizeof(uint64_t));
        memcpy(to->pdptr, from->pdptr, sizeof(to->pdptr));
    }
    for (unsigned i = 0; i < SEG_COUNT; i++) {
        if (groups & (i == SEG_CS || i == SEG_SS ? STATE_CODE : STATE_SEG))
            to->seg[i] = from->seg[i];
    }
    if (groups & STATE_SEG) {
        to->gdtr = from->gdtr;
        to->idtr = from->idtr;
    }
}

static void fake_enter(struct vcpu *vcpu, struct vm_exit *e)
{
    assert_true(is_loaded && !fake_cpu.irqs_on && vcpu->is_fpu_loaded);
    assert_int_equal(vcpu->state_dirty & ~vcpu->state_valid, 0);
    copy_state(vcpu->backend, &vcpu->state, vcpu->state_dirty);
    memset(&vcpu->state, 0xa5, sizeof(vcpu->state)); /* nobody may rely on what is not valid */
    vcpu->state_valid = vcpu->state_dirty = 0;
    injected = vcpu->inject;
    vcpu->inject = (struct vcpu_event){0};
    *e = (struct vm_exit){0};
    entries++;
    aux_in_guest = fake_tsc_aux;
    e->reason = script(vcpu, e);
}

static void fake_state_get(struct vcpu *vcpu, unsigned int groups)
{
    assert_true(is_loaded);
    copy_state(&vcpu->state, vcpu->backend, groups);
}

static uint64_t msr_values[256];

static int fake_msr_get(struct vcpu *vcpu, uint32_t index, uint64_t *value)
{
    (void)vcpu;
    assert_true(is_loaded);
    *value = msr_values[index % ARRAY_SIZE(msr_values)];
    return 0;
}

static int fake_msr_set(struct vcpu *vcpu, uint32_t index, uint64_t value)
{
    (void)vcpu;
    assert_true(is_loaded);
    msr_values[index % ARRAY_SIZE(msr_values)] = value;
    return 0;
}

const struct hv_ops svm_ops = {
    .name = "fake", .s2_format = STAGE2_NPT, .probe = fake_probe, .cpu_on = fake_cpu_on,
    .can_rdtscp = fake_can_rdtscp,
    .vm_init = fake_vm_init, .vm_fini = fake_vm_fini, .vcpu_create = fake_vcpu_create,
    .vcpu_destroy = fake_vcpu_destroy, .load = fake_load, .put = fake_put, .flush = fake_flush,
    .enter = fake_enter, .state_get = fake_state_get, .msr_get = fake_msr_get, .msr_set = fake_msr_set,
};

static struct vm_exit plan[16];
static unsigned plan_step, plan_length;

static enum exit_reason play(struct vcpu *vcpu, struct vm_exit *e)
{
    (void)vcpu;
    *e = plan[min(plan_step, plan_length - 1)];
    plan_step++;
    return e->reason;
}

void plan_set(unsigned n, ...)
{
    va_list ap;

    va_start(ap, n);
    for (unsigned i = 0; i < n; i++)
        plan[i] = *va_arg(ap, const struct vm_exit *);
    va_end(ap);
    plan_length = n;
    plan_step = 0;
    script = play;
}

const struct vm_exit exit_halt = {.reason = EXIT_HLT, .insn_len = 1};
const struct vm_exit exit_triple = {.reason = EXIT_SHUTDOWN};

/* ---- a VM for a test ------------------------------------------------------------------------ */

int vm_fd, cpu_fd;
uint8_t *ram;
struct kvm_run *run;
struct vcpu *vcpu0;
static unsigned pages_before, allocs_before, files_before;

void scripted_vm_init(void)
{
    fake_services_init();
    ram = (uint8_t *)fake_user_memory(RAM_PAGES);
    hv_init();
}

long set_slot(uint32_t id, uint64_t gpa, uint64_t size, uint64_t offset, uint32_t flags)
{
    struct kvm_userspace_memory_region region = {
        .slot = id, .flags = flags, .guest_phys_addr = gpa, .memory_size = size,
        .userspace_addr = (uint64_t)ram + offset};

    return ioctl_fd(vm_fd, KVM_SET_USER_MEMORY_REGION, &region);
}

static struct kvm_run *map_run(int fd)
{
    return ((struct vcpu *)fake_files[fd]->private)->run;
}

static enum exit_reason no_script(struct vcpu *vcpu, struct vm_exit *e)
{
    (void)vcpu;
    (void)e;
    fail_msg("entered the guest without a script");
    return EXIT_UNKNOWN;
}

void begin(bool irqchip)
{
    struct kvm_pit_config pit = {.flags = KVM_PIT_SPEAKER_DUMMY};

    script = no_script;
    fake_on_sleep = NULL;
    fake_set_block_order(0);
    pages_before = fake_page_count;
    allocs_before = fake_alloc_count;
    files_before = fake_file_count;
    vm_fd = (int)kvm(KVM_CREATE_VM, 0);
    assert_true(vm_fd >= 0);
    memset(ram, 0, RAM_PAGES * PAGE_SIZE);
    assert_int_equal(set_slot(0, 0, RAM_PAGES * PAGE_SIZE, 0, 0), 0);
    if (irqchip) {
        assert_int_equal(ioctl_fd(vm_fd, KVM_CREATE_IRQCHIP, NULL), 0);
        assert_int_equal(ioctl_fd(vm_fd, KVM_CREATE_PIT2, &pit), 0);
    }
    cpu_fd = (int)ioctl_fd(vm_fd, KVM_CREATE_VCPU, NULL);
    assert_true(cpu_fd >= 0);
    run = map_run(cpu_fd);
    vcpu0 = fake_files[cpu_fd]->private;
}

void end(void)
{
    close_fd(vm_fd);
    close_fd(cpu_fd);
    assert_false(is_loaded);
    assert_true(fake_cpu.irqs_on);
    assert_int_equal(fake_page_count, pages_before);
    assert_int_equal(fake_alloc_count, allocs_before);
    assert_int_equal(fake_file_count, files_before);
}

/* The guest's floating-point state stays in the registers: not for the test to run on. */
long run_once(void)
{
    static uint8_t host[512] __aligned(16);
    long err;

    __asm__ volatile("fxsave64 %0" : "=m"(host));
    err = ioctl_fd(cpu_fd, KVM_RUN, NULL);
    __asm__ volatile("fxrstor64 %0" : : "m"(host));
    return err;
}

void protected_mode(void)
{
    struct kvm_sregs sregs;
    struct kvm_regs regs = {.rip = CODE, .rsp = 0x8000, .rflags = 2};

    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_SREGS, &sregs), 0);
    sregs.cs = (struct kvm_segment){.limit = 0xffffffff, .selector = 8, .type = 0xb, .present = 1, .db = 1, .s = 1, .g = 1};
    sregs.ds = (struct kvm_segment){.limit = 0xffffffff, .selector = 16, .type = 3, .present = 1, .db = 1, .s = 1, .g = 1};
    sregs.es = sregs.fs = sregs.gs = sregs.ss = sregs.ds;
    sregs.cr0 |= 1;
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_SREGS, &sregs), 0);
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_REGS, &regs), 0);
}

void code(const uint8_t *bytes, size_t n)
{
    memcpy(ram + CODE, bytes, n);
}

struct kvm_regs regs(void)
{
    struct kvm_regs r;

    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_REGS, &r), 0);
    return r;
}

struct cpuid_arg cpuid_arg;

void supported_cpuid(void)
{
    cpuid_arg.head.nent = 100;
    assert_int_equal(kvm(KVM_GET_SUPPORTED_CPUID, (uint64_t)&cpuid_arg), 0);
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_CPUID2, &cpuid_arg), 0);
}

long irq_line(uint32_t irq, uint32_t level)
{
    struct kvm_irq_level arg = {.irq = irq, .level = level};

    return ioctl_fd(vm_fd, KVM_IRQ_LINE, &arg);
}

void lapic_write(unsigned offset, uint32_t value)
{
    uint64_t v = value;

    assert_true(irq_mmio(vcpu0, APIC_DEFAULT_BASE + offset, 4, true, &v));
}
