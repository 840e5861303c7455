/* SPDX-License-Identifier: BSD-2-Clause */
/* Address decoding: see bus.h. */
#include "bus.h"

#include <assert.h>
#include <string.h>

void bus_add(struct bus *bus, const struct bus_range *range)
{
    unsigned i = bus->count;

    assert(bus->count < BUS_MAX_RANGES && range->length > 0);
    while (i > 0 && bus->ranges[i - 1].base > range->base)
        i--;
    assert(i == 0 || bus->ranges[i - 1].base + bus->ranges[i - 1].length <= range->base);
    assert(i == bus->count || range->base + range->length <= bus->ranges[i].base);
    memmove(&bus->ranges[i + 1], &bus->ranges[i], (bus->count - i) * sizeof(*range));
    bus->ranges[i] = *range;
    bus->count++;
}

/* The range that holds address, or NULL. */
static struct bus_range *find(struct bus *bus, uint64_t address)
{
    unsigned low = 0, high = bus->count;

    while (low < high) {
        unsigned middle = (low + high) / 2;
        struct bus_range *range = &bus->ranges[middle];

        if (address < range->base)
            high = middle;
        else if (address - range->base >= range->length)
            low = middle + 1;
        else
            return range;
    }
    return NULL;
}

/*
 * How many of size bytes at address one handler call can take: the device's
 * register width, and never past the end of its range.
 */
static unsigned step(const struct bus_range *range, uint64_t address, unsigned size)
{
    uint64_t left = range->base + range->length - address;

    if (range->width == BUS_BYTES || size > 4 || left < size)
        return range->width == BUS_WIDE && size == 8 && left >= 4 ? 4 : 1;
    return size;
}

void bus_read(struct bus *bus, uint64_t address, uint8_t *data, unsigned size)
{
    while (size > 0) {
        struct bus_range *range = find(bus, address);
        unsigned n = range != NULL ? step(range, address, size) : 1;
        uint32_t value = UINT32_MAX;

        if (range != NULL) {
            range->reads++;
            value = range->read(range->device, (uint32_t)(address - range->base), n);
        } else {
            bus->stray_reads++;
        }
        memcpy(data, &value, n);
        address += n;
        data += n;
        size -= n;
    }
}

void bus_write(struct bus *bus, uint64_t address, const uint8_t *data, unsigned size)
{
    while (size > 0) {
        struct bus_range *range = find(bus, address);
        unsigned n = range != NULL ? step(range, address, size) : 1;
        uint32_t value = 0;

        memcpy(&value, data, n);
        if (range != NULL) {
            range->writes++;
            range->write(range->device, (uint32_t)(address - range->base), n, value);
        } else {
            bus->stray_writes++;
        }
        address += n;
        data += n;
        size -= n;
    }
}
