/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A 16550A UART as a state machine: registers on one side, a host to send bytes
 * to and an interrupt line on the other. It makes no system call and takes no
 * lock; the caller holds the VM's device lock.
 *
 * The line has no baud rate: a byte is sent as fast as the host takes it. In the
 * transmit FIFO bytes wait for one of two reasons. While the guest drives the
 * UART by interrupts they are gathered, up to the 16 the hardware has, and handed
 * over together when the guest next looks at the UART (it will: its interrupt is
 * raised). And when the host takes no more, they wait for serial_host_ready();
 * until then the guest sees a busy transmitter, as behind a slow line.
 *
 * Bytes for the guest wait outside until it has enabled the receive interrupt:
 * drivers empty the FIFO when they open the port, and what came before would be
 * lost. So a guest that only ever polls gets no input. They also wait while the
 * guest does not request to send (RTS), which is how it says that it is slow.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERIAL_FIFO_SIZE 16
#define SERIAL_PORTS     8

struct serial_host {
    /* Take bytes from the guest; returns how many were taken. */
    size_t (*transmit)(void *ctx, const uint8_t *data, size_t size);
    /* The guest has made room in the receive FIFO. */
    void (*receive_ready)(void *ctx);
    void (*set_irq)(void *ctx, bool high);
    void *ctx;
};

struct serial {
    struct serial_host host;
    uint8_t ier, lcr, mcr, scratch, divisor[2];
    uint8_t modem_delta;  /* MSR bits 0..3 */
    uint8_t trigger;      /* receive FIFO fill that counts as "data available" */
    bool fifo_enabled;
    bool overrun;         /* LSR.OE */
    bool transmit_event;  /* a THR-empty interrupt is due */
    bool irq;             /* level the host was last told */
    uint8_t rx[SERIAL_FIFO_SIZE], tx[SERIAL_FIFO_SIZE];
    unsigned rx_head, rx_count, tx_count;
};

void serial_init(struct serial *uart, const struct serial_host *host);
uint8_t serial_read(struct serial *uart, unsigned port);
void serial_write(struct serial *uart, unsigned port, uint8_t value);

/* How many bytes serial_receive() takes now; 0 also while the guest does not listen. */
size_t serial_room(const struct serial *uart);
void serial_receive(struct serial *uart, const uint8_t *data, size_t size);

/* The host takes bytes again. */
void serial_host_ready(struct serial *uart);
