/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An instruction that touched memory which is no RAM: decoded, its operand read
 * from a device, carried out, and written back; each access may go out to ring 3
 * and the rest continues on the next KVM_RUN.
 */
#pragma once

#include "decode.h"

enum mmio_step { MMIO_READ, MMIO_WRITE, MMIO_DONE };

struct mmio {
    struct insn insn;
    gpa_t gpa;           /* of the operand */
    gpa_t dst_gpa;       /* MOVS: of the destination */
    gva_t ram_gva;       /* MOVS: the side that is RAM */
    enum mmio_step step; /* the access that is under way, when it is at ring 3 */
    uint8_t len;
    bool is_rom;         /* RAM that the guest may only read */
    bool is_src_ram, is_dst_ram; /* MOVS */
    uint64_t value;
};
