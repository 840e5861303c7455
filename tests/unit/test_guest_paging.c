/* SPDX-License-Identifier: BSD-2-Clause */
/* The walk of a guest's page tables, in each paging mode. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "hv/paging.h"

static uint8_t memory[64 * 4096];

static int read_memory(void *ctx, gpa_t gpa, void *buf, unsigned int size)
{
    (void)ctx;
    if (gpa > sizeof(memory) - size)
        return -EFAULT;
    memcpy(buf, memory + gpa, size);
    return 0;
}

static unsigned int races; /* make the next updates fail as if another CPU had changed the entry */

static int update_memory(void *ctx, gpa_t gpa, uint32_t expected, uint32_t desired)
{
    uint32_t now;

    (void)ctx;
    memcpy(&now, memory + gpa, 4);
    if (races > 0) {
        races--;
        return -EAGAIN;
    }
    assert_int_equal(now, expected);
    memcpy(memory + gpa, &desired, 4);
    return 0;
}

static void put64(gpa_t gpa, uint64_t value)
{
    memcpy(memory + gpa, &value, 8);
}

static uint64_t get64(gpa_t gpa)
{
    uint64_t value;

    memcpy(&value, memory + gpa, 8);
    return value;
}

static struct paging long_mode(void)
{
    memset(memory, 0, sizeof(memory));
    put64(0x1000 + 8 * 1, 0x2007);
    put64(0x2000 + 8 * 2, 0x3007);
    put64(0x3000 + 8 * 3, 0x4007);
    put64(0x4000 + 8 * 4, 0x9007);
    return (struct paging){
        .cr0 = CR0_PE | CR0_PG | CR0_WP, .cr3 = 0x1000, .cr4 = CR4_PAE, .efer = EFER_LME | EFER_LMA | EFER_NX,
        .phys_bits = 40, .read = read_memory, .update = update_memory,
    };
}

#define GVA ((1ULL << 39) | (2ULL << 30) | (3ULL << 21) | (4ULL << 12))

static void test_long_mode(void **state)
{
    struct paging paging = long_mode();
    uint32_t error = 0;
    gpa_t gpa;

    (void)state;
    assert_int_equal(paging_translate(&paging, GVA + 0x123, PAGING_USER, &gpa, &error), 0);
    assert_int_equal(gpa, 0x9123);
    assert_int_equal(get64(0x1008) & 0x60, 0x20); /* accessed on the way */
    assert_int_equal(get64(0x4020) & 0x60, 0x20);
    races = 2;
    assert_int_equal(paging_translate(&paging, GVA, PAGING_WRITE, &gpa, &error), 0);
    assert_int_equal(get64(0x4020) & 0x60, 0x60); /* dirty only in the leaf */
    assert_int_equal(get64(0x3018) & 0x40, 0);
    races = 1000;
    put64(0x4020, 0x9007);
    assert_int_equal(paging_translate(&paging, GVA, 0, &gpa, &error), -EFAULT);
    races = 0;

    assert_int_equal(paging_translate(&paging, GVA + 0x1000, PAGING_WRITE | PAGING_USER, &gpa, &error), 1);
    assert_int_equal(error, PF_WRITE | PF_USER);
    put64(0x3018, 0x400000000087ULL); /* 2 MiB page above the guest's address width */
    assert_int_equal(paging_translate(&paging, GVA, 0, &gpa, &error), 1);
    assert_int_equal(error, PF_PRESENT | PF_RESERVED);
    put64(0x3018, 0x40000087);
    assert_int_equal(paging_translate(&paging, GVA + 7, 0, &gpa, &error), 0);
    assert_int_equal(gpa, 0x40004007);
    put64(0x3018, 0x40002087); /* misaligned */
    assert_int_equal(paging_translate(&paging, GVA, 0, &gpa, &error), 1);
    put64(0x2010, 0x80000087); /* 1 GiB */
    assert_int_equal(paging_translate(&paging, GVA, 0, &gpa, &error), 0);
    assert_int_equal(gpa, 0x80000000 + (GVA & 0x3fffffff));
    put64(0x2010, 0x7ffffff007ULL); /* a table outside of memory */
    assert_int_equal(paging_translate(&paging, GVA, 0, &gpa, &error), -EFAULT);
}

static void test_rights(void **state)
{
    struct paging paging = long_mode();
    uint32_t error;
    gpa_t gpa;

    (void)state;
    put64(0x4020, 0x8000000000009005ULL); /* user, read-only, NX */
    assert_int_equal(paging_translate(&paging, GVA, 0, &gpa, &error), 0);
    assert_int_equal(paging_translate(&paging, GVA, PAGING_WRITE, &gpa, &error), 1);
    assert_int_equal(error, PF_PRESENT | PF_WRITE);
    paging.cr0 &= ~CR0_WP;
    assert_int_equal(paging_translate(&paging, GVA, PAGING_WRITE, &gpa, &error), 0);
    assert_int_equal(paging_translate(&paging, GVA, PAGING_WRITE | PAGING_USER, &gpa, &error), 1);
    assert_int_equal(paging_translate(&paging, GVA, PAGING_EXEC, &gpa, &error), 1);
    assert_int_equal(error, PF_PRESENT | PF_FETCH);
    paging.efer &= ~EFER_NX; /* the bit is reserved then */
    assert_int_equal(paging_translate(&paging, GVA, 0, &gpa, &error), 1);
    assert_int_equal(error, PF_PRESENT | PF_RESERVED);

    paging = long_mode();
    paging.cr4 |= CR4_SMEP | CR4_SMAP;
    assert_int_equal(paging_translate(&paging, GVA, PAGING_EXEC, &gpa, &error), 1);
    assert_int_equal(paging_translate(&paging, GVA, 0, &gpa, &error), 1);
    paging.rflags = EFLAGS_AC;
    assert_int_equal(paging_translate(&paging, GVA, 0, &gpa, &error), 0);
    put64(0x1008, 0x2003); /* supervisor at the top: so is everything below */
    assert_int_equal(paging_translate(&paging, GVA, PAGING_USER, &gpa, &error), 1);
    assert_int_equal(error, PF_PRESENT | PF_USER);
    assert_int_equal(paging_translate(&paging, GVA, PAGING_EXEC, &gpa, &error), 0);
}

static void test_pae(void **state)
{
    struct paging paging = long_mode();
    uint32_t error;
    gpa_t gpa;

    (void)state;
    paging.efer = EFER_NX;
    paging.cr3 = 0x5020;
    put64(0x5020 + 8 * 3, 0x6001);
    put64(0x6000 + 8 * 5, 0x7007);
    put64(0x7000 + 8 * 6, 0x300008007ULL);
    assert_int_equal(paging_translate(&paging, 0xffffffff00000000ULL | 0xc0a06abc, PAGING_WRITE | PAGING_USER, &gpa, &error), 0);
    assert_int_equal(gpa, 0x300008abcULL);
    assert_int_equal(get64(0x5038), 0x6001); /* PDPTEs have no accessed bit */
    put64(0x5020 + 8 * 3, 0x6003); /* reserved bit */
    assert_int_equal(paging_translate(&paging, 0xc0a06abc, 0, &gpa, &error), 1);
    assert_int_equal(error, PF_PRESENT | PF_RESERVED);
}

static void test_32_bit(void **state)
{
    struct paging paging = long_mode();
    uint32_t error, entry;
    gpa_t gpa;

    (void)state;
    paging.efer = 0;
    paging.cr4 = 0;
    paging.cr3 = 0x5fff; /* low bits are flags */
    entry = 0x6007;
    memcpy(memory + 0x5000 + 4 * 0x301, &entry, 4);
    entry = 0x8007;
    memcpy(memory + 0x6000 + 4 * 2, &entry, 4);
    assert_int_equal(paging_translate(&paging, 0xc0402abc, PAGING_WRITE, &gpa, &error), 0);
    assert_int_equal(gpa, 0x8abc);
    entry = 0x00802087; /* 4 MiB at 1:00800000 by PSE-36, if PSE is on */
    memcpy(memory + 0x5000 + 4 * 0x301, &entry, 4);
    assert_int_equal(paging_translate(&paging, 0xc0412abc, 0, &gpa, &error), -EFAULT); /* a table */
    paging.cr4 = CR4_PSE;
    assert_int_equal(paging_translate(&paging, 0xc0412abc, 0, &gpa, &error), 0);
    assert_int_equal(gpa, 0x100812abcULL);
}

static void test_no_paging(void **state)
{
    struct paging paging = {.cr0 = CR0_PE};
    uint32_t error;
    gpa_t gpa;

    (void)state;
    assert_int_equal(paging_translate(&paging, 0x100000fff0ULL, PAGING_EXEC, &gpa, &error), 0);
    assert_int_equal(gpa, 0xfff0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_long_mode), cmocka_unit_test(test_rights),
        cmocka_unit_test(test_pae),       cmocka_unit_test(test_32_bit),
        cmocka_unit_test(test_no_paging),
    };

    return cmocka_run_group_tests_name("guest_paging", tests, NULL, NULL);
}
