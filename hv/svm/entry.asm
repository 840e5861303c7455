; SPDX-License-Identifier: BSD-2-Clause
;
; Into the guest and back. VMRUN and #VMEXIT exchange RAX, RSP, RIP, RFLAGS, the
; control registers, CS, SS, DS, ES and the descriptor tables; VMLOAD and VMSAVE
; FS, GS, TR, LDTR and the MSRs of system calls. The rest is done here.
;
; GS base is the guest's between the two VMLOADs: no C code and no interrupt in
; between. The global interrupt flag sees to it, for NMIs too.

bits 64
default rel

%include "asm_offsets.inc"

section .text progbits alloc exec nowrite align=16

%macro FOR_EACH_REGISTER 1 ; but RAX and RSP, which VMRUN exchanges
        %1      rbx, REGS_RBX
        %1      rcx, REGS_RCX
        %1      rdx, REGS_RDX
        %1      rsi, REGS_RSI
        %1      rbp, REGS_RBP
        %1      r8, REGS_R8
        %1      r9, REGS_R9
        %1      r10, REGS_R10
        %1      r11, REGS_R11
        %1      r12, REGS_R12
        %1      r13, REGS_R13
        %1      r14, REGS_R14
        %1      r15, REGS_R15
        %1      rdi, REGS_RDI
%endmacro
%macro LOAD 2
        mov     %1, [rdi + %2]
%endmacro
%macro SAVE 2
        mov     [rax + %2], %1
%endmacro

; void svm_world_switch(struct guest_regs *regs, paddr_t guest_vmcb, paddr_t host_vmcb);
;   in     interrupts off; RAX, RSP, RIP and RFLAGS of the guest are in its VMCB
;   out    interrupts off, and the host's own as they were; what ended the guest's
;          stay is in the VMCB. A host NMI has been taken, an interrupt is pending
;   saves  rbx rbp r12-r15; no other register leaves with a guest value in it
;
;       [rsp + 8]  host_vmcb
;       [rsp]      regs
global svm_world_switch:function (svm_world_switch.end - svm_world_switch)
svm_world_switch:
        push    rbp
        push    rbx
        push    r12
        push    r13
        push    r14
        push    r15
        push    rdx
        push    rdi
        mov     rax, rsi

        clgi
        sti                             ; an interrupt is to end the guest's stay, not to wait
        FOR_EACH_REGISTER LOAD          ; rdi last
        vmload                          ; rax: the address
        vmrun
        vmsave                          ; #VMEXIT has restored rax

        mov     rax, [rsp]
        FOR_EACH_REGISTER SAVE
        mov     rax, [rsp + 8]
        vmload                          ; rax: the address

        xor     eax, eax
        xor     ecx, ecx
        xor     edx, edx
        xor     esi, esi
        xor     edi, edi
        xor     r8d, r8d
        xor     r9d, r9d
        xor     r10d, r10d
        xor     r11d, r11d
        add     rsp, 16
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbx
        pop     rbp
        cli
        stgi                            ; NMIs come in here
        ret
.end:

section .note.GNU-stack noalloc noexec nowrite progbits
