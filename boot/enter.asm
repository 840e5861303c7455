; SPDX-License-Identifier: BSD-2-Clause
; The last instructions of the loader.

bits 64
default rel

CR0_WP   equ 1 << 16
MSR_EFER equ 0xc0000080
EFER_NXE equ 1 << 11

section .text

; void boot_enter(uint64_t cr3, uint64_t stack, uint64_t entry, uint64_t info);
;   in     rdi = page-table root, rsi = stack top, rdx = entry point, rcx = boot_info
;   out    does not return
;   needs  boot services gone; this code mapped one to one before and after
global boot_enter:function (boot_enter.end - boot_enter)
boot_enter:
        cli
        cld
        mov     r8, rdx
        mov     r9, rcx

        mov     ecx, MSR_EFER           ; before the tables that could use it
        rdmsr
        or      eax, EFER_NXE
        wrmsr
        mov     rax, cr0
        or      eax, CR0_WP
        mov     cr0, rax

        mov     cr3, rdi
        mov     rsp, rsi
        xor     ebp, ebp                ; a backtrace ends here
        mov     rdi, r9
        jmp     r8
.end:

section .note.GNU-stack noalloc noexec nowrite progbits
