; SPDX-License-Identifier: BSD-2-Clause
; MOVS and STOS with REP between RAM and an address where nothing is.
%include "guest.inc"
        bits 64
        mov     rsi, HOLE
        mov     rdi, DATA
        mov     ecx, 4
        rep     movsd
        mov     rsi, DATA
        mov     rdi, HOLE + 0x100
        mov     ecx, 2
        rep     movsq
        mov     eax, 0xa5a5a5a5
        mov     rdi, HOLE + 0x200
        mov     ecx, 3
        rep     stosd
        mov     eax, ecx
        report  eax
        hlt
