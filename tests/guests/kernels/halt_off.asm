; SPDX-License-Identifier: BSD-2-Clause
; Halt with interrupts off: nothing can wake this CPU.
%include "kernel.inc"
        say     '!'
        cli
.loop:
        hlt
        jmp     .loop
        end_of_kernel
