/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PCI configuration space by mechanism #1: the address goes to 0xCF8 as 32 bits,
 * the data through 0xCFC..0xCFF. One device is there, a host bridge at 00:00.0,
 * so that a guest finds a bus; all else reads as ones. Port 0xCF9, between the
 * two, is the chipset's reset control register, which ACPI's FADT names.
 */
#include "devices.h"

#include <string.h>

#define PORT_ADDRESS   0xcf8u
#define PORT_DATA      0xcfcu
#define ADDRESS_ENABLE 0x80000000u
#define ADDRESS_MASK   0x80fffffcu
#define RESET_CPU      0x04u

/* Intel's 440FX number with Red Hat's subsystem: the bridge every guest knows and leaves alone. */
#define BRIDGE_VENDOR    0x8086u
#define BRIDGE_DEVICE    0x1237u
#define BRIDGE_SUBVENDOR 0x1af4u
#define BRIDGE_SUBSYSTEM 0x1100u
#define CLASS_HOST       0x0600u

enum {
    CFG_VENDOR = 0x00,
    CFG_DEVICE = 0x02,
    CFG_COMMAND = 0x04,
    CFG_CLASS = 0x0a,
    CFG_SUBVENDOR = 0x2c,
    CFG_SUBSYSTEM = 0x2e,
};

static void store16(uint8_t *p, unsigned value)
{
    p[0] = (uint8_t)value;
    p[1] = (uint8_t)(value >> 8);
}

static uint32_t address_read(void *device, uint32_t offset, unsigned size)
{
    struct pci *pci = device;

    if (offset == 0 && size == 4)
        return pci->address;
    return offset == 1 ? 0 : UINT32_MAX; /* reset control reads as idle */
}

static void address_write(void *device, uint32_t offset, unsigned size, uint32_t value)
{
    struct pci *pci = device;

    if (offset == 0 && size == 4)
        pci->address = value & ADDRESS_MASK;
    else if (offset == 1 && size == 1 && (value & RESET_CPU))
        pci->machine->reset(pci->machine->ctx, "reset port 0xcf9");
}

/* The register bytes of the device that the address selects, or NULL. */
static uint8_t *selected(struct pci *pci, uint32_t offset, unsigned size)
{
    uint32_t where = (pci->address & 0xfc) + offset;

    if (!(pci->address & ADDRESS_ENABLE) || (pci->address & 0x00ffff00) != 0)
        return NULL;
    if (where + size > sizeof(pci->bridge))
        return NULL;
    return pci->bridge + where;
}

static uint32_t data_read(void *device, uint32_t offset, unsigned size)
{
    const uint8_t *bytes = selected(device, offset, size);
    uint32_t value = UINT32_MAX;

    if (bytes != NULL) {
        value = 0;
        memcpy(&value, bytes, size);
    }
    return value;
}

/* The bridge has nothing to set up: its command register alone keeps what it is given. */
static void data_write(void *device, uint32_t offset, unsigned size, uint32_t value)
{
    struct pci *pci = device;
    uint8_t *bytes = selected(pci, offset, size);

    if (bytes == pci->bridge + CFG_COMMAND && size <= 4)
        store16(bytes, value & 0x0547);
}

void pci_init(struct pci *pci, struct bus *ports, const struct machine_ops *machine)
{
    const struct bus_range address = {
        .name = "pci address", .base = PORT_ADDRESS, .length = 4, .width = BUS_WIDE,
        .read = address_read, .write = address_write, .device = pci,
    };
    const struct bus_range data = {
        .name = "pci data", .base = PORT_DATA, .length = 4, .width = BUS_WIDE,
        .read = data_read, .write = data_write, .device = pci,
    };

    memset(pci, 0, sizeof(*pci));
    pci->machine = machine;
    store16(pci->bridge + CFG_VENDOR, BRIDGE_VENDOR);
    store16(pci->bridge + CFG_DEVICE, BRIDGE_DEVICE);
    store16(pci->bridge + CFG_CLASS, CLASS_HOST);
    store16(pci->bridge + CFG_SUBVENDOR, BRIDGE_SUBVENDOR);
    store16(pci->bridge + CFG_SUBSYSTEM, BRIDGE_SUBSYSTEM);
    bus_add(ports, &address);
    bus_add(ports, &data);
}
