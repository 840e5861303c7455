; SPDX-License-Identifier: BSD-2-Clause
; Store every general register where the test can see it, then fill them with other values.
%include "guest.inc"
        bits 64
        mov     [DATA + 0x00], rax
        mov     [DATA + 0x08], rbx
        mov     [DATA + 0x10], rcx
        mov     [DATA + 0x18], rdx
        mov     [DATA + 0x20], rsi
        mov     [DATA + 0x28], rdi
        mov     [DATA + 0x30], rsp
        mov     [DATA + 0x38], rbp
        mov     [DATA + 0x40], r8
        mov     [DATA + 0x48], r9
        mov     [DATA + 0x50], r10
        mov     [DATA + 0x58], r11
        mov     [DATA + 0x60], r12
        mov     [DATA + 0x68], r13
        mov     [DATA + 0x70], r14
        mov     [DATA + 0x78], r15
        add     rax, 1
        add     rbx, 2
        add     rcx, 3
        add     rdx, 4
        add     rsi, 5
        add     rdi, 6
        add     rbp, 7
        add     r8, 8
        add     r9, 9
        add     r10, 10
        add     r11, 11
        add     r12, 12
        add     r13, 13
        add     r14, 14
        add     r15, 15
        out     0x80, al
        hlt
