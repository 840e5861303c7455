; SPDX-License-Identifier: BSD-2-Clause
; 64-bit mode, entered by the test.
%include "guest.inc"
        bits 64
        mov     rax, 0xfedcba9876543210
        push    rax
        pop     r9
        shr     r9, 32
        mov     eax, r9d
        report  eax
        mov     eax, cs
        report  eax
        mov     rax, [rel value]
        imul    rax, rax, 3
        mov     [DATA], rax
        hlt
        align 8
value:  dq 0x1111111122222222
