; SPDX-License-Identifier: BSD-2-Clause
;
; The only instructions in the kernel that touch user memory. A fault that the
; address space cannot resolve goes on at the fix-up beside it, with registers
; as the faulting instruction left them: that is how the rest is counted.
; <kernel/x86/usercopy.h> has the contracts.

bits 64
default rel

%include "kernel/x86/asm.inc"

section .text progbits alloc exec nowrite align=16

; size_t user_copy(void *dst, const void *src, size_t n);
global user_copy:function (user_copy.end - user_copy)
user_copy:
        STAC
        mov     rcx, rdx
        shr     rcx, 3
        and     edx, 7
.words:
        rep movsq
        mov     ecx, edx
.bytes:
        rep movsb
        CLAC
        mov     rax, rcx                ; 0
        ret
.words_faulted:
        lea     rcx, [rdx + rcx * 8]    ; up to the very byte that faults
        jmp     .bytes
.bytes_faulted:
        CLAC
        mov     rax, rcx
        ret
.end:
        EXTABLE user_copy.words, user_copy.words_faulted
        EXTABLE user_copy.bytes, user_copy.bytes_faulted

; size_t user_clear(void *dst, size_t n);
global user_clear:function (user_clear.end - user_clear)
user_clear:
        STAC
        xor     eax, eax
        mov     rcx, rsi
        shr     rcx, 3
        and     esi, 7
.words:
        rep stosq
        mov     ecx, esi
.bytes:
        rep stosb
        CLAC
        mov     rax, rcx
        ret
.words_faulted:
        lea     rcx, [rsi + rcx * 8]
        jmp     .bytes
.bytes_faulted:
        CLAC
        mov     rax, rcx
        ret
.end:
        EXTABLE user_clear.words, user_clear.words_faulted
        EXTABLE user_clear.bytes, user_clear.bytes_faulted

; ssize_t user_strncpy(char *dst, const char *src, size_t n);
global user_strncpy:function (user_strncpy.end - user_strncpy)
user_strncpy:
        STAC
        xor     eax, eax
.next:
        cmp     rax, rdx
        je      .done
.load:
        mov     cl, [rsi + rax]
        mov     [rdi + rax], cl
        test    cl, cl
        jz      .done
        inc     rax
        jmp     .next
.done:
        CLAC
        ret
.faulted:
        CLAC
        mov     rax, ERR_FAULT
        ret
.end:
        EXTABLE user_strncpy.load, user_strncpy.faulted

; int user_cmpxchg(uint32_t *word, uint32_t expected, uint32_t desired, uint32_t *old);
global user_cmpxchg:function (user_cmpxchg.end - user_cmpxchg)
user_cmpxchg:
        STAC
        mov     eax, esi
.exchange:
        lock cmpxchg [rdi], edx
        CLAC
        mov     [rcx], eax
        xor     eax, eax
        ret
.faulted:
        CLAC
        mov     eax, ERR_FAULT
        ret
.end:
        EXTABLE user_cmpxchg.exchange, user_cmpxchg.faulted

section .note.GNU-stack noalloc noexec nowrite progbits
