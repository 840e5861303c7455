; SPDX-License-Identifier: BSD-2-Clause
; Hostile: what only a hypervisor, a firmware or a CPU's maker should execute. Each faults
; in the guest or does nothing outside of it.
%include "long.inc"
%macro hostile 1+
        try     %%after
        xor     eax, eax
        mov     ecx, 0x1234
        %1
%%after:
%endmacro
main:
        hostile db 0x0f, 0x01, 0xd8             ; vmrun
        hostile db 0x0f, 0x01, 0xda             ; vmload
        hostile db 0x0f, 0x01, 0xdb             ; vmsave
        hostile db 0x0f, 0x01, 0xdc             ; stgi
        hostile db 0x0f, 0x01, 0xdd             ; clgi
        hostile db 0x0f, 0x01, 0xde             ; skinit
        hostile db 0x0f, 0x01, 0xdf             ; invlpga
        hostile db 0x0f, 0x01, 0xc2             ; vmlaunch
        hostile db 0x0f, 0x01, 0xc3             ; vmresume
        hostile db 0x0f, 0x01, 0xc4             ; vmxoff
        hostile db 0xf3, 0x0f, 0xc7, 0x30       ; vmxon [rax]
        hostile db 0x66, 0x0f, 0xc7, 0x30       ; vmclear [rax]
        hostile db 0x0f, 0x01, 0xd1             ; xsetbv: register 0x1234
        hostile db 0x0f, 0xaa                   ; rsm
        hostile rdpmc
        hostile wbinvd
        hostile db 0x0f, 0x08                   ; invd
        hostile db 0x0f, 0x01, 0xc8             ; monitor
        hostile mov dr7, rcx
        hostile mov rax, dr7
        hostile mov cr8, rcx
        hostile db 0xf1                         ; icebp
        hostile db 0x0f, 0xff, 0xc0             ; ud0
        xor     eax, eax
        mov     dr7, rax
        report  1
        hlt
