; SPDX-License-Identifier: BSD-2-Clause
; IO-APIC: input 5 by edge to vector 0x35, input 10 by level to vector 0x3a. Each
; interrupt is reported before its EOI. The PICs see the same lines and are masked.
%include "long.inc"
LAPIC   equ 0xfee00000
IOAPIC  equ 0xfec00000
main:
        lea     rax, [rel eoi]
        mov     [rel irq_hook], rax
        mov     al, 0xff
        out     0x21, al
        out     0xa1, al
        mov     ebx, LAPIC
        mov     dword [rbx + 0xf0], 0x1ff
        mov     edi, IOAPIC
        mov     dword [rdi], 1
        mov     eax, [rdi + 0x10]               ; version: 24 inputs
        shr     eax, 16
        and     eax, 0xff
        report  eax
%macro redirect 2                               ; input, low half
        mov     dword [rdi], 0x11 + 2 * %1
        mov     dword [rdi + 0x10], 0
        mov     dword [rdi], 0x10 + 2 * %1
        mov     dword [rdi + 0x10], %2
%endmacro
        redirect 5, 0x35
        redirect 10, 0x803a
        report  1
        sti
.wait:
        hlt
        jmp     .wait
eoi:
        mov     rax, [rel last_vector]
        out     REPORT_PORT, eax
        mov     ecx, LAPIC
        mov     dword [rcx + 0xb0], 0
        ret
