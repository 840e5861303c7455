/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random numbers: getrandom(2), /dev/random, /dev/urandom, and the kernel's own
 * needs. One 256-bit key, seeded by the loader (EFI_RNG, RDRAND, jitter).
 *
 * Every request takes one ChaCha20 block under the key: its first half becomes
 * the next key, its second half the request's own key, from which the bytes are
 * made outside of the lock. So what was handed out cannot be computed from a
 * key that leaks later ("fast key erasure").
 *
 * Short requests, of which execve(2) makes several, are served from a batch of
 * blocks made beforehand in the same way; bytes that were handed out are wiped.
 */
#include <kernel/random.h>

#include <kernel/errno.h>
#include <kernel/proc.h>
#include <kernel/spinlock.h>
#include <kernel/string.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>

#include "chacha20.h"

#define GRND_NONBLOCK 0x1u
#define GRND_RANDOM   0x2u
#define GRND_INSECURE 0x4u

#define CHUNK 256 /* handed out at once; between chunks the caller may be interrupted */

static struct spinlock key_lock;
static uint8_t key[CHACHA20_KEY]; /* [key_lock] */
static uint64_t generation;       /* [key_lock] requests so far: the nonce */

#define BATCH (4 * CHACHA20_BLOCK)
#define SHORT 64 /* at most so many bytes come from the batch */
static uint8_t batch[BATCH]; /* [key_lock] its first batch_left bytes are good */
static size_t batch_left;    /* [key_lock] */

static void wipe(void *p, size_t n)
{
    memset(p, 0, n);
    __asm__ volatile("" : : "r"(p) : "memory"); /* the compiler must not drop it */
}

static void make_nonce(uint8_t nonce[12], uint64_t n)
{
    memset(nonce, 0, 12);
    memcpy(nonce + 4, &n, sizeof(n));
}

/* [key_lock] Replace the key; *derived, if wanted, gets a key of its own. */
static void step(uint8_t derived[CHACHA20_KEY])
{
    uint8_t nonce[12], block[CHACHA20_BLOCK];

    make_nonce(nonce, generation++);
    chacha20_block(key, 0, nonce, block);
    memcpy(key, block, CHACHA20_KEY);
    if (derived != NULL)
        memcpy(derived, block + CHACHA20_KEY, CHACHA20_KEY);
    wipe(block, sizeof(block));
}

void random_init(const uint8_t seed[32])
{
    spin_init(&key_lock);
    memset(key, 0, sizeof(key));
    random_add(seed, 32);
}

/* Whatever is mixed in, the key does not become easier to guess than it was. */
void random_add(const void *data, size_t n)
{
    const uint8_t *p = data;
    irqflags_t flags = spin_lock(&key_lock);
    uint64_t now = rdtsc();

    generation ^= now;
    batch_left = 0;
    while (n > 0) {
        size_t len = n < CHACHA20_KEY ? n : CHACHA20_KEY;

        for (size_t i = 0; i < len; i++)
            key[i] ^= p[i];
        step(NULL);
        p += len;
        n -= len;
    }
    spin_unlock(&key_lock, flags);
}

/* Bytes from a key of their own, which is wiped. */
static void expand(uint8_t mine[CHACHA20_KEY], uint8_t *p, size_t n)
{
    static const uint8_t nonce[12];
    uint8_t block[CHACHA20_BLOCK];
    uint32_t counter = 0;

    while (n > 0) {
        size_t len = n < sizeof(block) ? n : sizeof(block);

        chacha20_block(mine, counter++, nonce, block);
        memcpy(p, block, len);
        p += len;
        n -= len;
    }
    wipe(mine, CHACHA20_KEY);
    wipe(block, sizeof(block));
}

static void take_from_batch(void *buf, size_t n)
{
    uint8_t mine[CHACHA20_KEY];
    irqflags_t flags = spin_lock(&key_lock);

    if (batch_left < n) {
        step(mine);
        expand(mine, batch, sizeof(batch));
        batch_left = sizeof(batch);
    }
    batch_left -= n;
    memcpy(buf, batch + batch_left, n);
    wipe(batch + batch_left, n);
    spin_unlock(&key_lock, flags);
}

void random_bytes(void *buf, size_t n)
{
    uint8_t mine[CHACHA20_KEY];
    irqflags_t flags;

    if (n <= SHORT) {
        take_from_batch(buf, n);
        return;
    }
    flags = spin_lock(&key_lock);
    step(mine);
    spin_unlock(&key_lock, flags);
    expand(mine, buf, n);
}

long sys_getrandom(uaddr_t buf, size_t len, unsigned flags)
{
    uint8_t chunk[CHUNK];
    size_t done = 0;
    long err = 0;

    if (flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE))
        return -EINVAL;
    if ((flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
        return -EINVAL;
    if (len > INT32_MAX)
        len = INT32_MAX;
    while (done < len && err == 0) {
        size_t n = min(len - done, sizeof(chunk));
        ssize_t copied;

        random_bytes(chunk, n);
        copied = copy_to_user_partial(buf + done, chunk, n);
        if (copied > 0)
            done += (size_t)copied;
        if (copied < (ssize_t)n)
            err = -EFAULT;
        else if (signal_pending(current))
            err = -ERESTARTSYS;
        cond_resched();
    }
    wipe(chunk, sizeof(chunk));
    return done > 0 ? (long)done : err;
}
