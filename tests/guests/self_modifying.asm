; SPDX-License-Identifier: BSD-2-Clause
; Code that rewrites itself, and code that the test rewrites between two exits.
%include "guest.inc"
        bits 64
        mov     ecx, 3
        mov     byte [rel patch + 1], 1
again:
patch:  mov     eax, 1
        report  eax
        inc     byte [rel patch + 1]
        dec     ecx
        jnz     again
        call    from_outside
        report  eax
        call    from_outside
        report  eax
        hlt
        align 64
from_outside:                                   ; at a fixed place for the test
        mov     eax, 0x100
        ret
