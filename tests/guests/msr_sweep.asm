; SPDX-License-Identifier: BSD-2-Clause
; Hostile: read every MSR of the usual ranges and write rubbish to it. Each access does
; something or faults; the guest goes on, or its own machine ends.
%include "long.inc"
main:
%macro sweep 2
        mov     ebx, %1
%%next:
        try     %%read
        mov     ecx, ebx
        rdmsr
%%read:
        try     %%written
        mov     ecx, ebx
        mov     eax, 0xdeadbeef
        mov     edx, 0xffff1234
        wrmsr
%%written:
        inc     ebx
        cmp     ebx, %2
        jb      %%next
%endmacro
        sweep   0, 0x1b
        sweep   0x1c, 0x800
        sweep   0x4b564d00, 0x4b564d10
        sweep   0xc0000080, 0xc0000081
        sweep   0xc0010000, 0xc0010200
        report  1
        hlt
