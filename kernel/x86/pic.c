/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two 8259 interrupt controllers. Where there is an IOAPIC they are only
 * moved out of the exceptions' way and masked; without one they serve.
 */
#include "x86.h"

#define PIC1_COMMAND 0x20
#define PIC1_DATA    0x21
#define PIC2_COMMAND 0xa0
#define PIC2_DATA    0xa1

#define ICW1_INIT_ICW4 0x11
#define ICW4_8086      0x01
#define OCW2_EOI       0x20
#define OCW3_READ_ISR  0x0b
#define PIC_CASCADE    2

static uint16_t masked = 0xffff;

static void write_masks(void)
{
    outb(PIC1_DATA, (uint8_t)masked);
    outb(PIC2_DATA, (uint8_t)(masked >> 8));
}

void x86_pic_init(void)
{
    outb(PIC1_COMMAND, ICW1_INIT_ICW4);
    outb(PIC2_COMMAND, ICW1_INIT_ICW4);
    outb(PIC1_DATA, VECTOR_PIC);
    outb(PIC2_DATA, VECTOR_PIC + 8);
    outb(PIC1_DATA, BIT(PIC_CASCADE));
    outb(PIC2_DATA, PIC_CASCADE);
    outb(PIC1_DATA, ICW4_8086);
    outb(PIC2_DATA, ICW4_8086);
    write_masks();
}

void x86_pic_enable(unsigned isa_irq)
{
    masked &= ~(uint16_t)BIT(isa_irq);
    if (isa_irq >= 8)
        masked &= ~(uint16_t)BIT(PIC_CASCADE);
    write_masks();
}

void x86_pic_eoi(unsigned isa_irq)
{
    if (isa_irq >= 8)
        outb(PIC2_COMMAND, OCW2_EOI);
    outb(PIC1_COMMAND, OCW2_EOI);
}

/* Inputs 7 and 15 are also what a PIC says when the interrupt has gone away meanwhile. */
bool x86_pic_is_spurious(unsigned isa_irq)
{
    uint16_t port = isa_irq < 8 ? PIC1_COMMAND : PIC2_COMMAND;

    if (isa_irq != 7 && isa_irq != 15)
        return false;
    outb(port, OCW3_READ_ISR);
    if (inb(port) & 0x80)
        return false;
    if (isa_irq == 15)
        outb(PIC1_COMMAND, OCW2_EOI); /* the cascade was real */
    return true;
}
