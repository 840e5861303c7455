/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contract between the loader and the kernel. The loader fills one
 * struct boot_info and enters the kernel with its physical address in rdi;
 * nothing after that point knows UEFI.
 *
 * State at kernel entry (64-bit, interrupts off):
 *   rip   the ELF entry point, at its linked (higher-half) address
 *   rdi   physical address of struct boot_info, also reachable through the
 *         direct map at BOOT_DIRECT_MAP + address
 *   rsp   a loader stack of at least 16 KiB, 16-byte aligned, in the direct map
 *   cr3   loader page tables in BOOT_MEM_LOADER memory, all of it writable and
 *         executable, that map
 *           - physical 0 .. top of RAM (at least 4 GiB) one to one,
 *           - the same at BOOT_DIRECT_MAP,
 *           - the kernel image at its linked address (from BOOT_KERNEL_BASE)
 *         The kernel replaces them with its own before it starts anything else.
 *   cr0   PG, WP, PE set; efer: LME, NXE set
 *
 * All addresses in here are physical. Strings are NUL-terminated UTF-8.
 * Changing a structure bumps BOOT_INFO_VERSION.
 */
#pragma once

#include <stdint.h>

#define BOOT_INFO_MAGIC   0x4f464e49544f4f42ULL /* "BOOTINFO", little-endian */
#define BOOT_INFO_VERSION 1

#define BOOT_DIRECT_MAP  0xffff800000000000ULL
#define BOOT_KERNEL_BASE 0xffffffff80000000ULL

enum boot_memory_type {
    BOOT_MEM_USABLE = 1,   /* free RAM (also firmware boot services memory) */
    BOOT_MEM_RESERVED,     /* never touched: firmware's own, holes with a device in them */
    BOOT_MEM_LOADER,       /* RAM in use at entry: boot_info, loader page tables and stack */
    BOOT_MEM_KERNEL,       /* RAM that holds the kernel image */
    BOOT_MEM_MODULE,       /* RAM that holds a module */
    BOOT_MEM_ACPI_RECLAIM, /* RAM that holds ACPI tables */
    BOOT_MEM_ACPI_NVS,     /* RAM that must be left alone */
    BOOT_MEM_RUNTIME_CODE, /* UEFI runtime services */
    BOOT_MEM_RUNTIME_DATA,
    BOOT_MEM_MMIO,         /* memory-mapped I/O that the firmware lists */
    BOOT_MEM_BAD,
};

/* One range of physical addresses: page aligned, sorted by base, not overlapping. */
struct boot_memory {
    uint64_t base;
    uint64_t length;
    uint32_t type; /* enum boot_memory_type */
    uint32_t reserved;
};

/* A file from the ESP. Page aligned; the last page's tail is zero. */
struct boot_module {
    uint64_t base;
    uint64_t length; /* bytes */
    char name[48];   /* file name, for messages: "initrd.cpio" */
};

#define BOOT_CPU_ENABLED 1u
#define BOOT_CPU_BSP     2u

struct boot_cpu {
    uint32_t apic_id;
    uint32_t flags;
};

/* Linear framebuffer; base is 0 when there is none. */
struct boot_framebuffer {
    uint64_t base;
    uint64_t length; /* bytes */
    uint32_t width;  /* pixels */
    uint32_t height;
    uint32_t stride; /* pixels per scan line */
    uint32_t format; /* 0: 8-bit red first, 1: 8-bit blue first */
};

struct boot_info {
    uint64_t magic;
    uint32_t version;
    uint32_t size; /* sizeof(struct boot_info) */

    uint64_t memory; /* -> struct boot_memory[memory_count] */
    uint64_t modules; /* -> struct boot_module[module_count], initrds in order */
    uint64_t cpus;    /* -> struct boot_cpu[cpu_count] */
    uint32_t memory_count;
    uint32_t module_count;
    uint32_t cpu_count;
    uint32_t reserved0;

    uint64_t cmdline;      /* -> string, never 0 */
    uint64_t kernel_base;  /* where the image was loaded: BOOT_KERNEL_BASE maps to this */
    uint64_t kernel_length;
    uint64_t ap_page;      /* one page below 1 MiB kept for starting CPUs */
    uint64_t rsdp;         /* ACPI root pointer, 0 when there are no tables */
    uint64_t efi_runtime;  /* EFI_RUNTIME_SERVICES, 0 when not to be used */
    uint64_t efi_memory_map; /* the firmware's own map at exit, for the runtime services' page tables */
    uint32_t efi_memory_map_size;
    uint32_t efi_descriptor_size;

    uint64_t wall_clock_ns; /* UTC since 1970 at hand-over */
    uint64_t handover_tsc;  /* TSC when the firmware started the loader */
    uint8_t entropy[32];    /* seed: EFI_RNG, RDRAND and TSC jitter mixed; secret */

    struct boot_framebuffer framebuffer;
};

_Static_assert(sizeof(struct boot_memory) == 24, "boot_info ABI");
_Static_assert(sizeof(struct boot_module) == 64, "boot_info ABI");
_Static_assert(sizeof(struct boot_cpu) == 8, "boot_info ABI");
_Static_assert(sizeof(struct boot_info) == 200, "boot_info ABI");
