; SPDX-License-Identifier: BSD-2-Clause
; Halt, with interrupts as the test has set RFLAGS; and again if something wakes it.
%include "guest.inc"
        bits 64
        report  1
.loop:
        hlt
        report  2
        jmp     .loop
