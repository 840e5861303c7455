/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Floating point, SSE and AVX registers of user threads. The kernel itself is
 * compiled without them, so they stay untouched while it runs.
 *
 * The state is saved eagerly, when its thread leaves the CPU, and loaded late,
 * on the way to user mode, and only if the registers do not hold it any more:
 *
 *     cpu->fpu_owner == t     the registers of this CPU hold t's state
 *     t->arch.fpu_cpu         the only CPU of which that may be true when t is next switched to:
 *                             others may name it still, from before it moved, or name a dead
 *                             thread whose address it has
 *
 * user_return (entry.asm) compares it with the current thread. A thread that
 * slept while only kernel threads ran finds its registers as it left them.
 * Nobody ever sees another's registers: they are loaded before user mode
 * whenever the owner is not the one who returns there.
 *
 * hv lends the registers to a guest: fpu_leave() saves the thread's state and
 * makes the owner nobody.
 */
#include <kernel/errno.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/proc.h>
#include <kernel/signal.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>
#include <kernel/x86/extable.h>

#include "x86.h"
#include "xstate.h"

#define MXCSR_DEFAULT      0x1f80u
#define MXCSR_MASK_DEFAULT 0xffbfu /* when FXSAVE reports none */
#define FCW_DEFAULT        0x37f

static uint64_t xcr0;           /* 0: FXSAVE only */
static size_t state_size = XSTATE_LEGACY_SIZE;
static uint32_t mxcsr_mask = MXCSR_MASK_DEFAULT;
static bool has_xsaveopt;
static struct kmem_cache *fpu_cache;
/* What a program starts with. */
static uint8_t initial_state[XSTATE_MAX_SIZE] __aligned(64);

uint64_t fpu_xcr0(void)
{
    return xcr0;
}

size_t fpu_state_size(void)
{
    return state_size;
}

/* ---- the instructions ---- */

static void state_save(void *area)
{
    uint32_t lo = (uint32_t)xcr0, hi = (uint32_t)(xcr0 >> 32);

    if (has_xsaveopt)
        __asm__ volatile("xsaveopt64 (%0)" : : "r"(area), "a"(lo), "d"(hi) : "memory");
    else if (xcr0 != 0)
        __asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(lo), "d"(hi) : "memory");
    else
        __asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}

/* All components, also those in their initial state, which XSAVEOPT leaves out. */
static void state_save_whole(struct xstate *area)
{
    uint32_t lo = (uint32_t)xcr0, hi = (uint32_t)(xcr0 >> 32);

    if (xcr0 == 0) {
        state_save(area);
        return;
    }
    __asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(lo), "d"(hi) : "memory");
    area->xstate_bv |= XSTATE_X87 | XSTATE_SSE;
}

/* False: the CPU refused the image, and the registers are undefined. */
static bool state_load(const void *area)
{
    uint32_t lo = (uint32_t)xcr0, hi = (uint32_t)(xcr0 >> 32);
    int failed = 0;

    if (xcr0 != 0)
        __asm__ volatile("1: xrstor64 (%1)\n\t"
                         "jmp 3f\n\t"
                         "2: movl $1, %0\n\t"
                         "3:\n\t" EXTABLE("1b", "2b")
                         : "+r"(failed)
                         : "r"(area), "a"(lo), "d"(hi)
                         : "memory");
    else
        __asm__ volatile("1: fxrstor64 (%1)\n\t"
                         "jmp 3f\n\t"
                         "2: movl $1, %0\n\t"
                         "3:\n\t" EXTABLE("1b", "2b")
                         : "+r"(failed)
                         : "r"(area)
                         : "memory");
    return failed == 0;
}

static void xsetbv0(uint64_t value)
{
    __asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

/* ---- start-up ---- */

static uint64_t usable_components(void)
{
    struct cpuid_regs r = cpuid(13, 0);
    uint64_t supported = (uint64_t)r.edx << 32 | r.eax;
    uint64_t wanted = XSTATE_X87 | XSTATE_SSE;

    if (supported & XSTATE_AVX) {
        wanted |= XSTATE_AVX;
        if ((supported & XSTATE_AVX512) == XSTATE_AVX512)
            wanted |= XSTATE_AVX512;
    }
    return wanted;
}

static void make_initial_state(void)
{
    struct xstate *s = (struct xstate *)initial_state;

    __asm__ volatile("fninit");
    __asm__ volatile("fxsave64 (%0)" : : "r"(s) : "memory");
    if (s->mxcsr_mask != 0)
        mxcsr_mask = s->mxcsr_mask;
    memset(s, 0, sizeof(*s));
    s->fcw = FCW_DEFAULT;
    s->mxcsr = MXCSR_DEFAULT;
    s->mxcsr_mask = mxcsr_mask;
}

void fpu_init(void)
{
    if (cpu_features.has_xsave) {
        xcr0 = usable_components();
        xsetbv0(xcr0);
        state_size = cpuid(13, 0).ebx; /* for what XCR0 now enables */
        has_xsaveopt = cpu_features.has_xsaveopt;
        if (state_size > XSTATE_MAX_SIZE)
            panic("cpu: XSAVE image of %lu bytes", state_size);
    }
    make_initial_state();
    if (!state_load(initial_state))
        panic("cpu: initial floating-point state refused");
    log_info("cpu: floating-point state of %lu bytes, XCR0 0x%lx%s\n", state_size, xcr0,
             has_xsaveopt ? ", xsaveopt" : "");
}

/* ---- a thread's state in memory ---- */

static void *state_alloc(struct cgroup *cg)
{
    if (fpu_cache == NULL) /* the first call is made by boot code */
        fpu_cache = kmem_cache_create("fpu", ALIGN_UP(state_size, 64), 64);
    return kmem_cache_zalloc_for(fpu_cache, cg);
}

int arch_fpu_init(struct thread *t, struct cgroup *cg)
{
    void *area = state_alloc(cg);

    if (area == NULL)
        return -ENOMEM;
    memcpy(area, initial_state, state_size);
    t->arch.fpu = area;
    t->arch.fpu_cpu = FPU_CPU_NONE;
    return 0;
}

void arch_fpu_free(struct thread *t)
{
    if (t->arch.fpu == NULL)
        return;
    if (this_cpu()->fpu_owner == t)
        this_cpu()->fpu_owner = NULL; /* on other CPUs FPU_CPU_NONE of the next at this address does it */
    kmem_cache_free(fpu_cache, t->arch.fpu);
    t->arch.fpu = NULL;
}

void fpu_leave(void)
{
    struct cpu *cpu = this_cpu();

    if (cpu->fpu_owner != NULL && cpu->fpu_owner == cpu->thread)
        state_save(cpu->thread->arch.fpu);
    cpu->fpu_owner = NULL;
}

/* The current thread's memory is to be changed: its registers do not count any more. */
static void disown(struct thread *t)
{
    irqflags_t flags = irq_save();

    if (this_cpu()->fpu_owner == t)
        this_cpu()->fpu_owner = NULL;
    t->arch.fpu_cpu = FPU_CPU_NONE; /* nor do those of the CPU it came from */
    irq_restore(flags);
}

/* The current thread's memory is to be read: it must hold what the registers do. */
static void sync_memory(struct thread *t)
{
    irqflags_t flags = irq_save();

    if (this_cpu()->fpu_owner == t)
        state_save(t->arch.fpu);
    irq_restore(flags);
}

void arch_fpu_reset(struct thread *t)
{
    disown(t);
    memcpy(t->arch.fpu, initial_state, state_size);
}

int arch_fpu_fork(struct thread *child, const struct thread *parent, struct cgroup *cg)
{
    void *area = state_alloc(cg);

    if (area == NULL)
        return -ENOMEM;
    if (parent->arch.fpu == NULL) { /* forked by a kernel thread: the first process */
        memcpy(area, initial_state, state_size);
    } else {
        sync_memory((struct thread *)parent);
        memcpy(area, parent->arch.fpu, state_size);
    }
    child->arch.fpu = area;
    child->arch.fpu_cpu = FPU_CPU_NONE;
    return 0;
}

/* ---- switching: interrupts off ---- */

void fpu_switch_out(struct thread *prev)
{
    if (this_cpu()->fpu_owner == prev)
        state_save(prev->arch.fpu);
}

void fpu_switch_in(struct thread *next)
{
    struct cpu *cpu = this_cpu();

    /* Ours only if it has not run, and changed them, on another CPU since. */
    if (cpu->fpu_owner == next && next->arch.fpu_cpu != cpu->number)
        cpu->fpu_owner = NULL;
}

void fpu_load_current(struct trapframe *frame)
{
    struct cpu *cpu = this_cpu();
    struct thread *t = cpu->thread;

    (void)frame;
    if (unlikely(!state_load(t->arch.fpu))) {
        /* Every image was checked on its way in: this is our bug, but not worth the machine. */
        log_err("cpu: floating-point state of %s refused\n", t->comm);
        memcpy(t->arch.fpu, initial_state, state_size);
        (void)state_load(t->arch.fpu); /* the state that fpu_init() tried */
    }
    cpu->fpu_owner = t;
    t->arch.fpu_cpu = cpu->number;
}

/* ---- signal frames ---- */

size_t arch_fpu_frame_size(void)
{
    return xcr0 != 0 ? state_size + sizeof(uint32_t) : state_size;
}

int arch_fpu_save_user(uaddr_t dst)
{
    struct thread *t = current;
    struct xstate *s = t->arch.fpu;
    uint32_t magic2 = FP_XSTATE_MAGIC2;
    irqflags_t flags = irq_save();

    /* The handler may look at any register and change it. */
    if (this_cpu()->fpu_owner != t)
        fpu_load_current(NULL);
    state_save_whole(s);
    irq_restore(flags);
    memset(&s->software, 0, sizeof(s->software));
    if (xcr0 != 0) {
        s->software.magic1 = FP_XSTATE_MAGIC1;
        s->software.extended_size = (uint32_t)arch_fpu_frame_size();
        s->software.xfeatures = xcr0;
        s->software.xstate_size = (uint32_t)state_size;
    }
    if (copy_to_user(dst, s, state_size) < 0)
        return -EFAULT;
    if (xcr0 != 0 && put_user(dst + state_size, magic2) < 0)
        return -EFAULT;
    return 0;
}

/*
 * A frame that does not describe itself as extended, or whose end is damaged,
 * is a bare FXSAVE image: the other components start afresh, as on Linux.
 */
static int read_frame(uaddr_t src, struct xstate *s)
{
    uint32_t magic2;

    if (copy_from_user(s, src, XSTATE_LEGACY_SIZE) < 0)
        return -EFAULT;
    if (xstate_is_extended(s, xcr0, state_size)) {
        if (get_user(&magic2, src + state_size) < 0)
            return -EFAULT;
        if (magic2 == FP_XSTATE_MAGIC2)
            return copy_from_user((char *)s + XSTATE_LEGACY_SIZE, src + XSTATE_LEGACY_SIZE,
                                  state_size - XSTATE_LEGACY_SIZE);
    }
    if (xcr0 != 0) {
        memset((char *)s + XSTATE_LEGACY_SIZE, 0, state_size - XSTATE_LEGACY_SIZE);
        s->xstate_bv = XSTATE_X87 | XSTATE_SSE;
    }
    return 0;
}

int arch_fpu_restore_user(uaddr_t src)
{
    struct thread *t = current;
    struct xstate *s;
    int err;

    /* Read into memory of our own first: a fault half-way must leave the thread's state whole. */
    s = kmem_cache_alloc(fpu_cache);
    if (s == NULL)
        return -EFAULT;
    err = read_frame(src, s);
    if (err == 0 && !xstate_is_loadable(s, xcr0, mxcsr_mask))
        err = -EFAULT;
    if (err == 0) {
        disown(t);
        memcpy(t->arch.fpu, s, state_size);
    }
    kmem_cache_free(fpu_cache, s);
    return err;
}

/* ---- exceptions ---- */

/* SDM vol. 1, "x87 FPU Status Word", "MXCSR": the same order of flags in both. */
static const uint8_t fpe_codes[6] = {
    7 /* FPE_FLTINV */, 5 /* denormal: FPE_FLTUND */, 3 /* FPE_FLTDIV */,
    4 /* FPE_FLTOVF */, 5 /* FPE_FLTUND */, 6 /* FPE_FLTRES */,
};

int fpu_exception_code(bool is_simd)
{
    uint32_t raised;

    if (is_simd) {
        uint32_t mxcsr;

        __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
        raised = mxcsr & ~(mxcsr >> 7);
    } else {
        uint16_t fcw, fsw;

        __asm__ volatile("fnstcw %0" : "=m"(fcw));
        __asm__ volatile("fnstsw %0" : "=m"(fsw));
        raised = fsw & ~(uint32_t)fcw;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(fpe_codes); i++)
        if (raised & BIT(i))
            return fpe_codes[i];
    return SI_KERNEL;
}
