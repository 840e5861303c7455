/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The seed of the kernel's random numbers. Every source that the machine has
 * is absorbed into a sponge, so that one good source is enough and a bad one
 * does no harm. The sponge's permutation is ChaCha's, 20 rounds over 64 bytes,
 * of which 32 take input and 32 are never seen outside.
 */
#include "loader.h"

struct sponge {
    uint32_t state[16];
    unsigned int filled; /* bytes of the first half taken since the last permutation */
};
#define SPONGE_RATE 32

static uint32_t rotate(uint32_t value, int by)
{
    return value << by | value >> (32 - by);
}

static void quarter(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
    *a += *b;
    *d = rotate(*d ^ *a, 16);
    *c += *d;
    *b = rotate(*b ^ *c, 12);
    *a += *b;
    *d = rotate(*d ^ *a, 8);
    *c += *d;
    *b = rotate(*b ^ *c, 7);
}

static void permute(struct sponge *sponge)
{
    uint32_t *s = sponge->state;

    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 4; i++)
            quarter(&s[i], &s[4 + i], &s[8 + i], &s[12 + i]);
        for (int i = 0; i < 4; i++)
            quarter(&s[i], &s[4 + (i + 1) % 4], &s[8 + (i + 2) % 4], &s[12 + (i + 3) % 4]);
    }
    sponge->filled = 0;
}

static void absorb(struct sponge *sponge, const void *data, size_t length)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < length; i++) {
        ((uint8_t *)sponge->state)[sponge->filled++] ^= bytes[i];
        if (sponge->filled == SPONGE_RATE)
            permute(sponge);
    }
}

static void absorb_firmware(struct sponge *sponge)
{
    EFI_GUID guid = EFI_RNG_PROTOCOL_GUID;
    uint8_t bytes[64] = {0};
    EFI_RNG_PROTOCOL *rng;

    if (!EFI_ERROR(BS->LocateProtocol(&guid, NULL, (void **)&rng)) &&
        !EFI_ERROR(rng->GetRNG(rng, NULL, sizeof(bytes), bytes)))
        absorb(sponge, bytes, sizeof(bytes));
    ZeroMem(bytes, sizeof(bytes));
}

static void absorb_cpu(struct sponge *sponge)
{
    uint32_t r[4];
    uint64_t value;
    uint8_t ok;

    cpuid(1, 0, r);
    if (!(r[2] & (1u << 30)))
        return;
    for (int i = 0; i < 64; i++) {
        __asm__ volatile("rdrand %0; setc %1" : "=r"(value), "=qm"(ok) : : "cc");
        if (ok)
            absorb(sponge, &value, sizeof(value));
    }
}

/* How long the same work takes differs a little each time, most of all under real clocks. */
static void absorb_jitter(struct sponge *sponge)
{
    for (int i = 0; i < 256; i++) {
        uint64_t now = rdtsc();

        absorb(sponge, &now, sizeof(now));
        permute(sponge);
    }
}

void entropy_collect(uint8_t out[32])
{
    struct sponge sponge = {.state = {[15] = 0x42554c4b}};
    uint64_t wall = clock_now_ns();

    absorb_firmware(&sponge);
    absorb_cpu(&sponge);
    absorb(&sponge, &wall, sizeof(wall));
    absorb_jitter(&sponge);
    permute(&sponge);
    CopyMem(out, sponge.state, 32);
    ZeroMem(&sponge, sizeof(sponge));
}
