; SPDX-License-Identifier: BSD-2-Clause
; From real mode to 64-bit mode, on page tables of its own.
%include "guest.inc"
        bits 16
PML4    equ 0x100000
        cli
        lgdt    [gdt_pointer]
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        jmp     0x08:protected
        bits 32
protected:
        mov     ax, 0x10
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     esp, 0x20000
        mov     edi, PML4
        xor     eax, eax
        mov     ecx, 3 * 1024
        rep     stosd
        mov     dword [PML4], PML4 + 0x1003
        mov     dword [PML4 + 0x1000], PML4 + 0x2003
        mov     dword [PML4 + 0x2000], 0x83     ; 0 .. 2 MiB
        mov     dword [PML4 + 0x2008], 0x200083 ; 2 .. 4 MiB
        mov     dword [PML4 + 0x2010], 0x000083 ; 4 .. 6 MiB is 0 .. 2 MiB again
        mov     eax, cr4
        or      eax, 0x20                       ; PAE
        mov     cr4, eax
        mov     eax, PML4
        mov     cr3, eax
        mov     ecx, 0xc0000080                 ; EFER.LME
        rdmsr
        or      eax, 0x100
        wrmsr
        mov     eax, cr0
        or      eax, 0x80000000
        mov     cr0, eax
        rdmsr
        shr     eax, 10                         ; EFER.LMA
        and     eax, 1
        report  eax
        jmp     0x18:long_code
        bits 64
long_code:
        mov     r15, 0x123456789abcdef0
        mov     rax, r15
        shr     rax, 32
        report  eax
        mov     rax, 0x1122334455667788
        mov     [0x400000 + DATA], rax          ; through the second mapping
        mov     eax, [DATA]
        report  eax
        hlt

        align 8
gdt:    dq 0
        dq 0x00cf9b000000ffff
        dq 0x00cf93000000ffff
        dq 0x00af9b000000ffff
gdt_pointer:
        dw      $ - gdt - 1
        dd      gdt
