; SPDX-License-Identifier: BSD-2-Clause
; Report CPUID of the leaf and subleaf that the test answers, again and again.
%include "guest.inc"
        bits 64
.again:
        in      eax, 0x10
        mov     r8d, eax
        in      eax, 0x10
        mov     ecx, eax
        mov     eax, r8d
        cpuid
        out     REPORT_PORT, eax
        mov     eax, ebx
        out     REPORT_PORT, eax
        mov     eax, ecx
        out     REPORT_PORT, eax
        mov     eax, edx
        out     REPORT_PORT, eax
        jmp     .again
