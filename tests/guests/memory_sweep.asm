; SPDX-License-Identifier: BSD-2-Clause
; Hostile: read and write one word in each 64 KiB from the end of RAM to 64 MiB, and around
; 4 GiB less one page.
%include "guest.inc"
        bits 64
        mov     ebx, 0x400000
.next:
        mov     eax, [rbx]
        mov     [rbx], eax
        add     ebx, 0x10000
        cmp     ebx, 0x4000000
        jb      .next
        mov     ebx, 0xfffff000
        mov     eax, [rbx]
        mov     dword [rbx], 1
        report  1
        hlt
