; SPDX-License-Identifier: BSD-2-Clause
; Jump to where there is no memory.
%include "guest.inc"
        bits 64
        mov     eax, HOLE
        jmp     rax
