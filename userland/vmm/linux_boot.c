/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * "The Linux/x86 Boot Protocol", 64-bit boot protocol: the compressed kernel goes
 * to the address it prefers, the initrd as high as it may, everything else into
 * the first megabyte (firmware.h has the map). The kernel is entered in long mode
 * on page tables that map the first 4 GiB one to one, with rsi at the zero page.
 */
#include "linux_boot.h"

#include "firmware.h"
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Fields of the zero page (struct boot_params) and of the setup header within it. */
enum {
    ZP_ACPI_RSDP = 0x070,
    ZP_E820_COUNT = 0x1e8,
    ZP_VID_MODE = 0x1fa,
    ZP_BOOT_FLAG = 0x1fe,
    ZP_LOADER_TYPE = 0x210,
    ZP_CODE32_START = 0x214,
    ZP_RAMDISK_IMAGE = 0x218,
    ZP_RAMDISK_SIZE = 0x21c,
    ZP_CMDLINE = 0x228,
    ZP_E820_TABLE = 0x2d0
};

#define LOADER_UNDEFINED 0xffu
#define VID_MODE_NORMAL  0xffffu
#define PAGE             4096u
#define VERSION_2_14     0x020eu

struct __attribute__((packed)) e820_entry {
    uint64_t base;
    uint64_t length;
    uint32_t type;
};

enum { E820_RAM = 1, E820_RESERVED = 2 };

/* Page-table and segment bits ("SDM vol. 3, 4-Level Paging" and "Segment Descriptors"). */
#define PTE_PRESENT   0x01u
#define PTE_WRITE     0x02u
#define PTE_LARGE     0x80u
#define SELECTOR_CODE 0x10u
#define SELECTOR_DATA 0x18u
#define GDT_CODE64    0x00af9b000000ffffULL
#define GDT_DATA      0x00cf93000000ffffULL
#define CR0_PE        0x00000001u
#define CR0_MP        0x00000002u
#define CR0_ET        0x00000010u
#define CR0_NE        0x00000020u
#define CR0_WP        0x00010000u
#define CR0_PG        0x80000000u
#define CR4_PAE       0x20u
#define EFER_LME      0x100u
#define EFER_LMA      0x400u
#define RFLAGS_FIXED  0x2u

static int open_file(const char *what, const char *path, uint64_t *size)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        die("cannot open the %s %s: %s", what, path, strerror(errno));
    if (fstat(fd, &st) < 0)
        die("cannot read the %s %s: %s", what, path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        die("the %s %s is not a file", what, path);
    *size = (uint64_t)st.st_size;
    return fd;
}

/* Read [offset, offset + size) of a file that may have shrunk since it was opened. */
static void read_all(int fd, const char *path, uint64_t offset, uint8_t *to, uint64_t size)
{
    while (size > 0) {
        ssize_t n = pread(fd, to, size, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            die("cannot read %s: %s", path, strerror(errno));
        if (n == 0)
            die("%s has become shorter since it was opened", path);
        to += n;
        offset += (uint64_t)n;
        size -= (uint64_t)n;
    }
}

void linux_image_open(struct linux_image *image, const char *kernel, const char *initrd)
{
    uint8_t head[BZIMAGE_MIN_SIZE] = { 0 };
    uint64_t size, head_size;
    const char *wrong;

    image->kernel_path = kernel;
    image->kernel_fd = open_file("kernel", kernel, &size);
    head_size = size < sizeof(head) ? size : sizeof(head);
    read_all(image->kernel_fd, kernel, 0, head, head_size);
    wrong = bzimage_parse(head, head_size, size, &image->header);
    if (wrong != NULL)
        die("cannot boot %s: %s", kernel, wrong);
    memcpy(image->setup, head, sizeof(image->setup));

    image->initrd_fd = -1;
    image->initrd_path = initrd;
    if (initrd != NULL)
        image->initrd_fd = open_file("initrd", initrd, &image->initrd_size);
}

/* The initrd and, on the next 4-byte boundary, the extra archive. */
static uint64_t initrd_total(const struct linux_image *image)
{
    uint64_t size = image->initrd_size;

    if (image->extra_size > 0)
        size = ((size + 3) & ~3ULL) + image->extra_size;
    return size;
}

static uint64_t kernel_end(const struct linux_image *image)
{
    return image->header.load_address + image->header.init_size;
}

static uint64_t initrd_address(const struct linux_image *image, uint64_t memory_size)
{
    uint64_t top = memory_size < MEMORY_LOW_MAX ? memory_size : MEMORY_LOW_MAX;

    if (top > image->header.initrd_max + 1)
        top = image->header.initrd_max + 1;
    if (initrd_total(image) > top)
        return 0;
    return (top - initrd_total(image)) & ~(uint64_t)(PAGE - 1);
}

static unsigned long long round_mib(uint64_t bytes)
{
    return (bytes + MIB - 1) / MIB;
}

void linux_image_check_fit(const struct linux_image *image, uint64_t memory_size)
{
    uint64_t need = kernel_end(image) + initrd_total(image) + PAGE;
    size_t cmdline_size = strlen(image->cmdline);

    if (kernel_end(image) > memory_size || kernel_end(image) > MEMORY_LOW_MAX)
        die("%s does not fit: it needs %llu MiB of memory, the VM has %llu; use -m %llum or more",
            image->kernel_path, round_mib(kernel_end(image)), round_mib(memory_size),
            round_mib(need) + 32);
    if (initrd_total(image) > 0 && initrd_address(image, memory_size) < kernel_end(image))
        die("%s does not fit: kernel and initrd need %llu MiB of memory, the VM has %llu; "
            "use -m %llum or more",
            image->initrd_path != NULL ? image->initrd_path : "the command", round_mib(need),
            round_mib(memory_size), round_mib(need) + 32);
    if (cmdline_size > image->header.cmdline_max || cmdline_size > LOW_END - LOW_CMDLINE - 1)
        die("the kernel command line is too long: %zu bytes, the kernel takes %u", cmdline_size,
            image->header.cmdline_max);
}

static void put16(uint8_t *p, uint16_t value)
{
    memcpy(p, &value, sizeof(value));
}

static void put32(uint8_t *p, uint32_t value)
{
    memcpy(p, &value, sizeof(value));
}

static void put64(uint8_t *p, uint64_t value)
{
    memcpy(p, &value, sizeof(value));
}

static void fill_e820(uint8_t *zero_page, const struct guest_memory *memory)
{
    const struct e820_entry map[] = {
        { 0, LOW_END, E820_RAM },
        { LOW_END, 0xa0000 - LOW_END, E820_RESERVED },
        { LOW_BIOS, LOW_BIOS_END - LOW_BIOS, E820_RESERVED },
        { MIB, memory->low_size - MIB, E820_RAM },
        { MEMORY_HIGH_BASE, memory->high_size, E820_RAM },
    };
    uint8_t count = sizeof(map) / sizeof(map[0]);

    if (memory->high_size == 0)
        count--;
    memcpy(zero_page + ZP_E820_TABLE, map, count * sizeof(map[0]));
    zero_page[ZP_E820_COUNT] = count;
}

static void fill_zero_page(const struct linux_image *image, const struct guest_memory *memory,
                           uint64_t initrd)
{
    uint8_t *zero_page = guest_ptr(memory, LOW_ZERO_PAGE, PAGE);

    memset(zero_page, 0, PAGE);
    memcpy(zero_page + SETUP_HEADER, image->setup + SETUP_HEADER,
           image->header.header_end - SETUP_HEADER);
    put16(zero_page + ZP_VID_MODE, VID_MODE_NORMAL);
    zero_page[ZP_LOADER_TYPE] = LOADER_UNDEFINED;
    put32(zero_page + ZP_CODE32_START, (uint32_t)image->header.load_address);
    put32(zero_page + ZP_CMDLINE, LOW_CMDLINE);
    if (initrd != 0) {
        put32(zero_page + ZP_RAMDISK_IMAGE, (uint32_t)initrd);
        put32(zero_page + ZP_RAMDISK_SIZE, (uint32_t)initrd_total(image));
    }
    if (image->header.version >= VERSION_2_14)
        put64(zero_page + ZP_ACPI_RSDP, LOW_ACPI);
    fill_e820(zero_page, memory);
}

/* Identity-map 4 GiB with 2 MiB pages. */
static void fill_page_tables(const struct guest_memory *memory)
{
    uint64_t *pml4 = guest_ptr(memory, LOW_PAGE_TABLE, 6 * PAGE);
    uint64_t *pdpt = pml4 + 512;
    uint64_t *pd = pdpt + 512;

    memset(pml4, 0, 2 * PAGE);
    pml4[0] = (LOW_PAGE_TABLE + PAGE) | PTE_PRESENT | PTE_WRITE;
    for (unsigned i = 0; i < 4; i++)
        pdpt[i] = (LOW_PAGE_TABLE + (2 + i) * PAGE) | PTE_PRESENT | PTE_WRITE;
    for (unsigned i = 0; i < 4 * 512; i++)
        pd[i] = i * 2 * MIB | PTE_PRESENT | PTE_WRITE | PTE_LARGE;
}

static void fill_gdt(const struct guest_memory *memory)
{
    uint64_t *gdt = guest_ptr(memory, LOW_GDT, PAGE);

    memset(gdt, 0, PAGE);
    gdt[SELECTOR_CODE / 8] = GDT_CODE64;
    gdt[SELECTOR_DATA / 8] = GDT_DATA;
}

/* What firmware leaves behind: ACPI and MP tables, and the size of base memory in the BIOS data. */
static void fill_firmware(const struct guest_memory *memory, unsigned ncpus)
{
    uint8_t *bios_data = guest_ptr(memory, 0x400, 256);

    if (acpi_build(guest_ptr(memory, LOW_ACPI, LOW_MPTABLE - LOW_ACPI), LOW_MPTABLE - LOW_ACPI,
                   ncpus) == 0 ||
        mptable_build(guest_ptr(memory, LOW_MPTABLE, LOW_BIOS_END - LOW_MPTABLE),
                      LOW_BIOS_END - LOW_MPTABLE, ncpus) == 0)
        die("the firmware tables for %u CPUs do not fit", ncpus);
    put16(bios_data + 0x0e, LOW_END >> 4); /* segment of the extended BIOS data area */
    put16(bios_data + 0x13, LOW_END >> 10);
}

static uint64_t load_initrd(const struct linux_image *image, const struct guest_memory *memory)
{
    uint64_t size = initrd_total(image);
    uint64_t address;
    uint8_t *to;

    if (size == 0)
        return 0;
    address = initrd_address(image, memory->size);
    to = guest_ptr(memory, address, size);
    if (to == NULL)
        die("the initrd does not fit into the VM's memory");
    if (image->initrd_fd >= 0)
        read_all(image->initrd_fd, image->initrd_path, 0, to, image->initrd_size);
    if (image->extra_size > 0)
        memcpy(to + size - image->extra_size, image->extra, image->extra_size);
    return address;
}

void linux_load(const struct linux_image *image, const struct guest_memory *memory, unsigned ncpus)
{
    const struct bzimage *header = &image->header;
    uint8_t *kernel = guest_ptr(memory, header->load_address, header->init_size);
    uint64_t initrd;

    if (kernel == NULL)
        die("%s does not fit into the VM's memory", image->kernel_path);
    read_all(image->kernel_fd, image->kernel_path, header->payload_offset, kernel,
             header->payload_size);
    initrd = load_initrd(image, memory);
    memcpy(guest_ptr(memory, LOW_CMDLINE, strlen(image->cmdline) + 1), image->cmdline,
           strlen(image->cmdline) + 1);
    fill_zero_page(image, memory, initrd);
    fill_page_tables(memory);
    fill_gdt(memory);
    fill_firmware(memory, ncpus);
}

void linux_entry_state(const struct linux_image *image, struct kvm_regs *regs,
                       struct kvm_sregs *sregs)
{
    const struct kvm_segment code = {
        .limit = UINT32_MAX, .selector = SELECTOR_CODE, .type = 0xb, .present = 1, .s = 1,
        .l = 1, .g = 1,
    };
    const struct kvm_segment data = {
        .limit = UINT32_MAX, .selector = SELECTOR_DATA, .type = 0x3, .present = 1, .s = 1,
        .db = 1, .g = 1,
    };

    memset(regs, 0, sizeof(*regs));
    regs->rip = image->header.load_address + BZIMAGE_ENTRY64;
    regs->rsi = LOW_ZERO_PAGE;
    regs->rsp = LOW_STACK;
    regs->rflags = RFLAGS_FIXED;

    sregs->cs = code;
    sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss = data;
    sregs->gdt.base = LOW_GDT;
    sregs->gdt.limit = 4 * 8 - 1;
    sregs->idt.base = 0;
    sregs->idt.limit = 0;
    sregs->cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG;
    sregs->cr3 = LOW_PAGE_TABLE;
    sregs->cr4 = CR4_PAE;
    sregs->efer = EFER_LME | EFER_LMA;
}
