; SPDX-License-Identifier: BSD-2-Clause
; x87 and SSE registers keep their values over exits.
%include "guest.inc"
        bits 64
        fninit
        fldpi
        mov     rax, 0x0123456789abcdef
        movq    xmm0, rax
        movq    xmm15, rax
        pslldq  xmm15, 8
        report  1                               ; the test uses these registers itself
        movq    rbx, xmm0
        cmp     rbx, [rel value]
        jne     .bad
        psrldq  xmm15, 8
        movq    rbx, xmm15
        cmp     rbx, [rel value]
        jne     .bad
        fldpi
        fcompp
        fnstsw  ax
        sahf
        jne     .bad
        report  2
        movdqu  xmm3, [rel value]
        hlt
.bad:
        report  0xbad
        hlt
        align 16
value:  dq 0x0123456789abcdef, 0x1122334455667788
