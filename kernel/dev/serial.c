/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Serial ports: the PC's 16550 UARTs at their fixed addresses, as /dev/ttyS0
 * and /dev/ttyS1. The first is the console. Carrier and modem lines are
 * ignored: there is no modem.
 *
 * Output: tty->out is emptied into the transmit FIFO, 16 bytes per interrupt.
 * Input: when the line discipline has no room, bytes stay in the receive FIFO
 * with its interrupt off, and the emulator holds back the rest: pasting a page
 * loses nothing. If the first interrupt never comes, a timer polls instead.
 */
#include "serial.h"

#include <kernel/boot_info.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/string.h>
#include <kernel/time.h>
#include <kernel/trap.h>
#include <kernel/x86/cpu.h>

#include "tty.h"

/* 16550 registers, as offsets from the base port. */
enum {
    UART_DATA = 0,
    UART_IER = 1,
    UART_IIR = 2,
    UART_FCR = 2,
    UART_LCR = 3,
    UART_MCR = 4,
    UART_LSR = 5,
    UART_SCRATCH = 7
};
#define IER_RX_DATA      0x01
#define IER_TX_EMPTY     0x02
#define IIR_NO_INTERRUPT 0x01
#define FCR_ENABLE       0x01
#define FCR_CLEAR        0x06
#define FCR_TRIGGER_8    0x80
#define LCR_8N1          0x03
#define LCR_DLAB         0x80
#define MCR_DTR_RTS      0x03
#define MCR_OUT2         0x08 /* gates the interrupt line on a PC */
#define LSR_RX_DATA      0x01
#define LSR_BREAK        0x10
#define LSR_TX_EMPTY     0x20
#define LSR_TX_IDLE      0x40
#define LSR_NONE         0xff /* nothing answers at this port */

#define FIFO_SIZE      16
#define RX_BATCH       64
#define IRQ_PASSES_MAX 64 /* a device that never stops asking must not hang the machine */
#define IRQ_WAIT_NS    (50 * NSEC_PER_MSEC)
#define POLL_NS        (5 * NSEC_PER_MSEC)
#define MAJOR_TTY      4
#define MINOR_SERIAL   64

/* [I] fixed after serial_init(), [t] tty.lock, [a] atomic. */
struct serial {
    struct tty tty;
    uint16_t port;     /* [I] */
    uint8_t irq;       /* [I] */
    uint8_t ier;       /* [t] what is in the register */
    bool rx_paused;    /* [t] the line discipline was full */
    bool irq_seen;     /* [a] */
    struct timer poll; /* until the first interrupt, then only if none ever came */
    struct char_dev dev;
    char name[8];
};

static struct serial ports[2];

static struct serial *serial_of(struct tty *tty)
{
    return container_of(tty, struct serial, tty);
}

static uint8_t reg_read(const struct serial *s, unsigned reg)
{
    return inb((uint16_t)(s->port + reg));
}

static void reg_write(const struct serial *s, unsigned reg, uint8_t v)
{
    outb((uint16_t)(s->port + reg), v);
}

/* [tty.lock] */
static void set_ier(struct serial *s, uint8_t ier)
{
    if (ier != s->ier) {
        s->ier = ier;
        reg_write(s, UART_IER, ier);
    }
}

/* [tty.lock] Fill the FIFO if it is empty; its interrupt comes when it is empty again. */
static bool transmit(struct serial *s)
{
    struct tty *tty = &s->tty;
    unsigned n = 0;

    if (tty->ld.stopped || ring_used(&tty->out) == 0) {
        set_ier(s, s->ier & (uint8_t)~IER_TX_EMPTY);
        return false;
    }
    if (reg_read(s, UART_LSR) & LSR_TX_EMPTY) {
        while (n < FIFO_SIZE && ring_used(&tty->out) > 0) {
            reg_write(s, UART_DATA, ring_get(&tty->out));
            n++;
        }
    }
    set_ier(s, s->ier | IER_TX_EMPTY);
    return n > 0;
}

static void serial_output_ready(struct tty *tty)
{
    struct serial *s = serial_of(tty);
    irqflags_t flags = spin_lock(&tty->lock);

    if (!(s->ier & IER_TX_EMPTY)) /* else the interrupt goes on by itself */
        (void)transmit(s);
    spin_unlock(&tty->lock, flags);
}

/* One batch from the receive FIFO; false: nothing there, or no room for it. */
static bool receive(struct serial *s)
{
    struct tty *tty = &s->tty;
    irqflags_t flags = spin_lock(&tty->lock);
    size_t room = ldisc_room(&tty->ld);
    uint8_t batch[RX_BATCH];
    size_t n = 0;

    if (room > sizeof(batch))
        room = sizeof(batch);
    while (n < room && (reg_read(s, UART_LSR) & LSR_RX_DATA))
        batch[n++] = reg_read(s, UART_DATA);
    s->rx_paused = room == 0;
    set_ier(s, s->rx_paused ? s->ier & (uint8_t)~IER_RX_DATA : s->ier | IER_RX_DATA);
    spin_unlock(&tty->lock, flags);
    /* One reader of the FIFO at a time: the room was right. */
    if (n > 0)
        (void)tty_receive(tty, batch, n);
    return n > 0;
}

static void serial_input_room(struct tty *tty)
{
    struct serial *s = serial_of(tty);
    irqflags_t flags;

    if (!READ_ONCE(s->rx_paused))
        return;
    flags = spin_lock(&tty->lock);
    s->rx_paused = false;
    set_ier(s, s->ier | IER_RX_DATA); /* the waiting bytes interrupt at once */
    spin_unlock(&tty->lock, flags);
}

static void service(struct serial *s)
{
    struct tty *tty = &s->tty;
    irqflags_t flags;
    bool sent;

    while (receive(s))
        ;
    flags = spin_lock(&tty->lock);
    sent = transmit(s);
    spin_unlock(&tty->lock, flags);
    if (sent)
        tty_output_sent(tty);
}

static void serial_interrupt(void *arg)
{
    struct serial *s = arg;

    WRITE_ONCE(s->irq_seen, true);
    for (int i = 0; i < IRQ_PASSES_MAX && !(reg_read(s, UART_IIR) & IIR_NO_INTERRUPT); i++)
        service(s);
}

static void poll_timer(struct timer *t)
{
    struct serial *s = container_of(t, struct serial, poll);

    if (READ_ONCE(s->irq_seen))
        return;
    service(s);
    timer_start(t, ktime_ns() + POLL_NS);
}

static bool serial_is_drained(struct tty *tty)
{
    return (reg_read(serial_of(tty), UART_LSR) & LSR_TX_IDLE) != 0;
}

static void serial_release(struct tty *tty)
{
    (void)tty;
    panic("serial: the driver's own reference is gone");
}

static const struct tty_ops serial_ops = {
    .output_ready = serial_output_ready,
    .input_room = serial_input_room,
    .is_drained = serial_is_drained,
    .release = serial_release,
    .hangs_up_with_session = true,
};

static int serial_open(struct inode *inode, struct file *f)
{
    unsigned n = MINOR(inode->rdev) - MINOR_SERIAL;

    assert(n < ARRAY_SIZE(ports));
    return tty_open(&ports[n].tty, f, TTY_OPEN_PLAIN);
}

static bool probe(const struct serial *s)
{
    reg_write(s, UART_SCRATCH, 0x5a);
    return reg_read(s, UART_SCRATCH) == 0x5a && reg_read(s, UART_LSR) != LSR_NONE;
}

static void start_hardware(struct serial *s)
{
    irqflags_t flags;

    reg_write(s, UART_IER, 0);
    reg_write(s, UART_LCR, LCR_DLAB);
    reg_write(s, UART_DATA, 1); /* divisor 1: 115200 */
    reg_write(s, UART_IER, 0);
    reg_write(s, UART_LCR, LCR_8N1);
    reg_write(s, UART_FCR, FCR_ENABLE | FCR_TRIGGER_8);
    reg_write(s, UART_MCR, MCR_DTR_RTS | MCR_OUT2);
    (void)reg_read(s, UART_IIR); /* drop what is pending from before */

    flags = spin_lock(&s->tty.lock);
    /* An empty transmitter asks at once: proof of the line. */
    set_ier(s, IER_RX_DATA | IER_TX_EMPTY);
    spin_unlock(&s->tty.lock, flags);
}

static bool add_port(unsigned n, uint16_t port, uint8_t irq)
{
    struct serial *s = &ports[n];
    struct ktermios t;

    s->port = port;
    s->irq = irq;
    if (!probe(s))
        return false;
    tty_init(&s->tty, &serial_ops, MKDEV(MAJOR_TTY, MINOR_SERIAL + n));
    s->tty.ld.flush_output_on_signal = true;
    t = s->tty.ld.t;
    t.c_cflag = B115200 | CS8 | CREAD | HUPCL | CLOCAL;
    (void)ldisc_set_termios(&s->tty.ld, &t);
    if (irq_request(irq, serial_interrupt, s) < 0)
        log_warn("serial: ttyS%u gets no interrupt, polling\n", n);
    start_hardware(s);
    timer_init(&s->poll, poll_timer);
    timer_start(&s->poll, ktime_ns() + IRQ_WAIT_NS);

    snprintf(s->name, sizeof(s->name), "ttyS%u", n);
    s->dev = (struct char_dev){
        .dev = s->tty.dev, .name = s->name, .mode = 0620, .ops = &tty_fops, .open = serial_open};
    char_dev_register(&s->dev);
    return true;
}

/* "COLSxROWS" */
static void parse_size(const char *text, struct kwinsize *w)
{
    unsigned v[2] = {0, 0};

    for (unsigned i = 0; i < 2; i++) {
        while (*text >= '0' && *text <= '9' && v[i] < 1000)
            v[i] = v[i] * 10 + (unsigned)(*text++ - '0');
        if (i == 0 && *text++ != 'x')
            return;
    }
    if (v[0] >= 10 && v[0] <= 1000 && v[1] >= 4 && v[1] <= 1000) {
        w->ws_col = (uint16_t)v[0];
        w->ws_row = (uint16_t)v[1];
    }
}

void serial_init(void)
{
    const char *size = cmdline_get("console_size");
    const char *console = cmdline_get("console");
    struct kwinsize w = {.ws_col = 80, .ws_row = 24};

    if (size != NULL)
        parse_size(size, &w);
    if (add_port(0, 0x3f8, 4)) {
        ports[0].tty.winsize = w;
        console_tty = &ports[0].tty;
    }
    if (add_port(1, 0x2f8, 3) && console != NULL && strncmp(console, "ttyS1", 5) == 0) {
        ports[1].tty.winsize = w;
        console_tty = &ports[1].tty;
    }
}
