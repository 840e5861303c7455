/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The generic part of hv, whole, under a back end that plays a script: each entry
 * into the guest is one call of script(), which looks at what was injected and says
 * what exit follows. The kernel's services come from hv_fake/.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hv_fake/services.h"
#include "hv/msr.h"
#include "hv/vm.h"

/* ---- the back end ----------------------------------------------------------------------- */

static struct vcpu_event injected; /* by the entry that is going on */
static unsigned entries, flushes;
static uint64_t aux_in_guest; /* TSC_AUX at the last entry */
static bool is_loaded;
static enum exit_reason (*script)(struct vcpu *vcpu, struct vm_exit *e);

static int fake_probe(const char **why)
{
    (void)why;
    return 0;
}

static int fake_cpu_on(void)
{
    return 0;
}

static bool fake_can_rdtscp(void)
{
    return true;
}

static int fake_vm_init(struct vm *vm)
{
    (void)vm;
    return 0;
}

static void fake_vm_fini(struct vm *vm)
{
    (void)vm;
}

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

/* ---- a VM for a test ------------------------------------------------------------------------ */

#define RAM_PAGES 1024
#define CODE      0x1000

static struct file kvm_file;
static int vm_fd, cpu_fd;
static uint8_t *ram;
static struct kvm_run *run;
static struct vcpu *vcpu0;
static unsigned pages_before, allocs_before, files_before;

static long kvm(unsigned cmd, uint64_t arg)
{
    return fake_device->ops->ioctl(&kvm_file, cmd, arg);
}

static long ioctl_fd(int fd, unsigned cmd, void *arg)
{
    return fake_files[fd]->ops->ioctl(fake_files[fd], cmd, (uint64_t)arg);
}

static void close_fd(int fd)
{
    struct file *f = fake_files[fd];

    fake_files[fd] = NULL;
    file_put(f);
}

static long set_slot(uint32_t id, uint64_t gpa, uint64_t size, uint64_t offset, uint32_t flags)
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

static void begin(bool irqchip)
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

static void end(void)
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
static long run_once(void)
{
    static uint8_t host[512] __aligned(16);
    long err;

    __asm__ volatile("fxsave64 %0" : "=m"(host));
    err = ioctl_fd(cpu_fd, KVM_RUN, NULL);
    __asm__ volatile("fxrstor64 %0" : : "m"(host));
    return err;
}

/* Flat 32-bit protected mode at CODE. */
static void protected_mode(void)
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

static void code(const uint8_t *bytes, size_t n)
{
    memcpy(ram + CODE, bytes, n);
}

#define CODE_BYTES(...) code((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static struct kvm_regs regs(void)
{
    struct kvm_regs r;

    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_REGS, &r), 0);
    return r;
}

/* A list of exits, one an entry; the last repeats. */
static struct vm_exit plan[16];
static unsigned plan_step, plan_length;

static enum exit_reason play(struct vcpu *vcpu, struct vm_exit *e)
{
    (void)vcpu;
    *e = plan[min(plan_step, plan_length - 1)];
    plan_step++;
    return e->reason;
}

static void plan_set(unsigned n, ...)
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

static const struct vm_exit exit_halt = {.reason = EXIT_HLT, .insn_len = 1};
static const struct vm_exit exit_triple = {.reason = EXIT_SHUTDOWN};

/* ---- ioctls --------------------------------------------------------------------------------------- */

static void test_life(void **state)
{
    (void)state;
    assert_int_equal(kvm(KVM_GET_API_VERSION, 0), 12);
    assert_int_equal(kvm(KVM_GET_API_VERSION, 1), -EINVAL);
    assert_int_equal(kvm(KVM_GET_VCPU_MMAP_SIZE, 0), 12288);
    assert_int_equal(kvm(KVM_CREATE_VM, 1), -EINVAL);
    assert_int_equal(kvm(KVM_CHECK_EXTENSION, KVM_CAP_COALESCED_MMIO), 2);
    assert_int_equal(kvm(KVM_CHECK_EXTENSION, KVM_CAP_MSI_DEVID), 0);
    assert_int_equal(kvm(KVM_CHECK_EXTENSION, UINT64_MAX), 0);
    assert_int_equal(kvm(0xae77, 0), -EINVAL);
    begin(true);
    assert_int_equal(ioctl_fd(vm_fd, KVM_CREATE_VCPU, NULL), -EEXIST);
    assert_int_equal(ioctl_fd(vm_fd, KVM_CREATE_VCPU, (void *)1000), -EINVAL);
    assert_int_equal(ioctl_fd(vm_fd, KVM_CREATE_IRQCHIP, NULL), -EEXIST);
    assert_int_equal(ioctl_fd(vm_fd, KVM_RUN, NULL), -ENOTTY);
    assert_int_equal(ioctl_fd(cpu_fd, KVM_RUN, (void *)1), -EINVAL);
    assert_int_equal(ioctl_fd(cpu_fd, KVM_CREATE_VM, NULL), -EINVAL);
    struct mm other;
    fake_thread.mm = &other;
    assert_int_equal(ioctl_fd(vm_fd, KVM_CREATE_VCPU, NULL), -EIO);
    assert_int_equal(run_once(), -EIO);
    fake_thread.mm = &fake_mm;
    end();
}

static void test_slots(void **state)
{
    (void)state;
    begin(false);
    assert_int_equal(set_slot(1, 0x1000, 0x1000, 0, 0), -EEXIST);
    assert_int_equal(set_slot(1, 0x1001000, 0x1001, 0, 0), -EINVAL);
    assert_int_equal(set_slot(1, 0x1001001, 0x1000, 0, 0), -EINVAL);
    assert_int_equal(set_slot(1, ~0xfffULL, 0x2000, 0, 0), -EINVAL);
    assert_int_equal(set_slot(VM_MAX_SLOTS, 0x10000000, 0x1000, 0, 0), -EINVAL);
    assert_int_equal(set_slot(1, 0x10000000, 0x1000, 0, 4), -EINVAL);
    assert_int_equal(set_slot(1, 0x10000000, 0, 0, 0), -EINVAL);
    assert_int_equal(set_slot(0, 0, 0x1000, 0, 0), -EINVAL); /* no resizing */
    assert_int_equal(set_slot(1, 0x10000000, 0x3000, 0, 0), 0);
    assert_int_equal(set_slot(1, 0x20000000, 0x3000, 0, 0), 0); /* moved */
    assert_int_equal(set_slot(1, 0x20000000, 0, 0, 0), 0);
    for (uint32_t i = 1; i < VM_MAX_SLOTS; i++)
        assert_int_equal(set_slot(i, 0x10000000 + (i * 7919 % VM_MAX_SLOTS) * 0x1000, 0x1000, 0, 0), 0);
    end();
}

/* What is set reads back, and nothing of the kernel's memory comes along. */
static void test_state(void **state)
{
    struct kvm_vcpu_events events;
    struct kvm_debugregs debug;
    struct kvm_lapic_state lapic;
    struct kvm_mp_state mp;
    struct kvm_sregs sregs, sregs2;
    struct kvm_regs r = {.rax = 1, .rcx = 2, .rdx = 3, .rbx = 4, .rsp = 5, .rbp = 6, .rsi = 7, .rdi = 8,
                         .r8 = 9, .r15 = 10, .rip = 11, .rflags = ~0ULL}, r2;
    struct kvm_fpu fpu = {.fcw = 0x27f, .mxcsr = 0xffffffff, .xmm = {[3] = {1, 2, 3}}}, fpu2;

    (void)state;
    begin(true);
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_REGS, &r), 0);
    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_REGS, &r2), 0);
    assert_int_equal(r2.rflags & 0x8028, 0);
    r.rflags = r2.rflags;
    assert_memory_equal(&r, &r2, sizeof(r));

    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_SREGS, &sregs), 0);
    assert_int_equal(sregs.cs.base, 0xffff0000);
    assert_int_equal(sregs.cr0, 0x60000010);
    assert_int_equal(sregs.apic_base, 0xfee00900);
    sregs.cr2 = 0x123;
    sregs.gs.base = 0xffff888000000000ULL;
    sregs.cr8 = 5;
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_SREGS, &sregs), 0);
    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_SREGS, &sregs2), 0);
    assert_memory_equal(&sregs, &sregs2, sizeof(sregs));
    sregs.cr0 = 0x80000000; /* paging without protection */
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_SREGS, &sregs), -EINVAL);
    sregs.cr0 = 0x80000011;
    sregs.efer = EFER_LME | EFER_LMA; /* long mode without PAE */
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_SREGS, &sregs), -EINVAL);
    sregs.cr4 = CR4_PAE | CR4_VMXE;
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_SREGS, &sregs), -EINVAL);
    sregs.cr4 = CR4_PAE;
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_SREGS, &sregs), 0);

    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_FPU, &fpu), 0);
    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_FPU, &fpu2), 0);
    assert_int_equal(fpu2.mxcsr, 0xffff);
    assert_memory_equal(fpu.xmm, fpu2.xmm, sizeof(fpu.xmm));

    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_VCPU_EVENTS, &events), 0);
    events.nmi.pending = 1;
    events.interrupt.shadow = KVM_X86_SHADOW_INT_STI;
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_VCPU_EVENTS, &events), 0);
    memset(&events, 0, sizeof(events));
    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_VCPU_EVENTS, &events), 0);
    assert_int_equal(events.nmi.pending, 1);
    assert_int_equal(events.interrupt.shadow, KVM_X86_SHADOW_INT_STI);
    events.flags = 0x8000;
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_VCPU_EVENTS, &events), -EINVAL);

    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_DEBUGREGS, &debug), 0);
    debug.db[2] = 0x77;
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_DEBUGREGS, &debug), 0);
    debug.dr7 = 1ULL << 40;
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_DEBUGREGS, &debug), -EINVAL);

    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_LAPIC, &lapic), 0);
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_LAPIC, &lapic), 0);
    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_MP_STATE, &mp), 0);
    assert_int_equal(mp.mp_state, KVM_MP_STATE_RUNNABLE);
    mp.mp_state = 9;
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_MP_STATE, &mp), -EINVAL);
    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_REGS, (void *)8), -EFAULT);
    end();
}

static struct {
    struct kvm_msrs head;
    struct kvm_msr_entry entries[255];
} msr_arg;
static struct {
    uint32_t n;
    uint32_t indices[256];
} msr_list_arg;
static struct {
    struct kvm_cpuid2 head;
    struct kvm_cpuid_entry2 entries[100];
} cpuid_arg;

/* Every MSR of the index list can be read and set to what it was. */
static void test_msrs(void **state)
{
    (void)state;
    begin(true);
    msr_list_arg.n = 1;
    assert_int_equal(kvm(KVM_GET_MSR_INDEX_LIST, (uint64_t)&msr_list_arg), -E2BIG);
    assert_in_range(msr_list_arg.n, 20, 250);
    assert_int_equal(kvm(KVM_GET_MSR_INDEX_LIST, (uint64_t)&msr_list_arg), 0);
    msr_arg.head.nmsrs = msr_list_arg.n;
    for (uint32_t i = 0; i < msr_list_arg.n; i++)
        msr_arg.entries[i].index = msr_list_arg.indices[i];
    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_MSRS, &msr_arg), msr_list_arg.n);
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_MSRS, &msr_arg), msr_list_arg.n);
    msr_arg.head.nmsrs = 3;
    msr_arg.entries[1].index = 0x12345678; /* stops there */
    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_MSRS, &msr_arg), 1);
    msr_arg.entries[1].index = MSR_LSTAR;
    msr_arg.entries[1].data = 0x0000900000000000ULL; /* not canonical */
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_MSRS, &msr_arg), 1);
    msr_arg.head.nmsrs = 256;
    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_MSRS, &msr_arg), -E2BIG);
    /* The table is searched by bisection. */
    uint64_t value;

    vcpu_load(vcpu0);
    assert_int_equal(msr_read(vcpu0, MSR_AMD64_PATCH_LOADER, &value), 0);
    assert_int_equal(msr_read(vcpu0, MSR_AMD64_BU_CFG2, &value), 0);
    assert_int_equal(msr_read(vcpu0, MSR_VM_CR, &value), 0);
    assert_int_equal(msr_read(vcpu0, 0x10a, &value), -EINVAL);
    vcpu_put(vcpu0);
    end();
}

static void supported_cpuid(void)
{
    cpuid_arg.head.nent = 100;
    assert_int_equal(kvm(KVM_GET_SUPPORTED_CPUID, (uint64_t)&cpuid_arg), 0);
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_CPUID2, &cpuid_arg), 0);
}

static void test_cpuid(void **state)
{
    static const struct vm_exit leaf = {.reason = EXIT_CPUID, .insn_len = 2};
    struct kvm_regs r;

    (void)state;
    begin(true);
    cpuid_arg.head.nent = 1;
    assert_int_equal(kvm(KVM_GET_SUPPORTED_CPUID, (uint64_t)&cpuid_arg), -E2BIG);
    supported_cpuid();
    for (uint32_t i = 0; i < cpuid_arg.head.nent; i++) {
        const struct kvm_cpuid_entry2 *e = &cpuid_arg.entries[i];

        if (e->function == 1) {
            assert_false(e->ecx & (1u << 5)); /* no VMX */
            assert_true(e->ecx & (1u << 31));
        }
        if (e->function == 0x80000001)
            assert_false(e->ecx & (1u << 2)); /* no SVM */
    }
    r = regs();
    r.rax = 0xffffffff40000000ULL;
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    plan_set(2, &leaf, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->exit_reason, KVM_EXIT_SHUTDOWN);
    assert_int_equal(regs().rbx, 0x4b4d564b);
    assert_int_equal(regs().rip, r.rip + 2);
    end();
}

/* ---- ports ------------------------------------------------------------------------------------------ */

static void test_port_out_in(void **state)
{
    static const struct vm_exit out = {.reason = EXIT_PIO, .insn_len = 1, .pio = {.port = 0x3f8, .size = 1}};
    static const struct vm_exit in = {.reason = EXIT_PIO, .insn_len = 2,
                                      .pio = {.port = 0x510, .size = 2, .is_in = true}};
    struct kvm_regs r = {.rip = CODE, .rflags = 2, .rax = 0x1122334455667788ULL};
    uint8_t *data;

    (void)state;
    begin(false);
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    plan_set(3, &out, &in, &exit_halt);
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->exit_reason, KVM_EXIT_IO);
    assert_int_equal(run->io.direction, KVM_EXIT_IO_OUT);
    assert_int_equal(run->io.port, 0x3f8);
    assert_int_equal(run->io.size, 1);
    assert_int_equal(run->io.count, 1);
    assert_int_equal(run->io.data_offset, 4096);
    data = page_address(vcpu0->run_pages[1]);
    assert_int_equal(data[0], 0x88);
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->io.direction, KVM_EXIT_IO_IN);
    assert_int_equal(regs().rip, CODE + 1);
    data[0] = 0xcd;
    data[1] = 0xab;
    /* immediate_exit still completes what was pending. */
    run->immediate_exit = 1;
    assert_int_equal(run_once(), -EINTR);
    assert_int_equal(regs().rax, 0x112233445566abcdULL);
    assert_int_equal(regs().rip, CODE + 3);
    run->immediate_exit = 0;
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->exit_reason, KVM_EXIT_HLT);
    end();
}

/* No length from the CPU: the instruction is fetched and decoded. */
static void test_decoded_length(void **state)
{
    static const struct vm_exit leaf = {.reason = EXIT_CPUID};

    (void)state;
    begin(false);
    protected_mode();
    CODE_BYTES(0x66, 0x0f, 0xa2);
    plan_set(2, &leaf, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_int_equal(regs().rip, CODE + 3);
    end();
}

static void test_port_string(void **state)
{
    static const struct vm_exit outs = {.reason = EXIT_PIO,
                                        .pio = {.port = 0x80, .size = 2, .is_string = true, .has_rep = true}};
    static const struct vm_exit ins = {.reason = EXIT_PIO,
                                       .pio = {.port = 0x80, .size = 1, .is_in = true, .is_string = true}};
    struct kvm_regs r;
    uint8_t *data;

    (void)state;
    begin(true);
    protected_mode();
    CODE_BYTES(0x66, 0xf3, 0x6f, 0x6c); /* rep outsw; insb */
    for (unsigned i = 0; i < 8192; i++)
        ram[0x2f00 + i] = (uint8_t)i;
    r = regs();
    r.rsi = 0x2ff0;
    r.rdi = 0x2fff;
    r.rcx = 20;
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    plan_set(3, &outs, &outs, &ins);
    assert_int_equal(run_once(), 0);
    data = page_address(vcpu0->run_pages[1]);
    assert_int_equal(run->io.count, 8); /* to the end of the page */
    assert_int_equal(data[0], 0xf0);
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->io.count, 12);
    assert_int_equal(regs().rcx, 12);
    assert_int_equal(regs().rip, CODE);
    assert_int_equal(data[0], 0x00);
    assert_int_equal(run_once(), 0);
    assert_int_equal(regs().rcx, 0);
    assert_int_equal(regs().rsi, 0x2ff0 + 40);
    assert_int_equal(regs().rip, CODE + 3);
    assert_int_equal(run->io.direction, KVM_EXIT_IO_IN);
    data[0] = 0x5a;
    run->immediate_exit = 1;
    assert_int_equal(run_once(), -EINTR);
    assert_int_equal(ram[0x2fff], 0x5a);
    assert_int_equal(regs().rdi, 0x3000);
    assert_int_equal(regs().rip, CODE + 4);
    run->immediate_exit = 0;
    end();
}

/* A run of INS ends where a page ends, whatever the segment's base makes of the offset. */
static void test_port_string_base(void **state)
{
    static const struct vm_exit ins = {.reason = EXIT_PIO, .pio = {.port = 0x80, .size = 1, .is_in = true,
                                                                   .is_string = true, .has_rep = true}};
    struct kvm_sregs sregs;
    struct kvm_regs r;

    (void)state;
    begin(true);
    protected_mode();
    CODE_BYTES(0xf3, 0x6c); /* rep insb */
    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_SREGS, &sregs), 0);
    sregs.es.base = 0x2f00;
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_SREGS, &sregs), 0);
    r = regs();
    r.rdi = 0;
    r.rcx = 0x200;
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    plan_set(1, &ins);
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->exit_reason, KVM_EXIT_IO);
    assert_int_equal(run->io.count, 0x100);
    assert_int_equal(run_once(), 0);
    assert_int_equal(regs().rdi, 0x100);
    assert_int_equal(run->io.count, 0x100);
    end();
}

/* OUTS from a page that is not there: one page fault, not two that make a double fault. */
static void test_port_string_fault(void **state)
{
    static const struct vm_exit outs = {.reason = EXIT_PIO, .pio = {.port = 0x80, .size = 1, .is_string = true}};
    struct kvm_sregs sregs;
    struct kvm_regs r;

    (void)state;
    begin(true);
    protected_mode();
    CODE_BYTES(0x6e); /* outsb */
    *(uint32_t *)(ram + 0x10000) = 0x83; /* page directory: 4 MiB, present, writable */
    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_SREGS, &sregs), 0);
    sregs.cr3 = 0x10000;
    sregs.cr4 = 0x10;
    sregs.cr0 |= 0x80000000;
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_SREGS, &sregs), 0);
    r = regs();
    r.rsi = 0x400000;
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    plan_set(2, &outs, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_int_equal(injected.type, EVENT_FAULT);
    assert_int_equal(injected.vector, 14);
    assert_int_equal(regs().rip, CODE);
    end();
}

/* ---- memory ---------------------------------------------------------------------------------------------- */

static void test_ram_fault(void **state)
{
    static const struct vm_exit read = {.reason = EXIT_STAGE2_FAULT,
                                        .fault = {.gpa = 0x5678, .access = STAGE2_READ}};
    struct vm *vm;
    unsigned int access;
    uint64_t pa, size;

    (void)state;
    begin(true);
    vm = vcpu0->vm;
    plan_set(2, &read, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_true(stage2_lookup(&vm->s2, 0x5000, &pa, &access, &size));
    assert_ptr_equal(phys_to_virt(pa), ram + 0x5000);
    assert_true(access & STAGE2_WRITE);
    flushes = 0;
    fake_invalidate((uaddr_t)ram + 0x5000, (uaddr_t)ram + 0x6000);
    assert_false(stage2_lookup(&vm->s2, 0x5000, &pa, &access, &size));
    plan_set(1, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_int_equal(flushes, 1); /* this CPU, before it entered again */

    /* Large pages where both sides are aligned alike. */
    fake_set_block_order(9);
    plan_set(2, &read, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_true(stage2_lookup(&vm->s2, 0x5000, &pa, &access, &size));
    assert_int_equal(size, STAGE2_LARGE);
    assert_ptr_equal(phys_to_virt(pa), ram + 0x5000);
    assert_int_equal(set_slot(0, 0, 0, 0, 0), 0);
    assert_false(stage2_lookup(&vm->s2, 0x5000, &pa, &access, &size));
    /* ... and small ones out of a large page where they are not. */
    assert_int_equal(set_slot(0, 0x3000, 0x100000, 0, 0), 0);
    plan_set(2, &read, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_true(stage2_lookup(&vm->s2, 0x5000, &pa, &access, &size));
    assert_int_equal(size, STAGE2_PAGE);
    assert_ptr_equal(phys_to_virt(pa), ram + 0x2000);
    end();
}

static void test_dirty_log(void **state)
{
    static const struct vm_exit read = {.reason = EXIT_STAGE2_FAULT,
                                        .fault = {.gpa = 0x5678, .access = STAGE2_READ}};
    static const struct vm_exit write = {.reason = EXIT_STAGE2_FAULT,
                                         .fault = {.gpa = 0x7123, .access = STAGE2_WRITE}};
    uint64_t bitmap[RAM_PAGES / 64];
    struct kvm_dirty_log log = {.slot = 0, .dirty_bitmap = (uint64_t)bitmap};

    (void)state;
    begin(true);
    assert_int_equal(ioctl_fd(vm_fd, KVM_GET_DIRTY_LOG, &log), -ENOENT);
    assert_int_equal(set_slot(0, 0, RAM_PAGES * PAGE_SIZE, 0, KVM_MEM_LOG_DIRTY_PAGES), 0);
    plan_set(3, &read, &write, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_int_equal(ioctl_fd(vm_fd, KVM_GET_DIRTY_LOG, &log), 0);
    assert_int_equal(bitmap[0], 1 << 7);
    assert_int_equal(ioctl_fd(vm_fd, KVM_GET_DIRTY_LOG, &log), 0);
    assert_int_equal(bitmap[0], 0);
    plan_set(2, &write, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_int_equal(ioctl_fd(vm_fd, KVM_GET_DIRTY_LOG, &log), 0);
    assert_int_equal(bitmap[0], 1 << 7);
    end();
}

/* A log of more than one piece. */
static void test_large_dirty_log(void **state)
{
    static uint64_t bitmap[65536 / 64];
    const uint64_t gpa = 1ULL << 30, page = 40000;
    struct kvm_userspace_memory_region region = {
        .slot = 1, .flags = KVM_MEM_LOG_DIRTY_PAGES, .guest_phys_addr = gpa, .memory_size = 65536 * PAGE_SIZE,
        .userspace_addr = (uint64_t)ram - page * PAGE_SIZE};
    struct kvm_dirty_log log = {.slot = 1, .dirty_bitmap = (uint64_t)bitmap};

    (void)state;
    begin(true);
    assert_int_equal(ioctl_fd(vm_fd, KVM_SET_USER_MEMORY_REGION, &region), 0);
    assert_int_equal(guest_write(vcpu0->vm, gpa + page * PAGE_SIZE + 4090, "across the end", 14), 0);
    assert_memory_equal(ram + 4090, "across the end", 14);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(ioctl_fd(vm_fd, KVM_GET_DIRTY_LOG, &log), 0);
        for (unsigned i = 0; i < ARRAY_SIZE(bitmap); i++)
            assert_int_equal(bitmap[i], round == 0 && i == page / 64 ? 3ULL << page % 64 : 0);
    }
    end();
}

#define DEVICE 0xd0000010

static void test_mmio(void **state)
{
    static const struct vm_exit read = {.reason = EXIT_STAGE2_FAULT,
                                        .fault = {.gpa = DEVICE, .access = STAGE2_READ}};
    static const struct vm_exit write = {.reason = EXIT_STAGE2_FAULT,
                                         .fault = {.gpa = DEVICE, .access = STAGE2_WRITE}};
    struct kvm_regs r;

    (void)state;
    begin(true);
    protected_mode();
    /* mov eax, [DEVICE]; or byte [DEVICE], 0x80; mov [DEVICE], ax */
    CODE_BYTES(0xa1, 0x10, 0, 0, 0xd0, 0x80, 0x0d, 0x10, 0, 0, 0xd0, 0x80, 0x66, 0xa3, 0x10, 0, 0, 0xd0);
    plan_set(4, &read, &write, &write, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->exit_reason, KVM_EXIT_MMIO);
    assert_int_equal(run->mmio.phys_addr, DEVICE);
    assert_int_equal(run->mmio.len, 4);
    assert_int_equal(run->mmio.is_write, 0);
    memcpy(run->mmio.data, &(uint32_t){0xcafebabe}, 4);
    assert_int_equal(run_once(), 0); /* the OR begins with a read */
    assert_int_equal(regs().rax, 0xcafebabe);
    assert_int_equal(regs().rip, CODE + 5);
    assert_int_equal(run->mmio.len, 1);
    assert_int_equal(run->mmio.is_write, 0);
    run->mmio.data[0] = 0x12;
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->mmio.is_write, 1);
    assert_int_equal(run->mmio.data[0], 0x92);
    assert_int_equal(regs().rip, CODE + 5);
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->mmio.len, 2);
    assert_int_equal(run->mmio.data[0], 0xbe);
    assert_int_equal(run->mmio.data[1], 0xba);
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->exit_reason, KVM_EXIT_SHUTDOWN);
    assert_int_equal(regs().rip, CODE + 18);

    /* rep movsd from RAM to the device, an element an exit */
    protected_mode();
    CODE_BYTES(0xf3, 0xa5);
    r = regs();
    r.rcx = 2;
    r.rsi = 0x2000;
    r.rdi = DEVICE;
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    memcpy(ram + 0x2000, (uint32_t[]){11, 22}, 8);
    plan_set(3, &write, &write, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->mmio.data[0], 11);
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->mmio.data[0], 22);
    assert_int_equal(run->mmio.phys_addr, DEVICE + 4);
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->exit_reason, KVM_EXIT_SHUTDOWN);
    assert_int_equal(regs().rcx, 0);
    assert_int_equal(regs().rip, CODE + 2);

    /* Code that cannot be there. */
    protected_mode();
    r = regs();
    r.rip = 0xe0000000;
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    plan_set(1, &read);
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->exit_reason, KVM_EXIT_INTERNAL_ERROR);
    end();
}

static void test_rom(void **state)
{
    static const struct vm_exit write = {.reason = EXIT_STAGE2_FAULT,
                                         .fault = {.gpa = 0xf0000, .access = STAGE2_WRITE}};

    (void)state;
    begin(true);
    assert_int_equal(set_slot(0, 0, 0, 0, 0), 0);
    assert_int_equal(set_slot(0, 0, 0x10000, 0, 0), 0);
    assert_int_equal(set_slot(1, 0xf0000, 0x10000, 0x10000, KVM_MEM_READONLY), 0);
    protected_mode();
    CODE_BYTES(0xc6, 0x05, 0, 0, 0x0f, 0, 7); /* mov byte [0xf0000], 7 */
    ram[0x10000] = 99;
    plan_set(2, &write, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->exit_reason, KVM_EXIT_MMIO);
    assert_int_equal(run->mmio.phys_addr, 0xf0000);
    assert_int_equal(run->mmio.is_write, 1);
    assert_int_equal(run_once(), 0);
    assert_int_equal(ram[0x10000], 99);
    end();
}

/* ---- interrupts ---------------------------------------------------------------------------------------------- */

static uint8_t taken[32]; /* vectors as they were injected */
static unsigned taken_count;

static void note_injected(void)
{
    if (injected.type == EVENT_INTR)
        taken[taken_count++ % 32] = injected.vector;
}

static long irq_line(uint32_t irq, uint32_t level)
{
    struct kvm_irq_level arg = {.irq = irq, .level = level};

    return ioctl_fd(vm_fd, KVM_IRQ_LINE, &arg);
}

static bool sleep_line_4(void)
{
    irq_line(4, 1);
    irq_line(4, 0);
    return true;
}

static void program_pic(void)
{
    static const struct {
        uint16_t port;
        uint8_t value;
    } writes[] = {{0x20, 0x11}, {0x21, 0x30}, {0x21, 4}, {0x21, 1}, {0xa0, 0x11}, {0xa1, 0x38},
                  {0xa1, 2}, {0xa1, 1}, {0x21, 0}, {0xa1, 0}};

    for (unsigned i = 0; i < ARRAY_SIZE(writes); i++) {
        uint32_t value = writes[i].value;

        assert_true(irq_pio(vcpu0->vm, writes[i].port, 1, false, &value));
    }
}

static enum exit_reason script_halt_until_taken(struct vcpu *vcpu, struct vm_exit *e)
{
    (void)vcpu;
    note_injected();
    e->insn_len = 1;
    return taken_count > 0 ? EXIT_SHUTDOWN : EXIT_HLT;
}

/* HLT sleeps; a line through PIC and LINT0 wakes it. */
static void test_pic_wakes_halt(void **state)
{
    struct kvm_regs r = {.rip = CODE, .rflags = 0x202};

    (void)state;
    begin(true);
    program_pic();
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    taken_count = 0;
    script = script_halt_until_taken;
    fake_on_sleep = sleep_line_4;
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->exit_reason, KVM_EXIT_SHUTDOWN);
    assert_int_equal(taken_count, 1);
    assert_int_equal(taken[0], 0x34);
    end();
}

static bool sleep_time(void)
{
    fake_now_ns += 1000000;
    fake_tsc += 1000000;
    fake_run_timers();
    return true;
}

static void lapic_write(unsigned offset, uint32_t value)
{
    uint64_t v = value;

    assert_true(irq_mmio(vcpu0, APIC_DEFAULT_BASE + offset, 4, true, &v));
}

static void test_lapic_timer_wakes_halt(void **state)
{
    struct kvm_regs r = {.rip = CODE, .rflags = 0x202};

    (void)state;
    begin(true);
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    lapic_write(APIC_SVR, 0x1ff);
    lapic_write(APIC_TDCR, 0xb);
    lapic_write(APIC_LVT_TIMER, 0x50);
    lapic_write(APIC_TMICT, 5000000);
    taken_count = 0;
    script = script_halt_until_taken;
    fake_on_sleep = sleep_time;
    assert_int_equal(run_once(), 0);
    assert_int_equal(taken[0], 0x50);
    /* TSC deadline, by the MSR */
    lapic_write(APIC_EOI, 0);
    lapic_write(APIC_LVT_TIMER, APIC_TIMER_DEADLINE | 0x51);
    vcpu0->is_running = true;
    assert_int_equal(msr_write(vcpu0, MSR_TSC_DEADLINE, guest_tsc(vcpu0) + 3500000), 0);
    vcpu0->is_running = false;
    taken_count = 0;
    assert_int_equal(run_once(), 0);
    assert_int_equal(taken[0], 0x51);
    end();
}

static void test_pit_ticks(void **state)
{
    struct kvm_regs r = {.rip = CODE, .rflags = 0x202};
    uint32_t value;

    (void)state;
    begin(true);
    program_pic();
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    value = 0x34;
    assert_true(irq_pio(vcpu0->vm, 0x43, 1, false, &value));
    value = 0;
    assert_true(irq_pio(vcpu0->vm, 0x40, 1, false, &value));
    assert_true(irq_pio(vcpu0->vm, 0x40, 1, false, &value));
    taken_count = 0;
    script = script_halt_until_taken;
    fake_on_sleep = sleep_time;
    assert_int_equal(run_once(), 0);
    assert_int_equal(taken[0], 0x30);
    end();
}

static enum exit_reason script_window(struct vcpu *vcpu, struct vm_exit *e)
{
    (void)e;
    note_injected();
    if (taken_count > 0)
        return EXIT_SHUTDOWN;
    assert_true(vcpu->want_irq_window);
    vcpu->regs.rflags |= EFLAGS_IF; /* STI, and its shadow is over */
    return EXIT_IRQ_WINDOW;
}

static void test_window(void **state)
{
    struct kvm_regs r = {.rip = CODE, .rflags = 2};
    struct kvm_msi msi = {.address_lo = 0xfee00000, .data = 0x61};

    (void)state;
    begin(true);
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    assert_int_equal(ioctl_fd(vm_fd, KVM_SIGNAL_MSI, &msi), 0); /* the APIC is still off */
    lapic_write(APIC_SVR, 0x1ff);
    assert_int_equal(ioctl_fd(vm_fd, KVM_SIGNAL_MSI, &msi), 1);
    taken_count = 0;
    script = script_window;
    assert_int_equal(run_once(), 0);
    assert_int_equal(taken[0], 0x61);
    end();
}

static enum exit_reason script_nmi(struct vcpu *vcpu, struct vm_exit *e)
{
    static unsigned step;

    (void)e;
    switch (step++) {
    case 0:
        assert_int_equal(injected.type, EVENT_NMI);
        vcpu->nmi_blocked = true;
        vcpu->nmi_pending = true; /* a second one meanwhile */
        vcpu_note(vcpu, REQ_EVENT);
        return EXIT_INTR;
    case 1:
        assert_int_equal(injected.type, EVENT_NONE);
        assert_true(vcpu->want_nmi_window);
        vcpu->nmi_blocked = false;
        return EXIT_NMI_WINDOW;
    default:
        assert_int_equal(injected.type, EVENT_NMI);
        return EXIT_SHUTDOWN;
    }
}

static void test_nmi(void **state)
{
    (void)state;
    begin(true);
    assert_int_equal(ioctl_fd(cpu_fd, KVM_NMI, NULL), 0);
    script = script_nmi;
    assert_int_equal(run_once(), 0);
    end();
}

/* Without an irqchip ring 3 injects, and asks when it may. */
static void test_user_irq(void **state)
{
    struct kvm_regs r = {.rip = CODE, .rflags = 0x202};
    struct kvm_interrupt irq = {.irq = 0x44};

    (void)state;
    begin(false);
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    run->request_interrupt_window = 1;
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->exit_reason, KVM_EXIT_IRQ_WINDOW_OPEN);
    assert_int_equal(run->ready_for_interrupt_injection, 1);
    assert_int_equal(ioctl_fd(cpu_fd, KVM_INTERRUPT, &irq), 0);
    assert_int_equal(ioctl_fd(cpu_fd, KVM_INTERRUPT, &irq), -EEXIST);
    run->request_interrupt_window = 0;
    taken_count = 0;
    script = script_halt_until_taken;
    assert_int_equal(run_once(), 0);
    assert_int_equal(taken[0], 0x44);
    end();
}

static enum exit_reason script_signal(struct vcpu *vcpu, struct vm_exit *e)
{
    (void)vcpu;
    (void)e;
    thread_set_work(&fake_thread, WORK_SIGNAL);
    return EXIT_INTR;
}

static bool sleep_signal(void)
{
    return false;
}

static void test_signals(void **state)
{
    struct kvm_regs r = {.rip = CODE, .rflags = 2};

    (void)state;
    begin(true);
    script = script_signal;
    entries = 0;
    assert_int_equal(run_once(), -EINTR);
    assert_int_equal(run->exit_reason, KVM_EXIT_INTR);
    assert_int_equal(run_once(), -EINTR);
    assert_int_equal(entries, 1); /* pending already: not entered */
    thread_clear_work(&fake_thread, WORK_SIGNAL);
    /* cli; hlt: nothing but a signal ends it */
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    plan_set(1, &exit_halt);
    fake_on_sleep = sleep_signal;
    assert_int_equal(run_once(), -EINTR);
    assert_int_equal(run->exit_reason, KVM_EXIT_INTR);
    end();
}

static int ap_fd;
static unsigned ap_step;

static bool sleep_start_ap(void)
{
    struct kvm_msi msi = {.address_lo = 0xfee01000, .data = ap_step == 0 ? 0x4500 : 0x4600 | 0x9a};

    ap_step++;
    assert_true(ioctl_fd(vm_fd, KVM_SIGNAL_MSI, &msi) >= 0);
    return true;
}

static void test_start_ap(void **state)
{
    struct kvm_sregs sregs;

    (void)state;
    begin(true);
    ap_fd = (int)ioctl_fd(vm_fd, KVM_CREATE_VCPU, (void *)1);
    ap_step = 0;
    fake_on_sleep = sleep_start_ap;
    plan_set(1, &exit_triple);
    assert_int_equal(ioctl_fd(ap_fd, KVM_RUN, NULL), -EAGAIN); /* it was uninitialized: INIT came */
    assert_int_equal(ioctl_fd(ap_fd, KVM_RUN, NULL), 0);       /* SIPI came, and it ran */
    assert_int_equal(ioctl_fd(ap_fd, KVM_GET_SREGS, &sregs), 0);
    assert_int_equal(sregs.cs.base, 0x9a000);
    assert_int_equal(sregs.cs.selector, 0x9a00);
    close_fd(ap_fd);
    end();
}

/* ---- eventfds ---------------------------------------------------------------------------------------------------- */

static void test_eventfds(void **state)
{
    static const struct vm_exit out = {.reason = EXIT_PIO, .insn_len = 1, .pio = {.port = 0x600, .size = 2}};
    struct kvm_regs r = {.rip = CODE, .rflags = 0x202, .rax = 7};
    int bell = fake_eventfd(), line = fake_eventfd(), resample = fake_eventfd();
    struct kvm_ioeventfd io = {.datamatch = 7, .addr = 0x600, .len = 2, .fd = bell,
                               .flags = KVM_IOEVENTFD_FLAG_PIO | KVM_IOEVENTFD_FLAG_DATAMATCH};
    struct kvm_irqfd irq = {.fd = (uint32_t)line, .gsi = 10};
    uint64_t v;

    (void)state;
    begin(true);
    assert_int_equal(ioctl_fd(vm_fd, KVM_IOEVENTFD, &io), 0);
    assert_int_equal(ioctl_fd(vm_fd, KVM_IOEVENTFD, &io), -EEXIST);
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    plan_set(2, &out, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->exit_reason, KVM_EXIT_SHUTDOWN);
    assert_int_equal(fake_eventfd_count(bell), 1);
    r.rax = 8; /* another value goes to ring 3 */
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    plan_set(1, &out);
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->exit_reason, KVM_EXIT_IO);
    io.flags |= KVM_IOEVENTFD_FLAG_DEASSIGN;
    assert_int_equal(ioctl_fd(vm_fd, KVM_IOEVENTFD, &io), 0);
    assert_int_equal(ioctl_fd(vm_fd, KVM_IOEVENTFD, &io), -ENOENT);
    io.fd = vm_fd;
    assert_int_equal(ioctl_fd(vm_fd, KVM_IOEVENTFD, &io), -EINVAL);

    /* A level interrupt by irqfd: up until the EOI, then the resample eventfd says so. */
    irq.flags = KVM_IRQFD_FLAG_RESAMPLE;
    irq.resamplefd = (uint32_t)resample;
    lapic_write(APIC_SVR, 0x1ff);
    lapic_write(APIC_LVT_LINT0, APIC_LVT_MASKED); /* the PIC hears of GSI 10 too */
    v = 0x10 + 2 * 10;
    assert_true(irq_mmio(vcpu0, IOAPIC_BASE, 4, true, &v));
    v = 0x8000 | 0x71;
    assert_true(irq_mmio(vcpu0, IOAPIC_BASE + 0x10, 4, true, &v));
    assert_int_equal(ioctl_fd(vm_fd, KVM_IRQFD, &irq), 0);
    assert_int_equal(ioctl_fd(vm_fd, KVM_IRQFD, &irq), -EBUSY);
    eventfd_signal(eventfd_from_file(fake_files[line]), 1);
    assert_int_equal(irq_take(vcpu0), 0x71);
    assert_int_equal(fake_eventfd_count(resample), 0);
    lapic_write(APIC_EOI, 0);
    assert_int_equal(fake_eventfd_count(resample), 1);
    assert_int_equal(irq_take(vcpu0), -1);
    irq.flags = KVM_IRQFD_FLAG_DEASSIGN;
    assert_int_equal(ioctl_fd(vm_fd, KVM_IRQFD, &irq), 0);

    /* The resample eventfd is another irqfd's own: no lock is taken twice. */
    irq = (struct kvm_irqfd){.fd = (uint32_t)line, .gsi = 10, .flags = KVM_IRQFD_FLAG_RESAMPLE,
                             .resamplefd = (uint32_t)line};
    assert_int_equal(ioctl_fd(vm_fd, KVM_IRQFD, &irq), 0);
    eventfd_signal(eventfd_from_file(fake_files[line]), 1);
    assert_int_equal(irq_take(vcpu0), 0x71);
    lapic_write(APIC_EOI, 0);
    assert_int_equal(irq_take(vcpu0), 0x71);
    end();
    close_fd(bell);
    close_fd(line);
    close_fd(resample);
}

/* With the PICs the acknowledge is theirs. */
static void test_resample_by_pic(void **state)
{
    int line = fake_eventfd(), resample = fake_eventfd();
    struct kvm_irqfd irq = {.fd = (uint32_t)line, .gsi = 5, .flags = KVM_IRQFD_FLAG_RESAMPLE,
                            .resamplefd = (uint32_t)resample};
    uint32_t value = 0x20;

    (void)state;
    begin(true);
    program_pic();
    value = 1 << 5;
    assert_true(irq_pio(vcpu0->vm, 0x4d0, 1, false, &value)); /* level */
    assert_int_equal(ioctl_fd(vm_fd, KVM_IRQFD, &irq), 0);
    eventfd_signal(eventfd_from_file(fake_files[line]), 1);
    assert_int_equal(fake_eventfd_count(line), 0); /* consumed */
    assert_int_equal(irq_take(vcpu0), 0x35);
    assert_int_equal(fake_eventfd_count(resample), 0);
    value = 0x20; /* end of interrupt */
    assert_true(irq_pio(vcpu0->vm, 0x20, 1, false, &value));
    assert_int_equal(fake_eventfd_count(resample), 1);
    assert_int_equal(irq_take(vcpu0), -1);
    end();
    close_fd(line);
    close_fd(resample);
}

/* A message that no APIC takes is not waited for: the pin works again when one does. */
static void test_ioapic_without_taker(void **state)
{
    uint64_t v;

    (void)state;
    begin(true);
    lapic_write(APIC_LVT_LINT0, APIC_LVT_MASKED);
    lapic_write(APIC_SVR, 0xff); /* software-disabled */
    v = 0x10 + 2 * 10;
    assert_true(irq_mmio(vcpu0, IOAPIC_BASE, 4, true, &v));
    v = 0x8000 | 0x71;
    assert_true(irq_mmio(vcpu0, IOAPIC_BASE + 0x10, 4, true, &v));
    irq_line(10, 1);
    assert_true(irq_mmio(vcpu0, IOAPIC_BASE + 0x10, 4, false, &v));
    assert_int_equal(v & 0x4000, 0);
    lapic_write(APIC_SVR, 0x1ff);
    v = 0x8000 | 0x71;
    assert_true(irq_mmio(vcpu0, IOAPIC_BASE + 0x10, 4, true, &v));
    assert_int_equal(irq_take(vcpu0), 0x71);
    end();
}

static void test_routes(void **state)
{
    static struct {
        struct kvm_irq_routing head;
        struct kvm_irq_routing_entry entries[3];
    } table;
    struct kvm_irq_routing_entry chip = {.gsi = 3, .type = KVM_IRQ_ROUTING_IRQCHIP, .u.irqchip = {.irqchip = 2, .pin = 3}};
    struct kvm_irq_routing_entry msi = {.gsi = 3, .type = KVM_IRQ_ROUTING_MSI, .u.msi = {.address_lo = 0xfee00000, .data = 0x61}};

    (void)state;
    begin(true);
    table.head.nr = 2;
    table.entries[0] = table.entries[1] = chip;
    assert_int_equal(ioctl_fd(vm_fd, KVM_SET_GSI_ROUTING, &table), -EINVAL);
    table.entries[1].u.irqchip.irqchip = 0;
    assert_int_equal(ioctl_fd(vm_fd, KVM_SET_GSI_ROUTING, &table), 0);
    table.entries[1] = msi;
    assert_int_equal(ioctl_fd(vm_fd, KVM_SET_GSI_ROUTING, &table), -EINVAL);
    table.entries[0] = msi;
    assert_int_equal(ioctl_fd(vm_fd, KVM_SET_GSI_ROUTING, &table), -EINVAL);
    table.entries[0].gsi = 4;
    assert_int_equal(ioctl_fd(vm_fd, KVM_SET_GSI_ROUTING, &table), 0);
    end();
}

/* ---- control registers ---------------------------------------------------------------------------------------------- */

static void test_control_registers(void **state)
{
    static const struct vm_exit unknown = {.reason = EXIT_CR, .cr = {.access = CR_UNKNOWN}};
    static const struct vm_exit wrmsr = {.reason = EXIT_WRMSR, .insn_len = 2};
    struct kvm_sregs sregs;
    struct kvm_regs r;

    (void)state;
    begin(true);
    supported_cpuid();
    protected_mode();
    CODE_BYTES(0x0f, 0x22, 0xe6, 0x0f, 0x30, 0x0f, 0x22, 0xc3, 0x0f, 0x20, 0xc1);
    /* mov cr4, esi; wrmsr; mov cr0, ebx; mov ecx, cr0 */
    r = regs();
    r.rsi = CR4_PAE;
    r.rax = EFER_LME;
    r.rcx = MSR_EFER;
    r.rdx = 0;
    r.rbx = 0x80000011;
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    plan_set(5, &unknown, &wrmsr, &unknown, &unknown, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_int_equal(run->exit_reason, KVM_EXIT_SHUTDOWN);
    ioctl_fd(cpu_fd, KVM_GET_SREGS, &sregs);
    assert_int_equal(sregs.cr4, CR4_PAE);
    assert_int_equal(sregs.efer, EFER_LME | EFER_LMA);
    /* Long mode: LMA came with PG. The page tables at 0 are empty, so the last fetch faulted. */
    r = regs();
    assert_int_equal(r.rip, CODE + 8);
    assert_int_equal(injected.type, EVENT_FAULT);
    assert_int_equal(injected.vector, 14);
    end();
}

static void test_bad_values_fault(void **state)
{
    static const struct vm_exit cr4 = {.reason = EXIT_CR, .insn_len = 3, .cr = {.access = CR_MOV_TO, .cr = 4, .gpr = 0}};
    static const struct vm_exit msr = {.reason = EXIT_WRMSR, .insn_len = 2};
    static const struct vm_exit xcr = {.reason = EXIT_XSETBV, .insn_len = 3};
    const struct vm_exit *const exits[] = {&cr4, &msr, &xcr};
    struct kvm_regs r;

    (void)state;
    begin(true);
    supported_cpuid();
    for (unsigned i = 0; i < ARRAY_SIZE(exits); i++) {
        protected_mode();
        r = regs();
        r.rax = 1ULL << 13;
        r.rcx = 0x12345;
        ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
        plan_set(2, exits[i], &exit_triple);
        assert_int_equal(run_once(), 0);
        assert_int_equal(injected.type, EVENT_FAULT);
        assert_int_equal(injected.vector, 13);
        assert_true(injected.has_error);
        assert_int_equal(regs().rip, CODE);
    }
    end();
}

/* TSC_AUX is the guest's while the guest is on the CPU, the host's otherwise. */
static void test_tsc_aux(void **state)
{
    static const struct vm_exit wrmsr = {.reason = EXIT_WRMSR, .insn_len = 2};
    struct {
        struct kvm_msrs head;
        struct kvm_msr_entry entry;
    } msr = {.head.nmsrs = 1, .entry = {.index = MSR_TSC_AUX, .data = 0x77}};
    struct kvm_regs r = {.rip = CODE, .rflags = 2, .rcx = MSR_TSC_AUX, .rax = 0x88};

    (void)state;
    begin(true);
    fake_tsc_aux = fake_cpu.number;
    assert_int_equal(ioctl_fd(cpu_fd, KVM_SET_MSRS, &msr), 1);
    assert_int_equal(fake_tsc_aux, fake_cpu.number);
    plan_set(1, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_int_equal(aux_in_guest, 0x77);
    assert_int_equal(fake_tsc_aux, fake_cpu.number);

    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    plan_set(2, &wrmsr, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_int_equal(aux_in_guest, 0x88);
    assert_int_equal(fake_tsc_aux, fake_cpu.number);
    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_MSRS, &msr), 1);
    assert_int_equal(msr.entry.data, 0x88);
    end();
}

static void test_kvmclock(void **state)
{
    static const struct vm_exit wrmsr = {.reason = EXIT_WRMSR, .insn_len = 2};
    struct pvclock_vcpu_time_info *info = (void *)(ram + 0x3000);
    struct kvm_regs r = {.rip = CODE, .rflags = 2, .rcx = MSR_KVM_SYSTEM_TIME_NEW, .rax = 0x3001};
    struct kvm_clock_data clock = {.clock = 5000000000ULL};

    (void)state;
    begin(true);
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    plan_set(2, &wrmsr, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_int_equal(info->version & 1, 0);
    assert_true(info->version != 0);
    assert_int_equal(info->flags, PVCLOCK_TSC_STABLE_BIT);
    assert_int_equal(info->system_time, kvmclock_now(vcpu0->vm));
    assert_int_equal(info->tsc_timestamp, guest_tsc(vcpu0));
    assert_int_equal(ioctl_fd(vm_fd, KVM_SET_CLOCK, &clock), 0);
    plan_set(1, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_int_equal(info->system_time, 5000000000ULL);
    end();
}

static long set_msr(uint32_t index, uint64_t value)
{
    msr_arg.head.nmsrs = 1;
    msr_arg.entries[0] = (struct kvm_msr_entry){.index = index, .data = value};
    return ioctl_fd(cpu_fd, KVM_SET_MSRS, &msr_arg);
}

static uint64_t get_msr(uint32_t index)
{
    msr_arg.head.nmsrs = 1;
    msr_arg.entries[0] = (struct kvm_msr_entry){.index = index};
    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_MSRS, &msr_arg), 1);
    return msr_arg.entries[0].data;
}

/* All pages are the same line, however much later one is written. */
static void test_kvmclock_pages_agree(void **state)
{
    static const struct vm_exit wrmsr = {.reason = EXIT_WRMSR, .insn_len = 2};
    struct pvclock_vcpu_time_info *info = (void *)(ram + 0x3000), first;
    struct kvm_regs r = {.rip = CODE, .rflags = 2, .rcx = MSR_KVM_SYSTEM_TIME_NEW, .rax = 0x3001};

    (void)state;
    begin(true);
    for (int round = 0; round < 2; round++) {
        ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
        plan_set(2, &wrmsr, &exit_triple);
        assert_int_equal(run_once(), 0);
        if (round == 0)
            first = *info;
        fake_now_ns += 123456789; /* the clocks do not agree to the last tick */
        fake_tsc += 123456700;
    }
    assert_int_equal(info->tsc_timestamp, first.tsc_timestamp);
    assert_int_equal(info->system_time, first.system_time);
    end();
}

/* Ring 3 restores both in any order; the guest's own writes move each other. */
static void test_tsc_adjust(void **state)
{
    static const struct vm_exit wrmsr = {.reason = EXIT_WRMSR, .insn_len = 2};
    struct kvm_regs r = {.rip = CODE, .rflags = 2, .rcx = MSR_TSC, .rax = 5000};

    (void)state;
    begin(true);
    for (int order = 0; order < 2; order++) {
        assert_int_equal(order ? set_msr(MSR_TSC_ADJUST, 77) : set_msr(MSR_TSC, 123456), 1);
        assert_int_equal(order ? set_msr(MSR_TSC, 123456) : set_msr(MSR_TSC_ADJUST, 77), 1);
        assert_int_equal(get_msr(MSR_TSC), 123456);
        assert_int_equal(get_msr(MSR_TSC_ADJUST), 77);
    }
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    plan_set(2, &wrmsr, &exit_triple);
    assert_int_equal(run_once(), 0);
    assert_int_equal(get_msr(MSR_TSC), 5000);
    assert_int_equal(get_msr(MSR_TSC_ADJUST), 77 + 5000 - 123456);
    end();
}

/* A deadline beyond what the host's clock can say is not one in the past: that would fire for ever. */
static void test_far_deadline(void **state)
{
    static const uint64_t deadlines[] = {UINT64_MAX, UINT64_MAX - 1000000, 1ULL << 63, 1ULL << 60};

    (void)state;
    begin(true);
    lapic_write(APIC_SVR, 0x1ff);
    lapic_write(APIC_LVT_TIMER, APIC_TIMER_DEADLINE | 0x51);
    for (unsigned i = 0; i < ARRAY_SIZE(deadlines); i++) {
        vcpu0->lapic_timer.deadline_ns = 0;
        assert_int_equal(set_msr(MSR_TSC_DEADLINE, deadlines[i]), 1);
        assert_true(vcpu0->lapic_timer.deadline_ns > fake_now_ns + NSEC_PER_SEC);
    }
    end();
}

/* ---- single steps ----------------------------------------------------------------------------------------------- */

static enum exit_reason script_step(struct vcpu *vcpu, struct vm_exit *e)
{
    (void)vcpu;
    e->insn_len = 2;
    return entries == 1 ? EXIT_CPUID : EXIT_SHUTDOWN;
}

/* A guest that steps through its code stops after an instruction that is emulated, too. */
static void test_single_step(void **state)
{
    struct kvm_regs r = {.rip = CODE, .rflags = 0x102};
    struct kvm_debugregs debug;

    (void)state;
    begin(true);
    supported_cpuid();
    ioctl_fd(cpu_fd, KVM_SET_REGS, &r);
    entries = 0;
    script = script_step;
    assert_int_equal(run_once(), 0);
    assert_int_equal(injected.type, EVENT_FAULT);
    assert_int_equal(injected.vector, 1);
    assert_int_equal(regs().rip, CODE + 2);
    assert_int_equal(ioctl_fd(cpu_fd, KVM_GET_DEBUGREGS, &debug), 0);
    assert_true(debug.dr6 & 1 << 14);
    end();
}

/* ---- noise -------------------------------------------------------------------------------------------------------------- */

static uint64_t rng = 0x2545f4914f6cdd1dULL;

static uint64_t next_random(void)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return rng;
}

static unsigned noise_left;

/* Any exit a back end may report, with any content, over random code and registers. */
static enum exit_reason script_noise(struct vcpu *vcpu, struct vm_exit *e)
{
    enum exit_reason reason = (enum exit_reason)(next_random() % EXIT_REASONS);

    if (noise_left-- == 0) {
        thread_set_work(&fake_thread, WORK_SIGNAL);
        return EXIT_INTR;
    }
    for (unsigned i = 0; i < GPR_COUNT; i++) {
        if (next_random() % 4 == 0)
            vcpu->regs.gpr[i] = next_random() >> (next_random() % 64);
    }
    vcpu->regs.rip = next_random() % 4 ? next_random() % (RAM_PAGES * PAGE_SIZE) : next_random();
    vcpu->regs.rflags = (next_random() & 0x3f7fd5) | 2;
    e->insn_len = (uint8_t)(next_random() % 4);
    switch (reason) {
    case EXIT_PIO:
        e->pio.port = (uint16_t)(next_random() % 2 ? next_random() : 0x20 + next_random() % 0x45);
        e->pio.size = (uint8_t)(1 << next_random() % 3);
        e->pio.is_in = next_random() & 1;
        e->pio.is_string = next_random() % 3 == 0;
        break;
    case EXIT_STAGE2_FAULT:
        e->fault.gpa = next_random() % 3 == 0   ? APIC_DEFAULT_BASE + next_random() % 0x1000
                       : next_random() % 3 == 0 ? IOAPIC_BASE + next_random() % 0x20
                                                : next_random() >> (next_random() % 40 + 16);
        e->fault.access = (uint8_t)(next_random() % 8);
        e->fault.insn_bytes = next_random() % 2 ? 15 : 0;
        for (unsigned i = 0; i < 15; i++)
            e->fault.insn[i] = (uint8_t)next_random();
        break;
    case EXIT_CR:
        e->cr.access = (uint8_t)(next_random() % 6);
        e->cr.cr = (uint8_t)(next_random() % 16);
        e->cr.gpr = (uint8_t)(next_random() % 16);
        break;
    case EXIT_DR:
        e->dr.is_known = next_random() & 1;
        e->dr.dr = (uint8_t)(next_random() % 16);
        e->dr.gpr = (uint8_t)(next_random() % 16);
        break;
    case EXIT_RDMSR:
    case EXIT_WRMSR:
        vcpu->regs.gpr[GPR_RCX] = next_random() % 4 == 0 ? 0x800 + next_random() % 0x40
                                  : next_random() % 3    ? next_random() % 0x800
                                                         : 0xc0000080 + next_random() % 0x20;
        break;
    case EXIT_EXCEPTION:
        e->exception.vector = (uint8_t)(next_random() % 32);
        break;
    default:
        break;
    }
    if (vcpu->dr7 & 0xff) /* the host test may not load debug registers */
        vcpu->dr7 = 0x400;
    return reason;
}

static bool sleep_noise(void)
{
    fake_now_ns += next_random() % 10000000;
    fake_tsc += next_random() % 10000000;
    fake_run_timers();
    if (next_random() % 4 == 0)
        return false;
    irq_line((uint32_t)(next_random() % 24), (uint32_t)(next_random() & 1));
    return true;
}

static void noise_ioctls(void)
{
    static const unsigned cmds[] = {
        KVM_SET_REGS, KVM_SET_SREGS, KVM_SET_SREGS2, KVM_SET_FPU, KVM_SET_XSAVE, KVM_SET_XCRS,
        KVM_SET_DEBUGREGS, KVM_SET_VCPU_EVENTS, KVM_SET_LAPIC, KVM_GET_SREGS, KVM_GET_LAPIC,
        KVM_GET_VCPU_EVENTS, KVM_TRANSLATE, KVM_GET_XSAVE, KVM_GET_FPU, KVM_X86_SETUP_MCE, KVM_NMI,
    };
    static const unsigned vm_cmds[] = {KVM_SET_IRQCHIP, KVM_GET_IRQCHIP, KVM_SET_PIT2, KVM_GET_PIT2,
                                       KVM_SIGNAL_MSI, KVM_IRQ_LINE_STATUS, KVM_GET_CLOCK};
    static uint64_t buf[520];
    unsigned density = 1 + next_random() % 8;

    for (unsigned i = 0; i < ARRAY_SIZE(buf); i++)
        buf[i] = next_random() % density == 0 ? next_random() >> (next_random() % 64) : 0;
    (void)ioctl_fd(cpu_fd, cmds[next_random() % ARRAY_SIZE(cmds)], buf);
    if (vcpu0->dr7 & 0xff)
        vcpu0->dr7 = 0x400;
    ((uint32_t *)buf)[0] %= 4;
    (void)ioctl_fd(vm_fd, vm_cmds[next_random() % ARRAY_SIZE(vm_cmds)], buf);
    if (next_random() % 16 == 0) {
        struct kvm_mp_state mp = {.mp_state = KVM_MP_STATE_RUNNABLE};

        (void)ioctl_fd(cpu_fd, KVM_SET_MP_STATE, &mp);
    }
}

static void test_noise(void **state)
{
    (void)state;
    for (unsigned vm_number = 0; vm_number < 40; vm_number++) {
        begin(next_random() % 4 != 0);
        supported_cpuid();
        for (unsigned i = 0; i < RAM_PAGES * PAGE_SIZE / 8; i++)
            ((uint64_t *)(void *)ram)[i] = next_random() & (next_random() % 3 ? ~0ULL : 0xff7);
        script = script_noise;
        fake_on_sleep = sleep_noise;
        for (unsigned i = 0; i < 400; i++) {
            noise_ioctls();
            for (unsigned j = 0; j < 64; j++)
                ((uint64_t *)(void *)run)[next_random() % 294] = next_random();
            run->kvm_valid_regs = run->kvm_dirty_regs = 0;
            run->immediate_exit = next_random() % 8 == 0;
            noise_left = 50;
            (void)run_once();
            thread_clear_work(&fake_thread, WORK_SIGNAL);
        }
        end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life),          cmocka_unit_test(test_slots),
        cmocka_unit_test(test_state),         cmocka_unit_test(test_msrs),
        cmocka_unit_test(test_cpuid),         cmocka_unit_test(test_port_out_in),
        cmocka_unit_test(test_decoded_length), cmocka_unit_test(test_port_string),
        cmocka_unit_test(test_ram_fault),     cmocka_unit_test(test_dirty_log),
        cmocka_unit_test(test_mmio),          cmocka_unit_test(test_rom),
        cmocka_unit_test(test_pic_wakes_halt), cmocka_unit_test(test_lapic_timer_wakes_halt),
        cmocka_unit_test(test_pit_ticks),     cmocka_unit_test(test_window),
        cmocka_unit_test(test_nmi),           cmocka_unit_test(test_user_irq),
        cmocka_unit_test(test_signals),       cmocka_unit_test(test_start_ap),
        cmocka_unit_test(test_eventfds),      cmocka_unit_test(test_control_registers),
        cmocka_unit_test(test_bad_values_fault), cmocka_unit_test(test_kvmclock),
        cmocka_unit_test(test_tsc_aux),       cmocka_unit_test(test_kvmclock_pages_agree),
        cmocka_unit_test(test_tsc_adjust),    cmocka_unit_test(test_far_deadline),
        cmocka_unit_test(test_single_step),   cmocka_unit_test(test_port_string_base),
        cmocka_unit_test(test_port_string_fault), cmocka_unit_test(test_large_dirty_log),
        cmocka_unit_test(test_resample_by_pic), cmocka_unit_test(test_ioapic_without_taker),
        cmocka_unit_test(test_routes),        cmocka_unit_test(test_noise),
    };

    fake_services_init();
    ram = (uint8_t *)fake_user_memory(RAM_PAGES);
    hv_init();
    return cmocka_run_group_tests_name("hv", tests, NULL, NULL);
}
