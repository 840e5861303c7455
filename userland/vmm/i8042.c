/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keyboard controller of a machine without a keyboard. What is left of it is
 * the reset line: command 0xFE restarts the machine.
 *
 * A driver that looks for a keyboard should find out fast that there is none,
 * since each try costs it time-outs. So the status port always says that there is
 * a byte to fetch, however many were fetched: drivers give up after a few.
 * "Input buffer full" is clear, because a guest waits for that before the reset.
 */
#include "devices.h"

#define PORT_DATA      0x60u
#define PORT_STATUS    0x64u
#define STATUS_IBF     0x02u
#define COMMAND_PULSE  0xf0u /* low four bits: lines to leave alone; bit 0 is reset */
#define LINE_RESET     0x01u

static uint32_t nothing_read(void *device, uint32_t offset, unsigned size)
{
    (void)device, (void)offset, (void)size;
    return 0xff;
}

static void nothing_write(void *device, uint32_t offset, unsigned size, uint32_t value)
{
    (void)device, (void)offset, (void)size, (void)value;
}

static uint32_t status_read(void *device, uint32_t offset, unsigned size)
{
    (void)device, (void)offset, (void)size;
    return 0xff & ~STATUS_IBF;
}

static void command_write(void *device, uint32_t offset, unsigned size, uint32_t value)
{
    struct i8042 *kbd = device;

    (void)offset, (void)size;
    if ((value & COMMAND_PULSE) == COMMAND_PULSE && !(value & LINE_RESET))
        kbd->machine->reset(kbd->machine->ctx, "keyboard controller");
}

void i8042_init(struct i8042 *kbd, struct bus *ports, const struct machine_ops *machine)
{
    const struct bus_range data = {
        .name = "i8042 data", .base = PORT_DATA, .length = 1, .width = BUS_BYTES,
        .read = nothing_read, .write = nothing_write, .device = kbd,
    };
    const struct bus_range command = {
        .name = "i8042", .base = PORT_STATUS, .length = 1, .width = BUS_BYTES,
        .read = status_read, .write = command_write, .device = kbd,
    };

    kbd->machine = machine;
    bus_add(ports, &data);
    bus_add(ports, &command);
}
