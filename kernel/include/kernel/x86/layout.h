/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's half of every address space; kernel/mm/init.c fills it. Tests on
 * the build host have a layout of their own, where a program may map memory.
 */
#pragma once

#define DIRECT_MAP_BASE  0xffff800000000000ULL /* all physical memory, NX, writable */
#define DIRECT_MAP_SIZE  (64ULL << 40)
#define KMAP_BASE        0xffffc00000000000ULL /* kernel stacks with guard pages, device memory */
#define KMAP_SIZE        (1ULL << 40)
#define MEMMAP_BASE      0xffffe00000000000ULL /* struct page array, indexed by page frame number */
#define KERNEL_IMAGE     0xffffffff80000000ULL
