; SPDX-License-Identifier: BSD-2-Clause
; Do what the test says with a model-specific register: it answers the number, then 0 to
; read or 1 to write, then for a write the value's two halves. Report 0 or the exception's
; vector, then for a read the value's two halves.
%include "long.inc"
main:
        in      eax, 0x10
        mov     ecx, eax
        in      eax, 0x10
        test    eax, eax
        jnz     .write
        try     .read_done
        rdmsr
        mov     r8d, eax
        mov     r9d, edx
.read_done:
        call    outcome
        mov     eax, r8d
        report  eax
        mov     eax, r9d
        report  eax
        jmp     main
.write:
        in      eax, 0x10
        mov     r8d, eax
        in      eax, 0x10
        mov     edx, eax
        try     .write_done
        mov     eax, r8d
        wrmsr
.write_done:
        call    outcome
        jmp     main
outcome:
        mov     rax, [rel last_vector]
        inc     eax                             ; -1, nothing happened: 0; else vector + 1
        jz      .report
        dec     eax
.report:
        report  eax
        ret
