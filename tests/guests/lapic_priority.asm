; SPDX-License-Identifier: BSD-2-Clause
; Interrupts to itself through the command register: the task priority holds back what is
; not above it; CR8 and the register are the same; the higher of two comes first.
%include "long.inc"
LAPIC   equ 0xfee00000
main:
        lea     rax, [rel eoi]
        mov     [rel irq_hook], rax
        mov     ebx, LAPIC
        mov     dword [rbx + 0xf0], 0x1ff
        mov     dword [rbx + 0x80], 0x50        ; task priority
        mov     rax, cr8
        report  eax
        sti
        mov     dword [rbx + 0x300], 0x44045    ; self, vector 0x45: held back
        nop
        nop
        mov     rax, [rel irq_count]
        report  eax
        report  [rbx + 0x220]                   ; requested: bit 5 of vectors 0x40..0x5f
        cli
        mov     dword [rbx + 0x300], 0x44055
        mov     dword [rbx + 0x300], 0x44047
        xor     eax, eax
        mov     cr8, rax
        report  [rbx + 0x80]
        sti
        nop
        nop
        nop
        cli
        mov     rax, [rel irq_count]
        report  eax
        report  [rel order]
        hlt
order:  dd 0
eoi:
        mov     ecx, [rel order]
        shl     ecx, 8
        mov     rax, [rel last_vector]
        or      ecx, eax
        mov     [rel order], ecx
        mov     ecx, LAPIC
        mov     dword [rcx + 0xb0], 0
        ret
