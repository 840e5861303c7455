; SPDX-License-Identifier: BSD-2-Clause
; IN of every width: a byte or a word leaves the rest of the register alone, 32 bits clear it.
%include "guest.inc"
        bits 64
        mov     rbx, 0xffffffff11223344
        mov     rax, rbx
        in      al, 0x71
        mov     [DATA], rax
        mov     rax, rbx
        in      ax, 0x71
        mov     [DATA + 8], rax
        mov     rax, rbx
        mov     dx, 0xcfc
        in      eax, dx
        mov     [DATA + 16], rax
        hlt
