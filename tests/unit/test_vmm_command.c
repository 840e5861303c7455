/* SPDX-License-Identifier: BSD-2-Clause */
/* A command's way into the guest (cpio, quoting) and its status's way out; bus decoding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "userland/vmm/bus.h"
#include "userland/vmm/cpio.h"
#include "userland/vmm/guest_status.h"

/* Write data to a new file, run "COMMAND FILE" and return what it prints. */
static size_t run_on_file(const char *command, const void *data, size_t size, char *output,
                          size_t output_size)
{
    char name[] = "/tmp/test_vmm_XXXXXX";
    char line[64];
    FILE *file = fdopen(mkstemp(name), "w");
    size_t n;

    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    fclose(file);
    snprintf(line, sizeof(line), "%s %s", command, name);
    file = popen(line, "r");
    assert_non_null(file);
    n = fread(output, 1, output_size - 1, file);
    output[n] = '\0';
    assert_int_equal(pclose(file), 0);
    remove(name);
    return n;
}

/* cpio(1) is the judge. */
static void archive_holds_what_was_added(void **state)
{
    struct cpio archive = { 0 };
    char output[64];

    (void)state;
    assert_int_equal(cpio_add_dir(&archive, "etc", 0755), 0);
    assert_int_equal(cpio_add_file(&archive, "etc/cmd", 0755, "true\n", 5), 0);
    assert_int_equal(cpio_end(&archive), 0);
    assert_int_equal(archive.size % 4, 0);
    run_on_file("cpio --quiet -t -I", archive.data, archive.size, output, sizeof(output));
    assert_string_equal(output, "etc\netc/cmd\n");
    cpio_fini(&archive);
}

/* Whatever the words are, the shell hands exactly them to the program. */
static void words_survive_the_shell(void **state)
{
    char *words[] = { "printf", "[%s]", "plain", "two words", "", "it's", "$HOME `id` \"x\" \\", "*",
                      "a\nb", "-n", NULL };
    static const char expected[] = "[plain][two words][][it's][$HOME `id` \"x\" \\][*][a\nb][-n]";
    char *script = command_script(words);
    char output[256];

    (void)state;
    assert_non_null(script);
    run_on_file("sh", script, strlen(script), output, sizeof(output));
    assert_string_equal(output, expected);
    free(script);
}

static int status_of(const char *text)
{
    struct guest_status scan;

    guest_status_init(&scan);
    for (size_t i = 0; i < strlen(text); i++) /* one at a time: the hardest way to be fed */
        guest_status_feed(&scan, (const uint8_t *)text + i, 1);
    return scan.status;
}

static void status_is_found_only_alone_on_a_line(void **state)
{
    (void)state;
    assert_int_equal(status_of("bulkhead-status: 7\n"), 7);
    assert_int_equal(status_of("[    1.0] kernel\r\nbulkhead-status: 255\r\nmore"), 255);
    assert_int_equal(status_of("bulkhead-status: 1\nbulkhead-status: 2\n"), 2);
    assert_int_equal(status_of("bulkhead-status: 7"), -1);
    assert_int_equal(status_of(" bulkhead-status: 7\n"), -1);
    assert_int_equal(status_of("bulkhead-status: 256\n"), -1);
    assert_int_equal(status_of("bulkhead-status: \n"), -1);
    assert_int_equal(status_of("bulkhead-status: 7x\n"), -1);
    assert_int_equal(status_of("bulkhead-status: 0000000000000000000000000000007\n"), -1);
    assert_int_equal(status_of("a very long line of the kernel's log, longer than the buffer\n"
                               "bulkhead-status: 0\n"), 0);
}

static void ready_is_found(void **state)
{
    struct guest_status scan;

    (void)state;
    guest_status_init(&scan);
    guest_status_feed(&scan, (const uint8_t *)"not bulkhead-ready\nbulkhead-ready!\n", 35);
    assert_false(scan.ready);
    guest_status_feed(&scan, (const uint8_t *)"bulkhead-ready\r\n", 16);
    assert_true(scan.ready);
}

struct toy {
    uint32_t offset, size, value;
    unsigned calls;
};

static uint32_t toy_read(void *device, uint32_t offset, unsigned size)
{
    struct toy *toy = device;

    toy->calls++;
    toy->offset = offset;
    toy->size = size;
    return 0x11223340 + offset;
}

static void toy_write(void *device, uint32_t offset, unsigned size, uint32_t value)
{
    struct toy *toy = device;

    toy->calls++;
    toy->offset = offset;
    toy->size = size;
    toy->value = value;
}

static void bus_finds_devices_and_splits_accesses(void **state)
{
    struct toy wide = { 0 }, narrow = { 0 };
    const struct bus_range ranges[] = {
        { "wide", 0x600, 12, BUS_WIDE, toy_read, toy_write, &wide, 0, 0 },
        { "narrow", 0x3f8, 8, BUS_BYTES, toy_read, toy_write, &narrow, 0, 0 },
    };
    struct bus bus = { 0 };
    uint8_t data[8];

    (void)state;
    bus_add(&bus, &ranges[0]);
    bus_add(&bus, &ranges[1]);
    assert_string_equal(bus.ranges[0].name, "narrow");

    bus_read(&bus, 0x608, data, 4);
    assert_int_equal(wide.offset, 8);
    assert_int_equal(wide.size, 4);
    assert_memory_equal(data, "\x48\x33\x22\x11", 4);
    bus_read(&bus, 0x3f8, data, 4);
    assert_int_equal(narrow.calls, 4);
    assert_memory_equal(data, "\x40\x41\x42\x43", 4);
    bus_write(&bus, 0x604, (const uint8_t *)"\x00\x34", 2);
    assert_int_equal(wide.value, 0x3400);

    /* past the end of a device, and where nobody is */
    bus_read(&bus, 0x3ff, data, 2);
    assert_memory_equal(data, "\x47\xff", 2);
    bus_read(&bus, 0x3f7, data, 2);
    assert_memory_equal(data, "\xff\x40", 2);
    bus_read(&bus, 0x80, data, 8);
    assert_memory_equal(data, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
    bus_read(&bus, UINT64_MAX, data, 1);
    assert_memory_equal(data, "\xff", 1);
    bus_write(&bus, 0x80, data, 1);
    assert_int_equal(bus.stray_writes, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(archive_holds_what_was_added),
        cmocka_unit_test(words_survive_the_shell),
        cmocka_unit_test(status_is_found_only_alone_on_a_line),
        cmocka_unit_test(ready_is_found),
        cmocka_unit_test(bus_finds_devices_and_splits_accesses),
    };

    return cmocka_run_group_tests_name("vmm_command", tests, NULL, NULL);
}
