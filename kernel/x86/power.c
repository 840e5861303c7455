/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Turning the machine off and starting it again: first by the firmware, then by
 * what is left. ACPI's own way would need its AML interpreted.
 */
#include <kernel/log.h>

#include "x86.h"

#define QEMU_PM1A_CONTROL 0x604 /* ICH9's, as QEMU's q35 places it */
#define PM1_SLEEP_S5      0x2000
#define BOCHS_SHUTDOWN    0x8900
#define KEYBOARD_COMMAND  0x64
#define KEYBOARD_RESET    0xfe
#define RESET_CONTROL     0xcf9
#define RESET_HARD        0x02
#define RESET_NOW         0x06

static void outw(uint16_t port, uint16_t v)
{
    __asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port));
}

static __noreturn void halt(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

void machine_power_off(void)
{
    log_info("power: off\n");
    efi_reset(EFI_RESET_SHUTDOWN);

    outw(QEMU_PM1A_CONTROL, PM1_SLEEP_S5);
    for (const char *s = "Shutdown"; *s != '\0'; s++)
        outb(BOCHS_SHUTDOWN, (uint8_t)*s);
    early_console_write("It is now safe to turn the machine off.\n", 40);
    halt();
}

void machine_reboot(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __packed no_idt = {0, 0};

    log_info("power: reboot\n");
    efi_reset(EFI_RESET_COLD);

    outb(RESET_CONTROL, RESET_HARD);
    outb(RESET_CONTROL, RESET_NOW);
    outb(KEYBOARD_COMMAND, KEYBOARD_RESET);
    /* A fault that cannot be delivered resets any PC. */
    __asm__ volatile("lidt %0; int3" : : "m"(no_idt));
    halt();
}
