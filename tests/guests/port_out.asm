; SPDX-License-Identifier: BSD-2-Clause
; OUT of every width, with the port in the instruction and in DX.
%include "guest.inc"
        bits 64
        mov     eax, 0x87654321
        out     0x80, al
        out     0x80, ax
        out     0x80, eax
        mov     dx, 0xfff0
        out     dx, al
        out     dx, ax
        out     dx, eax
        hlt
