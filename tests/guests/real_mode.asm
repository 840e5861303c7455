; SPDX-License-Identifier: BSD-2-Clause
; Real mode: segments, the stack, a software interrupt through the vector table.
%include "guest.inc"
        bits 16
        mov     ax, 0x1000
        mov     es, ax
        mov     byte [es:5], 0x42               ; at 0x10005
        mov     word [0x21 * 4], handler
        mov     word [0x21 * 4 + 2], cs
        mov     bx, 0x1111
        int     0x21
        movzx   eax, bx
        report  eax
        call    add_one
        report  eax
        mov     eax, 0x12345678                 ; 32-bit operands and addresses
        mov     esi, DATA
        mov     ax, 0x4000
        mov     ds, ax
        mov     dword [0], 0xcafe1234
        mov     eax, [dword 0]
        report  eax
        smsw    ax
        and     eax, 1
        report  eax
        hlt
handler:
        mov     bx, 0x2222
        iret
add_one:
        movzx   eax, bx
        inc     eax
        ret
