; SPDX-License-Identifier: BSD-2-Clause
; Loop for ever with interrupts on.
%include "kernel.inc"
        say     '!'
        sti
.loop:
        jmp     .loop
        end_of_kernel
