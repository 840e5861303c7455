/* SPDX-License-Identifier: BSD-2-Clause */
/* <kernel/x86/layout.h> for tests on the build host: where a program with ASan may map memory. */
#pragma once

#define DIRECT_MAP_BASE 0x0000200000000000ULL
#define DIRECT_MAP_SIZE (1ULL << 40)
#define MEMMAP_BASE     0x0000300000000000ULL
#define KMAP_BASE       0x0000400000000000ULL /* never touched: only its page tables are */
#define KMAP_SIZE       (1ULL << 40)
#define KERNEL_IMAGE    0xffffffff80000000ULL /* nothing is there */
