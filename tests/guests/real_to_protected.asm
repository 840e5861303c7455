; SPDX-License-Identifier: BSD-2-Clause
; From real mode to protected mode and back, as boot loaders do it.
%include "guest.inc"
        bits 16
        cli
        lgdt    [gdt_pointer]
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        jmp     0x08:protected
        bits 32
protected:
        mov     ax, 0x10
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     esp, 0x20000
        mov     dword [0x200000], 0xabcd0123    ; out of reach for real mode
        push    dword 0x5a5a
        pop     eax
        report  eax
        report  [0x200000]
        mov     eax, cs
        report  eax
        jmp     0x18:half_way
        bits 16
half_way:
        mov     ax, 0x20
        mov     ds, ax
        mov     ss, ax
        mov     eax, cr0
        and     al, 0xfe
        mov     cr0, eax
        jmp     0:real
real:
        xor     ax, ax
        mov     ds, ax
        mov     ss, ax
        mov     sp, 0x7000
        mov     ax, 0x2000
        mov     es, ax
        mov     word [es:0], 0x7777             ; at 0x20000
        mov     eax, cr0
        and     eax, 1
        report  eax
        hlt

        align 8
gdt:    dq 0
        dq 0x00cf9b000000ffff
        dq 0x00cf93000000ffff
        dq 0x00009b000000ffff
        dq 0x000093000000ffff
gdt_pointer:
        dw      $ - gdt - 1
        dd      gdt
