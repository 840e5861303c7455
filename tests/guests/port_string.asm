; SPDX-License-Identifier: BSD-2-Clause
; OUTS and INS with REP: upwards, downwards, of two widths, and no times at all.
%include "guest.inc"
        bits 64
        mov     dx, 0x1f0
        mov     rsi, text
        mov     ecx, 16
        cld
        rep     outsb
        mov     eax, ecx
        report  eax
        mov     rsi, text + 14
        mov     ecx, 4
        std
        rep     outsw                           ; "no", "lm", "jk", "hi"
        cld
        xor     ecx, ecx
        rep     outsb
        mov     rdi, DATA
        mov     ecx, 8
        rep     insd
        mov     rax, rdi
        sub     eax, DATA
        report  eax
        hlt
text:   db "abcdefghijklmnop"
