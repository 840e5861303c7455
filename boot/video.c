/* SPDX-License-Identifier: BSD-2-Clause */
/* The framebuffer that the firmware set up, if it has one of a format we describe. */
#include "loader.h"

void video_describe(struct boot_framebuffer *out)
{
    EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *mode;
    EFI_GRAPHICS_OUTPUT_PROTOCOL *gop;
    EFI_GUID guid = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;

    if (EFI_ERROR(BS->LocateProtocol(&guid, NULL, (void **)&gop)) || gop->Mode == NULL)
        return;
    mode = gop->Mode->Info;
    if (mode->PixelFormat != PixelRedGreenBlueReserved8BitPerColor &&
        mode->PixelFormat != PixelBlueGreenRedReserved8BitPerColor)
        return;
    out->base = gop->Mode->FrameBufferBase;
    out->length = gop->Mode->FrameBufferSize;
    out->width = mode->HorizontalResolution;
    out->height = mode->VerticalResolution;
    out->stride = mode->PixelsPerScanLine;
    out->format = mode->PixelFormat == PixelBlueGreenRedReserved8BitPerColor;
}
