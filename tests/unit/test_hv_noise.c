/* SPDX-License-Identifier: BSD-2-Clause */
/* Random guests, exits and ioctls: whatever comes, hv stays whole and leaves nothing behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hv_fake/scripted_vm.h"
#include "test_hv.h"
#include "xorshift.h"

static uint64_t rng = 0x2545f4914f6cdd1dULL;

static uint64_t next_random(void)
{
    return xorshift64(&rng);
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

int hv_noise_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_noise),
    };

    return cmocka_run_group_tests_name("hv noise", tests, NULL, NULL);
}
