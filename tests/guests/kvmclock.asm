; SPDX-License-Identifier: BSD-2-Clause
; kvmclock: let the hypervisor fill in the time at DATA, and read it twice.
%include "long.inc"
main:
        mov     ecx, 0x4b564d01                 ; system time
        mov     eax, DATA + 1
        xor     edx, edx
        wrmsr
        mov     ecx, 0x4b564d00                 ; wall clock at start
        mov     eax, DATA + 0x100
        wrmsr
        rdtsc
        mov     [DATA + 0x200], eax
        mov     [DATA + 0x204], edx
        report  1
        mov     ecx, 0x4b564d01
        rdmsr
        report  eax
        hlt
