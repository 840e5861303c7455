; SPDX-License-Identifier: BSD-2-Clause
;
; Every way into the kernel and back out: from the loader, by exception or
; interrupt, and by SYSCALL.
;
; From user mode, all of them leave one struct trapframe at the top of the
; thread's kernel stack and go back through user_return, the only door to user
; mode. There, with interrupts off, pending work (signals, rescheduling) is
; done first, so that none can slip in between the look and the leap.
;
;     kernel_stack_top ->  ss                  pushed by the CPU, or here for SYSCALL
;                          rsp
;                          rflags
;                          cs
;                          rip
;                          error code          by the CPU, or 0
;                          vector
;                          orig_rax            call number, or -1
;                          rdi rsi rdx rcx rax r8 r9 r10 r11 rbx rbp r12 r13 r14
;     trapframe ------->   r15                 8 below a multiple of 16
;
; GS base is this CPU's struct cpu exactly while in the kernel; SWAPGS exchanges
; it with the user's on each crossing. An exception that can strike between the
; crossing and its SWAPGS (NMI, #DB, #DF, #MC) has a stack of its own and looks
; at the GS base itself: the kernel's is in the upper half of the addresses, and
; a user's never is.

bits 64
default rel

%include "kernel/x86/asm.inc"

extern kernel_main
extern __stack_chk_guard
extern syscall_dispatch
extern user_return_work
extern fpu_load_current
extern trap_exception
extern trap_page_fault
extern trap_interrupt
extern trap_bad_return

; ---- from the loader -----------------------------------------------------------

section .bss align=4096
boot_stack:
        resb    BOOT_STACK_SIZE
boot_stack_top:

section .text.entry progbits alloc exec nowrite align=16

; kernel_entry: boot/boot_info.h says in what state the loader gets here.
;   in     rdi = physical address of struct boot_info
;   out    does not return
global kernel_entry:function (kernel_entry.end - kernel_entry)
kernel_entry:
        cli
        cld
        lea     rsp, [boot_stack_top]
        xor     ebp, ebp                ; a backtrace ends here

        mov     rbx, 0xffff800000000000 ; the direct map
        add     rbx, rdi

        ; The stack protector's guard, before the first C function. Its lowest
        ; byte is zero, so that no string function reads or writes past it.
        rdtsc
        shl     rdx, 32
        or      rax, rdx
        xor     rax, [rbx + BOOT_ENTROPY + 8]
        rol     rax, 29
        add     rax, [rbx + BOOT_ENTROPY + 16]
        xor     al, al
        mov     [__stack_chk_guard], rax

        mov     rdi, rbx
        call    kernel_main
        ud2
.end:

; ---- saving and restoring --------------------------------------------------------

section .text progbits alloc exec nowrite align=16

%macro PUSH_REGISTERS 0
        push    rdi
        push    rsi
        push    rdx
        push    rcx
        push    rax
        push    r8
        push    r9
        push    r10
        push    r11
        push    rbx
        push    rbp
        push    r12
        push    r13
        push    r14
        push    r15
%endmacro

%macro POP_REGISTERS 0
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
        pop     r11
        pop     r10
        pop     r9
        pop     r8
        pop     rax
        pop     rcx
        pop     rdx
        pop     rsi
        pop     rdi
%endmacro

; CALL_WITH_FRAME fn: fn(struct trapframe *), with the stack aligned as C wants it
%macro CALL_WITH_FRAME 1
        mov     rdi, rsp
        sub     rsp, 8
        call    %1
        add     rsp, 8
%endmacro

; Distances from rsp in a stub, before the registers are pushed: vector, error, rip, cs.
%define STUB_CS 24

; ---- exceptions and interrupts ------------------------------------------------------

; ENTRY_PATH label, fn: what the stubs jump to. fn(frame) runs with interrupts off
; and may turn them on; AC is clear, so user memory is out of reach.
%macro ENTRY_PATH 2
align 16
%1:
        test    byte [rsp + STUB_CS], 3
        jz      %%kernel
        swapgs
        push    -1                      ; orig_rax: not in a system call
        PUSH_REGISTERS
        cld
        CLAC
        CALL_WITH_FRAME %2
        jmp     user_return
%%kernel:
        push    -1
        PUSH_REGISTERS
        cld
        CLAC
        CALL_WITH_FRAME %2
        POP_REGISTERS
        add     rsp, 24                 ; orig_rax, vector, error code
        iretq
%endmacro

ENTRY_PATH exception_entry, trap_exception
ENTRY_PATH page_fault_entry, trap_page_fault
ENTRY_PATH interrupt_entry, trap_interrupt

; NMI, #DB, #DF, #MC: on a stack of their own. From user mode they move to the
; thread's stack and become ordinary exceptions, so that they may sleep.
align 16
paranoid_entry:
        push    -1
        PUSH_REGISTERS
        cld
        CLAC
        test    byte [rsp + FRAME_CS], 3
        jnz     .from_user

        xor     ebx, ebx
        mov     ecx, MSR_GS_BASE
        rdmsr
        test    edx, edx
        js      .gs_ok
        swapgs
        inc     ebx
.gs_ok:
        CALL_WITH_FRAME trap_exception
        test    ebx, ebx
        jz      .restore
        swapgs
.restore:
        POP_REGISTERS
        add     rsp, 24
        iretq

.from_user:
        swapgs
        mov     rsi, rsp
        mov     rdi, [gs:CPU_STACK_TOP]
        sub     rdi, FRAME_SIZE
        mov     rdx, rdi
        mov     ecx, FRAME_SIZE / 8
        rep movsq
        mov     rsp, rdx
        CALL_WITH_FRAME trap_exception
        jmp     user_return

; One stub for each vector, 16 bytes apart. The CPU pushes an error code for some
; exceptions; the stub does for the others.
%define HAS_ERROR_CODE(v)  ((v) == 8 || ((v) >= 10 && (v) <= 14) || (v) == 17 || (v) == 21 || (v) == 29 || (v) == 30)
%define IS_PARANOID(v)     ((v) == 1 || (v) == 2 || (v) == 8 || (v) == 18)

align 16
global trap_stubs:data
trap_stubs:
%assign v 0
%rep 256
        align   16
  %if !HAS_ERROR_CODE(v)
        push    0
  %endif
        push    v
  %if IS_PARANOID(v)
        jmp     paranoid_entry
  %elif v == 14
        jmp     page_fault_entry
  %elif v < 32
        jmp     exception_entry
  %else
        jmp     interrupt_entry
  %endif
  %assign v v + 1
%endrep

; ---- system calls -----------------------------------------------------------------

; SYSCALL: rip is in rcx, rflags in r11; interrupts, direction and AC flags are
; off by MSR_SFMASK; the stack is still the user's.
align 16
global syscall_entry:function (syscall_entry.end - syscall_entry)
syscall_entry:
        swapgs
        mov     [gs:CPU_USER_RSP], rsp
        mov     rsp, [gs:CPU_STACK_TOP]
        push    SEL_USER_DS
        push    qword [gs:CPU_USER_RSP]
        push    r11
        push    SEL_USER_CS
        push    rcx
        push    0                       ; error code
        push    VECTOR_SYSCALL
        push    rax                     ; orig_rax
        PUSH_REGISTERS
        mov     rdi, rsp
        sub     rsp, 8
        sti
        call    syscall_dispatch
        add     rsp, 8
        ; fall through
.end:

; ---- the way back to user mode -------------------------------------------------------

; user_return: leave the kernel through the trapframe at rsp.
;   in     rsp = the frame at the top of the current thread's kernel stack
;   out    does not return; every register has the frame's value, none a kernel's
global user_return:function (user_return.end - user_return)
user_return:
        cli
        mov     rax, [gs:CPU_CURRENT]
        test    dword [rax + THREAD_WORK], WORK_BEFORE_USER
        jnz     .work
        cmp     rax, [gs:CPU_FPU_OWNER]
        jne     .load_fpu

        ; SYSRET is quicker than IRETQ, but takes rip from rcx and rflags from
        ; r11, ignores TF and RF, and on Intel faults in ring 0 when rip is not
        ; canonical. A return from a system call nearly always fits; a signal
        ; frame or an interrupted program hardly ever does.
        mov     rcx, [rsp + FRAME_RIP]
        cmp     rcx, [rsp + FRAME_RCX]
        jne     .iret
        mov     r11, [rsp + FRAME_RFLAGS]
        cmp     r11, [rsp + FRAME_R11]
        jne     .iret
        test    r11d, RFLAGS_TF_RF
        jnz     .iret
        shr     rcx, USER_ADDRESS_BITS
        jnz     .iret

        POP_REGISTERS
        mov     rsp, [rsp + FRAME_RSP - FRAME_ORIG_RAX]
        swapgs
        o64 sysret

.iret:
        mov     rcx, [rsp + FRAME_RIP]
        shr     rcx, USER_ADDRESS_BITS
        jnz     .bad                    ; IRETQ would fault, with the user's GS
        POP_REGISTERS
        add     rsp, 24
        swapgs
        iretq

.work:
        sti
        CALL_WITH_FRAME user_return_work
        jmp     user_return
.load_fpu:
        CALL_WITH_FRAME fpu_load_current
        jmp     user_return
.bad:
        sti
        CALL_WITH_FRAME trap_bad_return ; sends SIGSEGV: there is work now
        jmp     user_return
.end:

section .note.GNU-stack noalloc noexec nowrite progbits
