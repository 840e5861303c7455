; SPDX-License-Identifier: BSD-2-Clause
; Without interrupt controllers: interrupts come from the test.
%include "long.inc"
main:
        report  1
        sti
        nop
        nop
        cli
        mov     rax, [rel last_vector]
        report  eax
        mov     ecx, 1000
.closed:
        dec     ecx
        jnz     .closed
        report  2
        sti
        nop
        nop
        nop
        cli
        mov     rax, [rel last_vector]
        report  eax
        hlt
