/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of the loader. Firmware errors are fatal: give_up() says what
 * went wrong and leaves the loader, so no function here returns a status unless
 * its caller can do something about it.
 */
#pragma once

#include <efi.h>
#include <efilib.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "boot_info.h"

#define PAGE_BYTES 4096ULL
#define SIZE_2M    (2ULL << 20)
#define SIZE_1G    (1ULL << 30)

static inline uint64_t round_up(uint64_t value, uint64_t align)
{
    return (value + align - 1) & ~(align - 1);
}

/* main.c */

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system_table); /* called by gnu-efi's crt0 */

/* Say why booting stops (on the console and as a panic frame on the debug port) and leave. */
void give_up(const CHAR16 *format, ...) __attribute__((noreturn));
static inline void require(EFI_STATUS status, const CHAR16 *what)
{
    if (EFI_ERROR(status))
        give_up(L"%s: %r", what, status);
}

/* files.c: the loader's own EFI system partition */

struct file {
    void *data;      /* page aligned, the tail of the last page is zero */
    uint64_t length; /* bytes */
    char name[48];
};
#define MAX_INITRDS 16

void files_open(EFI_HANDLE image);
/* Read \bulkhead\NAME into memory recorded as `type`; false when there is no such file. */
bool files_read(const CHAR16 *name, enum boot_memory_type type, struct file *out);
/* Read every \bulkhead\initrd*.cpio in name order; returns how many there are. */
unsigned int files_read_initrds(struct file out[MAX_INITRDS]);

/* elf.c: pure, also tested on the build host */

struct elf_image {
    uint64_t entry;  /* linked address */
    uint64_t length; /* bytes from BOOT_KERNEL_BASE to the end of bss, whole pages */
};

/* Check an executable that is linked from BOOT_KERNEL_BASE up; returns NULL or what is wrong. */
const char *elf_check(const void *file, uint64_t size, struct elf_image *out);
/* Copy the segments of a checked file to their places above `base`; the rest of the image is zeroed. */
void elf_load(const void *file, void *base, const struct elf_image *image);

/* memory.c: pages from the firmware, and what we use each for */

/* Zeroed whole pages. */
void *memory_alloc(uint64_t bytes, enum boot_memory_type type);
/* For a file about to be read: only what lies beyond `bytes` in its last page is zeroed. */
void *memory_alloc_file(uint64_t bytes, enum boot_memory_type type);
/* Starts at a multiple of 2 MiB; not zeroed. */
void *memory_alloc_2m(uint64_t bytes, enum boot_memory_type type);
void *memory_alloc_below(uint64_t limit, uint64_t bytes, enum boot_memory_type type);
/* First address above all RAM that the firmware lists. */
uint64_t memory_top(void);
/* Put the memory map into the hand-over and leave boot services: no firmware call after this. */
void memory_exit_boot_services(EFI_HANDLE image, struct boot_info *info);

/* memory_map.c: pure, also tested on the build host */

/* Translate a firmware map, then let `own` override it; sorted, merged, page aligned. Returns the
 * number of ranges written, or 0 when `max` is too small. */
unsigned int memory_map_build(const void *map, uint64_t size, uint64_t stride,
                              const struct boot_memory *own, unsigned int own_count,
                              struct boot_memory *out, unsigned int max);

/* paging.c */

/* Page tables as boot_info.h promises them; returns their root for CR3. */
uint64_t paging_build(uint64_t top, uint64_t kernel_base, uint64_t kernel_length);

/* madt.c: pure, also tested on the build host */

/* CPUs of an ACPI MADT that are enabled; returns how many were written, at most `max`. */
unsigned int madt_cpus(const void *madt, uint64_t length, uint32_t bsp_apic_id,
                       struct boot_cpu *out, unsigned int max);

/* cpus.c */

#define MAX_CPUS 512
uint64_t cpus_rsdp(void);
/* The machine's CPUs, the boot CPU first: from the MADT, else from the firmware's MP services. */
unsigned int cpus_find(uint64_t rsdp, struct boot_cpu *out, unsigned int max);

/* entropy.c, clock.c, video.c */

void entropy_collect(uint8_t out[32]);
uint64_t clock_now_ns(void);
void video_describe(struct boot_framebuffer *out);

/* enter.asm */

/* Switch to `cr3` and `stack`, then jump to `entry` with `info` in rdi. */
void boot_enter(uint64_t cr3, uint64_t stack, uint64_t entry, uint64_t info)
    __attribute__((noreturn));

static inline void cpuid(uint32_t leaf, uint32_t sub, uint32_t r[4])
{
    __asm__ volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(leaf), "c"(sub));
}

static inline uint64_t rdtsc(void)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}
