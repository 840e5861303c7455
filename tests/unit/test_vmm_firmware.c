/* SPDX-License-Identifier: BSD-2-Clause */
/* ACPI and MP tables: checksums, lengths, pointers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "userland/vmm/firmware.h"

static uint8_t area[0x10000];

static uint32_t get32(const uint8_t *p)
{
    uint32_t value;

    memcpy(&value, p, sizeof(value));
    return value;
}

/* The table at a guest address, checked for signature and checksum. */
static const uint8_t *table(uint64_t address, const char *signature)
{
    const uint8_t *p = area + (address - LOW_ACPI);

    assert_in_range(address, LOW_ACPI, LOW_ACPI + sizeof(area) - 64);
    assert_memory_equal(p, signature, 4);
    assert_in_range(get32(p + 4), 36, sizeof(area) - (size_t)(p - area));
    if (strcmp(signature, "FACS") != 0)
        assert_int_equal(checksum8(p, get32(p + 4)), 0);
    return p;
}

static void acpi_tables_are_linked_and_sum_to_zero(void **state)
{
    const uint8_t *xsdt, *fadt, *madt;

    (void)state;
    assert_true(acpi_build(area, sizeof(area), 2) > 0);
    assert_memory_equal(area, "RSD PTR ", 8);
    assert_int_equal(checksum8(area, 20), 0);
    assert_int_equal(checksum8(area, 36), 0);
    xsdt = table(get32(area + 24), "XSDT");
    assert_int_equal(get32(xsdt + 4), 36 + 16);
    fadt = table(get32(xsdt + 36), "FACP");
    madt = table(get32(xsdt + 44), "APIC");
    table(get32(fadt + 36), "FACS");
    table(get32(fadt + 40), "DSDT");
    assert_int_equal(get32(fadt + 36) % 64, 0);
    assert_int_equal(fadt[46], 9); /* SCI */
    for (const uint8_t *entry = madt + 44; entry < madt + get32(madt + 4); entry += entry[1])
        assert_true(entry[1] >= 6);
}

/* AML packages nest, and end exactly where what holds them ends. */
static void dsdt_packages_fit(void **state)
{
    const uint8_t *dsdt;
    const uint8_t *scope, *device;
    uint32_t end;

    (void)state;
    assert_true(acpi_build(area, sizeof(area), 1) > 0);
    dsdt = table(get32(table(get32(table(get32(area + 24), "XSDT") + 36), "FACP") + 40), "DSDT");
    end = get32(dsdt + 4);
    scope = dsdt + 36 + 14;
    assert_int_equal(scope[0], 0x10);
    assert_int_equal((scope + 1) - dsdt + (scope[1] & 0xf) + (scope[2] << 4), end);
    device = scope + 8;
    assert_int_equal(device[0], 0x5b);
    assert_int_equal((device + 2) - dsdt + (device[2] & 0xf) + (device[3] << 4), end);
}

static void mp_tables_sum_to_zero(void **state)
{
    const uint8_t *header = area + 16;
    size_t length, entries = 0;

    (void)state;
    assert_true(mptable_build(area, sizeof(area), 2) > 0);
    assert_memory_equal(area, "_MP_", 4);
    assert_int_equal(checksum8(area, 16), 0);
    assert_int_equal(get32(area + 4), LOW_MPTABLE + 16);
    assert_memory_equal(header, "PCMP", 4);
    length = header[4] | (size_t)header[5] << 8;
    assert_int_equal(checksum8(header, length), 0);
    for (const uint8_t *entry = header + 44; entry < header + length; entries++)
        entry += entry[0] == 0 ? 20 : 8;
    assert_int_equal(entries, header[34] | header[35] << 8);
}

static void too_small_a_buffer_is_refused(void **state)
{
    (void)state;
    assert_int_equal(acpi_build(area, 512, 1), 0);
    assert_int_equal(mptable_build(area, 128, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acpi_tables_are_linked_and_sum_to_zero),
        cmocka_unit_test(dsdt_packages_fit),
        cmocka_unit_test(mp_tables_sum_to_zero),
        cmocka_unit_test(too_small_a_buffer_is_refused),
    };

    return cmocka_run_group_tests_name("vmm_firmware", tests, NULL, NULL);
}
