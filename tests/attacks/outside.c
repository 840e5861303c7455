/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ways out of a container: to other processes, to the host's files and devices, to
 * the machine's settings. Prints how each is refused.
 *
 *     outside [PID]...      processes of the host, by the numbers they have there
 */
#include "attack.h"

#include <asm/prctl.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <linux/kexec.h>
#include <linux/perf_event.h>
#include <linux/reboot.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/fsuid.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/quota.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#define TRY(call)                                                                                  \
    ({                                                                                             \
        long try_r_ = (long)(call);                                                                \
        printf("%s: %s\n", #call, outcome(try_r_));                                                \
        try_r_;                                                                                    \
    })

/* In a process of its own: an attempt that would succeed must not change the later ones. */
#define APART(...)                                                                                 \
    do {                                                                                           \
        fflush(stdout);                                                                            \
        pid_t apart_ = fork();                                                                     \
        if (apart_ == 0) {                                                                         \
            __VA_ARGS__;                                                                           \
            fflush(stdout);                                                                        \
            _exit(0);                                                                              \
        }                                                                                          \
        waitpid(apart_, NULL, 0);                                                                  \
    } while (0)

static char buffer[4096];

static void section(const char *name)
{
    printf("-- %s\n", name);
}

/* Opening for writing, and writing a byte if that works. */
static void write_to(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    long r = fd < 0 ? -1 : write(fd, text, strlen(text));

    printf("write to %s: %s\n", path, outcome(r));
    if (fd >= 0)
        close(fd);
}

static void read_from(const char *path)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    long r = fd < 0 ? -1 : read(fd, buffer, 16);

    printf("read from %s: %s\n", path, r == 0 ? "empty" : outcome(r));
    if (fd >= 0)
        close(fd);
}

/* ---- processes --------------------------------------------------------------------- */

static void other_process(int pid)
{
    static const char *const files[] = {"ns/pid", "ns/mnt",  "root/etc", "cwd",
                                        "mem",    "environ", "exe"};
    struct rlimit limit = {100, 100};
    struct sched_param param = {0};
    struct iovec vector = {buffer, 16};
    siginfo_t info = {.si_code = SI_QUEUE};
    cpu_set_t cpus;
    char path[64];
    int fd;

    CPU_ZERO(&cpus);
    CPU_SET(0, &cpus);
    TRY(kill(pid, 0));
    TRY(kill(pid, SIGKILL));
    TRY(kill(-pid, SIGKILL));
    TRY(syscall(SYS_tkill, pid, SIGKILL));
    TRY(syscall(SYS_tgkill, pid, pid, SIGKILL));
    TRY(syscall(SYS_rt_sigqueueinfo, pid, SIGKILL, &info));
    TRY(syscall(SYS_rt_tgsigqueueinfo, pid, pid, SIGKILL, &info));
    TRY(ptrace(PTRACE_ATTACH, pid, 0, 0));
    TRY(ptrace(PTRACE_SEIZE, pid, 0, 0));
    TRY(process_vm_readv(pid, &vector, 1, &vector, 1, 0));
    TRY(process_vm_writev(pid, &vector, 1, &vector, 1, 0));
    TRY(syscall(SYS_prlimit64, pid, RLIMIT_NOFILE, &limit, NULL));
    TRY(setpriority(PRIO_PROCESS, (id_t)pid, 5));
    TRY(sched_setscheduler(pid, SCHED_OTHER, &param));
    TRY(sched_setparam(pid, &param));
    TRY(sched_getscheduler(pid));
    TRY(sched_setaffinity(pid, sizeof(cpus), &cpus));
    TRY(setpgid(pid, 0));
    TRY(setpgid(0, pid));
    TRY(getpgid(pid));
    TRY(getsid(pid));
    TRY(syscall(SYS_get_robust_list, pid, buffer, buffer + 8));
    TRY(syscall(SYS_pidfd_open, pid, 0));
    TRY(syscall(SYS_migrate_pages, pid, 1, buffer, buffer));
    fd = open("/dev/null", O_RDONLY);
    TRY(fcntl(fd, F_SETOWN, pid));
    close(fd);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        snprintf(path, sizeof(path), "/proc/%d/%s", pid, files[i]);
        fd = open(path, O_RDONLY);
        printf("open %s of it: %s\n", files[i], outcome(fd));
        if (fd >= 0)
            close(fd);
    }
}

static void processes(int argc, char **argv)
{
    section("processes");
    for (int i = 1; i < argc; i++)
        other_process(atoi(argv[i]));
    TRY(kill(0x3fffff, SIGKILL));
    APART(TRY(kill(-1, SIGWINCH)));
    APART(TRY(prctl(PR_SET_PTRACER, 1)));
    APART(TRY(setpriority(PRIO_USER, 0, 19)));
    APART(TRY(setpriority(PRIO_PROCESS, 0, -10)));
    APART(TRY(nice(-5)));
    APART(struct sched_param p = {1}; TRY(sched_setscheduler(0, SCHED_FIFO, &p)));
    APART(struct rlimit l = {1 << 30 | 1, 1 << 30 | 1}; TRY(setrlimit(RLIMIT_NOFILE, &l)));
    APART(TRY(ioctl(0, TIOCSTI, "x")));
    write_to("/proc/self/oom_score_adj", "-1000");
    write_to("/proc/1/oom_score_adj", "-1000");
    write_to("/proc/self/uid_map", "0 0 1");
}

/* ---- namespaces, mounts ----------------------------------------------------------- */

/* The file systems of a container, with what it may not change about them. */
static void mounts(void)
{
    static const char *const guarded[] = {
        "/",           "/proc", "/proc/sys",      "/proc/sysrq-trigger",
        "/proc/kcore", "/sys",  "/sys/fs/cgroup", "/dev",
        "/dev/null"};

    section("mounts");
    for (size_t i = 0; i < ARRAY_LEN(guarded); i++) {
        const char *at = guarded[i];

        printf("%s: ", at);
        TRY(umount2(at, 0));
        TRY(umount2(at, MNT_DETACH));
        TRY(mount(NULL, at, NULL, MS_REMOUNT, NULL));
        TRY(mount(NULL, at, NULL, MS_REMOUNT | MS_BIND, NULL));
        TRY(mount(NULL, at, NULL, MS_SHARED | MS_REC, NULL));
        TRY(mount(at, "/tmp", NULL, MS_BIND | MS_REC, NULL));
        TRY(mount(at, "/tmp", NULL, MS_MOVE, NULL));
        TRY(mount("x", at, "tmpfs", 0, NULL));
    }
    TRY(mount("x", "/tmp", "proc", 0, NULL));
    TRY(mount("x", "/tmp", "sysfs", 0, NULL));
    TRY(mount("x", "/tmp", "devtmpfs", 0, NULL));
    TRY(mount("x", "/tmp", "cgroup2", 0, NULL));
    TRY(mount("x", "/tmp", "overlay", 0, "lowerdir=/,upperdir=/tmp,workdir=/root"));
    TRY(syscall(SYS_pivot_root, "/tmp", "/tmp"));
    TRY(syscall(SYS_pivot_root, ".", "."));
    APART(TRY(unshare(CLONE_NEWNS)));
    APART(TRY(unshare(CLONE_NEWPID)));
    APART(TRY(unshare(CLONE_NEWUTS)));
    APART(TRY(unshare(CLONE_NEWIPC)));
    APART(TRY(unshare(CLONE_NEWCGROUP)));
    APART(TRY(unshare(CLONE_NEWNET)));
    APART(TRY(syscall(SYS_clone, CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0)));
    APART(TRY(syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0)));
    TRY(syscall(SYS_open_tree, AT_FDCWD, "/", 1));
    TRY(syscall(SYS_fsopen, "tmpfs", 0));
    TRY(syscall(SYS_move_mount, AT_FDCWD, "/proc", AT_FDCWD, "/tmp", 0));
}

static void namespaces(void)
{
    static const char *const kinds[] = {"pid", "mnt", "uts", "ipc", "cgroup"};
    char path[64];
    int fd;

    section("namespaces");
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        snprintf(path, sizeof(path), "/proc/1/ns/%s", kinds[i]);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        printf("open %s: %s\n", path, outcome(fd));
        snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i]);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        printf("%s: ", kinds[i]);
        APART(TRY(setns(fd, 0)));
        TRY(ioctl(fd, 0xb702 /* NS_GET_PARENT */) >= 0 ? 0 : -1);
        TRY(ioctl(fd, 0xb701 /* NS_GET_USERNS */) >= 0 ? 0 : -1);
        close(fd);
    }
    TRY(setns(0, 0));
    TRY(setns(-1, 0));
    fd = (int)syscall(SYS_pidfd_open, 1, 0);
    printf("a pidfd of init: %s\n", outcome(fd));
    APART(TRY(setns(fd, CLONE_NEWNS | CLONE_NEWPID)));
    TRY(syscall(SYS_pidfd_getfd, fd, 0, 0) >= 0 ? 0 : -1);
}

/* ---- paths ------------------------------------------------------------------------- */

static ino_t inode_of(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? st.st_ino : 0;
}

/* Is the host's root somewhere above? Only the host has this directory. */
static bool is_on_host(void)
{
    return access("../../../../../../../../etc/bulkhead", F_OK) == 0;
}

static void chroot_escapes(void)
{
    int fd = open("/", O_RDONLY | O_DIRECTORY);

    section("chroot");
    mkdir("/tmp/jail", 0755);
    mkdir("/tmp/jail/deep", 0755);
    APART({
        TRY(chroot("/tmp/jail"));
        TRY(fchdir(fd));
        for (int i = 0; i < 64; i++)
            (void)!chdir("..");
        TRY(chroot("."));
        printf("out of the jail, %s\n", is_on_host() ? "and on the host" : "but in the container");
    });
    APART({
        (void)!chdir("/");
        for (int i = 0; i < 64; i++)
            (void)!chdir("..");
        printf("above /, %s\n", is_on_host() ? "on the host" : "in the container");
    });
    APART({
        mkdir("/tmp/gone", 0755);
        (void)!chdir("/tmp/gone");
        rmdir("/tmp/gone");
        TRY(chdir(".."));
        printf("above a removed directory, %s\n",
               is_on_host() ? "on the host" : "in the container");
    });
    APART({
        (void)!chdir("/tmp/jail/deep");
        rename("/tmp/jail/deep", "/tmp/moved");
        for (int i = 0; i < 64; i++)
            (void)!chdir("..");
        printf("above a moved directory, %s\n", is_on_host() ? "on the host" : "in the container");
        rename("/tmp/moved", "/tmp/jail/deep");
    });
    close(fd);
}

static void magic_links(void)
{
    static const char *const links[] = {"/proc/self/root/../../..", "/proc/1/root/../..",
                                        "/proc/self/cwd/../../..", "/proc/self/task/../../../..",
                                        "/proc/thread-self/root/.."};
    char path[128];

    section("magic links");
    for (size_t i = 0; i < ARRAY_LEN(links); i++) {
        snprintf(path, sizeof(path), "%s/.", links[i]);
        printf("%s: %s\n", links[i],
               access(path, X_OK) < 0            ? error_name(errno)
               : inode_of(path) == inode_of("/") ? "the container's root"
                                                 : "elsewhere");
    }
    for (int fd = 0; fd < 3; fd++) {
        snprintf(path, sizeof(path), "/proc/self/fd/%d/../../..", fd);
        printf("%s: %s\n", path, outcome(access(path, X_OK)));
    }
    TRY(syscall(SYS_open_by_handle_at, AT_FDCWD, buffer, O_RDONLY));
    TRY(syscall(SYS_name_to_handle_at, AT_FDCWD, "/", buffer, buffer + 2048, 0) == 0 ? 0 : -1);
}

/* A volume's file swapped for a link while another process looks it up again and again. */
static void races(void)
{
    unsigned out = 0;
    pid_t pid;

    section("races");
    mkdir("/volume/d", 0755);
    need(symlink("/", "/volume/l") == 0 || errno == EEXIST, "a link in the volume");
    pid = fork();
    if (pid == 0) {
        for (;;) {
            syscall(SYS_renameat2, AT_FDCWD, "/volume/d", AT_FDCWD, "/volume/l", 2 /* EXCHANGE */);
        }
    }
    for (int i = 0; i < 20000; i++) {
        struct stat st;

        if (stat("/volume/d/../../../../etc/bulkhead", &st) == 0 ||
            stat("/volume/l/../../../init", &st) == 0)
            out++;
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    printf("found the host: %u times\n", out);
    unlink("/volume/l");
    unlink("/volume/d");
    rmdir("/volume/d");
    rmdir("/volume/l");
}

/* ---- devices and the machine ---------------------------------------------------------- */

static void devices(void)
{
    static const struct {
        const char *name;
        unsigned major, minor;
        mode_t type;
    } nodes[] = {{"mem", 1, 1, S_IFCHR},    {"port", 1, 4, S_IFCHR},    {"kmsg", 1, 11, S_IFCHR},
                 {"null", 1, 3, S_IFCHR},   {"console", 5, 1, S_IFCHR}, {"ttyS0", 4, 64, S_IFCHR},
                 {"kvm", 10, 232, S_IFCHR}, {"misc", 10, 1, S_IFCHR},   {"ram", 1, 0, S_IFBLK},
                 {"loop", 7, 0, S_IFBLK}};
    static const char *const places[] = {"/tmp", "/dev", "/dev/shm", "/volume"};
    static const char *const files[] = {
        "/dev/kvm",           "/dev/mem",           "/dev/kmsg",        "/dev/port",
        "/dev/ttyS0",         "/dev/console",       "/proc/kcore",      "/proc/kmsg",
        "/proc/kallsyms",     "/proc/iomem",        "/proc/timer_list", "/proc/keys",
        "/proc/sched_debug",  "/proc/interrupts",   "/proc/slabinfo",   "/proc/vmallocinfo",
        "/proc/1/mem",        "/proc/self/pagemap", "/sys/firmware",    "/sys/kernel/security",
        "/sys/kernel/debug/x"};
    char path[64];

    section("devices");
    for (size_t n = 0; n < ARRAY_LEN(nodes); n++) {
        for (size_t p = 0; p < ARRAY_LEN(places); p++) {
            long r, fd;

            snprintf(path, sizeof(path), "%s/%s-node", places[p], nodes[n].name);
            r = mknod(path, nodes[n].type | 0666, makedev(nodes[n].major, nodes[n].minor));
            printf("%s: mknod %s", path, outcome(r));
            fd = r < 0 ? -1 : open(path, O_RDWR | O_NONBLOCK);
            printf(", open %s\n", r < 0 ? "not tried" : outcome(fd));
            if (fd >= 0)
                close((int)fd);
            unlink(path);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        read_from(files[i]);
    TRY(chmod("/dev/null", 0));
    TRY(unlink("/dev/null"));
    TRY(rename("/dev/null", "/dev/none"));
    TRY(ioctl(0, 0x541d /* TIOCCONS */));
}

static void settings(void)
{
    static const char *const files[] = {"/proc/sysrq-trigger",
                                        "/proc/sys/kernel/hostname",
                                        "/proc/sys/kernel/core_pattern",
                                        "/proc/sys/kernel/pid_max",
                                        "/proc/sys/kernel/modprobe",
                                        "/proc/sys/vm/drop_caches",
                                        "/proc/sys/vm/overcommit_memory",
                                        "/proc/sys/fs/file-max",
                                        "/proc/sys/kernel/printk",
                                        "/sys/power/state",
                                        "/sys/kernel/uevent_helper",
                                        "/sys/fs/cgroup/cgroup.procs",
                                        "/sys/fs/cgroup/cgroup.subtree_control",
                                        "/sys/fs/cgroup/memory.max",
                                        "/sys/fs/cgroup/pids.max",
                                        "/sys/fs/cgroup/memory.oom.group",
                                        "/sys/fs/cgroup/cgroup.kill",
                                        "/sys/fs/cgroup/../cgroup.procs",
                                        "/sys/fs/cgroup/release_agent",
                                        "/proc/self/loginuid",
                                        "/proc/1/comm",
                                        "/proc/self/attr/current"};
    char dir[64] = "/sys/fs/cgroup/escape";

    section("settings");
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        write_to(files[i], "1");
    TRY(mkdir(dir, 0755));
    TRY(mkdir("/sys/x", 0755));
    TRY(mkdir("/proc/x", 0755));
    TRY(chmod("/sys/fs/cgroup", 0777));
    TRY(chmod("/proc/sys", 0777));
}

/* Without address randomisation, data executable: the program's own affair, and no privilege. */
static long personality_of_old(void)
{
    return syscall(SYS_personality, 0x0440000ul);
}

static void machine(void)
{
    struct perf_event_attr event = {.size = sizeof(event)};
    struct timeval now = {.tv_sec = 1};
    struct timespec time = {.tv_sec = 1};
    union bpf_attr bpf = {
        .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};

    section("machine");
    TRY(syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_POWER_OFF,
                0));
    TRY(syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_RESTART, 0));
    TRY(syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_CAD_OFF, 0));
    TRY(syscall(SYS_kexec_load, 0, 0, NULL, 0));
    TRY(syscall(SYS_init_module, buffer, 16, ""));
    TRY(syscall(SYS_finit_module, 0, "", 0));
    TRY(syscall(SYS_delete_module, "overlay", 0));
    TRY(iopl(3));
    TRY(ioperm(0x80, 1, 1));
    TRY(settimeofday(&now, NULL));
    TRY(clock_settime(CLOCK_REALTIME, &time));
    TRY(syscall(SYS_adjtimex, buffer) < 0 ? -1 : 0);
    TRY(sethostname("mine", 4));
    TRY(setdomainname("mine", 4));
    TRY(swapon("/tmp", 0));
    TRY(swapoff("/tmp"));
    TRY(klogctl(2, buffer, 16));
    TRY(klogctl(3, buffer, 16));
    TRY(klogctl(4, buffer, 16));
    TRY(klogctl(5, NULL, 0));
    TRY(klogctl(6, NULL, 0));
    TRY(klogctl(8, NULL, 1));
    TRY(klogctl(9, NULL, 0));
    TRY(klogctl(10, NULL, 0));
    TRY(acct("/tmp/acct"));
    TRY(quotactl(QCMD(Q_GETINFO, USRQUOTA), "/dev/null", 0, buffer));
    TRY(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 0) < 0 ? -1 : 0);
    TRY(syscall(SYS_bpf, BPF_MAP_CREATE, &bpf, sizeof(bpf)));
    TRY(syscall(SYS_perf_event_open, &event, -1, 0, -1, 0));
    TRY(syscall(SYS_userfaultfd, 0));
    TRY(syscall(SYS_lookup_dcookie, 0ul, buffer, 16));
    TRY(syscall(SYS_vhangup));
    TRY(syscall(SYS_modify_ldt, 0, buffer, 16) < 0 ? -1 : 0);
    APART(TRY(personality_of_old()));
}

/* ---- credentials ------------------------------------------------------------------------ */

/* A set-user-ID file of the attacker's own making gives what its owner has, and no more. */
static long setuid_file(void)
{
    int fd = open("/tmp/setuid", O_WRONLY | O_CREAT, 0755);

    if (fd < 0)
        return -1;
    close(fd);
    return chmod("/tmp/setuid", 04755);
}

static void credentials(void)
{
    section("credentials");
    APART(TRY(setuid(0)));
    APART(TRY(setresuid(0, 0, 0)));
    APART(TRY(setgid(0)));
    APART(TRY(setgroups(0, NULL)));
    APART(setfsuid(0); printf("fsuid: %d\n", setfsuid((uid_t)-1)));
    APART(TRY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 21 /* SYS_ADMIN */, 0, 0)));
    APART(TRY(prctl(PR_CAPBSET_READ, 21)));
    APART(TRY(prctl(PR_SET_SECUREBITS, 0x2f)));
    APART(TRY(prctl(PR_SET_KEEPCAPS, 1)));
    APART(TRY(prctl(PR_SET_MM, PR_SET_MM_START_STACK, 0, 0, 0)));
    TRY(chown("/etc/passwd", 0, 0));
    TRY(chmod("/etc/passwd", 0644));
    TRY(open("/etc/shadow", O_RDONLY) >= 0 ? 0 : -1);
    TRY(setuid_file());
}

static void descriptors(void)
{
    struct stat st;

    section("descriptors");
    for (int fd = 3; fd < 1024; fd++) {
        if (fstat(fd, &st) == 0)
            printf("descriptor %d has been left open\n", fd);
    }
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    descriptors();
    processes(argc, argv);
    namespaces();
    mounts();
    chroot_escapes();
    magic_links();
    races();
    devices();
    settings();
    machine();
    credentials();
    return 0;
}
