; SPDX-License-Identifier: BSD-2-Clause
; Restart by the reset register that a PC's chipset has and ACPI's FADT names.
%include "kernel.inc"
RESET_PORT      equ 0xcf9
        say     '!'
        mov     dx, RESET_PORT
        mov     al, 0x06
        out     dx, al
.loop:
        hlt
        jmp     .loop
        end_of_kernel
