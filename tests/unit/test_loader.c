/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of the UEFI loader that need no firmware. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "boot/loader.h"

#define WB EFI_MEMORY_WB

static EFI_MEMORY_DESCRIPTOR firmware(uint32_t type, uint64_t base, uint64_t pages, uint64_t attribute)
{
    return (EFI_MEMORY_DESCRIPTOR){
        .Type = type, .PhysicalStart = base, .NumberOfPages = pages, .Attribute = attribute};
}

static void assert_range(const struct boot_memory *range, uint64_t base, uint64_t end, uint32_t type)
{
    assert_int_equal(range->base, base);
    assert_int_equal(range->base + range->length, end);
    assert_int_equal(range->type, type);
}

static void map_is_sorted_and_merged(void **state)
{
    EFI_MEMORY_DESCRIPTOR map[] = {
        firmware(EfiConventionalMemory, 0x100000, 0x100, WB),
        firmware(EfiACPIReclaimMemory, 0x300000, 1, WB),
        firmware(EfiBootServicesData, 0, 0xa0, WB),
        firmware(EfiLoaderCode, 0x200000, 0x100, WB),
        firmware(EfiConventionalMemory, 0x400000, 1, EFI_MEMORY_UC),
        firmware(EfiMemoryMappedIO, 0xfec00000, 1, EFI_MEMORY_UC),
    };
    struct boot_memory out[16];

    (void)state;
    assert_int_equal(memory_map_build(map, sizeof(map), sizeof(map[0]), NULL, 0, out, 16), 5);
    assert_range(&out[0], 0, 0xa0000, BOOT_MEM_USABLE);
    assert_range(&out[1], 0x100000, 0x300000, BOOT_MEM_USABLE);
    assert_range(&out[2], 0x300000, 0x301000, BOOT_MEM_ACPI_RECLAIM);
    assert_range(&out[3], 0x400000, 0x401000, BOOT_MEM_RESERVED);
    assert_range(&out[4], 0xfec00000, 0xfec01000, BOOT_MEM_MMIO);
}

static void own_ranges_override(void **state)
{
    EFI_MEMORY_DESCRIPTOR map[] = {
        firmware(EfiConventionalMemory, 0x100000, 0x100, WB),
        firmware(EfiLoaderData, 0x200000, 0x100, WB),
    };
    struct boot_memory own[] = {
        {.base = 0x1ff000, .length = 0x3000, .type = BOOT_MEM_KERNEL}, /* across two */
        {.base = 0x280000, .length = 0x1000, .type = BOOT_MEM_USABLE}, /* given back */
        {.base = 0x2ff000, .length = 0x1000, .type = BOOT_MEM_MODULE}, /* at the end */
        {.base = 0x120000, .length = 0x1000, .type = BOOT_MEM_LOADER}, /* in the middle */
    };
    struct boot_memory out[16];

    (void)state;
    assert_int_equal(memory_map_build(map, sizeof(map), sizeof(map[0]), own, 4, out, 16), 6);
    assert_range(&out[0], 0x100000, 0x120000, BOOT_MEM_USABLE);
    assert_range(&out[1], 0x120000, 0x121000, BOOT_MEM_LOADER);
    assert_range(&out[2], 0x121000, 0x1ff000, BOOT_MEM_USABLE);
    assert_range(&out[3], 0x1ff000, 0x202000, BOOT_MEM_KERNEL);
    assert_range(&out[4], 0x202000, 0x2ff000, BOOT_MEM_USABLE);
    assert_range(&out[5], 0x2ff000, 0x300000, BOOT_MEM_MODULE);
    assert_int_equal(memory_map_build(map, sizeof(map), sizeof(map[0]), own, 4, out, 4), 0);
}

/* Any map at all: against a page-by-page model. */
static void random_maps_match_a_model(void **state)
{
    (void)state;
    srand(1);
    for (int round = 0; round < 3000; round++) {
        EFI_MEMORY_DESCRIPTOR map[8];
        struct boot_memory own[4], out[64];
        uint8_t model[64] = {0};
        unsigned int count, page = 0;

        for (int i = 0; i < 8; i++) {
            unsigned int first = rand() % 60, pages = rand() % (64 - first);
            bool reserved = rand() % 2;

            map[i] = firmware(reserved ? EfiReservedMemoryType : EfiConventionalMemory,
                              first * PAGE_BYTES, pages, WB);
            memset(model + first, reserved ? BOOT_MEM_RESERVED : BOOT_MEM_USABLE, pages);
        }
        for (int i = 0; i < 4; i++) {
            unsigned int first = rand() % 60, pages = 1 + rand() % 4;

            own[i] = (struct boot_memory){.base = first * PAGE_BYTES,
                                          .length = pages * PAGE_BYTES,
                                          .type = BOOT_MEM_LOADER + rand() % 3};
            memset(model + first, (int)own[i].type, pages);
        }
        count = memory_map_build(map, sizeof(map), sizeof(map[0]), own, 4, out, 64);
        assert_true(count > 0);
        for (unsigned int i = 0; i < count; i++) {
            for (; page < out[i].base / PAGE_BYTES; page++)
                assert_int_equal(model[page], 0);
            if (i > 0 && out[i - 1].base + out[i - 1].length == out[i].base)
                assert_int_not_equal(out[i - 1].type, out[i].type);
            for (; page < (out[i].base + out[i].length) / PAGE_BYTES; page++)
                assert_int_equal(model[page], out[i].type);
        }
        for (; page < 64; page++)
            assert_int_equal(model[page], 0);
    }
}

struct image {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
    struct {
        uint32_t type, flags;
        uint64_t offset, vaddr, paddr, filesz, memsz, align;
    } segment[2];
    uint8_t data[64];
};

static struct image good_image(void)
{
    struct image image = {
        .ident = {0x7f, 'E', 'L', 'F', 2, 1, 1},
        .type = 2,
        .machine = 62,
        .entry = BOOT_KERNEL_BASE + 0x1004,
        .phoff = offsetof(struct image, segment),
        .phentsize = sizeof(image.segment[0]),
        .phnum = 2,
    };

    memset(image.data, 0xaa, sizeof(image.data));
    for (int i = 0; i < 2; i++) {
        image.segment[i].type = 1;
        image.segment[i].vaddr = BOOT_KERNEL_BASE + 0x1000 * (i + 1);
        image.segment[i].offset = offsetof(struct image, data) + 32 * i;
        image.segment[i].filesz = 32;
        image.segment[i].memsz = i == 0 ? 32 : 0x1800;
    }
    return image;
}

static void kernel_is_laid_out_and_the_rest_zeroed(void **state)
{
    struct image image = good_image();
    static uint8_t memory[0x4000];
    struct elf_image out;

    (void)state;
    assert_null(elf_check(&image, sizeof(image), &out));
    assert_int_equal(out.entry, BOOT_KERNEL_BASE + 0x1004);
    assert_int_equal(out.length, 0x4000);
    memset(memory, 0x55, sizeof(memory));
    elf_load(&image, memory, &out);
    for (unsigned int i = 0; i < sizeof(memory); i++) {
        bool data = (i >= 0x1000 && i < 0x1020) || (i >= 0x2000 && i < 0x2020);

        assert_int_equal(memory[i], data ? 0xaa : 0);
    }
}

static void bad_kernels_are_refused(void **state)
{
    struct elf_image out;
    struct image image;

#define REFUSES(change, text)                                                                      \
    do {                                                                                           \
        image = good_image();                                                                      \
        change;                                                                                    \
        assert_string_equal(elf_check(&image, sizeof(image), &out), text);                         \
    } while (0)

    (void)state;
    REFUSES(image.ident[1] = 'F', "not a 64-bit ELF file");
    REFUSES(image.ident[4] = 1, "not a 64-bit ELF file");
    REFUSES(image.type = 3, "not an x86-64 executable");
    REFUSES(image.phoff = sizeof(image), "truncated or damaged (program headers)");
    REFUSES(image.phoff = UINT64_MAX - 7, "truncated or damaged (program headers)");
    REFUSES(image.phnum = 0xffff, "truncated or damaged (program headers)");
    REFUSES(image.segment[1].offset = sizeof(image), "truncated or damaged (segments)");
    REFUSES(image.segment[1].offset = UINT64_MAX, "truncated or damaged (segments)");
    REFUSES(image.segment[1].filesz = 0x1801, "truncated or damaged (segments)");
    REFUSES(image.segment[1].vaddr = 0x1000, "linked outside the kernel's addresses");
    REFUSES(image.segment[1].memsz = UINT64_MAX, "linked outside the kernel's addresses");
    REFUSES(image.entry = BOOT_KERNEL_BASE, "no code at the entry point");
    REFUSES(image.phnum = 0, "no code at the entry point");
    assert_string_equal(elf_check("", 0, &out), "not a 64-bit ELF file");
#undef REFUSES
}

static void madt_lists_enabled_cpus_once(void **state)
{
    static const uint8_t entries[] = {
        0, 8, 0, 3, 1, 0, 0, 0,                               /* APIC id 3, enabled */
        1, 12, 2, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0,            /* an IOAPIC */
        0, 8, 1, 4, 2, 0, 0, 0,                               /* online capable only */
        9, 16, 0, 0, 0x2c, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,   /* x2APIC id 300 */
        9, 16, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,      /* 3 once more */
        0, 8, 1, 5,                                           /* cut off */
    };
    uint8_t madt[44 + sizeof(entries)] = {0};
    struct boot_cpu cpus[4];

    (void)state;
    memcpy(madt + 44, entries, sizeof(entries));
    assert_int_equal(madt_cpus(madt, sizeof(madt), 300, cpus, 4), 2);
    assert_int_equal(cpus[0].apic_id, 3);
    assert_int_equal(cpus[0].flags, BOOT_CPU_ENABLED);
    assert_int_equal(cpus[1].apic_id, 300);
    assert_int_equal(cpus[1].flags, BOOT_CPU_ENABLED | BOOT_CPU_BSP);
    assert_int_equal(madt_cpus(madt, sizeof(madt), 300, cpus, 1), 1);
    assert_int_equal(madt_cpus(madt, 20, 300, cpus, 4), 0);
    madt[45] = 0; /* a length of zero must not loop */
    assert_int_equal(madt_cpus(madt, sizeof(madt), 300, cpus, 4), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(map_is_sorted_and_merged),
        cmocka_unit_test(own_ranges_override),
        cmocka_unit_test(random_maps_match_a_model),
        cmocka_unit_test(kernel_is_laid_out_and_the_rest_zeroed),
        cmocka_unit_test(bad_kernels_are_refused),
        cmocka_unit_test(madt_lists_enabled_cpus_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
