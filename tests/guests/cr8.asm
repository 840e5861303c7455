; SPDX-License-Identifier: BSD-2-Clause
; Raise the task priority, lower it, write it once more, and read it.
%include "guest.inc"
        bits 64
        mov     eax, 9
        mov     cr8, rax
        report  1
        mov     ecx, 5
        mov     cr8, rcx
        report  2
        mov     cr8, rcx
        report  3
        mov     rax, cr8
        report  eax
        hlt
