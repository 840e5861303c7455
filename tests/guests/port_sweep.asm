; SPDX-License-Identifier: BSD-2-Clause
; Hostile: read and write every port below 0x1000, but those of the PICs' masks.
%include "guest.inc"
        bits 64
        xor     edx, edx
.next:
        in      al, dx
        mov     al, 0xa5
        out     dx, al
        in      eax, dx
        mov     eax, 0xdeadbeef
        out     dx, eax
        inc     edx
        cmp     edx, 0x1000
        jb      .next
        mov     dx, 0xffff
        out     dx, al
        hlt
