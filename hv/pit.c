/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The 8254; see pit.h. A channel stores when its count was loaded; what a read
 * gives is computed from the time since. Modes: "8254 Programmable Interval Timer".
 */
#include "pit.h"

#include "platform.h"

#define PIT_HZ      1193182ULL
#define NSEC        1000000000ULL
#define MIN_PERIOD  200000ULL /* ns; as for the local APIC's timer */

#define PORT_CONTROL 0x43
#define PORT_SPEAKER 0x61

#define SPEAKER_GATE    0x01
#define SPEAKER_DATA    0x02
#define SPEAKER_REFRESH 0x10
#define SPEAKER_OUT     0x20

/* rw_mode, read_state, write_state */
enum { RW_LATCH, RW_LSB, RW_MSB, RW_WORD0, RW_WORD1 };

static uint64_t multiply_divide(uint64_t a, uint64_t mul, uint64_t div)
{
    uint64_t whole = a / div, rest = a % div; /* div * mul < 2^64 here */

    return whole * mul + rest * mul / div;
}

static uint64_t ns_to_ticks(uint64_t ns)
{
    return multiply_divide(ns, PIT_HZ, NSEC);
}

static uint64_t ticks_to_ns(uint64_t ticks)
{
    return multiply_divide(ticks, NSEC, PIT_HZ);
}

static uint64_t elapsed_ticks(const struct kvm_pit_channel_state *ch, uint64_t now_ns)
{
    uint64_t start = (uint64_t)ch->count_load_time;

    return now_ns > start ? ns_to_ticks(now_ns - start) : 0;
}

static uint32_t current_count(const struct kvm_pit_channel_state *ch, uint64_t now_ns)
{
    uint64_t elapsed = elapsed_ticks(ch, now_ns), count = ch->count;

    switch (ch->mode) {
    case 2:
        return (uint32_t)(count - elapsed % count);
    case 3: /* counts by two, twice each period */
        return (uint32_t)(count - (elapsed * 2) % count);
    default: /* one-shot modes go on below zero */
        return (uint32_t)(count - elapsed) & 0xffff;
    }
}

static bool output(const struct kvm_pit_channel_state *ch, uint64_t now_ns)
{
    uint64_t elapsed = elapsed_ticks(ch, now_ns), count = ch->count;

    switch (ch->mode) {
    case 0:
        return elapsed >= count;
    case 1:
        return elapsed >= count;
    case 2:
        return elapsed % count != count - 1;
    case 3:
        return elapsed % count < (count + 1) / 2;
    default:
        return elapsed != count;
    }
}

/* Channel 0 only: when its output next rises. */
static void schedule(struct pit *pit, uint64_t now_ns)
{
    struct kvm_pit_channel_state *ch = &pit->channel[0];
    uint64_t length = ticks_to_ns(ch->count);
    uint64_t start = (uint64_t)ch->count_load_time;

    pit->period_ns = 0;
    pit->deadline_ns = 0;
    if (start == 0 || (pit->flags & KVM_PIT_FLAGS_HPET_LEGACY))
        return; /* nothing loaded yet, or ring 3's HPET drives the line */
    switch (ch->mode) {
    case 2:
    case 3:
        pit->period_ns = length < MIN_PERIOD ? MIN_PERIOD : length;
        pit->deadline_ns = start + pit->period_ns;
        if (pit->deadline_ns <= now_ns)
            pit->deadline_ns += ((now_ns - pit->deadline_ns) / pit->period_ns + 1) * pit->period_ns;
        break;
    case 0:
    case 4:
        if (start + length > now_ns)
            pit->deadline_ns = start + length;
        break;
    default: /* 1 and 5 wait for a gate edge, which channel 0 does not have */
        break;
    }
}

bool pit_expire(struct pit *pit, uint64_t now_ns)
{
    if (pit->deadline_ns == 0 || pit->deadline_ns > now_ns)
        return false;
    if (pit->period_ns != 0)
        pit->deadline_ns += ((now_ns - pit->deadline_ns) / pit->period_ns + 1) * pit->period_ns;
    else
        pit->deadline_ns = 0;
    return true;
}

static void load_count(struct pit *pit, unsigned int channel, uint32_t count, uint64_t now_ns)
{
    struct kvm_pit_channel_state *ch = &pit->channel[channel];

    ch->count = count == 0 ? 0x10000 : count;
    ch->count_load_time = (int64_t)now_ns;
    if (channel == 0)
        schedule(pit, now_ns);
}

static void set_gate(struct pit *pit, unsigned int channel, bool gate, uint64_t now_ns)
{
    struct kvm_pit_channel_state *ch = &pit->channel[channel];

    if (gate && !ch->gate && ch->mode != 0 && ch->mode != 4)
        ch->count_load_time = (int64_t)now_ns; /* a rising edge restarts the count */
    ch->gate = gate;
}

static void latch_count(struct kvm_pit_channel_state *ch, uint64_t now_ns)
{
    if (ch->count_latched)
        return;
    ch->latched_count = (uint16_t)current_count(ch, now_ns);
    ch->count_latched = ch->rw_mode;
}

static void latch_status(struct kvm_pit_channel_state *ch, uint64_t now_ns)
{
    if (ch->status_latched)
        return;
    ch->status = (uint8_t)(output(ch, now_ns) << 7 | ch->rw_mode << 4 | ch->mode << 1 | ch->bcd);
    ch->status_latched = 1;
}

static void write_control(struct pit *pit, uint8_t value, uint64_t now_ns)
{
    unsigned int channel = value >> 6, access = (value >> 4) & 3;
    struct kvm_pit_channel_state *ch;

    if (channel == 3) { /* read-back */
        for (channel = 0; channel < 3; channel++) {
            if (!(value & (2 << channel)))
                continue;
            if (!(value & 0x20))
                latch_count(&pit->channel[channel], now_ns);
            if (!(value & 0x10))
                latch_status(&pit->channel[channel], now_ns);
        }
        return;
    }
    ch = &pit->channel[channel];
    if (access == 0) {
        latch_count(ch, now_ns);
        return;
    }
    ch->rw_mode = (uint8_t)access;
    ch->read_state = (uint8_t)access;
    ch->write_state = (uint8_t)access;
    ch->mode = (value >> 1) & 7;
    if (ch->mode > 5)
        ch->mode -= 4;
    ch->bcd = value & 1;
    if (channel == 0) { /* the output waits for a count */
        ch->count_load_time = 0;
        schedule(pit, now_ns);
    }
}

static void write_count(struct pit *pit, unsigned int channel, uint8_t value, uint64_t now_ns)
{
    struct kvm_pit_channel_state *ch = &pit->channel[channel];

    switch (ch->write_state) {
    case RW_MSB:
        load_count(pit, channel, (uint32_t)value << 8, now_ns);
        break;
    case RW_WORD0:
        ch->write_latch = value;
        ch->write_state = RW_WORD1;
        break;
    case RW_WORD1:
        load_count(pit, channel, ch->write_latch | (uint32_t)value << 8, now_ns);
        ch->write_state = RW_WORD0;
        break;
    default:
        load_count(pit, channel, value, now_ns);
        break;
    }
}

static uint8_t read_count(struct kvm_pit_channel_state *ch, uint64_t now_ns)
{
    uint32_t count;

    if (ch->status_latched) {
        ch->status_latched = 0;
        return ch->status;
    }
    switch (ch->count_latched) {
    case RW_LATCH:
        break;
    case RW_MSB:
        ch->count_latched = RW_LATCH;
        return (uint8_t)(ch->latched_count >> 8);
    case RW_WORD0:
        ch->count_latched = RW_MSB;
        return (uint8_t)ch->latched_count;
    default:
        ch->count_latched = RW_LATCH;
        return (uint8_t)ch->latched_count;
    }
    count = current_count(ch, now_ns);
    switch (ch->read_state) {
    case RW_MSB:
        return (uint8_t)(count >> 8);
    case RW_WORD0:
        ch->read_state = RW_WORD1;
        return (uint8_t)count;
    case RW_WORD1:
        ch->read_state = RW_WORD0;
        return (uint8_t)(count >> 8);
    default:
        return (uint8_t)count;
    }
}

static uint8_t read_speaker(const struct pit *pit, uint64_t now_ns)
{
    const struct kvm_pit_channel_state *ch = &pit->channel[2];
    uint8_t value = ch->gate ? SPEAKER_GATE : 0;

    if (pit->flags & KVM_PIT_FLAGS_SPEAKER_DATA_ON)
        value |= SPEAKER_DATA;
    if (output(ch, now_ns))
        value |= SPEAKER_OUT;
    if ((now_ns / 15085) & 1) /* the memory refresh toggles it every 15 us */
        value |= SPEAKER_REFRESH;
    return value;
}

bool pit_owns_port(const struct pit *pit, uint16_t port)
{
    return (port & ~3) == 0x40 || (port == PORT_SPEAKER && pit->owns_speaker_port);
}

uint8_t pit_read(struct pit *pit, uint16_t port, uint64_t now_ns)
{
    if (port == PORT_SPEAKER)
        return read_speaker(pit, now_ns);
    if (port == PORT_CONTROL)
        return 0;
    return read_count(&pit->channel[port & 3], now_ns);
}

void pit_write(struct pit *pit, uint16_t port, uint8_t value, uint64_t now_ns)
{
    if (port == PORT_SPEAKER) {
        pit->flags &= ~(uint32_t)KVM_PIT_FLAGS_SPEAKER_DATA_ON;
        if (value & SPEAKER_DATA)
            pit->flags |= KVM_PIT_FLAGS_SPEAKER_DATA_ON;
        set_gate(pit, 2, value & SPEAKER_GATE, now_ns);
    } else if (port == PORT_CONTROL) {
        write_control(pit, value, now_ns);
    } else {
        write_count(pit, port & 3, value, now_ns);
    }
}

void pit_init(struct pit *pit, uint64_t now_ns)
{
    *pit = (struct pit){.owns_speaker_port = true};
    for (unsigned int channel = 0; channel < 3; channel++) {
        struct kvm_pit_channel_state *ch = &pit->channel[channel];

        ch->mode = 0xff; /* not programmed */
        ch->gate = channel != 2;
        ch->count = 0x10000;
        ch->count_load_time = channel == 0 ? 0 : (int64_t)now_ns;
    }
}

void pit_save(const struct pit *pit, struct kvm_pit_state2 *out)
{
    memset(out, 0, sizeof(*out));
    memcpy(out->channels, pit->channel, sizeof(pit->channel));
    out->flags = pit->flags;
}

void pit_restore(struct pit *pit, const struct kvm_pit_state2 *in, uint64_t now_ns)
{
    memcpy(pit->channel, in->channels, sizeof(pit->channel));
    pit->flags = in->flags & (KVM_PIT_FLAGS_HPET_LEGACY | KVM_PIT_FLAGS_SPEAKER_DATA_ON);
    for (unsigned int channel = 0; channel < 3; channel++) {
        struct kvm_pit_channel_state *ch = &pit->channel[channel];

        if (ch->count == 0 || ch->count > 0x10000)
            ch->count = 0x10000;
        ch->rw_mode &= 3;
        ch->bcd &= 1;
        ch->gate &= 1;
        if (ch->count_latched > RW_WORD1)
            ch->count_latched = RW_LATCH;
        ch->count_load_time = (int64_t)now_ns; /* as KVM does: the count starts anew */
    }
    schedule(pit, now_ns);
}
