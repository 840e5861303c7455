/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading the header of a Linux bzImage: which bytes go where, and what the kernel needs. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Offsets in the file and, the same, in the zero page ("The Linux/x86 Boot Protocol"). */
enum {
    SETUP_HEADER = 0x1f1, /* first byte of the setup header */
    SETUP_HEADER_MAX_END = 0x290,
    BZIMAGE_MIN_SIZE = 1024, /* boot sector and one setup sector */
    BZIMAGE_ENTRY64 = 0x200  /* 64-bit entry point, from the start of the payload */
};

struct bzimage {
    uint16_t version;         /* boot protocol, 0x020f = 2.15 */
    uint32_t header_end;      /* the setup header is [SETUP_HEADER, header_end) */
    uint64_t payload_offset;  /* protected-mode part in the file */
    uint64_t payload_size;
    uint64_t load_address;    /* where it wants to be */
    uint64_t init_size;       /* memory it needs from there before it reads the memory map */
    uint64_t initrd_max;      /* highest address an initrd byte may have */
    uint32_t cmdline_max;     /* longest command line, without its NUL */
};

/*
 * Check the header of a kernel: head holds the first head_size bytes of a file
 * of file_size bytes. Returns NULL and fills *out, or a sentence that says what is wrong.
 */
const char *bzimage_parse(const uint8_t *head, size_t head_size, uint64_t file_size,
                          struct bzimage *out);
