; SPDX-License-Identifier: BSD-2-Clause
; PIT channel 0 as a periodic timer through the PIC; channel 2 by its gate and output.
%include "long.inc"
main:
        lea     rax, [rel eoi]
        mov     [rel irq_hook], rax
        mov     al, 0x11
        out     0x20, al
        mov     al, 0x20
        out     0x21, al
        mov     al, 4
        out     0x21, al
        mov     al, 1
        out     0x21, al
        mov     al, 0xfe                        ; only IRQ 0
        out     0x21, al
        mov     al, 0x34                        ; channel 0, both bytes, rate generator
        out     0x43, al
        mov     ax, 11932                       ; 100 Hz
        out     0x40, al
        mov     al, ah
        out     0x40, al
        rdtsc
        mov     r8d, eax
        sti
.wait:
        hlt
        cmp     qword [rel irq_count], 5
        jb      .wait
        cli
        mov     rax, [rel last_vector]
        report  eax
        mov     al, 0xff
        out     0x21, al

        in      al, 0x61                        ; channel 2: gate on, speaker off
        and     al, 0xfd
        or      al, 1
        out     0x61, al
        mov     al, 0xb0                        ; channel 2, both bytes, one shot (mode 0)
        out     0x43, al
        mov     al, 0x9c
        out     0x42, al
        mov     al, 0x2e                        ; 10 ms
        out     0x42, al
        in      al, 0x61
        and     al, 0x20
        movzx   eax, al
        report  eax                             ; output low while counting
        mov     ecx, 100000
.poll:
        in      al, 0x61
        test    al, 0x20
        jnz     .high
        dec     ecx
        jnz     .poll
.high:
        and     eax, 0x20
        report  eax
        hlt
eoi:
        mov     al, 0x20
        out     0x20, al
        ret
