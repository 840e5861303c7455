; SPDX-License-Identifier: BSD-2-Clause
;
; From one kernel stack to another, and how new threads get onto theirs.

bits 64
default rel

%include "kernel/x86/asm.inc"

extern sched_thread_started
extern thread_exit
extern user_return

section .text progbits alloc exec nowrite align=16

; void switch_stacks(uint64_t *save_sp, uint64_t load_sp);
;   in     rdi = where to keep this stack's pointer, rsi = the other stack's
;   out    returns on the other stack, to whoever called switch_stacks() there,
;          or to thread_start or fork_return, which thread.c put there
;   saves  rbx rbp r12-r15, in the order of struct switch_frame
;   needs  interrupts off
global switch_stacks:function (switch_stacks.end - switch_stacks)
switch_stacks:
        push    rbp
        push    rbx
        push    r12
        push    r13
        push    r14
        push    r15
        mov     [rdi], rsp
        mov     rsp, rsi
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbx
        pop     rbp
        ret
.end:

; thread_start: a kernel thread's first instructions.
;   in     rbx = fn, r12 = its argument; interrupts off; rsp 8 below a multiple of 16
global thread_start:function (thread_start.end - thread_start)
thread_start:
        sub     rsp, 8
        call    sched_thread_started
        sti
        mov     rdi, r12
        call    rbx
        xor     edi, edi
        call    thread_exit
        ud2
.end:

; fork_return: a user thread's first instructions: its frame is already in place.
;   in     rsp = the frame; interrupts off
global fork_return:function (fork_return.end - fork_return)
fork_return:
        sub     rsp, 8
        call    sched_thread_started
        add     rsp, 8
        jmp     user_return
.end:

; void enter_user(struct trapframe *frame) __noreturn;
;   in     rdi = the frame at the top of this thread's kernel stack
global enter_user:function (enter_user.end - enter_user)
enter_user:
        mov     rsp, rdi
        jmp     user_return
.end:

; void call_on_stack(void *top, void (*fn)(void)) __noreturn;
;   Leave this stack for good: fn runs on the other one and must not return.
global call_on_stack:function (call_on_stack.end - call_on_stack)
call_on_stack:
        mov     rsp, rdi
        xor     ebp, ebp
        call    rsi
        ud2
.end:

; void reload_segments(void);
;   CS and SS from the new GDT; no data segment is used in 64-bit mode, and a
;   null selector tells later that no program has loaded one.
global reload_segments:function (reload_segments.end - reload_segments)
reload_segments:
        pop     rax
        push    SEL_KERNEL_CS
        push    rax
        mov     eax, SEL_KERNEL_DS
        mov     ss, eax
        xor     eax, eax
        mov     ds, eax
        mov     es, eax
        mov     fs, eax
        mov     gs, eax
        retfq
.end:

section .note.GNU-stack noalloc noexec nowrite progbits
