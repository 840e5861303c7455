; SPDX-License-Identifier: BSD-2-Clause
; The smallest "Linux kernel": a bzImage of a few KiB for `vm run --kernel`, which says "tiny" on the
; first UART and then does what its command line asks for:
;
;     tiny=spin    run for ever with interrupts on          tiny=off     power off (ACPI S5)
;     tiny=deaf    the same with interrupts off             tiny=reset   ask the keyboard controller for a reset
;     tiny=halt    hlt for ever with interrupts off         tiny=fault   a triple fault
;     tiny=touch   write to each page of 16 MiB, then spin  tiny=outside read, write and at last execute where
;                                                                        there is no memory
;
; "The Linux/x86 Boot Protocol": a boot sector and one setup sector that hold the header, then the
; protected-mode part, entered 512 bytes in with rsi at the zero page.
        bits 64

SECTOR          equ 512
LOAD            equ 0x1000000
COM1            equ 0x3f8
PM1_CONTROL     equ 0x604
S5              equ 5 << 10 | 1 << 13           ; SLP_TYP, SLP_EN
KEYBOARD        equ 0x64
PULSE_RESET     equ 0xfe
ZP_CMDLINE      equ 0x228
TOUCH_FROM      equ 0x1400000
TOUCH_PAGES     equ 4096
OUTSIDE         equ 0x10000000

; ---- the header, in file order ----
        times 0x1f1 db 0
        db      1                               ; setup_sects
        dw      0                               ; root_flags
        dd      (payload_end - payload) / 16    ; syssize
        dw      0, 0xffff, 0                    ; ram_size, vid_mode, root_dev
        dw      0xaa55                          ; boot_flag
        db      0xeb, header_end - $ - 1        ; jump
        db      "HdrS"
        dw      0x020f                          ; version
        dd      0                               ; realmode_swtch
        dw      0, 0                            ; start_sys_seg, kernel_version
        db      0, 1                            ; type_of_loader, loadflags: LOADED_HIGH
        dw      0                               ; setup_move_size
        dd      LOAD, 0, 0, 0                   ; code32_start, ramdisk_image, ramdisk_size, bootsect_kludge
        dw      0                               ; heap_end_ptr
        db      0, 0                            ; ext_loader_ver, ext_loader_type
        dd      0, 0x7fffffff                   ; cmd_line_ptr, initrd_addr_max
        dd      0x1000                          ; kernel_alignment
        db      0, 12                           ; relocatable_kernel, min_alignment
        dw      1                               ; xloadflags: XLF_KERNEL_64
        dd      2047, 0                         ; cmdline_size, hardware_subarch
        dq      0                               ; hardware_subarch_data
        dd      0, 0                            ; payload_offset, payload_length
        dq      0, LOAD                         ; setup_data, pref_address
        dd      0x10000, 0, 0                   ; init_size, handover_offset, kernel_info_offset
header_end:
        times 2 * SECTOR - ($ - $$) db 0

; ---- the protected-mode part ----
payload:
        times SECTOR db 0
entry:
        lea     rbx, [rel hello]
        mov     dx, COM1
.say:
        mov     al, [rbx]
        inc     rbx
        test    al, al
        jz      .look
        out     dx, al
        jmp     .say

; The first "tiny=" in the command line, and the letters after it.
.look:
        mov     ebx, [rsi + ZP_CMDLINE]
.next:
        cmp     byte [rbx], 0
        je      spin
        cmp     dword [rbx], 'tiny'
        jne     .skip
        cmp     byte [rbx + 4], '='
        je      .found
.skip:
        inc     rbx
        jmp     .next
.found:
        mov     ax, [rbx + 5]
        cmp     ax, 'ha'
        je      halt
        cmp     ax, 'to'
        je      touch
        cmp     ax, 'of'
        je      off
        cmp     ax, 're'
        je      reset
        cmp     ax, 'fa'
        je      fault
        cmp     ax, 'de'
        je      deaf
        cmp     ax, 'ou'
        je      outside
        cmp     ax, 'po'
        je      ports
        cmp     ax, 'in'
        je      ins_past_memory
        cmp     ax, 'st'
        je      outs_past_memory
        cmp     ax, 'ms'
        je      msrs
        cmp     ax, 'mm'
        je      mmio
        cmp     ax, 'ta'
        je      tables
        cmp     ax, 'id'
        je      idt_outside
        cmp     ax, 'se'
        je      init_self
spin:
        sti
.loop:
        jmp     .loop

deaf:
        cli
.loop:
        jmp     .loop

halt:
        cli
        hlt
        jmp     halt

touch:
        mov     edi, TOUCH_FROM
        mov     ecx, TOUCH_PAGES
.page:
        mov     [rdi], rdi
        add     rdi, 4096
        dec     ecx
        jnz     .page
        jmp     spin

off:
        mov     dx, PM1_CONTROL
        mov     ax, S5
        out     dx, ax
        jmp     spin

reset:
        mov     al, PULSE_RESET
        out     KEYBOARD, al
        jmp     spin

fault:
        lidt    [rel no_idt]
        ud2

outside:
        mov     ebx, OUTSIDE
.next:
        mov     eax, [rbx]
        mov     [rbx], eax
        add     ebx, 0x1000000
        cmp     ebx, 0xf0000000
        jb      .next
        mov     ebx, OUTSIDE
        jmp     rbx

%include "tiny_hostile.inc"

hello:  db      "tiny", 13, 10, 0
no_idt: dw      0
        dq      0
        times 10 * SECTOR - ($ - payload) db 0
payload_end:
