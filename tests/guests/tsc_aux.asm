; SPDX-License-Identifier: BSD-2-Clause
; Report what RDTSCP shows in ECX and what RDMSR of TSC_AUX gives; then write what the test
; answers to TSC_AUX; again and again.
%include "guest.inc"
        bits 64
TSC_AUX equ     0xc0000103
.again:
        rdtscp
        mov     eax, ecx
        out     REPORT_PORT, eax
        mov     ecx, TSC_AUX
        rdmsr
        out     REPORT_PORT, eax
        in      eax, 0x10
        xor     edx, edx
        mov     ecx, TSC_AUX
        wrmsr
        jmp     .again
