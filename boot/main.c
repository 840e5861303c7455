/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BOOTX64.EFI: from UEFI to the kernel's entry point.
 *
 * Everything the kernel could want from the firmware is asked here, put into
 * one struct boot_info and handed over; after boot_enter() nothing knows UEFI.
 * The order matters in one place only: memory_exit_boot_services() must be the
 * last firmware call, since any allocation changes the map that it returns.
 */
#include "loader.h"
#include "debugport.h"

#define STACK_BYTES (64 * 1024ULL)

static EFI_HANDLE our_image;

static void debug_byte(uint8_t byte)
{
    __asm__ volatile("outb %0, %1" : : "a"(byte), "Nd"((uint16_t)DEBUG_PORT));
}

static void debug_frame(uint8_t tag, const CHAR16 *text)
{
    size_t length = StrLen(text);

    debug_byte(DEBUG_FRAME_MAGIC0);
    debug_byte(DEBUG_FRAME_MAGIC1);
    debug_byte(DEBUG_FRAME_MAGIC2);
    debug_byte(tag);
    debug_byte((uint8_t)length);
    debug_byte((uint8_t)(length >> 8));
    for (size_t i = 0; i < length; i++)
        debug_byte(text[i] < 0x80 ? (uint8_t)text[i] : '?');
}

void give_up(const CHAR16 *format, ...)
{
    CHAR16 reason[256], line[300];
    va_list args;

    va_start(args, format);
    VSPrint(reason, sizeof(reason), format, args);
    va_end(args);
    SPrint(line, sizeof(line), L"bulkhead loader: %s\r\n", reason);
    ST->ConOut->OutputString(ST->ConOut, line);
    debug_frame(DEBUG_TAG_PANIC, line);

    /* Time to read it before the firmware's boot menu clears the screen. */
    BS->Stall(5 * 1000 * 1000);
    BS->Exit(our_image, EFI_LOAD_ERROR, 0, NULL);
    for (;;)
        __asm__ volatile("cli; hlt");
}

/* The five-level mode would put the direct map elsewhere and needs tables one level deeper. */
static void check_cpu(void)
{
    uint64_t cr4;
    uint32_t r[4];

    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    if (cr4 & (1u << 12))
        give_up(L"the firmware runs with 5-level paging, which is not supported");
    cpuid(0x80000001, 0, r);
    if (!(r[3] & (1u << 20)))
        give_up(L"this CPU has no execute-disable (NX) bit; turn it on in the firmware's set-up");
}

static void load_kernel(struct boot_info *info, uint64_t *entry)
{
    struct elf_image image;
    struct file file;
    const char *wrong;
    CHAR16 text[80];
    void *base;

    /* The file is in the way only until its segments are copied. */
    if (!files_read(L"kernel.elf", BOOT_MEM_USABLE, &file))
        give_up(L"\\bulkhead\\kernel.elf: not found on the partition this loader came from");
    wrong = elf_check(file.data, file.length, &image);
    if (wrong != NULL) {
        SPrint(text, sizeof(text), L"%a", wrong);
        give_up(L"\\bulkhead\\kernel.elf: %s", text);
    }
    base = memory_alloc_2m(image.length, BOOT_MEM_KERNEL);
    elf_load(file.data, base, &image);
    info->kernel_base = (uintptr_t)base;
    info->kernel_length = image.length;
    *entry = image.entry;
}

static void load_cmdline(struct boot_info *info)
{
    struct file file;
    char *text;

    if (!files_read(L"cmdline", BOOT_MEM_LOADER, &file)) {
        text = memory_alloc(PAGE_BYTES, BOOT_MEM_LOADER); /* zeroed: the empty string */
    } else {
        text = file.data;
        if (file.length % PAGE_BYTES == 0 && file.length != 0)
            give_up(L"\\bulkhead\\cmdline: too long");
        for (uint64_t i = 0; i < file.length; i++)
            if (text[i] == '\n' || text[i] == '\r')
                text[i] = ' ';
        while (file.length > 0 && text[file.length - 1] == ' ')
            text[--file.length] = '\0';
    }
    info->cmdline = (uintptr_t)text;
}

static void load_modules(struct boot_info *info)
{
    struct file files[MAX_INITRDS];
    unsigned int count = files_read_initrds(files);
    struct boot_module *modules = memory_alloc(MAX_INITRDS * sizeof(*modules), BOOT_MEM_LOADER);

    for (unsigned int i = 0; i < count; i++) {
        modules[i].base = (uintptr_t)files[i].data;
        modules[i].length = files[i].length;
        CopyMem(modules[i].name, files[i].name, sizeof(modules[i].name));
    }
    info->modules = (uintptr_t)modules;
    info->module_count = count;
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system_table)
{
    uint64_t started = rdtsc(), entry, cr3;
    struct boot_info *info;
    struct boot_cpu *cpus;
    uint8_t *stack;

    our_image = image;
    InitializeLib(image, system_table);
    BS->SetWatchdogTimer(0, 0, 0, NULL);
    debug_frame(DEBUG_TAG_BOOT, L"");
    check_cpu();
    files_open(image);

    info = memory_alloc(sizeof(*info), BOOT_MEM_LOADER);
    info->magic = BOOT_INFO_MAGIC;
    info->version = BOOT_INFO_VERSION;
    info->size = sizeof(*info);
    info->handover_tsc = started;

    load_kernel(info, &entry);
    load_cmdline(info);
    load_modules(info);

    info->rsdp = cpus_rsdp();
    cpus = memory_alloc(MAX_CPUS * sizeof(*cpus), BOOT_MEM_LOADER);
    info->cpu_count = cpus_find(info->rsdp, cpus, MAX_CPUS);
    info->cpus = (uintptr_t)cpus;

    /* The one piece of loader memory that the kernel must not reclaim. */
    info->ap_page = (uintptr_t)memory_alloc_below(1 << 20, PAGE_BYTES, BOOT_MEM_LOADER);
    info->efi_runtime = (uintptr_t)RT;
    video_describe(&info->framebuffer);
    entropy_collect(info->entropy);

    stack = memory_alloc(STACK_BYTES, BOOT_MEM_LOADER);
    cr3 = paging_build(memory_top(), info->kernel_base, info->kernel_length);
    info->wall_clock_ns = clock_now_ns();
    memory_exit_boot_services(image, info);
    boot_enter(cr3, BOOT_DIRECT_MAP + (uintptr_t)stack + STACK_BYTES, entry, (uintptr_t)info);
}
