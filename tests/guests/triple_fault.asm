; SPDX-License-Identifier: BSD-2-Clause
; An exception without an interrupt table.
%include "guest.inc"
        bits 64
        report  1
        ud2
        report  2
