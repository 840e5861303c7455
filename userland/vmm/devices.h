/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The small devices of the PC that Linux expects to find: clock chip, keyboard
 * controller (for its reset line), PCI configuration ports, ACPI power
 * management. Each adds its own ports to a bus; what they ask of the machine
 * goes through struct machine_ops. The caller holds the VM's device lock.
 */
#pragma once

#include "bus.h"

#include <stdbool.h>
#include <stdint.h>

struct machine_ops {
    void (*power_off)(void *ctx);
    void (*reset)(void *ctx, const char *by);
    void (*set_irq)(void *ctx, unsigned irq, bool high);
    void *ctx;
};

/* MC146818 clock with the memory sizes a PC's firmware leaves in its RAM. */
struct cmos {
    uint8_t index;
    uint8_t ram[128];
    int64_t offset_s; /* the guest's clock less the host's (UTC) */
};

void cmos_init(struct cmos *cmos, struct bus *ports, uint64_t memory_low, uint64_t memory_high);

struct i8042 {
    const struct machine_ops *machine;
};

void i8042_init(struct i8042 *kbd, struct bus *ports, const struct machine_ops *machine);

/* Configuration mechanism #1, a host bridge at 00:00.0, and the reset port 0xCF9. */
struct pci {
    const struct machine_ops *machine;
    uint32_t address;
    uint8_t bridge[256];
};

#define PCI_RESET_PORT  0xcf9u
#define PCI_RESET_VALUE 0x06u

void pci_init(struct pci *pci, struct bus *ports, const struct machine_ops *machine);

/* ACPI fixed hardware: PM1 events and control, PM timer. */
struct acpi_pm {
    const struct machine_ops *machine;
    uint16_t status, enable;
    uint64_t start_ns;
    bool pressed; /* the power button, and the guest has not seen it yet */
    bool sci;     /* level last set */
};

#define ACPI_PM_BASE  0x600u
#define ACPI_PM_EVENT (ACPI_PM_BASE + 0)
#define ACPI_PM_CNTRL (ACPI_PM_BASE + 4)
#define ACPI_PM_TIMER (ACPI_PM_BASE + 8)
#define ACPI_SCI_IRQ  9u
#define ACPI_S5_TYPE  5u /* sleep type that _S5 names */

void acpi_pm_init(struct acpi_pm *pm, struct bus *ports, const struct machine_ops *machine);
void acpi_pm_press_power_button(struct acpi_pm *pm);
