/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmm: run one virtual machine. What happens, in order:
 *
 *   options -> own namespaces -> open files and /dev/kvm -> guest memory
 *           -> sandbox -> { machine -> threads -> wait for its end }*
 *
 * The part in braces is repeated each time the guest restarts itself.
 */
#include "vm.h"

#include "cpio.h"
#include "report.h"
#include "sandbox.h"
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

/* So many triple faults in a row, each so soon after its start, are no restarts but a crash. */
#define MAX_EARLY_FAULTS 3
#define EARLY_S          10

static struct outside outside;
static struct vm vm;

/* ---- the process's name ------------------------------------------------------ */

static char **copy_arguments(int argc, char *argv[])
{
    char **copy = calloc((size_t)argc + 1, sizeof(*copy));

    for (int i = 0; copy != NULL && i < argc; i++)
        if ((copy[i] = strdup(argv[i])) == NULL)
            copy = NULL;
    if (copy == NULL)
        die("not enough memory for the monitor itself");
    return copy;
}

/* ps and top read a process's arguments from its memory: there, say which VM this is. */
static void set_title(int argc, char *argv[], const char *vm_name)
{
    size_t room = (size_t)(argv[argc - 1] + strlen(argv[argc - 1]) + 1 - argv[0]);

    memset(argv[0], 0, room);
    snprintf(argv[0], room, "vm %s", vm_name);
    (void)prctl(PR_SET_NAME, vm_name); /* the first 15 bytes of it */
}

/* ---- set-up -------------------------------------------------------------------- */

/* The archive that carries the command into the guest, behind its initrd. */
static void pack_command(struct linux_image *image, char *command[])
{
    struct cpio archive = { 0 };
    char *script = command_script(command);

    if (script == NULL || cpio_add_dir(&archive, "etc", 0755) < 0 ||
        cpio_add_dir(&archive, "etc/bulkhead", 0755) < 0 ||
        cpio_add_file(&archive, "etc/bulkhead/cmd", 0755, script, strlen(script)) < 0 ||
        cpio_end(&archive) < 0)
        die("not enough memory for the command");
    free(script);
    image->extra = archive.data; /* the image keeps it */
    image->extra_size = archive.size;
}

static void open_outside(const struct options *options)
{
    int input = options->console_fd >= 0 ? options->console_fd : STDIN_FILENO;
    int output = options->console_fd >= 0 ? options->console_fd : STDOUT_FILENO;

    outside.options = options;
    outside.input_fd = input;
    outside.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (outside.wake_fd < 0)
        die("cannot create an eventfd: %s", strerror(errno));
    sink_init(&outside.console, output);
    sink_init(&outside.log, options->log_fd);
    if (options->log_fd >= 0)
        fcntl(options->log_fd, F_SETFL, fcntl(options->log_fd, F_GETFL) | O_NONBLOCK);
}

static void open_image(const struct options *options)
{
    struct linux_image *image = &outside.image;
    uint64_t size = options->memory_mib * MIB;
    uint64_t available = memory_available();
    int err;

    linux_image_open(image, options->kernel, options->initrd);
    image->cmdline = options->append;
    if (options->command != NULL)
        pack_command(image, options->command);
    linux_image_check_fit(image, size);

    if (size > available)
        die("not enough memory: the VM is to have %llu MiB, the machine has %llu left; "
            "use -m with less",
            (unsigned long long)(size / MIB), (unsigned long long)(available / MIB));
    err = memory_init(&outside.memory, size);
    if (err < 0)
        die("cannot reserve %llu MiB of memory: %s; use -m with less",
            (unsigned long long)(size / MIB), strerror(-err));
}

/* ---- running ------------------------------------------------------------------- */

static void print_bus(const char *kind, const struct bus *bus)
{
    for (unsigned i = 0; i < bus->count; i++)
        if (bus->ranges[i].reads + bus->ranges[i].writes > 0)
            warn("  %s %s: %llu reads, %llu writes", kind, bus->ranges[i].name,
                 (unsigned long long)bus->ranges[i].reads,
                 (unsigned long long)bus->ranges[i].writes);
    if (bus->stray_reads + bus->stray_writes > 0)
        warn("  %s nobody's: %llu reads, %llu writes", kind,
             (unsigned long long)bus->stray_reads, (unsigned long long)bus->stray_writes);
}

static void print_stats(const struct timespec *start)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    warn("ran for %lld ms", (long long)(now.tv_sec - start->tv_sec) * 1000 +
                                (now.tv_nsec - start->tv_nsec) / 1000000);
    for (unsigned i = 0; i < vm.ncpus; i++)
        for (unsigned reason = 0; reason < 64; reason++)
            if (vm.vcpus[i].exits[reason] > 0)
                warn("  cpu %u: %llu exits of kind %u", i,
                     (unsigned long long)vm.vcpus[i].exits[reason], reason);
    print_bus("port", &vm.ports);
    print_bus("memory", &vm.memory_bus);
}

/* One life of the machine, from power-on to its end. The reason is copied to why. */
static enum vm_end run_once(char *why, size_t why_size)
{
    struct timespec start;
    enum vm_end end;

    guest_status_init(&outside.status);
    vm_create(&vm, &outside);
    clock_gettime(CLOCK_MONOTONIC, &start);
    pthread_mutex_lock(&vm.lock);
    for (unsigned i = 0; i < vm.ncpus; i++)
        vcpu_start(&vm.vcpus[i]);
    pthread_mutex_unlock(&vm.lock);
    io_loop(&vm);
    for (unsigned i = 0; i < vm.ncpus; i++)
        vcpu_join(&vm.vcpus[i]);
    if (outside.options->stats)
        print_stats(&start);
    end = vm.end;
    snprintf(why, why_size, "%s", vm.reason);
    vm_destroy(&vm);
    return end;
}

/* Run until the guest ends for good. */
static enum vm_end run(char *why, size_t why_size)
{
    unsigned early_faults = 0;

    for (;;) {
        time_t start = time(NULL);
        enum vm_end end = run_once(why, why_size);
        int err;

        if (end == VM_TRIPLE_FAULT && time(NULL) - start < EARLY_S)
            early_faults++;
        else
            early_faults = 0;
        if (end == VM_TRIPLE_FAULT &&
            (!outside.options->reboot || early_faults == MAX_EARLY_FAULTS))
            return VM_CRASHED;
        if ((end != VM_RESTARTED && end != VM_TRIPLE_FAULT) || !outside.options->reboot)
            return end;

        report_status("restarting %s", why);
        err = memory_clear(&outside.memory);
        if (err < 0)
            die("cannot clear the VM's memory for its restart: %s", strerror(-err));
    }
}

/* Tell people and the supervisor how it went; returns the exit status. */
static int conclude(enum vm_end end, const char *why)
{
    sink_drain(&outside.console);
    sink_drain(&outside.log);
    if (end == VM_CRASHED) {
        warn("crashed: %s", why);
        report_status("crashed %s", why);
        return VMM_EXIT_CRASHED;
    }
    if (end == VM_STOPPED) {
        report_status("stopped %s", why);
        return 128 + (terminal_signal() != 0 ? terminal_signal() : SIGTERM);
    }
    if (outside.status.status >= 0) {
        report_status("exited %d", outside.status.status);
        return outside.status.status;
    }
    report_status(end == VM_RESTARTED ? "reboot" : "poweroff");
    return VMM_EXIT_OK;
}

int main(int argc, char *argv[])
{
    static struct options options;
    char why[192];
    enum vm_end end;

    options_parse(&options, argc, copy_arguments(argc, argv));
    report_init(options.name);
    set_title(argc, argv, options.name);
    sandbox_close_others((const int[]){ options.console_fd, options.log_fd, options.status_fd,
                                        options.control_fd }, 4);
    if (options.sandbox)
        sandbox_spawn();

    setenv("TZ", "UTC0", 1); /* the C library would look for a time zone file in the sandbox */
    tzset();
    open_outside(&options);
    outside.kvm_fd = kvm_open();
    open_image(&options);
    terminal_catch_signals(outside.wake_fd);
    if (options.sandbox) {
        sandbox_enter(options.name, options.uid);
        sandbox_filter();
    }
    terminal_init(outside.input_fd, outside.console.fd);
    report_status("started");
    end = run(why, sizeof(why));
    return conclude(end, why);
}
