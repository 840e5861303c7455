/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files from \bulkhead on the EFI system partition that the loader came from.
 * Each is read by a single call into page-aligned memory of its own, which is
 * where the kernel later finds it: nothing is copied again.
 */
#include "loader.h"

static EFI_FILE_PROTOCOL *folder;

/* EFI_FILE_INFO ends with the name, of up to 255 characters. */
union file_info {
    EFI_FILE_INFO info;
    uint8_t room[sizeof(EFI_FILE_INFO) + 256 * sizeof(CHAR16)];
};

void files_open(EFI_HANDLE image)
{
    EFI_LOADED_IMAGE *loaded;
    EFI_SIMPLE_FILE_SYSTEM_PROTOCOL *volume;
    EFI_FILE_PROTOCOL *root;

    require(BS->HandleProtocol(image, &LoadedImageProtocol, (void **)&loaded),
            L"asking the firmware for the loader's image");
    require(BS->HandleProtocol(loaded->DeviceHandle, &FileSystemProtocol, (void **)&volume),
            L"the device this loader came from has no file system");
    require(volume->OpenVolume(volume, &root), L"opening the EFI system partition");
    require(root->Open(root, &folder, L"bulkhead", EFI_FILE_MODE_READ, 0),
            L"opening \\bulkhead on the EFI system partition");
}

static uint64_t file_size(EFI_FILE_PROTOCOL *file, const CHAR16 *name)
{
    union file_info u;
    UINTN size = sizeof(u);
    EFI_STATUS status = file->GetInfo(file, &GenericFileInfo, &size, &u);

    if (EFI_ERROR(status))
        give_up(L"\\bulkhead\\%s: %r", name, status);
    if (u.info.Attribute & EFI_FILE_DIRECTORY)
        give_up(L"\\bulkhead\\%s: is a directory", name);
    return u.info.FileSize;
}

bool files_read(const CHAR16 *name, enum boot_memory_type type, struct file *out)
{
    EFI_FILE_PROTOCOL *file;
    EFI_STATUS status;
    UINTN got;
    size_t i;

    status = folder->Open(folder, &file, (CHAR16 *)name, EFI_FILE_MODE_READ, 0);
    if (status == EFI_NOT_FOUND)
        return false;
    if (EFI_ERROR(status))
        give_up(L"\\bulkhead\\%s: %r", name, status);

    out->length = file_size(file, name);
    if (out->length > memory_top())
        give_up(L"\\bulkhead\\%s: larger than the machine's memory", name);
    out->data = memory_alloc_file(out->length, type);
    got = out->length;
    status = file->Read(file, &got, out->data);
    if (EFI_ERROR(status) || got != out->length)
        give_up(L"\\bulkhead\\%s: read error at byte %ld of %ld: %r", name, (uint64_t)got, out->length,
             EFI_ERROR(status) ? status : EFI_END_OF_FILE);
    file->Close(file);

    for (i = 0; name[i] != 0 && i < sizeof(out->name) - 1; i++)
        out->name[i] = name[i] < 0x80 ? (char)name[i] : '?';
    out->name[i] = '\0';
    return true;
}

/* "initrd*.cpio", in either case: FAT keeps short names in capitals. */
static bool is_initrd(const CHAR16 *name)
{
    return MetaiMatch((CHAR16 *)name, L"initrd*.cpio");
}

unsigned int files_read_initrds(struct file out[MAX_INITRDS])
{
    static CHAR16 names[MAX_INITRDS][256];
    union file_info u;
    unsigned int count = 0, at;

    require(folder->SetPosition(folder, 0), L"listing \\bulkhead");
    for (;;) {
        UINTN size = sizeof(u);

        require(folder->Read(folder, &size, &u), L"listing \\bulkhead");
        if (size == 0)
            break;
        if ((u.info.Attribute & EFI_FILE_DIRECTORY) || !is_initrd(u.info.FileName))
            continue;
        if (count == MAX_INITRDS)
            give_up(L"\\bulkhead: more than %d initrds", MAX_INITRDS);
        for (at = count++; at > 0 && StriCmp(names[at - 1], u.info.FileName) > 0; at--)
            StrCpy(names[at], names[at - 1]);
        StrCpy(names[at], u.info.FileName);
    }
    for (unsigned int i = 0; i < count; i++)
        if (!files_read(names[i], BOOT_MEM_MODULE, &out[i]))
            give_up(L"\\bulkhead\\%s: listed but not found", names[i]);
    return count;
}
