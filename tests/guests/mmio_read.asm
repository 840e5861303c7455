; SPDX-License-Identifier: BSD-2-Clause
; Loads of every width and kind from an address where nothing is.
%include "guest.inc"
        bits 64
        mov     rbx, HOLE
        mov     rdi, DATA
%macro keep 0
        mov     [rdi], rax
        add     rdi, 8
        mov     rax, 0xeeeeeeeeeeeeeeee
%endmacro
        mov     rax, 0xeeeeeeeeeeeeeeee
        mov     al, [rbx]
        keep
        mov     ah, [rbx]
        keep
        mov     ax, [rbx]
        keep
        mov     eax, [rbx]
        keep
        mov     rax, [rbx]
        keep
        movzx   eax, byte [rbx]
        keep
        movzx   eax, word [rbx]
        keep
        movsx   eax, byte [rbx]
        keep
        movsx   rax, word [rbx]
        keep
        movsxd  rax, dword [rbx]
        keep
        mov     rsi, HOLE
        lodsd
        keep
        hlt
