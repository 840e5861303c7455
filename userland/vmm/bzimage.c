/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The header of a Linux bzImage. The file is whatever a user named on the
 * command line, so nothing in it is believed before it has been checked against
 * the file's size; all sums are done in 64 bits, where 32-bit fields cannot wrap.
 */
#include "bzimage.h"

#include <string.h>

/* Fields of the setup header, by the boot protocol's names. */
enum {
    HDR_SETUP_SECTS = 0x1f1,
    HDR_SYSSIZE = 0x1f4,
    HDR_BOOT_FLAG = 0x1fe,
    HDR_JUMP_LENGTH = 0x201,
    HDR_MAGIC = 0x202,
    HDR_VERSION = 0x206,
    HDR_LOADFLAGS = 0x211,
    HDR_INITRD_ADDR_MAX = 0x22c,
    HDR_XLOADFLAGS = 0x236,
    HDR_CMDLINE_SIZE = 0x238,
    HDR_PREF_ADDRESS = 0x258,
    HDR_INIT_SIZE = 0x260,
    HDR_PARSED_END = 0x268
};

#define BOOT_FLAG_MAGIC    0xaa55u
#define LOADFLAG_HIGH      0x01u /* payload goes to 1 MiB or above: a bzImage, not a zImage */
#define XLOADFLAG_KERNEL64 0x01u /* has the 64-bit entry point */
#define VERSION_XLOADFLAGS 0x020cu
#define SECTOR             512u

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const uint8_t *p)
{
    return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static uint64_t get64(const uint8_t *p)
{
    return get32(p) | (uint64_t)get32(p + 4) << 32;
}

const char *bzimage_parse(const uint8_t *head, size_t head_size, uint64_t file_size,
                          struct bzimage *out)
{
    struct bzimage image = { 0 };
    uint32_t setup_sects;

    if (file_size < BZIMAGE_MIN_SIZE || head_size < BZIMAGE_MIN_SIZE)
        return "not a Linux kernel: the file is too short (a bzImage is wanted)";
    if (get16(head + HDR_BOOT_FLAG) != BOOT_FLAG_MAGIC || memcmp(head + HDR_MAGIC, "HdrS", 4) != 0)
        return "not a Linux kernel: it has no boot header (a bzImage is wanted)";

    image.version = get16(head + HDR_VERSION);
    if (image.version < VERSION_XLOADFLAGS)
        return "the kernel is too old: boot protocol 2.12 (Linux 3.8) or newer is needed";
    if ((head[HDR_LOADFLAGS] & LOADFLAG_HIGH) == 0)
        return "the kernel is a zImage; a bzImage is needed";
    if ((get16(head + HDR_XLOADFLAGS) & XLOADFLAG_KERNEL64) == 0)
        return "the kernel is 32-bit; a 64-bit one (x86-64) is needed";

    image.header_end = HDR_MAGIC + head[HDR_JUMP_LENGTH];
    if (image.header_end < HDR_PARSED_END || image.header_end > SETUP_HEADER_MAX_END)
        return "the kernel's boot header is damaged: its length is impossible";

    setup_sects = head[HDR_SETUP_SECTS] != 0 ? head[HDR_SETUP_SECTS] : 4;
    image.payload_offset = ((uint64_t)setup_sects + 1) * SECTOR;
    image.payload_size = (uint64_t)get32(head + HDR_SYSSIZE) * 16;
    if (image.payload_size == 0)
        return "the kernel's boot header is damaged: it says the kernel is empty";
    /* syssize counts paragraphs, rounded up: the last one may be partly there. */
    if (image.payload_offset >= file_size ||
        image.payload_size > file_size - image.payload_offset + 15)
        return "the kernel is cut short: the file ends before the kernel does";
    if (image.payload_size > file_size - image.payload_offset)
        image.payload_size = file_size - image.payload_offset;
    if (image.payload_size <= BZIMAGE_ENTRY64)
        return "the kernel's boot header is damaged: its entry point is outside of it";

    image.load_address = get64(head + HDR_PREF_ADDRESS);
    image.init_size = get32(head + HDR_INIT_SIZE);
    if (image.init_size < image.payload_size)
        image.init_size = image.payload_size;
    image.initrd_max = get32(head + HDR_INITRD_ADDR_MAX);
    image.cmdline_max = get32(head + HDR_CMDLINE_SIZE);
    if (image.load_address < 0x100000 || image.load_address > UINT32_MAX)
        return "the kernel's boot header is damaged: its load address is impossible";

    *out = image;
    return NULL;
}
