; SPDX-License-Identifier: BSD-2-Clause
; Protected mode, entered by the test; then 32-bit paging with 4 MiB and 4 KiB pages.
%include "guest.inc"
        bits 32
DIR     equ 0x100000
TABLE   equ 0x101000
        push    dword 0x1234
        pop     eax
        report  eax
        mov     dword [0x300000], 0x11
        mov     edi, DIR
        xor     eax, eax
        mov     ecx, 2 * 1024
        rep     stosd
        mov     dword [DIR], 0x83               ; 0 .. 4 MiB
        mov     dword [DIR + 4 * 0x100], TABLE + 3 ; 0x40000000: 4 KiB pages
        mov     dword [TABLE], 0x300003
        mov     dword [DIR + 4 * 0x101], HOLE | 0x83 ; 0x40400000: the hole
        mov     eax, cr4
        or      al, 0x10                        ; PSE
        mov     cr4, eax
        mov     eax, DIR
        mov     cr3, eax
        mov     eax, cr0
        or      eax, 0x80000000
        mov     cr0, eax
        report  [0x40000000]
        mov     dword [0x40000000], 0x22
        report  [0x300000]
        mov     dword [0x40400010], 0x33        ; an exit, at HOLE + 0x10
        mov     dword [TABLE], 0x301003         ; map another page there
        invlpg  [0x40000000]
        report  [0x40000000]
        hlt
