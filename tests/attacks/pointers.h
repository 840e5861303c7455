/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How to call each system call so that it looks at its pointers: private to
 * pointers.c. A recipe's arguments are right; pointers.c makes one of them wrong.
 */
#pragma once

#include "attack.h"

#include <asm/prctl.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/kvm.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/rseq.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>

/* Descriptors that prepare() opens, by number so that recipes are constants. */
enum {
    FD_FILE = 20,
    FD_DIR,
    FD_PROC,
    FD_PIPE_FULL, /* read end, with bytes in it */
    FD_PIPE_END,  /* its write end */
    FD_STREAM,    /* with bytes and a descriptor to receive */
    FD_STREAM_PEER,
    FD_DATAGRAM,
    FD_DATAGRAM_PEER,
    FD_LISTENER,  /* with a connection to accept */
    FD_UNCONNECTED,
    FD_EPOLL,     /* with an event */
    FD_EVENTFD,
    FD_TIMERFD,
    FD_SIGNALFD,  /* with a signal */
    FD_MASTER,
    FD_TTY,
    FD_MEMFD,
    FD_PIDFD,
    FD_NULL,
    FD_ZERO,
    FD_RANDOM,
    FD_FULL,
    FD_KVM,       /* these three only where /dev/kvm can be opened */
    FD_VM,
    FD_VCPU,
};

static char buffer[65536] __attribute__((aligned(PAGE))), second[4096], file[] = "/tmp/attack-file", dir[] = "/tmp/attack-dir",
    linked[] = "/tmp/attack-link", none[] = "/tmp/attack-none", program[] = "/tmp/attack-program",
    attribute[] = "trusted.attack", user_attribute[] = "user.attack", type[] = "tmpfs",
    word_text[] = "attack";
static char *strings[2];
static struct timespec no_time;
static struct timeval no_timeval;
static struct itimerval no_interval;
static struct itimerspec no_spec;
static struct rlimit limit = {64, 64};
static struct sched_param param;
static struct sigevent event = {.sigev_notify = SIGEV_NONE};
static struct pollfd polled = {.fd = FD_EVENTFD, .events = POLLIN};
static struct epoll_event watched = {.events = EPOLLIN};
static struct flock lock = {.l_type = F_RDLCK};
static uint64_t set = 1ul << (SIGUSR1 - 1) | 1ul << (SIGUSR2 - 1), watch[3], how[3], owner[2];
static int64_t offset, offset2;
static uint32_t futex_word = 1;
static int wait_status, number = 64, ids[4];
static stack_t stack = {.ss_flags = SS_DISABLE};
static struct __user_cap_header_struct cap_header = {.version = _LINUX_CAPABILITY_VERSION_3};
static struct __user_cap_data_struct cap_data[2];
static struct sockaddr_un socket_name = {.sun_family = AF_UNIX, .sun_path = "/tmp/attack-socket"};
static socklen_t socket_size = sizeof(socket_name);
static unsigned long action[4];
static struct sock_filter filter_code[] = {{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
static struct sock_fprog filter = {1, filter_code};
static struct sembuf sem_up = {.sem_op = 1, .sem_flg = IPC_NOWAIT};
static struct {
    long type;
    char text[8];
} ipc_message = {.type = 1};
static siginfo_t info = {.si_code = SI_QUEUE};

/* Structures with pointers in them. */
static struct iovec vectors[2] = {{buffer, 1}, {second, 64}};
static union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
} control = {.align = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
static struct iovec one_vector = {buffer, 4};
static struct msghdr message = {.msg_iov = &one_vector, .msg_iovlen = 1};
static struct msghdr full_message = {.msg_name = &socket_name,
                                     .msg_namelen = sizeof(socket_name),
                                     .msg_iov = &one_vector,
                                     .msg_iovlen = 1,
                                     .msg_control = &control,
                                     .msg_controllen = sizeof(control)};
static struct mmsghdr messages[1] = {{.msg_hdr = {.msg_iov = &one_vector, .msg_iovlen = 1}}};
static struct {
    const uint64_t *mask;
    size_t size;
} mask_argument = {&set, 8};
static struct robust_list_head robust;
static struct clone_args clone_plain = {.flags = CLONE_PIDFD | CLONE_PARENT_SETTID |
                                                 CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID,
                                        .pidfd = (uint64_t)second,
                                        .parent_tid = (uint64_t)(second + 8),
                                        .child_tid = (uint64_t)(second + 16),
                                        .exit_signal = SIGCHLD},
                         clone_stack = {.exit_signal = SIGCHLD, .stack_size = PAGE},
                         clone_tls = {.flags = CLONE_SETTLS, .exit_signal = SIGCHLD},
                         clone_tid = {.exit_signal = SIGCHLD, .set_tid_size = 1};
static stack_t other_stack = {.ss_size = 65536};
static struct kvm_userspace_memory_region region = {.slot = 7, .memory_size = PAGE};

struct recipe {
    int nr;
    const char *what;  /* when a call has several, which */
    unsigned pointers; /* bit i: argument i is one; 0: as the table's types say */
    long *inner;       /* or a pointer in memory: only that one is made wrong */
    long args[6];
};

#define P(x)                    ((long)(x))
#define R(call, ...)            {SYS_##call, "", 0, NULL, {__VA_ARGS__}},
#define K(call, what, ...)      {SYS_##call, what, 0, NULL, {__VA_ARGS__}},
#define A(call, what, arg, ...) {SYS_##call, what, 1u << (arg), NULL, {__VA_ARGS__}},
#define I(call, what, at, ...)  {SYS_##call, what, 0, (long *)(void *)(at), {__VA_ARGS__}},
#define IO(what, fd, command)   A(ioctl, what, 2, fd, command, 0)
#define KVM(fd, command)        A(ioctl, #command, 2, fd, command, 0)
/* A kind of file: what is behind each has its own code to move bytes. */
#define FILE_READ(what, fd)                                                                        \
    K(read, what, fd, P(buffer), 4096)                                                             \
    I(readv, what " iov_base", &one_vector.iov_base, fd, P(&one_vector), 1)
#define FILE_WRITE(what, fd)                                                                       \
    K(write, what, fd, P(buffer), 4096)                                                            \
    I(writev, what " iov_base", &one_vector.iov_base, fd, P(&one_vector), 1)

/* clang-format off */
static struct recipe recipes[] = {
    FILE_READ("file", FD_FILE) FILE_READ("directory", FD_DIR) FILE_READ("proc", FD_PROC)
    FILE_READ("pipe", FD_PIPE_FULL) FILE_READ("stream", FD_STREAM) FILE_READ("datagram", FD_DATAGRAM)
    FILE_READ("eventfd", FD_EVENTFD) FILE_READ("timerfd", FD_TIMERFD) FILE_READ("signalfd", FD_SIGNALFD)
    FILE_READ("pty", FD_MASTER) FILE_READ("tty", FD_TTY) FILE_READ("memfd", FD_MEMFD)
    FILE_READ("null", FD_NULL) FILE_READ("zero", FD_ZERO) FILE_READ("random", FD_RANDOM)
    FILE_WRITE("file", FD_FILE) FILE_WRITE("pipe", FD_PIPE_END) FILE_WRITE("stream", FD_STREAM)
    FILE_WRITE("datagram", FD_DATAGRAM) FILE_WRITE("eventfd", FD_EVENTFD) FILE_WRITE("pty", FD_MASTER)
    FILE_WRITE("tty", FD_TTY) FILE_WRITE("memfd", FD_MEMFD) FILE_WRITE("null", FD_NULL)
    FILE_WRITE("zero", FD_ZERO) FILE_WRITE("full", FD_FULL) FILE_WRITE("random", FD_RANDOM)
    R(open, P(file), O_RDONLY, 0)
    K(open, "O_CREAT", P(file), O_RDWR | O_CREAT, 0600)
    R(stat, P(file), P(buffer))
    R(fstat, FD_FILE, P(buffer))
    R(lstat, P(file), P(buffer))
    R(poll, P(&polled), 1, 0)
    R(mmap, 0, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0)
    K(mmap, "length", 0, -PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0)
    K(mmap, "hint", 0, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    K(mmap, "executable", 0, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED | MAP_FIXED_NOREPLACE, FD_MEMFD, 0)
    R(mprotect, 0, PAGE, PROT_NONE)
    K(mprotect, "all", 0, 1L << 47, PROT_READ | PROT_WRITE)
    R(munmap, 0, PAGE)
    K(munmap, "two pages", 0, 2 * PAGE)
    R(brk, 0)
    R(rt_sigaction, SIGUSR1, P(action), P(buffer), 8)
    R(rt_sigprocmask, SIG_BLOCK, P(&set), P(buffer), 8)
    IO("TCGETS", FD_TTY, TCGETS)
    IO("TCGETS2", FD_TTY, 0x802c542a)
    IO("TCGETA", FD_TTY, TCGETA)
    IO("TCSETS", FD_TTY, TCSETS)
    IO("TCSETSF", FD_TTY, TCSETSF)
    IO("TCSETS2", FD_TTY, 0x402c542b)
    IO("TCSETA", FD_TTY, TCSETA)
    IO("TIOCGWINSZ", FD_TTY, TIOCGWINSZ)
    IO("TIOCSWINSZ", FD_TTY, TIOCSWINSZ)
    IO("TIOCGEXCL", FD_TTY, TIOCGEXCL)
    IO("TIOCGETD", FD_TTY, TIOCGETD)
    IO("TIOCSETD", FD_TTY, TIOCSETD)
    IO("TIOCGDEV", FD_TTY, TIOCGDEV)
    IO("TIOCSTI", FD_TTY, TIOCSTI)
    IO("TIOCOUTQ", FD_TTY, TIOCOUTQ)
    IO("TIOCGPGRP", FD_TTY, TIOCGPGRP)
    IO("TIOCSPGRP", FD_TTY, TIOCSPGRP)
    IO("TIOCGSID", FD_TTY, TIOCGSID)
    IO("TIOCSCTTY", FD_TTY, TIOCSCTTY)
    IO("FIONREAD tty", FD_TTY, FIONREAD)
    IO("FIONREAD pty", FD_MASTER, FIONREAD)
    IO("FIONREAD pipe", FD_PIPE_FULL, FIONREAD)
    IO("FIONREAD socket", FD_STREAM, FIONREAD)
    IO("FIONREAD file", FD_FILE, FIONREAD)
    IO("TIOCOUTQ socket", FD_STREAM, TIOCOUTQ)
    IO("TIOCGPTN", FD_MASTER, TIOCGPTN)
    IO("TIOCSPTLCK", FD_MASTER, TIOCSPTLCK)
    IO("TIOCGPTLCK", FD_MASTER, TIOCGPTLCK)
    IO("TIOCSIG", FD_MASTER, TIOCSIG)
    IO("FIONBIO", FD_FILE, FIONBIO)
    IO("FIOASYNC", FD_PIPE_FULL, FIOASYNC)
    IO("FIGETBSZ", FD_FILE, 2)
    IO("RNDGETENTCNT", FD_RANDOM, 0x80045200)
    IO("RNDADDENTROPY", FD_RANDOM, 0x40085203)
    IO("unknown", FD_FILE, 0x12345678)
    KVM(FD_KVM, KVM_GET_MSR_INDEX_LIST) KVM(FD_KVM, KVM_GET_MSR_FEATURE_INDEX_LIST)
    KVM(FD_KVM, KVM_GET_SUPPORTED_CPUID) KVM(FD_KVM, KVM_GET_EMULATED_CPUID) KVM(FD_KVM, KVM_GET_MSRS)
    KVM(FD_VM, KVM_SET_USER_MEMORY_REGION) KVM(FD_VM, KVM_GET_DIRTY_LOG) KVM(FD_VM, KVM_SET_IDENTITY_MAP_ADDR)
    KVM(FD_VM, KVM_CREATE_PIT2) KVM(FD_VM, KVM_GET_IRQCHIP) KVM(FD_VM, KVM_SET_IRQCHIP)
    KVM(FD_VM, KVM_IRQ_LINE) KVM(FD_VM, KVM_IRQ_LINE_STATUS) KVM(FD_VM, KVM_SET_GSI_ROUTING)
    KVM(FD_VM, KVM_GET_PIT2) KVM(FD_VM, KVM_SET_PIT2) KVM(FD_VM, KVM_SIGNAL_MSI)
    KVM(FD_VM, KVM_GET_CLOCK) KVM(FD_VM, KVM_SET_CLOCK) KVM(FD_VM, KVM_IRQFD) KVM(FD_VM, KVM_IOEVENTFD)
    KVM(FD_VM, KVM_ENABLE_CAP)
    I(ioctl, "KVM_SET_USER_MEMORY_REGION userspace_addr", &region.userspace_addr, FD_VM, KVM_SET_USER_MEMORY_REGION, P(&region))
    KVM(FD_VCPU, KVM_GET_REGS) KVM(FD_VCPU, KVM_SET_REGS) KVM(FD_VCPU, KVM_GET_SREGS) KVM(FD_VCPU, KVM_SET_SREGS)
    KVM(FD_VCPU, KVM_TRANSLATE) KVM(FD_VCPU, KVM_INTERRUPT) KVM(FD_VCPU, KVM_GET_MSRS) KVM(FD_VCPU, KVM_SET_MSRS)
    KVM(FD_VCPU, KVM_SET_CPUID) KVM(FD_VCPU, KVM_SET_CPUID2) KVM(FD_VCPU, KVM_GET_CPUID2)
    KVM(FD_VCPU, KVM_SET_SIGNAL_MASK) KVM(FD_VCPU, KVM_GET_FPU) KVM(FD_VCPU, KVM_SET_FPU)
    KVM(FD_VCPU, KVM_GET_LAPIC) KVM(FD_VCPU, KVM_SET_LAPIC) KVM(FD_VCPU, KVM_GET_MP_STATE) KVM(FD_VCPU, KVM_SET_MP_STATE)
    KVM(FD_VCPU, KVM_GET_VCPU_EVENTS) KVM(FD_VCPU, KVM_SET_VCPU_EVENTS) KVM(FD_VCPU, KVM_GET_DEBUGREGS)
    KVM(FD_VCPU, KVM_SET_DEBUGREGS) KVM(FD_VCPU, KVM_GET_XSAVE) KVM(FD_VCPU, KVM_SET_XSAVE)
    KVM(FD_VCPU, KVM_GET_XCRS) KVM(FD_VCPU, KVM_SET_XCRS) KVM(FD_VCPU, KVM_SET_GUEST_DEBUG)
    R(pread64, FD_FILE, P(buffer), 4096, 0)
    K(pread64, "proc", FD_PROC, P(buffer), 4096, 0)
    R(pwrite64, FD_FILE, P(buffer), 4096, 0)
    R(readv, FD_FILE, P(vectors), 2)
    R(writev, FD_FILE, P(vectors), 2)
    I(readv, "first iov_base", &vectors[0].iov_base, FD_FILE, P(vectors), 2)
    I(writev, "second iov_base", &vectors[1].iov_base, FD_FILE, P(vectors), 2)
    I(readv, "iov_len", &vectors[0].iov_len, FD_FILE, P(vectors), 2)
    I(writev, "iov_len", &vectors[1].iov_len, FD_PIPE_END, P(vectors), 2)
    R(access, P(file), 0)
    R(pipe, P(buffer))
    R(select, 64, P(&watch[0]), P(&watch[1]), P(&watch[2]), P(&no_timeval))
    R(mremap, 0, PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, 0)
    K(mremap, "to", P(buffer), PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, 0)
    K(mremap, "grow", 0, PAGE, 1L << 46, MREMAP_MAYMOVE, 0)
    R(msync, 0, PAGE, MS_SYNC)
    R(mincore, P(buffer), PAGE, P(second))
    R(madvise, 0, PAGE, MADV_DONTNEED)
    K(madvise, "MADV_WILLNEED", 0, PAGE, MADV_WILLNEED)
    K(madvise, "MADV_DONTFORK", 0, PAGE, MADV_DONTFORK)
    K(madvise, "MADV_HUGEPAGE", 0, PAGE, MADV_HUGEPAGE)
    R(nanosleep, P(&no_time), P(buffer))
    R(getitimer, ITIMER_VIRTUAL, P(buffer))
    R(setitimer, ITIMER_VIRTUAL, P(&no_interval), P(buffer))
    R(sendfile, FD_PIPE_END, FD_FILE, P(&offset), 16)
    R(connect, FD_UNCONNECTED, P(&socket_name), sizeof(socket_name))
    R(accept, FD_LISTENER, P(buffer), P(&socket_size))
    R(sendto, FD_DATAGRAM, P(buffer), 16, MSG_DONTWAIT, P(&socket_name), sizeof(socket_name))
    K(sendto, "stream", FD_STREAM, P(buffer), 16, MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0)
    R(recvfrom, FD_DATAGRAM, P(buffer), 16, MSG_DONTWAIT | MSG_PEEK, P(second), P(&socket_size))
    K(recvfrom, "stream", FD_STREAM, P(buffer), 16, MSG_DONTWAIT, P(second), P(&socket_size))
    R(sendmsg, FD_DATAGRAM, P(&message), MSG_DONTWAIT)
    I(sendmsg, "msg_name", &full_message.msg_name, FD_DATAGRAM, P(&full_message), MSG_DONTWAIT)
    I(sendmsg, "msg_iov", &full_message.msg_iov, FD_STREAM, P(&full_message), MSG_DONTWAIT)
    I(sendmsg, "msg_iovlen", &message.msg_iovlen, FD_STREAM, P(&message), MSG_DONTWAIT)
    I(sendmsg, "iov_base", &one_vector.iov_base, FD_STREAM, P(&message), MSG_DONTWAIT)
    I(sendmsg, "iov_len", &one_vector.iov_len, FD_STREAM, P(&message), MSG_DONTWAIT)
    I(sendmsg, "msg_control", &full_message.msg_control, FD_STREAM_PEER, P(&full_message), MSG_DONTWAIT)
    I(sendmsg, "msg_controllen", &full_message.msg_controllen, FD_STREAM_PEER, P(&full_message), MSG_DONTWAIT)
    I(sendmsg, "cmsg_len", &control.align.cmsg_len, FD_STREAM_PEER, P(&full_message), MSG_DONTWAIT)
    R(recvmsg, FD_DATAGRAM, P(&message), MSG_DONTWAIT | MSG_PEEK)
    I(recvmsg, "msg_name", &full_message.msg_name, FD_DATAGRAM, P(&full_message), MSG_DONTWAIT | MSG_PEEK)
    I(recvmsg, "msg_iov", &full_message.msg_iov, FD_DATAGRAM, P(&full_message), MSG_DONTWAIT | MSG_PEEK)
    I(recvmsg, "iov_base", &one_vector.iov_base, FD_DATAGRAM, P(&message), MSG_DONTWAIT | MSG_PEEK)
    I(recvmsg, "msg_control", &full_message.msg_control, FD_STREAM, P(&full_message), MSG_DONTWAIT | MSG_PEEK)
    R(bind, FD_UNCONNECTED, P(&socket_name), sizeof(socket_name))
    R(getsockname, FD_STREAM, P(buffer), P(&socket_size))
    R(getpeername, FD_STREAM, P(buffer), P(&socket_size))
    R(socketpair, AF_UNIX, SOCK_STREAM, 0, P(buffer))
    R(setsockopt, FD_STREAM, SOL_SOCKET, SO_PASSCRED, P(&number), 4)
    K(setsockopt, "SO_RCVTIMEO", FD_STREAM, SOL_SOCKET, SO_RCVTIMEO, P(&no_timeval), sizeof(no_timeval))
    K(setsockopt, "SO_LINGER", FD_STREAM, SOL_SOCKET, SO_LINGER, P(buffer), 8)
    R(getsockopt, FD_STREAM, SOL_SOCKET, SO_TYPE, P(buffer), P(&socket_size))
    K(getsockopt, "SO_PEERCRED", FD_STREAM, SOL_SOCKET, SO_PEERCRED, P(buffer), P(&socket_size))
    K(getsockopt, "SO_PEERGROUPS", FD_STREAM, SOL_SOCKET, SO_PEERGROUPS, P(buffer), P(&socket_size))
    A(clone, "stack", 1, SIGCHLD, 0, 0, 0, 0)
    A(clone, "parent_tid", 2, SIGCHLD | CLONE_PARENT_SETTID, 0, 0, 0, 0)
    A(clone, "pidfd", 2, SIGCHLD | CLONE_PIDFD, 0, 0, 0, 0)
    A(clone, "child_tid", 3, SIGCHLD | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID, 0, 0, 0, 0)
    A(clone, "tls", 4, SIGCHLD | CLONE_SETTLS, 0, 0, 0, 0)
    R(execve, P(program), P(strings), P(strings))
    I(execve, "argv[0]", &strings[0], P(program), P(strings), 0)
    I(execve, "envp[0]", &strings[0], P(program), 0, P(strings))
    R(wait4, -1, P(&wait_status), WNOHANG, P(buffer))
    R(uname, P(buffer))
    A(fcntl, "F_GETLK", 2, FD_FILE, F_GETLK, P(&lock))
    A(fcntl, "F_SETLK", 2, FD_FILE, F_SETLK, P(&lock))
    A(fcntl, "F_OFD_GETLK", 2, FD_FILE, F_OFD_GETLK, P(&lock))
    A(fcntl, "F_OFD_SETLK", 2, FD_FILE, F_OFD_SETLK, P(&lock))
    A(fcntl, "F_SETOWN_EX", 2, FD_FILE, F_SETOWN_EX, P(owner))
    A(fcntl, "F_GETOWN_EX", 2, FD_FILE, F_GETOWN_EX, P(owner))
    R(truncate, P(file), 8192)
    R(getcwd, P(buffer), 4096)
    R(chdir, P("."))
    R(rename, P(file), P(file))
    R(mkdir, P(dir), 0)
    R(rmdir, P(none))
    R(creat, P(file), 0600)
    R(link, P(file), P(file))
    R(unlink, P(none))
    R(symlink, P(file), P(file))
    R(readlink, P(linked), P(buffer), 100)
    K(readlink, "proc", P("/proc/self/exe"), P(buffer), 100)
    R(chmod, P(file), 0600)
    R(chown, P(file), -1, -1)
    R(lchown, P(file), -1, -1)
    R(gettimeofday, P(buffer), P(second))
    R(getrlimit, RLIMIT_NOFILE, P(buffer))
    R(getrusage, RUSAGE_SELF, P(buffer))
    R(sysinfo, P(buffer))
    R(times, P(buffer))
    R(ptrace, PTRACE_PEEKDATA, 1, 0, 0)
    K(ptrace, "PTRACE_GETREGS", PTRACE_GETREGS, 1, 0, 0)
    R(syslog, 3, P(buffer), 100)
    R(getgroups, 65536, P(buffer))
    R(setgroups, 1, P(ids))
    R(getresuid, P(buffer), P(buffer), P(buffer))
    R(getresgid, P(buffer), P(buffer), P(buffer))
    R(capget, P(&cap_header), P(buffer))
    R(capset, P(&cap_header), P(cap_data))
    R(rt_sigpending, P(buffer), 8)
    R(rt_sigtimedwait, P(&set), P(buffer), P(&no_time), 8)
    R(rt_sigqueueinfo, 0, SIGUSR1, P(&info))
    R(rt_tgsigqueueinfo, 0, 0, SIGUSR1, P(&info))
    R(rt_sigsuspend, P(&set), 8)
    R(sigaltstack, P(&stack), P(buffer))
    I(sigaltstack, "ss_sp", &other_stack.ss_sp, P(&other_stack), 0)
    R(utime, P(file), P(buffer))
    R(mknod, P(file), S_IFIFO, 0)
    R(statfs, P(file), P(buffer))
    R(fstatfs, FD_FILE, P(buffer))
    R(sched_setparam, 0, P(&param))
    R(sched_getparam, 0, P(buffer))
    R(sched_setscheduler, 0, SCHED_OTHER, P(&param))
    R(mlock, 0, PAGE)
    R(munlock, 0, PAGE)
    R(pivot_root, P("."), P("."))
    A(prctl, "PR_SET_NAME", 1, PR_SET_NAME, P(word_text))
    A(prctl, "PR_GET_NAME", 1, PR_GET_NAME, P(buffer))
    A(prctl, "PR_GET_PDEATHSIG", 1, PR_GET_PDEATHSIG, P(buffer))
    A(prctl, "PR_GET_CHILD_SUBREAPER", 1, PR_GET_CHILD_SUBREAPER, P(buffer))
    A(prctl, "PR_SET_SECCOMP", 2, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, P(&filter))
    A(prctl, "PR_GET_TID_ADDRESS", 1, PR_GET_TID_ADDRESS, P(buffer))
    A(prctl, "PR_SET_MM argument start", 2, PR_SET_MM, PR_SET_MM_ARG_START, 0)
    A(prctl, "PR_SET_VMA name", 2, 0x53564d41, 0, P(buffer), PAGE, P(word_text))
    A(arch_prctl, "ARCH_SET_GS", 1, ARCH_SET_GS, 0)
    A(arch_prctl, "ARCH_GET_FS", 1, ARCH_GET_FS, P(buffer))
    A(arch_prctl, "ARCH_GET_GS", 1, ARCH_GET_GS, P(buffer))
    R(setrlimit, RLIMIT_CORE, P(&limit))
    R(chroot, P(none))
    R(settimeofday, P(&no_timeval), P(second))
    R(mount, P("x"), P(none), P(type), 0, P(buffer))
    R(umount2, P(none), 0)
    R(reboot, 1, 2, 3, P(buffer))
    R(sethostname, P(word_text), 4)
    R(setdomainname, P(word_text), 4)
    R(setxattr, P(file), P(user_attribute), P(buffer), 4, 0)
    R(lsetxattr, P(file), P(user_attribute), P(buffer), 4, 0)
    R(fsetxattr, FD_FILE, P(attribute), P(buffer), 4, 0)
    R(getxattr, P(file), P(attribute), P(buffer), 100)
    R(lgetxattr, P(file), P(attribute), P(buffer), 100)
    R(fgetxattr, FD_FILE, P(attribute), P(buffer), 100)
    R(listxattr, P(file), P(buffer), 100)
    R(llistxattr, P(file), P(buffer), 100)
    R(flistxattr, FD_FILE, P(buffer), 100)
    R(removexattr, P(file), P("trusted.none"))
    R(lremovexattr, P(file), P("trusted.none"))
    R(fremovexattr, FD_FILE, P("trusted.none"))
    R(time, P(buffer))
    A(futex, "FUTEX_WAIT", 0, P(&futex_word), FUTEX_WAIT, 2, 0, 0, 0)
    A(futex, "FUTEX_WAIT timeout", 3, P(&futex_word), FUTEX_WAIT, 0, P(&no_time), 0, 0)
    A(futex, "FUTEX_WAKE", 0, P(&futex_word), FUTEX_WAKE, 1, 0, 0, 0)
    A(futex, "FUTEX_WAKE private", 0, P(&futex_word), FUTEX_WAKE_PRIVATE, 1, 0, 0, 0)
    K(futex, "FUTEX_CMP_REQUEUE", P(&futex_word), FUTEX_CMP_REQUEUE, 1, 1, P(&futex_word), 1)
    K(futex, "FUTEX_WAKE_OP", P(&futex_word), FUTEX_WAKE_OP, 1, 1, P(&futex_word), 0)
    A(futex, "FUTEX_LOCK_PI", 0, P(&futex_word), FUTEX_LOCK_PI, 0, 0, 0, 0)
    R(sched_setaffinity, 0, 8, P(&number))
    R(sched_getaffinity, 0, 128, P(buffer))
    R(getdents64, FD_DIR, P(buffer), 4096)
    R(set_tid_address, P(buffer))
    R(timer_create, CLOCK_MONOTONIC, P(&event), P(buffer))
    R(timer_settime, 0, 0, P(&no_spec), P(buffer))
    R(timer_gettime, 0, P(buffer))
    R(clock_settime, CLOCK_REALTIME, P(&no_time))
    R(clock_gettime, CLOCK_MONOTONIC, P(buffer))
    R(clock_getres, CLOCK_MONOTONIC, P(buffer))
    R(clock_nanosleep, CLOCK_MONOTONIC, 0, P(&no_time), P(buffer))
    R(epoll_wait, FD_EPOLL, P(buffer), 4, 0)
    R(epoll_ctl, FD_EPOLL, EPOLL_CTL_MOD, FD_EVENTFD, P(&watched))
    K(epoll_ctl, "EPOLL_CTL_ADD", FD_EPOLL, EPOLL_CTL_ADD, FD_PIPE_FULL, P(&watched))
    R(utimes, P(file), P(buffer))
    R(waitid, P_ALL, 0, P(buffer), WEXITED | WNOHANG, P(buffer))
    R(openat, AT_FDCWD, P(file), O_RDONLY, 0)
    R(mkdirat, AT_FDCWD, P(dir), 0)
    R(mknodat, AT_FDCWD, P(file), S_IFIFO, 0)
    R(fchownat, AT_FDCWD, P(file), -1, -1, 0)
    R(futimesat, AT_FDCWD, P(file), P(buffer))
    R(newfstatat, AT_FDCWD, P(file), P(buffer), 0)
    K(newfstatat, "AT_EMPTY_PATH", FD_FILE, P(""), P(buffer), AT_EMPTY_PATH)
    R(unlinkat, AT_FDCWD, P(none), 0)
    R(renameat, AT_FDCWD, P(file), AT_FDCWD, P(file))
    R(linkat, AT_FDCWD, P(file), AT_FDCWD, P(file), 0)
    R(symlinkat, P(file), AT_FDCWD, P(file))
    R(readlinkat, AT_FDCWD, P(linked), P(buffer), 100)
    R(fchmodat, AT_FDCWD, P(file), 0600)
    R(faccessat, AT_FDCWD, P(file), 0)
    R(pselect6, 64, P(&watch[0]), P(&watch[1]), P(&watch[2]), P(&no_time), P(&mask_argument))
    I(pselect6, "mask", &mask_argument.mask, 0, 0, 0, 0, P(&no_time), P(&mask_argument))
    R(ppoll, P(&polled), 1, P(&no_time), P(&set), 8)
    R(set_robust_list, 0, sizeof(robust))
    R(rseq, P(buffer), 32, 0, 0)
    R(get_robust_list, 0, P(buffer), P(second))
    R(splice, FD_FILE, P(&offset), FD_PIPE_END, 0, 16, SPLICE_F_NONBLOCK)
    K(splice, "to a file", FD_PIPE_FULL, 0, FD_FILE, P(&offset), 1, SPLICE_F_NONBLOCK)
    R(utimensat, AT_FDCWD, P(file), P(buffer), 0)
    R(epoll_pwait, FD_EPOLL, P(buffer), 4, 0, P(&set), 8)
    R(signalfd, -1, P(&set), 8)
    R(timerfd_settime, FD_TIMERFD, 0, P(&no_spec), P(buffer))
    R(timerfd_gettime, FD_TIMERFD, P(buffer))
    R(accept4, FD_LISTENER, P(buffer), P(&socket_size), SOCK_CLOEXEC)
    R(signalfd4, -1, P(&set), 8, 0)
    R(pipe2, P(buffer), 0)
    R(preadv, FD_FILE, P(vectors), 2, 0, 0)
    R(pwritev, FD_FILE, P(vectors), 2, 0, 0)
    I(preadv, "iov_base", &vectors[1].iov_base, FD_FILE, P(vectors), 2, 0, 0)
    I(pwritev, "iov_base", &vectors[0].iov_base, FD_FILE, P(vectors), 2, 0, 0)
    R(prlimit64, 0, RLIMIT_CORE, P(&limit), P(buffer))
    R(sendmmsg, FD_DATAGRAM, P(messages), 1, MSG_DONTWAIT)
    I(sendmmsg, "msg_iov", &messages[0].msg_hdr.msg_iov, FD_STREAM, P(messages), 1, MSG_DONTWAIT)
    R(getcpu, P(buffer), P(buffer), 0)
    R(renameat2, AT_FDCWD, P(file), AT_FDCWD, P(file), 0)
    R(seccomp, SECCOMP_SET_MODE_FILTER, 0, P(&filter))
    I(seccomp, "filter", &filter.filter, SECCOMP_SET_MODE_FILTER, 0, P(&filter))
    K(seccomp, "SECCOMP_GET_ACTION_AVAIL", SECCOMP_GET_ACTION_AVAIL, 0, P(&number))
    R(getrandom, P(buffer), 4096, 0)
    R(memfd_create, P(word_text), 0)
    R(execveat, AT_FDCWD, P(program), P(strings), P(strings), 0)
    R(copy_file_range, FD_FILE, P(&offset), FD_FILE, P(&offset2), 1, 0)
    R(statx, AT_FDCWD, P(file), 0, 0x7ff, P(buffer))
    R(pidfd_send_signal, FD_PIDFD, 0, P(&info), 0)
    R(clone3, P(&clone_plain), sizeof(clone_plain))
    I(clone3, "pidfd", &clone_plain.pidfd, P(&clone_plain), sizeof(clone_plain))
    I(clone3, "child_tid", &clone_plain.child_tid, P(&clone_plain), sizeof(clone_plain))
    I(clone3, "parent_tid", &clone_plain.parent_tid, P(&clone_plain), sizeof(clone_plain))
    I(clone3, "stack", &clone_stack.stack, P(&clone_stack), sizeof(clone_stack))
    I(clone3, "stack_size", &clone_stack.stack_size, P(&clone_stack), sizeof(clone_stack))
    I(clone3, "tls", &clone_tls.tls, P(&clone_tls), sizeof(clone_tls))
    I(clone3, "set_tid", &clone_tid.set_tid, P(&clone_tid), sizeof(clone_tid))
    R(shmat, 0, 0, 0)
    R(shmctl, 0, IPC_STAT, P(buffer))
    K(shmctl, "IPC_SET", 0, IPC_SET, P(buffer))
    R(shmdt, 0)
    R(semop, 0, P(&sem_up), 1)
    R(semtimedop, 0, P(&sem_up), 1, P(&no_time))
    A(semctl, "IPC_STAT", 3, 0, 0, IPC_STAT, P(buffer))
    A(semctl, "GETALL", 3, 0, 0, GETALL, P(buffer))
    A(semctl, "SETALL", 3, 0, 0, SETALL, P(buffer))
    R(msgsnd, 0, P(&ipc_message), 8, IPC_NOWAIT)
    R(msgrcv, 0, P(buffer), 64, 0, IPC_NOWAIT)
    R(msgctl, 0, IPC_STAT, P(buffer))
    K(msgctl, "IPC_SET", 0, IPC_SET, P(buffer))
    R(openat2, AT_FDCWD, P(file), P(how), sizeof(how))
    R(faccessat2, AT_FDCWD, P(file), 0, 0)
};
/* clang-format on */

static void place_fd(int fd, int at)
{
    need(fd >= 0 && dup2(fd, at) == at, "a descriptor");
    close(fd);
}

static void place_pair(const int fds[2], int at)
{
    place_fd(fds[0], at);
    place_fd(fds[1], at + 1);
}

static void ignore_signal(int signal_number)
{
    (void)signal_number;
}

static void prepare_files(void)
{
    static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/urandom", "/dev/full"};

    place_fd(open(file, O_RDWR | O_CREAT, 0600), FD_FILE);
    need(pwrite(FD_FILE, buffer, 8192, 0) == 8192, file);
    (void)symlink(file, linked);
    close(open(program, O_WRONLY | O_CREAT, 0700)); /* empty: ENOEXEC */
    place_fd(open("/tmp", O_RDONLY), FD_DIR);
    place_fd(open("/proc/self/status", O_RDONLY), FD_PROC);
    place_fd(memfd_create("attack", 0), FD_MEMFD);
    need(ftruncate(FD_MEMFD, PAGE) == 0, "memfd");
    for (unsigned i = 0; i < ARRAY_LEN(devices); i++)
        place_fd(open(devices[i], O_RDWR), FD_NULL + (int)i);
}

static void prepare_pipes_and_sockets(void)
{
    int fds[2];

    need(pipe2(fds, O_NONBLOCK) == 0, "pipe");
    place_pair(fds, FD_PIPE_FULL);
    need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0, "socketpair");
    place_pair(fds, FD_STREAM);
    need(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds) == 0, "socketpair");
    place_pair(fds, FD_DATAGRAM);
    snprintf(socket_name.sun_path, sizeof(socket_name.sun_path), "/tmp/attack-peer-%d", getpid());
    need(bind(FD_DATAGRAM_PEER, (void *)&socket_name, sizeof(socket_name)) == 0, "bind");
    place_fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), FD_LISTENER);
    snprintf(socket_name.sun_path, sizeof(socket_name.sun_path), "/tmp/attack-%d", getpid());
    need(bind(FD_LISTENER, (void *)&socket_name, sizeof(socket_name)) == 0 && listen(FD_LISTENER, 100) == 0,
         "listen");
    place_fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), FD_UNCONNECTED);
    *(int *)(void *)CMSG_DATA(&control.align) = FD_FILE;
    need(sendmsg(FD_STREAM_PEER, &full_message, 0) < 0, "a stream with an address"); /* EISCONN */
    full_message.msg_name = NULL;
    need(sendmsg(FD_STREAM_PEER, &full_message, 0) == 4, "a descriptor in a message");
    full_message.msg_name = &socket_name;
}

/* The first of each in a namespace has number 0: the recipes count on it. */
static void prepare_ipc(void)
{
    need(shmget(IPC_PRIVATE, PAGE, 0600) == 0 && semget(IPC_PRIVATE, 1, 0600) == 0 &&
             msgget(IPC_PRIVATE, 0600) == 0,
         "System V IPC in a namespace that has none yet");
}

static void prepare_events(void)
{
    struct sigevent none_event = {.sigev_notify = SIGEV_NONE};
    sigset_t signals;
    timer_t timer;

    place_fd(eventfd(1, EFD_NONBLOCK), FD_EVENTFD);
    place_fd(epoll_create1(0), FD_EPOLL);
    need(epoll_ctl(FD_EPOLL, EPOLL_CTL_ADD, FD_EVENTFD, &watched) == 0, "epoll");
    place_fd(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), FD_TIMERFD);
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    sigaddset(&signals, SIGUSR2);
    signal(SIGUSR1, ignore_signal);
    signal(SIGUSR2, ignore_signal);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    place_fd(signalfd(-1, &signals, SFD_NONBLOCK), FD_SIGNALFD);
    place_fd((int)syscall(SYS_pidfd_open, getpid(), 0), FD_PIDFD);
    need(timer_create(CLOCK_MONOTONIC, &none_event, &timer) == 0, "timer");
}

static void prepare_terminal(void)
{
    int fds[2];

    need(openpty(&fds[0], &fds[1], NULL, NULL, NULL) == 0, "pty");
    need(fcntl(fds[0], F_SETFL, O_RDWR | O_NONBLOCK) == 0, "pty");
    need(fcntl(fds[1], F_SETFL, O_RDWR | O_NONBLOCK) == 0, "tty");
    place_pair(fds, FD_MASTER);
}

/* A container has no /dev/kvm: there these descriptors are closed ones. */
static void prepare_vm(void)
{
    struct kvm_pit_config pit = {0};
    int fd = open("/dev/kvm", O_RDWR);

    if (fd < 0)
        return;
    place_fd(fd, FD_KVM);
    place_fd(ioctl(FD_KVM, KVM_CREATE_VM, 0), FD_VM);
    need(ioctl(FD_VM, KVM_CREATE_IRQCHIP, 0) == 0 && ioctl(FD_VM, KVM_CREATE_PIT2, &pit) == 0,
         "interrupt controllers");
    place_fd(ioctl(FD_VM, KVM_CREATE_VCPU, 0), FD_VCPU);
}

/* All but terminals and virtual machines, which take long, and only some recipes use. */
static void prepare(const struct recipe *r)
{
    long fd = r->args[0];

    prepare_files();
    prepare_pipes_and_sockets();
    prepare_events();
    if (r->nr == SYS_rseq) /* a thread has one, and the C library's would be it */
        syscall(SYS_rseq, (char *)__builtin_thread_pointer() + __rseq_offset, 32, RSEQ_FLAG_UNREGISTER,
                RSEQ_SIG);
    if (fd == FD_MASTER || fd == FD_TTY)
        prepare_terminal();
    if (fd >= FD_KVM && fd <= FD_VCPU)
        prepare_vm();
}

/* Before each attempt: there is something to read, to accept, to wait for, everywhere. */
static void refresh(int nr)
{
    static const uint64_t one = 1;
    struct itimerspec soon = {.it_value = {.tv_nsec = 1}};
    int client;
    pid_t pid;

    for (unsigned i = 0; i < ARRAY_LEN(watch); i++)
        watch[i] = 1ul << FD_EVENTFD; /* select() overwrites it */
    if (nr == SYS_msgrcv)
        msgsnd(0, &ipc_message, sizeof(ipc_message.text), IPC_NOWAIT);
    (void)!write(FD_PIPE_END, "x", 1);
    (void)!write(FD_STREAM, "x", 1);
    (void)!write(FD_STREAM_PEER, "x", 1);
    (void)!write(FD_DATAGRAM_PEER, "x", 1);
    (void)!write(FD_EVENTFD, &one, sizeof(one));
    (void)!write(FD_MASTER, "x\n", 2);
    (void)!write(FD_TTY, "x", 1);
    for (int fd = FD_FILE; fd <= FD_PROC; fd++)
        lseek(fd, 0, SEEK_SET);
    timerfd_settime(FD_TIMERFD, 0, &soon, NULL);
    if (nr == SYS_read || nr == SYS_readv)
        poll(&(struct pollfd){.fd = FD_TIMERFD, .events = POLLIN}, 1, 10000);
    raise(SIGUSR1);
    raise(SIGUSR2);
    if (nr == SYS_accept || nr == SYS_accept4) {
        client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(client, (void *)&socket_name, sizeof(socket_name));
    }
    if (nr == SYS_wait4 || nr == SYS_waitid) {
        pid = fork();
        if (pid == 0)
            _exit(7);
        waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
    }
}
