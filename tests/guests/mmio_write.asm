; SPDX-License-Identifier: BSD-2-Clause
; Stores of every width and kind to an address where nothing is.
%include "guest.inc"
        bits 64
        mov     rbx, HOLE
        mov     rax, 0x8877665544332211
        mov     [rbx], al
        mov     [rbx + 2], ax
        mov     [rbx + 4], eax
        mov     [rbx + 8], rax
        mov     [rbx], ah
        mov     r9, rax
        mov     [rbx + 0x10], r9b
        mov     [rbx + 0x18], r9
        mov     byte [rbx], 0x12
        mov     word [rbx], 0x1234
        mov     dword [rbx], 0x12345678
        mov     qword [rbx], -2
        mov     ecx, 4
        mov     [rbx + rcx * 8 + 0x100], eax
        mov     rdi, HOLE + 0x20
        stosd
        mov     [abs qword HOLE + 0x40], eax    ; the form with a 64-bit address in it
        mov     eax, edi
        report  eax
        hlt
