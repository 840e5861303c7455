/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * 16550A UART, by the PC16550D data sheet; serial.h has the idea. Register names
 * and bits are the data sheet's. What matters to drivers that probe:
 *   - IIR bits 7:6 are 11 with the FIFOs on and 00 with them off (16550A),
 *   - enabling the transmit interrupt with the transmitter idle raises it at
 *     once, every time (Linux tests it and works around chips that do not),
 *   - in loop-back, modem status mirrors modem control, and bytes come back.
 */
#include "serial.h"

#include <string.h>

enum {
    REG_DATA = 0, /* RBR and THR; divisor low with DLAB */
    REG_IER = 1,  /* divisor high with DLAB */
    REG_IIR = 2,  /* read; FCR when written */
    REG_LCR = 3,
    REG_MCR = 4,
    REG_LSR = 5,
    REG_MSR = 6,
    REG_SCR = 7
};

#define IER_RX     0x01u
#define IER_TX     0x02u
#define IER_LINE   0x04u
#define IER_MODEM  0x08u
#define IER_MASK   0x0fu
#define IIR_NONE   0x01u
#define IIR_MODEM  0x00u
#define IIR_TX     0x02u
#define IIR_RX     0x04u
#define IIR_LINE   0x06u
#define IIR_TIMEOUT 0x0cu
#define IIR_FIFOS  0xc0u
#define FCR_ENABLE 0x01u
#define FCR_CLEAR_RX 0x02u
#define FCR_CLEAR_TX 0x04u
#define LCR_DLAB   0x80u
#define MCR_DTR    0x01u
#define MCR_RTS    0x02u
#define MCR_OUT1   0x04u
#define MCR_OUT2   0x08u
#define MCR_LOOP   0x10u
#define MCR_MASK   0x1fu
#define LSR_DATA   0x01u
#define LSR_OVERRUN 0x02u
#define LSR_THRE   0x20u
#define LSR_TEMT   0x40u
#define MSR_CTS    0x10u
#define MSR_DSR    0x20u
#define MSR_RI     0x40u
#define MSR_DCD    0x80u

/* The interrupt that IIR shows: the most urgent one that is enabled and pending. */
static uint8_t pending(const struct serial *uart)
{
    if ((uart->ier & IER_LINE) && uart->overrun)
        return IIR_LINE;
    if ((uart->ier & IER_RX) && uart->rx_count > 0)
        return !uart->fifo_enabled || uart->rx_count >= uart->trigger ? IIR_RX : IIR_TIMEOUT;
    if ((uart->ier & IER_TX) && uart->transmit_event)
        return IIR_TX;
    if ((uart->ier & IER_MODEM) && uart->modem_delta)
        return IIR_MODEM;
    return IIR_NONE;
}

static void update_irq(struct serial *uart)
{
    bool high = pending(uart) != IIR_NONE;

    if (high == uart->irq)
        return;
    uart->irq = high;
    uart->host.set_irq(uart->host.ctx, high);
}

/* Hand over what waits to be sent; what the host does not take stays. */
static void flush(struct serial *uart)
{
    size_t taken;

    if (uart->tx_count == 0)
        return;
    taken = uart->host.transmit(uart->host.ctx, uart->tx, uart->tx_count);
    uart->tx_count -= (unsigned)taken;
    memmove(uart->tx, uart->tx + taken, uart->tx_count);
    uart->transmit_event = uart->tx_count == 0;
}

static uint8_t modem_status(const struct serial *uart)
{
    uint8_t status = MSR_CTS | MSR_DSR | MSR_DCD; /* somebody is always at the other end */

    if (uart->mcr & MCR_LOOP)
        status = (uint8_t)((uart->mcr & MCR_RTS ? MSR_CTS : 0) |
                           (uart->mcr & MCR_DTR ? MSR_DSR : 0) |
                           (uart->mcr & MCR_OUT1 ? MSR_RI : 0) |
                           (uart->mcr & MCR_OUT2 ? MSR_DCD : 0));
    return status;
}

static void receive_one(struct serial *uart, uint8_t byte)
{
    unsigned size = uart->fifo_enabled ? SERIAL_FIFO_SIZE : 1;

    if (uart->rx_count >= size) {
        uart->overrun = true; /* the new byte is lost; the FIFO keeps what it has */
        return;
    }
    uart->rx[(uart->rx_head + uart->rx_count++) % SERIAL_FIFO_SIZE] = byte;
}

static void transmit_one(struct serial *uart, uint8_t byte)
{
    if (uart->mcr & MCR_LOOP) {
        receive_one(uart, byte);
        uart->transmit_event = true;
        return;
    }
    if (uart->tx_count == SERIAL_FIFO_SIZE)
        flush(uart);
    if (uart->tx_count == SERIAL_FIFO_SIZE)
        return; /* written although LSR said busy: lost, as in hardware */
    uart->tx[uart->tx_count++] = byte;
    uart->transmit_event = true;
    if (!(uart->ier & IER_TX))
        flush(uart);
}

static uint8_t read_data(struct serial *uart)
{
    uint8_t byte = uart->rx[uart->rx_head];

    if (uart->rx_count == 0)
        return 0;
    uart->rx_head = (uart->rx_head + 1) % SERIAL_FIFO_SIZE;
    if (--uart->rx_count == 0)
        uart->host.receive_ready(uart->host.ctx);
    return byte;
}

static uint8_t read_iir(struct serial *uart)
{
    uint8_t id;

    flush(uart);
    id = pending(uart);
    if (id == IIR_TX)
        uart->transmit_event = false; /* reading is what acknowledges it */
    return id | (uart->fifo_enabled ? IIR_FIFOS : 0);
}

static uint8_t read_lsr(struct serial *uart)
{
    uint8_t status = 0;

    flush(uart);
    if (uart->rx_count > 0)
        status |= LSR_DATA;
    if (uart->overrun)
        status |= LSR_OVERRUN;
    if (uart->tx_count == 0)
        status |= LSR_THRE | LSR_TEMT;
    uart->overrun = false;
    return status;
}

uint8_t serial_read(struct serial *uart, unsigned port)
{
    bool divisor = (uart->lcr & LCR_DLAB) && port <= REG_IER;
    uint8_t value = 0;

    if (divisor)
        return uart->divisor[port];
    switch (port) {
    case REG_DATA:
        value = read_data(uart);
        break;
    case REG_IER:
        value = uart->ier;
        break;
    case REG_IIR:
        value = read_iir(uart);
        break;
    case REG_LCR:
        value = uart->lcr;
        break;
    case REG_MCR:
        value = uart->mcr;
        break;
    case REG_LSR:
        value = read_lsr(uart);
        break;
    case REG_MSR:
        value = modem_status(uart) | uart->modem_delta;
        uart->modem_delta = 0;
        break;
    case REG_SCR:
        value = uart->scratch;
        break;
    }
    update_irq(uart);
    return value;
}

static void write_ier(struct serial *uart, uint8_t value)
{
    bool tx_enabled = !(uart->ier & IER_TX) && (value & IER_TX);
    bool rx_enabled = !(uart->ier & IER_RX) && (value & IER_RX);

    uart->ier = value & IER_MASK;
    flush(uart);
    if (tx_enabled && uart->tx_count == 0)
        uart->transmit_event = true;
    if (rx_enabled)
        uart->host.receive_ready(uart->host.ctx);
}

static void write_fcr(struct serial *uart, uint8_t value)
{
    static const uint8_t triggers[4] = { 1, 4, 8, 14 };
    bool enable = value & FCR_ENABLE;

    flush(uart);
    /* Turning the FIFOs on or off empties them, as the clear bits do. */
    if (enable != uart->fifo_enabled || (value & FCR_CLEAR_RX)) {
        uart->rx_count = 0;
        uart->overrun = false;
    }
    if (enable && (value & FCR_CLEAR_TX)) {
        uart->tx_count = 0;
        uart->transmit_event = true;
    }
    uart->fifo_enabled = enable;
    uart->trigger = triggers[value >> 6];
    if (serial_room(uart) > 0)
        uart->host.receive_ready(uart->host.ctx);
}

static void write_mcr(struct serial *uart, uint8_t value)
{
    uint8_t before = modem_status(uart);
    uint8_t changed;

    flush(uart);
    uart->mcr = value & MCR_MASK;
    changed = before ^ modem_status(uart);
    uart->modem_delta |= (changed >> 4) & 0xb; /* CTS, DSR, DCD: on any change */
    if ((changed & MSR_RI) && (before & MSR_RI))
        uart->modem_delta |= 0x4; /* RI: on its trailing edge */
    if (serial_room(uart) > 0)
        uart->host.receive_ready(uart->host.ctx);
}

void serial_write(struct serial *uart, unsigned port, uint8_t value)
{
    bool divisor = (uart->lcr & LCR_DLAB) && port <= REG_IER;

    if (divisor) {
        uart->divisor[port] = value;
        return;
    }
    switch (port) {
    case REG_DATA:
        transmit_one(uart, value);
        break;
    case REG_IER:
        write_ier(uart, value);
        break;
    case REG_IIR:
        write_fcr(uart, value);
        break;
    case REG_LCR:
        uart->lcr = value;
        break;
    case REG_MCR:
        write_mcr(uart, value);
        break;
    case REG_SCR:
        uart->scratch = value;
        break;
    }
    update_irq(uart);
}

size_t serial_room(const struct serial *uart)
{
    unsigned size = uart->fifo_enabled ? SERIAL_FIFO_SIZE : 1;

    if ((uart->mcr & MCR_LOOP) || !(uart->mcr & MCR_RTS) || !(uart->ier & IER_RX))
        return 0;
    return size - uart->rx_count;
}

void serial_receive(struct serial *uart, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        receive_one(uart, data[i]);
    update_irq(uart);
}

void serial_host_ready(struct serial *uart)
{
    flush(uart);
    update_irq(uart);
}

void serial_init(struct serial *uart, const struct serial_host *host)
{
    memset(uart, 0, sizeof(*uart));
    uart->host = *host;
    uart->trigger = 1;
    uart->divisor[0] = 1; /* 115200 baud, for who asks */
}
