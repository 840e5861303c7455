/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time from the TSC. CPUID's leaves 15h and 16h are not asked: emulators print
 * there what the real CPU would say. The frequency is measured against another
 * counter several times and the value that agrees with itself is taken; a
 * second later a long measurement makes it more exact.
 *
 * A struct clock is a line: so many nanoseconds at that TSC value, and a slope.
 * It is never changed once in use; a new one that continues the old is put in
 * its place, so that readers need no lock and time never steps back.
 */
#include <kernel/errno.h>
#include <kernel/log.h>
#include <kernel/muldiv.h>
#include <kernel/time.h>

#include "calibrate.h"
#include "refclock.h"
#include "x86.h"

#define ROUNDS_MAX 8
#define ROUNDS_AGREEING 3
#define ROUND_FRACTION 250        /* of a second: 4 ms */
#define SHORT_ROUND_FRACTION 1000 /* 1 ms */
#define SHORT_ROUNDS_MAX 4

/* A refinement: larger is suspicious, smaller is not worth it. */
#define REFINE_MAX_PPM 2000
#define REFINE_MIN_PPM 2

struct clock {
    uint64_t tsc, ns;    /* a moment */
    uint64_t ns_per_tick; /* 32.32 */
    uint64_t ticks_per_ns; /* 32.32 */
    uint64_t hz;
};

struct sample {
    uint64_t tsc, ref;
};

static struct clock clocks[2];
static const struct clock *clock = &clocks[0]; /* [a] */
static int64_t real_offset_ns;                 /* [a] real time less monotonic */
static const struct refclock *reference;
static struct sample first_sample;
static struct timer refine_timer;

/* ---- reading ---- */

uint64_t tsc_to_ns(uint64_t tsc)
{
    const struct clock *c = READ_ONCE(clock);

    if (unlikely(tsc < c->tsc)) /* before the line's moment: back along it */
        return c->ns - mul_32_32(c->tsc - tsc, c->ns_per_tick);
    return c->ns + mul_32_32(tsc - c->tsc, c->ns_per_tick);
}

uint64_t ktime_ns(void)
{
    const struct clock *c = READ_ONCE(clock);

    return c->ns + mul_32_32(rdtsc() - c->tsc, c->ns_per_tick);
}

uint64_t ktime_real_ns(void)
{
    return ktime_ns() + (uint64_t)READ_ONCE(real_offset_ns);
}

void ktime_set_real(uint64_t ns)
{
    WRITE_ONCE(real_offset_ns, (int64_t)(ns - ktime_ns()));
}

uint64_t tsc_hz(void)
{
    return READ_ONCE(clock)->hz;
}

uint64_t tsc_khz(void)
{
    return tsc_hz() / 1000;
}

/* At most nine years, so that it can be added to a TSC. */
uint64_t ns_to_tsc_delta(uint64_t ns)
{
    return mul_32_32(min(ns, 1ULL << 58), READ_ONCE(clock)->ticks_per_ns);
}

/* ---- measuring ---- */

/* Both counters at one moment: of several tries the one that took least. */
static struct sample take_sample(const struct refclock *ref)
{
    struct sample best = {0, 0};
    uint64_t best_width = ~0ULL;

    for (unsigned i = 0; i < 5; i++) {
        uint64_t before = rdtsc(), value = ref->read(), after = rdtsc();

        if (after - before >= best_width)
            continue;
        best_width = after - before;
        best = (struct sample){before + best_width / 2, value};
    }
    return best;
}

static uint64_t tsc_hz_between(const struct refclock *ref, struct sample a, struct sample b)
{
    uint64_t ticks = (b.ref - a.ref) & ref->mask;

    if (ticks == 0)
        return 0;
    return mul_div(b.tsc - a.tsc, ref->hz, ticks);
}

/* TSC ticks a second by one measurement of a fraction of it; 0: the reference stands still. */
static uint64_t measure_round(const struct refclock *ref, unsigned fraction)
{
    struct sample start = take_sample(ref);

    for (unsigned patience = 0; patience < 1000000; patience++)
        if (((ref->read() - start.ref) & ref->mask) >= ref->hz / fraction)
            return tsc_hz_between(ref, start, take_sample(ref));
    return 0;
}

/* Measure until enough rounds agree. -EAGAIN: they do not, *hz is the best guess; -EIO: no
 * reference. */
static int measure_rounds(const struct refclock *ref, unsigned fraction, unsigned most,
                          uint64_t *hz, unsigned *rounds)
{
    uint64_t values[ROUNDS_MAX];

    for (unsigned n = 0; n < most;) {
        values[n] = measure_round(ref, fraction);
        if (values[n] == 0)
            return -EIO;
        n++;
        (*rounds)++;
        if (calibrate_pick(values, n, ref->tolerance_ppm, ROUNDS_AGREEING, hz))
            return 0;
    }
    return -EAGAIN;
}

/* Whether one tick of it is well within the tolerance of a short round. */
static bool is_fine(const struct refclock *ref)
{
    return ref->hz / SHORT_ROUND_FRACTION * ref->tolerance_ppm >= 4 * 1000000;
}

/*
 * Short rounds do on a quiet machine, and the boot need not wait longer; where something disturbs
 * them, long ones suffer less.
 */
static bool measure(const struct refclock *ref, uint64_t *hz, unsigned *rounds)
{
    int err = -EAGAIN;

    *rounds = 0;
    if (is_fine(ref))
        err = measure_rounds(ref, SHORT_ROUND_FRACTION, SHORT_ROUNDS_MAX, hz, rounds);
    if (err == -EAGAIN)
        err = measure_rounds(ref, ROUND_FRACTION, ROUNDS_MAX, hz, rounds);
    return err != -EIO; /* if they disagree, the best guess is still better than none */
}

static void clock_start(struct clock *c, uint64_t tsc, uint64_t ns, uint64_t hz)
{
    c->tsc = tsc;
    c->ns = ns;
    c->hz = hz;
    c->ns_per_tick = div_32_32(NSEC_PER_SEC, hz);
    c->ticks_per_ns = div_32_32(hz, NSEC_PER_SEC);
}

/* Monotonic time counts from the moment the firmware started the loader. */
void clock_init(void)
{
    uint64_t entered = rdtsc(), hz = 0;
    unsigned rounds = 0;

    for (reference = refclock_get(0); reference != NULL;
         reference = refclock_get(refclock_index(reference) + 1)) {
        first_sample = take_sample(reference);
        if (measure(reference, &hz, &rounds))
            break;
    }
    if (reference == NULL)
        panic("clock: no counter to measure the TSC by");

    clock_start(&clocks[0], boot.handover_tsc <= entered ? boot.handover_tsc : entered, 0, hz);
    real_offset_ns = (int64_t)(boot.wall_clock_ns - tsc_to_ns(entered));
    log_info("clock: TSC at %lu.%03lu MHz by %s, %u measurements\n", hz / 1000000,
             hz / 1000 % 1000, reference->name, rounds);
}

/* ---- the long measurement ---- */

static void refine(struct timer *t)
{
    uint64_t old_hz = clock->hz, max_ticks = reference->mask / reference->hz * old_hz;
    struct sample now = take_sample(reference);
    uint64_t hz, diff;

    (void)t;
    if (max_ticks != 0 && now.tsc - first_sample.tsc >= max_ticks)
        return; /* the reference has wrapped */
    hz = tsc_hz_between(reference, first_sample, now);
    diff = hz > old_hz ? hz - old_hz : old_hz - hz;
    if (diff > old_hz / 1000000 * REFINE_MAX_PPM) {
        log_warn("clock: TSC now measured at %lu kHz, keeping %lu\n", hz / 1000, old_hz / 1000);
        return;
    }
    if (diff < old_hz / 1000000 * REFINE_MIN_PPM)
        return;
    clock_start(&clocks[1], now.tsc, tsc_to_ns(now.tsc), hz);
    __atomic_store_n(&clock, &clocks[1], __ATOMIC_RELEASE);
    log_info("clock: TSC refined to %lu.%03lu MHz\n", hz / 1000000, hz / 1000 % 1000);
}

void clock_late_init(void)
{
    refclock_remap();
    if (!reference->is_lasting)
        return;
    timer_init(&refine_timer, refine);
    timer_start(&refine_timer, tsc_to_ns(first_sample.tsc) + NSEC_PER_SEC);
}
