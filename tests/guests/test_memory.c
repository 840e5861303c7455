/* SPDX-License-Identifier: BSD-2-Clause */
/* Guest memory: slots that come and go, read-only ones, and changes from outside. */
#include "harness.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define SLOT_GPA 0x800000u

static void touch_read(struct machine *m, uint32_t address)
{
    answer_in(m, 0x10, 4, address);
    answer_in(m, 0x10, 4, 0);
}

static void touch_write(struct machine *m, uint32_t address, uint32_t value)
{
    answer_in(m, 0x10, 4, address);
    answer_in(m, 0x10, 4, 1);
    answer_in(m, 0x10, 4, value);
}

static void rom(void)
{
    struct machine m;
    uint8_t *pages = pages_alloc(0x1000);

    memcpy(pages, "\xb8\x21\x43\x65\x00\xc3", 6); /* mov eax, 0x654321; ret */
    memcpy(pages + 0x100, "\xdd\xcc\xbb\xaa", 4);
    machine_init(&m, LONG_MODE, NO_IRQCHIP, GUEST(rom));
    check_equal("errno of adding ROM",
                machine_set_slot(&m, 1, KVM_MEM_READONLY, SLOT_GPA, 0x1000, pages), 0);
    expect_report(&m, 0xaabbccdd);
    expect_mmio_write(&m, SLOT_GPA + 0x100, 4, 0x12345678);
    expect_report(&m, 0xaabbccdd);
    expect_report(&m, 0x654321);
    machine_run_to(&m, KVM_EXIT_HLT);
    check_equal("the page", pages[0x100], 0xdd);
}

static void slots_come_and_go(void)
{
    struct machine m;
    uint8_t *pages = pages_alloc(0x2000);

    pages[0] = 0x11;
    pages[0x1000] = 0x22;
    machine_init(&m, LONG_MODE, NO_IRQCHIP, GUEST(touch));
    touch_read(&m, SLOT_GPA);
    answer_mmio_read(&m, SLOT_GPA, 4, 0x99);
    expect_report(&m, 0x99);
    check_equal("errno of adding", machine_set_slot(&m, 1, 0, SLOT_GPA, 0x1000, pages), 0);
    touch_read(&m, SLOT_GPA);
    expect_report(&m, 0x11);
    touch_write(&m, SLOT_GPA + 4, 0x77);
    expect_report(&m, 0);
    check_equal("the page", pages[4], 0x77);
    check_equal("errno of deleting", machine_set_slot(&m, 1, 0, SLOT_GPA, 0, pages), 0);
    touch_read(&m, SLOT_GPA);
    answer_mmio_read(&m, SLOT_GPA, 4, 0x98);
    expect_report(&m, 0x98);
    check_equal("errno of adding other pages",
                machine_set_slot(&m, 1, 0, SLOT_GPA, 0x1000, pages + 0x1000), 0);
    touch_read(&m, SLOT_GPA);
    expect_report(&m, 0x22);
    check_equal("errno of moving",
                machine_set_slot(&m, 1, 0, SLOT_GPA + 0x1000, 0x1000, pages + 0x1000), 0);
    touch_read(&m, SLOT_GPA + 0x1000);
    expect_report(&m, 0x22);
    touch_read(&m, SLOT_GPA);
    answer_mmio_read(&m, SLOT_GPA, 4, 0x97);
    expect_report(&m, 0x97);
    check_equal("errno of making it read-only",
                machine_set_slot(&m, 1, KVM_MEM_READONLY, SLOT_GPA + 0x1000, 0x1000,
                                 pages + 0x1000),
                EINVAL); /* that takes a delete first */
}

static uint64_t dirty_log(struct machine *m, uint32_t slot)
{
    uint64_t bits[1] = { 0 };
    struct kvm_dirty_log log = { .slot = slot, .dirty_bitmap = bits };

    must(m->vm, KVM_GET_DIRTY_LOG, &log);
    return bits[0];
}

/* Nothing that was written is lost to it: not when the slot is set once more, nor when it moves. */
static void dirty_log_of_slot(void)
{
    const uint32_t flags = KVM_MEM_LOG_DIRTY_PAGES;
    struct machine m;
    uint8_t *pages = pages_alloc(0x4000);

    machine_init(&m, LONG_MODE, NO_IRQCHIP, GUEST(touch));
    check_equal("errno of adding", machine_set_slot(&m, 1, flags, SLOT_GPA, 0x4000, pages), 0);
    touch_write(&m, SLOT_GPA + 0x1000, 0x77);
    expect_report(&m, 0);
    check_equal("the log", dirty_log(&m, 1), 2);
    check_equal("the log of nothing", dirty_log(&m, 1), 0);
    touch_write(&m, SLOT_GPA + 0x2000, 0x77);
    expect_report(&m, 0);
    check_equal("errno of no change", machine_set_slot(&m, 1, flags, SLOT_GPA, 0x4000, pages), 0);
    check_equal("errno of moving",
                machine_set_slot(&m, 1, flags, SLOT_GPA + 0x10000, 0x4000, pages), 0);
    touch_write(&m, SLOT_GPA + 0x13000, 0x77);
    expect_report(&m, 0);
    check_equal("the log of before and after", dirty_log(&m, 1), 4 | 8);
}

static void bad_slots(void)
{
    struct machine m;
    uint8_t *pages = pages_alloc(0x4000);

    machine_init(&m, LONG_MODE, NO_IRQCHIP, GUEST(touch));
    check_equal("overlap", machine_set_slot(&m, 1, 0, GUEST_RAM - 0x1000, 0x2000, pages), EEXIST);
    check_equal("odd address", machine_set_slot(&m, 1, 0, SLOT_GPA + 1, 0x1000, pages), EINVAL);
    check_equal("odd size", machine_set_slot(&m, 1, 0, SLOT_GPA, 0x1001, pages), EINVAL);
    check_equal("odd memory", machine_set_slot(&m, 1, 0, SLOT_GPA, 0x1000, pages + 1), EINVAL);
    check_equal("wrap", machine_set_slot(&m, 1, 0, ~0xfffull, 0x2000, pages), EINVAL);
    check_equal("unknown flag", machine_set_slot(&m, 1, 1u << 9, SLOT_GPA, 0x1000, pages), EINVAL);
    check_equal("slot number", machine_set_slot(&m, 1u << 15, 0, SLOT_GPA, 0x1000, pages), EINVAL);
    check_equal("kernel memory", machine_set_slot(&m, 1, 0, SLOT_GPA, 0x1000,
                                                  (void *)0xffff800000000000), EINVAL);
    check_equal("resize", machine_set_slot(&m, 0, 0, 0, GUEST_RAM / 2, m.ram), EINVAL);
    check_equal("delete of nothing", machine_set_slot(&m, 1, 0, SLOT_GPA, 0, pages), EINVAL);
}

/* The guest's memory is the process's: what the process does to it the guest sees. */
static void process_changes_memory(void)
{
    struct machine m;
    uint8_t *pages = pages_alloc(0x2000);

    memset(pages, 0x33, 0x2000);
    machine_init(&m, LONG_MODE, NO_IRQCHIP, GUEST(touch));
    check_equal("errno of adding", machine_set_slot(&m, 1, 0, SLOT_GPA, 0x2000, pages), 0);
    touch_read(&m, SLOT_GPA);
    expect_report(&m, 0x33333333);
    pages[0] = 0x44;
    touch_read(&m, SLOT_GPA);
    expect_report(&m, 0x33333344);
    if (madvise(pages, 0x1000, MADV_DONTNEED) < 0)
        fail("madvise: %s", strerror(errno));
    touch_read(&m, SLOT_GPA);
    expect_report(&m, 0);
    touch_write(&m, SLOT_GPA, 0x55);
    expect_report(&m, 0);
    check_equal("the process's view", pages[0], 0x55);
    if (mmap(pages, 0x1000, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1,
             0) == MAP_FAILED)
        fail("mmap: %s", strerror(errno));
    pages[0] = 0x66;
    touch_read(&m, SLOT_GPA);
    expect_report(&m, 0x66);
    touch_read(&m, SLOT_GPA + 0x1000);
    expect_report(&m, 0x33333333);
}

/* A slot whose pages the process has unmapped: KVM_RUN says EFAULT, and works again after. */
static void missing_memory(void)
{
    struct machine m;
    uint8_t *pages = pages_alloc(0x1000);

    machine_init(&m, LONG_MODE, NO_IRQCHIP, GUEST(touch));
    check_equal("errno of adding", machine_set_slot(&m, 1, 0, SLOT_GPA, 0x1000, pages), 0);
    munmap(pages, 0x1000);
    touch_read(&m, SLOT_GPA);
    must_fail(EFAULT, m.vcpu, KVM_RUN, 0);
    if (mmap(pages, 0x1000, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1,
             0) == MAP_FAILED)
        fail("mmap: %s", strerror(errno));
    pages[0] = 0x12;
    expect_report(&m, 0x12);
}

static void self_modifying_code(void)
{
    struct machine m;
    uint8_t *place;

    machine_init(&m, LONG_MODE, NO_IRQCHIP, GUEST(self_modifying));
    place = m.ram + GUEST_CODE + 64;
    expect_report(&m, 1);
    expect_report(&m, 2);
    expect_report(&m, 3);
    expect_report(&m, 0x100);
    place[2] = 0x02;
    expect_report(&m, 0x200);
    machine_run_to(&m, KVM_EXIT_HLT);
}

const struct test memory_tests[] = {
    { "memory_rom", rom },
    { "memory_slots_come_and_go", slots_come_and_go },
    { "memory_dirty_log", dirty_log_of_slot },
    { "memory_bad_slots", bad_slots },
    { "memory_process_changes", process_changes_memory },
    { "memory_missing", missing_memory },
    { "memory_self_modifying_code", self_modifying_code },
    { NULL, NULL },
};
