; SPDX-License-Identifier: BSD-2-Clause
; Loop for ever, with interrupts as the test has set RFLAGS.
%include "guest.inc"
        bits 64
        report  1
.loop:
        jmp     .loop
