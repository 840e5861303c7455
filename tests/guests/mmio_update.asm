; SPDX-License-Identifier: BSD-2-Clause
; Instructions that read memory and write it back, or only compare, where nothing is.
%include "guest.inc"
        bits 64
        mov     rbx, HOLE
        mov     eax, 0x0f
        or      [rbx], eax                      ; 0xf0 -> 0xff
        and     dword [rbx], 0x3c               ; 0xff -> 0x3c
        add     byte [rbx], 1                   ; 0xff -> 0x00, carry
        setc    al
        movzx   eax, al
        report  eax
        cmp     dword [rbx], 5
        sete    al
        movzx   eax, al
        report  eax
        test    byte [rbx], 0x80
        setnz   al
        movzx   eax, al
        report  eax
        mov     eax, 0x55
        xchg    eax, [rbx]
        report  eax
        hlt
