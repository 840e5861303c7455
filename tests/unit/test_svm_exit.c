/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exits of SVM, on CPUs that tell the next RIP and decode instructions and on those that do
 * not: what happens to the guest must be the same. The emulators have neither of the two, so
 * this is where the first kind is tested.
 *
 * hv's generic part and svm/exit.c and events.c are the real ones; the world switch is a VMCB
 * filled in by the test. What a CPU does not tell is filled with garbage.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hv_fake/backend.h"
#include "hv_fake/services.h"
#include "hv/msr.h"
#include "hv/svm/svm.h"

int printf(const char *fmt, ...);

#define GARBAGE   0xa5a5a5a5a5a5a5a5ULL
#define CODE      0x1000
#define TABLES    0x4000 /* PML4, PDPT, PD: 1 GiB one to one */
#define OPERAND   0x8000
#define RAM_PAGES 512
#define DEVICE    0x10000000ULL

enum { NEXT_RIP = 1, DECODES = 2, ALL_FEATURES = 4 }; /* combinations of the two are below this */

struct svm_features svm_features;

void irq_defer(void (*fn)(void))
{
    (void)fn;
}

/* ---- cases ------------------------------------------------------------------------------------ */

struct exit_case {
    const char *name;
    uint8_t code[16];
    uint8_t length;
    bool is_long_only; /* it has a REX prefix */
    uint32_t exitcode;
    uint64_t info1;    /* on every CPU */
    uint64_t assist;   /* info1 with decode assists */
    uint64_t info2;    /* 0 for IOIO: the next RIP */
};

#define INSN(...) .code = {__VA_ARGS__}, .length = sizeof((uint8_t[]){__VA_ARGS__})
#define MOV_CR(gpr) (CR_INFO_IS_MOV | (gpr))
#define IO(port, size, flags) ((port) << IOIO_PORT_SHIFT | (size) << IOIO_SIZE_SHIFT | (flags))

/* clang-format off */
static const struct exit_case cases[] = {
    {"cpuid", INSN(0x0f, 0xa2), .exitcode = VMEXIT_CPUID},
    {"cpuid with prefixes", INSN(0x66, 0x3e, 0xf2, 0x0f, 0xa2), .exitcode = VMEXIT_CPUID},
    {"hlt", INSN(0xf4), .exitcode = VMEXIT_HLT},
    {"hlt with a prefix", INSN(0x67, 0xf4), .exitcode = VMEXIT_HLT},
    {"rdmsr", INSN(0x0f, 0x32), .exitcode = VMEXIT_MSR},
    {"wrmsr", INSN(0x0f, 0x30), .exitcode = VMEXIT_MSR, .info1 = MSR_INFO_WRITE},
    {"wrmsr with a prefix", INSN(0x66, 0x0f, 0x30), .exitcode = VMEXIT_MSR, .info1 = MSR_INFO_WRITE},
    {"out imm8, al", INSN(0xe6, 0x80), .exitcode = VMEXIT_IOIO, .info1 = IO(0x80, 1, 0)},
    {"in ax, dx", INSN(0x66, 0xed), .exitcode = VMEXIT_IOIO, .info1 = IO(0x1234, 2, IOIO_TYPE_IN)},
    {"rep outsb", INSN(0xf3, 0x6e), .exitcode = VMEXIT_IOIO, .info1 = IO(0x80, 1, IOIO_STR | IOIO_REP)},
    {"out to the PIT", INSN(0xee), .exitcode = VMEXIT_IOIO, .info1 = IO(0x43, 1, 0)},
    {"mov cr0, eax", INSN(0x0f, 0x22, 0xc0), .exitcode = VMEXIT_CR_WRITE, .assist = MOV_CR(0)},
    {"mov cr0, edi", INSN(0x0f, 0x22, 0xc7), .exitcode = VMEXIT_CR_WRITE, .assist = MOV_CR(7)},
    {"mov cr0, r9", INSN(0x41, 0x0f, 0x22, 0xc1), true, VMEXIT_CR_WRITE, 0, MOV_CR(9), 0},
    {"mov cr4, edx", INSN(0x0f, 0x22, 0xe2), .exitcode = VMEXIT_CR_WRITE + 4, .assist = MOV_CR(2)},
    {"mov cr4, r15", INSN(0x41, 0x0f, 0x22, 0xe7), true, VMEXIT_CR_WRITE + 4, 0, MOV_CR(15), 0},
    {"mov cr8, rsi", INSN(0x44, 0x0f, 0x22, 0xc6), true, VMEXIT_CR_WRITE + 8, 0, MOV_CR(6), 0},
    {"mov cr8, r10", INSN(0x45, 0x0f, 0x22, 0xc2), true, VMEXIT_CR_WRITE + 8, 0, MOV_CR(10), 0},
    {"mov rbx, cr8", INSN(0x44, 0x0f, 0x20, 0xc3), true, VMEXIT_CR_READ + 8, 0, MOV_CR(3), 0},
    {"mov esi, cr0", INSN(0x0f, 0x20, 0xc6), .exitcode = VMEXIT_CR_READ, .assist = MOV_CR(6)},
    {"clts", INSN(0x0f, 0x06), .exitcode = VMEXIT_CR_WRITE},
    {"lmsw ax", INSN(0x0f, 0x01, 0xf0), .exitcode = VMEXIT_CR_WRITE},
    {"lmsw [ebx]", INSN(0x0f, 0x01, 0x33), .exitcode = VMEXIT_CR_WRITE},
    {"smsw ecx", INSN(0x0f, 0x01, 0xe1), .exitcode = VMEXIT_CR_READ},
    {"smsw [ebx]", INSN(0x0f, 0x01, 0x23), .exitcode = VMEXIT_CR_READ},
    {"mov dr0, ecx", INSN(0x0f, 0x23, 0xc1), .exitcode = VMEXIT_DR_WRITE, .assist = 1},
    {"mov dr7, ebx", INSN(0x0f, 0x23, 0xfb), .exitcode = VMEXIT_DR_WRITE + 7, .assist = 3}, /* enables none: they are the host's */
    {"mov dr3, r14", INSN(0x41, 0x0f, 0x23, 0xde), true, VMEXIT_DR_WRITE + 3, 0, 14, 0},
    {"mov edx, dr6", INSN(0x0f, 0x21, 0xf2), .exitcode = VMEXIT_DR_READ + 6, .assist = 2},
    {"mov r8, dr7", INSN(0x41, 0x0f, 0x21, 0xf8), true, VMEXIT_DR_READ + 7, 0, 8, 0},
    {"invd", INSN(0x0f, 0x08), .exitcode = VMEXIT_INVD},
    {"wbinvd", INSN(0x0f, 0x09), .exitcode = VMEXIT_WBINVD},
    {"vmmcall", INSN(0x0f, 0x01, 0xd9), .exitcode = VMEXIT_VMMCALL},
    {"xsetbv", INSN(0x0f, 0x01, 0xd1), .exitcode = VMEXIT_XSETBV},
    {"rdpmc", INSN(0x0f, 0x33), .exitcode = VMEXIT_RDPMC},
    {"monitor", INSN(0x0f, 0x01, 0xc8), .exitcode = VMEXIT_MONITOR},
    {"mwait", INSN(0x0f, 0x01, 0xc9), .exitcode = VMEXIT_MWAIT},
    {"vmrun", INSN(0x0f, 0x01, 0xd8), .exitcode = VMEXIT_VMRUN},
    {"skinit", INSN(0x0f, 0x01, 0xde), .exitcode = VMEXIT_SKINIT},
    {"invlpga", INSN(0x0f, 0x01, 0xdf), .exitcode = VMEXIT_INVLPGA},
    {"ud2", INSN(0x0f, 0x0b), .exitcode = VMEXIT_EXCEPTION + 6},
    {"vmcall", INSN(0x0f, 0x01, 0xc1), .exitcode = VMEXIT_EXCEPTION + 6},
    {"mov [device], eax", INSN(0xa3, 0x00, 0x00, 0x00, 0x10), .exitcode = VMEXIT_NPF,
     .info1 = NPF_WRITE, .info2 = DEVICE},
    {"add word [device], imm", INSN(0x66, 0x81, 0x05, 0xf4, 0xff, 0xff, 0x0f, 0x34, 0x12), .exitcode = VMEXIT_NPF,
     .info1 = NPF_WRITE, .info2 = DEVICE},
    {"mov r9, [device]", INSN(0x4c, 0x8b, 0x0c, 0x25, 0x00, 0x00, 0x00, 0x10), true, VMEXIT_NPF, 0, 0, DEVICE},
    {"movups [device]: not emulated", INSN(0x0f, 0x11, 0x05, 0x00, 0x00, 0x00, 0x10), .exitcode = VMEXIT_NPF,
     .info1 = NPF_WRITE, .info2 = DEVICE},
    {"shutdown", INSN(0xcc), .exitcode = VMEXIT_SHUTDOWN},
    {"code in a device", INSN(0x90), .exitcode = VMEXIT_NPF, .info1 = NPF_FETCH, .info2 = DEVICE},
};
/* clang-format on */

/* ---- the back end: svm.c without the instructions ------------------------------------------------ */

static struct {
    const struct exit_case *exit; /* what ends the next stay in the guest; NULL: a triple fault */
    unsigned features;
    unsigned fetched; /* bytes of the instruction that decode assists show */
    struct vcpu_event injected;
    struct vm_exit before, after; /* as decoded, and with what generic code found out */
    struct vm_exit *place;
    struct guest_state state;
    struct vmcb vmcb;
    struct svm_vcpu svm;
} cpu;

void svm_vmcb_reset(struct vcpu *vcpu)
{
    (void)vcpu;
    memset(&cpu.vmcb.save, 0, sizeof(cpu.vmcb.save));
}

static void fill_vmcb(const struct vcpu *vcpu, struct vmcb_control *control)
{
    const struct exit_case *c = cpu.exit;
    bool has_nrip = cpu.features & NEXT_RIP, decodes = cpu.features & DECODES;

    memset(&cpu.vmcb, 0xa5, sizeof(cpu.vmcb));
    control->eventinj = control->interrupt_state = control->exitintinfo = 0;
    control->exitcode = c->exitcode;
    control->exitinfo1 = c->info1;
    control->exitinfo2 = c->exitcode == VMEXIT_IOIO ? vcpu->regs.rip + c->length : c->info2;
    if (c->exitcode < VMEXIT_EXCEPTION)
        control->exitinfo1 = decodes ? c->assist : GARBAGE;
    if (has_nrip)
        control->nrip = vcpu->regs.rip + c->length;
    if (decodes) {
        control->fetched_count = (uint8_t)cpu.fetched;
        memset(control->fetched_bytes, 0x90, sizeof(control->fetched_bytes));
        memcpy(control->fetched_bytes, c->code, min(cpu.fetched, (unsigned)c->length));
    }
}

static void enter(struct vcpu *vcpu, struct vm_exit *e)
{
    uint64_t rip = vcpu->regs.rip;

    if (cpu.place != NULL)
        cpu.after = *cpu.place;
    if (vcpu->state_dirty != 0)
        cpu.state = vcpu->state;
    vcpu->state_valid = vcpu->state_dirty = 0;
    cpu.injected = vcpu->inject;
    svm_events_put(vcpu);
    if (cpu.exit == NULL) {
        *e = (struct vm_exit){.reason = EXIT_SHUTDOWN};
        return;
    }
    fill_vmcb(vcpu, &cpu.vmcb.control);
    memset(e, 0xa5, sizeof(*e));
    svm_events_get(vcpu, rip);
    svm_exit_decode(vcpu, e);
    cpu.before = *e;
    cpu.place = e;
    cpu.exit = NULL;
}

static void state_get(struct vcpu *vcpu, unsigned int groups)
{
    (void)groups;
    vcpu->state = cpu.state;
    vcpu->state_valid = STATE_ALL;
}

static int vcpu_init(struct vcpu *vcpu)
{
    vcpu->backend = &cpu.svm;
    cpu.svm = (struct svm_vcpu){.vmcb = &cpu.vmcb};
    return 0;
}

static void nothing(struct vcpu *vcpu)
{
    (void)vcpu;
}

static void flush(struct vcpu *vcpu, unsigned int what)
{
    (void)vcpu;
    (void)what;
}

static int msr_get(struct vcpu *vcpu, uint32_t index, uint64_t *value)
{
    (void)vcpu;
    *value = index;
    return 0;
}

static int msr_set(struct vcpu *vcpu, uint32_t index, uint64_t value)
{
    (void)vcpu;
    (void)index;
    (void)value;
    return 0;
}

const struct hv_ops svm_ops = {
    .name = "svm", .s2_format = STAGE2_NPT, .probe = fake_probe, .cpu_on = fake_cpu_on, .can_rdtscp = fake_can_rdtscp,
    .vm_init = fake_vm_init, .vm_fini = fake_vm_fini, .vcpu_create = vcpu_init, .vcpu_destroy = nothing,
    .load = nothing, .put = nothing, .flush = flush, .enter = enter, .state_get = state_get,
    .msr_get = msr_get, .msr_set = msr_set,
};

/* ---- one case on one CPU ---------------------------------------------------------------------------- */

static uint8_t *ram;

static void set_registers(int fd, bool is_long, uint64_t rip)
{
    struct kvm_segment data = {.limit = 0xffffffff, .selector = 16, .type = 3, .present = 1, .db = 1, .s = 1, .g = 1};
    struct kvm_regs regs = {.rax = 0x80050033, .rbx = OPERAND, .rcx = MSR_PAT, .rdx = CR4_PAE | CR4_PGE, .rsi = 3,
                            .rdi = 0x60000031, .rsp = CODE, .r8 = 8, .r9 = 0x80000031, .r10 = 0xb, .r14 = 0x1234,
                            .r15 = CR4_VMXE, .rip = rip, .rflags = 2};
    struct kvm_sregs sregs;

    assert_int_equal(ioctl_fd(fd, KVM_GET_SREGS, &sregs), 0);
    sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
    sregs.cs = (struct kvm_segment){.limit = 0xffffffff, .selector = 8, .type = 0xb, .present = 1, .s = 1, .g = 1,
                                    .db = !is_long, .l = is_long};
    sregs.cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_TS | (is_long ? CR0_PG : 0);
    sregs.cr3 = TABLES;
    sregs.cr4 = CR4_PAE;
    sregs.efer = is_long ? EFER_LME | EFER_LMA : 0;
    assert_int_equal(ioctl_fd(fd, KVM_SET_SREGS, &sregs), 0);
    assert_int_equal(ioctl_fd(fd, KVM_SET_REGS, &regs), 0);
}

static void set_memory(const struct exit_case *c, uint64_t rip)
{
    uint64_t *tables = (uint64_t *)(void *)(ram + TABLES);

    memset(ram, 0, RAM_PAGES * PAGE_SIZE);
    tables[0] = (TABLES + PAGE_SIZE) | 7;
    tables[512] = (TABLES + 2 * PAGE_SIZE) | 7;
    for (unsigned i = 0; i < 512; i++)
        tables[1024 + i] = (uint64_t)i << 21 | 0x87;
    memcpy(ram + rip, c->code, c->length);
    ram[OPERAND] = 0x3; /* LMSW: without TS */
}

/* Whatever the guest or its monitor can tell of what happened. */
struct outcome {
    struct guest_regs regs;
    struct guest_state state;
    uint64_t dr[4], dr6, dr7;
    struct vcpu_event injected;
    uint32_t exit_reason, suberror, mp_state;
    uint8_t cr8, io[16], mmio[24];
    uint64_t operand;
    enum exit_reason decoded;
    uint8_t what[4]; /* of the members that say it */
};

static void note_decoded(struct outcome *o, const struct vm_exit *e)
{
    o->decoded = e->reason;
    switch (e->reason) {
    case EXIT_PIO:
        memcpy(o->what, (uint8_t[]){e->pio.size, e->pio.is_in, e->pio.is_string, e->pio.has_rep}, 4);
        break;
    case EXIT_CR:
        memcpy(o->what, (uint8_t[]){e->cr.access, e->cr.cr, e->cr.gpr}, 3);
        break;
    case EXIT_DR:
        memcpy(o->what, (uint8_t[]){e->dr.is_write, e->dr.dr, e->dr.gpr}, 3);
        break;
    case EXIT_STAGE2_FAULT:
        memcpy(o->what, (uint8_t[]){e->fault.access, e->fault.is_table_walk, e->fault.gpa == DEVICE}, 3);
        break;
    default:
        break;
    }
}

static void run_case(const struct exit_case *c, bool is_long, uint64_t rip, struct outcome *o)
{
    struct kvm_userspace_memory_region region = {.memory_size = RAM_PAGES * PAGE_SIZE, .userspace_addr = (uint64_t)ram};
    int vm_fd = (int)kvm(KVM_CREATE_VM, 0), fd;
    struct vcpu *vcpu;

    set_memory(c, rip);
    assert_int_equal(ioctl_fd(vm_fd, KVM_SET_USER_MEMORY_REGION, &region), 0);
    assert_int_equal(ioctl_fd(vm_fd, KVM_CREATE_IRQCHIP, NULL), 0);
    fd = (int)ioctl_fd(vm_fd, KVM_CREATE_VCPU, NULL);
    vcpu = fake_files[fd]->private;
    set_registers(fd, is_long, rip);
    svm_features = (struct svm_features){.asid_count = 2, .has_nrips = cpu.features & NEXT_RIP,
                                         .has_decode_assists = cpu.features & DECODES};
    cpu.exit = c;
    cpu.place = NULL;
    memset(&cpu.after, 0, sizeof(cpu.after));
    (void)ioctl_fd(fd, KVM_RUN, NULL); /* ends with the guest's access, its halt, or the triple fault after it */
    if (cpu.after.reason == EXIT_UNKNOWN) /* it was not entered again */
        cpu.after = cpu.before;

    memset(o, 0, sizeof(*o));
    o->regs = vcpu->regs;
    o->state = *vcpu_state(vcpu, STATE_ALL);
    memcpy(o->dr, vcpu->dr, sizeof(o->dr));
    o->dr6 = vcpu->dr6;
    o->dr7 = vcpu->dr7;
    o->injected = cpu.injected;
    o->exit_reason = vcpu->run->exit_reason;
    o->suberror = o->exit_reason == KVM_EXIT_INTERNAL_ERROR ? vcpu->run->internal.suberror : 0;
    o->mp_state = vcpu->mp_state;
    o->cr8 = lapic_get_cr8(&vcpu->lapic);
    if (o->exit_reason == KVM_EXIT_IO)
        memcpy(o->io, &vcpu->run->io, sizeof(o->io));
    if (o->exit_reason == KVM_EXIT_MMIO)
        memcpy(o->mmio, &vcpu->run->mmio, sizeof(o->mmio));
    memcpy(&o->operand, ram + OPERAND, sizeof(o->operand));
    note_decoded(o, &cpu.after);
    thread_clear_work(&fake_thread, WORK_SIGNAL);
    close_fd(fd);
    close_fd(vm_fd);
}

/* ---- the tests ------------------------------------------------------------------------------------------ */

static void compare_all(const struct exit_case *c, bool is_long, uint64_t rip)
{
    struct outcome without, with;

    cpu.features = 0;
    run_case(c, is_long, rip, &without);
    for (cpu.features = 1; cpu.features < ALL_FEATURES; cpu.features++) {
        for (cpu.fetched = 0; cpu.fetched <= 15; cpu.fetched += 5) {
            run_case(c, is_long, rip, &with);
            if (memcmp(&with, &without, sizeof(with)) != 0)
                fail_msg("%s (%s, at 0x%llx): differs with features %u, %u bytes fetched: rip 0x%llx or 0x%llx, "
                         "exit %u or %u", c->name, is_long ? "64 bits" : "32 bits", (unsigned long long)rip, cpu.features,
                         cpu.fetched, (unsigned long long)with.regs.rip, (unsigned long long)without.regs.rip,
                         with.exit_reason, without.exit_reason);
        }
    }
}

static void test_features_make_no_difference(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        for (unsigned is_long = cases[i].is_long_only; is_long <= 1; is_long++) {
            compare_all(&cases[i], is_long, CODE);
            compare_all(&cases[i], is_long, CODE + PAGE_SIZE - 1); /* across pages */
        }
    }
}

/* So that "the same" is not "the same failure": what some of them are to do. */
static void expect(const char *name, struct outcome *o)
{
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        if (strcmp(cases[i].name, name) != 0)
            continue;
        run_case(&cases[i], true, CODE, o);
        return;
    }
    fail_msg("no such case: %s", name);
}

static void check_effects(void)
{
    struct outcome o;

    expect("cpuid with prefixes", &o);
    assert_int_equal(o.regs.rip, CODE + 5);
    expect("mov cr0, r9", &o);
    assert_int_equal(o.state.cr0, 0x80000031);
    assert_int_equal(o.regs.rip, CODE + 4);
    expect("mov cr4, edx", &o);
    assert_int_equal(o.state.cr4, CR4_PAE | CR4_PGE);
    expect("mov cr4, r15", &o); /* VMXE is not offered */
    assert_int_equal(o.injected.vector, 13);
    assert_int_equal(o.regs.rip, CODE);
    expect("mov cr8, r10", &o);
    assert_int_equal(o.cr8, 0xb);
    expect("clts", &o);
    assert_int_equal(o.state.cr0 & CR0_TS, 0);
    expect("lmsw [ebx]", &o);
    assert_int_equal(o.state.cr0 & 0xf, 0x3);
    expect("mov dr3, r14", &o);
    assert_int_equal(o.dr[3], 0x1234);
    expect("mov r8, dr7", &o);
    assert_int_equal(o.regs.gpr[GPR_R8], 0x400);
    expect("wbinvd", &o);
    assert_int_equal(o.regs.rip, CODE + 2);
    expect("vmmcall", &o);
    assert_int_equal(o.regs.gpr[GPR_RAX], (uint64_t)-1000);
    expect("vmrun", &o);
    assert_int_equal(o.injected.vector, 6);
    expect("in ax, dx", &o);
    assert_int_equal(o.exit_reason, KVM_EXIT_IO);
    expect("mov r9, [device]", &o);
    assert_int_equal(o.exit_reason, KVM_EXIT_MMIO);
    expect("shutdown", &o); /* what the VMCB says then means nothing */
    assert_int_equal(o.exit_reason, KVM_EXIT_SHUTDOWN);
    assert_int_equal(o.regs.rip, 0xfff0);
    assert_int_equal(o.state.seg[SEG_CS].base, 0xffff0000);
    assert_int_equal(o.state.efer, 0);
    assert_int_equal(cpu.vmcb.save.star, 0);
    expect("code in a device", &o);
    assert_int_equal(o.suberror, KVM_INTERNAL_ERROR_EMULATION);
}

static void test_effects(void **state)
{
    (void)state;
    cpu.fetched = 15;
    for (cpu.features = 0; cpu.features < ALL_FEATURES; cpu.features++)
        check_effects();
}

/* With both, nothing is left for generic code to find out: the guest's memory is not looked at. */
static void test_nothing_left_to_decode(void **state)
{
    struct outcome o;

    (void)state;
    cpu.features = NEXT_RIP | DECODES;
    cpu.fetched = 15;
    expect("mov cr4, r15", &o);
    assert_int_equal(cpu.before.cr.access, CR_MOV_TO);
    assert_int_equal(cpu.before.cr.cr, 4);
    assert_int_equal(cpu.before.cr.gpr, 15);
    assert_int_equal(cpu.before.insn_len, 4);
    expect("mov r8, dr7", &o);
    assert_true(cpu.before.dr.is_known && !cpu.before.dr.is_write);
    assert_int_equal(cpu.before.dr.gpr, 8);
    expect("cpuid with prefixes", &o);
    assert_int_equal(cpu.before.insn_len, 5);
    expect("mov r9, [device]", &o);
    assert_int_equal(cpu.before.fault.insn_bytes, 15);
    assert_int_equal(cpu.before.fault.insn[1], 0x8b);

    cpu.features = 0;
    expect("mov cr4, r15", &o);
    assert_int_equal(cpu.before.cr.access, CR_UNKNOWN);
    assert_int_equal(cpu.before.insn_len, 0);
    expect("mov r8, dr7", &o);
    assert_false(cpu.before.dr.is_known);
    expect("mov r9, [device]", &o);
    assert_int_equal(cpu.before.fault.insn_bytes, 0);
}

/* No exit code but those that we ask for is taken for one of them. */
static void test_codes(void **state)
{
    struct vcpu vcpu = {.backend = &cpu.svm};
    struct vm_exit e;

    (void)state;
    cpu.svm.vmcb = &cpu.vmcb;
    memset(&cpu.vmcb, 0xa5, sizeof(cpu.vmcb));
    for (uint64_t code = VMEXIT_LOW_CODES; code < 0x500; code++) {
        if (code == VMEXIT_NPF)
            continue;
        cpu.vmcb.control.exitcode = code;
        svm_exit_decode(&vcpu, &e);
        assert_int_equal(e.reason, EXIT_UNKNOWN);
        assert_int_equal(e.hardware.reason, code);
    }
    cpu.vmcb.control.exitcode = UINT64_MAX;
    svm_exit_decode(&vcpu, &e);
    assert_int_equal(e.reason, EXIT_FAIL_ENTRY);
    cpu.vmcb.control.exitcode = UINT32_MAX; /* as QEMU has it */
    svm_exit_decode(&vcpu, &e);
    assert_int_equal(e.reason, EXIT_FAIL_ENTRY);
    cpu.vmcb.control.exitcode = VMEXIT_NPF;
    cpu.vmcb.control.exitinfo1 = NPF_RESERVED;
    svm_exit_decode(&vcpu, &e);
    assert_int_equal(e.reason, EXIT_STAGE2_MISCONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_features_make_no_difference),
        cmocka_unit_test(test_effects),
        cmocka_unit_test(test_nothing_left_to_decode),
        cmocka_unit_test(test_codes),
    };

    fake_services_init();
    ram = (uint8_t *)fake_user_memory(RAM_PAGES);
    hv_init();
    return cmocka_run_group_tests_name("svm exits", tests, NULL, NULL);
}
