; SPDX-License-Identifier: BSD-2-Clause
; Hypercalls: VMCALL and VMMCALL both work, an unknown number gives -KVM_ENOSYS.
%include "long.inc"
main:
        try     .no_vmcall
        mov     eax, 0x7777
        vmcall
        mov     [DATA], rax
.no_vmcall:
        mov     rax, [rel last_vector]
        report  eax
        report  [DATA]
        try     .no_vmmcall
        mov     eax, 0x7777
        vmmcall
        mov     [DATA], rax
.no_vmmcall:
        mov     rax, [rel last_vector]
        report  eax
        report  [DATA]
        hlt
