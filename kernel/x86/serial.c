/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * COM1, polled: the log's way out before there is a tty, and a panic's. And the
 * emulators' debug port. Both work from the first instruction on, and do no
 * harm where there is nobody.
 */
#include <boot/debugport.h>

#include "x86.h"

#define COM1 0x3f8

#define UART_DATA     (COM1 + 0)
#define UART_IER      (COM1 + 1)
#define UART_FCR      (COM1 + 2)
#define UART_LCR      (COM1 + 3)
#define UART_MCR      (COM1 + 4)
#define UART_LSR      (COM1 + 5)
#define UART_SCRATCH  (COM1 + 7)
#define UART_DIVISOR_LOW  (COM1 + 0) /* with LCR_DLAB */
#define UART_DIVISOR_HIGH (COM1 + 1)

#define LCR_8N1     0x03
#define LCR_DLAB    0x80
#define FCR_ENABLE_AND_CLEAR 0x07
#define MCR_DTR_RTS_OUT2     0x0b /* OUT2 lets the interrupt through */
#define LSR_THR_EMPTY        0x20
#define DIVISOR_115200       1

/* At 115200 a byte takes 87 us; a port access at least 0.1 us. */
#define PATIENCE 100000

static bool is_present;

void early_console_init(void)
{
    outb(UART_SCRATCH, 0x5a);
    if (inb(UART_SCRATCH) != 0x5a)
        return;
    outb(UART_IER, 0);
    outb(UART_LCR, LCR_DLAB);
    outb(UART_DIVISOR_LOW, DIVISOR_115200);
    outb(UART_DIVISOR_HIGH, 0);
    outb(UART_LCR, LCR_8N1);
    outb(UART_FCR, FCR_ENABLE_AND_CLEAR);
    outb(UART_MCR, MCR_DTR_RTS_OUT2);
    is_present = true;
}

static void put(uint8_t byte)
{
    for (unsigned i = 0; i < PATIENCE; i++) {
        if (inb(UART_LSR) & LSR_THR_EMPTY)
            break;
        cpu_pause();
    }
    outb(UART_DATA, byte);
}

void early_console_write(const char *s, size_t n)
{
    if (!is_present)
        return;
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '\n')
            put('\r');
        put((uint8_t)s[i]);
    }
}

void debug_port_write(const void *data, size_t n)
{
    __asm__ volatile("rep outsb" : "+S"(data), "+c"(n) : "d"((uint16_t)DEBUG_PORT) : "memory");
}

void debug_port_frame(char tag, const void *data, size_t n)
{
    uint8_t header[DEBUG_FRAME_HEADER];
    irqflags_t flags = irq_save(); /* frames do not nest */

    if (n > DEBUG_FRAME_PAYLOAD)
        n = DEBUG_FRAME_PAYLOAD;
    header[0] = DEBUG_FRAME_MAGIC0;
    header[1] = DEBUG_FRAME_MAGIC1;
    header[2] = DEBUG_FRAME_MAGIC2;
    header[3] = (uint8_t)tag;
    header[4] = (uint8_t)n;
    header[5] = (uint8_t)(n >> 8);
    debug_port_write(header, sizeof(header));
    debug_port_write(data, n);
    irq_restore(flags);
}
