/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which device answers at which port or guest-physical address. There are two
 * buses, ports and memory; a device adds a range with its two handlers and is
 * called with the offset in that range. Nobody home: reads give all ones,
 * writes vanish, as on a PC.
 *
 * A bus is filled before the vCPUs run and not changed afterwards; the caller
 * holds the VM's device lock around bus_read() and bus_write().
 */
#pragma once

#include <stdint.h>

enum bus_width {
    BUS_BYTES, /* the device has 8-bit registers: wider accesses are split */
    BUS_WIDE   /* the device is called with the access as the guest made it */
};

struct bus_range {
    const char *name;
    uint64_t base;
    uint64_t length;
    enum bus_width width;
    uint32_t (*read)(void *device, uint32_t offset, unsigned size);
    void (*write)(void *device, uint32_t offset, unsigned size, uint32_t value);
    void *device;
    uint64_t reads, writes; /* statistics */
};

#define BUS_MAX_RANGES 16

struct bus {
    struct bus_range ranges[BUS_MAX_RANGES]; /* sorted by base */
    unsigned count;
    uint64_t stray_reads, stray_writes; /* at addresses where nobody lives */
};

/* Ranges may not overlap; a full bus or an overlap is a bug in the monitor (assert). */
void bus_add(struct bus *bus, const struct bus_range *range);

/* data is what the guest reads or writes, little-endian, size bytes: 1, 2, 4 or 8. */
void bus_read(struct bus *bus, uint64_t address, uint8_t *data, unsigned size);
void bus_write(struct bus *bus, uint64_t address, const uint8_t *data, unsigned size);
