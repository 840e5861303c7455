; SPDX-License-Identifier: BSD-2-Clause
; x2APIC mode: registers as MSRs, an interrupt to itself, the way back.
%include "long.inc"
main:
        lea     rax, [rel eoi]
        mov     [rel irq_hook], rax
        mov     ecx, 0x1b
        rdmsr
        report  eax                             ; APIC base, enabled, boot CPU
        or      eax, 0x400
        wrmsr
        rdmsr
        report  eax
        mov     ecx, 0x802                      ; id
        rdmsr
        report  eax
        mov     ecx, 0x80f                      ; on
        mov     eax, 0x1ff
        xor     edx, edx
        wrmsr
        mov     ecx, 0x83f                      ; self IPI
        mov     eax, 0x45
        wrmsr
        sti
        nop
        nop
        cli
        mov     rax, [rel last_vector]
        report  eax
        mov     rax, [rel irq_count]
        report  eax
        try     .no_reserved                    ; a reserved register
        mov     ecx, 0x800
        rdmsr
.no_reserved:
        mov     rax, [rel last_vector]
        report  eax
        try     .no_step                        ; x2APIC straight to xAPIC is not allowed
        mov     ecx, 0x1b
        rdmsr
        and     eax, ~0x400
        wrmsr
.no_step:
        mov     rax, [rel last_vector]
        report  eax
        hlt
eoi:
        mov     ecx, 0x80b
        xor     eax, eax
        xor     edx, edx
        wrmsr
        ret
