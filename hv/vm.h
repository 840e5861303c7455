/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtual machine and its virtual CPUs.
 *
 * Lifetime: KVM_CREATE_VM makes a struct vm with one reference, held by the VM's
 * file; each vCPU's file holds one more. vCPUs belong to the VM: they stay until
 * the last vm_put(), which undoes vm_create() in reverse.
 *
 * A VM belongs to the address space that created it (vm->mm): guest RAM is that
 * address space's memory, and ioctls from another one fail with -EIO. The VM may
 * outlive the address space's mappings (its file was passed on); mm_released then
 * says that nothing may be asked of it any more.
 *
 * Where isolation comes from: a guest reaches host memory only through vm->s2,
 * which holds only pages that vm->mm itself could reach, with no more rights; ports
 * and MSRs are all intercepted, but for those that belong to the vCPU.
 *
 * Protection: [I] fixed before publication, [a] atomic, [m] vm->lock, [s] written
 * under vm->lock and vm->s2_lock, read under either, [q] vm->irq_lock, [b] vm->io_lock, [o] the
 * thread that holds vcpu->lock, [r] the page that ring 3 maps too: hostile, each
 * field is read once.
 *
 * Order: vcpu->lock, vm->lock, mm->lock, vm->s2_lock; vm->io_lock, a wait queue's
 * lock (an eventfd's), vm->irq_lock, vcpu->wq's lock. No guest memory under any
 * spinlock.
 */
#pragma once

#include <kernel/mutex.h>
#include <kernel/proc.h>
#include <kernel/refcount.h>
#include <kernel/spinlock.h>
#include <kernel/string.h>
#include <kernel/time.h>
#include <kernel/vm.h>
#include <kernel/wait.h>

#include "hv.h"
#include "ioapic.h"
#include "kvm_abi.h"
#include "lapic.h"
#include "mmio.h"
#include "pic.h"
#include "pit.h"
#include "stage2.h"

#define VM_MAX_VCPUS  64
#define VM_MAX_SLOTS  64
#define VM_MAX_GSI    4096
#define VM_MAX_CPUID  256
#define VM_MAX_MSRS   256 /* one call reads or writes fewer */

struct irq_routes;

/* Guest-physical memory backed by the owner's memory. */
struct memslot {
    gpa_t gpa;
    uint64_t size;
    uaddr_t uaddr;
    uint32_t id;
    uint32_t flags;  /* KVM_MEM_* */
    uint64_t *dirty; /* one bit a page with KVM_MEM_LOG_DIRTY_PAGES, else NULL */
    bool is_going;   /* what maps it is being taken out: only vm_invalidate() still finds it */
};

/* Who holds an interrupt line up: lines of several are ORed. */
enum irq_source { IRQ_FROM_USER = BIT(0), IRQ_FROM_PIT = BIT(1), IRQ_FROM_RESAMPLE = BIT(2),
                  IRQ_FROM_IRQFD = BIT(3) };

struct vm {
    struct refcount refs;     /* [a] */
    const struct hv_ops *ops; /* [I] */
    void *backend;            /* [I] the back end's own: MSR and I/O bitmaps, ASID... */
    struct cgroup *cgroup;    /* [I] counted: what everything of the VM is charged to */

    struct mutex lock;
    struct mm *mm;               /* [I] the struct, not its mappings (mm_grab) */
    struct mm_notifier notifier; /* [I] */
    bool mm_released;            /* [a] the address space has ended */

    struct spinlock s2_lock;
    struct stage2 s2;          /* [s2_lock] */
    uint64_t invalidations;    /* [s2_lock] counts beginnings of removals: a fault that raced one retries */
    struct memslot slots[VM_MAX_SLOTS]; /* [s] slot_count of them, sorted by gpa */
    unsigned int slot_count;   /* [s] */

    struct vcpu *vcpus[VM_MAX_VCPUS]; /* [a] published under lock, in order of creation */
    unsigned int vcpu_count;          /* [a] */
    uint32_t boot_cpu_id;             /* [m] KVM_SET_BOOT_CPU_ID */

    struct spinlock irq_lock;
    bool has_irqchip, has_pit;   /* [a] set once, by ioctl */
    bool is_going;               /* [q] no timer may start any more */
    struct ioapic ioapic;        /* [q] */
    struct pic pic;              /* [q] */
    struct pit pit;              /* [q] */
    struct timer pit_timer;      /* [q] */
    struct irq_routes *routes;   /* [q] replaced as a whole */
    uint32_t pic_sources[16];    /* [q] enum irq_source */
    uint32_t ioapic_sources[KVM_IOAPIC_NUM_PINS]; /* [q] */
    unsigned int next_lowest;    /* [q] where lowest-priority delivery looks first */
    struct list_node irqfds;     /* [m] */
    unsigned int irqfd_count;    /* [m] */
    struct list_node resamplers; /* [q] irqfds that want to hear of EOIs */
    bool has_acks;               /* [q] irqfd_signal_acks() has something to do */

    struct spinlock io_lock;
    struct list_node ioeventfds; /* [b] */
    unsigned int ioeventfd_count; /* [a] */

    int64_t clock_offset_ns;  /* [q] kvmclock = ktime_ns() + this */
    struct kvmclock_line {
        uint64_t tsc, ns;     /* a moment of the host's clocks */
        uint64_t hz;
    } clock_line;             /* [q] what every vCPU's page is computed from */
    uint64_t tsc_offset;      /* [q] that of the TSCs as ring 3 wants them; at first they start near 0 */
    bool has_tsc;             /* [q] ring 3 has set them */
};

enum vcpu_request {
    REQ_EVENT = BIT(0),       /* look at the interrupt controllers */
    REQ_KVMCLOCK = BIT(1),    /* refresh the time page */
    REQ_EXIT = BIT(2),        /* somebody waits for this CPU to leave the guest; nothing else */
    REQ_APIC_EVENT = BIT(3),  /* INIT, SIPI or NMI */
};

/* What the next KVM_RUN has to finish before the guest goes on. */
enum vcpu_pending {
    PENDING_NONE,
    PENDING_PIO,       /* IN or OUT, one element */
    PENDING_PIO_STRING,
    PENDING_MMIO,
};

struct vcpu {
    struct vm *vm;   /* [I] borrowed: the VM owns its vCPUs */
    void *backend;   /* [I] VMCS or VMCB and what belongs to it */
    unsigned int id; /* [I] also the APIC id */

    /* Guest state, between two entries. [o] */
    struct guest_regs regs;
    struct guest_state state;
    unsigned int state_valid; /* STATE_* groups of state that are up to date */
    unsigned int state_dirty; /* ... that enter() must write back; a subset of valid */
    uint8_t irq_shadow;       /* SHADOW_*: no interrupt may be injected */
    bool nmi_blocked;         /* between an NMI and its IRET */
    uint64_t dr[4];           /* loaded by generic code when dr7 enables a breakpoint */
    uint64_t dr6, dr7;

    /* What the next entry is to do. [o] */
    struct vcpu_event inject;    /* delivered first; see hv_ops.enter */
    bool has_triple_fault;       /* a fault while delivering a double fault */
    bool want_irq_window;        /* exit when an interrupt could be injected */
    bool want_nmi_window;        /* exit when an NMI could be injected */
    uint64_t tsc_offset;         /* guest TSC = host TSC + offset; written under [q] too */
    uint64_t entry_deadline_tsc; /* host TSC at which a preemption timer ends the slice */

    /* Running. */
    struct mutex lock;            /* [o] is whoever holds this */
    struct kvm_run *run;          /* [r] page 0; pages 1 and 2: port data, coalesced ring */
    struct page *run_pages[3];    /* [I] counted */
    struct switch_hooks hooks;    /* [o] installed while KVM_RUN is in progress */
    bool is_running;              /* [o] KVM_RUN is in progress: it is the guest who asks */
    bool needs_flush;             /* [o] FLUSH_GUEST before the next entry */
    unsigned int last_cpu;        /* [o] CPU number + 1 of the last entry, 0: none */
    uint32_t requests;            /* [a] enum vcpu_request */
    uint32_t guest_cpu;           /* [a] CPU number + 1 while in the guest, else 0 */
    bool is_waiting;              /* [a] sleeps on wq */
    struct wait_queue wq;
    uint32_t mp_state;            /* [o] KVM_MP_STATE_* */
    enum vcpu_pending pending;    /* [o] */
    uint64_t pending_rip;         /* [o] of its instruction */
    int run_error;                /* [o] what KVM_RUN returns instead of 0 */
    struct vcpu_pio {
        uint8_t size;
        uint8_t insn_len;
        bool is_in;
        uint32_t count;           /* string: elements given to ring 3 */
        struct insn insn;         /* string */
    } pio;                        /* [o] */
    struct mmio mmio;             /* [o] */

    /* Interrupts. */
    struct lapic lapic;           /* [q] */
    struct timer lapic_timer;     /* armed under [q] */
    bool is_going;                /* [q] it may not start any more */
    bool nmi_pending;             /* [o] */
    bool has_user_irq;            /* [o] KVM_INTERRUPT, without an irqchip */
    uint8_t user_irq;
    uint64_t cr8;                 /* [o] without an irqchip */

    /* Floating point and extended state. [o] */
    void *fpu;                    /* XSAVE image, one page; in the registers while is_fpu_loaded */
    struct page *fpu_page;        /* [I] counted */
    bool is_fpu_loaded;
    uint64_t xcr0;
    bool has_osxsave;             /* guest CR4.OSXSAVE */
    bool pdptr_stale;             /* KVM_SET_SREGS: state.pdptr is to be read from memory */

    /* CPUID and MSRs. [o] */
    struct kvm_cpuid_entry2 *cpuid; /* cpuid_count entries */
    unsigned int cpuid_count;
    unsigned int phys_bits;         /* guest MAXPHYADDR */
    bool has_x2apic;                /* guest CPUID; also read under [q] */
    uint64_t pat, misc_enable, mtrr_def_type, mcg_status, tsc_aux, tsc_adjust;
    uint64_t mtrr_fixed[11], mtrr_variable[16];
    uint64_t mcg_cap, mcg_ctl;
    uint64_t kvmclock_msr, wall_clock_msr; /* as the guest wrote them */
    bool kvmclock_stopped;                 /* KVM_KVMCLOCK_CTRL: set PVCLOCK_GUEST_STOPPED once */
};

/* ---- vm.c ---- */
int vm_create(struct vm **out);
void vm_get(struct vm *vm);
void vm_put(struct vm *vm);
int vm_open_file(struct vm *vm); /* a descriptor; takes over the reference on success */
static inline struct vcpu *vm_vcpu(struct vm *vm, unsigned int index)
{
    return __atomic_load_n(&vm->vcpus[index], __ATOMIC_ACQUIRE);
}
static inline unsigned int vm_vcpu_count(const struct vm *vm)
{
    return __atomic_load_n(&vm->vcpu_count, __ATOMIC_ACQUIRE);
}
int vm_check_extension(uint64_t cap);

/* ---- memory.c ---- */
int memory_set_region(struct vm *vm, const struct kvm_userspace_memory_region *region);
int memory_get_dirty_log(struct vm *vm, const struct kvm_dirty_log *log);
void memory_fini(struct vm *vm);
int memory_init(struct vm *vm); /* subscribes to the address space's changes */
/* A second-level fault. 0: mapped, run on; -ENOENT: no RAM there (a device), -EROFS: RAM that the
 * guest may not write (a device too, for writes); -EFAULT, -ENOMEM...: ring 3's memory is not there. */
int memory_fault(struct vm *vm, gpa_t gpa, unsigned int access);
/* In the owner's address space; may sleep. 0 or -EFAULT. */
int guest_read(struct vm *vm, gpa_t gpa, void *buf, size_t len) __must_check;
int guest_write(struct vm *vm, gpa_t gpa, const void *buf, size_t len) __must_check;
int guest_cmpxchg32(struct vm *vm, gpa_t gpa, uint32_t expected, uint32_t desired) __must_check;

/* ---- irq.c ---- */
void irq_init(struct vm *vm);
void irq_fini(struct vm *vm);
int irq_create_chip(struct vm *vm);                 /* with vm->lock held, as the following */
int irq_create_pit(struct vm *vm, uint32_t flags);
int irq_set_routes(struct vm *vm, const struct kvm_irq_routing_entry *entries, unsigned int count);
void irq_set_pit(struct vm *vm, const struct kvm_pit_state2 *state);
int irq_get_chip(struct vm *vm, struct kvm_irqchip *chip);
int irq_set_chip(struct vm *vm, const struct kvm_irqchip *chip);
/* Any context. Delivered count (> 0), 0: merged, -1: masked or nobody there. */
int irq_set_line(struct vm *vm, uint32_t gsi, bool level, enum irq_source source);
int irq_send_msi(struct vm *vm, const struct kvm_msi *msi);
/* For irqfds, with irq_lock held. */
bool irq_leads_to(const struct vm *vm, uint32_t gsi, unsigned int chip, unsigned int pin);
void irq_lower_resampled(struct vm *vm, uint32_t gsi);
void irq_vcpu_init(struct vcpu *vcpu);
void irq_vcpu_fini(struct vcpu *vcpu);
void irq_arm_lapic_timer(struct vcpu *vcpu); /* irq_lock held */
bool irq_mmio(struct vcpu *vcpu, gpa_t gpa, unsigned int size, bool is_write, uint64_t *value);
bool irq_pio(struct vm *vm, uint16_t port, unsigned int size, bool is_in, uint32_t *value);
/* The interrupt that the vCPU should take now, acknowledged; -1: none. */
int irq_take(struct vcpu *vcpu);
void irq_after_eoi(struct vm *vm); /* after any access that may have been an EOI, without irq_lock */
bool irq_is_pending(struct vcpu *vcpu); /* one that irq_take() would give */

/* ---- eventfd.c ---- */
int irqfd_set(struct vm *vm, const struct kvm_irqfd *arg);
int ioeventfd_set(struct vm *vm, const struct kvm_ioeventfd *arg);
void eventfds_fini(struct vm *vm);
bool ioeventfd_match(struct vm *vm, bool is_pio, uint64_t addr, unsigned int size, uint64_t value);
/* irq_lock held: the guest's EOI; and what follows, without it. */
void irqfd_acknowledge(struct vm *vm, unsigned int chip, unsigned int pin);
void irqfd_signal_acks(struct vm *vm);

/* ---- vcpu.c ---- */
int vcpu_create(struct vm *vm, uint32_t id); /* a descriptor */
void vcpu_destroy(struct vcpu *vcpu);
void vcpu_reset(struct vcpu *vcpu, bool is_init);
void vcpu_request(struct vcpu *vcpu, uint32_t requests); /* any context; wakes and kicks */
void vcpu_kick(struct vcpu *vcpu);
void vcpu_load(struct vcpu *vcpu); /* outside KVM_RUN: for ops that need it; preemption stays off */
void vcpu_put(struct vcpu *vcpu);
void tsc_aux_load(const struct vcpu *vcpu); /* between the two, after a change of vcpu->tsc_aux */

/* ---- vcpu_state.c ---- */
long vcpu_state_ioctl(struct vcpu *vcpu, unsigned int cmd, uaddr_t arg); /* -EINVAL: not one of these */
void fpu_guest_load(struct vcpu *vcpu); /* between fpu_leave() and fpu_guest_save(): interrupts off */
void fpu_guest_save(struct vcpu *vcpu);
void fpu_guest_reset(struct vcpu *vcpu);

/* ---- exit.c, pio.c, cr.c, mmio.c ---- */
enum exit_action {
    EXIT_RESUME, /* run on */
    EXIT_TO_VMM, /* vcpu->run is filled: KVM_RUN returns 0 */
};
enum exit_action exit_dispatch(struct vcpu *vcpu, struct vm_exit *vmexit);
enum exit_action exit_pio(struct vcpu *vcpu, struct vm_exit *vmexit);
enum exit_action exit_cr(struct vcpu *vcpu, struct vm_exit *vmexit);
enum exit_action exit_dr(struct vcpu *vcpu, struct vm_exit *vmexit);
enum exit_action exit_xsetbv(struct vcpu *vcpu, struct vm_exit *vmexit);
enum exit_action exit_stage2(struct vcpu *vcpu, struct vm_exit *vmexit);
enum exit_action exit_cpuid(struct vcpu *vcpu, struct vm_exit *vmexit);
enum exit_action exit_rdmsr(struct vcpu *vcpu, struct vm_exit *vmexit);
enum exit_action exit_wrmsr(struct vcpu *vcpu, struct vm_exit *vmexit);
enum exit_action pio_complete(struct vcpu *vcpu);
enum exit_action pio_string_complete(struct vcpu *vcpu);
enum exit_action mmio_complete(struct vcpu *vcpu);
enum exit_action exit_internal_error(struct vcpu *vcpu, uint32_t suberror);
/* Past the instruction that exited; decodes its length when the CPU did not tell. */
enum exit_action exit_skip(struct vcpu *vcpu, const struct vm_exit *vmexit);
void skip_bytes(struct vcpu *vcpu, unsigned int len);
void inject_fault(struct vcpu *vcpu, uint8_t vector);
void inject_fault_error(struct vcpu *vcpu, uint8_t vector, uint32_t error);

/* CR0, CR4, EFER as a guest writes them: false: #GP. Also used by KVM_SET_SREGS's checks. */
bool cr0_write(struct vcpu *vcpu, uint64_t value);
bool cr4_write(struct vcpu *vcpu, uint64_t value);
bool efer_write(struct vcpu *vcpu, uint64_t value);
void cr_refresh_pdptrs(struct vcpu *vcpu); /* before the first entry after KVM_SET_SREGS */
uint64_t cr4_allowed(const struct vcpu *vcpu);
bool xcr0_is_valid(const struct vcpu *vcpu, uint64_t value);

/* ---- fetch.c ---- */
enum insn_mode vcpu_insn_mode(struct vcpu *vcpu);
unsigned int vcpu_cpl(struct vcpu *vcpu);
/* The instruction at rip. 0; 1: a fault was injected instead; -EFAULT, -EINVAL: cannot be fetched or decoded. */
int fetch_insn(struct vcpu *vcpu, struct insn *insn);
/* Guest-linear memory, as the current instruction would access it. 0, 1: fault injected, -EFAULT. */
int linear_read(struct vcpu *vcpu, gva_t gva, void *buf, unsigned int len);
int linear_write(struct vcpu *vcpu, gva_t gva, const void *buf, unsigned int len);
int linear_translate(struct vcpu *vcpu, gva_t gva, unsigned int access, gpa_t *gpa);
/* Linear address of segment:offset with the segment's checks. 0; 1: fault injected. */
int segment_address(struct vcpu *vcpu, unsigned int segment, uint64_t offset, unsigned int size,
                    bool is_write, gva_t *gva);

/* ---- cpuid.c ---- */
void cpuid_init(void);
struct kvm_cpuid_entry2 *cpuid_find(const struct vcpu *vcpu, uint32_t function, uint32_t index);
int cpuid_supported(struct kvm_cpuid_entry2 *entries, unsigned int max); /* count, or -E2BIG */
int cpuid_set(struct vcpu *vcpu, struct kvm_cpuid_entry2 *entries, unsigned int count); /* takes entries */
uint64_t cpuid_guest_xcr0(const struct vcpu *vcpu); /* XCR0 bits that the guest may set */
uint64_t hv_guest_xcr0(void);                       /* ... that any guest may */

/* ---- msr.c ---- */
int msr_read(struct vcpu *vcpu, uint32_t index, uint64_t *value); /* 0 or -EINVAL: #GP */
int msr_write(struct vcpu *vcpu, uint32_t index, uint64_t value);
enum msr_list {
    MSR_LIST_SAVED,    /* the state of a vCPU */
    MSR_LIST_FEATURES, /* what any guest's CPU is: msr_read_feature() */
};
unsigned int msr_list(enum msr_list which, uint32_t *indices, unsigned int max); /* how many there are */
int msr_read_feature(uint32_t index, uint64_t *value);
void msr_reset(struct vcpu *vcpu);

/* ---- kvmclock.c ---- */
void kvmclock_init(struct vm *vm); /* time begins, for its TSCs too */
void kvmclock_update(struct vcpu *vcpu); /* guest memory is written: may sleep */
void kvmclock_refresh(struct vm *vm);    /* all pages, before their vCPUs run on */
void kvmclock_set_tsc_offset(struct vcpu *vcpu, uint64_t offset); /* irq_lock held */
uint64_t kvmclock_tsc_offset(struct vm *vm, uint64_t tsc); /* likewise: what ring 3 means by it */
int kvmclock_set_msr(struct vcpu *vcpu, uint64_t value);
void kvmclock_write_wall(struct vcpu *vcpu, uint64_t value);
uint64_t kvmclock_now(const struct vm *vm);
void kvmclock_get(struct vm *vm, struct kvm_clock_data *data);
int kvmclock_set(struct vm *vm, const struct kvm_clock_data *data);

/* The instruction at rip goes on after the next KVM_RUN. */
static inline void vcpu_pend(struct vcpu *vcpu, enum vcpu_pending what)
{
    vcpu->pending = what;
    vcpu->pending_rip = vcpu->regs.rip;
}

/* A request by the vCPU's own thread: nobody to kick. */
static inline void vcpu_note(struct vcpu *vcpu, uint32_t requests)
{
    __atomic_fetch_or(&vcpu->requests, requests, __ATOMIC_RELAXED);
}

static inline uint64_t guest_tsc(const struct vcpu *vcpu)
{
    return rdtsc() + vcpu->tsc_offset;
}

/* Guest state by group: reads what is missing from the back end. */
static inline struct guest_state *vcpu_state(struct vcpu *vcpu, unsigned int groups)
{
    if ((vcpu->state_valid & groups) != groups) {
        vcpu->vm->ops->state_get(vcpu, groups & ~vcpu->state_valid);
        vcpu->state_valid |= groups;
    }
    return &vcpu->state;
}

/* The groups have been changed, after vcpu_state() on the same groups. */
static inline void vcpu_state_dirty(struct vcpu *vcpu, unsigned int groups)
{
    vcpu->state_dirty |= groups;
}
