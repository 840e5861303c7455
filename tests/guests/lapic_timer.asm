; SPDX-License-Identifier: BSD-2-Clause
; The local APIC's timer through its registers in memory: once, then periodically.
%include "long.inc"
LAPIC   equ 0xfee00000
main:
        lea     rax, [rel eoi]
        mov     [rel irq_hook], rax
        mov     ebx, LAPIC
        report  [rbx + 0x20]                    ; APIC id
        mov     eax, [rbx + 0x30]               ; version
        and     eax, 0xff
        report  eax
        mov     dword [rbx + 0xf0], 0x1ff       ; on, spurious vector 0xff
        mov     dword [rbx + 0x3e0], 0xb        ; divide by 1
        mov     dword [rbx + 0x320], 0x40       ; one shot, vector 0x40
        mov     dword [rbx + 0x380], 1000000
        sti
.once:
        hlt
        cmp     qword [rel irq_count], 1
        jb      .once
        mov     rax, [rel last_vector]
        report  eax
        report  [rbx + 0x390]                   ; current count: it has stopped
        mov     dword [rbx + 0x320], 0x20041    ; periodic, vector 0x41
        mov     dword [rbx + 0x380], 1000000
.periodic:
        hlt
        cmp     qword [rel irq_count], 4
        jb      .periodic
        mov     dword [rbx + 0x320], 0x10041    ; masked
        mov     rax, [rel last_vector]
        report  eax
        hlt
eoi:
        mov     ecx, LAPIC
        mov     dword [rcx + 0xb0], 0
        ret
