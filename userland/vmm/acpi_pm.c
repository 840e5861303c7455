/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ACPI fixed hardware ("ACPI Hardware Specification"): the PM1 event block with
 * the power button, PM1 control with its sleep command, and the PM timer. The
 * machine is always in ACPI mode (no SMI command port), and fixed hardware needs
 * no AML: one status bit and the SCI are the whole power button.
 */
#include "devices.h"

#include <string.h>
#include <time.h>

#define PM1_BUTTON   0x0100u /* PWRBTN_STS, PWRBTN_EN */
#define PM1_ENABLES  0x4721u
#define CNT_SCI_EN   0x0001u
#define CNT_SLP_TYPE(value) ((value) >> 10 & 7u)
#define CNT_SLP_EN   0x2000u
#define PM_TIMER_HZ  3579545u
#define NS_PER_S     1000000000u

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static void update_sci(struct acpi_pm *pm)
{
    bool high = (pm->status & pm->enable) != 0;

    if (high == pm->sci)
        return;
    pm->sci = high;
    pm->machine->set_irq(pm->machine->ctx, ACPI_SCI_IRQ, high);
}

static uint32_t timer_value(const struct acpi_pm *pm)
{
    uint64_t ns = now_ns() - pm->start_ns;

    return (uint32_t)(ns / NS_PER_S * PM_TIMER_HZ + ns % NS_PER_S * PM_TIMER_HZ / NS_PER_S);
}

/* Registers are 16 bits (timer 32); narrower reads get the bytes they ask for. */
static uint32_t pm_read(void *device, uint32_t offset, unsigned size)
{
    struct acpi_pm *pm = device;
    uint32_t events = pm->status | (uint32_t)pm->enable << 16;

    (void)size;
    if (offset < 4)
        return events >> 8 * offset;
    if (offset < 8)
        return (uint32_t)CNT_SCI_EN >> 8 * (offset - 4);
    return timer_value(pm) >> 8 * (offset - 8);
}

/*
 * A press is kept until the guest listens: drivers clear the status bit before they
 * enable the event, and a button pressed while the guest boots should not be lost.
 */
static void write_events(struct acpi_pm *pm, uint32_t mask, uint32_t value)
{
    uint16_t cleared = (uint16_t)(value & mask); /* write one to clear */

    if (cleared & pm->status & pm->enable & PM1_BUTTON)
        pm->pressed = false; /* seen */
    pm->status &= (uint16_t)~cleared;
    pm->enable = (uint16_t)((pm->enable & ~(mask >> 16)) | ((value & mask) >> 16));
    pm->enable &= PM1_ENABLES;
    if (pm->pressed && (pm->enable & PM1_BUTTON))
        pm->status |= PM1_BUTTON;
    update_sci(pm);
}

static void write_control(struct acpi_pm *pm, uint32_t value)
{
    if ((value & CNT_SLP_EN) && CNT_SLP_TYPE(value) == ACPI_S5_TYPE)
        pm->machine->power_off(pm->machine->ctx);
}

static void pm_write(void *device, uint32_t offset, unsigned size, uint32_t value)
{
    struct acpi_pm *pm = device;
    uint32_t mask = size == 4 ? UINT32_MAX : (1u << 8 * size) - 1;

    if (offset < 4)
        write_events(pm, mask << 8 * offset, value << 8 * offset);
    else if (offset < 6)
        write_control(pm, (value & mask) << 8 * (offset - 4));
}

void acpi_pm_press_power_button(struct acpi_pm *pm)
{
    pm->pressed = true;
    pm->status |= PM1_BUTTON;
    update_sci(pm);
}

void acpi_pm_init(struct acpi_pm *pm, struct bus *ports, const struct machine_ops *machine)
{
    const struct bus_range range = {
        .name = "acpi pm", .base = ACPI_PM_BASE, .length = 12, .width = BUS_WIDE,
        .read = pm_read, .write = pm_write, .device = pm,
    };

    memset(pm, 0, sizeof(*pm));
    pm->machine = machine;
    pm->start_ns = now_ns();
    bus_add(ports, &range);
}
