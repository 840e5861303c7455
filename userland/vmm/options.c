/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of the monitor: see usage below. */
#include "options.h"

#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_MEMORY_MIB 256
#define DEFAULT_UID        65534 /* nobody */
#define MEMORY_MIB_MAX     (1u << 20)

static const char usage[] =
    "Usage: vmm --kernel FILE [OPTIONS] [-- CMD [ARG...]]\n"
    "\n"
    "Run one virtual machine through /dev/kvm until its guest powers off.\n"
    "\n"
    "  --name NAME         what the process is called (default vm)\n"
    "  --memory MIB        guest memory (default 256)\n"
    "  --cpus N            virtual CPUs (default 1)\n"
    "  --kernel FILE       Linux kernel (bzImage)\n"
    "  --initrd FILE       initial RAM disk\n"
    "  --append STRING     kernel command line\n"
    "  --console-fd N      first serial port (default: standard input and output)\n"
    "  --log-fd N          second serial port: kernel log (default: dropped)\n"
    "  --status-fd N       where to write what becomes of the VM, in lines\n"
    "  --control-fd N      where to read commands, in lines\n"
    "  --no-reboot         end when the guest restarts\n"
    "  --uid N             user and group of the sandbox (default 65534)\n"
    "  --no-sandbox        stay in the caller's namespaces, with the caller's rights\n"
    "  --stats             at the end, print what made the guest leave its CPU\n"
    "  --help\n"
    "\n"
    "CMD travels to the guest in /etc/bulkhead/cmd of its initrd; its exit status is\n"
    "this program's. Otherwise: 0 powered off, 125 not started, 126 crashed.\n";

enum {
    OPT_NAME = 256,
    OPT_MEMORY,
    OPT_CPUS,
    OPT_KERNEL,
    OPT_INITRD,
    OPT_APPEND,
    OPT_CONSOLE_FD,
    OPT_LOG_FD,
    OPT_STATUS_FD,
    OPT_CONTROL_FD,
    OPT_NO_REBOOT,
    OPT_UID,
    OPT_NO_SANDBOX,
    OPT_STATS,
    OPT_HELP
};

static const struct option long_options[] = {
    { "name", required_argument, NULL, OPT_NAME },
    { "memory", required_argument, NULL, OPT_MEMORY },
    { "cpus", required_argument, NULL, OPT_CPUS },
    { "kernel", required_argument, NULL, OPT_KERNEL },
    { "initrd", required_argument, NULL, OPT_INITRD },
    { "append", required_argument, NULL, OPT_APPEND },
    { "console-fd", required_argument, NULL, OPT_CONSOLE_FD },
    { "log-fd", required_argument, NULL, OPT_LOG_FD },
    { "status-fd", required_argument, NULL, OPT_STATUS_FD },
    { "control-fd", required_argument, NULL, OPT_CONTROL_FD },
    { "no-reboot", no_argument, NULL, OPT_NO_REBOOT },
    { "uid", required_argument, NULL, OPT_UID },
    { "no-sandbox", no_argument, NULL, OPT_NO_SANDBOX },
    { "stats", no_argument, NULL, OPT_STATS },
    { "help", no_argument, NULL, OPT_HELP },
    { NULL, 0, NULL, 0 },
};

static uint64_t number(const char *option, const char *text, uint64_t min, uint64_t max)
{
    char *end;
    unsigned long long value;

    errno = 0;
    value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || value < min || value > max)
        die("--%s %s: a number from %llu to %llu is needed", option, text,
            (unsigned long long)min, (unsigned long long)max);
    return value;
}

static int open_fd(const char *option, const char *text)
{
    int fd = (int)number(option, text, 0, 1 << 20);

    if (fcntl(fd, F_GETFD) < 0)
        die("--%s %d: no such descriptor is open", option, fd);
    return fd;
}

void options_parse(struct options *options, int argc, char *argv[])
{
    int option;

    *options = (struct options){
        .name = "vm", .memory_mib = DEFAULT_MEMORY_MIB, .cpus = 1, .append = "",
        .console_fd = -1, .log_fd = -1, .status_fd = -1, .control_fd = -1,
        .reboot = true, .sandbox = true, .uid = DEFAULT_UID,
    };
    while ((option = getopt_long(argc, argv, "+", long_options, NULL)) != -1) {
        switch (option) {
        case OPT_NAME:
            options->name = optarg;
            break;
        case OPT_MEMORY:
            options->memory_mib = number("memory", optarg, 1, MEMORY_MIB_MAX);
            break;
        case OPT_CPUS:
            options->cpus = (unsigned)number("cpus", optarg, 1, VMM_MAX_CPUS);
            break;
        case OPT_KERNEL:
            options->kernel = optarg;
            break;
        case OPT_INITRD:
            options->initrd = optarg;
            break;
        case OPT_APPEND:
            options->append = optarg;
            break;
        case OPT_CONSOLE_FD:
            options->console_fd = open_fd("console-fd", optarg);
            break;
        case OPT_LOG_FD:
            options->log_fd = open_fd("log-fd", optarg);
            break;
        case OPT_STATUS_FD:
            options->status_fd = open_fd("status-fd", optarg);
            report_set_status_fd(options->status_fd);
            break;
        case OPT_CONTROL_FD:
            options->control_fd = open_fd("control-fd", optarg);
            break;
        case OPT_NO_REBOOT:
            options->reboot = false;
            break;
        case OPT_UID:
            options->uid = (uid_t)number("uid", optarg, 1, UINT32_MAX - 1);
            break;
        case OPT_NO_SANDBOX:
            options->sandbox = false;
            break;
        case OPT_STATS:
            options->stats = true;
            break;
        case OPT_HELP:
            fputs(usage, stdout);
            exit(VMM_EXIT_OK);
        default: /* getopt has said what is wrong */
            die("see vmm --help");
        }
    }
    if (optind < argc)
        options->command = argv + optind;
    if (options->kernel == NULL)
        die("no kernel given: --kernel FILE is needed (see vmm --help)");
}
