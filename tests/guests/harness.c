/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine that tests run: see harness.h. */
#include "harness.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>

#define EXIT_FAILED  1
#define EXIT_SKIPPED 77
#define INTERRUPT_MS 50

int kvm_fd;

/* The main program reads the one line that a test writes to stdout. */
static _Noreturn void end(int status, const char *fmt, va_list args)
{
    vprintf(fmt, args);
    putchar('\n');
    fflush(stdout);
    _Exit(status);
}

void fail(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    end(EXIT_FAILED, fmt, args);
}

void skip(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    end(EXIT_SKIPPED, fmt, args);
}

void check_equal_at(int line, const char *what, uint64_t got, uint64_t wanted)
{
    if (got != wanted)
        fail("line %d: %s is 0x%llx, not 0x%llx", line, what, (unsigned long long)got,
             (unsigned long long)wanted);
}

int check_ioctl(int line, const char *name, int error, int fd, unsigned long request,
                uintptr_t argument)
{
    int result = ioctl(fd, request, argument);
    int got = result < 0 ? errno : 0;

    if (got != error)
        fail("line %d: %s gives \"%s\", not \"%s\"", line, name, strerror(got), strerror(error));
    return result;
}

/* ---- set-up --------------------------------------------------------------------- */

#define CR0_PE    0x1u
#define CR0_ET    0x10u
#define CR0_NE    0x20u
#define CR0_PG    0x80000000u
#define CR4_PAE   0x20u
#define CR4_OSFXSR 0x200u
#define EFER_LME  0x100u
#define EFER_LMA  0x400u
#define EFER_NXE  0x800u
#define PTE_P_W   0x3u
#define PTE_LARGE 0x80u

void *pages_alloc(size_t size)
{
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (pages == MAP_FAILED)
        fail("cannot allocate %zu bytes: %s", size, strerror(errno));
    return pages;
}

int machine_set_slot(struct machine *m, uint32_t slot, uint32_t flags, uint64_t gpa, uint64_t size,
                     void *host)
{
    struct kvm_userspace_memory_region region = {
        .slot = slot, .flags = flags, .guest_phys_addr = gpa, .memory_size = size,
        .userspace_addr = (uintptr_t)host,
    };

    return ioctl(m->vm, KVM_SET_USER_MEMORY_REGION, &region) < 0 ? errno : 0;
}

static struct kvm_segment segment(uint16_t selector, uint8_t type)
{
    return (struct kvm_segment){ .limit = 0xffffffff, .selector = selector, .type = type,
                                 .present = 1, .s = 1, .g = 1 };
}

static void fill_tables(struct machine *m)
{
    static const uint64_t gdt[] = {
        0,
        0x00cf9b000000ffff, /* 0x08: 32-bit code */
        0x00cf93000000ffff, /* 0x10: data */
        0x00af9b000000ffff, /* 0x18: 64-bit code */
        0x00009b000000ffff, /* 0x20: 16-bit code */
        0x000093000000ffff, /* 0x28: 16-bit data */
    };
    uint64_t *pml4 = (uint64_t *)(m->ram + GUEST_PML4);
    uint64_t *pdpt = pml4 + 512, *pd = pdpt + 512;

    memcpy(m->ram + GUEST_GDT, gdt, sizeof(gdt));
    pml4[0] = (GUEST_PML4 + 0x1000) | PTE_P_W;
    for (unsigned i = 0; i < 4; i++)
        pdpt[i] = (GUEST_PML4 + 0x2000 + i * 0x1000) | PTE_P_W;
    for (uint64_t i = 0; i < 4 * 512; i++)
        pd[i] = i << 21 | PTE_P_W | PTE_LARGE;
}

static void set_mode(struct machine *m, enum machine_mode mode)
{
    struct kvm_regs regs = { .rip = GUEST_CODE, .rsp = GUEST_STACK, .rflags = 2 };
    struct kvm_sregs sregs = get_sregs(m);
    struct kvm_segment data = segment(0x10, 0x3);

    data.db = 1;
    if (mode == REAL_MODE) {
        sregs.cs.base = 0;
        sregs.cs.selector = 0;
        regs.rsp = 0x7000;
    } else {
        sregs.cs = segment(mode == LONG_MODE ? 0x18 : 0x08, 0xb);
        sregs.cs.db = mode == PROTECTED_MODE;
        sregs.cs.l = mode == LONG_MODE;
        sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
        sregs.gdt.base = GUEST_GDT;
        sregs.gdt.limit = 6 * 8 - 1;
        sregs.idt.base = 0;
        sregs.idt.limit = 0;
        sregs.cr0 = CR0_PE | CR0_ET | CR0_NE;
    }
    if (mode == LONG_MODE) {
        sregs.cr0 |= CR0_PG;
        sregs.cr3 = GUEST_PML4;
        sregs.cr4 = CR4_PAE | CR4_OSFXSR;
        sregs.efer = EFER_LME | EFER_LMA | EFER_NXE;
    }
    must(m->vcpu, KVM_SET_SREGS, &sregs);
    must(m->vcpu, KVM_SET_REGS, &regs);
}

static void set_cpuid(struct machine *m)
{
    struct {
        struct kvm_cpuid2 head;
        struct kvm_cpuid_entry2 entries[256];
    } cpuid = { .head.nent = 256 };

    must(kvm_fd, KVM_GET_SUPPORTED_CPUID, &cpuid);
    must(m->vcpu, KVM_SET_CPUID2, &cpuid);
}

void machine_init(struct machine *m, enum machine_mode mode, enum machine_irqs irqs,
                  const uint8_t *image, size_t size)
{
    const struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
    uint64_t identity_map = 0xfffbc000;
    int run_size = must(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);

    m->vm = must(kvm_fd, KVM_CREATE_VM, 0);
    must(m->vm, KVM_SET_IDENTITY_MAP_ADDR, &identity_map);
    must(m->vm, KVM_SET_TSS_ADDR, 0xfffbd000);
    if (irqs == IRQCHIP) {
        must(m->vm, KVM_CREATE_IRQCHIP, 0);
        must(m->vm, KVM_CREATE_PIT2, &pit);
    }
    m->ram = pages_alloc(GUEST_RAM);
    check_equal("errno of adding RAM", machine_set_slot(m, 0, 0, 0, GUEST_RAM, m->ram), 0);
    m->vcpu = must(m->vm, KVM_CREATE_VCPU, 0);
    m->run_size = (size_t)run_size;
    m->run = mmap(NULL, m->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, m->vcpu, 0);
    if (m->run == MAP_FAILED)
        fail("cannot map the vCPU: %s", strerror(errno));

    if (size > 0)
        memcpy(m->ram + GUEST_CODE, image, size);
    if (mode != REAL_MODE)
        fill_tables(m);
    set_cpuid(m);
    set_mode(m, mode);
}

/* ---- running ---------------------------------------------------------------------- */

static const char *exit_name(uint32_t reason)
{
    static const char *const names[] = {
        [KVM_EXIT_UNKNOWN] = "UNKNOWN", [KVM_EXIT_EXCEPTION] = "EXCEPTION", [KVM_EXIT_IO] = "IO",
        [KVM_EXIT_DEBUG] = "DEBUG", [KVM_EXIT_HLT] = "HLT", [KVM_EXIT_MMIO] = "MMIO",
        [KVM_EXIT_IRQ_WINDOW_OPEN] = "IRQ_WINDOW_OPEN", [KVM_EXIT_SHUTDOWN] = "SHUTDOWN",
        [KVM_EXIT_FAIL_ENTRY] = "FAIL_ENTRY", [KVM_EXIT_INTR] = "INTR",
        [KVM_EXIT_INTERNAL_ERROR] = "INTERNAL_ERROR",
    };

    if (reason < sizeof(names) / sizeof(names[0]) && names[reason] != NULL)
        return names[reason];
    return "of another kind";
}

/* The exit in words, for "got ... instead". */
static const char *describe(struct machine *m)
{
    static char text[200];
    const struct kvm_run *run = m->run;
    struct kvm_regs regs = get_regs(m);
    int n = snprintf(text, sizeof(text), "exit %s (%u) at rip 0x%llx", exit_name(run->exit_reason),
                     run->exit_reason, (unsigned long long)regs.rip);
    char *to = text + n;
    size_t room = sizeof(text) - (size_t)n;

    if (run->exit_reason == KVM_EXIT_IO)
        snprintf(to, room, ": %s port 0x%x size %u count %u data 0x%x",
                 run->io.direction == KVM_EXIT_IO_OUT ? "out" : "in", run->io.port, run->io.size,
                 run->io.count, *(const uint32_t *)((const uint8_t *)run + run->io.data_offset));
    else if (run->exit_reason == KVM_EXIT_MMIO)
        snprintf(to, room, ": %s 0x%llx size %u", run->mmio.is_write ? "write" : "read",
                 (unsigned long long)run->mmio.phys_addr, run->mmio.len);
    else if (run->exit_reason == KVM_EXIT_INTERNAL_ERROR)
        snprintf(to, room, ": suberror %u", run->internal.suberror);
    else if (run->exit_reason == KVM_EXIT_FAIL_ENTRY)
        snprintf(to, room, ": reason 0x%llx",
                 (unsigned long long)run->fail_entry.hardware_entry_failure_reason);
    return text;
}

void machine_run(struct machine *m)
{
    while (ioctl(m->vcpu, KVM_RUN, 0) < 0)
        if (errno != EINTR && errno != EAGAIN)
            fail("KVM_RUN gives \"%s\"", strerror(errno));
}

void machine_run_to(struct machine *m, uint32_t exit_reason)
{
    machine_run(m);
    if (m->run->exit_reason != exit_reason)
        fail("expected exit %s, got %s", exit_name(exit_reason), describe(m));
}

static uint64_t low_bytes(uint64_t value, unsigned size)
{
    return size == 8 ? value : value & ((1ull << 8 * size) - 1);
}

static uint64_t run_to_out(struct machine *m, uint16_t port, unsigned size)
{
    const struct kvm_run *run = m->run;
    uint64_t value = 0;

    machine_run(m);
    if (run->exit_reason != KVM_EXIT_IO || run->io.direction != KVM_EXIT_IO_OUT ||
        run->io.port != port || run->io.size != size || run->io.count != 1)
        fail("expected an out of %u bytes to port 0x%x, got %s", size, port, describe(m));
    memcpy(&value, (const uint8_t *)run + run->io.data_offset, size);
    return value;
}

void expect_out(struct machine *m, uint16_t port, unsigned size, uint64_t value)
{
    uint64_t got = run_to_out(m, port, size);

    if (got != low_bytes(value, size))
        fail("out to port 0x%x of 0x%llx, not 0x%llx", port, (unsigned long long)got,
             (unsigned long long)value);
}

void expect_report(struct machine *m, uint32_t value)
{
    uint32_t got = next_report(m);

    if (got != value)
        fail("guest reports 0x%x, not 0x%x (%s)", got, value, describe(m));
}

uint32_t next_report(struct machine *m)
{
    return (uint32_t)run_to_out(m, REPORT, 4);
}

void answer_in(struct machine *m, uint16_t port, unsigned size, uint64_t value)
{
    struct kvm_run *run = m->run;

    machine_run(m);
    if (run->exit_reason != KVM_EXIT_IO || run->io.direction != KVM_EXIT_IO_IN ||
        run->io.port != port || run->io.size != size || run->io.count != 1)
        fail("expected an in of %u bytes from port 0x%x, got %s", size, port, describe(m));
    memcpy((uint8_t *)run + run->io.data_offset, &value, size);
}

static void run_to_mmio(struct machine *m, bool is_write, uint64_t address, unsigned size)
{
    machine_run(m);
    if (m->run->exit_reason != KVM_EXIT_MMIO || m->run->mmio.is_write != is_write ||
        m->run->mmio.phys_addr != address || m->run->mmio.len != size)
        fail("expected a %s of %u bytes at 0x%llx, got %s", is_write ? "write" : "read", size,
             (unsigned long long)address, describe(m));
}

void expect_mmio_write(struct machine *m, uint64_t address, unsigned size, uint64_t value)
{
    uint64_t got = 0;

    run_to_mmio(m, true, address, size);
    memcpy(&got, m->run->mmio.data, size);
    if (got != low_bytes(value, size))
        fail("write of 0x%llx to 0x%llx, not 0x%llx", (unsigned long long)got,
             (unsigned long long)address, (unsigned long long)value);
}

void answer_mmio_read(struct machine *m, uint64_t address, unsigned size, uint64_t value)
{
    run_to_mmio(m, false, address, size);
    memcpy(m->run->mmio.data, &value, size);
}

static void on_alarm(int number)
{
    (void)number; /* to interrupt KVM_RUN */
}

bool machine_run_for(struct machine *m, unsigned milliseconds)
{
    const struct sigaction action = { .sa_handler = on_alarm };
    const struct timeval after = { .tv_usec = milliseconds * 1000 };
    const struct itimerval timer = { .it_value = after, .it_interval = after }; /* again, if the first comes before KVM_RUN */
    const struct itimerval off = { .it_value.tv_usec = 0 };
    bool exited;

    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
    exited = ioctl(m->vcpu, KVM_RUN, 0) == 0;
    if (!exited)
        check_equal("errno of the interrupted KVM_RUN", errno, EINTR);
    setitimer(ITIMER_REAL, &off, NULL);
    return exited;
}

void expect_interrupted(struct machine *m)
{
    if (machine_run_for(m, INTERRUPT_MS))
        fail("expected a signal to end KVM_RUN, got %s", describe(m));
    check_equal("exit reason of the interrupted KVM_RUN", m->run->exit_reason, KVM_EXIT_INTR);
}

/* ---- small helpers ------------------------------------------------------------------ */

void set_irq(struct machine *m, unsigned irq, int level)
{
    struct kvm_irq_level line = { .irq = irq, .level = (uint32_t)level };

    must(m->vm, KVM_IRQ_LINE, &line);
}

struct kvm_regs get_regs(struct machine *m)
{
    struct kvm_regs regs;

    must(m->vcpu, KVM_GET_REGS, &regs);
    return regs;
}

struct kvm_sregs get_sregs(struct machine *m)
{
    struct kvm_sregs sregs;

    must(m->vcpu, KVM_GET_SREGS, &sregs);
    return sregs;
}
