; SPDX-License-Identifier: BSD-2-Clause
; The smallest guest that `vm run` takes: a Linux kernel by its header ("The Linux/x86
; Boot Protocol"), 64-bit code by its contents. It touches all of its memory, says so on
; the first UART and then, by the first letter of its command line,
;
;   b   is busy for ever
;   i   is idle for ever
;   q   powers off through the keyboard controller (a reset; use --no-reboot)

bits 64
default rel
org 0

SECTOR       equ 512
LOAD         equ 0x1000000
UART         equ 0x3f8
PAGE         equ 4096
E820_COUNT   equ 0x1e8 ; in the zero page
E820_TABLE   equ 0x2d0
E820_ENTRY   equ 20
E820_RAM     equ 1
CMDLINE      equ 0x228
KEYBOARD     equ 0x64
KEYBOARD_RESET equ 0xfe

        times 0x1f1 db 0
        db 1                    ; setup_sects
        dw 0                    ; root_flags
        dd (payload_end - payload + 15) / 16 ; syssize
        times 0x1fe - ($ - $$) db 0
        dw 0xaa55               ; boot_flag
        db 0xeb, header_end - $ - 1 ; jump: its length is the header's
        db "HdrS"
        dw 0x020f               ; version
        times 0x211 - ($ - $$) db 0
        db 1                    ; loadflags: LOADED_HIGH
        times 0x22c - ($ - $$) db 0
        dd 0x7fffffff           ; initrd_addr_max
        dd 0x200000             ; kernel_alignment
        db 0                    ; relocatable_kernel
        db 21                   ; min_alignment
        dw 1                    ; xloadflags: XLF_KERNEL_64
        dd 255                  ; cmdline_size
        times 0x258 - ($ - $$) db 0
        dq LOAD                 ; pref_address
        dd PAGE                 ; init_size
        dd 0                    ; handover_offset
header_end:
        times 2 * SECTOR - ($ - $$) db 0

payload:
        times 0x200 db 0        ; the 64-bit entry point is here
        ; rsi: the zero page; memory below 4 GiB is mapped one to one
        movzx ecx, byte [rsi + E820_COUNT]
        lea rdx, [rsi + E820_TABLE]
.entry:
        cmp dword [rdx + 16], E820_RAM
        jne .next
        mov rax, [rdx]
        mov rdi, [rdx + 8]
        add rdi, rax
.touch:
        cmp rax, rdi
        jae .next
        lock or byte [rax], 0   ; writes, changes nothing
        add rax, PAGE
        jmp .touch
.next:
        add rdx, E820_ENTRY
        dec ecx
        jnz .entry

        mov edx, UART
        mov al, '!'
        out dx, al
        mov al, 10
        out dx, al
        mov esi, [rsi + CMDLINE]
        cmp byte [rsi], 'q'
        je .quit
        cmp byte [rsi], 'i'
        je .idle
.busy:
        pause
        jmp .busy
.idle:
        cli
        hlt
        jmp .idle
.quit:
        mov al, KEYBOARD_RESET
        out KEYBOARD, al
        jmp .idle
        align 16
payload_end:
