; SPDX-License-Identifier: BSD-2-Clause
; A non-maskable interrupt: it comes with interrupts off, and a second one only after IRET.
%include "long.inc"
main:
        lea     rax, [rel after]
        mov     [rel recover], rax
        report  1
        nop
        nop
.lost:
        jmp     .lost
after:
        mov     rax, [rel last_vector]
        report  eax
        hlt
