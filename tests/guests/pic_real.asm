; SPDX-License-Identifier: BSD-2-Clause
; Real mode with both PICs at vectors 0x20 and 0x28: report the vector of each interrupt.
%include "guest.inc"
        bits 16
        xor     ax, ax
        mov     ds, ax
        mov     bx, 0x20 * 4
        mov     cx, 16
        mov     ax, stubs
.fill:
        mov     [bx], ax
        mov     word [bx + 2], 0
        add     ax, 8
        add     bx, 4
        loop    .fill
        mov     al, 0x11                        ; ICW1: edge, cascade, ICW4
        out     0x20, al
        out     0xa0, al
        mov     al, 0x20
        out     0x21, al
        mov     al, 0x28
        out     0xa1, al
        mov     al, 4
        out     0x21, al
        mov     al, 2
        out     0xa1, al
        mov     al, 1
        out     0x21, al
        out     0xa1, al
        mov     al, 0xbb                        ; mask all but 2 and 6
        out     0x21, al
        mov     al, 0xfd                        ; and 9
        out     0xa1, al
        report  1
        sti
.wait:
        hlt
        jmp     .wait
        align 8
stubs:
%assign i 0
%rep 16
        align 8
        push    word 0x20 + i
        jmp     near handle
%assign i i + 1
%endrep
handle:
        pop     ax
        push    ax
        cmp     al, 0x28
        mov     al, 0x20                        ; EOI
        jb      .master
        out     0xa0, al
.master:
        out     0x20, al
        pop     ax
        movzx   eax, ax
        report  eax
        iret
