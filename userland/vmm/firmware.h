/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a PC's firmware would leave in low memory: where it is, and who writes it.
 * The memory map that the guest gets (linux_boot.c) keeps these areas out of its RAM.
 */
#pragma once

#include "memory.h"

#include <stddef.h>

/* Guest-physical addresses below 1 MiB. */
#define LOW_GDT        0x1000u
#define LOW_ZERO_PAGE  0x2000u
#define LOW_PAGE_TABLE 0x3000u  /* PML4, PDPT, four page directories: 4 GiB one to one */
#define LOW_STACK      0x10000u /* grows down */
#define LOW_CMDLINE    0x20000u
#define LOW_END        0x9fc00u /* end of RAM below 640 KiB */
#define LOW_BIOS       0xe0000u /* firmware area, to 1 MiB */
#define LOW_ACPI       0xe0000u /* RSDP first; it must be on a 16-byte boundary here */
#define LOW_MPTABLE    0xf0000u
#define LOW_BIOS_END   0x100000u

#define IOAPIC_BASE 0xfec00000u
#define LAPIC_BASE  0xfee00000u

/* Guest-physical window that PCI devices may use; nothing is RAM there. */
#define PCI_WINDOW_BASE 0xc0000000u
#define PCI_WINDOW_END  0xfebfffffu

/* Add up size bytes. An ACPI table and an MP table are good if theirs come to 0. */
uint8_t checksum8(const void *data, size_t size);

/*
 * Write all ACPI tables to the buffer that the guest sees at LOW_ACPI; returns the
 * bytes used, or 0 if size is too small.
 */
size_t acpi_build(uint8_t *buffer, size_t size, unsigned ncpus);

/* Write the MultiProcessor Specification's tables for LOW_MPTABLE; as above. */
size_t mptable_build(uint8_t *buffer, size_t size, unsigned ncpus);
