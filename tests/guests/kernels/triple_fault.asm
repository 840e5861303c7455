; SPDX-License-Identifier: BSD-2-Clause
; An exception without an interrupt table.
%include "kernel.inc"
        say     '!'
        lidt    [rel none]
        ud2
none:   dw      0
        dq      0
        end_of_kernel
