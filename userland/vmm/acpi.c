/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ACPI tables: RSDP -> XSDT -> FADT (-> DSDT, FACS) and MADT.
 *
 * The machine is a classic one, not "hardware-reduced": a guest may be booted
 * without IO-APIC or without kvmclock, and Linux then needs PIC, PIT and PM timer,
 * which it does not look for on reduced hardware. Power button and power-off are
 * fixed hardware (acpi_pm.c), so the AML is no more than _S5 and the PCI bus.
 *
 * IRQ n of the ISA bus is global interrupt n, IRQ 0 too: that is how KVM wires its
 * timer when nobody changes the routing. Only the SCI needs an override, as it is
 * level-triggered.
 */
#include "firmware.h"

#include "devices.h"

#include <string.h>

#define OEM_ID       "BULKHD"
#define OEM_TABLE_ID "BULKHEAD"
#define CREATOR_ID   "BLKH"

struct __attribute__((packed)) sdt_header {
    char signature[4];
    uint32_t length;
    uint8_t revision;
    uint8_t checksum;
    char oem_id[6];
    char oem_table_id[8];
    uint32_t oem_revision;
    char creator_id[4];
    uint32_t creator_revision;
};

struct __attribute__((packed)) rsdp {
    char signature[8];
    uint8_t checksum;
    char oem_id[6];
    uint8_t revision;
    uint32_t rsdt;
    uint32_t length;
    uint64_t xsdt;
    uint8_t extended_checksum;
    uint8_t reserved[3];
};

struct __attribute__((packed)) generic_address {
    uint8_t space; /* 1: system I/O */
    uint8_t bits;
    uint8_t bit_offset;
    uint8_t access; /* 1 byte, 2 word, 3 dword */
    uint64_t address;
};

struct __attribute__((packed)) fadt {
    struct sdt_header header;
    uint32_t facs;
    uint32_t dsdt;
    uint8_t reserved0;
    uint8_t preferred_profile;
    uint16_t sci_int;
    uint32_t smi_cmd;
    uint8_t acpi_enable, acpi_disable, s4bios_req, pstate_cnt;
    uint32_t pm1a_evt_blk, pm1b_evt_blk, pm1a_cnt_blk, pm1b_cnt_blk;
    uint32_t pm2_cnt_blk, pm_tmr_blk, gpe0_blk, gpe1_blk;
    uint8_t pm1_evt_len, pm1_cnt_len, pm2_cnt_len, pm_tmr_len;
    uint8_t gpe0_blk_len, gpe1_blk_len, gpe1_base, cst_cnt;
    uint16_t p_lvl2_lat, p_lvl3_lat, flush_size, flush_stride;
    uint8_t duty_offset, duty_width, day_alarm, month_alarm, century;
    uint16_t boot_arch;
    uint8_t reserved1;
    uint32_t flags;
    struct generic_address reset_reg;
    uint8_t reset_value;
    uint16_t arm_boot_arch;
    uint8_t minor_revision;
    uint64_t x_facs, x_dsdt;
    struct generic_address x_pm1a_evt, x_pm1b_evt, x_pm1a_cnt, x_pm1b_cnt;
    struct generic_address x_pm2_cnt, x_pm_tmr, x_gpe0, x_gpe1;
    struct generic_address sleep_control, sleep_status;
    uint64_t hypervisor_id;
};
_Static_assert(sizeof(struct fadt) == 276, "ACPI: Fixed ACPI Description Table, revision 6");

struct __attribute__((packed)) facs {
    char signature[4];
    uint32_t length;
    uint32_t hardware_signature;
    uint32_t waking_vector;
    uint32_t global_lock;
    uint32_t flags;
    uint64_t x_waking_vector;
    uint8_t version;
    uint8_t reserved[31];
};
_Static_assert(sizeof(struct facs) == 64, "ACPI: Firmware ACPI Control Structure");

struct __attribute__((packed)) madt {
    struct sdt_header header;
    uint32_t lapic_address;
    uint32_t flags;
};

struct __attribute__((packed)) madt_lapic {
    uint8_t type, length, processor, apic_id;
    uint32_t flags;
};

struct __attribute__((packed)) madt_ioapic {
    uint8_t type, length, id, reserved;
    uint32_t address;
    uint32_t gsi_base;
};

struct __attribute__((packed)) madt_override {
    uint8_t type, length, bus, source;
    uint32_t gsi;
    uint16_t flags;
};

struct __attribute__((packed)) madt_nmi {
    uint8_t type, length, processor;
    uint16_t flags;
    uint8_t lint;
};

enum { MADT_LAPIC = 0, MADT_IOAPIC = 1, MADT_OVERRIDE = 2, MADT_NMI = 4 };

#define SPACE_IO                1
#define FADT_WBINVD             (1u << 0)
#define FADT_PROC_C1            (1u << 2)
#define FADT_NO_SLEEP_BUTTON    (1u << 5)
#define FADT_RTC_NOT_FIXED      (1u << 6)
#define FADT_TIMER_32BIT        (1u << 8)
#define FADT_RESET_REG          (1u << 10)
#define BOOT_ARCH_LEGACY        (1u << 0) /* there are ISA devices; bit 1 clear: no keyboard */
#define BOOT_ARCH_NO_VGA        (1u << 2)
#define LATENCY_NO_C2           101
#define LATENCY_NO_C3           1001
#define CMOS_CENTURY            0x32
#define MADT_PCAT               1u /* both PICs are there, too */
#define LAPIC_ENABLED           1u
#define INTI_ACTIVE_HIGH_LEVEL  0x000du
#define ALL_PROCESSORS          0xff

/* clang-format off */
/*
 * The DSDT's code. In ASL:
 *
 *   Name (_S5, Package () { 5, 5, 0, 0 })          // sleep type for power-off: ACPI_S5_TYPE
 *   Scope (\_SB) {
 *       Device (PCI0) {
 *           Name (_HID, EisaId ("PNP0A03"))
 *           Name (_UID, Zero)
 *           Name (_CRS, ResourceTemplate () {
 *               WordBusNumber (ResourceProducer, , , , 0, 0, 0, 0, 1)
 *               IO (Decode16, 0x0CF8, 0x0CF8, 1, 8)
 *               WordIO (ResourceProducer, , , EntireRange, 0, 0x0D00, 0xFFFF, 0, 0xF300)
 *               DWordMemory (ResourceProducer, , , , NonCacheable, ReadWrite,
 *                            0, PCI_WINDOW_BASE, PCI_WINDOW_END, 0, size)
 *           })
 *       }
 *   }
 */
static const uint8_t dsdt_code[] = {
    0x08, '_', 'S', '5', '_',               /* Name (_S5_, */
    0x12, 0x08, 0x04,                       /*   Package, 8 bytes, 4 elements */
    0x0a, ACPI_S5_TYPE, 0x0a, ACPI_S5_TYPE, 0x00, 0x00,
    0x10, 0x4d, 0x06,                       /* Scope, 0x6d bytes from here */
    '\\', '_', 'S', 'B', '_',
    0x5b, 0x82, 0x44, 0x06,                 /*   Device, 0x64 bytes from here */
    'P', 'C', 'I', '0',
    0x08, '_', 'H', 'I', 'D',               /*     Name (_HID, */
    0x0c, 0x41, 0xd0, 0x0a, 0x03,           /*       EisaId ("PNP0A03") */
    0x08, '_', 'U', 'I', 'D', 0x00,
    0x08, '_', 'C', 'R', 'S',               /*     Name (_CRS, */
    0x11, 0x48, 0x04, 0x0a, 0x44,           /*       Buffer, 0x48 bytes from here, of 0x44 */
    0x88, 0x0d, 0x00, 0x02, 0x0c, 0x00,     /* word address space: bus numbers, min and max fixed */
        0x00, 0x00, 0x00, 0x00,             /*   granularity, min */
        0x00, 0x00, 0x00, 0x00, 0x01, 0x00, /*   max, translation, length */
    0x47, 0x01, 0xf8, 0x0c, 0xf8, 0x0c, 0x01, 0x08, /* ports 0xcf8..0xcff, the bridge's own */
    0x88, 0x0d, 0x00, 0x01, 0x0c, 0x03,     /* word address space: I/O, entire range */
        0x00, 0x00, 0x00, 0x0d,
        0xff, 0xff, 0x00, 0x00, 0x00, 0xf3,
    0x87, 0x17, 0x00, 0x00, 0x0c, 0x01,     /* dword address space: memory, read-write */
        0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0xc0,             /*   min: PCI_WINDOW_BASE */
        0xff, 0xff, 0xbf, 0xfe,             /*   max: PCI_WINDOW_END */
        0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0xc0, 0x3e,             /*   length */
    0x79, 0x00,                             /* end tag, checksum not used */
};
/* clang-format on */
_Static_assert(PCI_WINDOW_END - PCI_WINDOW_BASE + 1 == 0x3ec00000, "as in the DSDT's code");

/* Tables are laid out one after the other from LOW_ACPI, each on a 64-byte boundary. */
struct layout {
    uint8_t *buffer;
    size_t size;
    size_t used;
};

uint8_t checksum8(const void *data, size_t size)
{
    const uint8_t *bytes = data;
    uint8_t sum = 0;

    while (size-- > 0)
        sum = (uint8_t)(sum + *bytes++);
    return sum;
}

/* Room for size zeroed bytes, or NULL. */
static void *place(struct layout *layout, size_t size)
{
    size_t at = (layout->used + 63) & ~(size_t)63;

    if (at > layout->size || size > layout->size - at)
        return NULL;
    layout->used = at + size;
    return memset(layout->buffer + at, 0, size);
}

static uint32_t address_of(const struct layout *layout, const void *table)
{
    return LOW_ACPI + (uint32_t)((const uint8_t *)table - layout->buffer);
}

/* Fill a table's header when the rest of it is done. */
static void finish(void *table, const char *signature, size_t length, uint8_t revision)
{
    struct sdt_header *header = table;

    memcpy(header->signature, signature, 4);
    header->length = (uint32_t)length;
    header->revision = revision;
    memcpy(header->oem_id, OEM_ID, sizeof(header->oem_id));
    memcpy(header->oem_table_id, OEM_TABLE_ID, sizeof(header->oem_table_id));
    header->oem_revision = 1;
    memcpy(header->creator_id, CREATOR_ID, sizeof(header->creator_id));
    header->creator_revision = 1;
    header->checksum = 0;
    header->checksum = (uint8_t)-checksum8(table, length);
}

static struct generic_address io_register(uint64_t port, uint8_t bytes)
{
    return (struct generic_address){
        .space = SPACE_IO,
        .bits = (uint8_t)(8 * bytes),
        .access = bytes == 4 ? 3 : bytes,
        .address = port,
    };
}

static void fill_fadt(struct fadt *fadt, uint32_t facs, uint32_t dsdt)
{
    fadt->facs = facs;
    fadt->dsdt = dsdt;
    fadt->x_dsdt = dsdt;
    fadt->sci_int = ACPI_SCI_IRQ;
    fadt->pm1a_evt_blk = ACPI_PM_EVENT;
    fadt->pm1_evt_len = 4;
    fadt->pm1a_cnt_blk = ACPI_PM_CNTRL;
    fadt->pm1_cnt_len = 2;
    fadt->pm_tmr_blk = ACPI_PM_TIMER;
    fadt->pm_tmr_len = 4;
    fadt->p_lvl2_lat = LATENCY_NO_C2;
    fadt->p_lvl3_lat = LATENCY_NO_C3;
    fadt->century = CMOS_CENTURY;
    fadt->boot_arch = BOOT_ARCH_LEGACY | BOOT_ARCH_NO_VGA;
    fadt->flags = FADT_WBINVD | FADT_PROC_C1 | FADT_NO_SLEEP_BUTTON | FADT_RTC_NOT_FIXED |
                  FADT_TIMER_32BIT | FADT_RESET_REG;
    fadt->reset_reg = io_register(PCI_RESET_PORT, 1);
    fadt->reset_value = PCI_RESET_VALUE;
    fadt->x_pm1a_evt = io_register(ACPI_PM_EVENT, 4);
    fadt->x_pm1a_evt.access = 2;
    fadt->x_pm1a_cnt = io_register(ACPI_PM_CNTRL, 2);
    fadt->x_pm_tmr = io_register(ACPI_PM_TIMER, 4);
    memcpy(&fadt->hypervisor_id, OEM_TABLE_ID, sizeof(fadt->hypervisor_id));
}

static void fill_madt(struct madt *madt, unsigned ncpus)
{
    struct madt_lapic *lapic = (struct madt_lapic *)(madt + 1);
    struct madt_ioapic *ioapic = (struct madt_ioapic *)(lapic + ncpus);
    struct madt_override *sci = (struct madt_override *)(ioapic + 1);
    struct madt_nmi *nmi = (struct madt_nmi *)(sci + 1);

    madt->lapic_address = LAPIC_BASE;
    madt->flags = MADT_PCAT;
    for (unsigned i = 0; i < ncpus; i++)
        lapic[i] = (struct madt_lapic){ .type = MADT_LAPIC, .length = sizeof(*lapic),
                                        .processor = (uint8_t)i, .apic_id = (uint8_t)i,
                                        .flags = LAPIC_ENABLED };
    *ioapic = (struct madt_ioapic){ .type = MADT_IOAPIC, .length = sizeof(*ioapic),
                                    .id = (uint8_t)ncpus, .address = IOAPIC_BASE };
    *sci = (struct madt_override){ .type = MADT_OVERRIDE, .length = sizeof(*sci),
                                   .source = ACPI_SCI_IRQ, .gsi = ACPI_SCI_IRQ,
                                   .flags = INTI_ACTIVE_HIGH_LEVEL };
    *nmi = (struct madt_nmi){ .type = MADT_NMI, .length = sizeof(*nmi),
                              .processor = ALL_PROCESSORS, .lint = 1 };
}

static void fill_rsdp(struct rsdp *rsdp, uint32_t xsdt)
{
    memcpy(rsdp->signature, "RSD PTR ", 8);
    memcpy(rsdp->oem_id, OEM_ID, sizeof(rsdp->oem_id));
    rsdp->revision = 2;
    rsdp->length = sizeof(*rsdp);
    rsdp->xsdt = xsdt;
    rsdp->checksum = (uint8_t)-checksum8(rsdp, 20); /* the part that ACPI 1.0 knew */
    rsdp->extended_checksum = (uint8_t)-checksum8(rsdp, sizeof(*rsdp));
}

size_t acpi_build(uint8_t *buffer, size_t size, unsigned ncpus)
{
    struct layout layout = { buffer, size, 0 };
    size_t dsdt_size = sizeof(struct sdt_header) + sizeof(dsdt_code);
    size_t xsdt_size = sizeof(struct sdt_header) + 2 * sizeof(uint64_t);
    size_t madt_size = sizeof(struct madt) + ncpus * sizeof(struct madt_lapic) +
                       sizeof(struct madt_ioapic) + sizeof(struct madt_override) +
                       sizeof(struct madt_nmi);
    struct rsdp *rsdp = place(&layout, sizeof(*rsdp));
    struct facs *facs = place(&layout, sizeof(*facs));
    uint8_t *dsdt = place(&layout, dsdt_size);
    struct fadt *fadt = place(&layout, sizeof(*fadt));
    struct madt *madt = place(&layout, madt_size);
    uint8_t *xsdt = place(&layout, xsdt_size);
    uint64_t entries[2];

    if (rsdp == NULL || facs == NULL || dsdt == NULL || fadt == NULL || madt == NULL ||
        xsdt == NULL)
        return 0;

    memcpy(facs->signature, "FACS", 4);
    facs->length = sizeof(*facs);
    facs->version = 1;

    memcpy(dsdt + sizeof(struct sdt_header), dsdt_code, sizeof(dsdt_code));
    finish(dsdt, "DSDT", dsdt_size, 2);

    fill_fadt(fadt, address_of(&layout, facs), address_of(&layout, dsdt));
    finish(fadt, "FACP", sizeof(*fadt), 6);

    fill_madt(madt, ncpus);
    finish(madt, "APIC", madt_size, 4);

    entries[0] = address_of(&layout, fadt);
    entries[1] = address_of(&layout, madt);
    memcpy(xsdt + sizeof(struct sdt_header), entries, sizeof(entries));
    finish(xsdt, "XSDT", xsdt_size, 1);

    fill_rsdp(rsdp, address_of(&layout, xsdt));
    return layout.used;
}
