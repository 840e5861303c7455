; SPDX-License-Identifier: BSD-2-Clause
; An exception with an interrupt table full of ones.
%include "guest.inc"
        bits 64
        mov     rdi, DATA
        mov     ecx, 4096
        mov     al, 0xff
        rep     stosb
        lidt    [rel pointer]
        report  1
        ud2
        report  2
pointer:
        dw      4095
        dq      DATA
