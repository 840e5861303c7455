; SPDX-License-Identifier: BSD-2-Clause
; Loop for ever with interrupts off.
%include "kernel.inc"
        say     '!'
        cli
.loop:
        jmp     .loop
        end_of_kernel
