/* SPDX-License-Identifier: BSD-2-Clause */
/* The UART as drivers see it: probing, interrupts, slow hosts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "userland/vmm/serial.h"

enum { DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR };
#define FCR IIR

static struct {
    uint8_t bytes[256];
    size_t count, room;
    bool irq;
    unsigned irq_changes, ready;
} host;

static size_t transmit(void *ctx, const uint8_t *data, size_t size)
{
    size_t n = size < host.room ? size : host.room;

    (void)ctx;
    memcpy(host.bytes + host.count, data, n);
    host.count += n;
    host.room -= n;
    return n;
}

static void receive_ready(void *ctx)
{
    (void)ctx;
    host.ready++;
}

static void set_irq(void *ctx, bool high)
{
    (void)ctx;
    host.irq = high;
    host.irq_changes++;
}

static struct serial uart;

static int setup(void **state)
{
    const struct serial_host ops = { transmit, receive_ready, set_irq, NULL };

    (void)state;
    memset(&host, 0, sizeof(host));
    host.room = sizeof(host.bytes);
    serial_init(&uart, &ops);
    return 0;
}

static void polled_output_goes_out_at_once(void **state)
{
    (void)state;
    for (const char *p = "hello"; *p != '\0'; p++) {
        assert_int_equal(serial_read(&uart, LSR) & 0x60, 0x60);
        serial_write(&uart, DATA, (uint8_t)*p);
    }
    assert_int_equal(host.count, 5);
    assert_memory_equal(host.bytes, "hello", 5);
    assert_int_equal(host.irq_changes, 0);
}

/* Linux, autoconfig(): what makes it a 16550A. */
static void probing_finds_a_16550a(void **state)
{
    (void)state;
    serial_write(&uart, IER, 0x0f);
    assert_int_equal(serial_read(&uart, IER), 0x0f);
    serial_write(&uart, IER, 0xf0);
    assert_int_equal(serial_read(&uart, IER), 0);
    serial_write(&uart, MCR, 0x10 | 0x0a);
    assert_int_equal(serial_read(&uart, MSR) & 0xf0, 0x90);
    serial_write(&uart, MCR, 0);
    serial_write(&uart, FCR, 0x01);
    assert_int_equal(serial_read(&uart, IIR) & 0xc0, 0xc0);
    serial_write(&uart, FCR, 0x00);
    assert_int_equal(serial_read(&uart, IIR), 0x01);
    serial_write(&uart, SCR, 0xa5);
    assert_int_equal(serial_read(&uart, SCR), 0xa5);
    serial_write(&uart, LCR, 0x80);
    serial_write(&uart, DATA, 0x0c);
    serial_write(&uart, IER, 0x01);
    assert_int_equal(serial_read(&uart, DATA), 0x0c);
    assert_int_equal(serial_read(&uart, IER), 0x01);
    serial_write(&uart, LCR, 0x03);
    assert_int_equal(serial_read(&uart, IER), 0x00);
}

/* Linux, serial8250_do_startup(): enabling the transmit interrupt raises it each time. */
static void idle_transmitter_interrupts_whenever_enabled(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        serial_write(&uart, IER, 0x02);
        assert_true(host.irq);
        assert_int_equal(serial_read(&uart, IIR), 0x02);
        assert_false(host.irq); /* reading it has acknowledged it */
        assert_int_equal(serial_read(&uart, IIR), 0x01);
        serial_write(&uart, IER, 0x00);
    }
}

static void interrupt_driven_output_is_gathered(void **state)
{
    (void)state;
    serial_write(&uart, FCR, 0x01);
    serial_write(&uart, IER, 0x02);
    serial_read(&uart, IIR);
    for (int i = 0; i < 16; i++)
        serial_write(&uart, DATA, (uint8_t)('a' + i));
    assert_int_equal(host.count, 0);
    assert_true(host.irq); /* so the guest will look */
    assert_int_equal(serial_read(&uart, IIR), 0xc2);
    assert_int_equal(host.count, 16);
    assert_memory_equal(host.bytes, "abcdefghijklmnop", 16);
}

static void slow_host_shows_as_a_busy_transmitter(void **state)
{
    (void)state;
    host.room = 3;
    serial_write(&uart, FCR, 0x01);
    serial_write(&uart, IER, 0x02);
    serial_read(&uart, IIR);
    for (int i = 0; i < 16; i++)
        serial_write(&uart, DATA, (uint8_t)('a' + i));
    assert_int_equal(serial_read(&uart, IIR), 0xc1);
    assert_int_equal(host.count, 3);
    assert_int_equal(serial_read(&uart, LSR) & 0x60, 0);
    assert_false(host.irq);
    host.room = 100;
    serial_host_ready(&uart);
    assert_true(host.irq);
    assert_int_equal(serial_read(&uart, LSR) & 0x60, 0x60);
    assert_memory_equal(host.bytes, "abcdefghijklmnop", 16);
}

static void input_interrupts_by_trigger_and_time_out(void **state)
{
    const uint8_t text[] = "0123456789abcdef";

    (void)state;
    serial_write(&uart, MCR, 0x0b);
    serial_write(&uart, FCR, 0x81); /* FIFOs on, trigger at 8 */
    serial_write(&uart, IER, 0x01);
    assert_int_equal(serial_room(&uart), 16);
    serial_receive(&uart, text, 7);
    assert_int_equal(serial_read(&uart, IIR), 0xcc);
    serial_receive(&uart, text + 7, 9);
    assert_int_equal(serial_room(&uart), 0);
    assert_int_equal(serial_read(&uart, IIR), 0xc4);
    for (int i = 0; i < 16; i++) {
        assert_true(host.irq);
        assert_int_equal(serial_read(&uart, LSR) & 1, 1);
        assert_int_equal(serial_read(&uart, DATA), text[i]);
    }
    assert_false(host.irq);
    assert_int_equal(serial_read(&uart, LSR) & 1, 0);
    assert_true(host.ready > 0);
}

/* A driver that opens the port empties the FIFO: nothing may be in it yet. */
static void input_waits_for_a_listener(void **state)
{
    (void)state;
    assert_int_equal(serial_room(&uart), 0);
    serial_write(&uart, FCR, 0x07);
    serial_write(&uart, IER, 0x05);
    serial_write(&uart, MCR, 0x0b);
    assert_int_equal(serial_room(&uart), 16);
    serial_write(&uart, MCR, 0x09); /* slow down */
    assert_int_equal(serial_room(&uart), 0);
    host.ready = 0;
    serial_write(&uart, MCR, 0x0b);
    assert_true(host.ready > 0);
}

static void too_much_input_is_an_overrun(void **state)
{
    const uint8_t text[20] = "0123456789abcdefghi";

    (void)state;
    serial_write(&uart, FCR, 0x01);
    serial_write(&uart, IER, 0x04);
    serial_receive(&uart, text, 20);
    assert_true(host.irq);
    assert_int_equal(serial_read(&uart, IIR), 0xc6);
    assert_int_equal(serial_read(&uart, LSR) & 2, 2);
    assert_int_equal(serial_read(&uart, LSR) & 2, 0);
    assert_int_equal(serial_read(&uart, DATA), '0');
}

static void loop_back_returns_bytes_and_sends_none(void **state)
{
    (void)state;
    serial_write(&uart, FCR, 0x01);
    serial_write(&uart, MCR, 0x1f);
    assert_int_equal(serial_read(&uart, MSR) & 0xf0, 0xf0);
    assert_int_equal(serial_room(&uart), 0);
    serial_write(&uart, DATA, 0x5a);
    assert_int_equal(serial_read(&uart, DATA), 0x5a);
    assert_int_equal(host.count, 0);
}

/* Whatever a guest writes, in any order, the state stays in bounds (ASan watches). */
static void random_accesses_are_harmless(void **state)
{
    uint32_t seed = 1;

    (void)state;
    for (int i = 0; i < 200000; i++) {
        const uint8_t bytes[4] = { 1, 2, 3, 4 };

        seed = seed * 1664525 + 1013904223;
        host.count = 0;
        host.room = seed >> 28;
        if (seed & 0x100)
            serial_write(&uart, seed >> 9 & 7, (uint8_t)(seed >> 16));
        else if (seed & 0x200)
            serial_read(&uart, seed >> 12 & 7);
        else
            serial_receive(&uart, bytes, 4);
        assert_true(uart.rx_count <= SERIAL_FIFO_SIZE && uart.tx_count <= SERIAL_FIFO_SIZE);
        assert_true(serial_room(&uart) <= SERIAL_FIFO_SIZE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(polled_output_goes_out_at_once, setup),
        cmocka_unit_test_setup(probing_finds_a_16550a, setup),
        cmocka_unit_test_setup(idle_transmitter_interrupts_whenever_enabled, setup),
        cmocka_unit_test_setup(interrupt_driven_output_is_gathered, setup),
        cmocka_unit_test_setup(slow_host_shows_as_a_busy_transmitter, setup),
        cmocka_unit_test_setup(input_interrupts_by_trigger_and_time_out, setup),
        cmocka_unit_test_setup(input_waits_for_a_listener, setup),
        cmocka_unit_test_setup(too_much_input_is_an_overrun, setup),
        cmocka_unit_test_setup(loop_back_returns_bytes_and_sends_none, setup),
        cmocka_unit_test_setup(random_accesses_are_harmless, setup),
    };

    return cmocka_run_group_tests_name("vmm_serial", tests, NULL, NULL);
}
