; SPDX-License-Identifier: BSD-2-Clause
; A descriptor table full of rubbish, then none at all: loading a segment faults, no more.
%include "long.inc"
main:
        mov     rdi, DATA
        mov     ecx, 4096
        mov     al, 0xef                        ; as descriptors: of the system, not segments
        rep     stosb
        sgdt    [rel saved]
        ; the handler's own code segment must be there when the fault comes: keep the
        ; good table's first entries and spoil what is behind them
        mov     rsi, [rel saved + 2]
        mov     rdi, DATA
        mov     ecx, 6 * 8
        rep     movsb
        try     .after
        lgdt    [rel spoilt]
        mov     ax, 0x40
        mov     ds, ax
.after:
        mov     rax, [rel last_vector]
        report  eax
        mov     rax, [rel last_error]
        report  eax
        try     .after2
        mov     ax, 0x1000                      ; beyond the table's end
        mov     es, ax
.after2:
        mov     rax, [rel last_vector]
        report  eax
        mov     rax, [rel last_error]
        report  eax
        lgdt    [rel none]
        mov     ax, 0x10
        mov     ds, ax                          ; #GP, and no code segment for its handler
        report  3
saved:  dw 0
        dq 0
spoilt: dw 0xff
        dq DATA
none:   dw 0
        dq 0
