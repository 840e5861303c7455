; SPDX-License-Identifier: BSD-2-Clause
; Read, write and at last execute where there is no memory.
%include "kernel.inc"
        mov     ebx, 0x10000000
.next:
        mov     eax, [rbx]
        mov     [rbx], eax
        add     ebx, 0x1000000
        cmp     ebx, 0xf0000000
        jb      .next
        say     '!'
        mov     ebx, 0x10000000
        jmp     rbx
        end_of_kernel
