; SPDX-License-Identifier: BSD-2-Clause
; Power off: ACPI's sleep state S5, where the firmware tables of `vmm` say it is.
%include "kernel.inc"
PM1_CONTROL     equ 0x604
SLEEP_S5        equ 5 << 10 | 1 << 13
        say     '!'
        mov     dx, PM1_CONTROL
        mov     ax, SLEEP_S5
        out     dx, ax
.loop:
        hlt
        jmp     .loop
        end_of_kernel
