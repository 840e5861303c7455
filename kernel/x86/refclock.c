/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters of known frequency to measure the TSC by: HPET and ACPI's PM timer
 * where the tables name them, the PIT's second channel on any PC.
 *
 * They are used before mm_init() through the loader's direct map, which reaches
 * device memory below 4 GiB, and after refclock_remap() through a mapping of
 * their own.
 */
#include <kernel/mm.h>
#include <kernel/string.h>

#include "refclock.h"
#include "x86.h"

/* ---- HPET ---- */

#define HPET_CAPABILITIES 0x000 /* high half: femtoseconds in a tick */
#define HPET_CONFIG       0x010
#define HPET_COUNTER      0x0f0
#define HPET_ENABLE       BIT(0)
#define HPET_TABLE_BASE   44 /* offset of the address in the ACPI table */
#define FS_PER_SEC        1000000000000000ULL
#define HPET_PERIOD_MAX   100000000 /* fs, by its specification */

static paddr_t hpet_address;
static volatile uint8_t *hpet;

static uint64_t hpet_read(void)
{
    return *(volatile uint32_t *)(hpet + HPET_COUNTER);
}

static bool hpet_find(struct refclock *clock)
{
    const struct acpi_header *table = acpi_find("HPET");
    uint32_t period;

    if (table == NULL || table->length < HPET_TABLE_BASE + 8)
        return false;
    memcpy(&hpet_address, (const uint8_t *)table + HPET_TABLE_BASE, sizeof(hpet_address));
    if (hpet_address == 0 || hpet_address >= GIB(4))
        return false;
    hpet = phys_to_virt(hpet_address);
    period = *(volatile uint32_t *)(hpet + HPET_CAPABILITIES + 4);
    if (period == 0 || period > HPET_PERIOD_MAX)
        return false;
    *(volatile uint32_t *)(hpet + HPET_CONFIG) |= HPET_ENABLE;
    clock->hz = FS_PER_SEC / period;
    return true;
}

/* ---- ACPI power-management timer ---- */

#define FADT_PM_TMR_BLK 76

static uint16_t pm_timer_port;

static uint64_t pm_timer_read(void)
{
    return inl(pm_timer_port) & 0xffffff;
}

static bool pm_timer_find(struct refclock *clock)
{
    const struct acpi_header *fadt = acpi_find("FACP");
    uint32_t port;

    (void)clock;
    if (fadt == NULL || fadt->length < FADT_PM_TMR_BLK + 4)
        return false;
    memcpy(&port, (const uint8_t *)fadt + FADT_PM_TMR_BLK, sizeof(port));
    pm_timer_port = (uint16_t)port;
    return port != 0 && port <= 0xffff;
}

/* ---- PIT, channel 2: counts down and around, its output goes to the loudspeaker's gate ---- */

#define PIT_CHANNEL2     0x42
#define PIT_COMMAND      0x43
#define PIT_LATCH2       0x80
#define PIT_MODE0_2      0xb0 /* channel 2, low then high byte, mode 0 */
#define SPEAKER_PORT     0x61
#define SPEAKER_GATE     0x01
#define SPEAKER_DATA     0x02

static uint64_t pit_read(void)
{
    uint16_t count;

    outb(PIT_COMMAND, PIT_LATCH2);
    count = inb(PIT_CHANNEL2);
    count |= (uint16_t)(inb(PIT_CHANNEL2) << 8);
    return (uint16_t)(0xffff - count);
}

static bool pit_find(struct refclock *clock)
{
    (void)clock;
    outb(SPEAKER_PORT, (uint8_t)((inb(SPEAKER_PORT) & ~SPEAKER_DATA) | SPEAKER_GATE));
    outb(PIT_COMMAND, PIT_MODE0_2);
    outb(PIT_CHANNEL2, 0xff);
    outb(PIT_CHANNEL2, 0xff);
    return true;
}

/* ---- the list, best first ---- */

static struct {
    struct refclock clock;
    bool (*find)(struct refclock *clock); /* may fill in hz */
} refclocks[] = {
    {{"hpet", 0, 0xffffffff, 200, hpet_read, true}, hpet_find},
    {{"pm timer", 3579545, 0xffffff, 300, pm_timer_read, true}, pm_timer_find},
    {{"pit", 1193182, 0xffff, 600, pit_read, false}, pit_find},
};

const struct refclock *refclock_get(unsigned index)
{
    for (; index < ARRAY_SIZE(refclocks); index++)
        if (refclocks[index].find(&refclocks[index].clock))
            return &refclocks[index].clock;
    return NULL;
}

unsigned refclock_index(const struct refclock *clock)
{
    for (unsigned i = 0; i < ARRAY_SIZE(refclocks); i++)
        if (&refclocks[i].clock == clock)
            return i;
    return ARRAY_SIZE(refclocks);
}

void refclock_remap(void)
{
    if (hpet != NULL)
        hpet = kmap_device(hpet_address, PAGE_SIZE);
}
