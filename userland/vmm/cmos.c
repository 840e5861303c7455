/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MC146818 real-time clock at ports 0x70/0x71. The time is computed from the
 * host's clock at each read, so an update is never in progress; a time the guest
 * sets is kept as an offset. Alarm, periodic and update interrupts are not
 * generated: their flags in register C read as zero.
 */
#include "devices.h"

#include <string.h>
#include <time.h>

enum {
    RTC_SECONDS = 0x00,
    RTC_MINUTES = 0x02,
    RTC_HOURS = 0x04,
    RTC_WEEKDAY = 0x06,
    RTC_DAY = 0x07,
    RTC_MONTH = 0x08,
    RTC_YEAR = 0x09,
    RTC_REG_A = 0x0a,
    RTC_REG_B = 0x0b,
    RTC_REG_C = 0x0c,
    RTC_REG_D = 0x0d,
    CMOS_BASE_MEMORY = 0x15,   /* KiB below 640 KiB, 16 bits */
    CMOS_EXT_MEMORY = 0x17,    /* KiB above 1 MiB, at most 63 MiB */
    CMOS_EXT_MEMORY_2 = 0x30,  /* the same again */
    CMOS_CENTURY = 0x32,
    CMOS_HIGH_MEMORY = 0x34,   /* 64 KiB units above 16 MiB */
    CMOS_MEMORY_4G = 0x5b      /* 64 KiB units above 4 GiB, 24 bits */
};

#define REG_A_32KHZ   0x26u
#define REG_A_UPDATE  0x80u
#define REG_B_SET     0x80u
#define REG_B_BINARY  0x04u
#define REG_B_24_HOUR 0x02u
#define HOUR_PM       0x80u
#define REG_D_VALID   0x80u

static uint8_t encode(const struct cmos *cmos, int value)
{
    if (cmos->ram[RTC_REG_B] & REG_B_BINARY)
        return (uint8_t)value;
    return (uint8_t)(value / 10 << 4 | value % 10);
}

static int decode(const struct cmos *cmos, uint8_t raw)
{
    if (cmos->ram[RTC_REG_B] & REG_B_BINARY)
        return raw;
    return (raw >> 4) * 10 + (raw & 0xf);
}

static uint8_t encode_hour(const struct cmos *cmos, int hour)
{
    if (cmos->ram[RTC_REG_B] & REG_B_24_HOUR)
        return encode(cmos, hour);
    return encode(cmos, hour % 12 == 0 ? 12 : hour % 12) | (hour >= 12 ? HOUR_PM : 0);
}

static int decode_hour(const struct cmos *cmos, uint8_t raw)
{
    if (cmos->ram[RTC_REG_B] & REG_B_24_HOUR)
        return decode(cmos, raw);
    return decode(cmos, raw & ~HOUR_PM) % 12 + (raw & HOUR_PM ? 12 : 0);
}

/* Put the guest's present time into the clock registers. */
static void clock_to_ram(struct cmos *cmos)
{
    time_t now = time(NULL) + cmos->offset_s;
    struct tm tm;

    if (gmtime_r(&now, &tm) == NULL)
        return;
    cmos->ram[RTC_SECONDS] = encode(cmos, tm.tm_sec);
    cmos->ram[RTC_MINUTES] = encode(cmos, tm.tm_min);
    cmos->ram[RTC_HOURS] = encode_hour(cmos, tm.tm_hour);
    cmos->ram[RTC_WEEKDAY] = encode(cmos, tm.tm_wday + 1);
    cmos->ram[RTC_DAY] = encode(cmos, tm.tm_mday);
    cmos->ram[RTC_MONTH] = encode(cmos, tm.tm_mon + 1);
    cmos->ram[RTC_YEAR] = encode(cmos, tm.tm_year % 100);
    cmos->ram[CMOS_CENTURY] = encode(cmos, 19 + tm.tm_year / 100);
}

/* The guest has written the clock registers: that is its time from now on. */
static void ram_to_clock(struct cmos *cmos)
{
    struct tm tm = {
        .tm_sec = decode(cmos, cmos->ram[RTC_SECONDS]),
        .tm_min = decode(cmos, cmos->ram[RTC_MINUTES]),
        .tm_hour = decode_hour(cmos, cmos->ram[RTC_HOURS]),
        .tm_mday = decode(cmos, cmos->ram[RTC_DAY]),
        .tm_mon = decode(cmos, cmos->ram[RTC_MONTH]) - 1,
        .tm_year = decode(cmos, cmos->ram[RTC_YEAR]) +
                   100 * decode(cmos, cmos->ram[CMOS_CENTURY]) - 1900,
    };

    cmos->offset_s = timegm(&tm) - time(NULL);
}

static bool is_clock(uint8_t index)
{
    return index <= RTC_HOURS || (index >= RTC_WEEKDAY && index <= RTC_YEAR) ||
           index == CMOS_CENTURY;
}

static uint32_t cmos_read(void *device, uint32_t offset, unsigned size)
{
    struct cmos *cmos = device;

    (void)size;
    if (offset == 0)
        return 0xff; /* the index cannot be read back */
    if (is_clock(cmos->index) && !(cmos->ram[RTC_REG_B] & REG_B_SET))
        clock_to_ram(cmos);
    return cmos->ram[cmos->index];
}

static void write_register(struct cmos *cmos, uint8_t value)
{
    uint8_t before = cmos->ram[cmos->index];

    switch (cmos->index) {
    case RTC_REG_A:
        cmos->ram[RTC_REG_A] = value & (uint8_t)~REG_A_UPDATE;
        return;
    case RTC_REG_B:
        if (!(before & REG_B_SET) && (value & REG_B_SET))
            clock_to_ram(cmos); /* in the old format, before it changes */
        cmos->ram[RTC_REG_B] = value;
        if ((before & REG_B_SET) && !(value & REG_B_SET))
            ram_to_clock(cmos);
        return;
    case RTC_REG_C:
    case RTC_REG_D:
        return;
    }
    if (is_clock(cmos->index) && !(cmos->ram[RTC_REG_B] & REG_B_SET)) {
        clock_to_ram(cmos);
        cmos->ram[cmos->index] = value;
        ram_to_clock(cmos);
        return;
    }
    cmos->ram[cmos->index] = value;
}

static void cmos_write(void *device, uint32_t offset, unsigned size, uint32_t value)
{
    struct cmos *cmos = device;

    (void)size;
    if (offset == 0)
        cmos->index = value & 0x7f; /* bit 7 masks NMI, which nobody raises */
    else
        write_register(cmos, (uint8_t)value);
}

static void store16(struct cmos *cmos, unsigned index, uint64_t value)
{
    if (value > UINT16_MAX)
        value = UINT16_MAX;
    cmos->ram[index] = (uint8_t)value;
    cmos->ram[index + 1] = (uint8_t)(value >> 8);
}

void cmos_init(struct cmos *cmos, struct bus *ports, uint64_t memory_low, uint64_t memory_high)
{
    const struct bus_range range = {
        .name = "cmos", .base = 0x70, .length = 2, .width = BUS_BYTES,
        .read = cmos_read, .write = cmos_write, .device = cmos,
    };
    const uint64_t mib = 1 << 20;
    uint64_t ext_kib = memory_low > mib ? (memory_low - mib) >> 10 : 0;

    memset(cmos, 0, sizeof(*cmos));
    cmos->ram[RTC_REG_A] = REG_A_32KHZ;
    cmos->ram[RTC_REG_B] = REG_B_24_HOUR;
    cmos->ram[RTC_REG_D] = REG_D_VALID;
    store16(cmos, CMOS_BASE_MEMORY, 640);
    store16(cmos, CMOS_EXT_MEMORY, ext_kib < 63 * 1024 ? ext_kib : 63 * 1024);
    store16(cmos, CMOS_EXT_MEMORY_2, ext_kib < 63 * 1024 ? ext_kib : 63 * 1024);
    store16(cmos, CMOS_HIGH_MEMORY, memory_low > 16 * mib ? (memory_low - 16 * mib) >> 16 : 0);
    store16(cmos, CMOS_MEMORY_4G, memory_high >> 16 & 0xffff);
    cmos->ram[CMOS_MEMORY_4G + 2] = (uint8_t)(memory_high >> 32);
    bus_add(ports, &range);
}
