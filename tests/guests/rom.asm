; SPDX-License-Identifier: BSD-2-Clause
; A read-only slot at 0x800000: it can be read and executed, a write becomes an exit.
%include "guest.inc"
        bits 64
ROM     equ 0x800000
        report  [ROM + 0x100]
        mov     dword [ROM + 0x100], 0x12345678
        report  [ROM + 0x100]
        mov     eax, ROM
        call    rax                             ; the test has put "mov eax, N; ret" there
        report  eax
        hlt
