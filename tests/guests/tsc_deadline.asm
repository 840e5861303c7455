; SPDX-License-Identifier: BSD-2-Clause
; The local APIC's timer in TSC-deadline mode.
%include "long.inc"
LAPIC   equ 0xfee00000
main:
        lea     rax, [rel eoi]
        mov     [rel irq_hook], rax
        mov     ebx, LAPIC
        mov     dword [rbx + 0xf0], 0x1ff
        mov     dword [rbx + 0x320], 0x40042    ; TSC deadline, vector 0x42
        mfence
        rdtsc
        shl     rdx, 32
        or      rax, rdx
        add     rax, 1000000
        mov     r8, rax
        mov     rdx, rax
        shr     rdx, 32
        mov     ecx, 0x6e0
        wrmsr
        sti
.wait:
        hlt
        cmp     qword [rel irq_count], 1
        jb      .wait
        rdtsc
        shl     rdx, 32
        or      rax, rdx
        cmp     rax, r8                         ; not before its time
        setae   al
        movzx   eax, al
        report  eax
        mov     rax, [rel last_vector]
        report  eax
        mov     ecx, 0x6e0
        rdmsr
        or      eax, edx
        report  eax                             ; disarmed
        hlt
eoi:
        mov     ecx, LAPIC
        mov     dword [rcx + 0xb0], 0
        ret
