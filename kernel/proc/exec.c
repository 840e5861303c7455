/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Another program in the same process: execve(2), execveat(2).
 *
 * Everything that can fail is done first, beside the old program: open the
 * file (following "#!" lines), copy the strings, work out the credentials, and
 * build a whole new address space with the segments and the first stack in it.
 * Only then the process changes: the other threads go, and commit() exchanges
 * one thing after the other; none of that fails.
 *
 * The new stack, from the top down (what _start finds; see also getauxval(3)):
 *
 *     file name, environment strings, argument strings
 *     "x86_64", 16 random bytes
 *     auxiliary vector
 *     pointers to the environment, NULL
 *     pointers to the arguments, NULL
 *     argc                                     <- rsp, 16-byte aligned
 */
#include "exec.h"

#include <kernel/cgroup.h>
#include <kernel/files.h>
#include <kernel/fs.h>
#include <kernel/proc.h>
#include <kernel/random.h>
#include <kernel/string.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>
#include <kernel/vm.h>
#include <kernel/x86/cpu.h>

#include <kernel/abi/process.h>
#include <kernel/abi/signal.h>

#include "cred.h"
#include "elf_load.h"
#include "exec_args.h"
#include "itimer.h"
#include "process.h"
#include "rseq.h"
#include "script.h"
#include "sigqueue.h"

#define SCRIPT_DEPTH   4
#define FIRST_BYTES    256
#define ARGS_LIMIT_MIN KIB(128)
#define ARGS_LIMIT_MAX MIB(3)
#define STACK_RANDOM   (1ULL << 22) /* pages */
#define MMAP_RANDOM    (1ULL << 28) /* pages */
#define STACK_ROOM     KIB(132)     /* mapped below the first image from the start */

enum auxv {
    AT_NULL, AT_PHDR = 3, AT_PHENT, AT_PHNUM, AT_PAGESZ, AT_BASE, AT_FLAGS, AT_ENTRY, AT_UID = 11,
    AT_EUID, AT_GID, AT_EGID, AT_PLATFORM, AT_HWCAP, AT_CLKTCK, AT_SECURE = 23, AT_RANDOM = 25,
    AT_HWCAP2, AT_EXECFN = 31, AT_MINSIGSTKSZ = 51,
};
#define AUXV_PAIRS 20

static const char platform[] = "x86_64";

struct exec {
    char *name;              /* as the caller names it: AT_EXECFN, the source of comm */
    struct file *file;       /* the program, after any scripts */
    struct string_list args, env;
    struct cred *cred;
    bool is_secure;          /* AT_SECURE */
    bool name_is_closed;     /* execveat(2) of a close-on-exec descriptor: no script can read it */
    struct mm *mm;
    struct sighand *sighand; /* replaces one shared with other processes */
    struct elf_image image, interpreter;
    uaddr_t stack_top, sp;
    char first_bytes[FIRST_BYTES + 1];
    ssize_t nfirst;
    struct elf_program program, interp_program;
};

/* ---- opening ----------------------------------------------------------------------------- */

static int open_program(const struct path *path, struct file **out)
{
    struct file *f;
    int err = file_open_exec(path, &f);

    if (err < 0)
        return err;
    err = file_deny_writers(f);
    if (err < 0) {
        file_put(f);
        return err;
    }
    *out = f;
    return 0;
}

static int open_by_name(const char *name, struct file **out)
{
    struct path path;
    int err = path_lookup(AT_FDCWD, name, LOOKUP_FOLLOW, &path);

    if (err < 0)
        return err;
    err = open_program(&path, out);
    path_put(&path);
    return err;
}

static int read_first_bytes(struct exec *e)
{
    off_t pos = 0;

    e->nfirst = file_read_kernel(e->file, e->first_bytes, FIRST_BYTES, &pos);
    return e->nfirst < 0 ? (int)e->nfirst : 0;
}

/* From a script to what runs it: the script's name becomes the interpreter's last argument. */
static int follow_scripts(struct exec *e)
{
    struct script_line line;
    const char *name = e->name;
    char *owned = NULL;
    int err = read_first_bytes(e);

    for (int depth = 0; err == 0 && script_parse(e->first_bytes, (size_t)e->nfirst, &line); depth++) {
        struct file *interpreter;

        if (e->name_is_closed)
            err = -ENOENT;
        else if (depth > SCRIPT_DEPTH)
            err = -ELOOP;
        else
            err = strings_replace_first(&e->args, line.interpreter, line.argument, name);
        if (err == 0)
            err = open_by_name(line.interpreter, &interpreter);
        if (err < 0)
            break;
        kfree(owned);
        owned = kstrdup_for(current_cgroup(), line.interpreter);
        file_put(e->file);
        e->file = interpreter;
        if (owned == NULL) {
            err = -ENOMEM;
            break;
        }
        name = owned;
        err = read_first_bytes(e);
    }
    kfree(owned);
    return err;
}

/* ---- the new address space ------------------------------------------------------------------ */

static uint64_t args_limit(void)
{
    uint64_t limit = current->process->rlimits[RLIMIT_STACK].cur / 4;

    return max(ARGS_LIMIT_MIN, min(limit, ARGS_LIMIT_MAX));
}

/* Where the stack and mmap(2)'s area begin: random, and out of each other's way. */
static void place_areas(struct exec *e)
{
    uint64_t stack_limit = current->process->rlimits[RLIMIT_STACK].cur, gap;

    e->stack_top = USER_TOP - PAGE_SIZE - random_pages(STACK_RANDOM);
    gap = USER_TOP - e->stack_top + MIB(1);
    gap = stack_limit > USER_TOP / 6 * 5 ? USER_TOP / 6 * 5 : stack_limit + gap;
    gap = ALIGN_UP(max(gap, MIB(128)), PAGE_SIZE);
    e->mm->mmap_base = USER_TOP - min(gap, USER_TOP / 6 * 5) - random_pages(MMAP_RANDOM);
    e->mm->stack_start = e->stack_top;
}

static int load_interpreter(struct exec *e)
{
    size_t length = e->program.plan.interp_length;
    off_t pos = (off_t)e->program.plan.interp_offset;
    char *name, first[sizeof(struct elf_header)];
    struct file *f = NULL;
    ssize_t n;
    int err;

    if (length == 0)
        return 0;
    name = kalloc_for(current_cgroup(), length + 1);
    if (name == NULL)
        return -ENOMEM;
    n = file_read_kernel(e->file, name, length, &pos);
    err = n != (ssize_t)length || name[length - 1] != '\0' ? -ENOEXEC : open_by_name(name, &f);
    kfree(name);
    if (err < 0)
        return err;
    pos = 0;
    n = file_read_kernel(f, first, sizeof(first), &pos);
    err = elf_read(f, first, n < 0 ? 0 : (size_t)n, &e->interp_program);
    if (err == 0)
        err = elf_map_interpreter(e->mm, f, &e->interp_program, &e->interpreter);
    file_put(f);
    return err;
}

static int build_image(struct exec *e)
{
    int err = elf_read(e->file, e->first_bytes, (size_t)e->nfirst, &e->program);

    if (err < 0)
        return err;
    e->mm = mm_create(current_cgroup());
    if (e->mm == NULL)
        return -ENOMEM;
    place_areas(e);
    err = elf_map_program(e->mm, e->file, &e->program, &e->image);
    if (err == 0)
        err = load_interpreter(e);
    if (err < 0)
        return err;
    file_get(e->file);
    e->mm->exe = e->file;
    return 0;
}

/* ---- the first stack -------------------------------------------------------------------------- */

static size_t auxv_fill(const struct exec *e, uint64_t *v, uaddr_t random, uaddr_t name_at,
                        uaddr_t platform_at)
{
    const uint64_t pairs[AUXV_PAIRS][2] = {
        {AT_HWCAP, cpuid(1, 0).edx},
        {AT_PAGESZ, PAGE_SIZE},
        {AT_CLKTCK, USER_HZ},
        {AT_PHDR, e->image.phdrs},
        {AT_PHENT, sizeof(struct elf_segment)},
        {AT_PHNUM, e->image.nphdrs},
        {AT_BASE, e->interpreter.base},
        {AT_FLAGS, 0},
        {AT_ENTRY, e->image.entry},
        {AT_UID, e->cred->uid.val},
        {AT_EUID, e->cred->euid.val},
        {AT_GID, e->cred->gid.val},
        {AT_EGID, e->cred->egid.val},
        {AT_SECURE, e->is_secure},
        {AT_RANDOM, random},
        {AT_HWCAP2, 0},
        {AT_EXECFN, name_at},
        {AT_PLATFORM, platform_at},
        {AT_MINSIGSTKSZ, ALIGN_UP(sizeof(struct abi_rt_sigframe) + arch_fpu_frame_size() + 128 + 64, 16)},
        {AT_NULL, 0},
    };

    memcpy(v, pairs, sizeof(pairs));
    return sizeof(pairs);
}

/* Pointers to `count` strings that lie one after the other from `at` on, and a null one. */
static uint64_t *put_pointers(uint64_t *p, const struct string_list *list, uaddr_t at)
{
    const char *s = list->data;

    for (unsigned i = 0; i < list->count; i++) {
        size_t n = strlen(s) + 1;

        *p++ = at;
        at += n;
        s += n;
    }
    *p++ = 0;
    return p;
}

static int map_stack(struct exec *e, uaddr_t low)
{
    uaddr_t start = ALIGN_DOWN(low - STACK_ROOM, PAGE_SIZE), unused;
    uint32_t prot = PROT_READ | PROT_WRITE;

    if (e->program.plan.has_executable_stack)
        prot |= PROT_EXEC;
    return mm_map(e->mm, start, e->stack_top - start, prot,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN | MAP_STACK | MAP_NORESERVE,
                  NULL, 0, &unused);
}

/* Everything from argc to the stack's top, in one buffer. */
static int build_stack(struct exec *e)
{
    size_t name_len = strlen(e->name) + 1;
    uaddr_t name_at = e->stack_top - 8 - name_len;
    uaddr_t env_at = name_at - e->env.length, args_at = env_at - e->args.length;
    uaddr_t platform_at = ALIGN_DOWN(args_at - sizeof(platform), 16), random_at = platform_at - 16;
    size_t vectors = (1 + e->args.count + 1 + e->env.count + 1 + 2 * AUXV_PAIRS) * sizeof(uint64_t);
    uaddr_t sp = ALIGN_DOWN(random_at - vectors, 16);
    size_t size = e->stack_top - sp;
    char *image = kalloc_for(current_cgroup(), size);
    struct mm *mm = e->mm;
    uint64_t *p = (uint64_t *)image;
    int err;

    if (image == NULL)
        return -ENOMEM;
    *p++ = e->args.count;
    p = put_pointers(p, &e->args, args_at);
    p = put_pointers(p, &e->env, env_at);
    mm->auxv_len = (uint32_t)auxv_fill(e, p, random_at, name_at, platform_at);
    memcpy(mm->auxv, p, mm->auxv_len);
    random_bytes(image + (random_at - sp), 16);
    memcpy(image + (platform_at - sp), platform, sizeof(platform));
    if (e->args.length != 0)
        memcpy(image + (args_at - sp), e->args.data, e->args.length);
    if (e->env.length != 0)
        memcpy(image + (env_at - sp), e->env.data, e->env.length);
    memcpy(image + (name_at - sp), e->name, name_len);

    err = map_stack(e, sp);
    if (err == 0 && mm_write_remote(mm, sp, image, size) != (ssize_t)size)
        err = -ENOMEM;
    kfree(image);
    mm->arg_start = args_at;
    mm->arg_end = mm->env_start = env_at;
    mm->env_end = name_at;
    e->sp = sp;
    return err;
}

/* ---- the change ---------------------------------------------------------------------------------- */

/* The thread becomes the leader, under whose number everybody knows the process. */
static void take_leadership(struct thread *t)
{
    struct process *p = t->process;
    struct thread *old;
    struct pid *own;
    irqflags_t flags = spin_lock(&pid_lock);

    old = p->leader;
    own = t->pid;
    if (old != t) {
        t->pid = old->pid;
        t->pid->thread = t;
        old->pid = own;
        own->thread = NULL;
        pid_detach_number(own);
        p->leader = t;
        if (p->cgroup != NULL)
            cgroup_uncharge_pids(p->cgroup, 1);
    }
    p->exec_thread = NULL;
    spin_unlock(&pid_lock, flags);
    if (old != t)
        thread_put(old);
}

/* Every other thread goes. -EAGAIN: the process is exiting, or another thread does the same. */
static int leave_other_threads(struct thread *t)
{
    struct process *p = t->process;
    irqflags_t pid_flags, flags;
    int err = 0;

    if (READ_ONCE(p->nthreads) == 1 && p->leader == t)
        return 0;
    pid_flags = spin_lock(&pid_lock);
    flags = spin_lock(&t->sighand->lock);
    if (p->exiting || p->exec_thread != NULL) {
        err = -EAGAIN;
    } else {
        p->exec_thread = t;
        signal_kill_threads(p, t);
    }
    spin_unlock(&t->sighand->lock, flags);
    spin_unlock(&pid_lock, pid_flags);
    if (err < 0)
        return err;
    err = wait_event_killable(&p->exec_wq, READ_ONCE(p->nthreads) == 1);
    if (err < 0) {
        p->exec_thread = NULL;
        return -EAGAIN;
    }
    take_leadership(t);
    return 0;
}

static void switch_mm(struct thread *t, struct mm *mm)
{
    struct process *p = t->process;
    struct mm *old = t->mm;
    irqflags_t flags;

    if (old != NULL)
        thread_leave_mm(t);
    flags = spin_lock(&pid_lock);
    if (old != NULL)
        p->maxrss_pages = max(p->maxrss_pages, old->hiwater_rss);
    t->mm = mm;
    p->mm = mm;
    spin_unlock(&pid_lock, flags);
    mm_switch(mm);
    if (old != NULL)
        mm_put(old);
}

static void switch_sighand(struct thread *t, struct sighand *fresh)
{
    struct sighand *old = t->sighand;
    irqflags_t flags;

    if (fresh == NULL)
        return;
    memcpy(fresh->actions, old->actions, sizeof(fresh->actions));
    flags = spin_lock(&pid_lock);
    t->sighand = fresh;
    t->process->sighand = fresh;
    spin_unlock(&pid_lock, flags);
    sighand_put(old);
}

static void name_thread(struct thread *t, const char *name)
{
    const char *slash = strrchr(name, '/');

    memset(t->comm, 0, sizeof(t->comm));
    strlcpy(t->comm, slash == NULL ? name : slash + 1, sizeof(t->comm));
}

static void set_dumpable(struct process *p, bool dumpable)
{
    irqflags_t flags = spin_lock(&pid_lock);

    p->dumpable = dumpable;
    spin_unlock(&pid_lock, flags);
}

/* True: who has the new program's rights may look into it. Found with the new credentials. */
static bool may_be_dumped(const struct exec *e, const struct cred *c)
{
    bool own_ids = uid_eq(c->uid, c->euid) && gid_eq(c->gid, c->egid);

    return own_ids && !e->is_secure && inode_permission_generic(e->file->inode, MAY_READ) == 0;
}

static void reset_process(struct exec *e)
{
    struct process *p = current->process;
    irqflags_t flags;

    cred_commit(e->cred);
    e->cred = NULL;
    flags = spin_lock(&pid_lock);
    p->did_exec = true;
    p->exec_id++;
    p->exit_signal = SIGCHLD;
    if (e->is_secure)
        current->pdeath_signal = 0;
    spin_unlock(&pid_lock, flags);
}

/* The new credentials with the new address space. Nobody may look into the process while it has only
 * one of them: neither at the old one's secrets with the new rights, nor the other way round. Dropping
 * the old one may take long, and others run meanwhile. */
static void change_identity(struct exec *e)
{
    struct thread *t = current;
    bool dumpable;

    set_dumpable(t->process, false);
    reset_process(e);
    dumpable = may_be_dumped(e, t->cred);
    switch_mm(t, e->mm);
    e->mm = NULL;
    set_dumpable(t->process, dumpable);
}

static void reset_thread(struct thread *t, struct trapframe *frame, struct exec *e)
{
    t->robust_list = 0;
    rseq_forget(t);
    t->clear_child_tid = 0;
    t->restart.fn = NULL;
    arch_set_fs_base(0);
    arch_set_gs_base(0);
    arch_fpu_reset(t);
    memset(frame, 0, sizeof(*frame));
    frame->orig_rax = (uint64_t)-1;
    frame->rip = e->interpreter.entry != 0 ? e->interpreter.entry : e->image.entry;
    frame->rsp = e->sp;
    frame->cs = USER_CS;
    frame->ss = USER_DS;
    frame->rflags = RFLAGS_FIXED | RFLAGS_IF;
}

/* Nothing fails from here on. */
static void commit(struct exec *e, struct trapframe *frame)
{
    struct thread *t = current;

    switch_sighand(t, e->sighand);
    e->sighand = NULL;
    change_identity(e);
    posix_timers_delete(t->process);
    name_thread(t, e->name);
    files_close_on_exec(t->files);
    signal_exec_reset();
    reset_thread(t, frame, e);
}

/* ---- putting it together ---------------------------------------------------------------------------- */

/* The dispositions are shared, with threads that will go or with another process (clone(2) CLONE_SIGHAND
 * without CLONE_THREAD). */
static int unshare_sighand(struct exec *e)
{
    if (refcount_read(&current->sighand->refs) == 1)
        return 0;
    e->sighand = sighand_create(current_cgroup());
    return e->sighand == NULL ? -ENOMEM : 0;
}

static int prepare(struct exec *e)
{
    int err = files_unshare();

    if (err == 0)
        err = follow_scripts(e);
    if (err == 0)
        err = cred_for_exec(&e->file->path, &e->cred, &e->is_secure);
    if (err == 0)
        err = build_image(e);
    if (err == 0)
        err = build_stack(e);
    if (err == 0)
        err = unshare_sighand(e);
    return err;
}

static int run(struct exec *e, struct trapframe *frame)
{
    int err = prepare(e);

    if (err == 0 && fatal_signal_pending(current))
        err = -EINTR;
    if (err == 0)
        err = leave_other_threads(current);
    if (err < 0)
        return err;
    commit(e, frame);
    return 0;
}

static struct exec *exec_create(void)
{
    return kalloc_for(current_cgroup(), sizeof(struct exec));
}

static void exec_destroy(struct exec *e)
{
    if (e->mm != NULL)
        mm_put(e->mm);
    if (e->cred != NULL)
        cred_put(e->cred);
    if (e->sighand != NULL)
        sighand_put(e->sighand);
    if (e->file != NULL)
        file_put(e->file);
    strings_free(&e->args);
    strings_free(&e->env);
    kfree(e->name);
    kfree(e);
}

int exec_kernel(const char *path, const char *const *argv, const char *const *envp, struct trapframe *frame)
{
    struct exec *e = exec_create();
    int err;

    if (e == NULL)
        return -ENOMEM;
    e->name = kstrdup_for(current_cgroup(), path);
    err = e->name == NULL ? -ENOMEM : open_by_name(path, &e->file);
    if (err == 0)
        err = strings_from_kernel(&e->args, argv);
    if (err == 0)
        err = strings_from_kernel(&e->env, envp);
    if (err == 0)
        err = run(e, frame);
    exec_destroy(e);
    return err;
}

/* ---- calls ------------------------------------------------------------------------------------------------ */

/* "/dev/fd/N" or "/dev/fd/N/name", by which the program can find itself: as on Linux. */
static char *name_of_fd(int fd, const char *path)
{
    size_t size = strlen(path) + 24;
    char *name = kalloc_for(current_cgroup(), size);

    if (name != NULL)
        snprintf(name, size, path[0] == '\0' ? "/dev/fd/%d" : "/dev/fd/%d/%s", fd, path);
    return name;
}

static int open_at_user(struct exec *e, int dirfd, uaddr_t upath, int flags)
{
    unsigned lookup = (flags & AT_SYMLINK_NOFOLLOW) ? 0 : LOOKUP_FOLLOW;
    char *path = kalloc_for(current_cgroup(), PATH_MAX);
    struct path p;
    ssize_t n;
    int err;

    if (path == NULL)
        return -ENOMEM;
    n = strncpy_from_user(path, upath, PATH_MAX);
    err = n < 0 ? (int)n : 0;
    if (err == 0 && n == 0 && !(flags & AT_EMPTY_PATH))
        err = -ENOENT;
    if (err < 0)
        goto out;
    if (dirfd == AT_FDCWD || path[0] == '/')
        e->name = kstrdup_for(current_cgroup(), path);
    else
        e->name = name_of_fd(dirfd, path);
    if (e->name == NULL) {
        err = -ENOMEM;
        goto out;
    }
    err = path_lookup(dirfd, path, lookup | ((flags & AT_EMPTY_PATH) ? LOOKUP_EMPTY : 0), &p);
    if (err < 0)
        goto out;
    err = open_program(&p, &e->file);
    path_put(&p);
out:
    kfree(path);
    return err;
}

static int collect_strings(struct exec *e, uaddr_t argv, uaddr_t envp)
{
    size_t limit = args_limit();
    int err = strings_from_user(&e->args, argv, limit);

    if (err == 0)
        err = strings_from_user(&e->env, envp, limit);
    if (err == 0 && e->args.length + e->env.length > limit)
        err = -E2BIG;
    if (err == 0 && e->args.count == 0)
        err = strings_append(&e->args, ""); /* no program expects argc 0 */
    return err;
}

static long do_execveat(int dirfd, uaddr_t path, uaddr_t argv, uaddr_t envp, int flags)
{
    struct exec *e;
    long err;

    if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
        return -EINVAL;
    e = exec_create();
    if (e == NULL)
        return -ENOMEM;
    err = open_at_user(e, dirfd, path, flags);
    if (err == 0)
        err = collect_strings(e, argv, envp);
    if (err == 0) {
        e->name_is_closed = strncmp(e->name, "/dev/fd/", 8) == 0 && dirfd != AT_FDCWD && (fd_get_flags(dirfd) & FD_CLOEXEC);
        err = run(e, thread_frame(current));
    }
    exec_destroy(e);
    return err;
}

long sys_execve(uaddr_t path, uaddr_t argv, uaddr_t envp)
{
    return do_execveat(AT_FDCWD, path, argv, envp, 0);
}

long sys_execveat(int dirfd, uaddr_t path, uaddr_t argv, uaddr_t envp, int flags)
{
    return do_execveat(dirfd, path, argv, envp, flags);
}
