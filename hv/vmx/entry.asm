; SPDX-License-Identifier: BSD-2-Clause
;
; Into the guest and out of it. The CPU switches rip, rsp, rflags, segments and
; control registers; the other general registers are ours to switch.

bits 64
default rel

%include "asm_offsets.inc"

section .text progbits alloc exec nowrite align=16

; What both ways out have in common.
%macro SAVE_CALLEE_SAVED 0
        push    rbx
        push    rbp
        push    r12
        push    r13
        push    r14
        push    r15
%endmacro
%macro RESTORE_CALLEE_SAVED 0
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
%endmacro

; enum vmx_switch_result vmx_world_switch(struct guest_regs *regs, bool is_launched);
;   in     rdi = regs: all but rsp, rip and rflags, which are in the VMCS;
;          sil = the current VMCS has been launched
;   out    eax = VMX_EXITED with the guest's registers in regs (but rsp, rip, rflags),
;          VMX_FAIL_INVALID or VMX_FAIL_VALID
;   saves  rbx rbp r12-r15; no other register leaves with a guest value in it
;   needs  interrupts off, a current VMCS
;
;     rsp ->  regs         from here on HOST_RSP
;             r15 r14 r13 r12 rbp rbx
;             return address
global vmx_world_switch:function (vmx_world_switch.end - vmx_world_switch)
vmx_world_switch:
        SAVE_CALLEE_SAVED
        push    rdi
        mov     eax, VMCS_HOST_RSP
        vmwrite rax, rsp
        jbe     .failed

        test    sil, sil                ; the flag lives on until the jump below
        mov     rax, [rdi + REGS_RAX]
        mov     rcx, [rdi + REGS_RCX]
        mov     rdx, [rdi + REGS_RDX]
        mov     rbx, [rdi + REGS_RBX]
        mov     rbp, [rdi + REGS_RBP]
        mov     rsi, [rdi + REGS_RSI]
        mov     r8, [rdi + REGS_R8]
        mov     r9, [rdi + REGS_R9]
        mov     r10, [rdi + REGS_R10]
        mov     r11, [rdi + REGS_R11]
        mov     r12, [rdi + REGS_R12]
        mov     r13, [rdi + REGS_R13]
        mov     r14, [rdi + REGS_R14]
        mov     r15, [rdi + REGS_R15]
        mov     rdi, [rdi + REGS_RDI]
        jnz     .resume
        vmlaunch
        jmp     .failed
.resume:
        vmresume

.failed:                                ; CF: no VMCS; ZF: VMCS_INSTRUCTION_ERROR says why
        mov     eax, SWITCH_FAIL_INVALID
        mov     ecx, SWITCH_FAIL_VALID
        cmovz   eax, ecx
        pop     rdi
        jmp     vmx_leave_guest
.end:

; vmx_exit_point: the CPU comes here from the guest, with HOST_RSP.
;   in     interrupts off, all general registers but rsp the guest's
global vmx_exit_point:function (vmx_exit_point.end - vmx_exit_point)
vmx_exit_point:
        push    rdi
        mov     rdi, [rsp + 8]
        mov     [rdi + REGS_RAX], rax
        mov     [rdi + REGS_RCX], rcx
        mov     [rdi + REGS_RDX], rdx
        mov     [rdi + REGS_RBX], rbx
        mov     [rdi + REGS_RBP], rbp
        mov     [rdi + REGS_RSI], rsi
        pop     qword [rdi + REGS_RDI]
        mov     [rdi + REGS_R8], r8
        mov     [rdi + REGS_R9], r9
        mov     [rdi + REGS_R10], r10
        mov     [rdi + REGS_R11], r11
        mov     [rdi + REGS_R12], r12
        mov     [rdi + REGS_R13], r13
        mov     [rdi + REGS_R14], r14
        mov     [rdi + REGS_R15], r15
        mov     eax, SWITCH_EXITED
        pop     rdi
        ; fall through
.end:

; vmx_leave_guest: back to vmx_world_switch's caller.
;   in     eax = result, the callee-saved registers on the stack
vmx_leave_guest:
        xor     ecx, ecx                ; nothing of the guest's goes on, not even by speculation
        xor     edx, edx
        xor     esi, esi
        xor     edi, edi
        xor     r8d, r8d
        xor     r9d, r9d
        xor     r10d, r10d
        xor     r11d, r11d
        RESTORE_CALLEE_SAVED
        ret

section .note.GNU-stack noalloc noexec nowrite progbits
