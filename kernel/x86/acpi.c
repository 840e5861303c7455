/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ACPI's static tables, found by name. There is no AML interpreter, and there
 * may be no tables at all: every caller has another way.
 *
 * The tables are read where the firmware left them, through the direct map,
 * while the machine is still alone with us: their contents are believed, but
 * not their lengths beyond what is sane.
 */
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/string.h>

#include "x86.h"

#define TABLE_MAX MIB(1)

struct acpi_rsdp {
    char signature[8];
    uint8_t checksum;
    char oem[6];
    uint8_t revision;
    uint32_t rsdt;
    uint32_t length; /* from here on only with revision 2 */
    uint64_t xsdt;
} __packed;

static const struct acpi_header *root;
static unsigned entry_size; /* 8: XSDT, 4: RSDT */

static const struct acpi_header *table_at(paddr_t pa)
{
    const struct acpi_header *h = phys_to_virt(pa);

    if (pa == 0 || h->length < sizeof(*h) || h->length > TABLE_MAX)
        return NULL;
    return h;
}

void acpi_init(void)
{
    const struct acpi_rsdp *rsdp;

    if (boot.rsdp == 0) {
        log_info("acpi: no tables\n");
        return;
    }
    rsdp = phys_to_virt(boot.rsdp);
    if (rsdp->revision >= 2 && rsdp->xsdt != 0) {
        root = table_at(rsdp->xsdt);
        entry_size = 8;
    } else {
        root = table_at(rsdp->rsdt);
        entry_size = 4;
    }
    if (root == NULL)
        log_warn("acpi: root table damaged; carrying on without tables\n");
}

const struct acpi_header *acpi_find(const char *signature)
{
    const uint8_t *entry;
    unsigned count;

    if (root == NULL)
        return NULL;
    entry = (const uint8_t *)(root + 1);
    count = (root->length - sizeof(*root)) / entry_size;
    for (unsigned i = 0; i < count; i++, entry += entry_size) {
        const struct acpi_header *table;
        uint64_t pa = 0;

        memcpy(&pa, entry, entry_size);
        table = table_at(pa);
        if (table != NULL && memcmp(table->signature, signature, 4) == 0)
            return table;
    }
    return NULL;
}
