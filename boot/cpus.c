/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which CPUs there are. ACPI's MADT says it on nearly every machine; firmware
 * without ACPI tables (Bochs) still offers EDK II's MP services, which can be
 * asked only now, before boot services end.
 */
#include "loader.h"

/* From the PI specification, volume 2, "MP Services Protocol"; gnu-efi has no header for it. */
struct processor_information {
    uint64_t id; /* local APIC id */
    uint32_t status;
    uint32_t package, core, thread;
    uint32_t extended[6]; /* newer revisions write more */
};
#define PROCESSOR_IS_BSP  1u
#define PROCESSOR_ENABLED 2u
#define PROCESSOR_HEALTHY 4u

struct mp_services {
    EFI_STATUS(EFIAPI *get_number_of_processors)
    (struct mp_services *self, UINTN *count, UINTN *enabled);
    EFI_STATUS(EFIAPI *get_processor_info)
    (struct mp_services *self, UINTN index, struct processor_information *out);
};

static EFI_GUID mp_services_guid = {
    0x3fdda605, 0xa76e, 0x4f46, {0xad, 0x29, 0x12, 0xf4, 0x53, 0x1b, 0x3d, 0x08}};

struct acpi_header {
    char signature[4];
    uint32_t length;
    uint8_t revision, checksum;
    char oem[6], oem_table[8];
    uint32_t oem_revision, creator, creator_revision;
};
_Static_assert(sizeof(struct acpi_header) == 36, "ACPI table header");

uint64_t cpus_rsdp(void)
{
    EFI_GUID acpi2 = ACPI_20_TABLE_GUID, acpi1 = ACPI_TABLE_GUID;
    void *rsdp;

    if (!EFI_ERROR(LibGetSystemConfigurationTable(&acpi2, &rsdp)) ||
        !EFI_ERROR(LibGetSystemConfigurationTable(&acpi1, &rsdp)))
        return (uintptr_t)rsdp;
    return 0;
}

/* The root tables list 32-bit (RSDT) or 64-bit (XSDT) addresses, the latter not aligned. */
static const struct acpi_header *acpi_find(uint64_t rsdp, const char *signature)
{
    const uint8_t *root_pointer = (const uint8_t *)(uintptr_t)rsdp;
    const struct acpi_header *root, *table;
    uint64_t address = 0;
    uint32_t width = 4;

    CopyMem(&address, root_pointer + 16, 4);
    if (root_pointer[15] >= 2) {
        width = 8;
        CopyMem(&address, root_pointer + 24, 8);
    }
    root = (const void *)(uintptr_t)address;
    if (root == NULL)
        return NULL;
    for (uint32_t at = sizeof(*root); at + width <= root->length; at += width) {
        address = 0;
        CopyMem(&address, (const uint8_t *)root + at, width);
        table = (const void *)(uintptr_t)address;
        if (table != NULL && CompareMem(table->signature, signature, 4) == 0)
            return table;
    }
    return NULL;
}

static uint32_t own_apic_id(void)
{
    uint32_t r[4];

    cpuid(0, 0, r);
    if (r[0] >= 0xb) {
        cpuid(0xb, 0, r);
        if (r[1] != 0)
            return r[3];
    }
    cpuid(1, 0, r);
    return r[1] >> 24;
}

static unsigned int from_mp_services(struct boot_cpu *out, unsigned int max)
{
    struct mp_services *mp;
    unsigned int found = 0;
    UINTN count, enabled;

    if (EFI_ERROR(BS->LocateProtocol(&mp_services_guid, NULL, (void **)&mp)) ||
        EFI_ERROR(mp->get_number_of_processors(mp, &count, &enabled)))
        return 0;
    for (UINTN i = 0; i < count && found < max; i++) {
        struct processor_information cpu = {0};

        if (EFI_ERROR(mp->get_processor_info(mp, i, &cpu)) || !(cpu.status & PROCESSOR_ENABLED) ||
            !(cpu.status & PROCESSOR_HEALTHY))
            continue;
        out[found].apic_id = (uint32_t)cpu.id;
        out[found].flags =
            BOOT_CPU_ENABLED | (cpu.status & PROCESSOR_IS_BSP ? BOOT_CPU_BSP : 0);
        found++;
    }
    return found;
}

unsigned int cpus_find(uint64_t rsdp, struct boot_cpu *out, unsigned int max)
{
    const struct acpi_header *madt = rsdp != 0 ? acpi_find(rsdp, "APIC") : NULL;
    unsigned int count = 0, boot = 0;
    struct boot_cpu swap;

    if (madt != NULL)
        count = madt_cpus(madt, madt->length, own_apic_id(), out, max);
    if (count == 0)
        count = from_mp_services(out, max);
    while (boot < count && !(out[boot].flags & BOOT_CPU_BSP))
        boot++;
    if (boot == count) {
        /* Nobody knows the CPU we run on: believe the CPU. */
        out[0] = (struct boot_cpu){own_apic_id(), BOOT_CPU_ENABLED | BOOT_CPU_BSP};
        return 1;
    }
    swap = out[0];
    out[0] = out[boot];
    out[boot] = swap;
    return count;
}
