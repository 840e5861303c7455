; SPDX-License-Identifier: BSD-2-Clause
; One instruction after the other that faults; the vector and error code of each are reported.
; The test maps page DATA + 0x1000 read-only and without execute, DATA + 0x2000 not at all.
%include "long.inc"
%macro faults 1+
        try     %%after
        %1
%%after:
        mov     rax, [rel last_vector]
        report  eax
        mov     rax, [rel last_error]
        report  eax
%endmacro
READ_ONLY equ DATA + 0x1000
ABSENT    equ DATA + 0x2000
main:
        faults  ud2
        xor     ecx, ecx
        faults  div ecx
        faults  int3
        faults  int 0x55                        ; an interrupt to the handler: counted
        mov     rcx, 0x8000000000000000
        faults  mov al, [rcx]
        faults  push qword [rcx]
        faults  mov rax, [ABSENT + 8]
        mov     rax, cr2
        report  eax
        faults  mov [READ_ONLY], al
        mov     ebx, READ_ONLY
        faults  call rbx
        mov     bx, 0x123
        faults  mov ds, bx
        faults  mov ss, bx
        mov     rbx, cr0
        btr     rbx, 0                          ; paging without protection
        faults  mov cr0, rbx
        mov     rbx, cr4
        bts     rbx, 31
        faults  mov cr4, rbx
        mov     rbx, cr4
        btr     rbx, 5                          ; no PAE in long mode
        faults  mov cr4, rbx
        faults  lidt [rcx]
        hlt
