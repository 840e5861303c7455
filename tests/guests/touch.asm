; SPDX-License-Identifier: BSD-2-Clause
; Read or write where the test says: it answers an address, 0 to read or 1 to write, and a
; value to write. Reads are reported.
%include "guest.inc"
        bits 64
.again:
        in      eax, 0x10
        mov     ebx, eax
        in      eax, 0x10
        test    eax, eax
        jnz     .write
        report  [rbx]
        jmp     .again
.write:
        in      eax, 0x10
        mov     [rbx], eax
        report  0
        jmp     .again
