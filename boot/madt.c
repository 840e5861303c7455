/* SPDX-License-Identifier: BSD-2-Clause */
/* CPUs in the ACPI "Multiple APIC Description Table". */
#include <string.h>

#include "loader.h"

#define MADT_HEADER       44 /* ACPI table header, local APIC address, flags */
#define MADT_LOCAL_APIC   0
#define MADT_LOCAL_X2APIC 9
#define MADT_CPU_ENABLED  1u

static uint32_t read32(const uint8_t *p)
{
    uint32_t value;

    memcpy(&value, p, sizeof(value));
    return value;
}

unsigned int madt_cpus(const void *madt, uint64_t length, uint32_t bsp_apic_id,
                       struct boot_cpu *out, unsigned int max)
{
    const uint8_t *p = (const uint8_t *)madt + MADT_HEADER;
    const uint8_t *end = (const uint8_t *)madt + length;
    unsigned int count = 0;

    if (length < MADT_HEADER)
        return 0;
    for (; end - p >= 2 && p[1] >= 2 && p[1] <= end - p; p += p[1]) {
        uint32_t id, flags;
        bool known = false;

        if (p[0] == MADT_LOCAL_APIC && p[1] >= 8) {
            id = p[3];
            flags = read32(p + 4);
        } else if (p[0] == MADT_LOCAL_X2APIC && p[1] >= 16) {
            id = read32(p + 4);
            flags = read32(p + 8);
        } else {
            continue;
        }
        /* Some firmware lists a CPU in both forms. */
        for (unsigned int i = 0; i < count; i++)
            known |= out[i].apic_id == id;
        if (known || !(flags & MADT_CPU_ENABLED) || count == max)
            continue;
        out[count].apic_id = id;
        out[count].flags = BOOT_CPU_ENABLED | (id == bsp_apic_id ? BOOT_CPU_BSP : 0);
        count++;
    }
    return count;
}
